// Peers of ZMTP 1.0 and 2.0 on real connections: played by plain sockets that send their octets.
#include "test/support/rig.h"
#include "test/support/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIGNATURE "\xFF\0\0\0\0\0\0\0\1\x7F"

static void send_back(struct node *node, struct zmtp_msg *msg)
{
    assert_int_equal(zmtp_uv_send_msg(node->socket, msg), ZMTP_OK);
}

static void start_old(struct node *node, struct world *world, enum zmtp_socket_type type)
{
    node_init(node, world, type);
    node->config.old_versions = true;
    node_open(node);
}

static void say(int fd, struct zmtp_bytes octets)
{
    assert_int_equal(send(fd, octets.data, octets.size, MSG_NOSIGNAL), octets.size);
}

// Runs the loop until these octets have come.
static void hear(struct world *world, int fd, struct zmtp_bytes octets)
{
    uint8_t in[512];
    size_t size = 0;
    assert_true(octets.size <= sizeof in);
    while (size < octets.size) {
        ssize_t got = -1;
        WORLD_UNTIL(world, (got = recv(fd, in + size, octets.size - size, MSG_DONTWAIT)) >= 0);
        assert_true(got > 0);
        size += (size_t)got;
    }
    octets_assert_equal(zmtp_bytes_of(in, size), octets);
}

// ZMTP37-BACK-02, BACK-05: who waits for us at each stage is not waited for in turn.
static void test_a_2_0_client_that_waits_is_served(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct node rep;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        start_old(&rep, &world, ZMTP_REP);
        rep.act = send_back;
        world_endpoint(&world, i ? ZMTP_IPC : ZMTP_TCP, endpoint);
        node_bind(&rep, endpoint);
        const int fd = world_dial(endpoint);
        hear(&world, fd, LITERAL(SIGNATURE));
        say(fd, LITERAL(SIGNATURE));
        hear(&world, fd, LITERAL("\3"));
        say(fd, LITERAL("\1\3"));
        say(fd, LITERAL("\0\0"));
        hear(&world, fd, LITERAL("\4\0\0"));
        say(fd, LITERAL("\1\0\0\2hi"));
        hear(&world, fd, LITERAL("\1\0\0\2hi"));
        assert_int_equal(rep.events[ZMTP_EVENT_HANDSHAKE_DONE], 1);
        close(fd);
        WORLD_UNTIL(&world, rep.events[ZMTP_EVENT_CLOSED] == 1);
        world_close(&world);
    }
}

// ZMTP37-BACK-03, ZMTP13-CONT-02: a request and its reply, with their envelopes.
static void test_a_1_0_client_is_served(void **state)
{
    (void)state;
    struct world world;
    struct node rep;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    start_old(&rep, &world, ZMTP_REP);
    rep.act = send_back;
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_bind(&rep, endpoint);
    const int fd = world_dial(endpoint);
    say(fd, LITERAL("\1\0"));
    hear(&world, fd, LITERAL(SIGNATURE));
    say(fd,
        LITERAL("\2\1A\1\1\3\0hi")); // an address that a device put there, the delimiter, the body
    hear(&world, fd, LITERAL("\2\1A\1\1\3\0hi"));
    close(fd);
    world_close(&world);
}

// ZMTP13-CONT-01, LZ-06
static void test_a_1_0_subscriber_gets_all_that_is_published(void **state)
{
    (void)state;
    struct world world;
    struct node pub;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    start_old(&pub, &world, ZMTP_PUB);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_bind(&pub, endpoint);
    const int fd = world_dial(endpoint);
    say(fd, LITERAL("\4\0sub"));
    WORLD_UNTIL(&world, zmtp_uv_subscribers(pub.socket) == 1);
    node_send(&pub, "any|thing");
    hear(&world, fd, LITERAL(SIGNATURE "\4\1any\6\0thing"));
    close(fd);
    WORLD_UNTIL(&world, zmtp_uv_subscribers(pub.socket) == 0);
    world_close(&world);
}

// ZMTP37-VER-09: what is not asked for is not done.
static void test_without_the_option_old_peers_are_refused(void **state)
{
    (void)state;
    static const struct zmtp_bytes greetings[] = {{(const uint8_t *)"\1\0", 2},
                                                  {(const uint8_t *)SIGNATURE "\1\3\0\0", 14}};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct node rep;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        node_start(&rep, &world, ZMTP_REP);
        world_endpoint(&world, ZMTP_TCP, endpoint);
        node_bind(&rep, endpoint);
        const int fd = world_dial(endpoint);
        say(fd, greetings[i]);
        WORLD_UNTIL(&world, rep.events[ZMTP_EVENT_HANDSHAKE_FAILED] == 1);
        assert_int_equal(rep.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_VERSION);
        close(fd);
        world_close(&world);
    }
}

// Those with the option and those without it talk 3.1 with each other.
static void test_new_peers_do_not_notice_the_option(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct world world;
        struct node req, rep;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        node_init(&rep, &world, ZMTP_REP);
        rep.config.old_versions = i & 1;
        node_open(&rep);
        rep.act = send_back;
        node_init(&req, &world, ZMTP_REQ);
        req.config.old_versions = i & 2;
        node_open(&req);
        world_endpoint(&world, ZMTP_TCP, endpoint);
        node_bind(&rep, endpoint);
        node_connect(&req, endpoint);
        node_send(&req, "hello");
        WORLD_UNTIL(&world, req.received == 1);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_2_0_client_that_waits_is_served),
        cmocka_unit_test(test_a_1_0_client_is_served),
        cmocka_unit_test(test_a_1_0_subscriber_gets_all_that_is_published),
        cmocka_unit_test(test_without_the_option_old_peers_are_refused),
        cmocka_unit_test(test_new_peers_do_not_notice_the_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
