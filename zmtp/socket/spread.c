#include "spread.h"

#include "../msg/share.h"

// A body from here on that lies in a slab is shared with each queue rather than encoded; so is one that a user lent, where
// the queue's other end is in this process.
enum { SPREAD_SHARE_BODY = 4096 };
// Messages are encoded one after another in slabs of this size, and a larger one in a slab of its own. Where one is full
// and somebody still has it, the next is of the size that holds all that gathers for one write: each queue has one range
// then, and not one for every few messages. A publisher keeps one, so it is a small one again when less is sent.
enum { SPREAD_ENCODED_SIZE = 8192, SPREAD_ENCODED_MOST = ZMTP_SLAB_SIZE };

// A message on its way.
struct spread_copies {
    const struct zmtp__outgoing *out;
    struct zmtp_slab *slab;   // null: each queue encodes it for itself
    struct zmtp_bytes frames; // in it
};

static void spread_release(struct zmtp__spread *spread)
{
    if (spread->encoded) zmtp__slab_unref(spread->encoded);
    spread->encoded = NULL;
    spread->encoded_used = 0;
}

void zmtp__spread_init(struct zmtp__spread *spread)
{
    zmtp__list_init(&spread->sharers);
}

void zmtp__spread_fini(struct zmtp__spread *spread)
{
    spread_release(spread);
}

static struct zmtp__node *spread_sharing(struct zmtp__lane *lane)
{
    return &((struct zmtp__spread_lane *)lane)->sharing;
}

// What it refers to is in proportion to what it holds. ZMTP_ERR_MEMORY: not all of it.
static int spread_own(const struct zmtp__spread *spread, const struct zmtp__lane *lane)
{
    return spread->encoded ? zmtp__queue_own(lane->end->out, spread->encoded) : ZMTP_OK;
}

void zmtp__spread_forget(struct zmtp__spread *spread, struct zmtp__lane *lane)
{
    if (spread->full == lane) spread->full = NULL;
    if (spread->odd == lane) spread->odd = NULL;
    if (!zmtp__node_listed(spread_sharing(lane))) return;
    zmtp__node_remove(spread_sharing(lane));
    (void)spread_own(spread, lane); // without memory it keeps the slab until it has sent all
}

