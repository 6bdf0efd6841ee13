// The blocking client as a program in C uses it: structs in and out, of a daemon in a process of its own, or
// of one that the test turns between its calls.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <garden/blocking.h>

#include "daemon_rig.h"
#include "pair.h"

enum { SOON_MS = 300, PATIENCE_MS = 60000, LARGE = 1024 * 1024 };

static const char *const quiet[] = {"--source", "none", NULL};

struct fixture {
    struct rig rig; // the daemon, and another client of it
    struct garden_blocking *garden;
};

static int setup(void **state)
{
    static struct fixture f;
    const char *why = NULL;
    f = (struct fixture){.garden = NULL};
    rig_prepare(&f.rig);
    rig_start(&f.rig, quiet);
    if (garden_blocking_open_file(&f.garden, f.rig.connection_file, &why) < 0) fail_msg("%s", why);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    garden_blocking_close(f->garden);
    rig_stop(&f->rig);
    return 0;
}

// ---- Requests

static void each_lane_of_requests_gives_its_reply(void **state)
{
    struct fixture *f = *state;
    struct garden_message reply;
    const struct garden_shell_request seek = {.kind = GARDEN_SHELL_SEEK, .seek = {16.5}};
    const struct garden_shell_request where = {.kind = GARDEN_SHELL_GET_TRANSPORT_STATE};
    const struct garden_shell_request node = {
        .kind = GARDEN_SHELL_ADD_NODE,
        .add_node = {
            .node = {.name = garden_text_of("a"), .node_type = garden_text_of("source.sine")}}};
    assert_int_equal(garden_blocking_shell(f->garden, &seek, PATIENCE_MS, &reply), GARDEN_OK);
    assert_int_equal(reply.family, GARDEN_SHELL_REPLY);
    assert_int_equal(reply.shell_reply.kind, GARDEN_REPLY_OK);
    garden_message_fini(&reply);
    assert_int_equal(garden_blocking_shell(f->garden, &where, 0, &reply), GARDEN_OK);
    assert_int_equal(reply.shell_reply.kind, GARDEN_REPLY_TRANSPORT_STATE);
    assert_true(reply.shell_reply.transport_state.position == 16.5);
    garden_message_fini(&reply);
    assert_int_equal(garden_blocking_shell(f->garden, &node, 0, &reply), GARDEN_OK);
    assert_int_equal(reply.shell_reply.kind, GARDEN_REPLY_NODE_ADDED);
    garden_message_fini(&reply);

    const struct garden_control_request interrupt = {.kind = GARDEN_CONTROL_INTERRUPT};
    assert_int_equal(garden_blocking_control(f->garden, &interrupt, 0, &reply), GARDEN_OK);
    assert_int_equal(reply.family, GARDEN_CONTROL_REPLY);
    assert_true(garden_text_is(reply.control_reply.interrupted.was_running, "nothing"));
    garden_message_fini(&reply);

    const struct garden_query_request query = {.query =
                                                   garden_text_of("{ Node { name @output } }")};
    assert_int_equal(garden_blocking_query(f->garden, &query, 0, &reply), GARDEN_OK);
    assert_int_equal(reply.family, GARDEN_QUERY_REPLY);
    assert_int_equal(reply.query_reply.kind, GARDEN_QUERY_REPLY_RESULTS);
    assert_int_equal(reply.query_reply.results.rows.count, 1);
    const struct garden_value *name =
        garden_value_find(&reply.query_reply.results.rows.items[0], "name");
    assert_non_null(name);
    assert_true(garden_text_is(name->text, "a"));
    garden_message_fini(&reply);
    assert_string_equal(garden_blocking_why(f->garden), "");
}

static void a_refusal_is_a_reply_and_no_failure(void **state)
{
    struct fixture *f = *state;
    struct garden_message reply;
    const struct garden_query_request query = {.query = garden_text_of("{ Nothing }")};
    const struct garden_shell_request none = {.kind = GARDEN_SHELL_DELETE_REGION};
    assert_int_equal(garden_blocking_query(f->garden, &query, 0, &reply), GARDEN_OK);
    assert_int_equal(reply.query_reply.kind, GARDEN_QUERY_REPLY_ERROR);
    garden_message_fini(&reply);
    assert_int_equal(garden_blocking_shell(f->garden, &none, 0, &reply), GARDEN_OK);
    assert_int_equal(reply.shell_reply.kind, GARDEN_REPLY_ERROR);
    assert_int_equal(garden_code_read(&reply.metadata), GARDEN_ERR_NOT_FOUND);
    garden_message_fini(&reply);
}

