#include "jobs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../core/error.h"
#include "recordings.h"
#include "slicer.h"
#include "streams.h"
#include "tools.h"

enum { JOBS_VIRTUAL_MAX = 65536 }; // pieces of a virtual slice

// ---- Any work

static void job_next(struct job *job);

static void job_work(uv_work_t *work)
{
    struct job *job = work->data;
    job->result = job->step(job, &job->error);
}

// Back on the loop. The call may have been cancelled meanwhile.
static void job_worked(uv_work_t *work, int status)
{
    struct job *job = work->data;
    struct mcp_call *call = job->call;
    (void)status; // no step is taken back, so it was made
    if (call && job->progress.text)
        call_progress(call, job->progress.done, job->progress.total, job->progress.text);
    job->progress.text = NULL;
    if (call && job->result > 0) {
        job_next(job);
        return;
    }
    if (call) call->cancel = NULL; // its answer is its end
    job->end(job, call && job->result == 0);
    if (call && job->result < 0) tool_failed(call, "%s", job->error.text);
    free(job);
}

static void job_next(struct job *job)
{
    (void)uv_queue_work(job->call->mcp->loop, &job->work, job_work, job_worked); // does not fail
}

// The step under way goes to its end, and what it made is taken away then.
static void job_cancelled(struct mcp_call *call)
{
    struct job *job = call->user;
    job->call = NULL;
    tool_failed(call, "cancelled"); // nobody hears it
}

void job_start(struct job *job, struct mcp_call *call)
{
    job->call = call;
    call->user = job;
    call->cancel = job_cancelled;
    job->work.data = job;
    job_next(job);
}

void job_progress(struct job *job, double done, double total, const char *text)
{
    job->progress.done = done;
    job->progress.total = total;
    job->progress.text = text;
}

// ---- A slice

struct slice_job {
    struct job job;
    const char *store;
    json_t *arguments;
    bool opened, found; // how far it came with the recording
    struct recording recording;
    struct slicer slicer;
    struct garden_incoming *incoming;
    struct garden_hash hash;
    uint64_t from, to, lost;
    json_t *chunks; // hashes
    json_t *pieces; // of a virtual slice; null: it is materialized
};

static void slice_free(struct slice_job *slice)
{
    slicer_close(&slice->slicer);
    garden_incoming_close(slice->incoming);
    if (slice->opened) recording_close(&slice->recording);
    json_decref(slice->arguments);
    json_decref(slice->chunks);
    json_decref(slice->pieces);
}

static void slice_end(struct job *job, bool done)
{
    struct slice_job *slice = (struct slice_job *)job;
    char hash[GARDEN_HASH_TEXT_SIZE], uri[128];
    const char *mime_type = slice->pieces ? "application/x-hootenanny-virtual-slice"
                                          : slicer_mime_type(&slice->recording.format);
    garden_hash_text(&slice->hash, hash);
    (void)snprintf(uri, sizeof uri, "garden://object/%s", hash);
    if (done)
        tool_done_with(job->call,
                       json_pack("{s:s, s:[I, I], s:O, s:s, s:I}", "content_hash", hash,
                                 "sample_range", (json_int_t)slice->from, (json_int_t)slice->to,
                                 "source_chunks", slice->chunks, "mime_type", mime_type,
                                 "lost_samples", (json_int_t)slice->lost),
                       uri, "slice", mime_type);
    slice_free(slice);
}

// The pieces, which are few beside their octets: all at once.
static int slice_list(struct slice_job *slice, struct garden_error *error)
{
    struct garden_slice walk;
    struct garden_piece piece;
    const struct garden_manifest *manifest = &slice->recording.manifest;
    if (garden_slice_open(&walk, manifest, slice->from, slice->to) < 0)
        return garden__fail(error, GARDEN_ERR_RANGE,
                            "the recording has frames from 0 to %llu, and the part [%llu, %llu) is "
                            "none of it",
                            (unsigned long long)garden_manifest_end(manifest),
                            (unsigned long long)slice->from, (unsigned long long)slice->to);
    while (garden_slice_next(&walk, &piece)) {
        char hash[GARDEN_HASH_TEXT_SIZE];
        if (piece.gap) slice->lost += piece.count;
        if (piece.gap) continue;
        garden_hash_text(&piece.chunk, hash);
        const size_t count = json_array_size(slice->chunks);
        const char *last = json_string_value(json_array_get(slice->chunks, count - 1));
        if (!last || strcmp(last, hash) != 0)
            (void)json_array_append_new(slice->chunks, json_string(hash));
        if (json_array_size(slice->pieces) == JOBS_VIRTUAL_MAX)
            return garden__fail(error, GARDEN_ERR_LIMIT, "the slice has more than %d pieces",
                                JOBS_VIRTUAL_MAX);
        if (slice->pieces)
            (void)json_array_append_new(
                slice->pieces,
                json_pack("{s:s, s:I, s:I, s:I, s:I}", "chunk_hash", hash, "byte_offset",
                          (json_int_t)piece.byte_offset, "byte_length",
                          (json_int_t)piece.byte_length, "sample_offset",
                          (json_int_t)(piece.byte_offset / manifest->frame_size), "sample_length",
                          (json_int_t)piece.count));
    }
    return GARDEN_OK;
}