// Nobody joins what was encoded last any more. On ZMTP_ERR_MEMORY some still have to own what they have of it, and it
// is not let go of, so that there is never more than one such slab.
static int spread_part(struct zmtp__spread *spread)
{
    struct zmtp__lane *lane;
    while ((lane = zmtp__list_first(&spread->sharers))) {
        const int result = spread_own(spread, lane);
        if (result < 0) return result;
        zmtp__node_remove(spread_sharing(lane));
    }
    spread_release(spread);
    return ZMTP_OK;
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

// |busy|: the one before is full.
static struct zmtp_slab *spread_open(const struct zmtp_socket *socket, size_t size, bool busy)
{
    const struct zmtp_socket_config *config = &socket->config;
    if (size > SPREAD_ENCODED_SIZE) return zmtp__slab_open_exact(config->allocator, size);
    struct zmtp_slab *slab = NULL;
    if (busy) slab = zmtp__slab_open(config->pool, config->allocator, SPREAD_ENCODED_MOST);
    return slab ? slab : zmtp__slab_open(config->pool, config->allocator, SPREAD_ENCODED_SIZE);
}

// Nobody has anything of what was encoded any more.
static void spread_restart(struct zmtp__spread *spread)
{
    const bool small = spread->encoded->capacity <= SPREAD_ENCODED_SIZE;
    if (small || spread->encoded_used > SPREAD_ENCODED_SIZE)
        spread->encoded_used = 0;
    else
        spread_release(spread);
}

// Encodes the message behind those that queues still refer to.
static int spread_encode(struct zmtp_socket *socket, struct zmtp__spread *spread,
                         struct spread_copies *copies)
{
    const size_t size = copies->frames.size;
    if (spread->encoded && zmtp__slab_sole(spread->encoded)) spread_restart(spread);
    if (!spread->encoded || spread->encoded->capacity - spread->encoded_used < size) {
        const bool busy = spread->encoded;
        const int result = spread_part(spread);
        if (result < 0) return result;
        spread->encoded = spread_open(socket, size, busy);
        if (!spread->encoded) return ZMTP_ERR_MEMORY;
    }
    uint8_t *room = spread->encoded->data + spread->encoded_used;
    zmtp__outgoing_frames(copies->out, room);
    spread->encoded_used += size;
    copies->slab = spread->encoded;
    copies->frames.data = room;
    return ZMTP_OK;
}

// The message becomes one of the lane's, whose queue goes on with what was encoded before. False: it does not.
static inline bool spread_step(const struct zmtp__lane *lane, const struct spread_copies *copies)
{
    struct zmtp__queue *const queue = lane->end->out;
    struct zmtp__range *const last = zmtp__queue_in_step(queue, copies->frames, copies->slab);
    if (!last) return false;
    zmtp__queue_step(queue, last, copies->frames.size);
    return true;
}

// The queue refers to what was encoded, and its lane shares that with others.
static int spread_refer(struct zmtp__spread *spread, struct zmtp__lane *lane,
                        const struct spread_copies *copies)
{
    const int result = zmtp__queue_join(lane->end->out, copies->frames, copies->slab);
    spread_sharing(lane)->lane = lane;
    if (result == ZMTP_OK) zmtp__list_append(&spread->sharers, spread_sharing(lane));
    return result;
}

// Its frames are the queue's own.
static int spread_copy(struct zmtp__queue *queue, const struct spread_copies *copies)
{
    zmtp__queue_begin(queue);
    return zmtp__queue_put_frames(queue, copies->frames, copies->slab);
}

// May it refer to what others have, too? A socket that reads the queue itself may keep in mind where a message lies, as an
// XPUB does of a wish that is due; so nothing of that is ever moved, nor shared.
static bool spread_may_refer(const struct zmtp__lane *lane)
{
    return !lane->joined && !lane->end->out->crosses;
}

// A lane whose queue does not go on with what was encoded before: it begins to, or has a copy of its own.
static int spread_join(struct zmtp__spread *spread, struct zmtp__lane *lane,
                       const struct spread_copies *copies)
{
    struct zmtp__queue *const queue = lane->end->out;
    if (spread_may_refer(lane) && !zmtp__queue_ends_in(queue, copies->slab))
        return spread_refer(spread, lane, copies);
    const int result = lane->joined ? ZMTP_OK : spread_own(spread, lane);
    return result < 0 ? result : spread_copy(queue, copies);
}

// Writes a copy that nobody sees yet: it is laid, or open, or there is nothing to write. On failure the queue is as it
// was.
static int spread_put(struct zmtp__spread *spread, struct zmtp__lane *lane,
                      const struct spread_copies *copies)
{
    struct zmtp__queue *queue = lane->end->out;
    if (!copies->slab) return zmtp__outgoing_put(queue, NULL, copies->out);
    if (zmtp__queue_in_step(queue, copies->frames, copies->slab)) return ZMTP_OK;
    if (zmtp__queue_lay(queue, copies->frames)) return ZMTP_OK;
    return spread_join(spread, lane, copies);
}

static int spread_put_open(struct zmtp__spread *spread, struct zmtp__lane *lane,
                           const struct spread_copies *copies)
{
    if (!copies->slab) return zmtp__outgoing_put(lane->end->out, NULL, copies->out);
    return spread_may_refer(lane) ? spread_refer(spread, lane, copies)
                                  : spread_copy(lane->end->out, copies);
}

// The same of one that takes the place of those that wait: it is open, and they go when it is ended.
static int spread_put_last(struct zmtp__spread *spread, struct zmtp__lane *lane,
                           const struct spread_copies *copies)
{
    const int result = spread_put_open(spread, lane, copies);
    return result < 0 ? result : zmtp__queue_make_place(lane->end->out);
}

static void spread_publish(struct zmtp_socket *socket, struct zmtp__lane *lane,
                           const struct spread_copies *copies)
{
    struct zmtp__queue *const queue = lane->end->out;
    if (queue->open) {
        zmtp__lane_replace(socket, lane);
        zmtp__queue_end(queue, 1);
    } else if (!spread_step(lane, copies))
        zmtp__queue_laid(queue, copies->frames.size);
    zmtp__pipe_published(lane->end);
}

// The lane has got a message. Those that are slow may be full again after a few, each in its turn: what waits for all is not
// to be written for each of them.
static void spread_brims(struct zmtp_socket *socket, const struct zmtp__lane *lane)
{
    enum { SHARE = 8 }; // of what it holds, at least, between one time and the next
    const struct zmtp__queue *const queue = lane->end->out;
    const uint64_t sent = socket->counters.sent;
    if (!zmtp__queue_full(queue) || lane->joined || queue->crosses) return;
    // The limit that it has reached may be one of octets.
    if (sent - socket->brimmed_sent < queue->count / SHARE) return;
    socket->brimmed = true;
    socket->brimmed_sent = sent;
}

static void spread_to_those_with_room(struct zmtp_socket *socket, struct zmtp__spread *spread,
                                      const struct spread_copies *copies)
{
    struct zmtp__share share = {.size = copies->frames.size};
    const bool last = socket->config.conflate, steps = copies->slab && !last;
    const bool shares = socket->config.send_bytes_all_max > 0;
    for (struct zmtp__node *node = socket->writable.next; node->lane; node = node->next) {
        struct zmtp__lane *lane = node->lane;
        if (!zmtp__lane_roomy(socket, lane) ||
            (shares && !zmtp__share_has_room(socket, lane, &share)))
            zmtp__socket_dropped(socket, ZMTP_DROP_PEER_FULL, 1);
        else if (steps && spread_step(lane, copies))
            zmtp__pipe_published(lane->end);
        else if ((last ? spread_put_last(spread, lane, copies)
                       : spread_put(spread, lane, copies)) == ZMTP_OK)
            spread_publish(socket, lane, copies);
        else
            zmtp__socket_dropped(socket, ZMTP_DROP_PEER_FULL, 1);
        if (!last) spread_brims(socket, lane);
    }
}

static size_t spread_least(size_t a, size_t b)
{
    return a < b ? a : b;
}

// All have got a message of |size| octets.
static void spread_fill(struct zmtp__spread *spread, size_t size)
{
    spread->room_count--;
    spread->room_bytes -= spread_least(spread->room_bytes, size);
}

// The same for all, if every one goes on, which is the rule. False: nothing was done, but that readers look in vain.
static bool spread_step_all(struct zmtp_socket *socket, struct zmtp__spread *spread,
                            const struct spread_copies *copies)
{
    struct zmtp__node *node;
    if (!copies->slab || socket->config.conflate) return false;
    // One that does not go on will not with the next message either, perhaps.
    if (spread->odd && !zmtp__queue_in_step(spread->odd->end->out, copies->frames, copies->slab))
        return false;
    for (node = socket->writable.next; node->lane && spread_step(node->lane, copies);
         node = node->next)
        zmtp__pipe_published(node->lane->end);
    spread->odd = node->lane;
    if (!node->lane) return true;
    for (node = node->previous; node->lane; node = node->previous)
        zmtp__queue_step_back(node->lane->end->out, copies->frames.size);
    return false;
}

static int spread_to_all(struct zmtp_socket *socket, struct zmtp__spread *spread,
                         const struct spread_copies *copies)
{
    const bool last = socket->config.conflate;
    struct zmtp__node *node;
    if (spread_step_all(socket, spread, copies)) return ZMTP_OK;
    for (node = socket->writable.next; node->lane; node = node->next) {
        const int result = last ? spread_put_last(spread, node->lane, copies)
                                : spread_put(spread, node->lane, copies);
        if (result == ZMTP_OK) continue;
        for (node = node->previous; node->lane; node = node->previous)
            if (node->lane->end->out->open) zmtp__queue_undo(node->lane->end->out);
        return result;
    }
    for (node = socket->writable.next; node->lane; node = node->next)
        spread_publish(socket, node->lane, copies);
    return ZMTP_OK;
}

// How much more a queue that is not full takes: messages, and octets, of which the last message may be beyond it.
static void spread_room(struct zmtp__spread *spread, const struct zmtp__queue *queue)
{
    const size_t count = queue->count_max ? queue->count_max - zmtp__queue_count(queue) : SIZE_MAX;
    const size_t bytes = queue->bytes_max ? queue->bytes_max - zmtp__queue_bytes(queue) : SIZE_MAX;
    spread->room_count = spread_least(spread->room_count, count);
    spread->room_bytes = spread_least(spread->room_bytes, bytes);
}

// Have all that are chosen room? One that has not is marked when it has. Readers only make room, so for a choice that is
// kept all are looked at once for as many messages as have room then.
static bool spread_has_room(struct zmtp_socket *socket, struct zmtp__spread *spread)
{
    spread->full = NULL;
    if (spread->room_count > 0 && spread->room_bytes > 0) return true;
    spread->room_count = spread->room_bytes = SIZE_MAX;
    for (struct zmtp__node *node = socket->writable.next; node->lane; node = node->next) {
        if (!zmtp__lane_writable(socket, node->lane)) {
            spread->full = node->lane;
            spread->room_count = 0;
            return false;
        }
        spread_room(spread, node->lane->end->out);
    }
    return true;
}

// The same for those who drop: nobody need hear of room.
static bool spread_is_roomy(const struct zmtp_socket *socket, struct zmtp__spread *spread)
{
    if (spread->room_count > 0 && spread->room_bytes > 0) return true;
    if (!spread->kept) return false; // each lane is looked at once in any case
    spread->room_count = spread->room_bytes = SIZE_MAX;
    for (struct zmtp__node *node = socket->writable.next; node->lane; node = node->next) {
        if (!zmtp__lane_roomy(socket, node->lane)) {
            spread->odd = node->lane;
            spread->room_count = 0;
            return false;
        }
        spread_room(spread, node->lane->end->out);
    }
    return true;
}

// One that held up all of them with the last message, does it still?
static bool spread_is_odd(const struct zmtp_socket *socket, const struct zmtp__lane *lane,
                          const struct spread_copies *copies)
{
    return !zmtp__lane_roomy(socket, lane) ||
           !zmtp__queue_in_step(lane->end->out, copies->frames, copies->slab);
}

// All that were chosen get it, as all have room and go on, and then no lane is looked at but to go on. False: nothing was done.
static bool spread_drops_none(struct zmtp_socket *socket, struct zmtp__spread *spread,
                              const struct spread_copies *copies)
{
    if (!copies->slab || socket->config.send_bytes_all_max > 0) return false;
    if (spread->odd && spread_is_odd(socket, spread->odd, copies)) return false;
    if (!spread_is_roomy(socket, spread)) return false;
    if (!spread_step_all(socket, spread, copies)) return false;
    spread_fill(spread, copies->frames.size);
    if (spread->room_count > 0 && spread->room_bytes > 0) return true;
    for (struct zmtp__node *node = socket->writable.next; node->lane; node = node->next)
        spread_brims(socket, node->lane);
    return true;
}

void zmtp__spread_end(struct zmtp_socket *socket, struct zmtp__spread *spread)
{
    struct zmtp__lane *lane;
    while ((lane = zmtp__list_first(&socket->writable)))
        zmtp__node_remove(&lane->writable);
    spread->kept = false;
    spread->odd = NULL;
    spread->room_count = 0;
}

int zmtp__spread_admits(struct zmtp_socket *socket, struct zmtp__spread *spread)
{
    const bool admits = !socket->config.nodrop || spread_has_room(socket, spread);
    if (!socket->config.nodrop) spread->full = NULL;
    if (!spread->kept) zmtp__spread_end(socket, spread);
    return admits ? ZMTP_OK : ZMTP_ERR_AGAIN;
}

static int spread_try(struct zmtp_socket *socket, struct zmtp__spread *spread,
                      const struct zmtp__outgoing *out)
{
    struct spread_copies copies = {.out = out};
    copies.frames.size = zmtp__outgoing_frames_size(out);
    spread->full = NULL;
    if (socket->config.nodrop && !spread_has_room(socket, spread)) return ZMTP_ERR_AGAIN;
    const bool several = socket->writable.next != socket->writable.previous;
    if (several && !spread_shares(out)) {
        const int result = spread_encode(socket, spread, &copies);
        if (result < 0) return result;
    }
    if (!socket->config.nodrop) {
        if (spread_drops_none(socket, spread, &copies)) return ZMTP_OK;
        spread->room_count = 0; // some get more than others
        spread_to_those_with_room(socket, spread, &copies);
        return ZMTP_OK;
    }
    const int result = spread_to_all(socket, spread, &copies);
    if (result == ZMTP_OK) spread_fill(spread, copies.frames.size);
    return result;
}

int zmtp__spread_send(struct zmtp_socket *socket, struct zmtp__spread *spread,
                      const struct zmtp__outgoing *out)
{
    const int result = spread_try(socket, spread, out);
    if (!spread->kept) zmtp__spread_end(socket, spread);
    return result;
}

bool zmtp__spread_waits(const struct zmtp_socket *socket, const struct zmtp__spread *spread)
{
    return zmtp__lane_holds_up(socket, spread->full);
}
