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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_four_octets_and_a_port_are_read),
        cmocka_unit_test(test_eight_groups_are_read_with_a_gap_anywhere),
        cmocka_unit_test(test_anything_else_is_none),
        cmocka_unit_test(test_equal_are_those_that_lead_to_the_same_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
