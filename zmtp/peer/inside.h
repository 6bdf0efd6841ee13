// The inside of a peer, shared by its files: peer.c (life and handshake), rx.c (incoming octets),
// tx.c (outgoing octets), clock.c (deadlines and heartbeats).
#ifndef ZMTP_PEER_INSIDE_H
#define ZMTP_PEER_INSIDE_H

#include "../mech/mech.h"
#include "../msg/pipe.h"
#include "../peer.h"

// Octets that came in and are not parsed yet, in a slab that is held for them.
struct zmtp__rx_source {
    struct zmtp_slab *slab; // null: nothing
    const uint8_t *at, *end;
};

// What only the handshake needs; freed after it.
struct zmtp__peer_handshake {
    struct zmtp__mech_session session;
    size_t metadata_size;
    uint8_t metadata[]; // ours
};

struct zmtp_peer {
    const struct zmtp_allocator *allocator;
    struct zmtp_pool *pool;
    struct zmtp__inbox *inbox; // the pool's, or |own_inbox|
    struct zmtp__inbox own_inbox;
    struct zmtp_peer_limits limits;
    enum zmtp_socket_type type;
    uint8_t minor; // that we announce
    enum zmtp_peer_state state;
    int error;  // why it closed
    int ending; // the connection is gone, but octets that came before wait for room in the pipe
    struct zmtp_pipe_end *end;
    struct zmtp__peer_handshake *handshake;
    // The other side.
    uint8_t their_major, their_minor;
    bool their_type_known;
    enum zmtp_socket_type their_type;
    struct zmtp_part their_metadata;
    struct zmtp_bytes their_routing_id; // within their_metadata
    struct zmtp_part reason;
    // Incoming: unparsed octets held while the pipe is full; the part of a frame that has come so
    // far, in a block of its own between reads; a large frame, growing into its final slab.
    struct zmtp__rx_source held;
    uint8_t *rest;
    size_t rest_size, rest_capacity;
    struct zmtp_slab *big;
    size_t big_filled, big_size;
    size_t lent; // room that was lent and not given back
    bool blocked;
    bool in_message; // some parts of a message have come
    uint64_t message_size;
    uint32_t message_parts;
    // Outgoing: our own octets, and how peek laid out the views: first |plan_first| octets of the
    // pipe (the end of a message that has begun), then |plan_control| of ours, then the pipe again.
    uint8_t *control;
    size_t control_begin, control_end, control_capacity;
    size_t plan_first, plan_control;
    size_t shown; // octets that peek showed and consume has not taken
    // Heartbeats.
    uint64_t opened_ms, ttl_end_ms; // |ttl_end_ms| 0: the other side set none
    uint64_t ping_ms;               // our last PING
    uint64_t asked_ms;              // since when the other side owes us an octet
    bool ping_due, pong_due;        // to be said between messages
    bool ping_leaving;              // said, and not all of it has left
    bool ping_out;                  // has left, and nothing was heard since
    uint8_t pong_context[ZMTP_PING_CONTEXT_MAX];
    uint8_t pong_size;
    struct zmtp_peer_counters counters;
};

void zmtp__peer_enter(struct zmtp_peer *peer, enum zmtp_peer_state next);
// Closes it for |error|; the first reason stays.
void zmtp__peer_stop(struct zmtp_peer *peer, int error);
// Goes to TRAFFIC if the handshake is done and a pipe is there.
void zmtp__peer_start_traffic(struct zmtp_peer *peer);
// A whole greeting or handshake command came.
void zmtp__peer_greeted(struct zmtp_peer *peer, const struct zmtp_greeting *greeting);
void zmtp__peer_handshake_command(struct zmtp_peer *peer, const struct zmtp_command *command);
// Keeps an ERROR's text for the user; unprintable octets become '?'.
void zmtp__peer_keep_reason(struct zmtp_peer *peer, struct zmtp_bytes reason);

// rx.c
void zmtp__rx_run(struct zmtp_peer *peer, uint64_t now_ms); // parses what is held
void zmtp__rx_release(struct zmtp_peer *peer);

// tx.c: room for |size| of our own octets; null: no memory. |zmtp__tx_wrote| says how many it took,
// which may be none.
uint8_t *zmtp__tx_room(struct zmtp_peer *peer, size_t size);
void zmtp__tx_wrote(struct zmtp_peer *peer, size_t size);
void zmtp__tx_drop(struct zmtp_peer *peer); // all of them, said or not
bool zmtp__tx_pending(const struct zmtp_peer *peer);

// clock.c
void zmtp__clock_heard(struct zmtp_peer *peer, uint64_t now_ms);
// Octets left; |all_of_ours|: none of our own, between the messages, are left to leave.
void zmtp__clock_left(struct zmtp_peer *peer, bool all_of_ours, uint64_t now_ms);
// A PING or PONG came.
void zmtp__clock_ping(struct zmtp_peer *peer, const struct zmtp_ping *ping, uint64_t now_ms);
void zmtp__clock_pong(struct zmtp_peer *peer, uint64_t now_ms);

#endif
