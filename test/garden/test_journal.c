#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <garden/store.h>

#include "../../garden/store/journal.h"
#include "fixture.h"

struct bench {
    struct folder folder;
    struct garden_store *store;
    char heard[256]; // "type:payload " of each record
    int refuse;
};

static int hear(void *context, uint32_t type, struct zmtp_bytes payload)
{
    struct bench *b = context;
    const size_t used = strlen(b->heard);
    snprintf(b->heard + used, sizeof b->heard - used, "%u:%.*s ", type, (int)payload.size,
             (const char *)payload.data);
    return b->refuse;
}

static void bench_begin(struct bench *b, const struct garden_fs *fs)
{
    memset(b, 0, sizeof *b);
    folder_make(&b->folder);
    const struct garden_store_config config = {.root = b->folder.path, .fs = fs};
    assert_int_equal(garden_store_open(&config, &b->store, NULL), GARDEN_OK);
}

static void bench_end(struct bench *b)
{
    garden_store_close(b->store);
    folder_remove(&b->folder);
}

static void append(struct garden__journal *journal, uint32_t type, const char *text)
{
    assert_int_equal(garden__journal_append(journal, type, zmtp_bytes_text(text), NULL), GARDEN_OK);
}

static int reopen(struct bench *b, struct garden__journal *journal, struct garden_error *error)
{
    b->heard[0] = '\0';
    return garden__journal_open(journal, b->store, "j", hear, b, error);
}

static void bench_path(const struct bench *b, char path[256])
{
    snprintf(path, 256, "%s/staging/j", b->folder.path);
}

static void test_records_come_back_in_order_and_more_can_be_added(void **state)
{
    (void)state;
    struct bench b;
    struct garden__journal journal;
    bench_begin(&b, NULL);
    assert_int_equal(garden__journal_create(&journal, b.store, "j", NULL), GARDEN_OK);
    append(&journal, 1, "one");
    append(&journal, 2, "");
    garden__journal_close(&journal);
    assert_int_equal(reopen(&b, &journal, NULL), GARDEN_OK);
    assert_string_equal(b.heard, "1:one 2: ");
    append(&journal, 3, "three");
    garden__journal_close(&journal);
    assert_int_equal(reopen(&b, &journal, NULL), GARDEN_OK);
    assert_string_equal(b.heard, "1:one 2: 3:three ");
    assert_int_equal(journal.dropped, 0);
    garden__journal_close(&journal);
    assert_int_equal(garden__journal_create(&journal, b.store, "j", NULL), GARDEN_ERR_EXISTS);
    bench_end(&b);
}

static void test_wherever_the_end_is_torn_the_records_before_it_stay(void **state)
{
    (void)state;
    struct bench b;
    struct garden__journal journal;
    struct stat status;
    char path[256];
    bench_begin(&b, NULL);
    bench_path(&b, path);
    assert_int_equal(garden__journal_create(&journal, b.store, "j", NULL), GARDEN_OK);
    append(&journal, 1, "one");
    const uint64_t whole = journal.size;
    append(&journal, 2, "second");
    const uint64_t full = journal.size;
    garden__journal_close(&journal);
    for (uint64_t size = full - 1; size > whole; size--) {
        assert_int_equal(truncate(path, (off_t)size), 0);
        assert_int_equal(reopen(&b, &journal, NULL), GARDEN_OK);
        assert_string_equal(b.heard, "1:one ");
        assert_int_equal(journal.dropped, size - whole);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal((uint64_t)status.st_size, whole);
        append(&journal, 2, "second");
        garden__journal_close(&journal);
    }
    bench_end(&b);
}

