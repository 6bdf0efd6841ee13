// What a socket is told of its peers' coming and going, each with its number.
#ifndef TEST_SUPPORT_ENDS_H
#define TEST_SUPPORT_ENDS_H

#include "test/support/world.h"

enum { ENDS_MAX = 16 };

struct ends {
    size_t come, gone;
    uint64_t numbers[ENDS_MAX];      // of those that came, in their order
    uint64_t gone_numbers[ENDS_MAX]; // of those that went
    int errors[ENDS_MAX];
    enum zmtp_socket_type types[ENDS_MAX];
    char routing_ids[ENDS_MAX][UINT8_MAX + 1];
    char endpoints[ENDS_MAX][ZMTP_ENDPOINT_MAX];
};

// After node_init, before node_open. Each that goes has to have come, and goes once.
void ends_watch(struct ends *ends, struct node *node);
void ends_open(struct ends *ends, struct node *node, struct world *world,
               enum zmtp_socket_type type);
// The one that went as the |index|th was that which came as the |index|th, and this is what was told.
void ends_assert(const struct ends *ends, size_t index, int error, enum zmtp_socket_type type,
                 const char *routing_id, const char *endpoint);

#endif
