// JSON documents, strictly as RFC 8259 has them.
#include "garden/value.h"
#include "test/support/octets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct garden_arena arena;
static struct garden_fault fault;

static int set_up(void **state)
{
    (void)state;
    garden_arena_init(&arena, NULL, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    garden_arena_fini(&arena);
    return 0;
}

// Decodes a copy of exactly |text|'s size, so that a read beyond it is seen.
static int decode_octets(struct zmtp_bytes in, struct garden_value *out)
{
    const struct zmtp_bytes copy = octets_prefix(in, in.size);
    const int error = garden_json_decode(copy, &arena, out, &fault);
    octets_drop(copy);
    return error;
}

static int decode(const char *text, struct garden_value *out)
{
    return decode_octets(zmtp_bytes_text(text), out);
}

static void assert_refused(const char *text, int error, size_t offset)
{
    struct garden_value value;
    if (decode(text, &value) != error) fail_msg("%s: %d %s", text, fault.code, fault.text);
    if (fault.offset != offset) fail_msg("%s: %s", text, fault.text);
}

static void assert_reads_as(const char *text, const char *written)
{
    struct garden_value value;
    if (decode(text, &value)) fail_msg("%s: %s", text, fault.text);
    struct garden_buffer buffer;
    garden_buffer_init(&buffer, NULL, 0);
    assert_int_equal(garden_json_encode(&value, &buffer), GARDEN_OK);
    octets_assert_equal(garden_buffer_bytes(&buffer), zmtp_bytes_text(written));
    garden_buffer_fini(&buffer);
}

static void test_values_are_written_compactly_in_their_order(void **state)
{
    (void)state;
    assert_reads_as(" { \"b\" : [ 1 , -2.5 , null ] ,\r\n\t\"a\" : { } , \"\" : [ ] } ",
                    "{\"b\":[1,-2.5,null],\"a\":{},\"\":[]}");
    assert_reads_as("[[],[[]],{\"a\":{\"b\":[true,false]}}]",
                    "[[],[[]],{\"a\":{\"b\":[true,false]}}]");
    assert_reads_as("null", "null");
    assert_reads_as("\"x\"", "\"x\"");
}

static void test_integers_keep_their_64_bits_and_larger_ones_become_reals(void **state)
{
    (void)state;
    assert_reads_as("[0,9223372036854775807,9223372036854775808,18446744073709551615]",
                    "[0,9223372036854775807,9223372036854775808,18446744073709551615]");
    assert_reads_as("[-1,-9223372036854775808]", "[-1,-9223372036854775808]");
    assert_reads_as("18446744073709551616", "1.8446744073709552e19");
    assert_reads_as("-9223372036854775809", "-9.223372036854776e18");
    assert_reads_as("-0", "-0.0");
}

static void test_reals_stay_reals_in_the_shortest_form(void **state)
{
    (void)state;
    assert_reads_as("[1.0,0.1,1e2,1E+2,100e-2,1e16,123456789.125,0.00001,0.000001]",
                    "[1.0,0.1,100.0,100.0,1.0,1e16,123456789.125,0.00001,1e-6]");
    assert_reads_as("[1e-400,1.7976931348623157e308,4.9e-324]",
                    "[0.0,1.7976931348623157e308,5e-324]");
    assert_refused("1e309", GARDEN_ERR_RANGE, 0);
    assert_refused("[-1.7976931348623159e308]", GARDEN_ERR_RANGE, 1);
}

static void test_numbers_that_are_not_json_are_refused(void **state)
{
    (void)state;
    assert_refused("01", GARDEN_ERR_FORMAT, 1);
    assert_refused("-", GARDEN_ERR_FORMAT, 1);
    assert_refused("1.", GARDEN_ERR_FORMAT, 2);
    assert_refused(".5", GARDEN_ERR_FORMAT, 0);
    assert_refused("1e", GARDEN_ERR_FORMAT, 2);
    assert_refused("1e+", GARDEN_ERR_FORMAT, 3);
    assert_refused("+1", GARDEN_ERR_FORMAT, 0);
    assert_refused("0x10", GARDEN_ERR_FORMAT, 1);
    assert_refused("NaN", GARDEN_ERR_FORMAT, 0);
    assert_refused("Infinity", GARDEN_ERR_FORMAT, 0);
    assert_refused("[-Infinity]", GARDEN_ERR_FORMAT, 2);
    assert_refused("1,5", GARDEN_ERR_FORMAT, 1);
}

static void test_escapes_and_surrogate_pairs_become_utf8(void **state)
{
    (void)state;
    assert_reads_as("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\"");
    assert_reads_as("\"\\u0041\\u00e9\\u20AC\\ud83c\\udfb5\"",
                    "\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xb5\"");
    assert_reads_as("\"\\u0000\\u001f\x7f\"", "\"\\u0000\\u001f\x7f\"");
    struct garden_value value;
    assert_int_equal(decode("\"a\\u0000b\"", &value), GARDEN_OK);
    assert_int_equal(value.text.size, 3);
    assert_memory_equal(value.text.data, "a\0b", 4); // and a zero after it
}

static void test_texts_that_are_not_unicode_are_refused(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800x\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800\\ud800\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\x41\"",
        "\"\\\"",
        "\"\\",
        "\"\n\"",
        "\"\x1f\"",
        "\"\x80\"",
        "\"\xc0\xaf\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xe2\x82\"",
        "\"\xff\"",
        "\"",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct garden_value value;
        if (decode(wrong[i], &value) != GARDEN_ERR_FORMAT) fail_msg("%s was read", wrong[i]);
    }
    struct garden_value value;
    assert_int_equal(decode_octets(LITERAL("\"a\0b\""), &value), GARDEN_ERR_FORMAT);
    assert_int_equal(decode_octets(LITERAL("\"a\\\0\""), &value), GARDEN_ERR_FORMAT);
}

