// Addresses of IP as text: with a port, "127.0.0.1:5555", "[::1]:5555", "[fe80::1%2]:5555"; and networks,
// "10.0.0.0/8". Numbers only; names are the resolver's part.
#ifndef ZMTP_BASE_IP_H
#define ZMTP_BASE_IP_H

#include "../base.h"

struct zmtp__ip {
    bool six;           // IPv6; else IPv4, in the first four octets
    uint8_t octets[16]; // as on the wire
    uint32_t scope;     // IPv6: the number of the interface; 0: none
    uint16_t port;      // not 0
};

// The longest text, with a terminator.
enum { ZMTP__IP_TEXT_MAX = 72 };

// A zero octet at the end may be there or not. False: it is no such text.
bool zmtp__ip_parse(struct zmtp_bytes text, struct zmtp__ip *out);
bool zmtp__ip_equal(const struct zmtp__ip *a, const struct zmtp__ip *b);

// A network: the addresses whose first |bits| are those of |octets|. IPv4 lies where IPv6 has it mapped
// (RFC 4291, 2.5.5.2), so that an address is the same in whichever form the system tells it.
struct zmtp__ip_network {
    uint8_t octets[16];
    uint8_t bits; // up to 128; of IPv4 the mapped ones, so at least 96
};
enum zmtp__ip_flaw {
    ZMTP__IP_FLAWLESS,
    ZMTP__IP_NO_ADDRESS,
    ZMTP__IP_NO_BITS, // a / follows, but no number up to 32, or 128 for IPv6
};
// "10.0.0.0/8", "fd00::/8"; an address alone, "192.0.2.1" or "::1", is all of its bits. IPv6 may be between
// brackets. |out| is written only if there is no flaw. What follows the network's bits means nothing.
enum zmtp__ip_flaw zmtp__ip_network_parse(struct zmtp_bytes text, struct zmtp__ip_network *out);
// |octets| are those of IPv6, or a mapped IPv4 address. Such a one is in no network that is wider than all
// of IPv4: who writes ::/0 means IPv6.
bool zmtp__ip_network_has(const struct zmtp__ip_network *network, const uint8_t octets[16]);
// From the octets of IPv4, and whether it is such a one.
void zmtp__ip_map(const uint8_t four[4], uint8_t out[16]);
bool zmtp__ip_mapped(const uint8_t octets[16]);

#endif
