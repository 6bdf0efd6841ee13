// Bytes, errors, memory, endpoints and back-off: what every layer shares. Nothing here does I/O.
#ifndef ZMTP_BASE_H
#define ZMTP_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

#ifdef __cplusplus
extern "C" {
#endif

// A view of octets owned by somebody else. An empty view may have a null |data|.
struct zmtp_bytes {
    const uint8_t *data;
    size_t size;
};

struct zmtp_bytes zmtp_bytes_of(const void *data, size_t size);
// The octets of a C string, without its terminator; null is an empty one.
struct zmtp_bytes zmtp_bytes_text(const char *text);
bool zmtp_bytes_equal(struct zmtp_bytes a, struct zmtp_bytes b);

// Every function that can fail returns one of these (or a count above zero). The groups tell who
// erred: this program, the world, the peer.
enum zmtp_err {
    ZMTP_OK = 0,
    // This program: the call was wrong, and nothing was changed.
    ZMTP_ERR_ARGUMENT = -1,    // an argument is out of its range
    ZMTP_ERR_STATE = -2,       // not now: e.g. REQ sends twice, or the object is closed
    ZMTP_ERR_UNSUPPORTED = -3, // this socket type has no such operation
    ZMTP_ERR_ENDPOINT = -4,    // the endpoint's text cannot be read
    ZMTP_ERR_TRANSPORT = -5,   // the endpoint's scheme is not known here
    // The world: nothing was lost, the caller still owns what it passed.
    ZMTP_ERR_AGAIN = -16,       // the queue is full, or there is nothing to receive
    ZMTP_ERR_MEMORY = -17,      // the allocator said no
    ZMTP_ERR_UNREACHABLE = -18, // no peer has this routing id
    ZMTP_ERR_IN_USE = -19,      // somebody already listens there
    ZMTP_ERR_NOT_FOUND = -20,   // no such name, path or endpoint
    ZMTP_ERR_ACCESS = -21,      // the system denies it
    ZMTP_ERR_DESCRIPTORS = -22, // no file descriptors left
    ZMTP_ERR_SYSTEM = -23,      // another failure of the operating system
    ZMTP_ERR_REFUSED = -24,     // nobody listens there (a dial fails with it and tries again)
    ZMTP_ERR_TIMEOUT = -25,     // a request was not answered in time
    ZMTP_ERR_NO_REPLY = -26,    // the peer that was asked went before it answered
    // The peer: its connection is closed for this reason.
    ZMTP_ERR_GREETING = -32,    // these are not the first octets of a ZMTP peer
    ZMTP_ERR_VERSION = -33,     // a ZMTP older than 3.0
    ZMTP_ERR_MECHANISM = -34,   // the peer announces another security mechanism
    ZMTP_ERR_FRAME = -35,       // reserved flag bits, MORE on a command, a size above 2^63 - 1
    ZMTP_ERR_COMMAND = -36,     // a malformed command, or one that is not due now
    ZMTP_ERR_METADATA = -37,    // malformed, repeated or too many properties
    ZMTP_ERR_SOCKET_TYPE = -38, // our socket types do not speak to each other
    ZMTP_ERR_LIMIT = -39,       // a message, frame, part count or flood above our limits
    ZMTP_ERR_HANDSHAKE_TIMEOUT = -40, // the handshake took too long
    ZMTP_ERR_HEARTBEAT = -41,         // nothing was heard for too long
    ZMTP_ERR_PEER = -42,              // the peer sent ERROR; zmtp_peer_reason() has its text
    ZMTP_ERR_EOF = -43,               // the peer closed the connection
    ZMTP_ERR_RESET = -44,             // the connection broke
    ZMTP_ERR_ROUTING_ID = -45,        // the routing id is malformed, or another live peer has it
    ZMTP_ERR_CANCELLED = -46,         // this side closed it
    ZMTP_ERR_KEY = -47,         // a box did not open: another key, or somebody changed the octets
    ZMTP_ERR_REPLAY = -48,      // a nonce that was used before
    ZMTP_ERR_DENIED = -49,      // the authoriser said no
    ZMTP_ERR_IDLE = -50,        // nothing but heartbeats went over it for too long
    ZMTP_ERR_TURNED_AWAY = -51, // the peer sent ERROR after the handshake, with a reason; it may be
                                // tried again
};

// A constant name ("ZMTP_ERR_AGAIN") and a sentence for people. Both never fail and never allocate;
// a value that is not an error gets a text that says so.
const char *zmtp_err_name(int error);
const char *zmtp_err_text(int error);

// Where memory comes from. One function allocates (|memory| null, |old_size| 0), resizes and frees
// (|new_size| 0, returns null). On failure it returns null and the old block stays whole. Sizes are
// exact, so a pool needs no headers and a budget counts octets. Memory is aligned for any type. A
// shrink never fails.
struct zmtp_allocator {
    void *context;
    void *(*resize)(void *context, void *memory, size_t old_size, size_t new_size);
};

// The C library's heap; the default everywhere that an allocator may be null. Thread-safe. Built with
// ZMTP_NO_HEAP it refuses every call, and nothing of the library refers to malloc.
const struct zmtp_allocator *zmtp_heap(void);

// Counts what goes through it to |under|, can refuse beyond |bytes_max|, and can fail the n-th call.
// For budgets and for tests. Not thread-safe: one owner. It may not move once initialised, and the
// limits may be set at any time.
struct zmtp_budget {
    const struct zmtp_allocator *under;
    size_t bytes, bytes_max, bytes_peak; // held now; the limit (0: none); the most ever held
    size_t blocks;                       // blocks held now
    uint64_t calls;                      // allocations and growths asked for so far
    uint64_t fail_at;                    // the number of the call to fail, counted from 1; 0: none
    bool fail_on;                        // every call from |fail_at| on fails, not just that one
    struct zmtp_allocator allocator;     // pass this one on
};
// |under| may be null: the heap.
void zmtp_budget_init(struct zmtp_budget *budget, const struct zmtp_allocator *under);

// Gives out blocks from |memory| only, for boards without a heap: first fit, coalescing, no headers
// outside |memory|. |memory| must outlive it. Not thread-safe, and may not move once initialised.
struct zmtp_arena {
    uint8_t *memory;
    size_t size;
    void *free_list; // of free blocks, in the order of their addresses
    struct zmtp_allocator allocator;
};
// ZMTP_ERR_ARGUMENT when |memory| is too small for a single block.
int zmtp_arena_init(struct zmtp_arena *arena, void *memory, size_t size);

// What every layer calls. |allocator| may be null: the heap. A size of zero yields null; freeing null
// does nothing.
void *zmtp_alloc(const struct zmtp_allocator *allocator, size_t size);
void *zmtp_realloc(const struct zmtp_allocator *allocator, void *memory, size_t old_size,
                   size_t new_size);
void zmtp_free(const struct zmtp_allocator *allocator, void *memory, size_t size);

// Endpoints. Views point into the text that was parsed. Names are not looked up and addresses not read:
// that is the resolver's part.
//
//     tcp://HOST:PORT          HOST a name, an IPv4 address, [an IPv6 address], an interface, or *
//     tcp://SOURCE;HOST:PORT   for a dial: SOURCE is where it comes from, HOST or HOST:PORT
//     ipc://PATH               ipc://@NAME: of the abstract namespace; ipc://*: a fresh path
//     vsock://CID:PORT         between virtual machines and their host; CID a number or *
//     udp://HOST:PORT          as tcp; udp://INTERFACE;GROUP:PORT for a group of IP
//     inproc://NAME
//     ws://HOST:PORT/PATH      as tcp, over WebSocket (RFC 45); without a port 80, without a path "/"
//
// PORT is a number, or * or 0: one that is free.
enum zmtp_transport { ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC, ZMTP_VSOCK, ZMTP_WS, ZMTP_UDP };
struct zmtp_endpoint {
    enum zmtp_transport transport;
    // tcp, ws, udp: without brackets, "*": every address; vsock: the cid's text
    struct zmtp_bytes host;
    struct zmtp_bytes source; // tcp, ws, udp: as |host|; empty: the system chooses
    uint32_t port;            // tcp, ws, udp: up to 65535; vsock: up to 4294967294; 0 when wildcard
    uint16_t source_port;     // 0: the system chooses
    bool port_any;            // "*" or 0 was given
    bool cid_any;             // vsock: "*"
    uint32_t cid;             // vsock
    bool abstract;            // ipc: a name of the abstract namespace, without its '@'
    bool path_any;            // ipc: "*" was given
    struct zmtp_bytes path;   // ipc: the path or abstract name; inproc: the name;
                              // ws: from its "/" on
};
// The longest endpoint with its terminator; the longest path that a socket's address can hold; and of
// ws, where a path beside the address that a name turns into must fit into an endpoint.
enum { ZMTP_ENDPOINT_MAX = 256, ZMTP_IPC_PATH_MAX = 107, ZMTP_WS_PATH_MAX = 128 };

// ZMTP_OK, ZMTP_ERR_TRANSPORT for a scheme nobody knows, ZMTP_ERR_ENDPOINT for anything else wrong;
// |why|, if not null, then points at a constant sentence.
int zmtp_endpoint_parse(const char *text, struct zmtp_endpoint *out, const char **why);

// Delays between reconnects: |min_ms| first, doubling, never above |max_ms|; each delay is then drawn
// uniformly from its upper half, so that a thousand clients do not come back together.
struct zmtp_backoff {
    uint32_t min_ms, max_ms;
    uint32_t next_ms; // the delay before jitter
    uint64_t random;  // xorshift state, never zero
};
// A |min_ms| of zero counts as one, so that doubling leads somewhere; a |max_ms| below |min_ms| counts
// as |min_ms|. Any |seed| will do, and near seeds diverge at once.
void zmtp_backoff_init(struct zmtp_backoff *backoff, uint32_t min_ms, uint32_t max_ms,
                       uint64_t seed);
uint32_t zmtp_backoff_next(struct zmtp_backoff *backoff);
void zmtp_backoff_reset(struct zmtp_backoff *backoff);

#ifdef __cplusplus
}
#endif
#endif
