// show: a tape, readably.
#include <string.h>

#include "tape_file.h"

enum { SHOW_LINE_SIZE = 4096 };

static const char show_help[] =
    "Usage: gardenctl show [OPTION]... FILE\n"
    "\n"
    "Prints a tape that gardenctl record wrote: a line for each message, with its\n"
    "time, its lane, its direction (> to the daemon, < from it), the number of the\n"
    "client, its type and content.\n"
    "\n"
    "  --lane LANE  only this lane: control, shell, iopub, hb or query\n"
    "  --type NAME  only messages of this type, such as Seek\n"
    "\n"
    "With --json each message is a line. A tape that was cut off, as by a kill, is\n"
    "shown as far as it goes; exit status 4 when it is damaged.";

static const struct option show_options[] = {
    {"lane", required_argument, NULL, 'l'},
    {"type", required_argument, NULL, 't'},
    {0},
};

struct show {
    const struct tool *tool;
    struct tape_reader tape;
    const char *lane, *type;
    uint64_t shown;
};

static void show_json(const struct show *show, const struct garden_tape_record *record,
                      const struct garden_message *message, const char *time)
{
    struct garden_buffer json;
    struct garden_arena arena;
    struct garden_value content, whole = garden_value_null();
    garden_buffer_init(&json, NULL, 0);
    garden_arena_init(&arena, NULL, 0);
    if (message && tool_content(message, &json, &arena, &content) == GARDEN_OK)
        (void)garden_json_decode(garden_buffer_bytes(&json), &arena, &whole, NULL);
    struct garden_entry entries[] = {
        garden_entry_of("time", garden_value_text(garden_text_of(time))),
        garden_entry_of("time_ns", garden_value_uint(record->time_ns)),
        garden_entry_of("lane", garden_value_text(garden_text_of(garden_lane_name(record->lane)))),
        garden_entry_of("from_daemon", garden_value_bool(record->from_daemon)),
        garden_entry_of("peer", garden_value_uint(record->peer)),
        garden_entry_of("size", garden_value_uint(record->body.size)),
        garden_entry_of("message", whole),
    };
    const struct garden_value value = garden_value_map(entries, sizeof entries / sizeof *entries);
    (void)show;
    tool_print_json(&value);
    garden_arena_fini(&arena);
    garden_buffer_fini(&json);
}

static void show_line(const struct garden_tape_record *record, const struct garden_message *message,
                      const char *time)
{
    char line[SHOW_LINE_SIZE], peer[16] = "";
    const char *name = message ? garden_message_name(message) : "-";
    if (message)
        tool_content_line(message, line, sizeof line);
    else
        (void)snprintf(line, sizeof line, "%zu octets", record->body.size);
    if (record->peer > 0) (void)snprintf(peer, sizeof peer, "%u", record->peer);
    (void)printf("%s%-30s%s %-7s %s%s%-4s %s%s%s %s\n", tool_color("dim"), time, tool_color("off"),
                 garden_lane_name(record->lane), record->from_daemon ? "<" : ">", "", peer,
                 tool_color(record->from_daemon ? "cyan" : "green"), name, tool_color("off"), line);
}

static void show_record(struct show *show, const struct garden_tape_record *record)
{
    struct garden_message message;
    struct garden_form form = {0};
    char time[GARDEN_TIME_TEXT_MAX + 1] = "";
    if (show->lane && strcmp(garden_lane_name(record->lane), show->lane) != 0) return;
    const bool read = record->lane != GARDEN_LANE_HEARTBEAT &&
                      garden_message_decode(&message, record->body, NULL, &form, NULL) == GARDEN_OK;
    if (!show->type || (read && strcmp(garden_message_name(&message), show->type) == 0)) {
        (void)garden_time_format(tape_moment(&show->tape, record), time);
        if (show->tool->json)
            show_json(show, record, read ? &message : NULL, time);
        else
            show_line(record, read ? &message : NULL, time);
        show->shown++;
    }
    if (read) garden_message_fini(&message);
}

static int show_check_lane(const struct tool *tool, const char *name)
{
    struct garden_near near;
    char meant[GARDEN_NEAR_SIZE];
    garden_near_init(&near, garden_text_of(name));
    for (size_t i = 0; i < GARDEN_LANES; i++) {
        const char *known = garden_lane_name((enum garden_lane)i);
        if (strcmp(known, name) == 0) return TOOL_OK;
        garden_near_offer(&near, known);
    }
    garden_near_text(&near, meant);
    return tool_usage(tool, "there is no lane '%s'%s", name, meant);
}

static int show_command(struct tool *tool, int argc, char **argv)
{
    struct show show = {.tool = tool};
    struct garden_tape_record record;
    int option, more;
    while ((option = getopt_long(argc, argv, "", show_options, NULL)) >= 0) {
        if (option == 'l')
            show.lane = optarg;
        else if (option == 't')
            show.type = optarg;
        else
            return TOOL_USAGE;
    }
    if (show.lane && show_check_lane(tool, show.lane) != TOOL_OK) return TOOL_USAGE;
    if (show.type && tool_check_kind(tool, show.type, false) != TOOL_OK) return TOOL_USAGE;
    if (argc - optind != 1) return tool_usage(tool, "name one tape");
    const int result = tape_open(&show.tape, tool, argv[optind]);
    if (result != TOOL_OK) return result;
    while ((more = tape_next(&show.tape, &record)) > 0)
        show_record(&show, &record);
    if (more == 0 && !show.tape.ended)
        (void)tool_fail(tool, "the tape ends here without its end: its writer was killed, or is "
                              "still writing");
    tape_close(&show.tape);
    return more < 0 ? TOOL_DIFFERS : TOOL_OK;
}

const struct tool_command tool_show = {
    .name = "show",
    .run = show_command,
    .summary = "print a tape",
    .help = show_help,
    .options = show_options,
    .words = "file",
};
