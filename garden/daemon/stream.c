#include "stream.h"

#include <stdio.h>
#include <string.h>

#include "../core/error.h"
#include "../store/fs.h"
#include "../stream.h"
#include "../uv/random.h"
#include "log.h"

enum { STREAM_ENDED_MAX = 64, STREAM_TEXT_SIZE = 384 };

// ---- Replies

void stream_reply_error(struct streams *streams, struct garden_request *request, int code,
                        const char *text)
{
    struct garden_entry entry = garden_code_entry(code);
    struct garden_message reply = {.family = GARDEN_SHELL_REPLY};
    reply.metadata = (struct garden_map){.entries = &entry, .count = 1};
    reply.shell_reply.kind = GARDEN_REPLY_ERROR;
    reply.shell_reply.error.error = garden_text_of(text);
    log_write(LOG_DEBUG, "refused %s: %s", garden_message_name(&request->message), text);
    garden_server_reply(streams->config.server, request, &reply);
}

void stream_reply_ok(struct streams *streams, struct garden_request *request,
                     struct garden_entry *entries, size_t count)
{
    struct garden_message reply = {.family = GARDEN_SHELL_REPLY};
    reply.shell_reply.kind = GARDEN_REPLY_OK;
    reply.shell_reply.ok.result = garden_value_map(entries, count);
    garden_server_reply(streams->config.server, request, &reply);
}

static struct garden_entry stream_status(const char *status)
{
    return garden_entry_of("status", garden_value_text(garden_text_of(status)));
}

// ---- Events

static void stream_publish(struct streams *streams, const struct garden_event *event,
                           const struct garden_entry *extra, size_t count)
{
    const int result = garden_server_publish(streams->config.server, event, extra, count);
    if (result < 0) log_write(LOG_ERROR, "an event was lost: %s", garden_err_text(result));
}

static void stream_publish_state(struct streams *streams, enum garden_execution_state state)
{
    const struct garden_event event = {.kind = GARDEN_EVENT_STATUS,
                                       .status = {.execution_state = state}};
    if (!streams->draining) stream_publish(streams, &event, NULL, 0);
}

static void stream_publish_error(struct stream *stream, const char *text, bool recoverable,
                                 const struct garden_entry *extra, size_t count)
{
    const struct garden_event event = {
        .kind = GARDEN_EVENT_STREAM_ERROR,
        .stream_error = {.stream_uri = garden_text_of(stream->uri),
                         .error = garden_text_of(text),
                         .recoverable = recoverable},
    };
    log_write(LOG_WARNING, "%s: %s", stream->uri, text);
    stream_publish(stream->streams, &event, extra, count);
}

static void stream_publish_failure(struct stream *stream, const struct recorder_event *event)
{
    const struct garden_entry code = garden_code_entry(event->result);
    stream_publish_error(stream, event->text, event->recoverable, &code, 1);
}

// Where a daemon may be killed; the names are those of test/garden/test_kills.py.
static void stream_step(const struct stream *stream, const char *name)
{
    garden__step(stream->streams->config.staging->fs, name);
}

// The wall's time when the stream began and what has passed since: the times of a stream fit together,
// whatever happens to the wall's clock meanwhile.
static struct garden_time stream_now(const struct stream *stream)
{
    struct garden_time now = stream->log.started_at;
    const uint64_t ns = uv_hrtime() - stream->started_ns + now.nanos;
    now.seconds += (int64_t)(ns / 1000000000);
    now.nanos = (uint32_t)(ns % 1000000000);
    return now;
}

static void stream_publish_full(struct stream *stream, const struct garden_chunk_report *chunk)
{
    struct garden_arena arena;
    struct garden_value value;
    stream_step(stream, "stream.full");
    stream_log_chunk(&stream->log, chunk, stream_now(stream));
    const struct garden_event event = {
        .kind = GARDEN_EVENT_STREAM_CHUNK_FULL,
        .stream_chunk_full = {.stream_uri = garden_text_of(stream->uri),
                              .path = garden_text_of(chunk->path),
                              .bytes_written = chunk->bytes,
                              .samples_written = chunk->frames,
                              .wall_clock = stream_now(stream)},
    };
    garden_arena_init(&arena, NULL, 0);
    const int result = garden_chunk_report_value(chunk, &arena, &value);
    const struct garden_entry entry = garden_entry_of("chunk", value);
    if (result == GARDEN_OK)
        stream_publish(stream->streams, &event, &entry, 1);
    else // it repeats
        log_write(LOG_ERROR, "%s: %s", stream->uri, garden_err_text(result));
    garden_arena_fini(&arena);
    stream_step(stream, "stream.told");
}

