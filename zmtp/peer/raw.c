// Raw octets, for STREAM: no greeting, no handshake, no heartbeats. What one read brings is a
// message of one part, and of messages that leave only the bodies are sent.
//
// An empty message tells the socket that the connection is there, and another, behind all that came
// in, that it has ended; no read brings an empty one. Without memory for the latter the peer stays
// as it is and tries again, as the socket's user may wait for nothing else.
#include "inside.h"

enum { RAW_RETRY_MS = 20 };

static int raw_tell(struct zmtp_peer *peer, struct zmtp_bytes octets, struct zmtp_slab *slab)
{
    struct zmtp__queue *queue = peer->end->out;
    zmtp__queue_begin(queue);
    const int result = zmtp__queue_put(queue, octets, slab, 0);
    if (result < 0) return result;
    zmtp__queue_end(queue, 1);
    zmtp__pipe_published(peer->end);
    return ZMTP_OK;
}

void zmtp__raw_begin(struct zmtp_peer *peer)
{
    if (!peer->raw_notify || peer->end->other->closed) return;
    const int result = raw_tell(peer, (struct zmtp_bytes){0}, NULL);
    if (result < 0)
        zmtp__peer_stop(peer, result);
    else
        peer->raw_begun = true;
}

bool zmtp__raw_end(struct zmtp_peer *peer, int error)
{
    if (!peer->raw_begun) return true;
    if (peer->end->other->closed || raw_tell(peer, (struct zmtp_bytes){0}, NULL) == ZMTP_OK) {
        peer->raw_begun = peer->raw_starved = false;
        return true;
    }
    peer->ending = error;
    peer->blocked = peer->raw_starved = true;
    zmtp_pipe_link_down(peer->end);
    return false;
}

int zmtp__raw_take(struct zmtp_peer *peer)
{
    struct zmtp__rx_source *held = &peer->held;
    const struct zmtp_bytes octets = {held->at, (size_t)(held->end - held->at)};
    if (!peer->end->other->closed) {
        if (zmtp__queue_full(peer->end->out)) return ZMTP_ERR_AGAIN;
        const int result = raw_tell(peer, octets, held->slab);
        if (result < 0) return result;
        peer->counters.messages_in++;
    }
    held->at = held->end;
    return ZMTP_OK;
}

uint64_t zmtp__raw_deadline(const struct zmtp_peer *peer)
{
    return peer->raw_starved ? peer->raw_retry_ms : UINT64_MAX;
}

void zmtp__raw_tick(struct zmtp_peer *peer, uint64_t now_ms)
{
    peer->raw_retry_ms = now_ms + RAW_RETRY_MS;
    zmtp_peer_resume(peer, now_ms);
}
