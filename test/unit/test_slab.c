// Slabs, the pool that recycles them, and the inbox that connections read into.
#include "zmtp/msg/slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

struct fixture {
    struct zmtp_budget budget;
    struct zmtp_pool *pool;
};

static int set_up(void **state)
{
    static struct fixture f;
    zmtp_budget_init(&f.budget, NULL);
    assert_int_equal(zmtp_pool_open(&f.pool, &f.budget.allocator), ZMTP_OK);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    zmtp_pool_close(f->pool);
    assert_int_equal(f->budget.bytes, 0);
    assert_int_equal(f->budget.blocks, 0);
    return 0;
}

static void test_a_slab_has_the_smallest_grade_that_fits(void **state)
{
    struct fixture *f = *state;
    static const size_t wanted[] = {0, 1, 1024, 1025, 8192, 8193, ZMTP_SLAB_SIZE};
    static const size_t given[] = {1024, 1024, 1024, 8192, 8192, ZMTP_SLAB_SIZE, ZMTP_SLAB_SIZE};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        for (int pooled = 0; pooled < 2; pooled++) {
            struct zmtp_slab *slab =
                zmtp__slab_open(pooled ? f->pool : NULL, &f->budget.allocator, wanted[i]);
            assert_non_null(slab);
            assert_int_equal(slab->capacity, given[i]);
            memset(slab->data, 0xff, slab->capacity);
            zmtp__slab_unref(slab);
        }
}

static void test_a_slab_lives_until_its_last_reference_goes(void **state)
{
    struct fixture *f = *state;
    struct zmtp_slab *slab = zmtp__slab_open_exact(&f->budget.allocator, 10);
    const size_t blocks = f->budget.blocks;
    assert_true(zmtp__slab_sole(slab));
    zmtp__slab_ref(slab);
    zmtp__slab_ref(slab);
    assert_false(zmtp__slab_sole(slab));
    zmtp__slab_unref(slab);
    zmtp__slab_unref(slab);
    assert_true(zmtp__slab_sole(slab));
    assert_int_equal(f->budget.blocks, blocks);
    zmtp__slab_unref(slab);
    assert_int_equal(f->budget.blocks, blocks - 1);
}

static void test_a_pool_gives_a_slab_out_again_without_an_allocation(void **state)
{
    struct fixture *f = *state;
    zmtp__slab_unref(zmtp__slab_open(f->pool, NULL, 1000));
    const uint64_t calls = f->budget.calls;
    for (int i = 0; i < 10; i++) {
        struct zmtp_slab *slab = zmtp__slab_open(f->pool, NULL, 1 + (size_t)i * 100);
        assert_true(zmtp__slab_sole(slab));
        assert_null(slab->hint);
        zmtp__slab_unref(slab);
    }
    assert_true(f->budget.calls == calls);
    zmtp__slab_unref(zmtp__slab_open(f->pool, NULL, 8000)); // another grade
    assert_true(f->budget.calls == calls + 1);
}

static void test_a_pool_gives_back_what_a_burst_left(void **state)
{
    struct fixture *f = *state;
    enum { BURST = 200 };
    struct zmtp_slab *slabs[BURST];
    for (size_t i = 0; i < BURST; i++)
        slabs[i] = zmtp__slab_open(f->pool, NULL, ZMTP_SLAB_SIZE);
    assert_true(f->budget.bytes > (size_t)BURST * ZMTP_SLAB_SIZE);
    for (size_t i = 0; i < BURST; i++)
        zmtp__slab_unref(slabs[i]);
    assert_true(f->budget.bytes < (size_t)BURST * ZMTP_SLAB_SIZE / 2);
    (void)zmtp_pool_trim(f->pool); // they may have been needed until now
    (void)zmtp_pool_trim(f->pool);
    assert_true(f->budget.bytes < (size_t)BURST * ZMTP_SLAB_SIZE / 4);
}

enum { MIB = 1024 * 1024 };

