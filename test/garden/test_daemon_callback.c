// What runs on an audio thread allocates nothing, takes no lock and makes no system call: the callback of a flow
// for each kind of source, and PipeWire's. It runs in a child where each of these ends it, and in another way.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "garden/daemon/flow.h"
#include "garden/daemon/spread.h"

#include "fixture.h"

#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#ifdef GARDEN_PIPEWIRE
#include <pipewire/pipewire.h>
#endif
#include <pthread.h>
#include <signal.h>
#include <sndfile.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_TRAPS 0 // sanitizers have their own heap and calls
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEST_TRAPS 0
#endif
#endif
#ifndef TEST_TRAPS
#define TEST_TRAPS 1
#endif

enum trap_fate { TRAP_FINE, TRAP_ALLOCATED, TRAP_LOCKED, TRAP_CALLED, TRAP_BROKEN };

#if TEST_TRAPS

static int make_folder(void **state)
{
    static struct folder folder;
    folder_make(&folder);
    *state = &folder;
    return 0;
}

static int drop_folder(void **state)
{
    folder_remove(*state);
    return 0;
}

// ---- The trap

static volatile bool trapped;

static void trap_leave(enum trap_fate fate)
{
    (void)syscall(SYS_exit, fate);
}

// Each stands before the C library's for the whole program.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
    if (trapped) trap_leave(TRAP_ALLOCATED);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (trapped) trap_leave(TRAP_ALLOCATED);
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    if (trapped) trap_leave(TRAP_ALLOCATED);
    return __libc_realloc(memory, size);
}

void free(void *memory)
{
    if (trapped) trap_leave(TRAP_ALLOCATED);
    __libc_free(memory);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (trapped) trap_leave(TRAP_ALLOCATED);
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}

// A lock that nobody else holds makes no system call, so it is caught here.
static int (*real_lock)(pthread_mutex_t *mutex);

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (trapped) trap_leave(TRAP_LOCKED);
    return real_lock ? real_lock(mutex) : 0; // before main there is one thread
}

// From here on any system call but leaving ends the process by SIGSYS.
static bool trap_close(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    const struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// What becomes of |run| in the trap. It returns false when it did not do what it was to do.
static enum trap_fate trap(bool (*run)(void *context), void *context)
{
    int status;
    real_lock = (int (*)(pthread_mutex_t *))(uintptr_t)dlsym(RTLD_NEXT, "pthread_mutex_lock");
    assert_non_null(real_lock);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!trap_close()) _exit(TRAP_BROKEN);
        trapped = true;
        const bool done = run(context);
        trapped = false;
        trap_leave(done ? TRAP_FINE : TRAP_BROKEN);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) return TRAP_CALLED;
    return WIFEXITED(status) ? (enum trap_fate)WEXITSTATUS(status) : TRAP_BROKEN;
}

// ---- The trap works

static void *volatile kept;

static bool run_malloc(void *context)
{
    kept = malloc(*(size_t *)context);
    return true;
}

static bool run_zmtp_alloc(void *context)
{
    kept = zmtp_alloc(NULL, *(size_t *)context);
    return true;
}

static bool run_free(void *context)
{
    free(*(void **)context);
    return true;
}

static bool run_lock(void *context)
{
    (void)pthread_mutex_lock(context);
    return true;
}

static bool run_sleep(void *context)
{
    (void)nanosleep(context, NULL);
    return true;
}

static bool run_log(void *context)
{
    return write(STDERR_FILENO, context, 0) == 0;
}

static bool run_nothing(void *context)
{
    return context == NULL;
}

static void the_trap_tells_allocations_locks_and_system_calls(void **state)
{
    (void)state;
    size_t size = 16;
    void *memory = malloc(size);
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct timespec pause = {.tv_nsec = 1};
    assert_int_equal(trap(run_nothing, NULL), TRAP_FINE);
    assert_int_equal(trap(run_nothing, &size), TRAP_BROKEN);
    assert_int_equal(trap(run_malloc, &size), TRAP_ALLOCATED);
    assert_int_equal(trap(run_zmtp_alloc, &size), TRAP_ALLOCATED);
    assert_int_equal(trap(run_free, &memory), TRAP_ALLOCATED);
    assert_int_equal(trap(run_lock, &mutex), TRAP_LOCKED);
    assert_int_equal(trap(run_sleep, &pause), TRAP_CALLED);
    assert_int_equal(trap(run_log, ""), TRAP_CALLED);
    free(memory);
}

