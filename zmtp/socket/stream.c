// STREAM: octets from and to connections that are no ZMTP. A message is a routing id and octets, as
// two parts; what one read brought comes as one message. Empty octets tell of a connection: the
// first of its messages says that it is there, the last that it has ended, unless |stream_notify|
// is off. To send them closes the connection, once what was sent before has left.
//
// An id is made here, or given with a pipe that is dialled, which keeps it through all its
// connections. But octets are of one conversation and mean nothing in the next: those that wait
// when it ends are dropped, and until there is a new one nobody has that id. Before the first
// connection messages wait for it.
#include "fair_queue.h"
#include "routes.h"

struct stream {
    struct zmtp_socket socket;
    struct zmtp__routes routes;
    struct zmtp__lane *full; // refused the last message; null: none did
};

struct stream_lane {
    struct zmtp__routed routed;
    uint32_t number; // of an id that was made; 0: it was given
};

static struct stream *stream_of(struct zmtp_socket *socket)
{
    return (struct stream *)socket;
}

static void stream_open(struct zmtp_socket *socket)
{
    zmtp__routes_init(&stream_of(socket)->routes, socket->config.allocator);
}

static void stream_close(struct zmtp_socket *socket)
{
    zmtp__routes_fini(&stream_of(socket)->routes);
}

static int stream_attached(struct zmtp_socket *socket, struct zmtp__lane *lane,
                           struct zmtp_bytes routing_id)
{
    struct zmtp__routes *routes = &stream_of(socket)->routes;
    if (routing_id.size == 0) {
        const int result = zmtp__routes_name_made(routes, zmtp__routed_of(lane));
        ((struct stream_lane *)lane)->number = routes->made;
        return result;
    }
    if (!zmtp__routing_id_ok(&socket->config, routing_id)) return ZMTP_ERR_ROUTING_ID;
    if (zmtp__routes_find(routes, routing_id)) return ZMTP_ERR_ROUTING_ID;
    return zmtp__routes_name(routes, zmtp__routed_of(lane), routing_id);
}

static int stream_linked(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (lane->dialled && lane->up) zmtp__lane_withdraw(socket, lane, ZMTP_DROP_PEER_GONE);
    return ZMTP_OK;
}

static void stream_gone(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct stream *stream = stream_of(socket);
    if (stream->full == lane) stream->full = NULL;
    zmtp__routes_forget(&stream->routes, zmtp__routed_of(lane));
}

static void stream_released(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    stream_gone(socket, lane);
    zmtp_part_fini(&zmtp__routed_of(lane)->routing_id);
}

// Nobody wants to hear more of a connection that is closed from here.
static void stream_hang_up(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct zmtp__queue *queue = lane->end->in;
    while (queue->count > 0)
        if (zmtp__queue_first_body(queue).size == 0) // a notice
            zmtp__lane_heed(socket, lane);
        else
            zmtp__lane_drop(socket, lane, ZMTP_DROP_UNEXPECTED);
    zmtp__lane_release(socket, lane);
}

static int stream_admits(struct zmtp_socket *socket, struct zmtp_bytes id)
{
    return zmtp__routes_find(&stream_of(socket)->routes, id) ? ZMTP_OK : ZMTP_ERR_UNREACHABLE;
}

static int stream_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    if (out->count != 2) return ZMTP_ERR_ARGUMENT;
    struct stream *stream = stream_of(socket);
    struct zmtp__routed *to = zmtp__routes_find(&stream->routes, zmtp__outgoing_bytes(out, 0));
    if (!to) return ZMTP_ERR_UNREACHABLE;
    struct zmtp__lane *lane = &to->lane;
    if (zmtp__outgoing_bytes(out, 1).size == 0) {
        stream_hang_up(socket, lane);
        return ZMTP_OK;
    }
    const bool between = lane->generation > 0 && !lane->up;
    if (between || !zmtp__lane_admits(socket, lane)) return ZMTP_ERR_UNREACHABLE;
    stream->full = NULL;
    if (!zmtp__pipe_writable(lane->end)) {
        stream->full = lane;
        return ZMTP_ERR_AGAIN;
    }
    struct zmtp__outgoing octets = *out;
    octets.first++;
    octets.count--;
    return zmtp__lane_send(socket, lane, NULL, &octets);
}

static unsigned stream_events(struct zmtp_socket *socket)
{
    struct stream *stream = stream_of(socket);
    const bool waits = zmtp__lane_holds_up(socket, stream->full);
    return (zmtp__fair_queue_first(socket) ? ZMTP_READABLE : 0u) | (waits ? 0u : ZMTP_WRITABLE);
}

static uint32_t stream_peer_id(const struct zmtp__lane *lane)
{
    return ((const struct stream_lane *)lane)->number;
}

static struct zmtp_bytes stream_routing_id(const struct zmtp__lane *lane)
{
    return zmtp_part_bytes(&((const struct zmtp__routed *)lane)->routing_id);
}

static uint32_t stream_made(const struct zmtp_socket *socket)
{
    return ((const struct stream *)socket)->routes.made;
}

const struct zmtp__pattern zmtp__stream = {
    .socket_size = sizeof(struct stream),
    .lane_size = sizeof(struct stream_lane),
    .fair_queued = true,
    .open = stream_open,
    .close = stream_close,
    .attached = stream_attached,
    .linked = stream_linked,
    .gone = stream_gone,
    .released = stream_released,
    .send = stream_send,
    .recv = zmtp__routes_recv,
    .admits = stream_admits,
    .events = stream_events,
    .peer_id = stream_peer_id,
    .routing_id = stream_routing_id,
    .made = stream_made,
};
