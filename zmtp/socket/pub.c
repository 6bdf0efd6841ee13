// PUB (RFC 29): a copy of each message to every subscriber, chosen by the first part. Subscriptions
// come in as SUBSCRIBE and CANCEL commands, or as messages of octet 1 or 0 and the topic (ZMTP 3.0);
// both are understood from anybody, and nothing else is.
//
// PUB waits for nobody: a subscriber whose queue is full misses the message, and so does one whose
// queue cannot grow for want of memory. A message for several is encoded once, and their queues share
// the octets.
//
// A new connection has no subscriptions until it sends some. Those of a dialled pipe stay while its
// connection is down, so that messages wait for the subscriber (RFC 29), until the next one is up. A
// subscriber that asks for more than the limits allow is cut off.
#include "pattern.h"
#include "subscriptions.h"

// A body from here on that lies in a slab is shared with each queue rather than encoded.
enum { PUB_SHARE_BODY = 4096 };
// Messages are encoded one after another in slabs of at least this size.
enum { PUB_ENCODED_SIZE = 8192 };

struct pub {
    struct zmtp_socket socket;
    struct zmtp__subscriptions subscriptions;
    struct zmtp_slab *encoded; // null: none yet
    size_t encoded_used;
};

struct pub_lane {
    struct zmtp__lane lane;
    struct zmtp__subscriber subscriber;
};

static struct pub *pub_of(struct zmtp_socket *socket)
{
    return (struct pub *)socket;
}

static struct zmtp__subscriber *pub_subscriber(struct zmtp__lane *lane)
{
    return &((struct pub_lane *)lane)->subscriber;
}

static void pub_open(struct zmtp_socket *socket)
{
    zmtp__subscriptions_init(&pub_of(socket)->subscriptions, socket->config.allocator,
                             socket->config.subscriptions_max, socket->config.topic_bytes_max);
}

static void pub_release_encoded(struct pub *pub)
{
    if (pub->encoded) zmtp__slab_unref(pub->encoded);
    pub->encoded = NULL;
    pub->encoded_used = 0;
}

static void pub_close(struct zmtp_socket *socket)
{
    zmtp__subscriptions_fini(&pub_of(socket)->subscriptions);
    pub_release_encoded(pub_of(socket));
}

static int pub_attached(struct zmtp_socket *socket, struct zmtp__lane *lane,
                        struct zmtp_bytes routing_id)
{
    (void)socket;
    (void)routing_id; // of no use to a publisher
    pub_subscriber(lane)->owner = lane;
    return ZMTP_OK;
}

static int pub_linked(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (zmtp_pipe_link(lane->end)->up)
        zmtp__subscriptions_clear(&pub_of(socket)->subscriptions, pub_subscriber(lane));
    return ZMTP_OK;
}

static void pub_released(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    zmtp__subscriptions_clear(&pub_of(socket)->subscriptions, pub_subscriber(lane));
}

enum pub_wish { PUB_SUBSCRIBE, PUB_CANCEL, PUB_NOTHING };

static enum pub_wish pub_wish(const struct zmtp__queue *queue, struct zmtp_bytes *topic)
{
    const struct zmtp_bytes body = zmtp__queue_first_body(queue);
    if (zmtp__queue_first_flags(queue) & ZMTP_FLAG_COMMAND) {
        struct zmtp_command command;
        if (zmtp_command_decode(body, &command) < 0) return PUB_NOTHING;
        *topic = command.data;
        if (zmtp_command_is(&command, "SUBSCRIBE")) return PUB_SUBSCRIBE;
        return zmtp_command_is(&command, "CANCEL") ? PUB_CANCEL : PUB_NOTHING;
    }
    if (body.size == 0 || body.data[0] > 1) return PUB_NOTHING;
    *topic = (struct zmtp_bytes){body.data + 1, body.size - 1};
    return body.data[0] == 1 ? PUB_SUBSCRIBE : PUB_CANCEL;
}

static int pub_incoming(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct zmtp__subscriptions *set = &pub_of(socket)->subscriptions;
    struct zmtp__queue *queue = lane->end->in;
    while (queue->count > 0) {
        struct zmtp_bytes topic = {0};
        int result = ZMTP_OK;
        switch (pub_wish(queue, &topic)) {
        case PUB_SUBSCRIBE:
            result = zmtp__subscriptions_add(set, pub_subscriber(lane), topic);
            break;
        case PUB_CANCEL:
            zmtp__subscriptions_remove(set, pub_subscriber(lane), topic);
            break;
        case PUB_NOTHING:
            zmtp__socket_dropped(socket, ZMTP_DROP_UNEXPECTED, 1);
            break;
        }
        if (result < 0) return result; // it stays first in the queue
        zmtp__queue_drop(queue);
        zmtp__pipe_consumed(lane->end);
    }
    return ZMTP_OK;
}

