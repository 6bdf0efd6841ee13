// Peers with PLAIN and CURVE: who is let in, what travels sealed, and what a third party can do to it.
#include "test/support/rig.h"
#include "test/support/security.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

// A client and a server, each driven by hand; octets go from one to the other when the test says so.
struct meeting {
    struct test_crypto crypto;
    struct zmtp_security client_security, server_security;
    struct rig *client, *server;
    size_t step; // octets that travel at a time
};

static int meeting_set_up(void **state)
{
    struct meeting *m = calloc(1, sizeof *m);
    void *client = NULL, *server = NULL;
    assert_non_null(m);
    assert_int_equal(rig_set_up(&client), 0);
    assert_int_equal(rig_set_up(&server), 0);
    m->client = client;
    m->server = server;
    m->step = SIZE_MAX;
    test_crypto_init(&m->crypto, 7);
    m->client_security = (struct zmtp_security){.mechanism = ZMTP_CURVE};
    m->client_security.crypto = &m->crypto.table;
    m->server_security = m->client_security;
    m->server_security.server = true;
    zmtp_key_generate(&m->client_security.keys, &m->crypto.table);
    zmtp_key_generate(&m->server_security.keys, &m->crypto.table);
    m->client_security.server_key = m->server_security.keys.public_key;
    m->client->config.security = &m->client_security;
    m->server->config.security = &m->server_security;
    *state = m;
    return 0;
}

static int meeting_tear_down(void **state)
{
    struct meeting *m = *state;
    void *client = m->client, *server = m->server;
    int result = rig_tear_down(&client);
    result |= rig_tear_down(&server);
    free(m);
    return result;
}

static void use_plain(struct meeting *m)
{
    m->client_security = (struct zmtp_security){.mechanism = ZMTP_PLAIN,
                                                .username = zmtp_bytes_text("admin"),
                                                .password = zmtp_bytes_text("secret")};
    m->server_security = (struct zmtp_security){.mechanism = ZMTP_PLAIN, .server = true};
}

// What |from| has to say goes to |to|. True: something did.
static bool carry(struct meeting *m, struct rig *from, struct rig *to)
{
    rig_drain(from, sizeof from->sent, 4);
    if (from->sent_size == 0) return false;
    (void)rig_feed_by(to, zmtp_bytes_of(from->sent, from->sent_size), m->step);
    from->sent_size = 0;
    return true;
}

static void talk(struct meeting *m)
{
    bool moved = true;
    while (moved) {
        moved = carry(m, m->client, m->server);
        moved |= carry(m, m->server, m->client);
    }
}

static void open_both(struct meeting *m, enum zmtp_socket_type client, enum zmtp_socket_type server)
{
    rig_open(m->client, client);
    rig_open(m->server, server);
    (void)rig_attach(m->client);
    (void)rig_attach(m->server);
}

static void allow(struct meeting *m)
{
    assert_int_equal(zmtp_peer_authorise(m->server->peer, ZMTP_VERDICT_ALLOW, LITERAL("joe"),
                                         LITERAL("\1a\0\0\0\1b")),
                     ZMTP_OK);
}

static void meet(struct meeting *m, enum zmtp_socket_type client, enum zmtp_socket_type server)
{
    open_both(m, client, server);
    talk(m);
    allow(m);
    talk(m);
    rig_assert_state(m->client, ZMTP_PEER_TRAFFIC);
    rig_assert_state(m->server, ZMTP_PEER_TRAFFIC);
}

