// Which addresses an endpoint means: both IP versions, interfaces, scopes, where a dial comes from, and
// virtual machines.
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "test/support/stranger.h"

static void assert_refused(struct node *node, const char *endpoint, int error, const char *words)
{
    assert_int_equal(zmtp_uv_bind(node->socket, endpoint), error);
    const char *text = zmtp_uv_error_text(node->socket);
    if (!strstr(text, words)) fail_msg("\"%s\" does not say \"%s\"", text, words);
}

static void open_public(struct node *node, struct world *world, enum zmtp_families families)
{
    node_init(node, world, ZMTP_DEALER);
    node->config.allow_public_null = true;
    node->config.transport.families = families;
    node_open(node);
}

// "tcp://HOST" and the port that |node| is bound to.
static const char *at_port_of(const struct node *node, const char *host)
{
    static char endpoint[ZMTP_ENDPOINT_MAX];
    snprintf(endpoint, sizeof endpoint, "tcp://%s%s", host,
             strrchr(zmtp_uv_endpoint(node->socket), ':'));
    return endpoint;
}

// Does somebody answer there?
static bool answers(struct world *world, const char *endpoint)
{
    struct node node;
    node_start(&node, world, ZMTP_DEALER);
    node_connect(&node, endpoint);
    WORLD_UNTIL(world, node.events[ZMTP_EVENT_HANDSHAKE_DONE] || node.events[ZMTP_EVENT_RETRY]);
    const bool done = node.events[ZMTP_EVENT_HANDSHAKE_DONE] > 0;
    node_close(&node);
    return done;
}

static void test_a_wildcard_takes_the_families_that_are_allowed(void **state)
{
    (void)state;
    static const struct {
        enum zmtp_families families;
        const char *wish, *told;
        bool four, six;
    } cases[] = {
        {ZMTP_FAMILIES_BOTH, "tcp://*:*", "tcp://0.0.0.0:", true, true},
        {ZMTP_FAMILIES_BOTH, "tcp://[::]:*", "tcp://[::]:", true, true},
        {ZMTP_FAMILIES_BOTH, "tcp://0.0.0.0:*", "tcp://0.0.0.0:", true, false},
        {ZMTP_FAMILIES_IPV4, "tcp://*:*", "tcp://0.0.0.0:", true, false},
        {ZMTP_FAMILIES_IPV6, "tcp://*:*", "tcp://[::]:", false, true},
        {ZMTP_FAMILIES_IPV6, "tcp://[::]:*", "tcp://[::]:", false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        struct node a;
        const bool has_six = world_has_ipv6();
        if (!has_six && !cases[i].four) continue;
        if (!has_six && strchr(cases[i].wish, '[')) continue;
        world_open(&world);
        open_public(&a, &world, cases[i].families);
        node_bind(&a, cases[i].wish);
        const char *told = zmtp_uv_endpoint(a.socket);
        assert_memory_equal(told, cases[i].told, strlen(cases[i].told));
        assert_int_equal(answers(&world, at_port_of(&a, "127.0.0.1")), cases[i].four);
        assert_int_equal(answers(&world, at_port_of(&a, "[::1]")), cases[i].six && has_six);
        assert_int_equal(zmtp_uv_unbind(a.socket, told), ZMTP_OK);
        world_close(&world);
    }
}

static void test_an_address_of_a_family_that_is_not_allowed_is_refused(void **state)
{
    (void)state;
    struct world world;
    struct node four, six;
    world_open(&world);
    open_public(&four, &world, ZMTP_FAMILIES_IPV4);
    open_public(&six, &world, ZMTP_FAMILIES_IPV6);
    assert_refused(&four, "tcp://[::1]:*", ZMTP_ERR_NOT_FOUND, "no address");
    assert_refused(&six, "tcp://127.0.0.1:*", ZMTP_ERR_NOT_FOUND, "no address");
    node_connect(&six, "tcp://127.0.0.1:9");
    WORLD_UNTIL(&world, six.events[ZMTP_EVENT_DIAL_FAILED]);
    assert_int_equal(six.errors[ZMTP_EVENT_DIAL_FAILED], ZMTP_ERR_NOT_FOUND);
    world_close(&world);
}

static void test_an_interface_is_bound_by_its_name(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    node_bind(&a, "tcp://lo:*");
    assert_memory_equal(zmtp_uv_endpoint(a.socket), "tcp://127.0.0.1:", 16);
    assert_true(answers(&world, zmtp_uv_endpoint(a.socket)));
    assert_int_equal(zmtp_uv_unbind(a.socket, "tcp://lo:*"), ZMTP_OK);
    assert_refused(&a, "tcp://no-such-if:*", ZMTP_ERR_NOT_FOUND, "no address of this name");
    world_close(&world);
}

static void test_an_interface_gives_an_address_of_the_family_that_is_allowed(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    if (!world_has_ipv6()) skip();
    world_open(&world);
    open_public(&a, &world, ZMTP_FAMILIES_IPV6);
    node_bind(&a, "tcp://lo:*");
    assert_memory_equal(zmtp_uv_endpoint(a.socket), "tcp://[::1]:", 12);
    assert_true(answers(&world, zmtp_uv_endpoint(a.socket)));
    world_close(&world);
}

// Finds an interface that is up, with an IPv4 or a link-local IPv6 address, and is not lo.
static bool find_interface(int family, char name[IF_NAMESIZE], char address[INET6_ADDRSTRLEN])
{
    struct ifaddrs *list;
    bool found = false;
    assert_int_equal(getifaddrs(&list), 0);
    for (const struct ifaddrs *entry = list; entry && !found; entry = entry->ifa_next) {
        const bool up = entry->ifa_flags & IFF_UP && !(entry->ifa_flags & IFF_LOOPBACK);
        if (!up || !entry->ifa_addr || entry->ifa_addr->sa_family != family) continue;
        struct sockaddr_in6 six;
        struct sockaddr_in four;
        memcpy(&six, entry->ifa_addr, family == AF_INET6 ? sizeof six : sizeof four);
        memcpy(&four, entry->ifa_addr, sizeof four);
        if (family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&six.sin6_addr)) continue;
        snprintf(name, IF_NAMESIZE, "%s", entry->ifa_name);
        found = inet_ntop(family,
                          family == AF_INET6 ? (const void *)&six.sin6_addr
                                             : (const void *)&four.sin_addr,
                          address, INET6_ADDRSTRLEN);
    }
    freeifaddrs(list);
    return found;
}

