// Streams of a daemon in a process of its own: captured by a recording into a store as a client would,
// and asked for in every wrong way.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>

#include "daemon_rig.h"

enum { CHUNK = 64 * 1024, FRAME = 8, TOTAL = 100000, STAGED_SIZE = 512 };

static const struct garden_stream_format stereo = {GARDEN_STREAM_AUDIO, 48000, 2,
                                                   GARDEN_SAMPLE_S32_LE};
static const char uri[] = "stream://test/main";

static int setup(void **state)
{
    static struct rig rig;
    rig_prepare(&rig);
    *state = &rig;
    return 0;
}

static int setup_with(void **state, const char *source, const char *pace)
{
    (void)setup(state);
    const char *const arguments[] = {"--source", source, "--pace", pace, "--ring-ms", "50", NULL};
    rig_start(*state, arguments);
    return 0;
}

// A source that ends after TOTAL frames, at full speed.
static int setup_fast(void **state)
{
    return setup_with(state, "counter:2,48000,100000", "fast");
}

static int setup_real(void **state)
{
    return setup_with(state, "counter:2,48000", "real");
}

static int teardown(void **state)
{
    rig_stop(*state);
    return 0;
}

// ---- Requests by hand

static void stage(const struct rig *rig, const char *name, char path[STAGED_SIZE])
{
    snprintf(path, STAGED_SIZE, "%s/%s", rig->staging, name);
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(file >= 0);
    close(file);
}

static struct garden_shell_request start_request(const char *name, const char *path)
{
    struct garden_shell_request request = {.kind = GARDEN_SHELL_STREAM_START};
    request.stream_start.uri = garden_text_of(name);
    request.stream_start.chunk_path = garden_text_of(path);
    garden_stream_definition_of(&stereo, CHUNK, garden_text_of("default"),
                                &request.stream_start.definition);
    return request;
}

static enum garden_shell_reply_kind start(struct rig *rig, const char *name, const char *path)
{
    const struct garden_shell_request request = start_request(name, path);
    return rig_shell(rig, &request);
}

static enum garden_shell_reply_kind switch_to(struct rig *rig, const char *name, const char *path)
{
    struct garden_shell_request request = {.kind = GARDEN_SHELL_STREAM_SWITCH_CHUNK};
    request.stream_switch_chunk.uri = garden_text_of(name);
    request.stream_switch_chunk.new_chunk_path = garden_text_of(path);
    return rig_shell(rig, &request);
}

static enum garden_shell_reply_kind stop(struct rig *rig, const char *name)
{
    struct garden_shell_request request = {.kind = GARDEN_SHELL_STREAM_STOP};
    request.stream_stop.uri = garden_text_of(name);
    return rig_shell(rig, &request);
}

static struct garden_capture_totals totals_of(const struct rig *rig)
{
    struct garden_capture_totals totals;
    const struct garden_value *value = &rig->reply.shell_reply.ok.result;
    assert_int_equal(garden_capture_totals_read(garden_value_find(value, "totals"), &totals),
                     GARDEN_OK);
    assert_int_equal(totals.captured + totals.overrun, totals.offered);
    assert_int_equal(totals.bytes, totals.captured * FRAME);
    return totals;
}

static off_t size_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

// ---- A whole recording

struct capture {
    struct garden_store *store;
    struct garden_recording *recording;
    struct rig *rig;
    unsigned lose;     // of the chunk reports, each but every |lose|-th is not heard; 0: none
    unsigned reported; // so far
    unsigned twice;    // each request is sent this often more
};

struct asked {
    struct capture *capture;
    uint64_t token;
};

static struct garden_instant instant(void)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct garden_instant){.mono_ms = (int64_t)(uv_hrtime() / 1000000),
                                   .wall_ns = (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec};
}

