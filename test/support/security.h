// Keys and randomness for tests of PLAIN and CURVE: the same in every run.
#ifndef TEST_SUPPORT_SECURITY_H
#define TEST_SUPPORT_SECURITY_H

#include "test/support/random.h"
#include "zmtp/curve.h"

// libsodium with numbers that only look random.
struct test_crypto {
    struct zmtp_crypto table;
    struct random random;
};
void test_crypto_init(struct test_crypto *crypto, uint64_t seed);

// Octets of hexadecimal digits; returns how many there were. Fails the test when |max| are too few.
size_t test_unhex(const char *text, uint8_t *out, size_t max);
struct zmtp_key test_key(const char *hex);

#endif
