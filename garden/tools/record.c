// record: what goes over the lanes, into a tape. It listens on endpoints of its own and passes on what comes,
// both ways: a daemon keeps everything before a message as its way back, so the clients' addresses travel
// to it and return with the replies.
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tape_file.h"

enum {
    RECORD_PEERS_MAX = 65536,      // of a lane that are told apart
    RECORD_ID_MAX = 255,           // octets of a routing id
    RECORD_QUEUE_BYTES = 16 << 20, // that wait for one peer; beyond, messages are dropped and told
    RECORD_PATH_SIZE = 512,
};

static const char record_help[] =
    "Usage: gardenctl record --listen DIR FILE\n"
    "       gardenctl record --events-only FILE\n"
    "\n"
    "Records the lanes of the daemon into FILE, a tape, until interrupted (Ctrl-C):\n"
    "gardenctl show prints it, gardenctl replay plays it. With --listen it stands\n"
    "between clients and the daemon, and every lane is recorded both ways: clients\n"
    "are given DIR/connection.json. The tape can be read however the recording ends.\n"
    "\n"
    "  --listen DIR   where clients connect: ipc endpoints in this folder, which is\n"
    "                 made with mode 0700\n"
    "  --events-only  record the daemon's events alone, as one more subscriber\n"
    "  --count N      end after N messages";

static const struct option record_options[] = {
    {"listen", required_argument, NULL, 'l'},
    {"events-only", no_argument, NULL, 'e'},
    {"count", required_argument, NULL, 'c'},
    {0},
};

struct record_peer {
    uint8_t id[RECORD_ID_MAX];
    uint8_t size;
};

struct record_lane {
    struct record *record;
    enum garden_lane lane;
    struct zmtp_uv_socket *front, *back; // clients, daemon; null: not open
    struct record_peer *peers;           // in the order in which they came
    size_t peer_count, peer_space;
};

struct record {
    struct tool *tool;
    struct tape_writer tape;
    const char *listen;
    bool events_only;
    uint64_t count, dropped; // |count| 0: without end
    struct record_lane lanes[GARDEN_LANES];
    int status;
    bool over, listed; // |listed|: the connection file in |listen| is ours
};

// ---- Messages

// The number of a client of the lane. 0: there are too many, or no memory.
static uint32_t record_peer(struct record_lane *lane, struct zmtp_bytes id)
{
    for (size_t i = 0; i < lane->peer_count; i++)
        if (lane->peers[i].size == id.size && memcmp(lane->peers[i].id, id.data, id.size) == 0)
            return (uint32_t)i + 1;
    if (id.size > RECORD_ID_MAX || lane->peer_count == RECORD_PEERS_MAX) return 0;
    if (lane->peer_count == lane->peer_space) {
        const size_t space = lane->peer_space ? 2 * lane->peer_space : 8;
        struct record_peer *peers = zmtp_realloc(
            zmtp_heap(), lane->peers, lane->peer_space * sizeof *peers, space * sizeof *peers);
        if (!peers) return 0;
        lane->peers = peers;
        lane->peer_space = space;
    }
    struct record_peer *peer = &lane->peers[lane->peer_count++];
    if (id.size > 0) memcpy(peer->id, id.data, id.size);
    peer->size = (uint8_t)id.size;
    return (uint32_t)lane->peer_count;
}

static void record_note(struct record_lane *lane, const struct zmtp_msg *msg, bool from_daemon)
{
    struct record *record = lane->record;
    if (record->over) return;
    const bool event = lane->lane == GARDEN_LANE_IOPUB;
    const struct garden_tape_record noted = {
        .kind = GARDEN_TAPE_MESSAGE,
        .lane = lane->lane,
        .from_daemon = from_daemon,
        .peer = event ? 0 : record_peer(lane, zmtp_msg_bytes(msg, 0)),
        .body = zmtp_msg_bytes(msg, msg->count - 1),
    };
    record->status = tape_write(&record->tape, noted);
    record->over =
        record->status != TOOL_OK || (record->count > 0 && record->tape.records >= record->count);
}

static void record_from_client(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    (void)socket;
    struct record_lane *lane = user;
    record_note(lane, msg, false);
    if (zmtp_uv_send_msg(lane->back, msg) < 0) lane->record->dropped++;
}

