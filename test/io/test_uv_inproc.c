// Sockets of one engine: what happens when one of two cuts the other off.
#include "test/support/world.h"

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

// A SUB that has broken the one limit of |pub|, its partner over "inproc://one".
static void break_the_limit(struct world *world, struct node *pub, struct node *sub)
{
    node_init(pub, world, ZMTP_PUB);
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
    break_the_limit(&world, &pub, &sub);
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
    break_the_limit(&world, &pub, &sub);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_cut_off_is_told_and_waits_for_the_name_to_be_bound_anew),
        cmocka_unit_test(test_an_endpoint_that_was_cut_off_takes_no_other_with_it),
        cmocka_unit_test(test_a_routing_id_is_handed_over_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
