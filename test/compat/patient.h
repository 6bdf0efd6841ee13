// Sockets of the programs that wait: for a time that is long enough for any machine, and for nothing at the end.
#ifndef TEST_COMPAT_PATIENT_H
#define TEST_COMPAT_PATIENT_H

#include <zmq.h>

static inline void *open_patient(void *context, int type, int patience_ms)
{
    const int linger = 0;
    void *socket = zmq_socket(context, type);
    (void)zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    (void)zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience_ms, sizeof patience_ms);
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    return socket;
}

// |where| may leave the port or the path to the system; |endpoint| is what it came to.
static inline void bind_somewhere(void *socket, const char *where, char endpoint[256])
{
    size_t size = 256;
    (void)zmq_bind(socket, where);
    (void)zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size);
}

#endif
