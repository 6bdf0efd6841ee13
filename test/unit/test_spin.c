// When it is worth to look for a while before a sleep. The clock is a number.
#include "zmtp/base/spin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { LIMIT_NS = 50000, SOON_NS = 5000 };

// A thread that spins, by its clock.
struct thread {
    struct zmtp__spin spin;
    uint64_t now_ns, taken;
    uint64_t vain_ns; // spent in spins that found nothing
    unsigned spins;
};

static struct thread thread_of(uint64_t limit_ns)
{
    struct thread thread = {.now_ns = 1000000000, .taken = 7};
    zmtp__spin_init(&thread.spin, limit_ns);
    return thread;
}

// Would sleep; what it waits for comes after |comes_ns|. False: it may not spin, and sleeps instead.
static bool wait(struct thread *thread, uint64_t comes_ns)
{
    const uint64_t limit_ns = thread->spin.limit_ns;
    if (!zmtp__spin_begin(&thread->spin, thread->now_ns)) {
        thread->now_ns += comes_ns;
        return false;
    }
    thread->spins++;
    const bool found = comes_ns < limit_ns;
    thread->now_ns += found ? comes_ns : limit_ns;
    assert_int_equal(zmtp__spin_over(&thread->spin, thread->now_ns), !found);
    if (!found) thread->vain_ns += limit_ns;
    if (zmtp__spin_end(&thread->spin, thread->now_ns, found))
        zmtp__spin_taken(&thread->spin, thread->now_ns, thread->taken);
    if (!found) thread->now_ns += comes_ns - limit_ns;
    return true;
}

static unsigned wait_often(struct thread *thread, unsigned count, uint64_t comes_ns)
{
    unsigned spins = 0;
    for (unsigned i = 0; i < count; i++)
        spins += wait(thread, comes_ns);
    return spins;
}

static void test_without_a_limit_there_are_none(void **state)
{
    (void)state;
    struct thread thread = thread_of(0);
    assert_false(zmtp__spin_on(&thread.spin));
    assert_int_equal(wait_often(&thread, 100, SOON_NS), 0);
}

static void test_as_long_as_they_find_something_they_go_on(void **state)
{
    (void)state;
    struct thread thread = thread_of(LIMIT_NS);
    assert_true(zmtp__spin_on(&thread.spin));
    assert_int_equal(wait_often(&thread, 100000, SOON_NS), 100000);
}

static void test_after_one_in_vain_none_begins_for_sixty_four_times_as_long(void **state)
{
    (void)state;
    struct thread thread = thread_of(LIMIT_NS);
    assert_true(wait(&thread, LIMIT_NS)); // and has come right after it
    thread.now_ns += 64 * LIMIT_NS - 1;
    assert_false(zmtp__spin_begin(&thread.spin, thread.now_ns));
    assert_true(zmtp__spin_begin(&thread.spin, thread.now_ns + 1));
}

static void test_each_in_vain_doubles_the_time_to_the_next_up_to_1024_times_as_long(void **state)
{
    (void)state;
    struct thread thread = thread_of(LIMIT_NS);
    const uint64_t times[] = {64, 128, 256, 512, 1024, 1024, 1024};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        assert_true(wait(&thread, LIMIT_NS));
        assert_false(zmtp__spin_begin(&thread.spin, thread.now_ns + times[i] * LIMIT_NS - 1));
        thread.now_ns += times[i] * LIMIT_NS;
    }
}

static void test_those_in_vain_take_a_64th_of_the_time_at_most_and_then_a_1024th(void **state)
{
    (void)state;
    for (uint64_t comes_ns = LIMIT_NS; comes_ns < 100 * LIMIT_NS; comes_ns = comes_ns * 3 / 2) {
        struct thread thread = thread_of(LIMIT_NS);
        const uint64_t begun_ns = thread.now_ns;
        while (thread.now_ns - begun_ns < 10000000)
            (void)wait(&thread, comes_ns);
        assert_true(thread.vain_ns <= LIMIT_NS + (thread.now_ns - begun_ns) / 64);
        const uint64_t later_ns = thread.now_ns, before_ns = thread.vain_ns;
        while (thread.now_ns - later_ns < 10000000000)
            (void)wait(&thread, comes_ns);
        assert_true(thread.vain_ns - before_ns <= 4 * LIMIT_NS + (thread.now_ns - later_ns) / 1024);
    }
}

// One of |every| is in vain; the times between are other work.
static unsigned spins_of(struct thread *thread, unsigned count, unsigned every)
{
    unsigned spins = 0;
    for (unsigned i = 1; i <= count; i++)
        spins += wait(thread, i % every == 0 ? 2 * LIMIT_NS : SOON_NS);
    return spins;
}

