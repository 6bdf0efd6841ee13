// PUB (RFC 29): a copy of each message to every subscriber, chosen by the first part. Subscriptions
// come in as SUBSCRIBE and CANCEL commands, or as messages of octet 1 or 0 and the topic (ZMTP 3.0);
// both are understood from anybody, and nothing else is.
//
// PUB waits for nobody: a subscriber whose queue is full misses the message, and so does one whose
// queue cannot grow for want of memory; unless the user wants to wait rather than drop.
//
// A new connection has no subscriptions until it sends some. Those of a dialled pipe stay while its
// connection is down, so that messages wait for the subscriber (RFC 29), until the next one is up. A
// subscriber that asks for more than the limits allow is cut off.
#include "publisher.h"

// Acts on the first message, part by part; is there more to it than wishes? What fails is done again from the start, which is harmless.
static int pub_act(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct zmtp__subscriptions *set = &zmtp__publisher_of(socket)->subscriptions;
    struct zmtp__subscriber *subscriber = zmtp__publisher_subscriber(lane);
    struct zmtp__queue_part part = {.at = NULL};
    // What an earlier connection wished ended with it.
    const bool old = zmtp__pipe_first_is_old(lane->end);
    bool wishes = true, other = false;
    while (zmtp__queue_next_part(lane->end->in, &part)) {
        struct zmtp_bytes topic = {0};
        int result = ZMTP_OK;
        switch (wishes ? zmtp__wish_of(&part, &topic) : ZMTP__NO_WISH) {
        case ZMTP__SUBSCRIBE:
            if (!old) result = zmtp__subscriptions_add(set, subscriber, topic);
            break;
        case ZMTP__CANCEL:
            zmtp__subscriptions_remove(set, subscriber, topic);
            break;
        case ZMTP__NO_WISH:
            other = true;
            break;
        }
        if (result < 0) return result;
        wishes = !socket->config.only_first_subscribe;
    }
    return other;
}

static int pub_incoming(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    while (lane->end->in->count > 0) {
        zmtp__publisher_used(zmtp__publisher_of(socket));
        const int result = pub_act(socket, lane);
        if (result < 0) return result; // it stays first in the queue
        if (result > 0)
            zmtp__lane_drop(socket, lane, ZMTP_DROP_UNEXPECTED);
        else
            zmtp__lane_heed(socket, lane);
    }
    return ZMTP_OK;
}

static void pub_choose(struct zmtp_socket *socket, struct zmtp_bytes topic)
{
    zmtp__publisher_used(zmtp__publisher_of(socket));
    zmtp__publisher_choose_by(socket, topic);
}

static int pub_admits(struct zmtp_socket *socket, struct zmtp_bytes topic)
{
    if (!socket->config.nodrop) return ZMTP_OK;
    pub_choose(socket, topic);
    return zmtp__spread_admits(socket, &zmtp__publisher_of(socket)->spread);
}

static int pub_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    pub_choose(socket, zmtp__outgoing_bytes(out, 0));
    return zmtp__publisher_send(socket, out);
}

const struct zmtp__pattern zmtp__pub = {
    .socket_size = sizeof(struct zmtp__publisher),
    .lane_size = sizeof(struct zmtp__publisher_lane),
    .open = zmtp__publisher_open,
    .close = zmtp__publisher_close,
    .attached = zmtp__publisher_attached,
    .linked = zmtp__publisher_linked,
    .incoming = pub_incoming,
    .gone = zmtp__publisher_released,
    .released = zmtp__publisher_released,
    .send = pub_send,
    .admits = pub_admits,
    .events = zmtp__publisher_events,
    .deadline = zmtp__publisher_deadline,
    .tick = zmtp__publisher_tick,
    .subscribers = zmtp__publisher_subscribers,
    .topics = zmtp__publisher_topics,
};
