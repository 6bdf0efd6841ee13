#include "udp.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../msg/pipe.h"
#include "bind.h"
#include "foreign.h"
#include "multicast.h"
#include "resolver.h"

// How soon to try again to watch the descriptor, for which there was no memory.
enum { UDP_ARM_MS = 20 };

static uint64_t udp_now(const struct zmtp__udp *udp)
{
    return uv_now(udp->uv->loop);
}

static void udp_ring(uv_timer_t *alarm);

static void udp_alarm(struct zmtp__udp *udp, uint64_t delay_ms)
{
    uv_timer_start(&udp->alarm, udp_ring, delay_ms, 0);
    zmtp__foreign_ring(udp->uv);
}

static void udp_tell(struct zmtp__udp *udp, enum zmtp_event_kind kind, int error,
                     const char *reason, uint32_t retry_ms)
{
    const struct zmtp_event event = {.kind = kind,
                                     .peer = udp->number,
                                     .endpoint = udp->endpoint,
                                     .remote = udp->remote,
                                     .descriptor = udp->watch ? udp->watch->fd : -1,
                                     .error = error,
                                     .reason = zmtp_bytes_text(reason),
                                     .retry_ms = retry_ms,
                                     .peer_type = ZMTP_DGRAM};
    zmtp__uv_socket_tell(udp->socket, &event);
}

// Whoever dials knows whom, and is told what everybody on the way can see.
static const char udp_bare_words[] =
    "without encryption beyond this machine: set allow_public_null if that is meant";

static bool udp_is_bare(const struct zmtp__udp *udp)
{
    if (udp->socket->config.allow_public_null || zmtp__address_loopback(&udp->to)) return false;
    return !zmtp__multicast_is(&udp->to) || !zmtp__multicast_local(&udp->where);
}

// That it is there, from the loop.
static void udp_announce(struct zmtp__udp *udp)
{
    if (udp->announced || !udp->watch) return;
    udp->announced = true;
    if (udp->bound) {
        udp_tell(udp, ZMTP_EVENT_LISTENING, ZMTP_OK, "", 0);
        return;
    }
    udp_tell(udp, ZMTP_EVENT_CONNECTED, ZMTP_OK, udp_is_bare(udp) ? udp_bare_words : "", 0);
    udp_tell(udp, ZMTP_EVENT_HANDSHAKE_DONE, ZMTP_OK, "", 0);
}

// The descriptor and the pipe go now, the rest by an alarm.
static void udp_shut(struct zmtp__udp *udp)
{
    if (!udp->end) return;
    zmtp__resolver_drop(udp->lookup);
    udp->lookup = NULL;
    zmtp__watch_close(udp->watch);
    udp->watch = NULL;
    zmtp_socket_settle(udp->socket->core, udp->end);
    zmtp_pipe_close(udp->end);
    udp->end = NULL;
    zmtp__uv_socket_touch(udp->socket);
    udp_alarm(udp, 0);
}

static void udp_gone(uv_handle_t *handle)
{
    struct zmtp__udp *udp = handle->data;
    struct zmtp_uv_socket *socket = udp->socket;
    struct zmtp_uv *uv = udp->uv;
    if (udp->before)
        udp->before->next = udp->next;
    else
        socket->udps = udp->next;
    if (udp->next) udp->next->before = udp->before;
    zmtp_free(uv->allocator, udp, sizeof *udp);
    zmtp__uv_socket_touch(socket);
    zmtp__engine_handle_closed(uv);
}

// Tells that it is over, and frees it; from the loop.
static void udp_end(struct zmtp__udp *udp)
{
    if (uv_is_closing((uv_handle_t *)&udp->alarm)) return;
    uv_close((uv_handle_t *)&udp->alarm, udp_gone);
    if (!udp->announced) return;
    if (udp->bound)
        udp_tell(udp, ZMTP_EVENT_STOPPED, ZMTP_OK, "", 0);
    else
        udp_tell(udp, ZMTP_EVENT_CLOSED, ZMTP_ERR_CANCELLED, "", 0);
}

