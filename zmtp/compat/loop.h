// A thread of a context's: it keeps watch over the engines of sockets whose program is busy elsewhere (engine.h).
// Other threads have tasks for it; messages do not come this way.
#ifndef ZMTP_COMPAT_LOOP_H
#define ZMTP_COMPAT_LOOP_H

#include <pthread.h>
#include <stdatomic.h>

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct zmq__engine;
struct zmq__loop;
struct zmq__reaper;

// Something to be done on the loop's thread; part of a struct of its owner's.
struct zmq__task {
    struct zmq__task *next;
    void (*run)(struct zmq__loop *loop, struct zmq__task *task);
    bool awaited, done;
};

struct zmq__loop {
    // The loop's thread's alone.
    uv_loop_t loop;
    uv_async_t bell;
    uv_timer_t leases; // active: |leased| is to be looked at again
    struct zmq__engine *leased, *leased_last;
    struct zmq__engine *dormant; // those that it looks away from
    uv_poll_t recall;            // of |recall_fd|
    // For all threads.
    int recall_fd; // a timer of the system's, which any thread sets without the loop's being woken
    pthread_t thread;
    struct zmq__reaper *reaper;
    pthread_mutex_t mutex; // for the next four, and |done| of tasks
    pthread_cond_t finished;
    struct zmq__task *first, *last;
    // Dormant ones whose call does not sleep any more: the timer runs while there are some.
    unsigned away;
    atomic_size_t load; // engines that it watches
};

// What a thread is started with, as its context's options say.
struct zmq__loop_config {
    char name[16];         // with its terminator
    int policy, priority;  // -1: as the system has it
    const cpu_set_t *cpus; // null: any
    // Gives back what its thread lets go of (loan.h); null: the thread itself.
    struct zmq__reaper *reaper;
};
// Starts a thread that gets no signals. ZMTP_ERR_MEMORY.
int zmq__loop_spawn(pthread_t *out, void *(*run)(void *argument), void *argument,
                    const struct zmq__loop_config *config);
// As uv_loop_init, but without descriptors it is UV_EMFILE, without memory for their table UV_ENOMEM, and nothing else
// comes of it.
int zmq__loop_init(uv_loop_t *loop);
// Starts the thread. ZMTP_ERR_MEMORY, ZMTP_ERR_DESCRIPTORS or ZMTP_ERR_SYSTEM.
int zmq__loop_open(struct zmq__loop **out, const struct zmq__loop_config *config);
// Waits for its end; no socket has connections there any more.
void zmq__loop_close(struct zmq__loop *loop);
// Under the loop's lock, on any thread: in |milliseconds| the timer is over; 0: it does not run any more.
void zmq__loop_recall(struct zmq__loop *loop, unsigned milliseconds);
// Both from any other thread. The task is the loop's until it runs, and its own afterwards.
void zmq__loop_post(struct zmq__loop *loop, struct zmq__task *task);
// The same, and waits until it has run: the loop does not block, so that takes no time; but for some milliseconds of a
// process's life, when the system is asked for a barrier (latch.h).
void zmq__loop_call(struct zmq__loop *loop, struct zmq__task *task);

#endif
