#include "trie.h"

#include <string.h>

#include "../base/copy.h"
#include "symbols.h"

// A place in the trie: one side of a branch.
struct trie_place {
    struct zmtp__branch *branch;
    size_t side;
};

void zmtp__trie_init(struct zmtp__trie *trie, const struct zmtp_allocator *allocator)
{
    *trie = (struct zmtp__trie){.allocator = allocator};
}

static size_t trie_side(const struct zmtp__branch *branch, struct zmtp_bytes octets)
{
    return (zmtp__symbol(octets, branch->place) & branch->bit) != 0;
}

// The one key that can be equal to |octets|, and that none has more first octets in common with.
static struct zmtp__key *trie_reach(const struct zmtp__trie *trie, struct zmtp_bytes octets)
{
    const struct zmtp__branch *branch = &trie->top;
    size_t side = 0;
    while (!branch->leaf[side]) {
        if (!branch->child[side]) return NULL; // an empty trie
        branch = branch->child[side];
        side = trie_side(branch, octets);
    }
    return branch->child[side];
}

struct zmtp__key *zmtp__trie_find(const struct zmtp__trie *trie, struct zmtp_bytes octets)
{
    struct zmtp__key *key = trie_reach(trie, octets);
    if (!key || key->size != octets.size) return NULL;
    return zmtp__same_few(key->octets, octets.data, octets.size) ? key : NULL;
}

static size_t trie_key_size(size_t octets)
{
    return sizeof(struct zmtp__key) + octets;
}

static struct zmtp__key *trie_key_open(struct zmtp__trie *trie, struct zmtp_bytes octets)
{
    struct zmtp__key *key = zmtp_alloc(trie->allocator, trie_key_size(octets.size));
    if (!key) return NULL;
    *key = (struct zmtp__key){.size = (uint32_t)octets.size};
    if (octets.size > 0) memcpy(key->octets, octets.data, octets.size);
    return key;
}

static void trie_key_close(struct zmtp__trie *trie, struct zmtp__key *key)
{
    zmtp_free(trie->allocator, key, trie_key_size(key->size));
}

// Puts |added| into the trie, which differs from the keys there first at |place|, in |bit|.
static void trie_insert(struct zmtp__trie *trie, struct zmtp__branch *added, struct zmtp__key *key)
{
    const struct zmtp_bytes octets = zmtp__key_bytes(key);
    struct trie_place at = {&trie->top, 0};
    while (!at.branch->leaf[at.side]) {
        struct zmtp__branch *next = at.branch->child[at.side];
        if (next->place > added->place) break;
        if (next->place == added->place && next->bit < added->bit) break;
        at = (struct trie_place){next, trie_side(next, octets)};
    }
    const size_t side = trie_side(added, octets);
    added->child[side] = key;
    added->leaf[side] = true;
    added->child[1 - side] = at.branch->child[at.side];
    added->leaf[1 - side] = at.branch->leaf[at.side];
    at.branch->child[at.side] = added;
    at.branch->leaf[at.side] = false;
}

int zmtp__trie_add(struct zmtp__trie *trie, struct zmtp_bytes octets, struct zmtp__key **out)
{
    if (octets.size >= UINT32_MAX) return ZMTP_ERR_LIMIT;
    struct zmtp__key *key = trie_key_open(trie, octets);
    if (!key) return ZMTP_ERR_MEMORY;
    const struct zmtp__key *nearest = trie_reach(trie, octets);
    if (nearest) {
        struct zmtp__branch *branch = zmtp_alloc(trie->allocator, sizeof *branch);
        if (!branch) {
            trie_key_close(trie, key);
            return ZMTP_ERR_MEMORY;
        }
        const size_t place = zmtp__symbols_shared(octets, zmtp__key_bytes(nearest));
        const unsigned bit = zmtp__symbols_bit(octets, zmtp__key_bytes(nearest), place);
        *branch = (struct zmtp__branch){.place = (uint32_t)place, .bit = (uint16_t)(1u << bit)};
        trie_insert(trie, branch, key);
    } else {
        trie->top.child[0] = key;
        trie->top.leaf[0] = true;
    }
    trie->count++;
    *out = key;
    return ZMTP_OK;
}

