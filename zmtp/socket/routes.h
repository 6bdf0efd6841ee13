// Who is called what: the routing ids of the peers of a pattern whose user names them, as ROUTER
// and STREAM. No two live peers have the same one.
#ifndef ZMTP_SOCKET_ROUTES_H
#define ZMTP_SOCKET_ROUTES_H

#include "alter.h"
#include "pattern.h"
#include "trie.h"

struct zmtp__routes {
    struct zmtp__trie ids; // a key's value is the lane
    uint32_t made;         // ids made so far
};

// The pattern's own lane begins with this struct.
struct zmtp__routed {
    struct zmtp__lane lane;
    struct zmtp_part routing_id;
    struct zmtp__key *route; // null: gone, or not named yet
};

static inline struct zmtp__routed *zmtp__routed_of(struct zmtp__lane *lane)
{
    return (struct zmtp__routed *)lane;
}

void zmtp__routes_init(struct zmtp__routes *routes, const struct zmtp_allocator *allocator);
void zmtp__routes_fini(struct zmtp__routes *routes);
// Whose id this is; null: it is free.
struct zmtp__routed *zmtp__routes_find(const struct zmtp__routes *routes,
                                       struct zmtp_bytes routing_id);
// Gives the lane an id that is free, instead of the one it may have.
int zmtp__routes_name(struct zmtp__routes *routes, struct zmtp__routed *lane,
                      struct zmtp_bytes routing_id);
// The same with one that is made here: five octets, the first of them zero, so that no peer can
// announce it, and a number.
int zmtp__routes_name_made(struct zmtp__routes *routes, struct zmtp__routed *lane);
// Writes the one of this number.
void zmtp__routes_write_made(uint32_t number, uint8_t id[ZMTP__ID_MADE_SIZE]);
// The lane has no id any more, but what came from it is still given under its old one.
void zmtp__routes_forget(struct zmtp__routes *routes, struct zmtp__routed *lane);
// |lane| gets the id of |holder|, which has none then.
void zmtp__routes_take_over(struct zmtp__routes *routes, struct zmtp__routed *lane,
                            struct zmtp__routed *holder);

// A pattern's recv: the id, and what comes from the lane whose turn it is.
int zmtp__routes_recv(struct zmtp_socket *socket, struct zmtp_msg *msg);

#endif
