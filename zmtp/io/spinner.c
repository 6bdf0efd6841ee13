#include "spinner.h"

#include <sys/resource.h>

static uint64_t spinner_taken(void)
{
#ifdef RUSAGE_THREAD
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) == 0) return (uint64_t)usage.ru_nivcsw;
#endif
    return 0;
}

void zmtp__spinner_end(struct zmtp__spin *spin, uint64_t now_ns, bool found)
{
    if (zmtp__spin_end(spin, now_ns, found)) zmtp__spin_taken(spin, now_ns, spinner_taken());
}
