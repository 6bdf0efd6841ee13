// Messages between the program and the pattern. The program gives and takes part by part; the pattern has whole
// messages. Whether there is room is decided when the first part is given, as libzmq does.
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "../socket/alter.h"
#include "../socket/borrow.h"
#include "../zmq.h"
#include "error.h"
#include "loan.h"
#include "message.h"
#include "routed.h"
#include "socket.h"

enum {
    // Parts before the last that are copied with it: an id, a delimiter.
    TRANSFER_SHORT_PARTS = 3,
    // A blocking send of a large message waits for a moment when so much waits already, and so long at most: a receiver
    // that a busy machine does not let run is back by then.
    TRANSFER_BACKLOG = 8 * 1024 * 1024,
    TRANSFER_EASE_MS = 10,
};

// Is it REQ's or REP's turn to send? The engine's own REQ would let go of a request whose peer has gone;
// libzmq's waits on.
static int transfer_turn(const struct zmq__socket *socket)
{
    if (socket->type == ZMTP_REQ && socket->turn && !socket->options.req_relaxed) return EFSM;
    if (socket->type == ZMTP_REP && !socket->turn) return EFSM;
    return 0;
}

// Would a message that begins with |part| find room?
static int transfer_admits(struct zmq__socket *socket, const struct zmtp_part *part)
{
    const int turn = transfer_turn(socket);
    if (turn != 0) return turn;
    const int result = zmtp__socket_admits(socket->core, zmtp_part_bytes(part));
    return result == ZMTP_OK ? 0 : zmq__errno_of(result);
}

// Waits for |timeout_ms| from the first time on; -1: for ever. |*deadline_ms| is 0 before: the clock is not asked by those
// who need not wait. EAGAIN: the time is over.
static int transfer_wait(struct zmq__socket *socket, int timeout_ms, uint64_t *deadline_ms)
{
    if (timeout_ms == 0) return EAGAIN;
    if (*deadline_ms == 0) *deadline_ms = zmq__socket_deadline(timeout_ms);
    return zmq__socket_await(socket, *deadline_ms);
}

static int transfer_admit(struct zmq__socket *socket, const struct zmtp_part *part, int timeout_ms)
{
    uint64_t deadline_ms = 0;
    for (;;) {
        zmq__socket_look(socket);
        int error = transfer_admits(socket, part);
        if (error == EAGAIN) {
            zmq__socket_work(socket);
            error = transfer_admits(socket, part);
        }
        if (error != EAGAIN) return error;
        error = transfer_wait(socket, timeout_ms, &deadline_ms);
        if (error != 0) return error;
    }
}

static void transfer_sent(struct zmq__socket *socket, size_t size)
{
    if (socket->type == ZMTP_REQ) socket->turn = true;
    if (socket->type == ZMTP_REP) socket->turn = false;
    if (socket->engine) zmq__engine_sent(socket->engine, size);
    zmq__socket_look(socket); // what was put into a pipe is to leave
}

// What a DGRAM of libzmq sends before it has an endpoint is taken and gone.
static bool transfer_nowhere(const struct zmq__socket *socket)
{
    return socket->type == ZMTP_DGRAM && !socket->endpoints;
}

// A whole message; or, with null for it, the octets of its parts, which are copied.
struct transfer_load {
    struct zmtp_msg *msg;
    const struct zmtp_bytes *parts;
    size_t count, size;
    // Of the last of |parts|, which is large; null: it is copied at once.
    struct zmtp__borrow *borrowed;
};

static int transfer_put(struct zmq__socket *socket, const struct transfer_load *load)
{
    int result;
    if (load->msg)
        result = zmtp_socket_send(socket->core, load->msg);
    else if (load->borrowed)
        result = zmtp__socket_send_borrowed(socket->core, load->parts, load->count, load->borrowed);
    else
        result = zmtp_socket_send_bytes(socket->core, load->parts, load->count);
    // A DGRAM here is bound and reaches every address, as soon as the loop has told that it is there.
    return result == ZMTP_ERR_UNREACHABLE && socket->type == ZMTP_DGRAM ? ZMTP_ERR_AGAIN : result;
}

