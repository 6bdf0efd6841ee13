#include "http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmtp/base.h>

#include "../core/error.h"

enum {
    HTTP_CONNECTIONS_MAX = 32,
    HTTP_TIMEOUT_S = 10,
    HTTP_MEMORY = 16 * 1024,
    HTTP_HOST_SIZE = 64
};

struct http {
    struct http_config config;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned handles; // not yet closed
    uint16_t port;
};

// ---- Requests

static enum MHD_Result http_say(struct MHD_Connection *connection, unsigned status, char *text,
                                size_t size, enum MHD_ResponseMemoryMode mode, const char *type)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(size, text, mode);
    if (!response) {
        if (mode == MHD_RESPMEM_MUST_FREE) free(text);
        return MHD_NO; // the connection closes
    }
    (void)MHD_add_response_header(response, "Content-Type", type); // at worst it is untold
    const enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result http_say_text(struct MHD_Connection *connection, unsigned status, char *text)
{
    return http_say(connection, status, text, strlen(text), MHD_RESPMEM_PERSISTENT,
                    "text/plain; charset=utf-8");
}

static enum MHD_Result http_request(void *user, struct MHD_Connection *connection, const char *path,
                                    const char *method, const char *version, const char *upload,
                                    size_t *upload_size, void **state)
{
    static char no_path[] = "There is /metrics.\n", no_method[] = "GET and HEAD are allowed.\n",
                no_memory[] = "There is no memory for an answer; try again.\n";
    static int begun;
    struct http *http = user;
    (void)version;
    (void)upload;
    *upload_size = 0;
    if (!*state) { // the head came; the answer waits for the end of the request
        *state = &begun;
        return MHD_YES;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return http_say_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, no_method);
    if (strcmp(path, "/metrics") != 0)
        return http_say_text(connection, MHD_HTTP_NOT_FOUND, no_path);
    size_t size = 0;
    char *text = http->config.metrics(http->config.user, &size);
    if (!text) return http_say_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, no_memory);
    return http_say(connection, MHD_HTTP_OK, text, size, MHD_RESPMEM_MUST_FREE,
                    "text/plain; version=0.0.4; charset=utf-8");
}

// ---- The loop

static void http_ring(uv_timer_t *timer);

static void http_run(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    (void)MHD_run(http->daemon); // what fails is one connection's
    if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES)
        (void)uv_timer_start(&http->timer, http_ring, wait_ms, 0);
    else
        (void)uv_timer_stop(&http->timer);
}

static void http_ring(uv_timer_t *timer)
{
    http_run(timer->data);
}

static void http_ready(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    http_run(poll->data);
}

// ---- Life

// "HOST:PORT", where the host is an address of loopback.
static bool http_address(const char *text, struct sockaddr_storage *out)
{
    char host[HTTP_HOST_SIZE], *end;
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof host) return false;
    const unsigned long port = strtoul(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || *end || port > UINT16_MAX) return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if (strcmp(host, "[::1]") == 0) {
        v6->sin6_family = AF_INET6;
        v6->sin6_addr = in6addr_loopback;
        v6->sin6_port = htons((uint16_t)port);
        return true;
    }
    if (strcmp(host, "localhost") == 0) strcpy(host, "127.0.0.1");
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &v4->sin_addr) == 1 && ntohl(v4->sin_addr.s_addr) >> 24 == 127;
}

static void http_closed(uv_handle_t *handle)
{
    struct http *http = handle->data;
    if (--http->handles > 0) return;
    if (http->daemon) MHD_stop_daemon(http->daemon);
    zmtp_free(NULL, http, sizeof *http);
}

void http_close(struct http *http)
{
    if (!http) return;
    uv_close((uv_handle_t *)&http->poll, http_closed);
    uv_close((uv_handle_t *)&http->timer, http_closed);
}

static bool http_start(struct http *http, const struct sockaddr_storage *at)
{
    const bool v6 = at->ss_family == AF_INET6;
    const unsigned flags = MHD_USE_EPOLL | (v6 ? MHD_USE_IPv6 : MHD_NO_FLAG);
    http->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, http_request, http, MHD_OPTION_SOCK_ADDR, at,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_TIMEOUT_S,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MEMORY, MHD_OPTION_END);
    return http->daemon != NULL;
}

int http_open(struct http **out, const struct http_config *config, struct garden_error *error)
{
    struct sockaddr_storage at;
    *out = NULL;
    if (!http_address(config->address, &at))
        return garden__fail(
            error, GARDEN_ERR_ARGUMENT,
            "--http takes an address of loopback and a port, such as 127.0.0.1:9464, "
            "not '%.100s'; put a proxy before it for others",
            config->address);
    struct http *http = zmtp_alloc(NULL, sizeof *http);
    if (!http) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for HTTP");
    *http = (struct http){.config = *config};
    if (!http_start(http, &at)) {
        zmtp_free(NULL, http, sizeof *http);
        return garden__fail(error, GARDEN_ERR_SYSTEM,
                            "--http %.100s cannot be listened on; is the port in use? name another",
                            config->address);
    }
    const union MHD_DaemonInfo *port = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    const union MHD_DaemonInfo *epoll = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    http->port = port ? port->port : 0;
    http->handles = 2;
    http->poll.data = http->timer.data = http;
    (void)uv_timer_init(config->loop, &http->timer);                // cannot fail
    (void)uv_poll_init(config->loop, &http->poll, epoll->epoll_fd); // nor on an epoll's descriptor
    (void)uv_poll_start(&http->poll, UV_READABLE, http_ready);
    *out = http;
    return GARDEN_OK;
}

uint16_t http_port(const struct http *http)
{
    return http->port;
}
