// Scripts wait for their peers, and do not wait when there is nothing to wait for.
#include "test/support/world.h"

enum { PATIENCE_MS = 10000 };

static const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC};
enum { TRANSPORTS = sizeof transports / sizeof transports[0] };

static void test_a_script_waits_until_its_peers_are_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node a, b, c;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_start(&b, &world, ZMTP_DEALER);
        node_start(&c, &world, ZMTP_DEALER);
        world_endpoint(&world, transports[i], endpoint);
        assert_int_equal(zmtp_uv_wait_connected(a.socket, 0, 0), ZMTP_OK);
        node_bind(&b, endpoint);
        node_connect(&a, endpoint);
        assert_int_equal(zmtp_uv_wait_connected(a.socket, 1, PATIENCE_MS), ZMTP_OK);
        node_connect(&c, endpoint);
        assert_int_equal(zmtp_uv_wait_connected(b.socket, 2, UINT32_MAX), ZMTP_OK);
        node_send(&a, "hello");
        WORLD_UNTIL(&world, b.received == 1);
        world_close(&world);
    }
}

static void test_a_publisher_that_waited_is_heard(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node pub, subs[2];
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        node_start(&pub, &world, ZMTP_PUB);
        world_endpoint(&world, transports[i], endpoint);
        node_bind(&pub, endpoint);
        for (size_t k = 0; k < 2; k++) {
            // Nobody calls back when a subscription comes: only the wait itself ends the sleep.
            node_init(&subs[k], &world, ZMTP_SUB);
            node_open(&subs[k]);
            node_connect(&subs[k], endpoint);
            assert_int_equal(zmtp_uv_wait_connected(subs[k].socket, 1, PATIENCE_MS), ZMTP_OK);
            world_rest(&world, 5);
            assert_int_equal(zmtp_uv_subscribe(subs[k].socket, (struct zmtp_bytes){0}), ZMTP_OK);
            assert_int_equal(zmtp_uv_wait_subscribed(pub.socket, k + 1, PATIENCE_MS), ZMTP_OK);
        }
        node_send(&pub, "news");
        WORLD_UNTIL(&world, subs[0].received == 1 && subs[1].received == 1);
        world_close(&world);
    }
}

static void test_a_wait_ends_with_its_time(void **state)
{
    (void)state;
    struct world world;
    struct node a, b, pub;
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    node_start(&b, &world, ZMTP_DEALER);
    node_start(&pub, &world, ZMTP_PUB);
    node_bind(&b, "inproc://b");
    node_connect(&a, "inproc://b");
    const uint64_t start = uv_hrtime();
    assert_int_equal(zmtp_uv_wait_connected(a.socket, 2, 30), ZMTP_ERR_AGAIN);
    assert_true(uv_hrtime() - start >= 29 * 1000000u);
    assert_int_equal(zmtp_uv_wait_connected(a.socket, 2, 0), ZMTP_ERR_AGAIN);
    assert_int_equal(zmtp_uv_wait_connected(a.socket, 1, 0), ZMTP_OK);
    assert_int_equal(zmtp_uv_wait_subscribed(pub.socket, 1, 5), ZMTP_ERR_AGAIN);
    assert_int_equal(zmtp_uv_wait_subscribed(a.socket, 1, 5), ZMTP_ERR_UNSUPPORTED);
    assert_int_equal(zmtp_uv_wait_connected(NULL, 1, 5), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_wait_subscribed(NULL, 1, 5), ZMTP_ERR_ARGUMENT);
    // A peer that goes is not counted any more.
    node_close(&b);
    assert_int_equal(zmtp_uv_wait_connected(a.socket, 1, 5), ZMTP_ERR_AGAIN);
    world_close(&world);
}

static void wait_inside(struct node *node, struct zmtp_msg *msg)
{
    (void)msg;
    assert_int_equal(zmtp_uv_wait_connected(node->socket, 1, 5), ZMTP_ERR_STATE);
    assert_int_equal(zmtp_uv_wait_connected(node->socket, 0, 5), ZMTP_ERR_STATE);
}

static void test_callbacks_are_called_meanwhile_and_may_not_wait_themselves(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    node_start(&b, &world, ZMTP_DEALER);
    b.act = wait_inside;
    node_bind(&b, "inproc://b");
    node_connect(&a, "inproc://b");
    node_send(&a, "hello");
    assert_int_equal(zmtp_uv_wait_connected(a.socket, 2, 20), ZMTP_ERR_AGAIN);
    assert_int_equal(b.received, 1);
    world_close(&world);
}

static void close_other(struct node *node, struct zmtp_msg *msg)
{
    (void)msg;
    zmtp_uv_socket_close(node->other, NULL, NULL);
}

static void close_engine(struct node *node, struct zmtp_msg *msg)
{
    (void)msg;
    zmtp_uv_close(node->world->uv, NULL, NULL);
}

static void test_a_wait_for_a_socket_that_a_callback_closes_ends(void **state)
{
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        struct world world;
        struct node a, b;
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_start(&b, &world, ZMTP_DEALER);
        b.act = whole ? close_engine : close_other;
        b.other = a.socket;
        node_bind(&b, "inproc://b");
        node_connect(&a, "inproc://b");
        node_send(&a, "the end");
        assert_int_equal(zmtp_uv_wait_connected(a.socket, 2, UINT32_MAX), ZMTP_ERR_STATE);
        if (whole) {
            uv_run(&world.loop, UV_RUN_DEFAULT);
            assert_int_equal(world.budget.bytes, 0);
            assert_int_equal(zmtp_uv_open(&world.uv, &world.loop, &world.budget.allocator),
                             ZMTP_OK);
        }
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_script_waits_until_its_peers_are_there),
        cmocka_unit_test(test_a_publisher_that_waited_is_heard),
        cmocka_unit_test(test_a_wait_ends_with_its_time),
        cmocka_unit_test(test_callbacks_are_called_meanwhile_and_may_not_wait_themselves),
        cmocka_unit_test(test_a_wait_for_a_socket_that_a_callback_closes_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
