// The topics of a publisher or of a subscriber, each with the number of a leaf (topic_leaf.h): those of up to 64 octets in a
// table, where to find one takes as long among a million as among ten; the others, and what somebody who
// knows the table's seed may have pushed out of it, in a tree.
//
// Why not all in the table: a text is looked up there once for each size of a topic that it has room for, and
// who subscribes to topics of every size up to a thousand octets would have each message looked up a thousand
// times. Why not all in the tree: see there.
#ifndef ZMTP_SOCKET_TOPICS_H
#define ZMTP_SOCKET_TOPICS_H

#include "topic_table.h"
#include "topic_tree.h"

struct zmtp__topics {
    struct zmtp__topic_table table;
    struct zmtp__topic_tree tree;
};

// |seed|: what a stranger must not know, for the table.
void zmtp__topics_init(struct zmtp__topics *topics, const struct zmtp_allocator *allocator,
                       const struct zmtp__slots *slots, uint64_t seed);
// Every topic must have been removed.
void zmtp__topics_fini(struct zmtp__topics *topics);
size_t zmtp__topics_count(const struct zmtp__topics *topics);

// Where the leaf of |topic| is; null: there is none. Good until topics are added or removed. The leaf at
// that place may be exchanged for another with the same topic; it is as new as that.
uint32_t *zmtp__topics_find(struct zmtp__topics *topics, struct zmtp_bytes topic);
uint32_t zmtp__topics_leaf(const uint32_t *place);
void zmtp__topics_exchange(uint32_t *place, uint32_t leaf);
// The same of one that is to be added if it is not there, for which |seat| is, or removed if it is.
uint32_t *zmtp__topics_seek(struct zmtp__topics *topics, struct zmtp_bytes topic,
                            struct zmtp__topic_seat *seat);
// Adds one that is not there yet; |seat| is of a seek for it since which none was added or removed. ZMTP_ERR_MEMORY, and
// ZMTP_ERR_LIMIT for one above 256 MiB or the 2^29-th, change nothing.
int zmtp__topics_add(struct zmtp__topics *topics, struct zmtp_bytes topic,
                     const struct zmtp__topic_seat *seat, uint32_t leaf);
// Removes one whose leaf is at |place|. This needs no memory; its slot is the caller's to drop after it.
void zmtp__topics_remove(struct zmtp__topics *topics, struct zmtp_bytes topic, uint32_t *place);

// All topics that |text| begins with, each once. They must not change meanwhile. Begin with
// zmtp__topics_prefixes; false: no more.
struct zmtp__topic_prefixes {
    const struct zmtp__topics *topics; // null: done
    struct zmtp_bytes text;
    struct zmtp__topic_walk walk;
    struct zmtp__topic_tree_walk tree;
    bool in_tree; // the walk has come to its end
};
struct zmtp__topic_prefixes zmtp__topics_prefixes(const struct zmtp__topics *topics,
                                                  struct zmtp_bytes text);
bool zmtp__topic_prefixes_next(struct zmtp__topic_prefixes *prefixes, uint32_t *leaf);

#endif
