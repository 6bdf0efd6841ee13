// Monitors: a PAIR of the library's own, bound where the program says, gets a message for each event. Nothing
// waits for whoever listens: what finds no room, or nobody, is dropped and counted.
#ifndef ZMTP_COMPAT_MONITOR_H
#define ZMTP_COMPAT_MONITOR_H

#include "socket.h"

struct zmq__monitor {
    struct zmq__socket *pair;
    int events; // those that are wanted
    uint64_t dropped;
};

// Inside of |socket|. Says that it is over, and closes the PAIR.
void zmq__monitor_stop(struct zmq__socket *socket);
// An event of zmq.h, from the socket's loop, or from inside of it while that waits or has nothing to do with it.
void zmq__monitor_tell(struct zmq__socket *socket, int event, uint32_t value, const char *endpoint);
// One of the engine's; |user| is the socket.
void zmq__monitor_event(struct zmtp_uv_socket *uv_socket, const struct zmtp_event *event,
                        void *user);

#endif
