// The handshake of CURVE (RFC 26): both sides of it, and every way to break it.
#include "test/support/octets.h"
#include "test/support/security.h"
#include "zmtp/mech/mech.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { ROOM = 1024, NOW = 5000 };

// A client and a server that know each other, and the last command said.
struct pair {
    struct test_crypto crypto;
    struct zmtp_security client_security, server_security;
    struct zmtp__mech_session client, server;
    uint8_t frame[ROOM];
    uint8_t *body; // of |frame|
    size_t size;
};

static void pair_init(struct pair *pair, uint64_t seed)
{
    test_crypto_init(&pair->crypto, seed);
    pair->client_security = (struct zmtp_security){.mechanism = ZMTP_CURVE};
    pair->client_security.crypto = &pair->crypto.table;
    pair->server_security = pair->client_security;
    pair->server_security.server = true;
    zmtp_key_generate(&pair->client_security.keys, &pair->crypto.table);
    zmtp_key_generate(&pair->server_security.keys, &pair->crypto.table);
    pair->client_security.server_key = pair->server_security.keys.public_key;
    zmtp__mech_init(&pair->client, &pair->client_security, LITERAL("\1C\0\0\0\1c"));
    zmtp__mech_init(&pair->server, &pair->server_security, LITERAL("\1S\0\0\0\1s"));
}

// What one of them says next: a command frame, whose body is kept.
static void pair_say(struct pair *pair, struct zmtp__mech_session *who)
{
    const int said = who->mech->say(who, pair->frame, sizeof pair->frame);
    assert_true(said > 0);
    struct zmtp_frame frame;
    const int header = zmtp_frame_decode(zmtp_bytes_of(pair->frame, (size_t)said), &frame);
    assert_true(header > 0 && frame.command && !frame.more);
    assert_int_equal((size_t)header + frame.size, (size_t)said);
    pair->body = pair->frame + header;
    pair->size = (size_t)frame.size;
}

// The other one hears it.
static int pair_hear(struct pair *pair, struct zmtp__mech_session *who)
{
    return who->mech->hear(who, pair->body, pair->size, NOW);
}

enum place { AT_HELLO, AT_WELCOME, AT_INITIATE, AT_READY, AT_END };

// Goes on until the command of |place| is said and not heard.
static void pair_go(struct pair *pair, enum place place)
{
    struct zmtp__mech_session *from = &pair->client, *to = &pair->server;
    for (int at = AT_HELLO;; at++) {
        if (at == AT_END) return;
        pair_say(pair, from);
        if (at == (int)place) return;
        assert_int_equal(pair_hear(pair, to), ZMTP_OK);
        if (to->asking) zmtp__mech_allow(to);
        struct zmtp__mech_session *const heard = to;
        to = from;
        from = heard;
    }
}

static struct zmtp__mech_session *pair_listener(struct pair *pair, enum place place)
{
    return place == AT_HELLO || place == AT_INITIATE ? &pair->server : &pair->client;
}

