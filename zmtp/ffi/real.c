// What is below is the drop-in: a socket of its, with connections on a thread of its context's (compat/README.md).
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "../compat/endpoint.h"
#include "../compat/error.h"
#include "../compat/socket.h"
#include "../zmq.h"
#include "net.h"

enum { REAL_CROWDED_MS = 100 }; // how long it may take until a thread is awake

struct zmtp__ffi_net_context {
    struct zmq__context *zmq;
    atomic_int linger_ms; // -1: not shut yet
    atomic_uint monitors; // opened so far
};

struct zmtp__ffi_net_socket {
    struct zmtp__ffi_net_context *context;
    struct zmq__socket *zmq;
};

struct zmtp__ffi_net_monitor {
    struct zmq__socket *pair;
};

bool zmtp__ffi_net_mock(void)
{
    return false;
}

int32_t zmtp__ffi_net_fault(const char *function)
{
    (void)function;
    return 0;
}

static int32_t real_code(int error)
{
    switch (error) {
    case 0:
        return ZMTP_FFI_OK;
    case EINVAL:
        return ZMTP_FFI_ARGUMENT;
    case EAGAIN:
        return ZMTP_FFI_AGAIN;
    case ETERM:
    case ENOTSOCK:
    case EFAULT:
        return ZMTP_FFI_CLOSED;
    case EFSM:
        return ZMTP_FFI_STATE;
    case ENOMEM:
        return ZMTP_FFI_MEMORY;
    case EMFILE:
    case ENFILE:
        return ZMTP_FFI_DESCRIPTORS;
    case EPROTONOSUPPORT:
        return ZMTP_FFI_TRANSPORT;
    case ENOTSUP:
    case ENOCOMPATPROTO:
        return ZMTP_FFI_UNSUPPORTED;
    case ENAMETOOLONG:
        return ZMTP_FFI_ENDPOINT;
    case EADDRINUSE:
        return ZMTP_FFI_IN_USE;
    case ENOENT:
    case ENODEV:
    case EADDRNOTAVAIL:
        return ZMTP_FFI_NOT_FOUND;
    case EACCES:
    case EPERM:
        return ZMTP_FFI_ACCESS;
    case EHOSTUNREACH:
        return ZMTP_FFI_UNREACHABLE;
    case EMSGSIZE:
        return ZMTP_FFI_LIMIT;
    default:
        return ZMTP_FFI_SYSTEM;
    }
}

static int32_t real_result(int result)
{
    return result < 0 ? real_code(zmq_errno()) : result;
}

int32_t zmtp__ffi_net_context_open(struct zmtp__ffi_net_context **out)
{
    struct zmtp__ffi_net_context *const context = zmtp_alloc(NULL, sizeof *context);
    if (!context) return ZMTP_FFI_MEMORY;
    context->zmq = zmq_ctx_new();
    if (!context->zmq) {
        zmtp_free(NULL, context, sizeof *context);
        return ZMTP_FFI_MEMORY;
    }
    (void)zmq_ctx_set(context->zmq, ZMQ_BLOCKY, 0); // sockets do not linger
    atomic_init(&context->linger_ms, -1);
    atomic_init(&context->monitors, 0);
    *out = context;
    return ZMTP_FFI_OK;
}

int32_t zmtp__ffi_net_context_set(struct zmtp__ffi_net_context *context, int32_t option, int value)
{
    return real_result(zmq_ctx_set(context->zmq, option, value));
}

int32_t zmtp__ffi_net_context_get(struct zmtp__ffi_net_context *context, int32_t option)
{
    return real_result(zmq_ctx_get(context->zmq, option));
}

void zmtp__ffi_net_context_shut(struct zmtp__ffi_net_context *context, int linger_ms)
{
    atomic_store(&context->linger_ms, linger_ms);
    (void)zmq_ctx_shutdown(context->zmq);
}

bool zmtp__ffi_net_context_idle(struct zmtp__ffi_net_context *context)
{
    zmq__context_lock(context->zmq);
    const bool idle = context->zmq->living == 0;
    zmq__context_unlock(context->zmq);
    return idle;
}

static void *real_end(void *argument)
{
    while (zmq_ctx_term(argument) < 0 && zmq_errno() == EINTR)
        ;
    return NULL;
}

