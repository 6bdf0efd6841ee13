#include <string.h>

#include "emit.h"
#include "line.h"
#include "tree.h"
#include "walk.h"

#define MESSAGE_FAMILY(name, constant, text) [GARDEN_##constant] = text,
static const char *const message_families[GARDEN_FAMILY_NONE] = {GARDEN_FAMILIES(MESSAGE_FAMILY)};

const char *garden_family_text(enum garden_family family)
{
    return (unsigned)family < GARDEN_FAMILY_NONE ? message_families[family] : "unknown";
}

enum garden_family garden_family_find(struct garden_text msg_type)
{
    for (unsigned i = 0; i < GARDEN_FAMILY_NONE; i++) {
        if (garden_text_is(msg_type, message_families[i])) return (enum garden_family)i;
    }
    return GARDEN_FAMILY_NONE;
}

// All of it: an initializer need not clear more of a union than its first member.
static void message_clear(struct garden_message *message)
{
    memset(message, 0, sizeof *message);
    message->family = GARDEN_FAMILY_NONE;
}

void garden_message_init(struct garden_message *message, enum garden_family family,
                         struct garden_uuid msg_id, struct garden_uuid session,
                         struct garden_time now)
{
    message_clear(message);
    message->family = family;
    message->header = (struct garden_header){
        .msg_id = msg_id,
        .session = session,
        .msg_type = garden_text_of(garden_family_text(family)),
        .version = garden_text_of(GARDEN_VERSION),
        .timestamp = now,
    };
}

void garden_message_reply(struct garden_message *reply, const struct garden_message *request,
                          enum garden_family family, struct garden_uuid msg_id,
                          struct garden_time now)
{
    garden_message_init(reply, family, msg_id, request->header.session, now);
    reply->has_parent = true;
    reply->parent = request->header;
}

void garden_message_fini(struct garden_message *message)
{
    if (message->arena.allocator) garden_arena_fini(&message->arena);
    message_clear(message);
}

// The union's first member lies where every other does.
static void *message_content(struct garden_message *message)
{
    return &message->shell_request;
}

static int message_fail(struct garden_fault *fault, int code, size_t offset, const char *path,
                        const char *expected, struct garden_text found)
{
    if (!fault) return code;
    char text[64];
    struct garden__line line = garden__line_of(text, sizeof text);
    garden__line_foreign(&line, found.data, found.size);
    const struct garden__walk walk = {.root = path};
    garden__walk_fault(&walk, fault, code, offset, expected, text);
    return code;
}

// The |index|-th item of a list, or the |key| of a map, whichever |value| is; null when it has none.
static const struct garden_value *message_part(const struct garden_value *value, size_t index,
                                               const char *key)
{
    if (value->type != GARDEN_LIST) return garden_value_find(value, key);
    return index < value->list.count ? &value->list.items[index] : NULL;
}

static int message_read(struct garden_message *message, const struct garden_value *document,
                        struct garden_form *form, struct garden_fault *fault)
{
    struct garden__envelope envelope = {.has_parent_header = false};
    int error = garden__bind(&garden__envelope_type, document, form->dialect, "", &message->arena,
                             &envelope, fault);
    if (error) return error;
    const struct garden_header *header = &envelope.header;
    const size_t offset = message_part(document, 0, "header")->offset;
    if (!garden_text_is(header->version, GARDEN_VERSION)) {
        return message_fail(fault, GARDEN_ERR_VERSION, offset, "header.version",
                            "expected " GARDEN_VERSION, header->version);
    }
    message->family = garden_family_find(header->msg_type);
    if (message->family == GARDEN_FAMILY_NONE) {
        return message_fail(fault, GARDEN_ERR_TYPE, offset, "header.msg_type",
                            "expected a type known here", header->msg_type);
    }
    message->header = envelope.header;
    message->has_parent = envelope.has_parent_header;
    message->parent = envelope.parent_header;
    message->metadata = envelope.metadata;
    const struct garden__type *type = garden__family_types[message->family];
    form->dialect = garden__dialect_of(type, &envelope.content, form->dialect);
    return garden__bind(type, &envelope.content, form->dialect, "content", &message->arena,
                        message_content(message), fault);
}

int garden_message_decode(struct garden_message *message, struct zmtp_bytes in,
                          const struct zmtp_allocator *allocator, struct garden_form *form,
                          struct garden_fault *fault)
{
    message_clear(message);
    if (fault) *fault = (struct garden_fault){.code = GARDEN_OK};
    garden_arena_init(&message->arena, allocator, 0);
    struct garden__tree tree;
    garden__tree_init(&tree, &message->arena);
    form->encoding = garden__tree_read(&tree, in);
    int error = garden__tree_fault(&tree, fault);
    if (!error) {
        const struct garden_value document = garden__tree_value(&tree);
        error = message_read(message, &document, form, fault);
    }
    garden__tree_fini(&tree);
    if (error) garden_message_fini(message);
    return error;
}

