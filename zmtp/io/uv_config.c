// A socket's config: what it is when nothing was said, and what is wrong with it.
#include <string.h>

#include "door.h"
#include "gate.h"
#include "guard.h"

void zmtp_uv_config_init(struct zmtp_uv_config *config, enum zmtp_socket_type type)
{
    if (!config) return;
    *config = (struct zmtp_uv_config){
        .reconnect_min_ms = ZMTP_DEFAULT_RECONNECT_MIN_MS,
        .reconnect_max_ms = ZMTP_DEFAULT_RECONNECT_MAX_MS,
        .linger_ms = ZMTP_DEFAULT_LINGER_MS,
        .pending_max = ZMTP_DEFAULT_PENDING_MAX,
        .hello_rate_max = ZMTP_DEFAULT_HELLO_RATE_MAX,
        .backlog = ZMTP_DEFAULT_BACKLOG,
        .transport = {.connect_ms = ZMTP_DEFAULT_CONNECT_MS,
                      .resolve_ms = ZMTP_DEFAULT_RESOLVE_MS,
                      .multicast_loop = true},
    };
    zmtp_socket_config_init(&config->socket, type);
    zmtp_peer_limits_init(&config->limits);
}

// What the system would refuse later, and without saying which option it means.
static const char *uv_config_transport_flaw(const struct zmtp_uv_transport *transport)
{
    if ((unsigned)transport->families > ZMTP_FAMILIES_IPV6)
        return "transport.families is none of enum zmtp_families";
    if (transport->keepalive_idle_s > 32767) return "transport.keepalive_idle_s is above 32767";
    if (transport->keepalive_interval_s > 32767)
        return "transport.keepalive_interval_s is above 32767";
    if (transport->keepalive_count > 127) return "transport.keepalive_count is above 127";
    if (transport->unacknowledged_ms > INT32_MAX)
        return "transport.unacknowledged_ms is above 2147483647";
    if (transport->send_buffer > INT32_MAX / 2) return "transport.send_buffer is above 1073741823";
    if (transport->recv_buffer > INT32_MAX / 2) return "transport.recv_buffer is above 1073741823";
    if (transport->type_of_service > UINT8_MAX) return "transport.type_of_service is above 255";
    if (transport->priority > INT32_MAX) return "transport.priority is above 2147483647";
    if (transport->busy_poll_us > INT32_MAX) return "transport.busy_poll_us is above 2147483647";
    if (transport->ipc_mode > 0777) return "transport.ipc_mode is above 0777";
    if (transport->multicast_hops > UINT8_MAX) return "transport.multicast_hops is above 255";
    if (!memchr(transport->device, 0, sizeof transport->device))
        return "transport.device has more than 15 octets";
    return NULL;
}

// Origins are compared octet by octet, so one that no browser tells would let in nobody, without a word.
static bool uv_config_origin(const char *at, size_t size)
{
    const char *const end = at + size;
    if (size == 4 && memcmp(at, "null", 4) == 0) return true; // of a page that has none
    const size_t scheme = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789+.-");
    if (scheme == 0 || scheme + 3 >= size || memcmp(at + scheme, "://", 3) != 0) return false;
    for (at += scheme + 3; at < end; at++)
        if (*at <= ' ' || *at > '~' || (*at >= 'A' && *at <= 'Z') || strchr("/*?#@", *at))
            return false;
    return true;
}

static const char *uv_config_origins_flaw(const char *origins)
{
    for (const char *at = origins ? origins : ""; *at; at += strspn(at, " ")) {
        const size_t size = strcspn(at, " ");
        if (size > 0 && !uv_config_origin(at, size))
            return "ws_origins has a word that no browser tells as an origin; one is "
                   "https://example.org or http://localhost:8080, in small letters and without a "
                   "path";
        at += size;
    }
    return NULL;
}

static const char *uv_config_flaw(const struct zmtp_uv_config *config)
{
    // There is no handshake, which is where security would begin.
    const bool raw = config->socket.type == ZMTP_STREAM || config->socket.type == ZMTP_DGRAM;
    if (raw && config->security.mechanism != ZMTP_NULL)
        return "security.mechanism is not NULL, but STREAM and DGRAM send octets as they are";
    if (raw && config->security.server)
        return "security.server is set, but STREAM and DGRAM have no handshake in which to judge";
    if (config->reconnect_max_ms > 0 && config->reconnect_max_ms < config->reconnect_min_ms)
        return "reconnect_max_ms is below reconnect_min_ms, and not 0";
    if (config->reconnect_stop > ZMTP_STOP_ALWAYS)
        return "reconnect_stop is made of other flags than ZMTP_STOP_...";
    if (config->backlog == 0 || config->backlog > INT32_MAX)
        return "backlog is not within 1 and 2147483647";
    if (config->hello_rate_max > 1000000) return "hello_rate_max is above 1000000";
    const char *const flaw = uv_config_origins_flaw(config->ws_origins);
    return flaw ? flaw : uv_config_transport_flaw(&config->transport);
}

int zmtp_uv_config_check(const struct zmtp_uv_config *config, const char **why)
{
    const char *flaw = "there is no config";
    if (config) {
        int error = zmtp_socket_config_check(&config->socket, why);
        if (error == ZMTP_OK) error = zmtp_peer_limits_check(&config->limits, why);
        if (error < 0) return error;
        flaw = uv_config_flaw(config);
        if (!flaw) flaw = zmtp__guard_flaw(config);
        if (!flaw) flaw = zmtp__door_flaw(&config->ipc_allow);
        if (!flaw) flaw = zmtp__gate_flaw(config->tcp_allow);
    }
    if (why && flaw) *why = flaw;
    return flaw ? ZMTP_ERR_ARGUMENT : ZMTP_OK;
}
