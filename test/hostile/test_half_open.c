// Connections that never finish their handshake, or finish it with nonsense: each holds little, none
// stays long, and honest peers get through between them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/stranger.h"

enum { FRAME_MAX = ZMTP_DEFAULT_HANDSHAKE_FRAME_MAX };

// A ROUTER that echoes, and an honest DEALER that it has answered once.
static void serve(struct node *router, struct witness *witness, char endpoint[ZMTP_ENDPOINT_MAX])
{
    echo_open(router);
    world_endpoint(router->world, ZMTP_TCP, endpoint);
    node_bind(router, endpoint);
    witness_open(witness, router->world, endpoint);
}

// All of a greeting, and of the longest READY allowed all but one octet.
static struct zmtp_bytes longest_beginning(void)
{
    static uint8_t octets[64 + 9 + FRAME_MAX - 1];
    static const uint8_t header[9] = {
        ZMTP_FLAG_COMMAND | ZMTP_FLAG_LONG, 0, 0, 0, 0, 0, 0, FRAME_MAX / 256, FRAME_MAX % 256};
    memcpy(octets, RIG_GREETING, 64);
    memcpy(octets + 64, header, sizeof header);
    return (struct zmtp_bytes){octets, sizeof octets};
}

static void test_each_of_hundreds_of_half_open_connections_holds_at_most_8_kib(void **state)
{
    (void)state;
    enum { CROWD = 300 };
    const struct zmtp_bytes whole = longest_beginning();
    const size_t beginnings[] = {0, 1, 10, 63, 64, 65, 1000, whole.size};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        struct world world;
        struct node router;
        struct witness witness;
        struct stranger crowd[CROWD];
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        node_init(&router, &world, ZMTP_ROUTER);
        router.config.pending_max = CROWD;
        router.config.limits.handshake_ms = 0; // the whole crowd stays, however slow the machine
        serve(&router, &witness, endpoint);
        const size_t before = world.budget.bytes;
        for (unsigned j = 0; j < CROWD; j++) {
            stranger_open(&crowd[j], &world, endpoint);
            assert_true(stranger_say(&crowd[j], (struct zmtp_bytes){whole.data, beginnings[i]}));
            WORLD_UNTIL(&world, router.events[ZMTP_EVENT_ACCEPTED] == j + 2);
        }
        world_spin(&world, 20);
        assert_int_equal(router.events[ZMTP_EVENT_HANDSHAKE_FAILED], 0);
        assert_true((world.budget.bytes - before) / CROWD <= 8192);
        witness_check(&witness);
        for (size_t j = 0; j < CROWD; j++)
            stranger_close(&crowd[j]);
        WORLD_UNTIL(&world, router.events[ZMTP_EVENT_HANDSHAKE_FAILED] == CROWD);
        assert_true(world.budget.bytes <= before + 1024);
        world_close(&world);
    }
}

// |count| is how many handshakes are unfinished, |readable| the most there ever were.
static void note_pending(struct node *node, const struct zmtp_event *event)
{
    if (event->kind == ZMTP_EVENT_ACCEPTED) node->count++;
    if (event->kind == ZMTP_EVENT_HANDSHAKE_DONE) node->count--;
    if (event->kind == ZMTP_EVENT_HANDSHAKE_FAILED) node->count--;
    if (node->count > node->readable) node->readable = node->count;
}

// One more would push out the oldest, which has had its grace.
static void test_a_full_crowd_loses_nobody_while_nobody_else_comes(void **state)
{
    (void)state;
    enum { CROWD = 3, GRACE_MS = 200 };
    struct world world;
    struct node router;
    struct witness witness;
    struct stranger crowd[CROWD + 1];
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&router, &world, ZMTP_ROUTER);
    router.config.pending_max = CROWD;
    router.config.limits.handshake_ms = 0;
    serve(&router, &witness, endpoint);
    for (unsigned i = 0; i < CROWD; i++) {
        stranger_open(&crowd[i], &world, endpoint);
        WORLD_UNTIL(&world, router.events[ZMTP_EVENT_ACCEPTED] == i + 2);
        world_rest(&world, 2 * GRACE_MS); // so that the last to come finds the first of age
    }
    assert_int_equal(router.events[ZMTP_EVENT_HANDSHAKE_FAILED], 0);
    stranger_open(&crowd[CROWD], &world, endpoint);
    WORLD_UNTIL(&world, router.events[ZMTP_EVENT_ACCEPTED] == CROWD + 2);
    assert_int_equal(router.events[ZMTP_EVENT_HANDSHAKE_FAILED], 1);
    stranger_until_refused(&crowd[0]);
    for (size_t i = 0; i <= CROWD; i++)
        stranger_close(&crowd[i]);
    world_close(&world);
}

