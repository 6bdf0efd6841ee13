// A schema as GraphQL's schema language, with the directives that Trustfall's readers demand.
#include <string.h>

#include "../query.h"

static void print_text(struct garden_buffer *out, const char *text)
{
    (void)garden_buffer_append(out, text, strlen(text)); // a failure sticks
}

static void print_about(struct garden_buffer *out, const char *indent, const char *about)
{
    if (!about) return;
    print_text(out, indent);
    print_text(out, "\"\"\"");
    print_text(out, about);
    print_text(out, "\"\"\"\n");
}

const char *garden_query_scalar_name(enum garden_query_scalar scalar)
{
    switch (scalar) {
    case GARDEN_QUERY_ID:
        return "ID";
    case GARDEN_QUERY_STRING:
        return "String";
    case GARDEN_QUERY_INT:
        return "Int";
    case GARDEN_QUERY_FLOAT:
        return "Float";
    case GARDEN_QUERY_BOOLEAN:
        break;
    }
    return "Boolean";
}

static void print_property(struct garden_buffer *out, const struct garden_query_property *property)
{
    print_about(out, "    ", property->about);
    print_text(out, "    ");
    print_text(out, property->name);
    print_text(out, property->list ? ": [" : ": ");
    print_text(out, garden_query_scalar_name(property->scalar));
    if (property->list) print_text(out, "!]");
    print_text(out, property->nullable ? "\n" : "!\n");
}

static void print_edge(struct garden_buffer *out, const struct garden_query_edge *edge)
{
    static const char *const before[] = {": [", ": ", ": "}, *const after[] = {"!]!", "!", ""};
    print_about(out, "    ", edge->about);
    print_text(out, "    ");
    print_text(out, edge->name);
    size_t count = 0;
    for (const struct garden_query_parameter *parameter = edge->parameters;
         count < GARDEN_QUERY_PARAMETERS_MAX && parameter->name; parameter++, count++) {
        print_text(out, count ? ", " : "(");
        print_text(out, parameter->name);
        print_text(out, ": ");
        print_text(out, garden_query_scalar_name(parameter->scalar));
        if (parameter->required) print_text(out, "!");
    }
    if (count) print_text(out, ")");
    print_text(out, before[edge->many]);
    print_text(out, edge->to);
    print_text(out, after[edge->many]);
    print_text(out, "\n");
}

static void print_type(struct garden_buffer *out, const struct garden_query_type *type)
{
    print_text(out, "\n");
    print_about(out, "", type->about);
    print_text(out, type->is_interface ? "interface " : "type ");
    print_text(out, type->name);
    if (type->interface) {
        print_text(out, " implements ");
        print_text(out, type->interface);
    }
    print_text(out, " {\n");
    for (size_t i = 0; i < type->property_count; i++)
        print_property(out, &type->properties[i]);
    for (size_t i = 0; i < type->edge_count; i++)
        print_edge(out, &type->edges[i]);
    print_text(out, "}\n");
}

int garden_query_schema_print(const struct garden_query_schema *schema, struct garden_buffer *out)
{
    if (!schema || !out || schema->type_count == 0) return GARDEN_ERR_ARGUMENT;
    print_text(out, "schema {\n    query: ");
    print_text(out, schema->types[0].name);
    print_text(out, "\n}\n"
                    "directive @filter(op: String!, value: [String!]) repeatable on FIELD | "
                    "INLINE_FRAGMENT\n"
                    "directive @tag(name: String) on FIELD\n"
                    "directive @output(name: String) on FIELD\n"
                    "directive @optional on FIELD\n"
                    "directive @recurse(depth: Int!) on FIELD\n"
                    "directive @fold on FIELD\n"
                    "directive @transform(op: String!) on FIELD\n");
    for (size_t i = 0; i < schema->type_count; i++)
        print_type(out, &schema->types[i]);
    return out->error;
}
