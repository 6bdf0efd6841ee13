// XPUB (RFC 29): as PUB, and its user is told of subscriptions, as messages of octet 1 or 0 and the
// topic, and receives what else subscribers send.
//
// Normally a subscription takes effect when it comes in, and the user is told when a topic gets its
// first subscriber and when it has lost its last: what is still to be told is kept for each topic (news.h),
// so a user that never receives delays nobody. In the other modes every one is told, in the order in which its
// peer sent it. A peer is not heard further before the user has been told of what it said, so that
// here, too, nothing piles up.
//
// The subscriptions of a peer that goes end one by one. Those whose ends the user is to hear of it leaves
// behind, where they match nothing, and each is removed when its end is told: that takes no memory, nor
// time when the peer goes. They are never more than the user once heard of.
//
// In the manual modes a subscription of a peer is but a wish; the user decides what the peer of the
// last one received is subscribed to.
#include "news.h"
#include "publisher.h"

#include <string.h>

enum xpub_due {
    XPUB_NOTHING,
    XPUB_WISH,    // the part of its first message that was acted upon last
    XPUB_MESSAGE, // its first message, without the parts that are wishes
};

struct xpub_lane {
    struct zmtp__publisher_lane publisher;
    struct zmtp__subscriber asked; // manual: what the peer wants, rather than has
    struct zmtp__queue_part part;  // how far the first message was acted upon
    enum xpub_due due;             // what the user is to receive of it next
    bool subscribes;               // the wish due
    bool fresh;                    // and the user knows of no subscription that it repeats
    struct zmtp_bytes topic;       // its topic, in the queue
    bool message;                  // a part of the first message is no wish
};

struct xpub {
    struct zmtp__publisher publisher;
    struct zmtp__subscriptions asked;
    struct zmtp__news news;
    struct xpub_lane *last; // manual: sent the last wish received; null: it is gone
    bool last_alone;        // the next message is for it alone
};

static struct xpub *xpub_of(struct zmtp_socket *socket)
{
    return (struct xpub *)socket;
}

static struct xpub_lane *xpub_lane_of(struct zmtp__lane *lane)
{
    return (struct xpub_lane *)lane;
}

static bool xpub_is_manual(const struct xpub *xpub)
{
    const enum zmtp_xpub_mode mode = xpub->publisher.socket.config.xpub_mode;
    return mode == ZMTP_XPUB_MANUAL || mode == ZMTP_XPUB_LAST_VALUE;
}

static bool xpub_is_normal(const struct xpub *xpub)
{
    return xpub->publisher.socket.config.xpub_mode == ZMTP_XPUB_NORMAL;
}

static bool xpub_is_verbose(const struct xpub *xpub)
{
    return xpub->publisher.socket.config.xpub_mode == ZMTP_XPUB_VERBOSE;
}

// Where the peers' wishes are noted.
static struct zmtp__subscriptions *xpub_set(struct xpub *xpub)
{
    return xpub_is_manual(xpub) ? &xpub->asked : &xpub->publisher.subscriptions;
}

static struct zmtp__subscriber *xpub_subscriber(const struct xpub *xpub, struct xpub_lane *lane)
{
    return xpub_is_manual(xpub) ? &lane->asked : &lane->publisher.subscriber;
}

static void xpub_open(struct zmtp_socket *socket)
{
    const struct zmtp_socket_config *config = &socket->config;
    struct xpub *xpub = xpub_of(socket);
    zmtp__publisher_open(socket);
    zmtp__subscriptions_init(&xpub->asked, config->allocator, config->subscriptions_max,
                             config->topic_bytes_max, config->topic_seed);
    zmtp__news_init(&xpub->news, config->allocator, &xpub->publisher.subscriptions);
}

static void xpub_close(struct zmtp_socket *socket)
{
    struct xpub *xpub = xpub_of(socket);
    zmtp__news_fini(&xpub->news);
    zmtp__subscriptions_fini(&xpub->asked);
    zmtp__publisher_close(socket);
}

static int xpub_attached(struct zmtp_socket *socket, struct zmtp__lane *lane,
                         struct zmtp_bytes routing_id)
{
    xpub_lane_of(lane)->asked.owner = lane;
    return zmtp__publisher_attached(socket, lane, routing_id);
}

