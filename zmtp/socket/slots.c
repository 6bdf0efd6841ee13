#include "slots.h"

#include <assert.h>
#include <string.h>

enum { SLOTS_IN_BLOCK = 32, SLOTS_SMALL_BLOCKS = 4 };
// Octets of a slot by kind. A topic that is in its kind alone has all of it; of another's the first says how many of
// the others are the topic's.
static const uint8_t slots_topic_sizes[ZMTP__SLOT_LONG] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 24, 28, 32, 36, 40, 48, 56, 68};

struct slots_long {
    uint32_t size;
    uint8_t octets[];
};

struct zmtp__slot_block {
    struct zmtp__slot_owner *owner;
    uint32_t number;
    uint32_t next, previous; // in the owner's list, plus one
    uint32_t used;           // a bit for each slot
    uint8_t kind, count;     // |count|: of its slots
    uint64_t room[];
};

// A place without a block has twice the next such and one, so that it is told from an address.
union zmtp__slot_place {
    struct zmtp__slot_block *block;
    uintptr_t next_free;
};

void zmtp__slots_init(struct zmtp__slots *slots, const struct zmtp_allocator *allocator)
{
    *slots = (struct zmtp__slots){.allocator = allocator};
}

static void slots_free_places(struct zmtp__slots *slots)
{
    zmtp_free(slots->allocator, slots->places, slots->capacity * sizeof *slots->places);
    zmtp__slots_init(slots, slots->allocator);
}

void zmtp__slots_fini(struct zmtp__slots *slots)
{
    assert(slots->blocks == 0);
    slots_free_places(slots);
}

static size_t slots_size(unsigned kind)
{
    if (kind == ZMTP__SLOT_LINK) return sizeof(struct zmtp__link);
    return kind == ZMTP__SLOT_LONG ? sizeof(void *) : slots_topic_sizes[kind];
}

static size_t slots_block_size(unsigned kind, unsigned count)
{
    return sizeof(struct zmtp__slot_block) + slots_size(kind) * count;
}

static struct zmtp__slot_block *slots_block(const struct zmtp__slots *slots, uint32_t number)
{
    return slots->places[number].block;
}

static struct zmtp__slot_block *slots_block_of(const struct zmtp__slots *slots, uint32_t slot)
{
    return slots_block(slots, slot / SLOTS_IN_BLOCK);
}

static uint8_t *slots_octets(struct zmtp__slot_block *block, uint32_t slot)
{
    return (uint8_t *)block->room + (size_t)slot % SLOTS_IN_BLOCK * slots_topic_sizes[block->kind];
}

static struct slots_long **slots_long(struct zmtp__slot_block *block, uint32_t slot)
{
    return (struct slots_long **)(void *)block->room + slot % SLOTS_IN_BLOCK;
}

struct zmtp__link *zmtp__slots_link_at(const struct zmtp__slots *slots, uint32_t slot)
{
    struct zmtp__slot_block *block = slots_block_of(slots, slot);
    assert(block->kind == ZMTP__SLOT_LINK);
    return (struct zmtp__link *)(void *)block->room + slot % SLOTS_IN_BLOCK;
}

struct zmtp__slot_owner *zmtp__slots_owner(const struct zmtp__slots *slots, uint32_t slot)
{
    return slots_block_of(slots, slot)->owner;
}

struct zmtp_bytes zmtp__slots_topic(const struct zmtp__slots *slots, uint32_t slot)
{
    struct zmtp__slot_block *block = slots_block_of(slots, slot);
    assert(block->kind != ZMTP__SLOT_LINK);
    if (block->kind == ZMTP__SLOT_LONG) {
        const struct slots_long *topic = *slots_long(block, slot);
        return (struct zmtp_bytes){topic->octets, topic->size};
    }
    const uint8_t *octets = slots_octets(block, slot);
    if (block->kind <= ZMTP__SLOT_EXACT) return (struct zmtp_bytes){octets, block->kind};
    return (struct zmtp_bytes){octets + 1, octets[0]};
}

// All slots of a block.
static uint32_t slots_all(const struct zmtp__slot_block *block)
{
    return UINT32_MAX >> (SLOTS_IN_BLOCK - block->count);
}

static bool slots_is_full(const struct zmtp__slot_block *block)
{
    return block->used == slots_all(block);
}

// The list that the block belongs into.
static uint32_t *slots_list_of(struct zmtp__slot_block *block)
{
    return slots_is_full(block) ? &block->owner->full : &block->owner->first[block->kind];
}

// The kind of slot that a topic of |size| octets has.
static unsigned slots_kind(size_t size)
{
    if (size <= ZMTP__SLOT_EXACT) return (unsigned)size;
    if (size < 40) return (unsigned)size / 4 + 13;
    return size < 48 ? 23 : size < 56 ? 24 : size < 68 ? 25 : ZMTP__SLOT_LONG;
}

