// A queue: one direction of a pipe. It holds whole messages as encoded ZMTP frames.
//
// The octets lie in ranges of slabs. A frame's header is never split between ranges, nor is a body;
// but a body may lie in the range after its header's, which is how a large one is queued without a
// copy. Commands for the other end (SUBSCRIBE and the like) are queued as command frames, each a
// message of its own.
//
// The writer works by message: begin, put each part, end; or append octets that are already frames.
// The reader works by message (a socket: take) or by octet (a connection: peek, consume).
#ifndef ZMTP_MSG_QUEUE_H
#define ZMTP_MSG_QUEUE_H

#include <string.h>

#include "../wire/frame.h"
#include "slab.h"

struct zmtp__range {
    struct zmtp_slab *slab;
    const uint8_t *begin, *end;
};

// Of a queue that is unloaded for another thread, kept by the one who unloads it.
struct zmtp__abroad {
    // Messages and octets that are on their way or wait in the other side's queue, as far as that has told. The
    // queue's limits are for these and for what is in it together.
    size_t count, bytes;
    // Where the other side counts the messages that it has loaded, and as much of it as is in |read|. Those on
    // their way have not left yet.
    const atomic_size_t *landed;
    size_t landed_before;
    // Nobody need look at what is written before so many octets or messages wait; the other side asks for them when
    // it has nothing left. 0: at once.
    size_t bide_bytes, bide_count;
};

// Of a queue that is loaded from another thread, kept by the one who loads it: what it had, with what has come
// since, when the other side was told last; how much of that has to leave before it is told again, 0: it need
// not be.
struct zmtp__debt {
    size_t count, bytes, count_due, bytes_due;
    bool dries; // and when nothing is left, so that it sends what it kept
};

struct zmtp__queue {
    const struct zmtp_allocator *allocator;
    struct zmtp_pool *pool;
    // What each message changes or is asked for lies side by side, as a publisher has very many queues.
    size_t count_max, bytes_max; // 0: no limit
    struct zmtp__abroad *abroad; // null, but for one at a shore
    // Ranges in order, a ring whose capacity is a power of two.
    struct zmtp__range *ranges;
    uint32_t range_capacity, range_head, range_count;
    uint32_t written_end; // see |room|
    size_t count;         // whole messages
    uint64_t taken;       // messages that have left, commands too
    size_t bytes;         // of the whole messages
    // Messages, not commands, since the beginning: written = read + withdrawn + those that are here.
    uint64_t written, read, withdrawn;
    // The writer.
    struct zmtp_slab *tail; // where copies go; null: none yet
    uint8_t *tail_at;       // and its first octet that is free
    // A short message goes behind what was written last, and nothing is looked at but these: so many octets, and messages
    // until |written| in as many bits is |written_end|, are within the tail and within the limits. Readers only make
    // more room, so what was found out holds until somebody writes in another way; then it is none, and found out again.
    size_t room;
    struct zmtp__range *last; // the last range, which ends at |tail_at|; while there is room
    size_t open_bytes;        // octets of the message that is being written
    const uint8_t *open_end;  // the end of the last range before it
    uint32_t open_ranges;     // |range_count| before it
    uint32_t open_commands;   // of the frames put since begin
    uint32_t owned;           // ranges from the head on that zmtp__queue_own has looked at
    // Of one that crosses: octets that were unloaded last, or as many as a slab has, so that they lie in one.
    uint32_t expected;
    bool open;
    bool starved; // the writer was refused and wants to hear of room
    // Its messages are unloaded for another thread. Then it refers only to slabs of its own allocator,
    // which all threads may use, and copies what lies in others.
    bool crosses;
    // How many readers in a row broke off within the first message, and |taken| when the last one did. In the
    // space that is left, as every connection has four queues.
    uint8_t cuts;
    uint32_t cut_at;
    uint32_t due; // while the writer is starved: |taken| at which it hears of room at the latest
    // The octet reader: how far into the first message it is, and how much of it is left. Whole
    // messages leave the queue, so that a new connection can start at a message boundary.
    size_t sent, message_left;
    size_t commands; // of |count|
    size_t stale;    // messages up to the last command that waits for a connection that is gone
    struct zmtp__debt *debt; // null, but for one at a shore
};

