#include "loan.h"

#include <string.h>
#include <time.h>

#include "../msg/slab.h"
#include "socket.h"

enum {
    // Octets that wait to be given back before who lends more is slowed down, and for how long at most; and what a loan
    // counts beside its own.
    LOAN_WAITING = 64 * 1024 * 1024,
    LOAN_OVERHEAD = 256,
    LOAN_PAUSES = 10,
    LOAN_PAUSE_NS = 100000,
};

struct zmq__loan {
    struct zmq__loan *next;
    void (*give_back)(void *data, void *hint);
    void *data, *hint;
    size_t size;
};

static void loan_close(struct zmq__loan *loan)
{
    void (*const give_back)(void *data, void *hint) = loan->give_back;
    void *const data = loan->data, *const hint = loan->hint;
    zmtp_free(zmtp_heap(), loan, sizeof *loan);
    give_back(data, hint);
}

static void loan_close_row(struct zmq__reaper *reaper, struct zmq__loan *loan)
{
    while (loan) {
        struct zmq__loan *const next = loan->next;
        atomic_fetch_sub_explicit(&reaper->waiting, loan->size + LOAN_OVERHEAD,
                                  memory_order_relaxed);
        loan_close(loan);
        loan = next;
    }
}

static struct zmq__loan *loan_take_row(struct zmq__reaper *reaper)
{
    struct zmq__loan *const first = reaper->first;
    reaper->first = reaper->last = NULL;
    return first;
}

static void *loan_reap(void *argument)
{
    struct zmq__reaper *const reaper = argument;
    pthread_mutex_lock(&reaper->mutex);
    for (;;) {
        while (!reaper->first && !reaper->ending) {
            reaper->sleeping = true;
            pthread_cond_wait(&reaper->woken, &reaper->mutex);
        }
        reaper->sleeping = false;
        struct zmq__loan *const row = loan_take_row(reaper);
        if (!row) break;
        pthread_mutex_unlock(&reaper->mutex);
        loan_close_row(reaper, row);
        pthread_mutex_lock(&reaper->mutex);
    }
    pthread_mutex_unlock(&reaper->mutex);
    return NULL;
}

static void loan_give(struct zmq__reaper *reaper, struct zmq__loan *loan)
{
    loan->next = NULL;
    atomic_fetch_add_explicit(&reaper->waiting, loan->size + LOAN_OVERHEAD, memory_order_relaxed);
    pthread_mutex_lock(&reaper->mutex);
    if (reaper->last)
        reaper->last->next = loan;
    else
        reaper->first = loan;
    reaper->last = loan;
    // Where there is no memory for a thread, it waits for the next one's try, or for the context's end.
    if (!reaper->running)
        reaper->running =
            zmq__loop_spawn(&reaper->thread, loan_reap, reaper, &reaper->config) == ZMTP_OK;
    else if (reaper->sleeping)
        pthread_cond_signal(&reaper->woken);
    pthread_mutex_unlock(&reaper->mutex);
}

// The last reference went, on whatever thread.
static void loan_release(void *data, void *hint)
{
    struct zmq__reaper *const reaper = zmq__socket_reaper();
    struct zmq__loan *const loan = hint;
    (void)data;
    if (reaper)
        loan_give(reaper, loan);
    else
        loan_close(loan);
}

void zmq__reaper_init(struct zmq__reaper *reaper)
{
    pthread_mutex_init(&reaper->mutex, NULL);
    pthread_cond_init(&reaper->woken, NULL);
    atomic_init(&reaper->waiting, 0);
}

void zmq__reaper_configure(struct zmq__reaper *reaper, const struct zmq__loop_config *config)
{
    reaper->config = *config;
    if (!config->cpus) return;
    reaper->cpus = *config->cpus;
    reaper->config.cpus = &reaper->cpus;
}

void zmq__reaper_close(struct zmq__reaper *reaper)
{
    pthread_mutex_lock(&reaper->mutex);
    reaper->ending = true;
    pthread_cond_signal(&reaper->woken);
    pthread_mutex_unlock(&reaper->mutex);
    if (reaper->running) pthread_join(reaper->thread, NULL);
    loan_close_row(reaper, loan_take_row(reaper)); // of a thread that never was
    pthread_cond_destroy(&reaper->woken);
    pthread_mutex_destroy(&reaper->mutex);
}

int zmq__loan_open(struct zmtp_part *part, void *data, size_t size,
                   void (*give_back)(void *data, void *hint), void *hint)
{
    struct zmq__loan *loan = zmtp_alloc(zmtp_heap(), sizeof *loan);
    if (!loan) return ZMTP_ERR_MEMORY;
    *loan = (struct zmq__loan){.give_back = give_back, .data = data, .hint = hint, .size = size};
    const int result = zmtp_part_wrap(part, data, size, loan_release, loan, NULL);
    if (result < 0) zmtp_free(zmtp_heap(), loan, sizeof *loan);
    return result;
}

bool zmq__loan_is(const struct zmtp_part *part)
{
    return part->slab && part->slab->release;
}

void zmq__reaper_ease(const struct zmq__reaper *reaper)
{
    const struct timespec pause = {.tv_nsec = LOAN_PAUSE_NS};
    for (int i = 0; i < LOAN_PAUSES; i++) {
        if (atomic_load_explicit(&reaper->waiting, memory_order_relaxed) < LOAN_WAITING) return;
        (void)nanosleep(&pause, NULL);
    }
}
