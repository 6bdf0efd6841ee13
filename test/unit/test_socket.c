// What all sockets share: opening, joining, misuse, marks, memory.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/sockets.h"

static void test_a_bad_config_is_refused(void **state)
{
    (void)state;
    struct zmtp_socket *socket;
    struct zmtp_socket_config config;
    zmtp_socket_config_init(&config, ZMTP_DGRAM);
    config.datagram_max = 65508;
    assert_int_equal(zmtp_socket_open(&socket, &config), ZMTP_ERR_ARGUMENT);
    assert_null(socket);
    config.datagram_max = 0;
    assert_int_equal(zmtp_socket_open(&socket, &config), ZMTP_ERR_ARGUMENT);
    zmtp_socket_config_init(&config, ZMTP_ROUTER);
    config.conflate = true;
    assert_int_equal(zmtp_socket_open(&socket, &config), ZMTP_ERR_ARGUMENT);
    zmtp_socket_config_init(&config, ZMTP_SOCKET_TYPES);
    assert_int_equal(zmtp_socket_open(&socket, &config), ZMTP_ERR_ARGUMENT);
    const uint8_t longest[256] = {'x'}, zero[] = {0};
    zmtp_socket_config_init(&config, ZMTP_DEALER);
    config.routing_id = zmtp_bytes_of(longest, 256);
    assert_int_equal(zmtp_socket_open(&socket, &config), ZMTP_ERR_ARGUMENT);
    config.routing_id = zmtp_bytes_of(zero, 1);
    assert_int_equal(zmtp_socket_open(&socket, &config), ZMTP_ERR_ARGUMENT);
    config.routing_id = zmtp_bytes_of(NULL, 1);
    assert_int_equal(zmtp_socket_open(&socket, &config), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_open(&socket, NULL), ZMTP_ERR_ARGUMENT);
}

static void test_the_config_is_copied_with_its_routing_id(void **state)
{
    (void)state;
    struct zmtp_socket *socket;
    char id[] = "alice";
    struct zmtp_socket_config config;
    zmtp_socket_config_init(&config, ZMTP_DEALER);
    config.routing_id = zmtp_bytes_text(id);
    assert_int_equal(zmtp_socket_open(&socket, &config), ZMTP_OK);
    id[0] = 'X';
    assert_int_equal(zmtp_socket_type(socket), ZMTP_DEALER);
    const struct zmtp_bytes kept = zmtp_socket_config(socket)->routing_id;
    assert_int_equal(kept.size, 5);
    assert_memory_equal(kept.data, "alice", 5);
    zmtp_socket_close(socket);
}

static void test_misuse_is_an_error_and_changes_nothing(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 2);
    struct zmtp_pipe_end *a = sockets_accept(dealer, "");
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    const struct zmtp_bytes bad = {NULL, 1};
    assert_int_equal(zmtp_socket_send(dealer, &msg), ZMTP_ERR_ARGUMENT); // no parts
    assert_int_equal(zmtp_socket_send(NULL, &msg), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_send(dealer, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_send_bytes(dealer, &bad, 1), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_send_bytes(dealer, &bad, 0), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_send_bytes(dealer, NULL, 1), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_recv(dealer, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_subscribe(dealer, zmtp_bytes_text("")), ZMTP_ERR_UNSUPPORTED);
    assert_int_equal(zmtp_socket_cancel(dealer, zmtp_bytes_text("")), ZMTP_ERR_UNSUPPORTED);
    assert_int_equal(zmtp_socket_subscribe(dealer, bad), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_attach(dealer, false, bad, &a), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_socket_subscribers(dealer), 0);
    sockets_far_send(a, "m");
    assert_int_equal(zmtp_msg_append(&msg, zmtp_bytes_text("not empty")), ZMTP_OK);
    assert_int_equal(zmtp_socket_recv(dealer, &msg), ZMTP_ERR_ARGUMENT);
    assert_int_equal(msg.count, 1);
    zmtp_msg_fini(&msg);
    assert_string_equal(sockets_recv(dealer), "m");
    assert_string_equal(sockets_far_recv(a), "");
    zmtp_socket_close(dealer);
    zmtp_socket_close(NULL);
    zmtp_pipe_close(a);
}

static void test_drop_reasons_have_names(void **state)
{
    (void)state;
    for (int drop = 0; drop < ZMTP_DROPS; drop++) {
        const char *name = zmtp_drop_name((enum zmtp_drop)drop);
        assert_string_not_equal(name, "?");
        for (int other = 0; other < drop; other++)
            assert_string_not_equal(name, zmtp_drop_name((enum zmtp_drop)other));
    }
    assert_string_equal(zmtp_drop_name(ZMTP_DROPS), "?");
}

static void test_what_a_closed_socket_sent_stays_readable(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 2);
    struct zmtp_pipe_end *a = sockets_accept(dealer, "");
    assert_string_equal(sockets_send(dealer, "last"), "ZMTP_OK");
    sockets_far_send(a, "unheard");
    zmtp_socket_close(dealer);
    assert_string_equal(sockets_far_recv(a), "last");
    assert_true(zmtp__pipe_finished(a));
    zmtp_pipe_close(a);
}

