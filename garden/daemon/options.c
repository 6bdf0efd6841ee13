#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tools/words.h"
#include "../wire.h"
#include "config_file.h"
#include "log.h"

enum {
    OPTIONS_RING_MS = 2000,
    OPTIONS_PRIORITY = 20, // above what a desktop runs, below what a sound server does
    OPTIONS_PRIORITY_MAX = 99,
    OPTIONS_RING_MAX_MS = 60000,
    OPTIONS_POSITION_MS = 100,
    OPTIONS_POSITION_MAX_MS = 60000,
    OPTIONS_QUERY_MS = 4000, // less than gardenctl waits
    OPTIONS_QUERY_ROWS = 10000,
    OPTIONS_QUERY_MAX = 1000000,
    OPTIONS_FD_MAX = 65535,
    OPTIONS_STATE_SYNC_MS = 1000, // what a crash of the machine can lose
    OPTIONS_STATE_SYNC_MAX_MS = 3600000,
};
// What libraries this build has, for --version.
#ifdef GARDEN_ALSA
#define OPTIONS_ALSA "\nwith ALSA"
#else
#define OPTIONS_ALSA "\nwithout ALSA"
#endif
#ifdef GARDEN_PIPEWIRE
#define OPTIONS_AUDIO OPTIONS_ALSA ", with PipeWire"
#else
#define OPTIONS_AUDIO OPTIONS_ALSA ", without PipeWire"
#endif

enum { OPTIONS_GO_ON = -1, OPTIONS_DONE = 0, OPTIONS_FAILED = 1 };

static const char options_help[] =
    "Usage: gardend [OPTION]...\n"
    "\n"
    "The garden's daemon: keeps transport, regions, graph and participants, and\n"
    "captures streams of its audio sources into chunks that clients stage.\n"
    "\n"
    "Where it listens (the default: ipc in the run directory):\n"
    "  --run-dir DIR        for sockets and files; made when missing, mode 0700\n"
    "                       ($XDG_RUNTIME_DIR/garden, or /tmp/garden-UID)\n"
    "  --tcp HOST:BASE      tcp ports BASE to BASE + 4; with BASE 0, any\n"
    "  --endpoints LIST     five endpoints: control,shell,iopub,hb,query; or 'plain', for\n"
    "                       clients that read no connection file and have these names\n"
    "                       built in: ipc:///tmp/chaosgarden-control, and so on\n"
    "  --connection-file F  where it tells its endpoints (RUN-DIR/connection.json)\n"
    "  --advertise HOST     what the connection file calls this machine, for clients on\n"
    "                       others (the HOST of --tcp, which is none for 0.0.0.0)\n"
    "  --topics             publish each event under its name\n"
    "\n"
    "What is kept:\n"
    "  --state DIR          where regions, graph, participants and the playhead are kept,\n"
    "                       so that they are there again after a restart; 'none': not at\n"
    "                       all (RUN-DIR/state, which a reboot may empty)\n"
    "  --state-sync-ms N    how often it is synced to the disk; 0: at each change (1000)\n"
    "\n"
    "Who may come in:\n"
    "  --curve-key FILE     encrypt every lane: the daemon's secret certificate. tcp\n"
    "                       beyond this machine needs it\n"
    "  --curve-allow PATH   let in only those whose public keys are in this file or\n"
    "                       folder of certificates (everybody who knows our key)\n"
    "\n"
    "What is captured:";
