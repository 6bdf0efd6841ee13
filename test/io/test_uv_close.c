// Closing always completes: what was sent has left or linger is over, whoever closes and from where.
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "test/support/world.h"

static const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC};
enum { TRANSPORTS = sizeof transports / sizeof transports[0] };

static void meet(struct world *world, enum zmtp_transport transport, struct node *a, struct node *b)
{
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_endpoint(world, transport, endpoint);
    node_bind(b, endpoint);
    node_connect(a, endpoint);
    WORLD_UNTIL(world,
                a->events[ZMTP_EVENT_HANDSHAKE_DONE] && b->events[ZMTP_EVENT_HANDSHAKE_DONE]);
}

static void shut(void *user)
{
    ((struct node *)user)->closed = true;
}

// Sends until there is no room, |size| octets each.
static size_t fill(struct node *node, size_t size)
{
    uint8_t *body = calloc(1, size);
    const struct zmtp_bytes part = {body, size};
    size_t count = 0;
    while (zmtp_uv_send(node->socket, &part, 1) == ZMTP_OK)
        count++;
    free(body);
    return count;
}

static void test_a_closed_sender_delivers_everything_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * TRANSPORTS; i++) {
        struct world world;
        struct node a, b;
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_init(&b, &world, ZMTP_DEALER);
        b.config.socket.recv_count_max = 10; // so that most of it has to wait at the sender
        node_open(&b);
        meet(&world, transports[i / 2], &a, &b);
        const size_t sent = fill(&a, i % 2 ? 100 : 100000);
        zmtp_uv_socket_close(a.socket, shut, &a);
        WORLD_UNTIL(&world, a.closed && b.received == sent);
        world_close(&world);
    }
}

static void test_a_receiver_that_is_closed_by_an_accepted_sender_gets_everything(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node a, b;
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_start(&b, &world, ZMTP_DEALER);
        meet(&world, transports[i], &a, &b);
        const size_t sent = fill(&b, 1000);
        zmtp_uv_socket_close(b.socket, shut, &b);
        WORLD_UNTIL(&world, b.closed && a.received == sent);
        world_close(&world);
    }
}

static void test_input_that_nobody_read_does_not_destroy_what_was_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct node a, b;
        world_open(&world);
        node_init(&a, &world, ZMTP_DEALER);
        node_open_pull(&a); // does not take what b sends
        node_start(&b, &world, ZMTP_DEALER);
        meet(&world, transports[i], &a, &b);
        fill(&b, 1000);
        WORLD_UNTIL(&world, a.readable);
        const size_t sent = fill(&a, 1000);
        zmtp_uv_socket_close(a.socket, shut, &a);
        WORLD_UNTIL(&world, a.closed && b.received == sent);
        world_close(&world);
    }
}

static void test_without_linger_a_stuck_receiver_holds_up_nobody(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node a, b;
        world_open(&world);
        node_init(&a, &world, ZMTP_DEALER);
        a.config.linger_ms = 0;
        node_open(&a);
        node_init(&b, &world, ZMTP_DEALER);
        node_open_pull(&b);
        meet(&world, transports[i], &a, &b);
        fill(&a, 10000);
        const uint64_t start = uv_hrtime();
        node_close(&a);
        assert_true(uv_hrtime() - start <
                    UINT64_C(1900000000)); // by default it would be two seconds
        world_close(&world);
    }
}

static void test_linger_ends_when_nobody_takes_what_was_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct node a, b;
        world_open(&world);
        node_init(&a, &world, ZMTP_DEALER);
        a.config.linger_ms = 100;
        node_open(&a);
        node_init(&b, &world, ZMTP_DEALER);
        node_open_pull(&b);
        meet(&world, transports[i], &a, &b);
        fill(&a, 10000);
        const uint64_t start = uv_hrtime();
        node_close(&a);
        const uint64_t took_ms = (uv_hrtime() - start) / 1000000;
        assert_true(took_ms >= 95 && took_ms < 1900);
        world_close(&world);
    }
}

static void test_a_closed_dialler_goes_on_until_its_messages_are_delivered(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct node a, b;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        world_endpoint(&world, transports[i], endpoint);
        node_init(&a, &world, ZMTP_DEALER);
        a.config.linger_ms = UINT32_MAX;
        node_open(&a);
        node_connect(&a, endpoint);
        node_send(&a, "for|later");
        zmtp_uv_socket_close(a.socket, shut, &a);
        world_rest(&world, 50);
        assert_false(a.closed);
        node_start(&b, &world, ZMTP_DEALER);
        node_bind(&b, endpoint);
        WORLD_UNTIL(&world, a.closed && b.received == 1);
        assert_string_equal(b.last, "for|later");
        world_close(&world);
    }
}

