// Topics of up to 64 octets, found with one or two looks at memory however many there are: a hash table, of
// which a topic takes 11 to 13 octets.
//
// A million topics are in no cache, so what a tree costs is its depth in lines of memory. Here a text is
// looked up once for each size that topics have, at most 65 and most often a few; these looks do not wait for
// each other, and the hash of a prefix is a step from that of the shorter one. Most of those that find nothing
// end at a bit of the hints, an octet a topic, which are in a cache when the rest is not. A place has 32 bits of
// the hash beside the topic's number, so a text that nobody wants touches no topic.
//
// Strangers choose the topics. The hash is NH and a multiply-shift of its result (Black, Halevi, Krawczyk,
// Krovetz, Rogaway: UMAC, 1999; Dietzfelbinger, 1996), keyed by a seed that they do not know: any two topics
// meet with a probability of 2^-31, whichever they are. At last it is scattered, which changes nothing of that, as
// topics that differ by a number have hashes at equal distances. Who knows the seed gains little: places are in the
// order of their hashes, so a search ends at the first greater one, and a topic that would lie more than
// ZMTP__TOPIC_REACH places from its own is not taken; it is for the tree (topic_tree.h), which nobody can upset.
#ifndef ZMTP_SOCKET_TOPIC_TABLE_H
#define ZMTP_SOCKET_TOPIC_TABLE_H

#include "topic_leaf.h"

enum { ZMTP__TOPIC_SHORT = 64, ZMTP__TOPIC_REACH = 64 };

struct zmtp__topic_place {
    uint32_t hash;
    uint32_t leaf; // 0: free
};

struct zmtp__topic_table {
    const struct zmtp_allocator *allocator;
    const struct zmtp__slots *slots;
    // ZMTP__TOPIC_REACH more than |capacity|, so that none wraps around; and behind them the hints: of each
    // place, for which of eight ranges of hashes there is somebody.
    struct zmtp__topic_place *places;
    uint8_t *hints;
    size_t capacity, count;
    uint64_t mix[4];                         // the keys: of the last step,
    uint32_t key[ZMTP__TOPIC_SHORT / 4];     // and of each four octets
    uint32_t of_size[ZMTP__TOPIC_SHORT + 1]; // topics by size
    uint8_t sizes[ZMTP__TOPIC_SHORT + 1];    // those that there are, in order
    uint8_t size_count;
};

// Where a topic that was sought is to be added.
struct zmtp__topic_seat {
    struct zmtp__topic_place *place; // null: there were no places
    uint32_t hash;
    uint8_t hints; // of its home, read along: they and the places are two lines of memory
};

void zmtp__topic_table_init(struct zmtp__topic_table *table, const struct zmtp_allocator *allocator,
                            const struct zmtp__slots *slots, uint64_t seed);
// Every topic must have been removed.
void zmtp__topic_table_fini(struct zmtp__topic_table *table);

// Where the leaf of |topic| is; null: there is none. Good until topics are added or removed.
uint32_t *zmtp__topic_table_find(const struct zmtp__topic_table *table, struct zmtp_bytes topic);
// The same of one that is to be added if it is not there, for which |seat| is, or removed if it is. It asks no hints: who
// changes places looks at them anyhow, and among a million topics would wait for both, one after the other.
uint32_t *zmtp__topic_table_seek(const struct zmtp__topic_table *table, struct zmtp_bytes topic,
                                 struct zmtp__topic_seat *seat);
// Adds one that is not there, and not too long; |seat| is of a seek for it since which none was added or removed.
// ZMTP_ERR_MEMORY; ZMTP_ERR_LIMIT: there is no place near its own.
int zmtp__topic_table_add(struct zmtp__topic_table *table, struct zmtp_bytes topic,
                          const struct zmtp__topic_seat *seat, uint32_t leaf);
// Removes one at the place that find has given. This needs no memory.
void zmtp__topic_table_remove(struct zmtp__topic_table *table, uint32_t *place);

// All topics that |text| begins with, the shortest first; they must not change meanwhile. Begin with zeroes.
struct zmtp__topic_walk {
    uint64_t sum;    // of the whole eights of octets of the prefix
    uint64_t eight;  // those of the text that come then
    uint32_t eights; // so many whole ones
    uint32_t index;  // of the next size
};
bool zmtp__topic_table_next(const struct zmtp__topic_table *table, struct zmtp_bytes text,
                            struct zmtp__topic_walk *walk, uint32_t *leaf);

#endif
