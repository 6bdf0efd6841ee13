// Regular expressions in time linear in the text: a Thompson automaton, walked for all its states at once
// (Pike). The syntax is that of Rust's regex crate, but for what is listed in README.md; what is not
// supported is an error that says so.
#ifndef GARDEN_QUERY_REGEX_H
#define GARDEN_QUERY_REGEX_H

#include "../value.h"
#include "meter.h"

struct garden__regex;

enum {
    GARDEN__REGEX_PROGRAM_MAX = 4096, // steps; so a pattern cannot be dear by its repetitions
    GARDEN__REGEX_DEPTH_MAX = 32      // groups in each other
};

// Lives in |arena|. GARDEN_ERR_FORMAT, GARDEN_ERR_LIMIT or the arena's error, with |error|'s text naming the
// character of the pattern, from 1.
int garden__regex_compile(struct garden__regex **out, struct garden_text pattern,
                          struct garden_arena *arena, struct garden_error *error);
// 1: it matches somewhere in |text|, which is UTF-8; 0; or what |meter|, which may be null, ended it with. One
// thread at a time for each |regex|.
int garden__regex_match(struct garden__regex *regex, struct garden_text text,
                        struct garden__query_meter *meter);

#endif
