#include "streams.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../core/error.h"
#include "../stream.h"
#include "../tools/capturer.h"
#include "../tools/definition.h"
#include "../tools/state.h"
#include "resources.h"
#include "tools.h"

enum {
    STREAMS_PATIENCE_MS = 30000, // a daemon that is dead for so long is given up
    STREAMS_KEPT_MAX = 64,       // that have ended, and can still be asked about
    STREAMS_WAITING_MAX = 16,
    STREAMS_DEFINITION_MAX = 8192,
};

// What a call waits for.
enum stream_wish { STREAM_BEGUN, STREAM_ENDED };
struct stream_waiting {
    struct mcp_call *call;
    enum stream_wish wish;
};
struct stream {
    struct streams *streams;
    struct stream *next;
    struct capturer capturer;
    struct garden_store *store;
    char uri[GARDEN_URI_MAX], device[TOOL_DEVICE_SIZE];
    struct stream_waiting waiting[STREAMS_WAITING_MAX];
    size_t waiting_count;
    uint64_t frames; // of the source, or those that are wished for; 0: unknown
    bool started, over, closing;
    bool stop_when_alone; // it was begun by a call that waits for its end
    char complaint[256];  // what was said last
    // As it ended.
    char hash[GARDEN_HASH_TEXT_SIZE]; // empty: without a manifest
    bool complete;
    uint64_t chunks, samples, bytes, lost;
};
struct streams {
    struct mcp *mcp;
    const char *store;
    struct stream *first;
    size_t over; // of those in the list
};

// ---- The list

struct stream *streams_find(const struct streams *streams, const char *uri)
{
    struct stream *stream = streams->first;
    while (stream && strcmp(stream->uri, uri) != 0)
        stream = stream->next;
    return stream;
}

struct stream *streams_next(const struct streams *streams, const struct stream *after)
{
    return after ? after->next : streams->first;
}

const char *stream_uri(const struct stream *stream)
{
    return stream->uri;
}

const char *streams_store(const struct streams *streams)
{
    return streams->store;
}

size_t streams_active(const struct streams *streams)
{
    size_t count = 0;
    for (const struct stream *stream = streams->first; stream; stream = stream->next)
        count += !stream->over;
    return count;
}

static void stream_free(struct stream *stream)
{
    if (stream->capturer.recording) garden_recording_close(stream->capturer.recording);
    if (stream->store) garden_store_close(stream->store);
    free(stream);
}

static void stream_closed(uv_handle_t *handle)
{
    struct capturer *capturer = handle->data;
    stream_free(capturer->user);
}

// Out of the list, and gone once nothing of it is under way.
static void stream_drop(struct stream *stream)
{
    struct stream **at = &stream->streams->first;
    while (*at != stream)
        at = &(*at)->next;
    *at = stream->next;
    if (stream->over) stream->streams->over--;
    if (stream->started)
        capturer_close(&stream->capturer, stream_closed);
    else
        stream_free(stream);
}

// Forgets the oldest that are over, but those of which a request is still under way.
static void streams_trim(struct streams *streams)
{
    struct stream *oldest = NULL;
    if (streams->over <= STREAMS_KEPT_MAX) return;
    for (struct stream *stream = streams->first; stream; stream = stream->next)
        if (stream->over && stream->capturer.asking == 0) oldest = stream; // new ones come first
    if (oldest) stream_drop(oldest);
}

// ---- What is told of one

static const char *stream_status(const struct stream *stream)
{
    static const char *const names[] = {
        [GARDEN_RECORDING_STARTING] = "starting", [GARDEN_RECORDING_RUNNING] = "recording",
        [GARDEN_RECORDING_STOPPING] = "stopping", [GARDEN_RECORDING_FINISHING] = "sealing",
        [GARDEN_RECORDING_DONE] = "stopped",      [GARDEN_RECORDING_REFUSED] = "refused",
    };
    if (stream->over) return stream->hash[0] ? "stopped" : "left";
    return names[garden_recording_state(stream->capturer.recording)];
}

