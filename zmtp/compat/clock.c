#include "clock.h"

#include "../base.h"
#include "../zmq.h"
#include "error.h"

#include <time.h>
#include <unistd.h>

uint64_t zmq__clock_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); // with this clock it can't fail
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t zmq__clock_ms(void)
{
    return zmq__clock_us() / 1000;
}

struct zmq__stopwatch {
    uint64_t start_us;
};

void *zmq_stopwatch_start(void)
{
    struct zmq__stopwatch *watch = zmtp_alloc(NULL, sizeof *watch);
    if (!watch) return zmq__fail_null(ENOMEM);
    watch->start_us = zmq__clock_us();
    return watch;
}

unsigned long zmq_stopwatch_intermediate(void *handle)
{
    const struct zmq__stopwatch *watch = handle;
    return watch ? (unsigned long)(zmq__clock_us() - watch->start_us) : 0;
}

unsigned long zmq_stopwatch_stop(void *handle)
{
    const unsigned long elapsed_us = zmq_stopwatch_intermediate(handle);
    zmtp_free(NULL, handle, sizeof(struct zmq__stopwatch));
    return elapsed_us;
}

// As libzmq's, which a signal cuts short.
void zmq_sleep(int seconds)
{
    if (seconds > 0) (void)sleep((unsigned)seconds);
}
