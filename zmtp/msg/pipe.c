#include "pipe.h"

#include "../base/reader.h"

int zmtp_pipe_open(const struct zmtp_pipe_config *config, struct zmtp_pipe_end *ends[2])
{
    if (!config || !ends) return ZMTP_ERR_ARGUMENT;
    const struct zmtp_allocator *allocator = config->allocator ? config->allocator : zmtp_heap();
    struct zmtp__pipe *pipe = zmtp_alloc(allocator, sizeof *pipe);
    if (!pipe) return ZMTP_ERR_MEMORY;
    *pipe = (struct zmtp__pipe){.allocator = allocator};
    for (size_t i = 0; i < 2; i++) {
        zmtp__queue_init(&pipe->queues[i], allocator, config->pool, config->count_max[i],
                         config->bytes_max[i]);
        pipe->ends[i] = (struct zmtp_pipe_end){.pipe = pipe,
                                               .out = &pipe->queues[i],
                                               .in = &pipe->queues[1 - i],
                                               .other = &pipe->ends[1 - i]};
        ends[i] = &pipe->ends[i];
    }
    return ZMTP_OK;
}

void zmtp__pipe_mark(struct zmtp_pipe_end *end)
{
    struct zmtp_marks *marks = end->marks;
    if (!marks || end->marked) return;
    end->marked = true;
    end->marked_next = NULL;
    end->marked_before = marks->last;
    if (marks->last)
        marks->last->marked_next = end;
    else
        marks->first = end;
    marks->last = end;
}

static void pipe_unmark(struct zmtp_pipe_end *end)
{
    struct zmtp_marks *const marks = end->marks;
    struct zmtp_pipe_end *const next = end->marked_next, *const before = end->marked_before;
    if (!end->marked) return;
    end->marked = false;
    *(before ? &before->marked_next : &marks->first) = next;
    *(next ? &next->marked_before : &marks->last) = before;
    end->marked_next = end->marked_before = NULL;
}

void zmtp_pipe_own(struct zmtp_pipe_end *end, struct zmtp_marks *marks, void *owner)
{
    if (!end) return;
    pipe_unmark(end);
    end->marks = marks;
    end->owner = owner;
    // What happened before anybody listened is not lost.
    zmtp__pipe_mark(end);
}

void zmtp__pipe_follow(struct zmtp_pipe_end *end, struct zmtp_pipe_end **place)
{
    end->follower = place;
    if (place) *place = end;
}

struct zmtp_pipe_end *zmtp_marks_take(struct zmtp_marks *marks)
{
    if (!marks) return NULL;
    struct zmtp_pipe_end *end = marks->first;
    if (end) pipe_unmark(end);
    return end;
}

void *zmtp_pipe_owner(const struct zmtp_pipe_end *end)
{
    return end ? end->owner : NULL;
}

static void pipe_forget_first_speaker(struct zmtp_pipe_end *end)
{
    struct zmtp__origin *speaker = end->speaker;
    end->speaker = speaker->next;
    if (!end->speaker) end->last_speaker = NULL;
    zmtp__origin_retire(speaker);
}

static void pipe_forget_speakers(struct zmtp_pipe_end *end)
{
    end->link.origin = NULL;
    while (end->speaker)
        pipe_forget_first_speaker(end);
}

struct zmtp__origin *zmtp__pipe_give_speakers(struct zmtp_pipe_end *end)
{
    struct zmtp__origin *speakers = end->speaker;
    end->speaker = end->last_speaker = NULL;
    end->link.origin = NULL;
    return speakers;
}

void zmtp__pipe_pass_word(struct zmtp_pipe_end *end)
{
    while (end->speaker->next && end->speaker->next->first <= end->in->taken)
        pipe_forget_first_speaker(end);
}

// A connection that sent nothing leaves no trace, so there are never more than messages.
static void pipe_forget_silent_speaker(struct zmtp_pipe_end *end, uint64_t now)
{
    struct zmtp__origin *silent = end->last_speaker, **at = &end->speaker;
    if (!silent || silent->first < now) return;
    end->last_speaker = NULL;
    for (; *at != silent; at = &(*at)->next)
        end->last_speaker = *at;
    *at = NULL;
    zmtp__origin_retire(silent);
}

