#include "graph.h"

#include <string.h>

#include "../core/error.h"

enum { GRAPH_SPACE_MIN = 16, GRAPH_SHOWN_MAX = 64 };

void graph_init(struct graph *graph, const struct zmtp_allocator *allocator)
{
    *graph = (struct graph){.allocator = allocator ? allocator : zmtp_heap()};
}

static void graph_node_free(const struct graph *graph, struct graph_node *node)
{
    garden_arena_fini(&node->arena);
    zmtp_free(graph->allocator, node, sizeof *node);
}

void graph_fini(struct graph *graph)
{
    for (size_t i = 0; i < graph->node_count; i++)
        graph_node_free(graph, graph->nodes[i]);
    zmtp_free(graph->allocator, graph->nodes, graph->node_space * sizeof(struct graph_node *));
    zmtp_free(graph->allocator, graph->connections,
              graph->connection_space * sizeof *graph->connections);
    *graph = (struct graph){0};
}

// Makes room in an array for one more of |size| octets. False: no memory.
static bool graph_grow(const struct graph *graph, void **items, size_t count, size_t *space,
                       size_t size)
{
    if (count < *space) return true;
    const size_t wider = *space ? *space * 2 : GRAPH_SPACE_MIN;
    void *grown = zmtp_realloc(graph->allocator, *items, *space * size, wider * size);
    if (!grown) return false;
    *items = grown;
    *space = wider;
    return true;
}

// How much of |text| an error shows.
static int graph_shown(struct garden_text text)
{
    return text.size < GRAPH_SHOWN_MAX ? (int)text.size : GRAPH_SHOWN_MAX;
}

// ---- Nodes

// |graph->node_count| when there is none.
static size_t graph_place(const struct graph *graph, struct garden_uuid id)
{
    size_t i = 0;
    while (i < graph->node_count && !garden_uuid_equal(graph->nodes[i]->id, id))
        i++;
    return i;
}

static int graph_unknown(struct garden_uuid id, struct garden_error *error)
{
    char text[GARDEN_UUID_TEXT_SIZE + 1];
    garden_uuid_format(id, text);
    return garden__fail(error, GARDEN_ERR_NOT_FOUND, "there is no node %s", text);
}

static bool graph_port_read(const struct garden_value *value, struct graph_port *out)
{
    return garden_value_to_text(garden_value_find(value, "name"), &out->name) &&
           garden_value_to_text(garden_value_find(value, "signal_type"), &out->signal_type) &&
           out->name.size > 0 && out->signal_type.size > 0;
}

// |count| when there is none.
static size_t graph_port_find(const struct graph_port *ports, size_t count, struct garden_text name)
{
    size_t i = 0;
    while (i < count && !garden_text_equal(ports[i].name, name))
        i++;
    return i;
}

static int graph_node_memory(const struct graph_node *node, struct garden_error *error)
{
    if (node->arena.error == GARDEN_ERR_LIMIT)
        return garden__fail(error, GARDEN_ERR_LIMIT, "a node's descriptor has at most %d octets",
                            GRAPH_NODE_MEMORY_MAX);
    return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a node");
}

// The ports that the node's own config lists as |key|.
static int graph_read_ports(struct graph_node *node, const char *key, struct graph_port **ports,
                            size_t *count, struct garden_error *error)
{
    const struct garden_value *list = garden_value_find(&node->descriptor.config, key);
    if (!list || list->type == GARDEN_NULL) return GARDEN_OK;
    if (list->type != GARDEN_LIST || list->list.count > GRAPH_PORTS_MAX)
        return garden__fail(error, GARDEN_ERR_FORMAT,
                            "config.%s must be a list of at most %d ports", key, GRAPH_PORTS_MAX);
    *ports = garden_arena_alloc(&node->arena, list->list.count, sizeof **ports);
    if (!*ports) return graph_node_memory(node, error);
    for (size_t i = 0; i < list->list.count; i++) {
        struct graph_port *port = &(*ports)[i];
        if (!graph_port_read(&list->list.items[i], port))
            return garden__fail(error, GARDEN_ERR_FORMAT,
                                "config.%s[%zu] must have a name and a signal_type", key, i);
        if (graph_port_find(*ports, i, port->name) < i)
            return garden__fail(error, GARDEN_ERR_EXISTS, "config.%s[%zu] has the name of another",
                                key, i);
        (*count)++;
    }
    return GARDEN_OK;
}

static bool graph_keep_text(struct graph_node *node, struct garden_text *to,
                            struct garden_text from)
{
    const struct garden_value value = garden_value_text(from);
    struct garden_value copy;
    if (garden_value_copy(&node->arena, &value, &copy) < 0) return false;
    *to = copy.text;
    return true;
}

