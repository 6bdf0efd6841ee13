// How much of what was sent waits, to be written together.
#include <stdlib.h>

#include "test/support/world.h"

enum { CROWD = 12, CROWD_BODY = 64 * 1024, CROWD_SENDS = 50 };

static void take_in_order(struct node *node, struct zmtp_msg *msg)
{
    const struct zmtp_bytes body = zmtp_msg_bytes(msg, 0);
    assert_int_equal(body.size, CROWD_BODY);
    for (size_t i = 0; i < body.size; i++)
        assert_int_equal(body.data[i], (uint8_t)(node->count + i));
    node->count++;
}

// A crowd of subscribers to everything that the open |pub| sends, which binds for them.
static void subscribe_crowd(struct node *pub, struct node subs[CROWD])
{
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_endpoint(pub->world, ZMTP_TCP, endpoint);
    node_bind(pub, endpoint);
    for (size_t i = 0; i < CROWD; i++) {
        node_start(&subs[i], pub->world, ZMTP_SUB);
        node_connect(&subs[i], endpoint);
        zmtp_uv_subscribe(subs[i].socket, (struct zmtp_bytes){0});
    }
    WORLD_UNTIL(pub->world, zmtp_uv_subscribers(pub->socket) == CROWD);
}

// Where they are many, large messages gather before they are written; the program's octets are its own again
// after each call, and those behind which nothing is sent leave too.
static void test_large_messages_to_many_leave_in_order(void **state)
{
    (void)state;
    struct world world;
    struct node pub, subs[CROWD];
    world_open(&world);
    node_start(&pub, &world, ZMTP_PUB);
    subscribe_crowd(&pub, subs);
    for (size_t i = 0; i < CROWD; i++)
        subs[i].act = take_in_order;
    uint8_t *body = calloc(1, CROWD_BODY);
    const struct zmtp_bytes part = {body, CROWD_BODY};
    for (size_t sent = 0; sent < CROWD_SENDS; sent++) {
        for (size_t i = 0; i < CROWD_BODY; i++)
            body[i] = (uint8_t)(sent + i);
        assert_int_equal(zmtp_uv_send(pub.socket, &part, 1), ZMTP_OK);
    }
    free(body);
    for (size_t i = 0; i < CROWD; i++)
        WORLD_UNTIL(&world, subs[i].count == CROWD_SENDS);
    world_close(&world);
}

// A ROUTER with as many peers as there are in a crowd, each with a letter for an id; |limit|: messages that may wait for each.
static void open_crowd(struct world *world, struct node *router, struct node peers[CROWD],
                       size_t limit)
{
    static const char ids[] = "abcdefghijkl";
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(world);
    world_endpoint(world, ZMTP_TCP, endpoint);
    node_init(router, world, ZMTP_ROUTER);
    router->config.socket.router_mandatory = false; // it drops
    router->config.socket.send_count_max = limit;
    node_open(router);
    node_bind(router, endpoint);
    for (size_t i = 0; i < CROWD; i++) {
        node_init(&peers[i], world, ZMTP_DEALER);
        peers[i].config.socket.routing_id = zmtp_bytes_of(ids + i, 1);
        node_open(&peers[i]);
        node_connect(&peers[i], endpoint);
    }
    WORLD_UNTIL(world, router->events[ZMTP_EVENT_HANDSHAKE_DONE] == CROWD);
}

static void route(struct node *router, char id, size_t size)
{
    static const uint8_t body[8 * 1024];
    const struct zmtp_bytes parts[] = {{(const uint8_t *)&id, 1}, {body, size}};
    assert_int_equal(zmtp_uv_send(router->socket, parts, 2), ZMTP_OK);
}

// One to each; returns how many of these wait to be written.
static uint64_t route_to_all(struct node *router, size_t size)
{
    for (size_t i = 0; i < CROWD; i++)
        route(router, (char)('a' + i), size);
    return zmtp_uv_counters(router->socket).queued;
}

static void test_what_waits_to_be_written_is_in_proportion_to_the_connections(void **state)
{
    enum { SIZE = 6 * 1024 }; // 72 KiB for all of them
    (void)state;
    struct world world;
    struct node router, peers[CROWD];
    open_crowd(&world, &router, peers, 100);
    assert_true(route_to_all(&router, SIZE) < CROWD); // nothing was known of a crowd
    for (size_t i = 0; i < CROWD; i++)
        WORLD_UNTIL(&world, peers[i].received == 1);
    assert_int_equal(route_to_all(&router, SIZE), CROWD);
    for (size_t i = 0; i < CROWD; i++)
        WORLD_UNTIL(&world, peers[i].received == 2);
    world_close(&world);
}

