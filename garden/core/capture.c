// The capture machine: which chunk takes the next frames and when it is full. It never touches a
// file: it asks for one action at a time and is told the outcome.
//
// Two slots hold chunks. The one that takes frames is |current|, the one staged ahead is |standby|,
// and a slot whose chunk is full is closed before more is written. A chunk whose file fails is
// treated as one that filled early: what is intact in it counts, the rest is lost visibly, and the
// frames not yet written are still in the ring.
#include "capture.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "admit.h"
#include "error.h"
#include "runs.h"

// What one action and its outcome can add to the queue of notes.
enum { CAPTURE_NOTES_PER_STEP = 3 };
// Chunks in a row that fail before anything was written into the next: the disk, and not a chunk, is broken, and to
// try on would only make files and events as fast as the client stages them.
enum { CAPTURE_FAILURES_MAX = 3 };
// A full disk is no broken one: somebody makes room, and the stream goes on. Until then it is tried ever less often, for
// each try costs a chunk.
enum { CAPTURE_FULL_MIN_MS = 250, CAPTURE_FULL_MAX_MS = 4000 };

static const unsigned capture_moves[] = {
    [GARDEN_CAPTURE_OPENING] = 1u << GARDEN_CAPTURE_RUNNING | 1u << GARDEN_CAPTURE_REFUSED,
    [GARDEN_CAPTURE_RUNNING] = 1u << GARDEN_CAPTURE_STARVED | 1u << GARDEN_CAPTURE_STOPPING,
    [GARDEN_CAPTURE_STARVED] = 1u << GARDEN_CAPTURE_RUNNING | 1u << GARDEN_CAPTURE_STOPPING,
    [GARDEN_CAPTURE_STOPPING] = 1u << GARDEN_CAPTURE_STOPPED,
    [GARDEN_CAPTURE_STOPPED] = 0,
    [GARDEN_CAPTURE_REFUSED] = 0,
};

static void capture_enter(struct garden_capture *c, enum garden_capture_state next)
{
    const bool legal = capture_moves[c->state] >> next & 1u;
    assert(legal);
    (void)legal; // without assertions nobody asks
    c->state = next;
}

static bool capture_path_ok(const char *path)
{
    const size_t size = strlen(path);
    return size > 0 && size < GARDEN_PATH_MAX;
}

static void capture_want(struct garden_capture *c, int index, const char *path)
{
    struct garden__slot *slot = &c->slots[index];
    *slot = (struct garden__slot){.state = GARDEN__SLOT_WANTED};
    strcpy(slot->report.path, path); // callers checked its size
}

static int capture_check(const struct garden_capture_config *config, struct garden_ring *ring,
                         const char *path, struct garden_error *error)
{
    const uint32_t frame_size = garden_frame_size(&config->format);
    const int admitted = garden__admit(config->uri, &config->format, config->chunk_size, error);
    if (admitted < 0) return admitted;
    if (!capture_path_ok(path))
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "chunk path: must have 1 to %d octets",
                            GARDEN_PATH_MAX - 1);
    if (garden_ring_frame_size(ring) != frame_size)
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "the ring's frames have %u octets, the stream's %u",
                            garden_ring_frame_size(ring), frame_size);
    return GARDEN_OK;
}

