// Calls that are wrong, or come at the wrong time: each says what is the matter with it, changes nothing
// and aborts nothing. For every call, and every type and state in which it is wrong.
#include <stdio.h>
#include <string.h>

#include "test/support/rig.h"
#include "test/support/world.h"

struct scene {
    struct world world;
    struct node node, other;
    char endpoint[ZMTP_ENDPOINT_MAX];
};

// The calls that need no more than a socket, by name.
static int call_send(struct node *node)
{
    return node_try(node, "one part");
}

static int call_send_nothing(struct node *node)
{
    const struct zmtp_bytes none = {0};
    return zmtp_uv_send(node->socket, &none, 0);
}

static int call_send_no_parts(struct node *node)
{
    return zmtp_uv_send(node->socket, NULL, 1);
}

static int call_send_bad_part(struct node *node)
{
    const struct zmtp_bytes bad[] = {{NULL, 5}, {NULL, 5}};
    return zmtp_uv_send(node->socket, bad, 2);
}

static int call_send_two(struct node *node)
{
    return node_try(node, "two|parts");
}

static int call_send_no_msg(struct node *node)
{
    return zmtp_uv_send_msg(node->socket, NULL);
}

static int call_recv(struct node *node)
{
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, NULL);
    const int result = zmtp_uv_recv(node->socket, &msg);
    zmtp_msg_fini(&msg);
    return result;
}

static int call_recv_no_msg(struct node *node)
{
    return zmtp_uv_recv(node->socket, NULL);
}

static int call_recv_full_msg(struct node *node)
{
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp_msg_append(&msg, zmtp_bytes_text("full")), ZMTP_OK);
    const int result = zmtp_uv_recv(node->socket, &msg);
    assert_int_equal(msg.count, 1);
    zmtp_msg_fini(&msg);
    return result;
}

static int call_subscribe(struct node *node)
{
    return zmtp_uv_subscribe(node->socket, zmtp_bytes_text("topic"));
}

static int call_subscribe_bad(struct node *node)
{
    return zmtp_uv_subscribe(node->socket, zmtp_bytes_of(NULL, 5));
}

static int call_subscribe_zero(struct node *node)
{
    return zmtp_uv_subscribe(node->socket, zmtp_bytes_of("a\0b", 3));
}

static int call_cancel(struct node *node)
{
    return zmtp_uv_cancel(node->socket, zmtp_bytes_text("topic"));
}

static int call_cancel_request(struct node *node)
{
    return zmtp_uv_cancel_request(node->socket, 7);
}

static int call_bind_nothing(struct node *node)
{
    return zmtp_uv_bind(node->socket, NULL);
}

static int call_bind_nonsense(struct node *node)
{
    return zmtp_uv_bind(node->socket, "gopher://here");
}

static int call_connect_any(struct node *node)
{
    return zmtp_uv_connect(node->socket, "tcp://127.0.0.1:*");
}

static int call_unbind(struct node *node)
{
    return zmtp_uv_unbind(node->socket, "ipc:///nowhere");
}

static int call_disconnect(struct node *node)
{
    return zmtp_uv_disconnect(node->socket, "tcp://127.0.0.1:9");
}

static int call_connect_peer(struct node *node)
{
    uint32_t number;
    return zmtp_uv_connect_peer(node->socket, "inproc://nobody", &number);
}

static int call_connect_peer_nowhere(struct node *node)
{
    return zmtp_uv_connect_peer(node->socket, "inproc://nobody", NULL);
}

static int call_wait_subscribed(struct node *node)
{
    return zmtp_uv_wait_subscribed(node->socket, 1, 0);
}

static int call_wait_connected(struct node *node)
{
    return zmtp_uv_wait_connected(node->socket, 1, 0);
}

static int call_authorise(struct node *node)
{
    return zmtp_uv_authorise(node->socket, 0, ZMTP_VERDICT_ALLOW, (struct zmtp_bytes){0},
                             (struct zmtp_bytes){0});
}

#define MASK(type) (UINT32_C(1) << (type))
enum { ALL = 0x1FFFFF };
static const uint32_t only_receive =
    MASK(ZMTP_SUB) | MASK(ZMTP_PULL) | MASK(ZMTP_GATHER) | MASK(ZMTP_DISH);
static const uint32_t only_send =
    MASK(ZMTP_PUB) | MASK(ZMTP_PUSH) | MASK(ZMTP_SCATTER) | MASK(ZMTP_RADIO);
static const uint32_t single = MASK(ZMTP_CLIENT) | MASK(ZMTP_SERVER) | MASK(ZMTP_PEER) |
                               MASK(ZMTP_SCATTER) | MASK(ZMTP_CHANNEL);
