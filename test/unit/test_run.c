// Messages that are given from where they lie, and leave their queue together.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "test/support/sockets.h"
#include "zmtp/socket/run.h"

enum { ALL = 100 };

static void check_next(struct zmtp__run *run, const char *text)
{
    struct zmtp_bytes body;
    assert_true(zmtp__run_next(run, &body));
    assert_true(zmtp_bytes_equal(body, zmtp_bytes_text(text)));
}

static void check_over(struct zmtp__run *run, struct zmtp_socket *socket, size_t received)
{
    struct zmtp_bytes body;
    assert_false(zmtp__run_next(run, &body));
    zmtp__run_settle(run);
    assert_int_equal(zmtp_socket_counters(socket).received, received);
}

static void test_what_was_given_leaves_and_is_counted_once(void **state)
{
    (void)state;
    char large[300];
    memset(large, 'l', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    struct zmtp_socket *pull = sockets_open(ZMTP_PULL, 9);
    struct zmtp_pipe_end *far = sockets_accept(pull, "who");
    struct zmtp__run run;
    zmtp_socket_process(pull);
    assert_false(zmtp__run_begin(&run, pull, ALL)); // there is nothing
    sockets_far_send(far, "one");
    assert_false(zmtp__run_begin(&run, pull, ALL)); // it has not been looked at
    sockets_far_send(far, "");
    sockets_far_send(far, large);
    sockets_far_send(far, "four");
    zmtp_socket_process(pull);
    assert_true(zmtp__run_begin(&run, pull, ALL));
    assert_true(zmtp_bytes_equal(run.origin->told.routing_id, zmtp_bytes_text("who")));
    check_next(&run, "one");
    check_next(&run, "");
    zmtp__run_settle(&run);
    zmtp__run_settle(&run);
    assert_int_equal(run.count, 2);
    check_over(&run, pull, 2);
    assert_int_equal(zmtp_socket_counters(pull).waiting, 2);
    assert_true(zmtp__run_begin(&run, pull, 1));
    check_next(&run, large);
    check_over(&run, pull, 3); // no more than were asked for
    assert_string_equal(sockets_recv(pull), "four");
    const struct zmtp_socket_counters c = zmtp_socket_counters(pull);
    assert_int_equal(c.arrived, 4);
    assert_int_equal(c.waiting, 0);
    zmtp_socket_close(pull);
    zmtp_pipe_close(far);
}

static void test_what_is_as_short_as_the_one_before_is_given_alike(void **state)
{
    (void)state;
    struct zmtp_socket *pull = sockets_open(ZMTP_PULL, 9);
    struct zmtp_pipe_end *far = sockets_accept(pull, "");
    struct zmtp__run run = {0};
    static const char *const texts[] = {"one", "two", "six", "four", "and", "all|more"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        sockets_far_send(far, texts[i]);
    zmtp_socket_process(pull);
    assert_true(zmtp__run_begin(&run, pull, ALL));
    check_next(&run, "one");
    for (size_t i = 1; i < 3; i++) {
        assert_true(zmtp__run_next_alike(&run, 3));
        assert_memory_equal(run.at - 3, texts[i], 3);
    }
    assert_false(zmtp__run_next_alike(&run, 3)); // it is longer
    check_next(&run, "four");
    assert_false(zmtp__run_next_alike(&run, 4)); // it is shorter
    check_next(&run, "and");
    assert_false(zmtp__run_next_alike(&run, 3)); // it has parts
    check_over(&run, pull, 5);
    assert_false(zmtp__run_next_alike(&run, 3)); // it was settled
    assert_int_equal(run.count, 5);
    assert_string_equal(sockets_recv(pull), "all|more");
    sockets_far_send(far, "end");
    sockets_far_send(far, "two");
    zmtp_socket_process(pull);
    assert_true(zmtp__run_begin(&run, pull, 1));
    check_next(&run, "end");
    assert_false(zmtp__run_next_alike(&run, 3)); // no more than were asked for
    check_over(&run, pull, 7);
    assert_true(zmtp__run_begin(&run, pull, ALL));
    check_next(&run, "two");
    assert_false(zmtp__run_next_alike(&run, 3)); // there is nothing
    check_over(&run, pull, 8);
    zmtp_socket_close(pull);
    zmtp_pipe_close(far);
}

static void test_a_run_of_which_nothing_was_given_changes_nothing(void **state)
{
    (void)state;
    struct zmtp_socket *pull = sockets_open(ZMTP_PULL, 9);
    struct zmtp_pipe_end *far = sockets_accept(pull, "");
    struct zmtp__run run;
    sockets_far_send(far, "of|parts");
    zmtp_socket_process(pull);
    assert_true(zmtp__run_begin(&run, pull, ALL));
    check_over(&run, pull, 0);
    assert_int_equal(run.count, 0);
    assert_string_equal(sockets_recv(pull), "of|parts");
    zmtp_socket_close(pull);
    zmtp_pipe_close(far);
}

static void test_a_run_ends_where_others_have_more_to_do(void **state)
{
    (void)state;
    struct zmtp_socket *pull = sockets_open(ZMTP_PULL, 9);
    struct zmtp_pipe_end *far = sockets_accept(pull, "");
    struct zmtp__run run;
    sockets_far_send(far, "1");
    sockets_far_send(far, "of|parts");
    sockets_far_send(far, "2");
    sockets_far_send(far, "<SUBSCRIBE>a");
    sockets_far_send(far, "3");
    zmtp_socket_process(pull);
    assert_true(zmtp__run_begin(&run, pull, ALL));
    check_next(&run, "1");
    check_over(&run, pull, 1);
    assert_string_equal(sockets_recv(pull), "of|parts");
    assert_true(zmtp__run_begin(&run, pull, ALL));
    check_next(&run, "2");
    check_over(&run, pull, 3);
    assert_string_equal(sockets_recv(pull), "3");
    assert_int_equal(zmtp_socket_counters(pull).dropped[ZMTP_DROP_UNEXPECTED], 1);
    zmtp_socket_close(pull);
    zmtp_pipe_close(far);
}

// What has begun and is not whole lies behind the last whole one, and is nobody's yet.
static void test_a_run_ends_before_a_message_that_is_not_whole(void **state)
{
    (void)state;
    struct zmtp_socket *pull = sockets_open(ZMTP_PULL, 9);
    struct zmtp_pipe_end *far = sockets_accept(pull, "");
    struct zmtp__queue *queue = far->out;
    struct zmtp__run run;
    sockets_far_send(far, "1");
    zmtp__queue_begin(queue);
    assert_int_equal(zmtp__queue_put(queue, zmtp_bytes_text("2"), NULL, 0), ZMTP_OK);
    zmtp_socket_process(pull);
    assert_true(zmtp__run_begin(&run, pull, ALL));
    check_next(&run, "1");
    check_over(&run, pull, 1);
    assert_false(zmtp__run_begin(&run, pull, ALL));
    zmtp__queue_end(queue, 1);
    zmtp__pipe_published(far);
    zmtp_socket_process(pull);
    assert_string_equal(sockets_recv(pull), "2");
    zmtp_socket_close(pull);
    zmtp_pipe_close(far);
}

static void test_several_peers_and_patterns_that_do_more_have_no_runs(void **state)
{
    (void)state;
    static const enum zmtp_socket_type types[] = {ZMTP_PULL, ZMTP_ROUTER, ZMTP_REP};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct zmtp_socket *socket = sockets_open(types[i], 9);
        struct zmtp_pipe_end *far[] = {sockets_accept(socket, "a"), sockets_accept(socket, "b")};
        struct zmtp__run run;
        sockets_far_send(far[0], "|1");
        if (types[i] == ZMTP_PULL) sockets_far_send(far[1], "2");
        zmtp_socket_process(socket);
        assert_false(zmtp__run_begin(&run, socket, ALL));
        zmtp_socket_close(socket);
        zmtp_pipe_close(far[0]);
        zmtp_pipe_close(far[1]);
    }
}

// PS29-SUB-05: what is not wanted is for the general way to drop, and to count.
static void test_a_sub_is_given_what_it_wants_alone(void **state)
{
    (void)state;
    struct zmtp_socket *sub = sockets_open(ZMTP_SUB, 9);
    struct zmtp_pipe_end *far = sockets_accept(sub, "");
    struct zmtp__run run;
    assert_int_equal(zmtp_socket_subscribe(sub, zmtp_bytes_text("a")), ZMTP_OK);
    sockets_far_send(far, "a1");
    sockets_far_send(far, "b2");
    sockets_far_send(far, "a3");
    zmtp_socket_process(sub);
    assert_true(zmtp__run_begin(&run, sub, ALL));
    check_next(&run, "a1");
    check_over(&run, sub, 1);
    assert_string_equal(sockets_recv(sub), "a3");
    assert_int_equal(zmtp_socket_counters(sub).dropped[ZMTP_DROP_NO_MATCH], 1);
    zmtp_socket_close(sub);
    zmtp_pipe_close(far);
}

static void test_who_was_refused_hears_of_the_room_that_a_run_made(void **state)
{
    (void)state;
    struct zmtp_socket *pull = sockets_open(ZMTP_PULL, 2);
    struct zmtp_pipe_end *far = sockets_accept(pull, "");
    struct zmtp_marks marks = {0};
    struct zmtp__run run;
    sockets_far_send(far, "1");
    sockets_far_send(far, "2");
    zmtp_pipe_own(far, &marks, NULL);
    while (zmtp_marks_take(&marks)) {}
    assert_false(zmtp__pipe_writable(far));
    zmtp_socket_process(pull);
    assert_true(zmtp__run_begin(&run, pull, ALL));
    check_next(&run, "1");
    check_next(&run, "2");
    assert_null(zmtp_marks_take(&marks));
    zmtp__run_settle(&run);
    assert_ptr_equal(zmtp_marks_take(&marks), far);
    assert_true(zmtp__pipe_writable(far));
    assert_int_equal(zmtp_pipe_depth(far).out_count, 0);
    zmtp_socket_close(pull);
    zmtp_pipe_close(far);
}

// Each connection's messages tell of it; what an earlier one left is first in line.
static void test_messages_of_two_connections_of_a_peer_are_no_run(void **state)
{
    (void)state;
    struct zmtp_socket *pull = sockets_open(ZMTP_PULL, 9);
    struct zmtp_pipe_end *far = sockets_dial(pull);
    struct zmtp__run run;
    sockets_connect(far, "one");
    sockets_far_send(far, "1");
    zmtp_pipe_link_down(far);
    sockets_connect(far, "two");
    sockets_far_send(far, "2");
    zmtp_socket_process(pull);
    assert_false(zmtp__run_begin(&run, pull, ALL));
    assert_string_equal(sockets_recv(pull), "1");
    assert_string_equal(sockets_recv(pull), "2");
    zmtp_socket_close(pull);
    zmtp_pipe_close(far);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_given_leaves_and_is_counted_once),
        cmocka_unit_test(test_what_is_as_short_as_the_one_before_is_given_alike),
        cmocka_unit_test(test_a_run_of_which_nothing_was_given_changes_nothing),
        cmocka_unit_test(test_a_run_ends_where_others_have_more_to_do),
        cmocka_unit_test(test_a_run_ends_before_a_message_that_is_not_whole),
        cmocka_unit_test(test_several_peers_and_patterns_that_do_more_have_no_runs),
        cmocka_unit_test(test_a_sub_is_given_what_it_wants_alone),
        cmocka_unit_test(test_who_was_refused_hears_of_the_room_that_a_run_made),
        cmocka_unit_test(test_messages_of_two_connections_of_a_peer_are_no_run),
    };
    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
