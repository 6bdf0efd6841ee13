// A thread that runs a loop and an engine, for the connections of a context's sockets. Other threads have
// tasks for it; what they send and receive does not come this way (io/remote.h).
#ifndef ZMTP_COMPAT_LOOP_H
#define ZMTP_COMPAT_LOOP_H

#include <pthread.h>
#include <stdatomic.h>

#include "../io/engine.h"

struct zmq__loop;

// Something to be done on the loop's thread; part of a struct of its owner's.
struct zmq__task {
    struct zmq__task *next;
    void (*run)(struct zmq__loop *loop, struct zmq__task *task);
    bool awaited, done;
};

struct zmq__loop {
    // The loop's thread's alone.
    uv_loop_t loop;
    struct zmtp_uv *uv;
    uv_async_t bell;
    uv_timer_t chores; // active: |closing| is to be looked at again
    struct zmq__leaver *closing;
    // For all threads.
    pthread_t thread;
    pthread_mutex_t mutex; // for the next two, and |done| of tasks
    pthread_cond_t finished;
    struct zmq__task *first, *last;
    atomic_size_t load; // sockets that have their connections here
};

// What a thread is started with, as its context's options say.
struct zmq__loop_config {
    char name[16];         // with its terminator
    int policy, priority;  // -1: as the system has it
    const cpu_set_t *cpus; // null: any
};
// Starts the thread. ZMTP_ERR_MEMORY, ZMTP_ERR_DESCRIPTORS or ZMTP_ERR_SYSTEM.
int zmq__loop_open(struct zmq__loop **out, const struct zmq__loop_config *config);
// Waits for its end; no socket has connections there any more.
void zmq__loop_close(struct zmq__loop *loop);
// Both from any other thread. The task is the loop's until it runs, and its own afterwards.
void zmq__loop_post(struct zmq__loop *loop, struct zmq__task *task);
// The same, and waits until it has run: the loop never blocks, so that takes no time.
void zmq__loop_call(struct zmq__loop *loop, struct zmq__task *task);

// Something that has to end on the loop's thread and has nobody to tell: |over| is asked from time to time
// until it says true, and has freed it then.
struct zmq__leaver {
    struct zmq__leaver *next;
    bool (*over)(struct zmq__loop *loop, struct zmq__leaver *leaver);
};
void zmq__loop_leave(struct zmq__loop *loop, struct zmq__leaver *leaver); // from the loop's thread

#endif
