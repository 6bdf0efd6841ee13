// The inside of a peer, shared by its files: peer.c (its life), handshake.c, rx.c (incoming octets),
// tx.c (outgoing octets), window.c (the same, when they are not the pipe's), sealed.c (sealed traffic),
// raw.c (both ways, when they are no ZMTP), clock.c (deadlines and heartbeats).
#ifndef ZMTP_PEER_INSIDE_H
#define ZMTP_PEER_INSIDE_H

#include "../mech/mech.h"
#include "../msg/pipe.h"
#include "../peer.h"
#include "../wire/old.h"

// Octets that came in and are not parsed yet, in a slab that is held for them.
struct zmtp__rx_source {
    struct zmtp_slab *slab; // null: nothing
    const uint8_t *at, *end;
};

// What only the handshake needs; freed after it.
struct zmtp__peer_handshake {
    struct zmtp__mech_session session;
    uint64_t answer_ms;    // when the owner must have judged the credentials
    bool learned;          // their metadata were judged
    uint8_t greeting_said; // octets of our greeting
    struct zmtp_part their_metadata;
    struct zmtp_part user_id, user_metadata; // from the authoriser
    size_t metadata_size;
    uint8_t metadata[]; // ours
};

// What sealed traffic needs.
struct zmtp__peer_sealed {
    struct zmtp__seal seal;
    // Incoming: frames that were opened where they lay, in the slab that is held; |held| goes on behind
    // them. While they are parsed the two change places.
    const uint8_t *opened_at, *opened_end;
    int broken; // why nothing more can be opened; for when the opened frames are delivered
};

struct zmtp_peer {
    const struct zmtp_allocator *allocator;
    struct zmtp_pool *pool;
    struct zmtp__inbox *inbox; // the pool's, or |own_inbox|
    struct zmtp__inbox own_inbox;
    struct zmtp_peer_limits limits;
    enum zmtp_socket_type type;
    uint8_t minor;     // that we announce
    bool old_versions; // peers of 1.0 and 2.0 are served
    bool wish_due;     // the socket is still to be told what a subscriber of 1.0 wants: everything
    bool routing_id_any;
    uint32_t room_min;
    bool raw;              // STREAM: octets that are no ZMTP
    bool raw_notify;       // tells the socket of the connection's begin and end
    bool raw_begun;        // has told it of the former
    bool raw_starved;      // cannot tell it of the latter for want of memory
    uint64_t raw_retry_ms; // when to try that again
    enum zmtp_peer_state state;
    int error;  // why it closed
    int ending; // the connection is gone, but octets that came before wait for room in the pipe
    uint32_t message_parts; // of the message that is coming
    struct zmtp_pipe_end *end;
    struct zmtp__peer_handshake *handshake;
    struct zmtp__peer_sealed *sealed; // null: the traffic is clear
    // The other side. |their_major| 0: it is not known yet.
    uint8_t their_major, their_minor;
    bool their_type_known;
    enum zmtp_socket_type their_type;
    enum zmtp_mechanism mechanism; // ours, and theirs when it is known
    struct zmtp_key their_key;     // CURVE
    struct zmtp_bytes remote, address;
    struct zmtp_bytes their_routing_id; // within their metadata; null: none was told
    struct zmtp__origin *origin;        // all that is known, once the handshake is done
    struct zmtp_part reason;
    // Incoming: unparsed octets held while the pipe is full; the part of a frame that has come so
    // far, in a block of its own between reads; a large frame, growing into its final slab.
    struct zmtp__rx_source held;
    uint8_t *rest;
    size_t rest_size, rest_capacity;
    struct zmtp_slab *big;
    size_t big_filled, big_size;
    size_t lent; // room that was lent and not given back
    uint64_t message_size;
    // Outgoing: our own octets, and how peek laid out the views: first |plan_first| octets of the
    // pipe (the end of a message that has begun), then |plan_control| of ours, then the pipe again.
    uint8_t *control;
    size_t control_begin, control_end, control_capacity;
    size_t plan_first, plan_control;
    size_t shown; // octets that peek showed and consume has not taken
    // Frames that were taken from the pipe and translated, of which |window_begin| octets have left.
    struct zmtp_slab *window; // null: none
    size_t window_begin, window_end;
    // Heartbeats.
    uint64_t opened_ms, ttl_end_ms; // |ttl_end_ms| 0: the other side set none
    uint64_t ping_ms;               // our last PING
    uint64_t asked_ms;              // since when the other side owes us an octet
    uint64_t busy_ms;               // when something else than a heartbeat last came or left
    bool moved;                     // something did, and |busy_ms| is to be set
    bool ping_due, pong_due;        // to be said between messages
    bool ping_leaving;              // said, and not all of it has left
    bool ping_out;                  // has left, and nothing was heard since
    uint8_t pong_context[ZMTP_PING_CONTEXT_MAX];
    uint8_t pong_size;
    bool blocked;    // what is held waits for room in the pipe
    bool in_message; // some parts of a message have come
    struct zmtp_peer_counters counters;
};

