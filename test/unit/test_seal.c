// Sealed traffic (RFC 26, The MESSAGE Command): frames in boxes, nonces that only go up.
#include "test/support/octets.h"
#include "test/support/security.h"
#include "zmtp/mech/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define KEY "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389"

struct sides {
    struct zmtp__seal client, server;
};

static struct sides sides_of_one_key(void)
{
    const struct zmtp_key key = test_key(KEY);
    struct sides sides;
    zmtp__seal_init(&sides.client, zmtp_sodium(), &key, false, 2, 1);
    zmtp__seal_init(&sides.server, zmtp_sodium(), &key, true, 1, 2);
    return sides;
}

// Seals |body| into |out|, and finds the MESSAGE in the frame.
static uint8_t *seal(struct zmtp__seal *by, bool more, bool command, struct zmtp_bytes body,
                     uint8_t *out, size_t *size)
{
    const struct zmtp_frame frame = {.size = body.size, .more = more, .command = command};
    struct zmtp_frame outer;
    assert_int_equal(zmtp__seal_frame(by, &frame, body, out), ZMTP_OK);
    const int header = zmtp_frame_decode(zmtp_bytes_of(out, zmtp__seal_size(body.size)), &outer);
    assert_true(header > 0);
    assert_false(outer.more);    // RFC 37 would have COMMAND here, the field has neither
    assert_false(outer.command); // (LZ-17)
    assert_int_equal(outer.size, body.size + 33);
    assert_int_equal((size_t)header + outer.size, zmtp__seal_size(body.size));
    *size = (size_t)outer.size;
    return out + header;
}

// ZMTP26-MESG-02, MESG-03; LZ-17, LZ-18: against crypto_box itself, with the RFC's nonce.
static void test_a_message_is_the_box_that_the_rfc_describes(void **state)
{
    (void)state;
    struct sides sides = sides_of_one_key();
    const struct zmtp_key key = test_key(KEY);
    uint8_t out[128], plain[64];
    size_t size;
    const uint8_t *message = seal(&sides.client, true, false, LITERAL("hello"), out, &size);
    octets_assert_equal(zmtp_bytes_of(out, 2), OCTETS(0x00, 38));
    octets_assert_equal(zmtp_bytes_of(message, 16), LITERAL("\7MESSAGE\0\0\0\0\0\0\0\3"));
    const uint8_t *const from_client = (const uint8_t *)"CurveZMQMESSAGEC\0\0\0\0\0\0\0\3";
    assert_int_equal(
        crypto_box_open_easy_afternm(plain, message + 16, size - 16, from_client, key.octets), 0);
    octets_assert_equal(zmtp_bytes_of(plain, 6), LITERAL("\1hello"));

    message = seal(&sides.server, false, true, LITERAL("\4PING\0\0"), out, &size);
    const uint8_t *const from_server = (const uint8_t *)"CurveZMQMESSAGES\0\0\0\0\0\0\0\2";
    assert_int_equal(
        crypto_box_open_easy_afternm(plain, message + 16, size - 16, from_server, key.octets), 0);
    octets_assert_equal(zmtp_bytes_of(plain, 8), LITERAL("\2\4PING\0\0"));
}

// ZMTP26-GEN-02, MESG-02
static void test_bodies_of_every_size_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct sides sides = sides_of_one_key();
    const size_t sizes[] = {0,   1,    30,   31,   221,  222,  223,   254,    255,
                            256, 1000, 1023, 1024, 1025, 8192, 65536, 1 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *const body = malloc(sizes[i] + 1);
        uint8_t *const out = malloc(zmtp__seal_size(sizes[i]));
        assert_true(body && out);
        for (size_t k = 0; k < sizes[i]; k++)
            body[k] = (uint8_t)(k * 31);
        size_t size;
        uint8_t *const message =
            seal(&sides.server, false, false, zmtp_bytes_of(body, sizes[i]), out, &size);
        uint8_t *const payload = message + ZMTP__SEAL_PAYLOAD;
        assert_int_equal(zmtp__seal_open(&sides.client, message, size, payload), sizes[i] + 1);
        assert_int_equal(payload[0], 0);
        assert_memory_equal(payload + 1, body, sizes[i]);
        free(body);
        free(out);
    }
}

// ZMTP26-NONCE-01
static void test_a_nonce_that_does_not_go_up_is_a_replay(void **state)
{
    (void)state;
    struct sides sides = sides_of_one_key();
    uint8_t frames[4][64], copy[64], out[64];
    uint8_t *messages[4];
    size_t size;
    for (int i = 0; i < 4; i++)
        messages[i] = seal(&sides.client, false, false, LITERAL("x"), frames[i], &size);
    memcpy(copy, messages[1], size);
    assert_int_equal(zmtp__seal_open(&sides.server, messages[1], size, out), 2); // 0 is skipped
    assert_int_equal(zmtp__seal_open(&sides.server, copy, size, out), ZMTP_ERR_REPLAY);
    assert_int_equal(zmtp__seal_open(&sides.server, messages[0], size, out), ZMTP_ERR_REPLAY);
    assert_int_equal(zmtp__seal_open(&sides.server, messages[3], size, out), 2);
    assert_int_equal(zmtp__seal_open(&sides.server, messages[2], size, out), ZMTP_ERR_REPLAY);
}

