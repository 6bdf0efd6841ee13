// A daemon in a process of its own, in a run directory that goes away, and a client of it.
#ifndef TEST_GARDEN_DAEMON_RIG_H
#define TEST_GARDEN_DAEMON_RIG_H

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <uv.h>

#include <garden/client.h>
#include <garden/stream.h>
#include <zmtp/uv.h>

#include "fixture.h"

enum { RIG_ARGUMENTS_MAX = 32, RIG_PATH_SIZE = 256, RIG_WAIT_MS = 60000, RIG_EVENTS_MAX = 4096 };

struct rig {
    struct folder folder;
    char run_folder[RIG_PATH_SIZE], staging[RIG_PATH_SIZE], connection_file[RIG_PATH_SIZE];
    pid_t pid; // 0: not running
    struct garden_connection connection;
    uv_loop_t loop;
    struct zmtp_uv *uv;
    struct garden_client *client;
    // The last reply, and what the request of it came to.
    bool answered, has_reply;
    int result;
    struct garden_message reply;
    // Events: their kinds in the order they came, and whoever wants to see each.
    enum garden_event_kind events[RIG_EVENTS_MAX];
    size_t event_count;
    enum garden_execution_state status; // the last that was told
    void (*on_event)(struct rig *rig, const struct garden_message *event);
    void *user;
};

// ---- The process

// $GARDEND, or bin/gardend beside the folder test that this program is in.
static inline void rig_program(char out[RIG_PATH_SIZE])
{
    const char *named = getenv("GARDEND");
    if (named) {
        snprintf(out, RIG_PATH_SIZE, "%s", named);
        return;
    }
    const ssize_t size = readlink("/proc/self/exe", out, RIG_PATH_SIZE - sizeof "/bin/gardend");
    assert_true(size > 0);
    out[size] = '\0';
    for (int i = 0; i < 3; i++)
        *strrchr(out, '/') = '\0';
    strcat(out, "/bin/gardend");
}

// Starts it with the |arguments|, up to a null, without waiting for anything. |told| gets what it writes
// to stderr, if that is not below zero.
static inline pid_t rig_spawn(const struct rig *rig, const char *const *arguments, int ready,
                              int told)
{
    char program[RIG_PATH_SIZE], number[16];
    const char *argv[RIG_ARGUMENTS_MAX] = {program, "--run-dir", rig->run_folder, "--ready-fd",
                                           number};
    size_t count = 5;
    rig_program(program);
    snprintf(number, sizeof number, "%d", ready);
    while (*arguments)
        argv[count++] = *arguments++;
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) return pid;
    if (told < 0) told = open("/dev/null", O_WRONLY);
    (void)dup2(told, STDERR_FILENO);
    (void)execv(program, (char *const *)(uintptr_t)argv);
    _exit(127);
}

