#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <garden/store.h>

#include <fcntl.h>
#include <sys/wait.h>

#include "../../garden/store/journal.h"
#include "../support/random.h"
#include "fixture.h"

struct bin {
    struct folder folder;
    struct garden_store *store;
};

static struct garden_store *bin_open(const struct bin *b, const struct garden_fs *fs)
{
    struct garden_store *store = NULL;
    struct garden_error error;
    const struct garden_store_config config = {.root = b->folder.path, .exclusive = true, .fs = fs};
    if (garden_store_open(&config, &store, &error) != GARDEN_OK) fail_msg("%s", error.text);
    return store;
}

static void bin_begin(struct bin *b, const struct garden_fs *fs)
{
    folder_make(&b->folder);
    b->store = bin_open(b, fs);
}

static void bin_end(struct bin *b)
{
    garden_store_close(b->store);
    folder_remove(&b->folder);
}

static struct garden_hash bin_put(const struct bin *b, const char *text)
{
    struct garden_hash hash;
    struct garden_error error;
    if (garden_store_put(b->store, zmtp_bytes_text(text), "audio/raw", &hash, &error) != GARDEN_OK)
        fail_msg("%s", error.text);
    return hash;
}

// A manifest with a chunk of each of |texts|, which are whole numbers of 4 octets; frames have 2.
static void bin_manifest(const struct bin *b, struct garden_manifest *manifest, const char *uri,
                         const char *const *texts, size_t count)
{
    garden_manifest_init(manifest, NULL);
    snprintf(manifest->stream_uri, sizeof manifest->stream_uri, "%s", uri);
    manifest->frame_size = 2;
    manifest->definition_hash = bin_put(b, "{\"uri\":\"definition\"}");
    for (size_t i = 0; i < count; i++) {
        const struct garden_hash hash = bin_put(b, texts[i]);
        assert_int_equal(garden_manifest_append(manifest, &hash, garden_manifest_end(manifest),
                                                strlen(texts[i]) / 2, NULL, 0),
                         GARDEN_OK);
    }
    assert_int_equal(garden_manifest_finish(manifest, garden_manifest_end(manifest)), GARDEN_OK);
}

static struct garden_hash bin_put_manifest(const struct bin *b, const char *uri,
                                           const char *const *texts, size_t count)
{
    struct garden_manifest manifest;
    struct garden_hash hash;
    char *text;
    size_t size;
    bin_manifest(b, &manifest, uri, texts, count);
    assert_int_equal(garden_manifest_print(&manifest, &text, &size), GARDEN_OK);
    hash = bin_put(b, text);
    zmtp_free(zmtp_heap(), text, size + 1);
    garden_manifest_fini(&manifest);
    return hash;
}

static bool bin_has(const struct bin *b, const struct garden_hash *hash)
{
    return garden_store_verify(b->store, hash, NULL, NULL) == GARDEN_OK;
}

static bool bin_whole(const struct bin *b, const struct garden_hash *hash)
{
    struct garden_manifest manifest;
    if (garden_manifest_load(b->store, hash, &manifest, NULL) != GARDEN_OK) return false;
    const bool whole = garden_manifest_verify(&manifest, b->store, NULL) == GARDEN_OK;
    garden_manifest_fini(&manifest);
    return whole;
}

static void bin_path(const struct bin *b, const char *kind, const struct garden_hash *hash,
                     const char *suffix, char path[256])
{
    char text[GARDEN_HASH_TEXT_SIZE];
    garden_hash_text(hash, text);
    snprintf(path, 256, "%s/%s/%.2s/%s%s", b->folder.path, kind, text, text + 2, suffix);
}

static void bin_damage(const struct bin *b, const struct garden_hash *hash)
{
    char path[256];
    bin_path(b, "objects", hash, "", path);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, 3), 0);
}

