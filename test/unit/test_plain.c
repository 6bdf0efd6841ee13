// PLAIN (RFC 24): what each side says and takes, octet by octet.
#include "test/support/octets.h"
#include "zmtp/mech/mech.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { ROOM = 1024 };

static struct zmtp_security security;

static struct zmtp__mech_session client_of(const char *username, const char *password)
{
    struct zmtp__mech_session session;
    security = (struct zmtp_security){.mechanism = ZMTP_PLAIN,
                                      .username = zmtp_bytes_text(username),
                                      .password = zmtp_bytes_text(password)};
    zmtp__mech_init(&session, &security, LITERAL("ours"));
    return session;
}

static struct zmtp__mech_session server(void)
{
    static const struct zmtp_security as_server = {.mechanism = ZMTP_PLAIN, .server = true};
    struct zmtp__mech_session session;
    zmtp__mech_init(&session, &as_server, LITERAL("ours"));
    return session;
}

static int hear(struct zmtp__mech_session *session, struct zmtp_bytes body)
{
    static uint8_t octets[ROOM]; // what was heard is a view of it
    assert_true(body.size <= sizeof octets);
    if (body.size > 0) memcpy(octets, body.data, body.size);
    return session->mech->hear(session, octets, body.size, 0);
}

static void assert_says(struct zmtp__mech_session *session, struct zmtp_bytes octets)
{
    uint8_t out[ROOM];
    const int said = session->mech->say(session, out, sizeof out);
    assert_true(said >= 0);
    octets_assert_equal(zmtp_bytes_of(out, (size_t)said), octets);
}

// ZMTP24-PLAIN-03, PLAIN-04; ZMTP37-META-01, CMD-02
static void test_a_client_says_hello_and_initiate_and_is_done_with_ready(void **state)
{
    (void)state;
    struct zmtp__mech_session session = client_of("admin", "secret");
    assert_says(&session, LITERAL("\x04\x13\5HELLO\5admin\6secret"));
    assert_says(&session, LITERAL("")); // the server's turn
    assert_int_equal(hear(&session, LITERAL("\7WELCOME")), ZMTP_OK);
    assert_says(&session, LITERAL("\x04\x0D\x08INITIATEours"));
    assert_false(session.mech->done(&session));
    assert_int_equal(hear(&session, LITERAL("\5READYtheirs")), ZMTP_OK);
    octets_assert_equal(session.theirs, LITERAL("theirs"));
    assert_true(session.heard && session.mech->done(&session));
    assert_null(session.mech->seal);
}

// ZMTP24-PLAIN-03, PLAIN-04, PLAIN-06; ZMTP37-SEC-05
static void test_a_server_asks_who_it_is_before_it_says_anything(void **state)
{
    (void)state;
    struct zmtp__mech_session session = server();
    assert_says(&session, LITERAL(""));
    assert_int_equal(hear(&session, LITERAL("\5HELLO\5admin\6secret")), ZMTP_OK);
    assert_true(session.asking);
    assert_int_equal(session.credentials.mechanism, ZMTP_PLAIN);
    octets_assert_equal(session.credentials.username, LITERAL("admin"));
    octets_assert_equal(session.credentials.password, LITERAL("secret"));
    assert_says(&session, LITERAL(""));
    zmtp__mech_allow(&session);
    assert_says(&session, LITERAL("\x04\x08\7WELCOME"));
    assert_int_equal(hear(&session, LITERAL("\x08INITIATEtheirs")), ZMTP_OK);
    octets_assert_equal(session.theirs, LITERAL("theirs"));
    assert_false(session.mech->done(&session));
    assert_says(&session, LITERAL("\x04\x0A\5READYours"));
    assert_true(session.mech->done(&session));
}

// ZMTP24-PLAIN-05
static void test_names_and_passwords_of_0_to_255_octets_pass_whole(void **state)
{
    (void)state;
    static uint8_t octets[UINT8_MAX];
    memset(octets, 0xE4, sizeof octets);
    const size_t sizes[] = {0, 1, 254, 255};
    for (size_t i = 0; i < 16; i++) {
        const struct zmtp_bytes name = {octets, sizes[i / 4]}, password = {octets, sizes[i % 4]};
        struct zmtp__mech_session client = client_of("", "");
        security.username = name;
        security.password = password;
        uint8_t out[ROOM];
        const int said = client.mech->say(&client, out, sizeof out);
        struct zmtp_frame frame;
        const int header = zmtp_frame_decode(zmtp_bytes_of(out, (size_t)said), &frame);
        assert_int_equal(header + (int)frame.size, said);
        struct zmtp__mech_session session = server();
        assert_int_equal(hear(&session, zmtp_bytes_of(out + header, (size_t)frame.size)), ZMTP_OK);
        octets_assert_equal(session.credentials.username, name);
        octets_assert_equal(session.credentials.password, password);
    }
}

static void test_what_finds_no_room_is_said_later(void **state)
{
    (void)state;
    struct zmtp__mech_session session = client_of("a", "b");
    uint8_t out[12];
    for (size_t size = 0; size < sizeof out; size++)
        assert_int_equal(session.mech->say(&session, out, size), ZMTP_ERR_LIMIT);
    assert_int_equal(session.mech->say(&session, out, sizeof out), sizeof out);
}

