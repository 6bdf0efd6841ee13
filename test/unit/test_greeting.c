// The greeting (RFC 37, Formal Grammar and Version Negotiation), octet by octet.
#include "test/support/octets.h"
#include "zmtp/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

// A whole greeting of a NULL peer: signature, 3.1, mechanism, as-server, filler.
static const uint8_t null_greeting[ZMTP_GREETING_SIZE] = {
    0xFF, 0,   0,   0,   0, 0, 0, 0, 0, 0x7F, // signature: FF, padding, 7F
    3,    1,                                  // version
    'N',  'U', 'L', 'L',                      // mechanism, null padded to 20; all the rest is zero
};
enum { AT_SIGNATURE_END = 9, AT_MAJOR = 10, AT_MINOR = 11, AT_MECHANISM = 12, AT_SERVER = 32 };

struct greeting {
    uint8_t octets[ZMTP_GREETING_SIZE];
};

static struct greeting greeting_with(size_t index, uint8_t octet)
{
    struct greeting greeting;
    memcpy(greeting.octets, null_greeting, sizeof null_greeting);
    greeting.octets[index] = octet;
    return greeting;
}

static int decode(struct zmtp_bytes in)
{
    struct zmtp_greeting greeting;
    return zmtp_greeting_decode(in, &greeting);
}

// Checks that |greeting| yields |result|, first with its first |size| octets.
static void assert_verdict(struct zmtp_bytes greeting, int result, size_t size)
{
    int actual;
    assert_int_equal(octets_verdict(greeting, decode, &actual), size);
    assert_int_equal(actual, result);
}

static void assert_changed(size_t index, uint8_t octet, int result, size_t size)
{
    const struct greeting greeting = greeting_with(index, octet);
    assert_verdict(zmtp_bytes_of(greeting.octets, sizeof greeting.octets), result, size);
}

// ZMTP37-GRAM-01, GRAM-02, GRAM-03
static void test_a_greeting_is_64_octets_and_fewer_are_not_enough(void **state)
{
    (void)state;
    assert_verdict(zmtp_bytes_of(null_greeting, sizeof null_greeting), ZMTP_GREETING_SIZE, 64);

    struct zmtp_greeting greeting;
    assert_int_equal(zmtp_greeting_decode(zmtp_bytes_of(null_greeting, 64), &greeting), 64);
    assert_int_equal(greeting.major, 3);
    assert_int_equal(greeting.minor, 1);
    assert_string_equal(greeting.mechanism, "NULL");
    assert_false(greeting.as_server);
}

static void test_octets_after_the_greeting_are_left_alone(void **state)
{
    (void)state;
    uint8_t more[ZMTP_GREETING_SIZE + 2] = {0};
    memcpy(more, null_greeting, sizeof null_greeting);
    more[64] = 0x04;
    more[65] = 0x26;
    assert_int_equal(decode(zmtp_bytes_of(more, sizeof more)), 64);
}

static void test_nothing_is_written_when_too_little_is_there_or_it_is_wrong(void **state)
{
    (void)state;
    struct zmtp_greeting greeting;
    memset(&greeting, 0x5A, sizeof greeting);
    const struct zmtp_greeting before = greeting;
    assert_int_equal(zmtp_greeting_decode(zmtp_bytes_of(null_greeting, 63), &greeting), 0);
    assert_memory_equal(&greeting, &before, sizeof before);
    const struct greeting bad = greeting_with(AT_MECHANISM + 3, 'l');
    assert_true(zmtp_greeting_decode(zmtp_bytes_of(bad.octets, 64), &greeting) < 0);
    assert_memory_equal(&greeting, &before, sizeof before);
}

// ZMTP37-VER-05, VER-03: libzmq puts its identity's length there.
static void test_padding_is_not_judged(void **state)
{
    (void)state;
    for (size_t index = 1; index <= 8; index++) {
        assert_changed(index, 0xFF, 64, 64);
        assert_changed(index, 0x01, 64, 64);
    }
}

