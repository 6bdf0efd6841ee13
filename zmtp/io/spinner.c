#include "spinner.h"

#include <sys/resource.h>
#include <time.h>

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

static uint64_t spinner_used_ns(void)
{
#ifdef CLOCK_THREAD_CPUTIME_ID
    struct timespec used;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) == 0)
        return (uint64_t)used.tv_sec * UINT64_C(1000000000) + (uint64_t)used.tv_nsec;
#endif
    return 0;
}

void zmtp__spinner_slept(struct zmtp__spin *spin, uint64_t begun_ns, uint64_t now_ns)
{
    if (zmtp__spin_slept(spin, now_ns, now_ns - begun_ns))
        zmtp__spin_used(spin, now_ns, spinner_used_ns());
}
