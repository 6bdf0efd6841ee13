// A store on a disk that fails, among processes that have no descriptors left: nothing that a failure hid is
// believed, and what was damaged is made good where good octets come.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <garden/store.h>

#include <dirent.h>
#include <fcntl.h>

#include "fixture.h"

// The system's calls with one file's octets kept apart: what a write leaves to be written, what a sync that fails lets
// go of, and what lies on the disk.
struct disk {
    struct garden_fs fs;
    struct folder folder;
    struct garden_store *store;
    char watched[128]; // the file's path
    unsigned syncs_to_fail, writes_to_fail;
    uint64_t dirty; // octets that wait to be written
    bool lost;      // some were let go of, and are not on the disk
    int open_errno; // of folders that are opened to be listed; 0: they can be
    const char *unopened;
    unsigned staging_syncs;
};

static bool disk_watches(const struct disk *d, int file)
{
    struct stat one, other;
    return fstat(file, &one) == 0 && stat(d->watched, &other) == 0 && one.st_ino == other.st_ino;
}

static ssize_t disk_write(void *context, int file, const void *data, size_t size)
{
    struct disk *d = context;
    if (disk_watches(d, file)) {
        if (d->writes_to_fail > 0) {
            d->writes_to_fail--;
            errno = EIO;
            return -1;
        }
        d->dirty += size;
    }
    return write(file, data, size);
}

static int disk_sync(void *context, int file)
{
    struct disk *d = context;
    struct stat one, other;
    char staging[128];
    snprintf(staging, sizeof staging, "%s/staging", d->folder.path);
    if (fstat(file, &one) == 0 && stat(staging, &other) == 0 && one.st_ino == other.st_ino)
        d->staging_syncs++;
    if (!disk_watches(d, file)) return fsync(file);
    if (d->syncs_to_fail > 0) {
        d->syncs_to_fail--;
        d->lost = d->lost || d->dirty > 0;
        d->dirty = 0; // the system tells it once and has nothing left to write
        errno = EIO;
        return -1;
    }
    if (d->dirty >= (uint64_t)one.st_size) d->lost = false;
    d->dirty = 0;
    return 0;
}

static int disk_open(void *context, int folder, const char *path, int flags, mode_t mode)
{
    const struct disk *d = context;
    if (d->open_errno != 0 && flags & O_DIRECTORY && strcmp(path, d->unopened) == 0) {
        errno = d->open_errno;
        return -1;
    }
    return openat(folder, path, flags, mode);
}

static void disk_begin(struct disk *d)
{
    *d = (struct disk){.fs = *garden__fs_system()};
    d->fs.context = d;
    d->fs.write = disk_write;
    d->fs.sync = disk_sync;
    d->fs.open = disk_open;
    folder_make(&d->folder);
    const struct garden_store_config config = {.root = d->folder.path, .fs = &d->fs};
    assert_int_equal(garden_store_open(&config, &d->store, NULL), GARDEN_OK);
}

static void disk_end(struct disk *d)
{
    garden_store_close(d->store);
    folder_remove(&d->folder);
}

// A chunk as its writer leaves it: on no disk yet.
static void disk_stage(struct disk *d, const char *name, const char *content)
{
    snprintf(d->watched, sizeof d->watched, "%s/staging/%s", d->folder.path, name);
    FILE *file = fopen(d->watched, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(d->watched, 0444), 0);
    d->dirty = strlen(content);
}

static unsigned disk_staged(const struct disk *d)
{
    char path[128];
    unsigned count = 0;
    snprintf(path, sizeof path, "%s/staging", d->folder.path);
    DIR *entries = opendir(path);
    assert_non_null(entries);
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;)
        count += entry->d_name[0] != '.';
    assert_int_equal(closedir(entries), 0);
    return count;
}

static void object_path(const struct disk *d, const struct garden_hash *hash, char path[256])
{
    char text[GARDEN_HASH_TEXT_SIZE];
    garden_hash_text(hash, text);
    snprintf(path, 256, "%s/objects/%.2s/%s", d->folder.path, text, text + 2);
}

static void object_damage(const struct disk *d, const struct garden_hash *hash)
{
    char path[256];
    object_path(d, hash, path);
    assert_int_equal(chmod(path, 0600), 0);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fputc('#', file), '#');
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0444), 0);
}

