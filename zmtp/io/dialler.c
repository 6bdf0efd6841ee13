#include "dialler.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../msg/pipe.h"
#include "resolver.h"
#include "transport.h"

// One hang-up may be a crash, and two a supervisor's haste.
enum { DIALLER_CUTS = 3 };

static uint64_t dialler_now(const struct zmtp__dialler *dialler)
{
    return uv_now(dialler->conn.socket->uv->loop);
}

static void dialler_forget_addresses(struct zmtp__dialler *dialler)
{
    if (dialler->addresses) freeaddrinfo(dialler->addresses);
    dialler->addresses = dialler->address = NULL;
}

// Of a dialler, its endpoint included: programs may have thousands.
static size_t dialler_size(const char *endpoint)
{
    // The text begins in the octets by which the struct's size is rounded up.
    const size_t size = offsetof(struct zmtp__dialler, endpoint) + strlen(endpoint) + 1;
    return size > sizeof(struct zmtp__dialler) ? size : sizeof(struct zmtp__dialler);
}

void zmtp__dialler_dropped(struct zmtp__dialler *dialler)
{
    zmtp__resolver_drop(dialler->lookup);
    dialler->lookup = NULL;
}

void zmtp__dialler_free(struct zmtp__dialler *dialler, struct zmtp_uv *uv)
{
    dialler_forget_addresses(dialler);
    zmtp_free(uv->allocator, dialler, dialler_size(dialler->endpoint));
}

// Nothing is left that a further dial could be for.
static bool dialler_over(const struct zmtp__dialler *dialler)
{
    const struct zmtp__conn *conn = &dialler->conn;
    if (!conn->leaving) return false;
    return dialler_now(dialler) >= conn->leave_ms || zmtp__conn_empty(conn);
}

static void dialler_wait(struct zmtp__dialler *dialler)
{
    struct zmtp__conn *conn = &dialler->conn;
    dialler_forget_addresses(dialler);
    zmtp__conn_enter(conn, ZMTP__CONN_IDLE);
    conn->remote[0] = '\0';
    if (dialler_over(dialler)) {
        zmtp__conn_drop(conn);
        return;
    }
    const uint32_t delay = zmtp_backoff_next(&dialler->backoff);
    conn->due_ms = dialler_now(dialler) + delay;
    zmtp__conn_alarm(conn, conn->due_ms);
    zmtp__conn_tell(conn, ZMTP_EVENT_RETRY, ZMTP_OK, (struct zmtp_bytes){0}, delay);
}

static void dialler_give_up(struct zmtp__dialler *dialler, int error)
{
    // Before it is told, so that nothing that the callback sends goes there. The memory lasts longer.
    zmtp__conn_drop(&dialler->conn);
    zmtp__conn_tell(&dialler->conn, ZMTP_EVENT_GAVE_UP, error, (struct zmtp_bytes){0}, 0);
}

// Is one of these what the user wants no further dial after?
static bool dialler_stops(const struct zmtp__dialler *dialler, unsigned stop)
{
    return (dialler->conn.socket->config.reconnect_stop & stop) != 0;
}

void zmtp__dialler_failed(struct zmtp__dialler *dialler, int error, const char *reason)
{
    const unsigned refused = error == ZMTP_ERR_REFUSED ? ZMTP_STOP_REFUSED : 0;
    zmtp__conn_tell(&dialler->conn, ZMTP_EVENT_DIAL_FAILED, error, zmtp_bytes_text(reason), 0);
    if (dialler_stops(dialler, ZMTP_STOP_DIAL_FAILED | refused))
        dialler_give_up(dialler, error);
    else
        dialler_wait(dialler);
}

void zmtp__dialler_up(struct zmtp__dialler *dialler)
{
    dialler->up_ms = dialler_now(dialler);
}

// A message within which the other side has hung up again and again is one that it does not take: longer than
// its limits, say. Those behind it are not to wait for ever.
static void dialler_unburden(struct zmtp__dialler *dialler, int error)
{
    struct zmtp__conn *conn = &dialler->conn;
    if (error != ZMTP_ERR_EOF && error != ZMTP_ERR_RESET && error != ZMTP_ERR_TURNED_AWAY) return;
    if (zmtp__queue_cuts(conn->end->in) < DIALLER_CUTS) return;
    zmtp_socket_lose(conn->socket->core, conn->end, ZMTP_DROP_UNSENT);
}

