// What a program has set, as the engine is told it.
#include <string.h>

#include "../zmq.h"
#include "options.h"

enum {
    // Handshakes that a listener has under way: libzmq has no limit, so a thousand clients that come at
    // once are no attack here. Of each more than that the oldest goes.
    SETTINGS_PENDING_MAX = 4096,
};

static enum zmtp_xpub_mode settings_xpub_mode(const struct zmq__options *options)
{
    if (options->xpub_last_value) return ZMTP_XPUB_LAST_VALUE;
    if (options->xpub_manual) return ZMTP_XPUB_MANUAL;
    if (options->xpub_verboser) return ZMTP_XPUB_VERBOSER;
    return options->xpub_verbose ? ZMTP_XPUB_VERBOSE : ZMTP_XPUB_NORMAL;
}

// Which types an option means something to. zmq.h takes it of the others, too; the engine says no.
#define SETTINGS_OF(type) (1u << (ZMTP_##type))
enum {
    SETTINGS_PUBS = SETTINGS_OF(PUB) | SETTINGS_OF(XPUB),
    SETTINGS_SPREADERS = SETTINGS_PUBS | SETTINGS_OF(RADIO),
    SETTINGS_CONFLATE = SETTINGS_OF(PUSH) | SETTINGS_OF(PULL) | SETTINGS_OF(PUB) |
                        SETTINGS_OF(SUB) | SETTINGS_OF(DEALER),
    SETTINGS_SERVERS = SETTINGS_OF(ROUTER) | SETTINGS_OF(SERVER) | SETTINGS_OF(PEER),
    SETTINGS_CLIENTS = SETTINGS_OF(DEALER) | SETTINGS_OF(CLIENT) | SETTINGS_OF(PEER),
    SETTINGS_PROBE = SETTINGS_OF(REQ) | SETTINGS_OF(DEALER) | SETTINGS_OF(ROUTER),
};

static void settings_publisher(const struct zmq__options *options, unsigned type,
                               struct zmtp_socket_config *out)
{
    if (type & SETTINGS_SPREADERS) {
        out->subscriptions_max = SIZE_MAX; // libzmq has no limit
        out->topic_bytes_max = 0;
        out->nodrop = options->xpub_nodrop;
    }
    if (type & (SETTINGS_PUBS | SETTINGS_OF(SUB))) out->invert_matching = options->invert_matching;
    if (type & SETTINGS_PUBS) out->only_first_subscribe = options->only_first;
    if (type & SETTINGS_OF(XPUB)) {
        out->xpub_mode = settings_xpub_mode(options);
        out->xpub_welcome = zmtp_part_bytes(&options->welcome);
    }
    if (type & SETTINGS_OF(SUB)) out->sub_verbose_subscribe = true; // ZMQ_XPUB_VERBOSE counts on it
    if (type & SETTINGS_OF(XSUB)) out->xsub_verbose_unsubscribe = options->xsub_verbose;
}

void zmq__options_pattern(const struct zmq__options *options, enum zmtp_socket_type type,
                          struct zmtp_socket_config *out)
{
    const unsigned bit = 1u << type;
    zmtp_socket_config_init(out, type);
    out->routing_id = options->routing_id;
    out->routing_id_any = true;
    out->metadata = zmtp_part_bytes(&options->metadata);
    out->send_count_max = (size_t)options->sndhwm;
    out->recv_count_max = (size_t)options->rcvhwm;
    // libzmq counts messages only.
    out->send_bytes_max = out->recv_bytes_max = out->send_bytes_all_max = 0;
    out->recv_bytes_gone_max = 0;
    out->immediate = options->immediate;
    if (bit & SETTINGS_CONFLATE) out->conflate = options->conflate;
    if (bit & SETTINGS_PROBE) out->probe_router = options->probe_router;
    if (bit & (SETTINGS_SERVERS | SETTINGS_CLIENTS)) out->hello = zmtp_part_bytes(&options->hello);
    if (bit & SETTINGS_SERVERS) out->gone_notice = zmtp_part_bytes(&options->gone_notice);
    if (bit & SETTINGS_CLIENTS) out->lost_notice = zmtp_part_bytes(&options->lost_notice);
    if (type == ZMTP_ROUTER) {
        out->router_tell_come = options->router_notify & ZMQ_NOTIFY_CONNECT;
        out->router_tell_gone = options->router_notify & ZMQ_NOTIFY_DISCONNECT;
        out->router_mandatory = options->router_mandatory;
        out->router_handover = options->router_handover;
    }
    if (type == ZMTP_REQ) {
        out->req_correlate = options->req_correlate;
        out->req_relaxed = options->req_relaxed;
    }
    if (type == ZMTP_STREAM) out->stream_notify = options->stream_notify;
    settings_publisher(options, bit, out);
}

static uint32_t settings_or_none(int value)
{
    return value > 0 ? (uint32_t)value : 0;
}

