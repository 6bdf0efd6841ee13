// The interface of libzmq 4.3, for programs that are written to it: they link with libzmq.so.5 of this
// project (make zmq) instead, unchanged and not even compiled again. Names, numbers, sizes and errors are
// libzmq's; compat/README.md tells what is behind each of them, and what differs.
//
// Calls return -1, or null, and leave their reason in errno, which zmq_errno() also tells: it keeps one of
// its own for each thread, for hosts that change errno before their program can look. A context is for all
// threads, and so are sockets of the types SERVER, CLIENT, RADIO, DISH, GATHER, SCATTER, PEER and CHANNEL; any
// other object belongs to one thread at a time.
//
// What needs ZMQ_BUILD_DRAFT_API is in the library only if it was made with DRAFT=1.
#ifndef ZMTP_ZMQ_H
#define ZMTP_ZMQ_H

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ZMQ_VERSION_MAJOR 4
#define ZMQ_VERSION_MINOR 3
#define ZMQ_VERSION_PATCH 5
#define ZMQ_MAKE_VERSION(major, minor, patch) ((major)*10000 + (minor)*100 + (patch))
#define ZMQ_VERSION ZMQ_MAKE_VERSION(ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH)

#if defined __GNUC__ && defined __i386__
// Some programs call with a stack that is aligned to 4 octets only, and what is called here wants 16.
#define ZMQ_EXPORT __attribute__((visibility("default"), force_align_arg_pointer))
#elif defined __GNUC__
#define ZMQ_EXPORT __attribute__((visibility("default")))
#else
#define ZMQ_EXPORT
#endif
#define ZMQ_DEFINED_STDINT 1

// Errors that POSIX has no number for.
#define ZMQ_HAUSNUMERO 156384712
#define EFSM (ZMQ_HAUSNUMERO + 51)
#define ENOCOMPATPROTO (ZMQ_HAUSNUMERO + 52)
#define ETERM (ZMQ_HAUSNUMERO + 53)
#define EMTHREAD (ZMQ_HAUSNUMERO + 54)

ZMQ_EXPORT int zmq_errno(void);
// A constant text; never null.
ZMQ_EXPORT const char *zmq_strerror(int error);
ZMQ_EXPORT void zmq_version(int *major, int *minor, int *patch);
// 1 or 0: "ipc", "curve", "WS" and others. "draft" is 1 only in a library made with DRAFT=1.
#define ZMQ_HAS_CAPABILITIES 1
ZMQ_EXPORT int zmq_has(const char *capability);

// Contexts.
#define ZMQ_IO_THREADS 1
#define ZMQ_MAX_SOCKETS 2
#define ZMQ_SOCKET_LIMIT 3    // get
#define ZMQ_THREAD_PRIORITY 3 // set
#define ZMQ_THREAD_SCHED_POLICY 4
#define ZMQ_MAX_MSGSZ 5
#define ZMQ_MSG_T_SIZE 6
#define ZMQ_THREAD_AFFINITY_CPU_ADD 7
#define ZMQ_THREAD_AFFINITY_CPU_REMOVE 8
#define ZMQ_THREAD_NAME_PREFIX 9
#define ZMQ_IO_THREADS_DFLT 1
#define ZMQ_MAX_SOCKETS_DFLT 1023
#define ZMQ_THREAD_PRIORITY_DFLT -1
#define ZMQ_THREAD_SCHED_POLICY_DFLT -1

ZMQ_EXPORT void *zmq_ctx_new(void);
// Waits until every socket is closed, and what they sent has left or their linger is over.
ZMQ_EXPORT int zmq_ctx_term(void *context);
ZMQ_EXPORT int zmq_ctx_shutdown(void *context);
ZMQ_EXPORT int zmq_ctx_set(void *context, int option, int value);
ZMQ_EXPORT int zmq_ctx_get(void *context, int option);
ZMQ_EXPORT void *zmq_init(int io_threads); // this and the next two: deprecated
ZMQ_EXPORT int zmq_term(void *context);
ZMQ_EXPORT int zmq_ctx_destroy(void *context);

// Messages. The octets of one are nobody's business, and it is moved by zmq_msg_move only. To share is
// not to copy: who has given a message to zmq_msg_copy may write into neither.
typedef struct zmq_msg_t {
#if defined __GNUC__
    unsigned char _[64] __attribute__((aligned(sizeof(void *))));
#else
    unsigned char _[64];
#endif
} zmq_msg_t;
// Called once, when the last user is done, on whatever thread that is.
typedef void(zmq_free_fn)(void *data, void *hint);

