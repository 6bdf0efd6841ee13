// The translator's life: opening it, and its heartbeats. Times are those of web_open: a PING after
// 1000 ms without an octet, dead 2000 ms after it.
#include <string.h>

#include "test/support/web.h"

static struct web web;

static void established(const char *protocol)
{
    web_start(&web, true, protocol);
    web.now_ms = 10000;
    zmtp__ws_establish(web.ws, web.now_ms);
}

static void test_without_libwslay_none_can_be_opened(void **state)
{
    (void)state;
    if (zmtp__ws_built()) skip();
    struct zmtp__ws *ws;
    const struct zmtp__ws_config config = {.server = true};
    assert_int_equal(zmtp__ws_open(&ws, &config), ZMTP_ERR_UNSUPPORTED);
    assert_null(ws);
}

static bool no_random(uint8_t *out, size_t size)
{
    (void)out, (void)size;
    return false;
}

static void test_a_client_without_randomness_is_none(void **state)
{
    (void)state;
    NEEDS_WS();
    struct zmtp_budget budget;
    struct zmtp__ws *ws;
    zmtp_budget_init(&budget, NULL);
    const struct zmtp__ws_config config = {
        .allocator = &budget.allocator, .upgrade = {.mechanism = "NULL"}, .random = no_random};
    assert_int_equal(zmtp__ws_open(&ws, &config), ZMTP_ERR_SYSTEM);
    assert_null(ws);
    assert_int_equal(budget.bytes, 0);
}

static void test_silence_is_asked_and_then_the_end(void **state)
{
    (void)state;
    NEEDS_WS();
    established("ZWS2.0/NULL");
    assert_int_equal(zmtp__ws_deadline(web.ws, false), 11000);
    zmtp__ws_tick(web.ws, false, 10999);
    assert_false(zmtp__ws_wants(web.ws));
    web.now_ms = 11000;
    zmtp__ws_tick(web.ws, false, 11000);
    web_show(&web, (struct zmtp_bytes){0}, 1);
    web_assert_said(&web, LITERAL("\x89\0"));
    zmtp__ws_left(web.ws, true, 11000);
    assert_int_equal(zmtp__ws_deadline(web.ws, false), 13000);
    zmtp__ws_tick(web.ws, false, 12999);
    assert_int_equal(zmtp__ws_error(web.ws), ZMTP_OK);
    zmtp__ws_tick(web.ws, false, 13000);
    assert_int_equal(zmtp__ws_error(web.ws), ZMTP_ERR_HEARTBEAT);
    web_show(&web, (struct zmtp_bytes){0}, 1);
    web_assert_said(&web, LITERAL("\x88\2\3\xF0"));
    assert_int_equal(zmtp__ws_deadline(web.ws, false), UINT64_MAX);
    web_close(&web);
}

static void test_any_octet_is_a_sign_of_life(void **state)
{
    (void)state;
    NEEDS_WS();
    established("ZWS2.0/NULL");
    web.now_ms = 11000;
    zmtp__ws_tick(web.ws, false, 11000);
    web_show(&web, (struct zmtp_bytes){0}, 1);
    zmtp__ws_left(web.ws, true, 11000);
    web.now_ms = 11250;
    web_hear(&web, LITERAL(WEB_FRAME("\x8A", "\x80")));
    assert_int_equal(zmtp__ws_deadline(web.ws, false), 12250);
    struct zmtp__ws_counters counters = zmtp__ws_counters(web.ws);
    assert_int_equal(counters.pings_sent, 1);
    assert_int_equal(counters.pongs_received, 1);
    assert_int_equal(counters.round_trip_ms, 250);
    web.now_ms = 11300;
    web_hear(&web, LITERAL("\x82"));
    assert_int_equal(zmtp__ws_deadline(web.ws, false), 12300);
    // A PONG that nobody asked for says nothing about the way.
    web.now_ms = 11400;
    web_hear(&web, LITERAL("\x82\0\0\0\0\0x" WEB_FRAME("\x8A", "\x80")));
    counters = zmtp__ws_counters(web.ws);
    assert_int_equal(counters.round_trip_ms, 250);
    web_close(&web);
}