void zmtp__peer_enter(struct zmtp_peer *peer, enum zmtp_peer_state next);
// Closes it for |error|; the first reason stays.
void zmtp__peer_stop(struct zmtp_peer *peer, int error);
// Goes to TRAFFIC if the handshake is done and a pipe is there.
void zmtp__peer_start_traffic(struct zmtp_peer *peer);
// Keeps an ERROR's text for the user; unprintable octets become '?'.
void zmtp__peer_keep_reason(struct zmtp_peer *peer, struct zmtp_bytes reason);

// handshake.c
int zmtp__handshake_open(struct zmtp_peer *peer, const struct zmtp_peer_config *config);
void zmtp__handshake_close(struct zmtp_peer *peer); // forgets it, secrets and all
// A whole greeting or handshake command came; the latter may be changed.
void zmtp__handshake_greeted(struct zmtp_peer *peer, const struct zmtp_greeting *greeting);
// These octets, and what may follow them, are the beginning of a greeting of what version? Says what is
// due by then of ours, all of it at the latest when the version is known, and sets |their_major| to 1 or
// 2 if that is it. Closes for want of memory.
void zmtp__handshake_detect(struct zmtp_peer *peer, struct zmtp_bytes in);
// A whole greeting of 1.0 or 2.0 came, which is the whole handshake.
void zmtp__handshake_old(struct zmtp_peer *peer, const struct zmtp__old_greeting *greeting);
void zmtp__handshake_command(struct zmtp_peer *peer, uint8_t *body, size_t size, uint64_t now_ms);
bool zmtp__handshake_asks(const struct zmtp_peer *peer); // waits for its owner's verdict
// Will do so as soon as the greeting has come.
bool zmtp__handshake_will_ask(const struct zmtp_peer *peer);
// When something that the handshake waits for is over, besides the handshake itself.
uint64_t zmtp__handshake_deadline(const struct zmtp_peer *peer);
void zmtp__handshake_expire(struct zmtp_peer *peer, uint64_t now_ms);
// The connection breaks for |error|: notes what that may mean.
void zmtp__handshake_suspect(struct zmtp_peer *peer, int error);

// sealed.c
int zmtp__sealed_open(struct zmtp_peer *peer, const struct zmtp__mech_session *session);
void zmtp__sealed_close(struct zmtp_peer *peer);
// Opens frames of what is held, as many as are whole. True: there are opened ones.
bool zmtp__sealed_unseal(struct zmtp_peer *peer);
// The opened frames take the place of what is held, or give it back.
void zmtp__sealed_swap(struct zmtp_peer *peer);

// window.c: as zmtp_peer_peek and consume, when what is sent is not what lies in the pipe.
bool zmtp__window_used(const struct zmtp_peer *peer);
size_t zmtp__window_peek(struct zmtp_peer *peer, struct zmtp_bytes *out, size_t max);
void zmtp__window_consume(struct zmtp_peer *peer, size_t size);
bool zmtp__window_unsent(const struct zmtp_peer *peer); // taken, and not all of it has left
void zmtp__window_drop(struct zmtp_peer *peer);

// raw.c: the pipe is attached; the connection ends for |error|. False: it cannot be told for want
// of memory, and the peer must stay until that is tried again.
void zmtp__raw_begin(struct zmtp_peer *peer);
bool zmtp__raw_end(struct zmtp_peer *peer, int error);
// What is held goes to the pipe. ZMTP_ERR_AGAIN: that is full; ZMTP_ERR_MEMORY.
int zmtp__raw_take(struct zmtp_peer *peer);
uint64_t zmtp__raw_deadline(const struct zmtp_peer *peer);
void zmtp__raw_tick(struct zmtp_peer *peer, uint64_t now_ms);

// rx.c
void zmtp__rx_run(struct zmtp_peer *peer, uint64_t now_ms); // parses what is held
void zmtp__rx_release(struct zmtp_peer *peer);

// tx.c: room for |size| of our own octets; null: no memory. |zmtp__tx_wrote| says how many it took,
// which may be none.
uint8_t *zmtp__tx_room(struct zmtp_peer *peer, size_t size);
void zmtp__tx_wrote(struct zmtp_peer *peer, size_t size);
void zmtp__tx_drop(struct zmtp_peer *peer);                   // all of them, said or not
struct zmtp_bytes zmtp__tx_own(const struct zmtp_peer *peer); // those that are not sent yet
// Writes those of our own octets that are due, between messages.
void zmtp__tx_prepare(struct zmtp_peer *peer);
// May any message of the pipe be a command to be translated? Then they are sent one by one.
bool zmtp__tx_translates(const struct zmtp_peer *peer);
// The pipe's octets that left, counted in messages.
void zmtp__tx_consume_pipe(struct zmtp_peer *peer, size_t size);
bool zmtp__tx_pending(const struct zmtp_peer *peer);

// clock.c
void zmtp__clock_heard(struct zmtp_peer *peer, uint64_t now_ms);
// Octets left; |all_of_ours|: none of our own, between the messages, are left to leave.
void zmtp__clock_left(struct zmtp_peer *peer, bool all_of_ours, uint64_t now_ms);
// Octets came or left: if |moved|, they were no heartbeats.
void zmtp__clock_moved(struct zmtp_peer *peer, uint64_t now_ms);
// A PING or PONG came.
void zmtp__clock_ping(struct zmtp_peer *peer, const struct zmtp_ping *ping, uint64_t now_ms);
void zmtp__clock_pong(struct zmtp_peer *peer, uint64_t now_ms);

#endif
