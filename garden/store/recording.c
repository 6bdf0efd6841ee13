// A recording does the file work that its rotation machine asks for. Each step is written to the
// journal before anything relies on it, and each can be done again after a crash in its middle:
//
//   plan: journal, then make the file     seal: object, journal, manifest, then remove the staged name
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "../core/admit.h"
#include "hold.h"

static const struct zmtp_allocator *recording_memory(const struct garden_store *store)
{
    return store->allocator;
}

static int recording_make(struct garden_store *store, struct garden_recording **out,
                          struct garden_error *error)
{
    struct garden_recording *recording = zmtp_alloc(recording_memory(store), sizeof *recording);
    if (recording == NULL)
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a recording");
    memset(recording, 0, sizeof *recording);
    recording->store = store;
    recording->journal.file = -1;
    recording->journal.fs = store->fs;
    garden_manifest_init(&recording->manifest, recording_memory(store));
    *out = recording;
    return GARDEN_OK;
}

void garden_recording_close(struct garden_recording *recording)
{
    if (recording == NULL) return;
    garden__journal_close(&recording->journal);
    garden_manifest_fini(&recording->manifest);
    zmtp_free(recording_memory(recording->store), recording, sizeof *recording);
}

static int recording_save(struct garden_recording *recording, bool sync, struct garden_error *error)
{
    char name[64];
    struct garden_store *store = recording->store;
    garden__recording_file_name(recording->run, "json", name);
    const int result =
        garden__manifest_save_at(&recording->manifest, store, store->recordings, name, sync, error);
    if (result == GARDEN_OK) recording->saved_count = recording->manifest.chunk_count;
    return result;
}

// With each rotation, while that is cheap; the manifest of very many chunks with each so many, for its
// whole text is written anew. And onto the disk with each, unless they follow so fast that the disk would do
// nothing else. The journal is on it and knows the rest.
static int recording_save_some(struct garden_recording *recording, struct garden_instant now,
                               struct garden_error *error)
{
    enum { RECORDING_SAVES = 1024, RECORDING_SYNC_MS = 1000 };
    const size_t count = recording->manifest.chunk_count;
    if (count - recording->saved_count < count / RECORDING_SAVES) return GARDEN_OK;
    const bool sync = now.mono_ms >= recording->sync_due_ms;
    if (sync) recording->sync_due_ms = now.mono_ms + RECORDING_SYNC_MS;
    return recording_save(recording, sync, error);
}

int garden__recording_remove_saved(struct garden_store *store, const char *run,
                                   struct garden_error *error)
{
    char name[64];
    garden__recording_file_name(run, "json", name);
    if (store->fs->unlink(store->fs->context, store->recordings, name) != 0 && errno != ENOENT)
        return garden__fail_errno(error, "cannot remove live manifest", name);
    return GARDEN_OK;
}

static int recording_unstage(struct garden_recording *recording, const char *suffix,
                             struct garden_error *error)
{
    char name[64];
    garden__recording_file_name(recording->run, suffix, name);
    return garden_store_unstage(recording->store, name, error);
}

static int recording_begin(struct garden_recording *recording,
                           const struct garden_recording_config *config, struct garden_error *error)
{
    struct garden_manifest *manifest = &recording->manifest;
    unsigned char random[16];
    char name[64];
    randombytes_buf(random, sizeof random);
    (void)sodium_bin2hex(recording->run, sizeof recording->run, random, sizeof random);
    int result = garden_store_put(recording->store, config->definition, "application/json",
                                  &manifest->definition_hash, error);
    if (result != GARDEN_OK) return result;
    garden__recording_file_name(recording->run, "journal", name);
    result = garden__journal_create(&recording->journal, recording->store, name, error);
    if (result != GARDEN_OK) return result;
    if (recording->frames_max > 0) result = garden__recording_note_limit(recording, error);
    if (result == GARDEN_OK) result = garden__recording_note_begin(recording, error);
    if (result == GARDEN_OK) result = garden__recording_note_boot(recording, error);
    if (result == GARDEN_OK) result = recording_save(recording, true, error);
    if (result == GARDEN_OK) return GARDEN_OK;
    // Nothing was recorded yet, so nothing is left; the first failure is the one to tell.
    (void)garden__recording_remove_saved(recording->store, recording->run, NULL);
    (void)recording_unstage(recording, "journal", NULL);
    return result;
}

