#include "../socket.h"

#include <string.h>

#include "express.h"

static const struct zmtp__pattern *const socket_patterns[ZMTP_SOCKET_TYPES] = {
    [ZMTP_REQ] = &zmtp__req,         [ZMTP_REP] = &zmtp__rep,         [ZMTP_DEALER] = &zmtp__dealer,
    [ZMTP_ROUTER] = &zmtp__router,   [ZMTP_PUB] = &zmtp__pub,         [ZMTP_SUB] = &zmtp__sub,
    [ZMTP_PAIR] = &zmtp__pair,       [ZMTP_PUSH] = &zmtp__push,       [ZMTP_PULL] = &zmtp__pull,
    [ZMTP_CLIENT] = &zmtp__client,   [ZMTP_SCATTER] = &zmtp__scatter, [ZMTP_GATHER] = &zmtp__gather,
    [ZMTP_CHANNEL] = &zmtp__channel, [ZMTP_SERVER] = &zmtp__server,   [ZMTP_PEER] = &zmtp__server,
    [ZMTP_XPUB] = &zmtp__xpub,       [ZMTP_XSUB] = &zmtp__xsub,       [ZMTP_RADIO] = &zmtp__radio,
    [ZMTP_DISH] = &zmtp__dish,       [ZMTP_STREAM] = &zmtp__stream,   [ZMTP_DGRAM] = &zmtp__dgram,
};

bool zmtp__routing_id_ok(const struct zmtp_socket_config *config, struct zmtp_bytes routing_id)
{
    if (routing_id.size == 0 || config->routing_id_any) return routing_id.size <= UINT8_MAX;
    return routing_id.size <= UINT8_MAX && routing_id.data[0] != 0;
}

bool zmtp__group_ok(struct zmtp_bytes group)
{
    if (group.size > UINT8_MAX) return false;
    for (size_t i = 0; i < group.size; i++)
        if (group.data[i] == 0) return false;
    return true;
}

static void socket_free(struct zmtp_socket *socket)
{
    zmtp_part_fini(&socket->texts);
    zmtp_free(socket->config.allocator, socket, socket->pattern->socket_size);
}

int zmtp_socket_config_check(const struct zmtp_socket_config *config, const char **why)
{
    const char *flaw = "socket.type is none of enum zmtp_socket_type";
    if (config && (unsigned)config->type < ZMTP_SOCKET_TYPES) flaw = zmtp__options_flaw(config);
    if (why && flaw) *why = flaw;
    return flaw ? ZMTP_ERR_ARGUMENT : ZMTP_OK;
}

int zmtp_socket_open(struct zmtp_socket **out, const struct zmtp_socket_config *config)
{
    if (!out) return ZMTP_ERR_ARGUMENT;
    *out = NULL;
    const int flaw = zmtp_socket_config_check(config, NULL);
    if (flaw < 0) return flaw;
    const struct zmtp__pattern *pattern = socket_patterns[config->type];
    const struct zmtp_allocator *allocator = config->allocator ? config->allocator : zmtp_heap();
    // Zeroed as a whole, for the part that is the pattern's own.
    struct zmtp_socket *socket = zmtp_alloc(allocator, pattern->socket_size);
    if (!socket) return ZMTP_ERR_MEMORY;
    memset(socket, 0, pattern->socket_size);
    socket->pattern = pattern;
    socket->config = *config;
    socket->config.allocator = allocator;
    zmtp__list_init(&socket->lanes);
    zmtp__list_init(&socket->readable);
    zmtp__list_init(&socket->writable);
    zmtp__list_init(&socket->overdue);
    const int result = zmtp__config_copy_texts(&socket->config, &socket->texts, allocator);
    if (result < 0) {
        socket_free(socket);
        return result;
    }
    zmtp__config_turn_texts(&socket->config, &socket->texts);
    if (pattern->open) pattern->open(socket);
    *out = socket;
    return ZMTP_OK;
}

bool zmtp_socket_crowded(const struct zmtp_socket *socket)
{
    if (!socket || socket->config.recv_bytes_gone_max == 0) return false;
    return socket->gone_bytes >= socket->config.recv_bytes_gone_max;
}