static void test_sockets_of_one_process_are_joined_at_once(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_DEALER, 2);
    config.routing_id = zmtp_bytes_text("alice");
    struct zmtp_socket *dealer = sockets_open_with(&config);
    struct zmtp_socket *router = sockets_open(ZMTP_ROUTER, 2);
    struct zmtp_pipe_end *ends[2];
    assert_int_equal(zmtp_socket_join(dealer, router, ends), ZMTP_OK);
    assert_string_equal(sockets_send(router, "alice|hello"), "ZMTP_OK");
    assert_string_equal(sockets_recv(dealer), "hello");
    assert_string_equal(sockets_send(dealer, "m"), "ZMTP_OK");
    assert_string_equal(sockets_recv(router), "alice|m");
    assert_true(zmtp_pipe_link(ends[0])->up);
    assert_int_equal(zmtp_pipe_link(ends[0])->type, ZMTP_ROUTER);
    assert_int_equal(zmtp_pipe_link(ends[1])->type, ZMTP_DEALER);
    // Another with the same id is refused, and nothing is left of the attempt.
    struct zmtp_socket *twin = sockets_open_with(&config);
    assert_int_equal(zmtp_socket_join(twin, router, ends), ZMTP_ERR_ROUTING_ID);
    assert_null(ends[0]);
    assert_string_equal(sockets_send(twin, "m"), "ZMTP_ERR_AGAIN");
    zmtp_socket_close(twin);
    zmtp_socket_close(dealer);
    zmtp_socket_close(router);
}

// ZMTP37-STYPE-02
static void test_sockets_that_do_not_match_are_not_joined(void **state)
{
    (void)state;
    struct zmtp_socket *req = sockets_open(ZMTP_REQ, 2), *sub = sockets_open(ZMTP_SUB, 2);
    struct zmtp_pipe_end *ends[2];
    assert_int_equal(zmtp_socket_join(req, sub, ends), ZMTP_ERR_SOCKET_TYPE);
    assert_null(ends[0]);
    zmtp_socket_close(req);
    zmtp_socket_close(sub);
}

static void test_a_joined_queue_has_room_for_both_limits(void **state)
{
    (void)state;
    struct zmtp_socket *a = sockets_open(ZMTP_DEALER, 1), *b = sockets_open(ZMTP_DEALER, 2);
    struct zmtp_pipe_end *ends[2];
    assert_int_equal(zmtp_socket_join(a, b, ends), ZMTP_OK);
    for (int i = 0; i < 3; i++)
        assert_string_equal(sockets_send(a, "m"), "ZMTP_OK");
    assert_string_equal(sockets_send(a, "m"), "ZMTP_ERR_AGAIN");
    zmtp_socket_close(a);
    zmtp_socket_close(b);
}

