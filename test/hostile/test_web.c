// Strangers at a WebSocket endpoint: heads without end or sense, frames against the rules, promises, and
// floods. Each holds little and is told why it goes, and an honest peer beside them notices nothing.
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "test/support/stranger.h"
#include "test/support/web.h"

#define READY WEB_FRAME("\x82", "\x9D") "\2\5READY\x0BSocket-Type\0\0\0\6DEALER"

static struct world world;
static struct node router;
static struct witness witness;
static struct stranger stranger;
static char endpoint[ZMTP_ENDPOINT_MAX], request[1024];

static void make_request(void)
{
    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: " WEB_KEY "\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Protocol: ZWS2.0/NULL\r\n\r\n",
             strchr(endpoint + 5, '/'));
}

static int serve_for(uint32_t handshake_ms)
{
    if (!zmtp__ws_built()) return 0;
    world_open(&world);
    node_init(&router, &world, ZMTP_ROUTER);
    router.config.limits.handshake_ms = handshake_ms;
    router.config.limits.message_max = 100000;
    router.config.pending_max = 400;
    echo_open(&router);
    world_endpoint(&world, ZMTP_WS, endpoint);
    node_bind(&router, endpoint);
    witness_open(&witness, &world, endpoint);
    make_request();
    return 0;
}

// The whole crowd stays, however slow the machine.
static int serve(void **state)
{
    (void)state;
    return serve_for(0);
}

static int serve_hastily(void **state)
{
    (void)state;
    return serve_for(2000);
}

static int stop(void **state)
{
    (void)state;
    if (!zmtp__ws_built()) return 0;
    witness_check(&witness);
    world_close(&world);
    return 0;
}

// Reads until the other side hangs up; what came, terminated.
static const char *last_words(void)
{
    static char words[2048];
    size_t size = 0;
    while (!stranger.refused) {
        size += stranger_read(&stranger, (uint8_t *)words + size, sizeof words - 1 - size);
        world_spin(&world, 1);
        if (world.expired) fail_msg("the connection is still there");
    }
    words[size] = '\0';
    stranger_close(&stranger);
    return words;
}

static void say(struct zmtp_bytes octets)
{
    (void)stranger_say(&stranger, octets); // it may be refused before the end
}

// Asks for an upgrade, gets it, and forgets the answer.
static void upgrade(void)
{
    uint8_t scratch[1024];
    stranger_open(&stranger, &world, endpoint);
    say(zmtp_bytes_text(request));
    while (stranger_read(&stranger, scratch, sizeof scratch) == 0)
        world_turn(&world);
}

static void join(void)
{
    const unsigned done = router.events[ZMTP_EVENT_HANDSHAKE_DONE];
    upgrade();
    say(LITERAL(READY));
    WORLD_UNTIL(&world, router.events[ZMTP_EVENT_HANDSHAKE_DONE] > done);
}

static void test_a_head_without_an_end_is_refused_at_4_kib(void **state)
{
    (void)state;
    NEEDS_WS();
    stranger_open(&stranger, &world, endpoint);
    say(LITERAL("GET /test/1 HTTP/1.1\r\nHost: h\r\n"));
    (void)stranger_repeat(&stranger, LITERAL("X-Filler: xxxxxxxxxxxxxxxx\r\n"), 1 << 20);
    WORLD_UNTIL(&world, router.events[ZMTP_EVENT_HANDSHAKE_FAILED] == 1);
    assert_int_equal(router.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_LIMIT);
    assert_non_null(strstr(router.reasons[ZMTP_EVENT_HANDSHAKE_FAILED], "4096"));
    stranger_close(&stranger);
    // One that waits to read is told.
    stranger_open(&stranger, &world, endpoint);
    char head[4200];
    memset(head, 'x', sizeof head);
    memcpy(head, "GET /", 5);
    say(zmtp_bytes_of(head, 4096));
    assert_non_null(strstr(last_words(), "HTTP/1.1 431 "));
}

static void test_requests_against_the_rules_are_answered_with_the_reason(void **state)
{
    (void)state;
    NEEDS_WS();
    static const struct {
        const char *request, *answer;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "404"},
        {"POST / HTTP/1.1\r\n\r\n", "400"},
        {"GET /test/1\r\n\r\n", "400"},
        {"GET /test/1 HTTP/1.1\r\n\r\n", "exactly one Host"},
        {"GET /test/1 HTTP/1.1\r\nHost: h\r\n\r\n", "426"},
        {"GET /test/1 HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n\r\n",
         "Base64"},
        {"\xFF\0\0\0\0\0\0\0\1\x7F", "400"},
        {"\x16\3\1\2", "400"}, // TLS
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stranger_open(&stranger, &world, endpoint);
        say(zmtp_bytes_text(cases[i].request));
        const char *const words = last_words();
        if (!strstr(words, cases[i].answer)) fail_msg("%u is answered with %s", i, words);
        WORLD_UNTIL(&world, router.events[ZMTP_EVENT_HANDSHAKE_FAILED] == i + 1);
    }
}