// As an object that tells where the octets are, and copies none.
static int slice_put_virtual(struct slice_job *slice, struct garden_error *error)
{
    struct timespec now = {0};
    char created[GARDEN_TIME_TEXT_MAX + 1] = "";
    const struct recording *recording = &slice->recording;
    const uint64_t frame = recording->manifest.frame_size;
    (void)clock_gettime(CLOCK_REALTIME, &now); // cannot fail for this clock
    (void)garden_time_format(
        (struct garden_time){.seconds = now.tv_sec, .nanos = (uint32_t)now.tv_nsec}, created);
    json_t *json =
        json_pack("{s:s, s:s?, s:{s:I, s:I}, s:{s:I, s:I}, s:O, s:s}", "source_stream",
                  recording->manifest.stream_uri, "source_manifest",
                  recording->hash[0] ? recording->hash : NULL, "sample_range", "start",
                  (json_int_t)slice->from, "end", (json_int_t)slice->to, "byte_range", "start",
                  (json_int_t)(slice->from * frame), "end", (json_int_t)(slice->to * frame),
                  "chunks", slice->pieces, "created_at", created);
    size_t size = 0;
    char *text = rpc_print(json, &size);
    json_decref(json);
    const int result =
        text ? garden_store_put(recording->store, zmtp_bytes_of((const uint8_t *)text, size),
                                "application/x-hootenanny-virtual-slice", &slice->hash, error)
             : garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a slice");
    free(text);
    return result;
}

// ---- Where a slice begins and ends

// A position of the recording, in frames. GARDEN_ERR_RANGE: it is none.
static int slice_position(const struct recording *recording, const json_t *spec, const char *name,
                          uint64_t *out, struct garden_error *error)
{
    const char *type = json_string_value(json_object_get(spec, "type"));
    const uint64_t end = garden_manifest_end(&recording->manifest);
    const double rate = recording->format.sample_rate;
    struct garden_time time;
    double frames = 0;
    *out = 0;
    if (strcmp(type, "streamstart") == 0) return GARDEN_OK;
    *out = end;
    if (strcmp(type, "streamhead") == 0) return GARDEN_OK;
    if (strcmp(type, "sampleposition") == 0) {
        frames = json_number_value(json_object_get(spec, "position"));
    } else if (recording->format.kind == GARDEN_STREAM_MIDI) {
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "%s: a MIDI stream has no times, only positions in octets", name);
    } else if (strcmp(type, "relative") == 0) {
        frames = (double)end -
                 floor(json_number_value(json_object_get(spec, "seconds_ago")) * rate + 0.5);
        if (frames < 0) frames = 0; // all there is of the last so many seconds
    } else {
        const char *text = json_string_value(json_object_get(spec, "timestamp"));
        if (garden_time_parse(garden_text_of(text), &time) < 0)
            return garden__fail(error, GARDEN_ERR_ARGUMENT,
                                "%s.timestamp: expected an RFC 3339 time such as "
                                "2026-01-31T12:00:00.5Z",
                                name);
        const int64_t started_s = recording->manifest.started_ns / 1000000000;
        const int64_t started_rest = recording->manifest.started_ns % 1000000000;
        frames = floor(((double)(time.seconds - started_s) +
                        ((double)time.nanos - (double)started_rest) / 1e9) *
                           rate +
                       0.5);
    }
    if (frames < 0 || frames > (double)end)
        return garden__fail(error, GARDEN_ERR_RANGE,
                            "%s: position %.0f is outside of the recording, which has %llu frames",
                            name, frames, (unsigned long long)end);
    *out = (uint64_t)frames;
    return GARDEN_OK;
}

static int slice_begin(struct slice_job *slice, struct garden_error *error)
{
    struct recording *recording = &slice->recording;
    const char *output = json_string_value(json_object_get(slice->arguments, "output"));
    slice->chunks = json_array();
    if (output && strcmp(output, "virtual") == 0) slice->pieces = json_array();
    int result = slice_position(recording, json_object_get(slice->arguments, "from"), "from",
                                &slice->from, error);
    if (result == GARDEN_OK)
        result = slice_position(recording, json_object_get(slice->arguments, "to"), "to",
                                &slice->to, error);
    if (result == GARDEN_OK) result = slice_list(slice, error);
    if (result == GARDEN_OK && !slice->pieces)
        result = slicer_open(&slice->slicer, recording->store, &recording->manifest,
                             &recording->format, slice->from, slice->to, error);
    if (result == GARDEN_OK && !slice->pieces)
        result = garden_incoming_open(recording->store, &slice->incoming, error);
    return result < 0 ? result : 1;
}

static int slice_open(struct slice_job *slice, struct garden_error *error)
{
    const char *hash = json_string_value(json_object_get(slice->arguments, "manifest_hash"));
    const int result = recording_open(&slice->recording, slice->store, hash, true, error);
    slice->opened = result == GARDEN_OK;
    slice->found = slice->opened && hash;
    if (result < 0) return result;
    return hash ? slice_begin(slice, error) : 1;
}

