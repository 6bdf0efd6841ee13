// ROUTER (RFC 28): each peer has a routing id that no other live peer has. It comes as the first part
// of what is received from the peer, and the first part of what is sent names the peer.
//
// An accepted peer has the id that it announced, and is refused when another has it; or one that is
// made here, five octets of which the first is zero, so that no peer can announce it. A dialled pipe
// has the id given with it, for good; or one that is made here, until the connection announces one
// that is free. It keeps its id, and the messages for it, while there is no connection. With handover
// an id that an accepted peer has is as good as free: that peer is cut off.
//
// Once a peer is gone its id is free again, even before all that it sent was received.
#include "fair_queue.h"
#include "trie.h"

struct router {
    struct zmtp_socket socket;
    struct zmtp__trie routes; // a key's value is the lane
    uint32_t made;            // ids made so far
    struct zmtp__lane *full;  // refused the last message; null: none did
};

struct router_lane {
    struct zmtp__lane lane;
    struct zmtp_part routing_id;
    struct zmtp__key *route; // null: gone
    bool given;              // the id came with the dialled pipe
};

enum { ROUTER_MADE_SIZE = 5 };

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
    zmtp__trie_init(&router_of(socket)->routes, socket->config.allocator);
}

static void router_close(struct zmtp_socket *socket)
{
    zmtp__trie_fini(&router_of(socket)->routes);
}

static void router_forget(struct router *router, struct router_lane *lane)
{
    if (router->full == &lane->lane) router->full = NULL;
    if (lane->route) zmtp__trie_remove(&router->routes, lane->route);
    lane->route = NULL;
}

// Gives the lane a routing id that is free.
static int router_name(struct router *router, struct router_lane *lane,
                       struct zmtp_bytes routing_id)
{
    struct zmtp_part part;
    int result = zmtp_part_copy(&part, routing_id, router->socket.config.allocator);
    if (result < 0) return result;
    struct zmtp__key *route;
    result = zmtp__trie_add(&router->routes, routing_id, &route);
    if (result < 0) {
        zmtp_part_fini(&part);
        return result;
    }
    router_forget(router, lane);
    zmtp_part_fini(&lane->routing_id);
    lane->routing_id = part;
    lane->route = route;
    route->value = lane;
    return ZMTP_OK;
}

static int router_name_made(struct router *router, struct router_lane *lane)
{
    uint8_t id[ROUTER_MADE_SIZE] = {0};
    const struct zmtp_bytes view = {id, sizeof id};
    do {
        const uint32_t number = ++router->made;
        for (size_t i = 1; i < sizeof id; i++)
            id[i] = (uint8_t)(number >> (8 * (sizeof id - 1 - i)));
    } while (zmtp__trie_find(&router->routes, view)); // after 2^32 peers the numbers come again
    return router_name(router, lane, view);
}

// Whose id this is; null: it is free.
static struct router_lane *router_holder(const struct router *router, struct zmtp_bytes routing_id)
{
    const struct zmtp__key *route = zmtp__trie_find(&router->routes, routing_id);
    return route ? route->value : NULL;
}

// A dialled pipe keeps its id: to cut it off would end its endpoint for good.
static bool router_yields(const struct router *router, const struct router_lane *holder)
{
    return router->socket.config.router_handover && !holder->lane.dialled;
}

// The lane gets the id of another, which ends.
static void router_take_over(struct router *router, struct router_lane *lane,
                             struct router_lane *holder)
{
    router_forget(router, lane);
    zmtp_part_fini(&lane->routing_id);
    zmtp_part_share(&lane->routing_id, &holder->routing_id);
    lane->route = holder->route;
    lane->route->value = lane;
    holder->route = NULL;
    zmtp__lane_discard(&router->socket, &holder->lane);
    zmtp__lane_cut(&router->socket, &holder->lane);
}