bool zmtp__slots_topic_is(const struct zmtp__slots *slots, uint32_t slot, struct zmtp_bytes topic)
{
    const struct zmtp__slot_block *block = slots_block_of(slots, slot);
    const unsigned kind = slots_kind(topic.size);
    if (kind == ZMTP__SLOT_LONG)
        return block->kind == kind && zmtp_bytes_equal(zmtp__slots_topic(slots, slot), topic);
    const uint8_t *octets =
        (const uint8_t *)block->room + (size_t)slot % SLOTS_IN_BLOCK * slots_topic_sizes[kind];
    if (block->kind != kind) return false;
    if (kind > ZMTP__SLOT_EXACT && *octets++ != topic.size) return false;
    return topic.size == 0 || memcmp(octets, topic.data, topic.size) == 0;
}

static void slots_unlist(struct zmtp__slots *slots, struct zmtp__slot_block *block)
{
    if (block->previous)
        slots_block(slots, block->previous - 1)->next = block->next;
    else
        *slots_list_of(block) = block->next;
    if (block->next) slots_block(slots, block->next - 1)->previous = block->previous;
}

static void slots_list(struct zmtp__slots *slots, struct zmtp__slot_block *block)
{
    uint32_t *const first = slots_list_of(block);
    block->previous = 0;
    block->next = *first;
    if (*first) slots_block(slots, *first - 1)->previous = block->number + 1;
    *first = block->number + 1;
}

// Has a place for one more block.
static int slots_reserve(struct zmtp__slots *slots)
{
    if (slots->free > 0 || slots->count < slots->capacity) return ZMTP_OK;
    // By half rather than by two: what a stranger makes us hold is kept close to what he sent.
    const uint32_t capacity = slots->capacity + slots->capacity / 2 + 2;
    if (capacity > ZMTP__SLOT_MAX / SLOTS_IN_BLOCK) return ZMTP_ERR_LIMIT;
    union zmtp__slot_place *places =
        zmtp_realloc(slots->allocator, slots->places, slots->capacity * sizeof *places,
                     capacity * sizeof *places);
    if (!places) return ZMTP_ERR_MEMORY;
    slots->places = places;
    slots->capacity = capacity;
    return ZMTP_OK;
}

static int slots_open(struct zmtp__slots *slots, struct zmtp__slot_owner *owner, unsigned kind)
{
    const int result = slots_reserve(slots);
    if (result < 0) return result;
    const unsigned count = SLOTS_IN_BLOCK >> (SLOTS_SMALL_BLOCKS - owner->opened[kind]);
    struct zmtp__slot_block *block = zmtp_alloc(slots->allocator, slots_block_size(kind, count));
    if (!block) return ZMTP_ERR_MEMORY;
    if (owner->opened[kind] < SLOTS_SMALL_BLOCKS) owner->opened[kind]++;
    const uint32_t number = slots->free > 0 ? slots->free - 1 : slots->count++;
    if (slots->free > 0) slots->free = (uint32_t)(slots->places[number].next_free >> 1);
    *block = (struct zmtp__slot_block){
        .owner = owner, .number = number, .kind = (uint8_t)kind, .count = (uint8_t)count};
    slots->places[number].block = block;
    slots->blocks++;
    slots_list(slots, block);
    return ZMTP_OK;
}

// Which is the lowest of |bits| that is set? One is. The lowest one alone, times a sequence in which each five bits in a row
// are others (de Bruijn's), begins with five that tell.
static uint32_t slots_lowest(uint32_t bits)
{
    static const uint8_t told[32] = {0,  1,  28, 2,  29, 14, 24, 3, 30, 22, 20, 15, 25, 17, 4,  8,
                                     31, 27, 13, 23, 21, 19, 16, 7, 26, 12, 18, 6,  11, 5,  10, 9};
    return told[(uint32_t)((bits & (0 - bits)) * UINT32_C(0x077CB531)) >> 27];
}

static bool slots_uses(const struct zmtp__slot_block *block, uint32_t index)
{
    return block->used >> index & 1u;
}

bool zmtp__slots_holds(const struct zmtp__slots *slots, uint32_t slot)
{
    const uint32_t number = slot / SLOTS_IN_BLOCK;
    if (number >= slots->count || slots->places[number].next_free & 1) return false;
    const struct zmtp__slot_block *block = slots_block(slots, number);
    return block->kind != ZMTP__SLOT_LINK && slots_uses(block, slot % SLOTS_IN_BLOCK);
}

static int slots_take(struct zmtp__slots *slots, struct zmtp__slot_owner *owner, unsigned kind,
                      uint32_t *slot)
{
    if (owner->first[kind] == 0) {
        const int result = slots_open(slots, owner, kind);
        if (result < 0) return result;
    }
    struct zmtp__slot_block *block = slots_block(slots, owner->first[kind] - 1);
    const uint32_t index = slots_lowest(~block->used);
    const uint32_t used = block->used | UINT32_C(1) << index;
    if (used == slots_all(block)) {
        slots_unlist(slots, block);
        block->used = used;
        slots_list(slots, block);
    }
    block->used = used;
    *slot = block->number * SLOTS_IN_BLOCK + index;
    return ZMTP_OK;
}

