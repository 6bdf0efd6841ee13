// All socket types over all transports, whoever binds and whoever comes first.
#include <string.h>

#include "test/support/world.h"
#include "zmtp/ws/ws.h"

static const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC, ZMTP_WS};

// Those that this build has.
static size_t transports_count(void)
{
    return sizeof transports / sizeof transports[0] - !zmtp__ws_built();
}

// A pair of sockets, once for each way that they can come together.
struct meeting {
    struct world world;
    struct node a, b;
    char endpoint[ZMTP_ENDPOINT_MAX];
};

enum { A_BINDS_FIRST, A_BINDS_LAST, B_BINDS_FIRST, B_BINDS_LAST, MEETINGS };

static void meet(struct meeting *meeting, enum zmtp_transport transport, int how,
                 enum zmtp_socket_type a, enum zmtp_socket_type b)
{
    world_open(&meeting->world);
    world_endpoint(&meeting->world, transport, meeting->endpoint);
    node_start(&meeting->a, &meeting->world, a);
    node_start(&meeting->b, &meeting->world, b);
    struct node *const binder = how < B_BINDS_FIRST ? &meeting->a : &meeting->b;
    struct node *const dialler = how < B_BINDS_FIRST ? &meeting->b : &meeting->a;
    const bool bind_first = how == A_BINDS_FIRST || how == B_BINDS_FIRST;
    if (bind_first) node_bind(binder, meeting->endpoint);
    node_connect(dialler, meeting->endpoint);
    if (!bind_first) {
        uv_run(&meeting->world.loop, UV_RUN_NOWAIT);
        node_bind(binder, meeting->endpoint);
    }
    WORLD_UNTIL(&meeting->world, meeting->a.events[ZMTP_EVENT_HANDSHAKE_DONE] &&
                                     meeting->b.events[ZMTP_EVENT_HANDSHAKE_DONE]);
    assert_int_equal(binder->events[ZMTP_EVENT_LISTENING], 1);
    assert_string_equal(zmtp_uv_endpoint(binder->socket), meeting->endpoint);
}

static void part(struct meeting *meeting)
{
    node_close(&meeting->a);
    node_close(&meeting->b);
    world_close(&meeting->world);
}

static void every_way(enum zmtp_socket_type a, enum zmtp_socket_type b,
                      void (*exchange)(struct meeting *meeting))
{
    for (size_t i = 0; i < transports_count(); i++) {
        for (int how = 0; how < MEETINGS; how++) {
            struct meeting meeting;
            meet(&meeting, transports[i], how, a, b);
            exchange(&meeting);
            part(&meeting);
        }
    }
}

static void send_back(struct node *node, struct zmtp_msg *msg)
{
    assert_int_equal(zmtp_uv_send_msg(node->socket, msg), ZMTP_OK);
}

static void ask_twice(struct meeting *meeting)
{
    meeting->b.act = send_back;
    for (size_t i = 1; i <= 2; i++) {
        node_send(&meeting->a, i == 1 ? "how|many" : "parts||");
        WORLD_UNTIL(&meeting->world, meeting->a.received == i);
        assert_string_equal(meeting->a.last, i == 1 ? "how|many" : "parts||");
        assert_string_equal(meeting->b.last, meeting->a.last);
    }
}

// ZMTP37-SOCK-01, PATT-01
static void test_a_rep_answers_a_req_over_every_transport(void **state)
{
    (void)state;
    every_way(ZMTP_REQ, ZMTP_REP, ask_twice);
}

// What a ROUTER receives begins with the routing id; the test's text does not show it.
static void ask_router(struct meeting *meeting)
{
    meeting->b.act = send_back;
    node_send(&meeting->a, "one|two");
    WORLD_UNTIL(&meeting->world, meeting->a.received == 1);
    assert_string_equal(meeting->a.last, "one|two");
    node_send(&meeting->a, "three");
    WORLD_UNTIL(&meeting->world, meeting->a.received == 2);
    assert_string_equal(meeting->a.last, "three");
}

