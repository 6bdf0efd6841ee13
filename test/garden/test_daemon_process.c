// The daemon as a process: its lanes, its requests, how it starts and how it ends.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon_rig.h"

static const char *const quiet[] = {"--source", "counter:2,48000", "--position-ms", "5", NULL};

static int setup(void **state)
{
    static struct rig rig;
    rig_prepare(&rig);
    *state = &rig;
    return 0;
}

static int setup_started(void **state)
{
    (void)setup(state);
    rig_start(*state, quiet);
    return 0;
}

static int teardown(void **state)
{
    rig_stop(*state);
    return 0;
}

// ---- Requests

static void every_shell_request_gets_a_reply(void **state)
{
    struct rig *rig = *state;
    for (int kind = GARDEN_SHELL_CREATE_REGION; kind <= GARDEN_SHELL_STREAM_STOP; kind++) {
        const struct garden_shell_request request = {.kind = (enum garden_shell_request_kind)kind};
        if (rig_shell(rig, &request) != GARDEN_REPLY_ERROR) continue;
        assert_int_not_equal(garden_code_read(&rig->reply.metadata), GARDEN_ERR_SYSTEM);
        assert_null(strstr(rig->reply.shell_reply.error.error.data, "implement"));
    }
}

static void every_control_request_gets_the_reply_of_its_kind(void **state)
{
    struct rig *rig = *state;
    const struct garden_shell_request play = {.kind = GARDEN_SHELL_PLAY};
    assert_int_equal(rig_control(rig, GARDEN_CONTROL_PAUSE), GARDEN_CONTROL_REPLY_OK);
    assert_int_equal(rig_shell(rig, &play), GARDEN_REPLY_OK);
    assert_int_equal(rig_control(rig, GARDEN_CONTROL_INTERRUPT), GARDEN_CONTROL_REPLY_INTERRUPTED);
    assert_true(garden_text_is(rig->reply.control_reply.interrupted.was_running, "playback"));
    assert_int_equal(rig_control(rig, GARDEN_CONTROL_INTERRUPT), GARDEN_CONTROL_REPLY_INTERRUPTED);
    assert_true(garden_text_is(rig->reply.control_reply.interrupted.was_running, "nothing"));
    assert_int_equal(rig_control(rig, GARDEN_CONTROL_DEBUG_DUMP), GARDEN_CONTROL_REPLY_DEBUG_DUMP);
    const struct garden_value *dump = &rig->reply.control_reply.debug_dump.state;
    const struct garden_value *sources = garden_value_find(dump, "sources");
    assert_non_null(sources);
    assert_int_equal(sources->list.count, 1);
    struct garden_text text;
    assert_true(garden_value_to_text(garden_value_find(&sources->list.items[0], "name"), &text));
    assert_true(garden_text_is(text, "default"));
    assert_non_null(garden_value_find(dump, "streams"));
}

static void a_query_is_told_that_there_are_none_yet(void **state)
{
    struct rig *rig = *state;
    const struct garden_query_request request = {.query = garden_text_of("{ nodes { name } }")};
    const struct garden_answer answer = rig_answer(rig);
    rig_await(rig, garden_client_query(rig->client, &request, &answer));
    assert_int_equal(rig->reply.query_reply.kind, GARDEN_QUERY_REPLY_ERROR);
}

static bool has_position(struct rig *rig)
{
    return rig_count(rig, GARDEN_EVENT_PLAYBACK_POSITION) >= 3;
}

static void playing_is_told_with_its_position(void **state)
{
    struct rig *rig = *state;
    struct garden_shell_request request = {.kind = GARDEN_SHELL_SEEK, .seek = {.beat = 16}};
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_OK);
    request = (struct garden_shell_request){.kind = GARDEN_SHELL_PLAY};
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_OK);
    assert_true(rig_run(rig, has_position, RIG_WAIT_MS));
    assert_int_equal(rig_count(rig, GARDEN_EVENT_PLAYBACK_STARTED), 1);
    request.kind = GARDEN_SHELL_GET_TRANSPORT_STATE;
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_TRANSPORT_STATE);
    assert_true(rig->reply.shell_reply.transport_state.playing);
    assert_true(rig->reply.shell_reply.transport_state.position > 16);
    request.kind = GARDEN_SHELL_STOP;
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_OK);
    request.kind = GARDEN_SHELL_GET_TRANSPORT_STATE;
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_TRANSPORT_STATE);
    assert_true(rig->reply.shell_reply.transport_state.position == 0);
}

