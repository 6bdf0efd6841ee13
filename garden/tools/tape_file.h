// Tapes as files.
#ifndef GARDEN_TOOLS_TAPE_FILE_H
#define GARDEN_TOOLS_TAPE_FILE_H

#include "../tape.h"
#include "../wire.h"
#include "tool.h"

// One that is written: each record by one call of the system, so that a killed writer has written all that
// it heard, but for the record in its hands.
struct tape_writer {
    const struct tool *tool;
    const char *path;
    int file; // -1: none
    uint64_t begun_ns, records;
    struct garden_buffer octets;
};
// The file must not be there yet. TOOL_OK, or TOOL_FAILED after saying why.
int tape_create(struct tape_writer *writer, const struct tool *tool, const char *path);
// |record|'s time is made here.
int tape_write(struct tape_writer *writer, struct garden_tape_record record);
// Writes the end, and has all of it on the disk.
int tape_finish(struct tape_writer *writer);
void tape_drop(struct tape_writer *writer); // after a failure
void tape_undo(struct tape_writer *writer); // ... before anything was recorded: the file is removed

struct tape_reader {
    const struct tool *tool;
    const char *path;
    int file;
    uint8_t *data;
    size_t start, filled, space;
    uint64_t offset; // of |start| in the file
    struct garden_time started;
    bool ended; // properly
};
// Reads the head. TOOL_OK, or TOOL_FAILED or TOOL_DIFFERS after saying why.
int tape_open(struct tape_reader *reader, const struct tool *tool, const char *path);
// The next message, whose body is good until the next call. 1; 0 at the end, also of a tape that was cut off
// (|ended| tells); or -1 after saying what is wrong with it.
int tape_next(struct tape_reader *reader, struct garden_tape_record *record);
void tape_close(struct tape_reader *reader);
// The moment of |record|, by the clock of the tape's writer.
struct garden_time tape_moment(const struct tape_reader *reader,
                               const struct garden_tape_record *record);

#endif