// Stands the topic in the news' queue, or was in verbose mode nobody's subscription to it told yet?
static bool xpub_has_new(struct xpub *xpub, struct zmtp_bytes topic)
{
    return zmtp__subscriptions_is_new(&xpub->publisher.subscriptions, topic);
}

// The user was not told yet of a subscription that is over now, and need not be.
static void xpub_leave_untold(struct xpub *xpub, struct xpub_lane *lane)
{
    if (lane->due != XPUB_WISH || !lane->subscribes) return;
    lane->due = XPUB_NOTHING;
    zmtp__node_remove(&lane->publisher.spread.lane.readable); // before there is something due again
    if (!lane->fresh) return;                                 // of an earlier one it was told
    if (xpub_is_verbose(xpub) && !xpub_has_new(xpub, lane->topic)) return; // or of another's
    if (zmtp__subscriptions_sharers(xpub_set(xpub), lane->topic) == 1)
        zmtp__news_set(&xpub->news, lane->topic, false, true);
    zmtp__subscriptions_remove(xpub_set(xpub), xpub_subscriber(xpub, lane), lane->topic);
}

// Nor will it be by the lane of an end; so it is by the news.
static void xpub_leave_end_untold(struct xpub *xpub, struct xpub_lane *lane)
{
    if (lane->due != XPUB_WISH || lane->subscribes) return;
    lane->due = XPUB_NOTHING;
    zmtp__node_remove(&lane->publisher.spread.lane.readable);
    zmtp__news_awaited(&xpub->news, lane->topic, true);
}

// Is each end of a subscription told, whoever else has one to the topic?
static bool xpub_tells_each(const struct xpub *xpub)
{
    return xpub_is_manual(xpub) || xpub->publisher.socket.config.xpub_mode == ZMTP_XPUB_VERBOSER;
}

// Of a peer that goes, what others have as well ends without a word, and so does what the user was not told of.
static void xpub_leave_quietly(struct xpub *xpub, struct zmtp__subscriber *subscriber)
{
    struct zmtp__subscriptions *set = xpub_set(xpub);
    struct zmtp__slot_cursor cursor = {0};
    struct zmtp_bytes topic;
    while (zmtp__subscriptions_next(set, subscriber, &cursor, &topic)) {
        const bool alone = zmtp__subscriptions_sharers(set, topic) == 1;
        if (alone && !zmtp__news_is_new(&xpub->news, topic)) continue;
        if (alone) zmtp__news_set(&xpub->news, topic, false, false);
        zmtp__subscriptions_remove(set, subscriber, topic);
    }
}

// All that the lane subscribed to ends. This needs no memory.
static void xpub_leave(struct zmtp_socket *socket, struct zmtp__lane *base)
{
    struct xpub *xpub = xpub_of(socket);
    struct xpub_lane *lane = xpub_lane_of(base);
    struct zmtp__subscriber *subscriber = xpub_subscriber(xpub, lane);
    xpub_leave_untold(xpub, lane);
    if (!xpub_tells_each(xpub)) xpub_leave_quietly(xpub, subscriber);
    zmtp__news_tidy(&xpub->news);
    zmtp__subscriptions_depart(xpub_set(xpub), subscriber);
    zmtp__publisher_clear(socket, base); // what a manual user subscribed it to
    if (xpub->last == lane) xpub->last = NULL;
}

// The topic of an end that the user is to be told next, of peers that have gone. False: there is none. Where
// another has come for the topic meanwhile there is nothing to tell.
static bool xpub_next_end(struct xpub *xpub, struct zmtp_bytes *topic)
{
    struct zmtp__subscriptions *set = xpub_set(xpub);
    while (zmtp__subscriptions_departed(set, topic)) {
        if (xpub_tells_each(xpub) || zmtp__subscriptions_sharers(set, *topic) == 1) return true;
        zmtp__subscriptions_take(set);
    }
    return false;
}

static void xpub_parted(struct zmtp_socket *socket, struct zmtp__lane *base)
{
    xpub_leave_end_untold(xpub_of(socket), xpub_lane_of(base));
    xpub_leave(socket, base);
}

