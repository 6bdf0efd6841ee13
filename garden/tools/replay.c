// replay: asks a daemon again what a tape has, in its order and time, and compares the replies; or publishes
// the tape's events to subscribers.
//
// A request that was made after a reply had come is not sent before that reply has come again: the one may
// follow from the other. Ids that the daemon makes differ each time, so from each pair of replies it is
// learnt which new id stands for which recorded one, and later requests are sent with the new ones.
#include <string.h>
#include <unistd.h>

#include "../server.h"
#include "tape_file.h"

enum {
    REPLAY_IDS_MAX = 65536, // learnt
    REPLAY_IGNORED_MAX = 32,
    REPLAY_UUID = GARDEN_UUID_TEXT_SIZE,
    REPLAY_TICK_MS = 10,
    REPLAY_PATH_SIZE = 512,
    REPLAY_LINE_SIZE = 1024,
    REPLAY_JSON_MAX = 4 * GARDEN_OCTETS_MAX,
};

static const char replay_help[] =
    "Usage: gardenctl replay [OPTION]... FILE\n"
    "       gardenctl replay --publish DIR [OPTION]... FILE\n"
    "\n"
    "Sends the requests of a tape (gardenctl record) to the daemon, with their timing,\n"
    "and tells each reply that differs from the recorded one. Ids that the daemon\n"
    "makes are taken for equal to those that it made then. With --publish it is\n"
    "itself what subscribers connect to, by DIR/connection.json, and publishes the\n"
    "tape's events; it begins when the first has subscribed.\n"
    "\n"
    "  --speed N      N times as fast as it was; 0.5 is half as fast\n"
    "  --fast         without waiting\n"
    "  --ignore NAME  do not compare the replies to this request, such as\n"
    "                 GetTransportState; may be given several times\n"
    "  --publish DIR  publish the events\n"
    "\n"
    "Exit status 4 when a reply differs, or the tape is damaged.";

static const struct option replay_options[] = {
    {"speed", required_argument, NULL, 's'},
    {"fast", no_argument, NULL, 'f'},
    {"ignore", required_argument, NULL, 'i'},
    {"publish", required_argument, NULL, 'p'},
    {0},
};

// A message of the tape.
struct replay_item {
    uint64_t time_ns;
    enum garden_lane lane;
    bool from_daemon;
    struct garden_message message;
    struct garden_buffer json; // its content as JSON
    // A request.
    struct replay *replay;
    size_t reply; // index of its recorded reply; SIZE_MAX: none
    bool sent, done;
    // A reply.
    size_t request; // index of what it answers; SIZE_MAX: nothing of this tape
};

struct replay_id {
    char recorded[REPLAY_UUID], now[REPLAY_UUID];
};

struct replay {
    struct tool *tool;
    struct tape_reader tape;
    struct replay_item *items;
    size_t count, space, next; // |next|: to be sent or published
    size_t under_way;
    double speed; // 0: without waiting
    const char *publish;
    const char *ignored[REPLAY_IGNORED_MAX];
    size_t ignored_count;
    struct replay_id *ids;
    size_t id_count, id_space;
    uint64_t unreadable, sent, same, differ, unanswered, uncompared;
    uint64_t begun_ns;
    struct garden_server *server;
    bool subscribed, server_closed;
    int status;
    uv_timer_t timer;
};

// ---- The tape

static int replay_content(const struct garden_message *message, struct garden_buffer *out)
{
    struct garden_buffer whole;
    struct garden_arena arena;
    struct garden_value content;
    garden_buffer_init(&whole, NULL, REPLAY_JSON_MAX);
    garden_arena_init(&arena, NULL, 0);
    int result = tool_content(message, &whole, &arena, &content);
    if (result == GARDEN_OK) result = garden_json_encode(&content, out);
    garden_arena_fini(&arena);
    garden_buffer_fini(&whole);
    return result;
}

