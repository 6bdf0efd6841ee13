// Strangers from addresses that are not on the list: they are turned away before a word is read, however
// the listener sees them, and nobody else notices.
#include <stdio.h>
#include <string.h>

#include "test/support/stranger.h"
#include "zmtp/io/gate.h"

static void server_open(struct node *server, struct world *world, const char *networks)
{
    node_init(server, world, ZMTP_ROUTER);
    server->config.tcp_allow = networks;
    server->config.allow_public_null = true;
    echo_open(server);
}

// "tcp://SOURCE;HOST" and the port that |server| is bound to, or ws.
static const char *dial_of(const struct node *server, const char *source, const char *host)
{
    static char endpoint[ZMTP_ENDPOINT_MAX];
    const char *const bound = zmtp_uv_endpoint(server->socket);
    snprintf(endpoint, sizeof endpoint, "%.*s://%s;%s%s", (int)strcspn(bound, ":"), bound, source,
             host, strrchr(bound, ':'));
    return endpoint;
}

// Dials, and is served, or turned away.
static bool served(struct world *world, struct node *server, const char *endpoint)
{
    struct node dealer;
    const unsigned before = server->events[ZMTP_EVENT_REFUSED];
    node_init(&dealer, world, ZMTP_DEALER);
    dealer.config.reconnect_stop = ZMTP_STOP_ALWAYS;
    node_open(&dealer);
    node_connect(&dealer, endpoint);
    node_send(&dealer, "anybody there?");
    WORLD_UNTIL(world, dealer.received == 1 || (server->events[ZMTP_EVENT_REFUSED] > before &&
                                                dealer.events[ZMTP_EVENT_HANDSHAKE_FAILED] == 1));
    const bool done = dealer.received == 1;
    node_close(&dealer);
    return done;
}

static void test_who_is_not_listed_is_turned_away_before_a_word_is_read(void **state)
{
    (void)state;
    enum { CROWD = 50 };
    struct world world;
    struct node server;
    world_open(&world);
    server_open(&server, &world, "192.0.2.0/24 127.0.0.2/31");
    node_bind(&server, "tcp://127.0.0.1:*");
    world_spin(&world, 2);
    const size_t held = world.budget.bytes, descriptors = descriptors_open();
    for (unsigned i = 1; i <= CROWD; i++) {
        struct stranger stranger;
        stranger_open(&stranger, &world, zmtp_uv_endpoint(server.socket)); // from 127.0.0.1
        WORLD_UNTIL(&world, server.events[ZMTP_EVENT_REFUSED] == i);
        stranger_until_refused(&stranger);
        stranger_close(&stranger);
        assert_true(world.budget.bytes <= held);
    }
    assert_int_equal(descriptors_open(), descriptors);
    assert_int_equal(server.errors[ZMTP_EVENT_REFUSED], ZMTP_ERR_DENIED);
    assert_string_equal(server.reasons[ZMTP_EVENT_REFUSED], "127.0.0.1 is not in tcp_allow");
    assert_int_equal(server.events[ZMTP_EVENT_ACCEPTED], 0);
    assert_true(served(&world, &server, dial_of(&server, "127.0.0.2", "127.0.0.1")));
    assert_true(served(&world, &server, dial_of(&server, "127.0.0.3", "127.0.0.1")));
    assert_false(served(&world, &server, dial_of(&server, "127.0.0.4", "127.0.0.1")));
    char page[8192];
    assert_true(zmtp_uv_stats_json(server.socket, page, sizeof page) < (int64_t)sizeof page);
    assert_non_null(strstr(page, "\"refused\":51,"));
    world_close(&world);
}

static void test_who_has_gone_before_it_is_accepted_is_judged_by_where_it_came_from(void **state)
{
    (void)state;
    static const char *const lists[] = {"0.0.0.0/0 ::/0", "192.0.2.0/24"};
    for (size_t i = 0; i < 2; i++) {
        const bool listed = i == 0;
        struct world world;
        struct node server;
        struct stranger stranger;
        world_open(&world);
        server_open(&server, &world, lists[i]);
        node_bind(&server, "tcp://127.0.0.1:*");
        stranger_open(&stranger, &world, zmtp_uv_endpoint(server.socket));
        stranger_reset(&stranger); // before the loop accepts it
        WORLD_UNTIL(&world,
                    server.events[ZMTP_EVENT_REFUSED] + server.events[ZMTP_EVENT_HANDSHAKE_FAILED]);
        assert_int_equal(server.events[ZMTP_EVENT_REFUSED], listed ? 0 : 1);
        if (listed)
            assert_true(served(&world, &server, dial_of(&server, "127.0.0.1", "127.0.0.1")));
        else
            assert_string_equal(server.reasons[ZMTP_EVENT_REFUSED],
                                "127.0.0.1 is not in tcp_allow");
        world_close(&world);
    }
}

