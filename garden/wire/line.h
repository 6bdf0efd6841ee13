// One line of text being put together in a caller's array: always ends in a zero, cut when full.
#ifndef GARDEN_WIRE_LINE_H
#define GARDEN_WIRE_LINE_H

#include "../value.h"

struct garden__line {
    char *out;
    size_t size; // of |out|, its zero included; at least 1
    size_t used;
};

struct garden__line garden__line_of(char *out, size_t size);
void garden__line_text(struct garden__line *line, const char *text);
void garden__line_number(struct garden__line *line, uint64_t number);
// Octets of a stranger: printable ASCII as it is, anything else as '?'.
void garden__line_foreign(struct garden__line *line, const char *data, size_t size);

#endif