static void test_a_joined_socket_is_heard_to_the_end_and_can_be_joined_again(void **state)
{
    (void)state;
    struct zmtp_socket *sub = sockets_open(ZMTP_SUB, 2), *pub = sockets_open(ZMTP_PUB, 2);
    struct zmtp_pipe_end *ends[2];
    assert_int_equal(zmtp_socket_subscribe(sub, zmtp_bytes_text("")), ZMTP_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(zmtp_socket_join(sub, pub, ends), ZMTP_OK);
        zmtp_socket_process(sub);
        assert_string_equal(sockets_send(pub, "1"), "ZMTP_OK");
        assert_string_equal(sockets_send(pub, "2"), "ZMTP_OK");
        zmtp_socket_close(pub);
        assert_string_equal(sockets_recv(sub), "1");
        assert_string_equal(sockets_recv(sub), "2");
        assert_string_equal(sockets_recv(sub), "ZMTP_ERR_AGAIN");
        pub = sockets_open(ZMTP_PUB, 2);
    }
    zmtp_socket_close(sub);
    zmtp_socket_close(pub);
}

static void test_a_detached_pipe_ends_on_both_sides(void **state)
{
    (void)state;
    struct zmtp_socket *a = sockets_open(ZMTP_DEALER, 2), *b = sockets_open(ZMTP_DEALER, 2);
    struct zmtp_pipe_end *ends[2];
    assert_int_equal(zmtp_socket_join(a, b, ends), ZMTP_OK);
    assert_string_equal(sockets_send(a, "1"), "ZMTP_OK");
    assert_string_equal(sockets_send(b, "2"), "ZMTP_OK");
    zmtp_socket_detach(a, ends[0]);
    zmtp_socket_detach(a, ends[0]); // harmless
    assert_string_equal(sockets_send(a, "x"), "ZMTP_ERR_AGAIN");
    assert_string_equal(sockets_recv(b), "1");
    assert_string_equal(sockets_send(b, "x"), "ZMTP_ERR_AGAIN");
    // What |a| had not received was its own to drop.
    assert_int_equal(zmtp_socket_counters(a).dropped[ZMTP_DROP_UNREAD], 1);
    assert_int_equal(zmtp_socket_counters(a).discarded, 1);
    sockets_assert_conserved(a, 1);
    sockets_assert_conserved(b, 1);
    zmtp_socket_close(a);
    zmtp_socket_close(b);
}

static void count_pipe(void *context, const struct zmtp_link *link, struct zmtp_pipe_depth depth)
{
    size_t *counts = context;
    counts[0]++;
    counts[1] += link->up;
    counts[2] += depth.out_count;
    counts[3] += depth.in_count;
}

