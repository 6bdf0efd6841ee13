// The line that says what went wrong: it goes on the wire, so it is UTF-8 whatever it tells of.
#include "garden/core/admit.h"
#include "garden/core/error.h"
#include "garden/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct garden_error error;

static void test_characters_of_every_width_stay(void **state)
{
    (void)state;
    // One of 2, 3 and 4 octets: U+00E9, U+20AC, U+1D11E.
    assert_int_equal(garden__fail(&error, GARDEN_ERR_STATE, "a \xc3\xa9 \xe2\x82\xac %s %d",
                                  "\xf0\x9d\x84\x9e", 7),
                     GARDEN_ERR_STATE);
    assert_string_equal(error.text, "a \xc3\xa9 \xe2\x82\xac \xf0\x9d\x84\x9e 7");
    assert_int_equal(error.code, GARDEN_ERR_STATE);
}

static void test_a_character_cut_by_a_precision_is_marked(void **state)
{
    (void)state;
    (void)garden__fail(&error, GARDEN_ERR_STATE, "%.4s: no", "a\xc3\xa9\xc3\xa9");
    assert_string_equal(error.text, "a\xc3\xa9?: no");
    (void)garden__fail(&error, GARDEN_ERR_STATE, "%.3s: no", "\xf0\x9d\x84\x9e");
    assert_string_equal(error.text, "???: no");
}

static void test_a_character_cut_by_the_end_of_the_line_is_marked(void **state)
{
    (void)state;
    char text[2 * sizeof error.text];
    for (size_t i = 0; i < sizeof text - 2; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    text[sizeof text - 2] = '\0';
    (void)garden__fail(&error, GARDEN_ERR_STATE, "%s", text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
    assert_int_equal(error.text[sizeof error.text - 2], '?');
    assert_true(garden_text_valid(garden_text_of(error.text)));
}

static void test_octets_that_are_no_text_are_marked(void **state)
{
    (void)state;
    // A stray continuation, what never occurs, an overlong slash, a surrogate.
    (void)garden__fail(&error, GARDEN_ERR_STATE, "%s", "\x80|\xff|\xc0\xaf|\xed\xa0\x80|x");
    assert_string_equal(error.text, "?|?|??|???|x");
}

// What a terminal would obey or not show is marked: C0 and C1 controls, marks of direction, what has no width.
static void test_what_is_printed_stands_where_it_stands(void **state)
{
    (void)state;
    char text[] = "a\x1b[2J\n\x7f\xc2\x9b|\xe2\x80\xae|\xe2\x80\xa8|\xef\xbb\xbf|\xff|\xe2\x82\xac|"
                  "\xf0\x9d\x84\x9e";
    garden__text_tame(text);
    assert_string_equal(text, "a?[2J???|?|?|?|?|\xe2\x82\xac|\xf0\x9d\x84\x9e");
    char empty[] = "";
    garden__text_tame(empty);
    assert_string_equal(empty, "");
}

static void test_nobody_need_want_the_text(void **state)
{
    (void)state;
    assert_int_equal(garden__fail(NULL, GARDEN_ERR_RANGE, "%s", "x"), GARDEN_ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_characters_of_every_width_stay),
        cmocka_unit_test(test_a_character_cut_by_a_precision_is_marked),
        cmocka_unit_test(test_a_character_cut_by_the_end_of_the_line_is_marked),
        cmocka_unit_test(test_octets_that_are_no_text_are_marked),
        cmocka_unit_test(test_what_is_printed_stands_where_it_stands),
        cmocka_unit_test(test_nobody_need_want_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
