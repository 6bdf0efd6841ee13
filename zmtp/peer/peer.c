#include "../peer.h"

#include <assert.h>
#include <string.h>

#include "../base/reader.h"
#include "inside.h"

static const unsigned peer_moves[] = {
    [ZMTP_PEER_GREETING] = 1u << ZMTP_PEER_HANDSHAKE | 1u << ZMTP_PEER_CLOSED,
    [ZMTP_PEER_HANDSHAKE] = 1u << ZMTP_PEER_READY | 1u << ZMTP_PEER_CLOSED,
    [ZMTP_PEER_READY] = 1u << ZMTP_PEER_TRAFFIC | 1u << ZMTP_PEER_CLOSED,
    [ZMTP_PEER_TRAFFIC] = 1u << ZMTP_PEER_CLOSED,
    [ZMTP_PEER_CLOSED] = 0,
};

const char *zmtp_peer_state_name(enum zmtp_peer_state state)
{
    switch (state) {
    case ZMTP_PEER_GREETING:
        return "greeting";
    case ZMTP_PEER_HANDSHAKE:
        return "handshake";
    case ZMTP_PEER_READY:
        return "ready";
    case ZMTP_PEER_TRAFFIC:
        return "traffic";
    case ZMTP_PEER_CLOSED:
        return "closed";
    }
    return "unknown";
}

void zmtp_peer_limits_init(struct zmtp_peer_limits *limits)
{
    if (!limits) return;
    *limits = (struct zmtp_peer_limits){
        .handshake_ms = ZMTP_DEFAULT_HANDSHAKE_MS,
        .handshake_frame_max = ZMTP_DEFAULT_HANDSHAKE_FRAME_MAX,
        .message_max = ZMTP_DEFAULT_MESSAGE_MAX,
        .parts_max = ZMTP_DEFAULT_PARTS_MAX,
        .command_max = ZMTP_DEFAULT_COMMAND_MAX,
        .metadata_max = ZMTP_DEFAULT_METADATA_MAX,
        .properties_max = ZMTP_DEFAULT_PROPERTIES_MAX,
        .unknown_commands_max = ZMTP_DEFAULT_UNKNOWN_COMMANDS_MAX,
        .authorise_ms = ZMTP_DEFAULT_AUTHORISE_MS,
        .heartbeat_interval_ms = ZMTP_DEFAULT_HEARTBEAT_INTERVAL_MS,
        .heartbeat_timeout_ms = ZMTP_DEFAULT_HEARTBEAT_TIMEOUT_MS,
        .heartbeat_ttl_ms = ZMTP_DEFAULT_HEARTBEAT_TTL_MS,
    };
}

void zmtp__peer_enter(struct zmtp_peer *peer, enum zmtp_peer_state next)
{
    const bool legal = peer_moves[peer->state] >> next & 1u;
    assert(legal);
    (void)legal; // without assertions nobody asks
    peer->state = next;
}

// What is wrong; null: nothing.
static const char *peer_limits_flaw(const struct zmtp_peer_limits *limits)
{
    // The longest command of a handshake, CURVE's INITIATE, takes 257 octets and the metadata.
    if (limits->handshake_frame_max > 0 && limits->handshake_frame_max < 1024)
        return "limits.handshake_frame_max is neither 0, for no limit, nor at least 1024";
    // A PING with the longest context takes 23 octets.
    if (limits->command_max > 0 && limits->command_max < 64)
        return "limits.command_max is neither 0, for no limit, nor at least 64";
    if (limits->metadata_max > 0 && limits->metadata_max < 512)
        return "limits.metadata_max is neither 0, for no limit, nor at least 512";
    // RFC 37, Connection Heartbeating: 16 bits of tenths of a second.
    if (limits->heartbeat_ttl_ms > 6553500)
        return "limits.heartbeat_ttl_ms is above 6553500, which a PING cannot tell";
    return NULL;
}

int zmtp_peer_limits_check(const struct zmtp_peer_limits *limits, const char **why)
{
    const char *const flaw = limits ? peer_limits_flaw(limits) : "there are no limits";
    if (why && flaw) *why = flaw;
    return flaw ? ZMTP_ERR_ARGUMENT : ZMTP_OK;
}

// All that is ever known of who speaks no ZMTP.
static int peer_open_raw(struct zmtp_peer *peer)
{
    const struct zmtp_origin told = {.type = ZMTP_STREAM,
                                     .remote = zmtp__origin_told(peer->remote),
                                     .address = zmtp__origin_told(peer->address)};
    peer->origin = zmtp__origin_open(&told, NULL, peer->allocator);
    return peer->origin ? ZMTP_OK : ZMTP_ERR_MEMORY;
}

