#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <garden/capture.h>

#include <fcntl.h>

#include "fixture.h"

struct place {
    struct folder folder;
    struct garden_staging staging;
    char path[128];
};

static const char *place_path(struct place *p, const char *name)
{
    snprintf(p->path, sizeof p->path, "%s/root/%s", p->folder.path, name);
    return p->path;
}

static void place_touch(struct place *p, const char *name)
{
    const int file = open(place_path(p, name), O_CREAT | O_EXCL | O_WRONLY, 0600);
    assert_true(file >= 0);
    assert_int_equal(close(file), 0);
}

static void place_begin(struct place *p, const struct garden_fs *fs)
{
    char root[128];
    folder_make(&p->folder);
    snprintf(root, sizeof root, "%s/root", p->folder.path);
    assert_int_equal(mkdir(root, 0700), 0);
    assert_int_equal(garden_staging_open(&p->staging, fs, root, NULL), GARDEN_OK);
    place_touch(p, "chunk");
}

static void place_end(struct place *p)
{
    garden_staging_close(&p->staging);
    folder_remove(&p->folder);
}

static struct stat place_stat(struct place *p, const char *name)
{
    struct stat status;
    assert_int_equal(stat(place_path(p, name), &status), 0);
    return status;
}

static void test_a_chunk_is_as_long_as_what_was_written_and_read_only_at_the_end(void **state)
{
    (void)state;
    struct place p;
    struct garden_chunk chunk;
    place_begin(&p, NULL);
    assert_int_equal(garden_chunk_open(&chunk, &p.staging, "chunk", 1 << 20, NULL), GARDEN_OK);
    assert_int_equal(place_stat(&p, "chunk").st_size, 0);
    assert_true(place_stat(&p, "chunk").st_blocks * 512 >= 1 << 20); // reserved all the same
    assert_int_equal(garden_chunk_write(&chunk, (const uint8_t *)"abcdef", 6, NULL), GARDEN_OK);
    assert_int_equal(place_stat(&p, "chunk").st_size, 6);
    assert_int_equal(garden_chunk_close(&chunk, 6, NULL), GARDEN_OK);
    assert_int_equal(place_stat(&p, "chunk").st_size, 6);
    assert_int_equal(place_stat(&p, "chunk").st_mode & 0777, 0444);
    assert_true(place_stat(&p, "chunk").st_blocks * 512 < 1 << 20); // and given back
    place_end(&p);
}

static void test_a_path_is_used_once_and_by_one_stream(void **state)
{
    (void)state;
    struct place p;
    struct garden_chunk first, second;
    struct garden_error error;
    place_begin(&p, NULL);
    assert_int_equal(garden_chunk_open(&first, &p.staging, "chunk", 64, NULL), GARDEN_OK);
    assert_int_equal(garden_chunk_open(&second, &p.staging, "chunk", 64, &error),
                     GARDEN_ERR_EXISTS);
    assert_non_null(strstr(error.text, "another stream"));
    assert_int_equal(garden_chunk_write(&first, (const uint8_t *)"abcd", 4, NULL), GARDEN_OK);
    assert_int_equal(garden_chunk_close(&first, 4, NULL), GARDEN_OK);
    assert_int_equal(chmod(place_path(&p, "chunk"), 0600), 0);
    assert_int_equal(garden_chunk_open(&second, &p.staging, "chunk", 64, &error),
                     GARDEN_ERR_EXISTS);
    assert_non_null(strstr(error.text, "used once"));
    // Nor one that was closed without a frame, by whoever may write to anything.
    assert_int_equal(close(open(place_path(&p, "empty"), O_CREAT | O_WRONLY, 0600)), 0);
    assert_int_equal(garden_chunk_open(&first, &p.staging, "empty", 64, NULL), GARDEN_OK);
    assert_int_equal(garden_chunk_close(&first, 0, NULL), GARDEN_OK);
    assert_true(garden_chunk_open(&second, &p.staging, "empty", 64, &error) < 0);
    place_end(&p);
}

