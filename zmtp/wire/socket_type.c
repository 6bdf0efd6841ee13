#include "../base/reader.h"
#include "../wire.h"

_Static_assert((int)ZMTP_SOCKET_TYPES <= 32, "a set of types is one 32-bit mask");

#define SOCKET_TYPE_BIT(type) (UINT32_C(1) << (type))

struct socket_type_entry {
    const char *name;
    uint32_t speaks_to; // a set of types; empty for those that are never on the wire
};

// RFC 37, The Socket-Type Property.
static const struct socket_type_entry socket_type_entries[ZMTP_SOCKET_TYPES] = {
    [ZMTP_PAIR] = {"PAIR", SOCKET_TYPE_BIT(ZMTP_PAIR)},
    [ZMTP_PUB] = {"PUB", SOCKET_TYPE_BIT(ZMTP_SUB) | SOCKET_TYPE_BIT(ZMTP_XSUB)},
    [ZMTP_SUB] = {"SUB", SOCKET_TYPE_BIT(ZMTP_PUB) | SOCKET_TYPE_BIT(ZMTP_XPUB)},
    [ZMTP_REQ] = {"REQ", SOCKET_TYPE_BIT(ZMTP_REP) | SOCKET_TYPE_BIT(ZMTP_ROUTER)},
    [ZMTP_REP] = {"REP", SOCKET_TYPE_BIT(ZMTP_REQ) | SOCKET_TYPE_BIT(ZMTP_DEALER)},
    [ZMTP_DEALER] = {"DEALER", SOCKET_TYPE_BIT(ZMTP_REP) | SOCKET_TYPE_BIT(ZMTP_DEALER) |
                                   SOCKET_TYPE_BIT(ZMTP_ROUTER)},
    [ZMTP_ROUTER] = {"ROUTER", SOCKET_TYPE_BIT(ZMTP_REQ) | SOCKET_TYPE_BIT(ZMTP_DEALER) |
                                   SOCKET_TYPE_BIT(ZMTP_ROUTER)},
    [ZMTP_PULL] = {"PULL", SOCKET_TYPE_BIT(ZMTP_PUSH)},
    [ZMTP_PUSH] = {"PUSH", SOCKET_TYPE_BIT(ZMTP_PULL)},
    [ZMTP_XPUB] = {"XPUB", SOCKET_TYPE_BIT(ZMTP_SUB) | SOCKET_TYPE_BIT(ZMTP_XSUB)},
    [ZMTP_XSUB] = {"XSUB", SOCKET_TYPE_BIT(ZMTP_PUB) | SOCKET_TYPE_BIT(ZMTP_XPUB)},
    [ZMTP_STREAM] = {"STREAM", 0},
    [ZMTP_SERVER] = {"SERVER", SOCKET_TYPE_BIT(ZMTP_CLIENT)},
    [ZMTP_CLIENT] = {"CLIENT", SOCKET_TYPE_BIT(ZMTP_SERVER)},
    [ZMTP_RADIO] = {"RADIO", SOCKET_TYPE_BIT(ZMTP_DISH)},
    [ZMTP_DISH] = {"DISH", SOCKET_TYPE_BIT(ZMTP_RADIO)},
    [ZMTP_GATHER] = {"GATHER", SOCKET_TYPE_BIT(ZMTP_SCATTER)},
    [ZMTP_SCATTER] = {"SCATTER", SOCKET_TYPE_BIT(ZMTP_GATHER)},
    [ZMTP_DGRAM] = {"DGRAM", 0},
    [ZMTP_PEER] = {"PEER", SOCKET_TYPE_BIT(ZMTP_PEER)},
    [ZMTP_CHANNEL] = {"CHANNEL", SOCKET_TYPE_BIT(ZMTP_CHANNEL)},
};

// An enum's value may come from a caller's integer, so its range is not believed.
static bool socket_type_ok(enum zmtp_socket_type type)
{
    return (unsigned)type < ZMTP_SOCKET_TYPES;
}

const char *zmtp_socket_type_name(enum zmtp_socket_type type)
{
    return socket_type_ok(type) ? socket_type_entries[type].name : "?";
}

int zmtp_socket_type_parse(struct zmtp_bytes name, enum zmtp_socket_type *out)
{
    if (!out || !zmtp__octets_ok(name)) return ZMTP_ERR_ARGUMENT;
    for (unsigned i = 0; i < ZMTP_SOCKET_TYPES; i++) {
        const struct socket_type_entry *const entry = &socket_type_entries[i];
        if (entry->speaks_to == 0) continue;
        if (!zmtp_bytes_equal(name, zmtp_bytes_text(entry->name))) continue;
        *out = (enum zmtp_socket_type)i;
        return ZMTP_OK;
    }
    return ZMTP_ERR_NOT_FOUND;
}

bool zmtp_socket_types_match(enum zmtp_socket_type ours, enum zmtp_socket_type theirs)
{
    if (!socket_type_ok(ours) || !socket_type_ok(theirs)) return false;
    return socket_type_entries[ours].speaks_to & SOCKET_TYPE_BIT(theirs);
}
