// Queries over the numbers: what each part of the language means, what is refused and in which words, and
// that limits, a lack of memory and an end in the midst of it leave nothing behind.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query_numbers.h"

struct asked {
    struct zmtp_budget budget;
    struct garden_arena arena;
    struct garden_query_config config;
    struct garden_error error;
};

static int setup(void **state)
{
    static struct asked asked;
    zmtp_budget_init(&asked.budget, zmtp_heap());
    garden_arena_init(&asked.arena, &asked.budget.allocator, 0);
    garden_query_config_init(&asked.config);
    asked.config.schema = &numbers_schema;
    asked.config.adapter = &numbers_adapter;
    asked.config.allocator = &asked.budget.allocator;
    asked.error = (struct garden_error){0};
    *state = &asked;
    return 0;
}

static int teardown(void **state)
{
    struct asked *asked = *state;
    garden_arena_fini(&asked->arena);
    return asked->budget.bytes == 0 && asked->budget.blocks == 0 && numbers_open == 0 ? 0 : -1;
}

// Runs |text| with |variables|, which is JSON or null. The rows as JSON are appended to |out|, one behind
// the other; a negative result comes with |asked->error|.
static int ask(struct asked *asked, const char *text, const char *variables,
               struct garden_buffer *out)
{
    struct garden_value values = garden_value_map(NULL, 0), row;
    struct garden_query *query;
    if (variables &&
        garden_json_decode((struct zmtp_bytes){(const uint8_t *)variables, strlen(variables)},
                           &asked->arena, &values, NULL) < 0)
        fail_msg("%s is no JSON", variables);
    int result =
        garden_query_open(&query, &asked->config, garden_text_of(text), &values.map, &asked->error);
    if (result < 0) return result;
    while ((result = garden_query_next(query, &asked->arena, &row, &asked->error)) > 0)
        if (garden_json_encode(&row, out) < 0) fail_msg("a row cannot be written");
    const int again = garden_query_next(query, &asked->arena, &row, NULL);
    assert_int_equal(again, result); // it stays at its end
    garden_query_close(query);
    return result;
}

static void check(void **state, const char *text, const char *variables, const char *rows)
{
    struct garden_buffer out;
    struct asked *asked = *state;
    garden_buffer_init(&out, NULL, 0);
    if (ask(asked, text, variables, &out) < 0) fail_msg("%s: %s", text, asked->error.text);
    assert_int_equal(garden_buffer_append(&out, "", 1), GARDEN_OK);
    assert_string_equal((const char *)out.data, rows);
    garden_buffer_fini(&out);
}

static void refused(void **state, const char *text, const char *variables, const char *why)
{
    struct garden_buffer out;
    struct asked *asked = *state;
    garden_buffer_init(&out, NULL, 0);
    const int result = ask(asked, text, variables, &out);
    garden_buffer_fini(&out);
    if (result >= 0) fail_msg("%s is not refused", text);
    assert_int_equal(asked->error.code, result);
    assert_string_equal(asked->error.text, why);
}

static void test_outputs_are_named_by_themselves_their_alias_and_those_of_their_edges(void **state)
{
    check(state, "{ Number(max: 1) { value @output } }", NULL, "{\"value\":0}{\"value\":1}");
    check(state,
          "query Q { Number(min: 2, max: 2) { value @output(name: \"v\") name @output half "
          "@output even @output letters @output t: text @output __typename @output } }",
          NULL,
          "{\"v\":2,\"name\":\"even 2\",\"half\":1.0,\"even\":true,\"letters\":[\"a\",\"b\"],"
          "\"t\":\"n2\",\"__typename\":\"Prime\"}");
    check(state,
          "{ One { value @output a_: next { value @output b_: previous { value @output } } } }",
          NULL,
          "{\"value\":1,\"a_value\":2,\"a_b_value\":1}{\"value\":1,\"a_value\":3,\"a_b_value\":2}");
}

