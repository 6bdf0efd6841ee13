// Every message is accounted for, to the message, whatever becomes of connections: sent is left, queued
// or dropped for a reason; arrived is received, waiting or dropped for a reason. For every pair of
// types over every transport, with queues of a few messages, on both sides and for each peer.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "test/support/random.h"
#include "test/support/stranger.h"

static char running[80];

enum kind { USUAL, CONFLATED, SEALED };

// |a| binds, |b| dials.
static const struct pair {
    enum zmtp_socket_type a, b;
    enum kind kind;
} pairs[] = {
    {ZMTP_REP, ZMTP_REQ, USUAL},         {ZMTP_ROUTER, ZMTP_REQ, USUAL},
    {ZMTP_REP, ZMTP_DEALER, USUAL},      {ZMTP_ROUTER, ZMTP_DEALER, USUAL},
    {ZMTP_DEALER, ZMTP_ROUTER, USUAL},   {ZMTP_DEALER, ZMTP_DEALER, USUAL},
    {ZMTP_ROUTER, ZMTP_ROUTER, USUAL},   {ZMTP_PUB, ZMTP_SUB, USUAL},
    {ZMTP_SUB, ZMTP_PUB, USUAL},         {ZMTP_PUB, ZMTP_XSUB, USUAL},
    {ZMTP_XPUB, ZMTP_SUB, USUAL},        {ZMTP_XPUB, ZMTP_XSUB, USUAL},
    {ZMTP_XSUB, ZMTP_XPUB, USUAL},       {ZMTP_PUSH, ZMTP_PULL, USUAL},
    {ZMTP_PULL, ZMTP_PUSH, USUAL},       {ZMTP_PAIR, ZMTP_PAIR, USUAL},
    {ZMTP_SERVER, ZMTP_CLIENT, USUAL},   {ZMTP_CLIENT, ZMTP_SERVER, USUAL},
    {ZMTP_RADIO, ZMTP_DISH, USUAL},      {ZMTP_DISH, ZMTP_RADIO, USUAL},
    {ZMTP_SCATTER, ZMTP_GATHER, USUAL},  {ZMTP_GATHER, ZMTP_SCATTER, USUAL},
    {ZMTP_CHANNEL, ZMTP_CHANNEL, USUAL}, {ZMTP_PEER, ZMTP_PEER, USUAL},
    {ZMTP_STREAM, ZMTP_STREAM, USUAL},   {ZMTP_PUSH, ZMTP_PULL, CONFLATED},
    {ZMTP_PUB, ZMTP_SUB, CONFLATED},     {ZMTP_DEALER, ZMTP_DEALER, CONFLATED},
    {ZMTP_ROUTER, ZMTP_DEALER, SEALED},  {ZMTP_REP, ZMTP_REQ, SEALED},
    {ZMTP_XPUB, ZMTP_XSUB, SEALED},
};
enum { PAIRS = sizeof pairs / sizeof pairs[0], HWM = 3, STEPS = 100, ROUNDS = 4, SEEDS = 4 };

// One of the two sockets, and whom it can answer.
struct side {
    struct node node;
    enum zmtp_socket_type type;
    uint8_t id[UINT8_MAX];
    size_t id_size;
    uint32_t number;
    bool bound;
};

struct scene {
    struct world world;
    struct random random;
    struct side a, b;
    char endpoint[ZMTP_ENDPOINT_MAX];
    bool lossy; // a connection was ended amid traffic
};

