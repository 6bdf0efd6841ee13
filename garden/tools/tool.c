#include "tool.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../core/admit.h"
#include "../stream.h"

enum { TOOL_LINE_SIZE = 4096 };

static void tool_say(const struct tool *tool, const char *format, va_list arguments)
{
    if (tool->command)
        (void)fprintf(stderr, "gardenctl %s: ", tool->command);
    else
        (void)fprintf(stderr, "gardenctl: ");
    char line[TOOL_LINE_SIZE];
    (void)vsnprintf(line, sizeof line, format, arguments); // a cut line is still one
    garden__text_tame(line);                               // what a daemon says may be anything
    (void)fprintf(stderr, "%s\n", line);
}

int tool_fail(const struct tool *tool, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tool_say(tool, format, arguments);
    va_end(arguments);
    return TOOL_FAILED;
}

int tool_usage(const struct tool *tool, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tool_say(tool, format, arguments);
    va_end(arguments);
    return TOOL_USAGE;
}

int tool_no_arguments(const struct tool *tool, int argc, char **argv)
{
    static const struct option none[] = {{0}};
    if (getopt_long(argc, argv, "", none, NULL) >= 0) return TOOL_USAGE;
    if (optind < argc) return tool_usage(tool, "'%s' was not expected", argv[optind]);
    return TOOL_OK;
}

int tool_check_out(const struct tool *tool, const char *path, bool force)
{
    struct stat status;
    if (stat(path, &status) != 0) return TOOL_OK; // where it cannot be made, opening it tells
    if (!S_ISREG(status.st_mode))
        return tool_usage(tool, "--out: %s is there, and is no file: name a file", path);
    if (force) return TOOL_OK;
    return tool_usage(tool, "--out: %s is there already: name another, or replace it with --force",
                      path);
}

bool tool_terminal(void)
{
    const char *kind = getenv("TERM");
    return isatty(STDOUT_FILENO) == 1 && (!kind || strcmp(kind, "dumb") != 0);
}

const char *tool_color(const char *name)
{
    static const char *const known[][2] = {
        {"bold", "\033[1m"},    {"dim", "\033[2m"},   {"red", "\033[31m"}, {"green", "\033[32m"},
        {"yellow", "\033[33m"}, {"cyan", "\033[36m"}, {"off", "\033[0m"},
    };
    const char *no = getenv("NO_COLOR");
    if (!tool_terminal() || (no && no[0])) return "";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i][0]) == 0) return known[i][1];
    return "";
}

bool tool_number(const struct tool *tool, const char *option, const char *text, uint64_t min,
                 uint64_t max, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == 0 && errno == 0 && value >= min &&
        value <= max) {
        *out = value;
        return true;
    }
    (void)tool_usage(tool, "%s takes a whole number from %llu to %llu, not '%s'", option,
                     (unsigned long long)min, (unsigned long long)max, text);
    return false;
}

bool tool_duration(const struct tool *tool, const char *option, const char *text, uint64_t unit_ns,
                   uint64_t min_ns, uint64_t max_ns, uint64_t *out_ns)
{
    struct garden_error error;
    if (duration_read(option, text, unit_ns, min_ns, max_ns, out_ns, &error) == GARDEN_OK)
        return true;
    (void)tool_usage(tool, "%s", error.text);
    return false;
}

bool tool_stream(const struct tool *tool, const char *option, const char *uri)
{
    const char *wrong = garden_stream_uri_wrong(garden_text_of(uri));
    if (wrong) (void)tool_usage(tool, "%s: a stream's uri %s", option, wrong);
    return !wrong;
}

void tool_print_json(const struct garden_value *value)
{
    struct garden_buffer json;
    garden_buffer_init(&json, NULL, 0);
    if (garden_json_encode(value, &json) == GARDEN_OK) {
        (void)fwrite(json.data, 1, json.size, stdout);
        (void)putchar('\n');
    }
    garden_buffer_fini(&json);
}

// ---- The client and its loop

int tool_open_loop(struct tool *tool)
{
    if (uv_loop_init(&tool->loop) < 0) return tool_fail(tool, "no event loop could be opened");
    tool->loop_open = true;
    const int result = zmtp_uv_open(&tool->uv, &tool->loop, NULL);
    return result < 0 ? tool_fail(tool, "%s", zmtp_err_text(result)) : TOOL_OK;
}

