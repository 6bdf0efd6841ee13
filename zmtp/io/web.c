#include "web.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "../msg/slab.h"
#include "dialler.h"
#include "listener.h"

enum {
    WEB_WRITES = 16,
    WEB_VIEWS = 64,
    WEB_WINDOW = 64 * 1024, // of one write
    WEB_AUTHORITY_MAX = ZMTP_ENDPOINT_MAX + 8,
};

static bool web_random(uint8_t *out, size_t size)
{
    return uv_random(NULL, NULL, out, size, 0, NULL) == 0;
}

// RFC 9110, section 7.2: the host as the user wrote it, and the port where it is not that of HTTP.
static struct zmtp_bytes web_authority(const struct zmtp_endpoint *where,
                                       char out[WEB_AUTHORITY_MAX])
{
    const bool six = memchr(where->host.data, ':', where->host.size) != NULL;
    char port[8] = "";
    if (where->port != 80) snprintf(port, sizeof port, ":%u", (unsigned)where->port);
    snprintf(out, WEB_AUTHORITY_MAX, six ? "[%.*s]%s" : "%.*s%s", (int)where->host.size,
             (const char *)where->host.data, port);
    return zmtp_bytes_text(out);
}

// RFC 45, Publish-Subscribe: subscriptions are messages, as with a peer of ZMTP 3.0. Groups are joined
// by commands, of which 3.0 knows none.
static uint8_t web_minor(enum zmtp_socket_type type)
{
    return type == ZMTP_RADIO || type == ZMTP_DISH;
}

// What a fragmented message, which is one part, is gathered up to.
static uint64_t web_part_max(const struct zmtp_peer_limits *limits)
{
    const uint64_t part = limits->part_max, all = limits->message_max;
    return part == 0 || (all > 0 && all < part) ? all : part;
}

static struct zmtp__ws_config web_config(const struct zmtp__conn *conn,
                                         const struct zmtp_endpoint *where,
                                         struct zmtp_bytes authority)
{
    const struct zmtp_uv_config *config = &conn->socket->config;
    const enum zmtp_socket_type type = config->socket.type;
    const bool named = type == ZMTP_REQ || type == ZMTP_DEALER || type == ZMTP_ROUTER;
    return (struct zmtp__ws_config){
        .allocator = conn->socket->uv->allocator,
        .server = conn->listener != NULL,
        .upgrade = {.mechanism = zmtp_mechanism_name(config->security.mechanism),
                    .authority = authority,
                    .path = where->path,
                    .origins = config->ws_origins ? zmtp_bytes_text(config->ws_origins)
                                                  : (struct zmtp_bytes){0}},
        .minor = web_minor(type),
        .routing_id = named ? config->socket.routing_id : (struct zmtp_bytes){0},
        .random = web_random,
        .handshake_frame_max = config->limits.handshake_frame_max,
        .message_max = web_part_max(&config->limits),
        .heartbeat_interval_ms = config->limits.heartbeat_interval_ms,
        .heartbeat_timeout_ms = config->limits.heartbeat_timeout_ms,
    };
}

int zmtp__web_open(struct zmtp__conn *conn)
{
    char authority[WEB_AUTHORITY_MAX];
    const struct zmtp_endpoint *where =
        conn->listener ? &conn->listener->where : &conn->dialler->where;
    if (where->transport != ZMTP_WS) return ZMTP_OK;
    const struct zmtp_allocator *allocator = conn->socket->uv->allocator;
    struct zmtp__web *web = zmtp_alloc(allocator, sizeof *web);
    if (!web) return ZMTP_ERR_MEMORY;
    *web = (struct zmtp__web){0};
    const struct zmtp__ws_config config = web_config(conn, where, web_authority(where, authority));
    const int error = zmtp__ws_open(&web->ws, &config);
    if (error < 0)
        zmtp_free(allocator, web, sizeof *web);
    else
        conn->web = web;
    return error;
}

