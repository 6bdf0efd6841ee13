#include "log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../core/admit.h"

enum { LOG_LINE_SIZE = 1024, LOG_TIME_SIZE = 32 };

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

// ---- Time

static bool log_stamped;

bool log_time_parse(const char *text, enum log_time *out)
{
    static const char *const names[] = {"auto", "always", "never"};
    for (int i = 0; i < (int)(sizeof names / sizeof *names); i++) {
        if (strcmp(text, names[i]) != 0) continue;
        *out = (enum log_time)i;
        return true;
    }
    return false;
}

// Whether stderr is the journal, which a service manager tells by its device and inode (systemd.exec(5)). A program
// that inherited the variable may write elsewhere.
static bool log_to_journal(void)
{
    const char *text = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    struct stat status;
    return text && sscanf(text, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void log_set_time(enum log_time when)
{
    log_stamped = when == LOG_TIME_ALWAYS || (when == LOG_TIME_AUTO && !log_to_journal());
}

// "2026-01-02T03:04:05.678Z ", or nothing.
static void log_now(char out[LOG_TIME_SIZE])
{
    struct timespec now;
    struct tm parts;
    out[0] = 0;
    if (!log_stamped || clock_gettime(CLOCK_REALTIME, &now) != 0) return;
    if (!gmtime_r(&now.tv_sec, &parts)) return;
    const size_t size = strftime(out, LOG_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    if (size > 0)
        (void)snprintf(out + size, LOG_TIME_SIZE - size, ".%03uZ ",
                       (unsigned)(now.tv_nsec / 1000000) % 1000);
}

void log_write(enum log_level level, const char *format, ...)
{
    if (level > log_most) return;
    char line[LOG_LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments); // a cut line is still one
    va_end(arguments);
    garden__text_tame(line); // a stranger's octets may be anything
    char now[LOG_TIME_SIZE];
    log_now(now);
    if (level == LOG_ERROR)
        (void)fprintf(stderr, "%sgardend: %s\n", now, line);
    else
        (void)fprintf(stderr, "%sgardend: %s: %s\n", now, log_names[level], line);
}
