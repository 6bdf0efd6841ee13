// A peer whose other side speaks ZMTP 1.0 or 2.0: the staged greeting, and the traffic of RFC 13 and 15.
#include "test/support/rig.h"
#include "zmtp/wire/old.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

// What we say before we know the version, when we have no identity.
#define SIGNATURE "\xFF\0\0\0\0\0\0\0\1\x7F"
#define REST_OF_GREETING "\x01" RIG_NULL "\0" RIG_FILLER

static void open_old(struct rig *rig, enum zmtp_socket_type type)
{
    rig->config.old_versions = true;
    rig_open(rig, type);
}

// The handshake of |theirs|, which must be whole, with a pipe.
static void connect_old(struct rig *rig, enum zmtp_socket_type type, struct zmtp_bytes theirs)
{
    open_old(rig, type);
    assert_int_equal(rig_attach(rig), ZMTP_OK);
    rig_hear(rig, theirs);
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    rig_drain(rig, SIZE_MAX, 1);
    rig->sent_size = 0;
}

static void connect_1_0(struct rig *rig, enum zmtp_socket_type type)
{
    connect_old(rig, type, LITERAL("\1\0"));
}

// ZMTP37-VER-02, VER-03, BACK-02, BACK-03, BACK-05; LZ-01: ten octets, one more when theirs came, the
// rest when their version did. Whoever waits for ours, octet by octet, is answered.
static void test_the_greeting_is_said_in_stages(void **state)
{
    struct rig *rig = *state;
    open_old(rig, ZMTP_PULL);
    rig_assert_says(rig, LITERAL(SIGNATURE));
    rig_hear(rig, LITERAL("\xFF\0\0\0\0\0\0\0\0"));
    rig_assert_says(rig, LITERAL(""));
    rig_hear(rig, LITERAL("\x7F"));
    rig_assert_says(rig, LITERAL("\3"));
    rig_hear(rig, LITERAL("\3"));
    rig_assert_says(rig, LITERAL(REST_OF_GREETING));
    rig_hear(rig, LITERAL("\1" RIG_NULL "\0" RIG_FILLER));
    rig_assert_says(rig, LITERAL(RIG_READY_PULL));
    rig_hear(rig, LITERAL(RIG_READY_PUSH));
    rig_assert_state(rig, ZMTP_PEER_READY);
    assert_int_equal(zmtp_peer_facts(rig->peer).major, 3);
}

// The same when all of it comes at once, as from one who demands 3.x.
static void test_a_greeting_of_3_x_may_come_as_a_whole(void **state)
{
    struct rig *rig = *state;
    open_old(rig, ZMTP_PULL);
    rig_hear(rig, LITERAL(RIG_GREETING));
    rig_assert_says(rig, LITERAL(SIGNATURE "\3" REST_OF_GREETING RIG_READY_PULL));
}

// Two of us, each of whom waits for the other.
static void test_two_that_look_for_old_versions_greet_each_other(void **state)
{
    struct rig *rig = *state;
    struct zmtp_peer *other;
    rig->config.old_versions = true;
    rig->config.type = ZMTP_PUSH;
    assert_int_equal(zmtp_peer_open(&other, &rig->config, rig->now_ms), ZMTP_OK);
    rig_open(rig, ZMTP_PULL);
    for (int i = 0; i < 10; i++) {
        struct zmtp_bytes view;
        rig->sent_size = 0;
        rig_drain(rig, SIZE_MAX, 16);
        for (size_t at = 0; at < rig->sent_size;) {
            const struct zmtp_room room = zmtp_peer_space(other);
            assert_true(room.size > 0);
            room.data[0] = rig->sent[at++];
            zmtp_peer_commit(other, 1, rig->now_ms);
        }
        if (zmtp_peer_peek(other, &view, 1) == 0) continue;
        rig_hear(rig, view);
        zmtp_peer_consume(other, view.size, rig->now_ms);
    }
    rig->sent_size = 0;
    rig_assert_state(rig, ZMTP_PEER_READY);
    assert_int_equal(zmtp_peer_state(other), ZMTP_PEER_READY);
    zmtp_peer_close(other);
}

