// What a hostile peer can make us hold or do: sizes, counts, floods, and the memory behind them.
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

// A frame header of |size| octets' body in the long form.
static void hear_long_header(struct rig *rig, uint8_t flags, uint64_t size)
{
    uint8_t header[9] = {flags | ZMTP_FLAG_LONG};
    for (size_t i = 0; i < 8; i++)
        header[1 + i] = (uint8_t)(size >> (56 - 8 * i));
    rig_hear(rig, zmtp_bytes_of(header, sizeof header));
}

// Feeds |size| octets of body, |step| at a time, as far as the peer takes them.
static size_t hear_body(struct rig *rig, size_t size, size_t step)
{
    static const uint8_t zeros[32768];
    size_t fed = 0;
    while (fed < size) {
        const size_t left = size - fed;
        const size_t piece = left < sizeof zeros ? left : sizeof zeros;
        const size_t took = rig_feed_by(rig, zmtp_bytes_of(zeros, piece), step);
        fed += took;
        if (took < piece) break;
    }
    return fed;
}

// ZMTP37-GRAM-07, SEC-03
static void test_the_largest_sizes_are_refused_by_their_header_alone(void **state)
{
    struct rig *rig = *state;
    const struct {
        uint8_t flags;
        uint64_t size;
        int error;
        const char *words;
    } cases[] = {
        {0, INT64_MAX, ZMTP_ERR_LIMIT, "longer than"},
        {0, (uint64_t)INT64_MAX + 1, ZMTP_ERR_FRAME, ""},
        {0, UINT64_MAX, ZMTP_ERR_FRAME, ""},
        {ZMTP_FLAG_MORE, INT64_MAX, ZMTP_ERR_LIMIT, "longer than"},
        {ZMTP_FLAG_COMMAND, INT64_MAX, ZMTP_ERR_LIMIT, "longer than"},
        {0, ZMTP_DEFAULT_MESSAGE_MAX + 1, ZMTP_ERR_LIMIT, "limits.message_max"},
        {ZMTP_FLAG_COMMAND, ZMTP_DEFAULT_COMMAND_MAX + 1, ZMTP_ERR_LIMIT, "limits.command_max"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        connect_pair(rig);
        rig->budget.bytes_peak = rig->budget.bytes;
        hear_long_header(rig, cases[i].flags, cases[i].size);
        rig_assert_closed(rig, cases[i].error);
        rig_assert_reason(rig, cases[i].words);
        assert_true(rig->budget.bytes_peak <= rig->budget.bytes + 64);
        rig_close(rig);
    }
}

static void test_without_limits_sizes_still_fit_into_memory(void **state)
{
    struct rig *rig = *state;
    rig->config.limits.message_max = 0;
    rig->config.limits.command_max = 0;
    for (uint8_t flags = 0; flags <= ZMTP_FLAG_COMMAND; flags += ZMTP_FLAG_COMMAND) {
        connect_pair(rig);
        hear_long_header(rig, flags, INT64_MAX);
        rig_assert_closed(rig, ZMTP_ERR_LIMIT);
        rig_close(rig);
        connect_pair(rig);
        hear_long_header(rig, flags, INT64_MAX / 4);
        rig_assert_state(rig, ZMTP_PEER_TRAFFIC); // it may come, if the other side has that many
        rig_close(rig);
    }
}

static void test_a_message_is_limited_over_all_its_parts(void **state)
{
    struct rig *rig = *state;
    rig->config.limits.message_max = 10;
    connect_pair(rig);
    rig_hear(rig, LITERAL("\1\6abcdef\0\4ghij")); // ten
    rig_hear(rig, LITERAL("\0\x0Aklmnopqrst"));   // ten again: a message of its own
    rig_assert_message(rig, "abcdef|ghij");
    rig_assert_message(rig, "klmnopqrst");
    rig_hear(rig, LITERAL("\1\6abcdef\1\4ghij\1\0"));
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    rig_hear(rig, LITERAL("\0\1")); // the eleventh is only promised
    rig_assert_closed(rig, ZMTP_ERR_LIMIT);
    rig_assert_reason(rig, "limits.message_max");
    rig_assert_no_message(rig);
}

static void test_a_part_has_a_limit_of_its_own(void **state)
{
    struct rig *rig = *state;
    rig->config.limits.part_max = 6;
    rig->config.limits.message_max = 0;
    connect_pair(rig);
    rig_hear(rig, LITERAL("\1\6abcdef\1\6ghijkl\0\4mnop\0\6qrstuv"));
    rig_assert_message(rig, "abcdef|ghijkl|mnop");
    rig_assert_message(rig, "qrstuv");
    rig_hear(rig, LITERAL("\0\7")); // only promised
    rig_assert_closed(rig, ZMTP_ERR_LIMIT);
    rig_assert_reason(rig, "limits.part_max");
    rig_assert_no_message(rig);
}

// Several whole messages of one part in one read, of which the last is one octet too long.
static void test_messages_of_one_part_that_come_whole_are_limited_as_well(void **state)
{
    struct rig *rig = *state;
    enum { MAX = 300, FRAME = ZMTP_HEADER_MAX + MAX };
    uint8_t octets[3 * FRAME + 1] = {0};
    for (int i = 0; i < 3; i++)
        (void)zmtp_frame_encode(&(struct zmtp_frame){.size = MAX + (i == 2)}, octets + i * FRAME);
    for (int part = 0; part < 2; part++) {
        rig->config.limits.message_max = part ? 0 : MAX;
        rig->config.limits.part_max = part ? MAX : 0;
        connect_pair(rig);
        rig_hear(rig, zmtp_bytes_of(octets, sizeof octets));
        rig_assert_closed(rig, ZMTP_ERR_LIMIT);
        rig_assert_reason(rig, part ? "limits.part_max" : "limits.message_max");
        assert_int_equal(zmtp_pipe_depth(rig->far).in_count, 2);
        rig_close(rig);
        zmtp_pipe_close(rig->near);
        zmtp_pipe_close(rig->far);
        rig->near = rig->far = NULL;
    }
}

static void test_a_message_has_so_many_parts_and_no_more(void **state)
{
    struct rig *rig = *state;
    rig->config.limits.parts_max = 3;
    connect_pair(rig);
    rig_hear(rig, LITERAL("\1\1a\1\1b\0\1c\0\1d"));
    rig_assert_message(rig, "a|b|c");
    rig_assert_message(rig, "d");
    rig_hear(rig, LITERAL("\1\0\1\0\1\0"));
    rig_assert_state(rig, ZMTP_PEER_TRAFFIC);
    rig_hear(rig, LITERAL("\0\0"));
    rig_assert_closed(rig, ZMTP_ERR_LIMIT);
    rig_assert_reason(rig, "limits.parts_max");
}

static void test_a_command_has_a_limit_of_its_own(void **state)
{
    struct rig *rig = *state;
    rig->config.limits.command_max = 12;
    rig->config.limits.message_max = 8;
    rig_connect(rig, ZMTP_PUB, LITERAL(RIG_READY_SUB));
    rig_hear(rig, LITERAL("\4\x0C\x09SUBSCRIBEab"));
    rig_assert_message(rig, "\tSUBSCRIBEab");
    rig_hear(rig, LITERAL("\4\x0D"));
    rig_assert_closed(rig, ZMTP_ERR_LIMIT);
}

// A command above RX_BIG grows in a block of its own, like a message.
static void test_a_large_command_is_delivered_too(void **state)
{
    struct rig *rig = *state;
    enum { SIZE = 60000 };
    for (size_t step = 1000; step <= 64000; step += 63000) {
        rig_connect(rig, ZMTP_PUB, LITERAL(RIG_READY_SUB));
        hear_long_header(rig, ZMTP_FLAG_COMMAND, 10 + SIZE);
        rig_hear(rig, LITERAL("\x09SUBSCRIBE"));
        assert_int_equal(hear_body(rig, SIZE, step), SIZE);
        assert_int_equal(zmtp_pipe_depth(rig->far).in_count, 1);
        assert_int_equal(zmtp__queue_first_body(rig->far->in).size, 10 + SIZE);
        zmtp__queue_drop(rig->far->in);
        rig_close(rig);
    }
}

// ZMTP37-SEC-03; LZ-35
static void test_handshake_frames_have_a_limit_from_the_first(void **state)
{
    struct rig *rig = *state;
    for (uint64_t size = 4096; size <= 4097; size++) {
        rig_open(rig, ZMTP_PULL);
        rig_hear(rig, LITERAL(RIG_GREETING));
        hear_long_header(rig, ZMTP_FLAG_COMMAND, size);
        if (size == 4096)
            rig_assert_state(rig, ZMTP_PEER_HANDSHAKE);
        else
            rig_assert_closed(rig, ZMTP_ERR_LIMIT);
        rig_close(rig);
    }
    rig_open(rig, ZMTP_PULL);
    rig_hear(rig, LITERAL(RIG_GREETING));
    hear_long_header(rig, ZMTP_FLAG_COMMAND, INT64_MAX);
    rig_assert_closed(rig, ZMTP_ERR_LIMIT);
}

static void test_metadata_has_limits_of_its_own(void **state)
{
    struct rig *rig = *state;
    rig->config.limits.metadata_max = 20;
    rig_open(rig, ZMTP_PULL);
    rig_hear(rig, LITERAL(RIG_GREETING));
    rig_hear(rig, LITERAL("\4\x1A\5READY\x0BSocket-Type\0\0\0\4PUSH")); // twenty
    rig_assert_state(rig, ZMTP_PEER_READY);
    rig_close(rig);
    rig_open(rig, ZMTP_PULL);
    rig_hear(rig, LITERAL(RIG_GREETING));
    rig_hear(rig, LITERAL("\4\x1B\5READY\x10Unknown-Property\0\0\0\0"));
    rig_assert_closed(rig, ZMTP_ERR_LIMIT);
    rig_close(rig);
    for (uint32_t max = 0; max <= 2; max++) {
        rig->config.limits.properties_max = max;
        rig_open(rig, ZMTP_PULL);
        rig_hear(rig, LITERAL(RIG_GREETING));
        rig_hear(rig, LITERAL("\4\x12\5READY\1a\0\0\0\0\1b\0\0\0\0"));
        if (max == 1)
            rig_assert_closed(rig, ZMTP_ERR_METADATA);
        else
            rig_assert_state(rig, ZMTP_PEER_READY);
        rig_close(rig);
    }
}

// ZMTP37-SEC-03
// What a stranger can make us hold, whatever it sends and however slowly, before its handshake is
// done.
static void test_a_stranger_holds_at_most_8_kib(void **state)
{
    struct rig *rig = *state;
    const size_t steps[] = {1, 7, 4000, 32768};
    uint8_t id[255];
    memset(id, 'i', sizeof id);
    rig->config.routing_id = zmtp_bytes_of(id, sizeof id);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        rig->budget.bytes_peak = 0;
        rig_open(rig, ZMTP_ROUTER);
        // It never reads what we say, sends a READY as large as it may, and then waits.
        assert_int_equal(rig_feed_by(rig, LITERAL(RIG_GREETING), steps[i]), 64);
        hear_long_header(rig, ZMTP_FLAG_COMMAND, 4096);
        const struct zmtp_bytes ready = LITERAL("\5READY\1X\0\0\x0F\xF4"); // 12, and 4084 of X
        assert_int_equal(rig_feed_by(rig, ready, steps[i]), ready.size);
        assert_int_equal(hear_body(rig, 4083, steps[i]), 4083);
        rig_assert_state(rig, ZMTP_PEER_HANDSHAKE);
        assert_true(rig->budget.bytes <= 8192);
        assert_int_equal(hear_body(rig, 1, 1), 1);
        rig_assert_state(rig, ZMTP_PEER_READY);
        assert_true(rig->budget.bytes_peak <= 8192 + 4096); // while the metadata is copied
        assert_true(rig->budget.bytes <= 8192);
        rig_close(rig);
    }
}

