#include "contents.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/error.h"
#include "../value.h"
#include "jobs.h"
#include "recordings.h"
#include "slicer.h"
#include "streams.h"

// ---- The work

// To read is to verify, and a chunk may be large: so it is done on another thread.
struct contents_job {
    struct job job;
    const char *store; // the server's
    uint32_t blob_max;
    // Reads what |rest|, the end of |uri|, names.
    int (*read)(struct contents_job *contents, struct garden_error *error);
    char *uri;
    const char *rest;
    int code;       // why it could not be read
    json_t *result; // null: no memory
};

static void contents_text(struct contents_job *contents, struct garden_text text)
{
    contents->result = json_pack("{s:[{s:s, s:s, s:s%}]}", "contents", "uri", contents->uri,
                                 "mimeType", "application/json", "text", text.data, text.size);
}

static void contents_blob(struct contents_job *contents, const char *mime_type,
                          struct zmtp_bytes octets)
{
    const size_t size = sodium_base64_encoded_len(octets.size, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(size);
    if (!text) return;
    (void)sodium_bin2base64(text, size, octets.data, octets.size, sodium_base64_VARIANT_ORIGINAL);
    contents->result = json_pack("{s:[{s:s, s:s, s:s}]}", "contents", "uri", contents->uri,
                                 "mimeType", mime_type, "blob", text);
    free(text);
}

static int contents_step(struct job *job, struct garden_error *error)
{
    struct contents_job *contents = (struct contents_job *)job;
    contents->code = contents->read(contents, error);
    return 0; // what was wrong is told as an error of the request, not of a tool
}

static void contents_refuse(struct mcp_call *call, int code, const char *text)
{
    enum rpc_code answer = RPC_INTERNAL;
    if (code == GARDEN_ERR_NOT_FOUND) answer = RPC_NO_RESOURCE;
    if (code == GARDEN_ERR_RANGE || code == GARDEN_ERR_FORMAT || code == GARDEN_ERR_LIMIT)
        answer = RPC_INVALID_PARAMS;
    call_refuse(call, answer, "%s", text);
}

static void contents_end(struct job *job, bool done)
{
    struct contents_job *contents = (struct contents_job *)job;
    if (done && contents->code < 0)
        contents_refuse(job->call, contents->code, job->error.text);
    else if (done)
        call_result(job->call, json_incref(contents->result));
    json_decref(contents->result);
    free(contents->uri);
}

// ---- Recordings

static int contents_manifest(struct contents_job *contents, struct garden_error *error)
{
    struct recording recording;
    const int result = recording_open(&recording, contents->store, contents->rest, false, error);
    if (result < 0) return result;
    size_t size = 0;
    json_t *json = recording_json(&recording.manifest);
    char *text = json ? rpc_print(json, &size) : NULL;
    json_decref(json);
    recording_close(&recording);
    if (text) contents_text(contents, (struct garden_text){text, size});
    free(text);
    return GARDEN_OK;
}

static int contents_gather(struct slicer *slicer, struct garden_buffer *out,
                           struct garden_error *error)
{
    struct zmtp_bytes octets;
    int result;
    while ((result = slicer_next(slicer, &octets, error)) > 0)
        if (garden_buffer_append(out, octets.data, octets.size) < 0)
            return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for %llu octets",
                                (unsigned long long)slicer->size);
    return result;
}

static int contents_slice(struct contents_job *contents, const struct recording *recording,
                          uint64_t from, uint64_t to, struct garden_error *error)
{
    struct slicer slicer = {.file = -1};
    struct garden_buffer octets;
    const uint32_t most = contents->blob_max;
    const uint64_t frame = recording->manifest.frame_size;
    if (to > from && (to - from) > most / frame)
        return garden__fail(error, GARDEN_ERR_LIMIT,
                            "This has %llu octets, and at most %u are read at once: read parts of "
                            "it as garden://slice/MANIFEST/FROM-TO (garden-mcp --blob-max)",
                            (unsigned long long)((to - from) * frame), (unsigned)most);
    garden_buffer_init(&octets, NULL, (size_t)most + 1024);
    int result = slicer_open(&slicer, recording->store, &recording->manifest, &recording->format,
                             from, to, error);
    if (result == GARDEN_OK) result = contents_gather(&slicer, &octets, error);
    slicer_close(&slicer);
    if (result == GARDEN_OK)
        contents_blob(contents, slicer_mime_type(&recording->format), garden_buffer_bytes(&octets));
    garden_buffer_fini(&octets);
    return result;
}

