// What the commands of gardenctl share: options that every command takes, a client on a loop of its
// own, and the ways to report.
#ifndef GARDEN_TOOLS_TOOL_H
#define GARDEN_TOOLS_TOOL_H

#include <getopt.h>
#include <stdio.h>
#include <uv.h>
#include <zmtp/uv.h>

#include "../client.h"
#include "duration.h"
#include "where.h"

enum tool_exit {
    TOOL_OK = 0,
    TOOL_FAILED = 1,      // the thing asked for failed; stderr says why
    TOOL_USAGE = 2,       // the words of the call are wrong
    TOOL_UNREACHABLE = 3, // no daemon answered
    TOOL_DIFFERS = 4,     // something is damaged or not as it should be
    TOOL_LOST = 5,        // capture: done, but frames were lost, or the end is not confirmed
};

enum { TOOL_FILES_MAX = 256 }; // that one option may be given for

struct tool {
    const char *command;
    // From the options that every command takes.
    struct tool_where where;
    uint32_t timeout_ms;
    bool json;
    // Open between tool_connect and tool_disconnect.
    struct where found;
    uv_loop_t loop;
    struct zmtp_uv *uv;
    struct garden_client *client;
    bool loop_open;
    // The commands' own, for the callbacks.
    void *context;
};

// One line on stderr: "gardenctl COMMAND: ...". Returns TOOL_FAILED.
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int tool_fail(const struct tool *tool, const char *format, ...);
// The same for a wrong call. Returns TOOL_USAGE, at which the end of the program hints at --help.
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int tool_usage(const struct tool *tool, const char *format, ...);

// Finds the daemon's endpoints; opens the loop, and a client with the callbacks of |config|.
int tool_connect(struct tool *tool, struct garden_client_config *config);
// The loop alone.
int tool_open_loop(struct tool *tool);
void tool_disconnect(struct tool *tool); // both; harmless when they are not open
// Runs the loop until |until(context)|, or for |wait_ms| if that is above zero. False: it ran out, or a daemon that was
// never heard of does not let us in, which waiting does not change.
bool tool_run(struct tool *tool, bool (*until)(const void *context), const void *context,
              uint32_t wait_ms);
// Waits for the daemon's first answer to a ping. TOOL_OK, or TOOL_UNREACHABLE after saying so.
int tool_wait_alive(struct tool *tool);
// Says that no daemon answers, or lets us in, and what that may come from: TOOL_UNREACHABLE.
int tool_unreachable(const struct tool *tool);

// Sends and waits. |read| sees the reply (never null; of whatever kind); its result is passed on.
// TOOL_UNREACHABLE after saying so when none comes.
int tool_shell(struct tool *tool, const struct garden_shell_request *request,
               int (*read)(struct tool *tool, const struct garden_message *reply, void *context),
               void *context);
int tool_control(struct tool *tool, enum garden_control_request_kind kind,
                 int (*read)(struct tool *tool, const struct garden_message *reply, void *context),
                 void *context);

int tool_query(struct tool *tool, const struct garden_query_request *request,
               int (*read)(struct tool *tool, const struct garden_message *reply, void *context),
               void *context);

// Prints |value| as one line of JSON on stdout.
void tool_print_json(const struct garden_value *value);
// Prints it for a person: lines, or a table where it is a list of objects.
void tool_print_value(const struct garden_value *value);

// What a message holds, in |arena|; |json| is initialised, and is whole JSON of it afterwards.
int tool_content(const struct garden_message *message, struct garden_buffer *json,
                 struct garden_arena *arena, struct garden_value *out);
// The same as one printable line beside garden_message_name(), cut to |size| with its zero.
void tool_content_line(const struct garden_message *message, char *out, size_t size);
// Runs the loop until SIGINT, SIGTERM or |until(context)|; both signals end it as |until| does.
void tool_run_interruptible(struct tool *tool, bool (*until)(void *context), void *context);

// A number in |text|, all of it, in [min, max]; false after saying what was wrong with |option|.
bool tool_number(const struct tool *tool, const char *option, const char *text, uint64_t min,
                 uint64_t max, uint64_t *out);

// A span of time in |text| (duration.h has its forms), within [min, max], in nanoseconds; a number without a unit is in
// |unit_ns|. False after saying what was wrong with |option|.
bool tool_duration(const struct tool *tool, const char *option, const char *text, uint64_t unit_ns,
                   uint64_t min_ns, uint64_t max_ns, uint64_t *out_ns);
// Whether a stream may be called |uri|; false after saying what was wrong with |option|.
bool tool_stream(const struct tool *tool, const char *option, const char *uri);

// Whether a message, or an event, is called so, as "StreamChunkFull"; else TOOL_USAGE after saying so, with the
// name that was perhaps meant.
int tool_check_kind(const struct tool *tool, const char *name, bool events_only);

// A command: what the help, the shells' completions and the tests know of it.
struct tool_command {
    const char *name;
    // Its own words, argv[0] being its name. --help is answered before it is called.
    int (*run)(struct tool *tool, int argc, char **argv);
    const char *summary;          // one line
    const char *help;             // what --help prints
    const struct option *options; // that it takes beside --help, up to a null name; null: none
    const char *words;            // what a shell completes its arguments with: "file", or null
};
extern const struct tool_command tool_ping, tool_status, tool_shutdown, tool_end_stream,
    tool_events, tool_top, tool_capture, tool_verify, tool_slice, tool_gc, tool_fsck, tool_export,
    tool_import, tool_record, tool_replay, tool_show, tool_query_command, tool_schema,
    tool_completion;
// All of them, in the order of the help, up to a null.
extern const struct tool_command *const tool_commands[];
extern const struct option tool_general_options[];
// For commands without options or arguments: TOOL_OK, or TOOL_USAGE after saying what was wrong.
int tool_no_arguments(const struct tool *tool, int argc, char **argv);

// Whether a whole file may take the place of |path|, which --out named: nothing is there, or, with --force, a file.
// Else, as with a device, TOOL_USAGE after saying so.
int tool_check_out(const struct tool *tool, const char *path, bool force);

// Whether to draw on the standard output: it is a terminal that knows how.
bool tool_terminal(void);
// The codes for |name| ("bold", "dim", "red", "green", "yellow", "cyan", "off"), or nothing where colours do
// not belong: not on a terminal, or NO_COLOR is set.
const char *tool_color(const char *name);

// Every request of the protocol is a command too, made from the table in garden/messages.h: its name in
// kebab-case, its fields as arguments. -1: |name| is none.
int tool_request(struct tool *tool, const char *name, int argc, char **argv);
void tool_list_requests(const struct tool *tool);
// Calls |each| with the name of every such command.
void tool_each_request(void (*each)(void *context, const char *name), void *context);

#endif
