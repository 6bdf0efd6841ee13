#include "unsent.h"

enum { UNSENT_FEW = 8 };

// The context where this thread has left something; only for comparison, as it may be gone. A thread that leaves
// something in two looks into each from then on.
static _Thread_local const void *unsent_context;
static const char unsent_everywhere;

void zmq__unsent_note(struct zmq__socket *socket)
{
    struct zmq__context *const context = socket->context;
    const void *const me = zmq__latch_me();
    if (!unsent_context)
        unsent_context = context;
    else if (unsent_context != context)
        unsent_context = &unsent_everywhere;
    if (zmq__unsent_noted(socket)) return;
    pthread_mutex_lock(&context->unsent_mutex);
    if (!atomic_load_explicit(&socket->unsent_by, memory_order_relaxed)) {
        socket->unsent_next = context->unsent;
        socket->unsent_before = NULL;
        if (socket->unsent_next) socket->unsent_next->unsent_before = socket;
        context->unsent = socket;
    }
    atomic_store_explicit(&socket->unsent_by, me, memory_order_relaxed);
    pthread_mutex_unlock(&context->unsent_mutex);
}

// Under the list's lock: |socket| is on it.
static void unsent_remove(struct zmq__context *context, struct zmq__socket *socket)
{
    if (socket->unsent_before)
        socket->unsent_before->unsent_next = socket->unsent_next;
    else
        context->unsent = socket->unsent_next;
    if (socket->unsent_next) socket->unsent_next->unsent_before = socket->unsent_before;
    socket->unsent_next = socket->unsent_before = NULL;
    atomic_store_explicit(&socket->unsent_by, NULL, memory_order_relaxed);
}

void zmq__unsent_forget(struct zmq__socket *socket)
{
    struct zmq__context *const context = socket->context;
    pthread_mutex_lock(&context->unsent_mutex);
    if (atomic_load_explicit(&socket->unsent_by, memory_order_relaxed))
        unsent_remove(context, socket);
    pthread_mutex_unlock(&context->unsent_mutex);
}

// Some of those on the list that are this thread's are on it no more, and are the caller's to unref. Returns how many.
static size_t unsent_take(struct zmq__context *context, struct zmq__socket *taken[UNSENT_FEW])
{
    const void *const me = zmq__latch_me();
    size_t count = 0;
    struct zmq__socket *next;
    pthread_mutex_lock(&context->unsent_mutex);
    for (struct zmq__socket *socket = context->unsent; socket && count < UNSENT_FEW;
         socket = next) {
        next = socket->unsent_next;
        if (atomic_load_explicit(&socket->unsent_by, memory_order_relaxed) != me) continue;
        unsent_remove(context, socket);
        zmq__socket_ref(socket);
        taken[count++] = socket;
    }
    pthread_mutex_unlock(&context->unsent_mutex);
    return count;
}

void zmq__unsent_write(struct zmq__context *context)
{
    struct zmq__socket *taken[UNSENT_FEW];
    size_t count;
    if (unsent_context == context)
        unsent_context = NULL;
    else if (unsent_context != &unsent_everywhere)
        return;
    do {
        count = unsent_take(context, taken);
        for (size_t i = 0; i < count; i++) {
            zmq__socket_write(taken[i]);
            zmq__socket_unref(taken[i]);
        }
    } while (count == UNSENT_FEW);
}
