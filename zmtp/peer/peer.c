#include "../peer.h"

#include <assert.h>
#include <string.h>

#include "inside.h"

// The largest metadata of ours: two properties with their names and sizes.
enum { PEER_METADATA_MAX = 2 * (1 + 16 + 4) + 16 + 255 };

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
    *limits = (struct zmtp_peer_limits){
        .handshake_ms = ZMTP_DEFAULT_HANDSHAKE_MS,
        .handshake_frame_max = ZMTP_DEFAULT_HANDSHAKE_FRAME_MAX,
        .message_max = ZMTP_DEFAULT_MESSAGE_MAX,
        .parts_max = ZMTP_DEFAULT_PARTS_MAX,
        .command_max = ZMTP_DEFAULT_COMMAND_MAX,
        .metadata_max = ZMTP_DEFAULT_METADATA_MAX,
        .properties_max = ZMTP_DEFAULT_PROPERTIES_MAX,
        .unknown_commands_max = ZMTP_DEFAULT_UNKNOWN_COMMANDS_MAX,
        .heartbeat_interval_ms = ZMTP_DEFAULT_HEARTBEAT_INTERVAL_MS,
        .heartbeat_timeout_ms = ZMTP_DEFAULT_HEARTBEAT_TIMEOUT_MS,
        .heartbeat_ttl_ms = ZMTP_DEFAULT_HEARTBEAT_TTL_MS,
    };
}

void zmtp__peer_enter(struct zmtp_peer *peer, enum zmtp_peer_state next)
{
    assert(peer_moves[peer->state] >> next & 1u);
    peer->state = next;
}

// The types that announce a routing id (RFC 37, Identity Property), with an empty one too, as every
// peer in the field does.
static bool peer_type_has_id(enum zmtp_socket_type type)
{
    return type == ZMTP_REQ || type == ZMTP_DEALER || type == ZMTP_ROUTER;
}

static size_t peer_add_property(uint8_t *out, size_t filled, size_t size, const char *name,
                                struct zmtp_bytes value)
{
    const struct zmtp_property property = {zmtp_bytes_text(name), value};
    const int written = zmtp_property_encode(&property, out + filled, size - filled);
    assert(written > 0); // the room is computed from the limits of what goes in
    return filled + (size_t)written;
}

static int peer_open_handshake(struct zmtp_peer *peer, struct zmtp_bytes routing_id)
{
    struct zmtp__peer_handshake *handshake =
        zmtp_alloc(peer->allocator, sizeof *handshake + PEER_METADATA_MAX);
    if (!handshake) return ZMTP_ERR_MEMORY;
    size_t size = peer_add_property(handshake->metadata, 0, PEER_METADATA_MAX, "Socket-Type",
                                    zmtp_bytes_text(zmtp_socket_type_name(peer->type)));
    if (peer_type_has_id(peer->type))
        size =
            peer_add_property(handshake->metadata, size, PEER_METADATA_MAX, "Identity", routing_id);
    handshake->metadata_size = size;
    handshake->session =
        (struct zmtp__mech_session){.mech = &zmtp__mech_null, .ours = {handshake->metadata, size}};
    peer->handshake = handshake;
    return ZMTP_OK;
}

static void peer_close_handshake(struct zmtp_peer *peer)
{
    zmtp_free(peer->allocator, peer->handshake, sizeof *peer->handshake + PEER_METADATA_MAX);
    peer->handshake = NULL;
}

static int peer_say_greeting(struct zmtp_peer *peer)
{
    uint8_t *room = zmtp__tx_room(peer, ZMTP_GREETING_SIZE);
    if (!room) return ZMTP_ERR_MEMORY;
    // RFC 37, NULL Mechanism: as-server is zero.
    struct zmtp_greeting greeting = {.major = 3, .minor = peer->minor, .as_server = false};
    strcpy(greeting.mechanism, peer->handshake->session.mech->name);
    zmtp_greeting_encode(&greeting, room);
    zmtp__tx_wrote(peer, ZMTP_GREETING_SIZE);
    return ZMTP_OK;
}

