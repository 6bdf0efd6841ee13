#include "span.h"

#include <stdbool.h>
#include <string.h>

static void span_take(struct zmtp_bytes *rest, size_t count)
{
    *rest = zmtp_bytes_of(rest->data + count, rest->size - count);
}

void garden__span_skip(struct zmtp_bytes *rest)
{
    size_t count = 0;
    while (count < rest->size && memchr(" \t\r\n", rest->data[count], 4) != NULL)
        count++;
    span_take(rest, count);
}

// Octets of the text that |rest| begins with, with its quotes.
static size_t span_text(struct zmtp_bytes rest)
{
    size_t at = 1;
    while (at < rest.size && rest.data[at] != '"')
        at += rest.data[at] == '\\' ? 2 : 1;
    return at < rest.size ? at + 1 : rest.size;
}

// Of a list or a map: up to the bracket that closes as many as were opened.
static size_t span_nested(struct zmtp_bytes rest)
{
    size_t at = 0, depth = 0;
    while (at < rest.size) {
        const uint8_t octet = rest.data[at];
        if (octet == '"') {
            at += span_text(zmtp_bytes_of(rest.data + at, rest.size - at));
            continue;
        }
        at++;
        if (octet == '[' || octet == '{') depth++;
        if ((octet == ']' || octet == '}') && --depth == 0) return at;
    }
    return at;
}

static size_t span_word(struct zmtp_bytes rest)
{
    size_t at = 1;
    while (at < rest.size && memchr(",:]}[{\" \t\r\n", rest.data[at], 11) == NULL)
        at++;
    return at;
}

struct zmtp_bytes garden__span_value(struct zmtp_bytes *rest)
{
    size_t size = 0;
    if (rest->size > 0 && rest->data[0] == '"')
        size = span_text(*rest);
    else if (rest->size > 0 && (rest->data[0] == '[' || rest->data[0] == '{'))
        size = span_nested(*rest);
    else if (rest->size > 0)
        size = span_word(*rest);
    const struct zmtp_bytes value = zmtp_bytes_of(rest->data, size);
    span_take(rest, size);
    return value;
}