// Those versions know no mechanism (RFC 37, Backwards Interoperability), no younger type, and nothing in
// which to be told of a verdict.
static bool peer_serves_old(const struct zmtp_peer_config *config)
{
    const struct zmtp_security *const security = config->security;
    const bool clear = !security || (security->mechanism == ZMTP_NULL && !security->server);
    return config->old_versions && clear && zmtp__old_has_type(config->type);
}

int zmtp_peer_open(struct zmtp_peer **out, const struct zmtp_peer_config *config, uint64_t now_ms)
{
    if (!out || !config) return ZMTP_ERR_ARGUMENT;
    *out = NULL;
    if (!zmtp__octets_ok(config->routing_id) || !zmtp__octets_ok(config->remote) ||
        !zmtp__octets_ok(config->address))
        return ZMTP_ERR_ARGUMENT;
    if (config->routing_id.size > UINT8_MAX || config->minor > 1) return ZMTP_ERR_ARGUMENT;
    if (zmtp_metadata_check_application(config->metadata) < 0) return ZMTP_ERR_ARGUMENT;
    if ((unsigned)config->type >= ZMTP_SOCKET_TYPES) return ZMTP_ERR_ARGUMENT;
    if (config->type == ZMTP_DGRAM) return ZMTP_ERR_ARGUMENT; // it has no connections
    const bool raw = config->type == ZMTP_STREAM;
    if (raw && config->security && config->security->mechanism != ZMTP_NULL)
        return ZMTP_ERR_ARGUMENT;
    const struct zmtp_allocator *allocator = config->allocator ? config->allocator : zmtp_heap();
    struct zmtp_peer *peer = zmtp_alloc(allocator, sizeof *peer);
    if (!peer) return ZMTP_ERR_MEMORY;
    *peer = (struct zmtp_peer){.allocator = allocator,
                               .pool = config->pool,
                               .limits = config->limits,
                               .type = config->type,
                               .minor = config->minor,
                               .old_versions = peer_serves_old(config),
                               .routing_id_any = config->routing_id_any,
                               .room_min = config->room_min,
                               .raw = raw,
                               .raw_notify = config->stream_notify,
                               .state = raw ? ZMTP_PEER_READY : ZMTP_PEER_GREETING,
                               .their_type = raw ? ZMTP_STREAM : ZMTP_PAIR,
                               .remote = config->remote,
                               .address = config->address,
                               .opened_ms = now_ms};
    peer->inbox = peer->pool ? zmtp__pool_inbox(peer->pool) : &peer->own_inbox;
    peer->counters.heard_ms = now_ms;
    peer->counters.round_trip_ms = UINT32_MAX;
    const int result = raw ? peer_open_raw(peer) : zmtp__handshake_open(peer, config);
    if (result < 0) {
        zmtp_peer_close(peer);
        return result;
    }
    *out = peer;
    return ZMTP_OK;
}

void zmtp_peer_close(struct zmtp_peer *peer)
{
    if (!peer) return;
    if (peer->state != ZMTP_PEER_CLOSED) zmtp__peer_stop(peer, ZMTP_ERR_CANCELLED);
    peer->raw_begun = false; // what could not be told by now is not told
    if (peer->state != ZMTP_PEER_CLOSED) zmtp__peer_stop(peer, ZMTP_ERR_CANCELLED);
    zmtp_part_fini(&peer->reason);
    zmtp__origin_unref(peer->origin);
    zmtp__inbox_fini(&peer->own_inbox);
    zmtp__tx_drop(peer);
    zmtp_free(peer->allocator, peer, sizeof *peer);
}

void zmtp__peer_stop(struct zmtp_peer *peer, int error)
{
    assert(error < 0);
    if (peer->state == ZMTP_PEER_CLOSED) return; // the first reason is the true one
    if (!zmtp__raw_end(peer, error)) return;
    // Only a handshake's last word is worth waiting for; the other side may not read any more.
    if (peer->state == ZMTP_PEER_TRAFFIC) zmtp__tx_drop(peer);
    zmtp__peer_enter(peer, ZMTP_PEER_CLOSED);
    peer->error = error;
    zmtp__rx_release(peer);
    zmtp__handshake_close(peer);
    zmtp__sealed_close(peer);
    zmtp__window_drop(peer);
    peer->plan_first = peer->plan_control = peer->shown = 0;
    if (!peer->end) return;
    // A message of which some parts came is nobody's; one that was being sent starts anew.
    if (peer->end->out->open) zmtp__queue_undo(peer->end->out);
    zmtp_pipe_link_down(peer->end);
}