// ZMTP37-NULL-01
static void test_an_interface_of_the_network_is_bound_when_that_is_meant(void **state)
{
    (void)state;
    char name[IF_NAMESIZE], address[INET6_ADDRSTRLEN];
    char wish[ZMTP_ENDPOINT_MAX], told[ZMTP_ENDPOINT_MAX];
    if (!find_interface(AF_INET, name, address)) skip();
    struct world world;
    struct node a, b;
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    open_public(&b, &world, ZMTP_FAMILIES_BOTH);
    snprintf(wish, sizeof wish, "tcp://%s:*", name);
    assert_refused(&a, wish, ZMTP_ERR_ACCESS, "allow_public_null");
    node_bind(&b, wish);
    snprintf(told, sizeof told, "tcp://%s:", address);
    assert_memory_equal(zmtp_uv_endpoint(b.socket), told, strlen(told));
    assert_true(answers(&world, zmtp_uv_endpoint(b.socket)));
    world_close(&world);
}

static void test_a_link_local_address_is_bound_and_dialled_with_its_scope(void **state)
{
    (void)state;
    char name[IF_NAMESIZE], address[INET6_ADDRSTRLEN], wish[ZMTP_ENDPOINT_MAX];
    if (!find_interface(AF_INET6, name, address)) skip();
    struct world world;
    struct node a;
    world_open(&world);
    open_public(&a, &world, ZMTP_FAMILIES_BOTH);
    snprintf(wish, sizeof wish, "tcp://[%s%%%s]:*", address, name);
    node_bind(&a, wish);
    assert_non_null(strchr(zmtp_uv_endpoint(a.socket), '%'));
    assert_true(answers(&world, zmtp_uv_endpoint(a.socket)));
    // The scope as a number means the same.
    char host[128];
    snprintf(host, sizeof host, "[%s%%%u]", address, if_nametoindex(name));
    assert_true(answers(&world, at_port_of(&a, host)));
    world_close(&world);
}