static bool pub_shares(const struct zmtp__outgoing *out)
{
    for (size_t i = 0; i < out->count; i++)
        if (zmtp__outgoing_slab(out, i) && zmtp__outgoing_bytes(out, i).size >= PUB_SHARE_BODY)
            return true;
    return false;
}

// Encodes the message behind those that queues still refer to.
static int pub_encode(struct pub *pub, const struct zmtp__outgoing *out, struct zmtp_bytes *frames)
{
    const size_t size = zmtp__outgoing_frames_size(out);
    if (pub->encoded && zmtp__slab_sole(pub->encoded)) pub->encoded_used = 0;
    if (!pub->encoded || pub->encoded->capacity - pub->encoded_used < size) {
        struct zmtp_slab *slab =
            zmtp__slab_open(pub->socket.config.pool, pub->socket.config.allocator,
                            size > PUB_ENCODED_SIZE ? size : PUB_ENCODED_SIZE);
        if (!slab) return ZMTP_ERR_MEMORY;
        pub_release_encoded(pub);
        pub->encoded = slab;
    }
    uint8_t *room = pub->encoded->data + pub->encoded_used;
    zmtp__outgoing_frames(out, room);
    pub->encoded_used += size;
    *frames = (struct zmtp_bytes){room, size};
    return ZMTP_OK;
}

// A copy for one subscriber: the octets at |frames|, or the message itself when that is null.
static void pub_copy(struct pub *pub, struct zmtp__subscriber *subscriber,
                     const struct zmtp_bytes *frames, const struct zmtp__outgoing *out)
{
    struct zmtp__lane *lane = subscriber->owner;
    int result = ZMTP_ERR_AGAIN;
    if (zmtp__lane_roomy(&pub->socket, lane) && frames) {
        zmtp__lane_replace(&pub->socket, lane);
        zmtp__queue_begin(lane->end->out);
        result = zmtp__queue_put_frames(lane->end->out, *frames, pub->encoded);
        if (result == ZMTP_OK) {
            zmtp__queue_end(lane->end->out, 1);
            zmtp__pipe_published(lane->end);
            pub->socket.counters.copies++;
        }
    } else if (zmtp__lane_roomy(&pub->socket, lane)) {
        result = zmtp__lane_send(&pub->socket, lane, NULL, out);
    }
    if (result < 0) zmtp__socket_dropped(&pub->socket, ZMTP_DROP_PEER_FULL, 1);
}

static int pub_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    struct pub *pub = pub_of(socket);
    struct zmtp__matches matches =
        zmtp__subscriptions_match(&pub->subscriptions, zmtp__outgoing_bytes(out, 0));
    struct zmtp__subscriber *subscriber = zmtp__matches_next(&matches);
    if (!subscriber) {
        zmtp__socket_dropped(socket, ZMTP_DROP_NO_MATCH, 1);
        return ZMTP_OK;
    }
    struct zmtp__subscriber *next = zmtp__matches_next(&matches);
    struct zmtp_bytes encoded;
    const bool encode = next && !pub_shares(out);
    if (encode) {
        const int result = pub_encode(pub, out, &encoded);
        if (result < 0) return result;
    }
    while (subscriber) {
        pub_copy(pub, subscriber, encode ? &encoded : NULL, out);
        subscriber = next;
        next = zmtp__matches_next(&matches);
    }
    return ZMTP_OK;
}

static unsigned pub_events(struct zmtp_socket *socket)
{
    (void)socket;
    return ZMTP_WRITABLE;
}

static size_t pub_subscribers(const struct zmtp_socket *socket)
{
    return ((const struct pub *)socket)->subscriptions.subscribers;
}

const struct zmtp__pattern zmtp__pub = {
    .socket_size = sizeof(struct pub),
    .lane_size = sizeof(struct pub_lane),
    .conflates = true,
    .open = pub_open,
    .close = pub_close,
    .attached = pub_attached,
    .linked = pub_linked,
    .incoming = pub_incoming,
    .released = pub_released,
    .send = pub_send,
    .events = pub_events,
    .subscribers = pub_subscribers,
};
