// capture: starts a stream, seals its chunks as they fill, stops it and writes the manifest.
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../store.h"
#include "complaints.h"
#include "left.h"
#include "progress.h"
#include "recorded.h"
#include "state.h"
#include "tool.h"

enum {
    // Below the recording's patience of a second: it asks again then, under the same id, and a request that
    // counts as under way would not be sent.
    CAPTURE_REQUEST_TIMEOUT_MS = 900,
    CAPTURE_PATIENCE_S = 30, // a daemon that is dead for so long is given up
    // ... and for so long when the capture is to stop anyway, or the daemon said that it stops.
    CAPTURE_DEAD_STOP_MS = 2000,
    CAPTURE_TICK_MS = 500,      // how often it looks whether that time is over
    CAPTURE_FAILING_MS = 10000, // and so is a store that fails, without a daemon to wait for
    CAPTURE_DEFINITION_MAX = 8192,
};

static const char capture_help[] =
    "Usage: gardenctl capture --store DIR [OPTION]...\n"
    "\n"
    "Captures a stream of the daemon into the store DIR, chunk by chunk, until its\n"
    "source ends, --seconds are over, or Ctrl-C. The daemon must have been started\n"
    "with --staging DIR/staging (make that folder first). Prints the hash of the\n"
    "manifest.\n"
    "\n"
    "  --store DIR        the store; made when missing\n"
    "  --uri URI          the stream's name (stream://DEVICE/main)\n"
    "  --device NAME      the daemon's source (default)\n"
    "  --chunk-bytes N    octets of a chunk (524288, or 1/4 s if that is more)\n"
    "  --chunks N         a chunk size that makes about N chunks of the whole source\n"
    "  --format F         f32_le, s16_le, s24_le or s32_le (the source's own)\n"
    "  --seconds N        stop after so many seconds of the stream\n"
    "  --manifest-file F  also write the manifest's hash into the file F\n"
    "  --patience N       wait so many seconds for a daemon that went (30), then seal\n"
    "                     what it had written\n"
    "  --resume           go on with a capture into this store whose process was ended:\n"
    "                     the daemon has gone on with the stream meanwhile. The one of\n"
    "                     --uri, if several were left; the rest is as it was\n"
    "  --recover          instead of capturing, finish what an earlier capture into\n"
    "                     this store left behind: seal it and write its manifest; a\n"
    "                     daemon that still writes into it must be shut down first";

struct capture_options {
    const char *store, *uri, *device, *format, *manifest_file;
    uint64_t chunk_bytes, chunks, seconds, patience;
    bool recover, resume;
};

struct capture {
    struct tool *tool;
    struct capture_options options;
    struct garden_store *store;
    struct garden_recording *recording;
    struct garden_stream_format format;
    bool source_ends;       // after |source_frames|, which may be 0
    uint64_t source_frames; // 0: unknown
    struct left left;       // what is taken up
    struct tool_definition definition;
    struct garden_uuid seed; // of the requests' ids
    uv_timer_t timer;
    uv_signal_t signals[2];
    bool handles_open;
    struct progress progress;
    struct garden_capture_totals totals; // as last told
    char path[GARDEN_PATH_MAX];          // of the chunk that takes frames
    uint64_t told;                       // sealed chunks that were shown
    int64_t dead_ms;                     // when the daemon was found dead; 0: it is not
    unsigned interrupts;
    int64_t failing_ms; // when work on files began to fail; 0: it does not
    bool stopping, finished;
    struct complaints complaints; // since frames were last captured
    bool broken, losing;       // it had to end early, as when its source failed; no chunk takes it
    struct garden_error error; // of the last piece of work that failed
    uint64_t started_ns;
};