static void test_operators_filter(void **state)
{
    static const struct {
        const char *filter, *variables, *rows;
    } cases[] = {
        {"value @filter(op: \"=\", value: [\"$x\"])", "{\"x\":3}", "{\"v\":3}"},
        {"value @filter(op: \"=\", value: [\"$x\"])", "{\"x\":3.0}", "{\"v\":3}"},
        {"value @filter(op: \"!=\", value: [\"$x\"])", "{\"x\":1}", "{\"v\":0}{\"v\":2}{\"v\":3}"},
        {"half @filter(op: \"<\", value: [\"$x\"])", "{\"x\":1}", "{\"v\":0}{\"v\":1}"},
        {"half @filter(op: \"<=\", value: [\"$x\"])", "{\"x\":0.5}", "{\"v\":0}{\"v\":1}"},
        {"value @filter(op: \">\", value: [\"$x\"])", "{\"x\":2}", "{\"v\":3}"},
        {"value @filter(op: \">=\", value: [\"$x\"])", "{\"x\":18446744073709551615}", ""},
        {"text @filter(op: \">=\", value: [\"$x\"])", "{\"x\":\"n2\"}", "{\"v\":2}{\"v\":3}"},
        {"value @filter(op: \"one_of\", value: [\"$x\"])", "{\"x\":[3,0]}", "{\"v\":0}{\"v\":3}"},
        {"name @filter(op: \"one_of\", value: [\"$x\"])", "{\"x\":[null]}", "{\"v\":1}{\"v\":3}"},
        {"value @filter(op: \"not_one_of\", value: [\"$x\"])", "{\"x\":[3,0]}",
         "{\"v\":1}{\"v\":2}"},
        {"letters @filter(op: \"contains\", value: [\"$x\"])", "{\"x\":\"b\"}",
         "{\"v\":2}{\"v\":3}"},
        {"letters @filter(op: \"not_contains\", value: [\"$x\"])", "{\"x\":\"b\"}",
         "{\"v\":0}{\"v\":1}"},
        {"letters @filter(op: \"=\", value: [\"$x\"])", "{\"x\":[\"a\"]}", "{\"v\":1}"},
        {"name @filter(op: \"has_prefix\", value: [\"$x\"])", "{\"x\":\"even\"}",
         "{\"v\":0}{\"v\":2}"},
        {"name @filter(op: \"not_has_prefix\", value: [\"$x\"])", "{\"x\":\"even\"}",
         "{\"v\":1}{\"v\":3}"},
        {"name @filter(op: \"has_suffix\", value: [\"$x\"])", "{\"x\":\" 2\"}", "{\"v\":2}"},
        {"name @filter(op: \"not_has_suffix\", value: [\"$x\"])", "{\"x\":\" 2\"}",
         "{\"v\":0}{\"v\":1}{\"v\":3}"},
        {"name @filter(op: \"has_substring\", value: [\"$x\"])", "{\"x\":\"n 0\"}", "{\"v\":0}"},
        {"name @filter(op: \"not_has_substring\", value: [\"$x\"])", "{\"x\":\"n\"}",
         "{\"v\":1}{\"v\":3}"},
        {"text @filter(op: \"has_substring\", value: [\"$x\"])", "{\"x\":\"\"}",
         "{\"v\":0}{\"v\":1}{\"v\":2}{\"v\":3}"},
        {"text @filter(op: \"regex\", value: [\"$x\"])", "{\"x\":\"^n[12]$\"}",
         "{\"v\":1}{\"v\":2}"},
        {"name @filter(op: \"not_regex\", value: [\"$x\"])", "{\"x\":\"0\"}",
         "{\"v\":1}{\"v\":2}{\"v\":3}"},
        {"name @filter(op: \"is_null\")", NULL, "{\"v\":1}{\"v\":3}"},
        {"name @filter(op: \"is_not_null\")", NULL, "{\"v\":0}{\"v\":2}"},
        {"name @filter(op: \"!=\", value: [\"$x\"])", "{\"x\":null}", "{\"v\":0}{\"v\":2}"},
        {"even @filter(op: \"=\", value: [\"$x\"])", "{\"x\":false}", "{\"v\":1}{\"v\":3}"},
        {"id @filter(op: \"=\", value: [\"$x\"])", "{\"x\":\"id-2\"}", "{\"v\":2}"},
        {"__typename @filter(op: \"=\", value: [\"$x\"])", "{\"x\":\"Prime\"}",
         "{\"v\":2}{\"v\":3}"},
        {"half @tag text @tag value @filter(op: \">=\", value: [\"%half\"]) id @filter(op: \"!=\", "
         "value: [\"%text\"])",
         NULL, "{\"v\":0}{\"v\":1}{\"v\":2}{\"v\":3}"},
        {"text @tag text @filter(op: \"regex\", value: [\"%text\"])", NULL,
         "{\"v\":0}{\"v\":1}{\"v\":2}{\"v\":3}"},
    };
    char text[512];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        (void)snprintf(text, sizeof text, "{ Number(max: 3) { %s v: value @output } }",
                       cases[i].filter);
        check(state, text, cases[i].variables, cases[i].rows);
    }
}

