// Texts of queries as fields: the shape of what was read, and where and in which words it is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "garden/query/parse.h"

enum { DEPTH_MAX = 4 };

static void test_fields_are_in_order_with_their_parents(void **state)
{
    struct garden__query_document d;
    struct garden_arena arena;
    struct garden_error error = {0};
    (void)state;
    garden_arena_init(&arena, NULL, 0);
    const int result = garden__query_parse(
        &d,
        garden_text_of("\xef\xbb\xbf# first\nquery Name {\n  a(x: -3, y: 1.5e1, z: \"\\u00e9\\n\", "
                       "l: [true, null], v: $w) @d(k: 1) @e {\n    b: c, ... on T { d } }\n}"),
        DEPTH_MAX, &arena, &error);
    if (result < 0) fail_msg("%s", error.text);
    assert_int_equal(d.field_count, 4);
    assert_true(garden_text_is(d.fields[0].name, "a"));
    assert_int_equal(d.fields[0].place.line, 3);
    assert_int_equal(d.fields[0].place.column, 3);
    assert_int_equal(d.fields[0].parent, GARDEN__QUERY_NONE);
    assert_int_equal(d.fields[0].argument_count, 5);
    assert_int_equal(d.arguments[0].value.integer, -3);
    assert_true(d.arguments[1].value.real == 15.0);
    assert_true(garden_text_is(d.arguments[2].value.text, "\xc3\xa9\n"));
    assert_int_equal(d.arguments[3].value.list.count, 2);
    assert_true(d.arguments[4].variable);
    assert_true(garden_text_is(d.arguments[4].value.text, "w"));
    assert_int_equal(d.fields[0].directive_count, 2);
    assert_int_equal(d.directives[0].argument_count, 1);
    assert_true(garden_text_is(d.fields[1].alias, "b") && garden_text_is(d.fields[1].name, "c"));
    assert_int_equal(d.fields[1].parent, 0);
    assert_true(d.fields[2].coercion && garden_text_is(d.fields[2].name, "T"));
    assert_int_equal(d.fields[3].parent, 2);
    assert_int_equal(d.fields[3].depth, 2);
    garden_arena_fini(&arena);
}

static void test_what_is_malformed_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "line 1, column 1: expected '{', found the end of the query"},
        {"mutation { a }", "line 1, column 1: expected 'query' or '{'; there are no mutations, "
                           "subscriptions or fragments, found 'mutation'"},
        {"{\n}", "line 2, column 1: expected a property or an edge, '...' or '}', found '}'"},
        {"{ a } { b }", "line 1, column 7: expected the end: one query at a time, found '{'"},
        {"{ a(", "line 1, column 5: expected an argument's name, found the end of the query"},
        {"{ a() }", "line 1, column 5: expected an argument's name, found ')'"},
        {"{ a(x 1) }", "line 1, column 7: expected ':' and a value, found '1'"},
        {"{ a(x: FOO) }",
         "line 1, column 8: expected a value: a number, a text in quotes, true, false, "
         "null, a list or a $variable, found 'FOO'"},
        {"{ a(x: [[1]]) }",
         "line 1, column 9: expected ']' or a number, a text in quotes, true, false "
         "or null, found '['"},
        {"{ a(x: 01) }", "line 1, column 8: expected a number, such as 3, -1.5 or 2e3"},
        {"{ a(x: 1.) }", "line 1, column 8: expected a number, such as 3, -1.5 or 2e3"},
        {"{ a(x: 99999999999999999999) }", "line 1, column 8: expected a smaller number, found "
                                           "'99999999999999999999'"},
        {"{ a(x: -9223372036854775809) }", "line 1, column 8: expected a larger number, found "
                                           "'-9223372036854775809'"},
        {"{ a(x: 1e999) }", "line 1, column 8: expected a smaller number, found '1e999'"},
        {"{ a(x: \"abc\n\") }",
         "line 1, column 8: a text that begins here does not end: expected '\"'"},
        {"{ a(x: \"\"\"b\"\"\") }",
         "line 1, column 8: block texts (\"\"\") are not supported: use \"...\" "
         "with \\n"},
        {"{ a(x: \"a\\x\") }",
         "line 1, column 10: expected an escape: \\\" \\\\ \\/ \\b \\f \\n \\r \\t or "
         "\\u and four digits"},
        {"{ a(x: \"\\ud800\") }",
         "line 1, column 9: expected an escape: \\\" \\\\ \\/ \\b \\f \\n \\r \\t or "
         "\\u and four digits"},
        {"{ a @ }", "line 1, column 7: expected a directive's name behind '@', found '}'"},
        {"{ a(x: $) }", "line 1, column 8: expected a variable's name behind '$'"},
        {"{ ...frag }",
         "line 1, column 6: expected 'on' and a type's name (named fragments are not "
         "supported), found 'frag'"},
        {"{ a { ... on T } }",
         "line 1, column 16: expected '{' and what is selected of that type, found "
         "'}'"},
        {"{ a; }", "line 1, column 4: ';' is no part of the language"},
        {"{ \x01 }", "line 1, column 3: the octet 0x01 is no part of the language"},
        {"{a{b{c{d{e}}}}}", "line 1, column 9: selections in each other are at most 4 deep"},
        {"{ a: }", "line 1, column 6: expected a property or an edge, found '}'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct garden__query_document document;
        struct garden_arena arena;
        struct garden_error error = {0};
        garden_arena_init(&arena, NULL, 0);
        const int result = garden__query_parse(&document, garden_text_of(cases[i].text), DEPTH_MAX,
                                               &arena, &error);
        garden_arena_fini(&arena);
        if (result >= 0) fail_msg("%s is not refused", cases[i].text);
        assert_string_equal(error.text, cases[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_in_order_with_their_parents),
        cmocka_unit_test(test_what_is_malformed_is_told_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
