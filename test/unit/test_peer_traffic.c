// A connection after its handshake: messages between octets and the pipe, whole, in order, once.
#include "test/support/random.h"
#include "test/support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

static void connect_pair(struct rig *rig)
{
    rig_connect(rig, ZMTP_PAIR, LITERAL(RIG_READY_PAIR));
}

// ZMTP37-GRAM-07, FRAME-01, FRAME-04, MSG-01
static void test_a_message_is_delivered_once_its_last_part_has_come(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_hear(rig, LITERAL("\x01\x01"
                          "A\x01\0"));
    rig_assert_no_message(rig);
    while (zmtp_marks_take(&rig->far_marks)) {}
    rig_hear(rig, LITERAL("\0\x04last"));
    assert_ptr_equal(zmtp_marks_take(&rig->far_marks), rig->far); // the socket is told
    rig_assert_message(rig, "A||last");
    rig_assert_no_message(rig);
}

// ZMTP37-FRAME-04
static void test_a_small_part_may_come_in_the_long_form(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_hear(rig, LITERAL("\x03\0\0\0\0\0\0\0\x01"
                          "A\x02\0\0\0\0\0\0\0\0"));
    rig_assert_message(rig, "A|");
}

// ZMTP37-AUTH-06, GRAM-07, FRAME-04, WIRE-01
static void test_messages_are_sent_as_frames_of_the_shortest_form(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_send(rig, "A||bc");
    rig_send(rig, "");
    rig_assert_says(rig, LITERAL("\x01\x01"
                                 "A\x01\0\0\2bc\0\0"));
    uint8_t body[256], expected[9 + 256] = {2, 0, 0, 0, 0, 0, 0, 1, 0};
    memset(body, 'b', sizeof body);
    memset(expected + 9, 'b', sizeof body);
    rig_send_body(rig, zmtp_bytes_of(body, 256), 0);
    rig_assert_says(rig, zmtp_bytes_of(expected, sizeof expected));
    rig_send_body(rig, zmtp_bytes_of(body, 255), 0);
    expected[7] = 0;
    expected[8] = 255;
    rig_assert_says(rig, zmtp_bytes_of(expected + 7, 257)); // 00 FF and the body
    const struct zmtp_peer_counters counters = zmtp_peer_counters(rig->peer);
    assert_int_equal(counters.messages_out, 4);
}

// ZMTP37-GRAM-08, CMD-02, SOCK-05: cut at every place, and octet by octet.
static void test_traffic_comes_out_the_same_wherever_it_is_split(void **state)
{
    struct rig *rig = *state;
    const struct zmtp_bytes all = LITERAL("\0\1a"
                                          "\1\1b\4\5\4JUNK\0\1c"
                                          "\4\7\4PING\0\0"
                                          "\0\0"
                                          "\2\0\0\0\0\0\0\0\2de"
                                          "\0\1f");
    for (size_t cut = 0; cut <= all.size; cut++) {
        connect_pair(rig);
        if (cut == 0)
            assert_int_equal(rig_feed_by(rig, all, 1), all.size);
        else
            rig_hear(rig, zmtp_bytes_of(all.data, cut));
        rig_hear(rig, zmtp_bytes_of(all.data + cut, cut == 0 ? 0 : all.size - cut));
        rig_assert_message(rig, "a");
        rig_assert_message(rig, "b|c");
        rig_assert_message(rig, "");
        rig_assert_message(rig, "de");
        rig_assert_message(rig, "f");
        rig_assert_no_message(rig);
        rig_assert_says(rig, LITERAL("\4\5\4PONG"));
        assert_int_equal(zmtp_peer_counters(rig->peer).messages_in, 5);
        assert_int_equal(zmtp_peer_counters(rig->peer).unknown_commands, 1);
        rig_close(rig);
    }
}

// Fills |out| with frames of bodies around the sizes where the way they are kept changes, in messages
// of one to three parts; returns the octets written.
static size_t write_frames(uint8_t *out, size_t size, uint64_t seed)
{
    static const size_t bodies[] = {0,    1,     48,    49,    255,   256,   2039,  2048,  4096,
                                    8192, 16375, 16376, 16384, 32768, 65527, 65536, 131072};
    struct random random = random_of(seed);
    size_t filled = 0;
    for (size_t i = 0;; i++) {
        const size_t body = bodies[random_below(&random, sizeof bodies / sizeof bodies[0])];
        const struct zmtp_frame frame = {.size = body, .more = i % 5 == 1 || i % 5 == 2};
        if (filled + ZMTP_HEADER_MAX + body > size) {
            if (i % 5 == 2 || i % 5 == 3) // the message that has begun ends with an empty part
                filled += zmtp_frame_encode(&(struct zmtp_frame){0}, out + filled);
            return filled;
        }
        filled += zmtp_frame_encode(&frame, out + filled);
        for (size_t j = 0; j < body; j++)
            out[filled++] = (uint8_t)random_next(&random);
    }
}

