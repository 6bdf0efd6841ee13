// Peers that do not read: what waits for them is bounded, nobody else waits for them, and when they go
// it goes with them.
#include <stdlib.h>
#include <string.h>

#include "test/support/stranger.h"

enum {
    // What the pool keeps, and slabs that are not full.
    SLACK = 3 * 1024 * 1024,
};

static void bind_fresh(struct node *node, char endpoint[ZMTP_ENDPOINT_MAX])
{
    world_endpoint(node->world, ZMTP_TCP, endpoint);
    node_bind(node, endpoint);
}

// The most that waits in a pipe of the socket to leave.
struct depth {
    size_t count, bytes, peers;
};

static void note_depth(void *context, const struct zmtp_uv_peer *peer)
{
    struct depth *most = context;
    most->peers++;
    if (peer->depth.in_count > most->count) most->count = peer->depth.in_count;
    if (peer->depth.in_bytes > most->bytes) most->bytes = peer->depth.in_bytes;
}

static struct depth depth_of(struct node *node)
{
    struct depth most = {0};
    zmtp_uv_each_peer(node->socket, note_depth, &most);
    return most;
}

static void join_named(struct stranger *stranger, struct node *node)
{
    stranger_join(stranger, node,
                  LITERAL("\x04\x2D\x05READY\x0BSocket-Type\0\0\0\x06"
                          "DEALER\x08Identity\0\0\0\4deaf"));
}

static void test_what_waits_for_a_peer_that_never_reads_has_a_limit(void **state)
{
    (void)state;
    static const size_t bodies[] = {0, 100, 5000, 100000, 3000000};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct world world;
        struct node router;
        struct witness witness;
        struct stranger stranger;
        char endpoint[ZMTP_ENDPOINT_MAX], *body = calloc(1, bodies[i] + 1);
        world_open(&world);
        node_init(&router, &world, ZMTP_ROUTER);
        echo_open(&router);
        bind_fresh(&router, endpoint);
        witness_open(&witness, &world, endpoint);
        stranger_open(&stranger, &world, endpoint);
        join_named(&stranger, &router);
        const size_t before = world.budget.bytes;
        const struct zmtp_bytes parts[] = {LITERAL("deaf"), {(uint8_t *)body, bodies[i]}};
        // Until the kernel takes no more, either.
        for (int full = 0; full < 20;) {
            const int result = zmtp_uv_send(router.socket, parts, 2);
            if (result == ZMTP_ERR_AGAIN) full++;
            if (result == ZMTP_ERR_AGAIN)
                world_spin(&world, 1);
            else
                assert_int_equal(result, ZMTP_OK);
        }
        const struct depth depth = depth_of(&router);
        assert_true(depth.count <= ZMTP_DEFAULT_HWM);
        assert_true(depth.bytes <= ZMTP_DEFAULT_HWM_BYTES + bodies[i] + 9);
        assert_true(depth.count == ZMTP_DEFAULT_HWM || depth.bytes >= ZMTP_DEFAULT_HWM_BYTES);
        assert_true(world.budget.bytes - before <= 2 * depth.bytes + SLACK);
        witness_check(&witness);
        stranger_reset(&stranger);
        WORLD_UNTIL(&world, router.events[ZMTP_EVENT_CLOSED] == 1);
        world_spin(&world, 3);
        assert_int_equal(depth_of(&router).peers, 1);
        // The pool gives large slabs back when nobody has needed them for a while.
        WORLD_UNTIL(&world, world.budget.bytes <= before + SLACK);
        witness_check(&witness);
        world_close(&world);
        free(body);
    }
}

