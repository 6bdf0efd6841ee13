// Removing what nothing names. The order is the guarantee: all that can name something is read first,
// then forgotten manifests go and that is made to last, then what they named. So at every instant each
// manifest in the store has all that it names.
#include "survey.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct collect {
    struct garden_store *store;
    const struct garden_collect_config *config;
    struct garden_collect_report *report;
    struct garden__survey survey;
    bool folders[256]; // those that something went from
};

static bool collect_forgets(const struct collect *collect, const char *name)
{
    struct garden_hash hash;
    if (garden_hash_parse(name, &hash) < 0) return false;
    for (size_t i = 0; i < collect->config->forget_count; i++)
        if (garden_hash_equal(&collect->config->forget[i], &hash)) return true;
    return false;
}

// What cannot be read may have named anything, and so may a live manifest that names what is not there. Damaged objects
// are asked about later, when it is known whether something names them.
static int collect_trouble(void *context, enum garden_finding_kind kind, const char *name,
                           const struct garden_error *error)
{
    const struct collect *collect = context;
    const bool unknown = kind == GARDEN_FINDING_MANIFEST || kind == GARDEN_FINDING_UNREADABLE ||
                         (kind == GARDEN_FINDING_MISSING && collect->survey.unsure);
    return unknown && !collect_forgets(collect, name) ? error->code : GARDEN_OK;
}

// ---- What is unnamed

static bool collect_is_root(const struct garden__survey_object *object)
{
    return (object->marks & (GARDEN__SURVEY_MANIFEST | GARDEN__SURVEY_FORGOTTEN)) ==
           GARDEN__SURVEY_MANIFEST;
}

static bool collect_is_unnamed(const struct garden__survey_object *object)
{
    return !(object->marks & GARDEN__SURVEY_NAMED) && !collect_is_root(object);
}

// Each forgotten hash is an object that nothing else names, and was a manifest as far as can be told.
static int collect_check_forgotten(const struct collect *collect, struct garden_error *error)
{
    for (size_t i = 0; i < collect->config->forget_count; i++) {
        const struct garden_hash *hash = &collect->config->forget[i];
        const struct garden__survey_object *object = garden__survey_find(&collect->survey, hash);
        char text[GARDEN_HASH_TEXT_SIZE];
        garden_hash_text(hash, text);
        if (object == NULL)
            return garden__fail(error, GARDEN_ERR_NOT_FOUND,
                                "manifest %s: is not in the store (if an earlier collection took "
                                "it, do not name it again)",
                                text);
        if (object->marks & GARDEN__SURVEY_NAMED)
            return garden__fail(error, GARDEN_ERR_STATE,
                                "object %s: cannot be forgotten, a manifest or a recording in "
                                "staging names it",
                                text);
        if (object->marks & (GARDEN__SURVEY_MANIFEST | GARDEN__SURVEY_TOLD)) continue;
        if (garden_store_verify(collect->store, hash, NULL, NULL) == GARDEN_OK)
            return garden__fail(error, GARDEN_ERR_ARGUMENT, "object %s: is no manifest", text);
    }
    return GARDEN_OK;
}

static int collect_check_unnamed(const struct collect *collect, struct garden_error *error)
{
    for (size_t i = 0; i < collect->survey.count; i++) {
        const struct garden__survey_object *object = &collect->survey.objects[i];
        if (!collect_is_unnamed(object) || object->marks & GARDEN__SURVEY_FORGOTTEN) continue;
        // One that was damaged when it was looked at was not looked into, so it does not help if it is
        // whole now.
        const int result = object->marks & GARDEN__SURVEY_TOLD
                               ? GARDEN_ERR_CORRUPT
                               : garden_store_verify(collect->store, &object->hash, NULL, error);
        if (result != GARDEN_ERR_CORRUPT) {
            if (result < 0) return result;
            continue;
        }
        char text[GARDEN_HASH_TEXT_SIZE];
        garden_hash_text(&object->hash, text);
        return garden__fail(error, GARDEN_ERR_CORRUPT,
                            "object %s: is damaged, and may have been a manifest: bring it back "
                            "from a copy, or forget it",
                            text);
    }
    return GARDEN_OK;
}

static void collect_count(struct collect *collect)
{
    struct garden_collect_report *report = collect->report;
    for (size_t i = 0; i < collect->survey.count; i++) {
        const struct garden__survey_object *object = &collect->survey.objects[i];
        report->objects++;
        report->object_bytes += object->size;
        if (collect_is_root(object)) report->manifests++;
        if (!collect_is_unnamed(object)) continue;
        report->unnamed++;
        report->unnamed_bytes += object->size;
    }
}

// ---- Removing

static int collect_unlink(struct collect *collect, int folder, const char *name,
                          struct garden_error *error)
{
    const struct garden_fs *fs = collect->store->fs;
    if (fs->unlink(fs->context, folder, name) == 0 || errno == ENOENT) return GARDEN_OK;
    return garden__fail_errno(error, "cannot remove", name);
}

