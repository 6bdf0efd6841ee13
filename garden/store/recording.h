// A recording's inside, shared by its two files: recording.c works, recording_journal.c remembers.
#ifndef GARDEN_STORE_RECORDING_H
#define GARDEN_STORE_RECORDING_H

#include "../core/rotation.h"
#include "journal.h"

enum { GARDEN__RUN_SIZE = 33 }; // 32 hex digits and a terminator
// What the system calls its life from one start of the machine to the next: a uuid's text.
enum { GARDEN__BOOT_SIZE = 36 };

struct garden_recording {
    struct garden_store *store;
    struct garden__rotation rotation;
    struct garden__journal journal;
    struct garden_manifest manifest;
    int64_t sync_due_ms; // from when on the file goes onto the disk with the next chunk
    size_t saved_count;  // chunks of it that its file has
    char run[GARDEN__RUN_SIZE];
    enum garden_stream_kind kind;
    uint64_t frames_max; // positions from there on are left out; 0: none are
    int64_t
        wall_at_zero_ns; // the wall's time when the monotonic clock was 0, as it was at the start
    bool boot_noted;     // the journal knows in which life of the system it was begun
    bool boot_same;      // which is this one
    bool stop_noted;     // the journal knows that the stream is over
    bool done_noted;     // and that the manifest is an object
    struct garden_hash manifest_hash;
    char path[GARDEN_PATH_MAX]; // what the last request points into
};

enum garden__record_type {
    GARDEN__RECORD_BEGIN = 1,
    GARDEN__RECORD_PLANNED,
    GARDEN__RECORD_HELD,
    GARDEN__RECORD_CLOSED, // with the daemon's report
    GARDEN__RECORD_SEALED,
    GARDEN__RECORD_EMPTY, // the chunk had no frames
    GARDEN__RECORD_STOPPED,
    GARDEN__RECORD_DONE,
    GARDEN__RECORD_LIMIT, // how many frames are wished for; where some are, it comes before BEGIN
    GARDEN__RECORD_BOOT   // in which life of the system it was begun, where that is known
};

void garden__recording_chunk_name(const char *run, uint64_t number, char name[64]);
void garden__recording_file_name(const char *run, const char *suffix, char name[64]);
// The number of the chunk of |run| that the file |name| is. False: it is none.
bool garden__recording_number(const char *run, const char *name, uint64_t *out);
// Removes the live manifest, if it is there.
int garden__recording_remove_saved(struct garden_store *store, const char *run,
                                   struct garden_error *error);

// Each appends one record.
int garden__recording_note_begin(struct garden_recording *recording, struct garden_error *error);
int garden__recording_note_number(struct garden_recording *recording, enum garden__record_type type,
                                  uint64_t number, struct garden_error *error);
int garden__recording_note_closed(struct garden_recording *recording,
                                  const struct garden__rotation_chunk *chunk,
                                  struct garden_error *error);
int garden__recording_note_sealed(struct garden_recording *recording, uint64_t number,
                                  const struct garden_hash *hash,
                                  const struct garden_chunk_report *report,
                                  struct garden_error *error);
int garden__recording_note_stopped(struct garden_recording *recording, struct garden_error *error);
int garden__recording_note_done(struct garden_recording *recording, struct garden_error *error);
int garden__recording_note_limit(struct garden_recording *recording, struct garden_error *error);
// Where the system does not tell it, none.
int garden__recording_note_boot(struct garden_recording *recording, struct garden_error *error);

// The parts of a payload.
void garden__recording_take_hash(struct garden__record_reader *reader, struct garden_hash *hash);
// A record of a sealed chunk, without its number. False: it is malformed.
struct garden__recording_sealed {
    struct garden_hash hash;
    int64_t updated_ns;
    struct garden_chunk_report report;
};
bool garden__recording_take_sealed(struct garden__record_reader *reader,
                                   struct garden__recording_sealed *out);
int garden__recording_append_sealed(struct garden_manifest *manifest,
                                    const struct garden__recording_sealed *sealed);
void garden__recording_take_report(struct garden__record_reader *reader,
                                   struct garden_chunk_report *report);
// GARDEN_ERR_FORMAT when it does not say which stream it is of.
int garden__recording_take_begin(struct garden__record_reader *reader,
                                 struct garden_manifest *manifest, enum garden_stream_kind *kind);

// How many octets of a chunk belong to a recording of |frames_max| frames (0: all): those whose positions are below.
// |report| tells its size and gaps.
uint64_t garden__recording_keep(const struct garden_chunk_report *report, uint32_t frame_size,
                                uint64_t frames_max);
// The position |end|, or where a recording of |frames_max| frames ends before.
uint64_t garden__recording_end(uint64_t end, uint64_t frames_max);

// Opens the journal of |recording->run| and does again what it says.
int garden__recording_replay(struct garden_recording *recording, struct garden_error *error);

#endif
