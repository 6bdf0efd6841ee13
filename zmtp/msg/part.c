#include "slab.h"

#include <string.h>

static void part_point(struct zmtp_part *part, struct zmtp_slab *slab, const uint8_t *data,
                       size_t size)
{
    part->slab = slab;
    part->size = size;
    part->at.data = data;
}

int zmtp_part_reserve(struct zmtp_part *part, size_t size, uint8_t **room,
                      const struct zmtp_allocator *allocator)
{
    if (!part || !room) return ZMTP_ERR_ARGUMENT;
    if (size <= ZMTP_PART_INLINE) {
        part->slab = NULL;
        part->size = size;
        *room = part->at.octets;
        return ZMTP_OK;
    }
    struct zmtp_slab *slab = zmtp__slab_open_exact(allocator ? allocator : zmtp_heap(), size);
    if (!slab) return ZMTP_ERR_MEMORY;
    part_point(part, slab, slab->data, size);
    *room = slab->data;
    return ZMTP_OK;
}

int zmtp_part_copy(struct zmtp_part *part, struct zmtp_bytes octets,
                   const struct zmtp_allocator *allocator)
{
    if (!part || (!octets.data && octets.size > 0)) return ZMTP_ERR_ARGUMENT;
    uint8_t *room = NULL;
    const int result = zmtp_part_reserve(part, octets.size, &room, allocator);
    if (result == ZMTP_OK && octets.size) memcpy(room, octets.data, octets.size);
    return result;
}

int zmtp_part_wrap(struct zmtp_part *part, void *data, size_t size,
                   void (*release)(void *data, void *hint), void *hint,
                   const struct zmtp_allocator *allocator)
{
    if (!part || !release || (!data && size > 0)) return ZMTP_ERR_ARGUMENT;
    if (!allocator) allocator = zmtp_heap();
    struct zmtp_slab *slab = zmtp_alloc(allocator, sizeof *slab);
    if (!slab) return ZMTP_ERR_MEMORY;
    *slab = (struct zmtp_slab){.grade = ZMTP__SLAB_ODD,
                               .capacity = size,
                               .data = data,
                               .allocator = allocator,
                               .release = release,
                               .hint = hint};
    atomic_init(&slab->refs, 1);
    part_point(part, slab, data, size);
    return ZMTP_OK;
}

void zmtp_part_share(struct zmtp_part *part, const struct zmtp_part *of)
{
    if (!part || !of) return;
    *part = *of;
    if (part->slab) zmtp__slab_ref(part->slab);
}

void zmtp_part_fini(struct zmtp_part *part)
{
    if (!part) return;
    struct zmtp_slab *slab = part->slab;
    part->slab = NULL;
    part->size = 0;
    if (slab) zmtp__slab_unref(slab);
}
