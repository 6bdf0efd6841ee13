#include "sleepers.h"

#include <sys/eventfd.h>
#include <time.h>

void zmq__sleepers_init(struct zmq__sleepers *sleepers)
{
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&sleepers->mutex, NULL);
    pthread_cond_init(&sleepers->woken, &clock);
    pthread_cond_init(&sleepers->left, NULL);
    pthread_condattr_destroy(&clock);
}

void zmq__sleepers_fini(struct zmq__sleepers *sleepers)
{
    pthread_cond_destroy(&sleepers->left);
    pthread_cond_destroy(&sleepers->woken);
    pthread_mutex_destroy(&sleepers->mutex);
}

bool zmq__sleepers_enter(struct zmq__sleepers *sleepers, uint64_t *seen)
{
    pthread_mutex_lock(&sleepers->mutex);
    const bool open = !sleepers->closed;
    if (open) sleepers->count++;
    *seen = sleepers->wakes;
    pthread_mutex_unlock(&sleepers->mutex);
    return open;
}

void zmq__sleepers_sleep(struct zmq__sleepers *sleepers, uint64_t seen, uint64_t deadline_ms)
{
    const struct timespec until = {.tv_sec = (time_t)(deadline_ms / 1000),
                                   .tv_nsec = (long)(deadline_ms % 1000 * 1000000)};
    int error = 0;
    pthread_mutex_lock(&sleepers->mutex);
    while (sleepers->wakes == seen && error == 0)
        error = deadline_ms == UINT64_MAX
                    ? pthread_cond_wait(&sleepers->woken, &sleepers->mutex)
                    : pthread_cond_timedwait(&sleepers->woken, &sleepers->mutex, &until);
    pthread_mutex_unlock(&sleepers->mutex);
}

bool zmq__sleepers_leave(struct zmq__sleepers *sleepers)
{
    pthread_mutex_lock(&sleepers->mutex);
    const bool open = !sleepers->closed;
    if (--sleepers->count == 0) pthread_cond_signal(&sleepers->left);
    pthread_mutex_unlock(&sleepers->mutex);
    return open;
}

static void sleepers_wake_all(struct zmq__sleepers *sleepers)
{
    sleepers->wakes++;
    if (sleepers->count > 0) pthread_cond_broadcast(&sleepers->woken);
    for (const struct zmq__watcher *watcher = sleepers->watchers; watcher; watcher = watcher->next)
        (void)eventfd_write(watcher->fd, 1); // fails only when it rings already, 2^64 times
}

void zmq__sleepers_wake(struct zmq__sleepers *sleepers)
{
    pthread_mutex_lock(&sleepers->mutex);
    sleepers_wake_all(sleepers);
    pthread_mutex_unlock(&sleepers->mutex);
}

void zmq__sleepers_close(struct zmq__sleepers *sleepers)
{
    pthread_mutex_lock(&sleepers->mutex);
    sleepers->closed = true;
    sleepers_wake_all(sleepers);
    while (sleepers->watchers) {
        struct zmq__watcher *const watcher = sleepers->watchers;
        sleepers->watchers = watcher->next;
        watcher->listed = false;
    }
    while (sleepers->count > 0)
        pthread_cond_wait(&sleepers->left, &sleepers->mutex);
    pthread_mutex_unlock(&sleepers->mutex);
}

void zmq__sleepers_watch(struct zmq__sleepers *sleepers, struct zmq__watcher *watcher, int fd)
{
    pthread_mutex_lock(&sleepers->mutex);
    *watcher =
        (struct zmq__watcher){.next = sleepers->watchers, .fd = fd, .listed = !sleepers->closed};
    if (watcher->listed) {
        if (watcher->next) watcher->next->before = watcher;
        sleepers->watchers = watcher;
    }
    (void)eventfd_write(fd, 1);
    pthread_mutex_unlock(&sleepers->mutex);
}

void zmq__sleepers_unwatch(struct zmq__sleepers *sleepers, struct zmq__watcher *watcher)
{
    pthread_mutex_lock(&sleepers->mutex);
    if (watcher->listed) {
        if (watcher->before)
            watcher->before->next = watcher->next;
        else
            sleepers->watchers = watcher->next;
        if (watcher->next) watcher->next->before = watcher->before;
        watcher->listed = false;
    }
    pthread_mutex_unlock(&sleepers->mutex);
}
