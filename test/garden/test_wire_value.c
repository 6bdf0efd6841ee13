// Texts, uuids, values, and the memory they live in.
#include "garden/value.h"
#include "test/support/garden_wire.h"
#include "test/support/octets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_utf8_is_told_from_what_only_looks_like_it(void **state)
{
    (void)state;
    const char *const good[] = {"",
                                "a\x7f",
                                "\xc2\x80",
                                "\xdf\xbf",
                                "\xe0\xa0\x80",
                                "\xed\x9f\xbf",
                                "\xee\x80\x80",
                                "\xef\xbf\xbf",
                                "\xf0\x90\x80\x80",
                                "\xf4\x8f\xbf\xbf"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(garden_text_valid(garden_text_of(good[i])));
    const char *const bad[] = {
        "\x80",         "\xbf",         "\xc0\x80",         "\xc1\xbf",
        "\xc2",         "\xc2\x7f",     "\xc2\xc0",         "\xe0\x9f\xbf",
        "\xe2\x82",     "\xed\xa0\x80", "\xed\xbf\xbf",     "\xf0\x8f\xbf\xbf",
        "\xf0\x9f\x8e", "\xe2\x28\xa1", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xfe",         "\xff",         "\xf0\x9f\x28\xb5"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct zmtp_bytes copy = octets_prefix(zmtp_bytes_text(bad[i]), strlen(bad[i]));
        assert_false(garden_text_valid((struct garden_text){(const char *)copy.data, copy.size}));
        octets_drop(copy);
    }
}

static void test_a_uuid_s_text_is_read_in_either_case_with_or_without_hyphens(void **state)
{
    (void)state;
    struct garden_uuid a, b;
    char text[GARDEN_UUID_TEXT_SIZE + 1];
    assert_int_equal(garden_uuid_parse(garden_text_of("01234567-89ab-cDEF-8123-456789abcdef"), &a),
                     GARDEN_OK);
    assert_int_equal(garden_uuid_parse(garden_text_of("0123456789ABCDEF8123456789abcdef"), &b),
                     GARDEN_OK);
    assert_true(garden_uuid_equal(a, b));
    assert_false(garden_uuid_nil(a));
    garden_uuid_format(a, text);
    assert_string_equal(text, "01234567-89ab-cdef-8123-456789abcdef");
    const char *const wrong[] = {
        "",
        "0123456789ABCDEF8123456789abcde",
        "0123456789ABCDEF8123456789abcdeg",
        "01234567-89ab-cdef-8123-456789abcdeg",
        "0123456789ab--cdef-8123-456789abcdef",
        "{0123456789ABCDEF8123456789abcdef}",
        "01234567-89ab-cdef-8123-456789abcdef ",
        "01234567 89ab cdef 8123 456789abcdef",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(garden_uuid_parse(garden_text_of(wrong[i]), &b), GARDEN_ERR_FORMAT);
    }
    assert_true(garden_uuid_equal(a, b)); // untouched
}

static void test_a_random_uuid_says_that_it_is_of_version_4(void **state)
{
    (void)state;
    const uint8_t zeros[16] = {0};
    char text[GARDEN_UUID_TEXT_SIZE + 1];
    garden_uuid_format(garden_uuid_v4(zeros), text);
    assert_string_equal(text, "00000000-0000-4000-8000-000000000000");
    assert_true(garden_uuid_nil((struct garden_uuid){{0}}));
}

static void test_numbers_convert_only_when_nothing_is_lost(void **state)
{
    (void)state;
    int64_t i = 0;
    uint64_t u = 0;
    double d = 0;
    const struct garden_value three = garden_value_real(3.0), half = garden_value_real(0.5);
    const struct garden_value minus = garden_value_int(-1), huge = garden_value_uint(UINT64_MAX);
    const struct garden_value two63 = garden_value_real(0x1p63), two64 = garden_value_real(0x1p64);
    const struct garden_value odd = garden_value_int(INT64_C(9007199254740993));
    assert_true(garden_value_to_i64(&three, &i) && i == 3);
    assert_true(garden_value_to_u64(&three, &u) && u == 3);
    assert_false(garden_value_to_i64(&half, &i));
    assert_false(garden_value_to_u64(&half, &u));
    assert_true(garden_value_to_i64(&minus, &i) && i == -1);
    assert_false(garden_value_to_u64(&minus, &u));
    assert_false(garden_value_to_i64(&huge, &i));
    assert_true(garden_value_to_u64(&huge, &u) && u == UINT64_MAX);
    assert_false(garden_value_to_i64(&two63, &i));
    assert_true(garden_value_to_u64(&two63, &u) && u == UINT64_C(1) << 63);
    assert_false(garden_value_to_u64(&two64, &u));
    const struct garden_value least = garden_value_real(-0x1p63);
    assert_true(garden_value_to_i64(&least, &i) && i == INT64_MIN);
    assert_false(garden_value_to_real(&odd, &d));
    assert_false(garden_value_to_real(&huge, &d));
    assert_true(garden_value_to_real(&minus, &d) && d == -1.0);
    const struct garden_value top = garden_value_uint(UINT64_C(1) << 63);
    assert_int_equal(top.type, GARDEN_UINT);
    assert_true(garden_value_to_real(&top, &d) && d == 0x1p63);
    const struct garden_value nan = garden_value_real(NAN);
    assert_false(garden_value_to_real(&nan, &d));
    assert_false(garden_value_to_i64(&nan, &i));
    assert_false(garden_value_to_u64(&nan, &u));
    assert_false(garden_value_to_i64(NULL, &i));
}

static void test_only_the_right_type_converts(void **state)
{
    (void)state;
    struct garden_text text;
    bool boolean = false;
    double d;
    const struct garden_value yes = garden_value_bool(true), null = garden_value_null();
    const struct garden_value word = garden_value_text(garden_text_of("x"));
    assert_true(garden_value_to_text(&word, &text) && garden_text_is(text, "x"));
    assert_false(garden_value_to_text(&yes, &text));
    assert_true(garden_value_to_bool(&yes, &boolean) && boolean);
    assert_false(garden_value_to_bool(&null, &boolean));
    assert_false(garden_value_to_real(&word, &d));
    assert_null(garden_value_find(&word, "x"));
    assert_null(garden_value_find(NULL, "x"));
    assert_null(garden_map_find(NULL, "x"));
}

static void test_maps_are_equal_in_any_order_and_numbers_only_in_one_type(void **state)
{
    (void)state;
    struct garden_entry one[] = {garden_entry_of("a", garden_value_int(1)),
                                 garden_entry_of("b", garden_value_null())};
    struct garden_entry other[] = {one[1], one[0]};
    const struct garden_value a = garden_value_map(one, 2), b = garden_value_map(other, 2);
    assert_true(garden_value_equal(&a, &b));
    other[1].value = garden_value_real(1.0);
    assert_false(garden_value_equal(&a, &b));
    other[1] = garden_entry_of("c", garden_value_int(1));
    assert_false(garden_value_equal(&a, &b));
    const struct garden_value shorter = garden_value_map(one, 1);
    assert_false(garden_value_equal(&a, &shorter));
    struct garden_value items[] = {a, b};
    const struct garden_value forth = garden_value_list(items, 2);
    struct garden_value reversed[] = {b, a};
    const struct garden_value back = garden_value_list(reversed, 2);
    assert_true(garden_value_equal(&forth, &forth));
    assert_false(garden_value_equal(&forth, &back)); // a list has an order
}

static void test_a_copy_shares_nothing_with_its_original(void **state)
{
    (void)state;
    struct random random = random_of(9);
    for (int i = 0; i < 200; i++) {
        struct garden_arena from, to;
        garden_arena_init(&from, NULL, 0);
        garden_arena_init(&to, NULL, 0);
        const struct garden_map map = wire_random_map(&random, &from, 0);
        const struct garden_value value = garden_value_map(map.entries, map.count);
        struct garden_value copy;
        assert_int_equal(garden_value_copy(&to, &value, &copy), GARDEN_OK);
        struct garden_buffer before, after;
        garden_buffer_init(&before, NULL, 0);
        garden_buffer_init(&after, NULL, 0);
        assert_int_equal(garden_json_encode(&value, &before), GARDEN_OK);
        garden_arena_fini(&from); // a sanitizer sees what is still shared
        assert_int_equal(garden_json_encode(&copy, &after), GARDEN_OK);
        octets_assert_equal(garden_buffer_bytes(&after), garden_buffer_bytes(&before));
        garden_buffer_fini(&before);
        garden_buffer_fini(&after);
        garden_arena_fini(&to);
    }
}

static void test_a_copy_is_refused_when_too_deep_or_without_memory(void **state)
{
    (void)state;
    struct garden_value nest[GARDEN_DEPTH_MAX + 2];
    nest[0] = garden_value_null();
    for (size_t i = 1; i < sizeof nest / sizeof nest[0]; i++)
        nest[i] = garden_value_list(&nest[i - 1], 1);
    struct garden_arena arena;
    garden_arena_init(&arena, NULL, 0);
    struct garden_value copy;
    assert_int_equal(garden_value_copy(&arena, &nest[GARDEN_DEPTH_MAX], &copy), GARDEN_OK);
    assert_true(garden_value_equal(&copy, &nest[GARDEN_DEPTH_MAX]));
    assert_int_equal(garden_value_copy(&arena, &nest[GARDEN_DEPTH_MAX + 1], &copy),
                     GARDEN_ERR_LIMIT);
    garden_arena_fini(&arena);

    struct zmtp_budget budget;
    zmtp_budget_init(&budget, zmtp_heap());
    budget.fail_at = 1;
    garden_arena_init(&arena, &budget.allocator, 0);
    assert_int_equal(garden_value_copy(&arena, &nest[2], &copy), GARDEN_ERR_MEMORY);
    garden_arena_fini(&arena);
    assert_int_equal(budget.bytes, 0);
}

static void test_an_arena_gives_zeroed_aligned_memory_up_to_its_limit(void **state)
{
    (void)state;
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, zmtp_heap());
    struct garden_arena arena;
    garden_arena_init(&arena, &budget.allocator, 100000);
    assert_int_equal(budget.calls, 0);
    size_t given = 0;
    for (size_t size = 1;; size = size * 3 % 1021) {
        uint8_t *memory = garden_arena_alloc(&arena, size, 1);
        if (!memory) break;
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xff, size);
        given += size;
    }
    assert_int_equal(arena.error, GARDEN_ERR_LIMIT);
    assert_true(given > 50000);
    assert_true(budget.bytes <= 100000 && budget.bytes == arena.bytes);
    assert_null(garden_arena_alloc(&arena, SIZE_MAX / 2, 3)); // the product would wrap
    assert_null(garden_arena_alloc(&arena, SIZE_MAX, 1));
    garden_arena_fini(&arena);
    assert_int_equal(budget.bytes, 0);
}

