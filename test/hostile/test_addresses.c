// Strangers of one address who fail again and again, or only hold connections open: with a limit for each
// address they are turned away before a word is read, and those of other addresses are served on.
#include <netinet/in.h>
#include <string.h>

#include "test/support/stranger.h"
#include "zmtp/io/suspects.h"

enum { FAILURES = 3, PENDING = 2 };

// 127.0.0.1 is the strangers', 127.0.0.2 the honest peer's.
static void honest_is_served(struct world *world, const char *endpoint, const char *source)
{
    struct node push;
    char from[ZMTP_ENDPOINT_MAX + 32];
    snprintf(from, sizeof from, "tcp://%s;%s", source, endpoint + strlen("tcp://"));
    node_start(&push, world, ZMTP_DEALER);
    node_connect(&push, from);
    node_send(&push, "still there?");
    WORLD_UNTIL(world, push.received == 1);
    node_close(&push);
}

static void server_open(struct node *server, struct world *world)
{
    node_init(server, world, ZMTP_ROUTER);
    server->config.address_failures_max = FAILURES;
    server->config.address_pending_max = PENDING;
    echo_open(server);
    node_bind(server, "tcp://127.0.0.1:*");
}

// ZMTP37-SEC-02
static void test_an_address_that_fails_again_and_again_is_heard_no_more(void **state)
{
    (void)state;
    struct world world;
    struct node server;
    world_open(&world);
    server_open(&server, &world);
    const char *const endpoint = zmtp_uv_endpoint(server.socket);
    for (unsigned i = 1; i <= FAILURES; i++) {
        struct stranger stranger;
        stranger_open(&stranger, &world, endpoint);
        (void)stranger_try(&stranger, LITERAL("GET / HTTP/1.1\r\n\r\n"));
        WORLD_UNTIL(&world, server.events[ZMTP_EVENT_HANDSHAKE_FAILED] == i);
        stranger_close(&stranger);
    }
    const size_t held = world.budget.bytes;
    for (unsigned i = 1; i <= 50; i++) {
        struct stranger stranger;
        stranger_open(&stranger, &world, endpoint);
        WORLD_UNTIL(&world, server.events[ZMTP_EVENT_REFUSED] == i);
        stranger_close(&stranger);
        assert_true(world.budget.bytes <= held);
    }
    assert_int_equal(server.errors[ZMTP_EVENT_REFUSED], ZMTP_ERR_LIMIT);
    assert_non_null(strstr(server.reasons[ZMTP_EVENT_REFUSED], "address_failures_max"));
    assert_int_equal(server.events[ZMTP_EVENT_ACCEPTED], FAILURES);
    honest_is_served(&world, endpoint, "127.0.0.2");
    char page[8192];
    assert_true(zmtp_uv_stats_json(server.socket, page, sizeof page) < (int64_t)sizeof page);
    assert_non_null(strstr(page, "\"refused\":50,"));
    assert_true(zmtp_uv_stats_prometheus(world.uv, page, sizeof page) > 0);
    world_close(&world);
}

// ZMTP37-SEC-04
static void test_an_address_has_but_so_many_handshakes_at_a_time(void **state)
{
    (void)state;
    struct world world;
    struct node server;
    struct stranger silent[PENDING], more;
    world_open(&world);
    server_open(&server, &world);
    const char *const endpoint = zmtp_uv_endpoint(server.socket);
    for (size_t i = 0; i < PENDING; i++)
        stranger_open(&silent[i], &world, endpoint);
    WORLD_UNTIL(&world, server.events[ZMTP_EVENT_ACCEPTED] == PENDING);
    stranger_open(&more, &world, endpoint);
    WORLD_UNTIL(&world, server.events[ZMTP_EVENT_REFUSED] == 1);
    assert_non_null(strstr(server.reasons[ZMTP_EVENT_REFUSED], "address_pending_max"));
    honest_is_served(&world, endpoint, "127.0.0.2");
    // One of them gives up, which is a failure less than what is allowed: there is room for another.
    stranger_close(&silent[0]);
    WORLD_UNTIL(&world, server.events[ZMTP_EVENT_HANDSHAKE_FAILED] == 1);
    honest_is_served(&world, endpoint, "127.0.0.1");
    stranger_close(&silent[1]);
    stranger_close(&more);
    world_close(&world);
}