// Fills |node| with a copy of |from| and the ports that it describes.
static int graph_describe(struct graph_node *node, const struct garden_node_descriptor *from,
                          struct garden_error *error)
{
    struct garden_node_descriptor *to = &node->descriptor;
    if (!graph_keep_text(node, &to->name, from->name) ||
        !graph_keep_text(node, &to->node_type, from->node_type) ||
        garden_value_copy(&node->arena, &from->config, &to->config) < 0)
        return graph_node_memory(node, error);
    const int result = graph_read_ports(node, "inputs", &node->inputs, &node->input_count, error);
    if (result < 0) return result;
    return graph_read_ports(node, "outputs", &node->outputs, &node->output_count, error);
}

int graph_add(struct graph *graph, struct garden_uuid id,
              const struct garden_node_descriptor *descriptor, struct changes *changes,
              struct garden_error *error)
{
    if (graph->node_count == GRAPH_NODES_MAX)
        return garden__fail(error, GARDEN_ERR_LIMIT, "there are %d nodes already: remove some",
                            GRAPH_NODES_MAX);
    void *nodes = graph->nodes;
    const bool room = graph_grow(graph, &nodes, graph->node_count, &graph->node_space,
                                 sizeof(struct graph_node *));
    graph->nodes = nodes;
    struct graph_node *node = NULL;
    if (room && changes_reserve(changes, 1)) node = zmtp_alloc(graph->allocator, sizeof *node);
    if (!node) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a node");
    *node = (struct graph_node){.id = id};
    garden_arena_init(&node->arena, graph->allocator, GRAPH_NODE_MEMORY_MAX);
    const int result = graph_describe(node, descriptor, error);
    if (result < 0) {
        graph_node_free(graph, node);
        return result;
    }
    graph->nodes[graph->node_count++] = node;
    const struct garden_event event = {
        .kind = GARDEN_EVENT_NODE_ADDED,
        .node_added = {.node_id = id, .name = node->descriptor.name},
    };
    changes_add(changes, &event);
    return GARDEN_OK;
}

// ---- Connections

static struct garden_event graph_broken(const struct graph_connection *connection)
{
    const struct graph_node *source = connection->source, *dest = connection->dest;
    return (struct garden_event){
        .kind = GARDEN_EVENT_CONNECTION_BROKEN,
        .connection_broken = {.source = {.node_id = source->id,
                                         .port_name = source->outputs[connection->output].name},
                              .dest = {.node_id = dest->id,
                                       .port_name = dest->inputs[connection->input].name}},
    };
}

int graph_remove(struct graph *graph, struct garden_uuid id, struct changes *changes,
                 struct garden_error *error)
{
    const size_t place = graph_place(graph, id);
    if (place == graph->node_count) return graph_unknown(id, error);
    struct graph_node *node = graph->nodes[place];
    if (!changes_reserve(changes, graph->connection_count + 1))
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for the events");
    // The events come first, so that one that fails leaves everything as it was.
    const size_t before = changes->count;
    for (size_t i = 0; i < graph->connection_count; i++) {
        const struct graph_connection *at = &graph->connections[i];
        if (at->source != node && at->dest != node) continue;
        struct garden_event event = graph_broken(at);
        if (!changes_keep(changes, &event.connection_broken.source.port_name) ||
            !changes_keep(changes, &event.connection_broken.dest.port_name)) {
            changes->count = before;
            return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for the events");
        }
        changes_add(changes, &event);
    }
    size_t kept = 0;
    for (size_t i = 0; i < graph->connection_count; i++)
        if (graph->connections[i].source != node && graph->connections[i].dest != node)
            graph->connections[kept++] = graph->connections[i];
    graph->connection_count = kept;
    graph_node_free(graph, node);
    graph->node_count--;
    memmove(&graph->nodes[place], &graph->nodes[place + 1],
            (graph->node_count - place) * sizeof graph->nodes[0]);
    const struct garden_event removed = {.kind = GARDEN_EVENT_NODE_REMOVED,
                                         .node_removed = {.node_id = id}};
    changes_add(changes, &removed);
    return GARDEN_OK;
}

