// A flat interface for programs that reach a library through a foreign-function interface: Pharo, LuaJIT, ctypes.
// In it are functions, integers of fixed width, and pointers to octets and texts, and nothing else: no structs, no
// variable arguments, no callbacks, and no macros that one must know. What a generator of bindings needs is told by
// functions (the manifest, below), and as ffi/abi.json.
//
// A handle is a number, never an address: above 0, below 2^53, so that a double holds it, and never given twice. One
// that was closed, that is of another kind, or that a forked child has from its parent, gets ZMTP_FFI_HANDLE, and no
// memory is touched.
//
// A call returns a number >= 0, or one of the negative codes below; nothing is left in errno. Whatever could wait
// comes as two: _try does not wait, _wait waits at most |wait_ms|, or for ever when that is negative. A signal does
// not end a wait, which goes on with the time that is left; closing the handle does, with ZMTP_FFI_CLOSED.
//
// Any thread may call, also at once on one handle, and none has it while it waits. Octets that are passed are copied
// before the call returns, as are those that are given: up to |size| into |room|. Texts that go in end with a zero
// octet; texts that are returned are constant and never null. A null pointer where there must be none gets
// ZMTP_FFI_ARGUMENT.
//
// Options are as libzmq's, by the same numbers, with the same defaults but for ZMTP_FFI_OPTION_LINGER, which is 0.
#ifndef ZMTP_FFI_H
#define ZMTP_FFI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// On i386 some programs call with a stack that is aligned to 4 octets, Squeak's plugin for one, and what is below here, such as
// libsodium, needs 16: the functions align it.
#if defined __GNUC__ && defined __i386__
#define ZMTP_FFI_EXPORT __attribute__((visibility("default"), force_align_arg_pointer))
#elif defined __GNUC__
#define ZMTP_FFI_EXPORT __attribute__((visibility("default")))
#else
#define ZMTP_FFI_EXPORT
#endif

// The number of this interface: another one means that a program has to be looked at again.
enum { ZMTP_FFI_VERSION = 1 };

// Codes. Those that zmtp_err has, too, are the same numbers.
enum zmtp_ffi_code {
    ZMTP_FFI_OK = 0,
    ZMTP_FFI_ARGUMENT = -1,     // an argument is out of its range
    ZMTP_FFI_STATE = -2,        // not now: a REQ that asks twice, a REP that was not asked
    ZMTP_FFI_UNSUPPORTED = -3,  // this type of socket has no such operation
    ZMTP_FFI_ENDPOINT = -4,     // the endpoint's text cannot be read
    ZMTP_FFI_TRANSPORT = -5,    // the endpoint's scheme is not known here
    ZMTP_FFI_AGAIN = -16,       // not now, and it may be possible later; or the time is over
    ZMTP_FFI_MEMORY = -17,      // there is no memory
    ZMTP_FFI_UNREACHABLE = -18, // there is no peer of this routing id
    ZMTP_FFI_IN_USE = -19,      // somebody listens there already
    ZMTP_FFI_NOT_FOUND = -20,   // there is no such option, name, part, address or endpoint
    ZMTP_FFI_ACCESS = -21,      // the system denies it
    ZMTP_FFI_DESCRIPTORS = -22, // there are no descriptors left
    ZMTP_FFI_SYSTEM = -23,      // another failure of the system
    ZMTP_FFI_NO_REPLY = -26,    // REQ: whom it asked has gone before it answered
    ZMTP_FFI_LIMIT = -39,       // more than is allowed, or more than there is room for
    ZMTP_FFI_HANDLE = -64,      // the handle is closed, of another kind, or another process's
    ZMTP_FFI_CLOSED = -65,      // the handle was closed while the call waited, or its context was
    ZMTP_FFI_LIBRARY = -66      // the libuv that the program has loaded is too old
};

