#include "topics.h"

#include <assert.h>

enum { TOPICS_IN_BLOCK = 64 };
// Above the eight bits of an octet: there is an octet.
enum { TOPICS_EXISTS = 8 };
// Of a number: it is a leaf's, not a branch's.
static const uint32_t topics_leaf_flag = UINT32_C(1) << 31;

// Where the topics below one child differ from those below the other: first in octet |where| / 16, there
// in bit |where| % 16. A topic's end is told by a ninth bit, which says whether the octet exists.
struct zmtp__topic_branch {
    uint32_t child[2];
    uint32_t where;
};

void zmtp__topics_init(struct zmtp__topics *topics, const struct zmtp_allocator *allocator,
                       const struct zmtp__slots *slots)
{
    *topics = (struct zmtp__topics){.allocator = allocator, .slots = slots};
}

static void topics_free_blocks(struct zmtp__topics *topics, size_t kept)
{
    const size_t size = TOPICS_IN_BLOCK * sizeof(struct zmtp__topic_branch);
    for (size_t i = kept; i < topics->capacity && topics->blocks[i]; i++) {
        zmtp_free(topics->allocator, topics->blocks[i], size);
        topics->blocks[i] = NULL;
    }
    if (kept > 0) return;
    zmtp_free(topics->allocator, topics->blocks, topics->capacity * sizeof *topics->blocks);
    topics->blocks = NULL;
    topics->capacity = 0;
}

void zmtp__topics_fini(struct zmtp__topics *topics)
{
    assert(topics->count == 0);
    topics_free_blocks(topics, 0);
}

static bool topics_is_leaf(uint32_t number)
{
    return number & topics_leaf_flag;
}

static struct zmtp__topic_branch *topics_branch(const struct zmtp__topics *topics, uint32_t number)
{
    return &topics->blocks[number / TOPICS_IN_BLOCK][number % TOPICS_IN_BLOCK];
}

uint32_t zmtp__topics_leaf(const uint32_t *place)
{
    return *place & ~topics_leaf_flag;
}

void zmtp__topics_exchange(uint32_t *place, uint32_t leaf)
{
    *place = leaf | topics_leaf_flag;
}

// The topic of a leaf.
static struct zmtp_bytes topics_octets(const struct zmtp__topics *topics, uint32_t number)
{
    uint32_t slot = number & ~topics_leaf_flag;
    if (slot & ZMTP__TOPIC_SHARED)
        slot = zmtp__slots_link_at(topics->slots, slot & ~(uint32_t)ZMTP__TOPIC_SHARED)->topic;
    return zmtp__slots_topic(topics->slots, slot);
}

static unsigned topics_symbol(struct zmtp_bytes octets, size_t place)
{
    return place < octets.size ? 1u << TOPICS_EXISTS | octets.data[place] : 0u;
}

static size_t topics_side(const struct zmtp__topic_branch *branch, struct zmtp_bytes octets)
{
    return topics_symbol(octets, branch->where / 16) >> branch->where % 16 & 1u;
}

// The one leaf whose topic can be equal to |octets|, and that none has more first octets in common with.
// There are topics.
static uint32_t *topics_reach(struct zmtp__topics *topics, struct zmtp_bytes octets)
{
    uint32_t *place = &topics->root;
    while (!topics_is_leaf(*place)) {
        struct zmtp__topic_branch *branch = topics_branch(topics, *place);
        place = &branch->child[topics_side(branch, octets)];
    }
    return place;
}

static size_t topics_shared(struct zmtp_bytes a, struct zmtp_bytes b)
{
    const size_t size = a.size < b.size ? a.size : b.size;
    size_t shared = 0;
    while (shared < size && a.data[shared] == b.data[shared])
        shared++;
    return shared;
}

uint32_t *zmtp__topics_find(struct zmtp__topics *topics, struct zmtp_bytes topic)
{
    if (topics->count == 0) return NULL;
    uint32_t *place = topics_reach(topics, topic);
    return zmtp_bytes_equal(topics_octets(topics, *place), topic) ? place : NULL;
}

// Has room for one more branch.
static int topics_reserve(struct zmtp__topics *topics)
{
    const size_t block = topics->branches / TOPICS_IN_BLOCK;
    if (block == topics->capacity) {
        // By half rather than by two: what a stranger makes us hold is kept close to what he sent.
        const size_t capacity = block + block / 2 + 2;
        struct zmtp__topic_branch **blocks = zmtp_realloc(
            topics->allocator, topics->blocks, block * sizeof *blocks, capacity * sizeof *blocks);
        if (!blocks) return ZMTP_ERR_MEMORY;
        for (size_t i = block; i < capacity; i++)
            blocks[i] = NULL;
        topics->blocks = blocks;
        topics->capacity = capacity;
    }
    if (topics->blocks[block]) return ZMTP_OK;
    topics->blocks[block] =
        zmtp_alloc(topics->allocator, TOPICS_IN_BLOCK * sizeof *topics->blocks[block]);
    return topics->blocks[block] ? ZMTP_OK : ZMTP_ERR_MEMORY;
}

