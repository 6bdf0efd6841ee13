// The manifests of a store, for those who look for recordings: a walk over the objects in the order of their
// hashes, which can stop anywhere and go on from there. It keeps the names of one folder, so neither its memory
// nor a step grows with the store.
#include "survey.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTING_FOLDERS = 256, LISTING_SPACE = 64 };

void garden_manifests_open(struct garden_manifests *walk, const struct garden_store *store,
                           const struct garden_hash *from)
{
    *walk = (struct garden_manifests){.store = store};
    if (!from) return;
    walk->from = *from;
    walk->folder = from->octets[0];
}

void garden_manifests_close(struct garden_manifests *walk)
{
    zmtp_free(walk->store->allocator, walk->hashes, walk->space * sizeof *walk->hashes);
    walk->hashes = NULL;
    walk->count = walk->space = walk->next = 0;
}

static int listing_grow(struct garden_manifests *walk)
{
    const struct zmtp_allocator *allocator = walk->store->allocator;
    const size_t space = walk->space > 0 ? 2 * walk->space : LISTING_SPACE;
    if (space > SIZE_MAX / sizeof *walk->hashes) return GARDEN_ERR_LIMIT;
    struct garden_hash *hashes = zmtp_alloc(allocator, space * sizeof *hashes);
    if (!hashes) return GARDEN_ERR_MEMORY;
    if (walk->count > 0) memcpy(hashes, walk->hashes, walk->count * sizeof *hashes);
    zmtp_free(allocator, walk->hashes, walk->space * sizeof *walk->hashes);
    walk->hashes = hashes;
    walk->space = space;
    return GARDEN_OK;
}

static int listing_add(void *context, const char *prefix, const char *name)
{
    struct garden_manifests *walk = context;
    struct garden_hash hash;
    char text[3 + NAME_MAX];
    (void)snprintf(text, sizeof text, "%.2s%.250s", prefix, name);
    if (garden_hash_parse(text, &hash) < 0) return GARDEN_OK; // no object's name
    if (memcmp(hash.octets, walk->from.octets, GARDEN_HASH_SIZE) < 0) return GARDEN_OK;
    if (walk->count == walk->space) {
        const int result = listing_grow(walk);
        if (result < 0) return result;
    }
    walk->hashes[walk->count++] = hash;
    return GARDEN_OK;
}

static int listing_compare(const void *a, const void *b)
{
    return memcmp(((const struct garden_hash *)a)->octets, ((const struct garden_hash *)b)->octets,
                  GARDEN_HASH_SIZE);
}

// The next folder's names.
static int listing_folder(struct garden_manifests *walk, struct garden_error *error)
{
    char prefix[3];
    walk->count = walk->next = 0;
    if (walk->folder == LISTING_FOLDERS) {
        walk->over = true;
        return GARDEN_OK;
    }
    (void)snprintf(prefix, sizeof prefix, "%02x", walk->folder++ & 0xffu);
    const int result =
        garden__survey_names(walk->store, walk->store->objects, prefix, listing_add, walk, error);
    if (result == GARDEN_ERR_MEMORY)
        return garden__fail(error, result, "no memory for the names in objects/%s", prefix);
    if (result < 0) return result;
    if (walk->count > 0) qsort(walk->hashes, walk->count, sizeof *walk->hashes, listing_compare);
    return GARDEN_OK;
}

int garden_manifests_step(struct garden_manifests *walk, struct garden_hash *hash,
                          struct garden_manifest *manifest, struct garden_error *error)
{
    struct garden__survey_object object = {.marks = 0};
    char name[GARDEN__STORE_NAME_SIZE];
    if (walk->over) return 0;
    if (walk->next == walk->count) return listing_folder(walk, error);
    *hash = walk->hashes[walk->next++];
    garden__store_name(hash, "", name);
    // What cannot be read, or is damaged, is garden_store_check's to tell.
    if (garden__survey_look(walk->store, &object, name, NULL) < 0) return 0;
    if ((object.marks & GARDEN__SURVEY_JSON) == 0) return 0;
    const int result = garden_manifest_load(walk->store, hash, manifest, error);
    if (result == GARDEN_ERR_MEMORY) return result;
    return result == GARDEN_OK;
}

int garden_store_each_manifest(const struct garden_store *store,
                               bool (*each)(void *context, const struct garden_hash *hash,
                                            const struct garden_manifest *manifest),
                               void *context, struct garden_error *error)
{
    struct garden_manifests walk;
    struct garden_manifest manifest;
    struct garden_hash hash;
    bool more = true;
    int result = GARDEN_OK;
    garden_manifests_open(&walk, store, NULL);
    while (result >= 0 && more && !walk.over) {
        result = garden_manifests_step(&walk, &hash, &manifest, error);
        if (result <= 0) continue;
        more = each(context, &hash, &manifest);
        garden_manifest_fini(&manifest);
    }
    garden_manifests_close(&walk);
    return result < 0 ? result : GARDEN_OK;
}
