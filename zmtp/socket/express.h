// The way that most messages take: one short part, on a socket whose pattern passes messages on as they are,
// while one peer alone can be sent to, or has something. It does what the general functions do, in a few
// steps and without a call, and nothing at all where anything is out of the ordinary: then it is theirs.
#ifndef ZMTP_SOCKET_EXPRESS_H
#define ZMTP_SOCKET_EXPRESS_H

#include "balance.h"
#include "fair_queue.h"

// The only lane on |list|; null: there is none, or others have their turns as well.
static inline struct zmtp__lane *zmtp__express_lane(const struct zmtp__node *list)
{
    return list->next == list->previous ? list->next->lane : NULL;
}

// Sends a message of the one part |body|. False: it was not sent.
static inline bool zmtp__express_send(struct zmtp_socket *socket, struct zmtp_bytes body)
{
    // What happened to a lane is looked at first: until its mark is taken off, it may be anything.
    if (socket->marks.first || !zmtp__octets_ok(body)) return false;
    if (socket->pattern->send != zmtp__balance_send_on || socket->config.conflate) return false;
    struct zmtp__lane *const lane = zmtp__express_lane(&socket->writable);
    if (!lane || !zmtp__lane_roomy(socket, lane) || lane->end->other->closed) return false;
    if (!zmtp__queue_write(lane->end->out, body)) return false;
    zmtp__pipe_published(lane->end);
    lane->copies++;
    socket->counters.copies++;
    socket->counters.sent++;
    return true;
}

// Receives into |msg|, which has no parts. |spare|: see zmtp__part_show. False: nothing was received.
static inline bool zmtp__express_recv(struct zmtp_socket *socket, struct zmtp_msg *msg,
                                      struct zmtp_slab **spare)
{
    if (socket->marks.first || socket->pattern->recv != zmtp__fair_queue_recv) return false;
    struct zmtp__lane *const lane = zmtp__express_lane(&socket->readable);
    if (!lane || !zmtp__pipe_readable(lane->end)) return false;
    struct zmtp__origin *const origin = lane->end->speaker;
    if (!origin || origin->next) return false;
    if (!zmtp__queue_take_one(lane->end->in, msg, spare)) return false;
    if (msg->origin != &origin->told) zmtp__origin_put(origin, msg);
    zmtp__pipe_consumed(lane->end);
    lane->taken++;
    socket->counters.received++;
    return true;
}

#endif
