#include "flow.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "../core/error.h"

enum {
    FLOW_BLOCKS = 64,         // decoded ahead
    FLOW_SLICE_MS = 20,       // the longest sleep, so that an end is noticed soon
    FLOW_BLOCKS_A_SECOND = 50 // at least, at whatever rate
};
#define FLOW_SECOND INT64_C(1000000000)
#define FLOW_MILLISECOND INT64_C(1000000)
#define FLOW_FULL_PAUSE (FLOW_MILLISECOND / 5)

struct flow_block {
    uint_least64_t run; // that it belongs to
    size_t frames;
    uint64_t lost; // by the device, before these
    bool last;
    union source_sample *samples; // of audio
    uint8_t *octets;              // of MIDI
};

struct flow_tap {
    struct garden_ring *ring;
    size_t capacity;
    enum garden_sample_format format;
    uint8_t *octets; // a block as |format|
    size_t octets_size;
    size_t place; // in the flow's taps
};

struct flow {
    struct source *source;
    enum flow_pace pace;
    size_t block_frames; // a block's at most
    void *memory;        // of all blocks
    size_t memory_size;
    size_t played; // frames of the block that was last played, for who runs the callback
    struct spread times, own_times;

    // A run is the playing from the first tap to the last; 0: idle. Every change of it is under
    // |lock| and wakes the threads that wait for one.
    atomic_uint_least64_t run, ended_run, failed_run;
    uint64_t run_count;
    size_t tap_count;
    _Atomic(struct flow_tap *) taps[FLOW_TAPS_MAX];
    atomic_uint_least64_t entered, left; // callbacks; equal while none is under way

    // One producer, the reader; one consumer, the callback.
    struct flow_block blocks[FLOW_BLOCKS];
    atomic_size_t filled, taken;
    uint64_t reading; // the reader's run
    bool read_all;    // the reader's

    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_bool closing;
    pthread_t reader, clock;
    bool has_reader, has_clock;
};

// ---- The callback

// Whether every ring can take |frames|.
static bool flow_has_room(struct flow *flow, size_t frames)
{
    for (size_t i = 0; i < FLOW_TAPS_MAX; i++) {
        const struct flow_tap *tap = atomic_load(&flow->taps[i]);
        if (tap && tap->capacity - garden_ring_filled(tap->ring) < frames) return false;
    }
    return true;
}

// Whether samples as they are read have the very octets that are stored: those of a machine that is
// little-endian, too. Then there is nothing to convert.
static bool flow_is_stored(enum garden_sample_format own, enum garden_sample_format format)
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy(&first, &one, 1);
    if (first != 1) return false;
    const bool real = own == GARDEN_SAMPLE_F32_LE;
    return format == (real ? GARDEN_SAMPLE_F32_LE : GARDEN_SAMPLE_S32_LE);
}

static enum flow_result flow_play(struct flow *flow)
{
    const uint64_t run = atomic_load(&flow->run);
    size_t taken = atomic_load_explicit(&flow->taken, memory_order_relaxed);
    const size_t filled = atomic_load_explicit(&flow->filled, memory_order_acquire);
    // What an earlier run has left is of no use.
    while (taken != filled && flow->blocks[taken % FLOW_BLOCKS].run != run)
        atomic_store_explicit(&flow->taken, ++taken, memory_order_release);
    if (taken == filled || run == 0) return FLOW_EMPTY;

    const struct flow_block *block = &flow->blocks[taken % FLOW_BLOCKS];
    const struct source_info *info = source_info(flow->source);
    if (flow->pace == FLOW_FAST && !flow_has_room(flow, block->frames)) return FLOW_FULL;
    for (size_t i = 0; i < FLOW_TAPS_MAX; i++) {
        struct flow_tap *tap = atomic_load(&flow->taps[i]);
        if (!tap) continue;
        if (block->lost > 0) garden_ring_lose(tap->ring, block->lost);
        const uint8_t *octets = block->octets;
        if (info->kind == GARDEN_STREAM_AUDIO && flow_is_stored(info->sample, tap->format)) {
            octets = (const uint8_t *)block->samples;
        } else if (info->kind == GARDEN_STREAM_AUDIO) {
            source_convert(info->sample, block->samples, block->frames * info->channels,
                           tap->format, tap->octets);
            octets = tap->octets;
        }
        // What does not fit is the ring's to count, as an overrun at its place.
        (void)garden_ring_write(tap->ring, octets, block->frames);
    }
    flow->played = block->frames;
    if (block->last) atomic_store(&flow->ended_run, run);
    atomic_store_explicit(&flow->taken, taken + 1, memory_order_release);
    return FLOW_PLAYED;
}