// ZMTP26-INIT-05, INIT-06, MESG-01
static void test_nobody_comes_in_before_the_owner_has_said_so(void **state)
{
    struct meeting *m = *state;
    open_both(m, ZMTP_PUSH, ZMTP_PULL);
    talk(m);
    rig_assert_state(m->server, ZMTP_PEER_HANDSHAKE);
    assert_int_equal(zmtp_peer_wants(m->server->peer), ZMTP_WANT_AUTH);
    struct zmtp_credentials credentials;
    assert_int_equal(zmtp_peer_credentials(m->server->peer, &credentials), ZMTP_OK);
    assert_int_equal(credentials.mechanism, ZMTP_CURVE);
    assert_true(zmtp_key_equal(&credentials.public_key, &m->client_security.keys.public_key));
    rig_send(m->client, "too early");
    talk(m);
    rig_assert_no_message(m->server);
    allow(m);
    assert_int_equal(zmtp_peer_credentials(m->server->peer, &credentials), ZMTP_ERR_STATE);
    assert_int_equal(
        zmtp_peer_authorise(m->server->peer, ZMTP_VERDICT_DENY, LITERAL(""), LITERAL("")),
        ZMTP_ERR_STATE);
    talk(m);
    rig_assert_message(m->server, "too early");
    const struct zmtp_peer_facts facts = zmtp_peer_facts(m->server->peer);
    assert_int_equal(facts.mechanism, ZMTP_CURVE);
    assert_true(zmtp_key_equal(&facts.public_key, &m->client_security.keys.public_key));
    octets_assert_equal(facts.user_id, LITERAL("joe"));
    octets_assert_equal(facts.user_metadata, LITERAL("\1a\0\0\0\1b"));
    assert_int_equal(facts.type, ZMTP_PUSH);
    const struct zmtp_peer_facts ours = zmtp_peer_facts(m->client->peer);
    assert_true(zmtp_key_equal(&ours.public_key, &m->server_security.keys.public_key));
}

// ZMTP24-PLAIN-03, PLAIN-04; ZMTP37-WIRE-01
static void test_plain_is_judged_by_name_and_password(void **state)
{
    struct meeting *m = *state;
    use_plain(m);
    open_both(m, ZMTP_PUSH, ZMTP_PULL);
    talk(m);
    struct zmtp_credentials credentials;
    assert_int_equal(zmtp_peer_credentials(m->server->peer, &credentials), ZMTP_OK);
    octets_assert_equal(credentials.username, LITERAL("admin"));
    octets_assert_equal(credentials.password, LITERAL("secret"));
    allow(m);
    talk(m);
    rig_send(m->client, "clear|text");
    rig_drain(m->client, SIZE_MAX, 4);
    octets_assert_equal(zmtp_bytes_of(m->client->sent, m->client->sent_size),
                        LITERAL("\1\5clear\0\4text"));
    rig_hear(m->server, zmtp_bytes_of(m->client->sent, m->client->sent_size));
    rig_assert_message(m->server, "clear|text");
}

// 255 octets of a user id, and as much metadata as is told of a peer; with more the guest waits on.
static void test_who_comes_in_is_told_of_within_limits(void **state)
{
    struct meeting *m = *state;
    static const uint8_t octets[ZMTP_USER_METADATA_MAX + 1];
    const struct zmtp_bytes nothing = {0}, user_id = zmtp_bytes_of(octets, UINT8_MAX);
    const struct zmtp_bytes metadata = zmtp_bytes_of(octets, ZMTP_USER_METADATA_MAX);
    open_both(m, ZMTP_PUSH, ZMTP_PULL);
    talk(m);
    struct zmtp_peer *const peer = m->server->peer;
    assert_int_equal(zmtp_peer_authorise(peer, ZMTP_VERDICT_ALLOW,
                                         zmtp_bytes_of(octets, UINT8_MAX + 1), nothing),
                     ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_peer_authorise(peer, ZMTP_VERDICT_ALLOW, nothing,
                                         zmtp_bytes_of(octets, sizeof octets)),
                     ZMTP_ERR_ARGUMENT);
    assert_int_equal(
        zmtp_peer_authorise(peer, ZMTP_VERDICT_ALLOW, (struct zmtp_bytes){NULL, 1}, nothing),
        ZMTP_ERR_ARGUMENT);
    assert_int_equal(
        zmtp_peer_authorise(peer, ZMTP_VERDICT_ALLOW, nothing, (struct zmtp_bytes){NULL, 1}),
        ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_peer_wants(peer), ZMTP_WANT_AUTH);
    assert_int_equal(zmtp_peer_authorise(peer, ZMTP_VERDICT_ALLOW, user_id, metadata), ZMTP_OK);
    octets_assert_equal(zmtp_peer_facts(peer).user_id, user_id);
    rig_close(m->client);
    rig_close(m->server);
    open_both(m, ZMTP_PUSH, ZMTP_PULL);
    talk(m);
    assert_int_equal(zmtp_peer_authorise(m->server->peer, ZMTP_VERDICT_ALLOW, nothing, nothing),
                     ZMTP_OK);
}

