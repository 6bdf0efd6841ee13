// What a recording writes down before it relies on it, and how it is read back.
#include "recording.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/runs.h"

void garden__recording_file_name(const char *run, const char *suffix, char name[64])
{
    (void)snprintf(name, 64, "%.32s.%.24s", run, suffix);
}

void garden__recording_chunk_name(const char *run, uint64_t number, char name[64])
{
    (void)snprintf(name, 64, "%.32s.%llu", run, (unsigned long long)number);
}

bool garden__recording_number(const char *run, const char *name, uint64_t *out)
{
    const size_t size = GARDEN__RUN_SIZE - 1;
    if (strncmp(name, run, size) != 0 || name[size] != '.') return false;
    const char *digits = name + size + 1;
    const size_t count = strspn(digits, "0123456789");
    if (count == 0 || count > 18 || digits[count] != '\0') return false;
    *out = strtoull(digits, NULL, 10);
    return true;
}

static int journal_note(struct garden_recording *recording, enum garden__record_type type,
                        const struct garden__record *record, struct garden_error *error)
{
    if (record->bad)
        return garden__fail(error, GARDEN_ERR_LIMIT, "a journal record would be too large");
    const struct zmtp_bytes octets = zmtp_bytes_of(record->data, record->size);
    // What is heard of a chunk that is not sealed: the disk need not have its frames yet, nor this.
    if (type == GARDEN__RECORD_HELD || type == GARDEN__RECORD_CLOSED)
        return garden__journal_add(&recording->journal, type, octets, error);
    return garden__journal_append(&recording->journal, type, octets, error);
}

int garden__recording_note_begin(struct garden_recording *recording, struct garden_error *error)
{
    const struct garden_manifest *manifest = &recording->manifest;
    struct garden__record record = {.size = 0};
    garden__record_put(&record, manifest->definition_hash.octets, GARDEN_HASH_SIZE);
    garden__record_put_u64(&record, manifest->frame_size);
    garden__record_put_u64(&record, (uint64_t)recording->kind);
    garden__record_put_u64(&record, (uint64_t)manifest->started_ns);
    garden__record_put(&record, manifest->stream_uri, strlen(manifest->stream_uri));
    return journal_note(recording, GARDEN__RECORD_BEGIN, &record, error);
}

int garden__recording_note_number(struct garden_recording *recording, enum garden__record_type type,
                                  uint64_t number, struct garden_error *error)
{
    struct garden__record record = {.size = 0};
    garden__record_put_u64(&record, number);
    return journal_note(recording, type, &record, error);
}

static void journal_put_report(struct garden__record *record,
                               const struct garden_chunk_report *report)
{
    garden__record_put_u64(record, report->first);
    garden__record_put_u64(record, report->frames);
    garden__record_put_u64(record, report->bytes);
    garden__record_put_u64(record, report->gap_count);
    for (size_t i = 0; i < report->gap_count; i++) {
        garden__record_put_u64(record, report->gaps[i].first);
        garden__record_put_u64(record, report->gaps[i].count);
    }
}

void garden__recording_take_report(struct garden__record_reader *reader,
                                   struct garden_chunk_report *report)
{
    *report = (struct garden_chunk_report){.first = garden__record_take_u64(reader)};
    report->frames = garden__record_take_u64(reader);
    report->bytes = garden__record_take_u64(reader);
    const uint64_t count = garden__record_take_u64(reader);
    if (count > GARDEN_CHUNK_GAPS_MAX) reader->bad = true;
    for (uint64_t i = 0; i < count && !reader->bad; i++) {
        report->gaps[i].first = garden__record_take_u64(reader);
        report->gaps[i].count = garden__record_take_u64(reader);
        report->gap_count++;
    }
}

int garden__recording_note_closed(struct garden_recording *recording,
                                  const struct garden__rotation_chunk *chunk,
                                  struct garden_error *error)
{
    struct garden__record record = {.size = 0};
    garden__record_put_u64(&record, chunk->number);
    journal_put_report(&record, &chunk->report);
    return journal_note(recording, GARDEN__RECORD_CLOSED, &record, error);
}

int garden__recording_note_sealed(struct garden_recording *recording, uint64_t number,
                                  const struct garden_hash *hash,
                                  const struct garden_chunk_report *report,
                                  struct garden_error *error)
{
    struct garden__record record = {.size = 0};
    garden__record_put_u64(&record, number);
    garden__record_put(&record, hash->octets, GARDEN_HASH_SIZE);
    garden__record_put_u64(&record, (uint64_t)recording->manifest.updated_ns);
    journal_put_report(&record, report);
    return journal_note(recording, GARDEN__RECORD_SEALED, &record, error);
}

