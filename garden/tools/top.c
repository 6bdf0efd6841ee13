// top: a daemon at a glance: its transport, streams with their rates, lanes, and what was lost. On a terminal
// it is drawn over itself until q; elsewhere it is told once.
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "../core/admit.h"
#include "../stream.h"
#include "tool.h"

enum {
    TOP_INTERVAL_MS = 1000,
    TOP_LATEST = 8, // events that are shown
    TOP_LINE_SIZE = 512,
    TOP_ROWS = 200, // of a screen, at most
    TOP_STREAMS_MAX = 64,
};

static const char top_help[] =
    "Usage: gardenctl top [OPTION]...\n"
    "\n"
    "Shows the daemon live: its transport, streams with their rates and heads, lanes\n"
    "with the round trip, what was lost, the latest events. Keys: q ends, p pauses.\n"
    "Where the standard output is no terminal, and with --json, it is told once.\n"
    "\n"
    "  --interval SPAN  how often it looks (1s): milliseconds, or with a unit, as 0.5s\n"
    "  --count N        end after N looks; where it is no terminal, tell N times (1)";

static const struct option top_options[] = {
    {"interval", required_argument, NULL, 'i'},
    {"count", required_argument, NULL, 'c'},
    {0},
};

// A stream as two looks show it.
struct top_stream {
    char uri[GARDEN_URI_MAX], state[32];
    struct garden_capture_totals totals;
    double rate; // offered frames in a second; below zero: not known yet
};

struct top {
    struct tool *tool;
    bool live, paused, over, asked;
    uint64_t interval_ns, count, looks;
    struct garden_arena arena; // of |dump|
    struct garden_value dump;
    struct top_stream streams[TOP_STREAMS_MAX];
    size_t stream_count;
    uint64_t looked_ns;
    double span_s; // between the last two looks; 0: there was one
    uint64_t events, events_before;
    char latest[TOP_LATEST][TOP_LINE_SIZE];
    size_t latest_next;
    struct garden_buffer screen;
    size_t rows, rows_max;
    struct termios terminal;
    bool terminal_changed, keys_open;
    uv_timer_t timer;
    uv_poll_t keys;
    int status;
};

// ---- Looking

static bool top_text(const struct garden_value *value, char *out, size_t size)
{
    struct garden_text text;
    out[0] = 0;
    if (!garden_value_to_text(value, &text)) return false;
    (void)snprintf(out, size, "%.*s", (int)(text.size < size ? text.size : size - 1),
                   text.data ? text.data : "");
    garden__text_tame(out); // a stranger's octets may be anything
    return true;
}

static double top_rate(const struct top *top, const struct top_stream *now)
{
    for (size_t i = 0; i < top->stream_count && top->span_s > 0; i++) {
        const struct top_stream *before = &top->streams[i];
        if (strcmp(before->uri, now->uri) == 0 && now->totals.offered >= before->totals.offered)
            return (double)(now->totals.offered - before->totals.offered) / top->span_s;
    }
    return -1;
}

static void top_take_streams(struct top *top)
{
    struct top_stream streams[TOP_STREAMS_MAX];
    size_t count = 0;
    const struct garden_value *list = garden_value_find(&top->dump, "streams");
    for (size_t i = 0; list && list->type == GARDEN_LIST && i < list->list.count; i++) {
        const struct garden_value *item = &list->list.items[i];
        const struct garden_value *totals = garden_value_find(item, "totals");
        struct top_stream *stream = &streams[count];
        *stream = (struct top_stream){.rate = -1};
        if (count == TOP_STREAMS_MAX || !totals ||
            !top_text(garden_value_find(item, "uri"), stream->uri, sizeof stream->uri) ||
            garden_capture_totals_read(totals, &stream->totals) < 0)
            continue;
        (void)top_text(garden_value_find(item, "state"), stream->state, sizeof stream->state);
        stream->rate = top_rate(top, stream);
        count++;
    }
    if (count > 0) memcpy(top->streams, streams, count * sizeof *streams);
    top->stream_count = count;
}

static void top_draw(struct top *top);

static void top_answered(struct garden_client *client, int result,
                         const struct garden_message *reply, void *user)
{
    (void)client;
    struct top *top = user;
    top->asked = false;
    if (top->over) return;
    if (result == GARDEN_OK && reply->family == GARDEN_CONTROL_REPLY &&
        reply->control_reply.kind == GARDEN_CONTROL_REPLY_DEBUG_DUMP) {
        const uint64_t now = uv_hrtime();
        top->span_s = top->looked_ns > 0 ? (double)(now - top->looked_ns) / 1e9 : 0;
        top->looked_ns = now;
        garden_arena_fini(&top->arena);
        garden_arena_init(&top->arena, NULL, 0);
        if (garden_value_copy(&top->arena, &reply->control_reply.debug_dump.state, &top->dump) < 0)
            top->dump = garden_value_null();
        top_take_streams(top);
        top->looks++;
    } else if (!top->live) { // on a terminal it is seen, and waited for
        top->status = tool_fail(top->tool, "the daemon does not tell its state");
        top->over = true;
        return;
    }
    top_draw(top);
    top->events_before = top->events;
}

