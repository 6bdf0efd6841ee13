// A connection's first octets: greeting, READY, and everything that may be wrong with them.
#include "test/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

// READY with any metadata of less than 250 octets.
static void hear_ready(struct rig *rig, struct zmtp_bytes metadata)
{
    assert_true(metadata.size < 250);
    uint8_t frame[2 + 6 + 250] = {0x04, (uint8_t)(6 + metadata.size), 5, 'R', 'E', 'A', 'D', 'Y'};
    memcpy(frame + 8, metadata.data, metadata.size);
    (void)rig_feed(rig, zmtp_bytes_of(frame, 8 + metadata.size)); // it may close amid
}

static void open_and_greet(struct rig *rig, enum zmtp_socket_type type)
{
    rig_open(rig, type);
    rig_hear(rig, LITERAL(RIG_GREETING));
    rig_drain(rig, SIZE_MAX, 16);
    rig->sent_size = 0;
}

// ZMTP37-GRAM-01 to GRAM-04, VER-04, BACK-01, TOPO-01, AUTH-05, NULL-02; LZ-01: who waits for the
// other deadlocks.
static void test_the_whole_greeting_is_said_before_anything_is_heard(void **state)
{
    struct rig *rig = *state;
    static const struct zmtp_security security = {
        .server = true}; // no meaning for NULL: the octet is zero
    rig->config.security = &security;
    rig_open(rig, ZMTP_PULL);
    rig_assert_state(rig, ZMTP_PEER_GREETING);
    rig_assert_says(rig, LITERAL(RIG_GREETING));
    assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_READ);
}

// ZMTP37-NULL-04, NULL-07, META-03, META-04, META-07, IDENT-01; LZ-11, LZ-12: both sides say READY
// at once, and these three types always with an Identity.
static void test_ready_tells_the_socket_type_and_for_three_types_an_identity(void **state)
{
    struct rig *rig = *state;
    const struct {
        enum zmtp_socket_type type;
        struct zmtp_bytes ready;
    } cases[] = {
        {ZMTP_PULL, LITERAL(RIG_READY_PULL)},
        {ZMTP_PUB, LITERAL(RIG_READY_PUB)},
        {ZMTP_DEALER,
         LITERAL("\x04\x2B\x05READY\x0BSocket-Type\0\0\0\6DEALER\x08Identity\0\0\0\2me")},
        {ZMTP_ROUTER,
         LITERAL("\x04\x2B\x05READY\x0BSocket-Type\0\0\0\6ROUTER\x08Identity\0\0\0\2me")},
        {ZMTP_REQ, LITERAL("\x04\x28\x05READY\x0BSocket-Type\0\0\0\3REQ\x08Identity\0\0\0\2me")},
    };
    rig->config.routing_id = LITERAL("me");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rig_open(rig, cases[i].type);
        rig_assert_says(rig, LITERAL(RIG_GREETING));
        rig_hear(rig, LITERAL(RIG_GREETING));
        rig_assert_says(rig, cases[i].ready);
        rig_close(rig);
    }
    rig->config.routing_id = (struct zmtp_bytes){0};
    open_and_greet(rig, ZMTP_DEALER);
    rig_close(rig);
    rig_open(rig, ZMTP_DEALER);
    rig_hear(rig, LITERAL(RIG_GREETING));
    rig_assert_says(rig, LITERAL(RIG_GREETING RIG_READY_DEALER));
}

// ZMTP37-IDENT-03, AUTH-06
static void test_the_longest_identity_still_fits_into_ready(void **state)
{
    struct rig *rig = *state;
    uint8_t id[256];
    memset(id, 'i', sizeof id);
    rig->config.routing_id = zmtp_bytes_of(id, 255);
    open_and_greet(rig, ZMTP_DEALER);
    rig_close(rig);
    rig_open(rig, ZMTP_ROUTER);
    rig_hear(rig, LITERAL(RIG_GREETING));
    rig_drain(rig, SIZE_MAX, 16);
    // A long frame: 6 for READY, 22 for the type, 13 and 255 for the id: 296 octets.
    assert_int_equal(rig->sent_size, 64 + 9 + 296);
    assert_memory_equal(rig->sent + 64, "\x06\0\0\0\0\0\0\x01\x28\x05READY", 15);
    rig_close(rig);
    rig->config.routing_id.size = 256;
    assert_int_equal(zmtp_peer_open(&rig->peer, &rig->config, 0), ZMTP_ERR_ARGUMENT);
    assert_null(rig->peer);
}

