#include "queue.h"

#include <assert.h>
#include <string.h>

#include "../wire/frame.h"

// An idle queue keeps at most this many places for ranges.
enum { QUEUE_RANGES_IDLE = 16 };

// A place in the queue: octet |at| of the |index|-th range from the head.
struct queue_cursor {
    size_t index;
    const uint8_t *at;
};

void zmtp__queue_init(struct zmtp__queue *queue, const struct zmtp_allocator *allocator,
                      struct zmtp_pool *pool, size_t count_max, size_t bytes_max)
{
    *queue = (struct zmtp__queue){
        .allocator = allocator, .pool = pool, .count_max = count_max, .bytes_max = bytes_max};
}

static struct zmtp__range *queue_range(const struct zmtp__queue *queue, size_t index)
{
    return &queue->ranges[(queue->range_head + index) & (queue->range_capacity - 1)];
}

static void queue_free_ranges(struct zmtp__queue *queue)
{
    zmtp_free(queue->allocator, queue->ranges, queue->range_capacity * sizeof *queue->ranges);
    queue->ranges = NULL;
    queue->range_capacity = queue->range_head = 0;
}

static void queue_release_tail(struct zmtp__queue *queue)
{
    if (queue->tail) zmtp__slab_unref(queue->tail);
    queue->tail = NULL;
    queue->tail_at = NULL;
    queue->room = 0;
}

// Nothing is left: an idle queue holds next to no memory.
static void queue_emptied(struct zmtp__queue *queue)
{
    if (queue->open || queue->range_count > 0) return;
    queue_release_tail(queue);
    queue->range_head = 0;
    if (queue->range_capacity > QUEUE_RANGES_IDLE) queue_free_ranges(queue);
}

static void queue_pop_range(struct zmtp__queue *queue)
{
    zmtp__slab_unref(queue_range(queue, 0)->slab);
    queue->range_head = (queue->range_head + 1) & (queue->range_capacity - 1);
    queue->range_count--;
    if (queue->open_ranges > 0) queue->open_ranges--;
    if (queue->owned > 0) queue->owned--;
}

void zmtp__queue_fini(struct zmtp__queue *queue)
{
    while (queue->range_count > 0)
        queue_pop_range(queue);
    queue_release_tail(queue);
    queue_free_ranges(queue);
}

static int queue_grow_ranges(struct zmtp__queue *queue)
{
    const uint32_t old = queue->range_capacity;
    const uint32_t capacity = old ? old * 2 : 4;
    if (capacity < old) return ZMTP_ERR_MEMORY;
    struct zmtp__range *ranges = zmtp_alloc(queue->allocator, capacity * sizeof *ranges);
    if (!ranges) return ZMTP_ERR_MEMORY;
    for (size_t i = 0; i < queue->range_count; i++)
        ranges[i] = *queue_range(queue, i);
    zmtp_free(queue->allocator, queue->ranges, old * sizeof *ranges);
    queue->ranges = ranges;
    queue->range_capacity = capacity;
    queue->range_head = 0;
    return ZMTP_OK;
}

// There is a place for one more.
static int queue_need_range(struct zmtp__queue *queue)
{
    return queue->range_count < queue->range_capacity ? ZMTP_OK : queue_grow_ranges(queue);
}

// Shall |size| octets, which are enough to be worth it from |least| on, be referred to?
static bool queue_refers(const struct zmtp__queue *queue, const struct zmtp_slab *slab, size_t size,
                         size_t least)
{
    if (size < least || size < slab->capacity / ZMTP__QUEUE_REFER_SHARE) return false;
    return !queue->crosses || slab->allocator == queue->allocator;
}

int zmtp__queue_add(struct zmtp__queue *queue, struct zmtp_slab *slab, const uint8_t *begin,
                    size_t size)
{
    queue->open_bytes += size;
    if (queue->range_count > 0) {
        struct zmtp__range *last = queue_range(queue, queue->range_count - 1);
        if (last->slab == slab && last->end == begin) {
            last->end += size;
            return ZMTP_OK;
        }
    }
    const int result = queue_need_range(queue);
    if (result < 0) return result;
    zmtp__slab_ref(slab);
    // Some may have been dropped.
    if (queue->owned > queue->range_count) queue->owned = queue->range_count;
    *queue_range(queue, queue->range_count++) = (struct zmtp__range){slab, begin, begin + size};
    return ZMTP_OK;
}

