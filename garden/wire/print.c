// A message as one line for a log.
#include "emit.h"
#include "line.h"
#include "schema.h"

const char *garden_message_name(const struct garden_message *message)
{
    if ((unsigned)message->family >= GARDEN_FAMILY_NONE) return "Unknown";
    const struct garden__type *type = garden__family_types[message->family];
    if (type->shape != GARDEN__VARIANTS) return "QueryRequest"; // the only content that is a struct
    const unsigned kind = garden__kind_get(&message->shell_request);
    return kind < type->variant_count ? type->variants[kind].name : "Unknown";
}

static void print_uuid(struct garden__line *line, const char *before, struct garden_uuid uuid)
{
    char text[GARDEN_UUID_TEXT_SIZE + 1];
    garden_uuid_format(uuid, text);
    garden__line_text(line, before);
    garden__line_text(line, text);
}

size_t garden_message_print(const struct garden_message *message, char *out, size_t size)
{
    if (size == 0) return 0;
    struct garden__line line = garden__line_of(out, size);
    garden__line_text(&line, garden_family_text(message->family));
    print_uuid(&line, " ", message->header.msg_id);
    if (message->has_parent) print_uuid(&line, " re ", message->parent.msg_id);
    garden__line_text(&line, " ");
    if ((unsigned)message->family >= GARDEN_FAMILY_NONE) return line.used;

    // A buffer that cannot grow: what does not fit is left away, and the line says so.
    uint8_t content[512];
    struct garden_buffer buffer = {
        .data = content, .capacity = sizeof content, .size_max = sizeof content};
    struct garden__emitter e = {.out = &buffer, .encoding = GARDEN_JSON};
    garden__unbind(garden__family_types[message->family], &message->shell_request, GARDEN_EXTERNAL,
                   "content", &e, NULL);
    garden__line_foreign(&line, (const char *)buffer.data, buffer.size);
    if (buffer.error) garden__line_text(&line, "...");
    return line.used;
}
