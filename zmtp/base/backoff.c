#include "../base.h"

// One step of splitmix64: spreads a seed over all bits, so that seeds 1, 2, 3 do not run in step.
static uint64_t backoff_spread(uint64_t seed)
{
    uint64_t z = seed + 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

// xorshift64*, whose high half is the good one.
static uint32_t backoff_random(struct zmtp_backoff *backoff)
{
    backoff->random ^= backoff->random >> 12;
    backoff->random ^= backoff->random << 25;
    backoff->random ^= backoff->random >> 27;
    return (uint32_t)(backoff->random * 0x2545F4914F6CDD1Du >> 32);
}

void zmtp_backoff_init(struct zmtp_backoff *backoff, uint32_t min_ms, uint32_t max_ms,
                       uint64_t seed)
{
    if (!backoff) return;
    const uint64_t random = backoff_spread(seed);
    *backoff = (struct zmtp_backoff){
        .min_ms = min_ms > 0 ? min_ms : 1,
        .random = random > 0 ? random : 1,
    };
    backoff->max_ms = max_ms > backoff->min_ms ? max_ms : backoff->min_ms;
    zmtp_backoff_reset(backoff);
}

uint32_t zmtp_backoff_next(struct zmtp_backoff *backoff)
{
    if (!backoff) return 0;
    const uint32_t full_ms = backoff->next_ms;
    const uint32_t jitter_ms = backoff_random(backoff) % (full_ms / 2 + 1);
    backoff->next_ms = full_ms > backoff->max_ms / 2 ? backoff->max_ms : full_ms * 2;
    return full_ms - jitter_ms;
}

void zmtp_backoff_reset(struct zmtp_backoff *backoff)
{
    if (backoff) backoff->next_ms = backoff->min_ms;
}
