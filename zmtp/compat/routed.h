// The same as quick.h for messages of several short parts, as a ROUTER has them: the routing id and a body behind it.
// What comes is taken whole with its first part, and given part by part; what leaves is written with its last, and the
// id waits until then, inline.
//
// Only of connections.
#ifndef ZMTP_COMPAT_ROUTED_H
#define ZMTP_COMPAT_ROUTED_H

#include "quick.h"

#include <string.h>

// As zmtp__msg_clear, which is called where there is more than octets to let go of.
static inline void zmq__routed_clear(struct zmtp_msg *msg)
{
    bool few = !msg->more;
    for (uint32_t i = 0; few && i < msg->count; i++)
        few = !msg->few[i].slab;
    if (!few) {
        zmtp__msg_clear(msg);
        return;
    }
    msg->count = 0;
    msg->routing_id = 0;
}

// As zmtp_msg_append, of octets that are few.
static inline bool zmq__routed_append(struct zmtp_msg *msg, struct zmtp_bytes octets)
{
    if (msg->more || msg->count == ZMTP_MSG_INLINE_PARTS)
        return zmtp_msg_append(msg, octets) == ZMTP_OK;
    struct zmtp_part *const part = &msg->few[msg->count++];
    part->slab = NULL;
    part->size = octets.size;
    zmtp__copy_few(part->at.octets, octets.data, octets.size);
    return true;
}

// Takes a part that has others behind it: an id; or what stands between that and the body, for which nothing is to be
// looked at. Lets go of the lock. False: it was not taken.
static inline bool zmq__routed_begin(struct zmq__quick quick, struct zmtp_bytes part)
{
    struct zmq__socket *const socket = quick.socket;
    if (!socket->engine || !zmq__quick_plain(socket) || part.size > ZMTP_PART_INLINE) return false;
    if (socket->type != ZMTP_ROUTER) return false;
    if (socket->sending.count == 0 && !zmtp__express_reaches(socket->core, part)) return false;
    if (!zmq__routed_append(&socket->sending, part)) return false;
    zmq__quick_leave(quick, zmq__quick_rests(socket->engine));
    return true;
}

// Sends a message of the id that was taken and |body|, and lets go of the lock. False: it was not sent.
static inline bool zmq__routed_send(struct zmq__quick quick, struct zmtp_bytes body)
{
    struct zmq__socket *const socket = quick.socket;
    if (!socket->engine || !zmq__quick_plain(socket) || socket->sending.count != 1) return false;
    const struct zmtp_part *const id = zmtp_msg_part(&socket->sending, 0);
    if (id->slab || !zmq__engine_takes(socket->engine, body.size)) return false;
    if (!zmtp__express_send_to(socket->core, zmtp_part_bytes(id), body)) return false;
    zmq__routed_clear(&socket->sending);
    zmq__engine_note_moved(socket->engine);
    socket->engine->uv->unflushed += body.size;
    zmq__quick_leave(quick, zmq__quick_waits(socket));
    return true;
}

// One or the other.
static inline bool zmq__routed_pass(struct zmq__quick quick, struct zmtp_bytes body, bool more)
{
    return more ? zmq__routed_begin(quick, body) : zmq__routed_send(quick, body);
}

// Sends |body| the short way, be it alone or not, and lets go of the lock. False: it was not sent.
static inline bool zmq__routed_try(struct zmq__quick quick, struct zmtp_bytes body, bool more)
{
    return (!more && zmq__quick_send(quick, body)) || zmq__routed_pass(quick, body, more);
}

// As memcpy, mostly of few.
static inline void zmq__routed_copy(void *to, const uint8_t *from, size_t size)
{
    if (size <= ZMTP__COPY_FEW)
        zmtp__copy_few(to, from, size);
    else
        memcpy(to, from, size);
}

// The next part, which is the caller's to empty. Null: the general functions tell what there is.
static inline struct zmtp_part *zmq__routed_part(struct zmq__socket *socket)
{
    const bool turns =
        socket->type == ZMTP_REQ || socket->type == ZMTP_REP || socket->type == ZMTP_DISH;
    if (!socket->engine || !zmq__quick_plain(socket) || turns) return NULL;
    if (socket->taken < socket->receiving.count)
        return zmtp_msg_part(&socket->receiving, socket->taken);
    if (socket->core->pattern->recv != zmtp__routes_recv) return NULL;
    if (socket->calls + 1 >= ZMQ__SOCKET_CALLS) return NULL;
    zmq__routed_clear(&socket->receiving);
    socket->taken = 0;
    if (!zmtp__express_recv_named(socket->core, &socket->receiving, NULL)) return NULL;
    socket->calls++;
    zmq__engine_received(socket->engine);
    return zmtp_msg_part(&socket->receiving, 0);
}

// Is it the last of its message?
static inline bool zmq__routed_last(const struct zmq__socket *socket)
{
    return socket->taken + 1 == socket->receiving.count;
}

// It was given to the program; lets go of the lock.
static inline void zmq__routed_taken(struct zmq__quick quick)
{
    struct zmq__socket *const socket = quick.socket;
    socket->more = ++socket->taken < socket->receiving.count;
    zmq__quick_leave(quick, zmq__quick_rests(socket->engine));
}

#endif
