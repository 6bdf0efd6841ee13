// Socket types: their names on the wire and who speaks to whom (RFC 37, Socket-Type Property).
#include "test/support/octets.h"
#include "zmtp/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static const struct {
    const char *name;
    enum zmtp_socket_type type;
} names[] = {
    {"REQ", ZMTP_REQ},         {"REP", ZMTP_REP},       {"DEALER", ZMTP_DEALER},
    {"ROUTER", ZMTP_ROUTER},   {"PUB", ZMTP_PUB},       {"XPUB", ZMTP_XPUB},
    {"SUB", ZMTP_SUB},         {"XSUB", ZMTP_XSUB},     {"PUSH", ZMTP_PUSH},
    {"PULL", ZMTP_PULL},       {"PAIR", ZMTP_PAIR},     {"CLIENT", ZMTP_CLIENT},
    {"SERVER", ZMTP_SERVER},   {"RADIO", ZMTP_RADIO},   {"DISH", ZMTP_DISH},
    {"SCATTER", ZMTP_SCATTER}, {"GATHER", ZMTP_GATHER}, {"PEER", ZMTP_PEER},
    {"CHANNEL", ZMTP_CHANNEL},
};
enum { NAMES = sizeof names / sizeof names[0] };

// ZMTP37-STYPE-01, ZMTP23-STYPE-01'
static void test_every_type_of_the_rfc_is_read_and_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAMES; i++) {
        enum zmtp_socket_type type = ZMTP_STREAM;
        assert_int_equal(zmtp_socket_type_parse(zmtp_bytes_text(names[i].name), &type), ZMTP_OK);
        assert_int_equal(type, names[i].type);
        assert_string_equal(zmtp_socket_type_name(type), names[i].name);
    }
}

static void test_what_is_no_type_of_the_rfc_is_not_found(void **state)
{
    (void)state;
    const struct zmtp_bytes strangers[] = {
        LITERAL(""),       LITERAL("R"),     LITERAL("RE"), LITERAL("REQS"), LITERAL("REQ\0"),
        LITERAL("req"),    LITERAL(" REQ"),  LITERAL("X"),  LITERAL("SUBX"), LITERAL("?"),
        LITERAL("STREAM"), LITERAL("DGRAM"), {NULL, 0},
    };
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        enum zmtp_socket_type type = ZMTP_PAIR;
        assert_int_equal(zmtp_socket_type_parse(strangers[i], &type), ZMTP_ERR_NOT_FOUND);
        assert_int_equal(type, ZMTP_PAIR);
    }
}

static void test_types_that_are_never_on_the_wire_still_have_a_name(void **state)
{
    (void)state;
    assert_string_equal(zmtp_socket_type_name(ZMTP_STREAM), "STREAM");
    assert_string_equal(zmtp_socket_type_name(ZMTP_DGRAM), "DGRAM");
    assert_string_equal(zmtp_socket_type_name(ZMTP_SOCKET_TYPES), "?");
    assert_string_equal(zmtp_socket_type_name((enum zmtp_socket_type)1000), "?");
}

// Each pair in one direction; the test takes both.
static const enum zmtp_socket_type pairs[][2] = {
    {ZMTP_REQ, ZMTP_REP},       {ZMTP_REQ, ZMTP_ROUTER},      {ZMTP_REP, ZMTP_DEALER},
    {ZMTP_DEALER, ZMTP_DEALER}, {ZMTP_DEALER, ZMTP_ROUTER},   {ZMTP_ROUTER, ZMTP_ROUTER},
    {ZMTP_PUB, ZMTP_SUB},       {ZMTP_PUB, ZMTP_XSUB},        {ZMTP_XPUB, ZMTP_SUB},
    {ZMTP_XPUB, ZMTP_XSUB},     {ZMTP_PUSH, ZMTP_PULL},       {ZMTP_PAIR, ZMTP_PAIR},
    {ZMTP_CLIENT, ZMTP_SERVER}, {ZMTP_RADIO, ZMTP_DISH},      {ZMTP_SCATTER, ZMTP_GATHER},
    {ZMTP_PEER, ZMTP_PEER},     {ZMTP_CHANNEL, ZMTP_CHANNEL},
};

static bool is_pair(enum zmtp_socket_type a, enum zmtp_socket_type b)
{
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pairs[i][0] == a && pairs[i][1] == b) return true;
        if (pairs[i][0] == b && pairs[i][1] == a) return true;
    }
    return false;
}

// ZMTP37-STYPE-02
static void test_the_types_that_speak_to_each_other_are_the_rfcs_and_no_others(void **state)
{
    (void)state;
    for (int a = 0; a <= ZMTP_SOCKET_TYPES; a++) {
        for (int b = 0; b <= ZMTP_SOCKET_TYPES; b++) {
            const enum zmtp_socket_type ours = (enum zmtp_socket_type)a;
            const enum zmtp_socket_type theirs = (enum zmtp_socket_type)b;
            assert_int_equal(zmtp_socket_types_match(ours, theirs), is_pair(ours, theirs));
        }
    }
    assert_false(zmtp_socket_types_match((enum zmtp_socket_type)1000, ZMTP_PAIR));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_of_the_rfc_is_read_and_named),
        cmocka_unit_test(test_what_is_no_type_of_the_rfc_is_not_found),
        cmocka_unit_test(test_types_that_are_never_on_the_wire_still_have_a_name),
        cmocka_unit_test(test_the_types_that_speak_to_each_other_are_the_rfcs_and_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
