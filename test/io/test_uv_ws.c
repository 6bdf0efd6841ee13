// WebSocket endpoints on a real loop: what their texts mean, who is let in, security inside, sizes
// around every limit of the framing, heartbeats, and what a build without libwslay says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/stranger.h"
#include "test/support/web.h"

static struct world world;
static struct node server, client;
static char endpoint[ZMTP_ENDPOINT_MAX];

static int open_world(void **state)
{
    (void)state;
    world_open(&world);
    world_endpoint(&world, ZMTP_WS, endpoint);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static void send_back(struct node *node, struct zmtp_msg *msg)
{
    assert_int_equal(zmtp_uv_send_msg(node->socket, msg), ZMTP_OK);
}

// A server that answers, and a client, not opened yet.
static void init_pair(enum zmtp_socket_type server_type, enum zmtp_socket_type client_type)
{
    node_init(&server, &world, server_type);
    node_init(&client, &world, client_type);
    client.config.reconnect_min_ms = client.config.reconnect_max_ms = 50;
}

static void open_pair(void)
{
    node_open(&server);
    node_open(&client);
    node_bind(&server, endpoint);
    node_connect(&client, endpoint);
}

static void test_a_build_without_libwslay_names_the_switch(void **state)
{
    (void)state;
    if (zmtp__ws_built()) skip();
    node_start(&server, &world, ZMTP_PULL);
    assert_int_equal(zmtp_uv_bind(server.socket, "ws://127.0.0.1:*/x"), ZMTP_ERR_UNSUPPORTED);
    assert_non_null(strstr(zmtp_uv_error_text(server.socket), "make WS=1"));
    assert_int_equal(zmtp_uv_connect(server.socket, "ws://127.0.0.1:1"), ZMTP_ERR_UNSUPPORTED);
    assert_non_null(strstr(zmtp_uv_error_text(server.socket), "make WS=1"));
    node_close(&server);
}

static void test_the_bound_endpoint_is_told_with_its_port_and_path(void **state)
{
    (void)state;
    NEEDS_WS();
    static const char *const cases[][3] = {
        {"ws://127.0.0.1:*/a/b", "ws://127.0.0.1:", "/a/b"},
        {"ws://localhost:0", "ws://127.0.0.1:", "/"},
        {"ws://[::1]:*/x", "ws://[::1]:", "/x"},
        {"ws://*:*/any", "ws://0.0.0.0:", "/any"},
    };
    node_init(&server, &world, ZMTP_PULL);
    server.config.allow_public_null = true;
    node_open(&server);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (zmtp_uv_bind(server.socket, cases[i][0]) == ZMTP_ERR_NOT_FOUND) continue; // no IPv6
        const char *const told = zmtp_uv_endpoint(server.socket);
        assert_memory_equal(told, cases[i][1], strlen(cases[i][1]));
        assert_string_equal(told + strlen(told) - strlen(cases[i][2]), cases[i][2]);
        node_start(&client, &world, ZMTP_PUSH);
        node_connect(&client, told);
        node_send(&client, cases[i][0]);
        const size_t before = server.received;
        WORLD_UNTIL(&world, server.received > before);
        assert_string_equal(server.last, cases[i][0]);
        node_close(&client);
        assert_int_equal(zmtp_uv_unbind(server.socket, told), ZMTP_OK);
    }
    node_close(&server);
}

static void test_an_endpoint_that_cannot_be_says_why(void **state)
{
    (void)state;
    NEEDS_WS();
    node_start(&server, &world, ZMTP_PULL);
    assert_int_equal(zmtp_uv_bind(server.socket, "ws://*:*/x"), ZMTP_ERR_ACCESS);
    assert_non_null(strstr(zmtp_uv_error_text(server.socket), "allow_public_null"));
    assert_int_equal(zmtp_uv_connect(server.socket, "ws://h:*/x"), ZMTP_ERR_ENDPOINT);
    assert_int_equal(zmtp_uv_connect(server.socket, "ws://*:1/x"), ZMTP_ERR_ENDPOINT);
    node_bind(&server, endpoint);
    assert_int_equal(zmtp_uv_bind(server.socket, endpoint), ZMTP_ERR_IN_USE);
    node_close(&server);
    node_start(&server, &world, ZMTP_STREAM);
    assert_int_equal(zmtp_uv_bind(server.socket, endpoint), ZMTP_ERR_UNSUPPORTED);
    node_close(&server);
}

