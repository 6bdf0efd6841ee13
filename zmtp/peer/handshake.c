// A peer's handshake: the greeting, what the mechanism says and hears, the other side's metadata, and
// the question to the owner whether it may come in.
#include <assert.h>
#include <string.h>

#include "../base/writer.h"
#include "inside.h"

enum {
    // The largest metadata of ours, but for the application's: two properties with their names and sizes.
    HANDSHAKE_METADATA_MAX = 2 * (1 + 16 + 4) + 16 + 255,
    // The largest command of ours without metadata: CURVE's INITIATE, or PLAIN's HELLO.
    HANDSHAKE_SAY_MAX = ZMTP_HEADER_MAX + 257 + 255,
};

// The types that announce a routing id (RFC 37, Identity Property), with an empty one too, as every
// peer in the field does.
static bool handshake_type_has_id(enum zmtp_socket_type type)
{
    return type == ZMTP_REQ || type == ZMTP_DEALER || type == ZMTP_ROUTER;
}

static size_t handshake_add_property(uint8_t *out, size_t filled, const char *name,
                                     struct zmtp_bytes value)
{
    const struct zmtp_property property = {zmtp_bytes_text(name), value};
    const int written =
        zmtp_property_encode(&property, out + filled, HANDSHAKE_METADATA_MAX - filled);
    assert(written > 0); // the room is computed from the limits of what goes in
    return filled + (size_t)written;
}

// Writes our metadata, for which there are HANDSHAKE_METADATA_MAX octets and the application's.
static size_t handshake_metadata(const struct zmtp_peer *peer,
                                 const struct zmtp_peer_config *config, uint8_t *out)
{
    const struct zmtp_bytes type = zmtp_bytes_text(zmtp_socket_type_name(peer->type));
    size_t size = handshake_add_property(out, 0, "Socket-Type", type);
    if (handshake_type_has_id(peer->type))
        size = handshake_add_property(out, size, "Identity", config->routing_id);
    if (config->metadata.size > 0) memcpy(out + size, config->metadata.data, config->metadata.size);
    return size + config->metadata.size;
}

// What the other side may know us by; empty when our type tells none.
static struct zmtp_bytes handshake_routing_id(const struct zmtp_peer *peer)
{
    struct zmtp_bytes routing_id = {0};
    (void)zmtp_metadata_find(peer->handshake->session.ours, "Identity", &routing_id); // or empty
    return routing_id;
}

static int handshake_say_octets(struct zmtp_peer *peer, struct zmtp_bytes octets)
{
    if (octets.size == 0) return ZMTP_OK;
    uint8_t *room = zmtp__tx_room(peer, octets.size);
    if (!room) return ZMTP_ERR_MEMORY;
    memcpy(room, octets.data, octets.size);
    zmtp__tx_wrote(peer, octets.size);
    return ZMTP_OK;
}

// Says our greeting up to its octet |end|.
static int handshake_say_greeting(struct zmtp_peer *peer, size_t end)
{
    struct zmtp__peer_handshake *handshake = peer->handshake;
    const struct zmtp__mech_session *session = &handshake->session;
    const size_t begin = handshake->greeting_said;
    if (end <= begin) return ZMTP_OK;
    uint8_t octets[ZMTP_GREETING_SIZE];
    // RFC 37, Topology: as-server is zero where there are no roles, as with NULL.
    struct zmtp_greeting greeting = {.major = 3,
                                     .minor = peer->minor,
                                     .as_server =
                                         peer->mechanism != ZMTP_NULL && session->security->server};
    strcpy(greeting.mechanism, session->mech->name);
    zmtp_greeting_encode(&greeting, octets);
    if (peer->old_versions) zmtp__old_signature_encode(handshake_routing_id(peer).size, octets);
    handshake->greeting_said = (uint8_t)end;
    return handshake_say_octets(peer, zmtp_bytes_of(octets + begin, end - begin));
}

