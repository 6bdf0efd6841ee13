// Queries over a graph of typed vertices, in the language of Trustfall: GraphQL's shape, with @output,
// @filter, @tag, @optional, @recurse, @fold and @transform. garden/query/README.md tells the language.
//
//     garden_query_open(&query, &config, text, &variables, &error);
//     while ((result = garden_query_next(query, &arena, &row, &error)) > 0) ...
//     garden_query_close(query);
//
// Nothing here does I/O. What is asked is an adapter, whose data must not change while a query is open;
// rows are made one at a time, when they are asked for. One thread at a time.
#ifndef GARDEN_QUERY_H
#define GARDEN_QUERY_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- A schema, which is constant data

enum garden_query_scalar {
    GARDEN_QUERY_ID, // a text, and may be compared with one
    GARDEN_QUERY_STRING,
    GARDEN_QUERY_INT,
    GARDEN_QUERY_FLOAT,
    GARDEN_QUERY_BOOLEAN
};
const char *garden_query_scalar_name(enum garden_query_scalar scalar); // "ID", "String", ...

struct garden_query_property {
    const char *name;
    enum garden_query_scalar scalar;
    bool list;         // of scalars that are never null
    bool nullable;     // as a whole
    const char *about; // for the schema's reader, or null
};
struct garden_query_parameter {
    const char *name;
    enum garden_query_scalar scalar;
    bool required;
};
enum garden_query_many { GARDEN_QUERY_MANY, GARDEN_QUERY_ONE, GARDEN_QUERY_ONE_OR_NONE };
enum { GARDEN_QUERY_PARAMETERS_MAX = 4 };
struct garden_query_edge {
    const char *name, *to; // a type's name
    enum garden_query_many many;
    const char *about;
    struct garden_query_parameter parameters[GARDEN_QUERY_PARAMETERS_MAX]; // up to a null name
};
struct garden_query_type {
    const char *name, *about;
    bool is_interface;
    const char *interface; // that it implements: it has all that the interface has; or null
    const struct garden_query_property *properties;
    size_t property_count;
    const struct garden_query_edge *edges;
    size_t edge_count;
};
// The first type is the query itself: its edges are where a query begins.
struct garden_query_schema {
    const struct garden_query_type *types;
    size_t type_count;
};
// Appends the schema as GraphQL's schema language.
int garden_query_schema_print(const struct garden_query_schema *schema, struct garden_buffer *out);
// The garden's: what a daemon answers.
const struct garden_query_schema *garden_query_own_schema(void);

// ---- What is asked

struct garden_query_vertex { // the adapter's, to be copied freely
    const void *of;
    size_t index;
    double value;
    unsigned kind;
};

// A property and an edge are the adapter's handles of them, asked for once when a query is opened, by the
// names of a type (which may be an interface) and of the thing.
struct garden_query_adapter {
    const void *(*property)(const char *type, const char *name);
    const void *(*edge)(const char *type, const char *name);
    const char *(*type)(void *user,
                        struct garden_query_vertex vertex); // of the schema; no interface
    // What is not borrowed from the data lives in |arena|, whose |error| tells of missing memory.
    struct garden_value (*read)(void *user, const void *property, struct garden_query_vertex vertex,
                                struct garden_arena *arena);
    // A walk over an edge's vertices, in |walk_size| zeroed octets. |from| is null for an edge of the query
    // itself. |parameters| are the schema's in order, null where one was not given. An error's text goes
    // to the user, behind the place of the edge.
    size_t walk_size;
    int (*begin)(void *user, const void *edge, const struct garden_query_vertex *from,
                 const struct garden_value *parameters, void *walk, struct garden_error *error);
    int (*next)(void *user, void *walk,
                struct garden_query_vertex *out); // 1, 0: no more, or an error
    void (*end)(void *user, void *walk);          // of each that has begun
};

// ---- A query

struct garden_query_config {
    const struct garden_query_schema *schema;
    const struct garden_query_adapter *adapter;
    void *user; // the adapter's
    const struct zmtp_allocator *allocator;
    // Limits; 0 is the default. The text is small, as it is read before anything is known of who asks.
    size_t text_max;    // 16 KiB
    size_t depth_max;   // 32 selections in each other
    size_t recurse_max; // 256: of @recurse, whose way costs a walk a step
    size_t memory_max;  // 64 MiB: of what the query needs itself, without the rows that it has made
    // Asked now and then; a negative result ends the query with it. Null: never.
    int (*check)(void *check_user);
    void *check_user;
};
void garden_query_config_init(struct garden_query_config *config);

struct garden_query;

// Reads, checks and prepares |text|; |variables| may be null. Both must outlive the query, and |config| is
// copied. On failure |error| names line, column, what was expected and the nearest name.
int garden_query_open(struct garden_query **out, const struct garden_query_config *config,
                      struct garden_text text, const struct garden_map *variables,
                      struct garden_error *error);
// The next row, a map from the outputs' names: 1, and |row| lives in |arena| or borrows from the data and
// from the query; 0 after the last; or a negative garden_err.
int garden_query_next(struct garden_query *query, struct garden_arena *arena,
                      struct garden_value *row, struct garden_error *error);
// Null is none.
void garden_query_close(struct garden_query *query);

#ifdef __cplusplus
}
#endif
#endif
