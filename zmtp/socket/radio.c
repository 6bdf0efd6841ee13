// RADIO (RFC 48): a message has a group and a body, as two parts, on the wire too; a copy goes to every
// peer that joined that group. JOIN and LEAVE come in as commands, and nothing else does.
//
// Where datagrams go nobody tells what is wanted: such a peer, which calls itself a DGRAM, gets
// every message; and while there is one, no message may be longer than a datagram.
//
// RADIO waits for nobody, as PUB, whose rules on queues, connections and limits are also its own.
#include "publisher.h"

struct radio {
    struct zmtp__publisher publisher;
    struct zmtp__node listeners; // lanes that get everything
};

struct radio_lane {
    struct zmtp__publisher_lane base;
    struct zmtp__node listening;
};

static struct radio *radio_of(struct zmtp_socket *socket)
{
    return (struct radio *)socket;
}

static void radio_open(struct zmtp_socket *socket)
{
    zmtp__publisher_open(socket);
    zmtp__list_init(&radio_of(socket)->listeners);
}

static int radio_attached(struct zmtp_socket *socket, struct zmtp__lane *lane,
                          struct zmtp_bytes routing_id)
{
    ((struct radio_lane *)lane)->listening.lane = lane;
    return zmtp__publisher_attached(socket, lane, routing_id);
}

static int radio_linked(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    const struct zmtp_link *link = zmtp_pipe_link(lane->end);
    struct zmtp__node *const listening = &((struct radio_lane *)lane)->listening;
    if (link->up && link->type == ZMTP_DGRAM)
        zmtp__list_append(&radio_of(socket)->listeners, listening);
    else
        zmtp__node_remove(listening);
    return zmtp__publisher_linked(socket, lane);
}

static void radio_gone(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    zmtp__node_remove(&((struct radio_lane *)lane)->listening);
    zmtp__publisher_released(socket, lane);
}

static enum zmtp__wish radio_wish(const struct zmtp__queue_part *part, struct zmtp_bytes *group)
{
    struct zmtp_command command;
    if (!part->command || zmtp_command_decode(part->body, &command) < 0) return ZMTP__NO_WISH;
    *group = command.data;
    if (!zmtp__group_ok(command.data)) return ZMTP__NO_WISH;
    if (zmtp_command_is(&command, "JOIN")) return ZMTP__SUBSCRIBE;
    return zmtp_command_is(&command, "LEAVE") ? ZMTP__CANCEL : ZMTP__NO_WISH;
}

static int radio_incoming(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct zmtp__subscriptions *set = &zmtp__publisher_of(socket)->subscriptions;
    struct zmtp__subscriber *subscriber = zmtp__publisher_subscriber(lane);
    while (lane->end->in->count > 0) {
        struct zmtp__queue_part part = {.at = NULL};
        struct zmtp_bytes group = {0};
        int result = ZMTP_OK;
        bool other = false;
        zmtp__publisher_used(zmtp__publisher_of(socket));
        (void)zmtp__queue_next_part(lane->end->in, &part); // a message has a first part
        switch (radio_wish(&part, &group)) {
        case ZMTP__SUBSCRIBE:
            // What an earlier connection wished ended with it.
            if (!zmtp__pipe_first_is_old(lane->end))
                result = zmtp__subscriptions_add(set, subscriber, group);
            break;
        case ZMTP__CANCEL:
            zmtp__subscriptions_remove(set, subscriber, group);
            break;
        case ZMTP__NO_WISH:
            other = true;
            break;
        }
        if (result < 0) return result; // it stays first in the queue
        if (other)
            zmtp__lane_drop(socket, lane, ZMTP_DROP_UNEXPECTED);
        else
            zmtp__lane_heed(socket, lane);
    }
    return ZMTP_OK;
}

static int radio_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    if (out->count != 2) return ZMTP_ERR_ARGUMENT;
    const struct zmtp_bytes group = zmtp__outgoing_bytes(out, 0);
    if (!zmtp__group_ok(group)) return ZMTP_ERR_ARGUMENT;
    const struct zmtp__node *const listeners = &radio_of(socket)->listeners;
    if (zmtp__list_first(listeners) &&
        1 + group.size + zmtp__outgoing_bytes(out, 1).size > socket->config.datagram_max)
        return ZMTP_ERR_LIMIT;
    struct zmtp__subscriptions *set = &zmtp__publisher_of(socket)->subscriptions;
    zmtp__publisher_choose(socket, zmtp__subscriptions_equal(set, group));
    for (const struct zmtp__node *node = listeners->next; node->lane; node = node->next)
        zmtp__spread_choose(socket, node->lane);
    return zmtp__publisher_send(socket, out);
}

const struct zmtp__pattern zmtp__radio = {
    .socket_size = sizeof(struct radio),
    .lane_size = sizeof(struct radio_lane),
    .open = radio_open,
    .close = zmtp__publisher_close,
    .attached = radio_attached,
    .linked = radio_linked,
    .incoming = radio_incoming,
    .gone = radio_gone,
    .released = radio_gone,
    .send = radio_send,
    .events = zmtp__publisher_events,
    .deadline = zmtp__publisher_deadline,
    .tick = zmtp__publisher_tick,
    .subscribers = zmtp__publisher_subscribers,
    .topics = zmtp__publisher_topics,
};