static bool has_approved(struct rig *rig)
{
    return rig_count(rig, GARDEN_EVENT_LATENT_APPROVED) == 1;
}

static void a_latent_region_goes_its_way_to_approval(void **state)
{
    struct rig *rig = *state;
    const struct garden_text text = garden_text_of("text");
    struct garden_shell_request request = {.kind = GARDEN_SHELL_CREATE_REGION};
    request.create_region.duration = 4;
    request.create_region.behavior.kind = GARDEN_BEHAVIOR_LATENT;
    request.create_region.behavior.latent.job_id = text;
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_REGION_CREATED);
    const struct garden_uuid id = rig->reply.shell_reply.region_created.region_id;
    request = (struct garden_shell_request){.kind = GARDEN_SHELL_APPROVE_LATENT,
                                            .approve_latent = {.region_id = id}};
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_ERROR);
    rig_assert_error(rig, GARDEN_ERR_STATE, "pending");
    request =
        (struct garden_shell_request){.kind = GARDEN_SHELL_UPDATE_LATENT_STARTED,
                                      .update_latent_started = {.region_id = id, .job_id = text}};
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_OK);
    request = (struct garden_shell_request){
        .kind = GARDEN_SHELL_UPDATE_LATENT_RESOLVED,
        .update_latent_resolved = {.region_id = id, .artifact_id = text, .content_hash = text}};
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_OK);
    request = (struct garden_shell_request){.kind = GARDEN_SHELL_GET_PENDING_APPROVALS};
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_PENDING_APPROVALS);
    assert_int_equal(rig->reply.shell_reply.pending_approvals.approvals.count, 1);
    request = (struct garden_shell_request){.kind = GARDEN_SHELL_APPROVE_LATENT,
                                            .approve_latent = {.region_id = id}};
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_OK);
    assert_true(rig_run(rig, has_approved, RIG_WAIT_MS));
}

static void a_repeated_request_is_executed_once(void **state)
{
    struct rig *rig = *state;
    const struct garden_uuid msg_id = {{7}};
    struct garden_shell_request request = {.kind = GARDEN_SHELL_CREATE_REGION};
    struct garden_uuid made[2];
    for (int i = 0; i < 2; i++) {
        struct garden_answer answer = rig_answer(rig);
        answer.msg_id = &msg_id;
        rig_await(rig, garden_client_shell(rig->client, &request, &answer));
        made[i] = rig->reply.shell_reply.region_created.region_id;
    }
    assert_true(garden_uuid_equal(made[0], made[1]));
    request = (struct garden_shell_request){.kind = GARDEN_SHELL_GET_REGIONS};
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_REGIONS);
    assert_int_equal(rig->reply.shell_reply.regions.regions.count, 1);
}

// ---- What is no request

struct raw {
    struct rig *rig;
    bool heard;
    enum garden_family family;
    bool is_error, has_parent;
};

static void raw_on_message(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    (void)socket;
    struct raw *raw = user;
    struct garden_message message;
    struct garden_form form;
    assert_int_equal(
        garden_message_decode(&message, zmtp_msg_bytes(msg, msg->count - 1), NULL, &form, NULL),
        GARDEN_OK);
    raw->heard = true;
    raw->family = message.family;
    raw->has_parent = message.has_parent;
    raw->is_error =
        (message.family == GARDEN_SHELL_REPLY && message.shell_reply.kind == GARDEN_REPLY_ERROR) ||
        (message.family == GARDEN_CONTROL_REPLY &&
         message.control_reply.kind == GARDEN_CONTROL_REPLY_ERROR) ||
        (message.family == GARDEN_QUERY_REPLY &&
         message.query_reply.kind == GARDEN_QUERY_REPLY_ERROR);
    garden_message_fini(&message);
}

static bool raw_is_heard(struct rig *rig)
{
    return ((struct raw *)rig->user)->heard;
}

#define HEADER(type, version)                                                                      \
    "{\"header\":{\"msg_id\":\"11111111-1111-4111-8111-111111111111\",\"session\":"                \
    "\"22222222-2222-4222-8222-222222222222\",\"msg_type\":\"" type "\",\"version\":\"" version    \
    "\",\"timestamp\":\"2026-01-01T00:00:00Z\"},\"parent_header\":null,\"metadata\":{},"

