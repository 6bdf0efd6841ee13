#include "ip.h"

#include <string.h>

// What is left of a text.
struct ip_text {
    const uint8_t *at, *end;
};

static bool ip_take(struct ip_text *text, char octet)
{
    if (text->at == text->end || *text->at != (uint8_t)octet) return false;
    text->at++;
    return true;
}

// A decimal number up to |max|, without zeros before it.
static bool ip_decimal(struct ip_text *text, uint32_t max, uint32_t *out)
{
    const uint8_t *const begin = text->at;
    uint64_t number = 0;
    while (text->at < text->end && *text->at >= '0' && *text->at <= '9') {
        number = number * 10 + (uint64_t)(*text->at++ - '0');
        if (number > max) return false;
    }
    if (text->at == begin || (*begin == '0' && text->at > begin + 1)) return false;
    *out = (uint32_t)number;
    return true;
}

static bool ip_four(struct ip_text *text, uint8_t out[4])
{
    for (size_t i = 0; i < 4; i++) {
        uint32_t octet;
        if (i > 0 && !ip_take(text, '.')) return false;
        if (!ip_decimal(text, UINT8_MAX, &octet)) return false;
        out[i] = (uint8_t)octet;
    }
    return true;
}

static int ip_digit(uint8_t octet)
{
    if (octet >= '0' && octet <= '9') return octet - '0';
    if (octet >= 'a' && octet <= 'f') return octet - 'a' + 10;
    if (octet >= 'A' && octet <= 'F') return octet - 'A' + 10;
    return -1;
}

// One to four hexadecimal digits.
static bool ip_group(struct ip_text *text, uint8_t out[2])
{
    unsigned number = 0;
    size_t digits = 0;
    while (text->at < text->end && digits < 4) {
        const int digit = ip_digit(*text->at);
        if (digit < 0) break;
        number = number << 4 | (unsigned)digit;
        text->at++;
        digits++;
    }
    out[0] = (uint8_t)(number >> 8);
    out[1] = (uint8_t)number;
    return digits > 0;
}

// Does an IPv4 address come next, as the last part of an IPv6 one?
static bool ip_embeds_four(struct ip_text text)
{
    while (text.at < text.end && *text.at >= '0' && *text.at <= '9')
        text.at++;
    return text.at < text.end && *text.at == '.';
}

// RFC 4291, 2.2: groups between colons; "::" once, for as many zeros as are missing.
static bool ip_six(struct ip_text *text, uint8_t out[16])
{
    size_t filled = 0, gap = SIZE_MAX;
    memset(out, 0, 16);
    if (ip_take(text, ':')) {
        if (!ip_take(text, ':')) return false;
        gap = 0;
    }
    // After a gap there may be nothing more.
    while (filled < 16 && !(gap == filled && (text->at == text->end || ip_digit(*text->at) < 0))) {
        if (filled <= 12 && ip_embeds_four(*text)) {
            if (!ip_four(text, out + filled)) return false;
            filled += 4;
            break;
        }
        if (!ip_group(text, out + filled)) return false;
        filled += 2;
        if (filled == 16 || !ip_take(text, ':')) break;
        if (gap == SIZE_MAX && ip_take(text, ':')) gap = filled;
    }
    if (gap == SIZE_MAX) return filled == 16;
    if (filled == 16) return false;
    memmove(out + 16 - (filled - gap), out + gap, filled - gap);
    memset(out + gap, 0, 16 - filled);
    return true;
}

bool zmtp__ip_parse(struct zmtp_bytes bytes, struct zmtp__ip *out)
{
    if (bytes.size == 0 || bytes.size > ZMTP__IP_TEXT_MAX) return false;
    struct ip_text text = {bytes.data, bytes.data + bytes.size};
    struct zmtp__ip ip = {.six = false};
    uint32_t port;
    if (text.end[-1] == 0) text.end--;
    if (ip_take(&text, '[')) {
        ip.six = true;
        if (!ip_six(&text, ip.octets)) return false;
        if (ip_take(&text, '%') && !ip_decimal(&text, UINT32_MAX, &ip.scope)) return false;
        if (!ip_take(&text, ']')) return false;
    } else if (!ip_four(&text, ip.octets)) {
        return false;
    }
    if (!ip_take(&text, ':') || !ip_decimal(&text, UINT16_MAX, &port)) return false;
    if (port == 0 || text.at != text.end) return false;
    ip.port = (uint16_t)port;
    *out = ip;
    return true;
}

bool zmtp__ip_equal(const struct zmtp__ip *a, const struct zmtp__ip *b)
{
    return a->six == b->six && a->scope == b->scope && a->port == b->port &&
           memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

enum { IP_MAPPED_BITS = 96 };
static const uint8_t ip_mapped_prefix[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

void zmtp__ip_map(const uint8_t four[4], uint8_t out[16])
{
    memcpy(out, ip_mapped_prefix, sizeof ip_mapped_prefix);
    memcpy(out + sizeof ip_mapped_prefix, four, 4);
}

bool zmtp__ip_mapped(const uint8_t octets[16])
{
    return memcmp(octets, ip_mapped_prefix, sizeof ip_mapped_prefix) == 0;
}

// An address without a port. |*six|: it was written as IPv6.
static bool ip_address(struct ip_text *text, uint8_t out[16], bool *six)
{
    const struct ip_text begin = *text;
    uint8_t four[4];
    *six = false;
    if (ip_four(text, four)) {
        zmtp__ip_map(four, out);
        return true;
    }
    *text = begin;
    *six = true;
    if (ip_take(text, '[')) return ip_six(text, out) && ip_take(text, ']');
    return ip_six(text, out);
}

enum zmtp__ip_flaw zmtp__ip_network_parse(struct zmtp_bytes bytes, struct zmtp__ip_network *out)
{
    if (bytes.size == 0 || bytes.size > ZMTP__IP_TEXT_MAX) return ZMTP__IP_NO_ADDRESS;
    struct ip_text text = {bytes.data, bytes.data + bytes.size};
    struct zmtp__ip_network network;
    bool six;
    uint32_t bits;
    if (!ip_address(&text, network.octets, &six)) return ZMTP__IP_NO_ADDRESS;
    network.bits = 128;
    if (ip_take(&text, '/')) {
        if (!ip_decimal(&text, six ? 128 : 32, &bits)) return ZMTP__IP_NO_BITS;
        if (text.at != text.end) return ZMTP__IP_NO_BITS;
        network.bits = (uint8_t)(six ? bits : IP_MAPPED_BITS + bits);
    }
    if (text.at != text.end) return ZMTP__IP_NO_ADDRESS;
    *out = network;
    return ZMTP__IP_FLAWLESS;
}

bool zmtp__ip_network_has(const struct zmtp__ip_network *network, const uint8_t octets[16])
{
    const size_t whole = network->bits / 8;
    const unsigned rest = network->bits % 8;
    if (zmtp__ip_mapped(octets) && network->bits < IP_MAPPED_BITS) return false;
    if (memcmp(network->octets, octets, whole) != 0) return false;
    return rest == 0 || (network->octets[whole] ^ octets[whole]) >> (8 - rest) == 0;
}