uint8_t *zmtp__queue_tail_room(struct zmtp__queue *queue, size_t size)
{
    if (queue->tail && zmtp__queue_tail_left(queue) >= size) return queue->tail_at;
    const size_t busy = queue->bytes + queue->open_bytes;
    size_t wanted = busy > queue->expected ? busy : queue->expected;
    if (wanted > ZMTP_SLAB_SIZE) wanted = ZMTP_SLAB_SIZE;
    struct zmtp_slab *slab =
        zmtp__slab_open(queue->pool, queue->allocator, size > wanted ? size : wanted);
    if (!slab) return NULL;
    queue_release_tail(queue);
    queue->tail = slab;
    queue->tail_at = slab->data;
    return slab->data;
}

void zmtp__queue_begin(struct zmtp__queue *queue)
{
    assert(!queue->open);
    queue->open = true;
    queue->room = 0;
    queue->open_bytes = queue->open_commands = 0;
    queue->open_ranges = queue->range_count;
    queue->open_end =
        queue->range_count > 0 ? queue_range(queue, queue->range_count - 1)->end : NULL;
}

void zmtp__queue_undo(struct zmtp__queue *queue)
{
    assert(queue->open);
    while (queue->range_count > queue->open_ranges)
        zmtp__slab_unref(queue_range(queue, --queue->range_count)->slab);
    if (queue->range_count > 0) {
        struct zmtp__range *last = queue_range(queue, queue->range_count - 1);
        last->end = queue->open_end;
        // The reader may have taken all that stood before the open message.
        if (last->begin == last->end)
            zmtp__slab_unref(queue_range(queue, --queue->range_count)->slab);
    }
    queue->open = false;
    queue->open_bytes = queue->open_ranges = 0;
    queue_emptied(queue);
}

void zmtp__queue_end(struct zmtp__queue *queue, size_t messages)
{
    assert(queue->open);
    assert((messages > 0) == (queue->open_bytes > 0));
    assert(queue->open_commands <= messages);
    queue->open = false;
    queue->count += messages;
    queue->commands += queue->open_commands;
    queue->written += messages - queue->open_commands;
    queue->bytes += queue->open_bytes;
    queue->open_bytes = queue->open_ranges = 0;
}

int zmtp__queue_add_room(struct zmtp__queue *queue, const uint8_t *room, size_t size)
{
    const int result = zmtp__queue_add(queue, queue->tail, room, size);
    if (result == ZMTP_OK) queue->tail_at += size;
    return result;
}

static int queue_put_body(struct zmtp__queue *queue, const struct zmtp_frame *frame,
                          struct zmtp_bytes body, struct zmtp_slab *slab)
{
    // What a user lent goes to another socket of the process as it is, which then is the last to have it.
    const size_t least =
        slab && slab->release && queue->crosses ? 1 : (size_t)ZMTP__QUEUE_REFER_BODY;
    const bool refer = slab && queue_refers(queue, slab, body.size, least);
    const size_t copied = refer ? 0 : body.size;
    if (copied > SIZE_MAX - ZMTP_HEADER_MAX) return ZMTP_ERR_MEMORY;
    uint8_t *room = zmtp__queue_tail_room(queue, ZMTP_HEADER_MAX + copied);
    if (!room) return ZMTP_ERR_MEMORY;
    const size_t header = zmtp__frame_encode(frame, room);
    if (copied) memcpy(room + header, body.data, copied);
    const int result = zmtp__queue_add_room(queue, room, header + copied);
    if (result < 0 || !refer) return result;
    return zmtp__queue_add(queue, slab, body.data, body.size);
}

int zmtp__queue_put(struct zmtp__queue *queue, struct zmtp_bytes body, struct zmtp_slab *slab,
                    unsigned flags)
{
    assert(queue->open);
    const struct zmtp_frame frame = {
        .size = body.size, .more = flags & ZMTP_FLAG_MORE, .command = flags & ZMTP_FLAG_COMMAND};
    const int result = queue_put_body(queue, &frame, body, slab);
    queue->open_commands += frame.command;
    if (result < 0) zmtp__queue_undo(queue);
    return result;
}

int zmtp__queue_make_place(struct zmtp__queue *queue)
{
    assert(queue->open);
    const int result = queue_need_range(queue);
    if (result < 0) zmtp__queue_undo(queue);
    return result;
}

