// Short messages that are sent together, by every path: over a connection, within an engine, to the engine of another thread.
// Whatever is asked or done between two of them, it is as if each had been sent by itself.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/world.h"

enum { MESSAGES = 1500, LIMIT = 100, STRIDES = 40, PATHS = 4 };

// |from| sends to |to|, over a connection, within an engine, or to the engine of another thread. |other| is of the same
// engine as |from|.
struct scene {
    struct world world, far;
    struct zmtp_uv_shared *names;
    struct node from, to, other, sink;
    bool crosses;
    size_t expected; // what came next
    size_t copies;   // of what |other| sent
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

static uint64_t number_behind(const char *text, const char *name)
{
    const char *const found = strstr(text, name);
    assert_non_null(found);
    return strtoull(found + strlen(name), NULL, 10);
}

static void look_at_peer(void *context, const struct zmtp_uv_peer *peer)
{
    const size_t *const sent = context;
    assert_int_equal(peer->flow.copies, *sent);
    assert_int_equal(peer->flow.copies, peer->flow.left + peer->flow.queued);
}

// Something is asked or done after |sent| messages.
static void look(struct scene *scene, size_t what, size_t sent)
{
    static char text[1 << 16];
    struct zmtp_uv_socket *const socket = scene->from.socket;
    struct zmtp_socket_counters c;
    switch (what % 7) {
    case 0:
        c = zmtp_uv_counters(socket);
        assert_int_equal(c.sent, sent);
        assert_int_equal(c.copies, c.left + c.queued);
        break;
    case 1:
        zmtp_uv_each_peer(socket, look_at_peer, &sent);
        break;
    case 2:
        assert_true(zmtp_uv_stats_json(socket, text, sizeof text) > 0);
        assert_int_equal(number_behind(text, "\"sent\":"), sent);
        break;
    case 3:
        node_send(&scene->other, "by the way");
        scene->copies++;
        break;
    case 4:
        (void)zmtp_uv_events(socket);
        break;
    case 5:
        uv_run(&scene->world.loop, UV_RUN_NOWAIT);
        break;
    case 6:
        assert_string_equal(zmtp_uv_error_text(socket), "");
        break;
    }
}

static void scene_send(struct scene *scene, size_t *sent)
{
    SCENE_UNTIL(scene, node_try(&scene->from, body_of(*sent)) == ZMTP_OK);
    ++*sent;
}

static void test_all_come_in_their_order_whatever_is_done_between(void **state)
{
    (void)state;
    for (size_t path = 0; path < PATHS; path++) {
        struct scene scene;
        size_t sent = 0;
        scene_open(&scene, path, 0);
        for (size_t stride = 1; stride <= STRIDES; stride++)
            for (size_t what = 0; what < 7; what++) {
                for (size_t i = 0; i < stride; i++)
                    scene_send(&scene, &sent);
                look(&scene, what, sent);
            }
        SCENE_UNTIL(&scene, scene.to.received == sent && scene.sink.received == scene.copies);
        const struct zmtp_socket_counters c = zmtp_uv_counters(scene.from.socket);
        assert_int_equal(c.sent, sent);
        scene_close(&scene);
    }
}

static void test_a_queue_takes_as_many_as_its_limit_says(void **state)
{
    (void)state;
    for (size_t path = 0; path < PATHS; path++) {
        struct scene scene;
        size_t sent = 0, before = 0;
        scene_open(&scene, path, LIMIT);
        for (int round = 0; round < 20; round++) {
            while (node_try(&scene.from, body_of(sent)) == ZMTP_OK)
                sent++;
            const struct zmtp_socket_counters c = zmtp_uv_counters(scene.from.socket);
            assert_int_equal(c.sent, sent);
            if (path < 2) // the kernel takes some
                assert_in_range(c.queued, 1, LIMIT);
            else // one queue, with the room of two
                assert_int_equal(sent - before, 2 * LIMIT);
            before = sent;
            SCENE_UNTIL(&scene, scene.to.received == sent);
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

// A timer of the program's own sends in the loop, and what comes behind it there finds all of it.
struct burst {
    struct scene *scene;
    size_t sent, rings;
};

static void burst_ring(uv_timer_t *timer)
{
    struct burst *const burst = timer->data;
    for (int i = 0; i < 9; i++)
        scene_send(burst->scene, &burst->sent);
    if (++burst->rings == LIMIT) uv_close((uv_handle_t *)timer, NULL);
}

static void test_a_timer_of_the_program_sends_in_the_loop(void **state)
{
    (void)state;
    for (size_t path = 0; path < PATHS; path++) {
        struct scene scene;
        struct burst burst = {.scene = &scene};
        uv_timer_t timer;
        scene_open(&scene, path, 0);
        timer.data = &burst;
        uv_timer_init(&scene.world.loop, &timer);
        uv_timer_start(&timer, burst_ring, 0, 1);
        SCENE_UNTIL(&scene, burst.rings == LIMIT && scene.to.received == burst.sent);
        scene_close(&scene);
    }
}

static void test_a_close_amid_them_loses_none(void **state)
{
    (void)state;
    for (size_t path = 0; path < PATHS; path++) {
        struct scene scene;
        size_t sent = 0;
        scene_open(&scene, path, 0);
        while (sent < MESSAGES / 2)
            scene_send(&scene, &sent);
        zmtp_uv_socket_close(scene.from.socket, NULL, NULL);
        SCENE_UNTIL(&scene, scene.to.received == sent);
        scene_close(&scene);
    }
}

static void test_a_forked_child_sends_nothing(void **state)
{
    (void)state;
    struct scene scene;
    size_t sent = 0;
    int status;
    scene_open(&scene, 0, 0);
    while (sent < LIMIT)
        scene_send(&scene, &sent);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(node_try(&scene.from, "mine") == ZMTP_ERR_STATE ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    SCENE_UNTIL(&scene, scene.to.received == sent);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_come_in_their_order_whatever_is_done_between),
        cmocka_unit_test(test_a_queue_takes_as_many_as_its_limit_says),
        cmocka_unit_test(test_who_has_no_connection_yet_keeps_as_many_as_its_limit_says),
        cmocka_unit_test(test_a_timer_of_the_program_sends_in_the_loop),
        cmocka_unit_test(test_a_close_amid_them_loses_none),
        cmocka_unit_test(test_a_forked_child_sends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
