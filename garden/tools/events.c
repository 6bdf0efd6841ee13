// events: what the daemon publishes, as it comes.
#include <string.h>

#include "tool.h"

enum { EVENTS_TYPES_MAX = 32, EVENTS_LINE_SIZE = 4096 };

static const char events_help[] =
    "Usage: gardenctl events [OPTION]...\n"
    "\n"
    "Prints the daemon's events as they come, with their numbers, until interrupted\n"
    "(Ctrl-C). A jump of the numbers is told: those between were missed.\n"
    "\n"
    "  --type NAME      only events of this kind, such as StreamChunkFull; may be given\n"
    "                   several times\n"
    "  --not-type NAME  all but these, such as PlaybackPosition; several times too\n"
    "  --stream URI     only those of this stream\n"
    "  --since NUMBER   from this number on, those too that were published before, as\n"
    "                   far as the daemon keeps them; 0 is all of them\n"
    "  --count N        end after N of them\n"
    "\n"
    "With --json each event is a line, a whole message.";

static const struct option events_options[] = {
    {"type", required_argument, NULL, 't'},   {"not-type", required_argument, NULL, 'n'},
    {"stream", required_argument, NULL, 's'}, {"since", required_argument, NULL, 'i'},
    {"count", required_argument, NULL, 'c'},  {0},
};

struct events {
    struct tool *tool;
    struct garden_text types[EVENTS_TYPES_MAX], not_types[EVENTS_TYPES_MAX];
    size_t type_count, not_type_count;
    const char *stream;
    uint64_t count;    // 0: without end
    bool past;         // from |next_seq| on, past ones too
    bool asked;        // for past ones
    uint64_t last_seq; // that came meanwhile
    uint64_t printed, next_seq;
    bool heard;  // |next_seq| is known
    bool broken; // nobody reads what it prints any more
};

static bool events_listed(const struct garden_text *types, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (garden_text_is(types[i], name)) return true;
    return false;
}

static bool events_of_stream(const struct garden_event *event, const char *uri)
{
    if (event->kind == GARDEN_EVENT_STREAM_HEAD_POSITION)
        return garden_text_is(event->stream_head_position.stream_uri, uri);
    if (event->kind == GARDEN_EVENT_STREAM_CHUNK_FULL)
        return garden_text_is(event->stream_chunk_full.stream_uri, uri);
    return event->kind == GARDEN_EVENT_STREAM_ERROR &&
           garden_text_is(event->stream_error.stream_uri, uri);
}

static bool events_wanted(const struct events *events, const struct garden_message *event)
{
    const char *name = garden_message_name(event);
    if (events->type_count > 0 && !events_listed(events->types, events->type_count, name))
        return false;
    if (events_listed(events->not_types, events->not_type_count, name)) return false;
    if (events->stream && !events_of_stream(&event->event, events->stream)) return false;
    return true;
}

static void events_print_json(const struct garden_message *event)
{
    struct garden_buffer json;
    const struct garden_form form = {GARDEN_JSON, GARDEN_EXTERNAL};
    garden_buffer_init(&json, NULL, 0);
    if (garden_message_encode(event, form, &json, NULL) == GARDEN_OK) {
        (void)fwrite(json.data, 1, json.size, stdout);
        (void)putchar('\n');
    }
    garden_buffer_fini(&json);
}

static const char *events_color(const struct garden_event *event)
{
    if (event->kind == GARDEN_EVENT_ERROR || event->kind == GARDEN_EVENT_STREAM_ERROR ||
        event->kind == GARDEN_EVENT_LATENT_FAILED)
        return tool_color("red");
    return tool_color(event->kind == GARDEN_EVENT_WARNING ? "yellow" : "cyan");
}

static void events_print(const struct garden_message *event, bool has_seq, uint64_t seq)
{
    char time[GARDEN_TIME_TEXT_MAX + 1] = "", line[EVENTS_LINE_SIZE], number[24] = "-";
    (void)garden_time_format(event->header.timestamp, time); // a decoded one is in its range
    tool_content_line(event, line, sizeof line);
    if (has_seq) (void)snprintf(number, sizeof number, "%llu", (unsigned long long)seq);
    (void)printf("%s%-30s%s %8s %s%s%s %s\n", tool_color("dim"), time, tool_color("off"), number,
                 events_color(&event->event), garden_message_name(event), tool_color("off"), line);
}

// An event in its turn.
static void events_take(struct events *events, const struct garden_message *event, bool has_seq,
                        uint64_t seq)
{
    if (events->count > 0 && events->printed >= events->count) return;
    if (has_seq && events->heard && seq > events->next_seq)
        (void)tool_fail(events->tool, "missed %llu events",
                        (unsigned long long)(seq - events->next_seq));
    if (has_seq) {
        events->next_seq = seq + 1;
        events->heard = true;
    }
    if (!events_wanted(events, event)) return;
    if (events->tool->json)
        events_print_json(event);
    else
        events_print(event, has_seq, seq);
    events->printed++;
    events->broken = fflush(stdout) != 0;
}

