// A socket whose core is on another thread than its connections. The test plays the connections: it holds
// their ends of the pipes, on the loop's thread.
#include <string.h>

#include "test/support/world.h"
#include "zmtp/io/remote.h"

struct app {
    struct world world;
    struct zmtp__remote remote;
    struct zmtp_marks marks; // of the connections' ends
    struct node node;        // keeps the loop alive, as a socket with a remote core would
    struct zmtp_socket_config config;
    uint64_t number; // of the engine's socket that connections are made for
    unsigned rings;
};

static void app_rung(struct zmtp__remote *remote)
{
    struct app *app = (struct app *)((char *)remote - offsetof(struct app, remote));
    app->rings++;
}

static void app_open(struct app *app, enum zmtp_socket_type type)
{
    struct zmtp_uv_shared *shared;
    struct zmtp_socket *core;
    memset(app, 0, sizeof *app);
    world_open(&app->world);
    assert_int_equal(zmtp_uv_shared_open(&shared), ZMTP_OK);
    assert_int_equal(zmtp_uv_join(app->world.uv, shared), ZMTP_OK);
    zmtp_uv_shared_close(shared);
    node_start(&app->node, &app->world, ZMTP_PAIR);
    zmtp_socket_config_init(&app->config, type);
    app->config.send_count_max = app->config.recv_count_max = 30;
    assert_int_equal(zmtp_socket_open(&core, &app->config), ZMTP_OK);
    zmtp__remote_init(&app->remote, core, app->world.uv, app_rung);
}

// Turns of both threads, until neither has anything to do.
static void app_turn(struct app *app)
{
    for (int i = 0; i < 10; i++) {
        uv_run(&app->world.loop, UV_RUN_NOWAIT);
        if (app->remote.core) zmtp_socket_process(app->remote.core);
        zmtp__remote_work(&app->remote);
        (void)zmtp__remote_sleep(&app->remote);
    }
}

static void app_close(struct app *app)
{
    if (app->remote.core) zmtp__remote_close(&app->remote);
    app_turn(app);
    assert_true(zmtp__remote_over(&app->remote));
    zmtp__remote_fini(&app->remote);
    world_close(&app->world);
}

static int app_attach(struct app *app, bool dialled, struct zmtp_bytes routing_id,
                      struct zmtp_pipe_end **end)
{
    const struct zmtp__remote_visit visit = {
        .number = app->number, .dialled = dialled, .routing_id = routing_id};
    return zmtp__remote_attach(&app->remote, &app->config, &visit, end);
}

// An accepted connection whose peer calls itself |routing_id|.
static struct zmtp_pipe_end *app_accept(struct app *app, const char *routing_id)
{
    struct zmtp_pipe_end *end;
    const struct zmtp_origin told = {
        .type_known = true, .type = ZMTP_DEALER, .routing_id = zmtp_bytes_text(routing_id)};
    assert_int_equal(app_attach(app, false, told.routing_id, &end), ZMTP_OK);
    zmtp_pipe_own(end, &app->marks, app);
    assert_int_equal(zmtp_pipe_link_up(end, &told), ZMTP_OK);
    return end;
}

static void far_send(struct zmtp_pipe_end *end, const char *text)
{
    zmtp__queue_begin(end->out);
    assert_int_equal(zmtp__queue_put(end->out, zmtp_bytes_text(text), NULL, 0), ZMTP_OK);
    zmtp__queue_end(end->out, 1);
    zmtp__pipe_published(end);
}

static void core_expects(struct app *app, const char *routing_id, const char *text)
{
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp_socket_recv(app->remote.core, &msg), ZMTP_OK);
    assert_true(zmtp_bytes_equal(zmtp_msg_bytes(&msg, 0), zmtp_bytes_text(routing_id)));
    assert_true(zmtp_bytes_equal(zmtp_msg_bytes(&msg, 1), zmtp_bytes_text(text)));
    assert_true(zmtp_bytes_equal(msg.origin->routing_id, zmtp_bytes_text(routing_id)));
    zmtp_msg_fini(&msg);
}

static int core_send(struct app *app, const char *routing_id, const char *text)
{
    const struct zmtp_bytes parts[] = {zmtp_bytes_text(routing_id), zmtp_bytes_text(text)};
    return zmtp_socket_send_bytes(app->remote.core, parts, 2);
}

// Sends until there is no room; how many.
static size_t core_fill(struct app *app, const char *routing_id)
{
    size_t sent = 0;
    for (; core_send(app, routing_id, "x") == ZMTP_OK; sent++)
        app_turn(app);
    return sent;
}

// How many messages wait at a connection's end; they are taken.
static size_t far_take(struct zmtp_pipe_end *end)
{
    size_t count = 0;
    for (; end->in->count > 0; count++)
        zmtp__queue_drop(end->in);
    zmtp__pipe_consumed(end);
    return count;
}

static void loop_wakes(struct app *app)
{
    zmtp__engine_wake(app->world.uv); // as a connection's event would
}

static void test_messages_pass_between_connections_and_a_core_elsewhere(void **state)
{
    (void)state;
    static struct app app;
    app_open(&app, ZMTP_ROUTER);
    struct zmtp_pipe_end *one = app_accept(&app, "one"), *two = app_accept(&app, "two");
    assert_true(app.rings > 0);
    far_send(one, "hello");
    far_send(two, "hallo");
    loop_wakes(&app);
    app_turn(&app);
    core_expects(&app, "one", "hello");
    core_expects(&app, "two", "hallo");
    assert_int_equal(core_send(&app, "two", "gruezi"), ZMTP_OK);
    assert_int_equal(core_send(&app, "three", "nobody"), ZMTP_ERR_UNREACHABLE);
    app_turn(&app);
    assert_int_equal(far_take(one), 0);
    assert_int_equal(far_take(two), 1);
    // One connection ends; the core knows it no more.
    zmtp_pipe_close(one);
    loop_wakes(&app);
    app_turn(&app);
    assert_int_equal(core_send(&app, "one", "gone"), ZMTP_ERR_UNREACHABLE);
    zmtp_pipe_close(two);
    loop_wakes(&app);
    app_close(&app);
}

