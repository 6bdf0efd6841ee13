// A message on its way out: a view of a zmtp_msg or of an array of octets, so that both kinds of send
// share one path. It owns nothing.
#ifndef ZMTP_SOCKET_OUTGOING_H
#define ZMTP_SOCKET_OUTGOING_H

#include "borrow.h"

struct zmtp__outgoing {
    const struct zmtp_msg *msg; // null: the octets at |parts|
    const struct zmtp_bytes *parts;
    size_t first, count;           // the parts meant
    struct zmtp__borrow *borrowed; // of the last of |parts|; null: it is to be copied
};

static inline struct zmtp__outgoing zmtp__outgoing_of_msg(const struct zmtp_msg *msg)
{
    return (struct zmtp__outgoing){.msg = msg, .count = msg->count};
}

static inline struct zmtp__outgoing zmtp__outgoing_of_parts(const struct zmtp_bytes *parts,
                                                            size_t count)
{
    return (struct zmtp__outgoing){.parts = parts, .count = count};
}

static inline struct zmtp_bytes zmtp__outgoing_bytes(const struct zmtp__outgoing *out, size_t index)
{
    return out->msg ? zmtp_msg_bytes(out->msg, out->first + index) : out->parts[out->first + index];
}

// The slab that holds part |index|; null when the octets must be copied.
struct zmtp_slab *zmtp__outgoing_slab(const struct zmtp__outgoing *out, size_t index);

// Writes one message, the parts of |head| (null: none) before those of |body|, and leaves it open. On
// failure the queue is as it was.
int zmtp__outgoing_put(struct zmtp__queue *queue, const struct zmtp__outgoing *head,
                       const struct zmtp__outgoing *body);
// The same, and ends it.
int zmtp__outgoing_write(struct zmtp__queue *queue, const struct zmtp__outgoing *head,
                         const struct zmtp__outgoing *body);

// The octets of the whole message as frames, and the frames themselves into |room|, which has as many.
size_t zmtp__outgoing_frames_size(const struct zmtp__outgoing *out);
void zmtp__outgoing_frames(const struct zmtp__outgoing *out, uint8_t *room);

#endif