// ---- The callback of a flow

struct played {
    struct flow *flow;
    size_t count; // calls that must play something
};

static bool run_callbacks(void *context)
{
    const struct played *played = context;
    struct spread spread = {0}; // the daemon measures each call
    for (size_t i = 0; i < played->count; i++) {
        if (flow_callback(played->flow) != FLOW_PLAYED) return false;
        spread_add(&spread, i);
    }
    // And one for which nothing is ready.
    return flow_callback(played->flow) == FLOW_EMPTY;
}

enum { TAPS = 9 };

// The whole way of the callback: as many taps as there are kinds, with room, with little, and with none.
static void trap_source(const char *text)
{
    static const enum garden_sample_format formats[] = {GARDEN_SAMPLE_F32_LE, GARDEN_SAMPLE_S16_LE,
                                                        GARDEN_SAMPLE_S24_LE, GARDEN_SAMPLE_S32_LE};
    static struct source_spec spec;
    struct garden_error error;
    struct source *source;
    struct played played = {0};
    struct flow_tap *taps[TAPS];
    struct garden_ring *rings[TAPS];
    assert_int_equal(source_spec_parse(text, &spec, &error), GARDEN_OK);
    if (source_open(&source, &spec, &error) < 0) fail_msg("%s", error.text);
    assert_int_equal(flow_open(&played.flow, source, FLOW_REAL, false, NULL), GARDEN_OK);
    const struct source_info *info = flow_info(played.flow);
    for (size_t i = 0; i < TAPS; i++) {
        const struct garden_stream_format format = {.kind = info->kind,
                                                    .sample_rate = info->rate,
                                                    .channels = info->channels,
                                                    .sample = formats[i % 4]};
        const size_t capacity = i < 4 ? 100000 : i < 8 ? 1024 : 1;
        assert_int_equal(garden_ring_open(NULL, garden_frame_size(&format), capacity, &rings[i]),
                         GARDEN_OK);
        assert_int_equal(
            flow_tap_open(played.flow, rings[i], capacity, format.sample, &taps[i], NULL),
            GARDEN_OK);
    }
    while (flow_fill(played.flow))
        played.count++;
    assert_true(played.count > 0);
    assert_int_equal(trap(run_callbacks, &played), TRAP_FINE);
    for (size_t i = 0; i < TAPS; i++) {
        flow_tap_close(played.flow, taps[i]);
        garden_ring_close(rings[i]);
    }
    flow_close(played.flow);
}

static void the_callback_is_fit_for_an_audio_thread_with_each_source_that_is_computed(void **state)
{
    (void)state;
    trap_source("counter:3,96000"); // whole samples, to every format
    trap_source("noise:2,48000");   // reals
    trap_source("sine:440,64,192000");
    trap_source("midi-counter:3125");
}

static void the_callback_is_fit_for_an_audio_thread_with_files(void **state)
{
    struct folder *folder = *state;
    char path[128], text[160];
    static const int kinds[] = {SF_FORMAT_PCM_16, SF_FORMAT_PCM_24, SF_FORMAT_FLOAT};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        SF_INFO info = {.samplerate = 48000, .channels = 2, .format = SF_FORMAT_WAV | kinds[i]};
        float samples[2000] = {0.25f, -0.25f};
        snprintf(path, sizeof path, "%s/%zu.wav", folder->path, i);
        snprintf(text, sizeof text, "file:%s", path);
        SNDFILE *file = sf_open(path, SFM_WRITE, &info);
        assert_non_null(file);
        assert_int_equal(sf_writef_float(file, samples, 1000), 1000);
        assert_int_equal(sf_close(file), 0);
        trap_source(text);
    }
    snprintf(path, sizeof path, "%s/octets", folder->path);
    snprintf(text, sizeof text, "midi:%s", path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("\x90\x3c\x01\xc0\x07", file) >= 0);
    assert_int_equal(fclose(file), 0);
    trap_source(text);
}

static void the_callback_is_fit_for_an_audio_thread_with_standard_input(void **state)
{
    (void)state;
    int ends[2];
    static const uint8_t octets[4000];
    const int before = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], octets, sizeof octets), sizeof octets);
    close(ends[1]);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    close(ends[0]);
    trap_source("stdin:s16,2,48000");
    if (before >= 0) assert_true(dup2(before, STDIN_FILENO) >= 0);
    if (before >= 0) close(before);
}

