// What a stream has written and missed so far, for snapshots: the newest of its chunks and gaps.
#ifndef GARDEN_DAEMON_STREAM_LOG_H
#define GARDEN_DAEMON_STREAM_LOG_H

#include "snapshot_stream.h"

enum { STREAM_LOG_MAX = 4096 }; // chunks, and gaps: three hours of the usual chunks of 2.7 s

struct stream_log {
    struct table chunks, gaps;
    struct garden_time started_at;
};
void stream_log_init(struct stream_log *log, struct garden_time now);
void stream_log_fini(struct stream_log *log);
// Once for each number: a chunk that is told again is no other. Without memory it is left out.
void stream_log_chunk(struct stream_log *log, const struct garden_chunk_report *chunk,
                      struct garden_time now);
void stream_log_gap(struct stream_log *log, const struct garden_gap *gap, struct garden_time now);

// Fills the two lists of |out|; they may outlive the log.
void stream_log_snapshot(struct stream_log *log, struct snapshot_stream *out);
void stream_log_release(const struct snapshot_stream *stream);

#endif
