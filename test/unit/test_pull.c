// PULL (RFC 30) and GATHER (RFC 49).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/sockets.h"

// PL30-PULL-02, PULL-05, PULL-06
static void test_messages_come_in_turn_as_they_are(void **state)
{
    (void)state;
    struct zmtp_socket *pull = sockets_open(ZMTP_PULL, 9);
    assert_string_equal(sockets_recv(pull), "ZMTP_ERR_AGAIN");
    struct zmtp_pipe_end *a = sockets_accept(pull, ""), *b = sockets_dial(pull);
    sockets_connect(b, "");
    zmtp_socket_process(pull); // from here on, who talks first is first
    sockets_far_send(a, "1||x");
    sockets_far_send(a, "3");
    sockets_far_send(b, "2");
    assert_int_equal(zmtp_socket_events(pull), ZMTP_READABLE);
    assert_string_equal(sockets_recv(pull), "1||x");
    assert_string_equal(sockets_recv(pull), "2");
    assert_string_equal(sockets_recv(pull), "3");
    assert_string_equal(sockets_recv(pull), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_events(pull), 0);
    assert_int_equal(zmtp_socket_counters(pull).received, 3);
    zmtp_socket_close(pull);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// PL30-PULL-01
static void test_nothing_is_sent(void **state)
{
    (void)state;
    struct zmtp_socket *pull = sockets_open(ZMTP_PULL, 1);
    struct zmtp_pipe_end *a = sockets_accept(pull, "");
    assert_string_equal(sockets_send(pull, "m"), "ZMTP_ERR_UNSUPPORTED");
    assert_int_equal(a->in->count, 0);
    zmtp_socket_close(pull);
    zmtp_pipe_close(a);
}

// PL30-PULL-03, PULL-04; LZ-29
static void test_a_full_queue_holds_its_peer_up_and_loses_nothing(void **state)
{
    (void)state;
    struct zmtp_socket *pull = sockets_open(ZMTP_PULL, 2);
    struct zmtp_pipe_end *a = sockets_accept(pull, "");
    struct zmtp_marks marks = {NULL, NULL};
    zmtp_pipe_own(a, &marks, NULL);
    assert_non_null(zmtp_marks_take(&marks));
    sockets_far_send(a, "1");
    sockets_far_send(a, "2");
    assert_false(zmtp__pipe_writable(a));
    zmtp_socket_process(pull);
    assert_null(zmtp_marks_take(&marks));
    assert_string_equal(sockets_recv(pull), "1");
    assert_ptr_equal(zmtp_marks_take(&marks), a);
    assert_string_equal(sockets_recv(pull), "2");
    zmtp_socket_close(pull);
    zmtp_pipe_close(a);
}

static void test_a_peer_that_left_is_heard_to_the_end(void **state)
{
    (void)state;
    struct zmtp_socket *pull = sockets_open(ZMTP_PULL, 2);
    struct zmtp_pipe_end *a = sockets_accept(pull, "");
    sockets_far_send(a, "1");
    sockets_far_send(a, "2");
    sockets_drop(a);
    assert_string_equal(sockets_recv(pull), "1");
    assert_string_equal(sockets_recv(pull), "2");
    assert_string_equal(sockets_recv(pull), "ZMTP_ERR_AGAIN");
    assert_int_equal(sockets_pipes(pull), 0);
    zmtp_socket_close(pull);
}

static void test_conflated_the_last_message_of_each_peer_is_received(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_PULL, 2);
    config.conflate = true;
    struct zmtp_socket *pull = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(pull, ""), *b = sockets_accept(pull, "");
    zmtp_socket_process(pull); // from here on, who talks first is first
    sockets_far_send(a, "1");
    sockets_far_send(a, "2");
    sockets_far_send(b, "3");
    assert_string_equal(sockets_recv(pull), "2");
    assert_string_equal(sockets_recv(pull), "3");
    assert_string_equal(sockets_recv(pull), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(pull).dropped[ZMTP_DROP_OUTDATED], 1);
    zmtp_socket_close(pull);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// SG49-GATHER-01, GATHER-03; ZMTP37-TS-03
static void test_a_gather_takes_single_parts_only(void **state)
{
    (void)state;
    struct zmtp_socket *gather = sockets_open(ZMTP_GATHER, 9);
    struct zmtp_pipe_end *a = sockets_accept(gather, "");
    sockets_far_send(a, "x|y");
    assert_int_equal(zmtp_socket_events(gather), 0);
    sockets_far_send(a, "1");
    sockets_far_send(a, "x|y|z");
    sockets_far_send(a, "2");
    assert_string_equal(sockets_recv(gather), "1");
    assert_string_equal(sockets_recv(gather), "2");
    assert_int_equal(zmtp_socket_counters(gather).dropped[ZMTP_DROP_ENVELOPE], 2);
    assert_string_equal(sockets_send(gather, "m"), "ZMTP_ERR_UNSUPPORTED");
    zmtp_socket_close(gather);
    zmtp_pipe_close(a);
}

static void pull_with_failing_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_PULL, 2);
    config.allocator = allocator;
    struct zmtp_socket *pull;
    struct zmtp_pipe_end *far;
    if (zmtp_socket_open(&pull, &config) < 0) return;
    if (zmtp_socket_attach(pull, false, (struct zmtp_bytes){0}, &far) == ZMTP_OK) {
        const bool sent = sockets_far_try(far, "1|2|3|4|5"); // more parts than fit in a message
        struct zmtp_msg msg;
        zmtp_msg_init(&msg, allocator);
        int result = zmtp_socket_recv(pull, &msg);
        if (sent && result == ZMTP_ERR_MEMORY) result = zmtp_socket_recv(pull, &msg);
        const bool for_good = ((const struct zmtp_budget *)allocator->context)->fail_on;
        assert_int_equal(result == ZMTP_OK, sent && (result == ZMTP_OK || !for_good));
        assert_int_equal(msg.count, result == ZMTP_OK ? 5 : 0);
        zmtp_msg_fini(&msg);
        zmtp_pipe_close(far);
    }
    zmtp_socket_close(pull);
}

static void test_a_receive_that_finds_no_memory_can_be_repeated(void **state)
{
    (void)state;
    sockets_with_failing_memory(pull_with_failing_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_come_in_turn_as_they_are),
        cmocka_unit_test(test_nothing_is_sent),
        cmocka_unit_test(test_a_full_queue_holds_its_peer_up_and_loses_nothing),
        cmocka_unit_test(test_a_peer_that_left_is_heard_to_the_end),
        cmocka_unit_test(test_conflated_the_last_message_of_each_peer_is_received),
        cmocka_unit_test(test_a_gather_takes_single_parts_only),
        cmocka_unit_test(test_a_receive_that_finds_no_memory_can_be_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
