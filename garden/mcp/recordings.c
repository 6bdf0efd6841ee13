#include "recordings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../core/error.h"

enum { RECORDINGS_DEFINITION_MAX = 64 * 1024 };

// Whether anything was ever put into the store.
static bool recordings_begun(const char *store)
{
    char path[RECORDINGS_STORE_SIZE + 16];
    (void)snprintf(path, sizeof path, "%s/objects", store);
    return access(path, F_OK) == 0;
}

// ---- Looking for one

struct recordings_search {
    struct garden_store *store;
    const char *uri;
    struct garden_hash hash;
    int64_t started_ns;
    bool found, live; // |live|: |manifest| is a copy of one that is being captured
    struct garden_manifest manifest;
};

static bool recordings_look(void *context, const struct garden_hash *hash,
                            const struct garden_manifest *manifest)
{
    struct recordings_search *search = context;
    if (strcmp(manifest->stream_uri, search->uri) != 0) return true;
    if (search->found && manifest->started_ns < search->started_ns) return true;
    search->found = true;
    search->hash = *hash;
    search->started_ns = manifest->started_ns;
    return true;
}

static bool recordings_look_left(void *context, const char *run)
{
    struct recordings_search *search = context;
    struct garden_manifest manifest;
    if (garden_recording_peek(search->store, run, &manifest, NULL) < 0) return true; // none yet
    const bool newer = !search->found || manifest.started_ns >= search->started_ns;
    if (strcmp(manifest.stream_uri, search->uri) != 0 || !newer) {
        garden_manifest_fini(&manifest);
        return true;
    }
    if (search->live) garden_manifest_fini(&search->manifest);
    search->manifest = manifest;
    search->started_ns = manifest.started_ns;
    search->found = search->live = true;
    return true;
}

static int recordings_find(struct recording *out, const char *uri, struct garden_error *error)
{
    struct recordings_search search = {.store = out->store, .uri = uri};
    int result = garden_store_each_manifest(out->store, recordings_look, &search, error);
    if (result == GARDEN_OK)
        result = garden_recording_each_left(out->store, recordings_look_left, &search, error);
    if (result < 0) {
        if (search.live) garden_manifest_fini(&search.manifest);
        return result;
    }
    if (!search.found)
        return garden__fail(error, GARDEN_ERR_NOT_FOUND,
                            "nothing of a stream '%.150s' is sealed in this store yet", uri);
    if (search.live) {
        out->manifest = search.manifest;
        return GARDEN_OK;
    }
    garden_hash_text(&search.hash, out->hash);
    return garden_manifest_load(out->store, &search.hash, &out->manifest, error);
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

int recording_open(struct recording *out, const char *store, const char *hash, const char *uri,
                   bool writable, struct garden_error *error)
{
    const struct garden_store_config config = {.root = store, .read_only = !writable};
    memset(out, 0, sizeof *out);
    if (!recordings_begun(store))
        return garden__fail(error, GARDEN_ERR_NOT_FOUND, "nothing is recorded in %.150s yet",
                            store);
    int result = garden_store_open(&config, &out->store, error);
    if (result < 0) return result;
    garden_manifest_init(&out->manifest, NULL);
    result = hash ? recordings_load(out, hash, error) : recordings_find(out, uri, error);
    if (result == GARDEN_OK) result = recordings_format(out, error);
    if (result < 0) recording_close(out);
    return result;
}

void recording_close(struct recording *recording)
{
    garden_manifest_fini(&recording->manifest);
    garden_store_close(recording->store);
    recording->store = NULL;
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
