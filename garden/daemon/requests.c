#include "requests.h"

#include <uv.h>

#include "../core/error.h"
#include "../stream.h"
#include "../uv/random.h"
#include "log.h"
#include "query.h"
#include "stream.h"

enum { REQUESTS_LINE_SIZE = 512 };

static void requests_publish(struct requests *requests)
{
    struct changes *changes = &requests->changes;
    for (size_t i = 0; i < changes->count; i++) {
        const int result = garden_server_publish(requests->server, &changes->events[i], NULL, 0);
        if (result < 0) log_write(LOG_ERROR, "an event was lost: %s", garden_err_text(result));
    }
    changes_clear(changes);
}

void requests_tick(struct requests *requests)
{
    // Without memory for the events, the next tick tells what this one could not.
    (void)state_tick(requests->state, (int64_t)uv_hrtime(), &requests->changes);
    requests_publish(requests);
    keeper_playhead(&requests->keeper, (int64_t)uv_hrtime(), false);
    keeper_turn(&requests->keeper);
}

void requests_tell_start(struct requests *requests)
{
    // Without memory for the events they come online again without having been told to be offline.
    (void)participants_leave(&requests->state->participants, &requests->changes);
    requests_publish(requests);
}

void requests_tell_trouble(struct requests *requests, const char *text)
{
    const struct garden_event event = {.kind = GARDEN_EVENT_ERROR,
                                       .error = {.error = garden_text_of(text),
                                                 .has_context = true,
                                                 .context = garden_text_of("state")}};
    const int result = garden_server_publish(requests->server, &event, NULL, 0);
    if (result < 0) log_write(LOG_ERROR, "an event was lost: %s", garden_err_text(result));
}

// ---- Shell

static int requests_make_regions(struct offload_job *job, struct garden_message *reply,
                                 struct garden_error *error)
{
    reply->family = GARDEN_SHELL_REPLY;
    return state_read_regions(job->snapshot.regions, &job->request->message.shell_request,
                              &job->arena, &reply->shell_reply, error);
}

// Executes a request of the state; one that changes it is kept first, or refused.
static int requests_execute(struct requests *requests, const struct garden_request *request,
                            const struct state_moment *moment, struct state_answer *answer,
                            struct garden_error *error)
{
    const struct garden_shell_request *content = &request->message.shell_request;
    const bool change = save_is_change(content->kind);
    int result = GARDEN_OK;
    if (change)
        result = keeper_write(&requests->keeper, content, moment, &request->message.header,
                              request->form, error);
    if (result < 0) {
        requests_tell_trouble(requests, error->text);
        return result;
    }
    result = state_shell(requests->state, content, moment, answer, &requests->changes, error);
    if (change) keeper_done(&requests->keeper, result == GARDEN_OK);
    if (content->kind == GARDEN_SHELL_PLAY || content->kind == GARDEN_SHELL_PAUSE ||
        content->kind == GARDEN_SHELL_STOP)
        keeper_playhead(&requests->keeper, moment->mono_ns, true);
    return result;
}

static void requests_shell(struct requests *requests, struct garden_request *request)
{
    const struct garden_shell_request *content = &request->message.shell_request;
    if (content->kind == GARDEN_SHELL_STREAM_START ||
        content->kind == GARDEN_SHELL_STREAM_SWITCH_CHUNK ||
        content->kind == GARDEN_SHELL_STREAM_STOP) {
        streams_request(requests->streams, request);
        return;
    }
    if (state_reads_regions(content->kind)) {
        offload_answer(&requests->offload, request, NULL, NULL, requests_make_regions);
        return;
    }
    const struct state_moment moment = {
        .mono_ns = (int64_t)uv_hrtime(), .wall = garden__time_now(), .fresh = garden__uuid_new()};
    struct state_answer answer;
    struct garden_error error;
    state_answer_init(&answer);
    const int result = requests_execute(requests, request, &moment, &answer, &error);
    requests_publish(requests); // before the reply, which ends the request that events refer to
    if (result < 0) {
        stream_reply_error(requests->streams, request, result, error.text);
    } else {
        struct garden_message reply = {.family = GARDEN_SHELL_REPLY};
        reply.shell_reply = answer.reply;
        garden_server_reply(requests->server, request, &reply);
    }
    state_answer_fini(&answer);
    keeper_turn(&requests->keeper);
}

// ---- Control

enum { REQUESTS_DUMP_OWN = 5, REQUESTS_DUMP_COUNTERS = 6 };

// What a dump begins with, as it is on the loop.
static int requests_prepare_dump(struct offload_job *job, void *context)
{
    const struct requests *requests = context;
    struct garden_arena *arena = &job->arena;
    struct garden_entry *entries =
        garden_arena_alloc(arena, REQUESTS_DUMP_OWN + SNAPSHOT_DUMP_ENTRIES, sizeof *entries);
    struct garden_entry *counters =
        garden_arena_alloc(arena, REQUESTS_DUMP_COUNTERS, sizeof *counters);
    if (!entries || !counters) return arena->error;
    const uint64_t now_ns = uv_hrtime();
    const struct garden_server_counters count = garden_server_counters(requests->server);
    counters[0] = garden_entry_of("requests", garden_value_uint(count.requests));
    counters[1] = garden_entry_of("replies", garden_value_uint(count.replies));
    counters[2] = garden_entry_of("errors", garden_value_uint(count.errors));
    counters[3] = garden_entry_of("repeated", garden_value_uint(count.repeated));
    counters[4] = garden_entry_of("undeliverable", garden_value_uint(count.undeliverable));
    counters[5] = garden_entry_of("events", garden_value_uint(count.events));
    entries[0] = garden_entry_of("version", garden_value_text(garden_text_of(GARDEN_VERSION)));
    entries[1] =
        garden_entry_of("uptime_ms", garden_value_uint((now_ns - requests->started_ns) / 1000000));
    entries[2] = garden_entry_of("counters", garden_value_map(counters, REQUESTS_DUMP_COUNTERS));
    struct garden_value sources, streams;
    const int result = streams_dump(requests->streams, arena, &sources, &streams);
    if (result < 0) return result;
    entries[3] = garden_entry_of("sources", sources);
    entries[4] = garden_entry_of("streams", streams);
    job->dump = garden_value_map(entries, REQUESTS_DUMP_OWN + SNAPSHOT_DUMP_ENTRIES);
    return GARDEN_OK;
}

