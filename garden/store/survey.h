// What a store holds and what names it: every object, marked by the manifests among them and by the
// recordings in staging. What cannot be read is told as it is met, for it may have named something.
#ifndef GARDEN_STORE_SURVEY_H
#define GARDEN_STORE_SURVEY_H

#include "store.h"

enum garden__survey_mark {
    GARDEN__SURVEY_NAMED = 1,
    GARDEN__SURVEY_MANIFEST = 2, // it names others, or did before it was forgotten
    GARDEN__SURVEY_FORGOTTEN = 4,
    GARDEN__SURVEY_DEFINITION = 8, // how it is named
    GARDEN__SURVEY_CHUNK = 16,
    GARDEN__SURVEY_MIDI = 32,
    GARDEN__SURVEY_JSON = 64,  // begins as a JSON object does, and is no larger than a manifest
    GARDEN__SURVEY_TOLD = 128, // something was told about it
    GARDEN__SURVEY_REMOVED = 256,
};
struct garden__survey_object {
    struct garden_hash hash;
    uint64_t size;
    mode_t mode;
    unsigned marks;
};

struct garden__survey {
    const struct garden_store *store;
    struct garden__survey_object *objects; // by their hashes
    size_t count, space;
    // Told of each trouble; a negative result ends the survey with it. |name| is an object's 64 digits, or
    // a file's path below the root.
    int (*trouble)(void *context, enum garden_finding_kind kind, const char *name,
                   const struct garden_error *error);
    void *context;
    bool
        unsure; // while something is told: it is of a live manifest's, which nothing checks, so it may be damaged itself
    const struct garden_hash *forget;
    size_t forget_count;
};

// |trouble|, |context|, |forget| are filled in by the caller, the rest is zero.
int garden__survey_take(struct garden__survey *survey, struct garden_error *error);
void garden__survey_fini(struct garden__survey *survey);
struct garden__survey_object *garden__survey_find(const struct garden__survey *survey,
                                                  const struct garden_hash *hash);
// Fills in |object|'s size, mode, and whether it may be a manifest, by its path below objects/.
int garden__survey_look(const struct garden_store *store, struct garden__survey_object *object,
                        const char *name, struct garden_error *error);
// Calls |each| with every name in the folder |path| below |folder|, hidden ones too, until it fails. A
// folder that is not there has none.
int garden__survey_names(const struct garden_store *store, int folder, const char *path,
                         int (*each)(void *context, const char *prefix, const char *name),
                         void *context, struct garden_error *error);

#endif
