// Short messages that are sent in a burst are put behind each other, and told to the queue together; by every path: over a
// connection, within an engine, to the engine of another thread. Nobody can tell: whatever is asked or done between two of
// them, or by the loop, it is as if each had been sent by itself.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/world.h"

enum { MESSAGES = 1500, LIMIT = 100, STRIDES = 40, PATHS = 4 };
#define LARGE_BODY "large" // and blanks behind it
#define PARTS_BODY "a|b"

// |from| sends to |to|, over a connection, within an engine, or to the engine of another thread. |other| is of the same
// engine as |from|, and |third| too, which has nobody.
struct scene {
    struct world world, far;
    struct zmtp_uv_shared *names;
    struct node from, to, third, other, sink;
    bool crosses;
    size_t sent;           // messages of |from|
    size_t next, expected; // number of the short one that is sent, and that comes, next
    size_t copies;         // of what |other| sent
};

// Short ones, some of which are none of a few octets.
static const char *body_of(size_t number)
{
    static char text[200];
    (void)snprintf(text, sizeof text, "%0*zu",
                   number % 31 == 7  ? 150
                   : number % 5 == 2 ? 30
                                     : 4,
                   number);
    return text;
}

static void take(struct node *node, struct zmtp_msg *msg)
{
    struct scene *const scene = node->other;
    (void)msg;
    if (strcmp(node->last, PARTS_BODY) == 0 || strncmp(node->last, LARGE_BODY, 5) == 0) return;
    assert_string_equal(node->last, body_of(scene->expected++));
}

static void scene_turn(struct scene *scene)
{
    if (!scene->crosses) {
        world_turn(&scene->world);
        return;
    }
    // One thread runs both loops, so neither may sleep.
    if (scene->world.expired) fail_msg("the loops did not get there");
    uv_run(&scene->world.loop, UV_RUN_NOWAIT);
    uv_run(&scene->far.loop, UV_RUN_NOWAIT);
}
#define SCENE_UNTIL(scene, condition)                                                              \
    while (!(condition))                                                                           \
    scene_turn(scene)

static void scene_open(struct scene *scene, size_t path, size_t limit)
{
    static const enum zmtp_transport transports[PATHS] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC,
                                                          ZMTP_INPROC};
    char endpoint[ZMTP_ENDPOINT_MAX];
    memset(scene, 0, sizeof *scene);
    scene->crosses = path == PATHS - 1;
    world_open(&scene->world);
    if (scene->crosses) {
        world_open(&scene->far);
        assert_int_equal(zmtp_uv_shared_open(&scene->names), ZMTP_OK);
        assert_int_equal(zmtp_uv_join(scene->world.uv, scene->names), ZMTP_OK);
        assert_int_equal(zmtp_uv_join(scene->far.uv, scene->names), ZMTP_OK);
        zmtp_uv_shared_close(scene->names); // it goes with the engines
    }
    node_init(&scene->from, &scene->world, ZMTP_DEALER);
    node_init(&scene->to, scene->crosses ? &scene->far : &scene->world, ZMTP_DEALER);
    scene->from.config.limits.heartbeat_interval_ms = 1;
    scene->from.config.socket.send_count_max = scene->to.config.socket.recv_count_max = limit;
    scene->to.other = scene;
    scene->to.act = take;
    node_open(&scene->from);
    node_open(&scene->to);
    world_endpoint(&scene->world, transports[path], endpoint);
    node_bind(&scene->to, endpoint);
    node_connect(&scene->from, endpoint);
    SCENE_UNTIL(scene, scene->from.events[ZMTP_EVENT_HANDSHAKE_DONE] &&
                           scene->to.events[ZMTP_EVENT_HANDSHAKE_DONE]);
    node_start(&scene->third, &scene->world, ZMTP_DEALER);
    node_start(&scene->other, &scene->world, ZMTP_PUSH);
    node_start(&scene->sink, &scene->world, ZMTP_PULL);
    node_bind(&scene->sink, "inproc://sink");
    node_connect(&scene->other, "inproc://sink");
}

