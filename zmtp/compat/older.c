// Calls that older programs have, each of others of the interface.
#include <sys/uio.h>

#include "../zmq.h"
#include "error.h"
#include "socket.h"

int zmq_sendmsg(void *handle, zmq_msg_t *msg, int flags)
{
    return zmq_msg_send(msg, handle, flags);
}

int zmq_recvmsg(void *handle, zmq_msg_t *msg, int flags)
{
    return zmq_msg_recv(msg, handle, flags);
}

int zmq_sendiov(void *handle, struct iovec *parts, size_t count, int flags)
{
    int result = 0;
    if (!zmq__socket_of(handle)) return -1;
    if (count == 0 || !parts) return zmq__fail(EINVAL);
    // ZMQ_SNDMORE makes one message of all, which ends with the last; without it each is a message.
    for (size_t i = 0; i < count && result >= 0; i++)
        result = zmq_send(handle, parts[i].iov_base, parts[i].iov_len,
                          i + 1 < count ? flags : flags & ~ZMQ_SNDMORE);
    return result;
}