static void top_look(struct top *top)
{
    const struct garden_control_request request = {.kind = GARDEN_CONTROL_DEBUG_DUMP};
    const struct garden_answer answer = {top_answered, top, top->tool->timeout_ms, NULL};
    if (top->asked) return; // it is slow
    if (garden_client_control(top->tool->client, &request, &answer) == GARDEN_OK) top->asked = true;
}

static void top_tick(uv_timer_t *timer)
{
    struct top *top = timer->data;
    if (!top->paused) top_look(top);
    if (top->live && top->asked && garden_client_state(top->tool->client) != GARDEN_CLIENT_ALIVE)
        top_draw(top); // that it is away
}

static void top_on_event(struct garden_client *client, const struct garden_message *event,
                         bool has_seq, uint64_t seq, void *user)
{
    (void)client;
    (void)has_seq;
    struct top *top = user;
    char line[TOP_LINE_SIZE], time[GARDEN_TIME_TEXT_MAX + 1] = "";
    top->events++;
    // Those that come all the time are seen elsewhere.
    if (event->event.kind == GARDEN_EVENT_PLAYBACK_POSITION ||
        event->event.kind == GARDEN_EVENT_STREAM_HEAD_POSITION ||
        event->event.kind == GARDEN_EVENT_WELCOME)
        return;
    tool_content_line(event, line, sizeof line);
    (void)garden_time_format(event->header.timestamp, time); // a decoded one is in its range
    (void)snprintf(top->latest[top->latest_next++ % TOP_LATEST], TOP_LINE_SIZE,
                   "%-30.30s %8llu %.40s %.400s", time, (unsigned long long)seq,
                   garden_message_name(event), line);
}

// ---- Drawing

// A line of the screen; those that do not fit are left out.
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
top_line(struct top *top, const char *format, ...)
{
    char line[TOP_LINE_SIZE];
    va_list arguments;
    if (top->rows_max > 0 && top->rows + 1 >= top->rows_max) return;
    va_start(arguments, format);
    const int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (size < 0) return;
    (void)garden_buffer_append(&top->screen, line, strlen(line)); // asked once, at the end
    const char *end = top->live ? "\033[K\r\n" : "\n";
    (void)garden_buffer_append(&top->screen, end, strlen(end));
    top->rows++;
}

static uint64_t top_number(const struct top *top, const char *group, const char *name)
{
    uint64_t number = 0;
    const struct garden_value *at = garden_value_find(&top->dump, group);
    (void)garden_value_to_u64(name ? garden_value_find(at, name) : at, &number);
    return number;
}

static void top_draw_head(struct top *top)
{
    const struct garden_client *client = top->tool->client;
    const struct garden_value *transport = garden_value_find(&top->dump, "transport");
    bool playing = false;
    double position = 0, tempo = 0;
    (void)garden_value_to_bool(garden_value_find(transport, "playing"), &playing);
    (void)garden_value_to_real(garden_value_find(transport, "position"), &position);
    (void)garden_value_to_real(garden_value_find(transport, "tempo"), &tempo);
    const bool alive = garden_client_state(client) == GARDEN_CLIENT_ALIVE;
    const unsigned long long up = top_number(top, "uptime_ms", NULL) / 1000;
    top_line(top, "%sgardend%s %s%s%s, up %llu:%02llu:%02llu%s", tool_color("bold"),
             tool_color("off"), tool_color(alive ? "green" : "red"), alive ? "alive" : "away",
             tool_color("off"), up / 3600, up / 60 % 60, up % 60,
             top->paused ? ", paused (p goes on)" : "");
    top_line(top, "%s at beat %.3f, %.2f bpm; %llu regions, %llu nodes, %llu participants",
             playing ? "playing" : "stopped", position, tempo,
             (unsigned long long)top_number(top, "regions", NULL),
             (unsigned long long)top_number(top, "graph", "nodes"),
             (unsigned long long)top_number(top, "participants", NULL));
    char lanes[128] = "";
    for (size_t i = 0; i < GARDEN_LANES; i++) {
        const enum garden_lane lane = (enum garden_lane)i;
        const size_t used = strlen(lanes);
        (void)snprintf(lanes + used, sizeof lanes - used, " %s %s", garden_lane_name(lane),
                       garden_client_lane_up(client, lane) ? "up" : "DOWN");
    }
    const uint32_t took = garden_client_round_trip_ms(client);
    if (took == UINT32_MAX)
        top_line(top, "lanes%s", lanes);
    else
        top_line(top, "lanes%s, round trip %u ms", lanes, took);
}

