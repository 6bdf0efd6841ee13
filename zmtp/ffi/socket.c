#include "socket.h"

#include <string.h>

#include "../base.h"
#include "wait.h"

int32_t zmtp__ffi_code(int error)
{
    switch (error) {
    case ZMTP_ERR_NO_REPLY:
    case ZMTP_ERR_LIMIT:
        return error;
    case ZMTP_ERR_TIMEOUT:
        return ZMTP_FFI_NO_REPLY;
    case ZMTP_ERR_ROUTING_ID:
    case ZMTP_ERR_SOCKET_TYPE:
        return ZMTP_FFI_ARGUMENT;
    default:
        return error > ZMTP_ERR_REFUSED ? error : ZMTP_FFI_SYSTEM; // the first are the same
    }
}

static void socket_fini(struct zmtp__ffi_socket *socket)
{
    zmtp_msg_fini(&socket->sending);
    zmtp_msg_fini(&socket->receiving);
    zmtp__ffi_net_socket_close(socket->net);
    zmtp_free(NULL, socket, sizeof *socket);
}

// |context| is pinned; by the socket, too, on success.
static int64_t socket_open(struct zmtp__ffi_slot *context, int32_t type)
{
    if (type < ZMTP_FFI_PAIR || type > ZMTP_FFI_CHANNEL) return ZMTP_FFI_ARGUMENT;
    struct zmtp__ffi_socket *const socket = zmtp_alloc(NULL, sizeof *socket);
    if (!socket) return ZMTP_FFI_MEMORY;
    *socket = (struct zmtp__ffi_socket){.type = type};
    socket->context = zmtp__ffi_pin(context->handle, ZMTP_FFI_KIND_CONTEXT);
    int32_t code = ZMTP_FFI_CLOSED;
    if (socket->context)
        code = zmtp__ffi_net_socket_open(&socket->net, zmtp__ffi_context_net(context), type);
    if (code < 0) {
        if (socket->context) zmtp__ffi_unpin(socket->context);
        zmtp_free(NULL, socket, sizeof *socket);
        return code;
    }
    zmtp_msg_init(&socket->sending, NULL);
    zmtp_msg_init(&socket->receiving, NULL);
    const int64_t handle = zmtp__ffi_table_add(ZMTP_FFI_KIND_SOCKET, socket, context->handle);
    if (handle >= 0) return handle;
    zmtp__ffi_unpin(socket->context);
    socket_fini(socket);
    return handle;
}

int64_t zmtp_ffi_socket_open(uint64_t handle, int32_t type)
{
    int32_t code;
    struct zmtp__ffi_slot *const context =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_CONTEXT, __func__, &code);
    if (!context) return code;
    const int64_t opened = socket_open(context, type);
    // Whoever closed the context meanwhile may not have seen this one.
    if (opened > 0 && zmtp__ffi_table_closed(context)) (void)zmtp_ffi_close((uint64_t)opened);
    zmtp__ffi_unpin(context);
    return opened;
}

void zmtp__ffi_socket_shut(struct zmtp__ffi_slot *slot)
{
    zmtp__ffi_wake(slot);
}

void zmtp__ffi_socket_free(struct zmtp__ffi_slot *slot)
{
    struct zmtp__ffi_socket *const socket = slot->object;
    struct zmtp__ffi_slot *const context = socket->context;
    socket_fini(socket);
    zmtp__ffi_unpin(context);
}

static int32_t socket_endpoint(uint64_t handle, enum zmtp__ffi_net_call call, const char *endpoint,
                               const char *function)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_SOCKET, function, &code);
    if (!slot) return code;
    const struct zmtp__ffi_socket *const socket = slot->object;
    code = endpoint ? zmtp__ffi_net_endpoint(socket->net, call, endpoint) : ZMTP_FFI_ARGUMENT;
    zmtp__ffi_depart(slot);
    return code;
}