static void test_a_router_drops_nothing_that_only_waits_to_be_written(void **state)
{
    enum { LIMIT = 100, MANY = 300, FAR_TOO_MANY = 200000 };
    (void)state;
    struct world world;
    struct node router, peers[CROWD];
    open_crowd(&world, &router, peers, LIMIT);
    (void)route_to_all(&router, 6 * 1024);
    for (size_t i = 0; i < CROWD; i++)
        WORLD_UNTIL(&world, peers[i].received == 1);
    for (size_t i = 0; i < MANY; i++)
        route(&router, 'a', 100);
    assert_int_equal(zmtp_uv_counters(router.socket).dropped[ZMTP_DROP_PEER_FULL], 0);
    WORLD_UNTIL(&world, peers[0].received == 1 + MANY);
    // What the kernel does not take waits, up to the limit and no further.
    for (size_t i = 0; i < FAR_TOO_MANY; i++)
        route(&router, 'b', 1024);
    const struct zmtp_socket_counters counters = zmtp_uv_counters(router.socket);
    assert_true(counters.dropped[ZMTP_DROP_PEER_FULL] > 0);
    assert_int_equal(counters.queued, LIMIT);
    const uint64_t sent = CROWD + MANY + FAR_TOO_MANY;
    assert_int_equal(counters.copies + counters.dropped[ZMTP_DROP_PEER_FULL], sent);
    WORLD_UNTIL(&world, zmtp_uv_counters(router.socket).queued == 0);
    world_close(&world);
}

static void test_a_publisher_of_small_messages_keeps_no_more_for_a_crowd(void **state)
{
    enum { LIMIT = 700, SENDS = 950 };
    (void)state;
    struct world world;
    struct node pub, subs[CROWD];
    world_open(&world);
    node_init(&pub, &world, ZMTP_PUB);
    pub.config.socket.send_count_max = LIMIT;
    node_open(&pub);
    subscribe_crowd(&pub, subs);
    static const uint8_t body[64 * 1024];
    const struct zmtp_bytes large = {body, sizeof body}, small = {body, 100};
    assert_int_equal(zmtp_uv_send(pub.socket, &large, 1),
                     ZMTP_OK); // so that they are known to be many
    for (size_t i = 0; i < CROWD; i++)
        WORLD_UNTIL(&world, subs[i].received == 1);
    for (size_t i = 0; i < SENDS; i++)
        assert_int_equal(zmtp_uv_send(pub.socket, &small, 1), ZMTP_OK);
    assert_int_equal(zmtp_uv_counters(pub.socket).dropped[ZMTP_DROP_PEER_FULL], 0);
    for (size_t i = 0; i < CROWD; i++)
        WORLD_UNTIL(&world, subs[i].received == 1 + SENDS);
    world_close(&world);
}

// Of small ones as many leave together as fit into a segment of 65,483 octets, with their headers.
static void test_small_messages_to_many_leave_when_they_fill_a_segment(void **state)
{
    (void)state;
    static const struct {
        size_t size, count;
    } cases[] = {{64, 65483 / 66},
                 {255, 65483 / 257},
                 {256, 65483 / 265},
                 {1024, 65483 / 1033},
                 {4096, 65483 / 4105}};
    static const uint8_t body[4096];
    struct world world;
    struct node pub, subs[CROWD];
    world_open(&world);
    node_start(&pub, &world, ZMTP_PUB);
    subscribe_crowd(&pub, subs);
    size_t received = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct zmtp_bytes part = {body, cases[i].size};
        for (size_t sent = 1; sent <= cases[i].count; sent++) {
            assert_int_equal(zmtp_uv_send(pub.socket, &part, 1), ZMTP_OK);
            // The kernel takes most of it, at least.
            const bool waits = zmtp_uv_counters(pub.socket).queued == sent * CROWD;
            assert_int_equal(waits, sent < cases[i].count);
        }
        received += cases[i].count;
        for (size_t k = 0; k < CROWD; k++)
            WORLD_UNTIL(&world, subs[k].received == received);
    }
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_messages_to_many_leave_in_order),
        cmocka_unit_test(test_what_waits_to_be_written_is_in_proportion_to_the_connections),
        cmocka_unit_test(test_a_router_drops_nothing_that_only_waits_to_be_written),
        cmocka_unit_test(test_a_publisher_of_small_messages_keeps_no_more_for_a_crowd),
        cmocka_unit_test(test_small_messages_to_many_leave_when_they_fill_a_segment),
    };
    return cmocka_run_group_tests_name("uv gather", tests, NULL, NULL);
}
