// Addresses of IP with a port, as text: "127.0.0.1:5555", "[::1]:5555", "[fe80::1%2]:5555". Numbers
// only; names are the resolver's part.
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

#endif
