// Messages that come in a burst are given one after the other, and leave their queue together. Nobody can tell: whatever
// a callback asks or does, it is as if each had left before its callback.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/world.h"

enum { BURST = 60, FAR = 3 };
static const enum zmtp_transport transports[FAR] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC};

// |to| receives what |from| sends. In |stride| callbacks there is one that does something.
struct scene {
    struct world world;
    struct node from, to;
    char endpoint[ZMTP_ENDPOINT_MAX];
    size_t stride, skipped;
    struct zmtp_msg kept[BURST];
    const struct zmtp_slab *own; // that a callback has put into its message
};

// Ones that are as long as each other, short or too long to be copied into the part; or both, mixed.
static enum { MIXED, SHORT, LONGER } bodies;
static const char *body_of(size_t number)
{
    static char text[200];
    const bool longer = bodies == LONGER || (bodies == MIXED && number % 3 == 2);
    (void)snprintf(text, sizeof text, "%0*zu", longer ? 150 : 5, number);
    return text;
}

static int be_mixed(void **state)
{
    (void)state;
    bodies = MIXED;
    return 0;
}

static int be_short(void **state)
{
    (void)state;
    bodies = SHORT;
    return 0;
}

static int be_longer(void **state)
{
    (void)state;
    bodies = LONGER;
    return 0;
}

static void scene_open(struct scene *scene, enum zmtp_transport transport, size_t limit,
                       void (*act)(struct node *node, struct zmtp_msg *msg))
{
    memset(scene, 0, sizeof *scene);
    world_open(&scene->world);
    node_init(&scene->from, &scene->world, ZMTP_DEALER);
    node_init(&scene->to, &scene->world, ZMTP_DEALER);
    scene->from.config.socket.send_count_max = scene->to.config.socket.recv_count_max = limit;
    scene->to.other = scene;
    scene->to.act = act;
    node_open(&scene->from);
    node_open(&scene->to);
    world_endpoint(&scene->world, transport, scene->endpoint);
    node_bind(&scene->from, scene->endpoint);
    node_connect(&scene->to, scene->endpoint);
    WORLD_UNTIL(&scene->world, scene->from.events[ZMTP_EVENT_HANDSHAKE_DONE] &&
                                   scene->to.events[ZMTP_EVENT_HANDSHAKE_DONE]);
    scene->stride = 1;
}

static void scene_send(struct scene *scene)
{
    for (size_t i = 0; i < BURST; i++)
        node_send(&scene->from, body_of(i));
}

// Of all lines that begin with |name|.
static uint64_t sum_of(const char *text, const char *name)
{
    uint64_t sum = 0;
    while ((text = strstr(text, name))) {
        text = strchr(text, '}') + 1;
        sum += strtoull(text, NULL, 10);
    }
    return sum;
}

static void look_at_peer(void *context, const struct zmtp_uv_peer *peer)
{
    const struct scene *const scene = context;
    assert_int_equal(peer->flow.taken, scene->to.received + scene->skipped);
    assert_int_equal(peer->flow.arrived, peer->flow.taken + peer->flow.waiting);
}

// Each call is the only one that its callback makes.
static void look(struct node *node, struct zmtp_msg *msg)
{
    struct scene *const scene = node->other;
    const size_t received = node->received + scene->skipped;
    static char text[1 << 16];
    struct zmtp_socket_counters c;
    struct zmtp_msg next;
    (void)msg;
    assert_string_equal(node->last, body_of(received - 1));
    if (node->received % scene->stride != 0) return;
    switch (node->received / scene->stride % 7) {
    case 0:
        c = zmtp_uv_counters(node->socket);
        assert_int_equal(c.received, received);
        assert_int_equal(c.arrived, c.received + c.waiting);
        break;
    case 1:
        zmtp_uv_each_peer(node->socket, look_at_peer, scene);
        break;
    case 2:
        assert_true(zmtp_uv_stats_json(node->socket, text, sizeof text) > 0);
        assert_int_equal(world_number(text, "\"received\":"), received);
        break;
    case 3:
        assert_true(zmtp_uv_stats_prometheus(scene->world.uv, text, sizeof text) > 0);
        assert_int_equal(sum_of(text, "zmtp_messages_received_total{"),
                         received + scene->from.received);
        break;
    case 4:
        zmtp_msg_init(&next, NULL);
        if (zmtp_uv_recv(node->socket, &next) == ZMTP_OK) {
            scene->skipped++;
            assert_true(
                zmtp_bytes_equal(zmtp_msg_bytes(&next, 0), zmtp_bytes_text(body_of(received))));
        }
        zmtp_msg_fini(&next);
        break;
    case 5:
        node_send(node, "answer");
        break;
    default:
        (void)zmtp_uv_events(node->socket); // it takes marks off
        break;
    }
}

