// Sockets of one engine: what is told when one of two goes, or cuts the other off.
#include <stdio.h>
#include <time.h>

#include "test/support/ends.h"

static void count_connected(void *context, const struct zmtp_uv_peer *peer)
{
    size_t *const count = context;
    if (peer->connected) ++*count;
}

static size_t connected(const struct node *node)
{
    size_t count = 0;
    zmtp_uv_each_peer(node->socket, count_connected, &count);
    return count;
}

static void node_subscribe(struct node *node, const char *topic)
{
    assert_int_equal(zmtp_uv_subscribe(node->socket, zmtp_bytes_text(topic)), ZMTP_OK);
}

// A SUB that has broken the one limit of |pub|, its partner over "inproc://one". |ends|: null, or notes
// those that |pub| is told of.
static void break_the_limit(struct world *world, struct node *pub, struct node *sub,
                            struct ends *ends)
{
    node_init(pub, world, ZMTP_PUB);
    if (ends) ends_watch(ends, pub);
    pub->config.socket.subscriptions_max = 1;
    node_open(pub);
    node_start(sub, world, ZMTP_SUB);
    node_bind(pub, "inproc://one");
    node_connect(sub, "inproc://one");
    WORLD_UNTIL(world, sub->events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
    assert_int_equal(connected(sub), 1);
    assert_int_equal(connected(pub), 1);
    node_subscribe(sub, "a");
    node_subscribe(sub, "b");
    WORLD_UNTIL(world, sub->events[ZMTP_EVENT_CLOSED] == 1);
}

static void test_who_is_cut_off_is_told_and_waits_for_the_name_to_be_bound_anew(void **state)
{
    (void)state;
    struct world world;
    struct node pub, sub;
    world_open(&world);
    break_the_limit(&world, &pub, &sub, NULL);
    assert_int_equal(connected(&sub), 0);
    assert_int_equal(connected(&pub), 0);
    world_rest(&world, 30);
    assert_int_equal(sub.events[ZMTP_EVENT_HANDSHAKE_DONE], 1);
    assert_int_equal(sub.events[ZMTP_EVENT_CLOSED], 1);
    node_close(&pub);
    node_start(&pub, &world, ZMTP_PUB);
    node_bind(&pub, "inproc://one");
    WORLD_UNTIL(&world, zmtp_uv_subscribers(pub.socket) == 1);
    assert_int_equal(sub.events[ZMTP_EVENT_HANDSHAKE_DONE], 2);
    node_send(&pub, "b");
    WORLD_UNTIL(&world, sub.received == 1);
    world_close(&world);
}

static void test_an_endpoint_that_was_cut_off_takes_no_other_with_it(void **state)
{
    (void)state;
    struct world world;
    struct node pub, other, sub;
    world_open(&world);
    break_the_limit(&world, &pub, &sub, NULL);
    // The next pipe most likely lies where the one before it lay.
    node_start(&other, &world, ZMTP_PUB);
    node_bind(&other, "inproc://two");
    node_connect(&sub, "inproc://two");
    assert_int_equal(zmtp_uv_disconnect(sub.socket, "inproc://one"), ZMTP_OK);
    WORLD_UNTIL(&world, zmtp_uv_subscribers(other.socket) == 1);
    assert_int_equal(connected(&sub), 1);
    node_send(&other, "a");
    WORLD_UNTIL(&world, sub.received == 1);
    world_close(&world);
}

static void test_a_routing_id_is_handed_over_once(void **state)
{
    (void)state;
    struct world world;
    struct node router, first, second;
    world_open(&world);
    node_init(&router, &world, ZMTP_ROUTER);
    router.config.socket.router_handover = true;
    node_open(&router);
    node_bind(&router, "inproc://router");
    struct node *const dealers[] = {&first, &second};
    for (size_t i = 0; i < 2; i++) {
        node_init(dealers[i], &world, ZMTP_DEALER);
        dealers[i]->config.socket.routing_id = zmtp_bytes_text("twin");
        node_open(dealers[i]);
        node_connect(dealers[i], "inproc://router");
        WORLD_UNTIL(&world, dealers[i]->events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
    }
    WORLD_UNTIL(&world, first.events[ZMTP_EVENT_CLOSED] == 1);
    // They do not take the place of each other in turn.
    world_rest(&world, 30);
    assert_int_equal(connected(&first), 0);
    assert_int_equal(connected(&second), 1);
    assert_int_equal(connected(&router), 1);
    node_send(&router, "twin|hello");
    WORLD_UNTIL(&world, second.received == 1);
    assert_int_equal(zmtp_uv_disconnect(first.socket, "inproc://router"), ZMTP_OK);
    node_send(&router, "twin|again");
    WORLD_UNTIL(&world, second.received == 2);
    world_close(&world);
}

static void test_a_binder_is_told_which_peer_has_gone(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        struct world world;
        struct node router, dealers[2];
        struct ends ends = {0};
        static const char *const names[] = {"first", "second"};
        world_open(&world);
        ends_open(&ends, &router, &world, ZMTP_ROUTER);
        node_bind(&router, "inproc://router");
        for (size_t i = 0; i < 2; i++) {
            node_init(&dealers[i], &world, ZMTP_DEALER);
            dealers[i].config.socket.routing_id = zmtp_bytes_text(names[i]);
            node_open(&dealers[i]);
            node_connect(&dealers[i], "inproc://router");
            WORLD_UNTIL(&world, ends.come == i + 1);
        }
        if (how == 0)
            assert_int_equal(zmtp_uv_disconnect(dealers[0].socket, "inproc://router"), ZMTP_OK);
        else
            node_close(&dealers[0]);
        WORLD_UNTIL(&world, ends.gone == 1);
        ends_assert(&ends, 0, ZMTP_ERR_EOF, ZMTP_DEALER, "first", "inproc://router");
        assert_int_equal(connected(&router), 1);
        node_send(&dealers[1], "still here");
        WORLD_UNTIL(&world, router.received == 1);
        node_close(&dealers[1]);
        WORLD_UNTIL(&world, ends.gone == 2);
        ends_assert(&ends, 1, ZMTP_ERR_EOF, ZMTP_DEALER, "second", "inproc://router");
        world_close(&world);
    }
}

static void test_a_binder_that_cuts_a_peer_off_is_told_so(void **state)
{
    (void)state;
    struct world world;
    struct node pub, sub;
    struct ends ends = {0};
    world_open(&world);
    break_the_limit(&world, &pub, &sub, &ends);
    WORLD_UNTIL(&world, ends.gone == 1);
    ends_assert(&ends, 0, ZMTP_ERR_CANCELLED, ZMTP_SUB, "", "inproc://one");
    world_close(&world);
}

static void test_of_a_peer_that_came_and_went_at_once_nothing_is_told(void **state)
{
    (void)state;
    struct world world;
    struct node pull, push;
    struct ends ends = {0};
    world_open(&world);
    ends_open(&ends, &pull, &world, ZMTP_PULL);
    node_bind(&pull, "inproc://pull");
    node_start(&push, &world, ZMTP_PUSH);
    node_connect(&push, "inproc://pull");
    node_send(&push, "farewell");
    assert_int_equal(zmtp_uv_disconnect(push.socket, "inproc://pull"), ZMTP_OK);
    WORLD_UNTIL(&world, pull.received == 1);
    world_rest(&world, 20);
    assert_int_equal(ends.come + ends.gone, 0);
    world_close(&world);
}

// Disconnects as soon as it is told that it is connected.
static void note_and_leave(struct node *node, const struct zmtp_event *event)
{
    if (event->kind == ZMTP_EVENT_HANDSHAKE_DONE)
        assert_int_equal(zmtp_uv_disconnect(node->socket, "inproc://pull"), ZMTP_OK);
}

static void test_a_peer_that_goes_in_its_own_callback_has_come_before(void **state)
{
    (void)state;
    struct world world;
    struct node pull, push;
    struct ends ends = {0};
    world_open(&world);
    ends_open(&ends, &pull, &world, ZMTP_PULL);
    node_bind(&pull, "inproc://pull");
    node_init(&push, &world, ZMTP_PUSH);
    push.note = note_and_leave;
    node_open(&push);
    node_connect(&push, "inproc://pull");
    WORLD_UNTIL(&world, ends.gone == 1);
    assert_int_equal(ends.come, 1); // which was checked to be before
    world_close(&world);
}

// Closes itself at the first end that it is told of.
static void note_and_close(struct node *node, const struct zmtp_event *event)
{
    if (event->kind != ZMTP_EVENT_CLOSED) return;
    assert_int_equal(++node->count, 1);
    zmtp_uv_socket_close(node->socket, NULL, NULL);
}

static void test_a_binder_that_closes_is_told_of_no_further_ends(void **state)
{
    (void)state;
    for (int from_callback = 0; from_callback < 2; from_callback++) {
        struct world world;
        struct node pull, push[3];
        world_open(&world);
        node_init(&pull, &world, ZMTP_PULL);
        pull.note = note_and_close;
        node_open(&pull);
        node_bind(&pull, "inproc://pull");
        for (size_t i = 0; i < 3; i++) {
            node_start(&push[i], &world, ZMTP_PUSH);
            node_connect(&push[i], "inproc://pull");
        }
        WORLD_UNTIL(&world, pull.events[ZMTP_EVENT_HANDSHAKE_DONE] == 3);
        for (size_t i = 0; i < 3; i++)
            zmtp_uv_socket_close(push[i].socket, NULL, NULL);
        if (!from_callback) zmtp_uv_socket_close(pull.socket, NULL, NULL);
        world_rest(&world, 20);
        assert_int_equal(pull.count, from_callback);
        world_close(&world);
    }
}

static void test_memory_that_fails_delays_a_join_and_loses_no_end(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 20; n++) {
        struct world world;
        struct node pull, push;
        struct ends ends = {0};
        world_open(&world);
        ends_open(&ends, &pull, &world, ZMTP_PULL);
        node_start(&push, &world, ZMTP_PUSH);
        world.budget.fail_at = world.budget.calls + n;
        while (zmtp_uv_bind(pull.socket, "inproc://pull") == ZMTP_ERR_MEMORY) {}
        while (zmtp_uv_connect(push.socket, "inproc://pull") == ZMTP_ERR_MEMORY) {}
        WORLD_UNTIL(&world, ends.come == 1);
        zmtp_uv_socket_close(push.socket, NULL, NULL);
        WORLD_UNTIL(&world, ends.gone == 1);
        world_close(&world);
    }
}