static void top_draw_counters(struct top *top)
{
    const struct garden_client_counters own = garden_client_counters(top->tool->client);
    top_line(top, "requests %llu, replies %llu, repeated %llu, unreadable %llu, undeliverable %llu",
             (unsigned long long)top_number(top, "counters", "requests"),
             (unsigned long long)top_number(top, "counters", "replies"),
             (unsigned long long)top_number(top, "counters", "repeated"),
             (unsigned long long)top_number(top, "counters", "errors"),
             (unsigned long long)top_number(top, "counters", "undeliverable"));
    top_line(top, "events %llu, %.1f a second, missed here %llu",
             (unsigned long long)top_number(top, "counters", "events"),
             top->span_s > 0 ? (double)(top->events - top->events_before) / top->span_s : 0.0,
             (unsigned long long)own.events_missed);
}

static void top_draw_streams(struct top *top)
{
    top_line(top, "%s", "");
    top_line(top, "%s%-32s %-10s %14s %14s %10s %12s%s", tool_color("bold"), "STREAM", "STATE",
             "HEAD", "CAPTURED", "LOST", "FRAMES/s", tool_color("off"));
    for (size_t i = 0; i < top->stream_count; i++) {
        const struct top_stream *stream = &top->streams[i];
        char rate[32] = "-";
        if (stream->rate >= 0) (void)snprintf(rate, sizeof rate, "%.0f", stream->rate);
        top_line(top, "%-32.120s %-10s %14llu %14llu %s%10llu%s %12s", stream->uri, stream->state,
                 (unsigned long long)stream->totals.offered,
                 (unsigned long long)stream->totals.captured,
                 tool_color(stream->totals.overrun > 0 ? "red" : "off"),
                 (unsigned long long)stream->totals.overrun, tool_color("off"), rate);
    }
    if (top->stream_count == 0) top_line(top, "none");
}

static void top_draw_latest(struct top *top)
{
    const size_t count = top->latest_next < TOP_LATEST ? top->latest_next : TOP_LATEST;
    if (count == 0) return;
    top_line(top, "%s", "");
    top_line(top, "%sLATEST EVENTS%s", tool_color("bold"), tool_color("off"));
    for (size_t i = 0; i < count; i++)
        top_line(top, "%s", top->latest[(top->latest_next - count + i) % TOP_LATEST]);
}

static void top_print_json(const struct top *top)
{
    const struct garden_client *client = top->tool->client;
    struct garden_value items[TOP_STREAMS_MAX];
    struct garden_entry streams[TOP_STREAMS_MAX][6], lanes[GARDEN_LANES];
    for (size_t i = 0; i < top->stream_count; i++) {
        const struct top_stream *from = &top->streams[i];
        struct garden_entry *to = streams[i];
        to[0] = garden_entry_of("uri", garden_value_text(garden_text_of(from->uri)));
        to[1] = garden_entry_of("state", garden_value_text(garden_text_of(from->state)));
        to[2] = garden_entry_of("head", garden_value_uint(from->totals.offered));
        to[3] = garden_entry_of("captured", garden_value_uint(from->totals.captured));
        to[4] = garden_entry_of("lost", garden_value_uint(from->totals.overrun));
        to[5] = garden_entry_of("rate", from->rate < 0 ? garden_value_null()
                                                       : garden_value_real(from->rate));
        items[i] = garden_value_map(to, 6);
    }
    for (size_t i = 0; i < GARDEN_LANES; i++)
        lanes[i] =
            garden_entry_of(garden_lane_name((enum garden_lane)i),
                            garden_value_bool(garden_client_lane_up(client, (enum garden_lane)i)));
    struct garden_entry entries[] = {
        garden_entry_of("round_trip_ms", garden_value_uint(garden_client_round_trip_ms(client))),
        garden_entry_of("lanes", garden_value_map(lanes, GARDEN_LANES)),
        garden_entry_of("streams", garden_value_list(items, top->stream_count)),
        garden_entry_of("events", garden_value_uint(top->events)),
        garden_entry_of("events_missed",
                        garden_value_uint(garden_client_counters(client).events_missed)),
        garden_entry_of("state", top->dump),
    };
    const struct garden_value value = garden_value_map(entries, sizeof entries / sizeof *entries);
    tool_print_json(&value);
}

