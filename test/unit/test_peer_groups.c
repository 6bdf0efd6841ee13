// What a peer of a RADIO does otherwise: JOIN and LEAVE pass to the socket, and no PING is sent.
#include "test/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define READY_DISH                                                                                 \
    "\x04\x1A\x05READY\x0BSocket-Type\0\0\0\x04"                                                   \
    "DISH"

static void connect_radio(struct rig *rig)
{
    rig->config.limits.heartbeat_interval_ms = 100;
    rig->config.limits.heartbeat_timeout_ms = 50;
    rig_connect(rig, ZMTP_RADIO, LITERAL(READY_DISH));
}

static void assert_command(struct rig *rig, struct zmtp_bytes body)
{
    assert_true(zmtp__pipe_readable(rig->far));
    assert_true(zmtp__queue_first_flags(rig->far->in) & ZMTP_FLAG_COMMAND);
    octets_assert_equal(zmtp__queue_first_body(rig->far->in), body);
    zmtp__queue_drop(rig->far->in);
}

// ZMTP37-RD-02, CMD-01, CMD-02
static void test_join_and_leave_are_for_a_radio(void **state)
{
    struct rig *rig = *state;
    connect_radio(rig);
    rig_hear(rig, LITERAL("\4\x06\4JOINg\4\6\5LEAVE"));
    assert_command(rig, LITERAL("\4JOINg"));
    assert_command(rig, LITERAL("\5LEAVE"));
    assert_int_equal(zmtp_peer_counters(rig->peer).unknown_commands, 0);
    rig_hear(rig, LITERAL("\4\x0B\x09SUBSCRIBEx")); // and this is not
    rig_assert_no_message(rig);
    assert_int_equal(zmtp_peer_counters(rig->peer).unknown_commands, 1);
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
}

static void test_join_is_for_nobody_else(void **state)
{
    struct rig *rig = *state;
    rig_connect(rig, ZMTP_PUB, LITERAL(RIG_READY_SUB));
    rig_hear(rig, LITERAL("\4\x06\4JOINg\4\x07\5LEAVEg"));
    rig_assert_no_message(rig);
    assert_int_equal(zmtp_peer_counters(rig->peer).unknown_commands, 2);
}

// LZ-25
static void test_a_radio_sends_no_ping_but_answers_one(void **state)
{
    struct rig *rig = *state;
    connect_radio(rig);
    assert_int_equal(zmtp_peer_deadline(rig->peer), UINT64_MAX);
    zmtp_peer_tick(rig->peer, rig->now_ms + 1000);
    rig_assert_says(rig, LITERAL(""));
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    rig_hear(rig, LITERAL("\4\7\4PING\0\0"));
    rig_assert_says(rig, LITERAL("\4\5\4PONG"));
}

// ZMTP37-RD-04
static void test_a_group_and_a_body_leave_as_two_frames(void **state)
{
    struct rig *rig = *state;
    connect_radio(rig);
    rig_send(rig, "group|body");
    (void)rig_resume(rig);
    rig_assert_says(rig, LITERAL("\1\5group\0\4body"));
}

// ZMTP37-RD-02. RFC 23 has no groups, and for those who add them all the same JOIN is a command too.
static void test_join_and_leave_are_commands_to_a_3_0_radio_as_well(void **state)
{
    struct rig *rig = *state;
    rig_open(rig, ZMTP_DISH);
    assert_int_equal(rig_attach(rig), ZMTP_OK);
    rig_hear(rig, LITERAL(RIG_GREETING_30 "\4\x1B\5READY\x0BSocket-Type\0\0\0\5RADIO"));
    rig_assert_says(rig, LITERAL(RIG_GREETING "\4\x1A\5READY\x0BSocket-Type\0\0\0\4"
                                              "DISH"));
    rig_send_body(rig, LITERAL("\4JOINg"), ZMTP_FLAG_COMMAND);
    rig_send_body(rig, LITERAL("\5LEAVEg"), ZMTP_FLAG_COMMAND);
    rig_assert_says(rig, LITERAL("\4\6\4JOINg\4\7\5LEAVEg"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_join_and_leave_are_for_a_radio),
        TEST(test_join_is_for_nobody_else),
        TEST(test_a_radio_sends_no_ping_but_answers_one),
        TEST(test_a_group_and_a_body_leave_as_two_frames),
        TEST(test_join_and_leave_are_commands_to_a_3_0_radio_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
