// Deadlines and heartbeats (RFC 37, Connection Heartbeating). Any octet that comes in is a sign of
// life. When nothing came for the interval a PING goes out, and when nothing comes for the timeout
// after it the connection is dead. A PING with a TTL promises that we are heard again within it; the
// other side may hold us to that although it sends no PINGs, so one more follows at half the TTL.
//
// A PING goes between messages, so it may have to wait for the rest of a long one. While octets leave,
// that one is being received, and the timeout begins anew with each of them until the PING has left.
//
// While its pipe is full a peer does not read, so it hears nothing and judges nobody; and since the
// other side then hears no PONG from it, it sends PINGs by itself, for life's sake.
#include <string.h>

#include "inside.h"

void zmtp__clock_heard(struct zmtp_peer *peer, uint64_t now_ms)
{
    peer->counters.heard_ms = peer->asked_ms = now_ms;
    peer->ping_out = false;
    peer->ttl_end_ms = 0;
}

void zmtp__clock_moved(struct zmtp_peer *peer, uint64_t now_ms)
{
    if (peer->moved) peer->busy_ms = now_ms;
    peer->moved = false;
}

// When a connection without messages has been that for too long; UINT64_MAX: not now. One that does not
// read, because its pipe is full, or cannot send what waits, has messages.
static uint64_t clock_idle(const struct zmtp_peer *peer)
{
    if (peer->limits.idle_ms == 0 || peer->blocked || peer->ending) return UINT64_MAX;
    if (peer->end->in->count > 0 || zmtp__window_unsent(peer)) return UINT64_MAX;
    return peer->busy_ms + peer->limits.idle_ms;
}

// Is a PING waiting to leave?
static bool clock_ping_waits(const struct zmtp_peer *peer)
{
    return peer->ping_due || peer->ping_leaving;
}

void zmtp__clock_left(struct zmtp_peer *peer, bool all_of_ours, uint64_t now_ms)
{
    if (!clock_ping_waits(peer)) return;
    if (!peer->ping_out) peer->asked_ms = now_ms;
    peer->ping_ms = now_ms;
    if (peer->ping_leaving && all_of_ours) {
        peer->ping_leaving = false;
        peer->ping_out = true;
    }
}

void zmtp__clock_ping(struct zmtp_peer *peer, const struct zmtp_ping *ping, uint64_t now_ms)
{
    // Octets behind the PING are further traffic, and have come already.
    const struct zmtp__peer_sealed *sealed = peer->sealed;
    const bool last =
        peer->held.at == peer->held.end && (!sealed || sealed->opened_at == sealed->opened_end);
    peer->ttl_end_ms = ping->ttl_ms > 0 && last ? now_ms + ping->ttl_ms : 0;
    memcpy(peer->pong_context, ping->context.size ? ping->context.data : peer->pong_context,
           ping->context.size);
    peer->pong_size = (uint8_t)ping->context.size;
    peer->pong_due = true; // a second PING before the PONG has left is answered by the same one
}

void zmtp__clock_pong(struct zmtp_peer *peer, uint64_t now_ms)
{
    if (peer->counters.pongs_received++ >= peer->counters.pings_sent) return; // nobody asked
    if (now_ms - peer->ping_ms <= UINT32_MAX - 1)
        peer->counters.round_trip_ms = (uint32_t)(now_ms - peer->ping_ms);
}

// PING is of 3.1; a 3.0 peer never gets one. Neither does a DISH, to which alone a RADIO speaks:
// those of libzmq end the connection on any command.
static bool clock_pings(const struct zmtp_peer *peer)
{
    return peer->state == ZMTP_PEER_TRAFFIC && peer->their_minor >= 1 && peer->type != ZMTP_RADIO &&
           peer->limits.heartbeat_interval_ms > 0 && !peer->ending;
}

static uint64_t clock_earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

// When silence since our PING means death; UINT64_MAX: not now.
static uint64_t clock_timeout(const struct zmtp_peer *peer)
{
    if (peer->blocked || peer->limits.heartbeat_timeout_ms == 0) return UINT64_MAX;
    if (!peer->ping_out && !clock_ping_waits(peer)) return UINT64_MAX;
    return peer->asked_ms + peer->limits.heartbeat_timeout_ms;
}

// When a PING is due; UINT64_MAX: not before the last one is answered.
static uint64_t clock_next_ping(const struct zmtp_peer *peer)
{
    const uint64_t heard = peer->counters.heard_ms;
    const uint64_t last = heard > peer->ping_ms ? heard : peer->ping_ms;
    const uint32_t ttl = peer->limits.heartbeat_ttl_ms;
    uint64_t next = UINT64_MAX;
    if (clock_timeout(peer) == UINT64_MAX) next = last + peer->limits.heartbeat_interval_ms;
    if (ttl > 0 && peer->counters.pings_sent > 0)
        next = clock_earlier(next, peer->ping_ms + ttl - ttl / 2);
    return next;
}

uint64_t zmtp_peer_deadline(const struct zmtp_peer *peer)
{
    if (!peer) return UINT64_MAX;
    uint64_t deadline = UINT64_MAX;
    if (peer->state == ZMTP_PEER_CLOSED && !zmtp__tx_pending(peer)) return deadline;
    if (peer->raw) return zmtp__raw_deadline(peer);
    if (peer->state != ZMTP_PEER_TRAFFIC) {
        if (peer->limits.handshake_ms > 0) deadline = peer->opened_ms + peer->limits.handshake_ms;
        return clock_earlier(deadline, zmtp__handshake_deadline(peer));
    }
    if (clock_pings(peer)) deadline = clock_earlier(clock_timeout(peer), clock_next_ping(peer));
    if (peer->ttl_end_ms && !peer->blocked) deadline = clock_earlier(deadline, peer->ttl_end_ms);
    return clock_earlier(deadline, clock_idle(peer));
}

void zmtp_peer_tick(struct zmtp_peer *peer, uint64_t now_ms)
{
    if (!peer || now_ms < zmtp_peer_deadline(peer)) return;
    if (peer->raw) {
        zmtp__raw_tick(peer, now_ms);
        return;
    }
    if (peer->state != ZMTP_PEER_TRAFFIC) {
        zmtp__handshake_expire(peer, now_ms);
        zmtp__tx_drop(peer); // what was said last has had its time, too
        return;
    }
    const bool ttl_over = peer->ttl_end_ms && now_ms >= peer->ttl_end_ms && !peer->blocked;
    if (ttl_over || now_ms >= clock_timeout(peer)) {
        zmtp__peer_stop(peer, ZMTP_ERR_HEARTBEAT);
        return;
    }
    if (now_ms >= clock_idle(peer)) {
        zmtp__peer_stop(peer, ZMTP_ERR_IDLE);
        return;
    }
    if (clock_pings(peer) && now_ms >= clock_next_ping(peer)) {
        if (!peer->ping_out && !clock_ping_waits(peer)) peer->asked_ms = now_ms;
        peer->ping_due = true;
        peer->ping_ms = now_ms;
    }
}
