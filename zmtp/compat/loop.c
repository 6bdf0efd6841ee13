#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../base.h"
#include "../io/watch.h"
#include "socket.h"

enum {
    LOOP_FDS = 4,       // of a loop: epoll's, an eventfd, and a pipe for signals
    LOOP_FIRST_FDS = 2, // and of the first, another pipe
};

static void loop_stop(struct zmq__loop *loop, struct zmq__task *task)
{
    (void)task;
    uv_close((uv_handle_t *)&loop->bell, NULL);
    uv_close((uv_handle_t *)&loop->leases, NULL);
    uv_close((uv_handle_t *)&loop->recall, NULL);
}

static struct zmq__task *loop_take(struct zmq__loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    struct zmq__task *task = loop->first;
    if (task) loop->first = task->next;
    if (!loop->first) loop->last = NULL;
    pthread_mutex_unlock(&loop->mutex);
    return task;
}

static void loop_rung(uv_async_t *bell)
{
    struct zmq__loop *loop = bell->data;
    struct zmq__task *task;
    while ((task = loop_take(loop))) {
        const bool awaited = task->awaited;
        task->run(loop, task);
        if (!awaited) continue; // and may be freed
        pthread_mutex_lock(&loop->mutex);
        task->done = true; // it may be gone as soon as the lock is
        pthread_cond_broadcast(&loop->finished);
        pthread_mutex_unlock(&loop->mutex);
    }
}

static void *loop_run(void *argument)
{
    struct zmq__loop *loop = argument;
    zmq__socket_bring_reaper(loop->reaper);
    uv_run(&loop->loop, UV_RUN_DEFAULT);
    return NULL;
}

// Signals are for the program's own threads, whose waits they end.
int zmq__loop_spawn(pthread_t *out, void *(*run)(void *argument), void *argument,
                    const struct zmq__loop_config *config)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(out, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) return ZMTP_ERR_MEMORY;
    // What the system does not grant is not worth to fail for.
    (void)pthread_setname_np(*out, config->name);
    if (config->cpus) (void)pthread_setaffinity_np(*out, sizeof *config->cpus, config->cpus);
    if (config->policy >= 0 || config->priority >= 0) {
        struct sched_param parameters;
        int policy;
        if (pthread_getschedparam(*out, &policy, &parameters) == 0) {
            if (config->policy >= 0) policy = config->policy;
            if (config->priority >= 0) parameters.sched_priority = config->priority;
            (void)pthread_setschedparam(*out, policy, &parameters);
        }
    }
    return ZMTP_OK;
}

static void loop_free(struct zmq__loop *loop)
{
    pthread_cond_destroy(&loop->finished);
    pthread_mutex_destroy(&loop->mutex);
    if (loop->recall_fd >= 0) close(loop->recall_fd);
    zmtp_free(zmtp_heap(), loop, sizeof *loop);
}

// What libuv opened without a thread that would run it.
static int loop_undo(struct zmq__loop *loop, int error)
{
    uv_run(&loop->loop, UV_RUN_DEFAULT); // closes what is closing
    uv_loop_close(&loop->loop);
    loop_free(loop);
    return error;
}

// Are there |count| descriptors, and memory for libuv's table of them? 0, UV_EMFILE or UV_ENOMEM.
static int loop_affords(int count)
{
    int fds[LOOP_FDS + LOOP_FIRST_FDS], i = 0, largest = 0;
    while (i < count && (fds[i] = eventfd(0, EFD_CLOEXEC)) >= 0) {
        if (fds[i] > largest) largest = fds[i];
        i++;
    }
    const bool enough = i == count;
    while (i > 0)
        close(fds[--i]);
    if (!enough) return UV_EMFILE;
    return zmtp__watch_affords(NULL, largest) ? 0 : UV_ENOMEM;
}