static void test_an_idle_connection_holds_at_most_1_kib(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    rig_hear(rig, LITERAL("\0\1A\4\7\4PING\0\0"));
    rig_drain(rig, SIZE_MAX, 16);
    rig_assert_message(rig, "A");
    assert_true(rig->budget.bytes <= 1024);
}

// What the peer holds of either budget. The pool keeps nothing large beside it.
static size_t held_by_peer(struct rig *rig)
{
    while (zmtp_pool_trim(rig->pool)) {}
    return rig->budget.bytes + rig->shared.bytes;
}

static void test_memory_grows_with_the_octets_that_come_not_with_their_promise(void **state)
{
    struct rig *rig = *state;
    enum { PROMISE = 60 * 1024 * 1024, SLACK = ZMTP_SLAB_SIZE + 4096 + 256 };
    const size_t steps[] = {1000, 32768, SIZE_MAX};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        connect_pair(rig);
        const size_t before = held_by_peer(rig);
        hear_long_header(rig, 0, PROMISE);
        assert_true(held_by_peer(rig) <= before + 64);
        for (size_t came = 0; came < 1000000; came += 50000) {
            assert_int_equal(hear_body(rig, 50000, steps[i]), 50000);
            assert_true(held_by_peer(rig) <= before + SLACK + 2 * (came + 50000));
        }
        rig_close(rig);
    }
}

