// The head of an HTTP message: where it ends, what is in it, and what makes it none.
#include "test/support/octets.h"
#include "zmtp/ws/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void test_a_head_ends_with_an_empty_line_however_it_comes(void **state)
{
    (void)state;
    const struct zmtp_bytes in = LITERAL("GET / HTTP/1.1\r\nA: b\r\n\r\nrest\r\n\r\n");
    const size_t size = in.size - 8;
    for (size_t have = 0; have <= in.size; have++) {
        for (size_t from = 0; from <= have && from < size; from++) {
            const struct zmtp_bytes copy = octets_prefix(in, have);
            assert_int_equal(zmtp__head_end(copy, from), have < size ? 0 : size);
            octets_drop(copy);
        }
    }
}

static void test_a_head_is_split_into_its_line_and_fields(void **state)
{
    (void)state;
    struct zmtp__head head;
    struct zmtp__field field;
    const struct zmtp_bytes in =
        LITERAL("HTTP/1.1 101 So be it\r\nHost:\t a b \r\nEmpty:\r\nx-Y_9: \x80\r\n\r\n");
    assert_int_equal(zmtp__head_decode(in, &head), ZMTP_OK);
    octets_assert_equal(head.line, LITERAL("HTTP/1.1 101 So be it"));
    assert_true(zmtp__field_next(&head.fields, &field));
    octets_assert_equal(field.name, LITERAL("Host"));
    octets_assert_equal(field.value, LITERAL("a b"));
    assert_true(zmtp__field_next(&head.fields, &field));
    assert_int_equal(field.value.size, 0);
    assert_true(zmtp__field_next(&head.fields, &field));
    octets_assert_equal(field.name, LITERAL("x-Y_9"));
    octets_assert_equal(field.value, LITERAL("\x80"));
    assert_false(zmtp__field_next(&head.fields, &field));
    assert_int_equal(zmtp__head_decode(LITERAL("X\r\n\r\n"), &head), ZMTP_OK);
    assert_false(zmtp__field_next(&head.fields, &field));
}

static void test_what_could_be_read_in_two_ways_is_no_head(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\r\n\r\n",
        "GET /\r\n",
        "GET /\r\n\r\nA: b\r\n\r\n",   // more than one head
        "GET /\nA: b\r\n\r\n",         // a bare LF
        "GET /\rA: b\r\n\r\n",         // a bare CR
        "GET /\r\nA: b\n\r\n\r\n",     //
        "GET /\r\n A: b\r\n\r\n",      // a field without a name
        "GET /\r\nA: b\r\n c\r\n\r\n", // a folded line
        "GET /\r\nA : b\r\n\r\n",      // a space before the colon
        "GET /\r\nA\r\n\r\n",          // no colon
        "GET /\r\n: b\r\n\r\n",        //
        "GET /\r\nA(: b\r\n\r\n",      //
        "GET /\r\nA: b\x7F\r\n\r\n",   //
        "GET \x01\r\nA: b\r\n\r\n",    //
    };
    struct zmtp__head head;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(zmtp__head_decode(zmtp_bytes_text(texts[i]), &head), ZMTP_ERR_GREETING);
    assert_int_equal(zmtp__head_decode(LITERAL("GET /\r\nA: b\0\r\n\r\n"), &head),
                     ZMTP_ERR_GREETING);
}

static void test_a_field_that_there_may_be_one_of_is_found_once(void **state)
{
    (void)state;
    struct zmtp__head head;
    struct zmtp_bytes value;
    assert_int_equal(zmtp__head_decode(LITERAL("X\r\nOne: 1\r\nTwo: 2\r\ntWO: 2\r\n\r\n"), &head),
                     ZMTP_OK);
    assert_int_equal(zmtp__head_find(&head, "oNE", &value), 1);
    octets_assert_equal(value, LITERAL("1"));
    assert_int_equal(zmtp__head_find(&head, "Two", &value), ZMTP_ERR_GREETING);
    assert_int_equal(zmtp__head_find(&head, "On", &value), 0);
    assert_int_equal(zmtp__head_find(&head, "One:", &value), 0);
}

static void test_a_list_may_be_spread_over_fields(void **state)
{
    (void)state;
    struct zmtp__head head;
    assert_int_equal(zmtp__head_decode(LITERAL("X\r\nL: a ,,\tb\r\nM: z\r\nl: C\r\n\r\n"), &head),
                     ZMTP_OK);
    assert_true(zmtp__head_lists(&head, "L", "a"));
    assert_true(zmtp__head_lists(&head, "L", "B"));
    assert_true(zmtp__head_lists(&head, "L", "c"));
    assert_false(zmtp__head_lists(&head, "L", "z"));
    assert_false(zmtp__head_lists(&head, "L", ""));
    assert_false(zmtp__head_lists(&head, "L", "a ,,\tb"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_head_ends_with_an_empty_line_however_it_comes),
        cmocka_unit_test(test_a_head_is_split_into_its_line_and_fields),
        cmocka_unit_test(test_what_could_be_read_in_two_ways_is_no_head),
        cmocka_unit_test(test_a_field_that_there_may_be_one_of_is_found_once),
        cmocka_unit_test(test_a_list_may_be_spread_over_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
