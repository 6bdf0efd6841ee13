// The folder that the state is kept in: what was appended is there again after any crash, at each octet of
// a torn end, and with each system call failing in turn.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "fixture.h"
#include "garden/daemon/ledger.h"

struct fixture {
    struct folder folder;
    char path[128];
    struct faulty faulty;
    struct ledger ledger;
    char heard[4096]; // "payload " of each record
    int refuse;
};

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    folder_make(&f.folder);
    snprintf(f.path, sizeof f.path, "%s/state", f.folder.path);
    faulty_init(&f.faulty);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    folder_remove(&f->folder);
    return 0;
}

static int hear(void *context, struct zmtp_bytes payload)
{
    struct fixture *f = context;
    const size_t used = strlen(f->heard);
    snprintf(f->heard + used, sizeof f->heard - used, "%.*s ", (int)payload.size,
             (const char *)payload.data);
    return f->refuse;
}

static int open_ledger(struct fixture *f)
{
    f->heard[0] = '\0';
    return ledger_open(&f->ledger, &f->faulty.fs, f->path, hear, f, NULL);
}

static int append(struct fixture *f, const char *text)
{
    return ledger_append(&f->ledger, zmtp_bytes_text(text), NULL);
}

static void reopen(struct fixture *f, const char *expected)
{
    ledger_close(&f->ledger);
    assert_int_equal(open_ledger(f), GARDEN_OK);
    assert_string_equal(f->heard, expected);
}

// A snapshot that says |text|.
static int snapshot(struct fixture *f, const char *text)
{
    struct ledger_writer writer = {.file = -1};
    int result = ledger_rotate(&f->ledger, NULL);
    if (result == GARDEN_OK) result = ledger_writer_open(&writer, &f->ledger, NULL);
    if (result == GARDEN_OK) result = ledger_writer_put(&writer, zmtp_bytes_text(text), NULL);
    if (result == GARDEN_OK) result = ledger_writer_commit(&writer, NULL);
    if (result == GARDEN_OK) ledger_replaced(&f->ledger, &writer);
    if (writer.fs) ledger_writer_close(&writer);
    return result;
}

static off_t file_size(const struct fixture *f, const char *name)
{
    char path[256];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    return stat(path, &status) == 0 ? status.st_size : -1;
}

static void what_was_appended_is_there_again(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(open_ledger(f), GARDEN_OK);
    assert_string_equal(f->heard, "");
    assert_int_equal(append(f, "one"), GARDEN_OK);
    assert_int_equal(append(f, "two"), GARDEN_OK);
    reopen(f, "one two ");
    assert_int_equal(append(f, "three"), GARDEN_OK);
    reopen(f, "one two three ");
    ledger_close(&f->ledger);
}

static void a_change_that_was_refused_is_taken_back_once(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(open_ledger(f), GARDEN_OK);
    assert_int_equal(append(f, "one"), GARDEN_OK);
    assert_int_equal(append(f, "two"), GARDEN_OK);
    ledger_undo(&f->ledger);
    ledger_undo(&f->ledger);
    reopen(f, "one ");
    assert_int_equal(append(f, "three"), GARDEN_OK);
    reopen(f, "one three ");
    ledger_close(&f->ledger);
}

static void a_log_torn_at_any_octet_has_all_whole_records(void **state)
{
    struct fixture *f = *state;
    char path[256];
    assert_int_equal(open_ledger(f), GARDEN_OK);
    assert_int_equal(append(f, "one"), GARDEN_OK);
    const off_t first = file_size(f, "log.0");
    assert_int_equal(append(f, "two"), GARDEN_OK);
    const off_t second = file_size(f, "log.0");
    ledger_close(&f->ledger);
    snprintf(path, sizeof path, "%s/log.0", f->path);
    for (off_t size = second; size >= 0; size--) {
        assert_int_equal(truncate(path, size), 0);
        assert_int_equal(open_ledger(f), GARDEN_OK);
        assert_string_equal(f->heard, size >= second ? "one two " : size >= first ? "one " : "");
        // And goes on behind them.
        assert_int_equal(append(f, "next"), GARDEN_OK);
        reopen(f, size >= second ? "one two next " : size >= first ? "one next " : "next ");
        // Back to what there was.
        assert_int_equal(truncate(path, 8), 0);
        reopen(f, "");
        assert_int_equal(append(f, "one"), GARDEN_OK);
        assert_int_equal(append(f, "two"), GARDEN_OK);
        ledger_close(&f->ledger);
    }
}

