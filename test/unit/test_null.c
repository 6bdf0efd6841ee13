// The NULL mechanism (RFC 37, NULL Mechanism): what it says and what it takes, frame by frame.
#include "test/support/octets.h"
#include "zmtp/mech/mech.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct zmtp__mech_session session_of(struct zmtp_bytes metadata)
{
    return (struct zmtp__mech_session){.mech = &zmtp__mech_null, .ours = metadata};
}

static int hear(struct zmtp__mech_session *session, struct zmtp_bytes body)
{
    static uint8_t octets[64]; // what was heard is a view of it
    assert_true(body.size <= sizeof octets);
    memcpy(octets, body.data, body.size);
    return session->mech->hear(session, octets, body.size, 0);
}

// ZMTP37-NULL-04, ZMTP23-NULL-04': READY is said before anything is heard, and once.
static void test_ready_is_said_at_once_and_only_once(void **state)
{
    (void)state;
    struct zmtp__mech_session session = session_of(LITERAL("\x01X\0\0\0\x01y"));
    uint8_t out[64];
    const int said = session.mech->say(&session, out, sizeof out);
    octets_assert_equal(zmtp_bytes_of(out, (size_t)said),
                        LITERAL("\x04\x0D\x05READY\x01X\0\0\0\x01y"));
    assert_int_equal(session.mech->say(&session, out, sizeof out), 0);
}

static void test_ready_that_finds_no_room_is_said_later(void **state)
{
    (void)state;
    struct zmtp__mech_session session = session_of(LITERAL(""));
    uint8_t out[8];
    for (size_t size = 0; size < sizeof out; size++)
        assert_int_equal(session.mech->say(&session, out, size), ZMTP_ERR_LIMIT);
    assert_int_equal(session.mech->say(&session, out, sizeof out), sizeof out);
    assert_memory_equal(out, "\x04\x06\x05READY", sizeof out);
}

// ZMTP37-NULL-06: both READY commands, in whichever order.
static void test_the_handshake_is_done_when_ready_was_said_and_heard(void **state)
{
    (void)state;
    uint8_t out[16];
    struct zmtp__mech_session session = session_of(LITERAL(""));
    assert_true(session.mech->say(&session, out, sizeof out) > 0);
    assert_false(session.mech->done(&session));
    assert_int_equal(hear(&session, LITERAL("\x05READYmeta")), ZMTP_OK);
    assert_true(session.mech->done(&session));
    octets_assert_equal(session.theirs, LITERAL("meta"));

    session = session_of(LITERAL(""));
    assert_int_equal(hear(&session, LITERAL("\x05READY")), ZMTP_OK);
    assert_false(session.mech->done(&session));
    assert_true(session.mech->say(&session, out, sizeof out) > 0);
    assert_true(session.mech->done(&session));
}

static void test_nothing_but_one_ready_or_an_error_is_taken(void **state)
{
    (void)state;
    struct zmtp__mech_session session = session_of(LITERAL(""));
    assert_int_equal(hear(&session, LITERAL("\x05HELLO")), ZMTP_ERR_COMMAND);
    assert_int_equal(hear(&session, LITERAL("\x04PING\0\0")), ZMTP_ERR_COMMAND);
    assert_int_equal(hear(&session, LITERAL("\x05ready")), ZMTP_ERR_COMMAND);
    assert_int_equal(hear(&session, LITERAL("\x06READY!")), ZMTP_ERR_COMMAND);
    assert_false(session.heard);
    assert_int_equal(hear(&session, LITERAL("\x05READY")), ZMTP_OK);
    assert_int_equal(hear(&session, LITERAL("\x05READY")), ZMTP_ERR_COMMAND);
}

// ZMTP37-NULL-10, ERR-01
static void test_an_error_ends_the_handshake_and_tells_its_reason(void **state)
{
    (void)state;
    struct zmtp__mech_session session = session_of(LITERAL(""));
    assert_int_equal(hear(&session, LITERAL("\5ERROR\x03no!")), ZMTP_ERR_PEER);
    octets_assert_equal(session.reason, LITERAL("no!"));
    assert_false(session.mech->done(&session));
    // A reason that is cut short, or followed by something, is no ERROR command.
    assert_int_equal(hear(&session, LITERAL("\5ERROR")), ZMTP_ERR_COMMAND);
    assert_int_equal(hear(&session, LITERAL("\5ERROR\x04no!")), ZMTP_ERR_COMMAND);
    assert_int_equal(hear(&session, LITERAL("\5ERROR\x02no!")), ZMTP_ERR_COMMAND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready_is_said_at_once_and_only_once),
        cmocka_unit_test(test_ready_that_finds_no_room_is_said_later),
        cmocka_unit_test(test_the_handshake_is_done_when_ready_was_said_and_heard),
        cmocka_unit_test(test_nothing_but_one_ready_or_an_error_is_taken),
        cmocka_unit_test(test_an_error_ends_the_handshake_and_tells_its_reason),
    };
    return cmocka_run_group_tests_name("null", tests, NULL, NULL);
}