static void test_a_large_slab_is_given_out_again_for_about_its_size(void **state)
{
    struct fixture *f = *state;
    struct zmtp_slab *slab = zmtp__slab_open(f->pool, NULL, MIB);
    memset(slab->data, 0xff, slab->capacity);
    zmtp__slab_unref(slab);
    const uint64_t calls = f->budget.calls;
    static const size_t about[] = {MIB, MIB - 5000, MIB / 2};
    for (size_t i = 0; i < sizeof about / sizeof *about; i++) {
        struct zmtp_slab *again = zmtp__slab_open(f->pool, NULL, about[i]);
        assert_ptr_equal(again, slab);
        assert_true(zmtp__slab_sole(again));
        zmtp__slab_unref(again);
    }
    assert_true(f->budget.calls == calls);
    static const size_t other[] = {MIB / 2 - 1, 2 * MIB};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        struct zmtp_slab *another = zmtp__slab_open(f->pool, NULL, other[i]);
        assert_ptr_not_equal(another, slab);
        assert_true(another->capacity >= other[i] && another->capacity <= other[i] + 4096);
        zmtp__slab_unref(another);
    }
    assert_true(f->budget.calls == calls + 2);
}

static void test_a_pool_keeps_a_bounded_number_of_large_octets(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = {ZMTP_SLAB_SIZE + 1, 300000, 3 * MIB, 16 * MIB + 9};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        enum { BURST = 100 };
        struct zmtp_slab *slabs[BURST];
        const size_t count = sizes[i] > MIB ? 12 : BURST;
        for (size_t k = 0; k < count; k++)
            slabs[k] = zmtp__slab_open(f->pool, NULL, sizes[i]);
        struct zmtp_slab *last = slabs[count - 1];
        for (size_t k = 0; k < count; k++)
            zmtp__slab_unref(slabs[k]);
        assert_true(f->budget.bytes <= 33 * MIB);
        assert_true(f->budget.blocks <= 1 + 64);
        struct zmtp_slab *slab = zmtp__slab_open(f->pool, NULL, sizes[i]);
        assert_ptr_equal(slab, last); // the last used is the first to be used again
        zmtp__slab_unref(slab);
    }
}

static void test_a_slab_above_16_mib_is_never_kept(void **state)
{
    struct fixture *f = *state;
    const size_t before = f->budget.bytes;
    zmtp__slab_unref(zmtp__slab_open(f->pool, NULL, 17 * MIB));
    assert_int_equal(f->budget.bytes, before);
    assert_false(zmtp__pool_untidy(f->pool));
}

static void test_a_trim_gives_back_what_nobody_needed_since_the_last_one(void **state)
{
    struct fixture *f = *state;
    struct zmtp_slab *slabs[3];
    assert_false(zmtp_pool_trim(NULL));
    assert_false(zmtp_pool_trim(f->pool));
    const size_t blocks = f->budget.blocks;
    for (size_t i = 0; i < 3; i++)
        slabs[i] = zmtp__slab_open(f->pool, NULL, MIB);
    for (size_t i = 0; i < 3; i++)
        zmtp__slab_unref(slabs[i]);
    assert_true(zmtp_pool_trim(f->pool));
    assert_int_equal(f->budget.blocks, blocks + 3);
    for (int i = 0; i < 5; i++) { // one at a time is in use
        struct zmtp_slab *slab = zmtp__slab_open(f->pool, NULL, MIB);
        assert_ptr_equal(slab, slabs[2]);
        zmtp__slab_unref(slab);
    }
    assert_true(zmtp_pool_trim(f->pool));
    assert_int_equal(f->budget.blocks, blocks + 1);
    assert_false(zmtp_pool_trim(f->pool));
    assert_int_equal(f->budget.blocks, blocks);
}

static void fill_pool(struct fixture *f, size_t count)
{
    struct zmtp_slab *slabs[200];
    for (size_t i = 0; i < count; i++)
        slabs[i] = zmtp__slab_open(f->pool, NULL, ZMTP_SLAB_SIZE);
    for (size_t i = 0; i < count; i++)
        zmtp__slab_unref(slabs[i]);
}