// ZMTP26-GEN-02, HELLO-01, WELC-01, INIT-01, READY-01; ZMTP37-META-01, SEC-05
static void test_the_four_commands_have_the_sizes_and_places_of_the_rfc(void **state)
{
    (void)state;
    static struct pair pair;
    static const uint8_t zeros[72] = {0};
    pair_init(&pair, 1);
    pair_say(&pair, &pair.client);
    assert_int_equal(pair.size, 200);
    octets_assert_equal(zmtp_bytes_of(pair.frame, 11), LITERAL("\x04\xC8\5HELLO\1\0\0"));
    octets_assert_equal(zmtp_bytes_of(pair.body + 8, 72), zmtp_bytes_of(zeros, 72));
    octets_assert_equal(zmtp_bytes_of(pair.body + 112, 8), LITERAL("\0\0\0\0\0\0\0\1"));
    assert_int_equal(pair_hear(&pair, &pair.server), ZMTP_OK);
    pair_say(&pair, &pair.server);
    assert_int_equal(pair.size, 168);
    octets_assert_equal(zmtp_bytes_of(pair.frame, 10), LITERAL("\x04\xA8\7WELCOME"));
    assert_int_equal(pair_hear(&pair, &pair.client), ZMTP_OK);
    pair_say(&pair, &pair.client);
    assert_int_equal(pair.size, 257 + 7); // and the metadata
    octets_assert_equal(zmtp_bytes_of(pair.body, 9), LITERAL("\x08INITIATE"));
    octets_assert_equal(zmtp_bytes_of(pair.body + 105, 8), LITERAL("\0\0\0\0\0\0\0\2"));
    assert_int_equal(pair_hear(&pair, &pair.server), ZMTP_OK);
    octets_assert_equal(pair.server.theirs, LITERAL("\1C\0\0\0\1c"));
    zmtp__mech_allow(&pair.server);
    pair_say(&pair, &pair.server);
    assert_int_equal(pair.size, 30 + 7);
    octets_assert_equal(zmtp_bytes_of(pair.body, 14), LITERAL("\5READY\0\0\0\0\0\0\0\1"));
    assert_int_equal(pair_hear(&pair, &pair.client), ZMTP_OK);
    octets_assert_equal(pair.client.theirs, LITERAL("\1S\0\0\0\1s"));
    assert_true(pair.client.mech->done(&pair.client) && pair.server.mech->done(&pair.server));
}

// ZMTP26-GEN-01, INIT-05, INIT-06
static void test_the_server_asks_about_the_key_that_the_client_has_proven(void **state)
{
    (void)state;
    static struct pair pair;
    pair_init(&pair, 2);
    pair_go(&pair, AT_INITIATE);
    assert_int_equal(pair_hear(&pair, &pair.server), ZMTP_OK);
    assert_true(pair.server.asking);
    assert_int_equal(pair.server.credentials.mechanism, ZMTP_CURVE);
    assert_true(
        zmtp_key_equal(&pair.server.credentials.public_key, &pair.client_security.keys.public_key));
    uint8_t out[ROOM];
    assert_int_equal(pair.server.mech->say(&pair.server, out, sizeof out), 0);
    assert_false(pair.server.mech->done(&pair.server));
}

// ZMTP26-MESG-01, MESG-02; ZMTP37-AUTH-07
static void test_both_sides_then_seal_for_each_other(void **state)
{
    (void)state;
    static struct pair pair;
    struct zmtp__seal client, server;
    pair_init(&pair, 3);
    pair_go(&pair, AT_END);
    pair.client.mech->seal(&pair.client, &client);
    pair.server.mech->seal(&pair.server, &server);
    const struct zmtp_frame frame = {.size = 2};
    uint8_t out[64];
    assert_int_equal(zmtp__seal_frame(&client, &frame, LITERAL("hi"), out), ZMTP_OK);
    octets_assert_equal(zmtp_bytes_of(out, 18), LITERAL("\0\x23\7MESSAGE\0\0\0\0\0\0\0\3"));
    assert_int_equal(zmtp__seal_open(&server, out + 2, 35, out), 3);
    octets_assert_equal(zmtp_bytes_of(out, 3), LITERAL("\0hi"));
    assert_int_equal(zmtp__seal_frame(&server, &frame, LITERAL("yo"), out), ZMTP_OK);
    octets_assert_equal(zmtp_bytes_of(out, 18), LITERAL("\0\x23\7MESSAGE\0\0\0\0\0\0\0\2"));
    assert_int_equal(zmtp__seal_open(&client, out + 2, 35, out), 3);
}

