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

enum { GARDEN__QUERY_CHOICES_SIZE = 160 };
// What could have been written where |wanted| was, which |type| has not: "; did you mean 'x'?" of its properties and edges,
// or "; there are a, b, c" where none is near, with "..." where not all fit.
void garden__query_choices(const struct garden_query_type *type, struct garden_text wanted,
                           char out[GARDEN__QUERY_CHOICES_SIZE]);

#endif
