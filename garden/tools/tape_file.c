#include "tape_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TAPE_FILE_SPACE = 64 * 1024, TAPE_FILE_NS = 1000000000 };

// ---- Writing

static int tape_put(struct tape_writer *writer)
{
    const uint8_t *at = writer->octets.data;
    size_t left = writer->octets.size;
    while (left > 0) {
        const ssize_t put = write(writer->file, at, left);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0)
            return tool_fail(writer->tool, "%s cannot be written: %s", writer->path,
                             strerror(errno));
        at += put;
        left -= (size_t)put;
    }
    return TOOL_OK;
}

static int tape_put_head(struct tape_writer *writer)
{
    struct timespec now = {0};
    char started[GARDEN_TIME_TEXT_MAX + 1] = "";
    struct garden_buffer json;
    (void)clock_gettime(CLOCK_REALTIME, &now); // cannot fail for this clock
    const struct garden_time time = {now.tv_sec, (uint32_t)now.tv_nsec};
    (void)garden_time_format(time, started); // this year is in its range
    struct garden_entry entries[] = {
        garden_entry_of("version", garden_value_text(garden_text_of(GARDEN_VERSION))),
        garden_entry_of("started_at", garden_value_text(garden_text_of(started))),
    };
    const struct garden_value head = garden_value_map(entries, 2);
    garden_buffer_init(&json, NULL, 0);
    int result = garden_json_encode(&head, &json);
    const struct garden_tape_record record = {.kind = GARDEN_TAPE_HEAD,
                                              .body = garden_buffer_bytes(&json)};
    if (result == GARDEN_OK)
        result = garden_buffer_append(&writer->octets, garden_tape_magic, GARDEN_TAPE_MAGIC_SIZE);
    if (result == GARDEN_OK) result = garden_tape_encode(&record, &writer->octets);
    garden_buffer_fini(&json);
    return result < 0 ? tool_fail(writer->tool, "%s", garden_err_text(result)) : tape_put(writer);
}

int tape_create(struct tape_writer *writer, const struct tool *tool, const char *path)
{
    *writer = (struct tape_writer){.tool = tool, .path = path, .begun_ns = uv_hrtime()};
    writer->file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (writer->file < 0 && errno == EEXIST)
        return tool_usage(tool, "%s is there already: name another file", path);
    if (writer->file < 0) return tool_fail(tool, "%s cannot be made: %s", path, strerror(errno));
    garden_buffer_init(&writer->octets, NULL, GARDEN_TAPE_BODY_MAX + GARDEN_TAPE_FRAME_SIZE);
    const int result = tape_put_head(writer);
    if (result != TOOL_OK) tape_undo(writer);
    return result;
}

int tape_write(struct tape_writer *writer, struct garden_tape_record record)
{
    record.time_ns = uv_hrtime() - writer->begun_ns;
    garden_buffer_clear(&writer->octets);
    const int result = garden_tape_encode(&record, &writer->octets);
    if (result < 0)
        return tool_fail(writer->tool, "a message cannot be recorded: %s", garden_err_text(result));
    writer->records++;
    return tape_put(writer);
}

int tape_finish(struct tape_writer *writer)
{
    int result = tape_write(writer, (struct garden_tape_record){.kind = GARDEN_TAPE_END});
    if (result == TOOL_OK && fsync(writer->file) != 0 && errno != EINVAL) // a pipe has no disk
        result = tool_fail(writer->tool, "%s cannot be written: %s", writer->path, strerror(errno));
    tape_drop(writer);
    return result;
}

void tape_drop(struct tape_writer *writer)
{
    if (writer->file < 0) return;
    (void)close(writer->file); // what was written was told
    writer->file = -1;
    garden_buffer_fini(&writer->octets);
}

void tape_undo(struct tape_writer *writer)
{
    if (writer->file < 0) return; // the file of that name is none of ours
    (void)unlink(writer->path);
    tape_drop(writer);
}

// ---- Reading

static int tape_wrong(const struct tape_reader *reader, const char *what)
{
    (void)tool_fail(reader->tool, "%s, octet %llu: %s", reader->path,
                    (unsigned long long)reader->offset, what);
    return -1;
}