// ZMTP26-GEN-04, ERR-01; ZMTP24-PLAIN-03
// RFC 27, Message Format: 400 and 500 are told to the client, 300 is not.
static void test_whoever_is_denied_is_told_so_unless_it_is_only_for_now(void **state)
{
    struct meeting *m = *state;
    const enum zmtp_verdict verdicts[] = {ZMTP_VERDICT_LATER, ZMTP_VERDICT_DENY,
                                          ZMTP_VERDICT_BROKEN};
    const char *const codes[] = {"", "400", "500"};
    for (size_t i = 0; i < 6; i++) {
        if (i == 3) use_plain(m);
        const enum zmtp_verdict verdict = verdicts[i % 3];
        open_both(m, ZMTP_PUSH, ZMTP_PULL);
        talk(m);
        assert_int_equal(
            zmtp_peer_authorise(m->server->peer, (enum zmtp_verdict)201, LITERAL(""), LITERAL("")),
            ZMTP_ERR_ARGUMENT);
        assert_int_equal(zmtp_peer_authorise(m->server->peer, verdict, LITERAL(""), LITERAL("")),
                         ZMTP_OK);
        rig_assert_closed(m->server, ZMTP_ERR_DENIED);
        rig_assert_reason(m->server, "denied by authoriser");
        talk(m);
        if (verdict == ZMTP_VERDICT_LATER) {
            rig_assert_state(m->client, ZMTP_PEER_HANDSHAKE);
        } else {
            rig_assert_closed(m->client, ZMTP_ERR_PEER);
            octets_assert_equal(zmtp_peer_reason(m->client->peer), zmtp_bytes_text(codes[i % 3]));
        }
        rig_close(m->client);
        rig_close(m->server);
    }
}

static void test_who_finds_no_place_is_told_so_in_a_box(void **state)
{
    struct meeting *m = *state;
    rig_open(m->client, ZMTP_DEALER);
    rig_open(m->server, ZMTP_ROUTER);
    (void)rig_attach(m->client);
    talk(m);
    allow(m);
    rig_assert_state(m->server, ZMTP_PEER_READY);
    // Its READY has not left yet, and goes first.
    assert_int_equal(zmtp_peer_refuse(m->server->peer, ZMTP_ERR_ROUTING_ID, LITERAL("taken")),
                     ZMTP_OK);
    rig_assert_closed(m->server, ZMTP_ERR_ROUTING_ID);
    rig_drain(m->server, sizeof m->server->sent, 4);
    for (size_t i = 0; i + 5 <= m->server->sent_size; i++)
        assert_memory_not_equal(m->server->sent + i, "taken", 5);
    (void)rig_feed(m->client, zmtp_bytes_of(m->server->sent, m->server->sent_size));
    m->server->sent_size = 0;
    rig_assert_closed(m->client, ZMTP_ERR_TURNED_AWAY);
    octets_assert_equal(zmtp_peer_reason(m->client->peer), LITERAL("taken"));
}

static void test_no_verdict_within_five_seconds_is_a_no(void **state)
{
    struct meeting *m = *state;
    open_both(m, ZMTP_PUSH, ZMTP_PULL);
    talk(m);
    const uint64_t asked_ms = m->server->now_ms;
    assert_int_equal(zmtp_peer_deadline(m->server->peer), asked_ms + 5000);
    zmtp_peer_tick(m->server->peer, asked_ms + 4999);
    rig_assert_state(m->server, ZMTP_PEER_HANDSHAKE);
    zmtp_peer_tick(m->server->peer, asked_ms + 5000);
    rig_assert_closed(m->server, ZMTP_ERR_DENIED);
    rig_assert_reason(m->server, "did not answer");
}

// ZMTP26-WELC-04
static void test_a_cookie_is_forgotten_after_a_minute_even_without_other_limits(void **state)
{
    struct meeting *m = *state;
    m->server->config.limits.handshake_ms = 0;
    open_both(m, ZMTP_PUSH, ZMTP_PULL);
    assert_int_equal(zmtp_peer_deadline(m->server->peer), UINT64_MAX);
    carry(m, m->server, m->client);
    carry(m, m->client, m->server); // the greeting and HELLO
    assert_int_equal(zmtp_peer_deadline(m->server->peer), m->server->now_ms + 60000);
    zmtp_peer_tick(m->server->peer, m->server->now_ms + 60000);
    rig_assert_closed(m->server, ZMTP_ERR_HANDSHAKE_TIMEOUT);
}

