// A socket's lock. Any thread may take it, by an exchange; but nearly always one thread does, time after time, and an
// exchange costs as much as all else that a short message takes. So that thread comes to be favoured: it slips in and
// out by plain stores, and whoever else wants in bears the cost, a barrier on all processors, and ends the favour.
//
//     held     - the lock, for all. Who holds it is inside unless a seat is busy.
//     favoured - the seat of the thread that may slip in; null: none may. Written under |held| alone.
//     busy     - of a seat: its thread has slipped in. Written by that thread alone.
//     suspect  - the seat that was favoured last, until its thread is known to be outside. Under |held|.
//
// Why nobody is inside beside another. The favourite (F1) stores |busy|, then (F2) looks whether it is still favoured;
// no instruction of the processor's orders the two. Another thread takes |held|, (R1) stores that nobody is favoured,
// (R2) has every processor that runs a thread of this process do a full barrier (membarrier of Linux), then (R3) looks
// whether the seat is busy. For the favourite the barrier falls somewhere into the order of its program. If F2 comes
// after that, it finds that it is favoured no more. If F2 comes before, so does F1, and R3 finds the seat busy; or it
// has left meanwhile, and as that is a release and R3 an acquire, what it did inside is known. Who holds |held| and
// finds a busy seat is not inside, and gives it back.
//
// Why the seat is a thread's own. A favourite may be stopped between a first look at |favoured| and F1, for any time.
// When it goes on, its favour may have ended long since, and another may be inside as the favourite. F1, and the store
// that takes it back, then touch a seat that nobody looks at, or hold up for a moment who does. Were there one seat for
// all, taking it back would hide that the other is inside. So a seat is never given to another thread; but a thread
// that has the address of one that ended is the same, as what that did comes before all that this does.
//
// Why no news is lost. A thread that has news for the socket writes them, then tries the lock, and goes away if it does
// not get it (socket.h): somebody has to look at the news afterwards. That is
// - who holds |held| and is inside: it looks after it has let go, as ever;
// - or the one that slipped in. R1 comes before R3, which found the seat busy, so the store by which it leaves comes
//   after its barrier. Then it looks at |favoured|, finds that it is none, tries the lock by itself, and looks at the
//   news;
// - or one that holds |held| and has found a busy seat: it lets go of |held| and looks at the seat once more. If that
//   is still busy, its thread has yet to leave, and finds |held| free when it tries. If it is not, this one begins
//   anew. Both have a fence between the store (to |held|, to |busy|) and the load (of the other), so one finds the
//   other's.
// A favourite that finds at F2 that it is none was busy for a moment, and owes the same: it tries the lock at once.
//
// Nobody waits in here, but for who gives |held| back. Who calls zmq__latch_try until it gets in has to yield: one that
// is inside may not run at the moment (socket.c does, after a hundred tries). A favourite does not starve others: the
// first that tries ends the favour, and then all take turns by exchanges.
//
// test/io/test_latch_model.c tries all of this in every order, under two models of memory, and leaves each step out.
//
// Where there is no such barrier, nobody is favoured: with another system, or one that is too old or forbids it. A
// forked child enters no socket of its parent's; for its own the kernel remembers, or it is asked once more.
//
// ThreadSanitizer sees no barrier that one thread has others do, and needs none: what it goes by is that R3 acquires what
// the favourite released, and that a thread which is favoured no more takes |held|.
#ifndef ZMTP_COMPAT_LATCH_H
#define ZMTP_COMPAT_LATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    // Threads that may come to be favoured over a latch's life; others use the lock as it is. More than one, as sockets
    // are handed on.
    ZMQ__LATCH_SEATS = 4,
};

struct zmq__seat {
    _Atomic(const void *) thread; // whose it is, for good; null: nobody's
    atomic_bool busy;
    unsigned slips; // since it is favoured
};

struct zmq__latch {
    atomic_bool held;
    _Atomic(struct zmq__seat *) favoured;
    // Of whoever holds it.
    struct zmq__seat *suspect;
    const void *last;        // whose calls are counted
    unsigned streak, enough; // how many so far, and how many bring the favour
    struct zmq__seat seats[ZMQ__LATCH_SEATS];
};

