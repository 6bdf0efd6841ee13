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
    struct zmtp__farewell **at = &uv->farewells;
    while (*at)
        at = &(*at)->next;
    *at = farewell;
    farewell->error = error;
    uv->inproc_news = true;
    zmtp__uv_socket_touch(farewell->socket);
}

bool zmtp__farewell_tell(struct zmtp_uv *uv)
{
    struct zmtp__farewell *farewell = uv->farewells;
    if (!farewell) return false;
    uv->farewells = farewell->next;
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
    for (struct zmtp__farewell **at = &socket->uv->farewells; *at;) {
        struct zmtp__farewell *farewell = *at;
        if (farewell->socket == socket) {
            *at = farewell->next;
            zmtp__farewell_close(farewell);
        } else {
            at = &farewell->next;
        }
    }
}
