// Options by number: what each is, and how that is said to the network.
#include <limits.h>
#include <string.h>

#include "../curve.h"
#include "socket.h"
#include "wait.h"

enum option_kind {
    OPTION_NUMBER,
    OPTION_WIDE, // a number of 64 bits
    OPTION_TEXT, // octets that the network gives with a zero octet
    OPTION_KEY,
    OPTION_OCTETS,
};

enum { OPTION_GET = 1, OPTION_SET = 2, OPTION_BOTH = 3 };

static const struct option_row {
    uint8_t number, kind, access;
} option_rows[] = {
    {ZMTP_FFI_OPTION_AFFINITY, OPTION_WIDE, OPTION_BOTH},
    {ZMTP_FFI_OPTION_ROUTING_ID, OPTION_OCTETS, OPTION_BOTH},
    {ZMTP_FFI_OPTION_SNDBUF, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_RCVBUF, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_TYPE, OPTION_NUMBER, OPTION_GET},
    {ZMTP_FFI_OPTION_LINGER, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_RECONNECT_IVL, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_BACKLOG, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_RECONNECT_IVL_MAX, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_MAXMSGSIZE, OPTION_WIDE, OPTION_BOTH},
    {ZMTP_FFI_OPTION_SNDHWM, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_RCVHWM, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_MULTICAST_HOPS, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_LAST_ENDPOINT, OPTION_TEXT, OPTION_GET},
    {ZMTP_FFI_OPTION_ROUTER_MANDATORY, OPTION_NUMBER, OPTION_SET},
    {ZMTP_FFI_OPTION_TCP_KEEPALIVE, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_TCP_KEEPALIVE_CNT, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_TCP_KEEPALIVE_IDLE, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_TCP_KEEPALIVE_INTVL, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_IMMEDIATE, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_XPUB_VERBOSE, OPTION_NUMBER, OPTION_SET},
    {ZMTP_FFI_OPTION_IPV6, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_MECHANISM, OPTION_NUMBER, OPTION_GET},
    {ZMTP_FFI_OPTION_PLAIN_SERVER, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_PLAIN_USERNAME, OPTION_TEXT, OPTION_BOTH},
    {ZMTP_FFI_OPTION_PLAIN_PASSWORD, OPTION_TEXT, OPTION_BOTH},
    {ZMTP_FFI_OPTION_CURVE_SERVER, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_CURVE_PUBLICKEY, OPTION_KEY, OPTION_BOTH},
    {ZMTP_FFI_OPTION_CURVE_SECRETKEY, OPTION_KEY, OPTION_BOTH},
    {ZMTP_FFI_OPTION_CURVE_SERVERKEY, OPTION_KEY, OPTION_BOTH},
    {ZMTP_FFI_OPTION_PROBE_ROUTER, OPTION_NUMBER, OPTION_SET},
    {ZMTP_FFI_OPTION_REQ_CORRELATE, OPTION_NUMBER, OPTION_SET},
    {ZMTP_FFI_OPTION_REQ_RELAXED, OPTION_NUMBER, OPTION_SET},
    {ZMTP_FFI_OPTION_CONFLATE, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_ZAP_DOMAIN, OPTION_TEXT, OPTION_BOTH},
    {ZMTP_FFI_OPTION_ROUTER_HANDOVER, OPTION_NUMBER, OPTION_SET},
    {ZMTP_FFI_OPTION_TOS, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_CONNECT_ROUTING_ID, OPTION_OCTETS, OPTION_SET},
    {ZMTP_FFI_OPTION_HANDSHAKE_IVL, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_XPUB_NODROP, OPTION_NUMBER, OPTION_SET},
    {ZMTP_FFI_OPTION_XPUB_MANUAL, OPTION_NUMBER, OPTION_SET},
    {ZMTP_FFI_OPTION_XPUB_WELCOME_MSG, OPTION_OCTETS, OPTION_SET},
    {ZMTP_FFI_OPTION_STREAM_NOTIFY, OPTION_NUMBER, OPTION_SET},
    {ZMTP_FFI_OPTION_INVERT_MATCHING, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_HEARTBEAT_IVL, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_HEARTBEAT_TTL, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_HEARTBEAT_TIMEOUT, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_XPUB_VERBOSER, OPTION_NUMBER, OPTION_SET},
    {ZMTP_FFI_OPTION_CONNECT_TIMEOUT, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_TCP_MAXRT, OPTION_NUMBER, OPTION_BOTH},
    {ZMTP_FFI_OPTION_BINDTODEVICE, OPTION_TEXT, OPTION_BOTH},
    {ZMTP_FFI_OPTION_METADATA, OPTION_OCTETS, OPTION_SET},
};

