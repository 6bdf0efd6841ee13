#include "fair_queue.h"

void zmtp__fair_queue_join(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (zmtp__node_listed(&lane->readable) || !zmtp__pipe_readable(lane->end)) return;
    zmtp__list_append(&socket->readable, &lane->readable);
}

static void fair_queue_pass(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    zmtp__pipe_consumed(lane->end);
    zmtp__list_pass(&socket->readable, &lane->readable);
}

struct zmtp__lane *zmtp__fair_queue_first(struct zmtp_socket *socket)
{
    struct zmtp__lane *lane;
    while ((lane = zmtp__list_first(&socket->readable))) {
        if (!zmtp__pipe_readable(lane->end)) {
            zmtp__node_remove(&lane->readable);
            if (zmtp__pipe_finished(lane->end)) zmtp__lane_release(socket, lane);
            continue;
        }
        const unsigned flags = zmtp__queue_first_flags(lane->end->in);
        if (flags & ZMTP_FLAG_COMMAND) {
            // Only a publisher has a use for commands.
            zmtp__fair_queue_drop(socket, lane, ZMTP_DROP_UNEXPECTED);
        } else if (socket->pattern->single && flags & ZMTP_FLAG_MORE) {
            zmtp__fair_queue_drop(socket, lane, ZMTP_DROP_ENVELOPE);
        } else {
            return lane;
        }
    }
    return NULL;
}

int zmtp__fair_queue_take(struct zmtp_socket *socket, struct zmtp__lane *lane, struct zmtp_msg *msg)
{
    const int result = zmtp__pipe_take(lane->end, msg);
    if (result < 0) return result;
    lane->taken++;
    fair_queue_pass(socket, lane);
    return ZMTP_OK;
}

int zmtp__fair_queue_recv(struct zmtp_socket *socket, struct zmtp_msg *msg)
{
    struct zmtp__lane *lane = zmtp__fair_queue_first(socket);
    return lane ? zmtp__fair_queue_take(socket, lane, msg) : ZMTP_ERR_AGAIN;
}

void zmtp__fair_queue_drop(struct zmtp_socket *socket, struct zmtp__lane *lane,
                           enum zmtp_drop reason)
{
    zmtp__lane_drop(socket, lane, reason);
    fair_queue_pass(socket, lane);
}
