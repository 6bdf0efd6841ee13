// DEALER (RFC 28) and CLIENT (RFC 41). Sending in turn: test_balance.c; limits: test_lane.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/sockets.h"

// RR28-DEALER-06 to 10
static void test_messages_go_round_the_peers_that_have_room(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 2);
    assert_string_equal(sockets_send(dealer, "nobody"), "ZMTP_ERR_AGAIN");
    struct zmtp_pipe_end *a = sockets_accept(dealer, ""), *b = sockets_accept(dealer, "");
    for (const char *const *text = (const char *const[]){"1", "2", "3", "4", NULL}; *text; text++)
        assert_string_equal(sockets_send(dealer, *text), "ZMTP_OK");
    assert_string_equal(sockets_send(dealer, "5"), "ZMTP_ERR_AGAIN"); // never discarded
    assert_string_equal(sockets_far_recv(a), "1");
    assert_string_equal(sockets_far_recv(a), "3");
    assert_string_equal(sockets_send(dealer, "5"), "ZMTP_OK"); // only a has room
    assert_string_equal(sockets_send(dealer, "6"), "ZMTP_OK");
    assert_string_equal(sockets_send(dealer, "7"), "ZMTP_ERR_AGAIN");
    assert_string_equal(sockets_far_recv(b), "2");
    assert_string_equal(sockets_far_recv(a), "5");
    assert_string_equal(sockets_far_recv(a), "6");
    assert_string_equal(sockets_far_recv(b), "4");
    sockets_assert_conserved(dealer, 6);
    assert_int_equal(zmtp_socket_counters(dealer).sent, 6);
    zmtp_socket_close(dealer);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// RR28-DEALER-02, DEALER-03
static void test_parts_stay_as_they_are_both_ways(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 2);
    struct zmtp_pipe_end *a = sockets_accept(dealer, "");
    assert_string_equal(sockets_send(dealer, "|x||y|"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "|x||y|");
    sockets_far_send(a, "|\\x00||z");
    assert_string_equal(sockets_recv(dealer), "|\\x00||z");
    assert_string_equal(sockets_recv(dealer), "ZMTP_ERR_AGAIN");
    const struct zmtp_bytes parts[] = {{NULL, 0}, zmtp_bytes_text("q")};
    assert_int_equal(zmtp_socket_send_bytes(dealer, parts, 2), ZMTP_OK);
    assert_string_equal(sockets_far_recv(a), "|q");
    zmtp_socket_close(dealer);
    zmtp_pipe_close(a);
}

static void test_a_large_part_is_passed_on_without_a_copy(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 2);
    struct zmtp_pipe_end *a = sockets_accept(dealer, "");
    struct zmtp_msg msg, got;
    struct zmtp_part part;
    uint8_t *room;
    zmtp_msg_init(&msg, NULL);
    zmtp_msg_init(&got, NULL);
    assert_int_equal(zmtp_part_reserve(&part, 100000, &room, NULL), ZMTP_OK);
    room[99999] = 7;
    assert_int_equal(zmtp_msg_append_part(&msg, &part), ZMTP_OK);
    assert_int_equal(zmtp_socket_send(dealer, &msg), ZMTP_OK);
    assert_int_equal(zmtp__queue_take(a->in, &got), ZMTP_OK);
    assert_ptr_equal(zmtp_msg_bytes(&got, 0).data, room);
    assert_int_equal(zmtp_msg_bytes(&got, 0).size, 100000);
    zmtp_msg_fini(&got);
    zmtp_socket_close(dealer);
    zmtp_pipe_close(a);
}

