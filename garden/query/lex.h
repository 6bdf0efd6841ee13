// The words of a query's text, as GraphQL has them.
#ifndef GARDEN_QUERY_LEX_H
#define GARDEN_QUERY_LEX_H

#include "../value.h"

struct garden__query_place {
    uint32_t line, column; // from 1; a column is an octet's
};

enum garden__query_token_kind {
    GARDEN__QUERY_END,
    GARDEN__QUERY_NAME,
    GARDEN__QUERY_VARIABLE, // $name; the text is the name
    GARDEN__QUERY_TEXT,     // unescaped
    GARDEN__QUERY_INT,
    GARDEN__QUERY_REAL,
    GARDEN__QUERY_SPREAD, // ...
    GARDEN__QUERY_MARK    // one of { } ( ) [ ] : @ ! = | &, which is the text
};

struct garden__query_token {
    enum garden__query_token_kind kind;
    struct garden__query_place place;
    struct garden_text text; // as it stands, or what it means
};

struct garden__query_lexer {
    struct garden_text in;
    size_t at, line_start;
    uint32_t line;
    struct garden_arena *arena; // where unescaped texts live
};

void garden__query_lex_init(struct garden__query_lexer *lexer, struct garden_text in,
                            struct garden_arena *arena);
int garden__query_lex(struct garden__query_lexer *lexer, struct garden__query_token *out,
                      struct garden_error *error);
// What |token| is called in an error: "'}'", "the end of the query". Cut to fit.
void garden__query_token_name(const struct garden__query_token *token, char *out, size_t size);

// Fills |error| with "line 1, column 2: ..." and returns |code|.
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
int garden__query_fail(struct garden_error *error, int code, struct garden__query_place place,
                       const char *format, ...);

#endif