void zmtp_peer_fail(struct zmtp_peer *peer, int error)
{
    if (!peer) return;
    zmtp__tx_drop(peer); // nobody is left to hear it
    peer->plan_first = peer->plan_control = peer->shown = 0;
    if (peer->state == ZMTP_PEER_CLOSED || peer->ending) return;
    if (error >= 0) error = ZMTP_ERR_RESET; // closed must have a reason
    if (!peer->blocked || peer->state != ZMTP_PEER_TRAFFIC) {
        zmtp__handshake_suspect(peer, error);
        zmtp__peer_stop(peer, error);
        return;
    }
    // What came before is delivered first. But nothing can be sent any more, and the socket must know:
    // its user may wait for room to send before it reads.
    peer->ending = error;
    zmtp__window_drop(peer);
    zmtp_pipe_link_down(peer->end);
}

void zmtp__peer_keep_reason(struct zmtp_peer *peer, struct zmtp_bytes reason)
{
    uint8_t *room = NULL;
    zmtp_part_fini(&peer->reason);
    if (zmtp_part_reserve(&peer->reason, reason.size, &room, peer->allocator) < 0) return;
    for (size_t i = 0; i < reason.size; i++) {
        const uint8_t octet = reason.data[i];
        room[i] = octet >= 0x20 && octet < 0x7F ? octet : '?';
    }
}

void zmtp__peer_start_traffic(struct zmtp_peer *peer)
{
    if (peer->state != ZMTP_PEER_READY || !peer->end) return;
    zmtp__pipe_introduce(peer->end, peer->origin);
    peer->wish_due = peer->their_major == 1 && (peer->type == ZMTP_PUB || peer->type == ZMTP_XPUB);
    peer->busy_ms = peer->counters.heard_ms;
    zmtp__peer_enter(peer, ZMTP_PEER_TRAFFIC);
    if (peer->raw) zmtp__raw_begin(peer);
}

int zmtp_peer_attach(struct zmtp_peer *peer, struct zmtp_pipe_end *end)
{
    if (!peer) return ZMTP_ERR_ARGUMENT;
    if (!end) return ZMTP_ERR_ARGUMENT;
    if (peer->end || peer->state == ZMTP_PEER_CLOSED) return ZMTP_ERR_STATE;
    peer->end = end;
    zmtp__pipe_mark(end); // octets may have waited for it
    zmtp__peer_start_traffic(peer);
    return peer->state == ZMTP_PEER_CLOSED ? peer->error : ZMTP_OK;
}

void zmtp_peer_resume(struct zmtp_peer *peer, uint64_t now_ms)
{
    if (!peer) return;
    if (peer->state == ZMTP_PEER_CLOSED || !peer->end) return;
    if (peer->end->other->closed && peer->end->in->count == 0 && !zmtp__window_unsent(peer)) {
        // Nobody is left to read what comes, and all that was to be sent has left.
        zmtp__peer_stop(peer, ZMTP_ERR_CANCELLED);
        return;
    }
    const bool was_blocked = peer->blocked;
    zmtp__rx_run(peer, now_ms);
    if (was_blocked && !peer->blocked) zmtp__clock_heard(peer, now_ms); // we did not listen
    if (peer->ending && !peer->blocked) zmtp__peer_stop(peer, peer->ending);
}

enum zmtp_peer_state zmtp_peer_state(const struct zmtp_peer *peer)
{
    return peer ? peer->state : ZMTP_PEER_CLOSED;
}

int zmtp_peer_error(const struct zmtp_peer *peer)
{
    return peer ? peer->error : ZMTP_ERR_ARGUMENT;
}

struct zmtp_bytes zmtp_peer_reason(const struct zmtp_peer *peer)
{
    return peer ? zmtp_part_bytes(&peer->reason) : (struct zmtp_bytes){0};
}

void zmtp_peer_explain(struct zmtp_peer *peer, struct zmtp_bytes reason)
{
    if (!peer || (!reason.data && reason.size > 0)) return;
    zmtp__peer_keep_reason(peer, reason);
}

struct zmtp_peer_facts zmtp_peer_facts(const struct zmtp_peer *peer)
{
    if (!peer) return (struct zmtp_peer_facts){0};
    struct zmtp_peer_facts facts = {.major = peer->their_major,
                                    .minor = peer->their_minor,
                                    .type_known = peer->their_type_known,
                                    .type = peer->their_type,
                                    .routing_id = peer->their_routing_id,
                                    .mechanism = peer->mechanism,
                                    .public_key = peer->their_key};
    if (!peer->origin) return facts;
    facts.metadata = peer->origin->told.metadata;
    facts.user_id = peer->origin->told.user_id;
    facts.user_metadata = peer->origin->told.user_metadata;
    return facts;
}

struct zmtp_peer_counters zmtp_peer_counters(const struct zmtp_peer *peer)
{
    return peer ? peer->counters : (struct zmtp_peer_counters){0};
}