// ZMTP37-VER-08, BACK-05, ZMTP15-GRAM-01, GRAM-02: after the version, our type and identity; at once, as
// JeroMQ 0.3 does not say its identity before.
static void test_a_2_0_peer_is_told_our_type_and_identity(void **state)
{
    struct rig *rig = *state;
    rig->config.routing_id = LITERAL("me");
    open_old(rig, ZMTP_DEALER);
    rig_assert_says(rig, LITERAL("\xFF\0\0\0\0\0\0\0\3\x7F"));
    rig_hear(rig, LITERAL(SIGNATURE));
    rig_assert_says(rig, LITERAL("\3"));
    rig_hear(rig, LITERAL("\1"));
    rig_assert_says(rig, LITERAL("\5\0\2me"));
    rig_hear(rig, LITERAL("\6\0\3you"));
    rig_assert_says(rig, LITERAL(""));
    rig_assert_state(rig, ZMTP_PEER_READY);
    const struct zmtp_peer_facts facts = zmtp_peer_facts(rig->peer);
    assert_int_equal(facts.major, 2);
    assert_int_equal(facts.minor, 0);
    assert_true(facts.type_known);
    assert_int_equal(facts.type, ZMTP_ROUTER);
    octets_assert_equal(facts.routing_id, LITERAL("you"));
}

// ZMTP37-BACK-02: version 2 is ZMTP 2.0 as well.
static void test_a_2_0_greeting_may_come_octet_by_octet_or_at_once(void **state)
{
    struct rig *rig = *state;
    const struct zmtp_bytes theirs = LITERAL(SIGNATURE "\2\x08\0\0\0\2hi");
    for (size_t step = 1; step <= theirs.size; step++) {
        open_old(rig, ZMTP_PULL);
        assert_int_equal(rig_attach(rig), ZMTP_OK);
        assert_int_equal(rig_feed_by(rig, theirs, step), theirs.size);
        rig_assert_says(rig, LITERAL(SIGNATURE "\3\7\0\0"));
        rig_assert_message(rig, "hi");
        rig_close(rig);
    }
}

// ZMTP15-STYPE-01: in silence, for there are no words in 2.0.
static void test_a_2_0_peer_of_a_type_that_does_not_match_is_hung_up_on(void **state)
{
    struct rig *rig = *state;
    open_old(rig, ZMTP_PULL);
    rig_hear(rig, LITERAL(SIGNATURE "\1\7\0\0"));
    rig_assert_closed(rig, ZMTP_ERR_SOCKET_TYPE);
    rig_assert_says(rig, LITERAL(SIGNATURE "\3\7\0\0"));
}

// ZMTP15-STYPE-01: each type with each, as that section has it; 9 and 10 are libzmq's XPUB and XSUB.
static void test_2_0_types_go_together_as_in_3_x(void **state)
{
    struct rig *rig = *state;
    for (uint8_t ours = 0; ours <= ZMTP_XSUB; ours++)
        for (uint8_t theirs = 0; theirs <= ZMTP_XSUB; theirs++) {
            uint8_t greeting[] = {0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 1, theirs, 0, 0};
            open_old(rig, (enum zmtp_socket_type)ours);
            rig_hear(rig, zmtp_bytes_of(greeting, sizeof greeting));
            rig_assert_state(rig, zmtp_socket_types_match((enum zmtp_socket_type)ours,
                                                          (enum zmtp_socket_type)theirs)
                                      ? ZMTP_PEER_READY
                                      : ZMTP_PEER_CLOSED);
            rig_close(rig);
        }
}

// ZMTP15-FRAME-01
static void test_2_0_frames_are_as_in_3_x_without_commands(void **state)
{
    struct rig *rig = *state;
    connect_old(rig, ZMTP_PAIR, LITERAL(SIGNATURE "\1\0\0\0"));
    rig_hear(rig, LITERAL("\1\1a\0\1b"
                          "\2\0\0\0\0\0\0\0\1"
                          "c"));
    rig_assert_message(rig, "a|b");
    rig_assert_message(rig, "c");
    rig_send(rig, "x||y");
    (void)rig_resume(rig);
    rig_assert_says(rig, LITERAL("\1\1x\1\0\0\1y"));
    rig_hear(rig, LITERAL("\0\1d\4\x07\4PINGzz"));
    rig_assert_message(rig, "d");
    rig_assert_closed(rig, ZMTP_ERR_FRAME);
}

