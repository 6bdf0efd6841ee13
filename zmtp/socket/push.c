// PUSH (RFC 30) and SCATTER (RFC 49): messages go to the peers in turn, unmodified. Nothing is
// discarded: a full peer is passed over, and when all are full the caller waits. What peers send is
// dropped and counted.
#include "balance.h"

static int push_incoming(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    zmtp__lane_discard(socket, lane);
    return ZMTP_OK;
}

static unsigned push_events(struct zmtp_socket *socket)
{
    return zmtp__balance_first(socket) ? ZMTP_WRITABLE : 0u;
}

const struct zmtp__pattern zmtp__push = {
    .socket_size = sizeof(struct zmtp_socket),
    .lane_size = sizeof(struct zmtp__lane),
    .balanced = true,
    .incoming = push_incoming,
    .send = zmtp__balance_send_on,
    .events = push_events,
};

const struct zmtp__pattern zmtp__scatter = {
    .socket_size = sizeof(struct zmtp_socket),
    .lane_size = sizeof(struct zmtp__lane),
    .balanced = true,
    .single = true,
    .incoming = push_incoming,
    .send = zmtp__balance_send_on,
    .events = push_events,
};
