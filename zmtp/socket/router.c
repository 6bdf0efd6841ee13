// ROUTER (RFC 28): each peer has a routing id that no other live peer has. It comes as the first part
// of what is received from the peer, and the first part of what is sent names the peer.
//
// An accepted peer has the id that it announced, and is refused when another has it; or one that is
// made here, five octets of which the first is zero, so that no peer can announce it. A dialled pipe
// has the id given with it, for good; or one that is made here, until the connection announces one
// that is free. It keeps its id, and the messages for it, while there is no connection. With handover
// an id that an accepted peer has is as good as free: that peer is cut off, once the new one is linked. Until
// then a new peer may still come to nothing, for want of memory for one.
//
// Once a peer is gone its id is free again, even before all that it sent was received.
#include "router.h"

#include "fair_queue.h"
#include "routes.h"

struct router {
    struct zmtp_socket socket;
    struct zmtp__routes routes;
    struct zmtp__lane *full; // refused the last message; null: none did
};

struct router_lane {
    struct zmtp__routed routed;
    bool given; // the id came with the pipe
};

static struct router *router_of(struct zmtp_socket *socket)
{
    return (struct router *)socket;
}

static struct router_lane *router_lane_of(struct zmtp__lane *lane)
{
    return (struct router_lane *)lane;
}

static void router_open(struct zmtp_socket *socket)
{
    zmtp__routes_init(&router_of(socket)->routes, socket->config.allocator);
}

static void router_close(struct zmtp_socket *socket)
{
    zmtp__routes_fini(&router_of(socket)->routes);
}

// A dialled pipe keeps its id: to cut it off would end its endpoint for good.
static bool router_yields(const struct zmtp_socket *socket, const struct zmtp__routed *holder)
{
    return socket->config.router_handover && !holder->lane.dialled;
}

static void router_gone(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct router *router = router_of(socket);
    if (router->full == lane) router->full = NULL;
    zmtp__routes_forget(&router->routes, zmtp__routed_of(lane));
}

// The lane gets the id of another, which ends.
static void router_take_over(struct zmtp_socket *socket, struct zmtp__lane *lane,
                             struct zmtp__routed *holder)
{
    zmtp__routes_take_over(&router_of(socket)->routes, zmtp__routed_of(lane), holder);
    zmtp__lane_discard(socket, &holder->lane);
    zmtp__lane_cut(socket, &holder->lane);
}

static int router_attached(struct zmtp_socket *socket, struct zmtp__lane *lane,
                           struct zmtp_bytes routing_id)
{
    struct zmtp__routes *routes = &router_of(socket)->routes;
    if (routing_id.size == 0) return zmtp__routes_name_made(routes, zmtp__routed_of(lane));
    if (!zmtp__routing_id_ok(&socket->config, routing_id)) return ZMTP_ERR_ROUTING_ID;
    struct zmtp__routed *holder = zmtp__routes_find(routes, routing_id);
    if (holder && !router_yields(socket, holder)) return ZMTP_ERR_ROUTING_ID;
    router_lane_of(lane)->given = true;
    if (!holder) return zmtp__routes_name(routes, zmtp__routed_of(lane), routing_id);
    if (lane->dialled)
        router_take_over(socket, lane, holder);
    else // it speaks by that name already, and is spoken to by it when it is linked
        zmtp_part_share(&zmtp__routed_of(lane)->routing_id, &holder->routing_id);
    return ZMTP_OK;
}

// The lane was attached when another had the id that it was given, and is linked now. That one may have gone
// meanwhile, or one that yields to nobody have followed.
static int router_claim(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct zmtp__routes *routes = &router_of(socket)->routes;
    struct zmtp__routed *const own = zmtp__routed_of(lane);
    const struct zmtp_bytes id = zmtp_part_bytes(&own->routing_id);
    if (own->route || lane->end->other->closed) return ZMTP_OK;
    struct zmtp__routed *holder = zmtp__routes_find(routes, id);
    if (!holder) return zmtp__routes_name(routes, own, id);
    if (!router_yields(socket, holder)) return ZMTP_ERR_LIMIT;
    router_take_over(socket, lane, holder);
    return ZMTP_OK;
}

static int router_linked(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct zmtp__routes *routes = &router_of(socket)->routes;
    const struct zmtp_link *link = zmtp_pipe_link(lane->end);
    if (!link->up) return ZMTP_OK;
    if (router_lane_of(lane)->given) return router_claim(socket, lane);
    const struct zmtp_bytes announced = link->origin->routing_id;
    if (announced.size == 0 || !zmtp__routing_id_ok(&socket->config, announced)) return ZMTP_OK;
    struct zmtp__routed *holder = zmtp__routes_find(routes, announced);
    if (!holder) return zmtp__routes_name(routes, zmtp__routed_of(lane), announced);
    if (holder != zmtp__routed_of(lane) && router_yields(socket, holder))
        router_take_over(socket, lane, holder);
    return ZMTP_OK;
}