// ZMTP15-PUBSUB-01: the types on the wire are PUB and SUB, subscriptions are messages.
static void test_a_2_0_publisher_is_sent_subscriptions_as_messages(void **state)
{
    struct rig *rig = *state;
    open_old(rig, ZMTP_XSUB);
    assert_int_equal(rig_attach(rig), ZMTP_OK);
    rig_hear(rig, LITERAL(SIGNATURE "\1\x09\0\0"));
    rig_assert_says(rig, LITERAL(SIGNATURE "\3\2\0\0"));
    rig_send_body(rig, LITERAL("\x09SUBSCRIBEtopic"), ZMTP_FLAG_COMMAND);
    rig_send_body(rig,
                  LITERAL("\6"
                          "CANCELtopic"),
                  ZMTP_FLAG_COMMAND);
    rig_send(rig, "plain");
    (void)rig_resume(rig);
    rig_assert_says(rig, LITERAL("\0\6\1topic\0\6\0topic\0\5plain"));
}

// ZMTP37-BACK-03, BACK-05, ZMTP13-GREET-01: our signature was the header of the identity's frame.
static void test_a_1_0_peer_is_told_our_identity(void **state)
{
    struct rig *rig = *state;
    rig->config.routing_id = LITERAL("me");
    open_old(rig, ZMTP_DEALER);
    rig_assert_says(rig, LITERAL("\xFF\0\0\0\0\0\0\0\3\x7F"));
    rig_hear(rig, LITERAL("\4"));
    rig_assert_says(rig, LITERAL("me"));
    rig_hear(rig, LITERAL("\0you"));
    rig_assert_says(rig, LITERAL(""));
    rig_assert_state(rig, ZMTP_PEER_READY);
    const struct zmtp_peer_facts facts = zmtp_peer_facts(rig->peer);
    assert_int_equal(facts.major, 1);
    assert_false(facts.type_known);
    octets_assert_equal(facts.routing_id, LITERAL("you"));
}

// ZMTP37-BACK-03: as LZ-03 has it.
static void test_a_1_0_greeting_may_have_a_long_length_and_come_in_pieces(void **state)
{
    struct rig *rig = *state;
    const struct zmtp_bytes theirs = LITERAL("\xFF\0\0\0\0\0\0\0\4\0you\3\0hi");
    for (size_t step = 1; step <= theirs.size; step++) {
        open_old(rig, ZMTP_PULL);
        assert_int_equal(rig_attach(rig), ZMTP_OK);
        assert_int_equal(rig_feed_by(rig, theirs, step), theirs.size);
        rig_assert_says(rig, LITERAL(SIGNATURE));
        octets_assert_equal(zmtp_peer_facts(rig->peer).routing_id, LITERAL("you"));
        rig_assert_message(rig, "hi");
        rig_close(rig);
    }
}

// ZMTP13-GREET-01: such an identity may be rejected, and here is.
static void test_a_1_0_identity_that_begins_with_zero_or_is_too_long_is_refused(void **state)
{
    struct rig *rig = *state;
    open_old(rig, ZMTP_ROUTER);
    rig_hear(rig, LITERAL("\3\0\0a"));
    rig_assert_closed(rig, ZMTP_ERR_ROUTING_ID);
    rig_assert_says(rig, LITERAL(SIGNATURE));
    rig_close(rig);
    open_old(rig, ZMTP_ROUTER);
    rig_hear(rig, LITERAL("\xFF\0\0\0\0\0\0\1\1\0"));
    rig_assert_closed(rig, ZMTP_ERR_ROUTING_ID);
}

