// A translator of zmtp/ws in a test: what it is fed, what it reads, what it says, and its memory.
#ifndef TEST_SUPPORT_WEB_H
#define TEST_SUPPORT_WEB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/octets.h"
#include "zmtp/ws/inside.h"

#define NEEDS_WS()                                                                                 \
    if (!zmtp__ws_built()) skip()

// The nonce that web_random gives first, in Base64, and the answer to it.
#define WEB_KEY "AAECAwQFBgcICQoLDA0ODw=="
#define WEB_ACCEPT "Bz3qJYTGdOe8gUSpLosEdiLKDrk="
#define WEB_REQUEST(protocol)                                                                      \
    "GET /x HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                  \
    "Sec-WebSocket-Key: " WEB_KEY "\r\nSec-WebSocket-Version: 13\r\n"                              \
    "Sec-WebSocket-Protocol: " protocol "\r\n\r\n"
#define WEB_RESPONSE(protocol)                                                                     \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Accept: " WEB_ACCEPT "\r\nSec-WebSocket-Protocol: " protocol "\r\n\r\n"
// A frame of a client whose mask is zero, so that its payload can be read here; of at most 125 octets.
#define WEB_FRAME(first, size) first size "\0\0\0\0"

enum { WEB_OUT_MAX = 2 << 20 };

struct web {
    struct zmtp_budget budget;
    struct zmtp__ws *ws;
    uint64_t now_ms;
    uint8_t read[WEB_OUT_MAX], said[WEB_OUT_MAX]; // all so far
    size_t read_size, said_size;
};

void web_open(struct web *web, bool server, const char *mechanism); // the upgrade is to come
// The upgrade is done, the greeting was read, and what was said is forgotten. |protocol| "ZWS2.0/NULL"
// and so on, or "ZWS2.0".
void web_start(struct web *web, bool server, const char *protocol);
void web_close(struct web *web); // and checks that nothing is left
// Feeds |in| |step| octets at a time and reads what comes of it, |room| octets at a time.
void web_feed(struct web *web, struct zmtp_bytes in, size_t step, size_t room);
void web_hear(struct web *web, struct zmtp_bytes in); // the same, at once
// Gives it what a peer shows, |step| octets at a time, and takes what it says.
void web_show(struct web *web, struct zmtp_bytes from, size_t step);
void web_forget(struct web *web); // what was read and said

void web_assert_read(struct web *web, struct zmtp_bytes expected);
void web_assert_said(struct web *web, struct zmtp_bytes expected);

#endif
