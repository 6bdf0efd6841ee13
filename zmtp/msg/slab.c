#include "slab.h"

// Three grades: a few small messages, a busy queue, a read or write batch. A pool keeps some of each
// and gives the rest back, so that a burst does not hold its memory for ever.
static const size_t slab_sizes[ZMTP__SLAB_GRADES] = {1024, 8192, ZMTP_SLAB_SIZE};
static const size_t pool_keeps[ZMTP__SLAB_GRADES] = {64, 32, 32};

// A slab on a pool's list keeps the link in its |hint|.
struct zmtp_pool {
    const struct zmtp_allocator *allocator;
    struct zmtp__inbox inbox;
    struct zmtp_slab *free[ZMTP__SLAB_GRADES];
    size_t count[ZMTP__SLAB_GRADES];
};

static uint8_t slab_grade(size_t size)
{
    for (uint8_t grade = 0; grade < ZMTP__SLAB_GRADES; grade++)
        if (size <= slab_sizes[grade]) return grade;
    return ZMTP__SLAB_ODD;
}

struct zmtp_slab *zmtp__slab_open_exact(const struct zmtp_allocator *allocator, size_t capacity)
{
    if (capacity > SIZE_MAX - sizeof(struct zmtp_slab)) return NULL;
    struct zmtp_slab *slab = zmtp_alloc(allocator, sizeof *slab + capacity);
    if (!slab) return NULL;
    *slab =
        (struct zmtp_slab){.capacity = capacity, .allocator = allocator, .grade = ZMTP__SLAB_ODD};
    slab->data = (uint8_t *)(slab + 1);
    atomic_init(&slab->refs, 1);
    return slab;
}

int zmtp_pool_open(struct zmtp_pool **out, const struct zmtp_allocator *allocator)
{
    *out = NULL;
    if (!allocator) allocator = zmtp_heap();
    struct zmtp_pool *pool = zmtp_alloc(allocator, sizeof *pool);
    if (!pool) return ZMTP_ERR_MEMORY;
    *pool = (struct zmtp_pool){.allocator = allocator};
    *out = pool;
    return ZMTP_OK;
}

void zmtp_pool_close(struct zmtp_pool *pool)
{
    if (!pool) return;
    zmtp__inbox_fini(&pool->inbox);
    for (size_t grade = 0; grade < ZMTP__SLAB_GRADES; grade++)
        while (pool->free[grade]) {
            struct zmtp_slab *slab = pool->free[grade];
            pool->free[grade] = slab->hint;
            zmtp_free(pool->allocator, slab, sizeof *slab + slab->capacity);
        }
    zmtp_free(pool->allocator, pool, sizeof *pool);
}

struct zmtp_slab *zmtp__slab_open(struct zmtp_pool *pool, const struct zmtp_allocator *allocator,
                                  size_t size)
{
    const uint8_t grade = slab_grade(size);
    if (grade == ZMTP__SLAB_ODD) return zmtp__slab_open_exact(allocator, size);
    if (pool && pool->free[grade]) {
        struct zmtp_slab *slab = pool->free[grade];
        pool->free[grade] = slab->hint;
        pool->count[grade]--;
        slab->hint = NULL;
        atomic_store_explicit(&slab->refs, 1, memory_order_relaxed);
        return slab;
    }
    struct zmtp_slab *slab =
        zmtp__slab_open_exact(pool ? pool->allocator : allocator, slab_sizes[grade]);
    if (slab) {
        slab->grade = grade;
        slab->pool = pool;
    }
    return slab;
}

struct zmtp_slab *zmtp__slab_grow(struct zmtp_slab *slab, size_t capacity)
{
    if (capacity > SIZE_MAX - sizeof *slab) return NULL;
    struct zmtp_slab *grown =
        zmtp_realloc(slab->allocator, slab, sizeof *slab + slab->capacity, sizeof *slab + capacity);
    if (!grown) return NULL;
    grown->data = (uint8_t *)(grown + 1);
    grown->capacity = capacity;
    grown->grade = ZMTP__SLAB_ODD;
    grown->pool = NULL;
    return grown;
}

void zmtp__slab_free(struct zmtp_slab *slab)
{
    if (slab->release) {
        slab->release(slab->data, slab->hint);
        zmtp_free(slab->allocator, slab, sizeof *slab);
        return;
    }
    struct zmtp_pool *pool = slab->pool;
    if (pool && pool->count[slab->grade] < pool_keeps[slab->grade]) {
        slab->hint = pool->free[slab->grade];
        pool->free[slab->grade] = slab;
        pool->count[slab->grade]++;
        return;
    }
    zmtp_free(slab->allocator, slab, sizeof *slab + slab->capacity);
}

struct zmtp__inbox *zmtp__pool_inbox(struct zmtp_pool *pool)
{
    return &pool->inbox;
}

bool zmtp__inbox_reserve(struct zmtp__inbox *inbox, struct zmtp_pool *pool,
                         const struct zmtp_allocator *allocator, size_t size)
{
    if (inbox->slab && zmtp__slab_sole(inbox->slab)) inbox->used = 0;
    if (inbox->slab && inbox->slab->capacity - inbox->used >= size) return true;
    struct zmtp_slab *slab = zmtp__slab_open(pool, allocator, size);
    if (!slab) return false;
    zmtp__inbox_fini(inbox);
    inbox->slab = slab;
    return true;
}

void zmtp__inbox_fini(struct zmtp__inbox *inbox)
{
    if (inbox->slab) zmtp__slab_unref(inbox->slab);
    *inbox = (struct zmtp__inbox){0};
}