static void take_large_message(struct rig *rig, size_t size)
{
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp__queue_take(rig->far->in, &msg), ZMTP_OK);
    assert_int_equal(zmtp_msg_size(&msg), size);
    zmtp_msg_fini(&msg);
}

// What is promised may be taken from the pool, where it costs nothing, and comes back to it.
static void test_a_large_frame_after_another_needs_no_new_memory(void **state)
{
    struct rig *rig = *state;
    enum { SIZE = 1000000 };
    connect_pair(rig);
    hear_long_header(rig, 0, SIZE);
    assert_int_equal(hear_body(rig, SIZE, 32768), SIZE);
    take_large_message(rig, SIZE);
    const size_t before = rig->budget.bytes + rig->shared.bytes;
    for (int i = 0; i < 3; i++) {
        hear_long_header(rig, 0, SIZE);
        // In one go the slab is as large as the frame; octet 20001 of the next is not swallowed.
        assert_int_equal(hear_body(rig, 20000, 20000), 20000);
        assert_int_equal(zmtp_peer_space(rig->peer).size, SIZE - 20000);
        zmtp_peer_commit(rig->peer, 0, rig->now_ms);
        assert_true(rig->budget.bytes + rig->shared.bytes <= before);
        assert_int_equal(hear_body(rig, SIZE - 20000, SIZE_MAX), SIZE - 20000);
        take_large_message(rig, SIZE);
    }
    // One that breaks off gives it back.
    hear_long_header(rig, 0, SIZE);
    assert_int_equal(hear_body(rig, 20000, 20000), 20000);
    rig_close(rig);
    connect_pair(rig);
    hear_long_header(rig, 0, SIZE);
    assert_int_equal(hear_body(rig, 20000, 20000), 20000);
    assert_int_equal(zmtp_peer_space(rig->peer).size, SIZE - 20000);
    zmtp_peer_commit(rig->peer, 0, rig->now_ms);
}

