// zmq_setsockopt and zmq_getsockopt: what options.h keeps, and what is the socket's own doing.
#include <errno.h>
#include <string.h>

#include "../socket/alter.h"
#include "../zmq.h"
#include "error.h"
#include "library.h"
#include "socket.h"

// Types that tell how many topics there are.
enum {
    SOCKOPT_COUNTERS = 1 << ZMTP_PUB | 1 << ZMTP_XPUB | 1 << ZMTP_SUB | 1 << ZMTP_XSUB,
};

// A subscription, or its end. XPUB takes them in its manual modes, for the peer it heard of last.
static int sockopt_subscribe(struct zmq__socket *socket, int option, const void *value, size_t size)
{
    const bool manual = socket->type == ZMTP_XPUB &&
                        (socket->options.xpub_manual || socket->options.xpub_last_value);
    if (socket->type != ZMTP_SUB && !manual) return EINVAL;
    if (!value && size > 0) return EINVAL;
    const struct zmtp_bytes topic = zmtp_bytes_of(value, size);
    const int result = option == ZMQ_SUBSCRIBE ? zmtp_socket_subscribe(socket->core, topic)
                                               : zmtp_socket_cancel(socket->core, topic);
    zmq__socket_look(socket);
    // What ends nothing, or is for a peer that has gone, is no error there.
    if (result == ZMTP_ERR_NOT_FOUND || result == ZMTP_ERR_STATE) return 0;
    return zmq__errno_of(result);
}

int zmq_setsockopt(void *handle, int option, const void *value, size_t size)
{
    struct zmq__socket *socket = zmq__socket_enter(handle);
    bool alive = false;
    int error;
    if (!socket) return -1;
    if (option == ZMQ_SUBSCRIBE || option == ZMQ_UNSUBSCRIBE)
        error = sockopt_subscribe(socket, option, value, size);
    else
        error = zmq__options_set(&socket->options, socket->type, option, value, size, &alive);
    if (error == 0 && alive) error = zmq__socket_apply(socket);
    return zmq__socket_result(socket, error);
}

static int sockopt_give_endpoint(const struct zmq__socket *socket, void *value, size_t *size)
{
    const size_t count = strlen(socket->last_endpoint) + 1;
    if (*size < count || !value) return EINVAL;
    memcpy(value, socket->last_endpoint, count);
    *size = count;
    return 0;
}

// A STREAM has the id of its newest peer, by which a program that has dialled one knows it.
static int sockopt_give_id(const struct zmq__socket *socket, void *value, size_t *size)
{
    uint8_t id[ZMTP__ID_MADE_SIZE];
    const size_t made = zmtp__socket_made(socket->core, id);
    if (made > 0) return zmq__option_give(value, size, id, made);
    return zmq__options_get(&socket->options, socket->type, ZMQ_ROUTING_ID, value, size);
}

static int sockopt_get(struct zmq__socket *socket, int option, void *value, size_t *size)
{
    int number;
    switch (option) {
    case ZMQ_RCVMORE:
        return zmq__option_give_room(socket->more, value, size);
    case ZMQ_FD:
        number = zmq__socket_expose(socket);
        return number < 0 ? errno : zmq__option_give_room(number, value, size);
    case ZMQ_EVENTS:
        return zmq__option_give_room((int)zmq__socket_found(socket), value, size);
    case ZMQ_TOPICS_COUNT:
        if (!zmq__draft || !(SOCKOPT_COUNTERS >> socket->type & 1)) return EINVAL;
        zmq__socket_work(socket); // subscriptions may have come
        number = (int)zmtp_socket_topics(socket->core);
        return zmq__option_give_room(number, value, size);
    case ZMQ_ROUTING_ID:
        return sockopt_give_id(socket, value, size);
    case ZMQ_LAST_ENDPOINT:
        return sockopt_give_endpoint(socket, value, size);
    default:
        return zmq__options_get(&socket->options, socket->type, option, value, size);
    }
}

int zmq_getsockopt(void *handle, int option, void *value, size_t *size)
{
    if (!size) return zmq__fail(EFAULT);
    struct zmq__socket *socket = zmq__socket_enter(handle);
    return socket ? zmq__socket_result(socket, sockopt_get(socket, option, value, size)) : -1;
}
