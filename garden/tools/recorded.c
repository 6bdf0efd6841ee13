#include "recorded.h"

#include <string.h>

enum { RECORDED_DEFINITION_MAX = 64 * 1024 };

int recorded_definition(const struct tool *tool, const struct garden_store *store,
                        const struct garden_manifest *manifest, struct tool_definition *out)
{
    struct garden_error error;
    uint8_t *octets;
    size_t size;
    if (garden_store_get(store, &manifest->definition_hash, RECORDED_DEFINITION_MAX, &octets, &size,
                         &error) < 0)
        return tool_fail(tool, "%s", error.text);
    const int result = tool_definition_read(zmtp_bytes_of(octets, size), out);
    zmtp_free(zmtp_heap(), octets, size);
    if (result < 0 || garden_frame_size(&out->format) != manifest->frame_size)
        return tool_fail(tool, "the stream's definition in the store does not fit its manifest");
    return TOOL_OK;
}

int recorded_format(const struct tool *tool, const struct garden_store *store,
                    const struct garden_manifest *manifest, struct garden_stream_format *out)
{
    struct tool_definition definition;
    const int result = recorded_definition(tool, store, manifest, &definition);
    if (result == TOOL_OK) *out = definition.format;
    return result;
}

// ---- A recording that is under way

struct recorded_search {
    const struct garden_store *store;
    const char *uri;
    struct garden_manifest *manifest;
    bool found;
};

static bool recorded_look(void *context, const char *run)
{
    struct recorded_search *search = context;
    struct garden_manifest manifest;
    if (garden_recording_peek(search->store, run, &manifest, NULL) < 0) return true; // none yet
    const bool newer = !search->found || manifest.started_ns > search->manifest->started_ns;
    if (strcmp(manifest.stream_uri, search->uri) != 0 || !newer) {
        garden_manifest_fini(&manifest);
        return true;
    }
    if (search->found) garden_manifest_fini(search->manifest);
    *search->manifest = manifest;
    search->found = true;
    return true;
}

static int recorded_find(const struct tool *tool, struct recorded *recorded, const char *uri)
{
    struct garden_error error;
    struct recorded_search search = {recorded->store, uri, &recorded->manifest, false};
    const int result = garden_recording_each_left(recorded->store, recorded_look, &search, &error);
    if (result < 0) return tool_fail(tool, "%s", error.text);
    if (search.found) return TOOL_OK;
    return tool_fail(tool,
                     "no stream '%s' is being captured into this store, or nothing of it is sealed "
                     "yet; a finished one is named by its manifest's hash",
                     uri);
}

// ---- Any

static int recorded_load(const struct tool *tool, struct recorded *recorded, const char *name)
{
    struct garden_hash hash;
    struct garden_error error;
    if (strstr(name, "://")) return recorded_find(tool, recorded, name);
    if (garden_hash_parse(name, &hash) < 0)
        return tool_usage(tool, "'%s' is no hash (64 hex digits) and no stream's uri", name);
    const int result = garden_manifest_load(recorded->store, &hash, &recorded->manifest, &error);
    if (result == GARDEN_OK) return TOOL_OK;
    (void)tool_fail(tool, "%s", error.text);
    return result == GARDEN_ERR_CORRUPT ? TOOL_DIFFERS : TOOL_FAILED;
}

int recorded_open(const struct tool *tool, struct recorded *recorded, const char *store,
                  const char *name)
{
    struct garden_error error;
    const struct garden_store_config config = {.root = store, .read_only = true};
    *recorded = (struct recorded){.store = NULL};
    if (garden_store_open(&config, &recorded->store, &error) < 0)
        return tool_fail(tool, "%s", error.text);
    garden_manifest_init(&recorded->manifest, NULL);
    int result = recorded_load(tool, recorded, name);
    if (result == TOOL_OK)
        result = recorded_format(tool, recorded->store, &recorded->manifest, &recorded->format);
    if (result != TOOL_OK) recorded_close(recorded);
    return result;
}

void recorded_close(struct recorded *recorded)
{
    garden_manifest_fini(&recorded->manifest);
    garden_store_close(recorded->store);
    recorded->store = NULL;
}