enum zmtp_ffi_type {
    ZMTP_FFI_PAIR = 0,
    ZMTP_FFI_PUB = 1,
    ZMTP_FFI_SUB = 2,
    ZMTP_FFI_REQ = 3,
    ZMTP_FFI_REP = 4,
    ZMTP_FFI_DEALER = 5,
    ZMTP_FFI_ROUTER = 6,
    ZMTP_FFI_PULL = 7,
    ZMTP_FFI_PUSH = 8,
    ZMTP_FFI_XPUB = 9,
    ZMTP_FFI_XSUB = 10,
    ZMTP_FFI_STREAM = 11,
    ZMTP_FFI_SERVER = 12,
    ZMTP_FFI_CLIENT = 13,
    ZMTP_FFI_RADIO = 14,
    ZMTP_FFI_DISH = 15,
    ZMTP_FFI_GATHER = 16,
    ZMTP_FFI_SCATTER = 17,
    ZMTP_FFI_DGRAM = 18,
    ZMTP_FFI_PEER = 19,
    ZMTP_FFI_CHANNEL = 20
};

// What can be done, as bits. ENDED: what a poller looks at was closed.
enum zmtp_ffi_event { ZMTP_FFI_IN = 1, ZMTP_FFI_OUT = 2, ZMTP_FFI_ERROR = 4, ZMTP_FFI_ENDED = 8 };

// What a handle is of.
enum zmtp_ffi_kind {
    ZMTP_FFI_KIND_CONTEXT = 1,
    ZMTP_FFI_KIND_SOCKET = 2,
    ZMTP_FFI_KIND_MESSAGE = 3,
    ZMTP_FFI_KIND_POLLER = 4,
    ZMTP_FFI_KIND_MONITOR = 5
};

// Of contexts.
enum zmtp_ffi_context_option {
    ZMTP_FFI_CONTEXT_IO_THREADS = 1,
    ZMTP_FFI_CONTEXT_MAX_SOCKETS = 2,
    ZMTP_FFI_CONTEXT_IPV6 = 42
};

