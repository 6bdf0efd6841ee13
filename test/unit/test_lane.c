// One pipe from the socket's side: what its link says, and what that means for messages.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/sockets.h"

// Types that refuse what finds no room, so that nothing of theirs is dropped but with its peer.
static const enum zmtp_socket_type keepers[] = {
    ZMTP_DEALER, ZMTP_ROUTER, ZMTP_PUSH,    ZMTP_PAIR,    ZMTP_CLIENT,
    ZMTP_SERVER, ZMTP_PEER,   ZMTP_SCATTER, ZMTP_CHANNEL,
};
enum { KEEPERS = sizeof keepers / sizeof keepers[0] };

static struct zmtp_socket *open_keeper(enum zmtp_socket_type type, size_t hwm)
{
    struct zmtp_socket_config config = sockets_config(type, hwm);
    config.router_mandatory = true;
    return sockets_open_with(&config);
}

// Sends a message of one part to that peer, by its routing id "peer" or its number where the type
// wants one.
static int send_to(struct zmtp_socket *socket, const struct zmtp_pipe_end *far, const char *text)
{
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    if (zmtp_socket_type(socket) == ZMTP_ROUTER)
        assert_int_equal(zmtp_msg_append(&msg, zmtp_bytes_text("peer")), ZMTP_OK);
    assert_int_equal(zmtp_msg_append(&msg, zmtp_bytes_text(text)), ZMTP_OK);
    msg.routing_id = zmtp_socket_peer_id(socket, far);
    const int result = zmtp_socket_send(socket, &msg);
    zmtp_msg_fini(&msg);
    return result;
}

// RR28-DEALER-04, RR28-ROUTER-02, PL30-PUSH-03, EP31-PAIR-03, CS41-CLIENT-03, CS41-SERVER-02,
// P2P51-PEER-01, SG49-SCATTER-01, CH52-CHAN-02
static void test_a_dialled_queue_is_there_before_between_and_after_connections(void **state)
{
    (void)state;
    for (size_t t = 0; t < KEEPERS; t++) {
        struct zmtp_socket *socket = open_keeper(keepers[t], 2);
        struct zmtp_pipe_end *far;
        assert_int_equal(zmtp_socket_attach(socket, true, zmtp_bytes_text("peer"), &far), ZMTP_OK);
        assert_int_equal(send_to(socket, far, "before"), ZMTP_OK);
        for (int i = 0; i < 2; i++) {
            sockets_connect(far, "peer");
            zmtp_socket_process(socket);
            assert_string_equal(sockets_far_recv(far), i == 0 ? "before" : "between");
            zmtp_pipe_link_down(far);
            zmtp_socket_process(socket);
            assert_int_equal(send_to(socket, far, "between"), ZMTP_OK);
        }
        assert_int_equal(sockets_queued(socket), 1);
        sockets_assert_conserved(socket, 2);
        zmtp_socket_close(socket);
        zmtp_pipe_close(far);
    }
}

// RR28-DEALER-04, RR28-ROUTER-02, PL30-PUSH-03, EP31-PAIR-03, CS41-CLIENT-03, CS41-SERVER-02,
// P2P51-PEER-01, SG49-SCATTER-01, CH52-CHAN-02
static void test_an_accepted_queue_goes_with_its_connection_and_all_that_is_in_it(void **state)
{
    (void)state;
    for (size_t t = 0; t < KEEPERS; t++) {
        struct zmtp_socket *socket = open_keeper(keepers[t], 2);
        struct zmtp_pipe_end *far = sockets_accept(socket, "peer");
        assert_int_equal(send_to(socket, far, "1"), ZMTP_OK);
        assert_int_equal(send_to(socket, far, "2"), ZMTP_OK);
        sockets_drop(far);
        zmtp_socket_process(socket);
        assert_int_equal(sockets_pipes(socket), 0);
        assert_int_equal(zmtp_socket_counters(socket).dropped[ZMTP_DROP_PEER_GONE], 2);
        far = sockets_accept(socket, "peer");
        assert_string_equal(sockets_far_recv(far), ""); // nothing of it is for the next one
        sockets_assert_conserved(socket, 0);
        zmtp_socket_close(socket);
        zmtp_pipe_close(far);
    }
}