// Sends it; it stays the caller's on failure.
static int transfer_push(struct zmq__socket *socket, const struct transfer_load *load,
                         int timeout_ms)
{
    uint64_t deadline_ms = 0;
    // A ROUTER or STREAM of libzmq takes an id with nothing behind it, and nothing comes of that.
    const bool alone = (load->msg ? load->msg->count : load->count) == 1;
    if ((alone && (socket->type == ZMTP_ROUTER || socket->type == ZMTP_STREAM)) ||
        transfer_nowhere(socket)) {
        if (load->msg) zmtp_msg_fini(load->msg);
        return 0;
    }
    if (socket->type == ZMTP_ROUTER && socket->engine)
        zmq__engine_make_way(socket->engine,
                             load->msg ? zmtp_msg_bytes(load->msg, 0) : load->parts[0]);
    for (;;) {
        zmq__socket_look(socket);
        int result = transfer_put(socket, load);
        if (result == ZMTP_ERR_AGAIN) {
            zmq__socket_work(socket);
            result = transfer_put(socket, load);
        }
        if (result == ZMTP_OK) {
            transfer_sent(socket, load->size);
            return 0;
        }
        if (result != ZMTP_ERR_AGAIN) return zmq__errno_of(result);
        const int error = transfer_wait(socket, timeout_ms, &deadline_ms);
        if (error != 0) return error;
    }
}

// A large message was sent by a call that may block. If they come faster than the kernel takes them, it waits a moment
// for the kernel, so that those that wait lie in memory that is used again and again: a thousand messages of 1 MiB, as
// many as the mark allows, would be filled into new pages, which costs more than all else. Where nothing leaves, it
// is not waited for again before something has.
static void transfer_ease(struct zmq__socket *socket, size_t size, int timeout_ms)
{
    if (size < ZMTP__GATHER_LARGE || !socket->engine) return;
    if (timeout_ms >= 0 && timeout_ms < TRANSFER_EASE_MS) return;
    const uint64_t deadline_ms = zmq__socket_deadline(TRANSFER_EASE_MS);
    for (;;) {
        const struct zmtp__backlog backlog = zmtp__balance_backlog(socket->core);
        if (backlog.bytes < TRANSFER_BACKLOG || socket->choked == backlog.left + 1) return;
        const int error = zmq__socket_wait(socket, deadline_ms);
        if (error == 0) continue;
        if (zmtp__balance_backlog(socket->core).left == backlog.left)
            socket->choked = backlog.left + 1;
        return;
    }
}

static int transfer_push_msg(struct zmq__socket *socket, struct zmtp_msg *msg, int timeout_ms)
{
    const struct transfer_load load = {.msg = msg, .size = zmtp_msg_size(msg)};
    return transfer_push(socket, &load, timeout_ms);
}

static int transfer_timeout(const struct zmq__socket *socket, int flags)
{
    return flags & ZMQ_DONTWAIT ? 0 : socket->options.sndtimeo;
}

// What a message has beside its body: whom a SERVER or PEER sends it to, and a RADIO's group.
struct transfer_label {
    uint32_t routing_id;
    struct zmtp_bytes group;
};

// The last part of |msg|, which was not sent, is the caller's again.
static void transfer_take_back(struct zmtp_msg *msg, struct zmtp_part *part)
{
    *part = *zmtp_msg_part(msg, msg->count - 1);
    *zmtp_msg_part(msg, msg->count - 1) = (struct zmtp_part){0};
    msg->count--;
}

// A socket for all threads has messages of one part, so that each call is for itself. Takes |part| on success.
static int transfer_send_whole(struct zmq__socket *socket, struct zmtp_part *part,
                               const struct transfer_label *label, int flags)
{
    const bool mute = socket->type == ZMTP_DISH || socket->type == ZMTP_GATHER;
    struct zmtp_msg msg;
    if (mute) return ENOTSUP;
    if (flags & ZMQ_SNDMORE) return EINVAL;
    zmtp_msg_init(&msg, NULL);
    msg.routing_id = label->routing_id;
    int error = 0;
    if (socket->type == ZMTP_RADIO && zmtp_msg_append(&msg, label->group) < 0) error = ENOMEM;
    if (error == 0 && zmtp_msg_append_part(&msg, part) < 0) error = ENOMEM;
    if (error == 0) {
        error = transfer_push_msg(socket, &msg, transfer_timeout(socket, flags));
        if (error != 0) transfer_take_back(&msg, part);
    }
    zmtp_msg_fini(&msg);
    return error;
}

// An address, then a body.
static int transfer_check_datagram(const struct zmq__socket *socket, bool last)
{
    return last == (socket->sending.count == 1) ? 0 : EINVAL;
}

// The last part was sent, or refused. It takes the others along, as with libzmq: they were let in, so whom they were for
// has gone, and who begins again must not add to them. Only what stood in the way of this call alone does not.
static void transfer_ended(struct zmq__socket *socket, int error)
{
    if (error != EINTR && error != ENOMEM) zmtp_msg_fini(&socket->sending);
}