// One field of a |header| that may be broken elsewhere, into |to|, a header of |message|. False when it
// cannot be told.
static bool message_salvage(struct garden_message *message, const struct garden_value *header,
                            size_t index, struct garden_header *to)
{
    const struct garden__field *field = &garden__header_type->fields[index];
    const struct garden_value *value = message_part(header, index, field->name);
    if (!value) return false;
    void *out = (char *)to + field->offset;
    return garden__bind(field->type, value, GARDEN_EXTERNAL, "header", &message->arena, out,
                        NULL) == GARDEN_OK;
}

// Of the header that a reply answers, the msg_id, which is the first field, is enough.
static void message_peek_parent(struct garden_message *message, const struct garden__tree *tree)
{
    const struct garden_value *parent = garden__tree_salvage(tree, 1, "parent_header");
    message->has_parent = parent && message_salvage(message, parent, 0, &message->parent);
}

// What the peer can be told to have asked, in which form.
static bool message_peek(struct garden_message *message, const struct garden__tree *tree,
                         struct garden_form *form)
{
    const struct garden_value *header = garden__tree_salvage(tree, 0, "header");
    if (!header) return false;
    bool enough = true;
    for (size_t i = 0; i < garden__header_type->field_count; i++) {
        const bool told = message_salvage(message, header, i, &message->header);
        const size_t offset = garden__header_type->fields[i].offset;
        const bool optional = offset == offsetof(struct garden_header, version) ||
                              offset == offsetof(struct garden_header, timestamp);
        if (!told && !optional) enough = false;
    }
    if (!enough) return false;
    message_peek_parent(message, tree);
    message->family = garden_family_find(message->header.msg_type);
    const struct garden_value *content = garden__tree_salvage(tree, 3, "content");
    if (content && message->family != GARDEN_FAMILY_NONE) {
        form->dialect =
            garden__dialect_of(garden__family_types[message->family], content, form->dialect);
    }
    return true;
}

int garden_envelope_peek(struct garden_message *message, struct zmtp_bytes in,
                         const struct zmtp_allocator *allocator, struct garden_form *form)
{
    message_clear(message);
    garden_arena_init(&message->arena, allocator, 0);
    struct garden__tree tree;
    garden__tree_init(&tree, &message->arena);
    form->encoding = garden__tree_read(&tree, in);
    const bool told = message_peek(message, &tree, form);
    const bool memory = tree.error == GARDEN_ERR_MEMORY;
    garden__tree_fini(&tree);
    if (told) return GARDEN_OK;
    garden_message_fini(message);
    return memory ? GARDEN_ERR_MEMORY : GARDEN_ERR_FORMAT;
}

// The four parts one by one: the content's type is not the envelope's to know.
static void message_write(const struct garden_message *message, struct garden_form form,
                          struct garden__emitter *e, struct garden_fault *fault)
{
    const bool named = form.encoding == GARDEN_JSON;
    if (named) {
        garden__emit_map(e, 4);
        garden__emit_key(e, garden_text_of("header"));
    } else {
        garden__emit_list(e, 4);
    }
    garden__unbind(garden__header_type, &message->header, form.dialect, "header", e, fault);
    if (named) garden__emit_key(e, garden_text_of("parent_header"));
    if (message->has_parent) {
        garden__unbind(garden__header_type, &message->parent, form.dialect, "parent_header", e,
                       fault);
    } else {
        garden__emit_null(e);
    }
    if (named) garden__emit_key(e, garden_text_of("metadata"));
    garden__unbind(garden__metadata_type, &message->metadata, form.dialect, "metadata", e, fault);
    if (named) garden__emit_key(e, garden_text_of("content"));
    garden__unbind(garden__family_types[message->family], &message->shell_request, form.dialect,
                   "content", e, fault);
    if (named) {
        garden__emit_map_end(e);
    } else {
        garden__emit_list_end(e);
    }
}

int garden_message_encode(const struct garden_message *message, struct garden_form form,
                          struct garden_buffer *out, struct garden_fault *fault)
{
    if (fault) *fault = (struct garden_fault){.code = GARDEN_OK};
    if (out->error) return out->error;
    if ((unsigned)message->family >= GARDEN_FAMILY_NONE) return GARDEN_ERR_ARGUMENT;
    const size_t size = out->size;
    struct garden__emitter e = {.out = out, .encoding = form.encoding};
    message_write(message, form, &e, fault);
    return garden__emit_finish(&e, size);
}
