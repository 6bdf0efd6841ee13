// Topics and ids as strings of symbols of nine bits, for trees that branch at the first bit in which two differ: the
// ninth, which is the highest, says whether there is an octet, so that where one ends is a difference too.
#ifndef ZMTP_SOCKET_SYMBOLS_H
#define ZMTP_SOCKET_SYMBOLS_H

#include "../base.h"

// The number of the ninth bit.
enum { ZMTP__SYMBOL_EXISTS = 8 };

static inline unsigned zmtp__symbol(struct zmtp_bytes octets, size_t place)
{
    return place < octets.size ? 1u << ZMTP__SYMBOL_EXISTS | octets.data[place] : 0u;
}

// How many first octets both have in common.
static inline size_t zmtp__symbols_shared(struct zmtp_bytes a, struct zmtp_bytes b)
{
    const size_t size = a.size < b.size ? a.size : b.size;
    size_t shared = 0;
    while (shared < size && a.data[shared] == b.data[shared])
        shared++;
    return shared;
}

// The number of the highest bit in which the symbols at |place| differ, as they do.
static inline unsigned zmtp__symbols_bit(struct zmtp_bytes a, struct zmtp_bytes b, size_t place)
{
    const unsigned difference = zmtp__symbol(a, place) ^ zmtp__symbol(b, place);
    unsigned bit = ZMTP__SYMBOL_EXISTS;
    while (!(difference >> bit & 1u))
        bit--;
    return bit;
}

#endif
