#include "lex.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../core/error.h"

enum { LEX_MESSAGE_SIZE = 256, LEX_CODE_MAX = 0x10ffff };

int garden__query_fail(struct garden_error *error, int code, struct garden__query_place place,
                       const char *format, ...)
{
    char text[LEX_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments); // a cut line is still one
    va_end(arguments);
    return garden__fail(error, code, "line %u, column %u: %s", place.line, place.column, text);
}

void garden__query_lex_init(struct garden__query_lexer *lexer, struct garden_text in,
                            struct garden_arena *arena)
{
    *lexer = (struct garden__query_lexer){.in = in, .line = 1, .arena = arena};
    if (in.size >= 3 && memcmp(in.data, "\xef\xbb\xbf", 3) == 0) lexer->at = 3; // a byte order mark
}

// The octet |ahead| of the cursor, or -1 past the end.
static int lex_peek(const struct garden__query_lexer *lexer, size_t ahead)
{
    const size_t left = lexer->in.size - lexer->at;
    return ahead < left ? (unsigned char)lexer->in.data[lexer->at + ahead] : -1;
}

static bool lex_is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool lex_is_name(int c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && lex_is_digit(c));
}

static struct garden__query_place lex_place(const struct garden__query_lexer *lexer)
{
    return (struct garden__query_place){lexer->line, (uint32_t)(lexer->at - lexer->line_start + 1)};
}

static void lex_newline(struct garden__query_lexer *lexer)
{
    lexer->line++;
    lexer->line_start = lexer->at;
}

// White space, commas and comments mean nothing.
static void lex_skip(struct garden__query_lexer *lexer)
{
    for (;;) {
        const int c = lex_peek(lexer, 0);
        if (c == '\n') {
            lexer->at++;
            lex_newline(lexer);
        } else if (c == ' ' || c == '\t' || c == '\r' || c == ',') {
            lexer->at++;
        } else if (c == '#') {
            while (lex_peek(lexer, 0) >= 0 && lex_peek(lexer, 0) != '\n')
                lexer->at++;
        } else {
            return;
        }
    }
}

static struct garden_text lex_from(const struct garden__query_lexer *lexer, size_t start)
{
    return (struct garden_text){lexer->in.data + start, lexer->at - start};
}

static struct garden_text lex_name(struct garden__query_lexer *lexer)
{
    const size_t start = lexer->at;
    while (lex_is_name(lex_peek(lexer, 0), lexer->at == start))
        lexer->at++;
    return lex_from(lexer, start);
}

static int lex_number(struct garden__query_lexer *lexer, struct garden__query_token *out,
                      struct garden_error *error)
{
    const size_t start = lexer->at;
    out->kind = GARDEN__QUERY_INT;
    if (lex_peek(lexer, 0) == '-') lexer->at++;
    const size_t digits = lexer->at;
    while (lex_is_digit(lex_peek(lexer, 0)))
        lexer->at++;
    bool good = lexer->at > digits && (lexer->at == digits + 1 || lexer->in.data[digits] != '0');
    if (good && lex_peek(lexer, 0) == '.') {
        out->kind = GARDEN__QUERY_REAL;
        lexer->at++;
        good = lex_is_digit(lex_peek(lexer, 0));
        while (lex_is_digit(lex_peek(lexer, 0)))
            lexer->at++;
    }
    if (good && (lex_peek(lexer, 0) | 0x20) == 'e') {
        out->kind = GARDEN__QUERY_REAL;
        lexer->at++;
        if (lex_peek(lexer, 0) == '+' || lex_peek(lexer, 0) == '-') lexer->at++;
        good = lex_is_digit(lex_peek(lexer, 0));
        while (lex_is_digit(lex_peek(lexer, 0)))
            lexer->at++;
    }
    if (!good || lex_is_name(lex_peek(lexer, 0), true) || lex_peek(lexer, 0) == '.')
        return garden__query_fail(error, GARDEN_ERR_FORMAT, out->place,
                                  "expected a number, such as 3, -1.5 or 2e3");
    out->text = lex_from(lexer, start);
    return GARDEN_OK;
}

static char *lex_put(char *end, uint32_t code)
{
    if (code < 0x80) {
        *end++ = (char)code;
        return end;
    }
    if (code >= 0x10000) {
        *end++ = (char)(0xf0 | code >> 18);
        *end++ = (char)(0x80 | (code >> 12 & 0x3f));
    } else if (code >= 0x800) {
        *end++ = (char)(0xe0 | code >> 12);
    }
    if (code >= 0x800)
        *end++ = (char)(0x80 | (code >> 6 & 0x3f));
    else
        *end++ = (char)(0xc0 | code >> 6);
    *end++ = (char)(0x80 | (code & 0x3f));
    return end;
}

// Reads hexadecimal digits: |count| of them, or with 0 as many as there are before a '}'.
static bool lex_hex(struct garden__query_lexer *lexer, size_t count, uint32_t *code)
{
    *code = 0;
    for (size_t i = 0; count == 0 || i < count; i++) {
        const int c = lex_peek(lexer, 0);
        const int low = c | 0x20;
        if (count == 0 && c == '}' && i > 0) {
            lexer->at++;
            return true;
        }
        if (lex_is_digit(c))
            *code = *code * 16 + (uint32_t)(c - '0');
        else if (c >= 0 && low >= 'a' && low <= 'f')
            *code = *code * 16 + (uint32_t)(low - 'a' + 10);
        else
            return false;
        if (*code > LEX_CODE_MAX) return false;
        lexer->at++;
    }
    return true;
}