static void web_drop_unsent(struct zmtp__conn *conn)
{
    struct zmtp__web *web = conn->web;
    zmtp_free(conn->socket->uv->allocator, web->unsent, web->unsent_size);
    web->unsent = NULL;
    web->unsent_at = web->unsent_size = 0;
}

void zmtp__web_close(struct zmtp__conn *conn)
{
    if (!conn->web) return;
    web_drop_unsent(conn);
    zmtp__ws_close(conn->web->ws);
    zmtp_free(conn->socket->uv->allocator, conn->web, sizeof *conn->web);
    conn->web = NULL;
}

void zmtp__web_limits(struct zmtp_peer_limits *limits)
{
    limits->heartbeat_interval_ms = 0;
}

struct zmtp_room zmtp__web_space(const struct zmtp__conn *conn, uint8_t *scratch)
{
    return (struct zmtp_room){scratch, conn->up ? ZMTP__WEB_SCRATCH : ZMTP__WEB_STRANGER};
}

// What has gone wrong between the octets and the peer ends the peer too.
static bool web_failed(struct zmtp__conn *conn)
{
    const int error = zmtp__ws_error(conn->web->ws);
    if (error == ZMTP_OK) return false;
    const char *const reason = zmtp__ws_reason(conn->web->ws);
    if (reason[0]) conn->hint = reason; // it lasts as long as the web
    zmtp_peer_fail(conn->peer, error);
    return true;
}

bool zmtp__web_pour(struct zmtp__conn *conn, uint64_t now)
{
    struct zmtp__ws *ws = conn->web->ws;
    while (zmtp__ws_holds(ws)) {
        if (!(zmtp_peer_wants(conn->peer) & ZMTP_WANT_READ)) return false;
        const struct zmtp_room room = zmtp_peer_space(conn->peer);
        if (room.size == 0) return false;
        const size_t size = zmtp__ws_read(ws, room.data, room.size, now);
        zmtp_peer_commit(conn->peer, size, now);
        const enum zmtp_peer_state state = zmtp_peer_state(conn->peer);
        if (state == ZMTP_PEER_READY || state == ZMTP_PEER_TRAFFIC) zmtp__ws_establish(ws, now);
    }
    return !web_failed(conn);
}

bool zmtp__web_holds(const struct zmtp__conn *conn)
{
    return zmtp__ws_holds(conn->web->ws) && zmtp_peer_wants(conn->peer) & ZMTP_WANT_READ;
}

void zmtp__web_commit(struct zmtp__conn *conn, const uint8_t *scratch, size_t size, uint64_t now)
{
    struct zmtp__ws *ws = conn->web->ws;
    zmtp__ws_feed(ws, zmtp_bytes_of(scratch, size), now);
    (void)zmtp__web_pour(conn, now);
    zmtp__ws_keep(ws);
    (void)web_failed(conn); // for want of memory to keep it
}