int garden_capture_open(const struct zmtp_allocator *allocator,
                        const struct garden_capture_config *config, struct garden_ring *ring,
                        const char *path, int64_t now_ms, struct garden_capture **out,
                        struct garden_error *error)
{
    const int checked = capture_check(config, ring, path, error);
    if (checked != GARDEN_OK) return checked;
    if (allocator == NULL) allocator = zmtp_heap();
    struct garden_capture *c = zmtp_alloc(allocator, sizeof *c);
    if (c == NULL) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a stream");
    memset(c, 0, sizeof *c);
    c->allocator = allocator;
    c->ring = ring;
    if (config->format.kind == GARDEN_STREAM_MIDI) {
        c->message = zmtp_alloc(allocator, GARDEN__MIDI_MESSAGE_MAX);
        if (c->message == NULL) {
            garden_capture_close(c);
            return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a stream");
        }
    }
    strcpy(c->uri, config->uri);
    c->frame_size = garden_frame_size(&config->format);
    c->chunk_size = garden_chunk_size(&config->format, config->chunk_size);
    c->head_ms = config->head_ms != 0 ? config->head_ms : 100;
    c->repeat_ms = config->repeat_ms != 0 ? config->repeat_ms : 250;
    c->drain_ms = config->drain_ms != 0 ? config->drain_ms : GARDEN_DRAIN_MS;
    c->state = GARDEN_CAPTURE_OPENING;
    c->current = GARDEN__CAPTURE_NO_SLOT;
    c->standby = GARDEN__CAPTURE_NO_SLOT;
    c->head_due_ms = now_ms + c->head_ms;
    capture_want(c, 0, path);
    *out = c;
    return GARDEN_OK;
}

void garden_capture_close(struct garden_capture *c)
{
    if (c == NULL) return;
    if (c->message != NULL) zmtp_free(c->allocator, c->message, GARDEN__MIDI_MESSAGE_MAX);
    zmtp_free(c->allocator, c, sizeof *c);
}

bool garden_capture_knows(const struct garden_capture *c, const char *path)
{
    const uint64_t count =
        c->path_count < GARDEN__CAPTURE_PATHS ? c->path_count : GARDEN__CAPTURE_PATHS;
    for (uint64_t i = 0; i < count; i++)
        if (strcmp(c->paths[i], path) == 0) return true;
    return false;
}

int garden_capture_switch(struct garden_capture *c, const char *path, int64_t now_ms,
                          struct garden_error *error)
{
    (void)now_ms; // an answer is due when the file is open, however long that takes
    if (!capture_path_ok(path))
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "chunk path: must have 1 to %d octets",
                            GARDEN_PATH_MAX - 1);
    if (garden_capture_knows(c, path)) return 1;
    int free_slot = GARDEN__CAPTURE_NO_SLOT;
    for (int i = 0; i < GARDEN__CAPTURE_SLOTS; i++) {
        if (c->slots[i].state == GARDEN__SLOT_FREE) free_slot = i;
        if (c->slots[i].state != GARDEN__SLOT_WANTED) continue;
        if (strcmp(c->slots[i].report.path, path) == 0) return GARDEN_OK;
    }
    if (c->state == GARDEN_CAPTURE_STOPPED || c->state == GARDEN_CAPTURE_REFUSED || c->given_up)
        return garden__fail(error, GARDEN_ERR_STATE, "stream %.100s: has ended", c->uri);
    if (free_slot == GARDEN__CAPTURE_NO_SLOT)
        return garden__fail(error, GARDEN_ERR_EXISTS,
                            "stream %.80s: already has a chunk and a standby; ask again later",
                            c->uri);
    capture_want(c, free_slot, path);
    return GARDEN_OK;
}

const struct garden_chunk_report *garden_capture_answered(const struct garden_capture *c)
{
    return c->has_answered ? &c->answered : NULL;
}

const struct garden_chunk_report *garden_capture_untold(const struct garden_capture *c,
                                                        size_t index)
{
    if (index < c->full_count) return &c->fulls[index].report;
    // The answer that carried it may be lost.
    return index == c->full_count && c->has_answered ? &c->answered : NULL;
}

