#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LOG_LINE_SIZE = 1024 };

static const char *const log_names[] = {"error", "warning", "info", "debug"};
enum { LOG_LEVELS = sizeof log_names / sizeof *log_names };

static enum log_level log_most = LOG_INFO;

void log_set_level(enum log_level level)
{
    log_most = level;
}

enum log_level log_level(void)
{
    return log_most;
}

bool log_level_parse(const char *text, enum log_level *out)
{
    for (int i = 0; i < LOG_LEVELS; i++) {
        if (strcmp(text, log_names[i]) != 0) continue;
        *out = (enum log_level)i;
        return true;
    }
    return false;
}

void log_write(enum log_level level, const char *format, ...)
{
    if (level > log_most) return;
    char line[LOG_LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments); // a cut line is still one
    va_end(arguments);
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f) *at = '?';
    if (level == LOG_ERROR)
        (void)fprintf(stderr, "gardend: %s\n", line);
    else
        (void)fprintf(stderr, "gardend: %s: %s\n", log_names[level], line);
}
