// The topics of a publisher that the table (topic_table.h) does not take, as they are long: as the trie of
// trie.h, for very many of them. Branches lie one after another in blocks, twelve octets each.
//
// Found, added and removed in time proportional to a topic's size, never to how many there are, and whichever
// they are: there is nothing to collide. But each step goes to another line of memory, twenty for a million.
#ifndef ZMTP_SOCKET_TOPIC_TREE_H
#define ZMTP_SOCKET_TOPIC_TREE_H

#include "topic_leaf.h"

struct zmtp__topic_branch;

struct zmtp__topic_tree {
    const struct zmtp_allocator *allocator;
    const struct zmtp__slots *slots;
    struct zmtp__topic_branch **blocks; // of branches; they have no gaps
    size_t branches, capacity;          // |capacity|: of |blocks|
    uint32_t root;                      // a leaf or a branch
    size_t count;
};

void zmtp__topic_tree_init(struct zmtp__topic_tree *tree, const struct zmtp_allocator *allocator,
                           const struct zmtp__slots *slots);
// Every topic must have been removed.
void zmtp__topic_tree_fini(struct zmtp__topic_tree *tree);

// Where the leaf of |topic| is; null: there is none. Good until topics are added or removed.
uint32_t *zmtp__topic_tree_find(struct zmtp__topic_tree *tree, struct zmtp_bytes topic);
// Adds one that is not there yet. ZMTP_ERR_MEMORY, and ZMTP_ERR_LIMIT for one above 256 MiB or the
// 2^29-th, change nothing.
int zmtp__topic_tree_add(struct zmtp__topic_tree *tree, struct zmtp_bytes topic, uint32_t leaf);
// Removes one that is there. This needs no memory; its slot is the caller's to drop after it.
void zmtp__topic_tree_remove(struct zmtp__topic_tree *tree, struct zmtp_bytes topic);

// All topics that |text| begins with, the shortest first. They must not change meanwhile. Begin with
// zmtp__topic_tree_prefixes; false: no more.
struct zmtp__topic_tree_walk {
    const struct zmtp__topic_tree *tree; // null: done
    struct zmtp_bytes text;
    uint32_t at;   // a branch or a leaf
    size_t shared; // octets that |text| has in common with any topic
};
struct zmtp__topic_tree_walk zmtp__topic_tree_prefixes(const struct zmtp__topic_tree *tree,
                                                       struct zmtp_bytes text);
bool zmtp__topic_tree_next(struct zmtp__topic_tree_walk *prefixes, uint32_t *leaf);

#endif
