// A dialler comes back from whatever befalls its connection, and says what that was.
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/rig.h"
#include "test/support/world.h"
#include "zmtp/io/engine.h"

static const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC};
enum { TRANSPORTS = sizeof transports / sizeof transports[0] };

// ZMTP37-ERR-03, ERR-04, SOCK-02
static void test_a_dialler_comes_back_when_its_binder_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node a, b;
        char endpoint[ZMTP_ENDPOINT_MAX], text[32];
        world_open(&world);
        world_endpoint(&world, transports[i], endpoint);
        node_start(&a, &world, ZMTP_DEALER);
        node_connect(&a, endpoint);
        for (unsigned life = 1; life <= 5; life++) {
            // Sent while nobody is there.
            snprintf(text, sizeof text, "life %u", life);
            node_send(&a, text);
            node_start(&b, &world, ZMTP_DEALER);
            node_bind(&b, endpoint);
            WORLD_UNTIL(&world, b.received == 1);
            assert_string_equal(b.last, text);
            assert_int_equal(a.events[ZMTP_EVENT_HANDSHAKE_DONE], life);
            node_close(&b);
            WORLD_UNTIL(&world, a.events[ZMTP_EVENT_CLOSED] == life);
            assert_int_equal(a.errors[ZMTP_EVENT_CLOSED], ZMTP_ERR_EOF);
        }
        assert_true(a.events[ZMTP_EVENT_RETRY] >= 5);
        world_close(&world);
    }
}

// Neither waits for the other.
static void turn_both(struct world *a, struct world *b)
{
    if (a->expired || b->expired) fail_msg("the loops did not get there");
    uv_run(&a->loop, UV_RUN_NOWAIT);
    uv_run(&b->loop, UV_RUN_NOWAIT);
}

static void test_what_is_sent_with_care_to_one_that_has_closed_is_for_who_comes_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world here, there;
        struct node a, b;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&here);
        world_open(&there);
        world_endpoint(&here, transports[i], endpoint);
        node_start(&a, &here, ZMTP_PUSH);
        node_start(&b, &there, ZMTP_PULL);
        node_bind(&b, endpoint);
        node_connect(&a, endpoint);
        node_send(&a, "first");
        while (b.received == 0)
            turn_both(&here, &there);
        turn_both(&here, &there); // the connection is watched for what comes, and no more for room
        node_close(&b);           // nobody has looked since at the other side
        here.uv->unsure = true;
        for (int k = 0; k < 3; k++)
            node_send(&a, "x");
        zmtp__engine_flush(here.uv);
        here.uv->wary = here.uv->unsure = false;
        node_start(&b, &there, ZMTP_PULL);
        node_bind(&b, endpoint);
        while (b.received < 3)
            turn_both(&here, &there);
        assert_int_equal(a.events[ZMTP_EVENT_CLOSED], 1);
        assert_int_equal(a.errors[ZMTP_EVENT_CLOSED], ZMTP_ERR_EOF);
        world_close(&there);
        world_close(&here);
    }
}

static void test_a_sub_subscribes_again_after_each_restart(void **state)
{
    (void)state;
    struct world world;
    struct node sub, pub;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_start(&sub, &world, ZMTP_SUB);
    node_connect(&sub, endpoint);
    assert_int_equal(zmtp_uv_subscribe(sub.socket, zmtp_bytes_text("a")), ZMTP_OK);
    for (size_t life = 1; life <= 3; life++) {
        node_start(&pub, &world, ZMTP_PUB);
        node_bind(&pub, endpoint);
        WORLD_UNTIL(&world, zmtp_uv_subscribers(pub.socket) == 1);
        node_send(&pub, "b");
        node_send(&pub, "a");
        WORLD_UNTIL(&world, sub.received == life);
        node_close(&pub);
    }
    world_close(&world);
}

