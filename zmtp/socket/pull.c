// PULL (RFC 30) and GATHER (RFC 49): messages come from the peers in turn, unmodified. A full queue
// discards nothing: its connection reads no more.
#include "fair_queue.h"

static unsigned pull_events(struct zmtp_socket *socket)
{
    return zmtp__fair_queue_first(socket) ? ZMTP_READABLE : 0u;
}

const struct zmtp__pattern zmtp__pull = {
    .socket_size = sizeof(struct zmtp_socket),
    .lane_size = sizeof(struct zmtp__lane),
    .fair_queued = true,
    .recv = zmtp__fair_queue_recv,
    .events = pull_events,
};

const struct zmtp__pattern zmtp__gather = {
    .socket_size = sizeof(struct zmtp_socket),
    .lane_size = sizeof(struct zmtp__lane),
    .fair_queued = true,
    .single = true,
    .recv = zmtp__fair_queue_recv,
    .events = pull_events,
};
