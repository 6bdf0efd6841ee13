#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <garden/store.h>

#include "fixture.h"

struct dock {
    struct folder folder;
    struct garden_store *store;
};

static void dock_begin(struct dock *d, const struct garden_fs *fs)
{
    folder_make(&d->folder);
    const struct garden_store_config config = {.root = d->folder.path, .fs = fs};
    assert_int_equal(garden_store_open(&config, &d->store, NULL), GARDEN_OK);
}

static void dock_end(struct dock *d)
{
    garden_store_close(d->store);
    folder_remove(&d->folder);
}

static bool dock_count(void *context, const char *name)
{
    (void)name;
    ++*(int *)context;
    return true;
}

static int dock_staged(const struct dock *d)
{
    int count = 0;
    assert_int_equal(garden_store_each_staged(d->store, dock_count, &count, NULL), GARDEN_OK);
    return count;
}

// "hello, garden" in two pieces.
static int dock_take(const struct dock *d, const struct garden_hash *expected,
                     struct garden_hash *out, struct garden_error *error)
{
    struct garden_incoming *incoming = NULL;
    int result = garden_incoming_open(d->store, &incoming, error);
    if (result == GARDEN_OK)
        result = garden_incoming_write(incoming, zmtp_bytes_text("hello, "), error);
    if (result == GARDEN_OK)
        result = garden_incoming_write(incoming, zmtp_bytes_text("garden"), error);
    if (result == GARDEN_OK)
        result = garden_incoming_seal(incoming, expected, "text/plain", out, error);
    garden_incoming_close(incoming);
    return result;
}

static void test_pieces_become_one_object_and_a_second_time_the_same(void **state)
{
    (void)state;
    struct dock d;
    struct garden_hash hash;
    const struct garden_hash expected = garden_hash_of(zmtp_bytes_text("hello, garden"));
    dock_begin(&d, NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(dock_take(&d, i == 0 ? &expected : NULL, &hash, NULL), GARDEN_OK);
        assert_true(garden_hash_equal(&hash, &expected));
        assert_int_equal(garden_store_verify(d.store, &hash, NULL, NULL), GARDEN_OK);
        assert_int_equal(dock_staged(&d), 0);
    }
    dock_end(&d);
}

static void test_what_is_not_what_it_should_be_becomes_nothing(void **state)
{
    (void)state;
    struct dock d;
    struct garden_hash hash;
    struct garden_error error;
    uint64_t count = 0;
    const struct garden_hash other = garden_hash_of(zmtp_bytes_text("hello"));
    dock_begin(&d, NULL);
    assert_int_equal(dock_take(&d, &other, &hash, &error), GARDEN_ERR_CORRUPT);
    assert_non_null(strstr(error.text, "not those of its name"));
    assert_int_equal(garden_store_verify_all(d.store, &count, NULL, NULL, NULL), 0);
    assert_int_equal(count, 0);
    assert_int_equal(dock_staged(&d), 0);
    dock_end(&d);
}

static bool take_with_failure(unsigned at)
{
    struct dock d;
    struct faulty faulty;
    struct garden_hash hash;
    struct garden_error error = {0};
    faulty_init_all(&faulty);
    faulty.fail_errno = ENOSPC;
    dock_begin(&d, &faulty.fs);
    faulty_arm(&faulty, at);
    const int result = dock_take(&d, NULL, &hash, &error);
    const bool reached = faulty.calls >= at;
    if (result < 0) assert_int_equal(error.code, GARDEN_ERR_NO_SPACE);
    faulty_arm(&faulty, 0);
    assert_int_equal(garden_store_verify_all(d.store, NULL, NULL, NULL, NULL), 0);
    assert_int_equal(dock_take(&d, NULL, &hash, &error), GARDEN_OK);
    dock_end(&d);
    return reached;
}

static void test_a_call_that_fails_anywhere_can_be_made_good(void **state)
{
    (void)state;
    unsigned at = 1;
    while (take_with_failure(at))
        at++;
    assert_true(at > 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_become_one_object_and_a_second_time_the_same),
        cmocka_unit_test(test_what_is_not_what_it_should_be_becomes_nothing),
        cmocka_unit_test(test_a_call_that_fails_anywhere_can_be_made_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