// The whole screen in one write, over what stood there: nothing flickers.
static void top_draw(struct top *top)
{
    struct winsize window = {0};
    // Where it is told, the rates are told too, so the first look is only measured against.
    if (!top->live && top->looks < 2) return;
    if (!top->live && top->looks > top->count) top->over = true;
    if (top->tool->json) {
        top_print_json(top);
        top->over = top->over || fflush(stdout) != 0;
        return;
    }
    garden_buffer_clear(&top->screen);
    top->rows = 0;
    top->rows_max = 0;
    if (top->live) {
        const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 0;
        top->rows_max = known && window.ws_row < TOP_ROWS ? window.ws_row : TOP_ROWS;
        (void)garden_buffer_append(&top->screen, "\033[H", 3);
    }
    top_draw_head(top);
    top_draw_counters(top);
    top_draw_streams(top);
    top_draw_latest(top);
    if (top->live) (void)garden_buffer_append(&top->screen, "\033[J", 3);
    if (top->screen.error == GARDEN_OK) // else the old one stays
        (void)fwrite(top->screen.data, 1, top->screen.size, stdout);
    top->over = top->over || fflush(stdout) != 0;
    if (top->live && top->count > 0 && top->looks >= top->count) top->over = true;
}

// ---- The terminal

static void top_key(uv_poll_t *poll, int status, int events)
{
    struct top *top = poll->data;
    char keys[32];
    (void)events;
    const ssize_t got = status < 0 ? 0 : read(STDIN_FILENO, keys, sizeof keys);
    if (got <= 0) { // nobody types any more
        (void)uv_poll_stop(poll);
        return;
    }
    for (ssize_t i = 0; i < got; i++) {
        if (keys[i] == 'q' || keys[i] == 'Q') top->over = true;
        if (keys[i] == 'p' || keys[i] == 'P') {
            top->paused = !top->paused;
            top_draw(top);
        }
    }
}

static void top_enter(struct top *top)
{
    struct termios raw;
    if (!top->live) return;
    // Another screen, without cursor and wrapping.
    (void)fputs("\033[?1049h\033[?25l\033[?7l", stdout);
    (void)fflush(stdout);
    if (tcgetattr(STDIN_FILENO, &top->terminal) != 0) return; // no keys then
    raw = top->terminal;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    top->terminal_changed = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    if (uv_poll_init(&top->tool->loop, &top->keys, STDIN_FILENO) != 0) return;
    top->keys.data = top;
    top->keys_open = true;
    (void)uv_poll_start(&top->keys, UV_READABLE, top_key);
}

static void top_leave(struct top *top)
{
    if (!top->live) return;
    if (top->keys_open) uv_close((uv_handle_t *)&top->keys, NULL);
    if (top->terminal_changed) (void)tcsetattr(STDIN_FILENO, TCSANOW, &top->terminal);
    (void)fputs("\033[?7h\033[?25h\033[?1049l", stdout);
    (void)fflush(stdout);
}

// ---- The command

static bool top_is_over(void *context)
{
    return ((const struct top *)context)->over;
}

static int top_run(struct top *top)
{
    struct tool *tool = top->tool;
    struct garden_client_config config;
    garden_client_config_init(&config);
    config.on_event = top_on_event;
    config.user = top;
    int result = tool_connect(tool, &config);
    if (result == TOOL_OK) result = tool_wait_alive(tool);
    if (result != TOOL_OK) return result;
    top_enter(top);
    (void)uv_timer_init(&tool->loop, &top->timer); // does not fail
    top->timer.data = top;
    (void)uv_timer_start(&top->timer, top_tick, 0, top->interval_ns / DURATION_MS);
    tool_run_interruptible(tool, top_is_over, top);
    top->over = true; // answers that come now find nothing to do
    uv_close((uv_handle_t *)&top->timer, NULL);
    top_leave(top);
    tool_disconnect(tool); // while |top| is still here
    return top->status;
}

static int top_command(struct tool *tool, int argc, char **argv)
{
    struct top top = {.tool = tool, .interval_ns = TOP_INTERVAL_MS * DURATION_MS};
    int option;
    while ((option = getopt_long(argc, argv, "", top_options, NULL)) >= 0) {
        if (option == 'i') {
            if (!tool_duration(tool, "--interval", optarg, DURATION_MS, 10 * DURATION_MS,
                               3600 * DURATION_S, &top.interval_ns))
                return TOOL_USAGE;
        } else if (option != 'c' ||
                   !tool_number(tool, "--count", optarg, 1, UINT32_MAX, &top.count)) {
            return TOOL_USAGE;
        }
    }
    if (optind < argc) return tool_usage(tool, "'%s' was not expected", argv[optind]);
    top.live = tool_terminal() && !tool->json;
    if (!top.live && top.count == 0) top.count = 1;
    garden_arena_init(&top.arena, NULL, 0);
    garden_buffer_init(&top.screen, NULL, 0);
    const int result = top_run(&top);
    garden_buffer_fini(&top.screen);
    garden_arena_fini(&top.arena);
    return result;
}

const struct tool_command tool_top = {
    .name = "top",
    .run = top_command,
    .summary = "show the daemon live: streams, lanes, events",
    .help = top_help,
    .options = top_options,
};
