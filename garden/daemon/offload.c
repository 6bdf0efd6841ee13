#include "offload.h"

#include "../core/error.h"
#include "../stream.h"
#include "../uv/random.h"
#include "log.h"

static const char offload_stopping[] = "the daemon is shutting down";

static void offload_free(struct offload_job *job)
{
    struct offload *offload = job->offload;
    garden_query_close(job->query); // before what it reads
    streams_release(job->snapshot.streams, job->snapshot.stream_count);
    state_release(offload->state, &job->snapshot);
    garden_arena_fini(&job->arena);
    garden_buffer_fini(&job->octets);
    zmtp_free(NULL, job, sizeof *job);
}

// On a thread of the pool.
static void offload_work(uv_work_t *work)
{
    struct offload_job *job = work->data;
    struct garden_message reply = {.family = GARDEN_FAMILY_NONE};
    struct garden_error error = {0};
    struct garden_entry code;
    int result = job->make(job, &reply, &error);
    if (result < 0) {
        garden_reply_error(&reply, job->request->lane,
                           error.text[0] ? error.text : garden_err_text(result));
        code = garden_code_entry(result);
        reply.metadata = (struct garden_map){.entries = &code, .count = 1};
    }
    job->result = garden_reply_encode(job->request, &reply, &job->octets);
}

static bool offload_is_urgent(const struct offload_job *job)
{
    return job->request->lane == GARDEN_LANE_CONTROL;
}

// Behind all that are as urgent.
static void offload_enqueue(struct offload *offload, struct offload_job *job)
{
    struct offload_job **at = &offload->first;
    if (offload->last && (!offload_is_urgent(job) || offload_is_urgent(offload->last)))
        at = &offload->last->next;
    while (*at && offload_is_urgent(*at))
        at = &(*at)->next;
    job->next = *at;
    *at = job;
    if (!job->next) offload->last = job;
    offload->waiting++;
}

static void offload_run(struct offload *offload);

static void offload_forget(struct offload_job *job)
{
    struct offload_job **at = &job->offload->running_first;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    job->offload->running--;
}

static void offload_done(uv_work_t *work, int status)
{
    struct offload_job *job = work->data;
    struct offload *offload = job->offload;
    (void)status; // nobody cancels it
    offload_forget(job);
    if (job->result < 0)
        garden_server_reply_error(offload->server, job->request, garden_err_text(job->result));
    else
        garden_server_reply_octets(offload->server, job->request, &job->octets);
    offload_free(job);
    offload_run(offload);
    if (offload_idle(offload) && offload->on_idle) offload->on_idle(offload->user);
}

static void offload_run(struct offload *offload)
{
    while (offload->first) {
        struct offload_job *job = offload->first;
        const bool urgent = offload_is_urgent(job);
        if (offload->running >= (urgent ? OFFLOAD_THREADS_MAX : OFFLOAD_RUNNING_MAX)) return;
        offload->first = job->next;
        if (!offload->first) offload->last = NULL;
        offload->waiting--;
        job->work.data = job;
        job->next = offload->running_first;
        offload->running_first = job;
        offload->running++;
        (void)uv_queue_work(offload->loop, &job->work, offload_work, offload_done); // no failure
    }
}

// Whether |request| was interrupted before it came.
static bool offload_came_late(const struct offload *offload, const struct garden_request *request)
{
    if (request->lane != GARDEN_LANE_QUERY) return false;
    const size_t count =
        offload->early_next < OFFLOAD_EARLY_MAX ? offload->early_next : OFFLOAD_EARLY_MAX;
    for (size_t i = 0; i < count; i++)
        if (garden_uuid_equal(offload->early[i], request->message.header.msg_id)) return true;
    return false;
}

void offload_answer(struct offload *offload, struct garden_request *request,
                    int (*prepare)(struct offload_job *job, void *context), void *context,
                    int (*make)(struct offload_job *job, struct garden_message *reply,
                                struct garden_error *error))
{
    const struct state_moment moment = {.mono_ns = (int64_t)uv_hrtime(),
                                        .wall = garden__time_now()};
    if (offload->stopping) {
        garden_server_reply_error(offload->server, request, offload_stopping);
        return;
    }
    if (offload_came_late(offload, request)) {
        garden_server_reply_error(offload->server, request, "the query was interrupted");
        return;
    }
    if (offload->waiting_max && offload->waiting >= offload->waiting_max) {
        garden_server_reply_error(offload->server, request,
                                  "too many queries wait already: ask again later");
        return;
    }
    struct offload_job *job = zmtp_alloc(NULL, sizeof *job);
    if (!job) {
        garden_server_reply_error(offload->server, request, "no memory for an answer");
        return;
    }
    *job = (struct offload_job){.offload = offload, .request = request, .make = make};
    garden_arena_init(&job->arena, NULL, 0);
    garden_buffer_init(&job->octets, NULL, 0);
    state_snapshot(offload->state, &moment, &job->snapshot);
    int result = GARDEN_OK;
    if (offload->streams)
        result = streams_snapshot(offload->streams, &job->arena, &job->snapshot.streams,
                                  &job->snapshot.stream_count);
    if (result == GARDEN_OK && prepare) result = prepare(job, context);
    if (result < 0) {
        garden_server_reply_error(offload->server, request, garden_err_text(result));
        offload_free(job);
        return;
    }
    offload_enqueue(offload, job);
    offload_run(offload);
}

static size_t offload_interrupt_list(struct offload_job *job)
{
    size_t count = 0;
    for (; job; job = job->next) {
        if (job->request->lane != GARDEN_LANE_QUERY) continue;
        atomic_store(&job->interrupted, true);
        count++;
    }
    return count;
}

size_t offload_interrupt(struct offload *offload)
{
    return offload_interrupt_list(offload->running_first) + offload_interrupt_list(offload->first);
}

static bool offload_interrupt_among(struct offload_job *job, struct garden_uuid msg_id)
{
    while (job && (job->request->lane != GARDEN_LANE_QUERY ||
                   !garden_uuid_equal(job->request->message.header.msg_id, msg_id)))
        job = job->next;
    if (job) atomic_store(&job->interrupted, true);
    return job;
}

bool offload_interrupt_one(struct offload *offload, struct garden_uuid msg_id)
{
    if (offload_interrupt_among(offload->running_first, msg_id)) return true;
    if (offload_interrupt_among(offload->first, msg_id)) return true;
    offload->early[offload->early_next++ % OFFLOAD_EARLY_MAX] = msg_id;
    return false;
}

void offload_stop(struct offload *offload)
{
    offload->stopping = true;
    (void)offload_interrupt(offload); // the rest ends by itself, and soon
    while (offload->first) {
        struct offload_job *job = offload->first;
        offload->first = job->next;
        garden_server_reply_error(offload->server, job->request, offload_stopping);
        offload_free(job);
    }
    offload->last = NULL;
    offload->waiting = 0;
}

bool offload_idle(const struct offload *offload)
{
    return offload->running == 0 && !offload->first;
}