// What waits at the socket's end, as frames again, appended to |out|.
static size_t take_frames(struct rig *rig, uint8_t *out, size_t filled, size_t size)
{
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    while (zmtp__queue_take(rig->far->in, &msg) == ZMTP_OK) {
        zmtp__pipe_consumed(rig->far);
        for (size_t i = 0; i < msg.count; i++) {
            const struct zmtp_bytes body = zmtp_msg_bytes(&msg, i);
            const struct zmtp_frame frame = {.size = body.size, .more = i + 1 < msg.count};
            assert_true(filled + ZMTP_HEADER_MAX + body.size <= size);
            filled += zmtp_frame_encode(&frame, out + filled);
            if (body.size > 0) memcpy(out + filled, body.data, body.size);
            filled += body.size;
        }
        zmtp_msg_fini(&msg);
    }
    return filled;
}

static void test_bodies_of_any_size_arrive_unchanged_in_pieces_of_any_size(void **state)
{
    struct rig *rig = *state;
    enum { SIZE = 600000 };
    uint8_t *const sent = malloc(SIZE + ZMTP_HEADER_MAX), *const got = malloc(SIZE * 2);
    assert_non_null(sent);
    assert_non_null(got);
    const size_t steps[] = {1, 9, 1000, 8191, 16384, 30000, SIZE};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const size_t size = write_frames(sent, steps[i] == 1 ? SIZE / 10 : SIZE, i);
        rig->count_max = 1 + i % 3;
        zmtp_pipe_close(rig->near);
        zmtp_pipe_close(rig->far);
        rig->near = rig->far = NULL;
        connect_pair(rig);
        size_t fed = 0, taken = 0;
        while (fed < size) {
            const size_t more = rig_feed_by(rig, zmtp_bytes_of(sent + fed, size - fed), steps[i]);
            taken = take_frames(rig, got, taken, SIZE * 2);
            assert_true(rig_resume(rig) || more > 0); // else it is stuck for ever
            fed += more;
        }
        size_t before;
        do {
            before = taken;
            taken = take_frames(rig, got, taken, SIZE * 2);
        } while (rig_resume(rig) || taken > before);
        rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
        octets_assert_equal(zmtp_bytes_of(got, taken), zmtp_bytes_of(sent, size));
        rig_close(rig);
    }
    free(sent);
    free(got);
}

// ZMTP37-GRAM-08; LZ-34
static void test_a_command_between_two_parts_leaves_the_message_whole(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_hear(rig, LITERAL("\1\1A\4\x08\4PING\0\0!\1\1B\4\6\5HELLO\0\1C"));
    rig_assert_message(rig, "A|B|C");
    rig_assert_says(rig, LITERAL("\4\6\4PONG!"));
}

// ZMTP37-SUB-02, SUB-03
static void test_a_publisher_s_peer_delivers_subscriptions_as_commands(void **state)
{
    struct rig *rig = *state;
    rig_connect(rig, ZMTP_PUB, LITERAL(RIG_READY_SUB));
    rig_hear(rig, LITERAL("\4\x0C\x09SUBSCRIBEab\4\7\6CANCEL"));
    assert_int_equal(zmtp__queue_first_flags(rig->far->in), ZMTP_FLAG_COMMAND);
    rig_assert_message(rig, "\tSUBSCRIBEab");
    assert_int_equal(zmtp__queue_first_flags(rig->far->in), ZMTP_FLAG_COMMAND);
    rig_assert_message(rig, "\6CANCEL");
    // LZ-26: as messages they come from 3.0 peers; what they mean is for the pattern to see.
    rig_hear(rig, LITERAL("\0\2\1t"));
    assert_int_equal(zmtp__queue_first_flags(rig->far->in), 0);
    rig_assert_message(rig, "\1t");
}

static void test_a_subscription_amid_a_message_is_refused_and_costs_nothing_before_it(void **state)
{
    struct rig *rig = *state;
    const struct zmtp_bytes all = LITERAL("\0\1A\1\1B\4\x0C\x09SUBSCRIBEab");
    for (size_t step = 1; step <= all.size; step += all.size - 1) {
        rig_connect(rig, ZMTP_XPUB, LITERAL(RIG_READY_SUB));
        assert_int_equal(rig_feed_by(rig, all, step), all.size);
        rig_assert_closed(rig, ZMTP_ERR_COMMAND);
        rig_assert_message(rig, "A");
        rig_assert_no_message(rig);
        rig_close(rig);
    }
}