int zmtp__handshake_open(struct zmtp_peer *peer, const struct zmtp_peer_config *config)
{
    static const struct zmtp_security none = {.mechanism = ZMTP_NULL};
    const struct zmtp_security *const security = config->security ? config->security : &none;
    const size_t room = HANDSHAKE_METADATA_MAX + config->metadata.size;
    struct zmtp__peer_handshake *handshake = zmtp_alloc(peer->allocator, sizeof *handshake + room);
    if (!handshake) return ZMTP_ERR_MEMORY;
    peer->handshake = handshake;
    peer->mechanism = security->mechanism;
    *handshake = (struct zmtp__peer_handshake){.answer_ms = UINT64_MAX, .metadata_size = room};
    const size_t size = handshake_metadata(peer, config, handshake->metadata);
    const struct zmtp_bytes metadata = {handshake->metadata, size};
    const int result = zmtp__mech_init(&handshake->session, security, metadata);
    if (result < 0) return result;
    return handshake_say_greeting(peer,
                                  peer->old_versions ? ZMTP_SIGNATURE_SIZE : ZMTP_GREETING_SIZE);
}

void zmtp__handshake_close(struct zmtp_peer *peer)
{
    struct zmtp__peer_handshake *handshake = peer->handshake;
    if (!handshake) return;
    zmtp__mech_fini(&handshake->session);
    zmtp_part_fini(&handshake->their_metadata);
    zmtp_part_fini(&handshake->user_id);
    zmtp_part_fini(&handshake->user_metadata);
    if (!peer->origin) peer->their_routing_id = (struct zmtp_bytes){0}; // a view of what has gone
    zmtp_free(peer->allocator, handshake, sizeof *handshake + handshake->metadata_size);
    peer->handshake = NULL;
}

// Closes for |error|, and tells why in the words of the mechanism, if it has any.
static void handshake_fail(struct zmtp_peer *peer, int error)
{
    const struct zmtp_bytes reason = peer->handshake->session.reason;
    if (reason.size > 0) zmtp__peer_keep_reason(peer, reason);
    zmtp__peer_stop(peer, error);
}

// Says what the mechanism has to say now.
static void handshake_say(struct zmtp_peer *peer)
{
    struct zmtp__mech_session *session = &peer->handshake->session;
    const size_t size = HANDSHAKE_SAY_MAX + session->ours.size;
    uint8_t *room = zmtp__tx_room(peer, size);
    const int written = room ? session->mech->say(session, room, size) : ZMTP_ERR_MEMORY;
    if (written < 0)
        handshake_fail(peer, written);
    else
        zmtp__tx_wrote(peer, (size_t)written);
}

// Closes, after an ERROR command with a reason that the other side can log (RFC 37, Socket-Type
// Property). It is the last thing we say; to a peer that knows no commands, in silence.
static void handshake_refuse(struct zmtp_peer *peer, int error, const char *reason)
{
    if (peer->their_major >= 3 && zmtp__mech_may_refuse(&peer->handshake->session)) {
        uint8_t *room = zmtp__tx_room(peer, UINT8_MAX);
        const int written = room ? zmtp_error_encode(zmtp_bytes_text(reason), room, UINT8_MAX) : 0;
        if (written > 0) zmtp__tx_wrote(peer, (size_t)written);
    }
    zmtp__peer_stop(peer, error);
}

// Why it closes or may have, in up to four pieces.
static void handshake_note(struct zmtp_peer *peer, const char *a, const char *b, const char *c,
                           const char *d)
{
    uint8_t text[UINT8_MAX];
    struct zmtp__writer w = zmtp__writer_of(text, sizeof text);
    zmtp__write_bytes(&w, zmtp_bytes_text(a));
    zmtp__write_bytes(&w, zmtp_bytes_text(b));
    zmtp__write_bytes(&w, zmtp_bytes_text(c));
    zmtp__write_bytes(&w, zmtp_bytes_text(d));
    zmtp__peer_keep_reason(peer, zmtp_bytes_of(text, w.filled));
}

// RFC 37, Security Considerations: never a weaker mechanism than ours because they want it.
static void handshake_refuse_mechanism(struct zmtp_peer *peer, const char *theirs)
{
    handshake_note(peer, "the peer offers ", theirs, ", we require ",
                   peer->handshake->session.mech->name);
    zmtp__peer_stop(peer, ZMTP_ERR_MECHANISM);
}

