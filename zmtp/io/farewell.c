#include "farewell.h"

#include <string.h>

int zmtp__farewell_open(struct zmtp__farewell **out, struct zmtp_uv_socket *socket,
                        const char *endpoint, const struct zmtp__far_facts *peer)
{
    struct zmtp_uv *uv = socket->uv;
    struct zmtp__farewell *farewell = zmtp_alloc(uv->allocator, sizeof *farewell);
    *out = farewell;
    if (!farewell) return ZMTP_ERR_MEMORY;
    *farewell = (struct zmtp__farewell){.socket = socket, .peer = *peer};
    strcpy(farewell->endpoint, endpoint); // the parser checked the size
    return ZMTP_OK;
}

void zmtp__farewell_close(struct zmtp__farewell *farewell)
{
    if (farewell) zmtp_free(farewell->socket->uv->allocator, farewell, sizeof *farewell);
}

void zmtp__farewell_say(struct zmtp__farewell *farewell, int error)
{
    struct zmtp_uv *uv = farewell->socket->uv;
    if (!farewell->due || farewell->socket->closing) {
        zmtp__farewell_close(farewell);
        return;
    }
    // In the order in which they went.
    farewell->before = uv->last_farewell;
    if (farewell->before)
        farewell->before->next = farewell;
    else
        uv->farewells = farewell;
    uv->last_farewell = farewell;
    zmtp__hook_in(&farewell->socket->farewells, &farewell->of_socket, farewell);
    farewell->error = error;
    uv->inproc_news = true;
    zmtp__uv_socket_touch(farewell->socket);
}

// Off the lists.
static void farewell_take(struct zmtp_uv *uv, struct zmtp__farewell *farewell)
{
    if (farewell->before)
        farewell->before->next = farewell->next;
    else
        uv->farewells = farewell->next;
    if (farewell->next)
        farewell->next->before = farewell->before;
    else
        uv->last_farewell = farewell->before;
    zmtp__hook_out(&farewell->of_socket);
}

bool zmtp__farewell_tell(struct zmtp_uv *uv)
{
    struct zmtp__farewell *farewell = uv->farewells;
    if (!farewell) return false;
    farewell_take(uv, farewell);
    const struct zmtp_event event = {
        .kind = ZMTP_EVENT_CLOSED,
        .peer = farewell->number,
        .endpoint = farewell->endpoint,
        .remote = farewell->endpoint,
        .descriptor = -1,
        .error = farewell->error,
        .routing_id = zmtp_bytes_of(farewell->peer.routing_id, farewell->peer.routing_id_size),
        .peer_type = farewell->peer.type,
    };
    zmtp__uv_socket_tell(farewell->socket, &event);
    // The socket may be closed now, but is not freed before its turn.
    zmtp__farewell_close(farewell);
    return true;
}

void zmtp__farewell_leave(struct zmtp_uv_socket *socket)
{
    while (socket->farewells) {
        struct zmtp__farewell *farewell = socket->farewells->owner;
        farewell_take(socket->uv, farewell);
        zmtp__farewell_close(farewell);
    }
}