static void a_daemon_that_stands_still_is_told_in_time_and_is_heard_again_later(void **state)
{
    struct fixture *f = *state;
    struct garden_message reply;
    const struct garden_shell_request play = {.kind = GARDEN_SHELL_PLAY};
    assert_int_equal(garden_blocking_ping(f->garden, PATIENCE_MS), GARDEN_OK);
    assert_int_equal(kill(f->rig.pid, SIGSTOP), 0);
    assert_int_equal(garden_blocking_shell(f->garden, &play, SOON_MS, &reply), GARDEN_ERR_TIMEOUT);
    assert_string_equal(garden_blocking_why(f->garden), garden_err_text(GARDEN_ERR_TIMEOUT));
    assert_int_equal(garden_blocking_ping(f->garden, SOON_MS), GARDEN_ERR_TIMEOUT);
    assert_int_equal(kill(f->rig.pid, SIGCONT), 0);
    assert_int_equal(garden_blocking_ping(f->garden, PATIENCE_MS), GARDEN_OK);
    assert_int_equal(garden_blocking_shell(f->garden, &play, PATIENCE_MS, &reply), GARDEN_OK);
    garden_message_fini(&reply);
}

// ---- Events

static void rig_add_node(struct rig *rig, const char *name)
{
    const struct garden_shell_request request = {
        .kind = GARDEN_SHELL_ADD_NODE,
        .add_node = {
            .node = {.name = garden_text_of(name), .node_type = garden_text_of("source.sine")}}};
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_NODE_ADDED);
}

struct wanted {
    const char *name;
    size_t asked;
};

static bool is_wanted(const struct garden_message *event, void *user)
{
    struct wanted *wanted = user;
    wanted->asked++;
    return event->event.kind == GARDEN_EVENT_NODE_ADDED &&
           garden_text_is(event->event.node_added.name, wanted->name);
}

static bool is_welcome(const struct garden_message *event, void *user)
{
    (void)user;
    return event->event.kind == GARDEN_EVENT_WELCOME;
}

static void an_event_is_waited_for_and_those_before_it_are_passed_over(void **state)
{
    struct fixture *f = *state;
    struct garden_message event;
    assert_int_equal(garden_blocking_wait_for(f->garden, is_welcome, NULL, PATIENCE_MS, &event),
                     GARDEN_OK);
    garden_message_fini(&event);
    for (const char *name = "abcde"; *name; name++)
        rig_add_node(&f->rig, (const char[]){*name, '\0'});
    struct wanted wanted = {.name = "c"};
    assert_int_equal(garden_blocking_wait_for(f->garden, is_wanted, &wanted, PATIENCE_MS, &event),
                     GARDEN_OK);
    assert_int_equal(wanted.asked, 3);
    assert_true(garden_text_is(event.event.node_added.name, "c"));
    garden_message_fini(&event);
    for (const char *name = "de"; *name; name++) {
        assert_int_equal(garden_blocking_event(f->garden, PATIENCE_MS, &event), GARDEN_OK);
        assert_int_equal(event.family, GARDEN_EVENT);
        assert_true(garden_text_is(event.event.node_added.name, (const char[]){*name, '\0'}));
        garden_message_fini(&event);
    }
    assert_int_equal(garden_blocking_event(f->garden, 0, &event), GARDEN_ERR_TIMEOUT);
    assert_int_equal(garden_blocking_wait_for(f->garden, is_wanted, &wanted, SOON_MS, &event),
                     GARDEN_ERR_TIMEOUT);
    assert_int_equal(wanted.asked, 3);
    assert_int_equal(garden_blocking_missed(f->garden), 0);
}