static void record_from_daemon(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    (void)socket;
    struct record_lane *lane = user;
    record_note(lane, msg, true);
    if (!lane->front) return;
    // A client that went needs no reply; one that does not read loses it.
    if (zmtp_uv_send_msg(lane->front, msg) == ZMTP_ERR_AGAIN) lane->record->dropped++;
}

// ---- Sockets

static int record_open_back(struct record_lane *lane)
{
    struct tool *tool = lane->record->tool;
    const bool events = lane->lane == GARDEN_LANE_IOPUB;
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, events ? ZMTP_SUB : ZMTP_DEALER);
    config.on_message = record_from_daemon;
    config.user = lane;
    config.linger_ms = 0;
    config.socket.send_count_max = 0;
    config.socket.send_bytes_max = RECORD_QUEUE_BYTES;
    if (tool->found.has_server_key)
        zmtp_uv_config_curve_client(&config, tool->found.has_keys ? &tool->found.keys : NULL,
                                    &tool->found.server_key);
    int result = zmtp_uv_socket_open(&lane->back, tool->uv, &config);
    zmtp_wipe(&config, sizeof config);
    if (result == ZMTP_OK && events) result = zmtp_uv_subscribe(lane->back, zmtp_bytes_text(""));
    if (result == ZMTP_OK)
        result = zmtp_uv_connect(lane->back, tool->found.endpoints.of[lane->lane]);
    if (result == ZMTP_OK) return TOOL_OK;
    return tool_fail(tool, "the %s lane cannot connect: %s", garden_lane_name(lane->lane),
                     zmtp_err_text(result));
}

static int record_open_front(struct record_lane *lane, const char *endpoint)
{
    struct tool *tool = lane->record->tool;
    const bool events = lane->lane == GARDEN_LANE_IOPUB;
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, events ? ZMTP_PUB : ZMTP_ROUTER);
    if (!events) config.on_message = record_from_client;
    config.user = lane;
    config.socket.send_count_max = 0;
    config.socket.send_bytes_max = RECORD_QUEUE_BYTES;
    int result = zmtp_uv_socket_open(&lane->front, tool->uv, &config);
    if (result == ZMTP_OK) result = zmtp_uv_bind(lane->front, endpoint);
    if (result == ZMTP_OK) return TOOL_OK;
    const char *why = lane->front ? zmtp_uv_error_text(lane->front) : "";
    return tool_fail(tool, "the %s lane cannot listen: %s", garden_lane_name(lane->lane),
                     why[0] ? why : zmtp_err_text(result));
}

static int record_connection_path(const struct record *record, char out[RECORD_PATH_SIZE])
{
    const int size = snprintf(out, RECORD_PATH_SIZE, "%s/connection.json", record->listen);
    if (size > 0 && size < RECORD_PATH_SIZE) return TOOL_OK;
    return tool_usage(record->tool, "--listen: the path is too long");
}

// All lanes listen before the connection file tells of them.
static int record_listen(struct record *record)
{
    struct tool *tool = record->tool;
    struct garden_connection connection = {.pid = getpid()};
    struct garden_error error;
    uint8_t random[16];
    char path[RECORD_PATH_SIZE];
    int result = record_connection_path(record, path);
    if (result != TOOL_OK) return result;
    if (garden_endpoints_local(&connection.endpoints, record->listen) < 0)
        return tool_usage(tool, "--listen: the path is too long for a local socket");
    if (garden_run_folder_make(record->listen, &error) < 0)
        return tool_fail(tool, "%s", error.text);
    for (size_t i = 0; i < GARDEN_LANES && result == TOOL_OK; i++)
        result = record_open_front(&record->lanes[i], connection.endpoints.of[i]);
    if (result != TOOL_OK) return result;
    if (uv_random(NULL, NULL, random, sizeof random, 0, NULL) < 0)
        return tool_fail(tool, "the system gives no random octets");
    connection.session = garden_uuid_v4(random);
    if (garden_connection_write(path, &connection, &error) < 0)
        return tool_fail(tool, "%s", error.text);
    record->listed = true;
    return TOOL_OK;
}

