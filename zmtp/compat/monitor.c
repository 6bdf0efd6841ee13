#include "monitor.h"

#include <errno.h>
#include <string.h>

#include "../zmq.h"
#include "error.h"

enum { MONITOR_HEAD = 6 }; // octets of an event's number and value

// The loop's thread looks at |monitor| for itself, so that is changed there.
struct monitor_change {
    struct zmq__task task;
    struct zmq__socket *socket;
    struct zmq__monitor *monitor;
};

static void monitor_change_there(struct zmq__loop *loop, struct zmq__task *task)
{
    struct monitor_change *change = (struct monitor_change *)task; // its first member
    (void)loop;
    change->socket->monitor = change->monitor;
}

static void monitor_set(struct zmq__socket *socket, struct zmq__monitor *monitor)
{
    struct monitor_change change = {
        .task = {.run = monitor_change_there}, .socket = socket, .monitor = monitor};
    if (socket->loop)
        zmq__loop_call(socket->loop, &change.task);
    else
        socket->monitor = monitor;
}

static void monitor_send(struct zmq__monitor *monitor, int event, uint32_t value,
                         const char *endpoint)
{
    const uint16_t number = (uint16_t)event;
    uint8_t head[MONITOR_HEAD];
    if (!(monitor->events & event)) return;
    memcpy(head, &number, sizeof number); // in the machine's own order
    memcpy(head + sizeof number, &value, sizeof value);
    const struct zmtp_bytes parts[] = {zmtp_bytes_of(head, sizeof head), zmtp_bytes_text(endpoint)};
    if (zmq__socket_try_send(monitor->pair, parts, 2) != 0) monitor->dropped++;
}

void zmq__monitor_tell(struct zmq__socket *socket, int event, uint32_t value, const char *endpoint)
{
    if (socket->monitor) monitor_send(socket->monitor, event, value, endpoint);
}

void zmq__monitor_stop(struct zmq__socket *socket)
{
    struct zmq__monitor *const monitor = socket->monitor;
    if (!monitor) return;
    monitor_set(socket, NULL);
    monitor_send(monitor, ZMQ_EVENT_MONITOR_STOPPED & ZMQ_EVENT_ALL, 0, "");
    (void)zmq_close(monitor->pair);
    zmtp_free(zmtp_heap(), monitor, sizeof *monitor);
}

static int monitor_start(struct zmq__socket *socket, const char *endpoint, int events)
{
    int error;
    struct zmq__monitor *monitor = zmtp_alloc(zmtp_heap(), sizeof *monitor);
    if (!monitor) return ENOMEM;
    *monitor = (struct zmq__monitor){.events = events};
    monitor->pair = zmq__socket_open(socket->context, ZMTP_PAIR, &error);
    if (monitor->pair && zmq_bind(monitor->pair, endpoint) == 0) {
        monitor_set(socket, monitor);
        return 0;
    }
    if (monitor->pair) {
        error = zmq_errno();
        (void)zmq_close(monitor->pair);
    }
    zmtp_free(zmtp_heap(), monitor, sizeof *monitor);
    return error;
}

int zmq_socket_monitor(void *handle, const char *endpoint, int events)
{
    struct zmtp_endpoint where;
    if (!zmq__socket_of(handle)) return -1;
    if (events & ~ZMQ_EVENT_ALL) return zmq__fail(EINVAL);
    if (endpoint) {
        const int error = zmtp_endpoint_parse(endpoint, &where, NULL);
        if (error == ZMTP_ERR_ENDPOINT) return zmq__fail(EINVAL);
        if (error < 0 || where.transport != ZMTP_INPROC) return zmq__fail(EPROTONOSUPPORT);
    }
    struct zmq__socket *socket = zmq__socket_enter(handle);
    if (!socket) return -1;
    zmq__monitor_stop(socket); // a second call takes the place of the first
    return zmq__socket_result(socket, endpoint ? monitor_start(socket, endpoint, events) : 0);
}

// Why a handshake failed, in the numbers of zmq.h.
static int monitor_failure(const struct zmtp_event *event, uint32_t *value)
{
    *value = ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED;
    switch (event->error) {
    case ZMTP_ERR_MECHANISM:
        *value = ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH;
        return ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
    case ZMTP_ERR_KEY:
    case ZMTP_ERR_REPLAY:
        *value = ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC;
        return ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
    case ZMTP_ERR_METADATA:
        *value = ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA;
        return ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
    case ZMTP_ERR_COMMAND:
    case ZMTP_ERR_FRAME:
        return ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;
    case ZMTP_ERR_DENIED:
    case ZMTP_ERR_PEER:
        *value = ZMTP_VERDICT_DENY;
        return ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    default:
        *value = (uint32_t)zmq__errno_of(event->error);
        return ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    }
}

void zmq__monitor_event(struct zmtp_uv_socket *uv_socket, const struct zmtp_event *event,
                        void *user)
{
    struct zmq__socket *const socket = user;
    const uint32_t error = (uint32_t)zmq__errno_of(event->error);
    uint32_t value;
    (void)uv_socket;
    if (!socket->monitor) return;
    switch (event->kind) {
    case ZMTP_EVENT_LISTENING:
        zmq__monitor_tell(socket, ZMQ_EVENT_LISTENING, 0, event->endpoint);
        break;
    case ZMTP_EVENT_ACCEPTED:
        zmq__monitor_tell(socket, ZMQ_EVENT_ACCEPTED, 0, event->endpoint);
        break;
    case ZMTP_EVENT_CONNECTING:
        zmq__monitor_tell(socket, ZMQ_EVENT_CONNECT_DELAYED, EINPROGRESS, event->endpoint);
        break;
    case ZMTP_EVENT_CONNECTED:
        zmq__monitor_tell(socket, ZMQ_EVENT_CONNECTED, 0, event->endpoint);
        break;
    case ZMTP_EVENT_HANDSHAKE_DONE:
        zmq__monitor_tell(socket, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0, event->endpoint);
        break;
    case ZMTP_EVENT_HANDSHAKE_FAILED: {
        const int number = monitor_failure(event, &value);
        zmq__monitor_tell(socket, number, value, event->endpoint);
        zmq__monitor_tell(socket, ZMQ_EVENT_DISCONNECTED, 0, event->endpoint);
        break;
    }
    case ZMTP_EVENT_CLOSED:
        zmq__monitor_tell(socket, ZMQ_EVENT_DISCONNECTED, 0, event->endpoint);
        break;
    case ZMTP_EVENT_DIAL_FAILED:
    case ZMTP_EVENT_STOPPED:
        zmq__monitor_tell(socket, ZMQ_EVENT_CLOSED, 0, event->endpoint);
        break;
    case ZMTP_EVENT_RETRY:
        zmq__monitor_tell(socket, ZMQ_EVENT_CONNECT_RETRIED, event->retry_ms, event->endpoint);
        break;
    case ZMTP_EVENT_ACCEPT_PAUSED:
        zmq__monitor_tell(socket, ZMQ_EVENT_ACCEPT_FAILED, error, event->endpoint);
        break;
    case ZMTP_EVENT_GAVE_UP:
    case ZMTP_EVENT_DROPPED:
    case ZMTP_EVENT_REFUSED:
    case ZMTP_EVENT_REQUEST_FAILED:
    case ZMTP_EVENTS:
        break;
    }
}