// ZMTP37-SOCK-01, PATT-01
static void test_a_router_answers_a_dealer_over_every_transport(void **state)
{
    (void)state;
    every_way(ZMTP_DEALER, ZMTP_ROUTER, ask_router);
}

static void both_ways(struct meeting *meeting)
{
    node_send(&meeting->a, "to b");
    node_send(&meeting->b, "to|a");
    WORLD_UNTIL(&meeting->world, meeting->a.received && meeting->b.received);
    assert_string_equal(meeting->b.last, "to b");
    assert_string_equal(meeting->a.last, "to|a");
}

static void test_two_dealers_talk_over_every_transport(void **state)
{
    (void)state;
    every_way(ZMTP_DEALER, ZMTP_DEALER, both_ways);
}

static void publish(struct meeting *meeting)
{
    assert_int_equal(zmtp_uv_subscribe(meeting->b.socket, zmtp_bytes_text("green")), ZMTP_OK);
    WORLD_UNTIL(&meeting->world, zmtp_uv_subscribers(meeting->a.socket) == 1);
    node_send(&meeting->a, "red|1");
    node_send(&meeting->a, "green|2");
    WORLD_UNTIL(&meeting->world, meeting->b.received == 1);
    assert_string_equal(meeting->b.last, "green|2");
    assert_int_equal(zmtp_uv_cancel(meeting->b.socket, zmtp_bytes_text("green")), ZMTP_OK);
    WORLD_UNTIL(&meeting->world, zmtp_uv_subscribers(meeting->a.socket) == 0);
}

// ZMTP37-SOCK-01, PATT-02
static void test_a_sub_hears_what_it_subscribed_to_over_every_transport(void **state)
{
    (void)state;
    every_way(ZMTP_PUB, ZMTP_SUB, publish);
}

static void test_a_router_serves_a_req_over_every_transport(void **state)
{
    (void)state;
    every_way(ZMTP_REQ, ZMTP_ROUTER, ask_router);
}

// ZMTP37-SOCK-01, PATT-04
static void test_a_pair_talks_to_a_pair_over_every_transport(void **state)
{
    (void)state;
    every_way(ZMTP_PAIR, ZMTP_PAIR, both_ways);
}

static void push(struct meeting *meeting)
{
    node_send(&meeting->a, "1|x");
    node_send(&meeting->a, "2");
    WORLD_UNTIL(&meeting->world, meeting->b.received == 2);
    assert_string_equal(meeting->b.last, "2");
}

// ZMTP37-SOCK-01, PATT-03
static void test_a_pull_gets_what_a_push_sends_over_every_transport(void **state)
{
    (void)state;
    every_way(ZMTP_PUSH, ZMTP_PULL, push);
}

static void forward(struct meeting *meeting)
{
    node_send(&meeting->b, "\1green"); // a subscription, which the other side is told of
    WORLD_UNTIL(&meeting->world, meeting->a.received == 1);
    assert_string_equal(meeting->a.last, "\1green");
    node_send(&meeting->a, "red|1");
    node_send(&meeting->a, "green|2");
    WORLD_UNTIL(&meeting->world, meeting->b.received == 1);
    assert_string_equal(meeting->b.last, "green|2");
    node_send(&meeting->b, "up|stream");
    WORLD_UNTIL(&meeting->world, meeting->a.received == 2);
    assert_string_equal(meeting->a.last, "up|stream");
    assert_int_equal(zmtp_uv_cancel(meeting->b.socket, zmtp_bytes_text("green")), ZMTP_OK);
    WORLD_UNTIL(&meeting->world, meeting->a.received == 3); // and of its end
    assert_int_equal(zmtp_uv_subscribers(meeting->a.socket), 0);
}

