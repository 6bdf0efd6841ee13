// The way that most messages take: one short part, on a socket whose pattern passes messages on as they are, as a SUB does
// those it wants, or, of a ROUTER, a routing id and one short part. It does what the general functions do, in a few
// steps, and nothing at all where anything is out of the ordinary: then it is theirs.
#ifndef ZMTP_SOCKET_EXPRESS_H
#define ZMTP_SOCKET_EXPRESS_H

#include "balance.h"
#include "fair_queue.h"
#include "router.h"
#include "routes.h"
#include "sub.h"

// Sends a message of the one part |body|. False: it was not sent.
static inline bool zmtp__express_send(struct zmtp_socket *socket, struct zmtp_bytes body)
{
    // What happened to a lane is looked at first: until its mark is taken off, it may be anything.
    if (socket->marks.first || !zmtp__octets_ok(body)) return false;
    struct zmtp__lane *const lane = zmtp__balance_clear(socket);
    if (!lane || !zmtp__queue_write(lane->end->out, body)) return false;
    zmtp__pipe_published(lane->end);
    zmtp__balance_pass(socket);
    socket->counters.sent++;
    return true;
}

// The same of few octets on a way that is known, to a peer that is going to be looked at anyway, as it is after the first
// of many: in the fewest steps, none of which is a call.
static inline bool zmtp__express_send_few(struct zmtp_socket *socket, struct zmtp_bytes body)
{
    struct zmtp__queue *const queue = socket->way.queue;
    if (socket->marks.first || !queue || !zmtp__octets_ok(body)) return false;
    if (!socket->way.reader->marked || !zmtp__queue_fits_few(queue, body)) return false;
    socket->counters.sent++;
    zmtp__queue_write_few(queue, body);
    if (zmtp__balance_turns(socket)) zmtp__balance_pass(socket);
    return true;
}

// The same to the peer that |id| names.
static inline bool zmtp__express_send_to(struct zmtp_socket *socket, struct zmtp_bytes id,
                                         struct zmtp_bytes body)
{
    if (socket->marks.first || socket->pattern != &zmtp__router) return false;
    if (socket->config.conflate || !zmtp__octets_ok(id) || !zmtp__octets_ok(body)) return false;
    if (!zmtp__router_send_short(socket, id, body)) return false;
    socket->counters.sent++;
    return true;
}

// Would that send find the peer, and room?
static inline bool zmtp__express_reaches(struct zmtp_socket *socket, struct zmtp_bytes id)
{
    if (socket->marks.first || socket->pattern != &zmtp__router || !zmtp__octets_ok(id))
        return false;
    return socket->pattern->reaches(socket, id) == ZMTP_OK;
}

// Is what comes given as it is, or, of a SUB, what of it is wanted? No, also where a lane is marked: it may be anything.
static inline bool zmtp__express_gives(const struct zmtp_socket *socket)
{
    if (socket->marks.first) return false;
    return socket->pattern == &zmtp__sub || socket->pattern->recv == zmtp__fair_queue_recv;
}

// Who sent all that waits at |end|. Null: it is not known, or there were several.
static inline struct zmtp__origin *zmtp__express_origin(const struct zmtp_pipe_end *end)
{
    struct zmtp__origin *const origin = end->speaker;
    return origin && !origin->next ? origin : NULL;
}

// A message that can be received, where it lies, until the socket does anything else.
struct zmtp__express_view {
    struct zmtp__lane *lane;
    struct zmtp__queue_one one;
    struct zmtp__origin *origin;
};
// Shows the next message, of one part, without taking it; a SUB's, if it was asked for. False: a general receive tells
// what there is.
static inline bool zmtp__express_peek(struct zmtp_socket *socket, struct zmtp__express_view *view)
{
    if (!zmtp__express_gives(socket)) return false;
    struct zmtp__lane *const lane = zmtp__list_first(&socket->readable);
    if (!lane || !zmtp__pipe_readable(lane->end)) return false;
    view->lane = lane;
    view->origin = zmtp__express_origin(lane->end);
    if (!view->origin || !zmtp__queue_peek_one(lane->end->in, &view->one)) return false;
    return socket->pattern != &zmtp__sub || zmtp__sub_wants(socket, view->one.body);
}

// Takes what was shown last.
static inline void zmtp__express_take(struct zmtp_socket *socket,
                                      const struct zmtp__express_view *view)
{
    struct zmtp__lane *const lane = view->lane;
    zmtp__queue_leave_one(lane->end->in, &view->one);
    zmtp__pipe_consumed(lane->end);
    zmtp__list_pass(&socket->readable, &lane->readable);
    lane->taken++;
    socket->counters.received++;
}

// Receives it into |msg|, which has no parts. |spare|: see zmtp__part_show. False: nothing was received.
static inline bool zmtp__express_recv_one(struct zmtp_socket *socket, struct zmtp_msg *msg,
                                          struct zmtp_slab **spare)
{
    struct zmtp__express_view view;
    if (msg->more || !zmtp__express_peek(socket, &view)) return false;
    msg->count = 1;
    zmtp__part_show(msg->few, view.one.body, view.one.range->slab, spare);
    if (msg->origin != &view.origin->told) zmtp__origin_put(view.origin, msg);
    zmtp__express_take(socket, &view);
    return true;
}

// Is this lane's next message one that |recv| would give as it is, behind the routing id if it has one?
// Then the id is put into |msg|.
static inline bool zmtp__express_name(const struct zmtp_socket *socket, struct zmtp__lane *lane,
                                      struct zmtp_msg *msg)
{
    if (socket->pattern->recv == zmtp__fair_queue_recv) return true;
    if (socket->pattern->recv != zmtp__routes_recv) return false;
    const struct zmtp_part *const id = &zmtp__routed_of(lane)->routing_id;
    if (lane->notices || id->slab || msg->more) return false;
    msg->few[msg->count++] = *id; // all of it is in the part
    return true;
}

// The same of a message that may have a routing id put before it.
static inline bool zmtp__express_recv_named(struct zmtp_socket *socket, struct zmtp_msg *msg,
                                            struct zmtp_slab **spare)
{
    if (socket->marks.first) return false;
    struct zmtp__lane *const lane = zmtp__list_first(&socket->readable);
    if (!lane || !zmtp__pipe_readable(lane->end)) return false;
    struct zmtp__origin *const origin = zmtp__express_origin(lane->end);
    if (!origin || !zmtp__express_name(socket, lane, msg)) return false;
    if (!zmtp__queue_take_one(lane->end->in, msg, spare)) {
        msg->count = 0;
        return false;
    }
    if (msg->origin != &origin->told) zmtp__origin_put(origin, msg);
    zmtp__pipe_consumed(lane->end);
    zmtp__list_pass(&socket->readable, &lane->readable);
    lane->taken++;
    socket->counters.received++;
    return true;
}

// One or the other.
static inline bool zmtp__express_recv(struct zmtp_socket *socket, struct zmtp_msg *msg,
                                      struct zmtp_slab **spare)
{
    return zmtp__express_recv_one(socket, msg, spare) ||
           zmtp__express_recv_named(socket, msg, spare);
}

#endif
