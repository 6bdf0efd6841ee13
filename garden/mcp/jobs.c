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

static void job_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void job_finish(struct job *job, bool done)
{
    job->call->cancel = NULL;
    (void)uv_idle_stop(&job->idle);
    job->end(job, done);
    uv_close((uv_handle_t *)&job->idle, job_closed);
}

static void job_turn(uv_idle_t *idle)
{
    struct job *job = idle->data;
    struct garden_error error = {.text = ""};
    const int result = job->step(job, &error);
    if (result > 0) return;
    struct mcp_call *call = job->call; // its answer is its end
    job_finish(job, result == 0);
    if (result < 0) tool_failed(call, "%s", error.text);
}

static void job_cancelled(struct mcp_call *call)
{
    struct job *job = call->user;
    job_finish(job, false);
    tool_failed(call, "cancelled"); // nobody hears it
}

void job_start(struct job *job, struct mcp_call *call)
{
    job->call = call;
    call->user = job;
    call->cancel = job_cancelled;
    (void)uv_idle_init(call->mcp->loop, &job->idle); // does not fail
    job->idle.data = job;
    (void)uv_idle_start(&job->idle, job_turn);
}

// ---- A slice

struct slice_job {
    struct job job;
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
    recording_close(&slice->recording);
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

static int slice_step(struct job *job, struct garden_error *error)
{
    struct slice_job *slice = (struct slice_job *)job;
    struct zmtp_bytes octets;
    if (slice->pieces) return slice_put_virtual(slice, error);
    const int result = slicer_next(&slice->slicer, &octets, error);
    if (result < 0) return result;
    if (result == 0)
        return garden_incoming_seal(
            slice->incoming, NULL, slicer_mime_type(&slice->recording.format), &slice->hash, error);
    call_progress(job->call, (double)slice->slicer.given, (double)slice->slicer.size, "octets");
    const int written = garden_incoming_write(slice->incoming, octets, error);
    return written < 0 ? written : 1;
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

static int slice_open(struct slice_job *slice, const struct mcp *mcp, json_t *arguments,
                      struct garden_error *error)
{
    struct recording *recording = &slice->recording;
    const char *hash = json_string_value(json_object_get(arguments, "manifest_hash"));
    const char *uri = json_string_value(json_object_get(arguments, "stream_uri"));
    const char *output = json_string_value(json_object_get(arguments, "output"));
    int result = recording_open(recording, streams_store(mcp->streams), hash, uri, true, error);
    if (result < 0) return result;
    slice->chunks = json_array();
    if (output && strcmp(output, "virtual") == 0) slice->pieces = json_array();
    result =
        slice_position(recording, json_object_get(arguments, "from"), "from", &slice->from, error);
    if (result == GARDEN_OK)
        result =
            slice_position(recording, json_object_get(arguments, "to"), "to", &slice->to, error);
    if (result == GARDEN_OK) result = slice_list(slice, error);
    if (result == GARDEN_OK && !slice->pieces)
        result = slicer_open(&slice->slicer, recording->store, &recording->manifest,
                             &recording->format, slice->from, slice->to, error);
    if (result == GARDEN_OK && !slice->pieces)
        result = garden_incoming_open(recording->store, &slice->incoming, error);
    if (result < 0) slice_free(slice);
    return result;
}

void jobs_slice(struct mcp_call *call, json_t *arguments)
{
    struct garden_error error = {.text = ""};
    struct slice_job *slice = calloc(1, sizeof *slice);
    if (!slice || !call->mcp->streams) {
        free(slice);
        tool_failed(call, slice ? "There is no store." : "There is no memory for a slice.");
        return;
    }
    slice->slicer.file = -1;
    slice->job.step = slice_step;
    slice->job.end = slice_end;
    if (!json_object_get(arguments, "manifest_hash") && !json_object_get(arguments, "stream_uri")) {
        free(slice);
        tool_failed(call, "stream_uri or manifest_hash: expected one of them");
    } else if (slice_open(slice, call->mcp, arguments, &error) < 0) {
        free(slice);
        tool_failed(call, "%s", error.text);
    } else {
        job_start(&slice->job, call);
    }
}

// ---- Verifying

struct verify_job {
    struct job job;
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
    recording_close(&verify->recording);
}

static int verify_step(struct job *job, struct garden_error *error)
{
    struct verify_job *verify = (struct verify_job *)job;
    const struct garden_manifest *manifest = &verify->recording.manifest;
    uint64_t size;
    if (verify->next == manifest->chunk_count) return 0;
    const struct garden_manifest_chunk *chunk = &manifest->chunks[verify->next++];
    const int result = garden_store_verify(verify->recording.store, &chunk->hash, &size, error);
    if (result < 0) return result;
    if (size != chunk->byte_count)
        return garden__fail(error, GARDEN_ERR_CORRUPT, "chunk %zu has another size than it had",
                            verify->next - 1);
    call_progress(job->call, (double)verify->next, (double)manifest->chunk_count, "chunks");
    return 1;
}

void jobs_verify(struct mcp_call *call, json_t *arguments)
{
    struct garden_error error = {.text = ""};
    struct verify_job *verify = calloc(1, sizeof *verify);
    if (!verify || !call->mcp->streams) {
        free(verify);
        tool_failed(call, verify ? "There is no store." : "There is no memory for this.");
        return;
    }
    verify->job.step = verify_step;
    verify->job.end = verify_end;
    const char *hash = json_string_value(json_object_get(arguments, "manifest_hash"));
    int result = recording_open(&verify->recording, streams_store(call->mcp->streams), hash, NULL,
                                false, &error);
    const bool opened = result == GARDEN_OK;
    if (opened) result = garden_manifest_check(&verify->recording.manifest, &error);
    if (result == GARDEN_OK) {
        job_start(&verify->job, call);
        return;
    }
    if (opened) recording_close(&verify->recording);
    free(verify);
    tool_failed(call, "%s", error.text);
}