#define ZMQ_MORE 1
#define ZMQ_SRCFD 2
#define ZMQ_SHARED 3

ZMQ_EXPORT int zmq_msg_init(zmq_msg_t *msg);
ZMQ_EXPORT int zmq_msg_init_size(zmq_msg_t *msg, size_t size);
// |free_fn| may be null, for data that is there for good.
ZMQ_EXPORT int zmq_msg_init_data(zmq_msg_t *msg, void *data, size_t size, zmq_free_fn *free_fn,
                                 void *hint);
ZMQ_EXPORT int zmq_msg_send(zmq_msg_t *msg, void *socket, int flags);
ZMQ_EXPORT int zmq_msg_recv(zmq_msg_t *msg, void *socket, int flags);
ZMQ_EXPORT int zmq_msg_close(zmq_msg_t *msg);
ZMQ_EXPORT int zmq_msg_move(zmq_msg_t *to, zmq_msg_t *from);
ZMQ_EXPORT int zmq_msg_copy(zmq_msg_t *to, zmq_msg_t *from);
ZMQ_EXPORT void *zmq_msg_data(zmq_msg_t *msg);
ZMQ_EXPORT size_t zmq_msg_size(const zmq_msg_t *msg);
ZMQ_EXPORT int zmq_msg_more(const zmq_msg_t *msg);
ZMQ_EXPORT int zmq_msg_get(const zmq_msg_t *msg, int property);
ZMQ_EXPORT int zmq_msg_set(zmq_msg_t *msg, int property, int value); // there is none to set
// A property of the peer that it came from; good until the message is closed.
ZMQ_EXPORT const char *zmq_msg_gets(const zmq_msg_t *msg, const char *property);

// Socket types.
#define ZMQ_PAIR 0
#define ZMQ_PUB 1
#define ZMQ_SUB 2
#define ZMQ_REQ 3
#define ZMQ_REP 4
#define ZMQ_DEALER 5
#define ZMQ_ROUTER 6
#define ZMQ_PULL 7
#define ZMQ_PUSH 8
#define ZMQ_XPUB 9
#define ZMQ_XSUB 10
#define ZMQ_STREAM 11
#define ZMQ_XREQ ZMQ_DEALER // deprecated
#define ZMQ_XREP ZMQ_ROUTER // deprecated