static int udp_arm(struct zmtp__udp *udp)
{
    const bool reads = udp->socket->core && udp->socket->config.socket.type != ZMTP_RADIO;
    const int events = (reads ? UV_READABLE : 0) | (udp->blocked ? UV_WRITABLE : 0);
    return udp->watch ? zmtp__watch_want(udp->watch, events) : ZMTP_OK;
}

void zmtp__udp_flush(struct zmtp__udp *udp)
{
    if (!zmtp__udp_write(udp)) zmtp__pipe_mark(udp->end);
    if (udp_arm(udp) < 0) udp_alarm(udp, UDP_ARM_MS);
    zmtp__uv_socket_touch(udp->socket);
}

void zmtp__udp_push(struct zmtp_uv_socket *socket)
{
    for (struct zmtp__udp *udp = socket->udps; udp; udp = udp->next)
        if (udp->blocked) zmtp__udp_flush(udp);
}

static void udp_ready(void *owner, int events)
{
    struct zmtp__udp *udp = owner;
    struct zmtp_uv *uv = udp->uv;
    if (events & UV_READABLE && udp->socket->core) zmtp__udp_read(udp);
    if (events & UV_WRITABLE) udp->blocked = false;
    zmtp__udp_flush(udp);
    if (udp->leaving) udp_alarm(udp, 0);
    zmtp__engine_dispatch(uv);
}

// Takes |fd| in any case.
static int udp_watch(struct zmtp__udp *udp, int fd, int family)
{
    const int error = zmtp__watch_open(&udp->watch, udp->uv, fd, udp_ready, udp);
    if (error < 0) {
        close(fd);
        return error;
    }
    udp->family = family;
    udp->counters.heard_ms = udp_now(udp);
    return udp_arm(udp);
}

// Tells the pattern that datagrams can go there. A DISH would only ask for groups then.
static int udp_link(struct zmtp__udp *udp)
{
    const enum zmtp_socket_type type = udp->socket->config.socket.type;
    char text[ZMTP__ADDRESS_TEXT_MAX], host[ZMTP__ADDRESS_TEXT_MAX];
    struct zmtp_origin told = {.type = ZMTP_DGRAM};
    if (type == ZMTP_DISH) return ZMTP_OK;
    if (type == ZMTP_DGRAM && !udp->bound) {
        zmtp__address_plain(&udp->to, text, sizeof text);
        zmtp__address_host(&udp->to, host, sizeof host);
        told.routing_id = zmtp_bytes_text(text);
        told.remote = zmtp_bytes_text(udp->remote);
        told.address = zmtp_bytes_text(host);
    }
    return zmtp_pipe_link_up(udp->end, &told);
}

// Opens the descriptor that leads to |udp->to|; on failure the reason is in words.
static int udp_open_dialled(struct zmtp__udp *udp, char words[160])
{
    const char *option;
    char plain[ZMTP__ADDRESS_TEXT_MAX], system[100];
    const int fd = zmtp__udp_dial(udp, &option);
    if (fd < 0) {
        const int error_number = errno;
        uv_strerror_r(-error_number, system, sizeof system);
        snprintf(words, 160, option ? "%s cannot be set: %s" : "%s%s", option ? option : "",
                 system);
        return zmtp__address_error(error_number);
    }
    zmtp__address_plain(&udp->to, plain, sizeof plain);
    snprintf(udp->remote, sizeof udp->remote, "udp://%.*s", (int)sizeof udp->remote - 7, plain);
    int error = udp_watch(udp, fd, udp->to.at.ss_family);
    if (error == ZMTP_OK) error = udp_link(udp);
    if (error < 0) {
        zmtp__watch_close(udp->watch);
        udp->watch = NULL;
        snprintf(words, 160, "%s", zmtp_err_text(error));
        return error;
    }
    zmtp_backoff_reset(&udp->backoff);
    udp_alarm(udp, 0);
    return ZMTP_OK;
}

