#include "far.h"

#include <string.h>

#include "pattern.h"

void zmtp__far_name(struct zmtp__far_facts *facts, struct zmtp_bytes routing_id)
{
    if (routing_id.size == 0) return;
    facts->routing_id_size = (uint8_t)routing_id.size;
    memcpy(facts->routing_id, routing_id.data, routing_id.size);
}

void zmtp__far_facts_of(const struct zmtp_socket_config *config, struct zmtp__far_facts *out)
{
    *out = (struct zmtp__far_facts){
        .type = config->type,
        .conflate = config->conflate,
        .send_count_max = config->send_count_max,
        .send_bytes_max = config->send_bytes_max,
        .recv_count_max = config->recv_count_max,
        .recv_bytes_max = config->recv_bytes_max,
    };
    zmtp__far_name(out, config->routing_id);
}

// One that keeps only its last message has none too many, but must not fill what it cannot take back.
static struct zmtp__far_limits far_limits_of_last(void)
{
    return (struct zmtp__far_limits){.abroad_max = 1};
}

struct zmtp__far_limits zmtp__far_limits_of(const struct zmtp__far_facts *from,
                                            const struct zmtp__far_facts *to)
{
    if (from->conflate) return far_limits_of_last();
    return (struct zmtp__far_limits){
        .count_max = zmtp__limits_sum(from->send_count_max, to->recv_count_max),
        .bytes_max = zmtp__limits_sum(from->send_bytes_max, to->recv_bytes_max)};
}

struct zmtp__far_limits zmtp__far_sending(const struct zmtp__far_facts *facts)
{
    if (facts->conflate) return far_limits_of_last();
    return (struct zmtp__far_limits){.count_max = facts->send_count_max,
                                     .bytes_max = facts->send_bytes_max};
}

struct zmtp__far_limits zmtp__far_receiving(const struct zmtp__far_facts *facts)
{
    return (struct zmtp__far_limits){.count_max = facts->recv_count_max,
                                     .bytes_max = facts->recv_bytes_max};
}

// Queues whose messages other threads free lie on the heap, and take their slabs from a pool only when
// that does too: other allocators need not be for all threads.
struct zmtp_pool *zmtp__far_pool(struct zmtp_pool *pool)
{
    return pool && zmtp__pool_allocator(pool) == zmtp_heap() ? pool : NULL;
}

// The pipe between a socket and a shore.
static int far_open(const struct zmtp_socket *socket, struct zmtp__far_limits out,
                    struct zmtp__far_limits in, struct zmtp_pipe_end *ends[2])
{
    const struct zmtp_socket_config *config = &socket->config;
    const struct zmtp_pipe_config pipe = {
        .allocator = zmtp_heap(),
        .pool = zmtp__far_pool(config->pool),
        .count_max = {out.count_max, in.abroad_max},
        .bytes_max = {out.bytes_max, 0},
    };
    return zmtp_pipe_open(&pipe, ends);
}

// The socket's end becomes a lane, of which the other end is told, or both are closed. The lane comes last: it may
// take the place of another.
static int far_give(struct zmtp_socket *socket, struct zmtp_pipe_end *const ends[2], bool dialled,
                    struct zmtp_bytes routing_id, struct zmtp_pipe_end **end)
{
    int result = zmtp__socket_tell(socket, ends[0]);
    if (result == ZMTP_OK) result = zmtp__lane_open(socket, ends[0], dialled, routing_id);
    if (result == ZMTP_OK) {
        *end = ends[1];
        return result;
    }
    zmtp_pipe_close(ends[0]);
    zmtp_pipe_close(ends[1]);
    return result;
}

int zmtp__far_join(struct zmtp_socket *socket, const struct zmtp__far_facts *other,
                   struct zmtp_pipe_end **end)
{
    struct zmtp_pipe_end *ends[2];
    struct zmtp__far_facts own;
    *end = NULL;
    zmtp_socket_process(socket); // a peer that has just gone no longer keeps its place
    zmtp__far_facts_of(&socket->config, &own);
    const int result =
        far_open(socket, zmtp__far_limits_of(&own, other), zmtp__far_limits_of(other, &own), ends);
    if (result < 0) return result;
    return far_give(socket, ends, false, zmtp_bytes_of(other->routing_id, other->routing_id_size),
                    end);
}

int zmtp__far_await(struct zmtp_socket *socket, struct zmtp_bytes routing_id,
                    struct zmtp_pipe_end **end)
{
    struct zmtp_pipe_end *ends[2];
    struct zmtp__far_facts own;
    *end = NULL;
    zmtp_socket_process(socket); // a peer that has just gone no longer keeps its routing id
    zmtp__far_facts_of(&socket->config, &own);
    const int result = far_open(socket, zmtp__far_sending(&own), zmtp__far_receiving(&own), ends);
    if (result < 0) return result;
    return far_give(socket, ends, true, routing_id, end);
}

// The shore finds out when it works.
static void far_limit(struct zmtp_pipe_end *end, struct zmtp__far_limits out)
{
    zmtp__queue_limit(end->in, out.count_max, out.bytes_max);
    zmtp__pipe_mark(end);
}

void zmtp__far_settle(struct zmtp_pipe_end *end, const struct zmtp__far_facts *own,
                      const struct zmtp__far_facts *other)
{
    far_limit(end, zmtp__far_limits_of(own, other));
    const size_t abroad_max = zmtp__far_limits_of(other, own).abroad_max;
    zmtp__queue_limit(end->out, abroad_max, end->out->bytes_max);
}

void zmtp__far_settle_own(struct zmtp_pipe_end *end, const struct zmtp__far_facts *own)
{
    const struct zmtp__far_limits in = zmtp__far_receiving(own);
    zmtp__queue_limit(end->out, in.count_max, in.bytes_max);
    far_limit(end, zmtp__far_sending(own));
}
