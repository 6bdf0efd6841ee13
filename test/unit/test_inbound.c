// From the network to the peer: what WebSocket messages become, what is refused, and with which words.
// Frames are spelled out after RFC 6455, section 5.2; those of clients are masked with zero.
#include <stdlib.h>
#include <string.h>

#include "test/support/web.h"

static struct web web;

// After the handshake, of which the translator is told.
static void start_established(bool server, const char *protocol)
{
    web_start(&web, server, protocol);
    zmtp__ws_establish(web.ws, 0);
}

// The peer hears a greeting of ZMTP 3.0 and that mechanism (RFC 23, Greeting).
static void assert_greeted(const char *mechanism)
{
    struct zmtp_greeting greeting;
    assert_int_equal(web.read_size, ZMTP_GREETING_SIZE);
    assert_int_equal(zmtp_greeting_decode(zmtp_bytes_of(web.read, web.read_size), &greeting), 64);
    assert_string_equal(greeting.mechanism, mechanism);
    assert_int_equal(greeting.major, 3);
    assert_int_equal(greeting.minor, 0);
    web_forget(&web);
}

// ZWS45-HS-02: the subprotocol is what a greeting would have said. However the head is cut.
static void test_an_upgrade_becomes_a_greeting(void **state)
{
    (void)state;
    NEEDS_WS();
    static const char *const mechanisms[] = {"NULL", "PLAIN", "CURVE"};
    static const char *const requests[] = {WEB_REQUEST("ZWS2.0/NULL"), WEB_REQUEST("ZWS2.0/PLAIN"),
                                           WEB_REQUEST("ZWS2.0/CURVE")};
    for (size_t i = 0; i < 3; i++) {
        const struct zmtp_bytes request = zmtp_bytes_text(requests[i]);
        for (size_t step = 1; step <= request.size; step += step < 8 ? 1 : 61) {
            web_open(&web, true, mechanisms[i]);
            web_feed(&web, request, step, step);
            assert_greeted(mechanisms[i]);
            web_show(&web, (struct zmtp_bytes){0}, 1);
            assert_memory_equal(web.said, "HTTP/1.1 101 ", 13);
            web_close(&web);
        }
    }
}

static void test_frames_may_follow_a_head_at_once(void **state)
{
    (void)state;
    NEEDS_WS();
    const struct zmtp_bytes in = LITERAL(WEB_RESPONSE("ZWS2.0/NULL") "\x82\x02\0x");
    for (size_t step = 1; step <= in.size; step++) {
        web_open(&web, false, "NULL");
        web_feed(&web, in, step, 100);
        octets_assert_equal(zmtp_bytes_of(web.read + ZMTP_GREETING_SIZE, web.read_size - 64),
                            LITERAL("\0\1x"));
        web_close(&web);
    }
}

// ZWS45-FR-01, ZWS45-FR-02
static void test_a_message_is_the_frame_that_its_flags_say(void **state)
{
    (void)state;
    NEEDS_WS();
    web_start(&web, true, "ZWS2.0/NULL");
    web_hear(&web, LITERAL(WEB_FRAME("\x82", "\x84") "\0abc"));
    web_assert_read(&web, LITERAL("\0\3abc"));
    web_hear(&web, LITERAL(WEB_FRAME("\x82", "\x81") "\1"));
    web_assert_read(&web, LITERAL("\1\0"));
    web_hear(&web, LITERAL(WEB_FRAME("\x82", "\x87") "\2\5READY"));
    web_assert_read(&web, LITERAL("\4\6\5READY"));
    web_close(&web);
}