static void test_what_a_burst_left_goes_back_unless_the_next_one_needs_it(void **state)
{
    struct fixture *f = *state;
    const size_t blocks = f->budget.blocks;
    fill_pool(f, 90);
    assert_int_equal(f->budget.blocks, blocks + 90);
    assert_true(zmtp__pool_untidy(f->pool));
    assert_true(zmtp_pool_trim(f->pool));
    fill_pool(f, 60); // of 90, so 30 were not needed
    assert_int_equal(f->budget.blocks, blocks + 90);
    assert_true(zmtp_pool_trim(f->pool));
    assert_int_equal(f->budget.blocks, blocks + 60);
    assert_false(zmtp_pool_trim(f->pool));
    assert_int_equal(f->budget.blocks, blocks + 32);
    assert_false(zmtp__pool_untidy(f->pool));
}

static void test_what_a_burst_left_goes_first_when_memory_is_short(void **state)
{
    struct fixture *f = *state;
    fill_pool(f, 100);
    f->budget.bytes_max = f->budget.bytes;
    struct zmtp_slab *slab = zmtp__slab_open(f->pool, NULL, MIB);
    assert_non_null(slab);
    zmtp__slab_unref(slab);
}

static void test_what_a_pool_keeps_goes_first_when_memory_is_short(void **state)
{
    struct fixture *f = *state;
    zmtp__slab_unref(zmtp__slab_open(f->pool, NULL, 2 * MIB));
    f->budget.bytes_max = 3 * MIB;
    struct zmtp_slab *slab = zmtp__slab_open(f->pool, NULL, 2 * MIB + MIB / 2);
    assert_non_null(slab);
    assert_null(zmtp__slab_open(f->pool, NULL, MIB));
    zmtp__slab_unref(slab);
}

static void test_growing_keeps_the_octets_and_leaves_the_grade(void **state)
{
    struct fixture *f = *state;
    for (int pooled = 0; pooled < 2; pooled++) {
        struct zmtp_slab *slab =
            zmtp__slab_open(pooled ? f->pool : NULL, &f->budget.allocator, 1024);
        for (size_t i = 0; i < 1024; i++)
            slab->data[i] = (uint8_t)(i * 3);
        slab = zmtp__slab_grow(slab, 100001);
        assert_non_null(slab);
        assert_true(slab->capacity >= 100001 && slab->capacity <= 100001 + 4096);
        for (size_t i = 0; i < 1024; i++)
            assert_int_equal(slab->data[i], (uint8_t)(i * 3));
        memset(slab->data, 0xff, slab->capacity);
        zmtp__slab_unref(slab);
        const uint64_t calls = f->budget.calls;
        zmtp__slab_unref(zmtp__slab_open(f->pool, NULL, 100001));
        assert_true(f->budget.calls == calls + !pooled); // it came back as a large one
        (void)zmtp_pool_trim(f->pool);
        (void)zmtp_pool_trim(f->pool);
    }
    struct zmtp_slab *slab = zmtp__slab_open(f->pool, NULL, 1024);
    slab = zmtp__slab_grow(slab, 17 * MIB);
    assert_int_equal(slab->capacity, 17 * MIB);
    zmtp__slab_unref(slab);
    assert_false(zmtp__pool_untidy(f->pool));
}

// How far the octets of |slab| lie from the beginning of its block.
static size_t distance(const struct zmtp_slab *slab)
{
    return (size_t)(slab->data - (const uint8_t *)slab);
}

// A block of malloc's that is large begins at 16 of a page, and the kernel copies slowly to what lies a little further than
// what it copies, which begins at 0 or a few octets later.
static void test_the_octets_of_a_large_slab_lie_far_from_the_beginning_of_a_page(void **state)
{
    struct fixture *f = *state;
    enum { FAR = 2048 };
    const size_t sizes[] = {ZMTP_SLAB_SIZE + 1, MIB, 17 * MIB};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct zmtp_slab *slab = zmtp__slab_open(f->pool, &f->budget.allocator, sizes[i]);
        struct zmtp_slab *grown = zmtp__slab_open(f->pool, &f->budget.allocator, 1);
        assert_non_null(slab);
        assert_in_range(distance(slab), FAR, FAR + sizeof *slab);
        zmtp__slab_unref(slab);
        grown = zmtp__slab_grow(grown, sizes[i]);
        assert_in_range(distance(grown), FAR, FAR + sizeof *grown);
        zmtp__slab_unref(grown);
    }
}

