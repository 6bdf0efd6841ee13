// What many queues have of one slab: messages for all of them, encoded once, one behind the other. A queue that is in step,
// because what it has last ends where the next message begins, gets that by a longer range.
//
// However few octets a queue refers to, it keeps the whole slab, of which its limits count only those. So whoever fills
// the slab knows who has joined, and before it lets go of the slab has each of them own what it has there: a small
// part is copied then. Until then it is one slab for all of them.
#ifndef ZMTP_MSG_SHARE_H
#define ZMTP_MSG_SHARE_H

#include "queue.h"

// The last range, if the message at |frames|, in |slab|, follows on it; null: it does not. No message is open.
static inline struct zmtp__range *zmtp__queue_in_step(const struct zmtp__queue *queue,
                                                      struct zmtp_bytes frames,
                                                      const struct zmtp_slab *slab)
{
    if (queue->range_count == 0) return NULL;
    struct zmtp__range *const last = zmtp__queue_last(queue);
    return last->slab == slab && last->end == frames.data ? last : NULL;
}

// That message, whole and not a command, is the queue's from now on.
static inline void zmtp__queue_step(struct zmtp__queue *queue, struct zmtp__range *last,
                                    size_t size)
{
    last->end += size;
    zmtp__queue_count_one(queue, size);
}

// The same of |count| messages, |size| octets together.
static inline void zmtp__queue_step_by(struct zmtp__queue *queue, size_t size, size_t count)
{
    zmtp__queue_last(queue)->end += size;
    queue->count += count;
    queue->written += count;
    queue->bytes += size;
}

// The last message, which came by the first step above and was not looked at since, is none any more.
static inline void zmtp__queue_step_back(struct zmtp__queue *queue, size_t size)
{
    zmtp__queue_last(queue)->end -= size;
    queue->count--;
    queue->written--;
    queue->bytes -= size;
}

// Does the queue end with something of |slab|?
static inline bool zmtp__queue_ends_in(const struct zmtp__queue *queue,
                                       const struct zmtp_slab *slab)
{
    return queue->range_count > 0 && zmtp__queue_last(queue)->slab == slab;
}

// Begins a message that refers to |frames| in |slab|, however few they are, and leaves it open. On ZMTP_ERR_MEMORY the
// queue is as it was. Not for a queue that crosses.
int zmtp__queue_join(struct zmtp__queue *queue, struct zmtp_bytes frames, struct zmtp_slab *slab);

// From now on the queue keeps no more of |slab| than is in proportion to what it has there: what is a small part of it is
// copied. No message is open. On ZMTP_ERR_MEMORY some of it may have been. However often this is asked, each range is
// looked at once.
int zmtp__queue_own(struct zmtp__queue *queue, struct zmtp_slab *slab);

#endif
