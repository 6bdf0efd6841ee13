// Octets for tests: spelled out in place, copied so that an overrun is seen, and fed prefix by prefix.
#ifndef TEST_SUPPORT_OCTETS_H
#define TEST_SUPPORT_OCTETS_H

#include "zmtp/base.h"

// A view of the octets named: OCTETS(0x04, 0x00). It lives as long as the block it stands in.
#define OCTETS(...)                                                                                \
    ((struct zmtp_bytes){(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})})
// A view of a string literal's octets, without the terminator. Zeros inside it count.
#define LITERAL(text) ((struct zmtp_bytes){(const uint8_t *)("" text), sizeof(text) - 1})

// Fails the test unless both hold the same octets.
void octets_assert_equal(struct zmtp_bytes actual, struct zmtp_bytes expected);

// A copy of the first |size| octets of |in| in a heap block of exactly that size, so that a sanitizer
// sees the first octet read beyond it. Free it with octets_drop().
struct zmtp_bytes octets_prefix(struct zmtp_bytes in, size_t size);
void octets_drop(struct zmtp_bytes copy);

// Gives |decode| every prefix of |in|, the empty one and the whole among them, and fails the test
// unless it is monotone: it says 0 up to some prefix, and one and the same result from there on, which
// never claims more octets than that prefix has. Returns the size of that prefix, or SIZE_MAX when the
// result is 0 throughout; |result| is what the whole yields.
size_t octets_verdict(struct zmtp_bytes in, int (*decode)(struct zmtp_bytes in), int *result);

#endif
