// What the targets of pure parsers share: a check that is never compiled out, and prefixes.
#ifndef FUZZ_CHECK_H
#define FUZZ_CHECK_H

#include <stdlib.h>
#include <string.h>

#include "zmtp/base.h"

// A finding. A trap, so that it is one in every build and needs no library.
static inline void fuzz_check(bool holds)
{
    if (!holds) __builtin_trap();
}

static inline void fuzz_check_equal(struct zmtp_bytes a, struct zmtp_bytes b)
{
    fuzz_check(zmtp_bytes_equal(a, b));
}

// Is |view| a part of |whole|?
static inline bool fuzz_is_within(struct zmtp_bytes view, struct zmtp_bytes whole)
{
    if (view.size == 0) return true;
    return view.data >= whole.data && view.size <= whole.size &&
           (size_t)(view.data - whole.data) <= whole.size - view.size;
}

// Gives |decode| each prefix of |in|, moved to the very end of a heap block, where a sanitizer sees an
// overrun. A decoder is monotone: it says 0, then one result for good, and never claims more than there
// is. Returns the last result.
static inline int fuzz_prefixes(struct zmtp_bytes in, int (*decode)(struct zmtp_bytes in))
{
    uint8_t *const block = malloc(in.size > 0 ? in.size : 1);
    fuzz_check(block != NULL);
    int verdict = 0;
    for (size_t size = 0; size <= in.size; size++) {
        uint8_t *const prefix = block + in.size - size;
        if (size > 0) memcpy(prefix, in.data, size);
        const int said = decode(zmtp_bytes_of(prefix, size));
        fuzz_check(verdict == 0 || said == verdict);
        fuzz_check(said <= 0 || (size_t)said <= size);
        verdict = said;
    }
    free(block);
    return verdict;
}

#endif
