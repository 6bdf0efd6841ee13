#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmtp/zmtp.h>

#include "../tools/duration.h"
#include "../tools/words.h"

enum { OPTIONS_USAGE = 2, OPTIONS_OCTETS_MAX = 1024 * 1024 * 1024 };

static const char options_help[] =
    "Usage: garden-mcp [OPTION]...\n"
    "\n"
    "Lets a language model drive a garden: a server of the Model Context Protocol\n"
    "over standard input and output, for a client that starts it, or over HTTP. The\n"
    "daemon (gardend) may come and go meanwhile.\n";
static const char options_help_more[] = // behind where the daemon is
    "  --timeout SPAN      how long a request may take (5s). A SPAN is a number of\n"
    "                      milliseconds, or has a unit: 500ms, 1.5s, 2m, 1h\n"
    "  --patience SPAN     how long a request waits for a daemon that does not\n"
    "                      answer (2s)\n"
    "\n"
    "  --store DIR         where streams are captured to; the daemon's --staging is\n"
    "                      DIR/staging (the run directory, as the daemon's is below it)\n"
    "\n"
    "Over HTTP, for clients on this machine:\n"
    "  --http HOST:PORT    an address of loopback, as 127.0.0.1:7500 (port 0: any; it is\n"
    "                      told on standard error); what is served is /mcp\n"
    "  --token-file FILE   the token that every request must bring (Authorization:\n"
    "                      Bearer); made when missing, readable by its owner only\n"
    "  --allow-origin URL  a page that may ask, as https://example.org, beside those of\n"
    "                      loopback; may be given several times\n"
    "  --sessions-max N    clients at a time (32); beyond, the quietest goes\n"
    "\n"
    "Limits:\n"
    "  --message-max N     octets of a message (1048576)\n"
    "  --blob-max N        octets of a resource that is read (16777216)\n"
    "  --calls-max N       requests of a client that are under way (64)\n"
    "\n"
    "  --completion SHELL  print a script for bash or zsh that completes these words\n"
    "  --help, --version\n"
    "\n"
    "A client's configuration: {\"mcpServers\": {\"garden\": {\"command\": \"garden-mcp\"}}}";