// ZWS45-HS-03
static void test_a_client_of_another_path_is_told_so(void **state)
{
    (void)state;
    NEEDS_WS();
    char other[ZMTP_ENDPOINT_MAX + 2];
    init_pair(ZMTP_PULL, ZMTP_PUSH);
    node_open(&server);
    node_open(&client);
    node_bind(&server, endpoint);
    snprintf(other, sizeof other, "%s2", endpoint);
    node_connect(&client, other);
    WORLD_UNTIL(&world, client.events[ZMTP_EVENT_HANDSHAKE_FAILED] >= 2); // it is tried again
    assert_non_null(strstr(client.reasons[ZMTP_EVENT_HANDSHAKE_FAILED], "404"));
    assert_int_equal(server.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_NOT_FOUND);
    assert_non_null(strstr(server.reasons[ZMTP_EVENT_HANDSHAKE_FAILED], "another path"));
    node_close(&client);
    node_close(&server);
}

static void test_a_tcp_peer_and_a_ws_peer_find_out_about_each_other(void **state)
{
    (void)state;
    NEEDS_WS();
    char tcp[ZMTP_ENDPOINT_MAX];
    init_pair(ZMTP_PULL, ZMTP_PUSH);
    open_pair();
    node_close(&client);
    snprintf(tcp, sizeof tcp, "tcp%.*s", (int)(strrchr(endpoint, ':') + 6 - endpoint - 2),
             endpoint + 2);
    tcp[strcspn(tcp + 6, "/") + 6] = '\0';
    node_start(&client, &world, ZMTP_PUSH);
    node_connect(&client, tcp);
    WORLD_UNTIL(&world, server.events[ZMTP_EVENT_HANDSHAKE_FAILED] &&
                            client.events[ZMTP_EVENT_HANDSHAKE_FAILED]);
    assert_non_null(strstr(server.reasons[ZMTP_EVENT_HANDSHAKE_FAILED], "tcp://"));
    assert_non_null(strstr(client.reasons[ZMTP_EVENT_HANDSHAKE_FAILED], "HTTP"));
    node_close(&client);
    node_close(&server);
}

// ZWS45-FR-01: sizes around those where ZMTP's and WebSocket's headers change.
static void test_messages_of_every_size_come_as_they_were(void **state)
{
    (void)state;
    NEEDS_WS();
    static const size_t sizes[] = {0,     1,     2,     124,   125,    126,     254,     255,
                                   256,   4082,  4095,  4096,  16383,  16384,   32768,   65533,
                                   65534, 65535, 65536, 65537, 200000, 1 << 20, 5 << 20, 3};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    init_pair(ZMTP_DEALER, ZMTP_DEALER);
    node_open_pull(&server);
    node_open_pull(&client);
    node_bind(&server, endpoint);
    node_connect(&client, endpoint);
    uint8_t *const octets = malloc(5 << 20);
    assert_non_null(octets);
    for (size_t i = 0; i < 5 << 20; i++)
        octets[i] = (uint8_t)(i * 7 + (i >> 8));
    for (int round = 0; round < 2; round++) { // to the server, then back
        struct node *const from = round ? &server : &client, *const to = round ? &client : &server;
        for (size_t i = 0; i < COUNT; i++) {
            struct zmtp_msg msg;
            const struct zmtp_bytes parts[] = {zmtp_bytes_of(octets, sizes[i]),
                                               zmtp_bytes_of(octets + 1, sizes[i] / 2)};
            int result;
            while ((result = zmtp_uv_send(from->socket, parts, 2)) == ZMTP_ERR_AGAIN)
                world_turn(&world);
            assert_int_equal(result, ZMTP_OK);
            zmtp_msg_init(&msg, NULL);
            while ((result = zmtp_uv_recv(to->socket, &msg)) == ZMTP_ERR_AGAIN)
                world_turn(&world);
            assert_int_equal(result, ZMTP_OK);
            assert_int_equal(msg.count, 2);
            octets_assert_equal(zmtp_msg_bytes(&msg, 0), parts[0]);
            octets_assert_equal(zmtp_msg_bytes(&msg, 1), parts[1]);
            zmtp_msg_fini(&msg);
        }
    }
    free(octets);
    node_close(&client);
    node_close(&server);
}