// ZMTP37-SOCK-01, PATT-02
static void test_an_xpub_and_an_xsub_talk_over_every_transport(void **state)
{
    (void)state;
    every_way(ZMTP_XPUB, ZMTP_XSUB, forward);
}

static void test_an_xpub_serves_a_sub_and_a_pub_an_xsub_over_every_transport(void **state)
{
    (void)state;
    every_way(ZMTP_PUB, ZMTP_XSUB, publish);
    every_way(ZMTP_XPUB, ZMTP_SUB, publish);
}

static void radiate(struct meeting *meeting)
{
    assert_int_equal(zmtp_uv_subscribe(meeting->b.socket, zmtp_bytes_text("green")), ZMTP_OK);
    WORLD_UNTIL(&meeting->world, zmtp_uv_subscribers(meeting->a.socket) == 1);
    node_send(&meeting->a, "greenish|1");
    node_send(&meeting->a, "green|2");
    WORLD_UNTIL(&meeting->world, meeting->b.received == 1);
    assert_string_equal(meeting->b.last, "green|2");
    assert_int_equal(zmtp_uv_cancel(meeting->b.socket, zmtp_bytes_text("green")), ZMTP_OK);
    WORLD_UNTIL(&meeting->world, zmtp_uv_subscribers(meeting->a.socket) == 0);
}

// ZMTP37-SOCK-01, PATT-06
static void test_a_dish_hears_the_groups_that_it_joined_over_every_transport(void **state)
{
    (void)state;
    every_way(ZMTP_RADIO, ZMTP_DISH, radiate);
}

static void ask_server(struct meeting *meeting)
{
    meeting->b.act = send_back;
    for (size_t i = 1; i <= 2; i++) {
        node_send(&meeting->a, "question");
        WORLD_UNTIL(&meeting->world, meeting->a.received == i);
        assert_string_equal(meeting->a.last, "question");
    }
}

// ZMTP37-SOCK-01, PATT-05
static void test_a_server_answers_a_client_over_every_transport(void **state)
{
    (void)state;
    every_way(ZMTP_CLIENT, ZMTP_SERVER, ask_server);
}

static void single(struct meeting *meeting)
{
    node_send(&meeting->a, "one part");
    WORLD_UNTIL(&meeting->world, meeting->b.received == 1);
    assert_string_equal(meeting->b.last, "one part");
    assert_int_equal(node_try(&meeting->a, "two|parts"), ZMTP_ERR_ARGUMENT);
}

// ZMTP37-SOCK-01, PATT-07, PATT-08
static void test_a_scatter_a_gather_and_channels_talk_over_every_transport(void **state)
{
    (void)state;
    every_way(ZMTP_SCATTER, ZMTP_GATHER, single);
    every_way(ZMTP_CHANNEL, ZMTP_CHANNEL, single);
}

// ZMTP37-SOCK-01, PATT-08; P2P51-PEER-03
static void test_a_peer_is_written_to_as_soon_as_it_is_dialled_over_every_transport(void **state)
{
    (void)state;
    for (size_t i = 0; i < transports_count(); i++) {
        struct meeting meeting;
        world_open(&meeting.world);
        world_endpoint(&meeting.world, transports[i], meeting.endpoint);
        node_start(&meeting.a, &meeting.world, ZMTP_PEER);
        node_start(&meeting.b, &meeting.world, ZMTP_PEER);
        uint32_t routing_id = 0;
        if (transports[i] == ZMTP_INPROC) { // there is nothing yet that could have a number
            assert_int_equal(zmtp_uv_connect_peer(meeting.a.socket, meeting.endpoint, &routing_id),
                             ZMTP_ERR_NOT_FOUND);
            node_bind(&meeting.b, meeting.endpoint);
        }
        assert_int_equal(zmtp_uv_connect_peer(meeting.a.socket, meeting.endpoint, &routing_id),
                         ZMTP_OK);
        assert_int_not_equal(routing_id, 0);
        struct zmtp_msg msg;
        zmtp_msg_init(&msg, NULL);
        assert_int_equal(zmtp_msg_append(&msg, zmtp_bytes_text("first")), ZMTP_OK);
        msg.routing_id = routing_id;
        assert_int_equal(zmtp_uv_send_msg(meeting.a.socket, &msg), ZMTP_OK);
        meeting.b.act = send_back;
        if (transports[i] != ZMTP_INPROC) node_bind(&meeting.b, meeting.endpoint);
        WORLD_UNTIL(&meeting.world, meeting.a.received == 1);
        assert_string_equal(meeting.a.last, "first");
        assert_int_equal(meeting.b.received, 1);
        part(&meeting);
    }
}

