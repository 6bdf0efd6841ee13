// What the capture machine tells: answers and errors once, in order; full chunks again and again
// until answered; the head position at its pace.
#include "capture.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CAPTURE_OVERRUN_MS = 1000, CAPTURE_REPEAT_GROWTH = 8 };

struct garden__note *garden__capture_note(struct garden_capture *c, enum garden_capture_kind kind)
{
    assert(c->note_count < GARDEN__CAPTURE_NOTES);
    struct garden__note *note =
        &c->notes[(c->note_first + c->note_count++) % GARDEN__CAPTURE_NOTES];
    *note = (struct garden__note){.kind = kind};
    return note;
}

static void capture_event_base(const struct garden_capture *c, enum garden_capture_kind kind,
                               struct garden_capture_event *out)
{
    *out = (struct garden_capture_event){
        .kind = kind,
        .totals = garden_capture_totals(c),
        .standby = c->standby != GARDEN__CAPTURE_NO_SLOT,
    };
    if (c->current == GARDEN__CAPTURE_NO_SLOT) return;
    out->number = c->slots[c->current].report.number;
    out->path = c->slots[c->current].report.path;
}

static bool capture_event_note(struct garden_capture *c, struct garden_capture_event *out)
{
    if (c->note_count == 0) return false;
    c->told = c->notes[c->note_first];
    c->note_first = (c->note_first + 1) % GARDEN__CAPTURE_NOTES;
    c->note_count--;
    capture_event_base(c, c->told.kind, out);
    out->result = c->told.result;
    out->text = c->told.text;
    out->gap = c->told.gap;
    out->recoverable = c->told.recoverable || c->told.kind == GARDEN_CAPTURE_OVERRUN;
    if (c->told.path[0] != '\0') out->path = c->told.path;
    if (c->told.kind == GARDEN_CAPTURE_ENDED && c->has_last) out->chunk = &c->last;
    return true;
}

static bool capture_event_full(struct garden_capture *c, int64_t now_ms,
                               struct garden_capture_event *out)
{
    // A stopped stream's client learns all from the answer to its stop and from the files.
    if (c->state == GARDEN_CAPTURE_STOPPED) return false;
    for (size_t i = 0; i < c->full_count; i++) {
        struct garden__full *full = &c->fulls[i];
        if (now_ms < full->due_ms) continue;
        full->due_ms = now_ms + full->wait_ms;
        if (full->wait_ms < c->repeat_ms * CAPTURE_REPEAT_GROWTH) full->wait_ms *= 2;
        c->told_report = full->report;
        capture_event_base(c, GARDEN_CAPTURE_CHUNK_FULL, out);
        out->chunk = &c->told_report;
        return true;
    }
    return false;
}

// Whether what failed last is still what is wrong: whoever stages chunks tries again at least every eight seconds. For
// longer nobody has, and what the disk is like meanwhile is not known.
static bool capture_event_is_new(int64_t failed_ms, int64_t now_ms)
{
    enum { CAPTURE_OLD_MS = 10000 };
    return now_ms - failed_ms < CAPTURE_OLD_MS;
}

static struct garden__cause capture_event_cause(const struct garden_capture *c, int64_t now_ms)
{
    const bool no_chunk = c->current == GARDEN__CAPTURE_NO_SLOT;
    const int open_result =
        no_chunk && capture_event_is_new(c->open_ms, now_ms) ? c->open_result : GARDEN_OK;
    const bool no_room =
        c->write_wait_ms > 0 && (!no_chunk || capture_event_is_new(c->write_due_ms, now_ms));
    if (!no_chunk && c->note_result != GARDEN_OK && c->note_result != GARDEN_ERR_NO_SPACE)
        return (struct garden__cause){c->note_result,
                                      "what lies before them cannot be noted beside their chunk, "
                                      "and is to be before they are written"};
    if (no_room || open_result == GARDEN_ERR_NO_SPACE)
        return (struct garden__cause){GARDEN_ERR_NO_SPACE,
                                      "the disk of the chunks is full: make room on it"};
    if (open_result == GARDEN_ERR_NOT_FOUND || open_result == GARDEN_ERR_ACCESS)
        return (struct garden__cause){open_result,
                                      "the chunk for them cannot be opened: is the staging folder "
                                      "as it was?"};
    if (open_result != GARDEN_OK)
        return (struct garden__cause){open_result,
                                      "the chunk for them cannot be opened, and whoever staged it "
                                      "was told why"};
    if (no_chunk)
        return (struct garden__cause){GARDEN_ERR_TIMEOUT, "no chunk was staged for them in time"};
    return (struct garden__cause){GARDEN_ERR_SYSTEM,
                                  "they come faster than the disk takes them: a longer ring "
                                  "(--ring-ms) bears longer pauses of it"};
}

void garden__capture_look(struct garden_capture *c, int64_t now_ms)
{
    const uint64_t overrun = garden_ring_overrun(c->ring);
    if (overrun == c->overrun_seen) return;
    c->overrun_seen = overrun;
    c->overrun_cause = capture_event_cause(c, now_ms);
}

// A gap has its exact event only when it ends; a client should hear earlier that one has begun.
static bool capture_event_overrun(struct garden_capture *c, int64_t now_ms,
                                  struct garden_capture_event *out)
{
    garden__capture_look(c, now_ms);
    if (c->overrun_seen == c->overrun_told || now_ms < c->overrun_due_ms) return false;
    c->overrun_told = c->overrun_seen;
    c->overrun_due_ms = now_ms + CAPTURE_OVERRUN_MS;
    capture_event_base(c, GARDEN_CAPTURE_ERROR, out);
    (void)snprintf(c->told.text, sizeof c->told.text,
                   "overrun: %" PRIu64 " frames dropped so far; %s", c->overrun_told,
                   c->overrun_cause.text);
    out->text = c->told.text;
    out->result = c->overrun_cause.code;
    out->recoverable = true;
    return true;
}

bool garden_capture_event(struct garden_capture *c, int64_t now_ms,
                          struct garden_capture_event *out)
{
    if (capture_event_note(c, out)) return true;
    if (capture_event_full(c, now_ms, out)) return true;
    if (c->state == GARDEN_CAPTURE_STOPPED || c->state == GARDEN_CAPTURE_REFUSED) return false;
    if (capture_event_overrun(c, now_ms, out)) return true;
    if (c->state == GARDEN_CAPTURE_OPENING || now_ms < c->head_due_ms) return false;
    c->head_due_ms = now_ms + c->head_ms;
    capture_event_base(c, GARDEN_CAPTURE_HEAD, out);
    return true;
}

enum garden_capture_state garden_capture_state(const struct garden_capture *c)
{
    return c->state;
}

struct garden_capture_totals garden_capture_totals(const struct garden_capture *c)
{
    struct garden_capture_totals totals = c->totals;
    totals.bytes = totals.captured * c->frame_size;
    return totals;
}
