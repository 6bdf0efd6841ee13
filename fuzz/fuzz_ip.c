// Addresses with ports: the same texts are read as the system reads, and to the same octets.
#include <arpa/inet.h>
#include <stdio.h>

#include "check.h"
#include "fuzz.h"
#include "zmtp/base/ip.h"

// The system's reading of an address without scope. False: it is none.
static bool system_reads(bool six, const char *host, uint8_t octets[16])
{
    return inet_pton(six ? AF_INET6 : AF_INET, host, octets) == 1;
}

// Writes |ip| out with the system's help, for it to be read again.
static void check_again(const struct zmtp__ip *ip)
{
    char host[INET6_ADDRSTRLEN], text[ZMTP__IP_TEXT_MAX];
    struct zmtp__ip again;
    fuzz_check(inet_ntop(ip->six ? AF_INET6 : AF_INET, ip->octets, host, sizeof host) != NULL);
    if (ip->scope > 0)
        (void)snprintf(text, sizeof text, "[%s%%%u]:%u", host, ip->scope, ip->port);
    else
        (void)snprintf(text, sizeof text, ip->six ? "[%s]:%u" : "%s:%u", host, ip->port);
    fuzz_check(zmtp__ip_parse(zmtp_bytes_text(text), &again));
    fuzz_check(zmtp__ip_equal(ip, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *const host = malloc(size + 8);
    fuzz_check(host != NULL);
    struct zmtp__ip ip;
    if (zmtp__ip_parse(zmtp_bytes_of(data, size), &ip)) check_again(&ip);

    // The whole input as a host, with a port put behind it.
    for (int six = 0; six <= 1 && size < ZMTP__IP_TEXT_MAX - 8; six++) {
        uint8_t octets[16] = {0};
        char text[ZMTP__IP_TEXT_MAX];
        if (size > 0) memcpy(host, data, size);
        host[size] = '\0';
        if (strlen(host) != size || strchr(host, '%')) break;
        const int length = snprintf(text, sizeof text, six ? "[%s]:9" : "%s:9", host);
        const bool ours = zmtp__ip_parse(zmtp_bytes_of(text, (size_t)length), &ip) && ip.six == six;
        fuzz_check(ours == system_reads(six, host, octets));
        if (ours) fuzz_check(ip.port == 9 && memcmp(ip.octets, octets, six ? 16 : 4) == 0);
    }
    free(host);
    return 0;
}