static int queue_copy_run(struct zmtp__queue *queue, struct zmtp_bytes frames)
{
    uint8_t *room = zmtp__queue_tail_room(queue, frames.size);
    if (!room) return ZMTP_ERR_MEMORY;
    memcpy(room, frames.data, frames.size);
    return zmtp__queue_add_room(queue, room, frames.size);
}

int zmtp__queue_put_frames(struct zmtp__queue *queue, struct zmtp_bytes frames,
                           struct zmtp_slab *slab)
{
    assert(queue->open);
    if (frames.size == 0) return ZMTP_OK; // a range of nothing would be read as a frame
    bool refer = queue_refers(queue, slab, frames.size, slab->release ? 1 : ZMTP__QUEUE_REFER_RUN);
    if (!refer && queue->range_count > 0) {
        const struct zmtp__range *last = queue_range(queue, queue->range_count - 1);
        refer = last->slab == slab && last->end == frames.data;
    }
    const int result = refer ? zmtp__queue_add(queue, slab, frames.data, frames.size)
                             : queue_copy_run(queue, frames);
    if (result < 0) zmtp__queue_undo(queue);
    return result;
}

void zmtp__queue_exchange(struct zmtp__queue *queue, struct zmtp_slab *from, struct zmtp_slab *to)
{
    queue->room = 0;
    for (size_t i = 0; i < queue->range_count; i++) {
        struct zmtp__range *const range = queue_range(queue, i);
        if (range->slab != from) continue;
        range->begin = to->data + (range->begin - from->data);
        range->end = to->data + (range->end - from->data);
        range->slab = to;
        zmtp__slab_ref(to);
        zmtp__slab_unref(from);
    }
}

// A frame as it lies in the queue.
struct queue_frame {
    struct zmtp_frame frame;
    struct zmtp_bytes body;
    struct zmtp_slab *slab; // holds the body
    size_t size;            // header and body
};

// Reads the frame at |cursor|, whose octets we wrote or checked, and moves to the next one.
static struct queue_frame queue_next(const struct zmtp__queue *queue, struct queue_cursor *cursor)
{
    const struct zmtp__range *range = queue_range(queue, cursor->index);
    if (cursor->at == range->end) {
        range = queue_range(queue, ++cursor->index);
        cursor->at = range->begin;
    }
    struct queue_frame next;
    const struct zmtp_bytes rest = {cursor->at, (size_t)(range->end - cursor->at)};
    const int header = zmtp__frame_decode(rest, &next.frame);
    assert(header > 0);
    cursor->at += header;
    if (next.frame.size > 0 && cursor->at == range->end) { // the body lies in the next range
        range = queue_range(queue, ++cursor->index);
        cursor->at = range->begin;
    }
    assert(next.frame.size <= (size_t)(range->end - cursor->at));
    next.body = (struct zmtp_bytes){cursor->at, (size_t)next.frame.size};
    next.slab = range->slab;
    next.size = (size_t)header + next.body.size;
    cursor->at += next.body.size;
    return next;
}

static struct queue_cursor queue_head(const struct zmtp__queue *queue)
{
    assert(queue->count > 0);
    return (struct queue_cursor){0, queue_range(queue, 0)->begin};
}

// The first message, |size| octets that end at |end|, leaves the queue.
static void queue_pop_message(struct zmtp__queue *queue, const struct queue_cursor *end,
                              size_t size)
{
    if (zmtp__queue_first_flags(queue) & ZMTP_FLAG_COMMAND)
        queue->commands--;
    else
        queue->read++;
    for (size_t i = 0; i < end->index; i++)
        queue_pop_range(queue);
    struct zmtp__range *head = queue_range(queue, 0);
    head->begin = end->at;
    if (head->begin == head->end) queue_pop_range(queue);
    queue->count--;
    queue->taken++;
    queue->bytes -= size;
    queue->sent = queue->message_left = 0;
    if (queue->stale > 0) queue->stale--;
    if (queue->range_count == 0) queue_emptied(queue);
}

// The end of the first message, and its size.
static struct queue_cursor queue_first_end(const struct zmtp__queue *queue, size_t *size)
{
    struct queue_cursor cursor = queue_head(queue);
    struct queue_frame next;
    *size = 0;
    do {
        next = queue_next(queue, &cursor);
        *size += next.size;
    } while (next.frame.more);
    return cursor;
}