static void test_filler_is_not_judged(void **state)
{
    (void)state;
    for (size_t index = 33; index < 64; index++) {
        assert_changed(index, 0xFF, 64, 64);
    }
}

// ZMTP37-GRAM-05, TOPO-01, LZ-02: it has no meaning without roles, and libzmq never sets it.
static void test_as_server_is_reported_and_not_judged(void **state)
{
    (void)state;
    assert_changed(AT_SERVER, 0x01, 64, 64);
    assert_changed(AT_SERVER, 0x02, 64, 64);
    const struct greeting server = greeting_with(AT_SERVER, 0x01);
    struct zmtp_greeting greeting;
    assert_int_equal(zmtp_greeting_decode(zmtp_bytes_of(server.octets, 64), &greeting), 64);
    assert_true(greeting.as_server);
}

// ZMTP37-VER-06, LZ-04: 3.0, and everything at or above 3.1.
static void test_versions_from_3_0_on_are_accepted(void **state)
{
    (void)state;
    for (unsigned version = 3; version <= 255; version++) {
        assert_changed(AT_MAJOR, (uint8_t)version, 64, 64);
    }
    for (unsigned version = 0; version <= 255; version++) {
        assert_changed(AT_MINOR, (uint8_t)version, 64, 64);
    }
}

// ZMTP37-VER-01, VER-09, BACK-02, BACK-04, SEC-01: there is no downgrade, so the connection closes
// at the 11th octet.
static void test_zmtp_2_0_is_refused_at_its_version_octet(void **state)
{
    (void)state;
    for (uint8_t version = 0; version <= 2; version++) {
        assert_changed(AT_MAJOR, version, ZMTP_ERR_VERSION, 11);
    }
}

// ZMTP37-BACK-03: an identity frame comes first, short (length, flags) or long (FF, 8 octets, flags).
static void test_zmtp_1_0_is_refused_at_its_flags_octet(void **state)
{
    (void)state;
    assert_verdict(OCTETS(0x01, 0x00, 0x03, 0x00), ZMTP_ERR_VERSION, 2);
    assert_verdict(OCTETS(0x04, 0x00, 'a', 'b', 'c'), ZMTP_ERR_VERSION, 2);
    assert_verdict(OCTETS(0xFF, 0, 0, 0, 0, 0, 0, 0, 0x03, 0x00, 'a', 'b'), ZMTP_ERR_VERSION, 10);
}

static void test_other_protocols_are_refused_at_their_second_octet(void **state)
{
    (void)state;
    assert_verdict(LITERAL("GET / HTTP/1.1\r\n"), ZMTP_ERR_GREETING, 2);
    assert_verdict(LITERAL("SSH-2.0-x\r\n"), ZMTP_ERR_GREETING, 2);
    assert_verdict(OCTETS(0x16, 0x03, 0x01, 0x02), ZMTP_ERR_GREETING, 2); // a TLS ClientHello
}

static void test_a_signature_ends_with_7f(void **state)
{
    (void)state;
    for (unsigned octet = 0; octet <= 255; octet++) {
        if (octet == 0x7F) continue;
        const int error = octet % 2 == 0 ? ZMTP_ERR_VERSION : ZMTP_ERR_GREETING;
        assert_changed(AT_SIGNATURE_END, (uint8_t)octet, error, 10);
    }
}

// ZMTP37-GRAM-04: A-Z 0-9 - _ . +
static void test_a_mechanism_is_of_the_grammars_octets_only(void **state)
{
    (void)state;
    const char *const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+";
    for (unsigned octet = 1; octet <= 255; octet++) {
        const bool good = strchr(allowed, (int)octet) != NULL;
        assert_changed(AT_MECHANISM, (uint8_t)octet, good ? 64 : ZMTP_ERR_MECHANISM,
                       good ? 64 : AT_MECHANISM + 1);
    }
}

static void test_a_mechanism_has_at_least_one_octet(void **state)
{
    (void)state;
    assert_changed(AT_MECHANISM, 0x00, ZMTP_ERR_MECHANISM, AT_MECHANISM + 1);
}

