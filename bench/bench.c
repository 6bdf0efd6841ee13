#include "bench.h"

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
    if (a.size < 2) bench_die("SIZE", "at least 2: one octet alone marks the end");
    return a;
}

// Not ru_maxrss, which begins with what the process was before it became this program.
static unsigned long bench_peak_kb(void)
{
    static const char label[] = "VmHWM:";
    unsigned long kb = 0;
    char line[256];
    FILE *const status = fopen("/proc/self/status", "r");
    if (!status) bench_die("peak memory", "no /proc/self/status");
    while (fgets(line, sizeof line, status))
        if (strncmp(line, label, sizeof label - 1) == 0)
            kb = strtoul(line + sizeof label - 1, NULL, 10);
    (void)fclose(status); // it was only read
    return kb;
}

static void bench_run(const struct bench_run *run)
{
    struct adapter *const adapter = adapter_open(run->home, run->side->pattern, BENCH_QUEUE_MAX);
    fprintf(run->out, "library %s\n", adapter_library());
    if (run->binds)
        fprintf(run->out, "endpoint %s\n", adapter_bind(adapter, run->arguments->endpoint));
    else
        adapter_connect(adapter, run->arguments->endpoint);
    (void)fflush(run->out);
    run->side->run(adapter, run->arguments, run->out);
    fprintf(run->out, "peak_kb %lu\n", bench_peak_kb());
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

int bench_main(int argc, char **argv, const struct bench_side *binder,
               const struct bench_side *dialler)
{
    const struct bench_arguments arguments = bench_arguments(argc, argv);
    struct adapter_home *const home = adapter_home_open();
    struct bench_run binds = {home, binder, &arguments, true, stdout};
    const struct bench_run connects = {home, dialler, &arguments, false, stdout};
    if (strcmp(argv[1], "both") == 0)
        bench_run_both(&binds, &connects);
    else
        bench_run(strcmp(argv[1], "bind") == 0 ? &binds : &connects);
    adapter_home_close(home);
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

void bench_die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}
