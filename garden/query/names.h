// Finding things of a schema by their names, and what was perhaps meant when there is none.
#ifndef GARDEN_QUERY_NAMES_H
#define GARDEN_QUERY_NAMES_H

#include "../query.h"

// Null: there is none.
const struct garden_query_type *garden__query_type(const struct garden_query_schema *schema,
                                                   struct garden_text name);
const struct garden_query_property *garden__query_property(const struct garden_query_type *type,
                                                           struct garden_text name);
const struct garden_query_edge *garden__query_edge(const struct garden_query_type *type,
                                                   struct garden_text name);

// The properties, then the edges, if wanted, of |type|.
void garden__query_near_type(struct garden_near *near, const struct garden_query_type *type);

#endif