// ZMTP37-CMD-02
static void test_a_subscription_that_no_publisher_hears_is_an_unknown_command(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_hear(rig, LITERAL("\4\x0C\x09SUBSCRIBEab\0\1A"));
    rig_assert_message(rig, "A");
    assert_int_equal(zmtp_peer_counters(rig->peer).unknown_commands, 1);
}

static void send_command(struct rig *rig, const char *name, struct zmtp_bytes data)
{
    uint8_t frame[ZMTP_HEADER_MAX + 10 + 300];
    const struct zmtp_command command = {zmtp_bytes_text(name), data};
    const int size = zmtp_command_encode(&command, frame, sizeof frame);
    assert_true(size > 0);
    const int header = frame[0] & ZMTP_FLAG_LONG ? ZMTP_HEADER_MAX : 2;
    rig_send_body(rig, zmtp_bytes_of(frame + header, (size_t)(size - header)), ZMTP_FLAG_COMMAND);
}

// ZMTP37-SUB-02, SUB-03
static void test_a_3_1_publisher_gets_subscriptions_as_commands(void **state)
{
    struct rig *rig = *state;
    rig_connect(rig, ZMTP_SUB, LITERAL(RIG_READY_PUB));
    send_command(rig, "SUBSCRIBE", LITERAL("ab"));
    send_command(rig, "CANCEL", LITERAL(""));
    rig_assert_says(rig, LITERAL("\4\x0C\x09SUBSCRIBEab\4\7\6CANCEL"));
}

// ZMTP23-SUB-02', SUB-03'; LZ-27: a topic of 255 octets makes a long frame.
static void test_a_3_0_publisher_gets_subscriptions_as_messages(void **state)
{
    struct rig *rig = *state;
    rig_open(rig, ZMTP_XSUB);
    assert_int_equal(rig_attach(rig), ZMTP_OK);
    rig_hear(rig, LITERAL(RIG_GREETING_30 RIG_READY_PUB));
    rig_assert_says(rig, LITERAL(RIG_GREETING "\4\x1A\5READY\x0BSocket-Type\0\0\0\4XSUB"));
    send_command(rig, "SUBSCRIBE", LITERAL("ab"));
    rig_send(rig, "x|y"); // an XSUB's own message
    send_command(rig, "CANCEL", LITERAL("ab"));
    send_command(rig, "SUBSCRIBE", LITERAL(""));
    rig_send(rig, "z");
    rig_assert_says(rig, LITERAL("\0\3\1ab\1\1x\0\1y\0\3\0ab\0\1\1\0\1z"));
    uint8_t topic[255], expected[9 + 256] = {2, 0, 0, 0, 0, 0, 0, 1, 0, 1};
    memset(topic, 't', sizeof topic);
    memset(expected + 10, 't', sizeof topic);
    send_command(rig, "SUBSCRIBE", zmtp_bytes_of(topic, sizeof topic));
    rig_assert_says(rig, zmtp_bytes_of(expected, sizeof expected));
    assert_int_equal(zmtp_pipe_depth(rig->near).in_count, 0);
    assert_int_equal(zmtp_peer_counters(rig->peer).messages_out, 6);
}

static void test_a_3_0_publisher_is_told_in_order_however_slowly_it_reads(void **state)
{
    struct rig *rig = *state;
    const struct zmtp_bytes expected = LITERAL("\0\3\1ab\1\1x\0\1y\0\3\0ab\0\1z");
    for (size_t step = 1; step <= 8; step++) {
        rig_open(rig, ZMTP_XSUB);
        assert_int_equal(rig_attach(rig), ZMTP_OK);
        rig_hear(rig, LITERAL(RIG_GREETING_30 RIG_READY_PUB));
        rig_drain(rig, SIZE_MAX, 16);
        rig->sent_size = 0;
        send_command(rig, "SUBSCRIBE", LITERAL("ab"));
        rig_send(rig, "x|y");
        send_command(rig, "CANCEL", LITERAL("ab"));
        rig_send(rig, "z");
        while (zmtp_peer_wants(rig->peer) & ZMTP_WANT_WRITE)
            rig_drain(rig, step, 1 + step % 3);
        rig_assert_says(rig, expected);
        rig_close(rig);
    }
}