static void test_honest_clients_get_through_a_crowd_that_comes_again_and_again(void **state)
{
    (void)state;
    enum { CROWD = 400, HONEST = 3 };
    struct world world;
    struct node router;
    struct witness witness, late[HONEST];
    struct stranger crowd[CROWD];
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&router, &world, ZMTP_ROUTER);
    router.note = note_pending;
    serve(&router, &witness, endpoint);
    const size_t before = world.budget.bytes;
    for (size_t i = 0; i < CROWD; i++)
        stranger_open(&crowd[i], &world, endpoint);
    for (size_t i = 0; i < HONEST; i++) {
        node_start(&late[i].node, &world, ZMTP_DEALER);
        node_connect(&late[i].node, endpoint);
        node_send(&late[i].node, "let me in");
    }
    size_t again = 0;
    while (late[0].node.received + late[1].node.received + late[2].node.received < HONEST) {
        world_turn(&world);
        assert_true(world.budget.bytes_peak <= before + 8192 * (ZMTP_DEFAULT_PENDING_MAX + HONEST));
        uint8_t scratch[128];
        for (size_t i = 0; i < CROWD; i++) {
            (void)stranger_read(&crowd[i], scratch, sizeof scratch);
            if (!crowd[i].refused) continue;
            stranger_close(&crowd[i]);
            stranger_open(&crowd[i], &world, endpoint);
            again++;
        }
    }
    witness_check(&witness);
    assert_int_equal(router.readable, ZMTP_DEFAULT_PENDING_MAX);
    assert_true(again > 0);
    assert_int_equal(router.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_LIMIT);
    for (size_t i = 0; i < CROWD; i++)
        stranger_close(&crowd[i]);
    world_close(&world);
}

// An octet now and then: what counts is the clock, not that there is progress.
static void test_one_octet_at_a_time_gains_no_time(void **state)
{
    (void)state;
    const struct zmtp_bytes whole = longest_beginning();
    const size_t beginnings[] = {0, 64, 80};
    struct world world;
    struct node router;
    struct witness witness;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&router, &world, ZMTP_ROUTER);
    router.config.limits.handshake_ms = 100;
    serve(&router, &witness, endpoint);
    for (unsigned i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        struct stranger stranger;
        size_t at = beginnings[i];
        stranger_open(&stranger, &world, endpoint);
        assert_true(stranger_say(&stranger, (struct zmtp_bytes){whole.data, at}));
        while (router.events[ZMTP_EVENT_HANDSHAKE_FAILED] == i && at < beginnings[i] + 60) {
            world_rest(&world, 4);
            (void)stranger_try(&stranger, (struct zmtp_bytes){whole.data + at++, 1});
        }
        assert_int_equal(router.events[ZMTP_EVENT_HANDSHAKE_FAILED], i + 1);
        assert_int_equal(router.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_HANDSHAKE_TIMEOUT);
        stranger_until_refused(&stranger);
        stranger_close(&stranger);
        witness_check(&witness);
    }
    world_close(&world);
}

// READY with the properties that |properties| holds, and a Socket-Type before them.
static struct zmtp_bytes ready_of(struct zmtp_bytes properties)
{
    static uint8_t octets[9 + FRAME_MAX];
    static const char start[] = "\x05READY\x0BSocket-Type\0\0\0\x06"
                                "DEALER";
    const size_t size = sizeof start - 1 + properties.size;
    assert_true(size <= FRAME_MAX);
    memset(octets, 0, 9);
    octets[0] = ZMTP_FLAG_COMMAND | ZMTP_FLAG_LONG;
    octets[7] = (uint8_t)(size >> 8);
    octets[8] = (uint8_t)size;
    memcpy(octets + 9, start, sizeof start - 1);
    memcpy(octets + 9 + sizeof start - 1, properties.data, properties.size);
    return (struct zmtp_bytes){octets, 9 + size};
}