// From the loop: nothing leads there, for now.
static void udp_failed(struct zmtp__udp *udp, int error, const char *reason)
{
    udp_tell(udp, ZMTP_EVENT_DIAL_FAILED, error, reason, 0);
    if (!udp->end) return; // a callback has ended it
    if (udp->socket->config.reconnect_stop & ZMTP_STOP_DIAL_FAILED) {
        udp_shut(udp); // first, so that nothing that the callback sends goes there
        udp_tell(udp, ZMTP_EVENT_GAVE_UP, error, "", 0);
        return;
    }
    const uint32_t delay = zmtp_backoff_next(&udp->backoff);
    const uint64_t now = udp_now(udp);
    const uint64_t left = udp->leave_ms > now ? udp->leave_ms - now : 0;
    udp_alarm(udp, udp->leaving && left < delay ? left : delay);
    udp_tell(udp, ZMTP_EVENT_RETRY, ZMTP_OK, "", delay);
}

static void udp_resolved(void *owner, int status, struct addrinfo *addresses)
{
    struct zmtp__udp *udp = owner;
    char words[160];
    udp->lookup = NULL;
    if (status != 0) {
        const bool system = status == EAI_SYSTEM;
        udp_failed(udp, ZMTP_ERR_NOT_FOUND, system ? "the system failed" : gai_strerror(status));
        return;
    }
    zmtp__address_copy(addresses, &udp->to);
    freeaddrinfo(addresses);
    const int error = udp_open_dialled(udp, words);
    if (error < 0)
        udp_failed(udp, error, words);
    else
        zmtp__udp_flush(udp);
}

// Asks for a name's address, without waiting. A question that was not answered in time is not put
// again.
static void udp_resolve(struct zmtp__udp *udp)
{
    char host[ZMTP_ENDPOINT_MAX], port[8];
    const struct zmtp_uv_transport *transport = &udp->socket->config.transport;
    zmtp__address_names(&udp->where, host, port);
    const int family = zmtp__address_family(transport->families);
    const int error = udp->lookup ? ZMTP_OK
                                  : zmtp__resolver_ask(&udp->lookup, udp->uv, host, port, family,
                                                       udp_resolved, udp);
    if (error < 0) {
        udp_failed(udp, error, zmtp_err_text(error));
        return;
    }
    udp->patience_ms = UINT64_MAX;
    if (transport->resolve_ms == 0) return;
    udp->patience_ms = udp_now(udp) + transport->resolve_ms;
    if (!udp->leaving) udp_alarm(udp, transport->resolve_ms);
}

// The alarm of one whose name is not known yet.
static void udp_seek(struct zmtp__udp *udp)
{
    if (!udp->lookup || udp->patience_ms == UINT64_MAX) {
        udp_resolve(udp);
    } else if (udp_now(udp) >= udp->patience_ms) {
        udp->patience_ms = UINT64_MAX;
        udp_failed(udp, ZMTP_ERR_NOT_FOUND, "the name servers did not answer in time");
    }
}

// What one who leaves has not sent yet gets its time.
static void udp_depart(struct zmtp__udp *udp)
{
    const uint64_t now = udp_now(udp);
    (void)zmtp__udp_write(udp);
    if (zmtp__pipe_finished(udp->end) || now >= udp->leave_ms) {
        udp_shut(udp);
        udp_end(udp);
        return;
    }
    const uint64_t left = udp->leave_ms - now;
    udp_alarm(udp, udp->watch && left > UDP_ARM_MS ? UDP_ARM_MS : left);
    (void)udp_arm(udp); // the alarm makes up for a failure
    if (!udp->watch) udp_seek(udp);
}

static void udp_ring(uv_timer_t *alarm)
{
    struct zmtp__udp *udp = alarm->data;
    struct zmtp_uv *uv = udp->uv;
    if (!zmtp__engine_enter(uv)) return;
    udp_announce(udp); // which may end it
    if (!udp->end)
        udp_end(udp);
    else if (udp->leaving)
        udp_depart(udp);
    else if (udp->watch)
        zmtp__udp_flush(udp);
    else
        udp_seek(udp);
    zmtp__engine_dispatch(uv);
}

