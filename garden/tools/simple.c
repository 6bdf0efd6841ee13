// The commands that ask one thing: ping, status, shutdown, end-stream.
#include <string.h>
#include <unistd.h>

#include "../stream.h"
#include "tool.h"

static const struct option simple_options[] = {{0}};

// ---- ping

static bool simple_all_up(const void *context)
{
    for (size_t i = 0; i < GARDEN_LANES; i++)
        if (!garden_client_lane_up(context, (enum garden_lane)i)) return false;
    return true;
}

static int simple_ping(struct tool *tool, int argc, char **argv)
{
    int result = tool_no_arguments(tool, argc, argv);
    if (result != TOOL_OK) return result;
    struct garden_client_config config;
    garden_client_config_init(&config);
    result = tool_connect(tool, &config);
    if (result == TOOL_OK) result = tool_wait_alive(tool);
    if (result != TOOL_OK) return result;
    const bool all = tool_run(tool, simple_all_up, tool->client, tool->timeout_ms);
    const uint32_t took = garden_client_round_trip_ms(tool->client);
    if (tool->json) (void)printf("{\"alive\":true,\"round_trip_ms\":%u,\"lanes\":{", took);
    for (size_t i = 0; i < GARDEN_LANES; i++) {
        const enum garden_lane lane = (enum garden_lane)i;
        const bool up = garden_client_lane_up(tool->client, lane);
        if (tool->json)
            (void)printf("%s\"%s\":%s", i ? "," : "", garden_lane_name(lane),
                         up ? "true" : "false");
        else
            (void)printf("%-8s %-5s %s\n", garden_lane_name(lane), up ? "up" : "down",
                         tool->found.endpoints.of[i]);
    }
    if (tool->json)
        (void)puts("}}");
    else
        (void)printf("alive, round trip %u ms\n", took);
    return all ? TOOL_OK : TOOL_UNREACHABLE;
}

// ---- status

static int simple_print_state(struct tool *tool, const struct garden_message *reply, void *context)
{
    (void)context;
    if (reply->family != GARDEN_CONTROL_REPLY ||
        reply->control_reply.kind != GARDEN_CONTROL_REPLY_DEBUG_DUMP)
        return tool_fail(tool, "the daemon answered with %s", garden_message_name(reply));
    if (tool->json)
        tool_print_json(&reply->control_reply.debug_dump.state);
    else
        tool_print_value(&reply->control_reply.debug_dump.state);
    return TOOL_OK;
}

static int simple_status(struct tool *tool, int argc, char **argv)
{
    int result = tool_no_arguments(tool, argc, argv);
    if (result != TOOL_OK) return result;
    struct garden_client_config config;
    garden_client_config_init(&config);
    result = tool_connect(tool, &config);
    if (result != TOOL_OK) return result;
    return tool_control(tool, GARDEN_CONTROL_DEBUG_DUMP, simple_print_state, NULL);
}

// ---- shutdown

static int simple_check_down(struct tool *tool, const struct garden_message *reply, void *context)
{
    (void)context;
    if (reply->family != GARDEN_CONTROL_REPLY ||
        reply->control_reply.kind != GARDEN_CONTROL_REPLY_SHUTTING_DOWN)
        return tool_fail(tool, "the daemon answered with %s", garden_message_name(reply));
    (void)puts(tool->json ? "{\"shutting_down\":true}" : "the daemon is shutting down");
    return TOOL_OK;
}

static int simple_shutdown(struct tool *tool, int argc, char **argv)
{
    int result = tool_no_arguments(tool, argc, argv);
    if (result != TOOL_OK) return result;
    struct garden_client_config config;
    garden_client_config_init(&config);
    result = tool_connect(tool, &config);
    if (result != TOOL_OK) return result;
    return tool_control(tool, GARDEN_CONTROL_SHUTDOWN, simple_check_down, NULL);
}

// ---- end-stream

