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
    uint64_t used_ns; // of a processor, since ever
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
    if (!zmtp__spin_begin(&thread->spin, thread->now_ns)) {
        thread->now_ns += comes_ns;
        return false;
    }
    const uint64_t limit_ns = thread->spin.limit_ns;
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

static void test_what_is_saved_is_eight_limits_at_most(void **state)
{
    (void)state;
    struct thread thread = thread_of(LIMIT_NS);
    (void)wait_often(&thread, 1000000, SOON_NS);
    assert_int_equal(wait_often(&thread, 20, LIMIT_NS), 9); // the ninth is owed
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

// It found something after two limits. Was the processor somebody else's meanwhile?
static void spin_too_long(struct thread *thread, bool taken)
{
    assert_true(zmtp__spin_begin(&thread->spin, thread->now_ns));
    thread->now_ns += 2 * LIMIT_NS;
    thread->taken += taken;
    assert_true(zmtp__spin_end(&thread->spin, thread->now_ns, true));
    zmtp__spin_taken(&thread->spin, thread->now_ns, thread->taken);
}

static void test_one_that_found_something_too_late_was_in_vain(void **state)
{
    (void)state;
    struct thread thread = thread_of(LIMIT_NS);
    spin_too_long(&thread, true);
    assert_false(zmtp__spin_begin(&thread.spin, thread.now_ns + 128 * LIMIT_NS - 1));
    assert_true(zmtp__spin_begin(&thread.spin, thread.now_ns + 128 * LIMIT_NS));
}

static void test_where_the_whole_machine_stood_still_that_costs_a_limit(void **state)
{
    (void)state;
    struct thread thread = thread_of(LIMIT_NS);
    spin_too_long(&thread, true); // from here on it is known how often it was taken
    thread.now_ns += 1000 * LIMIT_NS;
    spin_too_long(&thread, false);
    assert_false(zmtp__spin_begin(&thread.spin, thread.now_ns + 128 * LIMIT_NS - 1));
    assert_true(zmtp__spin_begin(&thread.spin, thread.now_ns + 128 * LIMIT_NS));
    // And is covered by what was saved.
    thread.now_ns += 1000 * LIMIT_NS;
    (void)wait_often(&thread, 100, SOON_NS);
    for (unsigned i = 0; i < 8; i++)
        spin_too_long(&thread, false);
}

static void test_a_clock_that_leaps_stops_them_for_a_while_only(void **state)
{
    (void)state;
    struct thread thread = thread_of(LIMIT_NS);
    assert_true(zmtp__spin_begin(&thread.spin, thread.now_ns));
    thread.now_ns += 86400000000000; // a day
    thread.taken++;
    assert_true(zmtp__spin_end(&thread.spin, thread.now_ns, false));
    zmtp__spin_taken(&thread.spin, thread.now_ns, thread.taken);
    assert_false(zmtp__spin_begin(&thread.spin, thread.now_ns + 64 * 64 * LIMIT_NS - 1));
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

static void test_of_eight_half_may_be_found_by_being_interrupted(void **state)
{
    (void)state;
    for (unsigned of_eight = 3; of_eight <= 4; of_eight++) {
        struct thread thread = thread_of(LIMIT_NS);
        unsigned spins = 0;
        for (unsigned i = 0; i < 80000; i++) {
            thread.taken += i % 8 < of_eight;
            spins += wait(&thread, SOON_NS);
        }
        if (of_eight == 3)
            assert_int_equal(spins, 80000);
        else
            assert_true(spins < 1000);
    }
}

static void told_slept(struct thread *thread, uint64_t slept_ns)
{
    if (zmtp__spin_slept(&thread->spin, thread->now_ns, slept_ns))
        zmtp__spin_used(&thread->spin, thread->now_ns, thread->used_ns);
}

// What a sleep takes of the processor.
enum { SLEEP_NS = 60000, SLEEP_USES_NS = 15000, PAUSE_NS = 1000000 };

// A thread to which nobody has said how long it may spin sleeps where it may not, and tells how long.
static bool wait_unasked(struct thread *thread, uint64_t comes_ns, uint64_t sleep_ns)
{
    const uint64_t begun_ns = thread->now_ns;
    if (wait(thread, comes_ns) && thread->now_ns - begun_ns == comes_ns &&
        comes_ns < thread->spin.limit_ns)
        return true;
    thread->now_ns = begun_ns + sleep_ns;
    thread->used_ns += SLEEP_USES_NS;
    told_slept(thread, sleep_ns);
    return false;
}

static void test_unasked_ones_begin_after_eight_brief_sleeps_in_a_row(void **state)
{
    (void)state;
    struct thread thread = thread_of(ZMTP__SPIN_UNASKED);
    assert_true(zmtp__spin_on(&thread.spin));
    assert_true(zmtp__spin_learns(&thread.spin));
    for (unsigned tries = 0; tries < 2; tries++) {
        for (unsigned i = 0; i < 7; i++)
            assert_false(wait_unasked(&thread, SLEEP_NS, SLEEP_NS));
        assert_false(wait_unasked(&thread, PAUSE_NS, PAUSE_NS)); // and all is to be seen anew
    }
    for (unsigned i = 0; i < 8; i++)
        assert_false(wait_unasked(&thread, SLEEP_NS, SLEEP_NS));
    assert_true(wait_unasked(&thread, SOON_NS, SLEEP_NS));
    assert_int_equal(thread.spins, 1);
}

static void test_long_sleeps_are_followed_by_no_unasked_one(void **state)
{
    (void)state;
    struct thread thread = thread_of(ZMTP__SPIN_UNASKED);
    for (unsigned i = 0; i < 10000; i++)
        assert_false(wait_unasked(&thread, PAUSE_NS, PAUSE_NS));
    assert_int_equal(thread.spins, 0);
}

static void test_a_sleep_that_was_none_tells_nothing(void **state)
{
    (void)state;
    struct thread thread = thread_of(ZMTP__SPIN_UNASKED);
    for (unsigned i = 0; i < 8; i++) {
        assert_false(wait_unasked(&thread, SLEEP_NS, SLEEP_NS));
        told_slept(&thread, 1000);
    }
    assert_int_equal(thread.spin.brief_ns, SLEEP_NS);
    assert_true(wait_unasked(&thread, SOON_NS, SLEEP_NS));
}

// The other side takes longer than is worth a processor; but in less time than it takes to sleep, so a spin finds it.
static void test_what_unasked_ones_take_beyond_what_is_worth_it_is_a_64th_of_the_time(void **state)
{
    (void)state;
    struct thread thread = thread_of(ZMTP__SPIN_UNASKED);
    const uint64_t begun_ns = thread.now_ns, worth_ns = SLEEP_USES_NS * 3 / 2;
    uint64_t late_ns = 0;
    while (thread.now_ns - begun_ns < 10000000000)
        late_ns += wait_unasked(&thread, SLEEP_NS / 2, SLEEP_NS) ? SLEEP_NS / 2 - worth_ns : 0;
    assert_true(late_ns > 0);
    assert_true(late_ns <= (thread.now_ns - begun_ns) / 64);
}

// It works for |work_ns| and then waits for |comes_ns|; or sleeps, and both together take |uses_ns| of the processor.
static bool work_unasked(struct thread *thread, uint64_t work_ns, uint64_t comes_ns,
                         uint64_t uses_ns)
{
    thread->now_ns += work_ns;
    thread->used_ns += uses_ns - SLEEP_USES_NS;
    return wait_unasked(thread, comes_ns, SLEEP_NS);
}

static unsigned work_often(uint64_t work_ns, uint64_t comes_ns, uint64_t uses_ns)
{
    struct thread thread = thread_of(ZMTP__SPIN_UNASKED);
    unsigned spins = 0;
    for (unsigned i = 0; i < 10000; i++)
        spins += work_unasked(&thread, work_ns, comes_ns, uses_ns);
    return spins;
}

// The other side works for two fifths of what a sleep takes.
static void test_unasked_ones_take_half_as_much_again_of_a_processor_as_sleeps_at_most(void **state)
{
    (void)state;
    const uint64_t comes_ns = SLEEP_NS * 2 / 5, uses_ns = (10000 + comes_ns) * 2 / 3 + 7;
    assert_int_equal(work_often(10000, comes_ns, uses_ns), 10000 - 8);
    const unsigned spins = work_often(10000, comes_ns, uses_ns - 10000);
    assert_true(spins > 0 && spins < 1000);
}

// What comes at its own pace does not come sooner to who spins.
static void test_unasked_ones_save_a_quarter_of_the_time_at_least(void **state)
{
    (void)state;
    const uint64_t work_ns = 60000, sooner_ns = (work_ns + SLEEP_NS) * 3 / 4 - work_ns;
    assert_int_equal(work_often(work_ns, sooner_ns, work_ns + SLEEP_NS), 10000 - 8);
    const unsigned spins = work_often(work_ns, sooner_ns + 15000, work_ns + SLEEP_NS);
    assert_true(spins > 0 && spins < 1000);
}

// It has found what was there all the time, and comes to wait seldom.
static void test_a_thread_that_is_busy_by_itself_has_not_spun_for_that(void **state)
{
    (void)state;
    struct thread thread = thread_of(ZMTP__SPIN_UNASKED);
    for (unsigned i = 0; i < 100; i++)
        (void)work_unasked(&thread, 10000, SOON_NS, 25000);
    for (unsigned i = 0; i < 10000; i++)
        assert_true(work_unasked(&thread, PAUSE_NS, SOON_NS, PAUSE_NS));
}

static void test_where_no_processor_time_is_known_a_quarter_of_a_sleep_is_late(void **state)
{
    (void)state;
    for (unsigned late = 0; late < 2; late++) {
        struct thread thread = thread_of(ZMTP__SPIN_UNASKED);
        unsigned spins = 0;
        for (unsigned i = 0; i < 10000; i++) {
            spins += wait_unasked(&thread, SLEEP_NS / 4 + late * 5000, SLEEP_NS);
            thread.used_ns = 0;
        }
        if (late == 0)
            assert_int_equal(spins, 10000 - 8);
        else
            assert_true(spins < 1000);
    }
}

static void test_unasked_ones_that_settled_last_as_long_as_a_sleep_at_most(void **state)
{
    (void)state;
    struct thread thread = thread_of(ZMTP__SPIN_UNASKED);
    for (unsigned i = 0; i < 8; i++)
        assert_false(wait_unasked(&thread, SLEEP_NS, SLEEP_NS));
    assert_true(zmtp__spin_begin(&thread.spin, thread.now_ns));
    assert_false(zmtp__spin_over(&thread.spin, thread.now_ns + SLEEP_NS * 3 / 2 - 1));
    for (unsigned i = 0; i < 1000; i++)
        assert_true(wait_unasked(&thread, SOON_NS, SLEEP_NS));
    assert_true(zmtp__spin_begin(&thread.spin, thread.now_ns));
    assert_false(zmtp__spin_over(&thread.spin, thread.now_ns + SLEEP_NS - 1));
    assert_true(zmtp__spin_over(&thread.spin, thread.now_ns + SLEEP_NS));
    assert_false(wait_unasked(&thread, PAUSE_NS, PAUSE_NS)); // one in vain ends nothing
    assert_true(wait_unasked(&thread, SOON_NS, SLEEP_NS));
}

// A conversation of two that work for WORK_NS, and need WAKE_NS to wake up when they sleep.
enum { WORK_NS = 5000, WAKE_NS = 25000 };

static void test_two_that_nobody_has_asked_find_each_other(void **state)
{
    (void)state;
    struct thread sides[2] = {thread_of(ZMTP__SPIN_UNASKED), thread_of(ZMTP__SPIN_UNASKED)};
    bool spins[2] = {false, false}; // what it does since it has sent: else it sleeps
    uint64_t waits_ns[2] = {sides[0].now_ns, sides[0].now_ns}, now_ns = sides[0].now_ns;
    unsigned slept = 0;
    for (unsigned i = 0; i < 1000; i++) {
        // One sends and waits; the other hears of it.
        struct zmtp__spin *const sender = &sides[i % 2].spin, *const other = &sides[1 - i % 2].spin;
        const unsigned at = 1 - i % 2;
        const bool over = spins[at] && zmtp__spin_over(other, now_ns);
        if (over) (void)zmtp__spin_end(other, waits_ns[at] + other->limit_ns, false);
        waits_ns[i % 2] = now_ns;
        spins[i % 2] = zmtp__spin_begin(sender, now_ns);
        if (spins[at] && !over) {
            if (zmtp__spin_end(other, now_ns, true)) zmtp__spin_taken(other, now_ns, 0);
        } else {
            now_ns += WAKE_NS;
            sides[at].now_ns = now_ns;
            sides[at].used_ns += SLEEP_USES_NS;
            if (!over) told_slept(&sides[at], now_ns - waits_ns[at]);
            if (i >= 100) slept++;
        }
        spins[at] = false;
        now_ns += WORK_NS;
    }
    assert_int_equal(slept, 0);
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
        cmocka_unit_test(test_what_is_saved_is_eight_limits_at_most),
        cmocka_unit_test(test_where_the_other_side_is_there_again_they_go_on),
        cmocka_unit_test(test_one_that_found_something_too_late_was_in_vain),
        cmocka_unit_test(test_where_the_whole_machine_stood_still_that_costs_a_limit),
        cmocka_unit_test(test_a_clock_that_leaps_stops_them_for_a_while_only),
        cmocka_unit_test(test_what_is_found_by_being_interrupted_was_in_vain),
        cmocka_unit_test(test_an_interruption_now_and_then_ends_nothing),
        cmocka_unit_test(test_of_eight_half_may_be_found_by_being_interrupted),
        cmocka_unit_test(test_unasked_ones_begin_after_eight_brief_sleeps_in_a_row),
        cmocka_unit_test(test_long_sleeps_are_followed_by_no_unasked_one),
        cmocka_unit_test(test_a_sleep_that_was_none_tells_nothing),
        cmocka_unit_test(test_what_unasked_ones_take_beyond_what_is_worth_it_is_a_64th_of_the_time),
        cmocka_unit_test(
            test_unasked_ones_take_half_as_much_again_of_a_processor_as_sleeps_at_most),
        cmocka_unit_test(test_unasked_ones_save_a_quarter_of_the_time_at_least),
        cmocka_unit_test(test_a_thread_that_is_busy_by_itself_has_not_spun_for_that),
        cmocka_unit_test(test_where_no_processor_time_is_known_a_quarter_of_a_sleep_is_late),
        cmocka_unit_test(test_unasked_ones_that_settled_last_as_long_as_a_sleep_at_most),
        cmocka_unit_test(test_two_that_nobody_has_asked_find_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