void garden_capture_stop(struct garden_capture *c, int64_t now_ms)
{
    if (c->state == GARDEN_CAPTURE_STOPPED || c->state == GARDEN_CAPTURE_REFUSED) {
        // One answer waiting is enough, however many ask.
        for (size_t i = 0; i < c->note_count; i++)
            if (c->notes[(c->note_first + i) % GARDEN__CAPTURE_NOTES].kind == GARDEN_CAPTURE_ENDED)
                return;
        if (c->note_count < GARDEN__CAPTURE_NOTES)
            (void)garden__capture_note(c, GARDEN_CAPTURE_ENDED);
        return;
    }
    if (c->stop_wanted) return;
    c->stop_wanted = true;
    c->drain_deadline_ms = now_ms + c->drain_ms;
    if (c->state != GARDEN_CAPTURE_OPENING) capture_enter(c, GARDEN_CAPTURE_STOPPING);
}

// ---- Gaps and full chunks

static void capture_count_lost(struct garden_capture *c, struct garden_chunk_report *report,
                               struct garden_gap gap)
{
    c->totals.overrun += gap.count;
    c->totals.offered += gap.count;
    if (report != NULL && report->gap_count < GARDEN_CHUNK_GAPS_MAX)
        report->gaps[report->gap_count++] = gap;
    garden__capture_note(c, GARDEN_CAPTURE_OVERRUN)->gap = gap;
}

static void capture_count_gap(struct garden_capture *c, struct garden_chunk_report *report,
                              struct garden_gap gap)
{
    garden_ring_skip(c->ring, gap);
    capture_count_lost(c, report, gap);
}

// The current chunk takes no more; the standby goes on at once.
static void capture_fill(struct garden_capture *c)
{
    c->slots[c->current].state = GARDEN__SLOT_FULL;
    c->current = c->standby;
    c->standby = GARDEN__CAPTURE_NO_SLOT;
    if (c->current == GARDEN__CAPTURE_NO_SLOT && c->state == GARDEN_CAPTURE_RUNNING)
        capture_enter(c, GARDEN_CAPTURE_STARVED);
}

// The position behind the last frame of a chunk.
static uint64_t capture_end_of(const struct garden_chunk_report *report)
{
    struct garden__runs runs = {.position = report->first, .left = report->frames};
    while (garden__runs_step(&runs, report->gaps, report->gap_count)) {
        // To the last.
    }
    return runs.position + runs.left;
}

// Only |intact| octets of the chunk are in its file: what was counted beyond them is lost.
static void capture_shorten(struct garden_capture *c, struct garden_chunk_report *report,
                            uint64_t intact)
{
    const uint64_t frames = intact / c->frame_size;
    if (frames >= report->frames) return;
    const uint64_t lost = report->frames - frames;
    c->totals.captured -= lost;
    c->totals.overrun += lost;
    report->frames = frames;
    report->bytes = frames * c->frame_size;
    c->written_end = capture_end_of(report); // it is the last that was written to
}

// ---- Stopping

// Nobody brought a chunk for what the ring still holds.
static void capture_discard_rest(struct garden_capture *c)
{
    const uint64_t position = c->totals.offered;
    const struct garden_gap rest = {.first = position,
                                    .count = garden_ring_offered(c->ring) - position};
    struct garden_gap gap;
    struct garden_run run;
    for (;;) {
        if (garden_ring_gap(c->ring, &gap) || garden_ring_tail(c->ring, &gap))
            garden_ring_skip(c->ring, gap);
        else if (garden_ring_peek(c->ring, &run))
            garden_ring_consume(c->ring, run.count);
        else
            break;
    }
    c->totals.overrun += rest.count;
    c->totals.offered += rest.count;
    garden__capture_note(c, GARDEN_CAPTURE_OVERRUN)->gap = rest;
}

// The newest chunk that a gap can be noted in.
static struct garden_chunk_report *capture_newest(struct garden_capture *c)
{
    if (c->current != GARDEN__CAPTURE_NO_SLOT) return &c->slots[c->current].report;
    return c->has_last ? &c->last : NULL;
}

