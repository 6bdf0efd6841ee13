// DISH (RFC 48): receives the messages of the groups that it joined, as two parts: group and body.
// Every RADIO is told of each group, and a new connection of all. What comes from another group, or
// has not two parts, is dropped.
//
// A full queue discards nothing: the connection reads no more, and the RADIO decides.
#include "alter.h"
#include "fair_queue.h"
#include "wishes.h"

static void dish_open(struct zmtp_socket *socket)
{
    zmtp__wishes_open(socket);
    zmtp__wishes_of(socket)->add = "JOIN";
    zmtp__wishes_of(socket)->remove = "LEAVE";
}

static int dish_join(struct zmtp_socket *socket, struct zmtp_bytes group)
{
    if (!zmtp__group_ok(group)) return ZMTP_ERR_ARGUMENT;
    return zmtp__wishes_add(socket, group, false);
}

bool zmtp__dish_joined(struct zmtp_socket *socket, struct zmtp_bytes group)
{
    return zmtp__tally_count(&zmtp__wishes_of(socket)->topics, group) > 0;
}

static int dish_leave(struct zmtp_socket *socket, struct zmtp_bytes group)
{
    return zmtp__wishes_remove(socket, group, false);
}

// Is it a group and a body, and no more? The reason when it is not wanted.
static bool dish_wants(struct zmtp_socket *socket, const struct zmtp__queue *queue,
                       enum zmtp_drop *reason)
{
    struct zmtp__queue_part part = {.at = NULL};
    (void)zmtp__queue_next_part(queue, &part); // a message has a first part
    const struct zmtp_bytes group = part.body;
    *reason = ZMTP_DROP_ENVELOPE;
    if (!zmtp__queue_next_part(queue, &part) || !part.last) return false;
    *reason = ZMTP_DROP_NO_MATCH;
    return zmtp__tally_count(&zmtp__wishes_of(socket)->topics, group) > 0;
}

// The lane whose turn it is with a message that was asked for.
static struct zmtp__lane *dish_first(struct zmtp_socket *socket)
{
    struct zmtp__lane *lane;
    enum zmtp_drop reason;
    while ((lane = zmtp__fair_queue_first(socket)) && !dish_wants(socket, lane->end->in, &reason))
        zmtp__fair_queue_drop(socket, lane, reason);
    return lane;
}

static int dish_recv(struct zmtp_socket *socket, struct zmtp_msg *msg)
{
    struct zmtp__lane *lane = dish_first(socket);
    return lane ? zmtp__fair_queue_take(socket, lane, msg) : ZMTP_ERR_AGAIN;
}

static unsigned dish_events(struct zmtp_socket *socket)
{
    return dish_first(socket) ? ZMTP_READABLE : 0u;
}

const struct zmtp__pattern zmtp__dish = {
    .socket_size = sizeof(struct zmtp__subscribing),
    .lane_size = sizeof(struct zmtp__lane),
    .fair_queued = true,
    .open = dish_open,
    .close = zmtp__wishes_close,
    .linked = zmtp__wishes_linked,
    .topics = zmtp__wishes_topics,
    .recv = dish_recv,
    .events = dish_events,
    .subscribe = dish_join,
    .cancel = dish_leave,
};