static size_t replay_request_of(const struct replay *replay, const struct replay_item *reply)
{
    for (size_t i = replay->count; i-- > 0;) {
        const struct replay_item *item = &replay->items[i];
        if (!item->from_daemon && item->lane == reply->lane && reply->message.has_parent &&
            garden_uuid_equal(item->message.header.msg_id, reply->message.parent.msg_id))
            return i;
    }
    return SIZE_MAX;
}

static int replay_add(struct replay *replay, const struct garden_tape_record *record)
{
    struct garden_form form = {0};
    if (replay->count == replay->space) {
        const size_t space = replay->space ? 2 * replay->space : 64;
        struct replay_item *items = zmtp_realloc(
            zmtp_heap(), replay->items, replay->space * sizeof *items, space * sizeof *items);
        if (!items) return tool_fail(replay->tool, "no memory for the tape");
        replay->items = items;
        replay->space = space;
    }
    struct replay_item *item = &replay->items[replay->count];
    *item = (struct replay_item){.time_ns = record->time_ns,
                                 .lane = record->lane,
                                 .from_daemon = record->from_daemon,
                                 .reply = SIZE_MAX,
                                 .request = SIZE_MAX};
    if (garden_message_decode(&item->message, record->body, NULL, &form, NULL) < 0) {
        replay->unreadable++;
        return TOOL_OK;
    }
    garden_buffer_init(&item->json, NULL, REPLAY_JSON_MAX);
    if (replay_content(&item->message, &item->json) < 0) replay->unreadable++;
    if (item->from_daemon && item->lane != GARDEN_LANE_IOPUB) {
        item->request = replay_request_of(replay, item);
        // A request that was sent again has one reply too.
        if (item->request != SIZE_MAX && replay->items[item->request].reply == SIZE_MAX)
            replay->items[item->request].reply = replay->count;
    }
    replay->count++;
    return TOOL_OK;
}

static int replay_load(struct replay *replay, const char *path)
{
    struct garden_tape_record record;
    int more, result = tape_open(&replay->tape, replay->tool, path);
    if (result != TOOL_OK) return result;
    while (result == TOOL_OK && (more = tape_next(&replay->tape, &record)) != 0) {
        if (more < 0) {
            result = TOOL_DIFFERS;
            break;
        }
        const bool event = record.lane == GARDEN_LANE_IOPUB;
        if (record.lane != GARDEN_LANE_HEARTBEAT && event == (replay->publish != NULL))
            result = replay_add(replay, &record);
    }
    tape_close(&replay->tape);
    return result;
}

static void replay_free(struct replay *replay)
{
    for (size_t i = 0; i < replay->count; i++) {
        garden_message_fini(&replay->items[i].message);
        garden_buffer_fini(&replay->items[i].json);
    }
    zmtp_free(zmtp_heap(), replay->items, replay->space * sizeof *replay->items);
    zmtp_free(zmtp_heap(), replay->ids, replay->id_space * sizeof *replay->ids);
}

// ---- Ids

static bool replay_is_uuid(const char *text)
{
    struct garden_uuid uuid;
    return text[8] == '-' &&
           garden_uuid_parse((struct garden_text){text, REPLAY_UUID}, &uuid) == GARDEN_OK;
}

static const struct replay_id *replay_find_id(const struct replay *replay, const char *recorded)
{
    for (size_t i = 0; i < replay->id_count; i++)
        if (memcmp(replay->ids[i].recorded, recorded, REPLAY_UUID) == 0) return &replay->ids[i];
    return NULL;
}

