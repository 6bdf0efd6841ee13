// monkey [--threads N] [--seconds N] [--trace] FIRST COUNT: runs so many seeds, each in a process of its own,
// and reports in TAP. --threads: each seed is a process with so many threads, each with engines of its own
// that share their names. --trace: one seed, in this process, for a debugger.
#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/monkey/monkey.h"
#include "test/torture/calls.h"

enum { MAIN_SECONDS = 120, MAIN_PATIENCE_MS = 20000, MAIN_THREADS_MAX = 16, MAIN_FAILED = 9 };

_Thread_local struct monkey_faults *monkey_faults;

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static struct {
    size_t threads;
    uint64_t first, count, seconds;
    bool trace;
    char folder[32];
    struct zmtp_uv_shared *shared; // of all threads
    atomic_bool kept;              // something may lie in the folder: see calls_fail
} options = {.threads = 1};

bool calls_fail(const char *name)
{
    // What the engine removes paths with, and looks at them before.
    static const char *const removals[] = {"unlink", "lstat", "fstat"};
    struct monkey_faults *const faults = monkey_faults;
    if (!faults || faults->calls == 0 || random_below(&faults->random, 1000) >= faults->calls)
        return false;
    for (size_t i = 0; i < sizeof removals / sizeof removals[0]; i++)
        if (strcmp(name, removals[i]) == 0) options.kept = true;
    return true;
}

bool calls_allocation_fails(void)
{
    struct monkey_faults *const faults = monkey_faults;
    return faults && faults->heap > 0 && random_below(&faults->random, 1000) < faults->heap;
}

void monkey_expect(const struct monkey *monkey, bool good, const char *what)
{
    if (good) return;
    fprintf(stderr, "seed %llu%s: not so: %s, with %s\n", (unsigned long long)monkey->seed,
            monkey->child ? ", in a child" : "", what, monkey->doing ? monkey->doing : "nothing");
    abort();
}

size_t monkey_below(struct monkey *monkey, size_t bound)
{
    return random_below(&monkey->random, bound);
}

bool monkey_one_in(struct monkey *monkey, size_t count)
{
    return monkey_below(monkey, count) == 0;
}

// Of those with %s it is a folder.
static const char *const main_endpoints[] = {
    "inproc://a",
    "inproc://b",
    "inproc://c",
    "inproc://zeromq.zap.01",
    "tcp://127.0.0.1:*",
    "tcp://127.0.0.1:*",
    "tcp://localhost:*",
    "tcp://localhost:1",
    "tcp://lo;127.0.0.1:1",
    "ipc://*",
    "ipc://%s/one",
    "ipc://%s/two",
    "ws://127.0.0.1:*/x",
    "udp://127.0.0.1:*",
    "udp://lo;239.255.77.77:*",
};
enum { MAIN_ENDPOINTS = sizeof main_endpoints / sizeof main_endpoints[0] };

// Who looks up names has threads; and what one of them holds of the sanitizer's allocator at a fork stays
// locked in the child.
#ifdef __SANITIZE_ADDRESS__
enum { MAIN_SANITIZED = true };
#else
enum { MAIN_SANITIZED = false };
#endif

void monkey_endpoint(struct monkey *monkey, char out[ZMTP_ENDPOINT_MAX])
{
    const size_t index = monkey_below(monkey, MAIN_ENDPOINTS + MONKEY_KEPT);
    const char *const kept = index < MAIN_ENDPOINTS ? "" : monkey->kept[index - MAIN_ENDPOINTS];
    const char *const text = main_endpoints[index % MAIN_ENDPOINTS];
    const char *const place = strstr(text, "%s");
    const bool threads = MAIN_SANITIZED && monkey->forks && strstr(text, "localhost");
    if (*kept)
        strcpy(out, kept);
    else if (place)
        snprintf(out, ZMTP_ENDPOINT_MAX, "%.*s%s%s", (int)(place - text), text, monkey->folder,
                 place + 2);
    else
        strcpy(out, threads ? "tcp://127.0.0.1:*" : text);
}

void monkey_keep(struct monkey *monkey, const char *endpoint)
{
    strcpy(monkey->kept[monkey_below(monkey, MONKEY_KEPT)], endpoint);
}

