// Keys as text, and what a connection's security must consist of.
#include "test/support/octets.h"
#include "test/support/security.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

// The keys that zmq_curve(7) shows.
#define SERVER_PUBLIC "8e0bdd697628b91d8f245587ee95c5b04d48963f79259877b49cd9063aead3b7"
#define SERVER_PUBLIC_TEXT "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"

static void test_a_key_is_forty_characters_of_z85_and_back(void **state)
{
    (void)state;
    const struct zmtp_key key = test_key(SERVER_PUBLIC);
    struct zmtp_key back;
    char text[ZMTP_KEY_TEXT_SIZE];
    zmtp_key_encode(&key, text);
    assert_string_equal(text, SERVER_PUBLIC_TEXT);
    assert_int_equal(zmtp_key_decode(LITERAL(SERVER_PUBLIC_TEXT), &back), ZMTP_OK);
    assert_true(zmtp_key_equal(&key, &back));
}

static void test_what_is_no_key_leaves_the_place_as_it_was(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "",
        "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh",   // 39 characters
        "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6 ", // 41
        "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6JTKVS",
        "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni\"Lh6", // a quote
        "########################################",  // too large
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct zmtp_key key = {{7}}, before = key;
        assert_int_equal(zmtp_key_decode(zmtp_bytes_text(wrong[i]), &key), ZMTP_ERR_ARGUMENT);
        assert_true(zmtp_key_equal(&key, &before));
    }
}

static void test_keys_are_equal_only_when_every_octet_is(void **state)
{
    (void)state;
    const struct zmtp_key a = test_key(SERVER_PUBLIC);
    for (size_t i = 0; i < ZMTP_KEY_SIZE; i++) {
        struct zmtp_key b = a;
        b.octets[i] ^= 0x80;
        assert_false(zmtp_key_equal(&a, &b));
        struct zmtp_key almost_zero = {{0}};
        assert_true(zmtp_key_is_zero(&almost_zero));
        almost_zero.octets[i] = 1;
        assert_false(zmtp_key_is_zero(&almost_zero));
    }
}

static void test_wiping_leaves_zeros_and_nothing_beside(void **state)
{
    (void)state;
    uint8_t octets[6] = {1, 2, 3, 4, 5, 6};
    zmtp_wipe(octets + 1, 4);
    octets_assert_equal(zmtp_bytes_of(octets, 6), OCTETS(1, 0, 0, 0, 0, 6));
}

static void check_refused(const struct zmtp_security *security, const char *word)
{
    const char *why = NULL;
    assert_int_equal(zmtp_security_check(security, &why), ZMTP_ERR_ARGUMENT);
    assert_non_null(why);
    assert_non_null(strstr(why, word));
    assert_int_equal(zmtp_security_check(security, NULL), ZMTP_ERR_ARGUMENT);
}

// ZMTP26-GEN-01
static void test_what_a_mechanism_lacks_is_told_in_words(void **state)
{
    (void)state;
    struct test_crypto crypto;
    test_crypto_init(&crypto, 1);
    struct zmtp_security security = {.mechanism = ZMTP_NULL};
    assert_int_equal(zmtp_security_check(&security, NULL), ZMTP_OK);

    uint8_t long_name[256] = {0};
    security.mechanism = ZMTP_PLAIN;
    assert_int_equal(zmtp_security_check(&security, NULL), ZMTP_OK);
    security.username = zmtp_bytes_of(long_name, 256);
    check_refused(&security, "username");
    security.username.size = 255;
    security.password = zmtp_bytes_of(long_name, 256);
    check_refused(&security, "password");
    security.password.size = 255;
    assert_int_equal(zmtp_security_check(&security, NULL), ZMTP_OK);

    security = (struct zmtp_security){.mechanism = ZMTP_CURVE};
    check_refused(&security, "zmtp_sodium");
    security.crypto = &crypto.table;
    check_refused(&security, "pair of keys");
    security.keys.public_key.octets[0] = 1;
    check_refused(&security, "ends in _secret");
    zmtp_key_generate(&security.keys, security.crypto);
    check_refused(&security, "public key of its server");
    security.server = true;
    assert_int_equal(zmtp_security_check(&security, NULL), ZMTP_OK);
    security.keys.public_key.octets[0] ^= 1;
    check_refused(&security, "does not belong");

    security.mechanism = (enum zmtp_mechanism)7;
    check_refused(&security, "none of");
}

// ZMTP37-AUTH-01, AUTH-02
static void test_mechanisms_have_the_names_of_the_wire(void **state)
{
    (void)state;
    assert_string_equal(zmtp_mechanism_name(ZMTP_NULL), "NULL");
    assert_string_equal(zmtp_mechanism_name(ZMTP_PLAIN), "PLAIN");
    assert_string_equal(zmtp_mechanism_name(ZMTP_CURVE), "CURVE");
    assert_string_equal(zmtp_mechanism_name((enum zmtp_mechanism)3), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_key_is_forty_characters_of_z85_and_back),
        cmocka_unit_test(test_what_is_no_key_leaves_the_place_as_it_was),
        cmocka_unit_test(test_keys_are_equal_only_when_every_octet_is),
        cmocka_unit_test(test_wiping_leaves_zeros_and_nothing_beside),
        cmocka_unit_test(test_what_a_mechanism_lacks_is_told_in_words),
        cmocka_unit_test(test_mechanisms_have_the_names_of_the_wire),
    };
    return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
