// What a socket says by itself when peers come and go: notices.h.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/sockets.h"

static void test_a_hello_is_the_first_message_of_each_connection(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_DEALER, 9);
    config.hello = zmtp_bytes_text("hello");
    struct zmtp_socket *dealer = sockets_open_with(&config);
    struct zmtp_pipe_end *accepted = sockets_accept(dealer, ""), *dialled = sockets_dial(dealer);
    assert_string_equal(sockets_send(dealer, "1"), "ZMTP_OK");
    assert_string_equal(sockets_send(dealer, "2"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(accepted), "hello");
    assert_string_equal(sockets_far_recv(accepted), "1");
    for (int i = 0; i < 2; i++) { // also before there is a connection, and again with the next
        sockets_connect(dialled, "");
        zmtp_socket_process(dealer);
        if (i == 0) assert_string_equal(sockets_far_recv(dialled), "hello");
        if (i == 0) assert_string_equal(sockets_far_recv(dialled), "2");
        zmtp_pipe_link_down(dialled);
        zmtp_socket_process(dealer);
    }
    assert_string_equal(sockets_far_recv(dialled), "hello");
    assert_string_equal(sockets_far_recv(dialled), "");
    assert_int_equal(zmtp_socket_counters(dealer).own, 3);
    sockets_assert_conserved(dealer, 5);
    zmtp_socket_close(dealer);
    zmtp_pipe_close(accepted);
    zmtp_pipe_close(dialled);
}

static void test_a_router_is_told_who_comes_and_who_goes(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 9);
    config.router_tell_come = config.router_tell_gone = true;
    config.gone_notice = zmtp_bytes_text("gone");
    struct zmtp_socket *router = sockets_open_with(&config);
    struct zmtp_pipe_end *far = sockets_accept(router, "me");
    zmtp_socket_process(router);
    sockets_far_send(far, "one");
    sockets_drop(far);
    assert_string_equal(sockets_recv(router), "me|");
    assert_string_equal(sockets_recv(router), "me|one");
    assert_string_equal(sockets_recv(router), "me|gone");
    assert_string_equal(sockets_recv(router), "me|");
    assert_string_equal(sockets_recv(router), "ZMTP_ERR_AGAIN");
    assert_int_equal(sockets_pipes(router), 0);
    const struct zmtp_socket_counters counters = zmtp_socket_counters(router);
    assert_int_equal(counters.arrived, 4);
    assert_int_equal(counters.received, 4);
    zmtp_socket_close(router);
}

static void test_a_peer_that_speaks_at_once_is_announced_first(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 9);
    config.router_tell_come = true;
    struct zmtp_socket *router = sockets_open_with(&config);
    struct zmtp_pipe_end *far = sockets_accept(router, "me");
    sockets_far_send(far, "one"); // the socket has looked at neither
    sockets_far_send(far, "two");
    assert_string_equal(sockets_recv(router), "me|");
    assert_string_equal(sockets_recv(router), "me|one");
    assert_string_equal(sockets_recv(router), "me|two");
    assert_string_equal(sockets_recv(router), "ZMTP_ERR_AGAIN");
    const struct zmtp_socket_counters counters = zmtp_socket_counters(router);
    assert_int_equal(counters.arrived + counters.told, counters.received);
    zmtp_socket_close(router);
    zmtp_pipe_close(far);
}

static void test_a_server_hears_of_a_peer_that_said_nothing(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_SERVER, 9);
    config.gone_notice = zmtp_bytes_text("gone");
    struct zmtp_socket *server = sockets_open_with(&config);
    struct zmtp_pipe_end *far = sockets_accept(server, "");
    struct zmtp_msg msg;
    const uint32_t number = zmtp_socket_peer_id(server, far);
    zmtp_socket_process(server);
    sockets_drop(far);
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp_socket_recv(server, &msg), ZMTP_OK);
    assert_int_equal(msg.routing_id, number);
    zmtp_msg_fini(&msg);
    assert_string_equal(sockets_recv(server), "ZMTP_ERR_AGAIN");
    zmtp_socket_close(server);
}

static void test_a_client_hears_of_a_connection_that_was_lost(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_CLIENT, 9);
    config.lost_notice = zmtp_bytes_text("lost");
    struct zmtp_socket *client = sockets_open_with(&config);
    struct zmtp_pipe_end *far = sockets_dial(client);
    zmtp_socket_process(client);
    assert_string_equal(sockets_recv(client), "ZMTP_ERR_AGAIN"); // it was never there
    for (int i = 0; i < 2; i++) {
        sockets_connect(far, "");
        zmtp_socket_process(client);
        sockets_far_send(far, "x");
        zmtp_pipe_link_down(far);
        assert_string_equal(sockets_recv(client), "x");
        assert_string_equal(sockets_recv(client), "lost");
        assert_string_equal(sockets_recv(client), "ZMTP_ERR_AGAIN");
    }
    sockets_drop(far); // the endpoint ends: nothing is dialled again
    assert_string_equal(sockets_recv(client), "ZMTP_ERR_AGAIN");
    zmtp_socket_close(client);
}

static void test_who_parts_hears_nothing(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_PEER, 9);
    config.gone_notice = config.lost_notice = zmtp_bytes_text("news");
    struct zmtp_socket *peer = sockets_open_with(&config);
    struct zmtp_pipe_end *far = sockets_accept(peer, "");
    zmtp_socket_process(peer);
    zmtp_socket_detach(peer, far->other);
    assert_string_equal(sockets_recv(peer), "ZMTP_ERR_AGAIN");
    assert_int_equal(sockets_pipes(peer), 0);
    zmtp_socket_close(peer);
    zmtp_pipe_close(far);
}

static void notices_with_failing_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, 4);
    struct zmtp_socket *router;
    struct zmtp_pipe_end *far;
    config.allocator = allocator;
    config.hello = zmtp_bytes_text(
        "hello, and more than fits into a part's own octets, so that all needs memory");
    config.gone_notice = config.hello;
    config.router_tell_come = true;
    if (zmtp_socket_open(&router, &config) < 0) return;
    if (zmtp_socket_attach(router, false, zmtp_bytes_text("me"), &far) == ZMTP_OK) {
        const struct zmtp_origin told = {.type_known = true, .type = ZMTP_DEALER};
        (void)zmtp_pipe_link_up(far, &told);
        zmtp_socket_process(router);
        (void)sockets_far_recv(far);
        sockets_drop(far);
        for (int i = 0; i < 4; i++)
            (void)sockets_recv(router);
    }
    zmtp_socket_close(router);
}

static void test_without_memory_they_are_told_later_or_not_at_all(void **state)
{
    (void)state;
    sockets_with_failing_memory(notices_with_failing_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hello_is_the_first_message_of_each_connection),
        cmocka_unit_test(test_a_router_is_told_who_comes_and_who_goes),
        cmocka_unit_test(test_a_peer_that_speaks_at_once_is_announced_first),
        cmocka_unit_test(test_a_server_hears_of_a_peer_that_said_nothing),
        cmocka_unit_test(test_a_client_hears_of_a_connection_that_was_lost),
        cmocka_unit_test(test_who_parts_hears_nothing),
        cmocka_unit_test(test_without_memory_they_are_told_later_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
