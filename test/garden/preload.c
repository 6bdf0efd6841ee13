// Preloaded into a daemon and its clients by tests: the system's wall clock is ahead by what a file says, so
// that it can jump, calls of fsync are counted, writes into chunks fail with the errno that a file has, so many
// of the next writes and syncs of the state's folder as others say, and the machine was started anew as often as one says.
// Other clocks are the system's.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

// The number at the beginning of the file that |variable| names; a dummy when there is none.
static volatile int64_t *preload_number(const char *variable, int flags, int access)
{
    static int64_t none, scratch; // what is written is not what others read
    int64_t *dummy = access & PROT_WRITE && strcmp(variable, "SYNCS") == 0 ? &scratch : &none;
    const char *path = getenv(variable);
    const int file = path ? open(path, flags | O_CLOEXEC) : -1;
    if (file < 0) return dummy;
    void *mapped = mmap(NULL, sizeof none, access, MAP_SHARED, file, 0);
    (void)close(file);
    return mapped == MAP_FAILED ? dummy : mapped;
}

// Seconds.
static int64_t wall_ahead(void)
{
    static volatile int64_t *ahead;
    if (!ahead) ahead = preload_number("WALL_AHEAD", O_RDONLY, PROT_READ);
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

// Whether |file| is |folder|, or lies in it.
static int is_under(int file, const char *folder)
{
    char link[64], path[512];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const ssize_t size = readlink(link, path, sizeof path - 2);
    if (size < 0) return 0;
    path[size] = '/';
    path[size + 1] = '\0';
    return strstr(path, folder) != NULL;
}

// Takes one of those that are to fail.
static int strikes(volatile int64_t *left, int file)
{
    if (*left <= 0 || !is_under(file, "/state/")) return 0;
    return __atomic_fetch_sub(left, 1, __ATOMIC_RELAXED) > 0;
}

// The machine was started so often since, as the system tells it.
int openat(int folder, const char *path, int flags, ...)
{
    static int (*system_one)(int, const char *, int, ...);
    static volatile int64_t *boots;
    va_list rest;
    char text[40];
    if (!system_one) *(void **)&system_one = dlsym(RTLD_NEXT, "openat");
    if (!boots) boots = preload_number("BOOTS", O_RDONLY, PROT_READ);
    va_start(rest, flags);
    const unsigned mode = flags & O_CREAT ? va_arg(rest, unsigned) : 0;
    va_end(rest);
    if (*boots == 0 || strcmp(path, "/proc/sys/kernel/random/boot_id") != 0)
        return system_one(folder, path, flags, mode);
    const int file = memfd_create("boot_id", MFD_CLOEXEC);
    const int size = snprintf(text, sizeof text, "%036lld\n", (long long)*boots);
    if (file >= 0 && pwrite(file, text, (size_t)size, 0) != size) abort();
    return file;
}

int fsync(int file)
{
    static int (*system_one)(int);
    static volatile int64_t *count, *left;
    if (!system_one) *(void **)&system_one = dlsym(RTLD_NEXT, "fsync");
    if (!count) count = preload_number("SYNCS", O_RDWR, PROT_READ | PROT_WRITE);
    if (!left) left = preload_number("STATE_SYNCS_FAIL", O_RDWR, PROT_READ | PROT_WRITE);
    __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
    if (strikes(left, file)) {
        errno = EIO;
        return -1;
    }
    return system_one(file);
}

ssize_t write(int file, const void *data, size_t size)
{
    static ssize_t (*system_one)(int, const void *, size_t);
    static volatile int64_t *error, *left;
    if (!system_one) *(void **)&system_one = dlsym(RTLD_NEXT, "write");
    if (!error) error = preload_number("CHUNK_ERROR", O_RDONLY, PROT_READ);
    if (!left) left = preload_number("STATE_WRITES_FAIL", O_RDWR, PROT_READ | PROT_WRITE);
    if (*error != 0 && is_under(file, "/staging/")) {
        errno = (int)*error;
        return -1;
    }
    if (strikes(left, file)) {
        errno = ENOSPC;
        return -1;
    }
    return system_one(file, data, size);
}