// ZMTP37-ERR-05, SOCK-02
static void test_a_failed_dial_is_told_with_its_reason_and_tried_later_and_later(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_init(&a, &world, ZMTP_DEALER);
    a.config.reconnect_min_ms = 2;
    a.config.reconnect_max_ms = 1000;
    node_open(&a);
    node_connect(&a, endpoint);
    WORLD_UNTIL(&world, a.events[ZMTP_EVENT_RETRY] == 6);
    assert_int_equal(a.errors[ZMTP_EVENT_DIAL_FAILED], ZMTP_ERR_REFUSED);
    assert_string_equal(a.reasons[ZMTP_EVENT_DIAL_FAILED], "connection refused");
    assert_true(a.retry_ms >= 32 && a.retry_ms <= 64);
    node_start(&b, &world, ZMTP_DEALER);
    node_connect(&b, "ipc:///nowhere/at/all");
    WORLD_UNTIL(&world, b.events[ZMTP_EVENT_DIAL_FAILED]);
    assert_int_equal(b.errors[ZMTP_EVENT_DIAL_FAILED], ZMTP_ERR_NOT_FOUND);
    world_close(&world);
}

static void test_a_name_is_resolved_and_every_address_of_it_tried(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "[::1]"};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct node a, b;
        char wish[ZMTP_ENDPOINT_MAX], endpoint[ZMTP_ENDPOINT_MAX];
        if (i == 1 && !world_has_ipv6()) break;
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_start(&b, &world, ZMTP_DEALER);
        snprintf(wish, sizeof wish, "tcp://%s:*", hosts[i]);
        node_bind(&b, wish);
        snprintf(endpoint, sizeof endpoint, "tcp://localhost%s",
                 strrchr(zmtp_uv_endpoint(b.socket), ':'));
        node_connect(&a, endpoint);
        node_send(&a, "found");
        if (i == 0) WORLD_UNTIL(&world, b.received == 1);
        // Whether localhost has an IPv6 address is the machine's affair.
        if (i == 1) WORLD_UNTIL(&world, b.received == 1 || a.events[ZMTP_EVENT_RETRY]);
        world_close(&world);
    }
}

static void test_an_unknown_name_is_told(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    node_connect(&a, "tcp://no-such-host.invalid:5555");
    WORLD_UNTIL(&world, a.events[ZMTP_EVENT_RETRY]);
    assert_int_equal(a.errors[ZMTP_EVENT_DIAL_FAILED], ZMTP_ERR_NOT_FOUND);
    assert_string_not_equal(a.reasons[ZMTP_EVENT_DIAL_FAILED], "");
    world_close(&world);
}

// A dialler and a plain listener in the place of its binder.
struct fake {
    struct world world;
    struct node node;
    int listener, fd;
    char endpoint[ZMTP_ENDPOINT_MAX];
};

static void fake_open(struct fake *fake, enum zmtp_socket_type type)
{
    world_open(&fake->world);
    fake->listener = world_listen(fake->endpoint);
    fake->fd = -1;
    node_init(&fake->node, &fake->world, type);
}

static void fake_close(struct fake *fake)
{
    if (fake->fd >= 0) close(fake->fd);
    if (fake->listener >= 0) close(fake->listener);
    world_close(&fake->world);
}

// Lets the dialler come, and answers with |octets|.
static void fake_answer(struct fake *fake, struct zmtp_bytes octets)
{
    const unsigned before = fake->node.events[ZMTP_EVENT_CONNECTED];
    WORLD_UNTIL(&fake->world, fake->node.events[ZMTP_EVENT_CONNECTED] > before);
    if (fake->fd >= 0) close(fake->fd);
    fake->fd = accept(fake->listener, NULL, NULL);
    assert_true(fake->fd >= 0);
    assert_int_equal(send(fake->fd, octets.data, octets.size, 0), octets.size);
}