// The same, and so do the stale commands that are first then.
static void queue_advance(struct zmtp__queue *queue, const struct queue_cursor *end, size_t size)
{
    queue_pop_message(queue, end, size);
    while (queue->stale > 0 && zmtp__queue_first_flags(queue) & ZMTP_FLAG_COMMAND) {
        const struct queue_cursor next = queue_first_end(queue, &size);
        queue_pop_message(queue, &next, size);
    }
}

size_t zmtp__queue_first_size(const struct zmtp__queue *queue)
{
    size_t size;
    (void)queue_first_end(queue, &size); // only the size is asked for
    return size;
}

struct zmtp_bytes zmtp__queue_first_body(const struct zmtp__queue *queue)
{
    struct queue_cursor cursor = queue_head(queue);
    return queue_next(queue, &cursor).body;
}

bool zmtp__queue_next_part(const struct zmtp__queue *queue, struct zmtp__queue_part *part)
{
    if (part->last) return false;
    struct queue_cursor cursor = {part->range, part->at};
    if (!part->at) cursor = queue_head(queue);
    const struct queue_frame next = queue_next(queue, &cursor);
    *part = (struct zmtp__queue_part){.body = next.body,
                                      .command = next.frame.command,
                                      .last = !next.frame.more,
                                      .range = cursor.index,
                                      .at = cursor.at};
    return true;
}

// Of a first frame with a flag, so of none without it: is it long, and neither another part nor a command?
struct zmtp__queue_one zmtp__range_peek_long(struct zmtp__range *range)
{
    const struct zmtp__queue_one none = {.range = NULL};
    const uint8_t *const at = range->begin;
    const size_t here = (size_t)(range->end - at);
    if (here < ZMTP_HEADER_MAX || at[0] != ZMTP_FLAG_LONG) return none;
    const uint64_t size = zmtp__frame_long_size(at + 1);
    if (here - ZMTP_HEADER_MAX < size) return none;
    return (struct zmtp__queue_one){.body = {at + ZMTP_HEADER_MAX, (size_t)size}, .range = range};
}

static int queue_take_part(const struct queue_frame *frame, struct zmtp_msg *msg)
{
    if (msg->count == msg->capacity) {
        // A part that holds nothing makes room; it is filled below, which cannot fail.
        struct zmtp_part none = {0};
        const int result = zmtp_msg_append_part(msg, &none);
        if (result < 0) return result;
    } else {
        msg->count++;
    }
    struct zmtp_part *const part = zmtp_msg_part(msg, msg->count - 1);
    if (frame->slab->release && frame->body.size > 0)
        zmtp__part_refer(part, frame->body, frame->slab);
    else
        zmtp__part_show(part, frame->body, frame->slab, NULL);
    return ZMTP_OK;
}

void zmtp__queue_leave_range(struct zmtp__queue *queue)
{
    queue_pop_range(queue);
    if (queue->range_count == 0) queue_emptied(queue);
}

int zmtp__queue_take(struct zmtp__queue *queue, struct zmtp_msg *msg)
{
    if (queue->count == 0) return ZMTP_ERR_AGAIN;
    if (msg->count < msg->capacity && zmtp__queue_take_one(queue, msg, NULL)) return ZMTP_OK;
    const uint32_t before = msg->count;
    struct queue_cursor cursor = queue_head(queue);
    struct queue_frame next;
    size_t size = 0;
    do {
        next = queue_next(queue, &cursor);
        size += next.size;
        const int result = queue_take_part(&next, msg);
        if (result < 0) {
            while (msg->count > before)
                zmtp_part_fini(zmtp_msg_part(msg, --msg->count));
            return result;
        }
    } while (next.frame.more);
    queue_advance(queue, &cursor, size);
    return ZMTP_OK;
}

void zmtp__queue_drop(struct zmtp__queue *queue)
{
    size_t size;
    const struct queue_cursor end = queue_first_end(queue, &size);
    queue_advance(queue, &end, size);
}