// RR28-DEALER-05, RR28-ROUTER-05, PL30-PUSH-04, EP31-PAIR-04, CS41-CLIENT-04, CS41-SERVER-05,
// CS41-SERVER-10, P2P51-PEER-04, P2P51-PEER-05, SG49-SCATTER-01, CH52-CHAN-02, CH52-CHAN-04
static void test_a_queue_has_a_limit_each_way_and_refuses_what_is_beyond(void **state)
{
    (void)state;
    for (size_t t = 0; t < KEEPERS; t++) {
        struct zmtp_socket *socket = open_keeper(keepers[t], 2);
        struct zmtp_pipe_end *far = sockets_accept(socket, "peer");
        assert_int_equal(send_to(socket, far, "1"), ZMTP_OK);
        assert_int_equal(send_to(socket, far, "2"), ZMTP_OK);
        assert_int_equal(send_to(socket, far, "3"), ZMTP_ERR_AGAIN);
        assert_string_equal(sockets_far_recv(far), "1");
        assert_int_equal(send_to(socket, far, "3"), ZMTP_OK);
        assert_string_equal(sockets_far_recv(far), "2");
        assert_string_equal(sockets_far_recv(far), "3");
        sockets_far_send(far, "1");
        assert_true(zmtp__pipe_writable(far));
        sockets_far_send(far, "2");
        assert_false(zmtp__pipe_writable(far)); // the connection reads no further
        sockets_assert_conserved(socket, 3);
        zmtp_socket_close(socket);
        zmtp_pipe_close(far);
    }
}

// Its peer still delivers what came before; the pipe's end stays open for that.
static void test_an_accepted_connection_that_ended_is_heard_but_takes_no_more(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 1);
    struct zmtp_pipe_end *a = sockets_accept(dealer, "");
    assert_string_equal(sockets_send(dealer, "lost"), "ZMTP_OK");
    sockets_far_send(a, "first");
    zmtp_pipe_link_down(a);
    assert_string_equal(sockets_send(dealer, "later"), "ZMTP_ERR_AGAIN");
    assert_int_equal(sockets_queued(dealer), 0);
    assert_int_equal(zmtp_socket_counters(dealer).dropped[ZMTP_DROP_PEER_GONE], 1);
    assert_string_equal(sockets_recv(dealer), "first");
    sockets_far_send(a, "second");
    assert_string_equal(sockets_recv(dealer), "second");
    sockets_assert_conserved(dealer, 0);
    zmtp_pipe_close(a);
    zmtp_socket_process(dealer);
    assert_int_equal(sockets_pipes(dealer), 0);
    assert_int_equal(zmtp_socket_counters(dealer).dropped[ZMTP_DROP_PEER_GONE], 1); // once
    zmtp_socket_close(dealer);
}

// A server that reads, answers and reads again would never read again if it waited for this one.
static void test_nobody_waits_for_room_in_a_connection_that_ended(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 1);
    config.router_mandatory = true;
    struct zmtp_socket *router = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(router, "a");
    assert_string_equal(sockets_send(router, "a|1"), "ZMTP_OK");
    assert_string_equal(sockets_send(router, "a|2"), "ZMTP_ERR_AGAIN");
    zmtp_pipe_link_down(a);
    assert_true(zmtp_socket_marked(router));
    assert_true(zmtp_socket_events(router) & ZMTP_WRITABLE);
    assert_string_equal(sockets_send(router, "a|2"), "ZMTP_ERR_UNREACHABLE");
    // The next connection may have the routing id before the last message of this one is read.
    sockets_far_send(a, "old");
    struct zmtp_pipe_end *next = sockets_accept(router, "a");
    assert_string_equal(sockets_send(router, "a|2"), "ZMTP_OK");
    assert_string_equal(sockets_recv(router), "a|old");
    assert_string_equal(sockets_far_recv(next), "2");
    zmtp_pipe_close(a);
    sockets_assert_conserved(router, 1);
    zmtp_socket_close(router);
    zmtp_pipe_close(next);
}