static void what_is_no_request_gets_an_error_on_every_lane(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *octets;
        bool has_header; // so that the Error can be a reply to it
    } sent[] = {
        {"", false},
        {"\x93\x01", false},
        {"{\"header\":", false},
        {HEADER("shell_request", "0.2.0") "\"content\":\"Play\"}", true},
        {HEADER("control_request", "9") "\"content\":\"Pause\"}", true},
        {HEADER("shell_request", "0.1.0") "\"content\":\"Dance\"}", true},
        {HEADER("dance_request", "0.1.0") "\"content\":\"Play\"}", true},
        {HEADER("shell_reply", "0.1.0") "\"content\":{\"Ok\":{}}}", true},
        {HEADER("query_request", "0.1.0") "\"content\":7}", true},
    };
    static const enum garden_lane lanes[] = {GARDEN_LANE_CONTROL, GARDEN_LANE_SHELL,
                                             GARDEN_LANE_QUERY};
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
        struct raw raw = {.rig = rig};
        struct zmtp_uv_socket *socket;
        struct zmtp_uv_config config;
        zmtp_uv_config_init(&config, ZMTP_DEALER);
        config.on_message = raw_on_message;
        config.user = &raw;
        rig->user = &raw;
        assert_int_equal(zmtp_uv_socket_open(&socket, rig->uv, &config), ZMTP_OK);
        assert_int_equal(zmtp_uv_connect(socket, rig->connection.endpoints.of[lanes[i]]), ZMTP_OK);
        for (size_t s = 0; s < sizeof sent / sizeof *sent; s++) {
            const struct zmtp_bytes part = zmtp_bytes_text(sent[s].octets);
            raw.heard = false;
            while (zmtp_uv_send(socket, &part, 1) == ZMTP_ERR_AGAIN)
                uv_run(&rig->loop, UV_RUN_ONCE); // until it is connected
            assert_true(rig_run(rig, raw_is_heard, RIG_WAIT_MS));
            assert_true(raw.is_error);
            assert_int_equal(raw.has_parent, sent[s].has_header);
        }
        zmtp_uv_socket_close(socket, NULL, NULL);
    }
    // And nobody else notices.
    const struct garden_shell_request request = {.kind = GARDEN_SHELL_GET_TRANSPORT_STATE};
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_TRANSPORT_STATE);
}

// ---- Start and end

static bool is_shutting_down(struct rig *rig)
{
    return rig->status == GARDEN_EXECUTION_SHUTTING_DOWN;
}

static void a_shutdown_is_told_answered_and_leaves_nothing(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(rig_control(rig, GARDEN_CONTROL_SHUTDOWN), GARDEN_CONTROL_REPLY_SHUTTING_DOWN);
    assert_true(rig_run(rig, is_shutting_down, RIG_WAIT_MS));
    assert_int_equal(rig_reap(rig->pid), 0);
    rig->pid = 0;
    assert_int_equal(access(rig->connection_file, F_OK), -1);
    for (size_t i = 0; i < GARDEN_LANES; i++)
        assert_int_equal(access(rig->connection.endpoints.of[i] + strlen("ipc://"), F_OK), -1);
}

static void a_signal_ends_it_in_the_same_order(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(kill(rig->pid, SIGINT), 0);
    assert_true(rig_run(rig, is_shutting_down, RIG_WAIT_MS));
    assert_int_equal(rig_reap(rig->pid), 0);
    rig->pid = 0;
    assert_int_equal(access(rig->connection_file, F_OK), -1);
}

static void a_second_daemon_in_the_same_place_is_refused_and_disturbs_nothing(void **state)
{
    struct rig *rig = *state;
    const pid_t second = rig_spawn(rig, quiet, 99, -1);
    assert_int_equal(rig_reap(second), 1);
    struct garden_connection connection;
    assert_int_equal(garden_connection_read(rig->connection_file, &connection, NULL), GARDEN_OK);
    assert_true(garden_uuid_equal(connection.session, rig->connection.session));
    const struct garden_shell_request request = {.kind = GARDEN_SHELL_GET_TRANSPORT_STATE};
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_TRANSPORT_STATE);
}