void zmtp__ffi_net_context_close(struct zmtp__ffi_net_context *context)
{
    pthread_t thread;
    sigset_t all, before;
    const bool idle = zmtp__ffi_net_context_idle(context);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    // What lingers, be it that a name server is slow, holds up nobody but a thread of its own.
    if (idle || pthread_create(&thread, NULL, real_end, context->zmq) != 0)
        (void)real_end(context->zmq);
    else
        (void)pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    zmtp_free(NULL, context, sizeof *context);
}

// Does the context's limit count sockets that were closed and have not ended yet?
static bool real_crowded(struct zmq__context *context)
{
    size_t open = 0;
    zmq__context_lock(context);
    for (const struct zmq__socket *socket = context->sockets; socket; socket = socket->next)
        open++;
    const bool crowded = open < (size_t)context->options.max_sockets;
    zmq__context_unlock(context);
    return crowded;
}

int32_t zmtp__ffi_net_socket_open(struct zmtp__ffi_net_socket **out,
                                  struct zmtp__ffi_net_context *context, int32_t type)
{
    int error;
    struct zmtp__ffi_net_socket *const socket = zmtp_alloc(NULL, sizeof *socket);
    if (!socket) return ZMTP_FFI_MEMORY;
    socket->context = context;
    socket->zmq = zmq__socket_open(context->zmq, (enum zmtp_socket_type)type, &error);
    // Those without linger end as soon as their thread is awake.
    for (int i = 0; i < REAL_CROWDED_MS && !socket->zmq && error == EMFILE; i++) {
        if (!real_crowded(context->zmq)) break;
        (void)poll(NULL, 0, 1);
        socket->zmq = zmq__socket_open(context->zmq, (enum zmtp_socket_type)type, &error);
    }
    if (socket->zmq) {
        zmq__socket_give_bell(socket->zmq);
        socket->zmq->strict = true;
        *out = socket;
        return ZMTP_FFI_OK;
    }
    zmtp_free(NULL, socket, sizeof *socket);
    return error == EMFILE ? ZMTP_FFI_LIMIT : real_code(error); // more than MAX_SOCKETS
}

void zmtp__ffi_net_socket_close(struct zmtp__ffi_net_socket *socket)
{
    const int linger_ms = atomic_load(&socket->context->linger_ms);
    if (linger_ms >= 0) socket->zmq->options.linger = linger_ms;
    (void)zmq_close(socket->zmq);
    zmtp_free(NULL, socket, sizeof *socket);
}

struct zmtp_socket *zmtp__ffi_net_enter(struct zmtp__ffi_net_socket *socket)
{
    return zmq__socket_enter(socket->zmq) ? socket->zmq->core : NULL;
}

void zmtp__ffi_net_leave(struct zmtp__ffi_net_socket *socket)
{
    zmq__socket_leave(socket->zmq);
}

void zmtp__ffi_net_look(struct zmtp__ffi_net_socket *socket)
{
    zmq__socket_look(socket->zmq);
}

void zmtp__ffi_net_work(struct zmtp__ffi_net_socket *socket)
{
    zmq__socket_work(socket->zmq);
}

int32_t zmtp__ffi_net_descriptor(struct zmtp__ffi_net_socket *socket)
{
    return real_result(zmq__socket_fd(socket->zmq));
}

// As if there were news.
static void real_ring(struct zmq__socket *socket)
{
    const int bell = atomic_load_explicit(&socket->bell, memory_order_acquire);
    if (bell < 0) return;
    (void)eventfd_write(bell, 1);
    atomic_store_explicit(&socket->rung, true, memory_order_release);
}

void zmtp__ffi_net_ring(struct zmtp__ffi_net_socket *socket)
{
    real_ring(socket->zmq);
}

// What zmq.h ends, bound or connected, is more than is asked for here.
static int real_part(void *handle, const char *endpoint, bool bound)
{
    struct zmq__socket *const socket = zmq__socket_enter(handle);
    if (!socket) return -1;
    return zmq__socket_result(socket, zmq__endpoint_close(socket, endpoint, bound));
}

int32_t zmtp__ffi_net_endpoint(struct zmtp__ffi_net_socket *socket, enum zmtp__ffi_net_call call,
                               const char *endpoint)
{
    int result = -1;
    switch (call) {
    case ZMTP__FFI_NET_BIND:
        result = zmq_bind(socket->zmq, endpoint);
        break;
    case ZMTP__FFI_NET_CONNECT:
        result = zmq_connect(socket->zmq, endpoint);
        break;
    case ZMTP__FFI_NET_UNBIND:
        result = real_part(socket->zmq, endpoint, true);
        break;
    case ZMTP__FFI_NET_DISCONNECT:
        result = real_part(socket->zmq, endpoint, false);
        break;
    }
    const int32_t code = real_result(result);
    return code == ZMTP_FFI_ARGUMENT ? ZMTP_FFI_ENDPOINT : code;
}