// A program may have a name for each of its parts, and start them in any order.
static void test_many_dials_that_wait_for_as_many_names_find_them_soon(void **state)
{
    (void)state;
    enum { NAMES = 2000 };
    struct world world;
    struct node from, to;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_start(&from, &world, ZMTP_PUSH);
    node_start(&to, &world, ZMTP_PULL);
    for (int i = 0; i < NAMES; i++) {
        snprintf(endpoint, sizeof endpoint, "inproc://name-%d", i);
        node_connect(&from, endpoint);
    }
    const clock_t begun = clock();
    for (int i = 0; i < NAMES; i++) {
        snprintf(endpoint, sizeof endpoint, "inproc://name-%d", i);
        node_bind(&to, endpoint);
        if (i % 100 == 0) world_turn(&world);
    }
    WORLD_UNTIL(&world, connected(&from) == NAMES);
    // Of this processor's time it takes 50 ms. Were each name compared with all others for each dial, it
    // would be 20 s.
    assert_true((clock() - begun) / CLOCKS_PER_SEC < 5);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_cut_off_is_told_and_waits_for_the_name_to_be_bound_anew),
        cmocka_unit_test(test_an_endpoint_that_was_cut_off_takes_no_other_with_it),
        cmocka_unit_test(test_a_routing_id_is_handed_over_once),
        cmocka_unit_test(test_a_binder_is_told_which_peer_has_gone),
        cmocka_unit_test(test_a_binder_that_cuts_a_peer_off_is_told_so),
        cmocka_unit_test(test_of_a_peer_that_came_and_went_at_once_nothing_is_told),
        cmocka_unit_test(test_a_peer_that_goes_in_its_own_callback_has_come_before),
        cmocka_unit_test(test_a_binder_that_closes_is_told_of_no_further_ends),
        cmocka_unit_test(test_memory_that_fails_delays_a_join_and_loses_no_end),
        cmocka_unit_test(test_many_dials_that_wait_for_as_many_names_find_them_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
