#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>
#include <zmtp/uv.h>

#include "../core/error.h"
#include "http.h"
#include "log.h"
#include "notify.h"
#include "page.h"
#include "place.h"
#include "requests.h"
#include "strangers.h"

enum { DAEMON_SIGNALS = 3, DAEMON_SHUTDOWNS_MAX = 32, DAEMON_QUERIES_WAITING_MAX = 64 };

struct daemon {
    struct options *options;
    uv_loop_t loop;
    struct zmtp_uv *uv;
    struct http *http; // null: not served
    struct page page;
    char store[OPTIONS_PATH_SIZE]; // that the staging folder is of; "": none's
    uv_timer_t tick, watchdog, look;
    uv_signal_t signals[DAEMON_SIGNALS];
    bool has_handles;

    struct garden_staging staging;
    struct flow *flows[OPTIONS_SOURCES_MAX];
    size_t flow_count;
    struct state state;
    struct requests requests;
    struct place place;
    struct strangers strangers;
    bool has_key;        // the lanes are encrypted
    struct zmtp_key key; // and this is the public key
    char missed[256];    // what was told last of something that is gone; "": nothing is

    bool misused; // by its options, as only looking closer tells
    bool stopping, finishing, finished;
    struct garden_request *shutdowns[DAEMON_SHUTDOWNS_MAX]; // to be answered in the end
    size_t shutdown_count;
};

// ---- Stopping: ShuttingDown is published, streams are closed, Shutdown is answered, sockets close

static void daemon_publish_status(struct daemon *daemon, enum garden_execution_state state)
{
    const struct garden_event event = {.kind = GARDEN_EVENT_STATUS,
                                       .status = {.execution_state = state}};
    // Fails only without memory, and nobody depends on this event.
    (void)garden_server_publish(daemon->requests.server, &event, NULL, 0);
}

static void daemon_on_server_closed(void *user)
{
    struct daemon *daemon = user;
    zmtp_uv_close(daemon->uv, NULL, NULL);
    daemon->uv = NULL;
}

static void daemon_reply_shutdown(struct daemon *daemon, struct garden_request *request)
{
    struct garden_message reply = {.family = GARDEN_CONTROL_REPLY};
    reply.control_reply.kind = GARDEN_CONTROL_REPLY_SHUTTING_DOWN;
    garden_server_reply(daemon->requests.server, request, &reply);
}

static void daemon_close_handles(struct daemon *daemon)
{
    http_close(daemon->http); // before the server, whose counters it tells
    daemon->http = NULL;
    captures_close(&daemon->page.captures);
    keeper_close(&daemon->requests.keeper);
    if (!daemon->has_handles) return;
    uv_close((uv_handle_t *)&daemon->tick, NULL);
    uv_close((uv_handle_t *)&daemon->watchdog, NULL);
    uv_close((uv_handle_t *)&daemon->look, NULL);
    for (size_t i = 0; i < DAEMON_SIGNALS; i++)
        uv_close((uv_handle_t *)&daemon->signals[i], NULL);
}

// Streams are drained, or nobody wants to wait for that any longer.
static void daemon_finish(struct daemon *daemon)
{
    if (daemon->finished) return;
    daemon->finishing = true;
    offload_stop(&daemon->requests.offload);
    offload_stop(&daemon->requests.queries);
    // Else it comes back here.
    if (!offload_idle(&daemon->requests.offload) || !offload_idle(&daemon->requests.queries))
        return;
    if (!keeper_idle(&daemon->requests.keeper)) return;
    daemon->finished = true;
    streams_close(daemon->requests.streams);
    daemon->requests.streams = NULL;
    for (size_t i = 0; i < daemon->shutdown_count; i++)
        daemon_reply_shutdown(daemon, daemon->shutdowns[i]);
    daemon_close_handles(daemon);
    garden_server_close(daemon->requests.server, daemon_on_server_closed, daemon);
    daemon->requests.server = NULL;
    (void)strangers_look(&daemon->strangers, uv_now(&daemon->loop), true);
}

static void daemon_on_idle(void *user)
{
    struct daemon *daemon = user;
    if (daemon->finishing) daemon_finish(daemon);
}