static void test_a_flipped_bit_ends_the_reading_before_its_record(void **state)
{
    (void)state;
    struct bench b;
    struct garden__journal journal;
    char path[256];
    bench_begin(&b, NULL);
    bench_path(&b, path);
    assert_int_equal(garden__journal_create(&journal, b.store, "j", NULL), GARDEN_OK);
    append(&journal, 1, "one");
    const long whole = (long)journal.size;
    append(&journal, 2, "second");
    const long full = (long)journal.size;
    garden__journal_close(&journal);
    for (long at = whole; at < full; at++) {
        FILE *file = fopen(path, "r+");
        assert_non_null(file);
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        const int octet = fgetc(file);
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_true(fputc(octet ^ 4, file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(reopen(&b, &journal, NULL), GARDEN_OK);
        assert_string_equal(b.heard, "1:one ");
        append(&journal, 2, "second");
        garden__journal_close(&journal);
    }
    bench_end(&b);
}

static int hear_into(void *context, uint32_t type, struct zmtp_bytes payload)
{
    char *text = context;
    const size_t size = strlen(text);
    snprintf(text + size, 64 - size, "%u:%.*s ", type, (int)payload.size,
             (const char *)payload.data);
    return GARDEN_OK;
}

static void test_damage_in_the_middle_is_refused_and_what_is_whole_can_be_read_on_both_sides(
    void **state)
{
    (void)state;
    struct bench b;
    struct garden__journal journal;
    struct garden_error error;
    struct stat before, after;
    char path[256];
    bench_begin(&b, NULL);
    bench_path(&b, path);
    assert_int_equal(garden__journal_create(&journal, b.store, "j", NULL), GARDEN_OK);
    append(&journal, 1, "one");
    const long begin = (long)journal.size;
    append(&journal, 2, "second");
    const long end = (long)journal.size;
    append(&journal, 3, "third");
    garden__journal_close(&journal);
    assert_int_equal(stat(path, &before), 0);
    for (long at = begin; at < end; at++) {
        char heard[64] = "";
        for (int mend = 0; mend < 2; mend++) {
            FILE *file = fopen(path, "r+");
            assert_non_null(file);
            assert_int_equal(fseek(file, at, SEEK_SET), 0);
            const int octet = fgetc(file);
            assert_int_equal(fseek(file, at, SEEK_SET), 0);
            assert_true(fputc(octet ^ 4, file) >= 0);
            assert_int_equal(fclose(file), 0);
            if (mend) break;
            assert_int_equal(reopen(&b, &journal, &error), GARDEN_ERR_CORRUPT);
            assert_int_equal(stat(path, &after), 0);
            assert_int_equal(after.st_size, before.st_size);
            assert_int_equal(garden__journal_peek(b.store, "j", hear_into, heard, NULL), GARDEN_OK);
            assert_string_equal(heard, "1:one 3:third ");
        }
    }
    assert_int_equal(reopen(&b, &journal, NULL), GARDEN_OK);
    garden__journal_close(&journal);
    bench_end(&b);
}

static void test_a_file_that_is_no_journal_or_in_use_is_refused_and_left_alone(void **state)
{
    (void)state;
    struct bench b;
    struct garden__journal journal, other;
    struct garden_error error;
    struct stat status;
    char path[256];
    bench_begin(&b, NULL);
    bench_path(&b, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("something else entirely", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(reopen(&b, &journal, &error), GARDEN_ERR_FORMAT);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 23);
    assert_int_equal(remove(path), 0);
    assert_int_equal(garden__journal_create(&journal, b.store, "j", NULL), GARDEN_OK);
    append(&journal, 1, "one");
    assert_int_equal(reopen(&b, &other, &error), GARDEN_ERR_STATE);
    assert_non_null(strstr(error.text, "another process"));
    garden__journal_close(&journal);
    b.refuse = GARDEN_ERR_VERSION;
    assert_int_equal(reopen(&b, &journal, &error), GARDEN_ERR_VERSION);
    assert_int_equal(journal.file, -1);
    bench_end(&b);
}

static int count_records(void *context, uint32_t type, struct zmtp_bytes payload)
{
    (void)type;
    (void)payload;
    ++*(int *)context;
    return GARDEN_OK;
}

static void test_no_memory_is_taken_for_a_file_that_is_absurdly_large(void **state)
{
    (void)state;
    struct bench b;
    struct garden__journal journal;
    struct garden_error error;
    int count = 0;
    char path[256];
    bench_begin(&b, NULL);
    bench_path(&b, path);
    assert_int_equal(garden__journal_create(&journal, b.store, "j", NULL), GARDEN_OK);
    append(&journal, 1, "one");
    garden__journal_close(&journal);
    assert_int_equal(garden__journal_peek(b.store, "j", count_records, &count, &error), GARDEN_OK);
    assert_int_equal(count, 1);
    assert_int_equal(truncate(path, (off_t)GARDEN__MANIFEST_TEXT_MAX + 1), 0); // a hole
    assert_int_equal(garden__journal_peek(b.store, "j", count_records, &count, &error),
                     GARDEN_ERR_LIMIT);
    bench_end(&b);
}

static void test_an_append_that_fails_leaves_no_trace(void **state)
{
    (void)state;
    struct bench b;
    struct faulty faulty;
    struct garden__journal journal;
    faulty_init(&faulty);
    bench_begin(&b, &faulty.fs);
    assert_int_equal(garden__journal_create(&journal, b.store, "j", NULL), GARDEN_OK);
    append(&journal, 1, "one");
    for (unsigned at = 1; at <= 2; at++) { // the write, the fsync
        faulty_arm(&faulty, at);
        assert_int_equal(garden__journal_append(&journal, 2, zmtp_bytes_text("lost"), NULL),
                         GARDEN_ERR_NO_SPACE);
        faulty_arm(&faulty, 0);
        append(&journal, 3, "kept");
    }
    garden__journal_close(&journal);
    assert_int_equal(reopen(&b, &journal, NULL), GARDEN_OK);
    assert_string_equal(b.heard, "1:one 3:kept 3:kept ");
    garden__journal_close(&journal);
    bench_end(&b);
}

static void test_a_record_cursor_goes_bad_at_the_first_overrun(void **state)
{
    (void)state;
    struct garden__record record = {.size = 0};
    garden__record_put_u64(&record, UINT64_C(0x0102030405060708));
    garden__record_put(&record, "ab", 2);
    struct garden__record_reader reader = {.in = zmtp_bytes_of(record.data, record.size)};
    assert_int_equal(record.data[0], 8); // little-endian
    assert_true(garden__record_take_u64(&reader) == UINT64_C(0x0102030405060708));
    assert_null(garden__record_take(&reader, 3));
    assert_true(reader.bad);
    assert_null(garden__record_take(&reader, 1)); // and stays bad
    while (!record.bad)
        garden__record_put_u64(&record, 1);
    assert_true(record.size <= GARDEN__JOURNAL_PAYLOAD_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_come_back_in_order_and_more_can_be_added),
        cmocka_unit_test(test_wherever_the_end_is_torn_the_records_before_it_stay),
        cmocka_unit_test(test_a_flipped_bit_ends_the_reading_before_its_record),
        cmocka_unit_test(
            test_damage_in_the_middle_is_refused_and_what_is_whole_can_be_read_on_both_sides),
        cmocka_unit_test(test_a_file_that_is_no_journal_or_in_use_is_refused_and_left_alone),
        cmocka_unit_test(test_no_memory_is_taken_for_a_file_that_is_absurdly_large),
        cmocka_unit_test(test_an_append_that_fails_leaves_no_trace),
        cmocka_unit_test(test_a_record_cursor_goes_bad_at_the_first_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