int garden__recording_note_stopped(struct garden_recording *recording, struct garden_error *error)
{
    const struct garden__rotation *r = &recording->rotation;
    struct garden__record record = {.size = 0};
    garden__record_put_u64(&record, (uint64_t)recording->manifest.updated_ns);
    garden__record_put_u64(&record, r->has_totals);
    garden__record_put_u64(&record, r->totals.offered);
    garden__record_put_u64(&record, r->totals.captured);
    return journal_note(recording, GARDEN__RECORD_STOPPED, &record, error);
}

int garden__recording_note_done(struct garden_recording *recording, struct garden_error *error)
{
    struct garden__record record = {.size = 0};
    garden__record_put(&record, recording->manifest_hash.octets, GARDEN_HASH_SIZE);
    return journal_note(recording, GARDEN__RECORD_DONE, &record, error);
}

int garden__recording_note_limit(struct garden_recording *recording, struct garden_error *error)
{
    struct garden__record record = {.size = 0};
    garden__record_put_u64(&record, recording->frames_max);
    return journal_note(recording, GARDEN__RECORD_LIMIT, &record, error);
}

static bool journal_boot(const struct garden_fs *fs, uint8_t boot[GARDEN__BOOT_SIZE])
{
    const int file =
        fs->open(fs->context, AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC, 0);
    if (file < 0) return false;
    const ssize_t n = garden__fs_read_all(fs, file, boot, GARDEN__BOOT_SIZE);
    garden__fs_close(fs, file);
    return n == GARDEN__BOOT_SIZE;
}

int garden__recording_note_boot(struct garden_recording *recording, struct garden_error *error)
{
    struct garden__record record = {.size = 0};
    uint8_t boot[GARDEN__BOOT_SIZE];
    if (!journal_boot(recording->store->fs, boot)) return GARDEN_OK;
    garden__record_put(&record, boot, sizeof boot);
    recording->boot_noted = recording->boot_same = true;
    return journal_note(recording, GARDEN__RECORD_BOOT, &record, error);
}

// ---- The end that was wished for

uint64_t garden__recording_end(uint64_t end, uint64_t frames_max)
{
    return frames_max > 0 && end > frames_max ? frames_max : end;
}

// Up to where no more are wished for.
uint64_t garden__recording_keep(const struct garden_chunk_report *report, uint32_t frame_size,
                                uint64_t frames_max)
{
    const uint64_t frames = report->bytes / frame_size;
    struct garden__runs runs = {.position = report->first, .left = frames}, next = runs;
    const struct garden_gap *gap;
    if (frames_max == 0) return report->bytes;
    while ((gap = garden__runs_step(&next, report->gaps, report->gap_count)) &&
           gap->first < frames_max)
        runs = next;
    const uint64_t room = runs.position < frames_max ? frames_max - runs.position : 0;
    return (frames - runs.left + (runs.left < room ? runs.left : room)) * frame_size;
}

// ---- Replay

void garden__recording_take_hash(struct garden__record_reader *reader, struct garden_hash *hash)
{
    const uint8_t *octets = garden__record_take(reader, GARDEN_HASH_SIZE);
    if (octets != NULL) memcpy(hash->octets, octets, GARDEN_HASH_SIZE);
}

int garden__recording_take_begin(struct garden__record_reader *reader,
                                 struct garden_manifest *manifest, enum garden_stream_kind *kind)
{
    garden__recording_take_hash(reader, &manifest->definition_hash);
    manifest->frame_size = (uint32_t)garden__record_take_u64(reader);
    *kind = (enum garden_stream_kind)garden__record_take_u64(reader);
    manifest->started_ns = (int64_t)garden__record_take_u64(reader);
    manifest->updated_ns = manifest->started_ns;
    const size_t size = reader->in.size - reader->at;
    const uint8_t *uri = garden__record_take(reader, size);
    if (uri == NULL || size >= sizeof manifest->stream_uri || manifest->frame_size == 0)
        return GARDEN_ERR_FORMAT;
    memcpy(manifest->stream_uri, uri, size);
    manifest->stream_uri[size] = '\0';
    return GARDEN_OK;
}

// The chunk leaves the window, as it did when this was written.
static int replay_gone(struct garden_recording *recording, uint64_t number)
{
    struct garden__rotation *r = &recording->rotation;
    char name[64];
    garden__rotation_replay_held(r, number);
    garden__rotation_closed(r, number, NULL);
    if (r->count == 0 || r->window[0].number != number ||
        r->window[0].state != GARDEN__CHUNK_CLOSED)
        return GARDEN_ERR_FORMAT;
    garden__rotation_sealed(r);
    garden__recording_chunk_name(recording->run, number, name);
    return garden__store_unstage_chunk(recording->store, name, NULL);
}

bool garden__recording_take_sealed(struct garden__record_reader *reader,
                                   struct garden__recording_sealed *out)
{
    garden__recording_take_hash(reader, &out->hash);
    out->updated_ns = (int64_t)garden__record_take_u64(reader);
    garden__recording_take_report(reader, &out->report);
    return !reader->bad;
}

