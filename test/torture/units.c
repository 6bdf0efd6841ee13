// Linked into a unit test instead of plain cmocka (see the Makefile), it runs each of its tests again and
// again, in a process of its own, with the first allocation failing, then the second, and so on; first just
// that one, then it and the next few. A test may fail then, by its own assertions; but it must not crash, hang
// or trip over a sanitizer, and when it passes all the same, nothing may have leaked.
//
// TORTURE_POINTS: at most so many allocations of each test, spread over all of them; 200 by default.
// TORTURE_TEST, TORTURE_AT, TORTURE_ON: one test, with that allocation failing, and the next few if ON is 1;
// here, for a debugger.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    UNITS_POINTS = 200,
    UNITS_SECONDS = 20,
    UNITS_LEAKED = 77,
    UNITS_OUTPUT = 1 << 16,
    UNITS_ON = 16
};

struct units_group {
    const char *name;
    const struct CMUnitTest *tests;
    size_t count;
    CMFixtureFunction set_up, tear_down;
};

// What the process of a test tells.
struct units_told {
    uint64_t calls; // allocations so far
};

static struct {
    struct units_told *told; // null: nobody asks
    uint64_t fail_at;        // 0: none
    bool fail_on;            // and the next UNITS_ON
} units;

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
int __real__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction set_up, CMFixtureFunction tear_down);
int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction set_up, CMFixtureFunction tear_down);
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

// The heap of the library has no other way to memory.
void *__wrap_realloc(void *memory, size_t size)
{
    if (units.told && size > 0) {
        const uint64_t call = ++units.told->calls;
        const uint64_t last = units.fail_at + (units.fail_on ? UNITS_ON : 0);
        if (units.fail_at > 0 && call >= units.fail_at && call <= last) return NULL;
    }
    return __real_realloc(memory, size);
}

static int units_run(const struct units_group *group, size_t index)
{
    return __real__cmocka_run_group_tests(group->name, &group->tests[index], 1, group->set_up,
                                          group->tear_down);
}

// The process of one test, whose output goes to |fd|.
static void units_child(const struct units_group *group, size_t index, int fd)
{
    (void)dup2(fd, STDOUT_FILENO);
    (void)dup2(fd, STDERR_FILENO);
    alarm(UNITS_SECONDS);
    const int failed = units_run(group, index);
    units.told = NULL;
    fflush(NULL);
    if (failed == 0 && __lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
        _exit(UNITS_LEAKED);
    _exit(failed != 0);
}

// What is wrong with how it ended; null: nothing.
static const char *units_judge(int status, const char *output)
{
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status));
    if (WEXITSTATUS(status) == UNITS_LEAKED) return "it passes and leaks";
    if (WEXITSTATUS(status) > 1) return "a sanitizer complains";
    return strstr(output, "with exception") ? "it crashes" : NULL;
}

// Runs a test in a process of its own, with units.fail_at. What is wrong, or null; |*passed| tells the rest.
static const char *units_try(const struct units_group *group, size_t index, bool *passed)
{
    static char output[UNITS_OUTPUT];
    FILE *const file = tmpfile();
    if (!file) return "there is no file for its output";
    units.told->calls = 0;
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) units_child(group, index, fileno(file));
    int status = 0;
    const bool ended = child > 0 && waitpid(child, &status, 0) == child;
    rewind(file);
    output[fread(output, 1, sizeof output - 1, file)] = '\0';
    fclose(file);
    if (!ended) return "it has no process";
    *passed = status == 0;
    const char *const wrong = units_judge(status, output);
    if (wrong) printf("# %s\n", output);
    return wrong;
}

static uint64_t units_number(const char *name, uint64_t otherwise)
{
    const char *const text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

// Every allocation of a test, or as many as there are points. What is wrong with the first that is wrong.
static const char *units_torture(const struct units_group *group, size_t index, uint64_t *tried)
{
    bool passed = false;
    units.fail_at = 0;
    const char *wrong = units_try(group, index, &passed);
    if (!wrong && !passed) wrong = "it fails by itself";
    const uint64_t calls = units.told->calls, points = units_number("TORTURE_POINTS", UNITS_POINTS);
    const uint64_t step = calls > points && points > 0 ? (calls + points - 1) / points : 1;
    for (uint64_t at = 1; at <= calls && !wrong; at += step) {
        units.fail_at = at;
        for (int on = 0; on < 2 && !wrong; on++, ++*tried) {
            units.fail_on = on;
            wrong = units_try(group, index, &passed);
        }
    }
    return wrong;
}

static int units_again(const struct units_group *group, const char *test)
{
    units.fail_at = units_number("TORTURE_AT", 0);
    units.fail_on = units_number("TORTURE_ON", 0) == 1;
    for (size_t i = 0; i < group->count; i++)
        if (strcmp(group->tests[i].name, test) == 0) return units_run(group, i);
    fprintf(stderr, "there is no test of this name\n");
    return 2;
}

int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction set_up, CMFixtureFunction tear_down)
{
    const struct units_group group = {name, tests, count, set_up, tear_down};
    const char *const test = getenv("TORTURE_TEST");
    int failed = 0;
    units.told =
        mmap(NULL, sizeof *units.told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (units.told == MAP_FAILED) return 2;
    if (test) return units_again(&group, test);
    printf("1..%zu\n", count);
    for (size_t i = 0; i < count; i++) {
        uint64_t tried = 0;
        const char *const wrong = units_torture(&group, i, &tried);
        if (wrong)
            printf("# %s; again: TORTURE_TEST=%s TORTURE_AT=%llu TORTURE_ON=%d\n", wrong,
                   tests[i].name, (unsigned long long)units.fail_at, units.fail_on);
        printf("%sok %zu - %s, %llu times\n", wrong ? "not " : "", i + 1, tests[i].name,
               (unsigned long long)tried);
        failed += wrong != NULL;
    }
    return failed;
}
