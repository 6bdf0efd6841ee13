// gardenctl: drives a garden daemon from the command line.
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"
#include "words.h"

enum { GARDENCTL_TIMEOUT_MS = 5000 };

static int gardenctl_requests(struct tool *tool, int argc, char **argv)
{
    const int result = tool_no_arguments(tool, argc, argv);
    if (result == TOOL_OK) tool_list_requests(tool);
    return result;
}

static const struct tool_command gardenctl_request_list = {
    .name = "requests",
    .run = gardenctl_requests,
    .summary = "list the requests, each of which is a command: seek 16",
    .help =
        "Usage: gardenctl requests\n\nLists the protocol's requests with their fields. Each is a "
        "command too. With\n--json each is a line, an object.",
};

const struct tool_command *const tool_commands[] = {
    &tool_ping,
    &tool_status,
    &tool_top,
    &tool_events,
    &tool_query_command,
    &tool_schema,
    &tool_capture,
    &tool_end_stream,
    &tool_verify,
    &tool_slice,
    &tool_gc,
    &tool_fsck,
    &tool_export,
    &tool_import,
    &tool_record,
    &tool_show,
    &tool_replay,
    &tool_shutdown,
    &gardenctl_request_list,
    &tool_completion,
    NULL,
};

const struct option tool_general_options[] = {
    WHERE_OPTIONS,
    {"timeout", required_argument, NULL, 'w'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
    {0},
};

static void gardenctl_help(void)
{
    (void)puts("Usage: gardenctl [OPTION]... COMMAND [ARGUMENT]...\n"
               "\n"
               "Drives a garden daemon (gardend).\n"
               "\n"
               "Commands (each has its own --help):");
    for (size_t i = 0; tool_commands[i]; i++)
        (void)printf("  %-10s %s\n", tool_commands[i]->name, tool_commands[i]->summary);
    (void)printf("\n%s\n", where_help);
    (void)puts("\n"
               "  --timeout SPAN      how long to wait for an answer (5s): in milliseconds, or\n"
               "                      with a unit: 500ms, 1.5s, 2m, 1h\n"
               "  --json              print JSON\n"
               "  --help, --version\n"
               "\n"
               "Exit status: 0 done, 1 failed, 2 wrong usage, 3 no daemon answered,\n"
               "4 something is damaged or differs (verify, slice, fsck, gc, import, replay),\n"
               "5 a capture lost frames, or its source failed, or its end was not confirmed.");
}

// Exact names only. TOOL_OK, or TOOL_USAGE after saying what was wrong.
static int gardenctl_check(const struct tool *tool, char *const *words, const struct option *table,
                           bool own)
{
    static const struct option none[] = {{0}};
    struct garden_error error;
    return words_check(words, table ? table : none, own, &error) < 0
               ? tool_usage(tool, "%s", error.text)
               : TOOL_OK;
}

static int gardenctl_options(struct tool *tool, int argc, char **argv)
{
    uint64_t span_ns;
    int option;
    if (argc > 0 && gardenctl_check(tool, argv + 1, tool_general_options, true) != TOOL_OK)
        return TOOL_USAGE;
    // '+': the options after the command are the command's.
    while ((option = getopt_long(argc, argv, "+", tool_general_options, NULL)) >= 0) {
        switch (option) {
        case 'w':
            if (!tool_duration(tool, "--timeout", optarg, DURATION_MS, DURATION_MS,
                               3600 * DURATION_S, &span_ns))
                return TOOL_USAGE;
            tool->timeout_ms = (uint32_t)(span_ns / DURATION_MS);
            break;
        case 'j':
            tool->json = true;
            break;
        case 'h':
            gardenctl_help();
            return -1;
        case 'v':
            (void)puts("gardenctl " ZMTP_VERSION " (garden protocol " GARDEN_VERSION ")");
            return -1;
        default:
            (void)where_take(&tool->where, option, optarg); // there are no others
            break;
        }
    }
    return TOOL_OK;
}

// Takes the standard descriptors where they are closed: else a socket or a store's file might get the
// number of one, and what is printed with it. Reading from such an input, or writing to such an output, fails as it
// does where they are closed: what a script asked for is not lost unseen.
static void gardenctl_take_descriptors(void)
{
    int file;
    do
        file = open("/dev/null", fcntl(STDIN_FILENO, F_GETFD) < 0 ? O_WRONLY : O_RDONLY);
    while (file >= 0 && file <= STDERR_FILENO);
    if (file >= 0) (void)close(file); // nothing was written
}

// |words| begin with |option|, which has its value in the same word or the next.
static void gardenctl_hint_option(const struct tool *tool, const struct option *option,
                                  char *const *words)
{
    const char *equals = strchr(words[0], '='), *value = equals ? equals + 1 : words[1];
    if (option->has_arg == no_argument)
        value = "";
    else if (!value || (!equals && strncmp(value, "--", 2) == 0))
        value = "VALUE";
    (void)fprintf(stderr, "--%s stands before the command: gardenctl --%s%s%s %s\n", option->name,
                  option->name, value[0] ? " " : "", value,
                  tool->command ? tool->command : "COMMAND");
}

// Behind what was said of a wrong call. |words| are the command's, up to a null: an option of the program's that
// stands among them is not known there.
static void gardenctl_hint(const struct tool *tool, char *const *words)
{
    for (; words && *words && strcmp(*words, "--") != 0; words++) {
        if (strncmp(*words, "--", 2) != 0) continue;
        const size_t size = strcspn(*words + 2, "=");
        for (const struct option *own = tool_general_options; own->name; own++)
            if (strlen(own->name) == size && strncmp(own->name, *words + 2, size) == 0)
                gardenctl_hint_option(tool, own, words);
    }
    (void)fprintf(stderr, "Try 'gardenctl %s%s--help'.\n", tool->command ? tool->command : "",
                  tool->command ? " " : "");
}

// What a command printed is part of what it was asked for.
static int gardenctl_end(const struct tool *tool, char *const *words, int status)
{
    if (status == TOOL_USAGE) gardenctl_hint(tool, words);
    const bool written = fflush(stdout) == 0 && !ferror(stdout);
    if (written || status != TOOL_OK) return status;
    return tool_fail(tool, "what it told could not be written to the standard output");
}

static bool gardenctl_asks_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0) return true;
    return false;
}

