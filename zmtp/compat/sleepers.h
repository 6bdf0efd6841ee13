// Those who wait at a socket for all threads (types SERVER to CHANNEL): calls that sleep, each for something else,
// and descriptors of polls, one of each poll's own. Whoever has changed something wakes all, and each looks
// for itself; so none takes another's news away, as they would from one bell.
//
// Its lock is a leaf: nothing is called under it.
#ifndef ZMTP_COMPAT_SLEEPERS_H
#define ZMTP_COMPAT_SLEEPERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

// A poll's; |fd| is an eventfd, which is rung and never read here.
struct zmq__watcher {
    struct zmq__watcher *next, *before;
    int fd;
    bool listed;
};

struct zmq__sleepers {
    pthread_mutex_t mutex;
    pthread_cond_t woken, left;
    uint64_t wakes;
    unsigned count; // calls between enter and leave
    bool closed;
    struct zmq__watcher *watchers;
};

void zmq__sleepers_init(struct zmq__sleepers *sleepers);
void zmq__sleepers_fini(struct zmq__sleepers *sleepers);
// A call is going to sleep, and what happens from now on wakes it. False: the socket closes.
bool zmq__sleepers_enter(struct zmq__sleepers *sleepers, uint64_t *seen);
// Until somebody wakes, or |deadline_ms| of CLOCK_MONOTONIC (UINT64_MAX: for ever). No signal ends it.
void zmq__sleepers_sleep(struct zmq__sleepers *sleepers, uint64_t seen, uint64_t deadline_ms);
// It is back. False: the socket closes.
bool zmq__sleepers_leave(struct zmq__sleepers *sleepers);
void zmq__sleepers_wake(struct zmq__sleepers *sleepers);
// Sends all calls away and waits until they have left; watchers are rung once more, and not any more.
void zmq__sleepers_close(struct zmq__sleepers *sleepers);
// Rings |fd| at once, so that whoever polls looks before it sleeps.
void zmq__sleepers_watch(struct zmq__sleepers *sleepers, struct zmq__watcher *watcher, int fd);
void zmq__sleepers_unwatch(struct zmq__sleepers *sleepers, struct zmq__watcher *watcher);

#endif