static void test_what_waits_for_a_dialled_peer_waits_for_its_next_connection(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 2);
    struct zmtp_pipe_end *a = sockets_dial(dealer);
    sockets_connect(a, "");
    assert_string_equal(sockets_send(dealer, "1"), "ZMTP_OK");
    zmtp_pipe_link_down(a);
    assert_string_equal(sockets_send(dealer, "2"), "ZMTP_OK");
    sockets_connect(a, "");
    assert_string_equal(sockets_far_recv(a), "1");
    assert_string_equal(sockets_far_recv(a), "2");
    sockets_assert_conserved(dealer, 2);
    zmtp_socket_close(dealer);
    zmtp_pipe_close(a);
}

// A lane and its pipe count as 2048 octets, and a message of three octets as five.
static void test_what_those_who_have_gone_left_counts_until_the_last_of_it_is_received(void **state)
{
    (void)state;
    enum { LEFT = 2048 + 2 + 3 };
    struct zmtp_socket_config config = sockets_config(ZMTP_PULL, 9);
    config.recv_bytes_gone_max = 2 * LEFT;
    struct zmtp_socket *pull = sockets_open_with(&config);
    struct zmtp_pipe_end *const a = sockets_accept(pull, ""), *const b = sockets_accept(pull, "");
    assert_false(zmtp_socket_crowded(NULL));
    sockets_far_send(a, "abc");
    sockets_far_send(b, "abc");
    zmtp_socket_process(pull);
    assert_false(zmtp_socket_crowded(pull)); // both are there
    sockets_drop(a);
    zmtp_socket_process(pull);
    assert_false(zmtp_socket_crowded(pull));
    sockets_drop(b);
    zmtp_socket_process(pull);
    assert_true(zmtp_socket_crowded(pull));
    assert_string_equal(sockets_recv(pull), "abc");
    assert_true(zmtp_socket_crowded(pull)); // that one is let go of with the next look
    assert_string_equal(sockets_recv(pull), "abc");
    assert_string_equal(sockets_recv(pull), "ZMTP_ERR_AGAIN");
    assert_false(zmtp_socket_crowded(pull));
    assert_int_equal(sockets_pipes(pull), 0);
    zmtp_socket_close(pull);
    config.recv_bytes_gone_max = 0; // no limit
    pull = sockets_open_with(&config);
    assert_false(zmtp_socket_crowded(pull));
    zmtp_socket_close(pull);
}

// A socket that lets go of a pipe leaves it to the connection what becomes of the messages in it, which says so in the end.
static void test_what_did_not_leave_when_a_connection_ends_is_settled(void **state)
{
    (void)state;
    struct zmtp_socket *push = sockets_open(ZMTP_PUSH, 9);
    struct zmtp_pipe_end *const a = sockets_dial(push), *const b = sockets_dial(push);
    sockets_connect(a, "");
    assert_string_equal(sockets_send(push, "1"), "ZMTP_OK"); // in turns: a, b, a
    assert_string_equal(sockets_send(push, "2"), "ZMTP_OK");
    assert_string_equal(sockets_send(push, "3"), "ZMTP_OK");
    const struct zmtp_socket_counters before = zmtp_socket_counters(push);
    assert_int_equal(before.queued, 3);
    zmtp_socket_settle(push, a); // it has its end still
    assert_int_equal(zmtp_socket_counters(push).queued, 3);
    zmtp_socket_detach(push, a->other);
    zmtp_socket_detach(push, b->other);
    assert_int_equal(zmtp_socket_counters(push).queued, 3);
    assert_string_equal(sockets_far_recv(a), "1");
    zmtp_socket_settle(push, a);
    zmtp_pipe_close(a);
    struct zmtp_socket_counters counters = zmtp_socket_counters(push);
    assert_int_equal(counters.queued, 1);
    assert_int_equal(counters.left, 1);
    assert_int_equal(counters.lost, 1);
    assert_int_equal(counters.dropped[ZMTP_DROP_CLOSED], 1);
    zmtp_socket_settle(push, b);
    zmtp_pipe_close(b);
    counters = zmtp_socket_counters(push);
    assert_int_equal(counters.queued, 0);
    assert_int_equal(counters.left, 1);
    assert_int_equal(counters.lost, 2);
    assert_int_equal(counters.dropped[ZMTP_DROP_CLOSED], 2);
    zmtp_socket_close(push);
}

