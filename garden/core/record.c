#include "record.h"

#include <string.h>

void garden__record_init(struct garden__record *record, const struct zmtp_allocator *allocator,
                         size_t count_max, size_t bytes_max)
{
    *record = (struct garden__record){.allocator = allocator ? allocator : zmtp_heap(),
                                      .count_max = count_max,
                                      .bytes_max = bytes_max};
}

static void record_drop_oldest(struct garden__record *record)
{
    struct garden__answered *oldest = record->oldest;
    record->oldest = oldest->next;
    if (!record->oldest) record->youngest = NULL;
    record->count--;
    record->bytes -= oldest->size;
    zmtp_free(record->allocator, oldest, sizeof *oldest + oldest->size);
}

void garden__record_fini(struct garden__record *record)
{
    while (record->oldest)
        record_drop_oldest(record);
}

void garden__record_add(struct garden__record *record, enum garden_lane lane,
                        struct garden_uuid msg_id, struct zmtp_bytes octets)
{
    if (record->count_max == 0 || octets.size > record->bytes_max) return;
    struct garden__answered *answered =
        zmtp_alloc(record->allocator, sizeof *answered + octets.size);
    if (!answered) return;
    *answered = (struct garden__answered){.lane = lane, .msg_id = msg_id, .size = octets.size};
    if (octets.size > 0) memcpy(answered->octets, octets.data, octets.size);
    while (record->count == record->count_max || record->bytes > record->bytes_max - octets.size)
        record_drop_oldest(record);
    if (record->youngest)
        record->youngest->next = answered;
    else
        record->oldest = answered;
    record->youngest = answered;
    record->count++;
    record->bytes += octets.size;
}

struct zmtp_bytes garden__record_find(const struct garden__record *record, enum garden_lane lane,
                                      struct garden_uuid msg_id)
{
    for (const struct garden__answered *at = record->oldest; at; at = at->next)
        if (at->lane == lane && garden_uuid_equal(at->msg_id, msg_id))
            return zmtp_bytes_of(at->octets, at->size);
    return (struct zmtp_bytes){0};
}
