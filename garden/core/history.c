#include "history.h"

#include <string.h>

void garden__history_init(struct garden__history *history, const struct zmtp_allocator *allocator,
                          size_t count_max, size_t bytes_max)
{
    *history = (struct garden__history){.allocator = allocator ? allocator : zmtp_heap(),
                                        .count_max = count_max,
                                        .bytes_max = bytes_max};
}

static void history_drop_oldest(struct garden__history *history)
{
    struct garden__past *oldest = history->oldest;
    history->oldest = oldest->next;
    if (!history->oldest) history->youngest = NULL;
    history->count--;
    history->bytes -= oldest->size;
    zmtp_free(history->allocator, oldest, sizeof *oldest + oldest->size);
}

void garden__history_fini(struct garden__history *history)
{
    while (history->oldest)
        history_drop_oldest(history);
}

void garden__history_add(struct garden__history *history, uint64_t seq, struct zmtp_bytes octets)
{
    struct garden__past *past = NULL;
    if (history->count_max > 0 && octets.size <= history->bytes_max)
        past = zmtp_alloc(history->allocator, sizeof *past + octets.size);
    if (!past) {
        garden__history_fini(history);
        return;
    }
    *past = (struct garden__past){.seq = seq, .size = octets.size};
    if (octets.size > 0) memcpy(past->octets, octets.data, octets.size);
    while (history->count == history->count_max ||
           history->bytes > history->bytes_max - octets.size)
        history_drop_oldest(history);
    if (history->youngest)
        history->youngest->next = past;
    else
        history->oldest = past;
    history->youngest = past;
    history->count++;
    history->bytes += octets.size;
}

const struct garden__past *garden__history_from(const struct garden__history *history, uint64_t seq)
{
    const struct garden__past *past = history->oldest;
    while (past && past->seq < seq)
        past = past->next;
    return past;
}
