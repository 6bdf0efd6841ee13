#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct bench_run {
    struct adapter_home *home;
    const struct bench_side *side;
    const struct bench_arguments *arguments;
    bool binds;
    FILE *out;
};

static struct bench_arguments bench_arguments(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr,
                "usage: %s bind|connect|both ENDPOINT SIZE MILLISECONDS|COUNTx [EXTRA ...]\n",
                argv[0]);
        exit(2);
    }
    struct bench_arguments a = {
        .endpoint = argv[2], .size = strtoul(argv[3], NULL, 10), .extra = argv + 5};
    char *unit;
    const uint64_t amount = strtoull(argv[4], &unit, 10);
    const bool counted = strcmp(unit, "x") == 0;
    a.duration_ns = counted ? BENCH_FOREVER_NS : amount * 1000000;
    a.count_max = counted ? amount : UINT64_MAX;
    if (a.size < 1) bench_die("SIZE", "at least 1");
    return a;
}

// Not ru_maxrss, which begins with what the process was before it became this program.
static unsigned long bench_status_kb(const char *label)
{
    const size_t size = strlen(label);
    unsigned long kb = 0;
    char line[256];
    FILE *const status = fopen("/proc/self/status", "r");
    if (!status) bench_die("memory", "no /proc/self/status");
    while (fgets(line, sizeof line, status))
        if (strncmp(line, label, size) == 0) kb = strtoul(line + size, NULL, 10);
    (void)fclose(status); // it was only read
    return kb;
}

static void bench_run(const struct bench_run *run)
{
    const bool curve = bench_has(run->arguments->extra, "curve");
    const struct adapter_wish wish = {.pattern = run->side->pattern,
                                      .security = !curve       ? ADAPTER_NULL
                                                  : run->binds ? ADAPTER_CURVE_SERVER
                                                               : ADAPTER_CURVE_CLIENT,
                                      .count_max = run->side->unlimited ? 0 : BENCH_QUEUE_MAX};
    struct adapter *const adapter = adapter_open(run->home, &wish);
    fprintf(run->out, "library %s\n", adapter_library());
    struct bench_arguments arguments = *run->arguments;
    if (run->binds) {
        arguments.endpoint = adapter_bind(adapter, arguments.endpoint);
        fprintf(run->out, "endpoint %s\n", arguments.endpoint);
    } else {
        adapter_connect(adapter, arguments.endpoint);
    }
    (void)fflush(run->out);
    run->side->run(adapter, &arguments, run->out);
    fprintf(run->out, "peak_kb %lu\n", bench_status_kb("VmHWM:"));
    adapter_close(adapter);
}

static void *bench_run_thread(void *context)
{
    bench_run(context);
    return NULL;
}

static void bench_run_both(struct bench_run *binder, const struct bench_run *dialler)
{
    char *text = NULL, *rest = NULL;
    size_t size = 0;
    pthread_t thread;
    binder->out = open_memstream(&text, &size);
    if (!binder->out) bench_die("figures", "no memory");
    if (pthread_create(&thread, NULL, bench_run_thread, binder) != 0)
        bench_die("thread", "cannot be started");
    bench_run(dialler);
    (void)pthread_join(thread, NULL); // it was started
    (void)fclose(binder->out);        // it has been flushed by this
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        printf("bind_%s\n", line);
    free(text);
}

static void bench_raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) bench_die("descriptors", "no limit is known");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) bench_die("descriptors", "the limit stays");
}