static void settings_limits(const struct zmq__options *options, struct zmtp_peer_limits *limits)
{
    limits->message_max = limits->parts_max = 0; // of a whole message libzmq asks nothing
    if (options->max_message >= 0)
        limits->part_max = options->max_message > 0 ? (uint64_t)options->max_message : 1;
    limits->handshake_ms = settings_or_none(options->handshake_ivl);
    limits->authorise_ms = 0; // a ZAP handler may take as long as the handshake
    limits->heartbeat_interval_ms = (uint32_t)options->heartbeat_ivl;
    limits->heartbeat_timeout_ms = options->heartbeat_timeout < 0
                                       ? (uint32_t)options->heartbeat_ivl
                                       : (uint32_t)options->heartbeat_timeout;
    limits->heartbeat_ttl_ms = (uint32_t)options->heartbeat_ttl;
    if (limits->heartbeat_interval_ms == 0)
        limits->heartbeat_timeout_ms = limits->heartbeat_ttl_ms = 0;
}

static void settings_transport(const struct zmq__options *options,
                               struct zmtp_uv_transport *transport)
{
    transport->families = options->ipv6 ? ZMTP_FAMILIES_BOTH : ZMTP_FAMILIES_IPV4;
    transport->connect_ms = (uint32_t)options->connect_timeout;
    transport->keepalive = options->tcp_keepalive == 1;
    transport->keepalive_idle_s = settings_or_none(options->keepalive_idle);
    transport->keepalive_interval_s = settings_or_none(options->keepalive_intvl);
    transport->keepalive_count = settings_or_none(options->keepalive_cnt);
    transport->unacknowledged_ms = (uint32_t)options->tcp_maxrt;
    transport->send_buffer = settings_or_none(options->sndbuf);
    transport->recv_buffer = settings_or_none(options->rcvbuf);
    transport->priority = (uint32_t)options->priority;
    transport->busy_poll_us = (uint32_t)options->busy_poll;
    transport->type_of_service = (uint32_t)(options->tos & UINT8_MAX); // as the kernel does
    transport->multicast_hops = (uint32_t)(options->multicast_hops & UINT8_MAX);
    transport->multicast_loop = options->multicast_loop;
    // The last octet is the terminator's; the kernel cuts names as well.
    memcpy(transport->device, options->device.octets, sizeof transport->device - 1);
}

static void settings_security(const struct zmq__options *options, struct zmtp_uv_config *out)
{
    struct zmtp_security *const security = &out->security;
    if (options->mechanism == ZMQ_PLAIN) {
        security->mechanism = ZMTP_PLAIN;
        security->server = options->plain_server;
        security->username = zmq__text_bytes(&options->username);
        security->password = zmq__text_bytes(&options->password);
    } else if (options->mechanism == ZMQ_CURVE) {
        security->mechanism = ZMTP_CURVE;
        security->server = options->curve_server;
        security->crypto = zmtp_sodium();
        security->keys = (struct zmtp_key_pair){options->public_key, options->secret_key};
        security->server_key = options->server_key;
        // A server of libzmq's is told its secret key alone.
        if (security->crypto && zmtp_key_is_zero(&security->keys.public_key))
            security->crypto->public_of(&security->keys.public_key, &security->keys.secret_key);
    } else {
        security->server = options->zap_domain.size > 0; // then a handler is asked with NULL, too
    }
}

static void settings_reconnect(const struct zmq__options *options, struct zmtp_uv_config *out)
{
    const int most = options->reconnect_ivl_max;
    // libzmq waits for the interval and up to as long again; the engine for half of what it is told and up to all.
    const uint32_t least = settings_or_none(options->reconnect_ivl);
    out->reconnect_min_ms = least > UINT32_MAX / 2 ? least : 2 * least;
    if (most > options->reconnect_ivl)
        out->reconnect_max_ms =
            (uint32_t)most > out->reconnect_min_ms ? (uint32_t)most : out->reconnect_min_ms;
    else
        out->reconnect_max_ms = 0;
    out->reconnect_denied = true; // as libzmq's, which knows no ERROR that is final
    if (options->reconnect_ivl < 0) out->reconnect_stop = ZMTP_STOP_ALWAYS;
    if (options->reconnect_stop & 1) out->reconnect_stop |= ZMTP_STOP_REFUSED;
    if (options->reconnect_stop & 2) out->reconnect_stop |= ZMTP_STOP_HANDSHAKE;
    if (options->reconnect_stop & 4) out->reconnect_stop |= ZMTP_STOP_CLOSED;
}

void zmq__options_endpoint(const struct zmq__options *options, enum zmtp_socket_type type,
                           struct zmtp_uv_config *out)
{
    zmtp_uv_config_init(out, type);
    zmq__options_pattern(options, type, &out->socket);
    settings_limits(options, &out->limits);
    settings_transport(options, &out->transport);
    settings_reconnect(options, out);
    if (type != ZMTP_STREAM && type != ZMTP_DGRAM) settings_security(options, out);
    out->linger_ms = options->linger < 0 ? UINT32_MAX : (uint32_t)options->linger;
    out->pending_max = SETTINGS_PENDING_MAX;
    out->backlog = options->backlog > 0 ? (uint32_t)options->backlog : 1;
    out->ipc_allow = (struct zmtp_uv_ipc_allow){.uids = options->uids,
                                                .gids = options->gids,
                                                .pids = options->pids,
                                                .uid_count = options->uid_count,
                                                .gid_count = options->gid_count,
                                                .pid_count = options->pid_count};
    out->tcp_allow = options->networks;
    out->allow_public_null = true; // what the program asks for is what it gets
    out->old_versions = true;
}