static void test_structure_that_is_not_json_is_refused(void **state)
{
    (void)state;
    assert_refused("", GARDEN_ERR_FORMAT, 0);
    assert_refused("  ", GARDEN_ERR_FORMAT, 2);
    assert_refused("[1,]", GARDEN_ERR_FORMAT, 3);
    assert_refused("[,1]", GARDEN_ERR_FORMAT, 1);
    assert_refused("[1 2]", GARDEN_ERR_FORMAT, 3);
    assert_refused("{\"a\":1,}", GARDEN_ERR_FORMAT, 7);
    assert_refused("{\"a\" 1}", GARDEN_ERR_FORMAT, 5);
    assert_refused("{\"a\":}", GARDEN_ERR_FORMAT, 5);
    assert_refused("{a:1}", GARDEN_ERR_FORMAT, 1);
    assert_refused("{'a':1}", GARDEN_ERR_FORMAT, 1);
    assert_refused("{1:1}", GARDEN_ERR_FORMAT, 1);
    assert_refused("{\"a\":1]", GARDEN_ERR_FORMAT, 6);
    assert_refused("[1}", GARDEN_ERR_FORMAT, 2);
    assert_refused("]", GARDEN_ERR_FORMAT, 0);
    assert_refused("[1] 2", GARDEN_ERR_FORMAT, 4);
    assert_refused("truex", GARDEN_ERR_FORMAT, 4);
    assert_refused("tru", GARDEN_ERR_FORMAT, 0);
    assert_refused("// no\n1", GARDEN_ERR_FORMAT, 0);
    assert_refused("\v1", GARDEN_ERR_FORMAT, 0);
    assert_refused("\xef\xbb\xbf{}", GARDEN_ERR_FORMAT, 0); // no byte order mark
}

static void test_a_key_twice_is_refused_however_it_is_written(void **state)
{
    (void)state;
    assert_refused("{\"a\":1,\"b\":2,\"a\":3}", GARDEN_ERR_FORMAT, 17);
    assert_refused("{\"a\":1,\"\\u0061\":3}", GARDEN_ERR_FORMAT, 16);
    assert_refused("{\"\":1,\"\":3}", GARDEN_ERR_FORMAT, 9);
    assert_refused("{\"x\":{\"a\":1,\"b\":0,\"a\":1}}", GARDEN_ERR_FORMAT, 22);
    assert_reads_as("{\"a\":{\"a\":1},\"A\":2,\"ab\":3,\"b\":4}",
                    "{\"a\":{\"a\":1},\"A\":2,\"ab\":3,\"b\":4}");
}

static void test_a_key_twice_is_found_among_many(void **state)
{
    (void)state;
    enum { KEYS = 5000 };
    char *text = test_malloc(KEYS * 12);
    for (size_t twice = 0; twice < 2; twice++) {
        size_t size = 0;
        text[size++] = '{';
        for (unsigned i = 0; i < KEYS; i++) {
            const unsigned key = twice && i == KEYS - 1 ? 77 : i * 7919 % KEYS;
            for (unsigned digit = 1000; digit; digit /= 10) {
                if (digit == 1000) text[size++] = '"';
                text[size++] = (char)('0' + key / digit % 10);
            }
            memcpy(text + size, "\":0,", 4);
            size += 4;
        }
        text[size - 1] = '}';
        struct garden_value value;
        assert_int_equal(decode_octets((struct zmtp_bytes){(uint8_t *)text, size}, &value),
                         twice ? GARDEN_ERR_FORMAT : GARDEN_OK);
    }
    test_free(text);
}