static const uint32_t subscribers = MASK(ZMTP_SUB) | MASK(ZMTP_XSUB) | MASK(ZMTP_DISH);
static const uint32_t publishers = MASK(ZMTP_PUB) | MASK(ZMTP_XPUB) | MASK(ZMTP_RADIO);
static const uint32_t to_all = MASK(ZMTP_PUB) | MASK(ZMTP_XPUB) | MASK(ZMTP_XSUB);
static const uint32_t numbered = MASK(ZMTP_SERVER) | MASK(ZMTP_PEER) | MASK(ZMTP_STREAM);

// What a fresh socket of these types, with no peer, says to a call.
struct wrong {
    int (*call)(struct node *node);
    uint32_t types;
    int error;
    const char *words;
};

static void check(struct node *node, const struct wrong *wrong)
{
    const int result = wrong->call(node);
    const char *text = zmtp_uv_error_text(node->socket);
    if (result != wrong->error || !strstr(text, wrong->words))
        fail_msg("a %s says %s: \"%s\", and not %s: \"%s\"",
                 zmtp_socket_type_name(node->config.socket.type), zmtp_err_name(result), text,
                 zmtp_err_name(wrong->error), wrong->words);
}

static void test_every_wrong_call_of_every_type_says_what_is_wrong(void **state)
{
    (void)state;
    const struct wrong table[] = {
        {call_send, only_receive, ZMTP_ERR_UNSUPPORTED, "only receives"},
        {call_send, MASK(ZMTP_REP), ZMTP_ERR_STATE, "receive one first"},
        {call_send, MASK(ZMTP_ROUTER), ZMTP_ERR_ARGUMENT, "routing id"},
        {call_send, MASK(ZMTP_STREAM), ZMTP_ERR_ARGUMENT, "routing id"},
        {call_send, MASK(ZMTP_RADIO), ZMTP_ERR_ARGUMENT, "group"},
        {call_send, MASK(ZMTP_SERVER) | MASK(ZMTP_PEER), ZMTP_ERR_UNREACHABLE, "no peer"},
        {call_send,
         MASK(ZMTP_PAIR) | MASK(ZMTP_REQ) | MASK(ZMTP_DEALER) | MASK(ZMTP_PUSH) |
             MASK(ZMTP_CLIENT) | MASK(ZMTP_SCATTER) | MASK(ZMTP_CHANNEL),
         ZMTP_ERR_AGAIN, "when the socket is writable"},
        {call_send_two, single, ZMTP_ERR_ARGUMENT, "exactly one part"},
        {call_send_two, MASK(ZMTP_ROUTER) | MASK(ZMTP_STREAM), ZMTP_ERR_UNREACHABLE, "no peer"},
        {call_send_nothing, ALL & ~only_receive, ZMTP_ERR_ARGUMENT, "part"},
        {call_send_no_parts, ALL, ZMTP_ERR_ARGUMENT, "part"},
        {call_send_no_msg, ALL, ZMTP_ERR_ARGUMENT, "part"},
        {call_send_bad_part, ALL, ZMTP_ERR_ARGUMENT, "part"},
        {call_recv, only_send, ZMTP_ERR_UNSUPPORTED, "only sends"},
        {call_recv, MASK(ZMTP_REQ), ZMTP_ERR_STATE, "send one first"},
        {call_recv, ALL & ~only_send & ~MASK(ZMTP_REQ), ZMTP_ERR_AGAIN, "nothing to receive"},
        {call_recv_no_msg, ALL, ZMTP_ERR_ARGUMENT, "receive into"},
        {call_recv_full_msg, ALL & ~only_send, ZMTP_ERR_ARGUMENT, "not empty"},
        {call_subscribe, ALL & ~subscribers, ZMTP_ERR_UNSUPPORTED, "only SUB"},
        {call_cancel, ALL & ~subscribers, ZMTP_ERR_UNSUPPORTED, "only SUB"},
        {call_cancel, MASK(ZMTP_SUB) | MASK(ZMTP_XSUB) | MASK(ZMTP_DISH), ZMTP_ERR_NOT_FOUND,
         "not subscribed"},
        {call_subscribe_bad, MASK(ZMTP_SUB) | MASK(ZMTP_XSUB), ZMTP_ERR_ARGUMENT, "topic"},
        {call_subscribe_bad, MASK(ZMTP_DISH), ZMTP_ERR_ARGUMENT, "group"},
        {call_subscribe_zero, MASK(ZMTP_DISH), ZMTP_ERR_ARGUMENT, "group"},
        {call_cancel_request, MASK(ZMTP_REQ), ZMTP_ERR_NOT_FOUND, "no such request"},
        {call_cancel_request, ALL & ~MASK(ZMTP_REQ), ZMTP_ERR_UNSUPPORTED, "only a REQ"},
        {call_bind_nothing, ALL, ZMTP_ERR_ENDPOINT, "endpoint is missing"},
        {call_bind_nonsense, ALL, ZMTP_ERR_TRANSPORT, "gopher://here"},
        {call_connect_any, ALL, ZMTP_ERR_ENDPOINT, "port"},
        {call_unbind, ALL, ZMTP_ERR_NOT_FOUND, "no endpoint of this socket"},
        {call_disconnect, ALL, ZMTP_ERR_NOT_FOUND, "no endpoint of this socket"},
        {call_connect_peer, ALL & ~numbered, ZMTP_ERR_UNSUPPORTED, "numbers"},
        {call_connect_peer, MASK(ZMTP_SERVER) | MASK(ZMTP_PEER), ZMTP_ERR_NOT_FOUND, "not bound"},
        {call_connect_peer_nowhere, ALL, ZMTP_ERR_ARGUMENT, "no place"},
        {call_wait_subscribed, ALL & ~publishers, ZMTP_ERR_UNSUPPORTED, "nobody subscribes"},
        {call_wait_subscribed, publishers, ZMTP_ERR_AGAIN, "0 of 1"},
        {call_wait_connected, ALL, ZMTP_ERR_AGAIN, "0 of 1"},
        {call_authorise, ALL, ZMTP_ERR_NOT_FOUND, "ticket"},
        // And what is right, or dropped and counted, has no words.
        {call_send_two, to_all, ZMTP_OK, ""},
    };
    struct world world;
    world_open(&world);
    for (enum zmtp_socket_type type = 0; type < ZMTP_SOCKET_TYPES; type++) {
        if (type == ZMTP_DGRAM) continue;
        struct node node;
        node_init(&node, &world, type);
        node_open_pull(&node);
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
            if (table[i].types & MASK(type)) check(&node, &table[i]);
        assert_int_equal(zmtp_uv_counters(node.socket).copies, 0);
        node_close(&node);
    }
    world_close(&world);
}

