// A set of hashes that were met.
#include "../../garden/tools/hashes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct garden_hash hash_of(uint32_t number)
{
    return garden_hash_of(zmtp_bytes_of(&number, sizeof number));
}

static void test_each_of_many_hashes_is_new_once(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    struct hashes hashes = {.places = NULL};
    for (uint32_t i = 0; i < MANY; i++) {
        const struct garden_hash hash = hash_of(i), before = hash_of(i / 2);
        assert_int_equal(hashes_add(&hashes, &hash), 1);
        assert_int_equal(hashes_add(&hashes, &hash), 0);
        assert_int_equal(hashes_add(&hashes, &before), 0);
    }
    assert_int_equal(hashes.count, MANY);
    hashes_fini(&hashes);
}

static void test_hashes_that_want_one_place_are_told_apart(void **state)
{
    (void)state;
    struct hashes hashes = {.places = NULL};
    for (int round = 1; round >= 0; round--)
        for (uint8_t i = 0; i < 200; i++) {
            struct garden_hash hash = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
            hash.octets[GARDEN_HASH_SIZE - 1] = i;
            assert_int_equal(hashes_add(&hashes, &hash), round);
        }
    const struct garden_hash zeros = {{0}};
    assert_int_equal(hashes_add(&hashes, &zeros), 0);
    hashes_fini(&hashes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_of_many_hashes_is_new_once),
        cmocka_unit_test(test_hashes_that_want_one_place_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