// Without descriptors libuv would end the process when it is the first loop, and later keep one of those it got.
int zmq__loop_init(uv_loop_t *loop)
{
    static atomic_bool opened; // the first
    const bool later = atomic_load_explicit(&opened, memory_order_relaxed);
    int error = loop_affords(later ? LOOP_FDS : LOOP_FDS + LOOP_FIRST_FDS);
    if (error == 0) error = uv_loop_init(loop);
    if (error == 0) atomic_store_explicit(&opened, true, memory_order_relaxed);
    return error;
}

static int loop_open_recall(struct zmq__loop *loop)
{
    loop->recall_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (loop->recall_fd < 0) return errno == ENOMEM ? ZMTP_ERR_MEMORY : ZMTP_ERR_DESCRIPTORS;
    if (!zmtp__watch_affords(&loop->loop, loop->recall_fd)) return ZMTP_ERR_MEMORY;
    return uv_poll_init(&loop->loop, &loop->recall, loop->recall_fd) < 0 ? ZMTP_ERR_SYSTEM
                                                                         : ZMTP_OK;
}

void zmq__loop_recall(struct zmq__loop *loop, unsigned milliseconds)
{
    const struct itimerspec when = {.it_value.tv_nsec = (long)milliseconds * 1000000};
    (void)timerfd_settime(loop->recall_fd, 0, &when, NULL); // nothing can be wrong with it
}

int zmq__loop_open(struct zmq__loop **out, const struct zmq__loop_config *config)
{
    struct zmq__loop *loop = zmtp_alloc(zmtp_heap(), sizeof *loop);
    *out = NULL;
    if (!loop) return ZMTP_ERR_MEMORY;
    memset(loop, 0, sizeof *loop);
    pthread_mutex_init(&loop->mutex, NULL);
    pthread_cond_init(&loop->finished, NULL);
    atomic_init(&loop->load, 0);
    loop->recall_fd = -1;
    int error = zmq__loop_init(&loop->loop);
    if (error < 0) {
        loop_free(loop);
        if (error == UV_ENOMEM) return ZMTP_ERR_MEMORY;
        return error == UV_EMFILE ? ZMTP_ERR_DESCRIPTORS : ZMTP_ERR_SYSTEM;
    }
    loop->bell.data = loop->leases.data = loop->recall.data = loop;
    error = loop_open_recall(loop);
    if (error < 0) return loop_undo(loop, error);
    if (uv_async_init(&loop->loop, &loop->bell, loop_rung) < 0) {
        uv_close((uv_handle_t *)&loop->recall, NULL);
        return loop_undo(loop, ZMTP_ERR_DESCRIPTORS);
    }
    uv_timer_init(&loop->loop, &loop->leases); // never fails
    loop->reaper = config->reaper;
    error = zmq__loop_spawn(&loop->thread, loop_run, loop, config);
    if (error < 0) {
        loop_stop(loop, NULL);
        return loop_undo(loop, error);
    }
    *out = loop;
    return ZMTP_OK;
}

void zmq__loop_close(struct zmq__loop *loop)
{
    struct zmq__task stop = {.run = loop_stop};
    zmq__loop_call(loop, &stop);
    pthread_join(loop->thread, NULL);
    uv_loop_close(&loop->loop);
    loop_free(loop);
}

static void loop_add(struct zmq__loop *loop, struct zmq__task *task, bool awaited)
{
    task->next = NULL;
    task->awaited = awaited;
    task->done = false;
    if (loop->last)
        loop->last->next = task;
    else
        loop->first = task;
    loop->last = task;
    uv_async_send(&loop->bell); // under the lock: when it is over, so may the loop be
}

void zmq__loop_post(struct zmq__loop *loop, struct zmq__task *task)
{
    pthread_mutex_lock(&loop->mutex);
    loop_add(loop, task, false);
    pthread_mutex_unlock(&loop->mutex);
}

void zmq__loop_call(struct zmq__loop *loop, struct zmq__task *task)
{
    pthread_mutex_lock(&loop->mutex);
    loop_add(loop, task, true);
    while (!task->done)
        pthread_cond_wait(&loop->finished, &loop->mutex);
    pthread_mutex_unlock(&loop->mutex);
}