// clang-format off
static const struct option options_table[] = {
    WHERE_OPTIONS,
    {"timeout", required_argument, NULL, 'w'},
    {"patience", required_argument, NULL, 'p'},
    {"store", required_argument, NULL, 'S'},
    {"http", required_argument, NULL, 'H'},
    {"token-file", required_argument, NULL, 'T'},
    {"allow-origin", required_argument, NULL, 'O'},
    {"sessions-max", required_argument, NULL, 'N'},
    {"message-max", required_argument, NULL, 'm'},
    {"blob-max", required_argument, NULL, 'b'},
    {"calls-max", required_argument, NULL, 'n'},
    {"completion", required_argument, NULL, 'C'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
    {0},
};
// clang-format on

static int options_usage(const char *text)
{
    (void)fprintf(stderr, "garden-mcp: %s\nTry 'garden-mcp --help'.\n", text);
    return OPTIONS_USAGE;
}

static int options_number(const char *name, const char *text, unsigned long min, unsigned long max,
                          uint32_t *out)
{
    char *end = NULL, why[256];
    errno = 0;
    const unsigned long value = strtoul(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == 0 && errno == 0 && value >= min &&
        value <= max) {
        *out = (uint32_t)value;
        return -1;
    }
    (void)snprintf(why, sizeof why, "%s takes a whole number from %lu to %lu, not '%.100s'", name,
                   min, max, text);
    return options_usage(why);
}

static int options_duration(const char *name, const char *text, uint32_t *out_ms)
{
    uint64_t ns;
    struct garden_error error;
    if (duration_read(name, text, DURATION_MS, DURATION_MS, 3600 * DURATION_S, &ns, &error) < 0)
        return options_usage(error.text);
    *out_ms = (uint32_t)(ns / DURATION_MS);
    return -1;
}

static void options_words(const char *format)
{
    for (const struct option *option = options_table; option->name; option++)
        (void)printf(format, option->name);
}

static int options_completion(const char *shell)
{
    if (strcmp(shell, "bash") == 0) {
        (void)printf("complete -o default -W '");
        options_words("--%s ");
        (void)puts("' garden-mcp");
    } else if (strcmp(shell, "zsh") == 0) {
        (void)printf("#compdef garden-mcp\n_arguments");
        for (const struct option *option = options_table; option->name; option++)
            (void)printf(" '--%s%s'", option->name,
                         option->has_arg == no_argument ? "" : "=: :_files");
        (void)puts("");
    } else {
        return options_usage("--completion takes bash or zsh");
    }
    return 0;
}

// One option of those that are no number.
static int options_word(struct options *out, int option, const char *text)
{
    switch (option) {
    case 'S':
        if (strlen(text) >= sizeof out->store)
            return options_usage("--store: the path is too long");
        if (text[0] == 0) return options_usage("--store takes a folder, not ''");
        (void)snprintf(out->store, sizeof out->store, "%s", text);
        out->store_named = true;
        break;
    case 'H':
        out->http.address = text;
        break;
    case 'T':
        out->token_file = text;
        break;
    case 'O':
        if (out->origin_count == HTTP_ORIGINS_MAX)
            return options_usage("--allow-origin may be given 16 times");
        out->http.origins[out->origin_count++] = text;
        break;
    case 'C':
        return options_completion(text);
    case 'h':
        (void)printf("%s\n%s\n", options_help, where_help);
        (void)puts(options_help_more);
        return 0;
    case 'v':
        (void)puts("garden-mcp " ZMTP_VERSION " (garden protocol " GARDEN_VERSION
                   ", Model Context Protocol 2025-11-25)");
        return 0;
    default:
        (void)where_take(&out->where, option, text); // there are no others
        break;
    }
    return -1;
}

// Where none is named, that of a daemon which was told of none either.
static int options_store(struct options *out)
{
    const char *folder = out->where.run_folder;
    if (out->store[0]) return -1;
    const int filled = folder ? snprintf(out->store, sizeof out->store, "%s", folder)
                              : (garden_run_folder(out->store, sizeof out->store) < 0 ? -1 : 0);
    if (filled >= 0 && (size_t)filled < sizeof out->store) return -1;
    return options_usage("--run-dir: the path is too long");
}

int options_read(int argc, char **argv, struct options *out)
{
    struct mcp_limits *limits = &out->limits;
    struct garden_error error;
    int option, status = -1;
    if (argc > 0 && words_check(argv + 1, options_table, false, &error) < 0)
        return options_usage(error.text);
    while (status < 0 && (option = getopt_long(argc, argv, "", options_table, NULL)) >= 0) {
        if (option == 'w')
            status = options_duration("--timeout", optarg, &out->timeout_ms);
        else if (option == 'p')
            status = options_duration("--patience", optarg, &out->patience_ms);
        else if (option == 'm')
            status = options_number("--message-max", optarg, 1024, OPTIONS_OCTETS_MAX,
                                    &limits->message_max);
        else if (option == 'b')
            status =
                options_number("--blob-max", optarg, 1024, OPTIONS_OCTETS_MAX, &limits->blob_max);
        else if (option == 'N')
            status = options_number("--sessions-max", optarg, 1, 65536, &out->http.sessions_max);
        else if (option == 'n')
            status = options_number("--calls-max", optarg, 1, 65536, &limits->calls_max);
        else
            status = options_word(out, option, optarg);
    }
    if (status >= 0) return status;
    if (optind < argc) return options_usage("no arguments are expected, only options");
    if (!out->http.address != !out->token_file)
        return options_usage("--http and --token-file belong together");
    return options_store(out);
}
