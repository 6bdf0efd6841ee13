#include "../base.h"

#ifndef ZMTP_NO_HEAP
#include <stdlib.h>
#endif

static void *heap_resize(void *context, void *memory, size_t old_size, size_t new_size)
{
    (void)context;
    (void)old_size;
#ifdef ZMTP_NO_HEAP
    (void)memory;
    (void)new_size;
    return NULL;
#else
    if (new_size > 0) return realloc(memory, new_size);
    free(memory);
    return NULL;
#endif
}

const struct zmtp_allocator *zmtp_heap(void)
{
    static const struct zmtp_allocator heap = {.resize = heap_resize};
    return &heap;
}
