#include "../value.h"

#include <stdalign.h>
#include <string.h>

enum { ARENA_ALIGN = alignof(max_align_t), ARENA_BLOCK_MIN = 1024, ARENA_BLOCK_MAX = 64 * 1024 };

struct garden__block {
    struct garden__block *next;
    size_t size, used; // of the whole block, this header counted
};

static size_t arena_round(size_t size)
{
    return (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
}

void garden_arena_init(struct garden_arena *arena, const struct zmtp_allocator *allocator,
                       size_t bytes_max)
{
    *arena = (struct garden_arena){.allocator = allocator ? allocator : zmtp_heap(),
                                   .bytes_max = bytes_max ? bytes_max : GARDEN_ARENA_MAX};
}

void garden_arena_fini(struct garden_arena *arena)
{
    while (arena->blocks) {
        struct garden__block *block = arena->blocks;
        arena->blocks = block->next;
        zmtp_free(arena->allocator, block, block->size);
    }
    arena->bytes = 0;
}

static void *arena_fail(struct garden_arena *arena, int error)
{
    arena->error = error;
    return NULL;
}

// A block with room for |size| octets; blocks double, so that small messages stay small.
static struct garden__block *arena_grow(struct garden_arena *arena, size_t size)
{
    const size_t head = arena_round(sizeof(struct garden__block));
    const size_t left = arena->bytes_max - arena->bytes;
    if (left < head || size > left - head) return arena_fail(arena, GARDEN_ERR_LIMIT);

    size_t wish = arena->blocks ? arena->blocks->size * 2 : ARENA_BLOCK_MIN;
    if (wish > ARENA_BLOCK_MAX) wish = ARENA_BLOCK_MAX;
    if (wish < head + size) wish = head + size;
    if (wish > left) wish = left;
    struct garden__block *block = zmtp_alloc(arena->allocator, wish);
    if (!block) return arena_fail(arena, GARDEN_ERR_MEMORY);
    *block = (struct garden__block){.next = arena->blocks, .size = wish, .used = head};
    arena->blocks = block;
    arena->bytes += wish;
    return block;
}

void *garden_arena_alloc(struct garden_arena *arena, size_t count, size_t size)
{
    if (size && count > (SIZE_MAX - ARENA_ALIGN) / size) return arena_fail(arena, GARDEN_ERR_LIMIT);
    const size_t whole = arena_round(count * size);
    struct garden__block *block = arena->blocks;
    // Nothing gets a place too, so that null always means failure.
    if (!block || whole > block->size - block->used) block = arena_grow(arena, whole);
    if (!block) return NULL;
    void *memory = (char *)block + block->used;
    block->used += whole;
    memset(memory, 0, whole);
    return memory;
}
