// Slabs: reference-counted blocks of octets, and the pool that recycles them.
#ifndef ZMTP_MSG_SLAB_H
#define ZMTP_MSG_SLAB_H

#include <stdatomic.h>

#include "../msg.h"

struct zmtp_slab {
    atomic_uint refs;
    uint8_t grade;   // which of the pool's sizes; ZMTP__SLAB_ODD: an exact size
    size_t capacity; // octets at |data|
    uint8_t *data;   // behind this struct, or the wrapped memory of a user
    const struct zmtp_allocator *allocator;
    struct zmtp_pool *pool; // null: returned to the allocator
    void (*release)(void *data, void *hint);
    void *hint;
};

enum { ZMTP__SLAB_GRADES = 3, ZMTP__SLAB_ODD = 255 };

// A slab with one reference and at least |size| octets, of the smallest grade that fits. Null: no
// memory. |pool| null: from |allocator|.
struct zmtp_slab *zmtp__slab_open(struct zmtp_pool *pool, const struct zmtp_allocator *allocator,
                                  size_t size);
// One of exactly |size| octets, which no pool recycles, so that a part that is kept for long holds
// no more than it needs.
struct zmtp_slab *zmtp__slab_open_exact(const struct zmtp_allocator *allocator, size_t size);
// Grows the one-reference slab to |capacity| octets, keeping what it holds; it may move. Null: no
// memory, and the slab is as it was. Makes it an odd one.
struct zmtp_slab *zmtp__slab_grow(struct zmtp_slab *slab, size_t capacity);
void zmtp__slab_free(struct zmtp_slab *slab); // the last reference went

// Where connections read into: a slab that they share one after the other, so that an idle connection
// holds no buffer. What was read and is still referred to lies before |used|.
struct zmtp__inbox {
    struct zmtp_slab *slab; // null: none yet
    size_t used;
};
struct zmtp__inbox *zmtp__pool_inbox(struct zmtp_pool *pool);
// Sees to |size| octets of room behind |used|. False: no memory.
bool zmtp__inbox_reserve(struct zmtp__inbox *inbox, struct zmtp_pool *pool,
                         const struct zmtp_allocator *allocator, size_t size);
void zmtp__inbox_fini(struct zmtp__inbox *inbox);

static inline void zmtp__slab_ref(struct zmtp_slab *slab)
{
    atomic_fetch_add_explicit(&slab->refs, 1, memory_order_relaxed);
}

static inline void zmtp__slab_unref(struct zmtp_slab *slab)
{
    // The last holder needs no atomic write: nobody else can raise the count any more.
    if (atomic_load_explicit(&slab->refs, memory_order_acquire) == 1 ||
        atomic_fetch_sub_explicit(&slab->refs, 1, memory_order_acq_rel) == 1)
        zmtp__slab_free(slab);
}

static inline bool zmtp__slab_sole(const struct zmtp_slab *slab)
{
    return atomic_load_explicit(&slab->refs, memory_order_acquire) == 1;
}

#endif
