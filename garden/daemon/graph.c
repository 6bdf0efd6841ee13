#include "graph.h"

#include <string.h>

#include "../core/error.h"

enum { GRAPH_SPACE_MIN = 16, GRAPH_SHOWN_MAX = 64 };

static void graph_node_free(const struct zmtp_allocator *allocator, struct table_row *row)
{
    struct graph_node *node = (struct graph_node *)row;
    garden_arena_fini(&node->arena);
    zmtp_free(allocator, node, sizeof *node);
}

void graph_init(struct graph *graph, const struct zmtp_allocator *allocator)
{
    *graph = (struct graph){.links = NULL};
    table_init(&graph->nodes, allocator, graph_node_free);
}

void graph_fini(struct graph *graph)
{
    graph_links_release(graph, graph->links);
    table_fini(&graph->nodes);
    *graph = (struct graph){.links = NULL};
}

// ---- The list of connections

static size_t graph_links_size(size_t space)
{
    return sizeof(struct graph_links) + space * sizeof(struct graph_connection);
}

size_t graph_links_count(const struct graph_links *links)
{
    return links ? links->count : 0;
}

struct graph_links *graph_links_snapshot(struct graph *graph)
{
    if (graph->links) graph->links->references++;
    return graph->links;
}

void graph_links_release(struct graph *graph, struct graph_links *links)
{
    if (links && --links->references == 0)
        zmtp_free(graph->nodes.allocator, links, graph_links_size(links->space));
}

// A list that no snapshot refers to, with room for one more. False: no memory.
static bool graph_own_links(struct graph *graph)
{
    struct graph_links *old = graph->links;
    const size_t count = graph_links_count(old);
    if (old && old->references == 1 && count < old->space) return true;
    size_t space = old ? old->space : GRAPH_SPACE_MIN;
    if (count == space) space *= 2;
    struct graph_links *links = zmtp_alloc(graph->nodes.allocator, graph_links_size(space));
    if (!links) return false;
    *links = (struct graph_links){.references = 1, .count = count, .space = space};
    if (count > 0) memcpy(links->items, old->items, count * sizeof links->items[0]);
    graph_links_release(graph, old);
    graph->links = links;
    return true;
}

// How much of |text| an error shows.
static int graph_shown(struct garden_text text)
{
    return text.size < GRAPH_SHOWN_MAX ? (int)text.size : GRAPH_SHOWN_MAX;
}

// ---- Nodes

static struct graph_node *graph_find(const struct graph *graph, struct garden_uuid id)
{
    return (struct graph_node *)table_find(&graph->nodes, id);
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
    if (graph->nodes.count == GRAPH_NODES_MAX)
        return garden__fail(error, GARDEN_ERR_LIMIT, "there are %d nodes already: remove some",
                            GRAPH_NODES_MAX);
    struct graph_node *node =
        changes_reserve(changes, 1) ? zmtp_alloc(graph->nodes.allocator, sizeof *node) : NULL;
    if (!node) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a node");
    *node = (struct graph_node){.row = {.id = id}};
    garden_arena_init(&node->arena, graph->nodes.allocator, GRAPH_NODE_MEMORY_MAX);
    int result = graph_describe(node, descriptor, error);
    if (result == GARDEN_OK && !table_add(&graph->nodes, &node->row))
        result = garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a node");
    if (result < 0) {
        graph_node_free(graph->nodes.allocator, &node->row);
        return result;
    }
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
        .connection_broken = {.source = {.node_id = source->row.id,
                                         .port_name = source->outputs[connection->output].name},
                              .dest = {.node_id = dest->row.id,
                                       .port_name = dest->inputs[connection->input].name}},
    };
}

// Adds what tells of the connections of |node| that break. False: no memory, and nothing is added.
static bool graph_tell_broken(const struct graph_links *links, const struct graph_node *node,
                              struct changes *changes)
{
    const size_t before = changes->count;
    for (size_t i = 0; i < graph_links_count(links); i++) {
        const struct graph_connection *at = &links->items[i];
        if (at->source != node && at->dest != node) continue;
        struct garden_event event = graph_broken(at);
        if (!changes_keep(changes, &event.connection_broken.source.port_name) ||
            !changes_keep(changes, &event.connection_broken.dest.port_name)) {
            changes->count = before;
            return false;
        }
        changes_add(changes, &event);
    }
    return true;
}