// Once: the source has nothing more.
static void stream_publish_end(struct stream *stream)
{
    char text[STREAM_TEXT_SIZE];
    const bool failed = flow_failed(stream->flow);
    if (stream->told_end) return;
    stream->told_end = true;
    (void)snprintf(text, sizeof text, "source '%s' %s after %llu frames: stop the stream",
                   flow_info(stream->flow)->name, failed ? "could not be read" : "ended",
                   (unsigned long long)stream->totals.offered);
    struct garden_event event = {.kind = GARDEN_EVENT_WARNING,
                                 .warning = {.message = garden_text_of(text)}};
    if (failed) // what came before is captured, but it is not all
        event = (struct garden_event){.kind = GARDEN_EVENT_STREAM_ERROR,
                                      .stream_error = {.stream_uri = garden_text_of(stream->uri),
                                                       .error = garden_text_of(text)}};
    log_write(failed ? LOG_WARNING : LOG_INFO, "%s", text);
    stream_publish(stream->streams, &event, NULL, 0);
}

static struct garden_value stream_levels_list(const int16_t *from, size_t count,
                                              struct garden_arena *arena)
{
    struct garden_value *items = garden_arena_alloc(arena, count, sizeof *items);
    for (size_t i = 0; items && i < count; i++)
        items[i] = garden_value_int(from[i]);
    return garden_value_list(items, items ? count : 0);
}

// The arena tells of missing memory.
static struct garden_value stream_levels_value(const struct levels_report *levels,
                                               struct garden_arena *arena)
{
    enum { ENTRIES = 6 };
    struct garden_entry *entries = garden_arena_alloc(arena, ENTRIES, sizeof *entries);
    if (!entries) return garden_value_null();
    entries[0] = garden_entry_of("first", garden_value_uint(levels->first));
    entries[1] = garden_entry_of("step", garden_value_uint(levels->step));
    entries[2] = garden_entry_of("least", stream_levels_list(levels->least, levels->count, arena));
    entries[3] =
        garden_entry_of("greatest", stream_levels_list(levels->greatest, levels->count, arena));
    entries[4] =
        garden_entry_of("peaks", stream_levels_list(levels->peaks, levels->channel_count, arena));
    entries[5] = garden_entry_of("frames", garden_value_uint(levels->frames));
    return garden_value_map(entries, ENTRIES);
}

static void stream_publish_head(struct stream *stream, const struct recorder_event *from)
{
    struct garden_arena arena;
    struct garden_value totals;
    struct garden_entry entries[5];
    size_t count = 0;
    const struct garden_event event = {
        .kind = GARDEN_EVENT_STREAM_HEAD_POSITION,
        .stream_head_position = {.stream_uri = garden_text_of(stream->uri),
                                 .sample_position = from->totals.offered,
                                 .byte_position = from->totals.bytes,
                                 .wall_clock = stream_now(stream)},
    };
    garden_arena_init(&arena, NULL, 0);
    if (garden_capture_totals_value(&from->totals, &arena, &totals) == GARDEN_OK) {
        if (from->path[0])
            entries[count++] =
                garden_entry_of("path", garden_value_text(garden_text_of(from->path)));
        entries[count++] = garden_entry_of("standby", garden_value_bool(from->standby));
        entries[count++] = garden_entry_of("totals", totals);
        if (from->ended) entries[count++] = garden_entry_of("ended", garden_value_bool(true));
        if (from->levels.step > 0) {
            entries[count++] =
                garden_entry_of("levels", stream_levels_value(&from->levels, &arena));
            if (arena.error < 0) count--; // no memory for them: the rest goes without
        }
        stream_publish(stream->streams, &event, entries, count);
    }
    garden_arena_fini(&arena);
    if (from->ended) stream_publish_end(stream);
}

static void stream_publish_overrun(struct stream *stream, const struct garden_gap *gap)
{
    char text[STREAM_TEXT_SIZE];
    struct garden_arena arena;
    (void)snprintf(text, sizeof text, "overrun: %llu frames from %llu are missing",
                   (unsigned long long)gap->count, (unsigned long long)gap->first);
    stream_log_gap(&stream->log, gap, stream_now(stream));
    garden_arena_init(&arena, NULL, 0);
    const struct garden_entry entry = garden_entry_of("gap", garden_gap_value(gap, &arena));
    stream_publish_error(stream, text, true, &entry, 1);
    garden_arena_fini(&arena);
}

// ---- Waiters

