// DGRAM: datagrams as they are. A message is an address, as "127.0.0.1:5555" or "[::1]:5555", and a
// body, as two parts: from there it came, or is to go there. A zero octet may end the address, and
// does in what is received, as with libzmq.
//
// There is one endpoint at a time. One that is bound sends to every address. One that is dialled
// sends to its own alone, which may be left empty; before the name was looked up, it must be.
#include "../base/ip.h"
#include "fair_queue.h"

struct dgram {
    struct zmtp_socket socket;
    struct zmtp__lane *endpoint; // null: none
};

static struct dgram *dgram_of(struct zmtp_socket *socket)
{
    return (struct dgram *)socket;
}

static int dgram_attached(struct zmtp_socket *socket, struct zmtp__lane *lane,
                          struct zmtp_bytes routing_id)
{
    (void)routing_id; // the link tells where it leads
    if (dgram_of(socket)->endpoint) return ZMTP_ERR_IN_USE;
    dgram_of(socket)->endpoint = lane;
    return ZMTP_OK;
}

static void dgram_gone(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (dgram_of(socket)->endpoint == lane) dgram_of(socket)->endpoint = NULL;
}

// May a datagram to |address| leave through |lane|?
static int dgram_route(const struct zmtp__lane *lane, struct zmtp_bytes address)
{
    const struct zmtp_link *link = zmtp_pipe_link(lane->end);
    struct zmtp_bytes own = {0};
    struct zmtp__ip to, theirs;
    if (link->origin) own = link->origin->routing_id;
    if (address.size == 0) return link->up && own.size == 0 ? ZMTP_ERR_ARGUMENT : ZMTP_OK;
    if (!zmtp__ip_parse(address, &to)) return ZMTP_ERR_ARGUMENT;
    if (!link->up) return ZMTP_ERR_UNREACHABLE;
    if (own.size == 0) return ZMTP_OK;
    const bool same = zmtp__ip_parse(own, &theirs) && zmtp__ip_equal(&to, &theirs);
    return same ? ZMTP_OK : ZMTP_ERR_UNREACHABLE;
}

static int dgram_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    struct zmtp__lane *lane = dgram_of(socket)->endpoint;
    if (out->count != 2) return ZMTP_ERR_ARGUMENT;
    if (zmtp__outgoing_bytes(out, 1).size > socket->config.datagram_max) return ZMTP_ERR_LIMIT;
    if (!lane) return ZMTP_ERR_AGAIN;
    const int result = dgram_route(lane, zmtp__outgoing_bytes(out, 0));
    if (result < 0) return result;
    if (!zmtp__lane_writable(socket, lane)) return ZMTP_ERR_AGAIN;
    return zmtp__lane_send(socket, lane, NULL, out);
}

static unsigned dgram_events(struct zmtp_socket *socket)
{
    struct zmtp__lane *lane = dgram_of(socket)->endpoint;
    const bool writable = lane && zmtp__lane_writable(socket, lane);
    return (zmtp__fair_queue_first(socket) ? ZMTP_READABLE : 0u) | (writable ? ZMTP_WRITABLE : 0u);
}

const struct zmtp__pattern zmtp__dgram = {
    .socket_size = sizeof(struct dgram),
    .lane_size = sizeof(struct zmtp__lane),
    .fair_queued = true,
    .attached = dgram_attached,
    .gone = dgram_gone,
    .released = dgram_gone,
    .send = dgram_send,
    .recv = zmtp__fair_queue_recv,
    .events = dgram_events,
};
