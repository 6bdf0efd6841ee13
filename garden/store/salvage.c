// Making a manifest of what is left of a recording that cannot be taken up: its journal is damaged or gone,
// or somebody put another thing in a chunk's place. Whatever tells of it is read: the live manifest, each
// whole record of the journal, the chunk files. Nothing is taken away before the manifest is an object, and
// the live manifest is that one, too: so a crash costs nothing but doing it again, or going on with taking away.
#include "hold.h"
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SALVAGE_REPORTS = 16, SALVAGE_FILES = 64 };

struct salvage {
    struct garden_store *store;
    const char *run;
    struct garden_manifest manifest;
    enum garden_stream_kind kind;
    uint64_t frames_max;  // that were wished for; 0: all
    bool begun;           // it is known which stream it is of
    bool blank;           // its journal can be read, and says nothing of a stream
    uint64_t sealed_next; // chunks of lower numbers are in the manifest
    struct garden_chunk_report reports[SALVAGE_REPORTS]; // the newest, by number
    bool has_report[SALVAGE_REPORTS];
    bool has_totals, done;
    struct garden_capture_totals totals;
    struct garden_hash hash;
    uint64_t files[SALVAGE_FILES];
    size_t file_count;
    size_t lost; // chunk files that were none
};

// ---- The journal

static int salvage_sealed(struct salvage *salvage, struct garden__record_reader *reader,
                          uint64_t number)
{
    struct garden__recording_sealed sealed;
    if (!garden__recording_take_sealed(reader, &sealed) || number < salvage->sealed_next)
        return GARDEN_OK;
    salvage->sealed_next = number + 1;
    // The live manifest is written after this record and has it, unless a crash came between.
    if (sealed.report.first < garden_manifest_end(&salvage->manifest)) return GARDEN_OK;
    return garden__recording_append_sealed(&salvage->manifest, &sealed);
}

static void salvage_stopped(struct salvage *salvage, struct garden__record_reader *reader)
{
    (void)garden__record_take_u64(reader); // when
    const bool has_totals = garden__record_take_u64(reader) != 0;
    salvage->totals.offered = garden__record_take_u64(reader);
    salvage->has_totals = has_totals && !reader->bad;
}

// A record that makes no sense is passed over: what it said is lost, and the others may do without it.
static int salvage_record(void *context, uint32_t type, struct zmtp_bytes payload)
{
    struct salvage *salvage = context;
    struct garden__record_reader reader = {.in = payload};
    struct garden_chunk_report report;
    if (type != GARDEN__RECORD_LIMIT && type != GARDEN__RECORD_BOOT) salvage->blank = false;
    if (type == GARDEN__RECORD_BEGIN) {
        if (!salvage->begun || salvage->manifest.chunk_count == 0)
            salvage->begun = garden__recording_take_begin(&reader, &salvage->manifest,
                                                          &salvage->kind) == GARDEN_OK ||
                             salvage->begun;
        return GARDEN_OK;
    }
    if (type == GARDEN__RECORD_STOPPED) salvage_stopped(salvage, &reader);
    if (type == GARDEN__RECORD_DONE) {
        garden__recording_take_hash(&reader, &salvage->hash);
        salvage->done = !reader.bad;
    }
    if (type != GARDEN__RECORD_SEALED && type != GARDEN__RECORD_CLOSED &&
        type != GARDEN__RECORD_LIMIT)
        return GARDEN_OK;
    const uint64_t number = garden__record_take_u64(&reader);
    if (type == GARDEN__RECORD_LIMIT) {
        if (!reader.bad) salvage->frames_max = number;
        return GARDEN_OK;
    }
    if (type == GARDEN__RECORD_SEALED) return salvage_sealed(salvage, &reader, number);
    garden__recording_take_report(&reader, &report);
    if (reader.bad) return GARDEN_OK;
    report.number = number;
    salvage->reports[number % SALVAGE_REPORTS] = report;
    salvage->has_report[number % SALVAGE_REPORTS] = true;
    return GARDEN_OK;
}