static void test_octets_that_a_failed_sync_let_go_of_are_written_again_before_the_next_is_believed(
    void **state)
{
    (void)state;
    for (unsigned syncs = 1; syncs <= 3; syncs++) {
        for (unsigned writes = 0; writes <= 2; writes++) {
            struct disk d;
            struct garden_hash hash;
            struct garden_error error;
            disk_begin(&d);
            disk_stage(&d, "c1", "frames upon frames");
            d.syncs_to_fail = syncs;
            d.writes_to_fail = writes;
            int result;
            unsigned tries = 0;
            do {
                result = garden_store_seal(d.store, "c1", 18, "audio/raw", &hash, &error);
                assert_true(++tries < 10);
            } while (result == GARDEN_ERR_SYSTEM);
            assert_int_equal(result, GARDEN_OK);
            assert_true(tries > syncs); // none that failed was taken for done
            assert_false(d.lost);
            assert_int_equal(garden_store_verify(d.store, &hash, NULL, NULL), GARDEN_OK);
            struct stat status;
            char path[256];
            object_path(&d, &hash, path);
            assert_int_equal(stat(path, &status), 0);
            assert_int_equal(status.st_mode & 0777, 0444);
            disk_end(&d);
        }
    }
}

static void test_a_damaged_object_is_replaced_by_whoever_seals_or_puts_its_octets(void **state)
{
    (void)state;
    struct disk d;
    struct garden_hash hash, again;
    struct garden_incoming *incoming = NULL;
    struct stat status;
    char path[256];
    disk_begin(&d);
    disk_stage(&d, "c1", "frames");
    assert_int_equal(garden_store_seal(d.store, "c1", 6, "audio/raw", &hash, NULL), GARDEN_OK);
    assert_int_equal(garden_store_unstage(d.store, "c1", NULL), GARDEN_OK);
    for (int way = 0; way < 3; way++) {
        object_damage(&d, &hash);
        assert_int_equal(garden_store_verify(d.store, &hash, NULL, NULL), GARDEN_ERR_CORRUPT);
        if (way == 0) {
            disk_stage(&d, "c2", "frames");
            assert_int_equal(garden_store_seal(d.store, "c2", 6, "audio/raw", &again, NULL),
                             GARDEN_OK);
            assert_int_equal(access(d.watched, F_OK), 0); // it stays until it is unstaged
            assert_int_equal(garden_store_unstage(d.store, "c2", NULL), GARDEN_OK);
        } else if (way == 1) {
            assert_int_equal(
                garden_store_put(d.store, zmtp_bytes_text("frames"), "audio/raw", &again, NULL),
                GARDEN_OK);
        } else {
            assert_int_equal(garden_incoming_open(d.store, &incoming, NULL), GARDEN_OK);
            assert_int_equal(garden_incoming_write(incoming, zmtp_bytes_text("frames"), NULL),
                             GARDEN_OK);
            assert_int_equal(garden_incoming_seal(incoming, &hash, "audio/raw", &again, NULL),
                             GARDEN_OK);
            garden_incoming_close(incoming);
        }
        assert_true(garden_hash_equal(&hash, &again));
        assert_int_equal(garden_store_verify(d.store, &hash, NULL, NULL), GARDEN_OK);
        object_path(&d, &hash, path);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_nlink, 1);
        assert_int_equal(disk_staged(&d), 0);
    }
    disk_end(&d);
}

static bool put_over_damage(unsigned at)
{
    struct disk d;
    struct faulty faulty;
    struct garden_hash hash, again;
    struct garden_store *store = NULL;
    disk_begin(&d);
    assert_int_equal(garden_store_put(d.store, zmtp_bytes_text("one"), "text/plain", &hash, NULL),
                     GARDEN_OK);
    object_damage(&d, &hash);
    faulty_init(&faulty);
    faulty.fail_errno = EIO;
    const struct garden_store_config config = {.root = d.folder.path, .fs = &faulty.fs};
    assert_int_equal(garden_store_open(&config, &store, NULL), GARDEN_OK);
    faulty_arm(&faulty, at);
    const int result = garden_store_put(store, zmtp_bytes_text("one"), "text/plain", &again, NULL);
    const bool reached = faulty.calls >= at;
    faulty_arm(&faulty, 0);
    // It is whole, or still known to be damaged; and never gone.
    const int verified = garden_store_verify(store, &hash, NULL, NULL);
    assert_true(verified == GARDEN_OK || (result < 0 && verified == GARDEN_ERR_CORRUPT));
    assert_int_equal(garden_store_put(store, zmtp_bytes_text("one"), "text/plain", &again, NULL),
                     GARDEN_OK);
    assert_int_equal(garden_store_verify(store, &hash, NULL, NULL), GARDEN_OK);
    garden_store_close(store);
    disk_end(&d);
    return reached;
}

static void test_a_call_that_fails_while_an_object_is_replaced_leaves_one_of_the_two(void **state)
{
    (void)state;
    unsigned at = 1;
    while (put_over_damage(at))
        at++;
    assert_true(at > 8);
}

static bool none(void *context, const char *name)
{
    (void)context;
    (void)name;
    return true;
}

