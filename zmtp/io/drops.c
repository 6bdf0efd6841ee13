#include "drops.h"

#include <string.h>

void zmtp__drops_note(struct zmtp_uv_socket *socket)
{
    if (socket->dropping || !socket->core || !socket->config.on_event) return;
    const uint64_t *dropped = zmtp_socket_dropped(socket->core);
    if (memcmp(dropped, socket->told_dropped, sizeof socket->told_dropped) == 0) return;
    socket->dropping = true;
    socket->dropping_next = socket->uv->dropping;
    socket->uv->dropping = socket;
    zmtp__engine_wake(socket->uv);
}

// A callback may close the socket, which is freed by a later turn of its own.
static void drops_tell_socket(struct zmtp_uv_socket *socket)
{
    for (enum zmtp_drop drop = 0; drop < ZMTP_DROPS && socket->core; drop++) {
        const uint64_t dropped = zmtp_socket_dropped(socket->core)[drop];
        const uint64_t count = dropped - socket->told_dropped[drop];
        if (count == 0) continue;
        socket->told_dropped[drop] = dropped;
        const struct zmtp_event event = {.kind = ZMTP_EVENT_DROPPED,
                                         .descriptor = -1,
                                         .endpoint = "",
                                         .remote = "",
                                         .drop = drop,
                                         .count = count};
        zmtp__uv_socket_tell(socket, &event);
    }
}

void zmtp__drops_tell(struct zmtp_uv *uv)
{
    struct zmtp_uv_socket *socket = uv->dropping;
    uv->dropping = NULL;
    while (socket) {
        struct zmtp_uv_socket *const next = socket->dropping_next;
        socket->dropping = false;
        drops_tell_socket(socket);
        socket = next;
    }
}

void zmtp__drops_forget(struct zmtp_uv_socket *socket)
{
    if (!socket->dropping) return;
    struct zmtp_uv_socket **link = &socket->uv->dropping;
    while (*link != socket)
        link = &(*link)->dropping_next;
    *link = socket->dropping_next;
}