static void test_each_pipe_is_shown_with_its_link_and_depth(void **state)
{
    (void)state;
    struct zmtp_socket *dealer = sockets_open(ZMTP_DEALER, 9);
    struct zmtp_pipe_end *a = sockets_accept(dealer, ""), *b = sockets_dial(dealer);
    for (int i = 0; i < 3; i++)
        assert_string_equal(sockets_send(dealer, "m"), "ZMTP_OK");
    sockets_far_send(a, "m");
    size_t counts[4] = {0};
    zmtp_socket_each_pipe(dealer, count_pipe, counts);
    const size_t expected[4] = {2, 1, 3, 1};
    assert_memory_equal(counts, expected, sizeof counts);
    zmtp_socket_close(dealer);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// A client and two workers with queues of a few messages. Each socket moves only after it was marked,
// so the exchange ends early if a mark is ever lost.
static void test_acting_on_marks_alone_sockets_never_stand_still(void **state)
{
    (void)state;
    enum { MESSAGES = 500, WORKERS = 2 };
    for (size_t hwm = 1; hwm <= 3; hwm++) {
        struct zmtp_socket *client = sockets_open(ZMTP_DEALER, hwm), *workers[WORKERS];
        struct zmtp_pipe_end *ends[2];
        for (size_t i = 0; i < WORKERS; i++) {
            struct zmtp_socket_config config = sockets_config(ZMTP_ROUTER, hwm);
            config.router_mandatory = true; // refuses rather than drops
            workers[i] = sockets_open_with(&config);
            assert_int_equal(zmtp_socket_join(client, workers[i], ends), ZMTP_OK);
        }
        struct zmtp_msg held[WORKERS];
        for (size_t i = 0; i < WORKERS; i++)
            zmtp_msg_init(&held[i], NULL);
        size_t sent = 0, answered = 0;
        for (bool moved = true; moved;) {
            moved = false;
            if (zmtp_socket_marked(client)) {
                moved = true;
                while (sent < MESSAGES && strcmp(sockets_send(client, "question"), "ZMTP_OK") == 0)
                    sent++;
                // One answer at a time, so that workers meet a full queue.
                for (size_t i = 0; i < 2; i++)
                    if (strcmp(sockets_recv(client), "question") == 0) answered++;
                if (zmtp_socket_events(client) & ZMTP_READABLE) {
                    while (strcmp(sockets_recv(client), "question") == 0)
                        answered++;
                }
            }
            for (size_t i = 0; i < WORKERS; i++) {
                if (!zmtp_socket_marked(workers[i])) continue;
                moved = true;
                for (;;) {
                    if (held[i].count == 0 && zmtp_socket_recv(workers[i], &held[i]) < 0) break;
                    if (zmtp_socket_send(workers[i], &held[i]) < 0) break;
                }
            }
        }
        assert_int_equal(sent, MESSAGES);
        assert_int_equal(answered, MESSAGES);
        sockets_assert_conserved(client, MESSAGES);
        for (size_t i = 0; i < WORKERS; i++) {
            zmtp_msg_fini(&held[i]);
            sockets_assert_conserved(workers[i], zmtp_socket_counters(workers[i]).copies);
            zmtp_socket_close(workers[i]);
        }
        zmtp_socket_close(client);
    }
}

static void join_with_failing_memory(const struct zmtp_allocator *allocator)
{
    static const char id[] = "an id that is so long that it does not lie within its part";
    struct zmtp_socket_config config = sockets_config(ZMTP_DEALER, 2);
    config.allocator = allocator;
    config.routing_id = zmtp_bytes_text(id);
    struct zmtp_socket *dealer = NULL, *router = NULL;
    struct zmtp_pipe_end *ends[2];
    if (zmtp_socket_open(&dealer, &config) < 0) return;
    config.type = ZMTP_ROUTER;
    if (zmtp_socket_open(&router, &config) == ZMTP_OK) {
        int result = zmtp_socket_join(dealer, router, ends);
        if (result < 0) {
            assert_int_equal(result, ZMTP_ERR_MEMORY);
            assert_null(ends[0]);
            assert_string_equal(sockets_send(dealer, "x"), "ZMTP_ERR_AGAIN");
            result = zmtp_socket_join(dealer, router, ends);
        }
        const bool for_good = ((const struct zmtp_budget *)allocator->context)->fail_on;
        assert_true(result == ZMTP_OK || for_good);
    }
    zmtp_socket_close(router);
    zmtp_socket_close(dealer);
}

static void test_a_join_that_finds_no_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    sockets_with_failing_memory(join_with_failing_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bad_config_is_refused),
        cmocka_unit_test(test_the_config_is_copied_with_its_routing_id),
        cmocka_unit_test(test_misuse_is_an_error_and_changes_nothing),
        cmocka_unit_test(test_drop_reasons_have_names),
        cmocka_unit_test(test_what_a_closed_socket_sent_stays_readable),
        cmocka_unit_test(test_sockets_of_one_process_are_joined_at_once),
        cmocka_unit_test(test_sockets_that_do_not_match_are_not_joined),
        cmocka_unit_test(test_a_joined_queue_has_room_for_both_limits),
        cmocka_unit_test(test_a_joined_socket_is_heard_to_the_end_and_can_be_joined_again),
        cmocka_unit_test(test_a_detached_pipe_ends_on_both_sides),
        cmocka_unit_test(test_each_pipe_is_shown_with_its_link_and_depth),
        cmocka_unit_test(test_acting_on_marks_alone_sockets_never_stand_still),
        cmocka_unit_test(test_a_join_that_finds_no_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