static int collect_sync(struct collect *collect, struct garden_error *error)
{
    for (unsigned i = 0; i < 256; i++) {
        char prefix[8]; // two digits; some compilers see more
        (void)snprintf(prefix, sizeof prefix, "%02x", i & 0xffu);
        if (!collect->folders[i]) continue;
        if (garden__fs_sync_folder(collect->store->fs, collect->store->objects, prefix) != 0)
            return garden__fail_errno(error, "cannot sync folder", prefix);
        collect->folders[i] = false;
    }
    return GARDEN_OK;
}

static int collect_remove_one(struct collect *collect, struct garden__survey_object *object,
                              struct garden_error *error)
{
    char name[GARDEN__STORE_NAME_SIZE];
    garden__store_name(&object->hash, "", name);
    int result = collect_unlink(collect, collect->store->objects, name, error);
    if (result != GARDEN_OK) return result;
    object->marks |= GARDEN__SURVEY_REMOVED;
    collect->folders[object->hash.octets[0]] = true;
    collect->report->removed++;
    collect->report->removed_bytes += object->size;
    garden__step(collect->store->fs, "collect.removed");
    garden__store_name(&object->hash, ".json", name);
    return collect_unlink(collect, collect->store->metadata, name, error);
}

// The unnamed objects that are, or are not, forgotten; what went is then gone for good.
static int collect_remove(struct collect *collect, bool forgotten, struct garden_error *error)
{
    const struct garden_collect_config *config = collect->config;
    int result = GARDEN_OK;
    for (size_t i = 0; i < collect->survey.count && result == GARDEN_OK; i++) {
        struct garden__survey_object *object = &collect->survey.objects[i];
        const bool own = object->marks & GARDEN__SURVEY_FORGOTTEN;
        if (!collect_is_unnamed(object) || own != forgotten) continue;
        if (config->each != NULL)
            config->each(config->context, &object->hash, object->size,
                         object->marks & GARDEN__SURVEY_MANIFEST);
        if (config->remove) result = collect_remove_one(collect, object, error);
    }
    garden__step(collect->store->fs, forgotten ? "collect.forgotten" : "collect.all");
    return result == GARDEN_OK ? collect_sync(collect, error) : result;
}

// ---- Metadata of what is not there

struct collect_stray {
    struct collect *collect;
    struct garden_error *error;
};

static int collect_stray(void *context, const char *prefix, const char *name)
{
    const struct collect_stray *stray = context;
    struct collect *collect = stray->collect;
    struct garden_hash hash;
    char text[GARDEN_HASH_TEXT_SIZE], path[GARDEN__STORE_NAME_SIZE];
    if (strlen(name) != 62 + 5 || strcmp(name + 62, ".json") != 0) return GARDEN_OK;
    (void)snprintf(text, sizeof text, "%.2s%.62s", prefix, name);
    if (garden_hash_parse(text, &hash) < 0) return GARDEN_OK;
    const struct garden__survey_object *object = garden__survey_find(&collect->survey, &hash);
    if (object != NULL && !(object->marks & GARDEN__SURVEY_REMOVED)) return GARDEN_OK;
    (void)snprintf(path, sizeof path, "%.2s/%.67s", prefix, name);
    const int result = collect_unlink(collect, collect->store->metadata, path, stray->error);
    if (result == GARDEN_OK) collect->report->metadata_removed++;
    return result;
}

static int collect_strays(struct collect *collect, struct garden_error *error)
{
    struct collect_stray stray = {collect, error};
    int result = GARDEN_OK;
    for (unsigned i = 0; i < 256 && result == GARDEN_OK; i++) {
        char prefix[3];
        (void)snprintf(prefix, sizeof prefix, "%02x", i & 0xffu);
        result = garden__survey_names(collect->store, collect->store->metadata, prefix,
                                      collect_stray, &stray, error);
    }
    return result;
}

// ---- All

static int collect_run(struct collect *collect, struct garden_error *error)
{
    int result = garden__survey_take(&collect->survey, error);
    if (result == GARDEN_OK) result = collect_check_forgotten(collect, error);
    if (result == GARDEN_OK) result = collect_check_unnamed(collect, error);
    if (result != GARDEN_OK) return result;
    collect_count(collect);
    garden__step(collect->store->fs, "collect.surveyed");
    result = collect_remove(collect, true, error);
    if (result == GARDEN_OK) result = collect_remove(collect, false, error);
    if (result == GARDEN_OK && collect->config->remove) result = collect_strays(collect, error);
    return result;
}

int garden_store_collect(struct garden_store *store, const struct garden_collect_config *config,
                         struct garden_collect_report *out, struct garden_error *error)
{
    *out = (struct garden_collect_report){.objects = 0};
    if (config->remove && !store->exclusive)
        return garden__fail(error, GARDEN_ERR_STATE,
                            "nothing is removed from a store that was not opened exclusively");
    struct collect collect = {
        .store = store,
        .config = config,
        .report = out,
        .survey = {.store = store,
                   .trouble = collect_trouble,
                   .forget = config->forget,
                   .forget_count = config->forget_count},
    };
    collect.survey.context = &collect;
    const int result = collect_run(&collect, error);
    garden__survey_fini(&collect.survey);
    return result;
}
