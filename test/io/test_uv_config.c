// What a socket's config may be, the words for what it may not be, and what its transport part has the
// system do.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/stranger.h"

static void refuse(const struct zmtp_uv_config *config, int error, const char *words)
{
    const char *why = NULL;
    assert_int_equal(zmtp_uv_config_check(config, &why), error);
    assert_int_equal(zmtp_uv_config_check(config, NULL), error);
    assert_non_null(why);
    if (!strstr(why, words)) fail_msg("\"%s\" does not say \"%s\"", why, words);
    struct world world;
    struct zmtp_uv_socket *socket;
    world_open(&world);
    assert_int_equal(zmtp_uv_socket_open(&socket, world.uv, config), error);
    assert_null(socket);
    assert_string_equal(zmtp_uv_open_error_text(world.uv), why);
    world_close(&world);
}

static struct zmtp_uv_config fresh(enum zmtp_socket_type type)
{
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, type);
    return config;
}

// Refuses |value| of |field|, and takes |good| of it; for any type, or for one that has the option.
#define REFUSE(field, value, good, words) REFUSE_OF(ZMTP_DEALER, field, value, good, words)
#define REFUSE_OF(type, field, value, good, words)                                                 \
    do {                                                                                           \
        struct zmtp_uv_config config = fresh(type);                                                \
        config.field = (value);                                                                    \
        refuse(&config, ZMTP_ERR_ARGUMENT, words);                                                 \
        config.field = (good);                                                                     \
        const char *why = "untouched";                                                             \
        assert_int_equal(zmtp_uv_config_check(&config, &why), ZMTP_OK);                            \
        assert_string_equal(why, "untouched");                                                     \
    } while (0)

static void test_every_type_has_a_good_config(void **state)
{
    (void)state;
    for (enum zmtp_socket_type type = 0; type < ZMTP_SOCKET_TYPES; type++) {
        const struct zmtp_uv_config config = fresh(type);
        assert_int_equal(zmtp_uv_config_check(&config, NULL), ZMTP_OK);
    }
    assert_int_equal(zmtp_uv_config_check(NULL, NULL), ZMTP_ERR_ARGUMENT);
}

static void test_a_bad_option_of_the_pattern_is_named(void **state)
{
    (void)state;
    REFUSE(socket.type, ZMTP_SOCKET_TYPES, ZMTP_ROUTER, "socket.type");
    REFUSE(socket.routing_id, zmtp_bytes_of("\0id", 3), zmtp_bytes_text("id"), "socket.routing_id");
    REFUSE(socket.routing_id, ((struct zmtp_bytes){NULL, 3}), (struct zmtp_bytes){0},
           "socket.routing_id");
    REFUSE_OF(ZMTP_XPUB, socket.xpub_welcome, ((struct zmtp_bytes){NULL, 3}),
              (struct zmtp_bytes){0}, "socket.xpub_welcome");
    REFUSE_OF(ZMTP_XPUB, socket.xpub_mode, ZMTP_XPUB_LAST_VALUE + 1, ZMTP_XPUB_LAST_VALUE,
              "socket.xpub_mode");
    REFUSE_OF(ZMTP_DISH, socket.datagram_max, 65508, 65507, "socket.datagram_max");
    REFUSE_OF(ZMTP_REQ, socket.req_in_flight_max, 0, 1, "socket.req_in_flight_max");
    REFUSE_OF(ZMTP_REQ, socket.req_in_flight_max, 65537, 65536, "socket.req_in_flight_max");
    struct zmtp_uv_config config = fresh(ZMTP_REQ);
    config.socket.req_correlate = false;
    config.socket.req_retries = 1;
    refuse(&config, ZMTP_ERR_ARGUMENT, "socket.req_correlate");
    config = fresh(ZMTP_ROUTER);
    config.socket.conflate = true;
    refuse(&config, ZMTP_ERR_ARGUMENT, "socket.conflate");
}

static void test_an_option_of_another_type_is_named(void **state)
{
    (void)state;
    struct zmtp_uv_config config = fresh(ZMTP_DEALER);
    config.socket.router_handover = true;
    refuse(&config, ZMTP_ERR_ARGUMENT, "socket.router_handover is for ROUTER");
    config = fresh(ZMTP_PUSH);
    config.socket.req_timeout_ms = 5;
    refuse(&config, ZMTP_ERR_ARGUMENT, "socket.req_timeout_ms is for REQ");
}