static void test_growing_without_memory_leaves_the_slab_whole(void **state)
{
    struct fixture *f = *state;
    struct zmtp_slab *slab = zmtp__slab_open(f->pool, NULL, 1024);
    memset(slab->data, 'x', 1024);
    f->budget.fail_at = f->budget.calls + 1;
    assert_null(zmtp__slab_grow(slab, 100000));
    assert_null(zmtp__slab_grow(slab, SIZE_MAX));
    assert_int_equal(slab->capacity, 1024);
    assert_int_equal(slab->data[1023], 'x');
    zmtp__slab_unref(slab);
}

static void test_a_promise_gets_only_what_lies_unused(void **state)
{
    struct fixture *f = *state;
    assert_null(zmtp__slab_advance(NULL, MIB));
    assert_null(zmtp__slab_advance(f->pool, MIB));
    struct zmtp_slab *slab = zmtp__slab_open(f->pool, NULL, MIB);
    zmtp__slab_unref(slab);
    zmtp__slab_unref(zmtp__slab_open(f->pool, NULL, ZMTP_SLAB_SIZE));
    const uint64_t calls = f->budget.calls;
    assert_null(zmtp__slab_advance(f->pool, ZMTP_SLAB_SIZE));
    assert_ptr_equal(zmtp__slab_advance(f->pool, MIB), slab);
    assert_true(zmtp__slab_sole(slab));
    assert_null(zmtp__slab_advance(f->pool, MIB));
    assert_true(f->budget.calls == calls);
    zmtp__slab_settle(slab);
    zmtp__slab_unref(slab);
}

static void test_promises_have_a_bound_until_they_are_kept(void **state)
{
    struct fixture *f = *state;
    enum { SIZE = 15 * MIB };
    struct zmtp_slab *slabs[3];
    for (size_t i = 0; i < 3; i++)
        slabs[i] = zmtp__slab_open(f->pool, NULL, SIZE);
    for (size_t i = 0; i < 2; i++)
        zmtp__slab_unref(slabs[i]);
    for (size_t i = 0; i < 2; i++) {
        slabs[i] = zmtp__slab_advance(f->pool, SIZE);
        assert_non_null(slabs[i]);
    }
    zmtp__slab_unref(slabs[2]);
    assert_null(zmtp__slab_advance(f->pool, SIZE)); // there is one, but promises hold enough
    zmtp__slab_settle(slabs[0]);                    // its octets have come
    slabs[2] = zmtp__slab_advance(f->pool, SIZE);
    assert_non_null(slabs[2]);
    for (size_t i = 0; i < 3; i++) {
        zmtp__slab_settle(slabs[i]);
        zmtp__slab_unref(slabs[i]);
    }
}

static void test_without_memory_there_is_no_slab_and_no_pool(void **state)
{
    struct fixture *f = *state;
    f->budget.fail_at = f->budget.calls + 1;
    f->budget.fail_on = true;
    assert_null(zmtp__slab_open(f->pool, NULL, 1));
    assert_null(zmtp__slab_open_exact(&f->budget.allocator, 1));
    struct zmtp_pool *pool = f->pool;
    assert_int_equal(zmtp_pool_open(&pool, &f->budget.allocator), ZMTP_ERR_MEMORY);
    assert_null(pool);
    zmtp_pool_close(pool);
}

static void test_a_size_that_no_memory_can_hold_is_refused(void **state)
{
    struct fixture *f = *state;
    for (size_t less = 0; less < sizeof(struct zmtp_slab); less++)
        assert_null(zmtp__slab_open(f->pool, &f->budget.allocator, SIZE_MAX - less));
}