// Until the socket has looked, and counts it as lost.
static void test_what_waited_for_a_peer_that_has_just_gone_is_still_queued(void **state)
{
    (void)state;
    struct zmtp_flow flow;
    struct zmtp_socket *push = sockets_open(ZMTP_PUSH, 4);
    struct zmtp_pipe_end *far = sockets_accept(push, ""), *const near = far->other;
    assert_string_equal(sockets_send(push, "1"), "ZMTP_OK");
    assert_string_equal(sockets_send(push, "2"), "ZMTP_OK");
    zmtp_pipe_close(far);
    assert_true(zmtp_socket_flow(push, near, &flow));
    assert_int_equal(flow.copies, 2);
    assert_int_equal(flow.queued, 2);
    zmtp_socket_process(push);
    sockets_assert_conserved(push, 0);
    zmtp_socket_close(push);
}

static void test_what_was_heeded_is_counted_for_its_peer(void **state)
{
    (void)state;
    struct zmtp_flow flow;
    struct zmtp_socket *pub = sockets_open(ZMTP_PUB, 4);
    struct zmtp_pipe_end *far = sockets_accept(pub, "");
    sockets_far_send(far, "\\x01topic"); // as peers of 3.0 subscribe
    zmtp_socket_process(pub);
    assert_true(zmtp_socket_flow(pub, far->other, &flow));
    assert_int_equal(flow.arrived, 1);
    assert_int_equal(flow.heeded, 1);
    zmtp_socket_close(pub);
    zmtp_pipe_close(far);
}

static void test_a_writer_hears_of_the_room_that_dropping_made(void **state)
{
    (void)state;
    struct zmtp_marks marks = {0};
    struct zmtp_socket *push = sockets_open(ZMTP_PUSH, 1);
    struct zmtp_pipe_end *far = sockets_accept(push, "");
    zmtp_pipe_own(far, &marks, NULL);
    while (zmtp_marks_take(&marks)) {}
    sockets_far_send(far, "unasked");
    assert_false(zmtp__pipe_writable(far));
    zmtp_socket_process(push);
    assert_ptr_equal(zmtp_marks_take(&marks), far);
    assert_true(zmtp__pipe_writable(far));
    zmtp_socket_close(push);
    zmtp_pipe_close(far);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dialled_queue_is_there_before_between_and_after_connections),
        cmocka_unit_test(test_an_accepted_queue_goes_with_its_connection_and_all_that_is_in_it),
        cmocka_unit_test(test_a_queue_has_a_limit_each_way_and_refuses_what_is_beyond),
        cmocka_unit_test(test_an_accepted_connection_that_ended_is_heard_but_takes_no_more),
        cmocka_unit_test(test_nobody_waits_for_room_in_a_connection_that_ended),
        cmocka_unit_test(test_what_waits_for_a_dialled_peer_waits_for_its_next_connection),
        cmocka_unit_test(
            test_what_those_who_have_gone_left_counts_until_the_last_of_it_is_received),
        cmocka_unit_test(test_what_did_not_leave_when_a_connection_ends_is_settled),
        cmocka_unit_test(test_what_waited_for_a_peer_that_has_just_gone_is_still_queued),
        cmocka_unit_test(test_what_was_heeded_is_counted_for_its_peer),
        cmocka_unit_test(test_a_writer_hears_of_the_room_that_dropping_made),
    };
    return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
