#include "listener.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "bind.h"
#include "door.h"
#include "gate.h"
#include "transport.h"

enum {
    LISTENER_BURST = 64, // accepted in one event; then others get their turn
    LISTENER_PAUSE_MS = 100,
    // A connection has this long before it can be pushed out by newer ones: many honest ones that
    // come at once wait in the kernel's queue for each other, and a crowd of silent ones is replaced
    // at a pace that leaves room for the honest between them.
    LISTENER_GRACE_MS = 200,
};

static void listener_ring(uv_timer_t *alarm);

void zmtp__listener_add(struct zmtp__listener *listener, struct zmtp__conn *conn)
{
    listener->references++;
    listener->pending++;
    conn->pending = true;
    conn->accepted_ms = uv_now(listener->uv->loop);
    conn->pending_before = listener->pending_last;
    if (listener->pending_last)
        listener->pending_last->pending_next = conn;
    else
        listener->pending_first = conn;
    listener->pending_last = conn;
}

void zmtp__listener_remove_pending(struct zmtp__listener *listener, struct zmtp__conn *conn)
{
    listener->pending--;
    conn->pending = false;
    if (conn->pending_before)
        conn->pending_before->pending_next = conn->pending_next;
    else
        listener->pending_first = conn->pending_next;
    if (conn->pending_next)
        conn->pending_next->pending_before = conn->pending_before;
    else
        listener->pending_last = conn->pending_before;
    conn->pending_next = conn->pending_before = NULL;
    if (listener->crowded && listener->watch) uv_timer_start(&listener->alarm, listener_ring, 0, 0);
}

void zmtp__listener_unref(struct zmtp__listener *listener)
{
    if (--listener->references > 0) return;
    zmtp_free(listener->uv->allocator, listener, sizeof *listener);
}

static void listener_unlink(struct zmtp__listener *listener, struct zmtp__listener **link)
{
    while (*link != listener)
        link = &(*link)->next;
    *link = listener->next;
}

static void listener_tell(struct zmtp__listener *listener, enum zmtp_event_kind kind, int error)
{
    const char *const why = error == ZMTP_ERR_LIMIT
                                ? "messages of connections that have gone wait to be received, as "
                                  "many as socket.recv_bytes_gone_max allows"
                                : NULL;
    const struct zmtp_event event = {.kind = kind,
                                     .endpoint = listener->endpoint,
                                     .remote = "",
                                     .descriptor = listener->descriptor,
                                     .error = error,
                                     .reason = zmtp_bytes_text(why)};
    zmtp__uv_socket_tell(listener->socket, &event);
}

static void listener_gone(uv_handle_t *handle)
{
    struct zmtp__listener *listener = handle->data;
    struct zmtp_uv *uv = listener->uv;
    if (listener->socket) {
        listener_unlink(listener, &listener->socket->stopping);
        if (listener->announced) listener_tell(listener, ZMTP_EVENT_STOPPED, ZMTP_OK);
    }
    zmtp__listener_unref(listener);
    zmtp__engine_handle_closed(uv);
}

void zmtp__listener_leave(struct zmtp_uv_socket *socket)
{
    for (struct zmtp__listener *listener = socket->stopping; listener; listener = listener->next)
        listener->socket = NULL;
    socket->stopping = NULL;
}

void zmtp__listener_close(struct zmtp__listener *listener)
{
    struct zmtp_uv_socket *socket = listener->socket;
    listener_unlink(listener, &socket->listeners);
    listener->next = socket->stopping;
    socket->stopping = listener;
    zmtp__bind_unlink(listener->endpoint, &listener->path);
    zmtp__watch_close(listener->watch);
    listener->watch = NULL;
    uv_close((uv_handle_t *)&listener->alarm, listener_gone);
}

static void listener_announce(struct zmtp__listener *listener)
{
    if (listener->announced) return;
    listener->announced = true;
    listener_tell(listener, ZMTP_EVENT_LISTENING, ZMTP_OK);
}

