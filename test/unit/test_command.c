// Command bodies: name and data, PING and PONG, ERROR (RFC 37, Commands and Connection Heartbeating).
#include "test/support/octets.h"
#include "zmtp/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

// A whole body is given, so every proper prefix of |good| must be refused, up to the |least| octets
// that make a command.
static void assert_needs(struct zmtp_bytes good, size_t least)
{
    for (size_t size = 0; size <= good.size; size++) {
        const struct zmtp_bytes body = octets_prefix(good, size);
        struct zmtp_command command;
        const int expected = size < least ? ZMTP_ERR_COMMAND : ZMTP_OK;
        assert_int_equal(zmtp_command_decode(body, &command), expected);
        octets_drop(body);
    }
}

// ZMTP37-CMD-01, GRAM-06: the name has its size before it, and no separator after it.
static void test_a_command_is_a_name_with_its_size_and_data(void **state)
{
    (void)state;
    const struct zmtp_bytes body = OCTETS(0x04, 'P', 'I', 'N', 'G', 0x00, 0x64, 0xAA);
    struct zmtp_command command;
    assert_int_equal(zmtp_command_decode(body, &command), ZMTP_OK);
    octets_assert_equal(command.name, LITERAL("PING"));
    octets_assert_equal(command.data, OCTETS(0x00, 0x64, 0xAA));
    assert_ptr_equal(command.data.data, body.data + 5); // a view, not a copy
    assert_needs(body, 5);
}

static void test_a_command_may_have_no_data(void **state)
{
    (void)state;
    struct zmtp_command command;
    assert_int_equal(zmtp_command_decode(OCTETS(0x01, 'X'), &command), ZMTP_OK);
    octets_assert_equal(command.name, LITERAL("X"));
    assert_int_equal(command.data.size, 0);
}

// ZMTP37-GRAM-06: 1 to 255 octets of name. libzmq takes empty commands in silence (LZ-09).
static void test_a_name_has_1_to_255_octets(void **state)
{
    (void)state;
    struct zmtp_command command;
    assert_int_equal(zmtp_command_decode((struct zmtp_bytes){NULL, 0}, &command), ZMTP_ERR_COMMAND);
    assert_int_equal(zmtp_command_decode(OCTETS(0x00), &command), ZMTP_ERR_COMMAND);
    assert_int_equal(zmtp_command_decode(OCTETS(0x00, 'A', 'B'), &command), ZMTP_ERR_COMMAND);

    uint8_t longest[256];
    memset(longest, 'N', sizeof longest);
    longest[0] = 255;
    assert_needs(zmtp_bytes_of(longest, sizeof longest), 256);
}

// ZMTP37-WIRE-03
static void test_a_name_is_printable(void **state)
{
    (void)state;
    for (unsigned octet = 0; octet <= 255; octet++) {
        const uint8_t body[] = {0x02, 'A', (uint8_t)octet};
        const bool printable = octet > 0x20 && octet < 0x7F;
        struct zmtp_command command;
        assert_int_equal(zmtp_command_decode(zmtp_bytes_of(body, sizeof body), &command),
                         printable ? ZMTP_OK : ZMTP_ERR_COMMAND);
    }
}

static void test_nothing_is_written_for_a_malformed_body(void **state)
{
    (void)state;
    struct zmtp_command command;
    memset(&command, 0x5A, sizeof command);
    const struct zmtp_command before = command;
    assert_int_equal(zmtp_command_decode(OCTETS(0x05, 'P', 'I', 'N', 'G'), &command),
                     ZMTP_ERR_COMMAND);
    assert_memory_equal(&command, &before, sizeof before);
}

static void test_names_are_compared_whole_and_with_their_case(void **state)
{
    (void)state;
    const struct zmtp_command command = {.name = LITERAL("PING")};
    assert_true(zmtp_command_is(&command, "PING"));
    assert_false(zmtp_command_is(&command, "PIN"));
    assert_false(zmtp_command_is(&command, "PINGS"));
    assert_false(zmtp_command_is(&command, "ping"));
}

// ZMTP37-HB-01: tenths of a second in network order, then the context.
static void test_a_ping_has_a_ttl_and_a_context(void **state)
{
    (void)state;
    struct zmtp_ping ping;
    assert_int_equal(zmtp_ping_decode(OCTETS(0x01, 0x02, 0xAA, 0xBB), &ping), ZMTP_OK);
    assert_int_equal(ping.ttl_ms, 0x0102 * 100);
    octets_assert_equal(ping.context, OCTETS(0xAA, 0xBB));
    assert_int_equal(zmtp_ping_decode(OCTETS(0xFF, 0xFF), &ping), ZMTP_OK);
    assert_int_equal(ping.ttl_ms, 6553500); // LZ-22: does not wrap around
    assert_int_equal(ping.context.size, 0);
}

