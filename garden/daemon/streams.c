#include "streams.h"

#include <string.h>

#include "../core/error.h"
#include "../stream.h"
#include "stream.h"

// ---- Requests

// A text of the wire as a C string. False: it is empty, too long, or holds a zero.
static bool streams_text(struct garden_text text, char *out, size_t size)
{
    if (text.size == 0 || text.size >= size || memchr(text.data, 0, text.size)) return false;
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return true;
}

static int streams_uri(struct garden_text text, char out[GARDEN_URI_MAX],
                       struct garden_error *error)
{
    const char *wrong = garden_stream_uri_wrong(text);
    if (wrong) return garden__fail(error, GARDEN_ERR_ARGUMENT, "the stream's uri %s", wrong);
    (void)streams_text(text, out, GARDEN_URI_MAX); // it fits
    return GARDEN_OK;
}

static int streams_path(struct garden_text text, char out[GARDEN_PATH_MAX],
                        struct garden_error *error)
{
    if (streams_text(text, out, GARDEN_PATH_MAX)) return GARDEN_OK;
    return garden__fail(error, GARDEN_ERR_ARGUMENT,
                        "the chunk's path must have 1 to %d octets, none of them zero",
                        GARDEN_PATH_MAX - 1);
}

// The newest stream of that name: an ended one is older than its successor.
static struct stream *streams_find(const struct streams *streams, const char *uri)
{
    struct stream *at = streams->first;
    while (at && strcmp(at->uri, uri) != 0)
        at = at->next;
    return at;
}

static int streams_find_flow(const struct streams *streams, struct garden_text name,
                             struct flow **out, struct garden_error *error)
{
    const struct streams_config *config = &streams->config;
    for (size_t i = 0; i < config->flow_count; i++) {
        *out = config->flows[i];
        if (garden_text_is(name, flow_info(*out)->name)) return GARDEN_OK;
    }
    if (config->flow_count == 0)
        return garden__fail(error, GARDEN_ERR_NOT_FOUND,
                            "this daemon has no source: start it with --source");
    return garden__fail(error, GARDEN_ERR_NOT_FOUND,
                        "there is no source '%.*s': this daemon has '%s'%s",
                        (int)(name.size < SOURCE_NAME_SIZE ? name.size : SOURCE_NAME_SIZE),
                        name.size > 0 ? name.data : "", flow_info(config->flows[0])->name,
                        config->flow_count > 1 ? " and others, see DebugDump" : "");
}

static int streams_check_format(const struct stream *like, struct garden_error *error)
{
    const struct source_info *info = flow_info(like->flow);
    const struct garden_stream_format *format = &like->format;
    if (format->kind != info->kind && info->kind == GARDEN_STREAM_AUDIO)
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "source '%s' has audio of %u Hz and %u channels, and no MIDI",
                            info->name, info->rate, (unsigned)info->channels);
    if (format->kind != info->kind)
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "source '%s' has MIDI, and no audio",
                            info->name);
    if (format->kind == GARDEN_STREAM_MIDI) return GARDEN_OK;
    if (format->sample_rate == info->rate && format->channels == info->channels) return GARDEN_OK;
    return garden__fail(error, GARDEN_ERR_ARGUMENT,
                        "source '%s' has %u Hz and %u channels; the definition asks for %u Hz and "
                        "%u channels",
                        info->name, info->rate, (unsigned)info->channels, format->sample_rate,
                        (unsigned)format->channels);
}

// Fills uri, path, flow, format and chunk size of |like|.
static int streams_read_start(const struct streams *streams,
                              const struct garden_shell_request_stream_start *start,
                              struct stream *like, struct garden_error *error)
{
    int result = streams_uri(start->uri, like->uri, error);
    if (result == GARDEN_OK) result = streams_path(start->chunk_path, like->first_path, error);
    if (result == GARDEN_OK)
        result = streams_find_flow(streams, start->definition.device_identity, &like->flow, error);
    if (result < 0) return result;
    if (garden_stream_format_read(&start->definition, &like->format) < 0)
        return garden__fail(error, GARDEN_ERR_RANGE,
                            "a stream has 1 to %d channels and a rate of 1 to %d Hz",
                            GARDEN_CHANNELS_MAX, GARDEN_SAMPLE_RATE_MAX);
    like->chunk_size = start->definition.chunk_size_bytes;
    return streams_check_format(like, error);
}