static void replay_learn_id(struct replay *replay, const char *recorded, const char *now)
{
    if (memcmp(recorded, now, REPLAY_UUID) == 0 || replay_find_id(replay, recorded) ||
        replay->id_count == REPLAY_IDS_MAX)
        return;
    if (replay->id_count == replay->id_space) {
        const size_t space = replay->id_space ? 2 * replay->id_space : 64;
        struct replay_id *ids = zmtp_realloc(zmtp_heap(), replay->ids,
                                             replay->id_space * sizeof *ids, space * sizeof *ids);
        if (!ids) return; // what needs it will differ
        replay->ids = ids;
        replay->id_space = space;
    }
    struct replay_id *id = &replay->ids[replay->id_count++];
    memcpy(id->recorded, recorded, REPLAY_UUID);
    memcpy(id->now, now, REPLAY_UUID);
}

// Puts the new ids for the recorded ones in |json|.
static void replay_put_ids(const struct replay *replay, struct garden_buffer *json)
{
    for (size_t at = 0; at + REPLAY_UUID <= json->size; at++) {
        char *text = (char *)json->data + at;
        if (text[8] != '-' || !replay_is_uuid(text)) continue;
        const struct replay_id *id = replay_find_id(replay, text);
        if (id) memcpy(text, id->now, REPLAY_UUID);
        at += REPLAY_UUID - 1;
    }
}

// The two are texts of the same shape as long as only ids differ.
static void replay_learn(struct replay *replay, const struct garden_buffer *recorded,
                         const struct garden_buffer *now)
{
    const size_t size = recorded->size < now->size ? recorded->size : now->size;
    for (size_t at = 0; at + REPLAY_UUID <= size; at++) {
        const char *old = (const char *)recorded->data + at, *new = (const char *)now->data + at;
        if (old[8] == '-' && new[8] == '-' && replay_is_uuid(old) && replay_is_uuid(new)) {
            replay_learn_id(replay, old, new);
            at += REPLAY_UUID - 1;
        } else if (*old != *new) {
            return;
        }
    }
}

// ---- Replies

static bool replay_ignores(const struct replay *replay, const struct garden_message *request)
{
    for (size_t i = 0; i < replay->ignored_count; i++)
        if (strcmp(replay->ignored[i], garden_message_name(request)) == 0) return true;
    return false;
}

static void replay_tell(const struct replay *replay, const struct replay_item *request,
                        const struct garden_buffer *recorded, const struct garden_buffer *now)
{
    const char *name = garden_message_name(&request->message);
    const struct garden_text texts[] = {
        {(const char *)recorded->data, recorded->size},
        {(const char *)now->data, now->size},
    };
    if (replay->tool->json) {
        struct garden_entry entries[] = {
            garden_entry_of("request", garden_value_text(garden_text_of(name))),
            garden_entry_of("time_ns", garden_value_uint(request->time_ns)),
            garden_entry_of("recorded", garden_value_text(texts[0])),
            garden_entry_of("now", garden_value_text(texts[1])),
        };
        const struct garden_value value =
            garden_value_map(entries, sizeof entries / sizeof *entries);
        tool_print_json(&value);
        return;
    }
    (void)printf(
        "%s%s%s at %.3f s: the reply differs\n  recorded %.*s\n  now      %.*s\n",
        tool_color("yellow"), name, tool_color("off"), (double)request->time_ns / 1e9,
        (int)(texts[0].size < REPLAY_LINE_SIZE ? texts[0].size : REPLAY_LINE_SIZE), texts[0].data,
        (int)(texts[1].size < REPLAY_LINE_SIZE ? texts[1].size : REPLAY_LINE_SIZE), texts[1].data);
}

static bool replay_equal(const struct garden_buffer *recorded, const struct garden_buffer *now)
{
    struct garden_arena arena;
    struct garden_value a, b;
    garden_arena_init(&arena, NULL, 0);
    const bool equal =
        garden_json_decode(garden_buffer_bytes(recorded), &arena, &a, NULL) == GARDEN_OK &&
        garden_json_decode(garden_buffer_bytes(now), &arena, &b, NULL) == GARDEN_OK &&
        garden_value_equal(&a, &b);
    garden_arena_fini(&arena);
    return equal;
}

