#include "handle.h"

#include <pthread.h>
#include <string.h>

#include "../base.h"

// Those of each kind that nobody has at the moment.
static pthread_mutex_t handle_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t handle_once = PTHREAD_ONCE_INIT;
static struct zmq__handle *handle_free[2];

static void handle_lock(void)
{
    pthread_mutex_lock(&handle_mutex);
}

static void handle_unlock(void)
{
    pthread_mutex_unlock(&handle_mutex);
}

// A thread of the parent's may hold the lock while another forks.
static void handle_watch(void)
{
    pthread_atfork(handle_lock, handle_unlock, handle_unlock);
}

static struct zmq__handle **handle_list(enum zmq__tag kind)
{
    return &handle_free[kind == ZMQ__TAG_SOCKET];
}

void *zmq__handle_take(enum zmq__tag kind, size_t size)
{
    pthread_once(&handle_once, handle_watch);
    struct zmq__handle **const list = handle_list(kind);
    handle_lock();
    struct zmq__handle *handle = *list;
    if (handle) *list = handle->next_free;
    handle_unlock();
    if (!handle) {
        handle = zmtp_alloc(zmtp_heap(), size);
        if (!handle) return NULL;
        atomic_init(&handle->tag, ZMQ__TAG_NONE);
    }
    handle->next_free = NULL;
    memset(handle + 1, 0, size - sizeof *handle);
    return handle;
}

void zmq__handle_give(enum zmq__tag kind, struct zmq__handle *handle)
{
    struct zmq__handle **const list = handle_list(kind);
    atomic_store_explicit(&handle->tag, ZMQ__TAG_NONE, memory_order_relaxed);
    handle_lock();
    handle->next_free = *list;
    *list = handle;
    handle_unlock();
}
