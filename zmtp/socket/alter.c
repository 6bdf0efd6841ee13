#include "alter.h"

#include "pattern.h"
#include "routes.h"

int zmtp__socket_alter(struct zmtp_socket *socket, const struct zmtp_socket_config *config)
{
    const struct zmtp_socket_config before = socket->config;
    struct zmtp_socket_config after = *config;
    struct zmtp_part copies = {0};
    after.type = before.type;
    int result = zmtp_socket_config_check(&after, NULL);
    if (result == ZMTP_OK) result = zmtp__config_copy_texts(&after, &copies, before.allocator);
    if (result < 0) return result;
    zmtp_part_fini(&socket->texts);
    socket->texts = copies;
    zmtp__config_turn_texts(&after, &socket->texts);
    after.allocator = before.allocator;
    after.pool = before.pool;
    socket->config = after;
    socket->looks++; // what was known of the lanes may have been by the config
    zmtp__socket_lose_way(socket);
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

size_t zmtp__socket_made(const struct zmtp_socket *socket, uint8_t id[ZMTP__ID_MADE_SIZE])
{
    const uint32_t number = socket->pattern->made ? socket->pattern->made(socket) : 0;
    zmtp__routes_write_made(number, id);
    return number > 0 ? ZMTP__ID_MADE_SIZE : 0;
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
