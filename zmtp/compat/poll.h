// Waiting for many sockets and descriptors at once: what zmq_poll, pollers and proxies share.
#ifndef ZMTP_COMPAT_POLL_H
#define ZMTP_COMPAT_POLL_H

#include "../zmq.h"
#include "socket.h"

// Sockets for all threads ring whoever polls them: a descriptor, and how it is told to each.
struct zmq__watched {
    struct zmq__watcher watcher;
    struct zmq__socket *socket; // a reference
};
// Null: no memory, or |handle| is no such socket any more; errno tells. It is rung once.
struct zmq__watched *zmq__poll_watch(void *handle, int fd);
void zmq__poll_unwatch(struct zmq__watched *watched); // which may be null

// As zmq_ppoll, of at least one item; |mask| may be null. |fd| watches those of the sockets that are for all threads;
// -1: there are none. The number of items with events, which may be 0 only when the time is over; -1, and errno
// tells.
int zmq__poll_items(zmq_pollitem_t *items, size_t count, long timeout_ms, const sigset_t *mask,
                    int fd);
// Waits for the time alone. 0; -1: a signal came.
int zmq__poll_sleep(long timeout_ms, const sigset_t *mask);

#endif