int tool_connect(struct tool *tool, struct garden_client_config *config)
{
    struct garden_error error;
    struct where *found = &tool->found;
    int result = where_find(&tool->where, found, &error);
    if (result == GARDEN_ERR_ARGUMENT) return tool_usage(tool, "%s", error.text);
    if (result < 0) {
        (void)tool_fail(tool, "%s", error.text);
        return result == GARDEN_ERR_DEAD ? TOOL_UNREACHABLE : TOOL_FAILED;
    }
    result = tool_open_loop(tool);
    if (result != TOOL_OK) return result;
    config->endpoints = found->endpoints;
    config->server_key = found->has_server_key ? &found->server_key : NULL;
    config->keys = found->has_keys ? &found->keys : NULL;
    result = garden_client_open(&tool->client, tool->uv, &tool->loop, config, &error);
    if (result < 0) return tool_fail(tool, "%s", error.text);
    return TOOL_OK;
}

void tool_disconnect(struct tool *tool)
{
    if (!tool->loop_open) return;
    if (tool->client) garden_client_close(tool->client, NULL, NULL);
    tool->client = NULL;
    (void)uv_run(&tool->loop, UV_RUN_DEFAULT); // until every handle is closed
    if (tool->uv) zmtp_uv_close(tool->uv, NULL, NULL);
    tool->uv = NULL;
    (void)uv_run(&tool->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&tool->loop);
    tool->loop_open = false;
}

static void tool_expired(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
    uv_stop(timer->loop); // else it would sleep until something else comes
}

// Why the daemon does not let us in, or null.
static const char *tool_fault(const struct tool *tool, bool *refused)
{
    const char *why = NULL;
    *refused = false;
    for (size_t i = 0; i < GARDEN_LANES && !*refused; i++) {
        const char *of = garden_client_lane_fault(tool->client, (enum garden_lane)i, refused);
        if (*refused || !why) why = of;
    }
    return why;
}

// Whether to wait is of no use: we are refused, or one lane failed over and over for the same reason. One that let us
// in before may be starting anew, and is waited for.
static bool tool_is_refused(const struct tool *tool)
{
    enum { FAILURES_MAX = 3 }; // one may be of a daemon that was just ending
    bool refused;
    if (garden_client_state(tool->client) != GARDEN_CLIENT_DIALLING) return false;
    for (size_t i = 0; i < GARDEN_LANES; i++)
        if (garden_client_lane_failures(tool->client, (enum garden_lane)i) >= FAILURES_MAX)
            return true;
    return tool_fault(tool, &refused) && refused;
}

bool tool_run(struct tool *tool, bool (*until)(const void *context), const void *context,
              uint32_t wait_ms)
{
    uv_timer_t timer;
    bool expired = false;
    (void)uv_timer_init(&tool->loop, &timer); // does not fail
    timer.data = &expired;
    uv_update_time(&tool->loop); // it may have stood still for long
    if (wait_ms > 0) (void)uv_timer_start(&timer, tool_expired, wait_ms, 0);
    while (!until(context) && !expired && !tool_is_refused(tool))
        (void)uv_run(&tool->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    (void)uv_run(&tool->loop, UV_RUN_NOWAIT); // its closing must not outlive this frame
    return until(context);
}

// ---- Until somebody says that it is enough

struct tool_interrupt {
    bool (*until)(void *context);
    void *context;
    bool struck;
};

static void tool_interrupted(uv_signal_t *handle, int number)
{
    (void)number;
    ((struct tool_interrupt *)handle->data)->struck = true;
}

static bool tool_is_interrupted(const void *context)
{
    const struct tool_interrupt *interrupt = context;
    return interrupt->struck || (interrupt->until && interrupt->until(interrupt->context));
}

void tool_run_interruptible(struct tool *tool, bool (*until)(void *context), void *context)
{
    struct tool_interrupt interrupt = {until, context, false};
    uv_signal_t signals[2];
    const int numbers[2] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        (void)uv_signal_init(&tool->loop, &signals[i]); // with it failing, signals kill as ever
        signals[i].data = &interrupt;
        (void)uv_signal_start(&signals[i], tool_interrupted, numbers[i]);
    }
    (void)tool_run(tool, tool_is_interrupted, &interrupt, 0);
    for (size_t i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&signals[i], NULL);
    (void)uv_run(&tool->loop, UV_RUN_NOWAIT); // their closing must not outlive this frame
}

