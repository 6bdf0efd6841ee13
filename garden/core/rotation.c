// Every question has one token and comes again with it until answered, so a lost request, a lost reply
// and a doubled one look the same to the daemon. Every answer and event only ever moves a chunk
// forward, so repeats and late arrivals change nothing. A chunk is sealed once because it leaves the
// window when it is, and numbers never come back.
#include "rotation.h"

#include <assert.h>
#include <string.h>

enum { ROTATION_RETRY_GROWTH = 8 };

static const unsigned rotation_moves[] = {
    [GARDEN_RECORDING_STARTING] = 1u << GARDEN_RECORDING_RUNNING | 1u << GARDEN_RECORDING_STOPPING |
                                  1u << GARDEN_RECORDING_FINISHING | 1u << GARDEN_RECORDING_REFUSED,
    [GARDEN_RECORDING_RUNNING] = 1u << GARDEN_RECORDING_STOPPING | 1u << GARDEN_RECORDING_FINISHING,
    [GARDEN_RECORDING_STOPPING] = 1u << GARDEN_RECORDING_FINISHING | 1u << GARDEN_RECORDING_REFUSED,
    [GARDEN_RECORDING_FINISHING] = 1u << GARDEN_RECORDING_DONE,
    [GARDEN_RECORDING_DONE] = 0,
    [GARDEN_RECORDING_REFUSED] = 0,
};

static void rotation_enter(struct garden__rotation *r, enum garden_recording_state next)
{
    const bool legal = rotation_moves[r->state] >> next & 1u;
    assert(legal);
    (void)legal; // without assertions nobody asks
    r->state = next;
}

void garden__rotation_init(struct garden__rotation *r, uint32_t retry_ms)
{
    memset(r, 0, sizeof *r);
    r->state = GARDEN_RECORDING_STARTING;
    r->retry_ms = retry_ms != 0 ? retry_ms : 1000;
    r->work_wait_ms = r->retry_ms;
}

static struct garden__rotation_chunk *rotation_push(struct garden__rotation *r, uint64_t number,
                                                    enum garden__chunk_state state)
{
    assert(r->count < GARDEN__ROTATION_WINDOW);
    struct garden__rotation_chunk *chunk = &r->window[r->count++];
    *chunk = (struct garden__rotation_chunk){.number = number, .state = state};
    r->next_number = number + 1;
    return chunk;
}

static struct garden__rotation_chunk *rotation_find(struct garden__rotation *r, uint64_t number)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->window[i].number == number) return &r->window[i];
    return NULL;
}

static size_t rotation_count(const struct garden__rotation *r, enum garden__chunk_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++)
        if (r->window[i].state == state) count++;
    return count;
}

void garden__rotation_replay_planned(struct garden__rotation *r, uint64_t number)
{
    if (r->count == GARDEN__ROTATION_WINDOW || number < r->next_number) return;
    (void)rotation_push(r, number, GARDEN__CHUNK_PLANNED);
    r->tokens = 1; // the daemon may have been asked
    r->taken_up = true;
}

void garden__rotation_replay_held(struct garden__rotation *r, uint64_t number)
{
    struct garden__rotation_chunk *chunk = rotation_find(r, number);
    if (chunk == NULL) return;
    if (chunk->state < GARDEN__CHUNK_HELD) chunk->state = GARDEN__CHUNK_HELD;
    chunk->held_noted = true;
    if (r->state == GARDEN_RECORDING_STARTING) rotation_enter(r, GARDEN_RECORDING_RUNNING);
}

void garden__rotation_replay_stopped(struct garden__rotation *r,
                                     const struct garden_capture_totals *totals)
{
    r->has_totals = totals != NULL;
    if (totals != NULL) r->totals = *totals;
    garden__rotation_abandon(r);
}

static bool rotation_over(const struct garden__rotation *r)
{
    return r->state == GARDEN_RECORDING_FINISHING || r->state == GARDEN_RECORDING_DONE ||
           r->state == GARDEN_RECORDING_REFUSED;
}

// ---- Work on files

// The oldest, so that the manifest is in order. While the daemon lives its report is waited for: only
// it tells where gaps are. It comes with an event or with the answer to the switch that made the
// event stop, so waiting ends; a full window ends it too, for peers that keep neither promise.
static bool rotation_can_seal(const struct garden__rotation *r)
{
    if (r->count == 0 || r->window[0].state != GARDEN__CHUNK_CLOSED) return false;
    return r->window[0].reported || rotation_over(r) || r->count == GARDEN__ROTATION_WINDOW;
}

// A chunk that is planned and not made yet; null when there is none, nor one to plan.
static struct garden__rotation_chunk *rotation_to_stage(struct garden__rotation *r)
{
    const size_t unsealed = rotation_count(r, GARDEN__CHUNK_CLOSED);
    const size_t ahead = r->count - unsealed;
    if (rotation_over(r)) return NULL;
    if (rotation_count(r, GARDEN__CHUNK_PLANNED) == 0 && r->count < GARDEN__ROTATION_WINDOW &&
        ahead < GARDEN__ROTATION_HELD + GARDEN__ROTATION_READY)
        (void)rotation_push(r, r->next_number, GARDEN__CHUNK_PLANNED);
    for (size_t i = 0; i < r->count; i++)
        if (r->window[i].state == GARDEN__CHUNK_PLANNED) return &r->window[i];
    return NULL;
}