// Options of sockets.
#define ZMQ_AFFINITY 4
#define ZMQ_ROUTING_ID 5
#define ZMQ_SUBSCRIBE 6
#define ZMQ_UNSUBSCRIBE 7
#define ZMQ_RATE 8
#define ZMQ_RECOVERY_IVL 9
#define ZMQ_SNDBUF 11
#define ZMQ_RCVBUF 12
#define ZMQ_RCVMORE 13
#define ZMQ_FD 14
#define ZMQ_EVENTS 15
#define ZMQ_TYPE 16
#define ZMQ_LINGER 17
#define ZMQ_RECONNECT_IVL 18
#define ZMQ_BACKLOG 19
#define ZMQ_RECONNECT_IVL_MAX 21
#define ZMQ_MAXMSGSIZE 22
#define ZMQ_SNDHWM 23
#define ZMQ_RCVHWM 24
#define ZMQ_MULTICAST_HOPS 25
#define ZMQ_RCVTIMEO 27
#define ZMQ_SNDTIMEO 28
#define ZMQ_LAST_ENDPOINT 32
#define ZMQ_ROUTER_MANDATORY 33
#define ZMQ_TCP_KEEPALIVE 34
#define ZMQ_TCP_KEEPALIVE_CNT 35
#define ZMQ_TCP_KEEPALIVE_IDLE 36
#define ZMQ_TCP_KEEPALIVE_INTVL 37
#define ZMQ_IMMEDIATE 39
#define ZMQ_XPUB_VERBOSE 40
#define ZMQ_ROUTER_RAW 41
#define ZMQ_IPV6 42
#define ZMQ_MECHANISM 43
#define ZMQ_PLAIN_SERVER 44
#define ZMQ_PLAIN_USERNAME 45
#define ZMQ_PLAIN_PASSWORD 46
#define ZMQ_CURVE_SERVER 47
#define ZMQ_CURVE_PUBLICKEY 48
#define ZMQ_CURVE_SECRETKEY 49
#define ZMQ_CURVE_SERVERKEY 50
#define ZMQ_PROBE_ROUTER 51
#define ZMQ_REQ_CORRELATE 52
#define ZMQ_REQ_RELAXED 53
#define ZMQ_CONFLATE 54
#define ZMQ_ZAP_DOMAIN 55
#define ZMQ_ROUTER_HANDOVER 56
#define ZMQ_TOS 57
#define ZMQ_CONNECT_ROUTING_ID 61
#define ZMQ_GSSAPI_SERVER 62
#define ZMQ_GSSAPI_PRINCIPAL 63
#define ZMQ_GSSAPI_SERVICE_PRINCIPAL 64
#define ZMQ_GSSAPI_PLAINTEXT 65
#define ZMQ_HANDSHAKE_IVL 66
#define ZMQ_SOCKS_PROXY 68
#define ZMQ_XPUB_NODROP 69
#define ZMQ_BLOCKY 70 // of a context
#define ZMQ_XPUB_MANUAL 71
#define ZMQ_XPUB_WELCOME_MSG 72
#define ZMQ_STREAM_NOTIFY 73
#define ZMQ_INVERT_MATCHING 74
#define ZMQ_HEARTBEAT_IVL 75
#define ZMQ_HEARTBEAT_TTL 76
#define ZMQ_HEARTBEAT_TIMEOUT 77
#define ZMQ_XPUB_VERBOSER 78
#define ZMQ_CONNECT_TIMEOUT 79
#define ZMQ_TCP_MAXRT 80
#define ZMQ_THREAD_SAFE 81
#define ZMQ_MULTICAST_MAXTPDU 84
#define ZMQ_VMCI_BUFFER_SIZE 85
#define ZMQ_VMCI_BUFFER_MIN_SIZE 86
#define ZMQ_VMCI_BUFFER_MAX_SIZE 87
#define ZMQ_VMCI_CONNECT_TIMEOUT 88
#define ZMQ_USE_FD 89
#define ZMQ_GSSAPI_PRINCIPAL_NAMETYPE 90
#define ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE 91
#define ZMQ_BINDTODEVICE 92
// Deprecated ones.
#define ZMQ_IDENTITY ZMQ_ROUTING_ID
#define ZMQ_CONNECT_RID ZMQ_CONNECT_ROUTING_ID
#define ZMQ_IPV4ONLY 31
#define ZMQ_TCP_ACCEPT_FILTER 38
#define ZMQ_IPC_FILTER_PID 58
#define ZMQ_IPC_FILTER_UID 59
#define ZMQ_IPC_FILTER_GID 60
#define ZMQ_DELAY_ATTACH_ON_CONNECT ZMQ_IMMEDIATE
#define ZMQ_FAIL_UNROUTABLE ZMQ_ROUTER_MANDATORY
#define ZMQ_ROUTER_BEHAVIOR ZMQ_ROUTER_MANDATORY

// Flags of send and recv.
#define ZMQ_DONTWAIT 1
#define ZMQ_SNDMORE 2
#define ZMQ_NOBLOCK ZMQ_DONTWAIT // deprecated

// Mechanisms, and how GSSAPI means its names.
#define ZMQ_NULL 0
#define ZMQ_PLAIN 1
#define ZMQ_CURVE 2
#define ZMQ_GSSAPI 3
#define ZMQ_GSSAPI_NT_HOSTBASED 0
#define ZMQ_GSSAPI_NT_USER_NAME 1
#define ZMQ_GSSAPI_NT_KRB5_PRINCIPAL 2

#define ZMQ_GROUP_MAX_LENGTH 255 // of a RADIO's groups, in octets

ZMQ_EXPORT void *zmq_socket(void *context, int type);
ZMQ_EXPORT int zmq_close(void *socket);
ZMQ_EXPORT int zmq_setsockopt(void *socket, int option, const void *value, size_t size);
ZMQ_EXPORT int zmq_getsockopt(void *socket, int option, void *value, size_t *size);
ZMQ_EXPORT int zmq_bind(void *socket, const char *endpoint);
ZMQ_EXPORT int zmq_connect(void *socket, const char *endpoint);
ZMQ_EXPORT int zmq_unbind(void *socket, const char *endpoint);
ZMQ_EXPORT int zmq_disconnect(void *socket, const char *endpoint);
ZMQ_EXPORT int zmq_send(void *socket, const void *data, size_t size, int flags);
// |data| is there for good.
ZMQ_EXPORT int zmq_send_const(void *socket, const void *data, size_t size, int flags);
// Returns the message's size, which may be more than what there was room for.
ZMQ_EXPORT int zmq_recv(void *socket, void *data, size_t size, int flags);
ZMQ_EXPORT int zmq_sendmsg(void *socket, zmq_msg_t *msg, int flags); // deprecated, as the next
ZMQ_EXPORT int zmq_recvmsg(void *socket, zmq_msg_t *msg, int flags);
struct iovec;
ZMQ_EXPORT int zmq_sendiov(void *socket, struct iovec *parts, size_t count, int flags);
// The caller frees the memory of each part that came.
ZMQ_EXPORT int zmq_recviov(void *socket, struct iovec *parts, size_t *count, int flags);

