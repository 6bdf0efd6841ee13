// REP (RFC 28): receives a request, then sends the reply to it, and so on. All parts up to the first
// empty one are the envelope: it is kept, not shown, and put before the reply. A reply to a peer that
// is gone or full is dropped and counted; REP waits for nobody.
//
// A message without a delimiter, or with nothing behind it, is no request: it is dropped and counted.
#include "fair_queue.h"

enum rep_state {
    REP_IDLE,      // a request is next
    REP_REQUESTED, // it is here, and not received yet
    REP_REPLYING,  // a reply is next
};

struct rep {
    struct zmtp_socket socket;
    enum rep_state state;
    struct zmtp__lane *requester; // null: gone
    struct zmtp_msg request;      // until it is received
    struct zmtp_msg envelope;     // the parts that go before the reply, the delimiter among them
};

static struct rep *rep_of(struct zmtp_socket *socket)
{
    return (struct rep *)socket;
}

static void rep_open(struct zmtp_socket *socket)
{
    zmtp_msg_init(&rep_of(socket)->request, socket->config.allocator);
    zmtp_msg_init(&rep_of(socket)->envelope, socket->config.allocator);
}

static void rep_close(struct zmtp_socket *socket)
{
    zmtp_msg_fini(&rep_of(socket)->request);
    zmtp_msg_fini(&rep_of(socket)->envelope);
}

static void rep_gone(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct rep *rep = rep_of(socket);
    if (lane == rep->requester) rep->requester = NULL;
}

// How many parts the envelope has; 0: there is none.
static size_t rep_envelope_count(const struct zmtp_msg *msg)
{
    for (size_t i = 0; i + 1 < msg->count; i++)
        if (zmtp_msg_bytes(msg, i).size == 0) return i + 1;
    return 0;
}

// Takes the next request from whose turn it is into |request|, envelope and all.
static int rep_take(struct rep *rep)
{
    while (rep->request.count == 0) {
        struct zmtp__lane *lane = zmtp__fair_queue_first(&rep->socket);
        if (!lane) return ZMTP_ERR_AGAIN;
        const int result = zmtp__fair_queue_take(&rep->socket, lane, &rep->request);
        if (result < 0) return result;
        rep->requester = lane->gone ? NULL : lane;
        if (rep_envelope_count(&rep->request) == 0) {
            zmtp__lane_reject(&rep->socket, lane, ZMTP_DROP_ENVELOPE);
            zmtp_msg_fini(&rep->request);
        }
    }
    return ZMTP_OK;
}

// Has a request ready to be received. ZMTP_ERR_AGAIN: there is none. After ZMTP_ERR_MEMORY the next
// call goes on where this one stopped.
static int rep_fetch(struct rep *rep)
{
    if (rep->state == REP_REQUESTED) return ZMTP_OK;
    int result = rep_take(rep);
    if (result < 0) return result;
    const size_t count = rep_envelope_count(&rep->request);
    for (size_t i = 0; i < count && result == ZMTP_OK; i++) {
        struct zmtp_part part;
        zmtp_part_share(&part, zmtp_msg_part(&rep->request, i));
        result = zmtp_msg_append_part(&rep->envelope, &part);
        zmtp_part_fini(&part); // still ours on failure, else empty
    }
    if (result < 0) {
        zmtp_msg_fini(&rep->envelope);
        return result;
    }
    zmtp_msg_drop_front(&rep->request, count);
    rep->state = REP_REQUESTED;
    return ZMTP_OK;
}

static int rep_recv(struct zmtp_socket *socket, struct zmtp_msg *msg)
{
    struct rep *rep = rep_of(socket);
    if (rep->state == REP_REPLYING) return ZMTP_ERR_STATE;
    const int result = rep_fetch(rep);
    if (result < 0) return result;
    zmtp_msg_fini(msg);
    *msg = rep->request;
    zmtp_msg_init(&rep->request, socket->config.allocator);
    rep->state = REP_REPLYING;
    return ZMTP_OK;
}

static int rep_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    struct rep *rep = rep_of(socket);
    if (rep->state != REP_REPLYING) return ZMTP_ERR_STATE;
    if (!rep->requester) {
        zmtp__socket_dropped(socket, ZMTP_DROP_NO_ROUTE, 1);
    } else if (!zmtp__lane_roomy(socket, rep->requester)) {
        zmtp__socket_dropped(socket, ZMTP_DROP_PEER_FULL, 1);
    } else {
        const struct zmtp__outgoing head = zmtp__outgoing_of_msg(&rep->envelope);
        const int result = zmtp__lane_send(socket, rep->requester, &head, out);
        if (result < 0) return result;
    }
    zmtp_msg_fini(&rep->envelope);
    rep->requester = NULL;
    rep->state = REP_IDLE;
    return ZMTP_OK;
}

static size_t rep_held(const struct zmtp_socket *socket)
{
    return ((const struct rep *)socket)->request.count > 0;
}

static unsigned rep_events(struct zmtp_socket *socket)
{
    struct rep *rep = rep_of(socket);
    if (rep->state == REP_REPLYING) return ZMTP_WRITABLE;
    // For want of memory there may be a request; a receive would not say ZMTP_ERR_AGAIN.
    return rep_fetch(rep) == ZMTP_ERR_AGAIN ? 0u : ZMTP_READABLE;
}

const struct zmtp__pattern zmtp__rep = {
    .socket_size = sizeof(struct rep),
    .lane_size = sizeof(struct zmtp__lane),
    .fair_queued = true,
    .open = rep_open,
    .close = rep_close,
    .gone = rep_gone,
    .released = rep_gone,
    .send = rep_send,
    .recv = rep_recv,
    .events = rep_events,
    .held = rep_held,
};