json_t *stream_json(const struct stream *stream)
{
    const struct capturer *capturer = &stream->capturer;
    const struct garden_manifest *manifest =
        capturer->recording ? garden_recording_manifest(capturer->recording) : NULL;
    const bool over = stream->over;
    const uint64_t frame = garden_frame_size(&capturer->format);
    const uint64_t sealed = manifest ? manifest->chunk_count : stream->chunks;
    const uint64_t samples = over ? stream->samples : capturer->totals.captured;
    const uint64_t lost = over ? stream->lost : capturer->totals.overrun;
    json_t *out = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "uri", stream->uri, "status",
                            stream_status(stream), "chunk_count", (json_int_t)sealed,
                            "total_samples", (json_int_t)samples, "total_bytes",
                            (json_int_t)(samples * frame), "lost_samples", (json_int_t)lost);
    if (out && stream->hash[0]) {
        (void)json_object_set_new(out, "manifest_hash", json_string(stream->hash));
        (void)json_object_set_new(out, "complete", json_boolean(stream->complete));
    }
    if (out && capturer->path[0] && !over)
        (void)json_object_set_new(out, "chunk_path", json_string(capturer->path));
    if (out && stream->complaint[0])
        (void)json_object_set_new(out, "trouble", json_string(stream->complaint));
    return out;
}

// Tells those who subscribed to it.
static void stream_updated(const struct stream *stream)
{
    char uri[3 * GARDEN_URI_MAX + 32];
    resource_stream_uri(stream->uri, uri, sizeof uri);
    mcp_updated(stream->streams->mcp, uri);
}

// ---- Its life

static void stream_answer(struct stream *stream, const struct stream_waiting *waiting)
{
    char uri[128];
    struct mcp_call *call = waiting->call;
    const bool left = stream->over && !stream->hash[0];
    call->cancel = NULL;
    if (left) {
        tool_failed(call, "%s could not be captured: %s", stream->uri,
                    stream->complaint[0] ? stream->complaint : "it ended before it began");
    } else if (stream->over) {
        (void)snprintf(uri, sizeof uri, "garden://manifest/%s", stream->hash);
        tool_done_with(call, stream_json(stream), uri, "manifest", "application/json");
    } else {
        tool_done(call, stream_json(stream));
    }
}

// Answers the calls whose wish has come true; at the end, all.
static void stream_answer_all(struct stream *stream)
{
    size_t kept = 0;
    const bool begun = !stream->over && garden_recording_state(stream->capturer.recording) ==
                                            GARDEN_RECORDING_RUNNING;
    for (size_t i = 0; i < stream->waiting_count; i++) {
        const struct stream_waiting waiting = stream->waiting[i];
        if (stream->over || (begun && waiting.wish == STREAM_BEGUN))
            stream_answer(stream, &waiting);
        else
            stream->waiting[kept++] = waiting;
    }
    stream->waiting_count = kept;
}

// Takes what there is to know of the manifest, and lets go of the store.
static void stream_end(struct stream *stream)
{
    struct garden_recording *recording = stream->capturer.recording;
    if (garden_recording_state(recording) == GARDEN_RECORDING_DONE) {
        const struct garden_hash hash = garden_recording_manifest_hash(recording);
        const struct garden_manifest *manifest = garden_recording_manifest(recording);
        garden_hash_text(&hash, stream->hash);
        stream->complete = manifest->complete && !stream->capturer.broken;
        stream->chunks = manifest->chunk_count;
        stream->samples = manifest->total_samples;
        stream->lost = manifest->total_gaps;
        mcp_list_changed(stream->streams->mcp);
    }
    garden_recording_close(recording);
    stream->capturer.recording = NULL;
    garden_store_close(stream->store);
    stream->store = NULL;
    stream->over = true;
    stream->streams->over++;
    stream_answer_all(stream);
    stream_updated(stream);
}

static void stream_moved(void *user, bool head)
{
    struct stream *stream = user;
    const struct capturer *capturer = &stream->capturer;
    if (stream->over || stream->closing) return;
    if (capturer->finished) {
        stream_end(stream);
        return;
    }
    stream_answer_all(stream);
    if (!head) return;
    for (size_t i = 0; i < stream->waiting_count; i++)
        call_progress(stream->waiting[i].call, (double)capturer->totals.offered,
                      (double)stream->frames, "frames captured");
    stream_updated(stream);
}

static void stream_say(void *user, const char *text)
{
    struct stream *stream = user;
    char line[GARDEN_URI_MAX + 256];
    (void)snprintf(stream->complaint, sizeof stream->complaint, "%s", text);
    rpc_clean(stream->complaint);
    (void)snprintf(line, sizeof line, "%s: %.250s", stream->uri, stream->complaint);
    if (!stream->closing) mcp_log(stream->streams->mcp, "warning", line);
}

