#include "gate.h"

#include <string.h>

#include "../base/ip.h"

// Far more than anybody lists by hand, and few enough to be looked through for each connection.
enum { GATE_LIST_MAX = 4096 };

struct zmtp__gate {
    const struct zmtp_allocator *allocator;
    size_t count;
    struct zmtp__ip_network networks[];
};

// The next word of |*at|, which moves behind it; empty: there is none.
static struct zmtp_bytes gate_word(const char **at)
{
    *at += strspn(*at, " ");
    const struct zmtp_bytes word = zmtp_bytes_of(*at, strcspn(*at, " "));
    *at += word.size;
    return word;
}

static size_t gate_count(const char *networks)
{
    size_t count = 0;
    while (gate_word(&networks).size > 0)
        count++;
    return count;
}

const char *zmtp__gate_flaw(const char *networks)
{
    struct zmtp__ip_network network;
    if (!networks) return NULL;
    if (gate_count(networks) > GATE_LIST_MAX) return "tcp_allow has more than 4096 networks";
    for (struct zmtp_bytes word = gate_word(&networks); word.size > 0; word = gate_word(&networks))
        switch (zmtp__ip_network_parse(word, &network)) {
        case ZMTP__IP_FLAWLESS:
            break;
        case ZMTP__IP_NO_ADDRESS:
            return "tcp_allow has a word that is no address of IPv4 or IPv6 in digits, and no "
                   "network; some are 192.0.2.1, 10.0.0.0/8, ::1 and fd00::/8, with spaces between "
                   "them";
        case ZMTP__IP_NO_BITS:
            return "tcp_allow has a network whose bits, behind the /, are no number up to 32 for "
                   "IPv4, up to 128 for IPv6";
        }
    return NULL;
}

int zmtp__gate_open(struct zmtp__gate **out, const char *networks,
                    const struct zmtp_allocator *allocator)
{
    *out = NULL;
    if (!networks) return ZMTP_OK;
    const size_t count = gate_count(networks);
    struct zmtp__gate *gate = zmtp_alloc(allocator, sizeof *gate + count * sizeof *gate->networks);
    if (!gate) return ZMTP_ERR_MEMORY;
    *gate = (struct zmtp__gate){.allocator = allocator, .count = count};
    for (size_t i = 0; i < count; i++)
        (void)zmtp__ip_network_parse(gate_word(&networks), &gate->networks[i]); // has no flaw
    *out = gate;
    return ZMTP_OK;
}

void zmtp__gate_close(struct zmtp__gate *gate)
{
    if (!gate) return;
    zmtp_free(gate->allocator, gate, sizeof *gate + gate->count * sizeof *gate->networks);
}

bool zmtp__gate_admits(const struct zmtp__gate *gate, const struct zmtp__address *address)
{
    uint8_t octets[16];
    if (!gate) return true;
    if (!zmtp__address_octets(address, octets)) return false;
    for (size_t i = 0; i < gate->count; i++)
        if (zmtp__ip_network_has(&gate->networks[i], octets)) return true;
    return false;
}