// One step towards the end once stopping and with no frame that can be written. Returns whether
// something changed.
static bool capture_stop_step(struct garden_capture *c, int64_t now_ms)
{
    struct garden_run run;
    struct garden_gap gap;
    const bool chunk = c->current != GARDEN__CAPTURE_NO_SLOT;
    if (garden_ring_peek(c->ring, &run)) {
        if (chunk || (now_ms < c->drain_deadline_ms && !c->given_up)) return false;
        capture_discard_rest(c);
        return true;
    }
    if (garden_ring_gap(c->ring, &gap)) {
        // What follows a gap inside the ring may still find a chunk, which will then take the gap.
        if (garden_ring_filled(c->ring) > 0 && now_ms < c->drain_deadline_ms) return false;
        if (garden_ring_filled(c->ring) > 0)
            capture_discard_rest(c);
        else
            capture_count_gap(c, capture_newest(c), gap);
        return true;
    }
    if (garden_ring_tail(c->ring, &gap)) {
        capture_count_gap(c, capture_newest(c), gap);
        return true;
    }
    bool open = false;
    for (int i = 0; i < GARDEN__CAPTURE_SLOTS; i++) {
        if (c->slots[i].state != GARDEN__SLOT_OPEN) continue;
        c->slots[i].state = GARDEN__SLOT_LAST;
        open = true;
    }
    c->current = GARDEN__CAPTURE_NO_SLOT;
    c->standby = GARDEN__CAPTURE_NO_SLOT;
    if (open) return true;
    capture_enter(c, GARDEN_CAPTURE_STOPPED);
    (void)garden__capture_note(c, GARDEN_CAPTURE_ENDED);
    return false;
}

// ---- Actions

static bool capture_give(struct garden_capture *c, struct garden_capture_action action,
                         struct garden_capture_action *out)
{
    c->awaiting = true;
    c->action = action;
    *out = action;
    return true;
}

static bool capture_next_slot(struct garden_capture *c, struct garden_capture_action *out)
{
    // Opening comes first: a new chunk is there before the old one goes.
    for (unsigned i = 0; i < GARDEN__CAPTURE_SLOTS; i++)
        if (c->slots[i].state == GARDEN__SLOT_WANTED)
            return capture_give(c,
                                (struct garden_capture_action){.verb = GARDEN_CAPTURE_OPEN,
                                                               .slot = i,
                                                               .path = c->slots[i].report.path,
                                                               .bytes = c->chunk_size},
                                out);
    for (unsigned i = 0; i < GARDEN__CAPTURE_SLOTS; i++)
        if (c->slots[i].state == GARDEN__SLOT_FULL || c->slots[i].state == GARDEN__SLOT_LAST)
            return capture_give(c,
                                (struct garden_capture_action){.verb = GARDEN_CAPTURE_CLOSE,
                                                               .slot = i,
                                                               .bytes = c->slots[i].report.bytes},
                                out);
    return false;
}

// How many octets of |run| are whole messages that fit in |space|; 0: not even the first. One that is in
// two pieces in the ring is put together first, and |run| is then that.
static size_t capture_messages(struct garden_capture *c, struct garden_run *run, uint64_t space)
{
    struct garden_run next;
    const size_t rest =
        garden_ring_peek_after(c->ring, run, &next) ? garden__midi_rest(next.data, next.count) : 0;
    const size_t most = rest > 0 ? run->count - 1 : run->count; // the last is not all there
    const size_t cut = garden__midi_cut(run->data, run->count, space < most ? (size_t)space : most);
    if (cut > 0 || rest == 0 || run->count + rest > GARDEN__MIDI_MESSAGE_MAX) return cut;
    if (garden__midi_cut(run->data, run->count, most) > 0) return 0; // a smaller one did not fit
    memcpy(c->message, run->data, run->count);
    memcpy(c->message + run->count, next.data, rest);
    run->data = c->message;
    run->count += rest;
    return run->count <= space ? run->count : 0;
}

