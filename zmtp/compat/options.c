#include "options.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "../io/gate.h"
#include "../zmq.h"
#include "library.h"

enum { OPTION_DEVICE_MAX = 16 }; // IFNAMSIZ

enum option_kind {
    OPTION_INT,
    OPTION_BOOL, // 0 or 1 and nothing else
    OPTION_FLAG, // 0, or anything else within its bounds, which counts as 1
    OPTION_I64,
    OPTION_U64,
    OPTION_TEXT, // up to |max| octets, or null
    OPTION_TEXT_OR_EMPTY,
    OPTION_TEXT_SOME, // at least one octet
    OPTION_KEY,
    OPTION_CREDENTIAL, // a text, or null
    OPTION_DECISECONDS,
    OPTION_INVERSE, // of a bool
};

enum {
    OPTION_GET = 1,
    OPTION_SET = 2,
    OPTION_BOTH = 3,
    OPTION_LIVE = 4, // the patterns go by it
    OPTION_DRAFT =
        8, // only with DRAFT=1; those that libzmq calls drafts and knows without them have it not
};

struct option_row {
    uint16_t number;
    uint8_t kind, access;
    uint16_t offset;
    int min, max;
    uint32_t types; // that may set it, as bits; 0: all
};

#define AT(field) ((uint16_t)offsetof(struct zmq__options, field))
#define TYPE(type) (1u << (ZMTP_##type))
enum {
    OPTION_ROUTERS = TYPE(ROUTER) | TYPE(REP),
    OPTION_PUBS = TYPE(PUB) | TYPE(XPUB),
    OPTION_PROBERS = TYPE(ROUTER) | TYPE(REP) | TYPE(DEALER) | TYPE(REQ),
};

