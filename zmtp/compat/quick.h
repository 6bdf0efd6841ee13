// The way of most calls: one short part, to or from a connection or over a line, while nothing else is to be done. It
// does what the general functions of socket.h and transfer.c do, in a few steps, and nothing at all where anything is
// out of the ordinary: then it is theirs, and the lock that was taken is theirs, too.
//
// A message is written where it leaves, and read where it lies, without a struct of its own; there are no atomic writes
// but the lock's, and none at all by the thread that the lock favours (latch.h).
#ifndef ZMTP_COMPAT_QUICK_H
#define ZMTP_COMPAT_QUICK_H

#include "../socket/express.h"
#include "socket.h"
#include "stretch.h"
#include "unsent.h"

// A call that is inside.
struct zmq__quick {
    struct zmq__socket *socket; // null: something is not as always, and nothing was done
    struct zmq__seat *seat;     // it slipped in; null: it has the lock
};

// Takes the lock, or slips in. Who goes on with a general function says so by zmq__quick_begin.
static inline struct zmq__quick zmq__quick_enter(void *handle)
{
    const struct zmq__quick none = {NULL, NULL};
    struct zmq__socket *const socket = zmq__stretch_socket(handle);
    if (!socket) return none;
    const void *const me = zmq__latch_me();
    struct zmq__seat *const seat = zmq__latch_slip(&socket->latch, me);
    if (!seat && !zmq__latch_try(&socket->latch, me)) return none;
    return (struct zmq__quick){socket, seat};
}

// It has the lock from now on, and is inside as after zmq__socket_enter.
static inline struct zmq__socket *zmq__quick_begin(struct zmq__quick quick)
{
    if (quick.seat) zmq__latch_settle(&quick.socket->latch, quick.seat);
    zmq__socket_begin(quick.socket);
    return quick.socket;
}

// Has it one thread, and connections alone, or lines alone of which none has news?
static inline bool zmq__quick_plain(const struct zmq__socket *socket)
{
    const bool near = atomic_load_explicit(&socket->near, memory_order_relaxed);
    if (socket->safe || near == (socket->engine != NULL)) return false;
    return !near || zmtp__dock_quiet(&socket->dock);
}

// Lets go of the lock, or slips out. |left|: the engine has nothing to do for what was just passed, or the watch does it.
static inline void zmq__quick_leave(struct zmq__quick quick, bool left)
{
    struct zmq__socket *const socket = quick.socket;
    if (!left) {
        zmq__socket_leave_working(socket, quick.seat);
        return;
    }
    socket->told = 0;
    zmq__engine_enter(socket->engine);
    if (quick.seat) {
        // Whoever wanted in is the watch, as a rule, for something that is not to wait.
        if (!zmq__latch_slip_out(&socket->latch, quick.seat)) zmq__socket_come_back(socket);
        return;
    }
    zmq__latch_count(&socket->latch, zmq__latch_me());
    zmq__latch_leave(&socket->latch, memory_order_release);
}

// The same of a socket with lines, also for a call that slipped in. Its dock has slept all the time, so whoever calls
// rings, and works for the socket or, if it does not get in, has called before this thread looks.
static inline void zmq__quick_part(struct zmq__quick quick, bool sent, size_t size)
{
    struct zmq__socket *const socket = quick.socket;
    if (socket->core->marks.first || socket->dock.marks.first) {
        zmq__socket_look(zmq__quick_begin(quick));
        zmq__socket_leave(socket);
        return;
    }
    if (quick.seat) {
        if (sent)
            zmq__stretch_try_send(socket, size);
        else
            zmq__stretch_try_recv(socket);
        if (zmq__latch_slip_out(&socket->latch, quick.seat)) return;
    } else {
        zmq__latch_count(&socket->latch, zmq__latch_me());
        zmq__latch_leave(&socket->latch, memory_order_seq_cst);
        if (!atomic_load_explicit(&socket->dock.called, memory_order_seq_cst)) return;
    }
    zmq__socket_come_back(socket);
}

// Does more wait to be received? Who answers has more to answer then, and what it sends is written with that.
static inline bool zmq__quick_more(const struct zmq__socket *socket)
{
    const struct zmtp__lane *const next = zmtp__list_first(&socket->core->readable);
    return next && zmtp__pipe_readable(next->end);
}

// Does what was sent just now wait, for the stream to go on or for more answers? The first answer that does is noted, as
// the first of a stream is, so that the thread writes it when it waits elsewhere.
static inline bool zmq__quick_waits(const struct zmq__socket *socket)
{
    struct zmq__engine *const engine = socket->engine;
    if (!engine->direct) return zmq__engine_streams(engine);
    return zmq__engine_watched(engine) && zmq__quick_more(socket) && zmq__unsent_noted(socket);
}

