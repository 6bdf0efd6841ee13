#include "slab.h"

#include <assert.h>
#include <string.h>

// Three grades: a few small messages, a busy queue, a read or write batch. A pool keeps some of each
// and gives the rest back, so that a burst does not hold its memory for ever.
static const size_t slab_sizes[ZMTP__SLAB_GRADES] = {1024, 8192, ZMTP_SLAB_SIZE};
static const size_t pool_keeps[ZMTP__SLAB_GRADES] = {64, 32, 32};
// Of the largest it keeps more while they come and go, as the queues of many subscribers do: to take each
// anew costs a publisher a third of its time.
enum { POOL_BURST_GRADE = ZMTP__SLAB_GRADES - 1, POOL_BURST = 96 };

// Above the grades a slab is as large as its message, and fresh memory for each costs more than the
// copy into it: the system clears every page. So the last used ones are kept, to a bound.
enum {
    POOL_LARGE_COUNT = 64,
    POOL_LARGE_BYTES = 32 * 1024 * 1024,
    // Sizes are rounded up to this, so that messages of nearly one size share their slabs.
    POOL_LARGE_STEP = 4096,
    POOL_LARGE_MAX = POOL_LARGE_BYTES / 2 + POOL_LARGE_STEP, // 16 MiB and a header
    // What the kernel copies to 1 to 31 octets further in a page it copies ten times slower on some processors (conn.c). A
    // message mostly begins at 0 there, and malloc's large blocks at 16 of a page: without this, all of a large body would
    // be slow that 41 to 71 octets go before, as a head of its own does. Now they are those that 2089 to 2119 go before.
    SLAB_APART = 2048,
    // Slabs lent ahead of what came hold at most this much of one pool's memory.
    POOL_AHEAD_BYTES = POOL_LARGE_BYTES,
};

// A slab on a list of |free|, or on the stack |home|, keeps the link in its |hint|.
struct zmtp_pool {
    const struct zmtp_allocator *allocator;
    // Lent slabs whose last reference went, on whatever thread; or the pool itself once it is closed:
    // there is no home any more. Nobody but the owner takes any off, and then all at once, so a stack
    // that is compared by its top alone is safe.
    _Atomic(void *) home;
    // Lent slabs of a closed pool, and the one who closes it; the last frees it.
    atomic_size_t orphans;
    size_t lent;  // slabs that are lent, or on their way home
    bool lending; // some were lent since the last trim
    struct zmtp__inbox inbox;
    struct zmtp_slab *free[ZMTP__SLAB_GRADES];
    size_t count[ZMTP__SLAB_GRADES];
    // The lowest |count| of the largest grade since the last trim: so many were not needed.
    size_t burst_spare;
    struct zmtp_slab *large[POOL_LARGE_COUNT]; // unused ones, the last used last
    size_t large_count, large_bytes;
    size_t large_spare; // the lowest |large_count| since the last trim: so many were not needed
    size_t ahead_bytes;
};

static uint8_t slab_grade(size_t size)
{
    for (uint8_t grade = 0; grade < ZMTP__SLAB_GRADES; grade++)
        if (size <= slab_sizes[grade]) return grade;
    return ZMTP__SLAB_LARGE;
}

// How far |data| of a slab of |capacity| octets lies behind its beginning.
static size_t slab_before(size_t capacity)
{
    return sizeof(struct zmtp_slab) + (slab_grade(capacity) == ZMTP__SLAB_LARGE ? SLAB_APART : 0);
}

static size_t slab_size(size_t capacity)
{
    return slab_before(capacity) + capacity;
}

struct zmtp_slab *zmtp__slab_open_exact(const struct zmtp_allocator *allocator, size_t capacity)
{
    if (capacity > SIZE_MAX - slab_before(capacity)) return NULL;
    struct zmtp_slab *slab = zmtp_alloc(allocator, slab_size(capacity));
    if (!slab) return NULL;
    *slab =
        (struct zmtp_slab){.capacity = capacity, .allocator = allocator, .grade = ZMTP__SLAB_ODD};
    slab->data = (uint8_t *)slab + slab_before(capacity);
    atomic_init(&slab->refs, 1);
    return slab;
}