// A start or a stop has to wait for files; meanwhile the daemon is busy.
static bool stream_is_slow(enum garden_shell_request_kind kind)
{
    return kind != GARDEN_SHELL_STREAM_SWITCH_CHUNK;
}

bool stream_wait(struct stream *stream, struct garden_request *request, const char *path)
{
    struct stream_waiter *waiter = zmtp_alloc(NULL, sizeof *waiter);
    if (!waiter) return false;
    *waiter = (struct stream_waiter){
        .next = stream->waiters, .request = request, .kind = request->message.shell_request.kind};
    (void)snprintf(waiter->path, sizeof waiter->path, "%s", path);
    stream->waiters = waiter;
    if (stream_is_slow(waiter->kind) && stream->streams->waiting_count++ == 0)
        stream_publish_state(stream->streams, GARDEN_EXECUTION_BUSY);
    return true;
}

// Takes out the waiter at |*at|. Its request is the caller's again.
static struct garden_request *stream_take_waiter(struct stream *stream, struct stream_waiter **at)
{
    struct stream_waiter *waiter = *at;
    struct garden_request *request = waiter->request;
    const bool slow = stream_is_slow(waiter->kind);
    *at = waiter->next;
    zmtp_free(NULL, waiter, sizeof *waiter);
    if (slow && --stream->streams->waiting_count == 0)
        stream_publish_state(stream->streams, GARDEN_EXECUTION_IDLE);
    return request;
}

void stream_unwait(struct stream *stream, const struct garden_request *request)
{
    struct stream_waiter **at = &stream->waiters;
    while ((*at)->request != request)
        at = &(*at)->next;
    (void)stream_take_waiter(stream, at); // the caller has it
}

// A request of |kind| that waits, for |path| if that is not null; null when there is none.
static struct garden_request *stream_waiting(struct stream *stream,
                                             enum garden_shell_request_kind kind, const char *path)
{
    for (struct stream_waiter **at = &stream->waiters; *at; at = &(*at)->next)
        if ((*at)->kind == kind && (!path || strcmp((*at)->path, path) == 0))
            return stream_take_waiter(stream, at);
    return NULL;
}

static void stream_refuse_all(struct stream *stream, int code, const char *text)
{
    while (stream->waiters)
        stream_reply_error(stream->streams, stream_take_waiter(stream, &stream->waiters), code,
                           text);
}

static void stream_answer_switch(struct stream *stream, const struct recorder_event *event)
{
    struct garden_request *request;
    stream_step(stream, "stream.switched");
    while ((request = stream_waiting(stream, GARDEN_SHELL_STREAM_SWITCH_CHUNK, event->path))) {
        if (event->result < 0) {
            // A file that is not there must not look as if the stream were not.
            const int code =
                event->result == GARDEN_ERR_NOT_FOUND ? GARDEN_ERR_ACCESS : event->result;
            stream_reply_error(stream->streams, request, code, event->text);
            continue;
        }
        struct garden_arena arena;
        struct garden_value full;
        struct garden_entry entries[2] = {stream_status("switched")};
        size_t count = 1;
        garden_arena_init(&arena, NULL, 0);
        // Without memory for it the client still has the event.
        if (event->has_chunk &&
            garden_chunk_report_value(&event->chunk, &arena, &full) == GARDEN_OK)
            entries[count++] = garden_entry_of("full", full);
        stream_reply_ok(stream->streams, request, entries, count);
        garden_arena_fini(&arena);
    }
}

static int stream_stop_entries(const struct recorder_event *ended, struct garden_arena *arena,
                               struct garden_entry *entries, size_t *count)
{
    struct garden_value value;
    struct garden_value *untold = garden_arena_alloc(arena, RECORDER_UNTOLD_MAX, sizeof *untold);
    if (!untold) return arena->error;
    for (size_t i = 0; i < ended->untold_count; i++) {
        const int result = garden_chunk_report_value(&ended->untold[i], arena, &untold[i]);
        if (result < 0) return result;
    }
    int result = garden_capture_totals_value(&ended->totals, arena, &value);
    if (result < 0) return result;
    entries[(*count)++] = stream_status("stopped");
    entries[(*count)++] = garden_entry_of("totals", value);
    entries[(*count)++] = garden_entry_of("untold", garden_value_list(untold, ended->untold_count));
    if (!ended->has_chunk) return GARDEN_OK;
    result = garden_chunk_report_value(&ended->chunk, arena, &value);
    if (result == GARDEN_OK) entries[(*count)++] = garden_entry_of("last", value);
    return result;
}