// ZMTP13-FRAME-01, FRAME-02
static void test_1_0_frames_come_in_and_go_out(void **state)
{
    struct rig *rig = *state;
    connect_1_0(rig, ZMTP_PAIR);
    // Short, empty, of several parts, and short ones in the long form.
    rig_hear(rig, LITERAL("\3\0hi"
                          "\1\0"
                          "\2\1a\2\1b\1\0"));
    rig_hear(rig, LITERAL("\2\1x\xFF\0\0\0\0\0\0\0\2\1y\xFF\0\0\0\0\0\0\0\1\0\2\0z"));
    rig_assert_message(rig, "hi");
    rig_assert_message(rig, "");
    rig_assert_message(rig, "a|b|");
    rig_assert_message(rig, "x|y|");
    rig_assert_message(rig, "z");
    rig_send(rig, "hi");
    rig_send(rig, "a||b");
    (void)rig_resume(rig);
    rig_assert_says(rig, LITERAL("\3\0hi\2\1a\1\1\2\0b"));
}

// Around every size where one of the two framings changes, and beyond a window.
static void test_1_0_frames_of_all_sizes_come_in_and_go_out(void **state)
{
    struct rig *rig = *state;
    static const size_t sizes[] = {0, 1, 252, 253, 254, 255, 256, 257, 4095, 4096, 20000, 60000};
    static uint8_t body[60000], wire[10 + sizeof body];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t)(i * 7 + i / 256);
    connect_1_0(rig, ZMTP_PAIR);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const struct zmtp_frame frame = {.size = sizes[i]};
        const size_t header = zmtp__frame1_encode(&frame, wire);
        memcpy(wire + header, body, sizes[i]);
        const struct zmtp_bytes octets = {wire, header + sizes[i]};
        rig_send_body(rig, zmtp_bytes_of(body, sizes[i]), 0);
        (void)rig_resume(rig);
        rig_assert_says(rig, octets);
        for (size_t step = 1; step <= octets.size; step = 3 * step + 1) {
            assert_int_equal(rig_feed_by(rig, octets, step), octets.size);
            struct zmtp_msg msg;
            zmtp_msg_init(&msg, NULL);
            assert_int_equal(zmtp__queue_take(rig->far->in, &msg), ZMTP_OK);
            assert_int_equal(msg.count, 1);
            octets_assert_equal(zmtp_msg_bytes(&msg, 0), zmtp_bytes_of(body, sizes[i]));
            zmtp_msg_fini(&msg);
        }
    }
    assert_int_equal(zmtp_peer_counters(rig->peer).messages_out, sizeof sizes / sizeof sizes[0]);
}

// A message of which one frame is long: what the header leaves free stands amid the message.
static void test_a_1_0_message_of_short_and_long_frames_stays_one(void **state)
{
    struct rig *rig = *state;
    connect_1_0(rig, ZMTP_PAIR);
    uint8_t in[7 + 10 + 299 + 3];
    memcpy(in, "\3\0hi\2\1a", 7);                   // a message before it, and the first part
    memcpy(in + 7, "\xFF\0\0\0\0\0\0\1\x2C\1", 10); // 299 octets, and more
    memset(in + 17, 'b', 299);
    memcpy(in + 316, "\2\0c", 3);
    for (size_t step = 1; step < sizeof in; step += 61) {
        assert_int_equal(rig_feed_by(rig, zmtp_bytes_of(in, sizeof in), step), sizeof in);
        rig_assert_message(rig, "hi");
        struct zmtp_msg msg;
        zmtp_msg_init(&msg, NULL);
        assert_int_equal(zmtp__queue_take(rig->far->in, &msg), ZMTP_OK);
        assert_int_equal(msg.count, 3);
        octets_assert_equal(zmtp_msg_bytes(&msg, 0), LITERAL("a"));
        octets_assert_equal(zmtp_msg_bytes(&msg, 1), zmtp_bytes_of(in + 17, 299));
        octets_assert_equal(zmtp_msg_bytes(&msg, 2), LITERAL("c"));
        zmtp_msg_fini(&msg);
        rig_assert_no_message(rig);
    }
}