// ZMTP26-HELLO-04, WELC-03; LZ-19: what could be stolen from a waiting server is of no use.
static void test_between_welcome_and_initiate_the_server_knows_no_transient_key(void **state)
{
    (void)state;
    static struct pair pair;
    pair_init(&pair, 4);
    pair_go(&pair, AT_INITIATE);
    const struct zmtp__curve *const curve = &pair.server.memory.curve;
    assert_true(zmtp_key_is_zero(&curve->transient.secret_key));
    assert_true(zmtp_key_is_zero(&curve->theirs));
    assert_true(zmtp_key_is_zero(&curve->hello_key));
    assert_true(zmtp_key_is_zero(&curve->traffic_key));
    assert_false(zmtp_key_is_zero(&curve->cookie_key));
    assert_int_equal(pair_hear(&pair, &pair.server), ZMTP_OK);
    assert_true(zmtp_key_is_zero(&curve->cookie_key)); // ZMTP26-WELC-04
}

// ZMTP26-WELC-04
static void test_the_cookie_is_good_for_a_minute(void **state)
{
    (void)state;
    static struct pair pair;
    pair_init(&pair, 5);
    pair_go(&pair, AT_INITIATE);
    assert_int_equal(pair.server.deadline_ms, NOW + 60000);
    assert_int_equal(pair.server.mech->hear(&pair.server, pair.body, pair.size, NOW + 60000),
                     ZMTP_ERR_HANDSHAKE_TIMEOUT);
    pair_init(&pair, 5);
    pair_go(&pair, AT_INITIATE);
    assert_int_equal(pair.server.mech->hear(&pair.server, pair.body, pair.size, NOW + 59999),
                     ZMTP_OK);
    assert_int_equal(pair.server.deadline_ms, UINT64_MAX);
}

// ZMTP26-HELLO-03, WELC-06, INIT-04, READY-01: whatever bit of whatever command is changed, but for the
// top bit of C' in HELLO, which X25519 does not look at; with it the vouch will not fit.
static void test_no_bit_of_any_command_can_be_changed(void **state)
{
    (void)state;
    static struct pair pair;
    for (int place = AT_HELLO; place <= AT_READY; place++) {
        pair_init(&pair, 6);
        pair_go(&pair, (enum place)place);
        for (size_t bit = 0; bit < pair.size * 8; bit++) {
            if (place == AT_HELLO && bit == 111 * 8 + 7) continue;
            struct zmtp__mech_session who = *pair_listener(&pair, (enum place)place);
            uint8_t body[ROOM];
            memcpy(body, pair.body, pair.size);
            body[bit / 8] ^= (uint8_t)(1u << bit % 8);
            const int result = who.mech->hear(&who, body, pair.size, NOW);
            assert_true(result == ZMTP_ERR_COMMAND || result == ZMTP_ERR_KEY ||
                        result == ZMTP_ERR_REPLAY);
            assert_false(who.heard || who.asking);
        }
        assert_int_equal(pair_hear(&pair, pair_listener(&pair, (enum place)place)), ZMTP_OK);
    }
}

// ZMTP26-HELLO-03, WELC-06, INIT-04, READY-01
static void test_a_command_that_is_cut_short_or_longer_is_refused(void **state)
{
    (void)state;
    static struct pair pair;
    for (int place = AT_HELLO; place <= AT_READY; place++) {
        pair_init(&pair, 7);
        pair_go(&pair, (enum place)place);
        for (size_t size = 0; size <= pair.size + 1; size++) {
            if (size == pair.size) continue;
            struct zmtp__mech_session who = *pair_listener(&pair, (enum place)place);
            uint8_t body[ROOM] = {0};
            memcpy(body, pair.body, pair.size);
            const int result = who.mech->hear(&who, body, size, NOW);
            assert_true(result == ZMTP_ERR_COMMAND || result == ZMTP_ERR_KEY);
        }
    }
}

static void test_a_key_written_in_another_way_is_found_out_by_the_vouch(void **state)
{
    (void)state;
    static struct pair pair;
    pair_init(&pair, 6);
    pair_say(&pair, &pair.client);
    pair.body[111] |= 0x80;
    assert_int_equal(pair_hear(&pair, &pair.server), ZMTP_OK);
    pair_say(&pair, &pair.server);
    assert_int_equal(pair_hear(&pair, &pair.client), ZMTP_OK);
    pair_say(&pair, &pair.client);
    assert_int_equal(pair_hear(&pair, &pair.server), ZMTP_ERR_KEY);
}

