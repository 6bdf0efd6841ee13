// Copies of few octets, and their comparison, of each size.
#include "zmtp/base/copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_all_octets_are_copied_and_none_beside_them(void **state)
{
    (void)state;
    enum { EDGE = 32 };
    uint8_t from[ZMTP__COPY_FEW + 1], to[EDGE + ZMTP__COPY_FEW + EDGE];
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (uint8_t)(i + 1);
    for (size_t size = 0; size <= ZMTP__COPY_FEW; size++) {
        memset(to, 0xEE, sizeof to);
        zmtp__copy_few(to + EDGE, from, size);
        assert_memory_equal(to + EDGE, from, size);
        for (size_t i = 0; i < EDGE; i++)
            assert_int_equal(to[i], 0xEE);
        for (size_t i = EDGE + size; i < sizeof to; i++)
            assert_int_equal(to[i], 0xEE);
    }
}

static void test_each_octet_makes_a_difference_and_none_beside_them(void **state)
{
    (void)state;
    uint8_t a[ZMTP__COPY_FEW + 1], b[sizeof a];
    for (size_t i = 0; i < sizeof a; i++)
        a[i] = b[i] = (uint8_t)(i + 1);
    for (size_t size = 0; size < sizeof a; size++) {
        b[size] ^= 1;
        assert_true(zmtp__same_few(a, b, size));
        b[size] ^= 1;
        for (size_t i = 0; i < size; i++) {
            b[i] ^= 1;
            assert_false(zmtp__same_few(a, b, size));
            b[i] ^= 1;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_octets_are_copied_and_none_beside_them),
        cmocka_unit_test(test_each_octet_makes_a_difference_and_none_beside_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
