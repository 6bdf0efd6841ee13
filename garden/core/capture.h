// The capture machine's inside, shared by its two files: capture.c moves it, capture_event.c tells
// what happened.
#ifndef GARDEN_CORE_CAPTURE_H
#define GARDEN_CORE_CAPTURE_H

#include "../capture.h"
#include "midi.h"

enum {
    GARDEN__CAPTURE_SLOTS = 2,
    // Chunks open or full-but-unanswered are at most two together: the start gives one, and a switch
    // that answers no full chunk is accepted only while there is no standby.
    GARDEN__CAPTURE_FULLS = 2,
    GARDEN__CAPTURE_PATHS = 16, // remembered, to recognise late repeats of a switch
    GARDEN__CAPTURE_NOTES = 8,
    GARDEN__CAPTURE_NO_SLOT = -1
};

enum garden__slot_state {
    GARDEN__SLOT_FREE,
    GARDEN__SLOT_WANTED, // to be opened
    GARDEN__SLOT_OPEN,
    GARDEN__SLOT_FULL, // to be closed; CHUNK_FULL follows
    GARDEN__SLOT_LAST  // to be closed because the stream stops
};

struct garden__slot {
    enum garden__slot_state state;
    struct garden_chunk_report report;
    uint64_t noted_end; // gaps up to this position are noted beside it
};

struct garden__full {
    struct garden_chunk_report report;
    int64_t due_ms;
    uint32_t wait_ms;
};

// Why the ring is full, and what helps.
struct garden__cause {
    int code;
    const char *text;
};

// An event that waits to be taken.
struct garden__note {
    enum garden_capture_kind kind;
    int result;
    struct garden_gap gap;
    bool recoverable;
    char path[GARDEN_PATH_MAX];
    char text[256];
};

struct garden_capture {
    const struct zmtp_allocator *allocator;
    struct garden_ring *ring;
    char uri[GARDEN_URI_MAX];
    uint32_t frame_size;
    uint64_t chunk_size;
    uint8_t *message; // MIDI: one that goes on at the beginning of the ring's memory; else null
    uint32_t head_ms, repeat_ms, drain_ms;

    enum garden_capture_state state;
    bool stop_wanted;
    unsigned failures;      // writes that failed, since one that did not
    bool given_up;          // as there were too many: no chunk takes anything any more
    int open_result;        // of the newest chunk that was to be opened
    int64_t open_ms;        // and when that was
    int64_t write_due_ms;   // the disk is full: until then nothing is written
    uint32_t write_wait_ms; // and for so long then; 0: it is not
    int note_result;        // of the newest gap that was to be noted
    int64_t drain_deadline_ms;
    struct garden_capture_totals totals;

    struct garden__slot slots[GARDEN__CAPTURE_SLOTS];
    int current, standby; // indexes, or NO_SLOT
    uint64_t next_number;
    uint64_t written_end; // the position behind the last frame that is in a file
    struct garden__full fulls[GARDEN__CAPTURE_FULLS]; // oldest first
    size_t full_count;
    struct garden_chunk_report answered, last;
    bool has_answered, has_last;
    char paths[GARDEN__CAPTURE_PATHS][GARDEN_PATH_MAX];
    uint64_t path_count; // ever remembered

    bool awaiting; // |action| was handed out and not reported
    struct garden_capture_action action;

    struct garden__note notes[GARDEN__CAPTURE_NOTES];
    size_t note_first, note_count;
    struct garden__note told; // what the event last taken points into
    struct garden_chunk_report told_report;
    int64_t head_due_ms, overrun_due_ms;
    uint64_t overrun_told, overrun_seen;
    struct garden__cause overrun_cause; // of what was seen last
};

// A fresh note at the end of the queue. There is always room: nothing that makes notes goes on while
// the queue is nearly full.
struct garden__note *garden__capture_note(struct garden_capture *c, enum garden_capture_kind kind);
// Keeps why frames were dropped since the last look, by what ails the stream now. So it comes before an outcome that
// changes that: with the first write after a full disk, what was lost before it is still the disk's.
void garden__capture_look(struct garden_capture *c, int64_t now_ms);

#endif
