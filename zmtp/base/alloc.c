#include "../base.h"

void *zmtp_alloc(const struct zmtp_allocator *allocator, size_t size)
{
    return zmtp_realloc(allocator, NULL, 0, size);
}

void *zmtp_realloc(const struct zmtp_allocator *allocator, void *memory, size_t old_size,
                   size_t new_size)
{
    if (!memory && new_size == 0) return NULL;
    if (!allocator) allocator = zmtp_heap();
    return allocator->resize(allocator->context, memory, old_size, new_size);
}

void zmtp_free(const struct zmtp_allocator *allocator, void *memory, size_t size)
{
    (void)zmtp_realloc(allocator, memory, size, 0); // freeing yields null, and nothing to check
}