int garden__recording_append_sealed(struct garden_manifest *manifest,
                                    const struct garden__recording_sealed *sealed)
{
    const struct garden_chunk_report *report = &sealed->report;
    manifest->updated_ns = sealed->updated_ns;
    return garden_manifest_append(manifest, &sealed->hash, report->first, report->frames,
                                  report->gaps, report->gap_count);
}

static int replay_sealed(struct garden_recording *recording, struct garden__record_reader *reader,
                         uint64_t number)
{
    struct garden__recording_sealed sealed;
    if (!garden__recording_take_sealed(reader, &sealed)) return GARDEN_ERR_FORMAT;
    const int result = garden__recording_append_sealed(&recording->manifest, &sealed);
    return result != GARDEN_OK ? result : replay_gone(recording, number);
}

static void replay_stopped(struct garden_recording *recording, struct garden__record_reader *reader)
{
    struct garden_capture_totals totals = {0};
    recording->manifest.updated_ns = (int64_t)garden__record_take_u64(reader);
    const bool has_totals = garden__record_take_u64(reader) != 0;
    totals.offered = garden__record_take_u64(reader);
    totals.captured = garden__record_take_u64(reader);
    garden__rotation_replay_stopped(&recording->rotation, has_totals ? &totals : NULL);
    recording->stop_noted = true;
}

static void replay_noted(struct garden_recording *recording, uint64_t number)
{
    struct garden__rotation *r = &recording->rotation;
    for (size_t i = 0; i < r->count; i++)
        if (r->window[i].number == number) r->window[i].report_noted = true;
}

static void replay_boot(struct garden_recording *recording, struct garden__record_reader *reader)
{
    uint8_t boot[GARDEN__BOOT_SIZE];
    const uint8_t *noted = garden__record_take(reader, sizeof boot);
    recording->boot_noted = noted != NULL && journal_boot(recording->store->fs, boot);
    recording->boot_same = recording->boot_noted && memcmp(noted, boot, sizeof boot) == 0;
}

static int replay_record(void *context, uint32_t type, struct zmtp_bytes payload)
{
    struct garden_recording *recording = context;
    struct garden__record_reader reader = {.in = payload};
    struct garden_chunk_report report;
    uint64_t number = 0;
    int result = GARDEN_OK;
    if (type == GARDEN__RECORD_BEGIN)
        return garden__recording_take_begin(&reader, &recording->manifest, &recording->kind);
    if (type == GARDEN__RECORD_STOPPED) {
        replay_stopped(recording, &reader);
        return reader.bad ? GARDEN_ERR_FORMAT : GARDEN_OK;
    }
    if (type == GARDEN__RECORD_DONE) {
        garden__recording_take_hash(&reader, &recording->manifest_hash);
        recording->done_noted = true;
        return reader.bad ? GARDEN_ERR_FORMAT : GARDEN_OK;
    }
    if (type == GARDEN__RECORD_BOOT) {
        replay_boot(recording, &reader);
        return reader.bad ? GARDEN_ERR_FORMAT : GARDEN_OK;
    }
    number = garden__record_take_u64(&reader);
    if (reader.bad) return GARDEN_ERR_FORMAT;
    switch (type) {
    case GARDEN__RECORD_LIMIT:
        recording->frames_max = number;
        break;
    case GARDEN__RECORD_PLANNED:
        garden__rotation_replay_planned(&recording->rotation, number);
        break;
    case GARDEN__RECORD_HELD:
        garden__rotation_replay_held(&recording->rotation, number);
        break;
    case GARDEN__RECORD_CLOSED:
        garden__recording_take_report(&reader, &report);
        report.number = number;
        garden__rotation_replay_held(&recording->rotation, number);
        garden__rotation_closed(&recording->rotation, number, &report);
        replay_noted(recording, number);
        break;
    case GARDEN__RECORD_SEALED:
        result = replay_sealed(recording, &reader, number);
        break;
    case GARDEN__RECORD_EMPTY:
        result = replay_gone(recording, number);
        break;
    default:
        return GARDEN_ERR_VERSION; // written by a later version: nothing is guessed
    }
    return reader.bad ? GARDEN_ERR_FORMAT : result;
}

int garden__recording_replay(struct garden_recording *recording, struct garden_error *error)
{
    char name[64];
    garden__recording_file_name(recording->run, "journal", name);
    const int result = garden__journal_open(&recording->journal, recording->store, name,
                                            replay_record, recording, error);
    if (result != GARDEN_OK) return result;
    if (recording->manifest.stream_uri[0] == '\0')
        return garden__fail(error, GARDEN_ERR_FORMAT,
                            "journal %.60s: does not say which stream it is of", name);
    return GARDEN_OK;
}
