// @filter, @output and @tag, of properties and of counts.
#include <string.h>

#include "plan_build.h"

enum directive_takes {
    DIRECTIVE_TAKES_SAME,    // as the left side
    DIRECTIVE_TAKES_ORDERED, // the same, but never null
    DIRECTIVE_TAKES_ITEM,
    DIRECTIVE_TAKES_LIST,
    DIRECTIVE_TAKES_TEXT,
    DIRECTIVE_TAKES_NOTHING
};
struct directive_operator {
    const char *name;
    enum garden__query_op op;
    bool negated;
    enum directive_takes takes;
};
static const struct directive_operator directive_operators[] = {
    {"=", GARDEN__QUERY_EQUAL, false, DIRECTIVE_TAKES_SAME},
    {"!=", GARDEN__QUERY_EQUAL, true, DIRECTIVE_TAKES_SAME},
    {"<", GARDEN__QUERY_LESS, false, DIRECTIVE_TAKES_ORDERED},
    {"<=", GARDEN__QUERY_LESS_EQUAL, false, DIRECTIVE_TAKES_ORDERED},
    {">", GARDEN__QUERY_GREATER, false, DIRECTIVE_TAKES_ORDERED},
    {">=", GARDEN__QUERY_GREATER_EQUAL, false, DIRECTIVE_TAKES_ORDERED},
    {"one_of", GARDEN__QUERY_ONE_OF, false, DIRECTIVE_TAKES_LIST},
    {"not_one_of", GARDEN__QUERY_ONE_OF, true, DIRECTIVE_TAKES_LIST},
    {"contains", GARDEN__QUERY_CONTAINS, false, DIRECTIVE_TAKES_ITEM},
    {"not_contains", GARDEN__QUERY_CONTAINS, true, DIRECTIVE_TAKES_ITEM},
    {"has_prefix", GARDEN__QUERY_HAS_PREFIX, false, DIRECTIVE_TAKES_TEXT},
    {"not_has_prefix", GARDEN__QUERY_HAS_PREFIX, true, DIRECTIVE_TAKES_TEXT},
    {"has_suffix", GARDEN__QUERY_HAS_SUFFIX, false, DIRECTIVE_TAKES_TEXT},
    {"not_has_suffix", GARDEN__QUERY_HAS_SUFFIX, true, DIRECTIVE_TAKES_TEXT},
    {"has_substring", GARDEN__QUERY_HAS_SUBSTRING, false, DIRECTIVE_TAKES_TEXT},
    {"not_has_substring", GARDEN__QUERY_HAS_SUBSTRING, true, DIRECTIVE_TAKES_TEXT},
    {"regex", GARDEN__QUERY_REGEX, false, DIRECTIVE_TAKES_TEXT},
    {"not_regex", GARDEN__QUERY_REGEX, true, DIRECTIVE_TAKES_TEXT},
    {"is_null", GARDEN__QUERY_IS_NULL, false, DIRECTIVE_TAKES_NOTHING},
    {"is_not_null", GARDEN__QUERY_IS_NULL, true, DIRECTIVE_TAKES_NOTHING},
};

static bool directive_is_text(enum garden_query_scalar scalar)
{
    return scalar == GARDEN_QUERY_ID || scalar == GARDEN_QUERY_STRING;
}

static bool directive_is_number(enum garden_query_scalar scalar)
{
    return scalar == GARDEN_QUERY_INT || scalar == GARDEN_QUERY_FLOAT;
}

// ---- A filter's two sides

struct directive_filter {
    const struct directive_operator *operator_of;
    struct garden__query_place place, value_place;
    bool tag;
    struct garden_text name; // of the tag or the variable
};

static int directive_operator_find(struct garden__query_build *build,
                                   const struct garden__query_argument *argument,
                                   const struct directive_operator **out)
{
    struct garden_near near;
    char meant[GARDEN_NEAR_SIZE];
    if (argument->variable || argument->value.type != GARDEN_TEXT)
        return garden__query_fail(build->error, GARDEN_ERR_TYPE, argument->value_place,
                                  "expected an operator in quotes, such as \"=\" or \"one_of\"");
    garden_near_init(&near, argument->value.text);
    for (size_t i = 0; i < sizeof directive_operators / sizeof *directive_operators; i++) {
        *out = &directive_operators[i];
        if (garden_text_is(argument->value.text, (*out)->name)) return GARDEN_OK;
        garden_near_offer(&near, (*out)->name);
    }
    garden_near_text(&near, meant);
    return garden__query_fail(build->error, GARDEN_ERR_NOT_FOUND, argument->value_place,
                              "there is no operator '%.*s'%s", (int)argument->value.text.size,
                              argument->value.text.data, meant);
}

