#include "parse.h"

#include <string.h>

#include "../wire/decimal.h"

struct parse {
    struct garden__query_lexer lexer;
    struct garden__query_token token; // the one to come
    struct garden__query_document *out;
    struct garden_arena *arena;
    struct garden_error *error;
    size_t depth_max;
};

enum { PARSE_GROW_MIN = 16, PARSE_NAME_SIZE = 64 };

void *garden__query_grow(struct garden_arena *arena, void *array, size_t count, size_t *space,
                         size_t size)
{
    if (count < *space) return array;
    const size_t more = *space ? *space * 2 : PARSE_GROW_MIN;
    void *grown = garden_arena_alloc(arena, more, size);
    if (!grown) return NULL;
    if (count) memcpy(grown, array, count * size);
    *space = more;
    return grown;
}

static int parse_memory(struct parse *parse)
{
    return garden__query_fail(parse->error, parse->arena->error, parse->token.place,
                              "no memory for so large a query");
}

static int parse_advance(struct parse *parse)
{
    return garden__query_lex(&parse->lexer, &parse->token, parse->error);
}

static int parse_expected(struct parse *parse, const char *what)
{
    char name[PARSE_NAME_SIZE];
    garden__query_token_name(&parse->token, name, sizeof name);
    return garden__query_fail(parse->error, GARDEN_ERR_FORMAT, parse->token.place,
                              "expected %s, found %s", what, name);
}

static bool parse_at(const struct parse *parse, char mark)
{
    return parse->token.kind == GARDEN__QUERY_MARK && parse->token.text.data[0] == mark;
}

static bool parse_at_word(const struct parse *parse, const char *word)
{
    return parse->token.kind == GARDEN__QUERY_NAME && garden_text_is(parse->token.text, word);
}

static int parse_mark(struct parse *parse, char mark, const char *what)
{
    return parse_at(parse, mark) ? parse_advance(parse) : parse_expected(parse, what);
}

static int parse_name(struct parse *parse, struct garden_text *out, const char *what)
{
    if (parse->token.kind != GARDEN__QUERY_NAME) return parse_expected(parse, what);
    *out = parse->token.text;
    return parse_advance(parse);
}

static int parse_integer(struct parse *parse, struct garden_value *out)
{
    const struct garden_text text = parse->token.text;
    const bool negative = text.data[0] == '-';
    uint64_t magnitude = 0;
    for (size_t i = negative; i < text.size; i++) {
        const unsigned digit = (unsigned)(text.data[i] - '0');
        if (magnitude > (UINT64_MAX - digit) / 10) return parse_expected(parse, "a smaller number");
        magnitude = magnitude * 10 + digit;
    }
    if (negative && magnitude > (uint64_t)INT64_MAX + 1)
        return parse_expected(parse, "a larger number");
    *out = negative ? garden_value_int((int64_t)(0 - magnitude)) : garden_value_uint(magnitude);
    return GARDEN_OK;
}

static int parse_scalar(struct parse *parse, struct garden_value *out, const char *what)
{
    double real;
    int result = GARDEN_OK;
    if (parse->token.kind == GARDEN__QUERY_TEXT) {
        *out = garden_value_text(parse->token.text);
    } else if (parse->token.kind == GARDEN__QUERY_INT) {
        result = parse_integer(parse, out);
    } else if (parse->token.kind == GARDEN__QUERY_REAL) {
        if (garden__decimal_parse(parse->token.text, &real) < 0)
            return parse_expected(parse, "a smaller number");
        *out = garden_value_real(real);
    } else if (parse_at_word(parse, "true") || parse_at_word(parse, "false")) {
        *out = garden_value_bool(parse->token.text.data[0] == 't');
    } else if (parse_at_word(parse, "null")) {
        *out = garden_value_null();
    } else {
        return parse_expected(parse, what);
    }
    return result < 0 ? result : parse_advance(parse);
}

static int parse_list(struct parse *parse, struct garden_value *out)
{
    size_t space = 0;
    *out = garden_value_list(NULL, 0);
    int result = parse_advance(parse);
    while (result == GARDEN_OK && !parse_at(parse, ']')) {
        struct garden_value_list *list = &out->list;
        list->items =
            garden__query_grow(parse->arena, list->items, list->count, &space, sizeof *list->items);
        if (!list->items) return parse_memory(parse);
        result = parse_scalar(parse, &list->items[list->count++],
                              "']' or a number, a text in quotes, true, false or null");
    }
    return result < 0 ? result : parse_advance(parse);
}

// (name: value, ...), if it begins here.
static int parse_arguments(struct parse *parse, size_t *first, size_t *count)
{
    struct garden__query_document *out = parse->out;
    *first = out->argument_count;
    *count = 0;
    if (!parse_at(parse, '(')) return GARDEN_OK;
    int result = parse_advance(parse);
    while (result == GARDEN_OK && !(*count && parse_at(parse, ')'))) {
        out->arguments = garden__query_grow(parse->arena, out->arguments, out->argument_count,
                                            &out->argument_space, sizeof *out->arguments);
        if (!out->arguments) return parse_memory(parse);
        struct garden__query_argument *argument = &out->arguments[out->argument_count++];
        *argument = (struct garden__query_argument){.place = parse->token.place};
        ++*count;
        result = parse_name(parse, &argument->name, "an argument's name");
        if (result == GARDEN_OK) result = parse_mark(parse, ':', "':' and a value");
        if (result < 0) return result;
        argument->value_place = parse->token.place;
        if (parse->token.kind == GARDEN__QUERY_VARIABLE) {
            argument->variable = true;
            argument->value = garden_value_text(parse->token.text);
            result = parse_advance(parse);
        } else if (parse_at(parse, '[')) {
            result = parse_list(parse, &argument->value);
        } else {
            result = parse_scalar(parse, &argument->value,
                                  "a value: a number, a text in quotes, true, false, null, a list "
                                  "or a $variable");
        }
    }
    return result < 0 ? result : parse_advance(parse);
}