int graph_remove(struct graph *graph, struct garden_uuid id, struct changes *changes,
                 struct garden_error *error)
{
    struct graph_node *node = graph_find(graph, id);
    if (!node) return graph_unknown(id, error);
    // The events come first, so that one that fails leaves everything as it was.
    const size_t before = changes->count;
    if (!changes_reserve(changes, graph_links_count(graph->links) + 1) ||
        !graph_tell_broken(graph->links, node, changes))
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for the events");
    if (!graph_own_links(graph) || !table_prepare(&graph->nodes, &node->row)) {
        changes->count = before;
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory to remove a node");
    }
    struct graph_links *links = graph->links;
    size_t kept = 0;
    for (size_t i = 0; i < links->count; i++)
        if (links->items[i].source != node && links->items[i].dest != node)
            links->items[kept++] = links->items[i];
    links->count = kept;
    (void)table_remove(&graph->nodes, &node->row); // it is prepared
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
    out->source = graph_find(graph, source->node_id);
    out->dest = graph_find(graph, dest->node_id);
    if (!out->source) return graph_unknown(source->node_id, error);
    if (!out->dest) return graph_unknown(dest->node_id, error);
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

// The count of connections when it is not there.
static size_t graph_connection_find(const struct graph *graph,
                                    const struct graph_connection *wanted)
{
    size_t i = 0;
    for (; i < graph_links_count(graph->links); i++) {
        const struct graph_connection *at = &graph->links->items[i];
        if (at->source == wanted->source && at->dest == wanted->dest &&
            at->output == wanted->output && at->input == wanted->input)
            break;
    }
    return i;
}

// Sorts the connections by their sources: of each node the first, of each connection the next of its node.
static void graph_sort_links(struct graph *graph)
{
    struct table_cursor cursor = {0};
    struct graph_node *node;
    while ((node = (struct graph_node *)table_next(graph->nodes.root, &cursor))) {
        node->reached = false;
        node->first_link = GRAPH_CONNECTIONS_MAX;
    }
    for (uint16_t i = 0; i < graph_links_count(graph->links); i++) {
        struct graph_node *source = graph->links->items[i].source;
        graph->next_links[i] = source->first_link;
        source->first_link = i;
    }
}

// Whether connections lead from |from| to |to|. Looks at each node and each connection once; what is reached
// and not followed yet is a list through the nodes.
static bool graph_reaches(struct graph *graph, struct graph_node *from, const struct graph_node *to)
{
    graph_sort_links(graph);
    struct graph_node *open = from;
    from->reached = true;
    from->next_open = NULL;
    while (open && !to->reached) {
        uint16_t link = open->first_link;
        open = open->next_open;
        for (; link != GRAPH_CONNECTIONS_MAX; link = graph->next_links[link]) {
            struct graph_node *dest = graph->links->items[link].dest;
            if (dest->reached) continue;
            dest->reached = true;
            dest->next_open = open;
            open = dest;
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
    if (graph_connection_find(graph, wanted) < graph_links_count(graph->links))
        return garden__fail(error, GARDEN_ERR_EXISTS, "these ports are connected already");
    if (graph_links_count(graph->links) == GRAPH_CONNECTIONS_MAX)
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
    if (!changes_reserve(changes, 1) || !graph_own_links(graph))
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a connection");
    graph->links->items[graph->links->count++] = wanted;
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
    if (place == graph_links_count(graph->links))
        return garden__fail(error, GARDEN_ERR_NOT_FOUND, "these ports are not connected");
    if (!changes_reserve(changes, 1) || !graph_own_links(graph))
        return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for an event");
    const struct garden_event event = graph_broken(&wanted);
    struct graph_links *links = graph->links;
    links->count--;
    memmove(&links->items[place], &links->items[place + 1],
            (links->count - place) * sizeof links->items[0]);
    changes_add(changes, &event);
    return GARDEN_OK;
}