static void test_a_command_is_heard_once_and_only_in_its_turn(void **state)
{
    (void)state;
    static struct pair pair;
    static uint8_t said[AT_END][ROOM];
    static size_t sizes[AT_END];
    for (int place = AT_HELLO; place <= AT_READY; place++) {
        pair_init(&pair, 8);
        pair_go(&pair, (enum place)place);
        memcpy(said[place], pair.body, pair.size);
        sizes[place] = pair.size;
    }
    for (int turn = AT_HELLO; turn <= AT_END; turn++)
        for (int place = AT_HELLO; place <= AT_READY; place++) {
            pair_init(&pair, 8);
            pair_go(&pair, (enum place)turn);
            for (int side = 0; side < 2; side++) {
                struct zmtp__mech_session *const who = side ? &pair.client : &pair.server;
                // What comes next is the same in every run, and so would be heard.
                const bool due = place == turn || place == turn + 1;
                if (due && who == pair_listener(&pair, (enum place)place)) continue;
                uint8_t body[ROOM];
                memcpy(body, said[place], sizes[place]);
                assert_int_equal(who->mech->hear(who, body, sizes[place], NOW), ZMTP_ERR_COMMAND);
            }
        }
}

// ZMTP26-HELLO-03
static void test_a_client_that_means_another_server_is_told_apart(void **state)
{
    (void)state;
    static struct pair pair;
    struct zmtp_key_pair other;
    pair_init(&pair, 9);
    zmtp_key_generate(&other, &pair.crypto.table);
    pair.client_security.server_key = other.public_key;
    pair_say(&pair, &pair.client);
    assert_int_equal(pair_hear(&pair, &pair.server), ZMTP_ERR_KEY);
    assert_memory_equal(pair.server.reason.data, "server key mismatch", 19);
    assert_non_null(strstr(pair.client.suspicion, "server key"));
}

// A server in the middle that answers for the true one.
static void test_a_server_with_another_key_is_found_out_at_its_welcome(void **state)
{
    (void)state;
    static struct pair pair, middle;
    pair_init(&pair, 10);
    pair_init(&middle, 11);
    pair_say(&pair, &pair.client);
    memcpy(&middle.server.memory.curve.theirs, pair.body + 80, ZMTP_KEY_SIZE);
    assert_true(middle.crypto.table.agree(&middle.server.memory.curve.hello_key,
                                          &middle.server.memory.curve.theirs,
                                          &middle.server_security.keys.secret_key));
    middle.server.step = ZMTP__STEP_SAY_WELCOME;
    pair_say(&middle, &middle.server);
    assert_int_equal(pair_hear(&middle, &pair.client), ZMTP_ERR_KEY);
    assert_memory_equal(pair.client.reason.data, "server key mismatch", 19);
}

// ZMTP26-INIT-02, INIT-04; LZ-19: a vouch that C once gave for another server must not open this one,
// which libzmq allows. The man in the middle owns the other server, so it can make the box around the
// vouch anew.
static void test_a_vouch_for_another_server_is_refused(void **state)
{
    (void)state;
    static struct pair pair;
    pair_init(&pair, 12);
    pair_go(&pair, AT_WELCOME);
    assert_int_equal(pair_hear(&pair, &pair.client), ZMTP_OK);
    pair.client_security.server_key.octets[5] ^= 1; // what goes into the vouch
    pair_say(&pair, &pair.client);
    assert_int_equal(pair_hear(&pair, &pair.server), ZMTP_ERR_KEY);
    assert_non_null(strstr((const char *)pair.server.reason.data, "vouch"));
}

