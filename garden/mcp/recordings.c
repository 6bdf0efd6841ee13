#include "recordings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "../core/error.h"

enum { RECORDINGS_DEFINITION_MAX = 64 * 1024, RECORDINGS_TURN_NS = 20000000 };

// Whether anything was ever put into the store.
static bool recordings_begun(const char *store)
{
    char path[RECORDINGS_STORE_SIZE + 16];
    (void)snprintf(path, sizeof path, "%s/objects", store);
    return access(path, F_OK) == 0;
}

static int recordings_load(struct recording *out, const char *text, struct garden_error *error)
{
    struct garden_hash hash;
    if (garden_hash_parse(text, &hash) < 0)
        return garden__fail(error, GARDEN_ERR_FORMAT, "'%.100s' is no hash of 64 hex digits", text);
    garden_hash_text(&hash, out->hash);
    return garden_manifest_load(out->store, &hash, &out->manifest, error);
}

static int recordings_format(struct recording *out, struct garden_error *error)
{
    struct tool_definition definition;
    uint8_t *octets;
    size_t size;
    int result = garden_store_get(out->store, &out->manifest.definition_hash,
                                  RECORDINGS_DEFINITION_MAX, &octets, &size, error);
    if (result < 0) return result;
    result = tool_definition_read(zmtp_bytes_of(octets, size), &definition);
    zmtp_free(zmtp_heap(), octets, size);
    if (result < 0 || garden_frame_size(&definition.format) != out->manifest.frame_size)
        return garden__fail(error, GARDEN_ERR_FORMAT,
                            "the stream's definition in the store does not fit its manifest");
    out->format = definition.format;
    return GARDEN_OK;
}

int recording_open(struct recording *out, const char *store, const char *hash, bool writable,
                   struct garden_error *error)
{
    const struct garden_store_config config = {.root = store, .read_only = !writable};
    memset(out, 0, sizeof *out);
    if (!recordings_begun(store))
        return garden__fail(error, GARDEN_ERR_NOT_FOUND, "nothing is recorded in %.150s yet",
                            store);
    int result = garden_store_open(&config, &out->store, error);
    if (result < 0) return result;
    garden_manifest_init(&out->manifest, NULL);
    garden_manifests_open(&out->search.walk, out->store, NULL);
    if (hash) result = recordings_load(out, hash, error);
    if (hash && result == GARDEN_OK) result = recordings_format(out, error);
    if (result < 0) recording_close(out);
    return result;
}

void recording_close(struct recording *recording)
{
    garden_manifests_close(&recording->search.walk);
    garden_manifest_fini(&recording->manifest);
    garden_store_close(recording->store);
    recording->store = NULL;
}

// ---- Looking for one

struct recordings_left {
    struct recording *recording;
    const char *uri;
    bool found; // the recording's manifest is a copy of one that is being captured
};

static bool recordings_look_left(void *context, const char *run)
{
    struct recordings_left *left = context;
    struct recording *recording = left->recording;
    struct recordings_search *search = &recording->search;
    struct garden_manifest manifest;
    if (garden_recording_peek(recording->store, run, &manifest, NULL) < 0) return true; // none yet
    const bool newer = !search->found || manifest.started_ns >= search->started_ns;
    if (strcmp(manifest.stream_uri, left->uri) != 0 || !newer) {
        garden_manifest_fini(&manifest);
        return true;
    }
    garden_manifest_fini(&recording->manifest);
    recording->manifest = manifest;
    search->started_ns = manifest.started_ns;
    search->found = left->found = true;
    return true;
}

// Those under way, of which there are few; then the newest of all.
static int recordings_end_search(struct recording *recording, const char *uri,
                                 struct garden_error *error)
{
    struct recordings_left left = {.recording = recording, .uri = uri};
    char hash[GARDEN_HASH_TEXT_SIZE];
    int result = garden_recording_each_left(recording->store, recordings_look_left, &left, error);
    if (result < 0) return result;
    if (!recording->search.found)
        return garden__fail(error, GARDEN_ERR_NOT_FOUND,
                            "nothing of a stream '%.150s' is sealed in this store yet", uri);
    if (!left.found) {
        garden_hash_text(&recording->search.hash, hash);
        result = recordings_load(recording, hash, error);
    }
    return result < 0 ? result : recordings_format(recording, error);
}

int recording_search(struct recording *recording, const char *uri, struct garden_error *error)
{
    struct recordings_search *search = &recording->search;
    const uint64_t until_ns = uv_hrtime() + RECORDINGS_TURN_NS;
    struct garden_manifest manifest;
    struct garden_hash hash;
    while (!search->walk.over && uv_hrtime() < until_ns) {
        const int result = garden_manifests_step(&search->walk, &hash, &manifest, error);
        if (result < 0) return result;
        if (result == 0) continue;
        if (strcmp(manifest.stream_uri, uri) == 0 &&
            (!search->found || manifest.started_ns >= search->started_ns)) {
            search->found = true;
            search->hash = hash;
            search->started_ns = manifest.started_ns;
        }
        garden_manifest_fini(&manifest);
    }
    return search->walk.over ? recordings_end_search(recording, uri, error) : 1;
}

// ---- All

json_t *recording_json(const struct garden_manifest *manifest)
{
    char *text = NULL;
    size_t size = 0;
    if (garden_manifest_print(manifest, &text, &size) < 0) return NULL;
    json_t *json = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
    zmtp_free(manifest->allocator, text, size + 1);
    return json;
}

int recordings_open(const char *store, struct garden_store **out, struct garden_error *error)
{
    const struct garden_store_config config = {.root = store, .read_only = true};
    *out = NULL;
    return recordings_begun(store) ? garden_store_open(&config, out, error) : GARDEN_OK;
}