// Between calls the loop stands still, and its clock with it.
static void a_call_after_a_rest_waits_as_long_as_it_is_told(void **state)
{
    struct fixture *f = *state;
    struct garden_message event;
    assert_int_equal(garden_blocking_wait_for(f->garden, is_welcome, NULL, PATIENCE_MS, &event),
                     GARDEN_OK);
    garden_message_fini(&event);
    nanosleep(&(struct timespec){.tv_nsec = 2 * SOON_MS * 1000000L}, NULL);
    const uint64_t begun_ns = uv_hrtime();
    assert_int_equal(garden_blocking_event(f->garden, SOON_MS, &event), GARDEN_ERR_TIMEOUT);
    assert_true(uv_hrtime() - begun_ns > SOON_MS * UINT64_C(1000000) / 2);
}

static void calls_without_what_they_need_are_refused(void **state)
{
    struct fixture *f = *state;
    struct garden_message message;
    struct garden_blocking *none;
    struct garden_client_config config;
    const struct garden_shell_request shell = {.kind = GARDEN_SHELL_PLAY};
    const struct garden_control_request control = {.kind = GARDEN_CONTROL_PAUSE};
    const struct garden_query_request query = {.query = garden_text_of("{}")};
    garden_client_config_init(&config);
    const int results[] = {
        garden_blocking_open(NULL, &config, NULL),
        garden_blocking_open(&none, NULL, NULL),
        garden_blocking_open_file(NULL, NULL, NULL),
        garden_blocking_shell(NULL, &shell, 0, &message),
        garden_blocking_shell(f->garden, NULL, 0, &message),
        garden_blocking_shell(f->garden, &shell, 0, NULL),
        garden_blocking_control(NULL, &control, 0, &message),
        garden_blocking_control(f->garden, NULL, 0, &message),
        garden_blocking_control(f->garden, &control, 0, NULL),
        garden_blocking_query(NULL, &query, 0, &message),
        garden_blocking_query(f->garden, NULL, 0, &message),
        garden_blocking_query(f->garden, &query, 0, NULL),
        garden_blocking_ping(NULL, 0),
        garden_blocking_event(NULL, 0, &message),
        garden_blocking_event(f->garden, 0, NULL),
        garden_blocking_wait_for(NULL, is_welcome, NULL, 0, &message),
        garden_blocking_wait_for(f->garden, NULL, NULL, 0, &message),
        garden_blocking_wait_for(f->garden, is_welcome, NULL, 0, NULL),
        (int)garden_blocking_ask(f->garden, "shell", "\"Play\"", 0, NULL, 1),
        (int)garden_blocking_reply(NULL, NULL, 0),
        (int)garden_blocking_reply(f->garden, NULL, 1),
        (int)garden_blocking_next(NULL, 0, NULL, 0),
        (int)garden_blocking_next(f->garden, 0, NULL, 1),
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (results[i] != GARDEN_ERR_ARGUMENT) fail_msg("call %zu came to %d", i, results[i]);
    assert_string_equal(garden_blocking_why(NULL), "there is no client");
}

// ---- A daemon that is turned by hand

static void on_lost_of_a_user_that_is_none(struct garden_client *client, uint64_t first,
                                           uint64_t count, void *user)
{
    (void)client;
    (void)first;
    (void)count;
    fail_msg("a callback was called, with %s", (const char *)user);
}

static void open_beside(struct pair *pair, struct garden_blocking **garden, bool catch_up)
{
    struct garden_error error = {0};
    pair_open(pair, ZMTP_IPC);
    pair_server_start(pair);
    pair->client_config.endpoints = pair->endpoints;
    pair->client_config.catch_up = catch_up;
    pair->client_config.on_lost = on_lost_of_a_user_that_is_none;
    pair->client_config.user = (void *)(uintptr_t) "the user of the config";
    if (garden_blocking_open(garden, &pair->client_config, &error) < 0) fail_msg("%s", error.text);
}

// A turn of both. The client waits for a ping, so that it receives and nothing is taken.
static void turn(struct pair *pair, struct garden_blocking *garden)
{
    (void)uv_run(&pair->world.loop, UV_RUN_NOWAIT);
    (void)garden_blocking_ping(garden, 1);
    if (pair->world.expired) fail_msg("it takes too long");
}

// Both are turned until the client has an event, which is |kind|'s.
static uint64_t take(struct pair *pair, struct garden_blocking *garden, enum garden_event_kind kind)
{
    struct garden_message event;
    uint64_t seq = UINT64_MAX;
    int result;
    while ((result = garden_blocking_event(garden, 0, &event)) == GARDEN_ERR_TIMEOUT)
        turn(pair, garden);
    assert_int_equal(result, GARDEN_OK);
    assert_int_equal(event.event.kind, kind);
    const struct garden_value *number = garden_map_find(&event.metadata, "seq");
    if (number) assert_true(garden_value_to_u64(number, &seq));
    garden_message_fini(&event);
    return seq;
}

static void publish(struct pair *pair, size_t size)
{
    static char text[LARGE];
    memset(text, 'x', sizeof text);
    const struct garden_event event = {.kind = GARDEN_EVENT_WARNING, .warning = {{text, size}}};
    assert_int_equal(garden_server_publish(pair->server, &event, NULL, 0), GARDEN_OK);
}

// 16 MiB of them; what they have is a little more than their text.
static void events_that_nobody_takes_make_room_for_those_that_come_and_are_counted(void **state)
{
    (void)state;
    enum { PUBLISHED = 20, KEPT = GARDEN_BLOCKING_EVENT_BYTES_MAX / LARGE - 1 };
    struct pair pair;
    struct garden_blocking *garden;
    open_beside(&pair, &garden, false);
    (void)take(&pair, garden, GARDEN_EVENT_WELCOME);
    for (int i = 1; i <= PUBLISHED; i++) {
        publish(&pair, LARGE);
        for (int turns = 0; turns < 4; turns++)
            turn(&pair, garden);
    }
    while (garden_blocking_missed(garden) < PUBLISHED - KEPT)
        turn(&pair, garden);
    for (uint64_t seq = PUBLISHED - KEPT; seq < PUBLISHED; seq++)
        assert_int_equal(take(&pair, garden, GARDEN_EVENT_WARNING), seq);
    assert_int_equal(garden_blocking_missed(garden), PUBLISHED - KEPT);
    garden_blocking_close(garden);
    pair_close(&pair);
}

// Pings go out once a second, and a call that looks whether there is an event must not sleep until the next.
static void a_call_that_does_not_wait_comes_back_at_once(void **state)
{
    struct fixture *f = *state;
    struct garden_message event;
    assert_int_equal(garden_blocking_wait_for(f->garden, is_welcome, NULL, PATIENCE_MS, &event),
                     GARDEN_OK);
    garden_message_fini(&event);
    const uint64_t begun_ns = uv_hrtime();
    for (int i = 0; i < 60; i++)
        assert_int_equal(garden_blocking_event(f->garden, 0, &event), GARDEN_ERR_TIMEOUT);
    assert_true(uv_hrtime() - begun_ns < UINT64_C(20000000000));
}

static void the_configs_callbacks_are_not_called(void **state)
{
    (void)state;
    struct pair pair;
    struct garden_blocking *garden;
    open_beside(&pair, &garden, true);
    (void)take(&pair, garden, GARDEN_EVENT_WELCOME);
    publish(&pair, 1);
    assert_int_equal(take(&pair, garden, GARDEN_EVENT_WARNING), 0);
    pair_server_leave(&pair);
    while (!pair.server_closed)
        turn(&pair, garden);
    pair_server_start(&pair); // another session: whoever catches up is told of what may be lost
    publish(&pair, 1);
    (void)take(&pair, garden, GARDEN_EVENT_WELCOME);
    assert_int_equal(take(&pair, garden, GARDEN_EVENT_WARNING), 0);
    garden_blocking_close(garden);
    pair_close(&pair);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_lane_of_requests_gives_its_reply),
        TEST(a_refusal_is_a_reply_and_no_failure),
        TEST(a_daemon_that_stands_still_is_told_in_time_and_is_heard_again_later),
        TEST(an_event_is_waited_for_and_those_before_it_are_passed_over),
        TEST(a_call_that_does_not_wait_comes_back_at_once),
        TEST(a_call_after_a_rest_waits_as_long_as_it_is_told),
        TEST(calls_without_what_they_need_are_refused),
        cmocka_unit_test(events_that_nobody_takes_make_room_for_those_that_come_and_are_counted),
        cmocka_unit_test(the_configs_callbacks_are_not_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
