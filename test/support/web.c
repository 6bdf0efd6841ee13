#include "web.h"

#include <string.h>

static uint8_t web_next; // what web_random gives next

static bool web_random(uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = web_next++;
    return true;
}

void web_open(struct web *web, bool server, const char *mechanism)
{
    memset(web, 0, sizeof *web);
    web_next = 0;
    zmtp_budget_init(&web->budget, NULL);
    const struct zmtp__ws_config config = {
        .allocator = &web->budget.allocator,
        .server = server,
        .upgrade = {.mechanism = mechanism, .authority = LITERAL("h"), .path = LITERAL("/x")},
        .routing_id = LITERAL("me"),
        .random = web_random,
        .handshake_frame_max = 2048,
        .message_max = 100000,
        .heartbeat_interval_ms = 1000,
        .heartbeat_timeout_ms = 2000,
    };
    assert_int_equal(zmtp__ws_open(&web->ws, &config), ZMTP_OK);
}

void web_start(struct web *web, bool server, const char *protocol)
{
    char head[1024];
    const char *const mechanism = strlen(protocol) > 7 ? protocol + 7 : "NULL";
    web_open(web, server, mechanism);
    web_show(web, (struct zmtp_bytes){0}, 1); // a client asks
    strcpy(head, server ? WEB_REQUEST("") : WEB_RESPONSE(""));
    strcpy(head + strlen(head) - 4, protocol);
    strcat(head, "\r\n\r\n");
    web_hear(web, zmtp_bytes_text(head));
    assert_int_equal(zmtp__ws_error(web->ws), ZMTP_OK);
    assert_int_equal(web->read_size, ZMTP_GREETING_SIZE);
    const uint8_t greeting[ZMTP_GREETING_SIZE] = {0};
    web_show(web, zmtp_bytes_of(greeting, sizeof greeting), sizeof greeting);
    web_forget(web);
}

void web_close(struct web *web)
{
    zmtp__ws_close(web->ws);
    assert_int_equal(web->budget.bytes, 0);
    assert_int_equal(web->budget.blocks, 0);
}

static void web_read(struct web *web, size_t room)
{
    size_t size;
    do {
        assert_true(web->read_size + room <= WEB_OUT_MAX);
        size = zmtp__ws_read(web->ws, web->read + web->read_size, room, web->now_ms);
        assert_true(size <= room);
        web->read_size += size;
    } while (size > 0 || zmtp__ws_holds(web->ws));
}

void web_feed(struct web *web, struct zmtp_bytes in, size_t step, size_t room)
{
    for (size_t at = 0; at < in.size; at += step) {
        const size_t size = in.size - at < step ? in.size - at : step;
        // In a block of its own, which is gone when what was not read must have been kept.
        const struct zmtp_bytes copy = octets_prefix(zmtp_bytes_of(in.data + at, size), size);
        zmtp__ws_feed(web->ws, copy, web->now_ms);
        web->read_size += zmtp__ws_read(web->ws, web->read + web->read_size, room, web->now_ms);
        zmtp__ws_keep(web->ws);
        octets_drop(copy);
        web_read(web, room);
    }
}

void web_hear(struct web *web, struct zmtp_bytes in)
{
    web_feed(web, in, in.size, WEB_OUT_MAX / 4);
}

void web_show(struct web *web, struct zmtp_bytes from, size_t step)
{
    size_t at = 0, size;
    do {
        size = from.size - at < step ? from.size - at : step;
        struct zmtp_bytes view = {from.data ? from.data + at : NULL, size};
        assert_true(web->said_size + ZMTP__WS_ROOM_MIN <= WEB_OUT_MAX);
        const size_t said = zmtp__ws_wrap(web->ws, &view, web->said + web->said_size,
                                          ZMTP__WS_ROOM_MIN, web->now_ms);
        zmtp__ws_wrapped(web->ws);
        assert_true(said <= ZMTP__WS_ROOM_MIN);
        web->said_size += said;
        at += size - view.size;
        if (said == 0 && view.size == size) break; // it takes nothing and says nothing
    } while (at < from.size || zmtp__ws_wants(web->ws));
}

void web_forget(struct web *web)
{
    web->read_size = web->said_size = 0;
}

void web_assert_read(struct web *web, struct zmtp_bytes expected)
{
    octets_assert_equal(zmtp_bytes_of(web->read, web->read_size), expected);
    web->read_size = 0;
}

void web_assert_said(struct web *web, struct zmtp_bytes expected)
{
    octets_assert_equal(zmtp_bytes_of(web->said, web->said_size), expected);
    web->said_size = 0;
}
