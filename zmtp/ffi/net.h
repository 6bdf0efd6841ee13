// What is below this interface: real.c has the sockets of the drop-in's (../compat), which are connections, threads and
// the system's; mock/net.c has an in-memory network. Both give a socket's core, on which the calls of this layer then
// work themselves, while they are inside. Errors are codes of ffi.h.
#ifndef ZMTP_FFI_NET_H
#define ZMTP_FFI_NET_H

#include <stdbool.h>

#include "../ffi.h"
#include "../socket.h"

struct zmtp__ffi_net_context;
struct zmtp__ffi_net_socket;
struct zmtp__ffi_net_monitor;

// The mock's own sayings: "mock" is in it; the code that a function is to fail with, or 0.
bool zmtp__ffi_net_mock(void);
int32_t zmtp__ffi_net_fault(const char *function);

int32_t zmtp__ffi_net_context_open(struct zmtp__ffi_net_context **out);
int32_t zmtp__ffi_net_context_set(struct zmtp__ffi_net_context *context, int32_t option, int value);
int32_t zmtp__ffi_net_context_get(struct zmtp__ffi_net_context *context, int32_t option);
// From now on calls on its sockets fail, also those that wait. |linger_ms| is what its sockets have when they close.
void zmtp__ffi_net_context_shut(struct zmtp__ffi_net_context *context, int linger_ms);
// Have all its sockets, which were closed, ended? Some may linger.
bool zmtp__ffi_net_context_idle(struct zmtp__ffi_net_context *context);
// All its sockets were closed. What lingers ends by itself.
void zmtp__ffi_net_context_close(struct zmtp__ffi_net_context *context);

int32_t zmtp__ffi_net_socket_open(struct zmtp__ffi_net_socket **out,
                                  struct zmtp__ffi_net_context *context, int32_t type);
// Nobody is inside or will be.
void zmtp__ffi_net_socket_close(struct zmtp__ffi_net_socket *socket);
// The core, which is the thread's until it leaves; null: the context ends.
struct zmtp_socket *zmtp__ffi_net_enter(struct zmtp__ffi_net_socket *socket);
void zmtp__ffi_net_leave(struct zmtp__ffi_net_socket *socket);
// Inside: sees to what others have brought, if there is any; or whether or not there seems to be any.
void zmtp__ffi_net_look(struct zmtp__ffi_net_socket *socket);
void zmtp__ffi_net_work(struct zmtp__ffi_net_socket *socket);
// Outside. What rings for news; it is opened by the first call. A code on failure.
int32_t zmtp__ffi_net_descriptor(struct zmtp__ffi_net_socket *socket);
// Rings it, if it is open, on any thread.
void zmtp__ffi_net_ring(struct zmtp__ffi_net_socket *socket);

enum zmtp__ffi_net_call {
    ZMTP__FFI_NET_BIND,
    ZMTP__FFI_NET_CONNECT,
    ZMTP__FFI_NET_UNBIND,
    ZMTP__FFI_NET_DISCONNECT,
};
int32_t zmtp__ffi_net_endpoint(struct zmtp__ffi_net_socket *socket, enum zmtp__ffi_net_call call,
                               const char *endpoint);
// Of a PEER: connects, and tells the number of whom is there.
int32_t zmtp__ffi_net_connect_peer(struct zmtp__ffi_net_socket *socket, const char *endpoint,
                                   uint32_t *number);
// As zmq_setsockopt and zmq_getsockopt.
int32_t zmtp__ffi_net_set(struct zmtp__ffi_net_socket *socket, int32_t option, const void *value,
                          size_t size);
int32_t zmtp__ffi_net_get(struct zmtp__ffi_net_socket *socket, int32_t option, void *value,
                          size_t *size);

struct zmtp__ffi_net_news {
    int32_t news;
    uint32_t value;
    char endpoint[ZMTP_FFI_ENDPOINT_MAX];
};
int32_t zmtp__ffi_net_monitor_open(struct zmtp__ffi_net_monitor **out,
                                   struct zmtp__ffi_net_context *context,
                                   struct zmtp__ffi_net_socket *socket, int32_t news);
void zmtp__ffi_net_monitor_close(struct zmtp__ffi_net_monitor *monitor);
// ZMTP_FFI_AGAIN: nothing has happened.
int32_t zmtp__ffi_net_monitor_next(struct zmtp__ffi_net_monitor *monitor,
                                   struct zmtp__ffi_net_news *out);
bool zmtp__ffi_net_monitor_ready(struct zmtp__ffi_net_monitor *monitor);
int32_t zmtp__ffi_net_monitor_descriptor(struct zmtp__ffi_net_monitor *monitor);
void zmtp__ffi_net_monitor_ring(struct zmtp__ffi_net_monitor *monitor);

#endif