// Is a part that is sent with |flags| the last of its message? A STREAM's octets are, whatever the flag says.
static bool transfer_is_last(const struct zmq__socket *socket, int flags)
{
    if (socket->type == ZMTP_STREAM && socket->sending.count == 1) return true;
    return !(flags & ZMQ_SNDMORE);
}

// Takes |part| on success.
static int transfer_send_part(struct zmq__socket *socket, struct zmtp_part *part,
                              const struct transfer_label *label, int flags)
{
    struct zmtp_msg *const msg = &socket->sending;
    const bool last = transfer_is_last(socket, flags);
    const int timeout_ms = transfer_timeout(socket, flags);
    if (socket->safe) return transfer_send_whole(socket, part, label, flags);
    if (socket->type == ZMTP_DGRAM && transfer_check_datagram(socket, last) != 0) return EINVAL;
    if (msg->count == 0 && !transfer_nowhere(socket)) {
        const int error = last ? transfer_turn(socket) : transfer_admit(socket, part, timeout_ms);
        if (error != 0) return error;
    }
    if (zmtp_msg_append_part(msg, part) < 0) return ENOMEM;
    if (!last) return 0;
    const size_t size = zmtp_msg_size(msg);
    const int error = transfer_push_msg(socket, msg, timeout_ms);
    if (error != 0) transfer_take_back(msg, part);
    transfer_ended(socket, error);
    if (error == 0) transfer_ease(socket, size, timeout_ms);
    return error;
}

static int transfer_size(size_t size)
{
    return size > INT_MAX ? INT_MAX : (int)size;
}

// The calls' common end: |error|, or the size of what was passed.
static int transfer_result(struct zmq__socket *socket, int error, size_t size)
{
    zmq__socket_leave(socket);
    return error == 0 ? transfer_size(size) : zmq__fail(error);
}

int zmq__socket_try_send(struct zmq__socket *socket, const struct zmtp_bytes *parts, size_t count)
{
    struct zmtp_msg msg;
    int error = 0;
    if (!zmq__socket_enter(socket)) return zmq_errno();
    zmtp_msg_init(&msg, NULL);
    for (size_t i = 0; i < count && error == 0; i++)
        if (zmtp_msg_append(&msg, parts[i]) < 0) error = ENOMEM;
    if (error == 0) error = transfer_push_msg(socket, &msg, 0);
    zmtp_msg_fini(&msg);
    zmq__socket_leave(socket);
    return error;
}

// Whoever could not take the short way goes on, entered or not. Null: errno tells.
static struct zmq__socket *transfer_enter(struct zmq__quick quick, void *handle)
{
    return quick.socket ? zmq__quick_begin(quick) : zmq__socket_enter(handle);
}

// Inside.
static inline int transfer_send_msg(struct zmq__socket *socket, zmq_msg_t *msg, int flags)
{
    struct zmtp_part part;
    const struct zmq__message *const message = zmq__message_of(msg);
    const size_t size = zmq__message_bytes(message).size;
    const struct transfer_label label = {message->routing_id, zmq__message_group(message)};
    const int given = zmq__message_give(msg, &part);
    if (given < 0) return zmq__socket_result(socket, zmq__errno_of(given));
    const int error = transfer_send_part(socket, &part, &label, flags);
    if (error != 0)
        zmq__message_put_back(msg, &part);
    else
        zmq__message_clear(msg);
    return transfer_result(socket, error, size);
}

// Of a message whose body is lent (loan.h).
static int transfer_send_loan(zmq_msg_t *msg, void *handle, int flags)
{
    struct zmq__socket *const socket = zmq__socket_enter(handle);
    if (!socket) return -1;
    const struct zmq__reaper *const reaper = &socket->context->reaper;
    const int result = transfer_send_msg(socket, msg, flags);
    if (result >= 0) zmq__reaper_ease(reaper);
    return result;
}

// Sends |body| as one of a stretch though it is not so small. False: it was not sent, and the stretch has ended.
static bool transfer_send_stretch(struct zmq__quick quick, struct zmtp_bytes body, int flags)
{
    if (!(flags & ZMQ_SNDMORE) && zmq__quick_send_volley(quick, body)) return true;
    if (!quick.seat || flags & ZMQ_SNDMORE || !zmq__stretch_send_more(quick.socket, body)) {
        zmq__stretch_end(quick.socket);
        return false;
    }
    if (!zmq__stretch_rise(quick.socket, quick.seat)) zmq__stretch_come_back(quick.socket);
    return true;
}

