// DGRAM, and a RADIO whose messages leave as datagrams.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/octets.h"
#include "test/support/sockets.h"

static int up(struct zmtp_pipe_end *far, struct zmtp_bytes to)
{
    return zmtp_pipe_link_up(far, &(struct zmtp_origin){.type = ZMTP_DGRAM, .routing_id = to});
}

// The far end of an endpoint that is there: bound when |to| is empty, else dialled.
static struct zmtp_pipe_end *endpoint(struct zmtp_socket *socket, const char *to)
{
    struct zmtp_pipe_end *far = sockets_dial(socket);
    assert_int_equal(up(far, zmtp_bytes_text(to)), ZMTP_OK);
    return far;
}

static void test_a_bound_endpoint_sends_anywhere_and_tells_from_where(void **state)
{
    (void)state;
    struct zmtp_socket *dgram = sockets_open(ZMTP_DGRAM, 8);
    struct zmtp_pipe_end *far = endpoint(dgram, "");
    assert_string_equal(sockets_send(dgram, "127.0.0.1:7|four"), "ZMTP_OK");
    assert_string_equal(sockets_send(dgram, "[::1]:7\\x00|six"), "ZMTP_OK");
    assert_string_equal(sockets_send(dgram, "127.0.0.1:7|"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(far), "127.0.0.1:7|four");
    assert_string_equal(sockets_far_recv(far), "[::1]:7\\x00|six");
    sockets_far_send(far, "10.0.0.1:9\\x00|hello");
    assert_string_equal(sockets_recv(dgram), "10.0.0.1:9\\x00|hello");
    sockets_assert_conserved(dgram, 2);
    zmtp_socket_close(dgram);
    zmtp_pipe_close(far);
}

static void test_what_is_no_address_and_body_is_refused(void **state)
{
    (void)state;
    struct zmtp_socket *dgram = sockets_open(ZMTP_DGRAM, 8);
    assert_string_equal(sockets_send(dgram, "127.0.0.1:7|early"), "ZMTP_ERR_AGAIN");
    struct zmtp_pipe_end *far = endpoint(dgram, "");
    static const char *const texts[] = {"127.0.0.1:7", "127.0.0.1:7|a|b", "|body", "localhost:7|x",
                                        "127.0.0.1:0|x"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_string_equal(sockets_send(dgram, texts[i]), "ZMTP_ERR_ARGUMENT");
    assert_int_equal(zmtp_socket_counters(dgram).sent, 0);
    zmtp_socket_close(dgram);
    zmtp_pipe_close(far);
}

static void test_a_dialled_endpoint_sends_to_its_address_alone(void **state)
{
    (void)state;
    struct zmtp_socket *dgram = sockets_open(ZMTP_DGRAM, 8);
    struct zmtp_pipe_end *far = sockets_dial(dgram);
    assert_string_equal(sockets_send(dgram, "|before its name is known"), "ZMTP_OK");
    assert_string_equal(sockets_send(dgram, "127.0.0.1:7|x"), "ZMTP_ERR_UNREACHABLE");
    assert_int_equal(up(far, LITERAL("127.0.0.1:7")), ZMTP_OK);
    assert_string_equal(sockets_send(dgram, "|a"), "ZMTP_OK");
    assert_string_equal(sockets_send(dgram, "127.0.0.1:7|b"), "ZMTP_OK");
    assert_string_equal(sockets_send(dgram, "127.0.0.1:8|x"), "ZMTP_ERR_UNREACHABLE");
    assert_string_equal(sockets_far_recv(far), "|before its name is known");
    assert_string_equal(sockets_far_recv(far), "|a");
    assert_string_equal(sockets_far_recv(far), "127.0.0.1:7|b");
    zmtp_socket_close(dgram);
    zmtp_pipe_close(far);
}

static void test_there_is_one_endpoint_and_another_when_that_has_gone(void **state)
{
    (void)state;
    struct zmtp_socket *dgram = sockets_open(ZMTP_DGRAM, 1);
    struct zmtp_pipe_end *far = endpoint(dgram, ""), *second;
    assert_int_equal(zmtp_socket_attach(dgram, true, (struct zmtp_bytes){0}, &second),
                     ZMTP_ERR_IN_USE);
    assert_string_equal(sockets_send(dgram, "127.0.0.1:7|x"), "ZMTP_OK");
    assert_string_equal(sockets_send(dgram, "127.0.0.1:7|x"), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_events(dgram), 0);
    sockets_far_send(far, "127.0.0.1:7\\x00|received still");
    zmtp_pipe_close(far);
    far = endpoint(dgram, "");
    assert_string_equal(sockets_send(dgram, "127.0.0.1:7|y"), "ZMTP_OK");
    assert_string_equal(sockets_recv(dgram), "127.0.0.1:7\\x00|received still");
    assert_int_equal(zmtp_socket_counters(dgram).dropped[ZMTP_DROP_CLOSED], 1);
    sockets_assert_conserved(dgram, 0);
    zmtp_socket_close(dgram);
    zmtp_pipe_close(far);
}

static void test_a_body_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_DGRAM, 8);
    config.datagram_max = 4;
    struct zmtp_socket *dgram = sockets_open_with(&config);
    struct zmtp_pipe_end *far = endpoint(dgram, "");
    assert_string_equal(sockets_send(dgram, "127.0.0.1:7|1234"), "ZMTP_OK");
    assert_string_equal(sockets_send(dgram, "127.0.0.1:7|12345"), "ZMTP_ERR_LIMIT");
    zmtp_socket_close(dgram);
    zmtp_pipe_close(far);
}

