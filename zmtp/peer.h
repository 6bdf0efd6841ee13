// A peer is one connection as a state machine: octets in and out on one side, a pipe on the other,
// and the time as an argument. It does no I/O, calls nobody and never blocks; the caller asks what it
// wants and does it.
//
//     greeting -> handshake -> (ready) -> traffic -> closed
//
// The caller's loop, in any order and as often as it likes:
//   - zmtp_peer_wants: may it be given octets, has it octets to send, does it wait for a pipe?
//   - zmtp_peer_space, read into it, zmtp_peer_commit.
//   - zmtp_peer_peek, write what it shows, zmtp_peer_consume.
//   - zmtp_peer_tick at zmtp_peer_deadline.
//   - zmtp_peer_resume when its end of the pipe was marked: there is room or something to send.
// Bad octets close the peer with a reason that stays; later calls are harmless.
//
// Backpressure is the absence of a want: with a full pipe the peer wants no octets.
//
// No peer at all (null) is like one that is closed for ZMTP_ERR_ARGUMENT.
//
// A peer of type STREAM speaks no ZMTP: it is ready at once, has no heartbeats and no security but
// NULL, each commit is a message of one part, and of what it sends only the bodies leave.
#ifndef ZMTP_PEER_H
#define ZMTP_PEER_H

#include "curve.h"
#include "msg.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined __cplusplus && defined __GNUC__
// Some functions are called as the structs that they return, which hides no constructor anybody wants.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

enum zmtp_peer_state {
    ZMTP_PEER_GREETING,  // the other's greeting is not whole yet
    ZMTP_PEER_HANDSHAKE, // the mechanism talks
    ZMTP_PEER_READY,     // the handshake is done, and no pipe is attached yet
    ZMTP_PEER_TRAFFIC,   // messages flow
    ZMTP_PEER_CLOSED,    // zmtp_peer_error has the reason
};
const char *zmtp_peer_state_name(enum zmtp_peer_state state);

// Limits, and times in milliseconds; zmtp_peer_limits_init sets the defaults of config.h. 0 switches
// a time off, and means "no limit" for a size.
struct zmtp_peer_limits {
    uint32_t handshake_ms;
    uint32_t authorise_ms; // for the owner's verdict; then the other side is denied
    uint32_t handshake_frame_max;
    uint32_t parts_max;   // of one message
    uint64_t message_max; // octets of its bodies
    uint64_t part_max; // and of one part's alone; 0, the default: as many as the message may have
    uint32_t command_max; // octets of one command's body after the handshake
    uint32_t metadata_max, properties_max;
    uint32_t unknown_commands_max;
    uint32_t heartbeat_interval_ms, heartbeat_timeout_ms, heartbeat_ttl_ms;
    // Closes a connection over which nothing but heartbeats went, either way, for so long, and nothing
    // waits to go: ZMTP_ERR_IDLE. 0, the default: none is. Not for STREAM.
    uint32_t idle_ms;
};
void zmtp_peer_limits_init(struct zmtp_peer_limits *limits);
// Can a connection work with them? ZMTP_OK or ZMTP_ERR_ARGUMENT; then |why|, if not null, points at a
// constant sentence that names the field. zmtp_peer_open takes any, as tests like theirs very small.
int zmtp_peer_limits_check(const struct zmtp_peer_limits *limits, const char **why);

struct zmtp_peer_config {
    const struct zmtp_allocator *allocator; // null: the heap
    struct zmtp_pool *pool;                 // null: none
    enum zmtp_socket_type type;
    struct zmtp_bytes routing_id; // copied; at most 255 octets; sent by REQ, DEALER and ROUTER
    struct zmtp_bytes metadata;   // the application's properties (socket.h), told too; copied
    struct zmtp_bytes remote;     // the other side's address, "tcp://192.0.2.1:4711", or empty; and
    struct zmtp_bytes address;    // of that, "192.0.2.1": for origins. Both must outlive the peer
    uint8_t minor;                // the 3.x that we announce: 1, or 0 to be an old peer in tests
    // Serve peers of ZMTP 1.0 and 2.0 (RFC 13, 15), too. Then our greeting waits for theirs, octet 10 for
    // their signature and the rest for their version (RFC 37, Backwards Interoperability). Whatever
    // does not begin as later versions do is taken for 1.0, and that tells no type. No effect with
    // another mechanism than NULL, nor where somebody judges, nor for types younger than 2.0: then those peers
    // are refused.
    bool old_versions;
    bool routing_id_any;                  // theirs may begin with a zero octet (socket.h)
    const struct zmtp_security *security; // null: the NULL mechanism; must outlive the peer
    struct zmtp_peer_limits limits;
    // The least octets that zmtp_peer_space lends; 0: 32 KiB. Fewer need more reads and less memory,
    // which is what a small board wants: with 512 and no pool a buffer has 1 KiB.
    uint32_t room_min;
    bool stream_notify; // STREAM: tell the socket when the connection is there, and when it ends
};

struct zmtp_peer;
// Copies what it needs of |config|. ZMTP_ERR_MEMORY or ZMTP_ERR_ARGUMENT leave |*out| null. There
// is no peer of type DGRAM.
int zmtp_peer_open(struct zmtp_peer **out, const struct zmtp_peer_config *config, uint64_t now_ms);
// Frees it; if a pipe is attached, tells it that the link is down, and leaves the end open: it stays
// the caller's, to be attached to the next connection or closed.
void zmtp_peer_close(struct zmtp_peer *peer);