static void test_a_buffer_grows_to_its_limit_and_its_failure_sticks(void **state)
{
    (void)state;
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, zmtp_heap());
    struct garden_buffer buffer;
    garden_buffer_init(&buffer, &budget.allocator, 1000);
    for (int i = 0; i < 100; i++)
        assert_int_equal(garden_buffer_append(&buffer, "0123456789", 10), GARDEN_OK);
    assert_int_equal(garden_buffer_append(&buffer, "x", 1), GARDEN_ERR_LIMIT);
    assert_int_equal(garden_buffer_append(&buffer, "", 0), GARDEN_ERR_LIMIT);
    assert_int_equal(buffer.size, 1000);
    garden_buffer_clear(&buffer);
    assert_int_equal(garden_buffer_append(&buffer, "x", 1), GARDEN_OK);
    assert_int_equal(buffer.size, 1);
    garden_buffer_fini(&buffer);
    assert_int_equal(budget.bytes, 0);

    garden_buffer_init(&buffer, &budget.allocator, 0);
    budget.calls = 0;
    budget.fail_at = 1;
    assert_int_equal(garden_buffer_append(&buffer, "x", 1), GARDEN_ERR_MEMORY);
    assert_int_equal(garden_buffer_append(&buffer, "x", 1), GARDEN_ERR_MEMORY);
    garden_buffer_fini(&buffer);
    assert_int_equal(budget.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utf8_is_told_from_what_only_looks_like_it),
        cmocka_unit_test(test_a_uuid_s_text_is_read_in_either_case_with_or_without_hyphens),
        cmocka_unit_test(test_a_random_uuid_says_that_it_is_of_version_4),
        cmocka_unit_test(test_numbers_convert_only_when_nothing_is_lost),
        cmocka_unit_test(test_only_the_right_type_converts),
        cmocka_unit_test(test_maps_are_equal_in_any_order_and_numbers_only_in_one_type),
        cmocka_unit_test(test_a_copy_shares_nothing_with_its_original),
        cmocka_unit_test(test_a_copy_is_refused_when_too_deep_or_without_memory),
        cmocka_unit_test(test_an_arena_gives_zeroed_aligned_memory_up_to_its_limit),
        cmocka_unit_test(test_a_buffer_grows_to_its_limit_and_its_failure_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
