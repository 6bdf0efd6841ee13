// What other files of this folder ask of binding and connecting.
#ifndef ZMTP_COMPAT_ENDPOINT_H
#define ZMTP_COMPAT_ENDPOINT_H

#include "socket.h"

// Inside. Connects as zmq_connect, and tells the number of the peer there, good at once. An errno.
int zmq__endpoint_connect_peer(struct zmq__socket *socket, const char *text, uint32_t *number);
// Inside. Ends the last that was |bound|, or connected, by that name. An errno; ENOENT: there is none.
int zmq__endpoint_close(struct zmq__socket *socket, const char *text, bool bound);
// Inside. Calls |each| for those bound outside of the process, with the descriptors that listen.
void zmq__endpoint_each_bound(const struct zmq__socket *socket,
                              void (*each)(void *user, const char *text, int descriptor),
                              void *user);
// Inside. Calls |each| for every connection: its endpoint as it came to be, and its end of the pipe.
void zmq__endpoint_each(const struct zmq__socket *socket,
                        void (*each)(void *user, const char *endpoint, bool bound,
                                     const struct zmtp_pipe_end *end),
                        void *user);
// Inside. The core's limits are others now: those of what it sends at once, of what it receives for connections that
// come later.
void zmq__endpoint_alter(struct zmq__socket *socket);
// The program closes |socket|, whose core will close now.
void zmq__endpoint_bereave(struct zmq__socket *socket);
// Its core is closed; its connections linger.
void zmq__endpoint_leave(struct zmq__socket *socket);

#endif