static void test_a_connection_that_the_core_refuses_finds_its_pipe_closed(void **state)
{
    (void)state;
    static struct app app;
    app_open(&app, ZMTP_ROUTER);
    struct zmtp_pipe_end *one = app_accept(&app, "same"), *two = app_accept(&app, "same");
    loop_wakes(&app);
    app_turn(&app);
    assert_false(one->other->closed);
    assert_true(two->other->closed);
    zmtp_pipe_close(one);
    zmtp_pipe_close(two);
    loop_wakes(&app);
    app_close(&app);
}

static void test_limits_hold_on_the_way_to_a_connection(void **state)
{
    (void)state;
    static struct app app;
    app_open(&app, ZMTP_ROUTER);
    struct zmtp_pipe_end *one = app_accept(&app, "one");
    loop_wakes(&app);
    app_turn(&app);
    const size_t sent = core_fill(&app, "one");
    size_t taken = 0;
    assert_int_equal(sent, 30);
    while ((taken += far_take(one)) < sent) {
        loop_wakes(&app);
        app_turn(&app);
    }
    loop_wakes(&app);
    app_turn(&app);
    assert_int_equal(core_send(&app, "one", "x"), ZMTP_OK);
    zmtp_pipe_close(one);
    loop_wakes(&app);
    app_close(&app);
}

static void test_what_was_sent_before_the_core_closed_is_with_the_loop(void **state)
{
    (void)state;
    static struct app app;
    app_open(&app, ZMTP_ROUTER);
    struct zmtp_pipe_end *one = app_accept(&app, "one");
    loop_wakes(&app);
    app_turn(&app);
    const size_t sent = core_fill(&app, "one");
    size_t taken = 0;
    zmtp__remote_close(&app.remote);
    struct zmtp_pipe_end *late = app_accept(&app, "late"); // is refused
    while (taken < sent) {
        taken += far_take(one);
        loop_wakes(&app);
        app_turn(&app);
    }
    assert_true(zmtp__pipe_finished(one));
    assert_true(late->other->closed);
    zmtp_pipe_close(one);
    zmtp_pipe_close(late);
    app_close(&app);
}

static void test_the_core_parts_with_what_came_of_one_endpoint(void **state)
{
    (void)state;
    static struct app app;
    app_open(&app, ZMTP_ROUTER);
    struct zmtp_pipe_end *one = app_accept(&app, "one");
    app.number = 7;
    struct zmtp_pipe_end *two = app_accept(&app, "two");
    loop_wakes(&app);
    app_turn(&app);
    assert_int_equal(core_send(&app, "two", "still to leave"), ZMTP_OK);
    struct zmtp_pipe_end *three = app_accept(&app, "three"); // the core has not seen it yet
    zmtp__remote_part(&app.remote, 7);
    loop_wakes(&app);
    app_turn(&app);
    assert_int_equal(core_send(&app, "one", "x"), ZMTP_OK);
    assert_int_equal(core_send(&app, "two", "x"), ZMTP_ERR_UNREACHABLE);
    assert_int_equal(core_send(&app, "three", "x"), ZMTP_ERR_UNREACHABLE);
    app_turn(&app);
    assert_true(two->other->closed);
    assert_true(zmtp__pipe_finished(three));
    assert_int_equal(far_take(two), 1);
    assert_false(one->other->closed);
    zmtp_pipe_close(one);
    zmtp_pipe_close(two);
    zmtp_pipe_close(three);
    loop_wakes(&app);
    app_close(&app);
}

static void test_a_dialled_endpoint_keeps_its_pipe_from_connection_to_connection(void **state)
{
    (void)state;
    static struct app app;
    struct zmtp_pipe_end *end;
    const struct zmtp_origin told = {.type_known = true, .type = ZMTP_PUB};
    app_open(&app, ZMTP_SUB);
    assert_int_equal(zmtp_socket_subscribe(app.remote.core, zmtp_bytes_text("a")), ZMTP_OK);
    assert_int_equal(app_attach(&app, true, (struct zmtp_bytes){0}, &end), ZMTP_OK);
    zmtp_pipe_own(end, &app.marks, &app);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(zmtp_pipe_link_up(end, &told), ZMTP_OK);
        loop_wakes(&app);
        app_turn(&app);
        assert_int_equal(end->in->count, 1); // the subscription, told anew
        assert_int_equal(end->in->commands, 1);
        far_send(end, "abc");
        zmtp_pipe_link_down(end);
        loop_wakes(&app);
        app_turn(&app);
        struct zmtp_msg msg;
        zmtp_msg_init(&msg, NULL);
        assert_int_equal(zmtp_socket_recv(app.remote.core, &msg), ZMTP_OK);
        zmtp_msg_fini(&msg);
    }
    zmtp_pipe_close(end);
    loop_wakes(&app);
    app_close(&app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_pass_between_connections_and_a_core_elsewhere),
        cmocka_unit_test(test_a_connection_that_the_core_refuses_finds_its_pipe_closed),
        cmocka_unit_test(test_limits_hold_on_the_way_to_a_connection),
        cmocka_unit_test(test_what_was_sent_before_the_core_closed_is_with_the_loop),
        cmocka_unit_test(test_the_core_parts_with_what_came_of_one_endpoint),
        cmocka_unit_test(test_a_dialled_endpoint_keeps_its_pipe_from_connection_to_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
