// Short messages that are sent one after the other, and become the queue's together.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "test/support/sockets.h"
#include "zmtp/socket/sends.h"

enum { ALL = 4096 };
static const struct zmtp_bytes letter = {(const uint8_t *)"x", 1};

// A sender with two messages on their way to |*far|, the last of which went in the fewest steps.
static struct zmtp_socket *sender(size_t limit, struct zmtp_marks *marks,
                                  struct zmtp_pipe_end **far)
{
    struct zmtp_socket *const socket = sockets_open(ZMTP_DEALER, limit);
    *far = sockets_accept(socket, "");
    *marks = (struct zmtp_marks){0};
    zmtp_pipe_own(*far, marks, NULL);
    assert_string_equal(sockets_send(socket, "1"), "ZMTP_OK");
    assert_true(zmtp__express_send(socket, letter));
    assert_true(zmtp__express_send_few(socket, letter));
    assert_string_equal(sockets_far_recv(*far), "1");
    return socket;
}

static void test_what_was_put_is_sent_and_counted_once(void **state)
{
    (void)state;
    static const uint8_t most[ZMTP__COPY_FEW + 1] = "most";
    struct zmtp_marks marks;
    struct zmtp_pipe_end *far;
    struct zmtp_socket *const socket = sender(100, &marks, &far);
    struct zmtp__sends sends = {0};
    assert_true(zmtp__sends_begin(&sends, socket, SIZE_MAX, ALL));
    assert_true(zmtp__sends_put(&sends, zmtp_bytes_text("one")));
    assert_true(zmtp__sends_put(&sends, zmtp_bytes_text("")));
    assert_false(zmtp__sends_put(&sends, (struct zmtp_bytes){0}));
    assert_false(zmtp__sends_put(&sends, zmtp_bytes_of(most, ZMTP__COPY_FEW + 1)));
    assert_true(zmtp__sends_put(&sends, zmtp_bytes_of(most, ZMTP__COPY_FEW)));
    assert_int_equal(zmtp__sends_settle(&sends), 3 + ZMTP__COPY_FEW);
    assert_int_equal(zmtp_socket_counters(socket).sent, 6);
    assert_int_equal(zmtp_pipe_depth(far).in_count, 5);
    assert_true(zmtp__express_send_few(socket, letter)); // which goes on behind them
    assert_string_equal(sockets_far_recv(far), "x");
    assert_string_equal(sockets_far_recv(far), "x");
    assert_string_equal(sockets_far_recv(far), "one");
    assert_string_equal(sockets_far_recv(far), "");
    (void)sockets_far_recv(far);
    assert_string_equal(sockets_far_recv(far), "x");
    sockets_assert_conserved(socket, 7);
    zmtp_socket_close(socket);
    zmtp_pipe_close(far);
}

static void test_they_end_where_the_queue_is_full(void **state)
{
    (void)state;
    enum { LIMIT = 3 + ZMTP__SENDS_LEAST };
    struct zmtp_marks marks;
    struct zmtp_pipe_end *far;
    struct zmtp_socket *const socket = sender(LIMIT, &marks, &far);
    struct zmtp__sends sends = {0};
    assert_true(zmtp__sends_begin(&sends, socket, SIZE_MAX, ALL));
    size_t count = 0;
    while (zmtp__sends_put(&sends, letter))
        count++;
    (void)zmtp__sends_settle(&sends);
    assert_true(count >= ZMTP__SENDS_LEAST - 1 && 2 + count <= LIMIT);
    while (zmtp__express_send_few(socket, letter))
        count++;
    while (zmtp__express_send(socket, letter)) // what has left since makes room for more
        count++;
    assert_int_equal(zmtp_pipe_depth(far).in_count, LIMIT);
    assert_int_equal(2 + count, LIMIT);
    assert_string_equal(sockets_send(socket, "x"), "ZMTP_ERR_AGAIN");
    zmtp_socket_close(socket);
    zmtp_pipe_close(far);
}

static void test_they_end_after_as_many_octets_as_were_allowed(void **state)
{
    (void)state;
    enum { MAX = 10 * 3 + 2 }; // ten messages of an octet, and no eleventh
    struct zmtp_marks marks;
    struct zmtp_pipe_end *far;
    struct zmtp_socket *const socket = sender(100, &marks, &far);
    struct zmtp__sends sends = {0};
    assert_true(zmtp__sends_begin(&sends, socket, SIZE_MAX, MAX));
    size_t count = 0;
    while (zmtp__sends_put(&sends, letter))
        count++;
    assert_int_equal(count, 10);
    assert_int_equal(zmtp__sends_settle(&sends), 10);
    zmtp_socket_close(socket);
    zmtp_pipe_close(far);
}

static void test_for_few_messages_or_several_peers_they_do_not_begin(void **state)
{
    (void)state;
    struct zmtp_marks marks;
    struct zmtp_pipe_end *far, *second;
    struct zmtp__sends sends = {0};
    struct zmtp_socket *socket = sender(1 + ZMTP__SENDS_LEAST, &marks, &far);
    assert_false(zmtp__sends_begin(&sends, socket, SIZE_MAX, ALL));
    zmtp_socket_close(socket);
    zmtp_pipe_close(far);
    socket = sockets_open(ZMTP_DEALER, 100);
    far = sockets_accept(socket, "");
    second = sockets_accept(socket, "");
    zmtp_pipe_own(far, &marks, NULL);
    zmtp_pipe_own(second, &marks, NULL);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(sockets_send(socket, "x"), "ZMTP_OK");
    assert_true(zmtp__express_send(socket, letter));
    assert_true(zmtp__express_send_few(socket, letter));
    assert_false(zmtp__sends_begin(&sends, socket, SIZE_MAX, ALL));
    zmtp_socket_close(socket);
    zmtp_pipe_close(far);
    zmtp_pipe_close(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_put_is_sent_and_counted_once),
        cmocka_unit_test(test_they_end_where_the_queue_is_full),
        cmocka_unit_test(test_they_end_after_as_many_octets_as_were_allowed),
        cmocka_unit_test(test_for_few_messages_or_several_peers_they_do_not_begin),
    };
    return cmocka_run_group_tests_name("sends", tests, NULL, NULL);
}
