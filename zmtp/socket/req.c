// REQ (RFC 28): sends a request to the next peer that has room, then receives the reply from that
// peer and no other. On the wire a request is an empty delimiter and the user's parts; a correlated
// one has a number of four octets before the delimiter, as libzmq sends it, and only a reply that
// repeats the number is taken.
//
// When the connection of the peer that was asked ends before it answered, the request is lost: a send is in
// turn again, and a receive fails with ZMTP_ERR_STATE instead of waiting for ever. A request that still
// waits for a dialled connection is not lost; it leaves with the next one. Whether it left with a
// connection that broke or with the one after it cannot always be told, so a reply to a request that seems
// lost is taken all the same. When the pipe goes, as it does with an accepted connection, when a dialler
// gives up, or with a disconnect, there is no doubt left: the request has failed, and that is told once.
//
// With |req_retries| a request that is lost, or not answered in time, is sent again, to whoever is next;
// the number stays, but only the peer that was asked last may answer. With |req_in_flight_max| several
// wait for their replies, each for itself, and what became of one is told with its number.
#include <assert.h>

#include "balance.h"
#include "fair_queue.h"

enum request_state {
    REQUEST_WAITING,  // for the reply from |asked|
    REQUEST_LOST,     // it went with its connection
    REQUEST_UNSENT,   // to be sent again when somebody has room; a reply may come before
    REQUEST_ANSWERED, // |reply| is to be received
    REQUEST_FAILED,   // |error| is to be told; a reply may come before
};

struct request {
    struct request *next, *before; // in the order in which they were sent
    struct request *alike;         // the next one at the same place of the table
    enum request_state state;
    uint32_t number;
    struct zmtp__lane *asked; // null: it is gone
    uint64_t place;           // of the request among all that was written to the lane
    uint32_t leaves_with;     // the generation of the connection that it leaves with
    uint32_t retries;         // left
    uint64_t due_ms;          // 0: to be set by the next tick
    int error;
    struct zmtp_msg kept;  // the request, to be sent again; empty: it never is
    struct zmtp_msg reply; // without its envelope
};

struct req {
    struct zmtp_socket socket;
    struct request *first, *last; // null: none in flight
    struct request *spare;        // one that is not in use, or null
    struct request only;          // suffices when one is in flight at a time
    uint32_t count, unsent;       // in flight; of these, in state UNSENT
    uint32_t running, failed;     // whose time may run; and in state FAILED
    uint64_t due_ms;              // none of |running| is due before
    struct request **table;       // of those in flight, by number; null: there is but one at a time
    uint32_t places;              // of the table: a power of two
    uint32_t number;              // of the last request
    struct request *answered;     // null: none is
};

struct req_lane {
    struct zmtp__lane lane;
    uint32_t asked; // requests that wait for it
};

enum { REQ_NUMBER_SIZE = 4, REQ_PLACES_LEAST = 16 };

static struct req *req_of(struct zmtp_socket *socket)
{
    return (struct req *)socket;
}

static uint32_t *req_asked(struct zmtp__lane *lane)
{
    return &((struct req_lane *)lane)->asked;
}

static bool req_is_single(const struct req *req)
{
    return req->socket.config.req_in_flight_max == 1;
}

static void req_open(struct zmtp_socket *socket)
{
    req_of(socket)->spare = &req_of(socket)->only;
}

static bool req_is_running(const struct request *request)
{
    return request->state != REQUEST_ANSWERED && request->state != REQUEST_FAILED;
}

// Adds the request to those of its state, or takes it away.
static void req_count(struct req *req, const struct request *request, uint32_t by)
{
    if (request->state == REQUEST_UNSENT) req->unsent += by;
    if (request->state == REQUEST_FAILED) req->failed += by;
    if (req_is_running(request)) req->running += by;
}

static void req_enter(struct req *req, struct request *request, enum request_state state)
{
    req_count(req, request, UINT32_MAX); // one less
    request->state = state;
    req_count(req, request, 1);
}

// Its time begins with the next tick.
static void req_begin_time(struct req *req, struct request *request)
{
    request->due_ms = req->due_ms = 0;
}

// What comes with a number is found at once, however many are in flight: else whoever is asked could answer
// with numbers of nothing, and keep us looking for them.
static struct request **req_place(const struct req *req, uint32_t number)
{
    return &req->table[number & (req->places - 1)];
}