// ZMTP13-FRAME-01, LZ-08: a frame of length zero is discarded in silence; a flood of them is not.
static void test_1_0_voids_are_skipped_up_to_a_limit(void **state)
{
    struct rig *rig = *state;
    rig->config.limits.unknown_commands_max = 4;
    connect_1_0(rig, ZMTP_PAIR);
    rig_hear(rig, LITERAL("\0\3\0hi\0\2\1a\0\2\0b\xFF\0\0\0\0\0\0\0\0\2\0c"));
    rig_assert_message(rig, "hi");
    rig_assert_message(rig, "a|b");
    rig_assert_message(rig, "c");
    assert_int_equal(zmtp_peer_counters(rig->peer).unknown_commands, 4);
    (void)rig_feed(rig, LITERAL("\2\0d\0\2\0e"));
    rig_assert_message(rig, "d");
    rig_assert_no_message(rig);
    rig_assert_closed(rig, ZMTP_ERR_LIMIT);
}

// ZMTP13-CONT-01, LZ-06: it picks for itself, so it gets everything.
static void test_a_1_0_subscriber_wants_everything(void **state)
{
    struct rig *rig = *state;
    static const enum zmtp_socket_type types[] = {ZMTP_PUB, ZMTP_XPUB};
    for (size_t i = 0; i < 2; i++) {
        connect_1_0(rig, types[i]);
        assert_int_equal(zmtp__queue_first_flags(rig->far->in), ZMTP_FLAG_COMMAND);
        rig_assert_message(rig, "\x09SUBSCRIBE");
        rig_assert_no_message(rig);
        rig_close(rig);
    }
}

static void test_the_wish_of_a_1_0_subscriber_waits_for_room(void **state)
{
    struct rig *rig = *state;
    rig->count_max = 1;
    connect_1_0(rig, ZMTP_XPUB); // the first fills the pipe
    rig_close(rig);
    connect_1_0(rig, ZMTP_XPUB);
    assert_int_equal(zmtp_peer_wants(rig->peer) & ZMTP_WANT_READ, 0);
    assert_int_equal(rig->far->in->count, 1);
    rig_assert_message(rig, "\x09SUBSCRIBE");
    assert_true(rig_resume(rig));
    rig_assert_message(rig, "\x09SUBSCRIBE");
    assert_int_equal(zmtp_peer_wants(rig->peer) & ZMTP_WANT_READ, ZMTP_WANT_READ);
    rig_assert_no_message(rig);
}

// ZMTP13-CONT-01: a subscriber says nothing.
static void test_a_1_0_publisher_is_sent_no_subscriptions(void **state)
{
    struct rig *rig = *state;
    connect_1_0(rig, ZMTP_SUB);
    rig_send_body(rig, LITERAL("\x09SUBSCRIBEtopic"), ZMTP_FLAG_COMMAND);
    rig_send_body(rig,
                  LITERAL("\6"
                          "CANCELtopic"),
                  ZMTP_FLAG_COMMAND);
    (void)rig_resume(rig);
    rig_assert_says(rig, LITERAL(""));
    assert_int_equal(rig->far->out->count, 0);
}

// ZMTP37-BACK-04, LZ-05: and where peers are judged, by their address alone.
static void test_where_there_is_security_old_versions_are_refused(void **state)
{
    struct rig *rig = *state;
    static const struct zmtp_bytes theirs[] = {{(const uint8_t *)"\1\0", 2},
                                               {(const uint8_t *)SIGNATURE "\1", 11}};
    static const struct zmtp_security securities[] = {{.mechanism = ZMTP_PLAIN, .server = true},
                                                      {.mechanism = ZMTP_NULL, .server = true}};
    for (size_t i = 0; i < 4; i++) {
        rig->config.security = &securities[i / 2];
        open_old(rig, ZMTP_PULL);
        rig_drain(rig, SIZE_MAX, 1);
        assert_int_equal(rig->sent_size, ZMTP_GREETING_SIZE); // nothing is waited for
        rig_hear(rig, theirs[i % 2]);
        rig_assert_closed(rig, ZMTP_ERR_VERSION);
        rig_close(rig);
    }
}

// Neither 1.0 nor 2.0 knows them.
static void test_young_types_speak_3_x_alone(void **state)
{
    struct rig *rig = *state;
    open_old(rig, ZMTP_CLIENT);
    rig_drain(rig, SIZE_MAX, 1);
    assert_int_equal(rig->sent_size, ZMTP_GREETING_SIZE);
    rig_hear(rig, LITERAL("\1\0"));
    rig_assert_closed(rig, ZMTP_ERR_VERSION);
}

