// A context: sockets that may meet over inproc, and the threads that their connections live on. It starts a
// thread when the first socket needs one, and ends when its last socket has.
//
// Its lock is taken to open and close, to bind and connect; never to send or receive.
#ifndef ZMTP_COMPAT_CONTEXT_H
#define ZMTP_COMPAT_CONTEXT_H

#include "../socket/trie.h"
#include "handle.h"
#include "loan.h"
#include "loop.h"

struct zmq__socket;

enum { ZMQ__LOOPS_MAX = 64 }; // bits of ZMQ_AFFINITY

struct zmq__context_options {
    int io_threads, max_sockets, max_message_size, ipv6, blocky, zero_copy;
    int policy, priority, name_prefix;
    bool named;         // |name_prefix| counts
    char name_text[17]; // of zmq_ctx_set_ext; "": the number, if any
    bool picky;         // |cpus| counts
    cpu_set_t cpus;
    int cpu_beyond; // the last one that no set has room for, and which is not there; 0: none
};

struct zmq__context {
    struct zmq__handle handle;
    unsigned generation; // of the process that opened it
    uint64_t
        spin_ns; // how long its sockets look before they sleep; 0: not at all; or ZMTP__SPIN_UNASKED
    atomic_bool terminated;
    pthread_mutex_t mutex; // for all that follows
    struct zmq__context_options options;
    struct zmq__loop *loops[ZMQ__LOOPS_MAX];
    struct zmq__socket *sockets; // those that are open
    size_t living;               // and those that linger
    int ended;                   // an eventfd that term waits at; -1: nobody does
    struct zmtp__trie names;     // bound over inproc, or connected to and not bound yet
    uint64_t numbers;            // given to sockets
    struct zmq__reaper reaper;   // has a lock of its own
    // Sockets for which a thread has left something to be written (unsent.h), under a lock that is held for moments.
    pthread_mutex_t unsent_mutex;
    struct zmq__socket *unsent;
};

// Null, and errno says EFAULT (it is none) or ETERM (it is the parent process's).
struct zmq__context *zmq__context_of(void *handle);
void zmq__context_lock(struct zmq__context *context);
void zmq__context_unlock(struct zmq__context *context);
static inline bool zmq__context_terminated(const struct zmq__context *context)
{
    return atomic_load_explicit(&context->terminated, memory_order_seq_cst);
}
// The thread for a socket's connections: the least busy of |affinity| (0: all), started if need be. One more
// socket is counted there. An errno: EMTHREAD where there is to be none, EMFILE, ENOMEM.
int zmq__context_loop(struct zmq__context *context, uint64_t affinity, struct zmq__loop **out);
// A socket joins, and is on the list. EMFILE: there are as many as may be; ETERM.
int zmq__context_join(struct zmq__context *context, struct zmq__socket *socket);
// It is closed, and on no list any more; it lingers.
void zmq__context_part(struct zmq__context *context, struct zmq__socket *socket);
// It has ended. From any thread; |context| may be gone afterwards.
void zmq__context_release(struct zmq__context *context);

#endif