static void recording_set_clock(struct garden_recording *recording, struct garden_instant now)
{
    recording->wall_at_zero_ns = now.wall_ns - now.mono_ms * 1000000;
}

// The manifest's times are the wall's at the start and what has passed since, so that they fit together
// whatever happens to that clock. Of a process before this one it may have been ahead.
static void recording_touch(struct garden_recording *recording, struct garden_instant now)
{
    const int64_t wall_ns = recording->wall_at_zero_ns + now.mono_ms * 1000000;
    if (wall_ns > recording->manifest.updated_ns) recording->manifest.updated_ns = wall_ns;
}

int garden_recording_open(struct garden_store *store, const struct garden_recording_config *config,
                          struct garden_instant now, struct garden_recording **out,
                          struct garden_error *error)
{
    int result = garden__admit(config->uri, &config->format, config->chunk_size, error);
    if (result < 0) return result;
    struct garden_recording *recording = NULL;
    result = recording_make(store, &recording, error);
    if (result != GARDEN_OK) return result;
    garden__rotation_init(&recording->rotation, config->retry_ms);
    strcpy(recording->manifest.stream_uri, config->uri);
    recording->manifest.frame_size = garden_frame_size(&config->format);
    recording->manifest.started_ns = now.wall_ns;
    recording->manifest.updated_ns = now.wall_ns;
    recording_set_clock(recording, now);
    recording->kind = config->format.kind;
    recording->frames_max = config->frames_max;
    result = recording_begin(recording, config, error);
    if (result != GARDEN_OK) {
        garden_recording_close(recording);
        return result;
    }
    *out = recording;
    return GARDEN_OK;
}

// What the journal cannot know: which files were made, and which the daemon has closed.
static int recording_look(struct garden_recording *recording, struct garden_error *error)
{
    struct garden__rotation *r = &recording->rotation;
    for (size_t i = 0; i < r->count; i++) {
        struct garden__rotation_chunk *chunk = &r->window[i];
        char name[64];
        uint64_t size = 0;
        bool closed = false;
        garden__recording_chunk_name(recording->run, chunk->number, name);
        const int result = garden_store_inspect(recording->store, name, &size, &closed, error);
        if (result == GARDEN_ERR_NOT_FOUND) continue;
        if (result != GARDEN_OK) return result;
        garden__rotation_staged(r, chunk->number);
        if (closed) garden__rotation_closed(r, chunk->number, NULL);
    }
    return GARDEN_OK;
}

// The live manifest is written after the journal, which is on the disk by then. So one that knows of more chunks tells
// that the journal has lost its end, which by itself looks as if a crash had torn it.
static int recording_compare(const struct garden_recording *recording, struct garden_error *error)
{
    struct garden_manifest saved;
    char name[64];
    garden__recording_file_name(recording->run, "json", name);
    const int result = garden__manifest_load_at(recording->store, recording->store->recordings,
                                                name, &saved, NULL);
    if (result == GARDEN_ERR_MEMORY)
        return garden__fail(error, result, "no memory for a live manifest");
    if (result != GARDEN_OK) return GARDEN_OK; // it is to be made again
    const size_t known = recording->manifest.chunk_count, had = saved.chunk_count;
    garden_manifest_fini(&saved);
    if (had <= known) return GARDEN_OK;
    return garden__fail(error, GARDEN_ERR_CORRUPT,
                        "journal %.32s: knows of %zu of the %zu chunks that were sealed; recover "
                        "what is whole",
                        recording->run, known, had);
}

// The number of this recording's chunk that |path| names.
static bool recording_number(const struct garden_recording *recording, const char *path,
                             uint64_t *out)
{
    const char *slash = strrchr(path, '/');
    return garden__recording_number(recording->run, slash != NULL ? slash + 1 : path, out);
}

struct recording_unplanned {
    const struct garden_recording *recording;
    bool found;
};

static bool recording_find_unplanned(void *context, const char *name)
{
    struct recording_unplanned *unplanned = context;
    uint64_t number = 0;
    unplanned->found = garden__recording_number(unplanned->recording->run, name, &number) &&
                       number >= unplanned->recording->rotation.next_number;
    return !unplanned->found;
}