void zmtp__queue_init(struct zmtp__queue *queue, const struct zmtp_allocator *allocator,
                      struct zmtp_pool *pool, size_t count_max, size_t bytes_max);
void zmtp__queue_fini(struct zmtp__queue *queue);

// Other limits from now on; 0: none.
static inline void zmtp__queue_limit(struct zmtp__queue *queue, size_t count_max, size_t bytes_max)
{
    queue->count_max = count_max;
    queue->bytes_max = bytes_max;
    queue->room = 0; // what is known of it was within the old ones
}

// What its limits are for.
static inline size_t zmtp__queue_count(const struct zmtp__queue *queue)
{
    return queue->abroad ? queue->count + queue->abroad->count : queue->count;
}
static inline size_t zmtp__queue_bytes(const struct zmtp__queue *queue)
{
    return queue->abroad ? queue->bytes + queue->abroad->bytes : queue->bytes;
}

static inline bool zmtp__queue_full(const struct zmtp__queue *queue)
{
    size_t count = queue->count, bytes = queue->bytes;
    if (queue->abroad) {
        count += queue->abroad->count;
        bytes += queue->abroad->bytes;
    }
    return (queue->count_max && count >= queue->count_max) ||
           (queue->bytes_max && bytes >= queue->bytes_max);
}

// The writer was refused.
static inline void zmtp__queue_refuse(struct zmtp__queue *queue)
{
    const size_t half = (queue->count_max + 1) / 2;
    if (!queue->starved && half > 0)
        queue->due = (uint32_t)(queue->taken + half - queue->taken % half);
    queue->starved = true;
}

// Room for another message after a refusal? With some slack, so that the writer is woken for a batch: half is free. But a
// reader may stop before that, as its own queue is full, and then a writer is to be able to fill all of this one: so
// there is room, too, once the next multiple of a half has left. To another thread it is told in halves already.
static inline bool zmtp__queue_roomy(const struct zmtp__queue *queue)
{
    if ((!queue->count_max || zmtp__queue_count(queue) <= queue->count_max / 2) &&
        (!queue->bytes_max || zmtp__queue_bytes(queue) <= queue->bytes_max / 2))
        return true;
    return queue->count_max && !queue->abroad &&
           (int32_t)((uint32_t)queue->taken - queue->due) >= 0 && !zmtp__queue_full(queue);
}

// Has so much left that the other side is to be told?
static inline bool zmtp__queue_owes(const struct zmtp__queue *queue)
{
    const struct zmtp__debt *const debt = queue->debt;
    return debt && ((debt->count_due && debt->count - queue->count >= debt->count_due) ||
                    (debt->bytes_due && debt->bytes - queue->bytes >= debt->bytes_due));
}

// Has the last of what came left, of which the other side is to be told?
static inline bool zmtp__queue_dried(const struct zmtp__queue *queue)
{
    return queue->count == 0 && queue->debt && queue->debt->dries;
}

// May what was written last wait for more, or for the other side to ask? Commands may not, nor what fills the queue.
static inline bool zmtp__queue_bides(const struct zmtp__queue *queue)
{
    const struct zmtp__abroad *const abroad = queue->abroad;
    return abroad && queue->bytes < abroad->bide_bytes && queue->count < abroad->bide_count &&
           queue->commands == 0 && !zmtp__queue_full(queue);
}

// Writing. |put| copies |body|, or refers to it when |slab| (which holds it) is given and that pays.
// After any failure of |put| the message is undone and the queue is as before |begin|.
void zmtp__queue_begin(struct zmtp__queue *queue);
int zmtp__queue_put(struct zmtp__queue *queue, struct zmtp_bytes body, struct zmtp_slab *slab,
                    unsigned flags);