static int transfer_send_msg_on(struct zmq__quick quick, void *handle, zmq_msg_t *msg, int flags)
{
    const struct zmq__message *const message = zmq__message_of(msg);
    const size_t size = message ? zmq__message_bytes(message).size : 0;
    if (quick.socket && transfer_send_stretch(quick, zmq__message_bytes(message), flags)) {
        zmq__message_clear(msg);
        return (int)size;
    }
    if (quick.socket && zmq__routed_try(quick, zmq__message_bytes(message), flags & ZMQ_SNDMORE)) {
        zmq__message_clear(msg);
        return transfer_size(size);
    }
    struct zmq__socket *socket = transfer_enter(quick, handle);
    if (!socket) return -1;
    return message ? transfer_send_msg(socket, msg, flags) : zmq__socket_result(socket, EFAULT);
}

// It did not slip in by itself.
static int transfer_send_msg_new(zmq_msg_t *msg, void *handle, int flags)
{
    const struct zmq__message *const message = zmq__message_own(msg);
    if (!message && zmq__message_of(msg)) return transfer_send_loan(msg, handle, flags);
    return transfer_send_msg_on(zmq__quick_enter(message ? handle : NULL), handle, msg, flags);
}

int zmq_msg_send(zmq_msg_t *msg, void *handle, int flags)
{
    const struct zmq__message *const message = zmq__message_own(msg);
    struct zmq__socket *const socket = handle;
    struct zmq__seat *const seat = message ? zmq__stretch_sit(handle) : NULL;
    if (!seat) return transfer_send_msg_new(msg, handle, flags);
    if (!zmq__latch_sits(&socket->latch, seat)) {
        zmq__latch_stand(seat);
        return transfer_send_msg_new(msg, handle, flags);
    }
    const struct zmtp_bytes body = zmq__message_bytes(message);
    if (flags & ZMQ_SNDMORE || !zmq__stretch_send(socket, body))
        return transfer_send_msg_on((struct zmq__quick){socket, seat}, handle, msg, flags);
    if (!zmq__stretch_rise(socket, seat)) zmq__stretch_come_back(socket);
    zmq__message_clear(msg);
    return (int)body.size;
}

// Of a part that is the call's own.
static int transfer_send_own(void *handle, struct zmtp_part *part, int flags)
{
    const size_t size = part->size;
    const struct transfer_label label = {0};
    struct zmq__socket *socket = zmq__socket_enter(handle);
    const int error = socket ? transfer_send_part(socket, part, &label, flags) : ETERM;
    if (error != 0) zmtp_part_fini(part);
    return socket ? transfer_result(socket, error, size) : -1;
}

// May the last part go without being made one? It is copied to where it leaves; so what was given before is to be short.
static bool transfer_is_body(const struct zmq__socket *socket, int flags)
{
    if (socket->safe || socket->type == ZMTP_DGRAM || !transfer_is_last(socket, flags))
        return false;
    if (socket->sending.count > TRANSFER_SHORT_PARTS) return false;
    for (size_t i = 0; i < socket->sending.count; i++)
        if (zmtp_msg_bytes(&socket->sending, i).size > ZMTP_PART_INLINE) return false;
    return true;
}

// A large one is written from where the program has it, if the kernel takes it: that saves a fifth to an eighth of the
// processor time of a round trip of 1 MiB.
static bool transfer_borrows(const struct zmq__socket *socket, size_t size)
{
    return socket->engine && size >= ZMTP__GATHER_LARGE &&
           !zmtp__gather_keeps(socket->engine->uv, zmtp_socket_config(socket->core));
}

static int transfer_send_body(struct zmq__socket *socket, struct zmtp_bytes body, int flags)
{
    struct zmtp_msg *const msg = &socket->sending;
    struct zmtp_bytes parts[TRANSFER_SHORT_PARTS + 1];
    struct zmtp__borrow borrowed;
    struct transfer_load load = {.parts = parts, .count = msg->count + 1, .size = body.size};
    const int turn = msg->count == 0 ? transfer_turn(socket) : 0;
    if (turn != 0) return turn;
    for (size_t i = 0; i < msg->count; i++)
        parts[i] = zmtp_msg_bytes(msg, i);
    parts[msg->count] = body;
    if (transfer_borrows(socket, body.size)) {
        zmtp__borrow_open(&borrowed, body);
        load.borrowed = &borrowed;
    }
    const int timeout_ms = transfer_timeout(socket, flags);
    const int error = transfer_push(socket, &load, timeout_ms);
    if (load.borrowed) zmtp__borrow_close(&borrowed);
    transfer_ended(socket, error);
    if (error == 0) transfer_ease(socket, body.size, timeout_ms);
    return error;
}