// However long the clock has run.
static void test_a_round_trip_is_told_of_late_times_too(void **state)
{
    (void)state;
    NEEDS_WS();
    const uint64_t late_ms = UINT64_C(1) << 33;
    web_start(&web, true, "ZWS2.0/NULL");
    web.now_ms = late_ms;
    zmtp__ws_establish(web.ws, late_ms);
    web.now_ms += 1000;
    zmtp__ws_tick(web.ws, false, web.now_ms);
    web_show(&web, (struct zmtp_bytes){0}, 1);
    web.now_ms += 250;
    web_hear(&web, LITERAL(WEB_FRAME("\x8A", "\x80")));
    assert_int_equal(zmtp__ws_counters(web.ws).round_trip_ms, 250);
    web_close(&web);
}

// A peer whose pipe is full hears nothing. It must not take that for silence, but shows life itself.
static void test_who_does_not_listen_does_not_judge_but_asks(void **state)
{
    (void)state;
    NEEDS_WS();
    established("ZWS2.0/NULL");
    for (uint64_t now_ms = 11000; now_ms < 20000; now_ms += 1000) {
        assert_int_equal(zmtp__ws_deadline(web.ws, true), now_ms);
        web.now_ms = now_ms;
        zmtp__ws_tick(web.ws, true, now_ms);
        web_show(&web, (struct zmtp_bytes){0}, 1);
        web_assert_said(&web, LITERAL("\x89\0"));
        zmtp__ws_left(web.ws, true, now_ms);
    }
    assert_int_equal(zmtp__ws_error(web.ws), ZMTP_OK);
    web_close(&web);
}

static void test_a_ping_behind_a_long_message_has_not_been_asked(void **state)
{
    (void)state;
    NEEDS_WS();
    established("ZWS2.0/NULL");
    web_show(&web, LITERAL("\0\4a"), 3);
    zmtp__ws_tick(web.ws, false, 11000);
    assert_int_equal(zmtp__ws_deadline(web.ws, false), 13000);
    zmtp__ws_left(web.ws, false, 12500); // an octet of the message leaves: it is being received
    assert_int_equal(zmtp__ws_deadline(web.ws, false), 14500);
    web.now_ms = 14000;
    web_show(&web, LITERAL("bcd"), 3);
    zmtp__ws_left(web.ws, false, 14000); // the PING is among what has been written, but not left
    assert_int_equal(zmtp__ws_deadline(web.ws, false), 16000);
    zmtp__ws_left(web.ws, true, 14100);
    assert_int_equal(zmtp__ws_deadline(web.ws, false), 16100);
    zmtp__ws_left(web.ws, true, 15000); // what leaves after it proves nothing
    assert_int_equal(zmtp__ws_deadline(web.ws, false), 16100);
    web_close(&web);
}

// LZ-36: libzmq answers no PING where there is no mechanism.
static void test_without_a_mechanism_only_those_who_answered_are_judged(void **state)
{
    (void)state;
    NEEDS_WS();
    established("ZWS2.0");
    for (uint64_t now_ms = 11000; now_ms < 20000; now_ms += 1000) {
        web.now_ms = now_ms;
        zmtp__ws_tick(web.ws, false, now_ms);
        web_show(&web, (struct zmtp_bytes){0}, 1);
        zmtp__ws_left(web.ws, true, now_ms);
    }
    assert_int_equal(zmtp__ws_error(web.ws), ZMTP_OK);
    web.now_ms = 20000;
    web_hear(&web, LITERAL(WEB_FRAME("\x8A", "\x80")));
    zmtp__ws_tick(web.ws, false, 21000);
    assert_int_equal(zmtp__ws_deadline(web.ws, false), 23000);
    zmtp__ws_tick(web.ws, false, 23000);
    assert_int_equal(zmtp__ws_error(web.ws), ZMTP_ERR_HEARTBEAT);
    web_close(&web);
}

static void test_there_are_no_heartbeats_before_the_handshake_is_done(void **state)
{
    (void)state;
    NEEDS_WS();
    web_start(&web, true, "ZWS2.0/NULL");
    assert_int_equal(zmtp__ws_deadline(web.ws, false), UINT64_MAX);
    web_close(&web);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_libwslay_none_can_be_opened),
        cmocka_unit_test(test_a_client_without_randomness_is_none),
        cmocka_unit_test(test_silence_is_asked_and_then_the_end),
        cmocka_unit_test(test_any_octet_is_a_sign_of_life),
        cmocka_unit_test(test_a_round_trip_is_told_of_late_times_too),
        cmocka_unit_test(test_who_does_not_listen_does_not_judge_but_asks),
        cmocka_unit_test(test_a_ping_behind_a_long_message_has_not_been_asked),
        cmocka_unit_test(test_without_a_mechanism_only_those_who_answered_are_judged),
        cmocka_unit_test(test_there_are_no_heartbeats_before_the_handshake_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
