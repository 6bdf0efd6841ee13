// What is in the store: recordings by their manifests' hashes, or by the uri of their stream.
#ifndef GARDEN_MCP_RECORDINGS_H
#define GARDEN_MCP_RECORDINGS_H

#include <jansson.h>

#include "../store.h"
#include "../tools/definition.h"

enum { RECORDINGS_STORE_SIZE = 1024 };

// Where the search for the newest recording of a uri stands.
struct recordings_search {
    struct garden_manifests walk;
    struct garden_hash hash;
    int64_t started_ns;
    bool found;
};

struct recording {
    struct garden_store *store; // opened for it
    struct garden_manifest manifest;
    struct garden_stream_format format;
    char hash[GARDEN_HASH_TEXT_SIZE]; // empty: it is still being captured
    struct recordings_search search;
};
// |hash| names it; null: none is named, and recording_search() comes first. |writable|: the store is to be written to
// as well. Close it only after GARDEN_OK.
int recording_open(struct recording *out, const char *store, const char *hash, bool writable,
                   struct garden_error *error);
// Looks for the newest of |uri|, as far as it is sealed, among all there are, some at each call: 1, there are more;
// 0: it is found.
int recording_search(struct recording *recording, const char *uri, struct garden_error *error);
void recording_close(struct recording *recording);

// What a client sees of a manifest; null: no memory.
json_t *recording_json(const struct garden_manifest *manifest);
// Opens the store to read of; |*out| is null when nothing was put into it yet.
int recordings_open(const char *store, struct garden_store **out, struct garden_error *error);

#endif
