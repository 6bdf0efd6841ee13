// What a program has set for a socket, as the numbers and texts that it gave; and how that is said to the
// engine. What endpoints are made with counts for those that are made later; what the patterns go by counts
// at once.
#ifndef ZMTP_COMPAT_OPTIONS_H
#define ZMTP_COMPAT_OPTIONS_H

#include "../uv.h"
#include "context.h"

enum { ZMQ__TEXT_MAX = 255 };
enum { ZMQ__FILTERS_MAX = 4096 }; // of each kind, as the engine has it

// Octets, zeros among them if the program says so, as libzmq's are.
struct zmq__text {
    uint16_t size;
    char octets[ZMQ__TEXT_MAX + 1]; // and always a zero behind them
};
static inline struct zmtp_bytes zmq__text_bytes(const struct zmq__text *text)
{
    return zmtp_bytes_of(text->octets, text->size);
}

struct zmq__options {
    uint64_t affinity;
    int64_t max_message; // -1: no limit
    int rate, recovery_ivl, multicast_hops, multicast_maxtpdu, multicast_loop;
    int sndhwm, rcvhwm, sndbuf, rcvbuf, sndtimeo, rcvtimeo, linger;
    int reconnect_ivl, reconnect_ivl_max, reconnect_stop, backlog, handshake_ivl, connect_timeout;
    int heartbeat_ivl, heartbeat_ttl, heartbeat_timeout;
    int tcp_keepalive, keepalive_cnt, keepalive_idle, keepalive_intvl, tcp_maxrt, tos, priority,
        busy_poll;
    int ipv6, immediate, conflate, invert_matching, use_fd, fastpath;
    int router_mandatory, router_handover, router_raw, router_notify, probe_router;
    int req_correlate, req_relaxed;
    int xpub_verbose, xpub_verboser, xpub_manual, xpub_last_value, xpub_nodrop, only_first;
    int xsub_verbose, stream_notify, in_batch, out_batch;
    int mechanism, plain_server, curve_server, zap_enforce;
    struct zmtp_key public_key, secret_key, server_key;
    struct zmtp_bytes routing_id, connect_routing_id; // of the arrays below
    uint8_t routing_id_octets[UINT8_MAX], connect_octets[UINT8_MAX];
    struct zmq__text username, password, zap_domain, device;
    struct zmq__text socks_proxy, socks_username, socks_password;
    struct zmtp_part welcome, metadata, hello, gone_notice, lost_notice;
    char *
        networks; // of the filters for tcp, a space behind each, with a terminator; null: there are none
    uint32_t *uids, *gids;
    int64_t *pids;
    size_t networks_size, network_count, uid_count, gid_count, pid_count;
};

// May many threads use one socket of this type at a time?
bool zmq__options_safe(enum zmtp_socket_type type);
void zmq__options_init(struct zmq__options *options, enum zmtp_socket_type type,
                       const struct zmq__context_options *context);
void zmq__options_fini(struct zmq__options *options);
// What a socket of the type has to do with an option that is not the socket's own doing. An errno: EINVAL,
// ENOMEM. |*alive|: what the patterns go by may have changed.
int zmq__options_set(struct zmq__options *options, enum zmtp_socket_type type, int option,
                     const void *value, size_t size, bool *alive);
int zmq__options_get(const struct zmq__options *options, enum zmtp_socket_type type, int option,
                     void *value, size_t *size);
// For the few numbers that libzmq also gives into more room than they need: what is over becomes zeros.
// |count| octets, for which there has to be room.
int zmq__option_give(void *value, size_t *size, const void *from, size_t count);
int zmq__option_give_room(int number, void *value, size_t *size);
// Views of |options|.
void zmq__options_pattern(const struct zmq__options *options, enum zmtp_socket_type type,
                          struct zmtp_socket_config *out);
void zmq__options_endpoint(const struct zmq__options *options, enum zmtp_socket_type type,
                           struct zmtp_uv_config *out);

#endif
