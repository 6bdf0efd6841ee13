// What a writer has to know before it puts a short message behind the last one, for as many of them as may follow.
#include "queue.h"

static size_t room_least(size_t a, size_t b)
{
    return a < b ? a : b;
}

bool zmtp__queue_find_room(struct zmtp__queue *queue, size_t size)
{
    queue->room = 0;
    if (queue->range_count == 0 || queue->open || !queue->tail) return false;
    if (zmtp__queue_full(queue)) return false;
    struct zmtp__range *const last = zmtp__queue_last(queue);
    if (last->slab != queue->tail || last->end != queue->tail_at) return false;
    const size_t left = zmtp__queue_tail_left(queue);
    queue->room = left;
    // The last message may go beyond the limit of octets, but not this way: so nobody has to ask how much of it would.
    if (queue->bytes_max)
        queue->room = room_least(left, queue->bytes_max - zmtp__queue_bytes(queue));
    size_t more = UINT32_MAX;
    if (queue->count_max) more = room_least(more, queue->count_max - zmtp__queue_count(queue));
    queue->written_end = (uint32_t)(queue->written + more);
    queue->last = last;
    return size <= queue->room;
}
