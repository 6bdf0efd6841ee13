#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct bench_arguments bench_arguments(int argc, char **argv)
{
    if (argc != 5 || (strcmp(argv[1], "bind") != 0 && strcmp(argv[1], "connect") != 0)) {
        fprintf(stderr, "usage: %s bind|connect ENDPOINT SIZE MILLISECONDS\n", argv[0]);
        exit(2);
    }
    struct bench_arguments a = {.binds = strcmp(argv[1], "bind") == 0, .endpoint = argv[2]};
    a.size = strtoul(argv[3], NULL, 10);
    a.duration_ns = strtoull(argv[4], NULL, 10) * 1000000;
    if (a.size < 2) bench_die("SIZE", "at least 2: one octet alone marks the end");
    return a;
}

uint64_t bench_now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); // cannot fail with this clock
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t bench_timeval_ns(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_usec * 1000;
}

uint64_t bench_cpu_ns(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage); // cannot fail with this target
    return bench_timeval_ns(usage.ru_utime) + bench_timeval_ns(usage.ru_stime);
}

unsigned char *bench_body(size_t size)
{
    unsigned char *const body = malloc(size);
    if (!body) bench_die("body", "no memory");
    uint32_t random = 2463534242; // xorshift
    for (size_t i = 0; i < size; i++) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        body[i] = (unsigned char)random;
    }
    return body;
}

void bench_die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}
