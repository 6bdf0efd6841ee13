#include "far.h"

#include <string.h>

#include "pattern.h"

void zmtp__far_facts_of(const struct zmtp_socket *socket, struct zmtp__far_facts *out)
{
    const struct zmtp_socket_config *config = &socket->config;
    *out = (struct zmtp__far_facts){
        .type = config->type,
        .conflate = config->conflate,
        .send_count_max = config->send_count_max,
        .send_bytes_max = config->send_bytes_max,
        .recv_count_max = config->recv_count_max,
        .recv_bytes_max = config->recv_bytes_max,
        .routing_id_size = (uint8_t)config->routing_id.size,
    };
    if (config->routing_id.size > 0)
        memcpy(out->routing_id, config->routing_id.data, config->routing_id.size);
}

// A third for each place.
static size_t far_share(size_t send_max, size_t recv_max)
{
    if (send_max == 0 || recv_max == 0) return 0;
    const size_t share = send_max / 3 + recv_max / 3 + (send_max % 3 + recv_max % 3) / 3;
    return share > 0 ? share : 1;
}

struct zmtp__far_limits zmtp__far_limits_of(const struct zmtp__far_facts *from,
                                            const struct zmtp__far_facts *to)
{
    // One that keeps only its last message does not fill what it cannot take back.
    if (from->conflate) return (struct zmtp__far_limits){.count_max = 1};
    return (struct zmtp__far_limits){
        .count_max = far_share(from->send_count_max, to->recv_count_max),
        .bytes_max = far_share(from->send_bytes_max, to->recv_bytes_max)};
}

// Queues whose messages other threads free lie on the heap, and take their slabs from the socket's pool
// only when that does too: other allocators need not be for all threads.
static struct zmtp_pool *far_pool(const struct zmtp_socket_config *config)
{
    if (!config->pool || zmtp__pool_allocator(config->pool) != zmtp_heap()) return NULL;
    return config->pool;
}

static int far_open(const struct zmtp_socket *socket, const struct zmtp__far_facts *other,
                    struct zmtp_pipe_end *ends[2])
{
    struct zmtp__far_facts own;
    zmtp__far_facts_of(socket, &own);
    const struct zmtp__far_limits out = zmtp__far_limits_of(&own, other);
    // With |conflate| a message takes the place of those before it, and has room always.
    const struct zmtp_pipe_config pipe = {
        .allocator = zmtp_heap(),
        .pool = far_pool(&socket->config),
        .count_max = {own.conflate ? 0 : out.count_max, 1}, // so it has room when it is empty
        .bytes_max = {own.conflate ? 0 : out.bytes_max, 0},
    };
    int result = zmtp_pipe_open(&pipe, ends);
    if (result < 0) return result;
    result = zmtp__socket_tell(socket, ends[0]);
    if (result == ZMTP_OK) return ZMTP_OK;
    zmtp_pipe_close(ends[0]);
    zmtp_pipe_close(ends[1]);
    return result;
}

int zmtp__far_join(struct zmtp_socket *socket, const struct zmtp__far_facts *other,
                   struct zmtp_pipe_end **end)
{
    struct zmtp_pipe_end *ends[2];
    *end = NULL;
    if (!zmtp_socket_types_match(socket->config.type, other->type)) return ZMTP_ERR_SOCKET_TYPE;
    zmtp_socket_process(socket); // a peer that has just gone no longer keeps its place
    int result = far_open(socket, other, ends);
    if (result < 0) return result;
    result = zmtp__lane_open(socket, ends[0], false,
                             zmtp_bytes_of(other->routing_id, other->routing_id_size));
    if (result < 0) {
        zmtp_pipe_close(ends[0]);
        zmtp_pipe_close(ends[1]);
        return result;
    }
    *end = ends[1];
    return ZMTP_OK;
}