static struct zmtp_bytes identity_of(size_t size)
{
    static uint8_t octets[9 + 4 + 1024] = "\x08Identity";
    octets[11] = (uint8_t)(size >> 8);
    octets[12] = (uint8_t)size;
    memset(octets + 13, 'i', size);
    return (struct zmtp_bytes){octets, 13 + size};
}

// |count| properties, each of a name of its own.
static struct zmtp_bytes many_properties(size_t count)
{
    static uint8_t octets[7 * 64];
    for (size_t i = 0; i < count; i++) {
        const uint8_t one[7] = {2, (uint8_t)('A' + i / 10), (uint8_t)('0' + i % 10), 0, 0, 0, 0};
        memcpy(octets + 7 * i, one, sizeof one);
    }
    return (struct zmtp_bytes){octets, 7 * count};
}

static void test_nonsense_in_a_handshake_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    struct world world;
    struct node router;
    struct witness witness;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&router, &world, ZMTP_ROUTER);
    serve(&router, &witness, endpoint);
    // The pool keeps what the first round needed.
    size_t held[2] = {0};
    unsigned failures = 0;
    for (size_t round = 0; round < 20; round++) {
        const struct {
            struct zmtp_bytes properties;
            int error;
        } cases[] = {
            {identity_of(256), ZMTP_ERR_ROUTING_ID},
            {LITERAL("\x08Identity\0\0\0\2\0x"), ZMTP_ERR_ROUTING_ID},
            {LITERAL("\x08Identity\0\0\0\1a\x08identity\0\0\0\1a"), ZMTP_ERR_METADATA},
            {LITERAL("\x0BSOCKET-TYPE\0\0\0\3SUB"), ZMTP_ERR_METADATA},
            {LITERAL("\x08Identity\0\0\0\x09too short"), ZMTP_OK},
            {LITERAL("\x08Identity\0\0\0\x0Atoo short"), ZMTP_ERR_METADATA},
            {LITERAL("\x08Identity\xFF\xFF\xFF\xFF"), ZMTP_ERR_METADATA},
            {LITERAL("\0\0\0\0\0"), ZMTP_ERR_METADATA},
            {LITERAL("\1\n\0\0\0\0"), ZMTP_ERR_METADATA},
            {LITERAL("\1"), ZMTP_ERR_METADATA},
            {many_properties(ZMTP_DEFAULT_PROPERTIES_MAX), ZMTP_ERR_METADATA},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            // One |ready_of| at a time: its octets are shared.
            struct stranger stranger;
            stranger_open(&stranger, &world, endpoint);
            if (cases[i].error == ZMTP_OK) {
                stranger_join(&stranger, &router, ready_of(cases[i].properties));
                stranger_close(&stranger);
                WORLD_UNTIL(&world, router.events[ZMTP_EVENT_CLOSED] == round + 1);
                continue;
            }
            assert_true(stranger_say(&stranger, LITERAL(RIG_GREETING)));
            (void)stranger_say(&stranger, ready_of(cases[i].properties));
            stranger_until_refused(&stranger);
            stranger_close(&stranger);
            assert_int_equal(router.events[ZMTP_EVENT_HANDSHAKE_FAILED], ++failures);
            assert_int_equal(router.errors[ZMTP_EVENT_HANDSHAKE_FAILED], cases[i].error);
        }
        witness_check(&witness);
        if (round < 2 || round == 19) held[round > 0] = world.budget.bytes;
    }
    assert_int_equal(held[0], held[1]);
    world_close(&world);
}

static void test_a_frame_above_the_handshake_limit_is_refused_by_its_header(void **state)
{
    (void)state;
    static const uint8_t header[9] = {
        ZMTP_FLAG_COMMAND | ZMTP_FLAG_LONG, 0, 0, 0, 0, 0, 0, FRAME_MAX / 256, FRAME_MAX % 256 + 1};
    struct world world;
    struct node router;
    struct witness witness;
    struct stranger stranger;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&router, &world, ZMTP_ROUTER);
    serve(&router, &witness, endpoint);
    stranger_open(&stranger, &world, endpoint);
    assert_true(stranger_say(&stranger, LITERAL(RIG_GREETING)));
    assert_true(stranger_say(&stranger, (struct zmtp_bytes){header, sizeof header}));
    stranger_until_refused(&stranger);
    assert_int_equal(router.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_LIMIT);
    stranger_close(&stranger);
    witness_check(&witness);
    world_close(&world);
}