void stream_answer_stop(struct stream *stream, struct garden_request *request)
{
    struct garden_arena arena;
    struct garden_entry entries[4];
    size_t count = 0;
    garden_arena_init(&arena, NULL, 0);
    const int result = stream_stop_entries(stream->ended, &arena, entries, &count);
    if (result == GARDEN_OK)
        stream_reply_ok(stream->streams, request, entries, count);
    else
        stream_reply_error(stream->streams, request, result, garden_err_text(result));
    garden_arena_fini(&arena);
}

// ---- Life

static int stream_open_capture(struct stream *stream, struct garden_error *error)
{
    const struct garden_capture_config config = {
        .uri = stream->uri, .format = stream->format, .chunk_size = stream->chunk_size};
    const uint64_t frames =
        (uint64_t)stream->format.sample_rate * stream->streams->config.ring_ms / 1000;
    const uint64_t least = 4 * FLOW_BLOCK_FRAMES; // or a block might never fit
    stream->ring_frames = (size_t)(frames > least ? frames : least);
    // MIDI has no rate. Its longest message must fit, and a wire's octets of more than a minute do.
    if (stream->format.kind == GARDEN_STREAM_MIDI) stream->ring_frames = 4 * SOURCE_MESSAGE_MAX;
    int result = garden_ring_open(NULL, garden_frame_size(&stream->format), stream->ring_frames,
                                  &stream->take.ring);
    if (result < 0) return garden__fail(error, result, "no memory for the stream's ring");
    result = garden_capture_open(NULL, &config, stream->take.ring, stream->first_path,
                                 (int64_t)(uv_hrtime() / 1000000), &stream->take.capture, error);
    if (result < 0) return result;
    if (!recorder_add(stream->streams->recorder, &stream->take))
        return garden__fail(error, GARDEN_ERR_LIMIT,
                            "too many requests for streams are under way: ask again later");
    return GARDEN_OK;
}

int stream_open(struct streams *streams, const struct stream *like, struct stream **out,
                struct garden_error *error)
{
    struct stream *stream = zmtp_alloc(NULL, sizeof *stream);
    if (!stream) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a stream");
    *stream = (struct stream){.streams = streams,
                              .state = STREAM_STARTING,
                              .format = like->format,
                              .chunk_size = like->chunk_size,
                              .flow = like->flow};
    memcpy(stream->uri, like->uri, sizeof stream->uri);
    memcpy(stream->first_path, like->first_path, sizeof stream->first_path);
    stream->take.owner = stream;
    stream->take.flow = stream->flow;
    stream->take.tells_levels =
        streams->config.levels && stream->format.kind == GARDEN_STREAM_AUDIO;
    levels_init(&stream->take.levels, &stream->format);
    stream->started_ns = uv_hrtime();
    stream_log_init(&stream->log, garden__time_now());
    const int result = stream_open_capture(stream, error);
    if (result < 0) {
        garden_capture_close(stream->take.capture);
        garden_ring_close(stream->take.ring);
        zmtp_free(NULL, stream, sizeof *stream);
        return result;
    }
    stream->next = streams->first;
    streams->first = stream;
    streams->live_count++;
    *out = stream;
    return GARDEN_OK;
}

// Releases what only a live stream needs.
static void stream_end(struct stream *stream)
{
    flow_tap_close(stream->flow, stream->tap);
    garden_capture_close(stream->take.capture);
    garden_ring_close(stream->take.ring);
    stream->tap = NULL;
    stream->take.capture = NULL;
    stream->take.ring = NULL;
    stream->state = STREAM_ENDED;
    stream->streams->live_count--;
}

void stream_free(struct stream *stream)
{
    struct stream **at = &stream->streams->first;
    while (*at != stream)
        at = &(*at)->next;
    *at = stream->next;
    if (stream->state != STREAM_ENDED) stream_end(stream);
    while (stream->waiters) { // their requests go with the server
        struct stream_waiter *waiter = stream->waiters;
        stream->waiters = waiter->next;
        zmtp_free(NULL, waiter, sizeof *waiter);
    }
    stream_log_fini(&stream->log);
    if (stream->ended) zmtp_free(NULL, stream->ended, sizeof *stream->ended);
    zmtp_free(NULL, stream, sizeof *stream);
}

// Forgets the oldest ended streams, and an ended one that |newer| has replaced.
static void stream_forget(struct streams *streams, const struct stream *newer)
{
    size_t count = 0;
    struct stream *next;
    for (struct stream *at = streams->first; at; at = next) {
        next = at->next;
        if (at->state != STREAM_ENDED || at == newer) continue;
        if (++count > STREAM_ENDED_MAX || strcmp(at->uri, newer->uri) == 0) stream_free(at);
    }
}