static void test_an_inbox_hands_on_its_slab_while_room_is_left(void **state)
{
    struct fixture *f = *state;
    struct zmtp__inbox *inbox = zmtp__pool_inbox(f->pool);
    assert_true(zmtp__inbox_reserve(inbox, f->pool, NULL, ZMTP_SLAB_SIZE));
    struct zmtp_slab *first = inbox->slab;
    zmtp__slab_ref(first); // a part refers to what was read
    inbox->used = ZMTP_SLAB_SIZE - 10;
    assert_true(zmtp__inbox_reserve(inbox, f->pool, NULL, 10));
    assert_ptr_equal(inbox->slab, first);
    assert_int_equal(inbox->used, ZMTP_SLAB_SIZE - 10);
    assert_true(zmtp__inbox_reserve(inbox, f->pool, NULL, 11));
    assert_ptr_not_equal(inbox->slab, first);
    assert_int_equal(inbox->used, 0);
    zmtp__slab_unref(first);
}

static void test_an_inbox_starts_over_when_nobody_refers_to_it(void **state)
{
    struct fixture *f = *state;
    struct zmtp__inbox *inbox = zmtp__pool_inbox(f->pool);
    assert_true(zmtp__inbox_reserve(inbox, f->pool, NULL, ZMTP_SLAB_SIZE));
    struct zmtp_slab *slab = inbox->slab;
    inbox->used = ZMTP_SLAB_SIZE;
    assert_true(zmtp__inbox_reserve(inbox, f->pool, NULL, 1000));
    assert_ptr_equal(inbox->slab, slab);
    assert_int_equal(inbox->used, 0);
}

static void test_an_inbox_without_memory_stays_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct zmtp__inbox *inbox = zmtp__pool_inbox(f->pool);
    assert_true(zmtp__inbox_reserve(inbox, f->pool, NULL, 1000));
    struct zmtp_slab *slab = inbox->slab;
    zmtp__slab_ref(slab);
    inbox->used = 900;
    f->budget.fail_at = f->budget.calls + 1;
    assert_false(zmtp__inbox_reserve(inbox, f->pool, NULL, 2000));
    assert_ptr_equal(inbox->slab, slab);
    assert_int_equal(inbox->used, 900);
    zmtp__slab_unref(slab);
}

static void test_a_lent_slab_comes_home_when_the_owner_needs_one(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = {1000, 8000, ZMTP_SLAB_SIZE, MIB};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct zmtp_slab *slab = zmtp__slab_open(f->pool, NULL, sizes[i]);
        assert_false(slab->lent);
        zmtp__slab_lend(slab);
        zmtp__slab_lend(slab); // is said once
        zmtp__slab_unref(slab);
        const uint64_t calls = f->budget.calls;
        struct zmtp_slab *again = zmtp__slab_open(f->pool, NULL, sizes[i]);
        assert_ptr_equal(again, slab);
        assert_false(again->lent);
        assert_null(again->hint);
        assert_true(f->budget.calls == calls);
        zmtp__slab_unref(again);
    }
}

static void test_of_large_slabs_the_one_that_came_home_last_is_given_out_first(void **state)
{
    struct fixture *f = *state;
    struct zmtp_slab *const kept = zmtp__slab_open(f->pool, NULL, MIB);
    struct zmtp_slab *const lent = zmtp__slab_open(f->pool, NULL, MIB);
    zmtp__slab_lend(lent);
    zmtp__slab_unref(kept);
    zmtp__slab_unref(lent);
    struct zmtp_slab *const again = zmtp__slab_open(f->pool, NULL, MIB);
    assert_ptr_equal(again, lent);
    zmtp__slab_unref(again);
}