// LZ-30 leaves the second one open and deaf for ever.
static void test_a_routing_id_cannot_be_stolen_and_is_free_again_when_its_owner_goes(void **state)
{
    (void)state;
    struct world world;
    struct node router;
    struct witness witness;
    struct stranger owner, thief;
    char endpoint[ZMTP_ENDPOINT_MAX];
    uint8_t scratch[512];
    world_open(&world);
    node_init(&router, &world, ZMTP_ROUTER);
    serve(&router, &witness, endpoint);
    stranger_open(&owner, &world, endpoint);
    stranger_join(&owner, &router, ready_of(identity_of(255)));
    while (stranger_read(&owner, scratch, sizeof scratch) > 0) {}
    for (unsigned i = 0; i < 100; i++) {
        stranger_open(&thief, &world, endpoint);
        assert_true(stranger_say(&thief, LITERAL(RIG_GREETING)));
        (void)stranger_say(&thief, ready_of(identity_of(255)));
        stranger_until_refused(&thief);
        stranger_close(&thief);
        assert_int_equal(router.events[ZMTP_EVENT_HANDSHAKE_FAILED], i + 1);
        assert_int_equal(router.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_ROUTING_ID);
    }
    assert_true(stranger_say(&owner, LITERAL("\0\4mine")));
    size_t size = 0;
    while (size < 6 && !owner.refused) {
        world_spin(&world, 1);
        size += stranger_read(&owner, scratch + size, sizeof scratch - size);
    }
    octets_assert_equal((struct zmtp_bytes){scratch, size}, LITERAL("\0\4mine"));
    stranger_close(&owner);
    WORLD_UNTIL(&world, router.events[ZMTP_EVENT_CLOSED] == 1);
    stranger_open(&thief, &world, endpoint);
    stranger_join(&thief, &router, ready_of(identity_of(255)));
    stranger_close(&thief);
    witness_check(&witness);
    world_close(&world);
}

static void test_connections_that_are_opened_and_reset_leave_nothing(void **state)
{
    (void)state;
    enum { ROUNDS = 1000 };
    const struct zmtp_bytes whole = longest_beginning();
    struct world world;
    struct node router;
    struct witness witness;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&router, &world, ZMTP_ROUTER);
    serve(&router, &witness, endpoint);
    const size_t descriptors = descriptors_open();
    size_t held = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct stranger stranger;
        stranger_open(&stranger, &world, endpoint);
        (void)stranger_try(&stranger, (struct zmtp_bytes){whole.data, i * 37 % whole.size});
        if (i % 3 == 0) world_spin(&world, 1); // accepted before, or after it was reset
        stranger_reset(&stranger);
        if (i % 100 != 99) continue;
        witness_check(&witness);
        // A connection may be reset before it is accepted, and then be no connection at all.
        WORLD_UNTIL(&world, router.events[ZMTP_EVENT_ACCEPTED] - 1 ==
                                router.events[ZMTP_EVENT_HANDSHAKE_FAILED]);
        world_spin(&world, 3);
        if (held == 0) held = world.budget.bytes;
        assert_int_equal(world.budget.bytes, held);
        assert_int_equal(descriptors_open(), descriptors);
    }
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_of_hundreds_of_half_open_connections_holds_at_most_8_kib),
        cmocka_unit_test(test_a_full_crowd_loses_nobody_while_nobody_else_comes),
        cmocka_unit_test(test_honest_clients_get_through_a_crowd_that_comes_again_and_again),
        cmocka_unit_test(test_one_octet_at_a_time_gains_no_time),
        cmocka_unit_test(test_nonsense_in_a_handshake_is_refused_and_leaves_nothing),
        cmocka_unit_test(test_a_frame_above_the_handshake_limit_is_refused_by_its_header),
        cmocka_unit_test(test_a_routing_id_cannot_be_stolen_and_is_free_again_when_its_owner_goes),
        cmocka_unit_test(test_connections_that_are_opened_and_reset_leave_nothing),
    };
    return cmocka_run_group_tests_name("half-open connections", tests, NULL, NULL);
}