static void on_reply(struct garden_client *client, int result, const struct garden_message *reply,
                     void *user)
{
    (void)client;
    struct asked *asked = user;
    struct capture *capture = asked->capture;
    struct garden_chunk_report report;
    struct garden_capture_totals totals;
    const uint64_t token = asked->token;
    free(asked);
    if (result < 0) return;
    if (reply->shell_reply.kind == GARDEN_REPLY_ERROR) {
        garden_recording_reply(capture->recording, instant(), token,
                               garden_code_read(&reply->metadata), NULL, NULL);
        return;
    }
    const struct garden_value *value = &reply->shell_reply.ok.result;
    const struct garden_value *untold = garden_value_find(value, "untold");
    for (size_t i = 0; untold && i < untold->list.count; i++) {
        assert_int_equal(garden_chunk_report_read(&untold->list.items[i], &report), GARDEN_OK);
        garden_recording_chunk_full(capture->recording, instant(), &report);
    }
    const bool has_totals =
        garden_capture_totals_read(garden_value_find(value, "totals"), &totals) == GARDEN_OK;
    const bool has_report =
        garden_chunk_report_read(garden_value_find(value, has_totals ? "last" : "full"), &report) ==
        GARDEN_OK;
    garden_recording_reply(capture->recording, instant(), token, GARDEN_OK,
                           has_report ? &report : NULL, has_totals ? &totals : NULL);
}

static void ask(struct capture *capture, const struct garden_recording_request *request)
{
    struct garden_shell_request shell = {0};
    if (request->kind == GARDEN_REQUEST_START) {
        shell = start_request(uri, request->path);
    } else if (request->kind == GARDEN_REQUEST_SWITCH) {
        shell.kind = GARDEN_SHELL_STREAM_SWITCH_CHUNK;
        shell.stream_switch_chunk.uri = garden_text_of(uri);
        shell.stream_switch_chunk.new_chunk_path = garden_text_of(request->path);
    } else {
        shell.kind = GARDEN_SHELL_STREAM_STOP;
        shell.stream_stop.uri = garden_text_of(uri);
    }
    for (unsigned i = 0; i <= capture->twice; i++) {
        struct asked *asked = malloc(sizeof *asked);
        assert_non_null(asked);
        *asked = (struct asked){capture, request->token};
        const struct garden_answer answer = {.call = on_reply, .user = asked};
        assert_int_equal(garden_client_shell(capture->rig->client, &shell, &answer), GARDEN_OK);
    }
}

static void on_event(struct rig *rig, const struct garden_message *message)
{
    struct capture *capture = rig->user;
    struct garden_chunk_report report;
    struct garden_text path;
    bool ended = false;
    const struct garden_map *metadata = &message->metadata;
    if (message->event.kind == GARDEN_EVENT_STREAM_CHUNK_FULL) {
        assert_int_equal(garden_chunk_report_read(garden_map_find(metadata, "chunk"), &report),
                         GARDEN_OK);
        assert_int_equal(report.bytes, message->event.stream_chunk_full.bytes_written);
        if (capture->lose == 0 || ++capture->reported % capture->lose == 0)
            garden_recording_chunk_full(capture->recording, instant(), &report);
    } else if (message->event.kind == GARDEN_EVENT_STREAM_HEAD_POSITION) {
        char text[GARDEN_PATH_MAX];
        if (garden_value_to_text(garden_map_find(metadata, "path"), &path)) {
            snprintf(text, sizeof text, "%.*s", (int)path.size, path.data);
            garden_recording_head(capture->recording, instant(), text);
        }
        (void)garden_value_to_bool(garden_map_find(metadata, "ended"), &ended);
        if (ended) garden_recording_stop(capture->recording, instant());
    }
}

static bool is_done(struct rig *rig)
{
    struct capture *capture = rig->user;
    struct garden_recording_request request;
    struct garden_error error = {0};
    while (garden_recording_work(capture->recording, instant(), &error) > 0)
        continue;
    assert_string_equal(error.text, "");
    while (garden_recording_request(capture->recording, instant(), &request))
        ask(capture, &request);
    return garden_recording_state(capture->recording) == GARDEN_RECORDING_DONE;
}

