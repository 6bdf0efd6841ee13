// Looking at everything in a store. A finding never ends the look; only what keeps it from going on does.
#include "survey.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../value.h"

enum { CHECK_METADATA_MAX = 4096, CHECK_MIME_SIZE = 101 };

struct check {
    struct garden_store *store;
    const struct garden_check_config *config;
    struct garden_check_report *report;
    struct garden__survey survey;
    struct garden_error *error;
};

static const struct {
    const char *name;
    bool wrong;
} check_kinds[GARDEN_FINDINGS] = {
    [GARDEN_FINDING_DAMAGED] = {"damaged", true},
    [GARDEN_FINDING_UNREADABLE] = {"unreadable", true},
    [GARDEN_FINDING_MISSING] = {"missing", true},
    [GARDEN_FINDING_MANIFEST] = {"manifest", true},
    [GARDEN_FINDING_METADATA] = {"metadata", true},
    [GARDEN_FINDING_MODE] = {"mode", true},
    [GARDEN_FINDING_STRANGER] = {"stranger", true},
    [GARDEN_FINDING_UNNAMED] = {"unnamed", false},
    [GARDEN_FINDING_UNDESCRIBED] = {"undescribed", false},
    [GARDEN_FINDING_DESCRIBES] = {"describes-nothing", false},
    [GARDEN_FINDING_LEFTOVER] = {"recording", false},
    [GARDEN_FINDING_STAGED] = {"staged", false},
    [GARDEN_FINDING_TEMPORARY] = {"temporary", false},
};

const char *garden_finding_name(enum garden_finding_kind kind)
{
    return kind < GARDEN_FINDINGS ? check_kinds[kind].name : "unknown";
}

bool garden_finding_wrong(enum garden_finding_kind kind)
{
    return kind < GARDEN_FINDINGS && check_kinds[kind].wrong;
}

// ---- Findings

static void check_tell(struct check *check, enum garden_finding_kind kind, const char *name,
                       const char *text, bool repaired)
{
    struct garden_finding finding = {.kind = kind, .repaired = repaired};
    check->report->found[kind]++;
    if (repaired)
        check->report->repaired++;
    else if (check_kinds[kind].wrong)
        check->report->wrong++;
    if (check->config->each == NULL) return;
    (void)snprintf(finding.name, sizeof finding.name, "%.127s", name);
    for (char *c = finding.name; *c != '\0'; c++)
        if (*c < ' ' || *c > '~') *c = '?'; // a stranger's file may have any name
    (void)snprintf(finding.text, sizeof finding.text, "%.255s", text);
    check->config->each(check->config->context, &finding);
}

static int check_trouble(void *context, enum garden_finding_kind kind, const char *name,
                         const struct garden_error *error)
{
    // The name is told beside it.
    const size_t size = strlen(name);
    const bool begins = strncmp(error->text, name, size) == 0 && error->text[size] == ':';
    check_tell(context, kind, name,
               error->text + (begins ? size + strspn(error->text + size, ": ") : 0), false);
    return GARDEN_OK;
}

// ---- Metadata

// What the object is, as far as it can be told from what names it.
static const char *check_mime(const struct garden__survey_object *object)
{
    if (object->marks & (GARDEN__SURVEY_MANIFEST | GARDEN__SURVEY_DEFINITION))
        return "application/json";
    if (object->marks & GARDEN__SURVEY_MIDI) return "audio/midi";
    return object->marks & GARDEN__SURVEY_CHUNK ? "audio/raw" : "application/octet-stream";
}

// Copies a mime type that can be written again.
static bool check_mime_copy(const struct garden_value *value, char mime[CHECK_MIME_SIZE])
{
    struct garden_text text;
    if (!garden_value_to_text(value, &text) || text.size == 0 || text.size >= CHECK_MIME_SIZE)
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < ' ' || text.data[i] > '~' || strchr("\"\\", text.data[i]) != NULL)
            return false;
    memcpy(mime, text.data, text.size);
    mime[text.size] = '\0';
    return true;
}

static const char check_missing[] = "is missing";