static struct request *req_find_number(const struct req *req, uint32_t number)
{
    struct request *at = req->table ? *req_place(req, number) : req->first;
    while (at && at->number != number)
        at = req->table ? at->alike : at->next;
    return at;
}

static void req_index(struct req *req, struct request *request)
{
    if (!req->table) return;
    struct request **const place = req_place(req, request->number);
    request->alike = *place;
    *place = request;
}

static void req_unindex(struct req *req, const struct request *request)
{
    if (!req->table) return;
    struct request **at = req_place(req, request->number);
    while (*at != request)
        at = &(*at)->alike;
    *at = request->alike;
}

static void req_free_table(struct req *req)
{
    zmtp_free(req->socket.config.allocator, req->table, req->places * sizeof *req->table);
    req->table = NULL;
    req->places = 0;
}

// Has a table with room for one more.
static int req_reserve_place(struct req *req)
{
    if (req_is_single(req) || req->count < req->places) return ZMTP_OK;
    const uint32_t places = req->places ? 2 * req->places : REQ_PLACES_LEAST;
    struct request **table = zmtp_alloc(req->socket.config.allocator, places * sizeof *table);
    if (!table) return ZMTP_ERR_MEMORY;
    for (uint32_t i = 0; i < places; i++)
        table[i] = NULL;
    req_free_table(req);
    req->table = table;
    req->places = places;
    for (struct request *at = req->first; at; at = at->next)
        req_index(req, at);
    return ZMTP_OK;
}

// Nobody waits for the peer that was asked any more.
static void req_leave(struct req *req, struct request *request)
{
    struct zmtp__lane *asked = request->asked;
    request->asked = NULL;
    if (!asked || --*req_asked(asked) > 0 || !asked->gone) return;
    zmtp__lane_discard(&req->socket, asked); // nobody would ever read it
    zmtp__lane_release(&req->socket, asked);
}

static void req_free(struct req *req, struct request *request)
{
    if (!req->spare)
        req->spare = request;
    else if (request == &req->only) {
        zmtp_free(req->socket.config.allocator, req->spare, sizeof *req->spare);
        req->spare = request;
    } else {
        zmtp_free(req->socket.config.allocator, request, sizeof *request);
    }
}

// The request is over.
static void req_forget(struct req *req, struct request *request)
{
    *(request->before ? &request->before->next : &req->first) = request->next;
    *(request->next ? &request->next->before : &req->last) = request->before;
    req_unindex(req, request);
    req->count--;
    if (req->answered == request) req->answered = NULL;
    if (request->reply.count > 0) zmtp__socket_discarded(&req->socket, ZMTP_DROP_UNEXPECTED);
    req_count(req, request, UINT32_MAX);
    zmtp_msg_fini(&request->reply);
    zmtp_msg_fini(&request->kept);
    req_leave(req, request);
    req_free(req, request);
}

static void req_close(struct zmtp_socket *socket)
{
    struct req *req = req_of(socket);
    while (req->first) {
        req->first->asked = NULL; // the lanes are gone
        req_forget(req, req->first);
    }
    assert(req->spare == &req->only);
    req_free_table(req);
}

// Has it not left the queue of the lane?
static bool req_is_queued(const struct request *request)
{
    const struct zmtp__lane *asked = request->asked;
    return asked &&
           request->place + zmtp__queue_waiting(asked->end->out) >= asked->end->out->written;
}

// Once more, if it may: then it is to be sent again.
static bool req_retry(struct req *req, struct request *request)
{
    if (request->retries == 0) return false;
    request->retries--;
    req_begin_time(req, request);
    req_enter(req, request, REQUEST_UNSENT);
    return true;
}

static void req_fail(struct req *req, struct request *request, int error)
{
    request->error = error;
    req_enter(req, request, REQUEST_FAILED);
}

// The peer that was asked has gone; |for_good|: nobody will come in its place who might still answer.
static void req_lost(struct req *req, struct request *request, bool for_good)
{
    if (request->state != REQUEST_WAITING && request->state != REQUEST_LOST) return;
    if (request->state == REQUEST_WAITING && req_retry(req, request)) return;
    if (req_is_single(req) && !for_good)
        req_enter(req, request, REQUEST_LOST);
    else
        req_fail(req, request, ZMTP_ERR_NO_REPLY);
}