// As a function of its own it does not cost those that need none of it.
__attribute__((noinline)) static int transfer_send_any(struct zmq__quick quick, void *handle,
                                                       struct zmtp_bytes body, int flags)
{
    struct zmtp_part part;
    const struct transfer_label label = {0};
    struct zmq__socket *socket = transfer_enter(quick, handle);
    if (!socket) return -1;
    if (transfer_is_body(socket, flags))
        return transfer_result(socket, transfer_send_body(socket, body, flags), body.size);
    int error = zmtp_part_copy(&part, body, NULL) < 0 ? ENOMEM : 0;
    if (error == 0) {
        error = transfer_send_part(socket, &part, &label, flags);
        if (error != 0) zmtp_part_fini(&part);
    }
    return transfer_result(socket, error, body.size);
}

// The same of what is not of a stretch; the lock is taken, or it has slipped in.
__attribute__((noinline)) static int transfer_send_on(struct zmq__quick quick,
                                                      struct zmtp_bytes body, int flags)
{
    if (flags & ZMQ_SNDMORE || quick.socket->sending.count > 0) {
        zmq__stretch_end(quick.socket);
        if (zmq__routed_pass(quick, body, flags & ZMQ_SNDMORE)) return transfer_size(body.size);
    } else {
        if (transfer_send_stretch(quick, body, flags)) return (int)body.size;
        if (zmq__quick_send_few(quick, body)) return (int)body.size;
        if (zmq__quick_send(quick, body)) return transfer_size(body.size);
    }
    return transfer_send_any(quick, quick.socket, body, flags);
}

__attribute__((noinline)) static int transfer_send_new(void *handle, const void *data, size_t size,
                                                       int flags)
{
    const struct zmtp_bytes body = {data, size};
    if (!data && size > 0) return zmq__socket_of(handle) ? zmq__fail(EFAULT) : -1;
    const struct zmq__quick quick = zmq__quick_enter(handle);
    if (!quick.socket) return transfer_send_any(quick, handle, body, flags);
    return transfer_send_on(quick, body, flags);
}

__attribute__((noinline)) static int transfer_send_late(void *handle, const void *data, size_t size,
                                                        int flags, struct zmq__seat *seat)
{
    zmq__latch_stand(seat);
    return transfer_send_new(handle, data, size, flags);
}

// A call of a stretch is wanted inside by others.
__attribute__((noinline)) static int transfer_come_back(struct zmq__socket *socket, size_t size)
{
    zmq__stretch_come_back(socket);
    return (int)size;
}

// What is seldom is another function's, called last: so nothing is to be kept for it, and most calls call nothing.
int zmq_send(void *handle, const void *data, size_t size, int flags)
{
    const struct zmtp_bytes body = {data, size};
    struct zmq__socket *const socket = handle;
    struct zmq__seat *const seat = data ? zmq__stretch_sit(handle) : NULL;
    if (!seat) return transfer_send_new(handle, data, size, flags);
    if (!zmq__latch_sits(&socket->latch, seat))
        return transfer_send_late(handle, data, size, flags, seat);
    if (flags & ZMQ_SNDMORE || !zmq__stretch_send(socket, body))
        return transfer_send_on((struct zmq__quick){socket, seat}, body, flags);
    if (!zmq__stretch_rise(socket, seat)) return transfer_come_back(socket, size);
    return (int)size;
}

int zmq_send_const(void *handle, const void *data, size_t size, int flags)
{
    struct zmtp_part part;
    if (!zmq__socket_of(handle)) return -1;
    if (!data && size > 0) return zmq__fail(EFAULT);
    if (zmq__constant_part(&part, zmtp_bytes_of(data, size)) < 0) return zmq__fail(ENOMEM);
    return transfer_send_own(handle, &part, flags);
}

// Has the pattern give a message. An errno.
static int transfer_pull(struct zmq__socket *socket)
{
    struct zmtp_msg *const msg = &socket->receiving;
    const int result = zmtp_socket_recv(socket->core, msg);
    if (result == ZMTP_OK) {
        if (socket->type == ZMTP_DISH) socket->taken = 1; // its group is none of the parts
        if (socket->engine) zmq__engine_received(socket->engine);
        return 0;
    }
    // REQ: the peer went before it answered. As libzmq's, it waits for a reply that may never come.
    if (socket->type == ZMTP_REQ && (result == ZMTP_ERR_STATE || result == ZMTP_ERR_NO_REPLY))
        return EAGAIN;
    return zmq__errno_of(result);
}