static void replay_compare(struct replay *replay, const struct replay_item *request,
                           const struct garden_message *reply)
{
    struct garden_buffer now;
    struct garden_buffer *recorded = &replay->items[request->reply].json;
    garden_buffer_init(&now, NULL, REPLAY_JSON_MAX);
    if (replay_content(reply, &now) == GARDEN_OK) {
        replay_learn(replay, recorded, &now);
        replay_put_ids(replay, recorded);
        if (replay_ignores(replay, &request->message)) {
            replay->uncompared++;
        } else if (replay_equal(recorded, &now)) {
            replay->same++;
        } else {
            replay->differ++;
            replay_tell(replay, request, recorded, &now);
        }
    }
    garden_buffer_fini(&now);
}

static void replay_answered(struct garden_client *client, int result,
                            const struct garden_message *reply, void *user)
{
    (void)client;
    struct replay_item *item = user;
    struct replay *replay = item->replay;
    item->done = true;
    replay->under_way--;
    if (result != GARDEN_OK)
        replay->unanswered++;
    else if (item->reply != SIZE_MAX)
        replay_compare(replay, item, reply);
    else
        replay->uncompared++; // it was not answered before the tape's end
}

// ---- Requests

static int replay_send(struct replay *replay, struct replay_item *item)
{
    struct garden_message request;
    struct garden_client *client = replay->tool->client;
    const struct garden_answer answer = {replay_answered, item, replay->tool->timeout_ms, NULL};
    replay_put_ids(replay, &item->json);
    item->replay = replay;
    item->sent = true;
    int result = garden_content_decode(&request, item->message.family,
                                       garden_buffer_bytes(&item->json), NULL, NULL);
    if (result < 0) return result;
    if (request.family == GARDEN_SHELL_REQUEST)
        result = garden_client_shell(client, &request.shell_request, &answer);
    else if (request.family == GARDEN_CONTROL_REQUEST)
        result = garden_client_control(client, &request.control_request, &answer);
    else
        result = garden_client_query(client, &request.query_request, &answer);
    garden_message_fini(&request);
    return result;
}

// Whether the time of |time_ns| on the tape has come.
static bool replay_is_due(const struct replay *replay, uint64_t time_ns)
{
    if (replay->speed <= 0) return true;
    return (double)(uv_hrtime() - replay->begun_ns) * replay->speed >= (double)time_ns;
}

// Goes on along the tape as far as it may. A reply is waited for where it came.
// It is asked after each turn of the loop, which is when there may be something to do.
static bool replay_step(void *context)
{
    struct replay *replay = context;
    while (replay->next < replay->count) {
        struct replay_item *item = &replay->items[replay->next];
        if (item->from_daemon) {
            if (item->request != SIZE_MAX && replay->items[item->request].sent &&
                !replay->items[item->request].done)
                return false;
        } else if (item->message.family == GARDEN_SHELL_REQUEST ||
                   item->message.family == GARDEN_CONTROL_REQUEST ||
                   item->message.family == GARDEN_QUERY_REQUEST) {
            if (!replay_is_due(replay, item->time_ns)) return false;
            replay->sent++;
            replay->under_way++;
            if (replay_send(replay, item) < 0) {
                item->done = true;
                replay->under_way--;
                replay->unanswered++;
            }
        }
        replay->next++;
    }
    return replay->under_way == 0;
}

static void replay_tick(uv_timer_t *timer)
{
    (void)timer; // it wakes the loop
}