static void scene_open(struct scene *scene, enum zmtp_socket_type type, enum zmtp_socket_type other)
{
    world_open(&scene->world);
    node_init(&scene->node, &scene->world, type);
    if (type == ZMTP_REQ) scene->node.config.socket.req_relaxed = false;
    if (type == ZMTP_XPUB) scene->node.config.socket.xpub_mode = ZMTP_XPUB_MANUAL;
    node_open_pull(&scene->node);
    node_init(&scene->other, &scene->world, other);
    node_open_pull(&scene->other);
    world_endpoint(&scene->world, ZMTP_TCP, scene->endpoint);
    node_bind(&scene->node, scene->endpoint);
    node_connect(&scene->other, scene->endpoint);
    assert_int_equal(zmtp_uv_wait_connected(scene->node.socket, 1, 10000), ZMTP_OK);
    assert_int_equal(zmtp_uv_wait_connected(scene->other.socket, 1, 10000), ZMTP_OK);
}

static void test_out_of_turn_a_req_and_a_rep_say_whose_turn_it_is(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, ZMTP_REQ, ZMTP_REP);
    const uint32_t types = ALL;
    node_send(&scene.node, "question");
    check(&scene.node, &(struct wrong){call_send, types, ZMTP_ERR_STATE, "reply"});
    check(&scene.node, &(struct wrong){call_recv, types, ZMTP_ERR_AGAIN, "nothing to receive"});
    WORLD_UNTIL(&scene.world, zmtp_uv_events(scene.other.socket) & ZMTP_READABLE);
    check(&scene.other, &(struct wrong){call_send, types, ZMTP_ERR_STATE, "receive one first"});
    assert_int_equal(call_recv(&scene.other), ZMTP_OK);
    assert_string_equal(zmtp_uv_error_text(scene.other.socket), "");
    check(&scene.other, &(struct wrong){call_recv, types, ZMTP_ERR_STATE, "replied to first"});
    node_close(&scene.other); // and the REQ waits for nobody
    WORLD_UNTIL(&scene.world, scene.node.events[ZMTP_EVENT_CLOSED]);
    check(&scene.node, &(struct wrong){call_recv, types, ZMTP_ERR_NO_REPLY, "before it answered"});
    world_close(&scene.world);
}

