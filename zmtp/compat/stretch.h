// A stretch: messages of a stream of which it is known beforehand that each passes as the one before did. What quick.h
// looks at for each message, and counts, is looked at once for a stretch, and counted when it is over; for a message
// there are left its octets, which are copied, and the lock's steps.
//
// A thread that the lock favours begins one behind a message that went the quick way, where one peer alone is sent to
// or received from. It is as long as nothing has to be done or told: until a queue is full, or has the room that its
// writer waits for; until what was sent is to be written, or the clock looked at; until the last that can be received.
// Nobody sees a difference: whoever gets in, be it the favourite by another way, counts first what has passed
// (zmq__stretch_end), so that queues, limits and counters are exact for all who look at them.
//
// A publisher's is a volley (volley.h). Each of its messages is looked at whom it is for, so its calls need not slip in.
//
// What other threads do ends it, too. Who wants in ends the favour, so that the next call does not slip in; a watch that
// did not come to that says that it waits (|awaited| of the engine); and who brings something over a line calls the dock.
#ifndef ZMTP_COMPAT_STRETCH_H
#define ZMTP_COMPAT_STRETCH_H

#include "../io/fork.h"
#include "../socket/express.h"
#include "socket.h"

enum {
    // It is not worth it for fewer messages.
    ZMQ__STRETCH_LEAST = 4,
    ZMQ__STRETCH_HEADER = 2, // of a short frame
};

// Inside, when all is done for the last message.
void zmq__stretch_begin_send(struct zmq__socket *socket);
void zmq__stretch_begin_recv(struct zmq__socket *socket);
void zmq__stretch_settle(struct zmq__socket *socket); // for the next function
// Inside: something else is to be done.
static inline void zmq__stretch_end(struct zmq__socket *socket)
{
    if (socket->stretch.lane) zmq__stretch_settle(socket);
}

// One is left out, as they were in vain lately: the program asks for events between its messages, or answers each.
static inline bool zmq__stretch_rests(struct zmq__socket *socket)
{
    if (socket->stretch.rest == 0) return false;
    socket->stretch.rest--;
    return true;
}

// Begins one by a call that has slipped in, was sending or receiving, and is about to leave. Most that cannot begin one are
// told from those that can without a call.
static inline void zmq__stretch_try_send(struct zmq__socket *socket, size_t size)
{
    const struct zmtp__node *const list = &socket->core->writable;
    if (size >= ZMTP__QUEUE_REFER_BODY || list->next != list->previous ||
        zmq__stretch_rests(socket))
        return;
    zmq__stretch_begin_send(socket);
}
static inline void zmq__stretch_try_recv(struct zmq__socket *socket)
{
    const struct zmtp__node *const list = &socket->core->readable;
    if (list->next != list->previous || list->next == list) return;
    if (list->next->lane->end->in->count <= ZMQ__STRETCH_LEAST || zmq__stretch_rests(socket))
        return;
    zmq__stretch_begin_recv(socket);
}

// What a call begins with: the socket, if there is nothing wrong with it. Null: the general functions tell what is.
static inline struct zmq__socket *zmq__stretch_socket(void *handle)
{
    struct zmq__socket *const socket = handle;
    if (!socket) return NULL;
    if (atomic_load_explicit(&socket->handle.tag, memory_order_acquire) != ZMQ__TAG_SOCKET)
        return NULL;
    if (socket->generation != zmtp__fork_generation()) return NULL;
    return zmq__context_terminated(socket->context) ? NULL : socket;
}

// The call slips in, see zmq__latch_sit; zmq__latch_sits comes next.
static inline struct zmq__seat *zmq__stretch_sit(void *handle)
{
    struct zmq__socket *const socket = zmq__stretch_socket(handle);
    return socket ? zmq__latch_sit(&socket->latch, zmq__latch_me()) : NULL;
}

// And leaves, when one more has passed. False: zmq__stretch_come_back is to be called.
static inline bool zmq__stretch_rise(struct zmq__socket *socket, struct zmq__seat *seat)
{
    if (socket->engine) zmq__engine_note_moved(socket->engine);
    return zmq__latch_rise(&socket->latch, seat);
}
void zmq__stretch_come_back(struct zmq__socket *socket);

// Has no other thread anything for the socket?
static inline bool zmq__stretch_calm(const struct zmq__socket *socket)
{
    if (!socket->engine) return !atomic_load_explicit(&socket->dock.called, memory_order_relaxed);
    return !atomic_load_explicit(&socket->engine->awaited, memory_order_relaxed);
}

// Sends a message of |body| alone. False: it was not sent.
static inline bool zmq__stretch_send(struct zmq__socket *socket, struct zmtp_bytes body)
{
    enum { HEADER = ZMQ__STRETCH_HEADER };
    struct zmq__stretch *const stretch = &socket->stretch;
    uint8_t *const room = stretch->room;
    if (stretch->sends == 0 || body.size > ZMTP__COPY_FEW || !zmq__stretch_calm(socket))
        return false;
    if ((size_t)(stretch->end - room) < HEADER + body.size) return false;
    room[0] = 0; // no flags
    room[1] = (uint8_t)body.size;
    stretch->room = room + HEADER + body.size;
    stretch->sends--;
    zmtp__copy_few(room + HEADER, body.data, body.size);
    return true;
}

// Shows the next message. False: it is not of a stretch.
static inline bool zmq__stretch_peek(const struct zmq__socket *socket, struct zmtp_bytes *body)
{
    enum { HEADER = ZMQ__STRETCH_HEADER };
    const struct zmq__stretch *const stretch = &socket->stretch;
    const uint8_t *const at = stretch->at;
    if (stretch->recvs == 0 || !zmq__stretch_calm(socket)) return false;
    const size_t here = (size_t)(stretch->end - at);
    if (here < HEADER || at[0] != 0 || here - HEADER < at[1]) return false;
    *body = (struct zmtp_bytes){at + HEADER, at[1]};
    return true;
}

// The same of a publisher's message, by any call that is inside: it goes on with a volley, or begins one. False: it was not
// sent.
bool zmq__stretch_volley(struct zmq__socket *socket, struct zmtp_bytes body);

// The same two of those that are not so small, by calls that keep more than these anyway.
bool zmq__stretch_send_more(struct zmq__socket *socket, struct zmtp_bytes body);
bool zmq__stretch_peek_more(const struct zmq__socket *socket, struct zmtp_bytes *body);

// Takes what was shown.
static inline void zmq__stretch_take(struct zmq__socket *socket, struct zmtp_bytes body)
{
    socket->stretch.at = body.data + body.size;
    socket->stretch.recvs--;
}

#endif
