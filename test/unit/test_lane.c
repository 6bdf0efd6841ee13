// One pipe from the socket's side: what its link says, and what that means for messages.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/sockets.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_accepted_connection_that_ended_is_heard_but_takes_no_more),
        cmocka_unit_test(test_nobody_waits_for_room_in_a_connection_that_ended),
        cmocka_unit_test(test_what_waits_for_a_dialled_peer_waits_for_its_next_connection),
    };
    return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
