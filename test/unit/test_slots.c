// Slots of topics, and who owns them.
#include "zmtp/socket/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/octets.h"
#include "test/support/random.h"

static void test_a_topic_of_any_size_is_kept_as_it_is(void **state)
{
    (void)state;
    enum { SIZES = 80 };
    uint8_t octets[SIZES];
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct zmtp__slots slots;
    struct zmtp__slot_owner owner = {.full = 0};
    uint32_t kept[SIZES];
    zmtp__slots_init(&slots, &budget.allocator);
    for (size_t i = 0; i < SIZES; i++)
        octets[i] = (uint8_t)('0' + i);
    for (size_t size = 0; size < SIZES; size++)
        assert_int_equal(
            zmtp__slots_keep(&slots, &owner, (struct zmtp_bytes){octets, size}, &kept[size]),
            ZMTP_OK);
    for (size_t size = 0; size < SIZES; size++) {
        octets_assert_equal(zmtp__slots_topic(&slots, kept[size]),
                            ((struct zmtp_bytes){octets, size}));
        assert_ptr_equal(zmtp__slots_owner(&slots, kept[size]), &owner);
        for (size_t other = 0; other < SIZES; other++)
            assert_true(
                zmtp__slots_topic_is(&slots, kept[size], (struct zmtp_bytes){octets, other}) ==
                (other == size));
        if (size == 0) continue;
        octets[size - 1] ^= 1;
        assert_false(zmtp__slots_topic_is(&slots, kept[size], (struct zmtp_bytes){octets, size}));
        octets[size - 1] ^= 1;
    }
    for (size_t size = 0; size < SIZES; size++)
        zmtp__slots_drop(&slots, kept[size]);
    assert_int_equal(budget.bytes, 0);
    zmtp__slots_fini(&slots);
}

static void test_all_that_an_owner_has_is_found_and_nobody_elses(void **state)
{
    (void)state;
    enum { OWNERS = 3, EACH = 100 };
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct zmtp__slots slots;
    struct zmtp__slot_owner owners[OWNERS] = {{.first = {0}}};
    zmtp__slots_init(&slots, &budget.allocator);
    for (size_t i = 0; i < OWNERS * EACH; i++) {
        uint32_t slot;
        const struct zmtp_bytes topic = {(const uint8_t *)"a topic of some size", i % 21};
        if (i % 4 == 3)
            assert_int_equal(zmtp__slots_link(&slots, &owners[i % OWNERS], &slot), ZMTP_OK);
        else
            assert_int_equal(zmtp__slots_keep(&slots, &owners[i % OWNERS], topic, &slot), ZMTP_OK);
    }
    for (size_t i = 0; i < OWNERS; i++) {
        bool is_link;
        uint32_t slot;
        size_t count = 0;
        for (; zmtp__slots_any(&slots, &owners[i], &is_link, &slot); count++) {
            assert_ptr_equal(zmtp__slots_owner(&slots, slot), &owners[i]);
            zmtp__slots_drop(&slots, slot);
        }
        assert_int_equal(count, EACH);
    }
    assert_int_equal(budget.bytes, 0);
    zmtp__slots_fini(&slots);
}

// Numbers come and go at random; no two that are in use are equal, and what one has stays.
static void test_numbers_are_used_again_and_never_twice(void **state)
{
    (void)state;
    enum { MOST = 200 };
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct random random = random_of(11);
    struct zmtp__slots slots;
    struct zmtp__slot_owner owner = {.full = 0};
    struct {
        uint32_t slot, number;
        size_t size;
    } held[MOST];
    size_t count = 0, most = 0;
    zmtp__slots_init(&slots, &budget.allocator);
    for (uint32_t step = 0; step < 20000; step++) {
        uint8_t octets[12] = {0};
        if (count < MOST && random_below(&random, 2)) {
            memcpy(octets, &step, sizeof step);
            held[count].size = 4 + random_below(&random, 9);
            held[count].number = step;
            budget.fail_at = random_below(&random, 4) ? 0 : budget.calls + 1;
            const int result = zmtp__slots_keep(
                &slots, &owner, (struct zmtp_bytes){octets, held[count].size}, &held[count].slot);
            assert_true(result == ZMTP_OK || result == ZMTP_ERR_MEMORY);
            if (result < 0) continue;
            for (size_t i = 0; i < count; i++)
                assert_int_not_equal(held[i].slot, held[count].slot);
            count++;
        } else if (count > 0) {
            const size_t gone = random_below(&random, count);
            memcpy(octets, &held[gone].number, sizeof held[gone].number);
            octets_assert_equal(zmtp__slots_topic(&slots, held[gone].slot),
                                ((struct zmtp_bytes){octets, held[gone].size}));
            zmtp__slots_drop(&slots, held[gone].slot);
            held[gone] = held[--count];
        }
        if (count > most) most = count;
    }
    assert_true(budget.bytes_peak <= 2 * most * (4 + 12));
    while (count > 0)
        zmtp__slots_drop(&slots, held[--count].slot);
    assert_int_equal(budget.bytes, 0);
    zmtp__slots_fini(&slots);
}

static void test_a_short_topic_takes_itself_and_two_octets_where_there_are_many(void **state)
{
    (void)state;
    enum { COUNT = 4096 };
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct zmtp__slots slots;
    for (size_t size = 4; size <= 16; size++) {
        struct zmtp__slot_owner owner = {.full = 0};
        bool is_link;
        uint32_t slot;
        zmtp__slots_init(&slots, &budget.allocator);
        for (uint32_t i = 0; i < COUNT; i++)
            assert_int_equal(
                zmtp__slots_keep(&slots, &owner,
                                 (struct zmtp_bytes){(const uint8_t *)"0123456789abcdef", size},
                                 &slot),
                ZMTP_OK);
        assert_true(budget.bytes <= COUNT * (size + 2));
        while (zmtp__slots_any(&slots, &owner, &is_link, &slot))
            zmtp__slots_drop(&slots, slot);
        assert_int_equal(budget.bytes, 0);
        zmtp__slots_fini(&slots);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_topic_of_any_size_is_kept_as_it_is),
        cmocka_unit_test(test_all_that_an_owner_has_is_found_and_nobody_elses),
        cmocka_unit_test(test_numbers_are_used_again_and_never_twice),
        cmocka_unit_test(test_a_short_topic_takes_itself_and_two_octets_where_there_are_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
