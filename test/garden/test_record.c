#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../garden/core/record.h"

static struct zmtp_budget budget;

static struct garden_uuid id_of(uint8_t number)
{
    return (struct garden_uuid){{[15] = number}};
}

static struct garden__record fresh(size_t count_max, size_t bytes_max)
{
    struct garden__record record;
    zmtp_budget_init(&budget, NULL);
    garden__record_init(&record, &budget.allocator, count_max, bytes_max);
    return record;
}

static void release(struct garden__record *record)
{
    garden__record_fini(record);
    assert_int_equal(budget.blocks, 0);
    assert_int_equal(budget.bytes, 0);
}

static void add(struct garden__record *record, uint8_t number, const char *text)
{
    garden__record_add(record, GARDEN_LANE_SHELL, id_of(number), zmtp_bytes_text(text));
    assert_true(record->count <= record->count_max);
    assert_true(record->bytes <= record->bytes_max);
}

static bool has(const struct garden__record *record, uint8_t number, const char *text)
{
    return zmtp_bytes_equal(garden__record_find(record, GARDEN_LANE_SHELL, id_of(number)),
                            zmtp_bytes_text(text));
}

static void test_an_answer_is_found_by_its_msg_id(void **state)
{
    (void)state;
    struct garden__record record = fresh(10, 100);
    add(&record, 1, "one");
    add(&record, 2, "two");
    assert_true(has(&record, 1, "one"));
    assert_true(has(&record, 2, "two"));
    assert_true(has(&record, 3, ""));
    release(&record);
}

static void test_an_answer_of_another_lane_is_none(void **state)
{
    (void)state;
    struct garden__record record = fresh(10, 100);
    add(&record, 1, "shell");
    assert_int_equal(garden__record_find(&record, GARDEN_LANE_CONTROL, id_of(1)).size, 0);
    garden__record_add(&record, GARDEN_LANE_CONTROL, id_of(1), zmtp_bytes_text("control"));
    assert_true(has(&record, 1, "shell"));
    assert_true(zmtp_bytes_equal(garden__record_find(&record, GARDEN_LANE_CONTROL, id_of(1)),
                                 zmtp_bytes_text("control")));
    release(&record);
}

static void test_the_oldest_answers_make_room_for_one_too_many(void **state)
{
    (void)state;
    struct garden__record record = fresh(2, 100);
    add(&record, 1, "one");
    add(&record, 2, "two");
    add(&record, 3, "three");
    assert_true(has(&record, 1, ""));
    assert_true(has(&record, 2, "two"));
    assert_true(has(&record, 3, "three"));
    assert_int_equal(record.count, 2);
    release(&record);
}

static void test_the_oldest_answers_make_room_for_octets(void **state)
{
    (void)state;
    struct garden__record record = fresh(10, 10);
    add(&record, 1, "aaaa");
    add(&record, 2, "bbbb");
    add(&record, 3, "cc");
    assert_int_equal(record.bytes, 10);
    assert_true(has(&record, 1, "aaaa"));
    add(&record, 4, "ddddd"); // the first two go
    assert_true(has(&record, 1, ""));
    assert_true(has(&record, 2, ""));
    assert_true(has(&record, 3, "cc"));
    assert_true(has(&record, 4, "ddddd"));
    add(&record, 5, "eeeeeeeeee"); // all of it
    assert_int_equal(record.count, 1);
    assert_true(has(&record, 5, "eeeeeeeeee"));
    release(&record);
}

static void test_an_answer_larger_than_the_record_costs_no_other(void **state)
{
    (void)state;
    struct garden__record record = fresh(10, 10);
    add(&record, 1, "one");
    add(&record, 2, "eleven ....");
    assert_true(has(&record, 1, "one"));
    assert_true(has(&record, 2, ""));
    release(&record);
}

static void test_a_record_of_nothing_keeps_nothing(void **state)
{
    (void)state;
    struct garden__record none = fresh(0, 100);
    add(&none, 1, "one");
    assert_true(has(&none, 1, ""));
    release(&none);
    struct garden__record narrow = fresh(10, 0);
    add(&narrow, 1, "one");
    assert_true(has(&narrow, 1, ""));
    release(&narrow);
}

static void test_without_memory_an_answer_is_not_kept_and_others_stay(void **state)
{
    (void)state;
    struct garden__record record = fresh(2, 100);
    add(&record, 1, "one");
    add(&record, 2, "two");
    budget.fail_at = budget.calls + 1;
    add(&record, 3, "three");
    assert_true(has(&record, 1, "one"));
    assert_true(has(&record, 2, "two"));
    assert_true(has(&record, 3, ""));
    add(&record, 4, "four");
    assert_true(has(&record, 4, "four"));
    release(&record);
}

static void test_a_record_that_turns_over_many_times_stays_within_its_limits(void **state)
{
    (void)state;
    struct garden__record record = fresh(3, 20);
    static const char text[] = "0123456789";
    for (unsigned i = 0; i < 1000; i++) {
        const struct garden_uuid id = {{(uint8_t)i, (uint8_t)(i >> 8)}};
        const struct zmtp_bytes octets = zmtp_bytes_of(text, i % 10 + 1);
        garden__record_add(&record, GARDEN_LANE_SHELL, id, octets);
        assert_true(record.count <= 3 && record.bytes <= 20);
        assert_true(zmtp_bytes_equal(garden__record_find(&record, GARDEN_LANE_SHELL, id), octets));
    }
    release(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_is_found_by_its_msg_id),
        cmocka_unit_test(test_an_answer_of_another_lane_is_none),
        cmocka_unit_test(test_the_oldest_answers_make_room_for_one_too_many),
        cmocka_unit_test(test_the_oldest_answers_make_room_for_octets),
        cmocka_unit_test(test_an_answer_larger_than_the_record_costs_no_other),
        cmocka_unit_test(test_a_record_of_nothing_keeps_nothing),
        cmocka_unit_test(test_without_memory_an_answer_is_not_kept_and_others_stay),
        cmocka_unit_test(test_a_record_that_turns_over_many_times_stays_within_its_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
