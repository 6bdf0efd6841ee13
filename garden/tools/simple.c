// The commands that ask one thing: ping, status, events, shutdown.
#include <getopt.h>
#include <signal.h>
#include <string.h>

#include "../stream.h"
#include "tool.h"

// These commands take no options but --help. TOOL_OK to go on; -1: the help was shown.
static int simple_options(const struct tool *tool, int argc, char **argv, const char *help)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
    const int option = getopt_long(argc, argv, "", options, NULL);
    if (option == 'h') {
        (void)puts(help);
        return -1;
    }
    if (option >= 0) return TOOL_USAGE;
    if (optind < argc) return tool_usage(tool, "'%s' was not expected", argv[optind]);
    return TOOL_OK;
}

// ---- ping

static bool simple_all_up(const void *context)
{
    for (size_t i = 0; i < GARDEN_LANES; i++)
        if (!garden_client_lane_up(context, (enum garden_lane)i)) return false;
    return true;
}

int tool_ping(struct tool *tool, int argc, char **argv)
{
    int result = simple_options(tool, argc, argv,
                                "Usage: gardenctl ping\n\nWaits until the daemon answers on its "
                                "heartbeat lane and all five lanes\nare connected.");
    if (result != TOOL_OK) return result < 0 ? TOOL_OK : result;
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
                         tool->endpoints.of[i]);
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
    tool_print_json(&reply->control_reply.debug_dump.state);
    return TOOL_OK;
}

int tool_status(struct tool *tool, int argc, char **argv)
{
    int result = simple_options(tool, argc, argv,
                                "Usage: gardenctl status\n\nPrints the daemon's state as JSON.");
    if (result != TOOL_OK) return result < 0 ? TOOL_OK : result;
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

int tool_shutdown(struct tool *tool, int argc, char **argv)
{
    int result = simple_options(tool, argc, argv,
                                "Usage: gardenctl shutdown\n\nAsks the daemon to close its streams "
                                "and stop.");
    if (result != TOOL_OK) return result < 0 ? TOOL_OK : result;
    struct garden_client_config config;
    garden_client_config_init(&config);
    result = tool_connect(tool, &config);
    if (result != TOOL_OK) return result;
    return tool_control(tool, GARDEN_CONTROL_SHUTDOWN, simple_check_down, NULL);
}

// ---- end-stream

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
        (void)printf("%s is stopped; its chunks are closed: 'gardenctl capture --recover' seals "
                     "them\n",
                     uri);
    return TOOL_OK;
}

int tool_stop(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
    const int option = getopt_long(argc, argv, "", options, NULL);
    if (option == 'h') {
        (void)puts(
            "Usage: gardenctl end-stream URI\n\nStops a stream, such as one whose capture was "
            "killed.");
        return TOOL_OK;
    }
    if (option >= 0) return TOOL_USAGE;
    if (argc - optind != 1) return tool_usage(tool, "name one stream by its uri");
    char *uri = argv[optind];
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

// ---- events

static void simple_print_event(struct garden_client *client, const struct garden_message *event,
                               bool has_seq, uint64_t seq, void *user)
{
    (void)client;
    const struct tool *tool = user;
    if (tool->json) {
        struct garden_buffer json;
        const struct garden_form form = {GARDEN_JSON, GARDEN_EXTERNAL};
        garden_buffer_init(&json, NULL, 0);
        if (garden_message_encode(event, form, &json, NULL) == GARDEN_OK) {
            (void)fwrite(json.data, 1, json.size, stdout);
            (void)putchar('\n');
        }
        garden_buffer_fini(&json);
    } else {
        char line[1024];
        (void)garden_message_print(event, line, sizeof line);
        if (has_seq)
            (void)printf("%8llu %s\n", (unsigned long long)seq, line);
        else
            (void)printf("       - %s\n", line);
    }
    (void)fflush(stdout);
}

static void simple_interrupted(uv_signal_t *handle, int number)
{
    (void)number;
    *(bool *)handle->data = true;
}

static bool simple_is_set(const void *context)
{
    return *(const bool *)context;
}

int tool_events(struct tool *tool, int argc, char **argv)
{
    int result = simple_options(tool, argc, argv,
                                "Usage: gardenctl events\n\nPrints each event with its number, "
                                "until interrupted (Ctrl-C).");
    if (result != TOOL_OK) return result < 0 ? TOOL_OK : result;
    struct garden_client_config config;
    garden_client_config_init(&config);
    config.on_event = simple_print_event;
    config.user = tool;
    result = tool_connect(tool, &config);
    if (result == TOOL_OK) result = tool_wait_alive(tool);
    if (result != TOOL_OK) return result;
    bool interrupted = false;
    uv_signal_t signals[2];
    const int numbers[2] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        (void)uv_signal_init(&tool->loop, &signals[i]); // with it failing, signals kill as ever
        signals[i].data = &interrupted;
        (void)uv_signal_start(&signals[i], simple_interrupted, numbers[i]);
    }
    (void)tool_run(tool, simple_is_set, &interrupted, 0);
    for (size_t i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&signals[i], NULL);
    tool_disconnect(tool); // while |signals| are still here
    return TOOL_OK;
}