// What a counter's frames are, chunk after chunk.
static void assert_counts(struct garden_store *store, const struct garden_manifest *manifest)
{
    uint32_t next = 0;
    for (size_t i = 0; i < manifest->chunk_count; i++) {
        uint8_t *octets;
        size_t size;
        assert_int_equal(
            garden_store_get(store, &manifest->chunks[i].hash, CHUNK, &octets, &size, NULL),
            GARDEN_OK);
        assert_int_equal(manifest->chunks[i].first_sample * 2, next);
        for (size_t at = 0; at < size; at += 4, next++) {
            const uint32_t found = (uint32_t)octets[at] | (uint32_t)octets[at + 1] << 8 |
                                   (uint32_t)octets[at + 2] << 16 | (uint32_t)octets[at + 3] << 24;
            assert_int_equal(found >> 16 | found << 16, next);
        }
        zmtp_free(NULL, octets, size);
    }
    assert_int_equal(next, 2 * TOTAL);
}

static size_t count_files(const char *folder)
{
    size_t count = 0;
    DIR *listing = opendir(folder);
    assert_non_null(listing);
    for (const struct dirent *entry; (entry = readdir(listing));)
        if (entry->d_name[0] != '.') count++;
    closedir(listing);
    return count;
}

static void record(struct rig *rig, struct capture *capture)
{
    const struct garden_store_config store = {.root = rig->run_folder};
    const struct garden_recording_config config = {.uri = uri,
                                                   .format = stereo,
                                                   .chunk_size = CHUNK,
                                                   .definition = zmtp_bytes_text("{}"),
                                                   .retry_ms = 200};
    struct garden_error error;
    capture->rig = rig;
    rig->user = capture;
    rig->on_event = on_event;
    assert_int_equal(garden_store_open(&store, &capture->store, NULL), GARDEN_OK);
    assert_int_equal(
        garden_recording_open(capture->store, &config, instant(), &capture->recording, NULL),
        GARDEN_OK);
    assert_true(rig_run(rig, is_done, 3 * RIG_WAIT_MS));
    const struct garden_manifest *manifest = garden_recording_manifest(capture->recording);
    assert_true(manifest->complete);
    assert_int_equal(manifest->total_samples, TOTAL);
    assert_int_equal(manifest->total_gaps, 0);
    assert_int_equal(manifest->chunk_count, (TOTAL * FRAME + CHUNK - 1) / CHUNK);
    assert_int_equal(garden_manifest_verify(manifest, capture->store, &error), GARDEN_OK);
    assert_counts(capture->store, manifest);
    assert_int_equal(count_files(rig->staging), 0);
    rig_disconnect(rig); // while the recording is here for late replies
    garden_recording_close(capture->recording);
    garden_store_close(capture->store);
    rig->on_event = NULL;
}

static void a_source_is_captured_whole_and_every_sample_is_there(void **state)
{
    struct capture capture = {0};
    record(*state, &capture);
}

static void chunk_reports_that_are_lost_come_again(void **state)
{
    struct capture capture = {.lose = 3};
    record(*state, &capture);
}

static void requests_that_come_twice_seal_nothing_twice(void **state)
{
    struct capture capture = {.twice = 2};
    record(*state, &capture);
}

// ---- Starting

static void a_repeated_start_succeeds_and_another_is_refused(void **state)
{
    struct rig *rig = *state;
    char first[STAGED_SIZE], other[STAGED_SIZE];
    stage(rig, "first", first);
    stage(rig, "other", other);
    assert_int_equal(start(rig, uri, first), GARDEN_REPLY_OK);
    assert_int_equal(start(rig, uri, first), GARDEN_REPLY_OK);
    assert_int_equal(start(rig, uri, other), GARDEN_REPLY_ERROR);
    rig_assert_error(rig, GARDEN_ERR_EXISTS, "already");
    struct garden_shell_request request = start_request(uri, first);
    request.stream_start.definition.chunk_size_bytes *= 2;
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_ERROR);
    rig_assert_error(rig, GARDEN_ERR_EXISTS, "another definition");
}

