#include "stretch.h"

#include <string.h>

enum {
    // So many without a look at anything else, where nothing else bounds them.
    STRETCH_MOST = 256,
    // The same of receives from a connection; it is looked at what else there is after the next one.
    STRETCH_RECVS = 4 * ZMQ__SOCKET_CALLS - 1,
    // After some in vain none begins for two messages, then for four, and so on, 64 at most.
    STRETCH_VAIN_MAX = 6,
};

static size_t stretch_less(size_t a, size_t b)
{
    return a < b ? a : b;
}

// What is left of |all| when |some| are gone.
static size_t stretch_rest(size_t all, size_t some)
{
    return all > some ? all - some : 0;
}

// How much may be sent yet: messages, and octets with their headers.
struct stretch_bounds {
    size_t count, size;
};

// Behind what was written last, within the limits.
static struct stretch_bounds stretch_of_queue(const struct zmtp__queue *queue)
{
    const uint32_t count = queue->written_end - (uint32_t)queue->written;
    return (struct stretch_bounds){stretch_less(STRETCH_MOST, count), queue->room};
}

// To a connection that is going to be looked at, until it is written to or the clock is looked at.
static void stretch_bound_engine(struct stretch_bounds *bounds, const struct zmq__engine *engine)
{
    bounds->count = stretch_less(bounds->count, zmq__engine_unlooked(engine));
    bounds->size = stretch_less(bounds->size,
                                stretch_rest(engine->uv->unflushed_max, engine->uv->unflushed + 1));
}

// Over a line whose other side has something left to receive, until so much waits that it crosses.
static void stretch_bound_line(struct stretch_bounds *bounds, const struct zmtp__queue *queue)
{
    const struct zmtp__abroad *const abroad = queue->abroad;
    bounds->count = stretch_less(bounds->count, stretch_rest(abroad->bide_count, queue->count + 1));
    bounds->size = stretch_less(bounds->size, stretch_rest(abroad->bide_bytes, queue->bytes + 1));
    // The one that fills the queue crosses as well.
    bounds->count = stretch_rest(bounds->count, 1);
    bounds->size = stretch_rest(bounds->size, 1);
}

void zmq__stretch_begin_send(struct zmq__socket *socket)
{
    const struct zmq__engine *const engine = socket->engine;
    struct zmtp__lane *const lane = zmtp__list_first(&socket->core->writable);
    if (!lane || socket->core->marks.first || !zmtp__lane_admits(socket->core, lane)) return;
    struct zmtp__queue *const queue = lane->end->out;
    const struct zmtp_pipe_end *const other = lane->end->other;
    if (other->closed || !zmtp__queue_follows(queue, 1)) return;
    if (engine ? !other->marked || engine->direct : !zmtp__queue_bides(queue)) return;
    struct stretch_bounds bounds = stretch_of_queue(queue);
    if (engine)
        stretch_bound_engine(&bounds, engine);
    else
        stretch_bound_line(&bounds, queue);
    if (bounds.count < ZMQ__STRETCH_LEAST) return;
    uint8_t *const room = queue->tail_at;
    struct zmq__stretch *const stretch = &socket->stretch;
    stretch->lane = lane;
    stretch->count = stretch->sends = (unsigned)bounds.count;
    stretch->begin = stretch->room = room;
    stretch->end = room + bounds.size;
}

static void stretch_settle_send(struct zmq__socket *socket)
{
    const struct zmq__stretch *const stretch = &socket->stretch;
    struct zmtp__lane *const lane = stretch->lane;
    const size_t count = stretch->count - stretch->sends;
    const size_t size = (size_t)(stretch->room - stretch->begin);
    zmtp__queue_followed_by(lane->end->out, size, count);
    socket->core->counters.sent += count;
    if (!socket->engine) return;
    socket->engine->uv->unflushed += size - count * ZMQ__STRETCH_HEADER;
    socket->engine->unwritten += (unsigned)count;
}

// To connections that are going to be looked at, until the clock is.
static bool stretch_begin_volley(struct zmq__socket *socket)
{
    const struct zmq__engine *const engine = socket->engine;
    struct zmq__stretch *const stretch = &socket->stretch;
    struct zmtp__volley *const volley = &stretch->volley;
    const unsigned most = zmq__engine_unlooked(engine);
    if (stretch->lane || most < ZMQ__STRETCH_LEAST) return false;
    if (engine->direct || !zmq__engine_watched(engine) || !zmq__engine_marked(engine)) return false;
    if (zmq__stretch_rests(socket) || !zmtp__volley_begin(volley, socket->core)) return false;
    if (volley->count > most) volley->count = volley->left = most;
    stretch->lane = zmtp__list_first(&socket->core->writable);
    stretch->count = (unsigned)volley->count;
    return true;
}

bool zmq__stretch_volley(struct zmq__socket *socket, struct zmtp_bytes body)
{
    struct zmtp__volley *const volley = &socket->stretch.volley;
    struct zmtp_uv *const uv = socket->engine->uv;
    if (zmtp__gather_would_end(uv, socket->core, body.size)) return false;
    if (!volley->socket && !stretch_begin_volley(socket)) return false;
    if (!zmq__stretch_calm(socket) || !zmtp__volley_put(volley, body)) return false;
    uv->unflushed += body.size;
    return true;
}

static void stretch_settle_volley(struct zmq__socket *socket)
{
    struct zmq__stretch *const stretch = &socket->stretch;
    stretch->sends = (unsigned)stretch->volley.left;
    socket->engine->unwritten += (unsigned)zmtp__volley_settle(&stretch->volley);
}