// Its null device has silence whenever it is asked.
static void the_callback_is_fit_for_an_audio_thread_with_alsa(void **state)
{
    (void)state;
#ifdef GARDEN_ALSA
    trap_source("alsa:null,s24,8,96000");
#else
    skip();
#endif
}

// ---- PipeWire's own, with as much of PipeWire as its driver asks for

#ifdef GARDEN_PIPEWIRE
// Each stands before the library's.
static struct {
    const struct pw_stream_events *events;
    void *context;
    struct pw_buffer *ready;
    size_t queued;
} graph;

void pw_init(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
}

void pw_deinit(void)
{
}

struct pw_thread_loop *pw_thread_loop_new(const char *name, const struct spa_dict *props)
{
    (void)name;
    (void)props;
    return (struct pw_thread_loop *)(void *)&graph;
}

struct pw_loop *pw_thread_loop_get_loop(struct pw_thread_loop *loop)
{
    return (struct pw_loop *)(void *)loop;
}

int pw_thread_loop_start(struct pw_thread_loop *loop)
{
    (void)loop;
    return 0;
}

void pw_thread_loop_stop(struct pw_thread_loop *loop)
{
    (void)loop;
}

void pw_thread_loop_destroy(struct pw_thread_loop *loop)
{
    (void)loop;
}

struct pw_properties *pw_properties_new(const char *key, ...)
{
    (void)key;
    return (struct pw_properties *)(void *)&graph;
}

int pw_properties_set(struct pw_properties *properties, const char *key, const char *value)
{
    (void)properties;
    (void)key;
    (void)value;
    return 1;
}

struct pw_stream *pw_stream_new_simple(struct pw_loop *loop, const char *name,
                                       struct pw_properties *props,
                                       const struct pw_stream_events *events, void *data)
{
    (void)loop;
    (void)name;
    (void)props;
    graph.events = events;
    graph.context = data;
    return (struct pw_stream *)(void *)&graph;
}

int pw_stream_connect(struct pw_stream *stream, enum pw_direction direction, uint32_t target_id,
                      enum pw_stream_flags flags, const struct spa_pod **params, uint32_t n_params)
{
    (void)stream;
    (void)direction;
    (void)target_id;
    (void)params;
    assert_true(flags & PW_STREAM_FLAG_RT_PROCESS); // else its lock is taken around each call
    assert_int_equal(n_params, 1);
    return 0;
}

void pw_stream_destroy(struct pw_stream *stream)
{
    (void)stream;
}

struct pw_buffer *pw_stream_dequeue_buffer(struct pw_stream *stream)
{
    (void)stream;
    return graph.ready;
}

int pw_stream_queue_buffer(struct pw_stream *stream, struct pw_buffer *buffer)
{
    (void)stream;
    graph.queued++;
    return buffer == graph.ready ? 0 : -EINVAL;
}

static bool run_process(void *context)
{
    struct spa_chunk *chunk = context;
    enum { CALLS = 600 }; // more than the ring holds
    for (size_t i = 0; i < CALLS; i++)
        graph.events->process(graph.context);
    chunk->size = UINT32_MAX; // what a server must not say, too
    chunk->offset = 8;
    graph.events->process(graph.context);
    return graph.queued == CALLS + 1;
}

static void pipewires_callback_is_fit_for_an_audio_thread(void **state)
{
    (void)state;
    enum { FRAMES = 128, CHANNELS = 2 };
    static float samples[FRAMES * CHANNELS];
    struct spa_chunk chunk = {.size = sizeof samples};
    struct spa_data data = {.data = samples, .maxsize = sizeof samples, .chunk = &chunk};
    struct spa_buffer buffer = {.n_datas = 1, .datas = &data};
    struct pw_buffer held = {.buffer = &buffer};
    union source_sample read[FRAMES * CHANNELS];
    struct source_spec spec;
    struct source *source;
    struct garden_error error;
    graph.ready = &held;
    for (size_t i = 0; i < FRAMES * CHANNELS; i++)
        samples[i] = (float)i;
    assert_int_equal(source_spec_parse("pipewire:x,2,48000", &spec, &error), GARDEN_OK);
    assert_int_equal(source_open(&source, &spec, &error), GARDEN_OK);
    assert_true(source_rewind(source)); // from here on it is wanted
    graph.events->process(graph.context);
    assert_int_equal(source_read(source, read, FRAMES), FRAMES);
    assert_memory_equal(read, samples, sizeof samples);
    graph.queued = 0;
    assert_int_equal(trap(run_process, &chunk), TRAP_FINE);
    source_close(source);
}
#else
static void pipewires_callback_is_fit_for_an_audio_thread(void **state)
{
    (void)state;
    skip();
}
#endif
#endif