// By whatever name it is called, as the first chunk and as the next one.
static void g12_two_streams_cannot_have_one_path(void **state)
{
    struct rig *rig = *state;
    static const char second[] = "stream://test/second";
    char path[STAGED_SIZE], own[STAGED_SIZE];
    stage(rig, "chunk", path);
    stage(rig, "own", own);
    assert_int_equal(start(rig, uri, path), GARDEN_REPLY_OK);
    const char *const names[] = {path, "chunk"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(start(rig, second, names[i]), GARDEN_REPLY_ERROR);
        rig_assert_error(rig, GARDEN_ERR_EXISTS, "chunk");
        assert_int_equal(stop(rig, second), GARDEN_REPLY_ERROR);
        rig_assert_error(rig, GARDEN_ERR_NOT_FOUND, second);
    }
    assert_int_equal(start(rig, second, own), GARDEN_REPLY_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(switch_to(rig, second, names[i]), GARDEN_REPLY_ERROR);
        rig_assert_error(rig, GARDEN_ERR_EXISTS, "chunk");
    }
    assert_int_equal(stop(rig, uri), GARDEN_REPLY_OK);
    assert_int_equal(totals_of(rig).bytes, (uint64_t)size_of(path)); // it alone wrote there
    // Nor when the first one is done with it.
    assert_int_equal(switch_to(rig, second, path), GARDEN_REPLY_ERROR);
    assert_int_equal(stop(rig, second), GARDEN_REPLY_OK);
    assert_int_equal(totals_of(rig).bytes, (uint64_t)size_of(own));
}

enum { HOSTILE_MAX = 24 };

// Links of both kinds, a pipe, a folder and a device, by names below staging and beyond.
static size_t make_hostile(const struct rig *rig, const char *outside,
                           char paths[HOSTILE_MAX][STAGED_SIZE])
{
    static const char *const plain[] = {"../../outside",
                                        "/etc/passwd",
                                        "missing",
                                        ".",
                                        "/",
                                        "..",
                                        "",
                                        "link",
                                        "./chunk",
                                        "folder",
                                        "pipe",
                                        "to/outside",
                                        "folder/../link",
                                        "//",
                                        "hard"};
    size_t count = 0;
    const int file = open(outside, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_int_equal(close(file), 0);
    char at[STAGED_SIZE + 16];
    snprintf(at, sizeof at, "%s/link", rig->staging);
    assert_int_equal(symlink(outside, at), 0);
    // Another file: one of two names is refused for that alone.
    char other[STAGED_SIZE + 16];
    snprintf(other, sizeof other, "%s/other", rig->folder.path);
    snprintf(at, sizeof at, "%s/hard", rig->staging);
    assert_int_equal(close(open(other, O_WRONLY | O_CREAT | O_EXCL, 0600)), 0);
    assert_int_equal(link(other, at), 0);
    snprintf(at, sizeof at, "%s/pipe", rig->staging);
    assert_int_equal(mkfifo(at, 0600), 0);
    snprintf(at, sizeof at, "%s/folder", rig->staging);
    assert_int_equal(mkdir(at, 0700), 0);
    snprintf(at, sizeof at, "%s/to", rig->staging);
    assert_int_equal(symlink(rig->folder.path, at), 0);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        snprintf(paths[count++], STAGED_SIZE, "%s", plain[i]);
    snprintf(paths[count++], STAGED_SIZE, "%s", outside);
    snprintf(paths[count++], STAGED_SIZE, "%s/../../outside", rig->staging);
    snprintf(paths[count++], STAGED_SIZE, "%s", rig->staging);
    memset(paths[count], 'x', STAGED_SIZE - 1); // longer than a name may be
    paths[count++][STAGED_SIZE - 1] = '\0';
    return count;
}

static void g11_a_hostile_path_is_refused_and_nothing_is_left(void **state)
{
    struct rig *rig = *state;
    static char wrong[HOSTILE_MAX][STAGED_SIZE];
    char path[STAGED_SIZE], outside[STAGED_SIZE];
    struct stat status;
    snprintf(outside, sizeof outside, "%s/outside", rig->folder.path);
    const size_t count = make_hostile(rig, outside, wrong);
    for (size_t i = 0; i < count; i++) {
        if (start(rig, uri, wrong[i]) != GARDEN_REPLY_ERROR) fail_msg("'%s'", wrong[i]);
        assert_int_equal(stop(rig, uri), GARDEN_REPLY_ERROR);
        rig_assert_error(rig, GARDEN_ERR_NOT_FOUND, uri);
    }
    stage(rig, "good", path);
    assert_int_equal(start(rig, uri, path), GARDEN_REPLY_OK); // the uri is free
    for (size_t i = 0; i < count; i++)
        if (switch_to(rig, uri, wrong[i]) != GARDEN_REPLY_ERROR) fail_msg("'%s'", wrong[i]);
    assert_int_equal(stop(rig, uri), GARDEN_REPLY_OK);
    assert_int_equal(totals_of(rig).bytes, (uint64_t)size_of(path));
    assert_int_equal(stat(outside, &status), 0);
    assert_int_equal(status.st_size, 0);
    assert_int_equal(status.st_mode & 0777, 0600); // nor made read-only
}

static void definitions_that_do_not_fit_are_refused_with_what_would(void **state)
{
    struct rig *rig = *state;
    char path[STAGED_SIZE];
    stage(rig, "chunk", path);
    struct garden_shell_request request = start_request(uri, path);
    request.stream_start.definition.format.audio.sample_rate = 44100;
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_ERROR);
    rig_assert_error(rig, GARDEN_ERR_ARGUMENT, "has 48000 Hz and 2 channels");
    request = start_request(uri, path);
    request.stream_start.definition.device_identity = garden_text_of("mic");
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_ERROR);
    rig_assert_error(rig, GARDEN_ERR_NOT_FOUND, "'default'");
    request = start_request(uri, path);
    request.stream_start.definition.format.kind = GARDEN_WIRE_FORMAT_MIDI;
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_ERROR);
    rig_assert_error(rig, GARDEN_ERR_ARGUMENT, "MIDI");
    static const uint64_t sizes[] = {0, FRAME - 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        request = start_request(uri, path);
        request.stream_start.definition.chunk_size_bytes = sizes[i];
        assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_ERROR);
        rig_assert_error(rig, GARDEN_ERR_RANGE, "at least a frame");
    }
    const struct garden_text names[] = {
        {"stream://a\0b", 12}, {"stream://a\nb", 12}, {"stream:///a", 11}, {"x", 1}, {"", 0},
        {"stream://", 9}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        request = start_request(uri, path);
        request.stream_start.uri = names[i];
        assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_ERROR);
        rig_assert_error(rig, GARDEN_ERR_ARGUMENT, "the stream's uri must");
    }
    assert_int_equal(size_of(path), 0);
}