static void test_octets_sent_before_the_verdict_are_a_breach(void **state)
{
    struct meeting *m = *state;
    use_plain(m);
    rig_open(m->server, ZMTP_PULL);
    rig_hear(m->server, LITERAL(RIG_SIGNATURE "\x03\x01PLAIN\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                              "\0" RIG_FILLER));
    rig_hear(m->server, LITERAL("\x04\x0A\5HELLO\1a\1b\x04\x09\x08INITIATE"));
    rig_assert_closed(m->server, ZMTP_ERR_COMMAND);
}

static void test_messages_of_every_size_travel_sealed_however_they_are_split(void **state)
{
    struct meeting *m = *state;
    static const size_t sizes[] = {0, 1, 47, 49, 222, 223, 255, 256, 4096, 20000, 60000};
    static uint8_t body[60000];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i * 13);
    for (size_t step = 1; step <= 4096; step = step < 64 ? step * 8 : step * 64) {
        m->step = step;
        meet(m, ZMTP_DEALER, ZMTP_ROUTER);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            struct rig *const from = i % 2 ? m->client : m->server;
            struct rig *const to = i % 2 ? m->server : m->client;
            rig_send_body(from, zmtp_bytes_of(body, sizes[i]), 0);
            rig_send(from, "two|parts|");
            talk(m);
            struct zmtp_msg msg;
            zmtp_msg_init(&msg, NULL);
            assert_int_equal(zmtp__queue_take(to->far->in, &msg), ZMTP_OK);
            assert_int_equal(msg.count, 1);
            octets_assert_equal(zmtp_msg_bytes(&msg, 0), zmtp_bytes_of(body, sizes[i]));
            zmtp_msg_fini(&msg);
            rig_assert_message(to, "two|parts|");
        }
        rig_close(m->client);
        rig_close(m->server);
    }
}

// ZMTP37-AUTH-07; LZ-17
static void test_nothing_of_a_message_is_seen_on_the_way(void **state)
{
    struct meeting *m = *state;
    meet(m, ZMTP_PUSH, ZMTP_PULL);
    rig_send(m->client, "attack at dawn");
    rig_drain(m->client, SIZE_MAX, 4);
    assert_int_equal(m->client->sent_size, 2 + 33 + 14);
    octets_assert_equal(zmtp_bytes_of(m->client->sent, 10), LITERAL("\0\x2F\7MESSAGE"));
    for (size_t i = 0; i + 6 <= m->client->sent_size; i++)
        assert_memory_not_equal(m->client->sent + i, "attack", 6);
}

// ZMTP26-NONCE-01, MESG-04
// What a third party may try; a message that came whole before is delivered in each case.
static void test_traffic_that_was_tampered_with_ends_the_connection(void **state)
{
    struct meeting *m = *state;
    enum { REPLAY, FLIP, OUTER_MORE, CLEAR, CLEAR_ERROR, BEHIND, COUNT };
    static const int errors[COUNT] = {ZMTP_ERR_REPLAY,  ZMTP_ERR_KEY,     ZMTP_ERR_FRAME,
                                      ZMTP_ERR_COMMAND, ZMTP_ERR_COMMAND, ZMTP_ERR_REPLAY};
    for (int trick = 0; trick < COUNT; trick++) {
        meet(m, ZMTP_PUSH, ZMTP_PULL);
        uint8_t octets[256];
        rig_send(m->client, "one");
        rig_drain(m->client, SIZE_MAX, 4);
        const size_t first = m->client->sent_size;
        rig_send(m->client, "two");
        rig_drain(m->client, SIZE_MAX, 4);
        size_t size = m->client->sent_size;
        memcpy(octets, m->client->sent, size);
        m->client->sent_size = 0;
        if (trick == REPLAY) memcpy(octets + first, octets, first);
        if (trick == FLIP) octets[size - 1] ^= 1;
        if (trick == OUTER_MORE) octets[first] |= ZMTP_FLAG_MORE;
        if (trick == CLEAR) {
            memcpy(octets + first, "\0\2hi", 4);
            size = first + 4;
        }
        if (trick == CLEAR_ERROR) {
            memcpy(octets + first, "\4\7\5ERROR", 9);
            size = first + 9;
        }
        if (trick == BEHIND) { // the same nonce again, behind both
            memcpy(octets + size, octets + first, size - first);
            size += size - first;
        }
        (void)rig_feed(m->server, zmtp_bytes_of(octets, size));
        rig_assert_closed(m->server, errors[trick]);
        rig_assert_message(m->server, "one");
        if (trick == BEHIND) rig_assert_message(m->server, "two");
        rig_assert_no_message(m->server);
        assert_int_equal(zmtp_peer_wants(m->server->peer), 0); // and not a word about it
        rig_close(m->client);
        rig_close(m->server);
    }
}