// Staging goes before sealing, which takes longer and which nobody waits for.
struct garden__work garden__rotation_work(struct garden__rotation *r, int64_t now_ms)
{
    const struct garden__work nothing = {.kind = GARDEN__WORK_NONE};
    if (now_ms < r->work_due_ms) return nothing;
    struct garden__rotation_chunk *stage = rotation_to_stage(r);
    if (stage != NULL) return (struct garden__work){.kind = GARDEN__WORK_STAGE, .chunk = stage};
    if (rotation_can_seal(r))
        return (struct garden__work){.kind = GARDEN__WORK_SEAL, .chunk = &r->window[0]};
    if (r->state == GARDEN_RECORDING_FINISHING || r->state == GARDEN_RECORDING_REFUSED)
        return r->count > 0 || r->finished ? nothing
                                           : (struct garden__work){.kind = GARDEN__WORK_FINISH};
    return nothing;
}

void garden__rotation_worked(struct garden__rotation *r)
{
    r->work_wait_ms = r->retry_ms;
    r->work_due_ms = 0;
}

void garden__rotation_staged(struct garden__rotation *r, uint64_t number)
{
    struct garden__rotation_chunk *chunk = rotation_find(r, number);
    garden__rotation_worked(r);
    if (chunk != NULL && chunk->state == GARDEN__CHUNK_PLANNED) chunk->state = GARDEN__CHUNK_STAGED;
}

void garden__rotation_sealed(struct garden__rotation *r)
{
    assert(r->count > 0 && r->window[0].state == GARDEN__CHUNK_CLOSED);
    garden__rotation_worked(r);
    r->count--;
    memmove(&r->window[0], &r->window[1], r->count * sizeof r->window[0]);
}

void garden__rotation_finished(struct garden__rotation *r)
{
    r->finished = true;
    if (r->state == GARDEN_RECORDING_FINISHING) rotation_enter(r, GARDEN_RECORDING_DONE);
}

void garden__rotation_work_failed(struct garden__rotation *r, int64_t now_ms)
{
    r->work_due_ms = now_ms + r->work_wait_ms;
    if (r->work_wait_ms < r->retry_ms * ROTATION_RETRY_GROWTH) r->work_wait_ms *= 2;
}

// ---- Requests

static void rotation_ask(struct garden__rotation *r, struct garden__rotation_ask *ask,
                         enum garden_request_kind kind, uint64_t number, int64_t due_ms)
{
    *ask = (struct garden__rotation_ask){.kind = kind,
                                         .number = number,
                                         .token = ++r->tokens,
                                         .due_ms = due_ms,
                                         .wait_ms = r->retry_ms};
}

// Chooses the next question about a chunk when none is under way.
static void rotation_choose(struct garden__rotation *r, int64_t now_ms)
{
    if (r->chunk_ask.kind != GARDEN_REQUEST_NONE || rotation_over(r)) return;
    const bool started =
        r->count == 0 || r->window[0].number > 0 || r->window[0].state >= GARDEN__CHUNK_HELD;
    if (rotation_count(r, GARDEN__CHUNK_HELD) >= GARDEN__ROTATION_HELD) return;
    for (size_t i = 0; i < r->count; i++) {
        if (r->window[i].state != GARDEN__CHUNK_STAGED) continue;
        rotation_ask(r, &r->chunk_ask, started ? GARDEN_REQUEST_SWITCH : GARDEN_REQUEST_START,
                     r->window[i].number, now_ms);
        return;
    }
}

static bool rotation_due(struct garden__rotation *r, struct garden__rotation_ask *ask,
                         int64_t now_ms)
{
    if (ask->kind == GARDEN_REQUEST_NONE || now_ms < ask->due_ms) return false;
    ask->due_ms = now_ms + ask->wait_ms;
    if (ask->wait_ms < r->retry_ms * ROTATION_RETRY_GROWTH) ask->wait_ms *= 2;
    return true;
}

bool garden__rotation_request(struct garden__rotation *r, int64_t now_ms,
                              enum garden_request_kind *out_kind, uint64_t *out_token,
                              uint64_t *out_number)
{
    rotation_choose(r, now_ms);
    const struct garden__rotation_ask *ask = NULL;
    if (rotation_due(r, &r->chunk_ask, now_ms)) ask = &r->chunk_ask;
    // A stop before the start is answered would be refused as unknown.
    else if (r->state == GARDEN_RECORDING_STOPPING && r->chunk_ask.kind != GARDEN_REQUEST_START &&
             rotation_due(r, &r->stop_ask, now_ms))
        ask = &r->stop_ask;
    if (ask == NULL) return false;
    *out_kind = ask->kind;
    *out_token = ask->token;
    *out_number = ask->number;
    return true;
}