static int xpub_welcome(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    const struct zmtp_bytes welcome = socket->config.xpub_welcome;
    if (welcome.size == 0 || !zmtp_pipe_link(lane->end)->up) return ZMTP_OK;
    if (lane->gone || lane->end->other->closed) return ZMTP_OK;
    if (zmtp__queue_full(lane->end->out)) {
        zmtp__socket_dropped(socket, ZMTP_DROP_PEER_FULL, 1);
        return ZMTP_OK;
    }
    const struct zmtp__outgoing out = zmtp__outgoing_of_parts(&welcome, 1);
    const int result = zmtp__lane_send(socket, lane, NULL, &out);
    if (result == ZMTP_OK) socket->counters.own++;
    return result;
}

static int xpub_linked(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (zmtp__publisher_anew(socket, lane)) xpub_leave(socket, lane);
    return xpub_welcome(socket, lane);
}

// Notes a subscription and returns whether the user is told of it at once, or an error.
static int xpub_subscribe_peer(struct xpub *xpub, struct xpub_lane *lane, struct zmtp_bytes topic)
{
    struct zmtp__subscriptions *set = xpub_set(xpub);
    struct zmtp__subscriber *subscriber = xpub_subscriber(xpub, lane);
    const size_t before = subscriber->count, sharers = zmtp__subscriptions_sharers(set, topic);
    const bool normal = xpub_is_normal(xpub), first = sharers == 0;
    const bool moves = normal && sharers == 1 && xpub_has_new(xpub, topic);
    const bool queued = (first && normal) || moves;
    int result = queued ? zmtp__news_expect(&xpub->news, topic, false) : ZMTP_OK;
    if (result < 0) return result;
    result = zmtp__subscriptions_add(set, subscriber, topic);
    lane->fresh = subscriber->count > before && !(first && zmtp__news_knows(&xpub->news, topic));
    if (first) zmtp__news_set(&xpub->news, topic, result == ZMTP_OK, result == ZMTP_OK && !normal);
    if (moves && result == ZMTP_OK) zmtp__news_set(&xpub->news, topic, true, false);
    if (first && lane->fresh && xpub_is_verbose(xpub))
        (void)zmtp__subscriptions_set_new(set, topic, true);
    return result < 0 ? result : !normal;
}

// The same of the end of one.
static int xpub_cancel_peer(struct xpub *xpub, struct xpub_lane *lane, struct zmtp_bytes topic)
{
    struct zmtp__subscriptions *set = xpub_set(xpub);
    // Of what the user was not told yet there is nothing to tell.
    const bool before = zmtp__subscriptions_sharers(set, topic) > 0 && !xpub_has_new(xpub, topic);
    // Before anything has changed.
    const int result = before ? zmtp__news_expect(&xpub->news, topic, true) : ZMTP_OK;
    if (result < 0) return result;
    zmtp__subscriptions_remove(set, xpub_subscriber(xpub, lane), topic);
    const bool last = before && zmtp__subscriptions_sharers(set, topic) == 0;
    const bool each = xpub->publisher.socket.config.xpub_mode != ZMTP_XPUB_VERBOSE;
    const bool told = !xpub_is_normal(xpub) && (last || each);
    if (told) zmtp__news_await(&xpub->news, topic);
    if (before) zmtp__news_set(&xpub->news, topic, !last, last && told);
    return told;
}

// Acts on the next part of the lane's first message.
static int xpub_act(struct xpub *xpub, struct xpub_lane *lane)
{
    struct zmtp__lane *base = &lane->publisher.spread.lane;
    struct zmtp__queue_part part = lane->part;
    const bool first = !part.at;
    if (!zmtp__queue_next_part(base->end->in, &part)) {
        if (lane->message) {
            lane->due = XPUB_MESSAGE;
            return ZMTP_OK;
        }
        lane->part = (struct zmtp__queue_part){.at = NULL};
        zmtp__lane_heed(&xpub->publisher.socket, base);
        return ZMTP_OK;
    }
    const bool may_wish = first || !xpub->publisher.socket.config.only_first_subscribe;
    const enum zmtp__wish wish = may_wish ? zmtp__wish_of(&part, &lane->topic) : ZMTP__NO_WISH;
    int told = false;
    if (wish == ZMTP__NO_WISH && part.command) {
        zmtp__socket_dropped(&xpub->publisher.socket, ZMTP_DROP_UNEXPECTED, 1);
    } else if (wish == ZMTP__NO_WISH) {
        lane->message = true;
    } else if (!base->gone && !zmtp__pipe_first_is_old(base->end)) { // else nobody wishes it
        lane->subscribes = wish == ZMTP__SUBSCRIBE;
        told = lane->subscribes ? xpub_subscribe_peer(xpub, lane, lane->topic)
                                : xpub_cancel_peer(xpub, lane, lane->topic);
        if (told < 0) return told;
    }
    if (told) lane->due = XPUB_WISH;
    lane->part = part;
    return ZMTP_OK;
}

