// What gardend serves over HTTP, with libmicrohttpd on the daemon's own loop: /metrics, for Prometheus. It
// listens on loopback only; whoever wants more puts a proxy before it.
#ifndef GARDEN_DAEMON_HTTP_H
#define GARDEN_DAEMON_HTTP_H

#include <uv.h>

#include "../errors.h"

struct http;
struct http_config {
    uv_loop_t *loop;
    const char *address; // "127.0.0.1:9464", "[::1]:0"
    // Makes the text of an answer, of |*size| octets, which goes to free(). Null: no memory.
    char *(*metrics)(void *user, size_t *size);
    void *user;
};
int http_open(struct http **out, const struct http_config *config, struct garden_error *error);
// The port that it listens on.
uint16_t http_port(const struct http *http);
// Frees it once its handles are closed; run the loop once more.
void http_close(struct http *http);

#endif
