// REQ (RFC 28).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/sockets.h"

// The native default: correlated and relaxed.
static struct zmtp_socket *open_relaxed(size_t hwm)
{
    struct zmtp_socket_config config;
    zmtp_socket_config_init(&config, ZMTP_REQ);
    config.send_count_max = hwm;
    return sockets_open_with(&config);
}

// RR28-REQ-03, REQ-05
static void test_a_request_has_a_delimiter_on_the_wire_and_not_for_the_user(void **state)
{
    (void)state;
    struct zmtp_socket *req = sockets_open(ZMTP_REQ, 2);
    assert_string_equal(sockets_send(req, "q"), "ZMTP_ERR_AGAIN");
    assert_string_equal(sockets_recv(req), "ZMTP_ERR_STATE");
    struct zmtp_pipe_end *a = sockets_accept(req, "");
    assert_string_equal(sockets_send(req, "q|r"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "|q|r");
    assert_string_equal(sockets_recv(req), "ZMTP_ERR_AGAIN");
    sockets_far_send(a, "|answer||x");
    assert_string_equal(sockets_recv(req), "answer||x");
    assert_string_equal(sockets_recv(req), "ZMTP_ERR_STATE");
    sockets_assert_conserved(req, 1);
    zmtp_socket_close(req);
    zmtp_pipe_close(a);
}

// RR28-REQ-01, REQ-02, REQ-04
static void test_a_strict_socket_sends_and_receives_in_turn(void **state)
{
    (void)state;
    struct zmtp_socket *req = sockets_open(ZMTP_REQ, 2);
    struct zmtp_pipe_end *a = sockets_accept(req, ""), *b = sockets_accept(req, "");
    zmtp_socket_process(req);
    assert_int_equal(zmtp_socket_events(req), ZMTP_WRITABLE);
    assert_string_equal(sockets_send(req, "1"), "ZMTP_OK");
    assert_string_equal(sockets_send(req, "2"), "ZMTP_ERR_STATE");
    assert_int_equal(zmtp_socket_events(req), 0);
    assert_string_equal(sockets_far_recv(a), "|1");
    sockets_far_send(a, "|one");
    assert_int_equal(zmtp_socket_events(req), ZMTP_READABLE);
    assert_string_equal(sockets_send(req, "2"), "ZMTP_ERR_STATE");
    assert_string_equal(sockets_recv(req), "one");
    assert_string_equal(sockets_send(req, "2"), "ZMTP_OK"); // round robin
    assert_string_equal(sockets_far_recv(b), "|2");
    zmtp_socket_close(req);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// LZ-32
// As libzmq with ZMQ_REQ_CORRELATE: four octets, then the delimiter.
static void test_a_correlated_request_has_a_number_that_its_reply_repeats(void **state)
{
    (void)state;
    struct zmtp_socket *req = open_relaxed(5);
    struct zmtp_pipe_end *a = sockets_accept(req, "");
    assert_string_equal(sockets_send(req, "1"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "\\x00\\x00\\x00\\x01||1");
    assert_string_equal(sockets_send(req, "2"), "ZMTP_OK"); // gives up the first
    assert_string_equal(sockets_far_recv(a), "\\x00\\x00\\x00\\x02||2");
    sockets_far_send(a, "\\x00\\x00\\x00\\x01||late");
    sockets_far_send(a, "\\x00\\x00\\x00\\x02||two");
    sockets_far_send(a, "\\x00\\x00\\x00\\x02||twice");
    assert_string_equal(sockets_recv(req), "two");
    assert_int_equal(zmtp_socket_counters(req).dropped[ZMTP_DROP_UNEXPECTED], 1);
    assert_string_equal(sockets_send(req, "3"), "ZMTP_OK");
    assert_string_equal(sockets_recv(req), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(req).dropped[ZMTP_DROP_UNEXPECTED], 2);
    zmtp_socket_close(req);
    zmtp_pipe_close(a);
}

static void test_a_reply_that_is_here_already_is_given_up_with_its_request(void **state)
{
    (void)state;
    struct zmtp_socket *req = open_relaxed(5);
    struct zmtp_pipe_end *a = sockets_accept(req, "");
    assert_string_equal(sockets_send(req, "1"), "ZMTP_OK");
    sockets_far_send(a, "\\x00\\x00\\x00\\x01||one");
    assert_int_equal(zmtp_socket_events(req), ZMTP_READABLE | ZMTP_WRITABLE);
    assert_string_equal(sockets_send(req, "2"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_events(req), ZMTP_WRITABLE);
    sockets_far_send(a, "\\x00\\x00\\x00\\x02||two");
    assert_string_equal(sockets_recv(req), "two");
    assert_int_equal(zmtp_socket_counters(req).dropped[ZMTP_DROP_UNEXPECTED], 1);
    zmtp_socket_close(req);
    zmtp_pipe_close(a);
}

// RR28-REQ-07, REQ-08
static void test_only_the_peer_that_was_asked_can_answer(void **state)
{
    (void)state;
    struct zmtp_socket *req = sockets_open(ZMTP_REQ, 2);
    struct zmtp_pipe_end *a = sockets_accept(req, ""), *b = sockets_accept(req, "");
    zmtp_socket_process(req);
    assert_string_equal(sockets_send(req, "q"), "ZMTP_OK");
    sockets_far_send(b, "|forged");
    assert_int_equal(zmtp_socket_events(req), 0);
    sockets_far_send(a, "|true");
    sockets_far_send(b, "|forged");
    assert_string_equal(sockets_recv(req), "true");
    // b is asked next; what it sent before that is no answer.
    assert_string_equal(sockets_send(req, "q"), "ZMTP_OK");
    assert_string_equal(sockets_recv(req), "ZMTP_ERR_AGAIN");
    sockets_far_send(b, "|true");
    assert_string_equal(sockets_recv(req), "true");
    assert_int_equal(zmtp_socket_counters(req).dropped[ZMTP_DROP_UNEXPECTED], 2);
    zmtp_socket_close(req);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// LZ-32
static void test_malformed_replies_are_dropped_and_counted(void **state)
{
    (void)state;
    struct zmtp_socket *req = sockets_open(ZMTP_REQ, 2);
    struct zmtp_pipe_end *a = sockets_accept(req, "");
    assert_string_equal(sockets_send(req, "q"), "ZMTP_OK");
    sockets_far_send(a, "no delimiter");
    sockets_far_send(a, "no delimiter|x");
    sockets_far_send(a, ""); // nothing behind it
    assert_string_equal(sockets_recv(req), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(req).dropped[ZMTP_DROP_ENVELOPE], 3);
    sockets_far_send(a, "|"); // an empty reply is one
    assert_string_equal(sockets_recv(req), "");
    zmtp_socket_close(req);
    zmtp_pipe_close(a);

    req = open_relaxed(2);
    a = sockets_accept(req, "");
    assert_string_equal(sockets_send(req, "q"), "ZMTP_OK");
    sockets_far_send(a, "|no number");
    sockets_far_send(a, "\\x00\\x00\\x00\\x01|no delimiter");
    sockets_far_send(a, "\\x00\\x00\\x00\\x01|");
    sockets_far_send(a, "\\x00\\x00\\x00\\x01");
    sockets_far_send(a, "\\x00\\x00\\x01||short number");
    assert_string_equal(sockets_recv(req), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(req).dropped[ZMTP_DROP_ENVELOPE], 5);
    zmtp_socket_close(req);
    zmtp_pipe_close(a);
}

static void test_a_strict_request_is_lost_with_the_accepted_peer_and_may_be_sent_again(void **state)
{
    (void)state;
    struct zmtp_socket *req = sockets_open(ZMTP_REQ, 2);
    struct zmtp_pipe_end *a = sockets_accept(req, "");
    assert_string_equal(sockets_send(req, "q"), "ZMTP_OK");
    struct zmtp_pipe_end *b = sockets_accept(req, "");
    sockets_drop(a);
    assert_int_equal(zmtp_socket_events(req), ZMTP_READABLE | ZMTP_WRITABLE);
    assert_string_equal(sockets_recv(req), "ZMTP_ERR_NO_REPLY");
    assert_string_equal(sockets_recv(req), "ZMTP_ERR_STATE"); // it is told once
    assert_int_equal(zmtp_socket_counters(req).dropped[ZMTP_DROP_PEER_GONE], 1);
    assert_string_equal(sockets_send(req, "q"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(b), "|q");
    sockets_far_send(b, "|a");
    assert_string_equal(sockets_recv(req), "a");
    sockets_assert_conserved(req, 1);
    zmtp_socket_close(req);
    zmtp_pipe_close(b);
}

static void test_a_reply_that_came_before_its_peer_left_is_received(void **state)
{
    (void)state;
    struct zmtp_socket *req = sockets_open(ZMTP_REQ, 2);
    for (int fetched = 0; fetched < 2; fetched++) {
        struct zmtp_pipe_end *a = sockets_accept(req, "");
        assert_string_equal(sockets_send(req, "q"), "ZMTP_OK");
        assert_string_equal(sockets_far_recv(a), "|q");
        sockets_far_send(a, "|a");
        sockets_far_send(a, "|more");
        if (fetched) assert_int_equal(zmtp_socket_events(req), ZMTP_READABLE);
        sockets_drop(a);
        assert_true(zmtp_socket_events(req) & ZMTP_READABLE);
        assert_string_equal(sockets_recv(req), "a");
        assert_int_equal(zmtp_socket_events(req), 0);
        assert_int_equal(sockets_pipes(req), 0); // nothing of it is kept
        assert_int_equal(zmtp_socket_counters(req).dropped[ZMTP_DROP_UNEXPECTED], fetched + 1);
    }
    zmtp_socket_close(req);
}

// RR28-REQ-06
static void test_a_request_that_waits_for_a_connection_is_not_lost(void **state)
{
    (void)state;
    struct zmtp_socket *req = sockets_open(ZMTP_REQ, 2);
    struct zmtp_pipe_end *a = sockets_dial(req);
    assert_string_equal(sockets_send(req, "q"), "ZMTP_OK");
    sockets_connect(a, "");
    zmtp_socket_process(req);
    zmtp_pipe_link_down(a); // broke before the request left
    zmtp_socket_process(req);
    assert_string_equal(sockets_recv(req), "ZMTP_ERR_AGAIN");
    sockets_connect(a, "");
    assert_string_equal(sockets_far_recv(a), "|q"); // before the socket looks
    assert_string_equal(sockets_recv(req), "ZMTP_ERR_AGAIN");
    sockets_far_send(a, "|a");
    assert_string_equal(sockets_recv(req), "a");
    zmtp_socket_close(req);
    zmtp_pipe_close(a);
}

static void test_a_request_that_left_is_lost_with_its_connection(void **state)
{
    (void)state;
    for (int back = 0; back < 2; back++) { // seen while down, or only when up again
        struct zmtp_socket *req = sockets_open(ZMTP_REQ, 2);
        struct zmtp_pipe_end *a = sockets_dial(req);
        sockets_connect(a, "");
        assert_string_equal(sockets_send(req, "q"), "ZMTP_OK");
        assert_string_equal(sockets_far_recv(a), "|q");
        zmtp_pipe_link_down(a);
        if (back) sockets_connect(a, "");
        assert_string_equal(sockets_recv(req), "ZMTP_ERR_STATE");
        assert_int_equal(zmtp_socket_events(req), ZMTP_WRITABLE);
        if (!back) sockets_connect(a, "");
        assert_string_equal(sockets_send(req, "again"), "ZMTP_OK");
        assert_string_equal(sockets_far_recv(a), "|again");
        sockets_far_send(a, "|a");
        assert_string_equal(sockets_recv(req), "a");
        zmtp_socket_close(req);
        zmtp_pipe_close(a);
    }
}

static void test_strangers_that_talk_and_leave_hold_no_memory(void **state)
{
    (void)state;
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct zmtp_socket_config config = sockets_config(ZMTP_REQ, 2);
    config.allocator = &budget.allocator;
    struct zmtp_socket *req = sockets_open_with(&config);
    const size_t bytes = budget.bytes;
    for (int i = 0; i < 10; i++) {
        struct zmtp_pipe_end *a = sockets_accept(req, "");
        sockets_far_send(a, "|junk");
        sockets_drop(a);
        zmtp_socket_process(req);
        assert_int_equal(budget.bytes, bytes);
    }
    assert_int_equal(zmtp_socket_counters(req).dropped[ZMTP_DROP_UNEXPECTED], 10);
    zmtp_socket_close(req);
}

static void ask_with_failing_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config;
    zmtp_socket_config_init(&config, ZMTP_REQ);
    config.allocator = allocator;
    struct zmtp_socket *req;
    struct zmtp_pipe_end *far;
    if (zmtp_socket_open(&req, &config) < 0) return;
    if (zmtp_socket_attach(req, true, (struct zmtp_bytes){0}, &far) < 0) {
        zmtp_socket_close(req);
        return;
    }
    const bool for_good = ((const struct zmtp_budget *)allocator->context)->fail_on;
    size_t left = 0, answered = 0;
    for (int i = 0; i < 2; i++) {
        for (int tries = 0; tries < 2; tries++)
            if (strcmp(sockets_send(req, "question"), "ZMTP_OK") == 0) break;
        char reply[64];
        assert_true(snprintf(reply, sizeof reply, "%s|b|c|d", sockets_far_recv(far)) > 0);
        if (*reply == '|') continue; // nothing was sent
        left++;
        if (!sockets_far_try(far, reply) && !sockets_far_try(far, reply)) continue;
        (void)zmtp_socket_events(req); // fetches, or fails to
        for (int tries = 0; tries < 2; tries++)
            if (strcmp(sockets_recv(req), "question|b|c|d") == 0) {
                answered++;
                break;
            }
    }
    assert_true(answered == 2 || for_good);
    sockets_assert_conserved(req, left);
    zmtp_socket_close(req);
    zmtp_pipe_close(far);
}

static void test_whichever_allocation_fails_nothing_is_lost_or_leaks(void **state)
{
    (void)state;
    sockets_with_failing_memory(ask_with_failing_memory);
}

// RFC 28: a REP drops the probe, which is no request; a ROUTER learns of the REQ by it.
static void test_a_probe_is_no_request_and_changes_nothing_for_the_next_one(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_REQ, 9);
    config.probe_router = true;
    struct zmtp_socket *req = sockets_open_with(&config), *rep = sockets_open(ZMTP_REP, 9);
    struct zmtp_pipe_end *ends[2];
    assert_int_equal(zmtp_socket_join(req, rep, ends), ZMTP_OK);
    zmtp_socket_process(req);
    assert_string_equal(sockets_recv(rep), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(rep).dropped[ZMTP_DROP_ENVELOPE], 1);
    assert_string_equal(sockets_send(req, "question"), "ZMTP_OK");
    assert_string_equal(sockets_recv(rep), "question");
    assert_string_equal(sockets_send(rep, "answer"), "ZMTP_OK");
    assert_string_equal(sockets_recv(req), "answer");
    zmtp_socket_close(req);
    zmtp_socket_close(rep);
    // A request that went with its connection is lost, whatever the next connection is sent first.
    req = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_dial(req);
    sockets_connect(a, "");
    zmtp_socket_process(req);
    assert_string_equal(sockets_send(req, "question"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "");
    assert_string_equal(sockets_far_recv(a), "|question");
    zmtp_pipe_link_down(a);
    sockets_connect(a, "");
    assert_string_equal(sockets_recv(req), "ZMTP_ERR_STATE");
    assert_int_equal(a->in->count, 1);
    zmtp_socket_close(req);
    zmtp_pipe_close(a);
}

static void test_a_request_whose_peer_is_detached_is_lost_rather_than_waited_for(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_REQ, 9);
    config.req_relaxed = false;
    struct zmtp_socket *req = sockets_open_with(&config), *rep = sockets_open(ZMTP_REP, 9);
    struct zmtp_pipe_end *ends[2];
    assert_int_equal(zmtp_socket_join(req, rep, ends), ZMTP_OK);
    zmtp_socket_process(req);
    assert_string_equal(sockets_send(req, "question"), "ZMTP_OK");
    zmtp_socket_detach(req, ends[0]);
    assert_string_equal(sockets_recv(req), "ZMTP_ERR_NO_REPLY");
    assert_string_equal(sockets_recv(rep), "question"); // which stays readable
    assert_int_equal(zmtp_socket_join(req, rep, ends), ZMTP_OK);
    zmtp_socket_process(req);
    assert_string_equal(sockets_send(req, "again"), "ZMTP_OK");
    zmtp_socket_close(req);
    zmtp_socket_close(rep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_whose_peer_is_detached_is_lost_rather_than_waited_for),
        cmocka_unit_test(test_a_request_has_a_delimiter_on_the_wire_and_not_for_the_user),
        cmocka_unit_test(test_a_strict_socket_sends_and_receives_in_turn),
        cmocka_unit_test(test_a_correlated_request_has_a_number_that_its_reply_repeats),
        cmocka_unit_test(test_a_reply_that_is_here_already_is_given_up_with_its_request),
        cmocka_unit_test(test_only_the_peer_that_was_asked_can_answer),
        cmocka_unit_test(test_malformed_replies_are_dropped_and_counted),
        cmocka_unit_test(
            test_a_strict_request_is_lost_with_the_accepted_peer_and_may_be_sent_again),
        cmocka_unit_test(test_a_reply_that_came_before_its_peer_left_is_received),
        cmocka_unit_test(test_a_request_that_waits_for_a_connection_is_not_lost),
        cmocka_unit_test(test_a_request_that_left_is_lost_with_its_connection),
        cmocka_unit_test(test_strangers_that_talk_and_leave_hold_no_memory),
        cmocka_unit_test(test_whichever_allocation_fails_nothing_is_lost_or_leaks),
        cmocka_unit_test(test_a_probe_is_no_request_and_changes_nothing_for_the_next_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