enum {
    ZMTP_WANT_READ = 1,   // give octets: space, commit
    ZMTP_WANT_WRITE = 2,  // take octets: peek, consume
    ZMTP_WANT_ATTACH = 4, // the handshake is done: attach a pipe
    ZMTP_WANT_AUTH = 8,   // we are the server: look at the credentials and authorise
};
// 0 when closed and nothing is left to write.
unsigned zmtp_peer_wants(const struct zmtp_peer *peer);

// Room for incoming octets; size 0 when it wants none or there is no memory (then it is closed). The
// room may be shared with other peers of the same pool, so read and commit before asking another.
struct zmtp_room {
    uint8_t *data;
    size_t size;
};
struct zmtp_room zmtp_peer_space(struct zmtp_peer *peer);
// The first |size| octets of the room were filled. 0 gives the room back unused; more than was lent
// is no commit at all.
void zmtp_peer_commit(struct zmtp_peer *peer, size_t size, uint64_t now_ms);

// Views of octets to send, in order; at most |max| of them. They stay valid until the next call on
// this peer, consume included, on its pipe, or on the socket at the pipe's other end, a send to others included. To
// consume more than was shown is not to consume at all.
size_t zmtp_peer_peek(struct zmtp_peer *peer, struct zmtp_bytes *out, size_t max);
void zmtp_peer_consume(struct zmtp_peer *peer, size_t size, uint64_t now_ms);

// The other side closed its half or the connection broke: ZMTP_ERR_EOF, ZMTP_ERR_RESET, or what the
// caller knows. Closes the peer unless it is closed already; with a full pipe only once what came
// before is delivered, but then it wants nothing meanwhile and its link is down.
void zmtp_peer_fail(struct zmtp_peer *peer, int error);

// The handshake is done, and the owner has no pipe for the other side (ZMTP_WANT_ATTACH): closes the peer
// for |error|. A peer of 3.1 is told |reason| before, by an ERROR command; others are only hung up on, and
// those of libzmq pass it over. ZMTP_ERR_STATE: not now. At most 255 octets of |reason|.
int zmtp_peer_refuse(struct zmtp_peer *peer, int error, struct zmtp_bytes reason);

// Gives a pipe's end to a peer; from then on messages go between the pipe and the connection. May be
// called before the handshake is done (a dialler) or when ZMTP_WANT_ATTACH says so (a listener).
// The end stays the caller's to close, after the peer. It is marked: call zmtp_peer_resume.
int zmtp_peer_attach(struct zmtp_peer *peer, struct zmtp_pipe_end *end);
// The pipe was marked: go on with what waited for it.
void zmtp_peer_resume(struct zmtp_peer *peer, uint64_t now_ms);

// The credentials that wait to be judged; ZMTP_ERR_STATE when none do.
int zmtp_peer_credentials(const struct zmtp_peer *peer, struct zmtp_credentials *out);
// Judges them. With ZMTP_VERDICT_ALLOW the handshake goes on, and |user_id| (at most 255 octets) and
// |metadata| (at most 64 KiB, in the form of RFC 27) are kept for zmtp_peer_facts; with any other it is
// over. Without a verdict in time it is ZMTP_VERDICT_LATER. ZMTP_ERR_STATE when nobody is asked for,
// ZMTP_ERR_ARGUMENT; ZMTP_ERR_MEMORY closes.
int zmtp_peer_authorise(struct zmtp_peer *peer, enum zmtp_verdict verdict,
                        struct zmtp_bytes user_id, struct zmtp_bytes metadata);

// Milliseconds on the clock of |now_ms| when it wants a tick; UINT64_MAX: never.
uint64_t zmtp_peer_deadline(const struct zmtp_peer *peer);
void zmtp_peer_tick(struct zmtp_peer *peer, uint64_t now_ms);

enum zmtp_peer_state zmtp_peer_state(const struct zmtp_peer *peer);
int zmtp_peer_error(const struct zmtp_peer *peer); // ZMTP_OK until closed
// Why, in words: the reason in the ERROR command that the other side sent (in a handshake with
// credentials most often a number of RFC 27), or what we know or suspect ourselves; or empty. Printable
// octets only.
struct zmtp_bytes zmtp_peer_reason(const struct zmtp_peer *peer);

// More words, in place of those of zmtp_peer_reason: from an owner who knows why it judged so. A copy.
void zmtp_peer_explain(struct zmtp_peer *peer, struct zmtp_bytes reason);

// What the handshake told; meaningful from ZMTP_PEER_READY on. Views live as long as the peer.
struct zmtp_peer_facts {
    uint8_t major, minor; // of the other side
    bool type_known;
    enum zmtp_socket_type type;
    struct zmtp_bytes routing_id;
    struct zmtp_bytes metadata; // all properties, as sent
    enum zmtp_mechanism mechanism;
    struct zmtp_key public_key;               // CURVE: theirs, which lasts, and is proven
    struct zmtp_bytes user_id, user_metadata; // what the authoriser said
};
struct zmtp_peer_facts zmtp_peer_facts(const struct zmtp_peer *peer);

struct zmtp_peer_counters {
    uint64_t bytes_in, bytes_out, messages_in, messages_out;
    uint64_t pings_sent, pongs_received, unknown_commands;
    uint32_t round_trip_ms; // of the last PING; UINT32_MAX: none yet
    uint64_t heard_ms;      // when something last came in
};
struct zmtp_peer_counters zmtp_peer_counters(const struct zmtp_peer *peer);

#if defined __cplusplus && defined __GNUC__
#pragma GCC diagnostic pop
#endif
#ifdef __cplusplus
}
#endif
#endif