static int parse_directives(struct parse *parse, size_t *first, size_t *count)
{
    struct garden__query_document *out = parse->out;
    *first = out->directive_count;
    *count = 0;
    while (parse_at(parse, '@')) {
        out->directives = garden__query_grow(parse->arena, out->directives, out->directive_count,
                                             &out->directive_space, sizeof *out->directives);
        if (!out->directives) return parse_memory(parse);
        struct garden__query_directive *directive = &out->directives[out->directive_count++];
        *directive = (struct garden__query_directive){.place = parse->token.place};
        ++*count;
        int result = parse_advance(parse);
        if (result == GARDEN_OK)
            result = parse_name(parse, &directive->name, "a directive's name behind '@'");
        if (result == GARDEN_OK)
            result = parse_arguments(parse, &directive->argument, &directive->argument_count);
        if (result < 0) return result;
    }
    return GARDEN_OK;
}

static int parse_spread(struct parse *parse, struct garden__query_field *field)
{
    field->coercion = true;
    int result = parse_advance(parse);
    if (result < 0) return result;
    if (!parse_at_word(parse, "on"))
        return parse_expected(parse, "'on' and a type's name (named fragments are not supported)");
    result = parse_advance(parse);
    if (result == GARDEN_OK) result = parse_name(parse, &field->name, "a type's name");
    return result;
}

static int parse_plain(struct parse *parse, struct garden__query_field *field)
{
    int result = parse_name(parse, &field->name, "a property or an edge, '...' or '}'");
    if (result < 0 || !parse_at(parse, ':')) return result;
    field->alias = field->name;
    result = parse_advance(parse);
    return result < 0 ? result : parse_name(parse, &field->name, "a property or an edge");
}

// One field without its selections, below |parent|.
static int parse_field(struct parse *parse, size_t parent, size_t depth)
{
    struct garden__query_document *out = parse->out;
    out->fields = garden__query_grow(parse->arena, out->fields, out->field_count, &out->field_space,
                                     sizeof *out->fields);
    if (!out->fields) return parse_memory(parse);
    struct garden__query_field *field = &out->fields[out->field_count++];
    *field =
        (struct garden__query_field){.place = parse->token.place, .parent = parent, .depth = depth};
    int result = parse->token.kind == GARDEN__QUERY_SPREAD ? parse_spread(parse, field)
                                                           : parse_plain(parse, field);
    if (result == GARDEN_OK && !field->coercion)
        result = parse_arguments(parse, &field->argument, &field->argument_count);
    if (result == GARDEN_OK)
        result = parse_directives(parse, &field->directive, &field->directive_count);
    if (result == GARDEN_OK && field->coercion && !parse_at(parse, '{'))
        return parse_expected(parse, "'{' and what is selected of that type");
    return result;
}

// From behind the first '{' to the '}' that closes it.
static int parse_selections(struct parse *parse)
{
    const struct garden__query_document *out = parse->out;
    size_t parent = GARDEN__QUERY_NONE, depth = 0;
    bool empty = true; // nothing yet since the last '{'
    for (;;) {
        int result;
        if (parse_at(parse, '}') && !empty) {
            result = parse_advance(parse);
            if (result < 0 || parent == GARDEN__QUERY_NONE) return result;
            parent = out->fields[parent].parent;
            depth--;
            continue;
        }
        result = parse_field(parse, parent, depth);
        if (result < 0) return result;
        empty = parse_at(parse, '{');
        if (!empty) continue;
        if (++depth >= parse->depth_max)
            return garden__query_fail(parse->error, GARDEN_ERR_LIMIT, parse->token.place,
                                      "selections in each other are at most %zu deep",
                                      parse->depth_max);
        parent = out->field_count - 1;
        result = parse_advance(parse);
        if (result < 0) return result;
    }
}

// query, query Name, or nothing, before the first '{'.
static int parse_operation(struct parse *parse)
{
    int result = GARDEN_OK;
    if (parse_at_word(parse, "query")) {
        result = parse_advance(parse);
        if (result == GARDEN_OK && parse->token.kind == GARDEN__QUERY_NAME)
            result = parse_advance(parse);
        if (result == GARDEN_OK && parse_at(parse, '('))
            return garden__query_fail(parse->error, GARDEN_ERR_FORMAT, parse->token.place,
                                      "expected '{': variables are not declared, their types come "
                                      "from where they are used");
    } else if (parse->token.kind == GARDEN__QUERY_NAME) {
        return parse_expected(parse, "'query' or '{'; there are no mutations, subscriptions or "
                                     "fragments");
    }
    return result < 0 ? result : parse_mark(parse, '{', "'{'");
}

int garden__query_parse(struct garden__query_document *out, struct garden_text text,
                        size_t depth_max, struct garden_arena *arena, struct garden_error *error)
{
    struct parse parse = {.out = out, .arena = arena, .error = error, .depth_max = depth_max};
    *out = (struct garden__query_document){0};
    garden__query_lex_init(&parse.lexer, text, arena);
    int result = parse_advance(&parse);
    if (result == GARDEN_OK) result = parse_operation(&parse);
    if (result == GARDEN_OK) result = parse_selections(&parse);
    if (result < 0) return result;
    if (parse.token.kind != GARDEN__QUERY_END)
        return parse_expected(&parse, "the end: one query at a time");
    return GARDEN_OK;
}