static void listener_ready(void *owner, int events);

static void listener_ring(uv_timer_t *alarm)
{
    struct zmtp__listener *listener = alarm->data;
    struct zmtp_uv *uv = listener->uv;
    if (!zmtp__engine_enter(uv)) return;
    listener_announce(listener);
    if (listener->watch) listener_ready(listener, UV_READABLE);
    zmtp__engine_dispatch(uv);
}

// Out of descriptors or memory, or those who went left too much: looking on would be a loop that never sleeps,
// as the connection that could not be accepted stays there. It is tried again in a moment.
static void listener_pause(struct zmtp__listener *listener, int error)
{
    (void)zmtp__watch_want(listener->watch, 0); // taking no interest cannot fail
    uv_timer_start(&listener->alarm, listener_ring, LISTENER_PAUSE_MS, 0);
    if (listener->starved) return;
    listener->starved = true;
    listener_tell(listener, ZMTP_EVENT_ACCEPT_PAUSED, error);
}

// Accepts no more for |ms|, unless a handshake ends before.
static bool listener_wait(struct zmtp__listener *listener, uint64_t ms)
{
    listener->crowded = true;
    (void)zmtp__watch_want(listener->watch, 0); // taking no interest cannot fail
    uv_timer_start(&listener->alarm, listener_ring, ms, 0);
    return false;
}

enum { LISTENER_SECOND_US = 1000000 };

// What a connection that may say HELLO takes of a second; 0: there is no limit.
static uint64_t listener_share(const struct zmtp__listener *listener)
{
    const struct zmtp_uv_config *config = &listener->socket->config;
    const uint32_t rate = config->hello_rate_max;
    return rate > 0 && config->security.mechanism == ZMTP_CURVE ? LISTENER_SECOND_US / rate : 0;
}

void zmtp__listener_unpay(struct zmtp__listener *listener)
{
    if (!listener->socket) return;
    const uint64_t share = listener_share(listener);
    listener->paid_us -= share < listener->paid_us ? share : listener->paid_us;
}

// May a connection be accepted now that may say HELLO, or when? Each takes its share of a second, and up
// to a second's worth may be taken ahead of time. 0: now, and it is taken; else milliseconds.
static uint64_t listener_pace(struct zmtp__listener *listener, uint64_t now_ms)
{
    const uint64_t share = listener_share(listener), now_us = now_ms * 1000;
    if (share == 0) return 0;
    if (listener->paid_us < now_us) listener->paid_us = now_us;
    const uint64_t ahead = listener->paid_us + share - now_us;
    if (ahead > LISTENER_SECOND_US) return (ahead - LISTENER_SECOND_US) / 1000 + 1;
    listener->paid_us += share;
    return 0;
}

// Does anybody wait to be accepted? Nobody has to make room for no one.
static bool listener_awaited(const struct zmtp__listener *listener)
{
    struct pollfd door = {.fd = listener->watch->fd, .events = POLLIN};
    return poll(&door, 1, 0) != 0; // failed: accepting will tell why
}

// Is there room for another connection before its handshake? A stranger who holds such connections
// open pushes out only others of that kind, and no faster than each had its grace. No room: an alarm
// is set for when there will be some, unless a handshake ends before.
static bool listener_has_room(struct zmtp__listener *listener)
{
    const uint32_t max = listener->socket->config.pending_max;
    const uint64_t now = zmtp__engine_now(listener->uv);
    listener->crowded = false;
    const bool full = max > 0 && listener->pending >= max;
    if (full && !listener_awaited(listener)) return false;
    const uint64_t pace = listener_pace(listener, now);
    if (pace > 0) return listener_wait(listener, pace);
    if (!full) return true;
    struct zmtp__conn *oldest = listener->pending_first;
    const uint64_t due = oldest->accepted_ms + LISTENER_GRACE_MS;
    if (now >= due) {
        oldest->hint = "too many connections wait for their handshake; the oldest makes room";
        zmtp__conn_end(oldest, ZMTP_ERR_LIMIT);
        return true;
    }
    return listener_wait(listener, due - now);
}