// Where |a| and |b|, which are not equal, differ first.
static uint32_t topics_difference(struct zmtp_bytes a, struct zmtp_bytes b)
{
    const size_t place = topics_shared(a, b);
    const unsigned difference = topics_symbol(a, place) ^ topics_symbol(b, place);
    uint32_t bit = TOPICS_EXISTS;
    while (!(difference >> bit & 1u))
        bit--;
    return (uint32_t)place * 16 + bit;
}

// Does a branch at |a| stand above one at |b|? In an octet the higher bit comes first.
static bool topics_above(uint32_t a, uint32_t b)
{
    return a / 16 != b / 16 ? a / 16 < b / 16 : a % 16 > b % 16;
}

int zmtp__topics_add(struct zmtp__topics *topics, struct zmtp_bytes topic, uint32_t leaf)
{
    if (topic.size >= UINT32_MAX / 16 || topics->count >= ZMTP__SLOT_MAX) return ZMTP_ERR_LIMIT;
    uint32_t *place = &topics->root;
    if (topics->count > 0) {
        const int result = topics_reserve(topics);
        if (result < 0) return result;
        const uint32_t nearest = *topics_reach(topics, topic);
        const uint32_t where = topics_difference(topic, topics_octets(topics, nearest));
        struct zmtp__topic_branch *branch;
        while (!topics_is_leaf(*place)) {
            branch = topics_branch(topics, *place);
            if (topics_above(where, branch->where)) break;
            place = &branch->child[topics_side(branch, topic)];
        }
        const uint32_t number = (uint32_t)topics->branches++;
        branch = topics_branch(topics, number);
        branch->where = where;
        const size_t side = topics_side(branch, topic);
        branch->child[1 - side] = *place;
        *place = number;
        place = &branch->child[side];
    }
    zmtp__topics_exchange(place, leaf);
    topics->count++;
    return ZMTP_OK;
}

// The last branch takes the place of branch |gap|, which is in use no more, so that there are no gaps.
// Any topic below it leads to it.
static void topics_fill(struct zmtp__topics *topics, uint32_t gap)
{
    const uint32_t last = (uint32_t)--topics->branches;
    if (last != gap) {
        const struct zmtp__topic_branch *const moved = topics_branch(topics, last);
        uint32_t below = moved->child[0];
        while (!topics_is_leaf(below))
            below = topics_branch(topics, below)->child[0];
        const struct zmtp_bytes octets = topics_octets(topics, below);
        uint32_t *place = &topics->root;
        while (*place != last) {
            struct zmtp__topic_branch *branch = topics_branch(topics, *place);
            place = &branch->child[topics_side(branch, octets)];
        }
        *place = gap;
        *topics_branch(topics, gap) = *moved;
    }
    if (last % TOPICS_IN_BLOCK == 0) topics_free_blocks(topics, last / TOPICS_IN_BLOCK);
}

void zmtp__topics_remove(struct zmtp__topics *topics, struct zmtp_bytes topic)
{
    uint32_t *place = &topics->root, *above = NULL;
    size_t side = 0;
    while (!topics_is_leaf(*place)) {
        struct zmtp__topic_branch *branch = topics_branch(topics, *place);
        above = place;
        side = topics_side(branch, topic);
        place = &branch->child[side];
    }
    topics->count--;
    if (!above) {
        topics_free_blocks(topics, 0); // an add that failed may have left some
        return;
    }
    const uint32_t gap = *above;
    *above = topics_branch(topics, gap)->child[1 - side];
    topics_fill(topics, gap);
}

struct zmtp__topic_prefixes zmtp__topics_prefixes(const struct zmtp__topics *topics,
                                                  struct zmtp_bytes text)
{
    if (topics->count == 0) return (struct zmtp__topic_prefixes){.topics = NULL};
    uint32_t nearest = topics->root;
    bool passed = false; // a topic that ends on the way, so perhaps within the text
    while (!topics_is_leaf(nearest)) {
        const struct zmtp__topic_branch *branch = topics_branch(topics, nearest);
        const size_t side = topics_side(branch, text);
        if (branch->where % 16 == TOPICS_EXISTS && side == 1) passed = true;
        nearest = branch->child[side];
    }
    return (struct zmtp__topic_prefixes){
        .topics = topics,
        .text = text,
        .at = passed ? topics->root : nearest, // the way is gone once more only for those
        .shared = topics_shared(text, topics_octets(topics, nearest)),
    };
}

bool zmtp__topic_prefixes_next(struct zmtp__topic_prefixes *prefixes, uint32_t *leaf)
{
    const struct zmtp__topics *topics = prefixes->topics;
    if (!topics) return false;
    while (!topics_is_leaf(prefixes->at)) {
        const struct zmtp__topic_branch *branch = topics_branch(topics, prefixes->at);
        // Below, all topics are longer than what the text shares with any of them.
        if (branch->where / 16 > prefixes->shared) break;
        const size_t side = topics_side(branch, prefixes->text);
        prefixes->at = branch->child[side];
        // Among topics that agree before this octet, only one ends here; the text goes on beyond it.
        if (branch->where % 16 == TOPICS_EXISTS && side == 1) {
            *leaf = branch->child[0] & ~topics_leaf_flag;
            return true;
        }
    }
    prefixes->topics = NULL;
    if (!topics_is_leaf(prefixes->at)) return false;
    *leaf = prefixes->at & ~topics_leaf_flag;
    return topics_octets(topics, prefixes->at).size <= prefixes->shared;
}