static void daemon_on_drained(void *user)
{
    daemon_finish(user);
}

static void daemon_stop(struct daemon *daemon)
{
    if (daemon->stopping) return;
    daemon->stopping = true;
    log_write(LOG_INFO, "shutting down");
    notify_say("STOPPING=1");
    daemon_publish_status(daemon, GARDEN_EXECUTION_SHUTTING_DOWN);
    streams_drain(daemon->requests.streams);
}

static void daemon_on_shutdown(struct garden_request *request, void *user)
{
    struct daemon *daemon = user;
    if (daemon->shutdown_count == DAEMON_SHUTDOWNS_MAX) {
        daemon_reply_shutdown(daemon, request);
        return;
    }
    daemon->shutdowns[daemon->shutdown_count++] = request;
    daemon_stop(daemon);
}

static void daemon_arm(struct daemon *daemon);

static void daemon_reload(struct daemon *daemon)
{
    if (daemon->stopping) return;
    notify_say("RELOADING=1");
    if (options_reload(daemon->options)) {
        log_write(LOG_INFO, "the options were read again");
        streams_set_ring(daemon->requests.streams, daemon->options->ring_ms);
        if (daemon->state.transport.playing) {
            (void)uv_timer_stop(&daemon->tick); // it begins anew, with the pace that is wanted now
            daemon_arm(daemon);
        }
    } else {
        log_write(LOG_WARNING, "the options stay as they were");
    }
    notify_say("READY=1");
}

// A second signal does not wait for streams whose clients stage no chunk.
static void daemon_on_signal(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;
    if (number == SIGHUP)
        daemon_reload(daemon);
    else if (daemon->stopping)
        daemon_finish(daemon);
    else
        daemon_stop(daemon);
}

// ---- Requests and time

static void daemon_on_tick(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;
    requests_tick(&daemon->requests);
}

// Ticks come only while the transport plays.
static void daemon_arm(struct daemon *daemon)
{
    const bool active = uv_is_active((const uv_handle_t *)&daemon->tick) != 0;
    if (daemon->finished || daemon->state.transport.playing == active) return;
    const uint64_t wait_ms = daemon->options->position_ms;
    if (active)
        (void)uv_timer_stop(&daemon->tick); // neither can fail on an open timer
    else
        (void)uv_timer_start(&daemon->tick, daemon_on_tick, wait_ms, wait_ms);
}

static void daemon_on_request(struct garden_server *server, struct garden_request *request,
                              void *user)
{
    struct daemon *daemon = user;
    if (daemon->finishing && request->lane != GARDEN_LANE_CONTROL) {
        // What is asked without a pause would keep it from its end.
        garden_server_reply_error(server, request, "the daemon is shutting down");
        return;
    }
    requests_take(&daemon->requests, request);
    daemon_arm(daemon);
}

static int daemon_on_welcome(struct garden_server *server, struct garden_arena *arena,
                             struct garden_value *state, void *user)
{
    (void)server;
    struct daemon *daemon = user;
    return requests_welcome(&daemon->requests, arena, state);
}

static void daemon_on_refused(struct garden_server *server, enum garden_lane lane, bool web,
                              const char *who, const char *why, void *user)
{
    struct daemon *daemon = user;
    char door[64];
    (void)server;
    (void)snprintf(door, sizeof door, "%s%s", web ? "pages' " : "", garden_lane_name(lane));
    (void)strangers_tell(&daemon->strangers, uv_now(&daemon->loop), door, who, why);
}

// ---- Opening

static void daemon_on_trouble(const char *text, void *user)
{
    struct daemon *daemon = user;
    if (daemon->requests.server) requests_tell_trouble(&daemon->requests, text);
}

static int daemon_open_state(struct daemon *daemon, struct garden_error *error)
{
    const struct options *options = daemon->options;
    const struct keeper_config config = {
        .loop = &daemon->loop,
        .state = &daemon->state,
        .folder = options->state[0] ? options->state : NULL,
        .sync_ms = options->state_sync_ms,
        .on_idle = daemon_on_idle,
        .on_trouble = daemon_on_trouble,
        .user = daemon,
    };
    return keeper_open(&daemon->requests.keeper, &config, error);
}

