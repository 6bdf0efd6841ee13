// What one call of the audio callback costs: callback SECONDS SOURCE FORMAT [fifo].
//
// A flow as gardend has it plays SOURCE into a ring of four seconds, which another thread fills and empties, as the
// daemon's do. Around each call are read the clock, what the thread had of a processor, its page faults and how often
// it had to wait for a processor, so that what the callback costs can be told from what others take. "fifo" asks for
// the priority that gardend has. At each tick a plain copy of as many octets is measured, too, into as much memory, now
// before the callback and now behind it: what is as rare and as long there is the machine's, not the callback's.
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "../garden/daemon/flow.h"
#include "bench.h"

enum { CALLBACK_RING_SECONDS = 4, CALLBACK_PRIORITY = 20, CALLBACK_FRAMES = 256 };

struct callback_sample {
    uint64_t clock_ns, own_ns;
    long faults, waits;
    uint64_t copy_ns;
};

static struct {
    struct flow *flow;
    struct garden_ring *ring;
    atomic_bool over;
    // The plain copy's.
    unsigned char *from, *to;
    size_t size, room, at;
} callback;

// Fills ahead and takes away what was played.
static void *callback_serve(void *context)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    (void)context;
    while (!atomic_load(&callback.over)) {
        struct garden_run run;
        while (flow_fill(callback.flow))
            continue;
        while (garden_ring_peek(callback.ring, &run))
            garden_ring_consume(callback.ring, run.count);
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    return NULL;
}

static uint64_t callback_own_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); // cannot fail for this clock
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static bool callback_measure(struct callback_sample *sample)
{
    struct rusage before, after;
    (void)getrusage(RUSAGE_THREAD, &before); // cannot fail
    const uint64_t own = callback_own_ns(), begun = bench_now_ns();
    const enum flow_result result = flow_callback(callback.flow);
    sample->clock_ns = bench_now_ns() - begun;
    sample->own_ns = callback_own_ns() - own;
    (void)getrusage(RUSAGE_THREAD, &after);
    sample->faults = after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt;
    sample->waits = after.ru_nivcsw - before.ru_nivcsw;
    return result == FLOW_PLAYED;
}

static uint64_t callback_copy(void)
{
    const uint64_t begun = bench_now_ns();
    memcpy(callback.to + callback.at, callback.from, callback.size);
    const uint64_t took = bench_now_ns() - begun;
    callback.at = (callback.at + callback.size) % callback.room;
    return took;
}

static void callback_open_copy(size_t frame_size, size_t capacity)
{
    callback.size = frame_size * CALLBACK_FRAMES;
    callback.room = capacity * frame_size / callback.size * callback.size;
    callback.from = bench_body(callback.size);
    callback.to = malloc(callback.room);
    if (!callback.to) bench_die("copy", "no memory");
    memset(callback.to, 1, callback.room); // so that all of it is there
}

static int callback_compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void callback_tell(const char *name, uint64_t *times, size_t count)
{
    if (count == 0) return;
    qsort(times, count, sizeof *times, callback_compare);
    printf("%s_p50_us %.2f\n%s_p99_us %.2f\n%s_p999_us %.2f\n%s_max_us %.2f\n", name,
           (double)times[count / 2] / 1e3, name, (double)times[count - 1 - count / 100] / 1e3, name,
           (double)times[count - 1 - count / 1000] / 1e3, name, (double)times[count - 1] / 1e3);
}

static void callback_report(const struct callback_sample *samples, size_t count)
{
    uint64_t *times = malloc((count + 1) * sizeof *times);
    size_t faulted = 0, waited = 0, alone = 0;
    if (!times) bench_die("report", "no memory");
    for (size_t i = 0; i < count; i++)
        times[i] = samples[i].clock_ns;
    callback_tell("clock", times, count);
    for (size_t i = 0; i < count; i++)
        times[i] = samples[i].own_ns;
    callback_tell("own", times, count);
    for (size_t i = 0; i < count; i++) {
        faulted += samples[i].faults > 0;
        waited += samples[i].waits > 0;
        if (samples[i].waits == 0 && samples[i].faults == 0) times[alone++] = samples[i].clock_ns;
    }
    callback_tell("undisturbed", times, alone);
    for (size_t i = 0; i < count; i++)
        times[i] = samples[i].copy_ns;
    callback_tell("copy", times, count);
    printf("calls %zu\nfaulted %zu\nwaited %zu\n", count, faulted, waited);
    free(times);
}

static void callback_run(double seconds, uint32_t rate)
{
    const size_t most = (size_t)(seconds * rate / CALLBACK_FRAMES);
    const uint64_t period = UINT64_C(1000000000) * CALLBACK_FRAMES / rate;
    struct callback_sample *samples = malloc((most + 1) * sizeof *samples);
    size_t count = 0;
    if (!samples) bench_die("samples", "no memory");
    memset(samples, 1, (most + 1) * sizeof *samples); // no page of it comes amid a call
    uint64_t next = bench_now_ns();
    for (size_t i = 0; i < most; i++) {
        next += period;
        const struct timespec at = {.tv_sec = (time_t)(next / UINT64_C(1000000000)),
                                    .tv_nsec = (long)(next % UINT64_C(1000000000))};
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        const uint64_t before = i % 2 == 0 ? callback_copy() : 0;
        if (!callback_measure(&samples[count])) continue;
        samples[count++].copy_ns = i % 2 == 0 ? before : callback_copy();
    }
    callback_report(samples, count);
    free(samples);
}

int main(int argc, char **argv)
{
    struct source_spec spec;
    struct source *source = NULL;
    struct flow_tap *tap = NULL;
    struct garden_error error = {.text = ""};
    pthread_t server;
    if (argc < 4) bench_die("usage", "callback SECONDS SOURCE f32|s32 [fifo]");
    const bool real = strcmp(argv[3], "f32") == 0;
    const struct garden_stream_format format = {.sample = real ? GARDEN_SAMPLE_F32_LE
                                                               : GARDEN_SAMPLE_S32_LE};
    if (source_spec_parse(argv[2], &spec, &error) < 0 || source_open(&source, &spec, &error) < 0 ||
        flow_open(&callback.flow, source, FLOW_REAL, false, &error) < 0)
        bench_die(argv[2], error.text);
    const struct source_info *info = flow_info(callback.flow);
    const size_t capacity = (size_t)info->rate * CALLBACK_RING_SECONDS;
    const uint32_t frame_size = info->channels * garden_sample_size(format.sample);
    if (garden_ring_open(NULL, frame_size, capacity, &callback.ring) < 0 ||
        flow_tap_open(callback.flow, callback.ring, capacity, format.sample, &tap, &error) < 0)
        bench_die("ring", error.text);
    if (pthread_create(&server, NULL, callback_serve, NULL) != 0) bench_die("thread", "none");
    const struct sched_param param = {.sched_priority = CALLBACK_PRIORITY};
    const bool fifo = argc > 4 && strcmp(argv[4], "fifo") == 0 &&
                      pthread_setschedparam(pthread_self(), SCHED_FIFO, &param) == 0;
    printf("fifo %d\n", fifo);
    callback_open_copy(frame_size, capacity);
    callback_run(atof(argv[1]), info->rate);
    atomic_store(&callback.over, true);
    (void)pthread_join(server, NULL);
    flow_tap_close(callback.flow, tap);
    flow_close(callback.flow);
    garden_ring_close(callback.ring);
    free(callback.from);
    free(callback.to);
    return 0;
}