// Closes |fd|, and tells why.
static void listener_refuse(struct zmtp__listener *listener, int fd, int error, const char *remote,
                            const char *reason, struct zmtp_uv_process process)
{
    close(fd);
    listener->socket->turned_away++;
    zmtp__listener_unpay(listener); // it says no HELLO
    const struct zmtp_event event = {.kind = ZMTP_EVENT_REFUSED,
                                     .endpoint = listener->endpoint,
                                     .remote = remote,
                                     .descriptor = fd,
                                     .error = error,
                                     .reason = zmtp_bytes_text(reason),
                                     .process = process};
    zmtp__uv_socket_tell(listener->socket, &event);
}

// Is whoever is at the other side of |fd|, over ipc, turned away for what process it is?
static bool listener_refuses_process(struct zmtp__listener *listener, int fd)
{
    const struct zmtp__door *door = listener->socket->door;
    char reason[128];
    if (!door || listener->scheme != ZMTP_IPC) return false;
    const struct zmtp_uv_process process = zmtp__door_process(fd);
    if (zmtp__door_admits(door, fd, &process)) return false;
    snprintf(reason, sizeof reason, "process %lld of user %lu and group %lu is not in ipc_allow",
             (long long)process.pid, (unsigned long)process.uid, (unsigned long)process.gid);
    listener_refuse(listener, fd, ZMTP_ERR_DENIED, "", reason, process);
    return true;
}

// Is it, over tcp, for where it comes |from|?
static bool listener_refuses_network(struct zmtp__listener *listener, int fd,
                                     const struct zmtp__address *from)
{
    const struct zmtp__gate *gate = listener->socket->gate;
    char host[ZMTP__ADDRESS_TEXT_MAX], remote[ZMTP__ADDRESS_TEXT_MAX], reason[128];
    if (!gate || (listener->scheme != ZMTP_TCP && listener->scheme != ZMTP_WS)) return false;
    if (zmtp__gate_admits(gate, from)) return false;
    zmtp__address_host(from, host, sizeof host);
    zmtp__address_text(from, remote, sizeof remote);
    snprintf(reason, sizeof reason, "%s is not in tcp_allow", host);
    listener_refuse(listener, fd, ZMTP_ERR_DENIED, remote, reason, (struct zmtp_uv_process){0});
    return true;
}

// RFC 37, Security Considerations: is it, over IP, for what came from its address before?
static bool listener_refuses_address(struct zmtp__listener *listener, int fd,
                                     const struct zmtp__address *from)
{
    const struct zmtp_uv_socket *socket = listener->socket;
    const uint32_t pending_max = socket->config.address_pending_max;
    char remote[ZMTP__ADDRESS_TEXT_MAX];
    uint32_t pending = 0;
    if (!socket->suspects && pending_max == 0) return false;
    const struct zmtp__source source = zmtp__source_of(from);
    const char *reason = NULL;
    if (zmtp__suspects_has(socket->suspects, &source, zmtp__engine_now(listener->uv)))
        reason = "as many handshakes as address_failures_max allows in a minute have failed from "
                 "this address";
    if (pending_max > 0)
        for (const struct zmtp__conn *conn = listener->pending_first; conn;
             conn = conn->pending_next)
            pending += zmtp__source_equal(&conn->source, &source);
    if (!reason && pending_max > 0 && pending >= pending_max)
        reason = "as many connections as address_pending_max allows of this address wait for their "
                 "handshake";
    if (!reason) return false;
    zmtp__address_text(from, remote, sizeof remote);
    listener_refuse(listener, fd, ZMTP_ERR_LIMIT, remote, reason, (struct zmtp_uv_process){0});
    return true;
}

