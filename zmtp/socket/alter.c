#include "alter.h"

#include "pattern.h"

static int alter_copy(struct zmtp_part copies[3], const struct zmtp_socket_config *config,
                      const struct zmtp_allocator *allocator)
{
    const struct zmtp_bytes views[] = {config->routing_id, config->metadata, config->xpub_welcome};
    for (size_t i = 0; i < 3; i++) {
        const int result = zmtp_part_copy(&copies[i], views[i], allocator);
        if (result < 0) return result;
    }
    return ZMTP_OK;
}

static void alter_replace(struct zmtp_part *part, struct zmtp_part *copy)
{
    zmtp_part_fini(part);
    *part = *copy;
    *copy = (struct zmtp_part){0};
}

int zmtp__socket_alter(struct zmtp_socket *socket, const struct zmtp_socket_config *config)
{
    const struct zmtp_socket_config before = socket->config;
    struct zmtp_socket_config after = *config;
    struct zmtp_part copies[3] = {{0}};
    after.type = before.type;
    int result = zmtp_socket_config_check(&after, NULL);
    if (result == ZMTP_OK) result = alter_copy(copies, &after, before.allocator);
    if (result == ZMTP_OK) {
        alter_replace(&socket->routing_id, &copies[0]);
        alter_replace(&socket->metadata, &copies[1]);
        alter_replace(&socket->xpub_welcome, &copies[2]);
        after.allocator = before.allocator;
        after.pool = before.pool;
        after.routing_id = zmtp_part_bytes(&socket->routing_id);
        after.metadata = zmtp_part_bytes(&socket->metadata);
        after.xpub_welcome = zmtp_part_bytes(&socket->xpub_welcome);
        socket->config = after;
    }
    for (size_t i = 0; i < 3; i++)
        zmtp_part_fini(&copies[i]);
    return result;
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