// The first message of |run| is larger than a whole chunk.
static void capture_lose_message(struct garden_capture *c, struct garden_chunk_report *report,
                                 const struct garden_run *run)
{
    struct garden_run next;
    size_t size = 1 + garden__midi_rest(run->data + 1, run->count - 1);
    if (size == run->count && garden_ring_peek_after(c->ring, run, &next))
        size += garden__midi_rest(next.data, next.count);
    const struct garden_gap gap = {.first = run->first, .count = size};
    garden_ring_consume(c->ring, size);
    capture_count_lost(c, report, gap);
}

// Sets |*out| to a write into the current chunk, or makes room for one. Returns whether the machine
// should look again.
static bool capture_next_write(struct garden_capture *c, int64_t now_ms,
                               struct garden_capture_action *out)
{
    if (c->current == GARDEN__CAPTURE_NO_SLOT) return false;
    // A stop waits for nothing: it tries at once, and counts the rest.
    if (now_ms < c->write_due_ms && c->state != GARDEN_CAPTURE_STOPPING) return false;
    struct garden_chunk_report *report = &c->slots[c->current].report;
    struct garden_gap gap;
    struct garden_run run;
    if (garden_ring_gap(c->ring, &gap)) {
        // Every gap belongs to a chunk's report; a chunk with no room for one more is done.
        if (report->gap_count == GARDEN_CHUNK_GAPS_MAX)
            capture_fill(c);
        else
            capture_count_gap(c, report, gap);
        return true;
    }
    if (!garden_ring_peek(c->ring, &run)) return false;
    const uint64_t space = (c->chunk_size - report->bytes) / c->frame_size;
    uint64_t frames = run.count < space ? run.count : space;
    if (c->message != NULL) {
        frames = capture_messages(c, &run, space);
        if (frames == 0 && (report->frames > 0 || report->gap_count == GARDEN_CHUNK_GAPS_MAX))
            capture_fill(c);
        else if (frames == 0)
            capture_lose_message(c, report, &run);
        if (frames == 0) return true;
    }
    struct garden_capture_action action = {.verb = GARDEN_CAPTURE_WRITE,
                                           .slot = (unsigned)c->current,
                                           .data = run.data,
                                           .bytes = frames * c->frame_size};
    if (run.first > c->written_end && c->slots[c->current].noted_end < run.first)
        action = (struct garden_capture_action){
            .verb = GARDEN_CAPTURE_NOTE,
            .slot = (unsigned)c->current,
            .path = report->path,
            .gap = {.first = c->written_end, .count = run.first - c->written_end}};
    else if (report->frames == 0)
        report->first = run.first;
    return capture_give(c, action, out);
}

bool garden_capture_next(struct garden_capture *c, int64_t now_ms,
                         struct garden_capture_action *out)
{
    if (c->awaiting) return false;
    while (c->note_count + CAPTURE_NOTES_PER_STEP <= GARDEN__CAPTURE_NOTES) {
        if (capture_next_slot(c, out)) return true;
        if (capture_next_write(c, now_ms, out)) {
            if (c->awaiting) return true;
        } else if (c->state != GARDEN_CAPTURE_STOPPING || !capture_stop_step(c, now_ms)) {
            return false;
        }
    }
    return false;
}

// ---- Outcomes

static void capture_note_error(struct garden_capture *c, const struct garden_error *error,
                               int result)
{
    struct garden__note *note = garden__capture_note(c, GARDEN_CAPTURE_ERROR);
    note->result = result;
    note->recoverable = !c->given_up; // the frames are still in the ring and go to the next chunk
    (void)snprintf(note->text, sizeof note->text, "%.200s%s",
                   error != NULL ? error->text : garden_err_text(result),
                   c->given_up ? "; the stream ends, as chunk after chunk fails" : "");
}

// What the ring holds is lost when the owner stops the stream, which the error asks for.
static void capture_give_up(struct garden_capture *c)
{
    c->given_up = true;
    if (c->standby == GARDEN__CAPTURE_NO_SLOT) return;
    c->slots[c->standby].state = GARDEN__SLOT_LAST;
    c->standby = GARDEN__CAPTURE_NO_SLOT;
}

