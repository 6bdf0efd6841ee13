// Trials: a piece of work again and again, each time with another allocation failing, or another system call; each in a
// process of its own. What the work has to see to itself is told with trial_fail().
//
// TORTURE_POINTS: at most so many failures of each kind and piece. TORTURE_CASE, TORTURE_KIND, TORTURE_AT: one trial,
// here, for a debugger; KIND is the number of what fails.
#ifndef TEST_TORTURE_TRIAL_H
#define TEST_TORTURE_TRIAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What fails.
enum trial_kind { TRIAL_ALLOCATION, TRIAL_ALLOCATIONS, TRIAL_CALL, TRIAL_KINDS };
enum { TRIAL_PATIENCE_MS = 20000 };

// Shared with the process of a trial.
struct trial_told {
    atomic_uint_fast64_t allocations, calls; // so far, on all threads
    _Atomic(const char *) failed;            // the call that did
    bool skipped;                            // this build has not what it is for
    char wrong[128];                         // what went wrong; "": nothing
};

extern struct trial {
    struct trial_told *told;
    enum trial_kind kind;
    uint64_t at;        // 0: nothing fails
    atomic_bool armed;  // what is tried is at work, not the program that tries it
    const char *spared; // a call that never fails; null: none
} trial;

struct trial_case {
    const char *name;
    void (*run)(const void *of);
    const void *of;
};

void trial_fail(const char *what); // the first is kept
uint64_t trial_now_ms(void);
unsigned trial_descriptors(void); // how many are open
// All of them. The program's exit status.
int trial_all(const struct trial_case *cases, size_t count);

#endif
