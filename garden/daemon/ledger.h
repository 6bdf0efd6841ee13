// Where the state is kept: a folder with snapshots of it and logs of what changed since.
//
//   state.<n>   the state before the first record of log.<n>; written beside, synced, renamed
//   log.<n>     what changed then, appended to
//   lost.<n>    a log behind one whose end a crash of the machine has lost, or a copy of one whose end was
//               cut off: not used, for people to read
//   lock        held by the daemon that uses the folder
//
//   file    = "GRDNLOG1" *record
//   record  = size (u32, of the payload)  payload  check (8 octets: SipHash-2-4 of the record's place in
//             the file, counted from 0 as a u64, its size and its payload, with a fixed key; it guards
//             against accidents, not against people)
// Numbers are little-endian; a payload is an encoded message (save.h). A state ends with a record
// without payload, so that a cut one is none. What a crash tore off a log's end is cut away. A damaged state
// counts for nothing when what it replaced is still there; else the ledger does not open.
//
// A record is written before its change is made and taken back if the change is refused. It outlives the
// process when the write returns, and a crash of the machine when it is synced, by whoever calls
// ledger_sync(). Everything but the writer belongs to one thread.
#ifndef GARDEN_DAEMON_LEDGER_H
#define GARDEN_DAEMON_LEDGER_H

#include "../value.h"

struct garden_fs;

enum {
    LEDGER_RECORD_MAX = 1024 * 1024,
    // A log is replaced by a snapshot beyond this, or beyond the last snapshot's size.
    LEDGER_LOG_MIN = 4 * 1024 * 1024,
    // Beyond this in all, which only snapshots that fail let grow, changes are refused.
    LEDGER_BYTES_MAX = 512 * 1024 * 1024,
};

struct ledger {
    const struct garden_fs *fs;
    int folder, lock, file; // -1: not open
    uint64_t number;        // of the log
    uint64_t size, count;   // of it
    uint64_t before;        // its size before the last record
    uint64_t older;         // octets of logs that the next snapshot replaces, and of the last one
    uint64_t log_max;       // when a snapshot is due
    uint64_t dropped;       // torn octets that were cut off
    bool broken;            // a record could not be taken back: only a snapshot helps
};

// Makes or opens the folder, calls |each| with every payload from the last snapshot on, and is then ready
// to append. A negative result of |each| stops it and is returned. |fs| null: the system's.
int ledger_open(struct ledger *ledger, const struct garden_fs *fs, const char *path,
                int (*each)(void *context, struct zmtp_bytes payload), void *context,
                struct garden_error *error);
void ledger_close(struct ledger *ledger);
// Whether somebody removed the folder at |path|: then makes it again, and returns 1; the log goes on nowhere until a
// rotation and a snapshot have put all of the state there. Negative: it cannot be made. No thread may use the ledger.
int ledger_look(struct ledger *ledger, const char *path, struct garden_error *error);

// On a failure the log is as it was.
int ledger_append(struct ledger *ledger, struct zmtp_bytes payload, struct garden_error *error);
// Takes the last record back, once.
void ledger_undo(struct ledger *ledger);
// A descriptor of the log as it is now, which the caller closes; -1: none left.
int ledger_file(const struct ledger *ledger);
// Syncs it, and that it is in the folder; on any thread while the ledger is open.
int ledger_sync(const struct ledger *ledger, int file);

// Whether a snapshot should replace the log.
bool ledger_due(const struct ledger *ledger);
// Goes on in a new log; the state as it is now belongs before its first record.
int ledger_rotate(struct ledger *ledger, struct garden_error *error);

// Writes the snapshot that belongs before log |number|, on any thread, while the ledger goes on.
struct ledger_writer {
    const struct garden_fs *fs;
    int folder, file;
    uint64_t number, size, count;
};
int ledger_writer_open(struct ledger_writer *writer, const struct ledger *ledger,
                       struct garden_error *error);
int ledger_writer_put(struct ledger_writer *writer, struct zmtp_bytes payload,
                      struct garden_error *error);
// After it the snapshot is the one that counts, and what it replaces is gone.
int ledger_writer_commit(struct ledger_writer *writer, struct garden_error *error);
void ledger_writer_close(struct ledger_writer *writer); // without a commit, nothing has changed
// The ledger's thread learns of a commit.
void ledger_replaced(struct ledger *ledger, const struct ledger_writer *writer);

// The codec. Appends a record; reads the one at |*at| and moves on: 1, or 0 at the end or at what is no
// whole record of this |index|.
int ledger_encode(struct garden_buffer *out, uint64_t index, struct zmtp_bytes payload);
int ledger_decode(struct zmtp_bytes in, size_t *at, uint64_t index, struct zmtp_bytes *payload);

#endif
