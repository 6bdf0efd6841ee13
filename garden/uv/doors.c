// The sockets of the lanes: each lane has a door of its own, which the connection file tells, and one for
// pages in a browser, a socket apart, as its mechanism is another and its peers are counted apart.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../core/error.h"
#include "inside.h"

enum {
    DOORS_LINGER_MS = 2000,
    // Replies that wait for one client to read them, of any number: who asks thousands of things at
    // once gets as many answers. Beyond, they are dropped and counted.
    DOORS_REPLIES_BYTES_MAX = 16 * 1024 * 1024,
    // Of one request, which a stranger may leave unfinished on each of many connections: far above what
    // any means, as regions, nodes and participants keep 64 KiB at most.
    DOORS_REQUEST_BYTES_MAX = 4 * 1024 * 1024,
    // ... and for all clients of a lane together, subscribers too: as many as may not read share it. See socket.h.
    DOORS_WAITING_ALL_MAX = 64 * 1024 * 1024,
    DOORS_WHO_SIZE = 256,
    DOORS_WHY_SIZE = 512,
};

static const enum zmtp_socket_type doors_types[GARDEN_LANES] = {
    [GARDEN_LANE_CONTROL] = ZMTP_ROUTER, [GARDEN_LANE_SHELL] = ZMTP_ROUTER,
    [GARDEN_LANE_IOPUB] = ZMTP_XPUB,     [GARDEN_LANE_HEARTBEAT] = ZMTP_ROUTER,
    [GARDEN_LANE_QUERY] = ZMTP_ROUTER,
};

static int doors_error_code(int zmtp_error)
{
    switch (zmtp_error) {
    case ZMTP_ERR_MEMORY:
        return GARDEN_ERR_MEMORY;
    case ZMTP_ERR_IN_USE:
        return GARDEN_ERR_EXISTS;
    case ZMTP_ERR_ACCESS:
        return GARDEN_ERR_ACCESS;
    case ZMTP_ERR_NOT_FOUND:
        return GARDEN_ERR_NOT_FOUND;
    case ZMTP_ERR_ENDPOINT:
    case ZMTP_ERR_TRANSPORT:
    case ZMTP_ERR_ARGUMENT:
        return GARDEN_ERR_ARGUMENT;
    default:
        return GARDEN_ERR_SYSTEM;
    }
}

static void doors_encrypt(const struct garden_server_config *server, struct zmtp_uv_config *config)
{
    struct stat status;
    struct zmtp_allow allow = {.kind = ZMTP_ALLOW_ANY};
    if (server->allow) {
        const bool folder = stat(server->allow, &status) == 0 && S_ISDIR(status.st_mode);
        allow.kind = folder ? ZMTP_ALLOW_FOLDER : ZMTP_ALLOW_FILE;
        allow.path = server->allow;
    }
    zmtp_uv_config_curve_server(config, server->keys, allow);
}

// Who it is, as far as the system tells.
static void doors_who(const struct zmtp_event *event, char *out, size_t size)
{
    const struct zmtp_uv_process *process = &event->process;
    if (process->known)
        (void)snprintf(out, size, "process %lld of user %lu", (long long)process->pid,
                       (unsigned long)process->uid);
    else
        (void)snprintf(out, size, "%s", event->remote[0] ? event->remote : "an unknown address");
}

// Why, or null for one who came and went, which is nothing to tell.
static const char *doors_why(const struct server_lane *door, int error)
{
    switch (error) {
    case ZMTP_ERR_EOF:
    case ZMTP_ERR_RESET:
        // One that offers no encryption sees by our first octets that it cannot come in.
        return door->server->encrypted && !door->web
                   ? "it hung up during the handshake: has it the daemon's key?"
                   : NULL;
    case ZMTP_ERR_CANCELLED:
        return NULL;
    case ZMTP_ERR_DENIED:
        return "its key is not among those that are let in";
    default:
        return zmtp_err_text(error);
    }
}

