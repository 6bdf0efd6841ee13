#include "../base.h"
#include "../zmq.h"
#include "error.h"

#include <pthread.h>

struct zmq__thread {
    pthread_t thread;
    zmq_thread_fn *function;
    void *hint;
};

static void *thread_run(void *handle)
{
    const struct zmq__thread *thread = handle;
    thread->function(thread->hint);
    return NULL;
}

void *zmq_threadstart(zmq_thread_fn *function, void *hint)
{
    if (!function) return zmq__fail_null(EFAULT);
    struct zmq__thread *thread = zmtp_alloc(NULL, sizeof *thread);
    if (!thread) return zmq__fail_null(ENOMEM);
    *thread = (struct zmq__thread){.function = function, .hint = hint};
    // The program's signals are for the threads that it made itself.
    sigset_t all, before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    const int result = pthread_create(&thread->thread, NULL, thread_run, thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result == 0) return thread;
    zmtp_free(NULL, thread, sizeof *thread);
    return zmq__fail_null(result);
}

void zmq_threadclose(void *handle)
{
    struct zmq__thread *thread = handle;
    if (!thread) return;
    (void)pthread_join(thread->thread, NULL);
    zmtp_free(NULL, thread, sizeof *thread);
}
