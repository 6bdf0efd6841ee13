// Keys of octets, found in time proportional to a key's size and never to how many keys there are, as the routing
// ids of a ROUTER. (The topics of publishers and subscribers are in topics.h.)
// Strangers choose these keys, so this is a binary trie of their differences and no hash table: there
// is nothing to collide. Each key costs two blocks, 40 octets and its own.
#ifndef ZMTP_SOCKET_TRIE_H
#define ZMTP_SOCKET_TRIE_H

#include "../base.h"

struct zmtp__key {
    uint32_t size;
    uint32_t count; // this and |value| are for whoever owns the trie
    void *value;
    uint8_t octets[];
};

// Where the keys below one side differ from those below the other: first at octet |place|, there in
// |bit|. A key's end is told by a ninth bit, above the others, that says whether the octet exists.
struct zmtp__branch {
    void *child[2]; // a branch, or a key when |leaf|
    uint32_t place;
    uint16_t bit;
    bool leaf[2];
};

struct zmtp__trie {
    const struct zmtp_allocator *allocator;
    struct zmtp__branch top; // child 0 is the root
    size_t count;
};

void zmtp__trie_init(struct zmtp__trie *trie, const struct zmtp_allocator *allocator);
void zmtp__trie_fini(struct zmtp__trie *trie); // frees every key

static inline struct zmtp_bytes zmtp__key_bytes(const struct zmtp__key *key)
{
    return (struct zmtp_bytes){key->octets, key->size};
}

// Null: there is no such key.
struct zmtp__key *zmtp__trie_find(const struct zmtp__trie *trie, struct zmtp_bytes octets);
// Adds a key that is not there yet, with zeros for the owner. ZMTP_ERR_MEMORY changes nothing;
// ZMTP_ERR_LIMIT: above 4 GiB.
int zmtp__trie_add(struct zmtp__trie *trie, struct zmtp_bytes octets, struct zmtp__key **out);
void zmtp__trie_remove(struct zmtp__trie *trie, struct zmtp__key *key);
// The key after |key| in order, the first when |key| is null; null at the end.
struct zmtp__key *zmtp__trie_next(const struct zmtp__trie *trie, const struct zmtp__key *key);

// All keys that |text| begins with, the shortest first. The trie must not change meanwhile.
struct zmtp__prefixes {
    struct zmtp_bytes text;
    const struct zmtp__branch *branch; // null: done
    size_t side;
    size_t shared; // octets that |text| has in common with any key
};
struct zmtp__prefixes zmtp__trie_prefixes(const struct zmtp__trie *trie, struct zmtp_bytes text);
struct zmtp__key *zmtp__prefixes_next(struct zmtp__prefixes *prefixes); // null: no more

#endif