static void test_a_second_pair_gets_in_once_the_first_has_gone_over_every_transport(void **state)
{
    (void)state;
    for (size_t i = 0; i < transports_count(); i++) {
        struct meeting meeting;
        struct node second;
        meet(&meeting, transports[i], B_BINDS_FIRST, ZMTP_PAIR, ZMTP_PAIR);
        node_init(&second, &meeting.world, ZMTP_PAIR);
        second.config.reconnect_max_ms = second.config.reconnect_min_ms = 10;
        node_open(&second);
        node_connect(&second, meeting.endpoint);
        node_send(&meeting.a, "first");
        world_rest(&meeting.world, 50);
        assert_int_equal(meeting.b.received, 1);
        (void)node_try(&second, "second"); // over inproc there is no queue without a partner
        world_rest(&meeting.world, 50);
        assert_int_equal(meeting.b.received, 1);
        node_close(&meeting.a);
        WORLD_UNTIL(&meeting.world,
                    meeting.b.received == 2 || node_try(&second, "second") == ZMTP_OK);
        WORLD_UNTIL(&meeting.world, meeting.b.received >= 2);
        assert_string_equal(meeting.b.last, "second");
        node_close(&second);
        node_close(&meeting.b);
        world_close(&meeting.world);
    }
}

static void test_only_those_with_numbers_are_told_one(void **state)
{
    (void)state;
    struct world world;
    struct node node;
    uint32_t routing_id = 7;
    world_open(&world);
    node_start(&node, &world, ZMTP_DEALER);
    assert_int_equal(zmtp_uv_connect_peer(node.socket, "inproc://x", &routing_id),
                     ZMTP_ERR_UNSUPPORTED);
    assert_int_equal(zmtp_uv_connect_peer(NULL, "inproc://x", &routing_id), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_connect_peer(node.socket, "inproc://x", NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(routing_id, 7);
    node_close(&node);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_rep_answers_a_req_over_every_transport),
        cmocka_unit_test(test_a_router_answers_a_dealer_over_every_transport),
        cmocka_unit_test(test_two_dealers_talk_over_every_transport),
        cmocka_unit_test(test_a_sub_hears_what_it_subscribed_to_over_every_transport),
        cmocka_unit_test(test_a_router_serves_a_req_over_every_transport),
        cmocka_unit_test(test_a_pair_talks_to_a_pair_over_every_transport),
        cmocka_unit_test(test_a_pull_gets_what_a_push_sends_over_every_transport),
        cmocka_unit_test(test_an_xpub_and_an_xsub_talk_over_every_transport),
        cmocka_unit_test(test_an_xpub_serves_a_sub_and_a_pub_an_xsub_over_every_transport),
        cmocka_unit_test(test_a_dish_hears_the_groups_that_it_joined_over_every_transport),
        cmocka_unit_test(test_a_server_answers_a_client_over_every_transport),
        cmocka_unit_test(test_a_scatter_a_gather_and_channels_talk_over_every_transport),
        cmocka_unit_test(test_a_peer_is_written_to_as_soon_as_it_is_dialled_over_every_transport),
        cmocka_unit_test(test_a_second_pair_gets_in_once_the_first_has_gone_over_every_transport),
        cmocka_unit_test(test_only_those_with_numbers_are_told_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
