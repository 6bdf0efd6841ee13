// Requests with a time limit, sent again, cancelled, and many in flight, on a real loop.
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/stranger.h"

// A REQ with one service or two.
struct scene {
    struct world world;
    struct node req, a, b;
    char endpoint[ZMTP_ENDPOINT_MAX];
    uint32_t failed; // the last request of which it was told
    int error;
};

static void note_failed(struct node *node, const struct zmtp_event *event)
{
    struct scene *scene = node->other;
    if (event->kind != ZMTP_EVENT_REQUEST_FAILED) return;
    scene->failed = event->request;
    scene->error = event->error;
}

static void scene_init(struct scene *scene, enum zmtp_socket_type type)
{
    world_open(&scene->world);
    scene->failed = 0;
    scene->error = ZMTP_OK;
    node_start(&scene->a, &scene->world, type);
    world_endpoint(&scene->world, ZMTP_TCP, scene->endpoint);
    node_bind(&scene->a, scene->endpoint);
    node_init(&scene->req, &scene->world, ZMTP_REQ);
    scene->req.other = scene;
    scene->req.note = note_failed;
}

static void send_back(struct node *node, struct zmtp_msg *msg)
{
    assert_int_equal(zmtp_uv_send_msg(node->socket, msg), ZMTP_OK);
}

static void test_a_service_that_stays_silent_is_told_of_in_time(void **state)
{
    (void)state;
    for (int pull = 0; pull < 2; pull++) {
        struct scene scene;
        scene_init(&scene, ZMTP_ROUTER);
        scene.req.config.socket.req_timeout_ms = 30;
        pull ? node_open_pull(&scene.req) : node_open(&scene.req);
        node_connect(&scene.req, scene.endpoint);
        for (uint32_t number = 1; number <= 3; number++) {
            node_send(&scene.req, "are you there?");
            assert_int_equal(zmtp_uv_last_request(scene.req.socket), number);
            const uint64_t begun = uv_hrtime();
            if (pull) {
                struct zmtp_msg msg = {0};
                zmtp_msg_init(&msg, NULL);
                WORLD_UNTIL(&scene.world, scene.req.readable == number);
                assert_true(zmtp_uv_events(scene.req.socket) & ZMTP_READABLE);
                assert_int_equal(zmtp_uv_recv(scene.req.socket, &msg), ZMTP_ERR_TIMEOUT);
                assert_int_equal(msg.request, number);
                zmtp_msg_fini(&msg);
            } else {
                WORLD_UNTIL(&scene.world, scene.failed == number);
                assert_int_equal(scene.error, ZMTP_ERR_TIMEOUT);
            }
            assert_true(uv_hrtime() - begun >= 28 * UINT64_C(1000000));
        }
        assert_int_equal(scene.req.received, 0);
        world_close(&scene.world);
    }
}

// The reply lies in the kernel when the timer rings: a program that was busy for longer than the limit finds it.
static void test_a_reply_that_came_while_the_program_was_busy_is_in_time(void **state)
{
    (void)state;
    struct world world;
    struct node req;
    struct stranger service;
    world_open(&world);
    node_init(&req, &world, ZMTP_REQ);
    req.config.socket.req_timeout_ms = 1000;
    node_open(&req);
    node_bind(&req, "tcp://127.0.0.1:*");
    stranger_open(&service, &world, zmtp_uv_endpoint(req.socket));
    stranger_join(&service, &req, LITERAL("\x04\x19\x05READY\x0BSocket-Type\0\0\0\x03REP"));
    node_send(&req, "q");
    WORLD_UNTIL(&world, zmtp_uv_counters(req.socket).left == 1);
    assert_true(stranger_say(&service, LITERAL("\1\4\0\0\0\1\1\0\0\1r")));
    assert_int_equal(poll(NULL, 0, 1200), 0); // busy
    WORLD_UNTIL(&world, req.received == 1 || req.events[ZMTP_EVENT_REQUEST_FAILED]);
    assert_string_equal(req.last, "r");
    assert_int_equal(req.events[ZMTP_EVENT_REQUEST_FAILED], 0);
    stranger_close(&service);
    world_close(&world);
}