// A reference keeps the whole slab alive, and only what is referred to counts against the queue's
// limits. So it must be at least this part of the slab, one in so many; or else a stranger who has
// small runs queued, and much between them that is not, makes a queue hold far more than its limit.
enum { ZMTP__QUEUE_REFER_SHARE = 4 };
// From here on a body is queued by reference rather than copied, if it can be: below, the copy costs less
// than the second range and its place in the kernel's vector.
enum { ZMTP__QUEUE_REFER_BODY = 4096 };
enum { ZMTP__QUEUE_REFER_RUN = 2048 }; // the same of a run of frames
// If it has any.
static inline struct zmtp__range *zmtp__queue_first(const struct zmtp__queue *queue)
{
    return &queue->ranges[queue->range_head];
}
static inline struct zmtp__range *zmtp__queue_last(const struct zmtp__queue *queue) // if it has any
{
    const size_t index = queue->range_head + queue->range_count - 1;
    return &queue->ranges[index & (queue->range_capacity - 1)];
}
static inline size_t zmtp__queue_tail_left(const struct zmtp__queue *queue) // if it has a tail
{
    return queue->tail->capacity - (size_t)(queue->tail_at - queue->tail->data);
}
// Finds out how much room there is behind what was written last; is it |size| octets? In room.c.
bool zmtp__queue_find_room(struct zmtp__queue *queue, size_t size);
// Is it known that a message of |size| octets may be put there?
static inline bool zmtp__queue_fits(const struct zmtp__queue *queue, size_t size)
{
    return size <= queue->room && (uint32_t)queue->written != queue->written_end;
}
// May it? No: it is for begin, put and end.
static inline bool zmtp__queue_follows(struct zmtp__queue *queue, size_t size)
{
    return zmtp__queue_fits(queue, size) || zmtp__queue_find_room(queue, size);
}
// One more message, which is no command, of |size| octets.
static inline void zmtp__queue_count_one(struct zmtp__queue *queue, size_t size)
{
    queue->count++;
    queue->written++;
    queue->bytes += size;
}
// A message of |size| octets was put there, at |at|.
static inline void zmtp__queue_followed(struct zmtp__queue *queue, uint8_t *at, size_t size)
{
    queue->room -= size;
    queue->last->end = queue->tail_at = at + size;
    zmtp__queue_count_one(queue, size);
}
// The same of several, each whole, which nobody has seen yet.
static inline void zmtp__queue_followed_by(struct zmtp__queue *queue, size_t size, size_t count)
{
    queue->room -= size;
    queue->tail_at += size;
    queue->last->end = queue->tail_at;
    queue->count += count;
    queue->written += count;
    queue->bytes += size;
}
// A whole message of one part, whose body is |body|, where that is copied in any case and room is left
// behind what was written last, within the limits: what begin, put and end would do, in a few steps. False: nothing was
// done.
static inline bool zmtp__queue_write(struct zmtp__queue *queue, struct zmtp_bytes body)
{
    if (body.size >= ZMTP__QUEUE_REFER_BODY) return false;
    if (!zmtp__queue_follows(queue, ZMTP_HEADER_MAX + body.size)) return false;
    const struct zmtp_frame frame = {.size = body.size};
    uint8_t *const room = queue->tail_at;
    const size_t header = zmtp__frame_encode(&frame, room);
    zmtp__queue_followed(queue, room, header + body.size);
    // Last, so that nothing has to be kept over a call.
    if (body.size > 0) memcpy(room + header, body.data, body.size);
    return true;
}
// The same of at most ZMTP__COPY_FEW octets, where it is known that there is room: is it? Then it can be written, without
// a call.
enum { ZMTP__QUEUE_HEADER_FEW = 2 };
static inline bool zmtp__queue_fits_few(const struct zmtp__queue *queue, struct zmtp_bytes body)
{
    return body.size <= ZMTP__COPY_FEW &&
           zmtp__queue_fits(queue, ZMTP__QUEUE_HEADER_FEW + body.size);
}
static inline void zmtp__queue_write_few(struct zmtp__queue *queue, struct zmtp_bytes body)
{
    uint8_t *const room = queue->tail_at;
    room[0] = 0; // no flags
    room[1] = (uint8_t)body.size;
    zmtp__copy_few(room + ZMTP__QUEUE_HEADER_FEW, body.data, body.size);
    zmtp__queue_followed(queue, room, ZMTP__QUEUE_HEADER_FEW + body.size);
}
// Lays a whole message, which is already frames, behind what was written last, where it is to be copied in any case and
// room is left. Nobody sees it, and nothing has changed, before the next function; another message may be laid or
// written instead. False: there is no such room.
static inline bool zmtp__queue_lay(struct zmtp__queue *queue, struct zmtp_bytes frames)
{
    if (frames.size >= ZMTP__QUEUE_REFER_RUN || !zmtp__queue_follows(queue, frames.size))
        return false;
    memcpy(queue->tail_at, frames.data, frames.size);
    return true;
}
// What was laid last, |size| octets, is a message of the queue.
static inline void zmtp__queue_laid(struct zmtp__queue *queue, size_t size)
{
    zmtp__queue_followed(queue, queue->tail_at, size);
}
// Adds octets of the open message that are already frames, lying in |slab|: by reference or copied,
// whichever is cheaper to hold. Whole frames, please.
int zmtp__queue_put_frames(struct zmtp__queue *queue, struct zmtp_bytes frames,
                           struct zmtp_slab *slab);