void zmtp_socket_close(struct zmtp_socket *socket)
{
    if (!socket) return;
    struct zmtp__lane *lane;
    while ((lane = zmtp__list_first(&socket->lanes)))
        zmtp__lane_release(socket, lane);
    if (socket->pattern->close) socket->pattern->close(socket);
    socket_free(socket);
}

enum zmtp_socket_type zmtp_socket_type(const struct zmtp_socket *socket)
{
    return socket ? socket->config.type : ZMTP_SOCKET_TYPES;
}

const struct zmtp_socket_config *zmtp_socket_config(const struct zmtp_socket *socket)
{
    return socket ? &socket->config : NULL;
}

int zmtp_socket_attach(struct zmtp_socket *socket, bool dialled, struct zmtp_bytes routing_id,
                       struct zmtp_pipe_end **end)
{
    if (!socket || !end || !zmtp__octets_ok(routing_id)) return ZMTP_ERR_ARGUMENT;
    *end = NULL;
    zmtp_socket_process(socket); // a peer that has just gone no longer keeps its routing id
    const struct zmtp_socket_config *config = &socket->config;
    const struct zmtp_pipe_config pipe = {
        .allocator = config->allocator,
        .pool = config->pool,
        // One message that takes the place of those before it needs no limit, and has room always.
        .count_max = {config->conflate ? 0 : config->send_count_max, config->recv_count_max},
        .bytes_max = {config->conflate ? 0 : config->send_bytes_max, config->recv_bytes_max},
    };
    struct zmtp_pipe_end *ends[2];
    int result = zmtp_pipe_open(&pipe, ends);
    if (result < 0) return result;
    result = zmtp__lane_open(socket, ends[0], dialled, routing_id);
    if (result < 0) {
        zmtp_pipe_close(ends[0]);
        zmtp_pipe_close(ends[1]);
        return result;
    }
    *end = ends[1];
    return ZMTP_OK;
}

static size_t socket_count_max(const struct zmtp_socket_config *from,
                               const struct zmtp_socket_config *to)
{
    return from->conflate ? 0 : zmtp__limits_sum(from->send_count_max, to->recv_count_max);
}

static size_t socket_bytes_max(const struct zmtp_socket_config *from,
                               const struct zmtp_socket_config *to)
{
    return from->conflate ? 0 : zmtp__limits_sum(from->send_bytes_max, to->recv_bytes_max);
}

int zmtp__socket_tell(const struct zmtp_socket *socket, struct zmtp_pipe_end *end)
{
    const struct zmtp_socket_config *config = &socket->config;
    struct zmtp_origin told = {
        .type_known = true, .type = config->type, .metadata = config->metadata};
    if (config->routing_id.size > 0) told.routing_id = config->routing_id;
    return zmtp_pipe_link_up(end, &told);
}

// Links both ends and gives them to their sockets. On failure neither socket has its end.
static int socket_link(struct zmtp_socket *const sockets[2], struct zmtp_pipe_end *const ends[2])
{
    for (size_t i = 0; i < 2; i++) {
        const int result = zmtp__socket_tell(sockets[i], ends[i]);
        if (result < 0) return result;
    }
    int result = zmtp__lane_open(sockets[0], ends[0], false, sockets[1]->config.routing_id);
    if (result < 0) return result;
    result = zmtp__lane_open(sockets[1], ends[1], false, sockets[0]->config.routing_id);
    if (result < 0) {
        zmtp__lane_disown(sockets[0], zmtp_pipe_owner(ends[0]));
        return result;
    }
    for (size_t i = 0; i < 2; i++)
        ((struct zmtp__lane *)zmtp_pipe_owner(ends[i]))->joined = true;
    return ZMTP_OK;
}

