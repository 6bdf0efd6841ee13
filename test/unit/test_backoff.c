// Delays between reconnects: short, randomised, growing.
#include "zmtp/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// ZMTP37-ERR-05
static void test_delays_double_from_the_least_to_the_most_and_stay_there(void **state)
{
    (void)state;
    struct zmtp_backoff backoff;
    zmtp_backoff_init(&backoff, 100, 1000, 7);
    const uint32_t full_ms[] = {100, 200, 400, 800, 1000, 1000, 1000};
    for (size_t i = 0; i < sizeof full_ms / sizeof full_ms[0]; i++) {
        const uint32_t delay_ms = zmtp_backoff_next(&backoff);
        assert_in_range(delay_ms, full_ms[i] / 2, full_ms[i]);
    }
}

static void test_a_reset_begins_again_with_the_least_delay(void **state)
{
    (void)state;
    struct zmtp_backoff backoff;
    zmtp_backoff_init(&backoff, 100, 30000, 7);
    for (int i = 0; i < 20; i++) {
        (void)zmtp_backoff_next(&backoff);
    }
    zmtp_backoff_reset(&backoff);
    assert_in_range(zmtp_backoff_next(&backoff), 50, 100);
}

// ZMTP37-ERR-05
static void test_jitter_reaches_all_of_the_upper_half_and_nothing_else(void **state)
{
    (void)state;
    struct zmtp_backoff backoff;
    zmtp_backoff_init(&backoff, 8, 8, 1);
    unsigned seen[9] = {0};
    for (int i = 0; i < 5000; i++) {
        const uint32_t delay_ms = zmtp_backoff_next(&backoff);
        assert_in_range(delay_ms, 4, 8);
        seen[delay_ms]++;
    }
    for (size_t delay_ms = 4; delay_ms <= 8; delay_ms++) {
        assert_in_range(seen[delay_ms], 800, 1200); // 1000 each, give or take
    }
}

static void test_a_thousand_clients_with_near_seeds_do_not_come_back_together(void **state)
{
    (void)state;
    unsigned tenths[10] = {0};
    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct zmtp_backoff backoff;
        zmtp_backoff_init(&backoff, 20000, 20000, seed);
        const uint32_t delay_ms = zmtp_backoff_next(&backoff);
        tenths[delay_ms == 20000 ? 9 : (delay_ms - 10000) / 1000]++;
    }
    for (size_t i = 0; i < 10; i++) {
        assert_in_range(tenths[i], 60, 140);
    }
}

static void test_one_seed_gives_one_sequence(void **state)
{
    (void)state;
    struct zmtp_backoff a, b;
    zmtp_backoff_init(&a, 100, 30000, 42);
    zmtp_backoff_init(&b, 100, 30000, 42);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(zmtp_backoff_next(&a), zmtp_backoff_next(&b));
    }
}

static void test_odd_limits_are_mended(void **state)
{
    (void)state;
    struct zmtp_backoff backoff;
    zmtp_backoff_init(&backoff, 0, 0, 0); // never a delay of zero for ever
    for (int i = 0; i < 10; i++) {
        assert_int_equal(zmtp_backoff_next(&backoff), 1);
    }
    zmtp_backoff_init(&backoff, 500, 100, 0); // a cap below the least delay
    for (int i = 0; i < 10; i++) {
        assert_in_range(zmtp_backoff_next(&backoff), 250, 500);
    }
    zmtp_backoff_init(&backoff, UINT32_MAX, UINT32_MAX, 0); // no overflow
    for (int i = 0; i < 10; i++) {
        assert_in_range(zmtp_backoff_next(&backoff), UINT32_MAX / 2, UINT32_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delays_double_from_the_least_to_the_most_and_stay_there),
        cmocka_unit_test(test_a_reset_begins_again_with_the_least_delay),
        cmocka_unit_test(test_jitter_reaches_all_of_the_upper_half_and_nothing_else),
        cmocka_unit_test(test_a_thousand_clients_with_near_seeds_do_not_come_back_together),
        cmocka_unit_test(test_one_seed_gives_one_sequence),
        cmocka_unit_test(test_odd_limits_are_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