static void test_an_http_server_is_recognised_and_tried_again(void **state)
{
    (void)state;
    struct fake fake;
    fake_open(&fake, ZMTP_DEALER);
    node_open(&fake.node);
    node_connect(&fake.node, fake.endpoint);
    for (unsigned i = 1; i <= 2; i++) {
        fake_answer(&fake, LITERAL("HTTP/1.1 400 Bad Request\r\n\r\n"));
        WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_HANDSHAKE_FAILED] == i);
        assert_int_equal(fake.node.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_GREETING);
        assert_non_null(strstr(fake.node.reasons[ZMTP_EVENT_HANDSHAKE_FAILED], "HTTP server"));
    }
    fake_close(&fake);
}

// ZMTP37-ERR-01; ZMTP26-GEN-04
static void test_a_dialler_gives_up_when_it_is_refused_by_an_error_command(void **state)
{
    (void)state;
    struct fake fake;
    fake_open(&fake, ZMTP_DEALER);
    node_open(&fake.node);
    node_connect(&fake.node, fake.endpoint);
    node_send(&fake.node, "hello");
    fake_answer(&fake, LITERAL(RIG_GREETING "\x04\x0F\x05"
                                            "ERROR\x08no entry"));
    WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_GAVE_UP]);
    assert_int_equal(fake.node.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_PEER);
    assert_string_equal(fake.node.reasons[ZMTP_EVENT_HANDSHAKE_FAILED], "no entry");
    assert_int_equal(fake.node.events[ZMTP_EVENT_RETRY], 0);
    // Its pipe goes too, so that no message waits where nobody will ever send it.
    world_rest(&fake.world, 5);
    assert_int_equal(node_try(&fake.node, "more"), ZMTP_ERR_AGAIN);
    assert_int_equal(zmtp_uv_disconnect(fake.node.socket, fake.endpoint), ZMTP_ERR_NOT_FOUND);
    fake_close(&fake);
}

// The last event that told of a refusal.
static int turned_away(const struct node *node, const char **reason)
{
    const int kind =
        node->errors[ZMTP_EVENT_CLOSED] ? ZMTP_EVENT_CLOSED : ZMTP_EVENT_HANDSHAKE_FAILED;
    *reason = node->reasons[kind];
    return node->errors[kind];
}