// An endpoint with its pipe and without a descriptor; null: |*error| says why.
static struct zmtp__udp *udp_open(struct zmtp_uv_socket *socket, const char *text, bool bound,
                                  int *error)
{
    struct zmtp_uv *uv = socket->uv;
    struct zmtp__udp *udp = zmtp_alloc(uv->allocator, sizeof *udp);
    *error = ZMTP_ERR_MEMORY;
    if (!udp) return NULL;
    *udp = (struct zmtp__udp){.socket = socket, .uv = uv, .bound = bound};
    *error = zmtp_socket_attach(socket->core, true, (struct zmtp_bytes){0}, &udp->end);
    if (*error < 0) {
        zmtp_free(uv->allocator, udp, sizeof *udp);
        if (*error == ZMTP_ERR_IN_USE)
            (void)zmtp__uv_socket_fail(socket, *error, "%s: a DGRAM has one endpoint at a time",
                                       text);
        return NULL;
    }
    zmtp_pipe_own(udp->end, &uv->datagrams, udp);
    udp->counters.round_trip_ms = UINT32_MAX;
    strcpy(udp->given, text); // the parser checked the size
    strcpy(udp->endpoint, text);
    const int parsed = zmtp_endpoint_parse(udp->given, &udp->where, NULL);
    assert(parsed == ZMTP_OK);
    (void)parsed;
    zmtp_backoff_init(&udp->backoff, socket->config.reconnect_min_ms,
                      socket->config.reconnect_max_ms, zmtp__engine_random(uv));
    return udp;
}

// It has all that it needs: the socket has it from now on.
static void udp_join(struct zmtp__udp *udp)
{
    struct zmtp_uv_socket *socket = udp->socket;
    udp->number = ++udp->uv->numbers;
    udp->next = socket->udps;
    if (udp->next) udp->next->before = udp;
    socket->udps = udp;
    udp->alarm.data = udp;
    uv_timer_init(udp->uv->loop, &udp->alarm);
    udp->uv->handles++;
    udp_alarm(udp, 0);
    zmtp__uv_socket_touch(socket);
}

// Takes back what udp_open made.
static int udp_undo(struct zmtp__udp *udp, int error)
{
    zmtp__watch_close(udp->watch);
    if (udp->socket->core) zmtp_socket_detach(udp->socket->core, udp->end->other);
    zmtp_pipe_close(udp->end);
    zmtp_free(udp->uv->allocator, udp, sizeof *udp);
    return error;
}

int zmtp__udp_bind(struct zmtp_uv_socket *socket, const char *text,
                   const struct zmtp_endpoint *endpoint)
{
    struct zmtp__bound bound;
    struct zmtp__address address = {.size = sizeof address.at};
    int error;
    struct zmtp__udp *udp = udp_open(socket, text, true, &error);
    if (!udp) return error;
    error = zmtp__bind(socket, text, endpoint, &bound);
    if (error < 0) return udp_undo(udp, error);
    (void)getsockname(bound.fd, (struct sockaddr *)&address.at, &address.size); // it did before
    error = udp_watch(udp, bound.fd, address.at.ss_family);
    if (error == ZMTP_OK) error = udp_link(udp);
    if (error == ZMTP_OK && endpoint->source.size > 0 && !zmtp__multicast_is(&address))
        error =
            zmtp__uv_socket_fail(socket, ZMTP_ERR_ENDPOINT,
                                 "%s: only a group is bound through an interface before a ;", text);
    if (error < 0) return udp_undo(udp, error);
    strcpy(udp->endpoint, bound.endpoint);
    strcpy(socket->endpoint, bound.endpoint);
    udp_join(udp);
    return ZMTP_OK;
}

