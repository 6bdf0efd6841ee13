// Peers that are let in and then say too much: each limit ends their own connection, or costs nothing,
// and nobody else notices.
#include <stdlib.h>
#include <string.h>

#include "test/support/stranger.h"

enum {
    // The loop's read slab and what the pool keeps ready for the next burst.
    SLACK = 512 * 1024,
};

struct scene {
    struct world world;
    struct node router;
    struct witness witness;
    struct stranger stranger;
    char endpoint[ZMTP_ENDPOINT_MAX];
    size_t before; // memory held when the stranger had joined
};

// A ROUTER that echoes, its honest peer, and a stranger who was let in.
static void scene_open(struct scene *scene)
{
    world_open(&scene->world);
    node_init(&scene->router, &scene->world, ZMTP_ROUTER);
    echo_open(&scene->router);
    world_endpoint(&scene->world, ZMTP_TCP, scene->endpoint);
    node_bind(&scene->router, scene->endpoint);
    witness_open(&scene->witness, &scene->world, scene->endpoint);
    stranger_open(&scene->stranger, &scene->world, scene->endpoint);
    stranger_join(&scene->stranger, &scene->router, LITERAL(RIG_READY_DEALER));
    scene->before = scene->world.budget.bytes;
}

static void scene_close(struct scene *scene)
{
    witness_check(&scene->witness);
    stranger_close(&scene->stranger);
    world_close(&scene->world);
}

// The stranger was cut off for |error|, and soon nothing of it is left: the pool gives large slabs back
// when nobody has needed them for a while.
static void scene_refused(struct scene *scene, int error)
{
    stranger_until_refused(&scene->stranger);
    assert_int_equal(scene->router.events[ZMTP_EVENT_CLOSED], 1);
    assert_int_equal(scene->router.errors[ZMTP_EVENT_CLOSED], error);
    WORLD_UNTIL(&scene->world, scene->world.budget.bytes <= scene->before + SLACK);
    scene_close(scene);
}

// |unit| again and again, in a block of about |size| octets.
static struct zmtp_bytes many_open(struct zmtp_bytes unit, size_t size)
{
    const size_t count = size / unit.size;
    uint8_t *octets = malloc(count * unit.size);
    assert_non_null(octets);
    for (size_t i = 0; i < count; i++)
        memcpy(octets + i * unit.size, unit.data, unit.size);
    return (struct zmtp_bytes){octets, count * unit.size};
}

static void test_a_flood_of_pings_whose_pongs_nobody_reads_costs_nothing(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene);
    const struct zmtp_bytes pings =
        many_open(LITERAL("\4\x17\4PING\0\0sixteen octets!!"), 64 * 1024);
    for (int i = 0; i < 200; i++) {
        assert_true(stranger_say(&scene.stranger, pings));
        assert_true(scene.world.budget.bytes <= scene.before + SLACK);
        if (i % 50 == 0) witness_check(&scene.witness);
    }
    octets_drop(pings);
    scene_close(&scene);
}

// LZ-23: what is short was answered with what lay in memory, and what is long was cut.
static void test_a_ping_out_of_shape_closes_and_is_not_answered(void **state)
{
    (void)state;
    const struct zmtp_bytes pings[] = {
        LITERAL("\4\5\4PING"),
        LITERAL("\4\6\4PING\0"),
        LITERAL("\4\x18\4PING\0\0seventeen octets!"),
    };
    for (size_t i = 0; i < sizeof pings / sizeof pings[0]; i++) {
        struct scene scene;
        uint8_t heard[512];
        size_t size = 0;
        scene_open(&scene);
        assert_true(stranger_say(&scene.stranger, pings[i]));
        while (!scene.stranger.refused) {
            world_spin(&scene.world, 1);
            size += stranger_read(&scene.stranger, heard + size, sizeof heard - size);
        }
        assert_null(memmem(heard, size, "PONG", 4));
        scene_refused(&scene, ZMTP_ERR_COMMAND);
    }
}

static void test_unknown_commands_are_borne_up_to_their_limit(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene);
    const struct zmtp_bytes some =
        many_open(LITERAL("\4\6\5WHAT?"), ZMTP_DEFAULT_UNKNOWN_COMMANDS_MAX * 8);
    assert_true(stranger_say(&scene.stranger, some));
    octets_drop(some);
    assert_true(stranger_say(&scene.stranger, LITERAL("\0\5alive")));
    WORLD_UNTIL(&scene.world, scene.router.received == 2);
    (void)stranger_say(&scene.stranger, LITERAL("\4\6\5WHAT?"));
    scene_refused(&scene, ZMTP_ERR_LIMIT);
}