static int bin_collect(const struct bin *b, bool remove, const struct garden_hash *forget,
                       size_t forget_count, struct garden_collect_report *report,
                       struct garden_error *error)
{
    const struct garden_collect_config config = {
        .remove = remove, .forget = forget, .forget_count = forget_count};
    return garden_store_collect(b->store, &config, report, error);
}

static const char *const ab[] = {"aaaa", "bbbbbbbb"}, *const bc[] = {"bbbbbbbb", "cccc"};

static void test_what_no_manifest_names_is_told_first_and_removed_when_asked(void **state)
{
    (void)state;
    struct bin b;
    struct garden_collect_report report;
    struct garden_error error;
    char path[256];
    bin_begin(&b, NULL);
    const struct garden_hash kept = bin_put_manifest(&b, "stream://one", ab, 2);
    const struct garden_hash lost = bin_put(&b, "nobody names this");
    assert_int_equal(bin_collect(&b, false, NULL, 0, &report, &error), GARDEN_OK);
    assert_int_equal(report.objects, 5);
    assert_int_equal(report.manifests, 1);
    assert_int_equal(report.unnamed, 1);
    assert_int_equal(report.unnamed_bytes, 17);
    assert_int_equal(report.removed, 0);
    assert_true(bin_has(&b, &lost));
    assert_int_equal(bin_collect(&b, true, NULL, 0, &report, &error), GARDEN_OK);
    assert_int_equal(report.removed, 1);
    assert_int_equal(report.removed_bytes, 17);
    assert_false(bin_has(&b, &lost));
    bin_path(&b, "metadata", &lost, ".json", path);
    assert_int_equal(access(path, F_OK), -1);
    assert_true(bin_whole(&b, &kept));
    assert_int_equal(bin_collect(&b, true, NULL, 0, &report, &error), GARDEN_OK);
    assert_int_equal(report.unnamed, 0);
    bin_end(&b);
}

static void test_a_forgotten_manifest_goes_with_what_only_it_names(void **state)
{
    (void)state;
    struct bin b;
    struct garden_collect_report report;
    struct garden_error error;
    bin_begin(&b, NULL);
    const struct garden_hash one = bin_put_manifest(&b, "stream://one", ab, 2);
    const struct garden_hash two = bin_put_manifest(&b, "stream://two", bc, 2);
    const struct garden_hash a = bin_put(&b, "aaaa");
    assert_int_equal(bin_collect(&b, true, &one, 1, &report, &error), GARDEN_OK);
    assert_int_equal(report.removed, 2); // the manifest and its chunk
    assert_false(bin_has(&b, &one));
    assert_false(bin_has(&b, &a));
    assert_true(bin_whole(&b, &two));
    assert_int_equal(bin_collect(&b, true, &one, 1, &report, &error), GARDEN_ERR_NOT_FOUND);
    const struct garden_hash chunk = bin_put(&b, "cccc"), other = bin_put(&b, "dddd");
    assert_int_equal(bin_collect(&b, true, &chunk, 1, &report, &error), GARDEN_ERR_STATE);
    assert_int_equal(bin_collect(&b, true, &other, 1, &report, &error), GARDEN_ERR_ARGUMENT);
    assert_true(bin_has(&b, &other));
    bin_end(&b);
}