// Room for |size| octets in one piece at the end of the tail, which grows with what is queued; null: no memory.
uint8_t *zmtp__queue_tail_room(struct zmtp__queue *queue, size_t size);
// Adds the first |size| octets of that room, which were written meanwhile, to the open message. On ZMTP_ERR_MEMORY it is to
// be undone.
int zmtp__queue_add_room(struct zmtp__queue *queue, const uint8_t *room, size_t size);
// For share.c. Adds octets of |slab| to the open message, as part of the last range where they follow on it. On
// ZMTP_ERR_MEMORY the message is to be undone.
int zmtp__queue_add(struct zmtp__queue *queue, struct zmtp_slab *slab, const uint8_t *begin,
                    size_t size);
// Of the frames put so far, |count| that came as frames are commands.
static inline void zmtp__queue_note_commands(struct zmtp__queue *queue, size_t count)
{
    queue->open_commands += (uint32_t)count;
}
// The open octets hold |messages| whole messages, commands among them; now the reader sees them.
void zmtp__queue_end(struct zmtp__queue *queue, size_t messages);
void zmtp__queue_undo(struct zmtp__queue *queue);
// What lies in |from| lies in |to| from now on, at the same places; |to| has the same octets.
void zmtp__queue_exchange(struct zmtp__queue *queue, struct zmtp_slab *from, struct zmtp_slab *to);