static size_t main_descriptors(void)
{
    size_t count = 0;
    DIR *const folder = opendir("/proc/self/fd");
    if (!folder) return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void main_wait(struct monkey *monkey)
{
    const uint64_t end = uv_hrtime() + (uint64_t)MAIN_PATIENCE_MS * 1000000;
    while (!monkey->closed[0] || !monkey->closed[1]) {
        uv_run(&monkey->loop, UV_RUN_NOWAIT);
        usleep(200);
        if (uv_hrtime() < end) continue;
        uv_print_all_handles(&monkey->loop, stderr);
        monkey_expect(monkey, false, "everything closes");
    }
    uv_run(&monkey->loop, UV_RUN_DEFAULT);
}

// What hangs on the seed.
static void main_begin(struct monkey *monkey, uint64_t seed)
{
    monkey->seed = seed;
    monkey->random = random_of(seed);
    monkey->faults.random = random_of(~seed);
    monkey->folder = options.folder;
    monkey->trace = options.trace;
    monkey->budgeted = seed % 2 == 1;
    monkey->family = monkey_below(monkey, 11);
    monkey->mechanism = monkey_one_in(monkey, 2) ? 4 : monkey_below(monkey, 5);
    if (seed % 4 == 1) monkey->faults.engine = 1 + monkey_below(monkey, 100);
    if (seed % 3 == 1) monkey->faults.calls = 1 + monkey_below(monkey, 60);
    if (seed % 7 == 1) monkey->faults.heap = 1 + monkey_below(monkey, 90);
    monkey->starves = seed % 5 == 2 && options.threads == 1;
    monkey->forks = seed % 6 == 1 && options.threads == 1;
    ledger_init(&monkey->ledger);
    if (zmtp_sodium()) zmtp_key_generate(&monkey->keys, zmtp_sodium());
}

static void main_open(struct monkey *monkey)
{
    const struct zmtp_allocator *const allocator =
        monkey->budgeted ? &monkey->ledger.allocator : NULL;
    monkey->shared = options.shared;
    if (!options.shared && monkey->seed % 3 > 0)
        monkey_expect(monkey, zmtp_uv_shared_open(&monkey->shared) == ZMTP_OK, "names are shared");
    for (size_t i = 0; i < MONKEY_ENGINES; i++) {
        monkey_expect(monkey, zmtp_uv_open(&monkey->uv[i], &monkey->loop, allocator) == ZMTP_OK,
                      "there is an engine");
        if (monkey->shared)
            monkey_expect(monkey, zmtp_uv_join(monkey->uv[i], monkey->shared) == ZMTP_OK,
                          "and it joins others");
    }
    if (!options.shared) zmtp_uv_shared_close(monkey->shared);
}

static void main_check_end(struct monkey *monkey)
{
    for (struct monkey_socket *one = monkey->all, *next; one; one = next) {
        next = one->next;
        monkey_expect(monkey, one->told == one->asked, "whoever asked is told of a close");
        free(one);
    }
    monkey_expect(monkey, ledger_settled(&monkey->ledger), "all memory is back");
}

static void main_play(struct monkey *monkey, uint64_t seed)
{
    main_begin(monkey, seed);
    main_open(monkey);
    monkey_faults = &monkey->faults;
    for (size_t left = 50 + monkey_below(monkey, 400); left > 0; left--) {
        monkey_act(monkey);
        if (monkey_one_in(monkey, 2)) uv_run(&monkey->loop, UV_RUN_NOWAIT);
        if (monkey_one_in(monkey, 30)) usleep(2000);
    }
    monkey->quiet = true;
    for (size_t i = 0; i < MONKEY_SOCKETS; i++)
        if (monkey->at[i] && monkey_one_in(monkey, 2)) monkey_close(monkey->at[i]);
    for (size_t i = 0; i < MONKEY_ENGINES; i++)
        monkey_close_engine(monkey, i);
    monkey_faults = NULL;
    main_wait(monkey);
    main_check_end(monkey);
}

static void *main_thread(void *argument)
{
    struct monkey *monkey = argument;
    main_play(monkey, monkey->seed);
    return NULL;
}

// Loops begin and end in one thread: libuv closes descriptors by a system call that the thread sanitizer does
// not see, and when another thread's loop got the number again it would take that for a race.
static struct monkey *main_make(uint64_t seed)
{
    struct monkey *monkey = calloc(1, sizeof *monkey);
    if (!monkey) abort();
    monkey->seed = seed;
    monkey_expect(monkey, uv_loop_init(&monkey->loop) == 0, "there is a loop");
    return monkey;
}

static void main_unmake(struct monkey *monkey)
{
    monkey_expect(monkey, uv_loop_close(&monkey->loop) == 0, "no handle is left on the loop");
    free(monkey);
}

// The threads that ask name servers end a little later than what they were asked for.
static void main_check_process(uint64_t seed, size_t before)
{
    const uint64_t end = uv_hrtime() + (uint64_t)MAIN_PATIENCE_MS * 1000000;
    size_t now;
    while ((now = main_descriptors()) > before && uv_hrtime() < end)
        usleep(1000);
    if (now <= before) return;
    fprintf(stderr, "seed %llu: %zu descriptors are left of %zu\n", (unsigned long long)seed, now,
            before);
    abort();
}

// Calls |each| with the path of all that lies in |folder|.
static void main_each_entry(const char *folder, void (*each)(const char *path, void *context),
                            void *context)
{
    char path[PATH_MAX];
    DIR *const open = opendir(folder);
    if (!open) return;
    for (const struct dirent *entry; (entry = readdir(open));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < (int)sizeof path)
            each(path, context);
    }
    closedir(open);
}

