#include "ticks.h"

#include "../socket/pattern.h"
#include "foreign.h"

static void ticks_ring(uv_timer_t *timer);

// Sets the timer for the first of those that wait.
static void ticks_set(struct zmtp_uv *uv)
{
    uint64_t due_ms = UINT64_MAX;
    for (const struct zmtp_uv_socket *at = uv->ticking; at; at = at->ticking_next)
        if (at->tick_ms < due_ms) due_ms = at->tick_ms;
    if (due_ms == UINT64_MAX) {
        uv_timer_stop(&uv->ticks);
        return;
    }
    const uint64_t now = zmtp__engine_now(uv);
    uv_timer_start(&uv->ticks, ticks_ring, due_ms > now ? due_ms - now : 0, 0);
    zmtp__foreign_ring(uv);
}

static void ticks_ring(uv_timer_t *timer)
{
    struct zmtp_uv *uv = timer->data;
    if (!zmtp__engine_enter(uv)) return;
    const uint64_t now = uv_now(uv->loop);
    for (struct zmtp_uv_socket *at = uv->ticking; at; at = at->ticking_next)
        if (at->tick_ms <= now) zmtp__uv_socket_touch(at);
    zmtp__engine_dispatch(uv);
}

static void ticks_unlist(struct zmtp_uv_socket *socket)
{
    struct zmtp_uv_socket **link = &socket->uv->ticking;
    while (*link != socket)
        link = &(*link)->ticking_next;
    *link = socket->ticking_next;
    socket->tick_ms = UINT64_MAX;
}

void zmtp__ticks_look(struct zmtp_uv_socket *socket)
{
    struct zmtp_uv *uv = socket->uv;
    uint64_t due_ms = zmtp_socket_deadline(socket->core);
    if (due_ms == socket->tick_ms && due_ms == UINT64_MAX) return; // most never wait
    const uint64_t now = zmtp__engine_now(uv);
    if (due_ms <= now) {
        // The program may have been busy elsewhere while replies came: the loop reads them first.
        zmtp__socket_tick(socket->core, now, uv->heard_ms);
        due_ms = zmtp_socket_deadline(socket->core);
        if (due_ms <= now) due_ms = now + 1; // what could not be done now is tried in a moment
    }
    if (due_ms == socket->tick_ms) return;
    if (socket->tick_ms != UINT64_MAX) ticks_unlist(socket);
    socket->tick_ms = due_ms;
    if (due_ms != UINT64_MAX) {
        socket->ticking_next = uv->ticking;
        uv->ticking = socket;
    }
    ticks_set(uv);
}

void zmtp__ticks_forget(struct zmtp_uv_socket *socket)
{
    if (socket->tick_ms == UINT64_MAX) return;
    ticks_unlist(socket);
    ticks_set(socket->uv);
}