// Of sockets. Numbers, but for those said to be octets.
enum zmtp_ffi_option {
    ZMTP_FFI_OPTION_AFFINITY = 4,
    ZMTP_FFI_OPTION_ROUTING_ID = 5, // octets, up to 255
    ZMTP_FFI_OPTION_SNDBUF = 11,
    ZMTP_FFI_OPTION_RCVBUF = 12,
    ZMTP_FFI_OPTION_TYPE = 16, // to be read only
    ZMTP_FFI_OPTION_LINGER = 17,
    ZMTP_FFI_OPTION_RECONNECT_IVL = 18,
    ZMTP_FFI_OPTION_BACKLOG = 19,
    ZMTP_FFI_OPTION_RECONNECT_IVL_MAX = 21,
    ZMTP_FFI_OPTION_MAXMSGSIZE = 22,
    ZMTP_FFI_OPTION_SNDHWM = 23,
    ZMTP_FFI_OPTION_RCVHWM = 24,
    ZMTP_FFI_OPTION_MULTICAST_HOPS = 25,
    ZMTP_FFI_OPTION_LAST_ENDPOINT = 32,    // octets; to be read only
    ZMTP_FFI_OPTION_ROUTER_MANDATORY = 33, // to be set only
    ZMTP_FFI_OPTION_TCP_KEEPALIVE = 34,
    ZMTP_FFI_OPTION_TCP_KEEPALIVE_CNT = 35,
    ZMTP_FFI_OPTION_TCP_KEEPALIVE_IDLE = 36,
    ZMTP_FFI_OPTION_TCP_KEEPALIVE_INTVL = 37,
    ZMTP_FFI_OPTION_IMMEDIATE = 39,
    ZMTP_FFI_OPTION_XPUB_VERBOSE = 40, // to be set only
    ZMTP_FFI_OPTION_IPV6 = 42,
    ZMTP_FFI_OPTION_MECHANISM = 43, // to be read only: 0 NULL, 1 PLAIN, 2 CURVE
    ZMTP_FFI_OPTION_PLAIN_SERVER = 44,
    ZMTP_FFI_OPTION_PLAIN_USERNAME = 45, // octets
    ZMTP_FFI_OPTION_PLAIN_PASSWORD = 46, // octets
    ZMTP_FFI_OPTION_CURVE_SERVER = 47,
    ZMTP_FFI_OPTION_CURVE_PUBLICKEY = 48, // octets: 32, or 40 as text
    ZMTP_FFI_OPTION_CURVE_SECRETKEY = 49, // the same
    ZMTP_FFI_OPTION_CURVE_SERVERKEY = 50, // the same
    ZMTP_FFI_OPTION_PROBE_ROUTER = 51,    // to be set only
    ZMTP_FFI_OPTION_REQ_CORRELATE = 52,   // to be set only
    ZMTP_FFI_OPTION_REQ_RELAXED = 53,     // to be set only
    ZMTP_FFI_OPTION_CONFLATE = 54,
    ZMTP_FFI_OPTION_ZAP_DOMAIN = 55,      // octets
    ZMTP_FFI_OPTION_ROUTER_HANDOVER = 56, // to be set only
    ZMTP_FFI_OPTION_TOS = 57,
    ZMTP_FFI_OPTION_CONNECT_ROUTING_ID = 61, // octets; to be set only, for the next connect
    ZMTP_FFI_OPTION_HANDSHAKE_IVL = 66,
    ZMTP_FFI_OPTION_XPUB_NODROP = 69,      // to be set only
    ZMTP_FFI_OPTION_XPUB_MANUAL = 71,      // to be set only
    ZMTP_FFI_OPTION_XPUB_WELCOME_MSG = 72, // octets; to be set only
    ZMTP_FFI_OPTION_STREAM_NOTIFY = 73,    // to be set only
    ZMTP_FFI_OPTION_INVERT_MATCHING = 74,
    ZMTP_FFI_OPTION_HEARTBEAT_IVL = 75,
    ZMTP_FFI_OPTION_HEARTBEAT_TTL = 76,
    ZMTP_FFI_OPTION_HEARTBEAT_TIMEOUT = 77,
    ZMTP_FFI_OPTION_XPUB_VERBOSER = 78, // to be set only
    ZMTP_FFI_OPTION_CONNECT_TIMEOUT = 79,
    ZMTP_FFI_OPTION_TCP_MAXRT = 80,
    ZMTP_FFI_OPTION_BINDTODEVICE = 92, // octets
    ZMTP_FFI_OPTION_METADATA = 95      // octets, "X-Name:value"; to be set only
};

// What a monitor tells.
enum zmtp_ffi_news {
    ZMTP_FFI_NEWS_CONNECTED = 0x1,
    ZMTP_FFI_NEWS_CONNECT_DELAYED = 0x2,
    ZMTP_FFI_NEWS_CONNECT_RETRIED = 0x4,
    ZMTP_FFI_NEWS_LISTENING = 0x8,
    ZMTP_FFI_NEWS_BIND_FAILED = 0x10,
    ZMTP_FFI_NEWS_ACCEPTED = 0x20,
    ZMTP_FFI_NEWS_ACCEPT_FAILED = 0x40,
    ZMTP_FFI_NEWS_CLOSED = 0x80,
    ZMTP_FFI_NEWS_DISCONNECTED = 0x200,
    ZMTP_FFI_NEWS_MONITOR_STOPPED = 0x400,
    ZMTP_FFI_NEWS_HANDSHAKE_FAILED_NO_DETAIL = 0x800,
    ZMTP_FFI_NEWS_HANDSHAKE_SUCCEEDED = 0x1000,
    ZMTP_FFI_NEWS_HANDSHAKE_FAILED_PROTOCOL = 0x2000,
    ZMTP_FFI_NEWS_HANDSHAKE_FAILED_AUTH = 0x4000,
    ZMTP_FFI_NEWS_ALL = 0x7eff
};