// A live manifest that is an object was salvaged, or finished, by a process that did not live to take the rest away.
// Before that, no live manifest is one.
static int salvage_is_put(struct salvage *salvage, struct garden_error *error)
{
    char *text = NULL;
    size_t size = 0;
    const int result = garden_manifest_print(&salvage->manifest, &text, &size);
    if (result != GARDEN_OK) return garden__fail(error, result, "cannot print the manifest");
    salvage->hash = garden_hash_of(zmtp_bytes_of(text, size));
    zmtp_free(salvage->manifest.allocator, text, size + 1);
    salvage->done = garden_store_verify(salvage->store, &salvage->hash, NULL, NULL) == GARDEN_OK;
    return GARDEN_OK;
}

static int salvage_read(struct salvage *salvage, struct garden_error *error)
{
    char name[64];
    garden__recording_file_name(salvage->run, "json", name);
    const int loaded = garden__manifest_load_at(salvage->store, salvage->store->recordings, name,
                                                &salvage->manifest, NULL);
    if (loaded == GARDEN_ERR_MEMORY)
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a manifest");
    salvage->begun = loaded == GARDEN_OK; // else it is not there, or no manifest: the journal tells
    // MIDI has frames of one octet, and audio has none of less than two.
    if (salvage->begun && salvage->manifest.frame_size == 1) salvage->kind = GARDEN_STREAM_MIDI;
    int result = salvage->begun ? salvage_is_put(salvage, error) : GARDEN_OK;
    if (result != GARDEN_OK || salvage->done) return result;
    garden__recording_file_name(salvage->run, "journal", name);
    salvage->blank = loaded == GARDEN_ERR_NOT_FOUND;
    result = garden__journal_peek(salvage->store, name, salvage_record, salvage, error);
    if (result != GARDEN_OK) salvage->blank = false;
    const bool none = result == GARDEN_ERR_NOT_FOUND || result == GARDEN_ERR_FORMAT ||
                      result == GARDEN_ERR_ACCESS;
    if (result != GARDEN_OK && !none) return result;
    // It may have been an object already, and may not be one any more.
    salvage->done = salvage->done &&
                    garden_store_verify(salvage->store, &salvage->hash, NULL, NULL) == GARDEN_OK;
    if (salvage->begun) return GARDEN_OK;
    return garden__fail(error, GARDEN_ERR_CORRUPT,
                        "recording %.32s: neither its journal nor its live manifest can be read",
                        salvage->run);
}

// ---- The chunk files

static bool salvage_list(void *context, const char *name)
{
    struct salvage *salvage = context;
    uint64_t number;
    if (!garden__recording_number(salvage->run, name, &number)) return true;
    salvage->files[salvage->file_count++] = number;
    return salvage->file_count < SALVAGE_FILES;
}

static int salvage_compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

