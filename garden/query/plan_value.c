// Values of variables and of edges' parameters: looked up, and checked against the type that is wanted.
#include <stdio.h>

#include "plan_build.h"

enum { VALUE_JSON_SIZE = 48 };

void garden__query_shape_text(struct garden__query_shape shape, char out[GARDEN__QUERY_SHAPE_SIZE])
{
    (void)snprintf(out, GARDEN__QUERY_SHAPE_SIZE, "%s%s%s%s%s", shape.list ? "[" : "",
                   garden_query_scalar_name(shape.scalar),
                   shape.list && !shape.items_nullable ? "!" : "", shape.list ? "]" : "",
                   shape.nullable ? "" : "!");
}

// A scalar that is not null, as |scalar|; numbers are taken where they are exact.
static bool value_convert(const struct garden_value *in, enum garden_query_scalar scalar,
                          struct garden_value *out)
{
    int64_t integer;
    uint64_t natural;
    double real;
    *out = *in;
    switch (scalar) {
    case GARDEN_QUERY_ID:
    case GARDEN_QUERY_STRING:
        return in->type == GARDEN_TEXT;
    case GARDEN_QUERY_BOOLEAN:
        return in->type == GARDEN_BOOL;
    case GARDEN_QUERY_INT:
        if (garden_value_to_i64(in, &integer))
            *out = garden_value_int(integer);
        else if (garden_value_to_u64(in, &natural))
            *out = garden_value_uint(natural);
        else
            return false;
        return true;
    case GARDEN_QUERY_FLOAT:
        if (!garden_value_to_real(in, &real)) return false;
        *out = garden_value_real(real);
        return true;
    }
    return false;
}

static const char *value_kind(const struct garden_value *value)
{
    static const char *const names[] = {
        [GARDEN_NULL] = "null",     [GARDEN_BOOL] = "a Boolean", [GARDEN_INT] = "an Int",
        [GARDEN_UINT] = "an Int",   [GARDEN_REAL] = "a Float",   [GARDEN_TEXT] = "a String",
        [GARDEN_OCTETS] = "octets", [GARDEN_LIST] = "a list",    [GARDEN_MAP] = "an object"};
    return names[value->type];
}

static int value_refuse(struct garden__query_build *build, struct garden_text name, bool variable,
                        struct garden__query_shape shape, const struct garden_value *value,
                        bool item, struct garden__query_place place)
{
    char wanted[GARDEN__QUERY_SHAPE_SIZE];
    garden__query_shape_text(shape, wanted);
    return garden__query_fail(build->error, GARDEN_ERR_TYPE, place,
                              "%s%.*s must be %s, and %sis %s", variable ? "$" : "", (int)name.size,
                              name.data, wanted, item ? "an item of it " : "", value_kind(value));
}

static int value_list(struct garden__query_build *build, struct garden_text name, bool variable,
                      const struct garden_value *in, struct garden__query_shape shape,
                      struct garden__query_place place, struct garden_value *out)
{
    if (in->type != GARDEN_LIST)
        return value_refuse(build, name, variable, shape, in, false, place);
    struct garden_value *items = garden_arena_alloc(build->arena, in->list.count, sizeof *items);
    if (!items) return garden__query_memory(build, place);
    for (size_t i = 0; i < in->list.count; i++) {
        const struct garden_value *item = &in->list.items[i];
        if (item->type == GARDEN_NULL && shape.items_nullable)
            items[i] = *item;
        else if (!value_convert(item, shape.scalar, &items[i]))
            return value_refuse(build, name, variable, shape, item, true, place);
    }
    *out = garden_value_list(items, in->list.count);
    return GARDEN_OK;
}

static int value_find(struct garden__query_build *build, struct garden_text name,
                      struct garden__query_place place, const struct garden_value **out)
{
    const struct garden_map *variables = build->variables;
    for (size_t i = 0; variables && i < variables->count; i++) {
        if (!garden_text_equal(variables->entries[i].key, name)) continue;
        build->plan->used[i] = true;
        *out = &variables->entries[i].value;
        return GARDEN_OK;
    }
    return garden__query_fail(build->error, GARDEN_ERR_NOT_FOUND, place,
                              "the variable $%.*s was not given a value", (int)name.size,
                              name.data);
}

int garden__query_argument_value(struct garden__query_build *build, struct garden_text name,
                                 bool variable, const struct garden_value *literal,
                                 struct garden__query_shape shape, struct garden__query_place place,
                                 struct garden_value *out)
{
    const struct garden_value *in = literal;
    if (variable) {
        const int result = value_find(build, name, place, &in);
        if (result < 0) return result;
    }
    *out = *in;
    if (in->type == GARDEN_NULL && shape.nullable) return GARDEN_OK;
    if (shape.list) return value_list(build, name, variable, in, shape, place, out);
    if (value_convert(in, shape.scalar, out)) return GARDEN_OK;
    return value_refuse(build, name, variable, shape, in, false, place);
}
