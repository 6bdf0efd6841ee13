#include "stream_log.h"

#include <string.h>

static void stream_log_free_chunk(const struct zmtp_allocator *allocator, struct table_row *row)
{
    struct snapshot_chunk *chunk = (struct snapshot_chunk *)row;
    zmtp_free(allocator, chunk, sizeof *chunk + chunk->path_size + 1);
}

static void stream_log_free_gap(const struct zmtp_allocator *allocator, struct table_row *row)
{
    zmtp_free(allocator, row, sizeof(struct snapshot_gap));
}

void stream_log_init(struct stream_log *log, struct garden_time now)
{
    *log = (struct stream_log){.started_at = now};
    table_init(&log->chunks, NULL, stream_log_free_chunk);
    table_init(&log->gaps, NULL, stream_log_free_gap);
}

void stream_log_fini(struct stream_log *log)
{
    table_fini(&log->chunks);
    table_fini(&log->gaps);
}

// The id of a row is its number or position.
static struct garden_uuid stream_log_id(uint64_t number)
{
    struct garden_uuid id = {{0}};
    memcpy(id.octets, &number, sizeof number);
    return id;
}

// Takes |row|, which the oldest makes room for.
static void stream_log_add(struct table *table, struct table_row *row)
{
    struct table_cursor cursor = {0};
    if (table->count == STREAM_LOG_MAX && !table_remove(table, table_next(table->root, &cursor))) {
        table->row_free(table->allocator, row);
        return;
    }
    if (!table_add(table, row)) table->row_free(table->allocator, row);
}

void stream_log_chunk(struct stream_log *log, const struct garden_chunk_report *chunk,
                      struct garden_time now)
{
    const struct garden_uuid id = stream_log_id(chunk->number);
    const size_t path_size = strlen(chunk->path);
    if (table_find(&log->chunks, id)) return;
    struct snapshot_chunk *row = zmtp_alloc(log->chunks.allocator, sizeof *row + path_size + 1);
    if (!row) return;
    *row = (struct snapshot_chunk){.row = {.id = id},
                                   .number = chunk->number,
                                   .first = chunk->first,
                                   .frames = chunk->frames,
                                   .bytes = chunk->bytes,
                                   .full_at = now,
                                   .path_size = path_size};
    memcpy(row->path, chunk->path, path_size + 1);
    stream_log_add(&log->chunks, &row->row);
}

void stream_log_gap(struct stream_log *log, const struct garden_gap *gap, struct garden_time now)
{
    const struct garden_uuid id = stream_log_id(gap->first);
    if (table_find(&log->gaps, id)) return;
    struct snapshot_gap *row = zmtp_alloc(log->gaps.allocator, sizeof *row);
    if (!row) return;
    *row = (struct snapshot_gap){
        .row = {.id = id}, .first = gap->first, .count = gap->count, .told_at = now};
    stream_log_add(&log->gaps, &row->row);
}

void stream_log_snapshot(struct stream_log *log, struct snapshot_stream *out)
{
    out->started_at = log->started_at;
    out->chunks = table_snapshot(&log->chunks);
    out->gaps = table_snapshot(&log->gaps);
}

void stream_log_release(const struct snapshot_stream *stream)
{
    // The stream may be gone: all that a release needs of its tables is how to free a row.
    struct stream_log any;
    stream_log_init(&any, stream->started_at);
    table_release(&any.chunks, stream->chunks);
    table_release(&any.gaps, stream->gaps);
}