static void test_a_config_out_of_range_opens_nothing(void **state)
{
    struct rig *rig = *state;
    rig->config.minor = 2;
    assert_int_equal(zmtp_peer_open(&rig->peer, &rig->config, 0), ZMTP_ERR_ARGUMENT);
    rig->config.minor = 1;
    rig->config.type = ZMTP_SOCKET_TYPES;
    assert_int_equal(zmtp_peer_open(&rig->peer, &rig->config, 0), ZMTP_ERR_ARGUMENT);
    assert_null(rig->peer);
    assert_int_equal(rig->budget.calls, 0);
}

// LZ-01: libzmq sends 10 octets, then the major version, then the rest, and waits in between.
static void test_a_greeting_in_stages_is_followed_stage_by_stage(void **state)
{
    struct rig *rig = *state;
    rig_open(rig, ZMTP_PULL);
    rig_hear(rig, LITERAL("\xFF\0\0\0\0\0\0\0\x01\x7F"));
    rig_assert_state(rig, ZMTP_PEER_GREETING);
    rig_assert_says(rig, LITERAL(RIG_GREETING)); // all that it waits for
    rig_hear(rig, LITERAL("\x03"));
    rig_hear(rig, LITERAL("\x01" RIG_NULL "\0" RIG_FILLER));
    rig_assert_state(rig, ZMTP_PEER_HANDSHAKE);
    rig_assert_says(rig, LITERAL(RIG_READY_PULL));
    rig_hear(rig, LITERAL(RIG_READY_PUSH));
    rig_assert_state(rig, ZMTP_PEER_READY);
}

static void test_nothing_more_is_said_before_the_last_octet_of_the_greeting(void **state)
{
    struct rig *rig = *state;
    rig_open(rig, ZMTP_PULL);
    rig_assert_says(rig, LITERAL(RIG_GREETING));
    const struct zmtp_bytes greeting = LITERAL(RIG_GREETING);
    for (size_t i = 0; i < greeting.size; i++) {
        rig_assert_state(rig, ZMTP_PEER_GREETING);
        rig_assert_says(rig, LITERAL(""));
        rig_hear(rig, zmtp_bytes_of(greeting.data + i, 1));
    }
    rig_assert_state(rig, ZMTP_PEER_HANDSHAKE);
}

// The same conversation cut at every place, and octet by octet.
static void test_a_handshake_comes_out_the_same_wherever_it_is_split(void **state)
{
    struct rig *rig = *state;
    const struct zmtp_bytes all = LITERAL(RIG_GREETING RIG_READY_DEALER "\x01\x01"
                                                                        "A\x00\x01"
                                                                        "B\x04\x06\x04PONG!");
    for (size_t cut = 0; cut <= all.size; cut++) {
        rig_open(rig, ZMTP_DEALER);
        assert_int_equal(rig_attach(rig), ZMTP_OK);
        if (cut == 0) {
            assert_int_equal(rig_feed_by(rig, all, 1), all.size);
        } else {
            rig_hear(rig, zmtp_bytes_of(all.data, cut));
            rig_hear(rig, zmtp_bytes_of(all.data + cut, all.size - cut));
        }
        rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
        rig_assert_message(rig, "A|B");
        rig_assert_no_message(rig);
        rig_assert_says(rig, LITERAL(RIG_GREETING RIG_READY_DEALER));
        rig_close(rig);
    }
}

static void greet_with(struct rig *rig, struct zmtp_bytes octets, size_t judged, int error)
{
    rig_open(rig, ZMTP_PULL);
    const size_t fed = rig_feed_by(rig, octets, 1);
    assert_int_equal(fed, judged);
    rig_assert_closed(rig, error);
    rig_assert_says(rig, LITERAL(RIG_GREETING)); // and nothing that answers it
    rig_close(rig);
}

// ZMTP37-VER-09, ERR-02, GRAM-02, GRAM-04, AUTH-04: closed at the first octet that tells.
static void test_what_is_no_greeting_is_refused_at_the_first_octet_that_tells(void **state)
{
    struct rig *rig = *state;
    greet_with(rig, LITERAL("GET / HTTP/1.1\r\n"), 2, ZMTP_ERR_GREETING);
    greet_with(rig, LITERAL("\x16\x03\x01\x02\0"), 2, ZMTP_ERR_GREETING); // TLS
    greet_with(rig, LITERAL("\xFF\0\0\0\0\0\0\0\0\x7D\x03"), 10, ZMTP_ERR_GREETING);
    greet_with(rig, LITERAL("\x01\0\x03"), 2, ZMTP_ERR_VERSION);                    // 1.0
    greet_with(rig, LITERAL("\xFF\0\0\0\0\0\0\0\x05\0"), 10, ZMTP_ERR_VERSION);     // 1.0, long
    greet_with(rig, LITERAL(RIG_SIGNATURE "\x01\x05\0\0"), 11, ZMTP_ERR_VERSION);   // 2.0
    greet_with(rig, LITERAL(RIG_SIGNATURE "\x03\x01null"), 13, ZMTP_ERR_MECHANISM); // lower case
    greet_with(rig, LITERAL(RIG_SIGNATURE "\x03\x01\0"), 13, ZMTP_ERR_MECHANISM);
}

