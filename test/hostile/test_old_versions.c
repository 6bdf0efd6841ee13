// Strangers who speak ZMTP 1.0 or 2.0 to a socket that serves these, too: the limits are the same.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/stranger.h"

#define SIGNATURE "\xFF\0\0\0\0\0\0\0\1\x7F"

enum { CROWD = 200 };

// A ROUTER that echoes and serves old versions, and an honest DEALER that it has answered once.
static void serve(struct world *world, struct node *router, struct witness *witness,
                  char endpoint[ZMTP_ENDPOINT_MAX])
{
    world_open(world);
    node_init(router, world, ZMTP_ROUTER);
    router->config.old_versions = true;
    router->config.pending_max = CROWD;
    router->config.limits.handshake_ms = 0; // the whole crowd stays, however slow the machine
    router->config.limits.message_max = 1024 * 1024;
    router->config.limits.parts_max = 100;
    echo_open(router);
    world_endpoint(world, ZMTP_TCP, endpoint);
    node_bind(router, endpoint);
    witness_open(witness, world, endpoint);
}

static void test_each_half_open_connection_holds_at_most_8_kib(void **state)
{
    (void)state;
    uint8_t longest[10 + 254] = {0xFF, 0, 0, 0, 0, 0, 0, 1, 0, 0};
    memset(longest + 10, 'i', sizeof longest - 10);
    const struct zmtp_bytes beginnings[] = {
        LITERAL("\xFE"),           LITERAL("\xFF\0\0\0\0\0\0\1\0"), {longest, sizeof longest},
        LITERAL(SIGNATURE),        LITERAL(SIGNATURE "\1"),         LITERAL(SIGNATURE "\1\5\0\xFF"),
        LITERAL(SIGNATURE "\3\1N")};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        struct world world;
        struct node router;
        struct witness witness;
        struct stranger crowd[CROWD];
        char endpoint[ZMTP_ENDPOINT_MAX];
        serve(&world, &router, &witness, endpoint);
        const size_t before = world.budget.bytes;
        for (unsigned j = 0; j < CROWD; j++) {
            stranger_open(&crowd[j], &world, endpoint);
            assert_true(stranger_say(&crowd[j], beginnings[i]));
            WORLD_UNTIL(&world, router.events[ZMTP_EVENT_ACCEPTED] == j + 2);
        }
        world_spin(&world, 20);
        assert_int_equal(router.events[ZMTP_EVENT_HANDSHAKE_FAILED], 0);
        assert_true((world.budget.bytes - before) / CROWD <= 8192);
        witness_check(&witness);
        for (size_t j = 0; j < CROWD; j++)
            stranger_close(&crowd[j]);
        WORLD_UNTIL(&world, router.events[ZMTP_EVENT_HANDSHAKE_FAILED] == CROWD);
        world_close(&world);
    }
}

// Says |unit| for ever after |greeting|, and must be hung up on for |error| while the other side holds
// no more than |most| octets.
static void assert_bounded(struct zmtp_bytes greeting, struct zmtp_bytes unit, int error,
                           size_t most)
{
    struct world world;
    struct node router;
    struct witness witness;
    struct stranger stranger;
    char endpoint[ZMTP_ENDPOINT_MAX];
    serve(&world, &router, &witness, endpoint);
    const size_t before = world.budget.bytes;
    world.budget.bytes_peak = before;
    stranger_open(&stranger, &world, endpoint);
    assert_true(stranger_say(&stranger, greeting));
    WORLD_UNTIL(&world, router.events[ZMTP_EVENT_HANDSHAKE_DONE] == 2);
    assert_false(stranger_repeat(&stranger, unit, 64 * 1024 * 1024));
    stranger_until_refused(&stranger);
    WORLD_UNTIL(&world, router.events[ZMTP_EVENT_CLOSED] == 1);
    assert_int_equal(router.errors[ZMTP_EVENT_CLOSED], error);
    assert_true(world.budget.bytes_peak - before <= most);
    witness_check(&witness);
    stranger_close(&stranger);
    world_close(&world);
}

static void test_endless_messages_end_at_the_limits(void **state)
{
    (void)state;
    const struct zmtp_bytes one = LITERAL("\1\0"), two = LITERAL(SIGNATURE "\1\5\0\0");
    uint8_t part[9 + 60000] = {ZMTP_FLAG_MORE | ZMTP_FLAG_LONG, 0, 0, 0, 0, 0, 0, 0xEA, 0x60};
    uint8_t old_part[10 + 60000] = {0xFF, 0, 0, 0, 0, 0, 0, 0xEA, 0x61, ZMTP_FLAG_MORE};
    const size_t most = 4 * 1024 * 1024;
    assert_bounded(one, LITERAL("\1\1"), ZMTP_ERR_LIMIT, most);
    assert_bounded(two, LITERAL("\1\0"), ZMTP_ERR_LIMIT, most);
    assert_bounded(one, (struct zmtp_bytes){old_part, sizeof old_part}, ZMTP_ERR_LIMIT, most);
    assert_bounded(two, (struct zmtp_bytes){part, sizeof part}, ZMTP_ERR_LIMIT, most);
}

// ZMTP13-FRAME-01: they are discarded, but not for ever.
static void test_a_flood_of_voids_ends(void **state)
{
    (void)state;
    assert_bounded(LITERAL("\1\0"), LITERAL("\0"), ZMTP_ERR_LIMIT, 1024 * 1024);
}

static void test_a_length_that_is_only_promised_costs_nothing(void **state)
{
    (void)state;
    struct world world;
    struct node router;
    struct witness witness;
    struct stranger crowd[CROWD];
    char endpoint[ZMTP_ENDPOINT_MAX];
    serve(&world, &router, &witness, endpoint);
    const size_t before = world.budget.bytes;
    for (unsigned j = 0; j < CROWD; j++) {
        stranger_open(&crowd[j], &world, endpoint);
        // A frame of 1 MiB less one octet, of which some come.
        assert_true(stranger_say(&crowd[j], LITERAL("\1\0\xFF\0\0\0\0\0\x10\0\0\0some")));
        WORLD_UNTIL(&world, router.events[ZMTP_EVENT_HANDSHAKE_DONE] == j + 2);
    }
    world_spin(&world, 20);
    assert_true((world.budget.bytes - before) / CROWD <= 8192);
    witness_check(&witness);
    for (size_t j = 0; j < CROWD; j++)
        stranger_close(&crowd[j]);
    WORLD_UNTIL(&world, router.events[ZMTP_EVENT_CLOSED] == CROWD);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_half_open_connection_holds_at_most_8_kib),
        cmocka_unit_test(test_endless_messages_end_at_the_limits),
        cmocka_unit_test(test_a_flood_of_voids_ends),
        cmocka_unit_test(test_a_length_that_is_only_promised_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