// RR28-DEALER-04
static void test_a_dialled_pipe_takes_messages_before_and_between_connections(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 2);
    struct zmtp_pipe_end *a = sockets_dial(dealer);
    assert_string_equal(sockets_send(dealer, "before"), "ZMTP_OK");
    sockets_connect(a, "");
    assert_string_equal(sockets_far_recv(a), "before");
    zmtp_pipe_link_down(a);
    zmtp_socket_process(dealer);
    assert_string_equal(sockets_send(dealer, "between"), "ZMTP_OK");
    sockets_connect(a, "");
    zmtp_socket_process(dealer);
    assert_string_equal(sockets_far_recv(a), "between");
    sockets_assert_conserved(dealer, 2);
    zmtp_socket_close(dealer);
    zmtp_pipe_close(a);
}

// RR28-DEALER-04
static void test_what_waited_for_an_accepted_peer_goes_with_it_and_is_counted(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 3);
    struct zmtp_pipe_end *a = sockets_accept(dealer, "");
    assert_string_equal(sockets_send(dealer, "1"), "ZMTP_OK");
    assert_string_equal(sockets_send(dealer, "2"), "ZMTP_OK");
    assert_string_equal(sockets_send(dealer, "3"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "1");
    sockets_drop(a);
    assert_string_equal(sockets_send(dealer, "4"), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(dealer).dropped[ZMTP_DROP_PEER_GONE], 2);
    sockets_assert_conserved(dealer, 1);
    zmtp_socket_close(dealer);
}

static void test_what_waited_for_an_endpoint_dialled_no_more_is_counted_as_closed(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 3);
    struct zmtp_pipe_end *a = sockets_dial(dealer);
    assert_string_equal(sockets_send(dealer, "1"), "ZMTP_OK");
    zmtp_pipe_close(a);
    zmtp_socket_process(dealer);
    assert_int_equal(zmtp_socket_counters(dealer).dropped[ZMTP_DROP_CLOSED], 1);
    sockets_assert_conserved(dealer, 0);
    zmtp_socket_close(dealer);
}

static void test_messages_of_a_peer_that_left_are_still_received(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 3);
    struct zmtp_pipe_end *a = sockets_accept(dealer, "");
    sockets_far_send(a, "1");
    sockets_far_send(a, "2");
    sockets_drop(a);
    assert_int_equal(zmtp_socket_events(dealer), ZMTP_READABLE);
    assert_string_equal(sockets_recv(dealer), "1");
    assert_string_equal(sockets_recv(dealer), "2");
    assert_string_equal(sockets_recv(dealer), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(dealer).received, 2);
    assert_int_equal(sockets_pipes(dealer), 0); // nothing of it is kept
    zmtp_socket_close(dealer);
}

static void test_events_say_what_the_calls_then_do(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 1);
    assert_int_equal(zmtp_socket_events(dealer), 0);
    struct zmtp_pipe_end *a = sockets_accept(dealer, "");
    assert_int_equal(zmtp_socket_events(dealer), ZMTP_WRITABLE);
    assert_string_equal(sockets_send(dealer, "1"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_events(dealer), 0);
    sockets_far_send(a, "2");
    assert_int_equal(zmtp_socket_events(dealer), ZMTP_READABLE);
    assert_string_equal(sockets_far_recv(a), "1");
    assert_true(zmtp_socket_marked(dealer));
    assert_int_equal(zmtp_socket_events(dealer), ZMTP_READABLE | ZMTP_WRITABLE);
    assert_false(zmtp_socket_marked(dealer));
    zmtp_socket_close(dealer);
    zmtp_pipe_close(a);
}

static void test_a_command_is_no_message(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 3);
    struct zmtp_pipe_end *a = sockets_accept(dealer, "");
    sockets_far_send(a, "<SUBSCRIBE>x");
    assert_int_equal(zmtp_socket_events(dealer), ZMTP_WRITABLE);
    sockets_far_send(a, "<SUBSCRIBE>y");
    sockets_far_send(a, "m");
    assert_string_equal(sockets_recv(dealer), "m");
    assert_int_equal(zmtp_socket_counters(dealer).dropped[ZMTP_DROP_UNEXPECTED], 2);
    zmtp_socket_close(dealer);
    zmtp_pipe_close(a);
}