int zmtp_peer_open(struct zmtp_peer **out, const struct zmtp_peer_config *config, uint64_t now_ms)
{
    if (!out || !config) return ZMTP_ERR_ARGUMENT;
    *out = NULL;
    if (config->routing_id.size > UINT8_MAX || config->minor > 1) return ZMTP_ERR_ARGUMENT;
    if ((unsigned)config->type >= ZMTP_SOCKET_TYPES) return ZMTP_ERR_ARGUMENT;
    const struct zmtp_allocator *allocator = config->allocator ? config->allocator : zmtp_heap();
    struct zmtp_peer *peer = zmtp_alloc(allocator, sizeof *peer);
    if (!peer) return ZMTP_ERR_MEMORY;
    *peer = (struct zmtp_peer){.allocator = allocator,
                               .pool = config->pool,
                               .limits = config->limits,
                               .type = config->type,
                               .minor = config->minor,
                               .opened_ms = now_ms};
    peer->inbox = peer->pool ? zmtp__pool_inbox(peer->pool) : &peer->own_inbox;
    peer->counters.heard_ms = now_ms;
    peer->counters.round_trip_ms = UINT32_MAX;
    int result = peer_open_handshake(peer, config->routing_id);
    if (result == ZMTP_OK) result = peer_say_greeting(peer);
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
    zmtp_part_fini(&peer->their_metadata);
    zmtp_part_fini(&peer->reason);
    zmtp__inbox_fini(&peer->own_inbox);
    zmtp__tx_drop(peer);
    zmtp_free(peer->allocator, peer, sizeof *peer);
}

void zmtp__peer_stop(struct zmtp_peer *peer, int error)
{
    assert(error < 0);
    if (peer->state == ZMTP_PEER_CLOSED) return; // the first reason is the true one
    // Only a handshake's last word is worth waiting for; the other side may not read any more.
    if (peer->state == ZMTP_PEER_TRAFFIC) zmtp__tx_drop(peer);
    zmtp__peer_enter(peer, ZMTP_PEER_CLOSED);
    peer->error = error;
    zmtp__rx_release(peer);
    if (peer->handshake) peer_close_handshake(peer);
    peer->plan_first = peer->plan_control = peer->shown = 0;
    if (!peer->end) return;
    // A message of which some parts came is nobody's; one that was being sent starts anew.
    if (peer->end->out->open) zmtp__queue_undo(peer->end->out);
    zmtp_pipe_link_down(peer->end);
}

void zmtp_peer_fail(struct zmtp_peer *peer, int error)
{
    zmtp__tx_drop(peer); // nobody is left to hear it
    peer->plan_first = peer->plan_control = peer->shown = 0;
    if (peer->state == ZMTP_PEER_CLOSED || peer->ending) return;
    if (error >= 0) error = ZMTP_ERR_RESET; // closed must have a reason
    if (!peer->blocked || peer->state != ZMTP_PEER_TRAFFIC) {
        zmtp__peer_stop(peer, error);
        return;
    }
    // What came before is delivered first. But nothing can be sent any more, and the socket must know:
    // its user may wait for room to send before it reads.
    peer->ending = error;
    zmtp_pipe_link_down(peer->end);
}

// Says what the mechanism has to say now.
static void peer_say(struct zmtp_peer *peer)
{
    struct zmtp__mech_session *session = &peer->handshake->session;
    const size_t size = PEER_METADATA_MAX + 16; // READY's name and the frame header besides
    uint8_t *room = zmtp__tx_room(peer, size);
    const int written = room ? session->mech->say(session, room, size) : ZMTP_ERR_MEMORY;
    if (written < 0)
        zmtp__peer_stop(peer, written);
    else
        zmtp__tx_wrote(peer, (size_t)written);
}

// Closes, after an ERROR command with a reason that the other side can log (RFC 37, Socket-Type
// Property). It is the last thing we say.
static void peer_refuse(struct zmtp_peer *peer, int error, const char *reason)
{
    uint8_t *room = zmtp__tx_room(peer, UINT8_MAX);
    const int written = room ? zmtp_error_encode(zmtp_bytes_text(reason), room, UINT8_MAX) : 0;
    if (written > 0) zmtp__tx_wrote(peer, (size_t)written);
    zmtp__peer_stop(peer, error);
}

