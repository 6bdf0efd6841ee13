// Every kind of message of the table, filled at random from the schema, through every form.
#include "test/support/garden_wire.h"
#include "test/support/octets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { ROUNDS = 12 };

static void check_form(const struct garden_message *message, struct garden_form form)
{
    struct garden_buffer first, second;
    struct garden_fault fault = {.text = ""};
    garden_buffer_init(&first, NULL, 0);
    garden_buffer_init(&second, NULL, 0);
    if (garden_message_encode(message, form, &first, &fault)) fail_msg("%s", fault.text);

    struct garden_message decoded;
    struct garden_form seen = {GARDEN_MSGPACK, form.dialect};
    if (garden_message_decode(&decoded, garden_buffer_bytes(&first), NULL, &seen, &fault)) {
        fail_msg("%s: %s", garden_message_name(message), fault.text);
    }
    assert_int_equal(seen.encoding, form.encoding);
    assert_int_equal(seen.dialect, form.dialect);
    assert_true(wire_messages_equal(message, &decoded));

    assert_int_equal(garden_message_encode(&decoded, form, &second, NULL), GARDEN_OK);
    octets_assert_equal(garden_buffer_bytes(&second), garden_buffer_bytes(&first));
    garden_message_fini(&decoded);
    garden_buffer_fini(&first);
    garden_buffer_fini(&second);
}

// Calls |check| for |rounds| random messages of every kind, in every form.
static void each_message(unsigned rounds, void (*check)(const struct garden_message *message,
                                                        struct garden_form form))
{
    struct random random = random_of(20251211);
    for (unsigned family = 0; family < GARDEN_FAMILY_NONE; family++) {
        const unsigned kinds = wire_kinds((enum garden_family)family);
        for (unsigned kind = 0; kind < kinds; kind++) {
            for (unsigned i = 0; i < rounds; i++) {
                struct garden_arena arena;
                garden_arena_init(&arena, NULL, 0);
                const struct garden_message message =
                    wire_random_message((enum garden_family)family, kind, &random, &arena);
                for (unsigned form = 0; form < WIRE_FORMS; form++)
                    check(&message, wire_forms[form]);
                garden_arena_fini(&arena);
            }
        }
    }
}

static void test_every_kind_of_message_survives_every_form(void **state)
{
    (void)state;
    each_message(ROUNDS, check_form);
}

static void check_failing_memory(const struct garden_message *message, struct garden_form form)
{
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, zmtp_heap());
    int error = GARDEN_ERR_MEMORY;
    for (uint64_t n = 1; error; n++) {
        budget.calls = 0;
        budget.fail_at = n;
        struct garden_buffer buffer;
        garden_buffer_init(&buffer, &budget.allocator, 0);
        error = garden_message_encode(message, form, &buffer, NULL);
        assert_true(error == GARDEN_OK || error == GARDEN_ERR_MEMORY);
        assert_int_equal(error == GARDEN_OK, budget.calls < n);
        if (error) assert_int_equal(buffer.size, 0);
        struct garden_message decoded;
        struct garden_form seen = form;
        if (!error)
            error = garden_message_decode(&decoded, garden_buffer_bytes(&buffer), &budget.allocator,
                                          &seen, NULL);
        assert_true(error == GARDEN_OK || error == GARDEN_ERR_MEMORY);
        assert_int_equal(error == GARDEN_OK, budget.calls < n);
        if (!error) {
            assert_true(wire_messages_equal(message, &decoded));
            garden_message_fini(&decoded);
        }
        garden_buffer_fini(&buffer);
        assert_int_equal(budget.bytes, 0);
        assert_int_equal(budget.blocks, 0);
    }
}

static void test_every_failing_allocation_is_reported_and_leaves_nothing_behind(void **state)
{
    (void)state;
    each_message(1, check_failing_memory);
}

// A header that no decoder has read yet must not make the peek lose memory either.
static void check_failing_peek(const struct garden_message *message, struct garden_form form)
{
    struct garden_buffer buffer;
    garden_buffer_init(&buffer, NULL, 0);
    assert_int_equal(garden_message_encode(message, form, &buffer, NULL), GARDEN_OK);
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, zmtp_heap());
    int error = GARDEN_ERR_MEMORY;
    for (uint64_t n = 1; error; n++) {
        budget.calls = 0;
        budget.fail_at = n;
        struct garden_message peeked;
        struct garden_form seen = form;
        error =
            garden_envelope_peek(&peeked, garden_buffer_bytes(&buffer), &budget.allocator, &seen);
        assert_true(error == GARDEN_OK || error == GARDEN_ERR_MEMORY);
        if (!error) {
            assert_true(garden_uuid_equal(peeked.header.msg_id, message->header.msg_id));
            garden_message_fini(&peeked);
        }
        assert_int_equal(budget.bytes, 0);
    }
    garden_buffer_fini(&buffer);
}

