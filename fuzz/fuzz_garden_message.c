// The garden's messages: any octets are read, and what was read is written in all four forms and read
// back as the same message. Peeking agrees with reading, and the memory's balance is zero.
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "garden/wire.h"

static void fuzz_check(bool good)
{
    if (!good) abort();
}

static void fuzz_encode(const struct garden_message *message, struct garden_form form,
                        const struct zmtp_allocator *allocator, struct garden_buffer *out)
{
    garden_buffer_init(out, allocator, 4 * GARDEN_OCTETS_MAX); // escapes make JSON longer
    struct garden_fault fault;
    const int error = garden_message_encode(message, form, out, &fault);
    // The external dialect is one list deeper than the tagged one.
    fuzz_check(error == GARDEN_OK || error == GARDEN_ERR_LIMIT);
    fuzz_check(fault.code == error);
}

static void fuzz_through(const struct garden_message *message, struct garden_form form,
                         const struct zmtp_allocator *allocator)
{
    struct garden_buffer first, second;
    fuzz_encode(message, form, allocator, &first);
    if (first.size && first.size <= GARDEN_OCTETS_MAX) {
        struct garden_message again;
        struct garden_form seen = form;
        const int error =
            garden_message_decode(&again, garden_buffer_bytes(&first), allocator, &seen, NULL);
        fuzz_check(error == GARDEN_OK);
        fuzz_check(seen.encoding == form.encoding && seen.dialect == form.dialect);
        fuzz_encode(&again, form, allocator, &second);
        fuzz_check(zmtp_bytes_equal(garden_buffer_bytes(&first), garden_buffer_bytes(&second)));
        garden_buffer_fini(&second);
        garden_message_fini(&again);
    }
    garden_buffer_fini(&first);
}

static void fuzz_peek(struct zmtp_bytes in, const struct garden_message *message,
                      const struct zmtp_allocator *allocator)
{
    struct garden_message peeked;
    struct garden_form form = {GARDEN_MSGPACK, GARDEN_EXTERNAL};
    const int error = garden_envelope_peek(&peeked, in, allocator, &form);
    if (message) {
        fuzz_check(error == GARDEN_OK);
        fuzz_check(garden_uuid_equal(peeked.header.msg_id, message->header.msg_id));
        fuzz_check(peeked.family == message->family);
    }
    if (!error) garden_message_fini(&peeked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, zmtp_heap());
    const struct zmtp_bytes in = {data, size};
    struct garden_message message;
    struct garden_form form = {GARDEN_MSGPACK, GARDEN_EXTERNAL};
    struct garden_fault fault;
    const int error = garden_message_decode(&message, in, &budget.allocator, &form, &fault);
    fuzz_check(fault.code == error && fault.offset <= size);
    fuzz_peek(in, error ? NULL : &message, &budget.allocator);
    if (!error) {
        char line[256];
        fuzz_check(garden_message_print(&message, line, sizeof line) == strlen(line));
        for (int i = 0; i < 4; i++) {
            const struct garden_form each = {i & 1 ? GARDEN_JSON : GARDEN_MSGPACK,
                                             i & 2 ? GARDEN_TAGGED : GARDEN_EXTERNAL};
            fuzz_through(&message, each, &budget.allocator);
        }
        garden_message_fini(&message);
    }
    fuzz_check(budget.bytes == 0 && budget.blocks == 0);
    return 0;
}
