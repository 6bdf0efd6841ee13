// PING, PONG and the deadlines (RFC 37, Connection Heartbeating). Time is a number.
#include "test/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

// Every rig's clock starts at 1000. A PING after 100 ms of silence, dead 50 ms later.
static void connect_pair(struct rig *rig)
{
    rig->config.limits.heartbeat_interval_ms = 100;
    rig->config.limits.heartbeat_timeout_ms = 50;
    rig->config.limits.heartbeat_ttl_ms = 0;
    rig_connect(rig, ZMTP_PAIR, LITERAL(RIG_READY_PAIR));
}

static void tick_at(struct rig *rig, uint64_t now_ms)
{
    rig->now_ms = now_ms;
    zmtp_peer_tick(rig->peer, now_ms);
}

#define PING "\4\7\4PING\0\0"
#define PONG "\4\5\4PONG"

// ZMTP37-HB-01, HB-02
static void test_a_ping_is_answered_with_its_context(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_hear(rig, LITERAL(PING));
    rig_assert_says(rig, LITERAL(PONG));
    rig_hear(rig, LITERAL("\4\x0A\4PING\0\0abc"));
    rig_assert_says(rig, LITERAL("\4\x08\4PONGabc"));
    rig_hear(rig, LITERAL("\4\x17\4PING\0\0sixteen octets!!"));
    rig_assert_says(rig, LITERAL("\4\x15\4PONGsixteen octets!!"));
}

// What was shown at once, an answer amid messages, may leave in several turns.
static void assert_leaves_octet_by_octet(struct rig *rig, size_t size)
{
    struct zmtp_bytes views[16];
    size_t shown = 0;
    const size_t count = zmtp_peer_peek(rig->peer, views, 16);
    for (size_t i = 0; i < count; i++)
        shown += views[i].size;
    assert_int_equal(shown, size);
    for (; shown > 0; shown--)
        zmtp_peer_consume(rig->peer, 1, rig->now_ms);
}

static void test_what_was_shown_at_once_leaves_octet_by_octet(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_send(rig, "abc|def");
    rig_send(rig, "g");
    rig_drain(rig, 4, 16);
    rig_hear(rig, LITERAL(PING));
    assert_leaves_octet_by_octet(rig, 6 + 7); // the message that has begun, and the answer
    rig_hear(rig, LITERAL(PING));
    assert_leaves_octet_by_octet(rig, 7 + 3); // the answer, and the other message
    rig->sent_size = 0;
    rig_send(rig, "h");
    rig_assert_says(rig, LITERAL("\0\1h"));
}

// ZMTP37-HB-02; LZ-23: nothing is answered that the other side did not send.
static void test_a_ping_without_a_ttl_or_with_a_long_context_closes(void **state)
{
    struct rig *rig = *state;
    const struct zmtp_bytes cases[] = {LITERAL("\4\5\4PING"), LITERAL("\4\6\4PING\0"),
                                       LITERAL("\4\x18\4PING\0\0seventeen octets!"),
                                       LITERAL("\4\x16\4PONGseventeen octets!")};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        connect_pair(rig);
        rig_hear(rig, cases[i]);
        rig_assert_closed(rig, ZMTP_ERR_COMMAND);
        rig_assert_says(rig, LITERAL(""));
        rig_close(rig);
    }
}

// ZMTP37-HB-02
static void test_pings_that_wait_for_an_answer_share_one(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_hear(rig, LITERAL("\4\x08\4PING\0\0a\4\x08\4PING\0\0b"));
    rig_hear(rig, LITERAL("\4\x08\4PING\0\0c"));
    rig_assert_says(rig, LITERAL("\4\6\4PONGc"));
}

// ZMTP37-HB-03, HB-05, HB-06
static void test_silence_is_asked_after_and_silence_after_that_is_death(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    assert_int_equal(zmtp_peer_deadline(rig->peer), 1100);
    tick_at(rig, 1099);
    rig_assert_says(rig, LITERAL(""));
    tick_at(rig, 1100);
    rig_assert_says(rig, LITERAL(PING));
    assert_int_equal(zmtp_peer_counters(rig->peer).pings_sent, 1);
    assert_int_equal(zmtp_peer_deadline(rig->peer), 1150);
    tick_at(rig, 1149);
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    rig_assert_says(rig, LITERAL("")); // ZMTP37-HB-05: no more until it is answered
    tick_at(rig, 1150);
    rig_assert_closed(rig, ZMTP_ERR_HEARTBEAT);
    assert_int_equal(zmtp_peer_wants(rig->peer), 0);
}