static void no_octet_can_be_changed_unnoticed(void **state)
{
    (void)state;
    struct garden_buffer octets;
    struct zmtp_bytes payload;
    size_t at = 0;
    garden_buffer_init(&octets, NULL, 0);
    assert_int_equal(ledger_encode(&octets, 0, zmtp_bytes_text("payload")), GARDEN_OK);
    const struct zmtp_bytes in = garden_buffer_bytes(&octets);
    assert_int_equal(ledger_decode(in, &at, 0, &payload), 1);
    assert_int_equal(at, octets.size);
    at = 0;
    assert_int_equal(ledger_decode(in, &at, 1, &payload), 0); // it is not the second
    for (size_t i = 0; i < octets.size; i++) {
        octets.data[i] ^= 0x10;
        assert_int_equal(ledger_decode(in, &at, 0, &payload), 0);
        octets.data[i] ^= 0x10;
    }
    garden_buffer_fini(&octets);
}

static void a_snapshot_replaces_what_came_before_it(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(open_ledger(f), GARDEN_OK);
    assert_int_equal(append(f, "one"), GARDEN_OK);
    assert_int_equal(snapshot(f, "all"), GARDEN_OK);
    assert_int_equal(append(f, "two"), GARDEN_OK);
    assert_int_equal(file_size(f, "log.0"), -1);
    reopen(f, "all two ");
    assert_int_equal(snapshot(f, "more"), GARDEN_OK);
    reopen(f, "more ");
    assert_int_equal(file_size(f, "state.1"), -1);
    ledger_close(&f->ledger);
}

static void a_snapshot_that_was_not_finished_counts_for_nothing(void **state)
{
    struct fixture *f = *state;
    struct ledger_writer writer;
    assert_int_equal(open_ledger(f), GARDEN_OK);
    assert_int_equal(append(f, "one"), GARDEN_OK);
    assert_int_equal(ledger_rotate(&f->ledger, NULL), GARDEN_OK);
    assert_int_equal(append(f, "two"), GARDEN_OK);
    assert_int_equal(ledger_writer_open(&writer, &f->ledger, NULL), GARDEN_OK);
    assert_int_equal(ledger_writer_put(&writer, zmtp_bytes_text("all"), NULL), GARDEN_OK);
    ledger_writer_close(&writer); // killed
    reopen(f, "one two ");
    assert_int_equal(append(f, "three"), GARDEN_OK);
    reopen(f, "one two three ");
    // Even one that has its name, but not its end.
    char from[256], to[256];
    snprintf(from, sizeof from, "%s/new.1", f->path);
    snprintf(to, sizeof to, "%s/state.1", f->path);
    assert_int_equal(rename(from, to), 0);
    reopen(f, "one two three ");
    ledger_close(&f->ledger);
}

static void behind_a_hole_nothing_counts_and_it_goes_on_there(void **state)
{
    struct fixture *f = *state;
    char path[256];
    assert_int_equal(open_ledger(f), GARDEN_OK);
    assert_int_equal(append(f, "one"), GARDEN_OK);
    assert_int_equal(append(f, "lost"), GARDEN_OK);
    assert_int_equal(ledger_rotate(&f->ledger, NULL), GARDEN_OK);
    assert_int_equal(append(f, "two"), GARDEN_OK);
    snprintf(path, sizeof path, "%s/log.0", f->path);
    assert_int_equal(truncate(path, file_size(f, "log.0") - 1), 0); // the machine crashed
    reopen(f, "one ");
    assert_true(file_size(f, "lost.1") > 0);
    assert_int_equal(append(f, "three"), GARDEN_OK);
    assert_int_equal(ledger_rotate(&f->ledger, NULL), GARDEN_OK);
    assert_int_equal(append(f, "four"), GARDEN_OK);
    reopen(f, "one three four ");
    ledger_close(&f->ledger);
}

