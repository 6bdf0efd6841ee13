#include "httpd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmtp/base.h>

#include "../core/error.h"

enum { HTTPD_TIMEOUT_S = 10, HTTPD_MEMORY = 16 * 1024, HTTPD_HOST_SIZE = 64 };

struct httpd {
    struct httpd_config config;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned handles; // not yet closed
    uint16_t port;
    bool resumed; // a connection, since the last run: it says nothing of that itself
};

// ---- The loop

static void httpd_ring(uv_timer_t *timer);

static void httpd_run(struct httpd *httpd)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    httpd->resumed = false;
    (void)MHD_run(httpd->daemon); // what fails is one connection's
    if (httpd->resumed)
        (void)uv_timer_start(&httpd->timer, httpd_ring, 0, 0);
    else if (MHD_get_timeout(httpd->daemon, &wait_ms) == MHD_YES)
        (void)uv_timer_start(&httpd->timer, httpd_ring, wait_ms, 0);
    else
        (void)uv_timer_stop(&httpd->timer);
}

static void httpd_ring(uv_timer_t *timer)
{
    httpd_run(timer->data);
}

static void httpd_ready(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    httpd_run(poll->data);
}

void httpd_resume(struct httpd *httpd, struct MHD_Connection *connection)
{
    MHD_resume_connection(connection);
    httpd->resumed = true;
    (void)uv_timer_start(&httpd->timer, httpd_ring, 0, 0);
}

// ---- Life

// "HOST:PORT", where the host is an address of loopback.
static bool httpd_address(const char *text, struct sockaddr_storage *out)
{
    char host[HTTPD_HOST_SIZE], *end;
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

static void httpd_closed(uv_handle_t *handle)
{
    struct httpd *httpd = handle->data;
    if (--httpd->handles > 0) return;
    if (httpd->daemon) MHD_stop_daemon(httpd->daemon);
    if (httpd->config.closed) httpd->config.closed(httpd->config.user);
    zmtp_free(NULL, httpd, sizeof *httpd);
}

void httpd_close(struct httpd *httpd)
{
    if (!httpd) return;
    uv_close((uv_handle_t *)&httpd->poll, httpd_closed);
    uv_close((uv_handle_t *)&httpd->timer, httpd_closed);
}

static bool httpd_start(struct httpd *httpd, const struct sockaddr_storage *at)
{
    const struct httpd_config *config = &httpd->config;
    const bool v6 = at->ss_family == AF_INET6;
    const unsigned flags =
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (v6 ? MHD_USE_IPv6 : MHD_NO_FLAG);
    httpd->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, config->request, config->user, MHD_OPTION_SOCK_ADDR, at,
        MHD_OPTION_CONNECTION_LIMIT, config->connections_max, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)HTTPD_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTPD_MEMORY,
        MHD_OPTION_NOTIFY_COMPLETED, config->completed, config->user, MHD_OPTION_END);
    return httpd->daemon != NULL;
}

int httpd_open(struct httpd **out, const struct httpd_config *config, struct garden_error *error)
{
    struct sockaddr_storage at;
    *out = NULL;
    if (!httpd_address(config->address, &at))
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "--http takes an address of loopback and a port, such as 127.0.0.1:%u, "
                            "not '%.100s'; put a proxy before it for others",
                            config->port_usual, config->address);
    struct httpd *httpd = zmtp_alloc(NULL, sizeof *httpd);
    if (!httpd) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for HTTP");
    *httpd = (struct httpd){.config = *config};
    if (!httpd_start(httpd, &at)) {
        zmtp_free(NULL, httpd, sizeof *httpd);
        return garden__fail(error, GARDEN_ERR_SYSTEM,
                            "--http %.100s cannot be listened on; is the port in use? name another",
                            config->address);
    }
    const union MHD_DaemonInfo *port =
        MHD_get_daemon_info(httpd->daemon, MHD_DAEMON_INFO_BIND_PORT);
    const union MHD_DaemonInfo *epoll =
        MHD_get_daemon_info(httpd->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    httpd->port = port ? port->port : 0;
    httpd->handles = 2;
    httpd->poll.data = httpd->timer.data = httpd;
    (void)uv_timer_init(config->loop, &httpd->timer);                // cannot fail
    (void)uv_poll_init(config->loop, &httpd->poll, epoll->epoll_fd); // nor on an epoll's descriptor
    (void)uv_poll_start(&httpd->poll, UV_READABLE, httpd_ready);
    *out = httpd;
    return GARDEN_OK;
}

bool httpd_is_loopback(const char *text)
{
    char host[HTTPD_HOST_SIZE];
    struct in_addr v4;
    const char *bracket = text[0] == '[' ? strchr(text, ']') : NULL;
    const size_t size = bracket ? (size_t)(bracket + 1 - text) : strcspn(text, ":");
    const char *port = text + size;
    if (size >= sizeof host || (*port && *port != ':')) return false;
    if (*port && (strlen(port) < 2 || port[1 + strspn(port + 1, "0123456789")])) return false;
    memcpy(host, text, size);
    host[size] = '\0';
    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0) return true;
    return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

uint16_t httpd_port(const struct httpd *httpd)
{
    return httpd->port;
}