enum flow_result flow_callback(struct flow *flow)
{
    atomic_fetch_add(&flow->entered, 1);
    const enum flow_result result = flow_play(flow);
    atomic_fetch_add(&flow->left, 1);
    return result;
}

// ---- The threads

static int64_t flow_now(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
    return (int64_t)now.tv_sec * FLOW_SECOND + now.tv_nsec;
}

static void flow_sleep_until(int64_t when)
{
    const struct timespec at = {.tv_sec = (time_t)(when / FLOW_SECOND),
                                .tv_nsec = (long)(when % FLOW_SECOND)};
    // An interrupted sleep is a short one: the caller looks at the clock again.
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

// Waits until something plays. Returns its run, or 0 when the flow closes.
static uint64_t flow_await_run(struct flow *flow)
{
    (void)pthread_mutex_lock(&flow->lock); // these cannot fail on a valid mutex
    while (!atomic_load(&flow->closing) && atomic_load(&flow->run) == 0)
        (void)pthread_cond_wait(&flow->wake, &flow->lock);
    // Before the lock is gone: behind it the run may have ended, and 0 would end the thread.
    const uint64_t run = atomic_load(&flow->closing) ? 0 : atomic_load(&flow->run);
    (void)pthread_mutex_unlock(&flow->lock);
    return run;
}

static size_t flow_read(struct flow *flow, struct flow_block *block)
{
    if (source_info(flow->source)->kind == GARDEN_STREAM_MIDI)
        return source_read_midi(flow->source, block->octets, flow->block_frames);
    return source_read(flow->source, block->samples, flow->block_frames);
}

bool flow_fill(struct flow *flow)
{
    const uint64_t run = atomic_load(&flow->run);
    if (run == 0) return false;
    const size_t filled = atomic_load_explicit(&flow->filled, memory_order_relaxed);
    const size_t taken = atomic_load_explicit(&flow->taken, memory_order_acquire);
    if (filled - taken == FLOW_BLOCKS) return false;
    struct flow_block *block = &flow->blocks[filled % FLOW_BLOCKS];
    if (flow->reading != run) {
        flow->reading = run;
        flow->read_all = false;
        if (!source_rewind(flow->source)) atomic_store(&flow->failed_run, run);
    }
    if (flow->read_all) return false;
    block->run = run;
    block->frames = 0;
    if (atomic_load(&flow->failed_run) != run) block->frames = flow_read(flow, block);
    if (source_failed(flow->source)) atomic_store(&flow->failed_run, run);
    block->last = flow->read_all = flow_failed(flow) || source_ended(flow->source);
    block->lost = source_lost(flow->source);
    if (block->frames == 0 && block->lost == 0 && !block->last)
        return false; // nothing has come yet
    atomic_store_explicit(&flow->filled, filled + 1, memory_order_release);
    return true;
}

// How long a thread that has nothing to do looks away: blocks last longer by the clock than by haste.
static int64_t flow_idle(const struct flow *flow, bool done)
{
    if (done) return FLOW_SLICE_MS * FLOW_MILLISECOND;
    return flow->pace == FLOW_REAL ? FLOW_MILLISECOND : FLOW_FULL_PAUSE;
}

static void *flow_read_ahead(void *context)
{
    struct flow *flow = context;
    while (flow_await_run(flow) != 0)
        if (!flow_fill(flow)) flow_sleep_until(flow_now() + flow_idle(flow, flow->read_all));
    return NULL;
}

// What this thread has had of a processor: without what others took from it meanwhile. Around the callback, not in it,
// for it is a system call.
static uint64_t flow_own_now(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); // cannot fail for this clock
    return (uint64_t)now.tv_sec * (uint64_t)FLOW_SECOND + (uint64_t)now.tv_nsec;
}