static void test_edges_multiply_rows_and_take_parameters(void **state)
{
    check(state,
          "{ Number(min: 1, max: 6) { value @output divisor(min: 3) { d: value @output } } }", NULL,
          "{\"value\":3,\"d\":3}{\"value\":4,\"d\":4}{\"value\":5,\"d\":5}{\"value\":6,\"d\":3}"
          "{\"value\":6,\"d\":6}");
    check(state, "{ Number(max: $to) { value @output divisor(min: $from) } }",
          "{\"to\":4,\"from\":2}", "{\"value\":2}{\"value\":3}{\"value\":4}{\"value\":4}");
}

static void test_what_is_optional_leaves_nulls_that_no_filter_sees(void **state)
{
    check(state,
          "{ Number(max: 1) { value @output previous @optional { p: value @output "
          "previous { pp: value @output } } } }",
          NULL, "{\"value\":0,\"p\":null,\"pp\":null}");
    check(state,
          "{ Number(max: 2) { value @output previous @optional { p: value @output @filter(op: "
          "\">\", value: [\"$z\"]) } } }",
          "{\"z\":0}", "{\"value\":0,\"p\":null}{\"value\":2,\"p\":1}");
    check(state,
          "{ Number(max: 1) { value @output previous @optional { value @tag(name: \"p\") } next "
          "{ n: value @output @filter(op: \"<=\", value: [\"%p\"]) } } }",
          NULL, "{\"value\":0,\"n\":1}{\"value\":0,\"n\":2}");
    check(state,
          "{ Number(max: 1) { value @output previous @optional { previous @fold @transform(op: "
          "\"count\") @output @filter(op: \"=\", value: [\"$c\"]) { v: value @output } } } }",
          "{\"c\":0}",
          "{\"value\":0,\"previouscount\":null,\"v\":null}"
          "{\"value\":1,\"previouscount\":0,\"v\":[]}");
}

static void test_a_recursion_tells_each_vertex_before_those_behind_it(void **state)
{
    check(state, "{ Number(max: 0) { next @recurse(depth: 2) { value @output } } }", NULL,
          "{\"value\":0}{\"value\":1}{\"value\":2}{\"value\":3}{\"value\":2}{\"value\":3}{"
          "\"value\":4}");
    check(state,
          "{ Number(min: 3, max: 3) { previous @recurse(depth: 100) { value @output @filter(op: "
          "\"<\", value: [\"$z\"]) } } }",
          "{\"z\":2}", "{\"value\":1}{\"value\":0}");
    check(state,
          "{ Number(max: 1) { previous @optional { previous @recurse(depth: 2) { value "
          "@output } } } }",
          NULL, "{\"value\":null}{\"value\":0}");
}

