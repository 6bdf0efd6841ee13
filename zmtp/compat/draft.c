// What only DRAFT=1 exports of sockets: groups, and peers by their numbers.
#include <errno.h>

#include "../socket/alter.h"
#include "../zmq.h"
#include "endpoint.h"
#include "error.h"
#include "socket.h"

// Of a DISH each group is joined once, by libzmq's rule; the engine would count.
static int draft_group(void *handle, const char *group, bool join)
{
    if (!zmq__socket_of(handle)) return -1;
    if (!group) return zmq__fail(EINVAL);
    struct zmq__socket *socket = zmq__socket_enter(handle);
    if (!socket) return -1;
    const struct zmtp_bytes octets = zmtp_bytes_text(group);
    int error = ENOTSUP;
    if (socket->type == ZMTP_DISH) {
        if (octets.size > ZMQ_GROUP_MAX_LENGTH || zmtp__dish_joined(socket->core, octets) == join)
            error = EINVAL;
        else
            error = join ? zmtp_socket_subscribe(socket->core, octets)
                         : zmtp_socket_cancel(socket->core, octets);
    }
    zmq__socket_look(socket); // RADIOs are to be told
    return zmq__socket_result(socket, error);
}

int zmq_join(void *handle, const char *group)
{
    return draft_group(handle, group, true);
}

int zmq_leave(void *handle, const char *group)
{
    return draft_group(handle, group, false);
}

uint32_t zmq_connect_peer(void *handle, const char *endpoint)
{
    struct zmq__socket *socket = zmq__socket_enter(handle);
    uint32_t number = 0;
    if (!socket) return 0;
    int error = 0;
    if (socket->type != ZMTP_PEER)
        error = ENOTSUP;
    else if (socket->options.immediate) // nobody has a number before the connection is there
        error = EFAULT;
    else
        error = zmq__endpoint_connect_peer(socket, endpoint, &number);
    return zmq__socket_result(socket, error) == 0 ? number : 0;
}

int zmq_disconnect_peer(void *handle, uint32_t routing_id)
{
    struct zmq__socket *socket = zmq__socket_enter(handle);
    if (!socket) return -1;
    zmq__socket_work(socket); // who has just come is known, too
    const int error = zmtp__socket_part_peer(socket->core, routing_id);
    zmq__socket_look(socket);
    return zmq__socket_result(socket, error);
}

int zmq_socket_get_peer_state(void *handle, const void *routing_id, size_t size)
{
    struct zmq__socket *socket = zmq__socket_enter(handle);
    if (!socket) return -1;
    zmq__socket_work(socket);
    int error = !routing_id && size > 0 ? EINVAL : 0;
    if (error == 0) error = zmtp__socket_reaches(socket->core, zmtp_bytes_of(routing_id, size));
    const int state = error == ZMTP_OK ? ZMQ_POLLOUT : 0;
    if (error == ZMTP_ERR_AGAIN) error = 0; // it is there, and full
    const int result = zmq__socket_result(socket, error);
    return result == 0 ? state : result;
}