int zmtp_pool_open(struct zmtp_pool **out, const struct zmtp_allocator *allocator)
{
    if (!out) return ZMTP_ERR_ARGUMENT;
    *out = NULL;
    if (!allocator) allocator = zmtp_heap();
    struct zmtp_pool *pool = zmtp_alloc(allocator, sizeof *pool);
    if (!pool) return ZMTP_ERR_MEMORY;
    *pool = (struct zmtp_pool){.allocator = allocator};
    *out = pool;
    return ZMTP_OK;
}

static void slab_give_back(struct zmtp_slab *slab)
{
    zmtp_free(slab->allocator, slab, slab_size(slab->capacity));
}

// Takes the |index|-th of the large slabs off the list.
static struct zmtp_slab *pool_remove_large(struct zmtp_pool *pool, size_t index)
{
    struct zmtp_slab *slab = pool->large[index];
    pool->large_count--;
    pool->large_bytes -= slab->capacity;
    memmove(pool->large + index, pool->large + index + 1,
            (pool->large_count - index) * sizeof *pool->large);
    if (pool->large_spare > pool->large_count) pool->large_spare = pool->large_count;
    return slab;
}

// The last used of those that fit, as its octets are the likeliest to be in a cache. Null: none.
static struct zmtp_slab *pool_take_large(struct zmtp_pool *pool, size_t size)
{
    for (size_t i = pool->large_count; i-- > 0;) {
        const size_t capacity = pool->large[i]->capacity;
        if (capacity >= size && capacity / 2 <= size) return pool_remove_large(pool, i);
    }
    return NULL;
}

// Beyond a bound the ones that were not used for the longest time make room.
static void pool_keep_large(struct zmtp_pool *pool, struct zmtp_slab *slab)
{
    while (pool->large_count == POOL_LARGE_COUNT ||
           (pool->large_count > 0 && slab->capacity > POOL_LARGE_BYTES - pool->large_bytes))
        slab_give_back(pool_remove_large(pool, 0));
    pool->large[pool->large_count++] = slab;
    pool->large_bytes += slab->capacity;
}

static void pool_drop_large(struct zmtp_pool *pool, size_t count)
{
    while (count-- > 0)
        slab_give_back(pool_remove_large(pool, 0));
}

static size_t pool_room(uint8_t grade)
{
    return grade == POOL_BURST_GRADE ? POOL_BURST : pool_keeps[grade];
}

static struct zmtp_slab *pool_take_free(struct zmtp_pool *pool, uint8_t grade)
{
    struct zmtp_slab *const slab = pool->free[grade];
    if (!slab) return NULL;
    pool->free[grade] = slab->hint;
    pool->count[grade]--;
    slab->hint = NULL;
    if (pool->burst_spare > pool->count[POOL_BURST_GRADE])
        pool->burst_spare = pool->count[POOL_BURST_GRADE];
    return slab;
}

// What a burst left and nobody needed since.
static void pool_drop_burst(struct zmtp_pool *pool)
{
    const size_t keep = pool_keeps[POOL_BURST_GRADE];
    for (size_t i = pool->burst_spare; i > 0 && pool->count[POOL_BURST_GRADE] > keep; i--)
        slab_give_back(pool_take_free(pool, POOL_BURST_GRADE));
    pool->burst_spare = pool->count[POOL_BURST_GRADE];
}

// The owner has no use for |slab| now: it is kept for later, or given back.
static void pool_keep(struct zmtp_pool *pool, struct zmtp_slab *slab)
{
    if (slab->grade == ZMTP__SLAB_LARGE) {
        pool_keep_large(pool, slab);
    } else if (slab->grade != ZMTP__SLAB_ODD && pool->count[slab->grade] < pool_room(slab->grade)) {
        slab->hint = pool->free[slab->grade];
        pool->free[slab->grade] = slab;
        pool->count[slab->grade]++;
    } else {
        slab_give_back(slab);
    }
}