// Numbers of a socket; socket.h of the library says what each counts.
enum zmtp_ffi_stat {
    ZMTP_FFI_STAT_SENT = 0,
    ZMTP_FFI_STAT_COPIES = 1,
    ZMTP_FFI_STAT_LEFT = 2,
    ZMTP_FFI_STAT_QUEUED = 3,
    ZMTP_FFI_STAT_LOST = 4,
    ZMTP_FFI_STAT_ARRIVED = 5,
    ZMTP_FFI_STAT_RECEIVED = 6,
    ZMTP_FFI_STAT_WAITING = 7,
    ZMTP_FFI_STAT_DISCARDED = 8,
    ZMTP_FFI_STAT_DROPPED = 9,     // of all reasons
    ZMTP_FFI_STAT_SUBSCRIBERS = 10 // PUB, XPUB and RADIO: peers with a subscription
};

// Octets.
enum {
    ZMTP_FFI_ENDPOINT_MAX = 256, // the longest endpoint, with its zero octet
    ZMTP_FFI_KEY_TEXT_SIZE = 41, // a key as text, with its zero octet
    ZMTP_FFI_KEY_SIZE = 32,
    ZMTP_FFI_PARTS_MAX = 1024 // of one message
};

// The library. ZMTP_FFI_LIBRARY: this process has loaded a libuv that is older than what the library needs, so that
// contexts cannot be opened; zmtp_ffi_uv_version tells which it has, as major * 65536 + minor * 256 + patch.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_version(void);
ZMTP_FFI_EXPORT const char *zmtp_ffi_library_version(void);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_uv_version(void);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_check(void);
// 1 if it is in this build, or 0: "curve", "ws", "vsock", "ipc", "mock".
ZMTP_FFI_EXPORT int32_t zmtp_ffi_has(const char *capability);
// Of a code: "ZMTP_FFI_AGAIN", and a sentence. Of an event of a monitor: "CONNECTED".
ZMTP_FFI_EXPORT const char *zmtp_ffi_code_name(int32_t code);
ZMTP_FFI_EXPORT const char *zmtp_ffi_code_text(int32_t code);
ZMTP_FFI_EXPORT const char *zmtp_ffi_news_name(int32_t news);

// The manifest: constants and functions, by index from 0 to below the count. A name that is beyond is "". A signature
// is "int32(uint64,text)" with the types int32 int64 uint32 uint64 size text octets room int64_room; the last three
// are pointers, to octets that are read, to those that are written, and to one number that is written.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_constant_count(void);
ZMTP_FFI_EXPORT const char *zmtp_ffi_constant_name(int32_t index);
ZMTP_FFI_EXPORT int64_t zmtp_ffi_constant_value(int32_t index);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_constant_find(const char *name, int64_t *value);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_function_count(void);
ZMTP_FFI_EXPORT const char *zmtp_ffi_function_name(int32_t index);
ZMTP_FFI_EXPORT const char *zmtp_ffi_function_signature(int32_t index);
// What ffi/abi.json has.
ZMTP_FFI_EXPORT const char *zmtp_ffi_manifest(void);

// Handles of any kind. Closing waits for nothing: what a socket has sent and what has not left is dropped, unless its
// option LINGER says how long it may take; a context's sockets and monitors are closed with it, and drop it in any
// case. Endpoints that were bound are free when the call returns. Closing a second time does no harm.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_close(uint64_t handle);
// An enum zmtp_ffi_kind.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_kind(uint64_t handle);
// Handles of this process that are open, or closed and still in a call.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_handle_count(void);

// A context: sockets that may meet over inproc, and the thread of their connections.
ZMTP_FFI_EXPORT int64_t zmtp_ffi_context_open(void);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_context_set(uint64_t context, int32_t option, int64_t value);
ZMTP_FFI_EXPORT int64_t zmtp_ffi_context_get(uint64_t context, int32_t option);
// Closes a context, and waits up to |wait_ms|, at most an hour, until all has left that its sockets have sent.
// ZMTP_FFI_AGAIN: it took longer, and the rest is dropped. The context is closed in either case.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_drain(uint64_t context, int32_t wait_ms);