int32_t zmtp__ffi_net_connect_peer(struct zmtp__ffi_net_socket *socket, const char *endpoint,
                                   uint32_t *number)
{
    if (!zmq__socket_enter(socket->zmq)) return ZMTP_FFI_CLOSED;
    const int32_t code = real_code(zmq__endpoint_connect_peer(socket->zmq, endpoint, number));
    zmq__socket_leave(socket->zmq);
    return code == ZMTP_FFI_ARGUMENT ? ZMTP_FFI_ENDPOINT : code;
}

int32_t zmtp__ffi_net_set(struct zmtp__ffi_net_socket *socket, int32_t option, const void *value,
                          size_t size)
{
    return real_result(zmq_setsockopt(socket->zmq, option, value, size));
}

int32_t zmtp__ffi_net_get(struct zmtp__ffi_net_socket *socket, int32_t option, void *value,
                          size_t *size)
{
    return real_result(zmq_getsockopt(socket->zmq, option, value, size));
}

int32_t zmtp__ffi_net_monitor_open(struct zmtp__ffi_net_monitor **out,
                                   struct zmtp__ffi_net_context *context,
                                   struct zmtp__ffi_net_socket *socket, int32_t news)
{
    char name[64];
    struct zmtp__ffi_net_monitor *const monitor = zmtp_alloc(NULL, sizeof *monitor);
    if (!monitor) return ZMTP_FFI_MEMORY;
    snprintf(name, sizeof name, "inproc://zmtp-ffi-monitor-%u",
             atomic_fetch_add(&context->monitors, 1));
    int32_t code = real_result(zmq_socket_monitor(socket->zmq, name, news));
    monitor->pair = code < 0 ? NULL : zmq_socket(context->zmq, ZMQ_PAIR);
    if (code >= 0 && !monitor->pair) code = real_code(zmq_errno());
    if (code >= 0) code = real_result(zmq_connect(monitor->pair, name));
    if (code >= 0) {
        *out = monitor;
        return ZMTP_FFI_OK;
    }
    if (monitor->pair) (void)zmq_close(monitor->pair);
    zmtp_free(NULL, monitor, sizeof *monitor);
    return code;
}

void zmtp__ffi_net_monitor_close(struct zmtp__ffi_net_monitor *monitor)
{
    (void)zmq_close(monitor->pair);
    zmtp_free(NULL, monitor, sizeof *monitor);
}

int32_t zmtp__ffi_net_monitor_next(struct zmtp__ffi_net_monitor *monitor,
                                   struct zmtp__ffi_net_news *out)
{
    struct zmtp_msg msg;
    uint16_t number;
    zmtp_msg_init(&msg, NULL);
    const int error = zmq__socket_try_recv(monitor->pair, &msg);
    if (error != 0) return real_code(error);
    const struct zmtp_bytes head = zmtp_msg_bytes(&msg, 0), endpoint = zmtp_msg_bytes(&msg, 1);
    *out = (struct zmtp__ffi_net_news){0};
    if (head.size == sizeof number + sizeof out->value && endpoint.size < sizeof out->endpoint) {
        memcpy(&number, head.data, sizeof number);
        memcpy(&out->value, head.data + sizeof number, sizeof out->value);
        if (endpoint.size > 0) memcpy(out->endpoint, endpoint.data, endpoint.size);
        out->news = number;
    }
    zmtp_msg_fini(&msg);
    return ZMTP_FFI_OK;
}

bool zmtp__ffi_net_monitor_ready(struct zmtp__ffi_net_monitor *monitor)
{
    const int events = zmq__socket_events(monitor->pair);
    return events > 0 && events & ZMQ_POLLIN;
}

int32_t zmtp__ffi_net_monitor_descriptor(struct zmtp__ffi_net_monitor *monitor)
{
    return real_result(zmq__socket_fd(monitor->pair));
}

void zmtp__ffi_net_monitor_ring(struct zmtp__ffi_net_monitor *monitor)
{
    real_ring(monitor->pair);
}
