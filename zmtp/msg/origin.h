// The inside of an origin: the pipe that it speaks through, and its references.
#ifndef ZMTP_MSG_ORIGIN_H
#define ZMTP_MSG_ORIGIN_H

#include <stdatomic.h>

#include "slab.h"

// One is made for each connection and never changed; it goes with its last reference. The end of a pipe
// that receives from it keeps it in a list, in the order of the connections that spoke there. Fields
// of the list belong to that end's owner.
struct zmtp__origin {
    struct zmtp_origin told; // first, so that the two are one address
    const struct zmtp_allocator *allocator;
    size_t size;               // of the whole block
    struct zmtp_part metadata; // where |told.metadata| lies, if it was passed on; else it is behind
    struct zmtp__origin *next; // the connection after it
    uint64_t first;            // the number, in the pipe, of its first message
    uint32_t spare;            // references that were taken ahead of messages
    atomic_size_t refs;
    uint8_t octets[];
};

// A view of nothing is told as null.
static inline struct zmtp_bytes zmtp__origin_told(struct zmtp_bytes view)
{
    return view.size > 0 ? view : (struct zmtp_bytes){0};
}
// A copy of |told| with one reference; null: no memory. |metadata|, unless null, holds what the view of
// that name shows, and is taken on success: it may be large, and the one that sent it a stranger.
struct zmtp__origin *zmtp__origin_open(const struct zmtp_origin *told, struct zmtp_part *metadata,
                                       const struct zmtp_allocator *allocator);
void zmtp__origin_ref(struct zmtp__origin *origin);
void zmtp__origin_unref(struct zmtp__origin *origin); // null is fine
// One reference of the stock, for a message that came from it. By the owner of the end that receives.
const struct zmtp_origin *zmtp__origin_lend(struct zmtp__origin *origin);
// |msg| comes from |origin|, or from nobody that is known. By the owner of the end that receives.
void zmtp__origin_put(struct zmtp__origin *origin, struct zmtp_msg *msg);
// The end has no more messages from |origin|, and lets go of it.
void zmtp__origin_retire(struct zmtp__origin *origin);

// Empties |msg| but for its origin, for the next message, which is most likely from the same one.
void zmtp__msg_clear(struct zmtp_msg *msg);
// The same, after whoever it was given to is done with it. One reference that its last part held to |slab| is
// not given up but becomes |*spare|, in place of what that was: the next message is most likely there too.
static inline void zmtp__msg_reuse(struct zmtp_msg *msg, struct zmtp_slab *slab,
                                   struct zmtp_slab **spare)
{
    if (msg->count == 1 && !msg->more && !msg->few[0].slab) { // as most are
        msg->count = 0;
        msg->routing_id = 0;
        return;
    }
    // One part, or a routing id and one.
    const bool few = !msg->more && (msg->count == 1 || (msg->count == 2 && !msg->few[0].slab));
    struct zmtp_slab *const held = few ? msg->few[msg->count - 1].slab : NULL;
    if (!few || (held && held != slab)) {
        zmtp__msg_clear(msg);
        return;
    }
    if (held && *spare) zmtp__slab_unref(*spare);
    if (held) *spare = held;
    msg->count = 0;
    msg->routing_id = 0;
}

#endif
