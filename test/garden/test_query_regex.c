// Regular expressions: what they match, what is refused, and that no pattern takes longer than its size
// times the text's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "garden/query/plan.h"

static int compile(const char *pattern, struct garden_arena *arena, struct garden__regex **out,
                   struct garden_error *error)
{
    garden_arena_init(arena, NULL, 0);
    return garden__regex_compile(out, garden_text_of(pattern), arena, error);
}

static const struct {
    const char *pattern, *yes[4], *no[4];
} patterns[] = {
    {"", {"", "a"}, {NULL}},
    {"a|b|cd", {"xa", "bx", "cd"}, {"c", "d", ""}},
    {"^(foo|bar)+$", {"foo", "foobar"}, {"", "fo", "xfoo", "foox"}},
    {"^a{2,3}$", {"aa", "aaa"}, {"a", "aaaa"}},
    {"^a{2,}$", {"aa", "aaaaa"}, {"a"}},
    {"^a{2}$", {"aa"}, {"a", "aaa"}},
    {"^(ab|c){0,2}d", {"d", "abd", "cabd"}, {"ababab", "cccd"}},
    {"^x{0}y$", {"y"}, {"xy"}},
    {"^(a*)*$", {"", "aaa"}, {"ab"}},
    {"^(|a)+b", {"b", "aab"}, {"c"}},
    {"a??b*?c+?", {"c", "abc"}, {"ab"}},
    {"(?i)hel{2}o", {"HELLO", "Hello"}, {"helo"}},
    {"(?i:A)b", {"ab", "Ab"}, {"aB"}},
    {"a(?i)b|c", {"aB", "C"}, {"AB"}},
    {"(a(?i)b)c", {"aBc"}, {"aBC"}},
    {"(?i)[a-c]+[^x-z]", {"AB", "aq"}, {"AX", "x"}},
    {"(?s)a.b", {"a\nb"}, {"ab"}},
    {"a.b",
     {"axb", "a\xc3\xa9"
             "b"},
     {"a\nb", "ab"}},
    {"(?m)^b$", {"a\nb\nc", "b"}, {"ab"}},
    {"^b$", {"b"}, {"a\nb"}},
    {"\\Ab\\z", {"b"}, {"b\n"}},
    {"\\bfoo\\b", {"a foo.", "foo"}, {"foot", "_foo"}},
    {"o\\B", {"fot"}, {"fo"}},
    {"^\\d+\\s\\w+$", {"12 a_9"}, {"a b", "1 -"}},
    {"^\\D\\S\\W$", {"ab-"}, {"1b-", "a -", "abc"}},
    {"[\\d\\s]x", {"1x", " x"}, {"ax"}},
    {"[^\\D]", {"a1"}, {"ab"}},
    {"^[]a]+$", {"]a"}, {"b"}},
    {"^[^]a]$", {"b"}, {"]", "a"}},
    {"^[a-]$", {"-", "a"}, {"b"}},
    {"^[[:alpha:][:^ascii:]-]+$", {"aZ-\xc3\xa9"}, {"1"}},
    {"[[:xdigit:]]{2}", {"fF", "09"}, {"0g"}},
    {"\\x41\\x{42}\\u0043\\U00000044", {"ABCD"}, {"abcd"}},
    {"\\.\\*\\[\\{\\/", {".*[{/"}, {"x*[{/"}},
    {"^\\t\\n\\r$", {"\t\n\r"}, {"tnr"}},
    {"(?P<n>a)(?<m>b)", {"ab"}, {"ba"}},
    {"\xc3\xa9+", {"\xc3\xa9\xc3\xa9"}, {"e"}},
    {"[\xc3\xa0-\xc3\xaf]", {"\xc3\xa9"}, {"\xc3\xb0"}},
    {"((a|b)|(c|d))e", {"ae", "de"}, {"e"}},
};

static void test_patterns_match_as_rusts_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct garden_arena arena;
        struct garden__regex *regex;
        struct garden_error error = {0};
        if (compile(patterns[i].pattern, &arena, &regex, &error) < 0)
            fail_msg("%s: %s", patterns[i].pattern, error.text);
        for (size_t j = 0; j < 4; j++) {
            if (patterns[i].yes[j] &&
                !garden__regex_match(regex, garden_text_of(patterns[i].yes[j]), NULL))
                fail_msg("%s does not match '%s'", patterns[i].pattern, patterns[i].yes[j]);
            if (patterns[i].no[j] &&
                garden__regex_match(regex, garden_text_of(patterns[i].no[j]), NULL))
                fail_msg("%s matches '%s'", patterns[i].pattern, patterns[i].no[j]);
        }
        garden_arena_fini(&arena);
    }
}

