#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <garden/store.h>

#include <fcntl.h>

#include "fixture.h"

struct yard {
    struct folder folder;
    struct garden_store *store;
    struct garden_check_report report;
    struct garden_finding last[GARDEN_FINDINGS]; // the last of each kind
};

static void yard_open(struct yard *y, bool exclusive, const struct garden_fs *fs)
{
    const struct garden_store_config config = {
        .root = y->folder.path, .exclusive = exclusive, .fs = fs};
    struct garden_error error;
    if (garden_store_open(&config, &y->store, &error) != GARDEN_OK) fail_msg("%s", error.text);
}

static struct garden_hash yard_put(const struct yard *y, const char *text, const char *mime_type)
{
    struct garden_hash hash;
    assert_int_equal(garden_store_put(y->store, zmtp_bytes_text(text), mime_type, &hash, NULL),
                     GARDEN_OK);
    return hash;
}

// A store with one manifest of one chunk, "aaaa". Returns the manifest's hash.
static struct garden_hash yard_begin(struct yard *y, const struct garden_fs *fs)
{
    struct garden_manifest manifest;
    char *text;
    size_t size;
    memset(y, 0, sizeof *y);
    folder_make(&y->folder);
    yard_open(y, true, fs);
    garden_manifest_init(&manifest, NULL);
    strcpy(manifest.stream_uri, "stream://one");
    manifest.frame_size = 2;
    manifest.definition_hash = yard_put(y, "{}", "application/json");
    const struct garden_hash chunk = yard_put(y, "aaaa", "audio/raw");
    assert_int_equal(garden_manifest_append(&manifest, &chunk, 0, 2, NULL, 0), GARDEN_OK);
    assert_int_equal(garden_manifest_finish(&manifest, 2), GARDEN_OK);
    assert_int_equal(garden_manifest_print(&manifest, &text, &size), GARDEN_OK);
    const struct garden_hash hash = yard_put(y, text, "application/json");
    zmtp_free(zmtp_heap(), text, size + 1);
    garden_manifest_fini(&manifest);
    return hash;
}

static void yard_end(struct yard *y)
{
    garden_store_close(y->store);
    folder_remove(&y->folder);
}

static void yard_each(void *context, const struct garden_finding *finding)
{
    struct yard *y = context;
    assert_true(finding->kind < GARDEN_FINDINGS);
    assert_true(finding->name[0] != '\0' && finding->text[0] != '\0');
    assert_null(strchr(finding->name, '\n'));
    y->last[finding->kind] = *finding;
}

static int yard_check(struct yard *y, bool repair)
{
    const struct garden_check_config config = {.repair = repair, .each = yard_each, .context = y};
    memset(y->last, 0, sizeof y->last);
    return garden_store_check(y->store, &config, &y->report, NULL);
}

// Checks and expects |count| findings of |kind|, and none of another that is wrong.
static void yard_expect(struct yard *y, enum garden_finding_kind kind, uint64_t count)
{
    assert_int_equal(yard_check(y, false), GARDEN_OK);
    assert_int_equal(y->report.found[kind], count);
    assert_int_equal(y->report.wrong, garden_finding_wrong(kind) ? count : 0);
}

static void yard_path(const struct yard *y, const char *kind, const struct garden_hash *hash,
                      const char *suffix, char path[256])
{
    char text[GARDEN_HASH_TEXT_SIZE];
    garden_hash_text(hash, text);
    snprintf(path, 256, "%s/%s/%.2s/%s%s", y->folder.path, kind, text, text + 2, suffix);
}