void zmtp__dialler_lost(struct zmtp__dialler *dialler, int error)
{
    struct zmtp__conn *conn = &dialler->conn;
    dialler_unburden(dialler, error);
    // A connection that held for the delay before it was a good one. Others, and those that end as
    // soon as the handshake is done, must not make a flood of dials.
    const uint64_t now = dialler_now(dialler);
    const bool turned_away = error == ZMTP_ERR_TURNED_AWAY;
    if (!turned_away && dialler->up_ms > 0 && now - dialler->up_ms >= dialler->backoff.next_ms)
        zmtp_backoff_reset(&dialler->backoff);
    unsigned stop = dialler->up_ms > 0 ? ZMTP_STOP_CLOSED : ZMTP_STOP_HANDSHAKE;
    if (turned_away) stop = ZMTP_STOP_HANDSHAKE; // the same to the user, however soon it was heard
    dialler->up_ms = 0;
    const bool wrong_kind =
        error == ZMTP_ERR_MECHANISM || error == ZMTP_ERR_SOCKET_TYPE || error == ZMTP_ERR_KEY;
    if (wrong_kind) dialler->backoff.next_ms = dialler->backoff.max_ms;
    // By the socket, for a breach; or what is left is octets of a conversation that is over.
    const bool raw = conn->socket->config.socket.type == ZMTP_STREAM;
    const bool cut = (raw || !conn->leaving) && conn->end->other->closed;
    const bool denied = error == ZMTP_ERR_PEER && !conn->socket->config.reconnect_denied;
    if (denied || cut || dialler_stops(dialler, stop))
        dialler_give_up(dialler, error);
    else
        dialler_wait(dialler);
}

// Has its host addresses that must be looked up? Else the endpoint is one.
static bool dialler_looks_up(const struct zmtp__dialler *dialler)
{
    return dialler->where.transport == ZMTP_TCP || dialler->where.transport == ZMTP_WS;
}

// The next address of those that are known.
static bool dialler_next(struct zmtp__dialler *dialler, struct zmtp__address *out)
{
    if (!dialler_looks_up(dialler)) {
        if (dialler->tried_path) return false;
        dialler->tried_path = true;
        zmtp__address_of(&dialler->where, out);
        return true;
    }
    if (!dialler->address) return false;
    zmtp__address_copy(dialler->address, out);
    dialler->address = dialler->address->ai_next;
    return true;
}

static void dialler_note(struct zmtp__dialler *dialler, int error_number)
{
    // How the system says of a vsock that nobody listens there.
    const bool refused = dialler->where.transport == ZMTP_VSOCK && error_number == ECONNRESET;
    dialler->error_number = refused ? ECONNREFUSED : error_number;
    dialler->error = zmtp__address_error(dialler->error_number);
    dialler->option = NULL;
    dialler->stray = false;
}

// A dial to a port of our own range, where nobody listens, may by chance meet itself.
static bool dialler_met_itself(int fd)
{
    struct zmtp__address ours = {.size = sizeof ours.at}, theirs = {.size = sizeof theirs.at};
    if (getsockname(fd, (struct sockaddr *)&ours.at, &ours.size) < 0) return false;
    if (getpeername(fd, (struct sockaddr *)&theirs.at, &theirs.size) < 0) return false;
    return ours.at.ss_family != AF_UNIX && zmtp__address_equal(&ours, &theirs);
}

// Lets the dial come from where its endpoint says; else errno tells.
static bool dialler_bind(const struct zmtp__dialler *dialler, int fd, int family)
{
    struct zmtp__address source;
    const int on = 1;
    if (dialler->where.source.size == 0) return true;
    if (!zmtp__address_source(&dialler->where, family, &source)) {
        errno = EADDRNOTAVAIL;
        return false;
    }
    // A port of its own may still be in TIME_WAIT by the connection before; and one that the system
    // chooses need be free towards the other side only.
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) return false;
    if (dialler->where.source_port == 0)
        (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return bind(fd, (const struct sockaddr *)&source.at, source.size) == 0;
}

// A descriptor that may connect to |address|; negative: failed, and noted.
static int dialler_socket(struct zmtp__dialler *dialler, const struct zmtp__address *address)
{
    const struct zmtp_uv_transport *transport = &dialler->conn.socket->config.transport;
    const char *option = NULL;
    const int fd = zmtp__address_socket(address);
    if (fd >= 0 && zmtp__transport_prepare(transport, fd, address->at.ss_family, &option) &&
        dialler_bind(dialler, fd, address->at.ss_family)) {
        zmtp__transport_tune(transport, fd);
        return fd;
    }
    dialler_note(dialler, errno);
    dialler->option = option;
    dialler->stray = fd >= 0 && !option;
    if (fd >= 0) close(fd);
    return -1;
}