static void test_depth_ends_at_32(void **state)
{
    (void)state;
    char text[2 * (GARDEN_DEPTH_MAX + 1)];
    for (size_t depth = GARDEN_DEPTH_MAX; depth <= GARDEN_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        struct garden_value value;
        const int error = decode_octets((struct zmtp_bytes){(uint8_t *)text, 2 * depth}, &value);
        assert_int_equal(error, depth > GARDEN_DEPTH_MAX ? GARDEN_ERR_LIMIT : GARDEN_OK);
        if (error) continue;
        struct garden_value outer = garden_value_list(&value, 1);
        struct garden_buffer buffer;
        garden_buffer_init(&buffer, NULL, 0);
        assert_int_equal(garden_json_encode(&value, &buffer), GARDEN_OK);
        assert_int_equal(garden_json_encode(&outer, &buffer), GARDEN_ERR_LIMIT);
        assert_int_equal(buffer.size, 2 * depth); // as it was
        garden_buffer_fini(&buffer);
    }
    assert_int_equal(fault.offset, GARDEN_DEPTH_MAX);
}

static void test_a_fault_names_the_place(void **state)
{
    (void)state;
    assert_refused("{\"a\":[0,{\"b\":nul}]}", GARDEN_ERR_FORMAT, 13);
    assert_string_equal(fault.path, "a[1].b");
    assert_string_equal(fault.text, "a[1].b, octet 13: expected a value");
}

static void test_what_json_cannot_say_is_not_written(void **state)
{
    (void)state;
    struct garden_buffer buffer;
    garden_buffer_init(&buffer, NULL, 0);
    struct garden_value items[] = {garden_value_int(1), garden_value_real(1e308 * 10)};
    const struct garden_value list = garden_value_list(items, 2);
    assert_int_equal(garden_json_encode(&list, &buffer), GARDEN_ERR_RANGE);
    items[1] = garden_value_text(garden_text_of("\xc3"));
    assert_int_equal(garden_json_encode(&list, &buffer), GARDEN_ERR_FORMAT);
    items[1] = (struct garden_value){.type = GARDEN_OCTETS};
    assert_int_equal(garden_json_encode(&list, &buffer), GARDEN_ERR_FORMAT);
    items[1] = (struct garden_value){.type = (enum garden_value_type)99};
    assert_int_equal(garden_json_encode(&list, &buffer), GARDEN_ERR_ARGUMENT);
    assert_int_equal(buffer.size, 0);
    items[1] = garden_value_null();
    assert_int_equal(garden_json_encode(&list, &buffer), GARDEN_OK); // no failure stuck
    octets_assert_equal(garden_buffer_bytes(&buffer), LITERAL("[1,null]"));
    garden_buffer_fini(&buffer);
}

static void test_a_small_arena_refuses_a_large_document(void **state)
{
    (void)state;
    struct garden_arena small;
    garden_arena_init(&small, NULL, 4096);
    char text[2001];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? '0' : ',';
    text[0] = '[';
    text[sizeof text - 1] = ']';
    struct garden_value value;
    assert_int_equal(garden_json_decode((struct zmtp_bytes){(uint8_t *)text, sizeof text}, &small,
                                        &value, &fault),
                     GARDEN_ERR_LIMIT);
    assert_true(small.bytes <= 4096);
    garden_arena_fini(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_written_compactly_in_their_order),
        cmocka_unit_test(test_integers_keep_their_64_bits_and_larger_ones_become_reals),
        cmocka_unit_test(test_reals_stay_reals_in_the_shortest_form),
        cmocka_unit_test(test_numbers_that_are_not_json_are_refused),
        cmocka_unit_test(test_escapes_and_surrogate_pairs_become_utf8),
        cmocka_unit_test(test_texts_that_are_not_unicode_are_refused),
        cmocka_unit_test(test_structure_that_is_not_json_is_refused),
        cmocka_unit_test(test_a_key_twice_is_refused_however_it_is_written),
        cmocka_unit_test(test_a_key_twice_is_found_among_many),
        cmocka_unit_test(test_depth_ends_at_32),
        cmocka_unit_test(test_a_fault_names_the_place),
        cmocka_unit_test(test_what_json_cannot_say_is_not_written),
        cmocka_unit_test(test_a_small_arena_refuses_a_large_document),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
