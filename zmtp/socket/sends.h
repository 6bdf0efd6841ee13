// Sends: short messages of one part, one behind the other, to the only peer there is. They are put where the queue would
// have them, and the queue and the socket hear of all of them at once, when they are settled; for each are left a few
// comparisons and its octets. It is what a run (run.h) is for those that are received.
//
// They begin behind a message that went the short way (express.h), and are as many as may follow it without anything that
// would have to be done or told. Between begin and settle nobody looks at the queue or the socket, or changes them:
// whoever is entered, by a call of the user's or by the loop, settles first (zmtp__engine_enter). The queue is open
// meanwhile, so that its own checks find who did not.
#ifndef ZMTP_SOCKET_SENDS_H
#define ZMTP_SOCKET_SENDS_H

#include "../base/fetch.h"
#include "express.h"

enum {
    ZMTP__SENDS_LEAST = 4, // it is not worth it for fewer messages
    // What is written so many octets later is fetched meanwhile: what another thread has read last would be waited for line
    // by line, as a processor does not keep the stores of more than a few messages waiting.
    ZMTP__SENDS_AHEAD = 320,
};

struct zmtp__sends {
    uint8_t *at, *end; // where the next message goes, and where none may go any more
    size_t left;       // of |count|
    size_t count;      // messages that may be sent
    uint8_t *begin;
    struct zmtp_socket *socket;
};

// After zmtp__express_send_few has sent one. |most|: messages; |max|: octets, headers among them. False: they do not begin.
static inline bool zmtp__sends_begin(struct zmtp__sends *sends, struct zmtp_socket *socket,
                                     size_t most, size_t max)
{
    struct zmtp__queue *const queue = socket->way.queue;
    const uint32_t room = queue->written_end - (uint32_t)queue->written;
    const size_t count = room < most ? room : most;
    if (count < ZMTP__SENDS_LEAST || zmtp__balance_turns(socket)) return false;
    sends->begin = sends->at = queue->tail_at;
    sends->end = sends->begin + (max < queue->room ? max : queue->room);
    sends->count = sends->left = count;
    sends->socket = socket;
    queue->open = true;
    return true;
}

// Sends a message of |body| alone. False: it was not sent.
static inline bool zmtp__sends_put(struct zmtp__sends *sends, struct zmtp_bytes body)
{
    enum { HEADER = ZMTP__QUEUE_HEADER_FEW };
    uint8_t *const at = sends->at;
    if (!body.data || body.size > ZMTP__COPY_FEW) return false;
    if ((size_t)(sends->end - at) < HEADER + body.size || sends->left == 0) return false;
    zmtp__fetch_to_write(at, ZMTP__SENDS_AHEAD);
    at[0] = 0; // no flags
    at[1] = (uint8_t)body.size;
    sends->at = at + HEADER + body.size;
    sends->left--;
    zmtp__copy_few(at + HEADER, body.data, body.size);
    return true;
}

// Those that were sent are messages of the queue, and counted. Returns the octets of their bodies.
static inline size_t zmtp__sends_settle(const struct zmtp__sends *sends)
{
    struct zmtp_socket *const socket = sends->socket;
    const size_t count = sends->count - sends->left, size = (size_t)(sends->at - sends->begin);
    socket->way.queue->open = false;
    zmtp__queue_followed_by(socket->way.queue, size, count);
    socket->counters.sent += count;
    return size - count * ZMTP__QUEUE_HEADER_FEW;
}

#endif
