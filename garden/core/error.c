#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../value.h"

enum { ERROR_SEQUENCE_MAX = 4 }; // octets of a character in UTF-8

// Errors travel in messages, where every text is UTF-8: one that were not would take its whole message
// with it. But a precision may have cut a character in two, and a path need not be UTF-8 at all. Each
// octet that belongs to no character becomes a question mark.
void garden__text_mend(char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        size_t width = 1;
        while (width <= ERROR_SEQUENCE_MAX && width <= left &&
               !garden_text_valid((struct garden_text){text, width}))
            width++;
        if (width > ERROR_SEQUENCE_MAX || width > left) {
            *text = '?';
            width = 1;
        }
        text += width;
        left -= width;
    }
}

int garden__fail(struct garden_error *error, int code, const char *format, ...)
{
    if (error == NULL) return code;
    error->code = code;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof error->text, format, arguments); // a cut line is still one
    va_end(arguments);
    garden__text_mend(error->text);
    return code;
}
