#include <assert.h>

#include "balance.h"
#include "fair_queue.h"
#include "notices.h"
#include "pattern.h"

#include <string.h>

// Octets of a lane and its pipe, whatever waits in it.
enum { LANE_KEPT = 2048 };

static void lane_node(struct zmtp__node *node, struct zmtp__lane *lane)
{
    *node = (struct zmtp__node){.lane = lane};
}

int zmtp__lane_open(struct zmtp_socket *socket, struct zmtp_pipe_end *end, bool dialled,
                    struct zmtp_bytes routing_id)
{
    const struct zmtp__pattern *pattern = socket->pattern;
    // Zeroed as a whole, for the part that is the pattern's own.
    struct zmtp__lane *lane = zmtp_alloc(socket->config.allocator, pattern->lane_size);
    if (!lane) return ZMTP_ERR_MEMORY;
    memset(lane, 0, pattern->lane_size);
    lane->end = end;
    lane->dialled = dialled;
    lane_node(&lane->listed, lane);
    lane_node(&lane->readable, lane);
    lane_node(&lane->writable, lane);
    lane_node(&lane->overdue, lane);
    const int result = pattern->attached ? pattern->attached(socket, lane, routing_id) : ZMTP_OK;
    if (result < 0) {
        zmtp_free(socket->config.allocator, lane, pattern->lane_size);
        return result;
    }
    zmtp__list_append(&socket->lanes, &lane->listed);
    zmtp_pipe_own(end, &socket->marks, lane);
    zmtp__notices_open(socket, lane);
    return ZMTP_OK;
}

void zmtp__lane_disown(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (socket->pattern->released) socket->pattern->released(socket, lane);
    zmtp__node_remove(&lane->listed);
    zmtp__node_remove(&lane->readable);
    zmtp__node_remove(&lane->writable);
    zmtp__node_remove(&lane->overdue);
    zmtp__socket_lose_way(socket);
    zmtp_pipe_own(lane->end, NULL, NULL);
    socket->gone_bytes -= lane->kept;
    zmtp_free(socket->config.allocator, lane, socket->pattern->lane_size);
}

// What waits between two sockets is counted once: by the sender, until the receiver takes it.
static uint64_t lane_arrived(const struct zmtp__lane *lane)
{
    const struct zmtp__queue *in = lane->end->in;
    return lane->joined ? in->read : in->written;
}

// The lane's queues are the other end's now: what they have counted goes into the socket's counters.
// What still waits to leave is settled later (zmtp_socket_settle), or belongs to the socket there, of this
// thread or another.
static void lane_account(struct zmtp_socket *socket, const struct zmtp__lane *lane)
{
    const struct zmtp_pipe_end *end = lane->end;
    const uint64_t waiting = end->other->closed ? 0 : zmtp__queue_waiting(end->out);
    const bool passed_on = lane->joined || end->out->crosses;
    socket->counters.copies += end->out->written;
    socket->counters.left += zmtp__queue_left(end->out) + (passed_on ? waiting : 0);
    socket->counters.arrived += lane_arrived(lane);
    socket->counters.queued += passed_on ? 0 : waiting;
}

struct zmtp_flow zmtp__lane_flow(const struct zmtp__lane *lane)
{
    const struct zmtp__queue *out = lane->end->out, *in = lane->end->in;
    // What went with the other end is still to be seen, and counted as lost.
    const size_t unseen = lane->gone ? 0 : lane->end->stranded;
    return (struct zmtp_flow){.copies = out->written,
                              .left = zmtp__queue_left(out),
                              .queued = zmtp__queue_waiting(out) + unseen,
                              .lost = lane->lost,
                              .arrived = lane_arrived(lane),
                              .taken = lane->taken,
                              .waiting = lane->joined ? 0 : zmtp__queue_messages(in),
                              .heeded = lane->heeded,
                              .discarded = lane->discarded};
}

// What went with the other end, and was not yet seen to have gone, is lost.
static void lane_lost_unseen(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (lane->gone) return;
    zmtp__lane_lost(socket, lane, lane->dialled ? ZMTP_DROP_CLOSED : ZMTP_DROP_PEER_GONE,
                    lane->end->stranded);
}

void zmtp__lane_release(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct zmtp_pipe_end *end = lane->end;
    lane_lost_unseen(socket, lane);
    lane_account(socket, lane);
    zmtp__lane_disown(socket, lane);
    zmtp_pipe_close(end);
}

void zmtp__lane_lost(struct zmtp_socket *socket, struct zmtp__lane *lane, enum zmtp_drop reason,
                     size_t count)
{
    zmtp__socket_dropped(socket, reason, count);
    socket->counters.lost += count;
    lane->lost += count;
}