static void capture_answer_oldest(struct garden_capture *c)
{
    if (c->full_count == 0) return;
    c->answered = c->fulls[0].report;
    c->has_answered = true;
    c->full_count--;
    memmove(&c->fulls[0], &c->fulls[1], c->full_count * sizeof c->fulls[0]);
}

static int capture_refuse_more(char *text, size_t size)
{
    (void)snprintf(text, size, "the stream takes no chunk any more, as chunk after chunk failed");
    return GARDEN_ERR_STATE;
}

static void capture_opened(struct garden_capture *c, int index, int result,
                           const struct garden_error *error)
{
    struct garden__slot *slot = &c->slots[index];
    const bool first = c->state == GARDEN_CAPTURE_OPENING;
    struct garden__note *note =
        garden__capture_note(c, first ? GARDEN_CAPTURE_STARTED : GARDEN_CAPTURE_SWITCHED);
    note->result = result;
    c->open_result = result;
    strcpy(note->path, slot->report.path);
    if (result != GARDEN_OK) {
        (void)snprintf(note->text, sizeof note->text, "%s",
                       error != NULL ? error->text : garden_err_text(result));
        slot->state = GARDEN__SLOT_FREE;
        if (first) capture_enter(c, GARDEN_CAPTURE_REFUSED);
        if (first && c->stop_wanted) (void)garden__capture_note(c, GARDEN_CAPTURE_ENDED);
        return;
    }
    if (c->given_up) {
        slot->state = GARDEN__SLOT_LAST;
        note->result = capture_refuse_more(note->text, sizeof note->text);
        return;
    }
    slot->state = GARDEN__SLOT_OPEN;
    slot->report.number = c->next_number++;
    slot->report.first = c->totals.offered;
    strcpy(c->paths[c->path_count++ % GARDEN__CAPTURE_PATHS], slot->report.path);
    if (!first) capture_answer_oldest(c);
    if (c->current != GARDEN__CAPTURE_NO_SLOT) {
        c->standby = index;
        return;
    }
    c->current = index;
    if (first || c->state == GARDEN_CAPTURE_STARVED) capture_enter(c, GARDEN_CAPTURE_RUNNING);
    if (first && c->stop_wanted) capture_enter(c, GARDEN_CAPTURE_STOPPING);
}

// Whether a write that ended so counts as one of a disk that is broken. A full one makes the next wait.
static bool capture_is_broken(struct garden_capture *c, int64_t now_ms, int result)
{
    if (result != GARDEN_ERR_NO_SPACE || c->state == GARDEN_CAPTURE_STOPPING) {
        c->write_wait_ms = 0;
        c->write_due_ms = 0;
        return result != GARDEN_OK;
    }
    c->write_wait_ms = c->write_wait_ms == 0 ? CAPTURE_FULL_MIN_MS : c->write_wait_ms * 2;
    if (c->write_wait_ms > CAPTURE_FULL_MAX_MS) c->write_wait_ms = CAPTURE_FULL_MAX_MS;
    c->write_due_ms = now_ms + c->write_wait_ms;
    return false;
}

// What lies behind a gap is not written before the gap is noted. What another moment may bring, room or a descriptor, is
// waited for in the same chunk, so to try costs none; otherwise the chunk ends there, and the next is tried.
static void capture_noted(struct garden_capture *c, int64_t now_ms, int result,
                          const struct garden_error *error)
{
    const bool known = result == c->note_result;
    c->note_result = result;
    if (result == GARDEN_OK) {
        c->slots[c->current].noted_end = c->action.gap.first + c->action.gap.count;
        return;
    }
    const bool short_of_it =
        result == GARDEN_ERR_NO_SPACE || result == GARDEN_ERR_MEMORY || result == GARDEN_ERR_SYSTEM;
    const bool broken = capture_is_broken(c, now_ms, short_of_it ? GARDEN_ERR_NO_SPACE : result);
    c->failures = broken ? c->failures + 1 : 0;
    if (c->failures == CAPTURE_FAILURES_MAX) capture_give_up(c);
    if (!broken) {
        c->write_wait_ms = CAPTURE_FULL_MIN_MS;
        c->write_due_ms = now_ms + c->write_wait_ms;
    }
    // What is dropped meanwhile is told with that as its cause.
    if (broken || !known) capture_note_error(c, error, result);
    if (broken) capture_fill(c);
}

