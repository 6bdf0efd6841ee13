// A body that is lent for the time of a call: sent from where it is, or copied when it still waits.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "test/support/sockets.h"
#include "zmtp/socket/borrow.h"

enum { SIZE = 100000 };

static uint8_t letters[SIZE]; // the caller's

static struct zmtp_bytes write_letters(uint8_t first)
{
    for (size_t i = 0; i < SIZE; i++)
        letters[i] = (uint8_t)(first + i % 251);
    return (struct zmtp_bytes){letters, SIZE};
}

static void assert_letters(struct zmtp_bytes octets, size_t from, uint8_t first)
{
    for (size_t i = 0; i < octets.size; i++)
        if (octets.data[i] != (uint8_t)(first + (from + i) % 251)) fail_msg("octet %zu", from + i);
}

// What waits at the far end, header and body.
static size_t look(struct zmtp_pipe_end *far, struct zmtp_bytes views[2])
{
    return zmtp__queue_peek(far->in, views, 2, SIZE_MAX);
}

static void test_what_leaves_in_time_is_read_from_where_the_caller_has_it(void **state)
{
    (void)state;
    struct zmtp__borrow borrowed;
    struct zmtp_bytes views[2];
    struct zmtp_socket *push = sockets_open(ZMTP_PUSH, 4);
    struct zmtp_pipe_end *far = sockets_accept(push, "");
    const struct zmtp_bytes body = write_letters('a');
    zmtp__borrow_open(&borrowed, body);
    assert_int_equal(zmtp__socket_send_borrowed(push, &body, 1, &borrowed), ZMTP_OK);
    assert_int_equal(look(far, views), 2);
    assert_ptr_equal(views[1].data, letters);
    assert_int_equal(views[1].size, SIZE);
    zmtp__queue_consume(far->in, views[0].size + views[1].size);
    zmtp__borrow_close(&borrowed);
    assert_int_equal(zmtp_pipe_depth(far).in_count, 0);
    assert_int_equal(zmtp_socket_counters(push).sent, 1);
    zmtp_socket_close(push);
    zmtp_pipe_close(far);
}

// From the first octet on, so that another connection can send the whole message.
static void test_what_waits_after_the_call_is_the_queues_own(void **state)
{
    (void)state;
    const size_t parts[] = {0, 1, 5, 9, 10, SIZE / 2, SIZE + 8};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct zmtp__borrow borrowed;
        struct zmtp_bytes views[2];
        struct zmtp_socket *push = sockets_open(ZMTP_PUSH, 4);
        struct zmtp_pipe_end *far = sockets_accept(push, "");
        assert_string_equal(sockets_send(push, "before"), "ZMTP_OK");
        assert_string_equal(sockets_far_recv(far), "before");
        const struct zmtp_bytes body = write_letters('a');
        zmtp__borrow_open(&borrowed, body);
        assert_int_equal(zmtp__socket_send_borrowed(push, &body, 1, &borrowed), ZMTP_OK);
        zmtp__queue_consume(far->in, parts[i]);
        zmtp__borrow_close(&borrowed);
        (void)write_letters('z');
        zmtp__queue_rewind(far->in);
        assert_int_equal(look(far, views), 2);
        assert_int_equal(views[0].size, ZMTP_HEADER_MAX);
        assert_int_equal(views[1].size, SIZE);
        assert_ptr_not_equal(views[1].data, letters);
        assert_letters(views[1], 0, 'a');
        zmtp_socket_close(push);
        zmtp_pipe_close(far);
    }
}

static void test_only_the_last_part_is_lent(void **state)
{
    (void)state;
    struct zmtp__borrow borrowed;
    struct zmtp_socket *router = sockets_open(ZMTP_ROUTER, 4);
    struct zmtp_pipe_end *far = sockets_accept(router, "peer");
    const struct zmtp_bytes body = write_letters('a');
    const struct zmtp_bytes parts[] = {zmtp_bytes_text("peer"), zmtp_bytes_text("title"), body};
    struct zmtp_msg msg;
    zmtp__borrow_open(&borrowed, body);
    assert_int_equal(zmtp__socket_send_borrowed(router, parts, 3, &borrowed), ZMTP_OK);
    zmtp__borrow_close(&borrowed);
    (void)write_letters('z');
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp__pipe_take(far, &msg), ZMTP_OK);
    assert_int_equal(msg.count, 2);
    assert_int_equal(zmtp_msg_bytes(&msg, 0).size, 5);
    assert_int_equal(zmtp_msg_bytes(&msg, 1).size, SIZE);
    assert_letters(zmtp_msg_bytes(&msg, 1), 0, 'a');
    zmtp_msg_fini(&msg);
    zmtp_socket_close(router);
    zmtp_pipe_close(far);
}

static void test_it_is_lent_to_one_queue_and_to_none_that_crosses_threads(void **state)
{
    (void)state;
    struct zmtp__borrow borrowed;
    struct zmtp__queue queues[3];
    const struct zmtp_bytes body = write_letters('a');
    for (size_t i = 0; i < 3; i++)
        zmtp__queue_init(&queues[i], zmtp_heap(), NULL, 0, 0);
    queues[0].crosses = true;
    zmtp__borrow_open(&borrowed, body);
    assert_null(zmtp__borrow_take(&borrowed, &queues[0]));
    assert_non_null(zmtp__borrow_take(&borrowed, &queues[1]));
    assert_null(zmtp__borrow_take(&borrowed, &queues[2]));
    zmtp__borrow_close(&borrowed);
    for (size_t i = 0; i < 3; i++)
        zmtp__queue_fini(&queues[i]);
}

static void send_it(const struct zmtp_allocator *allocator)
{
    struct zmtp__borrow borrowed;
    struct zmtp_socket_config config = sockets_config(ZMTP_PUSH, 4);
    struct zmtp_socket *push = NULL;
    struct zmtp_pipe_end *far = NULL;
    config.allocator = allocator;
    if (zmtp_socket_open(&push, &config) < 0) return;
    if (zmtp_socket_attach(push, false, (struct zmtp_bytes){0}, &far) == ZMTP_OK) {
        const struct zmtp_bytes body = write_letters('a');
        zmtp__borrow_open(&borrowed, body);
        const int result = zmtp__socket_send_borrowed(push, &body, 1, &borrowed);
        assert_true(result == ZMTP_OK || result == ZMTP_ERR_MEMORY || result == ZMTP_ERR_AGAIN);
        zmtp__borrow_close(&borrowed);
        assert_int_equal(zmtp_pipe_depth(far).in_count, result == ZMTP_OK ? 1 : 0);
    }
    zmtp_socket_close(push);
    zmtp_pipe_close(far);
}

static void test_without_memory_nothing_is_sent_and_nothing_stays_lent(void **state)
{
    (void)state;
    sockets_with_failing_memory(send_it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_leaves_in_time_is_read_from_where_the_caller_has_it),
        cmocka_unit_test(test_what_waits_after_the_call_is_the_queues_own),
        cmocka_unit_test(test_only_the_last_part_is_lent),
        cmocka_unit_test(test_it_is_lent_to_one_queue_and_to_none_that_crosses_threads),
        cmocka_unit_test(test_without_memory_nothing_is_sent_and_nothing_stays_lent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