static void test_a_burst_that_fills_all_buffers_comes_whole_and_in_order(void **state)
{
    (void)state;
    NEEDS_WS();
    enum { COUNT = 3000, SIZE = 3000 };
    init_pair(ZMTP_PULL, ZMTP_PUSH);
    server.config.socket.recv_count_max = 10;
    node_open_pull(&server);
    node_open(&client);
    node_bind(&server, endpoint);
    node_connect(&client, endpoint);
    static uint8_t body[SIZE];
    for (unsigned sent = 0, received = 0; received < COUNT;) {
        struct zmtp_msg msg;
        memcpy(body, &sent, sizeof sent);
        const struct zmtp_bytes part = {body, sent % 2 ? SIZE : sizeof sent};
        if (sent < COUNT && zmtp_uv_send(client.socket, &part, 1) == ZMTP_OK) {
            sent++;
            continue;
        }
        world_turn(&world);
        zmtp_msg_init(&msg, NULL);
        for (; zmtp_uv_recv(server.socket, &msg) == ZMTP_OK; received++) {
            assert_int_equal(zmtp_msg_bytes(&msg, 0).size, received % 2 ? SIZE : sizeof received);
            assert_memory_equal(zmtp_msg_bytes(&msg, 0).data, &received, sizeof received);
        }
        zmtp_msg_fini(&msg);
    }
    node_close(&client);
    node_close(&server);
}

static void test_what_was_sent_before_a_close_arrives(void **state)
{
    (void)state;
    NEEDS_WS();
    enum { COUNT = 50 };
    init_pair(ZMTP_PULL, ZMTP_PUSH);
    open_pair();
    for (int i = 0; i < COUNT; i++)
        node_send(&client, i < COUNT - 1 ? "more" : "last");
    node_close(&client);
    WORLD_UNTIL(&world, server.received == COUNT);
    assert_string_equal(server.last, "last");
    WORLD_UNTIL(&world, server.events[ZMTP_EVENT_CLOSED] == 1);
    assert_int_equal(server.errors[ZMTP_EVENT_CLOSED], ZMTP_ERR_EOF);
    node_close(&server);
}

static void test_a_dialler_comes_back_when_its_server_does(void **state)
{
    (void)state;
    NEEDS_WS();
    init_pair(ZMTP_PULL, ZMTP_PUSH);
    open_pair();
    for (int round = 1; round <= 3; round++) {
        node_send(&client, "again");
        WORLD_UNTIL(&world, server.received == 1);
        node_close(&server);
        WORLD_UNTIL(&world, client.events[ZMTP_EVENT_CLOSED] == (unsigned)round);
        node_start(&server, &world, ZMTP_PULL);
        node_bind(&server, endpoint);
    }
    node_close(&client);
    node_close(&server);
}

static void authorise(struct zmtp_uv_socket *socket, const struct zmtp_uv_guest *guest, void *user)
{
    const struct zmtp_credentials *const credentials = &guest->credentials;
    (void)user;
    const bool known = zmtp_bytes_equal(credentials->username, zmtp_bytes_text("gardener")) &&
                       zmtp_bytes_equal(credentials->password, zmtp_bytes_text("rake"));
    assert_string_equal(guest->endpoint, endpoint);
    zmtp_uv_authorise(socket, guest->ticket, known ? ZMTP_VERDICT_ALLOW : ZMTP_VERDICT_DENY,
                      credentials->username, (struct zmtp_bytes){0});
}

static void test_plain_lets_in_who_knows_the_password(void **state)
{
    (void)state;
    NEEDS_WS();
    init_pair(ZMTP_REP, ZMTP_REQ);
    server.act = send_back;
    zmtp_uv_config_plain_server(&server.config);
    server.config.on_authorise = authorise;
    zmtp_uv_config_plain_client(&client.config, "gardener", "rake");
    open_pair();
    node_send(&client, "let me in");
    WORLD_UNTIL(&world, client.received == 1);
    node_close(&client);
    node_init(&client, &world, ZMTP_REQ);
    zmtp_uv_config_plain_client(&client.config, "gardener", "hoe");
    node_open(&client);
    node_connect(&client, endpoint);
    WORLD_UNTIL(&world, client.events[ZMTP_EVENT_GAVE_UP] == 1);
    assert_int_equal(client.errors[ZMTP_EVENT_GAVE_UP], ZMTP_ERR_PEER);
    node_close(&client);
    node_close(&server);
}