static void stream_left(void *user)
{
    const struct stream *stream = user;
    char text[256];
    const char *store = stream->streams->store;
    if (access(store, F_OK) != 0 && errno == ENOENT)
        (void)snprintf(text, sizeof text, "the store %.150s is gone, and what was captured with it",
                       store);
    else
        (void)snprintf(text, sizeof text,
                       "it is left unfinished; once the store can be written to: gardenctl capture "
                       "--recover --store %.120s",
                       store);
    stream_say(user, text);
}

// The call does not want it any more. One that was to capture all of it stops that, and seals what there is.
static void stream_cancelled(struct mcp_call *call)
{
    struct stream *stream = call->user;
    size_t kept = 0;
    for (size_t i = 0; i < stream->waiting_count; i++)
        if (stream->waiting[i].call != call) stream->waiting[kept++] = stream->waiting[i];
    stream->waiting_count = kept;
    call->cancel = NULL;
    tool_failed(call, "cancelled"); // nobody hears it
    if (!stream->stop_when_alone || kept > 0 || stream->over) return;
    capturer_stop(&stream->capturer);
    capturer_pump(&stream->capturer);
}

// False, after ending the call: too many wait already.
static bool stream_await(struct stream *stream, struct mcp_call *call, enum stream_wish wish)
{
    if (stream->waiting_count == STREAMS_WAITING_MAX) {
        tool_failed(call, "Too many calls wait for %s already.", stream->uri);
        return false;
    }
    call->user = stream;
    call->cancel = stream_cancelled;
    stream->waiting[stream->waiting_count++] = (struct stream_waiting){call, wish};
    return true;
}

// ---- Beginning

// What a call to capture waits for: the daemon's state, which tells the source.
struct streams_asked {
    struct streams *streams;
    struct mcp_call *call;
    bool whole; // the call is answered at the end
};

// "f32", "s16" and "i16", ... as the reference has them. False: the source's own.
static bool stream_sample(const json_t *format, enum garden_sample_format *out)
{
    const char *name = json_string_value(json_object_get(format, "sample_format"));
    if (!name) return false;
    switch (name[1]) {
    case '1':
        *out = GARDEN_SAMPLE_S16_LE;
        break;
    case '2':
        *out = GARDEN_SAMPLE_S24_LE;
        break;
    default:
        *out = name[0] == 'f' ? GARDEN_SAMPLE_F32_LE : GARDEN_SAMPLE_S32_LE;
        break;
    }
    return true;
}

// The format that is wished for, over that of the source. The daemon judges what it can do.
static void stream_shape(struct garden_stream_format *format, const json_t *wished)
{
    const char *type = json_string_value(json_object_get(wished, "type"));
    const json_t *rate = json_object_get(wished, "sample_rate");
    const json_t *channels = json_object_get(wished, "channels");
    if (!type) return;
    format->kind = strcmp(type, "midi") == 0 ? GARDEN_STREAM_MIDI : GARDEN_STREAM_AUDIO;
    if (rate) format->sample_rate = (uint32_t)json_integer_value(rate);
    if (channels) format->channels = (uint16_t)json_integer_value(channels);
    (void)stream_sample(wished, &format->sample); // else as the source has it
}

static int stream_open_recording(struct stream *stream, struct garden_error *error)
{
    struct capturer *capturer = &stream->capturer;
    const struct garden_store_config store = {.root = stream->streams->store};
    struct garden_buffer definition;
    int result = capturer_check_store(store.root, error);
    if (result == GARDEN_OK) result = garden_store_open(&store, &stream->store, error);
    if (result < 0) return result;
    garden_buffer_init(&definition, NULL, STREAMS_DEFINITION_MAX);
    result = tool_definition_print(stream->uri, stream->device, &capturer->format,
                                   capturer->chunk_bytes, &definition);
    if (result < 0) {
        (void)garden__fail(error, result, "%s", garden_err_text(result));
    } else {
        const struct garden_recording_config config = {
            .uri = stream->uri,
            .format = capturer->format,
            .chunk_size = capturer->chunk_bytes,
            .definition = garden_buffer_bytes(&definition),
            .frames_max = capturer_frames_max(capturer),
        };
        result = garden_recording_open(stream->store, &config, capturer_now(), &capturer->recording,
                                       error);
    }
    garden_buffer_fini(&definition);
    return result;
}

