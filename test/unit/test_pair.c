// PAIR (RFC 31) and CHANNEL (RFC 52).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/sockets.h"

static int attach(struct zmtp_socket *pair, bool dialled)
{
    struct zmtp_pipe_end *far;
    const int result = zmtp_socket_attach(pair, dialled, (struct zmtp_bytes){0}, &far);
    if (result < 0) assert_null(far);
    return result;
}

// EP31-PAIR-02, PAIR-03, PAIR-05, PAIR-07
static void test_messages_go_both_ways_as_they_are(void **state)
{
    (void)state;
    struct zmtp_socket *pair = sockets_open(ZMTP_PAIR, 2);
    assert_string_equal(sockets_send(pair, "nobody"), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_events(pair), 0);
    struct zmtp_pipe_end *a = sockets_accept(pair, "");
    assert_int_equal(zmtp_socket_events(pair), ZMTP_WRITABLE);
    assert_string_equal(sockets_send(pair, "|x||y"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "|x||y");
    sockets_far_send(a, "1|");
    sockets_far_send(a, "2");
    assert_int_equal(zmtp_socket_events(pair), ZMTP_READABLE | ZMTP_WRITABLE);
    assert_string_equal(sockets_recv(pair), "1|");
    assert_string_equal(sockets_recv(pair), "2");
    assert_string_equal(sockets_recv(pair), "ZMTP_ERR_AGAIN");
    zmtp_socket_close(pair);
    zmtp_pipe_close(a);
}

// EP31-PAIR-04 to 06
static void test_a_full_peer_makes_the_sender_wait_and_loses_nothing(void **state)
{
    (void)state;
    struct zmtp_socket *pair = sockets_open(ZMTP_PAIR, 2);
    struct zmtp_pipe_end *a = sockets_accept(pair, "");
    assert_string_equal(sockets_send(pair, "1"), "ZMTP_OK");
    assert_string_equal(sockets_send(pair, "2"), "ZMTP_OK");
    assert_string_equal(sockets_send(pair, "3"), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_events(pair), 0);
    assert_string_equal(sockets_far_recv(a), "1");
    assert_true(zmtp_socket_marked(pair));
    assert_int_equal(zmtp_socket_events(pair), ZMTP_WRITABLE);
    assert_string_equal(sockets_send(pair, "3"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "2");
    assert_string_equal(sockets_far_recv(a), "3");
    sockets_assert_conserved(pair, 3);
    assert_int_equal(zmtp_socket_counters(pair).sent, 3);
    zmtp_socket_close(pair);
    zmtp_pipe_close(a);
}

// EP31-PAIR-01
static void test_a_second_peer_is_refused_until_the_first_is_gone(void **state)
{
    (void)state;
    struct zmtp_socket *pair = sockets_open(ZMTP_PAIR, 2);
    struct zmtp_pipe_end *a = sockets_accept(pair, "");
    assert_int_equal(attach(pair, false), ZMTP_ERR_IN_USE);
    assert_int_equal(attach(pair, true), ZMTP_ERR_IN_USE);
    assert_int_equal(sockets_pipes(pair), 1);
    assert_string_equal(sockets_send(pair, "unheard"), "ZMTP_OK");
    sockets_far_send(a, "last words");
    sockets_drop(a);
    struct zmtp_pipe_end *b = sockets_accept(pair, "");
    assert_string_equal(sockets_recv(pair), "last words");
    assert_int_equal(zmtp_socket_counters(pair).dropped[ZMTP_DROP_PEER_GONE], 1);
    assert_string_equal(sockets_send(pair, "to b"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(b), "to b");
    assert_int_equal(attach(pair, false), ZMTP_ERR_IN_USE); // the first one's end ends no other
    sockets_assert_conserved(pair, 1);
    zmtp_socket_close(pair);
    zmtp_pipe_close(b);
}

static void test_a_dialled_peer_is_written_to_while_away_unless_immediate(void **state)
{
    (void)state;
    for (int immediate = 0; immediate < 2; immediate++) {
        struct zmtp_socket_config config = sockets_config(ZMTP_PAIR, 2);
        config.immediate = immediate;
        struct zmtp_socket *pair = sockets_open_with(&config);
        struct zmtp_pipe_end *a = sockets_dial(pair);
        const char *away = immediate ? "ZMTP_ERR_AGAIN" : "ZMTP_OK";
        assert_string_equal(sockets_send(pair, "before"), away);
        assert_int_equal(zmtp_socket_events(pair), immediate ? 0 : ZMTP_WRITABLE);
        sockets_connect(a, "");
        assert_string_equal(sockets_far_recv(a), immediate ? "" : "before");
        assert_string_equal(sockets_send(pair, "m"), "ZMTP_OK");
        assert_string_equal(sockets_far_recv(a), "m");
        zmtp_pipe_link_down(a);
        assert_string_equal(sockets_send(pair, "between"), away);
        zmtp_pipe_close(a);
        zmtp_socket_process(pair);
        assert_int_equal(zmtp_socket_counters(pair).dropped[ZMTP_DROP_CLOSED], !immediate);
        sockets_assert_conserved(pair, immediate ? 1 : 2);
        zmtp_socket_close(pair);
    }
}

// CH52-CHAN-01, CHAN-04, CHAN-05; ZMTP37-TS-02, TS-03
static void test_a_channel_is_a_pair_for_messages_of_one_part(void **state)
{
    (void)state;
    struct zmtp_socket *channel = sockets_open(ZMTP_CHANNEL, 2);
    struct zmtp_pipe_end *a = sockets_accept(channel, "");
    assert_int_equal(attach(channel, false), ZMTP_ERR_IN_USE);
    assert_string_equal(sockets_send(channel, "1|2"), "ZMTP_ERR_ARGUMENT");
    assert_string_equal(sockets_send(channel, "1"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "1");
    sockets_far_send(a, "x|y");
    sockets_far_send(a, "z");
    assert_string_equal(sockets_recv(channel), "z");
    assert_string_equal(sockets_recv(channel), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(channel).dropped[ZMTP_DROP_ENVELOPE], 1);
    sockets_assert_conserved(channel, 1);
    sockets_drop(a);
    assert_string_equal(sockets_send(channel, "nobody"), "ZMTP_ERR_AGAIN");
    zmtp_socket_close(channel);
}

static void exchange_with_failing_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_PAIR, 2);
    config.allocator = allocator;
    struct zmtp_socket *a = NULL, *b = NULL;
    struct zmtp_pipe_end *ends[2];
    size_t left = 0;
    if (zmtp_socket_open(&a, &config) < 0) return;
    if (zmtp_socket_open(&b, &config) == ZMTP_OK) {
        // An attempt that failed leaves room for the next one.
        if (zmtp_socket_join(a, b, ends) < 0) (void)zmtp_socket_join(a, b, ends);
        for (int i = 0; i < 5; i++) {
            (void)sockets_send(a, "a|b|c|d");
            left += *sockets_recv(b) == 'a';
        }
        const bool for_good = ((const struct zmtp_budget *)allocator->context)->fail_on;
        assert_true(left >= 3 || for_good);
        sockets_assert_conserved(a, left);
    }
    zmtp_socket_close(a);
    zmtp_socket_close(b);
}

static void test_whichever_allocation_fails_nothing_is_lost_or_leaks(void **state)
{
    (void)state;
    sockets_with_failing_memory(exchange_with_failing_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_go_both_ways_as_they_are),
        cmocka_unit_test(test_a_full_peer_makes_the_sender_wait_and_loses_nothing),
        cmocka_unit_test(test_a_second_peer_is_refused_until_the_first_is_gone),
        cmocka_unit_test(test_a_dialled_peer_is_written_to_while_away_unless_immediate),
        cmocka_unit_test(test_a_channel_is_a_pair_for_messages_of_one_part),
        cmocka_unit_test(test_whichever_allocation_fails_nothing_is_lost_or_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
