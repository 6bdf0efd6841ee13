// The graph of nodes: their ports, and the connections from outputs to inputs of the same signal type,
// without a cycle.
#ifndef GARDEN_DAEMON_GRAPH_H
#define GARDEN_DAEMON_GRAPH_H

#include "changes.h"

enum {
    GRAPH_NODES_MAX = 1024,
    GRAPH_CONNECTIONS_MAX = 4096,
    GRAPH_PORTS_MAX = 256, // of a node, in each direction
    GRAPH_NODE_MEMORY_MAX = 64 * 1024
};

struct graph_port {
    struct garden_text name, signal_type;
};

// Texts, ports and configuration live in |arena|.
struct graph_node {
    struct garden_uuid id;
    struct garden_node_descriptor descriptor;
    struct graph_port *inputs, *outputs;
    size_t input_count, output_count;
    struct garden_arena arena;
    bool reached; // by the search for a cycle that is under way
};

// Places of ports in their nodes.
struct graph_connection {
    struct graph_node *source, *dest;
    size_t output, input;
};

struct graph {
    const struct zmtp_allocator *allocator;
    struct graph_node **nodes;
    size_t node_count, node_space;
    struct graph_connection *connections;
    size_t connection_count, connection_space;
};
// |allocator| null: the heap; it bounds what strangers can make the graph hold.
void graph_init(struct graph *graph, const struct zmtp_allocator *allocator);
void graph_fini(struct graph *graph);

// |id| must be new. The ports come from the descriptor's config, where it has some:
//   {"inputs": [{"name": ..., "signal_type": ...}, ...], "outputs": [...]}
int graph_add(struct graph *graph, struct garden_uuid id,
              const struct garden_node_descriptor *descriptor, struct changes *changes,
              struct garden_error *error);
// With its connections.
int graph_remove(struct graph *graph, struct garden_uuid id, struct changes *changes,
                 struct garden_error *error);
int graph_connect(struct graph *graph, const struct garden_port_ref *source,
                  const struct garden_port_ref *dest, struct changes *changes,
                  struct garden_error *error);
int graph_disconnect(struct graph *graph, const struct garden_port_ref *source,
                     const struct garden_port_ref *dest, struct changes *changes,
                     struct garden_error *error);

#endif
