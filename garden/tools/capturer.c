#include "capturer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../core/error.h"
#include "../stream.h"
#include "duration.h"
#include "state.h"

enum {
    // Below the recording's patience of a second: it asks again then, under the same id, and a request that
    // counts as under way would not be sent.
    CAPTURER_REQUEST_TIMEOUT_MS = 900,
    // A daemon that is dead is waited for no longer when the capturer is to stop anyway.
    CAPTURER_DEAD_STOP_MS = 2000,
    // Positions come ten times a second, as a rule. Where none come, the daemon is asked whether it still has the stream:
    // somebody else may have ended it, of which no event tells.
    CAPTURER_SILENT_MS = 2000,
    CAPTURER_TICK_MS = 500,      // how often it looks whether that time is over
    CAPTURER_FAILING_MS = 10000, // and so is a store that fails, without a daemon to wait for
    CAPTURER_AWAY_MS = 2000,     // one that was moved away may be moved back
    // Less than the recording waits before it asks again.
    CAPTURER_ELSEWHERE_MS = 500,
};

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
capturer_say(struct capturer *capturer, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    capturer->say(capturer->user, text);
}

struct garden_instant capturer_now(void)
{
    struct timespec wall = {0};
    (void)clock_gettime(CLOCK_REALTIME, &wall); // cannot fail for this clock
    return (struct garden_instant){.mono_ms = (int64_t)(uv_hrtime() / 1000000),
                                   .wall_ns = (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec};
}

int capturer_check_store(const char *root, struct garden_error *error)
{
    char path[GARDEN_PATH_MAX];
    struct stat status;
    const int filled = snprintf(path, sizeof path, "%s/staging", root);
    if (filled < 0 || (size_t)filled >= sizeof path) return GARDEN_OK; // the store says that
    if (stat(path, &status) == 0 || errno != ENOENT) return GARDEN_OK;
    (void)snprintf(path, sizeof path, "%s/objects", root);
    if (stat(path, &status) == 0)
        return GARDEN_OK; // a store whose staging folder somebody removed: it is made again
    (void)snprintf(path, sizeof path, "%s/staging", root);
    return garden__fail(
        error, GARDEN_ERR_NOT_FOUND,
        "%.200s is not there, so no daemon captures into the store %.200s: name that of "
        "gardend's --staging, or make the folder and give it to gardend",
        path, root);
}

// ---- Requests of the recording

// One request under way.
struct capturer_asked {
    struct capturer *capturer;
    uint64_t token;
};

// The same token gives the same id, so that a request that is sent again is executed once.
static struct garden_uuid capturer_msg_id(const struct capturer *capturer, uint64_t token)
{
    uint8_t octets[16 + sizeof token];
    memcpy(octets, capturer->seed.octets, 16);
    memcpy(octets + 16, &token, sizeof token);
    const struct garden_hash hash = garden_hash_of(zmtp_bytes_of(octets, sizeof octets));
    return garden_uuid_v4(hash.octets);
}

// Tells what the daemon said, unless that was told.
static void capturer_complain(struct capturer *capturer, const char *how, struct garden_text text)
{
    if (!complaints_is_new(&capturer->complaints, text)) return;
    capturer_say(capturer, "the daemon %s: %.*s", how, (int)text.size, text.data);
}

// What an Ok tells beside success.
static void capturer_read_ok(struct capturer *capturer, uint64_t token,
                             const struct garden_value *result)
{
    struct garden_chunk_report report;
    struct garden_capture_totals totals;
    const struct garden_value *untold = garden_value_find(result, "untold");
    const size_t count = untold && untold->type == GARDEN_LIST ? untold->list.count : 0;
    for (size_t i = 0; i < count; i++)
        if (garden_chunk_report_read(&untold->list.items[i], &report) == GARDEN_OK)
            garden_recording_chunk_full(capturer->recording, capturer_now(), &report);
    const bool has_report =
        garden_chunk_report_read(garden_value_find(result, "full"), &report) == GARDEN_OK ||
        garden_chunk_report_read(garden_value_find(result, "last"), &report) == GARDEN_OK;
    const bool has_totals =
        garden_capture_totals_read(garden_value_find(result, "totals"), &totals) == GARDEN_OK;
    if (has_totals) capturer->totals = totals;
    garden_recording_reply(capturer->recording, capturer_now(), token, GARDEN_OK,
                           has_report ? &report : NULL, has_totals ? &totals : NULL);
}

static bool capturer_is_elsewhere(struct capturer *capturer);

static void capturer_answered(struct garden_client *client, int result,
                              const struct garden_message *reply, void *user)
{
    (void)client;
    struct capturer_asked *asked = user;
    struct capturer *capturer = asked->capturer;
    const uint64_t token = asked->token;
    free(asked);
    capturer->asking--;
    if (result < 0 || capturer->finished) return; // the recording asks again by itself
    if (reply->family == GARDEN_SHELL_REPLY && reply->shell_reply.kind == GARDEN_REPLY_OK) {
        capturer_read_ok(capturer, token, &reply->shell_reply.ok.result);
    } else if (reply->family == GARDEN_SHELL_REPLY &&
               reply->shell_reply.kind == GARDEN_REPLY_ERROR) {
        capturer_complain(capturer, "refused", reply->shell_reply.error.error);
        capturer->refusal = garden_code_read(&reply->metadata);
        if (capturer->refusal == GARDEN_ERR_NOT_FOUND && capturer_is_elsewhere(capturer)) return;
        garden_recording_reply(capturer->recording, capturer_now(), token, capturer->refusal, NULL,
                               NULL);
    } else {
        garden_recording_reply(capturer->recording, capturer_now(), token, GARDEN_ERR_FORMAT, NULL,
                               NULL);
    }
    capturer_pump(capturer);
}

static void capturer_ask(struct capturer *capturer, const struct garden_recording_request *request)
{
    struct garden_shell_request shell = {0};
    const struct garden_text uri = garden_text_of(capturer->uri);
    switch (request->kind) {
    case GARDEN_REQUEST_NONE:
        return;
    case GARDEN_REQUEST_START:
        shell.kind = GARDEN_SHELL_STREAM_START;
        shell.stream_start.uri = uri;
        shell.stream_start.chunk_path = garden_text_of(request->path);
        (void)snprintf(capturer->path, sizeof capturer->path, "%s", request->path); // it fits
        garden_stream_definition_of(&capturer->format, capturer->chunk_bytes,
                                    garden_text_of(capturer->device),
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
    struct capturer_asked *asked = capturer->client ? malloc(sizeof *asked) : NULL;
    if (!asked) return; // asked again later
    *asked = (struct capturer_asked){capturer, request->token};
    const struct garden_uuid msg_id = capturer_msg_id(capturer, request->token);
    const struct garden_answer answer = {capturer_answered, asked, CAPTURER_REQUEST_TIMEOUT_MS,
                                         &msg_id};
    const int result = garden_client_shell(capturer->client, &shell, &answer);
    if (result == GARDEN_OK) {
        capturer->asking++;
        return;
    }
    free(asked);
    // It is still under way, and its answer will do; or it is asked again later.
    if (result == GARDEN_ERR_EXISTS || result == GARDEN_ERR_MEMORY) return;
    // A path that is no text: no later time is better, so that is the answer.
    const char *why = result == GARDEN_ERR_FORMAT
                          ? "the store's path is no UTF-8 text, as the protocol wants it: give it "
                            "another name"
                          : garden_err_text(result);
    capturer_complain(capturer, "cannot be asked", garden_text_of(why));
    garden_recording_reply(capturer->recording, capturer_now(), request->token, result, NULL, NULL);
}

// ---- The recording's life

static void capturer_tick(uv_timer_t *timer);

void capturer_stop(struct capturer *capturer)
{
    if (capturer->stopping) return;
    capturer->stopping = true;
    garden_recording_stop(capturer->recording, capturer_now());
}

static void capturer_ask_all(struct capturer *capturer)
{
    struct garden_recording_request request;
    while (garden_recording_request(capturer->recording, capturer_now(), &request))
        capturer_ask(capturer, &request);
}

static void capturer_work(struct capturer *capturer)
{
    struct garden_error error = {0};
    int steps;
    while ((steps = garden_recording_work(capturer->recording, capturer_now(), &error)) > 0)
        capturer_ask_all(capturer);
    if (steps == 0) {
        if (!garden_recording_failing(capturer->recording)) capturer->failing_ms = 0;
        return;
    }
    if (capturer->failing_ms == 0) capturer->failing_ms = capturer_now().mono_ms;
    // It is tried again after a pause; told once.
    if (complaints_is_new(&capturer->complaints, garden_text_of(error.text)))
        capturer_say(capturer, "%s", error.text);
    capturer->error = error;
}

void capturer_leave(struct capturer *capturer)
{
    capturer->finished = true;
    capturer->left(capturer->user);
    capturer->moved(capturer->user, false);
}

// To whoever resumes it, as was said.
static void capturer_leave_to_resume(struct capturer *capturer)
{
    capturer->finished = true;
    capturer->moved(capturer->user, false);
}

// Whether a daemon that has not this stream is not its own: then it is not over, and who seals it now would lose what
// is still to come. It may as well be a start that a client asked for which was killed then, and which the daemon came
// to behind its answer: so it is asked once more, after a while.
static bool capturer_is_elsewhere(struct capturer *capturer)
{
    struct garden_error error;
    if (garden_recording_idle(capturer->recording, &error) == GARDEN_OK) {
        capturer->elsewhere_ms = 0;
        return false;
    }
    const int64_t now_ms = capturer_now().mono_ms;
    if (capturer->elsewhere_ms == 0) capturer->elsewhere_ms = now_ms;
    if (now_ms - capturer->elsewhere_ms < CAPTURER_ELSEWHERE_MS) return true;
    capturer_say(capturer,
                 "this daemon has no such stream, but another has: %s; gardenctl capture --resume "
                 "goes on there, as --run-dir or --connection names it",
                 error.text);
    capturer_leave_to_resume(capturer);
    return true;
}

// A store that somebody moved while it is captured into takes what its open files take, and not one chunk more: all that
// follows would be lost, and only counted. So that is the end of the recording, which is complete where the store is now.
static void capturer_look_for_store(struct capturer *capturer)
{
    const int64_t now_ms = capturer_now().mono_ms;
    if (capturer->stopping || now_ms - capturer->looked_ms < CAPTURER_TICK_MS) return;
    capturer->looked_ms = now_ms;
    if (garden_recording_in_place(capturer->recording)) {
        if (capturer->away_ms > 0) capturer_say(capturer, "the store is back: it goes on");
        capturer->away_ms = 0;
    } else if (capturer->away_ms == 0) {
        capturer_say(capturer,
                     "the store's staging folder was moved away or removed: no further chunk can "
                     "be begun; if it is not back within %d s, the capture ends",
                     CAPTURER_AWAY_MS / 1000);
        capturer->away_ms = now_ms;
    } else if (now_ms - capturer->away_ms > CAPTURER_AWAY_MS) {
        capturer_say(capturer,
                     "the store stays away: the capture ends, and what was captured is where the "
                     "store is now");
        capturer->broken = true;
        capturer_stop(capturer);
    }
}

void capturer_pump(struct capturer *capturer)
{
    if (capturer->finished) return;
    capturer_look_for_store(capturer);
    capturer_work(capturer);
    capturer_ask_all(capturer);
    if (garden_recording_state(capturer->recording) == GARDEN_RECORDING_REFUSED)
        capturer_work(capturer); // one that could not be asked: what was staged for it goes
    const enum garden_recording_state state = garden_recording_state(capturer->recording);
    capturer->finished = state == GARDEN_RECORDING_DONE || state == GARDEN_RECORDING_REFUSED;
    capturer->moved(capturer->user, false);
    if (capturer->finished) return;
    // The recording may wait for nothing but events, which a dead daemon never sends.
    int64_t wait = garden_recording_deadline_ms(capturer->recording) - capturer_now().mono_ms;
    if (wait > CAPTURER_TICK_MS) wait = CAPTURER_TICK_MS;
    (void)uv_timer_start(&capturer->timer, capturer_tick, wait > 0 ? (uint64_t)wait : 1, 0);
}

void capturer_abandon(struct capturer *capturer)
{
    capturer->stopping = true;
    garden_recording_abandon(capturer->recording, capturer_now());
}

static void capturer_look(struct capturer *capturer)
{
    const int64_t now_ms = capturer_now().mono_ms;
    if (capturer->stopping || capturer->dead_ms > 0 || capturer->asking > 0) return;
    if (now_ms - capturer->heard_ms < CAPTURER_SILENT_MS) return;
    capturer->heard_ms = now_ms;
    capturer_on_lane(capturer, GARDEN_LANE_CONTROL, true);
}

static void capturer_tick(uv_timer_t *timer)
{
    struct capturer *capturer = timer->data;
    if (capturer->finished) return; // it may have been set before the end came
    const int64_t now_ms = capturer_now().mono_ms;
    const int64_t patience_ms =
        capturer->stopping ? CAPTURER_DEAD_STOP_MS : (int64_t)capturer->patience_ms;
    if (capturer->dead_ms > 0 && now_ms - capturer->dead_ms > patience_ms) {
        struct garden_error error;
        // Else its recording would count as ended, and could not be taken up when the daemon comes round.
        if (!capturer->stopping && garden_recording_idle(capturer->recording, &error) < 0) {
            capturer_say(capturer,
                         "the daemon does not answer, but has not ended: %s; once it answers "
                         "again, gardenctl capture --resume goes on",
                         error.text);
            capturer->dead_ms = 0;
            capturer_leave_to_resume(capturer);
            return;
        }
        capturer_say(capturer, "the daemon stays away: sealing what it had written");
        capturer->dead_ms = 0;
        capturer->gone = true;
        capturer_abandon(capturer);
    }
    const enum garden_recording_state state = garden_recording_state(capturer->recording);
    const bool over = capturer->stopping || state >= GARDEN_RECORDING_FINISHING;
    if (over && capturer->failing_ms > 0 && now_ms - capturer->failing_ms > CAPTURER_FAILING_MS)
        capturer_leave(capturer);
    capturer_look(capturer);
    capturer_pump(capturer);
}

// ---- Events

uint64_t capturer_frames_max(const struct capturer *capturer)
{
    return duration_frames(capturer->span_ns, capturer->format.sample_rate);
}

static bool capturer_is_long_enough(const struct capturer *capturer)
{
    const uint64_t frames_max = capturer_frames_max(capturer);
    if (capturer->span_ns == 0) return false;
    // MIDI has no rate; and where nothing is written, as on a full disk, the head stands still.
    if (frames_max > 0 && !capturer->losing) return capturer->totals.offered >= frames_max;
    return uv_hrtime() - capturer->started_ns >= capturer->span_ns;
}

static void capturer_on_head(struct capturer *capturer, const struct garden_map *metadata)
{
    struct garden_capture_totals totals;
    struct garden_text path;
    bool ended = false;
    capturer->heard_ms = capturer_now().mono_ms;
    if (garden_capture_totals_read(garden_map_find(metadata, "totals"), &totals) == GARDEN_OK) {
        capturer->losing = capturer->losing && totals.offered == capturer->totals.offered;
        if (totals.captured != capturer->totals.captured)
            capturer->complaints.count = 0; // it goes on
        capturer->totals = totals;
    }
    if (garden_value_to_text(garden_map_find(metadata, "path"), &path) &&
        path.size < sizeof capturer->path) {
        memcpy(capturer->path, path.data, path.size);
        capturer->path[path.size] = 0;
        garden_recording_head(capturer->recording, capturer_now(), capturer->path);
    }
    (void)garden_value_to_bool(garden_map_find(metadata, "ended"), &ended); // absent: not ended
    capturer->moved(capturer->user, true);
    if (ended || capturer_is_long_enough(capturer)) capturer_stop(capturer);
}

// Where the daemon waits for chunks that nothing kept from being staged, they were staged too late; what does keep them
// was told.
static void capturer_on_error(struct capturer *capturer, const struct garden_message *message)
{
    capturer_complain(capturer, "reports", message->event.stream_error.error);
    if (garden_code_read(&message->metadata) != GARDEN_ERR_TIMEOUT) return;
    static const char advice[] = "larger chunks are staged less often, and a longer ring of the "
                                 "daemon (gardend --ring-ms) bears longer waits";
    if (!garden_recording_failing(capturer->recording) &&
        complaints_is_new(&capturer->complaints, garden_text_of(advice)))
        capturer_say(capturer, "%s", advice);
}

void capturer_on_event(struct capturer *capturer, const struct garden_message *message)
{
    const struct garden_event *event = &message->event;
    struct garden_chunk_report report;
    if (capturer->finished || !capturer->recording) return;
    if (event->kind == GARDEN_EVENT_STREAM_CHUNK_FULL &&
        garden_text_is(event->stream_chunk_full.stream_uri, capturer->uri)) {
        const struct garden_value *chunk = garden_map_find(&message->metadata, "chunk");
        if (garden_chunk_report_read(chunk, &report) == GARDEN_OK)
            garden_recording_chunk_full(capturer->recording, capturer_now(), &report);
    } else if (event->kind == GARDEN_EVENT_STREAM_HEAD_POSITION &&
               garden_text_is(event->stream_head_position.stream_uri, capturer->uri)) {
        capturer_on_head(capturer, &message->metadata);
    } else if (event->kind == GARDEN_EVENT_STREAM_ERROR &&
               garden_text_is(event->stream_error.stream_uri, capturer->uri)) {
        capturer_on_error(capturer, message);
        capturer->losing = true; // until the head moves again
        if (!event->stream_error.recoverable) {
            capturer->broken = true;
            capturer_stop(capturer); // the daemon has, and tells the totals
        }
    } else if (event->kind == GARDEN_EVENT_STATUS &&
               event->status.execution_state == GARDEN_EXECUTION_SHUTTING_DOWN) {
        capturer_stop(capturer); // it still tells the totals
    } else {
        return;
    }
    capturer_pump(capturer);
}

void capturer_on_state(struct capturer *capturer, enum garden_client_state state)
{
    if (!capturer->recording || capturer->finished) return;
    if (state == GARDEN_CLIENT_DEAD && capturer->dead_ms > 0) return; // it is waited for already
    if (state == GARDEN_CLIENT_DEAD) {
        capturer_say(capturer,
                     "the daemon does not answer: it is waited for, %g s at most, then what it had "
                     "written is sealed",
                     (double)(capturer->stopping ? CAPTURER_DEAD_STOP_MS : capturer->patience_ms) /
                         1000);
        capturer->dead_ms = capturer_now().mono_ms;
    } else {
        capturer->dead_ms = 0;
    }
}

// ---- A daemon that was replaced

static void capturer_told_state(struct garden_client *client, int result,
                                const struct garden_message *reply, void *user)
{
    (void)client;
    struct capturer *capturer = user;
    capturer->asking--;
    if (result < 0 || capturer->finished)
        return; // a daemon that is dead is waited for, or connects
    if (garden_recording_state(capturer->recording) != GARDEN_RECORDING_RUNNING) return;
    if (reply->family != GARDEN_CONTROL_REPLY ||
        reply->control_reply.kind != GARDEN_CONTROL_REPLY_DEBUG_DUMP)
        return;
    bool over = false;
    if (state_find_stream(&reply->control_reply.debug_dump.state, capturer->uri, &over)) {
        capturer->elsewhere_ms = 0;
        // No event tells of a stream that is over; the answer to a stop tells all.
        if (over && !capturer->stopping)
            capturer_say(capturer,
                         "the stream was ended by somebody else: sealing what was written");
        if (over) capturer_stop(capturer);
        capturer_pump(capturer);
        return;
    }
    if (capturer_is_elsewhere(capturer)) return;
    capturer_say(capturer,
                 "the daemon was started anew and forgot the stream: sealing what was written");
    capturer->gone = true;
    capturer_abandon(capturer);
    capturer_pump(capturer);
}

// Behind a new connection may be a new daemon. It is alive, but will never tell of our stream.
void capturer_on_lane(struct capturer *capturer, enum garden_lane lane, bool up)
{
    if (!capturer->client) return;
    if (lane != GARDEN_LANE_CONTROL || !up || !capturer->recording || capturer->finished) return;
    const struct garden_control_request request = {.kind = GARDEN_CONTROL_DEBUG_DUMP};
    const struct garden_answer answer = {.call = capturer_told_state, .user = capturer};
    // Failing, it can still be stopped.
    if (garden_client_control(capturer->client, &request, &answer) == GARDEN_OK) capturer->asking++;
}

// ---- Life

int capturer_seed(struct capturer *capturer)
{
    uint8_t random[16];
    if (uv_random(NULL, NULL, random, sizeof random, 0, NULL) < 0) return GARDEN_ERR_SYSTEM;
    capturer->seed = garden_uuid_v4(random);
    return GARDEN_OK;
}

void capturer_start(struct capturer *capturer)
{
    capturer->started_ns = uv_hrtime();
    capturer->heard_ms = capturer_now().mono_ms;
    (void)uv_timer_init(capturer->loop, &capturer->timer); // does not fail
    capturer->timer.data = capturer;
    capturer->timer_open = true;
    capturer_pump(capturer);
}

void capturer_close(struct capturer *capturer, void (*closed)(uv_handle_t *handle))
{
    if (capturer->timer_open) uv_close((uv_handle_t *)&capturer->timer, closed);
    capturer->timer_open = false;
    capturer->finished = true;
}
