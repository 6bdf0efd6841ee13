// The rotation machine: the client's side of a stream's chunks, without files and network. It says
// what to stage, ask, seal and discard next; what happened is told to it, in any order, any number of
// times, or never.
#ifndef GARDEN_CORE_ROTATION_H
#define GARDEN_CORE_ROTATION_H

#include "../store.h"

enum {
    // Chunks not yet sealed. When sealing cannot keep up, no more chunks are offered and the daemon
    // reports what it has to drop.
    GARDEN__ROTATION_WINDOW = 8,
    GARDEN__ROTATION_HELD = 2,  // that the daemon has: one that takes frames and its standby
    GARDEN__ROTATION_READY = 1, // staged ahead of need
};

enum garden__chunk_state {
    GARDEN__CHUNK_PLANNED,
    GARDEN__CHUNK_STAGED, // its file exists; the daemon may have it without our knowing
    GARDEN__CHUNK_HELD,   // the daemon said that it has it
    GARDEN__CHUNK_CLOSED  // the daemon takes no more frames into it
};

struct garden__rotation_chunk {
    uint64_t number;
    enum garden__chunk_state state;
    // What the owner's journal knows of it; the machine does not look.
    bool held_noted, report_noted, sealed_noted;
    bool reported; // |report| is the daemon's word; else the file tells
    struct garden_chunk_report report;
};

struct garden__rotation_ask {
    enum garden_request_kind kind; // NONE: nothing is under way
    uint64_t number, token;
    int64_t due_ms; // when to send it (again)
    uint32_t wait_ms;
};

enum garden__work_kind {
    GARDEN__WORK_NONE,
    GARDEN__WORK_STAGE,
    GARDEN__WORK_SEAL,  // or discard, when its file is empty
    GARDEN__WORK_FINISH // all chunks are sealed or gone
};
struct garden__work {
    enum garden__work_kind kind;
    struct garden__rotation_chunk *chunk;
};

struct garden__rotation {
    enum garden_recording_state state;
    uint32_t retry_ms;
    struct garden__rotation_chunk window[GARDEN__ROTATION_WINDOW]; // numbers in order, no holes
    size_t count;
    uint64_t next_number;
    struct garden__rotation_ask chunk_ask, stop_ask; // a stop must not hold up a switch
    uint64_t tokens;
    int64_t work_due_ms; // work pauses until then, after a failure
    uint32_t work_wait_ms;
    bool finished; // nothing is left to do
    bool taken_up; // from an earlier process, which may have been granted what this one is refused
    bool has_totals;
    struct garden_capture_totals totals;
};

void garden__rotation_init(struct garden__rotation *r, uint32_t retry_ms);

// For a recording that is taken up again, in the order of its journal: a chunk was planned; the daemon
// had it; the stream was stopped. Numbers that the journal cannot mean are ignored.
void garden__rotation_replay_planned(struct garden__rotation *r, uint64_t number);
void garden__rotation_replay_held(struct garden__rotation *r, uint64_t number);
void garden__rotation_replay_stopped(struct garden__rotation *r,
                                     const struct garden_capture_totals *totals);

// What to do with files now. The outcome is reported with the function below that fits.
struct garden__work garden__rotation_work(struct garden__rotation *r, int64_t now_ms);
void garden__rotation_staged(struct garden__rotation *r, uint64_t number);
// The oldest chunk is an object, or was empty and is gone.
void garden__rotation_sealed(struct garden__rotation *r);
void garden__rotation_finished(struct garden__rotation *r);
// Work was done, or there was none and nothing failed: no failure is to be made up for.
void garden__rotation_worked(struct garden__rotation *r);
void garden__rotation_work_failed(struct garden__rotation *r, int64_t now_ms);

// The next request; |number| names the chunk of a start or a switch.
bool garden__rotation_request(struct garden__rotation *r, int64_t now_ms,
                              enum garden_request_kind *out_kind, uint64_t *out_token,
                              uint64_t *out_number);
// Returns whether |token| was awaited.
bool garden__rotation_reply(struct garden__rotation *r, int64_t now_ms, uint64_t token, int result,
                            const struct garden_capture_totals *totals);

// Chunk |number| and all before it are closed; |report|, which may be null, is about |number|.
void garden__rotation_closed(struct garden__rotation *r, uint64_t number,
                             const struct garden_chunk_report *report);
void garden__rotation_stop(struct garden__rotation *r, int64_t now_ms);
void garden__rotation_abandon(struct garden__rotation *r);
int64_t garden__rotation_deadline_ms(const struct garden__rotation *r);

#endif