static void side_init(struct side *side, struct scene *scene, enum zmtp_socket_type type)
{
    *side = (struct side){.type = type};
    node_init(&side->node, &scene->world, type);
    struct zmtp_uv_config *config = &side->node.config;
    config->socket.send_count_max = config->socket.recv_count_max = HWM;
    const bool mandatory = random_below(&scene->random, 2),
               probes = random_below(&scene->random, 2);
    const bool nodrop = random_below(&scene->random, 4) == 0;
    const bool publishes = type == ZMTP_PUB || type == ZMTP_XPUB || type == ZMTP_XSUB;
    if (type == ZMTP_ROUTER) config->socket.router_mandatory = mandatory;
    if (type == ZMTP_ROUTER || type == ZMTP_DEALER || type == ZMTP_REQ)
        config->socket.probe_router = probes;
    if (publishes || type == ZMTP_RADIO) config->socket.nodrop = nodrop;
    config->socket.immediate = random_below(&scene->random, 4) == 0;
    const enum zmtp_xpub_mode mode = (enum zmtp_xpub_mode)random_below(&scene->random, 3);
    if (type == ZMTP_XPUB) config->socket.xpub_mode = mode;
    if (type == ZMTP_XPUB) config->socket.xpub_welcome = zmtp_bytes_text("welcome");
    config->reconnect_min_ms = config->reconnect_max_ms = 1;
    config->linger_ms = random_below(&scene->random, 2) ? 0 : 20;
    if (random_below(&scene->random, 2)) config->socket.routing_id = zmtp_bytes_text("me");
}

static void side_connect(struct scene *scene)
{
    struct side *b = &scene->b;
    if (b->type == ZMTP_PEER || b->type == ZMTP_SERVER)
        assert_int_equal(zmtp_uv_connect_peer(b->node.socket, scene->endpoint, &b->number),
                         ZMTP_OK);
    else
        node_connect(&b->node, scene->endpoint);
}

// The laws of socket.h.
static void check_flow(void *context, const struct zmtp_uv_peer *peer)
{
    const struct scene *scene = context;
    const struct zmtp_flow *flow = &peer->flow;
    assert_int_equal(flow->copies, flow->left + flow->queued + flow->lost);
    assert_int_equal(flow->arrived, flow->taken + flow->waiting + flow->heeded + flow->discarded);
    if (scene->lossy || !peer->connected || peer->counters.bytes_in == 0) return;
    if (scene->a.type == ZMTP_STREAM) return; // its notices came with no octets
    // One connection all the time: it has counted the same, and subscriptions besides.
    assert_true(peer->counters.messages_out >= flow->left);
    assert_true(peer->counters.messages_in >= flow->arrived);
}

static void check_side(struct scene *scene, struct side *side)
{
    const struct zmtp_socket_counters c = zmtp_uv_counters(side->node.socket);
    uint64_t dropped = 0;
    for (size_t i = 0; i < ZMTP_DROPS; i++)
        dropped += c.dropped[i];
    const bool to_all = side->type == ZMTP_PUB || side->type == ZMTP_XPUB ||
                        side->type == ZMTP_RADIO || side->type == ZMTP_XSUB ||
                        side->type == ZMTP_STREAM;
    assert_int_equal(c.copies, c.left + c.queued + c.lost);
    assert_int_equal(c.arrived + c.told, c.received + c.waiting + c.heeded + c.discarded);
    assert_int_equal(c.received, side->node.count);
    assert_true(dropped >= c.lost + c.discarded);
    if (!to_all) assert_int_equal(c.sent + c.own, c.copies + dropped - c.lost - c.discarded);
    zmtp_uv_each_peer(side->node.socket, check_flow, scene);
}

static uint64_t left(const struct side *side)
{
    return zmtp_uv_counters(side->node.socket).left;
}

static uint64_t arrived(const struct side *side)
{
    return zmtp_uv_counters(side->node.socket).arrived;
}

// Sends what suits the type; whatever comes of it is the counters' to tell.
static void side_send(struct scene *scene, struct side *side)
{
    static const uint8_t body[600] = "body";
    const size_t size = random_below(&scene->random, 8) ? 4 : sizeof body;
    const struct zmtp_bytes topic = zmtp_bytes_of("t", 1), octets = {body, size};
    const bool nobody = side->id_size == 0 || random_below(&scene->random, 5) == 0;
    const struct zmtp_bytes id = nobody ? topic : (struct zmtp_bytes){side->id, side->id_size};
    struct zmtp_bytes parts[3] = {octets, topic, octets};
    size_t count = 1;
    if (side->type == ZMTP_ROUTER) parts[0] = id, parts[1] = (struct zmtp_bytes){0}, count = 3;
    if (side->type == ZMTP_STREAM) parts[0] = id, parts[1] = octets, count = 2;
    if (side->type == ZMTP_RADIO) parts[0] = topic, count = 2;
    if (side->type == ZMTP_DEALER) parts[0] = (struct zmtp_bytes){0}, count = 3;
    if (side->type == ZMTP_PUB || side->type == ZMTP_XPUB) parts[0] = topic, count = 3;
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, NULL);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(zmtp_msg_append(&msg, parts[i]), ZMTP_OK);
    msg.routing_id = side->number;
    (void)zmtp_uv_send_msg(side->node.socket, &msg);
    zmtp_msg_fini(&msg);
}