static void test_folds_gather_and_count(void **state)
{
    check(state, "{ Number(max: 4) { value @output divisor @fold { d: value @output } } }", NULL,
          "{\"value\":0,\"d\":[]}{\"value\":1,\"d\":[1]}{\"value\":2,\"d\":[1,2]}"
          "{\"value\":3,\"d\":[1,3]}{\"value\":4,\"d\":[1,2,4]}");
    check(state,
          "{ Number(max: 12) { value @output divisor @fold @transform(op: \"count\") @output(name: "
          "\"n\") @filter(op: \">\", value: [\"$n\"]) } }",
          "{\"n\":4}", "{\"value\":12,\"n\":6}");
    check(state,
          "{ Number(min: 4, max: 4) { divisor @fold { d: value @output x: divisor @fold "
          "@transform(op: \"count\") @output { dd: text @output } } } }",
          NULL,
          "{\"d\":[1,2,4],\"xcount\":[1,2,3],\"xdd\":[[\"n1\"],[\"n1\",\"n2\"],"
          "[\"n1\",\"n2\",\"n4\"]]}");
    check(state,
          "{ Number(max: 3) { value @output @tag divisor @fold @transform(op: \"count\") "
          "@tag(name: \"c\") next @fold { n: value @output @filter(op: \"!=\", value: "
          "[\"%c\"]) m: half @filter(op: \">\", value: [\"%value\"]) } } }",
          NULL,
          "{\"value\":0,\"n\":[1,2]}{\"value\":1,\"n\":[3]}{\"value\":2,\"n\":[]}"
          "{\"value\":3,\"n\":[]}");
}

static void test_coercions_choose(void **state)
{
    check(state, "{ Number(max: 5) { ... on Prime { value @output } } }", NULL,
          "{\"value\":2}{\"value\":3}{\"value\":5}");
    check(state,
          "{ Number(max: 5) { v: value @output previous @optional { ... on Composite { value "
          "@output @filter(op: \">\", value: [\"$x\"]) } } } }",
          "{\"x\":0}", "{\"v\":0,\"value\":null}{\"v\":2,\"value\":1}{\"v\":5,\"value\":4}");
}

static void test_wrong_names_are_told_with_their_place_and_the_nearest(void **state)
{
    refused(state, "", NULL, "line 1, column 1: expected '{', found the end of the query");
    refused(state, "{ Number(max: 3) { valeu @output } }", NULL,
            "line 1, column 20: Number has no property or edge 'valeu'; did you mean 'value'?");
    refused(state, "{\n  Nubmer(max: 3) { value @output }\n}", NULL,
            "line 2, column 3: no query begins with 'Nubmer'; did you mean 'Number'?");
    refused(state, "{ Number(max: 1) { nonsense @output } }", NULL,
            "line 1, column 20: Number has no property or edge 'nonsense'; there are value, name, "
            "text, id, half, "
            "even, letters, next, previous, divisor");
    refused(state, "{ Number(max: 3) { value @ouput } }", NULL,
            "line 1, column 26: there is no directive @ouput; did you mean 'output'?");
    refused(state, "{ Number(mx: 3) { value @output } }", NULL,
            "line 1, column 10: 'Number' has no parameter 'mx'; did you mean 'max'?");
    refused(state, "{ Number { value @output } }", NULL,
            "line 1, column 3: 'Number' needs the parameter 'max: Int!'");
    refused(state, "{ Number(max: \"x\") { value @output } }", NULL,
            "line 1, column 15: max must be Int!, and is a String");
}