static const struct option_row option_rows[] = {
    {ZMQ_AFFINITY, OPTION_U64, OPTION_BOTH, AT(affinity), 0, 0, 0},
    {ZMQ_RATE, OPTION_INT, OPTION_BOTH, AT(rate), 1, INT_MAX, 0},
    {ZMQ_RECOVERY_IVL, OPTION_INT, OPTION_BOTH, AT(recovery_ivl), 0, INT_MAX, 0},
    {ZMQ_SNDBUF, OPTION_INT, OPTION_BOTH, AT(sndbuf), -1, INT_MAX, 0},
    {ZMQ_RCVBUF, OPTION_INT, OPTION_BOTH, AT(rcvbuf), -1, INT_MAX, 0},
    {ZMQ_LINGER, OPTION_INT, OPTION_BOTH, AT(linger), -1, INT_MAX, 0},
    {ZMQ_RECONNECT_IVL, OPTION_INT, OPTION_BOTH, AT(reconnect_ivl), -1, INT_MAX, 0},
    {ZMQ_BACKLOG, OPTION_INT, OPTION_BOTH, AT(backlog), 0, INT_MAX, 0},
    {ZMQ_RECONNECT_IVL_MAX, OPTION_INT, OPTION_BOTH, AT(reconnect_ivl_max), 0, INT_MAX, 0},
    {ZMQ_MAXMSGSIZE, OPTION_I64, OPTION_BOTH, AT(max_message), -1, 0, 0},
    {ZMQ_SNDHWM, OPTION_INT, OPTION_BOTH | OPTION_LIVE, AT(sndhwm), 0, INT_MAX, 0},
    {ZMQ_RCVHWM, OPTION_INT, OPTION_BOTH | OPTION_LIVE, AT(rcvhwm), 0, INT_MAX, 0},
    {ZMQ_MULTICAST_HOPS, OPTION_INT, OPTION_BOTH, AT(multicast_hops), 1, INT_MAX, 0},
    {ZMQ_RCVTIMEO, OPTION_INT, OPTION_BOTH, AT(rcvtimeo), -1, INT_MAX, 0},
    {ZMQ_SNDTIMEO, OPTION_INT, OPTION_BOTH, AT(sndtimeo), -1, INT_MAX, 0},
    {ZMQ_IPV4ONLY, OPTION_INVERSE, OPTION_BOTH, AT(ipv6), 0, 1, 0},
    {ZMQ_ROUTER_MANDATORY, OPTION_FLAG, OPTION_SET | OPTION_LIVE, AT(router_mandatory), 0, INT_MAX,
     OPTION_ROUTERS},
    {ZMQ_TCP_KEEPALIVE, OPTION_INT, OPTION_BOTH, AT(tcp_keepalive), -1, 1, 0},
    {ZMQ_TCP_KEEPALIVE_CNT, OPTION_INT, OPTION_BOTH, AT(keepalive_cnt), -1, INT_MAX, 0},
    {ZMQ_TCP_KEEPALIVE_IDLE, OPTION_INT, OPTION_BOTH, AT(keepalive_idle), -1, INT_MAX, 0},
    {ZMQ_TCP_KEEPALIVE_INTVL, OPTION_INT, OPTION_BOTH, AT(keepalive_intvl), -1, INT_MAX, 0},
    {ZMQ_IMMEDIATE, OPTION_BOOL, OPTION_BOTH | OPTION_LIVE, AT(immediate), 0, 1, 0},
    {ZMQ_XPUB_VERBOSE, OPTION_FLAG, OPTION_SET | OPTION_LIVE, AT(xpub_verbose), 0, INT_MAX,
     OPTION_PUBS},
    {ZMQ_ROUTER_RAW, OPTION_FLAG, OPTION_SET, AT(router_raw), 0, INT_MAX, OPTION_ROUTERS},
    {ZMQ_IPV6, OPTION_BOOL, OPTION_BOTH, AT(ipv6), 0, 1, 0},
    {ZMQ_MECHANISM, OPTION_INT, OPTION_GET, AT(mechanism), 0, 0, 0},
    {ZMQ_PLAIN_SERVER, OPTION_BOOL, OPTION_BOTH, AT(plain_server), 0, 1, 0},
    {ZMQ_PLAIN_USERNAME, OPTION_CREDENTIAL, OPTION_BOTH, AT(username), 0, ZMQ__TEXT_MAX, 0},
    {ZMQ_PLAIN_PASSWORD, OPTION_CREDENTIAL, OPTION_BOTH, AT(password), 0, ZMQ__TEXT_MAX, 0},
    {ZMQ_CURVE_SERVER, OPTION_BOOL, OPTION_BOTH, AT(curve_server), 0, 1, 0},
    {ZMQ_CURVE_PUBLICKEY, OPTION_KEY, OPTION_BOTH, AT(public_key), 0, 0, 0},
    {ZMQ_CURVE_SECRETKEY, OPTION_KEY, OPTION_BOTH, AT(secret_key), 0, 0, 0},
    {ZMQ_CURVE_SERVERKEY, OPTION_KEY, OPTION_BOTH, AT(server_key), 0, 0, 0},
    {ZMQ_PROBE_ROUTER, OPTION_FLAG, OPTION_SET | OPTION_LIVE, AT(probe_router), 0, INT_MAX,
     OPTION_PROBERS},
    {ZMQ_REQ_CORRELATE, OPTION_FLAG, OPTION_SET | OPTION_LIVE, AT(req_correlate), 0, INT_MAX,
     TYPE(REQ)},
    {ZMQ_REQ_RELAXED, OPTION_FLAG, OPTION_SET | OPTION_LIVE, AT(req_relaxed), 0, INT_MAX,
     TYPE(REQ)},
    {ZMQ_CONFLATE, OPTION_BOOL, OPTION_BOTH | OPTION_LIVE, AT(conflate), 0, 1, 0},
    {ZMQ_ZAP_DOMAIN, OPTION_TEXT_SOME, OPTION_BOTH, AT(zap_domain), 0, ZMQ__TEXT_MAX, 0},
    {ZMQ_ROUTER_HANDOVER, OPTION_FLAG, OPTION_SET | OPTION_LIVE, AT(router_handover), 0, INT_MAX,
     OPTION_ROUTERS},
    {ZMQ_TOS, OPTION_INT, OPTION_BOTH, AT(tos), 0, INT_MAX, 0},
    {ZMQ_HANDSHAKE_IVL, OPTION_INT, OPTION_BOTH, AT(handshake_ivl), 0, INT_MAX, 0},
    {ZMQ_SOCKS_PROXY, OPTION_TEXT, OPTION_BOTH, AT(socks_proxy), 0, ZMQ__TEXT_MAX, 0},
    {ZMQ_XPUB_NODROP, OPTION_FLAG, OPTION_SET | OPTION_LIVE, AT(xpub_nodrop), 0, INT_MAX,
     OPTION_PUBS | TYPE(RADIO)},
    {ZMQ_XPUB_MANUAL, OPTION_FLAG, OPTION_SET | OPTION_LIVE, AT(xpub_manual), 0, INT_MAX,
     OPTION_PUBS},
    {ZMQ_STREAM_NOTIFY, OPTION_BOOL, OPTION_SET | OPTION_LIVE, AT(stream_notify), 0, 1,
     TYPE(STREAM)},
    {ZMQ_INVERT_MATCHING, OPTION_FLAG, OPTION_BOTH | OPTION_LIVE, AT(invert_matching), INT_MIN,
     INT_MAX, 0},
    {ZMQ_HEARTBEAT_IVL, OPTION_INT, OPTION_BOTH, AT(heartbeat_ivl), 0, INT_MAX, 0},
    {ZMQ_HEARTBEAT_TTL, OPTION_DECISECONDS, OPTION_BOTH, AT(heartbeat_ttl), -99, 6553599, 0},
    {ZMQ_HEARTBEAT_TIMEOUT, OPTION_INT, OPTION_BOTH, AT(heartbeat_timeout), 0, INT_MAX, 0},
    {ZMQ_XPUB_VERBOSER, OPTION_FLAG, OPTION_SET | OPTION_LIVE, AT(xpub_verboser), 0, INT_MAX,
     OPTION_PUBS},
    {ZMQ_CONNECT_TIMEOUT, OPTION_INT, OPTION_BOTH, AT(connect_timeout), 0, INT_MAX, 0},
    {ZMQ_TCP_MAXRT, OPTION_INT, OPTION_BOTH, AT(tcp_maxrt), 0, INT_MAX, 0},
    {ZMQ_MULTICAST_MAXTPDU, OPTION_INT, OPTION_BOTH, AT(multicast_maxtpdu), 1, INT_MAX, 0},
    {ZMQ_USE_FD, OPTION_INT, OPTION_BOTH, AT(use_fd), -1, INT_MAX, 0},
    {ZMQ_BINDTODEVICE, OPTION_TEXT, OPTION_BOTH, AT(device), 0, OPTION_DEVICE_MAX, 0},
    {ZMQ_ZAP_ENFORCE_DOMAIN, OPTION_FLAG, OPTION_BOTH, AT(zap_enforce), INT_MIN, INT_MAX, 0},
    {ZMQ_LOOPBACK_FASTPATH, OPTION_FLAG, OPTION_BOTH, AT(fastpath), INT_MIN, INT_MAX, 0},
    {ZMQ_MULTICAST_LOOP, OPTION_FLAG, OPTION_BOTH, AT(multicast_loop), INT_MIN, INT_MAX, 0},
    {ZMQ_XPUB_MANUAL_LAST_VALUE, OPTION_FLAG, OPTION_SET | OPTION_LIVE, AT(xpub_last_value), 0,
     INT_MAX, OPTION_PUBS},
    {ZMQ_SOCKS_USERNAME, OPTION_TEXT_OR_EMPTY, OPTION_BOTH, AT(socks_username), 0, ZMQ__TEXT_MAX,
     0},
    {ZMQ_SOCKS_PASSWORD, OPTION_TEXT_OR_EMPTY, OPTION_BOTH, AT(socks_password), 0, ZMQ__TEXT_MAX,
     0},
    {ZMQ_ONLY_FIRST_SUBSCRIBE, OPTION_FLAG, OPTION_SET | OPTION_LIVE, AT(only_first), 0, INT_MAX,
     OPTION_PUBS | TYPE(XSUB)},
    {ZMQ_RECONNECT_STOP, OPTION_INT, OPTION_BOTH, AT(reconnect_stop), INT_MIN, INT_MAX, 0},
    {ZMQ_ROUTER_NOTIFY, OPTION_INT, OPTION_BOTH | OPTION_LIVE | OPTION_DRAFT, AT(router_notify), 0,
     ZMQ_NOTIFY_CONNECT | ZMQ_NOTIFY_DISCONNECT, OPTION_ROUTERS},
    {ZMQ_IN_BATCH_SIZE, OPTION_INT, OPTION_BOTH | OPTION_DRAFT, AT(in_batch), 1, INT_MAX, 0},
    {ZMQ_OUT_BATCH_SIZE, OPTION_INT, OPTION_BOTH | OPTION_DRAFT, AT(out_batch), 1, INT_MAX, 0},
    {ZMQ_PRIORITY, OPTION_INT, OPTION_BOTH | OPTION_DRAFT, AT(priority), 0, INT_MAX, 0},
    {ZMQ_BUSY_POLL, OPTION_INT, OPTION_SET | OPTION_DRAFT, AT(busy_poll), 0, INT_MAX, 0},
    {ZMQ_XSUB_VERBOSE_UNSUBSCRIBE, OPTION_FLAG, OPTION_SET | OPTION_LIVE | OPTION_DRAFT,
     AT(xsub_verbose), 0, INT_MAX, TYPE(XSUB)},
};