// Null when the metadata is as it should be; else what is wrong. |mime| is what to write.
static const char *check_metadata_read(const struct check *check,
                                       const struct garden__survey_object *object, const char *name,
                                       char mime[CHECK_MIME_SIZE])
{
    const struct garden_fs *fs = check->store->fs;
    uint8_t octets[CHECK_METADATA_MAX];
    struct garden_arena arena;
    struct garden_value document;
    uint64_t size = 0;
    const int file = fs->open(fs->context, check->store->metadata, name,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (file < 0) return errno == ENOENT ? check_missing : "cannot be opened";
    const ssize_t n = garden__fs_read_all(fs, file, octets, sizeof octets);
    garden__fs_close(fs, file);
    if (n < 0) return "cannot be read";
    const char *wrong = "is malformed";
    garden_arena_init(&arena, check->store->allocator, 0);
    if (garden_json_decode(zmtp_bytes_of(octets, (size_t)n), &arena, &document, NULL) ==
        GARDEN_OK) {
        const bool kept = check_mime_copy(garden_value_find(&document, "mime_type"), mime);
        if (kept && garden_value_to_u64(garden_value_find(&document, "size"), &size))
            wrong = size == object->size ? NULL : "tells another size";
    }
    garden_arena_fini(&arena);
    return wrong;
}

// The wrong one goes first: a kill in between leaves a missing one, which is found again.
static bool check_metadata_repair(struct check *check, const struct garden__survey_object *object,
                                  const char *name, const char *mime)
{
    const struct garden_fs *fs = check->store->fs;
    if (fs->unlink(fs->context, check->store->metadata, name) != 0 && errno != ENOENT) return false;
    garden__step(fs, "check.unlinked");
    return garden__store_describe(check->store, &object->hash, object->size, mime, NULL) ==
           GARDEN_OK;
}

static void check_metadata(struct check *check, const struct garden__survey_object *object,
                           const char *text)
{
    char name[GARDEN__STORE_NAME_SIZE], mime[CHECK_MIME_SIZE], line[256];
    (void)snprintf(mime, sizeof mime, "%s", check_mime(object));
    garden__store_name(&object->hash, ".json", name);
    const char *wrong = check_metadata_read(check, object, name, mime);
    if (wrong == NULL) return;
    const bool repaired = check->config->repair && check_metadata_repair(check, object, name, mime);
    (void)snprintf(line, sizeof line, "metadata/%s %s", name, wrong);
    check_tell(check, wrong == check_missing ? GARDEN_FINDING_UNDESCRIBED : GARDEN_FINDING_METADATA,
               text, line, repaired);
}

// ---- Objects

static bool check_mode_repair(struct check *check, const char *name)
{
    const struct garden_fs *fs = check->store->fs;
    const int file = fs->open(fs->context, check->store->objects, name,
                              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (file < 0) return false;
    const bool done = fs->chmod(fs->context, file, 0444) == 0;
    garden__fs_close(fs, file);
    return done;
}

// Returns whether the octets are right.
static bool check_octets(struct check *check, struct garden__survey_object *object,
                         const char *text)
{
    struct garden_error error;
    if (object->marks & GARDEN__SURVEY_TOLD) return object->marks & GARDEN__SURVEY_MANIFEST;
    const int result = garden_store_verify(check->store, &object->hash, NULL, &error);
    // One that was there and is not was collected meanwhile.
    if (result == GARDEN_OK || result == GARDEN_ERR_NOT_FOUND) return result == GARDEN_OK;
    check_tell(check,
               result == GARDEN_ERR_CORRUPT ? GARDEN_FINDING_DAMAGED : GARDEN_FINDING_UNREADABLE,
               text, error.text, false);
    return false;
}

static void check_object(struct check *check, struct garden__survey_object *object)
{
    char text[GARDEN_HASH_TEXT_SIZE], name[GARDEN__STORE_NAME_SIZE];
    garden_hash_text(&object->hash, text);
    garden__store_name(&object->hash, "", name);
    if (!check_octets(check, object, text)) return;
    if (object->mode & 0222)
        check_tell(check, GARDEN_FINDING_MODE, text, "its file can be written to",
                   check->config->repair && check_mode_repair(check, name));
    check_metadata(check, object, text);
    if (object->marks & GARDEN__SURVEY_MANIFEST)
        check->report->manifests++;
    else if (!(object->marks & GARDEN__SURVEY_NAMED))
        check_tell(check, GARDEN_FINDING_UNNAMED, text,
                   "no manifest names it: a collection removes it", false);
}

static void check_objects(struct check *check)
{
    struct garden_check_report *report = check->report;
    uint64_t done = 0;
    for (size_t i = 0; i < check->survey.count; i++) {
        report->objects++;
        report->object_bytes += check->survey.objects[i].size;
    }
    for (size_t i = 0; i < check->survey.count; i++) {
        check_object(check, &check->survey.objects[i]);
        done += check->survey.objects[i].size;
        if (check->config->progress != NULL)
            check->config->progress(check->config->context, done, report->object_bytes);
    }
}

// ---- Names

static int check_described(void *context, const char *prefix, const char *name)
{
    struct check *check = context;
    const struct garden_fs *fs = check->store->fs;
    struct garden_hash hash;
    char text[3 + NAME_MAX], path[3 + NAME_MAX + 1];
    (void)snprintf(path, sizeof path, "%.2s/%.250s", prefix, name);
    (void)snprintf(text, sizeof text, "%.2s%.62s", prefix, name);
    if (strlen(name) != 62 + 5 || strcmp(name + 62, ".json") != 0 ||
        garden_hash_parse(text, &hash) < 0) {
        char shown[128];
        (void)snprintf(shown, sizeof shown, "metadata/%.2s/%.100s", prefix, name);
        check_tell(check, GARDEN_FINDING_STRANGER, shown, "is no object's metadata", false);
        return GARDEN_OK;
    }
    if (garden__survey_find(&check->survey, &hash) != NULL) return GARDEN_OK;
    // A writer may have made the object since.
    if (garden_store_verify(check->store, &hash, NULL, NULL) != GARDEN_ERR_NOT_FOUND)
        return GARDEN_OK;
    const bool repaired =
        check->config->repair && fs->unlink(fs->context, check->store->metadata, path) == 0;
    check_tell(check, GARDEN_FINDING_DESCRIBES, text, "metadata of an object that is not there",
               repaired);
    return GARDEN_OK;
}

// The 256 folders, whose contents are looked at elsewhere.
static int check_folder_name(void *context, const char *prefix, const char *name)
{
    const char *hex = "0123456789abcdef";
    if (strlen(name) == 2 && strspn(name, hex) == 2) return GARDEN_OK;
    char text[128];
    (void)snprintf(text, sizeof text, "%.20s/%.100s", prefix, name);
    check_tell(context, GARDEN_FINDING_STRANGER, text, "the store makes no such name", false);
    return GARDEN_OK;
}

static int check_root_name(void *context, const char *prefix, const char *name)
{
    (void)prefix;
    static const char *const known[] = {"objects", "metadata", "staging", "recordings"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i]) == 0) return GARDEN_OK;
    check_tell(context, GARDEN_FINDING_STRANGER, name, "the store makes no such name", false);
    return GARDEN_OK;
}