static void test_an_octet_of_a_head_now_and_then_gains_no_time(void **state)
{
    (void)state;
    NEEDS_WS();
    const char *at = request;
    stranger_open(&stranger, &world, endpoint);
    while (router.events[ZMTP_EVENT_HANDSHAKE_FAILED] == 0) {
        world_rest(&world, 50);
        if (at[1]) (void)stranger_try(&stranger, zmtp_bytes_of(at++, 1));
    }
    assert_int_equal(router.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_HANDSHAKE_TIMEOUT);
    stranger_close(&stranger);
    // The same after the upgrade.
    upgrade();
    WORLD_UNTIL(&world, router.events[ZMTP_EVENT_HANDSHAKE_FAILED] == 2);
    assert_int_equal(router.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_HANDSHAKE_TIMEOUT);
    stranger_close(&stranger);
}

// Wslay's memory is not of our allocator, so the whole process is looked at.
static size_t heap_bytes(void)
{
    const size_t all = mallinfo2().uordblks; // 0 under a sanitizer
    return all > 0 ? all : world.budget.bytes;
}

static void test_each_of_hundreds_of_half_open_connections_holds_at_most_8_kib(void **state)
{
    (void)state;
    NEEDS_WS();
    enum { CROWD = 300 };
    static struct stranger crowd[CROWD];
    static uint8_t beginnings[3][8192];
    size_t sizes[3] = {4095, 0, 0};
    // Nearly all of the longest head; then a whole one and nearly all of the longest READY, whole or
    // in fragments.
    memset(beginnings[0], 'x', sizeof beginnings[0]);
    memcpy(beginnings[0], "GET /", 5);
    for (size_t i = 1; i < 3; i++) {
        sizes[i] = strlen(request);
        memcpy(beginnings[i], request, sizes[i]);
        memcpy(beginnings[i] + sizes[i],
               i == 1 ? "\x82\xFE\x10\x01\0\0\0\0\2" : "\2\xFE\x10\x01\0\0\0\0\2", 9);
        sizes[i] += 8 + 4096;
    }
    for (size_t i = 0; i < 3; i++) {
        const unsigned accepted = router.events[ZMTP_EVENT_ACCEPTED];
        const unsigned failed = router.events[ZMTP_EVENT_HANDSHAKE_FAILED];
        world_spin(&world, 20);
        const size_t before = heap_bytes();
        for (unsigned j = 0; j < CROWD; j++) {
            stranger_open(&crowd[j], &world, endpoint);
            assert_true(stranger_say(&crowd[j], zmtp_bytes_of(beginnings[i], sizes[i])));
            WORLD_UNTIL(&world, router.events[ZMTP_EVENT_ACCEPTED] == accepted + j + 1);
        }
        world_spin(&world, 20);
        assert_int_equal(router.events[ZMTP_EVENT_HANDSHAKE_FAILED], failed);
        const size_t each = (heap_bytes() - before) / CROWD;
        if (each > 8192) fail_msg("%zu octets each, beginning %zu", each, i);
        assert_true(each > 2000); // or nothing was measured
        witness_check(&witness);
        for (size_t j = 0; j < CROWD; j++)
            stranger_close(&crowd[j]);
        WORLD_UNTIL(&world, router.events[ZMTP_EVENT_HANDSHAKE_FAILED] == failed + CROWD);
    }
}

