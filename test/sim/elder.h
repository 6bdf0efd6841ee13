// An elder stands between a client's peer and its link, and makes it one of ZMTP 1.0 or 2.0: what the
// peer says in 3.0 goes out in the old version, what comes in is told it in 3.0. It greets in stages, as the
// real ones do, and waits for each.
#ifndef TEST_SIM_ELDER_H
#define TEST_SIM_ELDER_H

#include "world.h"
#include "zmtp/wire.h"

enum { ELDER_OUT = 2048, ELDER_IN = 1024, ELDER_STEP = 512 };

// Frames of one framing, octet by octet, into the other.
struct elder_way {
    uint8_t header[10]; // that has come so far
    size_t header_size;
    uint64_t body_left;
    bool muted;  // frames are swallowed
    size_t lost; // messages that were
};

struct elder {
    uint8_t version; // 1 or 2
    enum zmtp_socket_type server_type;
    struct zmtp_bytes routing_id; // ours, of less than 100 octets
    // Ours: |skipped| octets of the peer's greeting were swallowed, then its READY.
    size_t skipped;
    struct elder_way said, heard;
    bool ready_skipped;
    // Theirs.
    uint8_t greeting[64];
    size_t greeting_size;
    bool greeted;
    enum zmtp_socket_type type; // ours
    size_t injected;            // messages that the peer is told and nobody said
    // To be written to the link, and to be read by the peer.
    uint8_t out[ELDER_OUT], in[ELDER_IN];
    size_t out_size, in_size;
};

// A subscriber's messages are subscriptions, which 1.0 has not: they are swallowed.
void elder_init(struct elder *elder, uint8_t version, enum zmtp_socket_type type,
                enum zmtp_socket_type server_type, struct zmtp_bytes routing_id);
// The peer says |octets|. Returns how many it took: others when there is room in |out|.
size_t elder_say(struct elder *elder, struct zmtp_bytes octets);
// At most ELDER_STEP octets came, while |in| was empty.
void elder_hear(struct elder *elder, struct zmtp_bytes octets);
// The first |size| octets of |out|, or of |in|, are done with.
void elder_wrote(struct elder *elder, size_t size);
void elder_read(struct elder *elder, size_t size);

#endif