// Reading by message. |flags| of the first frame of the first message; the queue is not empty.
static inline unsigned zmtp__queue_first_flags(const struct zmtp__queue *queue)
{
    return *zmtp__queue_first(queue)->begin;
}
// Moves the first message's parts to the end of |msg|. ZMTP_ERR_AGAIN when there is none;
// ZMTP_ERR_MEMORY leaves queue and |msg| as they were.
int zmtp__queue_take(struct zmtp__queue *queue, struct zmtp_msg *msg);
void zmtp__queue_leave_range(struct zmtp__queue *queue); // the first one, which is empty
// A message of one part where it lies, all of it in the first range; valid until the queue changes.
struct zmtp__queue_one {
    struct zmtp_bytes body;
    struct zmtp__range *range;
};
struct zmtp__queue_one zmtp__range_peek_long(struct zmtp__range *range); // for the next function
// Shows the first message, if it is such a one, as most are. False: it is another, or what waits is not to be read as it
// is. The queue is not empty.
static inline bool zmtp__queue_peek_one(const struct zmtp__queue *queue,
                                        struct zmtp__queue_one *one)
{
    struct zmtp__range *const range = zmtp__queue_first(queue);
    const uint8_t *const at = range->begin;
    const size_t here = (size_t)(range->end - at);
    if (here < 2 || (queue->stale | queue->sent) > 0) return false;
    if (at[0] != 0) {
        *one = zmtp__range_peek_long(range);
        return one->range;
    }
    const size_t size = at[1];
    if (here - 2 < size) return false;
    *one = (struct zmtp__queue_one){.body = {at + 2, size}, .range = range};
    return true;
}
// Takes what peek_one showed.
static inline void zmtp__queue_leave_one(struct zmtp__queue *queue,
                                         const struct zmtp__queue_one *one)
{
    struct zmtp__range *const range = one->range;
    const uint8_t *const next = one->body.data + one->body.size;
    queue->bytes -= (size_t)(next - range->begin);
    queue->read++;
    queue->taken++;
    queue->count--;
    range->begin = next;
    if (next == range->end) zmtp__queue_leave_range(queue);
}
// Takes |count| messages that lie one behind the other up to |next| in the first range, each as peek_one shows it.
static inline void zmtp__queue_leave_many(struct zmtp__queue *queue, const uint8_t *next,
                                          size_t count)
{
    struct zmtp__range *const range = zmtp__queue_first(queue);
    queue->bytes -= (size_t)(next - range->begin);
    queue->read += count;
    queue->taken += count;
    queue->count -= count;
    range->begin = next;
    if (next == range->end) zmtp__queue_leave_range(queue);
}
// Takes the first message if peek_one shows it: what the steps for others would do, in a few. False: nothing was
// done. The queue is not empty, and |msg| has room for a part. |spare|: see zmtp__part_show.
static inline bool zmtp__queue_take_one(struct zmtp__queue *queue, struct zmtp_msg *msg,
                                        struct zmtp_slab **spare)
{
    struct zmtp__queue_one one;
    if (!zmtp__queue_peek_one(queue, &one)) return false;
    zmtp__part_show(zmtp_msg_part(msg, msg->count++), one.body, one.range->slab, spare);
    zmtp__queue_leave_one(queue, &one);
    return true;
}
// The body of the first message's first frame, for commands; valid until the queue changes.
struct zmtp_bytes zmtp__queue_first_body(const struct zmtp__queue *queue);
// The parts of the first message one after the other, unread. Begin with a zeroed struct; it stays
// good while the first message does. False: there are no more.
struct zmtp__queue_part {
    struct zmtp_bytes body;
    bool command, last;
    size_t range; // where the next part begins
    const uint8_t *at;
};
bool zmtp__queue_next_part(const struct zmtp__queue *queue, struct zmtp__queue_part *part);
void zmtp__queue_drop(struct zmtp__queue *queue); // the first message, unread
// Drops every whole message, but one of which octets have left already: the other side waits for its
// rest. In withdraw.c.
void zmtp__queue_clear(struct zmtp__queue *queue);
// The same by the writer; returns how many messages, commands aside, nobody has read. An open message stays, and takes
// the place of the others when it is ended: make_place, after all was put, sees to it that this cannot fail. On
// ZMTP_ERR_MEMORY the message is undone.
size_t zmtp__queue_withdraw(struct zmtp__queue *queue);
int zmtp__queue_make_place(struct zmtp__queue *queue);
// As drop, of one that nobody is to count as read; returns 0 when it is a command.
size_t zmtp__queue_withdraw_first(struct zmtp__queue *queue);

