// SUB (RFC 29).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/sockets.h"

static int subscribe(struct zmtp_socket *sub, const char *topic)
{
    return zmtp_socket_subscribe(sub, zmtp_bytes_text(topic));
}

static int cancel(struct zmtp_socket *sub, const char *topic)
{
    return zmtp_socket_cancel(sub, zmtp_bytes_text(topic));
}

// PS29-SUB-07; ZMTP37-SUB-02, SUB-03, SUB-05; LZ-41
static void test_publishers_are_told_of_the_first_subscribe_and_the_last_cancel(void **state)
{
    (void)state;
    struct zmtp_socket *sub = sockets_open(ZMTP_SUB, 9);
    struct zmtp_pipe_end *a = sockets_accept(sub, "");
    assert_int_equal(cancel(sub, "t"), ZMTP_ERR_NOT_FOUND);
    assert_int_equal(subscribe(sub, "t"), ZMTP_OK);
    assert_int_equal(subscribe(sub, "t"), ZMTP_OK);
    assert_int_equal(subscribe(sub, ""), ZMTP_OK);
    assert_int_equal(cancel(sub, "t"), ZMTP_OK);
    assert_string_equal(sockets_far_recv(a), "<SUBSCRIBE>t");
    assert_string_equal(sockets_far_recv(a), "<SUBSCRIBE>");
    assert_string_equal(sockets_far_recv(a), "");
    assert_int_equal(cancel(sub, "t"), ZMTP_OK);
    assert_string_equal(sockets_far_recv(a), "<CANCEL>t");
    assert_int_equal(cancel(sub, "t"), ZMTP_ERR_NOT_FOUND);
    assert_string_equal(sockets_far_recv(a), "");
    zmtp_socket_close(sub);
    zmtp_pipe_close(a);
}