static void test_a_recording_in_staging_keeps_what_its_manifest_and_its_journal_name(void **state)
{
    (void)state;
    struct bin b;
    struct garden_manifest manifest;
    struct garden__journal journal;
    struct garden_collect_report report;
    struct garden_error error;
    bin_begin(&b, NULL);
    bin_manifest(&b, &manifest, "stream://live", ab, 2);
    assert_int_equal(garden_manifest_save(&manifest, b.store,
                                          "00000000000000000000000000000001.manifest.json", NULL),
                     GARDEN_OK);
    // A chunk that the journal knows, and the manifest not yet; and a definition likewise.
    const struct garden_hash sealed = bin_put(&b, "dddd"), begun = bin_put(&b, "{\"uri\":\"x\"}");
    uint8_t record[8 + GARDEN_HASH_SIZE] = {0};
    memcpy(record + 8, sealed.octets, GARDEN_HASH_SIZE);
    assert_int_equal(
        garden__journal_create(&journal, b.store, "00000000000000000000000000000002.journal", NULL),
        GARDEN_OK);
    assert_int_equal(
        garden__journal_append(&journal, 1, zmtp_bytes_of(begun.octets, GARDEN_HASH_SIZE), NULL),
        GARDEN_OK);
    assert_int_equal(
        garden__journal_append(&journal, 5, zmtp_bytes_of(record, sizeof record), NULL), GARDEN_OK);
    garden__journal_close(&journal);
    assert_int_equal(bin_collect(&b, true, NULL, 0, &report, &error), GARDEN_OK);
    assert_int_equal(report.removed, 0);
    assert_int_equal(garden_manifest_verify(&manifest, b.store, NULL), GARDEN_OK);
    assert_true(bin_has(&b, &sealed));
    garden_manifest_fini(&manifest);
    // A record of a later version may name anything; so may a manifest that cannot be read.
    assert_int_equal(
        garden__journal_create(&journal, b.store, "00000000000000000000000000000003.journal", NULL),
        GARDEN_OK);
    assert_int_equal(garden__journal_append(&journal, 99, zmtp_bytes_text("?"), NULL), GARDEN_OK);
    garden__journal_close(&journal);
    (void)bin_put(&b, "eeee");
    assert_int_equal(bin_collect(&b, true, NULL, 0, &report, &error), GARDEN_ERR_VERSION);
    assert_int_equal(
        garden_store_unstage(b.store, "00000000000000000000000000000003.journal", NULL), GARDEN_OK);
    assert_int_equal(garden_store_stage(b.store, "x.manifest.json", NULL), GARDEN_OK);
    assert_true(bin_collect(&b, true, NULL, 0, &report, &error) < 0);
    assert_int_equal(garden_store_unstage(b.store, "x.manifest.json", NULL), GARDEN_OK);
    assert_int_equal(bin_collect(&b, true, NULL, 0, &report, &error), GARDEN_OK);
    assert_int_equal(report.removed, 1);
    bin_end(&b);
}