int tool_unreachable(const struct tool *tool)
{
    const bool server_key = tool->found.has_server_key, keys = tool->found.has_keys;
    const char *lane = tool->found.endpoints.of[GARDEN_LANE_HEARTBEAT];
    bool refused;
    const char *why = tool_fault(tool, &refused);
    char named[GARDEN_ENDPOINT_SIZE] = "";
    if (tool->where.tcp) // whose ports the user may not know one by one
        (void)snprintf(named, sizeof named, " (--tcp %.200s)", tool->where.tcp);
    if (refused) // an encrypted one says so to nobody who has not its key
        (void)tool_fail(tool, "the daemon at %s%s refuses us: %s%s", lane, named, why,
                        !server_key ? ""
                        : keys      ? "; does it know our key (--curve-allow)?"
                                    : "; does it want to know our key (--key)?");
    else if (why)
        (void)tool_fail(
            tool, "nobody at %s%s lets us in: %s; %s", lane, named, why,
            server_key
                ? "is the key of --server-key, or of the connection file, that of the daemon there?"
                : "if it is encrypted, give its key with --server-key");
    else
        (void)tool_fail(tool, "no daemon answers at %s%s within %u ms: is gardend running there?",
                        lane, named, tool->timeout_ms);
    return TOOL_UNREACHABLE;
}

static bool tool_is_alive(const void *context)
{
    return garden_client_state(context) == GARDEN_CLIENT_ALIVE;
}

int tool_wait_alive(struct tool *tool)
{
    return tool_run(tool, tool_is_alive, tool->client, tool->timeout_ms) ? TOOL_OK
                                                                         : tool_unreachable(tool);
}

// ---- One request and its reply

struct tool_asked {
    struct tool *tool;
    int (*read)(struct tool *tool, const struct garden_message *reply, void *context);
    void *context;
    bool done;
    int result;
};

static void tool_answered(struct garden_client *client, int result,
                          const struct garden_message *reply, void *user)
{
    (void)client;
    struct tool_asked *asked = user;
    asked->done = true;
    asked->result = result == GARDEN_OK ? asked->read(asked->tool, reply, asked->context)
                                        : tool_unreachable(asked->tool);
}

static bool tool_is_answered(const void *context)
{
    return ((const struct tool_asked *)context)->done;
}

// How long an answer may take: a stop of streams waits for chunks first, if the daemon is there at all.
static int tool_patience(struct tool *tool, bool stops, uint32_t *out_ms)
{
    *out_ms = tool->timeout_ms + (stops ? GARDEN_DRAIN_MS : 0);
    return stops ? tool_wait_alive(tool) : TOOL_OK;
}

// The client gives up by itself after the timeout, so there is always an answer; and when the daemon does not let us
// in, closing it is one.
static int tool_await(struct tool *tool, struct tool_asked *asked, int sent)
{
    if (sent < 0) return tool_fail(tool, "%s", garden_err_text(sent));
    if (!tool_run(tool, tool_is_answered, asked, 0)) tool_disconnect(tool); // which answers it
    return asked->result;
}

int tool_shell(struct tool *tool, const struct garden_shell_request *request,
               int (*read)(struct tool *tool, const struct garden_message *reply, void *context),
               void *context)
{
    struct tool_asked asked = {.tool = tool, .read = read, .context = context};
    struct garden_answer answer = {tool_answered, &asked, 0, NULL};
    const int result =
        tool_patience(tool, request->kind == GARDEN_SHELL_STREAM_STOP, &answer.timeout_ms);
    if (result != TOOL_OK) return result;
    return tool_await(tool, &asked, garden_client_shell(tool->client, request, &answer));
}

int tool_control(struct tool *tool, enum garden_control_request_kind kind,
                 int (*read)(struct tool *tool, const struct garden_message *reply, void *context),
                 void *context)
{
    struct tool_asked asked = {.tool = tool, .read = read, .context = context};
    const struct garden_control_request request = {.kind = kind};
    struct garden_answer answer = {tool_answered, &asked, 0, NULL};
    const int result = tool_patience(tool, kind == GARDEN_CONTROL_SHUTDOWN, &answer.timeout_ms);
    if (result != TOOL_OK) return result;
    return tool_await(tool, &asked, garden_client_control(tool->client, &request, &answer));
}

int tool_query(struct tool *tool, const struct garden_query_request *request,
               int (*read)(struct tool *tool, const struct garden_message *reply, void *context),
               void *context)
{
    struct tool_asked asked = {.tool = tool, .read = read, .context = context};
    const struct garden_answer answer = {tool_answered, &asked, tool->timeout_ms, NULL};
    return tool_await(tool, &asked, garden_client_query(tool->client, request, &answer));
}