// ZMTP37-ERR-03: it may be welcome later, and comes back.
static void test_whose_routing_id_is_taken_is_told_and_comes_back_later(void **state)
{
    (void)state;
    for (int mechanism = 0; mechanism < 2; mechanism++) {
        struct world world;
        struct node router, first, second;
        struct zmtp_key_pair keys;
        const char *reason;
        zmtp_key_generate(&keys, zmtp_sodium());
        world_open(&world);
        node_init(&router, &world, ZMTP_ROUTER);
        if (mechanism)
            zmtp_uv_config_curve_server(&router.config, &keys,
                                        (struct zmtp_allow){.kind = ZMTP_ALLOW_ANY});
        node_open(&router);
        node_bind(&router, "tcp://127.0.0.1:*");
        struct node *const dealers[] = {&first, &second};
        for (size_t i = 0; i < 2; i++) {
            node_init(dealers[i], &world, ZMTP_DEALER);
            dealers[i]->config.socket.routing_id = zmtp_bytes_text("same");
            dealers[i]->config.reconnect_min_ms = 1;
            if (mechanism) zmtp_uv_config_curve_client(&dealers[i]->config, NULL, &keys.public_key);
            node_open(dealers[i]);
            node_connect(dealers[i], zmtp_uv_endpoint(router.socket));
            WORLD_UNTIL(&world, router.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
        }
        WORLD_UNTIL(&world, second.events[ZMTP_EVENT_RETRY] == 3);
        assert_int_equal(turned_away(&second, &reason), ZMTP_ERR_TURNED_AWAY);
        assert_non_null(strstr(reason, "same routing id: choose another"));
        assert_int_equal(router.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_ROUTING_ID);
        assert_int_equal(second.events[ZMTP_EVENT_GAVE_UP], 0);
        node_close(&first);
        node_send(&second, "here I am");
        WORLD_UNTIL(&world, router.received == 1);
        assert_string_equal(router.last, "same|here I am");
        world_close(&world);
    }
}

static void test_who_stops_at_a_failed_handshake_stops_when_turned_away(void **state)
{
    (void)state;
    struct world world;
    struct node one, two, three;
    const char *reason;
    world_open(&world);
    node_start(&one, &world, ZMTP_PAIR);
    node_bind(&one, "tcp://127.0.0.1:*");
    node_start(&two, &world, ZMTP_PAIR);
    node_connect(&two, zmtp_uv_endpoint(one.socket));
    WORLD_UNTIL(&world, one.events[ZMTP_EVENT_HANDSHAKE_DONE]);
    node_init(&three, &world, ZMTP_PAIR);
    three.config.reconnect_stop = ZMTP_STOP_HANDSHAKE;
    node_open(&three);
    node_connect(&three, zmtp_uv_endpoint(one.socket));
    WORLD_UNTIL(&world, three.events[ZMTP_EVENT_GAVE_UP]);
    assert_int_equal(turned_away(&three, &reason), ZMTP_ERR_TURNED_AWAY);
    assert_non_null(strstr(reason, "takes one peer"));
    world_close(&world);
}

// ZMTP37-ERR-04: also when each dial succeeds, and the handshake too.
static void test_a_binder_that_hangs_up_at_once_is_dialled_later_and_later(void **state)
{
    (void)state;
    struct fake fake;
    fake_open(&fake, ZMTP_DEALER);
    fake.node.config.reconnect_min_ms = 400;
    fake.node.config.reconnect_max_ms = 30000;
    node_open(&fake.node);
    node_connect(&fake.node, fake.endpoint);
    // From a delay twice as long as the first on, it is the third at least.
    while (fake.node.retry_ms < 800) {
        const unsigned before = fake.node.events[ZMTP_EVENT_HANDSHAKE_DONE];
        const unsigned lost = fake.node.events[ZMTP_EVENT_CLOSED];
        fake_answer(&fake, LITERAL(RIG_GREETING RIG_READY_DEALER));
        WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_HANDSHAKE_DONE] > before);
        close(fake.fd);
        fake.fd = -1;
        WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_CLOSED] > lost);
    }
    fake_close(&fake);
}

// ZMTP37-AUTH-04; LZ-14
static void test_a_wrong_mechanism_is_tried_again_at_the_slowest_pace(void **state)
{
    (void)state;
    struct fake fake;
    fake_open(&fake, ZMTP_DEALER);
    fake.node.config.reconnect_min_ms = 1;
    fake.node.config.reconnect_max_ms = 100000;
    node_open(&fake.node);
    node_connect(&fake.node, fake.endpoint);
    fake_answer(&fake, LITERAL(RIG_SIGNATURE "\x03\x01"
                                             "PLAIN\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" RIG_FILLER));
    WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_RETRY]);
    assert_int_equal(fake.node.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_MECHANISM);
    assert_true(fake.node.retry_ms >= 50000);
    fake_close(&fake);
}