// Monitors: a message of two parts for each event, the number and value in 2 and 4 octets, and the endpoint.
#define ZMQ_EVENT_CONNECTED 0x0001
#define ZMQ_EVENT_CONNECT_DELAYED 0x0002
#define ZMQ_EVENT_CONNECT_RETRIED 0x0004
#define ZMQ_EVENT_LISTENING 0x0008
#define ZMQ_EVENT_BIND_FAILED 0x0010
#define ZMQ_EVENT_ACCEPTED 0x0020
#define ZMQ_EVENT_ACCEPT_FAILED 0x0040
#define ZMQ_EVENT_CLOSED 0x0080
#define ZMQ_EVENT_CLOSE_FAILED 0x0100
#define ZMQ_EVENT_DISCONNECTED 0x0200
#define ZMQ_EVENT_MONITOR_STOPPED 0x0400
#define ZMQ_EVENT_ALL 0xFFFF
#define ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL 0x0800
#define ZMQ_EVENT_HANDSHAKE_SUCCEEDED 0x1000
#define ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL 0x2000
#define ZMQ_EVENT_HANDSHAKE_FAILED_AUTH 0x4000
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED 0x10000000
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND 0x10000001
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE 0x10000002
#define ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE 0x10000003
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED 0x10000011
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE 0x10000012
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO 0x10000013
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE 0x10000014
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR 0x10000015
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY 0x10000016
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME 0x10000017
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA 0x10000018
#define ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC 0x11000001
#define ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH 0x11000002
#define ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED 0x20000000
#define ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY 0x20000001
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID 0x20000002
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION 0x20000003
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE 0x20000004
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA 0x20000005
#define ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED 0x30000000

// |endpoint| is an inproc one, at which a PAIR then listens to events; null ends it.
ZMQ_EXPORT int zmq_socket_monitor(void *socket, const char *endpoint, int events);

// Waiting for many at once. |timeout| in milliseconds, -1: for ever.
typedef int zmq_fd_t;
typedef struct zmq_pollitem_t {
    void *socket; // null: |fd|
    zmq_fd_t fd;
    short events;
    short revents;
} zmq_pollitem_t;
#define ZMQ_POLLIN 1
#define ZMQ_POLLOUT 2
#define ZMQ_POLLERR 4
#define ZMQ_POLLPRI 8
#define ZMQ_POLLITEMS_DFLT 16

ZMQ_EXPORT int zmq_poll(zmq_pollitem_t *items, int count, long timeout);

// Passes messages on, both ways, until the context ends; |capture| gets a copy of each, |control| tells
// PAUSE, RESUME, TERMINATE, STATISTICS.
ZMQ_EXPORT int zmq_proxy(void *frontend, void *backend, void *capture);
ZMQ_EXPORT int zmq_proxy_steerable(void *frontend, void *backend, void *capture, void *control);
#define ZMQ_STREAMER 1 // these and zmq_device are deprecated
#define ZMQ_FORWARDER 2
#define ZMQ_QUEUE 3
ZMQ_EXPORT int zmq_device(int type, void *frontend, void *backend);

// Keys, and octets as text.
ZMQ_EXPORT char *zmq_z85_encode(char *to, const uint8_t *data, size_t size);
ZMQ_EXPORT uint8_t *zmq_z85_decode(uint8_t *to, const char *text);
ZMQ_EXPORT int zmq_curve_keypair(char *public_key, char *secret_key); // each has room for 41
ZMQ_EXPORT int zmq_curve_public(char *public_key, const char *secret_key);

