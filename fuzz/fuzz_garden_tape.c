// A tape's records: what is read encodes back to the same octets; a prefix says the same or less.
#include <string.h>

#include "check.h"
#include "fuzz.h"

#include "garden/tape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zmtp_budget budget;
    struct garden_buffer again;
    zmtp_budget_init(&budget, zmtp_heap());
    garden_buffer_init(&again, &budget.allocator, 0);
    size_t at = 0;
    while (at < size) {
        struct garden_tape_record record, part;
        const struct zmtp_bytes in = {data + at, size - at};
        const int64_t taken = garden_tape_decode(in, &record);
        if (taken <= 0) break;
        fuzz_check((uint64_t)taken == record.body.size + GARDEN_TAPE_FRAME_SIZE);
        fuzz_check(garden_tape_decode(zmtp_bytes_of(in.data, (size_t)taken), &part) == taken);
        fuzz_check(garden_tape_decode(zmtp_bytes_of(in.data, (size_t)taken - 1), &part) == 0);
        garden_buffer_clear(&again);
        fuzz_check(garden_tape_encode(&record, &again) == GARDEN_OK);
        fuzz_check(again.size == (size_t)taken && memcmp(again.data, in.data, again.size) == 0);
        at += (size_t)taken;
    }
    garden_buffer_fini(&again);
    fuzz_check(budget.bytes == 0 && budget.blocks == 0);
    return 0;
}
