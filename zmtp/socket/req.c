// REQ (RFC 28): sends a request to the next peer that has room, then receives the reply from that
// peer and no other. On the wire a request is an empty delimiter and the user's parts; a correlated
// one has a number of four octets before the delimiter, as libzmq sends it, and only a reply that
// repeats the number is taken.
//
// When the peer that was asked goes before it answered, the request is lost: a send is in turn again,
// and a receive fails with ZMTP_ERR_STATE instead of waiting for ever. A request that still waits for
// a dialled connection is not lost; it leaves with the next one. Whether it left with a connection
// that broke or with the one after it cannot always be told, so a reply to a request that seems lost
// is taken all the same.
#include "balance.h"
#include "fair_queue.h"

enum req_state {
    REQ_IDLE,    // a send is next
    REQ_WAITING, // for the reply from |asked|
    REQ_LOST,    // the request went with its connection
};

struct req {
    struct zmtp_socket socket;
    enum req_state state;
    struct zmtp__lane *asked; // null: idle, or it is gone
    uint32_t leaves_with;     // the generation of the connection that the request leaves with
    uint32_t number;          // of the last request
    struct zmtp_msg reply;    // the one that is due, without its envelope; empty: not here yet
};

enum { REQ_NUMBER_SIZE = 4 };

static struct req *req_of(struct zmtp_socket *socket)
{
    return (struct req *)socket;
}

static void req_open(struct zmtp_socket *socket)
{
    zmtp_msg_init(&req_of(socket)->reply, socket->config.allocator);
}

static void req_close(struct zmtp_socket *socket)
{
    zmtp_msg_fini(&req_of(socket)->reply);
}

static void req_lost(struct req *req)
{
    if (req->state == REQ_WAITING) req->state = REQ_LOST;
}

static int req_linked(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct req *req = req_of(socket);
    if (lane != req->asked) return ZMTP_OK;
    const struct zmtp_link *link = zmtp_pipe_link(lane->end);
    // The request is the last message of the queue, and a down link has nothing leave.
    if (lane->end->out->count > 0)
        req->leaves_with = link->up ? link->generation : link->generation + 1;
    else if (!link->up || link->generation != req->leaves_with)
        req_lost(req);
    return ZMTP_OK;
}

static void req_gone(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    if (lane == req_of(socket)->asked)
        req_lost(req_of(socket));
    else
        zmtp__lane_discard(socket, lane); // nobody would ever read it
}

static void req_released(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    struct req *req = req_of(socket);
    if (lane == req->asked) req->asked = NULL;
}

static bool req_may_send(const struct req *req)
{
    return req->state != REQ_WAITING || req->socket.config.req_relaxed;
}

// The request that was sent before is given up.
static void req_forget(struct req *req)
{
    if (req->reply.count > 0) zmtp__socket_discarded(&req->socket, ZMTP_DROP_UNEXPECTED);
    zmtp_msg_fini(&req->reply);
    struct zmtp__lane *asked = req->asked;
    req->state = REQ_IDLE;
    req->asked = NULL;
    if (!asked || !asked->gone) return;
    zmtp__lane_discard(&req->socket, asked); // nobody would ever read it
    zmtp__lane_release(&req->socket, asked);
}

static int req_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    struct req *req = req_of(socket);
    if (!req_may_send(req)) return ZMTP_ERR_STATE;
    uint8_t number[REQ_NUMBER_SIZE];
    for (size_t i = 0; i < sizeof number; i++)
        number[i] = (uint8_t)((req->number + 1) >> (8 * (sizeof number - 1 - i)));
    const struct zmtp_bytes envelope[] = {{number, sizeof number}, {NULL, 0}};
    struct zmtp__outgoing head = zmtp__outgoing_of_parts(envelope, 2);
    if (!socket->config.req_correlate) {
        head.first = 1;
        head.count = 1;
    }
    struct zmtp__lane *lane;
    const int result = zmtp__balance_send(socket, &head, out, &lane);
    if (result < 0) return result;
    req_forget(req);
    zmtp__lane_discard(socket, lane); // what it sent before it was asked is no reply to this
    req->state = REQ_WAITING;
    req->asked = lane;
    req->number++;
    req->leaves_with = lane->up ? lane->generation : lane->generation + 1;
    return ZMTP_OK;
}