static void test_wrong_filters_are_told_with_their_place(void **state)
{
    refused(state, "{ One { value @filter(op: \"has_prefx\", value: [\"$x\"]) @output } }", NULL,
            "line 1, column 27: there is no operator 'has_prefx'; did you mean 'has_prefix'?");
    refused(state, "{ One { value @filter(op: \"regex\", value: [\"$x\"]) @output } }",
            "{\"x\":\"\"}",
            "line 1, column 15: the operator regex is for texts, and 'value' is Int!");
    refused(state, "{ One { text @filter(op: \"regex\", value: [\"$x\"]) @output } }",
            "{\"x\":\"(?=a)\"}",
            "line 1, column 42: $x: the regular expression, character 3: looking around is not "
            "supported, as no linear time has it");
    refused(state, "{ One { value @filter(op: \"=\", value: [\"$x\"]) @output } }", NULL,
            "line 1, column 39: the variable $x was not given a value");
    refused(state, "{ One { value @filter(op: \"=\", value: [\"$x\"]) @output } }", "{\"x\":\"3\"}",
            "line 1, column 39: $x must be Int!, and is a String");
    refused(state, "{ One { value @filter(op: \"one_of\", value: [\"$x\"]) @output } }",
            "{\"x\":[1,null]}", "line 1, column 44: $x must be [Int!]!, and an item of it is null");
    refused(state, "{ One { value @output } }", "{\"x\":3}",
            "the query does not use the variable $x that it was given");
    refused(state, "{ One { value @filter(op: \"=\", value: [\"3\"]) @output } }", NULL,
            "line 1, column 39: expected a variable or a tag as a list: value: [\"$name\"] or "
            "[\"%name\"]");
    refused(state, "{ One { value @filter(op: \"is_null\") @output } }", NULL,
            "line 1, column 15: the operator is_null is for what can be null, and 'value' is Int!");
    refused(state, "{ One { value @filter(op: \"=\", value: [\"%t\"]) @output } }", NULL,
            "line 1, column 39: no @tag before this place makes a tag 't'");
}

static void test_what_is_wrong_is_told_with_its_place(void **state)
{
    refused(state, "{ One { next @fold @transform(op: \"count\") @tag value @output } }", NULL,
            "line 1, column 44: the tag of a count needs a name: @tag(name: \"...\")");
    refused(
        state, "{ One { value @tag text @output } }", NULL,
        "line 1, column 15: the tag 'value' is never used: expected a filter with [\"%value\"]");
    refused(state, "{ One { text @tag value @output @filter(op: \"=\", value: [\"%text\"]) } }",
            NULL, "line 1, column 57: the tag 'text' is String!, and must be Int! here");
    refused(state,
            "{ One { next @fold { value @tag } text @output value @filter(op: \"=\", value: "
            "[\"%value\"]) } }",
            NULL,
            "line 1, column 78: the tag 'value' is made inside a @fold and not seen outside of it");
    refused(state, "{ One { value @output value @output } }", NULL,
            "line 1, column 29: there is an output 'value' already, in line 1: @output(name: ...)");
    refused(state, "{ One { value } }", NULL,
            "line 1, column 3: the query tells nothing: expected an @output");
    refused(state, "{ One { next @output { value @output } } }", NULL,
            "line 1, column 14: @output is not for an edge; for counts: @fold @transform(op: "
            "\"count\") before it");
    refused(state, "{ One { value { text @output } } }", NULL,
            "line 1, column 17: 'value' is a property and nothing can be selected of it");
    refused(
        state, "{ One { value @output ... on Prime { text @output } } }", NULL,
        "line 1, column 23: '... on Prime' must be all that is selected of a vertex: expected the "
        "rest inside of it");
    refused(state, "{ One { ... on Prim { text @output } } }", NULL,
            "line 1, column 9: there is no type 'Prim'; did you mean 'Prime'?");
    refused(
        state, "{ One { ... on Prime { next { ... on Query { text @output } } } } }", NULL,
        "line 1, column 31: '... on Query' cannot be here, as Number is an interface that it has "
        "not");
    refused(state, "{ One { value @output } One { value @output } }", NULL,
            "line 1, column 25: expected '}': a query begins with one edge only");
    refused(state, "{ One { next @recurse(depth: 0) { value @output } } }", NULL,
            "line 1, column 14: expected @recurse(depth: n), where n is 1 or more");
    refused(
        state, "query ($x: Int) { One { value @output } }", NULL,
        "line 1, column 7: expected '{': variables are not declared, their types come from where "
        "they are used");
    refused(state, "{ One { value @output", NULL,
            "line 1, column 22: expected a property or an edge, '...' or '}', found the end of the "
            "query");
    refused(state, "{ Number(max: 1001) { value @output } }", NULL,
            "line 1, column 3: numbers are from 0 to 1000");
    refused(state, "{ Broken { value @output } }", NULL,
            "line 1, column 3: this cannot be done in the present state");
}