static int xpub_incoming(struct zmtp_socket *socket, struct zmtp__lane *base)
{
    struct xpub_lane *lane = xpub_lane_of(base);
    while (lane->due == XPUB_NOTHING && base->end->in->count > 0) {
        const int result = xpub_act(xpub_of(socket), lane);
        if (result < 0) return result; // the part is looked at again
    }
    if (lane->due == XPUB_NOTHING)
        zmtp__node_remove(&base->readable);
    else if (!zmtp__node_listed(&base->readable))
        zmtp__list_append(&socket->readable, &base->readable);
    return ZMTP_OK;
}

// Appends octet 1 or 0 and the topic as a part.
static int xpub_tell(struct zmtp_msg *msg, bool subscribed, struct zmtp_bytes topic)
{
    struct zmtp_part part;
    uint8_t *room = NULL;
    int result = zmtp_part_reserve(&part, 1 + topic.size, &room, msg->allocator);
    if (result < 0) return result;
    room[0] = subscribed;
    if (topic.size > 0) memcpy(room + 1, topic.data, topic.size);
    result = zmtp_msg_append_part(msg, &part);
    if (result < 0) zmtp_part_fini(&part);
    return result;
}

// Takes the lane's first message, without the parts that were wishes.
static int xpub_take(const struct xpub *xpub, struct zmtp__lane *lane, struct zmtp_msg *msg)
{
    const int result = zmtp__pipe_take(lane->end, msg);
    if (result < 0) return result;
    zmtp__pipe_consumed(lane->end);
    lane->taken++;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < msg->count; i++) {
        struct zmtp_bytes topic;
        const bool may_wish = i == 0 || !xpub->publisher.socket.config.only_first_subscribe;
        if (may_wish && zmtp__wish_of_body(zmtp_msg_bytes(msg, i), &topic) != ZMTP__NO_WISH) {
            zmtp_part_fini(zmtp_msg_part(msg, i));
        } else {
            if (kept < i) *zmtp_msg_part(msg, kept) = *zmtp_msg_part(msg, i);
            kept++;
        }
    }
    msg->count = kept;
    return ZMTP_OK;
}

// Receives what is due of the lane.
static int xpub_recv_due(struct xpub *xpub, struct xpub_lane *lane, struct zmtp_msg *msg)
{
    struct zmtp__lane *base = &lane->publisher.spread.lane;
    if (lane->due == XPUB_WISH) {
        const int result = xpub_tell(msg, lane->subscribes, lane->topic);
        if (result < 0) return result;
        if (!lane->subscribes)
            zmtp__news_awaited(&xpub->news, lane->topic, false);
        else if (xpub_has_new(xpub, lane->topic))
            (void)zmtp__subscriptions_set_new(&xpub->publisher.subscriptions, lane->topic, false);
        zmtp__origin_put(base->end->speaker, msg);
        xpub->publisher.socket.counters.told++;
        if (xpub_is_manual(xpub)) {
            xpub->last = base->gone ? NULL : lane;
            xpub->last_alone = false;
        }
    } else {
        const int result = xpub_take(xpub, base, msg);
        if (result < 0) return result;
        lane->part = (struct zmtp__queue_part){.at = NULL};
        lane->message = false;
    }
    lane->due = XPUB_NOTHING;
    return ZMTP_OK;
}

// Receives that something is so of a topic, for which no peer has its turn. One by one the user is told by the
// peers themselves; then this was for one that has gone.
static int xpub_recv_news(struct xpub *xpub, struct zmtp_msg *msg, bool subscribed,
                          struct zmtp_bytes topic)
{
    const int result = xpub_tell(msg, subscribed, topic);
    if (result < 0) return result;
    xpub->publisher.socket.counters.told++;
    xpub->last = NULL;
    xpub->last_alone = false;
    return ZMTP_OK;
}