// value: ["$variable"] or ["%tag"].
static int directive_operand_name(struct garden__query_build *build,
                                  const struct garden__query_argument *argument,
                                  struct directive_filter *out)
{
    const struct garden_value *value = &argument->value;
    const bool good = !argument->variable && value->type == GARDEN_LIST && value->list.count == 1 &&
                      value->list.items[0].type == GARDEN_TEXT &&
                      value->list.items[0].text.size > 1;
    const struct garden_text text = good ? value->list.items[0].text : garden_text_of("");
    if (!good || (text.data[0] != '$' && text.data[0] != '%'))
        return garden__query_fail(build->error, GARDEN_ERR_TYPE, argument->value_place,
                                  "expected a variable or a tag as a list: value: [\"$name\"] or "
                                  "[\"%%name\"]");
    out->tag = text.data[0] == '%';
    out->name = (struct garden_text){text.data + 1, text.size - 1};
    return GARDEN_OK;
}

static int directive_filter_read(struct garden__query_build *build,
                                 const struct garden__query_directive *directive,
                                 struct directive_filter *out)
{
    const struct garden__query_argument *op = NULL, *value = NULL;
    *out = (struct directive_filter){.place = directive->place};
    for (size_t i = 0; i < directive->argument_count; i++) {
        const struct garden__query_argument *argument =
            &build->document->arguments[directive->argument + i];
        if (garden_text_is(argument->name, "op") && !op)
            op = argument;
        else if (garden_text_is(argument->name, "value") && !value)
            value = argument;
        else
            return garden__query_fail(build->error, GARDEN_ERR_NOT_FOUND, argument->place,
                                      "@filter takes op and value, once each, not '%.*s'",
                                      (int)argument->name.size, argument->name.data);
    }
    if (!op)
        return garden__query_fail(build->error, GARDEN_ERR_FORMAT, directive->place,
                                  "expected an operator: @filter(op: \"=\", value: [\"$name\"])");
    const int result = directive_operator_find(build, op, &out->operator_of);
    if (result < 0) return result;
    if (out->operator_of->takes == DIRECTIVE_TAKES_NOTHING) {
        const bool empty = value && !value->variable && value->value.type == GARDEN_LIST &&
                           value->value.list.count == 0; // as some write it
        if (value && !empty)
            return garden__query_fail(build->error, GARDEN_ERR_FORMAT, value->place,
                                      "the operator %s takes no value", out->operator_of->name);
        return GARDEN_OK;
    }
    if (!value)
        return garden__query_fail(build->error, GARDEN_ERR_FORMAT, directive->place,
                                  "the operator %s needs a value: [\"$name\"] or [\"%%name\"]",
                                  out->operator_of->name);
    out->value_place = value->value_place;
    return directive_operand_name(build, value, out);
}

// What the right side must be; an error when the left side is nothing for this operator.
static int directive_wanted(struct garden__query_build *build,
                            const struct directive_filter *filter,
                            const struct garden__query_subject *subject,
                            struct garden__query_shape *out)
{
    const struct garden__query_shape left = subject->operand.shape;
    const char *wrong = NULL;
    char shape[GARDEN__QUERY_SHAPE_SIZE];
    *out = (struct garden__query_shape){.scalar = left.scalar};
    switch (filter->operator_of->takes) {
    case DIRECTIVE_TAKES_SAME:
        *out = left;
        break;
    case DIRECTIVE_TAKES_ORDERED:
        if (left.list || left.scalar == GARDEN_QUERY_BOOLEAN) wrong = "numbers and texts";
        break;
    case DIRECTIVE_TAKES_ITEM:
        if (!left.list) wrong = "lists (the other way round is one_of)";
        break;
    case DIRECTIVE_TAKES_LIST:
        if (left.list) wrong = "what is no list (the other way round is contains)";
        out->list = true;
        out->items_nullable = left.nullable;
        break;
    case DIRECTIVE_TAKES_TEXT:
        if (left.list || !directive_is_text(left.scalar)) wrong = "texts";
        out->scalar = GARDEN_QUERY_STRING;
        break;
    case DIRECTIVE_TAKES_NOTHING:
        if (!left.nullable) wrong = "what can be null";
        break;
    }
    if (!wrong) return GARDEN_OK;
    garden__query_shape_text(left, shape);
    return garden__query_fail(
        build->error, GARDEN_ERR_TYPE, filter->place, "the operator %s is for %s, and '%.*s' is %s",
        filter->operator_of->name, wrong, (int)subject->name.size, subject->name.data, shape);
}