static int transfer_fetch(struct zmq__socket *socket, int flags)
{
    const int timeout_ms = flags & ZMQ_DONTWAIT ? 0 : socket->options.rcvtimeo;
    uint64_t deadline_ms = 0;
    if (socket->taken < socket->receiving.count) return 0;
    if (socket->type == ZMTP_REQ && !socket->turn) return EFSM;
    if (socket->type == ZMTP_REP && socket->turn) return EFSM;
    if (++socket->calls >= ZMQ__SOCKET_CALLS) zmq__socket_work_amid(socket);
    for (;;) {
        if (socket->taken < socket->receiving.count) return 0; // what another thread could not take
        zmtp__msg_clear(&socket->receiving); // the next is most likely from the same peer
        socket->taken = 0;
        int error = transfer_pull(socket);
        if (error == EAGAIN) {
            zmq__socket_work(socket);
            error = transfer_pull(socket);
        }
        if (error != EAGAIN) return error;
        error = transfer_wait(socket, timeout_ms, &deadline_ms);
        if (error != 0) return error;
    }
}

int zmq__socket_try_recv(struct zmq__socket *socket, struct zmtp_msg *msg)
{
    if (!zmq__socket_enter(socket)) return zmq_errno();
    const int error = transfer_fetch(socket, ZMQ_DONTWAIT);
    if (error == 0) {
        *msg = socket->receiving;
        zmtp_msg_init(&socket->receiving, NULL);
    }
    zmq__socket_leave(socket);
    return error;
}

// The next part was given to the program.
static void transfer_taken(struct zmq__socket *socket)
{
    socket->more = ++socket->taken < socket->receiving.count;
    if (socket->more) return;
    if (socket->type == ZMTP_REQ) socket->turn = false;
    if (socket->type == ZMTP_REP) socket->turn = true;
    zmq__socket_look(socket); // the room that was made may be awaited
}

// What a message has beside its body. It stays to be received when there is no memory for that.
static int transfer_label_taken(struct zmq__socket *socket, zmq_msg_t *msg, struct zmtp_part *part)
{
    zmq__message_set_routing_id(msg, socket->receiving.routing_id);
    if (socket->type != ZMTP_DISH) return 0;
    const int error = zmq__message_set_group(msg, zmtp_msg_bytes(&socket->receiving, 0));
    if (error == ZMTP_OK) return 0;
    (void)zmq__message_give(msg, part); // never fails for what has just been taken
    return zmq__errno_of(error);
}

static int transfer_recv_msg(struct zmq__socket *socket, zmq_msg_t *msg, int flags, size_t *size)
{
    const int error = transfer_fetch(socket, flags);
    if (error != 0) return error;
    struct zmtp_part *const part = zmtp_msg_part(&socket->receiving, socket->taken);
    *size = part->size;
    const bool more = socket->taken + 1 < socket->receiving.count;
    const int taken = zmq__message_take(msg, part, socket->receiving.origin, more);
    if (taken < 0) return zmq__errno_of(taken);
    const int labelled = transfer_label_taken(socket, msg, part);
    if (labelled != 0) return labelled;
    transfer_taken(socket);
    return 0;
}

// Received over |old|, which was lent: this thread gives it back as it leaves, or the message has it still.
static int transfer_recv_over(struct zmq__socket *socket, zmq_msg_t *msg, struct zmtp_part *old,
                              int error, size_t size)
{
    if (error != 0) zmq__message_put_back(msg, old);
    const int result = transfer_result(socket, error, size);
    zmtp_part_fini(old);
    return result;
}

__attribute__((noinline)) static int transfer_recv_msg_any(struct zmq__quick quick, void *handle,
                                                           zmq_msg_t *msg, int flags)
{
    size_t size = 0;
    struct zmtp_part old;
    struct zmq__message *const message = zmq__message_of(msg);
    struct zmtp_part *const part = quick.socket ? zmq__routed_part(quick.socket) : NULL;
    size = part ? part->size : 0;
    if (part && zmq__message_take(msg, part, quick.socket->receiving.origin,
                                  !zmq__routed_last(quick.socket)) == ZMTP_OK) {
        zmq__routed_taken(quick);
        return transfer_size(size);
    }
    struct zmq__socket *socket = transfer_enter(quick, handle);
    if (!socket) return -1;
    if (!message) return zmq__socket_result(socket, EFAULT);
    const bool lent = message->body == ZMQ__BODY_LOAN;
    if (lent) (void)zmq__message_give(msg, &old); // it is far
    const int error = transfer_recv_msg(socket, msg, flags, &size);
    return lent ? transfer_recv_over(socket, msg, &old, error, size)
                : transfer_result(socket, error, size);
}

