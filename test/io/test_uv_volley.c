// What a PUB sends to many in a burst is told to their queues together. Nobody can tell: whatever is asked or done between two
// of them, or by the loop, it is as if each had been sent by itself.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/world.h"
#include "zmtp/io/engine.h"

enum { BURST = 60, FAR = 3, CROWD = 3 };
static const enum zmtp_transport transports[FAR] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC};

// |subs| receive what |pub| sends, in order; |third| has nobody.
struct scene {
    struct world world;
    struct node pub, subs[CROWD], third;
    size_t sent, volleys;
    uv_check_t check;
    size_t turns;
};

static void take_in_order(struct node *node, struct zmtp_msg *msg)
{
    const struct zmtp_bytes part = zmtp_msg_bytes(msg, 0);
    assert_true(part.size >= 6 && part.size < 400);
    assert_int_equal(strtoul((const char *)part.data + 1, NULL, 10), node->count);
    node->count++;
}

static void scene_open(struct scene *scene, enum zmtp_transport transport, size_t limit,
                       bool nodrop)
{
    char endpoint[ZMTP_ENDPOINT_MAX];
    memset(scene, 0, sizeof *scene);
    world_open(&scene->world);
    node_init(&scene->pub, &scene->world, ZMTP_PUB);
    node_start(&scene->third, &scene->world, ZMTP_DEALER);
    scene->pub.config.limits.heartbeat_interval_ms = 1;
    scene->pub.config.socket.send_count_max = limit;
    scene->pub.config.socket.nodrop = nodrop;
    node_open(&scene->pub);
    world_endpoint(&scene->world, transport, endpoint);
    node_bind(&scene->pub, endpoint);
    for (size_t i = 0; i < CROWD; i++) {
        struct node *const sub = &scene->subs[i];
        node_init(sub, &scene->world, ZMTP_SUB);
        sub->config.socket.recv_count_max = limit;
        sub->act = take_in_order;
        node_open(sub);
        node_connect(sub, endpoint);
        assert_int_equal(zmtp_uv_subscribe(sub->socket, zmtp_bytes_text("a")), ZMTP_OK);
    }
    WORLD_UNTIL(&scene->world, zmtp_uv_subscribers(scene->pub.socket) == CROWD);
}

static int scene_try(struct scene *scene)
{
    char text[320];
    const int pad = scene->sent % 7 == 0 ? 300 : 0;
    (void)snprintf(text, sizeof text, "a%05zu%*s", scene->sent, pad, "");
    const struct zmtp_bytes body = zmtp_bytes_text(text);
    const int result = zmtp_uv_send(scene->pub.socket, &body, 1);
    if (result == ZMTP_OK) scene->sent++;
    if (scene->world.uv->volley.socket) scene->volleys++;
    return result;
}

static void scene_send(struct scene *scene, size_t count)
{
    while (count-- > 0)
        assert_int_equal(scene_try(scene), ZMTP_OK);
}

static void scene_until_all_have_all(struct scene *scene)
{
    for (size_t i = 0; i < CROWD; i++)
        WORLD_UNTIL(&scene->world, scene->subs[i].count == scene->sent);
}

static void look_at_peer(void *context, const struct zmtp_uv_peer *peer)
{
    const struct scene *const scene = context;
    assert_int_equal(peer->flow.copies, scene->sent);
    assert_int_equal(peer->flow.copies, peer->flow.left + peer->flow.queued);
}

static void assert_counted(struct scene *scene)
{
    const struct zmtp_socket_counters c = zmtp_uv_counters(scene->pub.socket);
    assert_int_equal(c.sent, scene->sent);
    assert_int_equal(c.copies, scene->sent * CROWD);
    assert_int_equal(c.copies, c.left + c.queued);
}