// Whether what is in the fold |inner| may see what is in |outer|.
static bool directive_sees(const struct garden__query_build *build, size_t inner, size_t outer)
{
    while (inner != outer && inner != GARDEN__QUERY_NONE)
        inner = build->plan->folds[inner].parent;
    return inner == outer;
}

static int directive_tag_operand(struct garden__query_build *build,
                                 const struct directive_filter *filter,
                                 const struct garden__query_subject *subject,
                                 struct garden__query_shape wanted,
                                 struct garden__query_operand *out)
{
    struct garden__query_tag *tag = NULL;
    char shapes[2][GARDEN__QUERY_SHAPE_SIZE];
    for (size_t i = 0; i < build->tag_count && !tag; i++)
        if (garden_text_equal(build->tags[i].name, filter->name)) tag = &build->tags[i];
    if (!tag)
        return garden__query_fail(build->error, GARDEN_ERR_NOT_FOUND, filter->value_place,
                                  "no @tag before this place makes a tag '%.*s'",
                                  (int)filter->name.size, filter->name.data);
    if (!directive_sees(build, subject->fold, tag->fold))
        return garden__query_fail(
            build->error, GARDEN_ERR_STATE, filter->value_place,
            "the tag '%.*s' is made inside a @fold and not seen outside of it",
            (int)filter->name.size, filter->name.data);
    const struct garden__query_shape given = tag->operand.shape;
    const bool alike = given.scalar == wanted.scalar ||
                       (directive_is_text(given.scalar) && directive_is_text(wanted.scalar)) ||
                       (directive_is_number(given.scalar) && directive_is_number(wanted.scalar));
    tag->used = true;
    *out = tag->operand;
    if (alike && given.list == wanted.list) return GARDEN_OK;
    garden__query_shape_text(given, shapes[0]);
    garden__query_shape_text(wanted, shapes[1]);
    return garden__query_fail(build->error, GARDEN_ERR_TYPE, filter->value_place,
                              "the tag '%.*s' is %s, and must be %s here", (int)filter->name.size,
                              filter->name.data, shapes[0], shapes[1]);
}

static int directive_variable_operand(struct garden__query_build *build,
                                      const struct directive_filter *filter,
                                      struct garden__query_shape wanted,
                                      struct garden__query_operand *out,
                                      struct garden__regex **regex)
{
    struct garden_error wrong = {0};
    *out = (struct garden__query_operand){.kind = GARDEN__QUERY_VALUE, .shape = wanted};
    int result = garden__query_argument_value(build, filter->name, true, NULL, wanted,
                                              filter->value_place, &out->value);
    if (result < 0 || filter->operator_of->op != GARDEN__QUERY_REGEX) return result;
    result = garden__regex_compile(regex, out->value.text, build->arena, &wrong);
    if (result < 0)
        return garden__query_fail(build->error, result, filter->value_place, "$%.*s: %s",
                                  (int)filter->name.size, filter->name.data, wrong.text);
    return GARDEN_OK;
}

int garden__query_filter(struct garden__query_build *build,
                         const struct garden__query_directive *directive,
                         const struct garden__query_subject *subject, enum garden__query_pass pass)
{
    struct directive_filter filter;
    struct garden__query_shape wanted;
    struct garden__query_operand right = {0};
    struct garden__regex *regex = NULL;
    int result = directive_filter_read(build, directive, &filter);
    if (result < 0) return result;
    if (filter.tag != (pass == GARDEN__QUERY_LATE)) return GARDEN_OK;
    result = directive_wanted(build, &filter, subject, &wanted);
    if (result == GARDEN_OK && filter.tag)
        result = directive_tag_operand(build, &filter, subject, wanted, &right);
    else if (result == GARDEN_OK && filter.operator_of->takes != DIRECTIVE_TAKES_NOTHING)
        result = directive_variable_operand(build, &filter, wanted, &right, &regex);
    if (result < 0) return result;
    struct garden__query_step *step = garden__query_emit(build, GARDEN__QUERY_FILTER, filter.place);
    if (!step) return garden__query_memory(build, filter.place);
    step->op = filter.operator_of->op;
    step->negated = filter.operator_of->negated;
    step->left = subject->operand;
    step->right = right;
    step->regex = regex;
    return GARDEN_OK;
}

// ---- Names