// 0: connected; 1: it is going on; negative: failed, and noted.
static int dialler_connect(struct zmtp__dialler *dialler, const struct zmtp__address *address)
{
    struct zmtp__conn *conn = &dialler->conn;
    zmtp__address_text(address, conn->remote, sizeof conn->remote);
    zmtp__conn_tell(conn, ZMTP_EVENT_CONNECTING, ZMTP_OK, (struct zmtp_bytes){0}, 0);
    const int fd = dialler_socket(dialler, address);
    conn->descriptor = fd < 0 ? -1 : fd;
    if (fd < 0) return -1;
    int result;
    do {
        result = connect(fd, (const struct sockaddr *)&address->at, address->size);
    } while (result < 0 && errno == EINTR);
    const bool going_on = result < 0 && errno == EINPROGRESS;
    if (result < 0 && !going_on) {
        dialler_note(dialler, errno);
        close(fd);
        return -1;
    }
    const int error = zmtp__watch_open(&conn->watch, conn->socket->uv, fd, zmtp__conn_ready, conn);
    if (error < 0) {
        dialler_note(dialler, 0);
        dialler->error = error;
        close(fd);
        return -1;
    }
    return going_on;
}

static void dialler_close_watch(struct zmtp__dialler *dialler)
{
    zmtp__watch_close(dialler->conn.watch);
    dialler->conn.watch = NULL;
}

// A system's connection stands: the handshake begins, unless it leads back to us.
static bool dialler_connected(struct zmtp__dialler *dialler)
{
    if (dialler_met_itself(dialler->conn.watch->fd)) {
        dialler_note(dialler, ECONNREFUSED);
        dialler_close_watch(dialler);
        return false;
    }
    dialler_forget_addresses(dialler);
    zmtp__conn_begin(&dialler->conn);
    return true;
}

// Every address failed; what is told is why the last one did.
static void dialler_fail(struct zmtp__dialler *dialler)
{
    char system[128], reason[160];
    const char *words = zmtp_err_text(dialler->error);
    if (dialler->error_number) words = uv_strerror_r(-dialler->error_number, system, sizeof system);
    if (dialler->option)
        snprintf(reason, sizeof reason, "%s cannot be set: %s", dialler->option, words);
    if (dialler->stray)
        snprintf(reason, sizeof reason, "cannot dial from the source address: %s", words);
    if (dialler->option || dialler->stray) words = reason;
    zmtp__dialler_failed(dialler, dialler->error, words);
}

static void dialler_try(struct zmtp__dialler *dialler)
{
    struct zmtp__conn *conn = &dialler->conn;
    const uint32_t patience = conn->socket->config.transport.connect_ms;
    struct zmtp__address address;
    while (dialler_next(dialler, &address)) {
        const int result = dialler_connect(dialler, &address);
        if (result < 0) continue;
        if (result == 0) {
            if (dialler_connected(dialler)) return;
            continue;
        }
        if (zmtp__watch_want(conn->watch, UV_WRITABLE) < 0) {
            dialler_note(dialler, ENOMEM);
            dialler_close_watch(dialler);
            continue;
        }
        zmtp__conn_enter(conn, ZMTP__CONN_CONNECTING);
        // From now on, however long the callbacks took before it.
        conn->due_ms = patience > 0 ? zmtp__engine_now(conn->socket->uv) + patience : UINT64_MAX;
        zmtp__conn_alarm(conn, conn->due_ms);
        return;
    }
    dialler_fail(dialler);
}

static void dialler_resolved(void *owner, int status, struct addrinfo *addresses)
{
    struct zmtp__dialler *dialler = owner;
    const bool late = dialler->conn.state == ZMTP__CONN_IDLE; // the next dial has not begun
    dialler->lookup = NULL;
    dialler_forget_addresses(dialler);
    dialler->addresses = dialler->address = addresses;
    if (status == 0)
        dialler_try(dialler);
    else if (!late) // else it is a failed dial already
        zmtp__dialler_failed(dialler, ZMTP_ERR_NOT_FOUND,
                             status == EAI_SYSTEM ? "the system failed" : gai_strerror(status));
}

