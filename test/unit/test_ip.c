// Addresses with ports, from their text.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/octets.h"
#include "zmtp/base/ip.h"

static void assert_read(const char *text, bool six, struct zmtp_bytes octets, uint32_t scope,
                        uint16_t port)
{
    struct zmtp__ip ip;
    for (size_t zero = 0; zero <= 1; zero++) { // with its terminator and without
        if (!zmtp__ip_parse(zmtp_bytes_of(text, strlen(text) + zero), &ip)) fail_msg("%s", text);
        assert_int_equal(ip.six, six);
        octets_assert_equal(zmtp_bytes_of(ip.octets, octets.size), octets);
        assert_int_equal(ip.scope, scope);
        assert_int_equal(ip.port, port);
    }
}

static void test_four_octets_and_a_port_are_read(void **state)
{
    (void)state;
    assert_read("127.0.0.1:5555", false, OCTETS(127, 0, 0, 1), 0, 5555);
    assert_read("0.10.200.255:65535", false, OCTETS(0, 10, 200, 255), 0, 65535);
}

static void test_eight_groups_are_read_with_a_gap_anywhere(void **state)
{
    (void)state;
    assert_read("[1:2:3:4:5:6:7:8]:1", true, OCTETS(0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8),
                0, 1);
    assert_read("[::]:1", true, OCTETS(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0, 1);
    assert_read("[::1]:1", true, OCTETS(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), 0, 1);
    assert_read("[fe80::]:1", true, OCTETS(0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0,
                1);
    assert_read("[FE80::aBcd%7]:1", true,
                OCTETS(0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xAB, 0xCD), 7, 1);
    assert_read("[1:2:3:4:5:6:7::]:1", true, OCTETS(0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0),
                0, 1);
    assert_read("[::ffff:10.0.0.1]:1", true,
                OCTETS(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, 1), 0, 1);
}

static void test_anything_else_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        ":",
        "1",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:01",
        "127.0.0.1:1 ",
        " 127.0.0.1:1",
        "127.0.0:1",
        "127.0.0.1.2:1",
        "127.0.0.256:1",
        "127.0.0.01:1",
        "127.0.0.-1:1",
        "localhost:1",
        "*:1",
        "::1:1",
        "[::1]",
        "[::1]1",
        "[::1:1",
        "[]:1",
        "[1]:1",
        "[:]:1",
        "[:::]:1",
        "[1:]:1",
        "[:1]:1",
        "[1::2::3]:1",
        "[1:::2]:1",
        "[1:2:3:4:5:6:7]:1",
        "[1:2:3:4:5:6:7:8:9]:1",
        "[1:2:3:4:5:6:7:8::]:1",
        "[::12345]:1",
        "[::g]:1",
        "[::1%]:1",
        "[::1%eth0]:1",
        "[::1%4294967296]:1",
        "[127.0.0.1]:1",
        "[::1.2.3]:1",
        "[1:2:3:4:5:6:7:1.2.3.4]:1",
        "[::1.2.3.4:1]:1",
        "udp://127.0.0.1:1",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct zmtp__ip ip;
        const struct zmtp_bytes text = octets_prefix(zmtp_bytes_text(texts[i]), strlen(texts[i]));
        if (zmtp__ip_parse(text, &ip)) fail_msg("%s", texts[i]);
        octets_drop(text);
    }
    struct zmtp__ip ip;
    assert_false(zmtp__ip_parse(LITERAL("127.0.0.1:1\0\0"), &ip));
    assert_false(zmtp__ip_parse(LITERAL("127.0.0.1\0:1"), &ip));
}

static void test_equal_are_those_that_lead_to_the_same_place(void **state)
{
    (void)state;
    struct zmtp__ip a, b;
    assert_true(zmtp__ip_parse(LITERAL("[0:0::1]:7"), &a));
    assert_true(zmtp__ip_parse(LITERAL("[::1]:7"), &b));
    assert_true(zmtp__ip_equal(&a, &b));
    assert_true(zmtp__ip_parse(LITERAL("[::1]:8"), &b));
    assert_false(zmtp__ip_equal(&a, &b));
    assert_true(zmtp__ip_parse(LITERAL("[::1%1]:7"), &b));
    assert_false(zmtp__ip_equal(&a, &b));
    assert_true(zmtp__ip_parse(LITERAL("0.0.0.1:7"), &b));
    assert_false(zmtp__ip_equal(&a, &b));
}