static const struct option_row *option_find(int number)
{
    for (size_t i = 0; i < sizeof option_rows / sizeof *option_rows; i++)
        if (option_rows[i].number == number)
            return option_rows[i].access & OPTION_DRAFT && !zmq__draft ? NULL : &option_rows[i];
    return NULL;
}

bool zmq__options_safe(enum zmtp_socket_type type)
{
    return type >= ZMTP_SERVER && type != ZMTP_DGRAM;
}

void zmq__options_init(struct zmq__options *options, enum zmtp_socket_type type,
                       const struct zmq__context_options *context)
{
    // Subscriptions that have not left are nothing to wait for.
    const bool hurries = type == ZMTP_SUB || type == ZMTP_XSUB || type == ZMTP_DISH;
    *options = (struct zmq__options){
        .max_message = -1,
        .rate = 100,
        .recovery_ivl = 10000,
        .multicast_hops = 1,
        .multicast_maxtpdu = 1500,
        .multicast_loop = 1,
        .sndhwm = 1000,
        .rcvhwm = 1000,
        .sndbuf = -1,
        .rcvbuf = -1,
        .sndtimeo = -1,
        .rcvtimeo = -1,
        .linger = context->blocky && !hurries ? -1 : 0,
        .reconnect_ivl = 100,
        .backlog = 100,
        .handshake_ivl = 30000,
        .heartbeat_timeout = -1,
        .tcp_keepalive = -1,
        .keepalive_cnt = -1,
        .keepalive_idle = -1,
        .keepalive_intvl = -1,
        .ipv6 = context->ipv6,
        .use_fd = -1,
        .stream_notify = 1,
        .in_batch = 8192,
        .out_batch = 8192,
    };
}