static bool streams_same(const struct stream *a, const struct stream *b)
{
    return a->flow == b->flow && a->chunk_size == b->chunk_size &&
           a->format.sample == b->format.sample && strcmp(a->first_path, b->first_path) == 0;
}

static int streams_start_new(struct streams *streams, const struct stream *like,
                             struct garden_request *request, struct garden_error *error)
{
    struct stream *stream;
    size_t taps = 0;
    for (const struct stream *at = streams->first; at; at = at->next)
        if (at->flow == like->flow && at->state != STREAM_ENDED) taps++;
    if (taps >= FLOW_TAPS_MAX)
        return garden__fail(error, GARDEN_ERR_LIMIT,
                            "source '%s' feeds %d streams already: stop one of them",
                            flow_info(like->flow)->name, FLOW_TAPS_MAX);
    const int result = stream_open(streams, like, &stream, error);
    if (result < 0) return result;
    if (stream_wait(stream, request, like->first_path)) return GARDEN_OK;
    stream_stop(stream);
    return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a request");
}

static int streams_start(struct streams *streams, struct garden_request *request,
                         struct garden_error *error)
{
    struct stream like = {0};
    const int result =
        streams_read_start(streams, &request->message.shell_request.stream_start, &like, error);
    if (result < 0) return result;
    struct stream *stream = streams_find(streams, like.uri);
    if (!stream || stream->state == STREAM_ENDED)
        return streams_start_new(streams, &like, request, error);
    if (!streams_same(stream, &like))
        return garden__fail(error, GARDEN_ERR_EXISTS,
                            "stream %.100s is being recorded already, with another definition or "
                            "first chunk: stop it, or choose another uri",
                            like.uri);
    if (stream->state == STREAM_STOPPING)
        return garden__fail(error, GARDEN_ERR_STATE, "stream %.100s is being stopped", like.uri);
    if (stream->state == STREAM_STARTING) {
        if (stream_wait(stream, request, like.first_path)) return GARDEN_OK;
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a request");
    }
    struct garden_entry entry =
        garden_entry_of("status", garden_value_text(garden_text_of("recording")));
    stream_reply_ok(streams, request, &entry, 1);
    return GARDEN_OK;
}

static int streams_live(const struct streams *streams, struct garden_text name, struct stream **out,
                        struct garden_error *error)
{
    char uri[GARDEN_URI_MAX];
    const int result = streams_uri(name, uri, error);
    if (result < 0) return result;
    *out = streams_find(streams, uri);
    if (*out) return GARDEN_OK;
    return garden__fail(error, GARDEN_ERR_NOT_FOUND, "there is no stream %.150s", uri);
}

static int streams_switch(struct streams *streams, struct garden_request *request,
                          struct garden_error *error)
{
    const struct garden_shell_request_stream_switch_chunk *content =
        &request->message.shell_request.stream_switch_chunk;
    char path[GARDEN_PATH_MAX];
    struct stream *stream;
    int result = streams_live(streams, content->uri, &stream, error);
    if (result == GARDEN_OK) result = streams_path(content->new_chunk_path, path, error);
    if (result < 0) return result;
    if (stream->state == STREAM_ENDED)
        return garden__fail(error, GARDEN_ERR_STATE, "stream %.150s has ended", stream->uri);
    // Waiting first: a switch that is under way must find whom to answer.
    if (!stream_wait(stream, request, path))
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a request");
    if (recorder_switch(streams->recorder, &stream->take, path)) return GARDEN_OK;
    stream_unwait(stream, request);
    return garden__fail(error, GARDEN_ERR_LIMIT,
                        "too many requests for streams are under way: ask again later");
}

static int streams_stop(struct streams *streams, struct garden_request *request,
                        struct garden_error *error)
{
    struct stream *stream;
    const int result =
        streams_live(streams, request->message.shell_request.stream_stop.uri, &stream, error);
    if (result < 0) return result;
    if (stream->state == STREAM_ENDED) {
        stream_answer_stop(stream, request);
        return GARDEN_OK;
    }
    if (!stream_wait(stream, request, ""))
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a request");
    stream_stop(stream);
    return GARDEN_OK;
}

