// Networks: those in the input are read as the system reads addresses, and have the addresses that a
// comparison bit by bit says they have.
#include <arpa/inet.h>
#include <stdio.h>

#include "check.h"
#include "fuzz.h"
#include "zmtp/base/ip.h"

static unsigned bit(const uint8_t octets[16], unsigned index)
{
    return (unsigned)octets[index / 8] >> (7 - index % 8) & 1u;
}

static bool has(const struct zmtp__ip_network *network, const uint8_t octets[16])
{
    for (unsigned i = 0; i < network->bits; i++)
        if (bit(network->octets, i) != bit(octets, i)) return false;
    return network->bits >= 96 || !zmtp__ip_mapped(octets);
}

// The system's reading of the same text. Its numbers have the same forms; brackets it does not know.
static bool system_reads(const char *text, size_t size, struct zmtp__ip_network *out)
{
    char host[ZMTP__IP_TEXT_MAX + 1];
    memcpy(host, text, size);
    host[size] = '\0';
    const char *const slash = strchr(host, '/');
    const size_t length = slash ? (size_t)(slash - host) : size;
    unsigned bits;
    int end = 0;
    uint8_t four[4];
    host[length] = '\0';
    const bool is_four = inet_pton(AF_INET, host, four) == 1;
    if (is_four)
        zmtp__ip_map(four, out->octets);
    else if (inet_pton(AF_INET6, host, out->octets) != 1)
        return false;
    out->bits = 128;
    if (!slash) return true;
    const char *const number = host + length + 1;
    if (number[0] < '0' || number[0] > '9' || (number[0] == '0' && number[1])) return false;
    if (strlen(number) > 3 || sscanf(number, "%u%n", &bits, &end) != 1 || number[end]) return false;
    if (bits > (is_four ? 32u : 128u)) return false;
    out->bits = (uint8_t)(bits + (is_four ? 96 : 0));
    return true;
}

// One that differs from |network| in the last of its bits is not in it; in the next, it is.
static void check_edges(const struct zmtp__ip_network *network)
{
    for (unsigned i = 0; i < 128; i++) {
        uint8_t other[16];
        memcpy(other, network->octets, sizeof other);
        other[i / 8] = (uint8_t)(other[i / 8] ^ 1u << (7 - i % 8));
        fuzz_check(zmtp__ip_network_has(network, other) == has(network, other));
    }
    fuzz_check(zmtp__ip_network_has(network, network->octets) == has(network, network->octets));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zmtp__ip_network ours, theirs;
    const bool read = zmtp__ip_network_parse(zmtp_bytes_of(data, size), &ours) == ZMTP__IP_FLAWLESS;
    if (read) check_edges(&ours);
    if (size > ZMTP__IP_TEXT_MAX || (size > 0 && memchr(data, 0, size))) return 0;
    if (size == 0 || data[0] == '[') return 0;
    fuzz_check(read == system_reads((const char *)data, size, &theirs));
    if (!read) return 0;
    fuzz_check(ours.bits == theirs.bits);
    fuzz_check(memcmp(ours.octets, theirs.octets, sizeof ours.octets) == 0);
    return 0;
}
