#include "topic_tree.h"

#include <assert.h>

#include "symbols.h"

enum { TOPIC_TREE_IN_BLOCK = 64 };

// Where the topics below one child differ from those below the other: first in symbol |where| / 16, there in bit
// |where| % 16.
struct zmtp__topic_branch {
    uint32_t child[2];
    uint32_t where;
};

void zmtp__topic_tree_init(struct zmtp__topic_tree *tree, const struct zmtp_allocator *allocator,
                           const struct zmtp__slots *slots)
{
    *tree = (struct zmtp__topic_tree){.allocator = allocator, .slots = slots};
}

static void topic_tree_free_blocks(struct zmtp__topic_tree *tree, size_t kept)
{
    const size_t size = TOPIC_TREE_IN_BLOCK * sizeof(struct zmtp__topic_branch);
    for (size_t i = kept; i < tree->capacity && tree->blocks[i]; i++) {
        zmtp_free(tree->allocator, tree->blocks[i], size);
        tree->blocks[i] = NULL;
    }
    if (kept > 0) return;
    zmtp_free(tree->allocator, tree->blocks, tree->capacity * sizeof *tree->blocks);
    tree->blocks = NULL;
    tree->capacity = 0;
}

void zmtp__topic_tree_fini(struct zmtp__topic_tree *tree)
{
    assert(tree->count == 0);
    topic_tree_free_blocks(tree, 0);
}

static struct zmtp__topic_branch *topic_tree_branch(const struct zmtp__topic_tree *tree,
                                                    uint32_t number)
{
    return &tree->blocks[number / TOPIC_TREE_IN_BLOCK][number % TOPIC_TREE_IN_BLOCK];
}

// The topic of a leaf.
static struct zmtp_bytes topic_tree_octets(const struct zmtp__topic_tree *tree, uint32_t number)
{
    return zmtp__topic_octets(tree->slots, number);
}

static size_t topic_tree_side(const struct zmtp__topic_branch *branch, struct zmtp_bytes octets)
{
    return zmtp__symbol(octets, branch->where / 16) >> branch->where % 16 & 1u;
}

// The one leaf whose topic can be equal to |octets|, and that none has more first octets in common with.
// There are topics.
static uint32_t *topic_tree_reach(struct zmtp__topic_tree *tree, struct zmtp_bytes octets)
{
    uint32_t *place = &tree->root;
    while (!zmtp__topic_is_leaf(*place)) {
        struct zmtp__topic_branch *branch = topic_tree_branch(tree, *place);
        place = &branch->child[topic_tree_side(branch, octets)];
    }
    return place;
}

uint32_t *zmtp__topic_tree_find(struct zmtp__topic_tree *tree, struct zmtp_bytes topic)
{
    if (tree->count == 0) return NULL;
    uint32_t *place = topic_tree_reach(tree, topic);
    return zmtp_bytes_equal(topic_tree_octets(tree, *place), topic) ? place : NULL;
}

// Has room for one more branch.
static int topic_tree_reserve(struct zmtp__topic_tree *tree)
{
    const size_t block = tree->branches / TOPIC_TREE_IN_BLOCK;
    if (block == tree->capacity) {
        // By half rather than by two: what a stranger makes us hold is kept close to what he sent.
        const size_t capacity = block + block / 2 + 2;
        struct zmtp__topic_branch **blocks = zmtp_realloc(
            tree->allocator, tree->blocks, block * sizeof *blocks, capacity * sizeof *blocks);
        if (!blocks) return ZMTP_ERR_MEMORY;
        for (size_t i = block; i < capacity; i++)
            blocks[i] = NULL;
        tree->blocks = blocks;
        tree->capacity = capacity;
    }
    if (tree->blocks[block]) return ZMTP_OK;
    tree->blocks[block] =
        zmtp_alloc(tree->allocator, TOPIC_TREE_IN_BLOCK * sizeof *tree->blocks[block]);
    return tree->blocks[block] ? ZMTP_OK : ZMTP_ERR_MEMORY;
}

// Where |a| and |b|, which are not equal, differ first.
static uint32_t topic_tree_difference(struct zmtp_bytes a, struct zmtp_bytes b)
{
    const size_t place = zmtp__symbols_shared(a, b);
    return (uint32_t)place * 16 + zmtp__symbols_bit(a, b, place);
}

// Does a branch at |a| stand above one at |b|? In an octet the higher bit comes first.
static bool topic_tree_above(uint32_t a, uint32_t b)
{
    return a / 16 != b / 16 ? a / 16 < b / 16 : a % 16 > b % 16;
}

