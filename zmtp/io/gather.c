#include "gather.h"

#include "../msg/pipe.h"
#include "../socket/router.h"
#include "conn.h"

enum {
    // The limits of one that drops are so many times what gathers, or more.
    GATHER_SHARE = 8,
    // A segment of a local connection holds so many octets.
    GATHER_SEGMENT = 65483,
    // Of messages up to this size a segment is filled, as one more or less of them is a small part of it.
    GATHER_FILLS = 4096,
};

size_t zmtp__gather_max(size_t count)
{
    if (count <= ZMTP__GATHER_LEAST / ZMTP__GATHER_EACH) return ZMTP__GATHER_LEAST;
    const size_t most = ZMTP__GATHER_MOST / ZMTP__GATHER_EACH;
    return (count < most ? count : most) * ZMTP__GATHER_EACH;
}

bool zmtp__gather_keeps(const struct zmtp_uv *uv, const struct zmtp_socket_config *config)
{
    enum { COUNT = ZMTP__GATHER_MOST / ZMTP__GATHER_LEAST };
    if (config->type != ZMTP_PUB && config->type != ZMTP_XPUB) return false;
    if (uv->unflushed_max == ZMTP__GATHER_LEAST || config->send_bytes_all_max > 0) return false;
    return (config->send_count_max == 0 || config->send_count_max >= COUNT * GATHER_SHARE) &&
           (config->send_bytes_max == 0 ||
            config->send_bytes_max >= ZMTP__GATHER_MOST * GATHER_SHARE);
}

// Those whose message goes to many.
static bool gather_spreads(const struct zmtp_socket_config *config)
{
    const unsigned to_many = 1u << ZMTP_PUB | 1u << ZMTP_XPUB | 1u << ZMTP_SUB | 1u << ZMTP_XSUB |
                             1u << ZMTP_RADIO | 1u << ZMTP_DISH;
    return to_many >> config->type & 1u;
}

// They all would keep what gathers; and there are those that drop it for want of room.
static bool gather_is_careful(const struct zmtp_socket_config *config)
{
    return gather_spreads(config) || config->type == ZMTP_REP || config->send_bytes_all_max > 0;
}

// What waits for each subscriber is the same. Is it as much as fits into a segment, if all were like the last message, of
// |size| octets?
static bool gather_fills(size_t unflushed, size_t size)
{
    const size_t frame = size + (size > UINT8_MAX ? ZMTP_HEADER_MAX : 2);
    return (unflushed + size) * frame > (size_t)GATHER_SEGMENT * size;
}

// How much may wait with a message of |size| octets?
static size_t gather_room(const struct zmtp_uv *uv, const struct zmtp_socket_config *config,
                          size_t size)
{
    const bool large = size >= ZMTP__GATHER_LARGE;
    const bool waits = large ? zmtp__gather_keeps(uv, config) : !gather_is_careful(config);
    return waits ? uv->unflushed_max : ZMTP__GATHER_LEAST;
}

bool zmtp__gather_would_end(const struct zmtp_uv *uv, const struct zmtp_socket *core, size_t size)
{
    const size_t unflushed = uv->unflushed + size;
    if (core->brimmed) return true;
    if (size > 0 && size <= GATHER_FILLS && gather_spreads(&core->config))
        return gather_fills(unflushed, size);
    return unflushed >= gather_room(uv, &core->config, size);
}

bool zmtp__gather_ends(struct zmtp_uv *uv, const struct zmtp_socket *core, size_t size)
{
    const bool ends = zmtp__gather_would_end(uv, core, size);
    uv->unflushed += size;
    return ends;
}

static void gather_retry_those_of(const struct zmtp_uv_socket *socket)
{
    for (struct zmtp__conn *conn = socket->conns; conn; conn = conn->next) {
        if (!conn->tx_blocked || !conn->end || !zmtp__queue_full(conn->end->in)) continue;
        conn->tx_blocked = false;
        zmtp__conn_flush(conn);
    }
}

void zmtp__gather_retry(struct zmtp_uv *uv, struct zmtp_socket *core)
{
    if (!core) return; // it has closed
    core->brimmed = false;
    if (!gather_spreads(&core->config) || core->config.nodrop) return;
    for (struct zmtp_uv_socket *socket = uv->sockets; socket; socket = socket->next)
        if (socket->core == core) gather_retry_those_of(socket);
}

bool zmtp__gather_hinders(const struct zmtp_uv *uv, struct zmtp_socket *core, struct zmtp_bytes id)
{
    if (uv->unflushed == 0 || !zmtp__octets_ok(id)) return false;
    const struct zmtp_pipe_end *const end = zmtp__router_full_end(core, id);
    return end && end->marked && end->marks == &uv->marks;
}