static void test_a_subscriber_that_never_reads_neither_grows_nor_delays(void **state)
{
    (void)state;
    enum { BODY = 20000, HONEST = 2 };
    struct world world;
    struct node pub, subs[HONEST];
    struct stranger deaf[3];
    char endpoint[ZMTP_ENDPOINT_MAX], *body = calloc(1, BODY);
    world_open(&world);
    node_start(&pub, &world, ZMTP_PUB);
    bind_fresh(&pub, endpoint);
    for (size_t i = 0; i < HONEST; i++) {
        node_start(&subs[i], &world, ZMTP_SUB);
        assert_int_equal(zmtp_uv_subscribe(subs[i].socket, zmtp_bytes_text("")), ZMTP_OK);
        node_connect(&subs[i], endpoint);
    }
    for (size_t i = 0; i < 3; i++) {
        stranger_open(&deaf[i], &world, endpoint);
        stranger_join(&deaf[i], &pub, LITERAL(RIG_READY_SUB "\4\x0A\x09SUBSCRIBE"));
    }
    WORLD_UNTIL(&world, zmtp_uv_subscribers(pub.socket) == HONEST + 3);
    const size_t before = world.budget.bytes;
    const struct zmtp_bytes part = {(const uint8_t *)body, BODY};
    size_t sent = 0;
    // Far beyond what the kernel and the three queues hold.
    while (zmtp_uv_counters(pub.socket).dropped[ZMTP_DROP_PEER_FULL] < 300) {
        assert_int_equal(zmtp_uv_send(pub.socket, &part, 1), ZMTP_OK);
        sent++;
        for (size_t i = 0; i < HONEST; i++)
            WORLD_UNTIL(&world, subs[i].received == sent); // with the next turns of the loop
        assert_true(world.budget.bytes <= before + 3 * ZMTP_DEFAULT_HWM_BYTES + SLACK);
    }
    const struct depth depth = depth_of(&pub);
    assert_true(depth.bytes >= ZMTP_DEFAULT_HWM_BYTES);
    assert_true(depth.bytes <= ZMTP_DEFAULT_HWM_BYTES + BODY + 9);
    for (size_t i = 0; i < 3; i++)
        stranger_reset(&deaf[i]);
    WORLD_UNTIL(&world, pub.events[ZMTP_EVENT_CLOSED] == 3);
    world_spin(&world, 3);
    assert_true(world.budget.bytes <= before + SLACK);
    world_close(&world);
    free(body);
}

static void test_what_comes_in_and_is_not_received_has_a_limit(void **state)
{
    (void)state;
    static const size_t bodies[] = {0, 100, 5000, 100000};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct world world;
        struct node pull, push;
        struct stranger stranger;
        char endpoint[ZMTP_ENDPOINT_MAX];
        uint8_t *frame = calloc(1, 9 + bodies[i]);
        world_open(&world);
        node_init(&pull, &world, ZMTP_PULL);
        node_open_pull(&pull);
        bind_fresh(&pull, endpoint);
        stranger_open(&stranger, &world, endpoint);
        stranger_join(&stranger, &pull, LITERAL(RIG_READY_PUSH));
        const size_t before = world.budget.bytes;
        frame[0] = ZMTP_FLAG_LONG;
        for (size_t j = 0; j < 4; j++)
            frame[8 - j] = (uint8_t)(bodies[i] >> 8 * j);
        stranger_stuff(&stranger, (struct zmtp_bytes){frame, 9 + bodies[i]});
        free(frame);
        assert_false(stranger.refused);
        assert_true(world.budget.bytes - before <= ZMTP_DEFAULT_HWM_BYTES + SLACK);
        // A full pipe is no reason to turn round and round.
        const uint64_t start = cpu_us();
        world_rest(&world, 100);
        assert_true(cpu_us() - start < 20000);
        // Another's message is not behind all of them.
        node_start(&push, &world, ZMTP_PUSH);
        node_connect(&push, endpoint);
        node_send(&push, "honest");
        char text[WORLD_TEXT] = "";
        for (size_t got = 0; strcmp(text, "honest") != 0; world_turn(&world)) {
            struct zmtp_msg msg = {0};
            zmtp_msg_init(&msg, NULL);
            if (push.events[ZMTP_EVENT_HANDSHAKE_DONE] == 0) continue;
            assert_int_equal(zmtp_uv_recv(pull.socket, &msg), ZMTP_OK);
            node_text(&msg, text);
            zmtp_msg_fini(&msg);
            assert_true(++got < 100);
        }
        stranger_close(&stranger);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_waits_for_a_peer_that_never_reads_has_a_limit),
        cmocka_unit_test(test_a_subscriber_that_never_reads_neither_grows_nor_delays),
        cmocka_unit_test(test_what_comes_in_and_is_not_received_has_a_limit),
    };
    return cmocka_run_group_tests_name("silence", tests, NULL, NULL);
}
