#include "../base.h"
#include "../zmq.h"
#include "error.h"

#include <stdatomic.h>

struct zmq__counter {
    atomic_uint value; // that it wraps around is no error
};

void *zmq_atomic_counter_new(void)
{
    struct zmq__counter *counter = zmtp_alloc(NULL, sizeof *counter);
    if (!counter) return zmq__fail_null(ENOMEM);
    atomic_init(&counter->value, 0);
    return counter;
}

void zmq_atomic_counter_set(void *handle, int value)
{
    struct zmq__counter *counter = handle;
    if (counter) atomic_store(&counter->value, (unsigned)value);
}

int zmq_atomic_counter_inc(void *handle)
{
    struct zmq__counter *counter = handle;
    return counter ? (int)atomic_fetch_add(&counter->value, 1) : zmq__fail(EFAULT);
}

int zmq_atomic_counter_dec(void *handle)
{
    struct zmq__counter *counter = handle;
    return counter ? atomic_fetch_sub(&counter->value, 1) != 1 : zmq__fail(EFAULT);
}

int zmq_atomic_counter_value(void *handle)
{
    struct zmq__counter *counter = handle;
    return counter ? (int)atomic_load(&counter->value) : zmq__fail(EFAULT);
}

void zmq_atomic_counter_destroy(void **handle)
{
    if (!handle) return;
    zmtp_free(NULL, *handle, sizeof(struct zmq__counter));
    *handle = NULL;
}