static void test_a_bad_limit_is_named(void **state)
{
    (void)state;
    REFUSE(limits.handshake_frame_max, 1023, 1024, "limits.handshake_frame_max");
    REFUSE(limits.command_max, 63, 64, "limits.command_max");
    REFUSE(limits.metadata_max, 511, 512, "limits.metadata_max");
    REFUSE(limits.heartbeat_ttl_ms, 6553501, 6553500, "limits.heartbeat_ttl_ms");
    REFUSE(reconnect_max_ms, 99, 0, "reconnect_max_ms");
    REFUSE(reconnect_stop, 16, ZMTP_STOP_ALWAYS, "reconnect_stop");
    REFUSE(hello_rate_max, 1000001, 1000000, "hello_rate_max");
    REFUSE(backlog, 0, 1, "backlog");
    REFUSE(backlog, (uint32_t)INT32_MAX + 1, INT32_MAX, "backlog");
}

static void test_a_bad_option_of_the_transport_is_named(void **state)
{
    (void)state;
    REFUSE(transport.families, ZMTP_FAMILIES_IPV6 + 1, ZMTP_FAMILIES_IPV6, "transport.families");
    REFUSE(transport.keepalive_idle_s, 32768, 32767, "transport.keepalive_idle_s");
    REFUSE(transport.keepalive_interval_s, 32768, 32767, "transport.keepalive_interval_s");
    REFUSE(transport.keepalive_count, 128, 127, "transport.keepalive_count");
    REFUSE(transport.unacknowledged_ms, (uint32_t)INT32_MAX + 1, INT32_MAX,
           "transport.unacknowledged_ms");
    REFUSE(transport.send_buffer, UINT32_MAX, INT32_MAX / 2, "transport.send_buffer");
    REFUSE(transport.recv_buffer, UINT32_MAX, INT32_MAX / 2, "transport.recv_buffer");
    REFUSE(transport.type_of_service, 256, 255, "transport.type_of_service");
    REFUSE(transport.priority, 1u << 31, INT32_MAX, "transport.priority");
    REFUSE(transport.busy_poll_us, 1u << 31, INT32_MAX, "transport.busy_poll_us");
    struct zmtp_uv_config config = fresh(ZMTP_DEALER);
    memset(config.transport.device, 'x', sizeof config.transport.device);
    refuse(&config, ZMTP_ERR_ARGUMENT, "transport.device");
}

static void never_asked(struct zmtp_uv_socket *socket, const struct zmtp_uv_guest *guest,
                        void *user)
{
    (void)socket;
    (void)guest;
    (void)user;
}

static void test_security_that_is_not_complete_is_named(void **state)
{
    (void)state;
    struct zmtp_key_pair keys;
    zmtp_key_generate(&keys, zmtp_sodium());
    REFUSE(security.mechanism, ZMTP_CURVE + 1, ZMTP_PLAIN, "mechanism");
    struct zmtp_uv_config config = fresh(ZMTP_DEALER);
    zmtp_uv_config_plain_server(&config);
    refuse(&config, ZMTP_ERR_ARGUMENT, "on_authorise");
    config.on_authorise = never_asked;
    assert_int_equal(zmtp_uv_config_check(&config, NULL), ZMTP_OK);
    config.allow.kind = ZMTP_ALLOW_ANY;
    refuse(&config, ZMTP_ERR_ARGUMENT, "PLAIN");
    zmtp_uv_config_curve_server(&config, &keys, (struct zmtp_allow){.kind = ZMTP_ALLOW_KEYS});
    assert_int_equal(zmtp_uv_config_check(&config, NULL), ZMTP_OK);
    config.allow.count = 1;
    refuse(&config, ZMTP_ERR_ARGUMENT, "allow.keys");
    config.allow.kind = ZMTP_ALLOW_FILE;
    refuse(&config, ZMTP_ERR_ARGUMENT, "allow.path");
    config.allow.kind = ZMTP_ALLOW_ZAP + 1;
    refuse(&config, ZMTP_ERR_ARGUMENT, "allow.kind");
}