void zmq__options_fini(struct zmq__options *options)
{
    const struct zmtp_allocator *const heap = zmtp_heap();
    zmtp_part_fini(&options->welcome);
    zmtp_part_fini(&options->metadata);
    zmtp_part_fini(&options->hello);
    zmtp_part_fini(&options->gone_notice);
    zmtp_part_fini(&options->lost_notice);
    zmtp_free(heap, options->networks, options->networks_size);
    zmtp_free(heap, options->uids, options->uid_count * sizeof *options->uids);
    zmtp_free(heap, options->gids, options->gid_count * sizeof *options->gids);
    zmtp_free(heap, options->pids, options->pid_count * sizeof *options->pids);
    zmtp_wipe(options, sizeof *options);
}

// As the values of zmq.h are passed: without alignment.
static bool option_int(const void *value, size_t size, int *out)
{
    if (size != sizeof *out || !value) return false;
    memcpy(out, value, sizeof *out);
    return true;
}

static void *option_at(struct zmq__options *options, const struct option_row *row)
{
    return (char *)options + row->offset;
}

static int option_set_int(struct zmq__options *options, const struct option_row *row,
                          const void *value, size_t size)
{
    int number;
    if (!option_int(value, size, &number)) return EINVAL;
    if (number < row->min || number > row->max) return EINVAL;
    if (row->kind == OPTION_FLAG) number = number != 0;
    if (row->kind == OPTION_INVERSE) number = !number;
    if (row->kind == OPTION_DECISECONDS) number = number / 100 * 100; // what the wire can say
    memcpy(option_at(options, row), &number, sizeof number);
    return 0;
}

static int option_set_wide(struct zmq__options *options, const struct option_row *row,
                           const void *value, size_t size)
{
    int64_t number;
    if (size != sizeof number || !value) return EINVAL;
    memcpy(&number, value, sizeof number);
    if (row->kind == OPTION_I64 && number < row->min) return EINVAL;
    memcpy(option_at(options, row), &number, sizeof number);
    return 0;
}

