#include "names.h"

#include <stdio.h>
#include <string.h>

enum { NAMES_SIZE_MAX = 48 }; // of a name that another may be near to

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

static size_t names_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static char names_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

// How many letters must be changed, added or removed to come from one to the other (Levenshtein); the
// case of a letter does not count.
static size_t names_distance(struct garden_text a, struct garden_text b)
{
    size_t row[NAMES_SIZE_MAX + 1];
    for (size_t j = 0; j <= b.size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            const bool same = names_lower(a.data[i - 1]) == names_lower(b.data[j - 1]);
            const size_t change = corner + !same;
            corner = row[j];
            row[j] = names_min(change, names_min(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.size];
}

void garden__query_near_init(struct garden__query_near *near, struct garden_text wanted)
{
    *near = (struct garden__query_near){.wanted = wanted, .distance = wanted.size / 3 + 2};
}

void garden__query_near_offer(struct garden__query_near *near, const char *name)
{
    const struct garden_text offered = garden_text_of(name);
    if (offered.size > NAMES_SIZE_MAX || near->wanted.size > NAMES_SIZE_MAX) return;
    const size_t distance = names_distance(near->wanted, offered);
    if (distance >= near->distance || distance >= offered.size) return;
    near->best = name;
    near->distance = distance;
}

void garden__query_near_type(struct garden__query_near *near, const struct garden_query_type *type)
{
    for (size_t i = 0; i < type->property_count; i++)
        garden__query_near_offer(near, type->properties[i].name);
    for (size_t i = 0; i < type->edge_count; i++)
        garden__query_near_offer(near, type->edges[i].name);
}

void garden__query_near_text(const struct garden__query_near *near,
                             char out[GARDEN__QUERY_NEAR_SIZE])
{
    out[0] = 0;
    if (near->best)
        (void)snprintf(out, GARDEN__QUERY_NEAR_SIZE, "; did you mean '%s'?", near->best);
}
