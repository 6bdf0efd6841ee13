#include "names.h"

#include <stdio.h>
#include <string.h>

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

static const char *names_of(const struct garden_query_type *type, size_t index)
{
    return index < type->property_count ? type->properties[index].name
                                        : type->edges[index - type->property_count].name;
}

void garden__query_choices(const struct garden_query_type *type, struct garden_text wanted,
                           char out[GARDEN__QUERY_CHOICES_SIZE])
{
    struct garden_near near;
    const size_t count = type->property_count + type->edge_count;
    size_t used = 0;
    garden_near_init(&near, wanted);
    for (size_t i = 0; i < count; i++)
        garden_near_offer(&near, names_of(type, i));
    garden_near_text(&near, out);
    for (size_t i = 0; i < count && !near.best; i++) {
        const char *name = names_of(type, i);
        const size_t room = GARDEN__QUERY_CHOICES_SIZE - used;
        const bool fits = strlen(name) + sizeof "; there are , ..." < room;
        (void)snprintf(out + used, room, "%s%s", i == 0 ? "; there are " : ", ",
                       fits ? name : "...");
        used += strlen(out + used);
        if (!fits) return;
    }
}