// Changes the octet at |at| of a file.
static void damage(const struct fixture *f, const char *name, off_t at)
{
    char path[256];
    unsigned char octet;
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    const int file = open(path, O_RDWR);
    assert_int_equal(pread(file, &octet, 1, at), 1);
    octet ^= 0x10;
    assert_int_equal(pwrite(file, &octet, 1, at), 1);
    close(file);
}

static void what_is_cut_off_a_log_is_kept_aside(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(open_ledger(f), GARDEN_OK);
    assert_int_equal(append(f, "one"), GARDEN_OK);
    const off_t first = file_size(f, "log.0");
    assert_int_equal(append(f, "two"), GARDEN_OK);
    assert_int_equal(append(f, "three"), GARDEN_OK);
    const off_t all = file_size(f, "log.0");
    damage(f, "log.0", first);
    reopen(f, "one ");
    assert_int_equal(file_size(f, "log.0"), first);
    assert_int_equal(file_size(f, "lost.0"), all); // with "three" in it
    ledger_close(&f->ledger);
}

static void a_damaged_snapshot_is_no_reason_to_begin_with_nothing(void **state)
{
    struct fixture *f = *state;
    struct garden_error error;
    assert_int_equal(open_ledger(f), GARDEN_OK);
    assert_int_equal(append(f, "one"), GARDEN_OK);
    assert_int_equal(snapshot(f, "all"), GARDEN_OK);
    assert_int_equal(append(f, "two"), GARDEN_OK);
    ledger_close(&f->ledger);
    const off_t log = file_size(f, "log.1"), all = file_size(f, "state.1");
    for (off_t at = 0; at < all; at++) {
        damage(f, "state.1", at);
        assert_int_equal(ledger_open(&f->ledger, NULL, f->path, hear, f, &error),
                         GARDEN_ERR_CORRUPT);
        assert_non_null(strstr(error.text, "state.1"));
        damage(f, "state.1", at); // which mends it
    }
    assert_int_equal(file_size(f, "log.1"), log);
    reopen(f, "all two ");
    ledger_close(&f->ledger);
}

static void one_daemon_at_a_time_has_the_folder(void **state)
{
    struct fixture *f = *state;
    struct ledger second;
    struct garden_error error;
    assert_int_equal(open_ledger(f), GARDEN_OK);
    assert_int_equal(ledger_open(&second, NULL, f->path, hear, f, &error), GARDEN_ERR_EXISTS);
    assert_non_null(strstr(error.text, "--state"));
    ledger_close(&f->ledger);
}

static void a_record_that_cannot_be_used_stops_the_opening_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(open_ledger(f), GARDEN_OK);
    assert_int_equal(append(f, "one"), GARDEN_OK);
    ledger_close(&f->ledger);
    f->refuse = GARDEN_ERR_FORMAT;
    assert_int_equal(open_ledger(f), GARDEN_ERR_FORMAT);
    f->refuse = GARDEN_OK;
    assert_int_equal(open_ledger(f), GARDEN_OK);
    assert_string_equal(f->heard, "one ");
    ledger_close(&f->ledger);
}

// Stands before the system's: the |unreadable|th entry of a folder, from 1, cannot be read.
static unsigned unreadable;

struct dirent *readdir(DIR *folder)
{
    static struct dirent *(*system_one)(DIR * folder);
    if (!system_one) *(void **)&system_one = dlsym(RTLD_NEXT, "readdir");
    if (unreadable == 0 || --unreadable > 0) return system_one(folder);
    errno = EIO;
    return NULL;
}

// What was not seen would be replaced by the next snapshot.
static void a_folder_that_cannot_be_listed_to_its_end_is_not_begun_anew(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(open_ledger(f), GARDEN_OK);
    assert_int_equal(snapshot(f, "all"), GARDEN_OK);
    ledger_close(&f->ledger);
    for (unsigned n = 1; n <= 5; n++) { // ".", "..", the lock, the state, the log
        unreadable = n;
        assert_int_equal(open_ledger(f), GARDEN_ERR_SYSTEM);
        assert_int_equal(unreadable, 0);
        ledger_close(&f->ledger);
    }
    assert_int_equal(open_ledger(f), GARDEN_OK);
    assert_string_equal(f->heard, "all ");
    ledger_close(&f->ledger);
}