// ZMTP37-WIRE-02; LZ-17
// RFC 37 would have MESSAGE be a command; a peer that takes it at its word is understood.
static void test_a_message_that_comes_as_a_command_is_taken_too(void **state)
{
    struct meeting *m = *state;
    meet(m, ZMTP_PUSH, ZMTP_PULL);
    rig_send(m->client, "one|two");
    rig_drain(m->client, SIZE_MAX, 4);
    m->client->sent[0] |= ZMTP_FLAG_COMMAND;
    rig_hear(m->server, zmtp_bytes_of(m->client->sent, m->client->sent_size));
    rig_assert_message(m->server, "one|two");
}

static void test_a_full_pipe_stops_reading_and_nothing_is_lost_or_out_of_order(void **state)
{
    struct meeting *m = *state;
    m->server->count_max = 2;
    meet(m, ZMTP_PUSH, ZMTP_PULL);
    for (int i = 0; i < 20; i++) {
        const char body[] = {(char)('a' + i), '\0'};
        rig_send(m->client, body);
    }
    rig_drain(m->client, SIZE_MAX, 4);
    const size_t fed =
        rig_feed_by(m->server, zmtp_bytes_of(m->client->sent, m->client->sent_size), 100);
    assert_true(fed < m->client->sent_size);
    assert_false(zmtp_peer_wants(m->server->peer) & ZMTP_WANT_READ);
    size_t at = fed;
    for (int i = 0; i < 20; i++) {
        const char body[] = {(char)('a' + i), '\0'};
        rig_assert_message(m->server, body);
        (void)rig_resume(m->server);
        at += rig_feed_by(m->server, zmtp_bytes_of(m->client->sent + at, m->client->sent_size - at),
                          100);
    }
    rig_assert_no_message(m->server);
}

static void test_limits_hold_inside_the_boxes_and_before_they_are_whole(void **state)
{
    struct meeting *m = *state;
    static uint8_t body[40000];
    m->server->config.limits.message_max = 30000;
    m->server->config.limits.command_max = 100;
    meet(m, ZMTP_PUSH, ZMTP_PULL);
    rig_send_body(m->client, zmtp_bytes_of(body, 30000), 0);
    talk(m);
    rig_send_body(m->client, zmtp_bytes_of(body, 30001), 0);
    rig_drain(m->client, 12, 4); // the header says it all
    rig_hear(m->server, zmtp_bytes_of(m->client->sent, m->client->sent_size));
    rig_assert_closed(m->server, ZMTP_ERR_LIMIT);
    rig_close(m->client);
    rig_close(m->server);
    // Two parts that are too large only together, both whole at once.
    m->server->config.limits.message_max = 300;
    meet(m, ZMTP_PUSH, ZMTP_PULL);
    zmtp__queue_begin(m->client->far->out);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(zmtp__queue_put(m->client->far->out, zmtp_bytes_of(body, 200), NULL,
                                         i == 0 ? ZMTP_FLAG_MORE : 0),
                         ZMTP_OK);
    zmtp__queue_end(m->client->far->out, 1);
    zmtp__pipe_published(m->client->far);
    talk(m);
    rig_assert_closed(m->server, ZMTP_ERR_LIMIT);
}

// LZ-18
static void test_heartbeats_travel_sealed(void **state)
{
    struct meeting *m = *state;
    meet(m, ZMTP_PUSH, ZMTP_PULL);
    m->client->now_ms = m->server->now_ms += 6000;
    zmtp_peer_tick(m->client->peer, m->client->now_ms);
    rig_drain(m->client, SIZE_MAX, 4);
    assert_int_equal(m->client->sent_size, 2 + 33 + 7);
    octets_assert_equal(zmtp_bytes_of(m->client->sent, 10), LITERAL("\0\x28\7MESSAGE"));
    talk(m);
    const struct zmtp_peer_counters counters = zmtp_peer_counters(m->client->peer);
    assert_int_equal(counters.pings_sent, 1);
    assert_int_equal(counters.pongs_received, 1);
}