ZMTP_FFI_EXPORT int64_t zmtp_ffi_socket_open(uint64_t context, int32_t type);
// Endpoints as "tcp://127.0.0.1:5555". After a bind to a port "*" the option LAST_ENDPOINT has the whole.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_bind(uint64_t socket, const char *endpoint);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_connect(uint64_t socket, const char *endpoint);
// PEER: connects, and returns the number of the peer there, for messages to it; they wait until it is there.
ZMTP_FFI_EXPORT int64_t zmtp_ffi_connect_peer(uint64_t socket, const char *endpoint);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_unbind(uint64_t socket, const char *endpoint);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_disconnect(uint64_t socket, const char *endpoint);
// SUB and XSUB: a topic. DISH: a group, which is matched as a whole.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_subscribe(uint64_t socket, const void *octets, size_t size);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_unsubscribe(uint64_t socket, const void *octets, size_t size);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_join(uint64_t socket, const char *group);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_leave(uint64_t socket, const char *group);

// ZMTP_FFI_NOT_FOUND: no such option. ZMTP_FFI_ARGUMENT: the value is out of its range, it is none for this type of
// socket, or octets are asked of a number. ZMTP_FFI_UNSUPPORTED: not to be set, or not to be read. Octets that are read
// are without a zero octet behind them, and keys are 32 octets; their size is returned, and ZMTP_FFI_LIMIT when there
// is less room.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_set_number(uint64_t socket, int32_t option, int64_t value);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_get_number(uint64_t socket, int32_t option, int64_t *value);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_set_octets(uint64_t socket, int32_t option, const void *octets,
                                            size_t size);
ZMTP_FFI_EXPORT int64_t zmtp_ffi_get_octets(uint64_t socket, int32_t option, void *room,
                                            size_t size);

// One part. With |more| not 0 others follow, and nothing leaves before the last is given, which is also the only one
// that waits: when it cannot be sent now those before it stay, and it is to be given again.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_send_try(uint64_t socket, const void *octets, size_t size,
                                          int32_t more);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_send_wait(uint64_t socket, const void *octets, size_t size,
                                           int32_t more, int32_t wait_ms);
// The next part; its size is returned. ZMTP_FFI_LIMIT: it is larger than |size|, and stays; zmtp_ffi_next_size tells
// how large the part is that a receive would give now, zmtp_ffi_more whether others of its message follow the last
// that was given.
ZMTP_FFI_EXPORT int64_t zmtp_ffi_receive_try(uint64_t socket, void *room, size_t size);
ZMTP_FFI_EXPORT int64_t zmtp_ffi_receive_wait(uint64_t socket, void *room, size_t size,
                                              int32_t wait_ms);
ZMTP_FFI_EXPORT int64_t zmtp_ffi_next_size(uint64_t socket);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_more(uint64_t socket);

// A message: parts by index from 0, each copied in and out. What a type wants a message to be, socket.h of the library
// says: a ROUTER's begins with a routing id, a RADIO's with a group.
ZMTP_FFI_EXPORT int64_t zmtp_ffi_message_open(void);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_message_clear(uint64_t message);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_message_add(uint64_t message, const void *octets, size_t size);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_message_count(uint64_t message);
ZMTP_FFI_EXPORT int64_t zmtp_ffi_message_size(uint64_t message, int32_t index);
// The part's size; ZMTP_FFI_LIMIT when there is less room.
ZMTP_FFI_EXPORT int64_t zmtp_ffi_message_get(uint64_t message, int32_t index, void *room,
                                             size_t size);
