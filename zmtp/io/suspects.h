// Addresses of IP from which handshakes have failed lately (RFC 37, Security Considerations). A table of a
// fixed size, so that however many there are, they take no more memory; who comes from many addresses
// makes it forget, and is left to the limits of the listener.
#ifndef ZMTP_IO_SUSPECTS_H
#define ZMTP_IO_SUSPECTS_H

#include "address.h"

// Who one's neighbours are told apart by: an IPv4 address, or an IPv6 network of 64 bits, as that is what
// one host can have all of.
struct zmtp__source {
    bool known; // false over ipc and vsock
    uint8_t octets[8];
};
struct zmtp__source zmtp__source_of(const struct zmtp__address *address);
bool zmtp__source_equal(const struct zmtp__source *a, const struct zmtp__source *b);

struct zmtp__suspects;
// |failures_max| of an address in a minute make it one that is not heard any more until that minute is over.
int zmtp__suspects_open(struct zmtp__suspects **out, uint32_t failures_max,
                        const struct zmtp_allocator *allocator);
// All of these take null: nobody is suspected.
void zmtp__suspects_close(struct zmtp__suspects *suspects);
void zmtp__suspects_note(struct zmtp__suspects *suspects, const struct zmtp__source *source,
                         uint64_t now_ms);
bool zmtp__suspects_has(const struct zmtp__suspects *suspects, const struct zmtp__source *source,
                        uint64_t now_ms);

#endif
