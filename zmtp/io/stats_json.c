// A socket's counters and peers as JSON.
#include "text.h"
#include "uv_socket.h"

struct json_peers {
    struct zmtp__text *text;
    bool more; // not the first
    uint64_t now_ms;
};

static void json_name(struct zmtp__text *text, const char *name)
{
    zmtp__text_add(text, ",\"");
    zmtp__text_add(text, name);
    zmtp__text_add(text, "\":");
}

static void json_number(struct zmtp__text *text, const char *name, uint64_t number)
{
    json_name(text, name);
    zmtp__text_number(text, number);
}

static void json_bool(struct zmtp__text *text, const char *name, bool value)
{
    json_name(text, name);
    zmtp__text_add(text, value ? "true" : "false");
}

static void json_octets(struct zmtp__text *text, const char *name, struct zmtp_bytes octets)
{
    json_name(text, name);
    zmtp__text_json(text, octets);
}

static void json_text(struct zmtp__text *text, const char *name, const char *value)
{
    json_octets(text, name, zmtp_bytes_text(value));
}

// The properties that the other side announced; the peer has checked that no name comes twice.
static void json_metadata(struct zmtp__text *text, struct zmtp_bytes metadata)
{
    struct zmtp_property property;
    bool more = false;
    json_name(text, "metadata");
    zmtp__text_add(text, "{");
    while (zmtp_property_next(&metadata, &property) > 0) {
        if (more) zmtp__text_add(text, ",");
        more = true;
        zmtp__text_json(text, property.name);
        zmtp__text_add(text, ":");
        zmtp__text_json(text, property.value);
    }
    zmtp__text_add(text, "}");
}

static void json_facts(struct zmtp__text *text, const struct zmtp_peer_facts *facts)
{
    if (facts->type_known) json_text(text, "type", zmtp_socket_type_name(facts->type));
    if (facts->type_known || facts->routing_id.size > 0)
        json_octets(text, "routing_id", facts->routing_id);
    if (!facts->type_known) return;
    json_text(text, "mechanism", zmtp_mechanism_name(facts->mechanism));
    json_octets(text, "user_id", facts->user_id);
    if (facts->mechanism == ZMTP_CURVE) {
        char key[ZMTP_KEY_TEXT_SIZE];
        zmtp_key_encode(&facts->public_key, key);
        json_text(text, "public_key", key);
    }
    json_metadata(text, facts->metadata);
}

static void json_peer(void *context, const struct zmtp_uv_peer *peer)
{
    struct json_peers *peers = context;
    struct zmtp__text *text = peers->text;
    const struct zmtp_peer_counters *counters = &peer->counters;
    zmtp__text_add(text, peers->more ? ",{\"number\":" : "{\"number\":");
    peers->more = true;
    zmtp__text_number(text, peer->number);
    json_text(text, "endpoint", peer->endpoint);
    json_text(text, "remote", peer->remote);
    json_bool(text, "dialled", peer->dialled);
    json_bool(text, "connected", peer->connected);
    if (peer->connected) json_text(text, "state", zmtp_peer_state_name(peer->state));
    if (peer->process.known) {
        json_number(text, "pid", (uint64_t)peer->process.pid);
        json_number(text, "uid", peer->process.uid);
        json_number(text, "gid", peer->process.gid);
    }
    json_facts(text, &peer->facts);
    json_number(text, "bytes_in", counters->bytes_in);
    json_number(text, "bytes_out", counters->bytes_out);
    json_number(text, "messages_in", counters->messages_in);
    json_number(text, "messages_out", counters->messages_out);
    if (counters->round_trip_ms != UINT32_MAX)
        json_number(text, "round_trip_ms", counters->round_trip_ms);
    if (counters->heard_ms > 0 && counters->heard_ms <= peers->now_ms)
        json_number(text, "silent_ms", peers->now_ms - counters->heard_ms);
    // From the connection's side: what came in from the network leaves through its end of the pipe.
    json_number(text, "queued_in", peer->depth.out_count);
    json_number(text, "queued_out", peer->depth.in_count);
    json_number(text, "lost", peer->flow.lost);
    json_number(text, "discarded", peer->flow.discarded);
    zmtp__text_add(text, "}");
}

static void json_dropped(struct zmtp__text *text, const struct zmtp_socket_counters *counters)
{
    json_name(text, "dropped");
    for (enum zmtp_drop drop = 0; drop < ZMTP_DROPS; drop++) {
        zmtp__text_add(text, drop > 0 ? "," : "{");
        zmtp__text_json(text, zmtp_bytes_text(zmtp_drop_name(drop)));
        zmtp__text_add(text, ":");
        zmtp__text_number(text, counters->dropped[drop]);
    }
    zmtp__text_add(text, "}");
}

int64_t zmtp_uv_stats_json(struct zmtp_uv_socket *socket, char *out, size_t size)
{
    const int error = zmtp__uv_socket_check(socket);
    if (error < 0) return error;
    if (!out && size > 0) return ZMTP_ERR_ARGUMENT;
    struct zmtp__text text = {.out = out, .size = size};
    const struct zmtp_socket_counters counters = zmtp_uv_counters(socket);
    zmtp__text_add(&text, "{\"number\":");
    zmtp__text_number(&text, socket->number);
    json_text(&text, "type", zmtp_socket_type_name(socket->config.socket.type));
    json_octets(&text, "routing_id", socket->config.socket.routing_id);
    json_number(&text, "sent", counters.sent);
    json_number(&text, "copies", counters.copies);
    json_number(&text, "left", counters.left);
    json_number(&text, "queued", counters.queued);
    json_number(&text, "lost", counters.lost);
    json_number(&text, "arrived", counters.arrived);
    json_number(&text, "received", counters.received);
    json_number(&text, "waiting", counters.waiting);
    json_number(&text, "heeded", counters.heeded);
    json_number(&text, "discarded", counters.discarded);
    json_number(&text, "refused", socket->turned_away);
    json_number(&text, "subscribers", zmtp_uv_subscribers(socket));
    json_dropped(&text, &counters);
    json_name(&text, "peers");
    zmtp__text_add(&text, "[");
    struct json_peers peers = {.text = &text, .now_ms = uv_now(socket->uv->loop)};
    zmtp_uv_each_peer(socket, json_peer, &peers);
    zmtp__text_add(&text, "]}");
    return zmtp__text_end(&text);
}