// How many parts stand before the user's in a reply to the last request; 0: it is none, for |reason|.
static size_t req_envelope(const struct req *req, const struct zmtp_msg *msg,
                           enum zmtp_drop *reason)
{
    size_t size = 1;
    *reason = ZMTP_DROP_ENVELOPE;
    if (req->socket.config.req_correlate) {
        const struct zmtp_bytes number = zmtp_msg_bytes(msg, 0);
        if (number.size != REQ_NUMBER_SIZE) return 0;
        uint32_t repeated = 0;
        for (size_t i = 0; i < REQ_NUMBER_SIZE; i++)
            repeated = repeated << 8 | number.data[i];
        if (repeated != req->number) {
            *reason = ZMTP_DROP_UNEXPECTED;
            return 0;
        }
        size++;
    }
    if (msg->count <= size) return 0;
    return zmtp_msg_bytes(msg, size - 1).size == 0 ? size : 0;
}

// Fetches the reply if it has come, and drops what else has. ZMTP_ERR_AGAIN: not yet.
static int req_fetch(struct zmtp_socket *socket)
{
    struct req *req = req_of(socket);
    while (req->reply.count == 0) {
        struct zmtp__lane *lane = zmtp__fair_queue_first(socket);
        if (!lane) return ZMTP_ERR_AGAIN;
        if (lane != req->asked) {
            zmtp__fair_queue_drop(socket, lane, ZMTP_DROP_UNEXPECTED);
            continue;
        }
        const int result = zmtp__fair_queue_take(socket, lane, &req->reply);
        if (result < 0) return result;
        enum zmtp_drop reason;
        const size_t envelope = req_envelope(req, &req->reply, &reason);
        if (envelope > 0) {
            zmtp_msg_drop_front(&req->reply, envelope);
        } else {
            zmtp__lane_reject(socket, lane, reason);
            zmtp_msg_fini(&req->reply);
        }
    }
    return ZMTP_OK;
}

static int req_recv(struct zmtp_socket *socket, struct zmtp_msg *msg)
{
    struct req *req = req_of(socket);
    if (req->state == REQ_IDLE) return ZMTP_ERR_STATE;
    const int result = req_fetch(socket);
    if (result == ZMTP_ERR_AGAIN && req->state == REQ_LOST) return ZMTP_ERR_STATE;
    if (result < 0) return result;
    zmtp_msg_fini(msg);
    *msg = req->reply;
    zmtp_msg_init(&req->reply, socket->config.allocator);
    req_forget(req);
    return ZMTP_OK;
}

static size_t req_held(const struct zmtp_socket *socket)
{
    return ((const struct req *)socket)->reply.count > 0;
}

static unsigned req_events(struct zmtp_socket *socket)
{
    struct req *req = req_of(socket);
    unsigned events = 0;
    // For want of memory the reply cannot be judged; a receive would not say ZMTP_ERR_AGAIN.
    if (req->state != REQ_IDLE && req_fetch(socket) != ZMTP_ERR_AGAIN) events |= ZMTP_READABLE;
    if (req_may_send(req) && zmtp__balance_first(socket)) events |= ZMTP_WRITABLE;
    return events;
}

const struct zmtp__pattern zmtp__req = {
    .socket_size = sizeof(struct req),
    .lane_size = sizeof(struct zmtp__lane),
    .fair_queued = true,
    .balanced = true,
    .probes = true,
    .open = req_open,
    .close = req_close,
    .linked = req_linked,
    .gone = req_gone,
    .released = req_released,
    .send = req_send,
    .recv = req_recv,
    .events = req_events,
    .held = req_held,
};