// The same of what is not of a stretch, or does not go in so few steps; the lock is taken, or it has slipped in.
__attribute__((noinline)) static int transfer_recv_msg_on(struct zmq__quick quick, zmq_msg_t *msg,
                                                          int flags)
{
    struct zmtp__express_view view;
    struct zmtp_bytes body;
    struct zmq__socket *const socket = quick.socket;
    struct zmq__message *const message = zmq__message_of(msg); // it is one
    if (socket->type == ZMTP_ROUTER) return transfer_recv_msg_any(quick, socket, msg, flags);
    if (quick.seat && zmq__stretch_peek_more(socket, &body)) {
        if (!zmq__message_show_there(message, body, socket->stretch.slab, socket->stretch.origin))
            zmq__message_show(message, body, socket->stretch.slab, socket->stretch.origin,
                              &socket->purse);
        zmq__stretch_take(socket, body);
        if (!zmq__stretch_rise(socket, quick.seat)) zmq__stretch_come_back(socket);
        return (int)body.size;
    }
    zmq__stretch_end(socket);
    if (!zmq__quick_peek(socket, &view)) return transfer_recv_msg_any(quick, socket, msg, flags);
    if (!zmq__message_show_few(message, view.one.body, view.origin) &&
        !zmq__message_show_there(message, view.one.body, view.one.range->slab, view.origin))
        zmq__message_show(message, view.one.body, view.one.range->slab, view.origin,
                          &socket->purse);
    zmq__quick_take(quick, &view);
    return transfer_size(view.one.body.size);
}

__attribute__((noinline)) static int transfer_recv_msg_new(zmq_msg_t *msg, void *handle, int flags)
{
    const struct zmq__quick quick = zmq__quick_enter(zmq__message_own(msg) ? handle : NULL);
    if (!quick.socket) return transfer_recv_msg_any(quick, handle, msg, flags);
    return transfer_recv_msg_on(quick, msg, flags);
}

__attribute__((noinline)) static int transfer_recv_msg_late(zmq_msg_t *msg, void *handle, int flags,
                                                            struct zmq__seat *seat)
{
    zmq__latch_stand(seat);
    return transfer_recv_msg_new(msg, handle, flags);
}

int zmq_msg_recv(zmq_msg_t *msg, void *handle, int flags)
{
    struct zmtp_bytes body;
    struct zmq__message *const message = zmq__message_own(msg);
    struct zmq__socket *const socket = handle;
    struct zmq__seat *const seat = message ? zmq__stretch_sit(handle) : NULL;
    if (!seat) return transfer_recv_msg_new(msg, handle, flags);
    if (!zmq__latch_sits(&socket->latch, seat))
        return transfer_recv_msg_late(msg, handle, flags, seat);
    if (!zmq__stretch_peek(socket, &body) ||
        !(zmq__message_show_few(message, body, socket->stretch.origin) ||
          zmq__message_show_there(message, body, socket->stretch.slab, socket->stretch.origin)))
        return transfer_recv_msg_on((struct zmq__quick){socket, seat}, msg, flags);
    zmq__stretch_take(socket, body);
    if (!zmq__stretch_rise(socket, seat)) return transfer_come_back(socket, body.size);
    return (int)body.size;
}

// What was lent is put into |lent|, which held nothing.
static int transfer_recv(struct zmq__socket *socket, void *data, size_t *size, int flags,
                         struct zmtp_part *lent)
{
    const int error = transfer_fetch(socket, flags);
    if (error != 0) return error;
    struct zmtp_part *const part = zmtp_msg_part(&socket->receiving, socket->taken);
    const struct zmtp_bytes octets = zmtp_part_bytes(part);
    const size_t count = octets.size < *size ? octets.size : *size;
    if (count > 0) memcpy(data, octets.data, count);
    *size = octets.size; // also when there was no room for all
    if (zmq__loan_is(part)) {
        *lent = *part;
        *part = (struct zmtp_part){0};
    }
    transfer_taken(socket);
    return 0;
}