static void test_keys_that_are_missing_are_named(void **state)
{
    (void)state;
    struct zmtp_key_pair keys;
    zmtp_key_generate(&keys, zmtp_sodium());
    const struct zmtp_allow any = {.kind = ZMTP_ALLOW_ANY};
    struct zmtp_uv_config config = fresh(ZMTP_DEALER);
    zmtp_uv_config_curve_server(&config, NULL, any);
    refuse(&config, ZMTP_ERR_ARGUMENT, "zmtp_key_generate");
    zmtp_uv_config_curve_client(&config, &keys, NULL);
    refuse(&config, ZMTP_ERR_ARGUMENT, "public key of its server");
    memset(&keys.secret_key, 0, sizeof keys.secret_key); // as a public certificate is loaded
    zmtp_uv_config_curve_server(&config, &keys, any);
    refuse(&config, ZMTP_ERR_ARGUMENT, "_secret");
    // A client without a name and a password has empty ones.
    zmtp_uv_config_plain_client(&config, NULL, NULL);
    config.allow = (struct zmtp_allow){.kind = ZMTP_ALLOW_ASK};
    assert_int_equal(zmtp_uv_config_check(&config, NULL), ZMTP_OK);
}

static void test_whom_to_let_in_needs_a_server_that_judges(void **state)
{
    (void)state;
    const struct zmtp_key friend = {{1}};
    struct zmtp_uv_config config = fresh(ZMTP_REP);
    config.allow = (struct zmtp_allow){.kind = ZMTP_ALLOW_KEYS, .keys = &friend, .count = 1};
    refuse(&config, ZMTP_ERR_ARGUMENT, "security.server");
    config = fresh(ZMTP_REP);
    config.on_authorise = never_asked;
    refuse(&config, ZMTP_ERR_ARGUMENT, "security.server");
    config.security.server = true;
    assert_int_equal(zmtp_uv_config_check(&config, NULL), ZMTP_OK);
    zmtp_uv_config_plain_client(&config, "a", "b"); // the callback is then for other sockets
    assert_int_equal(zmtp_uv_config_check(&config, NULL), ZMTP_OK);
}

static void test_an_origin_that_no_browser_tells_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"*",
                                      "example.org",
                                      "https://",
                                      "://x",
                                      "https://e.org/",
                                      "https://E.org",
                                      "HTTPS://e.org",
                                      "https://*.e.org",
                                      "nul",
                                      "https://e.org,https://f.org/",
                                      "https://e.org\thttp://f.org"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        REFUSE(ws_origins, bad[i], "https://e.org  http://localhost:80 null ", "ws_origins");
    REFUSE(ws_origins, "https://e.org http://", "", "ws_origins");
}

static void test_a_network_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "localhost", "*",          "10.0.0.0/33",    "10.0.0.0/",   "10/8",
        "::1/129",   "fe80::1%lo", "127.0.0.1:5555", "10.0.0.0/08", "10.0.0.1,10.0.0.2",
        "::1\t::2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        REFUSE(tcp_allow, bad[i], " 127.0.0.1  10.0.0.0/8 [::1] fd00::/8 0.0.0.0/0 ", "tcp_allow");
    REFUSE(tcp_allow, "::1 10.0.0.0/99", "", "up to 32 for IPv4");
    char many[3 * 4097 + 1];
    for (size_t i = 0; i < 4097; i++)
        memcpy(many + 3 * i, ":: ", 4);
    REFUSE(tcp_allow, many, many + 3, "4096");
}

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static void assert_options(int fd)
{
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 71);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), 13);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPCNT), 5);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 12345);
    assert_int_equal(option_of(fd, IPPROTO_IP, IP_TOS), 0x48);
    // The system doubles what it is told, for its own use.
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_SNDBUF), 2 * 30000);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_RCVBUF), 2 * 40000);
}

static void test_a_dialled_and_an_accepted_connection_have_the_options(void **state)
{
    (void)state;
    static const char *const hosts[] = {"tcp://127.0.0.1:*", "tcp://[::1]:*"};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct node a, b;
        int fds[8];
        if (i == 1 && !world_has_ipv6()) break;
        world_open(&world);
        node_init(&a, &world, ZMTP_DEALER);
        a.config.transport.keepalive = true;
        a.config.transport.keepalive_idle_s = 71;
        a.config.transport.keepalive_interval_s = 13;
        a.config.transport.keepalive_count = 5;
        a.config.transport.unacknowledged_ms = 12345;
        a.config.transport.type_of_service = 0x48;
        a.config.transport.priority = 5;
        a.config.transport.send_buffer = 30000;
        a.config.transport.recv_buffer = 40000;
        node_open(&a);
        node_init(&b, &world, ZMTP_DEALER);
        b.config.transport = a.config.transport;
        node_open(&b);
        node_bind(&a, hosts[i]);
        node_connect(&b, zmtp_uv_endpoint(a.socket));
        WORLD_UNTIL(&world,
                    a.events[ZMTP_EVENT_HANDSHAKE_DONE] && b.events[ZMTP_EVENT_HANDSHAKE_DONE]);
        // The listener, and both ends of the connection.
        assert_int_equal(descriptors_of(i == 0 ? AF_INET : AF_INET6, fds, 8), 3);
        for (size_t j = 0; j < 3; j++) {
            assert_options(fds[j]);
            assert_int_equal(option_of(fds[j], SOL_SOCKET, SO_PRIORITY), 5);
            if (i == 1) assert_int_equal(option_of(fds[j], IPPROTO_IPV6, IPV6_TCLASS), 0x48);
        }
        world_close(&world);
    }
}