static int req_linked(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    const struct zmtp_link *link = zmtp_pipe_link(lane->end);
    for (struct request *at = req_of(socket)->first; at; at = at->next) {
        if (at->asked != lane) continue;
        // A down link has nothing leave.
        if (req_is_queued(at))
            at->leaves_with = link->up ? link->generation : link->generation + 1;
        else if (!link->up || link->generation != at->leaves_with)
            req_lost(req_of(socket), at, false);
    }
    return ZMTP_OK;
}

static void req_gone(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    for (struct request *at = req_of(socket)->first; at; at = at->next)
        if (at->asked == lane) req_lost(req_of(socket), at, true);
    if (*req_asked(lane) == 0) zmtp__lane_discard(socket, lane); // nobody would ever read it
}

static void req_released(struct zmtp_socket *socket, struct zmtp__lane *lane)
{
    for (struct request *at = req_of(socket)->first; at; at = at->next) {
        if (at->asked != lane) continue;
        at->asked = NULL;
        req_lost(req_of(socket), at, true);
    }
}

// May another request be sent? ZMTP_ERR_STATE: one waits for its reply; ZMTP_ERR_AGAIN: as many as may.
static int req_may_send(const struct req *req)
{
    if (!req_is_single(req))
        return req->count < req->socket.config.req_in_flight_max ? ZMTP_OK : ZMTP_ERR_AGAIN;
    const bool over = !req->first || req->first->state == REQUEST_LOST ||
                      req->first->state == REQUEST_FAILED || req->socket.config.req_relaxed;
    return over ? ZMTP_OK : ZMTP_ERR_STATE;
}

// Sends to the next peer that has room, which is the one that is asked from now on.
static int req_ask(struct req *req, uint32_t number, const struct zmtp__outgoing *out,
                   struct zmtp__lane **asked)
{
    uint8_t octets[REQ_NUMBER_SIZE];
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)(number >> (8 * (sizeof octets - 1 - i)));
    const struct zmtp_bytes envelope[] = {{octets, sizeof octets}, {NULL, 0}};
    struct zmtp__outgoing head = zmtp__outgoing_of_parts(envelope, 2);
    if (!req->socket.config.req_correlate) {
        head.first = 1;
        head.count = 1;
    }
    return zmtp__balance_send(&req->socket, &head, out, asked);
}

static void req_wait(struct req *req, struct request *request, struct zmtp__lane *lane)
{
    // What it sent before it was asked is no reply to this.
    if ((*req_asked(lane))++ == 0) zmtp__lane_discard(&req->socket, lane);
    request->asked = lane;
    request->place = lane->end->out->written - 1;
    request->leaves_with = lane->up ? lane->generation : lane->generation + 1;
    req_begin_time(req, request);
    req_enter(req, request, REQUEST_WAITING);
}

// Sends again what is to be, as far as there is room.
static void req_send_again(struct req *req)
{
    for (struct request *at = req->first; at && req->unsent > 0; at = at->next) {
        if (at->state != REQUEST_UNSENT) continue;
        const struct zmtp__outgoing out = zmtp__outgoing_of_msg(&at->kept);
        struct zmtp__lane *lane;
        if (req_ask(req, at->number, &out, &lane) < 0) return; // when there is room, or memory
        req->socket.counters.own++;
        req_leave(req, at);
        req_wait(req, at, lane);
    }
}

// Keeps a copy of the request if it may have to be sent again.
static int req_keep(const struct req *req, const struct zmtp__outgoing *out, struct zmtp_msg *kept)
{
    int result = ZMTP_OK;
    zmtp_msg_init(kept, req->socket.config.allocator);
    if (req->socket.config.req_retries == 0) return ZMTP_OK;
    for (size_t i = 0; i < out->count && result == ZMTP_OK; i++) {
        struct zmtp_part part = {.slab = NULL};
        if (out->msg) {
            const struct zmtp_part *parts = out->msg->more ? out->msg->more : out->msg->few;
            zmtp_part_share(&part, &parts[out->first + i]);
        } else {
            result = zmtp_part_copy(&part, zmtp__outgoing_bytes(out, i), kept->allocator);
        }
        if (result == ZMTP_OK) result = zmtp_msg_append_part(kept, &part);
        if (result < 0) zmtp_part_fini(&part);
    }
    if (result < 0) zmtp_msg_fini(kept);
    return result;
}

// Has a struct for another request, which replaces the one there is if there may be but one.
static int req_reserve(struct req *req)
{
    const int result = req_reserve_place(req);
    if (result < 0 || req->spare || req_is_single(req)) return result;
    req->spare = zmtp_alloc(req->socket.config.allocator, sizeof *req->spare);
    return req->spare ? ZMTP_OK : ZMTP_ERR_MEMORY;
}

