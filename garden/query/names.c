#include "names.h"

const struct garden_query_type *garden__query_type(const struct garden_query_schema *schema,
                                                   struct garden_text name)
{
    for (size_t i = 0; i < schema->type_count; i++)
        if (garden_text_is(name, schema->types[i].name)) return &schema->types[i];
    return NULL;
}

const struct garden_query_property *garden__query_property(const struct garden_query_type *type,
                                                           struct garden_text name)
{
    static const struct garden_query_property type_name = {"__typename", GARDEN_QUERY_STRING, false,
                                                           false, NULL};
    for (size_t i = 0; i < type->property_count; i++)
        if (garden_text_is(name, type->properties[i].name)) return &type->properties[i];
    return garden_text_is(name, type_name.name) ? &type_name : NULL;
}

const struct garden_query_edge *garden__query_edge(const struct garden_query_type *type,
                                                   struct garden_text name)
{
    for (size_t i = 0; i < type->edge_count; i++)
        if (garden_text_is(name, type->edges[i].name)) return &type->edges[i];
    return NULL;
}

// ---- What is near

void garden__query_near_type(struct garden_near *near, const struct garden_query_type *type)
{
    for (size_t i = 0; i < type->property_count; i++)
        garden_near_offer(near, type->properties[i].name);
    for (size_t i = 0; i < type->edge_count; i++)
        garden_near_offer(near, type->edges[i].name);
}