int32_t zmtp_ffi_bind(uint64_t socket, const char *endpoint)
{
    return socket_endpoint(socket, ZMTP__FFI_NET_BIND, endpoint, __func__);
}

int32_t zmtp_ffi_connect(uint64_t socket, const char *endpoint)
{
    return socket_endpoint(socket, ZMTP__FFI_NET_CONNECT, endpoint, __func__);
}

int64_t zmtp_ffi_connect_peer(uint64_t handle, const char *endpoint)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_SOCKET, __func__, &code);
    if (!slot) return code;
    const struct zmtp__ffi_socket *const socket = slot->object;
    uint32_t number = 0;
    if (!endpoint)
        code = ZMTP_FFI_ARGUMENT;
    else if (socket->type != ZMTP_FFI_PEER)
        code = ZMTP_FFI_UNSUPPORTED;
    else
        code = zmtp__ffi_net_connect_peer(socket->net, endpoint, &number);
    zmtp__ffi_depart(slot);
    return code < 0 ? code : (int64_t)number;
}

int32_t zmtp_ffi_unbind(uint64_t socket, const char *endpoint)
{
    return socket_endpoint(socket, ZMTP__FFI_NET_UNBIND, endpoint, __func__);
}

int32_t zmtp_ffi_disconnect(uint64_t socket, const char *endpoint)
{
    return socket_endpoint(socket, ZMTP__FFI_NET_DISCONNECT, endpoint, __func__);
}

static int32_t socket_tell(uint64_t handle, struct zmtp_bytes topic, bool group, bool begin,
                           const char *function)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_SOCKET, function, &code);
    if (!slot) return code;
    const struct zmtp__ffi_socket *const socket = slot->object;
    struct zmtp_socket *core = NULL;
    if (!topic.data && (group || topic.size > 0))
        code = ZMTP_FFI_ARGUMENT;
    else if (group && socket->type != ZMTP_FFI_DISH)
        code = ZMTP_FFI_UNSUPPORTED;
    else if ((core = zmtp__ffi_net_enter(socket->net)))
        code = zmtp__ffi_code(begin ? zmtp_socket_subscribe(core, topic)
                                    : zmtp_socket_cancel(core, topic));
    else
        code = ZMTP_FFI_CLOSED;
    if (core) {
        zmtp__ffi_net_look(socket->net);
        zmtp__ffi_net_leave(socket->net);
    }
    zmtp__ffi_depart(slot);
    return code;
}

int32_t zmtp_ffi_subscribe(uint64_t socket, const void *octets, size_t size)
{
    return socket_tell(socket, zmtp_bytes_of(octets, size), false, true, __func__);
}

int32_t zmtp_ffi_unsubscribe(uint64_t socket, const void *octets, size_t size)
{
    return socket_tell(socket, zmtp_bytes_of(octets, size), false, false, __func__);
}

int32_t zmtp_ffi_join(uint64_t socket, const char *group)
{
    return socket_tell(socket, zmtp_bytes_text(group), true, true, __func__);
}

int32_t zmtp_ffi_leave(uint64_t socket, const char *group)
{
    return socket_tell(socket, zmtp_bytes_text(group), true, false, __func__);
}

int32_t zmtp__ffi_socket_events(struct zmtp__ffi_socket *socket)
{
    struct zmtp_socket *const core = zmtp__ffi_net_enter(socket->net);
    if (!core) return ZMTP_FFI_CLOSED;
    zmtp__ffi_net_work(socket->net);
    const unsigned found = zmtp_socket_events(core);
    int32_t events = 0;
    if (found & ZMTP_READABLE || socket->taken < socket->receiving.count) events |= ZMTP_FFI_IN;
    if (found & ZMTP_WRITABLE) events |= ZMTP_FFI_OUT;
    zmtp__ffi_net_leave(socket->net);
    return events;
}

struct socket_events {
    struct zmtp__ffi_attempt attempt;
    int32_t wanted;
};

