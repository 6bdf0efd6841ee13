#include "test/torture/trial.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test/torture/calls.h"

enum { TRIAL_POINTS = 200, TRIAL_SECONDS = 60, TRIAL_BURST = 16 };
static const char *const trial_kinds[] = {"an allocation fails", "several allocations fail",
                                          "a system call fails"};

struct trial trial;

bool calls_fail(const char *name)
{
    if (!atomic_load(&trial.armed)) return false;
    if (trial.spared && strcmp(name, trial.spared) == 0) return false;
    const uint64_t call = atomic_fetch_add(&trial.told->calls, 1) + 1;
    if (trial.kind != TRIAL_CALL || call != trial.at) return false;
    atomic_store(&trial.told->failed, name);
    return true;
}

bool calls_allocation_fails(void)
{
    if (!atomic_load(&trial.armed)) return false;
    const uint64_t call = atomic_fetch_add(&trial.told->allocations, 1) + 1;
    const uint64_t last = trial.at + (trial.kind == TRIAL_ALLOCATIONS ? TRIAL_BURST : 0);
    return trial.kind != TRIAL_CALL && trial.at > 0 && call >= trial.at && call <= last;
}

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
void __gcov_dump(void) __attribute__((weak)); // where it is counted what was reached

void trial_fail(const char *what)
{
    if (trial.told->wrong[0]) return;
    snprintf(trial.told->wrong, sizeof trial.told->wrong, "%s", what);
}

uint64_t trial_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

unsigned trial_descriptors(void)
{
    unsigned count = 0;
    DIR *const folder = opendir("/proc/self/fd");
    if (!folder) return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

// In a process of its own. What is wrong, or null.
static const char *trial_run(const struct trial_case *of)
{
    struct trial_told *const told = trial.told;
    int status = 0;
    memset(told, 0, sizeof *told);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        alarm(TRIAL_SECONDS);
        of->run(of->of);
        if (!told->wrong[0] && __lsan_do_recoverable_leak_check &&
            __lsan_do_recoverable_leak_check())
            trial_fail("memory leaks");
        if (__gcov_dump) __gcov_dump();
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) return "there is no process";
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status));
    if (WEXITSTATUS(status) != 0) return "a sanitizer complains";
    return told->wrong[0] ? told->wrong : NULL;
}

static uint64_t trial_number(const char *name, uint64_t otherwise)
{
    const char *const text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

// Returns whether all went well.
static bool trial_each(const struct trial_case *of, size_t index, enum trial_kind kind)
{
    const uint64_t points = trial_number("TORTURE_POINTS", TRIAL_POINTS);
    const size_t number = 1 + index * TRIAL_KINDS + kind;
    trial.at = 0;
    trial.kind = kind;
    const char *wrong = trial_run(of);
    if (trial.told->skipped) {
        printf("ok %zu - %s # SKIP it is not in this build\n", number, of->name);
        return true;
    }
    const uint64_t count = kind == TRIAL_CALL ? trial.told->calls : trial.told->allocations;
    const uint64_t step = count > points && points > 0 ? (count + points - 1) / points : 1;
    uint64_t tried = 0;
    for (uint64_t at = 1; at <= count && !wrong; at += step, tried++) {
        trial.at = at;
        wrong = trial_run(of);
        if (!wrong) continue;
        const char *const failed = atomic_load(&trial.told->failed);
        printf("# %s: %s; again: TORTURE_CASE=%zu TORTURE_KIND=%d TORTURE_AT=%llu\n",
               failed ? failed : trial_kinds[kind], wrong, index, (int)kind,
               (unsigned long long)at);
    }
    if (wrong && trial.at == 0) printf("# %s, with nothing failing\n", wrong);
    printf("%sok %zu - %s: %s, at %llu places of %llu\n", wrong ? "not " : "", number, of->name,
           trial_kinds[kind], (unsigned long long)tried, (unsigned long long)count);
    return !wrong;
}

int trial_all(const struct trial_case *cases, size_t count)
{
    trial.told =
        mmap(NULL, sizeof *trial.told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (trial.told == MAP_FAILED) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (getenv("TORTURE_CASE")) {
        const struct trial_case *const of = &cases[trial_number("TORTURE_CASE", 0) % count];
        trial.kind = (enum trial_kind)trial_number("TORTURE_KIND", 0);
        trial.at = trial_number("TORTURE_AT", 0);
        of->run(of->of);
        const char *const failed = atomic_load(&trial.told->failed);
        printf("%s failed; %s\n", failed ? failed : "no call",
               trial.told->wrong[0] ? trial.told->wrong : "all is well");
        return trial.told->wrong[0] != '\0';
    }
    size_t failed = 0;
    printf("1..%zu\n", count * TRIAL_KINDS);
    for (size_t i = 0; i < count; i++)
        for (int kind = 0; kind < TRIAL_KINDS; kind++)
            failed += !trial_each(&cases[i], i, (enum trial_kind)kind);
    return failed > 0;
}