static int daemon_open_staging(struct daemon *daemon, struct garden_error *error)
{
    const struct options *options = daemon->options;
    struct stat status;
    if (options->staging_is_ours && mkdir(options->staging, 0700) < 0 && errno != EEXIST)
        return garden__fail(error, GARDEN_ERR_SYSTEM,
                            "%.100s cannot be made: %s; name a --staging folder", options->staging,
                            strerror(errno));
    if (stat(options->staging, &status) == 0 && !S_ISDIR(status.st_mode))
        return garden__fail(error, GARDEN_ERR_EXISTS,
                            "staging folder %.100s is not a directory: remove it, or name another "
                            "with --staging",
                            options->staging);
    if (access(options->staging, W_OK | X_OK) < 0)
        return garden__fail(error, GARDEN_ERR_ACCESS,
                            "staging folder %.100s: %s; make it, or name another with --staging",
                            options->staging, strerror(errno));
    return garden_staging_open(&daemon->staging, NULL, options->staging, error);
}

static int daemon_open_source(struct daemon *daemon, const struct source_spec *spec,
                              struct garden_error *error)
{
    struct source *source;
    int result = source_open(&source, spec, error);
    if (result < 0) return result;
    struct flow **flow = &daemon->flows[daemon->flow_count];
    result = flow_open(flow, source, daemon->options->pace, true, error);
    if (result < 0) {
        source_close(source);
        return result;
    }
    daemon->flow_count++;
    const int priority = (int)daemon->options->priority;
    if (flow_set_priority(*flow, priority) == 0 && priority > 0 &&
        daemon->options->pace != FLOW_FAST)
        log_write(LOG_INFO,
                  "source '%s' plays without real-time priority: see the limit on it (ulimit -r)",
                  spec->name);
    return GARDEN_OK;
}

// The daemon's keys; none without --curve-key.
static int daemon_read_keys(struct daemon *daemon, struct zmtp_key_file *file,
                            struct garden_error *error)
{
    const char *path = daemon->options->key_file;
    *file = (struct zmtp_key_file){.has_secret = false};
    if (!path) return GARDEN_OK;
    const int result = zmtp_key_file_load(file, path);
    if (result < 0)
        return garden__fail(error, GARDEN_ERR_NOT_FOUND,
                            "--curve-key %.150s: %s; zmtp-keygen makes such a file", path,
                            result == ZMTP_ERR_NOT_FOUND  ? "there is no such file"
                            : result == ZMTP_ERR_ARGUMENT ? "it is no key file (certificate)"
                                                          : zmtp_err_text(result));
    if (!file->has_secret)
        return garden__fail(
            error, GARDEN_ERR_ARGUMENT,
            "--curve-key %.150s has no secret key; name the file that ends in _secret", path);
    daemon->has_key = true;
    daemon->key = file->keys.public_key;
    return GARDEN_OK;
}

// Where it listens for others than this machine's; null: nowhere.
static const char *daemon_find_public(const struct options *options)
{
    static const char *const near[] = {"tcp://127.", "tcp://localhost:", "tcp://[::1]:"};
    for (size_t lane = 0; lane < GARDEN_LANES; lane++) {
        const char *endpoint = options->endpoints.of[lane];
        size_t i = 0;
        while (i < sizeof near / sizeof *near && strncmp(endpoint, near[i], strlen(near[i])) != 0)
            i++;
        if (strncmp(endpoint, "tcp:", 4) == 0 && i == sizeof near / sizeof *near) return endpoint;
    }
    return NULL;
}

// Why no address is found for the name in |endpoint|, of tcp; null: it has one, or is an interface's.
static const char *daemon_unknown_host(const char *endpoint)
{
    char host[GARDEN_ENDPOINT_SIZE];
    struct addrinfo *list;
    const char *name = endpoint + strlen("tcp://"), *colon = strrchr(name, ':');
    const size_t size = colon ? (size_t)(colon - name) : strlen(name);
    if (size == 0 || size >= sizeof host || name[0] == '[') return NULL;
    memcpy(host, name, size);
    host[size] = '\0';
    if (strcmp(host, "*") == 0 || if_nametoindex(host) > 0) return NULL;
    const int result = getaddrinfo(host, NULL, NULL, &list);
    if (result == 0) freeaddrinfo(list);
    return result == EAI_NONAME || result == EAI_AGAIN ? gai_strerror(result) : NULL;
}

