#include <assert.h>
#include <string.h>

#include "../base.h"

// A free block begins with this; a block in use has no header, because its owner states its size. The
// list runs in the order of addresses, so neighbours are found, and joined, by walking it.
struct arena_block {
    struct arena_block *next;
    size_t size;
};

// Every size and address is a multiple of this, so that whatever is left of a block can hold the
// header of a free one.
static const size_t arena_unit = sizeof(struct arena_block) > _Alignof(max_align_t)
                                     ? sizeof(struct arena_block)
                                     : _Alignof(max_align_t);
_Static_assert((sizeof(struct arena_block) & (sizeof(struct arena_block) - 1)) == 0,
               "the unit is a power of two");

// Rounds up to whole units; a size so large that this wraps around becomes 0.
static size_t arena_round(size_t size)
{
    return (size + arena_unit - 1) & ~(arena_unit - 1);
}

static uint8_t *arena_end_of(struct arena_block *block)
{
    return (uint8_t *)block + block->size;
}

// Takes |size| octets from the front of |*link|'s block.
static void *arena_take(struct arena_block **link, size_t size)
{
    struct arena_block *const block = *link;
    assert(block->size >= size);
    if (block->size == size) {
        *link = block->next;
        return block;
    }
    struct arena_block *const rest = (void *)((uint8_t *)block + size);
    *rest = (struct arena_block){.next = block->next, .size = block->size - size};
    *link = rest;
    return block;
}

// The link to the first free block at or after |address|; |before|, if there is one, ends before it.
static struct arena_block **arena_seek(struct arena_block **head, const uint8_t *address,
                                       struct arena_block **before)
{
    struct arena_block **link = head;
    *before = NULL;
    while (*link && (const uint8_t *)*link < address) {
        *before = *link;
        link = &(*link)->next;
    }
    return link;
}

static void *arena_alloc(struct arena_block **head, size_t size)
{
    for (struct arena_block **link = head; *link; link = &(*link)->next) {
        if ((*link)->size >= size) return arena_take(link, size);
    }
    return NULL;
}

static void arena_free(struct arena_block **head, uint8_t *memory, size_t size)
{
    struct arena_block *before;
    struct arena_block **const link = arena_seek(head, memory, &before);
    struct arena_block *const after = *link;
    assert(!before || arena_end_of(before) <= memory); // else it is free already
    assert(!after || memory + size <= (uint8_t *)after);

    struct arena_block *block = (void *)memory;
    *block = (struct arena_block){.next = after, .size = size};
    *link = block;
    if (after && arena_end_of(block) == (uint8_t *)after) {
        block->size += after->size;
        block->next = after->next;
    }
    if (before && arena_end_of(before) == memory) {
        before->size += block->size;
        before->next = block->next;
    }
}

// Grows a block in place when the block behind it is free and large enough.
static bool arena_extend(struct arena_block **head, uint8_t *memory, size_t old_size,
                         size_t new_size)
{
    struct arena_block *before;
    struct arena_block **const link = arena_seek(head, memory, &before);
    if (!*link || (uint8_t *)*link != memory + old_size) return false;
    if ((*link)->size < new_size - old_size) return false;
    (void)arena_take(link, new_size - old_size); // it is the memory just behind ours
    return true;
}

static void *arena_resize(void *context, void *memory, size_t old_size, size_t new_size)
{
    struct zmtp_arena *const arena = context;
    struct arena_block *head = arena->free_list;
    const size_t old_units = arena_round(old_size);
    const size_t new_units = arena_round(new_size);
    void *result = NULL;
    assert(!memory || ((uint8_t *)memory >= arena->memory && old_units > 0));

    if (new_size > 0 && new_units == 0) return NULL;
    if (!memory) {
        result = arena_alloc(&head, new_units);
    } else if (new_units <= old_units) {
        if (new_units < old_units) {
            arena_free(&head, (uint8_t *)memory + new_units, old_units - new_units);
        }
        result = new_size > 0 ? memory : NULL;
    } else if (arena_extend(&head, memory, old_units, new_units)) {
        result = memory;
    } else {
        result = arena_alloc(&head, new_units);
        if (result) {
            memcpy(result, memory, old_size);
            arena_free(&head, memory, old_units);
        }
    }
    arena->free_list = head;
    return result;
}

int zmtp_arena_init(struct zmtp_arena *arena, void *memory, size_t size)
{
    if (!arena) return ZMTP_ERR_ARGUMENT;
    if (!memory) return ZMTP_ERR_ARGUMENT;
    const size_t skipped = (arena_unit - (uintptr_t)memory % arena_unit) % arena_unit;
    if (size < skipped + arena_unit) return ZMTP_ERR_ARGUMENT;

    uint8_t *const start = (uint8_t *)memory + skipped;
    struct arena_block *const block = (void *)start;
    *block = (struct arena_block){.size = (size - skipped) & ~(arena_unit - 1)};
    *arena = (struct zmtp_arena){
        .memory = start,
        .size = block->size,
        .free_list = block,
        .allocator = {.context = arena, .resize = arena_resize},
    };
    return ZMTP_OK;
}