static void test_a_part_that_comes_octet_by_octet_holds_no_more_than_it_has(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    const size_t before = rig->budget.bytes;
    hear_long_header(rig, 0, 16000); // below a block of its own
    for (size_t came = 1; came < 16000; came++) {
        assert_int_equal(hear_body(rig, 1, 1), 1);
        assert_true(rig->budget.bytes <= before + 9 + came);
    }
    assert_int_equal(hear_body(rig, 1, 1), 1);
    assert_int_equal(zmtp_pipe_depth(rig->far).in_count, 1);
    assert_int_equal(rig->budget.bytes, before);
}

// ZMTP37-CMD-02, LZ-09 skips them for ever.
static void test_a_flood_of_unknown_commands_closes(void **state)
{
    struct rig *rig = *state;
    rig->config.limits.unknown_commands_max = 3;
    connect_pair(rig);
    for (int i = 0; i < 3; i++) {
        rig_hear(rig, LITERAL("\4\2\1?\0\1A"));
        rig_assert_message(rig, "A");
    }
    assert_int_equal(zmtp_peer_counters(rig->peer).unknown_commands, 3);
    rig_hear(rig, LITERAL("\0\1B\4\2\1?"));
    rig_assert_closed(rig, ZMTP_ERR_LIMIT);
    rig_assert_reason(rig, "limits.unknown_commands_max");
    rig_assert_message(rig, "B");
    rig_close(rig);
    rig->config.limits.unknown_commands_max = 0; // no limit
    connect_pair(rig);
    for (int i = 0; i < 1000; i++)
        rig_hear(rig, LITERAL("\4\2\1?\4\6\5READY"));
    assert_int_equal(zmtp_peer_counters(rig->peer).unknown_commands, 2000);
}