// ZMTP37-AUTH-04
static void test_another_mechanism_is_refused_and_told_by_its_name(void **state)
{
    struct rig *rig = *state;
    rig_open(rig, ZMTP_PULL);
    const uint8_t zeros[64] = {0};
    rig_hear(rig, LITERAL(RIG_SIGNATURE "\x03\x01PLAIN"));
    (void)rig_feed(rig, zmtp_bytes_of(zeros, 47)); // closed at the last of them
    rig_assert_closed(rig, ZMTP_ERR_MECHANISM);
    octets_assert_equal(zmtp_peer_reason(rig->peer),
                        LITERAL("the peer offers PLAIN, we require NULL"));
}

// ZMTP37-VER-05, GRAM-05, VER-06, VER-07; LZ-02
static void test_padding_filler_and_as_server_are_not_judged(void **state)
{
    struct rig *rig = *state;
    uint8_t greeting[64];
    memset(greeting, 0xA5, sizeof greeting);
    memcpy(greeting, "\xFF", 1);
    memcpy(greeting + 9, "\x7F\x03\x01" RIG_NULL, 23);
    rig_open(rig, ZMTP_PULL);
    rig_hear(rig, zmtp_bytes_of(greeting, sizeof greeting));
    rig_assert_state(rig, ZMTP_PEER_HANDSHAKE);
}