// ZMTP26-INIT-02, INIT-04
static void test_a_client_cannot_show_a_key_whose_secret_it_has_not(void **state)
{
    (void)state;
    static struct pair pair;
    struct zmtp_key_pair other;
    pair_init(&pair, 13);
    zmtp_key_generate(&other, &pair.crypto.table);
    pair.client_security.keys.public_key = other.public_key;
    pair_go(&pair, AT_INITIATE);
    assert_int_equal(pair_hear(&pair, &pair.server), ZMTP_ERR_KEY);
    assert_false(pair.server.asking);
}

// A box sealed for a key of small order can be opened by everybody.
static void test_keys_of_small_order_are_refused_wherever_they_come_from(void **state)
{
    (void)state;
    static struct pair pair;
    pair_init(&pair, 14);
    pair_say(&pair, &pair.client);
    memset(pair.body + 80, 0, ZMTP_KEY_SIZE); // C' in HELLO
    assert_int_equal(pair_hear(&pair, &pair.server), ZMTP_ERR_KEY);

    pair_init(&pair, 14);
    pair.client_security.server_key = (struct zmtp_key){{1}}; // S as configured
    uint8_t out[ROOM];
    assert_int_equal(pair.client.mech->say(&pair.client, out, sizeof out), ZMTP_ERR_KEY);

    pair_init(&pair, 14);
    pair.client_security.keys.public_key = (struct zmtp_key){{0}}; // C in INITIATE
    pair_go(&pair, AT_INITIATE);
    assert_int_equal(pair_hear(&pair, &pair.server), ZMTP_ERR_KEY);
}

// ZMTP26-WELC-03, WELC-05
static void test_a_cookie_of_another_connection_is_refused(void **state)
{
    (void)state;
    static struct pair pair;
    static uint8_t cookie[ZMTP__COOKIE_SIZE];
    pair_init(&pair, 15);
    pair_go(&pair, AT_INITIATE);
    memcpy(cookie, pair.body + 9, sizeof cookie);
    pair_init(&pair, 16);
    pair_go(&pair, AT_INITIATE);
    memcpy(pair.body + 9, cookie, sizeof cookie);
    assert_int_equal(pair_hear(&pair, &pair.server), ZMTP_ERR_KEY);
}

// ZMTP26-NONCE-01, LZ-19
static void test_the_nonce_of_initiate_must_follow_on_that_of_hello(void **state)
{
    (void)state;
    static struct pair pair;
    for (uint64_t tx_nonce = 0; tx_nonce <= 1; tx_nonce++) {
        pair_init(&pair, 17);
        pair_go(&pair, AT_WELCOME);
        assert_int_equal(pair_hear(&pair, &pair.client), ZMTP_OK);
        pair.client.memory.curve.tx_nonce = tx_nonce; // INITIATE takes the next one
        pair_say(&pair, &pair.client);
        assert_int_equal(pair_hear(&pair, &pair.server), tx_nonce == 0 ? ZMTP_ERR_REPLAY : ZMTP_OK);
    }
}

// ZMTP26-NONCE-01: so none of the handshake's can come again.
static void test_the_nonces_of_messages_follow_on_those_of_the_handshake(void **state)
{
    (void)state;
    static struct pair pair;
    struct zmtp__seal client, server;
    pair_init(&pair, 17);
    pair_go(&pair, AT_END);
    pair.client.mech->seal(&pair.client, &client);
    pair.server.mech->seal(&pair.server, &server);
    assert_int_equal(server.rx_nonce, 2); // HELLO's was 1
    assert_int_equal(server.rx_nonce, client.tx_nonce);
    assert_int_equal(client.rx_nonce, server.tx_nonce);
}

static void test_an_initiate_without_room_for_a_vouch_is_malformed(void **state)
{
    (void)state;
    static struct pair pair;
    for (size_t box = 0; box < 16 + 32 + 96; box++) {
        pair_init(&pair, 17);
        pair_go(&pair, AT_INITIATE);
        pair.size = 9 + 96 + 8 + box;
        assert_int_equal(pair_hear(&pair, &pair.server), ZMTP_ERR_COMMAND);
    }
}

