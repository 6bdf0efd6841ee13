// What a query is made to before it runs: steps, one after the other. A step that cannot go on makes the
// run go back to the last one that has another way (run.c); so there is no tree here either.
#ifndef GARDEN_QUERY_PLAN_H
#define GARDEN_QUERY_PLAN_H

#include "names.h"
#include "parse.h"
#include "regex.h"

// A value's type. Of a list, |scalar| is its items'.
struct garden__query_shape {
    enum garden_query_scalar scalar;
    bool list, nullable;
    bool items_nullable;
};

enum garden__query_operand_kind {
    GARDEN__QUERY_VALUE,    // |value|
    GARDEN__QUERY_PROPERTY, // of the vertex in |slot|
    GARDEN__QUERY_TYPENAME, // of the same
    GARDEN__QUERY_COUNT     // of |fold|
};
struct garden__query_operand {
    enum garden__query_operand_kind kind;
    struct garden__query_shape shape;
    size_t slot, fold;
    const void *handle;
    struct garden_value value;
};

enum garden__query_op {
    GARDEN__QUERY_EQUAL,
    GARDEN__QUERY_LESS,
    GARDEN__QUERY_LESS_EQUAL,
    GARDEN__QUERY_GREATER,
    GARDEN__QUERY_GREATER_EQUAL,
    GARDEN__QUERY_CONTAINS,
    GARDEN__QUERY_ONE_OF,
    GARDEN__QUERY_HAS_PREFIX,
    GARDEN__QUERY_HAS_SUFFIX,
    GARDEN__QUERY_HAS_SUBSTRING,
    GARDEN__QUERY_REGEX,
    GARDEN__QUERY_IS_NULL
};

enum garden__query_step_kind {
    GARDEN__QUERY_WALK,   // an edge, from a slot to a slot
    GARDEN__QUERY_COERCE, // the vertex in |to| must be of |type|
    GARDEN__QUERY_FILTER,
    GARDEN__QUERY_FOLD,     // begins; |jump| is behind its end
    GARDEN__QUERY_FOLD_END, // takes in what was found, and goes back for more
    GARDEN__QUERY_ROW
};

struct garden__query_step {
    enum garden__query_step_kind kind;
    struct garden__query_place place;
    size_t from, to; // slots; |from| NONE: the query itself
    const void *edge;
    struct garden_value *parameters;
    bool optional;
    size_t recurse; // how deep; 0: it does not
    const char *type;
    enum garden__query_op op;
    bool negated;
    struct garden__query_operand left, right;
    struct garden__regex *regex; // of a constant pattern
    size_t fold, jump;
    // While it runs.
    size_t previous; // the choice before this one
    void **walks;    // of each depth
    size_t depth;    // how many of them have begun
    bool fresh;      // it recurses, and has not yet gone on from |here|
    bool found;
    struct garden_query_vertex here;
};

struct garden__query_fold {
    size_t parent, level; // the fold that it is in, and how many it is in
    size_t slot;          // it folds what an edge of this vertex leads to
    size_t count;
    bool absent; // there was no such vertex, for @optional
};

struct garden__query_cell { // what a fold has gathered for an output
    struct garden_value *items;
    size_t count, space;
};
struct garden__query_output {
    struct garden_text name;
    struct garden__query_place place;
    struct garden__query_operand operand;
    size_t fold, level;               // the innermost it is in, and how many
    struct garden__query_cell *cells; // one a level, the outermost first
    size_t *folds;                    // at the same places
};

struct garden__query_slot {
    struct garden_query_vertex vertex;
    bool present; // else @optional found nothing
};

struct garden__query_plan {
    struct garden__query_step *steps;
    size_t step_count, step_space;
    struct garden__query_fold *folds;
    size_t fold_count, fold_space;
    struct garden__query_output *outputs;
    size_t output_count, output_space;
    size_t slot_count;
    bool *used; // of the variables
};

int garden__query_plan(struct garden__query_plan *out, const struct garden_query_config *config,
                       const struct garden__query_document *document,
                       const struct garden_map *variables, struct garden_arena *arena,
                       struct garden_error *error);

// 1: the filter |op| is true of two values that are not both absent; 0; or what |meter| ended it with. |regex| is
// null for a pattern that is not constant.
int garden__query_holds(enum garden__query_op op, const struct garden_value *left,
                        const struct garden_value *right, struct garden__regex *regex,
                        struct garden__query_meter *meter);

#endif