enum { COUNTERS, PEERS, JSON, PROMETHEUS, ANOTHER, MESSAGE, PARTS, NOTHING, WISH, SEEN, WAYS };
static void look(struct scene *scene, int way)
{
    static char text[1 << 16];
    const struct zmtp_bytes parts[] = {zmtp_bytes_text(text), zmtp_bytes_text("b")};
    struct zmtp_msg msg;
    switch (way) {
    case COUNTERS:
        assert_counted(scene);
        break;
    case PEERS:
        zmtp_uv_each_peer(scene->pub.socket, look_at_peer, scene);
        break;
    case JSON:
        assert_true(zmtp_uv_stats_json(scene->pub.socket, text, sizeof text) > 0);
        break;
    case PROMETHEUS:
        assert_true(zmtp_uv_stats_prometheus(scene->world.uv, text, sizeof text) > 0);
        break;
    case ANOTHER:
        assert_int_equal(node_try(&scene->third, "x"), ZMTP_ERR_AGAIN);
        break;
    case MESSAGE:
        zmtp_msg_init(&msg, NULL);
        (void)snprintf(text, sizeof text, "a%05zu", scene->sent++);
        assert_int_equal(zmtp_msg_append(&msg, zmtp_bytes_text(text)), ZMTP_OK);
        assert_int_equal(zmtp_uv_send_msg(scene->pub.socket, &msg), ZMTP_OK);
        break;
    case PARTS:
        (void)snprintf(text, sizeof text, "a%05zu", scene->sent++);
        assert_int_equal(zmtp_uv_send(scene->pub.socket, parts, 2), ZMTP_OK);
        break;
    case NOTHING:
        assert_int_equal(zmtp_uv_send(scene->pub.socket, NULL, 1), ZMTP_ERR_ARGUMENT);
        break;
    case WISH:
        assert_int_equal(zmtp_uv_subscribe(scene->subs[0].socket, zmtp_bytes_text("c")), ZMTP_OK);
        break;
    default:
        world_turn(&scene->world);
        break;
    }
}

static void test_whatever_is_asked_between_two_counts_what_was_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAR; i++) {
        for (size_t stride = 1; stride <= 25; stride += 4) {
            struct scene scene;
            scene_open(&scene, transports[i], 0, stride % 8 == 1);
            for (size_t n = 0; scene.sent < 2 * BURST; n++) {
                scene_send(&scene, stride);
                look(&scene, (int)(n % WAYS));
            }
            assert_true(scene.volleys > 0 || stride < 5 || transports[i] == ZMTP_INPROC);
            assert_counted(&scene);
            scene_until_all_have_all(&scene);
            assert_counted(&scene);
            world_close(&scene.world);
        }
    }
}

static void turn(uv_check_t *check)
{
    struct scene *const scene = check->data;
    scene_send(scene, BURST);
    if (++scene->turns == BURST) uv_check_stop(check);
}

static void test_the_loop_finds_what_its_user_s_callbacks_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAR; i++) {
        struct scene scene;
        scene_open(&scene, transports[i], 0, false);
        assert_int_equal(uv_check_init(&scene.world.loop, &scene.check), 0);
        scene.check.data = &scene;
        uv_check_start(&scene.check, turn);
        WORLD_UNTIL(&scene.world, scene.turns == BURST);
        scene_until_all_have_all(&scene);
        uv_close((uv_handle_t *)&scene.check, NULL);
        world_turn(&scene.world);
        assert_counted(&scene);
        world_close(&scene.world);
    }
}

// Nothing is lost of what one callback of the loop's user sends, though it is more than the limit.
static void test_a_volley_beyond_the_limit_is_written_in_between(void **state)
{
    (void)state;
    enum { LIMIT = 20 };
    for (int nodrop = 0; nodrop < 2; nodrop++) {
        struct scene scene;
        scene_open(&scene, ZMTP_TCP, LIMIT, nodrop);
        for (size_t i = 0; i < CROWD; i++)
            assert_int_equal(scene.subs[i].count, 0);
        scene_send(&scene, (size_t)10 * LIMIT);
        assert_true(scene.volleys > LIMIT);
        assert_counted(&scene);
        scene_until_all_have_all(&scene);
        world_close(&scene.world);
    }
}

static void test_what_was_sent_before_a_socket_closes_arrives(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAR; i++) {
        struct scene scene;
        scene_open(&scene, transports[i], 0, false);
        scene_send(&scene, BURST);
        zmtp_uv_socket_close(scene.pub.socket, NULL, NULL);
        scene.pub.closed = true;
        scene_until_all_have_all(&scene);
        world_close(&scene.world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whatever_is_asked_between_two_counts_what_was_sent),
        cmocka_unit_test(test_the_loop_finds_what_its_user_s_callbacks_sent),
        cmocka_unit_test(test_a_volley_beyond_the_limit_is_written_in_between),
        cmocka_unit_test(test_what_was_sent_before_a_socket_closes_arrives),
    };
    return cmocka_run_group_tests_name("uv volley", tests, NULL, NULL);
}