// A part of |size| octets that is not the last of its message; freed with octets_drop.
static struct zmtp_bytes part_open(size_t size)
{
    uint8_t *octets = calloc(1, 9 + size);
    assert_non_null(octets);
    octets[0] = ZMTP_FLAG_MORE | ZMTP_FLAG_LONG;
    for (size_t i = 0; i < 4; i++)
        octets[8 - i] = (uint8_t)(size >> 8 * i);
    return (struct zmtp_bytes){octets, 9 + size};
}

// libzmq 4.3.4 holds 1.17 GB of one such message of 60 MB.
static void test_a_message_without_an_end_is_cut_off_at_its_limits(void **state)
{
    (void)state;
    const size_t parts[] = {0, 100, 5000, 70000, 3000000};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct scene scene;
        scene_open(&scene);
        scene.world.budget.bytes_peak = scene.before;
        const struct zmtp_bytes part = part_open(parts[i]);
        while (stranger_say(&scene.stranger, part))
            assert_true(scene.stranger.said <= 2 * ZMTP_DEFAULT_MESSAGE_MAX);
        octets_drop(part);
        // No more than what was said, nor than the limits; the rest is what growing costs.
        const size_t all = parts[i] * ZMTP_DEFAULT_PARTS_MAX;
        const size_t most = all < ZMTP_DEFAULT_MESSAGE_MAX ? all : ZMTP_DEFAULT_MESSAGE_MAX;
        assert_true(scene.world.budget.bytes_peak - scene.before <= most + most / 4 + SLACK);
        assert_int_equal(scene.router.received, 1); // the witness's
        scene.before += 3 * 1024 * 1024;            // what a pool keeps at most
        scene_refused(&scene, ZMTP_ERR_LIMIT);
    }
}

static void test_a_promise_of_much_costs_nothing_until_it_is_kept(void **state)
{
    (void)state;
    const struct zmtp_bytes within = LITERAL("\2\0\0\0\0\4\0\0\0"); // 64 MiB
    const struct zmtp_bytes beyond[] = {
        LITERAL("\2\0\0\0\0\4\0\0\1"), LITERAL("\2\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
        LITERAL("\6\0\0\0\0\0\1\0\1"), // a command
    };
    struct scene scene;
    scene_open(&scene);
    assert_true(stranger_say(&scene.stranger, within));
    const uint8_t zeros[40000] = {0};
    for (size_t said = 0; said < 400000; said += sizeof zeros) {
        assert_true(stranger_say(&scene.stranger, (struct zmtp_bytes){zeros, sizeof zeros}));
        world_spin(&scene.world, 10);
        assert_true(scene.world.budget.bytes <= scene.before + SLACK + 2 * said);
    }
    scene_close(&scene);
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        scene_open(&scene);
        assert_true(stranger_say(&scene.stranger, beyond[i]));
        scene_refused(&scene, ZMTP_ERR_LIMIT);
    }
}

static void test_idle_connections_hold_at_most_4_kib_each(void **state)
{
    (void)state;
    enum { CROWD = 300 };
    struct scene scene;
    struct stranger crowd[CROWD];
    scene_open(&scene);
    for (size_t i = 0; i < CROWD; i++) {
        stranger_open(&crowd[i], &scene.world, scene.endpoint);
        stranger_join(&crowd[i], &scene.router, LITERAL(RIG_READY_DEALER));
    }
    assert_true((scene.world.budget.bytes - scene.before) / CROWD <= 4096);
    // And when they have been busy and are idle again.
    uint8_t answer[64];
    for (size_t i = 0; i < CROWD; i++)
        assert_true(stranger_say(&crowd[i], LITERAL("\1\3two\0\5parts")));
    WORLD_UNTIL(&scene.world, scene.router.received == CROWD + 1);
    world_spin(&scene.world, 10);
    for (size_t i = 0; i < CROWD; i++)
        while (stranger_read(&crowd[i], answer, sizeof answer) > 0) {}
    assert_true((scene.world.budget.bytes - scene.before) / CROWD <= 4096);
    for (size_t i = 0; i < CROWD; i++)
        stranger_close(&crowd[i]);
    WORLD_UNTIL(&scene.world, scene.router.events[ZMTP_EVENT_CLOSED] == CROWD);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_flood_of_pings_whose_pongs_nobody_reads_costs_nothing),
        cmocka_unit_test(test_a_ping_out_of_shape_closes_and_is_not_answered),
        cmocka_unit_test(test_unknown_commands_are_borne_up_to_their_limit),
        cmocka_unit_test(test_a_message_without_an_end_is_cut_off_at_its_limits),
        cmocka_unit_test(test_a_promise_of_much_costs_nothing_until_it_is_kept),
        cmocka_unit_test(test_idle_connections_hold_at_most_4_kib_each),
    };
    return cmocka_run_group_tests_name("floods", tests, NULL, NULL);
}
