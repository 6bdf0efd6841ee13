// An engine's counters as Prometheus reads them: each metric once, with a sample of every socket or
// peer. What tells samples apart are numbers of ours; whatever strangers called themselves stands beside
// them.
#include "text.h"
#include "uv_socket.h"

#include <stddef.h>
#include <string.h>

struct prometheus_socket_metric {
    const char *name, *kind, *help;
    size_t offset; // of a uint64_t in struct zmtp_socket_counters
};

struct prometheus_peer_metric {
    const char *name, *kind, *help;
    uint64_t (*value)(const struct zmtp_uv_peer *peer); // UINT64_MAX: not known
};

#define PROMETHEUS_AT(counter) offsetof(struct zmtp_socket_counters, counter)
static const struct prometheus_socket_metric prometheus_sockets[] = {
    {"zmtp_messages_sent_total", "counter", "Messages accepted by send.", PROMETHEUS_AT(sent)},
    {"zmtp_messages_queued_total", "counter", "Copies of messages put into pipes.",
     PROMETHEUS_AT(copies)},
    {"zmtp_messages_left_total", "counter", "Copies that were given away whole.",
     PROMETHEUS_AT(left)},
    {"zmtp_messages_lost_total", "counter", "Copies that were dropped from pipes.",
     PROMETHEUS_AT(lost)},
    {"zmtp_messages_queued", "gauge", "Copies that wait to leave.", PROMETHEUS_AT(queued)},
    {"zmtp_messages_arrived_total", "counter", "Messages that came in.", PROMETHEUS_AT(arrived)},
    {"zmtp_messages_received_total", "counter", "Messages given to the program.",
     PROMETHEUS_AT(received)},
    {"zmtp_messages_discarded_total", "counter", "Messages that came in and were dropped.",
     PROMETHEUS_AT(discarded)},
    {"zmtp_messages_waiting", "gauge", "Messages that wait to be received.",
     PROMETHEUS_AT(waiting)},
};

static uint64_t prometheus_up(const struct zmtp_uv_peer *peer)
{
    return peer->connected && peer->state == ZMTP_PEER_TRAFFIC;
}

static uint64_t prometheus_bytes_in(const struct zmtp_uv_peer *peer)
{
    return peer->counters.bytes_in;
}

static uint64_t prometheus_bytes_out(const struct zmtp_uv_peer *peer)
{
    return peer->counters.bytes_out;
}

static uint64_t prometheus_messages_in(const struct zmtp_uv_peer *peer)
{
    return peer->counters.messages_in;
}

static uint64_t prometheus_messages_out(const struct zmtp_uv_peer *peer)
{
    return peer->counters.messages_out;
}

static uint64_t prometheus_lost(const struct zmtp_uv_peer *peer)
{
    return peer->flow.lost;
}

static uint64_t prometheus_discarded(const struct zmtp_uv_peer *peer)
{
    return peer->flow.discarded;
}

static uint64_t prometheus_queued_out(const struct zmtp_uv_peer *peer)
{
    return peer->depth.in_count;
}

static uint64_t prometheus_round_trip(const struct zmtp_uv_peer *peer)
{
    const uint32_t round_trip_ms = peer->counters.round_trip_ms;
    return round_trip_ms == UINT32_MAX ? UINT64_MAX : round_trip_ms;
}

static const struct prometheus_peer_metric prometheus_peers[] = {
    {"zmtp_peer_up", "gauge", "Whether messages can flow.", prometheus_up},
    {"zmtp_peer_received_bytes_total", "counter", "Octets that came in.", prometheus_bytes_in},
    {"zmtp_peer_sent_bytes_total", "counter", "Octets that went out.", prometheus_bytes_out},
    {"zmtp_peer_received_messages_total", "counter", "Messages that came in.",
     prometheus_messages_in},
    {"zmtp_peer_sent_messages_total", "counter", "Messages that went out.",
     prometheus_messages_out},
    {"zmtp_peer_lost_messages_total", "counter", "Messages for it that were dropped.",
     prometheus_lost},
    {"zmtp_peer_discarded_messages_total", "counter", "Messages of it that were dropped.",
     prometheus_discarded},
    {"zmtp_peer_queued_messages", "gauge", "Messages that wait to go out.", prometheus_queued_out},
    {"zmtp_peer_round_trip_milliseconds", "gauge", "Of the last PING.", prometheus_round_trip},
};

static void prometheus_head(struct zmtp__text *text, const char *name, const char *kind,
                            const char *help)
{
    zmtp__text_add(text, "# HELP ");
    zmtp__text_add(text, name);
    zmtp__text_add(text, " ");
    zmtp__text_add(text, help);
    zmtp__text_add(text, "\n# TYPE ");
    zmtp__text_add(text, name);
    zmtp__text_add(text, " ");
    zmtp__text_add(text, kind);
    zmtp__text_add(text, "\n");
}