// Dials, lets what |stop| names happen, and waits until the dialler gave up for |error|.
static void assert_stops(unsigned stop, int error)
{
    struct fake fake;
    fake_open(&fake, ZMTP_DEALER);
    fake.node.config.reconnect_stop = stop;
    node_open(&fake.node);
    if (error == ZMTP_ERR_REFUSED) {
        close(fake.listener);
        fake.listener = -1;
    }
    node_connect(&fake.node, fake.endpoint);
    if (error == ZMTP_ERR_GREETING) fake_answer(&fake, LITERAL("SSH-2.0\r\n\r\n\r\n"));
    if (error == ZMTP_ERR_EOF) {
        fake_answer(&fake, LITERAL(RIG_GREETING RIG_READY_DEALER));
        WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_HANDSHAKE_DONE]);
        assert_int_equal(shutdown(fake.fd, SHUT_WR), 0);
    }
    WORLD_UNTIL(&fake.world,
                fake.node.events[ZMTP_EVENT_GAVE_UP] || fake.node.events[ZMTP_EVENT_RETRY]);
    assert_int_equal(fake.node.events[ZMTP_EVENT_GAVE_UP], 1);
    assert_int_equal(fake.node.events[ZMTP_EVENT_RETRY], 0);
    assert_int_equal(fake.node.errors[ZMTP_EVENT_GAVE_UP], error);
    assert_int_equal(zmtp_uv_disconnect(fake.node.socket, fake.endpoint), ZMTP_ERR_NOT_FOUND);
    fake_close(&fake);
}

static void test_a_dialler_stops_after_what_it_was_told_to(void **state)
{
    (void)state;
    assert_stops(ZMTP_STOP_REFUSED, ZMTP_ERR_REFUSED);
    assert_stops(ZMTP_STOP_DIAL_FAILED, ZMTP_ERR_REFUSED);
    assert_stops(ZMTP_STOP_HANDSHAKE, ZMTP_ERR_GREETING);
    assert_stops(ZMTP_STOP_CLOSED, ZMTP_ERR_EOF);
    assert_stops(ZMTP_STOP_ALWAYS, ZMTP_ERR_EOF);
}

static void test_a_dialler_goes_on_after_what_it_was_not_told_of(void **state)
{
    (void)state;
    struct fake fake;
    fake_open(&fake, ZMTP_DEALER);
    fake.node.config.reconnect_stop = ZMTP_STOP_REFUSED | ZMTP_STOP_DIAL_FAILED | ZMTP_STOP_CLOSED;
    node_open(&fake.node);
    node_connect(&fake.node, fake.endpoint);
    fake_answer(&fake, LITERAL("SSH-2.0\r\n\r\n\r\n"));
    WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_RETRY]);
    assert_int_equal(fake.node.events[ZMTP_EVENT_GAVE_UP], 0);
    fake_close(&fake);
}

// Sends more than there is room for whatever is told, so that the call looks for room itself.
static void send_too_much(struct node *node, const struct zmtp_event *event)
{
    int result = ZMTP_OK;
    while (result == ZMTP_OK)
        result = node_try(node, "message");
    assert_int_equal(result, ZMTP_ERR_AGAIN);
    if (event->kind == ZMTP_EVENT_GAVE_UP) node->count = zmtp_uv_counters(node->socket).queued;
}

static void test_a_callback_may_send_whatever_it_is_told_of_a_dialler(void **state)
{
    (void)state;
    struct fake fake;
    fake_open(&fake, ZMTP_PUSH);
    fake.node.config.reconnect_stop = ZMTP_STOP_HANDSHAKE;
    fake.node.config.socket.send_count_max = 2;
    fake.node.note = send_too_much;
    fake.node.count = SIZE_MAX;
    node_open(&fake.node);
    node_connect(&fake.node, fake.endpoint);
    fake_answer(&fake, LITERAL("SSH-2.0\r\n\r\n\r\n"));
    WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_GAVE_UP]);
    assert_int_equal(fake.node.count, 0); // it was no peer any more
    fake_close(&fake);
}

static void test_an_address_that_does_not_answer_is_given_up_in_time(void **state)
{
    (void)state;
    struct fake fake;
    fake_open(&fake, ZMTP_DEALER);
    // With its queue full the system drops what else asks for a connection.
    assert_int_equal(listen(fake.listener, 0), 0);
    const int crowd = world_dial(fake.endpoint);
    fake.node.config.transport.connect_ms = 50;
    node_open(&fake.node);
    node_connect(&fake.node, fake.endpoint);
    WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_RETRY] == 2);
    assert_int_equal(fake.node.events[ZMTP_EVENT_CONNECTED], 0);
    assert_string_equal(fake.node.reasons[ZMTP_EVENT_DIAL_FAILED], "connection timed out");
    close(crowd);
    fake_close(&fake);
}

