// Is the other side alive? A ping goes out every interval; one that is not answered within it is
// missed, and so many missed in a row mean death. Time is an argument.
#ifndef GARDEN_CORE_LIVENESS_H
#define GARDEN_CORE_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

enum garden__life { GARDEN__LIFE_UNKNOWN, GARDEN__LIFE_ALIVE, GARDEN__LIFE_DEAD };

struct garden__liveness {
    uint32_t interval_ms, missed_max;
    enum garden__life life;
    uint64_t ping;          // the number of the last ping, which its answer repeats
    uint64_t ping_ms;       // when it went out
    uint64_t next_ms;       // when the next one is due
    bool waiting;           // it is not answered yet
    uint32_t missed;        // in a row
    uint32_t round_trip_ms; // of the last answered one; UINT32_MAX: none
};

void garden__liveness_init(struct garden__liveness *liveness, uint32_t interval_ms,
                           uint32_t missed_max, uint64_t now_ms);
// At |next_ms|: true when ping number |liveness->ping| is to be sent now.
bool garden__liveness_tick(struct garden__liveness *liveness, uint64_t now_ms);
// A ping at once, unless one is under way; then tick.
void garden__liveness_hurry(struct garden__liveness *liveness, uint64_t now_ms);
// The way to the other side was opened anew, so a ping under way may be lost: true when it is to be
// sent again now, under a new number and within the same interval. Else one is due at once; tick.
bool garden__liveness_renew(struct garden__liveness *liveness, uint64_t now_ms);
// The answer to ping |number| came. False: it is not the last ping's, or came before; it tells nothing.
bool garden__liveness_pong(struct garden__liveness *liveness, uint64_t number, uint64_t now_ms);

#endif
