// What a regular expression is compiled to.
#ifndef GARDEN_QUERY_REGEX_PROGRAM_H
#define GARDEN_QUERY_REGEX_PROGRAM_H

#include "regex.h"

enum garden__regex_kind {
    GARDEN__REGEX_CHARACTER, // |code|
    GARDEN__REGEX_ANY,       // any but a newline
    GARDEN__REGEX_ALL,       // any at all
    GARDEN__REGEX_CLASS,     // |range_count| ranges from |code| on
    GARDEN__REGEX_SPLIT,     // goes on at the next step and |jump| steps on
    GARDEN__REGEX_JUMP,
    GARDEN__REGEX_TEXT_START,
    GARDEN__REGEX_TEXT_END,
    GARDEN__REGEX_LINE_START,
    GARDEN__REGEX_LINE_END,
    GARDEN__REGEX_WORD_EDGE,
    GARDEN__REGEX_WORD_INSIDE,
    GARDEN__REGEX_MATCH
};

// Jumps are relative, so that a piece of a program can be copied and moved.
struct garden__regex_step {
    enum garden__regex_kind kind;
    bool fold, negated; // cases are the same; of a class
    int32_t jump;
    uint32_t code, range_count;
};
struct garden__regex_range {
    uint32_t first, last;
};

struct garden__regex {
    struct garden__regex_step *steps;
    size_t count;
    struct garden__regex_range *ranges;
    size_t range_count;
    // For a match under way: places in |steps|.
    uint32_t *now, *later, *stack;
    uint32_t *seen, turn; // the turn at which a step was last come to
};

enum { GARDEN__REGEX_CODE_MAX = 0x10ffff };

// The character at |at|, which is before the end, and its octets; malformed UTF-8 is U+FFFD, octet by octet.
uint32_t garden__regex_decode(struct garden_text text, size_t at, size_t *width);

#endif
