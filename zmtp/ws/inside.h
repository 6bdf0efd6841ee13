// The inside of the translator, shared by its files: ws.c (its life, heartbeats), inbound.c and
// outbound.c.
#ifndef ZMTP_WS_INSIDE_H
#define ZMTP_WS_INSIDE_H

#include "frames.h"
#include "ws.h"

enum zmtp__ws_state {
    ZMTP__WS_UPGRADING, // heads of HTTP go to and fro
    ZMTP__WS_OPEN,
    ZMTP__WS_LEAVING, // said, or is to say, goodbye
};

// What of a frame comes next, from the peer.
enum zmtp__ws_phase {
    ZMTP__WS_GREETING, // swallowed
    ZMTP__WS_HEADER,
    ZMTP__WS_BEGIN, // the header is known; there was no room yet
    ZMTP__WS_BODY,
    ZMTP__WS_SKIP, // a body that has no place in ZWS
};

enum {
    // What goes before a body to the peer: a header, and where there is no mechanism the beginning of a
    // READY; or a whole greeting.
    ZMTP__WS_LEAD_MAX = ZMTP_GREETING_SIZE,
    ZMTP__WS_NORMAL = 1000, // RFC 6455, section 7.4.1
    ZMTP__WS_PROTOCOL_ERROR = 1002,
    ZMTP__WS_NOT_BINARY = 1003,
    ZMTP__WS_POLICY = 1008,
    ZMTP__WS_TOO_BIG = 1009,
    ZMTP__WS_INTERNAL = 1011,
};

struct zmtp__ws {
    struct zmtp__ws_config config;
    struct zmtp__frames frames;
    enum zmtp__ws_state state;
    struct zmtp__upgrade_verdict verdict; // of the upgrade; later, why it failed
    uint8_t nonce[ZMTP__UPGRADE_NONCE];
    bool established;
    // What was fed and not read: |frames.in|, which wslay may take, and |in| right behind it. A stranger's
    // frame waits in |in| until it is whole, so that wslay holds nothing for one.
    struct zmtp_bytes in;
    uint8_t *kept; // the block that they are in; null: they are borrowed
    size_t kept_size;
    // A stranger's head of HTTP, or the parts of a fragmented message, as far as they came.
    uint8_t *gathered;
    size_t gathered_size, gathered_capacity;
    bool fragmented; // more parts are to come
    // What is to be read next: |lead|, then |body|, which points into |gathered| or at a chunk.
    uint8_t lead[ZMTP__WS_LEAD_MAX];
    size_t lead_at, lead_size;
    struct zmtp_bytes body;
    bool dry;        // all that was fed has been read
    bool identified; // without a mechanism: their routing id came
    // A control frame, as far as it came.
    uint8_t control[ZMTP__FRAMES_CONTROL_MAX];
    // What is to be said: a head of HTTP, control frames.
    uint8_t *head;
    size_t head_at, head_size;
    bool ping_due, pong_due, close_due;
    uint16_t close_code; // 0: none
    uint8_t pong_size, pong[ZMTP__FRAMES_CONTROL_MAX];
    // The frame of the peer's that leaves.
    enum zmtp__ws_phase phase;
    uint8_t header[ZMTP_HEADER_MAX];
    size_t greeting_left, header_size;
    struct zmtp_frame frame;
    uint64_t frame_left;
    bool introduced; // without a mechanism: our routing id was said
    // Heartbeats.
    uint64_t heard_ms, ping_ms;
    uint64_t asked_ms; // since when the other side owes us an octet
    bool ping_leaving,
        ping_out; // said and not all of it has left; said and nothing was heard since
    struct zmtp__ws_counters counters;
};

// The first reason stays. |code|: what to tell the other side; 0: nothing.
void zmtp__ws_fail(struct zmtp__ws *ws, int error, uint16_t code, const char *why);
void zmtp__ws_drop_gathered(struct zmtp__ws *ws);

#endif