void streams_request(struct streams *streams, struct garden_request *request)
{
    struct garden_error error = {0};
    const enum garden_shell_request_kind kind = request->message.shell_request.kind;
    int result;
    // A switch may still bring a chunk for what the rings hold.
    if (streams->draining && kind == GARDEN_SHELL_STREAM_START)
        result = garden__fail(&error, GARDEN_ERR_STATE, "the daemon is shutting down");
    else if (kind == GARDEN_SHELL_STREAM_START)
        result = streams_start(streams, request, &error);
    else if (kind == GARDEN_SHELL_STREAM_SWITCH_CHUNK)
        result = streams_switch(streams, request, &error);
    else
        result = streams_stop(streams, request, &error);
    if (result < 0) stream_reply_error(streams, request, result, error.text);
}

// ---- Life

int streams_open(struct streams **out, const struct streams_config *config,
                 struct garden_error *error)
{
    *out = NULL;
    struct streams *streams = zmtp_alloc(NULL, sizeof *streams);
    if (!streams) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for streams");
    *streams = (struct streams){.config = *config};
    const int result = recorder_open(&streams->recorder, config->loop, config->staging,
                                     stream_on_event, NULL, error);
    if (result < 0) {
        zmtp_free(NULL, streams, sizeof *streams);
        return result;
    }
    *out = streams;
    return GARDEN_OK;
}

void streams_close(struct streams *streams)
{
    if (!streams) return;
    // No more frames come, then no more writes: then all can go.
    for (struct stream *at = streams->first; at; at = at->next)
        stream_stop(at);
    recorder_close(streams->recorder, NULL, NULL);
    while (streams->first)
        stream_free(streams->first);
    zmtp_free(NULL, streams, sizeof *streams);
}

void streams_drain(struct streams *streams)
{
    streams->draining = true;
    for (struct stream *at = streams->first; at; at = at->next)
        stream_stop(at);
    if (streams->live_count == 0 && streams->config.on_drained)
        streams->config.on_drained(streams->config.user);
}

// ---- DebugDump

static const char *streams_sample_name(enum garden_sample_format sample)
{
    switch (sample) {
    case GARDEN_SAMPLE_F32_LE:
        return "F32Le";
    case GARDEN_SAMPLE_S16_LE:
        return "S16Le";
    case GARDEN_SAMPLE_S24_LE:
        return "S24Le";
    case GARDEN_SAMPLE_S32_LE:
        return "S32Le";
    }
    return "unknown";
}

static const char *streams_state_name(enum stream_state state)
{
    switch (state) {
    case STREAM_STARTING:
        return "starting";
    case STREAM_RUNNING:
        return "recording";
    case STREAM_STOPPING:
        return "stopping";
    case STREAM_ENDED:
        return "stopped";
    }
    return "unknown";
}

static struct garden_value streams_text_value(const char *text)
{
    return garden_value_text(garden_text_of(text));
}

// How long its callback took since the daemon's start.
static int streams_dump_times(const struct flow *flow, struct garden_arena *arena,
                              struct garden_value *out)
{
    const struct spread_figures times = flow_times(flow), own = flow_own_times(flow);
    const struct garden_entry all[] = {
        garden_entry_of("count", garden_value_uint(times.count)),
        garden_entry_of("p50_ns", garden_value_uint(times.p50_ns)),
        garden_entry_of("p99_ns", garden_value_uint(times.p99_ns)),
        garden_entry_of("p999_ns", garden_value_uint(times.p999_ns)),
        garden_entry_of("max_ns", garden_value_uint(times.max_ns)),
        garden_entry_of("own_p50_ns", garden_value_uint(own.p50_ns)),
        garden_entry_of("own_p99_ns", garden_value_uint(own.p99_ns)),
        garden_entry_of("own_p999_ns", garden_value_uint(own.p999_ns)),
        garden_entry_of("own_max_ns", garden_value_uint(own.max_ns)),
    };
    enum { COUNT = sizeof all / sizeof *all };
    struct garden_entry *entries = garden_arena_alloc(arena, COUNT, sizeof *entries);
    if (!entries) return arena->error;
    memcpy(entries, all, sizeof all);
    *out = garden_value_map(entries, COUNT);
    return GARDEN_OK;
}