// Accepts one. 1: go on; 0: there are no more; negative: why there is a pause to be made.
static int listener_accept(struct zmtp__listener *listener)
{
    struct zmtp__address from = {.size = sizeof from.at};
    const int fd = accept4(listener->watch->fd, (struct sockaddr *)&from.at, &from.size,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        zmtp__listener_unpay(listener);
        // A connection that broke before it was accepted is no reason to stop.
        if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO || errno == EPERM) return 1;
        return errno == EAGAIN ? 0 : zmtp__address_error(errno);
    }
    if (listener_refuses_process(listener, fd) || listener_refuses_network(listener, fd, &from) ||
        listener_refuses_address(listener, fd, &from))
        return 1;
    zmtp__transport_tune_accepted(&listener->socket->config.transport, fd, listener->inherits);
    const int error = zmtp__conn_accept(listener, fd, &from);
    if (error < 0) {
        close(fd);
        return error;
    }
    return 1;
}

static void listener_ready(void *owner, int events)
{
    struct zmtp__listener *listener = owner;
    struct zmtp_uv *uv = listener->uv;
    (void)events;
    listener_announce(listener);
    int result = 1;
    // A callback may close the listener.
    for (int i = 0; i < LISTENER_BURST && result > 0 && listener->watch; i++) {
        if (!listener->socket->lent && zmtp_socket_crowded(listener->socket->core)) {
            result = ZMTP_ERR_LIMIT;
            break;
        }
        if (!listener_has_room(listener)) break;
        result = listener->watch ? listener_accept(listener) : 0;
        if (result > 0) listener->starved = false;
    }
    if (listener->watch && (result < 0 || !listener->crowded)) {
        if (result >= 0 && zmtp__watch_want(listener->watch, UV_READABLE) < 0)
            result = ZMTP_ERR_SYSTEM;
        if (result < 0) listener_pause(listener, result);
    }
    zmtp__engine_dispatch(uv);
}

int zmtp__listener_open(struct zmtp_uv_socket *socket, const char *text,
                        const struct zmtp_endpoint *endpoint)
{
    struct zmtp_uv *uv = socket->uv;
    struct zmtp__bound bound;
    int error = zmtp__bind(socket, text, endpoint, &bound);
    if (error < 0) {
        zmtp__bind_unlink(bound.endpoint, &bound.path); // it may have come as far as that
        return error;
    }
    struct zmtp__listener *listener = zmtp_alloc(uv->allocator, sizeof *listener);
    error = ZMTP_ERR_MEMORY;
    if (!listener) goto fail;
    *listener = (struct zmtp__listener){.socket = socket,
                                        .uv = uv,
                                        .references = 1,
                                        .inherits = bound.inherits,
                                        .scheme = endpoint->transport,
                                        .path = bound.path};
    listener->descriptor = bound.fd;
    error = zmtp__watch_open(&listener->watch, uv, bound.fd, listener_ready, listener);
    if (error < 0) goto fail;
    error = zmtp__watch_want(listener->watch, UV_READABLE);
    if (error < 0) goto fail_watch;
    strcpy(listener->given, text); // the parser checked the size
    strcpy(listener->endpoint, bound.endpoint);
    (void)zmtp_endpoint_parse(listener->endpoint, &listener->where, NULL); // bind wrote it
    strcpy(socket->endpoint, bound.endpoint);
    listener->alarm.data = listener;
    uv_timer_init(uv->loop, &listener->alarm);
    uv_timer_start(&listener->alarm, listener_ring, 0, 0);
    uv->handles++;
    listener->next = socket->listeners;
    socket->listeners = listener;
    return ZMTP_OK;
fail_watch:
    zmtp__watch_close(listener->watch);
    bound.fd = -1;
fail:
    if (listener) zmtp_free(uv->allocator, listener, sizeof *listener);
    zmtp__bind_unlink(bound.endpoint, &bound.path);
    if (bound.fd >= 0 && !bound.given) close(bound.fd);
    return zmtp__uv_socket_fail(socket, error, "%s: %s", text, zmtp_err_text(error));
}