static int option_set_text(struct zmq__options *options, const struct option_row *row,
                           const void *value, size_t size)
{
    struct zmq__text *const text = option_at(options, row);
    if (!value && size > 0) return EINVAL;
    if (size == 0 && row->kind == OPTION_TEXT_SOME) return EINVAL;
    if (value && size == 0 && row->kind != OPTION_TEXT_OR_EMPTY) return EINVAL;
    if (size > (size_t)row->max) return EINVAL;
    memset(text, 0, sizeof *text);
    text->size = (uint16_t)size;
    if (size > 0) memcpy(text->octets, value, size);
    return 0;
}

static int option_set_credential(struct zmq__options *options, const struct option_row *row,
                                 const void *value, size_t size)
{
    if (!value && size == 0) {
        options->mechanism = ZMQ_NULL;
        return 0;
    }
    const int error = option_set_text(options, row, value, size);
    if (error == 0) {
        options->plain_server = 0;
        options->mechanism = ZMQ_PLAIN;
    }
    return error;
}

// 32 octets, or a text of 40 characters with or without its terminator.
static int option_set_key(struct zmq__options *options, const struct option_row *row,
                          const void *value, size_t size)
{
    struct zmtp_key key;
    if (!zmtp_sodium() || !value) return EINVAL;
    if (size == ZMTP_KEY_SIZE)
        memcpy(key.octets, value, sizeof key.octets);
    else if (size != ZMTP_KEY_TEXT_SIZE && size != ZMTP_KEY_TEXT_SIZE - 1)
        return EINVAL;
    else if (size == ZMTP_KEY_TEXT_SIZE && ((const char *)value)[size - 1] != '\0')
        return EINVAL;
    else if (zmtp_key_decode(zmtp_bytes_of(value, ZMTP_KEY_TEXT_SIZE - 1), &key) < 0)
        return EINVAL;
    memcpy(option_at(options, row), &key, sizeof key);
    options->mechanism = ZMQ_CURVE;
    zmtp_wipe(&key, sizeof key);
    return 0;
}

static int option_set_row(struct zmq__options *options, const struct option_row *row,
                          const void *value, size_t size)
{
    switch ((enum option_kind)row->kind) {
    case OPTION_INT:
    case OPTION_BOOL:
    case OPTION_FLAG:
    case OPTION_INVERSE:
    case OPTION_DECISECONDS:
        return option_set_int(options, row, value, size);
    case OPTION_I64:
    case OPTION_U64:
        return option_set_wide(options, row, value, size);
    case OPTION_TEXT:
    case OPTION_TEXT_OR_EMPTY:
    case OPTION_TEXT_SOME:
        return option_set_text(options, row, value, size);
    case OPTION_KEY:
        return option_set_key(options, row, value, size);
    case OPTION_CREDENTIAL:
        return option_set_credential(options, row, value, size);
    }
    return EINVAL;
}

// 1 to 255 octets.
static int option_set_id(struct zmtp_bytes *id, uint8_t *octets, const void *value, size_t size)
{
    if (!value || size == 0 || size > UINT8_MAX) return EINVAL;
    memcpy(octets, value, size);
    *id = zmtp_bytes_of(octets, size);
    return 0;
}

// Puts another one of |each| octets behind |count| of them, unless it is there.
static int option_append(void **list, size_t *count, const void *item, size_t each)
{
    for (size_t i = 0; i < *count; i++)
        if (memcmp((const char *)*list + i * each, item, each) == 0) return 0;
    if (*count == ZMQ__FILTERS_MAX) return EINVAL;
    char *const more = zmtp_realloc(zmtp_heap(), *list, *count * each, (*count + 1) * each);
    if (!more) return ENOMEM;
    memcpy(more + *count * each, item, each);
    *list = more;
    ++*count;
    return 0;
}

// The same with a list of either kind, where no value at all ends those that there are.
static int option_filter(void **list, size_t *count, const void *value, size_t size,
                         const void *item, size_t each)
{
    if (!value && size == 0) {
        zmtp_free(zmtp_heap(), *list, *count * each);
        *list = NULL;
        *count = 0;
        return 0;
    }
    return !value || size != sizeof(uint32_t) ? EINVAL : option_append(list, count, item, each);
}