static void prometheus_label(struct zmtp__text *text, const char *name, struct zmtp_bytes value)
{
    zmtp__text_add(text, ",");
    zmtp__text_add(text, name);
    zmtp__text_add(text, "=");
    zmtp__text_label(text, value);
}

// A sample up to its last label.
static void prometheus_open(struct zmtp__text *text, const char *name,
                            const struct zmtp_uv_socket *socket)
{
    zmtp__text_add(text, name);
    zmtp__text_add(text, "{socket=\"");
    zmtp__text_number(text, socket->number);
    zmtp__text_add(text, "\"");
    prometheus_label(text, "type",
                     zmtp_bytes_text(zmtp_socket_type_name(socket->config.socket.type)));
}

static void prometheus_close(struct zmtp__text *text, uint64_t value)
{
    zmtp__text_add(text, "} ");
    zmtp__text_number(text, value);
    zmtp__text_add(text, "\n");
}

struct prometheus_row {
    struct zmtp__text *text;
    const struct prometheus_peer_metric *metric;
    const struct zmtp_uv_socket *socket;
};

static void prometheus_peer(void *context, const struct zmtp_uv_peer *peer)
{
    const struct prometheus_row *row = context;
    const uint64_t value = row->metric->value(peer);
    if (value == UINT64_MAX) return;
    prometheus_open(row->text, row->metric->name, row->socket);
    zmtp__text_add(row->text, ",peer=\"");
    zmtp__text_number(row->text, peer->number);
    zmtp__text_add(row->text, "\"");
    prometheus_label(row->text, "endpoint", zmtp_bytes_text(peer->endpoint));
    prometheus_label(row->text, "remote", zmtp_bytes_text(peer->remote));
    prometheus_label(row->text, "routing_id", peer->facts.routing_id);
    prometheus_close(row->text, value);
}

static uint64_t prometheus_value(const struct prometheus_socket_metric *metric,
                                 const struct zmtp_socket_counters *counters)
{
    uint64_t value;
    memcpy(&value, (const char *)counters + metric->offset, sizeof value);
    return value;
}

static void prometheus_dropped(struct zmtp__text *text, const struct zmtp_uv *uv)
{
    static const char name[] = "zmtp_messages_dropped_total";
    prometheus_head(text, name, "counter", "Messages dropped, by reason.");
    for (const struct zmtp_uv_socket *socket = uv->sockets; socket; socket = socket->next) {
        if (!socket->core) continue;
        const struct zmtp_socket_counters counters = zmtp_uv_counters(socket);
        for (enum zmtp_drop drop = 0; drop < ZMTP_DROPS; drop++) {
            prometheus_open(text, name, socket);
            prometheus_label(text, "reason", zmtp_bytes_text(zmtp_drop_name(drop)));
            prometheus_close(text, counters.dropped[drop]);
        }
    }
}

static void prometheus_refused(struct zmtp__text *text, const struct zmtp_uv *uv)
{
    static const char name[] = "zmtp_connections_refused_total";
    prometheus_head(text, name, "counter", "Connections turned away before their handshake.");
    for (const struct zmtp_uv_socket *socket = uv->sockets; socket; socket = socket->next) {
        if (!socket->core) continue;
        prometheus_open(text, name, socket);
        prometheus_close(text, socket->turned_away);
    }
}

int64_t zmtp_uv_stats_prometheus(struct zmtp_uv *uv, char *out, size_t size)
{
    if (!uv || (!out && size > 0)) return ZMTP_ERR_ARGUMENT;
    if (!zmtp__engine_enter(uv)) return ZMTP_ERR_STATE;
    struct zmtp__text text = {.out = out, .size = size};
    for (size_t i = 0; i < sizeof prometheus_sockets / sizeof prometheus_sockets[0]; i++) {
        const struct prometheus_socket_metric *metric = &prometheus_sockets[i];
        prometheus_head(&text, metric->name, metric->kind, metric->help);
        for (const struct zmtp_uv_socket *socket = uv->sockets; socket; socket = socket->next) {
            if (!socket->core) continue;
            const struct zmtp_socket_counters counters = zmtp_uv_counters(socket);
            prometheus_open(&text, metric->name, socket);
            prometheus_close(&text, prometheus_value(metric, &counters));
        }
    }
    prometheus_dropped(&text, uv);
    prometheus_refused(&text, uv);
    for (size_t i = 0; i < sizeof prometheus_peers / sizeof prometheus_peers[0]; i++) {
        struct prometheus_row row = {.text = &text, .metric = &prometheus_peers[i]};
        prometheus_head(&text, row.metric->name, row.metric->kind, row.metric->help);
        for (struct zmtp_uv_socket *socket = uv->sockets; socket; socket = socket->next) {
            if (!socket->core) continue;
            row.socket = socket;
            zmtp_uv_each_peer(socket, prometheus_peer, &row);
        }
    }
    return zmtp__text_end(&text);
}