static void scene_close(struct scene *scene)
{
    world_close(&scene->world);
    if (scene->crosses) world_close(&scene->far);
}

static void look_at_peer(void *context, const struct zmtp_uv_peer *peer)
{
    const struct scene *const scene = context;
    assert_int_equal(peer->flow.copies, scene->sent);
    assert_int_equal(peer->flow.copies, peer->flow.left + peer->flow.queued);
}

enum {
    COUNTERS,
    PEERS,
    JSON,
    PROMETHEUS,
    EVENTS,
    ERROR_TEXT,
    TURN,
    REFUSED,
    OTHER,
    LARGE,
    PARTS,
    NOTHING,
    BACK,
    WAYS
};
// Something is asked or done between two messages.
static void look(struct scene *scene, int way)
{
    static char text[1 << 16];
    struct zmtp_uv_socket *const socket = scene->from.socket;
    struct zmtp_socket_counters c;
    switch (way) {
    case COUNTERS:
        c = zmtp_uv_counters(socket);
        assert_int_equal(c.sent, scene->sent);
        assert_int_equal(c.copies, c.left + c.queued);
        break;
    case PEERS:
        zmtp_uv_each_peer(socket, look_at_peer, scene);
        break;
    case JSON:
        assert_true(zmtp_uv_stats_json(socket, text, sizeof text) > 0);
        assert_int_equal(world_number(text, "\"sent\":"), scene->sent);
        break;
    case PROMETHEUS:
        assert_true(zmtp_uv_stats_prometheus(scene->world.uv, text, sizeof text) > 0);
        break;
    case EVENTS:
        (void)zmtp_uv_events(socket);
        break;
    case ERROR_TEXT:
        assert_string_equal(zmtp_uv_error_text(socket), "");
        break;
    case TURN:
        uv_run(&scene->world.loop, UV_RUN_NOWAIT);
        break;
    case REFUSED:
        assert_int_equal(node_try(&scene->third, "x"), ZMTP_ERR_AGAIN);
        break;
    case OTHER:
        node_send(&scene->other, "by the way");
        scene->copies++;
        break;
    case LARGE:
        (void)snprintf(text, sizeof text, "%-300s", LARGE_BODY);
        node_send(&scene->from, text);
        scene->sent++;
        break;
    case PARTS:
        node_send(&scene->from, PARTS_BODY);
        scene->sent++;
        break;
    case NOTHING:
        assert_int_equal(zmtp_uv_send(socket, NULL, 1), ZMTP_ERR_ARGUMENT);
        break;
    default:
        node_send(&scene->to, "back"); // over inproc to the same queues' other end
        break;
    }
}

static int scene_try(struct scene *scene)
{
    const int result = node_try(&scene->from, body_of(scene->next));
    if (result < 0) return result;
    scene->next++;
    scene->sent++;
    return result;
}

static void scene_send(struct scene *scene, size_t count)
{
    while (count-- > 0)
        assert_int_equal(scene_try(scene), ZMTP_OK);
}

static void test_all_come_in_their_order_whatever_is_asked_or_done_between(void **state)
{
    (void)state;
    for (size_t path = 0; path < PATHS; path++) {
        struct scene scene;
        scene_open(&scene, path, 0);
        for (size_t stride = 1; stride <= STRIDES; stride++)
            for (int way = 0; way < WAYS; way++) {
                scene_send(&scene, stride);
                look(&scene, way);
            }
        look(&scene, COUNTERS);
        SCENE_UNTIL(&scene, scene.to.received == scene.sent && scene.sink.received == scene.copies);
        look(&scene, COUNTERS);
        assert_int_equal(scene.expected, scene.next);
        scene_close(&scene);
    }
}

