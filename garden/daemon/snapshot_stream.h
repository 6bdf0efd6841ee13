// A stream as a snapshot has it. The texts and lists are borrowed from the stream's owner, which keeps
// them unchanged until the snapshot is released.
#ifndef GARDEN_DAEMON_SNAPSHOT_STREAM_H
#define GARDEN_DAEMON_SNAPSHOT_STREAM_H

#include "../capture.h"
#include "table.h"

// A chunk that was full, or the last one. Rows of tables.
struct snapshot_chunk {
    struct table_row row;
    uint64_t number, first, frames, bytes;
    struct garden_time full_at;
    size_t path_size;
    char path[]; // with a zero
};

struct snapshot_gap {
    struct table_row row;
    uint64_t first, count;
    struct garden_time told_at;
};

struct snapshot_stream {
    const char *uri, *source, *state;
    struct garden_stream_format format;
    const char *sample_format;
    uint64_t chunk_size;
    struct garden_time started_at;
    struct garden_capture_totals totals;
    struct table_root *chunks, *gaps; // the newest of them
};

#endif
