#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../garden/core/liveness.h"

enum { INTERVAL = 1000, MISSED = 3, START = 5000 };

static struct garden__liveness fresh(void)
{
    struct garden__liveness liveness;
    garden__liveness_init(&liveness, INTERVAL, MISSED, START);
    return liveness;
}

// A ping that goes out when it is due, and its answer |took| later.
static void answered(struct garden__liveness *liveness, uint64_t took)
{
    const uint64_t now = liveness->next_ms;
    assert_true(garden__liveness_tick(liveness, now));
    garden__liveness_pong(liveness, liveness->ping, now + took);
    assert_int_equal(liveness->life, GARDEN__LIFE_ALIVE);
}

static void missed(struct garden__liveness *liveness)
{
    assert_true(garden__liveness_tick(liveness, liveness->next_ms));
}

static void test_the_first_ping_is_due_at_once_and_the_next_after_the_interval(void **state)
{
    (void)state;
    struct garden__liveness liveness = fresh();
    assert_int_equal(liveness.life, GARDEN__LIFE_UNKNOWN);
    assert_int_equal(liveness.round_trip_ms, UINT32_MAX);
    assert_int_equal(liveness.next_ms, START);
    assert_false(garden__liveness_tick(&liveness, START - 1));
    assert_true(garden__liveness_tick(&liveness, START));
    assert_int_equal(liveness.next_ms, START + INTERVAL);
    assert_false(garden__liveness_tick(&liveness, START + INTERVAL - 1));
    assert_true(garden__liveness_tick(&liveness, START + INTERVAL));
}

static void test_an_answer_makes_alive_and_tells_the_round_trip(void **state)
{
    (void)state;
    struct garden__liveness liveness = fresh();
    answered(&liveness, 7);
    assert_int_equal(liveness.round_trip_ms, 7);
    answered(&liveness, 0);
    assert_int_equal(liveness.round_trip_ms, 0);
    answered(&liveness, UINT64_C(1) << 40); // UINT32_MAX means that there is none
    assert_int_equal(liveness.round_trip_ms, UINT32_MAX - 1);
}

static void test_exactly_three_missed_pings_in_a_row_are_death(void **state)
{
    (void)state;
    struct garden__liveness liveness = fresh();
    answered(&liveness, 1);
    missed(&liveness); // sent; nothing is missed yet
    for (unsigned i = 1; i < MISSED; i++) {
        missed(&liveness);
        assert_int_equal(liveness.missed, i);
        assert_int_equal(liveness.life, GARDEN__LIFE_ALIVE);
    }
    missed(&liveness);
    assert_int_equal(liveness.life, GARDEN__LIFE_DEAD);
    for (unsigned i = 0; i < 1000; i++)
        missed(&liveness);
    assert_int_equal(liveness.missed, MISSED);
}

static void test_one_answer_between_forgives_what_was_missed(void **state)
{
    (void)state;
    struct garden__liveness liveness = fresh();
    answered(&liveness, 1);
    for (unsigned i = 0; i < 10; i++) {
        missed(&liveness);
        missed(&liveness);
        missed(&liveness);
        assert_int_equal(liveness.missed, 2);
        garden__liveness_pong(&liveness, liveness.ping, liveness.ping_ms + 1);
        assert_int_equal(liveness.missed, 0);
        assert_int_equal(liveness.life, GARDEN__LIFE_ALIVE);
    }
}

static void test_the_dead_come_back_with_one_answer(void **state)
{
    (void)state;
    struct garden__liveness liveness = fresh();
    answered(&liveness, 1);
    for (unsigned i = 0; i < 5; i++)
        missed(&liveness);
    assert_int_equal(liveness.life, GARDEN__LIFE_DEAD);
    answered(&liveness, 1);
}

static void test_who_was_never_heard_of_does_not_die(void **state)
{
    (void)state;
    struct garden__liveness liveness = fresh();
    for (unsigned i = 0; i < 10; i++)
        missed(&liveness);
    assert_int_equal(liveness.life, GARDEN__LIFE_UNKNOWN);
    answered(&liveness, 1);
    missed(&liveness);
    missed(&liveness);
    assert_int_equal(liveness.life, GARDEN__LIFE_ALIVE); // what was missed before does not count
}