// Asks for a name's addresses, without waiting. A question that was not answered in time is not put again.
static void dialler_resolve(struct zmtp__dialler *dialler)
{
    char host[ZMTP_ENDPOINT_MAX], port[8];
    struct zmtp__conn *conn = &dialler->conn;
    const struct zmtp_uv_transport *transport = &conn->socket->config.transport;
    zmtp__address_names(&dialler->where, host, port);
    const int error = dialler->lookup
                          ? ZMTP_OK
                          : zmtp__resolver_ask(&dialler->lookup, conn->socket->uv, host, port,
                                               zmtp__address_family(transport->families),
                                               dialler_resolved, dialler);
    if (error < 0) {
        zmtp__dialler_failed(dialler, error, zmtp_err_text(error));
        return;
    }
    zmtp__conn_enter(conn, ZMTP__CONN_RESOLVING);
    if (transport->resolve_ms > 0) conn->due_ms = dialler_now(dialler) + transport->resolve_ms;
    zmtp__conn_alarm(conn, conn->due_ms);
}

static void dialler_dial(struct zmtp__dialler *dialler)
{
    dialler->conn.due_ms = UINT64_MAX;
    dialler->tried_path = false;
    if (!dialler_looks_up(dialler)) {
        dialler_try(dialler);
        return;
    }
    dialler_forget_addresses(dialler);
    const enum zmtp_families families = dialler->conn.socket->config.transport.families;
    const int status = zmtp__address_lookup(&dialler->where, families, true, &dialler->addresses);
    dialler->address = dialler->addresses;
    if (status == 0)
        dialler_try(dialler);
    else
        dialler_resolve(dialler);
}

void zmtp__dialler_ready(struct zmtp__dialler *dialler)
{
    int error_number = 0;
    socklen_t size = sizeof error_number;
    const int fd = dialler->conn.watch->fd;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error_number, &size) < 0) error_number = errno;
    if (error_number == 0) {
        if (dialler_connected(dialler)) return;
    } else {
        dialler_note(dialler, error_number);
        dialler_close_watch(dialler);
    }
    dialler_try(dialler);
}

// The time is up. Of a program that was busy meanwhile the loop may not have heard yet how the dial went.
static void dialler_expire(struct zmtp__dialler *dialler)
{
    struct pollfd item = {.fd = dialler->conn.watch->fd, .events = POLLOUT};
    if (poll(&item, 1, 0) > 0) {
        zmtp__dialler_ready(dialler);
        return;
    }
    dialler_note(dialler, ETIMEDOUT);
    dialler_close_watch(dialler);
    dialler_try(dialler);
}

void zmtp__dialler_ring(struct zmtp__dialler *dialler)
{
    struct zmtp__conn *conn = &dialler->conn;
    const bool due = dialler_now(dialler) >= conn->due_ms;
    if (dialler_over(dialler)) {
        zmtp__conn_drop(conn);
    } else if (due && conn->state == ZMTP__CONN_IDLE) {
        dialler_dial(dialler);
    } else if (due && conn->state == ZMTP__CONN_RESOLVING) {
        zmtp__dialler_failed(dialler, ZMTP_ERR_NOT_FOUND,
                             "the name servers did not answer in time");
    } else if (due && conn->state == ZMTP__CONN_CONNECTING) {
        dialler_expire(dialler);
    }
}

int zmtp__dialler_open(struct zmtp_uv_socket *socket, const char *endpoint,
                       struct zmtp_bytes routing_id)
{
    struct zmtp_uv *uv = socket->uv;
    struct zmtp__dialler *dialler = zmtp_alloc(uv->allocator, dialler_size(endpoint));
    if (!dialler) return ZMTP_ERR_MEMORY;
    *dialler = (struct zmtp__dialler){.conn = {.state = ZMTP__CONN_IDLE, .descriptor = -1}};
    struct zmtp__conn *conn = &dialler->conn;
    const int error = zmtp_socket_attach(socket->core, true, routing_id, &conn->end);
    if (error < 0) {
        zmtp_free(uv->allocator, dialler, dialler_size(endpoint));
        return error;
    }
    zmtp_pipe_own(conn->end, &uv->marks, conn);
    strcpy(dialler->endpoint, endpoint);
    const int parsed = zmtp_endpoint_parse(dialler->endpoint, &dialler->where, NULL);
    assert(parsed == ZMTP_OK);
    (void)parsed;
    zmtp_backoff_init(&dialler->backoff, socket->config.reconnect_min_ms,
                      socket->config.reconnect_max_ms, zmtp__engine_random(uv));
    conn->dialler = dialler;
    zmtp__conn_init(conn, socket);
    zmtp__uv_socket_touch(socket);
    conn->due_ms = 0;
    zmtp__conn_alarm(conn, 0);
    return ZMTP_OK;
}