static void test_a_folder_that_cannot_be_listed_is_no_empty_one(void **state)
{
    (void)state;
    struct disk d;
    struct garden_error error;
    struct garden_hash hash;
    uint64_t count = 0;
    char prefix[3];
    disk_begin(&d);
    assert_int_equal(garden_store_put(d.store, zmtp_bytes_text("one"), "text/plain", &hash, NULL),
                     GARDEN_OK);
    object_damage(&d, &hash);
    assert_int_equal(garden_store_verify_all(d.store, &count, NULL, NULL, &error), 1);
    assert_int_equal(count, 1);
    snprintf(prefix, sizeof prefix, "%02x", hash.octets[0]);
    for (size_t i = 0; i < 3; i++) {
        d.open_errno = (const int[]){EMFILE, EIO, EACCES}[i];
        d.unopened = prefix;
        assert_true(garden_store_verify_all(d.store, &count, NULL, NULL, &error) < 0);
        d.unopened = "staging";
        assert_true(garden_store_each_staged(d.store, none, NULL, &error) < 0);
        assert_non_null(strstr(error.text, "staging"));
    }
    disk_end(&d);
}

static void test_a_staged_file_that_was_there_has_its_name_on_the_disk_all_the_same(void **state)
{
    (void)state;
    struct disk d;
    disk_begin(&d);
    disk_stage(&d, "c1", ""); // by one who was killed before he synced the folder
    assert_int_equal(chmod(d.watched, 0600), 0);
    d.staging_syncs = 0;
    assert_int_equal(garden_store_stage(d.store, "c1", NULL), GARDEN_OK);
    assert_int_equal(d.staging_syncs, 1);
    disk_end(&d);
}

static size_t descriptors(void)
{
    size_t count = 0;
    DIR *entries = opendir("/proc/self/fd");
    assert_non_null(entries);
    while (readdir(entries))
        count++;
    assert_int_equal(closedir(entries), 0);
    return count;
}

// Opens a store and begins a recording in it. The first failure, or GARDEN_OK; all is closed again.
static int begin_recording(const struct garden_store_config *config, struct garden_error *error)
{
    static const struct garden_recording_config stream = {
        .uri = "stream://a/b",
        .format = {.kind = GARDEN_STREAM_AUDIO,
                   .sample_rate = 48000,
                   .channels = 2,
                   .sample = GARDEN_SAMPLE_S16_LE},
        .chunk_size = 4096,
        .frames_max = 1000,
    };
    struct garden_recording_config begun = stream;
    struct garden_store *store;
    struct garden_recording *recording;
    begun.definition = zmtp_bytes_text("{}");
    int result = garden_store_open(config, &store, error);
    if (result != GARDEN_OK) return result;
    const struct garden_instant now = {.mono_ms = 1};
    result = garden_recording_open(store, &begun, now, &recording, error);
    if (result == GARDEN_OK) garden_recording_close(recording);
    garden_store_close(store);
    return result;
}

static bool count_left(void *count, const char *run)
{
    (void)run;
    ++*(unsigned *)count;
    return true;
}

// Whichever call fails: there are words for it, nothing stays open, nothing is left that a recovery would find, and the
// next try works.
static void test_a_recording_that_cannot_be_begun_leaves_nothing_behind(void **state)
{
    (void)state;
    bool whole = false;
    unsigned failed = 0;
    for (unsigned n = 1; !whole; n++) {
        struct folder folder;
        struct faulty faulty;
        struct garden_store *store;
        struct garden_error error = {.text = ""};
        unsigned left = 0;
        folder_make(&folder);
        faulty_init_all(&faulty);
        faulty_arm(&faulty, n);
        const size_t before = descriptors();
        const struct garden_store_config config = {.root = folder.path, .fs = &faulty.fs};
        const struct garden_store_config after = {.root = folder.path};
        const int result = begin_recording(&config, &error);
        whole = faulty.calls < n;
        assert_int_equal(descriptors(), before);
        if (result != GARDEN_OK) {
            failed++;
            assert_true(error.text[0] != '\0');
            assert_int_equal(garden_store_open(&after, &store, NULL), GARDEN_OK);
            assert_int_equal(garden_recording_each_left(store, count_left, &left, NULL), GARDEN_OK);
            if (left != 0) fail_msg("call %u failed, and a recording is left: %s", n, error.text);
            garden_store_close(store);
            assert_int_equal(begin_recording(&after, NULL), GARDEN_OK);
        }
        folder_remove(&folder);
    }
    assert_true(failed > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_octets_that_a_failed_sync_let_go_of_are_written_again_before_the_next_is_believed),
        cmocka_unit_test(test_a_damaged_object_is_replaced_by_whoever_seals_or_puts_its_octets),
        cmocka_unit_test(test_a_call_that_fails_while_an_object_is_replaced_leaves_one_of_the_two),
        cmocka_unit_test(test_a_folder_that_cannot_be_listed_is_no_empty_one),
        cmocka_unit_test(test_a_staged_file_that_was_there_has_its_name_on_the_disk_all_the_same),
        cmocka_unit_test(test_a_recording_that_cannot_be_begun_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