void zmtp__peer_greeted(struct zmtp_peer *peer, const struct zmtp_greeting *greeting)
{
    peer->their_major = greeting->major;
    // RFC 37, Version Negotiation: to a later version we speak our own.
    peer->their_minor =
        greeting->major > 3 || greeting->minor > peer->minor ? peer->minor : greeting->minor;
    if (strcmp(greeting->mechanism, peer->handshake->session.mech->name) != 0) {
        zmtp__peer_keep_reason(peer, zmtp_bytes_text(greeting->mechanism));
        zmtp__peer_stop(peer, ZMTP_ERR_MECHANISM);
        return;
    }
    zmtp__peer_enter(peer, ZMTP_PEER_HANDSHAKE);
    peer_say(peer);
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

// Judges their metadata and keeps a copy. ZMTP_OK or the reason to close.
static int peer_learn(struct zmtp_peer *peer, struct zmtp_bytes metadata)
{
    if (peer->limits.metadata_max && metadata.size > peer->limits.metadata_max)
        return ZMTP_ERR_LIMIT;
    const uint32_t properties = peer->limits.properties_max;
    int result = zmtp_metadata_check(metadata, properties ? properties : SIZE_MAX);
    if (result < 0) return result;
    result = zmtp_part_copy(&peer->their_metadata, metadata, peer->allocator);
    if (result < 0) return result;
    metadata = zmtp_part_bytes(&peer->their_metadata);
    struct zmtp_bytes value;
    if (zmtp_metadata_find(metadata, "Socket-Type", &value) == ZMTP_OK) {
        if (zmtp_socket_type_parse(value, &peer->their_type) < 0) return ZMTP_ERR_SOCKET_TYPE;
        if (!zmtp_socket_types_match(peer->type, peer->their_type)) return ZMTP_ERR_SOCKET_TYPE;
        peer->their_type_known = true;
    }
    // RFC 37, Identity Property: at most 255 octets, the first not zero; of other types ignored.
    if (peer->their_type_known && !peer_type_has_id(peer->their_type)) return ZMTP_OK;
    if (zmtp_metadata_find(metadata, "Identity", &value) == ZMTP_OK) {
        if (value.size > UINT8_MAX) return ZMTP_ERR_ROUTING_ID;
        if (value.size > 0 && value.data[0] == 0) return ZMTP_ERR_ROUTING_ID;
        peer->their_routing_id = value;
    }
    return ZMTP_OK;
}

void zmtp__peer_handshake_command(struct zmtp_peer *peer, const struct zmtp_command *command)
{
    struct zmtp__mech_session *session = &peer->handshake->session;
    const int result = session->mech->hear(session, command);
    if (result < 0) {
        if (result == ZMTP_ERR_PEER) zmtp__peer_keep_reason(peer, session->reason);
        zmtp__peer_stop(peer, result);
        return;
    }
    peer_say(peer);
    if (peer->state == ZMTP_PEER_CLOSED || !session->mech->done(session)) return;
    const int learned = peer_learn(peer, session->theirs);
    if (learned == ZMTP_ERR_SOCKET_TYPE) {
        peer_refuse(peer, learned, "Socket types do not match");
    } else if (learned == ZMTP_ERR_ROUTING_ID) {
        peer_refuse(peer, learned, "Malformed routing id");
    } else if (learned < 0) {
        zmtp__peer_stop(peer, learned);
    } else {
        peer_close_handshake(peer);
        zmtp__peer_enter(peer, ZMTP_PEER_READY);
        zmtp__peer_start_traffic(peer);
    }
}

void zmtp__peer_start_traffic(struct zmtp_peer *peer)
{
    if (peer->state != ZMTP_PEER_READY || !peer->end) return;
    const int result = zmtp_pipe_link_up(peer->end, peer->their_type, peer->their_routing_id);
    if (result < 0)
        zmtp__peer_stop(peer, result);
    else
        zmtp__peer_enter(peer, ZMTP_PEER_TRAFFIC);
}

int zmtp_peer_attach(struct zmtp_peer *peer, struct zmtp_pipe_end *end)
{
    if (!end) return ZMTP_ERR_ARGUMENT;
    if (peer->end || peer->state == ZMTP_PEER_CLOSED) return ZMTP_ERR_STATE;
    peer->end = end;
    zmtp__pipe_mark(end); // octets may have waited for it
    zmtp__peer_start_traffic(peer);
    return peer->state == ZMTP_PEER_CLOSED ? peer->error : ZMTP_OK;
}

void zmtp_peer_resume(struct zmtp_peer *peer, uint64_t now_ms)
{
    if (peer->state == ZMTP_PEER_CLOSED || !peer->end) return;
    if (peer->end->other->closed && peer->end->in->count == 0) {
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
    return peer->state;
}

int zmtp_peer_error(const struct zmtp_peer *peer)
{
    return peer->error;
}

struct zmtp_bytes zmtp_peer_reason(const struct zmtp_peer *peer)
{
    return zmtp_part_bytes(&peer->reason);
}

struct zmtp_peer_facts zmtp_peer_facts(const struct zmtp_peer *peer)
{
    return (struct zmtp_peer_facts){.major = peer->their_major,
                                    .minor = peer->their_minor,
                                    .type_known = peer->their_type_known,
                                    .type = peer->their_type,
                                    .routing_id = peer->their_routing_id,
                                    .metadata = zmtp_part_bytes(&peer->their_metadata)};
}

struct zmtp_peer_counters zmtp_peer_counters(const struct zmtp_peer *peer)
{
    return peer->counters;
}
