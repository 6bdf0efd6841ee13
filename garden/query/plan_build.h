// What the parts of planning share.
#ifndef GARDEN_QUERY_PLAN_BUILD_H
#define GARDEN_QUERY_PLAN_BUILD_H

#include "plan.h"

// Where a field's selections stand. A property's has no type.
struct garden__query_scope {
    const struct garden_query_type *type;
    size_t slot, fold;
    struct garden_text prefix; // of what is output there
};

struct garden__query_tag {
    struct garden_text name;
    struct garden__query_place place;
    struct garden__query_operand operand;
    size_t fold; // that it is in
    bool used;
};

struct garden__query_build {
    struct garden__query_plan *plan;
    const struct garden_query_config *config;
    const struct garden__query_document *document;
    const struct garden_map *variables;
    struct garden_arena *arena;
    struct garden_error *error;
    struct garden__query_scope *scopes; // of each field
    struct garden__query_tag *tags;
    size_t tag_count, tag_space;
    struct { // folds whose end was not come to
        size_t field, step;
    } * open;
    size_t open_count;
};

int garden__query_memory(struct garden__query_build *build, struct garden__query_place place);
struct garden__query_step *garden__query_emit(struct garden__query_build *build,
                                              enum garden__query_step_kind kind,
                                              struct garden__query_place place);
bool garden__query_directive_is(const struct garden__query_directive *directive, const char *name);
// The argument |name| of |directive|, or null; other arguments are refused by an error.
int garden__query_only_argument(struct garden__query_build *build,
                                const struct garden__query_directive *directive, const char *name,
                                const struct garden__query_argument **out);

// "[String!]!"
enum { GARDEN__QUERY_SHAPE_SIZE = 16 };
void garden__query_shape_text(struct garden__query_shape shape, char out[GARDEN__QUERY_SHAPE_SIZE]);
// A literal, or the value of a variable if |variable|, as a value of |shape|.
int garden__query_argument_value(struct garden__query_build *build, struct garden_text name,
                                 bool variable, const struct garden_value *literal,
                                 struct garden__query_shape shape, struct garden__query_place place,
                                 struct garden_value *out);

// What a directive may name: a property's value, or a fold's count.
struct garden__query_subject {
    struct garden__query_operand operand;
    struct garden_text name; // by default, of an output (without its prefix) or a tag
    const char *suffix;      // behind it, of an output
    struct garden_text prefix;
    size_t fold; // that it is in
};
enum garden__query_pass { GARDEN__QUERY_EARLY, GARDEN__QUERY_LATE };
// Adds the filter of |directive|. Those with a tag are of the late pass, the others of the early one.
int garden__query_filter(struct garden__query_build *build,
                         const struct garden__query_directive *directive,
                         const struct garden__query_subject *subject, enum garden__query_pass pass);
int garden__query_output(struct garden__query_build *build,
                         const struct garden__query_directive *directive,
                         const struct garden__query_subject *subject);
int garden__query_tag(struct garden__query_build *build,
                      const struct garden__query_directive *directive,
                      const struct garden__query_subject *subject);

#endif