// In a store of very many recordings this takes longer than all that follows.
static int slice_find(struct slice_job *slice, struct garden_error *error)
{
    const char *uri = json_string_value(json_object_get(slice->arguments, "stream_uri"));
    const int result = recording_search(&slice->recording, uri, error);
    if (result < 0) return result;
    // Below 1, which the first octet is.
    job_progress(&slice->job, (double)slice->recording.search.walk.folder / 257.0, 0,
                 "looking for the stream's recordings");
    if (result > 0) return 1;
    slice->found = true;
    return slice_begin(slice, error);
}

static int slice_step(struct job *job, struct garden_error *error)
{
    struct slice_job *slice = (struct slice_job *)job;
    struct zmtp_bytes octets;
    if (!slice->opened) return slice_open(slice, error);
    if (!slice->found) return slice_find(slice, error);
    if (slice->pieces) return slice_put_virtual(slice, error);
    const int result = slicer_next(&slice->slicer, &octets, error);
    if (result < 0) return result;
    if (result == 0)
        return garden_incoming_seal(
            slice->incoming, NULL, slicer_mime_type(&slice->recording.format), &slice->hash, error);
    job_progress(job, (double)slice->slicer.given, (double)slice->slicer.size, "octets");
    const int written = garden_incoming_write(slice->incoming, octets, error);
    return written < 0 ? written : 1;
}

void jobs_slice(struct mcp_call *call, json_t *arguments)
{
    struct slice_job *slice = calloc(1, sizeof *slice);
    if (!slice || !call->mcp->streams) {
        free(slice);
        tool_failed(call, slice ? "There is no store." : "There is no memory for a slice.");
        return;
    }
    if (!json_object_get(arguments, "manifest_hash") && !json_object_get(arguments, "stream_uri")) {
        free(slice);
        tool_failed(call, "stream_uri or manifest_hash: expected one of them");
        return;
    }
    slice->slicer.file = -1;
    slice->job.step = slice_step;
    slice->job.end = slice_end;
    slice->store = streams_store(call->mcp->streams);
    slice->arguments = json_incref(arguments);
    job_start(&slice->job, call);
}

// ---- Verifying

struct verify_job {
    struct job job;
    const char *store;
    char hash[GARDEN_HASH_TEXT_SIZE];
    bool opened;
    struct recording recording;
    size_t next;
};

static void verify_end(struct job *job, bool done)
{
    struct verify_job *verify = (struct verify_job *)job;
    const struct garden_manifest *manifest = &verify->recording.manifest;
    if (done)
        tool_done(job->call,
                  json_pack("{s:b, s:s, s:s, s:I, s:I, s:I, s:I, s:b}", "verified", true,
                            "manifest_hash", verify->recording.hash, "stream_uri",
                            manifest->stream_uri, "chunk_count", (json_int_t)manifest->chunk_count,
                            "total_samples", (json_int_t)manifest->total_samples, "total_bytes",
                            (json_int_t)(manifest->total_samples * manifest->frame_size),
                            "lost_samples", (json_int_t)manifest->total_gaps, "complete",
                            manifest->complete));
    if (verify->opened) recording_close(&verify->recording);
}

static int verify_open(struct verify_job *verify, struct garden_error *error)
{
    int result = recording_open(&verify->recording, verify->store, verify->hash, false, error);
    verify->opened = result == GARDEN_OK;
    if (result == GARDEN_OK) result = garden_manifest_check(&verify->recording.manifest, error);
    return result < 0 ? result : 1;
}

static int verify_step(struct job *job, struct garden_error *error)
{
    struct verify_job *verify = (struct verify_job *)job;
    const struct garden_manifest *manifest = &verify->recording.manifest;
    uint64_t size;
    if (!verify->opened) return verify_open(verify, error);
    if (verify->next == manifest->chunk_count) return 0;
    const struct garden_manifest_chunk *chunk = &manifest->chunks[verify->next++];
    const int result = garden_store_verify(verify->recording.store, &chunk->hash, &size, error);
    if (result < 0) return result;
    if (size != chunk->byte_count)
        return garden__fail(error, GARDEN_ERR_CORRUPT, "chunk %zu has another size than it had",
                            verify->next - 1);
    job_progress(job, (double)verify->next, (double)manifest->chunk_count, "chunks");
    return 1;
}

void jobs_verify(struct mcp_call *call, json_t *arguments)
{
    struct verify_job *verify = calloc(1, sizeof *verify);
    if (!verify || !call->mcp->streams) {
        free(verify);
        tool_failed(call, verify ? "There is no store." : "There is no memory for this.");
        return;
    }
    verify->job.step = verify_step;
    verify->job.end = verify_end;
    verify->store = streams_store(call->mcp->streams);
    (void)snprintf(verify->hash, sizeof verify->hash, "%s",
                   json_string_value(json_object_get(arguments, "manifest_hash")));
    job_start(&verify->job, call);
}
