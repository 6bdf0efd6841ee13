// What gardend serves over HTTP, with libmicrohttpd on the daemon's own loop. It listens on loopback only;
// whoever wants more puts a proxy before it. This file knows who may ask; what is answered is the owner's.
//
// A page of somebody else's that is open in a browser of this machine can reach loopback, too. So a request
// must name loopback, or |host|, as its Host (else a name that is led here would do, DNS
// rebinding), and one that comes from a page must come from one of ours; what changes something must. Where
// there is a token, it must be shown: as "Authorization: Bearer TOKEN", or by a browser in a cookie, which it
// is given when it asks for "/?token=TOKEN".
#ifndef GARDEN_DAEMON_HTTP_H
#define GARDEN_DAEMON_HTTP_H

#include <stdbool.h>
#include <uv.h>

#include "../errors.h"

struct http;

struct http_question {
    const char *path;
    bool post; // else GET or HEAD
    void *connection;
};
// The value of "?NAME=..."; null: not given.
const char *http_argument(const struct http_question *question, const char *name);

struct http_answer {
    unsigned status;
    const char *type;   // of the content
    const char *policy; // Content-Security-Policy; null: "default-src 'none'"
    char *text;
    size_t size;
    bool lent; // else it goes to free()
};
// An answer that is a line of text.
struct http_answer http_line(unsigned status, const char *line);

struct http_config {
    uv_loop_t *loop;
    const char *address; // "127.0.0.1:9464", "[::1]:0"
    const char *token;   // null: none is asked for
    const char *host;    // another name that a Host may have, of a proxy; null: none
    // A null text: no memory.
    struct http_answer (*answer)(const struct http_question *question, void *user);
    void *user;
};
int http_open(struct http **out, const struct http_config *config, struct garden_error *error);
// The port that it listens on.
uint16_t http_port(const struct http *http);
// Pages of ours, as browsers tell their origins, between spaces.
const char *http_origins(const struct http *http);
// Frees it once its handles are closed; run the loop once more.
void http_close(struct http *http);

#endif
