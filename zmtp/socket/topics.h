// The topics of a publisher: as the trie of trie.h, for very many of them. Branches lie one after
// another in blocks, twelve octets each, and a leaf is a number: of the slot that has the topic, or of
// the first of those who share it.
//
// Found, added and removed in time proportional to a topic's size, never to how many there are.
#ifndef ZMTP_SOCKET_TOPICS_H
#define ZMTP_SOCKET_TOPICS_H

#include "slots.h"

// A leaf: the slot of a topic with one subscriber; or of the first link, when ZMTP__TOPIC_SHARED.
enum { ZMTP__TOPIC_SHARED = 1 << 30 };

struct zmtp__topic_branch;

struct zmtp__topics {
    const struct zmtp_allocator *allocator;
    const struct zmtp__slots *slots;
    struct zmtp__topic_branch **blocks; // of branches; they have no gaps
    size_t branches, capacity;          // |capacity|: of |blocks|
    uint32_t root;                      // a leaf or a branch
    size_t count;
};

void zmtp__topics_init(struct zmtp__topics *topics, const struct zmtp_allocator *allocator,
                       const struct zmtp__slots *slots);
// Every topic must have been removed.
void zmtp__topics_fini(struct zmtp__topics *topics);

// Where the leaf of |topic| is; null: there is none. Good until topics are added or removed. The leaf at
// that place may be exchanged for another with the same topic.
uint32_t *zmtp__topics_find(struct zmtp__topics *topics, struct zmtp_bytes topic);
uint32_t zmtp__topics_leaf(const uint32_t *place);
void zmtp__topics_exchange(uint32_t *place, uint32_t leaf);
// Adds one that is not there yet. ZMTP_ERR_MEMORY, and ZMTP_ERR_LIMIT for one above 256 MiB or the
// 2^30-th, change nothing.
int zmtp__topics_add(struct zmtp__topics *topics, struct zmtp_bytes topic, uint32_t leaf);
// Removes one that is there. This needs no memory; its slot is the caller's to drop after it.
void zmtp__topics_remove(struct zmtp__topics *topics, struct zmtp_bytes topic);

// All topics that |text| begins with, the shortest first. They must not change meanwhile. Begin with
// zmtp__topics_prefixes; false: no more.
struct zmtp__topic_prefixes {
    const struct zmtp__topics *topics; // null: done
    struct zmtp_bytes text;
    uint32_t at;   // a branch or a leaf
    size_t shared; // octets that |text| has in common with any topic
};
struct zmtp__topic_prefixes zmtp__topics_prefixes(const struct zmtp__topics *topics,
                                                  struct zmtp_bytes text);
bool zmtp__topic_prefixes_next(struct zmtp__topic_prefixes *prefixes, uint32_t *leaf);

#endif