static void capture_written(struct garden_capture *c, int64_t now_ms, int result, uint64_t intact,
                            const struct garden_error *error)
{
    struct garden_chunk_report *report = &c->slots[c->current].report;
    // Of a write that failed half way, the whole frames that did arrive are as good as any.
    uint64_t frames = c->action.bytes / c->frame_size;
    if (result != GARDEN_OK) {
        const uint64_t arrived =
            intact > report->bytes ? (intact - report->bytes) / c->frame_size : 0;
        frames = arrived < frames ? arrived : frames;
        if (c->message != NULL)
            frames = garden__midi_cut(c->action.data, (size_t)c->action.bytes, (size_t)frames);
    }
    report->frames += frames;
    report->bytes += frames * c->frame_size;
    c->totals.captured += frames;
    c->totals.offered += frames;
    if (frames > 0) c->written_end = c->totals.offered;
    garden_ring_consume(c->ring, (size_t)frames);
    c->failures = capture_is_broken(c, now_ms, result) ? c->failures + 1 : 0;
    if (result != GARDEN_OK) {
        if (c->failures == CAPTURE_FAILURES_MAX) capture_give_up(c);
        capture_shorten(c, report, intact);
        capture_note_error(c, error, result);
        capture_fill(c);
    } else if (c->chunk_size - report->bytes < c->frame_size) {
        capture_fill(c);
    }
}

static void capture_closed(struct garden_capture *c, int64_t now_ms, int result, uint64_t intact,
                           const struct garden_error *error)
{
    struct garden__slot *slot = &c->slots[c->action.slot];
    if (result != GARDEN_OK) {
        capture_shorten(c, &slot->report, intact);
        capture_note_error(c, error, result);
    }
    if (slot->report.frames > 0 || slot->report.gap_count > 0) {
        c->last = slot->report;
        c->has_last = true;
    }
    if (slot->report.frames > 0) c->totals.chunks++;
    if (slot->state == GARDEN__SLOT_FULL) {
        assert(c->full_count < GARDEN__CAPTURE_FULLS);
        c->fulls[c->full_count++] = (struct garden__full){
            .report = slot->report, .due_ms = now_ms, .wait_ms = c->repeat_ms};
    }
    slot->state = GARDEN__SLOT_FREE;
}

void garden_capture_done(struct garden_capture *c, int64_t now_ms, int result, uint64_t intact,
                         const struct garden_error *error)
{
    if (!c->awaiting) return;
    garden__capture_look(c, now_ms);
    c->awaiting = false;
    switch (c->action.verb) {
    case GARDEN_CAPTURE_IDLE:
        break;
    case GARDEN_CAPTURE_OPEN:
        capture_opened(c, (int)c->action.slot, result, error);
        c->open_ms = now_ms;
        // A stop waits for the next chunk from the last on, or many small ones would never do.
        if (c->stop_wanted && result == GARDEN_OK) c->drain_deadline_ms = now_ms + c->drain_ms;
        break;
    case GARDEN_CAPTURE_NOTE:
        capture_noted(c, now_ms, result, error);
        break;
    case GARDEN_CAPTURE_WRITE:
        capture_written(c, now_ms, result, intact, error);
        break;
    case GARDEN_CAPTURE_CLOSE:
        capture_closed(c, now_ms, result, intact, error);
        break;
    }
}
