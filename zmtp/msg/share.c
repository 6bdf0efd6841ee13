#include "share.h"

#include <assert.h>
#include <string.h>

int zmtp__queue_join(struct zmtp__queue *queue, struct zmtp_bytes frames, struct zmtp_slab *slab)
{
    assert(!queue->crosses);
    zmtp__queue_begin(queue);
    const int result = zmtp__queue_add(queue, slab, frames.data, frames.size);
    if (result < 0) zmtp__queue_undo(queue);
    return result;
}

static int share_copy(struct zmtp__queue *queue, struct zmtp__range *range)
{
    const size_t size = (size_t)(range->end - range->begin);
    uint8_t *const room = zmtp__queue_tail_room(queue, size);
    if (!room) return ZMTP_ERR_MEMORY;
    memcpy(room, range->begin, size);
    queue->tail_at += size;
    queue->room = 0;
    zmtp__slab_ref(queue->tail);
    zmtp__slab_unref(range->slab);
    *range = (struct zmtp__range){queue->tail, room, room + size};
    return ZMTP_OK;
}

int zmtp__queue_own(struct zmtp__queue *queue, struct zmtp_slab *slab)
{
    assert(!queue->open);
    for (; queue->owned < queue->range_count; queue->owned++) {
        const size_t index = queue->range_head + queue->owned;
        struct zmtp__range *const range = &queue->ranges[index & (queue->range_capacity - 1)];
        const size_t size = (size_t)(range->end - range->begin);
        if (range->slab != slab || size >= slab->capacity / ZMTP__QUEUE_REFER_SHARE) continue;
        const int result = share_copy(queue, range);
        if (result < 0) return result;
    }
    return ZMTP_OK;
}
