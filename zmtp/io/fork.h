// Whether this process is still the one that opened an engine. A forked child has a copy of the engine
// but shares the descriptors, so whatever it did with them would be done to its parent.
#ifndef ZMTP_IO_FORK_H
#define ZMTP_IO_FORK_H

#include <stdatomic.h>
#include <stdbool.h>

// Begins to count forks, once for the process. False: no memory for it.
bool zmtp__fork_watch(void);
// Another number in each child than in its parent. A load, no system call.
extern atomic_uint zmtp__fork_count;
static inline unsigned zmtp__fork_generation(void)
{
    return atomic_load_explicit(&zmtp__fork_count, memory_order_relaxed);
}

#endif