static void live_write(const char *path, const char *octets, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(octets, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

// Nothing but the store's care checks a live manifest: what it names wrongly was named rightly once.
static void test_a_live_manifest_cut_or_changed_anywhere_costs_no_object(void **state)
{
    (void)state;
    struct bin b;
    struct garden_manifest manifest;
    struct garden_collect_report report;
    struct garden_error error;
    char *text, path[256];
    size_t size, refused = 0;
    bin_begin(&b, NULL);
    bin_manifest(&b, &manifest, "stream://live", ab, 2);
    assert_int_equal(garden_manifest_print(&manifest, &text, &size), GARDEN_OK);
    snprintf(path, sizeof path, "%s/recordings/00000000000000000000000000000001.json",
             b.folder.path);
    for (size_t at = 0; at < 2 * size; at++) {
        const bool cut = at < size;
        char *octet = &text[at % size];
        if (!cut) *octet = (char)(*octet ^ 1 << at % 5);
        live_write(path, text, cut ? at : size);
        if (!cut) *octet = (char)(*octet ^ 1 << at % 5);
        refused += bin_collect(&b, true, NULL, 0, &report, &error) < 0;
        assert_int_equal(report.removed, 0);
        for (size_t i = 0; i < manifest.chunk_count; i++)
            assert_true(bin_has(&b, &manifest.chunks[i].hash));
        assert_true(bin_has(&b, &manifest.definition_hash));
    }
    assert_true(refused > size);
    live_write(path, text, size);
    assert_int_equal(bin_collect(&b, true, NULL, 0, &report, &error), GARDEN_OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(bin_collect(&b, true, NULL, 0, &report, &error), GARDEN_OK);
    assert_int_equal(report.removed, 3); // it was it that named them
    zmtp_free(zmtp_heap(), text, size + 1);
    garden_manifest_fini(&manifest);
    bin_end(&b);
}

static void test_nothing_is_removed_while_a_damaged_object_may_have_been_a_manifest(void **state)
{
    (void)state;
    struct bin b;
    struct garden_collect_report report;
    struct garden_error error;
    bin_begin(&b, NULL);
    const struct garden_hash manifest = bin_put_manifest(&b, "stream://one", ab, 2);
    const struct garden_hash a = bin_put(&b, "aaaa");
    bin_damage(&b, &manifest);
    assert_int_equal(bin_collect(&b, true, NULL, 0, &report, &error), GARDEN_ERR_CORRUPT);
    assert_non_null(strstr(error.text, "may have been a manifest"));
    assert_true(bin_has(&b, &a));
    assert_int_equal(bin_collect(&b, true, &manifest, 1, &report, &error), GARDEN_OK);
    assert_int_equal(report.removed, 4);
    // What looks like a manifest and is none is asked about too.
    const struct garden_hash odd = bin_put(&b, "{\"stream_uri\":\"x\",\"chunks\":[]}");
    assert_int_equal(bin_collect(&b, true, NULL, 0, &report, &error), GARDEN_ERR_FORMAT);
    assert_int_equal(bin_collect(&b, true, &odd, 1, &report, &error), GARDEN_OK);
    assert_int_equal(report.removed, 1);
    // A damaged chunk is named, and stays.
    const struct garden_hash again = bin_put_manifest(&b, "stream://one", ab, 2);
    bin_damage(&b, &a);
    assert_int_equal(bin_collect(&b, true, NULL, 0, &report, &error), GARDEN_OK);
    assert_int_equal(report.removed, 0);
    assert_true(bin_has(&b, &again));
    bin_end(&b);
}

static void test_a_store_that_others_may_write_into_is_only_looked_at(void **state)
{
    (void)state;
    struct bin b;
    struct garden_collect_report report;
    struct garden_error error;
    bin_begin(&b, NULL);
    (void)bin_put(&b, "nobody names this");
    garden_store_close(b.store);
    const struct garden_store_config config = {.root = b.folder.path};
    assert_int_equal(garden_store_open(&config, &b.store, NULL), GARDEN_OK);
    assert_int_equal(bin_collect(&b, true, NULL, 0, &report, &error), GARDEN_ERR_STATE);
    assert_int_equal(bin_collect(&b, false, NULL, 0, &report, &error), GARDEN_OK);
    assert_int_equal(report.unnamed, 1);
    bin_end(&b);
}

// A store with a manifest that stays, one to forget, and garbage. |at|: the first call that fails, and with
// it all that follow, as if the process had been killed there. True: that many calls were made.
// ---- Listing

struct listed {
    size_t count, most;
    char uris[64];
};

static bool listed_add(void *context, const struct garden_hash *hash,
                       const struct garden_manifest *manifest)
{
    struct listed *listed = context;
    (void)hash;
    (void)snprintf(listed->uris + strlen(listed->uris), sizeof listed->uris - strlen(listed->uris),
                   "%s ", manifest->stream_uri);
    return ++listed->count < listed->most;
}

static void test_the_manifests_among_the_objects_are_listed_and_damage_is_passed_over(void **state)
{
    struct bin b;
    struct garden_error error;
    struct listed listed = {.most = 10};
    (void)state;
    bin_begin(&b, NULL);
    assert_int_equal(garden_store_each_manifest(b.store, listed_add, &listed, &error), GARDEN_OK);
    assert_int_equal(listed.count, 0);
    const char *const chunk[] = {"abcd"};
    (void)bin_put(&b, "{\"no\": \"manifest\"}");
    (void)bin_put_manifest(&b, "stream://a", chunk, 1);
    const struct garden_hash damaged = bin_put_manifest(&b, "stream://b", chunk, 1);
    assert_int_equal(garden_store_each_manifest(b.store, listed_add, &listed, &error), GARDEN_OK);
    assert_int_equal(listed.count, 2);
    listed = (struct listed){.most = 1};
    assert_int_equal(garden_store_each_manifest(b.store, listed_add, &listed, &error), GARDEN_OK);
    assert_int_equal(listed.count, 1);
    bin_damage(&b, &damaged);
    listed = (struct listed){.most = 10};
    assert_int_equal(garden_store_each_manifest(b.store, listed_add, &listed, &error), GARDEN_OK);
    assert_string_equal(listed.uris, "stream://a ");
    bin_end(&b);
}

static void test_a_walk_over_manifests_goes_on_from_any_hash(void **state)
{
    enum { MANIFESTS = 40 };
    struct bin b;
    struct garden_error error;
    struct garden_manifests walk;
    struct garden_manifest manifest;
    struct garden_hash hashes[MANIFESTS + 1], hash;
    const char *const chunk[] = {"abcd"};
    size_t count = 0;
    (void)state;
    bin_begin(&b, NULL);
    for (size_t i = 0; i < MANIFESTS; i++) {
        char uri[32];
        (void)snprintf(uri, sizeof uri, "stream://%zu", i);
        (void)bin_put_manifest(&b, uri, chunk, 1);
    }
    garden_manifests_open(&walk, b.store, NULL);
    while (!walk.over) {
        const int result = garden_manifests_step(&walk, &hash, &manifest, &error);
        assert_true(result >= 0);
        if (result == 0) continue;
        assert_true(count == 0 || memcmp(hashes[count - 1].octets, hash.octets, 32) < 0);
        hashes[count++] = hash;
        garden_manifest_fini(&manifest);
    }
    garden_manifests_close(&walk);
    assert_int_equal(count, MANIFESTS);
    // From the one with that hash; from the next one, should there be none with it.
    for (size_t i = 0; i < 2 * MANIFESTS; i++) {
        const size_t next = (i + 1) / 2;
        struct garden_hash from = hashes[i / 2];
        int result = 0;
        if (i % 2 == 1) from.octets[31] += 1; // none ends in 255, or the walk below would tell
        garden_manifests_open(&walk, b.store, &from);
        while (!walk.over && result == 0)
            result = garden_manifests_step(&walk, &hash, &manifest, &error);
        assert_int_equal(result, next < MANIFESTS);
        assert_true(result == 0 || garden_hash_equal(&hash, &hashes[next]));
        if (result > 0) garden_manifest_fini(&manifest);
        garden_manifests_close(&walk);
    }
    bin_end(&b);
}

static bool collect_with_failure(unsigned at, bool on)
{
    struct bin b;
    struct faulty faulty;
    struct garden_collect_report report;
    struct garden_error error = {0};
    faulty_init_all(&faulty);
    faulty.fail_errno = EIO;
    faulty.fail_on = on;
    bin_begin(&b, &faulty.fs);
    const struct garden_hash kept = bin_put_manifest(&b, "stream://kept", bc, 2);
    const struct garden_hash forgotten = bin_put_manifest(&b, "stream://forgotten", ab, 2);
    const struct garden_hash garbage = bin_put(&b, "nobody names this");
    faulty_arm(&faulty, at);
    const int result = bin_collect(&b, true, &forgotten, 1, &report, &error);
    const bool reached = faulty.calls >= at;
    faulty_arm(&faulty, 0);
    if (result < 0) assert_true(error.text[0] != '\0');
    if (result == GARDEN_OK) assert_int_equal(report.removed, 3);
    assert_true(bin_whole(&b, &kept));
    // Whole, or no manifest at all.
    if (bin_has(&b, &forgotten)) assert_true(bin_whole(&b, &forgotten));
    const size_t count = bin_has(&b, &forgotten) ? 1 : 0;
    assert_int_equal(bin_collect(&b, true, &forgotten, count, &report, &error), GARDEN_OK);
    assert_int_equal(report.objects - report.removed, 4);
    assert_false(bin_has(&b, &garbage));
    assert_true(bin_whole(&b, &kept));
    bin_end(&b);
    return reached;
}

static void test_a_call_that_fails_anywhere_leaves_every_manifest_whole(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        unsigned at = 1;
        while (collect_with_failure(at, on))
            at++;
        assert_true(at > 270); // the folders of objects, at least
    }
}

struct killer {
    struct garden_fs fs;
    unsigned left;
};

static void killer_step(void *context, const char *name)
{
    struct killer *killer = context;
    (void)name;
    if (killer->left-- == 0) (void)raise(SIGKILL);
}

// True: the child was killed at its |at|-th step, and did not end before.
static bool collect_and_kill(unsigned at)
{
    struct bin b;
    struct killer killer = {*garden__fs_system(), at};
    struct garden_collect_report report;
    int status = 0;
    bin_begin(&b, NULL);
    const struct garden_hash kept = bin_put_manifest(&b, "stream://kept", bc, 2);
    const struct garden_hash forgotten = bin_put_manifest(&b, "stream://forgotten", ab, 2);
    (void)bin_put(&b, "nobody names this");
    garden_store_close(b.store);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        killer.fs.context = &killer;
        killer.fs.step = killer_step;
        b.store = bin_open(&b, &killer.fs);
        _exit(bin_collect(&b, true, &forgotten, 1, &report, NULL) == GARDEN_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    b.store = bin_open(&b, NULL);
    assert_true(bin_whole(&b, &kept));
    const size_t count = bin_has(&b, &forgotten) ? 1 : 0;
    if (count > 0) assert_true(bin_whole(&b, &forgotten));
    assert_int_equal(bin_collect(&b, true, &forgotten, count, &report, NULL), GARDEN_OK);
    assert_int_equal(report.objects - report.removed, 4);
    assert_true(bin_whole(&b, &kept));
    bin_end(&b);
    return WIFSIGNALED(status);
}

static void test_a_kill_at_any_step_leaves_every_manifest_whole(void **state)
{
    (void)state;
    unsigned at = 0;
    while (collect_and_kill(at))
        at++;
    assert_int_equal(at, 6); // surveyed, three removals, two ends
}

// ---- The model: manifests over a few chunks, put, staged, forgotten and collected at random

enum { MODEL_CHUNKS = 8, MODEL_MANIFESTS = 6, MODEL_STEPS = 400 };

struct model {
    bool chunks[MODEL_CHUNKS]; // in the store
    struct {
        bool here, staged;
        unsigned names; // a bit for each chunk
        struct garden_hash hash;
    } manifests[MODEL_MANIFESTS];
};

static void model_text(unsigned chunk, char text[16])
{
    snprintf(text, 16, "chunk-%u!", chunk % 10); // 8 octets
}

static void model_add_manifest(struct model *m, const struct bin *b, unsigned slot, unsigned names,
                               bool staged)
{
    char texts[MODEL_CHUNKS][16], uri[32], name[64];
    const char *list[MODEL_CHUNKS];
    size_t count = 0;
    struct garden_manifest manifest;
    for (unsigned i = 0; i < MODEL_CHUNKS; i++) {
        if (!(names >> i & 1u)) continue;
        model_text(i, texts[count]);
        list[count] = texts[count];
        count++;
        m->chunks[i] = true;
    }
    snprintf(uri, sizeof uri, "stream://%u", slot);
    snprintf(name, sizeof name, "%032u.manifest.json", slot);
    m->manifests[slot].here = true;
    m->manifests[slot].staged = staged;
    m->manifests[slot].names = names;
    if (!staged) {
        m->manifests[slot].hash = bin_put_manifest(b, uri, list, count);
        return;
    }
    bin_manifest(b, &manifest, uri, list, count);
    assert_int_equal(garden_manifest_save(&manifest, b->store, name, NULL), GARDEN_OK);
    garden_manifest_fini(&manifest);
}

static bool model_named(const struct model *m, unsigned chunk)
{
    for (unsigned i = 0; i < MODEL_MANIFESTS; i++)
        if (m->manifests[i].here && m->manifests[i].names >> chunk & 1u) return true;
    return false;
}

static void model_compare(const struct model *m, const struct bin *b)
{
    for (unsigned i = 0; i < MODEL_CHUNKS; i++) {
        char text[16];
        model_text(i, text);
        const struct garden_hash hash = garden_hash_of(zmtp_bytes_text(text));
        assert_int_equal(bin_has(b, &hash), m->chunks[i]);
    }
    for (unsigned i = 0; i < MODEL_MANIFESTS; i++)
        if (m->manifests[i].here && !m->manifests[i].staged)
            assert_true(bin_whole(b, &m->manifests[i].hash));
}

static void model_collect(struct model *m, const struct bin *b, unsigned forget)
{
    struct garden_collect_report report;
    struct garden_error error;
    struct garden_hash hashes[MODEL_MANIFESTS];
    size_t count = 0;
    for (unsigned i = 0; i < MODEL_MANIFESTS; i++) {
        if (!(forget >> i & 1u) || !m->manifests[i].here || m->manifests[i].staged) continue;
        hashes[count++] = m->manifests[i].hash;
        m->manifests[i].here = false;
    }
    if (bin_collect(b, true, hashes, count, &report, &error) < 0) fail_msg("%s", error.text);
    for (unsigned i = 0; i < MODEL_CHUNKS; i++)
        m->chunks[i] = m->chunks[i] && model_named(m, i);
}

static void test_a_collected_store_has_what_the_model_has(void **state)
{
    (void)state;
    struct bin b;
    struct model m = {0};
    struct random random = random_of(20);
    char text[64];
    bin_begin(&b, NULL);
    for (int step = 0; step < MODEL_STEPS; step++) {
        const unsigned slot = (unsigned)random_below(&random, MODEL_MANIFESTS);
        const unsigned dice = (unsigned)random_below(&random, 8);
        const unsigned bits = (unsigned)(random_next(&random) >> 20);
        if (dice < 3 && !m.manifests[slot].here) {
            model_add_manifest(&m, &b, slot, bits & ((1u << MODEL_CHUNKS) - 1), dice == 0);
        } else if (dice == 3) {
            model_text(bits % MODEL_CHUNKS, text);
            (void)bin_put(&b, text);
            m.chunks[bits % MODEL_CHUNKS] = true;
        } else if (dice == 4 && m.manifests[slot].here && m.manifests[slot].staged) {
            snprintf(text, sizeof text, "%032u.manifest.json", slot);
            assert_int_equal(garden_store_unstage(b.store, text, NULL), GARDEN_OK);
            m.manifests[slot].here = false;
        } else if (dice >= 5) {
            model_collect(&m, &b, dice == 5 ? bits : 0);
            model_compare(&m, &b);
        }
    }
    bin_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_no_manifest_names_is_told_first_and_removed_when_asked),
        cmocka_unit_test(test_a_forgotten_manifest_goes_with_what_only_it_names),
        cmocka_unit_test(test_a_recording_in_staging_keeps_what_its_manifest_and_its_journal_name),
        cmocka_unit_test(test_a_live_manifest_cut_or_changed_anywhere_costs_no_object),
        cmocka_unit_test(test_nothing_is_removed_while_a_damaged_object_may_have_been_a_manifest),
        cmocka_unit_test(test_a_store_that_others_may_write_into_is_only_looked_at),
        cmocka_unit_test(test_the_manifests_among_the_objects_are_listed_and_damage_is_passed_over),
        cmocka_unit_test(test_a_walk_over_manifests_goes_on_from_any_hash),
        cmocka_unit_test(test_a_call_that_fails_anywhere_leaves_every_manifest_whole),
        cmocka_unit_test(test_a_kill_at_any_step_leaves_every_manifest_whole),
        cmocka_unit_test(test_a_collected_store_has_what_the_model_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
