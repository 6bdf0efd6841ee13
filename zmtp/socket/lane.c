#include <assert.h>

#include "balance.h"
#include "fair_queue.h"
#include "pattern.h"

#include <string.h>

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
    return ZMTP_OK;
}

void zmtp__lane_disown(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (socket->pattern->released) socket->pattern->released(socket, lane);
    zmtp__node_remove(&lane->listed);
    zmtp__node_remove(&lane->readable);
    zmtp__node_remove(&lane->writable);
    zmtp__node_remove(&lane->overdue);
    zmtp_pipe_own(lane->end, NULL, NULL);
    zmtp_free(socket->config.allocator, lane, socket->pattern->lane_size);
}

void zmtp__lane_release(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct zmtp_pipe_end *end = lane->end;
    zmtp__lane_disown(socket, lane);
    zmtp_pipe_close(end);
}

// What waited for the other end went with it. A dialled pipe is closed by this side alone. What waits
// for a publisher are commands, no messages.
static void lane_gone(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    const struct zmtp__pattern *pattern = socket->pattern;
    lane->gone = true;
    if (pattern->send)
        zmtp__socket_dropped(socket, lane->dialled ? ZMTP_DROP_CLOSED : ZMTP_DROP_PEER_GONE,
                             lane->end->lost);
    if (pattern->gone) pattern->gone(socket, lane);
}

// This peer broke our limits: what waits for it is dropped, and its connection finds the pipe closed.
static void lane_cut(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct zmtp__queue *queue = lane->end->out;
    const size_t before = queue->count;
    zmtp__queue_clear(queue);
    zmtp__socket_dropped(socket, ZMTP_DROP_PEER_GONE, before - queue->count);
    zmtp__lane_release(socket, lane);
}

void zmtp__lane_look(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    const struct zmtp__pattern *pattern = socket->pattern;
    const struct zmtp_link *link = zmtp_pipe_link(lane->end);
    int result = ZMTP_OK;
    zmtp__node_remove(&lane->overdue);
    if (link->up != lane->up || link->generation != lane->generation) {
        if (pattern->linked) result = pattern->linked(socket, lane);
        if (result == ZMTP_OK) {
            lane->up = link->up;
            lane->generation = link->generation;
        }
    }
    if (!lane->gone && lane->end->other->closed) lane_gone(socket, lane);
    if (result == ZMTP_OK && pattern->incoming) result = pattern->incoming(socket, lane);
    if (result == ZMTP_ERR_LIMIT) {
        lane_cut(socket, lane);
        return;
    }
    assert(result == ZMTP_OK || result == ZMTP_ERR_MEMORY);
    if (zmtp__pipe_finished(lane->end)) {
        zmtp__lane_release(socket, lane);
        return;
    }
    if (result == ZMTP_ERR_MEMORY) zmtp__list_append(&socket->overdue, &lane->overdue);
    if (pattern->fair_queued) zmtp__fair_queue_join(socket, lane);
    if (pattern->balanced) zmtp__balance_join(socket, lane);
}

int zmtp__lane_send(struct zmtp_socket *socket, struct zmtp__lane *lane,
                    const struct zmtp__outgoing *head, const struct zmtp__outgoing *body)
{
    const int result = zmtp__outgoing_write(lane->end->out, head, body);
    if (result < 0) return result;
    zmtp__pipe_published(lane->end);
    socket->counters.copies++;
    return ZMTP_OK;
}