// Gives the kernel octets. Returns how many it took.
static size_t web_send(struct zmtp__conn *conn, const uint8_t *data, size_t size)
{
    ssize_t sent;
    do {
        sent = send(conn->watch->fd, data, size, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN) {
        // As with any connection: its end is found by reading.
        conn->tx_broken = true;
        zmtp__conn_alarm(conn, 0);
        return 0;
    }
    conn->tx_blocked = sent < 0 || (size_t)sent < size;
    return sent < 0 ? 0 : (size_t)sent;
}

// True: nothing is left from before.
static bool web_resend(struct zmtp__conn *conn, uint64_t now)
{
    struct zmtp__web *web = conn->web;
    if (!web->unsent) return true;
    const size_t left = web->unsent_size - web->unsent_at;
    const size_t sent = web_send(conn, web->unsent + web->unsent_at, left);
    web->unsent_at += sent;
    if (sent > 0) zmtp__ws_left(web->ws, sent == left, now);
    if (sent < left) return false;
    web_drop_unsent(conn);
    return true;
}

// Fills |out| with what the translator makes of what the peer shows.
static size_t web_fill(struct zmtp__conn *conn, uint8_t *out, size_t size, uint64_t now)
{
    struct zmtp__ws *ws = conn->web->ws;
    size_t filled = 0, taken;
    do {
        struct zmtp_bytes views[WEB_VIEWS];
        const size_t count = zmtp_peer_peek(conn->peer, views, WEB_VIEWS);
        struct zmtp_bytes view = {0};
        taken = 0;
        if (count == 0) filled += zmtp__ws_wrap(ws, &view, out + filled, size - filled, now);
        for (size_t i = 0; i < count && view.size == 0; i++) {
            view = views[i];
            filled += zmtp__ws_wrap(ws, &view, out + filled, size - filled, now);
            taken += views[i].size - view.size;
        }
        zmtp_peer_consume(conn->peer, taken, now);
    } while (taken > 0 && size - filled >= ZMTP__WS_ROOM_MIN);
    zmtp__ws_wrapped(ws);
    return filled;
}

// What the kernel did not take is kept; it was taken from the peer, so it counts as sent.
static bool web_keep_unsent(struct zmtp__conn *conn, const uint8_t *data, size_t size)
{
    struct zmtp__web *web = conn->web;
    if (size == 0) return true;
    web->unsent = zmtp_alloc(conn->socket->uv->allocator, size);
    if (!web->unsent) {
        zmtp_peer_fail(conn->peer, ZMTP_ERR_MEMORY);
        return false;
    }
    memcpy(web->unsent, data, size);
    web->unsent_size = size;
    return true;
}

// One write. True: go on.
static bool web_write_once(struct zmtp__conn *conn, uint64_t now)
{
    struct zmtp_uv *uv = conn->socket->uv;
    if (!web_resend(conn, now)) return false;
    const bool wants = zmtp_peer_wants(conn->peer) & ZMTP_WANT_WRITE;
    if (!wants && !zmtp__ws_wants(conn->web->ws)) return false;
    struct zmtp_slab *slab = zmtp__slab_open(uv->pool, uv->allocator, WEB_WINDOW);
    if (!slab) {
        zmtp_peer_fail(conn->peer, ZMTP_ERR_MEMORY);
        return false;
    }
    const size_t size = web_fill(conn, slab->data, WEB_WINDOW, now);
    const size_t sent = size > 0 ? web_send(conn, slab->data, size) : 0;
    if (sent > 0) zmtp__ws_left(conn->web->ws, sent == size, now);
    const bool kept = conn->tx_broken || web_keep_unsent(conn, slab->data + sent, size - sent);
    zmtp__slab_unref(slab);
    return !web_failed(conn) && kept && size > 0 && sent == size;
}

void zmtp__web_write(struct zmtp__conn *conn, uint64_t now)
{
    bool more = true;
    for (int i = 0; i < WEB_WRITES && more && !conn->tx_broken; i++) {
        conn->tx_blocked = false;
        more = web_write_once(conn, now);
    }
    // As a full kernel's buffer does, the bound of one turn leaves it to the loop to go on.
    if (more && !conn->tx_broken) conn->tx_blocked = true;
}

bool zmtp__web_goodbye(struct zmtp__conn *conn, int error, uint64_t now)
{
    zmtp__ws_bye(conn->web->ws, error);
    if (!conn->tx_blocked) zmtp__web_write(conn, now);
    return !conn->web->unsent || conn->tx_broken;
}

unsigned zmtp__web_wants(const struct zmtp__conn *conn)
{
    return conn->web->unsent || zmtp__ws_wants(conn->web->ws) ? ZMTP_WANT_WRITE : 0;
}

static bool web_deaf(const struct zmtp__conn *conn)
{
    return !(zmtp_peer_wants(conn->peer) & ZMTP_WANT_READ);
}

uint64_t zmtp__web_deadline(const struct zmtp__conn *conn)
{
    return zmtp__ws_deadline(conn->web->ws, web_deaf(conn));
}

void zmtp__web_tick(struct zmtp__conn *conn, uint64_t now)
{
    zmtp__ws_tick(conn->web->ws, web_deaf(conn), now);
    (void)web_failed(conn); // the connection's turn ends it
}