static void slots_give(struct zmtp__slots *slots, uint32_t slot)
{
    struct zmtp__slot_block *block = slots_block_of(slots, slot);
    const uint32_t used = block->used & ~(UINT32_C(1) << slot % SLOTS_IN_BLOCK);
    if (used != 0 && !slots_is_full(block)) {
        block->used = used;
        return;
    }
    slots_unlist(slots, block);
    block->used = used;
    if (used != 0) {
        slots_list(slots, block);
        return;
    }
    slots->places[block->number].next_free = (uintptr_t)slots->free << 1 | 1;
    slots->free = block->number + 1;
    zmtp_free(slots->allocator, block, slots_block_size(block->kind, block->count));
    if (--slots->blocks == 0) slots_free_places(slots);
}

int zmtp__slots_link(struct zmtp__slots *slots, struct zmtp__slot_owner *owner, uint32_t *slot)
{
    return slots_take(slots, owner, ZMTP__SLOT_LINK, slot);
}

static int slots_keep_long(struct zmtp__slots *slots, struct zmtp__slot_owner *owner,
                           struct zmtp_bytes topic, uint32_t *slot)
{
    struct slots_long *kept = zmtp_alloc(slots->allocator, sizeof *kept + topic.size);
    if (!kept) return ZMTP_ERR_MEMORY;
    const int result = slots_take(slots, owner, ZMTP__SLOT_LONG, slot);
    if (result < 0) {
        zmtp_free(slots->allocator, kept, sizeof *kept + topic.size);
        return result;
    }
    kept->size = (uint32_t)topic.size;
    memcpy(kept->octets, topic.data, topic.size);
    *slots_long(slots_block_of(slots, *slot), *slot) = kept;
    return ZMTP_OK;
}

int zmtp__slots_keep(struct zmtp__slots *slots, struct zmtp__slot_owner *owner,
                     struct zmtp_bytes topic, uint32_t *slot)
{
    if (topic.size >= UINT32_MAX) return ZMTP_ERR_LIMIT;
    const unsigned kind = slots_kind(topic.size);
    if (kind == ZMTP__SLOT_LONG) return slots_keep_long(slots, owner, topic, slot);
    const int result = slots_take(slots, owner, kind, slot);
    if (result < 0) return result;
    uint8_t *octets = slots_octets(slots_block_of(slots, *slot), *slot);
    if (kind > ZMTP__SLOT_EXACT) *octets++ = (uint8_t)topic.size;
    if (topic.size > 0) memcpy(octets, topic.data, topic.size);
    return ZMTP_OK;
}

void zmtp__slots_drop(struct zmtp__slots *slots, uint32_t slot)
{
    struct zmtp__slot_block *block = slots_block_of(slots, slot);
    if (block->kind == ZMTP__SLOT_LONG) {
        struct slots_long *kept = *slots_long(block, slot);
        zmtp_free(slots->allocator, kept, sizeof *kept + kept->size);
    }
    slots_give(slots, slot);
}

// Those with room come first, so that who drops one after another goes through block after block.
bool zmtp__slots_any(const struct zmtp__slots *slots, const struct zmtp__slot_owner *owner,
                     bool *is_link, uint32_t *slot)
{
    uint32_t first = 0;
    for (unsigned kind = 0; first == 0 && kind < ZMTP__SLOT_KINDS; kind++)
        first = owner->first[kind];
    if (first == 0) first = owner->full;
    if (first == 0) return false;
    const struct zmtp__slot_block *block = slots_block(slots, first - 1);
    *is_link = block->kind == ZMTP__SLOT_LINK;
    *slot = block->number * SLOTS_IN_BLOCK + slots_lowest(block->used);
    return true;
}

// Those that are full come first, as a drop moves one of them among the others.
bool zmtp__slots_next(const struct zmtp__slots *slots, const struct zmtp__slot_owner *owner,
                      struct zmtp__slot_cursor *cursor, bool *is_link, uint32_t *slot)
{
    while (cursor->left == 0) {
        while (cursor->block == 0) {
            if (cursor->lists > ZMTP__SLOT_KINDS) return false;
            cursor->block = cursor->lists == 0 ? owner->full : owner->first[cursor->lists - 1];
            cursor->lists++;
        }
        const struct zmtp__slot_block *block = slots_block(slots, cursor->block - 1);
        cursor->block = block->next;
        cursor->slot = block->number * SLOTS_IN_BLOCK;
        cursor->left = block->used;
        cursor->is_link = block->kind == ZMTP__SLOT_LINK;
    }
    const uint32_t index = slots_lowest(cursor->left);
    cursor->left &= cursor->left - 1;
    *is_link = cursor->is_link;
    *slot = cursor->slot + index;
    return true;
}
