// garden-mcp: a server of the Model Context Protocol that drives a garden daemon.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"
#include "stdio_session.h"
#include "streams.h"

enum {
    MAIN_TIMEOUT_MS = 5000,
    MAIN_PATIENCE_MS = 2000,
    MAIN_ENDING_MS = 3000,
    MAIN_SESSIONS_MAX = 32
};

struct program {
    struct options options;
    uv_loop_t loop;
    struct zmtp_uv *uv;
    struct mcp mcp;
    struct stdio *stdio; // null: over HTTP
    struct http *http;
    char token[HTTP_TOKEN_SIZE];
    uv_signal_t signals[2];
    uv_timer_t patience; // of an end
    bool alive, over, late;
};

static void main_over(void *user)
{
    ((struct program *)user)->over = true;
}

// What is captured comes to its end, and the calls that wait for it with it.
static void main_ending(void *user)
{
    streams_stop(((struct program *)user)->mcp.streams);
}

static void main_signalled(uv_signal_t *handle, int number)
{
    struct program *program = handle->data;
    (void)number;
    if (program->over) program->late = true; // once more: at once
    program->over = true;
}

static void main_late(uv_timer_t *timer)
{
    ((struct program *)timer->data)->late = true;
}

// ---- The daemon

static void main_on_event(void *user, const struct garden_message *event, bool has_seq,
                          uint64_t seq)
{
    struct program *program = user;
    streams_on_event(program->mcp.streams, event);
    mcp_on_event(&program->mcp, event, has_seq, seq);
}

static void main_on_lost(void *user, uint64_t first, uint64_t count)
{
    struct program *program = user;
    char text[120];
    if (count == 0)
        (void)snprintf(text, sizeof text, "the daemon was started anew");
    else
        (void)snprintf(text, sizeof text, "%llu events from number %llu on are lost",
                       (unsigned long long)count, (unsigned long long)first);
    mcp_log(&program->mcp, "warning", text);
}

static void main_on_alive(void *user, bool alive)
{
    struct program *program = user;
    streams_on_alive(program->mcp.streams, alive);
    if (alive == program->alive) return;
    program->alive = alive;
    mcp_log(&program->mcp, alive ? "info" : "warning",
            alive ? "the daemon answers" : "the daemon does not answer");
}

static void main_on_lane(void *user, enum garden_lane lane, bool up)
{
    streams_on_lane(((struct program *)user)->mcp.streams, lane, up);
}

// ---- Life

// Takes the standard descriptors where they are closed: else a socket might get the number of one, and what is
// printed with it.
static void main_take_descriptors(void)
{
    int file;
    do
        file = open("/dev/null", O_RDWR);
    while (file >= 0 && file <= STDERR_FILENO);
    if (file >= 0) (void)close(file); // nothing was written
}

static int main_open_http(struct program *program, struct garden_error *error)
{
    struct http_config config = program->options.http;
    config.mcp = &program->mcp;
    config.token = program->token;
    int result = http_token(program->options.token_file, program->token, error);
    if (result == GARDEN_OK) result = http_open(&program->http, &config, error);
    if (result == GARDEN_OK)
        (void)fprintf(stderr, "garden-mcp: ready at http://%.*s:%u/mcp\n",
                      (int)(strrchr(config.address, ':') - config.address), config.address,
                      (unsigned)http_port(program->http));
    return result;
}

// A store may come later, as that of a run directory does with its daemon; a name that was mistyped does not.
static void main_tell_store(const struct options *options)
{
    struct stat status;
    if (options->store_named && stat(options->store, &status) != 0)
        (void)fprintf(
            stderr,
            "garden-mcp: --store %s: %s; there is nothing to read until gardend has it, as "
            "--staging %s/staging\n",
            options->store, strerror(errno), options->store);
}

static int main_open(struct program *program, struct garden_error *error)
{
    const int numbers[2] = {SIGINT, SIGTERM};
    const struct link_config link = {
        .loop = &program->loop,
        .uv = program->uv,
        .where = program->options.where,
        .timeout_ms = program->options.timeout_ms,
        .patience_ms = program->options.patience_ms,
        .on_event = main_on_event,
        .on_lost = main_on_lost,
        .on_alive = main_on_alive,
        .on_lane = main_on_lane,
        .user = program,
    };
    for (size_t i = 0; i < 2; i++) {
        (void)uv_signal_init(&program->loop, &program->signals[i]); // without, they kill as ever
        program->signals[i].data = program;
        (void)uv_signal_start(&program->signals[i], main_signalled, numbers[i]);
    }
    (void)uv_timer_init(&program->loop, &program->patience); // does not fail
    program->patience.data = program;
    int result = streams_open(&program->mcp.streams, &program->mcp, program->options.store, error);
    if (result == GARDEN_OK) result = link_open(&program->mcp.link, &link, error);
    if (result < 0) return result;
    if (program->options.http.address) return main_open_http(program, error);
    const struct stdio_config config = {
        .mcp = &program->mcp, .ending = main_ending, .over = main_over, .user = program};
    return stdio_open(&program->stdio, &config, error);
}

static void main_close(struct program *program)
{
    stdio_close(program->stdio);
    http_close(program->http);
    link_close(program->mcp.link);
    streams_close(program->mcp.streams);
    for (size_t i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&program->signals[i], NULL);
}

// What is still to be written may have nobody who reads it.
static bool main_drain(struct program *program)
{
    (void)uv_timer_start(&program->patience, main_late, MAIN_ENDING_MS, 0);
    streams_stop(program->mcp.streams);
    while (!program->late && streams_active(program->mcp.streams) > 0)
        (void)uv_run(&program->loop, UV_RUN_ONCE);
    program->late = false;
    (void)uv_timer_start(&program->patience, main_late, MAIN_ENDING_MS, 0);
    uv_unref((uv_handle_t *)&program->patience);
    main_close(program);
    zmtp_uv_close(program->uv, NULL, NULL);
    while (!program->late && uv_run(&program->loop, UV_RUN_ONCE) != 0)
        continue;
    uv_close((uv_handle_t *)&program->patience, NULL);
    (void)uv_run(&program->loop, UV_RUN_NOWAIT);
    return uv_loop_close(&program->loop) == 0;
}

int main(int argc, char **argv)
{
    static struct program program;
    struct garden_error error = {.text = ""};
    main_take_descriptors();
    mcp_init(&program.mcp, &program.loop);
    program.options = (struct options){.timeout_ms = MAIN_TIMEOUT_MS,
                                       .patience_ms = MAIN_PATIENCE_MS,
                                       .limits = program.mcp.limits,
                                       .http = {.sessions_max = MAIN_SESSIONS_MAX}};
    const int status = options_read(argc, argv, &program.options);
    if (status >= 0) return status;
    program.mcp.limits = program.options.limits;
    (void)signal(SIGPIPE, SIG_IGN); // who reads may go; the write tells
    (void)signal(SIGXFSZ, SIG_IGN); // and so it does of a file that may not grow
    if (uv_loop_init(&program.loop) < 0 || zmtp_uv_open(&program.uv, &program.loop, NULL) < 0) {
        (void)fprintf(stderr, "garden-mcp: no event loop could be opened\n");
        return 1;
    }
    main_tell_store(&program.options);
    if (main_open(&program, &error) < 0) {
        (void)fprintf(stderr, "garden-mcp: %s\n", error.text);
        return error.code == GARDEN_ERR_ARGUMENT ? 2 : 1;
    }
    while (!program.over)
        (void)uv_run(&program.loop, UV_RUN_ONCE);
    (void)main_drain(&program);
    return 0;
}