// Takes in what came home. False: nothing did.
static bool pool_fetch(struct zmtp_pool *pool)
{
    // Looking is cheap, so that an owner who lends nothing does not pay for the exchange.
    if (!atomic_load_explicit(&pool->home, memory_order_relaxed)) return false;
    struct zmtp_slab *slab = atomic_exchange_explicit(&pool->home, NULL, memory_order_acquire);
    while (slab) {
        struct zmtp_slab *const next = slab->hint;
        slab->hint = NULL;
        slab->lent = false;
        pool->lent--;
        pool_keep(pool, slab);
        slab = next;
    }
    return true;
}

static bool pool_bursts(const struct zmtp_pool *pool)
{
    return pool->count[POOL_BURST_GRADE] > pool_keeps[POOL_BURST_GRADE];
}

bool zmtp_pool_trim(struct zmtp_pool *pool)
{
    if (!pool) return false;
    const bool fetched = pool_fetch(pool);
    pool->lending = false;
    pool_drop_large(pool, pool->large_spare);
    pool->large_spare = pool->large_count;
    pool_drop_burst(pool);
    return pool->large_count > 0 || pool_bursts(pool) || fetched;
}

bool zmtp__pool_untidy(const struct zmtp_pool *pool)
{
    return pool->large_count > 0 || pool_bursts(pool) || pool->lending;
}

const struct zmtp_allocator *zmtp__pool_allocator(const struct zmtp_pool *pool)
{
    return pool->allocator;
}

// |count| holders of a closed pool are done with it.
static void pool_release(struct zmtp_pool *pool, size_t count)
{
    if (atomic_fetch_sub_explicit(&pool->orphans, count, memory_order_acq_rel) == count)
        zmtp_free(pool->allocator, pool, sizeof *pool);
}

void zmtp_pool_close(struct zmtp_pool *pool)
{
    if (!pool) return;
    zmtp__inbox_fini(&pool->inbox);
    (void)pool_fetch(pool);
    for (size_t grade = 0; grade < ZMTP__SLAB_GRADES; grade++)
        while (pool->free[grade])
            slab_give_back(pool_take_free(pool, (uint8_t)grade));
    pool_drop_large(pool, pool->large_count);
    // Whoever finds the home gone also finds how many orphans there are, which was written before.
    atomic_store_explicit(&pool->orphans, pool->lent + 1, memory_order_relaxed);
    struct zmtp_slab *slab = atomic_exchange_explicit(&pool->home, pool, memory_order_acq_rel);
    size_t holders = 1;
    while (slab) {
        struct zmtp_slab *const next = slab->hint;
        slab_give_back(slab);
        holders++;
        slab = next;
    }
    pool_release(pool, holders);
}

void zmtp__slab_note_lent(struct zmtp_slab *slab)
{
    slab->lent = true;
    if (!slab->pool) return;
    slab->pool->lent++;
    slab->pool->lending = true;
}

// The last reference to a lent slab went, on whatever thread. Once it is on the stack it is the owner's,
// and so may be the end of the pool.
static void slab_go_home(struct zmtp_slab *slab)
{
    struct zmtp_pool *const pool = slab->pool;
    void *first = atomic_load_explicit(&pool->home, memory_order_acquire);
    do {
        if (first == pool) {
            slab_give_back(slab);
            pool_release(pool, 1);
            return;
        }
        slab->hint = first;
    } while (!atomic_compare_exchange_weak_explicit(&pool->home, &first, slab, memory_order_release,
                                                    memory_order_acquire));
}

static struct zmtp_slab *slab_open_graded(struct zmtp_pool *pool,
                                          const struct zmtp_allocator *allocator, uint8_t grade)
{
    if (pool && !pool->free[grade])
        (void)pool_fetch(pool); // there may be one, or else there is not
    struct zmtp_slab *slab = pool ? pool_take_free(pool, grade) : NULL;
    if (slab) return slab;
    slab = zmtp__slab_open_exact(allocator, slab_sizes[grade]);
    if (slab) slab->grade = grade;
    return slab;
}

// Does |pool| keep slabs of |size| octets, which is above the grades?
static bool pool_recycles(const struct zmtp_pool *pool, size_t size)
{
    return pool && size <= POOL_LARGE_MAX;
}

static size_t slab_round_large(size_t size)
{
    return (size + POOL_LARGE_STEP - 1) / POOL_LARGE_STEP * POOL_LARGE_STEP;
}

