// PUSH (RFC 30) and SCATTER (RFC 49).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/sockets.h"

// PL30-PUSH-02, PUSH-05 to 09
static void test_messages_go_round_the_peers_that_have_room(void **state)
{
    (void)state;
    struct zmtp_socket *push = sockets_open(ZMTP_PUSH, 2);
    assert_string_equal(sockets_send(push, "nobody"), "ZMTP_ERR_AGAIN");
    struct zmtp_pipe_end *a = sockets_accept(push, ""), *b = sockets_accept(push, "");
    for (const char *const *text = (const char *const[]){"1", "2|x", "3", "4", NULL}; *text; text++)
        assert_string_equal(sockets_send(push, *text), "ZMTP_OK");
    assert_string_equal(sockets_send(push, "5"), "ZMTP_ERR_AGAIN"); // never discarded
    assert_int_equal(zmtp_socket_events(push), 0);
    assert_string_equal(sockets_far_recv(b), "2|x");
    assert_true(zmtp_socket_marked(push));
    assert_int_equal(zmtp_socket_events(push), ZMTP_WRITABLE);
    assert_string_equal(sockets_send(push, "5"), "ZMTP_OK"); // only b has room
    assert_string_equal(sockets_far_recv(a), "1");
    assert_string_equal(sockets_far_recv(a), "3");
    assert_string_equal(sockets_far_recv(b), "4");
    assert_string_equal(sockets_far_recv(b), "5");
    sockets_assert_conserved(push, 5);
    assert_int_equal(zmtp_socket_counters(push).sent, 5);
    zmtp_socket_close(push);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// PL30-PUSH-01
static void test_nothing_is_received(void **state)
{
    (void)state;
    struct zmtp_socket *push = sockets_open(ZMTP_PUSH, 1);
    struct zmtp_pipe_end *a = sockets_accept(push, "");
    sockets_far_send(a, "m");
    sockets_far_send(a, "<SUBSCRIBE>x");
    assert_false(zmtp__pipe_writable(a));
    assert_int_equal(zmtp_socket_events(push), ZMTP_WRITABLE);
    assert_true(zmtp__pipe_writable(a)); // what it goes on to say holds nothing up
    assert_int_equal(zmtp_socket_counters(push).dropped[ZMTP_DROP_UNEXPECTED], 2);
    assert_string_equal(sockets_recv(push), "ZMTP_ERR_UNSUPPORTED");
    sockets_far_send(a, "m");
    sockets_drop(a);
    assert_int_equal(zmtp_socket_events(push), 0);
    assert_int_equal(sockets_pipes(push), 0); // not even one that left talking is kept
    zmtp_socket_close(push);
}

// PL30-PUSH-03
static void test_what_waited_for_a_peer_that_left_is_counted(void **state)
{
    (void)state;
    struct zmtp_socket *push = sockets_open(ZMTP_PUSH, 3);
    struct zmtp_pipe_end *accepted = sockets_accept(push, "");
    assert_string_equal(sockets_send(push, "1"), "ZMTP_OK");
    assert_string_equal(sockets_send(push, "2"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(accepted), "1");
    sockets_drop(accepted);
    assert_string_equal(sockets_send(push, "3"), "ZMTP_ERR_AGAIN");
    struct zmtp_pipe_end *dialled = sockets_dial(push);
    assert_string_equal(sockets_send(push, "3"), "ZMTP_OK");
    zmtp_pipe_close(dialled);
    zmtp_socket_process(push);
    assert_int_equal(zmtp_socket_counters(push).dropped[ZMTP_DROP_PEER_GONE], 1);
    assert_int_equal(zmtp_socket_counters(push).dropped[ZMTP_DROP_CLOSED], 1);
    sockets_assert_conserved(push, 1);
    zmtp_socket_close(push);
}

static void test_conflated_each_peer_gets_the_last_of_its_messages(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_PUSH, 1);
    config.conflate = true;
    struct zmtp_socket *push = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(push, ""), *b = sockets_accept(push, "");
    for (const char *const *text = (const char *const[]){"1", "2", "3", "4", "5", NULL}; *text;
         text++)
        assert_string_equal(sockets_send(push, *text), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "5");
    assert_string_equal(sockets_far_recv(b), "4");
    assert_int_equal(zmtp_socket_counters(push).dropped[ZMTP_DROP_REPLACED], 3);
    sockets_assert_conserved(push, 2);
    zmtp_socket_close(push);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// SG49-SCATTER-01, SCATTER-03, SCATTER-04; ZMTP37-TS-02
static void test_a_scatter_sends_single_parts_in_turn(void **state)
{
    (void)state;
    struct zmtp_socket *scatter = sockets_open(ZMTP_SCATTER, 1);
    struct zmtp_pipe_end *a = sockets_accept(scatter, ""), *b = sockets_accept(scatter, "");
    assert_string_equal(sockets_send(scatter, "1|2"), "ZMTP_ERR_ARGUMENT");
    assert_string_equal(sockets_send(scatter, "1"), "ZMTP_OK");
    assert_string_equal(sockets_send(scatter, "2"), "ZMTP_OK");
    assert_string_equal(sockets_send(scatter, "3"), "ZMTP_ERR_AGAIN");
    assert_string_equal(sockets_far_recv(a), "1");
    assert_string_equal(sockets_far_recv(b), "2");
    sockets_far_send(a, "unasked");
    zmtp_socket_process(scatter);
    assert_int_equal(zmtp_socket_counters(scatter).dropped[ZMTP_DROP_UNEXPECTED], 1);
    assert_string_equal(sockets_recv(scatter), "ZMTP_ERR_UNSUPPORTED");
    sockets_assert_conserved(scatter, 2);
    zmtp_socket_close(scatter);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

static void push_with_failing_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_PUSH, 2);
    config.allocator = allocator;
    struct zmtp_socket *push;
    struct zmtp_pipe_end *far;
    if (zmtp_socket_open(&push, &config) < 0) return;
    if (zmtp_socket_attach(push, true, (struct zmtp_bytes){0}, &far) == ZMTP_OK) {
        size_t left = 0, sent = 0;
        for (int i = 0; i < 6; i++) {
            sent += sockets_send(push, "a|b")[5] == 'O';
            left += *sockets_far_recv(far) != 0;
        }
        assert_int_equal(zmtp_socket_counters(push).copies, sent);
        sockets_assert_conserved(push, left);
        zmtp_pipe_close(far);
    }
    zmtp_socket_close(push);
}

// The far end has begun to send the first message that it was given, and so keeps that.
static void replace_with_failing_memory(const struct zmtp_allocator *allocator)
{
    const struct zmtp_budget *const budget = allocator->context;
    struct zmtp_socket_config config = sockets_config(ZMTP_PUSH, 2);
    config.allocator = allocator;
    config.conflate = true;
    struct zmtp_socket *push;
    struct zmtp_pipe_end *far;
    if (zmtp_socket_open(&push, &config) < 0) return;
    if (zmtp_socket_attach(push, true, (struct zmtp_bytes){0}, &far) == ZMTP_OK) {
        // Of several ranges, or one for all; the last of them has its octets elsewhere.
        static const char *const texts[] = {"1|a", "2|b", "3|c", "4", "5|d|e|f", "6"};
        const char *waits = "", *begun = "";
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            const bool sent = sockets_send(push, texts[i])[5] == 'O';
            if (sent) waits = texts[i];
            assert_true(sent || budget->calls >= budget->fail_at);
            assert_int_equal(far->in->count, (*begun ? 1 : 0) + (*waits ? 1 : 0));
            if (*begun == '\0' && *waits != '\0' && i % 2) {
                zmtp__queue_consume(far->in, 1);
                begun = waits;
                waits = "";
            }
        }
        zmtp__queue_rewind(far->in);
        assert_string_equal(sockets_far_recv(far), begun);
        assert_string_equal(sockets_far_recv(far), waits);
        sockets_assert_conserved(push, (*begun ? 1u : 0u) + (*waits ? 1u : 0u));
        zmtp_pipe_close(far);
    }
    zmtp_socket_close(push);
}

static void test_conflated_a_message_waits_until_the_one_that_replaces_it_is_there(void **state)
{
    (void)state;
    sockets_with_failing_memory(replace_with_failing_memory);
}

static void test_whichever_allocation_fails_nothing_is_lost_or_leaks(void **state)
{
    (void)state;
    sockets_with_failing_memory(push_with_failing_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_go_round_the_peers_that_have_room),
        cmocka_unit_test(test_nothing_is_received),
        cmocka_unit_test(test_what_waited_for_a_peer_that_left_is_counted),
        cmocka_unit_test(test_conflated_each_peer_gets_the_last_of_its_messages),
        cmocka_unit_test(test_conflated_a_message_waits_until_the_one_that_replaces_it_is_there),
        cmocka_unit_test(test_a_scatter_sends_single_parts_in_turn),
        cmocka_unit_test(test_whichever_allocation_fails_nothing_is_lost_or_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