__attribute__((noinline)) static int transfer_recv_any(struct zmq__quick quick, void *handle,
                                                       void *data, size_t size, int flags)
{
    const struct zmtp_part *const part = quick.socket ? zmq__routed_part(quick.socket) : NULL;
    if (part) {
        const size_t count = part->size < size ? part->size : size;
        size = part->size; // also when there was no room for all
        zmq__routed_copy(data, zmtp_part_bytes(part).data, count);
        zmq__routed_taken(quick);
        return transfer_size(size);
    }
    struct zmq__socket *socket = transfer_enter(quick, handle);
    if (!socket) return -1;
    struct zmtp_part lent = {0};
    const int error = transfer_recv(socket, data, &size, flags, &lent);
    const int result = transfer_result(socket, error, size);
    if (lent.slab) zmtp_part_fini(&lent);
    return result;
}

// The same of what is not of a stretch, or is and is not small; the lock is taken, or it has slipped in.
__attribute__((noinline)) static int transfer_recv_on(struct zmq__quick quick, void *data,
                                                      size_t size, int flags)
{
    struct zmtp__express_view view;
    struct zmtp_bytes body;
    struct zmq__socket *const socket = quick.socket;
    if (socket->type == ZMTP_ROUTER) return transfer_recv_any(quick, socket, data, size, flags);
    const bool stretches = quick.seat && zmq__stretch_peek_more(socket, &body);
    if (!stretches) {
        zmq__stretch_end(socket);
        if (!zmq__quick_peek(socket, &view))
            return transfer_recv_any(quick, socket, data, size, flags);
        body = view.one.body;
    }
    const size_t count = body.size < size ? body.size : size;
    if (count > 0) memcpy(data, body.data, count);
    if (stretches)
        zmq__stretch_take(socket, body);
    else
        zmq__quick_take(quick, &view);
    if (stretches && !zmq__stretch_rise(socket, quick.seat)) zmq__stretch_come_back(socket);
    return transfer_size(body.size);
}

__attribute__((noinline)) static int transfer_recv_new(void *handle, void *data, size_t size,
                                                       int flags)
{
    if (!data && size > 0) return zmq__socket_of(handle) ? zmq__fail(EFAULT) : -1;
    const struct zmq__quick quick = zmq__quick_enter(handle);
    if (!quick.socket) return transfer_recv_any(quick, handle, data, size, flags);
    return transfer_recv_on(quick, data, size, flags);
}

__attribute__((noinline)) static int transfer_recv_late(void *handle, void *data, size_t size,
                                                        int flags, struct zmq__seat *seat)
{
    zmq__latch_stand(seat);
    return transfer_recv_new(handle, data, size, flags);
}

int zmq_recv(void *handle, void *data, size_t size, int flags)
{
    struct zmtp_bytes body;
    struct zmq__socket *const socket = handle;
    struct zmq__seat *const seat = data ? zmq__stretch_sit(handle) : NULL;
    if (!seat) return transfer_recv_new(handle, data, size, flags);
    if (!zmq__latch_sits(&socket->latch, seat))
        return transfer_recv_late(handle, data, size, flags, seat);
    if (!zmq__stretch_peek(socket, &body) || body.size > ZMTP__COPY_FEW)
        return transfer_recv_on((struct zmq__quick){socket, seat}, data, size, flags);
    zmtp__copy_few(data, body.data, body.size < size ? body.size : size);
    zmq__stretch_take(socket, body);
    if (!zmq__stretch_rise(socket, seat)) return transfer_come_back(socket, body.size);
    return (int)body.size;
}

static int transfer_recv_row(struct zmq__socket *socket, struct iovec *parts, size_t *count,
                             int flags)
{
    const size_t most = *count;
    *count = 0;
    do {
        const int error = transfer_fetch(socket, flags);
        if (error != 0) return error;
        struct zmtp_part *const part = zmtp_msg_part(&socket->receiving, socket->taken);
        const struct zmtp_bytes octets = zmtp_part_bytes(part);
        void *const copy = malloc(octets.size > 0 ? octets.size : 1); // the program frees it
        if (!copy) return ENOMEM;
        if (octets.size > 0) memcpy(copy, octets.data, octets.size);
        parts[*count] = (struct iovec){copy, octets.size};
        ++*count;
        zmtp_part_fini(part);
        transfer_taken(socket);
    } while (socket->more && *count < most);
    return 0;
}

int zmq_recviov(void *handle, struct iovec *parts, size_t *count, int flags)
{
    if (!zmq__socket_of(handle)) return -1;
    if (!parts || !count || *count == 0) return zmq__fail(EINVAL);
    struct zmq__socket *socket = zmq__socket_enter(handle);
    if (!socket) return -1;
    const int error = transfer_recv_row(socket, parts, count, flags);
    return transfer_result(socket, error, *count);
}
