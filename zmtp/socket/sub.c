// SUB (RFC 29): receives what it subscribed to. Subscriptions are counted here; publishers are told of
// the first SUBSCRIBE and the last CANCEL of a topic, because they keep a set. Every new connection is
// told all topics anew. What comes unasked (a publisher may be slow to act on CANCEL) is dropped.
//
// A full queue discards nothing: the connection reads no more, and the publisher decides.
#include "fair_queue.h"
#include "trie.h"

struct sub {
    struct zmtp_socket socket;
    struct zmtp__trie topics; // a key's count: subscribes less cancels
};

// The longest name of the two commands, its size and a frame's header stand before the topic.
enum { SUB_COMMAND_ROOM = ZMTP_HEADER_MAX + 1 + sizeof "SUBSCRIBE" - 1 };
// So that a frame's size stays a positive int.
enum { SUB_TOPIC_MAX = INT32_MAX - 64 };

static struct sub *sub_of(struct zmtp_socket *socket)
{
    return (struct sub *)socket;
}

static void sub_open(struct zmtp_socket *socket)
{
    zmtp__trie_init(&sub_of(socket)->topics, socket->config.allocator);
}

static void sub_close(struct zmtp_socket *socket)
{
    zmtp__trie_fini(&sub_of(socket)->topics);
}

// Commands are exempt from the queue's limit: losing one would lose a subscription.
static int sub_tell(struct zmtp_socket *socket, struct zmtp__lane *lane, const char *name,
                    struct zmtp_bytes topic)
{
    struct zmtp_slab *slab = zmtp__slab_open(socket->config.pool, socket->config.allocator,
                                             SUB_COMMAND_ROOM + topic.size);
    if (!slab) return ZMTP_ERR_MEMORY;
    const struct zmtp_command command = {zmtp_bytes_text(name), topic};
    int result = zmtp_command_encode(&command, slab->data, slab->capacity);
    if (result > 0) {
        const struct zmtp_bytes frame = {slab->data, (size_t)result};
        zmtp__queue_begin(lane->end->out);
        result = zmtp__queue_put_frames(lane->end->out, frame, slab);
        if (result == ZMTP_OK) {
            zmtp__queue_end(lane->end->out, 1);
            zmtp__pipe_published(lane->end);
        }
    }
    zmtp__slab_unref(slab);
    return result;
}

static int sub_linked(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (!zmtp_pipe_link(lane->end)->up) return ZMTP_OK;
    zmtp__queue_clear(lane->end->out); // of an attempt that failed
    const struct zmtp__trie *topics = &sub_of(socket)->topics;
    struct zmtp__key *key = NULL;
    while ((key = zmtp__trie_next(topics, key))) {
        const int result = sub_tell(socket, lane, "SUBSCRIBE", zmtp__key_bytes(key));
        if (result < 0) return result;
    }
    return ZMTP_OK;
}

// The lane could not be told something: it is told everything anew, when there is memory.
static void sub_stale(struct zmtp__lane *lane)
{
    lane->up = false;
    zmtp__pipe_mark(lane->end);
}

static int sub_subscribe(struct zmtp_socket *socket, struct zmtp_bytes topic)
{
    struct sub *sub = sub_of(socket);
    if (topic.size > SUB_TOPIC_MAX) return ZMTP_ERR_ARGUMENT;
    struct zmtp__key *key = zmtp__trie_find(&sub->topics, topic);
    if (key) {
        if (key->count == UINT32_MAX) return ZMTP_ERR_ARGUMENT;
        key->count++;
        return ZMTP_OK;
    }
    const int result = zmtp__trie_add(&sub->topics, topic, &key);
    if (result < 0) return result;
    key->count = 1;
    for (struct zmtp__node *node = socket->lanes.next; node->lane; node = node->next)
        if (node->lane->up && sub_tell(socket, node->lane, "SUBSCRIBE", topic) < 0)
            sub_stale(node->lane);
    return ZMTP_OK;
}

static int sub_cancel(struct zmtp_socket *socket, struct zmtp_bytes topic)
{
    struct sub *sub = sub_of(socket);
    struct zmtp__key *key = zmtp__trie_find(&sub->topics, topic);
    if (!key) return ZMTP_ERR_NOT_FOUND;
    if (key->count > 1) {
        key->count--;
        return ZMTP_OK;
    }
    for (struct zmtp__node *node = socket->lanes.next; node->lane; node = node->next) {
        if (!node->lane->up) continue;
        const int result = sub_tell(socket, node->lane, "CANCEL", topic);
        if (result == ZMTP_OK) continue;
        // The subscription stays, so those that were told already must be told again.
        for (node = node->previous; node->lane; node = node->previous)
            if (node->lane->up) sub_stale(node->lane);
        return result;
    }
    zmtp__trie_remove(&sub->topics, key);
    return ZMTP_OK;
}

// The lane whose turn it is with a message that was asked for.
static struct zmtp__lane *sub_first(struct zmtp_socket *socket)
{
    struct zmtp__lane *lane;
    while ((lane = zmtp__fair_queue_first(socket))) {
        struct zmtp__prefixes prefixes =
            zmtp__trie_prefixes(&sub_of(socket)->topics, zmtp__queue_first_body(lane->end->in));
        if (zmtp__prefixes_next(&prefixes)) break;
        zmtp__fair_queue_drop(socket, lane, ZMTP_DROP_NO_MATCH);
    }
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
    .socket_size = sizeof(struct sub),
    .lane_size = sizeof(struct zmtp__lane),
    .fair_queued = true,
    .conflates = true,
    .open = sub_open,
    .close = sub_close,
    .linked = sub_linked,
    .recv = sub_recv,
    .events = sub_events,
    .subscribe = sub_subscribe,
    .cancel = sub_cancel,
};