static void a_full_disk_refuses_a_change_and_nothing_is_lost_or_left(void **state)
{
    struct fixture *f = *state;
    struct garden_error error;
    assert_int_equal(open_ledger(f), GARDEN_OK);
    assert_int_equal(append(f, "one"), GARDEN_OK);
    for (unsigned n = 1; n < 3; n++) { // the write, half of it done; and its taking back, too
        faulty_arm(&f->faulty, 1);
        f->faulty.fail_on = n == 2;
        assert_true(ledger_append(&f->ledger, zmtp_bytes_text("refused"), &error) < 0);
        assert_non_null(strstr(error.text, "cannot be kept"));
        assert_int_equal(f->ledger.broken, n == 2);
        faulty_arm(&f->faulty, 0);
        f->faulty.fail_on = false;
    }
    // What is behind a torn end would not be read: a snapshot comes first.
    assert_int_equal(append(f, "two"), GARDEN_ERR_STATE);
    assert_true(ledger_due(&f->ledger));
    assert_int_equal(snapshot(f, "all"), GARDEN_OK);
    assert_int_equal(append(f, "two"), GARDEN_OK);
    reopen(f, "all two ");
    ledger_close(&f->ledger);
}

// Every call that writes fails in turn, once and for good, during a life of changes and a snapshot: what
// was answered with success is there, in order.
static void with_any_call_failing_all_that_succeeded_is_there(void **state)
{
    struct fixture *f = *state;
    for (unsigned n = 1; n < 60; n++) {
        char expected[64] = "";
        char path[160];
        snprintf(path, sizeof path, "%s/each-%u", f->folder.path, n);
        memcpy(f->path, path, sizeof f->path);
        faulty_arm(&f->faulty, n);
        f->faulty.fail_on = n % 2 == 0;
        if (open_ledger(f) == GARDEN_OK) {
            const char *const texts[] = {"a", "b", "c", "d"};
            for (size_t i = 0; i < 4; i++) {
                if (i == 2) {
                    if (snapshot(f, "S") == GARDEN_OK) strcpy(expected, "S ");
                }
                if (append(f, texts[i]) < 0) continue;
                strcat(strcat(expected, texts[i]), " ");
            }
            ledger_close(&f->ledger);
        }
        faulty_arm(&f->faulty, 0);
        assert_int_equal(open_ledger(f), GARDEN_OK);
        // The rename of a snapshot may have worked although the sync of the folder did not.
        if (strncmp(f->heard, "S ", 2) == 0 && strncmp(expected, "S ", 2) != 0) {
            char *rest = expected;
            while (*rest == 'a' || *rest == 'b' || *rest == ' ')
                rest++;
            assert_string_equal(f->heard + 2, rest);
        } else {
            assert_string_equal(f->heard, expected);
        }
        ledger_close(&f->ledger);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_appended_is_there_again),
        TEST(a_change_that_was_refused_is_taken_back_once),
        TEST(a_log_torn_at_any_octet_has_all_whole_records),
        TEST(no_octet_can_be_changed_unnoticed),
        TEST(a_snapshot_replaces_what_came_before_it),
        TEST(a_snapshot_that_was_not_finished_counts_for_nothing),
        TEST(behind_a_hole_nothing_counts_and_it_goes_on_there),
        TEST(what_is_cut_off_a_log_is_kept_aside),
        TEST(a_damaged_snapshot_is_no_reason_to_begin_with_nothing),
        TEST(one_daemon_at_a_time_has_the_folder),
        TEST(a_record_that_cannot_be_used_stops_the_opening_and_changes_nothing),
        TEST(a_folder_that_cannot_be_listed_to_its_end_is_not_begun_anew),
        TEST(a_full_disk_refuses_a_change_and_nothing_is_lost_or_left),
        TEST(with_any_call_failing_all_that_succeeded_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
