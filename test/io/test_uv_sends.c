// Short messages that are sent in a burst are put behind each other, and told to the queue together. Nobody can tell:
// whatever is asked or done between two of them, or by the loop, it is as if each had been sent by itself.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/world.h"

enum { BURST = 60, FAR = 3 };
static const enum zmtp_transport transports[FAR] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC};

// |to| receives what |from| sends; |third| has nobody.
struct scene {
    struct world world;
    struct node from, to, third;
    size_t sent;
    uv_check_t check;
    size_t turns;
};

static void scene_open(struct scene *scene, enum zmtp_transport transport, size_t limit)
{
    char endpoint[ZMTP_ENDPOINT_MAX];
    memset(scene, 0, sizeof *scene);
    world_open(&scene->world);
    node_init(&scene->from, &scene->world, ZMTP_DEALER);
    node_init(&scene->to, &scene->world, ZMTP_DEALER);
    node_start(&scene->third, &scene->world, ZMTP_DEALER);
    scene->from.config.limits.heartbeat_interval_ms = 1;
    scene->from.config.socket.send_count_max = scene->to.config.socket.recv_count_max = limit;
    node_open(&scene->from);
    node_open(&scene->to);
    world_endpoint(&scene->world, transport, endpoint);
    node_bind(&scene->to, endpoint);
    node_connect(&scene->from, endpoint);
    WORLD_UNTIL(&scene->world, scene->from.events[ZMTP_EVENT_HANDSHAKE_DONE] &&
                                   scene->to.events[ZMTP_EVENT_HANDSHAKE_DONE]);
}

static int scene_try(struct scene *scene)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%05zu", scene->sent);
    const struct zmtp_bytes body = zmtp_bytes_text(text);
    const int result = zmtp_uv_send(scene->from.socket, &body, 1);
    if (result == ZMTP_OK) scene->sent++;
    return result;
}

static void scene_send(struct scene *scene, size_t count)
{
    while (count-- > 0)
        assert_int_equal(scene_try(scene), ZMTP_OK);
}

static uint64_t number_behind(const char *text, const char *name)
{
    const char *const found = strstr(text, name);
    assert_non_null(found);
    return strtoull(found + strlen(name), NULL, 10);
}

static void look_at_peer(void *context, const struct zmtp_uv_peer *peer)
{
    const struct scene *const scene = context;
    assert_int_equal(peer->flow.copies, scene->sent);
    assert_int_equal(peer->flow.copies, peer->flow.left + peer->flow.queued);
}

enum { COUNTERS, PEERS, JSON, PROMETHEUS, ANOTHER, LARGE, PARTS, NOTHING, BACK, WAYS };
static void look(struct scene *scene, int way)
{
    static char text[1 << 16];
    static const uint8_t large[300] = "large";
    const struct zmtp_bytes parts[] = {zmtp_bytes_text("a"), zmtp_bytes_text("b")};
    const struct zmtp_bytes body = zmtp_bytes_of(large, sizeof large);
    struct zmtp_socket_counters c;
    switch (way) {
    case COUNTERS:
        c = zmtp_uv_counters(scene->from.socket);
        assert_int_equal(c.sent, scene->sent);
        assert_int_equal(c.copies, c.left + c.queued);
        break;
    case PEERS:
        zmtp_uv_each_peer(scene->from.socket, look_at_peer, scene);
        break;
    case JSON:
        assert_true(zmtp_uv_stats_json(scene->from.socket, text, sizeof text) > 0);
        assert_int_equal(number_behind(text, "\"sent\":"), scene->sent);
        break;
    case PROMETHEUS:
        assert_true(zmtp_uv_stats_prometheus(scene->world.uv, text, sizeof text) > 0);
        break;
    case ANOTHER:
        assert_int_equal(node_try(&scene->third, "x"), ZMTP_ERR_AGAIN);
        break;
    case LARGE:
        assert_int_equal(zmtp_uv_send(scene->from.socket, &body, 1), ZMTP_OK);
        scene->sent++;
        break;
    case PARTS:
        assert_int_equal(zmtp_uv_send(scene->from.socket, parts, 2), ZMTP_OK);
        scene->sent++;
        break;
    case NOTHING:
        assert_int_equal(zmtp_uv_send(scene->from.socket, NULL, 1), ZMTP_ERR_ARGUMENT);
        break;
    default:
        node_send(&scene->to, "back"); // over inproc to the same queues' other end
        break;
    }
}

static void test_whatever_is_asked_between_two_counts_what_was_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAR; i++) {
        for (size_t stride = 1; stride <= 20; stride += 3) {
            struct scene scene;
            scene_open(&scene, transports[i], 0);
            for (size_t n = 0; scene.sent < BURST; n++) {
                scene_send(&scene, stride);
                look(&scene, (int)(n % WAYS));
            }
            look(&scene, COUNTERS);
            WORLD_UNTIL(&scene.world, scene.to.received == scene.sent);
            look(&scene, COUNTERS);
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
        scene_open(&scene, transports[i], 0);
        assert_int_equal(uv_check_init(&scene.world.loop, &scene.check), 0);
        scene.check.data = &scene;
        uv_check_start(&scene.check, turn);
        WORLD_UNTIL(&scene.world, scene.turns == BURST && scene.to.received == scene.sent);
        uv_close((uv_handle_t *)&scene.check, NULL);
        world_turn(&scene.world);
        look(&scene, COUNTERS);
        world_close(&scene.world);
    }
}

static void test_the_last_that_finds_no_room_is_refused(void **state)
{
    (void)state;
    enum { LIMIT = 20 };
    struct scene scene;
    scene_open(&scene, ZMTP_INPROC, LIMIT);
    while (scene_try(&scene) == ZMTP_OK)
        assert_true(scene.sent <= 2 * LIMIT);
    assert_int_equal(scene.sent, 2 * LIMIT); // both sides' limits
    look(&scene, COUNTERS);
    WORLD_UNTIL(&scene.world, scene.to.received == scene.sent);
    world_close(&scene.world);
}

static void test_what_was_sent_before_a_socket_closes_arrives(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAR; i++) {
        struct scene scene;
        scene_open(&scene, transports[i], 0);
        scene_send(&scene, BURST);
        zmtp_uv_socket_close(scene.from.socket, NULL, NULL);
        scene.from.closed = true;
        WORLD_UNTIL(&scene.world, scene.to.received == BURST);
        world_close(&scene.world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whatever_is_asked_between_two_counts_what_was_sent),
        cmocka_unit_test(test_the_loop_finds_what_its_user_s_callbacks_sent),
        cmocka_unit_test(test_the_last_that_finds_no_room_is_refused),
        cmocka_unit_test(test_what_was_sent_before_a_socket_closes_arrives),
    };
    return cmocka_run_group_tests_name("uv sends", tests, NULL, NULL);
}
