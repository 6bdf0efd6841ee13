// An HTTP server of libmicrohttpd on the caller's loop. It listens on loopback only; whoever wants more puts a
// proxy before it.
#ifndef GARDEN_HTTP_HTTPD_H
#define GARDEN_HTTP_HTTPD_H

#include <microhttpd.h>
#include <stdbool.h>
#include <uv.h>

#include "../errors.h"

struct httpd;
struct httpd_config {
    uv_loop_t *loop;
    const char *address; // "127.0.0.1:9464", "[::1]:0"; of the option --http
    unsigned port_usual; // of such a program, for the example where |address| is none
    unsigned connections_max;
    MHD_AccessHandlerCallback request;
    MHD_RequestCompletedCallback completed; // null: nobody wants to know
    void (*closed)(void *user);             // all connections have ended; or null
    void *user;                             // of all three
};
int httpd_open(struct httpd **out, const struct httpd_config *config, struct garden_error *error);
// The port that it listens on.
uint16_t httpd_port(const struct httpd *httpd);
// A connection that was suspended goes on, soon.
void httpd_resume(struct httpd *httpd, struct MHD_Connection *connection);
// No connection may be suspended. Frees it once its handles are closed; run the loop once more.
void httpd_close(struct httpd *httpd);

// Whether |text|, as a Host or an Origin has it ("localhost:80", "[::1]", "127.0.0.1"), is an address of loopback.
bool httpd_is_loopback(const char *text);

#endif