// More octets behind those that are here. 1; 0 at the end of the file; -1.
static int tape_fill(struct tape_reader *reader)
{
    if (reader->start > 0) {
        memmove(reader->data, reader->data + reader->start, reader->filled - reader->start);
        reader->filled -= reader->start;
        reader->start = 0;
    }
    if (reader->filled == reader->space) {
        const size_t space = reader->space ? 2 * reader->space : TAPE_FILE_SPACE;
        uint8_t *data = realloc(reader->data, space);
        if (!data) return tape_wrong(reader, "no memory for a record");
        reader->data = data;
        reader->space = space;
    }
    for (;;) {
        const ssize_t got =
            read(reader->file, reader->data + reader->filled, reader->space - reader->filled);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tape_wrong(reader, strerror(errno));
        reader->filled += (size_t)got;
        return got > 0;
    }
}

// Any record. As tape_next.
static int tape_record(struct tape_reader *reader, struct garden_tape_record *record)
{
    for (;;) {
        const int64_t taken = garden_tape_decode(
            zmtp_bytes_of(reader->data + reader->start, reader->filled - reader->start), record);
        if (taken > 0) {
            reader->start += (size_t)taken;
            reader->offset += (uint64_t)taken;
            return 1;
        }
        if (taken == GARDEN_ERR_CORRUPT) return tape_wrong(reader, "the record is damaged");
        if (taken < 0) return tape_wrong(reader, "this is no record of a tape");
        const int more = tape_fill(reader);
        if (more <= 0) return more;
    }
}

static int tape_read_head(struct tape_reader *reader)
{
    struct garden_tape_record record;
    struct garden_arena arena;
    struct garden_value head;
    struct garden_text started;
    int more = 1;
    while (more > 0 && reader->filled < GARDEN_TAPE_MAGIC_SIZE)
        more = tape_fill(reader);
    if (more < 0) return TOOL_FAILED;
    if (more == 0 || memcmp(reader->data, garden_tape_magic, GARDEN_TAPE_MAGIC_SIZE) != 0) {
        (void)tape_wrong(reader, "this is no tape");
        return TOOL_DIFFERS;
    }
    reader->start = reader->offset = GARDEN_TAPE_MAGIC_SIZE;
    more = tape_record(reader, &record);
    if (more < 0) return TOOL_DIFFERS;
    garden_arena_init(&arena, NULL, 0);
    const bool read = more > 0 && record.kind == GARDEN_TAPE_HEAD &&
                      garden_json_decode(record.body, &arena, &head, NULL) == GARDEN_OK &&
                      garden_value_to_text(garden_value_find(&head, "started_at"), &started) &&
                      garden_time_parse(started, &reader->started) == GARDEN_OK;
    garden_arena_fini(&arena);
    if (read) return TOOL_OK;
    (void)tape_wrong(reader, "the tape's head is missing, or is none");
    return TOOL_DIFFERS;
}

int tape_open(struct tape_reader *reader, const struct tool *tool, const char *path)
{
    *reader = (struct tape_reader){.tool = tool, .path = path};
    reader->file = open(path, O_RDONLY | O_CLOEXEC);
    if (reader->file < 0) return tool_fail(tool, "%s cannot be read: %s", path, strerror(errno));
    const int result = tape_read_head(reader);
    if (result != TOOL_OK) tape_close(reader);
    return result;
}

int tape_next(struct tape_reader *reader, struct garden_tape_record *record)
{
    while (!reader->ended) {
        const int more = tape_record(reader, record);
        if (more <= 0) return more;
        if (record->kind == GARDEN_TAPE_MESSAGE) return 1;
        reader->ended = record->kind == GARDEN_TAPE_END;
    }
    return 0;
}

void tape_close(struct tape_reader *reader)
{
    if (reader->file < 0) return;
    (void)close(reader->file); // nothing was written
    free(reader->data);
    reader->file = -1;
}

struct garden_time tape_moment(const struct tape_reader *reader,
                               const struct garden_tape_record *record)
{
    const uint64_t nanos = reader->started.nanos + record->time_ns % TAPE_FILE_NS;
    const uint64_t seconds = record->time_ns / TAPE_FILE_NS + nanos / TAPE_FILE_NS;
    return (struct garden_time){reader->started.seconds + (int64_t)seconds,
                                (uint32_t)(nanos % TAPE_FILE_NS)};
}
