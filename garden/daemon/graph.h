// The graph of nodes: their ports, and the connections from outputs to inputs of the same signal type,
// without a cycle.
#ifndef GARDEN_DAEMON_GRAPH_H
#define GARDEN_DAEMON_GRAPH_H

#include "changes.h"
#include "table.h"

enum {
    GRAPH_NODES_MAX = 1024,
    GRAPH_CONNECTIONS_MAX = 4096,
    GRAPH_PORTS_MAX = 256, // of a node, in each direction
    GRAPH_NODE_MEMORY_MAX = 64 * 1024
};

struct graph_port {
    struct garden_text name, signal_type;
};

// A row of a table. Texts, ports and configuration live in |arena|.
struct graph_node {
    struct table_row row;
    struct garden_node_descriptor descriptor;
    struct graph_port *inputs, *outputs;
    size_t input_count, output_count;
    struct garden_arena arena;
    // Of the search for a cycle that is under way: the loop's alone.
    bool reached;
    uint16_t first_link; // that leaves it; GRAPH_CONNECTIONS_MAX: none
    struct graph_node *next_open;
};

// Places of ports in their nodes.
struct graph_connection {
    struct graph_node *source, *dest;
    size_t output, input;
};

// In the order in which they were made. Shared with snapshots, and copied before a change then.
struct graph_links {
    size_t references, count, space;
    struct graph_connection items[];
};

struct graph {
    struct table nodes;
    struct graph_links *links;                  // null: there was never one
    uint16_t next_links[GRAPH_CONNECTIONS_MAX]; // of the same search: the links are shared
};
// |allocator| null: the heap; it bounds what strangers can make the graph hold.
void graph_init(struct graph *graph, const struct zmtp_allocator *allocator);
void graph_fini(struct graph *graph);

size_t graph_links_count(const struct graph_links *links); // null has none
// The connections as they are now, beside a snapshot of |nodes|, which has the nodes that they name.
struct graph_links *graph_links_snapshot(struct graph *graph);
void graph_links_release(struct graph *graph, struct graph_links *links);

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