static int gardenctl_run(struct tool *tool, const struct tool_command *command, int argc,
                         char **argv)
{
    char name[64]; // for getopt's own words
    tool->command = command->name;
    if (gardenctl_asks_help(argc, argv)) {
        (void)puts(command->help);
        return gardenctl_end(tool, NULL, TOOL_OK);
    }
    (void)snprintf(name, sizeof name, "gardenctl %s", command->name);
    argv[0] = name;
    if (gardenctl_check(tool, argv + 1, command->options, false) != TOOL_OK)
        return gardenctl_end(tool, argv, TOOL_USAGE);
    optind = 0; // the command reads its own options from the start
    const int status = command->run(tool, argc, argv);
    tool_disconnect(tool);
    return gardenctl_end(tool, argv, status);
}

// The requests' names live only while they are told.
struct gardenctl_best {
    struct garden_near near;
    char name[64];
};

static void gardenctl_offer_request(void *context, const char *name)
{
    struct gardenctl_best *best = context;
    garden_near_offer(&best->near, name);
    if (best->near.best != name) return;                       // a nearer one was there before
    (void)snprintf(best->name, sizeof best->name, "%s", name); // none is so long
    best->near.best = best->name;
}

// What other programs call what a command does: no letters are near there.
static const char *gardenctl_synonym(const char *name)
{
    // clang-format off
    static const char *const known[][2] = {
        {"streams", "status"}, {"stream", "status"}, {"sources", "status"}, {"list", "status"}, {"ls", "status"},
        {"info", "status"}, {"state", "status"}, {"show-state", "status"}, {"dump", "status"}, {"ps", "status"},
        {"watch", "top"}, {"monitor", "top"}, {"meter", "top"}, {"stats", "top"},
        {"log", "events"}, {"logs", "events"}, {"tail", "events"}, {"listen", "events"}, {"subscribe", "events"},
        {"rec", "capture"}, {"resume", "capture --resume"}, {"recover", "capture --recover"},
        {"check", "verify"}, {"compare", "verify"}, {"diff", "verify"}, {"repair", "fsck --repair"},
        {"cut", "slice"}, {"trim", "slice"}, {"extract", "slice"}, {"wav", "slice"},
        {"clean", "gc"}, {"prune", "gc"}, {"rm", "gc"}, {"delete", "gc"},
        {"tar", "export"}, {"pack", "export"}, {"save", "export"}, {"untar", "import"}, {"unpack", "import"},
        {"load", "import"}, {"end", "end-stream"}, {"abort", "end-stream"},
        {"quit", "shutdown"}, {"exit", "shutdown"}, {"halt", "shutdown"}, {"kill", "shutdown"},
        {"commands", "requests"}, {"version", "--version"}, {"help", "--help"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i][0]) == 0) return known[i][1];
    return NULL;
}

static int gardenctl_unknown(const struct tool *tool, const char *name)
{
    struct gardenctl_best best;
    char meant[GARDEN_NEAR_SIZE];
    const char *synonym = gardenctl_synonym(name);
    if (synonym)
        return tool_usage(tool, "there is no command '%s': that is 'gardenctl %s'", name, synonym);
    garden_near_init(&best.near, garden_text_of(name));
    for (size_t i = 0; tool_commands[i]; i++)
        gardenctl_offer_request(&best, tool_commands[i]->name);
    tool_each_request(gardenctl_offer_request, &best);
    garden_near_text(&best.near, meant);
    return tool_usage(tool, "there is no command '%s'%s", name, meant);
}

int main(int argc, char **argv)
{
    struct tool tool = {.timeout_ms = GARDENCTL_TIMEOUT_MS};
    gardenctl_take_descriptors();
    (void)signal(SIGXFSZ,
                 SIG_IGN); // a file that may not grow is a write that fails, and is told as one
    const int result = gardenctl_options(&tool, argc, argv);
    if (result < 0) return gardenctl_end(&tool, NULL, TOOL_OK); // it told what was asked for
    if (result != TOOL_OK) return gardenctl_end(&tool, NULL, result);
    if (optind == argc) return gardenctl_end(&tool, NULL, tool_usage(&tool, "which command?"));
    argc -= optind;
    argv += optind;
    for (size_t i = 0; tool_commands[i]; i++)
        if (strcmp(argv[0], tool_commands[i]->name) == 0)
            return gardenctl_run(&tool, tool_commands[i], argc, argv);
    const char *name = argv[0];
    int status = tool_request(&tool, name, argc, argv);
    tool_disconnect(&tool);
    if (status < 0) status = gardenctl_unknown(&tool, name);
    return gardenctl_end(&tool, argv, status);
}