void zmtp__trie_remove(struct zmtp__trie *trie, struct zmtp__key *key)
{
    const struct zmtp_bytes octets = zmtp__key_bytes(key);
    struct trie_place at = {&trie->top, 0}, above = at;
    while (!at.branch->leaf[at.side]) {
        above = at;
        at.branch = at.branch->child[at.side];
        at.side = trie_side(at.branch, octets);
    }
    if (at.branch == &trie->top) {
        trie->top = (struct zmtp__branch){0};
    } else {
        above.branch->child[above.side] = at.branch->child[1 - at.side];
        above.branch->leaf[above.side] = at.branch->leaf[1 - at.side];
        zmtp_free(trie->allocator, at.branch, sizeof *at.branch);
    }
    trie_key_close(trie, key);
    trie->count--;
}

void zmtp__trie_fini(struct zmtp__trie *trie)
{
    // Branches are turned until the first key hangs at the root; so no stack is needed.
    struct zmtp__branch *top = &trie->top;
    while (!top->leaf[0] && top->child[0]) {
        struct zmtp__branch *root = top->child[0];
        if (root->leaf[0]) {
            trie_key_close(trie, root->child[0]);
            top->child[0] = root->child[1];
            top->leaf[0] = root->leaf[1];
            zmtp_free(trie->allocator, root, sizeof *root);
        } else {
            struct zmtp__branch *left = root->child[0];
            root->child[0] = left->child[1];
            root->leaf[0] = left->leaf[1];
            left->child[1] = root;
            left->leaf[1] = false;
            top->child[0] = left;
        }
    }
    if (top->leaf[0]) trie_key_close(trie, top->child[0]);
    zmtp__trie_init(trie, trie->allocator);
}

struct zmtp__key *zmtp__trie_next(const struct zmtp__trie *trie, const struct zmtp__key *key)
{
    // Where the key's way last turned to side 0, side 1 begins with the key after it.
    const struct zmtp__branch *branch = &trie->top, *turn = key ? NULL : branch;
    size_t side = 0;
    while (key && !branch->leaf[side]) {
        branch = branch->child[side];
        side = trie_side(branch, zmtp__key_bytes(key));
        if (side == 0) turn = branch;
    }
    if (!turn) return NULL;
    branch = turn;
    side = key ? 1 : 0;
    while (!branch->leaf[side]) {
        if (!branch->child[side]) return NULL; // an empty trie
        branch = branch->child[side];
        side = 0;
    }
    return branch->child[side];
}

struct zmtp__prefixes zmtp__trie_prefixes(const struct zmtp__trie *trie, struct zmtp_bytes text)
{
    const struct zmtp__key *nearest = trie_reach(trie, text);
    if (!nearest) return (struct zmtp__prefixes){0};
    return (struct zmtp__prefixes){.text = text,
                                   .branch = &trie->top,
                                   .shared = zmtp__symbols_shared(text, zmtp__key_bytes(nearest))};
}

struct zmtp__key *zmtp__prefixes_next(struct zmtp__prefixes *prefixes)
{
    while (prefixes->branch) {
        const struct zmtp__branch *branch = prefixes->branch;
        if (branch->leaf[prefixes->side]) {
            struct zmtp__key *key = branch->child[prefixes->side];
            prefixes->branch = NULL;
            return key->size <= prefixes->shared ? key : NULL;
        }
        branch = branch->child[prefixes->side];
        // Below, all keys are longer than what the text shares with any of them.
        prefixes->branch = branch->place <= prefixes->shared ? branch : NULL;
        prefixes->side = trie_side(branch, prefixes->text);
        // Among keys that agree before |place|, only one ends there; the text goes on beyond it.
        if (prefixes->branch && branch->bit == 1u << ZMTP__SYMBOL_EXISTS && prefixes->side == 1)
            return branch->child[0];
    }
    return NULL;
}