// LZ-23: libzmq answers such a PING with octets of stale memory.
static void test_a_ping_without_a_whole_ttl_is_refused(void **state)
{
    (void)state;
    struct zmtp_ping ping;
    assert_int_equal(zmtp_ping_decode((struct zmtp_bytes){NULL, 0}, &ping), ZMTP_ERR_COMMAND);
    assert_int_equal(zmtp_ping_decode(OCTETS(0x00), &ping), ZMTP_ERR_COMMAND);
}

// ZMTP37-HB-02
static void test_a_context_has_at_most_16_octets(void **state)
{
    (void)state;
    const uint8_t data[2 + 17] = {0};
    struct zmtp_ping ping;
    struct zmtp_bytes context;
    assert_int_equal(zmtp_ping_decode(zmtp_bytes_of(data, 2 + 16), &ping), ZMTP_OK);
    assert_int_equal(ping.context.size, 16);
    assert_int_equal(zmtp_ping_decode(zmtp_bytes_of(data, 2 + 17), &ping), ZMTP_ERR_COMMAND);
    assert_int_equal(zmtp_pong_decode(zmtp_bytes_of(data, 0), &context), ZMTP_OK);
    assert_int_equal(zmtp_pong_decode(zmtp_bytes_of(data, 16), &context), ZMTP_OK);
    assert_int_equal(context.size, 16);
    assert_int_equal(zmtp_pong_decode(zmtp_bytes_of(data, 17), &context), ZMTP_ERR_COMMAND);

    uint8_t out[64];
    ping = (struct zmtp_ping){.context = zmtp_bytes_of(data, 17)};
    assert_int_equal(zmtp_ping_encode(&ping, out, sizeof out), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_pong_encode(ping.context, out, sizeof out), ZMTP_ERR_ARGUMENT);
}

// ZMTP37-NULL-10
static void test_an_error_has_one_reason_with_its_size(void **state)
{
    (void)state;
    struct zmtp_bytes reason;
    assert_int_equal(zmtp_error_decode(OCTETS(0x03, '4', '0', '0'), &reason), ZMTP_OK);
    octets_assert_equal(reason, LITERAL("400"));
    assert_int_equal(zmtp_error_decode(OCTETS(0x00), &reason), ZMTP_OK);
    assert_int_equal(reason.size, 0);

    assert_int_equal(zmtp_error_decode((struct zmtp_bytes){NULL, 0}, &reason), ZMTP_ERR_COMMAND);
    assert_int_equal(zmtp_error_decode(OCTETS(0x03, '4', '0'), &reason), ZMTP_ERR_COMMAND);
    assert_int_equal(zmtp_error_decode(OCTETS(0x01, '4', '0'), &reason), ZMTP_ERR_COMMAND);
    assert_int_equal(zmtp_error_decode(OCTETS(0x00, 0x00), &reason), ZMTP_ERR_COMMAND);
}

static void test_pings_pongs_and_errors_are_sent_as_whole_frames(void **state)
{
    (void)state;
    uint8_t out[64];
    const struct zmtp_ping ping = {.ttl_ms = 25700, .context = OCTETS(0xAA)};
    int size = zmtp_ping_encode(&ping, out, sizeof out);
    octets_assert_equal(zmtp_bytes_of(out, (size_t)size),
                        OCTETS(0x04, 0x08, 0x04, 'P', 'I', 'N', 'G', 0x01, 0x01, 0xAA));
    size = zmtp_pong_encode(OCTETS(0xAA, 0xBB), out, sizeof out);
    octets_assert_equal(zmtp_bytes_of(out, (size_t)size),
                        OCTETS(0x04, 0x07, 0x04, 'P', 'O', 'N', 'G', 0xAA, 0xBB));
    size = zmtp_error_encode(LITERAL("no"), out, sizeof out);
    octets_assert_equal(zmtp_bytes_of(out, (size_t)size),
                        OCTETS(0x04, 0x09, 0x05, 'E', 'R', 'R', 'O', 'R', 0x02, 'n', 'o'));
}

static unsigned sent_ttl_ds(uint32_t ttl_ms)
{
    uint8_t out[16];
    const struct zmtp_ping ping = {.ttl_ms = ttl_ms};
    assert_int_equal(zmtp_ping_encode(&ping, out, sizeof out), 9);
    return (unsigned)out[7] << 8 | out[8];
}

