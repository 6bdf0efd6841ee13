// DEALER (RFC 28): messages go to the peers in turn and come from them in turn, unmodified. Nothing is
// discarded: a full peer is passed over, and when all are full the caller waits.
#include "balance.h"
#include "fair_queue.h"

static int dealer_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    return zmtp__balance_send(socket, NULL, out, NULL);
}

static int dealer_recv(struct zmtp_socket *socket, struct zmtp_msg *msg)
{
    struct zmtp__lane *lane = zmtp__fair_queue_first(socket);
    return lane ? zmtp__fair_queue_take(socket, lane, msg) : ZMTP_ERR_AGAIN;
}

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
    .send = dealer_send,
    .recv = dealer_recv,
    .events = dealer_events,
};
