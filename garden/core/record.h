// Answers that were given, by lane and msg_id, so that a request that comes again is answered again
// and not executed again. Bounded: the oldest go first.
#ifndef GARDEN_CORE_RECORD_H
#define GARDEN_CORE_RECORD_H

#include "../lanes.h"

struct garden__answered {
    struct garden__answered *next; // younger
    enum garden_lane lane;
    struct garden_uuid msg_id;
    size_t size;
    uint8_t octets[];
};

struct garden__record {
    const struct zmtp_allocator *allocator;
    struct garden__answered *oldest, *youngest;
    size_t count, bytes, count_max, bytes_max;
};

void garden__record_init(struct garden__record *record, const struct zmtp_allocator *allocator,
                         size_t count_max, size_t bytes_max);
void garden__record_fini(struct garden__record *record);
// Copies |octets|; what does not fit at all, or finds no memory, is not kept.
void garden__record_add(struct garden__record *record, enum garden_lane lane,
                        struct garden_uuid msg_id, struct zmtp_bytes octets);
// Valid until the next add; empty when nothing is known.
struct zmtp_bytes garden__record_find(const struct garden__record *record, enum garden_lane lane,
                                      struct garden_uuid msg_id);

#endif