// ZMTP37-VER-06 to VER-08, ZMTP23-VER-03'; LZ-04
static void test_later_versions_are_spoken_to_as_3_1_and_earlier_ones_as_they_say(void **state)
{
    struct rig *rig = *state;
    const struct {
        uint8_t major, minor, spoken;
    } cases[] = {{3, 0, 0}, {3, 1, 1}, {3, 2, 1}, {3, 255, 1}, {4, 0, 1}, {255, 0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t greeting[64];
        memcpy(greeting, RIG_GREETING, sizeof greeting);
        greeting[10] = cases[i].major;
        greeting[11] = cases[i].minor;
        rig_open(rig, ZMTP_PULL);
        rig_hear(rig, zmtp_bytes_of(greeting, sizeof greeting));
        rig_hear(rig, LITERAL(RIG_READY_PUSH));
        rig_assert_state(rig, ZMTP_PEER_READY);
        assert_int_equal(zmtp_peer_facts(rig->peer).major, cases[i].major);
        assert_int_equal(zmtp_peer_facts(rig->peer).minor, cases[i].spoken);
        rig_close(rig);
    }
    rig->config.minor = 0;
    rig_open(rig, ZMTP_PULL);
    rig_hear(rig, LITERAL(RIG_GREETING));
    rig_assert_says(rig, LITERAL(RIG_GREETING_30 RIG_READY_PULL));
    assert_int_equal(zmtp_peer_facts(rig->peer).minor, 0);
}

// ZMTP37-META-01, META-02, META-06, META-07, NULL-08, NULL-09; LZ-10
static void test_metadata_may_hold_anything_under_names_in_any_case(void **state)
{
    struct rig *rig = *state;
    open_and_greet(rig, ZMTP_DEALER);
    const struct zmtp_bytes metadata = LITERAL("\x0BsOCKET-tYPE\0\0\0\6ROUTER"
                                               "\x08IDENTITY\0\0\0\2id"
                                               "\x03X-a\0\0\0\0");
    hear_ready(rig, metadata);
    rig_assert_state(rig, ZMTP_PEER_READY);
    const struct zmtp_peer_facts facts = zmtp_peer_facts(rig->peer);
    assert_true(facts.type_known);
    assert_int_equal(facts.type, ZMTP_ROUTER);
    octets_assert_equal(facts.routing_id, LITERAL("id"));
    octets_assert_equal(facts.metadata, metadata);
}

// ZMTP37-RES-03
static void test_whatever_resource_is_asked_for_is_accepted(void **state)
{
    struct rig *rig = *state;
    const struct zmtp_bytes cases[] = {
        LITERAL("\x08Resource\0\0\0\7a/b.c@d"),
        LITERAL("\x08Resource\0\0\0\0"),
        LITERAL("\x08resource\0\0\0\5/ \xFF//"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_and_greet(rig, ZMTP_ROUTER);
        hear_ready(rig, cases[i]);
        rig_assert_state(rig, ZMTP_PEER_READY);
        octets_assert_equal(zmtp_peer_facts(rig->peer).metadata, cases[i]);
        rig_close(rig);
    }
}

// ZMTP37-META-03; LZ-10
static void test_a_peer_that_tells_no_type_is_taken_at_its_word(void **state)
{
    struct rig *rig = *state;
    open_and_greet(rig, ZMTP_ROUTER);
    hear_ready(rig, LITERAL("\x08Identity\0\0\0\2id"));
    rig_assert_state(rig, ZMTP_PEER_READY);
    assert_false(zmtp_peer_facts(rig->peer).type_known);
    octets_assert_equal(zmtp_peer_facts(rig->peer).routing_id, LITERAL("id"));
}

// ZMTP37-NULL-08, NULL-09
static void test_malformed_metadata_is_refused(void **state)
{
    struct rig *rig = *state;
    const struct zmtp_bytes cases[] = {
        LITERAL("\x0BSocket-Type\0\0\0\4PUSH!"),                           // one octet more
        LITERAL("\x0BSocket-Type\0\0\0\5PUSH"),                            // one less
        LITERAL("\0\0\0\0\0"),                                             // no name
        LITERAL("\x0BSocket-Type\x80\0\0\0PUSH"),                          // above 2^31 - 1
        LITERAL("\x0BSocket-Type\0\0\0\4PUSH\x0Bsocket-type\0\0\0\4PUSH"), // twice
        LITERAL("\x03"
                "a b\0\0\0\0"),
        LITERAL("\x0BSocket-Type\0\0"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_and_greet(rig, ZMTP_PULL);
        hear_ready(rig, cases[i]);
        rig_assert_closed(rig, ZMTP_ERR_METADATA);
        rig_assert_reason(rig, "metadata are malformed");
        rig_assert_says(rig, LITERAL("\x04\x19\5ERROR\x12Malformed metadata"));
        rig_close(rig);
    }
}

static void test_whatever_ends_a_handshake_is_told_in_words(void **state)
{
    struct rig *rig = *state;
    const struct {
        struct zmtp_bytes said; // after the greeting
        int error;
        const char *words;
    } cases[] = {
        {LITERAL("\x04\x19\5READY\x0BSocket-Type\0\0\0\3SUB"), ZMTP_ERR_SOCKET_TYPE,
         "our PULL does not speak to its SUB"},
        {LITERAL("\x04\x19\5READY\x0BSocket-Type\0\0\0\3FOO"), ZMTP_ERR_SOCKET_TYPE,
         "our PULL does not speak to its socket, of a type that nobody knows"},
        {LITERAL("\x04\x14\5READY\x08Identity\0\0\0\1\0"), ZMTP_ERR_ROUTING_ID,
         "its routing id has more than 255 octets, or begins with a zero"},
        {LITERAL("\x04\x17\5READY\1a\0\0\0\0\1b\0\0\0\0\1c\0\0\0\0"), ZMTP_ERR_METADATA,
         "or more than limits.properties_max"},
        {LITERAL("\x04\x1E\5READY\4Long\0\0\0\x0F"
                 "123456789012345"),
         ZMTP_ERR_LIMIT, "longer than limits.metadata_max"},
        {LITERAL("\x04\6\5HELLO"), ZMTP_ERR_COMMAND,
         "a command came that is not due in this handshake of NULL"},
        {LITERAL(""), ZMTP_ERR_HANDSHAKE_TIMEOUT,
         "the peer did not go on with the handshake of NULL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const bool small = cases[i].error == ZMTP_ERR_METADATA || cases[i].error == ZMTP_ERR_LIMIT;
        rig->config.limits.properties_max = small ? 2 : 0;
        rig->config.limits.metadata_max = small ? 21 : 0;
        open_and_greet(rig, ZMTP_PULL);
        (void)rig_feed(rig, cases[i].said);
        zmtp_peer_tick(rig->peer, zmtp_peer_deadline(rig->peer));
        rig_assert_closed(rig, cases[i].error);
        rig_assert_reason(rig, cases[i].words);
        rig_close(rig);
    }
}

static void test_a_greeting_that_does_not_come_is_told_apart_from_half_of_one(void **state)
{
    struct rig *rig = *state;
    rig_open(rig, ZMTP_PULL);
    zmtp_peer_tick(rig->peer, zmtp_peer_deadline(rig->peer));
    rig_assert_closed(rig, ZMTP_ERR_HANDSHAKE_TIMEOUT);
    rig_assert_reason(rig, "the peer has said nothing");
    rig_close(rig);
    rig_open(rig, ZMTP_PULL);
    rig_hear(rig, LITERAL(RIG_SIGNATURE));
    zmtp_peer_tick(rig->peer, zmtp_peer_deadline(rig->peer));
    rig_assert_closed(rig, ZMTP_ERR_HANDSHAKE_TIMEOUT);
    rig_assert_reason(rig, "the peer's greeting did not come to its end");
}

// ZMTP37-STYPE-01 to STYPE-03, NULL-05; LZ-10
static void test_types_that_do_not_match_get_an_error_and_are_closed(void **state)
{
    struct rig *rig = *state;
    open_and_greet(rig, ZMTP_PULL);
    hear_ready(rig, LITERAL("\x0BSocket-Type\0\0\0\3SUB"));
    rig_assert_closed(rig, ZMTP_ERR_SOCKET_TYPE);
    assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_WRITE); // the last thing that it says
    rig_assert_says(rig, LITERAL("\x04\x20\5ERROR\x19Socket types do not match"));
    assert_int_equal(zmtp_peer_wants(rig->peer), 0);
    rig_close(rig);
    open_and_greet(rig, ZMTP_PULL);
    hear_ready(rig, LITERAL("\x0BSocket-Type\0\0\0\6STREAM")); // never on the wire
    rig_assert_closed(rig, ZMTP_ERR_SOCKET_TYPE);
}

// Closed for the routing id of |size| octets that begins with |first|, or not.
static void hear_identity(struct rig *rig, const char *type, size_t size, uint8_t first, int error)
{
    // A long command frame: READY and two properties.
    uint8_t frame[9 + 6 + 64 + 300] = {0x06, 0, 0, 0, 0, 0, 0, 0, 0, 5, 'R', 'E', 'A', 'D', 'Y'};
    size_t filled = 15;
    filled += (size_t)zmtp_property_encode(
        &(struct zmtp_property){zmtp_bytes_text("Socket-Type"), zmtp_bytes_text(type)},
        frame + filled, 64);
    uint8_t id[300];
    memset(id, 'x', sizeof id);
    id[0] = first;
    const int added = zmtp_property_encode(
        &(struct zmtp_property){zmtp_bytes_text("Identity"), zmtp_bytes_of(id, size)},
        frame + filled, sizeof frame - filled);
    assert_true(added > 0);
    filled += (size_t)added;
    frame[7] = (uint8_t)((filled - 9) >> 8);
    frame[8] = (uint8_t)(filled - 9);
    open_and_greet(rig, ZMTP_ROUTER);
    (void)rig_feed(rig, zmtp_bytes_of(frame, filled)); // it may close
    if (error == ZMTP_OK) {
        rig_assert_state(rig, ZMTP_PEER_READY);
        assert_int_equal(zmtp_peer_facts(rig->peer).routing_id.size, size);
    } else {
        rig_assert_closed(rig, error);
        rig_assert_says(rig, LITERAL("\x04\x1B\5ERROR\x14Malformed routing id"));
    }
    rig_close(rig);
}

// ZMTP37-IDENT-03, IDENT-04; LZ-10
static void test_a_routing_id_has_at_most_255_octets_and_no_leading_zero(void **state)
{
    struct rig *rig = *state;
    hear_identity(rig, "DEALER", 1, 'x', ZMTP_OK);
    hear_identity(rig, "DEALER", 255, 0xFF, ZMTP_OK);
    hear_identity(rig, "DEALER", 0, 'x', ZMTP_OK);
    hear_identity(rig, "DEALER", 256, 'x', ZMTP_ERR_ROUTING_ID);
    hear_identity(rig, "REQ", 1, 0, ZMTP_ERR_ROUTING_ID);
    rig->config.routing_id_any = true;
    hear_identity(rig, "REQ", 1, 0, ZMTP_OK);
    hear_identity(rig, "REQ", 256, 0, ZMTP_ERR_ROUTING_ID);
}

// ZMTP37-IDENT-02
static void test_an_identity_of_another_type_is_ignored(void **state)
{
    struct rig *rig = *state;
    open_and_greet(rig, ZMTP_PULL);
    hear_ready(rig, LITERAL("\x0BSocket-Type\0\0\0\4PUSH\x08Identity\0\0\0\2\0x"));
    rig_assert_state(rig, ZMTP_PEER_READY);
    assert_int_equal(zmtp_peer_facts(rig->peer).routing_id.size, 0);
}

// ZMTP37-ERR-01, NULL-10
static void test_an_error_closes_and_its_reason_is_made_printable(void **state)
{
    struct rig *rig = *state;
    open_and_greet(rig, ZMTP_PULL);
    rig_hear(rig, LITERAL("\x04\x0C\5ERROR\5n\n\x1B\x7F\xFF"));
    rig_assert_closed(rig, ZMTP_ERR_PEER);
    octets_assert_equal(zmtp_peer_reason(rig->peer), LITERAL("n????"));
    assert_int_equal(rig_feed(rig, LITERAL("more")), 0); // harmless
    rig_assert_closed(rig, ZMTP_ERR_PEER);
}

static void test_who_finds_no_place_is_told_why_if_it_speaks_3_1(void **state)
{
    struct rig *rig = *state;
    for (unsigned minor = 0; minor < 2; minor++) {
        rig_open(rig, ZMTP_ROUTER);
        assert_int_equal(zmtp_peer_refuse(rig->peer, ZMTP_ERR_IN_USE, LITERAL("full")),
                         ZMTP_ERR_STATE); // nobody is there yet
        rig_hear(rig, minor ? LITERAL(RIG_GREETING) : LITERAL(RIG_GREETING_30));
        rig_hear(rig, LITERAL(RIG_READY_DEALER));
        rig_assert_state(rig, ZMTP_PEER_READY);
        rig_drain(rig, sizeof rig->sent, 4);
        rig->sent_size = 0;
        assert_int_equal(zmtp_peer_refuse(rig->peer, ZMTP_OK, LITERAL("full")), ZMTP_ERR_STATE);
        assert_int_equal(zmtp_peer_refuse(rig->peer, ZMTP_ERR_IN_USE, LITERAL("full")), ZMTP_OK);
        rig_assert_closed(rig, ZMTP_ERR_IN_USE);
        rig_assert_says(rig, minor ? LITERAL("\x04\x0B\5ERROR\4full") : LITERAL(""));
        assert_int_equal(zmtp_peer_refuse(rig->peer, ZMTP_ERR_IN_USE, LITERAL("full")),
                         ZMTP_ERR_STATE);
        rig_close(rig);
    }
}

// ZMTP37-GRAM-06, GRAM-08, FRAME-02, FRAME-03; LZ-09: the first of these libzmq lets through.
static void test_nothing_but_well_formed_commands_makes_a_handshake(void **state)
{
    struct rig *rig = *state;
    const struct {
        struct zmtp_bytes octets;
        int error;
    } cases[] = {
        {LITERAL("\x00\x1A\x05READY"), ZMTP_ERR_COMMAND}, // a message
        {LITERAL("\x04\x06\x05HELLO"), ZMTP_ERR_COMMAND},
        {LITERAL("\x04\x07\x04PING\0\0"), ZMTP_ERR_COMMAND},
        {LITERAL("\x04\x00"), ZMTP_ERR_COMMAND},
        {LITERAL("\x04\x01\x00"), ZMTP_ERR_COMMAND},
        {LITERAL("\x04\x03\x05RE"), ZMTP_ERR_COMMAND},
        {LITERAL("\x05"), ZMTP_ERR_FRAME},
        {LITERAL("\x0C"), ZMTP_ERR_FRAME},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_and_greet(rig, ZMTP_PULL);
        (void)rig_feed(rig, cases[i].octets); // it closes
        rig_assert_closed(rig, cases[i].error);
        rig_close(rig);
    }
}

// ZMTP37-SEC-03
static void test_a_handshake_ends_at_its_deadline_however_busy_it_is(void **state)
{
    struct rig *rig = *state;
    rig->config.limits.handshake_ms = 300;
    rig_open(rig, ZMTP_PULL);
    const struct zmtp_bytes greeting = LITERAL(RIG_GREETING);
    for (size_t i = 0; i < 3; i++) {
        rig_hear(rig, zmtp_bytes_of(greeting.data + i, 1));
        assert_int_equal(zmtp_peer_deadline(rig->peer), 1300);
        rig->now_ms += 99;
        zmtp_peer_tick(rig->peer, rig->now_ms);
        rig_assert_state(rig, ZMTP_PEER_GREETING);
    }
    zmtp_peer_tick(rig->peer, 1299);
    rig_assert_state(rig, ZMTP_PEER_GREETING);
    zmtp_peer_tick(rig->peer, 1300);
    rig_assert_closed(rig, ZMTP_ERR_HANDSHAKE_TIMEOUT);
    assert_true(zmtp_peer_deadline(rig->peer) == UINT64_MAX);
    rig_close(rig);
    rig->config.limits.handshake_ms = 0;
    rig_open(rig, ZMTP_PULL);
    assert_true(zmtp_peer_deadline(rig->peer) == UINT64_MAX);
}

static void test_a_last_word_that_nobody_hears_is_dropped_at_the_deadline(void **state)
{
    struct rig *rig = *state;
    rig->config.limits.handshake_ms = 300;
    open_and_greet(rig, ZMTP_PULL);
    hear_ready(rig, LITERAL("\x0BSocket-Type\0\0\0\3SUB"));
    rig_assert_closed(rig, ZMTP_ERR_SOCKET_TYPE);
    rig_drain(rig, 5, 1); // the other side takes no more
    assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_WRITE);
    assert_int_equal(zmtp_peer_deadline(rig->peer), 1300);
    zmtp_peer_tick(rig->peer, 1299);
    assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_WRITE);
    zmtp_peer_tick(rig->peer, 1300);
    assert_int_equal(zmtp_peer_wants(rig->peer), 0);
    assert_true(zmtp_peer_deadline(rig->peer) == UINT64_MAX);
    rig_assert_closed(rig, ZMTP_ERR_SOCKET_TYPE); // still the reason
}

static void test_a_listener_s_peer_asks_for_a_pipe_when_it_knows_who_came(void **state)
{
    struct rig *rig = *state;
    open_and_greet(rig, ZMTP_ROUTER);
    // A message came with READY; it waits.
    rig_hear(rig, LITERAL(RIG_READY_DEALER "\x00\x02hi"));
    rig_assert_state(rig, ZMTP_PEER_READY);
    assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_ATTACH);
    assert_int_equal(zmtp_peer_space(rig->peer).size, 0);
    assert_int_equal(rig_attach(rig), ZMTP_OK);
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    rig_assert_message(rig, "hi");
    assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_READ);
    assert_int_equal(rig_attach(rig), ZMTP_ERR_STATE);
    rig_close(rig);
    // The same with a pipe that has had another connection.
    open_and_greet(rig, ZMTP_ROUTER);
    rig_hear(rig, LITERAL(RIG_READY_DEALER "\x00\x02hi"));
    assert_int_equal(zmtp_peer_attach(rig->peer, rig->near), ZMTP_OK);
    assert_true(rig_resume(rig));
    rig_assert_message(rig, "hi");
}

