// What both scenarios share: the command line, clocks and the line of results.
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

enum { BENCH_QUEUE_MAX = 1000 }; // both libraries' own default

// PROGRAM bind|connect ENDPOINT SIZE MILLISECONDS. The side that binds prints "endpoint TEXT" first,
// so that the other can be told a port that the system chose.
struct bench_arguments {
    int binds;
    const char *endpoint;
    size_t size;
    uint64_t duration_ns;
};
struct bench_arguments bench_arguments(int argc, char **argv);

uint64_t bench_now_ns(void);
// Processor time of this process, user and system.
uint64_t bench_cpu_ns(void);
// |size| octets that no library could guess or compress.
unsigned char *bench_body(size_t size);
_Noreturn void bench_die(const char *what, const char *why);

#endif