// Else a message that takes longer than the timeout could never be sent: its receiver has nothing to
// say until it hears the PING behind it.
static void test_a_ping_behind_a_long_message_waits_as_long_as_octets_leave(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    uint8_t body[255] = {0};
    rig_send_body(rig, zmtp_bytes_of(body, sizeof body), 0);
    rig_drain(rig, 2, 1);
    for (int i = 0; i < 50; i++) { // a second in all
        rig->now_ms += 20;
        zmtp_peer_tick(rig->peer, rig->now_ms);
        rig_drain(rig, 5, 1);
        rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    }
    assert_int_equal(zmtp_peer_deadline(rig->peer), 2050);
    rig_drain(rig, 5 + 8, 2); // the last octets, and the PING but for its last
    rig->now_ms += 40;
    rig_drain(rig, 1, 1);
    assert_memory_equal(rig->sent + 257, PING, 9);
    tick_at(rig, 2089);
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    tick_at(rig, 2090);
    rig_assert_closed(rig, ZMTP_ERR_HEARTBEAT);
}

static void test_a_ping_that_cannot_leave_is_awaited_from_when_it_was_due(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_send(rig, "a message that nobody receives");
    rig_drain(rig, 5, 1);
    tick_at(rig, 1100);
    assert_int_equal(zmtp_peer_deadline(rig->peer), 1150);
    rig->now_ms = 1120;
    rig_hear(rig, LITERAL("\0"));
    assert_int_equal(zmtp_peer_deadline(rig->peer), 1170);
    tick_at(rig, 1170);
    rig_assert_closed(rig, ZMTP_ERR_HEARTBEAT);
}

// ZMTP37-HB-04: a single octet is enough.
static void test_any_octet_is_a_sign_of_life(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig->now_ms = 1060;
    rig_hear(rig, LITERAL("\0"));
    assert_int_equal(zmtp_peer_deadline(rig->peer), 1160);
    tick_at(rig, 1160);
    rig_assert_says(rig, LITERAL(PING));
    rig->now_ms = 1209;
    rig_hear(rig, LITERAL("\1"));
    tick_at(rig, 1210);
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    assert_int_equal(zmtp_peer_deadline(rig->peer), 1309);
}

static void test_a_pong_tells_the_round_trip(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    assert_int_equal(zmtp_peer_counters(rig->peer).round_trip_ms, UINT32_MAX);
    tick_at(rig, 1100);
    rig_assert_says(rig, LITERAL(PING));
    rig->now_ms = 1117;
    rig_hear(rig, LITERAL(PONG));
    assert_int_equal(zmtp_peer_counters(rig->peer).round_trip_ms, 17);
    assert_int_equal(zmtp_peer_counters(rig->peer).pongs_received, 1);
    assert_int_equal(zmtp_peer_deadline(rig->peer), 1217);
}

static void test_a_pong_that_nobody_asked_for_tells_no_round_trip(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_hear(rig, LITERAL(PONG));
    assert_int_equal(zmtp_peer_counters(rig->peer).round_trip_ms, UINT32_MAX);
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
}

// ZMTP37-HB-06
static void test_their_ttl_without_further_traffic_is_death(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_hear(rig, LITERAL("\4\7\4PING\0\1")); // a tenth of a second
    tick_at(rig, 1099);
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    assert_int_equal(zmtp_peer_deadline(rig->peer), 1100);
    tick_at(rig, 1100);
    rig_assert_closed(rig, ZMTP_ERR_HEARTBEAT);
}

// ZMTP37-HB-06; LZ-22
static void test_their_ttl_holds_without_heartbeats_of_ours(void **state)
{
    struct rig *rig = *state;
    rig->config.limits.heartbeat_interval_ms = 0;
    rig_connect(rig, ZMTP_PAIR, LITERAL(RIG_READY_PAIR));
    assert_true(zmtp_peer_deadline(rig->peer) == UINT64_MAX);
    rig_hear(rig, LITERAL("\4\7\4PING\xFF\xFF"));
    assert_int_equal(zmtp_peer_deadline(rig->peer), 1000 + 6553500);
    rig_hear(rig, LITERAL(PING)); // no TTL this time
    assert_true(zmtp_peer_deadline(rig->peer) == UINT64_MAX);
}