static void test_a_listener_s_peer_that_gets_no_pipe_times_out(void **state)
{
    struct rig *rig = *state;
    open_and_greet(rig, ZMTP_PULL);
    rig_hear(rig, LITERAL(RIG_READY_PUSH));
    rig->now_ms = zmtp_peer_deadline(rig->peer);
    zmtp_peer_tick(rig->peer, rig->now_ms);
    rig_assert_closed(rig, ZMTP_ERR_HANDSHAKE_TIMEOUT);
    assert_int_equal(rig_attach(rig), ZMTP_ERR_STATE);
}

static void test_the_socket_hears_of_a_link_when_the_handshake_is_done_and_when_it_ends(
    void **state)
{
    struct rig *rig = *state;
    rig_open(rig, ZMTP_ROUTER);
    assert_int_equal(rig_attach(rig), ZMTP_OK);
    assert_ptr_equal(zmtp_marks_take(&rig->far_marks), rig->far); // as a new owner
    rig_hear(rig, LITERAL(RIG_GREETING));
    assert_false(zmtp_pipe_link(rig->far)->up);
    assert_null(zmtp_marks_take(&rig->far_marks));
    hear_ready(rig, LITERAL("\x0BSocket-Type\0\0\0\6DEALER\x08Identity\0\0\0\2id"));
    assert_ptr_equal(zmtp_marks_take(&rig->far_marks), rig->far);
    const struct zmtp_link *link = zmtp_pipe_link(rig->far);
    assert_true(link->up);
    assert_int_equal(link->type, ZMTP_DEALER);
    octets_assert_equal(link->origin->routing_id, LITERAL("id"));
    zmtp_peer_fail(rig->peer, ZMTP_ERR_RESET);
    rig_assert_closed(rig, ZMTP_ERR_RESET);
    assert_ptr_equal(zmtp_marks_take(&rig->far_marks), rig->far);
    assert_false(link->up);
}