// One run by the clock. Ticks are counted from its start, so that no error adds up.
static void flow_run(struct flow *flow, uint64_t run)
{
    const int64_t start = flow_now(), rate = (int64_t)source_info(flow->source)->rate;
    int64_t frames = 0;
    while (!atomic_load(&flow->closing) && atomic_load(&flow->run) == run) {
        const int64_t seconds = frames / rate, rest = frames % rate;
        int64_t wake = start + seconds * FLOW_SECOND + rest * FLOW_SECOND / rate;
        const int64_t now = flow_now();
        if (flow->pace != FLOW_REAL) wake = now;
        if (wake > now) {
            const int64_t slice = now + FLOW_SLICE_MS * FLOW_MILLISECOND;
            flow_sleep_until(wake < slice ? wake : slice);
            continue;
        }
        const uint64_t own = flow_own_now();
        const int64_t begun = flow_now();
        switch (flow_callback(flow)) {
        case FLOW_PLAYED:
            spread_add(&flow->times, (uint64_t)(flow_now() - begun));
            spread_add(&flow->own_times, flow_own_now() - own);
            frames += (int64_t)flow->played;
            break;
        case FLOW_FULL:
            flow_sleep_until(now + FLOW_FULL_PAUSE);
            break;
        case FLOW_EMPTY: // the reader is late, or the source has ended
            flow_sleep_until(now + flow_idle(flow, flow_ended(flow)));
            break;
        }
    }
}

static void *flow_keep_time(void *context)
{
    struct flow *flow = context;
    uint64_t run;
    while ((run = flow_await_run(flow)) != 0)
        flow_run(flow, run);
    return NULL;
}

// ---- Taps

static void flow_set_run(struct flow *flow, uint64_t run)
{
    (void)pthread_mutex_lock(&flow->lock);
    atomic_store(&flow->run, run);
    (void)pthread_cond_broadcast(&flow->wake);
    (void)pthread_mutex_unlock(&flow->lock);
}

static void flow_tap_free(struct flow_tap *tap)
{
    if (tap->octets) zmtp_free(NULL, tap->octets, tap->octets_size);
    zmtp_free(NULL, tap, sizeof *tap);
}

int flow_tap_open(struct flow *flow, struct garden_ring *ring, size_t capacity,
                  enum garden_sample_format format, struct flow_tap **out,
                  struct garden_error *error)
{
    const struct source_info *info = source_info(flow->source);
    size_t place = 0;
    while (place < FLOW_TAPS_MAX && atomic_load(&flow->taps[place]))
        place++;
    if (place == FLOW_TAPS_MAX)
        return garden__fail(error, GARDEN_ERR_LIMIT,
                            "source '%s' feeds %d streams already: stop one of them", info->name,
                            FLOW_TAPS_MAX);
    struct flow_tap *tap = zmtp_alloc(NULL, sizeof *tap);
    if (!tap) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a stream");
    *tap = (struct flow_tap){.ring = ring, .capacity = capacity, .format = format, .place = place};
    if (info->kind == GARDEN_STREAM_AUDIO) {
        tap->octets_size = flow->block_frames * info->channels * garden_sample_size(format);
        tap->octets = zmtp_alloc(NULL, tap->octets_size);
    }
    if (info->kind == GARDEN_STREAM_AUDIO && !tap->octets) {
        flow_tap_free(tap);
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a stream");
    }
    // All of it is there from now on: a page that comes with its first use would come amid a callback.
    if (tap->octets) memset(tap->octets, 0, tap->octets_size);
    atomic_store(&flow->taps[place], tap);
    if (flow->tap_count++ == 0) flow_set_run(flow, ++flow->run_count);
    *out = tap;
    return GARDEN_OK;
}

void flow_tap_close(struct flow *flow, struct flow_tap *tap)
{
    if (!tap) return;
    atomic_store(&flow->taps[tap->place], NULL);
    if (--flow->tap_count == 0) flow_set_run(flow, 0);
    // A callback that entered before may still hold the tap; it takes microseconds.
    const uint64_t entered = atomic_load(&flow->entered);
    while (atomic_load(&flow->left) < entered)
        flow_sleep_until(flow_now() + FLOW_FULL_PAUSE);
    flow_tap_free(tap);
}

bool flow_ended(const struct flow *flow)
{
    const uint64_t run = atomic_load(&flow->run);
    return run != 0 && atomic_load(&flow->ended_run) == run;
}