static void what_a_killed_daemon_left_does_not_stop_the_next(void **state)
{
    struct rig *rig = *state;
    rig_disconnect(rig);
    assert_int_equal(kill(rig->pid, SIGKILL), 0);
    assert_int_equal(rig_reap(rig->pid), -SIGKILL);
    assert_int_equal(access(rig->connection_file, F_OK), 0);
    const struct garden_uuid before = rig->connection.session;
    rig_start(rig, quiet);
    assert_false(garden_uuid_equal(rig->connection.session, before));
}

static void tcp_with_base_zero_tells_the_ports_it_got(void **state)
{
    struct rig *rig = *state;
    static const char *const arguments[] = {"--tcp", "127.0.0.1:0", "--topics", NULL};
    rig_start(rig, arguments); // and connects by the file
    for (size_t i = 0; i < GARDEN_LANES; i++)
        assert_int_equal(strncmp(rig->connection.endpoints.of[i], "tcp://127.0.0.1:", 16), 0);
    const struct garden_shell_request play = {.kind = GARDEN_SHELL_PLAY};
    assert_int_equal(rig_shell(rig, &play), GARDEN_REPLY_OK);
    assert_true(rig_run(rig, has_position, RIG_WAIT_MS));
}

// What it says on stderr, all of it; and how it ends.
static int failed_start(struct rig *rig, const char *const *arguments, char *out, size_t size)
{
    int told[2];
    assert_int_equal(pipe(told), 0);
    const pid_t pid = rig_spawn(rig, arguments, 99, told[1]);
    close(told[1]);
    size_t filled = 0;
    ssize_t got;
    while (filled < size - 1 && (got = read(told[0], out + filled, size - 1 - filled)) > 0)
        filled += (size_t)got;
    out[filled] = '\0';
    close(told[0]);
    return rig_reap(pid);
}

// Behind what is told of a machine at any start, such as that it allows no real-time priority.
static const char *behind_infos(const char *said)
{
    for (;;) {
        const char *const end = strchr(said, '\n'), *const info = strstr(said, ": info: ");
        if (!end || !info || info > end) return said;
        said = end + 1;
    }
}

static void a_start_that_cannot_be_says_why_in_one_line(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *arguments[4];
        int status;
        const char *words;
    } starts[] = {
        {{"--endpoints", "foo://a,b,c,d,e"}, 1, "foo://a"},
        {{"--tcp", "192.0.2.1:5000"}, 1, "192.0.2.1"},
        {{"--source", "file:/nonexistent.wav"}, 1, "/nonexistent.wav"},
        {{"--source", "file:/proc/self/cmdline"}, 1, "/proc/self/cmdline"},
        {{"--staging", "/nonexistent"}, 1, "--staging"},
        {{"--connection-file", "/nonexistent/c"}, 1, "/nonexistent/c"},
        {{"--pace", "slow"}, 2, "--help"},
        {{"--source", "noise"}, 2, "--help"},
        {{"--tcp", "nowhere"}, 2, "--help"},
        {{"stray"}, 2, "--help"},
    };
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        char all[2048];
        assert_int_equal(failed_start(rig, starts[i].arguments, all, sizeof all), starts[i].status);
        const char *said = behind_infos(all);
        // Behind the time, unless the words of the call were wrong.
        const char *at = strstr(said, "gardend: ");
        assert_non_null(at);
        assert_true((at == said) == (starts[i].status == 2));
        assert_non_null(strstr(said, starts[i].words));
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
    }
}

#define STARTED(name) cmocka_unit_test_setup_teardown(name, setup_started, teardown)
#define ALONE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STARTED(every_shell_request_gets_a_reply),
        STARTED(every_control_request_gets_the_reply_of_its_kind),
        STARTED(a_query_is_told_that_there_are_none_yet),
        STARTED(playing_is_told_with_its_position),
        STARTED(a_latent_region_goes_its_way_to_approval),
        STARTED(a_repeated_request_is_executed_once),
        STARTED(what_is_no_request_gets_an_error_on_every_lane),
        STARTED(a_shutdown_is_told_answered_and_leaves_nothing),
        STARTED(a_signal_ends_it_in_the_same_order),
        STARTED(a_second_daemon_in_the_same_place_is_refused_and_disturbs_nothing),
        STARTED(what_a_killed_daemon_left_does_not_stop_the_next),
        ALONE(tcp_with_base_zero_tells_the_ports_it_got),
        ALONE(a_start_that_cannot_be_says_why_in_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