static void test_those_who_finish_their_handshakes_are_not_counted(void **state)
{
    (void)state;
    struct world world;
    struct node server;
    world_open(&world);
    server_open(&server, &world);
    for (size_t i = 0; i < 4 * FAILURES; i++)
        honest_is_served(&world, zmtp_uv_endpoint(server.socket), "127.0.0.1");
    assert_int_equal(server.events[ZMTP_EVENT_REFUSED], 0);
    world_close(&world);
}

static struct zmtp__source source_of(const char *text)
{
    struct zmtp__address address = {.size = sizeof(struct sockaddr_in6)};
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    if (strchr(text, ':')) {
        assert_int_equal(uv_ip6_addr(text, 5, &six), 0);
        memcpy(&address.at, &six, sizeof six);
    } else {
        assert_int_equal(uv_ip4_addr(text, 5, &four), 0);
        memcpy(&address.at, &four, sizeof four);
    }
    return zmtp__source_of(&address);
}

static void test_sources_are_addresses_of_ipv4_and_networks_of_ipv6(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true},
        {"2001:db8:0:1::1", "2001:db8:0:2::1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct zmtp__source a = source_of(cases[i].a), b = source_of(cases[i].b);
        assert_int_equal(zmtp__source_equal(&a, &b), cases[i].same);
    }
    const struct zmtp__source nobody = {.known = false};
    assert_false(zmtp__source_equal(&nobody, &nobody));
}

static void test_suspects_are_forgotten_after_a_minute_and_take_no_more_memory(void **state)
{
    (void)state;
    struct zmtp_budget budget;
    struct zmtp__suspects *suspects;
    zmtp_budget_init(&budget, NULL);
    assert_int_equal(zmtp__suspects_open(&suspects, 0, &budget.allocator), ZMTP_OK);
    assert_null(suspects);
    assert_int_equal(zmtp__suspects_open(&suspects, 2, &budget.allocator), ZMTP_OK);
    const size_t held = budget.bytes;
    const struct zmtp__source one = source_of("192.0.2.1"), two = source_of("192.0.2.2");
    zmtp__suspects_note(suspects, &one, 1000);
    assert_false(zmtp__suspects_has(suspects, &one, 1000));
    zmtp__suspects_note(suspects, &one, 30000);
    assert_true(zmtp__suspects_has(suspects, &one, 60999));
    assert_false(zmtp__suspects_has(suspects, &two, 60999));
    assert_false(zmtp__suspects_has(suspects, &one, 61000)); // a minute after the first
    zmtp__suspects_note(suspects, &one, 61000);              // which begins another
    assert_false(zmtp__suspects_has(suspects, &one, 61000));
    for (uint32_t i = 0; i < 10000; i++) {
        struct zmtp__source many = {.known = true};
        memcpy(many.octets, &i, sizeof i);
        zmtp__suspects_note(suspects, &many, 70000 + i);
    }
    assert_int_equal(budget.bytes, held);
    zmtp__suspects_note(suspects, &one, 90000);
    zmtp__suspects_note(suspects, &one, 90000);
    assert_true(zmtp__suspects_has(suspects, &one, 90000)); // there was a place for it
    zmtp__suspects_close(suspects);
    zmtp__suspects_close(NULL);
    assert_int_equal(budget.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_that_fails_again_and_again_is_heard_no_more),
        cmocka_unit_test(test_an_address_has_but_so_many_handshakes_at_a_time),
        cmocka_unit_test(test_those_who_finish_their_handshakes_are_not_counted),
        cmocka_unit_test(test_sources_are_addresses_of_ipv4_and_networks_of_ipv6),
        cmocka_unit_test(test_suspects_are_forgotten_after_a_minute_and_take_no_more_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
