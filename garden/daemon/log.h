// One line on stderr for each thing worth telling. Only the loop's thread logs: the others tell it by
// their events, so that a stuck terminal never holds up audio.
#ifndef GARDEN_DAEMON_LOG_H
#define GARDEN_DAEMON_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
enum log_level log_level(void);
// "error", "warning", "info" or "debug". False: none of them.
bool log_level_parse(const char *text, enum log_level *out);

// Whether lines begin with the time, in UTC: always, never, or where the journal does not stamp them itself.
enum log_time { LOG_TIME_AUTO, LOG_TIME_ALWAYS, LOG_TIME_NEVER };
void log_set_time(enum log_time when); // never, before the first call
// "auto", "always" or "never". False: none of them.
bool log_time_parse(const char *text, enum log_time *out);

// "gardend: text", with the level's name before the text when it is no error. Whatever is not
// printable, such as a stranger's line feed, shows as '?'.
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void log_write(enum log_level level, const char *format, ...);

#endif