// In one read or in two: what comes after the PING is further traffic.
static void test_further_traffic_ends_their_ttl_however_it_comes(void **state)
{
    struct rig *rig = *state;
    const struct zmtp_bytes all = LITERAL("\4\7\4PING\0\1\0\1A");
    for (size_t step = 1; step <= all.size; step++) {
        rig->config.limits.heartbeat_interval_ms = 0;
        rig_connect(rig, ZMTP_PAIR, LITERAL(RIG_READY_PAIR));
        assert_int_equal(rig_feed_by(rig, all, step), all.size);
        assert_true(zmtp_peer_deadline(rig->peer) == UINT64_MAX);
        rig_close(rig);
    }
}

// A PING with a TTL is a promise to be heard again within it. LZ-24: libzmq holds us to it although it
// sends no PINGs itself, so the promise is kept even while the other side talks and we have nothing
// to say.
static void test_a_peer_that_told_a_ttl_is_heard_within_it(void **state)
{
    struct rig *rig = *state;
    rig->config.limits.heartbeat_interval_ms = 100;
    rig->config.limits.heartbeat_timeout_ms = 50;
    rig->config.limits.heartbeat_ttl_ms = 400;
    rig_connect(rig, ZMTP_PAIR, LITERAL(RIG_READY_PAIR));
    tick_at(rig, 1100);
    rig_assert_says(rig, LITERAL("\4\7\4PING\0\4"));
    uint64_t said_ms = 1100;
    while (rig->now_ms < 3000) {
        rig->now_ms += 20;
        rig_hear(rig, LITERAL("\0\1A"));
        zmtp_peer_tick(rig->peer, rig->now_ms);
        if (zmtp_peer_wants(rig->peer) & ZMTP_WANT_WRITE) {
            rig_assert_says(rig, LITERAL("\4\7\4PING\0\4"));
            said_ms = rig->now_ms;
        }
        assert_true(rig->now_ms - said_ms < 400);
    }
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
}

static void test_a_promise_is_kept_while_an_answer_is_awaited(void **state)
{
    struct rig *rig = *state;
    rig->config.limits.heartbeat_interval_ms = 100;
    rig->config.limits.heartbeat_timeout_ms = 1000;
    rig->config.limits.heartbeat_ttl_ms = 400;
    rig_connect(rig, ZMTP_PAIR, LITERAL(RIG_READY_PAIR));
    tick_at(rig, 1100);
    rig_assert_says(rig, LITERAL("\4\7\4PING\0\4"));
    assert_int_equal(zmtp_peer_deadline(rig->peer), 1300);
    tick_at(rig, 1300);
    rig_assert_says(rig, LITERAL("\4\7\4PING\0\4"));
    // And it changes nothing about the silence, which has lasted since the first PING.
    uint64_t deadline = 0;
    while (zmtp_peer_state(rig->peer) != ZMTP_PEER_CLOSED) {
        deadline = zmtp_peer_deadline(rig->peer);
        tick_at(rig, deadline);
        rig_drain(rig, SIZE_MAX, 16);
    }
    assert_int_equal(deadline, 2100);
    rig_assert_closed(rig, ZMTP_ERR_HEARTBEAT);
}

static void test_a_ping_whose_answer_is_not_limited_is_repeated(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_close(rig);
    rig->config.limits.heartbeat_timeout_ms = 0;
    rig_connect(rig, ZMTP_PAIR, LITERAL(RIG_READY_PAIR));
    rig->now_ms = zmtp_peer_deadline(rig->peer);
    for (int i = 0; i < 5; i++) {
        tick_at(rig, rig->now_ms);
        rig_assert_says(rig, LITERAL(PING));
        assert_int_equal(zmtp_peer_deadline(rig->peer), rig->now_ms + 100);
        rig->now_ms += 100;
    }
}

