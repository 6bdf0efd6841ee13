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

// The name nearest to |wanted| of those that were offered, if it is near enough to have been meant.
struct garden__query_near {
    struct garden_text wanted;
    const char *best;
    size_t distance;
};
enum { GARDEN__QUERY_NEAR_SIZE = 96 };
void garden__query_near_init(struct garden__query_near *near, struct garden_text wanted);
void garden__query_near_offer(struct garden__query_near *near, const char *name);
// The properties, then the edges, if wanted, of |type|.
void garden__query_near_type(struct garden__query_near *near, const struct garden_query_type *type);
// "; did you mean 'x'?", or nothing.
void garden__query_near_text(const struct garden__query_near *near,
                             char out[GARDEN__QUERY_NEAR_SIZE]);

#endif