#if !TEST_TRAPS
static void the_trap_tells_allocations_locks_and_system_calls(void **state)
{
    (void)state;
    skip(); // nor does anything of what it is for run under a sanitizer
}
#endif

// ---- How long it takes

// A page that is touched for the first time costs as much as hundreds of samples.
static void the_callback_has_all_its_memory_before_it_is_called(void **state)
{
    (void)state;
#if TEST_TRAPS
    enum { CAPACITY = 4096 };
    static struct source_spec spec;
    struct garden_error error;
    struct source *source;
    struct flow *flow;
    struct flow_tap *taps[2];
    struct garden_ring *rings[2];
    struct rusage before, after;
    assert_int_equal(source_spec_parse("counter:256,96000", &spec, &error), GARDEN_OK);
    assert_int_equal(source_open(&source, &spec, &error), GARDEN_OK);
    assert_int_equal(flow_open(&flow, source, FLOW_REAL, false, NULL), GARDEN_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(garden_ring_open(NULL, 256 * 4, CAPACITY, &rings[i]), GARDEN_OK);
        assert_int_equal(
            flow_tap_open(flow, rings[i], CAPACITY, GARDEN_SAMPLE_F32_LE, &taps[i], NULL),
            GARDEN_OK);
        while (flow_fill(flow))
            continue;
        assert_int_equal(getrusage(RUSAGE_THREAD, &before), 0);
        assert_int_equal(flow_callback(flow), FLOW_PLAYED);
        assert_int_equal(getrusage(RUSAGE_THREAD, &after), 0);
    }
    // The first of them had its code to be read in, too.
    assert_int_equal(after.ru_minflt - before.ru_minflt, 0);
    assert_int_equal(after.ru_majflt - before.ru_majflt, 0);
    for (size_t i = 0; i < 2; i++) {
        flow_tap_close(flow, taps[i]);
        garden_ring_close(rings[i]);
    }
    flow_close(flow);
#else
    skip(); // sanitizers have memory of their own beside all there is
#endif
}

static void the_spread_of_times_is_read_to_a_sixteenth(void **state)
{
    (void)state;
    static struct spread spread;
    struct spread_figures figures = spread_read(&spread);
    assert_true(figures.count == 0 && figures.max_ns == 0 && figures.p50_ns == 0);
    for (uint64_t i = 1; i <= 10000; i++)
        spread_add(&spread, i * 100);
    figures = spread_read(&spread);
    assert_int_equal(figures.count, 10000);
    assert_int_equal(figures.max_ns, 1000000);
    assert_true(figures.p50_ns >= 500000 && figures.p50_ns < 500000 + 500000 / 15);
    assert_true(figures.p99_ns >= 990000 && figures.p999_ns >= 999000);
    assert_true(figures.p999_ns <= figures.max_ns);
    spread_add(&spread, UINT64_MAX);
    assert_int_equal(spread_read(&spread).max_ns, UINT64_MAX);
}

static void small_times_are_told_exactly(void **state)
{
    (void)state;
    for (uint64_t ns = 0; ns < 32; ns++) {
        static struct spread spread;
        memset(&spread, 0, sizeof spread);
        spread_add(&spread, ns);
        assert_int_equal(spread_read(&spread).p50_ns, ns);
        assert_int_equal(spread_read(&spread).p999_ns, ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_trap_tells_allocations_locks_and_system_calls),
#if TEST_TRAPS
        cmocka_unit_test(the_callback_is_fit_for_an_audio_thread_with_each_source_that_is_computed),
        cmocka_unit_test_setup_teardown(the_callback_is_fit_for_an_audio_thread_with_files,
                                        make_folder, drop_folder),
        cmocka_unit_test(the_callback_is_fit_for_an_audio_thread_with_standard_input),
        cmocka_unit_test(the_callback_is_fit_for_an_audio_thread_with_alsa),
        cmocka_unit_test(pipewires_callback_is_fit_for_an_audio_thread),
#endif
        cmocka_unit_test(the_callback_has_all_its_memory_before_it_is_called),
        cmocka_unit_test(the_spread_of_times_is_read_to_a_sixteenth),
        cmocka_unit_test(small_times_are_told_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