// Who may connect over ipc.
static int option_set_ipc_filter(struct zmq__options *options, int option, const void *value,
                                 size_t size)
{
    uint32_t number = 0;
    if (value && size == sizeof number) memcpy(&number, value, sizeof number);
    const int64_t pid = (int32_t)number;
    void *list;
    int error;
    if (option == ZMQ_IPC_FILTER_PID) {
        list = options->pids;
        error = option_filter(&list, &options->pid_count, value, size, &pid, sizeof pid);
        options->pids = list;
    } else if (option == ZMQ_IPC_FILTER_UID) {
        list = options->uids;
        error = option_filter(&list, &options->uid_count, value, size, &number, sizeof number);
        options->uids = list;
    } else {
        list = options->gids;
        error = option_filter(&list, &options->gid_count, value, size, &number, sizeof number);
        options->gids = list;
    }
    return error;
}

static void option_end_networks(struct zmq__options *options)
{
    zmtp_free(zmtp_heap(), options->networks, options->networks_size);
    options->networks = NULL;
    options->networks_size = options->network_count = 0;
}

// Who may connect over tcp: one more network. IPv6 is understood once ZMQ_IPV6 is set.
static int option_set_tcp_filter(struct zmq__options *options, const void *value, size_t size)
{
    char word[ZMQ__TEXT_MAX];
    if (!value && size == 0) {
        option_end_networks(options);
        return 0;
    }
    if (!value || size == 0 || size >= sizeof word) return EINVAL;
    size = strnlen(value, size);
    memcpy(word, value, size);
    word[size] = '\0';
    if (size == 0 || strchr(word, ' ') || zmtp__gate_flaw(word)) return EINVAL;
    if (strchr(word, ':') && !options->ipv6) return EINVAL;
    if (options->network_count == ZMQ__FILTERS_MAX) return EINVAL;
    // Over the terminator of those before, if there are any.
    const size_t at = options->networks_size > 0 ? options->networks_size - 1 : 0;
    char *const more =
        zmtp_realloc(zmtp_heap(), options->networks, options->networks_size, at + size + 2);
    if (!more) return ENOMEM;
    memcpy(more + at, word, size);
    memcpy(more + at + size, " ", 2);
    options->networks = more;
    options->networks_size = at + size + 2;
    options->network_count++;
    return 0;
}

static int option_set_part(struct zmtp_part *part, const void *value, size_t size)
{
    struct zmtp_part copy;
    if (!value && size > 0) return EINVAL;
    if (zmtp_part_copy(&copy, zmtp_bytes_of(value, size), NULL) < 0) return ENOMEM;
    zmtp_part_fini(part);
    *part = copy;
    return 0;
}

// "X-Name:value", one more property that peers are told.
static int option_add_metadata(struct zmq__options *options, const void *value, size_t size)
{
    uint8_t octets[ZMTP_APPLICATION_METADATA_MAX];
    const struct zmtp_bytes before = zmtp_part_bytes(&options->metadata);
    const char *const text = value;
    const char *const colon = text && size > 0 ? memchr(text, ':', size) : NULL;
    if (!colon || colon == text || colon + 1 == text + size) return EINVAL;
    const size_t name = (size_t)(colon - text);
    const struct zmtp_property property = {.name = zmtp_bytes_of(text, name),
                                           .value = zmtp_bytes_of(colon + 1, size - name - 1)};
    if (before.size > 0) memcpy(octets, before.data, before.size);
    const int added =
        zmtp_property_encode(&property, octets + before.size, sizeof octets - before.size);
    if (added < 0) return EINVAL;
    const struct zmtp_bytes all = zmtp_bytes_of(octets, before.size + (size_t)added);
    if (zmtp_metadata_check_application(all) < 0) return EINVAL;
    return option_set_part(&options->metadata, all.data, all.size);
}

// Those that are no row of the table. -1: it is none of them.
static int option_set_other(struct zmq__options *options, enum zmtp_socket_type type, int option,
                            const void *value, size_t size)
{
    const uint32_t namers = OPTION_ROUTERS | TYPE(STREAM);
    switch (option) {
    case ZMQ_ROUTING_ID:
        return option_set_id(&options->routing_id, options->routing_id_octets, value, size);
    case ZMQ_CONNECT_ROUTING_ID:
        if (!(namers >> type & 1)) return EINVAL;
        return option_set_id(&options->connect_routing_id, options->connect_octets, value, size);
    case ZMQ_IPC_FILTER_PID:
    case ZMQ_IPC_FILTER_UID:
    case ZMQ_IPC_FILTER_GID:
        return option_set_ipc_filter(options, option, value, size);
    case ZMQ_TCP_ACCEPT_FILTER:
        return option_set_tcp_filter(options, value, size);
    case ZMQ_XPUB_WELCOME_MSG:
        if (!(OPTION_PUBS >> type & 1)) return EINVAL;
        return option_set_part(&options->welcome, value, size);
    case ZMQ_METADATA:
        return option_add_metadata(options, value, size);
    case ZMQ_HELLO_MSG:
        return zmq__draft ? option_set_part(&options->hello, value, size) : -1;
    case ZMQ_DISCONNECT_MSG:
        return zmq__draft ? option_set_part(&options->gone_notice, value, size) : -1;
    case ZMQ_HICCUP_MSG:
        return zmq__draft ? option_set_part(&options->lost_notice, value, size) : -1;
    default:
        return -1;
    }
}

