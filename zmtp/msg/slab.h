// Slabs: reference-counted blocks of octets, and the pool that recycles them.
//
// A pool has one owner, a thread at a time, and so have its slabs, until one is lent: given out in a
// message, which its user may pass to another thread, or sent there by a ferry. The last reference to a
// lent slab may go on any thread, so it comes home over a stack that all may push to, and the owner
// takes it from there when it needs one. What was never lent is freed to the pool's own lists, without
// an atomic operation.
#ifndef ZMTP_MSG_SLAB_H
#define ZMTP_MSG_SLAB_H

#include <stdatomic.h>
#include <string.h>

#include "../base/copy.h"
#include "../msg.h"

struct zmtp_slab {
    atomic_uint refs;
    uint8_t grade;   // which of the pool's sizes; or one of the two below
    bool ahead;      // see zmtp__slab_advance
    bool lent;       // see zmtp__slab_lend
    size_t capacity; // octets at |data|
    uint8_t *data;   // behind this struct, or the wrapped memory of a user
    const struct zmtp_allocator *allocator;
    struct zmtp_pool *pool; // null: returned to the allocator
    void (*release)(void *data, void *hint);
    void *hint;
};

// Beside the grades: a large slab, which a pool keeps for the next of about its size; one of an exact
// size, which no pool recycles.
enum { ZMTP__SLAB_GRADES = 3, ZMTP__SLAB_LARGE = 254, ZMTP__SLAB_ODD = 255 };

// A slab with one reference and at least |size| octets, of the smallest grade that fits; above the
// grades at most twice as large as asked for. Null: no memory. |pool| null: from |allocator|.
struct zmtp_slab *zmtp__slab_open(struct zmtp_pool *pool, const struct zmtp_allocator *allocator,
                                  size_t size);
// One of exactly |size| octets, which no pool recycles, so that a part that is kept for long holds
// no more than it needs.
struct zmtp_slab *zmtp__slab_open_exact(const struct zmtp_allocator *allocator, size_t size);
// Grows the one-reference slab to at least |capacity| octets, keeping what it holds; it may move. Null:
// no memory, and the slab is as it was.
struct zmtp_slab *zmtp__slab_grow(struct zmtp_slab *slab, size_t capacity);
// A large slab that lies unused in the pool, for |size| octets of which most are only promised: no new
// memory is behind it, so the promise costs nothing. As many promises hold no more than a bound. Null:
// there is none; let the slab grow with what comes.
struct zmtp_slab *zmtp__slab_advance(struct zmtp_pool *pool, size_t size);
// What was promised has come, or will not: the slab is like any other from now on.
void zmtp__slab_settle(struct zmtp_slab *slab);
// Would zmtp_pool_trim find something to do, by now or soon?
bool zmtp__pool_untidy(const struct zmtp_pool *pool);
const struct zmtp_allocator *zmtp__pool_allocator(const struct zmtp_pool *pool);
void zmtp__slab_free(struct zmtp_slab *slab);      // the last reference went
void zmtp__slab_note_lent(struct zmtp_slab *slab); // for the next function
// From now on other threads may hold references. The first time it is the owner's thread that says so;
// whoever else comes to hold the slab finds it said.
static inline void zmtp__slab_lend(struct zmtp_slab *slab)
{
    if (!slab->lent) zmtp__slab_note_lent(slab);
}

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

// Gives up |count| references at once, as one who took them ahead does.
static inline void zmtp__slab_drop(struct zmtp_slab *slab, unsigned count)
{
    // The last holder needs no atomic write: nobody else can raise the count any more.
    if (atomic_load_explicit(&slab->refs, memory_order_acquire) == count ||
        atomic_fetch_sub_explicit(&slab->refs, count, memory_order_acq_rel) == count)
        zmtp__slab_free(slab);
}

static inline void zmtp__slab_unref(struct zmtp_slab *slab)
{
    zmtp__slab_drop(slab, 1);
}

// Makes |part|, which holds nothing, refer to octets that lie in |slab|.
static inline void zmtp__part_refer(struct zmtp_part *part, struct zmtp_bytes octets,
                                    struct zmtp_slab *slab)
{
    part->size = octets.size;
    part->slab = slab;
    part->at.data = octets.data;
    zmtp__slab_ref(slab);
    zmtp__slab_lend(slab);
}

// The same, but a copy when they are few. The reference is |*spare|, if it is to the same slab, which then is null; |spare| may be null.
static inline void zmtp__part_show(struct zmtp_part *part, struct zmtp_bytes octets,
                                   struct zmtp_slab *slab, struct zmtp_slab **spare)
{
    part->size = octets.size;
    if (octets.size <= ZMTP_PART_INLINE) {
        part->slab = NULL;
        zmtp__copy_few(part->at.octets, octets.data, octets.size);
        return;
    }
    part->slab = slab;
    part->at.data = octets.data;
    if (spare && *spare == slab) {
        *spare = NULL;
        return;
    }
    zmtp__slab_ref(slab);
    zmtp__slab_lend(slab);
}

static inline bool zmtp__slab_sole(const struct zmtp_slab *slab)
{
    return atomic_load_explicit(&slab->refs, memory_order_acquire) == 1;
}

#endif
