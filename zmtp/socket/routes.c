#include "routes.h"

#include "fair_queue.h"
#include "notices.h"

void zmtp__routes_init(struct zmtp__routes *routes, const struct zmtp_allocator *allocator)
{
    zmtp__trie_init(&routes->ids, allocator);
}

void zmtp__routes_fini(struct zmtp__routes *routes)
{
    zmtp__trie_fini(&routes->ids);
}

struct zmtp__routed *zmtp__routes_find(const struct zmtp__routes *routes,
                                       struct zmtp_bytes routing_id)
{
    const struct zmtp__key *route = zmtp__trie_find(&routes->ids, routing_id);
    return route ? route->value : NULL;
}

void zmtp__routes_forget(struct zmtp__routes *routes, struct zmtp__routed *lane)
{
    if (lane->route) zmtp__trie_remove(&routes->ids, lane->route);
    lane->route = NULL;
}

int zmtp__routes_name(struct zmtp__routes *routes, struct zmtp__routed *lane,
                      struct zmtp_bytes routing_id)
{
    struct zmtp_part part;
    int result = zmtp_part_copy(&part, routing_id, routes->ids.allocator);
    if (result < 0) return result;
    struct zmtp__key *route;
    result = zmtp__trie_add(&routes->ids, routing_id, &route);
    if (result < 0) {
        zmtp_part_fini(&part);
        return result;
    }
    zmtp__routes_forget(routes, lane);
    zmtp_part_fini(&lane->routing_id);
    lane->routing_id = part;
    lane->route = route;
    route->value = lane;
    return ZMTP_OK;
}

void zmtp__routes_write_made(uint32_t number, uint8_t id[ZMTP__ID_MADE_SIZE])
{
    id[0] = 0;
    for (size_t i = 1; i < ZMTP__ID_MADE_SIZE; i++)
        id[i] = (uint8_t)(number >> (8 * (ZMTP__ID_MADE_SIZE - 1 - i)));
}

int zmtp__routes_name_made(struct zmtp__routes *routes, struct zmtp__routed *lane)
{
    uint8_t id[ZMTP__ID_MADE_SIZE];
    const struct zmtp_bytes view = {id, sizeof id};
    do {
        zmtp__routes_write_made(++routes->made, id);
    } while (zmtp__routes_find(routes, view)); // after 2^32 peers the numbers come again
    return zmtp__routes_name(routes, lane, view);
}

void zmtp__routes_take_over(struct zmtp__routes *routes, struct zmtp__routed *lane,
                            struct zmtp__routed *holder)
{
    zmtp__routes_forget(routes, lane);
    zmtp_part_fini(&lane->routing_id);
    zmtp_part_share(&lane->routing_id, &holder->routing_id);
    lane->route = holder->route;
    lane->route->value = lane;
    holder->route = NULL;
}

int zmtp__routes_recv(struct zmtp_socket *socket, struct zmtp_msg *msg)
{
    struct zmtp__lane *lane = zmtp__fair_queue_first(socket);
    if (!lane) return ZMTP_ERR_AGAIN;
    struct zmtp_part id;
    zmtp_part_share(&id, &zmtp__routed_of(lane)->routing_id);
    int result = zmtp_msg_append_part(msg, &id);
    if (result == ZMTP_OK && zmtp__notices_first(lane))
        result = zmtp__notices_take(socket, lane, msg);
    else if (result == ZMTP_OK)
        result = zmtp__fair_queue_take(socket, lane, msg);
    if (result < 0) {
        zmtp_part_fini(&id);
        zmtp_msg_fini(msg);
    }
    return result;
}