static void yard_write(const char *path, const char *text)
{
    (void)unlink(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_a_store_as_it_should_be_has_no_findings(void **state)
{
    (void)state;
    struct yard y;
    (void)yard_begin(&y, NULL);
    assert_int_equal(yard_check(&y, false), GARDEN_OK);
    for (int i = 0; i < GARDEN_FINDINGS; i++)
        assert_int_equal(y.report.found[i], 0);
    assert_int_equal(y.report.objects, 3);
    assert_int_equal(y.report.manifests, 1);
    assert_int_equal(y.report.wrong, 0);
    yard_end(&y);
}

static void test_damaged_missing_and_unreadable_objects_are_wrong_and_not_repaired(void **state)
{
    (void)state;
    struct yard y;
    char path[256];
    const struct garden_hash manifest = yard_begin(&y, NULL);
    const struct garden_hash chunk = garden_hash_of(zmtp_bytes_text("aaaa"));
    yard_path(&y, "objects", &chunk, "", path);
    yard_write(path, "aaab");
    assert_int_equal(chmod(path, 0444), 0);
    yard_expect(&y, GARDEN_FINDING_DAMAGED, 1);
    assert_int_equal(yard_check(&y, true), GARDEN_OK);
    assert_int_equal(y.report.repaired, 0);
    assert_int_equal(y.report.wrong, 1);
    assert_int_equal(unlink(path), 0);
    yard_expect(&y, GARDEN_FINDING_MISSING, 1);
    assert_int_equal(y.report.found[GARDEN_FINDING_DESCRIBES], 1);
    char text[GARDEN_HASH_TEXT_SIZE];
    garden_hash_text(&manifest, text);
    assert_non_null(strstr(y.last[GARDEN_FINDING_MISSING].text, text));
    assert_int_equal(mkdir(path, 0700), 0);
    yard_expect(&y, GARDEN_FINDING_UNREADABLE, 1);
    assert_int_equal(rmdir(path), 0);
    (void)yard_put(&y, "aaaa", "audio/raw");
    yard_path(&y, "objects", &manifest, "", path);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, 10), 0);
    assert_int_equal(yard_check(&y, false), GARDEN_OK);
    assert_int_equal(y.report.found[GARDEN_FINDING_DAMAGED], 1);
    yard_end(&y);
}

static void test_a_manifest_that_contradicts_itself_is_wrong(void **state)
{
    (void)state;
    struct yard y;
    (void)yard_begin(&y, NULL);
    (void)yard_put(&y, "{\"stream_uri\":\"x\",\"chunks\":[]}", "application/json");
    yard_expect(&y, GARDEN_FINDING_MANIFEST, 1);
    yard_end(&y);
}

static void test_metadata_modes_and_metadata_of_nothing_are_repaired(void **state)
{
    (void)state;
    struct yard y;
    char path[256], text[100] = "";
    const struct garden_hash manifest = yard_begin(&y, NULL);
    const struct garden_hash chunk = garden_hash_of(zmtp_bytes_text("aaaa"));
    const struct garden_hash nothing = garden_hash_of(zmtp_bytes_text("nothing"));
    const struct garden_hash definition = garden_hash_of(zmtp_bytes_text("{}"));
    yard_path(&y, "metadata", &chunk, ".json", path);
    yard_write(path, "{\"mime_type\":\"audio/x-mine\",\"size\":5}");
    yard_path(&y, "metadata", &manifest, ".json", path);
    assert_int_equal(unlink(path), 0);
    yard_path(&y, "metadata", &definition, ".json", path);
    yard_write(path, "garbage");
    yard_path(&y, "objects", &chunk, "", path);
    assert_int_equal(chmod(path, 0644), 0);
    yard_path(&y, "metadata", &nothing, ".json", path);
    path[strlen(y.folder.path) + strlen("/metadata/xx")] = '\0';
    (void)mkdir(path, 0700);
    yard_path(&y, "metadata", &nothing, ".json", path);
    yard_write(path, "{}");
    assert_int_equal(yard_check(&y, false), GARDEN_OK);
    assert_int_equal(y.report.found[GARDEN_FINDING_METADATA], 2);
    assert_int_equal(y.report.found[GARDEN_FINDING_UNDESCRIBED], 1);
    assert_int_equal(y.report.found[GARDEN_FINDING_MODE], 1);
    assert_int_equal(y.report.found[GARDEN_FINDING_DESCRIBES], 1);
    assert_int_equal(y.report.wrong, 3);
    assert_int_equal(yard_check(&y, true), GARDEN_OK);
    assert_int_equal(y.report.repaired, 5);
    assert_int_equal(y.report.wrong, 0);
    assert_int_equal(yard_check(&y, false), GARDEN_OK);
    for (int i = 0; i < GARDEN_FINDINGS; i++)
        assert_int_equal(y.report.found[i], 0);
    // A type that was well-formed is kept.
    yard_path(&y, "metadata", &chunk, ".json", path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, "{\"mime_type\":\"audio/x-mine\",\"size\":4}\n");
    yard_end(&y);
}