static void test_what_is_missing_is_noted_beside_a_chunk_and_nothing_of_others_is_touched(
    void **state)
{
    (void)state;
    struct place p;
    struct garden_chunk chunk;
    struct garden_error error;
    char octets[64] = "";
    place_begin(&p, NULL);
    assert_int_equal(garden_chunk_open(&chunk, &p.staging, "chunk", 64, NULL), GARDEN_OK);
    assert_int_equal(
        garden_chunk_note_gap(&chunk, &p.staging, "chunk", (struct garden_gap){7, 3}, NULL),
        GARDEN_OK);
    assert_int_equal(garden_chunk_note_gap(&chunk, &p.staging, place_path(&p, "chunk"),
                                           (struct garden_gap){12, UINT64_MAX - 12}, NULL),
                     GARDEN_OK);
    const int file = open(place_path(&p, "chunk.gaps"), O_RDONLY);
    assert_int_equal(read(file, octets, sizeof octets - 1), 28);
    assert_int_equal(close(file), 0);
    assert_string_equal(octets, "7 3\n12 18446744073709551603\n");
    assert_int_equal(garden_chunk_close(&chunk, 0, NULL), GARDEN_OK);
    place_touch(&p, "other");
    place_touch(&p, "other.gaps");
    assert_int_equal(garden_chunk_open(&chunk, &p.staging, "other", 64, NULL), GARDEN_OK);
    assert_int_equal(
        garden_chunk_note_gap(&chunk, &p.staging, "other", (struct garden_gap){7, 3}, &error),
        GARDEN_ERR_EXISTS);
    assert_int_equal(place_stat(&p, "other.gaps").st_size, 0);
    assert_int_equal(garden_chunk_close(&chunk, 0, NULL), GARDEN_OK);
    place_end(&p);
}

static void test_hostile_paths_are_refused(void **state)
{
    (void)state;
    struct place p;
    struct garden_chunk chunk;
    struct garden_error error;
    char outside[128], absolute[600];
    place_begin(&p, NULL);
    snprintf(outside, sizeof outside, "%s/outside", p.folder.path);
    assert_int_equal(close(open(outside, O_CREAT | O_WRONLY, 0600)), 0);
    assert_int_equal(symlink(outside, place_path(&p, "link")), 0);
    assert_int_equal(symlink(p.folder.path, place_path(&p, "up")), 0);
    assert_int_equal(mkfifo(place_path(&p, "fifo"), 0600), 0);
    assert_int_equal(mkdir(place_path(&p, "folder"), 0700), 0);
    place_touch(&p, "folder/inside");
    place_touch(&p, "twin");
    char twin[128];
    strcpy(twin, place_path(&p, "twin"));
    assert_int_equal(link(twin, place_path(&p, "twin2")), 0);

    snprintf(absolute, sizeof absolute, "%s/../outside", p.staging.root);
    const char *refused[] = {
        "",        "/",     "..",         "../outside", "./chunk",         "chunk/",
        "//chunk", "link",  "up/outside", "fifo",       "folder",          "twin",
        "missing", outside, absolute,     "/dev/null",  "folder/../chunk", "folder//inside",
        "chunk/x"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        memset(&error, 0, sizeof error);
        if (garden_chunk_open(&chunk, &p.staging, refused[i], 64, &error) == GARDEN_OK)
            fail_msg("\"%s\" was opened", refused[i]);
        assert_int_equal(chunk.file, -1);
        assert_true(error.code < 0 && error.text[0] != '\0' && strchr(error.text, '\n') == NULL);
    }
    struct stat status;
    assert_int_equal(stat(outside, &status), 0);
    assert_int_equal(status.st_size, 0);

    assert_int_equal(garden_chunk_open(&chunk, &p.staging, "folder/inside", 64, &error), GARDEN_OK);
    assert_int_equal(garden_chunk_close(&chunk, 0, NULL), GARDEN_OK);
    snprintf(absolute, sizeof absolute, "%s/chunk", p.staging.root);
    assert_int_equal(garden_chunk_open(&chunk, &p.staging, absolute, 64, &error), GARDEN_OK);
    assert_int_equal(garden_chunk_close(&chunk, 0, NULL), GARDEN_OK);
    place_end(&p);
}

