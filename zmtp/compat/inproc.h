// Lines between sockets of one context: a ferry from the core of one, on whatever thread calls it, to the core
// of another. No loop has a part in it.
//
// Who connects before the name is bound has a pipe at once, and what it sends waits there; the bind hails it. Who closes
// or disconnects before the bind leaves the pipe to the name, with what waits in it, and the bind takes that over.
#ifndef ZMTP_COMPAT_INPROC_H
#define ZMTP_COMPAT_INPROC_H

#include "socket.h"

// |name| is the whole endpoint. An errno: EADDRINUSE, ENOMEM.
int zmq__inproc_bind(struct zmq__socket *socket, const char *name);
// Has anybody the name? On any thread.
bool zmq__inproc_bound(struct zmq__context *context, const char *name);
// |routing_id|: what the socket calls the peer, empty: as that says. It is another peer's: the errno of ZMTP_ERR_ROUTING_ID.
int zmq__inproc_connect(struct zmq__socket *socket, const char *name, struct zmtp_bytes routing_id);
// This side of the last line made so; null: it is over.
const struct zmtp_pipe_end *zmq__inproc_dialled(const struct zmq__socket *socket, const char *name);
// Calls |each| for every line: its name, this side's end, and whether it was connected here.
void zmq__inproc_each(const struct zmq__socket *socket,
                      void (*each)(void *user, const char *name, const struct zmtp_pipe_end *end,
                                   bool dialled),
                      void *user);
// ENOENT. What is there already stays.
int zmq__inproc_unbind(struct zmq__socket *socket, const char *name);
void zmq__inproc_unbind_all(struct zmq__socket *socket);
// Lets go of the lines made by connecting there. What was sent over them before the name was bound stays with the name.
int zmq__inproc_disconnect(struct zmq__socket *socket, const char *name);
// The core's limits are others now.
void zmq__inproc_alter(struct zmq__socket *socket);
// Lets lines with news work, and takes up |socket->lines_left| new ones at most: as fast as they come, others of its
// lines and its own calls have their turns.
void zmq__inproc_work(struct zmq__socket *socket);
// The core has closed: all lines end, or are left to the names that they wait for.
void zmq__inproc_leave(struct zmq__socket *socket);
// No socket is left: what waits for names goes.
void zmq__inproc_forget_all(struct zmq__context *context);

#endif