static void test_a_failed_handshake_says_nothing_to_the_socket(void **state)
{
    struct rig *rig = *state;
    rig_open(rig, ZMTP_PULL);
    assert_int_equal(rig_attach(rig), ZMTP_OK);
    (void)zmtp_marks_take(&rig->far_marks); // the mark of a new owner
    (void)rig_feed(rig, LITERAL("GET /"));
    rig_assert_closed(rig, ZMTP_ERR_GREETING);
    assert_null(zmtp_marks_take(&rig->far_marks));
}

// With a routing id that needs memory at each place where it is kept.
static void shake_hands(struct rig *rig)
{
    rig->config.type = ZMTP_ROUTER;
    const int result = zmtp_peer_open(&rig->peer, &rig->config, rig->now_ms);
    if (result < 0) {
        assert_int_equal(result, ZMTP_ERR_MEMORY);
        assert_null(rig->peer);
        return;
    }
    (void)rig_attach(rig);
    (void)rig_feed_by(rig, LITERAL(RIG_GREETING), 10);
    (void)rig_feed_by(rig,
                      LITERAL("\x04\x60\x05READY\x0BSocket-Type\0\0\0\6DEALER\x08Identity\0\0\0\x37"
                              "a routing id that is longer than the room inside a part"),
                      7);
    rig_drain(rig, SIZE_MAX, 16);
    rig->sent_size = 0;
}