static int streams_dump_source(const struct flow *flow, struct garden_arena *arena,
                               struct garden_value *out)
{
    enum { ENTRIES_MAX = 7 };
    const struct source_info *info = flow_info(flow);
    struct garden_value times;
    const int result = streams_dump_times(flow, arena, &times);
    if (result < 0) return result;
    const bool audio = info->kind == GARDEN_STREAM_AUDIO;
    size_t count = 0;
    struct garden_entry *entries = garden_arena_alloc(arena, ENTRIES_MAX, sizeof *entries);
    if (!entries) return arena->error;
    entries[count++] = garden_entry_of("name", streams_text_value(info->name));
    entries[count++] = garden_entry_of("kind", streams_text_value(audio ? "audio" : "midi"));
    if (audio) {
        const char *sample = streams_sample_name(info->sample);
        entries[count++] = garden_entry_of("sample_rate", garden_value_uint(info->rate));
        entries[count++] = garden_entry_of("channels", garden_value_uint(info->channels));
        entries[count++] = garden_entry_of("sample_format", streams_text_value(sample));
    }
    entries[count++] =
        garden_entry_of("frames", info->frames == SOURCE_ENDLESS ? garden_value_null()
                                                                 : garden_value_uint(info->frames));
    entries[count++] = garden_entry_of("callback", times);
    *out = garden_value_map(entries, count);
    return GARDEN_OK;
}

static int streams_dump_stream(const struct stream *stream, struct garden_arena *arena,
                               struct garden_value *out)
{
    enum { ENTRIES = 3 };
    struct garden_value totals;
    struct garden_entry *entries = garden_arena_alloc(arena, ENTRIES, sizeof *entries);
    if (!entries) return arena->error;
    const int result = garden_capture_totals_value(&stream->totals, arena, &totals);
    if (result < 0) return result;
    entries[0] = garden_entry_of("uri", streams_text_value(stream->uri));
    entries[1] = garden_entry_of("state", streams_text_value(streams_state_name(stream->state)));
    entries[2] = garden_entry_of("totals", totals);
    *out = garden_value_map(entries, ENTRIES);
    return GARDEN_OK;
}

void streams_set_ring(struct streams *streams, uint32_t ring_ms)
{
    streams->config.ring_ms = ring_ms;
}

void streams_each(const struct streams *streams,
                  void (*each)(void *context, const char *uri,
                               const struct garden_capture_totals *totals),
                  void *context)
{
    for (const struct stream *stream = streams->first; stream; stream = stream->next)
        each(context, stream->uri, &stream->totals);
}

int streams_dump(const struct streams *streams, struct garden_arena *arena,
                 struct garden_value *sources, struct garden_value *list)
{
    const struct streams_config *config = &streams->config;
    size_t count = 0, at = 0;
    for (const struct stream *stream = streams->first; stream; stream = stream->next)
        count++;
    struct garden_value *items =
        garden_arena_alloc(arena, config->flow_count + count, sizeof *items);
    if (!items) return arena->error;
    for (size_t i = 0; i < config->flow_count; i++) {
        const int result = streams_dump_source(config->flows[i], arena, &items[at++]);
        if (result < 0) return result;
    }
    for (const struct stream *stream = streams->first; stream; stream = stream->next) {
        const int result = streams_dump_stream(stream, arena, &items[at++]);
        if (result < 0) return result;
    }
    *sources = garden_value_list(items, config->flow_count);
    *list = garden_value_list(items + config->flow_count, count);
    return GARDEN_OK;
}

// ---- Snapshots

static const char *streams_keep(struct garden_arena *arena, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = garden_arena_alloc(arena, size, 1);
    if (copy) memcpy(copy, text, size);
    return copy;
}

int streams_snapshot(struct streams *streams, struct garden_arena *arena,
                     const struct snapshot_stream **out, size_t *count)
{
    size_t found = 0;
    for (const struct stream *stream = streams->first; stream; stream = stream->next)
        found++;
    struct snapshot_stream *list = garden_arena_alloc(arena, found, sizeof *list);
    if (!list) return arena->error;
    *out = list;
    for (struct stream *stream = streams->first; stream; stream = stream->next) {
        struct snapshot_stream *at = &list[*count];
        *at = (struct snapshot_stream){
            .uri = streams_keep(arena, stream->uri),
            .source = streams_keep(arena, flow_info(stream->flow)->name),
            .state = streams_state_name(stream->state),
            .format = stream->format,
            .sample_format = streams_sample_name(stream->format.sample),
            .chunk_size = stream->chunk_size,
            .totals = stream->totals,
        };
        if (!at->uri || !at->source) return arena->error;
        stream_log_snapshot(&stream->log, at);
        (*count)++;
    }
    return GARDEN_OK;
}

void streams_release(const struct snapshot_stream *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        stream_log_release(&list[i]);
}