bool flow_failed(const struct flow *flow)
{
    const uint64_t run = atomic_load(&flow->run);
    return run != 0 && atomic_load(&flow->failed_run) == run;
}

struct spread_figures flow_times(const struct flow *flow)
{
    return spread_read(&flow->times);
}

struct spread_figures flow_own_times(const struct flow *flow)
{
    return spread_read(&flow->own_times);
}

const struct source_info *flow_info(const struct flow *flow)
{
    return source_info(flow->source);
}

// ---- Life

// The threads leave signals to the loop's.
static bool flow_start(pthread_t *thread, void *(*run)(void *context), struct flow *flow)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int result = pthread_create(thread, NULL, run, flow);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result == 0;
}

static bool flow_start_both(struct flow *flow)
{
    flow->has_reader = flow_start(&flow->reader, flow_read_ahead, flow);
    flow->has_clock = flow->has_reader && flow_start(&flow->clock, flow_keep_time, flow);
    return flow->has_clock;
}

static size_t flow_block_frames(uint32_t rate)
{
    const size_t most = rate / FLOW_BLOCKS_A_SECOND;
    if (most < 1) return 1;
    return most < FLOW_BLOCK_FRAMES ? most : FLOW_BLOCK_FRAMES;
}

static bool flow_make_blocks(struct flow *flow, const struct source_info *info)
{
    const bool midi = info->kind == GARDEN_STREAM_MIDI;
    const size_t longest =
        midi && flow->block_frames < SOURCE_MESSAGE_MAX ? SOURCE_MESSAGE_MAX : flow->block_frames;
    const size_t size = midi ? longest : longest * info->channels * sizeof(union source_sample);
    flow->memory = zmtp_alloc(NULL, FLOW_BLOCKS * size);
    if (!flow->memory) return false;
    flow->memory_size = FLOW_BLOCKS * size;
    for (size_t i = 0; i < FLOW_BLOCKS; i++) {
        void *block = (uint8_t *)flow->memory + i * size; // of samples: their size divides it
        if (midi)
            flow->blocks[i].octets = block;
        else
            flow->blocks[i].samples = block;
    }
    return true;
}

int flow_open(struct flow **out, struct source *source, enum flow_pace pace, bool threads,
              struct garden_error *error)
{
    *out = NULL;
    const struct source_info *info = source_info(source);
    struct flow *flow = zmtp_alloc(NULL, sizeof *flow);
    if (!flow) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a source");
    *flow = (struct flow){.pace = info->live ? FLOW_LIVE : pace,
                          .block_frames = flow_block_frames(info->rate)};
    (void)pthread_mutex_init(&flow->lock, NULL); // these do not fail on Linux
    (void)pthread_cond_init(&flow->wake, NULL);
    if (!flow_make_blocks(flow, info)) {
        flow_close(flow);
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a source's blocks");
    }
    flow->source = source;
    if (threads && !flow_start_both(flow)) {
        flow->source = NULL; // still the caller's
        flow_close(flow);
        return garden__fail(error, GARDEN_ERR_SYSTEM,
                            "source '%s': no thread could be started; raise the limit of processes",
                            info->name);
    }
    *out = flow;
    return GARDEN_OK;
}

int flow_set_priority(struct flow *flow, int priority)
{
    const struct sched_param param = {.sched_priority = priority};
    if (!flow->has_clock || flow->pace == FLOW_FAST || priority <= 0) return 0;
    return pthread_setschedparam(flow->clock, SCHED_FIFO, &param) == 0 ? priority : 0;
}

void flow_close(struct flow *flow)
{
    if (!flow) return;
    (void)pthread_mutex_lock(&flow->lock);
    atomic_store(&flow->closing, true);
    (void)pthread_cond_broadcast(&flow->wake);
    (void)pthread_mutex_unlock(&flow->lock);
    if (flow->has_reader) (void)pthread_join(flow->reader, NULL);
    if (flow->has_clock) (void)pthread_join(flow->clock, NULL);
    (void)pthread_cond_destroy(&flow->wake);
    (void)pthread_mutex_destroy(&flow->lock);
    source_close(flow->source);
    if (flow->memory) zmtp_free(NULL, flow->memory, flow->memory_size);
    zmtp_free(NULL, flow, sizeof *flow);
}
