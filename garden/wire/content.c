// A content without its message: it is read as one, with an envelope around it.
#include <string.h>

#include "../wire.h"

static int content_put(struct garden_buffer *out, const char *text)
{
    return garden_buffer_append(out, text, strlen(text));
}

static int content_wrap(struct garden_buffer *out, enum garden_family family,
                        struct zmtp_bytes json)
{
    static const char head[] =
        "{\"header\":{\"msg_id\":\"00000000-0000-4000-8000-000000000000\","
        "\"session\":\"00000000-0000-4000-8000-000000000000\",\"msg_type\":\"";
    static const char middle[] =
        "\",\"version\":\"" GARDEN_VERSION "\",\"timestamp\":\"2000-01-01T00:00:00Z\"},"
        "\"parent_header\":null,\"metadata\":{},\"content\":";
    int result = content_put(out, head);
    if (result == GARDEN_OK) result = content_put(out, garden_family_text(family));
    if (result == GARDEN_OK) result = content_put(out, middle);
    if (result == GARDEN_OK) result = garden_buffer_append(out, json.data, json.size);
    return result == GARDEN_OK ? content_put(out, "}") : result;
}

// The octet that a fault tells counts the envelope, which nobody wrote: its path says where it is.
static void content_unplace(struct garden_fault *fault)
{
    char *place = strstr(fault->text, ", octet ");
    char *end = place ? strchr(place, ':') : NULL;
    if (end) memmove(place, end, strlen(end) + 1);
}

int garden_content_decode(struct garden_message *message, enum garden_family family,
                          struct zmtp_bytes json, const struct zmtp_allocator *allocator,
                          struct garden_fault *fault)
{
    struct garden_form form = {GARDEN_JSON, GARDEN_EXTERNAL};
    struct garden_buffer octets;
    struct garden_arena arena;
    struct garden_value alone;
    *message = (struct garden_message){.family = GARDEN_FAMILY_NONE};
    if ((unsigned)family >= GARDEN_FAMILY_NONE) return GARDEN_ERR_ARGUMENT;
    // By itself first, so that what is read is a content, and not the end of one and more behind it.
    garden_arena_init(&arena, allocator, 0);
    int result = garden_json_decode(json, &arena, &alone, fault);
    garden_arena_fini(&arena);
    if (result < 0) return result;
    garden_buffer_init(&octets, allocator, 0);
    result = content_wrap(&octets, family, json);
    if (result == GARDEN_OK)
        result =
            garden_message_decode(message, garden_buffer_bytes(&octets), allocator, &form, fault);
    if (result < 0 && fault) content_unplace(fault);
    garden_buffer_fini(&octets);
    return result;
}