// Without keys it listens on this machine alone.
static int daemon_check_public(const struct options *options, struct garden_error *error)
{
    const char *public = options->key_file ? NULL : daemon_find_public(options);
    if (!public) return GARDEN_OK;
    const char *unknown = daemon_unknown_host(public);
    if (unknown)
        return garden__fail(error, GARDEN_ERR_NOT_FOUND,
                            "%.100s cannot be listened on: its host cannot be found: %s", public,
                            unknown);
    return garden__fail(error, GARDEN_ERR_ACCESS,
                        "%.100s is beyond this machine and must be encrypted: give --curve-key "
                        "FILE, or listen on 127.0.0.1",
                        public);
}

// The library names what is wrong with whom to let in as its own config does.
static int daemon_name_option(int result, struct garden_error *error)
{
    const struct garden_error told = *error;
    if (strncmp(told.text, "allow: ", strlen("allow: ")) != 0) return result;
    return garden__fail(error, told.code, "--curve-%s", told.text);
}

static int daemon_open_server(struct daemon *daemon, struct garden_error *error)
{
    struct garden_server_config config;
    struct zmtp_key_file keys;
    int result = daemon_check_public(daemon->options, error);
    if (result < 0) return result;
    garden_server_config_init(&config);
    config.endpoints = daemon->options->endpoints;
    config.topics = daemon->options->topics;
    config.on_request = daemon_on_request;
    config.on_welcome = daemon_on_welcome;
    config.on_refused = daemon_on_refused;
    config.user = daemon;
    result = daemon_read_keys(daemon, &keys, error);
    if (result < 0) return result;
    config.keys = keys.has_secret ? &keys.keys : NULL;
    config.allow = daemon->options->allow;
    result = zmtp_uv_open(&daemon->uv, &daemon->loop, NULL);
    if (result < 0)
        result = garden__fail(error, GARDEN_ERR_SYSTEM, "no sockets: %s", zmtp_err_text(result));
    else
        result = garden_server_open(&daemon->requests.server, daemon->uv, &config, error);
    zmtp_wipe(&keys, sizeof keys);
    return result < 0 ? daemon_name_option(result, error) : GARDEN_OK;
}

static int daemon_open_streams(struct daemon *daemon, struct garden_error *error)
{
    const struct streams_config config = {
        .loop = &daemon->loop,
        .server = daemon->requests.server,
        .staging = &daemon->staging,
        .flows = daemon->flows,
        .flow_count = daemon->flow_count,
        .ring_ms = daemon->options->ring_ms,
        .levels = daemon->options->http && !daemon->options->no_page,
        .on_drained = daemon_on_drained,
        .user = daemon,
    };
    daemon->requests.offload = (struct offload){
        .loop = &daemon->loop,
        .server = daemon->requests.server,
        .state = &daemon->state,
        .on_idle = daemon_on_idle,
        .user = daemon,
    };
    const int result = streams_open(&daemon->requests.streams, &config, error);
    daemon->requests.offload.streams = daemon->requests.streams;
    daemon->requests.queries = daemon->requests.offload;
    daemon->requests.queries.waiting_max = DAEMON_QUERIES_WAITING_MAX;
    daemon->requests.query_limits.time_ms = daemon->options->query_ms;
    daemon->requests.query_limits.rows_max = daemon->options->query_rows;
    return result;
}

static void daemon_on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    notify_say("WATCHDOG=1"); // the loop turns
}

// STORE/staging is a store's; a folder of another name may be anybody's.
static void daemon_find_store(struct daemon *daemon)
{
    static const char name[] = "staging";
    char *path = daemon->store;
    (void)snprintf(path, sizeof daemon->store, "%s", daemon->options->staging);
    for (size_t size = strlen(path); size > 1 && path[size - 1] == '/'; size--)
        path[size - 1] = '\0';
    char *slash = strrchr(path, '/');
    if (strcmp(slash ? slash + 1 : path, name) != 0)
        path[0] = '\0';
    else if (slash)
        slash[slash == path] = '\0'; // the root keeps its slash
    else
        strcpy(path, ".");
}