// Whoever cannot seal cannot use up nonces either.
static void test_a_forged_nonce_does_not_block_the_true_ones(void **state)
{
    (void)state;
    struct sides sides = sides_of_one_key();
    uint8_t frame[64], forged[64], out[64];
    size_t size;
    uint8_t *const message = seal(&sides.client, false, false, LITERAL("x"), frame, &size);
    memcpy(forged, message, size);
    memset(forged + 8, 0xFF, 8);
    assert_int_equal(zmtp__seal_open(&sides.server, forged, size, out), ZMTP_ERR_KEY);
    assert_int_equal(zmtp__seal_open(&sides.server, message, size, out), 2);
}

// ZMTP26-MESG-02
static void test_a_message_sent_back_to_its_sender_does_not_open(void **state)
{
    (void)state;
    struct sides sides = sides_of_one_key();
    uint8_t frame[64], out[64];
    size_t size;
    uint8_t *const message = seal(&sides.client, false, false, LITERAL("x"), frame, &size);
    assert_int_equal(zmtp__seal_open(&sides.client, message, size, out), ZMTP_ERR_KEY);
}

// ZMTP26-MESG-04
static void test_what_is_no_message_or_has_a_bit_changed_is_refused(void **state)
{
    (void)state;
    struct sides sides = sides_of_one_key();
    uint8_t frame[64], copy[64], out[64];
    size_t size;
    uint8_t *const message = seal(&sides.client, false, false, LITERAL("body"), frame, &size);
    for (size_t cut = 0; cut < size; cut++) {
        memcpy(copy, message, size);
        assert_true(zmtp__seal_open(&sides.server, copy, cut, out) < 0);
    }
    for (size_t bit = 0; bit < 8 * size; bit++) {
        memcpy(copy, message, size);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const int64_t result = zmtp__seal_open(&sides.server, copy, size, out);
        if (bit / 8 < 8)
            assert_int_equal(result, ZMTP_ERR_COMMAND);
        else if (bit / 8 < 16)
            assert_true(result == ZMTP_ERR_KEY || result == ZMTP_ERR_REPLAY);
        else
            assert_int_equal(result, ZMTP_ERR_KEY);
    }
    assert_int_equal(zmtp__seal_open(&sides.server, message, size, out), 5);
}

// ZMTP26-MESG-03, LZ-18: MORE and COMMAND, each alone, are all there is.
static void test_flags_inside_the_box_that_nobody_knows_are_refused(void **state)
{
    (void)state;
    const struct zmtp_key key = test_key(KEY);
    for (unsigned flags = 0; flags < 256; flags++) {
        struct sides sides = sides_of_one_key();
        uint8_t message[8 + 8 + 16 + 1] = "\7MESSAGE\0\0\0\0\0\0\0\3", out[1];
        const uint8_t payload[1] = {(uint8_t)flags};
        const uint8_t *const nonce = (const uint8_t *)"CurveZMQMESSAGEC\0\0\0\0\0\0\0\3";
        assert_int_equal(crypto_box_easy_afternm(message + 16, payload, 1, nonce, key.octets), 0);
        const int64_t result = zmtp__seal_open(&sides.server, message, sizeof message, out);
        assert_int_equal(result, flags <= 2 ? 1 : ZMTP_ERR_FRAME);
    }
}

static void test_when_all_nonces_are_used_nothing_more_is_sealed(void **state)
{
    (void)state;
    const struct zmtp_key key = test_key(KEY);
    struct zmtp__seal last;
    const struct zmtp_frame frame = {.size = 0};
    uint8_t out[64];
    zmtp__seal_init(&last, zmtp_sodium(), &key, true, UINT64_MAX - 1, 0);
    assert_int_equal(zmtp__seal_frame(&last, &frame, LITERAL(""), out), ZMTP_OK);
    assert_int_equal(zmtp__seal_frame(&last, &frame, LITERAL(""), out), ZMTP_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_is_the_box_that_the_rfc_describes),
        cmocka_unit_test(test_bodies_of_every_size_come_out_as_they_went_in),
        cmocka_unit_test(test_a_nonce_that_does_not_go_up_is_a_replay),
        cmocka_unit_test(test_a_forged_nonce_does_not_block_the_true_ones),
        cmocka_unit_test(test_a_message_sent_back_to_its_sender_does_not_open),
        cmocka_unit_test(test_what_is_no_message_or_has_a_bit_changed_is_refused),
        cmocka_unit_test(test_flags_inside_the_box_that_nobody_knows_are_refused),
        cmocka_unit_test(test_when_all_nonces_are_used_nothing_more_is_sealed),
    };
    return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