static void doors_on_event(struct zmtp_uv_socket *socket, const struct zmtp_event *event,
                           void *user)
{
    const struct server_lane *door = user;
    struct garden_server *server = door->server;
    const struct zmtp_bytes more = event->reason;
    char who[DOORS_WHO_SIZE], text[DOORS_WHY_SIZE];
    (void)socket;
    if (event->kind != ZMTP_EVENT_HANDSHAKE_FAILED && event->kind != ZMTP_EVENT_REFUSED) return;
    const char *why = server->closing ? NULL : doors_why(door, event->error);
    if (!why) return;
    doors_who(event, who, sizeof who);
    if (more.size > 0)
        (void)snprintf(text, sizeof text, "%s (%.*s)", why, (int)more.size,
                       (const char *)more.data);
    else
        (void)snprintf(text, sizeof text, "%s", why);
    server->config.on_refused(server, door->lane, door->web, who, text, server->config.user);
}

static void doors_config(const struct garden_server *server, struct server_lane *lane,
                         struct zmtp_uv_config *config)
{
    zmtp_uv_config_init(config, doors_types[lane->lane]);
    config->linger_ms = DOORS_LINGER_MS;
    config->limits.message_max = DOORS_REQUEST_BYTES_MAX;
    config->socket.send_bytes_all_max = DOORS_WAITING_ALL_MAX;
    config->user = lane;
    if (server->config.on_refused) config->on_event = doors_on_event;
    if (lane->lane == GARDEN_LANE_IOPUB) {
        // What is sent right after a subscription goes to that subscriber alone.
        config->socket.xpub_mode = server->config.welcome ? ZMTP_XPUB_LAST_VALUE : ZMTP_XPUB_MANUAL;
        config->on_message = garden__server_on_subscription;
        return;
    }
    config->on_readable = garden__server_on_readable;
    config->socket.send_count_max = 0;
    config->socket.send_bytes_max = DOORS_REPLIES_BYTES_MAX;
}

static int doors_bind_lane(struct server_lane *lane, const char *endpoint,
                           struct garden_error *error)
{
    const int result = zmtp_uv_bind(lane->socket, endpoint);
    if (result >= 0) return GARDEN_OK;
    const char *why = zmtp_uv_error_text(lane->socket);
    return garden__fail(error, doors_error_code(result), "the %s lane cannot listen: %s",
                        garden_lane_name(lane->lane), why[0] ? why : zmtp_err_text(result));
}

static int doors_open_failed(struct zmtp_uv *uv, enum garden_lane which, int result,
                             struct garden_error *error)
{
    static const char list[] = "allow.path: ";
    const char *why = zmtp_uv_open_error_text(uv);
    // Of our config it is |allow|, the same for every lane.
    if (strncmp(why, list, sizeof list - 1) == 0)
        return garden__fail(error, doors_error_code(result), "allow: %s", why + sizeof list - 1);
    return garden__fail(error, doors_error_code(result), "the %s lane cannot be opened: %s",
                        garden_lane_name(which), why[0] ? why : zmtp_err_text(result));
}

int garden__doors_open_lane(struct garden_server *server, struct zmtp_uv *uv,
                            enum garden_lane which, struct garden_error *error)
{
    struct server_lane *lane = &server->lanes[which];
    struct zmtp_uv_config config;
    *lane = (struct server_lane){.server = server, .lane = which};
    doors_config(server, lane, &config);
    if (server->config.keys) doors_encrypt(&server->config, &config);
    int result = zmtp_uv_socket_open(&lane->socket, uv, &config);
    zmtp_wipe(&config, sizeof config);
    if (result < 0) return doors_open_failed(uv, which, result, error);
    result = doors_bind_lane(lane, server->config.endpoints.of[which], error);
    if (result < 0) return result;
    const char *bound = zmtp_uv_endpoint(lane->socket);
    strncpy(server->endpoints.of[which], bound, GARDEN_ENDPOINT_SIZE - 1);
    return GARDEN_OK;
}

