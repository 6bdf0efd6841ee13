// gardenctl: drives a garden daemon from the command line.
#include <getopt.h>
#include <string.h>

#include "tool.h"

enum { GARDENCTL_TIMEOUT_MS = 5000, GARDENCTL_TIMEOUT_MAX_MS = 3600000 };

static const struct {
    const char *name;
    int (*run)(struct tool *tool, int argc, char **argv);
    bool connects;
    const char *help;
} gardenctl_commands[] = {
    {"ping", tool_ping, true,
     "wait for the daemon's answer; show the five lanes and the round trip"},
    {"status", tool_status, true, "show the daemon's state: sources, streams, transport"},
    {"events", tool_events, true, "print events as they come, until interrupted"},
    {"capture", tool_capture, true, "capture a stream into a store"},
    {"verify", tool_verify, false, "check a manifest, its chunks, and the samples against a file"},
    {"shutdown", tool_shutdown, true, "ask the daemon to stop"},
};
enum { GARDENCTL_COMMANDS = sizeof gardenctl_commands / sizeof *gardenctl_commands };

static void gardenctl_help(void)
{
    (void)puts("Usage: gardenctl [OPTION]... COMMAND [ARGUMENT]...\n"
               "\n"
               "Drives a garden daemon (gardend).\n"
               "\n"
               "Commands (each has its own --help):");
    for (size_t i = 0; i < GARDENCTL_COMMANDS; i++)
        (void)printf("  %-10s %s\n", gardenctl_commands[i].name, gardenctl_commands[i].help);
    (void)puts("\n"
               "Where the daemon is (the default: its connection file in the run directory,\n"
               "$XDG_RUNTIME_DIR/garden, or /tmp/garden-UID):\n"
               "  --connection FILE   the connection file that gardend wrote\n"
               "  --run-dir DIR       ipc endpoints in DIR\n"
               "  --tcp HOST:BASE     tcp ports BASE to BASE + 4\n"
               "\n"
               "  --timeout MS        how long to wait for an answer (5000)\n"
               "  --json              print JSON\n"
               "  --help, --version\n"
               "\n"
               "Exit status: 0 done, 1 failed, 2 wrong usage, 3 no daemon answered,\n"
               "4 verify found a difference.");
}

static int gardenctl_tcp(struct tool *tool, char *text)
{
    char *colon = strrchr(text, ':');
    uint64_t base;
    if (!colon) return tool_usage(tool, "--tcp takes HOST:BASE, not '%s'", text);
    *colon = 0;
    if (!tool_number(tool, "--tcp's BASE", colon + 1, 1, UINT16_MAX - GARDEN_LANES + 1, &base))
        return TOOL_USAGE;
    if (garden_endpoints_tcp(&tool->endpoints, text, (uint16_t)base) < 0)
        return tool_usage(tool, "the host name given to --tcp is too long");
    return TOOL_OK;
}

static int gardenctl_connection(struct tool *tool, const char *path)
{
    struct garden_connection connection;
    struct garden_error error;
    if (garden_connection_read(path, &connection, &error) < 0) {
        (void)tool_fail(tool, "%s", error.text);
        return TOOL_UNREACHABLE;
    }
    tool->endpoints = connection.endpoints;
    return TOOL_OK;
}

static int gardenctl_default_connection(struct tool *tool)
{
    char path[512];
    if (garden_run_folder(path, sizeof path - sizeof "/connection.json") < 0)
        return tool_fail(tool, "the run directory's path is too long");
    strcat(path, "/connection.json");
    return gardenctl_connection(tool, path);
}

struct gardenctl_where {
    const char *connection, *run_folder;
    char *tcp;
};

static int gardenctl_find(struct tool *tool, const struct gardenctl_where *where)
{
    if (where->tcp) return gardenctl_tcp(tool, where->tcp);
    if (where->connection) return gardenctl_connection(tool, where->connection);
    if (!where->run_folder) return gardenctl_default_connection(tool);
    if (garden_endpoints_local(&tool->endpoints, where->run_folder) < 0)
        return tool_usage(tool, "--run-dir: the path is too long for a local socket");
    return TOOL_OK;
}

static int gardenctl_options(struct tool *tool, int argc, char **argv,
                             struct gardenctl_where *where)
{
    static const struct option options[] = {
        {"connection", required_argument, NULL, 'c'},
        {"run-dir", required_argument, NULL, 'r'},
        {"tcp", required_argument, NULL, 't'},
        {"timeout", required_argument, NULL, 'w'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {0},
    };
    uint64_t number;
    int option;
    // '+': the options after the command are the command's.
    while ((option = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
        switch (option) {
        case 'c':
            where->connection = optarg;
            break;
        case 'r':
            where->run_folder = optarg;
            break;
        case 't':
            where->tcp = optarg;
            break;
        case 'w':
            if (!tool_number(tool, "--timeout", optarg, 1, GARDENCTL_TIMEOUT_MAX_MS, &number))
                return TOOL_USAGE;
            tool->timeout_ms = (uint32_t)number;
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
        default: // getopt has said what was wrong
            (void)fputs("Try 'gardenctl --help'.\n", stderr);
            return TOOL_USAGE;
        }
    }
    return TOOL_OK;
}

static bool gardenctl_asks_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0) return true;
    return false;
}

int main(int argc, char **argv)
{
    struct tool tool = {.timeout_ms = GARDENCTL_TIMEOUT_MS};
    struct gardenctl_where where = {0};
    int result = gardenctl_options(&tool, argc, argv, &where);
    if (result != TOOL_OK) return result < 0 ? TOOL_OK : result;
    if (optind == argc) return tool_usage(&tool, "which command?");
    argc -= optind;
    argv += optind;
    for (size_t i = 0; i < GARDENCTL_COMMANDS; i++) {
        if (strcmp(argv[0], gardenctl_commands[i].name) != 0) continue;
        tool.command = argv[0];
        optind = 0; // the command reads its own options from the start
        if (gardenctl_commands[i].connects && !gardenctl_asks_help(argc, argv))
            result = gardenctl_find(&tool, &where);
        if (result == TOOL_OK) result = gardenctl_commands[i].run(&tool, argc, argv);
        tool_disconnect(&tool);
        return result;
    }
    return tool_usage(&tool, "there is no command '%s'", argv[0]);
}