static int requests_make_dump(struct offload_job *job, struct garden_message *reply,
                              struct garden_error *error)
{
    (void)error; // the code says it
    reply->family = GARDEN_CONTROL_REPLY;
    reply->control_reply.kind = GARDEN_CONTROL_REPLY_DEBUG_DUMP;
    reply->control_reply.debug_dump.state = job->dump;
    return snapshot_dump(&job->snapshot, &job->arena, &job->dump.map.entries[REQUESTS_DUMP_OWN]);
}

// An Interrupt whose metadata names a query, by the msg_id that it was asked under: that one, and nothing else.
static void requests_interrupt_one(struct requests *requests, struct garden_request *request,
                                   const struct garden_value *msg_id)
{
    struct garden_message reply = {.family = GARDEN_CONTROL_REPLY};
    struct garden_uuid id;
    if (msg_id->type != GARDEN_TEXT || garden_uuid_parse(msg_id->text, &id) < 0) {
        garden_server_reply_error(requests->server, request,
                                  "metadata.msg_id must be a uuid, that of a query");
        return;
    }
    const bool asked = offload_interrupt_one(&requests->queries, id);
    reply.control_reply.kind = GARDEN_CONTROL_REPLY_INTERRUPTED;
    reply.control_reply.interrupted.was_running = garden_text_of(asked ? "query" : "nothing");
    garden_server_reply(requests->server, request, &reply);
}

// Interrupt and Pause: the same, told differently; but an Interrupt also ends queries.
static void requests_pause(struct requests *requests, struct garden_request *request)
{
    struct garden_message reply = {.family = GARDEN_CONTROL_REPLY};
    const bool interrupt = request->message.control_request.kind == GARDEN_CONTROL_INTERRUPT;
    const struct garden_value *one = garden_map_find(&request->message.metadata, "msg_id");
    if (interrupt && one) {
        requests_interrupt_one(requests, request, one);
        return;
    }
    const bool asked = interrupt && offload_interrupt(&requests->queries) > 0;
    bool playing;
    const int result =
        state_pause(requests->state, (int64_t)uv_hrtime(), &requests->changes, &playing);
    requests_publish(requests);
    keeper_playhead(&requests->keeper, (int64_t)uv_hrtime(), true);
    if (result < 0) {
        garden_server_reply_error(requests->server, request, garden_err_text(result));
        return;
    }
    reply.control_reply.kind = GARDEN_CONTROL_REPLY_OK;
    if (interrupt) {
        reply.control_reply.kind = GARDEN_CONTROL_REPLY_INTERRUPTED;
        reply.control_reply.interrupted.was_running =
            garden_text_of(playing && asked ? "playback and query"
                           : playing        ? "playback"
                           : asked          ? "query"
                                            : "nothing");
    }
    garden_server_reply(requests->server, request, &reply);
}

static void requests_control(struct requests *requests, struct garden_request *request)
{
    switch (request->message.control_request.kind) {
    case GARDEN_CONTROL_SHUTDOWN:
        requests->on_shutdown(request, requests->user);
        return;
    case GARDEN_CONTROL_INTERRUPT:
    case GARDEN_CONTROL_PAUSE:
        requests_pause(requests, request);
        return;
    case GARDEN_CONTROL_DEBUG_DUMP:
        offload_answer(&requests->offload, request, requests_prepare_dump, requests,
                       requests_make_dump);
        return;
    }
    garden_server_reply_error(requests->server, request, "an unknown control request");
}

// ---- Query

static int requests_prepare_query(struct offload_job *job, void *context)
{
    const struct requests *requests = context;
    job->query_limits = requests->query_limits;
    return GARDEN_OK;
}

// ---- All

int requests_welcome(struct requests *requests, struct garden_arena *arena,
                     struct garden_value *out)
{
    struct snapshot snapshot;
    const struct state_moment moment = {.mono_ns = (int64_t)uv_hrtime(),
                                        .wall = garden__time_now()};
    state_snapshot(requests->state, &moment, &snapshot);
    // What it refers to stays as it is until the welcome is encoded, which is at once.
    const int result = snapshot_welcome(&snapshot, arena, out);
    state_release(requests->state, &snapshot);
    return result;
}

void requests_take(struct requests *requests, struct garden_request *request)
{
    char line[REQUESTS_LINE_SIZE];
    (void)garden_message_print(&request->message, line, sizeof line); // cut to fit
    log_write(LOG_DEBUG, "%s: %s", garden_lane_name(request->lane), line);
    switch (request->lane) {
    case GARDEN_LANE_SHELL:
        requests_shell(requests, request);
        return;
    case GARDEN_LANE_CONTROL:
        requests_control(requests, request);
        return;
    case GARDEN_LANE_QUERY:
        offload_answer(&requests->queries, request, requests_prepare_query, requests, query_make);
        return;
    case GARDEN_LANE_IOPUB:
    case GARDEN_LANE_HEARTBEAT:
    case GARDEN_LANES:
        break;
    }
    garden_server_reply_error(requests->server, request, "this lane takes no requests");
}
