// How long something takes, as counts of times by size: from it medians, the rare long ones and the longest
// are read. One thread adds, any may read meanwhile; adding is a few instructions and safe on an audio thread.
#ifndef GARDEN_DAEMON_SPREAD_H
#define GARDEN_DAEMON_SPREAD_H

#include <stdatomic.h>
#include <stdint.h>

// A cell is a sixteenth of a power of two wide, so what is read is at most 7 % too large. Times beyond 2^40 ns,
// which are 18 minutes, are counted as that.
enum {
    SPREAD_PARTS = 16,
    SPREAD_POWER_MAX = 40,
    SPREAD_CELLS = (SPREAD_POWER_MAX - 2) * SPREAD_PARTS
};

struct spread {
    atomic_uint_least64_t cells[SPREAD_CELLS];
    atomic_uint_least64_t longest;
};

void spread_add(struct spread *spread, uint64_t ns);

struct spread_figures {
    uint64_t count, p50_ns, p99_ns, p999_ns, max_ns;
};
struct spread_figures spread_read(const struct spread *spread);

#endif
