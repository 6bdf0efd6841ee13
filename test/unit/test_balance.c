// Sending in turn to the peers that have room: DEALER (RFC 28), PUSH (RFC 30), CLIENT (RFC 41) and
// SCATTER (RFC 49), which do it alike.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/sockets.h"
#include "zmtp/socket/balance.h"

static const enum zmtp_socket_type types[] = {ZMTP_DEALER, ZMTP_PUSH, ZMTP_CLIENT, ZMTP_SCATTER};
enum { TYPES = sizeof types / sizeof types[0], PEERS = 3 };

// RR28-DEALER-01, RR28-DEALER-07, PL30-PUSH-06, CS41-CLIENT-01, CS41-CLIENT-06, SG49-SCATTER-03
static void test_each_peer_gets_every_third_message_and_none_twice(void **state)
{
    (void)state;
    const char *const texts[] = {"1", "2", "3", "4", "5", "6"};
    for (size_t t = 0; t < TYPES; t++) {
        struct zmtp_socket *socket = sockets_open(types[t], 9);
        struct zmtp_pipe_end *far[PEERS];
        for (size_t i = 0; i < PEERS; i++)
            far[i] = sockets_accept(socket, "");
        for (size_t i = 0; i < 6; i++)
            assert_string_equal(sockets_send(socket, texts[i]), "ZMTP_OK");
        for (size_t i = 0; i < 6; i++)
            assert_string_equal(sockets_far_recv(far[i % PEERS]), texts[i]);
        for (size_t i = 0; i < PEERS; i++)
            assert_string_equal(sockets_far_recv(far[i]), "");
        sockets_assert_conserved(socket, 6);
        zmtp_socket_close(socket);
        for (size_t i = 0; i < PEERS; i++)
            zmtp_pipe_close(far[i]);
    }
}

// RR28-DEALER-06, PL30-PUSH-05, CS41-CLIENT-06, SG49-SCATTER-03
static void test_a_full_peer_is_passed_over_and_is_back_when_it_has_room(void **state)
{
    (void)state;
    for (size_t t = 0; t < TYPES; t++) {
        struct zmtp_socket *socket = sockets_open(types[t], 1);
        struct zmtp_pipe_end *slow = sockets_accept(socket, ""), *fast = sockets_accept(socket, "");
        assert_string_equal(sockets_send(socket, "slow 1"), "ZMTP_OK");
        for (const char *const *text = (const char *const[]){"1", "2", "3", NULL}; *text; text++) {
            assert_string_equal(sockets_send(socket, *text), "ZMTP_OK");
            assert_string_equal(sockets_far_recv(fast), *text);
        }
        assert_string_equal(sockets_far_recv(slow), "slow 1");
        assert_string_equal(sockets_send(socket, "4"), "ZMTP_OK");
        assert_string_equal(sockets_send(socket, "slow 2"), "ZMTP_OK");
        assert_string_equal(sockets_far_recv(fast), "4");
        assert_string_equal(sockets_far_recv(slow), "slow 2");
        sockets_assert_conserved(socket, 6);
        zmtp_socket_close(socket);
        zmtp_pipe_close(slow);
        zmtp_pipe_close(fast);
    }
}

// RR28-DEALER-08 to 10, PL30-PUSH-07 to 09, CS41-CLIENT-07, SG49-SCATTER-03
static void test_without_room_anywhere_a_message_stays_the_callers(void **state)
{
    (void)state;
    for (size_t t = 0; t < TYPES; t++) {
        struct zmtp_socket *socket = sockets_open(types[t], 1);
        struct zmtp_pipe_end *far = NULL;
        struct zmtp_msg msg;
        zmtp_msg_init(&msg, NULL);
        assert_int_equal(zmtp_msg_append(&msg, zmtp_bytes_text("kept")), ZMTP_OK);
        for (int full = 0; full < 2; full++) { // first there is nobody, then one that is full
            if (full) {
                far = sockets_accept(socket, "");
                assert_string_equal(sockets_send(socket, "before"), "ZMTP_OK");
            }
            assert_int_equal(zmtp_socket_send(socket, &msg), ZMTP_ERR_AGAIN);
            assert_int_equal(msg.count, 1);
            assert_true(zmtp_bytes_equal(zmtp_msg_bytes(&msg, 0), zmtp_bytes_text("kept")));
            assert_int_equal(zmtp_socket_events(socket) & ZMTP_WRITABLE, 0);
        }
        assert_string_equal(sockets_far_recv(far), "before");
        assert_int_equal(zmtp_socket_send(socket, &msg), ZMTP_OK);
        assert_string_equal(sockets_far_recv(far), "kept");
        sockets_assert_conserved(socket, 2);
        zmtp_socket_close(socket);
        zmtp_pipe_close(far);
    }
}

static void test_who_sends_sees_what_waits_for_the_peer_that_had_its_turn(void **state)
{
    (void)state;
    const enum zmtp_socket_type with[] = {ZMTP_PUSH, ZMTP_PAIR},
                                without[] = {ZMTP_PUB, ZMTP_ROUTER};
    for (size_t i = 0; i < 2; i++) {
        struct zmtp_socket *socket = sockets_open(with[i], 9);
        assert_int_equal(zmtp__balance_backlog(socket).bytes, 0);
        struct zmtp_pipe_end *far = sockets_accept(socket, "");
        assert_string_equal(sockets_send(socket, "1"), "ZMTP_OK");
        assert_string_equal(sockets_send(socket, "22"), "ZMTP_OK");
        assert_int_equal(zmtp__balance_backlog(socket).bytes, 3 + 4);
        assert_int_equal(zmtp__balance_backlog(socket).left, 0);
        assert_string_equal(sockets_far_recv(far), "1");
        assert_int_equal(zmtp__balance_backlog(socket).bytes, 4);
        assert_int_equal(zmtp__balance_backlog(socket).left, 1);
        zmtp_socket_close(socket);
        zmtp_pipe_close(far);
    }
    for (size_t i = 0; i < 2; i++) {
        struct zmtp_socket *socket = sockets_open(without[i], 9);
        struct zmtp_pipe_end *far = sockets_accept(socket, "peer");
        if (without[i] == ZMTP_PUB) sockets_far_send(far, "\\x01");
        (void)zmtp_socket_events(socket);
        assert_string_equal(sockets_send(socket, "peer|large"), "ZMTP_OK");
        assert_int_equal(zmtp_pipe_depth(far).in_count, 1);
        assert_int_equal(zmtp__balance_backlog(socket).bytes, 0);
        zmtp_socket_close(socket);
        zmtp_pipe_close(far);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_peer_gets_every_third_message_and_none_twice),
        cmocka_unit_test(test_a_full_peer_is_passed_over_and_is_back_when_it_has_room),
        cmocka_unit_test(test_without_room_anywhere_a_message_stays_the_callers),
        cmocka_unit_test(test_who_sends_sees_what_waits_for_the_peer_that_had_its_turn),
    };
    return cmocka_run_group_tests_name("balance", tests, NULL, NULL);
}
