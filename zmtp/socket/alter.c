#include "alter.h"

#include "pattern.h"

int zmtp__socket_alter(struct zmtp_socket *socket, const struct zmtp_socket_config *config)
{
    const struct zmtp_socket_config before = socket->config;
    struct zmtp_socket_config after = *config;
    struct zmtp_part copies[ZMTP__TEXTS] = {{0}};
    after.type = before.type;
    int result = zmtp_socket_config_check(&after, NULL);
    for (size_t i = 0; i < ZMTP__TEXTS && result == ZMTP_OK; i++)
        result = zmtp_part_copy(&copies[i], *zmtp__config_text(&after, i), before.allocator);
    for (size_t i = 0; i < ZMTP__TEXTS; i++) {
        zmtp_part_fini(result == ZMTP_OK ? &socket->texts[i] : &copies[i]);
        if (result < 0) continue;
        socket->texts[i] = copies[i];
        *zmtp__config_text(&after, i) = zmtp_part_bytes(&socket->texts[i]);
    }
    if (result < 0) return result;
    after.allocator = before.allocator;
    after.pool = before.pool;
    socket->config = after;
    return ZMTP_OK;
}

int zmtp__socket_admits(struct zmtp_socket *socket, struct zmtp_bytes first)
{
    if (!socket->pattern->send) return ZMTP_ERR_UNSUPPORTED;
    zmtp_socket_process(socket);
    if (socket->pattern->admits) return socket->pattern->admits(socket, first);
    return zmtp_socket_events(socket) & ZMTP_WRITABLE ? ZMTP_OK : ZMTP_ERR_AGAIN;
}

int zmtp__socket_reaches(struct zmtp_socket *socket, struct zmtp_bytes routing_id)
{
    zmtp_socket_process(socket);
    if (!socket->pattern->reaches) return ZMTP_ERR_UNSUPPORTED;
    return socket->pattern->reaches(socket, routing_id);
}

int zmtp__socket_part_peer(struct zmtp_socket *socket, uint32_t number)
{
    const enum zmtp_socket_type type = socket->config.type;
    if (type != ZMTP_SERVER && type != ZMTP_PEER) return ZMTP_ERR_UNSUPPORTED;
    zmtp_socket_process(socket);
    for (const struct zmtp__node *node = socket->lanes.next; node->lane; node = node->next) {
        if (node->lane->gone || socket->pattern->peer_id(node->lane) != number) continue;
        zmtp__lane_part(socket, node->lane);
        return ZMTP_OK;
    }
    return ZMTP_ERR_UNREACHABLE;
}