// CS41-GEN-01, CLIENT-02, CLIENT-08, CLIENT-10; ZMTP37-TS-02, TS-03
static void test_a_client_sends_and_takes_single_parts_only(void **state)
{
    (void)state;
    struct zmtp_socket *client = sockets_open(ZMTP_CLIENT, 2);
    struct zmtp_pipe_end *a = sockets_accept(client, ""), *b = sockets_accept(client, "");
    assert_string_equal(sockets_send(client, "1|2"), "ZMTP_ERR_ARGUMENT");
    assert_string_equal(sockets_send(client, "1"), "ZMTP_OK");
    assert_string_equal(sockets_send(client, ""), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "1");
    assert_int_equal(b->in->count, 1);
    sockets_far_send(a, "x|y");
    assert_int_equal(zmtp_socket_events(client), ZMTP_WRITABLE);
    sockets_far_send(a, "m");
    sockets_far_send(b, "|");
    sockets_far_send(b, "");
    assert_string_equal(sockets_recv(client), "m");
    assert_string_equal(sockets_recv(client), "");
    assert_string_equal(sockets_recv(client), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(client).dropped[ZMTP_DROP_ENVELOPE], 2);
    sockets_assert_conserved(client, 1);
    zmtp_socket_close(client);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

static void test_an_immediate_dealer_queues_for_connections_only(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_DEALER, 2);
    config.immediate = true;
    struct zmtp_socket *dealer = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_dial(dealer), *b = sockets_dial(dealer);
    assert_string_equal(sockets_send(dealer, "1"), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_events(dealer), 0);
    sockets_connect(b, "");
    assert_true(zmtp_socket_marked(dealer));
    assert_int_equal(zmtp_socket_events(dealer), ZMTP_WRITABLE);
    assert_string_equal(sockets_send(dealer, "1"), "ZMTP_OK");
    sockets_connect(a, "");
    zmtp_socket_process(dealer);
    zmtp_pipe_link_down(b);
    assert_string_equal(sockets_send(dealer, "2"), "ZMTP_OK");
    assert_string_equal(sockets_send(dealer, "3"), "ZMTP_OK");
    assert_string_equal(sockets_send(dealer, "4"), "ZMTP_ERR_AGAIN");
    assert_string_equal(sockets_far_recv(a), "2");
    assert_string_equal(sockets_far_recv(a), "3");
    sockets_connect(b, "");
    assert_string_equal(sockets_far_recv(b), "1"); // what waits goes with the next connection
    sockets_assert_conserved(dealer, 3);
    zmtp_socket_close(dealer);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

static void test_a_conflated_dealer_keeps_the_last_message_of_each_pipe(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_DEALER, 2);
    config.conflate = true;
    struct zmtp_socket *dealer = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(dealer, "");
    static const char *const texts[] = {"1", "2|x", "3|y", "4"};
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(sockets_send(dealer, texts[i]), "ZMTP_OK");
    assert_int_equal(sockets_queued(dealer), 1);
    assert_string_equal(sockets_far_recv(a), "4");
    assert_int_equal(zmtp_socket_counters(dealer).dropped[ZMTP_DROP_REPLACED], 3);
    // A message that has begun to leave is not cut in two.
    assert_string_equal(sockets_send(dealer, "begun"), "ZMTP_OK");
    zmtp__queue_consume(a->in, 3);
    assert_string_equal(sockets_send(dealer, "5"), "ZMTP_OK");
    assert_string_equal(sockets_send(dealer, "6"), "ZMTP_OK");
    zmtp__queue_consume(a->in, 4);
    assert_string_equal(sockets_far_recv(a), "6");
    assert_string_equal(sockets_far_recv(a), "");
    sockets_assert_conserved(dealer, 3);
    // What comes in too: a full queue has room at once.
    sockets_far_send(a, "7");
    sockets_far_send(a, "8");
    assert_false(zmtp__pipe_writable(a));
    zmtp_socket_process(dealer);
    assert_true(zmtp__pipe_writable(a));
    sockets_far_send(a, "9|z");
    assert_string_equal(sockets_recv(dealer), "9|z");
    assert_string_equal(sockets_recv(dealer), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(dealer).dropped[ZMTP_DROP_OUTDATED], 2);
    zmtp_socket_close(dealer);
    zmtp_pipe_close(a);
}