// SERVER and PEER: the number of the peer that it came from, or is for; 0: of nobody.
ZMTP_FFI_EXPORT int64_t zmtp_ffi_message_routing_id(uint64_t message);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_message_set_routing_id(uint64_t message, uint32_t routing_id);
// What is known of whom it came from: "Peer-Address", "User-Id", "Socket-Type" and what the peer said. Size, or
// ZMTP_FFI_NOT_FOUND, or ZMTP_FFI_LIMIT.
ZMTP_FFI_EXPORT int64_t zmtp_ffi_message_property(uint64_t message, const char *name, void *room,
                                                  size_t size);
// All of its parts, or none; the message stays as it is. Not amid a message that is given part by part.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_message_send_try(uint64_t socket, uint64_t message);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_message_send_wait(uint64_t socket, uint64_t message,
                                                   int32_t wait_ms);
// Replaces what it held, and returns how many parts it has now; of a message that was received in part, the rest.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_message_receive_try(uint64_t socket, uint64_t message);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_message_receive_wait(uint64_t socket, uint64_t message,
                                                      int32_t wait_ms);

// What can be done now, as ZMTP_FFI_IN and ZMTP_FFI_OUT; and of |events|, after a wait until there is one.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_events(uint64_t socket);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_events_wait(uint64_t socket, int32_t events, int32_t wait_ms);
// For loops of the program's own: readable when it is worth to ask for the events, and until that was done. It is the
// socket's, or the monitor's: not to be read or closed.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_descriptor(uint64_t handle);

// A poller looks at many: sockets and monitors by their handles, and descriptors of the program's. To add one that is
// there changes its events, which may be 0. What was closed is told as ZMTP_FFI_ENDED until it is removed.
ZMTP_FFI_EXPORT int64_t zmtp_ffi_poller_open(void);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_poller_add(uint64_t poller, uint64_t handle, int32_t events);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_poller_add_descriptor(uint64_t poller, int32_t descriptor,
                                                       int32_t events);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_poller_remove(uint64_t poller, uint64_t handle);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_poller_remove_descriptor(uint64_t poller, int32_t descriptor);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_poller_count(uint64_t poller);
// How many have events, which are told by index until the next try or wait; or ZMTP_FFI_AGAIN. ZMTP_FFI_NOT_FOUND: there
// is no such index; or it has a descriptor, and is asked for a handle, or the other way round.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_poller_try(uint64_t poller);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_poller_wait(uint64_t poller, int32_t wait_ms);
ZMTP_FFI_EXPORT int64_t zmtp_ffi_poller_handle(uint64_t poller, int32_t index);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_poller_descriptor(uint64_t poller, int32_t index);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_poller_events(uint64_t poller, int32_t index);

// A monitor: what happens to a socket's endpoints and connections from now on, as a mix of enum zmtp_ffi_news. A socket
// has one at most; another takes its place. It may be closed before the socket, or after.
ZMTP_FFI_EXPORT int64_t zmtp_ffi_monitor_open(uint64_t socket, int32_t news);
// The next event, which the other two are about until then: a number, and the endpoint, which may be empty.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_monitor_try(uint64_t monitor);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_monitor_wait(uint64_t monitor, int32_t wait_ms);
ZMTP_FFI_EXPORT int64_t zmtp_ffi_monitor_value(uint64_t monitor);
ZMTP_FFI_EXPORT int64_t zmtp_ffi_monitor_endpoint(uint64_t monitor, void *room, size_t size);

// One of enum zmtp_ffi_stat.
ZMTP_FFI_EXPORT int64_t zmtp_ffi_stat(uint64_t socket, int32_t stat);

// Keys of CURVE as texts: rooms of ZMTP_FFI_KEY_TEXT_SIZE octets, which get a zero octet at their end.
// ZMTP_FFI_UNSUPPORTED: it is not in this build.
ZMTP_FFI_EXPORT int32_t zmtp_ffi_keygen(void *public_key, void *secret_key);
ZMTP_FFI_EXPORT int32_t zmtp_ffi_key_public(const char *secret_key, void *public_key);

#ifdef __cplusplus
}
#endif
#endif