// The second dial begins as the last thing in a turn of the loop, and the time is looked at first in the next.
static void test_a_busy_program_does_not_take_a_dial_that_succeeds_for_one_that_is_late(
    void **state)
{
    (void)state;
    struct fake fake;
    fake_open(&fake, ZMTP_DEALER);
    fake.node.config.transport.connect_ms = 50;
    node_open(&fake.node);
    node_connect(&fake.node, fake.endpoint);
    fake_answer(&fake, LITERAL("SSH-2.0\r\n\r\n\r\n"));
    WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_CONNECTING] == 2);
    usleep(200 * 1000);
    WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_CONNECTED] == 2);
    assert_int_equal(fake.node.events[ZMTP_EVENT_DIAL_FAILED], 0);
    assert_int_equal(fake.node.events[ZMTP_EVENT_CONNECTING], 2);
    fake_close(&fake);
}

// ZMTP37-HB-07
static void test_a_silent_peer_is_given_up_by_the_clock(void **state)
{
    (void)state;
    struct fake fake;
    fake_open(&fake, ZMTP_DEALER);
    fake.node.config.limits.handshake_ms = 30;
    fake.node.config.limits.heartbeat_interval_ms = 20;
    fake.node.config.limits.heartbeat_timeout_ms = 30;
    node_open(&fake.node);
    node_connect(&fake.node, fake.endpoint);
    fake_answer(&fake, LITERAL(RIG_SIGNATURE));
    WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_HANDSHAKE_FAILED]);
    assert_int_equal(fake.node.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_HANDSHAKE_TIMEOUT);
    fake_answer(&fake, LITERAL(RIG_GREETING RIG_READY_DEALER));
    WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_CLOSED]);
    assert_int_equal(fake.node.errors[ZMTP_EVENT_CLOSED], ZMTP_ERR_HEARTBEAT);
    WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_RETRY] == 2);
    fake_close(&fake);
}

// What the node has sent so far, without waiting for more.
static size_t fake_hear(struct fake *fake, char *out, size_t size)
{
    const ssize_t n = recv(fake->fd, out, size - 1, MSG_DONTWAIT);
    out[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

static void test_a_busy_program_does_not_take_its_own_delay_for_silence(void **state)
{
    (void)state;
    struct fake fake;
    char heard[512];
    fake_open(&fake, ZMTP_DEALER);
    fake.node.config.limits.heartbeat_interval_ms = 20;
    fake.node.config.limits.heartbeat_timeout_ms = 50;
    fake.node.config.limits.heartbeat_ttl_ms = 0;
    node_open(&fake.node);
    node_connect(&fake.node, fake.endpoint);
    fake_answer(&fake, LITERAL(RIG_GREETING RIG_READY_DEALER));
    WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_HANDSHAKE_DONE]);
    fake_hear(&fake, heard, sizeof heard);
    size_t size;
    WORLD_UNTIL(&fake.world, (size = fake_hear(&fake, heard, sizeof heard)) > 0);
    assert_int_equal(size, 9);
    assert_memory_equal(heard, "\x04\x07\x04PING", 7);
    // The answer comes in time, but the program looks later than the timeout.
    assert_int_equal(send(fake.fd, "\x04\x05\x04PONG", 7, 0), 7);
    usleep(100000);
    world_rest(&fake.world, 5);
    assert_int_equal(fake.node.events[ZMTP_EVENT_CLOSED], 0);
    fake_close(&fake);
}

