// Lists of lanes. A lane has one node for each list that it can be on, so that joining, leaving and
// passing the turn cost the same however many peers there are, and none of it can fail.
#ifndef ZMTP_SOCKET_LIST_H
#define ZMTP_SOCKET_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct zmtp__lane;

// A ring. The list itself is the node without a lane; a node on no list has no neighbours.
struct zmtp__node {
    struct zmtp__node *next, *previous;
    struct zmtp__lane *lane;
};

static inline void zmtp__list_init(struct zmtp__node *list)
{
    *list = (struct zmtp__node){.next = list, .previous = list};
}

// The first lane; null when the list is empty.
static inline struct zmtp__lane *zmtp__list_first(const struct zmtp__node *list)
{
    return list->next->lane;
}

static inline bool zmtp__node_listed(const struct zmtp__node *node)
{
    return node->next != NULL;
}

// Harmless for a node on no list.
static inline void zmtp__node_remove(struct zmtp__node *node)
{
    if (!node->next) return;
    node->next->previous = node->previous;
    node->previous->next = node->next;
    node->next = node->previous = NULL;
}

// Is |node|, which is on |list|, the only one there?
static inline bool zmtp__list_alone(const struct zmtp__node *list, const struct zmtp__node *node)
{
    return list->next == node && list->previous == node;
}

// Puts |node| last on |list|, off the one it is on.
static inline void zmtp__list_append(struct zmtp__node *list, struct zmtp__node *node)
{
    zmtp__node_remove(node);
    node->next = list;
    node->previous = list->previous;
    list->previous->next = node;
    list->previous = node;
}

// The same for a node on |list| that had its turn; when it is the last already, as one alone is, nothing
// is to be done.
static inline void zmtp__list_pass(struct zmtp__node *list, struct zmtp__node *node)
{
    if (list->previous != node) zmtp__list_append(list, node);
}

#endif
