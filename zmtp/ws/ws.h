// ZWS 2.0 (RFC 45): the translator between a WebSocket connection and a ZMTP peer. It has the octets of
// the network on one side and those of ZMTP 3 on the other, so that a peer (peer.h) and all that is
// behind it need not know about WebSocket:
//
//     network -> feed -> HTTP upgrade, then frames -> read -> peer: a greeting that says what the
//     subprotocol said, then each message as a frame
//     peer -> wrap -> each frame as a message, the greeting swallowed -> network
//
// It does no I/O, calls nobody but for randomness, and never blocks; time is an argument. Without
// libwslay it cannot be opened.
#ifndef ZMTP_WS_WS_H
#define ZMTP_WS_WS_H

#include "../wire.h"
#include "upgrade.h"

struct zmtp__ws;

struct zmtp__ws_config {
    const struct zmtp_allocator *allocator;
    bool server;
    struct zmtp__upgrade upgrade; // must outlive the translator, but for the authority
    uint8_t minor;                // of the ZMTP 3.x that the peer is to take the other side for
    struct zmtp_bytes routing_id; // announced where there is no mechanism; must outlive it
    bool (*random)(uint8_t *out, size_t size);
    uint32_t handshake_frame_max; // octets of a message before the peer's handshake is done
    uint64_t message_max;         // and after it; 0: any
    uint32_t heartbeat_interval_ms, heartbeat_timeout_ms; // 0: none
};

// Can one be opened at all?
bool zmtp__ws_built(void);
// ZMTP_ERR_MEMORY, ZMTP_ERR_SYSTEM (no randomness), ZMTP_ERR_UNSUPPORTED leave |*out| null.
int zmtp__ws_open(struct zmtp__ws **out, const struct zmtp__ws_config *config);
void zmtp__ws_close(struct zmtp__ws *ws);

// The peer's handshake is done.
void zmtp__ws_establish(struct zmtp__ws *ws, uint64_t now_ms);

// Octets came. They are borrowed until zmtp__ws_keep. Not while it holds any.
void zmtp__ws_feed(struct zmtp__ws *ws, struct zmtp_bytes in, uint64_t now_ms);
// Writes what they mean to the peer; how many octets. Less than |size|: it has no more, or has failed, or
// the handshake is not done as far as it knows: then one frame is read at a time.
size_t zmtp__ws_read(struct zmtp__ws *ws, uint8_t *out, size_t size, uint64_t now_ms);
// Copies what was fed and not read. Without memory for that it has failed.
void zmtp__ws_keep(struct zmtp__ws *ws);
// Is there more to read, without more octets from the network?
bool zmtp__ws_holds(const struct zmtp__ws *ws);

// Writes what is to be sent to |out|, of at least ZMTP__WS_ROOM_MIN octets; returns how many. |from| is
// what the peer shows, may be empty, and is moved behind what was taken. Returns 0 when it takes and
// has nothing, or has failed.
enum { ZMTP__WS_ROOM_MIN = 1024 };
size_t zmtp__ws_wrap(struct zmtp__ws *ws, struct zmtp_bytes *from, uint8_t *out, size_t size,
                     uint64_t now_ms);
// A batch of calls of zmtp__ws_wrap is over.
void zmtp__ws_wrapped(struct zmtp__ws *ws);
// Has it something of its own to say?
bool zmtp__ws_wants(const struct zmtp__ws *ws);
// Octets left; |all|: every one that was written.
void zmtp__ws_left(struct zmtp__ws *ws, bool all, uint64_t now_ms);
// Says goodbye, because of |error|: nothing of the peer's is taken any more.
void zmtp__ws_bye(struct zmtp__ws *ws, int error);

// When it wants a tick; |deaf|: nothing can be heard now, as the peer wants nothing. UINT64_MAX: never.
uint64_t zmtp__ws_deadline(const struct zmtp__ws *ws, bool deaf);
void zmtp__ws_tick(struct zmtp__ws *ws, bool deaf, uint64_t now_ms);

int zmtp__ws_error(const struct zmtp__ws *ws); // ZMTP_OK until it failed; the first one stays
const char *zmtp__ws_reason(const struct zmtp__ws *ws); // in words; printable; or ""

// What the heartbeats of WebSocket came to.
struct zmtp__ws_counters {
    uint64_t pings_sent, pongs_received;
    uint32_t round_trip_ms; // UINT32_MAX: none yet
};
struct zmtp__ws_counters zmtp__ws_counters(const struct zmtp__ws *ws);

#endif
