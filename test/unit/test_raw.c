// Peers of type STREAM: octets that are no ZMTP, in and out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "test/support/rig.h"

static struct rig *open_raw(void **state, bool notify)
{
    struct rig *rig = *state;
    rig->config.stream_notify = notify;
    rig_open(rig, ZMTP_STREAM);
    return rig;
}

static struct rig *open_attached(void **state, bool notify)
{
    struct rig *rig = open_raw(state, notify);
    assert_int_equal(rig_attach(rig), ZMTP_OK);
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    return rig;
}

static void test_it_says_nothing_and_waits_for_nothing_but_a_pipe(void **state)
{
    struct rig *rig = open_raw(state, true);
    assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_ATTACH);
    assert_int_equal(rig_attach(rig), ZMTP_OK);
    assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_READ);
    assert_true(zmtp_peer_deadline(rig->peer) == UINT64_MAX);
    rig_assert_says(rig, (struct zmtp_bytes){0});
    assert_true(zmtp_pipe_link(rig->far)->up);
    assert_int_equal(zmtp_pipe_link(rig->far)->type, ZMTP_STREAM);
    assert_false(zmtp_peer_facts(rig->peer).type_known);
}

static void test_what_one_read_brings_is_a_message_of_one_part(void **state)
{
    struct rig *rig = open_attached(state, false);
    rig_hear(rig, LITERAL("GET / HTTP/1.0\r\n"));
    rig_hear(rig, LITERAL("\xFF\0\0\0\0\0\0\0\1\x7F"));
    rig_assert_message(rig, "GET / HTTP/1.0\r\n");
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp__queue_take(rig->far->in, &msg), ZMTP_OK);
    octets_assert_equal(zmtp_msg_bytes(&msg, 0), LITERAL("\xFF\0\0\0\0\0\0\0\1\x7F"));
    zmtp_msg_fini(&msg);
    rig_assert_no_message(rig);
    assert_int_equal(zmtp_peer_counters(rig->peer).messages_in, 2);
    assert_int_equal(zmtp_peer_counters(rig->peer).bytes_in, 26);
}

static void test_only_bodies_leave_however_they_are_written(void **state)
{
    uint8_t large[300];
    memset(large, 'l', sizeof large);
    for (size_t max = 1; max <= 305; max += 7) {
        struct rig *rig = open_attached(state, false);
        rig_send(rig, "ab");
        rig_send_body(rig, zmtp_bytes_of(large, sizeof large), 0);
        rig_send(rig, "cd");
        while (zmtp_peer_wants(rig->peer) & ZMTP_WANT_WRITE)
            rig_drain(rig, max, 1 + max % 4);
        assert_int_equal(rig->sent_size, 304);
        assert_memory_equal(rig->sent, "abl", 3);
        assert_memory_equal(rig->sent + 301, "lcd", 3);
        rig->sent_size = 0;
        assert_int_equal(zmtp_peer_counters(rig->peer).messages_out, 3);
        assert_int_equal(zmtp_peer_counters(rig->peer).bytes_out, 304);
        assert_int_equal(zmtp_pipe_depth(rig->far).out_count, 0);
        rig_close(rig);
    }
}

static void test_an_empty_message_comes_before_the_first_octets_and_after_the_last(void **state)
{
    struct rig *rig = open_attached(state, true);
    rig_hear(rig, LITERAL("x"));
    zmtp_peer_fail(rig->peer, ZMTP_ERR_EOF);
    rig_assert_closed(rig, ZMTP_ERR_EOF);
    rig_assert_message(rig, "");
    rig_assert_message(rig, "x");
    rig_assert_message(rig, "");
    rig_assert_no_message(rig);
}

static void test_without_notices_the_octets_are_all_there_is(void **state)
{
    struct rig *rig = open_attached(state, false);
    rig_hear(rig, LITERAL("x"));
    zmtp_peer_fail(rig->peer, ZMTP_ERR_EOF);
    rig_assert_closed(rig, ZMTP_ERR_EOF);
    rig_assert_message(rig, "x");
    rig_assert_no_message(rig);
}