// ZMTP37-ERR-03
static void test_what_came_before_a_connection_broke_is_received(void **state)
{
    (void)state;
    struct fake fake;
    char heard[512];
    static uint8_t body[100000]; // enough to be written by the call that sends it
    const struct zmtp_bytes part = {body, sizeof body};
    fake_open(&fake, ZMTP_DEALER);
    node_open(&fake.node);
    node_connect(&fake.node, fake.endpoint);
    fake_answer(&fake, LITERAL(RIG_GREETING RIG_READY_DEALER));
    WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_HANDSHAKE_DONE]);
    world_rest(&fake.world, 5);
    fake_hear(&fake, heard, sizeof heard);
    assert_int_equal(send(fake.fd,
                          "\x00\x01"
                          "1"
                          "\x00\x01"
                          "2",
                          6, 0),
                     6);
    close(fake.fd);
    fake.fd = -1;
    // The first is answered by a reset, which the second finds, before anything was read.
    assert_int_equal(zmtp_uv_send(fake.node.socket, &part, 1), ZMTP_OK);
    usleep(10000);
    assert_int_equal(zmtp_uv_send(fake.node.socket, &part, 1), ZMTP_OK);
    WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_CLOSED]);
    assert_int_equal(fake.node.received, 2);
    assert_string_equal(fake.node.last, "2");
    fake_close(&fake);
}

static void test_two_live_peers_outlast_many_heartbeats(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_init(&a, &world, ZMTP_DEALER);
    a.config.limits.heartbeat_interval_ms = 5;
    a.config.limits.heartbeat_timeout_ms = 50;
    node_open(&a);
    node_start(&b, &world, ZMTP_DEALER);
    node_bind(&b, endpoint);
    node_connect(&a, endpoint);
    world_rest(&world, 100);
    assert_int_equal(a.events[ZMTP_EVENT_CLOSED] + b.events[ZMTP_EVENT_CLOSED], 0);
    node_send(&a, "alive");
    WORLD_UNTIL(&world, b.received == 1);
    world_close(&world);
}

// A PULL that lets idle connections go, one that is idle but for its heartbeats, and one that is not. True: only the former
// went. A machine that holds the process up for |idle_ms| makes the other one idle, too.
static bool only_the_idle_goes(const struct zmtp_key_pair *keys, uint32_t idle_ms)
{
    struct world world;
    struct node a, b, c;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_init(&a, &world, ZMTP_PULL);
    node_init(&b, &world, ZMTP_PUSH);
    node_init(&c, &world, ZMTP_PUSH);
    if (keys) {
        zmtp_uv_config_curve_server(&a.config, keys, (struct zmtp_allow){.kind = ZMTP_ALLOW_ANY});
        zmtp_uv_config_curve_client(&b.config, NULL, &keys->public_key);
        zmtp_uv_config_curve_client(&c.config, NULL, &keys->public_key);
    }
    a.config.limits.idle_ms = idle_ms;
    b.config.limits.heartbeat_interval_ms = 20;
    b.config.reconnect_stop = ZMTP_STOP_CLOSED;
    node_open(&a);
    node_open(&b);
    node_open(&c);
    node_bind(&a, endpoint);
    node_connect(&b, endpoint);
    node_connect(&c, endpoint);
    WORLD_UNTIL(&world, a.events[ZMTP_EVENT_HANDSHAKE_DONE] == 2);
    while (b.events[ZMTP_EVENT_GAVE_UP] == 0) {
        node_send(&c, "busy");
        world_rest(&world, 20);
    }
    assert_int_equal(a.errors[ZMTP_EVENT_CLOSED], ZMTP_ERR_IDLE);
    const bool only = a.events[ZMTP_EVENT_CLOSED] == 1 && c.events[ZMTP_EVENT_CLOSED] == 0;
    world_close(&world);
    return only;
}

static void assert_idle_goes(const struct zmtp_key_pair *keys)
{
    uint32_t idle_ms = 200;
    while (!only_the_idle_goes(keys, idle_ms) && idle_ms < 10000)
        idle_ms *= 2;
    assert_true(idle_ms < 10000);
}