// What follows a backslash, whose place the cursor has passed. Null: it is no escape.
static char *lex_escape(struct garden__query_lexer *lexer, char *end)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const int c = lex_peek(lexer, 0);
    const char *known = c > 0 ? strchr(from, c) : NULL;
    uint32_t code, low;
    if (c < 0) return NULL;
    lexer->at++;
    if (known) {
        *end++ = to[known - from];
        return end;
    }
    if (c != 'u') return NULL;
    const bool braces = lex_peek(lexer, 0) == '{';
    if (braces) lexer->at++;
    if (!lex_hex(lexer, braces ? 0 : 4, &code)) return NULL;
    if (!braces && code >= 0xd800 && code <= 0xdbff) { // the other half must follow
        if (lex_peek(lexer, 0) != '\\' || lex_peek(lexer, 1) != 'u') return NULL;
        lexer->at += 2;
        if (!lex_hex(lexer, 4, &low) || low < 0xdc00 || low > 0xdfff) return NULL;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code >= 0xd800 && code <= 0xdfff) return NULL;
    return lex_put(end, code);
}

static int lex_text(struct garden__query_lexer *lexer, struct garden__query_token *out,
                    struct garden_error *error)
{
    if (lex_peek(lexer, 1) == '"' && lex_peek(lexer, 2) == '"')
        return garden__query_fail(error, GARDEN_ERR_FORMAT, out->place,
                                  "block texts (\"\"\") are not supported: use \"...\" with \\n");
    size_t size = 1; // up to the closing quote is an upper bound, as no escape grows
    for (int c; (c = lex_peek(lexer, size)) >= 0 && c != '\n' && c != '"';)
        size += c == '\\' ? 2 : 1;
    char *const text = garden_arena_alloc(lexer->arena, size + 1, 1);
    if (!text) return garden__query_fail(error, lexer->arena->error, out->place, "no memory");
    char *end = text;
    lexer->at++;
    for (;;) {
        const struct garden__query_place place = lex_place(lexer);
        const int c = lex_peek(lexer, 0);
        if (c == '"') break;
        if (c < 0 || c == '\n')
            return garden__query_fail(error, GARDEN_ERR_FORMAT, out->place,
                                      "a text that begins here does not end: expected '\"'");
        lexer->at++;
        if (c != '\\') {
            *end++ = (char)c;
            continue;
        }
        end = lex_escape(lexer, end);
        if (!end)
            return garden__query_fail(error, GARDEN_ERR_FORMAT, place,
                                      "expected an escape: \\\" \\\\ \\/ \\b \\f \\n \\r \\t or "
                                      "\\u and four digits");
    }
    lexer->at++;
    out->kind = GARDEN__QUERY_TEXT;
    out->text = (struct garden_text){text, (size_t)(end - text)};
    return GARDEN_OK;
}

int garden__query_lex(struct garden__query_lexer *lexer, struct garden__query_token *out,
                      struct garden_error *error)
{
    lex_skip(lexer);
    *out = (struct garden__query_token){.kind = GARDEN__QUERY_END, .place = lex_place(lexer)};
    const int c = lex_peek(lexer, 0);
    const size_t start = lexer->at;
    if (c < 0) return GARDEN_OK;
    if (c == '"') return lex_text(lexer, out, error);
    if (c == '-' || lex_is_digit(c)) return lex_number(lexer, out, error);
    if (lex_is_name(c, true)) {
        out->kind = GARDEN__QUERY_NAME;
        out->text = lex_name(lexer);
        return GARDEN_OK;
    }
    if (c == '$') {
        lexer->at++;
        out->kind = GARDEN__QUERY_VARIABLE;
        out->text = lex_name(lexer);
        if (out->text.size) return GARDEN_OK;
        return garden__query_fail(error, GARDEN_ERR_FORMAT, out->place,
                                  "expected a variable's name behind '$'");
    }
    if (c == '.' && lex_peek(lexer, 1) == '.' && lex_peek(lexer, 2) == '.') {
        lexer->at += 3;
        out->kind = GARDEN__QUERY_SPREAD;
    } else if (c != 0 && strchr("{}()[]:@!=|&", c)) {
        lexer->at++;
        out->kind = GARDEN__QUERY_MARK;
    } else if (c > ' ' && c < 0x7f) {
        return garden__query_fail(error, GARDEN_ERR_FORMAT, out->place,
                                  "'%c' is no part of the language", c);
    } else {
        return garden__query_fail(error, GARDEN_ERR_FORMAT, out->place,
                                  "the octet 0x%02x is no part of the language", (unsigned)c);
    }
    out->text = lex_from(lexer, start);
    return GARDEN_OK;
}

void garden__query_token_name(const struct garden__query_token *token, char *out, size_t size)
{
    const int shown = token->text.size < 40 ? (int)token->text.size : 40;
    switch (token->kind) {
    case GARDEN__QUERY_END:
        (void)snprintf(out, size, "the end of the query");
        return;
    case GARDEN__QUERY_TEXT:
        (void)snprintf(out, size, "the text \"%.*s\"", shown, token->text.data);
        return;
    case GARDEN__QUERY_VARIABLE:
        (void)snprintf(out, size, "$%.*s", shown, token->text.data);
        return;
    case GARDEN__QUERY_NAME:
    case GARDEN__QUERY_INT:
    case GARDEN__QUERY_REAL:
    case GARDEN__QUERY_SPREAD:
    case GARDEN__QUERY_MARK:
        break;
    }
    (void)snprintf(out, size, "'%.*s'", shown, token->text.data);
}