static struct stream *stream_make(struct streams *streams, json_t *arguments,
                                  const struct state_source *source, struct garden_error *error)
{
    struct stream *stream = calloc(1, sizeof *stream);
    const json_t *chunk = json_object_get(arguments, "chunk_size_bytes");
    const json_t *seconds = json_object_get(arguments, "seconds");
    if (!stream) {
        (void)garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a stream");
        return NULL;
    }
    stream->streams = streams;
    (void)snprintf(stream->uri, sizeof stream->uri, "%s",
                   json_string_value(json_object_get(arguments, "uri"))); // its size was checked
    (void)snprintf(stream->device, sizeof stream->device, "%s",
                   json_string_value(json_object_get(arguments, "device_identity")));
    struct capturer *capturer = &stream->capturer;
    capturer->format = source->format;
    stream_shape(&capturer->format, json_object_get(arguments, "format"));
    capturer->loop = streams->mcp->loop;
    capturer->client = link_client(streams->mcp->link);
    capturer->uri = stream->uri;
    capturer->device = stream->device;
    capturer->chunk_bytes =
        chunk ? (uint64_t)json_integer_value(chunk) : tool_chunk_size(&capturer->format);
    capturer->span_ns = (uint64_t)(json_number_value(seconds) * 1e9 + 0.5); // 0 of none
    capturer->patience_ms = STREAMS_PATIENCE_MS;
    capturer->say = stream_say;
    capturer->moved = stream_moved;
    capturer->left = stream_left;
    capturer->user = stream;
    stream->frames = seconds ? capturer_frames_max(capturer) : source->frames;
    if (capturer->span_ns > 0 && capturer->format.sample_rate > 0 && stream->frames == 0)
        (void)garden__fail(error, GARDEN_ERR_RANGE, "seconds: that is less than a frame");
    else if (capturer_seed(capturer) < 0)
        (void)garden__fail(error, GARDEN_ERR_SYSTEM, "the system gives no random octets");
    else if (stream_open_recording(stream, error) == GARDEN_OK)
        return stream;
    stream_free(stream);
    return NULL;
}

static void streams_begin(struct streams *streams, struct mcp_call *call, bool whole,
                          const struct state_source *source)
{
    struct garden_error error = {.text = ""};
    json_t *arguments = json_object_get(call->params, "arguments");
    struct stream *old =
        streams_find(streams, json_string_value(json_object_get(arguments, "uri")));
    if (!call->exchange) { // cancelled meanwhile
        tool_failed(call, "cancelled");
        return;
    }
    if (old && (!old->over || old->capturer.asking > 0)) {
        tool_failed(call, "%s is being captured already: stream_status tells how far it is",
                    old->uri);
        return;
    }
    struct stream *stream = stream_make(streams, arguments, source, &error);
    if (!stream) {
        tool_failed(call, "%s", error.text);
        return;
    }
    if (old) stream_drop(old);
    stream->next = streams->first;
    streams->first = stream;
    stream->stop_when_alone = whole;
    (void)stream_await(stream, call, whole ? STREAM_ENDED : STREAM_BEGUN); // it is the first
    stream->started = true;
    capturer_start(&stream->capturer);
    mcp_list_changed(streams->mcp);
    streams_trim(streams);
}

static void streams_told(void *user, const struct garden_message *reply, const char *why)
{
    struct streams_asked asked = *(struct streams_asked *)user;
    struct state_source source;
    free(user);
    const char *device = json_string_value(
        json_object_get(json_object_get(asked.call->params, "arguments"), "device_identity"));
    if (!reply)
        tool_failed(asked.call, "%s", why);
    else if (reply->family != GARDEN_CONTROL_REPLY ||
             reply->control_reply.kind != GARDEN_CONTROL_REPLY_DEBUG_DUMP)
        tool_failed(asked.call, "The daemon answered with %s.", garden_message_name(reply));
    else if (!state_find_source(&reply->control_reply.debug_dump.state, device, &source))
        tool_failed(asked.call, "The daemon has no source '%.100s': daemon_status lists them.",
                    device);
    else if (!source.usable)
        tool_failed(asked.call, "The daemon's source '%.100s' cannot be captured.", device);
    else
        streams_begin(asked.streams, asked.call, asked.whole, &source);
}