// Where the headers of ZMTP and of WebSocket change their forms, and across wslay's 4096 octets.
static void test_bodies_of_every_size_come_as_they_were(void **state)
{
    (void)state;
    NEEDS_WS();
    static const size_t sizes[] = {0,    1,    123,   124,   125,   255,  256,
                                   4090, 4096, 65533, 65534, 65535, 90000};
    uint8_t *const frame = malloc(100000), *const expected = malloc(100000);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const size_t payload = sizes[i] + 1;
        size_t at = 0;
        frame[at++] = 0x82;
        frame[at++] = payload < 126 ? (uint8_t)payload : payload < 65536 ? 126 : 127;
        const size_t width = payload < 126 ? 0 : payload < 65536 ? 2 : 8;
        for (size_t k = width; k > 0; k--)
            frame[at++] = (uint8_t)((uint64_t)payload >> 8 * (k - 1));
        frame[at++] = 0;
        for (size_t k = 0; k < sizes[i]; k++)
            frame[at + k] = (uint8_t)(k * 31);
        const size_t header = zmtp_frame_encode(&(struct zmtp_frame){.size = sizes[i]}, expected);
        memcpy(expected + header, frame + at, sizes[i]);
        static const size_t steps[] = {1, 7, 4096, 100000};
        for (size_t k = 0; k < 4; k++) {
            if (sizes[i] > 5000 && steps[k] < 100) continue;
            start_established(false, "ZWS2.0/NULL");
            web_feed(&web, zmtp_bytes_of(frame, at + sizes[i]), steps[k], steps[k] == 7 ? 3 : 5000);
            web_assert_read(&web, zmtp_bytes_of(expected, header + sizes[i]));
            web_close(&web);
        }
    }
    free(frame);
    free(expected);
}

// RFC 6455, section 5.4; libzmq cannot do that (LZ-36).
static void test_a_fragmented_message_is_one_frame(void **state)
{
    (void)state;
    NEEDS_WS();
    static const char in[] = WEB_FRAME("\x02", "\x80")                 //
        WEB_FRAME("\x00", "\x83") "\1ab" WEB_FRAME("\x89", "\x81") "p" // a PING between
        WEB_FRAME("\x00", "\x80")                                      //
        WEB_FRAME("\x80", "\x82") "cd" WEB_FRAME("\x82", "\x82") "\0e";
    const struct zmtp_bytes all = zmtp_bytes_of(in, sizeof in - 1);
    for (size_t step = 1; step <= all.size; step++) {
        web_start(&web, true, "ZWS2.0/NULL");
        web_feed(&web, all, step, 2);
        web_assert_read(&web, LITERAL("\1\4abcd\0\1e"));
        web_show(&web, (struct zmtp_bytes){0}, 1);
        web_assert_said(&web, LITERAL("\x8A\1p"));
        web_close(&web);
    }
}

// ZWS45-NOMECH-01
static void test_without_a_mechanism_the_first_message_is_the_routing_id(void **state)
{
    (void)state;
    NEEDS_WS();
    const struct zmtp_bytes in = LITERAL(WEB_FRAME("\x82", "\x84") "\0you" //
                                         WEB_FRAME("\x82", "\x83") "\0hi");
    for (size_t step = 1; step <= in.size; step++) {
        web_start(&web, true, "ZWS2.0");
        web_feed(&web, in, step, 4);
        web_assert_read(&web, LITERAL("\4\x16\5READY\10Identity\0\0\0\3you" //
                                      "\0\2hi"));
        web_close(&web);
    }
    web_start(&web, true, "ZWS2.0");
    web_hear(&web, LITERAL(WEB_FRAME("\x82", "\x81") "\0"));
    web_assert_read(&web, LITERAL("\4\x13\5READY\10Identity\0\0\0\0"));
    web_close(&web);
}

static void assert_ends(const char *protocol, bool established, struct zmtp_bytes in, int error,
                        unsigned code, const char *word)
{
    const bool server = in.size > 1 && in.data[1] & 0x80;
    web_start(&web, server, protocol);
    if (established) zmtp__ws_establish(web.ws, 0);
    web_hear(&web, in);
    assert_int_equal(zmtp__ws_error(web.ws), error);
    if (!strstr(zmtp__ws_reason(web.ws), word)) fail_msg("%s", zmtp__ws_reason(web.ws));
    // It says goodbye, and neither hears nor takes anything more.
    web_show(&web, LITERAL("\0\1x"), 3);
    const size_t header = server ? 2 : 6;
    assert_int_equal(web.said_size, header + 2);
    assert_int_equal(web.said[0], 0x88);
    const unsigned high = web.said[header] ^ (server ? 0u : web.said[2]);
    const unsigned low = web.said[header + 1] ^ (server ? 0u : web.said[3]);
    assert_int_equal(high << 8 | low, code);
    web_forget(&web);
    web_hear(&web, LITERAL(WEB_FRAME("\x82", "\x82") "\0x"));
    assert_int_equal(web.read_size, 0);
    assert_int_equal(zmtp__ws_error(web.ws), error);
    web_close(&web);
}