static const char options_help_more[] = // a string literal has its limits
    "  --source [NAME=]S    a source; NAME is 'default'. S is one of\n"
    "                         file:PATH                       an audio file\n"
    "                         sine:FREQ,CHANNELS,RATE[,FRAMES]\n"
    "                         noise:CHANNELS,RATE[,FRAMES]    white noise\n"
    "                         counter:CHANNELS,RATE[,FRAMES]  numbered samples\n"
    "                         stdin:FORMAT,CHANNELS,RATE      raw samples; FORMAT is\n"
    "                                                         f32, s16, s24 or s32\n"
    "                         alsa:DEVICE,FORMAT,CHANNELS,RATE\n"
    "                         pipewire:NODE,CHANNELS,RATE     NODE may be empty, or\n"
    "                                                         sink:NAME for what is\n"
    "                                                         played there\n"
    "                         midi:PATH                       raw MIDI octets of a file,\n"
    "                                                         a device, or - for stdin\n"
    "                         midi-alsa:PORT                  hw:1,0,0, or virtual\n"
    "                         midi-counter:RATE[,MESSAGES]    numbered messages, RATE\n"
    "                                                         octets a second\n"
    "                         none                            no source at all\n"
    "                       may be given again; without any, sine:440,2,48000\n"
    "  --file PATH          the same as --source file:PATH; given again, the files are\n"
    "                       played one after the other\n"
    "  --loop               files begin again when they end\n"
    "  --pace real|fast     by the clock, or as fast as it can be written (real)\n"
    "  --ring-ms N          audio held while no chunk takes it (2000)\n"
    "  --priority N         real-time priority of the threads that play, where the limits\n"
    "                       allow it: 1 to 99, 0 for none (20)\n"
    "  --staging DIR        the only folder below which chunks are written: that of a\n"
    "                       store, STORE/staging (RUN-DIR/staging)\n"
    "\n"
    "  --config FILE        options from a file, in lines 'name = value'; those that stand\n"
    "                       after it on the command line override it. With a '-' before\n"
    "                       FILE it may be missing. SIGHUP reads it again: log-level,\n"
    "                       log-time, position-ms and ring-ms change at once\n"
    "  --http HOST:PORT     serve the live page, and /metrics for Prometheus, on loopback\n"
    "                       only; the page's lanes take the five ports behind it, or any.\n"
    "                       Every user of this machine can reach them: see --http-token\n"
    "  --http-token FILE    ask who comes there for what is in FILE: 16 to 128 letters,\n"
    "                       digits, - and _\n"
    "  --http-host NAME     what else it is called by, for a proxy before it\n"
    "  --no-page            serve /metrics alone\n"
    "  --query-ms N         how long a query may take (4000)\n"
    "  --query-rows N       how many rows it tells, and that there are more (10000)\n"
    "  --position-ms N      between two PlaybackPosition events (100)\n"
    "  --ready-fd N         write a line to this descriptor when ready\n"
    "  --log-level L        error, warning, info or debug (info)\n"
    "  --log-time WHEN      begin lines of the log with the time: always, never, or auto:\n"
    "                       where systemd's journal does not do that (auto)\n"
    "  --help, --version\n"
    "\n"
    "It tells a service manager that it is ready, stops or lives, as sd_notify does.\n"
    "\n"
    "Exit status: 0 stopped as asked, 1 failed, 2 wrong usage.";

static int options_usage(const char *option, const char *what, const char *text)
{
    log_write(LOG_ERROR, "%s takes %s, not '%s'; try 'gardend --help'", option, what, text);
    return OPTIONS_USAGE;
}

// Where the parts are that depend on other options.
struct options_where {
    const char *run_folder, *connection_file, *staging, *state, *endpoints;
    const char *tcp;
    bool loop, no_source;
};

static bool options_number(const char *text, unsigned long max, uint32_t *out)
{
    char *end;
    errno = 0;
    const unsigned long number = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno != 0 || number > max) return false;
    *out = (uint32_t)number;
    return true;
}

// ---- Sources

static struct source_spec *options_find_source(struct options *out, const char *name)
{
    for (size_t i = 0; i < out->source_count; i++)
        if (strcmp(out->sources[i].name, name) == 0) return &out->sources[i];
    return NULL;
}

static int options_add_source(struct options *out, const char *text, struct options_where *where)
{
    struct source_spec spec;
    struct garden_error error;
    if (strcmp(text, "none") == 0) {
        where->no_source = true;
        return OPTIONS_GO_ON;
    }
    if (source_spec_parse(text, &spec, &error) < 0) {
        log_write(LOG_ERROR, "--source: %s; try 'gardend --help'", error.text);
        return OPTIONS_USAGE;
    }
    if (options_find_source(out, spec.name)) {
        log_write(LOG_ERROR, "--source: there are two sources '%s'; name one NAME=...", spec.name);
        return OPTIONS_USAGE;
    }
    if (out->source_count == OPTIONS_SOURCES_MAX) {
        log_write(LOG_ERROR, "--source: at most %d are possible", OPTIONS_SOURCES_MAX);
        return OPTIONS_USAGE;
    }
    out->sources[out->source_count++] = spec;
    return OPTIONS_GO_ON;
}

// One more file of the source "default".
static int options_add_file(struct options *out, const char *path)
{
    struct source_spec *source = options_find_source(out, "default");
    if (!source && out->source_count < OPTIONS_SOURCES_MAX) {
        source = &out->sources[out->source_count++];
        *source = (struct source_spec){.name = "default", .kind = SOURCE_FILES};
    }
    if (!source || source->kind != SOURCE_FILES || source->path_count == SOURCE_FILES_MAX) {
        log_write(LOG_ERROR,
                  "--file: the source 'default' takes at most %d files and no other kind",
                  SOURCE_FILES_MAX);
        return OPTIONS_USAGE;
    }
    source->paths[source->path_count++] = path;
    return OPTIONS_GO_ON;
}