// Whether a file "RUN.journal" stands beside the staged |name|, which begins with RUN and a dot.
static bool check_of_recording(const struct check *check, const char *name)
{
    char journal[64];
    if (strlen(name) < 33 || name[32] != '.') return false;
    (void)snprintf(journal, sizeof journal, "%.32s.journal", name);
    return faccessat(check->store->staging, journal, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int check_staged_name(void *context, const char *prefix, const char *name)
{
    (void)prefix;
    struct check *check = context;
    const char *dot = strrchr(name, '.');
    if (dot != NULL && strcmp(dot, ".tmp") == 0)
        check_tell(check, GARDEN_FINDING_TEMPORARY, name,
                   "a temporary file: being written, or swept by the next writer", false);
    else if (dot != NULL && strcmp(dot, ".journal") == 0)
        check_tell(check, GARDEN_FINDING_LEFTOVER, name,
                   "a recording under way, or one to be recovered", false);
    else if (!check_of_recording(check, name))
        check_tell(check, GARDEN_FINDING_STAGED, name, "a staged file of no recording", false);
    return GARDEN_OK;
}

static int check_names(struct check *check)
{
    const struct garden_store *store = check->store;
    int result =
        garden__survey_names(store, store->root, ".", check_root_name, check, check->error);
    if (result == GARDEN_OK)
        result = garden__survey_names(store, store->root, "objects", check_folder_name, check,
                                      check->error);
    if (result == GARDEN_OK)
        result = garden__survey_names(store, store->root, "metadata", check_folder_name, check,
                                      check->error);
    for (unsigned i = 0; i < 256 && result == GARDEN_OK; i++) {
        char prefix[3];
        (void)snprintf(prefix, sizeof prefix, "%02x", i & 0xffu);
        result = garden__survey_names(store, store->metadata, prefix, check_described, check,
                                      check->error);
    }
    if (result == GARDEN_OK)
        result = garden__survey_names(store, store->root, "staging", check_staged_name, check,
                                      check->error);
    return result;
}

// ---- All

int garden_store_check(struct garden_store *store, const struct garden_check_config *config,
                       struct garden_check_report *out, struct garden_error *error)
{
    *out = (struct garden_check_report){.objects = 0};
    if (config->repair && !store->exclusive)
        return garden__fail(error, GARDEN_ERR_STATE,
                            "nothing is repaired in a store that was not opened exclusively");
    struct check check = {
        .store = store,
        .config = config,
        .report = out,
        .survey = {.store = store, .trouble = check_trouble},
        .error = error,
    };
    check.survey.context = &check;
    int result = garden__survey_take(&check.survey, error);
    if (result == GARDEN_OK) {
        check_objects(&check);
        result = check_names(&check);
    }
    garden__survey_fini(&check.survey);
    return result;
}