static int req_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    struct req *req = req_of(socket);
    struct zmtp_msg kept;
    int result = req_may_send(req);
    if (result == ZMTP_OK) result = req_reserve(req);
    if (result == ZMTP_OK) result = req_keep(req, out, &kept);
    if (result < 0) return result;
    uint32_t number = req->number + 1;
    if (number == 0) number = 1;
    struct zmtp__lane *lane;
    result = req_ask(req, number, out, &lane);
    if (result < 0) {
        zmtp_msg_fini(&kept);
        return result;
    }
    if (req_is_single(req) && req->first) req_forget(req, req->first);
    struct request *request = req->spare;
    req->spare = NULL;
    *request = (struct request){
        .before = req->last, .number = number, .retries = socket->config.req_retries, .kept = kept};
    zmtp_msg_init(&request->reply, socket->config.allocator);
    *(req->last ? &req->last->next : &req->first) = request;
    req->last = request;
    req->count++;
    req_count(req, request, 1);
    req_index(req, request);
    req->number = number;
    req_wait(req, request, lane);
    return ZMTP_OK;
}

// The request that |lane| was asked with this number; without correlation there is only one. Null: none.
static struct request *req_find(const struct req *req, const struct zmtp__lane *lane,
                                uint32_t number)
{
    struct request *at =
        req->socket.config.req_correlate ? req_find_number(req, number) : req->first;
    return at && at->asked == lane && at->state != REQUEST_ANSWERED ? at : NULL;
}

// Which request |msg| of |lane| answers, and how many parts stand before the user's; null: none, for
// |reason|.
static struct request *req_judge(const struct req *req, const struct zmtp__lane *lane,
                                 const struct zmtp_msg *msg, size_t *envelope,
                                 enum zmtp_drop *reason)
{
    uint32_t number = 0;
    *reason = ZMTP_DROP_ENVELOPE;
    *envelope = 1;
    if (req->socket.config.req_correlate) {
        const struct zmtp_bytes repeated = zmtp_msg_bytes(msg, 0);
        if (repeated.size != REQ_NUMBER_SIZE) return NULL;
        for (size_t i = 0; i < REQ_NUMBER_SIZE; i++)
            number = number << 8 | repeated.data[i];
        ++*envelope;
    }
    struct request *request = req_find(req, lane, number);
    if (!request) {
        *reason = ZMTP_DROP_UNEXPECTED;
        return NULL;
    }
    if (msg->count <= *envelope) return NULL;
    return zmtp_msg_bytes(msg, *envelope - 1).size == 0 ? request : NULL;
}

// Fetches the next reply if it has come, and drops what else has, also while nothing is asked: late replies
// would fill the pipe, and its connection would not be read any more. ZMTP_ERR_AGAIN: not yet.
static int req_fetch(struct req *req)
{
    struct zmtp_socket *socket = &req->socket;
    while (!req->answered) {
        struct zmtp__lane *lane = zmtp__fair_queue_first(socket);
        if (!lane) return ZMTP_ERR_AGAIN;
        if (*req_asked(lane) == 0) {
            zmtp__fair_queue_drop(socket, lane, ZMTP_DROP_UNEXPECTED);
            continue;
        }
        struct zmtp_msg msg = {0};
        zmtp_msg_init(&msg, socket->config.allocator);
        const int result = zmtp__fair_queue_take(socket, lane, &msg);
        if (result < 0) {
            zmtp_msg_fini(&msg); // it may have grown
            return result;
        }
        enum zmtp_drop reason;
        size_t envelope;
        struct request *request = req_judge(req, lane, &msg, &envelope, &reason);
        if (request) {
            zmtp_msg_drop_front(&msg, envelope);
            request->reply = msg;
            req_enter(req, request, REQUEST_ANSWERED);
            req->answered = request;
        } else {
            zmtp__lane_reject(socket, lane, reason);
            zmtp_msg_fini(&msg);
        }
    }
    return ZMTP_OK;
}

static struct request *req_failed(const struct req *req)
{
    struct request *at = req->failed > 0 ? req->first : NULL;
    while (at && at->state != REQUEST_FAILED)
        at = at->next;
    return at;
}