static void test_a_manual_xpub_needs_a_wish_to_grant(void **state)
{
    (void)state;
    struct scene scene;
    scene_open(&scene, ZMTP_XPUB, ZMTP_SUB);
    const struct wrong early = {call_subscribe, ALL, ZMTP_ERR_STATE, "received first"};
    check(&scene.node, &early);
    assert_int_equal(call_subscribe(&scene.other), ZMTP_OK);
    WORLD_UNTIL(&scene.world, zmtp_uv_events(scene.node.socket) & ZMTP_READABLE);
    check(&scene.node, &early);
    assert_int_equal(call_recv(&scene.node), ZMTP_OK);
    assert_int_equal(call_subscribe(&scene.node), ZMTP_OK);
    node_close(&scene.other);
    WORLD_UNTIL(&scene.world, scene.node.events[ZMTP_EVENT_CLOSED]);
    check(&scene.node, &early);
    world_close(&scene.world);
}

static void test_an_endpoint_that_is_taken_is_named(void **state)
{
    (void)state;
    for (enum zmtp_transport transport = ZMTP_TCP; transport <= ZMTP_INPROC; transport++) {
        struct world world;
        struct node a, b;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        node_start(&a, &world, ZMTP_PULL);
        node_start(&b, &world, ZMTP_PULL);
        world_endpoint(&world, transport, endpoint);
        node_bind(&a, endpoint);
        for (struct node *node = &a; node; node = node == &a ? &b : NULL) {
            assert_int_equal(zmtp_uv_bind(node->socket, endpoint), ZMTP_ERR_IN_USE);
            assert_non_null(strstr(zmtp_uv_error_text(node->socket), endpoint));
        }
        world_close(&world);
    }
}

// All calls on a socket that was closed a moment ago, from the callback that closed it.
static void use_after_close(struct node *node, struct zmtp_msg *msg)
{
    int (*const calls[])(struct node *) = {
        call_send,           call_send_nothing,   call_send_no_parts, call_send_no_msg,
        call_recv,           call_recv_no_msg,    call_subscribe,     call_cancel,
        call_cancel_request, call_bind_nothing,   call_bind_nonsense, call_connect_any,
        call_unbind,         call_disconnect,     call_connect_peer,  call_connect_peer_nowhere,
        call_wait_connected, call_wait_subscribed};
    (void)msg;
    // A callback may not wait, either.
    check(node, &(struct wrong){call_wait_connected, ALL, ZMTP_ERR_STATE, "callback"});
    zmtp_uv_socket_close(node->socket, NULL, NULL);
    zmtp_uv_socket_close(node->socket, NULL, NULL); // harmless
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        check(node, &(struct wrong){calls[i], ALL, ZMTP_ERR_STATE, "closed"});
    struct zmtp_uv_mailbox *mailbox;
    char text[16];
    assert_int_equal(zmtp_uv_events(node->socket), 0);
    assert_int_equal(zmtp_uv_subscribers(node->socket), 0);
    assert_int_equal(zmtp_uv_last_request(node->socket), 0);
    assert_int_equal(zmtp_uv_counters(node->socket).received, 0);
    assert_int_equal(zmtp_uv_mailbox_open(&mailbox, node->socket), ZMTP_ERR_STATE);
    assert_int_equal(zmtp_uv_stats_json(node->socket, text, sizeof text), ZMTP_ERR_STATE);
    node->count++;
}

static void test_a_closed_socket_says_so_to_every_call(void **state)
{
    (void)state;
    struct world world;
    struct node pull, push;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_start(&pull, &world, ZMTP_PULL);
    pull.act = use_after_close;
    node_start(&push, &world, ZMTP_PUSH);
    world_endpoint(&world, ZMTP_INPROC, endpoint);
    node_bind(&pull, endpoint);
    node_connect(&push, endpoint);
    node_send(&push, "now");
    WORLD_UNTIL(&world, pull.count == 1);
    world_close(&world);
}

static void each_peer(void *context, const struct zmtp_uv_peer *peer)
{
    (void)context;
    (void)peer;
}

static void note_closed(void *user)
{
    ((struct world *)user)->closed = true;
}

