#include "error.h"

#include <stdarg.h>
#include <stdio.h>

int garden__fail(struct garden_error *error, int code, const char *format, ...)
{
    if (error == NULL) return code;
    error->code = code;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof error->text, format, arguments); // a cut line is still one
    va_end(arguments);
    return code;
}