static int record_open(struct record *record)
{
    int result = TOOL_OK;
    for (size_t i = 0; i < GARDEN_LANES; i++)
        record->lanes[i] = (struct record_lane){.record = record, .lane = (enum garden_lane)i};
    for (size_t i = 0; i < GARDEN_LANES && result == TOOL_OK; i++)
        if (record->listen || i == GARDEN_LANE_IOPUB) result = record_open_back(&record->lanes[i]);
    return result == TOOL_OK && record->listen ? record_listen(record) : result;
}

static void record_close(struct record *record)
{
    char path[RECORD_PATH_SIZE];
    for (size_t i = 0; i < GARDEN_LANES; i++) {
        struct record_lane *lane = &record->lanes[i];
        if (lane->front) zmtp_uv_socket_close(lane->front, NULL, NULL);
        if (lane->back) zmtp_uv_socket_close(lane->back, NULL, NULL);
        lane->front = lane->back = NULL;
        zmtp_free(zmtp_heap(), lane->peers, lane->peer_space * sizeof *lane->peers);
        lane->peers = NULL;
        lane->peer_count = lane->peer_space = 0;
    }
    if (record->listed && record_connection_path(record, path) == TOOL_OK)
        (void)unlink(path); // nobody should look for us any more
}

// ---- The command

static bool record_is_over(void *context)
{
    return ((const struct record *)context)->over;
}

static void record_report(const struct record *record)
{
    struct garden_entry entries[] = {
        garden_entry_of("file", garden_value_text(garden_text_of(record->tape.path))),
        garden_entry_of("messages", garden_value_uint(record->tape.records)),
        garden_entry_of("dropped", garden_value_uint(record->dropped)),
    };
    const struct garden_value value = garden_value_map(entries, sizeof entries / sizeof *entries);
    if (record->tool->json)
        tool_print_json(&value);
    else
        (void)printf("%s: %llu messages, %llu dropped\n", record->tape.path,
                     (unsigned long long)record->tape.records, (unsigned long long)record->dropped);
}

static int record_run(struct record *record, const char *path)
{
    struct tool *tool = record->tool;
    struct garden_client_config config;
    garden_client_config_init(&config);
    int result = tool_connect(tool, &config); // tells whether the daemon lives
    if (result == TOOL_OK) result = tool_wait_alive(tool);
    if (result == TOOL_OK) result = tape_create(&record->tape, tool, path);
    if (result != TOOL_OK) return result;
    result = record_open(record);
    const bool opened = result == TOOL_OK;
    if (opened) {
        if (!tool->json) (void)printf("recording into %s\n", path);
        (void)fflush(stdout);
        tool_run_interruptible(tool, record_is_over, record);
        result = record->status;
    }
    record_close(record);
    if (result == TOOL_OK) {
        const uint64_t messages = record->tape.records;
        result = tape_finish(&record->tape);
        record->tape.records = messages;
    }
    if (opened)
        tape_drop(&record->tape);
    else
        tape_undo(&record->tape); // which would be in the way of the next try
    if (result == TOOL_OK) record_report(record);
    tool_disconnect(tool); // while |record| is still here
    return result;
}

static int record_command(struct tool *tool, int argc, char **argv)
{
    struct record record = {.tool = tool, .tape = {.file = -1}};
    int option;
    while ((option = getopt_long(argc, argv, "", record_options, NULL)) >= 0) {
        if (option == 'l')
            record.listen = optarg;
        else if (option == 'e')
            record.events_only = true;
        else if (option != 'c' ||
                 !tool_number(tool, "--count", optarg, 1, UINT64_MAX, &record.count))
            return TOOL_USAGE;
    }
    if (argc - optind != 1) return tool_usage(tool, "name one file to record into");
    if (record.events_only == (record.listen != NULL))
        return tool_usage(tool, "either --listen DIR or --events-only");
    (void)signal(SIGPIPE, SIG_IGN); // whoever reads what it prints may go
    return record_run(&record, argv[optind]);
}

const struct tool_command tool_record = {
    .name = "record",
    .run = record_command,
    .summary = "record the lanes, or the events alone, into a tape",
    .help = record_help,
    .options = record_options,
    .words = "file",
};