// ---- Switching and stopping

static bool has_head(struct rig *rig)
{
    return rig_count(rig, GARDEN_EVENT_STREAM_HEAD_POSITION) >= 2;
}

static void a_switch_that_comes_twice_succeeds_twice(void **state)
{
    struct rig *rig = *state;
    char path[3][STAGED_SIZE];
    stage(rig, "0", path[0]);
    stage(rig, "1", path[1]);
    stage(rig, "2", path[2]);
    assert_int_equal(switch_to(rig, uri, path[1]), GARDEN_REPLY_ERROR);
    rig_assert_error(rig, GARDEN_ERR_NOT_FOUND, uri);
    assert_int_equal(start(rig, uri, path[0]), GARDEN_REPLY_OK);
    assert_int_equal(switch_to(rig, uri, path[1]), GARDEN_REPLY_OK);
    assert_int_equal(switch_to(rig, uri, path[1]), GARDEN_REPLY_OK);
    assert_int_equal(switch_to(rig, uri, path[0]), GARDEN_REPLY_OK); // late: answered long ago
    assert_int_equal(switch_to(rig, uri, "missing"), GARDEN_REPLY_ERROR);
    assert_int_equal(stop(rig, uri), GARDEN_REPLY_OK);
    (void)totals_of(rig);
}

