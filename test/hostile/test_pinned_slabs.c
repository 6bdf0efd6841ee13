// Small messages amid much that is not queued: what they keep alive is in proportion to their size,
// which is what the limits count.
#include <stdlib.h>
#include <string.h>

#include "test/support/stranger.h"

enum {
    BITE = 64 * 1024, // as much as one read takes: a message, and PINGs up to here
    FRAME = 2048,
    LIMIT = 1024 * 1024,
    // The pool keeps so much of what was in use before, and each pipe a slab that is being filled.
    SLACK = 3 * 1024 * 1024,
};

// A frame of |size| octets in all and then PINGs.
static struct zmtp_bytes bite_open(size_t size, uint8_t flags)
{
    static const uint8_t ping[] = {4, 7, 4, 'P', 'I', 'N', 'G', 0, 0};
    uint8_t *octets = calloc(1, BITE);
    assert_non_null(octets);
    octets[0] = flags | ZMTP_FLAG_LONG;
    octets[7] = (uint8_t)((size - 9) >> 8);
    octets[8] = (uint8_t)(size - 9);
    size_t filled = size;
    for (; filled + sizeof ping <= BITE; filled += sizeof ping)
        memcpy(octets + filled, ping, sizeof ping);
    return (struct zmtp_bytes){octets, filled};
}

static void bite_close(struct zmtp_bytes bite)
{
    octets_drop(bite);
}

static void pull_open(struct node *pull, struct world *world, char endpoint[ZMTP_ENDPOINT_MAX])
{
    node_init(pull, world, ZMTP_PULL);
    pull->config.socket.recv_bytes_max = LIMIT;
    node_open_pull(pull);
    world_endpoint(world, ZMTP_TCP, endpoint);
    node_bind(pull, endpoint);
}

// The honest one's message comes when each of |others| has had its turn, whatever else is queued.
static void assert_heard_after(struct node *pull, const char *endpoint, size_t others)
{
    struct node push;
    node_start(&push, pull->world, ZMTP_PUSH);
    node_connect(&push, endpoint);
    node_send(&push, "honest");
    WORLD_UNTIL(pull->world, zmtp_uv_counters(push.socket).copies == 1 &&
                                 push.events[ZMTP_EVENT_HANDSHAKE_DONE]);
    world_rest(pull->world, 20);
    char text[WORLD_TEXT] = "";
    for (size_t i = 0; i <= others && strcmp(text, "honest") != 0; i++) {
        struct zmtp_msg msg = {0};
        zmtp_msg_init(&msg, NULL);
        assert_int_equal(zmtp_uv_recv(pull->socket, &msg), ZMTP_OK);
        node_text(&msg, text);
        zmtp_msg_fini(&msg);
    }
    assert_string_equal(text, "honest");
}

static void test_a_queue_of_small_runs_holds_at_most_four_times_its_limit(void **state)
{
    (void)state;
    static const size_t frames[] = {FRAME, 10000, BITE / 4};
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        struct world world;
        struct node pull;
        struct stranger stranger;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        pull_open(&pull, &world, endpoint);
        stranger_open(&stranger, &world, endpoint);
        stranger_join(&stranger, &pull, LITERAL(RIG_READY_PUSH));
        const struct zmtp_bytes bite = bite_open(frames[i], 0);
        const size_t before = world.budget.bytes;
        stranger_stuff(&stranger, bite);
        bite_close(bite);
        assert_false(stranger.refused);
        assert_true(stranger.said > LIMIT / frames[i] * BITE / 2); // the queue is full
        assert_true(world.budget.bytes - before <= 4 * LIMIT + SLACK);
        assert_heard_after(&pull, endpoint, 1);
        stranger_close(&stranger);
        world_close(&world);
    }
}

static void test_an_unfinished_message_of_small_parts_holds_at_most_four_times_its_size(
    void **state)
{
    (void)state;
    enum { PARTS = 500 };
    struct world world;
    struct node pull;
    struct stranger stranger;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    pull_open(&pull, &world, endpoint);
    stranger_open(&stranger, &world, endpoint);
    stranger_join(&stranger, &pull, LITERAL(RIG_READY_PUSH));
    const struct zmtp_bytes bite = bite_open(FRAME, ZMTP_FLAG_MORE);
    const size_t before = world.budget.bytes;
    assert_true(stranger_repeat(&stranger, bite, PARTS * bite.size));
    bite_close(bite);
    world_spin(&world, 20);
    assert_true(world.budget.bytes - before <= 4 * PARTS * FRAME + SLACK);
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp_uv_recv(pull.socket, &msg), ZMTP_ERR_AGAIN);
    assert_heard_after(&pull, endpoint, 1);
    stranger_close(&stranger);
    world_close(&world);
}

