#include "latch.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#ifdef __linux__
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum {
    // Calls in a row that bring the favour; twice as many whenever it did not last.
    LATCH_ENOUGH = 16,
    LATCH_ENOUGH_MAX = 4096,
    // Calls as the favourite, for each of those, that are worth a barrier. One takes as long as some forty exchanges.
    LATCH_WORTH = 8,
};

#if !(defined __GNUC__ && !defined __clang__ && __GNUC__ >= 11 && defined __x86_64__)
_Thread_local char zmq__latch_mine;
#endif

static pthread_once_t latch_once = PTHREAD_ONCE_INIT;
static atomic_bool latch_favours, latch_asked, latch_awaited;

#ifdef __linux__
static bool latch_command(int command)
{
    return syscall(SYS_membarrier, command, 0, 0) == 0;
}

static bool latch_register(void)
{
    return latch_command(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

static bool latch_barrier_all(void)
{
    return latch_command(MEMBARRIER_CMD_PRIVATE_EXPEDITED) ||
           (latch_register() && latch_command(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
}
#else
static bool latch_register(void)
{
    return false;
}

static bool latch_barrier_all(void)
{
    return false;
}
#endif

// Each processor that runs another thread of this process does a full barrier; one that does not run has done one.
static void latch_barrier(void)
{
    if (latch_barrier_all()) return;
    // It was there, and is forbidden since, as by a filter of seccomp. Nobody is favoured from now on. Those who are
    // may be about to slip in: no processor keeps a store to itself for so long, nor looks at a value so old.
    atomic_store_explicit(&latch_favours, false, memory_order_relaxed);
    (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static void latch_begin(void)
{
    atomic_store_explicit(&latch_favours, latch_register(), memory_order_relaxed);
}

void zmq__latch_prepare(void)
{
    (void)pthread_once(&latch_once, latch_begin);
    atomic_store_explicit(&latch_asked, true, memory_order_relaxed);
    atomic_store_explicit(&latch_awaited, false, memory_order_relaxed);
}

bool zmq__latch_awaited(void)
{
    return atomic_load_explicit(&latch_awaited, memory_order_relaxed);
}

// A favour would be due, but for the barrier.
static void latch_await(void)
{
    if (!atomic_load_explicit(&latch_asked, memory_order_relaxed))
        atomic_store_explicit(&latch_awaited, true, memory_order_relaxed);
}

void zmq__latch_init(struct zmq__latch *latch)
{
    *latch = (struct zmq__latch){.enough = LATCH_ENOUGH};
}

void zmq__latch_fence(void)
{
    atomic_thread_fence(memory_order_seq_cst);
}

void zmq__latch_stand(struct zmq__seat *seat)
{
    atomic_store_explicit(&seat->busy, false, memory_order_release);
    zmq__latch_fence();
}

// Holding it. The favour has ended: if it did not last, the next takes longer to come.
static void latch_disfavour(struct zmq__latch *latch)
{
    if (latch->suspect->slips / LATCH_WORTH >= latch->enough)
        latch->enough = LATCH_ENOUGH;
    else if (latch->enough < LATCH_ENOUGH_MAX)
        latch->enough *= 2;
    latch->suspect = NULL;
    latch->streak = 0;
}

// |held|, but a thread may have slipped in: another, or this one, which then calls from inside of its own call.
bool zmq__latch_claim(struct zmq__latch *latch, const void *me)
{
    do {
        struct zmq__seat *const seat = latch->suspect;
        if (!seat) return true;
        const bool mine = atomic_load_explicit(&seat->thread, memory_order_relaxed) == me;
        bool busy = atomic_load_explicit(&seat->busy, memory_order_acquire);
        bool favoured = atomic_load_explicit(&latch->favoured, memory_order_relaxed);
        if (favoured && (busy || !mine)) {
            atomic_store_explicit(&latch->favoured, NULL, memory_order_relaxed);
            if (!mine) latch_barrier();
            busy = atomic_load_explicit(&seat->busy, memory_order_acquire);
            favoured = false;
        }
        if (!busy) {
            if (!favoured) latch_disfavour(latch);
            return true;
        }
        atomic_store_explicit(&latch->held, false, memory_order_seq_cst);
        zmq__latch_fence();
        if (atomic_load_explicit(&seat->busy, memory_order_relaxed)) return false;
    } while (!atomic_exchange_explicit(&latch->held, true, memory_order_seq_cst));
    return false;
}

void zmq__latch_favour(struct zmq__latch *latch, const void *me)
{
    latch->streak = 0;
    if (!atomic_load_explicit(&latch_favours, memory_order_relaxed)) {
        latch_await();
        return;
    }
    if (latch->suspect) return;
    for (size_t i = 0; i < ZMQ__LATCH_SEATS; i++) {
        struct zmq__seat *const seat = &latch->seats[i];
        const void *const thread = atomic_load_explicit(&seat->thread, memory_order_relaxed);
        if (thread && thread != me) continue;
        atomic_store_explicit(&seat->thread, me, memory_order_relaxed);
        seat->slips = 0;
        latch->suspect = seat;
        atomic_store_explicit(&latch->favoured, seat, memory_order_release);
        return;
    }
}

void zmq__latch_settle(struct zmq__latch *latch, struct zmq__seat *seat)
{
    // Who holds it finds the seat busy, and gives it back.
    while (atomic_exchange_explicit(&latch->held, true, memory_order_seq_cst))
        sched_yield();
    atomic_store_explicit(&seat->busy, false, memory_order_release);
}