void stream_stop(struct stream *stream)
{
    if (stream->state == STREAM_STOPPING || stream->state == STREAM_ENDED) return;
    stream->state = STREAM_STOPPING;
    flow_tap_close(stream->flow, stream->tap);
    stream->tap = NULL;
    recorder_stop(&stream->take);
}

static void stream_started(struct stream *stream)
{
    struct garden_error error;
    struct garden_request *request;
    struct streams *streams = stream->streams;
    int result = GARDEN_OK;
    // A stop that came meanwhile goes on; nothing is played any more.
    if (stream->state == STREAM_STARTING) {
        result = flow_tap_open(stream->flow, stream->take.ring, stream->ring_frames,
                               stream->format.sample, &stream->tap, &error);
        if (result == GARDEN_OK)
            stream->state = STREAM_RUNNING;
        else
            stream_stop(stream);
    }
    if (result == GARDEN_OK) {
        stream_forget(streams, stream);
        log_write(LOG_INFO, "%s: recording into %s", stream->uri, stream->first_path);
    }
    stream_step(stream, "stream.started");
    while ((request = stream_waiting(stream, GARDEN_SHELL_STREAM_START, NULL))) {
        struct garden_entry entry = stream_status("recording");
        if (result == GARDEN_OK)
            stream_reply_ok(streams, request, &entry, 1);
        else
            stream_reply_error(streams, request, result, error.text);
    }
}

static void stream_tell_drained(struct streams *streams)
{
    if (streams->draining && streams->live_count == 0 && streams->config.on_drained)
        streams->config.on_drained(streams->config.user);
}

// The first chunk could not be opened: nothing is held.
static void stream_refused(struct stream *stream, const struct recorder_event *event)
{
    struct streams *streams = stream->streams;
    stream_refuse_all(stream, event->result, event->text);
    stream_free(stream);
    stream_tell_drained(streams);
}

static void stream_ended(struct stream *stream, const struct recorder_event *event)
{
    struct streams *streams = stream->streams;
    struct garden_request *request;
    stream_step(stream, "stream.stopped");
    log_write(LOG_INFO, "%s: stopped with %llu of %llu frames in %llu chunk%s", stream->uri,
              (unsigned long long)event->totals.captured, (unsigned long long)event->totals.offered,
              (unsigned long long)event->totals.chunks, event->totals.chunks == 1 ? "" : "s");
    for (size_t i = 0; i < event->untold_count; i++)
        stream_publish_full(stream, &event->untold[i]);
    if (event->has_chunk) stream_log_chunk(&stream->log, &event->chunk, stream_now(stream));
    stream->totals = event->totals;
    stream_end(stream);
    stream->ended = zmtp_alloc(NULL, sizeof *stream->ended);
    if (stream->ended) {
        *stream->ended = *event;
        while ((request = stream_waiting(stream, GARDEN_SHELL_STREAM_STOP, NULL)))
            stream_answer_stop(stream, request);
        stream_refuse_all(stream, GARDEN_ERR_STATE, "the stream has been stopped");
        stream_forget(streams, stream);
    } else {
        stream_refuse_all(stream, GARDEN_ERR_MEMORY, "no memory for the stream's totals");
        stream_free(stream);
    }
    stream_tell_drained(streams);
}

void stream_on_event(const struct recorder_event *event, void *user)
{
    (void)user;
    struct stream *stream = event->take->owner;
    switch (event->kind) {
    case GARDEN_CAPTURE_NONE:
        break;
    case GARDEN_CAPTURE_STARTED:
        if (event->result < 0)
            stream_refused(stream, event);
        else
            stream_started(stream);
        break;
    case GARDEN_CAPTURE_SWITCHED:
        stream_answer_switch(stream, event);
        break;
    case GARDEN_CAPTURE_CHUNK_FULL:
        stream_publish_full(stream, &event->chunk);
        break;
    case GARDEN_CAPTURE_HEAD:
        stream->totals = event->totals;
        stream_publish_head(stream, event);
        break;
    case GARDEN_CAPTURE_OVERRUN:
        stream_publish_overrun(stream, &event->gap);
        break;
    case GARDEN_CAPTURE_ERROR:
        stream_publish_failure(stream, event);
        if (!event->recoverable) stream_stop(stream);
        break;
    case GARDEN_CAPTURE_ENDED:
        stream_ended(stream, event);
        break;
    }
}