int zmtp__topic_tree_add(struct zmtp__topic_tree *tree, struct zmtp_bytes topic, uint32_t leaf)
{
    if (topic.size >= UINT32_MAX / 16 || tree->count >= ZMTP__SLOT_MAX) return ZMTP_ERR_LIMIT;
    uint32_t *place = &tree->root;
    if (tree->count > 0) {
        const int result = topic_tree_reserve(tree);
        if (result < 0) return result;
        const uint32_t nearest = *topic_tree_reach(tree, topic);
        const uint32_t where = topic_tree_difference(topic, topic_tree_octets(tree, nearest));
        struct zmtp__topic_branch *branch;
        while (!zmtp__topic_is_leaf(*place)) {
            branch = topic_tree_branch(tree, *place);
            if (topic_tree_above(where, branch->where)) break;
            place = &branch->child[topic_tree_side(branch, topic)];
        }
        const uint32_t number = (uint32_t)tree->branches++;
        branch = topic_tree_branch(tree, number);
        branch->where = where;
        const size_t side = topic_tree_side(branch, topic);
        branch->child[1 - side] = *place;
        *place = number;
        place = &branch->child[side];
    }
    *place = leaf | ZMTP__TOPIC_LEAF;
    tree->count++;
    return ZMTP_OK;
}

// The last branch takes the place of branch |gap|, which is in use no more, so that there are no gaps.
// Any topic below it leads to it.
static void topic_tree_fill(struct zmtp__topic_tree *tree, uint32_t gap)
{
    const uint32_t last = (uint32_t)--tree->branches;
    if (last != gap) {
        const struct zmtp__topic_branch *const moved = topic_tree_branch(tree, last);
        uint32_t below = moved->child[0];
        while (!zmtp__topic_is_leaf(below))
            below = topic_tree_branch(tree, below)->child[0];
        const struct zmtp_bytes octets = topic_tree_octets(tree, below);
        uint32_t *place = &tree->root;
        while (*place != last) {
            struct zmtp__topic_branch *branch = topic_tree_branch(tree, *place);
            place = &branch->child[topic_tree_side(branch, octets)];
        }
        *place = gap;
        *topic_tree_branch(tree, gap) = *moved;
    }
    if (last % TOPIC_TREE_IN_BLOCK == 0) topic_tree_free_blocks(tree, last / TOPIC_TREE_IN_BLOCK);
}

void zmtp__topic_tree_remove(struct zmtp__topic_tree *tree, struct zmtp_bytes topic)
{
    uint32_t *place = &tree->root, *above = NULL;
    size_t side = 0;
    while (!zmtp__topic_is_leaf(*place)) {
        struct zmtp__topic_branch *branch = topic_tree_branch(tree, *place);
        above = place;
        side = topic_tree_side(branch, topic);
        place = &branch->child[side];
    }
    tree->count--;
    if (!above) {
        topic_tree_free_blocks(tree, 0); // an add that failed may have left some
        return;
    }
    const uint32_t gap = *above;
    *above = topic_tree_branch(tree, gap)->child[1 - side];
    topic_tree_fill(tree, gap);
}

struct zmtp__topic_tree_walk zmtp__topic_tree_prefixes(const struct zmtp__topic_tree *tree,
                                                       struct zmtp_bytes text)
{
    if (tree->count == 0) return (struct zmtp__topic_tree_walk){.tree = NULL};
    uint32_t nearest = tree->root;
    bool passed = false; // a topic that ends on the way, so perhaps within the text
    while (!zmtp__topic_is_leaf(nearest)) {
        const struct zmtp__topic_branch *branch = topic_tree_branch(tree, nearest);
        const size_t side = topic_tree_side(branch, text);
        if (branch->where % 16 == ZMTP__SYMBOL_EXISTS && side == 1) passed = true;
        nearest = branch->child[side];
    }
    return (struct zmtp__topic_tree_walk){
        .tree = tree,
        .text = text,
        .at = passed ? tree->root : nearest, // the way is gone once more only for those
        .shared = zmtp__symbols_shared(text, topic_tree_octets(tree, nearest)),
    };
}

bool zmtp__topic_tree_next(struct zmtp__topic_tree_walk *prefixes, uint32_t *leaf)
{
    const struct zmtp__topic_tree *tree = prefixes->tree;
    if (!tree) return false;
    while (!zmtp__topic_is_leaf(prefixes->at)) {
        const struct zmtp__topic_branch *branch = topic_tree_branch(tree, prefixes->at);
        // Below, all topics are longer than what the text shares with any of them.
        if (branch->where / 16 > prefixes->shared) break;
        const size_t side = topic_tree_side(branch, prefixes->text);
        prefixes->at = branch->child[side];
        // Among topics that agree before this octet, only one ends here; the text goes on beyond it.
        if (branch->where % 16 == ZMTP__SYMBOL_EXISTS && side == 1) {
            *leaf = zmtp__topic_leaf(branch->child[0]);
            return true;
        }
    }
    prefixes->tree = NULL;
    if (!zmtp__topic_is_leaf(prefixes->at)) return false;
    *leaf = zmtp__topic_leaf(prefixes->at);
    return topic_tree_octets(tree, prefixes->at).size <= prefixes->shared;
}