// ZMTP24-PLAIN-05
static void test_a_malformed_hello_is_refused(void **state)
{
    (void)state;
    const struct zmtp_bytes wrong[] = {
        LITERAL("\5HELLO"),          LITERAL("\5HELLO\5admi"), LITERAL("\5HELLO\5admin"),
        LITERAL("\5HELLO\5admin\1"), LITERAL("\5HELLO\0\0x"), // an octet behind it
        LITERAL("\5HELLO\xFFx\1y"),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct zmtp__mech_session session = server();
        assert_int_equal(hear(&session, wrong[i]), ZMTP_ERR_COMMAND);
        assert_false(session.asking);
    }
}

// ZMTP24-PLAIN-03; ZMTP37-CMD-02
static void test_commands_out_of_their_order_are_refused(void **state)
{
    (void)state;
    const struct zmtp_bytes all[] = {LITERAL("\5HELLO\0\0"),  LITERAL("\7WELCOME"),
                                     LITERAL("\x08INITIATE"), LITERAL("\5READY"),
                                     LITERAL("\4PING\0\0"),   LITERAL("\5ERROR\0")};
    enum { HELLO, WELCOME, INITIATE, READY, PING, ERROR, COUNT };
    for (size_t i = 0; i < COUNT; i++) {
        struct zmtp__mech_session session = server();
        assert_int_equal(hear(&session, all[i]), i == HELLO ? ZMTP_OK : ZMTP_ERR_COMMAND);
        session = server();
        assert_int_equal(hear(&session, all[HELLO]), ZMTP_OK);
        zmtp__mech_allow(&session);
        assert_says(&session, LITERAL("\x04\x08\7WELCOME"));
        assert_int_equal(hear(&session, all[i]), i == INITIATE ? ZMTP_OK : ZMTP_ERR_COMMAND);

        uint8_t out[ROOM];
        session = client_of("", "");
        assert_true(session.mech->say(&session, out, sizeof out) > 0);
        const int first = i == WELCOME ? ZMTP_OK : i == ERROR ? ZMTP_ERR_PEER : ZMTP_ERR_COMMAND;
        assert_int_equal(hear(&session, all[i]), first);
        session = client_of("", "");
        assert_true(session.mech->say(&session, out, sizeof out) > 0);
        assert_int_equal(hear(&session, all[WELCOME]), ZMTP_OK);
        assert_true(session.mech->say(&session, out, sizeof out) > 0);
        const int second = i == READY ? ZMTP_OK : i == ERROR ? ZMTP_ERR_PEER : ZMTP_ERR_COMMAND;
        assert_int_equal(hear(&session, all[i]), second);
    }
    struct zmtp__mech_session session = client_of("", "");
    uint8_t out[ROOM];
    assert_true(session.mech->say(&session, out, sizeof out) > 0);
    assert_int_equal(hear(&session, LITERAL("\7WELCOME!")), ZMTP_ERR_COMMAND);
}

// LZ-15: libzmq's own form, as recorded in vectors/libzmq/error-plain, and the RFC's.
static void test_both_forms_of_error_end_a_client_s_handshake(void **state)
{
    (void)state;
    uint8_t out[ROOM];
    struct zmtp__mech_session session = client_of("", "");
    assert_true(session.mech->say(&session, out, sizeof out) > 0);
    assert_int_equal(hear(&session, LITERAL("^RROR\x03"
                                            "400")),
                     ZMTP_ERR_PEER);
    octets_assert_equal(session.reason, LITERAL("400"));
    assert_int_equal(hear(&session, LITERAL("\5ERROR\x03"
                                            "300")),
                     ZMTP_ERR_PEER);
    octets_assert_equal(session.reason, LITERAL("300"));
    assert_int_equal(hear(&session, LITERAL("^RROR")), ZMTP_ERR_COMMAND);
    assert_int_equal(hear(&session, LITERAL("^RROR\x04"
                                            "400")),
                     ZMTP_ERR_COMMAND);
    // A server is told no errors.
    session = server();
    assert_int_equal(hear(&session, LITERAL("^RROR\x03"
                                            "400")),
                     ZMTP_ERR_COMMAND);
}

static void test_two_clients_are_told_what_is_wrong(void **state)
{
    (void)state;
    struct zmtp__mech_session session = client_of("", "");
    assert_int_equal(hear(&session, LITERAL("\5HELLO\0\0")), ZMTP_ERR_COMMAND);
    assert_true(session.reason.size > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_client_says_hello_and_initiate_and_is_done_with_ready),
        cmocka_unit_test(test_a_server_asks_who_it_is_before_it_says_anything),
        cmocka_unit_test(test_names_and_passwords_of_0_to_255_octets_pass_whole),
        cmocka_unit_test(test_what_finds_no_room_is_said_later),
        cmocka_unit_test(test_a_malformed_hello_is_refused),
        cmocka_unit_test(test_commands_out_of_their_order_are_refused),
        cmocka_unit_test(test_both_forms_of_error_end_a_client_s_handshake),
        cmocka_unit_test(test_two_clients_are_told_what_is_wrong),
    };
    return cmocka_run_group_tests_name("plain", tests, NULL, NULL);
}