// ZMTP26-INIT-03, ZMTP37-META-01, STYPE-03: what INITIATE tells is judged as what READY tells.
static void test_types_that_do_not_match_are_refused_under_every_mechanism(void **state)
{
    struct meeting *m = *state;
    for (int plain = 0; plain < 2; plain++) {
        if (plain) use_plain(m);
        open_both(m, ZMTP_PUSH, ZMTP_SUB);
        talk(m);
        if (plain) { // its metadata comes after the verdict
            allow(m);
            talk(m);
        }
        rig_assert_closed(m->server, ZMTP_ERR_SOCKET_TYPE);
        rig_assert_closed(m->client, ZMTP_ERR_PEER);
        rig_assert_reason(m->client, "Socket types do not match");
        rig_close(m->client);
        rig_close(m->server);
    }
}

// LZ-18: subscriptions are commands inside the box to a peer of 3.1, and messages to one of 3.0.
static void test_subscriptions_reach_peers_of_either_version(void **state)
{
    struct meeting *m = *state;
    for (uint8_t minor = 0; minor <= 1; minor++) {
        m->server->config.minor = minor;
        meet(m, ZMTP_SUB, ZMTP_PUB);
        rig_send_body(m->client, LITERAL("\x09SUBSCRIBEtopic"), ZMTP_FLAG_COMMAND);
        rig_send_body(m->client, LITERAL("\6CANCELtopic"), ZMTP_FLAG_COMMAND);
        talk(m);
        assert_int_equal(m->server->far->in->count, 2);
        const bool command = zmtp__queue_first_flags(m->server->far->in) & ZMTP_FLAG_COMMAND;
        assert_int_equal(command, minor == 1);
        rig_assert_message(m->server, minor ? "\x09SUBSCRIBEtopic" : "\1topic");
        zmtp__queue_clear(m->server->far->in);
        rig_close(m->client);
        rig_close(m->server);
    }
}

static void test_what_was_sealed_leaves_even_when_the_socket_has_closed(void **state)
{
    struct meeting *m = *state;
    meet(m, ZMTP_PUSH, ZMTP_PULL);
    rig_send(m->client, "last words");
    rig_drain(m->client, 10, 4);
    zmtp_pipe_close(m->client->far);
    m->client->far = NULL;
    (void)rig_resume(m->client);
    rig_assert_state(m->client, ZMTP_PEER_TRAFFIC);
    rig_drain(m->client, SIZE_MAX, 4);
    rig_assert_closed(m->client, ZMTP_ERR_CANCELLED);
    rig_hear(m->server, zmtp_bytes_of(m->client->sent, m->client->sent_size));
    rig_assert_message(m->server, "last words");
}

// ZMTP37-SEC-01, AUTH-04
static void test_a_weaker_mechanism_is_refused_in_words(void **state)
{
    struct meeting *m = *state;
    rig_open(m->server, ZMTP_PULL);
    rig_hear(m->server, LITERAL(RIG_GREETING));
    rig_assert_closed(m->server, ZMTP_ERR_MECHANISM);
    rig_assert_reason(m->server, "the peer offers NULL, we require CURVE");
    rig_close(m->server);
    rig_open(m->client, ZMTP_PUSH);
    rig_hear(m->client, LITERAL(RIG_SIGNATURE "\x03"));
    zmtp_peer_fail(m->client->peer, ZMTP_ERR_EOF);
    rig_assert_closed(m->client, ZMTP_ERR_EOF);
    rig_assert_reason(m->client, "requires another mechanism");
}

// ZMTP23-TOPO-01'; ZMTP24-PLAIN-02; LZ-02: a zero in the greeting's as-server says nothing, a one
// does.
static void test_two_servers_and_two_clients_find_each_other_out(void **state)
{
    struct meeting *m = *state;
    m->client->config.security = &m->server_security;
    open_both(m, ZMTP_PUSH, ZMTP_PULL);
    talk(m);
    rig_assert_closed(m->server, ZMTP_ERR_MECHANISM);
    rig_assert_reason(m->server, "both sides are servers");
    rig_close(m->client);
    rig_close(m->server);
    m->client->config.security = m->server->config.security = &m->client_security;
    open_both(m, ZMTP_PUSH, ZMTP_PULL);
    talk(m);
    rig_assert_closed(m->server, ZMTP_ERR_COMMAND);
    rig_assert_reason(m->server, "both sides are CURVE clients");
}

