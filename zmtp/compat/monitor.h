// Monitors: a PAIR, PUB or PUSH of the library's own, bound where the program says, gets a message for each event.
// Nothing waits for whoever listens: what finds no room, or nobody, is dropped and counted.
//
// In version 1 a message is two parts: event and value, and an endpoint. In version 2 each number is a part of its
// own, of 8 octets: the event, how many values there are, and those; then both endpoints.
#ifndef ZMTP_COMPAT_MONITOR_H
#define ZMTP_COMPAT_MONITOR_H

#include "socket.h"

struct zmq__monitor {
    struct zmq__socket *speaker;
    int version;
    uint64_t events; // those that are wanted
    uint64_t dropped;
    size_t told; // pipes, of the last call that asked for them
};

// An event of zmq.h. |endpoint| is the one that was bound or dialled, |local| and |remote| are the addresses of its
// connection, null or "" while there is none. PIPES_STATS has two values, any other one.
struct zmq__news {
    uint64_t event, values[2];
    const char *endpoint, *local, *remote;
    bool dialled; // |endpoint| is the other side's
};

// Inside of |socket|. Says that it is over, and if the socket |closes| that what it bound is, too; closes what spoke.
void zmq__monitor_stop(struct zmq__socket *socket, bool closes);
// An event; inside of |socket|.
void zmq__monitor_tell(struct zmq__socket *socket, const struct zmq__news *news);
// One of the engine's, of what was |bound| or dialled. |flaw|: why a handshake failed that a ZAP handler
// was to judge (zmq__zap_forget); 0: the event tells.
void zmq__monitor_event(struct zmq__socket *socket, const struct zmtp_event *event, bool bound,
                        int flaw);

#endif