// Whatever was bound, and however it ended, its path has gone, and a fresh one's folder too. But where what
// removes it has failed for us, it may stay: the next who binds finds it stale.
static void main_refuse_entry(const char *path, void *seed)
{
    if (options.kept) return;
    fprintf(stderr, "seed %llu: %s is left although nothing failed that removes it\n",
            (unsigned long long)*(const uint64_t *)seed, path);
    abort();
}

static void main_seed(uint64_t seed)
{
    pthread_t threads[MAIN_THREADS_MAX];
    struct monkey *monkeys[MAIN_THREADS_MAX];
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = MONKEY_DESCRIPTORS;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    const size_t before = main_descriptors();
    if (options.threads == 1) {
        monkeys[0] = main_make(seed);
        main_thread(monkeys[0]);
        main_unmake(monkeys[0]);
    } else {
        if (zmtp_uv_shared_open(&options.shared) < 0) abort();
        for (size_t i = 0; i < options.threads; i++)
            monkeys[i] = main_make(seed * MAIN_THREADS_MAX + i);
        for (size_t i = 0; i < options.threads; i++)
            if (pthread_create(&threads[i], NULL, main_thread, monkeys[i]) != 0) abort();
        for (size_t i = 0; i < options.threads; i++)
            pthread_join(threads[i], NULL);
        for (size_t i = 0; i < options.threads; i++)
            main_unmake(monkeys[i]);
        zmtp_uv_shared_close(options.shared);
        options.shared = NULL;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = MONKEY_DESCRIPTORS;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    main_check_process(seed, before);
    main_each_entry(options.folder, main_refuse_entry, &seed);
}

// Runs it in a process of its own. True: all went well.
static bool main_try(uint64_t seed)
{
    int status = 0;
    const char *wrong = NULL;
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        alarm(MAIN_SECONDS);
        main_seed(seed);
        const bool leaks = __lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check();
        _exit(leaks ? MAIN_FAILED : 0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        wrong = "there is no process";
    else if (WIFSIGNALED(status))
        wrong = WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        wrong = WEXITSTATUS(status) == MAIN_FAILED ? "memory leaks" : "a sanitizer complains";
    if (!wrong) return true;
    printf("# seed %llu: %s; again: monkey --threads %zu --trace %llu 1\n",
           (unsigned long long)seed, wrong, options.threads, (unsigned long long)seed);
    return false;
}

static void main_sweep_path(const char *path, void *context)
{
    (void)context;
    (void)__real_unlink(path);
}

// A path, or a folder with such in it.
static void main_sweep_entry(const char *path, void *context)
{
    main_each_entry(path, main_sweep_path, context);
    if (__real_unlink(path) < 0) (void)rmdir(path);
}

// What a seed left behind in the folder is not the next one's.
static void main_sweep(void)
{
    main_each_entry(options.folder, main_sweep_entry, NULL);
    options.kept = false;
}

static bool main_read_options(int count, char **words)
{
    int at = 1;
    for (; at < count && strncmp(words[at], "--", 2) == 0; at++) {
        if (strcmp(words[at], "--trace") == 0)
            options.trace = true;
        else if (strcmp(words[at], "--threads") == 0 && at + 1 < count)
            options.threads = strtoull(words[++at], NULL, 10);
        else if (strcmp(words[at], "--seconds") == 0 && at + 1 < count)
            options.seconds = strtoull(words[++at], NULL, 10);
        else
            return false;
    }
    if (at + 2 != count) return false;
    options.first = strtoull(words[at], NULL, 10);
    options.count = strtoull(words[at + 1], NULL, 10);
    return options.threads >= 1 && options.threads <= MAIN_THREADS_MAX;
}

int main(int count, char **words)
{
    uint64_t failed = 0, ran = 0;
    if (!main_read_options(count, words)) {
        fprintf(stderr, "monkey [--threads N] [--seconds N] [--trace] FIRST COUNT\n");
        return 2;
    }
    strcpy(options.folder, "/tmp/zmtp-monkey-XXXXXX");
    if (!mkdtemp(options.folder)) return 2;
    setenv("TMPDIR", options.folder, 1);
    // The first loop of a process opens what libuv keeps.
    uv_loop_t loop;
    if (uv_loop_init(&loop) < 0 || uv_loop_close(&loop) < 0) return 2;
    const uint64_t end = uv_hrtime() + options.seconds * 1000000000;
    for (; ran < options.count && (options.seconds == 0 || uv_hrtime() < end); ran++) {
        if (options.trace)
            main_seed(options.first + ran);
        else
            failed += !main_try(options.first + ran);
        main_sweep();
    }
    printf("1..1\n%sok 1 - %llu seeds from %llu with %zu threads, %llu failed\n",
           failed > 0 ? "not " : "", (unsigned long long)ran, (unsigned long long)options.first,
           options.threads, (unsigned long long)failed);
    rmdir(options.folder);
    return failed > 0;
}
