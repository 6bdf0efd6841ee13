// A loop and an engine (io/engine.h) of its own for the connections of one socket. Whoever holds the
// socket's lock runs it. Mostly that is a call: what it sends it writes, and where it waits, it reads, so
// that no message changes threads. What has to be done while no call is there, a thread of the
// context's does, the watch (loop.h):
//
//     watch - looks at the loop's descriptor and timers; tries the lock, and runs the engine
//     lease - calls run the engine themselves: the watch looks away, and only from time to time whether
//             they still do
//     dormant - a call sleeps, and looks at the loop's descriptor itself: nothing wakes the watch. A call that ends such a
//             sleep sets a timer, and stops it when it sleeps again. So who is called now and then never wakes the
//             watch, and who stays away does; who is back at once, time after time, does not stop it: then there is a lease
//     call  - a call left something: what it sent in a stream, and did not write itself
//
// After the program's close it is the watch's alone, until all that lingers has left.
#ifndef ZMTP_COMPAT_ENGINE_H
#define ZMTP_COMPAT_ENGINE_H

#include "../io/gather.h"
#include "loop.h"

struct zmq__socket;

enum {
    // Sends of a stream between two looks at the clock: the fewer the longer they take.
    ZMQ__ENGINE_STRIDE = 16,
    ZMQ__ENGINE_STRIDE_MAX = 128,
};

struct zmq__engine {
    uv_loop_t loop;
    struct zmtp_uv *uv;
    struct zmq__socket *socket;
    struct zmq__loop *watch;
    // Under the lock.
    bool ran;           // since the last look at the timers
    bool direct;        // the next send may write at once: something was received since the last
    unsigned unwritten; // sends since the last flush
    unsigned look_at;   // how many those are when the clock is looked at next
    unsigned stride;    // how many that were since the last look
    uint64_t looked_ns; // when that was
    uint64_t flush_ns;  // what that took
    uint64_t turn_ns, turned_ns; // what the last turn took, and when it ended
    uint64_t back_ns;            // when a call last was away, and slept again soon
    bool closing, closed;        // the engine; the watch's by then
    // For the watch, too.
    atomic_uint entries; // calls so far, without those of a stretch, which move messages
    atomic_uint turns;   // of the engine, whoever ran it
    atomic_uint moved;   // messages, by calls: those that find none, time after time, need no lease
    atomic_uint tended;  // calls that sleep and look at the loop's descriptor themselves
    atomic_bool called;  // |errand| is on its way
    atomic_bool urgent;  // and is more than to take a lease
    atomic_bool awaited; // the watch has not got the lock: the next call is to do its work
    atomic_bool dormant; // the watch looks away, until it is called or a call is away for long
    atomic_bool away;    // dormant, and the call that slept does not any more
    unsigned away_entries; // when that began; under the watch's lock
    atomic_bool exposed;   // the program has the bell's descriptor: the watch never looks away
    _Atomic uint64_t flushed_ns; // when the last flush ended, of uv_hrtime
    // When the engine wants to be run, by the loop's clock, which is uv_hrtime's; UINT64_MAX: never.
    _Atomic uint64_t due_ms;
    _Atomic uint64_t alarm_ms; // when the watch runs it at the latest
    struct zmq__task errand, retirement;
    // The watch's own.
    uv_poll_t poll;
    uv_timer_t alarm;
    struct zmq__engine *leased_next, *leased_before;
    struct zmq__engine *dormant_next, *dormant_before;
    uint64_t errand_ns;                            // when the last errand came
    unsigned seen_entries, seen_turns, seen_moved; // of the last look
    unsigned still, idle; // how often in a row no call had come, and no message had been moved
    unsigned handles;     // of the two, not yet closed
    bool looking, pleading, retired;
    atomic_bool leased; // for calls, too
};

// For |socket|, whose lock is held, or which nobody knows yet. An errno.
int zmq__engine_open(struct zmq__engine **out, struct zmq__socket *socket, struct zmq__loop *watch);
// All under the socket's lock.
void zmq__engine_turn(struct zmq__engine *engine); // what can be done now, to a bound
// Is it time for another turn, amid a stream?
bool zmq__engine_rested(const struct zmq__engine *engine);
void zmq__engine_sent(struct zmq__engine *engine, size_t size); // octets, by the pattern
void zmq__engine_write(struct zmq__engine *engine);             // what was sent is written now
// A ROUTER is about to send to its peer |id|. What waits to be written is not to be the reason that it drops the message.
void zmq__engine_make_way(struct zmq__engine *engine, struct zmtp_bytes id);
void zmq__engine_received(struct zmq__engine *engine); // a message, by the program
// A call lets go of the lock: what is left to be done is done now, or the watch is called.
void zmq__engine_leave(struct zmq__engine *engine);
// A call is about to sleep, and to look at zmq__engine_fd itself, for |*timeout_ms| at most, which is
// shortened. False: there is something to do first.
bool zmq__engine_doze(struct zmq__engine *engine, int *timeout_ms);
void zmq__engine_rise(struct zmq__engine *engine); // it does not sleep any more
int zmq__engine_fd(const struct zmq__engine *engine);
// The program has asked for the socket's descriptor.
void zmq__engine_expose(struct zmq__engine *engine);
// The program has closed the socket, whose lock is held for ever, and whose endpoints are closed. The watch
// frees the engine when nothing is left to leave, and then calls zmq__socket_gone.
void zmq__engine_retire(struct zmq__engine *engine);

// For calls that pass a short message and do nothing else (quick.h): parts of the above, without a call.
static inline bool zmq__engine_marked(const struct zmq__engine *engine)
{
    return engine->uv->marks.first || engine->uv->datagrams.first;
}
// A message moved.
static inline void zmq__engine_note_moved(struct zmq__engine *engine)
{
    const unsigned moved = atomic_load_explicit(&engine->moved, memory_order_relaxed);
    atomic_store_explicit(&engine->moved, moved + 1, memory_order_relaxed);
}
// May so many octets be sent without a write?
static inline bool zmq__engine_takes(const struct zmq__engine *engine, size_t size)
{
    return engine->uv->unflushed + size < engine->uv->unflushed_max;
}
// The watch comes by itself, and soon: for a lease, or as a call has been away for a while.
static inline bool zmq__engine_expects(const struct zmq__engine *engine)
{
    return atomic_load_explicit(&engine->leased, memory_order_relaxed) ||
           atomic_load_explicit(&engine->away, memory_order_relaxed);
}
// Then nothing has to be done, or told, that is no hurry.
static inline bool zmq__engine_watched(const struct zmq__engine *engine)
{
    return !engine->ran && zmq__engine_expects(engine) &&
           !atomic_load_explicit(&engine->awaited, memory_order_relaxed) &&
           !atomic_load_explicit(&engine->exposed, memory_order_relaxed);
}
// Does what was sent just now wait in a stream, without a look at the clock?
static inline bool zmq__engine_streams(struct zmq__engine *engine)
{
    if (engine->direct || engine->unwritten >= engine->look_at) return false;
    if (!zmq__engine_watched(engine)) return false;
    engine->unwritten++;
    return true;
}
// How many may be sent before the clock is looked at?
static inline unsigned zmq__engine_unlooked(const struct zmq__engine *engine)
{
    return engine->unwritten < engine->look_at ? engine->look_at - engine->unwritten : 0;
}

static inline void zmq__engine_enter(struct zmq__engine *engine)
{
    const unsigned entries = atomic_load_explicit(&engine->entries, memory_order_relaxed);
    atomic_store_explicit(&engine->entries, entries + 1, memory_order_relaxed);
}

#endif