// The doors for pages; without WebSocket the page says so.
static int daemon_open_doors(struct daemon *daemon, struct garden_error *error)
{
    const struct options *options = daemon->options;
    const uint16_t port = http_port(daemon->http);
    const struct garden_web web = {.host = "127.0.0.1",
                                   .base =
                                       port < UINT16_MAX - GARDEN_LANES ? (uint16_t)(port + 1) : 0,
                                   .origins = http_origins(daemon->http),
                                   .secret = options->http_token};
    const int result = garden_server_open_web(daemon->requests.server, daemon->uv, &web, error);
    daemon->page.has_websocket = result == GARDEN_OK;
    return result == GARDEN_ERR_TYPE ? GARDEN_OK : result;
}

static int daemon_open_http(struct daemon *daemon, struct garden_error *error)
{
    const struct options *options = daemon->options;
    const struct http_config config = {.loop = &daemon->loop,
                                       .address = options->http,
                                       .token = options->http_token,
                                       .host = options->http_host,
                                       .answer = page_answer,
                                       .user = &daemon->page};
    daemon->page = (struct page){.requests = &daemon->requests,
                                 .uv = daemon->uv,
                                 .place = &daemon->place,
                                 .wanted = !options->no_page,
                                 .topics = options->topics};
    daemon_find_store(daemon);
    captures_init(&daemon->page.captures, &daemon->loop, options->connection_file,
                  daemon->store[0] ? daemon->store : NULL);
    if (!config.address) return GARDEN_OK;
    int result = http_open(&daemon->http, &config, error);
    daemon->misused = result == GARDEN_ERR_ARGUMENT; // no time makes that address another
    if (result == GARDEN_OK && daemon->page.wanted) result = daemon_open_doors(daemon, error);
    if (result == GARDEN_OK) page_init(&daemon->page);
    return result;
}

