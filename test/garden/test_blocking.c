// The blocking client as a program in C uses it: structs in and out, of a daemon in a process of its own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <garden/blocking.h>

#include "daemon_rig.h"

enum { SOON_MS = 300, PATIENCE_MS = 60000 };

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_lane_of_requests_gives_its_reply),
        TEST(a_refusal_is_a_reply_and_no_failure),
        TEST(a_daemon_that_stands_still_is_told_in_time_and_is_heard_again_later),
        TEST(an_event_is_waited_for_and_those_before_it_are_passed_over),
        TEST(calls_without_what_they_need_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