static void test_limits_are_kept(void **state)
{
    struct asked *asked = *state;
    asked->config.text_max = 30;
    refused(state, "{ One { value @output text @output } }", NULL,
            "the query has 38 octets, and may have at most 30");
    asked->config.text_max = 1 << 20;
    asked->config.depth_max = 3;
    check(state, "{ One { previous { value @output } } }", NULL, "{\"value\":0}");
    refused(state, "{ One { next { next { value @output } } } }", NULL,
            "line 1, column 21: selections in each other are at most 3 deep");
    asked->config.recurse_max = 4;
    refused(state, "{ One { next @recurse(depth: 5) { value @output } } }", NULL,
            "line 1, column 30: @recurse goes at most 4 deep");
    asked->config.depth_max = 0; // the default
    asked->config.memory_max = 64 * 1024;
    refused(state, "{ Number(max: 1000) { divisor @fold { next @fold { id @output } } } }", NULL,
            "the query needs more memory than it may");
}

static int end_after(void *user)
{
    int *left = user;
    return --*left < 0 ? GARDEN_ERR_TIMEOUT : GARDEN_OK;
}

static void test_a_query_can_be_ended_in_the_midst_of_it(void **state)
{
    struct asked *asked = *state;
    int left = 3;
    asked->config.check = end_after;
    asked->config.check_user = &left;
    refused(state,
            "{ Number(max: 1000) { next { next { next { next @fold @transform(op: \"count\") "
            "@filter(op: \"=\", value: [\"$x\"]) value @output } } } } }",
            "{\"x\":77}", "the query was ended before it was done");
}