// Messages, not commands, that have left, and that have not: they are here, or on their way.
static inline uint64_t zmtp__queue_left(const struct zmtp__queue *queue)
{
    const struct zmtp__abroad *const abroad = queue->abroad;
    if (!abroad) return queue->read;
    const size_t landed = atomic_load_explicit(abroad->landed, memory_order_relaxed);
    return queue->read + (size_t)(landed - abroad->landed_before);
}
static inline uint64_t zmtp__queue_waiting(const struct zmtp__queue *queue)
{
    return queue->written - queue->withdrawn - zmtp__queue_left(queue);
}
// How many of the whole messages are no commands.
static inline size_t zmtp__queue_messages(const struct zmtp__queue *queue)
{
    return queue->count - queue->commands;
}
// Whole messages on their way from one queue to another, by way of another thread.
struct zmtp__cargo {
    struct zmtp__range *ranges; // as a queue has them
    uint32_t range_capacity, range_head, range_count;
    size_t count, commands, bytes;
    size_t stale; // messages up to the last command that no reader is to see
};
// Moves all of |queue|, which crosses, into |cargo|, which is empty; its array is the queue's then.
// Nothing is copied, and it cannot fail. No message is open, and no octet reader has begun one.
void zmtp__queue_unload(struct zmtp__queue *queue, struct zmtp__cargo *cargo);
// Nobody writes any more: it needs its pool no more, and any thread may have it.
void zmtp__queue_part(struct zmtp__queue *queue);
// Nobody loads any more: whatever had not been loaded waits for ever. Returns how many messages that is,
// besides those in the queue.
size_t zmtp__queue_settle(struct zmtp__queue *queue);
// Appends what |cargo| holds, large runs by reference. The cargo is empty then; on ZMTP_ERR_MEMORY both
// are as they were. |allocator| is the one of the queue that was unloaded.
int zmtp__queue_load(struct zmtp__queue *queue, struct zmtp__cargo *cargo,
                     const struct zmtp_allocator *allocator);
// The commands in it were for a connection that is gone.
void zmtp__cargo_expire(struct zmtp__cargo *cargo);
static inline size_t zmtp__cargo_messages(const struct zmtp__cargo *cargo) // that are no commands
{
    return cargo->count - cargo->commands;
}
void zmtp__cargo_fini(struct zmtp__cargo *cargo, const struct zmtp_allocator *allocator);

// Octets of the first message, headers included; the queue is not empty.
size_t zmtp__queue_first_size(const struct zmtp__queue *queue);

// Reading by octet, while no message is open. Fills up to |max| views with what comes next,
// |bytes_max| octets at most; returns how many views, 0 only when the queue is empty.
size_t zmtp__queue_peek(const struct zmtp__queue *queue, struct zmtp_bytes *out, size_t max,
                        size_t bytes_max);
void zmtp__queue_consume(struct zmtp__queue *queue, size_t size);
// The same without the headers, for messages of one part with something in it: only bodies are
// shown, and |size| counts their octets.
size_t zmtp__queue_peek_bodies(const struct zmtp__queue *queue, struct zmtp_bytes *out, size_t max,
                               size_t bytes_max);
void zmtp__queue_consume_bodies(struct zmtp__queue *queue, size_t size);
// Octets up to the end of the message being sent; 0 at a boundary.
static inline size_t zmtp__queue_message_left(const struct zmtp__queue *queue)
{
    return queue->message_left;
}
void zmtp__queue_rewind(struct zmtp__queue *queue); // back to the boundary: the connection broke
// How many connections in a row have broken within the message that is the first one now.
static inline size_t zmtp__queue_cuts(const struct zmtp__queue *queue)
{
    return queue->count > 0 && queue->cut_at == (uint32_t)queue->taken ? queue->cuts : 0;
}
// The same, and the commands that wait now were for that connection alone: no reader sees them. One
// that waits behind a message counts until that message has left. For this no memory is needed.
void zmtp__queue_expire(struct zmtp__queue *queue);
// Takes those out from between the messages, which have other numbers then. Without memory they stay.
void zmtp__queue_purge(struct zmtp__queue *queue);

#endif