// Waits for the end. Returns the exit status, or minus the signal.
static inline int rig_reap(pid_t pid)
{
    int status = 0;
    for (int i = 0; i < RIG_WAIT_MS / 10; i++) {
        const pid_t reaped = waitpid(pid, &status, WNOHANG);
        if (reaped == pid) return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    fail_msg("the daemon did not end");
    return -1;
}

// ---- The client

static inline void rig_on_event(struct garden_client *client, const struct garden_message *event,
                                bool has_seq, uint64_t seq, void *user)
{
    (void)client;
    (void)has_seq;
    (void)seq;
    struct rig *rig = user;
    if (rig->event_count < RIG_EVENTS_MAX) rig->events[rig->event_count++] = event->event.kind;
    if (event->event.kind == GARDEN_EVENT_STATUS) rig->status = event->event.status.execution_state;
    if (rig->on_event) rig->on_event(rig, event);
}

static inline void rig_alarm(uv_timer_t *timer)
{
    (void)timer; // it only wakes the loop
}

// Runs the loop until |until|, for at most |wait_ms|.
static inline bool rig_run(struct rig *rig, bool (*until)(struct rig *rig), uint64_t wait_ms)
{
    uv_timer_t timer;
    uv_timer_init(&rig->loop, &timer);
    uv_timer_start(&timer, rig_alarm, 1, 10);
    const uint64_t end = uv_hrtime() + wait_ms * 1000000;
    while (!until(rig) && uv_hrtime() < end)
        uv_run(&rig->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&rig->loop, UV_RUN_NOWAIT);
    return until(rig);
}

static inline bool rig_is_up(struct rig *rig)
{
    for (size_t i = 0; i < GARDEN_LANES; i++)
        if (!garden_client_lane_up(rig->client, (enum garden_lane)i)) return false;
    return garden_client_state(rig->client) == GARDEN_CLIENT_ALIVE;
}

static inline void rig_connect(struct rig *rig)
{
    struct garden_client_config config;
    garden_client_config_init(&config);
    config.endpoints = rig->connection.endpoints;
    config.on_event = rig_on_event;
    config.user = rig;
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    assert_int_equal(zmtp_uv_open(&rig->uv, &rig->loop, NULL), ZMTP_OK);
    assert_int_equal(garden_client_open(&rig->client, rig->uv, &rig->loop, &config, NULL),
                     GARDEN_OK);
    assert_true(rig_run(rig, rig_is_up, RIG_WAIT_MS));
}

static inline void rig_disconnect(struct rig *rig)
{
    if (!rig->client) return;
    garden_client_close(rig->client, NULL, NULL);
    rig->client = NULL;
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    zmtp_uv_close(rig->uv, NULL, NULL);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
}

// ---- Both

static inline void rig_prepare(struct rig *rig)
{
    *rig = (struct rig){0};
    folder_make(&rig->folder);
    snprintf(rig->run_folder, sizeof rig->run_folder, "%s/run", rig->folder.path);
    snprintf(rig->staging, sizeof rig->staging, "%s/run/staging", rig->folder.path);
    snprintf(rig->connection_file, sizeof rig->connection_file, "%s/run/connection.json",
             rig->folder.path);
}

// Starts a daemon with the |arguments|, waits until it is ready, and connects.
static inline void rig_start(struct rig *rig, const char *const *arguments)
{
    int ready[2];
    char line[16] = "";
    assert_int_equal(pipe(ready), 0);
    rig->pid = rig_spawn(rig, arguments, ready[1], -1);
    close(ready[1]);
    struct pollfd poll_ready = {.fd = ready[0], .events = POLLIN};
    assert_int_equal(poll(&poll_ready, 1, RIG_WAIT_MS), 1);
    assert_int_equal(read(ready[0], line, sizeof line - 1), 6);
    assert_string_equal(line, "ready\n");
    close(ready[0]);
    assert_int_equal(garden_connection_read(rig->connection_file, &rig->connection, NULL),
                     GARDEN_OK);
    rig_connect(rig);
}

// Ends everything; the daemon must end well at a SIGTERM.
static inline void rig_stop(struct rig *rig)
{
    rig_disconnect(rig);
    if (rig->has_reply) garden_message_fini(&rig->reply);
    if (rig->pid > 0) {
        kill(rig->pid, SIGTERM);
        assert_int_equal(rig_reap(rig->pid), 0);
    }
    folder_remove(&rig->folder);
}

// ---- Requests

static inline void rig_on_answer(struct garden_client *client, int result,
                                 const struct garden_message *reply, void *user)
{
    (void)client;
    struct rig *rig = user;
    const struct garden_form form = {GARDEN_MSGPACK, GARDEN_EXTERNAL};
    rig->answered = true;
    rig->result = result;
    if (result < 0) return;
    // A copy, by way of its octets.
    struct garden_buffer octets;
    struct garden_form found;
    garden_buffer_init(&octets, NULL, 0);
    assert_int_equal(garden_message_encode(reply, form, &octets, NULL), GARDEN_OK);
    assert_int_equal(
        garden_message_decode(&rig->reply, garden_buffer_bytes(&octets), NULL, &found, NULL),
        GARDEN_OK);
    rig->has_reply = true;
    garden_buffer_fini(&octets);
}

static inline bool rig_is_answered(struct rig *rig)
{
    return rig->answered;
}

static inline struct garden_answer rig_answer(struct rig *rig)
{
    if (rig->has_reply) garden_message_fini(&rig->reply);
    rig->answered = rig->has_reply = false;
    return (struct garden_answer){.call = rig_on_answer, .user = rig, .timeout_ms = RIG_WAIT_MS};
}

static inline void rig_await(struct rig *rig, int sent)
{
    assert_int_equal(sent, GARDEN_OK);
    assert_true(rig_run(rig, rig_is_answered, 2 * RIG_WAIT_MS));
    assert_int_equal(rig->result, GARDEN_OK);
}

// Sends and waits for the reply of whatever kind, which is then in |rig->reply|.
static inline enum garden_shell_reply_kind rig_shell(struct rig *rig,
                                                     const struct garden_shell_request *request)
{
    const struct garden_answer answer = rig_answer(rig);
    rig_await(rig, garden_client_shell(rig->client, request, &answer));
    assert_int_equal(rig->reply.family, GARDEN_SHELL_REPLY);
    return rig->reply.shell_reply.kind;
}

static inline enum garden_control_reply_kind rig_control(struct rig *rig,
                                                         enum garden_control_request_kind kind)
{
    const struct garden_control_request request = {.kind = kind};
    const struct garden_answer answer = rig_answer(rig);
    rig_await(rig, garden_client_control(rig->client, &request, &answer));
    assert_int_equal(rig->reply.family, GARDEN_CONTROL_REPLY);
    return rig->reply.control_reply.kind;
}

// The last reply is an Error with |code|; its text has |words| in it.
static inline void rig_assert_error(const struct rig *rig, int code, const char *words)
{
    assert_int_equal(rig->reply.shell_reply.kind, GARDEN_REPLY_ERROR);
    assert_int_equal(garden_code_read(&rig->reply.metadata), code);
    assert_non_null(strstr(rig->reply.shell_reply.error.error.data, words));
}

static inline size_t rig_count(const struct rig *rig, enum garden_event_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < rig->event_count; i++)
        if (rig->events[i] == kind) count++;
    return count;
}

#endif