static void a_stop_tells_exact_totals_and_tells_them_again(void **state)
{
    struct rig *rig = *state;
    char path[STAGED_SIZE];
    struct garden_chunk_report last;
    stage(rig, "chunk", path);
    assert_int_equal(start(rig, uri, path), GARDEN_REPLY_OK);
    assert_true(rig_run(rig, has_head, RIG_WAIT_MS));
    assert_int_equal(stop(rig, uri), GARDEN_REPLY_OK);
    const struct garden_capture_totals totals = totals_of(rig);
    assert_true(totals.captured > 0);
    assert_int_equal(garden_chunk_report_read(
                         garden_value_find(&rig->reply.shell_reply.ok.result, "last"), &last),
                     GARDEN_OK);
    assert_int_equal(last.bytes, size_of(path));
    assert_int_equal(last.bytes, totals.bytes); // it did not fill
    assert_int_equal(access(path, W_OK) == 0 && geteuid() != 0, 0);
    assert_int_equal(stop(rig, uri), GARDEN_REPLY_OK);
    assert_int_equal(totals_of(rig).offered, totals.offered);
    assert_int_equal(switch_to(rig, uri, path), GARDEN_REPLY_ERROR);
    rig_assert_error(rig, GARDEN_ERR_STATE, "ended");
    // And the uri can be used again.
    stage(rig, "next", path);
    assert_int_equal(start(rig, uri, path), GARDEN_REPLY_OK);
}

static bool has_overrun(struct rig *rig)
{
    return rig_count(rig, GARDEN_EVENT_STREAM_ERROR) > 0 &&
           rig_count(rig, GARDEN_EVENT_STREAM_CHUNK_FULL) > 0;
}

static void without_a_standby_chunk_what_is_lost_is_told_and_counted(void **state)
{
    struct rig *rig = *state;
    char path[2][STAGED_SIZE];
    stage(rig, "0", path[0]);
    stage(rig, "1", path[1]);
    assert_int_equal(start(rig, uri, path[0]), GARDEN_REPLY_OK);
    assert_true(rig_run(rig, has_overrun, RIG_WAIT_MS)); // 170 ms of chunk and 50 of ring
    assert_int_equal(size_of(path[0]), CHUNK);
    assert_int_equal(switch_to(rig, uri, path[1]), GARDEN_REPLY_OK);
    assert_int_equal(stop(rig, uri), GARDEN_REPLY_OK);
    const struct garden_capture_totals totals = totals_of(rig);
    assert_true(totals.overrun > 0);
    assert_int_equal(totals.bytes, (uint64_t)(size_of(path[0]) + size_of(path[1])));
}

static bool has_ended(struct rig *rig)
{
    return rig_count(rig, GARDEN_EVENT_WARNING) > 0;
}

static void the_end_of_a_source_is_told_and_the_stream_stays_until_it_is_stopped(void **state)
{
    struct rig *rig = *state;
    char path[STAGED_SIZE];
    stage(rig, "chunk", path);
    struct garden_shell_request request = start_request(uri, path);
    request.stream_start.definition.chunk_size_bytes = 1024 * 1024;
    assert_int_equal(rig_shell(rig, &request), GARDEN_REPLY_OK);
    assert_true(rig_run(rig, has_ended, RIG_WAIT_MS));
    assert_int_equal(rig_count(rig, GARDEN_EVENT_STREAM_ERROR), 0);
    assert_int_equal(stop(rig, uri), GARDEN_REPLY_OK);
    const struct garden_capture_totals totals = totals_of(rig);
    assert_int_equal(totals.offered, TOTAL);
    assert_int_equal(totals.captured, TOTAL);
    assert_int_equal(size_of(path), TOTAL * FRAME);
}

// ---- Ending

static void a_shutdown_closes_chunks_at_their_exact_length(void **state)
{
    struct rig *rig = *state;
    char path[2][STAGED_SIZE];
    struct stat status;
    stage(rig, "0", path[0]);
    stage(rig, "1", path[1]);
    assert_int_equal(start(rig, uri, path[0]), GARDEN_REPLY_OK);
    assert_int_equal(start(rig, "stream://test/second", path[1]), GARDEN_REPLY_OK);
    assert_true(rig_run(rig, has_head, RIG_WAIT_MS));
    assert_int_equal(rig_control(rig, GARDEN_CONTROL_SHUTDOWN), GARDEN_CONTROL_REPLY_SHUTTING_DOWN);
    // They are closed before the reply.
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(stat(path[i], &status), 0);
        assert_int_equal(status.st_mode & 0777, 0444);
        assert_true(status.st_size > 0 && status.st_size % FRAME == 0);
        assert_true(status.st_blocks * 512 < CHUNK); // the reserve is given back
    }
    assert_int_equal(rig_reap(rig->pid), 0);
    rig->pid = 0;
}