static void test_a_trim_fetches_what_came_home(void **state)
{
    struct fixture *f = *state;
    enum { BURST = 100 };
    struct zmtp_slab *slabs[BURST];
    assert_false(zmtp__pool_untidy(f->pool));
    for (size_t i = 0; i < BURST; i++) {
        slabs[i] = zmtp__slab_open(f->pool, NULL, ZMTP_SLAB_SIZE);
        zmtp__slab_lend(slabs[i]);
    }
    assert_true(zmtp__pool_untidy(f->pool));
    for (size_t i = 0; i < BURST; i++)
        zmtp__slab_unref(slabs[i]);
    assert_true(f->budget.bytes > (size_t)BURST * ZMTP_SLAB_SIZE);
    assert_true(zmtp_pool_trim(f->pool)); // something came, so more may
    assert_true(f->budget.bytes < (size_t)BURST * ZMTP_SLAB_SIZE);
    assert_false(zmtp_pool_trim(f->pool));
    assert_true(f->budget.bytes < (size_t)BURST * ZMTP_SLAB_SIZE / 2);
    assert_false(zmtp__pool_untidy(f->pool));
}

static void test_the_last_lent_slab_takes_a_closed_pool_with_it(void **state)
{
    struct fixture *f = *state;
    for (size_t home = 0; home <= 3; home++) { // so many come home before the close
        struct zmtp_pool *pool;
        struct zmtp_slab *slabs[3];
        const size_t blocks = f->budget.blocks;
        assert_int_equal(zmtp_pool_open(&pool, &f->budget.allocator), ZMTP_OK);
        for (size_t i = 0; i < 3; i++) {
            slabs[i] = zmtp__slab_open(pool, NULL, i == 2 ? MIB : 2000);
            zmtp__slab_lend(slabs[i]);
        }
        for (size_t i = 0; i < home; i++)
            zmtp__slab_unref(slabs[i]);
        zmtp_pool_close(pool);
        for (size_t i = home; i < 3; i++) {
            assert_true(f->budget.blocks > blocks);
            memset(slabs[i]->data, 0xff, slabs[i]->capacity);
            zmtp__slab_unref(slabs[i]);
        }
        assert_int_equal(f->budget.blocks, blocks);
    }
}

#define SLAB_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SLAB_TEST(test_a_slab_has_the_smallest_grade_that_fits),
        SLAB_TEST(test_a_slab_lives_until_its_last_reference_goes),
        SLAB_TEST(test_a_pool_gives_a_slab_out_again_without_an_allocation),
        SLAB_TEST(test_a_pool_gives_back_what_a_burst_left),
        SLAB_TEST(test_a_large_slab_is_given_out_again_for_about_its_size),
        SLAB_TEST(test_a_pool_keeps_a_bounded_number_of_large_octets),
        SLAB_TEST(test_a_slab_above_16_mib_is_never_kept),
        SLAB_TEST(test_a_trim_gives_back_what_nobody_needed_since_the_last_one),
        SLAB_TEST(test_what_a_burst_left_goes_back_unless_the_next_one_needs_it),
        SLAB_TEST(test_what_a_burst_left_goes_first_when_memory_is_short),
        SLAB_TEST(test_what_a_pool_keeps_goes_first_when_memory_is_short),
        SLAB_TEST(test_growing_keeps_the_octets_and_leaves_the_grade),
        SLAB_TEST(test_the_octets_of_a_large_slab_lie_far_from_the_beginning_of_a_page),
        SLAB_TEST(test_growing_without_memory_leaves_the_slab_whole),
        SLAB_TEST(test_a_promise_gets_only_what_lies_unused),
        SLAB_TEST(test_promises_have_a_bound_until_they_are_kept),
        SLAB_TEST(test_without_memory_there_is_no_slab_and_no_pool),
        SLAB_TEST(test_a_size_that_no_memory_can_hold_is_refused),
        SLAB_TEST(test_a_lent_slab_comes_home_when_the_owner_needs_one),
        SLAB_TEST(test_of_large_slabs_the_one_that_came_home_last_is_given_out_first),
        SLAB_TEST(test_a_trim_fetches_what_came_home),
        SLAB_TEST(test_the_last_lent_slab_takes_a_closed_pool_with_it),
        SLAB_TEST(test_an_inbox_hands_on_its_slab_while_room_is_left),
        SLAB_TEST(test_an_inbox_starts_over_when_nobody_refers_to_it),
        SLAB_TEST(test_an_inbox_without_memory_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