static void handshake_await_verdict(struct zmtp_peer *peer, uint64_t now_ms)
{
    if (peer->limits.authorise_ms > 0)
        peer->handshake->answer_ms = now_ms + peer->limits.authorise_ms;
}

bool zmtp__handshake_will_ask(const struct zmtp_peer *peer)
{
    const struct zmtp__peer_handshake *handshake = peer->handshake;
    return handshake && peer->mechanism == ZMTP_NULL && handshake->session.security->server;
}

void zmtp__handshake_greeted(struct zmtp_peer *peer, const struct zmtp_greeting *greeting)
{
    const struct zmtp__mech_session *session = &peer->handshake->session;
    peer->their_major = greeting->major;
    // RFC 37, Version Negotiation: to a later version we speak our own.
    peer->their_minor =
        greeting->major > 3 || greeting->minor > peer->minor ? peer->minor : greeting->minor;
    if (strcmp(greeting->mechanism, session->mech->name) != 0) {
        handshake_refuse_mechanism(peer, greeting->mechanism);
        return;
    }
    // A zero says nothing: libzmq's servers send it too. A one can be believed.
    if (peer->mechanism != ZMTP_NULL && session->security->server && greeting->as_server) {
        zmtp__peer_keep_reason(peer,
                               zmtp_bytes_text("both sides are servers of this mechanism: one "
                                               "must be the client"));
        zmtp__peer_stop(peer, ZMTP_ERR_MECHANISM);
        return;
    }
    zmtp__peer_enter(peer, ZMTP_PEER_HANDSHAKE);
    handshake_say(peer);
    if (zmtp__handshake_asks(peer)) handshake_await_verdict(peer, peer->counters.heard_ms);
}

// Judges their metadata and keeps a copy. ZMTP_OK or the reason to close.
static int handshake_learn(struct zmtp_peer *peer, struct zmtp_bytes metadata)
{
    if (peer->limits.metadata_max && metadata.size > peer->limits.metadata_max)
        return ZMTP_ERR_LIMIT;
    const uint32_t properties = peer->limits.properties_max;
    int result = zmtp_metadata_check(metadata, properties ? properties : SIZE_MAX);
    if (result < 0) return result;
    struct zmtp_part *const kept = &peer->handshake->their_metadata;
    result = zmtp_part_copy(kept, metadata, peer->allocator);
    if (result < 0) return result;
    metadata = zmtp_part_bytes(kept);
    struct zmtp_bytes value;
    if (zmtp_metadata_find(metadata, "Socket-Type", &value) == ZMTP_OK) {
        if (zmtp_socket_type_parse(value, &peer->their_type) < 0) return ZMTP_ERR_SOCKET_TYPE;
        if (!zmtp_socket_types_match(peer->type, peer->their_type)) return ZMTP_ERR_SOCKET_TYPE;
        peer->their_type_known = true;
    }
    // RFC 37, Identity Property: at most 255 octets, the first not zero; of other types ignored.
    if (peer->their_type_known && !handshake_type_has_id(peer->their_type)) return ZMTP_OK;
    if (zmtp_metadata_find(metadata, "Identity", &value) == ZMTP_OK) {
        if (value.size > UINT8_MAX) return ZMTP_ERR_ROUTING_ID;
        if (value.size > 0 && value.data[0] == 0 && !peer->routing_id_any)
            return ZMTP_ERR_ROUTING_ID;
        peer->their_routing_id = value;
    }
    return ZMTP_OK;
}

static void handshake_note_types(struct zmtp_peer *peer, struct zmtp_bytes metadata)
{
    struct zmtp_bytes name = {0};
    enum zmtp_socket_type type;
    (void)zmtp_metadata_find(metadata, "Socket-Type", &name); // it was, before
    const bool known = zmtp_socket_type_parse(name, &type) == ZMTP_OK;
    handshake_note(peer, "our ", zmtp_socket_type_name(peer->type), " does not speak to its ",
                   known ? zmtp_socket_type_name(type) : "socket, of a type that nobody knows");
}

