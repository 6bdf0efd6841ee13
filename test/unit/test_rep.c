// REP (RFC 28).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/sockets.h"

// RR28-REP-02, REP-04, REP-06, REP-07
static void test_the_envelope_is_kept_from_the_user_and_put_before_the_reply(void **state)
{
    (void)state;
    struct zmtp_socket *rep = sockets_open(ZMTP_REP, 2);
    struct zmtp_pipe_end *a = sockets_accept(rep, "");
    sockets_far_send(a, "client|\\x00\\x00\\x00\\x07|hop|more|hops||question||x");
    assert_string_equal(sockets_recv(rep), "question||x");
    assert_string_equal(sockets_send(rep, "answer|y"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "client|\\x00\\x00\\x00\\x07|hop|more|hops||answer|y");
    sockets_far_send(a, "|plain");
    assert_string_equal(sockets_recv(rep), "plain");
    assert_string_equal(sockets_send(rep, "|"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "||");
    sockets_assert_conserved(rep, 2);
    zmtp_socket_close(rep);
    zmtp_pipe_close(a);
}

// RR28-REP-03
static void test_requests_and_replies_take_turns(void **state)
{
    (void)state;
    struct zmtp_socket *rep = sockets_open(ZMTP_REP, 2);
    struct zmtp_pipe_end *a = sockets_accept(rep, "");
    assert_string_equal(sockets_send(rep, "x"), "ZMTP_ERR_STATE");
    assert_string_equal(sockets_recv(rep), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_events(rep), 0);
    sockets_far_send(a, "|1");
    sockets_far_send(a, "|2");
    assert_int_equal(zmtp_socket_events(rep), ZMTP_READABLE);
    assert_string_equal(sockets_send(rep, "x"), "ZMTP_ERR_STATE");
    assert_string_equal(sockets_recv(rep), "1");
    assert_int_equal(zmtp_socket_events(rep), ZMTP_WRITABLE);
    assert_string_equal(sockets_recv(rep), "ZMTP_ERR_STATE");
    assert_string_equal(sockets_send(rep, "one"), "ZMTP_OK");
    assert_string_equal(sockets_recv(rep), "2");
    zmtp_socket_close(rep);
    zmtp_pipe_close(a);
}

// RR28-REP-04
static void test_a_message_without_an_envelope_is_dropped_and_counted(void **state)
{
    (void)state;
    struct zmtp_socket *rep = sockets_open(ZMTP_REP, 9);
    struct zmtp_pipe_end *a = sockets_accept(rep, "");
    sockets_far_send(a, "x");
    sockets_far_send(a, "x|y");
    sockets_far_send(a, "");   // a delimiter and no request
    sockets_far_send(a, "x|"); // the same
    assert_int_equal(zmtp_socket_events(rep), 0);
    assert_string_equal(sockets_recv(rep), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(rep).dropped[ZMTP_DROP_ENVELOPE], 4);
    sockets_far_send(a, "|");
    assert_string_equal(sockets_recv(rep), "");
    zmtp_socket_close(rep);
    zmtp_pipe_close(a);
}

// RR28-REP-01, REP-05, REP-07
static void test_each_reply_goes_to_who_asked_and_all_are_heard_in_turn(void **state)
{
    (void)state;
    struct zmtp_socket *rep = sockets_open(ZMTP_REP, 2);
    struct zmtp_pipe_end *a = sockets_accept(rep, ""), *b = sockets_accept(rep, "");
    zmtp_socket_process(rep);
    sockets_far_send(a, "|a1");
    sockets_far_send(a, "|a2");
    sockets_far_send(b, "|b1");
    for (const char *const *text = (const char *const[]){"a1", "b1", "a2", NULL}; *text; text++) {
        assert_string_equal(sockets_recv(rep), *text);
        assert_string_equal(sockets_send(rep, *text), "ZMTP_OK");
    }
    assert_string_equal(sockets_far_recv(a), "|a1");
    assert_string_equal(sockets_far_recv(a), "|a2");
    assert_string_equal(sockets_far_recv(b), "|b1");
    assert_string_equal(sockets_far_recv(b), "");
    zmtp_socket_close(rep);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// RR28-REP-08
static void test_a_reply_to_a_requester_that_is_gone_is_dropped_and_counted(void **state)
{
    (void)state;
    struct zmtp_socket *rep = sockets_open(ZMTP_REP, 2);
    struct zmtp_pipe_end *a = sockets_accept(rep, "");
    sockets_far_send(a, "|1");
    sockets_far_send(a, "|2");
    assert_string_equal(sockets_recv(rep), "1");
    sockets_drop(a);
    assert_string_equal(sockets_send(rep, "one"), "ZMTP_OK");
    assert_string_equal(sockets_recv(rep), "2"); // it had come before
    assert_int_equal(zmtp_socket_events(rep), ZMTP_WRITABLE);
    assert_string_equal(sockets_send(rep, "two"), "ZMTP_OK");
    assert_string_equal(sockets_recv(rep), "ZMTP_ERR_AGAIN");
    const struct zmtp_socket_counters counters = zmtp_socket_counters(rep);
    assert_int_equal(counters.sent, 2);
    assert_int_equal(counters.copies, 0);
    assert_int_equal(counters.dropped[ZMTP_DROP_NO_ROUTE], 2);
    zmtp_socket_close(rep);
}

static void test_a_request_fetched_before_its_peer_left_is_answered_to_nobody(void **state)
{
    (void)state;
    struct zmtp_socket *rep = sockets_open(ZMTP_REP, 2);
    struct zmtp_pipe_end *a = sockets_accept(rep, "");
    sockets_far_send(a, "|1");
    assert_int_equal(zmtp_socket_events(rep), ZMTP_READABLE);
    sockets_drop(a);
    assert_int_equal(zmtp_socket_events(rep), ZMTP_READABLE);
    assert_string_equal(sockets_recv(rep), "1");
    assert_string_equal(sockets_send(rep, "one"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_counters(rep).dropped[ZMTP_DROP_NO_ROUTE], 1);
    zmtp_socket_close(rep);
}

static void test_a_requester_that_this_side_detaches_is_forgotten(void **state)
{
    (void)state;
    struct zmtp_socket *rep = sockets_open(ZMTP_REP, 2), *dealer = sockets_open(ZMTP_DEALER, 2);
    struct zmtp_pipe_end *ends[2];
    assert_int_equal(zmtp_socket_join(dealer, rep, ends), ZMTP_OK);
    assert_string_equal(sockets_send(dealer, "|q"), "ZMTP_OK");
    assert_string_equal(sockets_recv(rep), "q");
    zmtp_socket_detach(rep, ends[1]);
    assert_string_equal(sockets_send(rep, "a"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_counters(rep).dropped[ZMTP_DROP_NO_ROUTE], 1);
    zmtp_socket_close(rep);
    zmtp_socket_close(dealer);
}

// RR28-REP-09
static void test_a_full_requester_holds_up_nobody(void **state)
{
    (void)state;
    struct zmtp_socket *rep = sockets_open(ZMTP_REP, 1);
    struct zmtp_pipe_end *a = sockets_accept(rep, "");
    for (int i = 0; i < 3; i++) {
        sockets_far_send(a, "|q");
        assert_string_equal(sockets_recv(rep), "q");
        assert_string_equal(sockets_send(rep, "a"), "ZMTP_OK");
    }
    assert_int_equal(zmtp_socket_counters(rep).dropped[ZMTP_DROP_PEER_FULL], 2);
    assert_string_equal(sockets_far_recv(a), "|a");
    assert_string_equal(sockets_far_recv(a), "");
    sockets_assert_conserved(rep, 1);
    zmtp_socket_close(rep);
    zmtp_pipe_close(a);
}

static void answer_with_failing_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_REP, 2);
    config.allocator = allocator;
    struct zmtp_socket *rep;
    struct zmtp_pipe_end *far;
    if (zmtp_socket_open(&rep, &config) < 0) return;
    if (zmtp_socket_attach(rep, false, (struct zmtp_bytes){0}, &far) < 0) {
        zmtp_socket_close(rep);
        return;
    }
    const bool for_good = ((const struct zmtp_budget *)allocator->context)->fail_on;
    size_t left = 0;
    for (int i = 0; i < 2; i++) {
        // Envelope and request are too long to lie within their messages.
        static const char request[] = "a|b|c|d||e|f|g|h";
        if (!sockets_far_try(far, request) && !sockets_far_try(far, request)) continue;
        for (int tries = 0; tries < 3; tries++)
            if (strcmp(sockets_recv(rep), "e|f|g|h") == 0) break;
        for (int tries = 0; tries < 2; tries++)
            if (strcmp(sockets_send(rep, "reply"), "ZMTP_OK") == 0) break;
        const char *reply = sockets_far_recv(far);
        if (*reply) assert_string_equal(reply, "a|b|c|d||reply");
        left += *reply != 0;
    }
    assert_true(left == 2 || for_good);
    sockets_assert_conserved(rep, left);
    zmtp_socket_close(rep);
    zmtp_pipe_close(far);
}

static void test_whichever_allocation_fails_nothing_is_lost_or_leaks(void **state)
{
    (void)state;
    sockets_with_failing_memory(answer_with_failing_memory);
}

static void test_an_immediate_rep_queues_no_reply_for_a_lost_connection(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_REP, 9);
    config.immediate = true;
    struct zmtp_socket *rep = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_dial(rep);
    sockets_connect(a, "");
    sockets_far_send(a, "|1");
    sockets_far_send(a, "|2");
    assert_string_equal(sockets_recv(rep), "1");
    assert_string_equal(sockets_send(rep, "heard"), "ZMTP_OK");
    assert_string_equal(sockets_recv(rep), "2");
    zmtp_pipe_link_down(a);
    assert_string_equal(sockets_send(rep, "unheard"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "|heard");
    assert_int_equal(a->in->count, 0);
    assert_int_equal(zmtp_socket_counters(rep).dropped[ZMTP_DROP_PEER_FULL], 1);
    sockets_assert_conserved(rep, 1);
    zmtp_socket_close(rep);
    zmtp_pipe_close(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_envelope_is_kept_from_the_user_and_put_before_the_reply),
        cmocka_unit_test(test_requests_and_replies_take_turns),
        cmocka_unit_test(test_a_message_without_an_envelope_is_dropped_and_counted),
        cmocka_unit_test(test_each_reply_goes_to_who_asked_and_all_are_heard_in_turn),
        cmocka_unit_test(test_a_reply_to_a_requester_that_is_gone_is_dropped_and_counted),
        cmocka_unit_test(test_a_request_fetched_before_its_peer_left_is_answered_to_nobody),
        cmocka_unit_test(test_a_requester_that_this_side_detaches_is_forgotten),
        cmocka_unit_test(test_a_full_requester_holds_up_nobody),
        cmocka_unit_test(test_whichever_allocation_fails_nothing_is_lost_or_leaks),
        cmocka_unit_test(test_an_immediate_rep_queues_no_reply_for_a_lost_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