static void side_recv(struct side *side)
{
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, NULL);
    if (zmtp_uv_recv(side->node.socket, &msg) == ZMTP_OK) {
        const struct zmtp_bytes id = zmtp_msg_bytes(&msg, 0);
        side->node.count++;
        if ((side->type == ZMTP_ROUTER || side->type == ZMTP_STREAM) &&
            id.size <= sizeof side->id) {
            memcpy(side->id, id.data, id.size);
            side->id_size = id.size;
        }
        if (msg.routing_id) side->number = msg.routing_id;
    }
    zmtp_msg_fini(&msg);
}

// Receives what waits, so that there is room for what is on its way.
static void side_drain(struct scene *scene, struct side *side)
{
    side_recv(side);
    if (side->type == ZMTP_REP) side_send(scene, side);
}

static void scene_drain(struct scene *scene)
{
    while (left(&scene->a) != arrived(&scene->b) || left(&scene->b) != arrived(&scene->a)) {
        side_drain(scene, &scene->a);
        side_drain(scene, &scene->b);
        world_turn(&scene->world);
    }
}

static void add_queued(void *context, const struct zmtp_uv_peer *peer)
{
    *(uint64_t *)context += peer->flow.queued;
}

// Does nothing wait but what waits for the peers that there are?
static bool is_settled(struct side *side)
{
    uint64_t queued = 0;
    zmtp_uv_each_peer(side->node.socket, add_queued, &queued);
    return zmtp_uv_counters(side->node.socket).queued == queued;
}

// What left one side arrived at the other, or was under way when the connection ended.
static void check(struct scene *scene)
{
    check_side(scene, &scene->a);
    check_side(scene, &scene->b);
    WORLD_UNTIL(&scene->world, is_settled(&scene->a) && is_settled(&scene->b));
    if (scene->a.type == ZMTP_STREAM) return; // octets arrive, in other pieces
    assert_true(left(&scene->a) >= arrived(&scene->b));
    assert_true(left(&scene->b) >= arrived(&scene->a));
    if (scene->lossy) return;
    scene_drain(scene);
    check_side(scene, &scene->a);
    check_side(scene, &scene->b);
}

static void side_step(struct scene *scene, struct side *side)
{
    const size_t choice = random_below(&scene->random, 10);
    if (choice < 6)
        side_send(scene, side);
    else if (choice < 8)
        side_recv(side);
    else if (choice == 8)
        (void)zmtp_uv_subscribe(side->node.socket,
                                zmtp_bytes_of("t", random_below(&scene->random, 2)));
    else
        (void)zmtp_uv_cancel(side->node.socket,
                             zmtp_bytes_of("t", random_below(&scene->random, 2)));
}

static void scene_traffic(struct scene *scene)
{
    for (size_t i = 0; i < STEPS; i++) {
        side_step(scene, &scene->a);
        side_step(scene, &scene->b);
        if (random_below(&scene->random, 3) == 0) world_spin(&scene->world, 1);
        check_side(scene, &scene->a);
        check_side(scene, &scene->b);
    }
}

// Ends every connection of this process, and so both ends of the one between the two.
static void break_connections(void)
{
    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        if (getpeername(fd, (struct sockaddr *)&address, &size) < 0) continue;
        if (address.ss_family == AF_INET || address.ss_family == AF_UNIX)
            (void)shutdown(fd, SHUT_RDWR);
    }
}