static void test_many_connections_that_each_leave_a_run_unread_hold_little_each(void **state)
{
    (void)state;
    enum { CROWD = 200 };
    struct world world;
    struct node pull;
    struct stranger crowd[CROWD];
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    pull_open(&pull, &world, endpoint);
    for (size_t i = 0; i < CROWD; i++) {
        stranger_open(&crowd[i], &world, endpoint);
        stranger_join(&crowd[i], &pull, LITERAL(RIG_READY_PUSH));
    }
    const size_t before = world.budget.bytes;
    const struct zmtp_bytes bite = bite_open(FRAME, 0);
    for (size_t i = 0; i < CROWD; i++)
        assert_true(stranger_say(&crowd[i], bite));
    bite_close(bite);
    world_spin(&world, 20);
    // Four times the run, in a slab with a header, and the place where the queue notes it.
    assert_true((world.budget.bytes - before) / CROWD <= 4 * FRAME + 1024);
    assert_heard_after(&pull, endpoint, CROWD);
    for (size_t i = 0; i < CROWD; i++)
        stranger_close(&crowd[i]);
    world_close(&world);
}

// What came in is sent on by reference when that pays: here it must not.
static void test_replies_that_nobody_reads_do_not_keep_what_came_with_the_requests(void **state)
{
    (void)state;
    struct world world;
    struct node router;
    struct witness witness;
    struct stranger stranger;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&router, &world, ZMTP_ROUTER);
    router.config.socket.send_bytes_max = LIMIT;
    router.config.socket.router_mandatory = false;
    echo_open(&router);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_bind(&router, endpoint);
    witness_open(&witness, &world, endpoint);
    stranger_open(&stranger, &world, endpoint);
    stranger_join(&stranger, &router, LITERAL(RIG_READY_DEALER));
    const struct zmtp_bytes bite = bite_open(9 + 4096, 0);
    const size_t before = world.budget.bytes;
    while (zmtp_uv_counters(router.socket).dropped[ZMTP_DROP_PEER_FULL] == 0)
        assert_true(stranger_say(&stranger, bite));
    bite_close(bite);
    assert_true(world.budget.bytes - before <= 4 * LIMIT + SLACK);
    witness_check(&witness);
    stranger_close(&stranger);
    world_close(&world);
}

// A message for several is encoded once; who wants but some of them must not keep the others' alive.
static void test_a_subscriber_to_every_seventh_message_keeps_no_other_alive(void **state)
{
    (void)state;
    enum { BODY = 9000 };
    struct world world;
    struct node pub, subs[2];
    struct stranger stranger;
    char endpoint[ZMTP_ENDPOINT_MAX], *body = calloc(1, BODY);
    world_open(&world);
    node_init(&pub, &world, ZMTP_PUB);
    pub.config.socket.send_bytes_max = LIMIT;
    node_open(&pub);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_bind(&pub, endpoint);
    for (size_t i = 0; i < 2; i++) {
        node_start(&subs[i], &world, ZMTP_SUB);
        assert_int_equal(zmtp_uv_subscribe(subs[i].socket, zmtp_bytes_text("")), ZMTP_OK);
        node_connect(&subs[i], endpoint);
    }
    stranger_open(&stranger, &world, endpoint);
    stranger_join(&stranger, &pub, LITERAL(RIG_READY_SUB "\4\x0B\x09SUBSCRIBEh"));
    WORLD_UNTIL(&world, zmtp_uv_subscribers(pub.socket) == 3);
    const size_t before = world.budget.bytes;
    size_t sent = 0;
    while (zmtp_uv_counters(pub.socket).dropped[ZMTP_DROP_PEER_FULL] == 0) {
        body[0] = sent++ % 7 == 0 ? 'h' : 'a';
        const struct zmtp_bytes part = {(const uint8_t *)body, BODY};
        assert_int_equal(zmtp_uv_send(pub.socket, &part, 1), ZMTP_OK);
        if (sent % 7 == 0)
            WORLD_UNTIL(&world, subs[0].received == sent && subs[1].received == sent);
    }
    assert_true(world.budget.bytes - before <= 2 * LIMIT + SLACK);
    WORLD_UNTIL(&world, subs[0].received == sent && subs[1].received == sent);
    stranger_close(&stranger);
    world_close(&world);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_queue_of_small_runs_holds_at_most_four_times_its_limit),
        cmocka_unit_test(
            test_an_unfinished_message_of_small_parts_holds_at_most_four_times_its_size),
        cmocka_unit_test(test_many_connections_that_each_leave_a_run_unread_hold_little_each),
        cmocka_unit_test(test_replies_that_nobody_reads_do_not_keep_what_came_with_the_requests),
        cmocka_unit_test(test_a_subscriber_to_every_seventh_message_keeps_no_other_alive),
    };
    return cmocka_run_group_tests_name("pinned slabs", tests, NULL, NULL);
}
