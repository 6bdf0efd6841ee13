// XSUB (RFC 29): as SUB, for those who pass subscriptions on. A message of one part that begins with
// octet 1 or 0 is a subscription or its end, and goes to all publishers as a command; any other goes
// to all of them as it is, and a full one misses it. What comes in is not matched with the
// subscriptions: those who made them will do that.
//
// Publishers hear of every subscription, the same topic again too, because an XPUB may want to tell
// of each; and of its end when it is the last, or each time if asked to.
#include "fair_queue.h"
#include "spread.h"
#include "wishes.h"

struct xsub {
    struct zmtp__subscribing subscribing;
    struct zmtp__spread spread;
};

static struct xsub *xsub_of(struct zmtp_socket *socket)
{
    return (struct xsub *)socket;
}

static void xsub_open(struct zmtp_socket *socket)
{
    zmtp__wishes_open(socket);
    zmtp__spread_init(&xsub_of(socket)->spread);
}

static void xsub_close(struct zmtp_socket *socket)
{
    zmtp__wishes_close(socket);
    zmtp__spread_fini(&xsub_of(socket)->spread);
}

static void xsub_gone(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    zmtp__spread_forget(&xsub_of(socket)->spread, lane);
}

static int xsub_subscribe(struct zmtp_socket *socket, struct zmtp_bytes topic)
{
    return zmtp__wishes_add(socket, topic, true);
}

static int xsub_cancel(struct zmtp_socket *socket, struct zmtp_bytes topic)
{
    return zmtp__wishes_remove(socket, topic, socket->config.xsub_verbose_unsubscribe);
}

static void xsub_choose(struct zmtp_socket *socket)
{
    for (struct zmtp__node *node = socket->lanes.next; node->lane; node = node->next)
        if (zmtp__lane_admits(socket, node->lane)) zmtp__spread_choose(socket, node->lane);
}

static int xsub_admits(struct zmtp_socket *socket, struct zmtp_bytes first)
{
    (void)first; // of a message that is no wish: it goes to all
    if (!socket->config.nodrop) return ZMTP_OK;
    xsub_choose(socket);
    return zmtp__spread_admits(socket, &xsub_of(socket)->spread);
}

static int xsub_send_message(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    xsub_choose(socket);
    if (zmtp__list_first(&socket->writable))
        return zmtp__spread_send(socket, &xsub_of(socket)->spread, out);
    zmtp__socket_dropped(socket, ZMTP_DROP_NO_ROUTE, 1);
    return ZMTP_OK;
}

static int xsub_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    const struct zmtp_bytes first = zmtp__outgoing_bytes(out, 0);
    if (out->count > 1 || first.size == 0 || first.data[0] > 1)
        return xsub_send_message(socket, out);
    const struct zmtp_bytes topic = {first.data + 1, first.size - 1};
    if (first.data[0] == 1) return xsub_subscribe(socket, topic);
    const int result = xsub_cancel(socket, topic);
    return result == ZMTP_ERR_NOT_FOUND ? ZMTP_OK : result; // somebody else's, passed on
}

static unsigned xsub_events(struct zmtp_socket *socket)
{
    const bool waits = zmtp__spread_waits(socket, &xsub_of(socket)->spread);
    return (zmtp__fair_queue_first(socket) ? ZMTP_READABLE : 0u) | (waits ? 0u : ZMTP_WRITABLE);
}

const struct zmtp__pattern zmtp__xsub = {
    .socket_size = sizeof(struct xsub),
    .lane_size = sizeof(struct zmtp__spread_lane),
    .fair_queued = true,
    .open = xsub_open,
    .close = xsub_close,
    .linked = zmtp__wishes_linked,
    .topics = zmtp__wishes_topics,
    .gone = xsub_gone,
    .released = xsub_gone,
    .send = xsub_send,
    .admits = xsub_admits,
    .recv = zmtp__fair_queue_recv,
    .events = xsub_events,
    .subscribe = xsub_subscribe,
    .cancel = xsub_cancel,
};