static int options_finish_sources(struct options *out, const struct options_where *where)
{
    if (where->no_source && out->source_count > 0) {
        log_write(LOG_ERROR, "--source none: other sources are given; try 'gardend --help'");
        return OPTIONS_USAGE;
    }
    if (out->source_count == 0 && !where->no_source)
        out->sources[out->source_count++] = (struct source_spec){.name = "default",
                                                                 .kind = SOURCE_SINE,
                                                                 .frequency = 440,
                                                                 .rate = 48000,
                                                                 .channels = 2,
                                                                 .frames = SOURCE_ENDLESS};
    for (size_t i = 0; i < out->source_count; i++)
        out->sources[i].loop = where->loop;
    return OPTIONS_GO_ON;
}

// ---- Where

static int options_tcp(struct options *out, const char *text)
{
    enum { OPTIONS_BASE_MAX = UINT16_MAX - GARDEN_LANES + 1 };
    char host[GARDEN_ENDPOINT_SIZE];
    const char *colon = strrchr(text, ':');
    uint32_t base;
    if (!colon || colon[1 + strspn(colon + 1, "0123456789")])
        return options_usage("--tcp", "HOST:BASE", text);
    if (!options_number(colon + 1, OPTIONS_BASE_MAX, &base)) {
        log_write(
            LOG_ERROR,
            "--tcp takes HOST:BASE with a BASE of at most %d, as the lanes' %d ports count on "
            "from it, not '%s'; try 'gardend --help'",
            (int)OPTIONS_BASE_MAX, (int)GARDEN_LANES, text);
        return OPTIONS_USAGE;
    }
    const size_t size = (size_t)(colon - text);
    if (size < sizeof host) {
        memcpy(host, text, size);
        host[size] = '\0';
        if (garden_endpoints_tcp(&out->endpoints, host, (uint16_t)base) == GARDEN_OK)
            return OPTIONS_GO_ON;
    }
    return options_usage("--tcp", "a shorter host name", text);
}

static int options_endpoints(struct options *out, const char *list)
{
    if (strcmp(list, "plain") == 0) {
        garden_endpoints_plain(&out->endpoints);
        return OPTIONS_GO_ON;
    }
    const char *text = list;
    for (size_t i = 0; i < GARDEN_LANES; i++) {
        const size_t size = strcspn(text, ",");
        const bool last = i + 1 == GARDEN_LANES;
        if (size == 0 || size >= GARDEN_ENDPOINT_SIZE || (text[size] == '\0') != last)
            return options_usage("--endpoints", "five endpoints with commas, or 'plain'", list);
        memcpy(out->endpoints.of[i], text, size);
        out->endpoints.of[i][size] = '\0';
        text += size + 1;
    }
    return OPTIONS_GO_ON;
}

static bool options_path(char out[OPTIONS_PATH_SIZE], const char *given, const char *folder,
                         const char *name)
{
    const int size = given ? snprintf(out, OPTIONS_PATH_SIZE, "%s", given)
                           : snprintf(out, OPTIONS_PATH_SIZE, "%s/%s", folder, name);
    return size > 0 && size < OPTIONS_PATH_SIZE;
}

static int options_finish_where(struct options *out, const struct options_where *where)
{
    const bool folder =
        where->run_folder ? options_path(out->run_folder, where->run_folder, NULL, NULL)
                          : garden_run_folder(out->run_folder, sizeof out->run_folder) == GARDEN_OK;
    if (!folder ||
        !options_path(out->connection_file, where->connection_file, out->run_folder,
                      "connection.json") ||
        !options_path(out->state, where->state, out->run_folder, "state") ||
        !options_path(out->staging, where->staging, out->run_folder, "staging")) {
        log_write(LOG_ERROR, "a path is empty or longer than %d octets; choose a shorter one",
                  OPTIONS_PATH_SIZE - 1);
        return OPTIONS_USAGE;
    }
    if (where->state && strcmp(where->state, "none") == 0) out->state[0] = '\0';
    out->staging_is_ours = where->staging == NULL;
    if (out->allow && !out->key_file) {
        log_write(LOG_ERROR,
                  "--curve-allow needs --curve-key: without it nobody is asked who they are");
        return OPTIONS_USAGE;
    }
    if (where->tcp && where->endpoints) {
        log_write(LOG_ERROR, "--tcp and --endpoints exclude each other; try 'gardend --help'");
        return OPTIONS_USAGE;
    }
    if (where->tcp) return options_tcp(out, where->tcp);
    if (where->endpoints) return options_endpoints(out, where->endpoints);
    if (garden_endpoints_local(&out->endpoints, out->run_folder) == GARDEN_OK) return OPTIONS_GO_ON;
    log_write(LOG_ERROR, "%s: the path is too long for local sockets; choose another --run-dir",
              out->run_folder);
    return OPTIONS_FAILED;
}