size_t zmtp__queue_peek(const struct zmtp__queue *queue, struct zmtp_bytes *out, size_t max,
                        size_t bytes_max)
{
    assert(!queue->open);
    size_t skip = queue->sent, count = 0;
    if (queue->stale > 0) { // what follows on the first message may be dropped before it is sent
        const size_t left = zmtp__queue_first_size(queue) - skip;
        if (bytes_max > left) bytes_max = left;
    }
    for (size_t i = 0; i < queue->range_count && count < max && bytes_max > 0; i++) {
        const struct zmtp__range *range = queue_range(queue, i);
        size_t size = (size_t)(range->end - range->begin);
        if (skip >= size) {
            skip -= size;
            continue;
        }
        size -= skip;
        if (size > bytes_max) size = bytes_max;
        out[count++] = (struct zmtp_bytes){range->begin + skip, size};
        bytes_max -= size;
        skip = 0;
    }
    return count;
}

// All that the queue holds has left.
static void queue_consume_all(struct zmtp__queue *queue)
{
    assert(!queue->open);
    queue->read += zmtp__queue_messages(queue);
    queue->taken += queue->count;
    queue->count = queue->commands = queue->bytes = queue->stale = 0;
    queue->sent = queue->message_left = 0;
    while (queue->range_count > 0)
        queue_pop_range(queue);
    queue_emptied(queue);
}

// Of the next |size| octets, consumes the messages that are whole and lie in the first range as one short
// part each, but not the last of that range. Returns their octets.
static size_t queue_consume_short(struct zmtp__queue *queue, size_t size)
{
    struct zmtp__range *const range = queue_range(queue, 0);
    const uint8_t *at = range->begin;
    const size_t here = (size_t)(range->end - at);
    const uint8_t *const end = at + (size < here ? size : here);
    size_t count = 0;
    if (queue->sent > 0 || queue->stale > 0) return 0;
    for (; end - at > 2 && at[0] == 0 && end - at > 2 + at[1]; at += 2 + at[1])
        count++;
    const size_t consumed = (size_t)(at - range->begin);
    range->begin = at;
    queue->read += count;
    queue->taken += count;
    queue->count -= count;
    queue->bytes -= consumed;
    return consumed;
}

void zmtp__queue_consume(struct zmtp__queue *queue, size_t size)
{
    if (size < queue->message_left) { // within a message whose end is known already
        queue->sent += size;
        queue->message_left -= size;
        return;
    }
    if (queue->count > 0 && size == queue->bytes - queue->sent) {
        queue_consume_all(queue);
        return;
    }
    while (size > 0) {
        size -= queue_consume_short(queue, size);
        size_t whole;
        const struct queue_cursor end = queue_first_end(queue, &whole);
        const size_t left = whole - queue->sent;
        if (size < left) {
            queue->sent += size;
            queue->message_left = left - size;
            return;
        }
        queue_advance(queue, &end, whole);
        size -= left;
    }
}

size_t zmtp__queue_peek_bodies(const struct zmtp__queue *queue, struct zmtp_bytes *out, size_t max,
                               size_t bytes_max)
{
    assert(!queue->open);
    if (queue->count == 0) return 0;
    struct queue_cursor cursor = queue_head(queue);
    size_t count = 0;
    for (size_t i = 0; i < queue->count && count < max && bytes_max > 0; i++) {
        const struct queue_frame next = queue_next(queue, &cursor);
        // Of the first message the header and some of the body may have left.
        const size_t header = next.size - next.body.size;
        const size_t skip = i == 0 && queue->sent > header ? queue->sent - header : 0;
        size_t size = next.body.size - skip;
        if (size > bytes_max) size = bytes_max;
        out[count++] = (struct zmtp_bytes){next.body.data + skip, size};
        bytes_max -= size;
    }
    return count;
}

void zmtp__queue_consume_bodies(struct zmtp__queue *queue, size_t size)
{
    while (size > 0) {
        struct queue_cursor cursor = queue_head(queue);
        const struct queue_frame first = queue_next(queue, &cursor);
        if (queue->sent == 0) zmtp__queue_consume(queue, first.size - first.body.size);
        const size_t left = first.size - queue->sent;
        const size_t part = size < left ? size : left;
        zmtp__queue_consume(queue, part);
        size -= part;
    }
}

void zmtp__queue_rewind(struct zmtp__queue *queue)
{
    if (queue->sent > 0) {
        if (queue->cut_at != (uint32_t)queue->taken) queue->cuts = 0;
        if (queue->cuts < UINT8_MAX) queue->cuts++;
        queue->cut_at = (uint32_t)queue->taken;
    }
    queue->sent = queue->message_left = 0;
}

