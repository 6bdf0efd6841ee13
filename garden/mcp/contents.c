#include "contents.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core/error.h"
#include "../value.h"
#include "recordings.h"
#include "resources.h"
#include "slicer.h"
#include "streams.h"

// ---- Answers

static void contents_refuse(struct mcp_call *call, int code, const char *text)
{
    enum rpc_code answer = RPC_INTERNAL;
    if (code == GARDEN_ERR_NOT_FOUND) answer = RPC_NO_RESOURCE;
    if (code == GARDEN_ERR_RANGE || code == GARDEN_ERR_FORMAT || code == GARDEN_ERR_LIMIT)
        answer = RPC_INVALID_PARAMS;
    call_refuse(call, answer, "%s", text);
}

static void contents_blob(struct mcp_call *call, const char *uri, const char *mime_type,
                          struct zmtp_bytes octets)
{
    const size_t size = sodium_base64_encoded_len(octets.size, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(size);
    json_t *contents = NULL;
    if (text) {
        (void)sodium_bin2base64(text, size, octets.data, octets.size,
                                sodium_base64_VARIANT_ORIGINAL);
        contents = json_pack("{s:s, s:s, s:s}", "uri", uri, "mimeType", mime_type, "blob", text);
    }
    free(text);
    call_result(call, contents ? json_pack("{s:[o]}", "contents", contents) : NULL);
}

// ---- Recordings

static void contents_manifest(struct mcp_call *call, const char *uri, const char *hash)
{
    struct recording recording;
    struct garden_error error = {.text = ""};
    const int result =
        recording_open(&recording, streams_store(call->mcp->streams), hash, false, &error);
    if (result < 0) {
        contents_refuse(call, result, error.text);
        return;
    }
    json_t *json = recording_json(&recording.manifest);
    recording_close(&recording);
    resource_json(call, uri, json);
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

static int contents_slice(struct mcp_call *call, const char *uri, const struct recording *recording,
                          uint64_t from, uint64_t to, struct garden_error *error)
{
    struct slicer slicer = {.file = -1};
    struct garden_buffer octets;
    const uint32_t most = call->mcp->limits.blob_max;
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
        contents_blob(call, uri, slicer_mime_type(&recording->format),
                      garden_buffer_bytes(&octets));
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

static void contents_audio(struct mcp_call *call, const char *uri, const char *rest, bool chunk)
{
    struct recording recording;
    struct garden_error error = {.text = "Resource not found: expected a manifest's hash and a "
                                         "part of it"};
    char hash[GARDEN_HASH_TEXT_SIZE];
    uint64_t at[2] = {0};
    if (!contents_part(rest, chunk, hash, at)) {
        contents_refuse(call, GARDEN_ERR_NOT_FOUND, error.text);
        return;
    }
    int result = recording_open(&recording, streams_store(call->mcp->streams), hash, false, &error);
    if (result < 0) {
        contents_refuse(call, result, error.text);
        return;
    }
    const struct garden_manifest *manifest = &recording.manifest;
    if (chunk && at[0] >= manifest->chunk_count) {
        result = garden__fail(&error, GARDEN_ERR_NOT_FOUND,
                              "Resource not found: this recording has %zu chunks, from number 0 on",
                              manifest->chunk_count);
    } else {
        const struct garden_manifest_chunk *one = chunk ? &manifest->chunks[at[0]] : NULL;
        // What was lost within a chunk is a part of it.
        const bool last = one && at[0] + 1 == manifest->chunk_count;
        const uint64_t end = !one   ? at[1]
                             : last ? garden_manifest_end(manifest)
                                    : one[1].first_sample;
        result =
            contents_slice(call, uri, &recording, one ? one->first_sample : at[0], end, &error);
    }
    recording_close(&recording);
    if (result < 0) contents_refuse(call, result, error.text);
}

// ---- Objects

static void contents_object(struct mcp_call *call, const char *uri, const char *text)
{
    struct garden_hash hash;
    struct garden_error error = {.text = "Resource not found: expected a hash of 64 hex digits"};
    const struct garden_store_config config = {.root = streams_store(call->mcp->streams),
                                               .read_only = true};
    struct garden_store *store = NULL;
    uint8_t *octets = NULL;
    size_t size = 0;
    int result = GARDEN_ERR_NOT_FOUND;
    if (garden_hash_parse(text, &hash) == GARDEN_OK) {
        result = garden_store_open(&config, &store, &error);
        if (result == GARDEN_OK)
            result =
                garden_store_get(store, &hash, call->mcp->limits.blob_max, &octets, &size, &error);
    }
    if (result < 0) {
        contents_refuse(call, result, error.text);
    } else {
        const struct garden_text whole = {(const char *)octets, size};
        const bool wav =
            size > 12 && (memcmp(octets, "RIFF", 4) == 0 || memcmp(octets, "RF64", 4) == 0);
        if (size > 0 && octets[0] == '{' && garden_text_valid(whole))
            resource_text(call, uri, "application/json", whole.data, size);
        else
            contents_blob(call, uri, wav ? "audio/wav" : "application/octet-stream",
                          zmtp_bytes_of(octets, size));
        zmtp_free(zmtp_heap(), octets, size > 0 ? size : 1);
    }
    if (store) garden_store_close(store);
}

bool contents_read(struct mcp_call *call, const char *uri)
{
    static const char manifest[] = "garden://manifest/", chunk[] = "garden://chunk/",
                      slice[] = "garden://slice/", object[] = "garden://object/";
    if (!call->mcp->streams) return false;
    if (strncmp(uri, manifest, sizeof manifest - 1) == 0)
        contents_manifest(call, uri, uri + sizeof manifest - 1);
    else if (strncmp(uri, chunk, sizeof chunk - 1) == 0)
        contents_audio(call, uri, uri + sizeof chunk - 1, true);
    else if (strncmp(uri, slice, sizeof slice - 1) == 0)
        contents_audio(call, uri, uri + sizeof slice - 1, false);
    else if (strncmp(uri, object, sizeof object - 1) == 0)
        contents_object(call, uri, uri + sizeof object - 1);
    else
        return false;
    return true;
}
