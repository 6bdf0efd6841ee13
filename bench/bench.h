// What the scenarios share: the command line, clocks and the lines of results.
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "adapter.h"

enum { BENCH_QUEUE_MAX = 1000 }; // libzmtp's and libzmq's own default

#define BENCH_FOREVER_NS (UINT64_C(3600) * 1000000000)

struct bench_arguments {
    const char *endpoint;
    size_t size;
    uint64_t duration_ns, count_max; // whichever comes first ends it
    char *const *extra;              // what a scenario's row in scenarios.py adds; NULL ends them
};

// What one side does with its socket; it writes its figures to |out|, one a line.
struct bench_side {
    enum adapter_pattern pattern;
    void (*run)(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out);
};
// The program: PROGRAM bind|connect|both ENDPOINT SIZE MILLISECONDS [EXTRA ...], or COUNTx for so many
// messages, however long they take. Each side prints "library NAME", the one that binds then "endpoint
// TEXT", so that the other can be told a port that the system chose; then its own figures, and
// "peak_kb", the most memory that was resident. "both" runs both sides in two threads, for inproc; the
// figures of the one that binds then begin with "bind_", and processor time and memory are the process's.
int bench_main(int argc, char **argv, const struct bench_side *binder,
               const struct bench_side *dialler);

uint64_t bench_now_ns(void);
// Processor time of this process, user and system.
uint64_t bench_cpu_ns(void);
// |size| octets that no library could guess or compress.
unsigned char *bench_body(size_t size);
_Noreturn void bench_die(const char *what, const char *why);

#endif