static void test_a_request_finds_the_service_that_works(void **state)
{
    (void)state;
    struct scene scene;
    char other[ZMTP_ENDPOINT_MAX];
    scene_init(&scene, ZMTP_ROUTER); // which never answers
    node_start(&scene.b, &scene.world, ZMTP_REP);
    scene.b.act = send_back;
    world_endpoint(&scene.world, ZMTP_IPC, other);
    node_bind(&scene.b, other);
    scene.req.config.socket.req_timeout_ms = 20;
    scene.req.config.socket.req_retries = UINT32_MAX; // a machine may be slow
    node_open(&scene.req);
    node_connect(&scene.req, scene.endpoint);
    node_connect(&scene.req, other);
    WORLD_UNTIL(&scene.world, scene.req.events[ZMTP_EVENT_HANDSHAKE_DONE] == 2);
    for (size_t i = 1; i <= 4; i++) {
        node_send(&scene.req, "question|mark");
        WORLD_UNTIL(&scene.world, scene.req.received == i);
        assert_string_equal(scene.req.last, "question|mark");
    }
    assert_int_equal(scene.failed, 0);
    world_close(&scene.world);
}

static void test_a_request_outlives_its_service(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, ZMTP_ROUTER);
    scene.req.config.socket.req_retries = 1; // and no time limit
    node_open(&scene.req);
    node_connect(&scene.req, scene.endpoint);
    node_send(&scene.req, "question");
    WORLD_UNTIL(&scene.world, scene.a.received == 1);
    node_close(&scene.a);
    node_start(&scene.b, &scene.world, ZMTP_REP);
    scene.b.act = send_back;
    node_bind(&scene.b, scene.endpoint);
    WORLD_UNTIL(&scene.world, scene.req.received == 1);
    assert_string_equal(scene.req.last, "question");
    world_close(&scene.world);
}

enum { MANY = 300 };

// Keeps what is asked, and answers the last first.
struct late {
    struct zmtp_msg asked[MANY];
    size_t count;
};

static void keep(struct node *node, struct zmtp_msg *msg)
{
    struct late *late = node->other;
    assert_true(late->count < MANY);
    late->asked[late->count++] = *msg;
    zmtp_msg_init(msg, NULL);
    if (late->count < MANY) return;
    while (late->count > 0)
        assert_int_equal(zmtp_uv_send_msg(node->socket, &late->asked[--late->count]), ZMTP_OK);
}

static void expect_own(struct node *node, struct zmtp_msg *msg)
{
    uint32_t asked;
    memcpy(&asked, zmtp_msg_bytes(msg, 0).data, sizeof asked);
    assert_int_equal(asked, msg->request);
    (void)node;
}

static void test_many_in_flight_are_answered_in_any_order(void **state)
{
    (void)state;
    struct scene scene;
    struct late *late = calloc(1, sizeof *late);
    assert_non_null(late);
    scene_init(&scene, ZMTP_ROUTER);
    scene.a.other = late;
    scene.a.act = keep;
    scene.req.config.socket.req_in_flight_max = MANY;
    node_open(&scene.req);
    scene.req.act = expect_own;
    node_connect(&scene.req, scene.endpoint);
    for (uint32_t number = 1; number <= MANY; number++) {
        const struct zmtp_bytes part = zmtp_bytes_of(&number, sizeof number);
        assert_int_equal(zmtp_uv_send(scene.req.socket, &part, 1), ZMTP_OK);
    }
    assert_int_equal(node_try(&scene.req, "one too many"), ZMTP_ERR_AGAIN);
    WORLD_UNTIL(&scene.world, scene.req.received == MANY);
    WORLD_UNTIL(&scene.world, scene.req.writable == 1);
    world_close(&scene.world);
    free(late);
}

static void test_of_many_in_flight_each_that_is_lost_is_told(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, ZMTP_ROUTER);
    scene.req.config.socket.req_in_flight_max = 10;
    node_open(&scene.req);
    node_connect(&scene.req, scene.endpoint);
    for (size_t i = 0; i < 10; i++)
        node_send(&scene.req, "question");
    WORLD_UNTIL(&scene.world, scene.a.received == 10);
    assert_int_equal(zmtp_uv_cancel_request(scene.req.socket, 4), ZMTP_OK);
    assert_int_equal(zmtp_uv_cancel_request(scene.req.socket, 4), ZMTP_ERR_NOT_FOUND);
    assert_int_equal(zmtp_uv_cancel_request(scene.a.socket, 4), ZMTP_ERR_UNSUPPORTED);
    node_close(&scene.a);
    WORLD_UNTIL(&scene.world, scene.failed == 10);
    assert_int_equal(scene.req.events[ZMTP_EVENT_REQUEST_FAILED], 9);
    assert_int_equal(scene.error, ZMTP_ERR_NO_REPLY);
    assert_int_equal(node_try(&scene.req, "waits for the next"), ZMTP_OK);
    world_close(&scene.world);
}