// ---- The command line

static const struct option options_table[] = {
    {"run-dir", required_argument, NULL, 'r'},
    {"tcp", required_argument, NULL, 't'},
    {"endpoints", required_argument, NULL, 'e'},
    {"connection-file", required_argument, NULL, 'c'},
    {"staging", required_argument, NULL, 'd'},
    {"state", required_argument, NULL, 'S'},
    {"state-sync-ms", required_argument, NULL, 'Y'},
    {"source", required_argument, NULL, 's'},
    {"file", required_argument, NULL, 'f'},
    {"loop", no_argument, NULL, 'l'},
    {"pace", required_argument, NULL, 'p'},
    {"advertise", required_argument, NULL, 'a'},
    {"topics", no_argument, NULL, 'o'},
    {"ring-ms", required_argument, NULL, 'm'},
    {"priority", required_argument, NULL, 'P'},
    {"position-ms", required_argument, NULL, 'i'},
    {"query-ms", required_argument, NULL, 'q'},
    {"query-rows", required_argument, NULL, 'w'},
    {"ready-fd", required_argument, NULL, 'y'},
    {"log-level", required_argument, NULL, 'g'},
    {"log-time", required_argument, NULL, 'T'},
    {"config", required_argument, NULL, 'C'},
    {"http", required_argument, NULL, 'H'},
    {"http-token", required_argument, NULL, 'k'},
    {"http-host", required_argument, NULL, 'N'},
    {"no-page", no_argument, NULL, 'n'},
    {"curve-key", required_argument, NULL, 'K'},
    {"curve-allow", required_argument, NULL, 'A'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'v'},
    {0},
};

static int options_log(int option, const char *text, struct options *out)
{
    enum log_level level;
    if (option == 'T')
        return log_time_parse(text, &out->log_time)
                   ? OPTIONS_GO_ON
                   : options_usage("--log-time", "auto, always or never", text);
    if (!log_level_parse(text, &level))
        return options_usage("--log-level", "error, warning, info or debug", text);
    log_set_level(level);
    return OPTIONS_GO_ON;
}

// Options that are read as a whole at once.
static int options_one(int option, const char *text, struct options *out,
                       struct options_where *where)
{
    uint32_t number;
    switch (option) {
    case 's':
        return options_add_source(out, text, where);
    case 'f':
        return options_add_file(out, text);
    case 'p':
        if (strcmp(text, "real") != 0 && strcmp(text, "fast") != 0)
            return options_usage("--pace", "real or fast", text);
        out->pace = strcmp(text, "fast") == 0 ? FLOW_FAST : FLOW_REAL;
        return OPTIONS_GO_ON;
    case 'm':
        if (!options_number(text, OPTIONS_RING_MAX_MS, &out->ring_ms) || out->ring_ms == 0)
            return options_usage("--ring-ms", "a number from 1 to 60000", text);
        return OPTIONS_GO_ON;
    case 'P':
        if (!options_number(text, OPTIONS_PRIORITY_MAX, &out->priority))
            return options_usage("--priority", "a number from 0 to 99", text);
        return OPTIONS_GO_ON;
    case 'i':
        if (!options_number(text, OPTIONS_POSITION_MAX_MS, &out->position_ms) ||
            out->position_ms == 0)
            return options_usage("--position-ms", "a number from 1 to 60000", text);
        return OPTIONS_GO_ON;
    case 'q':
    case 'w':
        if (options_number(text, OPTIONS_QUERY_MAX, &number) && number > 0) {
            *(option == 'q' ? &out->query_ms : &out->query_rows) = number;
            return OPTIONS_GO_ON;
        }
        return options_usage(option == 'q' ? "--query-ms" : "--query-rows",
                             "a number from 1 to 1000000", text);
    case 'Y':
        if (!options_number(text, OPTIONS_STATE_SYNC_MAX_MS, &out->state_sync_ms))
            return options_usage("--state-sync-ms", "a number from 0 to 3600000", text);
        return OPTIONS_GO_ON;
    case 'y':
        if (!options_number(text, OPTIONS_FD_MAX, &number))
            return options_usage("--ready-fd", "the number of a descriptor", text);
        out->ready_fd = (int)number;
        return OPTIONS_GO_ON;
    case 'g':
    case 'T':
        return options_log(option, text, out);
    case 'h':
        (void)puts(options_help);
        (void)puts(options_help_more);
        return OPTIONS_DONE;
    case 'v':
        (void)puts("gardend " ZMTP_VERSION " (garden protocol " GARDEN_VERSION ")" OPTIONS_AUDIO);
        return OPTIONS_DONE;
    default: // words_check() has found none
        return OPTIONS_USAGE;
    }
}