// May what was sent before wait while the program has just received? It answers, or comes for more, and then it leaves
// with that; else the watch writes it, a millisecond later.
static inline bool zmq__quick_rests(const struct zmq__engine *engine)
{
    return (!engine->ran && !zmq__engine_marked(engine)) || zmq__engine_watched(engine);
}

// The same of one that sent |size| octets alone.
static inline void zmq__quick_leave_sent(struct zmq__quick quick, size_t size)
{
    const bool left = zmq__quick_waits(quick.socket);
    if (left && quick.seat) zmq__stretch_try_send(quick.socket, size);
    zmq__quick_leave(quick, left);
}

// Sends a message of a few octets alone to a connection, as most are amid a stream, and lets go of the lock. False: it was
// not sent.
static inline bool zmq__quick_send_few(struct zmq__quick quick, struct zmtp_bytes body)
{
    struct zmq__socket *const socket = quick.socket;
    struct zmq__engine *const engine = socket->engine;
    if (!engine || socket->safe || atomic_load_explicit(&socket->near, memory_order_relaxed))
        return false;
    if (socket->sending.count > 0 || !zmq__engine_takes(engine, body.size)) return false;
    if (!zmtp__express_send_few(socket->core, body)) return false;
    zmq__engine_note_moved(engine);
    engine->uv->unflushed += body.size;
    zmq__quick_leave_sent(quick, body.size);
    return true;
}

// Sends a message of |body| alone, and lets go of the lock. False: it was not sent.
static inline bool zmq__quick_send(struct zmq__quick quick, struct zmtp_bytes body)
{
    struct zmq__socket *const socket = quick.socket;
    if (!zmq__quick_plain(socket) || socket->sending.count > 0) return false;
    struct zmq__engine *const engine = socket->engine;
    if (engine && !zmq__engine_takes(engine, body.size)) return false;
    if (!zmtp__express_send(socket->core, body)) return false;
    if (!engine) {
        zmq__quick_part(quick, true, body.size);
        return true;
    }
    zmq__engine_note_moved(engine);
    engine->uv->unflushed += body.size;
    zmq__quick_leave_sent(quick, body.size);
    return true;
}

// The same of a publisher's message, amid a stream to connections. That does not count for a favour: beside what a message
// to many costs the lock is little, and to end the favour again for each of its turns would cost the watch more.
static inline bool zmq__quick_send_volley(struct zmq__quick quick, struct zmtp_bytes body)
{
    struct zmq__socket *const socket = quick.socket;
    if (socket->type != ZMTP_PUB || !socket->engine || !zmq__quick_plain(socket)) return false;
    if (socket->sending.count > 0 || !zmq__stretch_volley(socket, body)) return false;
    zmq__engine_note_moved(socket->engine);
    socket->told = 0;
    zmq__engine_enter(socket->engine);
    if (quick.seat) {
        if (!zmq__latch_slip_out(&socket->latch, quick.seat)) zmq__socket_come_back(socket);
        return true;
    }
    zmq__latch_leave(&socket->latch, memory_order_release);
    return true;
}

// Shows the next message, of one part. False: the general functions tell what there is.
static inline bool zmq__quick_peek(struct zmq__socket *socket, struct zmtp__express_view *view)
{
    if (!zmq__quick_plain(socket) || socket->taken < socket->receiving.count) return false;
    if (socket->calls + 1 >= ZMQ__SOCKET_CALLS && !zmq__socket_goes_on(socket)) return false;
    return zmtp__express_peek(socket->core, view);
}

// Takes it, and lets go of the lock. Inlined into each of the two that receive, as a call costs a twentieth of either.
__attribute__((always_inline)) static inline void zmq__quick_take(
    struct zmq__quick quick, const struct zmtp__express_view *view)
{
    struct zmq__socket *const socket = quick.socket;
    struct zmq__engine *const engine = socket->engine;
    zmtp__express_take(socket->core, view);
    socket->more = false;
    socket->calls++;
    if (socket->receiving.count > 0) zmq__socket_forget(socket);
    if (socket->purse.count > 0 && !zmq__quick_more(socket))
        zmq__purse_empty(&socket->purse); // so that it keeps no slab that nobody needs
    if (!engine) {
        zmq__quick_part(quick, false, 0);
        return;
    }
    zmq__engine_note_moved(engine);
    engine->direct = true;
    const bool left = zmq__quick_rests(engine);
    if (left && quick.seat) zmq__stretch_try_recv(socket);
    zmq__quick_leave(quick, left);
}

#endif