// ZMTP37-NULL-01; ZMTP24-PLAIN-01
static void test_a_dial_beyond_this_machine_without_encryption_is_told(void **state)
{
    (void)state;
    char name[IF_NAMESIZE], address[INET6_ADDRSTRLEN];
    if (!find_interface(AF_INET, name, address)) skip();
    for (int meant = 0; meant <= 1; meant++) {
        struct world world;
        struct node a, b, c;
        world_open(&world);
        open_public(&a, &world, ZMTP_FAMILIES_BOTH);
        node_bind(&a, "tcp://*:*");
        node_init(&b, &world, ZMTP_DEALER);
        b.config.allow_public_null = meant;
        node_open(&b);
        node_start(&c, &world, ZMTP_DEALER);
        node_connect(&b, at_port_of(&a, address));
        node_connect(&c, at_port_of(&a, "127.0.0.1"));
        WORLD_UNTIL(&world, a.events[ZMTP_EVENT_HANDSHAKE_DONE] == 2);
        const char *told = b.reasons[ZMTP_EVENT_CONNECTED];
        assert_int_equal(strstr(told, "allow_public_null") != NULL, !meant);
        assert_string_equal(c.reasons[ZMTP_EVENT_CONNECTED], "");
        world_close(&world);
    }
}

static void note_remote(struct node *node, const struct zmtp_event *event)
{
    if (event->kind == ZMTP_EVENT_ACCEPTED)
        snprintf(node->other, ZMTP_ENDPOINT_MAX, "%s", event->remote);
}

static void test_a_dial_comes_from_where_its_endpoint_says(void **state)
{
    (void)state;
    static const struct {
        const char *wish, *source, *remote;
    } cases[] = {
        {"tcp://127.0.0.1:*", "127.0.0.9", "tcp://127.0.0.9:"},
        {"tcp://127.0.0.1:*", "127.0.0.9:*", "tcp://127.0.0.9:"},
        {"tcp://127.0.0.1:*", "lo", "tcp://127.0.0.1:"},
        {"tcp://127.0.0.1:*", "*:0", "tcp://127.0.0.1:"},
        {"tcp://[::1]:*", "[::1]", "tcp://[::1]:"},
        {"tcp://[::1]:*", "lo:0", "tcp://[::1]:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        struct node a, b;
        char remote[ZMTP_ENDPOINT_MAX] = "", endpoint[ZMTP_ENDPOINT_MAX];
        if (strchr(cases[i].wish, '[') && !world_has_ipv6()) continue;
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_start(&b, &world, ZMTP_DEALER);
        a.note = note_remote;
        a.other = remote;
        node_bind(&a, cases[i].wish);
        snprintf(endpoint, sizeof endpoint, "tcp://%s;%s", cases[i].source,
                 zmtp_uv_endpoint(a.socket) + strlen("tcp://"));
        node_connect(&b, endpoint);
        node_send(&b, "hello");
        WORLD_UNTIL(&world, a.received == 1);
        assert_memory_equal(remote, cases[i].remote, strlen(cases[i].remote));
        // It is known by the text that was given.
        assert_int_equal(zmtp_uv_disconnect(b.socket, zmtp_uv_endpoint(a.socket)),
                         ZMTP_ERR_NOT_FOUND);
        assert_int_equal(zmtp_uv_disconnect(b.socket, endpoint), ZMTP_OK);
        world_close(&world);
    }
}

static void test_a_dial_from_a_port_of_its_own_comes_back_with_it(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    char endpoint[ZMTP_ENDPOINT_MAX], from[ZMTP_ENDPOINT_MAX], remote[ZMTP_ENDPOINT_MAX] = "";
    char dial[3 * ZMTP_ENDPOINT_MAX];
    world_open(&world);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    world_endpoint(&world, ZMTP_TCP, from);
    snprintf(dial, sizeof dial, "%s;%s", from, endpoint + strlen("tcp://"));
    node_start(&b, &world, ZMTP_DEALER);
    node_connect(&b, dial);
    for (unsigned life = 1; life <= 2; life++) {
        node_start(&a, &world, ZMTP_DEALER);
        a.note = note_remote;
        a.other = remote;
        node_bind(&a, endpoint);
        node_send(&b, "hello");
        WORLD_UNTIL(&world, a.received == 1);
        assert_string_equal(remote, from);
        node_close(&a);
    }
    world_close(&world);
}

static void test_a_source_that_is_not_there_fails_the_dial_in_words(void **state)
{
    (void)state;
    static const char *const endpoints[] = {"tcp://no-such-if;127.0.0.1:9",
                                            "tcp://198.51.100.1;127.0.0.1:9",
                                            "tcp://[::1];127.0.0.1:9"};
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++) {
        struct world world;
        struct node a;
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_connect(&a, endpoints[i]);
        WORLD_UNTIL(&world, a.events[ZMTP_EVENT_RETRY]);
        assert_int_equal(a.errors[ZMTP_EVENT_DIAL_FAILED], ZMTP_ERR_NOT_FOUND);
        assert_non_null(strstr(a.reasons[ZMTP_EVENT_DIAL_FAILED], "source"));
        assert_refused(&a, endpoints[i], ZMTP_ERR_ENDPOINT, "only a dial");
        world_close(&world);
    }
}