// Adds what is left out, as gardenctl does: the source "default", and its main stream.
static json_t *streams_defaults(struct mcp_call *call)
{
    json_t *arguments = json_object_get(call->params, "arguments");
    if (!arguments && json_object_set_new(call->params, "arguments", json_object()) == 0)
        arguments = json_object_get(call->params, "arguments");
    if (!json_object_get(arguments, "device_identity"))
        (void)json_object_set_new(arguments, "device_identity", json_string("default"));
    if (!json_object_get(arguments, "uri"))
        (void)json_object_set_new(
            arguments, "uri",
            json_sprintf("stream://%s/main",
                         json_string_value(json_object_get(arguments, "device_identity"))));
    return arguments;
}

static void streams_ask(struct mcp_call *call, bool whole)
{
    static const char dump[] = "\"DebugDump\"";
    struct streams *streams = call->mcp->streams;
    struct garden_message request;
    const json_t *arguments = streams_defaults(call); // none: no memory, so no texts either
    const char *uri = json_string_value(json_object_get(arguments, "uri"));
    const char *wrong = uri ? garden_stream_uri_wrong(garden_text_of(uri)) : "could not be made";
    const size_t device = json_string_length(json_object_get(arguments, "device_identity"));
    if (device == 0 || device >= TOOL_DEVICE_SIZE) {
        tool_failed(call, "device_identity: expected a text of 1 to %d octets",
                    TOOL_DEVICE_SIZE - 1);
        return;
    }
    if (wrong) {
        tool_failed(call, "uri: it %s", wrong);
        return;
    }
    struct streams_asked *asked = streams ? malloc(sizeof *asked) : NULL;
    if (!asked || garden_content_decode(&request, GARDEN_CONTROL_REQUEST, zmtp_bytes_text(dump),
                                        NULL, NULL) < 0) {
        free(asked);
        tool_failed(call, streams ? "There is no memory for the request." : "There is no store.");
        return;
    }
    *asked = (struct streams_asked){streams, call, whole};
    link_ask(call->mcp->link, &request, &(struct link_answer){streams_told, asked}, NULL);
}

void streams_create(struct mcp_call *call, json_t *arguments)
{
    (void)arguments; // they are in the call's params, with the defaults
    streams_ask(call, false);
}

void streams_capture(struct mcp_call *call, json_t *arguments)
{
    (void)arguments;
    streams_ask(call, true);
}

// ---- Ending

void streams_end(struct mcp_call *call, json_t *arguments)
{
    const char *uri = json_string_value(json_object_get(arguments, "uri"));
    struct stream *stream = call->mcp->streams ? streams_find(call->mcp->streams, uri) : NULL;
    if (!stream) {
        tool_failed(call,
                    "This server captures no stream '%.200s'. One that another client captures is "
                    "that client's to stop.",
                    uri);
        return;
    }
    if (stream->over) {
        stream_answer(stream, &(struct stream_waiting){call, STREAM_ENDED});
        return;
    }
    if (!stream_await(stream, call, STREAM_ENDED)) return;
    capturer_stop(&stream->capturer);
    capturer_pump(&stream->capturer);
}

void streams_stop(struct streams *streams)
{
    struct stream *next;
    for (struct stream *stream = streams->first; stream; stream = next) {
        next = stream->next;
        if (stream->over) continue;
        capturer_stop(&stream->capturer);
        capturer_pump(&stream->capturer);
    }
}

// ---- What the daemon does

void streams_on_event(struct streams *streams, const struct garden_message *event)
{
    struct stream *next;
    for (struct stream *stream = streams->first; stream; stream = next) {
        next = stream->next;
        capturer_on_event(&stream->capturer, event);
    }
}

void streams_on_alive(struct streams *streams, bool alive)
{
    for (struct stream *stream = streams->first; stream; stream = stream->next) {
        stream->capturer.client = link_client(streams->mcp->link);
        capturer_on_state(&stream->capturer, alive ? GARDEN_CLIENT_ALIVE : GARDEN_CLIENT_DEAD);
    }
}

void streams_on_lane(struct streams *streams, enum garden_lane lane, bool up)
{
    for (struct stream *stream = streams->first; stream; stream = stream->next) {
        stream->capturer.client = link_client(streams->mcp->link);
        capturer_on_lane(&stream->capturer, lane, up);
    }
}

// ---- All of them

int streams_open(struct streams **out, struct mcp *mcp, const char *store,
                 struct garden_error *error)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for streams");
    **out = (struct streams){.mcp = mcp, .store = store};
    return GARDEN_OK;
}

void streams_close(struct streams *streams)
{
    if (!streams) return;
    while (streams->first) {
        streams->first->closing = true;
        stream_drop(streams->first);
    }
    free(streams);
}