static void test_whatever_a_callback_asks_counts_what_was_given(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAR; i++) {
        for (size_t stride = 1; stride <= 5; stride++) {
            struct scene scene;
            scene_open(&scene, transports[i], 0, look);
            scene.stride = stride;
            scene_send(&scene);
            WORLD_UNTIL(&scene.world, scene.to.received + scene.skipped == BURST);
            assert_int_equal(zmtp_uv_counters(scene.to.socket).received, BURST);
            world_close(&scene.world);
        }
    }
}

static void keep(struct node *node, struct zmtp_msg *msg)
{
    struct scene *const scene = node->other;
    if (node->received % scene->stride != 0) return;
    zmtp_msg_move(&scene->kept[node->received - 1], msg);
}

static void test_messages_that_are_kept_stay_whole_and_tell_who_sent_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAR; i++) {
        for (size_t stride = 1; stride <= 3; stride++) {
            struct scene scene;
            scene_open(&scene, transports[i], 0, keep);
            scene.stride = stride;
            for (size_t n = 0; n < BURST; n++)
                zmtp_msg_init(&scene.kept[n], NULL);
            scene_send(&scene);
            WORLD_UNTIL(&scene.world, scene.to.received == BURST);
            node_close(&scene.to);
            for (size_t n = 0; n < BURST; n++) {
                struct zmtp_msg *const msg = &scene.kept[n];
                assert_int_equal(msg->count, (n + 1) % stride == 0);
                if (msg->count == 0) continue;
                assert_true(zmtp_bytes_equal(zmtp_msg_bytes(msg, 0), zmtp_bytes_text(body_of(n))));
                assert_non_null(msg->origin);
                assert_int_equal(msg->origin->type, ZMTP_DEALER);
                zmtp_msg_fini(msg);
            }
            world_close(&scene.world);
        }
    }
}

// A message is its callback's, who may make any other of it.
static void spoil(struct node *node, struct zmtp_msg *msg)
{
    struct scene *const scene = node->other;
    const struct zmtp_msg whole = *msg;
    assert_int_equal(msg->count, 1);
    assert_int_equal(msg->routing_id, 0);
    const struct zmtp_slab *const slab = zmtp_msg_part(msg, 0)->slab;
    assert_true(!slab || slab != scene->own); // it lies elsewhere
    scene->own = NULL;
    assert_non_null(msg->origin);
    assert_int_equal(msg->origin->type, ZMTP_DEALER);
    assert_string_equal(node->last, body_of(node->received - 1));
    msg->routing_id = 7;
    switch (node->received / scene->stride % 5) {
    case 0:
        assert_int_equal(zmtp_msg_append(msg, zmtp_bytes_text("another")), ZMTP_OK);
        break;
    case 1:
        zmtp_part_fini(zmtp_msg_part(msg, 0));
        assert_int_equal(zmtp_part_copy(zmtp_msg_part(msg, 0), zmtp_bytes_text(body_of(2)), NULL),
                         ZMTP_OK);
        scene->own = zmtp_msg_part(msg, 0)->slab;
        break;
    case 2:
        scene->kept[0] = whole; // which is to move it
        zmtp_msg_init(msg, NULL);
        zmtp_msg_fini(&scene->kept[0]);
        assert_int_equal(zmtp_msg_append(msg, zmtp_bytes_text("own")), ZMTP_OK);
        break;
    case 3:
        zmtp_msg_fini(msg);
        break;
    default:
        break;
    }
}

static void test_a_callback_may_make_any_other_of_its_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAR; i++) {
        for (size_t stride = 1; stride <= 3; stride++) {
            struct scene scene;
            scene_open(&scene, transports[i], 0, spoil);
            scene.stride = stride;
            scene_send(&scene);
            WORLD_UNTIL(&scene.world, scene.to.received == BURST);
            world_close(&scene.world);
        }
    }
}

// A body that holds what a shorter one's next header would be compared with.
enum { TRAP = 6 };
static void shorten(struct node *node, struct zmtp_msg *msg)
{
    const uint8_t number = (uint8_t)(node->received - 1);
    const uint8_t octets[TRAP] = {number, number, 0, TRAP, number, number};
    assert_true(zmtp_bytes_equal(zmtp_msg_bytes(msg, 0), zmtp_bytes_of(octets, TRAP)));
    zmtp_part_fini(zmtp_msg_part(msg, 0));
    assert_int_equal(zmtp_part_copy(zmtp_msg_part(msg, 0), zmtp_bytes_of(octets, 2), NULL),
                     ZMTP_OK);
}

static void test_a_part_that_a_callback_shortens_tells_nothing_of_the_next_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAR; i++) {
        struct scene scene;
        scene_open(&scene, transports[i], 0, shorten);
        for (uint8_t n = 0; n < BURST; n++) {
            const uint8_t octets[TRAP] = {n, n, 0, TRAP, n, n};
            const struct zmtp_bytes part = zmtp_bytes_of(octets, TRAP);
            assert_int_equal(zmtp_uv_send(scene.from.socket, &part, 1), ZMTP_OK);
        }
        WORLD_UNTIL(&scene.world, scene.to.received == BURST);
        world_close(&scene.world);
    }
}

