// PAIR (RFC 31) and CHANNEL (RFC 52): one peer at a time, and messages both ways, unmodified. Nothing
// is discarded: with no peer, or a full one, the caller waits. Another peer is refused until the one
// there is has gone; what that one sent before is still received.
#include "fair_queue.h"

struct pair {
    struct zmtp_socket socket;
    struct zmtp__lane *peer; // null: none
};

static struct pair *pair_of(struct zmtp_socket *socket)
{
    return (struct pair *)socket;
}

static int pair_attached(struct zmtp_socket *socket, struct zmtp__lane *lane,
                         struct zmtp_bytes routing_id)
{
    (void)routing_id; // there is nobody to tell it from
    if (pair_of(socket)->peer) return ZMTP_ERR_IN_USE;
    pair_of(socket)->peer = lane;
    return ZMTP_OK;
}

static void pair_gone(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct pair *pair = pair_of(socket);
    if (lane == pair->peer) pair->peer = NULL;
}

static int pair_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    struct zmtp__lane *peer = pair_of(socket)->peer;
    if (!peer || !zmtp__lane_writable(socket, peer)) return ZMTP_ERR_AGAIN;
    return zmtp__lane_send(socket, peer, NULL, out);
}

static unsigned pair_events(struct zmtp_socket *socket)
{
    struct zmtp__lane *peer = pair_of(socket)->peer;
    const bool writable = peer && zmtp__lane_writable(socket, peer);
    return (zmtp__fair_queue_first(socket) ? ZMTP_READABLE : 0u) | (writable ? ZMTP_WRITABLE : 0u);
}

const struct zmtp__pattern zmtp__pair = {
    .socket_size = sizeof(struct pair),
    .lane_size = sizeof(struct zmtp__lane),
    .fair_queued = true,
    .attached = pair_attached,
    .gone = pair_gone,
    .released = pair_gone,
    .send = pair_send,
    .recv = zmtp__fair_queue_recv,
    .events = pair_events,
};

const struct zmtp__pattern zmtp__channel = {
    .socket_size = sizeof(struct pair),
    .lane_size = sizeof(struct zmtp__lane),
    .fair_queued = true,
    .single = true,
    .attached = pair_attached,
    .gone = pair_gone,
    .released = pair_gone,
    .send = pair_send,
    .recv = zmtp__fair_queue_recv,
    .events = pair_events,
};