// The pipe holds as many messages as it should, the peer reads no further, and goes on when told.
static void test_a_full_pipe_stops_the_reading_and_room_starts_it_again(void **state)
{
    struct rig *rig = *state;
    static const char *const bodies[] = {"0", "1", "2", "3", "4", "5", "6"};
    for (size_t max = 1; max <= 3; max++) {
        rig->count_max = max;
        connect_pair(rig);
        (void)rig_resume(rig); // a second connection marks the pipe's end anew
        rig_hear(rig, LITERAL("\0\1"
                              "0\0\1"
                              "1\0\1"
                              "2\0\1"
                              "3\0\1"
                              "4\0\1"
                              "5\0\1"
                              "6"));
        for (size_t next = 0; next < 7; next++) {
            const size_t left = 7 - next;
            const struct zmtp_pipe_depth depth = zmtp_pipe_depth(rig->far);
            assert_true(depth.in_count > 0 && depth.in_count <= max);
            if (left > max) {
                assert_int_equal(zmtp_peer_wants(rig->peer), 0);
                assert_int_equal(zmtp_peer_space(rig->peer).size, 0);
            }
            rig_assert_message(rig, bodies[next]);
            (void)rig_resume(rig); // when half is read
        }
        assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_READ);
        rig_close(rig);
        zmtp_pipe_close(rig->near);
        zmtp_pipe_close(rig->far);
        rig->near = rig->far = NULL;
    }
}

static void test_a_pipe_full_of_octets_stops_the_reading_too(void **state)
{
    struct rig *rig = *state;
    struct zmtp_pipe_end *ends[2];
    const struct zmtp_pipe_config config = {.allocator = &rig->shared.allocator,
                                            .bytes_max = {10, 10}};
    assert_int_equal(zmtp_pipe_open(&config, ends), ZMTP_OK);
    rig->near = ends[0];
    rig->far = ends[1];
    zmtp_pipe_own(rig->near, &rig->near_marks, rig);
    zmtp_pipe_own(rig->far, &rig->far_marks, rig);
    connect_pair(rig);
    rig_hear(rig, LITERAL("\0\3abc\0\3def\0\1g\0\1h")); // 5, then 10: full
    assert_int_equal(zmtp_pipe_depth(rig->far).in_bytes, 10);
    assert_int_equal(zmtp_peer_wants(rig->peer), 0);
    rig_assert_message(rig, "abc");
    assert_true(rig_resume(rig));
    assert_int_equal(zmtp_pipe_depth(rig->far).in_count, 3);
    assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_READ);
}

static void test_a_message_that_has_begun_may_end_in_a_full_pipe(void **state)
{
    struct rig *rig = *state;
    rig->count_max = 1;
    connect_pair(rig);
    rig_hear(rig, LITERAL("\1\1A"));
    rig_assert_no_message(rig);
    rig_hear(rig, LITERAL("\0\1B"));
    rig_hear(rig, LITERAL("\1\1C\0\1D")); // it waits, the pipe holds one
    assert_int_equal(zmtp_pipe_depth(rig->far).in_count, 1);
    rig_assert_message(rig, "A|B");
    assert_true(rig_resume(rig));
    rig_assert_message(rig, "C|D");
}

static void test_nothing_that_came_is_lost_when_the_connection_ends_at_a_full_pipe(void **state)
{
    struct rig *rig = *state;
    const int reasons[] = {ZMTP_ERR_EOF, ZMTP_ERR_RESET};
    for (size_t i = 0; i < 2; i++) {
        rig->count_max = 2;
        connect_pair(rig);
        rig_hear(rig, LITERAL("\0\1A\0\1B\0\1C\0\1D\0\1E\1\1F"));
        zmtp_peer_fail(rig->peer, reasons[i]);
        rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
        assert_int_equal(zmtp_peer_wants(rig->peer), 0);
        assert_true(zmtp_peer_deadline(rig->peer) == UINT64_MAX);
        assert_false(zmtp_pipe_link(rig->far)->up);    // nothing can be sent any more
        zmtp_peer_fail(rig->peer, ZMTP_ERR_CANCELLED); // the first reason is the true one
        for (const char *body = "A\0B\0C\0D\0E\0"; *body; body += 2) {
            rig_assert_message(rig, body);
            (void)rig_resume(rig); // there is not always a mark
        }
        rig_assert_closed(rig, reasons[i]);
        rig_assert_no_message(rig); // a message without its end is nobody's
        rig_close(rig);
    }
}

// ZMTP37-MSG-01, SOCK-03
static void test_a_message_without_its_end_is_nobody_s(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_hear(rig, LITERAL("\0\1A\1\1B"));
    zmtp_peer_fail(rig->peer, ZMTP_ERR_RESET);
    rig_assert_closed(rig, ZMTP_ERR_RESET);
    rig_close(rig);
    // The next connection's messages begin afresh.
    connect_pair(rig);
    rig_hear(rig, LITERAL("\0\1C"));
    rig_assert_message(rig, "A");
    rig_assert_message(rig, "C");
    rig_assert_no_message(rig);
}

