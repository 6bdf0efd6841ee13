// The system's wall clock, ahead by what a file says: preloaded into a daemon and a client by a test whose
// clock jumps. Other clocks are the system's.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

// Seconds, at the beginning of the file $WALL_AHEAD.
static int64_t wall_ahead(void)
{
    static const volatile int64_t *ahead;
    if (!ahead) {
        const char *path = getenv("WALL_AHEAD");
        const int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (file < 0) return 0;
        void *mapped = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
        (void)close(file);
        if (mapped == MAP_FAILED) return 0;
        ahead = mapped;
    }
    return *ahead;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    static int (*system_one)(clockid_t, struct timespec *);
    if (!system_one) *(void **)&system_one = dlsym(RTLD_NEXT, "clock_gettime");
    const int result = system_one(clock, out);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        out->tv_sec += wall_ahead();
    return result;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
    *out = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *out)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