static void test_a_client_with_the_wrong_server_key_is_told_what_to_look_at(void **state)
{
    struct meeting *m = *state;
    m->client_security.server_key = m->client_security.keys.public_key;
    open_both(m, ZMTP_PUSH, ZMTP_PULL);
    talk(m);
    rig_assert_closed(m->server, ZMTP_ERR_KEY);
    rig_assert_reason(m->server, "server key mismatch");
    zmtp_peer_fail(m->client->peer, ZMTP_ERR_EOF);
    rig_assert_reason(m->client, "server key");
}

static void test_security_that_cannot_work_is_refused(void **state)
{
    struct meeting *m = *state;
    struct zmtp_peer *peer;
    m->client_security.crypto = NULL;
    assert_int_equal(zmtp_peer_open(&peer, &m->client->config, 0), ZMTP_ERR_ARGUMENT);
    m->client_security.mechanism = (enum zmtp_mechanism)9;
    assert_int_equal(zmtp_peer_open(&peer, &m->client->config, 0), ZMTP_ERR_ARGUMENT);
    use_plain(m);
    m->client_security.password.size = 256;
    assert_int_equal(zmtp_peer_open(&peer, &m->client->config, 0), ZMTP_ERR_ARGUMENT);
}

// A whole conversation as far as it gets.
static void try_to_meet(struct meeting *m)
{
    m->client->config.type = ZMTP_PUSH;
    m->server->config.type = ZMTP_PULL;
    struct rig *const both[2] = {m->client, m->server};
    for (size_t i = 0; i < 2; i++)
        if (zmtp_peer_open(&both[i]->peer, &both[i]->config, both[i]->now_ms) < 0) return;
    (void)rig_attach(m->client);
    (void)rig_attach(m->server);
    talk(m);
    if (zmtp_peer_wants(m->server->peer) & ZMTP_WANT_AUTH)
        (void)zmtp_peer_authorise(m->server->peer, ZMTP_VERDICT_ALLOW,
                                  LITERAL("a user id that needs memory, because it is longer than "
                                          "what fits inside a part"),
                                  LITERAL(""));
    talk(m);
    rig_send(m->client, "message");
    talk(m);
}

// With each allocation of either side failing in turn: one of them closes, or nothing is noticed.
static void test_any_allocation_may_fail(void **state)
{
    struct meeting *m = *state;
    for (int plain = 0; plain <= 1; plain++) {
        if (plain) use_plain(m);
        for (int side = 0; side < 2; side++) {
            struct rig *const rig = side ? m->client : m->server;
            bool failed = true;
            for (uint64_t at = 1; failed; at++) {
                rig->budget.fail_at = rig->budget.calls + at;
                try_to_meet(m);
                failed = rig->budget.calls >= rig->budget.fail_at;
                rig->budget.fail_at = 0;
                const bool whole = m->server->far && m->server->far->in->count > 0;
                assert_true(failed || whole); // with no failure the message is there
                rig_close(m->client);
                rig_close(m->server);
                if (m->client->far) zmtp__queue_clear(m->client->far->out);
                if (m->server->far) zmtp__queue_clear(m->server->far->in);
                assert_true(at < 100);
            }
        }
    }
}

static void use_null(struct meeting *m)
{
    m->client_security = (struct zmtp_security){.mechanism = ZMTP_NULL};
    m->server_security = (struct zmtp_security){.mechanism = ZMTP_NULL, .server = true};
}

// ZAP27-NULL-01
static void test_null_may_be_judged_too_before_anything_is_said(void **state)
{
    struct meeting *m = *state;
    for (m->step = 1; m->step < 200; m->step += 63) {
        use_null(m);
        open_both(m, ZMTP_PUSH, ZMTP_PULL);
        talk(m);
        rig_assert_state(m->server, ZMTP_PEER_HANDSHAKE);
        rig_assert_state(m->client, ZMTP_PEER_HANDSHAKE); // no READY has come
        assert_int_equal(zmtp_peer_wants(m->server->peer), ZMTP_WANT_AUTH);
        assert_int_equal(zmtp_peer_counters(m->server->peer).bytes_in, ZMTP_GREETING_SIZE);
        struct zmtp_credentials credentials;
        assert_int_equal(zmtp_peer_credentials(m->server->peer, &credentials), ZMTP_OK);
        assert_int_equal(credentials.mechanism, ZMTP_NULL);
        allow(m);
        // What it said in the meantime was left where it was, so here it says that again.
        rig_hear(m->server, LITERAL(RIG_READY_PUSH));
        talk(m);
        rig_assert_state(m->server, ZMTP_PEER_TRAFFIC);
        rig_assert_state(m->client, ZMTP_PEER_TRAFFIC);
        octets_assert_equal(zmtp_peer_facts(m->server->peer).user_id, LITERAL("joe"));
        rig_close(m->client);
        rig_close(m->server);
    }
}