int zmtp_socket_join(struct zmtp_socket *dialler, struct zmtp_socket *binder,
                     struct zmtp_pipe_end *ends[2])
{
    if (!dialler || !binder || !ends) return ZMTP_ERR_ARGUMENT;
    ends[0] = ends[1] = NULL;
    const struct zmtp_socket_config *ours = &dialler->config, *theirs = &binder->config;
    if (!zmtp_socket_types_match(ours->type, theirs->type)) return ZMTP_ERR_SOCKET_TYPE;
    zmtp_socket_process(dialler);
    zmtp_socket_process(binder);
    const struct zmtp_pipe_config pipe = {
        .allocator = ours->allocator,
        .pool = ours->pool,
        .count_max = {socket_count_max(ours, theirs), socket_count_max(theirs, ours)},
        .bytes_max = {socket_bytes_max(ours, theirs), socket_bytes_max(theirs, ours)},
    };
    struct zmtp_pipe_end *made[2];
    int result = zmtp_pipe_open(&pipe, made);
    if (result < 0) return result;
    result = socket_link((struct zmtp_socket *const[]){dialler, binder}, made);
    if (result < 0) {
        zmtp_pipe_close(made[0]);
        zmtp_pipe_close(made[1]);
        return result;
    }
    ends[0] = made[0];
    ends[1] = made[1];
    return ZMTP_OK;
}

void zmtp_socket_detach(struct zmtp_socket *socket, const struct zmtp_pipe_end *end)
{
    if (!socket || !end) return;
    for (struct zmtp__node *node = socket->lanes.next; node->lane; node = node->next) {
        if (node->lane->end != end) continue;
        zmtp__lane_part(socket, node->lane);
        return;
    }
}

void zmtp_socket_settle(struct zmtp_socket *socket, const struct zmtp_pipe_end *end)
{
    if (!socket || !end || !end->other->closed) return;
    struct zmtp_socket_counters *counters = &socket->counters;
    const size_t waited = end->other->stranded, lost = zmtp__queue_messages(end->in);
    counters->queued -= waited;
    counters->left += waited - lost;
    counters->lost += lost;
    zmtp__socket_dropped(socket, ZMTP_DROP_CLOSED, lost);
}

void zmtp_socket_lose(struct zmtp_socket *socket, struct zmtp_pipe_end *end, enum zmtp_drop reason)
{
    if (!end || (unsigned)reason >= ZMTP_DROPS || end->in->count == 0) return;
    const size_t lost = zmtp__queue_withdraw_first(end->in);
    struct zmtp_pipe_end *own = end->other;
    zmtp__pipe_consumed(end);
    if (!socket) return;
    if (own->marks == &socket->marks) {
        zmtp__lane_lost(socket, own->owner, reason, lost);
        return;
    }
    // The socket has let go of it, and it is to be settled without this one.
    own->stranded -= lost;
    socket->counters.queued -= lost;
    socket->counters.lost += lost;
    zmtp__socket_dropped(socket, reason, lost);
}

uint32_t zmtp_socket_peer_id(const struct zmtp_socket *socket, const struct zmtp_pipe_end *end)
{
    if (!socket || !end) return 0;
    if (!socket->pattern->peer_id) return 0;
    for (const struct zmtp__node *node = socket->lanes.next; node->lane; node = node->next) {
        const struct zmtp_pipe_end *own = node->lane->end;
        if (own == end || own->other == end) return socket->pattern->peer_id(node->lane);
    }
    return 0;
}

struct zmtp_bytes zmtp_socket_routing_id(const struct zmtp_socket *socket,
                                         const struct zmtp_pipe_end *end)
{
    if (!socket || !end) return (struct zmtp_bytes){0};
    const struct zmtp_pipe_end *own = end->other;
    if (!socket->pattern->routing_id || own->closed || own->marks != &socket->marks)
        return (struct zmtp_bytes){0};
    return socket->pattern->routing_id(own->owner);
}

bool zmtp_socket_marked(const struct zmtp_socket *socket)
{
    return socket && socket->marks.first;
}

void zmtp_socket_process(struct zmtp_socket *socket)
{
    if (!socket) return;
    if (!socket->marks.first && !zmtp__list_first(&socket->overdue)) return;
    struct zmtp_pipe_end *end;
    for (; (end = zmtp_marks_take(&socket->marks)); socket->looks++)
        zmtp__lane_look(socket, zmtp_pipe_owner(end));
    // What failed for want of memory is marked again, for the next time.
    struct zmtp__lane *lane;
    while ((lane = zmtp__list_first(&socket->overdue))) {
        zmtp__node_remove(&lane->overdue);
        zmtp__pipe_mark(lane->end);
    }
}