static void test_a_file_that_another_process_cuts_is_an_error_and_what_is_left_is_known(
    void **state)
{
    (void)state;
    struct place p;
    struct garden_chunk chunk;
    struct garden_error error;
    const uint8_t data[100] = {0};
    place_begin(&p, NULL);
    assert_int_equal(garden_chunk_open(&chunk, &p.staging, "chunk", 1000, NULL), GARDEN_OK);
    assert_int_equal(garden_chunk_write(&chunk, data, 100, NULL), GARDEN_OK);
    assert_int_equal(truncate(place_path(&p, "chunk"), 30), 0);
    assert_int_equal(garden_chunk_write(&chunk, data, 100, &error), GARDEN_ERR_CORRUPT);
    assert_non_null(strstr(error.text, "another process"));
    assert_int_equal(garden_chunk_intact(&chunk), 30);
    assert_int_equal(garden_chunk_close(&chunk, 28, &error), GARDEN_OK);
    assert_int_equal(place_stat(&p, "chunk").st_size, 28);
    place_end(&p);
}

// Cuts the file between the look before a write and the write.
static char cutter_path[128];
static ssize_t cutter_write(void *context, int file, const void *data, size_t size)
{
    assert_int_equal(truncate(cutter_path, 30), 0);
    return garden__fs_system()->write(context, file, data, size);
}

static void test_a_cut_that_races_with_a_write_is_seen_after_it(void **state)
{
    (void)state;
    struct place p;
    struct garden_chunk chunk;
    struct garden_error error;
    const uint8_t data[100] = {0};
    struct garden_fs fs = *garden__fs_system();
    place_begin(&p, &fs);
    strcpy(cutter_path, place_path(&p, "chunk"));
    assert_int_equal(garden_chunk_open(&chunk, &p.staging, "chunk", 1000, NULL), GARDEN_OK);
    assert_int_equal(garden_chunk_write(&chunk, data, 100, NULL), GARDEN_OK);
    fs.write = cutter_write;
    assert_int_equal(garden_chunk_write(&chunk, data, 70, &error), GARDEN_ERR_CORRUPT);
    assert_int_equal(garden_chunk_intact(&chunk), 30); // though the file has a hundred octets
    assert_int_equal(place_stat(&p, "chunk").st_size, 100);
    assert_int_equal(garden_chunk_close(&chunk, 30, NULL), GARDEN_OK);
    place_end(&p);
}

static void test_a_full_disk_is_an_error_of_opening(void **state)
{
    (void)state;
    struct place p;
    struct garden_chunk chunk;
    struct garden_error error;
    struct faulty faulty;
    faulty_init(&faulty);
    place_begin(&p, &faulty.fs);
    faulty_arm(&faulty, 2); // after the opening itself: the reservation
    assert_int_equal(garden_chunk_open(&chunk, &p.staging, "chunk", 64, &error),
                     GARDEN_ERR_NO_SPACE);
    assert_non_null(strstr(error.text, "make room"));
    faulty_arm(&faulty, 0);
    assert_int_equal(place_stat(&p, "chunk").st_size, 0);
    assert_int_equal(garden_chunk_open(&chunk, &p.staging, "chunk", 64, &error), GARDEN_OK);
    assert_int_equal(garden_chunk_close(&chunk, 0, NULL), GARDEN_OK);
    place_end(&p);
}