// Its name is the second one of an object: sealing it had begun.
static bool salvage_is_linked(const struct salvage *salvage, const char *name)
{
    const struct garden_fs *fs = salvage->store->fs;
    struct stat status;
    const int file = fs->open(fs->context, salvage->store->staging, name,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (file < 0) return false;
    const bool linked = fs->stat(fs->context, file, &status) == 0 && status.st_nlink > 1;
    garden__fs_close(fs, file);
    return linked;
}

// The position after a chunk, with the gaps in it and behind it.
static uint64_t salvage_end(const struct garden_chunk_report *report)
{
    uint64_t end = report->first + report->frames;
    for (size_t i = 0; i < report->gap_count; i++)
        if (report->gaps[i].first > report->first) end += report->gaps[i].count;
    return end;
}

static int salvage_chunk(struct salvage *salvage, uint64_t number, struct garden_error *error)
{
    struct garden_manifest *manifest = &salvage->manifest;
    const size_t slot = number % SALVAGE_REPORTS;
    struct garden_chunk_report noted;
    const struct garden_chunk_report *report =
        salvage->has_report[slot] && salvage->reports[slot].number == number
            ? &salvage->reports[slot]
            : NULL;
    const uint64_t end = garden_manifest_end(manifest);
    struct garden_hash hash;
    uint64_t size = 0;
    char name[64];
    if (report != NULL && report->first == GARDEN_POSITION_UNKNOWN) report = NULL;
    if (report != NULL && report->frames > 0 && report->first < end)
        return GARDEN_OK; // it is in it
    garden__recording_chunk_name(salvage->run, number, name);
    const bool linked = salvage_is_linked(salvage, name);
    int result = garden__store_gaps(salvage->store, name, end, &noted, error);
    if (result != GARDEN_OK) return result;
    const struct garden_chunk_report *const known = report != NULL ? report : &noted;
    result = garden__store_seal_frames(
        salvage->store, name,
        garden__recording_keep(known, manifest->frame_size, salvage->frames_max),
        manifest->frame_size, salvage->kind == GARDEN_STREAM_MIDI ? "audio/midi" : "audio/raw",
        &hash, &size, error);
    if (result == GARDEN_ERR_ACCESS) { // no file of ours, or nobody's to read
        salvage->lost++;
        size = 0;
    } else if (result != GARDEN_OK) {
        return result;
    }
    if (size > 0 && linked && manifest->chunk_count > 0 &&
        garden_hash_equal(&manifest->chunks[manifest->chunk_count - 1].hash, &hash))
        return GARDEN_OK; // the manifest knew of it before the journal was damaged
    if (size > 0)
        result = garden_manifest_append(manifest, &hash, known->first, size / manifest->frame_size,
                                        known->gaps, known->gap_count);
    else
        result = GARDEN_OK;
    if (result == GARDEN_OK && report != NULL)
        result = garden__manifest_lose(
            manifest, garden__recording_end(salvage_end(report), salvage->frames_max));
    return result == GARDEN_OK ? GARDEN_OK
                               : garden__fail(error, result, "no memory for a manifest");
}

static int salvage_chunks(struct salvage *salvage, struct garden_error *error)
{
    int result = garden_store_each_staged(salvage->store, salvage_list, salvage, error);
    if (result != GARDEN_OK) return result;
    if (salvage->file_count == SALVAGE_FILES)
        return garden__fail(error, GARDEN_ERR_LIMIT,
                            "recording %.32s: has %d chunk files or more; it never makes so many",
                            salvage->run, SALVAGE_FILES);
    qsort(salvage->files, salvage->file_count, sizeof salvage->files[0], salvage_compare);
    for (size_t i = 0; i < salvage->file_count && result == GARDEN_OK; i++)
        if (salvage->files[i] >= salvage->sealed_next && !salvage->done)
            result = salvage_chunk(salvage, salvage->files[i], error);
    return result;
}

// ---- The end

static int salvage_put(struct salvage *salvage, struct garden_instant now,
                       struct garden_error *error)
{
    struct garden_manifest *manifest = &salvage->manifest;
    char *text = NULL;
    size_t size = 0;
    if (now.wall_ns > manifest->updated_ns)
        manifest->updated_ns = now.wall_ns; // clocks go back, too
    int result =
        salvage->has_totals
            ? garden_manifest_finish(
                  manifest, garden__recording_end(salvage->totals.offered, salvage->frames_max))
            : GARDEN_OK;
    if (result == GARDEN_OK) result = garden_manifest_print(manifest, &text, &size);
    if (result != GARDEN_OK) return garden__fail(error, result, "cannot print the manifest");
    result = garden_store_put(salvage->store, zmtp_bytes_of(text, size), "application/json",
                              &salvage->hash, error);
    zmtp_free(manifest->allocator, text, size + 1);
    garden__step(salvage->store->fs, "salvage.put");
    char name[64];
    garden__recording_file_name(salvage->run, "json", name);
    if (result == GARDEN_OK)
        result = garden__manifest_save_at(manifest, salvage->store, salvage->store->recordings,
                                          name, true, error);
    garden__step(salvage->store->fs, "salvage.saved");
    return result;
}

static int salvage_clean(struct salvage *salvage, struct garden_error *error)
{
    char name[64];
    int result = GARDEN_OK;
    for (size_t i = 0; i < salvage->file_count && result == GARDEN_OK; i++) {
        garden__recording_chunk_name(salvage->run, salvage->files[i], name);
        result = garden__store_unstage_chunk(salvage->store, name, error);
    }
    // The live manifest goes last: as long as it is there, it tells that all is done.
    garden__recording_file_name(salvage->run, "journal", name);
    if (result == GARDEN_OK) result = garden_store_unstage(salvage->store, name, error);
    return result == GARDEN_OK ? garden__recording_remove_saved(salvage->store, salvage->run, error)
                               : result;
}

// Whether nobody records it, on either side. What is no journal has no one who does.
static int salvage_lock(const struct salvage *salvage, int *out, struct garden_error *error)
{
    const struct garden_fs *fs = salvage->store->fs;
    char name[64];
    if (garden__hold_is_taken(fs, salvage->store->staging, salvage->run))
        return garden__fail(error, GARDEN_ERR_STATE,
                            "recording %.32s: is still being written by its daemon", salvage->run);
    garden__recording_file_name(salvage->run, "journal", name);
    *out = fs->open(fs->context, salvage->store->staging, name,
                    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (*out < 0 || fs->lock(fs->context, *out) == 0) return GARDEN_OK;
    garden__fs_close(fs, *out);
    *out = -1;
    return garden__fail(error, GARDEN_ERR_STATE,
                        "journal %.100s: another process still records this stream", name);
}

// One that was killed before its journal said what it is of: no live manifest was written then, no chunk planned. A
// journal that is longer than one so young, or has chunks, was damaged.
static int salvage_nothing(struct salvage *salvage, struct garden_error *error)
{
    char name[64];
    uint64_t size = 0;
    bool closed = false;
    garden__recording_file_name(salvage->run, "journal", name);
    int result = garden_store_inspect(salvage->store, name, &size, &closed, error);
    if (result == GARDEN_OK)
        result = garden_store_each_staged(salvage->store, salvage_list, salvage, error);
    if (result == GARDEN_OK && (salvage->file_count > 0 || size > GARDEN__JOURNAL_PAYLOAD_MAX))
        return garden__fail(
            error, GARDEN_ERR_CORRUPT,
            "recording %.32s: neither its journal nor its live manifest can be read", salvage->run);
    if (result == GARDEN_OK) result = salvage_clean(salvage, error);
    if (result != GARDEN_OK) return result;
    return garden__fail(error, GARDEN_ERR_NOT_FOUND,
                        "recording %.32s: was ended before it began: nothing was captured, and "
                        "nothing is left of it",
                        salvage->run);
}

static int salvage_work(struct salvage *salvage, struct garden_instant now,
                        struct garden_error *error)
{
    int result = salvage_read(salvage, error);
    if (result == GARDEN_ERR_CORRUPT && salvage->blank) return salvage_nothing(salvage, error);
    if (result == GARDEN_OK) result = salvage_chunks(salvage, error);
    if (result == GARDEN_OK && !salvage->done) result = salvage_put(salvage, now, error);
    if (result == GARDEN_OK) result = salvage_clean(salvage, error);
    if (result != GARDEN_ERR_NOT_FOUND) return result;
    // A folder that is gone; there was something to save.
    if (error != NULL) error->code = GARDEN_ERR_SYSTEM;
    return GARDEN_ERR_SYSTEM;
}

int garden_recording_salvage(struct garden_store *store, const char *run, struct garden_instant now,
                             struct garden_hash *out, size_t *out_lost, struct garden_error *error)
{
    int lock = -1;
    if (strlen(run) != GARDEN__RUN_SIZE - 1)
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "run %.100s: is no run's name", run);
    int result = garden__store_writable(store, error);
    struct salvage *salvage =
        result == GARDEN_OK ? zmtp_alloc(store->allocator, sizeof *salvage) : NULL;
    if (salvage == NULL)
        return result != GARDEN_OK
                   ? result
                   : garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a recording");
    memset(salvage, 0, sizeof *salvage);
    salvage->store = store;
    salvage->run = run;
    garden_manifest_init(&salvage->manifest, store->allocator);
    result = salvage_lock(salvage, &lock, error);
    if (result == GARDEN_OK) result = salvage_work(salvage, now, error);
    if (lock >= 0) garden__fs_close(store->fs, lock);
    if (result == GARDEN_OK) {
        *out = salvage->hash;
        *out_lost = salvage->lost;
    }
    garden_manifest_fini(&salvage->manifest);
    zmtp_free(store->allocator, salvage, sizeof *salvage);
    return result;
}