int garden_server_listen_again(struct garden_server *server, struct garden_error *error)
{
    static const char scheme[] = "ipc://";
    int count = 0;
    for (size_t i = 0; i < GARDEN_LANES; i++) {
        struct stat status;
        struct server_lane *lane = &server->lanes[i];
        const char *endpoint = server->endpoints.of[i], *path = endpoint + sizeof scheme - 1;
        if (strncmp(endpoint, scheme, sizeof scheme - 1) != 0 || *path == '@') continue;
        if (stat(path, &status) == 0 || errno != ENOENT) continue;
        (void)zmtp_uv_unbind(lane->socket, endpoint); // one that failed before is not bound
        const int result = doors_bind_lane(lane, endpoint, error);
        if (result < 0) return result;
        count++;
    }
    return count;
}

// ---- Doors for pages

// At the port that is wished for, or any where somebody else has it.
static int doors_bind_web(struct zmtp_uv_socket *socket, const struct garden_web *web,
                          enum garden_lane which)
{
    char endpoint[GARDEN_ENDPOINT_SIZE];
    for (unsigned port = web->base > 0 ? web->base + (unsigned)which : 0;; port = 0) {
        (void)snprintf(endpoint, sizeof endpoint, "ws://%s:%u/lanes/%s%s%s", web->host, port,
                       garden_lane_name(which), web->secret ? "/" : "",
                       web->secret ? web->secret : "");
        const int result = zmtp_uv_bind(socket, endpoint);
        if (port == 0 || (result != ZMTP_ERR_IN_USE && result != ZMTP_ERR_ACCESS)) return result;
    }
}

static int doors_open_door(struct garden_server *server, struct zmtp_uv *uv,
                           const struct garden_web *web, enum garden_lane which,
                           struct garden_error *error)
{
    struct server_lane *door = &server->lanes[GARDEN_LANES + which];
    struct zmtp_uv_config config;
    *door = (struct server_lane){.server = server, .lane = which, .web = true};
    doors_config(server, door, &config);
    config.ws_origins = web->origins;
    int result = zmtp_uv_socket_open(&door->socket, uv, &config);
    if (result < 0)
        return garden__fail(error, doors_error_code(result), "the pages' %s lane: %s",
                            garden_lane_name(which), zmtp_uv_open_error_text(uv));
    result = doors_bind_web(door->socket, web, which);
    if (result == ZMTP_ERR_UNSUPPORTED)
        return garden__fail(error, GARDEN_ERR_TYPE, "this build has no WebSocket: make WS=1");
    if (result < 0)
        return garden__fail(error, doors_error_code(result), "the pages' %s lane: %s",
                            garden_lane_name(which), zmtp_uv_error_text(door->socket));
    (void)snprintf(server->web_endpoints.of[which], GARDEN_ENDPOINT_SIZE, "%s",
                   zmtp_uv_endpoint(door->socket));
    return GARDEN_OK;
}

int garden_server_open_web(struct garden_server *server, struct zmtp_uv *uv,
                           const struct garden_web *web, struct garden_error *error)
{
    int result = GARDEN_OK;
    for (size_t i = 0; i < GARDEN_LANES && result == GARDEN_OK; i++)
        result = doors_open_door(server, uv, web, (enum garden_lane)i, error);
    for (size_t i = GARDEN_LANES; i < SERVER_DOORS && result < 0; i++) { // all, or none
        if (server->lanes[i].socket) zmtp_uv_socket_close(server->lanes[i].socket, NULL, NULL);
        server->lanes[i] = (struct server_lane){0};
        server->web_endpoints.of[i - GARDEN_LANES][0] = '\0';
    }
    return result;
}

const struct garden_endpoints *garden_server_web_endpoints(const struct garden_server *server)
{
    return &server->web_endpoints;
}

int64_t garden_server_stats_json(struct garden_server *server, enum garden_lane lane, bool web,
                                 char *out, size_t size)
{
    struct zmtp_uv_socket *socket = server->lanes[(web ? GARDEN_LANES : 0) + lane].socket;
    return socket ? zmtp_uv_stats_json(socket, out, size) : GARDEN_ERR_NOT_FOUND;
}
