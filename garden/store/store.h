// The store's inside, shared by its files: store.c opens and reads, seal.c makes objects, stage.c keeps the staging
// folder, gaps.c reads what a daemon noted there.
#ifndef GARDEN_STORE_STORE_H
#define GARDEN_STORE_STORE_H

#include "../store.h"
#include "fs.h"

struct garden_store {
    const struct zmtp_allocator *allocator;
    const struct garden_fs *fs;
    bool read_only, exclusive;
    int root, objects, metadata, staging, recordings; // folders; -1: not open
    char staging_path[GARDEN_PATH_MAX];
    // A bit for each of the 256 folders of objects, and of metadata, whose name this process put on the disk.
    uint8_t named[2][256 / 8];
    // The staged file that could not be synced and could not be written again either; empty: there is none.
    char unsynced[128];
};

enum {
    GARDEN__STORE_NAME_SIZE = 2 + 1 + 62 + 5 + 1, // "ab/<62 hex>.json"
    GARDEN__STORE_BLOCK = 32768                   // octets read at a time
};

// "ab/<62 hex>", followed by |suffix|.
void garden__store_name(const struct garden_hash *hash, const char *suffix,
                        char name[GARDEN__STORE_NAME_SIZE]);
// GARDEN_ERR_ACCESS with a line when the store is read-only.
int garden__store_writable(const struct garden_store *store, struct garden_error *error);
// Hashes |file| from its present position to its end.
int garden__store_hash_file(const struct garden_store *store, int file, struct garden_hash *out,
                            uint64_t *out_size, struct garden_error *error);
// Makes the whole of |file|, which the staged |name| names, an object. |file| is readable.
int garden__store_seal_file(struct garden_store *store, int file, const char *name,
                            const char *mime_type, struct garden_hash *out,
                            struct garden_error *error);
// Seals the whole frames among the first |size_max| octets of a staged file whose writer is gone, and
// tells how many octets those are. With none, the file is removed; an absent file has none.
int garden__store_seal_frames(struct garden_store *store, const char *name, uint64_t size_max,
                              uint32_t frame_size, const char *mime_type, struct garden_hash *out,
                              uint64_t *out_size, struct garden_error *error);
// What is known of the staged |name| without a report of its daemon, whose octets are not counted yet (|bytes| is
// UINT64_MAX): where it begins, as it follows position |end|, and the gaps that the daemon noted beside it.
int garden__store_gaps(const struct garden_store *store, const char *name, uint64_t end,
                       struct garden_chunk_report *out, struct garden_error *error);
// Removes a staged chunk, and what was noted beside it.
int garden__store_unstage_chunk(struct garden_store *store, const char *name,
                                struct garden_error *error);
// Whether the open staging folder is the one that its path names.
bool garden__store_in_place(const struct garden_store *store);
// Writes the metadata of an object, unless it has some.
int garden__store_describe(struct garden_store *store, const struct garden_hash *hash,
                           uint64_t size, const char *mime_type, struct garden_error *error);
// As garden_manifest_save() and _load_staged(), in any folder of the store.
int garden__manifest_save_at(const struct garden_manifest *manifest, struct garden_store *store,
                             int folder, const char *name, bool sync, struct garden_error *error);
int garden__manifest_load_at(const struct garden_store *store, int folder, const char *name,
                             struct garden_manifest *out, struct garden_error *error);
// Frames up to position |upto| are lost.
int garden__manifest_lose(struct garden_manifest *manifest, uint64_t upto);
// Calls |each| with every visible name in a folder, until it returns false.
int garden__store_each_name(const struct garden_store *store, const char *folder,
                            bool (*each)(void *context, const char *name), void *context,
                            struct garden_error *error);
// A manifest's text may be this long: of some millions of chunks.
enum { GARDEN__MANIFEST_TEXT_MAX = 512 * 1024 * 1024 };
// Room for so many more chunks and gaps, so that the next append cannot fail.
int garden__manifest_reserve(struct garden_manifest *manifest, size_t chunks, size_t gaps);
// One component that is no hidden name.
bool garden__store_name_ok(const char *name);
// A name that no file in staging has, ending in ".tmp".
void garden__store_temporary_name(char name[64]);
// A new, locked, readable and writable file of a name ending in ".tmp"; such files are swept when the
// store is next opened and nobody holds their lock.
int garden__store_temporary(struct garden_store *store, char name[64], struct garden_error *error);
void garden__store_sweep(struct garden_store *store);

#endif
