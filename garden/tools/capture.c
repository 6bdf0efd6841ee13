// capture: starts a stream, seals its chunks as they fill, stops it and writes the manifest.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../store.h"
#include "capturer.h"
#include "left.h"
#include "progress.h"
#include "recorded.h"
#include "state.h"
#include "tool.h"

#define CAPTURE_PATIENCE_NS (30 * DURATION_S) // a daemon that is dead for so long is given up
#define CAPTURE_DURATION_MAX_NS (UINT32_MAX * DURATION_S)
enum {
    CAPTURE_DEFINITION_MAX = 8192,
    CAPTURE_MIDI_MIN = 3,             // a note; no message lies in two chunks
    CAPTURE_SAME_WISH_NS = 500000000, // less than two presses of a key take that are meant as two
};

static const char capture_help[] =
    "Usage: gardenctl capture --store DIR [OPTION]...\n"
    "\n"
    "Captures a stream of the daemon into the store DIR, chunk by chunk, until its\n"
    "source ends, --seconds are over, or Ctrl-C (a second one does not wait for the\n"
    "daemon, a third leaves what is there to --recover). The daemon must have been\n"
    "started with --staging DIR/staging (make that folder first; without it nothing is\n"
    "made). Prints the hash of the manifest.\n"
    "\n"
    "  --store DIR        the store that the daemon's staging folder is in\n"
    "  --uri URI          the stream's name (stream://DEVICE/main): stream:// and what\n"
    "                     you like, in UTF-8 of at most 511 octets\n"
    "  --device NAME      the daemon's source (default)\n"
    "  --chunk-bytes N    octets of a chunk (524288, or 1/4 s if that is more)\n"
    "  --chunks N         a chunk size that makes about N chunks of the whole source\n"
    "  --format F         f32_le, s16_le, s24_le or s32_le (the source's own)\n"
    "  --seconds SPAN     so much of the stream, to the nearest frame (of MIDI, which\n"
    "                     has no rate, as the clock tells it)\n"
    "  --manifest-file F  also write the manifest's hash into the file F\n"
    "  --patience SPAN    wait so long for a daemon that went (30), then seal what it\n"
    "                     had written. A SPAN is a number of seconds, 10 or 0.5, or has\n"
    "                     a unit: 500ms, 1.5s, 2m, 1h\n"
    "  --resume           go on with a capture into this store whose process was ended:\n"
    "                     the daemon has gone on with the stream meanwhile. The one of\n"
    "                     --uri, if several were left; the rest is as it was\n"
    "  --recover          instead of capturing, finish what an earlier capture into\n"
    "                     this store left behind: seal it and write its manifest; a\n"
    "                     daemon that still writes into it must be shut down first\n"
    "\n"
    "Exit status 5 when frames were lost, the source failed, or the daemon did not\n"
    "confirm the end, as after a kill of either side: the manifest is there, and tells.";

struct capture_options {
    const char *store, *uri, *device, *format, *manifest_file;
    uint64_t chunk_bytes, chunks, span_ns, patience_ns;
    bool recover, resume;
};

struct capture {
    struct tool *tool;
    struct capture_options options;
    struct garden_store *store;
    struct capturer capturer;
    bool source_ends;       // after |source_frames|, which may be 0
    uint64_t source_frames; // 0: unknown
    struct left left;       // what is taken up
    struct tool_definition definition;
    uv_signal_t signals[2];
    bool handles_open;
    struct progress progress;
    uint64_t told; // sealed chunks that were shown
    unsigned interrupts;
    uint64_t interrupted_ns; // when the last of them came
    int worst;               // of what was left behind: the worst that came of any
};

// ---- What there is to show

static void capture_say(void *user, const char *text)
{
    struct capture *capture = user;
    progress_end(&capture->progress);
    (void)tool_fail(capture->tool, "%s", text);
}