// The client has proven that it knows our key, and says something else than it should.
static void test_a_hello_with_anything_but_zeros_in_its_box_is_refused(void **state)
{
    (void)state;
    enum { BOX = 80, AT_NONCE = 6 + 2 + 72 + 32, AT_BOX = AT_NONCE + 8 };
    static struct pair pair;
    for (size_t at = 0; at <= 64; at += 32) { // the last: it is as it should be
        uint8_t plain[64] = {0}, nonce[24] = "CurveZMQHELLO---", room[ZMTP_SEAL_ROOM + 64];
        struct zmtp_key subkey;
        const struct zmtp_crypto *const crypto = &pair.crypto.table;
        pair_init(&pair, 17);
        pair_go(&pair, AT_HELLO);
        if (at < sizeof plain) plain[at] = 1;
        memcpy(nonce + 16, pair.body + AT_NONCE, 8);
        crypto->subkey(&subkey, &pair.client.memory.curve.hello_key, nonce);
        crypto->seal(room, 0, zmtp_bytes_of(plain, sizeof plain), nonce + 16, &subkey);
        memcpy(pair.body + AT_BOX, room + ZMTP_SEAL_ROOM - ZMTP_MAC_SIZE, BOX);
        assert_int_equal(pair_hear(&pair, &pair.server),
                         at < sizeof plain ? ZMTP_ERR_COMMAND : ZMTP_OK);
    }
}

// ZMTP26-GEN-05, ERR-01
static void test_an_error_of_the_server_ends_it_and_one_of_the_client_is_a_breach(void **state)
{
    (void)state;
    static struct pair pair;
    for (int place = AT_WELCOME; place <= AT_READY; place += AT_READY - AT_WELCOME) {
        uint8_t error[] = "\5ERROR\003400";
        pair_init(&pair, 18);
        pair_go(&pair, (enum place)place);
        assert_int_equal(pair.client.mech->hear(&pair.client, error, sizeof error - 1, NOW),
                         ZMTP_ERR_PEER);
        octets_assert_equal(pair.client.reason, LITERAL("400"));
    }
    uint8_t error[] = "\5ERROR\0";
    pair_init(&pair, 18);
    assert_int_equal(pair.server.mech->hear(&pair.server, error, sizeof error - 1, NOW),
                     ZMTP_ERR_COMMAND);
    assert_false(zmtp__mech_may_refuse(&pair.client));
    assert_true(zmtp__mech_may_refuse(&pair.server));
}

// ZMTP26-HELLO-02, WELC-02, WELC-05: of two connections of one pair, one after the other.
static void test_every_connection_has_keys_nonces_and_a_cookie_of_its_own(void **state)
{
    (void)state;
    static struct pair pair;
    static uint8_t said[2][AT_END][ROOM];
    struct zmtp_key cookie_keys[2];
    pair_init(&pair, 21);
    for (int connection = 0; connection < 2; connection++) {
        for (int place = AT_HELLO; place <= AT_INITIATE; place++) {
            zmtp__mech_init(&pair.client, &pair.client_security, LITERAL(""));
            zmtp__mech_init(&pair.server, &pair.server_security, LITERAL(""));
            pair_go(&pair, (enum place)place);
            memcpy(said[connection][place], pair.body, pair.size);
        }
        cookie_keys[connection] = pair.server.memory.curve.cookie_key;
    }
    assert_false(zmtp_key_equal(&cookie_keys[0], &cookie_keys[1]));
    // C' of HELLO, and the box for it; the nonce and the box of WELCOME, with S' in it; the cookie.
    assert_memory_not_equal(said[0][AT_HELLO] + 80, said[1][AT_HELLO] + 80, 32);
    assert_memory_not_equal(said[0][AT_HELLO] + 120, said[1][AT_HELLO] + 120, 80);
    assert_memory_not_equal(said[0][AT_WELCOME] + 8, said[1][AT_WELCOME] + 8, 16);
    assert_memory_not_equal(said[0][AT_WELCOME] + 24, said[1][AT_WELCOME] + 24, 144);
    assert_memory_not_equal(said[0][AT_INITIATE] + 9, said[1][AT_INITIATE] + 9, 96);
}