static int64_t socket_look(struct zmtp__ffi_attempt *attempt)
{
    const struct socket_events *const look = (const struct socket_events *)attempt;
    const int32_t events = zmtp__ffi_socket_events(attempt->slot->object);
    if (events < 0 || events & look->wanted) return events < 0 ? events : events & look->wanted;
    return ZMTP_FFI_AGAIN;
}

int32_t zmtp_ffi_events(uint64_t handle)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_SOCKET, __func__, &code);
    if (!slot) return code;
    code = zmtp__ffi_socket_events(slot->object);
    zmtp__ffi_depart(slot);
    return code;
}

int32_t zmtp_ffi_events_wait(uint64_t handle, int32_t events, int32_t wait_ms)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_SOCKET, __func__, &code);
    if (!slot) return code;
    struct socket_events look = {.attempt = {.run = socket_look, .slot = slot}, .wanted = events};
    code = ZMTP_FFI_ARGUMENT;
    if (events != 0 && !(events & ~(ZMTP_FFI_IN | ZMTP_FFI_OUT)))
        code = (int32_t)zmtp__ffi_wait(&look.attempt, wait_ms);
    zmtp__ffi_unpin(slot);
    return code;
}

int32_t zmtp_ffi_descriptor(uint64_t handle)
{
    const int32_t fault = zmtp__ffi_net_fault(__func__);
    if (fault < 0) return fault;
    struct zmtp__ffi_slot *const slot = zmtp__ffi_pin(handle, 0);
    int32_t code = ZMTP_FFI_HANDLE;
    if (!slot) return code;
    if (slot->kind == ZMTP_FFI_KIND_SOCKET || slot->kind == ZMTP_FFI_KIND_MONITOR)
        code = zmtp__ffi_bell(slot);
    zmtp__ffi_unpin(slot);
    return code;
}

static int64_t socket_stat(struct zmtp_socket *core, int32_t stat)
{
    const struct zmtp_socket_counters counters = zmtp_socket_counters(core);
    uint64_t dropped = 0;
    switch (stat) {
    case ZMTP_FFI_STAT_SENT:
        return (int64_t)counters.sent;
    case ZMTP_FFI_STAT_COPIES:
        return (int64_t)counters.copies;
    case ZMTP_FFI_STAT_LEFT:
        return (int64_t)counters.left;
    case ZMTP_FFI_STAT_QUEUED:
        return (int64_t)counters.queued;
    case ZMTP_FFI_STAT_LOST:
        return (int64_t)counters.lost;
    case ZMTP_FFI_STAT_ARRIVED:
        return (int64_t)counters.arrived;
    case ZMTP_FFI_STAT_RECEIVED:
        return (int64_t)counters.received;
    case ZMTP_FFI_STAT_WAITING:
        return (int64_t)counters.waiting;
    case ZMTP_FFI_STAT_DISCARDED:
        return (int64_t)counters.discarded;
    case ZMTP_FFI_STAT_DROPPED:
        for (size_t i = 0; i < ZMTP_DROPS; i++)
            dropped += counters.dropped[i];
        return (int64_t)dropped;
    case ZMTP_FFI_STAT_SUBSCRIBERS:
        return (int64_t)zmtp_socket_subscribers(core);
    default:
        return ZMTP_FFI_NOT_FOUND;
    }
}

int64_t zmtp_ffi_stat(uint64_t handle, int32_t stat)
{
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_SOCKET, __func__, &code);
    if (!slot) return code;
    const struct zmtp__ffi_socket *const socket = slot->object;
    int64_t number = ZMTP_FFI_CLOSED;
    struct zmtp_socket *const core = zmtp__ffi_net_enter(socket->net);
    if (core) {
        zmtp__ffi_net_work(socket->net);
        number = socket_stat(core, stat);
        zmtp__ffi_net_leave(socket->net);
    }
    zmtp__ffi_depart(slot);
    return number;
}