static void test_a_dialler_with_nothing_to_send_closes_at_once(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    world_open(&world);
    node_init(&a, &world, ZMTP_DEALER);
    a.config.linger_ms = UINT32_MAX;
    node_open(&a);
    node_connect(&a, "tcp://127.0.0.1:1");
    node_connect(&a, "ipc:///nowhere/at/all");
    node_connect(&a, "inproc://nobody");
    node_close(&a);
    world_close(&world);
}

static void test_a_disconnect_delivers_what_was_sent_and_ends_the_connection(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node a, b;
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_start(&b, &world, ZMTP_DEALER);
        meet(&world, transports[i], &a, &b);
        char endpoint[ZMTP_ENDPOINT_MAX];
        strcpy(endpoint, zmtp_uv_endpoint(b.socket));
        node_send(&a, "last");
        assert_int_equal(zmtp_uv_disconnect(a.socket, endpoint), ZMTP_OK);
        assert_int_equal(zmtp_uv_disconnect(a.socket, endpoint), ZMTP_ERR_NOT_FOUND);
        assert_int_equal(node_try(&a, "too late"), ZMTP_ERR_AGAIN);
        WORLD_UNTIL(&world, b.received == 1);
        assert_string_equal(b.last, "last");
        if (transports[i] != ZMTP_INPROC) WORLD_UNTIL(&world, b.events[ZMTP_EVENT_CLOSED]);
        // It may be dialled again.
        node_connect(&a, endpoint);
        WORLD_UNTIL(&world, node_try(&b, "welcome back") == ZMTP_OK);
        WORLD_UNTIL(&world, a.received == 1);
        world_close(&world);
    }
}

static void test_an_unbind_leaves_accepted_connections(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node a, b, c;
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_start(&b, &world, ZMTP_DEALER);
        node_start(&c, &world, ZMTP_DEALER);
        meet(&world, transports[i], &a, &b);
        char endpoint[ZMTP_ENDPOINT_MAX];
        strcpy(endpoint, zmtp_uv_endpoint(b.socket));
        assert_int_equal(zmtp_uv_unbind(b.socket, endpoint), ZMTP_OK);
        assert_int_equal(zmtp_uv_unbind(b.socket, endpoint), ZMTP_ERR_NOT_FOUND);
        node_send(&a, "still here");
        WORLD_UNTIL(&world, b.received == 1);
        node_bind(&c, endpoint); // the name is free for another
        world_close(&world);
    }
}

static void close_this(struct node *node)
{
    zmtp_uv_socket_close(node->socket, shut, node);
}

static void close_on_message(struct node *node, struct zmtp_msg *msg)
{
    (void)msg;
    close_this(node);
}

static void close_on_event(struct node *node, const struct zmtp_event *event)
{
    if ((size_t)event->kind == node->count) close_this(node);
}

static void test_a_socket_may_be_closed_by_its_callbacks(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node a, b;
        world_open(&world);
        node_init(&a, &world, ZMTP_DEALER);
        a.config.linger_ms = 20; // what it sends last finds nobody
        node_open(&a);
        node_start(&b, &world, ZMTP_DEALER);
        meet(&world, transports[i], &a, &b);
        b.act = close_on_message;
        a.room = close_this;
        node_send(&a, "one");
        node_send(&a, "two");
        WORLD_UNTIL(&world, b.closed);
        assert_int_equal(b.received, 1); // and no callback after the close
        while (node_try(&a, "more") == ZMTP_OK) {}
        struct node c;
        node_start(&c, &world, ZMTP_DEALER);
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_endpoint(&world, transports[i], endpoint);
        node_bind(&c, endpoint);
        node_connect(&a, endpoint);
        WORLD_UNTIL(&world, a.closed);
        world_close(&world);
    }
}

static void test_a_socket_may_be_closed_by_any_event(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < WORLD_KINDS; kind++) {
        for (size_t i = 0; i < TRANSPORTS; i++) {
            struct world world;
            struct node a, b;
            char endpoint[ZMTP_ENDPOINT_MAX];
            world_open(&world);
            world_endpoint(&world, transports[i], endpoint);
            node_start(&a, &world, ZMTP_DEALER);
            node_start(&b, &world, ZMTP_DEALER);
            a.count = b.count = kind;
            a.note = b.note = close_on_event;
            node_connect(&a, endpoint);
            if (kind == ZMTP_EVENT_DIAL_FAILED || kind == ZMTP_EVENT_RETRY) world_rest(&world, 5);
            node_bind(&b, endpoint);
            world_rest(&world, 20);
            if (!b.closed && kind == ZMTP_EVENT_CLOSED) node_close(&b);
            world_rest(&world, 5);
            const bool happens_to_a = a.events[kind] > 0, happens_to_b = b.events[kind] > 0;
            assert_int_equal(a.closed, happens_to_a);
            if (happens_to_b) assert_true(b.closed);
            world_close(&world);
        }
    }
}