static void replay_report(const struct replay *replay)
{
    struct garden_entry entries[] = {
        garden_entry_of("sent", garden_value_uint(replay->sent)),
        garden_entry_of("same", garden_value_uint(replay->same)),
        garden_entry_of("differ", garden_value_uint(replay->differ)),
        garden_entry_of("unanswered", garden_value_uint(replay->unanswered)),
        garden_entry_of("uncompared", garden_value_uint(replay->uncompared)),
        garden_entry_of("unreadable", garden_value_uint(replay->unreadable)),
    };
    const struct garden_value value = garden_value_map(entries, sizeof entries / sizeof *entries);
    if (replay->tool->json)
        tool_print_json(&value);
    else
        (void)printf("%llu requests: %llu replies the same, %llu differ, %llu not compared, %llu "
                     "unanswered; %llu messages could not be read\n",
                     (unsigned long long)replay->sent, (unsigned long long)replay->same,
                     (unsigned long long)replay->differ, (unsigned long long)replay->uncompared,
                     (unsigned long long)replay->unanswered,
                     (unsigned long long)replay->unreadable);
}

static int replay_requests(struct replay *replay)
{
    struct tool *tool = replay->tool;
    struct garden_client_config config;
    garden_client_config_init(&config);
    int result = tool_connect(tool, &config);
    if (result == TOOL_OK) result = tool_wait_alive(tool);
    if (result != TOOL_OK) return result;
    (void)uv_timer_init(&tool->loop, &replay->timer); // does not fail
    (void)uv_timer_start(&replay->timer, replay_tick, REPLAY_TICK_MS, REPLAY_TICK_MS);
    replay->begun_ns = uv_hrtime();
    tool_run_interruptible(tool, replay_step, replay);
    uv_close((uv_handle_t *)&replay->timer, NULL);
    tool_disconnect(tool); // while |replay| is still here
    replay_report(replay);
    if (replay->unanswered > 0) return TOOL_UNREACHABLE;
    return replay->differ > 0 ? TOOL_DIFFERS : TOOL_OK;
}

// ---- Publishing

static void replay_refuse(struct garden_server *server, struct garden_request *request, void *user)
{
    (void)user;
    garden_server_reply_error(server, request,
                              "this is a replay of events: no request is answered");
}

static int replay_welcome(struct garden_server *server, struct garden_arena *arena,
                          struct garden_value *state, void *user)
{
    (void)server;
    (void)arena;
    struct replay *replay = user;
    if (!replay->subscribed) replay->begun_ns = uv_hrtime();
    replay->subscribed = true;
    *state = garden_value_null();
    return GARDEN_OK;
}

static bool replay_publish_step(void *context)
{
    struct replay *replay = context;
    while (replay->subscribed && replay->next < replay->count &&
           replay_is_due(replay, replay->items[replay->next].time_ns)) {
        const struct garden_message *event = &replay->items[replay->next++].message;
        struct garden_entry extra[16];
        size_t count = 0;
        if (event->family != GARDEN_EVENT || event->event.kind == GARDEN_EVENT_WELCOME) continue;
        for (size_t i = 0; i < event->metadata.count && count < 15; i++)
            if (!garden_text_is(event->metadata.entries[i].key, "seq"))
                extra[count++] = event->metadata.entries[i];
        if (garden_server_publish(replay->server, &event->event, extra, count) == GARDEN_OK)
            replay->sent++;
    }
    return replay->next == replay->count;
}

static void replay_closed(void *user)
{
    ((struct replay *)user)->server_closed = true;
}

static bool replay_is_closed(const void *context)
{
    return ((const struct replay *)context)->server_closed;
}

static int replay_listen(struct replay *replay, char path[REPLAY_PATH_SIZE])
{
    struct tool *tool = replay->tool;
    struct garden_server_config config;
    struct garden_error error;
    garden_server_config_init(&config);
    config.welcome = true;
    config.on_welcome = replay_welcome;
    config.on_request = replay_refuse;
    config.user = replay;
    const int size = snprintf(path, REPLAY_PATH_SIZE, "%s/connection.json", replay->publish);
    if (size < 0 || size >= REPLAY_PATH_SIZE ||
        garden_endpoints_local(&config.endpoints, replay->publish) < 0)
        return tool_usage(tool, "--publish: the path is too long");
    if (garden_run_folder_make(replay->publish, &error) < 0 ||
        garden_server_open(&replay->server, tool->uv, &config, &error) < 0)
        return tool_fail(tool, "%s", error.text);
    const struct garden_connection connection = {
        .endpoints = *garden_server_endpoints(replay->server),
        .session = garden_server_session(replay->server),
        .pid = getpid(),
    };
    if (garden_connection_write(path, &connection, &error) < 0)
        return tool_fail(tool, "%s", error.text);
    return TOOL_OK;
}

