// Strangers who send datagrams: whatever they hold and however many they are, nothing grows, and an
// honest one is heard between them.
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/random.h"
#include "test/support/stranger.h"

enum { ROUNDS = 200, BURST = 50, SLACK = 256 * 1024 };

struct flood {
    int fd;
    struct sockaddr_in to;
    struct random random;
    uint64_t sent;
};

static void flood_open(struct flood *flood, const char *endpoint)
{
    char own[ZMTP_ENDPOINT_MAX];
    struct zmtp_endpoint parsed;
    assert_int_equal(zmtp_endpoint_parse(endpoint, &parsed, NULL), ZMTP_OK);
    *flood = (struct flood){.fd = world_datagrams(own),
                            .random = random_of(7),
                            .to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)parsed.port),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}}};
}

static void flood_send(struct flood *flood, const void *octets, size_t size)
{
    const struct sockaddr *const to = (const struct sockaddr *)&flood->to;
    if (sendto(flood->fd, octets, size, 0, to, sizeof flood->to) == (ssize_t)size) flood->sent++;
}

// Random octets of random sizes, some beyond every limit.
static void flood_burst(struct flood *flood)
{
    static uint8_t octets[20000];
    for (int i = 0; i < BURST; i++) {
        const size_t size = random_below(&flood->random, i % 10 == 0 ? sizeof octets : 64);
        for (size_t k = 0; k < size && k < 64; k++)
            octets[k] = (uint8_t)random_below(&flood->random, 256);
        flood_send(flood, octets, size);
    }
}

static uint64_t all_dropped(const struct node *node)
{
    const struct zmtp_socket_counters counters = zmtp_uv_counters(node->socket);
    uint64_t sum = 0;
    for (int i = 0; i < ZMTP_DROPS; i++)
        sum += counters.dropped[i];
    return sum;
}

static void test_a_flood_of_rubbish_is_dropped_and_the_honest_one_is_heard(void **state)
{
    (void)state;
    struct world world;
    struct node dish;
    struct flood flood;
    world_open(&world);
    node_start(&dish, &world, ZMTP_DISH);
    assert_int_equal(zmtp_uv_subscribe(dish.socket, LITERAL("\xC3\xA9mission")), ZMTP_OK);
    node_bind(&dish, "udp://127.0.0.1:*");
    flood_open(&flood, zmtp_uv_endpoint(dish.socket));
    world_spin(&world, 2);
    const size_t before = world.budget.bytes;
    for (int i = 0; i < ROUNDS; i++) {
        flood_burst(&flood);
        world_spin(&world, 4);
        assert_in_range(world.budget.bytes, 0, before + SLACK);
    }
    flood_send(&flood, "\x09\xC3\xA9missionhello", 15);
    while (dish.received == 0)
        world_turn(&world);
    // The kernel may have lost some, but what came is accounted for.
    const struct zmtp_socket_counters counters = zmtp_uv_counters(dish.socket);
    assert_in_range(counters.received + all_dropped(&dish), flood.sent / 2, flood.sent);
    assert_true(counters.dropped[ZMTP_DROP_MALFORMED] > 0);
    assert_true(counters.dropped[ZMTP_DROP_NO_MATCH] > 0);
    close(flood.fd);
    node_close(&dish);
    world_close(&world);
}

static void test_a_flood_that_nobody_reads_fills_the_queue_and_no_more(void **state)
{
    (void)state;
    enum { BYTES_MAX = 100 * 1000 };
    static uint8_t octets[1000];
    struct world world;
    struct node dgram;
    struct flood flood;
    struct zmtp_msg msg;
    world_open(&world);
    node_init(&dgram, &world, ZMTP_DGRAM);
    dgram.config.socket.recv_bytes_max = BYTES_MAX;
    node_open_pull(&dgram);
    node_bind(&dgram, "udp://127.0.0.1:*");
    flood_open(&flood, zmtp_uv_endpoint(dgram.socket));
    for (int i = 0; i < ROUNDS; i++) {
        for (int k = 0; k < BURST; k++)
            flood_send(&flood, octets, sizeof octets);
        world_spin(&world, 2);
    }
    assert_in_range(world.budget.bytes, BYTES_MAX, BYTES_MAX + SLACK);
    // Once there is room again, the next one is heard.
    uint64_t received = 0;
    zmtp_msg_init(&msg, NULL);
    while (zmtp_uv_recv(dgram.socket, &msg) == ZMTP_OK) {
        received++;
        zmtp_msg_fini(&msg);
    }
    assert_in_range(received, BYTES_MAX / 1100, BYTES_MAX / 1000 + 1);
    assert_in_range(received + all_dropped(&dgram), flood.sent / 2, flood.sent);
    flood_send(&flood, "honest", 6);
    while (zmtp_uv_recv(dgram.socket, &msg) < 0)
        world_turn(&world);
    octets_assert_equal(zmtp_msg_bytes(&msg, 1), LITERAL("honest"));
    zmtp_msg_fini(&msg);
    close(flood.fd);
    node_close(&dgram);
    world_close(&world);
}

static void test_a_flood_does_not_keep_a_connection_beside_it_from_being_served(void **state)
{
    (void)state;
    struct world world;
    struct node dgram, router;
    struct witness witness;
    struct flood flood;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_init(&router, &world, ZMTP_ROUTER);
    echo_open(&router);
    node_bind(&router, endpoint);
    witness_open(&witness, &world, endpoint);
    node_start(&dgram, &world, ZMTP_DGRAM);
    node_bind(&dgram, "udp://127.0.0.1:*");
    flood_open(&flood, zmtp_uv_endpoint(dgram.socket));
    for (int i = 0; i < ROUNDS; i++) {
        flood_burst(&flood);
        witness_check(&witness);
    }
    assert_true(dgram.received > 0);
    close(flood.fd);
    node_close(&dgram);
    node_close(&witness.node);
    node_close(&router);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_flood_of_rubbish_is_dropped_and_the_honest_one_is_heard),
        cmocka_unit_test(test_a_flood_that_nobody_reads_fills_the_queue_and_no_more),
        cmocka_unit_test(test_a_flood_does_not_keep_a_connection_beside_it_from_being_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