unsigned zmtp_socket_events(struct zmtp_socket *socket)
{
    if (!socket) return 0;
    zmtp_socket_process(socket);
    return socket->pattern->events(socket);
}

static int socket_send(struct zmtp_socket *socket, const struct zmtp__outgoing *out)
{
    if (!socket->pattern->send) return ZMTP_ERR_UNSUPPORTED;
    if (out->count == 0) return ZMTP_ERR_ARGUMENT;
    if (out->count > 1 && socket->pattern->single) return ZMTP_ERR_ARGUMENT;
    zmtp_socket_process(socket);
    const int result = socket->pattern->send(socket, out);
    if (result == ZMTP_OK) socket->counters.sent++;
    return result;
}

int zmtp_socket_send(struct zmtp_socket *socket, struct zmtp_msg *msg)
{
    if (!socket || !msg) return ZMTP_ERR_ARGUMENT;
    const struct zmtp__outgoing out = zmtp__outgoing_of_msg(msg);
    const bool sent = (msg->count == 1 && zmtp__express_send(socket, zmtp_msg_bytes(msg, 0))) ||
                      (msg->count == 2 && zmtp__express_send_to(socket, zmtp_msg_bytes(msg, 0),
                                                                zmtp_msg_bytes(msg, 1)));
    const int result = sent ? ZMTP_OK : socket_send(socket, &out);
    if (result == ZMTP_OK) zmtp_msg_fini(msg);
    return result;
}

int zmtp__socket_send_borrowed(struct zmtp_socket *socket, const struct zmtp_bytes *parts,
                               size_t count, struct zmtp__borrow *borrowed)
{
    for (size_t i = 0; i < count; i++)
        if (!zmtp__octets_ok(parts[i])) return ZMTP_ERR_ARGUMENT;
    struct zmtp__outgoing out = zmtp__outgoing_of_parts(parts, count);
    out.borrowed = borrowed;
    return socket_send(socket, &out);
}

int zmtp_socket_send_bytes(struct zmtp_socket *socket, const struct zmtp_bytes *parts, size_t count)
{
    if (!socket || !parts) return ZMTP_ERR_ARGUMENT;
    if (count == 1 && zmtp__express_send(socket, parts[0])) return ZMTP_OK;
    if (count == 2 && zmtp__express_send_to(socket, parts[0], parts[1])) return ZMTP_OK;
    return zmtp__socket_send_borrowed(socket, parts, count, NULL);
}

int zmtp_socket_recv(struct zmtp_socket *socket, struct zmtp_msg *msg)
{
    if (!socket || !msg) return ZMTP_ERR_ARGUMENT;
    if (!socket->pattern->recv) return ZMTP_ERR_UNSUPPORTED;
    if (msg->count > 0) return ZMTP_ERR_ARGUMENT;
    if (zmtp__express_recv(socket, msg, NULL)) return ZMTP_OK;
    zmtp_socket_process(socket);
    const int result = socket->pattern->recv(socket, msg);
    if (result == ZMTP_OK) socket->counters.received++;
    return result;
}

uint32_t zmtp_socket_last_request(const struct zmtp_socket *socket)
{
    return socket && socket->pattern->last_request ? socket->pattern->last_request(socket) : 0;
}

int zmtp_socket_cancel_request(struct zmtp_socket *socket, uint32_t number)
{
    if (!socket) return ZMTP_ERR_ARGUMENT;
    if (!socket->pattern->cancel_request) return ZMTP_ERR_UNSUPPORTED;
    zmtp_socket_process(socket);
    return socket->pattern->cancel_request(socket, number);
}

uint64_t zmtp_socket_deadline(struct zmtp_socket *socket)
{
    return socket && socket->pattern->deadline ? socket->pattern->deadline(socket) : UINT64_MAX;
}

void zmtp__socket_tick(struct zmtp_socket *socket, uint64_t now_ms, uint64_t heard_ms)
{
    if (!socket->pattern->tick) return;
    zmtp_socket_process(socket);
    socket->pattern->tick(socket, now_ms, heard_ms);
}

void zmtp_socket_tick(struct zmtp_socket *socket, uint64_t now_ms)
{
    if (socket) zmtp__socket_tick(socket, now_ms, now_ms);
}