static void test_a_write_that_fails_half_way_leaves_a_known_length(void **state)
{
    (void)state;
    struct place p;
    struct garden_chunk chunk;
    struct garden_error error;
    struct faulty faulty;
    const uint8_t data[100] = {0};
    faulty_init(&faulty);
    place_begin(&p, &faulty.fs);
    assert_int_equal(garden_chunk_open(&chunk, &p.staging, "chunk", 400, NULL), GARDEN_OK);
    assert_int_equal(garden_chunk_write(&chunk, data, 100, NULL), GARDEN_OK);
    faulty_arm(&faulty, 1);
    faulty.fail_errno = EIO;
    assert_int_equal(garden_chunk_write(&chunk, data, 100, &error), GARDEN_ERR_SYSTEM);
    assert_int_equal(garden_chunk_intact(&chunk), 100);
    assert_int_equal(garden_chunk_close(&chunk, 100, NULL), GARDEN_OK);
    assert_int_equal(place_stat(&p, "chunk").st_size, 100);
    assert_int_equal(garden_chunk_write(&chunk, data, 1, NULL), GARDEN_ERR_ARGUMENT);
    place_end(&p);
}

// Whichever call fails, and however much of the line was written: once it can be noted, the note is exact.
static void test_a_gap_that_was_half_noted_is_noted_whole_the_next_time(void **state)
{
    (void)state;
    for (unsigned fail_at = 1; fail_at <= 4; fail_at++) {
        struct place p;
        struct garden_chunk chunk;
        struct faulty faulty;
        char octets[64] = "";
        faulty_init(&faulty);
        faulty.fail_errno = fail_at % 2 ? EMFILE : ENOSPC;
        place_begin(&p, &faulty.fs);
        assert_int_equal(garden_chunk_open(&chunk, &p.staging, "chunk", 64, NULL), GARDEN_OK);
        for (uint64_t i = 0; i < 2; i++) {
            const struct garden_gap gap = {1000 + 1000 * i, 300};
            int result = GARDEN_ERR_SYSTEM;
            faulty_arm(&faulty, fail_at);
            for (int k = 0; k < 4 && result != GARDEN_OK; k++)
                result = garden_chunk_note_gap(&chunk, &p.staging, "chunk", gap, NULL);
            assert_int_equal(result, GARDEN_OK);
            assert_true(faulty.calls > 2 || fail_at > 2);
        }
        const int file = open(place_path(&p, "chunk.gaps"), O_RDONLY);
        assert_true(read(file, octets, sizeof octets - 1) > 0);
        assert_int_equal(close(file), 0);
        assert_string_equal(octets, "1000 300\n2000 300\n");
        // What another process cut is not there to be added to.
        faulty_arm(&faulty, 0);
        assert_int_equal(truncate(place_path(&p, "chunk.gaps"), 9), 0);
        assert_int_equal(garden_chunk_note_gap(&chunk, &p.staging, "chunk",
                                               (struct garden_gap){3000, 300}, NULL),
                         GARDEN_ERR_CORRUPT);
        assert_int_equal(garden_chunk_close(&chunk, 0, NULL), GARDEN_OK);
        place_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chunk_is_as_long_as_what_was_written_and_read_only_at_the_end),
        cmocka_unit_test(test_a_path_is_used_once_and_by_one_stream),
        cmocka_unit_test(
            test_what_is_missing_is_noted_beside_a_chunk_and_nothing_of_others_is_touched),
        cmocka_unit_test(test_a_gap_that_was_half_noted_is_noted_whole_the_next_time),
        cmocka_unit_test(test_hostile_paths_are_refused),
        cmocka_unit_test(
            test_a_file_that_another_process_cuts_is_an_error_and_what_is_left_is_known),
        cmocka_unit_test(test_a_cut_that_races_with_a_write_is_seen_after_it),
        cmocka_unit_test(test_a_full_disk_is_an_error_of_opening),
        cmocka_unit_test(test_a_write_that_fails_half_way_leaves_a_known_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
