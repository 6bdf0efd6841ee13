// Base64: the examples of RFC 4648, section 10, and what is not the one encoding of its octets.
#include "test/support/octets.h"
#include "zmtp/ws/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void test_the_examples_of_rfc_4648_go_both_ways(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t text[16], back[16];
        const struct zmtp_bytes in = zmtp_bytes_text(cases[i][0]);
        const struct zmtp_bytes out = zmtp_bytes_text(cases[i][1]);
        zmtp__base64_encode(in, text);
        assert_int_equal(ZMTP__BASE64_SIZE(in.size), out.size);
        octets_assert_equal(zmtp_bytes_of(text, out.size), out);
        assert_true(zmtp__base64_decode(out, back, in.size));
        octets_assert_equal(zmtp_bytes_of(back, in.size), in);
    }
}

static void test_all_octets_come_back(void **state)
{
    (void)state;
    for (unsigned octet = 0; octet < 256; octet++) {
        const uint8_t in[4] = {(uint8_t)octet, (uint8_t)~octet, 0xFF, (uint8_t)octet};
        uint8_t text[8], back[4];
        zmtp__base64_encode(zmtp_bytes_of(in, sizeof in), text);
        assert_true(zmtp__base64_decode(zmtp_bytes_of(text, sizeof text), back, sizeof back));
        assert_memory_equal(in, back, sizeof in);
    }
}

static void test_nothing_but_the_one_encoding_passes(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Zg",   "Zg=",  "Zg===", "Zh==", // another bit behind the octet
        "Zg=A", "Z===", "=g==",  "Zg =", "Zg\n=", "Z-==", "Z_==", "",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t out[1];
        assert_false(zmtp__base64_decode(zmtp_bytes_text(texts[i]), out, sizeof out));
    }
    uint8_t out[1];
    assert_false(zmtp__base64_decode(LITERAL("Z\0=="), out, sizeof out));
    assert_false(zmtp__base64_decode(LITERAL("\x80g=="), out, sizeof out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_examples_of_rfc_4648_go_both_ways),
        cmocka_unit_test(test_all_octets_come_back),
        cmocka_unit_test(test_nothing_but_the_one_encoding_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