static void test_what_is_not_supported_or_malformed_is_told_with_its_place(void **state)
{
    static const struct {
        const char *pattern, *why;
    } cases[] = {
        {"(?=a)", "character 3: looking around"},
        {"a(?<!b)", "character 4: looking around"},
        {"(a)\\1", "character 6: back references"},
        {"\\pL", "character 3: Unicode's classes"},
        {"\\q", "character 3: there is no such escape"},
        {"[[a]]", "character 2: classes in classes"},
        {"[a&&b]", "character 3: classes in classes"},
        {"[a", "character 3: a class does not end"},
        {"[z-a]", "character 5: a range must end"},
        {"[[:foo:]]", "character 2: expected a class such as [:alpha:]"},
        {"(a", "character 3: a group does not end"},
        {"\xc3\xa9)", "character 2: a ')' without its '('"},
        {"*a", "character 2: there is nothing to repeat"},
        {"a|+", "character 4: there is nothing to repeat"},
        {"a{x}", "character 3: expected {n}, {n,} or {n,m}"},
        {"a{3,2}", "character 7: a repetition's bounds"},
        {"a{1001}", "character 8: it repeats more than 1000 times"},
        {"(a{1000}){1000}", "it repeats too much"},
        {"(?x)a", "character 3: expected flags"},
        {"(?", "character 3: expected flags"},
        {"\\x{110000}", "expected a character's hexadecimal digits"},
        {"\\", "character 2: expected something behind the backslash"},
        {"(?P<a", "expected a group's name"},
        {"((((((((((((((((((((((((((((((((((a", "its groups are too deep"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct garden_arena arena;
        struct garden__regex *regex;
        struct garden_error error = {0};
        const int result = compile(cases[i].pattern, &arena, &regex, &error);
        garden_arena_fini(&arena);
        if (result >= 0) fail_msg("%s is not refused", cases[i].pattern);
        assert_int_equal(error.code, result);
        if (!strstr(error.text, cases[i].why))
            fail_msg("%s: %s, not %s", cases[i].pattern, error.text, cases[i].why);
    }
}

// Where going back would try 2^1000 ways; it is done, or the test does not end.
static void test_no_pattern_explodes(void **state)
{
    static const char *const bad[] = {"(a*)*b", "(a|a)*b", "(a|aa)+$b", "(.*)(.*)(.*)(.*)c"};
    char text[1000];
    (void)state;
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct garden_arena arena;
        struct garden__regex *regex;
        struct garden_error error;
        assert_int_equal(compile(bad[i], &arena, &regex, &error), GARDEN_OK);
        assert_false(garden__regex_match(regex, (struct garden_text){text, sizeof text}, NULL));
        garden_arena_fini(&arena);
    }
}

// What a dear class, many ways, or a pattern that comes from the data cost is asked about as it goes.
static int one_more(void *user)
{
    unsigned *left = user;
    return (*left)-- > 0 ? 0 : GARDEN_ERR_TIMEOUT;
}

static void test_a_match_ends_when_its_time_is_over(void **state)
{
    static const char *const dear[] = {"(a?){1000}(a?){1000}b",
                                       "[b-zb-zb-zb-zb-zb-z]{1000}|a{1000}b"};
    static char text[100000];
    (void)state;
    memset(text, 'a', sizeof text);
    const struct garden_text all = {text, sizeof text};
    for (size_t i = 0; i < sizeof dear / sizeof *dear; i++) {
        struct garden_arena arena;
        struct garden__regex *regex;
        struct garden_error error;
        unsigned left = 3;
        struct garden__query_meter meter = {0, one_more, &left};
        assert_int_equal(compile(dear[i], &arena, &regex, &error), GARDEN_OK);
        assert_int_equal(garden__regex_match(regex, all, &meter), GARDEN_ERR_TIMEOUT);
        garden_arena_fini(&arena);
    }
}

static void test_a_search_or_a_pattern_from_the_data_ends_when_its_time_is_over(void **state)
{
    static char text[100000];
    (void)state;
    memset(text, 'a', sizeof text);
    struct garden_value left = garden_value_text((struct garden_text){text, sizeof text});
    struct garden_value part = garden_value_text((struct garden_text){text + 50000, 50000});
    struct garden_value pattern = garden_value_text(garden_text_of("(a?){1000}(a?){1000}b"));
    unsigned more = 3;
    struct garden__query_meter meter = {0, one_more, &more};
    assert_int_equal(garden__query_holds(GARDEN__QUERY_REGEX, &left, &pattern, NULL, &meter),
                     GARDEN_ERR_TIMEOUT);
    text[sizeof text - 1] = 'b';
    left.text.size -= 1;
    more = 3;
    assert_int_equal(garden__query_holds(GARDEN__QUERY_HAS_SUBSTRING, &left, &part, NULL, &meter),
                     GARDEN_ERR_TIMEOUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns_match_as_rusts_do),
        cmocka_unit_test(test_what_is_not_supported_or_malformed_is_told_with_its_place),
        cmocka_unit_test(test_no_pattern_explodes),
        cmocka_unit_test(test_a_match_ends_when_its_time_is_over),
        cmocka_unit_test(test_a_search_or_a_pattern_from_the_data_ends_when_its_time_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