static void a_starved_stream_does_not_hold_up_a_second_signal(void **state)
{
    struct rig *rig = *state;
    char path[STAGED_SIZE];
    stage(rig, "chunk", path);
    assert_int_equal(start(rig, uri, path), GARDEN_REPLY_OK);
    assert_true(rig_run(rig, has_overrun, RIG_WAIT_MS));
    const uint64_t before = uv_hrtime();
    assert_int_equal(kill(rig->pid, SIGTERM), 0);
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    assert_int_equal(kill(rig->pid, SIGTERM), 0);
    rig_disconnect(rig); // or its sockets linger for those that do not read
    assert_int_equal(rig_reap(rig->pid), 0);
    rig->pid = 0;
    assert_true(uv_hrtime() - before < UINT64_C(1500000000)); // a stop would wait for two seconds
    assert_int_equal(size_of(path), CHUNK);
}

static bool is_shutting_down(struct rig *rig)
{
    return rig->status == GARDEN_EXECUTION_SHUTTING_DOWN;
}

static void a_switch_during_a_shutdown_saves_what_the_ring_holds(void **state)
{
    struct rig *rig = *state;
    char path[2][STAGED_SIZE];
    stage(rig, "0", path[0]);
    stage(rig, "1", path[1]);
    assert_int_equal(start(rig, uri, path[0]), GARDEN_REPLY_OK);
    assert_true(rig_run(rig, has_overrun, RIG_WAIT_MS));
    assert_int_equal(kill(rig->pid, SIGTERM), 0);
    assert_true(rig_run(rig, is_shutting_down, RIG_WAIT_MS));
    assert_int_equal(start(rig, "stream://test/late", path[1]), GARDEN_REPLY_ERROR);
    rig_assert_error(rig, GARDEN_ERR_STATE, "shutting down");
    assert_int_equal(switch_to(rig, uri, path[1]), GARDEN_REPLY_OK);
    assert_int_equal(rig_reap(rig->pid), 0);
    rig->pid = 0;
    assert_true(size_of(path[1]) > 0);
}

static size_t count_descriptors(const struct rig *rig)
{
    char folder[64];
    snprintf(folder, sizeof folder, "/proc/%d/fd", (int)rig->pid);
    return count_files(folder);
}

static void streams_that_come_and_go_leave_no_descriptor(void **state)
{
    struct rig *rig = *state;
    const size_t before = count_descriptors(rig);
    for (int i = 0; i < 20; i++) {
        char name[32], path[STAGED_SIZE];
        snprintf(name, sizeof name, "chunk%d", i);
        stage(rig, name, path);
        assert_int_equal(start(rig, uri, path), GARDEN_REPLY_OK);
        assert_int_equal(start(rig, "stream://test/refused", "missing"), GARDEN_REPLY_ERROR);
        assert_int_equal(stop(rig, uri), GARDEN_REPLY_OK);
    }
    assert_int_equal(count_descriptors(rig), before);
}

#define FAST(name) cmocka_unit_test_setup_teardown(name, setup_fast, teardown)
#define REAL(name) cmocka_unit_test_setup_teardown(name, setup_real, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAST(a_source_is_captured_whole_and_every_sample_is_there),
        FAST(chunk_reports_that_are_lost_come_again),
        FAST(requests_that_come_twice_seal_nothing_twice),
        REAL(a_repeated_start_succeeds_and_another_is_refused),
        REAL(g12_two_streams_cannot_have_one_path),
        REAL(g11_a_hostile_path_is_refused_and_nothing_is_left),
        REAL(definitions_that_do_not_fit_are_refused_with_what_would),
        REAL(a_switch_that_comes_twice_succeeds_twice),
        REAL(a_stop_tells_exact_totals_and_tells_them_again),
        REAL(without_a_standby_chunk_what_is_lost_is_told_and_counted),
        FAST(the_end_of_a_source_is_told_and_the_stream_stays_until_it_is_stopped),
        REAL(a_shutdown_closes_chunks_at_their_exact_length),
        REAL(a_switch_during_a_shutdown_saves_what_the_ring_holds),
        REAL(a_starved_stream_does_not_hold_up_a_second_signal),
        REAL(streams_that_come_and_go_leave_no_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