// As many as leave one behind, and no room that is to be told of.
static size_t stretch_receivable(const struct zmtp__queue *queue)
{
    const struct zmtp__debt *const debt = queue->debt;
    size_t count = stretch_rest(queue->count, 1);
    if (queue->starved) {
        const int32_t due = (int32_t)(queue->due - (uint32_t)queue->taken);
        if (!queue->count_max || due <= 0) return 0;
        count = stretch_less(count, stretch_rest(queue->count, queue->count_max / 2 + 1));
        count = stretch_less(count, (size_t)due - 1);
    }
    if (debt && debt->count_due)
        count = stretch_less(count, stretch_rest(debt->count_due, debt->count - queue->count + 1));
    return count;
}

// A SUB asked for some topics alone: the stretch that is about to begin is to end before a message that is of none.
static void stretch_bound_topics(struct zmq__socket *socket)
{
    struct zmq__stretch *const stretch = &socket->stretch;
    const uint8_t *const begin = stretch->at;
    const unsigned count = stretch->recvs;
    struct zmtp_bytes body;
    while (zmq__stretch_peek_more(socket, &body) && zmtp__sub_wants(socket->core, body))
        zmq__stretch_take(socket, body);
    stretch->end = stretch->at;
    stretch->at = begin;
    stretch->count = stretch->recvs = count - stretch->recvs;
}

void zmq__stretch_begin_recv(struct zmq__socket *socket)
{
    struct zmtp__lane *const lane = zmtp__list_first(&socket->core->readable);
    if (!zmtp__express_gives(socket->core)) return;
    const struct zmtp__queue *const queue = lane->end->in;
    struct zmtp__origin *const origin = zmtp__express_origin(lane->end);
    if (!origin || queue->stale || queue->sent) return;
    const struct zmtp__debt *const debt = queue->debt;
    const struct zmtp__range *const range = &queue->ranges[queue->range_head];
    size_t size = (size_t)(range->end - range->begin);
    size_t count = stretch_less(STRETCH_MOST, stretch_receivable(queue));
    // What comes over lines is seen by each message of a stretch.
    if (socket->engine) count = stretch_less(count, stretch_rest(STRETCH_RECVS, socket->calls));
    if (debt && debt->bytes_due)
        size = stretch_less(size, stretch_rest(debt->bytes_due, debt->bytes - queue->bytes + 1));
    if (count < ZMQ__STRETCH_LEAST) return;
    struct zmq__stretch *const stretch = &socket->stretch;
    stretch->lane = lane;
    stretch->count = stretch->recvs = (unsigned)count;
    stretch->room = NULL;
    stretch->at = range->begin;
    stretch->end = range->begin + size;
    stretch->slab = range->slab;
    stretch->origin = origin;
    if (socket->core->pattern == &zmtp__sub && !zmtp__sub_wants_all(socket->core))
        stretch_bound_topics(socket);
}

static void stretch_settle_recv(struct zmq__socket *socket)
{
    const struct zmq__stretch *const stretch = &socket->stretch;
    struct zmtp__lane *const lane = stretch->lane;
    const unsigned count = stretch->count - stretch->recvs;
    zmtp__queue_leave_many(lane->end->in, stretch->at, count);
    lane->taken += count;
    socket->core->counters.received += count;
    if (socket->engine) socket->calls += count;
}

bool zmq__stretch_send_more(struct zmq__socket *socket, struct zmtp_bytes body)
{
    struct zmq__stretch *const stretch = &socket->stretch;
    uint8_t *const room = stretch->room;
    if (stretch->sends == 0 || body.size >= ZMTP__QUEUE_REFER_BODY) return false;
    if (!zmq__stretch_calm(socket) || (size_t)(stretch->end - room) < ZMTP_HEADER_MAX + body.size)
        return false;
    const struct zmtp_frame frame = {.size = body.size};
    const size_t header = zmtp__frame_encode(&frame, room);
    if (body.size > 0) memcpy(room + header, body.data, body.size);
    stretch->room = room + header + body.size;
    stretch->sends--;
    return true;
}

bool zmq__stretch_peek_more(const struct zmq__socket *socket, struct zmtp_bytes *body)
{
    const struct zmq__stretch *const stretch = &socket->stretch;
    struct zmtp__range rest = {.begin = stretch->at, .end = stretch->end};
    if (zmq__stretch_peek(socket, body)) return true;
    if (stretch->recvs == 0 || !zmq__stretch_calm(socket)) return false;
    if (rest.begin == rest.end || *rest.begin != ZMTP_FLAG_LONG) return false;
    const struct zmtp__queue_one one = zmtp__range_peek_long(&rest);
    *body = one.body;
    return one.range;
}

void zmq__stretch_settle(struct zmq__socket *socket)
{
    if (socket->stretch.volley.socket)
        stretch_settle_volley(socket);
    else if (socket->stretch.room)
        stretch_settle_send(socket);
    else
        stretch_settle_recv(socket);
    struct zmq__stretch *const stretch = &socket->stretch;
    const unsigned left = stretch->sends + stretch->recvs;
    stretch->vain = left > 0 && stretch->count - left < ZMQ__STRETCH_LEAST ? stretch->vain + 1 : 0;
    if (stretch->vain > STRETCH_VAIN_MAX) stretch->vain = STRETCH_VAIN_MAX;
    stretch->rest = stretch->vain > 0 ? 1u << stretch->vain : 0;
    stretch->lane = NULL;
    stretch->sends = stretch->recvs = 0;
}

void zmq__stretch_come_back(struct zmq__socket *socket)
{
    zmq__latch_fence();
    zmq__socket_come_back(socket);
}