// ZMTP37-ERR-02
static void test_bad_octets_close_and_what_came_before_is_delivered(void **state)
{
    struct rig *rig = *state;
    const struct {
        struct zmtp_bytes octets;
        int error;
    } cases[] = {
        {LITERAL("\0\1A\x08\0"), ZMTP_ERR_FRAME},
        {LITERAL("\0\1A\5\0"), ZMTP_ERR_FRAME},
        {LITERAL("\0\1A\x80\0"), ZMTP_ERR_FRAME},
        {LITERAL("\0\1A\4\0"), ZMTP_ERR_COMMAND},
        {LITERAL("\0\1A\4\3\4PI"), ZMTP_ERR_COMMAND},
        {LITERAL("\0\1A\4\2\1\x7F"), ZMTP_ERR_COMMAND},
        {LITERAL("\0\1A\4\4\4PING"), ZMTP_ERR_COMMAND},
        {LITERAL("\0\1A\4\7\5ERROR\1"), ZMTP_ERR_COMMAND},
        {LITERAL("\0\1A\4\x0A\5ERROR\3no!"), ZMTP_ERR_TURNED_AWAY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        connect_pair(rig);
        (void)rig_feed(rig, cases[i].octets); // it closes
        rig_assert_message(rig, "A");
        rig_assert_closed(rig, cases[i].error);
        assert_false(zmtp_pipe_link(rig->far)->up);
        assert_int_equal(zmtp_peer_wants(rig->peer), 0);
        if (cases[i].error == ZMTP_ERR_TURNED_AWAY)
            octets_assert_equal(zmtp_peer_reason(rig->peer), LITERAL("no!"));
        rig_close(rig);
    }
}

// Whoever waited for it to be said might wait for ever.
static void test_a_connection_that_closes_says_nothing_more(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_hear(rig, LITERAL("\4\7\4PING\0\0"));
    rig_drain(rig, 3, 1); // half a PONG
    rig_hear(rig, LITERAL("\x80"));
    rig_assert_closed(rig, ZMTP_ERR_FRAME);
    assert_int_equal(zmtp_peer_wants(rig->peer), 0);
    assert_true(zmtp_peer_deadline(rig->peer) == UINT64_MAX);
}

static void test_our_own_octets_go_between_messages(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_send(rig, "abc|def");
    rig_send(rig, "g");
    rig_drain(rig, 4, 16); // amid the first part
    rig_hear(rig, LITERAL("\4\7\4PING\0\0"));
    rig_assert_says(rig, LITERAL("\1\3abc\0\3def\4\5\4PONG\0\1g"));
}

// A message that has begun may be in more places than there are views for: then nothing else is shown behind it.
static void test_our_own_octets_wait_also_for_what_finds_no_view(void **state)
{
    struct rig *rig = *state;
    enum { BODY = 5000, LEFT = 2 * (9 + BODY) - 4, VIEWS = 16 };
    static const uint8_t body[BODY];
    struct zmtp_bytes views[VIEWS];
    connect_pair(rig);
    struct zmtp__queue *const out = rig->far->out;
    zmtp__queue_begin(out);
    assert_int_equal(zmtp__queue_put(out, zmtp_bytes_of(body, BODY), NULL, ZMTP_FLAG_MORE),
                     ZMTP_OK);
    assert_int_equal(zmtp__queue_put(out, zmtp_bytes_of(body, BODY), NULL, 0), ZMTP_OK);
    zmtp__queue_end(out, 1);
    zmtp__pipe_published(rig->far);
    rig_send(rig, "g");
    rig_drain(rig, 4, 1);
    rig_hear(rig, LITERAL("\4\7\4PING\0\0"));
    size_t most = 0; // views of the message
    for (size_t max = 1; max < VIEWS; max++) {
        size_t shown = 0;
        views[max] = LITERAL("nothing");
        const size_t count = zmtp_peer_peek(rig->peer, views, max);
        assert_true(count <= max);
        assert_string_equal(views[max].data, "nothing");
        for (size_t i = 0; i < count; i++)
            shown += views[i].size;
        if (shown < LEFT) assert_int_equal(count, max);
        if (shown <= LEFT) most = count;
        if (shown <= LEFT) continue;
        assert_int_equal(count, most + 1);
        assert_int_equal(shown, LEFT + 7);
        assert_memory_equal(views[most].data, "\4\5\4PONG", 7);
    }
    assert_true(most > 1 && most < VIEWS - 1);
    rig_drain(rig, LEFT, 1);
    rig->sent_size = 0;
    rig_assert_says(rig, LITERAL("\4\5\4PONG\0\1g"));
}

static void test_octets_leave_in_pieces_of_any_size_and_views_of_any_number(void **state)
{
    struct rig *rig = *state;
    uint8_t body[5000];
    memset(body, 'b', sizeof body);
    for (size_t step = 1; step < 12; step++) {
        connect_pair(rig);
        rig_send(rig, "A|B");
        rig_hear(rig, LITERAL("\4\7\4PING\0\0"));
        rig_send_body(rig, zmtp_bytes_of(body, sizeof body), 0);
        rig_send(rig, "C");
        while (zmtp_peer_wants(rig->peer) & ZMTP_WANT_WRITE)
            rig_drain(rig, step, 1 + step % 3);
        assert_int_equal(rig->sent_size, 7 + 6 + 9 + sizeof body + 3);
        // The PONG goes to the first boundary that the octets which had left permit.
        assert_memory_equal(rig->sent, "\4\5\4PONG\1\1A\0\1B\2", 14);
        assert_memory_equal(rig->sent + rig->sent_size - 4, "b\0\1C", 4);
        assert_int_equal(zmtp_peer_counters(rig->peer).messages_out, 3);
        rig->sent_size = 0;
        rig_close(rig);
    }
}

// ZMTP37-SOCK-03, SOCK-04, MSG-01: at each place where the connection may break, every message that
// had not wholly left is sent again, whole, and no other.
static void test_a_message_half_sent_goes_whole_to_the_next_connection(void **state)
{
    struct rig *rig = *state;
    const struct zmtp_bytes all = LITERAL("\0\1A\1\2bc\0\3def\0\0");
    const size_t boundaries[] = {0, 3, 12, 14};
    for (size_t cut = 0; cut <= all.size; cut++) {
        connect_pair(rig);
        rig_send(rig, "A");
        rig_send(rig, "bc|def");
        rig_send(rig, "");
        rig_drain(rig, cut, 16);
        octets_assert_equal(zmtp_bytes_of(rig->sent, rig->sent_size), zmtp_bytes_of(all.data, cut));
        zmtp_peer_fail(rig->peer, ZMTP_ERR_RESET);
        assert_int_equal(zmtp_peer_wants(rig->peer), 0);
        rig_close(rig);
        connect_pair(rig);
        size_t boundary = 0;
        for (size_t i = 0; i < 4; i++)
            if (boundaries[i] <= cut) boundary = boundaries[i];
        rig_assert_says(rig, zmtp_bytes_of(all.data + boundary, all.size - boundary));
        assert_int_equal(zmtp_pipe_depth(rig->near).in_count, 0);
        rig_close(rig);
    }
}

static void test_subscriptions_that_wait_are_not_told_to_the_next_connection(void **state)
{
    struct rig *rig = *state;
    rig_connect(rig, ZMTP_XSUB, LITERAL(RIG_READY_PUB));
    send_command(rig, "SUBSCRIBE", LITERAL("ab"));
    rig_send(rig, "x");
    send_command(rig, "CANCEL", LITERAL("ab"));
    zmtp_peer_fail(rig->peer, ZMTP_ERR_RESET);
    rig_close(rig);
    rig_connect(rig, ZMTP_XSUB, LITERAL(RIG_READY_PUB));
    send_command(rig, "SUBSCRIBE", LITERAL("new"));
    rig_assert_says(rig, LITERAL("\0\1x\4\x0D\x09SUBSCRIBEnew"));
}

static void test_a_socket_that_closes_is_outlived_by_what_it_sent(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_send(rig, "A");
    rig_send(rig, "B");
    zmtp_pipe_close(rig->far);
    rig->far = NULL;
    assert_true(rig_resume(rig));
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    rig_drain(rig, 4, 16);
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    rig_hear(rig, LITERAL("\0\1X\0\1Y")); // nobody reads it
    rig_drain(rig, 2, 16);
    rig_assert_closed(rig, ZMTP_ERR_CANCELLED);
    rig_assert_says(rig, LITERAL("\0\1A\0\1B"));
}

static void test_a_socket_that_closes_during_the_handshake_is_outlived_too(void **state)
{
    struct rig *rig = *state;
    rig_open(rig, ZMTP_PAIR);
    assert_int_equal(rig_attach(rig), ZMTP_OK);
    rig_send(rig, "A");
    zmtp_pipe_close(rig->far);
    rig->far = NULL;
    assert_true(rig_resume(rig));
    rig_assert_says(rig, LITERAL(RIG_GREETING));
    rig_hear(rig, LITERAL(RIG_GREETING RIG_READY_PAIR));
    rig_assert_says(rig, LITERAL(RIG_READY_PAIR "\0\1A"));
    rig_assert_closed(rig, ZMTP_ERR_CANCELLED);
}

static void test_with_nothing_to_send_the_peer_goes_with_its_socket(void **state)
{
    struct rig *rig = *state;
    for (int early = 0; early < 2; early++) {
        if (early) {
            rig_open(rig, ZMTP_PAIR);
            assert_int_equal(rig_attach(rig), ZMTP_OK);
        } else {
            connect_pair(rig);
        }
        zmtp_pipe_close(rig->far);
        rig->far = NULL;
        assert_true(rig_resume(rig));
        rig_assert_closed(rig, ZMTP_ERR_CANCELLED);
        rig_close(rig);
        zmtp_pipe_close(rig->near);
        rig->near = NULL;
    }
}

// Its pipe is full, the socket closes, and what came goes nowhere: the peer must read on, or it would
// never see the other side's end.
static void test_with_its_socket_closed_a_peer_never_waits_for_room(void **state)
{
    struct rig *rig = *state;
    rig->count_max = 1;
    connect_pair(rig);
    rig_send(rig, "out");
    rig_hear(rig, LITERAL("\0\1A\0\1B\0\1C\1\1D"));
    assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_WRITE);
    zmtp_pipe_close(rig->far);
    rig->far = NULL;
    assert_true(rig_resume(rig));
    assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_WRITE | ZMTP_WANT_READ);
    rig_hear(rig, LITERAL("\0\1E\0\1F\0\1G\0\1H"));
    assert_int_equal(zmtp_peer_wants(rig->peer), ZMTP_WANT_WRITE | ZMTP_WANT_READ);
    zmtp_peer_fail(rig->peer, ZMTP_ERR_EOF);
    rig_assert_closed(rig, ZMTP_ERR_EOF);
    assert_int_equal(zmtp_pipe_depth(rig->near).in_count, 1); // for the next connection
}