static void test_a_null_server_has_the_same_ways_to_say_no(void **state)
{
    struct meeting *m = *state;
    use_null(m);
    open_both(m, ZMTP_PUSH, ZMTP_PULL);
    talk(m);
    assert_int_equal(
        zmtp_peer_authorise(m->server->peer, ZMTP_VERDICT_DENY, LITERAL(""), LITERAL("")), ZMTP_OK);
    zmtp_peer_explain(m->server->peer, LITERAL("not from\there"));
    rig_assert_reason(m->server, "not from?here");
    talk(m);
    rig_assert_closed(m->server, ZMTP_ERR_DENIED);
    rig_assert_closed(m->client, ZMTP_ERR_PEER);
    rig_assert_reason(m->client, "400");
    rig_close(m->client);
    rig_close(m->server);
    open_both(m, ZMTP_PUSH, ZMTP_PULL);
    talk(m);
    m->server->now_ms += ZMTP_DEFAULT_AUTHORISE_MS;
    assert_int_equal(zmtp_peer_deadline(m->server->peer), m->server->now_ms);
    zmtp_peer_tick(m->server->peer, m->server->now_ms);
    rig_assert_closed(m->server, ZMTP_ERR_DENIED);
    rig_assert_reason(m->server, "in time");
}

// Those of 1.0 and 2.0 have no place for it.
static void test_where_somebody_judges_old_peers_are_refused(void **state)
{
    struct meeting *m = *state;
    use_null(m);
    m->server->config.old_versions = true;
    rig_open(m->server, ZMTP_PULL);
    (void)rig_feed(m->server, LITERAL("\xFF\0\0\0\0\0\0\0\1\x7F\1\x08\0\0"));
    rig_assert_closed(m->server, ZMTP_ERR_VERSION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, meeting_set_up, meeting_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nobody_comes_in_before_the_owner_has_said_so),
        TEST(test_who_comes_in_is_told_of_within_limits),
        TEST(test_plain_is_judged_by_name_and_password),
        TEST(test_null_may_be_judged_too_before_anything_is_said),
        TEST(test_a_null_server_has_the_same_ways_to_say_no),
        TEST(test_where_somebody_judges_old_peers_are_refused),
        TEST(test_whoever_is_denied_is_told_so_unless_it_is_only_for_now),
        TEST(test_who_finds_no_place_is_told_so_in_a_box),
        TEST(test_no_verdict_within_five_seconds_is_a_no),
        TEST(test_a_cookie_is_forgotten_after_a_minute_even_without_other_limits),
        TEST(test_octets_sent_before_the_verdict_are_a_breach),
        TEST(test_messages_of_every_size_travel_sealed_however_they_are_split),
        TEST(test_nothing_of_a_message_is_seen_on_the_way),
        TEST(test_traffic_that_was_tampered_with_ends_the_connection),
        TEST(test_a_message_that_comes_as_a_command_is_taken_too),
        TEST(test_a_full_pipe_stops_reading_and_nothing_is_lost_or_out_of_order),
        TEST(test_limits_hold_inside_the_boxes_and_before_they_are_whole),
        TEST(test_heartbeats_travel_sealed),
        TEST(test_types_that_do_not_match_are_refused_under_every_mechanism),
        TEST(test_subscriptions_reach_peers_of_either_version),
        TEST(test_what_was_sealed_leaves_even_when_the_socket_has_closed),
        TEST(test_a_weaker_mechanism_is_refused_in_words),
        TEST(test_two_servers_and_two_clients_find_each_other_out),
        TEST(test_a_client_with_the_wrong_server_key_is_told_what_to_look_at),
        TEST(test_security_that_cannot_work_is_refused),
        TEST(test_any_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("peer_security", tests, NULL, NULL);
}