static void test_a_peek_survives_every_failing_allocation(void **state)
{
    (void)state;
    each_message(1, check_failing_peek);
}

// Only the shorter ones: what is cut inside a long text says nothing new.
static void check_prefixes(const struct garden_message *message, struct garden_form form)
{
    struct garden_buffer buffer;
    garden_buffer_init(&buffer, NULL, 0);
    assert_int_equal(garden_message_encode(message, form, &buffer, NULL), GARDEN_OK);
    const size_t step = 1 + buffer.size / 256;
    for (size_t size = 0; size < buffer.size; size += step) {
        const struct zmtp_bytes prefix = octets_prefix(garden_buffer_bytes(&buffer), size);
        struct garden_message decoded;
        struct garden_form seen = form;
        assert_int_equal(garden_message_decode(&decoded, prefix, NULL, &seen, NULL),
                         GARDEN_ERR_FORMAT);
        octets_drop(prefix);
    }
    garden_buffer_fini(&buffer);
}

static void test_no_part_of_a_message_is_taken_for_the_whole(void **state)
{
    (void)state;
    each_message(1, check_prefixes);
}

static void check_flipped_octets(const struct garden_message *message, struct garden_form form)
{
    static struct random random = {7};
    struct garden_buffer buffer;
    garden_buffer_init(&buffer, NULL, 0);
    assert_int_equal(garden_message_encode(message, form, &buffer, NULL), GARDEN_OK);
    for (unsigned i = 0; i < 40; i++) {
        struct zmtp_bytes bytes = octets_prefix(garden_buffer_bytes(&buffer), buffer.size);
        uint8_t *octet = (uint8_t *)(uintptr_t)bytes.data + random_below(&random, bytes.size);
        *octet = (uint8_t)(*octet ^ 1u << random_below(&random, 8));
        struct garden_message decoded;
        struct garden_form seen = form;
        if (garden_message_decode(&decoded, bytes, NULL, &seen, NULL) == GARDEN_OK) {
            struct garden_buffer again;
            garden_buffer_init(&again, NULL, 0);
            assert_int_equal(garden_message_encode(&decoded, seen, &again, NULL), GARDEN_OK);
            garden_buffer_fini(&again);
            garden_message_fini(&decoded);
        }
        octets_drop(bytes);
    }
    garden_buffer_fini(&buffer);
}

static void test_what_is_decoded_from_damaged_octets_can_be_encoded(void **state)
{
    (void)state;
    each_message(1, check_flipped_octets);
}

static void check_print(const struct garden_message *message, struct garden_form form)
{
    (void)form;
    char line[1024];
    const size_t size = garden_message_print(message, line, sizeof line);
    assert_int_equal(strlen(line), size);
    assert_int_equal(strncmp(line, garden_family_text(message->family), 5), 0);
    for (size_t i = 0; i < size; i++)
        assert_in_range(line[i], ' ', '~');
    for (size_t cut = 1; cut < 40; cut++) {
        char small[40];
        memset(small, '#', sizeof small);
        assert_int_equal(garden_message_print(message, small, cut), cut - 1);
        assert_memory_equal(small, line, cut - 1);
        if (cut < sizeof small) assert_int_equal(small[cut], '#');
    }
}

static void test_a_message_prints_as_one_line_of_ascii_cut_to_any_size(void **state)
{
    (void)state;
    each_message(1, check_print);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_message_survives_every_form),
        cmocka_unit_test(test_every_failing_allocation_is_reported_and_leaves_nothing_behind),
        cmocka_unit_test(test_a_peek_survives_every_failing_allocation),
        cmocka_unit_test(test_no_part_of_a_message_is_taken_for_the_whole),
        cmocka_unit_test(test_what_is_decoded_from_damaged_octets_can_be_encoded),
        cmocka_unit_test(test_a_message_prints_as_one_line_of_ascii_cut_to_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