static void router_released(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    router_gone(socket, lane);
    zmtp_part_fini(&zmtp__routed_of(lane)->routing_id);
}

// Nobody takes the message: the sender hears of it, or it is dropped.
static int router_refuse(struct zmtp_socket *socket, int error, enum zmtp_drop reason)
{
    if (socket->config.router_mandatory) return error;
    zmtp__socket_dropped(socket, reason, 1);
    return ZMTP_OK;
}

// Who gets messages for |id|. On failure |*lane| is null, and what a mandatory router says is returned.
static int router_find(struct zmtp_socket *socket, struct zmtp_bytes id, struct zmtp__lane **lane)
{
    struct router *router = router_of(socket);
    struct zmtp__routed *to = zmtp__routes_find(&router->routes, id);
    *lane = NULL;
    if (!to || !zmtp__lane_admits(socket, &to->lane)) return ZMTP_ERR_UNREACHABLE;
    router->full = NULL;
    if (zmtp__pipe_writable(to->lane.end)) {
        *lane = &to->lane;
        return ZMTP_OK;
    }
    router->full = &to->lane;
    return ZMTP_ERR_AGAIN;
}

static int router_admits(struct zmtp_socket *socket, struct zmtp_bytes id)
{
    struct zmtp__lane *lane;
    const int result = router_find(socket, id, &lane);
    return socket->config.router_mandatory ? result : ZMTP_OK; // else it is sent, and dropped
}

static int router_reaches(struct zmtp_socket *socket, struct zmtp_bytes id)
{
    const struct zmtp__routed *to = zmtp__routes_find(&router_of(socket)->routes, id);
    if (!to || !zmtp__lane_admits(socket, &to->lane)) return ZMTP_ERR_UNREACHABLE;
    return zmtp__lane_roomy(socket, &to->lane) ? ZMTP_OK : ZMTP_ERR_AGAIN;
}

static int router_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    if (out->count < 2) return ZMTP_ERR_ARGUMENT;
    struct zmtp__lane *lane;
    const int result = router_find(socket, zmtp__outgoing_bytes(out, 0), &lane);
    if (result == ZMTP_ERR_UNREACHABLE) return router_refuse(socket, result, ZMTP_DROP_NO_ROUTE);
    if (result < 0) return router_refuse(socket, result, ZMTP_DROP_PEER_FULL);
    struct zmtp__outgoing rest = *out;
    rest.first++;
    rest.count--;
    struct zmtp__share share = {.size = zmtp__outgoing_frames_size(&rest)};
    if (!zmtp__share_has_room(socket, lane, &share))
        return router_refuse(socket, ZMTP_ERR_AGAIN, ZMTP_DROP_PEER_FULL);
    return zmtp__lane_send(socket, lane, NULL, &rest);
}

bool zmtp__router_send_short(struct zmtp_socket *socket, struct zmtp_bytes id,
                             struct zmtp_bytes body)
{
    struct router *const router = router_of(socket);
    if (socket->config.send_bytes_all_max > 0) return false; // others' queues count as well
    struct zmtp__routed *const to = zmtp__routes_find(&router->routes, id);
    if (!to || !zmtp__lane_admits(socket, &to->lane) || to->lane.end->other->closed) return false;
    struct zmtp__queue *const queue = to->lane.end->out;
    if (zmtp__queue_fits_few(queue, body))
        zmtp__queue_write_few(queue, body);
    else if (!zmtp__queue_write(queue, body))
        return false;
    router->full = NULL;
    zmtp__pipe_published(to->lane.end);
    return true;
}

const struct zmtp_pipe_end *zmtp__router_full_end(struct zmtp_socket *socket, struct zmtp_bytes id)
{
    if (socket->pattern != &zmtp__router) return NULL;
    const struct zmtp__routed *const to = zmtp__routes_find(&router_of(socket)->routes, id);
    if (!to || !zmtp__lane_admits(socket, &to->lane)) return NULL;
    return zmtp__lane_roomy(socket, &to->lane) ? NULL : to->lane.end->other;
}

// A message for another peer may succeed at any time. But who was refused waits for that one's room.
static unsigned router_events(struct zmtp_socket *socket)
{
    struct router *router = router_of(socket);
    const bool waits = socket->config.router_mandatory && zmtp__lane_holds_up(socket, router->full);
    return (zmtp__fair_queue_first(socket) ? ZMTP_READABLE : 0u) | (waits ? 0u : ZMTP_WRITABLE);
}

const struct zmtp__pattern zmtp__router = {
    .socket_size = sizeof(struct router),
    .lane_size = sizeof(struct router_lane),
    .fair_queued = true,
    .open = router_open,
    .close = router_close,
    .attached = router_attached,
    .linked = router_linked,
    .gone = router_gone,
    .released = router_released,
    .send = router_send,
    .recv = zmtp__routes_recv,
    .admits = router_admits,
    .reaches = router_reaches,
    .events = router_events,
};
