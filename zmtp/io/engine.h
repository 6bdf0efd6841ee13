// The engine of one loop. What a call of the user or an event of the system leaves to be done is
// noted (marks of pipes, touched sockets), and zmtp__engine_dispatch does it: connections read on and
// write, sockets process, callbacks are called. It runs after each event and before the loop sleeps.
#ifndef ZMTP_IO_ENGINE_H
#define ZMTP_IO_ENGINE_H

#include "../socket/sends.h"
#include "../socket/trie.h"
#include "../socket/volley.h"
#include "../uv.h"
#include "fork.h"
#include "hook.h"
#include "spinner.h"

struct zmtp__crossing;
struct zmtp__harbour;
struct zmtp__farewell;
struct zmtp__inproc_link;
struct zmtp__asker;
struct zmtp__foreign;
struct zmtp__resolver;
struct zmtp__run;
struct zmtp__wait;

enum { ZMTP__TEXT_MAX = 400 };

struct zmtp_uv {
    uv_loop_t *loop;
    const struct zmtp_allocator *allocator;
    struct zmtp_pool *pool;
    uv_prepare_t prepare; // the last stop before the loop sleeps; open sockets keep it referenced
    uv_check_t check;     // the first stop after its sleep
    uv_idle_t idle;       // active: something is left to do, the loop must not sleep
    uv_timer_t later;     // sockets whose callback waits for memory
    uv_timer_t patience;  // how long |wait| lasts
    uv_timer_t trim;      // active: the pool keeps large slabs
    uv_timer_t ticks;     // rings for the first of |ticking|
    unsigned own_handles; // of the seven above, not yet closed
    size_t handles;       // of everybody else: watches and alarms, not yet closed
    struct zmtp_marks marks;          // connections' ends of pipes with news
    struct zmtp_marks datagrams;      // the same of udp
    struct zmtp_uv_socket *sockets;   // all, until freed
    struct zmtp_uv_socket *touched;   // those to be looked at by the next dispatch
    struct zmtp_uv_socket *dropping;  // those that have dropped something, which is to be told
    struct zmtp_uv_socket *ticking;   // those whose pattern waits for a time
    struct zmtp__trie places;         // inproc names, bound or dialled
    struct zmtp__inproc_link *links;  // inproc dials, joined or waiting for their name
    struct zmtp__crossing *crossings; // sockets joined to those of other engines
    struct zmtp__hook *name_news;     // names of which there is something to tell,
    struct zmtp__hook *link_news;     // and dials of which there may be
    bool inproc_news;                 // events of these are to be told
    bool inproc_crowded; // some dial found a PAIR that has no room, and may wait for it
    uint64_t partings;   // how many of the last two kinds have been freed so far
    struct zmtp__farewell *farewells; // to be told, first come first
    struct zmtp__farewell *last_farewell;
    size_t unflushed;       // octets sent by the user since the last flush
    size_t unflushed_max;   // so many may wait for the next, see gather.h
    unsigned unshipped;     // messages, since shores worked
    unsigned unshipped_max; // where other threads could work on them already, they may be so many
    bool wary; // something is to be read: before more is written, it is seen whether that is an end
    bool unsure;       // whether that is so is asked when it matters
    uint64_t asked_ms; // when the system was asked last what has come
    uint64_t heard_ms; // the same, and it was all read
    uint64_t turn_ns;  // what dispatches took since the loop's last turn began
    struct zmtp__spin spin;
    uint64_t slept_ns; // since when the loop sleeps, where that is of interest; 0: it is not
    bool heard;        // something has come since the last spin
    bool spinning;     // the loop goes on looking where it would sleep
    uint64_t numbers;  // given to sockets, connections and diallers so far
    uint64_t random;
    unsigned generation;           // of the process that opened it
    unsigned sends_rest;           // for so many messages none begin, as those before were in vain
    struct zmtp_uv_socket *sender; // null, or whose |sends| are under way
    struct zmtp__sends sends;
    struct zmtp__volley volley;      // of |sender|, which has this or those
    struct zmtp__resolver *resolver; // null: no name was looked up
    struct zmtp__asker *asker;       // null: no ZAP handler had to be asked yet
    size_t askers;                   // sockets that would have one asked
    struct zmtp__foreign *foreign;   // null: nobody asked for the descriptor
    struct zmtp__wait *wait;         // null: no script waits
    struct zmtp__harbour *harbour;   // null: it shares no names
    unsigned calling;                // callbacks of the user that are under way
    struct zmtp__run *run;           // messages that are being given; null: none
    bool called;                     // the user was called back since the loop's last sleep
    bool running;                    // in zmtp__engine_run
    bool *gone;                      // of that; set when the engine is freed
    bool dispatching, closing;
    bool preparing;            // the loop sleeps next, if nothing is to be done
    char text[ZMTP__TEXT_MAX]; // why the last socket could not be opened, or the last join failed
    void (*closed)(void *user);
    void *user;
};

// This process is a child of the one that opened it, and must not touch it.
static inline bool zmtp__engine_inherited(const struct zmtp_uv *uv)
{
    return uv->generation != zmtp__fork_generation();
}

// What a delivery or sends have put off is done: the messages that were given leave their queue, those that were sent are
// in theirs, and all are counted.
void zmtp__engine_settle(struct zmtp_uv *uv);
// A call of the user's begins, from inside a callback perhaps, or one of the loop's: what it looks at or changes has to be
// settled. False: this process must not touch the engine.
static inline bool zmtp__engine_enter(struct zmtp_uv *uv)
{
    if (zmtp__engine_inherited(uv)) return false;
    if (uv->run || uv->sender) zmtp__engine_settle(uv);
    return true;
}

// Notes why a call on the engine fails, in words; returns |error|.
__attribute__((format(printf, 3, 4))) int zmtp__engine_fail(struct zmtp_uv *uv, int error,
                                                            const char *format, ...);
// Something is left to be done: dispatch before the loop sleeps.
void zmtp__engine_wake(struct zmtp_uv *uv);
// Does what is left, to a bound of rounds and of time: then the loop goes round once without sleeping.
// Only from the loop.
void zmtp__engine_dispatch(struct zmtp_uv *uv);
// Gives the kernel what marked connections have to send. Calls nobody, so any call may do it.
void zmtp__engine_flush(struct zmtp_uv *uv);
// The same for what goes to other threads of the process, which begin with it at once.
void zmtp__engine_ship(struct zmtp_uv *uv);
// Runs the loop, for those who do not run it themselves; not from a callback. False: the engine was
// freed by it.
bool zmtp__engine_run(struct zmtp_uv *uv, uv_run_mode mode);
// Deliver again in a while: there was no memory to do it now.
void zmtp__engine_later(struct zmtp_uv *uv);
// Before something is written: is something to be read?
bool zmtp__engine_wary(struct zmtp_uv *uv);
// Every handle that was counted in |handles| ends here.
void zmtp__engine_handle_closed(struct zmtp_uv *uv);
uint64_t zmtp__engine_random(struct zmtp_uv *uv);
// A random number of the system's, never 0, for what strangers must not guess.
uint64_t zmtp__engine_seed(void);
// The loop's clock, in milliseconds, brought up to date.
uint64_t zmtp__engine_now(struct zmtp_uv *uv);

#endif