static void test_what_lies_about_is_told_and_is_no_fault(void **state)
{
    (void)state;
    struct yard y;
    char path[256];
    (void)yard_begin(&y, NULL);
    (void)yard_put(&y, "nobody names this", "text/plain");
    yard_expect(&y, GARDEN_FINDING_UNNAMED, 1);
    snprintf(path, sizeof path, "%s/staging/a.tmp", y.folder.path);
    yard_write(path, "x");
    yard_expect(&y, GARDEN_FINDING_TEMPORARY, 1);
    snprintf(path, sizeof path, "%s/staging/take.0", y.folder.path);
    yard_write(path, "x");
    yard_expect(&y, GARDEN_FINDING_STAGED, 1);
    snprintf(path, sizeof path, "%s/staging/00000000000000000000000000000001.journal",
             y.folder.path);
    yard_write(path, "");
    snprintf(path, sizeof path, "%s/staging/00000000000000000000000000000001.0", y.folder.path);
    yard_write(path, "x");
    yard_expect(&y, GARDEN_FINDING_LEFTOVER, 1);
    assert_int_equal(y.report.found[GARDEN_FINDING_STAGED], 1); // not the recording's
    yard_end(&y);
}

static void test_names_that_no_store_makes_are_told(void **state)
{
    (void)state;
    struct yard y;
    char path[256];
    (void)yard_begin(&y, NULL);
    const char *const names[] = {"stray", "objects/zz", "objects/.hidden", "metadata/x\ny"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", y.folder.path, names[i]);
        yard_write(path, "x");
    }
    const struct garden_hash chunk = garden_hash_of(zmtp_bytes_text("aaaa"));
    yard_path(&y, "objects", &chunk, ".old", path);
    yard_write(path, "x");
    yard_path(&y, "metadata", &chunk, ".json~", path);
    yard_write(path, "x");
    yard_expect(&y, GARDEN_FINDING_STRANGER, 6);
    yard_end(&y);
}

// One look and one repair with the |at|-th call failing; then again without.
static bool check_with_failure(unsigned at)
{
    struct yard y;
    struct faulty faulty;
    char path[256];
    faulty_init_all(&faulty);
    const struct garden_hash manifest = yard_begin(&y, &faulty.fs);
    yard_path(&y, "metadata", &manifest, ".json", path);
    yard_write(path, "garbage");
    faulty_arm(&faulty, at);
    (void)yard_check(&y, true);
    const bool reached = faulty.calls >= at;
    faulty_arm(&faulty, 0);
    assert_int_equal(yard_check(&y, true), GARDEN_OK);
    assert_int_equal(y.report.wrong, 0);
    assert_int_equal(y.report.objects, 3);
    assert_int_equal(yard_check(&y, false), GARDEN_OK);
    assert_int_equal(y.report.wrong, 0);
    yard_end(&y);
    return reached;
}

static void test_a_call_that_fails_anywhere_damages_nothing(void **state)
{
    (void)state;
    unsigned at = 1;
    while (check_with_failure(at))
        at++;
    assert_true(at > 530); // the folders of objects and of metadata, at least
}

static void test_nothing_is_repaired_in_a_store_that_others_may_have_open(void **state)
{
    (void)state;
    struct yard y;
    (void)yard_begin(&y, NULL);
    garden_store_close(y.store);
    yard_open(&y, false, NULL);
    assert_int_equal(yard_check(&y, true), GARDEN_ERR_STATE);
    assert_int_equal(yard_check(&y, false), GARDEN_OK);
    yard_end(&y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_store_as_it_should_be_has_no_findings),
        cmocka_unit_test(test_damaged_missing_and_unreadable_objects_are_wrong_and_not_repaired),
        cmocka_unit_test(test_a_manifest_that_contradicts_itself_is_wrong),
        cmocka_unit_test(test_metadata_modes_and_metadata_of_nothing_are_repaired),
        cmocka_unit_test(test_what_lies_about_is_told_and_is_no_fault),
        cmocka_unit_test(test_names_that_no_store_makes_are_told),
        cmocka_unit_test(test_a_call_that_fails_anywhere_damages_nothing),
        cmocka_unit_test(test_nothing_is_repaired_in_a_store_that_others_may_have_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