static void capture_show(struct capture *capture)
{
    const struct garden_manifest *manifest = garden_recording_manifest(capture->capturer.recording);
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

static void capture_left(void *user)
{
    const struct capture *capture = user;
    left_tell_unfinished(capture->tool, capture->options.store);
}

static void capture_moved(void *user, bool head)
{
    struct capture *capture = user;
    const struct capturer *capturer = &capture->capturer;
    if (!head)
        capture_show(capture);
    else if (capture->progress.terminal)
        progress_show(&capture->progress, &capturer->totals, capture->told,
                      progress_peak(capturer->path, &capturer->format));
}

// The first asks the daemon to stop, the second does without it, the third leaves at once. One wish may come as several
// signals, as timeout(1) sends its own to the process and to the group: what comes at once is counted once.
static void capture_interrupted(uv_signal_t *handle, int number)
{
    (void)number;
    struct capture *capture = handle->data;
    const uint64_t now_ns = uv_hrtime();
    if (capture->interrupts > 0 && now_ns - capture->interrupted_ns < CAPTURE_SAME_WISH_NS) return;
    capture->interrupted_ns = now_ns;
    capture->interrupts++;
    if (capture->interrupts == 1) capturer_stop(&capture->capturer);
    if (capture->interrupts == 2) capturer_abandon(&capture->capturer);
    if (capture->interrupts == 3) capturer_leave(&capture->capturer);
    capturer_pump(&capture->capturer);
}

// ---- What is heard of the daemon

static void capture_on_event(struct garden_client *client, const struct garden_message *message,
                             bool has_seq, uint64_t seq, void *user)
{
    (void)client;
    (void)has_seq;
    (void)seq;
    capturer_on_event(&((struct capture *)user)->capturer, message);
}

static void capture_on_state(struct garden_client *client, enum garden_client_state state,
                             void *user)
{
    (void)client;
    capturer_on_state(&((struct capture *)user)->capturer, state);
}

static void capture_on_lane(struct garden_client *client, enum garden_lane lane, bool up,
                            void *user)
{
    (void)client;
    capturer_on_lane(&((struct capture *)user)->capturer, lane, up);
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
    capture->capturer.format = source.format;
    capture->source_ends = source.ends;
    capture->source_frames = source.frames;
    return TOOL_OK;
}

// Tells the capturer what is captured.
static void capture_equip(struct capture *capture)
{
    struct capturer *capturer = &capture->capturer;
    const struct capture_options *options = &capture->options;
    capturer->loop = &capture->tool->loop;
    capturer->client = capture->tool->client;
    capturer->uri = options->uri;
    capturer->device = options->device;
    capturer->chunk_bytes = options->chunk_bytes;
    capturer->span_ns = options->span_ns;
    capturer->patience_ms = options->patience_ns / DURATION_MS;
    capturer->say = capture_say;
    capturer->moved = capture_moved;
    capturer->left = capture_left;
    capturer->user = capture;
}

static int capture_open_recording(struct capture *capture)
{
    const struct capture_options *options = &capture->options;
    struct garden_buffer definition;
    garden_buffer_init(&definition, NULL, CAPTURE_DEFINITION_MAX);
    int result = tool_definition_print(options->uri, options->device, &capture->capturer.format,
                                       options->chunk_bytes, &definition);
    if (result == GARDEN_OK) {
        const struct garden_recording_config config = {
            .uri = options->uri,
            .format = capture->capturer.format,
            .chunk_size = options->chunk_bytes,
            .definition = garden_buffer_bytes(&definition),
            .frames_max = capturer_frames_max(&capture->capturer),
        };
        result = garden_recording_open(capture->store, &config, capturer_now(),
                                       &capture->capturer.recording, &capture->capturer.error);
    } else {
        (void)snprintf(capture->capturer.error.text, sizeof capture->capturer.error.text, "%s",
                       garden_err_text(result));
    }
    garden_buffer_fini(&definition);
    return result < 0 ? tool_fail(capture->tool, "%s", capture->capturer.error.text) : TOOL_OK;
}

static void capture_open_handles(struct capture *capture)
{
    const int numbers[2] = {SIGINT, SIGTERM};
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
        for (size_t i = 0; i < 2; i++)
            uv_close((uv_handle_t *)&capture->signals[i], NULL);
    }
    capturer_close(&capture->capturer, NULL);
    tool_disconnect(capture->tool); // while |capture| is still here for its callbacks
    if (capture->capturer.recording) garden_recording_close(capture->capturer.recording);
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
    const double seconds = (double)(uv_hrtime() - capture->capturer.started_ns) / 1e9;
    const bool whole = manifest->complete && manifest->total_gaps == 0 && !capture->capturer.broken;
    const int result = whole ? TOOL_OK : TOOL_LOST;
    char text[GARDEN_HASH_TEXT_SIZE];
    garden_hash_text(hash, text);
    if (capture->options.manifest_file && capture_write_hash(capture, text) != TOOL_OK)
        return TOOL_FAILED;
    if (!capture->tool->json) {
        progress_line(&capture->progress,
                      "captured %llu of %llu frames in %zu chunk%s, %llu lost, in %.2f s",
                      (unsigned long long)manifest->total_samples,
                      (unsigned long long)garden_manifest_end(manifest), manifest->chunk_count,
                      manifest->chunk_count == 1 ? "" : "s",
                      (unsigned long long)manifest->total_gaps, seconds);
        if (!manifest->complete && capture->capturer.gone)
            progress_line(
                &capture->progress,
                "the daemon went away in the midst of it: what it had written until then is "
                "sealed, and that is all there is; start gardend, and a new capture goes on");
        else if (!manifest->complete)
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
        garden_entry_of("broken", garden_value_bool(capture->capturer.broken)),
        garden_entry_of("daemon_gone", garden_value_bool(capture->capturer.gone)),
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
    if (garden_recording_state(capture->capturer.recording) != GARDEN_RECORDING_DONE)
        return TOOL_FAILED;
    const struct garden_hash hash = garden_recording_manifest_hash(capture->capturer.recording);
    return capture_report_manifest(capture, garden_recording_manifest(capture->capturer.recording),
                                   &hash);
}

static bool capture_is_finished(const void *context)
{
    return ((const struct capture *)context)->capturer.finished;
}

// What can be told only once it is known what the source's frames are.
static int capture_check_sizes(const struct capture *capture)
{
    const struct capture_options *options = &capture->options;
    const struct garden_stream_format *format = &capture->capturer.format;
    const uint32_t frame_size = garden_frame_size(format);
    if (options->format && format->kind == GARDEN_STREAM_MIDI)
        return tool_usage(capture->tool, "--format is of samples, and '%s' has MIDI",
                          options->device);
    if (format->kind == GARDEN_STREAM_MIDI && options->chunk_bytes < CAPTURE_MIDI_MIN)
        return tool_usage(capture->tool,
                          "--chunk-bytes %llu: a chunk must hold at least a message, and those of "
                          "MIDI have up to %d octets, or more",
                          (unsigned long long)options->chunk_bytes, CAPTURE_MIDI_MIN);
    if (options->chunk_bytes < frame_size)
        return tool_usage(capture->tool,
                          "--chunk-bytes %llu: a chunk must hold at least a frame, and those of "
                          "'%s' have %u octets",
                          (unsigned long long)options->chunk_bytes, options->device, frame_size);
    if (options->span_ns > 0 && format->sample_rate > 0 &&
        capturer_frames_max(&capture->capturer) == 0)
        return tool_usage(capture->tool, "--seconds: that is less than a frame of %u Hz",
                          format->sample_rate);
    return TOOL_OK;
}

// A new capture, of what the daemon says that its source is.
static int capture_begin(struct capture *capture)
{
    struct tool *tool = capture->tool;
    int result = tool_control(tool, GARDEN_CONTROL_DEBUG_DUMP, capture_read_source, capture);
    if (result != TOOL_OK) return result;
    if (capture->options.format) // which was checked
        (void)tool_sample_parse(garden_text_of(capture->options.format),
                                &capture->capturer.format.sample);
    if (capture->options.chunks > 0) {
        if (!capture->source_ends)
            return tool_usage(tool, "--chunks needs a source of known length: use --chunk-bytes");
        const uint64_t frames = capture->source_frames / capture->options.chunks + 1;
        capture->options.chunk_bytes = frames * garden_frame_size(&capture->capturer.format);
    }
    if (capture->options.chunk_bytes == 0)
        capture->options.chunk_bytes = tool_chunk_size(&capture->capturer.format);
    capture_equip(capture);
    result = capture_check_sizes(capture);
    return result == TOOL_OK ? capture_open_recording(capture) : result;
}

// Whether a recording that cannot be taken up, for |code|, may still be salvaged.
static bool capture_can_be_salvaged(int code)
{
    return code == GARDEN_ERR_CORRUPT || code == GARDEN_ERR_FORMAT || code == GARDEN_ERR_ACCESS ||
           code == GARDEN_ERR_NOT_FOUND;
}

// The capture that was left, with all options that it had.
static int capture_take_up(struct capture *capture)
{
    struct tool *tool = capture->tool;
    struct capture_options *options = &capture->options;
    if (garden_recording_resume(capture->store, capture->left.run, capturer_now(),
                                &capture->capturer.recording, &capture->capturer.error) < 0) {
        (void)tool_fail(tool, "%s", capture->capturer.error.text);
        if (capture_can_be_salvaged(capture->capturer.error.code))
            (void)tool_fail(tool, "'gardenctl capture --recover --store %s' keeps what there is",
                            options->store);
        return TOOL_FAILED;
    }
    const struct garden_manifest *manifest = garden_recording_manifest(capture->capturer.recording);
    const int result = recorded_definition(tool, capture->store, manifest, &capture->definition);
    if (result != TOOL_OK) return result;
    capture->capturer.format = capture->definition.format;
    options->uri = manifest->stream_uri;
    options->device = capture->definition.device;
    if (capture->definition.format.sample_rate > 0)
        options->span_ns =
            duration_of_frames(garden_recording_frames_max(capture->capturer.recording),
                               capture->definition.format.sample_rate);
    options->chunk_bytes = capture->definition.chunk_size;
    capture->told = manifest->chunk_count;
    capture_equip(capture);
    // The lanes were up before there was a recording: what the daemon has of it is asked here.
    capturer_on_lane(&capture->capturer, GARDEN_LANE_CONTROL, true);
    return TOOL_OK;
}

// How many frames there will be; 0: who knows.
static uint64_t capture_expected(const struct capture *capture)
{
    const uint64_t wished = garden_recording_frames_max(capture->capturer.recording);
    const uint64_t there = capture->source_frames;
    return wished > 0 && (there == 0 || wished < there) ? wished : there;
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
    if (result == TOOL_UNREACHABLE && capture->options.resume)
        (void)tool_fail(tool,
                        "if the daemon is gone, 'gardenctl capture --recover --store %s' makes a "
                        "recording of what it had written",
                        capture->options.store);
    if (result == TOOL_OK && capture->options.resume)
        result = capture_take_up(capture);
    else if (result == TOOL_OK)
        result = capture_begin(capture);
    if (result != TOOL_OK) return result;
    progress_init(&capture->progress, tool->json, capture_expected(capture),
                  capture->capturer.format.sample_rate);
    if (capture->options.resume && !tool->json)
        progress_line(&capture->progress, "going on with %s after %llu chunk%s",
                      capture->options.uri, (unsigned long long)capture->told,
                      capture->told == 1 ? "" : "s");
    capture_open_handles(capture);
    capturer_start(&capture->capturer);
    (void)tool_run(tool, capture_is_finished, capture, 0);
    progress_end(&capture->progress);
    if (garden_recording_state(capture->capturer.recording) == GARDEN_RECORDING_REFUSED &&
        capture->capturer.refusal == GARDEN_ERR_EXISTS)
        left_tell_taken(tool, capture->store, capture->options.store, capture->options.uri);
    return capture_report(capture);
}

// ---- Recovering

// A recording was not finished, or not as it should be, for |why|, which may name it itself.
static int capture_tell_run(const struct capture *capture, const char *run, const char *why,
                            const char *and_then)
{
    const bool named = strstr(why, run) != NULL;
    return tool_fail(capture->tool, "%s%s%s%s", named ? "" : run, named ? "" : ": ", why, and_then);
}

// One that cannot be taken up as it was left. |why| says what is wrong with it.
static int capture_salvage(struct capture *capture, const char *run, struct garden_error *why)
{
    struct garden_manifest manifest;
    struct garden_hash hash;
    size_t lost = 0;
    struct garden_error *error = &capture->capturer.error;
    if (!capture_can_be_salvaged(why->code)) return capture_tell_run(capture, run, why->text, "");
    int result = garden_recording_salvage(capture->store, run, capturer_now(), &hash, &lost, error);
    if (result == GARDEN_ERR_NOT_FOUND) {
        progress_line(&capture->progress, "%s", error->text);
        return TOOL_OK;
    }
    (void)capture_tell_run(capture, run, why->text, ": saving what can be read");
    if (result == GARDEN_OK) result = garden_manifest_load(capture->store, &hash, &manifest, error);
    if (result < 0) return capture_tell_run(capture, run, error->text, "");
    if (lost > 0)
        (void)tool_fail(capture->tool, "%s: %zu %s lost", run, lost,
                        lost == 1 ? "chunk is" : "chunks are");
    result = capture_report_manifest(capture, &manifest, &hash);
    garden_manifest_fini(&manifest);
    return result;
}

// That something could not be finished is worse than that something is missing in what was.
static void capture_note(struct capture *capture, int status)
{
    if (status != TOOL_OK && capture->worst != TOOL_FAILED) capture->worst = status;
}

// Chunks, and the notes of what is missing in them, are put on the disk when they are sealed. Where the machine went down
// before that, nobody knows whether all of them came there.
static void capture_tell_exact(const struct capture *capture, const char *run, uint64_t sealed)
{
    const struct garden_recording *recording = capture->capturer.recording;
    if (garden_manifest_end(garden_recording_manifest(recording)) == sealed) return;
    switch (garden_recording_system(recording)) {
    case GARDEN_SYSTEM_SAME:
        break;
    case GARDEN_SYSTEM_RESTARTED:
        (void)tool_fail(capture->tool,
                        "%s: exact up to frame %llu; what follows was not sealed when the machine "
                        "went down, and is as its disk kept it",
                        run, (unsigned long long)sealed);
        break;
    case GARDEN_SYSTEM_UNKNOWN:
        (void)tool_fail(capture->tool,
                        "%s: exact up to frame %llu; what follows was not sealed, and if the "
                        "machine went down since it is as its disk kept it",
                        run, (unsigned long long)sealed);
        break;
    }
}

static bool capture_recover_one(void *context, const char *run)
{
    struct capture *capture = context;
    struct garden_error *error = &capture->capturer.error;
    struct garden_error why;
    capture->told++;
    capture->capturer.started_ns = uv_hrtime();
    if (garden_recording_resume(capture->store, run, capturer_now(), &capture->capturer.recording,
                                &why) < 0) {
        capture_note(capture, capture_salvage(capture, run, &why));
        return true;
    }
    const struct garden_manifest *manifest = garden_recording_manifest(capture->capturer.recording);
    const uint64_t sealed = garden_manifest_end(manifest);
    // One whose stream goes on is left as it is, for --resume.
    int steps = garden_recording_idle(capture->capturer.recording, error);
    if (steps == GARDEN_OK) garden_recording_abandon(capture->capturer.recording, capturer_now());
    while (steps >= 0 &&
           (steps = garden_recording_work(capture->capturer.recording, capturer_now(), error)) > 0)
        continue;
    if (steps < 0) (void)capture_tell_run(capture, run, error->text, "");
    if (steps < 0 && error->code == GARDEN_ERR_STATE)
        left_tell_running(capture->tool, capture->options.store, manifest->stream_uri);
    if (steps >= 0) capture_tell_exact(capture, run, sealed);
    capture_note(capture, capture_report(capture));
    garden_recording_close(capture->capturer.recording);
    capture->capturer.recording = NULL;
    return true;
}

static int capture_recover(struct capture *capture)
{
    progress_init(&capture->progress, capture->tool->json, 0, 0);
    if (garden_recording_each_left(capture->store, capture_recover_one, capture,
                                   &capture->capturer.error) < 0)
        return tool_fail(capture->tool, "%s", capture->capturer.error.text);
    if (capture->told == 0) progress_line(&capture->progress, "nothing was left behind");
    return capture->worst;
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

// What was left is as it was begun.
static int capture_check_left(const struct tool *tool, const struct capture_options *options)
{
    const char *fresh = options->span_ns > 0       ? "--seconds"
                        : options->device          ? "--device"
                        : options->format          ? "--format"
                        : options->chunk_bytes > 0 ? "--chunk-bytes"
                        : options->chunks > 0      ? "--chunks"
                                                   : NULL;
    if (options->recover && options->resume)
        return tool_usage(tool, "--resume goes on with a capture, --recover ends it: not both");
    if (fresh && (options->recover || options->resume))
        return tool_usage(tool, "%s is for a new capture: one that was left keeps its own", fresh);
    if (options->recover && options->uri)
        return tool_usage(tool, "--recover finishes all that was left in the store: --uri chooses "
                                "none of it");
    return TOOL_OK;
}

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
        if (option == 't' && !tool_duration(tool, "--seconds", optarg, DURATION_S, 1,
                                            CAPTURE_DURATION_MAX_NS, &out->span_ns))
            return TOOL_USAGE;
        if (option == 'p' && !tool_duration(tool, "--patience", optarg, DURATION_S, 0,
                                            CAPTURE_DURATION_MAX_NS, &out->patience_ns))
            return TOOL_USAGE;
        if (option == '?') return TOOL_USAGE;
    }
    if (optind < argc) return tool_usage(tool, "'%s' was not expected", argv[optind]);
    if (!out->store) return tool_usage(tool, "--store DIR is missing");
    if (out->chunks > 0 && out->chunk_bytes > 0)
        return tool_usage(tool,
                          "--chunks and --chunk-bytes both say how large a chunk is: give one");
    if (out->uri && !tool_stream(tool, "--uri", out->uri)) return TOOL_USAGE;
    struct garden_stream_format format;
    if (out->format && !tool_sample_parse(garden_text_of(out->format), &format.sample))
        return tool_usage(tool, "--format takes f32_le, s16_le, s24_le or s32_le, not '%s'",
                          out->format);
    return capture_check_left(tool, out);
}