// LZ-41
static void test_publishers_are_told_of_each_subscribe_if_that_is_wanted(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_SUB, 9);
    config.sub_verbose_subscribe = true;
    struct zmtp_socket *sub = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(sub, "");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(subscribe(sub, "t"), ZMTP_OK);
        assert_string_equal(sockets_far_recv(a), "<SUBSCRIBE>t");
    }
    assert_int_equal(cancel(sub, "t"), ZMTP_OK);
    assert_string_equal(sockets_far_recv(a), "");
    struct zmtp_pipe_end *b = sockets_accept(sub, "");
    zmtp_socket_process(sub);
    assert_string_equal(sockets_far_recv(b), "<SUBSCRIBE>t");
    assert_string_equal(sockets_far_recv(b), ""); // a new one once
    assert_int_equal(cancel(sub, "t"), ZMTP_OK);
    assert_string_equal(sockets_far_recv(a), "<CANCEL>t");
    zmtp_socket_close(sub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// PS29-SUB-07; LZ-41
static void test_every_new_connection_is_told_each_topic_once(void **state)
{
    (void)state;
    struct zmtp_socket *sub = sockets_open(ZMTP_SUB, 1); // commands are exempt from the limit
    struct zmtp_pipe_end *a = sockets_dial(sub);
    assert_int_equal(subscribe(sub, "b"), ZMTP_OK);
    assert_int_equal(subscribe(sub, "a"), ZMTP_OK);
    assert_int_equal(subscribe(sub, "a"), ZMTP_OK);
    assert_int_equal(sockets_queued(sub), 0); // there is nobody to tell
    sockets_connect(a, "");
    zmtp_socket_process(sub);
    assert_memory_equal(sockets_far_recv(a), "<SUBSCRIBE>", 11);
    zmtp_pipe_link_down(a); // before the rest was sent
    assert_int_equal(subscribe(sub, "c"), ZMTP_OK);
    assert_int_equal(cancel(sub, "b"), ZMTP_OK);
    assert_int_equal(sockets_queued(sub), 0);
    sockets_connect(a, "");
    zmtp_socket_process(sub);
    sockets_far_assert_both(a, "<SUBSCRIBE>a", "<SUBSCRIBE>c");
    assert_string_equal(sockets_far_recv(a), "");
    struct zmtp_pipe_end *b = sockets_accept(sub, "");
    zmtp_socket_process(sub);
    sockets_far_assert_both(b, "<SUBSCRIBE>a", "<SUBSCRIBE>c");
    zmtp_socket_close(sub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

static void test_a_reconnect_seen_late_is_told_everything_too(void **state)
{
    (void)state;
    struct zmtp_socket *sub = sockets_open(ZMTP_SUB, 9);
    struct zmtp_pipe_end *a = sockets_dial(sub);
    sockets_connect(a, "");
    assert_int_equal(subscribe(sub, "t"), ZMTP_OK);
    assert_string_equal(sockets_far_recv(a), "<SUBSCRIBE>t");
    zmtp_pipe_link_down(a);
    sockets_connect(a, "");
    zmtp_socket_process(sub);
    assert_string_equal(sockets_far_recv(a), "<SUBSCRIBE>t");
    assert_string_equal(sockets_far_recv(a), "");
    zmtp_socket_close(sub);
    zmtp_pipe_close(a);
}

// PS29-SUB-05, SUB-06; ZMTP37-SUB-04
static void test_what_came_unasked_is_dropped_and_counted(void **state)
{
    (void)state;
    struct zmtp_socket *sub = sockets_open(ZMTP_SUB, 9);
    struct zmtp_pipe_end *a = sockets_accept(sub, "");
    assert_int_equal(subscribe(sub, "ab"), ZMTP_OK);
    sockets_far_send(a, "a");
    sockets_far_send(a, "x|ab");
    assert_int_equal(zmtp_socket_events(sub), 0);
    sockets_far_send(a, "abc|x");
    sockets_far_send(a, "");
    sockets_far_send(a, "ab");
    assert_int_equal(zmtp_socket_events(sub), ZMTP_READABLE);
    assert_string_equal(sockets_recv(sub), "abc|x");
    assert_string_equal(sockets_recv(sub), "ab");
    assert_string_equal(sockets_recv(sub), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(sub).dropped[ZMTP_DROP_NO_MATCH], 3);
    assert_int_equal(subscribe(sub, ""), ZMTP_OK); // everything, the empty message too
    sockets_far_send(a, "");
    assert_string_equal(sockets_recv(sub), "");
    zmtp_socket_close(sub);
    zmtp_pipe_close(a);
}

static void test_inverted_what_was_subscribed_to_is_dropped_and_the_rest_received(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_SUB, 9);
    config.invert_matching = true;
    struct zmtp_socket *sub = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(sub, "");
    assert_int_equal(subscribe(sub, "ab"), ZMTP_OK);
    assert_string_equal(sockets_far_recv(a), "<SUBSCRIBE>ab");
    sockets_far_send(a, "abc");
    sockets_far_send(a, "a");
    assert_string_equal(sockets_recv(sub), "a");
    assert_string_equal(sockets_recv(sub), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_counters(sub).dropped[ZMTP_DROP_NO_MATCH], 1);
    zmtp_socket_close(sub);
    zmtp_pipe_close(a);
}

// PS29-SUB-02; LZ-29
static void test_a_full_queue_discards_nothing(void **state)
{
    (void)state;
    struct zmtp_socket *sub = sockets_open(ZMTP_SUB, 2);
    struct zmtp_pipe_end *a = sockets_accept(sub, "");
    struct zmtp_marks marks = {NULL, NULL};
    assert_int_equal(subscribe(sub, ""), ZMTP_OK);
    assert_string_equal(sockets_far_recv(a), "<SUBSCRIBE>");
    sockets_far_send(a, "1");
    sockets_far_send(a, "2");
    assert_false(zmtp__pipe_writable(a)); // the connection reads no more
    zmtp_pipe_own(a, &marks, NULL);
    assert_non_null(zmtp_marks_take(&marks));
    assert_string_equal(sockets_recv(sub), "1");
    assert_ptr_equal(zmtp_marks_take(&marks), a); // until it hears of room
    assert_true(zmtp__pipe_writable(a));
    assert_string_equal(sockets_recv(sub), "2");
    zmtp_socket_close(sub);
    zmtp_pipe_close(a);
}

// PS29-SUB-04
static void test_publishers_are_heard_in_turn_and_to_the_end(void **state)
{
    (void)state;
    struct zmtp_socket *sub = sockets_open(ZMTP_SUB, 9);
    struct zmtp_pipe_end *a = sockets_accept(sub, ""), *b = sockets_accept(sub, "");
    assert_int_equal(subscribe(sub, "t"), ZMTP_OK);
    sockets_far_send(a, "t1");
    sockets_far_send(a, "t3");
    sockets_far_send(b, "t2");
    zmtp_pipe_close(a);
    assert_string_equal(sockets_recv(sub), "t1");
    assert_string_equal(sockets_recv(sub), "t2");
    assert_string_equal(sockets_recv(sub), "t3");
    // What waited for a were commands, no messages.
    assert_int_equal(zmtp_socket_counters(sub).dropped[ZMTP_DROP_PEER_GONE], 0);
    zmtp_socket_close(sub);
    zmtp_pipe_close(b);
}

// PS29-SUB-01
static void test_a_subscriber_sends_nothing(void **state)
{
    (void)state;
    struct zmtp_socket *sub = sockets_open(ZMTP_SUB, 9);
    assert_string_equal(sockets_send(sub, "x"), "ZMTP_ERR_UNSUPPORTED");
    assert_int_equal(zmtp_socket_events(sub), 0);
    zmtp_socket_close(sub);
}

// LZ-27
static void test_a_long_topic_is_told_whole(void **state)
{
    (void)state;
    static uint8_t topic[70000];
    struct zmtp_socket *sub = sockets_open(ZMTP_SUB, 9);
    struct zmtp_pipe_end *a = sockets_accept(sub, "");
    const struct zmtp_bytes view = {topic, sizeof topic};
    assert_int_equal(zmtp_socket_subscribe(sub, view), ZMTP_OK);
    assert_true(zmtp__pipe_readable(a));
    const struct zmtp_bytes body = zmtp__queue_first_body(a->in);
    assert_int_equal(body.size, 10 + sizeof topic);
    assert_memory_equal(body.data, "\x09SUBSCRIBE", 10);
    zmtp_socket_close(sub);
    zmtp_pipe_close(a);
}

static void test_a_new_connection_is_told_everything_at_once_or_nothing_yet(void **state)
{
    (void)state;
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct zmtp_socket_config config = sockets_config(ZMTP_SUB, 2);
    config.allocator = &budget.allocator;
    struct zmtp_socket *sub = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_dial(sub);
    char told[1012] = "<SUBSCRIBE>";
    memset(told + 11, 'b', sizeof told - 12);
    assert_int_equal(subscribe(sub, "a"), ZMTP_OK);
    assert_int_equal(subscribe(sub, told + 11), ZMTP_OK); // it is behind the first one's room
    sockets_connect(a, "");
    size_t failures = 0;
    for (uint64_t n = 1; zmtp_socket_marked(sub); n++) {
        budget.fail_at = budget.calls + n;
        zmtp_socket_process(sub);
        assert_int_equal(sockets_queued(sub), zmtp_socket_marked(sub) ? 0 : 2);
        failures += zmtp_socket_marked(sub);
    }
    assert_true(failures > 2); // also after the first topic was put down
    assert_string_equal(sockets_far_recv(a), "<SUBSCRIBE>a");
    assert_string_equal(sockets_far_recv(a), told);
    assert_string_equal(sockets_far_recv(a), "");
    zmtp_socket_close(sub);
    zmtp_pipe_close(a);
}

// Which topics a publisher holds for us after all that it was told.
struct told {
    bool a, b;
};

static void hear(struct zmtp_pipe_end *far, struct told *told)
{
    for (const char *text; *(text = sockets_far_recv(far));) {
        if (strcmp(text, "<SUBSCRIBE>a") == 0)
            told->a = true;
        else if (strcmp(text, "<SUBSCRIBE>b") == 0)
            told->b = true;
        else if (strcmp(text, "<CANCEL>a") == 0)
            told->a = false;
        else
            fail_msg("told %s", text);
    }
}

static void subscribe_with_failing_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_SUB, 2);
    config.allocator = allocator;
    struct zmtp_socket *sub;
    struct zmtp_pipe_end *far[2] = {NULL, NULL};
    struct told told[2] = {{false, false}, {false, false}};
    bool up[2] = {false, false};
    if (zmtp_socket_open(&sub, &config) < 0) return;
    const bool for_good = ((const struct zmtp_budget *)allocator->context)->fail_on;
    const bool early = subscribe(sub, "a") == ZMTP_OK;
    for (size_t i = 0; i < 2; i++)
        if (zmtp_socket_attach(sub, true, (struct zmtp_bytes){0}, &far[i]) == ZMTP_OK)
            up[i] = zmtp_pipe_link_up(far[i], &(struct zmtp_origin){.type = ZMTP_PUB}) == ZMTP_OK;
    zmtp_socket_process(sub);
    const bool late = subscribe(sub, "b") == ZMTP_OK;
    const bool gone = early && cancel(sub, "a") == ZMTP_OK;
    for (int tries = 0; tries < 3; tries++)
        zmtp_socket_process(sub);
    for (size_t i = 0; i < 2; i++) {
        if (!up[i]) continue;
        hear(far[i], &told[i]);
        if (!for_good) {
            assert_int_equal(told[i].a, early && !gone);
            assert_int_equal(told[i].b, late);
        }
    }
    assert_false(!for_good && zmtp_socket_marked(sub));
    zmtp_socket_close(sub);
    zmtp_pipe_close(far[0]);
    zmtp_pipe_close(far[1]);
}

static void test_whichever_allocation_fails_publishers_know_in_the_end(void **state)
{
    (void)state;
    sockets_with_failing_memory(subscribe_with_failing_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publishers_are_told_of_the_first_subscribe_and_the_last_cancel),
        cmocka_unit_test(test_publishers_are_told_of_each_subscribe_if_that_is_wanted),
        cmocka_unit_test(test_every_new_connection_is_told_each_topic_once),
        cmocka_unit_test(test_a_reconnect_seen_late_is_told_everything_too),
        cmocka_unit_test(test_what_came_unasked_is_dropped_and_counted),
        cmocka_unit_test(test_inverted_what_was_subscribed_to_is_dropped_and_the_rest_received),
        cmocka_unit_test(test_a_full_queue_discards_nothing),
        cmocka_unit_test(test_publishers_are_heard_in_turn_and_to_the_end),
        cmocka_unit_test(test_a_subscriber_sends_nothing),
        cmocka_unit_test(test_a_long_topic_is_told_whole),
        cmocka_unit_test(test_a_new_connection_is_told_everything_at_once_or_nothing_yet),
        cmocka_unit_test(test_whichever_allocation_fails_publishers_know_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