static void test_a_radio_sends_every_group_to_where_datagrams_go(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_RADIO, 8);
    config.datagram_max = 8;
    struct zmtp_socket *radio = sockets_open_with(&config);
    struct zmtp_pipe_end *dish = sockets_accept(radio, ""), *far = sockets_dial(radio);
    sockets_far_send(dish, "<JOIN>tv");
    // A name that is not known yet: nobody is there.
    assert_string_equal(sockets_send(radio, "tv|longer than a datagram"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(dish), "tv|longer than a datagram");
    assert_int_equal(up(far, (struct zmtp_bytes){0}), ZMTP_OK);
    assert_string_equal(sockets_send(radio, "tv|12345"), "ZMTP_OK");
    assert_string_equal(sockets_send(radio, "fm|12345"), "ZMTP_OK");
    assert_string_equal(sockets_send(radio, "tv|123456"), "ZMTP_ERR_LIMIT");
    assert_string_equal(sockets_far_recv(dish), "tv|12345");
    assert_string_equal(sockets_far_recv(dish), "");
    assert_string_equal(sockets_far_recv(far), "tv|12345");
    assert_string_equal(sockets_far_recv(far), "fm|12345");
    assert_int_equal(zmtp_socket_subscribers(radio), 1);
    zmtp_pipe_close(far);
    assert_string_equal(sockets_send(radio, "tv|as long as you like"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(dish), "tv|as long as you like");
    sockets_assert_conserved(radio, 5);
    zmtp_socket_close(radio);
    zmtp_pipe_close(dish);
}

static void test_a_full_queue_of_datagrams_is_passed_over_and_counted(void **state)
{
    (void)state;
    struct zmtp_socket *radio = sockets_open(ZMTP_RADIO, 1);
    struct zmtp_pipe_end *far = endpoint(radio, "");
    assert_string_equal(sockets_send(radio, "tv|1"), "ZMTP_OK");
    assert_string_equal(sockets_send(radio, "tv|2"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_counters(radio).dropped[ZMTP_DROP_PEER_FULL], 1);
    assert_string_equal(sockets_far_recv(far), "tv|1");
    sockets_assert_conserved(radio, 1);
    zmtp_socket_close(radio);
    zmtp_pipe_close(far);
}

static void test_what_is_lost_at_the_other_end_can_be_told(void **state)
{
    (void)state;
    struct zmtp_socket *dish = sockets_open(ZMTP_DISH, 1);
    zmtp_socket_drop(dish, ZMTP_DROP_MALFORMED, 2);
    zmtp_socket_drop(dish, ZMTP_DROPS, 1);
    assert_int_equal(zmtp_socket_counters(dish).dropped[ZMTP_DROP_MALFORMED], 2);
    zmtp_socket_close(dish);
}

static void test_a_datagram_that_cannot_leave_is_lost_and_not_sent(void **state)
{
    (void)state;
    struct zmtp_socket *dgram = sockets_open(ZMTP_DGRAM, 4);
    struct zmtp_pipe_end *far = endpoint(dgram, "");
    for (int i = 0; i < 4; i++)
        assert_string_equal(sockets_send(dgram, "127.0.0.1:7|x"), "ZMTP_OK");
    assert_string_equal(sockets_send(dgram, "127.0.0.1:7|x"), "ZMTP_ERR_AGAIN");
    zmtp_socket_lose(dgram, far, ZMTP_DROP_UNSENT);
    zmtp_socket_lose(dgram, far, ZMTP_DROP_UNSENT);
    assert_int_equal(zmtp_socket_events(dgram), ZMTP_WRITABLE); // there is room again
    assert_string_equal(sockets_far_recv(far), "127.0.0.1:7|x");
    assert_int_equal(zmtp_socket_counters(dgram).lost, 2);
    sockets_assert_conserved(dgram, 1);

    // The socket lets go, and what is left goes on to be sent or lost.
    assert_string_equal(sockets_send(dgram, "127.0.0.1:7|x"), "ZMTP_OK");
    zmtp_socket_detach(dgram, far->other);
    zmtp_socket_lose(dgram, far, ZMTP_DROP_UNSENT);
    assert_string_equal(sockets_far_recv(far), "127.0.0.1:7|x");
    zmtp_socket_settle(dgram, far);
    const struct zmtp_socket_counters counters = zmtp_socket_counters(dgram);
    assert_int_equal(counters.copies, 5);
    assert_int_equal(counters.left, 2);
    assert_int_equal(counters.lost, 3);
    assert_int_equal(counters.queued, 0);
    assert_int_equal(counters.dropped[ZMTP_DROP_UNSENT], 3);
    zmtp_socket_close(dgram);
    zmtp_pipe_close(far);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bound_endpoint_sends_anywhere_and_tells_from_where),
        cmocka_unit_test(test_what_is_no_address_and_body_is_refused),
        cmocka_unit_test(test_a_dialled_endpoint_sends_to_its_address_alone),
        cmocka_unit_test(test_there_is_one_endpoint_and_another_when_that_has_gone),
        cmocka_unit_test(test_a_body_that_is_too_long_is_refused),
        cmocka_unit_test(test_a_radio_sends_every_group_to_where_datagrams_go),
        cmocka_unit_test(test_a_full_queue_of_datagrams_is_passed_over_and_counted),
        cmocka_unit_test(test_what_is_lost_at_the_other_end_can_be_told),
        cmocka_unit_test(test_a_datagram_that_cannot_leave_is_lost_and_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
