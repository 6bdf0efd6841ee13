// Where a walk over the schema stands. The reader and the writer keep the same stack of places, so
// that neither needs recursion and both can name the field that went wrong.
#ifndef GARDEN_WIRE_WALK_H
#define GARDEN_WIRE_WALK_H

#include "schema.h"

// The deepest are a variant in a struct in a list in a variant, and a list in a variant in one.
enum { GARDEN__WALK_MAX = 8 };

struct garden__place {
    const char *variant;                // its name, when these are the fields of a variant
    const struct garden__field *fields; // null: these are items of a list
    const struct garden__type *item;
    size_t count, next;
};

struct garden__walk {
    const char *root; // what the outermost value is called; may be ""
    unsigned depth;
    struct garden__place places[GARDEN__WALK_MAX];
};

void garden__walk_fields(struct garden__walk *walk, const char *variant,
                         const struct garden__field *fields, size_t count);
void garden__walk_items(struct garden__walk *walk, const struct garden__type *item, size_t count);
// Writes where the walk stands, the last thing that was begun, into |fault|: code, offset, path, and a
// text that starts with the place and goes on with |what| and |found|, which may be null.
void garden__walk_fault(const struct garden__walk *walk, struct garden_fault *fault, int code,
                        size_t offset, const char *what, const char *found);

#endif
