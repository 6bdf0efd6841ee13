// STREAM and clients that send without end, or connect and say nothing.
#include <string.h>

#include "test/support/hoard.h"
#include "test/support/stranger.h"

static void test_a_flood_that_nobody_reads_stops_at_the_queues_limit(void **state)
{
    (void)state;
    enum { LIMIT = 256 * 1024, SLACK = 512 * 1024, UNIT = 64 * 1024 };
    static uint8_t unit[UNIT];
    memset(unit, 'x', sizeof unit);
    struct world world;
    struct node node;
    struct stranger flood, other;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_init(&node, &world, ZMTP_STREAM);
    node.config.socket.recv_bytes_max = LIMIT;
    node_open_pull(&node);
    node_bind(&node, endpoint);
    stranger_open(&flood, &world, endpoint);
    world.budget.bytes_peak = world.budget.bytes;
    stranger_stuff(&flood, zmtp_bytes_of(unit, sizeof unit));
    assert_false(flood.refused);
    assert_in_range(world.budget.bytes_peak, LIMIT, LIMIT + SLACK);

    // Another is heard all the same, and nothing of the flood is lost.
    stranger_open(&other, &world, endpoint);
    assert_true(stranger_say(&other, LITERAL("help")));
    struct zmtp_msg msg;
    uint64_t flooded = 0, helped = 0;
    zmtp_msg_init(&msg, NULL);
    while (flooded < flood.said || helped < 4) {
        if (zmtp_uv_recv(node.socket, &msg) < 0) {
            world_turn(&world);
            continue;
        }
        const struct zmtp_bytes octets = zmtp_msg_bytes(&msg, 1);
        if (octets.size > 0 && octets.data[0] == 'h')
            helped += octets.size;
        else
            flooded += octets.size;
        zmtp_msg_fini(&msg);
    }
    assert_int_equal(flooded, flood.said);
    assert_int_equal(helped, 4);
    stranger_close(&flood);
    stranger_close(&other);
    node_close(&node);
    world_close(&world);
}

static void test_small_pieces_that_nobody_reads_are_counted_as_messages(void **state)
{
    (void)state;
    enum { PIECES = 100, HWM = 10, SLACK = 128 * 1024 };
    struct world world;
    struct node node;
    struct stranger client;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_init(&node, &world, ZMTP_STREAM);
    node.config.socket.recv_count_max = HWM;
    node_open_pull(&node);
    node_bind(&node, endpoint);
    stranger_open(&client, &world, endpoint);
    world_spin(&world, 10);
    const size_t before = world.budget.bytes;
    for (int i = 0; i < PIECES; i++) {
        assert_true(stranger_say(&client, LITERAL("x")));
        world_spin(&world, 3);
    }
    assert_in_range(world.budget.bytes, before, before + SLACK);
    struct zmtp_msg msg;
    size_t octets = 0, messages = 0;
    zmtp_msg_init(&msg, NULL);
    while (octets < PIECES) {
        if (zmtp_uv_recv(node.socket, &msg) < 0) {
            world_turn(&world);
            continue;
        }
        octets += zmtp_msg_bytes(&msg, 1).size;
        messages++;
        zmtp_msg_fini(&msg);
    }
    // The first ten were one each, with the notice; the rest waited in the kernel and came
    // together.
    assert_in_range(messages, HWM, HWM + 10);
    stranger_close(&client);
    node_close(&node);
    world_close(&world);
}

static void test_a_thousand_idle_connections_cost_little_and_keep_nobody_out(void **state)
{
    (void)state;
    enum { COUNT = 1000, EACH_MAX = 4096 };
    if (!hoard_allowed(2 * COUNT + 100)) skip();
    static struct stranger idle[COUNT];
    struct world world;
    struct node node;
    struct stranger client;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_start(&node, &world, ZMTP_STREAM);
    node_bind(&node, endpoint);
    const size_t before = world.budget.bytes;
    for (size_t i = 0; i < COUNT; i++) {
        stranger_open(&idle[i], &world, endpoint);
        if (i % 64 == 0) world_spin(&world, 2);
    }
    WORLD_UNTIL(&world, node.received == COUNT);
    assert_in_range(world.budget.bytes - before, COUNT, COUNT * EACH_MAX);
    const uint64_t cpu = cpu_us();
    world_rest(&world, 200);
    assert_in_range(cpu_us() - cpu, 0, 100000); // and idle they cost nothing at all

    stranger_open(&client, &world, endpoint);
    assert_true(stranger_say(&client, LITERAL("hello")));
    WORLD_UNTIL(&world, node.received == COUNT + 2);
    stranger_close(&client);
    for (size_t i = 0; i < COUNT; i++)
        stranger_close(&idle[i]);
    WORLD_UNTIL(&world, node.received == 2 * COUNT + 3);
    assert_int_equal(node.events[ZMTP_EVENT_CLOSED], COUNT + 1);
    node_close(&node);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_flood_that_nobody_reads_stops_at_the_queues_limit),
        cmocka_unit_test(test_small_pieces_that_nobody_reads_are_counted_as_messages),
        cmocka_unit_test(test_a_thousand_idle_connections_cost_little_and_keep_nobody_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