// Nobody reads the answers.
static void test_a_flood_of_pings_costs_one_pong(void **state)
{
    struct rig *rig = *state;
    connect_pair(rig);
    const size_t before = rig->budget.bytes;
    for (int i = 0; i < 10000; i++)
        rig_hear(rig, LITERAL("\4\x17\4PING\0\0sixteen octets!!"));
    assert_int_equal(rig->budget.bytes, before);
    rig_assert_says(rig, LITERAL("\4\x15\4PONGsixteen octets!!"));
    // Nor does a peer that takes them octet by octet make them pile up.
    for (int i = 0; i < 1000; i++) {
        rig_hear(rig, LITERAL("\4\x17\4PING\0\0sixteen octets!!"));
        rig_drain(rig, 1, 1);
        assert_true(rig->budget.bytes <= before + 64);
    }
}

// With a full pipe it may fill one read, and then it waits.
static void test_a_full_pipe_holds_one_read_at_most(void **state)
{
    struct rig *rig = *state;
    rig->count_max = 1;
    connect_pair(rig);
    const size_t before = rig->budget.bytes + rig->shared.bytes;
    size_t took = 1;
    for (int i = 0; i < 100 && took > 0; i++)
        took = hear_body(rig, 32768, 32768);
    assert_int_equal(took, 0);
    assert_true(zmtp_peer_counters(rig->peer).bytes_in <= 64 + 26 + 2 * ZMTP_SLAB_SIZE);
    assert_true(rig->budget.bytes + rig->shared.bytes <= before + 3 * ZMTP_SLAB_SIZE);
}

// A pipe that takes so many octets or messages, whichever comes first.
static void connect_limited(struct rig *rig, size_t bytes_max, size_t count_max)
{
    struct zmtp_pipe_end *ends[2];
    const struct zmtp_pipe_config config = {.allocator = &rig->shared.allocator,
                                            .bytes_max = {bytes_max, bytes_max},
                                            .count_max = {count_max, count_max}};
    assert_int_equal(zmtp_pipe_open(&config, ends), ZMTP_OK);
    rig->near = ends[0];
    rig->far = ends[1];
    zmtp_pipe_own(rig->near, &rig->near_marks, rig);
    zmtp_pipe_own(rig->far, &rig->far_marks, rig);
    connect_pair(rig);
}

// Messages that are as long as the one before are counted in faster, up to the same message.
static void test_messages_of_one_size_fill_a_pipe_as_others_do(void **state)
{
    struct rig *rig = *state;
    static const char octets[] =
        "\0\3abc\0\3def\0\3ghi\0\0\0\0\0\0\1\3jkl\0\3mno\0\3pqr\0\3stu"
        "\2\0\0\0\0\0\0\0\1v\2\0\0\0\0\0\0\0\1w\2\0\0\0\0\0\0\0\2xy"
        "\0\1a\0\1b\0\1c\0\1d\0\1e\0\1f\0\1g\1\1h\0\1i\0\1j\0\1k\0\1l\0\1m\0\1n"
        "\0\1o\0\0";
    static const size_t sizes[] = {5, 5, 5, 2, 2, 2, 10, 5, 5, 10, 10, 11,
                                   3, 3, 3, // of the messages
                                   3, 3, 3, 3, 6, 3, 3,  3, 3, 3,  3,  2};
    enum { MESSAGES = sizeof sizes / sizeof *sizes };
    const struct zmtp_bytes all = {(const uint8_t *)octets, sizeof octets - 1};
    for (size_t limit = 1; limit <= all.size + MESSAGES; limit++) {
        const size_t bytes_max = limit <= all.size ? limit : 0;
        const size_t count_max = bytes_max > 0 ? 0 : limit - all.size;
        for (size_t cut = 0; cut <= all.size; cut++) {
            connect_limited(rig, bytes_max, count_max);
            size_t count = 0, bytes = 0; // that have room
            size_t whole = 0;            // of these, those that have come
            while (count < MESSAGES && (!bytes_max || bytes < bytes_max) &&
                   (!count_max || count < count_max)) {
                bytes += sizes[count++];
                whole += bytes <= cut;
            }
            if (cut > 0) rig_feed(rig, zmtp_bytes_of(all.data, cut));
            assert_int_equal(zmtp_pipe_depth(rig->far).in_count, whole);
            if (zmtp_peer_wants(rig->peer) & ZMTP_WANT_READ) {
                rig_feed(rig, zmtp_bytes_of(all.data + cut, all.size - cut));
                assert_int_equal(zmtp_pipe_depth(rig->far).in_count, count);
                assert_int_equal(zmtp_pipe_depth(rig->far).in_bytes, bytes);
            }
            assert_int_equal(zmtp_peer_counters(rig->peer).messages_in,
                             zmtp_pipe_depth(rig->far).in_count);
            if (whole > 1) rig_assert_message(rig, "abc");
            rig_close(rig);
            zmtp_pipe_close(rig->near);
            zmtp_pipe_close(rig->far);
            rig->near = rig->far = NULL;
        }
    }
}

