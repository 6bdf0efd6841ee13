// The manifests of a store, for those who look for recordings.
#include "survey.h"

static int listing_trouble(void *context, enum garden_finding_kind kind, const char *name,
                           const struct garden_error *error)
{
    (void)context;
    (void)kind;
    (void)name;
    (void)error;
    return GARDEN_OK; // garden_store_check tells
}

int garden_store_each_manifest(const struct garden_store *store,
                               bool (*each)(void *context, const struct garden_hash *hash,
                                            const struct garden_manifest *manifest),
                               void *context, struct garden_error *error)
{
    struct garden__survey survey = {.store = store, .trouble = listing_trouble};
    struct garden_manifest manifest;
    bool more = true;
    const int result = garden__survey_take(&survey, error);
    for (size_t i = 0; i < survey.count && result == GARDEN_OK && more; i++) {
        const struct garden__survey_object *object = &survey.objects[i];
        if ((object->marks & GARDEN__SURVEY_MANIFEST) == 0) continue;
        if (garden_manifest_load(store, &object->hash, &manifest, NULL) < 0) continue;
        more = each(context, &object->hash, &manifest);
        garden_manifest_fini(&manifest);
    }
    garden__survey_fini(&survey);
    return result;
}