// Whether the file of a chunk that |value| reports is still staged, and then in which store. A daemon elsewhere
// has its files elsewhere, too.
static bool simple_staged(const struct garden_value *value, char store[GARDEN_PATH_MAX])
{
    struct garden_chunk_report report;
    if (garden_chunk_report_read(value, &report) != GARDEN_OK || access(report.path, F_OK) != 0)
        return false;
    (void)snprintf(store, GARDEN_PATH_MAX, "%s", report.path);
    char *slash = strrchr(store, '/');
    if (slash) *slash = 0;
    slash = strrchr(store, '/');
    if (slash && strcmp(slash, "/staging") == 0)
        *slash = 0;
    else
        (void)snprintf(store, GARDEN_PATH_MAX, "DIR"); // who staged it knows where it belongs
    return true;
}

static void simple_tell_stopped(const char *uri, const struct garden_value *result)
{
    char store[GARDEN_PATH_MAX];
    const struct garden_value *untold = garden_value_find(result, "untold");
    const size_t count = untold && untold->type == GARDEN_LIST ? untold->list.count : 0;
    bool left = simple_staged(garden_value_find(result, "last"), store);
    for (size_t i = 0; !left && i < count; i++)
        left = simple_staged(&untold->list.items[i], store);
    if (left)
        (void)printf("%s is stopped; its chunks are closed: 'gardenctl capture --recover --store "
                     "%s' seals them\n",
                     uri, store);
    else
        (void)printf("%s is stopped, and none of its chunks is left here to be sealed\n", uri);
}

static int simple_check_stopped(struct tool *tool, const struct garden_message *reply,
                                void *context)
{
    const char *uri = context;
    if (reply->family != GARDEN_SHELL_REPLY)
        return tool_fail(tool, "the daemon answered with %s", garden_message_name(reply));
    if (reply->shell_reply.kind == GARDEN_REPLY_ERROR) {
        const struct garden_text text = reply->shell_reply.error.error;
        return tool_fail(tool, "%.*s", (int)text.size, text.data);
    }
    if (reply->shell_reply.kind != GARDEN_REPLY_OK)
        return tool_fail(tool, "the daemon answered with %s", garden_message_name(reply));
    if (tool->json)
        tool_print_json(&reply->shell_reply.ok.result);
    else
        simple_tell_stopped(uri, &reply->shell_reply.ok.result);
    return TOOL_OK;
}

static int simple_end_stream(struct tool *tool, int argc, char **argv)
{
    if (getopt_long(argc, argv, "", simple_options, NULL) >= 0) return TOOL_USAGE;
    if (argc - optind != 1) return tool_usage(tool, "name one stream by its uri");
    char *uri = argv[optind];
    if (!tool_stream(tool, "URI", uri)) return TOOL_USAGE;
    struct garden_client_config config;
    garden_client_config_init(&config);
    const int result = tool_connect(tool, &config);
    if (result != TOOL_OK) return result;
    const struct garden_shell_request request = {
        .kind = GARDEN_SHELL_STREAM_STOP,
        .stream_stop = {.uri = garden_text_of(uri)},
    };
    return tool_shell(tool, &request, simple_check_stopped, uri);
}

const struct tool_command tool_ping = {
    .name = "ping",
    .run = simple_ping,
    .summary = "wait for the daemon's answer; show the five lanes and the round trip",
    .help = "Usage: gardenctl ping\n\nWaits until the daemon answers on its heartbeat lane and all "
            "five "
            "lanes\nare connected.",
};
const struct tool_command tool_status = {
    .name = "status",
    .run = simple_status,
    .summary = "show the daemon's state: sources, streams, transport",
    .help = "Usage: gardenctl status\n\nPrints the daemon's state in lines; gardenctl --json "
            "status prints it as an object.",
};
const struct tool_command tool_shutdown = {
    .name = "shutdown",
    .run = simple_shutdown,
    .summary = "ask the daemon to stop",
    .help = "Usage: gardenctl shutdown\n\nAsks the daemon to close its streams and stop.",
};
const struct tool_command tool_end_stream = {
    .name = "end-stream",
    .run = simple_end_stream,
    .summary = "stop a stream that nobody captures any more",
    .help = "Usage: gardenctl end-stream URI\n\nStops a stream, such as one whose capture was "
            "killed. A "
            "capture of it that is under\nway ends, too.",
};
