// Waiting for many sockets and descriptors at once: what zmq_poll, pollers and proxies share.
#ifndef ZMTP_COMPAT_POLL_H
#define ZMTP_COMPAT_POLL_H

#include "../zmq.h"

// As zmq_ppoll, of at least one item; |mask| may be null. The number of items with events, which may be 0 only
// when the time is over; -1, and errno tells.
int zmq__poll_items(zmq_pollitem_t *items, size_t count, long timeout_ms, const sigset_t *mask);
// Waits for the time alone. 0; -1: a signal came.
int zmq__poll_sleep(long timeout_ms, const sigset_t *mask);

#endif
