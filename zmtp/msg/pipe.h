// The inside of a pipe, for those who hold its ends: sockets and connections.
#ifndef ZMTP_MSG_PIPE_H
#define ZMTP_MSG_PIPE_H

#include "origin.h"
#include "queue.h"

struct zmtp_pipe_end {
    struct zmtp__pipe *pipe;
    struct zmtp__queue *out, *in; // out is filled here, in is emptied here
    struct zmtp_pipe_end *other;
    struct zmtp_marks *marks; // the owner's list; null: none
    // Both ways, so that to close thousands at once takes no longer for each.
    struct zmtp_pipe_end *marked_next, *marked_before;
    void *owner;
    struct zmtp_link link; // what the other end told
    // Who sent what is still to be received here: a list, the last of which is the link's. Each but the
    // last has messages.
    struct zmtp__origin *speaker, *last_speaker;
    // Messages, not commands, that still waited to leave here when one of the ends closed.
    size_t stranded;
    struct zmtp_pipe_end **follower; // null: none
    bool marked, closed;
};

struct zmtp__pipe {
    const struct zmtp_allocator *allocator;
    struct zmtp__queue queues[2];
    struct zmtp_pipe_end ends[2];
};

void zmtp__pipe_mark(struct zmtp_pipe_end *end); // tell its owner to look

// |*place| points at |end| from now on, and at nothing once that is closed: for one who knows of an
// end that is not its own. A null |place| ends it.
void zmtp__pipe_follow(struct zmtp_pipe_end *end, struct zmtp_pipe_end **place);

// The other end's link comes up for |origin|, which is made for it alone.
void zmtp__pipe_introduce(struct zmtp_pipe_end *end, struct zmtp__origin *origin);
// The same, of one whose messages are there already: |first|, of all that ever went out at |end|, and
// those that follow.
void zmtp__pipe_introduce_at(struct zmtp_pipe_end *end, struct zmtp__origin *origin,
                             uint64_t first);
// Those who spoke at |end| and have not been given before, with the end's references to them: a list.
// For one who passes everything on and takes no message itself.
struct zmtp__origin *zmtp__pipe_give_speakers(struct zmtp_pipe_end *end);
// Forgets those who have nothing more to be received.
void zmtp__pipe_pass_word(struct zmtp_pipe_end *end);

// As zmtp__queue_take, and tells the origin.
static inline int zmtp__pipe_take(struct zmtp_pipe_end *end, struct zmtp_msg *msg)
{
    if (end->speaker && end->speaker->next) zmtp__pipe_pass_word(end);
    struct zmtp__origin *const origin = end->speaker;
    const int result = zmtp__queue_take(end->in, msg);
    // A message that is used again for the same peer has what it needs.
    if (result == ZMTP_OK && msg->origin != (const struct zmtp_origin *)origin)
        zmtp__origin_put(origin, msg);
    return result;
}

// The message just ended on |end->out| can be seen by the other side.
static inline void zmtp__pipe_published(struct zmtp_pipe_end *end)
{
    if (!end->other->marked && !zmtp__queue_bides(end->out)) zmtp__pipe_mark(end->other);
}

// Something was taken from |end->in|: if the writer was refused before, it hears of the room. One that writes for
// another thread hears of what left.
static inline void zmtp__pipe_consumed(struct zmtp_pipe_end *end)
{
    if (end->in->starved && zmtp__queue_roomy(end->in))
        end->in->starved = false;
    else if (!zmtp__queue_owes(end->in) && !zmtp__queue_dried(end->in))
        return;
    if (!end->other->marked) zmtp__pipe_mark(end->other);
}

// Can a message be sent now? No: it is remembered, and the end is marked when there is room. Also no
// when the other end has closed.
static inline bool zmtp__pipe_writable(struct zmtp_pipe_end *end)
{
    if (end->other->closed) return false;
    if (!zmtp__queue_full(end->out)) return true;
    zmtp__queue_refuse(end->out);
    return false;
}

// Is there a whole message at |end|?
static inline bool zmtp__pipe_readable(const struct zmtp_pipe_end *end)
{
    return end->in->count > 0;
}

// Did the first message at |end| come over an earlier connection than the one that was there last?
static inline bool zmtp__pipe_first_is_old(const struct zmtp_pipe_end *end)
{
    return end->last_speaker && end->in->taken < end->last_speaker->first;
}

// No more will ever come in at |end|: the other side closed, and all was read.
static inline bool zmtp__pipe_finished(const struct zmtp_pipe_end *end)
{
    return end->other->closed && end->in->count == 0;
}

#endif
