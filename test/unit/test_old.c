// ZMTP 1.0 and 2.0 as octets: RFC 13, RFC 15, and RFC 37 on how to tell them apart.
#include "test/support/octets.h"
#include "zmtp/wire/old.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define SIGNATURE "\xFF\0\0\0\0\0\0\0\1\x7F"

// The version that |in| tells from its octet |tells| on, and not before.
static void assert_detected(struct zmtp_bytes in, enum zmtp__version version, size_t tells)
{
    for (size_t size = 0; size <= in.size; size++) {
        enum zmtp__version expected = size < tells ? ZMTP__VERSION_UNKNOWN : version;
        if (size == ZMTP_SIGNATURE_SIZE && tells > size) expected = ZMTP__VERSION_SIGNED;
        assert_int_equal(zmtp__version_detect(zmtp_bytes_of(in.data, size)), expected);
    }
}

// ZMTP37-BACK-03: a first octet other than FF is a short length.
static void test_a_first_octet_that_is_no_signature_is_1_0(void **state)
{
    (void)state;
    assert_detected(LITERAL("\1\0"), ZMTP__VERSION_1_0, 1);
    assert_detected(LITERAL("\4\0abc"), ZMTP__VERSION_1_0, 1);
    assert_detected(LITERAL("\xFE\0"), ZMTP__VERSION_1_0, 1);
}

// ZMTP37-BACK-03, ZMTP15-BACK-01: an even tenth octet is the flags behind a long length.
static void test_an_even_tenth_octet_is_1_0_with_a_long_length(void **state)
{
    (void)state;
    assert_detected(LITERAL("\xFF\0\0\0\0\0\0\0\4\0abc"), ZMTP__VERSION_1_0, 10);
    assert_detected(LITERAL("\xFF\0\0\0\0\0\0\0\4\x7E"), ZMTP__VERSION_1_0, 10);
}

// ZMTP37-BACK-02, BACK-03: 1 and 2 are ZMTP 2.0; what the padding holds means nothing.
static void test_the_octet_behind_a_signature_tells_the_version(void **state)
{
    (void)state;
    assert_detected(LITERAL(SIGNATURE "\1\5\0\0"), ZMTP__VERSION_2_0, 11);
    assert_detected(LITERAL(SIGNATURE "\2\5\0\0"), ZMTP__VERSION_2_0, 11);
    assert_detected(LITERAL("\xFFpadding!\x7F\1\5"), ZMTP__VERSION_2_0, 11);
    assert_detected(LITERAL(SIGNATURE "\3\0NULL"), ZMTP__VERSION_OTHER, 11);
    assert_detected(LITERAL(SIGNATURE "\xFF\0NULL"), ZMTP__VERSION_OTHER, 11);
    assert_detected(LITERAL(SIGNATURE "\0\5\0\0"), ZMTP__VERSION_OTHER, 11);
    assert_detected(LITERAL("\xFF\0\0\0\0\0\0\0\0\x7D\3"), ZMTP__VERSION_OTHER, 10);
}

// ZMTP37-VER-03, BACK-03: the padding holds the identity's size and one.
static void test_our_signature_is_the_header_of_a_1_0_frame(void **state)
{
    (void)state;
    uint8_t out[ZMTP_SIGNATURE_SIZE];
    struct zmtp_frame frame;
    zmtp__old_signature_encode(0, out);
    octets_assert_equal(zmtp_bytes_of(out, sizeof out), LITERAL("\xFF\0\0\0\0\0\0\0\1\x7F"));
    zmtp__old_signature_encode(255, out);
    octets_assert_equal(zmtp_bytes_of(out, sizeof out), LITERAL("\xFF\0\0\0\0\0\0\1\0\x7F"));
    assert_int_equal(zmtp__frame1_decode(zmtp_bytes_of(out, sizeof out), &frame), 10);
    assert_int_equal(frame.size, 255);
}

// Every prefix wants more, the whole and what follows give the same.
static struct zmtp__old_greeting assert_greeting(int (*decode)(struct zmtp_bytes,
                                                               struct zmtp__old_greeting *),
                                                 struct zmtp_bytes in)
{
    struct zmtp__old_greeting greeting = {0};
    for (size_t size = 0; size < in.size; size++)
        assert_int_equal(decode(zmtp_bytes_of(in.data, size), &greeting), 0);
    uint8_t longer[300];
    assert_true(in.size < sizeof longer);
    memset(longer, 0xFF, sizeof longer);
    memcpy(longer, in.data, in.size);
    assert_int_equal(decode(zmtp_bytes_of(longer, sizeof longer), &greeting), in.size);
    assert_int_equal(decode(in, &greeting), in.size);
    return greeting;
}