static void test_what_finds_no_room_is_an_error(void **state)
{
    (void)state;
    static struct pair pair;
    uint8_t out[ROOM];
    for (int place = AT_HELLO; place <= AT_READY; place++)
        for (size_t size = 0; size < 200; size += 33) {
            pair_init(&pair, 19);
            pair_go(&pair, (enum place)place);
            const size_t needed = pair.size + (pair.size > 255 ? 9 : 2);
            if (size >= needed) continue;
            pair_init(&pair, 19);
            struct zmtp__mech_session *who = &pair.client;
            if (place > AT_HELLO) {
                pair_go(&pair, (enum place)(place - 1));
                who = pair_listener(&pair, (enum place)(place - 1));
                assert_int_equal(pair_hear(&pair, who), ZMTP_OK);
                if (who->asking) zmtp__mech_allow(who);
            }
            assert_int_equal(who->mech->say(who, out, size), ZMTP_ERR_LIMIT);
        }
}

// ZMTP26-HELLO-02
static void test_nothing_secret_is_left_when_it_is_over(void **state)
{
    (void)state;
    static struct pair pair;
    static const struct zmtp__mech_session nothing;
    pair_init(&pair, 20);
    pair_go(&pair, AT_END);
    zmtp__mech_fini(&pair.client);
    zmtp__mech_fini(&pair.server);
    assert_memory_equal(&pair.client, &nothing, sizeof nothing);
    assert_memory_equal(&pair.server, &nothing, sizeof nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_four_commands_have_the_sizes_and_places_of_the_rfc),
        cmocka_unit_test(test_the_server_asks_about_the_key_that_the_client_has_proven),
        cmocka_unit_test(test_both_sides_then_seal_for_each_other),
        cmocka_unit_test(test_between_welcome_and_initiate_the_server_knows_no_transient_key),
        cmocka_unit_test(test_the_cookie_is_good_for_a_minute),
        cmocka_unit_test(test_no_bit_of_any_command_can_be_changed),
        cmocka_unit_test(test_a_key_written_in_another_way_is_found_out_by_the_vouch),
        cmocka_unit_test(test_a_command_that_is_cut_short_or_longer_is_refused),
        cmocka_unit_test(test_a_command_is_heard_once_and_only_in_its_turn),
        cmocka_unit_test(test_a_client_that_means_another_server_is_told_apart),
        cmocka_unit_test(test_a_server_with_another_key_is_found_out_at_its_welcome),
        cmocka_unit_test(test_a_vouch_for_another_server_is_refused),
        cmocka_unit_test(test_a_client_cannot_show_a_key_whose_secret_it_has_not),
        cmocka_unit_test(test_keys_of_small_order_are_refused_wherever_they_come_from),
        cmocka_unit_test(test_a_cookie_of_another_connection_is_refused),
        cmocka_unit_test(test_the_nonce_of_initiate_must_follow_on_that_of_hello),
        cmocka_unit_test(test_the_nonces_of_messages_follow_on_those_of_the_handshake),
        cmocka_unit_test(test_an_initiate_without_room_for_a_vouch_is_malformed),
        cmocka_unit_test(test_a_hello_with_anything_but_zeros_in_its_box_is_refused),
        cmocka_unit_test(test_an_error_of_the_server_ends_it_and_one_of_the_client_is_a_breach),
        cmocka_unit_test(test_every_connection_has_keys_nonces_and_a_cookie_of_its_own),
        cmocka_unit_test(test_what_finds_no_room_is_an_error),
        cmocka_unit_test(test_nothing_secret_is_left_when_it_is_over),
    };
    return cmocka_run_group_tests_name("curve", tests, NULL, NULL);
}