static void test_a_vsock_is_bound_or_its_absence_told(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    const int result = zmtp_uv_bind(a.socket, "vsock://*:*");
    if (result == ZMTP_OK) {
        const char *told = zmtp_uv_endpoint(a.socket);
        const char *port = strrchr(told, ':');
        assert_memory_equal(told, "vsock://", 8);
        assert_true(port > told + 8 && strcmp(port, ":*") != 0 && strcmp(port, ":0") != 0);
        assert_int_equal(zmtp_uv_unbind(a.socket, told), ZMTP_OK);
    } else {
        assert_int_equal(result, ZMTP_ERR_TRANSPORT);
        assert_non_null(strstr(zmtp_uv_error_text(a.socket), "load its module"));
    }
    assert_int_equal(zmtp_uv_connect(a.socket, "vsock://*:1024"), ZMTP_ERR_ENDPOINT);
    assert_non_null(strstr(zmtp_uv_error_text(a.socket), "context id"));
    assert_int_equal(zmtp_uv_connect(a.socket, "vsock://1:*"), ZMTP_ERR_ENDPOINT);
    world_close(&world);
}

// Whatever this machine has, a dial that leads nowhere fails in words and does not hold up the close.
static void test_a_vsock_that_leads_nowhere_fails_the_dial(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    world_open(&world);
    node_init(&a, &world, ZMTP_DEALER);
    a.config.transport.connect_ms = 300;
    node_open(&a);
    node_connect(&a, "vsock://1:54321");
    WORLD_UNTIL(&world, a.events[ZMTP_EVENT_RETRY]);
    assert_string_not_equal(a.reasons[ZMTP_EVENT_DIAL_FAILED], "");
    world_close(&world);
}

static void test_messages_go_over_a_vsock_of_this_machine(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    // Needs the module vsock_loopback.
    if (zmtp_uv_bind(a.socket, "vsock://1:*") < 0) {
        print_message("# %s\n", zmtp_uv_error_text(a.socket));
        world_close(&world);
        skip();
    }
    node_start(&b, &world, ZMTP_DEALER);
    node_connect(&b, zmtp_uv_endpoint(a.socket));
    node_send(&b, "over a vsock");
    WORLD_UNTIL(&world, a.received == 1);
    assert_string_equal(a.last, "over a vsock");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wildcard_takes_the_families_that_are_allowed),
        cmocka_unit_test(test_an_address_of_a_family_that_is_not_allowed_is_refused),
        cmocka_unit_test(test_an_interface_is_bound_by_its_name),
        cmocka_unit_test(test_an_interface_gives_an_address_of_the_family_that_is_allowed),
        cmocka_unit_test(test_an_interface_of_the_network_is_bound_when_that_is_meant),
        cmocka_unit_test(test_a_link_local_address_is_bound_and_dialled_with_its_scope),
        cmocka_unit_test(test_a_dial_beyond_this_machine_without_encryption_is_told),
        cmocka_unit_test(test_a_dial_comes_from_where_its_endpoint_says),
        cmocka_unit_test(test_a_dial_from_a_port_of_its_own_comes_back_with_it),
        cmocka_unit_test(test_a_source_that_is_not_there_fails_the_dial_in_words),
        cmocka_unit_test(test_a_vsock_is_bound_or_its_absence_told),
        cmocka_unit_test(test_a_vsock_that_leads_nowhere_fails_the_dial),
        cmocka_unit_test(test_messages_go_over_a_vsock_of_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