// There is no reply: why?
static int req_recv_nothing(struct req *req, struct zmtp_msg *msg)
{
    struct request *failed = req_failed(req);
    if (failed) {
        const int error = failed->error;
        msg->request = failed->number;
        req_forget(req, failed);
        return error;
    }
    const bool out_of_turn = !req->first || req->first->state == REQUEST_LOST;
    return out_of_turn && req_is_single(req) ? ZMTP_ERR_STATE : ZMTP_ERR_AGAIN;
}

static int req_recv(struct zmtp_socket *socket, struct zmtp_msg *msg)
{
    struct req *req = req_of(socket);
    const int result = req_fetch(req);
    if (result == ZMTP_ERR_AGAIN) req_send_again(req);
    if (result == ZMTP_ERR_AGAIN) return req_recv_nothing(req, msg);
    if (result < 0) return result;
    struct request *request = req->answered;
    zmtp_msg_fini(msg);
    *msg = request->reply;
    msg->request = request->number;
    zmtp_msg_init(&request->reply, socket->config.allocator);
    req_forget(req, request);
    return ZMTP_OK;
}

static size_t req_held(const struct zmtp_socket *socket)
{
    return ((const struct req *)socket)->answered != NULL;
}

static unsigned req_events(struct zmtp_socket *socket)
{
    struct req *req = req_of(socket);
    unsigned events = 0;
    // For want of memory the reply cannot be judged; a receive would not say ZMTP_ERR_AGAIN.
    if (req_fetch(req) != ZMTP_ERR_AGAIN) events |= ZMTP_READABLE;
    req_send_again(req);
    if (req_failed(req)) events |= ZMTP_READABLE;
    if (req_may_send(req) == ZMTP_OK && zmtp__balance_first(socket)) events |= ZMTP_WRITABLE;
    return events;
}

// Does its time run?
static bool req_is_timed(const struct req *req, const struct request *request)
{
    return req->socket.config.req_timeout_ms > 0 && req_is_running(request);
}

static uint64_t req_deadline(struct zmtp_socket *socket)
{
    struct req *req = req_of(socket);
    if (req->unsent > 0 && zmtp__balance_first(socket)) return 0;
    // It may be the time of one that is over; the tick finds out. To look through all is for that alone.
    return socket->config.req_timeout_ms > 0 && req->running > 0 ? req->due_ms : UINT64_MAX;
}

static void req_tick(struct zmtp_socket *socket, uint64_t now_ms, uint64_t heard_ms)
{
    struct req *req = req_of(socket);
    (void)req_fetch(req); // what has come in time counts, although nobody has received it
    for (struct request *at = req->first; at; at = at->next) {
        if (!req_is_timed(req, at)) continue;
        if (at->due_ms != 0 && heard_ms >= at->due_ms) {
            // One that has not left is not sent twice; it only waits longer.
            const enum request_state waits = req_is_queued(at) ? at->state : REQUEST_UNSENT;
            if (req_retry(req, at))
                req_enter(req, at, waits);
            else
                req_fail(req, at, ZMTP_ERR_TIMEOUT);
        }
        if (at->due_ms == 0) at->due_ms = now_ms + socket->config.req_timeout_ms;
    }
    req_send_again(req);
    req->due_ms = UINT64_MAX;
    for (struct request *at = req->first; at; at = at->next) {
        if (!req_is_timed(req, at)) continue;
        if (at->due_ms == 0) at->due_ms = now_ms + socket->config.req_timeout_ms;
        if (at->due_ms < req->due_ms) req->due_ms = at->due_ms;
    }
}

static int req_cancel(struct zmtp_socket *socket, uint32_t number)
{
    struct req *req = req_of(socket);
    struct request *at = req_find_number(req, number);
    if (!at) return ZMTP_ERR_NOT_FOUND;
    req_forget(req, at);
    return ZMTP_OK;
}

static uint32_t req_last(const struct zmtp_socket *socket)
{
    return ((const struct req *)socket)->number;
}

const struct zmtp__pattern zmtp__req = {
    .socket_size = sizeof(struct req),
    .lane_size = sizeof(struct req_lane),
    .fair_queued = true,
    .balanced = true,
    .open = req_open,
    .close = req_close,
    .linked = req_linked,
    .gone = req_gone,
    .released = req_released,
    .send = req_send,
    .recv = req_recv,
    .events = req_events,
    .held = req_held,
    .deadline = req_deadline,
    .tick = req_tick,
    .cancel_request = req_cancel,
    .last_request = req_last,
};