static void test_a_probe_is_the_first_message_of_a_connection(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_DEALER, 9);
    config.probe_router = true;
    struct zmtp_socket *dealer = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_dial(dealer);
    for (int i = 0; i < 2; i++) {
        sockets_connect(a, "");
        zmtp_socket_process(dealer);
        assert_int_equal(a->in->count, 1);
        assert_string_equal(sockets_send(dealer, "m"), "ZMTP_OK");
        assert_string_equal(sockets_far_recv(a), ""); // one empty part
        assert_string_equal(sockets_far_recv(a), "m");
        zmtp_pipe_link_down(a);
        zmtp_socket_process(dealer);
    }
    assert_string_equal(sockets_send(dealer, "waits"), "ZMTP_OK"); // and needs no probe before it
    sockets_connect(a, "");
    zmtp_socket_process(dealer);
    assert_string_equal(sockets_far_recv(a), "waits");
    assert_int_equal(a->in->count, 0);
    sockets_assert_conserved(dealer, 5);
    assert_int_equal(zmtp_socket_counters(dealer).sent, 3);
    zmtp_socket_close(dealer);
    zmtp_pipe_close(a);
}

static void exchange_with_failing_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_DEALER, 2);
    config.allocator = allocator;
    struct zmtp_socket *dealer;
    struct zmtp_pipe_end *far;
    if (zmtp_socket_open(&dealer, &config) < 0) {
        assert_null(dealer);
        return;
    }
    if (zmtp_socket_attach(dealer, true, (struct zmtp_bytes){0}, &far) == ZMTP_OK) {
        size_t left = 0;
        for (int i = 0; i < 6; i++) {
            const uint64_t copies = zmtp_socket_counters(dealer).copies;
            const char *result = sockets_send(dealer, "some|message|of|parts");
            assert_int_equal(zmtp_socket_counters(dealer).copies,
                             copies + (*result == 'Z' && result[5] == 'O'));
            left += *sockets_far_recv(far) != 0;
        }
        sockets_assert_conserved(dealer, left);
        zmtp_socket_close(dealer);
        zmtp_pipe_close(far);
    } else {
        zmtp_socket_close(dealer);
    }
}

static void test_whichever_allocation_fails_nothing_is_lost_or_leaks(void **state)
{
    (void)state;
    sockets_with_failing_memory(exchange_with_failing_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_go_round_the_peers_that_have_room),
        cmocka_unit_test(test_parts_stay_as_they_are_both_ways),
        cmocka_unit_test(test_a_large_part_is_passed_on_without_a_copy),
        cmocka_unit_test(test_a_dialled_pipe_takes_messages_before_and_between_connections),
        cmocka_unit_test(test_what_waited_for_an_accepted_peer_goes_with_it_and_is_counted),
        cmocka_unit_test(test_what_waited_for_an_endpoint_dialled_no_more_is_counted_as_closed),
        cmocka_unit_test(test_messages_of_a_peer_that_left_are_still_received),
        cmocka_unit_test(test_events_say_what_the_calls_then_do),
        cmocka_unit_test(test_a_command_is_no_message),
        cmocka_unit_test(test_a_client_sends_and_takes_single_parts_only),
        cmocka_unit_test(test_an_immediate_dealer_queues_for_connections_only),
        cmocka_unit_test(test_a_conflated_dealer_keeps_the_last_message_of_each_pipe),
        cmocka_unit_test(test_a_probe_is_the_first_message_of_a_connection),
        cmocka_unit_test(test_whichever_allocation_fails_nothing_is_lost_or_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
