#include "octets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void octets_assert_equal(struct zmtp_bytes actual, struct zmtp_bytes expected)
{
    assert_int_equal(actual.size, expected.size);
    if (expected.size > 0) assert_memory_equal(actual.data, expected.data, expected.size);
}

struct zmtp_bytes octets_prefix(struct zmtp_bytes in, size_t size)
{
    assert_true(size <= in.size);
    uint8_t *const copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    if (size > 0) memcpy(copy, in.data, size);
    return (struct zmtp_bytes){copy, size};
}

void octets_drop(struct zmtp_bytes copy)
{
    free((void *)(uintptr_t)copy.data); // the view is const, the block is ours
}

size_t octets_verdict(struct zmtp_bytes in, int (*decode)(struct zmtp_bytes in), int *result)
{
    size_t first = SIZE_MAX;
    *result = 0;
    for (size_t size = 0; size <= in.size; size++) {
        const struct zmtp_bytes prefix = octets_prefix(in, size);
        const int said = decode(prefix);
        octets_drop(prefix);
        if (first != SIZE_MAX) assert_int_equal(said, *result);
        if (said > 0) assert_true((size_t)said <= size);
        if (said != 0 && first == SIZE_MAX) first = size;
        *result = said;
    }
    return first;
}
