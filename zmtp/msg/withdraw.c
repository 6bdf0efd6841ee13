// Messages that leave a queue and go nowhere. The writer may be amid one, which stays: it is to take the place of those.
#include <assert.h>

#include "queue.h"

static struct zmtp__range *withdraw_range(const struct zmtp__queue *queue, size_t index)
{
    return &queue->ranges[(queue->range_head + index) & (queue->range_capacity - 1)];
}

// Removes |count| ranges from the |index|-th on.
static void withdraw_ranges(struct zmtp__queue *queue, size_t index, size_t count)
{
    for (size_t i = index; i < index + count; i++)
        zmtp__slab_unref(withdraw_range(queue, i)->slab);
    for (size_t i = index + count; i < queue->range_count; i++)
        *withdraw_range(queue, i - count) = *withdraw_range(queue, i);
    queue->range_count -= (uint32_t)count;
}

// The |index|-th range gets an end of its own, at |end|, and what is from |begin| on is a range behind it.
static void withdraw_split(struct zmtp__queue *queue, size_t index, const uint8_t *end,
                           const uint8_t *begin)
{
    assert(queue->range_count < queue->range_capacity); // the writer made place
    for (size_t i = queue->range_count++; i > index + 1; i--)
        *withdraw_range(queue, i) = *withdraw_range(queue, i - 1);
    struct zmtp__range *const range = withdraw_range(queue, index);
    *withdraw_range(queue, index + 1) = (struct zmtp__range){range->slab, begin, range->end};
    zmtp__slab_ref(range->slab);
    range->end = end;
}

// All octets between |end|, in the |index|-th range, and the open message, or the end of the queue.
static void withdraw_between(struct zmtp__queue *queue, size_t index, const uint8_t *end)
{
    // The last range that has some of the whole messages, and where they end there.
    const size_t last = (queue->open ? queue->open_ranges : queue->range_count) - 1;
    struct zmtp__range *const range = withdraw_range(queue, last);
    const uint8_t *const begin = queue->open ? queue->open_end : range->end;
    const bool goes_on = range->end != begin; // the open message lies behind them
    if (last > index && goes_on) {
        range->begin = begin;
        withdraw_ranges(queue, index + 1, last - index - 1);
        withdraw_range(queue, index)->end = end;
    } else if (last > index) {
        withdraw_ranges(queue, index + 1, last - index);
        withdraw_range(queue, index)->end = end;
    } else if (goes_on && begin != end) {
        withdraw_split(queue, index, end, begin);
    } else if (!goes_on) {
        range->end = end;
    }
    queue->open_end = end;
    if (queue->open) queue->open_ranges = (uint32_t)index + 1;
    if (queue->owned > index + 1) queue->owned = (uint32_t)index + 1;
}

void zmtp__queue_clear(struct zmtp__queue *queue)
{
    if (queue->sent == 0) {
        while (queue->count > 0)
            zmtp__queue_drop(queue);
        return;
    }
    const size_t commands = zmtp__queue_first_flags(queue) & ZMTP_FLAG_COMMAND ? 1 : 0;
    const size_t first = zmtp__queue_first_size(queue);
    size_t index = 0, left = first;
    const struct zmtp__range *range = withdraw_range(queue, 0);
    for (; left > (size_t)(range->end - range->begin); range = withdraw_range(queue, ++index))
        left -= (size_t)(range->end - range->begin);
    queue->read += zmtp__queue_messages(queue) - (1 - commands);
    queue->commands = commands;
    withdraw_between(queue, index, range->begin + left);
    queue->bytes = first;
    queue->count = 1;
    queue->stale = queue->room = 0;
}

// What was read since is taken back instead.
static size_t withdraw_count(struct zmtp__queue *queue, uint64_t read)
{
    const size_t count = (size_t)(queue->read - read);
    queue->read = read;
    queue->withdrawn += count;
    return count;
}

size_t zmtp__queue_withdraw(struct zmtp__queue *queue)
{
    const uint64_t read = queue->read;
    zmtp__queue_clear(queue);
    return withdraw_count(queue, read);
}

size_t zmtp__queue_withdraw_first(struct zmtp__queue *queue)
{
    const uint64_t read = queue->read;
    zmtp__queue_drop(queue);
    return withdraw_count(queue, read);
}