// ZMTP13-GREET-01
static void test_a_1_0_greeting_is_anonymous_or_an_identity(void **state)
{
    (void)state;
    struct zmtp__old_greeting greeting = assert_greeting(zmtp__greeting1_decode, LITERAL("\1\0"));
    assert_false(greeting.type_known);
    assert_int_equal(greeting.identity.size, 0);
    greeting = assert_greeting(zmtp__greeting1_decode, LITERAL("\4\0abc"));
    octets_assert_equal(greeting.identity, LITERAL("abc"));
    greeting = assert_greeting(zmtp__greeting1_decode, LITERAL("\xFF\0\0\0\0\0\0\0\4\0abc"));
    octets_assert_equal(greeting.identity, LITERAL("abc"));
    // Its flags are not validated.
    greeting = assert_greeting(zmtp__greeting1_decode, LITERAL("\4\xFF"
                                                               "abc"));
    octets_assert_equal(greeting.identity, LITERAL("abc"));
    uint8_t longest[10 + 255] = {0xFF, 0, 0, 0, 0, 0, 0, 1, 0, 0};
    memset(longest + 10, 'i', 255);
    greeting = assert_greeting(zmtp__greeting1_decode, zmtp_bytes_of(longest, sizeof longest));
    assert_int_equal(greeting.identity.size, 255);
}

static void test_a_1_0_greeting_that_is_too_long_or_none_is_refused(void **state)
{
    (void)state;
    struct zmtp__old_greeting greeting;
    assert_int_equal(zmtp__greeting1_decode(LITERAL("\xFF\0\0\0\0\0\0\1\1\0"), &greeting),
                     ZMTP_ERR_ROUTING_ID);
    assert_int_equal(
        zmtp__greeting1_decode(LITERAL("\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0"), &greeting),
        ZMTP_ERR_ROUTING_ID);
    assert_int_equal(zmtp__greeting1_decode(LITERAL("\xFF\x80\0\0\0\0\0\0\0\0"), &greeting),
                     ZMTP_ERR_FRAME);
    assert_int_equal(zmtp__greeting1_decode(LITERAL("\0"), &greeting), ZMTP_ERR_GREETING);
    assert_int_equal(zmtp__greeting1_decode(LITERAL("\xFF\0\0\0\0\0\0\0\0"), &greeting),
                     ZMTP_ERR_GREETING);
}

// ZMTP15-GRAM-01, GRAM-02
static void test_a_2_0_greeting_tells_type_and_identity(void **state)
{
    (void)state;
    static const enum zmtp_socket_type types[] = {ZMTP_PAIR,   ZMTP_PUB,  ZMTP_SUB,
                                                  ZMTP_REQ,    ZMTP_REP,  ZMTP_DEALER,
                                                  ZMTP_ROUTER, ZMTP_PULL, ZMTP_PUSH};
    struct zmtp__old_greeting greeting;
    uint8_t in[] = {0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 1, 0, 0, 2, 'm', 'e'};
    for (uint8_t number = 0; number < sizeof types / sizeof types[0]; number++) {
        in[11] = number;
        greeting = assert_greeting(zmtp__greeting2_decode, zmtp_bytes_of(in, sizeof in));
        assert_true(greeting.type_known);
        assert_int_equal(greeting.type, types[number]);
        octets_assert_equal(greeting.identity, LITERAL("me"));
    }
    greeting = assert_greeting(zmtp__greeting2_decode, LITERAL(SIGNATURE "\1\7\0\0"));
    assert_int_equal(greeting.type, ZMTP_PULL);
    assert_int_equal(greeting.identity.size, 0);
}

// LZ-07: libzmq's XPUB and XSUB say 9 and 10.
static void test_a_2_0_greeting_with_numbers_of_libzmq_is_understood(void **state)
{
    (void)state;
    struct zmtp__old_greeting greeting =
        assert_greeting(zmtp__greeting2_decode, LITERAL(SIGNATURE "\1\x09\0\0"));
    assert_int_equal(greeting.type, ZMTP_XPUB);
    greeting = assert_greeting(zmtp__greeting2_decode, LITERAL(SIGNATURE "\1\x0A\0\0"));
    assert_int_equal(greeting.type, ZMTP_XSUB);
}

static void test_a_2_0_greeting_with_another_type_or_flags_is_refused(void **state)
{
    (void)state;
    struct zmtp__old_greeting greeting;
    assert_int_equal(zmtp__greeting2_decode(LITERAL(SIGNATURE "\1\x0B"), &greeting),
                     ZMTP_ERR_SOCKET_TYPE);
    assert_int_equal(zmtp__greeting2_decode(LITERAL(SIGNATURE "\1\5\1"), &greeting),
                     ZMTP_ERR_GREETING);
    assert_int_equal(zmtp__greeting2_decode(LITERAL(SIGNATURE "\1\5\2"), &greeting),
                     ZMTP_ERR_GREETING);
}

// ZMTP15-GRAM-01, GRAM-02, PUBSUB-01: XPUB and XSUB look like PUB and SUB.
static void test_our_2_0_greeting_goes_on_with_type_and_identity(void **state)
{
    (void)state;
    uint8_t out[ZMTP__GREETING2_REST];
    zmtp__greeting2_encode(ZMTP_DEALER, 7, out);
    octets_assert_equal(zmtp_bytes_of(out, sizeof out), LITERAL("\5\0\7"));
    zmtp__greeting2_encode(ZMTP_XPUB, 0, out);
    octets_assert_equal(zmtp_bytes_of(out, sizeof out), LITERAL("\1\0\0"));
    zmtp__greeting2_encode(ZMTP_XSUB, 0, out);
    octets_assert_equal(zmtp_bytes_of(out, sizeof out), LITERAL("\2\0\0"));
    assert_true(zmtp__old_has_type(ZMTP_XSUB));
    assert_false(zmtp__old_has_type(ZMTP_STREAM));
    assert_false(zmtp__old_has_type(ZMTP_CLIENT));
}