int zmq__options_set(struct zmq__options *options, enum zmtp_socket_type type, int option,
                     const void *value, size_t size, bool *alive)
{
    *alive = true;
    const int other = option_set_other(options, type, option, value, size);
    if (other >= 0) return other;
    const struct option_row *row = option_find(option);
    if (!row || !(row->access & OPTION_SET)) return EINVAL;
    if (row->types && !(row->types >> type & 1)) return EINVAL;
    const int error = option_set_row(options, row, value, size);
    if (error != 0) return error;
    // The last word about either decides.
    if (option == ZMQ_PLAIN_SERVER)
        options->mechanism = options->plain_server ? ZMQ_PLAIN : ZMQ_NULL;
    if (option == ZMQ_CURVE_SERVER)
        options->mechanism = options->curve_server ? ZMQ_CURVE : ZMQ_NULL;
    *alive = row->access & OPTION_LIVE;
    return 0;
}

int zmq__option_give(void *value, size_t *size, const void *from, size_t count)
{
    if (*size < count || (!value && count > 0)) return EINVAL;
    if (count > 0) memcpy(value, from, count);
    *size = count;
    return 0;
}

// One of a size that everybody knows: no other room will do.
static int option_give_exactly(void *value, size_t *size, const void *from, size_t count)
{
    return *size == count ? zmq__option_give(value, size, from, count) : EINVAL;
}

static int option_get_row(const struct zmq__options *options, const struct option_row *row,
                          void *value, size_t *size)
{
    const void *const at = (const char *)options + row->offset;
    char text[ZMTP_KEY_TEXT_SIZE];
    int number;
    switch ((enum option_kind)row->kind) {
    case OPTION_I64:
    case OPTION_U64:
        return option_give_exactly(value, size, at, sizeof(int64_t));
    case OPTION_TEXT:
    case OPTION_TEXT_OR_EMPTY:
    case OPTION_TEXT_SOME:
    case OPTION_CREDENTIAL:
        return zmq__option_give(value, size, ((const struct zmq__text *)at)->octets,
                                ((const struct zmq__text *)at)->size + 1u);
    case OPTION_KEY:
        if (*size == ZMTP_KEY_SIZE) return zmq__option_give(value, size, at, ZMTP_KEY_SIZE);
        zmtp_key_encode(at, text);
        return option_give_exactly(value, size, text, sizeof text);
    case OPTION_INT:
    case OPTION_BOOL:
    case OPTION_FLAG:
    case OPTION_INVERSE:
    case OPTION_DECISECONDS:
        break;
    }
    memcpy(&number, at, sizeof number);
    if (row->kind == OPTION_INVERSE) number = !number;
    return option_give_exactly(value, size, &number, sizeof number);
}

int zmq__option_give_room(int number, void *value, size_t *size)
{
    if (!value || *size < sizeof number) return EINVAL;
    memset(value, 0, *size);
    memcpy(value, &number, sizeof number);
    *size = sizeof number;
    return 0;
}

int zmq__options_get(const struct zmq__options *options, enum zmtp_socket_type type, int option,
                     void *value, size_t *size)
{
    const int number = (int)type;
    if (option == ZMQ_TYPE) return option_give_exactly(value, size, &number, sizeof number);
    if (option == ZMQ_THREAD_SAFE)
        return zmq__option_give_room(zmq__options_safe(type), value, size);
    if (option == ZMQ_ROUTING_ID)
        return zmq__option_give(value, size, options->routing_id.data, options->routing_id.size);
    const struct option_row *row = option_find(option);
    if (!row || !(row->access & OPTION_GET)) return EINVAL;
    return option_get_row(options, row, value, size);
}