int zmtp__udp_connect(struct zmtp_uv_socket *socket, const char *text)
{
    const enum zmtp_families families = socket->config.transport.families;
    struct addrinfo *list;
    char words[160];
    int error;
    struct zmtp__udp *udp = udp_open(socket, text, false, &error);
    if (!udp) return error;
    const int status = zmtp__address_lookup(&udp->where, families, true, &list);
    udp_join(udp);
    if (status != 0) return ZMTP_OK; // a name, which the alarm has looked up
    zmtp__address_copy(list, &udp->to);
    freeaddrinfo(list);
    error = udp_open_dialled(udp, words);
    if (error == ZMTP_OK) return error;
    if (socket->core) zmtp_socket_detach(socket->core, udp->end->other);
    udp_shut(udp);
    return zmtp__uv_socket_fail(socket, error, "%s cannot be dialled: %s", text, words);
}

static struct zmtp__udp *udp_find(const struct zmtp_uv_socket *socket, const char *text, bool bound)
{
    for (struct zmtp__udp *udp = socket->udps; udp; udp = udp->next) {
        if (!udp->end || udp->leaving || udp->bound != bound) continue;
        if (strcmp(udp->given, text) == 0 || strcmp(udp->endpoint, text) == 0) return udp;
    }
    return NULL;
}

int zmtp__udp_unbind(struct zmtp_uv_socket *socket, const char *text)
{
    struct zmtp__udp *udp = udp_find(socket, text, true);
    if (!udp) return ZMTP_ERR_NOT_FOUND;
    (void)zmtp__udp_write(udp); // what the kernel does not take now is dropped
    udp_shut(udp);
    return ZMTP_OK;
}

static void udp_leave(struct zmtp__udp *udp, uint64_t leave_ms)
{
    if (!udp->end) return;
    if (!udp->leaving || leave_ms < udp->leave_ms) udp->leave_ms = leave_ms;
    udp->leaving = true;
    udp_alarm(udp, 0);
}

int zmtp__udp_disconnect(struct zmtp_uv_socket *socket, const char *text)
{
    struct zmtp__udp *udp = udp_find(socket, text, false);
    if (!udp) return ZMTP_ERR_NOT_FOUND;
    // The socket lets go; what it sent stays readable here.
    if (socket->core) zmtp_socket_detach(socket->core, udp->end->other);
    udp_leave(udp, zmtp__uv_socket_patience(socket, zmtp__engine_now(socket->uv)));
    return ZMTP_OK;
}

void zmtp__udp_part(const struct zmtp_uv_socket *socket)
{
    for (const struct zmtp__udp *udp = socket->udps; udp; udp = udp->next)
        if (udp->end) zmtp_socket_detach(socket->core, udp->end->other);
}

void zmtp__udp_leave(struct zmtp_uv_socket *socket, uint64_t leave_ms)
{
    for (struct zmtp__udp *udp = socket->udps; udp; udp = udp->next)
        udp_leave(udp, leave_ms);
}

size_t zmtp__udp_ready(const struct zmtp_uv_socket *socket)
{
    size_t count = 0;
    for (const struct zmtp__udp *udp = socket->udps; udp; udp = udp->next)
        if (udp->announced && udp->watch && !udp->leaving) count++;
    return count;
}

void zmtp__udp_each_peer(struct zmtp_uv_socket *socket,
                         void (*each)(void *context, const struct zmtp_uv_peer *peer),
                         void *context)
{
    for (const struct zmtp__udp *udp = socket->udps; udp; udp = udp->next) {
        if (!udp->end) continue;
        struct zmtp_uv_peer peer = {.number = udp->number,
                                    .endpoint = udp->endpoint,
                                    .remote = udp->remote,
                                    .dialled = !udp->bound,
                                    .connected = udp->watch != NULL,
                                    .state = ZMTP_PEER_TRAFFIC,
                                    .counters = udp->counters,
                                    .depth = zmtp_pipe_depth(udp->end)};
        (void)zmtp_socket_flow(socket->core, udp->end, &peer.flow); // or it stays zero
        each(context, &peer);
    }
}