static void test_a_listener_lets_idle_connections_go_and_keeps_busy_ones(void **state)
{
    (void)state;
    struct zmtp_key_pair keys;
    assert_idle_goes(NULL);
    if (!zmtp_sodium()) return; // a build without it
    zmtp_key_generate(&keys, zmtp_sodium());
    assert_idle_goes(&keys);
}

// ZMTP37-MSG-01, SOCK-04
static void test_a_message_cut_in_two_by_a_reset_is_sent_again_whole(void **state)
{
    (void)state;
    struct fake fake;
    struct node b;
    static uint8_t body[40000000]; // more than the kernel takes
    fake_open(&fake, ZMTP_DEALER);
    node_open(&fake.node);
    node_connect(&fake.node, fake.endpoint);
    const struct zmtp_bytes parts[] = {zmtp_bytes_text("big"), {body, sizeof body}};
    assert_int_equal(zmtp_uv_send(fake.node.socket, parts, 2), ZMTP_OK);
    fake_answer(&fake, LITERAL(RIG_GREETING RIG_READY_DEALER));
    WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_HANDSHAKE_DONE]);
    world_rest(&fake.world, 10);
    // The kernel has some of it; it is thrown away with the connection.
    close(fake.fd);
    close(fake.listener);
    fake.fd = fake.listener = -1;
    WORLD_UNTIL(&fake.world, fake.node.events[ZMTP_EVENT_CLOSED]);
    assert_int_equal(fake.node.errors[ZMTP_EVENT_CLOSED], ZMTP_ERR_RESET);
    node_start(&b, &fake.world, ZMTP_DEALER);
    node_bind(&b, fake.endpoint);
    WORLD_UNTIL(&fake.world, b.received == 1);
    assert_memory_equal(b.last, "big|", 4);
    fake_close(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dialler_comes_back_when_its_binder_does),
        cmocka_unit_test(test_what_is_sent_with_care_to_one_that_has_closed_is_for_who_comes_next),
        cmocka_unit_test(test_a_sub_subscribes_again_after_each_restart),
        cmocka_unit_test(test_a_failed_dial_is_told_with_its_reason_and_tried_later_and_later),
        cmocka_unit_test(test_a_name_is_resolved_and_every_address_of_it_tried),
        cmocka_unit_test(test_an_unknown_name_is_told),
        cmocka_unit_test(test_an_http_server_is_recognised_and_tried_again),
        cmocka_unit_test(test_a_dialler_gives_up_when_it_is_refused_by_an_error_command),
        cmocka_unit_test(test_whose_routing_id_is_taken_is_told_and_comes_back_later),
        cmocka_unit_test(test_who_stops_at_a_failed_handshake_stops_when_turned_away),
        cmocka_unit_test(test_a_binder_that_hangs_up_at_once_is_dialled_later_and_later),
        cmocka_unit_test(test_a_wrong_mechanism_is_tried_again_at_the_slowest_pace),
        cmocka_unit_test(test_a_dialler_stops_after_what_it_was_told_to),
        cmocka_unit_test(test_a_dialler_goes_on_after_what_it_was_not_told_of),
        cmocka_unit_test(test_a_callback_may_send_whatever_it_is_told_of_a_dialler),
        cmocka_unit_test(test_an_address_that_does_not_answer_is_given_up_in_time),
        cmocka_unit_test(
            test_a_busy_program_does_not_take_a_dial_that_succeeds_for_one_that_is_late),
        cmocka_unit_test(test_a_silent_peer_is_given_up_by_the_clock),
        cmocka_unit_test(test_a_busy_program_does_not_take_its_own_delay_for_silence),
        cmocka_unit_test(test_what_came_before_a_connection_broke_is_received),
        cmocka_unit_test(test_two_live_peers_outlast_many_heartbeats),
        cmocka_unit_test(test_a_listener_lets_idle_connections_go_and_keeps_busy_ones),
        cmocka_unit_test(test_a_message_cut_in_two_by_a_reset_is_sent_again_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