// The first line of the file |path|. Of characters that need no quotes, in a header and anywhere else.
static int options_token(const char *path, struct options *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    enum { TOKEN_MIN = 16 };
    FILE *file = fopen(path, "re");
    char *const text = out->token_text;
    if (!file) {
        log_write(LOG_ERROR, "--http-token %.150s: %s", path, strerror(errno));
        return OPTIONS_USAGE;
    }
    const bool got = fgets(text, OPTIONS_TOKEN_SIZE, file);
    (void)fclose(file); // it was only read
    const size_t size = got ? strcspn(text, "\n") : 0;
    text[size] = '\0';
    if (size < TOKEN_MIN || size >= OPTIONS_TOKEN_SIZE - 1 || strspn(text, letters) != size) {
        log_write(LOG_ERROR,
                  "--http-token %.150s: its first line must be 16 to 128 letters, digits, - and _, "
                  "such as 'head -c 24 /dev/urandom | base64 | tr +/ -_' makes",
                  path);
        return OPTIONS_USAGE;
    }
    out->http_token = text;
    return OPTIONS_GO_ON;
}

// Any option, from wherever it comes.
static int options_take(int option, const char *text, struct options *out,
                        struct options_where *where)
{
    switch (option) {
    case 'r':
        where->run_folder = text;
        return OPTIONS_GO_ON;
    case 'S':
        where->state = text;
        return OPTIONS_GO_ON;
    case 't':
        where->tcp = text;
        return OPTIONS_GO_ON;
    case 'e':
        where->endpoints = text;
        return OPTIONS_GO_ON;
    case 'c':
        where->connection_file = text;
        return OPTIONS_GO_ON;
    case 'd':
        where->staging = text;
        return OPTIONS_GO_ON;
    case 'l':
        where->loop = true;
        return OPTIONS_GO_ON;
    case 'o':
        out->topics = true;
        return OPTIONS_GO_ON;
    case 'a':
        out->advertise = text;
        return OPTIONS_GO_ON;
    case 'H':
        out->http = text;
        return OPTIONS_GO_ON;
    case 'N':
        out->http_host = text;
        return OPTIONS_GO_ON;
    case 'n':
        out->no_page = true;
        return OPTIONS_GO_ON;
    case 'k':
        return options_token(text, out);
    case 'K':
        out->key_file = text;
        return OPTIONS_GO_ON;
    case 'A':
        out->allow = text;
        return OPTIONS_GO_ON;
    default:
        return options_one(option, text, out, where);
    }
}

static int options_file(const char *path, struct options *out, struct options_where *where)
{
    struct garden_error error;
    unsigned line = 0;
    if (out->file_text) {
        log_write(LOG_ERROR, "--config: only one file is possible");
        return OPTIONS_USAGE;
    }
    const bool may_miss = path[0] == '-';
    path += may_miss;
    int result = config_file_read(path, &out->file_text, &error);
    if (may_miss && result == GARDEN_ERR_NOT_FOUND) return OPTIONS_GO_ON;
    char *at = out->file_text;
    while (result == GARDEN_OK) {
        const struct option *option;
        const char *argument;
        result = config_file_next(&at, &line, options_table, path, &option, &argument, &error);
        if (result <= 0) break;
        result = options_take(option->val, argument, out, where);
        if (result != OPTIONS_GO_ON) {
            log_write(LOG_ERROR, "%s:%u: what is wrong stands in this line", path, line);
            return result;
        }
        result = GARDEN_OK;
    }
    if (result == GARDEN_OK) return OPTIONS_GO_ON;
    log_write(LOG_ERROR, "--config: %s", error.text);
    return OPTIONS_USAGE;
}

