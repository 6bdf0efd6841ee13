// A content without its message.
#include <string.h>

#include "schema.h"
#include "tree.h"

// Which octet of the JSON is wrong is in |offset|, for those who wrote it. The text is read by people, of whom most
// gave a program its words and saw no JSON, so it has the path alone, which is of the schema's names.
static void content_unplace(struct garden_fault *fault)
{
    static const char mark[] = ", octet ";
    char *place = fault->text + strlen(fault->path);
    if (strncmp(place, mark, sizeof mark - 1) != 0) return;
    const char *end = place + sizeof mark - 1;
    end += strspn(end, "0123456789");
    memmove(place, end, strlen(end) + 1);
}

static int content_read(struct garden_message *message, struct zmtp_bytes json,
                        struct garden_fault *fault)
{
    const struct garden__type *type = garden__family_types[message->family];
    struct garden__tree tree;
    garden__tree_init(&tree, &message->arena);
    tree.content = true;
    garden__json_read(&tree, json);
    int error = garden__tree_fault(&tree, fault);
    if (!error) {
        const struct garden_value content = garden__tree_value(&tree);
        // The union's first member lies where every other does.
        error = garden__bind(type, &content, garden__dialect_of(type, &content, GARDEN_EXTERNAL),
                             "content", &message->arena, &message->shell_request, fault);
        if (error && fault) content_unplace(fault);
    }
    garden__tree_fini(&tree);
    return error;
}

int garden_content_decode(struct garden_message *message, enum garden_family family,
                          struct zmtp_bytes json, const struct zmtp_allocator *allocator,
                          struct garden_fault *fault)
{
    static const struct garden_uuid none;
    static const struct garden_time never;
    if (fault) *fault = (struct garden_fault){.code = GARDEN_OK};
    if ((unsigned)family >= GARDEN_FAMILY_NONE) {
        *message = (struct garden_message){.family = GARDEN_FAMILY_NONE};
        return GARDEN_ERR_ARGUMENT;
    }
    garden_message_init(message, family, none, none, never);
    garden_arena_init(&message->arena, allocator, 0);
    const int error = content_read(message, json, fault);
    if (error) garden_message_fini(message);
    return error;
}