// ZMTP_FFI_NOT_FOUND, ZMTP_FFI_UNSUPPORTED (not that way), ZMTP_FFI_ARGUMENT (not of that kind).
static int32_t option_find(int32_t number, unsigned access, bool octets,
                           const struct option_row **row)
{
    const struct option_row *at = option_rows;
    const struct option_row *const end = option_rows + sizeof option_rows / sizeof *option_rows;
    while (at < end && at->number != number)
        at++;
    if (at == end) return ZMTP_FFI_NOT_FOUND;
    if (!(at->access & access)) return ZMTP_FFI_UNSUPPORTED;
    if ((at->kind > OPTION_WIDE) != octets) return ZMTP_FFI_ARGUMENT;
    *row = at;
    return ZMTP_FFI_OK;
}

int32_t zmtp_ffi_set_number(uint64_t handle, int32_t option, int64_t value)
{
    const struct option_row *row;
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_SOCKET, __func__, &code);
    if (!slot) return code;
    const struct zmtp__ffi_socket *const socket = slot->object;
    const int narrow = value < INT_MIN || value > INT_MAX ? 0 : (int)value;
    code = option_find(option, OPTION_SET, false, &row);
    if (code >= 0 && row->kind == OPTION_WIDE)
        code = zmtp__ffi_net_set(socket->net, option, &value, sizeof value);
    else if (code >= 0 && narrow != value)
        code = ZMTP_FFI_ARGUMENT;
    else if (code >= 0)
        code = zmtp__ffi_net_set(socket->net, option, &narrow, sizeof narrow);
    zmtp__ffi_depart(slot);
    return code;
}

int32_t zmtp_ffi_get_number(uint64_t handle, int32_t option, int64_t *value)
{
    const struct option_row *row;
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_SOCKET, __func__, &code);
    if (!slot) return code;
    const struct zmtp__ffi_socket *const socket = slot->object;
    int64_t wide = 0;
    int narrow = 0;
    code = value ? option_find(option, OPTION_GET, false, &row) : ZMTP_FFI_ARGUMENT;
    if (code >= 0) {
        const bool is_wide = row->kind == OPTION_WIDE;
        size_t size = is_wide ? sizeof wide : sizeof narrow;
        code = zmtp__ffi_net_get(socket->net, option, is_wide ? (void *)&wide : &narrow, &size);
        if (code >= 0) *value = is_wide ? wide : narrow;
    }
    zmtp__ffi_depart(slot);
    return code;
}

int32_t zmtp_ffi_set_octets(uint64_t handle, int32_t option, const void *octets, size_t size)
{
    const struct option_row *row;
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_SOCKET, __func__, &code);
    if (!slot) return code;
    const struct zmtp__ffi_socket *const socket = slot->object;
    code = option_find(option, OPTION_SET, true, &row);
    if (code >= 0 && !octets && size > 0) code = ZMTP_FFI_ARGUMENT;
    if (code >= 0) code = zmtp__ffi_net_set(socket->net, option, octets, size);
    zmtp__ffi_depart(slot);
    return code;
}

int64_t zmtp_ffi_get_octets(uint64_t handle, int32_t option, void *room, size_t size)
{
    const struct option_row *row;
    int32_t code;
    struct zmtp__ffi_slot *const slot =
        zmtp__ffi_enter(handle, ZMTP_FFI_KIND_SOCKET, __func__, &code);
    if (!slot) return code;
    const struct zmtp__ffi_socket *const socket = slot->object;
    char octets[ZMTP_FFI_ENDPOINT_MAX];
    size_t found = 0;
    code = room || size == 0 ? option_find(option, OPTION_GET, true, &row) : ZMTP_FFI_ARGUMENT;
    if (code >= 0) {
        found = row->kind == OPTION_KEY ? ZMTP_FFI_KEY_SIZE : sizeof octets;
        code = zmtp__ffi_net_get(socket->net, option, octets, &found);
    }
    if (code >= 0 && row->kind == OPTION_TEXT && found > 0) found--;
    if (code >= 0 && found > size) code = ZMTP_FFI_LIMIT;
    if (code >= 0 && found > 0) memcpy(room, octets, found);
    zmtp_wipe(octets, sizeof octets);
    zmtp__ffi_depart(slot);
    return code < 0 ? code : (int64_t)found;
}