static void scene_trouble(struct scene *scene)
{
    scene->lossy = true;
    switch (random_below(&scene->random, 3)) {
    case 0:
        break_connections();
        break;
    case 1: // at once
        assert_int_equal(zmtp_uv_disconnect(scene->b.node.socket, scene->endpoint), ZMTP_OK);
        side_connect(scene);
        break;
    case 2: // and after a while
        assert_int_equal(zmtp_uv_disconnect(scene->b.node.socket, scene->endpoint), ZMTP_OK);
        scene_traffic(scene);
        world_spin(&scene->world, 3);
        side_connect(scene);
        break;
    }
}

// Who does not receive does not read either, and so does not see that a connection has ended.
static void scene_connected(struct scene *scene)
{
    while (zmtp_uv_wait_connected(scene->a.node.socket, 1, 1) != ZMTP_OK ||
           zmtp_uv_wait_connected(scene->b.node.socket, 1, 1) != ZMTP_OK) {
        side_drain(scene, &scene->a);
        side_drain(scene, &scene->b);
        world_turn(&scene->world);
    }
}

static void use_curve(struct scene *scene)
{
    struct zmtp_key_pair server, client;
    zmtp_key_generate(&server, zmtp_sodium());
    zmtp_key_generate(&client, zmtp_sodium());
    zmtp_uv_config_curve_server(&scene->a.node.config, &server,
                                (struct zmtp_allow){.kind = ZMTP_ALLOW_ANY});
    zmtp_uv_config_curve_client(&scene->b.node.config, &client, &server.public_key);
}

static void run(const struct pair *pair, enum zmtp_transport transport, uint64_t seed)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    scene->random = random_of(seed);
    world_open(&scene->world);
    side_init(&scene->a, scene, pair->a);
    side_init(&scene->b, scene, pair->b);
    scene->a.node.config.socket.conflate = scene->b.node.config.socket.conflate =
        pair->kind == CONFLATED;
    if (pair->kind == SEALED) use_curve(scene);
    node_open_pull(&scene->a.node);
    node_open_pull(&scene->b.node);
    world_endpoint(&scene->world, transport, scene->endpoint);
    node_bind(&scene->a.node, scene->endpoint);
    side_connect(scene);
    scene_connected(scene);
    scene_traffic(scene);
    check(scene);
    for (size_t round = 0; round < ROUNDS; round++) {
        scene_traffic(scene);
        scene_trouble(scene);
        scene_traffic(scene);
        scene_connected(scene);
        check(scene);
    }
    // One side goes for good, with what lay in its queues.
    struct side *const stays = seed % 2 ? &scene->a : &scene->b;
    node_close(stays == &scene->a ? &scene->b.node : &scene->a.node);
    check_side(scene, stays);
    for (size_t i = 0; i < 20; i++) {
        side_step(scene, stays);
        world_spin(&scene->world, 1);
        check_side(scene, stays);
    }
    world_close(&scene->world);
    free(scene);
}

static void run_all(enum zmtp_transport transport)
{
    for (size_t i = 0; i < PAIRS; i++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            const bool octets = pairs[i].kind == SEALED || pairs[i].a == ZMTP_STREAM;
            if (octets && transport == ZMTP_INPROC) continue;
            snprintf(running, sizeof running, "%s and %s, seed %u",
                     zmtp_socket_type_name(pairs[i].a), zmtp_socket_type_name(pairs[i].b),
                     (unsigned)(seed + SEEDS * i));
            run(&pairs[i], transport, seed + SEEDS * i);
        }
    running[0] = '\0';
}

// Which run it was that failed.
static int tell(void **state)
{
    (void)state;
    if (running[0]) print_error("%s\n", running);
    return 0;
}

static void test_every_message_over_tcp_is_accounted_for(void **state)
{
    (void)state;
    run_all(ZMTP_TCP);
}

static void test_every_message_over_ipc_is_accounted_for(void **state)
{
    (void)state;
    run_all(ZMTP_IPC);
}

static void test_every_message_over_inproc_is_accounted_for(void **state)
{
    (void)state;
    run_all(ZMTP_INPROC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_every_message_over_tcp_is_accounted_for, tell),
        cmocka_unit_test_teardown(test_every_message_over_ipc_is_accounted_for, tell),
        cmocka_unit_test_teardown(test_every_message_over_inproc_is_accounted_for, tell),
    };
    return cmocka_run_group_tests_name("uv conservation", tests, NULL, NULL);
}
