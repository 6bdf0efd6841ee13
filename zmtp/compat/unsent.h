// What a thread leaves to be written when it waits elsewhere. What it sends in a stream, or answers while more is there to
// be answered, is written with what follows, or by the watch, a millisecond or two later (engine.h). A thread that is about to wait sends nothing more; so first it writes
// what it has left on other sockets of the context, or an answer to that would be waited for as long.
//
// Sockets for which that may be so are on a list of the context's, under a lock of its own, with the thread that left it.
#ifndef ZMTP_COMPAT_UNSENT_H
#define ZMTP_COMPAT_UNSENT_H

#include "socket.h"

// Inside, by a call of the program's: it leaves something.
void zmq__unsent_note(struct zmq__socket *socket);
// Is that known of this thread already?
static inline bool zmq__unsent_noted(const struct zmq__socket *socket)
{
    return atomic_load_explicit(&socket->unsent_by, memory_order_relaxed) == zmq__latch_me();
}
// The socket is being closed; its lock is held for ever.
void zmq__unsent_forget(struct zmq__socket *socket);
// This thread is about to wait at a socket of |context|. It may be inside of that one, and holds no other lock. Sockets
// that others are in are left to those and to the watch.
void zmq__unsent_write(struct zmq__context *context);

#endif
