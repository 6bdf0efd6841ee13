#include "survey.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../value.h"
#include "recording.h"

enum { SURVEY_SPACE = 256 };

// ---- Names in folders

static int survey_read_names(const struct garden_store *store, int file, const char *path,
                             int (*each)(void *context, const char *prefix, const char *name),
                             void *context, struct garden_error *error)
{
    int result = GARDEN_OK;
    DIR *entries = fdopendir(file);
    if (entries == NULL) {
        result = garden__fail_errno(error, "cannot list", path);
        garden__fs_close(store->fs, file);
        return result;
    }
    while (result == GARDEN_OK) {
        errno = 0; // a list that ends early would make roots invisible
        const struct dirent *entry = readdir(entries);
        if (entry == NULL && errno != 0) result = garden__fail_errno(error, "cannot list", path);
        if (entry == NULL) break;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = each(context, path, entry->d_name);
    }
    (void)closedir(entries);
    return result;
}

int garden__survey_names(const struct garden_store *store, int folder, const char *path,
                         int (*each)(void *context, const char *prefix, const char *name),
                         void *context, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    const int file =
        fs->open(fs->context, folder, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (file < 0 && errno == ENOENT) return GARDEN_OK;
    if (file < 0) return garden__fail_errno(error, "cannot list", path);
    return survey_read_names(store, file, path, each, context, error);
}

// ---- The objects

struct survey_listing {
    struct garden__survey *survey;
    struct garden_error *error;
};

// |error| says what was met; should that end the survey, it says so afterwards.
static int survey_tell(const struct garden__survey *survey, enum garden_finding_kind kind,
                       const char *name, struct garden_error *error)
{
    const struct garden_error told = *error; // the callee may be looking things up
    const int result = survey->trouble(survey->context, kind, name, &told);
    *error = told;
    return result;
}

static bool survey_is_forgotten(const struct garden__survey *survey, const struct garden_hash *hash)
{
    for (size_t i = 0; i < survey->forget_count; i++)
        if (garden_hash_equal(&survey->forget[i], hash)) return true;
    return false;
}

static int survey_grow(struct garden__survey *survey, struct garden_error *error)
{
    if (survey->count < survey->space) return GARDEN_OK;
    const struct zmtp_allocator *allocator = survey->store->allocator;
    const size_t space = survey->space > 0 ? 2 * survey->space : SURVEY_SPACE;
    if (space > SIZE_MAX / sizeof *survey->objects)
        return garden__fail(error, GARDEN_ERR_LIMIT, "the store has too many objects");
    struct garden__survey_object *objects = zmtp_alloc(allocator, space * sizeof *objects);
    if (objects == NULL)
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a list of %zu objects", space);
    if (survey->count > 0) memcpy(objects, survey->objects, survey->count * sizeof *objects);
    zmtp_free(allocator, survey->objects, survey->space * sizeof *objects);
    survey->objects = objects;
    survey->space = space;
    return GARDEN_OK;
}

int garden__survey_look(const struct garden_store *store, struct garden__survey_object *object,
                        const char *name, struct garden_error *error)
{
    const struct garden_fs *fs = store->fs;
    struct stat status;
    uint8_t first = 0;
    int result = GARDEN_OK;
    const int file = fs->open(fs->context, store->objects, name,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (file < 0) return garden__fail_errno(error, "cannot open object", name);
    if (fs->stat(fs->context, file, &status) != 0)
        result = garden__fail_errno(error, "cannot examine object", name);
    else if (!S_ISREG(status.st_mode))
        result = garden__fail(error, GARDEN_ERR_ACCESS, "object %s: is not a regular file", name);
    else if (status.st_size > 0 && status.st_size <= GARDEN__MANIFEST_TEXT_MAX &&
             garden__fs_read_all(fs, file, &first, 1) < 0)
        result = garden__fail_errno(error, "cannot read object", name);
    garden__fs_close(fs, file);
    if (result != GARDEN_OK) return result;
    object->size = (uint64_t)status.st_size;
    object->mode = status.st_mode;
    if (first != 0 && strchr("{ \t\r\n", first) != NULL) object->marks |= GARDEN__SURVEY_JSON;
    return GARDEN_OK;
}

static int survey_add(void *context, const char *prefix, const char *name)
{
    const struct survey_listing *listing = context;
    struct garden__survey *survey = listing->survey;
    struct garden_error *error = listing->error;
    struct garden__survey_object object = {.marks = 0};
    char shown[128], text[3 + NAME_MAX], canonical[GARDEN_HASH_TEXT_SIZE],
        path[GARDEN__STORE_NAME_SIZE];
    (void)snprintf(text, sizeof text, "%.2s%.250s", prefix, name);
    if (garden_hash_parse(text, &object.hash) == GARDEN_OK)
        garden_hash_text(&object.hash, canonical);
    else
        canonical[0] = '\0';
    if (strcmp(text, canonical) != 0) {
        (void)garden__fail(error, GARDEN_ERR_FORMAT, "objects/%.2s/%.100s: is no object's name",
                           prefix, name);
        (void)snprintf(shown, sizeof shown, "objects/%.2s/%.100s", prefix, name);
        return survey_tell(survey, GARDEN_FINDING_STRANGER, shown, error);
    }
    garden__store_name(&object.hash, "", path);
    if (survey_is_forgotten(survey, &object.hash)) object.marks |= GARDEN__SURVEY_FORGOTTEN;
    if (garden__survey_look(survey->store, &object, path, error) < 0) {
        object.marks |= GARDEN__SURVEY_TOLD;
        const int told = survey_tell(survey, GARDEN_FINDING_UNREADABLE, text, error);
        if (told < 0) return told;
    }
    const int result = survey_grow(survey, error);
    if (result == GARDEN_OK) survey->objects[survey->count++] = object;
    return result;
}

static int survey_compare(const void *a, const void *b)
{
    const struct garden__survey_object *left = a, *right = b;
    return memcmp(left->hash.octets, right->hash.octets, GARDEN_HASH_SIZE);
}

static int survey_list(struct garden__survey *survey, struct garden_error *error)
{
    struct survey_listing listing = {survey, error};
    for (unsigned i = 0; i < 256; i++) {
        char prefix[3];
        (void)snprintf(prefix, sizeof prefix, "%02x", i & 0xffu);
        const int result = garden__survey_names(survey->store, survey->store->objects, prefix,
                                                survey_add, &listing, error);
        if (result < 0) return result;
    }
    if (survey->count > 0)
        qsort(survey->objects, survey->count, sizeof *survey->objects, survey_compare);
    return GARDEN_OK;
}

struct garden__survey_object *garden__survey_find(const struct garden__survey *survey,
                                                  const struct garden_hash *hash)
{
    const struct garden__survey_object wanted = {.hash = *hash};
    if (survey->count == 0) return NULL;
    return bsearch(&wanted, survey->objects, survey->count, sizeof wanted, survey_compare);
}

// ---- What names them

// |by| is an object's name or a staged file's.
static int survey_mark(struct garden__survey *survey, const struct garden_hash *hash,
                       unsigned marks, const char *by, struct garden_error *error)
{
    struct garden__survey_object *object = garden__survey_find(survey, hash);
    if (object != NULL) {
        object->marks |= marks | GARDEN__SURVEY_NAMED;
        return GARDEN_OK;
    }
    // A writer may have made it since the objects were listed.
    const struct garden_fs *fs = survey->store->fs;
    char name[GARDEN__STORE_NAME_SIZE], text[GARDEN_HASH_TEXT_SIZE];
    garden__store_name(hash, "", name);
    const int file = fs->open(fs->context, survey->store->objects, name,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (file >= 0) {
        garden__fs_close(fs, file);
        return GARDEN_OK;
    }
    garden_hash_text(hash, text);
    (void)garden__fail(error, GARDEN_ERR_NOT_FOUND,
                       "object %s: is not there, and %.100s names it; %s", text, by,
                       survey->unsure ? "that may be damaged: recover the recording first"
                                      : "bring it back from a copy");
    return survey_tell(survey, GARDEN_FINDING_MISSING, text, error);
}

static int survey_mark_manifest(struct garden__survey *survey,
                                const struct garden_manifest *manifest, const char *by,
                                struct garden_error *error)
{
    // A frame of audio has two octets at least.
    const unsigned marks =
        GARDEN__SURVEY_CHUNK | (manifest->frame_size == 1 ? GARDEN__SURVEY_MIDI : 0);
    int result =
        survey_mark(survey, &manifest->definition_hash, GARDEN__SURVEY_DEFINITION, by, error);
    for (size_t i = 0; i < manifest->chunk_count && result >= 0; i++) {
        const struct garden_manifest_chunk *chunk = &manifest->chunks[i];
        result = survey_mark(survey, &chunk->hash, marks, by, error);
        const struct garden__survey_object *object = garden__survey_find(survey, &chunk->hash);
        if (result < 0 || object == NULL || object->size == chunk->byte_count ||
            object->marks & GARDEN__SURVEY_TOLD)
            continue;
        char text[GARDEN_HASH_TEXT_SIZE];
        garden_hash_text(&chunk->hash, text);
        (void)garden__fail(
            error, GARDEN_ERR_CORRUPT, "object %s: has %llu octets, where %.100s says %llu", text,
            (unsigned long long)object->size, by, (unsigned long long)chunk->byte_count);
        result = survey_tell(survey, GARDEN_FINDING_DAMAGED, text, error);
    }
    return result < 0 ? result : GARDEN_OK;
}

// Whether |json| looks like one of ours, though it cannot be read as one. Negative: it cannot be told.
static int survey_resembles(const struct garden_store *store, struct zmtp_bytes json)
{
    struct garden_arena arena;
    struct garden_value document;
    garden_arena_init(&arena, store->allocator, 4 * (size_t)GARDEN__MANIFEST_TEXT_MAX);
    int result = garden_json_decode(json, &arena, &document, NULL);
    if (result == GARDEN_OK)
        result = garden_value_find(&document, "stream_uri") != NULL &&
                 garden_value_find(&document, "chunks") != NULL;
    else if (arena.error == GARDEN_OK)
        result = 0; // no JSON, or deeper than any manifest
    garden_arena_fini(&arena);
    return result;
}

static int survey_read_manifest(struct garden__survey *survey, struct garden__survey_object *object,
                                struct zmtp_bytes json, const char *text,
                                struct garden_error *error)
{
    struct garden_manifest manifest;
    int result = garden_manifest_parse(survey->store->allocator, json, &manifest, error);
    if (result == GARDEN_ERR_MEMORY) return result;
    if (result == GARDEN_OK) {
        object->marks |= GARDEN__SURVEY_MANIFEST;
        if (!(object->marks & GARDEN__SURVEY_FORGOTTEN))
            result = survey_mark_manifest(survey, &manifest, text, error);
        garden_manifest_fini(&manifest);
        return result;
    }
    result = survey_resembles(survey->store, json);
    if (result <= 0) {
        if (result < 0) (void)garden__fail(error, result, "no memory to look at object %s", text);
        return result;
    }
    object->marks |= GARDEN__SURVEY_MANIFEST | GARDEN__SURVEY_TOLD;
    return survey_tell(survey, GARDEN_FINDING_MANIFEST, text, error);
}

static int survey_try_manifest(struct garden__survey *survey, struct garden__survey_object *object,
                               struct garden_error *error)
{
    char text[GARDEN_HASH_TEXT_SIZE];
    uint8_t *octets = NULL;
    size_t size = 0;
    garden_hash_text(&object->hash, text);
    int result = garden_store_get(survey->store, &object->hash, GARDEN__MANIFEST_TEXT_MAX, &octets,
                                  &size, error);
    if (result == GARDEN_ERR_MEMORY) return result;
    if (result < 0) {
        object->marks |= GARDEN__SURVEY_TOLD;
        return survey_tell(survey,
                           result == GARDEN_ERR_CORRUPT ? GARDEN_FINDING_DAMAGED
                                                        : GARDEN_FINDING_UNREADABLE,
                           text, error);
    }
    result = survey_read_manifest(survey, object, zmtp_bytes_of(octets, size), text, error);
    zmtp_free(survey->store->allocator, octets, size > 0 ? size : 1);
    return result;
}

// ---- Staging

struct survey_journal {
    struct garden__survey *survey;
    const char *name;
    struct garden_error *error;
};

static int survey_journal_record(void *context, uint32_t type, struct zmtp_bytes payload)
{
    const struct survey_journal *journal = context;
    struct garden__record_reader reader = {.in = payload};
    struct garden_hash hash = {0};
    unsigned marks = 0;
    switch (type) {
    case GARDEN__RECORD_BEGIN:
        marks = GARDEN__SURVEY_DEFINITION;
        break;
    case GARDEN__RECORD_SEALED:
        (void)garden__record_take_u64(&reader); // the chunk's number
        marks = GARDEN__SURVEY_CHUNK;
        break;
    case GARDEN__RECORD_DONE:
        break;
    case GARDEN__RECORD_PLANNED:
    case GARDEN__RECORD_HELD:
    case GARDEN__RECORD_CLOSED:
    case GARDEN__RECORD_EMPTY:
    case GARDEN__RECORD_STOPPED:
    case GARDEN__RECORD_LIMIT:
    case GARDEN__RECORD_BOOT:
        return GARDEN_OK; // they name no object
    default:
        return GARDEN_ERR_VERSION; // written by a later version: it may name anything
    }
    const uint8_t *octets = garden__record_take(&reader, GARDEN_HASH_SIZE);
    if (octets == NULL) return GARDEN_ERR_FORMAT;
    memcpy(hash.octets, octets, GARDEN_HASH_SIZE);
    return survey_mark(journal->survey, &hash, marks, journal->name, journal->error);
}

static bool survey_ends_with(const char *name, const char *end)
{
    const size_t size = strlen(name), end_size = strlen(end);
    return size > end_size && strcmp(name + size - end_size, end) == 0;
}

static int survey_staged(void *context, const char *prefix, const char *name)
{
    const struct survey_listing *listing = context;
    struct garden__survey *survey = listing->survey;
    struct garden_error *error = listing->error;
    const bool recording = strcmp(prefix, "recordings") == 0;
    struct garden_manifest manifest;
    int result = GARDEN_OK;
    if (!garden__store_name_ok(name)) return GARDEN_OK;
    if (survey_ends_with(name, ".journal")) {
        struct survey_journal journal = {survey, name, error};
        result = garden__journal_peek(survey->store, name, survey_journal_record, &journal, error);
    } else if (survey_ends_with(name, recording ? ".json" : ".manifest.json")) {
        const struct garden_store *store = survey->store;
        result = garden__manifest_load_at(store, recording ? store->recordings : store->staging,
                                          name, &manifest, error);
        if (result == GARDEN_OK) {
            survey->unsure = true;
            result = survey_mark_manifest(survey, &manifest, name, error);
            survey->unsure = false;
            garden_manifest_fini(&manifest);
            return result;
        }
    }
    // One that a writer took away since it was listed names nothing any more.
    if (result == GARDEN_OK || result == GARDEN_ERR_NOT_FOUND) return GARDEN_OK;
    if (result == GARDEN_ERR_MEMORY) return result;
    return survey_tell(survey, GARDEN_FINDING_MANIFEST, name, error);
}

// ---- All

int garden__survey_take(struct garden__survey *survey, struct garden_error *error)
{
    struct garden_error own = {0};
    struct survey_listing listing = {survey, &own};
    int result = survey_list(survey, &own);
    for (size_t i = 0; i < survey->count && result >= 0; i++)
        if ((survey->objects[i].marks & (GARDEN__SURVEY_JSON | GARDEN__SURVEY_TOLD)) ==
            GARDEN__SURVEY_JSON)
            result = survey_try_manifest(survey, &survey->objects[i], &own);
    if (result >= 0)
        result = garden__survey_names(survey->store, survey->store->root, "staging", survey_staged,
                                      &listing, &own);
    if (result >= 0)
        result = garden__survey_names(survey->store, survey->store->root, "recordings",
                                      survey_staged, &listing, &own);
    if (result < 0 && error != NULL) *error = own;
    return result < 0 ? result : GARDEN_OK;
}

void garden__survey_fini(struct garden__survey *survey)
{
    zmtp_free(survey->store->allocator, survey->objects, survey->space * sizeof *survey->objects);
    survey->objects = NULL;
    survey->count = survey->space = 0;
}