static void test_where_nearly_all_find_something_one_in_vain_ends_nothing(void **state)
{
    (void)state;
    struct thread thread = thread_of(LIMIT_NS);
    (void)wait_often(&thread, 1000, SOON_NS);
    assert_int_equal(spins_of(&thread, 9000, 10), 9000);
}

static void test_where_half_of_them_find_nothing_they_take_little_of_the_time(void **state)
{
    (void)state;
    struct thread thread = thread_of(LIMIT_NS);
    (void)wait_often(&thread, 1000, SOON_NS);
    const uint64_t begun_ns = thread.now_ns;
    (void)spins_of(&thread, 100000, 2);
    assert_true(thread.vain_ns <= 6 * LIMIT_NS + (thread.now_ns - begun_ns) / 64);
}

static void test_what_is_saved_is_four_limits_at_most(void **state)
{
    (void)state;
    struct thread thread = thread_of(LIMIT_NS);
    (void)wait_often(&thread, 1000000, SOON_NS);
    assert_int_equal(wait_often(&thread, 10, LIMIT_NS), 5); // the fifth is owed
}

static void test_where_the_other_side_is_there_again_they_go_on(void **state)
{
    (void)state;
    struct thread thread = thread_of(LIMIT_NS);
    while (thread.now_ns < 20000000000)
        (void)wait(&thread, 2 * LIMIT_NS);
    const uint64_t changed_ns = thread.now_ns;
    while (!wait(&thread, SOON_NS))
        assert_true(thread.now_ns - changed_ns <= 1024 * LIMIT_NS);
    assert_int_equal(wait_often(&thread, 1000, SOON_NS), 1000);
}

static void test_one_that_found_something_too_late_was_in_vain(void **state)
{
    (void)state;
    struct thread thread = thread_of(LIMIT_NS);
    assert_true(zmtp__spin_begin(&thread.spin, thread.now_ns));
    thread.now_ns += 2 * LIMIT_NS;
    assert_false(zmtp__spin_end(&thread.spin, thread.now_ns, true));
    assert_false(zmtp__spin_begin(&thread.spin, thread.now_ns + 128 * LIMIT_NS - 1));
    assert_true(zmtp__spin_begin(&thread.spin, thread.now_ns + 128 * LIMIT_NS));
}

static void test_a_clock_that_leaps_stops_them_for_a_while_only(void **state)
{
    (void)state;
    struct thread thread = thread_of(LIMIT_NS);
    assert_true(zmtp__spin_begin(&thread.spin, thread.now_ns));
    thread.now_ns += 86400000000000; // a day
    assert_false(zmtp__spin_end(&thread.spin, thread.now_ns, false));
    assert_true(zmtp__spin_begin(&thread.spin, thread.now_ns + 64 * 64 * LIMIT_NS));
}

// As where both sides share a processor: each reply comes because the system takes it from who waits.
static void test_what_is_found_by_being_interrupted_was_in_vain(void **state)
{
    (void)state;
    struct thread thread = thread_of(LIMIT_NS);
    unsigned spins = 0;
    const uint64_t begun_ns = thread.now_ns;
    while (thread.now_ns - begun_ns < 1000000000) {
        thread.taken++;
        spins += wait(&thread, SOON_NS);
    }
    assert_true(spins < 300); // of 200000 waits
}

static void test_an_interruption_now_and_then_ends_nothing(void **state)
{
    (void)state;
    struct thread thread = thread_of(LIMIT_NS);
    unsigned spins = 0;
    (void)wait_often(&thread, 100, SOON_NS);
    for (unsigned i = 0; i < 10000; i++) {
        thread.taken += i % 50 == 0;
        spins += wait(&thread, SOON_NS);
    }
    assert_int_equal(spins, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_limit_there_are_none),
        cmocka_unit_test(test_as_long_as_they_find_something_they_go_on),
        cmocka_unit_test(test_after_one_in_vain_none_begins_for_sixty_four_times_as_long),
        cmocka_unit_test(test_each_in_vain_doubles_the_time_to_the_next_up_to_1024_times_as_long),
        cmocka_unit_test(test_those_in_vain_take_a_64th_of_the_time_at_most_and_then_a_1024th),
        cmocka_unit_test(test_where_nearly_all_find_something_one_in_vain_ends_nothing),
        cmocka_unit_test(test_where_half_of_them_find_nothing_they_take_little_of_the_time),
        cmocka_unit_test(test_what_is_saved_is_four_limits_at_most),
        cmocka_unit_test(test_where_the_other_side_is_there_again_they_go_on),
        cmocka_unit_test(test_one_that_found_something_too_late_was_in_vain),
        cmocka_unit_test(test_a_clock_that_leaps_stops_them_for_a_while_only),
        cmocka_unit_test(test_what_is_found_by_being_interrupted_was_in_vain),
        cmocka_unit_test(test_an_interruption_now_and_then_ends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
