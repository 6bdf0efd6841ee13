// SERVER (RFC 41) and PEER (RFC 51).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/sockets.h"

// Sends |text| to the peer of that number.
static int send_to(struct zmtp_socket *server, uint32_t routing_id, const char *text)
{
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp_msg_append(&msg, zmtp_bytes_text(text)), ZMTP_OK);
    msg.routing_id = routing_id;
    const int result = zmtp_socket_send(server, &msg);
    assert_int_equal(msg.count, result < 0); // taken whole or not at all
    assert_int_equal(msg.routing_id, result < 0 ? routing_id : 0);
    zmtp_msg_fini(&msg);
    return result;
}

// Receives a message, which must be |text|, and tells who sent it.
static uint32_t recv_from(struct zmtp_socket *server, const char *text)
{
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp_socket_recv(server, &msg), ZMTP_OK);
    assert_int_equal(msg.count, 1);
    assert_true(zmtp_bytes_equal(zmtp_msg_bytes(&msg, 0), zmtp_bytes_text(text)));
    const uint32_t routing_id = msg.routing_id;
    zmtp_msg_fini(&msg);
    assert_int_equal(msg.routing_id, 0);
    return routing_id;
}

// CS41-SERVER-01, SERVER-03, SERVER-04, SERVER-06, SERVER-08; ZMTP37-TS-04
static void test_a_received_message_says_whom_to_answer(void **state)
{
    (void)state;
    struct zmtp_socket *server = sockets_open(ZMTP_SERVER, 2);
    struct zmtp_pipe_end *a = sockets_accept(server, "same"), *b = sockets_accept(server, "same");
    zmtp_socket_process(server);
    sockets_far_send(a, "from a");
    sockets_far_send(b, "from b");
    const uint32_t of_a = recv_from(server, "from a"), of_b = recv_from(server, "from b");
    assert_int_not_equal(of_a, 0);
    assert_int_not_equal(of_b, 0);
    assert_int_not_equal(of_a, of_b);
    assert_int_equal(send_to(server, of_b, "to b"), ZMTP_OK);
    assert_int_equal(send_to(server, of_a, "to a"), ZMTP_OK);
    assert_string_equal(sockets_far_recv(a), "to a");
    assert_string_equal(sockets_far_recv(b), "to b");
    // What was received goes back as it is.
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    sockets_far_send(b, "echo");
    assert_int_equal(zmtp_socket_recv(server, &msg), ZMTP_OK);
    assert_int_equal(zmtp_socket_send(server, &msg), ZMTP_OK);
    assert_string_equal(sockets_far_recv(b), "echo");
    sockets_assert_conserved(server, 3);
    zmtp_socket_close(server);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// CS41-SERVER-09; P2P51-PEER-05
static void test_a_message_to_nobody_is_refused(void **state)
{
    (void)state;
    struct zmtp_socket *server = sockets_open(ZMTP_SERVER, 2);
    struct zmtp_pipe_end *a = sockets_accept(server, "");
    const uint32_t of_a = zmtp_socket_peer_id(server, a);
    assert_int_equal(send_to(server, 0, "x"), ZMTP_ERR_UNREACHABLE);
    assert_int_equal(send_to(server, of_a + 1, "x"), ZMTP_ERR_UNREACHABLE);
    const struct zmtp_bytes octets = zmtp_bytes_text("x"); // cannot say for whom
    assert_int_equal(zmtp_socket_send_bytes(server, &octets, 1), ZMTP_ERR_UNREACHABLE);
    sockets_far_send(a, "last words");
    sockets_drop(a);
    assert_int_equal(recv_from(server, "last words"), of_a);
    assert_int_equal(send_to(server, of_a, "x"), ZMTP_ERR_UNREACHABLE);
    assert_string_equal(sockets_recv(server), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_events(server), ZMTP_WRITABLE);
    assert_int_equal(zmtp_socket_counters(server).sent, 0);
    zmtp_socket_close(server);
}

// CS41-SERVER-05, SERVER-10
static void test_a_full_peer_refuses_and_delays_no_other(void **state)
{
    (void)state;
    struct zmtp_socket *server = sockets_open(ZMTP_SERVER, 1);
    struct zmtp_pipe_end *a = sockets_accept(server, ""), *b = sockets_accept(server, "");
    const uint32_t of_a = zmtp_socket_peer_id(server, a), of_b = zmtp_socket_peer_id(server, b);
    assert_int_equal(send_to(server, of_a, "1"), ZMTP_OK);
    assert_int_equal(zmtp_socket_events(server), ZMTP_WRITABLE);
    assert_int_equal(send_to(server, of_a, "2"), ZMTP_ERR_AGAIN);
    assert_int_equal(zmtp_socket_events(server), 0);
    assert_int_equal(send_to(server, of_b, "3"), ZMTP_OK);
    assert_int_equal(zmtp_socket_events(server), ZMTP_WRITABLE); // a's is forgotten
    assert_int_equal(send_to(server, of_a, "2"), ZMTP_ERR_AGAIN);
    assert_string_equal(sockets_far_recv(a), "1");
    assert_true(zmtp_socket_marked(server));
    assert_int_equal(zmtp_socket_events(server), ZMTP_WRITABLE);
    assert_int_equal(send_to(server, of_a, "2"), ZMTP_OK);
    assert_int_equal(send_to(server, of_a, "4"), ZMTP_ERR_AGAIN);
    sockets_drop(a);
    assert_int_equal(zmtp_socket_events(server), ZMTP_WRITABLE); // there is nobody to wait for
    assert_int_equal(zmtp_socket_counters(server).dropped[ZMTP_DROP_PEER_GONE], 1);
    assert_string_equal(sockets_far_recv(b), "3");
    sockets_assert_conserved(server, 2);
    zmtp_socket_close(server);
    zmtp_pipe_close(b);
}

// CS41-GEN-01, SERVER-07, SERVER-11; P2P51-PEER-06; ZMTP37-TS-02, TS-03
static void test_messages_have_one_part(void **state)
{
    (void)state;
    const enum zmtp_socket_type types[] = {ZMTP_SERVER, ZMTP_PEER};
    for (size_t i = 0; i < 2; i++) {
        struct zmtp_socket *socket = sockets_open(types[i], 9);
        struct zmtp_pipe_end *a = sockets_accept(socket, "");
        sockets_far_send(a, "x|y");
        sockets_far_send(a, "m");
        (void)recv_from(socket, "m");
        assert_int_equal(zmtp_socket_counters(socket).dropped[ZMTP_DROP_ENVELOPE], 1);
        assert_string_equal(sockets_send(socket, "x|y"), "ZMTP_ERR_ARGUMENT");
        zmtp_socket_close(socket);
        zmtp_pipe_close(a);
    }
}

// P2P51-PEER-02, PEER-03
static void test_a_dialled_peer_has_its_number_at_once_and_keeps_it(void **state)
{
    (void)state;
    for (int immediate = 0; immediate < 2; immediate++) {
        struct zmtp_socket_config config = sockets_config(ZMTP_PEER, 2);
        config.immediate = immediate;
        struct zmtp_socket *peer = sockets_open_with(&config);
        struct zmtp_pipe_end *other = sockets_accept(peer, ""), *a = sockets_dial(peer);
        const uint32_t of_a = zmtp_socket_peer_id(peer, a);
        assert_int_not_equal(of_a, zmtp_socket_peer_id(peer, other));
        const int away = immediate ? ZMTP_ERR_UNREACHABLE : ZMTP_OK;
        assert_int_equal(send_to(peer, of_a, "before"), away);
        for (int i = 0; i < 2; i++) {
            sockets_connect(a, "");
            sockets_far_send(a, "m");
            assert_int_equal(recv_from(peer, "m"), of_a);
            assert_string_equal(sockets_far_recv(a), immediate ? "" : "before");
            zmtp_pipe_link_down(a);
            assert_int_equal(send_to(peer, of_a, "before"), away);
        }
        assert_int_equal(zmtp_socket_peer_id(peer, NULL), 0);
        zmtp_socket_close(peer);
        zmtp_pipe_close(a);
        zmtp_pipe_close(other);
    }
}

// P2P51-PEER-01
static void test_two_peers_of_one_process_know_each_other_at_once(void **state)
{
    (void)state;
    struct zmtp_socket *a = sockets_open(ZMTP_PEER, 2), *b = sockets_open(ZMTP_PEER, 2);
    struct zmtp_pipe_end *ends[2];
    assert_int_equal(zmtp_socket_join(a, b, ends), ZMTP_OK);
    assert_int_equal(send_to(a, zmtp_socket_peer_id(a, ends[0]), "to b"), ZMTP_OK);
    assert_int_equal(recv_from(b, "to b"), zmtp_socket_peer_id(b, ends[1]));
    zmtp_socket_close(a);
    zmtp_socket_close(b);
}

static void serve_with_failing_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_SERVER, 2);
    config.allocator = allocator;
    struct zmtp_socket *server;
    if (zmtp_socket_open(&server, &config) < 0) return;
    struct zmtp_pipe_end *far[3];
    size_t left = 0, answered = 0, asked = 0;
    for (size_t i = 0; i < 3; i++) {
        far[i] = NULL;
        (void)zmtp_socket_attach(server, false, (struct zmtp_bytes){0}, &far[i]);
        if (far[i]) asked += sockets_far_try(far[i], "m");
    }
    for (size_t i = 0; i < 6; i++) {
        struct zmtp_msg msg;
        zmtp_msg_init(&msg, allocator);
        if (zmtp_socket_recv(server, &msg) == ZMTP_OK)
            answered += zmtp_socket_send(server, &msg) == ZMTP_OK;
        zmtp_msg_fini(&msg);
    }
    for (size_t i = 0; i < 3; i++)
        left += far[i] && *sockets_far_recv(far[i]);
    assert_int_equal(left, answered);
    const bool for_good = ((const struct zmtp_budget *)allocator->context)->fail_on;
    assert_true(answered <= asked && (answered + 1 >= asked || for_good));
    sockets_assert_conserved(server, left);
    zmtp_socket_close(server);
    for (size_t i = 0; i < 3; i++)
        zmtp_pipe_close(far[i]);
}

static void test_whichever_allocation_fails_nothing_is_lost_or_leaks(void **state)
{
    (void)state;
    sockets_with_failing_memory(serve_with_failing_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_received_message_says_whom_to_answer),
        cmocka_unit_test(test_a_message_to_nobody_is_refused),
        cmocka_unit_test(test_a_full_peer_refuses_and_delays_no_other),
        cmocka_unit_test(test_messages_have_one_part),
        cmocka_unit_test(test_a_dialled_peer_has_its_number_at_once_and_keeps_it),
        cmocka_unit_test(test_two_peers_of_one_process_know_each_other_at_once),
        cmocka_unit_test(test_whichever_allocation_fails_nothing_is_lost_or_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