// Amid the handshake and after it.
static void assert_breach(const char *protocol, struct zmtp_bytes in, int error, unsigned code,
                          const char *word)
{
    assert_ends(protocol, false, in, error, code, word);
    assert_ends(protocol, true, in, error, code, word);
}

// ZWS45-HS-01
static void test_text_is_refused(void **state)
{
    (void)state;
    NEEDS_WS();
    assert_breach("ZWS2.0/NULL", LITERAL(WEB_FRAME("\x81", "\x82") "\0x"), ZMTP_ERR_FRAME, 1003,
                  "text");
    assert_breach("ZWS2.0", LITERAL(WEB_FRAME("\x01", "\x82") "\0x"), ZMTP_ERR_FRAME, 1003, "text");
}

static void test_what_breaks_a_rule_of_either_protocol_is_refused(void **state)
{
    (void)state;
    NEEDS_WS();
    const struct {
        struct zmtp_bytes in;
        const char *word;
    } cases[] = {
        {LITERAL(WEB_FRAME("\x82", "\x82") "\3x"), "flags"}, // a command with more to come
        {LITERAL(WEB_FRAME("\x82", "\x82") "\4x"), "flags"}, // a flag of ZMTP's
        {LITERAL(WEB_FRAME("\x82", "\x82") "\xFFx"), "flags"},
        {LITERAL(WEB_FRAME("\x82", "\x80")), "no flags"},
        {LITERAL(WEB_FRAME("\x02", "\x80") WEB_FRAME("\x80", "\x80")), "no flags"},
        {LITERAL(WEB_FRAME("\x80", "\x82") "\0x"), "continues nothing"},
        {LITERAL(WEB_FRAME("\x02", "\x82") "\0x" WEB_FRAME("\x82", "\x82") "\0y"), "within"},
        {LITERAL(WEB_FRAME("\xC2", "\x82") "\0x"), "extension"},
        {LITERAL(WEB_FRAME("\xA2", "\x82") "\0x"), "extension"},
        {LITERAL(WEB_FRAME("\x92", "\x82") "\0x"), "extension"},
        {LITERAL(WEB_FRAME("\x83", "\x82") "\0x"), "opcode"},
        {LITERAL(WEB_FRAME("\x8B", "\x82") "\0x"), "opcode"},
        {LITERAL(WEB_FRAME("\x09", "\x80")), "well-formed"},            // a fragmented PING
        {LITERAL("\x89\xFE\0\x7E\0\0\0\0"), "well-formed"},             // a large one
        {LITERAL("\x82\xFE\0\5\0\0\0\0\0abcd"), "well-formed"},         // a size that is too long
        {LITERAL("\x82\xFF\x80\0\0\0\0\0\0\0\0\0\0\0"), "well-formed"}, // above 2^63
        {LITERAL(WEB_FRAME("\x88", "\x81") "\3"), "half"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_breach("ZWS2.0/NULL", cases[i].in, ZMTP_ERR_FRAME, 1002, cases[i].word);
}

// RFC 6455, section 5.1
static void test_clients_must_mask_and_servers_must_not(void **state)
{
    (void)state;
    NEEDS_WS();
    web_start(&web, true, "ZWS2.0/NULL");
    web_hear(&web, LITERAL("\x82\x02\0x"));
    assert_int_equal(zmtp__ws_error(web.ws), ZMTP_ERR_FRAME);
    assert_non_null(strstr(zmtp__ws_reason(web.ws), "must mask"));
    web_close(&web);
    web_start(&web, false, "ZWS2.0/NULL");
    web_hear(&web, LITERAL(WEB_FRAME("\x82", "\x82") "\0x"));
    assert_int_equal(zmtp__ws_error(web.ws), ZMTP_ERR_FRAME);
    assert_non_null(strstr(zmtp__ws_reason(web.ws), "must not mask"));
    assert_int_equal(web.read_size, 0);
    web_close(&web);
}

static void test_a_first_message_that_is_no_routing_id_is_refused(void **state)
{
    (void)state;
    NEEDS_WS();
    assert_breach("ZWS2.0", LITERAL(WEB_FRAME("\x82", "\x82") "\1x"), ZMTP_ERR_ROUTING_ID, 1002,
                  "routing id");
    assert_breach("ZWS2.0", LITERAL(WEB_FRAME("\x82", "\x87") "\2\5READY"), ZMTP_ERR_ROUTING_ID,
                  1002, "routing id");
    const uint8_t long_id[8 + 257] = {0x82, 0xFE, 1, 1};
    assert_breach("ZWS2.0", zmtp_bytes_of(long_id, sizeof long_id), ZMTP_ERR_ROUTING_ID, 1002,
                  "routing id");
}

// The peer judges whole frames by their size; what must be gathered is judged here, before it is.
static void test_fragments_are_judged_before_they_are_gathered(void **state)
{
    (void)state;
    NEEDS_WS();
    // The message that a handshake may have, with its flags, is just taken.
    static uint8_t in[8 + 2049 + 8];
    memcpy(in, "\x02\xFE\x08\x01\0\0\0\0", 8); // 2049 octets
    memcpy(in + 8 + 2049, WEB_FRAME("\x80", "\x80"), 6);
    web_start(&web, true, "ZWS2.0/NULL");
    web_hear(&web, zmtp_bytes_of(in, 8 + 2049 + 6));
    assert_int_equal(zmtp__ws_error(web.ws), ZMTP_OK);
    assert_int_equal(web.read_size, 9 + 2048);
    web_close(&web);
    // One octet more is not, in one frame or two, and neither is a large promise.
    assert_ends("ZWS2.0/NULL", false, LITERAL("\x02\xFE\x08\x02\0\0\0\0\0"), ZMTP_ERR_LIMIT, 1009,
                "too large");
    memcpy(in + 8 + 2049, WEB_FRAME("\x80", "\x81") "x", 7);
    assert_ends("ZWS2.0/NULL", false, zmtp_bytes_of(in, 8 + 2049 + 7), ZMTP_ERR_LIMIT, 1009,
                "too large");
    assert_ends("ZWS2.0/NULL", false, LITERAL("\x02\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0\0"),
                ZMTP_ERR_LIMIT, 1009, "too large");
    // After the handshake the limit is that of messages.
    web_start(&web, true, "ZWS2.0/NULL");
    zmtp__ws_establish(web.ws, 0);
    web_hear(&web, LITERAL("\x02\xFF\0\0\0\0\0\1\x86\xA1\0\0\0\0\0")); // 100001
    assert_int_equal(zmtp__ws_error(web.ws), ZMTP_OK);
    assert_in_range(web.budget.bytes, 1, 8192); // the promise costs nothing
    web_close(&web);
    assert_ends("ZWS2.0/NULL", true, LITERAL("\x02\xFF\0\0\0\0\0\1\x86\xA2\0\0\0\0\0"),
                ZMTP_ERR_LIMIT, 1009, "too large");
}

// What comes right behind a READY may be larger than anything before it, and the peer alone knows which
// frame is the last of its handshake.
static void test_a_stranger_s_frames_are_read_one_at_a_time(void **state)
{
    (void)state;
    NEEDS_WS();
    static uint8_t in[12 + 14 + 5000] = WEB_FRAME("\x82", "\x86") "\2READY\x82\xFE\x13\x89";
    uint8_t out[6000];
    web_start(&web, true, "ZWS2.0/NULL");
    zmtp__ws_feed(web.ws, zmtp_bytes_of(in, 12 + 8 + 5001), 0);
    assert_int_equal(zmtp__ws_read(web.ws, out, sizeof out, 0), 2 + 5);
    assert_memory_equal(out, "\4\5READY", 7);
    assert_true(zmtp__ws_holds(web.ws));
    zmtp__ws_establish(web.ws, 0);
    assert_int_equal(zmtp__ws_read(web.ws, out, sizeof out, 0), 9 + 5000);
    assert_int_equal(zmtp__ws_error(web.ws), ZMTP_OK);
    assert_false(zmtp__ws_holds(web.ws));
    web_close(&web);
}

static void test_a_large_message_is_handed_on_as_it_comes(void **state)
{
    (void)state;
    NEEDS_WS();
    static const uint8_t zeros[4096];
    web_start(&web, true, "ZWS2.0/NULL");
    zmtp__ws_establish(web.ws, 0);
    const size_t before = web.budget.bytes_peak;
    web_hear(&web, LITERAL("\x82\xFF\0\0\0\0\0\x0F\x42\x41\0\0\0\0\0")); // 1000001
    octets_assert_equal(zmtp_bytes_of(web.read, web.read_size),
                        LITERAL("\2\0\0\0\0\0\x0F\x42\x40"));
    web_forget(&web);
    for (size_t left = 1000000; left > 0;) {
        const size_t size = left < sizeof zeros ? left : sizeof zeros;
        web_hear(&web, zmtp_bytes_of(zeros, size));
        left -= size;
        assert_int_equal(web.read_size, 1000000 - left);
    }
    assert_int_equal(web.budget.bytes_peak, before);
    assert_null(web.ws->frames.context); // wslay's memory went with the frame
    web_close(&web);
}

static void test_an_idle_connection_holds_no_memory_of_frames(void **state)
{
    (void)state;
    NEEDS_WS();
    start_established(true, "ZWS2.0/NULL");
    assert_int_equal(web.budget.bytes, sizeof(struct zmtp__ws));
    web_hear(&web, LITERAL(WEB_FRAME("\x82", "\x82") "\0x" WEB_FRAME("\x89", "\x80")));
    assert_null(web.ws->frames.context);
    web_hear(&web, LITERAL("\x82"));
    assert_non_null(web.ws->frames.context);
    web_hear(&web, LITERAL("\x82\0\0\0\0\0y"));
    assert_null(web.ws->frames.context);
    web_show(&web, LITERAL("\0\1x"), 1);
    assert_null(web.ws->frames.context);
    assert_int_equal(web.budget.bytes, sizeof(struct zmtp__ws));
    web_close(&web);
}

// Before the handshake is done a frame is kept as it came, until it is whole.
static void test_a_stranger_s_frame_waits_outside_of_wslay(void **state)
{
    (void)state;
    NEEDS_WS();
    static uint8_t frame[8 + 2049] = {0x82, 0xFE, 0x08, 0x01};
    web_start(&web, true, "ZWS2.0/NULL");
    for (size_t i = 0; i + 1 < sizeof frame; i++) {
        web_hear(&web, zmtp_bytes_of(frame + i, 1));
        assert_null(web.ws->frames.context);
        assert_int_equal(web.budget.bytes, sizeof(struct zmtp__ws) + i + 1);
    }
    assert_int_equal(web.read_size, 0);
    web_hear(&web, zmtp_bytes_of(frame, 1));
    assert_int_equal(web.read_size, 9 + 2048);
    assert_int_equal(web.budget.bytes, sizeof(struct zmtp__ws));
    web_close(&web);
}

// RFC 6455, section 5.5.1
static void test_a_goodbye_is_returned_and_ends_the_connection(void **state)
{
    (void)state;
    NEEDS_WS();
    assert_breach("ZWS2.0/NULL", LITERAL(WEB_FRAME("\x88", "\x80")), ZMTP_ERR_EOF, 1000, "");
    assert_breach("ZWS2.0/NULL", LITERAL(WEB_FRAME("\x88", "\x82") "\3\xE8"), ZMTP_ERR_EOF, 1000,
                  "");
    assert_breach("ZWS2.0/NULL", LITERAL(WEB_FRAME("\x88", "\x86") "\x0F\xA1go\1!"), ZMTP_ERR_EOF,
                  4001, "code 04001: go?!");
    assert_breach("ZWS2.0/NULL", LITERAL("\x88\x02\3\xE9"), ZMTP_ERR_EOF, 1001, "01001");
    // Codes that no frame may carry (section 7.4) are told to the user, and not returned.
    assert_breach("ZWS2.0/NULL", LITERAL("\x88\x02\3\xE7"), ZMTP_ERR_EOF, 1002, "00999");
    assert_breach("ZWS2.0/NULL", LITERAL("\x88\x02\3\xEC"), ZMTP_ERR_EOF, 1002, "01004");
    assert_breach("ZWS2.0/NULL", LITERAL("\x88\x02\3\xED"), ZMTP_ERR_EOF, 1002, "01005");
    assert_breach("ZWS2.0/NULL", LITERAL("\x88\x02\3\xEE"), ZMTP_ERR_EOF, 1002, "01006");
    assert_breach("ZWS2.0/NULL", LITERAL("\x88\x02\3\xF7"), ZMTP_ERR_EOF, 1002, "01015");
    assert_breach("ZWS2.0/NULL", LITERAL("\x88\x02\x13\x87"), ZMTP_ERR_EOF, 4999, "04999");
    assert_breach("ZWS2.0/NULL", LITERAL("\x88\x02\x13\x88"), ZMTP_ERR_EOF, 1002, "05000");
    // What came before it came.
    web_start(&web, true, "ZWS2.0/NULL");
    web_hear(&web, LITERAL(WEB_FRAME("\x82", "\x82") "\0x" WEB_FRAME("\x88", "\x80")));
    web_assert_read(&web, LITERAL("\0\1x"));
    assert_int_equal(zmtp__ws_error(web.ws), ZMTP_ERR_EOF);
    web_close(&web);
}

static void assert_no_upgrade(bool server, struct zmtp_bytes in, int error, const char *answer)
{
    web_open(&web, server, "NULL");
    if (!server) web_show(&web, (struct zmtp_bytes){0}, 1);
    web_forget(&web);
    web_hear(&web, in);
    assert_int_equal(zmtp__ws_error(web.ws), error);
    assert_true(zmtp__ws_reason(web.ws)[0]);
    assert_int_equal(web.read_size, 0);
    web_show(&web, LITERAL("greeting"), 8);
    assert_int_equal(web.said_size > 0, answer != NULL);
    if (answer) assert_memory_equal(web.said, answer, strlen(answer));
    web_close(&web);
}

static void test_what_cannot_become_a_head_is_refused_at_its_first_octets(void **state)
{
    (void)state;
    NEEDS_WS();
    static uint8_t large[5000];
    assert_no_upgrade(true, LITERAL("\xFF"), ZMTP_ERR_GREETING, "HTTP/1.1 400");
    assert_no_upgrade(true, LITERAL("PO"), ZMTP_ERR_GREETING, "HTTP/1.1 400");
    assert_no_upgrade(false, LITERAL("\xFF"), ZMTP_ERR_GREETING, NULL);
    assert_no_upgrade(false, LITERAL("HTTP/2"), ZMTP_ERR_GREETING, NULL);
    memset(large, 'x', sizeof large);
    memcpy(large, "GET /", 5);
    assert_no_upgrade(true, zmtp_bytes_of(large, 4096), ZMTP_ERR_LIMIT, "HTTP/1.1 431");
    assert_no_upgrade(true, zmtp_bytes_of(large, 5000), ZMTP_ERR_LIMIT, "HTTP/1.1 431");
    memcpy(large, "HTTP/1.1 ", 9);
    assert_no_upgrade(false, zmtp_bytes_of(large, 5000), ZMTP_ERR_LIMIT, NULL);
    // Just below it waits.
    web_open(&web, true, "NULL");
    memcpy(large, "GET /", 5);
    web_hear(&web, zmtp_bytes_of(large, 4095));
    assert_int_equal(zmtp__ws_error(web.ws), ZMTP_OK);
    assert_true(web.budget.bytes <= 4096 + sizeof(struct zmtp__ws));
    web_close(&web);
}

static void test_a_request_of_another_path_is_answered_and_over(void **state)
{
    (void)state;
    NEEDS_WS();
    assert_no_upgrade(true, LITERAL("GET /y HTTP/1.1\r\nHost: h\r\n\r\n"), ZMTP_ERR_NOT_FOUND,
                      "HTTP/1.1 404");
}

// A conversation with everything in it, for each allocation failing in turn.
static void test_any_allocation_may_fail(void **state)
{
    (void)state;
    NEEDS_WS();
    const struct zmtp_bytes in = LITERAL(WEB_REQUEST("ZWS2.0/NULL") //
                                         WEB_FRAME("\x02", "\x83") "\1ab" WEB_FRAME(
                                             "\x80", "\x82") "cd" WEB_FRAME("\x82", "\x82") "\0e");
    uint64_t calls = 1;
    for (uint64_t n = 1; n <= calls; n++) {
        web_open(&web, true, "NULL");
        const uint64_t opened = web.budget.calls;
        web.budget.fail_at = opened + n;
        web_feed(&web, in, 50, 3);
        web_show(&web, (struct zmtp_bytes){0}, 1);
        if (n == 1) calls = 100;
        if (zmtp__ws_error(web.ws) == ZMTP_OK) {
            assert_true(web.budget.calls - opened < n); // it had no n-th
            calls = 0;
            assert_memory_equal(web.read + ZMTP_GREETING_SIZE, "\1\4abcd\0\1e", 9);
        } else {
            assert_int_equal(zmtp__ws_error(web.ws), ZMTP_ERR_MEMORY);
        }
        web_close(&web);
    }
}

// Even for the first octet of a frame.
static void test_what_cannot_be_kept_ends_the_connection(void **state)
{
    (void)state;
    NEEDS_WS();
    web_start(&web, true, "ZWS2.0/NULL");
    web.budget.fail_at = web.budget.calls + 1;
    web_hear(&web, LITERAL("\x82"));
    assert_int_equal(zmtp__ws_error(web.ws), ZMTP_ERR_MEMORY);
    web_close(&web);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_upgrade_becomes_a_greeting),
        cmocka_unit_test(test_frames_may_follow_a_head_at_once),
        cmocka_unit_test(test_a_message_is_the_frame_that_its_flags_say),
        cmocka_unit_test(test_bodies_of_every_size_come_as_they_were),
        cmocka_unit_test(test_a_fragmented_message_is_one_frame),
        cmocka_unit_test(test_without_a_mechanism_the_first_message_is_the_routing_id),
        cmocka_unit_test(test_text_is_refused),
        cmocka_unit_test(test_what_breaks_a_rule_of_either_protocol_is_refused),
        cmocka_unit_test(test_clients_must_mask_and_servers_must_not),
        cmocka_unit_test(test_a_first_message_that_is_no_routing_id_is_refused),
        cmocka_unit_test(test_fragments_are_judged_before_they_are_gathered),
        cmocka_unit_test(test_a_stranger_s_frames_are_read_one_at_a_time),
        cmocka_unit_test(test_a_large_message_is_handed_on_as_it_comes),
        cmocka_unit_test(test_an_idle_connection_holds_no_memory_of_frames),
        cmocka_unit_test(test_a_stranger_s_frame_waits_outside_of_wslay),
        cmocka_unit_test(test_a_goodbye_is_returned_and_ends_the_connection),
        cmocka_unit_test(test_what_cannot_become_a_head_is_refused_at_its_first_octets),
        cmocka_unit_test(test_a_request_of_another_path_is_answered_and_over),
        cmocka_unit_test(test_any_allocation_may_fail),
        cmocka_unit_test(test_what_cannot_be_kept_ends_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
