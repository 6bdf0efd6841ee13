// A run: messages of one part, one behind the other, of the only peer that has any. The user is given them one by
// one from where they lie, and the queue, the lane and the socket hear of all of them at once, when the run is
// settled. It does what the short way of one message does (express.h), so whatever is out of the ordinary ends it.
//
// Between begin and settle nobody looks at the three, or changes them: whoever lets the user do anything meanwhile
// sees to it that the run is settled before anything is done (zmtp__engine_enter).
#ifndef ZMTP_SOCKET_RUN_H
#define ZMTP_SOCKET_RUN_H

#include "express.h"

struct zmtp__run {
    struct zmtp_socket *socket;
    struct zmtp__lane *lane; // null: it was settled
    struct zmtp__origin *origin;
    struct zmtp_slab *slab;
    const uint8_t *at, *end; // the next message; of the range
    size_t count;            // messages that may be given, then those that were
    size_t left;             // of the former; 0 when it was settled
    bool asked;              // a SUB's: each has to be one that it wants
};

// A run of |max| messages at most. False: the next one, if there is one, is for others to give.
static inline bool zmtp__run_begin(struct zmtp__run *run, struct zmtp_socket *socket, size_t max)
{
    if (!zmtp__express_gives(socket)) return false;
    struct zmtp__lane *const lane = zmtp__list_first(&socket->readable);
    // With several peers the turn passes after each message.
    if (!lane || !zmtp__list_alone(&socket->readable, &lane->readable)) return false;
    const struct zmtp__queue *const queue = lane->end->in;
    if (queue->count == 0 || (queue->stale | queue->sent) > 0) return false;
    struct zmtp__origin *const origin = zmtp__express_origin(lane->end);
    if (!origin) return false;
    const struct zmtp__range *const range = zmtp__queue_first(queue);
    run->socket = socket;
    run->lane = lane;
    run->origin = origin;
    run->slab = range->slab;
    run->at = range->begin;
    run->end = range->end;
    run->count = run->left = queue->count < max ? queue->count : max;
    run->asked = socket->pattern == &zmtp__sub;
    return true;
}

// Shows the body of the next message and passes over it. False: there is none, or it is none of one part that is wanted.
static inline bool zmtp__run_next(struct zmtp__run *run, struct zmtp_bytes *body)
{
    if (run->left == 0) return false;
    const uint8_t *const at = run->at;
    const size_t here = (size_t)(run->end - at);
    if (here < 2) return false;
    size_t header = 2;
    uint64_t size = at[1];
    if (at[0] != 0) {
        if (at[0] != ZMTP_FLAG_LONG || here < ZMTP_HEADER_MAX) return false;
        header = ZMTP_HEADER_MAX;
        size = zmtp__frame_long_size(at + 1);
    }
    if (here - header < size) return false;
    *body = (struct zmtp_bytes){at + header, (size_t)size};
    if (run->asked && !zmtp__sub_wants(run->socket, *body)) return false;
    run->at = at + header + size;
    run->left--;
    return true;
}

// Passes over the next message, if its header is a short one as that of the one before, which was given and had |size|
// octets, at most 255; its body ends at |at| then. False: it is for zmtp__run_next.
static inline bool zmtp__run_next_alike(struct zmtp__run *run, size_t size)
{
    const size_t frame = ZMTP__QUEUE_HEADER_FEW + size;
    const uint8_t *const at = run->at;
    if (run->left == 0 || (size_t)(run->end - at) < frame) return false;
    // Of a long header these are the last two octets, which with such a size are those of a short one.
    if (memcmp(at, at - frame, ZMTP__QUEUE_HEADER_FEW) != 0) return false;
    run->at = at + frame;
    run->left--;
    return true;
}

// What was given leaves the queue. Harmless when it was settled before.
static inline void zmtp__run_settle(struct zmtp__run *run)
{
    struct zmtp__lane *const lane = run->lane;
    if (!lane) return;
    run->lane = NULL;
    run->count -= run->left;
    run->left = 0;
    if (run->count == 0) return;
    zmtp__queue_leave_many(lane->end->in, run->at, run->count);
    zmtp__pipe_consumed(lane->end);
    lane->taken += run->count;
    run->socket->counters.received += run->count;
}

#endif