static void test_an_engine_closes_with_everything_still_open(void **state)
{
    (void)state;
    struct world world;
    struct node nodes[12];
    world_open(&world);
    for (size_t i = 0; i < 12; i += 2) {
        node_start(&nodes[i], &world, ZMTP_DEALER);
        node_start(&nodes[i + 1], &world, ZMTP_DEALER);
        meet(&world, transports[i % TRANSPORTS], &nodes[i], &nodes[i + 1]);
        fill(&nodes[i], 10000);
        // One that lingers, one that dials, one that resolves a name.
        if (i == 4) zmtp_uv_socket_close(nodes[i].socket, NULL, NULL);
        if (i == 6) node_connect(&nodes[i], "tcp://127.0.0.1:1");
        if (i == 8) node_connect(&nodes[i], "tcp://no-such-host.invalid:1");
    }
    uv_run(&world.loop, UV_RUN_NOWAIT);
    world_close(&world);
}

static void test_a_closed_engine_opens_no_sockets(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    struct zmtp_uv_config config;
    struct zmtp_uv_socket *socket;
    zmtp_uv_config_init(&config, ZMTP_PUB);
    zmtp_uv_close(world.uv, NULL, NULL);
    assert_int_equal(zmtp_uv_socket_open(&socket, world.uv, &config), ZMTP_ERR_STATE);
    assert_null(socket);
    assert_int_equal(uv_run(&world.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(world.budget.blocks, 0);
    assert_int_equal(zmtp_uv_open(&world.uv, &world.loop, &world.budget.allocator), ZMTP_OK);
    world_close(&world);
}

static void test_an_open_socket_keeps_the_loop_alive_and_an_idle_engine_does_not(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    world_open(&world);
    assert_int_equal(uv_run(&world.loop, UV_RUN_DEFAULT), 0); // returns at once
    node_start(&a, &world, ZMTP_DEALER);
    assert_true(uv_loop_alive(&world.loop));
    zmtp_uv_socket_close(a.socket, shut, &a);
    assert_int_equal(uv_run(&world.loop, UV_RUN_DEFAULT), 0);
    assert_true(a.closed);
    world_close(&world);
}

// LZ-42
static void test_a_peer_that_goes_at_its_limit_loses_nothing_over_ipc(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    node_init(&b, &world, ZMTP_DEALER);
    b.config.socket.recv_count_max = 5;
    node_open_pull(&b);
    meet(&world, ZMTP_IPC, &a, &b);
    // What fits into b's queue and the kernel; then a goes, its octets all handed over.
    size_t sent = 0;
    while (sent < 20) {
        node_send(&a, "x");
        sent++;
    }
    world_rest(&world, 20);
    zmtp_uv_socket_close(a.socket, shut, &a);
    // The hang-up stays to be seen while nobody takes anything; that must not keep the loop busy.
    const clock_t busy = clock();
    world_rest(&world, 300);
    assert_true(clock() - busy < CLOCKS_PER_SEC / 10);
    size_t received = 0;
    while (received < sent) {
        struct zmtp_msg msg = {0};
        zmtp_msg_init(&msg, NULL);
        if (zmtp_uv_recv(b.socket, &msg) == ZMTP_OK)
            received++;
        else
            world_turn(&world);
        zmtp_msg_fini(&msg);
    }
    WORLD_UNTIL(&world, a.closed && b.events[ZMTP_EVENT_CLOSED]);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_closed_sender_delivers_everything_first),
        cmocka_unit_test(test_a_receiver_that_is_closed_by_an_accepted_sender_gets_everything),
        cmocka_unit_test(test_input_that_nobody_read_does_not_destroy_what_was_sent),
        cmocka_unit_test(test_without_linger_a_stuck_receiver_holds_up_nobody),
        cmocka_unit_test(test_linger_ends_when_nobody_takes_what_was_sent),
        cmocka_unit_test(test_a_closed_dialler_goes_on_until_its_messages_are_delivered),
        cmocka_unit_test(test_a_dialler_with_nothing_to_send_closes_at_once),
        cmocka_unit_test(test_a_disconnect_delivers_what_was_sent_and_ends_the_connection),
        cmocka_unit_test(test_an_unbind_leaves_accepted_connections),
        cmocka_unit_test(test_a_socket_may_be_closed_by_its_callbacks),
        cmocka_unit_test(test_a_socket_may_be_closed_by_any_event),
        cmocka_unit_test(test_an_engine_closes_with_everything_still_open),
        cmocka_unit_test(test_a_closed_engine_opens_no_sockets),
        cmocka_unit_test(test_an_open_socket_keeps_the_loop_alive_and_an_idle_engine_does_not),
        cmocka_unit_test(test_a_peer_that_goes_at_its_limit_loses_nothing_over_ipc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
