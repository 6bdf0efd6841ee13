#include "../base.h"
#include "../zmq.h"
#include "clock.h"
#include "error.h"

#include <limits.h>
#include <string.h>

enum { TIMERS_MARK = 0x7a71, TIMERS_STEP = 16 };

struct zmq__timer {
    uint64_t when_ms, interval_ms;
    zmq_timer_fn *handler;
    void *hint;
    int id;
    uint32_t pass; // the run that it was put here by; it is not run in the same one again
};

// Timers in the order in which they are due; of equals the one that was put in first is first.
struct zmq__timers {
    int mark;
    int last_id;
    struct zmq__timer *timers;
    size_t count, capacity;
    uint32_t pass;
    bool running, destroyed; // by a handler: what is running is freed when it has run
};

static struct zmq__timers *timers_of(void *handle)
{
    struct zmq__timers *timers = handle;
    return timers && timers->mark == TIMERS_MARK ? timers : NULL;
}

static bool timers_grow(struct zmq__timers *timers)
{
    if (timers->count < timers->capacity) return true;
    const size_t size = sizeof *timers->timers, capacity = timers->capacity + TIMERS_STEP;
    struct zmq__timer *grown =
        zmtp_realloc(NULL, timers->timers, timers->capacity * size, capacity * size);
    if (!grown) return false;
    timers->timers = grown;
    timers->capacity = capacity;
    return true;
}

// There is room for it.
static void timers_insert(struct zmq__timers *timers, struct zmq__timer timer)
{
    size_t low = 0, high = timers->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (timers->timers[middle].when_ms <= timer.when_ms)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(timers->timers + low + 1, timers->timers + low,
            (timers->count - low) * sizeof *timers->timers);
    timers->timers[low] = timer;
    timers->count++;
}

static struct zmq__timer timers_remove(struct zmq__timers *timers, size_t index)
{
    const struct zmq__timer timer = timers->timers[index];
    timers->count--;
    memmove(timers->timers + index, timers->timers + index + 1,
            (timers->count - index) * sizeof *timers->timers);
    return timer;
}

// The place of |id|; the count: there is none.
static size_t timers_find(const struct zmq__timers *timers, int id)
{
    size_t index = 0;
    while (index < timers->count && timers->timers[index].id != id)
        index++;
    return index;
}

static uint64_t timers_due(uint64_t now_ms, uint64_t interval_ms)
{
    return interval_ms < UINT64_MAX - now_ms ? now_ms + interval_ms : UINT64_MAX;
}

static void timers_restart(struct zmq__timers *timers, size_t index, uint64_t interval_ms)
{
    struct zmq__timer timer = timers_remove(timers, index);
    timer.interval_ms = interval_ms;
    timer.when_ms = timers_due(zmq__clock_ms(), interval_ms);
    timer.pass = timers->pass;
    timers_insert(timers, timer);
}

static void timers_free(struct zmq__timers *timers)
{
    zmtp_free(NULL, timers->timers, timers->capacity * sizeof *timers->timers);
    zmtp_free(NULL, timers, sizeof *timers);
}

void *zmq_timers_new(void)
{
    struct zmq__timers *timers = zmtp_alloc(NULL, sizeof *timers);
    if (!timers) return zmq__fail_null(ENOMEM);
    *timers = (struct zmq__timers){.mark = TIMERS_MARK};
    return timers;
}

int zmq_timers_destroy(void **handle)
{
    struct zmq__timers *timers = handle ? timers_of(*handle) : NULL;
    if (!timers) return zmq__fail(EFAULT);
    *handle = NULL;
    timers->mark = 0;
    timers->destroyed = true;
    timers->count = 0;
    if (!timers->running) timers_free(timers);
    return 0;
}

int zmq_timers_add(void *handle, size_t interval, zmq_timer_fn handler, void *hint)
{
    struct zmq__timers *timers = timers_of(handle);
    if (!timers || !handler) return zmq__fail(EFAULT);
    if (timers->last_id == INT_MAX || !timers_grow(timers)) return zmq__fail(ENOMEM);
    timers_insert(timers, (struct zmq__timer){.when_ms = timers_due(zmq__clock_ms(), interval),
                                              .interval_ms = interval,
                                              .handler = handler,
                                              .hint = hint,
                                              .id = ++timers->last_id,
                                              .pass = timers->pass});
    return timers->last_id;
}

int zmq_timers_cancel(void *handle, int id)
{
    struct zmq__timers *timers = timers_of(handle);
    if (!timers) return zmq__fail(EFAULT);
    const size_t index = timers_find(timers, id);
    if (index == timers->count) return zmq__fail(EINVAL);
    (void)timers_remove(timers, index);
    return 0;
}

int zmq_timers_set_interval(void *handle, int id, size_t interval)
{
    struct zmq__timers *timers = timers_of(handle);
    if (!timers) return zmq__fail(EFAULT);
    const size_t index = timers_find(timers, id);
    if (index == timers->count) return zmq__fail(EINVAL);
    timers_restart(timers, index, interval);
    return 0;
}

int zmq_timers_reset(void *handle, int id)
{
    struct zmq__timers *timers = timers_of(handle);
    if (!timers) return zmq__fail(EFAULT);
    const size_t index = timers_find(timers, id);
    if (index == timers->count) return zmq__fail(EINVAL);
    timers_restart(timers, index, timers->timers[index].interval_ms);
    return 0;
}

long zmq_timers_timeout(void *handle)
{
    const struct zmq__timers *timers = timers_of(handle);
    if (!timers) return zmq__fail(EFAULT);
    if (timers->count == 0) return -1;
    const uint64_t now_ms = zmq__clock_ms(), when_ms = timers->timers[0].when_ms;
    if (when_ms <= now_ms) return 0;
    return when_ms - now_ms < LONG_MAX ? (long)(when_ms - now_ms) : LONG_MAX;
}

int zmq_timers_execute(void *handle)
{
    struct zmq__timers *timers = timers_of(handle);
    if (!timers) return zmq__fail(EFAULT);
    if (timers->running) return 0; // by one of its handlers
    const uint64_t now_ms = zmq__clock_ms();
    timers->running = true;
    timers->pass++;
    while (timers->count > 0 && timers->timers[0].when_ms <= now_ms &&
           timers->timers[0].pass != timers->pass) {
        // In its new place before its handler is called, which may change or cancel it.
        struct zmq__timer timer = timers_remove(timers, 0);
        timer.when_ms = timers_due(now_ms, timer.interval_ms);
        timer.pass = timers->pass;
        timers_insert(timers, timer);
        timer.handler(timer.id, timer.hint);
    }
    timers->running = false;
    if (timers->destroyed) timers_free(timers);
    return 0;
}