static void test_an_address_is_the_same_however_the_listener_sees_it(void **state)
{
    (void)state;
    static const struct {
        const char *networks, *bind, *source, *host;
        bool admitted;
    } cases[] = {
        {"127.0.0.0/8", "tcp://127.0.0.1:*", "127.0.0.1", "127.0.0.1", true},
        {"::ffff:127.0.0.0/104", "tcp://127.0.0.1:*", "127.0.0.1", "127.0.0.1", true},
        {"::/0 10.0.0.0/8", "tcp://127.0.0.1:*", "127.0.0.1", "127.0.0.1", false},
        {"127.0.0.0/8", "tcp://[::]:*", "127.0.0.1", "127.0.0.1", true},
        {"0.0.0.0/0", "tcp://[::]:*", "127.0.0.1", "127.0.0.1", true},
        {"::/0", "tcp://[::]:*", "127.0.0.1", "127.0.0.1", false},
        {"::/0", "tcp://[::]:*", "[::1]", "[::1]", true},
        {"::1", "tcp://[::1]:*", "[::1]", "[::1]", true},
        {"[::1]/128", "tcp://[::1]:*", "[::1]", "[::1]", true},
        {"::2 127.0.0.1 0.0.0.0/0", "tcp://[::1]:*", "[::1]", "[::1]", false},
        {"", "tcp://127.0.0.1:*", "127.0.0.1", "127.0.0.1", false},
        {NULL, "tcp://127.0.0.1:*", "127.0.0.1", "127.0.0.1", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        struct node server;
        if (strchr(cases[i].bind, '[') && !world_has_ipv6()) continue;
        world_open(&world);
        server_open(&server, &world, cases[i].networks);
        node_bind(&server, cases[i].bind);
        const char *const endpoint = dial_of(&server, cases[i].source, cases[i].host);
        if (served(&world, &server, endpoint) != cases[i].admitted)
            fail_msg("%s at %s", cases[i].networks, endpoint);
        world_close(&world);
    }
}

static void test_the_list_is_for_tcp_and_ws_and_for_nothing_else(void **state)
{
    (void)state;
    struct world world;
    struct node server;
    char path[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    server_open(&server, &world, "127.0.0.2");
    world_endpoint(&world, ZMTP_IPC, path);
    node_bind(&server, path);
    assert_true(served(&world, &server, path));
    node_bind(&server, "inproc://gate");
    assert_true(served(&world, &server, "inproc://gate"));
    const int result = zmtp_uv_bind(server.socket, "ws://127.0.0.1:*");
    if (result != ZMTP_ERR_UNSUPPORTED) {
        assert_int_equal(result, ZMTP_OK);
        char endpoint[ZMTP_ENDPOINT_MAX + 32];
        const char *const bound = zmtp_uv_endpoint(server.socket) + strlen("ws://");
        snprintf(endpoint, sizeof endpoint, "ws://127.0.0.1;%s", bound);
        assert_false(served(&world, &server, endpoint));
        snprintf(endpoint, sizeof endpoint, "ws://127.0.0.2;%s", bound);
        assert_true(served(&world, &server, endpoint));
    }
    world_close(&world);
}

static void test_a_list_is_read_or_leaves_nothing_behind(void **state)
{
    (void)state;
    struct zmtp_budget budget;
    struct zmtp__gate *gate;
    struct zmtp__address address;
    zmtp_budget_init(&budget, NULL);
    budget.fail_at = 1;
    assert_int_equal(zmtp__gate_open(&gate, "::1", &budget.allocator), ZMTP_ERR_MEMORY);
    assert_null(gate);
    assert_int_equal(zmtp__gate_open(&gate, NULL, &budget.allocator), ZMTP_OK);
    assert_null(gate);
    zmtp__address_any(AF_INET, 5, &address);
    assert_true(zmtp__gate_admits(gate, &address));
    assert_int_equal(zmtp__gate_open(&gate, "  ::1  0.0.0.0 ", &budget.allocator), ZMTP_OK);
    assert_true(zmtp__gate_admits(gate, &address));
    zmtp__address_any(AF_INET6, 5, &address);
    assert_false(zmtp__gate_admits(gate, &address));
    address.at.ss_family = AF_UNIX;
    assert_false(zmtp__gate_admits(gate, &address));
    zmtp__gate_close(gate);
    zmtp__gate_close(NULL);
    assert_int_equal(budget.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_not_listed_is_turned_away_before_a_word_is_read),
        cmocka_unit_test(test_who_has_gone_before_it_is_accepted_is_judged_by_where_it_came_from),
        cmocka_unit_test(test_an_address_is_the_same_however_the_listener_sees_it),
        cmocka_unit_test(test_the_list_is_for_tcp_and_ws_and_for_nothing_else),
        cmocka_unit_test(test_a_list_is_read_or_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