static void assert_header(struct zmtp_bytes in, int header, uint64_t size, bool more)
{
    struct zmtp_frame frame = {.size = 99, .command = true};
    for (size_t i = 0; i < (size_t)header; i++)
        assert_int_equal(zmtp__frame1_decode(zmtp_bytes_of(in.data, i), &frame), 0);
    assert_int_equal(zmtp__frame1_decode(in, &frame), header);
    assert_int_equal(frame.size, size);
    assert_int_equal(frame.more, more);
    assert_false(frame.command);
}

// ZMTP13-FRAME-01, FRAME-02
static void test_a_1_0_length_counts_the_flags(void **state)
{
    (void)state;
    assert_header(LITERAL("\1\0"), 2, 0, false);
    assert_header(LITERAL("\1\1"), 2, 0, true);
    assert_header(LITERAL("\6\0hello"), 2, 5, false);
    assert_header(LITERAL("\xFE\1"), 2, 253, true);
    assert_header(LITERAL("\xFF\0\0\0\0\0\0\0\xFF\0"), 10, 254, false);
    assert_header(LITERAL("\xFF\0\0\0\0\0\0\1\0\1"), 10, 255, true);
    // The long form of a short length, and reserved flags that are set.
    assert_header(LITERAL("\xFF\0\0\0\0\0\0\0\1\0"), 10, 0, false);
    assert_header(LITERAL("\6\xFEhello"), 2, 5, false);
    assert_header(LITERAL("\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0"), 10, INT64_MAX - 1, false);
    struct zmtp_frame frame;
    assert_int_equal(zmtp__frame1_decode(LITERAL("\xFF\x80\0\0\0\0\0\0\0"), &frame),
                     ZMTP_ERR_FRAME);
}

// ZMTP13-FRAME-01, LZ-08: such frames are to be discarded, so they have no flags to wait for.
static void test_a_1_0_length_of_zero_is_a_void(void **state)
{
    (void)state;
    assert_header(LITERAL("\0\1"), 1, 0, false);
    assert_header(LITERAL("\xFF\0\0\0\0\0\0\0\0\1"), 9, 0, false);
    assert_true(zmtp__frame1_is_void(1));
    assert_true(zmtp__frame1_is_void(9));
    assert_false(zmtp__frame1_is_void(2));
    assert_false(zmtp__frame1_is_void(10));
}

// ZMTP13-FRAME-01: up to 254 the length is one octet.
static void test_a_1_0_header_is_written_as_short_as_can_be(void **state)
{
    (void)state;
    const struct {
        struct zmtp_frame frame;
        struct zmtp_bytes octets;
    } cases[] = {
        {{.size = 0}, LITERAL("\1\0")},
        {{.size = 5, .more = true}, LITERAL("\6\1")},
        {{.size = 253}, LITERAL("\xFE\0")},
        {{.size = 254}, LITERAL("\xFF\0\0\0\0\0\0\0\xFF\0")},
        {{.size = 255, .more = true}, LITERAL("\xFF\0\0\0\0\0\0\1\0\1")},
        {{.size = 65536}, LITERAL("\xFF\0\0\0\0\0\1\0\1\0")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t out[ZMTP__HEADER1_MAX];
        const size_t size = zmtp__frame1_encode(&cases[i].frame, out);
        octets_assert_equal(zmtp_bytes_of(out, size), cases[i].octets);
        assert_int_equal(zmtp__frame1_header((size_t)cases[i].frame.size), size);
        assert_header(cases[i].octets, (int)size, cases[i].frame.size, cases[i].frame.more);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_first_octet_that_is_no_signature_is_1_0),
        cmocka_unit_test(test_an_even_tenth_octet_is_1_0_with_a_long_length),
        cmocka_unit_test(test_the_octet_behind_a_signature_tells_the_version),
        cmocka_unit_test(test_our_signature_is_the_header_of_a_1_0_frame),
        cmocka_unit_test(test_a_1_0_greeting_is_anonymous_or_an_identity),
        cmocka_unit_test(test_a_1_0_greeting_that_is_too_long_or_none_is_refused),
        cmocka_unit_test(test_a_2_0_greeting_tells_type_and_identity),
        cmocka_unit_test(test_a_2_0_greeting_with_numbers_of_libzmq_is_understood),
        cmocka_unit_test(test_a_2_0_greeting_with_another_type_or_flags_is_refused),
        cmocka_unit_test(test_our_2_0_greeting_goes_on_with_type_and_identity),
        cmocka_unit_test(test_a_1_0_length_counts_the_flags),
        cmocka_unit_test(test_a_1_0_length_of_zero_is_a_void),
        cmocka_unit_test(test_a_1_0_header_is_written_as_short_as_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