// A limit is 0, for none, or leaves room for what the protocol itself needs.
static void test_limits_below_what_the_protocol_needs_are_told(void **state)
{
    struct zmtp_peer_limits limits = ((struct rig *)*state)->config.limits;
    const struct {
        uint32_t *limit, least;
        const char *name;
    } cases[] = {
        {&limits.handshake_frame_max, 1024, "limits.handshake_frame_max"},
        {&limits.command_max, 64, "limits.command_max"},
        {&limits.metadata_max, 512, "limits.metadata_max"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint32_t kept = *cases[i].limit;
        const char *why = NULL;
        *cases[i].limit = cases[i].least - 1;
        assert_int_equal(zmtp_peer_limits_check(&limits, NULL), ZMTP_ERR_ARGUMENT);
        assert_int_equal(zmtp_peer_limits_check(&limits, &why), ZMTP_ERR_ARGUMENT);
        assert_memory_equal(why, cases[i].name, strlen(cases[i].name));
        *cases[i].limit = cases[i].least;
        assert_int_equal(zmtp_peer_limits_check(&limits, &why), ZMTP_OK);
        *cases[i].limit = 0;
        assert_int_equal(zmtp_peer_limits_check(&limits, &why), ZMTP_OK);
        *cases[i].limit = kept;
    }
    limits.heartbeat_ttl_ms = 6553500;
    assert_int_equal(zmtp_peer_limits_check(&limits, NULL), ZMTP_OK);
    limits.heartbeat_ttl_ms++;
    assert_int_equal(zmtp_peer_limits_check(&limits, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_peer_limits_check(NULL, NULL), ZMTP_ERR_ARGUMENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_largest_sizes_are_refused_by_their_header_alone),
        TEST(test_without_limits_sizes_still_fit_into_memory),
        TEST(test_a_message_is_limited_over_all_its_parts),
        TEST(test_a_part_has_a_limit_of_its_own),
        TEST(test_messages_of_one_part_that_come_whole_are_limited_as_well),
        TEST(test_a_message_has_so_many_parts_and_no_more),
        TEST(test_a_command_has_a_limit_of_its_own),
        TEST(test_a_large_command_is_delivered_too),
        TEST(test_handshake_frames_have_a_limit_from_the_first),
        TEST(test_metadata_has_limits_of_its_own),
        TEST(test_a_stranger_holds_at_most_8_kib),
        TEST(test_an_idle_connection_holds_at_most_1_kib),
        TEST(test_memory_grows_with_the_octets_that_come_not_with_their_promise),
        TEST(test_a_large_frame_after_another_needs_no_new_memory),
        TEST(test_a_part_that_comes_octet_by_octet_holds_no_more_than_it_has),
        TEST(test_a_flood_of_unknown_commands_closes),
        TEST(test_a_flood_of_pings_costs_one_pong),
        TEST(test_a_full_pipe_holds_one_read_at_most),
        TEST(test_messages_of_one_size_fill_a_pipe_as_others_do),
        TEST(test_limits_below_what_the_protocol_needs_are_told),
    };
    return cmocka_run_group_tests_name("peer limits", tests, NULL, NULL);
}
