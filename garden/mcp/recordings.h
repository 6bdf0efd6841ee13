// What is in the store: recordings by their manifests' hashes, or by the uri of their stream.
#ifndef GARDEN_MCP_RECORDINGS_H
#define GARDEN_MCP_RECORDINGS_H

#include <jansson.h>

#include "../store.h"
#include "../tools/definition.h"

enum { RECORDINGS_STORE_SIZE = 1024 };

struct recording {
    struct garden_store *store; // opened for it
    struct garden_manifest manifest;
    struct garden_stream_format format;
    char hash[GARDEN_HASH_TEXT_SIZE]; // empty: it is still being captured
};
// |hash|, if not null, names it; else the newest of |uri|, as far as it is sealed. |writable|: the store is to be
// written to as well. Close it only after GARDEN_OK.
int recording_open(struct recording *out, const char *store, const char *hash, const char *uri,
                   bool writable, struct garden_error *error);
void recording_close(struct recording *recording);

// What a client sees of a manifest; null: no memory.
json_t *recording_json(const struct garden_manifest *manifest);
// Calls |each| with the manifests of the finished recordings in |store|; a store that is not there has none.
int recordings_each(const char *store,
                    bool (*each)(void *context, const struct garden_hash *hash,
                                 const struct garden_manifest *manifest),
                    void *context, struct garden_error *error);

#endif