static void test_a_ttl_is_rounded_up_and_stops_at_the_most_that_fits(void **state)
{
    (void)state;
    assert_int_equal(sent_ttl_ds(0), 0); // none
    assert_int_equal(sent_ttl_ds(1), 1); // short is not none
    assert_int_equal(sent_ttl_ds(100), 1);
    assert_int_equal(sent_ttl_ds(101), 2);
    assert_int_equal(sent_ttl_ds(6553500), 65535);
    assert_int_equal(sent_ttl_ds(6553501), 65535);
    assert_int_equal(sent_ttl_ds(UINT32_MAX), 65535);
}

static void test_an_error_of_255_octets_needs_the_long_form(void **state)
{
    (void)state;
    uint8_t text[256], out[300];
    memset(text, 'r', sizeof text);
    // name-size, "ERROR", reason-size, reason: 1 + 5 + 1 + 248 is 255, the last that is short.
    assert_int_equal(zmtp_error_encode(zmtp_bytes_of(text, 248), out, sizeof out), 2 + 255);
    assert_int_equal(out[0], 0x04);
    assert_int_equal(zmtp_error_encode(zmtp_bytes_of(text, 249), out, sizeof out), 9 + 256);
    assert_int_equal(out[0], 0x06);
    assert_int_equal(zmtp_error_encode(zmtp_bytes_of(text, 255), out, sizeof out), 9 + 262);
    assert_int_equal(zmtp_error_encode(zmtp_bytes_of(text, 256), out, sizeof out),
                     ZMTP_ERR_ARGUMENT);
}

// ZMTP37-SUB-02, SUB-03, CMD-01
static void test_any_command_is_sent_with_its_name_and_data(void **state)
{
    (void)state;
    uint8_t out[32];
    const struct zmtp_command cancel = {LITERAL("CANCEL"), LITERAL("ab")};
    const int size = zmtp_command_encode(&cancel, out, sizeof out);
    octets_assert_equal(zmtp_bytes_of(out, (size_t)size),
                        OCTETS(0x04, 0x09, 0x06, 'C', 'A', 'N', 'C', 'E', 'L', 'a', 'b'));
}

static void test_an_output_one_octet_too_small_is_a_limit(void **state)
{
    (void)state;
    const struct zmtp_command command = {LITERAL("SUBSCRIBE"), LITERAL("topic")};
    const size_t whole = 2 + 1 + 9 + 5;
    for (size_t size = 0; size <= whole; size++) {
        const struct zmtp_bytes room = octets_prefix(zmtp_bytes_of((uint8_t[32]){0}, 32), size);
        const int expected = size < whole ? ZMTP_ERR_LIMIT : (int)whole;
        assert_int_equal(zmtp_command_encode(&command, (uint8_t *)(uintptr_t)room.data, size),
                         expected);
        octets_drop(room);
    }
}

static void test_a_name_that_no_decoder_takes_is_not_sent(void **state)
{
    (void)state;
    uint8_t out[600], name[256];
    memset(name, 'N', sizeof name);
    const struct zmtp_bytes names[] = {{NULL, 0}, LITERAL("a b"), {name, 256}};
    for (size_t i = 0; i < 3; i++) {
        const struct zmtp_command command = {.name = names[i]};
        assert_int_equal(zmtp_command_encode(&command, out, sizeof out), ZMTP_ERR_ARGUMENT);
    }
    const struct zmtp_command longest = {.name = zmtp_bytes_of(name, 255)};
    assert_int_equal(zmtp_command_encode(&longest, out, sizeof out), 9 + 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_command_is_a_name_with_its_size_and_data),
        cmocka_unit_test(test_a_command_may_have_no_data),
        cmocka_unit_test(test_a_name_has_1_to_255_octets),
        cmocka_unit_test(test_a_name_is_printable),
        cmocka_unit_test(test_nothing_is_written_for_a_malformed_body),
        cmocka_unit_test(test_names_are_compared_whole_and_with_their_case),
        cmocka_unit_test(test_a_ping_has_a_ttl_and_a_context),
        cmocka_unit_test(test_a_ping_without_a_whole_ttl_is_refused),
        cmocka_unit_test(test_a_context_has_at_most_16_octets),
        cmocka_unit_test(test_an_error_has_one_reason_with_its_size),
        cmocka_unit_test(test_pings_pongs_and_errors_are_sent_as_whole_frames),
        cmocka_unit_test(test_a_ttl_is_rounded_up_and_stops_at_the_most_that_fits),
        cmocka_unit_test(test_an_error_of_255_octets_needs_the_long_form),
        cmocka_unit_test(test_any_command_is_sent_with_its_name_and_data),
        cmocka_unit_test(test_an_output_one_octet_too_small_is_a_limit),
        cmocka_unit_test(test_a_name_that_no_decoder_takes_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
