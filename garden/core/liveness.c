#include "liveness.h"

void garden__liveness_init(struct garden__liveness *liveness, uint32_t interval_ms,
                           uint32_t missed_max, uint64_t now_ms)
{
    *liveness = (struct garden__liveness){.interval_ms = interval_ms,
                                          .missed_max = missed_max,
                                          .next_ms = now_ms,
                                          .round_trip_ms = UINT32_MAX};
}

bool garden__liveness_tick(struct garden__liveness *liveness, uint64_t now_ms)
{
    if (now_ms < liveness->next_ms) return false;
    if (liveness->waiting && liveness->missed < liveness->missed_max) liveness->missed++;
    if (liveness->missed == liveness->missed_max && liveness->life == GARDEN__LIFE_ALIVE)
        liveness->life = GARDEN__LIFE_DEAD;
    liveness->ping++;
    liveness->ping_ms = now_ms;
    liveness->next_ms = now_ms + liveness->interval_ms;
    liveness->waiting = true;
    return true;
}

void garden__liveness_hurry(struct garden__liveness *liveness, uint64_t now_ms)
{
    if (!liveness->waiting && now_ms < liveness->next_ms) liveness->next_ms = now_ms;
}

bool garden__liveness_renew(struct garden__liveness *liveness, uint64_t now_ms)
{
    garden__liveness_hurry(liveness, now_ms);
    if (!liveness->waiting) return false;
    liveness->ping++;
    liveness->ping_ms = now_ms;
    return true;
}

bool garden__liveness_pong(struct garden__liveness *liveness, uint64_t number, uint64_t now_ms)
{
    if (!liveness->waiting || number != liveness->ping) return false;
    liveness->waiting = false;
    liveness->missed = 0;
    liveness->life = GARDEN__LIFE_ALIVE;
    const uint64_t took = now_ms - liveness->ping_ms;
    liveness->round_trip_ms = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX - 1;
    return true;
}