// A chunk is planned in the journal, on the disk, before its file is made. So a file that the journal does not know of
// tells the same as a live manifest that knows more.
static int recording_compare_files(const struct garden_recording *recording,
                                   struct garden_error *error)
{
    struct recording_unplanned unplanned = {.recording = recording};
    const int result =
        garden_store_each_staged(recording->store, recording_find_unplanned, &unplanned, error);
    if (result != GARDEN_OK || !unplanned.found) return result;
    return garden__fail(error, GARDEN_ERR_CORRUPT,
                        "journal %.32s: does not know of a chunk that was staged; recover what is "
                        "whole",
                        recording->run);
}

int garden_recording_resume(struct garden_store *store, const char *run, struct garden_instant now,
                            struct garden_recording **out, struct garden_error *error)
{
    struct garden_recording *recording = NULL;
    if (strlen(run) != GARDEN__RUN_SIZE - 1)
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "run %.100s: is no run's name", run);
    int result = recording_make(store, &recording, error);
    if (result != GARDEN_OK) return result;
    strcpy(recording->run, run);
    recording_set_clock(recording, now); // the times so far are the journal's
    garden__rotation_init(&recording->rotation, 0);
    result = garden__recording_replay(recording, error);
    if (result == GARDEN_OK && !recording->done_noted) result = recording_compare(recording, error);
    if (result == GARDEN_OK) result = recording_compare_files(recording, error);
    if (result == GARDEN_OK) result = recording_look(recording, error);
    if (result == GARDEN_OK && !recording->done_noted)
        result = recording_save(recording, true, error);
    if (result != GARDEN_OK) {
        garden_recording_close(recording);
        return result;
    }
    *out = recording;
    return GARDEN_OK;
}

struct recording_left {
    const struct garden_store *store;
    bool (*each)(void *context, const char *run);
    void *context;
    bool ended;
};

// Calls |each| with the run of a |name| that ends in |suffix|.
static bool recording_left_name(struct recording_left *left, const char *name, const char *suffix)
{
    char run[GARDEN__RUN_SIZE];
    if (strlen(name) != GARDEN__RUN_SIZE - 1 + strlen(suffix)) return true;
    if (strcmp(name + GARDEN__RUN_SIZE - 1, suffix) != 0) return true;
    memcpy(run, name, sizeof run - 1);
    run[sizeof run - 1] = '\0';
    left->ended = !left->each(left->context, run);
    return !left->ended;
}

static bool recording_left_journal(void *context, const char *name)
{
    return recording_left_name(context, name, ".journal");
}

// One whose journal is gone: only what it had sealed is known.
static bool recording_left_saved(void *context, const char *name)
{
    struct recording_left *left = context;
    char journal[64];
    garden__recording_file_name(name, "journal", journal);
    if (faccessat(left->store->staging, journal, F_OK, AT_SYMLINK_NOFOLLOW) == 0) return true;
    return recording_left_name(left, name, ".json");
}

int garden_recording_each_left(const struct garden_store *store,
                               bool (*each)(void *context, const char *run), void *context,
                               struct garden_error *error)
{
    struct recording_left left = {.store = store, .each = each, .context = context};
    const int result = garden_store_each_staged(store, recording_left_journal, &left, error);
    if (result != GARDEN_OK || left.ended || store->recordings < 0) return result;
    return garden__store_each_name(store, "recordings", recording_left_saved, &left, error);
}