static struct garden_instant capture_now(void)
{
    struct timespec wall = {0};
    (void)clock_gettime(CLOCK_REALTIME, &wall); // cannot fail for this clock
    return (struct garden_instant){.mono_ms = (int64_t)(uv_hrtime() / 1000000),
                                   .wall_ns = (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec};
}

// ---- Requests of the recording

// One request under way.
struct capture_asked {
    struct capture *capture;
    uint64_t token;
};

static void capture_pump(struct capture *capture);

// The same token gives the same id, so that a request that is sent again is executed once.
static struct garden_uuid capture_msg_id(const struct capture *capture, uint64_t token)
{
    uint8_t octets[16 + sizeof token];
    memcpy(octets, capture->seed.octets, 16);
    memcpy(octets + 16, &token, sizeof token);
    const struct garden_hash hash = garden_hash_of(zmtp_bytes_of(octets, sizeof octets));
    return garden_uuid_v4(hash.octets);
}

// Tells what the daemon said, unless that was told.
static void capture_complain(struct capture *capture, const char *how, struct garden_text text)
{
    if (!complaints_is_new(&capture->complaints, text)) return;
    progress_end(&capture->progress);
    (void)tool_fail(capture->tool, "the daemon %s: %.*s", how, (int)text.size, text.data);
}

// What an Ok tells beside success.
static void capture_read_ok(struct capture *capture, uint64_t token,
                            const struct garden_value *result)
{
    struct garden_chunk_report report;
    struct garden_capture_totals totals;
    const struct garden_value *untold = garden_value_find(result, "untold");
    const size_t count = untold && untold->type == GARDEN_LIST ? untold->list.count : 0;
    for (size_t i = 0; i < count; i++)
        if (garden_chunk_report_read(&untold->list.items[i], &report) == GARDEN_OK)
            garden_recording_chunk_full(capture->recording, capture_now(), &report);
    const bool has_report =
        garden_chunk_report_read(garden_value_find(result, "full"), &report) == GARDEN_OK ||
        garden_chunk_report_read(garden_value_find(result, "last"), &report) == GARDEN_OK;
    const bool has_totals =
        garden_capture_totals_read(garden_value_find(result, "totals"), &totals) == GARDEN_OK;
    if (has_totals) capture->totals = totals;
    garden_recording_reply(capture->recording, capture_now(), token, GARDEN_OK,
                           has_report ? &report : NULL, has_totals ? &totals : NULL);
}

static void capture_answered(struct garden_client *client, int result,
                             const struct garden_message *reply, void *user)
{
    (void)client;
    struct capture_asked *asked = user;
    struct capture *capture = asked->capture;
    const uint64_t token = asked->token;
    free(asked);
    if (result < 0 || capture->finished) return; // the recording asks again by itself
    if (reply->family == GARDEN_SHELL_REPLY && reply->shell_reply.kind == GARDEN_REPLY_OK) {
        capture_read_ok(capture, token, &reply->shell_reply.ok.result);
    } else if (reply->family == GARDEN_SHELL_REPLY &&
               reply->shell_reply.kind == GARDEN_REPLY_ERROR) {
        capture_complain(capture, "refused", reply->shell_reply.error.error);
        garden_recording_reply(capture->recording, capture_now(), token,
                               garden_code_read(&reply->metadata), NULL, NULL);
    } else {
        garden_recording_reply(capture->recording, capture_now(), token, GARDEN_ERR_FORMAT, NULL,
                               NULL);
    }
    capture_pump(capture);
}

static void capture_ask(struct capture *capture, const struct garden_recording_request *request)
{
    struct garden_shell_request shell = {0};
    const struct garden_text uri = garden_text_of(capture->options.uri);
    switch (request->kind) {
    case GARDEN_REQUEST_NONE:
        return;
    case GARDEN_REQUEST_START:
        shell.kind = GARDEN_SHELL_STREAM_START;
        shell.stream_start.uri = uri;
        shell.stream_start.chunk_path = garden_text_of(request->path);
        garden_stream_definition_of(&capture->format, capture->options.chunk_bytes,
                                    garden_text_of(capture->options.device),
                                    &shell.stream_start.definition);
        break;
    case GARDEN_REQUEST_SWITCH:
        shell.kind = GARDEN_SHELL_STREAM_SWITCH_CHUNK;
        shell.stream_switch_chunk.uri = uri;
        shell.stream_switch_chunk.new_chunk_path = garden_text_of(request->path);
        break;
    case GARDEN_REQUEST_STOP:
        shell.kind = GARDEN_SHELL_STREAM_STOP;
        shell.stream_stop.uri = uri;
        break;
    }
    struct capture_asked *asked = malloc(sizeof *asked);
    if (!asked) return; // asked again later
    *asked = (struct capture_asked){capture, request->token};
    const struct garden_uuid msg_id = capture_msg_id(capture, request->token);
    const struct garden_answer answer = {capture_answered, asked, CAPTURE_REQUEST_TIMEOUT_MS,
                                         &msg_id};
    const int result = garden_client_shell(capture->tool->client, &shell, &answer);
    if (result == GARDEN_OK) return;
    free(asked);
    // It is still under way, and its answer will do; or it is asked again later.
    if (result == GARDEN_ERR_EXISTS || result == GARDEN_ERR_MEMORY) return;
    // A path that is no text: no later time is better, so that is the answer.
    capture_complain(capture, "cannot be asked", garden_text_of(garden_err_text(result)));
    garden_recording_reply(capture->recording, capture_now(), request->token, result, NULL, NULL);
}

// ---- The recording's life

static void capture_tick(uv_timer_t *timer);

static void capture_show(struct capture *capture)
{
    const struct garden_manifest *manifest = garden_recording_manifest(capture->recording);
    for (; manifest && capture->told < manifest->chunk_count; capture->told++) {
        const struct garden_manifest_chunk *chunk = &manifest->chunks[capture->told];
        char hash[GARDEN_HASH_TEXT_SIZE];
        garden_hash_text(&chunk->hash, hash);
        if (capture->progress.terminal) continue;
        progress_line(&capture->progress, "chunk %llu sealed: %llu frames from %llu, %.16s...",
                      (unsigned long long)capture->told, (unsigned long long)chunk->sample_count,
                      (unsigned long long)chunk->first_sample, hash);
    }
}

static void capture_stop(struct capture *capture)
{
    if (capture->stopping) return;
    capture->stopping = true;
    garden_recording_stop(capture->recording, capture_now());
}

static void capture_ask_all(struct capture *capture)
{
    struct garden_recording_request request;
    while (garden_recording_request(capture->recording, capture_now(), &request))
        capture_ask(capture, &request);
}

static void capture_work(struct capture *capture)
{
    struct garden_error error = {0};
    int steps;
    while ((steps = garden_recording_work(capture->recording, capture_now(), &error)) > 0)
        capture_ask_all(capture);
    if (steps == 0) {
        if (!garden_recording_failing(capture->recording)) capture->failing_ms = 0;
        return;
    }
    if (capture->failing_ms == 0) capture->failing_ms = capture_now().mono_ms;
    // It is tried again after a pause; told once.
    if (complaints_is_new(&capture->complaints, garden_text_of(error.text))) {
        progress_end(&capture->progress);
        (void)tool_fail(capture->tool, "%s", error.text);
    }
    capture->error = error;
}

// Goes without the manifest. Nothing is lost: what was captured waits in the store to be finished.
static void capture_leave(struct capture *capture)
{
    progress_end(&capture->progress);
    capture->finished = true;
    left_tell_unfinished(capture->tool, capture->options.store);
}

static void capture_pump(struct capture *capture)
{
    if (capture->finished) return;
    capture_work(capture);
    capture_ask_all(capture);
    if (garden_recording_state(capture->recording) == GARDEN_RECORDING_REFUSED)
        capture_work(capture); // one that could not be asked: what was staged for it goes
    capture_show(capture);
    const enum garden_recording_state state = garden_recording_state(capture->recording);
    if (state == GARDEN_RECORDING_DONE || state == GARDEN_RECORDING_REFUSED) {
        capture->finished = true;
        return;
    }
    // The recording may wait for nothing but events, which a dead daemon never sends.
    int64_t wait = garden_recording_deadline_ms(capture->recording) - capture_now().mono_ms;
    if (wait > CAPTURE_TICK_MS) wait = CAPTURE_TICK_MS;
    (void)uv_timer_start(&capture->timer, capture_tick, wait > 0 ? (uint64_t)wait : 1, 0);
}

// Goes on without the daemon: what is left to do is in files, and so takes no longer than they bear.
static void capture_abandon(struct capture *capture)
{
    capture->stopping = true;
    garden_recording_abandon(capture->recording, capture_now());
}

static void capture_tick(uv_timer_t *timer)
{
    struct capture *capture = timer->data;
    const int64_t now_ms = capture_now().mono_ms;
    const int64_t patience_ms =
        capture->stopping ? CAPTURE_DEAD_STOP_MS : (int64_t)capture->options.patience * 1000;
    if (capture->dead_ms > 0 && now_ms - capture->dead_ms > patience_ms) {
        (void)tool_fail(capture->tool, "the daemon stays away: sealing what it had written");
        capture->dead_ms = 0;
        capture_abandon(capture);
    }
    const enum garden_recording_state state = garden_recording_state(capture->recording);
    const bool over = capture->stopping || state >= GARDEN_RECORDING_FINISHING;
    if (over && capture->failing_ms > 0 && now_ms - capture->failing_ms > CAPTURE_FAILING_MS)
        capture_leave(capture);
    capture_pump(capture);
}

// The first asks the daemon to stop, the second does without it, the third leaves at once.
static void capture_interrupted(uv_signal_t *handle, int number)
{
    (void)number;
    struct capture *capture = handle->data;
    capture->interrupts++;
    if (capture->interrupts == 1) capture_stop(capture);
    if (capture->interrupts == 2) capture_abandon(capture);
    if (capture->interrupts == 3) capture_leave(capture);
    capture_pump(capture);
}

// ---- Events

static bool capture_is_long_enough(const struct capture *capture)
{
    const uint64_t seconds = capture->options.seconds, rate = capture->format.sample_rate;
    if (seconds == 0) return false;
    // MIDI has no rate; and where nothing is written, as on a full disk, the head stands still.
    if (rate > 0 && !capture->losing) return capture->totals.offered / rate >= seconds;
    return (uv_hrtime() - capture->started_ns) / 1000000000 >= seconds;
}

static void capture_on_head(struct capture *capture, const struct garden_map *metadata)
{
    struct garden_capture_totals totals;
    struct garden_text path;
    bool ended = false;
    if (garden_capture_totals_read(garden_map_find(metadata, "totals"), &totals) == GARDEN_OK) {
        capture->losing = capture->losing && totals.offered == capture->totals.offered;
        if (totals.captured != capture->totals.captured)
            capture->complaints.count = 0; // it goes on
        capture->totals = totals;
    }
    if (garden_value_to_text(garden_map_find(metadata, "path"), &path) &&
        path.size < sizeof capture->path) {
        memcpy(capture->path, path.data, path.size);
        capture->path[path.size] = 0;
        garden_recording_head(capture->recording, capture_now(), capture->path);
    }
    (void)garden_value_to_bool(garden_map_find(metadata, "ended"), &ended); // absent: not ended
    if (capture->progress.terminal)
        progress_show(&capture->progress, &capture->totals, capture->told,
                      progress_peak(capture->path, &capture->format));
    if (ended || capture_is_long_enough(capture)) capture_stop(capture);
}

static void capture_on_event(struct garden_client *client, const struct garden_message *message,
                             bool has_seq, uint64_t seq, void *user)
{
    (void)client;
    (void)has_seq;
    (void)seq;
    struct capture *capture = user;
    const struct garden_event *event = &message->event;
    struct garden_chunk_report report;
    if (capture->finished || !capture->recording) return;
    if (event->kind == GARDEN_EVENT_STREAM_CHUNK_FULL &&
        garden_text_is(event->stream_chunk_full.stream_uri, capture->options.uri)) {
        const struct garden_value *chunk = garden_map_find(&message->metadata, "chunk");
        if (garden_chunk_report_read(chunk, &report) == GARDEN_OK)
            garden_recording_chunk_full(capture->recording, capture_now(), &report);
    } else if (event->kind == GARDEN_EVENT_STREAM_HEAD_POSITION &&
               garden_text_is(event->stream_head_position.stream_uri, capture->options.uri)) {
        capture_on_head(capture, &message->metadata);
    } else if (event->kind == GARDEN_EVENT_STREAM_ERROR &&
               garden_text_is(event->stream_error.stream_uri, capture->options.uri)) {
        capture_complain(capture, "reports", event->stream_error.error);
        capture->losing = true; // until the head moves again
        if (!event->stream_error.recoverable) {
            capture->broken = true;
            capture_stop(capture); // the daemon has, and tells the totals
        }
    } else if (event->kind == GARDEN_EVENT_STATUS &&
               event->status.execution_state == GARDEN_EXECUTION_SHUTTING_DOWN) {
        capture_stop(capture); // it still tells the totals
    } else {
        return;
    }
    capture_pump(capture);
}

static void capture_on_state(struct garden_client *client, enum garden_client_state state,
                             void *user)
{
    (void)client;
    struct capture *capture = user;
    if (!capture->recording) return;
    if (state == GARDEN_CLIENT_DEAD) {
        progress_end(&capture->progress);
        (void)tool_fail(capture->tool, "the daemon does not answer; waiting for it");
        capture->dead_ms = capture_now().mono_ms;
    } else {
        capture->dead_ms = 0;
    }
}

// ---- A daemon that was replaced

static void capture_told_state(struct garden_client *client, int result,
                               const struct garden_message *reply, void *user)
{
    (void)client;
    struct capture *capture = user;
    if (result < 0 || capture->finished) return; // a daemon that is dead is waited for, or connects
    if (garden_recording_state(capture->recording) != GARDEN_RECORDING_RUNNING) return;
    if (reply->family != GARDEN_CONTROL_REPLY ||
        reply->control_reply.kind != GARDEN_CONTROL_REPLY_DEBUG_DUMP)
        return;
    bool over = false;
    if (state_find_stream(&reply->control_reply.debug_dump.state, capture->options.uri, &over)) {
        // No event tells of a stream that is over; the answer to a stop tells all.
        if (over) capture_stop(capture);
        capture_pump(capture);
        return;
    }
    progress_end(&capture->progress);
    (void)tool_fail(capture->tool,
                    "the daemon was started anew and forgot the stream: sealing what was written");
    capture_abandon(capture);
    capture_pump(capture);
}

// Behind a new connection may be a new daemon. It is alive, but will never tell of our stream.
static void capture_on_lane(struct garden_client *client, enum garden_lane lane, bool up,
                            void *user)
{
    struct capture *capture = user;
    if (lane != GARDEN_LANE_CONTROL || !up || !capture->recording || capture->finished) return;
    const struct garden_control_request request = {.kind = GARDEN_CONTROL_DEBUG_DUMP};
    const struct garden_answer answer = {.call = capture_told_state, .user = capture};
    (void)garden_client_control(client, &request, &answer); // failing: Ctrl-C ends it still
}

// ---- Beginning

// The source's own rate, channels and format, from the daemon's state.
static int capture_read_source(struct tool *tool, const struct garden_message *reply, void *context)
{
    struct capture *capture = context;
    const struct capture_options *options = &capture->options;
    if (reply->family != GARDEN_CONTROL_REPLY ||
        reply->control_reply.kind != GARDEN_CONTROL_REPLY_DEBUG_DUMP)
        return tool_fail(tool, "the daemon answered with %s", garden_message_name(reply));
    struct state_source source;
    if (!state_find_source(&reply->control_reply.debug_dump.state, options->device, &source))
        return tool_fail(tool, "the daemon has no source '%s': see 'gardenctl status'",
                         options->device);
    if (!source.usable)
        return tool_fail(tool, "the daemon's source '%s' cannot be captured", options->device);
    capture->format = source.format;
    capture->source_ends = source.ends;
    capture->source_frames = source.frames;
    return TOOL_OK;
}

static int capture_open_recording(struct capture *capture)
{
    const struct capture_options *options = &capture->options;
    struct garden_buffer definition;
    garden_buffer_init(&definition, NULL, CAPTURE_DEFINITION_MAX);
    int result = tool_definition_print(options->uri, options->device, &capture->format,
                                       options->chunk_bytes, &definition);
    if (result == GARDEN_OK) {
        const struct garden_recording_config config = {
            .uri = options->uri,
            .format = capture->format,
            .chunk_size = options->chunk_bytes,
            .definition = garden_buffer_bytes(&definition),
        };
        result = garden_recording_open(capture->store, &config, capture_now(), &capture->recording,
                                       &capture->error);
    } else {
        (void)snprintf(capture->error.text, sizeof capture->error.text, "%s",
                       garden_err_text(result));
    }
    garden_buffer_fini(&definition);
    return result < 0 ? tool_fail(capture->tool, "%s", capture->error.text) : TOOL_OK;
}

static void capture_open_handles(struct capture *capture)
{
    const int numbers[2] = {SIGINT, SIGTERM};
    (void)uv_timer_init(&capture->tool->loop, &capture->timer); // does not fail
    capture->timer.data = capture;
    for (size_t i = 0; i < 2; i++) {
        (void)uv_signal_init(&capture->tool->loop, &capture->signals[i]);
        capture->signals[i].data = capture;
        (void)uv_signal_start(&capture->signals[i], capture_interrupted, numbers[i]);
    }
    capture->handles_open = true;
}

static void capture_close(struct capture *capture)
{
    if (capture->handles_open) {
        uv_close((uv_handle_t *)&capture->timer, NULL);
        for (size_t i = 0; i < 2; i++)
            uv_close((uv_handle_t *)&capture->signals[i], NULL);
    }
    capture->finished = true;
    tool_disconnect(capture->tool); // while |capture| is still here for its callbacks
    if (capture->recording) garden_recording_close(capture->recording);
    garden_store_close(capture->store);
}

// ---- The end

static int capture_write_hash(const struct capture *capture, const char *text)
{
    FILE *file = fopen(capture->options.manifest_file, "we");
    const bool written = file && fprintf(file, "%s\n", text) > 0;
    if ((!file || fclose(file) == 0) && written) return TOOL_OK;
    return tool_fail(capture->tool, "%s cannot be written: %s; the manifest is %s",
                     capture->options.manifest_file, strerror(errno), text);
}

static int capture_report_manifest(struct capture *capture, const struct garden_manifest *manifest,
                                   const struct garden_hash *hash)
{
    const double seconds = (double)(uv_hrtime() - capture->started_ns) / 1e9;
    const bool whole = manifest->complete && manifest->total_gaps == 0 && !capture->broken;
    const int result = whole ? TOOL_OK : TOOL_LOST;
    char text[GARDEN_HASH_TEXT_SIZE];
    garden_hash_text(hash, text);
    if (capture->options.manifest_file && capture_write_hash(capture, text) != TOOL_OK)
        return TOOL_FAILED;
    if (!capture->tool->json) {
        progress_line(&capture->progress,
                      "captured %llu of %llu frames in %zu chunks, %llu lost, in %.2f s",
                      (unsigned long long)manifest->total_samples,
                      (unsigned long long)garden_manifest_end(manifest), manifest->chunk_count,
                      (unsigned long long)manifest->total_gaps, seconds);
        if (!manifest->complete)
            progress_line(
                &capture->progress,
                "the daemon did not confirm the end: frames after the last may be missing");
        (void)printf("manifest %s\n", text);
        return result;
    }
    struct garden_entry entries[] = {
        garden_entry_of("uri", garden_value_text(garden_text_of(manifest->stream_uri))),
        garden_entry_of("manifest", garden_value_text(garden_text_of(text))),
        garden_entry_of("complete", garden_value_bool(manifest->complete)),
        garden_entry_of("broken", garden_value_bool(capture->broken)),
        garden_entry_of("chunks", garden_value_uint(manifest->chunk_count)),
        garden_entry_of("offered", garden_value_uint(garden_manifest_end(manifest))),
        garden_entry_of("captured", garden_value_uint(manifest->total_samples)),
        garden_entry_of("lost", garden_value_uint(manifest->total_gaps)),
        garden_entry_of("bytes", garden_value_uint(manifest->total_samples * manifest->frame_size)),
        garden_entry_of("seconds", garden_value_real(seconds)),
    };
    const struct garden_value all = garden_value_map(entries, sizeof entries / sizeof *entries);
    tool_print_json(&all);
    return result;
}

static int capture_report(struct capture *capture)
{
    if (garden_recording_state(capture->recording) != GARDEN_RECORDING_DONE) return TOOL_FAILED;
    const struct garden_hash hash = garden_recording_manifest_hash(capture->recording);
    return capture_report_manifest(capture, garden_recording_manifest(capture->recording), &hash);
}

static bool capture_is_finished(const void *context)
{
    return ((const struct capture *)context)->finished;
}

// A new capture, of what the daemon says that its source is.
static int capture_begin(struct capture *capture)
{
    struct tool *tool = capture->tool;
    const int result = tool_control(tool, GARDEN_CONTROL_DEBUG_DUMP, capture_read_source, capture);
    if (result != TOOL_OK) return result;
    const char *format = capture->options.format;
    if (format && !tool_sample_parse(garden_text_of(format), &capture->format.sample))
        return tool_usage(tool, "--format takes f32_le, s16_le, s24_le or s32_le, not '%s'",
                          format);
    if (capture->options.chunks > 0) {
        if (!capture->source_ends)
            return tool_usage(tool, "--chunks needs a source of known length: use --chunk-bytes");
        const uint64_t frames = capture->source_frames / capture->options.chunks + 1;
        capture->options.chunk_bytes = frames * garden_frame_size(&capture->format);
    }
    if (capture->options.chunk_bytes == 0)
        capture->options.chunk_bytes = tool_chunk_size(&capture->format);
    return capture_open_recording(capture);
}

// The capture that was left, with all options that it had.
static int capture_take_up(struct capture *capture)
{
    struct tool *tool = capture->tool;
    struct capture_options *options = &capture->options;
    if (garden_recording_resume(capture->store, capture->left.run, capture_now(),
                                &capture->recording, &capture->error) < 0)
        return tool_fail(tool, "%s", capture->error.text);
    const struct garden_manifest *manifest = garden_recording_manifest(capture->recording);
    const int result = recorded_definition(tool, capture->store, manifest, &capture->definition);
    if (result != TOOL_OK) return result;
    capture->format = capture->definition.format;
    options->uri = manifest->stream_uri;
    options->device = capture->definition.device;
    options->chunk_bytes = capture->definition.chunk_size;
    capture->told = manifest->chunk_count;
    // The lanes were up before there was a recording: what the daemon has of it is asked here.
    capture_on_lane(tool->client, GARDEN_LANE_CONTROL, true, capture);
    return TOOL_OK;
}

static int capture_run(struct capture *capture)
{
    struct tool *tool = capture->tool;
    struct garden_client_config config;
    garden_client_config_init(&config);
    config.on_event = capture_on_event;
    config.on_state = capture_on_state;
    config.on_lane = capture_on_lane;
    config.user = capture;
    int result = TOOL_OK;
    if (capture->options.resume)
        result = left_find(tool, capture->store, capture->options.uri, &capture->left);
    if (result == TOOL_OK) result = tool_connect(tool, &config);
    if (result == TOOL_OK) result = tool_wait_alive(tool);
    if (result == TOOL_OK && capture->options.resume)
        result = capture_take_up(capture);
    else if (result == TOOL_OK)
        result = capture_begin(capture);
    if (result != TOOL_OK) return result;
    progress_init(&capture->progress, tool->json, capture->source_frames,
                  capture->format.sample_rate);
    if (capture->options.resume && !tool->json)
        progress_line(&capture->progress, "going on with %s after %llu chunks",
                      capture->options.uri, (unsigned long long)capture->told);
    capture->started_ns = uv_hrtime();
    capture_open_handles(capture);
    capture_pump(capture);
    (void)tool_run(tool, capture_is_finished, capture, 0);
    progress_end(&capture->progress);
    if (garden_recording_state(capture->recording) == GARDEN_RECORDING_REFUSED &&
        left_has(capture->store, capture->options.uri))
        (void)tool_fail(tool, "an earlier capture of it was left in this store: go on with it by "
                              "--resume, or end it by --recover");
    return capture_report(capture);
}

// ---- Recovering

// One that cannot be taken up as it was left. |why| says what is wrong with it.
static int capture_salvage(struct capture *capture, const char *run, struct garden_error *why)
{
    struct garden_manifest manifest;
    struct garden_hash hash;
    size_t lost = 0;
    struct garden_error *error = &capture->error;
    switch (why->code) {
    case GARDEN_ERR_CORRUPT:
    case GARDEN_ERR_FORMAT:
    case GARDEN_ERR_ACCESS:
    case GARDEN_ERR_NOT_FOUND:
        break;
    default:
        return tool_fail(capture->tool, "%s: %s", run, why->text);
    }
    (void)tool_fail(capture->tool, "%s: %s: saving what can be read", run, why->text);
    if (garden_recording_salvage(capture->store, run, capture_now(), &hash, &lost, error) < 0 ||
        garden_manifest_load(capture->store, &hash, &manifest, error) < 0)
        return tool_fail(capture->tool, "%s: %s", run, error->text);
    if (lost > 0) (void)tool_fail(capture->tool, "%s: %zu chunks are lost", run, lost);
    const int result = capture_report_manifest(capture, &manifest, &hash);
    garden_manifest_fini(&manifest);
    return result;
}

static bool capture_recover_one(void *context, const char *run)
{
    struct capture *capture = context;
    struct garden_error *error = &capture->error;
    struct garden_error why;
    capture->told++;
    capture->started_ns = uv_hrtime();
    if (garden_recording_resume(capture->store, run, capture_now(), &capture->recording, &why) <
        0) {
        if (capture_salvage(capture, run, &why) == TOOL_FAILED) capture->finished = true;
        return true;
    }
    garden_recording_abandon(capture->recording, capture_now());
    int steps;
    while ((steps = garden_recording_work(capture->recording, capture_now(), error)) > 0)
        continue;
    if (steps < 0) (void)tool_fail(capture->tool, "%s: %s", run, error->text);
    if (steps < 0 && error->code == GARDEN_ERR_STATE)
        left_tell_running(capture->tool, capture->options.store,
                          garden_recording_manifest(capture->recording)->stream_uri);
    if (capture_report(capture) == TOOL_FAILED) capture->finished = true; // something is left over
    garden_recording_close(capture->recording);
    capture->recording = NULL;
    return true;
}

static int capture_recover(struct capture *capture)
{
    progress_init(&capture->progress, capture->tool->json, 0, 0);
    if (garden_recording_each_left(capture->store, capture_recover_one, capture, &capture->error) <
        0)
        return tool_fail(capture->tool, "%s", capture->error.text);
    if (capture->told == 0) progress_line(&capture->progress, "nothing was left behind");
    return capture->finished ? TOOL_FAILED : TOOL_OK;
}

// ---- Options

static const struct option capture_option_table[] = {
    {"store", required_argument, NULL, 's'},    {"uri", required_argument, NULL, 'u'},
    {"device", required_argument, NULL, 'd'},   {"chunk-bytes", required_argument, NULL, 'c'},
    {"chunks", required_argument, NULL, 'n'},   {"format", required_argument, NULL, 'f'},
    {"seconds", required_argument, NULL, 't'},  {"manifest-file", required_argument, NULL, 'm'},
    {"patience", required_argument, NULL, 'p'}, {"recover", no_argument, NULL, 'r'},
    {"resume", no_argument, NULL, 'R'},         {0},
};

static int capture_options(const struct tool *tool, int argc, char **argv,
                           struct capture_options *out)
{
    int option;
    while ((option = getopt_long(argc, argv, "", capture_option_table, NULL)) >= 0) {
        if (option == 's') out->store = optarg;
        if (option == 'u') out->uri = optarg;
        if (option == 'd') out->device = optarg;
        if (option == 'f') out->format = optarg;
        if (option == 'm') out->manifest_file = optarg;
        if (option == 'r') out->recover = true;
        if (option == 'R') out->resume = true;
        if (option == 'c' && !tool_number(tool, "--chunk-bytes", optarg, 1, GARDEN_CHUNK_SIZE_MAX,
                                          &out->chunk_bytes))
            return TOOL_USAGE;
        if (option == 'n' && !tool_number(tool, "--chunks", optarg, 1, UINT32_MAX, &out->chunks))
            return TOOL_USAGE;
        if (option == 't' && !tool_number(tool, "--seconds", optarg, 1, UINT32_MAX, &out->seconds))
            return TOOL_USAGE;
        if (option == 'p' &&
            !tool_number(tool, "--patience", optarg, 0, UINT32_MAX, &out->patience))
            return TOOL_USAGE;
        if (option == '?') return TOOL_USAGE;
    }
    if (optind < argc) return tool_usage(tool, "'%s' was not expected", argv[optind]);
    if (!out->store) return tool_usage(tool, "--store DIR is missing");
    if (out->recover && out->resume)
        return tool_usage(tool, "--resume goes on with a capture, --recover ends it: not both");
    return TOOL_OK;
}

static int capture_command(struct tool *tool, int argc, char **argv)
{
    struct capture capture = {.tool = tool};
    char uri[GARDEN_URI_MAX];
    capture.options = (struct capture_options){.device = "default", .patience = CAPTURE_PATIENCE_S};
    int result = capture_options(tool, argc, argv, &capture.options);
    if (result != TOOL_OK) return result;
    (void)snprintf(uri, sizeof uri, "stream://%s/main", capture.options.device);
    if (!capture.options.uri && !capture.options.resume) capture.options.uri = uri;
    uint8_t random[16];
    if (uv_random(NULL, NULL, random, sizeof random, 0, NULL) < 0)
        return tool_fail(tool, "the system gives no random octets");
    capture.seed = garden_uuid_v4(random);
    const struct garden_store_config config = {.root = capture.options.store};
    // Whoever reads what it prints may go: the capture goes on, and ends as it should.
    (void)signal(SIGPIPE, SIG_IGN);
    if (garden_store_open(&config, &capture.store, &capture.error) < 0)
        return tool_fail(tool, "%s", capture.error.text);
    result = capture.options.recover ? capture_recover(&capture) : capture_run(&capture);
    capture_close(&capture);
    return result;
}

const struct tool_command tool_capture = {
    .name = "capture",
    .run = capture_command,
    .summary = "capture a stream into a store",
    .help = capture_help,
    .options = capture_option_table,
};
