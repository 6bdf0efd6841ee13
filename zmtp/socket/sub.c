// SUB (RFC 29): receives what it subscribed to. Subscriptions are counted here; publishers are told of
// the first SUBSCRIBE, or each, and the last CANCEL of a topic, because they keep a set. Every new connection is
// told all topics anew. What comes unasked (a publisher may be slow to act on CANCEL) is dropped.
//
// A full queue discards nothing: the connection reads no more, and the publisher decides.
#include "sub.h"

#include "fair_queue.h"

static int sub_subscribe(struct zmtp_socket *socket, struct zmtp_bytes topic)
{
    return zmtp__wishes_add(socket, topic, socket->config.sub_verbose_subscribe);
}

static int sub_cancel(struct zmtp_socket *socket, struct zmtp_bytes topic)
{
    return zmtp__wishes_remove(socket, topic, false);
}

// The lane whose turn it is with a message that was asked for.
static struct zmtp__lane *sub_first(struct zmtp_socket *socket)
{
    struct zmtp__lane *lane;
    while ((lane = zmtp__fair_queue_first(socket)) &&
           !zmtp__sub_wants(socket, zmtp__queue_first_body(lane->end->in)))
        zmtp__fair_queue_drop(socket, lane, ZMTP_DROP_NO_MATCH);
    return lane;
}

static int sub_recv(struct zmtp_socket *socket, struct zmtp_msg *msg)
{
    struct zmtp__lane *lane = sub_first(socket);
    return lane ? zmtp__fair_queue_take(socket, lane, msg) : ZMTP_ERR_AGAIN;
}

static unsigned sub_events(struct zmtp_socket *socket)
{
    return sub_first(socket) ? ZMTP_READABLE : 0u;
}

const struct zmtp__pattern zmtp__sub = {
    .socket_size = sizeof(struct zmtp__subscribing),
    .lane_size = sizeof(struct zmtp__lane),
    .fair_queued = true,
    .open = zmtp__wishes_open,
    .close = zmtp__wishes_close,
    .linked = zmtp__wishes_linked,
    .topics = zmtp__wishes_topics,
    .recv = sub_recv,
    .events = sub_events,
    .subscribe = sub_subscribe,
    .cancel = sub_cancel,
};