// The same, and closes if they are not to our liking.
static bool handshake_likes(struct zmtp_peer *peer, struct zmtp_bytes metadata)
{
    const int learned = handshake_learn(peer, metadata);
    if (learned == ZMTP_ERR_SOCKET_TYPE) {
        handshake_note_types(peer, metadata);
        handshake_refuse(peer, learned, "Socket types do not match");
    } else if (learned == ZMTP_ERR_ROUTING_ID) {
        handshake_note(peer, "its routing id has more than 255 octets, or begins with a zero", "",
                       "", "");
        handshake_refuse(peer, learned, "Malformed routing id");
    } else if (learned == ZMTP_ERR_METADATA) {
        handshake_note(peer, "its metadata are malformed, have a property twice, or more than ",
                       "limits.properties_max allows", "", "");
        handshake_refuse(peer, learned, "Malformed metadata");
    } else if (learned < 0) {
        if (learned == ZMTP_ERR_LIMIT)
            handshake_note(peer, "its metadata are longer than limits.metadata_max", "", "", "");
        zmtp__peer_stop(peer, learned);
    }
    return learned == ZMTP_OK;
}

// Brings together what is known of the other side.
static int handshake_found(struct zmtp_peer *peer)
{
    struct zmtp__peer_handshake *const handshake = peer->handshake;
    const bool has_key = peer->mechanism == ZMTP_CURVE;
    const struct zmtp_bytes key = {peer->their_key.octets, has_key ? ZMTP_KEY_SIZE : 0};
    const struct zmtp_origin told = {
        .type_known = peer->their_type_known,
        .type = peer->their_type,
        .mechanism = peer->mechanism,
        .routing_id = zmtp__origin_told(peer->their_routing_id),
        .public_key = zmtp__origin_told(key),
        .user_id = zmtp__origin_told(zmtp_part_bytes(&handshake->user_id)),
        .user_metadata = zmtp_part_bytes(&handshake->user_metadata),
        .metadata = zmtp_part_bytes(&handshake->their_metadata),
        .remote = zmtp__origin_told(peer->remote),
        .address = zmtp__origin_told(peer->address),
    };
    peer->origin = zmtp__origin_open(&told, &handshake->their_metadata, peer->allocator);
    if (!peer->origin) return ZMTP_ERR_MEMORY;
    peer->their_routing_id = peer->origin->told.routing_id;
    return ZMTP_OK;
}

// What is known of the other side is kept, the keys of the traffic too, and the handshake goes.
static void handshake_finish(struct zmtp_peer *peer)
{
    const struct zmtp__mech_session *session = &peer->handshake->session;
    if (peer->mechanism == ZMTP_CURVE)
        peer->their_key = session->security->server ? session->credentials.public_key
                                                    : session->security->server_key;
    int result = handshake_found(peer);
    if (result == ZMTP_OK && session->mech->seal) result = zmtp__sealed_open(peer, session);
    if (result < 0) {
        zmtp__peer_stop(peer, result);
        return;
    }
    zmtp__handshake_close(peer);
    zmtp__peer_enter(peer, ZMTP_PEER_READY);
    zmtp__peer_start_traffic(peer);
}

// The rest of our greeting to a peer of 1.0 or 2.0, which may say no more before it has that.
static int handshake_say_old(struct zmtp_peer *peer, uint8_t major)
{
    if (peer->their_major > 0) return ZMTP_OK; // it is said
    peer->their_major = major;
    const struct zmtp_bytes routing_id = handshake_routing_id(peer);
    uint8_t rest[ZMTP__GREETING2_REST];
    int result = ZMTP_OK;
    if (major == 2) {
        zmtp__greeting2_encode(peer->type, (uint8_t)routing_id.size, rest);
        result = handshake_say_greeting(peer, ZMTP_SIGNATURE_SIZE + 1);
        if (result == ZMTP_OK)
            result = handshake_say_octets(peer, zmtp_bytes_of(rest, sizeof rest));
    }
    return result < 0 ? result : handshake_say_octets(peer, routing_id);
}

