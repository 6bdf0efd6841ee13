// A query's text as fields in the order of the text, each with its parent's index: no pointers, no tree to
// walk, and so no recursion on how deep it is.
#ifndef GARDEN_QUERY_PARSE_H
#define GARDEN_QUERY_PARSE_H

#include "lex.h"

#define GARDEN__QUERY_NONE SIZE_MAX

struct garden__query_argument {
    struct garden_text name;
    struct garden__query_place place, value_place;
    bool variable;             // |value| is its name, a text
    struct garden_value value; // a scalar, or a list of scalars
};

struct garden__query_directive {
    struct garden_text name;
    struct garden__query_place place;
    size_t argument, argument_count; // the first, and how many
};

struct garden__query_field {
    bool coercion;                  // ... on |name|
    struct garden_text name, alias; // no alias: empty
    struct garden__query_place place;
    size_t parent, depth; // NONE and 0 at the top
    size_t argument, argument_count;
    size_t directive, directive_count;
};

struct garden__query_document {
    struct garden__query_field *fields;
    size_t field_count, field_space;
    struct garden__query_argument *arguments;
    size_t argument_count, argument_space;
    struct garden__query_directive *directives;
    size_t directive_count, directive_space;
};

int garden__query_parse(struct garden__query_document *out, struct garden_text text,
                        size_t depth_max, struct garden_arena *arena, struct garden_error *error);

// |array| with space for one more thing of |size| octets, moved within |arena|; null without memory.
void *garden__query_grow(struct garden_arena *arena, void *array, size_t count, size_t *space,
                         size_t size);

#endif