// What came in, |count| messages, is dropped.
static void lane_discarded(struct zmtp_socket *socket, struct zmtp__lane *lane,
                           enum zmtp_drop reason, size_t count)
{
    zmtp__socket_dropped(socket, reason, count);
    socket->counters.discarded += count;
    lane->discarded += count;
}

// Nothing can be sent any more, and what waited goes. A dialled pipe is closed by this side alone.
static void lane_gone(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    const struct zmtp_pipe_end *end = lane->end;
    const size_t waited = end->other->closed ? end->stranded : zmtp__queue_withdraw(end->out);
    lane->gone = true;
    zmtp__lane_lost(socket, lane, lane->dialled ? ZMTP_DROP_CLOSED : ZMTP_DROP_PEER_GONE, waited);
    if (socket->pattern->gone) socket->pattern->gone(socket, lane);
}

static void lane_discard(struct zmtp_socket *socket, struct zmtp__lane *lane, enum zmtp_drop reason)
{
    struct zmtp__queue *queue = lane->end->in;
    lane_discarded(socket, lane, reason, zmtp__queue_messages(queue));
    zmtp__queue_clear(queue);
    zmtp__pipe_consumed(lane->end);
}

void zmtp__lane_discard(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    zmtp__socket_dropped(socket, ZMTP_DROP_UNEXPECTED, lane->end->in->commands);
    lane_discard(socket, lane, ZMTP_DROP_UNEXPECTED);
}

void zmtp__lane_part(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    const struct zmtp__pattern *const pattern = socket->pattern;
    // Before its queue is cleared: the pattern may still look into a message there.
    if (pattern->parted)
        pattern->parted(socket, lane);
    else if (pattern->gone)
        pattern->gone(socket, lane);
    lane_discard(socket, lane, ZMTP_DROP_UNREAD);
    zmtp__lane_release(socket, lane);
}

// A command is no message: it is seen to, or passed over, and not counted.
static bool lane_drop_first(struct zmtp__lane *lane)
{
    struct zmtp__queue *queue = lane->end->in;
    const bool command = zmtp__queue_first_flags(queue) & ZMTP_FLAG_COMMAND;
    zmtp__queue_drop(queue);
    zmtp__pipe_consumed(lane->end);
    return !command;
}

void zmtp__lane_drop(struct zmtp_socket *socket, struct zmtp__lane *lane, enum zmtp_drop reason)
{
    if (lane_drop_first(lane))
        lane_discarded(socket, lane, reason, 1);
    else
        zmtp__socket_dropped(socket, reason, 1); // only our own other sockets could send it
}

void zmtp__lane_reject(struct zmtp_socket *socket, struct zmtp__lane *lane, enum zmtp_drop reason)
{
    lane->taken--;
    lane_discarded(socket, lane, reason, 1);
}

void zmtp__lane_heed(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (!lane_drop_first(lane)) return;
    socket->counters.heeded++;
    lane->heeded++;
}

void zmtp__lane_withdraw(struct zmtp_socket *socket, struct zmtp__lane *lane, enum zmtp_drop reason)
{
    zmtp__lane_lost(socket, lane, reason, zmtp__queue_withdraw(lane->end->out));
}

void zmtp__lane_cut(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    zmtp__lane_withdraw(socket, lane, ZMTP_DROP_PEER_GONE);
    zmtp__lane_discard(socket, lane);
    zmtp__lane_release(socket, lane);
}

void zmtp__lane_replace(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (socket->config.conflate) zmtp__lane_withdraw(socket, lane, ZMTP_DROP_REPLACED);
}

// Of what came in only the last message is kept.
static void lane_conflate(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct zmtp__queue *queue = lane->end->in;
    while (queue->count > 1)
        zmtp__lane_drop(socket, lane, ZMTP_DROP_OUTDATED);
}

// With |probe_router| an empty message tells a new connection's other side of us, a ROUTER of our
// routing id. Where messages wait already, they tell it.
static int lane_probe(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (!socket->config.probe_router) return ZMTP_OK;
    const struct zmtp__queue *const out = lane->end->out;
    if (lane->end->other->closed || out->count > 0 || zmtp__queue_full(out)) return ZMTP_OK;
    const struct zmtp_bytes empty = {NULL, 0};
    const struct zmtp__outgoing probe = zmtp__outgoing_of_parts(&empty, 1);
    const int result = zmtp__lane_send(socket, lane, NULL, &probe);
    if (result == ZMTP_OK) socket->counters.own++;
    return result;
}

