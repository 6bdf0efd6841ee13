// SERVER (RFC 41) and PEER (RFC 51): each peer has a number above zero that no other live peer has. A
// received message carries the number of the peer that it came from, and one that is sent carries
// that of the peer it is for; the numbers are made here, and no peer has a say in its own. A dialled
// pipe keeps its number while there is no connection.
//
// Nothing is discarded: a message to a full peer is refused, and so is one to nobody.
#include "fair_queue.h"
#include "trie.h"

struct server {
    struct zmtp_socket socket;
    struct zmtp__trie routes; // a key's value is the lane
    uint32_t made;            // the last number made
    struct zmtp__lane *full;  // refused the last message; null: none did
};

struct server_lane {
    struct zmtp__lane lane;
    uint32_t routing_id;
    struct zmtp__key *route; // null: gone
};

enum { SERVER_ID_SIZE = 4 };

static struct server *server_of(struct zmtp_socket *socket)
{
    return (struct server *)socket;
}

static struct server_lane *server_lane_of(struct zmtp__lane *lane)
{
    return (struct server_lane *)lane;
}

// The number as a key, in |octets|.
static struct zmtp_bytes server_key(uint32_t routing_id, uint8_t octets[SERVER_ID_SIZE])
{
    for (size_t i = 0; i < SERVER_ID_SIZE; i++)
        octets[i] = (uint8_t)(routing_id >> (8 * (SERVER_ID_SIZE - 1 - i)));
    return (struct zmtp_bytes){octets, SERVER_ID_SIZE};
}

static struct server_lane *server_find(const struct server *server, uint32_t routing_id)
{
    uint8_t octets[SERVER_ID_SIZE];
    const struct zmtp__key *route =
        zmtp__trie_find(&server->routes, server_key(routing_id, octets));
    return route ? route->value : NULL;
}

static void server_open(struct zmtp_socket *socket)
{
    zmtp__trie_init(&server_of(socket)->routes, socket->config.allocator);
}

static void server_close(struct zmtp_socket *socket)
{
    zmtp__trie_fini(&server_of(socket)->routes);
}

static int server_attached(struct zmtp_socket *socket, struct zmtp__lane *lane,
                           struct zmtp_bytes routing_id)
{
    (void)routing_id; // RFC 41: a peer does not choose its number
    struct server *server = server_of(socket);
    struct server_lane *const own = server_lane_of(lane);
    do {
        own->routing_id = ++server->made;
    } while (own->routing_id == 0 || server_find(server, own->routing_id)); // after 2^32 peers
    uint8_t octets[SERVER_ID_SIZE];
    const int result =
        zmtp__trie_add(&server->routes, server_key(own->routing_id, octets), &own->route);
    if (result == ZMTP_OK) own->route->value = own;
    return result;
}

static void server_gone(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct server *server = server_of(socket);
    struct server_lane *const own = server_lane_of(lane);
    if (server->full == lane) server->full = NULL;
    if (own->route) zmtp__trie_remove(&server->routes, own->route);
    own->route = NULL;
}

static int server_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    struct server *server = server_of(socket);
    struct server_lane *to = server_find(server, out->msg ? out->msg->routing_id : 0);
    if (!to || !zmtp__lane_admits(socket, &to->lane)) return ZMTP_ERR_UNREACHABLE;
    server->full = NULL;
    if (zmtp__lane_writable(socket, &to->lane))
        return zmtp__lane_send(socket, &to->lane, NULL, out);
    server->full = &to->lane;
    return ZMTP_ERR_AGAIN;
}

static int server_recv(struct zmtp_socket *socket, struct zmtp_msg *msg)
{
    struct zmtp__lane *lane = zmtp__fair_queue_first(socket);
    if (!lane) return ZMTP_ERR_AGAIN;
    const int result = zmtp__fair_queue_take(socket, lane, msg);
    if (result == ZMTP_OK) msg->routing_id = server_lane_of(lane)->routing_id;
    return result;
}

// A message for another peer may succeed at any time. But who was refused waits for that one's room.
static unsigned server_events(struct zmtp_socket *socket)
{
    struct server *server = server_of(socket);
    const bool waits = zmtp__lane_holds_up(socket, server->full);
    return (zmtp__fair_queue_first(socket) ? ZMTP_READABLE : 0u) | (waits ? 0u : ZMTP_WRITABLE);
}

static uint32_t server_peer_id(const struct zmtp__lane *lane)
{
    return ((const struct server_lane *)lane)->routing_id;
}

const struct zmtp__pattern zmtp__server = {
    .socket_size = sizeof(struct server),
    .lane_size = sizeof(struct server_lane),
    .fair_queued = true,
    .single = true,
    .open = server_open,
    .close = server_close,
    .attached = server_attached,
    .gone = server_gone,
    .released = server_gone,
    .send = server_send,
    .recv = server_recv,
    .events = server_events,
    .peer_id = server_peer_id,
};