static void test_without_options_the_system_has_its_own(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    int fds[8];
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    node_start(&b, &world, ZMTP_DEALER);
    node_bind(&a, "tcp://127.0.0.1:*");
    node_connect(&b, zmtp_uv_endpoint(a.socket));
    WORLD_UNTIL(&world, a.events[ZMTP_EVENT_HANDSHAKE_DONE]);
    assert_int_equal(descriptors_of(AF_INET, fds, 8), 3);
    const int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(option_of(fds[i], SOL_SOCKET, SO_KEEPALIVE), 0);
        assert_int_equal(option_of(fds[i], IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
        assert_int_equal(option_of(fds[i], IPPROTO_IP, IP_TOS),
                         option_of(plain, IPPROTO_IP, IP_TOS));
        const bool listens = option_of(fds[i], SOL_SOCKET, SO_ACCEPTCONN);
        if (!listens) assert_int_equal(option_of(fds[i], IPPROTO_TCP, TCP_NODELAY), 1);
    }
    close(plain);
    world_close(&world);
}

static void test_a_device_that_is_not_there_is_named_by_bind_and_dial(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    world_open(&world);
    node_init(&a, &world, ZMTP_DEALER);
    strcpy(a.config.transport.device, "no-such-device");
    node_open(&a);
    assert_true(zmtp_uv_bind(a.socket, "tcp://127.0.0.1:*") < 0);
    assert_non_null(strstr(zmtp_uv_error_text(a.socket), "transport.device cannot be set"));
    node_connect(&a, "tcp://127.0.0.1:9");
    WORLD_UNTIL(&world, a.events[ZMTP_EVENT_DIAL_FAILED]);
    assert_non_null(strstr(a.reasons[ZMTP_EVENT_DIAL_FAILED], "transport.device cannot be set"));
    world_close(&world);
}

static void test_connections_go_through_the_device_that_was_named(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    int fds[8];
    world_open(&world);
    node_init(&a, &world, ZMTP_DEALER);
    strcpy(a.config.transport.device, "lo");
    node_open(&a);
    node_init(&b, &world, ZMTP_DEALER);
    b.config.transport = a.config.transport;
    node_open(&b);
    if (zmtp_uv_bind(a.socket, "tcp://127.0.0.1:*") == ZMTP_ERR_ACCESS) {
        world_close(&world);
        skip(); // old kernels want a privilege
    }
    node_connect(&b, zmtp_uv_endpoint(a.socket));
    node_send(&b, "through lo");
    WORLD_UNTIL(&world, a.received == 1);
    assert_int_equal(descriptors_of(AF_INET, fds, 8), 3);
    for (size_t i = 0; i < 3; i++) {
        char name[16] = "";
        socklen_t size = sizeof name;
        assert_int_equal(getsockopt(fds[i], SOL_SOCKET, SO_BINDTODEVICE, name, &size), 0);
        assert_string_equal(name, "lo");
    }
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_has_a_good_config),
        cmocka_unit_test(test_a_bad_option_of_the_pattern_is_named),
        cmocka_unit_test(test_an_option_of_another_type_is_named),
        cmocka_unit_test(test_a_bad_limit_is_named),
        cmocka_unit_test(test_a_bad_option_of_the_transport_is_named),
        cmocka_unit_test(test_security_that_is_not_complete_is_named),
        cmocka_unit_test(test_keys_that_are_missing_are_named),
        cmocka_unit_test(test_whom_to_let_in_needs_a_server_that_judges),
        cmocka_unit_test(test_an_origin_that_no_browser_tells_is_refused),
        cmocka_unit_test(test_a_network_that_is_none_is_refused),
        cmocka_unit_test(test_a_dialled_and_an_accepted_connection_have_the_options),
        cmocka_unit_test(test_without_options_the_system_has_its_own),
        cmocka_unit_test(test_a_device_that_is_not_there_is_named_by_bind_and_dial),
        cmocka_unit_test(test_connections_go_through_the_device_that_was_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