// No PING is of a version before 3.1, and silence is no death.
static void test_old_peers_get_no_heartbeats(void **state)
{
    struct rig *rig = *state;
    static const struct zmtp_bytes theirs[] = {{(const uint8_t *)"\1\0", 2},
                                               {(const uint8_t *)SIGNATURE "\1\0\0\0", 14}};
    for (size_t i = 0; i < 2; i++) {
        connect_old(rig, ZMTP_PAIR, theirs[i]);
        assert_int_equal(zmtp_peer_deadline(rig->peer), UINT64_MAX);
        rig->now_ms += 1000000;
        zmtp_peer_tick(rig->peer, rig->now_ms);
        rig_assert_says(rig, LITERAL(""));
        rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
        rig_close(rig);
    }
}

// Who stops amid a greeting, of whatever version, is not waited for longer than others.
static void test_an_old_greeting_must_be_over_in_time(void **state)
{
    struct rig *rig = *state;
    static const struct zmtp_bytes theirs[] = {{(const uint8_t *)"\4\0a", 3},
                                               {(const uint8_t *)SIGNATURE, 10},
                                               {(const uint8_t *)SIGNATURE "\1\0\0\2a", 15}};
    for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++) {
        open_old(rig, ZMTP_PAIR);
        rig_hear(rig, theirs[i]);
        assert_int_equal(zmtp_peer_deadline(rig->peer), rig->now_ms + ZMTP_DEFAULT_HANDSHAKE_MS);
        rig->now_ms += ZMTP_DEFAULT_HANDSHAKE_MS;
        zmtp_peer_tick(rig->peer, rig->now_ms);
        rig_assert_closed(rig, ZMTP_ERR_HANDSHAKE_TIMEOUT);
        rig_close(rig);
    }
}

static void test_the_limits_of_messages_hold_in_1_0(void **state)
{
    struct rig *rig = *state;
    rig->config.limits.message_max = 10;
    rig->config.limits.parts_max = 3;
    connect_1_0(rig, ZMTP_PAIR);
    rig_hear(rig, LITERAL("\x0B\0"
                          "0123456789"));
    rig_assert_message(rig, "0123456789");
    rig_hear(rig, LITERAL("\x0C\0"));
    rig_assert_closed(rig, ZMTP_ERR_LIMIT);
    rig_close(rig);
    connect_1_0(rig, ZMTP_PAIR);
    rig_hear(rig, LITERAL("\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0"));
    rig_assert_closed(rig, ZMTP_ERR_LIMIT);
    rig_close(rig);
    connect_1_0(rig, ZMTP_PAIR);
    rig_hear(rig, LITERAL("\1\1\1\1\1\1\1\0"));
    rig_assert_closed(rig, ZMTP_ERR_LIMIT);
}

// A full pipe stops the reading, amid what was read; nothing is translated twice.
static void test_a_full_pipe_holds_1_0_frames_back(void **state)
{
    struct rig *rig = *state;
    rig->count_max = 1;
    connect_1_0(rig, ZMTP_PAIR);
    rig_hear(rig, LITERAL("\2\0a\2\0b\xFF\0\0\0\0\0\0\0\2\0c\2\1d\2\0e"));
    assert_int_equal(zmtp_peer_wants(rig->peer) & ZMTP_WANT_READ, 0);
    static const char *const expected[] = {"a", "b", "c", "d|e"};
    for (size_t i = 0; i < 4; i++) {
        rig_assert_message(rig, expected[i]);
        (void)rig_resume(rig);
    }
    rig_assert_no_message(rig);
}