int options_read(int argc, char **argv, struct options *out)
{
    struct options_where where = {0};
    *out = (struct options){.ring_ms = OPTIONS_RING_MS,
                            .priority = OPTIONS_PRIORITY,
                            .position_ms = OPTIONS_POSITION_MS,
                            .query_ms = OPTIONS_QUERY_MS,
                            .query_rows = OPTIONS_QUERY_ROWS,
                            .state_sync_ms = OPTIONS_STATE_SYNC_MS,
                            .ready_fd = -1,
                            .argc = argc,
                            .argv = argv};
    struct garden_error error;
    int option;
    log_set_level(LOG_INFO);
    if (argc > 0 && words_check(argv + 1, options_table, false, &error) < 0) {
        log_write(LOG_ERROR, "%s; try 'gardend --help'", error.text);
        return OPTIONS_USAGE;
    }
    optind = 0; // from the start, also when it was read before
    while ((option = getopt_long(argc, argv, "", options_table, NULL)) >= 0) {
        const int result = option == 'C' ? options_file(optarg, out, &where)
                                         : options_take(option, optarg, out, &where);
        if (result != OPTIONS_GO_ON) return result;
    }
    if (optind < argc) {
        log_write(LOG_ERROR, "'%s' was not expected; try 'gardend --help'", argv[optind]);
        return OPTIONS_USAGE;
    }
    const int result = options_finish_sources(out, &where);
    return result == OPTIONS_GO_ON ? options_finish_where(out, &where) : result;
}

static bool options_same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool options_same_source(const struct source_spec *a, const struct source_spec *b)
{
    if (a->kind != b->kind || strcmp(a->name, b->name) != 0 || strcmp(a->device, b->device) != 0 ||
        a->frequency != b->frequency || a->rate != b->rate || a->channels != b->channels ||
        a->sample != b->sample || a->frames != b->frames || a->loop != b->loop ||
        a->path_count != b->path_count)
        return false;
    for (size_t i = 0; i < a->path_count; i++)
        if (strcmp(a->paths[i], b->paths[i]) != 0) return false;
    return true;
}

static bool options_same_sources(const struct options *a, const struct options *b)
{
    if (a->source_count != b->source_count) return false;
    for (size_t i = 0; i < a->source_count; i++)
        if (!options_same_source(&a->sources[i], &b->sources[i])) return false;
    return true;
}

// What takes effect only at the next start.
static void options_tell_different(const struct options *now, const struct options *fresh)
{
    const struct {
        const char *name;
        bool same;
    } fixed[] = {
        {"where it listens",
         memcmp(&now->endpoints, &fresh->endpoints, sizeof now->endpoints) == 0},
        {"run-dir", strcmp(now->run_folder, fresh->run_folder) == 0},
        {"connection-file", strcmp(now->connection_file, fresh->connection_file) == 0},
        {"staging", strcmp(now->staging, fresh->staging) == 0},
        {"sources", options_same_sources(now, fresh)},
        {"pace", now->pace == fresh->pace},
        {"topics", now->topics == fresh->topics},
        {"http", options_same_text(now->http, fresh->http)},
        {"http-token", options_same_text(now->http_token, fresh->http_token)},
        {"http-host", options_same_text(now->http_host, fresh->http_host)},
        {"no-page", now->no_page == fresh->no_page},
        {"advertise", options_same_text(now->advertise, fresh->advertise)},
        {"curve-key", options_same_text(now->key_file, fresh->key_file)},
        {"curve-allow", options_same_text(now->allow, fresh->allow)},
        {"state", strcmp(now->state, fresh->state) == 0},
        {"state-sync-ms", now->state_sync_ms == fresh->state_sync_ms},
        {"query-ms", now->query_ms == fresh->query_ms},
        {"query-rows", now->query_rows == fresh->query_rows},
    };
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (!fixed[i].same)
            log_write(LOG_WARNING, "%s: the change takes effect at the next start", fixed[i].name);
}

bool options_reload(struct options *options)
{
    static struct options fresh; // too large for the stack
    const enum log_level level = log_level();
    const bool good = options_read(options->argc, options->argv, &fresh) == OPTIONS_GO_ON;
    if (good) {
        options_tell_different(options, &fresh);
        options->ring_ms = fresh.ring_ms;
        options->position_ms = fresh.position_ms;
        log_set_time(options->log_time = fresh.log_time);
    } else {
        log_set_level(level);
    }
    free(fresh.file_text); // nothing of |options| refers to it
    return good;
}