static void test_stale_and_repeated_answers_tell_nothing(void **state)
{
    (void)state;
    struct garden__liveness liveness = fresh();
    garden__liveness_pong(&liveness, 0, START); // nothing was asked
    assert_int_equal(liveness.life, GARDEN__LIFE_UNKNOWN);
    missed(&liveness);
    const uint64_t old = liveness.ping;
    missed(&liveness);
    garden__liveness_pong(&liveness, old, liveness.ping_ms);
    garden__liveness_pong(&liveness, liveness.ping + 1, liveness.ping_ms);
    assert_int_equal(liveness.life, GARDEN__LIFE_UNKNOWN);
    assert_int_equal(liveness.missed, 1);
    garden__liveness_pong(&liveness, liveness.ping, liveness.ping_ms + 3);
    garden__liveness_pong(&liveness, liveness.ping, liveness.ping_ms + 900);
    assert_int_equal(liveness.round_trip_ms, 3);
}

static void test_a_hurried_ping_goes_now_unless_one_is_under_way(void **state)
{
    (void)state;
    struct garden__liveness liveness = fresh();
    answered(&liveness, 1);
    garden__liveness_hurry(&liveness, START + 10);
    assert_int_equal(liveness.next_ms, START + 10);
    assert_true(garden__liveness_tick(&liveness, START + 10));
    garden__liveness_hurry(&liveness, START + 11);
    assert_false(garden__liveness_tick(&liveness, START + 11));
    assert_int_equal(liveness.missed, 0); // nor does asking often count against the other side
    garden__liveness_pong(&liveness, liveness.ping, START + 12);
    garden__liveness_hurry(&liveness, START + 2 * INTERVAL); // the next is due before that
    assert_int_equal(liveness.next_ms, START + 10 + INTERVAL);
}

static void test_a_ping_lost_with_its_connection_goes_again_within_its_interval(void **state)
{
    (void)state;
    struct garden__liveness liveness = fresh();
    missed(&liveness);
    const uint64_t lost = liveness.ping;
    assert_true(garden__liveness_renew(&liveness, START + 20));
    assert_true(liveness.ping > lost);
    assert_int_equal(liveness.next_ms, START + INTERVAL);
    assert_int_equal(liveness.missed, 0);
    garden__liveness_pong(&liveness, lost, START + 21);
    assert_int_equal(liveness.life, GARDEN__LIFE_UNKNOWN);
    garden__liveness_pong(&liveness, liveness.ping, START + 24);
    assert_int_equal(liveness.life, GARDEN__LIFE_ALIVE);
    assert_int_equal(liveness.round_trip_ms, 4);
}

static void test_a_new_connection_asks_at_once_when_nothing_is_under_way(void **state)
{
    (void)state;
    struct garden__liveness liveness = fresh();
    answered(&liveness, 1);
    assert_false(garden__liveness_renew(&liveness, START + 20));
    assert_true(garden__liveness_tick(&liveness, START + 20));
}

static void test_connections_that_come_and_go_without_an_answer_are_death(void **state)
{
    (void)state;
    struct garden__liveness liveness = fresh();
    answered(&liveness, 1);
    for (uint64_t now = START; now < START + (MISSED + 2) * INTERVAL; now += INTERVAL / 4) {
        (void)garden__liveness_tick(&liveness, now);
        (void)garden__liveness_renew(&liveness, now);
    }
    assert_int_equal(liveness.life, GARDEN__LIFE_DEAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_ping_is_due_at_once_and_the_next_after_the_interval),
        cmocka_unit_test(test_an_answer_makes_alive_and_tells_the_round_trip),
        cmocka_unit_test(test_exactly_three_missed_pings_in_a_row_are_death),
        cmocka_unit_test(test_one_answer_between_forgives_what_was_missed),
        cmocka_unit_test(test_the_dead_come_back_with_one_answer),
        cmocka_unit_test(test_who_was_never_heard_of_does_not_die),
        cmocka_unit_test(test_stale_and_repeated_answers_tell_nothing),
        cmocka_unit_test(test_a_hurried_ping_goes_now_unless_one_is_under_way),
        cmocka_unit_test(test_a_ping_lost_with_its_connection_goes_again_within_its_interval),
        cmocka_unit_test(test_a_new_connection_asks_at_once_when_nothing_is_under_way),
        cmocka_unit_test(test_connections_that_come_and_go_without_an_answer_are_death),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