int zmtp_socket_subscribe(struct zmtp_socket *socket, struct zmtp_bytes topic)
{
    if (!socket || !zmtp__octets_ok(topic)) return ZMTP_ERR_ARGUMENT;
    if (!socket->pattern->subscribe) return ZMTP_ERR_UNSUPPORTED;
    zmtp_socket_process(socket);
    return socket->pattern->subscribe(socket, topic);
}

int zmtp_socket_cancel(struct zmtp_socket *socket, struct zmtp_bytes topic)
{
    if (!socket || !zmtp__octets_ok(topic)) return ZMTP_ERR_ARGUMENT;
    if (!socket->pattern->cancel) return ZMTP_ERR_UNSUPPORTED;
    zmtp_socket_process(socket);
    return socket->pattern->cancel(socket, topic);
}

size_t zmtp_socket_topics(const struct zmtp_socket *socket)
{
    return socket && socket->pattern->topics ? socket->pattern->topics(socket) : 0;
}

size_t zmtp_socket_subscribers(const struct zmtp_socket *socket)
{
    return socket && socket->pattern->subscribers ? socket->pattern->subscribers(socket) : 0;
}

const char *zmtp_drop_name(enum zmtp_drop drop)
{
    switch (drop) {
    case ZMTP_DROP_PEER_GONE:
        return "peer-gone";
    case ZMTP_DROP_PEER_FULL:
        return "peer-full";
    case ZMTP_DROP_NO_ROUTE:
        return "no-route";
    case ZMTP_DROP_NO_MATCH:
        return "no-match";
    case ZMTP_DROP_ENVELOPE:
        return "envelope";
    case ZMTP_DROP_UNEXPECTED:
        return "unexpected";
    case ZMTP_DROP_CLOSED:
        return "closed";
    case ZMTP_DROP_REPLACED:
        return "replaced";
    case ZMTP_DROP_OUTDATED:
        return "outdated";
    case ZMTP_DROP_UNREAD:
        return "unread";
    case ZMTP_DROP_MALFORMED:
        return "malformed";
    case ZMTP_DROP_NO_ROOM:
        return "no-room";
    case ZMTP_DROP_UNSENT:
        return "unsent";
    case ZMTP_DROPS:
        break;
    }
    return "?";
}

void zmtp_socket_drop(struct zmtp_socket *socket, enum zmtp_drop reason, size_t count)
{
    if (socket && (unsigned)reason < ZMTP_DROPS) zmtp__socket_dropped(socket, reason, count);
}

struct zmtp_socket_counters zmtp_socket_counters(const struct zmtp_socket *socket)
{
    if (!socket) return (struct zmtp_socket_counters){0};
    struct zmtp_socket_counters counters = socket->counters; // of lanes that are gone
    for (const struct zmtp__node *node = socket->lanes.next; node->lane; node = node->next) {
        const struct zmtp_flow flow = zmtp__lane_flow(node->lane);
        counters.copies += flow.copies;
        counters.left += flow.left;
        counters.queued += flow.queued;
        counters.arrived += flow.arrived;
        counters.waiting += flow.waiting;
    }
    if (socket->pattern->held) counters.waiting += socket->pattern->held(socket);
    return counters;
}

bool zmtp_socket_flow(const struct zmtp_socket *socket, const struct zmtp_pipe_end *end,
                      struct zmtp_flow *out)
{
    if (!socket || !end || !out) return false;
    if (end->marks != &socket->marks) end = end->other;
    if (end->marks != &socket->marks) return false;
    *out = zmtp__lane_flow(end->owner);
    return true;
}

const uint64_t *zmtp_socket_dropped(const struct zmtp_socket *socket)
{
    return socket ? socket->counters.dropped : NULL;
}

void zmtp_socket_each_pipe(const struct zmtp_socket *socket,
                           void (*each)(void *context, const struct zmtp_link *link,
                                        struct zmtp_pipe_depth depth),
                           void *context)
{
    if (!socket || !each) return;
    for (const struct zmtp__node *node = socket->lanes.next; node->lane; node = node->next)
        each(context, zmtp_pipe_link(node->lane->end), zmtp_pipe_depth(node->lane->end));
}