static void test_frames_against_the_rules_end_the_connection_with_a_code(void **state)
{
    (void)state;
    NEEDS_WS();
    const struct {
        struct zmtp_bytes frame;
        int error;
        const char *goodbye;
    } cases[] = {
        {LITERAL("\x82\2\0x"), ZMTP_ERR_FRAME, "\x88\2\3\xEA"},                     // unmasked
        {LITERAL(WEB_FRAME("\x81", "\x82") "\0x"), ZMTP_ERR_FRAME, "\x88\2\3\xEB"}, // text
        {LITERAL(WEB_FRAME("\x82", "\x82") "\7x"), ZMTP_ERR_FRAME, "\x88\2\3\xEA"}, // flags
        {LITERAL(WEB_FRAME("\xF2", "\x82") "\0x"), ZMTP_ERR_FRAME, "\x88\2\3\xEA"}, // extensions
        // More than message_max, in one frame, of which the peer is the judge, and in fragments.
        {LITERAL("\x82\xFF\0\0\0\0\0\1\x86\xA2\0\0\0\0\0"), ZMTP_ERR_LIMIT, "\x88\2\3\xF1"},
        {LITERAL("\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\0\0"), ZMTP_ERR_LIMIT,
         "\x88\2\3\xF1"},
        {LITERAL("\2\xFF\0\0\0\0\0\1\x86\xA2\0\0\0\0\0"), ZMTP_ERR_LIMIT, "\x88\2\3\xF1"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        join();
        say(cases[i].frame);
        const char *const words = last_words();
        // It stands behind our READY.
        WORLD_UNTIL(&world, router.events[ZMTP_EVENT_CLOSED] == i + 1);
        assert_int_equal(router.errors[ZMTP_EVENT_CLOSED], cases[i].error);
        bool found = false;
        for (size_t at = 0; at + 4 < 200 && !found; at++)
            found = memcmp(words + at, cases[i].goodbye, 4) == 0;
        assert_true(found);
    }
}

// A fragment of nothing, again and again, is work but no memory, and no reason to starve others.
static void test_floods_of_empty_fragments_and_pings_hold_no_memory(void **state)
{
    (void)state;
    NEEDS_WS();
    join();
    say(LITERAL(WEB_FRAME("\2", "\x81") "\0"));
    world_spin(&world, 5);
    const size_t before = world.budget.bytes;
    assert_true(stranger_repeat(&stranger, LITERAL(WEB_FRAME("\0", "\x80")), 3 << 20));
    assert_true(world.budget.bytes <= before + 300 * 1024); // slabs of the pool
    witness_check(&witness);
    // It does not read: the answers to its PINGs do not pile up.
    assert_true(stranger_repeat(
        &stranger, LITERAL(WEB_FRAME("\x89", "\x84") "ping" WEB_FRAME("\0", "\x80")), 3 << 20));
    assert_true(world.budget.bytes <= before + 300 * 1024);
    witness_check(&witness);
    say(LITERAL(WEB_FRAME("\x80", "\x82") "ok"));
    assert_int_equal(router.events[ZMTP_EVENT_CLOSED], 0);
    stranger_close(&stranger);
    WORLD_UNTIL(&world, router.events[ZMTP_EVENT_CLOSED] == 1);
}

// What is still in the pipe when its sender has gone has nobody to go back to.
static void send_back_or_drop(struct node *node, struct zmtp_msg *msg)
{
    const int result = zmtp_uv_send_msg(node->socket, msg);
    assert_true(result == ZMTP_OK || result == ZMTP_ERR_AGAIN || result == ZMTP_ERR_UNREACHABLE);
}

static void test_who_never_reads_is_not_waited_for_by_others(void **state)
{
    (void)state;
    NEEDS_WS();
    static uint8_t message[14 + 60000] = {0x82, 0xFE, 0xEA, 0x61};
    router.act = send_back_or_drop;
    join();
    const size_t before = world.budget.bytes;
    // Each is sent back, until nothing more fits anywhere; then they are dropped.
    assert_true(stranger_repeat(&stranger, zmtp_bytes_of(message, 8 + 60001), 40 << 20));
    witness_check(&witness);
    assert_true(world.budget.bytes - before <= 2 * ZMTP_DEFAULT_HWM_BYTES + (4 << 20));
    stranger_reset(&stranger);
    WORLD_UNTIL(&world, router.events[ZMTP_EVENT_CLOSED] == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_head_without_an_end_is_refused_at_4_kib, serve,
                                        stop),
        cmocka_unit_test_setup_teardown(
            test_requests_against_the_rules_are_answered_with_the_reason, serve, stop),
        cmocka_unit_test_setup_teardown(test_an_octet_of_a_head_now_and_then_gains_no_time,
                                        serve_hastily, stop),
        cmocka_unit_test_setup_teardown(
            test_each_of_hundreds_of_half_open_connections_holds_at_most_8_kib, serve, stop),
        cmocka_unit_test_setup_teardown(
            test_frames_against_the_rules_end_the_connection_with_a_code, serve, stop),
        cmocka_unit_test_setup_teardown(test_floods_of_empty_fragments_and_pings_hold_no_memory,
                                        serve, stop),
        cmocka_unit_test_setup_teardown(test_who_never_reads_is_not_waited_for_by_others, serve,
                                        stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