static void test_curve_hides_what_goes_over_it(void **state)
{
    (void)state;
    NEEDS_WS();
    struct zmtp_key_pair keys;
    zmtp_key_generate(&keys, zmtp_sodium());
    init_pair(ZMTP_ROUTER, ZMTP_DEALER);
    server.act = send_back;
    zmtp_uv_config_curve_server(&server.config, &keys, (struct zmtp_allow){.kind = ZMTP_ALLOW_ANY});
    zmtp_uv_config_curve_client(&client.config, NULL, &keys.public_key);
    open_pair();
    for (size_t i = 1; i <= 20; i++) {
        node_send(&client, "a|secret");
        WORLD_UNTIL(&world, client.received == i);
        assert_string_equal(client.last, "a|secret");
    }
    node_close(&client);
    node_close(&server);
}

// Never a weaker mechanism than ours, whatever the other side offers.
static void test_sockets_of_different_mechanisms_do_not_meet(void **state)
{
    (void)state;
    NEEDS_WS();
    struct zmtp_key_pair keys;
    zmtp_key_generate(&keys, zmtp_sodium());
    init_pair(ZMTP_PULL, ZMTP_PUSH);
    zmtp_uv_config_curve_server(&server.config, &keys, (struct zmtp_allow){.kind = ZMTP_ALLOW_ANY});
    open_pair();
    WORLD_UNTIL(&world, client.events[ZMTP_EVENT_HANDSHAKE_FAILED] == 1);
    assert_int_equal(server.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_MECHANISM);
    assert_int_equal(client.events[ZMTP_EVENT_HANDSHAKE_DONE], 0);
    node_close(&client);
    node_close(&server);
}

// ZWS45-ST-01
static void test_types_that_do_not_go_together_are_hung_up_on(void **state)
{
    (void)state;
    NEEDS_WS();
    init_pair(ZMTP_PULL, ZMTP_SUB);
    open_pair();
    WORLD_UNTIL(&world, server.events[ZMTP_EVENT_HANDSHAKE_FAILED] == 1);
    assert_int_equal(server.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_SOCKET_TYPE);
    assert_int_equal(server.events[ZMTP_EVENT_HANDSHAKE_DONE], 0);
    node_close(&client);
    node_close(&server);
}

// A stranger who has asked for an upgrade at |server|'s endpoint; |more| are further fields.
static void ask_as_stranger(struct stranger *stranger, const char *protocol, const char *more)
{
    char request[512];
    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: " WEB_KEY "\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Protocol: %s\r\n%s\r\n",
             strchr(endpoint + 5, '/'), protocol, more);
    stranger_open(stranger, &world, endpoint);
    assert_true(stranger_say(stranger, zmtp_bytes_text(request)));
}

