#include "sha1.h"

#include <string.h>

#include "../base/writer.h"

enum { SHA1_BLOCK = 64, SHA1_WORDS = 5 };

static uint32_t sha1_rotate(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

// FIPS 180-4, section 4.1.1 and 4.2.1: the function and the constant of a round.
static uint32_t sha1_mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    if (round < 20) return ((b & c) | (~b & d)) + 0x5A827999u;
    if (round < 40) return (b ^ c ^ d) + 0x6ED9EBA1u;
    if (round < 60) return ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDCu;
    return (b ^ c ^ d) + 0xCA62C1D6u;
}

// FIPS 180-4, section 6.1.2.
static void sha1_block(uint32_t state[SHA1_WORDS], const uint8_t block[SHA1_BLOCK])
{
    uint32_t schedule[80];
    for (unsigned i = 0; i < 16; i++)
        schedule[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                      (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (unsigned i = 16; i < 80; i++)
        schedule[i] =
            sha1_rotate(schedule[i - 3] ^ schedule[i - 8] ^ schedule[i - 14] ^ schedule[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (unsigned i = 0; i < 80; i++) {
        const uint32_t next = sha1_rotate(a, 5) + sha1_mix(i, b, c, d) + e + schedule[i];
        e = d;
        d = c;
        c = sha1_rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void zmtp__sha1(struct zmtp_bytes in, uint8_t out[ZMTP__SHA1_SIZE])
{
    uint32_t state[SHA1_WORDS] = {0x67452301u, 0xEFCDAB89u, 0x98BADCFEu, 0x10325476u, 0xC3D2E1F0u};
    const uint64_t bits = (uint64_t)in.size * 8;
    struct zmtp_bytes rest = in;
    for (; rest.size >= SHA1_BLOCK; rest.size -= SHA1_BLOCK, rest.data += SHA1_BLOCK)
        sha1_block(state, rest.data);
    // FIPS 180-4, section 5.1.1: a one bit, zeros, and the size, in one more block or two.
    uint8_t last[2 * SHA1_BLOCK] = {0};
    if (rest.size > 0) memcpy(last, rest.data, rest.size);
    last[rest.size] = 0x80;
    const size_t size = rest.size + 1 + 8 > SHA1_BLOCK ? 2 * SHA1_BLOCK : SHA1_BLOCK;
    struct zmtp__writer tail = zmtp__writer_of(last + size - 8, 8);
    zmtp__write_be(&tail, bits, 8);
    for (size_t i = 0; i < size; i += SHA1_BLOCK)
        sha1_block(state, last + i);
    struct zmtp__writer digest = zmtp__writer_of(out, ZMTP__SHA1_SIZE);
    for (size_t i = 0; i < SHA1_WORDS; i++)
        zmtp__write_be(&digest, state[i], 4);
}