// HB-01 is of 3.1.
static void test_a_3_0_peer_gets_no_ping_but_is_answered(void **state)
{
    struct rig *rig = *state;
    rig_open(rig, ZMTP_PAIR);
    assert_int_equal(rig_attach(rig), ZMTP_OK);
    rig_hear(rig, LITERAL(RIG_GREETING_30 RIG_READY_PAIR));
    rig_drain(rig, SIZE_MAX, 16);
    rig->sent_size = 0;
    assert_true(zmtp_peer_deadline(rig->peer) == UINT64_MAX);
    tick_at(rig, UINT64_MAX - 1);
    rig_assert_says(rig, LITERAL(""));
    rig_hear(rig, LITERAL(PING));
    rig_assert_says(rig, LITERAL(PONG));
}

static void test_with_a_full_pipe_nobody_is_judged_and_pings_go_on(void **state)
{
    struct rig *rig = *state;
    rig->count_max = 1;
    connect_pair(rig);
    tick_at(rig, 1100);
    rig_assert_says(rig, LITERAL(PING));
    rig_hear(rig, LITERAL("\4\7\4PING\0\1\0\1A\0\1B")); // full, with a TTL of 100 ms
    rig_assert_says(rig, LITERAL(PONG));
    for (uint64_t now_ms = 1200; now_ms <= 2000; now_ms += 100) {
        assert_int_equal(zmtp_peer_deadline(rig->peer), now_ms);
        tick_at(rig, now_ms);
        rig_assert_says(rig, LITERAL(PING)); // so that the other side knows that we live
        assert_int_equal(zmtp_peer_wants(rig->peer), 0);
    }
    // Then it listens again, and the silence begins anew.
    rig->now_ms = 2050;
    rig_assert_message(rig, "A");
    assert_true(rig_resume(rig));
    assert_int_equal(zmtp_peer_deadline(rig->peer), 2150);
    tick_at(rig, 2150);
    rig_assert_says(rig, LITERAL(PING));
    tick_at(rig, 2200);
    rig_assert_closed(rig, ZMTP_ERR_HEARTBEAT);
}

static void test_a_heartbeat_that_finds_no_memory_goes_later(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    tick_at(rig, 1100);
    rig_hear(rig, LITERAL(PING));
    rig->budget.fail_at = rig->budget.calls + 1;
    rig->budget.fail_on = true;
    rig_assert_says(rig, LITERAL(""));
    assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_READ | ZMTP_WANT_WRITE);
    rig->budget.fail_on = false;
    rig_assert_says(rig, LITERAL(PONG PING));
    assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_READ);
}

static void test_heartbeats_begin_with_the_traffic(void **state)
{
    struct rig *rig = *state;
    rig_open(rig, ZMTP_PAIR);
    rig_hear(rig, LITERAL(RIG_GREETING));
    rig_hear(rig, LITERAL(PING)); // not due yet
    rig_assert_closed(rig, ZMTP_ERR_COMMAND);
}

// Idle after 1000 ms, and no PINGs of our own.
static void connect_idling(struct rig *rig)
{
    rig->config.limits.heartbeat_interval_ms = 0;
    rig->config.limits.idle_ms = 1000;
    rig_connect(rig, ZMTP_PAIR, LITERAL(RIG_READY_PAIR));
}

static void test_heartbeats_alone_do_not_keep_a_connection_from_being_idle(void **state)
{
    struct rig *rig = *state;
    connect_idling(rig);
    assert_int_equal(zmtp_peer_deadline(rig->peer), 2000);
    for (rig->now_ms = 1100; rig->now_ms < 2000; rig->now_ms += 100) {
        zmtp_peer_tick(rig->peer, rig->now_ms);
        rig_hear(rig, LITERAL(PING));
        rig_assert_says(rig, LITERAL(PONG));
    }
    tick_at(rig, 1999);
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    tick_at(rig, 2000);
    rig_assert_closed(rig, ZMTP_ERR_IDLE);
}