static void test_a_full_pipe_ends_the_wish_to_read_before_anything_must_be_held(void **state)
{
    struct rig *rig = *state;
    rig->count_max = 2;
    (void)open_attached(state, false);
    rig_hear(rig, LITERAL("a"));
    assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_READ);
    rig_hear(rig, LITERAL("b"));
    assert_int_equal(zmtp_peer_wants(rig->peer), 0);
    rig_assert_message(rig, "a");
    assert_true(rig_resume(rig));
    assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_READ);
    rig_hear(rig, LITERAL("c"));
    rig_assert_message(rig, "b");
    rig_assert_message(rig, "c");
}

static void test_the_end_is_told_as_soon_as_there_is_memory_for_it(void **state)
{
    struct rig *rig = *state;
    zmtp_pool_close(rig->pool); // it would have some to spare
    rig->pool = rig->config.pool = NULL;
    (void)open_attached(state, true);
    rig_assert_message(rig, "");
    rig->shared.fail_at = rig->shared.calls + 1;
    rig->shared.fail_on = true;
    zmtp_peer_fail(rig->peer, ZMTP_ERR_EOF);
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    assert_int_equal(zmtp_peer_wants(rig->peer), 0);
    assert_false(zmtp_pipe_link(rig->far)->up);
    for (int i = 0; i < 3; i++) {
        assert_true(zmtp_peer_deadline(rig->peer) <= rig->now_ms);
        zmtp_peer_tick(rig->peer, rig->now_ms);
        rig_assert_no_message(rig);
        assert_true(zmtp_peer_deadline(rig->peer) > rig->now_ms);
        rig->now_ms = zmtp_peer_deadline(rig->peer);
    }
    rig->shared.fail_at = 0;
    zmtp_peer_tick(rig->peer, rig->now_ms);
    rig_assert_closed(rig, ZMTP_ERR_EOF);
    rig_assert_message(rig, "");
    rig_assert_no_message(rig);
}

static void test_one_who_closes_it_without_memory_is_not_kept(void **state)
{
    struct rig *rig = *state;
    zmtp_pool_close(rig->pool);
    rig->pool = rig->config.pool = NULL;
    (void)open_attached(state, true);
    rig_assert_message(rig, "");
    rig->shared.fail_at = rig->shared.calls + 1;
    rig->shared.fail_on = true;
    rig_close(rig);
    assert_false(zmtp_pipe_link(rig->far)->up);
    rig_assert_no_message(rig);
}

static void test_a_message_that_waits_when_its_socket_closes_still_leaves(void **state)
{
    struct rig *rig = open_attached(state, true);
    rig_send(rig, "last words");
    zmtp_pipe_close(rig->far);
    rig->far = NULL;
    rig_hear(rig, LITERAL("nobody reads this"));
    rig_assert_says(rig, LITERAL("last words"));
    rig_assert_closed(rig, ZMTP_ERR_CANCELLED);
}

static void test_no_mechanism_but_null_and_no_datagrams_are_taken(void **state)
{
    struct rig *rig = *state;
    const struct zmtp_security plain = {.mechanism = ZMTP_PLAIN};
    struct zmtp_peer *peer;
    struct zmtp_peer_config config = rig->config;
    config.type = ZMTP_STREAM;
    config.security = &plain;
    assert_int_equal(zmtp_peer_open(&peer, &config, 0), ZMTP_ERR_ARGUMENT);
    config.security = NULL;
    config.type = ZMTP_DGRAM;
    assert_int_equal(zmtp_peer_open(&peer, &config, 0), ZMTP_ERR_ARGUMENT);
    assert_null(peer);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_it_says_nothing_and_waits_for_nothing_but_a_pipe),
        TEST(test_what_one_read_brings_is_a_message_of_one_part),
        TEST(test_only_bodies_leave_however_they_are_written),
        TEST(test_an_empty_message_comes_before_the_first_octets_and_after_the_last),
        TEST(test_without_notices_the_octets_are_all_there_is),
        TEST(test_a_full_pipe_ends_the_wish_to_read_before_anything_must_be_held),
        TEST(test_the_end_is_told_as_soon_as_there_is_memory_for_it),
        TEST(test_one_who_closes_it_without_memory_is_not_kept),
        TEST(test_a_message_that_waits_when_its_socket_closes_still_leaves),
        TEST(test_no_mechanism_but_null_and_no_datagrams_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