void zmtp__handshake_detect(struct zmtp_peer *peer, struct zmtp_bytes in)
{
    int result = ZMTP_OK;
    if (!peer->old_versions) return;
    switch (zmtp__version_detect(in)) {
    case ZMTP__VERSION_UNKNOWN:
        break;
    case ZMTP__VERSION_SIGNED:
        result = handshake_say_greeting(peer, ZMTP_SIGNATURE_SIZE + 1);
        break;
    case ZMTP__VERSION_1_0:
        result = handshake_say_old(peer, 1);
        break;
    case ZMTP__VERSION_2_0:
        result = handshake_say_old(peer, 2);
        break;
    case ZMTP__VERSION_OTHER:
        result = handshake_say_greeting(peer, ZMTP_GREETING_SIZE);
        break;
    }
    if (result < 0) zmtp__peer_stop(peer, result);
}

// What the greeting tells is judged as if it were metadata.
void zmtp__handshake_old(struct zmtp_peer *peer, const struct zmtp__old_greeting *greeting)
{
    uint8_t theirs[HANDSHAKE_METADATA_MAX];
    size_t size = 0;
    if (greeting->type_known) {
        const struct zmtp_bytes type = zmtp_bytes_text(zmtp_socket_type_name(greeting->type));
        size = handshake_add_property(theirs, size, "Socket-Type", type);
    }
    size = handshake_add_property(theirs, size, "Identity", greeting->identity);
    zmtp__peer_enter(peer, ZMTP_PEER_HANDSHAKE);
    if (handshake_likes(peer, zmtp_bytes_of(theirs, size))) handshake_finish(peer);
}

static void handshake_go_on(struct zmtp_peer *peer)
{
    handshake_say(peer);
    if (peer->state == ZMTP_PEER_CLOSED) return;
    const struct zmtp__mech_session *session = &peer->handshake->session;
    if (session->mech->done(session)) handshake_finish(peer);
}

void zmtp__handshake_command(struct zmtp_peer *peer, uint8_t *body, size_t size, uint64_t now_ms)
{
    struct zmtp__peer_handshake *handshake = peer->handshake;
    struct zmtp__mech_session *session = &handshake->session;
    const int result = session->mech->hear(session, body, size, now_ms);
    if (result < 0) {
        handshake_fail(peer, result);
        return;
    }
    if (session->heard && !handshake->learned) {
        handshake->learned = true;
        if (!handshake_likes(peer, session->theirs)) return;
    }
    if (session->asking)
        handshake_await_verdict(peer, now_ms);
    else
        handshake_go_on(peer);
}

bool zmtp__handshake_asks(const struct zmtp_peer *peer)
{
    return peer->handshake && peer->handshake->session.asking;
}

uint64_t zmtp__handshake_deadline(const struct zmtp_peer *peer)
{
    const struct zmtp__peer_handshake *handshake = peer->handshake;
    if (!handshake) return UINT64_MAX;
    const uint64_t memory_ms = handshake->session.deadline_ms;
    return handshake->answer_ms < memory_ms ? handshake->answer_ms : memory_ms;
}

// Who hangs up amid the greeting although it speaks ZMTP has seen ours, and most likely our mechanism.
static void handshake_suspect_mechanism(struct zmtp_peer *peer)
{
    handshake_note(peer, "the peer hung up at our greeting, which offers ",
                   peer->handshake->session.mech->name,
                   ": most likely it requires another mechanism", "");
}

void zmtp__handshake_suspect(struct zmtp_peer *peer, int error)
{
    if (error != ZMTP_ERR_EOF && error != ZMTP_ERR_RESET) return;
    if (!peer->handshake) return;
    const char *const suspicion = peer->handshake->session.suspicion;
    if (peer->state == ZMTP_PEER_GREETING && peer->counters.bytes_in >= ZMTP_SIGNATURE_SIZE)
        handshake_suspect_mechanism(peer);
    else if (peer->state == ZMTP_PEER_HANDSHAKE && suspicion)
        zmtp__peer_keep_reason(peer, zmtp_bytes_text(suspicion));
}