static void test_messages_either_way_and_their_parts_keep_it_busy(void **state)
{
    struct rig *rig = *state;
    connect_idling(rig);
    rig->now_ms = 1500;
    rig_hear(rig, LITERAL("\0\1a"));
    assert_int_equal(zmtp_peer_deadline(rig->peer), 2500);
    rig->now_ms = 2400;
    rig_send(rig, "b");
    rig_resume(rig);
    rig_assert_says(rig, LITERAL("\0\1b"));
    assert_int_equal(zmtp_peer_deadline(rig->peer), 3400);
    rig->now_ms = 3300;
    rig_hear(rig, LITERAL("\1\1c"));
    assert_int_equal(zmtp_peer_deadline(rig->peer), 4300);
    rig->now_ms = 4200;
    rig_hear(rig, LITERAL("\0\3de")); // not whole
    assert_int_equal(zmtp_peer_deadline(rig->peer), 5200);
    rig->now_ms = 5000;
    rig_hear(rig, LITERAL("f"));
    tick_at(rig, 5999);
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    rig_assert_message(rig, "a");
    rig_assert_message(rig, "c|def");
    tick_at(rig, 6000);
    rig_assert_closed(rig, ZMTP_ERR_IDLE);
}

static void test_a_large_part_that_comes_slowly_is_not_idle(void **state)
{
    struct rig *rig = *state;
    static uint8_t piece[20000];
    connect_idling(rig);
    rig_hear(rig, LITERAL("\2\0\0\0\0\0\1\x86\xA0")); // 100000 octets
    for (int i = 0; i < 5; i++) {
        rig->now_ms += 900;
        rig_hear(rig, zmtp_bytes_of(piece, sizeof piece));
        assert_int_equal(zmtp_peer_deadline(rig->peer), rig->now_ms + 1000);
    }
}

static void test_what_waits_to_be_sent_or_read_is_not_idle(void **state)
{
    struct rig *rig = *state;
    rig->count_max = 1;
    connect_idling(rig);
    rig_send(rig, "waits");
    rig_resume(rig);
    assert_int_equal(zmtp_peer_deadline(rig->peer), UINT64_MAX);
    rig->now_ms = 5000;
    rig_assert_says(rig, LITERAL("\0\5waits"));
    assert_int_equal(zmtp_peer_deadline(rig->peer), 6000);
    rig_feed(rig, LITERAL("\0\1a\0\1b")); // the pipe is full
    assert_int_equal(zmtp_peer_deadline(rig->peer), UINT64_MAX);
    rig_assert_message(rig, "a");
    rig->now_ms = 9000;
    rig_resume(rig);
    rig_assert_message(rig, "b");
    rig_resume(rig);
    assert_int_equal(zmtp_peer_deadline(rig->peer), 10000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_ping_is_answered_with_its_context),
        TEST(test_what_was_shown_at_once_leaves_octet_by_octet),
        TEST(test_a_ping_without_a_ttl_or_with_a_long_context_closes),
        TEST(test_pings_that_wait_for_an_answer_share_one),
        TEST(test_silence_is_asked_after_and_silence_after_that_is_death),
        TEST(test_a_ping_behind_a_long_message_waits_as_long_as_octets_leave),
        TEST(test_a_ping_that_cannot_leave_is_awaited_from_when_it_was_due),
        TEST(test_any_octet_is_a_sign_of_life),
        TEST(test_a_pong_tells_the_round_trip),
        TEST(test_a_pong_that_nobody_asked_for_tells_no_round_trip),
        TEST(test_their_ttl_without_further_traffic_is_death),
        TEST(test_their_ttl_holds_without_heartbeats_of_ours),
        TEST(test_further_traffic_ends_their_ttl_however_it_comes),
        TEST(test_a_peer_that_told_a_ttl_is_heard_within_it),
        TEST(test_a_promise_is_kept_while_an_answer_is_awaited),
        TEST(test_a_ping_whose_answer_is_not_limited_is_repeated),
        TEST(test_a_3_0_peer_gets_no_ping_but_is_answered),
        TEST(test_with_a_full_pipe_nobody_is_judged_and_pings_go_on),
        TEST(test_a_heartbeat_that_finds_no_memory_goes_later),
        TEST(test_heartbeats_begin_with_the_traffic),
        TEST(test_heartbeats_alone_do_not_keep_a_connection_from_being_idle),
        TEST(test_messages_either_way_and_their_parts_keep_it_busy),
        TEST(test_a_large_part_that_comes_slowly_is_not_idle),
        TEST(test_what_waits_to_be_sent_or_read_is_not_idle),
    };
    return cmocka_run_group_tests_name("peer heartbeat", tests, NULL, NULL);
}