// Moves |cursor| over one message; is it a command?
static bool queue_skip(const struct zmtp__queue *queue, struct queue_cursor *cursor)
{
    struct queue_frame next;
    do
        next = queue_next(queue, cursor);
    while (next.frame.more);
    return next.frame.command;
}

// The number of the last command among the whole messages, counted from 1; 0: there is none.
static size_t queue_last_command(const struct zmtp__queue *queue)
{
    if (queue->count == 0) return 0;
    struct queue_cursor cursor = queue_head(queue);
    size_t last = 0;
    for (size_t i = 1; i <= queue->count; i++)
        if (queue_skip(queue, &cursor)) last = i;
    return last;
}

// Drops the commands that come first and are stale.
static void queue_drop_stale(struct zmtp__queue *queue)
{
    if (queue->stale > 0 && zmtp__queue_first_flags(queue) & ZMTP_FLAG_COMMAND)
        zmtp__queue_drop(queue);
}

// What stays of a queue: pieces of its ranges.
struct queue_pieces {
    struct zmtp__range *ranges; // null: they are only counted
    struct zmtp__range last;
    uint32_t count;
    size_t messages, bytes;
};

static void queue_add_piece(struct queue_pieces *pieces, struct zmtp_slab *slab,
                            const uint8_t *begin, size_t size)
{
    if (size == 0) return;
    if (pieces->count > 0 && pieces->last.slab == slab && pieces->last.end == begin)
        pieces->last.end += size;
    else {
        pieces->last = (struct zmtp__range){slab, begin, begin + size};
        pieces->count++;
        if (pieces->ranges) zmtp__slab_ref(slab);
    }
    if (pieces->ranges) pieces->ranges[pieces->count - 1] = pieces->last;
}

// All but the stale commands.
static void queue_pick(const struct zmtp__queue *queue, struct queue_pieces *pieces)
{
    struct queue_cursor cursor = queue_head(queue);
    for (size_t i = 1; i <= queue->count; i++) {
        struct queue_frame next;
        bool stale;
        do {
            const bool ended = cursor.at == queue_range(queue, cursor.index)->end;
            const struct zmtp__range *range = queue_range(queue, cursor.index + ended);
            const uint8_t *const header = ended ? range->begin : cursor.at;
            next = queue_next(queue, &cursor);
            stale = next.frame.command && i <= queue->stale;
            if (stale) continue; // a command is one frame
            queue_add_piece(pieces, range->slab, header, next.size - next.body.size);
            queue_add_piece(pieces, next.slab, next.body.data, next.body.size);
            pieces->bytes += next.size;
        } while (next.frame.more);
        pieces->messages += !stale;
    }
}

void zmtp__queue_purge(struct zmtp__queue *queue)
{
    struct queue_pieces pieces = {.ranges = NULL};
    if (queue->stale == 0 || queue->open) return;
    queue_pick(queue, &pieces);
    uint32_t capacity = 4;
    while (capacity < pieces.count)
        capacity *= 2;
    struct zmtp__range *ranges = zmtp_alloc(queue->allocator, capacity * sizeof *ranges);
    if (!ranges) return;
    pieces = (struct queue_pieces){.ranges = ranges};
    queue_pick(queue, &pieces);
    const size_t gone = queue->count - pieces.messages;
    for (size_t i = 0; i < queue->range_count; i++)
        zmtp__slab_unref(queue_range(queue, i)->slab);
    queue_free_ranges(queue);
    queue->ranges = ranges;
    queue->range_capacity = capacity;
    queue->range_count = pieces.count;
    queue->count = pieces.messages;
    queue->commands -= gone;
    queue->bytes = pieces.bytes;
    queue->owned = 0;
    queue->stale = queue->room = 0;
}

void zmtp__queue_expire(struct zmtp__queue *queue)
{
    zmtp__queue_rewind(queue);
    queue->stale = queue_last_command(queue);
    queue_drop_stale(queue);
}

// Takes over what the other side has counted since the last time.
static void queue_note_landed(struct zmtp__queue *queue)
{
    struct zmtp__abroad *const abroad = queue->abroad;
    if (!abroad) return;
    const size_t now = atomic_load_explicit(abroad->landed, memory_order_relaxed);
    queue->read += (size_t)(now - abroad->landed_before);
    abroad->landed_before = now;
}

