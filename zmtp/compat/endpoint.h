// What other files of this folder ask of binding and connecting.
#ifndef ZMTP_COMPAT_ENDPOINT_H
#define ZMTP_COMPAT_ENDPOINT_H

#include "socket.h"

// Inside. Connects as zmq_connect, and tells the number of the peer there, good at once. An errno.
int zmq__endpoint_connect_peer(struct zmq__socket *socket, const char *text, uint32_t *number);
// Inside. The endpoint with the engine's socket of that number, as it came to be; null: it is none any more.
const char *zmq__endpoint_text(const struct zmq__socket *socket, uint64_t number, bool *bound);
// Inside. Calls |each| for those bound outside of the process, with the descriptors that listen.
void zmq__endpoint_each_bound(const struct zmq__socket *socket,
                              void (*each)(void *user, const char *text, int descriptor),
                              void *user);
// The program closes |socket|, whose core is closed; its connections linger. False: it has none.
bool zmq__endpoint_leave(struct zmq__socket *socket);

#endif