// "HASH/NUMBER" of a chunk, or "HASH/FROM-TO" of a slice. False: it is neither.
static bool contents_part(const char *text, bool chunk, char hash[GARDEN_HASH_TEXT_SIZE],
                          uint64_t numbers[2])
{
    const size_t size = GARDEN_HASH_TEXT_SIZE - 1;
    char *end = NULL;
    if (strlen(text) < size + 2 || text[size] != '/') return false;
    (void)snprintf(hash, GARDEN_HASH_TEXT_SIZE, "%.64s", text);
    for (size_t i = 0; i < (chunk ? 1u : 2u); i++) {
        const char *at = i == 0 ? text + size + 1 : end + 1;
        if (i > 0 && *end != '-') return false;
        if (*at < '0' || *at > '9') return false;
        numbers[i] = strtoull(at, &end, 10); // beyond its range: beyond any recording
    }
    return *end == '\0';
}

static int contents_audio(struct contents_job *contents, bool chunk, struct garden_error *error)
{
    struct recording recording;
    char hash[GARDEN_HASH_TEXT_SIZE];
    uint64_t at[2] = {0};
    if (!contents_part(contents->rest, chunk, hash, at))
        return garden__fail(error, GARDEN_ERR_NOT_FOUND,
                            "Resource not found: expected a manifest's hash and a part of it");
    int result = recording_open(&recording, contents->store, hash, false, error);
    if (result < 0) return result;
    const struct garden_manifest *manifest = &recording.manifest;
    if (chunk && at[0] >= manifest->chunk_count) {
        result = garden__fail(error, GARDEN_ERR_NOT_FOUND,
                              "Resource not found: this recording has %zu chunks, from number 0 on",
                              manifest->chunk_count);
    } else {
        const struct garden_manifest_chunk *one = chunk ? &manifest->chunks[at[0]] : NULL;
        // What was lost within a chunk is a part of it.
        const bool last = one && at[0] + 1 == manifest->chunk_count;
        const uint64_t end = !one   ? at[1]
                             : last ? garden_manifest_end(manifest)
                                    : one[1].first_sample;
        result = contents_slice(contents, &recording, one ? one->first_sample : at[0], end, error);
    }
    recording_close(&recording);
    return result;
}

static int contents_chunk(struct contents_job *contents, struct garden_error *error)
{
    return contents_audio(contents, true, error);
}

static int contents_part_of(struct contents_job *contents, struct garden_error *error)
{
    return contents_audio(contents, false, error);
}

// ---- Objects

static int contents_object(struct contents_job *contents, struct garden_error *error)
{
    struct garden_hash hash;
    const struct garden_store_config config = {.root = contents->store, .read_only = true};
    struct garden_store *store = NULL;
    uint8_t *octets = NULL;
    size_t size = 0;
    if (garden_hash_parse(contents->rest, &hash) < 0)
        return garden__fail(error, GARDEN_ERR_NOT_FOUND,
                            "Resource not found: expected a hash of 64 hex digits");
    int result = garden_store_open(&config, &store, error);
    if (result < 0) return result;
    result = garden_store_get(store, &hash, contents->blob_max, &octets, &size, error);
    garden_store_close(store);
    if (result < 0) return result;
    const struct garden_text whole = {(const char *)octets, size};
    const bool wav =
        size > 12 && (memcmp(octets, "RIFF", 4) == 0 || memcmp(octets, "RF64", 4) == 0);
    if (size > 0 && octets[0] == '{' && garden_text_valid(whole))
        contents_text(contents, whole);
    else
        contents_blob(contents, wav ? "audio/wav" : "application/octet-stream",
                      zmtp_bytes_of(octets, size));
    zmtp_free(zmtp_heap(), octets, size > 0 ? size : 1);
    return GARDEN_OK;
}

// ---- All

bool contents_read(struct mcp_call *call, const char *uri)
{
    static const struct {
        const char *prefix;
        int (*read)(struct contents_job *contents, struct garden_error *error);
    } kinds[] = {
        {"garden://manifest/", contents_manifest},
        {"garden://chunk/", contents_chunk},
        {"garden://slice/", contents_part_of},
        {"garden://object/", contents_object},
    };
    size_t kind = 0, size = 0;
    for (; kind < sizeof kinds / sizeof *kinds; kind++)
        if (strncmp(uri, kinds[kind].prefix, size = strlen(kinds[kind].prefix)) == 0) break;
    if (!call->mcp->streams || kind == sizeof kinds / sizeof *kinds) return false;
    struct contents_job *contents = calloc(1, sizeof *contents);
    if (contents) contents->uri = strdup(uri);
    if (!contents || !contents->uri) {
        free(contents);
        call_result(call, NULL);
        return true;
    }
    contents->job = (struct job){.step = contents_step, .end = contents_end};
    contents->store = streams_store(call->mcp->streams);
    contents->blob_max = call->mcp->limits.blob_max;
    contents->read = kinds[kind].read;
    contents->rest = contents->uri + size;
    job_start(&contents->job, call);
    return true;
}
