// The events that were published last, as they went out, for subscribers that missed some. Bounded: the
// oldest go first.
#ifndef GARDEN_CORE_HISTORY_H
#define GARDEN_CORE_HISTORY_H

#include "../value.h"

struct garden__past {
    struct garden__past *next; // of the next number
    uint64_t seq;
    size_t size;
    uint8_t octets[];
};

struct garden__history {
    const struct zmtp_allocator *allocator;
    struct garden__past *oldest, *youngest;
    size_t count, bytes, count_max, bytes_max;
};

void garden__history_init(struct garden__history *history, const struct zmtp_allocator *allocator,
                          size_t count_max, size_t bytes_max);
void garden__history_fini(struct garden__history *history);
// Copies |octets|. Numbers follow each other: what is too large, or finds no memory, empties the history,
// which then has no hole.
void garden__history_add(struct garden__history *history, uint64_t seq, struct zmtp_bytes octets);
// The oldest that is not below |seq|; null: none.
const struct garden__past *garden__history_from(const struct garden__history *history,
                                                uint64_t seq);

#endif