static void test_a_socket_that_closes_frees_a_peer_that_waits_for_room_to_end(void **state)
{
    struct rig *rig = *state;
    rig->count_max = 1;
    connect_pair(rig);
    rig_send(rig, "out");
    rig_hear(rig, LITERAL("\0\1A\0\1B\0\1C"));
    zmtp_peer_fail(rig->peer, ZMTP_ERR_EOF);
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    zmtp_pipe_close(rig->far);
    rig->far = NULL;
    assert_true(rig_resume(rig));
    rig_assert_closed(rig, ZMTP_ERR_EOF);
}

static void test_calls_out_of_place_change_nothing(void **state)
{
    struct rig *rig = *state;
    rig_open(rig, ZMTP_PAIR);
    zmtp_peer_commit(rig->peer, 5, rig->now_ms);  // no room was lent
    zmtp_peer_consume(rig->peer, 5, rig->now_ms); // nothing was shown
    zmtp_peer_resume(rig->peer, rig->now_ms);
    zmtp_peer_tick(rig->peer, rig->now_ms);
    assert_int_equal(zmtp_peer_attach(rig->peer, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_peer_counters(rig->peer).bytes_in, 0);
    assert_int_equal(zmtp_peer_counters(rig->peer).bytes_out, 0);
    rig_assert_says(rig, LITERAL(RIG_GREETING));
    rig_close(rig);

    connect_pair(rig);
    rig_send(rig, "A");
    zmtp_peer_consume(rig->peer, 3, rig->now_ms); // not shown yet
    assert_int_equal(zmtp_pipe_depth(rig->near).in_count, 1);
    struct zmtp_bytes view;
    assert_int_equal(zmtp_peer_peek(rig->peer, &view, 1), 1);
    zmtp_peer_consume(rig->peer, 4, rig->now_ms); // more than was shown
    assert_int_equal(zmtp_pipe_depth(rig->near).in_count, 1);
    rig_assert_says(rig, LITERAL("\0\1A"));
    const struct zmtp_room room = zmtp_peer_space(rig->peer);
    zmtp_peer_commit(rig->peer, 0, rig->now_ms); // given back
    zmtp_peer_commit(rig->peer, room.size, rig->now_ms);
    (void)zmtp_peer_space(rig->peer);
    zmtp_peer_commit(rig->peer, room.size + 1, rig->now_ms); // more than was lent
    assert_int_equal(zmtp_peer_counters(rig->peer).bytes_in,
                     sizeof RIG_GREETING + sizeof RIG_READY_PAIR - 2);
    zmtp_peer_fail(rig->peer, ZMTP_OK); // no reason at all
    rig_assert_closed(rig, ZMTP_ERR_RESET);
    zmtp_peer_fail(rig->peer, ZMTP_ERR_EOF);
    zmtp_peer_commit(rig->peer, 1, rig->now_ms);
    zmtp_peer_consume(rig->peer, 1, rig->now_ms);
    zmtp_peer_resume(rig->peer, rig->now_ms);
    zmtp_peer_tick(rig->peer, UINT64_MAX);
    assert_int_equal(zmtp_peer_peek(rig->peer, &view, 1), 0);
    rig_assert_closed(rig, ZMTP_ERR_RESET);
    zmtp_peer_close(NULL);
}

// Feeds a conversation with parts, commands and large bodies, and answers it; returns how many whole
// messages came out.
static size_t converse(struct rig *rig, const uint8_t *frames, size_t size)
{
    connect_pair(rig);
    size_t fed = 0, count = 0;
    for (size_t more = 1; more > 0; fed += more) {
        more = rig_feed_by(rig, zmtp_bytes_of(frames + fed, size - fed), 30000);
        while (zmtp__pipe_readable(rig->far)) {
            zmtp__queue_drop(rig->far->in);
            zmtp__pipe_consumed(rig->far);
            count++;
        }
        if (rig_resume(rig)) more += more == 0;
        rig_drain(rig, SIZE_MAX, 16);
        if (fed + more > size) more = size - fed;
    }
    rig->sent_size = 0;
    return count;
}

static void test_traffic_survives_each_failing_allocation(void **state)
{
    struct rig *rig = *state;
    enum { SIZE = 400000 };
    uint8_t *const frames = malloc(SIZE + ZMTP_HEADER_MAX + 9);
    assert_non_null(frames);
    memcpy(frames, "\4\7\4PING\0\0", 9);
    const size_t size = 9 + write_frames(frames + 9, SIZE, 7);
    const size_t all = converse(rig, frames, size);
    assert_true(all > 3);
    rig_close(rig);
    struct zmtp_budget *const budgets[] = {&rig->budget, &rig->shared};
    for (size_t i = 0; i < 2; i++) {
        bool failed = true;
        for (uint64_t nth = 1; failed; nth++) {
            // The handshake, which has a test of its own, makes the same calls each time.
            const uint64_t before = budgets[i]->calls;
            connect_pair(rig);
            rig_close(rig);
            const uint64_t handshake = budgets[i]->calls - before;
            budgets[i]->fail_at = budgets[i]->calls + handshake + nth;
            const size_t count = converse(rig, frames, size);
            failed = budgets[i]->calls >= budgets[i]->fail_at;
            budgets[i]->fail_at = 0;
            assert_true(count <= all);
            if (zmtp_peer_state(rig->peer) == ZMTP_PEER_CLOSED)
                rig_assert_closed(rig, ZMTP_ERR_MEMORY);
            else
                assert_int_equal(count, all); // a PONG can wait, nothing else can
            rig_close(rig); // what was not received holds who spoke, until the tear-down
        }
    }
    free(frames);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_message_is_delivered_once_its_last_part_has_come),
        TEST(test_a_small_part_may_come_in_the_long_form),
        TEST(test_messages_are_sent_as_frames_of_the_shortest_form),
        TEST(test_traffic_comes_out_the_same_wherever_it_is_split),
        TEST(test_bodies_of_any_size_arrive_unchanged_in_pieces_of_any_size),
        TEST(test_a_command_between_two_parts_leaves_the_message_whole),
        TEST(test_a_publisher_s_peer_delivers_subscriptions_as_commands),
        TEST(test_a_subscription_amid_a_message_is_refused_and_costs_nothing_before_it),
        TEST(test_a_subscription_that_no_publisher_hears_is_an_unknown_command),
        TEST(test_a_3_1_publisher_gets_subscriptions_as_commands),
        TEST(test_a_3_0_publisher_gets_subscriptions_as_messages),
        TEST(test_a_3_0_publisher_is_told_in_order_however_slowly_it_reads),
        TEST(test_a_full_pipe_stops_the_reading_and_room_starts_it_again),
        TEST(test_a_pipe_full_of_octets_stops_the_reading_too),
        TEST(test_a_message_that_has_begun_may_end_in_a_full_pipe),
        TEST(test_nothing_that_came_is_lost_when_the_connection_ends_at_a_full_pipe),
        TEST(test_a_message_without_its_end_is_nobody_s),
        TEST(test_bad_octets_close_and_what_came_before_is_delivered),
        TEST(test_a_connection_that_closes_says_nothing_more),
        TEST(test_our_own_octets_go_between_messages),
        TEST(test_our_own_octets_wait_also_for_what_finds_no_view),
        TEST(test_octets_leave_in_pieces_of_any_size_and_views_of_any_number),
        TEST(test_a_message_half_sent_goes_whole_to_the_next_connection),
        TEST(test_subscriptions_that_wait_are_not_told_to_the_next_connection),
        TEST(test_a_socket_that_closes_is_outlived_by_what_it_sent),
        TEST(test_a_socket_that_closes_during_the_handshake_is_outlived_too),
        TEST(test_with_nothing_to_send_the_peer_goes_with_its_socket),
        TEST(test_with_its_socket_closed_a_peer_never_waits_for_room),
        TEST(test_a_socket_that_closes_frees_a_peer_that_waits_for_room_to_end),
        TEST(test_calls_out_of_place_change_nothing),
        TEST(test_traffic_survives_each_failing_allocation),
    };
    return cmocka_run_group_tests_name("peer traffic", tests, NULL, NULL);
}