// One in flight and no time limit, and whoever was asked will never answer.
static void test_a_request_fails_when_its_dialler_gives_up(void **state)
{
    (void)state;
    for (int pull = 0; pull < 2; pull++) {
        struct scene scene;
        char nowhere[ZMTP_ENDPOINT_MAX];
        scene_init(&scene, ZMTP_PUB); // which no REQ can speak to
        world_endpoint(&scene.world, ZMTP_TCP, nowhere);
        scene.req.config.reconnect_stop = ZMTP_STOP_REFUSED | ZMTP_STOP_HANDSHAKE;
        pull ? node_open_pull(&scene.req) : node_open(&scene.req);
        for (uint32_t number = 1; number <= 2; number++) { // a dial fails, or a handshake
            node_connect(&scene.req, number == 1 ? nowhere : scene.endpoint);
            node_send(&scene.req, "are you there?");
            if (pull) {
                struct zmtp_msg msg = {0};
                zmtp_msg_init(&msg, NULL);
                WORLD_UNTIL(&scene.world, scene.req.readable == number);
                assert_int_equal(zmtp_uv_recv(scene.req.socket, &msg), ZMTP_ERR_NO_REPLY);
                assert_int_equal(msg.request, number);
                assert_int_equal(zmtp_uv_recv(scene.req.socket, &msg), ZMTP_ERR_STATE);
                zmtp_msg_fini(&msg);
            } else {
                WORLD_UNTIL(&scene.world, scene.failed == number);
                assert_int_equal(scene.error, ZMTP_ERR_NO_REPLY);
                assert_non_null(strstr(scene.req.reasons[ZMTP_EVENT_REQUEST_FAILED], "went"));
            }
            assert_int_equal(scene.req.events[ZMTP_EVENT_GAVE_UP], number);
        }
        world_close(&scene.world);
    }
}

static void test_a_request_fails_when_its_endpoint_is_disconnected(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, ZMTP_ROUTER);
    node_open(&scene.req);
    node_connect(&scene.req, scene.endpoint);
    node_send(&scene.req, "are you there?");
    WORLD_UNTIL(&scene.world, scene.a.received == 1);
    assert_int_equal(zmtp_uv_disconnect(scene.req.socket, scene.endpoint), ZMTP_OK);
    WORLD_UNTIL(&scene.world, scene.failed == 1);
    assert_int_equal(scene.error, ZMTP_ERR_NO_REPLY);
    world_close(&scene.world);
}

// The descriptor of a foreign loop is readable when a request's time is over.
static void test_a_foreign_loop_is_woken_for_a_request(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, ZMTP_ROUTER);
    scene.req.config.socket.req_timeout_ms = 30;
    node_open(&scene.req);
    node_connect(&scene.req, scene.endpoint);
    WORLD_UNTIL(&scene.world, scene.req.events[ZMTP_EVENT_HANDSHAKE_DONE]);
    assert_true(zmtp_uv_fd(scene.world.uv) >= 0);
    node_send(&scene.req, "question");
    while (scene.failed == 0) {
        const int timeout = zmtp_uv_timeout_ms(scene.world.uv);
        assert_true(timeout >= 0); // the watchdog alone would make it thousands
        if (scene.a.received) assert_true(timeout <= 30);
        assert_int_equal(zmtp_uv_turn(scene.world.uv), ZMTP_OK);
    }
    world_close(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_service_that_stays_silent_is_told_of_in_time),
        cmocka_unit_test(test_a_reply_that_came_while_the_program_was_busy_is_in_time),
        cmocka_unit_test(test_a_request_finds_the_service_that_works),
        cmocka_unit_test(test_a_request_outlives_its_service),
        cmocka_unit_test(test_many_in_flight_are_answered_in_any_order),
        cmocka_unit_test(test_of_many_in_flight_each_that_is_lost_is_told),
        cmocka_unit_test(test_a_request_fails_when_its_dialler_gives_up),
        cmocka_unit_test(test_a_request_fails_when_its_endpoint_is_disconnected),
        cmocka_unit_test(test_a_foreign_loop_is_woken_for_a_request),
    };
    return cmocka_run_group_tests_name("uv requests", tests, NULL, NULL);
}