static void test_rows_are_made_when_they_are_asked_for(void **state)
{
    struct asked *asked = *state;
    struct garden_query *query;
    struct garden_value row;
    // All of it would be 2^64 rows.
    assert_int_equal(garden_query_open(&query, &asked->config,
                                       garden_text_of("{ One { next @recurse(depth: 64) { value "
                                                      "@output } } }"),
                                       NULL, &asked->error),
                     GARDEN_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(garden_query_next(query, &asked->arena, &row, &asked->error), 1);
    garden_query_close(query);
}

static void test_without_memory_a_query_fails_and_leaves_nothing(void **state)
{
    struct asked *asked = *state;
    const char *text =
        "{ Number(max: 40) { value @output n: next @optional { text @output @filter(op: "
        "\"regex\", value: [\"$r\"]) } divisor @fold @transform(op: \"count\") @output { "
        "id @output } previous @recurse(depth: 3) { half @output } } }";
    struct garden_entry r =
        garden_entry_of("r", garden_value_text(garden_text_of("1(a|b|9){0,3}$")));
    const struct garden_map variables = {&r, 1};
    bool whole = false;
    for (size_t max = 0; !whole; max += 1024) {
        struct zmtp_budget budget;
        struct garden_arena arena;
        struct garden_query *query = NULL;
        struct garden_value row;
        zmtp_budget_init(&budget, zmtp_heap());
        budget.bytes_max = max;
        asked->config.allocator = &budget.allocator;
        garden_arena_init(&arena, &budget.allocator, 0);
        int result =
            garden_query_open(&query, &asked->config, garden_text_of(text), &variables, NULL);
        if (result == GARDEN_OK)
            while ((result = garden_query_next(query, &arena, &row, NULL)) > 0)
                continue;
        whole = result == 0;
        if (!whole) assert_int_equal(result, GARDEN_ERR_MEMORY);
        garden_query_close(query);
        garden_arena_fini(&arena);
        assert_int_equal(budget.bytes, 0);
        assert_int_equal(numbers_open, 0);
    }
    asked->config.allocator = &asked->budget.allocator;
}

// So large that each of its tables grows beyond a block of the arena, and each of these is missing once.
static void test_a_large_query_that_finds_no_memory_says_so_wherever_that_is(void **state)
{
    struct asked *asked = *state;
    struct garden_buffer text;
    char part[512];
    garden_buffer_init(&text, NULL, 0);
    assert_int_equal(garden_buffer_append(&text, "{ Number(max: 1) { ", 19), GARDEN_OK);
    for (int i = 0; i < 300; i++) {
        const int size = snprintf(
            part, sizeof part,
            "o%d: value @output @tag(name: \"t%d\") @filter(op: \"one_of\", value: [\"$l\"]) "
            "e%d: next @optional { value @output @filter(op: \">\", value: [\"%%t%d\"]) } "
            "c%d: previous { ... on Prime { half @output } } "
            "f%d: divisor @fold @transform(op: \"count\") @output { id @output } ",
            i, i, i, i, i, i);
        assert_int_equal(garden_buffer_append(&text, part, (size_t)size), GARDEN_OK);
    }
    assert_int_equal(garden_buffer_append(&text, "} }", 3), GARDEN_OK);
    const struct zmtp_bytes octets = garden_buffer_bytes(&text);
    struct garden_value one = garden_value_uint(1);
    struct garden_entry l = garden_entry_of("l", garden_value_list(&one, 1));
    const struct garden_map variables = {&l, 1};
    asked->config.text_max = octets.size;
    bool whole = false;
    size_t told = 0;
    for (uint64_t n = 1; !whole; n++) {
        struct zmtp_budget budget;
        struct garden_query *query = NULL;
        zmtp_budget_init(&budget, zmtp_heap());
        budget.fail_at = n;
        asked->config.allocator = &budget.allocator;
        asked->error.text[0] = '\0';
        const int result = garden_query_open(
            &query, &asked->config, (struct garden_text){(const char *)octets.data, octets.size},
            &variables, &asked->error);
        whole = result == GARDEN_OK;
        if (!whole && result != GARDEN_ERR_MEMORY) fail_msg("%d: %s", result, asked->error.text);
        if (!whole) assert_null(query);
        if (!whole && strstr(asked->error.text, "no memory for so large a query")) told++;
        if (!whole) assert_true(asked->error.text[0] != '\0');
        garden_query_close(query);
        assert_int_equal(budget.bytes, 0);
    }
    assert_true(told > 5);
    asked->config.allocator = &asked->budget.allocator;
    garden_buffer_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_outputs_are_named_by_themselves_their_alias_and_those_of_their_edges, setup,
            teardown),
        cmocka_unit_test_setup_teardown(test_operators_filter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_edges_multiply_rows_and_take_parameters, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_is_optional_leaves_nulls_that_no_filter_sees,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_recursion_tells_each_vertex_before_those_behind_it,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_folds_gather_and_count, setup, teardown),
        cmocka_unit_test_setup_teardown(test_coercions_choose, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_names_are_told_with_their_place_and_the_nearest,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_filters_are_told_with_their_place, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_is_wrong_is_told_with_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_query_can_be_ended_in_the_midst_of_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_rows_are_made_when_they_are_asked_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_without_memory_a_query_fails_and_leaves_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            test_a_large_query_that_finds_no_memory_says_so_wherever_that_is, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