// Told before anything is captured, rather than when all of it is.
static int capture_check_manifest_file(const struct tool *tool, const char *path)
{
    struct stat status;
    if (!path) return TOOL_OK;
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0) {
        (void)close(file); // nothing was written
        (void)unlink(path);
        return TOOL_OK;
    }
    if (errno == EEXIST && stat(path, &status) == 0) errno = S_ISDIR(status.st_mode) ? EISDIR : 0;
    if (errno == 0 && access(path, W_OK) == 0) return TOOL_OK;
    return tool_fail(tool, "--manifest-file: %s cannot be written: %s", path, strerror(errno));
}

static int capture_command(struct tool *tool, int argc, char **argv)
{
    struct capture capture = {.tool = tool};
    char uri[GARDEN_URI_MAX];
    capture.options = (struct capture_options){.patience_ns = CAPTURE_PATIENCE_NS};
    int result = capture_options(tool, argc, argv, &capture.options);
    if (result != TOOL_OK) return result;
    if (!capture.options.device) capture.options.device = "default";
    (void)snprintf(uri, sizeof uri, "stream://%s/main", capture.options.device);
    if (!capture.options.uri && !capture.options.resume) capture.options.uri = uri;
    if (capture.options.uri == uri && garden_stream_uri_wrong(garden_text_of(uri)))
        return tool_usage(tool, "--device '%s' makes no name for the stream: give it one by --uri",
                          capture.options.device);
    if (capturer_seed(&capture.capturer) < 0)
        return tool_fail(tool, "the system gives no random octets");
    result = capture_check_manifest_file(tool, capture.options.manifest_file);
    if (result != TOOL_OK) return result;
    const struct garden_store_config config = {.root = capture.options.store};
    // Whoever reads what it prints may go: the capture goes on, and ends as it should.
    (void)signal(SIGPIPE, SIG_IGN);
    if (capturer_check_store(config.root, &capture.capturer.error) < 0 ||
        garden_store_open(&config, &capture.store, &capture.capturer.error) < 0)
        return tool_fail(tool, "%s", capture.capturer.error.text);
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