int zmtp_peer_credentials(const struct zmtp_peer *peer, struct zmtp_credentials *out)
{
    if (!peer || !out) return ZMTP_ERR_ARGUMENT;
    if (!zmtp__handshake_asks(peer)) return ZMTP_ERR_STATE;
    *out = peer->handshake->session.credentials;
    return ZMTP_OK;
}

static void handshake_deny(struct zmtp_peer *peer, enum zmtp_verdict verdict)
{
    static const struct {
        enum zmtp_verdict verdict;
        const char *code, *reason;
    } denials[] = {
        {ZMTP_VERDICT_LATER, NULL, "denied by authoriser: 300"},
        {ZMTP_VERDICT_DENY, "400", "denied by authoriser: 400"},
        {ZMTP_VERDICT_BROKEN, "500", "denied by authoriser: 500"},
    };
    for (size_t i = 0; i < sizeof denials / sizeof denials[0]; i++) {
        if (denials[i].verdict != verdict) continue;
        zmtp__peer_keep_reason(peer, zmtp_bytes_text(denials[i].reason));
        if (denials[i].code)
            handshake_refuse(peer, ZMTP_ERR_DENIED, denials[i].code);
        else
            zmtp__peer_stop(peer, ZMTP_ERR_DENIED);
        return;
    }
}

int zmtp_peer_authorise(struct zmtp_peer *peer, enum zmtp_verdict verdict,
                        struct zmtp_bytes user_id, struct zmtp_bytes metadata)
{
    if (!peer) return ZMTP_ERR_ARGUMENT;
    if ((!user_id.data && user_id.size > 0) || (!metadata.data && metadata.size > 0))
        return ZMTP_ERR_ARGUMENT;
    if (!zmtp__handshake_asks(peer)) return ZMTP_ERR_STATE;
    switch (verdict) {
    case ZMTP_VERDICT_LATER:
    case ZMTP_VERDICT_DENY:
    case ZMTP_VERDICT_BROKEN:
        handshake_deny(peer, verdict);
        return ZMTP_OK;
    case ZMTP_VERDICT_ALLOW:
        break;
    default: // of a caller's integer
        return ZMTP_ERR_ARGUMENT;
    }
    if (user_id.size > UINT8_MAX || metadata.size > ZMTP_USER_METADATA_MAX)
        return ZMTP_ERR_ARGUMENT;
    struct zmtp__peer_handshake *const handshake = peer->handshake;
    int result = zmtp_part_copy(&handshake->user_id, user_id, peer->allocator);
    if (result == ZMTP_OK)
        result = zmtp_part_copy(&handshake->user_metadata, metadata, peer->allocator);
    if (result < 0) {
        zmtp__peer_stop(peer, result);
        return result;
    }
    zmtp__mech_allow(&handshake->session);
    handshake->answer_ms = UINT64_MAX;
    handshake_go_on(peer);
    return ZMTP_OK;
}

// What it was that did not come.
static void handshake_note_silence(struct zmtp_peer *peer)
{
    const char *const mechanism = peer->handshake->session.mech->name;
    if (peer->state == ZMTP_PEER_HANDSHAKE)
        handshake_note(peer, "the peer did not go on with the handshake of ", mechanism, "", "");
    else if (peer->counters.bytes_in == 0)
        handshake_note(peer, "the peer has said nothing: it may be busy, or wait for us to speak ",
                       "another protocol than ZMTP", "", "");
    else
        handshake_note(peer, "the peer's greeting did not come to its end", "", "", "");
}

void zmtp__handshake_expire(struct zmtp_peer *peer, uint64_t now_ms)
{
    if (zmtp__handshake_asks(peer) && now_ms >= peer->handshake->answer_ms) {
        handshake_deny(peer, ZMTP_VERDICT_LATER);
        zmtp__peer_keep_reason(peer, zmtp_bytes_text("the authoriser did not answer in time"));
        return;
    }
    if (peer->handshake) handshake_note_silence(peer);
    zmtp__peer_stop(peer, ZMTP_ERR_HANDSHAKE_TIMEOUT);
}