static void test_nothing_is_done_with_nothing(void **state)
{
    (void)state;
    struct node none = {.socket = NULL};
    int (*const calls[])(struct node *) = {
        call_send,         call_send_no_parts,  call_send_no_msg,     call_recv,
        call_recv_no_msg,  call_subscribe,      call_cancel,          call_cancel_request,
        call_bind_nothing, call_connect_any,    call_unbind,          call_disconnect,
        call_connect_peer, call_wait_connected, call_wait_subscribed, call_authorise};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        assert_int_equal(calls[i](&none), ZMTP_ERR_ARGUMENT);
    assert_string_equal(zmtp_uv_error_text(NULL), "");
    assert_string_equal(zmtp_uv_endpoint(NULL), "");
    assert_int_equal(zmtp_uv_events(NULL), 0);
    assert_int_equal(zmtp_uv_subscribers(NULL), 0);
    assert_int_equal(zmtp_uv_counters(NULL).sent, 0);
    assert_int_equal(zmtp_uv_fd(NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_turn(NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_timeout_ms(NULL), ZMTP_ERR_ARGUMENT);
    assert_null(zmtp_uv_loop(NULL));
    assert_int_equal(zmtp_uv_spin(NULL, 50), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_stats_prometheus(NULL, NULL, 0), ZMTP_ERR_ARGUMENT);
    zmtp_uv_each_peer(NULL, each_peer, NULL);
    zmtp_uv_socket_close(NULL, NULL, NULL);
    zmtp_uv_mailbox_close(NULL);
    zmtp_uv_close(NULL, NULL, NULL);
    struct zmtp_uv *uv;
    assert_int_equal(zmtp_uv_open(&uv, NULL, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_open(NULL, uv_default_loop(), NULL), ZMTP_ERR_ARGUMENT);
    struct world world;
    struct zmtp_uv_config config;
    struct zmtp_uv_socket *socket;
    world_open(&world);
    zmtp_uv_config_init(&config, ZMTP_PAIR);
    assert_int_equal(zmtp_uv_socket_open(NULL, world.uv, &config), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_socket_open(&socket, NULL, &config), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_socket_open(&socket, world.uv, NULL), ZMTP_ERR_ARGUMENT);
    zmtp_uv_close(world.uv, note_closed, &world);
    assert_int_equal(zmtp_uv_socket_open(&socket, world.uv, &config), ZMTP_ERR_STATE);
    assert_null(socket);
    world_close(&world); // a second close is no close
}

// Ends everything from inside of a look at the peers.
struct ender {
    struct node *node;
    char (*endpoints)[ZMTP_ENDPOINT_MAX];
    bool closes; // the socket, and not one endpoint after the other
    size_t calls;
};
enum { ENDED = 3 };

static void end_them(void *context, const struct zmtp_uv_peer *peer)
{
    struct ender *ender = context;
    assert_true(peer->number > 0);
    for (size_t i = 0; !ender->closes && i < ENDED; i++)
        (void)zmtp_uv_disconnect(ender->node->socket, ender->endpoints[i]); // or it was before
    if (ender->closes) zmtp_uv_socket_close(ender->node->socket, NULL, NULL);
    ender->calls++;
}

static void test_peers_may_be_ended_while_they_are_looked_at(void **state)
{
    (void)state;
    for (enum zmtp_transport transport = ZMTP_TCP; transport <= ZMTP_INPROC; transport++) {
        for (int closes = 0; closes < 2; closes++) {
            struct world world;
            struct node dealer, router;
            char endpoints[ENDED][ZMTP_ENDPOINT_MAX];
            world_open(&world);
            node_start(&dealer, &world, ZMTP_DEALER);
            node_start(&router, &world, ZMTP_ROUTER);
            for (size_t i = 0; i < ENDED; i++) {
                world_endpoint(&world, transport, endpoints[i]);
                node_bind(&router, endpoints[i]);
                node_connect(&dealer, endpoints[i]);
            }
            WORLD_UNTIL(&world, dealer.events[ZMTP_EVENT_HANDSHAKE_DONE] == ENDED);
            struct ender ender = {.node = &dealer, .endpoints = endpoints, .closes = closes};
            zmtp_uv_each_peer(dealer.socket, end_them, &ender);
            assert_in_range(ender.calls, 1, ENDED);
            if (!closes) assert_int_equal(node_try(&dealer, "nobody"), ZMTP_ERR_AGAIN);
            world_close(&world);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_wrong_call_of_every_type_says_what_is_wrong),
        cmocka_unit_test(test_out_of_turn_a_req_and_a_rep_say_whose_turn_it_is),
        cmocka_unit_test(test_a_manual_xpub_needs_a_wish_to_grant),
        cmocka_unit_test(test_an_endpoint_that_is_taken_is_named),
        cmocka_unit_test(test_a_closed_socket_says_so_to_every_call),
        cmocka_unit_test(test_nothing_is_done_with_nothing),
        cmocka_unit_test(test_peers_may_be_ended_while_they_are_looked_at),
    };
    return cmocka_run_group_tests_name("uv misuse", tests, NULL, NULL);
}