static int router_attached(struct zmtp_socket *socket, struct zmtp__lane *lane,
                           struct zmtp_bytes routing_id)
{
    struct router *router = router_of(socket);
    if (routing_id.size == 0) return router_name_made(router, router_lane_of(lane));
    if (!zmtp__routing_id_ok(routing_id)) return ZMTP_ERR_ROUTING_ID;
    struct router_lane *holder = router_holder(router, routing_id);
    if (holder && !router_yields(router, holder)) return ZMTP_ERR_ROUTING_ID;
    router_lane_of(lane)->given = true;
    if (holder) {
        router_take_over(router, router_lane_of(lane), holder);
        return ZMTP_OK;
    }
    return router_name(router, router_lane_of(lane), routing_id);
}

static int router_linked(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct router *router = router_of(socket);
    const struct zmtp_link *link = zmtp_pipe_link(lane->end);
    if (!link->up || router_lane_of(lane)->given) return ZMTP_OK;
    const struct zmtp_bytes announced = zmtp_part_bytes(&link->routing_id);
    if (announced.size == 0 || !zmtp__routing_id_ok(announced)) return ZMTP_OK;
    struct router_lane *holder = router_holder(router, announced);
    if (!holder) return router_name(router, router_lane_of(lane), announced);
    if (holder != router_lane_of(lane) && router_yields(router, holder))
        router_take_over(router, router_lane_of(lane), holder);
    return ZMTP_OK;
}

static void router_gone(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    router_forget(router_of(socket), router_lane_of(lane));
}

static void router_released(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    router_forget(router_of(socket), router_lane_of(lane));
    zmtp_part_fini(&router_lane_of(lane)->routing_id);
}

// Nobody takes the message: the sender hears of it, or it is dropped.
static int router_refuse(struct zmtp_socket *socket, int error, enum zmtp_drop reason)
{
    if (socket->config.router_mandatory) return error;
    zmtp__socket_dropped(socket, reason, 1);
    return ZMTP_OK;
}

static int router_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    if (out->count < 2) return ZMTP_ERR_ARGUMENT;
    struct router *router = router_of(socket);
    struct router_lane *lane = router_holder(router, zmtp__outgoing_bytes(out, 0));
    if (!lane || !zmtp__lane_admits(socket, &lane->lane))
        return router_refuse(socket, ZMTP_ERR_UNREACHABLE, ZMTP_DROP_NO_ROUTE);
    router->full = NULL;
    if (!zmtp__pipe_writable(lane->lane.end)) {
        router->full = &lane->lane;
        return router_refuse(socket, ZMTP_ERR_AGAIN, ZMTP_DROP_PEER_FULL);
    }
    struct zmtp__outgoing rest = *out;
    rest.first++;
    rest.count--;
    return zmtp__lane_send(socket, &lane->lane, NULL, &rest);
}

static int router_recv(struct zmtp_socket *socket, struct zmtp_msg *msg)
{
    struct zmtp__lane *lane = zmtp__fair_queue_first(socket);
    if (!lane) return ZMTP_ERR_AGAIN;
    struct zmtp_part id;
    zmtp_part_share(&id, &router_lane_of(lane)->routing_id);
    int result = zmtp_msg_append_part(msg, &id);
    if (result == ZMTP_OK) result = zmtp__fair_queue_take(socket, lane, msg);
    if (result < 0) {
        zmtp_part_fini(&id);
        zmtp_msg_fini(msg);
    }
    return result;
}

// A message for another peer may succeed at any time. But who was refused waits for that one's room.
static unsigned router_events(struct zmtp_socket *socket)
{
    struct router *router = router_of(socket);
    const bool waits =
        socket->config.router_mandatory && router->full && !zmtp__pipe_writable(router->full->end);
    return (zmtp__fair_queue_first(socket) ? ZMTP_READABLE : 0u) | (waits ? 0u : ZMTP_WRITABLE);
}

const struct zmtp__pattern zmtp__router = {
    .socket_size = sizeof(struct router),
    .lane_size = sizeof(struct router_lane),
    .fair_queued = true,
    .probes = true,
    .open = router_open,
    .close = router_close,
    .attached = router_attached,
    .linked = router_linked,
    .gone = router_gone,
    .released = router_released,
    .send = router_send,
    .recv = router_recv,
    .events = router_events,
};