static void rotation_end(struct garden__rotation *r)
{
    r->chunk_ask.kind = GARDEN_REQUEST_NONE;
    r->stop_ask.kind = GARDEN_REQUEST_NONE;
    r->work_due_ms = 0;
    // Whatever is staged may have been taken without our hearing of it: the files tell.
    for (size_t i = 0; i < r->count; i++)
        r->window[i].state = GARDEN__CHUNK_CLOSED;
}

static void rotation_refused(struct garden__rotation *r, struct garden__rotation_ask *ask,
                             int64_t now_ms, int result)
{
    // A start that is refused the second time may have had frames before: the files tell.
    if (ask->kind == GARDEN_REQUEST_START && r->taken_up) {
        garden__rotation_abandon(r);
    } else if (ask->kind == GARDEN_REQUEST_START) {
        rotation_enter(r, GARDEN_RECORDING_REFUSED);
        rotation_end(r);
    } else if (result == GARDEN_ERR_NOT_FOUND) {
        garden__rotation_abandon(r);
    } else {
        // Asked again as a new question: the old one's answer may be on record at the daemon. Its file
        // may be what was wrong, so it is staged again until then.
        struct garden__rotation_chunk *chunk = rotation_find(r, ask->number);
        if (ask->kind == GARDEN_REQUEST_SWITCH && chunk != NULL &&
            chunk->state == GARDEN__CHUNK_STAGED)
            chunk->state = GARDEN__CHUNK_PLANNED;
        rotation_ask(r, ask, ask->kind, ask->number, now_ms + ask->wait_ms);
    }
}

bool garden__rotation_reply(struct garden__rotation *r, int64_t now_ms, uint64_t token, int result,
                            const struct garden_capture_totals *totals)
{
    struct garden__rotation_ask *ask = NULL;
    if (r->chunk_ask.kind != GARDEN_REQUEST_NONE && r->chunk_ask.token == token)
        ask = &r->chunk_ask;
    if (r->stop_ask.kind != GARDEN_REQUEST_NONE && r->stop_ask.token == token) ask = &r->stop_ask;
    if (ask == NULL) return false;
    if (result < 0) {
        rotation_refused(r, ask, now_ms, result);
        return true;
    }
    const enum garden_request_kind kind = ask->kind;
    ask->kind = GARDEN_REQUEST_NONE;
    if (kind == GARDEN_REQUEST_STOP) {
        r->has_totals = totals != NULL;
        if (totals != NULL) r->totals = *totals;
        rotation_enter(r, GARDEN_RECORDING_FINISHING);
        rotation_end(r);
        return true;
    }
    struct garden__rotation_chunk *chunk = rotation_find(r, ask->number);
    if (chunk != NULL && chunk->state < GARDEN__CHUNK_HELD) chunk->state = GARDEN__CHUNK_HELD;
    if (r->state == GARDEN_RECORDING_STARTING) rotation_enter(r, GARDEN_RECORDING_RUNNING);
    return true;
}

// ---- What the daemon tells

void garden__rotation_closed(struct garden__rotation *r, uint64_t number,
                             const struct garden_chunk_report *report)
{
    for (size_t i = 0; i < r->count; i++) {
        struct garden__rotation_chunk *chunk = &r->window[i];
        if (chunk->number > number || chunk->state == GARDEN__CHUNK_PLANNED) break;
        chunk->state = GARDEN__CHUNK_CLOSED;
        if (chunk->number != number || report == NULL || chunk->reported) continue;
        chunk->reported = true;
        chunk->report = *report;
    }
}

void garden__rotation_stop(struct garden__rotation *r, int64_t now_ms)
{
    if (r->state != GARDEN_RECORDING_STARTING && r->state != GARDEN_RECORDING_RUNNING) return;
    if (r->tokens == 0 && r->state == GARDEN_RECORDING_STARTING) {
        r->has_totals = true; // none: the daemon was never asked for anything
        garden__rotation_abandon(r);
        return;
    }
    rotation_enter(r, GARDEN_RECORDING_STOPPING);
    rotation_ask(r, &r->stop_ask, GARDEN_REQUEST_STOP, 0, now_ms);
}

void garden__rotation_abandon(struct garden__rotation *r)
{
    if (rotation_over(r)) return;
    rotation_enter(r, GARDEN_RECORDING_FINISHING);
    rotation_end(r);
}

int64_t garden__rotation_deadline_ms(const struct garden__rotation *r)
{
    int64_t deadline = INT64_MAX;
    if (r->finished) return deadline;
    if (r->work_due_ms > 0) deadline = r->work_due_ms;
    if (r->chunk_ask.kind != GARDEN_REQUEST_NONE && r->chunk_ask.due_ms < deadline)
        deadline = r->chunk_ask.due_ms;
    if (r->stop_ask.kind != GARDEN_REQUEST_NONE && r->stop_ask.due_ms < deadline)
        deadline = r->stop_ask.due_ms;
    return deadline;
}
