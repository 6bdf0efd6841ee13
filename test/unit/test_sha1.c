// SHA-1 against the examples of FIPS 180 and known sums around the size of a block.
#include "test/support/octets.h"
#include "zmtp/ws/sha1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void assert_sum(struct zmtp_bytes in, const char *hexadecimal)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[ZMTP__SHA1_SIZE];
    char text[2 * ZMTP__SHA1_SIZE + 1] = {0};
    zmtp__sha1(in, sum);
    for (size_t i = 0; i < sizeof sum; i++) {
        text[2 * i] = digits[sum[i] >> 4];
        text[2 * i + 1] = digits[sum[i] & 15];
    }
    assert_string_equal(text, hexadecimal);
}

static void test_the_examples_of_fips_180(void **state)
{
    (void)state;
    assert_sum(LITERAL("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_sum(LITERAL("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
               "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    assert_sum((struct zmtp_bytes){0}, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

static void test_sizes_around_a_block(void **state)
{
    (void)state;
    // Sums of so many octets 'a', from coreutils' sha1sum.
    static const struct {
        size_t size;
        const char *sum;
    } cases[] = {
        {1, "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"},
        {55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"},
        {56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"},
        {63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"},
        {64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"},
        {65, "11655326c708d70319be2610e8a57d9a5b959d3b"},
        {119, "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56"},
        {120, "f34c1488385346a55709ba056ddd08280dd4c6d6"},
        {128, "ad5b3fdbcb526778c2839d2f151ea753995e26a0"},
        {1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t *const octets = malloc(cases[i].size);
        assert_non_null(octets);
        memset(octets, 'a', cases[i].size);
        assert_sum(zmtp_bytes_of(octets, cases[i].size), cases[i].sum);
        free(octets);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_examples_of_fips_180),
        cmocka_unit_test(test_sizes_around_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