// A counter for many threads. The change returns what was before; dec tells whether it is above zero.
ZMQ_EXPORT void *zmq_atomic_counter_new(void);
ZMQ_EXPORT void zmq_atomic_counter_set(void *counter, int value);
ZMQ_EXPORT int zmq_atomic_counter_inc(void *counter);
ZMQ_EXPORT int zmq_atomic_counter_dec(void *counter);
ZMQ_EXPORT int zmq_atomic_counter_value(void *counter);
ZMQ_EXPORT void zmq_atomic_counter_destroy(void **counter);

// Timers: the one who owns them asks when the next is due, and then has them run. Milliseconds.
#define ZMQ_HAVE_TIMERS
typedef void(zmq_timer_fn)(int timer, void *hint);

ZMQ_EXPORT void *zmq_timers_new(void);
ZMQ_EXPORT int zmq_timers_destroy(void **timers);
ZMQ_EXPORT int zmq_timers_add(void *timers, size_t interval, zmq_timer_fn handler, void *hint);
ZMQ_EXPORT int zmq_timers_cancel(void *timers, int timer);
ZMQ_EXPORT int zmq_timers_set_interval(void *timers, int timer, size_t interval);
ZMQ_EXPORT int zmq_timers_reset(void *timers, int timer);
ZMQ_EXPORT long zmq_timers_timeout(void *timers);
ZMQ_EXPORT int zmq_timers_execute(void *timers);

// A clock in microseconds, sleep, and threads.
ZMQ_EXPORT void *zmq_stopwatch_start(void);
ZMQ_EXPORT unsigned long zmq_stopwatch_intermediate(void *watch);
ZMQ_EXPORT unsigned long zmq_stopwatch_stop(void *watch);
ZMQ_EXPORT void zmq_sleep(int seconds);
typedef void(zmq_thread_fn)(void *hint);
ZMQ_EXPORT void *zmq_threadstart(zmq_thread_fn *function, void *hint);
ZMQ_EXPORT void zmq_threadclose(void *thread);

#ifdef ZMQ_BUILD_DRAFT_API

#define ZMQ_SERVER 12
#define ZMQ_CLIENT 13
#define ZMQ_RADIO 14
#define ZMQ_DISH 15
#define ZMQ_GATHER 16
#define ZMQ_SCATTER 17
#define ZMQ_DGRAM 18
#define ZMQ_PEER 19
#define ZMQ_CHANNEL 20

#define ZMQ_ZAP_ENFORCE_DOMAIN 93
#define ZMQ_LOOPBACK_FASTPATH 94
#define ZMQ_METADATA 95
#define ZMQ_MULTICAST_LOOP 96
#define ZMQ_ROUTER_NOTIFY 97
#define ZMQ_XPUB_MANUAL_LAST_VALUE 98
#define ZMQ_SOCKS_USERNAME 99
#define ZMQ_SOCKS_PASSWORD 100
#define ZMQ_IN_BATCH_SIZE 101
#define ZMQ_OUT_BATCH_SIZE 102
#define ZMQ_WSS_KEY_PEM 103
#define ZMQ_WSS_CERT_PEM 104
#define ZMQ_WSS_TRUST_PEM 105
#define ZMQ_WSS_HOSTNAME 106
#define ZMQ_WSS_TRUST_SYSTEM 107
#define ZMQ_ONLY_FIRST_SUBSCRIBE 108
#define ZMQ_RECONNECT_STOP 109
#define ZMQ_HELLO_MSG 110
#define ZMQ_DISCONNECT_MSG 111
#define ZMQ_PRIORITY 112
#define ZMQ_BUSY_POLL 113
#define ZMQ_HICCUP_MSG 114
#define ZMQ_XSUB_VERBOSE_UNSUBSCRIBE 115
#define ZMQ_TOPICS_COUNT 116
#define ZMQ_NORM_MODE 117
#define ZMQ_NORM_UNICAST_NACK 118
#define ZMQ_NORM_BUFFER_SIZE 119
#define ZMQ_NORM_SEGMENT_SIZE 120
#define ZMQ_NORM_BLOCK_SIZE 121
#define ZMQ_NORM_NUM_PARITY 122
#define ZMQ_NORM_NUM_AUTOPARITY 123
#define ZMQ_NORM_PUSH 124
#define ZMQ_NORM_FIXED 0
#define ZMQ_NORM_CC 1
#define ZMQ_NORM_CCL 2
#define ZMQ_NORM_CCE 3
#define ZMQ_NORM_CCE_ECNONLY 4