static void assert_network(const char *text, struct zmtp_bytes octets, unsigned bits)
{
    struct zmtp__ip_network network;
    const struct zmtp_bytes copy = octets_prefix(zmtp_bytes_text(text), strlen(text));
    if (zmtp__ip_network_parse(copy, &network) != ZMTP__IP_FLAWLESS) fail_msg("%s", text);
    octets_assert_equal(zmtp_bytes_of(network.octets, sizeof network.octets), octets);
    assert_int_equal(network.bits, bits);
    octets_drop(copy);
}

static void test_a_network_is_read_with_its_bits_or_all_of_them(void **state)
{
    (void)state;
    assert_network("10.0.0.0/8", OCTETS(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 0), 104);
    assert_network("0.0.0.0/0", OCTETS(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0), 96);
    assert_network("1.2.3.4", OCTETS(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4), 128);
    assert_network("::ffff:1.2.3.4/104", OCTETS(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4),
                   104);
    assert_network("fe80::/10", OCTETS(0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 10);
    assert_network("::/0", OCTETS(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0);
    assert_network("[::1]", OCTETS(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), 128);
    assert_network("[::1]/127", OCTETS(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), 127);
}

static void test_what_is_no_network_is_told_by_its_flaw(void **state)
{
    (void)state;
    static const char *const none[] = {"",        "10",    "10/8",       "1.2.3",     "localhost",
                                       "*",       "::1%2", "1.2.3.4:5",  "1.2.3.4 ",  "[::1",
                                       "::1]",    "/8",    "01.2.3.4/8", "[1.2.3.4]", "1:2",
                                       "[::1]:5", "[]",    "1.2.3.4.5",  ":::",       "::g"};
    static const char *const bits[] = {"1.2.3.4/", "1.2.3.4/33", "::1/129", "1.2.3.4/8x", "::/-1",
                                       "::/08",    "::/8/8",     "::/ 8",   "::/255.0"};
    struct zmtp__ip_network network;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (zmtp__ip_network_parse(zmtp_bytes_text(none[i]), &network) != ZMTP__IP_NO_ADDRESS)
            fail_msg("%s", none[i]);
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        if (zmtp__ip_network_parse(zmtp_bytes_text(bits[i]), &network) != ZMTP__IP_NO_BITS)
            fail_msg("%s", bits[i]);
}

// |address| is read as a network of one.
static bool network_has(const char *text, const char *address)
{
    struct zmtp__ip_network network, one;
    assert_int_equal(zmtp__ip_network_parse(zmtp_bytes_text(text), &network), ZMTP__IP_FLAWLESS);
    assert_int_equal(zmtp__ip_network_parse(zmtp_bytes_text(address), &one), ZMTP__IP_FLAWLESS);
    return zmtp__ip_network_has(&network, one.octets);
}

static void test_a_network_has_the_addresses_that_begin_as_it_does(void **state)
{
    (void)state;
    assert_true(network_has("10.0.0.0/8", "10.255.255.255"));
    assert_false(network_has("10.0.0.0/8", "11.0.0.0"));
    assert_true(network_has("192.0.2.77/31", "192.0.2.76")); // what follows its bits means nothing
    assert_false(network_has("192.0.2.77/31", "192.0.2.78"));
    assert_true(network_has("192.0.2.128/25", "192.0.2.255"));
    assert_false(network_has("192.0.2.128/25", "192.0.2.127"));
    assert_true(network_has("192.0.2.1", "::ffff:192.0.2.1"));
    assert_true(network_has("0.0.0.0/0", "255.1.2.3"));
    assert_true(network_has("fd00::/8", "fdff::1"));
    assert_false(network_has("fd00::/8", "fc00::1"));
    assert_true(network_has("::1", "::1"));
    assert_false(network_has("::1", "::2"));
    assert_true(network_has("::/0", "2001:db8::1"));
}

static void test_ipv4_is_in_networks_of_its_own_only(void **state)
{
    (void)state;
    assert_false(network_has("::/0", "1.2.3.4"));
    assert_false(network_has("::/95", "1.2.3.4"));
    assert_true(network_has("::ffff:0:0/96", "1.2.3.4"));
    assert_false(network_has("0.0.0.0/0", "::1.2.3.4"));
    assert_false(network_has("0.0.0.0/0", "::1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_four_octets_and_a_port_are_read),
        cmocka_unit_test(test_eight_groups_are_read_with_a_gap_anywhere),
        cmocka_unit_test(test_anything_else_is_none),
        cmocka_unit_test(test_equal_are_those_that_lead_to_the_same_place),
        cmocka_unit_test(test_a_network_is_read_with_its_bits_or_all_of_them),
        cmocka_unit_test(test_what_is_no_network_is_told_by_its_flaw),
        cmocka_unit_test(test_a_network_has_the_addresses_that_begin_as_it_does),
        cmocka_unit_test(test_ipv4_is_in_networks_of_its_own_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