// Shakes hands with each allocation of |budget| failing in turn; returns how many there are.
static uint64_t shake_hands_failing(struct rig *rig, struct zmtp_budget *budget)
{
    for (uint64_t nth = 1;; nth++) {
        budget->fail_at = budget->calls + nth;
        shake_hands(rig);
        const bool failed = budget->calls >= budget->fail_at;
        budget->fail_at = 0;
        if (!failed) rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
        if (failed && rig->peer) rig_assert_closed(rig, ZMTP_ERR_MEMORY);
        rig_close(rig);
        assert_true(rig->budget.blocks <= 2); // the pipe knows who spoke
        if (!failed) return nth - 1;
    }
}

static void test_a_handshake_survives_each_failing_allocation(void **state)
{
    struct rig *rig = *state;
    shake_hands(rig); // makes the pipe
    rig_close(rig);
    // The peer, its handshake, greeting, rest, READY, metadata, origin.
    assert_true(shake_hands_failing(rig, &rig->budget) >= 7);
    assert_int_equal(shake_hands_failing(rig, &rig->shared), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_whole_greeting_is_said_before_anything_is_heard),
        TEST(test_ready_tells_the_socket_type_and_for_three_types_an_identity),
        TEST(test_the_longest_identity_still_fits_into_ready),
        TEST(test_a_config_out_of_range_opens_nothing),
        TEST(test_a_greeting_in_stages_is_followed_stage_by_stage),
        TEST(test_nothing_more_is_said_before_the_last_octet_of_the_greeting),
        TEST(test_a_handshake_comes_out_the_same_wherever_it_is_split),
        TEST(test_what_is_no_greeting_is_refused_at_the_first_octet_that_tells),
        TEST(test_another_mechanism_is_refused_and_told_by_its_name),
        TEST(test_padding_filler_and_as_server_are_not_judged),
        TEST(test_later_versions_are_spoken_to_as_3_1_and_earlier_ones_as_they_say),
        TEST(test_metadata_may_hold_anything_under_names_in_any_case),
        TEST(test_whatever_resource_is_asked_for_is_accepted),
        TEST(test_a_peer_that_tells_no_type_is_taken_at_its_word),
        TEST(test_malformed_metadata_is_refused),
        TEST(test_whatever_ends_a_handshake_is_told_in_words),
        TEST(test_a_greeting_that_does_not_come_is_told_apart_from_half_of_one),
        TEST(test_types_that_do_not_match_get_an_error_and_are_closed),
        TEST(test_a_routing_id_has_at_most_255_octets_and_no_leading_zero),
        TEST(test_an_identity_of_another_type_is_ignored),
        TEST(test_an_error_closes_and_its_reason_is_made_printable),
        TEST(test_who_finds_no_place_is_told_why_if_it_speaks_3_1),
        TEST(test_nothing_but_well_formed_commands_makes_a_handshake),
        TEST(test_a_handshake_ends_at_its_deadline_however_busy_it_is),
        TEST(test_a_last_word_that_nobody_hears_is_dropped_at_the_deadline),
        TEST(test_a_listener_s_peer_asks_for_a_pipe_when_it_knows_who_came),
        TEST(test_a_listener_s_peer_that_gets_no_pipe_times_out),
        TEST(test_the_socket_hears_of_a_link_when_the_handshake_is_done_and_when_it_ends),
        TEST(test_a_failed_handshake_says_nothing_to_the_socket),
        TEST(test_a_handshake_survives_each_failing_allocation),
    };
    return cmocka_run_group_tests_name("peer handshake", tests, NULL, NULL);
}
