#include "security.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_random(void *context, uint8_t *out, size_t size)
{
    struct random *random = context;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)random_next(random);
}

void test_crypto_init(struct test_crypto *crypto, uint64_t seed)
{
    const struct zmtp_crypto *const sodium = zmtp_sodium();
    assert_non_null(sodium);
    crypto->table = *sodium;
    crypto->random = random_of(seed);
    crypto->table.random = test_random;
    crypto->table.context = &crypto->random;
}

static unsigned test_digit(char c)
{
    const char *const digits = "0123456789abcdef", *const found = strchr(digits, c);
    assert_true(c != '\0' && found);
    return (unsigned)(found - digits);
}

size_t test_unhex(const char *text, uint8_t *out, size_t max)
{
    const size_t size = strlen(text) / 2;
    assert_true(strlen(text) % 2 == 0 && size <= max);
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(test_digit(text[2 * i]) << 4 | test_digit(text[2 * i + 1]));
    return size;
}

struct zmtp_key test_key(const char *hex)
{
    struct zmtp_key key;
    assert_int_equal(test_unhex(hex, key.octets, sizeof key.octets), ZMTP_KEY_SIZE);
    return key;
}
