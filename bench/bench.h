// What the scenarios share: the command line, clocks and the lines of results.
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "adapter.h"

enum { BENCH_QUEUE_MAX = 1000 }; // libzmtp's and libzmq's own default
enum {
    BENCH_OUTSTANDING_MAX = 500
}; // a queue's limit would make an answerer wait, which it may not

// Keys of a CURVE server of these programs and of nobody else's, in Z85.
#define BENCH_PUBLIC_KEY "QpML^tE6o+M>PJ}tit0uR^E56O^ekf[hAs0Y15)&"
#define BENCH_SECRET_KEY "T:FE-/tM0l87^:R)ThuJQHZffd%#2[*/!?LYx9)/"

#define BENCH_FOREVER_NS (UINT64_C(3600) * 1000000000)

struct bench_arguments {
    const char *endpoint; // as others would dial it
    size_t size;
    uint64_t duration_ns, count_max; // whichever comes first ends it
    char *const *extra;              // what a scenario's row in scenarios.py adds; NULL ends them
};

// What one side does with its socket; it writes its figures to |out|, one a line.
struct bench_side {
    enum adapter_pattern pattern;
    void (*run)(struct adapter *adapter, const struct bench_arguments *arguments, FILE *out);
    // For who cannot hear whether all has come: "cpu_seconds" is told of the whole process, after everything has
    // left.
    bool costs_close;
    // What costs until everything has left is told after it; null: there is nothing more to tell. Not of "both".
    void (*after)(FILE *out);
    bool unlimited; // queues have no limit
};
// The program: PROGRAM bind|connect|both ENDPOINT SIZE MILLISECONDS [EXTRA ...], or COUNTx for so many
// messages, however long they take. Each side prints "library NAME", the one that binds then "endpoint
// TEXT", so that the other can be told a port that the system chose; then its own figures, and
// "peak_kb", the most memory that was resident. "both" runs both sides in two threads, for inproc; the
// figures of the one that binds then begin with "bind_", and processor time and memory are the process's.
// With "curve" among the words of EXTRA, who binds is a CURVE server and who connects its client. As many
// descriptors as the system lets it have are its own.
int bench_main(int argc, char **argv, const struct bench_side *binder,
               const struct bench_side *dialler);

uint64_t bench_now_ns(void);
// Processor time of this process, user and system.
uint64_t bench_cpu_ns(void);
// |size| octets that no library could guess or compress.
unsigned char *bench_body(size_t size);
// The size of the message that ends a run in which others have |size|.
size_t bench_end_size(size_t size);
// Is |word| one of |words|, which a null ends?
bool bench_has(char *const *words, const char *word);
// The number that stands at |index| of EXTRA; ends the process when there is none.
size_t bench_number(const struct bench_arguments *arguments, size_t index);
// One more connection, over tcp and the |index|-th from an address of its own: libzmq's DEALER takes the same text twice
// for one connection.
void bench_connect_from(struct adapter *adapter, const char *endpoint, size_t index);
// A semaphore that the two processes of |endpoint| share, with which who receives tells who sends. One of them makes it.
sem_t *bench_bell(const char *endpoint, bool made_here);
// Sends each message back until the run's last has gone; "cpu_seconds" are those behind the first |warm|.
void bench_answer(struct adapter *adapter, const struct bench_arguments *arguments, uint64_t warm,
                  FILE *out);
// Of one who keeps so many messages on their way: the number at |index| of EXTRA, 1 to BENCH_OUTSTANDING_MAX.
size_t bench_outstanding(const struct bench_arguments *arguments, size_t index);
// After how many messages a run ends that is told a number of them, behind the first |warm|; UINT64_MAX: it goes by time.
uint64_t bench_last(const struct bench_arguments *arguments, uint64_t warm);
// Sends the run's last message to one who answers, and waits until it is back.
void bench_ask_end(struct adapter *adapter, const struct bench_arguments *arguments);
// Sorts, and prints the median and what is rarer of |count| round trips, as p50_us, p99_us and p999_us.
void bench_print_trips(FILE *out, uint64_t *trips_ns, size_t count);
// Sorts |count| round trips; the median in microseconds.
double bench_median_us(uint64_t *trips_ns, size_t count);
// Octets of this process that are resident now.
size_t bench_resident(void);
_Noreturn void bench_die(const char *what, const char *why);

#endif
