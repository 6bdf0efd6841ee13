// STREAM: routing ids and octets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/octets.h"
#include "test/support/sockets.h"

static struct zmtp_pipe_end *dial_as(struct zmtp_socket *socket, const char *routing_id)
{
    struct zmtp_pipe_end *far;
    const struct zmtp_bytes id = zmtp_bytes_text(routing_id);
    assert_int_equal(zmtp_socket_attach(socket, true, id, &far), ZMTP_OK);
    return far;
}

static void test_octets_come_and_go_with_an_id_of_five_octets_made_here(void **state)
{
    (void)state;
    struct zmtp_socket *stream = sockets_open(ZMTP_STREAM, 2);
    struct zmtp_pipe_end *a = sockets_accept(stream, ""), *b = sockets_accept(stream, "");
    sockets_far_send(b, "hello");
    assert_string_equal(sockets_recv(stream), "\\x00\\x00\\x00\\x00\\x02|hello");
    assert_string_equal(sockets_send(stream, "\\x00\\x00\\x00\\x00\\x01|to a"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "to a");
    assert_string_equal(sockets_far_recv(b), "");
    octets_assert_equal(zmtp_socket_routing_id(stream, a), OCTETS(0, 0, 0, 0, 1));
    assert_int_equal(zmtp_socket_peer_id(stream, b), 2);
    sockets_assert_conserved(stream, 1);
    zmtp_socket_close(stream);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

static void test_what_is_no_id_and_octets_is_refused_and_so_is_an_id_of_nobody(void **state)
{
    (void)state;
    struct zmtp_socket *stream = sockets_open(ZMTP_STREAM, 2);
    struct zmtp_pipe_end *a = sockets_accept(stream, "");
    assert_string_equal(sockets_send(stream, "\\x00\\x00\\x00\\x00\\x01"), "ZMTP_ERR_ARGUMENT");
    assert_string_equal(sockets_send(stream, "\\x00\\x00\\x00\\x00\\x01|a|b"), "ZMTP_ERR_ARGUMENT");
    assert_string_equal(sockets_send(stream, "\\x00\\x00\\x00\\x00\\x02|a"),
                        "ZMTP_ERR_UNREACHABLE");
    assert_string_equal(sockets_send(stream, "|a"), "ZMTP_ERR_UNREACHABLE");
    assert_string_equal(sockets_send(stream, "nobody|"), "ZMTP_ERR_UNREACHABLE");
    assert_int_equal(zmtp_socket_counters(stream).sent, 0);
    zmtp_socket_close(stream);
    zmtp_pipe_close(a);
}

static void test_a_full_connection_makes_the_sender_wait_until_it_has_room(void **state)
{
    (void)state;
    struct zmtp_socket *stream = sockets_open(ZMTP_STREAM, 2);
    struct zmtp_pipe_end *a = sockets_accept(stream, ""), *b = sockets_accept(stream, "");
    for (int i = 0; i < 2; i++)
        assert_string_equal(sockets_send(stream, "\\x00\\x00\\x00\\x00\\x01|x"), "ZMTP_OK");
    assert_string_equal(sockets_send(stream, "\\x00\\x00\\x00\\x00\\x01|x"), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_events(stream), 0);
    assert_string_equal(sockets_far_recv(a), "x");
    assert_int_equal(zmtp_socket_events(stream), ZMTP_WRITABLE);
    sockets_assert_conserved(stream, 1);
    zmtp_socket_close(stream);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

static void test_no_octets_close_the_connection_once_those_before_have_left(void **state)
{
    (void)state;
    struct zmtp_socket *stream = sockets_open(ZMTP_STREAM, 8);
    struct zmtp_pipe_end *a = sockets_accept(stream, "");
    sockets_far_send(a, "");
    sockets_far_send(a, "came too late");
    assert_string_equal(sockets_send(stream, "\\x00\\x00\\x00\\x00\\x01|bye"), "ZMTP_OK");
    assert_string_equal(sockets_send(stream, "\\x00\\x00\\x00\\x00\\x01|"), "ZMTP_OK");
    assert_string_equal(sockets_send(stream, "\\x00\\x00\\x00\\x00\\x01|x"),
                        "ZMTP_ERR_UNREACHABLE");
    assert_string_equal(sockets_recv(stream), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(stream).dropped[ZMTP_DROP_UNEXPECTED], 1);
    assert_false(zmtp__pipe_finished(a));
    assert_string_equal(sockets_far_recv(a), "bye");
    assert_true(zmtp__pipe_finished(a));
    assert_int_equal(zmtp_socket_routing_id(stream, a).size, 0);
    assert_int_equal(sockets_pipes(stream), 0);
    assert_int_equal(zmtp_socket_counters(stream).queued, 1); // until it is told better
    zmtp_socket_settle(stream, a);
    sockets_assert_conserved(stream, 1);
    zmtp_socket_close(stream);
    zmtp_pipe_close(a);
}

static void test_what_came_before_an_end_is_received_and_then_the_notice(void **state)
{
    (void)state;
    struct zmtp_socket *stream = sockets_open(ZMTP_STREAM, 8);
    struct zmtp_pipe_end *a = sockets_accept(stream, "");
    sockets_far_send(a, "");
    sockets_far_send(a, "x");
    assert_string_equal(sockets_send(stream, "\\x00\\x00\\x00\\x00\\x01|unread"), "ZMTP_OK");
    sockets_far_send(a, "");
    sockets_drop(a);
    assert_string_equal(sockets_send(stream, "\\x00\\x00\\x00\\x00\\x01|x"),
                        "ZMTP_ERR_UNREACHABLE");
    assert_string_equal(sockets_recv(stream), "\\x00\\x00\\x00\\x00\\x01|");
    assert_string_equal(sockets_recv(stream), "\\x00\\x00\\x00\\x00\\x01|x");
    assert_string_equal(sockets_recv(stream), "\\x00\\x00\\x00\\x00\\x01|");
    assert_string_equal(sockets_recv(stream), "ZMTP_ERR_AGAIN");
    assert_int_equal(sockets_pipes(stream), 0);
    assert_int_equal(zmtp_socket_counters(stream).dropped[ZMTP_DROP_PEER_GONE], 1);
    sockets_assert_conserved(stream, 0);
    zmtp_socket_close(stream);
}

static void test_octets_wait_for_the_first_connection_and_for_no_other(void **state)
{
    (void)state;
    struct zmtp_socket *stream = sockets_open(ZMTP_STREAM, 8);
    struct zmtp_pipe_end *a = dial_as(stream, "printer");
    assert_int_equal(zmtp_socket_peer_id(stream, a), 0);
    assert_string_equal(sockets_send(stream, "printer|first"), "ZMTP_OK");
    sockets_connect(a, "");
    assert_string_equal(sockets_far_recv(a), "first");
    assert_string_equal(sockets_send(stream, "printer|second"), "ZMTP_OK");
    zmtp_pipe_link_down(a);
    assert_string_equal(sockets_send(stream, "printer|third"), "ZMTP_ERR_UNREACHABLE");
    assert_string_equal(sockets_far_recv(a), "");
    sockets_connect(a, "");
    assert_string_equal(sockets_send(stream, "printer|fourth"), "ZMTP_OK");
    zmtp_pipe_link_down(a); // and up again before anybody looked
    sockets_connect(a, "");
    zmtp_socket_process(stream);
    assert_string_equal(sockets_far_recv(a), "");
    assert_string_equal(sockets_send(stream, "printer|fifth"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "fifth");
    assert_int_equal(zmtp_socket_counters(stream).dropped[ZMTP_DROP_PEER_GONE], 2);
    sockets_assert_conserved(stream, 2);
    zmtp_socket_close(stream);
    zmtp_pipe_close(a);
}

static void test_a_full_dialled_pipe_whose_connection_ends_has_room_again(void **state)
{
    (void)state;
    struct zmtp_socket *stream = sockets_open(ZMTP_STREAM, 1);
    struct zmtp_pipe_end *a = dial_as(stream, "a");
    sockets_connect(a, "");
    assert_string_equal(sockets_send(stream, "a|x"), "ZMTP_OK");
    assert_string_equal(sockets_send(stream, "a|x"), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_events(stream), 0);
    zmtp_pipe_link_down(a);
    assert_int_equal(zmtp_socket_events(stream), ZMTP_WRITABLE);
    zmtp_socket_close(stream);
    zmtp_pipe_close(a);
}

static void test_an_id_that_is_taken_or_begins_with_zero_cannot_be_given(void **state)
{
    (void)state;
    struct zmtp_socket *stream = sockets_open(ZMTP_STREAM, 1);
    struct zmtp_pipe_end *a = dial_as(stream, "a"), *other;
    assert_int_equal(zmtp_socket_attach(stream, true, LITERAL("a"), &other), ZMTP_ERR_ROUTING_ID);
    assert_int_equal(zmtp_socket_attach(stream, true, LITERAL("\0\0\0\0\1"), &other),
                     ZMTP_ERR_ROUTING_ID);
    assert_null(other);
    zmtp_socket_close(stream);
    zmtp_pipe_close(a);
}

static void test_a_stream_joins_no_other_socket(void **state)
{
    (void)state;
    struct zmtp_socket *a = sockets_open(ZMTP_STREAM, 1), *b = sockets_open(ZMTP_STREAM, 1);
    struct zmtp_pipe_end *ends[2];
    assert_int_equal(zmtp_socket_join(a, b, ends), ZMTP_ERR_SOCKET_TYPE);
    zmtp_socket_close(a);
    zmtp_socket_close(b);
}

static void exchange_with(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_STREAM, 2);
    config.allocator = allocator;
    struct zmtp_socket *stream;
    struct zmtp_pipe_end *far;
    if (zmtp_socket_open(&stream, &config) < 0) return;
    if (zmtp_socket_attach(stream, false, (struct zmtp_bytes){0}, &far) == ZMTP_OK) {
        if (zmtp_pipe_link_up(far, &(struct zmtp_origin){.type = ZMTP_STREAM}) == ZMTP_OK) {
            (void)sockets_send(stream, "\\x00\\x00\\x00\\x00\\x01|x");
            (void)sockets_far_try(far, "y");
            (void)sockets_recv(stream);
        }
        sockets_drop(far);
        zmtp_socket_process(stream);
    }
    zmtp_socket_close(stream);
}

static void test_every_lack_of_memory_is_borne(void **state)
{
    (void)state;
    sockets_with_failing_memory(exchange_with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_octets_come_and_go_with_an_id_of_five_octets_made_here),
        cmocka_unit_test(test_what_is_no_id_and_octets_is_refused_and_so_is_an_id_of_nobody),
        cmocka_unit_test(test_a_full_connection_makes_the_sender_wait_until_it_has_room),
        cmocka_unit_test(test_no_octets_close_the_connection_once_those_before_have_left),
        cmocka_unit_test(test_what_came_before_an_end_is_received_and_then_the_notice),
        cmocka_unit_test(test_octets_wait_for_the_first_connection_and_for_no_other),
        cmocka_unit_test(test_a_full_dialled_pipe_whose_connection_ends_has_room_again),
        cmocka_unit_test(test_an_id_that_is_taken_or_begins_with_zero_cannot_be_given),
        cmocka_unit_test(test_a_stream_joins_no_other_socket),
        cmocka_unit_test(test_every_lack_of_memory_is_borne),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