static int daemon_open_handles(struct daemon *daemon, struct garden_error *error)
{
    static const int numbers[DAEMON_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
    const uint64_t watchdog_ms = notify_watchdog_ms();
    (void)uv_timer_init(&daemon->loop, &daemon->tick); // these do not fail
    (void)uv_timer_init(&daemon->loop, &daemon->watchdog);
    (void)uv_timer_init(&daemon->loop, &daemon->look);
    daemon->tick.data = daemon->look.data = daemon;
    if (watchdog_ms > 0)
        (void)uv_timer_start(&daemon->watchdog, daemon_on_watchdog, watchdog_ms, watchdog_ms);
    int result = 0;
    for (size_t i = 0; i < DAEMON_SIGNALS; i++) {
        (void)uv_signal_init(&daemon->loop, &daemon->signals[i]); // the loop's pipe is there
        daemon->signals[i].data = daemon;
        if (result == 0)
            result = uv_signal_start(&daemon->signals[i], daemon_on_signal, numbers[i]);
    }
    daemon->has_handles = true;
    if (result == 0) return GARDEN_OK;
    return garden__fail(error, GARDEN_ERR_SYSTEM, "signals cannot be caught: %s",
                        uv_strerror(result));
}

// The port of --http may have been 0, for any.
static void daemon_log_http(const struct daemon *daemon)
{
    const char *place = daemon->options->http, *colon = strrchr(place, ':');
    const int size = colon ? (int)(colon - place) : 0;
    const unsigned port = http_port(daemon->http);
    log_write(LOG_INFO, "metrics are at port %u: http://%.*s:%u/metrics", port, size, place, port);
    if (daemon->page.wanted)
        log_write(LOG_INFO, "the page is at http://%.*s:%u/%s", size, place, port,
                  daemon->options->http_token ? "?token=TOKEN" : "");
    if (daemon->page.wanted && !daemon->page.has_websocket)
        log_write(LOG_INFO, "the page shows nothing live: this build has no WebSocket, which 'make "
                            "WS=1' adds");
}

static void daemon_log_ready(const struct daemon *daemon)
{
    const struct garden_endpoints *endpoints = garden_server_endpoints(daemon->requests.server);
    for (size_t i = 0; i < daemon->flow_count; i++) {
        const struct source_info *info = flow_info(daemon->flows[i]);
        if (info->kind == GARDEN_STREAM_MIDI)
            log_write(LOG_INFO, "source '%s': MIDI", info->name);
        else
            log_write(LOG_INFO, "source '%s': %u Hz, %u channel%s", info->name, info->rate,
                      (unsigned)info->channels, info->channels == 1 ? "" : "s");
    }
    keeper_log(&daemon->requests.keeper);
    for (size_t i = 0; i < GARDEN_LANES; i++)
        log_write(LOG_INFO, "%s listens on %s", garden_lane_name((enum garden_lane)i),
                  endpoints->of[i]);
    if (daemon->http) daemon_log_http(daemon);
    log_write(LOG_INFO, "captures go into %s%s", daemon->options->staging,
              daemon->options->staging_is_ours
                  ? ", which --staging did not name: the store is the run directory"
                  : "");
    log_write(LOG_INFO, "ready: %s", daemon->options->connection_file);
}

// ---- What others remove

// The folder that chunks are staged in was removed, or is another than it was, as when a store was made anew: what
// is staged from now on is in the one that is there. Streams that run have their files open. Returns as place_look().
static int daemon_look_for_staging(struct daemon *daemon, struct garden_error *error)
{
    struct stat held, there;
    const char *path = daemon->staging.root;
    if (fstat(daemon->staging.folder, &held) != 0) return GARDEN_OK;
    if (daemon->options->staging_is_ours) (void)mkdir(path, 0700); // or it is there
    if (stat(path, &there) != 0 && errno == ENOENT)
        return garden__fail(error, GARDEN_ERR_NOT_FOUND,
                            "the staging folder %.150s was removed, and with it chunks that are "
                            "being written: make it again",
                            path);
    if (held.st_dev == there.st_dev && held.st_ino == there.st_ino) return GARDEN_OK;
    const int fresh = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // Under the same number, as other threads have it.
    const bool taken = fresh >= 0 && dup3(fresh, daemon->staging.folder, O_CLOEXEC) >= 0;
    const int failure = errno;
    if (fresh >= 0) (void)close(fresh); // nothing was written
    if (!taken)
        return garden__fail(error, GARDEN_ERR_SYSTEM, "the staging folder %.150s: %s", path,
                            strerror(failure));
    (void)garden__fail(error, GARDEN_OK,
                       "the staging folder %.150s was replaced: chunks are written into the new "
                       "one; those of before are gone with the old one",
                       path);
    return 1;
}

static int daemon_look_for_place(struct daemon *daemon, struct garden_error *error)
{
    return place_look(&daemon->place, error);
}

static int daemon_look_for_state(struct daemon *daemon, struct garden_error *error)
{
    return keeper_look(&daemon->requests.keeper, error);
}

// Looks for each of the things that somebody may have removed, whatever became of the others; of several that cannot be
// mended the first is told.
static void daemon_on_look(uv_timer_t *timer)
{
    static int (*const looks[])(struct daemon *, struct garden_error *) = {
        daemon_look_for_place, daemon_look_for_staging, daemon_look_for_state};
    struct daemon *daemon = timer->data;
    struct garden_error missed = {0};
    (void)strangers_look(&daemon->strangers, uv_now(&daemon->loop), false);
    if (daemon->stopping) return;
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        struct garden_error error = {0};
        const int result = looks[i](daemon, &error);
        if (result > 0) log_write(LOG_WARNING, "%s", error.text);
        if (result < 0 && missed.code == GARDEN_OK) missed = error;
    }
    if (missed.code != GARDEN_OK && strcmp(missed.text, daemon->missed) != 0) {
        log_write(LOG_ERROR, "%s", missed.text);
        requests_tell_trouble(&daemon->requests, missed.text);
    }
    memcpy(daemon->missed, missed.text, sizeof daemon->missed);
    daemon->place.lost = missed.code != GARDEN_OK;
}