// An accepted connection has gone for good, and what it left waits to be received. All of it counts until
// the last of it was; the queue, the lane and what the allocator needs for them, too.
static void lane_keep(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (lane->kept > 0 || lane->dialled || lane->joined || !lane->end->other->closed) return;
    lane->kept = LANE_KEPT + zmtp_pipe_depth(lane->end).in_bytes;
    socket->gone_bytes += lane->kept;
}

void zmtp__lane_look(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    const struct zmtp__pattern *pattern = socket->pattern;
    const struct zmtp_link *link = zmtp_pipe_link(lane->end);
    int result = ZMTP_OK;
    // An accepted connection that ended may still have messages to deliver, but takes none.
    const bool ended = !lane->dialled && lane->up && !link->up;
    zmtp__node_remove(&lane->overdue);
    zmtp__socket_lose_way(socket);
    if (link->up != lane->up || link->generation != lane->generation) {
        if (pattern->linked) result = pattern->linked(socket, lane);
        if (result == ZMTP_OK && link->up) result = lane_probe(socket, lane);
        if (result == ZMTP_OK) {
            zmtp__notices_linked(socket, lane);
            lane->up = link->up;
            lane->generation = link->generation;
        }
    }
    if (!lane->gone && (ended || lane->end->other->closed)) {
        lane_gone(socket, lane);
        zmtp__notices_gone(socket, lane);
    }
    if (result == ZMTP_OK && lane->notices) result = zmtp__notices_tell(socket, lane);
    if (result == ZMTP_OK && pattern->incoming) result = pattern->incoming(socket, lane);
    if (result == ZMTP_ERR_LIMIT) {
        zmtp__lane_cut(socket, lane);
        return;
    }
    assert(result == ZMTP_OK || result == ZMTP_ERR_MEMORY);
    if (zmtp__pipe_finished(lane->end) && !lane->notices) {
        zmtp__lane_release(socket, lane);
        return;
    }
    lane_keep(socket, lane);
    if (result == ZMTP_ERR_MEMORY) zmtp__list_append(&socket->overdue, &lane->overdue);
    if (socket->config.conflate && pattern->fair_queued) lane_conflate(socket, lane);
    if (pattern->fair_queued) zmtp__fair_queue_join(socket, lane);
    if (pattern->balanced) zmtp__balance_join(socket, lane);
}

// With |conflate|: it takes the place of those that wait. Without memory for it they wait on.
static int lane_send_last(struct zmtp_socket *socket, struct zmtp__lane *lane,
                          const struct zmtp__outgoing *head, const struct zmtp__outgoing *body)
{
    struct zmtp__queue *const queue = lane->end->out;
    int result = zmtp__outgoing_put(queue, head, body);
    if (result == ZMTP_OK) result = zmtp__queue_make_place(queue);
    if (result < 0) return result;
    zmtp__lane_replace(socket, lane);
    zmtp__queue_end(queue, 1);
    return ZMTP_OK;
}

int zmtp__lane_send(struct zmtp_socket *socket, struct zmtp__lane *lane,
                    const struct zmtp__outgoing *head, const struct zmtp__outgoing *body)
{
    const bool last = socket->config.conflate, one = !last && !head && body->count == 1;
    if (!one || !zmtp__queue_write(lane->end->out, zmtp__outgoing_bytes(body, 0))) {
        const int result = last ? lane_send_last(socket, lane, head, body)
                                : zmtp__outgoing_write(lane->end->out, head, body);
        if (result < 0) return result;
    }
    zmtp__pipe_published(lane->end);
    return ZMTP_OK;
}

static size_t lane_waiting_bytes(const struct zmtp_socket *socket)
{
    size_t waiting = 0;
    for (const struct zmtp__node *node = socket->lanes.next; node->lane; node = node->next)
        waiting += zmtp_pipe_depth(node->lane->end).out_bytes;
    return waiting;
}

// A peer's share is what all leave, so it gets smaller the more of them do not read, and there is always some for one
// that does. All are looked at only when they may be in the way, and once for a message: nobody reads meanwhile.
bool zmtp__share_has_room(struct zmtp_socket *socket, const struct zmtp__lane *lane,
                          struct zmtp__share *share)
{
    const size_t max = socket->config.send_bytes_all_max, size = share->size;
    if (max == 0) return true;
    const size_t own = zmtp_pipe_depth(lane->end).out_bytes;
    if (size > max || own > max - size) return false;
    if (!share->looked && socket->waiting_bytes > max - own - size) {
        socket->waiting_bytes = lane_waiting_bytes(socket);
        share->looked = true;
    }
    if (socket->waiting_bytes > max - own - size) return false;
    socket->waiting_bytes += size;
    return true;
}