// This thread, as latches know it: an address that no other has while it lives.
#if defined __GNUC__ && !defined __clang__ && __GNUC__ >= 11 && defined __x86_64__
static inline const void *zmq__latch_me(void)
{
    return __builtin_thread_pointer(); // one instruction, where a thread's variable takes a call
}
#else
extern _Thread_local char zmq__latch_mine;
static inline const void *zmq__latch_me(void)
{
    return &zmq__latch_mine;
}
#endif

// Asks the system for the barrier, once, which may take some ten milliseconds where threads run. Without, none is
// favoured.
void zmq__latch_prepare(void);
// Would some thread be favoured if that had been asked? Then one that may take its time is to do so.
bool zmq__latch_awaited(void);
void zmq__latch_init(struct zmq__latch *latch);

// What of the next is seldom.
bool zmq__latch_claim(struct zmq__latch *latch, const void *me);
void zmq__latch_favour(struct zmq__latch *latch, const void *me);
void zmq__latch_fence(void);

// For any thread: takes the lock. False: somebody is inside, and looks at the news that were written before.
static inline bool zmq__latch_try(struct zmq__latch *latch, const void *me)
{
    if (atomic_exchange_explicit(&latch->held, true, memory_order_seq_cst)) return false;
    return !latch->suspect || zmq__latch_claim(latch, me);
}

// Holding it: lets go. Sequentially consistent, who looks at news afterwards finds those of whoever tried meanwhile.
static inline void zmq__latch_leave(struct zmq__latch *latch, memory_order order)
{
    atomic_store_explicit(&latch->held, false, order);
}

// Holding it, before it leaves a call that a favourite could have slipped into: enough of them in a row, and |me| is.
static inline void zmq__latch_count(struct zmq__latch *latch, const void *me)
{
    if (latch->last != me) latch->streak = 0;
    latch->last = me;
    if (++latch->streak >= latch->enough) zmq__latch_favour(latch, me);
}

// The favourite's: enters, without holding it, by two steps, which call nothing, so that a caller has nothing to keep over
// them. Null: it is not the favourite, or inside already.
static inline struct zmq__seat *zmq__latch_sit(struct zmq__latch *latch, const void *me)
{
    struct zmq__seat *const seat = atomic_load_explicit(&latch->favoured, memory_order_relaxed);
    if (!seat || atomic_load_explicit(&seat->thread, memory_order_relaxed) != me) return NULL;
    if (atomic_load_explicit(&seat->busy, memory_order_relaxed)) return NULL;
    atomic_store_explicit(&seat->busy, true, memory_order_relaxed);
    // For the compiler; the processor's order is the other side's barrier's.
    atomic_signal_fence(memory_order_seq_cst);
    return seat;
}
// False: it is the favourite no more, and not inside; zmq__latch_stand is to be called next.
static inline bool zmq__latch_sits(struct zmq__latch *latch, struct zmq__seat *seat)
{
    if (atomic_load_explicit(&latch->favoured, memory_order_relaxed) != seat) return false;
    seat->slips++;
    return true;
}
// And then zmq__latch_try, for what it may owe.
void zmq__latch_stand(struct zmq__seat *seat);

// All of that. Null: zmq__latch_try is to be called next.
static inline struct zmq__seat *zmq__latch_slip(struct zmq__latch *latch, const void *me)
{
    struct zmq__seat *const seat = zmq__latch_sit(latch, me);
    if (!seat || zmq__latch_sits(latch, seat)) return seat;
    zmq__latch_stand(seat);
    return NULL;
}

// It leaves. False: somebody wanted in meanwhile and went away; after zmq__latch_fence it is to try the lock, and look at
// the news.
static inline bool zmq__latch_rise(struct zmq__latch *latch, struct zmq__seat *seat)
{
    atomic_store_explicit(&seat->busy, false, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&latch->favoured, memory_order_acquire) == seat) return true;
    return false;
}
// Both.
static inline bool zmq__latch_slip_out(struct zmq__latch *latch, struct zmq__seat *seat)
{
    if (zmq__latch_rise(latch, seat)) return true;
    zmq__latch_fence();
    return false;
}

// It stays inside, and holds the lock from now on, as any thread does; it is still the favourite if it was.
void zmq__latch_settle(struct zmq__latch *latch, struct zmq__seat *seat);

#endif