#define ZMQ_RECONNECT_STOP_CONN_REFUSED 0x1
#define ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED 0x2
#define ZMQ_RECONNECT_STOP_AFTER_DISCONNECT 0x4
#define ZMQ_NOTIFY_CONNECT 1
#define ZMQ_NOTIFY_DISCONNECT 2

#define ZMQ_ZERO_COPY_RECV 10 // of a context
ZMQ_EXPORT int zmq_ctx_set_ext(void *context, int option, const void *value, size_t size);
ZMQ_EXPORT int zmq_ctx_get_ext(void *context, int option, void *value, size_t *size);

ZMQ_EXPORT int zmq_join(void *socket, const char *group);
ZMQ_EXPORT int zmq_leave(void *socket, const char *group);
ZMQ_EXPORT uint32_t zmq_connect_peer(void *socket, const char *endpoint);
ZMQ_EXPORT int zmq_disconnect_peer(void *socket, uint32_t routing_id);

#define ZMQ_MSG_PROPERTY_ROUTING_ID "Routing-Id"
#define ZMQ_MSG_PROPERTY_SOCKET_TYPE "Socket-Type"
#define ZMQ_MSG_PROPERTY_USER_ID "User-Id"
#define ZMQ_MSG_PROPERTY_PEER_ADDRESS "Peer-Address"
ZMQ_EXPORT int zmq_msg_set_routing_id(zmq_msg_t *msg, uint32_t routing_id);
ZMQ_EXPORT uint32_t zmq_msg_routing_id(zmq_msg_t *msg);
ZMQ_EXPORT int zmq_msg_set_group(zmq_msg_t *msg, const char *group);
ZMQ_EXPORT const char *zmq_msg_group(zmq_msg_t *msg);
ZMQ_EXPORT int zmq_msg_init_buffer(zmq_msg_t *msg, const void *data, size_t size); // a copy

// An object to wait with; it also takes sockets for all threads.
#define ZMQ_HAVE_POLLER
typedef struct zmq_poller_event_t {
    void *socket;
    zmq_fd_t fd;
    void *user_data;
    short events;
} zmq_poller_event_t;

ZMQ_EXPORT void *zmq_poller_new(void);
ZMQ_EXPORT int zmq_poller_destroy(void **poller);
ZMQ_EXPORT int zmq_poller_size(void *poller);
ZMQ_EXPORT int zmq_poller_add(void *poller, void *socket, void *user_data, short events);
ZMQ_EXPORT int zmq_poller_modify(void *poller, void *socket, short events);
ZMQ_EXPORT int zmq_poller_remove(void *poller, void *socket);
// -1 and EAGAIN when the time is over.
ZMQ_EXPORT int zmq_poller_wait(void *poller, zmq_poller_event_t *event, long timeout);
ZMQ_EXPORT int zmq_poller_wait_all(void *poller, zmq_poller_event_t *events, int count,
                                   long timeout);
ZMQ_EXPORT int zmq_poller_fd(void *poller, zmq_fd_t *fd);
ZMQ_EXPORT int zmq_poller_add_fd(void *poller, zmq_fd_t fd, void *user_data, short events);
ZMQ_EXPORT int zmq_poller_modify_fd(void *poller, zmq_fd_t fd, short events);
ZMQ_EXPORT int zmq_poller_remove_fd(void *poller, zmq_fd_t fd);
// As zmq_poll, with the thread's mask of signals while it waits.
ZMQ_EXPORT int zmq_ppoll(zmq_pollitem_t *items, int count, long timeout, const sigset_t *mask);

ZMQ_EXPORT int zmq_socket_get_peer_state(void *socket, const void *routing_id, size_t size);

// Monitors that tell more: numbers and values of 8 octets, then both endpoints.
#define ZMQ_EVENT_PIPES_STATS 0x10000
#define ZMQ_CURRENT_EVENT_VERSION 1
#define ZMQ_CURRENT_EVENT_VERSION_DRAFT 2
#define ZMQ_EVENT_ALL_V1 ZMQ_EVENT_ALL
#define ZMQ_EVENT_ALL_V2 (ZMQ_EVENT_ALL_V1 | ZMQ_EVENT_PIPES_STATS)
ZMQ_EXPORT int zmq_socket_monitor_versioned(void *socket, const char *endpoint, uint64_t events,
                                            int event_version, int type);
ZMQ_EXPORT int zmq_socket_monitor_pipes_stats(void *socket);

#endif // ZMQ_BUILD_DRAFT_API

#ifdef __cplusplus
}
#endif
#endif