// Tells everybody that all lanes are bound and the sources open.
static int daemon_tell_ready(struct daemon *daemon, struct garden_error *error)
{
    const int result = place_tell(&daemon->place, daemon->requests.server,
                                  daemon->has_key ? &daemon->key : NULL, error);
    if (result < 0) return result;
    (void)uv_timer_start(&daemon->look, daemon_on_look, PLACE_LOOK_MS, PLACE_LOOK_MS);
    daemon_publish_status(daemon, GARDEN_EXECUTION_IDLE);
    daemon_log_ready(daemon);
    notify_say("READY=1");
    const int fd = daemon->options->ready_fd;
    if (fd >= 0 && write(fd, "ready\n", 6) != 6)
        log_write(LOG_WARNING, "--ready-fd %d cannot be written: %s", fd, strerror(errno));
    return GARDEN_OK;
}

static int daemon_open(struct daemon *daemon, struct garden_error *error)
{
    const struct options *options = daemon->options;
    int result = place_take(&daemon->place, options, error);
    if (result == GARDEN_OK) result = daemon_open_staging(daemon, error);
    if (result == GARDEN_OK) result = daemon_open_state(daemon, error);
    for (size_t i = 0; i < options->source_count && result == GARDEN_OK; i++)
        result = daemon_open_source(daemon, &options->sources[i], error);
    if (result == GARDEN_OK) result = daemon_open_server(daemon, error);
    if (result < 0) return result;
    keeper_serve(&daemon->requests.keeper, daemon->requests.server);
    daemon_publish_status(daemon, GARDEN_EXECUTION_STARTING);
    requests_tell_start(&daemon->requests);
    result = daemon_open_streams(daemon, error);
    if (result == GARDEN_OK) result = daemon_open_handles(daemon, error);
    if (result == GARDEN_OK) result = daemon_open_http(daemon, error);
    if (result == GARDEN_OK) result = daemon_tell_ready(daemon, error);
    return result;
}

// ---- Closing

// Ends what a failed start has left open.
static void daemon_abandon(struct daemon *daemon)
{
    daemon->finished = true;
    if (daemon->requests.streams) streams_close(daemon->requests.streams);
    daemon_close_handles(daemon);
    if (daemon->requests.server) garden_server_close(daemon->requests.server, NULL, NULL);
    if (daemon->uv) zmtp_uv_close(daemon->uv, NULL, NULL);
}

static void daemon_release(struct daemon *daemon)
{
    place_leave(&daemon->place);
    for (size_t i = 0; i < daemon->flow_count; i++)
        flow_close(daemon->flows[i]);
    garden_staging_close(&daemon->staging);
    changes_fini(&daemon->requests.changes);
    state_fini(&daemon->state);
    const int result = uv_loop_close(&daemon->loop);
    if (result < 0) log_write(LOG_ERROR, "something was left open: %s", uv_strerror(result));
}

int daemon_run(struct options *options)
{
    struct daemon daemon = {.options = options,
                            .staging = {.folder = -1},
                            .place = {.run_lock = -1, .connection_lock = -1}};
    struct garden_error error;
    // A peer that goes away is an error of one write, and so is a file that may not grow.
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    // Answers and queries keep up to five of the pool's threads; what is kept is written on others.
    if (!getenv("UV_THREADPOOL_SIZE")) (void)uv_os_setenv("UV_THREADPOOL_SIZE", "8");
    log_set_time(options->log_time);
    if (uv_loop_init(&daemon.loop) < 0) {
        log_write(LOG_ERROR, "no event loop could be opened; raise the limit of open files");
        return 1;
    }
    state_init(&daemon.state);
    changes_init(&daemon.requests.changes);
    daemon.requests.state = &daemon.state;
    daemon.requests.started_ns = uv_hrtime();
    daemon.requests.on_shutdown = daemon_on_shutdown;
    daemon.requests.user = &daemon;
    const int result = daemon_open(&daemon, &error);
    if (result < 0) {
        log_write(LOG_ERROR, "%s", error.text);
        daemon_abandon(&daemon);
    }
    (void)uv_run(&daemon.loop, UV_RUN_DEFAULT); // until every handle is closed
    daemon_release(&daemon);
    if (result == GARDEN_OK) log_write(LOG_INFO, "stopped");
    if (result == GARDEN_OK) return 0;
    return daemon.misused ? OPTIONS_USAGE : 1;
}
