#include "spread.h"

// A body from here on that lies in a slab is shared with each queue rather than encoded; so is one that a user lent, where
// the queue's other end is in this process.
enum { SPREAD_SHARE_BODY = 4096 };
// Messages are encoded one after another in slabs of this size, and a larger one in a slab of its own:
// a queue that holds but one of them must not hold much besides.
enum { SPREAD_ENCODED_SIZE = 8192 };

// A message on its way.
struct spread_copies {
    const struct zmtp__outgoing *out;
    struct zmtp_slab *slab; // null: each queue encodes it for itself
    struct zmtp_bytes frames;
};

static void spread_release(struct zmtp__spread *spread)
{
    if (spread->encoded) zmtp__slab_unref(spread->encoded);
    spread->encoded = NULL;
    spread->encoded_used = 0;
}

void zmtp__spread_fini(struct zmtp__spread *spread)
{
    spread_release(spread);
}

static bool spread_shares(const struct zmtp__outgoing *out)
{
    for (size_t i = 0; i < out->count; i++) {
        const struct zmtp_slab *const slab = zmtp__outgoing_slab(out, i);
        if (slab && (slab->release || zmtp__outgoing_bytes(out, i).size >= SPREAD_SHARE_BODY))
            return true;
    }
    return false;
}

static struct zmtp_slab *spread_open(const struct zmtp_socket *socket, size_t size)
{
    const struct zmtp_socket_config *config = &socket->config;
    if (size > SPREAD_ENCODED_SIZE) return zmtp__slab_open_exact(config->allocator, size);
    return zmtp__slab_open(config->pool, config->allocator, SPREAD_ENCODED_SIZE);
}

// Encodes the message behind those that queues still refer to.
static int spread_encode(struct zmtp_socket *socket, struct zmtp__spread *spread,
                         struct spread_copies *copies)
{
    const size_t size = zmtp__outgoing_frames_size(copies->out);
    if (spread->encoded && zmtp__slab_sole(spread->encoded)) spread->encoded_used = 0;
    if (!spread->encoded || spread->encoded->capacity - spread->encoded_used < size) {
        struct zmtp_slab *slab = spread_open(socket, size);
        if (!slab) return ZMTP_ERR_MEMORY;
        spread_release(spread);
        spread->encoded = slab;
    }
    uint8_t *room = spread->encoded->data + spread->encoded_used;
    zmtp__outgoing_frames(copies->out, room);
    spread->encoded_used += size;
    copies->slab = spread->encoded;
    copies->frames = (struct zmtp_bytes){room, size};
    return ZMTP_OK;
}

// Writes a copy that nobody sees yet: it is laid, or open. On failure the queue is as it was.
static int spread_put(struct zmtp_socket *socket, struct zmtp__lane *lane,
                      const struct spread_copies *copies)
{
    struct zmtp__queue *queue = lane->end->out;
    zmtp__lane_replace(socket, lane);
    if (!copies->slab) return zmtp__outgoing_put(queue, NULL, copies->out);
    if (zmtp__queue_lay(queue, copies->frames)) return ZMTP_OK;
    zmtp__queue_begin(queue);
    return zmtp__queue_put_frames(queue, copies->frames, copies->slab);
}

static void spread_publish(struct zmtp_socket *socket, struct zmtp__lane *lane,
                           const struct spread_copies *copies)
{
    struct zmtp__queue *const queue = lane->end->out;
    if (queue->open)
        zmtp__queue_end(queue, 1);
    else
        zmtp__queue_laid(queue, copies->frames.size);
    zmtp__lane_sent(socket, lane);
}

static void spread_to_those_with_room(struct zmtp_socket *socket,
                                      const struct spread_copies *copies)
{
    struct zmtp__share share = {.size = zmtp__outgoing_frames_size(copies->out)};
    for (struct zmtp__node *node = socket->writable.next; node->lane; node = node->next) {
        struct zmtp__lane *lane = node->lane;
        if (zmtp__lane_roomy(socket, lane) && zmtp__share_has_room(socket, lane, &share) &&
            spread_put(socket, lane, copies) == ZMTP_OK)
            spread_publish(socket, lane, copies);
        else
            zmtp__socket_dropped(socket, ZMTP_DROP_PEER_FULL, 1);
    }
}

static int spread_to_all(struct zmtp_socket *socket, const struct spread_copies *copies)
{
    struct zmtp__node *node;
    for (node = socket->writable.next; node->lane; node = node->next) {
        const int result = spread_put(socket, node->lane, copies);
        if (result == ZMTP_OK) continue;
        for (node = node->previous; node->lane; node = node->previous)
            if (node->lane->end->out->open) zmtp__queue_undo(node->lane->end->out);
        return result;
    }
    for (node = socket->writable.next; node->lane; node = node->next)
        spread_publish(socket, node->lane, copies);
    return ZMTP_OK;
}

// A chosen lane that has no room; it is marked when it has. Null: all have.
static struct zmtp__lane *spread_full(struct zmtp_socket *socket)
{
    for (struct zmtp__node *node = socket->writable.next; node->lane; node = node->next)
        if (!zmtp__lane_writable(socket, node->lane)) return node->lane;
    return NULL;
}

static void spread_end_choice(struct zmtp_socket *socket)
{
    struct zmtp__lane *lane;
    while ((lane = zmtp__list_first(&socket->writable)))
        zmtp__node_remove(&lane->writable);
}

int zmtp__spread_admits(struct zmtp_socket *socket, struct zmtp__spread *spread)
{
    spread->full = socket->config.nodrop ? spread_full(socket) : NULL;
    spread_end_choice(socket);
    return spread->full ? ZMTP_ERR_AGAIN : ZMTP_OK;
}

static int spread_try(struct zmtp_socket *socket, struct zmtp__spread *spread,
                      const struct zmtp__outgoing *out)
{
    struct spread_copies copies = {.out = out};
    spread->full = socket->config.nodrop ? spread_full(socket) : NULL;
    if (spread->full) return ZMTP_ERR_AGAIN;
    const bool several = socket->writable.next != socket->writable.previous;
    if (several && !spread_shares(out)) {
        const int result = spread_encode(socket, spread, &copies);
        if (result < 0) return result;
    }
    if (socket->config.nodrop) return spread_to_all(socket, &copies);
    spread_to_those_with_room(socket, &copies);
    return ZMTP_OK;
}

int zmtp__spread_send(struct zmtp_socket *socket, struct zmtp__spread *spread,
                      const struct zmtp__outgoing *out)
{
    const int result = spread_try(socket, spread, out);
    spread_end_choice(socket);
    return result;
}

bool zmtp__spread_waits(const struct zmtp_socket *socket, const struct zmtp__spread *spread)
{
    return zmtp__lane_holds_up(socket, spread->full);
}
