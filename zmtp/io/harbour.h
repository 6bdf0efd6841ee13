// What an engine has for other threads: a dock where the shores of its ferries lie, and a bell that wakes
// its loop. See msg/ferry.h.
//
// A ferry may join anything that has a pipe to anything; here, the sockets of two engines (crossing.h).
#ifndef ZMTP_IO_HARBOUR_H
#define ZMTP_IO_HARBOUR_H

#include "../msg/ferry.h"
#include "engine.h"

struct zmtp_uv_shared;

// The owner of a shore in an engine begins with this.
struct zmtp__keeper {
    // The shore has news, or waits for its pipe. Calls nobody of the user's.
    void (*look)(struct zmtp_uv *uv, struct zmtp__shore *shore);
};

struct zmtp__harbour {
    struct zmtp__dock dock;
    atomic_uint refs; // the engine, and those whose shores call shores here
    // The loop's own.
    struct zmtp_uv *uv;
    uv_poll_t poll; // for |bell|
    bool closing;
    // How often in a row it has lingered in vain, and how often it does not before the next time.
    unsigned vain, unlingered;
    struct zmtp_uv_shared *shared;
    // For all threads. The bell is an eventfd, which stays open as long as the harbour. (A uv_async_t would
    // spin, for as long as the ringing thread is held up between its system call and its last word.)
    int bell;
    atomic_bool names_changed;
    atomic_int cpu;             // the processor that the loop ran on last; -1: not known
    struct zmtp__harbour *next; // of |shared|, under its mutex
};

int zmtp__harbour_open(struct zmtp_uv *uv, struct zmtp_uv_shared *shared);
// From the loop, when no socket is left. |uv|'s own handles count it until it is closed.
void zmtp__harbour_close(struct zmtp__harbour *harbour);
void zmtp__harbour_ref(struct zmtp__harbour *harbour);
void zmtp__harbour_unref(struct zmtp__harbour *harbour); // on any thread
// Wakes the loop, on any thread. Nobody hears it when that is closed.
void zmtp__harbour_ring(struct zmtp__harbour *harbour);

// Have shared names changed since the last time?
bool zmtp__harbour_names(struct zmtp__harbour *harbour);
// Lets shores with news work. From dispatch, or a flush.
void zmtp__harbour_work(struct zmtp__harbour *harbour);
// Takes note of the processor, from the loop.
void zmtp__harbour_note_cpu(struct zmtp__harbour *harbour);
// So many messages may wait for it when another thread could work on them already,
enum { ZMTP__HARBOUR_BATCH = 256 };
// or so many, by the processors that this loop and |far|'s run on.
unsigned zmtp__harbour_batch(const struct zmtp__harbour *harbour, const struct zmtp__harbour *far);
// The loop is about to sleep: looks for some microseconds whether another thread calls, as one does in the middle of
// a stream. True: it did. It is tried the less often the more often it was in vain.
bool zmtp__harbour_linger(struct zmtp__harbour *harbour);
static inline bool zmtp__harbour_busy(const struct zmtp__harbour *harbour)
{
    return harbour && (zmtp__dock_busy(&harbour->dock) ||
                       atomic_load_explicit(&harbour->names_changed, memory_order_relaxed));
}

#endif
