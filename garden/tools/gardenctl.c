// gardenctl: drives a garden daemon from the command line.
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

enum { GARDENCTL_TIMEOUT_MS = 5000, GARDENCTL_TIMEOUT_MAX_MS = 3600000 };

static int gardenctl_requests(struct tool *tool, int argc, char **argv)
{
    (void)argv;
    if (argc > 1) return tool_usage(tool, "requests takes no argument");
    tool_list_requests();
    return TOOL_OK;
}

static const struct {
    const char *name;
    int (*run)(struct tool *tool, int argc, char **argv);
    const char *help;
} gardenctl_commands[] = {
    {"ping", tool_ping, "wait for the daemon's answer; show the five lanes and the round trip"},
    {"status", tool_status, "show the daemon's state: sources, streams, transport"},
    {"events", tool_events, "print events as they come, until interrupted"},
    {"capture", tool_capture, "capture a stream into a store"},
    {"end-stream", tool_stop, "stop a stream that nobody captures any more"},
    {"verify", tool_verify, "check a manifest, its chunks, and the samples against a file"},
    {"slice", tool_slice, "write a part of a recording as a WAV file"},
    {"shutdown", tool_shutdown, "ask the daemon to stop"},
    {"requests", gardenctl_requests, "list the requests, each of which is a command: seek 16"},
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
    (void)puts(
        "\n"
        "Where the daemon is (the default: its connection file in the run directory,\n"
        "$XDG_RUNTIME_DIR/garden, or /tmp/garden-UID):\n"
        "  --connection FILE   the connection file that gardend wrote\n"
        "  --run-dir DIR       ipc endpoints in DIR\n"
        "  --tcp HOST:BASE     tcp ports BASE to BASE + 4\n"
        "  --server-key KEY    the daemon's public key, or a file with it: encrypt (that\n"
        "                      of the connection file)\n"
        "  --key FILE          our own keys, for a daemon that asks who we are: the\n"
        "                      secret certificate\n"
        "\n"
        "  --timeout MS        how long to wait for an answer (5000)\n"
        "  --json              print JSON\n"
        "  --help, --version\n"
        "\n"
        "Exit status: 0 done, 1 failed, 2 wrong usage, 3 no daemon answered,\n"
        "4 verify found a difference, 5 a capture lost frames, or its source failed, or its\n"
        "end was not confirmed.");
}

static int gardenctl_options(struct tool *tool, int argc, char **argv)
{
    static const struct option options[] = {
        {"connection", required_argument, NULL, 'c'},
        {"run-dir", required_argument, NULL, 'r'},
        {"tcp", required_argument, NULL, 't'},
        {"timeout", required_argument, NULL, 'w'},
        {"json", no_argument, NULL, 'j'},
        {"server-key", required_argument, NULL, 's'},
        {"key", required_argument, NULL, 'k'},
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
            tool->where.connection = optarg;
            break;
        case 'r':
            tool->where.run_folder = optarg;
            break;
        case 't':
            tool->where.tcp = optarg;
            break;
        case 's':
            tool->where.server_key = optarg;
            break;
        case 'k':
            tool->where.key_file = optarg;
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

// Takes the standard descriptors where they are closed: else a socket or a store's file might get the
// number of one, and what is printed with it.
static void gardenctl_take_descriptors(void)
{
    int file;
    do
        file = open("/dev/null", O_RDWR);
    while (file >= 0 && file <= STDERR_FILENO);
    if (file >= 0) (void)close(file); // nothing was written
}

// What a command printed is part of what it was asked for.
static int gardenctl_end(const struct tool *tool, int status)
{
    const bool written = fflush(stdout) == 0 && !ferror(stdout);
    if (written || status != TOOL_OK) return status;
    return tool_fail(tool, "what it told could not be written to the standard output");
}

int main(int argc, char **argv)
{
    struct tool tool = {.timeout_ms = GARDENCTL_TIMEOUT_MS};
    gardenctl_take_descriptors();
    const int result = gardenctl_options(&tool, argc, argv);
    if (result != TOOL_OK) return result < 0 ? TOOL_OK : result;
    if (optind == argc) return tool_usage(&tool, "which command?");
    argc -= optind;
    argv += optind;
    for (size_t i = 0; i < GARDENCTL_COMMANDS; i++) {
        if (strcmp(argv[0], gardenctl_commands[i].name) != 0) continue;
        tool.command = gardenctl_commands[i].name;
        char name[64]; // for getopt's own words
        (void)snprintf(name, sizeof name, "gardenctl %s", argv[0]);
        argv[0] = name;
        optind = 0; // the command reads its own options from the start
        const int status = gardenctl_commands[i].run(&tool, argc, argv);
        tool_disconnect(&tool);
        return gardenctl_end(&tool, status);
    }
    const char *name = argv[0];
    const int status = tool_request(&tool, name, argc, argv);
    tool_disconnect(&tool);
    if (status < 0) return tool_usage(&tool, "there is no command '%s'", name);
    return gardenctl_end(&tool, status);
}
