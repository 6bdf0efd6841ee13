// PUB (RFC 29).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/sockets.h"
#include "zmtp/socket/alter.h"

static uint64_t dropped(const struct zmtp_socket *socket, enum zmtp_drop reason)
{
    return zmtp_socket_counters(socket).dropped[reason];
}

// ZMTP37-SUB-01, SUB-04; PS29-PUB-02, PUB-06, PUB-07
static void test_each_subscriber_gets_what_begins_with_its_topics_and_once(void **state)
{
    (void)state;
    struct zmtp_socket *pub = sockets_open(ZMTP_PUB, 9);
    struct zmtp_pipe_end *a = sockets_accept(pub, ""), *b = sockets_accept(pub, "");
    assert_string_equal(sockets_send(pub, "early"), "ZMTP_OK");
    sockets_far_send(a, "<SUBSCRIBE>");
    sockets_far_send(a, "<SUBSCRIBE>ab");
    sockets_far_send(b, "<SUBSCRIBE>ab");
    assert_string_equal(sockets_send(pub, "abc|body"), "ZMTP_OK");
    assert_string_equal(sockets_send(pub, "a|ab"), "ZMTP_OK"); // the first part alone counts
    assert_string_equal(sockets_far_recv(a), "abc|body");
    assert_string_equal(sockets_far_recv(a), "a|ab");
    assert_string_equal(sockets_far_recv(a), "");
    assert_string_equal(sockets_far_recv(b), "abc|body");
    assert_string_equal(sockets_far_recv(b), "");
    assert_int_equal(zmtp_socket_subscribers(pub), 2);
    assert_int_equal(zmtp_socket_topics(pub), 2); // "" and "ab", which two share
    const struct zmtp_socket_counters counters = zmtp_socket_counters(pub);
    assert_int_equal(counters.sent, 3);
    assert_int_equal(counters.copies, 3);
    assert_int_equal(counters.dropped[ZMTP_DROP_NO_MATCH], 1);
    sockets_assert_conserved(pub, 3);
    zmtp_socket_close(pub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

static void test_very_many_subscriptions_of_a_peer_that_goes_are_removed_some_at_a_time(
    void **state)
{
    (void)state;
    enum { TOPICS = 10000 };
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct zmtp_socket_config config = sockets_config(ZMTP_PUB, 9);
    config.allocator = &budget.allocator;
    struct zmtp_socket *pub = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(pub, "");
    zmtp_socket_process(pub);
    for (unsigned n = 0; n < TOPICS; n++) {
        char wish[] = "<SUBSCRIBE>0000";
        for (unsigned k = 0, rest = n; k < 4; k++, rest /= 10)
            wish[sizeof wish - 2 - k] = (char)('0' + rest % 10);
        sockets_far_send(a, wish);
        zmtp_socket_process(pub);
    }
    assert_int_equal(zmtp_socket_topics(pub), TOPICS);
    assert_int_equal(zmtp_socket_deadline(pub), UINT64_MAX);
    const size_t full = budget.bytes;
    sockets_drop(a);
    zmtp_socket_process(pub);
    assert_int_equal(zmtp_socket_subscribers(pub), 0);
    assert_int_equal(zmtp_socket_topics(pub), TOPICS);
    assert_string_equal(sockets_send(pub, "1234"), "ZMTP_OK"); // it removes some
    assert_int_equal(zmtp_socket_counters(pub).copies, 0);
    assert_in_range(zmtp_socket_topics(pub), TOPICS - 100, TOPICS - 1);
    unsigned ticks = 0;
    for (; zmtp_socket_deadline(pub) == 0; ticks++)
        zmtp_socket_tick(pub, 1);
    assert_in_range(ticks, 2, 10);
    assert_int_equal(zmtp_socket_topics(pub), 0);
    assert_true(budget.bytes < full / 8);
    zmtp_socket_close(pub);
    assert_int_equal(budget.blocks, 0);
}

// PS29-PUB-10; ZMTP37-SUB-02, SUB-03; LZ-26: from any peer, whatever its version.
static void test_subscriptions_come_as_commands_and_as_messages(void **state)
{
    (void)state;
    struct zmtp_socket *pub = sockets_open(ZMTP_PUB, 9);
    struct zmtp_pipe_end *a = sockets_accept(pub, "");
    sockets_far_send(a, "\\x01old");
    sockets_far_send(a, "<SUBSCRIBE>new");
    assert_string_equal(sockets_send(pub, "old"), "ZMTP_OK");
    assert_string_equal(sockets_send(pub, "new"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "old");
    assert_string_equal(sockets_far_recv(a), "new");
    sockets_far_send(a, "<CANCEL>old");
    sockets_far_send(a, "\\x00new");
    assert_string_equal(sockets_send(pub, "old"), "ZMTP_OK");
    assert_string_equal(sockets_send(pub, "new"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "");
    assert_int_equal(zmtp_socket_subscribers(pub), 0);
    zmtp_socket_close(pub);
    zmtp_pipe_close(a);
}

// LZ-41
static void test_subscriptions_of_one_peer_are_a_set(void **state)
{
    (void)state;
    struct zmtp_socket *pub = sockets_open(ZMTP_PUB, 9);
    struct zmtp_pipe_end *a = sockets_accept(pub, ""), *b = sockets_accept(pub, "");
    sockets_far_send(a, "<SUBSCRIBE>t");
    sockets_far_send(a, "\\x01t");
    sockets_far_send(b, "\\x01t");
    sockets_far_send(a, "<CANCEL>t");
    sockets_far_send(a, "<CANCEL>t");
    assert_string_equal(sockets_send(pub, "t"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "");
    assert_string_equal(sockets_far_recv(b), "t");
    zmtp_socket_close(pub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// PS29-PUB-01, PUB-05, PUB-11
static void test_what_else_a_subscriber_sends_is_dropped_and_counted(void **state)
{
    (void)state;
    struct zmtp_socket *pub = sockets_open(ZMTP_PUB, 9);
    struct zmtp_pipe_end *a = sockets_accept(pub, "");
    sockets_far_send(a, "\\x02x");
    sockets_far_send(a, "");
    sockets_far_send(a, "hello|world");
    sockets_far_send(a, "<UNHEARD>x");
    sockets_far_send(a, "<subscribe>x");
    zmtp_socket_process(pub);
    assert_int_equal(dropped(pub, ZMTP_DROP_UNEXPECTED), 5);
    assert_int_equal(zmtp_socket_subscribers(pub), 0);
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp_socket_recv(pub, &msg), ZMTP_ERR_UNSUPPORTED);
    zmtp_socket_close(pub);
    zmtp_pipe_close(a);
}

// PS29-PUB-04, PUB-08, PUB-09
static void test_a_full_subscriber_misses_messages_and_delays_nobody(void **state)
{
    (void)state;
    struct zmtp_socket *pub = sockets_open(ZMTP_PUB, 2);
    struct zmtp_pipe_end *slow = sockets_accept(pub, ""), *fast = sockets_accept(pub, "");
    sockets_far_send(slow, "<SUBSCRIBE>");
    sockets_far_send(fast, "<SUBSCRIBE>");
    const char *const texts[] = {"1", "2", "3", "4"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(zmtp_socket_events(pub), ZMTP_WRITABLE);
        assert_string_equal(sockets_send(pub, texts[i]), "ZMTP_OK");
        assert_string_equal(sockets_far_recv(fast), texts[i]);
    }
    assert_int_equal(dropped(pub, ZMTP_DROP_PEER_FULL), 2);
    assert_string_equal(sockets_far_recv(slow), "1");
    assert_string_equal(sockets_send(pub, "5"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(slow), "2");
    assert_string_equal(sockets_far_recv(slow), "5");
    sockets_assert_conserved(pub, 7); // 1 to 4 to the fast one, 1, 2 and 5 to the slow one
    assert_int_equal(sockets_queued(pub), 1);
    zmtp_socket_close(pub);
    zmtp_pipe_close(slow);
    zmtp_pipe_close(fast);
}

static void test_copies_for_many_share_one_encoding(void **state)
{
    (void)state;
    enum { SUBSCRIBERS = 20, BODY = 100000 };
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct zmtp_socket_config config = sockets_config(ZMTP_PUB, 2);
    config.allocator = &budget.allocator;
    struct zmtp_socket *pub = sockets_open_with(&config);
    struct zmtp_pipe_end *far[SUBSCRIBERS];
    for (size_t i = 0; i < SUBSCRIBERS; i++) {
        far[i] = sockets_accept(pub, "");
        sockets_far_send(far[i], "<SUBSCRIBE>t");
    }
    zmtp_socket_process(pub);
    static uint8_t body[BODY];
    for (int owned = 0; owned < 2; owned++) { // octets that are copied once, or a part's own
        const size_t before = budget.bytes;
        const uint8_t *own = NULL;
        if (owned) {
            struct zmtp_msg msg;
            zmtp_msg_init(&msg, &budget.allocator);
            assert_int_equal(zmtp_msg_append(&msg, zmtp_bytes_text("topic")), ZMTP_OK);
            assert_int_equal(zmtp_msg_append(&msg, zmtp_bytes_of(body, BODY)), ZMTP_OK);
            own = zmtp_msg_bytes(&msg, 1).data;
            assert_int_equal(zmtp_socket_send(pub, &msg), ZMTP_OK);
        } else {
            const struct zmtp_bytes parts[] = {zmtp_bytes_text("topic"), {body, BODY}};
            assert_int_equal(zmtp_socket_send_bytes(pub, parts, 2), ZMTP_OK);
        }
        assert_true(budget.bytes - before < 2 * BODY);
        for (size_t i = 0; i < SUBSCRIBERS; i++) {
            struct zmtp_msg got;
            zmtp_msg_init(&got, NULL);
            assert_int_equal(zmtp__queue_take(far[i]->in, &got), ZMTP_OK);
            assert_int_equal(got.count, 2);
            assert_int_equal(zmtp_msg_bytes(&got, 1).size, BODY);
            assert_memory_equal(zmtp_msg_bytes(&got, 1).data, body, BODY);
            if (owned) assert_ptr_equal(zmtp_msg_bytes(&got, 1).data, own);
            zmtp_msg_fini(&got);
        }
    }
    zmtp_socket_close(pub);
    for (size_t i = 0; i < SUBSCRIBERS; i++)
        zmtp_pipe_close(far[i]);
    assert_int_equal(budget.blocks, 0);
}

static void test_queued_copies_survive_the_messages_after_them(void **state)
{
    (void)state;
    enum { MESSAGES = 3000 }; // many slabs of encoded messages, some of which are shared
    struct zmtp_socket *pub = sockets_open(ZMTP_PUB, 0);
    struct zmtp_pipe_end *a = sockets_accept(pub, ""), *b = sockets_accept(pub, "");
    sockets_far_send(a, "<SUBSCRIBE>");
    sockets_far_send(b, "<SUBSCRIBE>");
    for (unsigned i = 0; i < MESSAGES; i++) {
        uint8_t octets[3000] = {(uint8_t)(i >> 8), (uint8_t)i};
        const struct zmtp_bytes part = {octets, i % 7 ? 2 + i % 38 : sizeof octets};
        assert_int_equal(zmtp_socket_send_bytes(pub, &part, 1), ZMTP_OK);
        assert_true(zmtp__pipe_readable(a));
        if (i % 3 == 0) zmtp__queue_drop(a->in);
    }
    for (unsigned i = 0; i < MESSAGES; i++) {
        struct zmtp_msg got;
        zmtp_msg_init(&got, NULL);
        assert_int_equal(zmtp__queue_take(b->in, &got), ZMTP_OK);
        const struct zmtp_bytes part = zmtp_msg_bytes(&got, 0);
        assert_int_equal(part.size, i % 7 ? 2 + i % 38 : 3000);
        assert_int_equal(part.data[0] << 8 | part.data[1], i);
        zmtp_msg_fini(&got);
    }
    zmtp_socket_close(pub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// PS29-PUB-03
static void test_what_waited_for_a_subscriber_goes_with_it_and_is_counted(void **state)
{
    (void)state;
    struct zmtp_socket *pub = sockets_open(ZMTP_PUB, 3);
    struct zmtp_pipe_end *a = sockets_accept(pub, "");
    sockets_far_send(a, "<SUBSCRIBE>");
    assert_string_equal(sockets_send(pub, "1"), "ZMTP_OK");
    assert_string_equal(sockets_send(pub, "2"), "ZMTP_OK");
    sockets_far_send(a, "<SUBSCRIBE>last wish");
    sockets_drop(a);
    assert_string_equal(sockets_send(pub, "3"), "ZMTP_OK");
    assert_int_equal(dropped(pub, ZMTP_DROP_PEER_GONE), 2);
    assert_int_equal(dropped(pub, ZMTP_DROP_NO_MATCH), 1);
    assert_int_equal(zmtp_socket_subscribers(pub), 0);
    sockets_assert_conserved(pub, 0);
    zmtp_socket_close(pub);
}

// PS29-PUB-03
static void test_a_dialled_subscriber_is_written_to_while_away_and_asks_anew_when_back(void **state)
{
    (void)state;
    struct zmtp_socket *pub = sockets_open(ZMTP_PUB, 3);
    struct zmtp_pipe_end *a = sockets_dial(pub);
    sockets_connect(a, "");
    sockets_far_send(a, "<SUBSCRIBE>old");
    zmtp_socket_process(pub);
    zmtp_pipe_link_down(a);
    assert_string_equal(sockets_send(pub, "old|while away"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_subscribers(pub), 1);
    sockets_connect(a, "");
    sockets_far_send(a, "<SUBSCRIBE>new");
    assert_string_equal(sockets_send(pub, "old|after"), "ZMTP_OK");
    assert_string_equal(sockets_send(pub, "new|after"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "old|while away");
    assert_string_equal(sockets_far_recv(a), "new|after");
    assert_string_equal(sockets_far_recv(a), "");
    zmtp_socket_close(pub);
    zmtp_pipe_close(a);
}

static void test_who_subscribes_beyond_the_limits_is_cut_off_alone(void **state)
{
    (void)state;
    for (int limit = 0; limit < 2; limit++) {
        struct zmtp_socket_config config = sockets_config(ZMTP_PUB, 9);
        config.subscriptions_max = limit ? 2 : 0;
        config.topic_bytes_max = limit ? 0 : 5;
        struct zmtp_socket *pub = sockets_open_with(&config);
        struct zmtp_pipe_end *greedy = sockets_accept(pub, ""), *modest = sockets_accept(pub, "");
        struct zmtp_marks marks = {NULL, NULL};
        zmtp_pipe_own(greedy, &marks, NULL);
        assert_non_null(zmtp_marks_take(&marks));
        sockets_far_send(greedy, "<SUBSCRIBE>ab");
        sockets_far_send(modest, "<SUBSCRIBE>ab");
        assert_string_equal(sockets_send(pub, "ab"), "ZMTP_OK");
        assert_non_null(zmtp_marks_take(&marks)); // there is a message
        sockets_far_send(greedy, "<SUBSCRIBE>cd");
        sockets_far_send(greedy, "<SUBSCRIBE>ef");
        zmtp_socket_process(pub);
        assert_ptr_equal(zmtp_marks_take(&marks), greedy); // its connection hears of it
        assert_true(zmtp__pipe_finished(greedy));
        assert_int_equal(dropped(pub, ZMTP_DROP_PEER_GONE), 1);
        assert_int_equal(zmtp_socket_subscribers(pub), 1);
        assert_string_equal(sockets_far_recv(modest), "ab");
        sockets_assert_conserved(pub, 1);
        sockets_drop(greedy);
        zmtp_socket_close(pub);
        zmtp_pipe_close(modest);
    }
}

static void test_of_several_parts_each_may_be_a_subscription_or_the_first_alone(void **state)
{
    (void)state;
    for (int only_first = 0; only_first < 2; only_first++) {
        struct zmtp_socket_config config = sockets_config(ZMTP_PUB, 9);
        config.only_first_subscribe = only_first;
        struct zmtp_socket *pub = sockets_open_with(&config);
        struct zmtp_pipe_end *a = sockets_accept(pub, "");
        sockets_far_send(a, "\\x01a|x|\\x01b|y");
        assert_string_equal(sockets_send(pub, "a"), "ZMTP_OK");
        assert_string_equal(sockets_send(pub, "b"), "ZMTP_OK");
        assert_string_equal(sockets_far_recv(a), "a");
        assert_string_equal(sockets_far_recv(a), only_first ? "" : "b");
        assert_int_equal(dropped(pub, ZMTP_DROP_UNEXPECTED), 1); // the rest, once
        sockets_far_send(a, "\\x00a|\\x00b");
        zmtp_socket_process(pub);
        assert_int_equal(zmtp_socket_subscribers(pub), 0);
        assert_int_equal(dropped(pub, ZMTP_DROP_UNEXPECTED), 1 + only_first);
        zmtp_socket_close(pub);
        zmtp_pipe_close(a);
    }
}

static void test_inverted_a_message_goes_to_those_who_did_not_subscribe(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_PUB, 9);
    config.invert_matching = true;
    struct zmtp_socket *pub = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(pub, ""), *b = sockets_accept(pub, "");
    struct zmtp_pipe_end *never = sockets_dial(pub);
    sockets_far_send(a, "<SUBSCRIBE>x");
    assert_string_equal(sockets_send(pub, "xy"), "ZMTP_OK");
    assert_string_equal(sockets_send(pub, "z"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "z");
    assert_string_equal(sockets_far_recv(b), "xy");
    assert_string_equal(sockets_far_recv(b), "z");
    sockets_far_send(b, "<SUBSCRIBE>");
    assert_string_equal(sockets_send(pub, "xy"), "ZMTP_OK");
    assert_int_equal(dropped(pub, ZMTP_DROP_NO_MATCH), 1);
    assert_int_equal(never->in->count, 0); // it has not had a say
    sockets_assert_conserved(pub, 3);
    zmtp_socket_close(pub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
    zmtp_pipe_close(never);
}

// Each got stuck at another time, so that their queues share nothing. They share what there is, and leave some for
// the one that reads, who misses nothing.
static void test_subscribers_that_do_not_read_leave_room_for_those_that_do(void **state)
{
    (void)state;
    enum { STUCK = 10, ALL_MAX = 4096, ROUNDS = 100 };
    struct zmtp_socket_config config = sockets_config(ZMTP_PUB, 0);
    config.send_bytes_all_max = ALL_MAX;
    struct zmtp_socket *pub = sockets_open_with(&config);
    struct zmtp_pipe_end *stuck[STUCK], *reader = sockets_accept(pub, "");
    size_t waiting = 0;
    char text[99];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0'; // 100 octets with its header
    sockets_far_send(reader, "\x01x");
    for (int i = 0; i < STUCK; i++)
        stuck[i] = sockets_accept(pub, "");
    for (int round = 0; round < ROUNDS; round++) {
        if (round < STUCK) sockets_far_send(stuck[round], "\x01x");
        assert_string_equal(sockets_send(pub, text), "ZMTP_OK");
        assert_string_equal(sockets_far_recv(reader), text);
    }
    for (int i = 0; i < STUCK; i++)
        waiting += zmtp_pipe_depth(stuck[i]).in_bytes;
    assert_true(waiting > ALL_MAX / 2 && waiting <= ALL_MAX);
    const struct zmtp_socket_counters counters = zmtp_socket_counters(pub);
    assert_true(counters.dropped[ZMTP_DROP_PEER_FULL] > 800);
    // What one lets go of is there again.
    for (int i = 0; i < STUCK; i++)
        zmtp_pipe_close(stuck[i]);
    zmtp_socket_process(pub);
    sockets_far_send(reader, "\x01y");
    for (int i = 0; i < ALL_MAX / 2 / 100; i++)
        assert_string_equal(sockets_send(pub, text), "ZMTP_OK");
    assert_int_equal(zmtp_pipe_depth(reader).in_bytes, ALL_MAX / 2 / 100 * 100);
    zmtp_socket_close(pub);
    zmtp_pipe_close(reader);
    config.nodrop = true;
    assert_int_equal(zmtp_socket_open(&pub, &config), ZMTP_ERR_ARGUMENT);
}

static void test_with_nodrop_a_full_subscriber_holds_its_messages_up(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_PUB, 1);
    config.nodrop = true;
    struct zmtp_socket *pub = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(pub, ""), *b = sockets_accept(pub, "");
    sockets_far_send(a, "<SUBSCRIBE>");
    sockets_far_send(b, "<SUBSCRIBE>");
    assert_string_equal(sockets_send(pub, "1"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "1");
    assert_string_equal(sockets_send(pub, "2"), "ZMTP_ERR_AGAIN");
    assert_int_equal(zmtp_socket_events(pub), 0);
    assert_string_equal(sockets_far_recv(a), "");
    sockets_far_send(b, "<CANCEL>");
    assert_string_equal(sockets_send(pub, "2"), "ZMTP_OK"); // it is for b no more
    assert_int_equal(zmtp_socket_events(pub), ZMTP_WRITABLE);
    assert_string_equal(sockets_far_recv(a), "2");
    assert_string_equal(sockets_far_recv(b), "1");
    sockets_assert_conserved(pub, 3);
    zmtp_socket_close(pub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

static void test_conflated_each_subscriber_gets_its_last_message(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_PUB, 1);
    config.conflate = true;
    struct zmtp_socket *pub = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(pub, ""), *b = sockets_accept(pub, "");
    sockets_far_send(a, "<SUBSCRIBE>");
    sockets_far_send(b, "<SUBSCRIBE>");
    assert_string_equal(sockets_send(pub, "1"), "ZMTP_OK");
    assert_string_equal(sockets_send(pub, "2|x"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "2|x");
    assert_string_equal(sockets_send(pub, "3"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "3");
    assert_string_equal(sockets_far_recv(b), "3");
    assert_int_equal(dropped(pub, ZMTP_DROP_REPLACED), 3);
    sockets_assert_conserved(pub, 3);
    zmtp_socket_close(pub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

static void test_immediate_a_lost_connection_takes_its_subscriptions_with_it(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_PUB, 9);
    config.immediate = true;
    struct zmtp_socket *pub = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_dial(pub);
    sockets_connect(a, "");
    sockets_far_send(a, "<SUBSCRIBE>");
    assert_string_equal(sockets_send(pub, "1"), "ZMTP_OK");
    zmtp_pipe_link_down(a);
    assert_string_equal(sockets_send(pub, "2"), "ZMTP_OK");
    assert_int_equal(dropped(pub, ZMTP_DROP_NO_MATCH), 1);
    assert_int_equal(sockets_queued(pub), 1); // what was queued before goes with the next one
    zmtp_socket_close(pub);
    zmtp_pipe_close(a);
}

static void publish_with_failing_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_PUB, 2);
    config.allocator = allocator;
    struct zmtp_socket *pub;
    struct zmtp_pipe_end *far[2] = {NULL, NULL};
    if (zmtp_socket_open(&pub, &config) < 0) return;
    const bool for_good = ((const struct zmtp_budget *)allocator->context)->fail_on;
    size_t left = 0, subscribed = 0, attached = 0;
    for (size_t i = 0; i < 2; i++) {
        const struct zmtp_bytes none = {0};
        if (zmtp_socket_attach(pub, false, none, &far[i]) < 0) continue;
        attached++;
        static const char wish[] = "<SUBSCRIBE>topic";
        if (sockets_far_try(far[i], wish) || sockets_far_try(far[i], wish)) subscribed++;
    }
    // A subscription that found no memory is not forgotten.
    for (int tries = 0; tries < 3 && zmtp_socket_marked(pub); tries++)
        zmtp_socket_process(pub);
    if (!for_good) {
        assert_int_equal(subscribed, attached);
        assert_int_equal(zmtp_socket_subscribers(pub), attached);
        assert_false(zmtp_socket_marked(pub));
    }
    for (int i = 0; i < 3; i++) {
        (void)sockets_send(pub, "topic|x"); // what could not be sent is counted or refused whole
        for (size_t k = 0; k < 2; k++)
            left += far[k] && *sockets_far_recv(far[k]);
    }
    assert_true(left > 0 || for_good);
    sockets_assert_conserved(pub, left);
    zmtp_socket_close(pub);
    zmtp_pipe_close(far[0]);
    zmtp_pipe_close(far[1]);
}

static void test_whichever_allocation_fails_nothing_is_lost_or_leaks(void **state)
{
    (void)state;
    sockets_with_failing_memory(publish_with_failing_memory);
}

// Three subscribers, of which the last has begun to send its first message and so keeps that.
enum { REPLACED = 3 };

static void replace_the_last(struct zmtp_socket *pub, struct zmtp_pipe_end *const *far, bool nodrop)
{
    static const char *const texts[] = {"topic|1", "topic|2", "topic|3|x", "topic|4"};
    const char *sent = "";
    bool begun = false;
    size_t left = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t before[REPLACED];
        for (size_t k = 0; k < REPLACED; k++)
            before[k] = far[k]->in->count;
        if (sockets_send(pub, texts[i])[5] == 'O') sent = texts[i];
        for (size_t k = 0; k < REPLACED; k++)
            assert_true(far[k]->in->count >= before[k]);
        if (i == 0 && far[2]->in->count > 0) {
            zmtp__queue_consume(far[2]->in, 1);
            begun = true;
        }
    }
    zmtp__queue_rewind(far[2]->in);
    if (begun) assert_string_equal(sockets_far_recv(far[2]), texts[0]);
    left += begun;
    for (size_t k = 0; k < REPLACED; k++) {
        const char *const last = sockets_far_recv(far[k]);
        left += *last != '\0';
        // A message that finds no memory is refused before anybody gets it.
        if (nodrop && !(k == 2 && begun && sent == texts[0])) assert_string_equal(last, sent);
        assert_string_equal(sockets_far_recv(far[k]), "");
    }
    sockets_assert_conserved(pub, left);
}

static void replace_with_failing_memory(const struct zmtp_allocator *allocator, bool nodrop)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_PUB, 2);
    config.allocator = allocator;
    config.conflate = true;
    config.nodrop = nodrop;
    struct zmtp_socket *pub;
    struct zmtp_pipe_end *far[REPLACED] = {NULL};
    if (zmtp_socket_open(&pub, &config) < 0) return;
    for (size_t i = 0; i < REPLACED; i++)
        if (zmtp_socket_attach(pub, false, (struct zmtp_bytes){0}, &far[i]) == ZMTP_OK)
            (void)sockets_far_try(far[i], "<SUBSCRIBE>topic");
    zmtp_socket_process(pub);
    if (zmtp_socket_subscribers(pub) == REPLACED) replace_the_last(pub, far, nodrop);
    zmtp_socket_close(pub);
    for (size_t i = 0; i < REPLACED; i++)
        zmtp_pipe_close(far[i]);
}

static void replace_and_drop(const struct zmtp_allocator *allocator)
{
    replace_with_failing_memory(allocator, false);
}

static void replace_and_refuse(const struct zmtp_allocator *allocator)
{
    replace_with_failing_memory(allocator, true);
}

static void test_conflated_nobody_loses_a_message_to_one_that_finds_no_memory(void **state)
{
    (void)state;
    sockets_with_failing_memory(replace_and_drop);
    sockets_with_failing_memory(replace_and_refuse);
}

// Its wishes may not have been looked at when another connection has followed.
static void test_what_an_earlier_connection_wished_ended_with_it(void **state)
{
    (void)state;
    struct zmtp_socket *pub = sockets_open(ZMTP_PUB, 9);
    struct zmtp_pipe_end *a = sockets_dial(pub);
    sockets_connect(a, "");
    sockets_far_send(a, "<SUBSCRIBE>old");
    zmtp_pipe_link_down(a);
    sockets_connect(a, "");
    sockets_far_send(a, "<SUBSCRIBE>new");
    zmtp_socket_process(pub);
    assert_string_equal(sockets_send(pub, "old"), "ZMTP_OK");
    assert_string_equal(sockets_send(pub, "new"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "new");
    assert_string_equal(sockets_far_recv(a), "");
    zmtp_socket_close(pub);
    zmtp_pipe_close(a);
}

static void test_with_nodrop_a_message_is_admitted_when_those_who_want_it_have_room(void **state)
{
    (void)state;
    const struct zmtp_bytes a_topic = zmtp_bytes_text("a"), b_topic = zmtp_bytes_text("b");
    for (int i = 0; i < 4; i++) {
        const bool nodrop = i % 2;
        struct zmtp_socket_config config = sockets_config(i < 2 ? ZMTP_PUB : ZMTP_XPUB, 1);
        config.nodrop = nodrop;
        struct zmtp_socket *publisher = sockets_open_with(&config);
        struct zmtp_pipe_end *a = sockets_accept(publisher, ""), *b = sockets_accept(publisher, "");
        sockets_far_send(a, "<SUBSCRIBE>a");
        sockets_far_send(b, "<SUBSCRIBE>b");
        assert_int_equal(zmtp__socket_admits(publisher, a_topic), ZMTP_OK);
        assert_string_equal(sockets_send(publisher, "a"), "ZMTP_OK"); // a is full
        assert_int_equal(zmtp__socket_admits(publisher, a_topic),
                         nodrop ? ZMTP_ERR_AGAIN : ZMTP_OK);
        assert_int_equal(zmtp_socket_events(publisher) & ZMTP_WRITABLE, nodrop ? 0 : ZMTP_WRITABLE);
        assert_int_equal(zmtp__socket_admits(publisher, b_topic), ZMTP_OK);
        assert_string_equal(sockets_far_recv(a), "a");
        assert_int_equal(zmtp__socket_admits(publisher, a_topic), ZMTP_OK);
        assert_string_equal(sockets_send(publisher, "b"), "ZMTP_OK"); // no choice was left behind
        assert_string_equal(sockets_far_recv(a), "");
        assert_string_equal(sockets_far_recv(b), "b");
        zmtp_socket_close(publisher);
        zmtp_pipe_close(a);
        zmtp_pipe_close(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_an_earlier_connection_wished_ended_with_it),
        cmocka_unit_test(test_each_subscriber_gets_what_begins_with_its_topics_and_once),
        cmocka_unit_test(test_subscriptions_come_as_commands_and_as_messages),
        cmocka_unit_test(
            test_very_many_subscriptions_of_a_peer_that_goes_are_removed_some_at_a_time),
        cmocka_unit_test(test_subscriptions_of_one_peer_are_a_set),
        cmocka_unit_test(test_what_else_a_subscriber_sends_is_dropped_and_counted),
        cmocka_unit_test(test_a_full_subscriber_misses_messages_and_delays_nobody),
        cmocka_unit_test(test_copies_for_many_share_one_encoding),
        cmocka_unit_test(test_queued_copies_survive_the_messages_after_them),
        cmocka_unit_test(test_what_waited_for_a_subscriber_goes_with_it_and_is_counted),
        cmocka_unit_test(
            test_a_dialled_subscriber_is_written_to_while_away_and_asks_anew_when_back),
        cmocka_unit_test(test_who_subscribes_beyond_the_limits_is_cut_off_alone),
        cmocka_unit_test(test_of_several_parts_each_may_be_a_subscription_or_the_first_alone),
        cmocka_unit_test(test_inverted_a_message_goes_to_those_who_did_not_subscribe),
        cmocka_unit_test(test_subscribers_that_do_not_read_leave_room_for_those_that_do),
        cmocka_unit_test(test_with_nodrop_a_full_subscriber_holds_its_messages_up),
        cmocka_unit_test(test_with_nodrop_a_message_is_admitted_when_those_who_want_it_have_room),
        cmocka_unit_test(test_conflated_each_subscriber_gets_its_last_message),
        cmocka_unit_test(test_conflated_nobody_loses_a_message_to_one_that_finds_no_memory),
        cmocka_unit_test(test_immediate_a_lost_connection_takes_its_subscriptions_with_it),
        cmocka_unit_test(test_whichever_allocation_fails_nothing_is_lost_or_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
