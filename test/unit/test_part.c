// Parts: small bodies inside the struct, larger ones in slabs, and the user's own memory.
#include "test/support/octets.h"
#include "zmtp/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static uint8_t body[200];

static int set_up(void **state)
{
    static struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i ^ 0x5a);
    *state = &budget;
    return 0;
}

static int tear_down(void **state)
{
    struct zmtp_budget *budget = *state;
    assert_int_equal(budget->bytes, 0);
    assert_int_equal(budget->blocks, 0);
    return 0;
}

static void test_a_body_of_48_octets_needs_no_memory_and_one_of_49_does(void **state)
{
    struct zmtp_budget *budget = *state;
    static const size_t sizes[] = {0, 1, 47, 48, 49, 200};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct zmtp_part part = {0};
        const struct zmtp_bytes octets = {body, sizes[i]};
        assert_int_equal(zmtp_part_copy(&part, octets, &budget->allocator), ZMTP_OK);
        assert_int_equal(budget->blocks, sizes[i] > 48);
        octets_assert_equal(zmtp_part_bytes(&part), octets);
        zmtp_part_fini(&part);
        assert_int_equal(zmtp_part_bytes(&part).size, 0);
        zmtp_part_fini(&part);
    }
}

static void test_an_empty_view_may_be_null(void **state)
{
    struct zmtp_budget *budget = *state;
    struct zmtp_part part = {0};
    assert_int_equal(zmtp_part_copy(&part, (struct zmtp_bytes){0}, &budget->allocator), ZMTP_OK);
    assert_int_equal(part.size, 0);
}

static void test_reserved_room_becomes_the_body(void **state)
{
    struct zmtp_budget *budget = *state;
    static const size_t sizes[] = {5, 48, 49, 200};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct zmtp_part part = {0};
        uint8_t *room = NULL;
        assert_int_equal(zmtp_part_reserve(&part, sizes[i], &room, &budget->allocator), ZMTP_OK);
        memcpy(room, body, sizes[i]);
        octets_assert_equal(zmtp_part_bytes(&part), (struct zmtp_bytes){body, sizes[i]});
        zmtp_part_fini(&part);
    }
}

static void test_without_memory_the_part_holds_nothing(void **state)
{
    struct zmtp_budget *budget = *state;
    struct zmtp_part part = {0};
    uint8_t *room = NULL;
    budget->fail_at = 1;
    budget->fail_on = true;
    const struct zmtp_bytes octets = {body, 49};
    assert_int_equal(zmtp_part_copy(&part, octets, &budget->allocator), ZMTP_ERR_MEMORY);
    assert_int_equal(zmtp_part_reserve(&part, 49, &room, &budget->allocator), ZMTP_ERR_MEMORY);
    assert_int_equal(zmtp_part_reserve(&part, SIZE_MAX, &room, &budget->allocator),
                     ZMTP_ERR_MEMORY);
    assert_null(part.slab);
    assert_int_equal(part.size, 0);
    zmtp_part_fini(&part);
}

static void count_release(void *data, void *hint)
{
    assert_ptr_equal(data, body);
    ++*(int *)hint;
}

static void test_wrapped_memory_is_released_once_by_its_last_user(void **state)
{
    struct zmtp_budget *budget = *state;
    static const size_t sizes[] = {0, 10, 200};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int released = 0;
        struct zmtp_part part = {0}, other = {0};
        assert_int_equal(
            zmtp_part_wrap(&part, body, sizes[i], count_release, &released, &budget->allocator),
            ZMTP_OK);
        assert_ptr_equal(zmtp_part_bytes(&part).data, body);
        assert_int_equal(part.size, sizes[i]);
        zmtp_part_share(&other, &part);
        zmtp_part_fini(&part);
        zmtp_part_fini(&part);
        assert_int_equal(released, 0);
        assert_ptr_equal(zmtp_part_bytes(&other).data, body);
        zmtp_part_fini(&other);
        assert_int_equal(released, 1);
    }
}

static void test_memory_that_cannot_be_wrapped_stays_the_callers(void **state)
{
    struct zmtp_budget *budget = *state;
    int released = 0;
    struct zmtp_part part = {0};
    assert_int_equal(zmtp_part_wrap(&part, body, 1, NULL, NULL, &budget->allocator),
                     ZMTP_ERR_ARGUMENT);
    budget->fail_at = 1;
    assert_int_equal(zmtp_part_wrap(&part, body, 1, count_release, &released, &budget->allocator),
                     ZMTP_ERR_MEMORY);
    assert_null(part.slab);
    zmtp_part_fini(&part);
    assert_int_equal(released, 0);
}

static void test_a_shared_part_outlives_the_one_it_came_from(void **state)
{
    struct zmtp_budget *budget = *state;
    static const size_t sizes[] = {0, 48, 49, 200};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct zmtp_part part = {0}, other = {0};
        const struct zmtp_bytes octets = {body, sizes[i]};
        assert_int_equal(zmtp_part_copy(&part, octets, &budget->allocator), ZMTP_OK);
        const uint64_t calls = budget->calls;
        zmtp_part_share(&other, &part);
        assert_true(budget->calls == calls);
        zmtp_part_fini(&part);
        octets_assert_equal(zmtp_part_bytes(&other), octets);
        zmtp_part_fini(&other);
    }
}

#define PART_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PART_TEST(test_a_body_of_48_octets_needs_no_memory_and_one_of_49_does),
        PART_TEST(test_an_empty_view_may_be_null),
        PART_TEST(test_reserved_room_becomes_the_body),
        PART_TEST(test_without_memory_the_part_holds_nothing),
        PART_TEST(test_wrapped_memory_is_released_once_by_its_last_user),
        PART_TEST(test_memory_that_cannot_be_wrapped_stays_the_callers),
        PART_TEST(test_a_shared_part_outlives_the_one_it_came_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