void zmtp__queue_part(struct zmtp__queue *queue)
{
    queue_release_tail(queue);
    for (size_t i = 0; i < queue->range_count; i++)
        zmtp__slab_lend(queue_range(queue, i)->slab);
    queue->pool = NULL;
}

void zmtp__queue_unload(struct zmtp__queue *queue, struct zmtp__cargo *cargo)
{
    assert(queue->crosses && !queue->open && queue->sent == 0 && cargo->range_count == 0);
    for (size_t i = 0; i < queue->range_count; i++)
        zmtp__slab_lend(queue_range(queue, i)->slab);
    queue_note_landed(queue); // before so many are on their way that a count could wrap
    const struct zmtp__cargo empty = *cargo;
    *cargo = (struct zmtp__cargo){.ranges = queue->ranges,
                                  .range_capacity = queue->range_capacity,
                                  .range_head = queue->range_head,
                                  .range_count = queue->range_count,
                                  .count = queue->count,
                                  .commands = queue->commands,
                                  .bytes = queue->bytes,
                                  .stale = queue->stale};
    queue->expected = queue->bytes < ZMTP_SLAB_SIZE ? (uint32_t)queue->bytes : ZMTP_SLAB_SIZE;
    queue->taken += queue->count;
    queue->ranges = empty.ranges;
    queue->range_capacity = empty.range_capacity;
    queue->range_head = queue->range_count = 0;
    queue->count = queue->commands = queue->bytes = queue->stale = 0;
    queue_emptied(queue);
}

// The cargo as a queue, to be read and not changed.
static struct zmtp__queue cargo_view(const struct zmtp__cargo *cargo)
{
    return (struct zmtp__queue){.ranges = cargo->ranges,
                                .range_capacity = cargo->range_capacity,
                                .range_head = cargo->range_head,
                                .range_count = cargo->range_count,
                                .count = cargo->count};
}

static void cargo_clear(struct zmtp__cargo *cargo, const struct zmtp_allocator *allocator)
{
    const struct zmtp__queue view = cargo_view(cargo);
    for (size_t i = 0; i < cargo->range_count; i++)
        zmtp__slab_unref(queue_range(&view, i)->slab);
    const uint32_t capacity = cargo->range_capacity;
    const bool keeps = capacity <= QUEUE_RANGES_IDLE;
    if (!keeps) zmtp_free(allocator, cargo->ranges, capacity * sizeof *cargo->ranges);
    *cargo = (struct zmtp__cargo){.ranges = keeps ? cargo->ranges : NULL,
                                  .range_capacity = keeps ? capacity : 0};
}

int zmtp__queue_load(struct zmtp__queue *queue, struct zmtp__cargo *cargo,
                     const struct zmtp_allocator *allocator)
{
    const struct zmtp__queue view = cargo_view(cargo);
    zmtp__queue_begin(queue);
    for (size_t i = 0; i < cargo->range_count; i++) {
        const struct zmtp__range *range = queue_range(&view, i);
        const struct zmtp_bytes frames = {range->begin, (size_t)(range->end - range->begin)};
        const int result = zmtp__queue_put_frames(queue, frames, range->slab);
        if (result < 0) return result;
    }
    const size_t before = queue->count;
    zmtp__queue_note_commands(queue, cargo->commands);
    zmtp__queue_end(queue, cargo->count);
    if (cargo->stale > 0) queue->stale = before + cargo->stale;
    if (before == 0) queue_drop_stale(queue);
    cargo_clear(cargo, allocator);
    return ZMTP_OK;
}

size_t zmtp__queue_settle(struct zmtp__queue *queue)
{
    queue_note_landed(queue);
    queue->abroad = NULL;
    return (size_t)zmtp__queue_waiting(queue) - zmtp__queue_messages(queue);
}

void zmtp__cargo_expire(struct zmtp__cargo *cargo)
{
    const struct zmtp__queue view = cargo_view(cargo);
    cargo->stale = queue_last_command(&view);
}

void zmtp__cargo_fini(struct zmtp__cargo *cargo, const struct zmtp_allocator *allocator)
{
    cargo_clear(cargo, allocator);
    zmtp_free(allocator, cargo->ranges, cargo->range_capacity * sizeof *cargo->ranges);
    *cargo = (struct zmtp__cargo){0};
}