// The name that |directive| gives, or none: then |out| is empty.
static int directive_name(struct garden__query_build *build,
                          const struct garden__query_directive *directive, struct garden_text *out)
{
    const struct garden__query_argument *argument;
    const int result = garden__query_only_argument(build, directive, "name", &argument);
    *out = (struct garden_text){"", 0};
    if (result < 0 || !argument) return result;
    bool good =
        !argument->variable && argument->value.type == GARDEN_TEXT && argument->value.text.size > 0;
    for (size_t i = 0; good && i < argument->value.text.size; i++) {
        const int c = argument->value.text.data[i], low = c | 0x20;
        good = c == '_' || (low >= 'a' && low <= 'z') || (i > 0 && c >= '0' && c <= '9');
    }
    if (!good)
        return garden__query_fail(build->error, GARDEN_ERR_FORMAT, argument->value_place,
                                  "expected a name in quotes, of letters, digits and underscores");
    *out = argument->value.text;
    return GARDEN_OK;
}

int garden__query_tag(struct garden__query_build *build,
                      const struct garden__query_directive *directive,
                      const struct garden__query_subject *subject)
{
    struct garden_text name;
    const int result = directive_name(build, directive, &name);
    if (result < 0) return result;
    if (name.size == 0 && subject->operand.kind == GARDEN__QUERY_COUNT)
        return garden__query_fail(build->error, GARDEN_ERR_FORMAT, directive->place,
                                  "the tag of a count needs a name: @tag(name: \"...\")");
    if (name.size == 0) name = subject->name;
    for (size_t i = 0; i < build->tag_count; i++)
        if (garden_text_equal(build->tags[i].name, name))
            return garden__query_fail(build->error, GARDEN_ERR_EXISTS, directive->place,
                                      "there is a tag '%.*s' already: @tag(name: ...)",
                                      (int)name.size, name.data);
    build->tags = garden__query_grow(build->arena, build->tags, build->tag_count, &build->tag_space,
                                     sizeof *build->tags);
    if (!build->tags) return garden__query_memory(build, directive->place);
    build->tags[build->tag_count++] = (struct garden__query_tag){.name = name,
                                                                 .place = directive->place,
                                                                 .operand = subject->operand,
                                                                 .fold = subject->fold};
    return GARDEN_OK;
}

// The cells of an output that is inside folds, one for each.
static bool directive_cells(struct garden__query_build *build, struct garden__query_output *output)
{
    const struct garden__query_plan *plan = build->plan;
    output->level = output->fold == GARDEN__QUERY_NONE ? 0 : plan->folds[output->fold].level + 1;
    output->cells = garden_arena_alloc(build->arena, output->level, sizeof *output->cells);
    output->folds = garden_arena_alloc(build->arena, output->level, sizeof *output->folds);
    if (!output->cells || !output->folds) return false;
    size_t fold = output->fold;
    for (size_t i = output->level; i > 0; i--, fold = plan->folds[fold].parent)
        output->folds[i - 1] = fold;
    return true;
}

int garden__query_output(struct garden__query_build *build,
                         const struct garden__query_directive *directive,
                         const struct garden__query_subject *subject)
{
    struct garden__query_plan *plan = build->plan;
    struct garden_text name;
    const int result = directive_name(build, directive, &name);
    if (result < 0) return result;
    if (name.size == 0) {
        const size_t suffix = strlen(subject->suffix);
        name.size = subject->prefix.size + subject->name.size + suffix;
        char *text = garden_arena_alloc(build->arena, name.size + 1, 1);
        if (!text) return garden__query_memory(build, directive->place);
        if (subject->prefix.size) memcpy(text, subject->prefix.data, subject->prefix.size);
        memcpy(text + subject->prefix.size, subject->name.data, subject->name.size);
        memcpy(text + name.size - suffix, subject->suffix, suffix);
        name.data = text;
    }
    for (size_t i = 0; i < plan->output_count; i++)
        if (garden_text_equal(plan->outputs[i].name, name))
            return garden__query_fail(build->error, GARDEN_ERR_EXISTS, directive->place,
                                      "there is an output '%.*s' already, in line %u: "
                                      "@output(name: ...)",
                                      (int)name.size, name.data, plan->outputs[i].place.line);
    plan->outputs = garden__query_grow(build->arena, plan->outputs, plan->output_count,
                                       &plan->output_space, sizeof *plan->outputs);
    if (!plan->outputs) return garden__query_memory(build, directive->place);
    struct garden__query_output *output = &plan->outputs[plan->output_count];
    *output = (struct garden__query_output){.name = name,
                                            .place = directive->place,
                                            .operand = subject->operand,
                                            .fold = subject->fold};
    if (!directive_cells(build, output)) return garden__query_memory(build, directive->place);
    plan->output_count++;
    return GARDEN_OK;
}