static void events_ask(struct events *events);

static void events_answered(struct garden_client *client, int result,
                            const struct garden_message *reply, void *user)
{
    struct events *events = user;
    (void)client;
    events->asked = false;
    if (result != GARDEN_OK || reply->shell_reply.kind != GARDEN_REPLY_EVENTS) {
        events->past = false; // it has none to tell, or is away
        return;
    }
    const struct garden_past_event_list *list = &reply->shell_reply.events.events;
    const uint64_t before = events->next_seq;
    for (size_t i = 0; i < list->count; i++) {
        const struct garden_past_event *past = &list->items[i];
        const struct garden_message event = {
            .header = {.msg_type = garden_text_of(garden_family_text(GARDEN_EVENT)),
                       .version = garden_text_of(GARDEN_VERSION),
                       .timestamp = past->timestamp},
            .metadata = past->metadata,
            .family = GARDEN_EVENT,
            .event = past->event,
        };
        if (past->seq >= events->next_seq) events_take(events, &event, true, past->seq);
    }
    // A reply has so many at most, and may be older than what came meanwhile.
    if (events->next_seq > before || reply->shell_reply.events.next_seq <= events->last_seq)
        events_ask(events);
    else
        events->past = false; // those that come now follow
}

static void events_ask(struct events *events)
{
    const struct garden_shell_request request = {.kind = GARDEN_SHELL_GET_EVENTS,
                                                 .get_events = {.from_seq = events->next_seq}};
    const struct garden_answer answer = {events_answered, events, events->tool->timeout_ms, NULL};
    if (events->asked) return;
    events->asked = garden_client_shell(events->tool->client, &request, &answer) == GARDEN_OK;
    events->past = events->past && events->asked;
}

static void events_on_event(struct garden_client *client, const struct garden_message *event,
                            bool has_seq, uint64_t seq, void *user)
{
    (void)client;
    struct events *events = user;
    if (has_seq && events->past) { // it comes among the past ones
        events->last_seq = seq;
        return;
    }
    events_take(events, event, has_seq, seq);
}

static bool events_are_heard_out(const struct events *events)
{
    return events->broken || (events->count > 0 && events->printed >= events->count);
}

static bool events_is_over(void *context)
{
    return events_are_heard_out(context);
}

// Alive, or heard out already: one that ends behind its last event may never answer a heartbeat.
static bool events_have_begun(const void *context)
{
    const struct events *events = context;
    return garden_client_state(events->tool->client) == GARDEN_CLIENT_ALIVE ||
           events_are_heard_out(events);
}

static int events_run(struct events *events)
{
    struct tool *tool = events->tool;
    struct garden_client_config config;
    garden_client_config_init(&config);
    config.on_event = events_on_event;
    config.user = events;
    int result = tool_connect(tool, &config);
    if (result == TOOL_OK && !tool_run(tool, events_have_begun, events, tool->timeout_ms))
        result = tool_unreachable(tool);
    if (result != TOOL_OK) return result;
    if (events->past) events_ask(events);
    tool_run_interruptible(tool, events_is_over, events);
    tool_disconnect(tool); // while |events| is still here
    return TOOL_OK;
}

static int events_add_type(const struct tool *tool, struct garden_text *types, size_t *count,
                           const char *name)
{
    // A mistyped name is told, rather than waited for.
    if (tool_check_kind(tool, name, true) != TOOL_OK) return TOOL_USAGE;
    if (*count == EVENTS_TYPES_MAX)
        return tool_usage(tool, "at most %d kinds can be named", EVENTS_TYPES_MAX);
    types[(*count)++] = garden_text_of(name);
    return TOOL_OK;
}

static int events_command(struct tool *tool, int argc, char **argv)
{
    struct events events = {.tool = tool};
    int result = TOOL_OK, option;
    while (result == TOOL_OK && (option = getopt_long(argc, argv, "", events_options, NULL)) >= 0) {
        if (option == 't')
            result = events_add_type(tool, events.types, &events.type_count, optarg);
        else if (option == 'n')
            result = events_add_type(tool, events.not_types, &events.not_type_count, optarg);
        else if (option == 's')
            result = tool_stream(tool, "--stream", events.stream = optarg) ? TOOL_OK : TOOL_USAGE;
        else if (option == 'i')
            result = (events.past =
                          tool_number(tool, "--since", optarg, 0, UINT64_MAX, &events.next_seq))
                         ? TOOL_OK
                         : TOOL_USAGE;
        else if (option == 'c')
            result = tool_number(tool, "--count", optarg, 1, UINT64_MAX, &events.count)
                         ? TOOL_OK
                         : TOOL_USAGE;
        else
            result = TOOL_USAGE;
    }
    if (result != TOOL_OK) return result;
    if (optind < argc) return tool_usage(tool, "'%s' was not expected", argv[optind]);
    return events_run(&events);
}

const struct tool_command tool_events = {
    .name = "events",
    .run = events_command,
    .summary = "print events as they come, until interrupted",
    .help = events_help,
    .options = events_options,
};
