// The frame header (RFC 37, Framing).
#include "test/support/octets.h"
#include "zmtp/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static int decode(struct zmtp_bytes in)
{
    struct zmtp_frame frame;
    return zmtp_frame_decode(in, &frame);
}

static void assert_header(struct zmtp_bytes in, int used, uint64_t size, bool more, bool command)
{
    int result;
    assert_int_equal(octets_verdict(in, decode, &result), used);
    assert_int_equal(result, used);
    struct zmtp_frame frame;
    assert_int_equal(zmtp_frame_decode(in, &frame), used);
    assert_true(frame.size == size);
    assert_int_equal(frame.more, more);
    assert_int_equal(frame.command, command);
}

// ZMTP37-GRAM-06, GRAM-07, FRAME-01, FRAME-03
static void test_a_short_header_is_flags_and_one_octet_of_size(void **state)
{
    (void)state;
    assert_header(OCTETS(0x00, 0x00), 2, 0, false, false);  // message-last
    assert_header(OCTETS(0x01, 0x01), 2, 1, true, false);   // message-more
    assert_header(OCTETS(0x04, 0xFF), 2, 255, false, true); // command
    assert_header(OCTETS(0x00, 0x05, 'h', 'e', 'l', 'l', 'o'), 2, 5, false, false);
}

// ZMTP37-GRAM-06, GRAM-07, FRAME-03
static void test_a_long_header_is_flags_and_eight_octets_in_network_order(void **state)
{
    (void)state;
    assert_header(OCTETS(0x02, 0, 0, 0, 0, 0, 0, 0x01, 0x00), 9, 256, false, false);
    assert_header(OCTETS(0x03, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08), 9,
                  0x0102030405060708, true, false);
    assert_header(OCTETS(0x06, 0, 0, 0, 0, 0x80, 0, 0, 0), 9, 0x80000000, false, true);
}

// ZMTP37-FRAME-04: nothing forbids the long form of a small size, and libzmq takes it.
static void test_a_long_header_may_have_a_small_size(void **state)
{
    (void)state;
    assert_header(OCTETS(0x02, 0, 0, 0, 0, 0, 0, 0, 0x00), 9, 0, false, false);
    assert_header(OCTETS(0x06, 0, 0, 0, 0, 0, 0, 0, 0xFF), 9, 255, false, true);
}

// ZMTP37-FRAME-02, FRAME-03: all 256 flags octets; a bad one is refused before any size is seen.
static void test_reserved_flags_and_more_on_a_command_are_refused_at_the_first_octet(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags <= 255; flags++) {
        const uint8_t in[9] = {(uint8_t)flags};
        int result;
        const size_t size = octets_verdict(zmtp_bytes_of(in, sizeof in), decode, &result);
        const bool reserved = flags > 7;
        const bool more_on_command = flags == 5 || flags == 7;
        if (reserved || more_on_command) {
            assert_int_equal(result, ZMTP_ERR_FRAME);
            assert_int_equal(size, 1);
        } else {
            assert_int_equal(result, flags & ZMTP_FLAG_LONG ? 9 : 2);
            assert_int_equal(size, result);
        }
    }
}

// ZMTP37-GRAM-07
static void test_a_size_above_2_63_minus_1_is_refused(void **state)
{
    (void)state;
    assert_header(OCTETS(0x02, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF), 9, INT64_MAX, false,
                  false);
    int result;
    assert_int_equal(octets_verdict(OCTETS(0x02, 0x80, 0, 0, 0, 0, 0, 0, 0), decode, &result), 9);
    assert_int_equal(result, ZMTP_ERR_FRAME);
    (void)octets_verdict(OCTETS(0x06, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF), decode,
                         &result);
    assert_int_equal(result, ZMTP_ERR_FRAME);
}

static void test_nothing_is_written_without_a_whole_good_header(void **state)
{
    (void)state;
    struct zmtp_frame frame;
    memset(&frame, 0x5A, sizeof frame);
    const struct zmtp_frame before = frame;
    assert_int_equal(zmtp_frame_decode(OCTETS(0x02, 0, 0, 0, 0, 0, 0, 1), &frame), 0);
    assert_int_equal(zmtp_frame_decode(OCTETS(0x08, 0x00), &frame), ZMTP_ERR_FRAME);
    assert_int_equal(zmtp_frame_decode((struct zmtp_bytes){NULL, 0}, &frame), 0);
    assert_memory_equal(&frame, &before, sizeof frame);
}

static void assert_encoded(struct zmtp_frame frame, struct zmtp_bytes expected)
{
    uint8_t out[ZMTP_HEADER_MAX];
    const size_t size = zmtp_frame_encode(&frame, out);
    octets_assert_equal(zmtp_bytes_of(out, size), expected);
}

// ZMTP37-AUTH-06, FRAME-04: the long form from 256 octets on, for messages and commands.
static void test_the_shortest_header_is_sent(void **state)
{
    (void)state;
    assert_encoded((struct zmtp_frame){.size = 0}, OCTETS(0x00, 0x00));
    assert_encoded((struct zmtp_frame){.size = 255, .more = true}, OCTETS(0x01, 0xFF));
    assert_encoded((struct zmtp_frame){.size = 255, .command = true}, OCTETS(0x04, 0xFF));
    assert_encoded((struct zmtp_frame){.size = 256}, OCTETS(0x02, 0, 0, 0, 0, 0, 0, 0x01, 0x00));
    assert_encoded((struct zmtp_frame){.size = 256, .command = true},
                   OCTETS(0x06, 0, 0, 0, 0, 0, 0, 0x01, 0x00));
    assert_encoded((struct zmtp_frame){.size = 0x0102030405060708, .more = true},
                   OCTETS(0x03, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08));
    assert_encoded((struct zmtp_frame){.size = INT64_MAX},
                   OCTETS(0x02, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF));
}

static void test_what_is_sent_is_read_back_the_same(void **state)
{
    (void)state;
    const uint64_t sizes[] = {0, 1, 254, 255, 256, 257, 65535, 65536, UINT32_MAX, INT64_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (unsigned kind = 0; kind < 3; kind++) {
            const struct zmtp_frame sent = {
                .size = sizes[i], .more = kind == 1, .command = kind == 2};
            uint8_t out[ZMTP_HEADER_MAX];
            const size_t size = zmtp_frame_encode(&sent, out);
            assert_header(zmtp_bytes_of(out, size), (int)size, sent.size, sent.more, sent.command);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_short_header_is_flags_and_one_octet_of_size),
        cmocka_unit_test(test_a_long_header_is_flags_and_eight_octets_in_network_order),
        cmocka_unit_test(test_a_long_header_may_have_a_small_size),
        cmocka_unit_test(test_reserved_flags_and_more_on_a_command_are_refused_at_the_first_octet),
        cmocka_unit_test(test_a_size_above_2_63_minus_1_is_refused),
        cmocka_unit_test(test_nothing_is_written_without_a_whole_good_header),
        cmocka_unit_test(test_the_shortest_header_is_sent),
        cmocka_unit_test(test_what_is_sent_is_read_back_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