static struct zmtp_slab *slab_open_large(struct zmtp_pool *pool,
                                         const struct zmtp_allocator *allocator, size_t size)
{
    if (!pool_recycles(pool, size)) return zmtp__slab_open_exact(allocator, size);
    // What has just come home goes first: it is the likeliest to lie in a cache yet, and what is left over is given back.
    (void)pool_fetch(pool);
    struct zmtp_slab *slab = pool_take_large(pool, size);
    if (slab) return slab;
    slab = zmtp__slab_open_exact(allocator, slab_round_large(size));
    if (slab) slab->grade = ZMTP__SLAB_LARGE;
    return slab;
}

static struct zmtp_slab *slab_open(struct zmtp_pool *pool, const struct zmtp_allocator *allocator,
                                   size_t size)
{
    const uint8_t grade = slab_grade(size);
    return grade == ZMTP__SLAB_LARGE ? slab_open_large(pool, allocator, size)
                                     : slab_open_graded(pool, allocator, grade);
}

struct zmtp_slab *zmtp__slab_open(struct zmtp_pool *pool, const struct zmtp_allocator *allocator,
                                  size_t size)
{
    if (pool) allocator = pool->allocator;
    struct zmtp_slab *slab = slab_open(pool, allocator, size);
    if (!slab && pool && (pool->large_count > 0 || pool_bursts(pool))) {
        // What is kept in case is the first to go when memory is short.
        pool_drop_large(pool, pool->large_count);
        pool->burst_spare = pool->count[POOL_BURST_GRADE];
        pool_drop_burst(pool);
        slab = slab_open(pool, allocator, size);
    }
    if (!slab) return NULL;
    slab->pool = pool;
    atomic_store_explicit(&slab->refs, 1, memory_order_relaxed);
    return slab;
}

struct zmtp_slab *zmtp__slab_grow(struct zmtp_slab *slab, size_t capacity)
{
    assert(!slab->ahead && !slab->lent && slab_grade(capacity) == ZMTP__SLAB_LARGE);
    const bool kept = pool_recycles(slab->pool, capacity);
    if (kept) capacity = slab_round_large(capacity);
    if (capacity > SIZE_MAX - slab_before(capacity)) return NULL;
    struct zmtp_slab *grown =
        zmtp_realloc(slab->allocator, slab, slab_size(slab->capacity), slab_size(capacity));
    if (!grown) return NULL;
    uint8_t *const before = (uint8_t *)grown + slab_before(grown->capacity);
    grown->data = (uint8_t *)grown + slab_before(capacity);
    if (grown->data != before) memmove(grown->data, before, grown->capacity);
    grown->capacity = capacity;
    grown->grade = kept ? ZMTP__SLAB_LARGE : ZMTP__SLAB_ODD;
    return grown;
}

struct zmtp_slab *zmtp__slab_advance(struct zmtp_pool *pool, size_t size)
{
    if (!pool || slab_grade(size) != ZMTP__SLAB_LARGE) return NULL;
    struct zmtp_slab *slab = pool_take_large(pool, size);
    if (!slab && pool_fetch(pool)) slab = pool_take_large(pool, size);
    if (!slab) return NULL;
    if (slab->capacity > POOL_AHEAD_BYTES - pool->ahead_bytes) {
        pool_keep_large(pool, slab);
        return NULL;
    }
    slab->ahead = true;
    pool->ahead_bytes += slab->capacity;
    atomic_store_explicit(&slab->refs, 1, memory_order_relaxed);
    return slab;
}

void zmtp__slab_settle(struct zmtp_slab *slab)
{
    if (!slab->ahead) return;
    slab->ahead = false;
    slab->pool->ahead_bytes -= slab->capacity;
}

void zmtp__slab_free(struct zmtp_slab *slab)
{
    assert(!slab->ahead);
    if (slab->release) {
        slab->release(slab->data, slab->hint);
        zmtp_free(slab->allocator, slab, sizeof *slab);
        return;
    }
    if (!slab->pool)
        slab_give_back(slab);
    else if (slab->lent)
        slab_go_home(slab);
    else
        pool_keep(slab->pool, slab);
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