static int replay_events(struct replay *replay)
{
    struct tool *tool = replay->tool;
    char path[REPLAY_PATH_SIZE];
    int result = tool_open_loop(tool);
    if (result == TOOL_OK) result = replay_listen(replay, path);
    if (result == TOOL_OK) {
        (void)uv_timer_init(&tool->loop, &replay->timer); // does not fail
        (void)uv_timer_start(&replay->timer, replay_tick, REPLAY_TICK_MS, REPLAY_TICK_MS);
        if (!tool->json) (void)printf("subscribers are awaited at %s\n", path);
        (void)fflush(stdout);
        tool_run_interruptible(tool, replay_publish_step, replay);
        uv_close((uv_handle_t *)&replay->timer, NULL);
        (void)unlink(path); // nobody should look for us any more
    }
    if (replay->server) {
        garden_server_close(replay->server, replay_closed, replay); // sends what was published
        (void)tool_run(tool, replay_is_closed, replay, tool->timeout_ms);
    }
    tool_disconnect(tool);
    if (result == TOOL_OK && tool->json)
        (void)printf("{\"published\":%llu}\n", (unsigned long long)replay->sent);
    else if (result == TOOL_OK)
        (void)printf("%llu events published\n", (unsigned long long)replay->sent);
    return result;
}

// ---- The command

static bool replay_speed(const char *text, double *out)
{
    struct garden_arena arena;
    struct garden_value value;
    garden_arena_init(&arena, NULL, 0);
    const bool read =
        garden_json_decode(zmtp_bytes_text(text), &arena, &value, NULL) == GARDEN_OK &&
        garden_value_to_real(&value, out) && *out >= 0.001 && *out <= 1e6;
    garden_arena_fini(&arena);
    return read;
}

static int replay_command(struct tool *tool, int argc, char **argv)
{
    struct replay replay = {.tool = tool, .speed = 1};
    bool fast = false, speed = false;
    int option;
    while ((option = getopt_long(argc, argv, "", replay_options, NULL)) >= 0) {
        if (option == 'f') {
            fast = true;
        } else if (option == 'p') {
            replay.publish = optarg;
        } else if (option == 's') {
            if (!replay_speed(optarg, &replay.speed))
                return tool_usage(tool, "--speed takes a number from 0.001 to 1000000, not '%s'",
                                  optarg);
            speed = true;
        } else if (option == 'i') {
            if (replay.ignored_count == REPLAY_IGNORED_MAX)
                return tool_usage(tool, "at most %d requests can be ignored", REPLAY_IGNORED_MAX);
            if (tool_check_kind(tool, optarg, false) != TOOL_OK) return TOOL_USAGE;
            replay.ignored[replay.ignored_count++] = optarg;
        } else {
            return TOOL_USAGE;
        }
    }
    if (argc - optind != 1) return tool_usage(tool, "name one tape");
    if (fast && speed) return tool_usage(tool, "--speed and --fast both say how fast: give one");
    if (fast) replay.speed = 0;
    int result = replay_load(&replay, argv[optind]);
    if (result == TOOL_OK)
        result = replay.publish ? replay_events(&replay) : replay_requests(&replay);
    tool_disconnect(tool); // no answer comes to what is freed now
    replay_free(&replay);
    return result;
}

const struct tool_command tool_replay = {
    .name = "replay",
    .run = replay_command,
    .summary = "ask a daemon what a tape has, or publish its events",
    .help = replay_help,
    .options = replay_options,
    .words = "file",
};