int bench_main(int argc, char **argv, const struct bench_side *binder,
               const struct bench_side *dialler)
{
    const struct bench_arguments arguments = bench_arguments(argc, argv);
    bench_raise_limit();
    struct adapter_home *const home = adapter_home_open();
    struct bench_run binds = {home, binder, &arguments, true, stdout};
    const struct bench_run connects = {home, dialler, &arguments, false, stdout};
    const struct bench_run *const one = strcmp(argv[1], "bind") == 0 ? &binds : &connects;
    const bool both = strcmp(argv[1], "both") == 0;
    if (both)
        bench_run_both(&binds, &connects);
    else
        bench_run(one);
    adapter_home_close(home);
    if (!both && one->side->after) one->side->after(stdout);
    if (dialler->costs_close && (both || one == &connects))
        printf("cpu_seconds %.9f\n", (double)bench_cpu_ns() / 1e9);
    return 0;
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

size_t bench_end_size(size_t size)
{
    return size == 1 ? 2 : 1;
}

bool bench_has(char *const *words, const char *word)
{
    for (; *words; words++)
        if (strcmp(*words, word) == 0) return true;
    return false;
}

size_t bench_number(const struct bench_arguments *arguments, size_t index)
{
    for (size_t i = 0; arguments->extra[i]; i++)
        if (i == index) return strtoul(arguments->extra[i], NULL, 10);
    bench_die("EXTRA", "a number is missing");
}

static int bench_order(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

double bench_median_us(uint64_t *trips_ns, size_t count)
{
    if (count == 0) bench_die("asker", "no round trip in the given time");
    qsort(trips_ns, count, sizeof *trips_ns, bench_order);
    return (double)trips_ns[count / 2] / 1e3;
}

void bench_connect_from(struct adapter *adapter, const char *endpoint, size_t index)
{
    char text[256];
    if (strncmp(endpoint, "tcp://", 6) != 0) bench_die(endpoint, "it is for tcp");
    const int size = snprintf(text, sizeof text, "tcp://127.0.1.%zu:0;%s", index + 1, endpoint + 6);
    if (size < 0 || (size_t)size >= sizeof text) bench_die(endpoint, "too long");
    adapter_connect(adapter, text);
}

enum { BENCH_BELL_MS = 5000 };

sem_t *bench_bell(const char *endpoint, bool made_here)
{
    char name[200];
    const int size = snprintf(name, sizeof name, "/zmtp-bench-%s", endpoint);
    if (size < 0 || (size_t)size >= sizeof name) bench_die(endpoint, "too long");
    for (char *at = name + 1; *at; at++)
        if (*at == '/') *at = '-';
    if (made_here) (void)sem_unlink(name); // of a run that was killed, perhaps
    sem_t *bell = made_here ? sem_open(name, O_CREAT | O_EXCL, 0600, 0) : sem_open(name, 0);
    for (int i = 0; bell == SEM_FAILED && !made_here && i < BENCH_BELL_MS;
         i++) { // it is made just now
        (void)poll(NULL, 0, 1);
        bell = sem_open(name, 0);
    }
    if (bell == SEM_FAILED) bench_die(name, strerror(errno));
    if (!made_here) (void)sem_unlink(name); // both have it now
    return bell;
}

struct answerer {
    struct adapter *adapter;
    size_t end_size;
    uint64_t warm, count, cpu_ns;
};

static bool answerer_on_message(void *context, const unsigned char *data, size_t size)
{
    struct answerer *const a = context;
    if (a->count++ == a->warm) a->cpu_ns = bench_cpu_ns();
    adapter_send(a->adapter, data, size);
    return size != a->end_size;
}

void bench_answer(struct adapter *adapter, const struct bench_arguments *arguments, uint64_t warm,
                  FILE *out)
{
    struct answerer a = {
        .adapter = adapter, .end_size = bench_end_size(arguments->size), .warm = warm};
    adapter_receive(adapter, answerer_on_message, &a);
    fprintf(out, "cpu_seconds %.9f\n", (double)(bench_cpu_ns() - a.cpu_ns) / 1e9);
}

size_t bench_outstanding(const struct bench_arguments *arguments, size_t index)
{
    const size_t count = bench_number(arguments, index);
    if (count < 1 || count > BENCH_OUTSTANDING_MAX)
        bench_die("EXTRA", "1 to 500 messages may be on their way");
    return count;
}

uint64_t bench_last(const struct bench_arguments *arguments, uint64_t warm)
{
    return arguments->count_max < UINT64_MAX - warm ? warm + arguments->count_max : UINT64_MAX;
}

static bool asker_on_end(void *context, const unsigned char *data, size_t size)
{
    const struct bench_arguments *const arguments = context;
    (void)data;
    if (size != bench_end_size(arguments->size)) bench_die("asker", "wrong answer to the end");
    return false;
}

void bench_ask_end(struct adapter *adapter, const struct bench_arguments *arguments)
{
    struct bench_arguments copy = *arguments; // a context is nobody's to change, but is not const
    adapter_send(adapter, "\0", bench_end_size(arguments->size));
    adapter_receive(adapter, asker_on_end, &copy);
}

void bench_print_trips(FILE *out, uint64_t *trips_ns, size_t count)
{
    const double median_us = bench_median_us(trips_ns, count);
    fprintf(out, "p50_us %.3f\np99_us %.3f\np999_us %.3f\n", median_us,
            (double)trips_ns[count * 99 / 100] / 1e3, (double)trips_ns[count * 999 / 1000] / 1e3);
}

size_t bench_resident(void)
{
    return bench_status_kb("VmRSS:") * 1024;
}

void bench_die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}