// The same, of type |ready| or without a mechanism, until the handshake is done.
static void join_stranger(struct stranger *stranger, bool bare, struct zmtp_bytes ready)
{
    ask_as_stranger(stranger, bare ? "ZWS2.0" : "ZWS2.0/NULL", "");
    assert_true(stranger_say(stranger, bare ? LITERAL(WEB_FRAME("\x82", "\x81") "\0") : ready));
    WORLD_UNTIL(&world, server.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
}

// Reads until |expected| is the end of what came.
static void assert_hears(struct stranger *stranger, struct zmtp_bytes expected)
{
    uint8_t heard[4096];
    size_t size = 0;
    while (size < expected.size ||
           memcmp(heard + size - expected.size, expected.data, expected.size) != 0) {
        size += stranger_read(stranger, heard + size, sizeof heard - size);
        world_spin(&world, 1);
        if (world.expired) fail_msg("what came ends otherwise");
    }
}

// ZWS45-PS-01, ZWS45-NOMECH-01: with the NULL mechanism and without any.
static void test_subscriptions_are_messages_in_both_directions(void **state)
{
    (void)state;
    NEEDS_WS();
    const struct zmtp_bytes sub =
        LITERAL(WEB_FRAME("\x82", "\x9A") "\2\5READY\x0BSocket-Type\0\0\0\3SUB");
    const struct zmtp_bytes pub =
        LITERAL(WEB_FRAME("\x82", "\x9A") "\2\5READY\x0BSocket-Type\0\0\0\3PUB");
    for (int bare = 0; bare < 2; bare++) {
        struct stranger stranger;
        node_start(&server, &world, ZMTP_PUB);
        node_bind(&server, endpoint);
        join_stranger(&stranger, bare, sub);
        assert_true(stranger_say(&stranger, LITERAL(WEB_FRAME("\x82", "\x83") "\0\1A")));
        WORLD_UNTIL(&world, zmtp_uv_subscribers(server.socket) == 1);
        node_send(&server, "A|news");
        assert_hears(&stranger, LITERAL("\x82\2\1A\x82\5\0news"));
        assert_true(stranger_say(&stranger, LITERAL(WEB_FRAME("\x82", "\x83") "\0\0A")));
        WORLD_UNTIL(&world, zmtp_uv_subscribers(server.socket) == 0);
        stranger_close(&stranger);
        node_close(&server);

        node_start(&server, &world, ZMTP_SUB);
        assert_int_equal(zmtp_uv_subscribe(server.socket, zmtp_bytes_text("A")), ZMTP_OK);
        node_bind(&server, endpoint);
        join_stranger(&stranger, bare, pub);
        assert_hears(&stranger, LITERAL("\x82\3\0\1A"));
        assert_int_equal(zmtp_uv_cancel(server.socket, zmtp_bytes_text("A")), ZMTP_OK);
        assert_hears(&stranger, LITERAL("\x82\3\0\0A"));
        stranger_close(&stranger);
        node_close(&server);
    }
}

static void test_a_list_of_origins_is_kept_and_keeps_pages_out(void **state)
{
    (void)state;
    NEEDS_WS();
    char origins[] = "https://page.example";
    struct stranger stranger;
    node_init(&server, &world, ZMTP_PULL);
    server.config.ws_origins = origins;
    node_open(&server);
    memset(origins, 'x', sizeof origins - 1); // it was copied
    node_bind(&server, endpoint);
    ask_as_stranger(&stranger, "ZWS2.0", "Origin: https://evil.example\r\n");
    assert_hears(&stranger, LITERAL("is not allowed here\n"));
    stranger_close(&stranger);
    assert_int_equal(server.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_DENIED);
    ask_as_stranger(&stranger, "ZWS2.0", "Origin: https://page.example\r\n");
    assert_hears(&stranger, LITERAL("Protocol: ZWS2.0\r\n\r\n\x82\1\0"));
    stranger_close(&stranger);
    node_close(&server);
}

static void test_peers_that_say_nothing_for_long_are_kept_by_heartbeats(void **state)
{
    (void)state;
    NEEDS_WS();
    init_pair(ZMTP_PULL, ZMTP_PUSH);
    server.config.limits.heartbeat_interval_ms = client.config.limits.heartbeat_interval_ms = 20;
    open_pair();
    WORLD_UNTIL(&world, client.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
    world_rest(&world, 500); // some twenty PINGs
    assert_int_equal(client.events[ZMTP_EVENT_CLOSED], 0);
    assert_int_equal(server.events[ZMTP_EVENT_CLOSED], 0);
    node_send(&client, "still here");
    WORLD_UNTIL(&world, server.received == 1);
    node_close(&client);
    node_close(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_build_without_libwslay_names_the_switch, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_the_bound_endpoint_is_told_with_its_port_and_path,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_an_endpoint_that_cannot_be_says_why, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_a_client_of_another_path_is_told_so, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_a_tcp_peer_and_a_ws_peer_find_out_about_each_other,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_messages_of_every_size_come_as_they_were, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(
            test_a_burst_that_fills_all_buffers_comes_whole_and_in_order, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_what_was_sent_before_a_close_arrives, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_a_dialler_comes_back_when_its_server_does, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_plain_lets_in_who_knows_the_password, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_curve_hides_what_goes_over_it, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(test_sockets_of_different_mechanisms_do_not_meet,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_types_that_do_not_go_together_are_hung_up_on,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_subscriptions_are_messages_in_both_directions,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_a_list_of_origins_is_kept_and_keeps_pages_out,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(test_peers_that_say_nothing_for_long_are_kept_by_heartbeats,
                                        open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