void zmtp__pipe_introduce(struct zmtp_pipe_end *end, struct zmtp__origin *origin)
{
    zmtp__pipe_introduce_at(end, origin, end->out->taken + end->out->count);
}

void zmtp__pipe_introduce_at(struct zmtp_pipe_end *end, struct zmtp__origin *origin, uint64_t first)
{
    struct zmtp_pipe_end *hearer = end->other;
    struct zmtp_link *link = &hearer->link;
    origin->first = first;
    pipe_forget_silent_speaker(hearer, origin->first);
    zmtp__origin_ref(origin);
    if (hearer->last_speaker)
        hearer->last_speaker->next = origin;
    else
        hearer->speaker = origin;
    hearer->last_speaker = origin;
    link->origin = &origin->told;
    link->type = origin->told.type;
    link->generation++;
    link->up = true;
    zmtp__pipe_mark(hearer);
}

void zmtp_pipe_close(struct zmtp_pipe_end *end)
{
    if (!end) return;
    pipe_unmark(end);
    end->marks = NULL;
    end->closed = true;
    pipe_forget_speakers(end);
    if (end->follower) *end->follower = NULL;
    end->follower = NULL;
    struct zmtp__pipe *pipe = end->pipe;
    if (!end->other->closed) {
        if (end->out->open) zmtp__queue_undo(end->out); // it will never end
        const bool open = end->in->open;
        const struct zmtp__queue was = *end->in;
        end->stranded = zmtp__queue_messages(end->out);
        end->other->stranded = zmtp__queue_messages(end->in);
        zmtp__queue_fini(end->in);
        zmtp__queue_init(end->in, pipe->allocator, was.pool, was.count_max, was.bytes_max);
        end->in->written = was.written;
        end->in->read = was.read;
        end->in->withdrawn = was.withdrawn + end->other->stranded;
        // The other end may be amid a message and does not know yet that it writes for nobody.
        if (open) zmtp__queue_begin(end->in);
        zmtp__pipe_mark(end->other);
        return;
    }
    // Only now: an end may tell of its link when the other end has closed already.
    pipe_forget_speakers(end->other);
    zmtp__queue_fini(&pipe->queues[0]);
    zmtp__queue_fini(&pipe->queues[1]);
    zmtp_free(pipe->allocator, pipe, sizeof *pipe);
}

static bool pipe_origin_ok(const struct zmtp_origin *told)
{
    return zmtp__octets_ok(told->routing_id) && zmtp__octets_ok(told->public_key) &&
           zmtp__octets_ok(told->user_id) && zmtp__octets_ok(told->user_metadata) &&
           zmtp__octets_ok(told->metadata) && zmtp__octets_ok(told->remote) &&
           zmtp__octets_ok(told->address);
}

int zmtp_pipe_link_up(struct zmtp_pipe_end *end, const struct zmtp_origin *told)
{
    if (!end || !told || !pipe_origin_ok(told)) return ZMTP_ERR_ARGUMENT;
    struct zmtp__origin *origin = zmtp__origin_open(told, NULL, end->pipe->allocator);
    if (!origin) return ZMTP_ERR_MEMORY;
    zmtp__pipe_introduce(end, origin);
    zmtp__origin_unref(origin);
    return ZMTP_OK;
}

void zmtp_pipe_link_down(struct zmtp_pipe_end *end)
{
    if (!end) return;
    if (!end->other->link.up) return;
    end->other->link.up = false;
    // The next connection starts with a whole message. Commands were for this one alone; its
    // successor is told anew.
    zmtp__queue_expire(end->in);
    // A connection that comes and goes must not leave more behind a message each time. What is told by
    // the numbers of messages is who sent them, so all must be of one.
    if (!end->last_speaker || end->last_speaker->first <= end->in->taken)
        zmtp__queue_purge(end->in);
    zmtp__pipe_mark(end->other);
}

const struct zmtp_link *zmtp_pipe_link(const struct zmtp_pipe_end *end)
{
    return end ? &end->link : NULL;
}

struct zmtp_pipe_depth zmtp_pipe_depth(const struct zmtp_pipe_end *end)
{
    if (!end) return (struct zmtp_pipe_depth){0};
    return (struct zmtp_pipe_depth){.out_count = end->out->count,
                                    .out_bytes = end->out->bytes,
                                    .in_count = end->in->count,
                                    .in_bytes = end->in->bytes};
}