bool garden_recording_held(const struct garden_store *store, const char *run)
{
    const struct garden_fs *fs = store->fs;
    char name[64];
    garden__recording_file_name(run, "journal", name);
    const int file = fs->open(fs->context, store->staging, name,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (file < 0) return false; // one without a journal is nobody's
    const bool held = fs->lock_shared(fs->context, file) != 0 && errno == EWOULDBLOCK;
    garden__fs_close(fs, file);
    return held;
}

int garden_recording_peek(const struct garden_store *store, const char *run,
                          struct garden_manifest *out, struct garden_error *error)
{
    char name[64];
    garden__recording_file_name(run, "json", name);
    return garden__manifest_load_at(store, store->recordings, name, out, error);
}

// ---- Work

static int recording_stage(struct garden_recording *recording, struct garden__rotation_chunk *chunk,
                           struct garden_error *error)
{
    char name[64];
    int result =
        garden__recording_note_number(recording, GARDEN__RECORD_PLANNED, chunk->number, error);
    if (result != GARDEN_OK) return result;
    garden__recording_chunk_name(recording->run, chunk->number, name);
    result = garden_store_stage(recording->store, name, error);
    if (result == GARDEN_OK) garden__rotation_staged(&recording->rotation, chunk->number);
    return result;
}

// Writes down what was heard of the chunks since the last time. Returns of how many.
static int recording_note(struct garden_recording *recording, struct garden_error *error)
{
    struct garden__rotation *r = &recording->rotation;
    int count = 0;
    for (size_t i = 0; i < r->count; i++) {
        struct garden__rotation_chunk *chunk = &r->window[i];
        int result = GARDEN_OK;
        if (chunk->reported && !chunk->report_noted) {
            result = garden__recording_note_closed(recording, chunk, error);
            chunk->report_noted = result == GARDEN_OK;
            count++;
        } else if (chunk->state == GARDEN__CHUNK_HELD && !chunk->held_noted) {
            result =
                garden__recording_note_number(recording, GARDEN__RECORD_HELD, chunk->number, error);
            chunk->held_noted = result == GARDEN_OK;
            count++;
        }
        if (result != GARDEN_OK) return result;
    }
    return count;
}

// Makes the chunk an object and writes that down. |*out_empty|: there was nothing to keep.
static int recording_make_object(struct garden_recording *recording, struct garden_instant now,
                                 struct garden__rotation_chunk *chunk, bool *out_empty,
                                 struct garden_error *error)
{
    struct garden_manifest *manifest = &recording->manifest;
    struct garden_chunk_report report = chunk->report;
    struct garden_hash hash;
    uint64_t size = 0;
    char name[64];
    int result = GARDEN_OK;
    garden__recording_chunk_name(recording->run, chunk->number, name);
    if (!chunk->reported)
        result = garden__store_gaps(recording->store, name, garden_manifest_end(manifest), &report,
                                    error);
    else if (report.first == GARDEN_POSITION_UNKNOWN)
        report.first = garden_manifest_end(manifest);
    if (result != GARDEN_OK) return result;
    const uint64_t size_max =
        garden__recording_keep(&report, manifest->frame_size, recording->frames_max);
    result = garden__store_seal_frames(
        recording->store, name, size_max, manifest->frame_size,
        recording->kind == GARDEN_STREAM_MIDI ? "audio/midi" : "audio/raw", &hash, &size, error);
    *out_empty = size == 0;
    if (result != GARDEN_OK || *out_empty) return result;
    garden__step(recording->store->fs, "recording.object");
    report.frames = size / manifest->frame_size;
    report.bytes = size;
    result = garden__manifest_reserve(manifest, 1, report.gap_count + 1);
    if (result != GARDEN_OK) return garden__fail(error, result, "no memory for a manifest");
    recording_touch(recording, now);
    result = garden__recording_note_sealed(recording, chunk->number, &hash, &report, error);
    if (result != GARDEN_OK) return result;
    chunk->sealed_noted = true;
    // Cannot fail: the room is reserved.
    (void)garden_manifest_append(manifest, &hash, report.first, report.frames, report.gaps,
                                 report.gap_count);
    return GARDEN_OK;
}

static int recording_seal(struct garden_recording *recording, struct garden_instant now,
                          struct garden__rotation_chunk *chunk, struct garden_error *error)
{
    char name[64];
    bool empty = false;
    int result = GARDEN_OK;
    if (!chunk->sealed_noted) result = recording_make_object(recording, now, chunk, &empty, error);
    if (result != GARDEN_OK) return result;
    garden__recording_chunk_name(recording->run, chunk->number, name);
    if (empty) {
        result =
            garden__recording_note_number(recording, GARDEN__RECORD_EMPTY, chunk->number, error);
    } else {
        result = recording_save_some(recording, now, error);
        garden__step(recording->store->fs, "recording.announced");
    }
    if (result == GARDEN_OK) result = garden__store_unstage_chunk(recording->store, name, error);
    garden__step(recording->store->fs, "recording.unstaged");
    if (result == GARDEN_OK) garden__rotation_sealed(&recording->rotation);
    return result;
}

static int recording_note_end(struct garden_recording *recording, struct garden_instant now,
                              struct garden_error *error)
{
    if (recording->stop_noted || recording->rotation.state != GARDEN_RECORDING_FINISHING)
        return GARDEN_OK;
    recording_touch(recording, now);
    const int result = garden__recording_note_stopped(recording, error);
    if (result == GARDEN_OK) recording->stop_noted = true;
    return result;
}

static int recording_put_manifest(struct garden_recording *recording, struct garden_error *error)
{
    struct garden_manifest *manifest = &recording->manifest;
    const struct garden__rotation *r = &recording->rotation;
    char *text = NULL;
    size_t size = 0;
    int result = GARDEN_OK;
    // Without totals nobody knows whether more was offered: the manifest stays incomplete, unless all is there that
    // was wished for.
    const bool reached =
        recording->frames_max > 0 && garden_manifest_end(manifest) >= recording->frames_max;
    if (r->has_totals || reached)
        result = garden_manifest_finish(
            manifest, garden__recording_end(r->totals.offered, recording->frames_max));
    if (result == GARDEN_OK) result = garden_manifest_print(manifest, &text, &size);
    if (result != GARDEN_OK) return garden__fail(error, result, "cannot print the manifest");
    result = garden_store_put(recording->store, zmtp_bytes_of(text, size), "application/json",
                              &recording->manifest_hash, error);
    zmtp_free(manifest->allocator, text, size + 1);
    garden__step(recording->store->fs, "recording.manifest");
    if (result == GARDEN_OK) result = garden__recording_note_done(recording, error);
    if (result == GARDEN_OK) recording->done_noted = true;
    return result;
}

// The journal goes last: as long as it is there, the recording can be taken up.
static int recording_finish(struct garden_recording *recording, struct garden_error *error)
{
    const bool refused = recording->rotation.state == GARDEN_RECORDING_REFUSED;
    int result = GARDEN_OK;
    if (!refused && !recording->done_noted) result = recording_put_manifest(recording, error);
    if (result == GARDEN_OK)
        result = garden__recording_remove_saved(recording->store, recording->run, error);
    garden__step(recording->store->fs, "recording.done");
    if (result == GARDEN_OK) result = recording_unstage(recording, "journal", error);
    garden__step(recording->store->fs, "recording.gone");
    if (result == GARDEN_OK) garden__rotation_finished(&recording->rotation);
    return result;
}

enum { RECORDING_NOTED = 1 };

// GARDEN_OK: done. RECORDING_NOTED: not yet, but there is something to tell the daemon first.
static int recording_work_one(struct garden_recording *recording, struct garden_instant now,
                              const struct garden__work *work, struct garden_error *error)
{
    int result = recording_note_end(recording, now, error);
    if (result == GARDEN_OK) result = recording_note(recording, error);
    if (result < 0) return result;
    // The daemon waits for the answer that can be given now, so the long work is the next call's.
    if (result > 0 && work->kind == GARDEN__WORK_SEAL) return RECORDING_NOTED;
    switch (work->kind) {
    case GARDEN__WORK_NONE:
        return GARDEN_OK;
    case GARDEN__WORK_STAGE:
        return recording_stage(recording, work->chunk, error);
    case GARDEN__WORK_SEAL:
        return recording_seal(recording, now, work->chunk, error);
    case GARDEN__WORK_FINISH:
        return recording_finish(recording, error);
    }
    return GARDEN_OK;
}

int garden_recording_work(struct garden_recording *recording, struct garden_instant now,
                          struct garden_error *error)
{
    int count = 0;
    for (;;) {
        const struct garden__work work = garden__rotation_work(&recording->rotation, now.mono_ms);
        if (now.mono_ms < recording->rotation.work_due_ms || recording->rotation.finished)
            return count;
        const int result = recording_work_one(recording, now, &work, error);
        if (result < 0) {
            garden__rotation_work_failed(&recording->rotation, now.mono_ms);
            return result;
        }
        if (work.kind == GARDEN__WORK_NONE) {
            garden__rotation_worked(&recording->rotation); // what may have failed was the journal
            return count;
        }
        count++;
        if (work.kind == GARDEN__WORK_SEAL) return count;
    }
}

// ---- Requests, replies, events

bool garden_recording_request(struct garden_recording *recording, struct garden_instant now,
                              struct garden_recording_request *out)
{
    uint64_t number = 0;
    char name[64];
    struct garden_recording_request request = {.kind = GARDEN_REQUEST_NONE};
    if (!garden__rotation_request(&recording->rotation, now.mono_ms, &request.kind, &request.token,
                                  &number))
        return false;
    if (request.kind != GARDEN_REQUEST_STOP) {
        garden__recording_chunk_name(recording->run, number, name);
        (void)snprintf(recording->path, sizeof recording->path, "%.440s/%s",
                       recording->store->staging_path, name);
        request.path = recording->path;
    }
    *out = request;
    return true;
}

void garden_recording_chunk_full(struct garden_recording *recording, struct garden_instant now,
                                 const struct garden_chunk_report *report)
{
    (void)now; // nothing waits for this
    uint64_t number = 0;
    if (report->gap_count > GARDEN_CHUNK_GAPS_MAX) return;
    if (recording_number(recording, report->path, &number))
        garden__rotation_closed(&recording->rotation, number, report);
}

void garden_recording_head(struct garden_recording *recording, struct garden_instant now,
                           const char *path)
{
    (void)now; // nothing waits for this
    uint64_t number = 0;
    if (path != NULL && recording_number(recording, path, &number) && number > 0)
        garden__rotation_closed(&recording->rotation, number - 1, NULL);
}

void garden_recording_reply(struct garden_recording *recording, struct garden_instant now,
                            uint64_t token, int result, const struct garden_chunk_report *report,
                            const struct garden_capture_totals *totals)
{
    // The report first: after a stop's reply there is nothing left to be told.
    if (report != NULL && result >= 0) garden_recording_chunk_full(recording, now, report);
    (void)garden__rotation_reply(&recording->rotation, now.mono_ms, token, result, totals);
}

void garden_recording_stop(struct garden_recording *recording, struct garden_instant now)
{
    garden__rotation_stop(&recording->rotation, now.mono_ms);
}

int garden_recording_idle(const struct garden_recording *recording, struct garden_error *error)
{
    const struct garden_fs *fs = recording->store->fs;
    const struct garden__rotation *r = &recording->rotation;
    if (garden__hold_is_taken(fs, recording->store->staging, recording->run))
        return garden__fail(error, GARDEN_ERR_STATE,
                            "recording %.32s: is still being written by its daemon",
                            recording->run);
    // A daemon that holds no such word, for want of a descriptor or on a file system without, holds its chunks.
    for (size_t i = 0; i < r->count; i++) {
        char name[64];
        garden__recording_chunk_name(recording->run, r->window[i].number, name);
        const int file = fs->open(fs->context, recording->store->staging, name,
                                  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
        if (file < 0) continue; // what ails it is told by the work
        const bool held = fs->lock_shared(fs->context, file) != 0 && errno == EWOULDBLOCK;
        garden__fs_close(fs, file);
        if (held)
            return garden__fail(error, GARDEN_ERR_STATE, "chunk %.100s: is still being written",
                                name);
    }
    return GARDEN_OK;
}

void garden_recording_abandon(struct garden_recording *recording, struct garden_instant now)
{
    (void)now; // it takes effect with the next work
    garden__rotation_abandon(&recording->rotation);
}

int64_t garden_recording_deadline_ms(const struct garden_recording *recording)
{
    return garden__rotation_deadline_ms(&recording->rotation);
}

bool garden_recording_in_place(const struct garden_recording *recording)
{
    return garden__store_in_place(recording->store);
}

bool garden_recording_failing(const struct garden_recording *recording)
{
    return recording->rotation.work_due_ms > 0 && !recording->rotation.finished;
}

enum garden_recording_state garden_recording_state(const struct garden_recording *recording)
{
    return recording->rotation.state;
}

const struct garden_manifest *garden_recording_manifest(const struct garden_recording *recording)
{
    return &recording->manifest;
}

uint64_t garden_recording_frames_max(const struct garden_recording *recording)
{
    return recording->frames_max;
}

enum garden_recording_system garden_recording_system(const struct garden_recording *recording)
{
    if (!recording->boot_noted) return GARDEN_SYSTEM_UNKNOWN;
    return recording->boot_same ? GARDEN_SYSTEM_SAME : GARDEN_SYSTEM_RESTARTED;
}

struct garden_hash garden_recording_manifest_hash(const struct garden_recording *recording)
{
    return recording->manifest_hash;
}
