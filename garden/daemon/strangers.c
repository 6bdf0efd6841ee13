#include "strangers.h"

#include <inttypes.h>

#include "log.h"

uint64_t strangers_look(struct strangers *strangers, uint64_t now_ms, bool last)
{
    const uint64_t untold = strangers->untold;
    if (strangers->told == 0 || (!last && now_ms - strangers->begun_ms < STRANGERS_SPAN_MS))
        return 0;
    *strangers = (struct strangers){0};
    if (untold > 0)
        log_write(LOG_INFO, "%" PRIu64 " more clients were refused than were told one by one",
                  untold);
    return untold;
}

bool strangers_tell(struct strangers *strangers, uint64_t now_ms, const char *door, const char *who,
                    const char *why)
{
    (void)strangers_look(strangers, now_ms, false);
    if (strangers->told == 0) strangers->begun_ms = now_ms;
    if (strangers->told == STRANGERS_LINES_MAX) {
        strangers->untold++;
        return false;
    }
    strangers->told++;
    log_write(LOG_INFO, "the %s lane refused %s: %s", door, who, why);
    return true;
}