// What was taken into the window counts as sent, as with CURVE; the rest starts at a message.
static void test_a_1_0_connection_that_breaks_leaves_whole_messages(void **state)
{
    struct rig *rig = *state;
    connect_1_0(rig, ZMTP_PAIR);
    rig_send(rig, "first");
    (void)rig_resume(rig);
    rig_drain(rig, 3, 1);
    octets_assert_equal(zmtp_bytes_of(rig->sent, rig->sent_size), LITERAL("\6\0f"));
    rig_send(rig, "second");
    zmtp_peer_fail(rig->peer, ZMTP_ERR_RESET);
    rig_close(rig);
    open_old(rig, ZMTP_PAIR);
    assert_int_equal(rig_attach(rig), ZMTP_OK);
    rig_drain(rig, SIZE_MAX, 16);
    rig->sent_size = 0;
    rig_hear(rig, LITERAL("\1\0"));
    rig_assert_says(rig, LITERAL("\7\0second"));
    assert_int_equal(rig->far->out->count, 0);
}

// Each allocation fails in turn: it closes for want of memory, or has done all, and nothing is left.
static void test_no_memory_closes_an_old_connection(void **state)
{
    struct rig *rig = *state;
    static const struct zmtp_bytes theirs[] = {
        {(const uint8_t *)"\3\0id\3\0hi\xFF\0\0\0\0\0\0\0\2\0c", 18},
        {(const uint8_t *)SIGNATURE "\1\0\0\2id\0\2hi", 20}};
    for (size_t i = 0; i < 2; i++)
        for (uint64_t nth = 1; nth < 40; nth++) {
            rig->config.old_versions = true;
            rig->config.routing_id = LITERAL("longer than a small identity is");
            rig->config.type = ZMTP_PAIR;
            rig->budget.fail_at = rig->budget.calls + nth;
            if (zmtp_peer_open(&rig->peer, &rig->config, rig->now_ms) == ZMTP_OK) {
                (void)rig_attach(rig);
                (void)rig_feed_by(rig, theirs[i], 1);
                if (rig->far) rig_send(rig, "out|of");
                (void)rig_resume(rig);
                rig_drain(rig, SIZE_MAX, 2);
                rig->sent_size = 0;
                if (zmtp_peer_state(rig->peer) == ZMTP_PEER_CLOSED)
                    rig_assert_closed(rig, ZMTP_ERR_MEMORY);
            }
            rig_close(rig);
            if (rig->far) zmtp__queue_clear(rig->far->in);
            if (rig->far) zmtp__queue_clear(rig->far->out);
        }
    rig->budget.fail_at = 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_greeting_is_said_in_stages),
        TEST(test_a_greeting_of_3_x_may_come_as_a_whole),
        TEST(test_two_that_look_for_old_versions_greet_each_other),
        TEST(test_a_2_0_peer_is_told_our_type_and_identity),
        TEST(test_a_2_0_greeting_may_come_octet_by_octet_or_at_once),
        TEST(test_a_2_0_peer_of_a_type_that_does_not_match_is_hung_up_on),
        TEST(test_2_0_types_go_together_as_in_3_x),
        TEST(test_2_0_frames_are_as_in_3_x_without_commands),
        TEST(test_a_2_0_publisher_is_sent_subscriptions_as_messages),
        TEST(test_a_1_0_peer_is_told_our_identity),
        TEST(test_a_1_0_greeting_may_have_a_long_length_and_come_in_pieces),
        TEST(test_a_1_0_identity_that_begins_with_zero_or_is_too_long_is_refused),
        TEST(test_1_0_frames_come_in_and_go_out),
        TEST(test_1_0_frames_of_all_sizes_come_in_and_go_out),
        TEST(test_a_1_0_message_of_short_and_long_frames_stays_one),
        TEST(test_1_0_voids_are_skipped_up_to_a_limit),
        TEST(test_a_1_0_subscriber_wants_everything),
        TEST(test_the_wish_of_a_1_0_subscriber_waits_for_room),
        TEST(test_a_1_0_publisher_is_sent_no_subscriptions),
        TEST(test_where_there_is_security_old_versions_are_refused),
        TEST(test_young_types_speak_3_x_alone),
        TEST(test_old_peers_get_no_heartbeats),
        TEST(test_an_old_greeting_must_be_over_in_time),
        TEST(test_the_limits_of_messages_hold_in_1_0),
        TEST(test_a_full_pipe_holds_1_0_frames_back),
        TEST(test_a_1_0_connection_that_breaks_leaves_whole_messages),
        TEST(test_no_memory_closes_an_old_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