// Finds the ends of a connection that may or may not be there.
static int graph_ends(const struct graph *graph, const struct garden_port_ref *source,
                      const struct garden_port_ref *dest, struct graph_connection *out,
                      struct garden_error *error)
{
    const size_t from = graph_place(graph, source->node_id);
    const size_t to = graph_place(graph, dest->node_id);
    if (from == graph->node_count) return graph_unknown(source->node_id, error);
    if (to == graph->node_count) return graph_unknown(dest->node_id, error);
    out->source = graph->nodes[from];
    out->dest = graph->nodes[to];
    out->output =
        graph_port_find(out->source->outputs, out->source->output_count, source->port_name);
    out->input = graph_port_find(out->dest->inputs, out->dest->input_count, dest->port_name);
    if (out->output == out->source->output_count)
        return garden__fail(error, GARDEN_ERR_NOT_FOUND, "the source has no output '%.*s'",
                            graph_shown(source->port_name), source->port_name.data);
    if (out->input == out->dest->input_count)
        return garden__fail(error, GARDEN_ERR_NOT_FOUND, "the destination has no input '%.*s'",
                            graph_shown(dest->port_name), dest->port_name.data);
    return GARDEN_OK;
}

// |graph->connection_count| when it is not there.
static size_t graph_connection_find(const struct graph *graph,
                                    const struct graph_connection *wanted)
{
    size_t i = 0;
    for (; i < graph->connection_count; i++) {
        const struct graph_connection *at = &graph->connections[i];
        if (at->source == wanted->source && at->dest == wanted->dest &&
            at->output == wanted->output && at->input == wanted->input)
            break;
    }
    return i;
}

// Whether connections lead from |from| to |to|, by marking what they reach until nothing new is.
static bool graph_reaches(struct graph *graph, struct graph_node *from, const struct graph_node *to)
{
    for (size_t i = 0; i < graph->node_count; i++)
        graph->nodes[i]->reached = false;
    from->reached = true;
    for (bool grew = true; grew && !to->reached;) {
        grew = false;
        for (size_t i = 0; i < graph->connection_count; i++) {
            const struct graph_connection *at = &graph->connections[i];
            if (!at->source->reached || at->dest->reached) continue;
            at->dest->reached = grew = true;
        }
    }
    return to->reached;
}

static int graph_check_connect(struct graph *graph, const struct graph_connection *wanted,
                               struct garden_error *error)
{
    const struct graph_port *output = &wanted->source->outputs[wanted->output];
    const struct graph_port *input = &wanted->dest->inputs[wanted->input];
    if (!garden_text_equal(output->signal_type, input->signal_type))
        return garden__fail(error, GARDEN_ERR_TYPE,
                            "the output's signals are %.*s, the input's %.*s",
                            graph_shown(output->signal_type), output->signal_type.data,
                            graph_shown(input->signal_type), input->signal_type.data);
    if (graph_connection_find(graph, wanted) < graph->connection_count)
        return garden__fail(error, GARDEN_ERR_EXISTS, "these ports are connected already");
    if (graph->connection_count == GRAPH_CONNECTIONS_MAX)
        return garden__fail(error, GARDEN_ERR_LIMIT,
                            "there are %d connections already: disconnect some",
                            GRAPH_CONNECTIONS_MAX);
    if (graph_reaches(graph, wanted->dest, wanted->source))
        return garden__fail(error, GARDEN_ERR_STATE, "this connection would close a cycle");
    return GARDEN_OK;
}

int graph_connect(struct graph *graph, const struct garden_port_ref *source,
                  const struct garden_port_ref *dest, struct changes *changes,
                  struct garden_error *error)
{
    struct graph_connection wanted;
    int result = graph_ends(graph, source, dest, &wanted, error);
    if (result == GARDEN_OK) result = graph_check_connect(graph, &wanted, error);
    if (result < 0) return result;
    void *connections = graph->connections;
    const bool room = graph_grow(graph, &connections, graph->connection_count,
                                 &graph->connection_space, sizeof *graph->connections);
    graph->connections = connections;
    if (!room || !changes_reserve(changes, 1))
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a connection");
    graph->connections[graph->connection_count++] = wanted;
    const struct garden_event event = {.kind = GARDEN_EVENT_CONNECTION_MADE,
                                       .connection_made = {.source = *source, .dest = *dest}};
    changes_add(changes, &event);
    return GARDEN_OK;
}

int graph_disconnect(struct graph *graph, const struct garden_port_ref *source,
                     const struct garden_port_ref *dest, struct changes *changes,
                     struct garden_error *error)
{
    struct graph_connection wanted;
    const int result = graph_ends(graph, source, dest, &wanted, error);
    if (result < 0) return result;
    const size_t place = graph_connection_find(graph, &wanted);
    if (place == graph->connection_count)
        return garden__fail(error, GARDEN_ERR_NOT_FOUND, "these ports are not connected");
    if (!changes_reserve(changes, 1))
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for an event");
    const struct garden_event event = graph_broken(&wanted);
    graph->connection_count--;
    memmove(&graph->connections[place], &graph->connections[place + 1],
            (graph->connection_count - place) * sizeof graph->connections[0]);
    changes_add(changes, &event);
    return GARDEN_OK;
}