static int xpub_recv(struct zmtp_socket *socket, struct zmtp_msg *msg)
{
    struct xpub *xpub = xpub_of(socket);
    struct zmtp_bytes topic;
    if (xpub_next_end(xpub, &topic)) {
        const int result = xpub_recv_news(xpub, msg, false, topic);
        if (result == ZMTP_OK) zmtp__subscriptions_take(xpub_set(xpub));
        return result;
    }
    bool subscribed;
    if (zmtp__news_first(&xpub->news, &subscribed, &topic)) {
        const int result = xpub_recv_news(xpub, msg, subscribed, topic);
        if (result == ZMTP_OK) zmtp__news_told(&xpub->news);
        return result;
    }
    struct zmtp__lane *lane = zmtp__list_first(&socket->readable);
    if (!lane) return ZMTP_ERR_AGAIN;
    const int result = xpub_recv_due(xpub, xpub_lane_of(lane), msg);
    if (result < 0) return result;
    zmtp__node_remove(&lane->readable);
    // Whatever becomes of what follows, the next process() looks after it.
    if (xpub_incoming(socket, lane) < 0 || zmtp__pipe_finished(lane->end))
        zmtp__pipe_mark(lane->end);
    return ZMTP_OK;
}

static void xpub_choose(struct zmtp_socket *socket, struct zmtp_bytes topic)
{
    struct xpub *xpub = xpub_of(socket);
    zmtp__publisher_choose_by(socket, topic);
    if (xpub->last_alone && xpub->last) {
        struct zmtp__lane *const last = &xpub->last->publisher.spread.lane;
        const bool chosen = zmtp__node_listed(&last->writable);
        zmtp__spread_end(socket, &xpub->publisher.spread);
        if (chosen) zmtp__spread_choose(socket, last);
    }
}

static int xpub_admits(struct zmtp_socket *socket, struct zmtp_bytes topic)
{
    if (!socket->config.nodrop) return ZMTP_OK;
    xpub_choose(socket, topic);
    return zmtp__spread_admits(socket, &xpub_of(socket)->publisher.spread);
}

static int xpub_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    struct xpub *xpub = xpub_of(socket);
    xpub_choose(socket, zmtp__outgoing_bytes(out, 0));
    const int result = zmtp__publisher_send(socket, out);
    if (result == ZMTP_OK) xpub->last_alone = false;
    return result;
}

static unsigned xpub_events(struct zmtp_socket *socket)
{
    struct zmtp_bytes topic;
    bool subscribed;
    const bool readable = zmtp__news_first(&xpub_of(socket)->news, &subscribed, &topic) ||
                          xpub_next_end(xpub_of(socket), &topic) ||
                          zmtp__list_first(&socket->readable);
    return zmtp__publisher_events(socket) | (readable ? ZMTP_READABLE : 0u);
}

static int xpub_subscribe(struct zmtp_socket *socket, struct zmtp_bytes topic)
{
    struct xpub *xpub = xpub_of(socket);
    if (!xpub_is_manual(xpub)) return ZMTP_ERR_UNSUPPORTED;
    if (!xpub->last) return ZMTP_ERR_STATE;
    const int result = zmtp__subscriptions_add(&xpub->publisher.subscriptions,
                                               &xpub->last->publisher.subscriber, topic);
    if (result == ZMTP_OK && socket->config.xpub_mode == ZMTP_XPUB_LAST_VALUE)
        xpub->last_alone = true;
    return result;
}

static int xpub_cancel(struct zmtp_socket *socket, struct zmtp_bytes topic)
{
    struct xpub *xpub = xpub_of(socket);
    if (!xpub_is_manual(xpub)) return ZMTP_ERR_UNSUPPORTED;
    if (!xpub->last) return ZMTP_ERR_STATE;
    zmtp__subscriptions_remove(&xpub->publisher.subscriptions, &xpub->last->publisher.subscriber,
                               topic);
    return ZMTP_OK;
}

const struct zmtp__pattern zmtp__xpub = {
    .socket_size = sizeof(struct xpub),
    .lane_size = sizeof(struct xpub_lane),
    .open = xpub_open,
    .close = xpub_close,
    .attached = xpub_attached,
    .linked = xpub_linked,
    .incoming = xpub_incoming,
    .parted = xpub_parted,
    .gone = xpub_leave,
    .released = xpub_leave,
    .send = xpub_send,
    .admits = xpub_admits,
    .recv = xpub_recv,
    .events = xpub_events,
    .subscribe = xpub_subscribe,
    .cancel = xpub_cancel,
    .subscribers = zmtp__publisher_subscribers,
    .topics = zmtp__publisher_topics,
};