// 300 octets are 0x012c, and what follows begins with 01 2c: a part of 44 octets, and more.
enum { LONG_BODY = 300, FIRST_PART = 44 };
static void look_at_sizes(struct node *node, struct zmtp_msg *msg)
{
    const bool parts = node->received % 2 == 0;
    assert_int_equal(msg->count, parts ? 2 : 1);
    assert_int_equal(zmtp_msg_bytes(msg, 0).size, parts ? FIRST_PART : LONG_BODY);
}

static void test_the_size_of_a_long_one_is_no_header(void **state)
{
    (void)state;
    static const uint8_t octets[LONG_BODY];
    for (size_t i = 0; i < FAR; i++) {
        struct scene scene;
        scene_open(&scene, transports[i], 0, look_at_sizes);
        for (size_t n = 0; n < BURST; n++) {
            const struct zmtp_bytes parts[] = {
                zmtp_bytes_of(octets, n % 2 ? FIRST_PART : LONG_BODY), zmtp_bytes_of(octets, 1)};
            assert_int_equal(zmtp_uv_send(scene.from.socket, parts, 1 + n % 2), ZMTP_OK);
        }
        WORLD_UNTIL(&scene.world, scene.to.received == BURST);
        world_close(&scene.world);
    }
}

static void shut(void *user)
{
    ((struct node *)user)->closed = true;
}

static void close_at_third(struct node *node, struct zmtp_msg *msg)
{
    (void)msg;
    if (node->received == 3) zmtp_uv_socket_close(node->socket, shut, node);
}

static void disconnect_at_third(struct node *node, struct zmtp_msg *msg)
{
    const struct scene *const scene = node->other;
    (void)msg;
    if (node->received != 3) return;
    assert_int_equal(zmtp_uv_disconnect(node->socket, scene->endpoint), ZMTP_OK);
    const struct zmtp_socket_counters c = zmtp_uv_counters(node->socket);
    assert_int_equal(c.received, 3);
    assert_int_equal(c.arrived, 3 + c.waiting + c.discarded);
}

static void test_a_callback_that_ends_it_is_the_last_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * FAR; i++) {
        struct scene scene;
        scene_open(&scene, transports[i / 2], 0, i % 2 ? disconnect_at_third : close_at_third);
        scene.from.config.linger_ms = 0;
        scene_send(&scene);
        if (i % 2)
            WORLD_UNTIL(&scene.world, scene.to.received == 3);
        else
            WORLD_UNTIL(&scene.world, scene.to.closed);
        world_rest(&scene.world, 20);
        assert_int_equal(scene.to.received, 3);
        world_close(&scene.world);
    }
}

enum { LIMIT = 4 };

// Within an engine the queue is the sender's, too. Who was refused is told of room when half of it is.
static void look_from_there(struct node *node, struct zmtp_msg *msg)
{
    struct scene *const scene = node->other;
    (void)msg;
    if (node->received % scene->stride != 0) return;
    const struct zmtp_socket_counters c = zmtp_uv_counters(scene->from.socket);
    assert_int_equal(c.left, node->received);
    assert_int_equal(c.copies, c.left + c.queued);
    if (c.queued <= LIMIT / 2 && node->received < BURST)
        assert_int_equal(node_try(&scene->from, "more"), ZMTP_OK);
}

static void send_there(struct node *node, struct zmtp_msg *msg)
{
    struct scene *const scene = node->other;
    (void)msg;
    // The first half of the limit was received, and so has left.
    if (node->received == LIMIT) assert_int_equal(node_try(&scene->from, "more"), ZMTP_OK);
}

static void test_the_other_side_of_an_engine_s_own_queue_finds_what_was_given_gone(void **state)
{
    (void)state;
    for (size_t stride = 0; stride <= 4; stride++) {
        struct scene scene;
        scene_open(&scene, ZMTP_INPROC, LIMIT, stride ? look_from_there : send_there);
        scene.stride = stride;
        size_t sent = 0;
        while (node_try(&scene.from, "first") == ZMTP_OK)
            sent++;
        assert_int_equal(sent, 2 * LIMIT); // both sides' limits
        WORLD_UNTIL(&scene.world, scene.to.received == zmtp_uv_counters(scene.from.socket).sent);
        assert_true(scene.to.received > sent);
        world_close(&scene.world);
    }
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup(name, be_mixed), cmocka_unit_test_setup(name, be_short),                \
        cmocka_unit_test_setup(name, be_longer)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_whatever_a_callback_asks_counts_what_was_given),
        TEST(test_messages_that_are_kept_stay_whole_and_tell_who_sent_them),
        TEST(test_a_callback_may_make_any_other_of_its_message),
        cmocka_unit_test(test_a_part_that_a_callback_shortens_tells_nothing_of_the_next_one),
        cmocka_unit_test(test_the_size_of_a_long_one_is_no_header),
        TEST(test_a_callback_that_ends_it_is_the_last_one),
        TEST(test_the_other_side_of_an_engine_s_own_queue_finds_what_was_given_gone),
    };
    return cmocka_run_group_tests_name("uv run", tests, NULL, NULL);
}
