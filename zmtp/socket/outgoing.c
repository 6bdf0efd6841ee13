#include "outgoing.h"

#include <string.h>

struct zmtp_slab *zmtp__outgoing_slab(const struct zmtp__outgoing *out, size_t index)
{
    if (!out->msg) return NULL;
    const struct zmtp_part *parts = out->msg->more ? out->msg->more : out->msg->few;
    return parts[out->first + index].slab;
}

static int outgoing_parts(struct zmtp__queue *queue, const struct zmtp__outgoing *out, bool last)
{
    for (size_t i = 0; i < out->count; i++) {
        const unsigned flags = last && i + 1 == out->count ? 0 : ZMTP_FLAG_MORE;
        struct zmtp_slab *slab = zmtp__outgoing_slab(out, i);
        if (out->borrowed && flags == 0) slab = zmtp__borrow_take(out->borrowed, queue);
        const int result = zmtp__queue_put(queue, zmtp__outgoing_bytes(out, i), slab, flags);
        if (result < 0) return result;
    }
    return ZMTP_OK;
}

int zmtp__outgoing_put(struct zmtp__queue *queue, const struct zmtp__outgoing *head,
                       const struct zmtp__outgoing *body)
{
    zmtp__queue_begin(queue);
    const int result = head ? outgoing_parts(queue, head, false) : ZMTP_OK;
    return result < 0 ? result : outgoing_parts(queue, body, true);
}

int zmtp__outgoing_write(struct zmtp__queue *queue, const struct zmtp__outgoing *head,
                         const struct zmtp__outgoing *body)
{
    const int result = zmtp__outgoing_put(queue, head, body);
    if (result == ZMTP_OK) zmtp__queue_end(queue, 1);
    return result;
}

static size_t outgoing_header(const struct zmtp__outgoing *out, size_t index,
                              uint8_t header[ZMTP_HEADER_MAX])
{
    const struct zmtp_frame frame = {.size = zmtp__outgoing_bytes(out, index).size,
                                     .more = index + 1 < out->count};
    return zmtp_frame_encode(&frame, header);
}

size_t zmtp__outgoing_frames_size(const struct zmtp__outgoing *out)
{
    uint8_t header[ZMTP_HEADER_MAX];
    size_t size = 0;
    for (size_t i = 0; i < out->count; i++)
        size += outgoing_header(out, i, header) + zmtp__outgoing_bytes(out, i).size;
    return size;
}

void zmtp__outgoing_frames(const struct zmtp__outgoing *out, uint8_t *room)
{
    for (size_t i = 0; i < out->count; i++) {
        uint8_t header[ZMTP_HEADER_MAX];
        const size_t header_size = outgoing_header(out, i, header);
        memcpy(room, header, header_size);
        room += header_size;
        const struct zmtp_bytes body = zmtp__outgoing_bytes(out, i);
        if (body.size > 0) memcpy(room, body.data, body.size);
        room += body.size;
    }
}
