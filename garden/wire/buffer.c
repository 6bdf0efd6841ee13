#include "../value.h"

#include <string.h>

enum { BUFFER_MIN = 256 };

void garden_buffer_init(struct garden_buffer *buffer, const struct zmtp_allocator *allocator,
                        size_t size_max)
{
    *buffer = (struct garden_buffer){.allocator = allocator ? allocator : zmtp_heap(),
                                     .size_max = size_max ? size_max : GARDEN_OCTETS_MAX};
}

void garden_buffer_fini(struct garden_buffer *buffer)
{
    zmtp_free(buffer->allocator, buffer->data, buffer->capacity);
    buffer->data = NULL;
    buffer->size = 0;
    buffer->capacity = 0;
}

void garden_buffer_clear(struct garden_buffer *buffer)
{
    buffer->size = 0;
    buffer->error = GARDEN_OK;
}

static int buffer_grow(struct garden_buffer *buffer, size_t needed)
{
    size_t capacity = buffer->capacity ? buffer->capacity : BUFFER_MIN;
    while (capacity < needed)
        capacity *= 2; // never wraps: |needed| is at most size_max, and that is half at most
    uint8_t *data = zmtp_realloc(buffer->allocator, buffer->data, buffer->capacity, capacity);
    if (!data) return GARDEN_ERR_MEMORY;
    buffer->data = data;
    buffer->capacity = capacity;
    return GARDEN_OK;
}

int garden_buffer_append(struct garden_buffer *buffer, const void *data, size_t size)
{
    if (buffer->error) return buffer->error;
    if (size == 0) return GARDEN_OK;
    if (buffer->size_max > SIZE_MAX / 2 || size > buffer->size_max - buffer->size) {
        return buffer->error = GARDEN_ERR_LIMIT;
    }
    if (size > buffer->capacity - buffer->size) {
        buffer->error = buffer_grow(buffer, buffer->size + size);
        if (buffer->error) return buffer->error;
    }
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    return GARDEN_OK;
}

struct zmtp_bytes garden_buffer_bytes(const struct garden_buffer *buffer)
{
    return (struct zmtp_bytes){buffer->data, buffer->size};
}