static void test_a_mechanism_is_padded_with_nulls_to_its_end(void **state)
{
    (void)state;
    assert_changed(AT_MECHANISM + 5, 'X', ZMTP_ERR_MECHANISM, AT_MECHANISM + 6); // "NULL", 0, "X"
    assert_changed(AT_MECHANISM + 19, 'X', ZMTP_ERR_MECHANISM, AT_MECHANISM + 20);
}

static void test_a_mechanism_may_fill_all_its_20_octets(void **state)
{
    (void)state;
    struct zmtp_greeting greeting = {.major = 3, .minor = 1, .mechanism = "ABCDEFGHIJ0123456789"};
    uint8_t octets[ZMTP_GREETING_SIZE];
    zmtp_greeting_encode(&greeting, octets);
    memset(&greeting, 0x5A, sizeof greeting);
    assert_int_equal(zmtp_greeting_decode(zmtp_bytes_of(octets, 64), &greeting), 64);
    assert_string_equal(greeting.mechanism, "ABCDEFGHIJ0123456789");
}

// ZMTP37-VER-04: all 64 octets, padding zero. GRAM-01 to GRAM-05, AUTH-03.
static void test_what_is_sent_is_the_grammar_to_the_octet(void **state)
{
    (void)state;
    const struct zmtp_greeting null = {.major = 3, .minor = 1, .mechanism = "NULL"};
    uint8_t octets[ZMTP_GREETING_SIZE];
    memset(octets, 0x5A, sizeof octets);
    zmtp_greeting_encode(&null, octets);
    assert_memory_equal(octets, null_greeting, sizeof null_greeting);

    const struct zmtp_greeting curve = {
        .major = 3, .minor = 0, .mechanism = "CURVE", .as_server = true};
    const uint8_t expected[ZMTP_GREETING_SIZE] = {
        0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 0, 'C', 'U', 'R', 'V', 'E', [AT_SERVER] = 1};
    zmtp_greeting_encode(&curve, octets);
    assert_memory_equal(octets, expected, sizeof expected);
}

static void test_a_mechanism_without_a_terminator_does_not_overrun(void **state)
{
    (void)state;
    struct zmtp_greeting greeting = {.major = 3, .minor = 1};
    memset(greeting.mechanism, 'Z', sizeof greeting.mechanism);
    uint8_t octets[ZMTP_GREETING_SIZE];
    zmtp_greeting_encode(&greeting, octets);
    assert_int_equal(octets[AT_MECHANISM + 19], 'Z');
    assert_int_equal(octets[AT_SERVER], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_greeting_is_64_octets_and_fewer_are_not_enough),
        cmocka_unit_test(test_octets_after_the_greeting_are_left_alone),
        cmocka_unit_test(test_nothing_is_written_when_too_little_is_there_or_it_is_wrong),
        cmocka_unit_test(test_padding_is_not_judged),
        cmocka_unit_test(test_filler_is_not_judged),
        cmocka_unit_test(test_as_server_is_reported_and_not_judged),
        cmocka_unit_test(test_versions_from_3_0_on_are_accepted),
        cmocka_unit_test(test_zmtp_2_0_is_refused_at_its_version_octet),
        cmocka_unit_test(test_zmtp_1_0_is_refused_at_its_flags_octet),
        cmocka_unit_test(test_other_protocols_are_refused_at_their_second_octet),
        cmocka_unit_test(test_a_signature_ends_with_7f),
        cmocka_unit_test(test_a_mechanism_is_of_the_grammars_octets_only),
        cmocka_unit_test(test_a_mechanism_has_at_least_one_octet),
        cmocka_unit_test(test_a_mechanism_is_padded_with_nulls_to_its_end),
        cmocka_unit_test(test_a_mechanism_may_fill_all_its_20_octets),
        cmocka_unit_test(test_what_is_sent_is_the_grammar_to_the_octet),
        cmocka_unit_test(test_a_mechanism_without_a_terminator_does_not_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
