// DEALER (RFC 28) and CLIENT (RFC 41): messages go to the peers in turn and come from them in turn,
// unmodified. Nothing is discarded: a full peer is passed over, and when all are full the caller
// waits.
#include "balance.h"
#include "fair_queue.h"

static unsigned dealer_events(struct zmtp_socket *socket)
{
    return (zmtp__fair_queue_first(socket) ? ZMTP_READABLE : 0u) |
           (zmtp__balance_first(socket) ? ZMTP_WRITABLE : 0u);
}

const struct zmtp__pattern zmtp__dealer = {
    .socket_size = sizeof(struct zmtp_socket),
    .lane_size = sizeof(struct zmtp__lane),
    .fair_queued = true,
    .balanced = true,
    .send = zmtp__balance_send_on,
    .recv = zmtp__fair_queue_recv,
    .events = dealer_events,
};

const struct zmtp__pattern zmtp__client = {
    .socket_size = sizeof(struct zmtp_socket),
    .lane_size = sizeof(struct zmtp__lane),
    .fair_queued = true,
    .balanced = true,
    .single = true,
    .send = zmtp__balance_send_on,
    .recv = zmtp__fair_queue_recv,
    .events = dealer_events,
};
