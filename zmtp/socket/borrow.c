#include "borrow.h"

#include <assert.h>
#include <string.h>

void zmtp__borrow_open(struct zmtp__borrow *borrowed, struct zmtp_bytes body)
{
    // Nobody writes to what a queue refers to.
    *borrowed = (struct zmtp__borrow){.theirs = {.grade = ZMTP__SLAB_ODD,
                                                 .capacity = body.size,
                                                 .data = (uint8_t *)(uintptr_t)body.data}};
    atomic_init(&borrowed->theirs.refs, 1);
}

struct zmtp_slab *zmtp__borrow_take(struct zmtp__borrow *borrowed, struct zmtp__queue *queue)
{
    // What crosses to another thread does not come back with the call.
    if (borrowed->queue || queue->crosses) return NULL;
    borrowed->instead = zmtp__slab_open(queue->pool, queue->allocator, borrowed->theirs.capacity);
    if (!borrowed->instead) return NULL;
    borrowed->queue = queue;
    return &borrowed->theirs;
}

void zmtp__borrow_close(struct zmtp__borrow *borrowed)
{
    if (!borrowed->queue) return;
    if (!zmtp__slab_sole(&borrowed->theirs)) {
        memcpy(borrowed->instead->data, borrowed->theirs.data, borrowed->theirs.capacity);
        zmtp__queue_exchange(borrowed->queue, &borrowed->theirs, borrowed->instead);
    }
    assert(zmtp__slab_sole(&borrowed->theirs));
    zmtp__slab_unref(borrowed->instead);
    borrowed->queue = NULL;
}
