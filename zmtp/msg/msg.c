#include "origin.h"

#include <string.h>

void zmtp_msg_init(struct zmtp_msg *msg, const struct zmtp_allocator *allocator)
{
    if (!msg) return;
    msg->allocator = allocator ? allocator : zmtp_heap();
    msg->more = NULL;
    msg->count = 0;
    msg->capacity = ZMTP_MSG_INLINE_PARTS;
    msg->routing_id = 0;
    msg->request = 0;
    msg->origin = NULL;
}

void zmtp__msg_clear(struct zmtp_msg *msg)
{
    for (size_t i = 0; i < msg->count; i++)
        zmtp_part_fini(zmtp_msg_part(msg, i));
    if (msg->more) zmtp_free(msg->allocator, msg->more, msg->capacity * sizeof *msg->more);
    msg->more = NULL;
    msg->count = 0;
    msg->capacity = ZMTP_MSG_INLINE_PARTS;
    msg->routing_id = 0;
}

void zmtp_msg_fini(struct zmtp_msg *msg)
{
    if (!msg) return;
    zmtp__msg_clear(msg);
    if (msg->origin) zmtp_origin_unref(msg->origin);
    msg->origin = NULL;
}

void zmtp_msg_move(struct zmtp_msg *to, struct zmtp_msg *from)
{
    if (to == from) return;
    zmtp_msg_fini(to);
    *to = *from;
    zmtp_msg_init(from, to->allocator);
}

struct zmtp_bytes zmtp_msg_bytes(const struct zmtp_msg *msg, size_t index)
{
    if (!msg || index >= msg->count) return (struct zmtp_bytes){0};
    return zmtp_part_bytes((msg->more ? msg->more : msg->few) + index);
}

size_t zmtp_msg_size(const struct zmtp_msg *msg)
{
    if (!msg) return 0;
    size_t size = 0;
    for (size_t i = 0; i < msg->count; i++)
        size += zmtp_msg_bytes(msg, i).size;
    return size;
}

static int msg_grow(struct zmtp_msg *msg)
{
    if (msg->capacity > UINT32_MAX / 2) return ZMTP_ERR_MEMORY;
    const uint32_t capacity = msg->capacity * 2;
    struct zmtp_part *parts =
        zmtp_realloc(msg->allocator, msg->more, msg->more ? msg->capacity * sizeof *parts : 0,
                     capacity * sizeof *parts);
    if (!parts) return ZMTP_ERR_MEMORY;
    if (!msg->more) memcpy(parts, msg->few, msg->count * sizeof *parts);
    msg->more = parts;
    msg->capacity = capacity;
    return ZMTP_OK;
}

int zmtp_msg_append_part(struct zmtp_msg *msg, struct zmtp_part *part)
{
    if (!msg || !part) return ZMTP_ERR_ARGUMENT;
    if (msg->count == msg->capacity) {
        const int result = msg_grow(msg);
        if (result < 0) return result;
    }
    *zmtp_msg_part(msg, msg->count++) = *part;
    *part = (struct zmtp_part){0};
    return ZMTP_OK;
}

int zmtp_msg_append(struct zmtp_msg *msg, struct zmtp_bytes octets)
{
    if (!msg) return ZMTP_ERR_ARGUMENT;
    struct zmtp_part part;
    int result = zmtp_part_copy(&part, octets, msg->allocator);
    if (result < 0) return result;
    result = zmtp_msg_append_part(msg, &part);
    if (result < 0) zmtp_part_fini(&part);
    return result;
}

void zmtp_msg_drop_front(struct zmtp_msg *msg, size_t count)
{
    if (!msg) return;
    if (count > msg->count) count = msg->count;
    struct zmtp_part *parts = zmtp_msg_part(msg, 0);
    for (size_t i = 0; i < count; i++)
        zmtp_part_fini(&parts[i]);
    msg->count -= (uint32_t)count;
    memmove(parts, parts + count, msg->count * sizeof *parts);
}