static void test_a_queue_takes_as_many_as_its_limit_says(void **state)
{
    (void)state;
    for (size_t path = 0; path < PATHS; path++) {
        struct scene scene;
        size_t before = 0;
        scene_open(&scene, path, LIMIT);
        for (int round = 0; round < 20; round++) {
            while (scene_try(&scene) == ZMTP_OK)
                continue;
            look(&scene, COUNTERS);
            if (path < 2) // the kernel takes some
                assert_in_range(zmtp_uv_counters(scene.from.socket).queued, 1, LIMIT);
            else // one queue, with the room of two
                assert_int_equal(scene.sent - before, 2 * LIMIT);
            before = scene.sent;
            SCENE_UNTIL(&scene, scene.to.received == scene.sent);
            for (int i = 0; scene.crosses && i < 3; i++) // the room is heard of
                scene_turn(&scene);
        }
        scene_close(&scene);
    }
}

static void test_who_has_no_connection_yet_keeps_as_many_as_its_limit_says(void **state)
{
    (void)state;
    struct world world;
    struct node push;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&push, &world, ZMTP_PUSH);
    push.config.socket.send_count_max = LIMIT;
    node_open(&push);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_connect(&push, endpoint);
    for (size_t i = 0; i < LIMIT; i++)
        node_send(&push, body_of(i));
    assert_int_equal(node_try(&push, "one more"), ZMTP_ERR_AGAIN);
    assert_int_equal(zmtp_uv_counters(push.socket).queued, LIMIT);
    world_close(&world);
}

// A handle of the program's own sends in the loop, and what comes behind it there finds all of it.
struct burst {
    struct scene *scene;
    size_t rings;
    uv_timer_t timer;
    uv_check_t check;
};

static void burst_ring(struct burst *burst, uv_handle_t *handle, size_t count)
{
    scene_send(burst->scene, count);
    if (++burst->rings == LIMIT) uv_close(handle, NULL);
}

static void burst_on_timer(uv_timer_t *timer)
{
    burst_ring(timer->data, (uv_handle_t *)timer, 9);
}

static void burst_on_check(uv_check_t *check)
{
    burst_ring(check->data, (uv_handle_t *)check, 60);
}

static void test_the_loop_finds_what_its_user_s_callbacks_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * PATHS; i++) {
        struct scene scene;
        struct burst burst = {.scene = &scene};
        scene_open(&scene, i % PATHS, 0);
        if (i < PATHS) {
            burst.timer.data = &burst;
            uv_timer_init(&scene.world.loop, &burst.timer);
            uv_timer_start(&burst.timer, burst_on_timer, 0, 1);
        } else {
            burst.check.data = &burst;
            uv_check_init(&scene.world.loop, &burst.check);
            uv_check_start(&burst.check, burst_on_check);
        }
        SCENE_UNTIL(&scene, burst.rings == LIMIT && scene.to.received == scene.sent);
        look(&scene, COUNTERS);
        scene_close(&scene);
    }
}

static void test_a_close_amid_them_loses_none(void **state)
{
    (void)state;
    for (size_t path = 0; path < PATHS; path++) {
        struct scene scene;
        scene_open(&scene, path, 0);
        scene_send(&scene, MESSAGES / 2);
        zmtp_uv_socket_close(scene.from.socket, NULL, NULL);
        SCENE_UNTIL(&scene, scene.to.received == scene.sent);
        scene_close(&scene);
    }
}

static void test_a_forked_child_sends_nothing(void **state)
{
    (void)state;
    struct scene scene;
    int status;
    scene_open(&scene, 0, 0);
    scene_send(&scene, LIMIT);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(node_try(&scene.from, "mine") == ZMTP_ERR_STATE ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    SCENE_UNTIL(&scene, scene.to.received == scene.sent);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_come_in_their_order_whatever_is_asked_or_done_between),
        cmocka_unit_test(test_a_queue_takes_as_many_as_its_limit_says),
        cmocka_unit_test(test_who_has_no_connection_yet_keeps_as_many_as_its_limit_says),
        cmocka_unit_test(test_the_loop_finds_what_its_user_s_callbacks_sent),
        cmocka_unit_test(test_a_close_amid_them_loses_none),
        cmocka_unit_test(test_a_forked_child_sends_nothing),
    };
    return cmocka_run_group_tests_name("uv sends", tests, NULL, NULL);
}
