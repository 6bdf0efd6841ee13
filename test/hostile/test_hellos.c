// Strangers who say HELLO to a CURVE server again and again, and each time cost it public-key arithmetic:
// it hears no more of them in a second than its limit, and goes on serving those who are in.
#include <stdlib.h>
#include <string.h>

#include "test/support/stranger.h"

enum { HELLO_SIZE = 200 };

static struct zmtp_key_pair server_keys;

// A greeting with CURVE, and a HELLO of the right shape whose box is nonsense.
static struct zmtp_bytes nonsense(void)
{
    static uint8_t octets[64 + 2 + HELLO_SIZE];
    memset(octets, 0, sizeof octets);
    memcpy(octets, "\xFF\0\0\0\0\0\0\0\1\x7F\3\1CURVE", 17);
    octets[64] = ZMTP_FLAG_COMMAND;
    octets[65] = HELLO_SIZE;
    memcpy(octets + 66, "\5HELLO\1", 7);
    memset(octets + 66 + 80, 0x55, HELLO_SIZE - 80); // a key, a nonce, and what is no box of theirs
    return (struct zmtp_bytes){octets, sizeof octets};
}

static void use_curve(struct node *server, uint32_t rate)
{
    zmtp_key_generate(&server_keys, zmtp_sodium());
    zmtp_uv_config_curve_server(&server->config, &server_keys,
                                (struct zmtp_allow){.kind = ZMTP_ALLOW_ANY});
    server->config.hello_rate_max = rate;
}

static void open_client(struct node *client, struct world *world, const char *endpoint)
{
    node_init(client, world, ZMTP_DEALER);
    zmtp_uv_config_curve_client(&client->config, NULL, &server_keys.public_key);
    node_open(client);
    node_connect(client, endpoint);
}

static void test_a_flood_of_hellos_is_heard_at_a_pace(void **state)
{
    (void)state;
    enum { RATE = 40, CROWD = 30, FLOOD_MS = 2000 };
    struct world world;
    struct node router, witness, late;
    struct stranger crowd[CROWD];
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&router, &world, ZMTP_ROUTER);
    use_curve(&router, RATE);
    echo_open(&router);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_bind(&router, endpoint);
    open_client(&witness, &world, endpoint);
    node_send(&witness, "are you there?");
    WORLD_UNTIL(&world, witness.received == 1);
    const size_t held = world.budget.bytes, descriptors = descriptors_open();
    for (size_t i = 0; i < CROWD; i++)
        crowd[i].fd = -1;
    const uint64_t begun = uv_hrtime();
    while (uv_hrtime() - begun < FLOOD_MS * UINT64_C(1000000)) {
        // Who was refused comes again at once.
        for (size_t i = 0; i < CROWD; i++) {
            uint8_t scratch[256];
            if (crowd[i].fd >= 0 && !crowd[i].refused)
                (void)stranger_read(&crowd[i], scratch, sizeof scratch);
            if (crowd[i].fd >= 0 && !crowd[i].refused) continue;
            if (crowd[i].fd >= 0) stranger_close(&crowd[i]);
            stranger_open(&crowd[i], &world, endpoint);
            (void)stranger_try(&crowd[i], nonsense());
        }
        node_send(&witness, "and now?");
        const size_t asked = witness.received;
        WORLD_UNTIL(&world, witness.received > asked);
        assert_true(world.budget.bytes <= held + CROWD * 8192 + 256 * 1024);
        assert_true(descriptors_open() <= descriptors + 2 * CROWD);
    }
    const uint64_t seconds = (uv_hrtime() - begun) / UINT64_C(1000000000) + 1;
    const unsigned heard = router.events[ZMTP_EVENT_ACCEPTED];
    assert_in_range(heard, RATE, RATE * (seconds + 1) + 1); // a second's worth at once
    assert_int_equal(router.events[ZMTP_EVENT_HANDSHAKE_DONE], 1);
    for (size_t i = 0; i < CROWD; i++)
        if (crowd[i].fd >= 0) stranger_close(&crowd[i]);
    open_client(&late, &world, endpoint);
    node_send(&late, "me too");
    WORLD_UNTIL(&world, late.received == 1);
    world_close(&world);
}

// Clients that come together.
struct crowd {
    struct world world;
    struct node router, *clients;
    char endpoint[ZMTP_ENDPOINT_MAX];
};

// All of them are in, and were answered.
static void crowd_come_in(struct crowd *crowd, size_t count, uint32_t rate,
                          enum zmtp_transport transport)
{
    crowd->clients = calloc(count, sizeof *crowd->clients);
    assert_non_null(crowd->clients);
    world_open(&crowd->world);
    node_init(&crowd->router, &crowd->world, ZMTP_ROUTER);
    use_curve(&crowd->router, rate);
    echo_open(&crowd->router);
    world_endpoint(&crowd->world, transport, crowd->endpoint);
    node_bind(&crowd->router, crowd->endpoint);
    for (size_t i = 0; i < count; i++) {
        open_client(&crowd->clients[i], &crowd->world, crowd->endpoint);
        node_send(&crowd->clients[i], "hello");
    }
    for (size_t i = 0; i < count; i++)
        WORLD_UNTIL(&crowd->world, crowd->clients[i].received == 1);
}

static void crowd_close(struct crowd *crowd)
{
    world_close(&crowd->world);
    free(crowd->clients);
}

// Fifty that come back together are in together, by default.
static void test_honest_clients_are_not_slowed_down(void **state)
{
    (void)state;
    enum { CROWD = 50 };
    struct crowd crowd;
    crowd_come_in(&crowd, CROWD, ZMTP_DEFAULT_HELLO_RATE_MAX, ZMTP_IPC);
    assert_int_equal(crowd.router.events[ZMTP_EVENT_ACCEPTED], CROWD);
    crowd_close(&crowd);
}

// Nor are those beyond the limit who do come in: it is for handshakes that come to no end. Else the last of these would be
// heard after more than a minute.
static void test_who_comes_in_does_not_count(void **state)
{
    (void)state;
    enum { RATE = 1, CROWD = 120 };
    struct crowd crowd;
    struct stranger stranger;
    crowd_come_in(&crowd, CROWD, RATE, ZMTP_TCP);
    assert_int_equal(crowd.router.events[ZMTP_EVENT_HANDSHAKE_DONE], CROWD);
    // One that does not leaves no room for the next second.
    stranger_open(&stranger, &crowd.world, crowd.endpoint);
    WORLD_UNTIL(&crowd.world, crowd.router.events[ZMTP_EVENT_ACCEPTED] == CROWD + 1);
    stranger_close(&stranger);
    crowd_close(&crowd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_flood_of_hellos_is_heard_at_a_pace),
        cmocka_unit_test(test_honest_clients_are_not_slowed_down),
        cmocka_unit_test(test_who_comes_in_does_not_count),
    };
    return cmocka_run_group_tests_name("hellos", tests, NULL, NULL);
}
