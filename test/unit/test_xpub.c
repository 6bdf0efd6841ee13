// XPUB (RFC 29).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "test/support/sockets.h"

static const enum zmtp_xpub_mode modes[] = {ZMTP_XPUB_NORMAL, ZMTP_XPUB_VERBOSE, ZMTP_XPUB_VERBOSER,
                                            ZMTP_XPUB_MANUAL, ZMTP_XPUB_LAST_VALUE};
enum { MODES = sizeof modes / sizeof modes[0] };

static struct zmtp_socket *open_mode(enum zmtp_xpub_mode mode, size_t hwm)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_XPUB, hwm);
    config.xpub_mode = mode;
    return sockets_open_with(&config);
}

static uint64_t dropped(const struct zmtp_socket *socket, enum zmtp_drop reason)
{
    return zmtp_socket_counters(socket).dropped[reason];
}

static int subscribe(struct zmtp_socket *xpub, const char *topic)
{
    return zmtp_socket_subscribe(xpub, zmtp_bytes_text(topic));
}

#define NOTHING "ZMTP_ERR_AGAIN"

// PS29-XPUB-01, XPUB-04, XPUB-05; LZ-26, LZ-41
static void test_the_user_hears_of_the_first_and_the_last_subscriber_of_a_topic(void **state)
{
    (void)state;
    struct zmtp_socket *xpub = sockets_open(ZMTP_XPUB, 9);
    assert_int_equal(zmtp_socket_events(xpub), ZMTP_WRITABLE);
    struct zmtp_pipe_end *a = sockets_accept(xpub, ""), *b = sockets_accept(xpub, "");
    sockets_far_send(a, "<SUBSCRIBE>t");
    sockets_far_send(b, "\\x01t"); // as a 3.0 peer
    assert_int_equal(zmtp_socket_events(xpub), ZMTP_READABLE | ZMTP_WRITABLE);
    assert_string_equal(sockets_recv(xpub), "\\x01t");
    assert_string_equal(sockets_recv(xpub), NOTHING);
    sockets_far_send(a, "<SUBSCRIBE>t");
    sockets_far_send(a, "<SUBSCRIBE>");
    assert_string_equal(sockets_recv(xpub), "\\x01");
    sockets_far_send(a, "<CANCEL>t");
    sockets_far_send(a, "<CANCEL>unheard of");
    assert_string_equal(sockets_recv(xpub), NOTHING);
    assert_string_equal(sockets_send(xpub, "t|x"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "t|x"); // by the empty topic
    assert_string_equal(sockets_far_recv(b), "t|x");
    sockets_far_send(b, "\\x00t");
    assert_string_equal(sockets_recv(xpub), "\\x00t");
    assert_string_equal(sockets_recv(xpub), NOTHING);
    assert_int_equal(zmtp_socket_events(xpub), ZMTP_WRITABLE);
    assert_int_equal(zmtp_socket_subscribers(xpub), 1);
    assert_int_equal(zmtp_socket_counters(xpub).received, 3);
    sockets_assert_conserved(xpub, 2);
    zmtp_socket_close(xpub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

static void test_a_user_that_does_not_listen_delays_no_subscription(void **state)
{
    (void)state;
    struct zmtp_socket *xpub = sockets_open(ZMTP_XPUB, 2);
    struct zmtp_pipe_end *a = sockets_accept(xpub, "");
    for (const char *const *wish = (const char *const[]){"<SUBSCRIBE>1", "<SUBSCRIBE>2",
                                                         "<SUBSCRIBE>3", "<CANCEL>2", NULL};
         *wish; wish++) {
        sockets_far_send(a, *wish);
        zmtp_socket_process(xpub);
        assert_true(zmtp__pipe_writable(a));
    }
    assert_string_equal(sockets_send(xpub, "3"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "3");
    // What was undone before it was told is not told.
    assert_string_equal(sockets_recv(xpub), "\\x011");
    assert_string_equal(sockets_recv(xpub), "\\x013");
    assert_string_equal(sockets_recv(xpub), NOTHING);
    zmtp_socket_close(xpub);
    zmtp_pipe_close(a);
}

// PS29-XPUB-06; LZ-28
static void test_topics_of_a_peer_that_vanishes_are_told_to_have_ended(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct zmtp_socket *xpub = sockets_open(ZMTP_XPUB, 9);
        struct zmtp_pipe_end *a = sockets_accept(xpub, ""), *b = sockets_accept(xpub, "");
        zmtp_socket_process(xpub);
        sockets_far_send(a, "<SUBSCRIBE>mine");
        sockets_far_send(a, "<SUBSCRIBE>ours");
        sockets_far_send(b, "<SUBSCRIBE>ours");
        assert_string_equal(sockets_recv(xpub), "\\x01mine");
        assert_string_equal(sockets_recv(xpub), "\\x01ours");
        sockets_far_send(a, "<SUBSCRIBE>untold");
        zmtp_socket_process(xpub);
        if (i == 0) {
            sockets_drop(a);
        } else {
            zmtp_pipe_link_down(a); // its connection is over, and is still there
            sockets_far_send(a, "<SUBSCRIBE>too late");
        }
        assert_string_equal(sockets_recv(xpub), "\\x00mine");
        assert_string_equal(sockets_recv(xpub), NOTHING);
        assert_int_equal(zmtp_socket_subscribers(xpub), 1);
        if (i == 1) zmtp_pipe_close(a);
        zmtp_socket_process(xpub);
        assert_int_equal(sockets_pipes(xpub), 1);
        zmtp_socket_close(xpub);
        zmtp_pipe_close(b);
    }
}

static void test_a_dialled_subscriber_that_comes_back_asks_anew(void **state)
{
    (void)state;
    struct zmtp_socket *xpub = sockets_open(ZMTP_XPUB, 9);
    struct zmtp_pipe_end *a = sockets_dial(xpub);
    sockets_connect(a, "");
    sockets_far_send(a, "<SUBSCRIBE>old");
    sockets_far_send(a, "<SUBSCRIBE>both");
    assert_string_equal(sockets_recv(xpub), "\\x01old");
    assert_string_equal(sockets_recv(xpub), "\\x01both");
    zmtp_pipe_link_down(a);
    assert_string_equal(sockets_recv(xpub), NOTHING); // RFC 29: messages wait for it
    assert_string_equal(sockets_send(xpub, "old"), "ZMTP_OK");
    sockets_connect(a, "");
    sockets_far_send(a, "<SUBSCRIBE>both");
    sockets_far_send(a, "<SUBSCRIBE>new");
    assert_string_equal(sockets_recv(xpub), "\\x00old");
    assert_string_equal(sockets_recv(xpub), "\\x01new");
    assert_string_equal(sockets_recv(xpub), NOTHING);
    assert_string_equal(sockets_far_recv(a), "old");
    zmtp_socket_close(xpub);
    zmtp_pipe_close(a);
}

// PS29-XPUB-01, XPUB-03
static void test_messages_of_subscribers_are_received_in_turn(void **state)
{
    (void)state;
    for (int i = 0; i < MODES; i++) {
        struct zmtp_socket *xpub = open_mode(modes[i], 9);
        struct zmtp_pipe_end *a = sockets_accept(xpub, ""), *b = sockets_accept(xpub, "");
        zmtp_socket_process(xpub);
        sockets_far_send(a, "1|\\x02");
        sockets_far_send(a, "3");
        sockets_far_send(b, "");
        sockets_far_send(b, "<PING>"); // no message, and no wish
        sockets_far_send(b, "4");
        assert_string_equal(sockets_recv(xpub), "1|\\x02");
        assert_string_equal(sockets_recv(xpub), "");
        assert_string_equal(sockets_recv(xpub), "3");
        sockets_drop(b);
        assert_int_equal(zmtp_socket_events(xpub), ZMTP_READABLE | ZMTP_WRITABLE);
        assert_string_equal(sockets_recv(xpub), "4"); // also of one that is gone
        assert_string_equal(sockets_recv(xpub), NOTHING);
        assert_int_equal(dropped(xpub, ZMTP_DROP_UNEXPECTED), 1);
        assert_int_equal(sockets_pipes(xpub), 1);
        zmtp_socket_close(xpub);
        zmtp_pipe_close(a);
    }
}

// PS29-XPUB-02
static void test_a_peer_whose_message_is_not_received_is_held_up_alone(void **state)
{
    (void)state;
    struct zmtp_socket *xpub = sockets_open(ZMTP_XPUB, 2);
    struct zmtp_pipe_end *a = sockets_accept(xpub, ""), *b = sockets_accept(xpub, "");
    struct zmtp_marks marks = {NULL, NULL};
    zmtp_pipe_own(a, &marks, NULL);
    assert_non_null(zmtp_marks_take(&marks));
    sockets_far_send(a, "message");
    sockets_far_send(a, "<SUBSCRIBE>a");
    sockets_far_send(b, "<SUBSCRIBE>b");
    zmtp_socket_process(xpub);
    assert_false(zmtp__pipe_writable(a));
    assert_int_equal(zmtp_socket_subscribers(xpub), 1);
    assert_string_equal(sockets_recv(xpub), "\\x01b");
    assert_string_equal(sockets_recv(xpub), "message");
    assert_ptr_equal(zmtp_marks_take(&marks), a);
    assert_string_equal(sockets_recv(xpub), "\\x01a");
    assert_int_equal(zmtp_socket_subscribers(xpub), 2);
    zmtp_socket_close(xpub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

static void test_a_message_of_several_parts_may_hold_several_wishes(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct zmtp_socket_config config = sockets_config(ZMTP_XPUB, 9);
        config.only_first_subscribe = i % 2;
        config.xpub_mode = i / 2 ? ZMTP_XPUB_VERBOSER : ZMTP_XPUB_NORMAL;
        struct zmtp_socket *xpub = sockets_open_with(&config);
        struct zmtp_pipe_end *a = sockets_accept(xpub, "");
        sockets_far_send(a, "\\x01a|x|\\x01b|y|\\x00a");
        assert_string_equal(sockets_recv(xpub), i == 0 ? "\\x01b" : "\\x01a");
        if (i == 2) {
            assert_string_equal(sockets_recv(xpub), "\\x01b");
            assert_string_equal(sockets_recv(xpub), "\\x00a");
        }
        assert_string_equal(sockets_recv(xpub), i % 2 ? "x|\\x01b|y|\\x00a" : "x|y");
        assert_string_equal(sockets_recv(xpub), NOTHING);
        sockets_far_send(a, "x|\\x01c");
        if (i % 2 == 0) assert_string_equal(sockets_recv(xpub), "\\x01c");
        assert_string_equal(sockets_recv(xpub), i % 2 ? "x|\\x01c" : "x");
        assert_string_equal(sockets_send(xpub, "c"), "ZMTP_OK");
        assert_string_equal(sockets_far_recv(a), i % 2 ? "" : "c");
        zmtp_socket_close(xpub);
        zmtp_pipe_close(a);
    }
}

// PS29-XPUB-05
static void test_verbose_tells_of_every_subscription_and_verboser_of_every_end(void **state)
{
    (void)state;
    for (int verboser = 0; verboser < 2; verboser++) {
        struct zmtp_socket *xpub = open_mode(verboser ? ZMTP_XPUB_VERBOSER : ZMTP_XPUB_VERBOSE, 9);
        struct zmtp_pipe_end *a = sockets_accept(xpub, ""), *b = sockets_accept(xpub, "");
        sockets_far_send(a, "<SUBSCRIBE>t");
        sockets_far_send(b, "<SUBSCRIBE>t");
        assert_string_equal(sockets_send(xpub, "t"), "ZMTP_OK"); // both are subscribed already
        assert_string_equal(sockets_far_recv(a), "t");
        assert_string_equal(sockets_far_recv(b), "t");
        sockets_far_send(b, "<SUBSCRIBE>t");
        for (int i = 0; i < 3; i++)
            assert_string_equal(sockets_recv(xpub), "\\x01t");
        sockets_far_send(b, "<CANCEL>t");
        if (verboser) assert_string_equal(sockets_recv(xpub), "\\x00t");
        assert_string_equal(sockets_recv(xpub), NOTHING);
        sockets_far_send(b, "<CANCEL>t"); // it has none any more
        if (verboser) assert_string_equal(sockets_recv(xpub), "\\x00t");
        assert_string_equal(sockets_recv(xpub), NOTHING);
        sockets_far_send(a, "<CANCEL>t");
        assert_string_equal(sockets_recv(xpub), "\\x00t");
        assert_string_equal(sockets_recv(xpub), NOTHING);
        zmtp_socket_close(xpub);
        zmtp_pipe_close(a);
        zmtp_pipe_close(b);
    }
}

static void test_verboser_tells_for_each_peer_that_vanishes(void **state)
{
    (void)state;
    for (int verboser = 0; verboser < 2; verboser++) {
        struct zmtp_socket *xpub = open_mode(verboser ? ZMTP_XPUB_VERBOSER : ZMTP_XPUB_VERBOSE, 9);
        struct zmtp_pipe_end *a = sockets_accept(xpub, ""), *b = sockets_accept(xpub, "");
        sockets_far_send(a, "<SUBSCRIBE>t");
        sockets_far_send(b, "<SUBSCRIBE>t");
        assert_string_equal(sockets_recv(xpub), "\\x01t");
        assert_string_equal(sockets_recv(xpub), "\\x01t");
        sockets_drop(a);
        if (verboser) assert_string_equal(sockets_recv(xpub), "\\x00t");
        assert_string_equal(sockets_recv(xpub), NOTHING);
        sockets_drop(b);
        assert_string_equal(sockets_recv(xpub), "\\x00t");
        assert_string_equal(sockets_recv(xpub), NOTHING);
        zmtp_socket_close(xpub);
    }
}

static void test_of_a_peer_that_vanishes_what_was_not_told_need_not_be(void **state)
{
    (void)state;
    for (int i = 0; i < MODES; i++) {
        struct zmtp_socket *xpub = open_mode(modes[i], 9);
        struct zmtp_pipe_end *a = sockets_accept(xpub, "");
        sockets_far_send(a, "<SUBSCRIBE>1");
        sockets_far_send(a, "<SUBSCRIBE>2");
        zmtp_socket_process(xpub);
        sockets_drop(a);
        assert_int_equal(zmtp_socket_events(xpub), ZMTP_WRITABLE);
        assert_string_equal(sockets_recv(xpub), NOTHING);
        assert_int_equal(sockets_pipes(xpub), 0);
        // But of a topic that it was told of before, the end is due.
        a = sockets_accept(xpub, "");
        sockets_far_send(a, "<SUBSCRIBE>3");
        assert_string_equal(sockets_recv(xpub), "\\x013");
        sockets_far_send(a, "<SUBSCRIBE>3");
        zmtp_socket_process(xpub);
        sockets_drop(a);
        zmtp_socket_process(xpub);
        a = sockets_accept(xpub, "");
        sockets_far_send(a, "<SUBSCRIBE>3");
        zmtp_socket_process(xpub);
        sockets_drop(a);
        assert_string_equal(sockets_recv(xpub), "\\x003");
        assert_string_equal(sockets_recv(xpub), NOTHING);
        zmtp_socket_close(xpub);
    }
}

// What is freed is overwritten, so that whoever still reads it finds something else.
static void *spoil(void *context, void *memory, size_t old_size, size_t new_size)
{
    (void)context;
    if (memory && new_size == 0) memset(memory, 0xEE, old_size);
    return zmtp_heap()->resize(zmtp_heap()->context, memory, old_size, new_size);
}

// The wish that is due lies in the queue that goes.
static void test_a_joined_subscriber_may_be_detached_before_its_wish_was_told(void **state)
{
    (void)state;
    for (int i = 0; i < MODES; i++) {
        static const struct zmtp_allocator spoiling = {.resize = spoil};
        struct zmtp_socket_config config = sockets_config(ZMTP_XPUB, 9);
        config.xpub_mode = modes[i];
        config.allocator = &spoiling;
        struct zmtp_socket *xpub = sockets_open_with(&config);
        config = sockets_config(ZMTP_SUB, 9);
        config.allocator = &spoiling;
        struct zmtp_socket *sub = sockets_open_with(&config);
        struct zmtp_pipe_end *ends[2];
        assert_int_equal(zmtp_socket_join(sub, xpub, ends), ZMTP_OK);
        zmtp_socket_process(sub);
        for (size_t topic = 0; topic < 3; topic++)
            assert_int_equal(zmtp_socket_subscribe(sub, zmtp_bytes_of(&"abc"[topic], 1)), ZMTP_OK);
        zmtp_socket_process(xpub);
        zmtp_socket_detach(xpub, ends[1]);
        assert_string_equal(sockets_recv(xpub), NOTHING);
        assert_int_equal(zmtp_socket_subscribers(xpub), 0);
        assert_int_equal(sockets_pipes(xpub), 0);
        zmtp_socket_close(xpub);
        zmtp_socket_close(sub);
    }
}

// Of an end that the user was not told of yet when its peer was let go of, and of those that follow from that, it
// still is, each once; and no memory is needed for that.
static void test_a_joined_subscriber_may_be_detached_before_its_end_was_told(void **state)
{
    (void)state;
    for (int others = 0; others < 2; others++) {
        for (int i = 0; i < MODES; i++) {
            struct zmtp_budget budget;
            zmtp_budget_init(&budget, NULL);
            struct zmtp_socket_config config = sockets_config(ZMTP_XPUB, 9);
            config.xpub_mode = modes[i];
            config.allocator = &budget.allocator;
            struct zmtp_socket *xpub = sockets_open_with(&config);
            struct zmtp_socket *sub = sockets_open(ZMTP_SUB, 9);
            struct zmtp_pipe_end *ends[2], *other = sockets_accept(xpub, "");
            assert_int_equal(zmtp_socket_join(sub, xpub, ends), ZMTP_OK);
            zmtp_socket_process(sub);
            assert_int_equal(zmtp_socket_subscribe(sub, zmtp_bytes_text("t")), ZMTP_OK);
            zmtp_socket_process(xpub);
            assert_string_equal(sockets_recv(xpub), "\\x01t");
            if (others) sockets_far_send(other, "<SUBSCRIBE>t");
            if (others && modes[i] != ZMTP_XPUB_NORMAL)
                assert_string_equal(sockets_recv(xpub), "\\x01t");
            assert_int_equal(zmtp_socket_cancel(sub, zmtp_bytes_text("t")), ZMTP_OK);
            zmtp_socket_process(xpub);
            budget.fail_at = budget.calls + 1;
            budget.fail_on = true;
            zmtp_socket_detach(xpub, ends[1]);
            budget.fail_at = 0;
            budget.fail_on = false;
            const bool each = modes[i] != ZMTP_XPUB_NORMAL && modes[i] != ZMTP_XPUB_VERBOSE;
            if (!others || each) assert_string_equal(sockets_recv(xpub), "\\x00t");
            assert_string_equal(sockets_recv(xpub), NOTHING);
            sockets_drop(other);
            if (others) assert_string_equal(sockets_recv(xpub), "\\x00t");
            assert_string_equal(sockets_recv(xpub), NOTHING);
            zmtp_socket_close(xpub);
            zmtp_socket_close(sub);
            assert_int_equal(budget.blocks, 0);
        }
    }
}

static void test_told_one_by_one_a_peer_is_not_heard_further_before_its_turn(void **state)
{
    (void)state;
    struct zmtp_socket *xpub = open_mode(ZMTP_XPUB_VERBOSE, 2);
    struct zmtp_pipe_end *a = sockets_accept(xpub, ""), *b = sockets_accept(xpub, "");
    zmtp_socket_process(xpub);
    sockets_far_send(a, "<SUBSCRIBE>1");
    sockets_far_send(a, "<SUBSCRIBE>3");
    sockets_far_send(b, "<SUBSCRIBE>2");
    zmtp_socket_process(xpub);
    assert_false(zmtp__pipe_writable(a)); // nothing piles up
    assert_string_equal(sockets_recv(xpub), "\\x011");
    assert_string_equal(sockets_recv(xpub), "\\x012");
    assert_string_equal(sockets_recv(xpub), "\\x013");
    assert_true(zmtp__pipe_writable(a));
    zmtp_socket_close(xpub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

static void test_manual_the_user_decides_what_a_peer_is_subscribed_to(void **state)
{
    (void)state;
    struct zmtp_socket *xpub = open_mode(ZMTP_XPUB_MANUAL, 9);
    struct zmtp_pipe_end *a = sockets_accept(xpub, ""), *b = sockets_accept(xpub, "");
    assert_int_equal(subscribe(xpub, "x"), ZMTP_ERR_STATE); // nobody asked yet
    zmtp_socket_process(xpub);
    sockets_far_send(a, "<SUBSCRIBE>wish");
    sockets_far_send(b, "<SUBSCRIBE>wish");
    assert_string_equal(sockets_recv(xpub), "\\x01wish");
    assert_int_equal(zmtp_socket_subscribers(xpub), 0);
    assert_int_equal(subscribe(xpub, "given"), ZMTP_OK); // to a
    assert_string_equal(sockets_send(xpub, "wish"), "ZMTP_OK");
    assert_string_equal(sockets_send(xpub, "given"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "given");
    assert_string_equal(sockets_recv(xpub), "\\x01wish");
    assert_int_equal(subscribe(xpub, "wish"), ZMTP_OK); // to b
    assert_string_equal(sockets_send(xpub, "wish"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "");
    assert_string_equal(sockets_far_recv(b), "wish");
    sockets_far_send(a, "<CANCEL>wish");
    assert_string_equal(sockets_recv(xpub), "\\x00wish");
    assert_int_equal(zmtp_socket_subscribers(xpub), 2); // a is still subscribed
    assert_int_equal(zmtp_socket_cancel(xpub, zmtp_bytes_text("given")), ZMTP_OK);
    assert_int_equal(zmtp_socket_subscribers(xpub), 1);
    sockets_drop(a);
    zmtp_socket_process(xpub);
    assert_int_equal(subscribe(xpub, "x"), ZMTP_ERR_STATE); // who asked is gone
    assert_int_equal(zmtp_socket_cancel(xpub, zmtp_bytes_text("x")), ZMTP_ERR_STATE);
    sockets_drop(b);
    assert_string_equal(sockets_recv(xpub), "\\x00wish"); // what b wanted, not what it had
    assert_string_equal(sockets_recv(xpub), NOTHING);
    assert_int_equal(zmtp_socket_subscribers(xpub), 0);
    sockets_assert_conserved(xpub, 2);
    zmtp_socket_close(xpub);
}

// The end that was told is of nobody who is still there; the other, who is, has what it was given.
static void test_manual_an_end_told_of_a_vanished_peer_leaves_the_others_alone(void **state)
{
    (void)state;
    struct zmtp_socket *xpub = open_mode(ZMTP_XPUB_MANUAL, 9);
    struct zmtp_pipe_end *a = sockets_accept(xpub, ""), *b = sockets_accept(xpub, "");
    sockets_far_send(a, "<SUBSCRIBE>x");
    assert_string_equal(sockets_recv(xpub), "\\x01x");
    assert_int_equal(subscribe(xpub, "x"), ZMTP_OK);
    sockets_far_send(b, "<SUBSCRIBE>x");
    assert_string_equal(sockets_recv(xpub), "\\x01x");
    assert_int_equal(subscribe(xpub, "x"), ZMTP_OK);
    sockets_drop(a);
    assert_string_equal(sockets_recv(xpub), "\\x00x"); // a's
    assert_int_equal(zmtp_socket_cancel(xpub, zmtp_bytes_text("x")), ZMTP_ERR_STATE);
    assert_string_equal(sockets_send(xpub, "x"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(b), "x");
    sockets_drop(b);
    zmtp_socket_close(xpub);
}

// No peer has news meanwhile, so who is chosen for the topic is not looked up again on their account.
static void test_manual_what_the_user_decides_counts_from_the_next_message_on(void **state)
{
    (void)state;
    struct zmtp_socket *xpub = open_mode(ZMTP_XPUB_MANUAL, 9);
    struct zmtp_pipe_end *far[3];
    for (size_t i = 0; i < 3; i++) {
        far[i] = sockets_accept(xpub, "");
        sockets_far_send(far[i], "<SUBSCRIBE>x");
        assert_string_equal(sockets_recv(xpub), "\\x01x");
        if (i < 2) assert_int_equal(subscribe(xpub, "x"), ZMTP_OK);
    }
    assert_string_equal(sockets_send(xpub, "x1"), "ZMTP_OK");
    assert_int_equal(subscribe(xpub, "x"), ZMTP_OK);
    assert_string_equal(sockets_send(xpub, "x2"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_cancel(xpub, zmtp_bytes_text("x")), ZMTP_OK);
    assert_string_equal(sockets_send(xpub, "x3"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(far[2]), "x2");
    assert_string_equal(sockets_far_recv(far[2]), "");
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(zmtp_pipe_depth(far[i]).in_count, 3);
    zmtp_socket_close(xpub);
    for (size_t i = 0; i < 3; i++)
        zmtp_pipe_close(far[i]);
}

static void test_not_manual_the_user_subscribes_nobody(void **state)
{
    (void)state;
    struct zmtp_socket *xpub = sockets_open(ZMTP_XPUB, 9);
    assert_int_equal(subscribe(xpub, "x"), ZMTP_ERR_UNSUPPORTED);
    assert_int_equal(zmtp_socket_cancel(xpub, zmtp_bytes_text("x")), ZMTP_ERR_UNSUPPORTED);
    zmtp_socket_close(xpub);
}

static void test_with_last_value_the_next_message_is_for_the_new_subscriber_alone(void **state)
{
    (void)state;
    struct zmtp_socket *xpub = open_mode(ZMTP_XPUB_LAST_VALUE, 9);
    struct zmtp_pipe_end *a = sockets_accept(xpub, ""), *b = sockets_accept(xpub, "");
    zmtp_socket_process(xpub);
    sockets_far_send(a, "<SUBSCRIBE>t");
    assert_string_equal(sockets_recv(xpub), "\\x01t");
    assert_int_equal(subscribe(xpub, "t"), ZMTP_OK);
    assert_string_equal(sockets_send(xpub, "t|1"), "ZMTP_OK");
    sockets_far_send(b, "<SUBSCRIBE>t");
    assert_string_equal(sockets_recv(xpub), "\\x01t");
    assert_int_equal(subscribe(xpub, "t"), ZMTP_OK);
    assert_string_equal(sockets_send(xpub, "t|1"), "ZMTP_OK"); // which a has already
    assert_string_equal(sockets_send(xpub, "t|2"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "t|1");
    assert_string_equal(sockets_far_recv(a), "t|2");
    assert_string_equal(sockets_far_recv(b), "t|1");
    assert_string_equal(sockets_far_recv(b), "t|2");
    assert_int_equal(subscribe(xpub, "u"), ZMTP_OK);
    assert_string_equal(sockets_send(xpub, "v"), "ZMTP_OK"); // b did not get it, and nobody else
    assert_int_equal(dropped(xpub, ZMTP_DROP_NO_MATCH), 1);
    sockets_assert_conserved(xpub, 4);
    zmtp_socket_close(xpub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

static void test_a_welcome_is_the_first_message_of_a_connection(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_XPUB, 9);
    char text[] = "welcome to a socket whose first words do not fit into a part's own octets";
    config.xpub_welcome = zmtp_bytes_text(text);
    struct zmtp_socket *xpub = sockets_open_with(&config);
    text[0] = 'X'; // it was copied
    struct zmtp_pipe_end *a = sockets_accept(xpub, ""), *b = sockets_dial(xpub);
    zmtp_socket_process(xpub);
    text[0] = 'w';
    assert_string_equal(sockets_far_recv(a), text);
    assert_string_equal(sockets_far_recv(a), "");
    assert_string_equal(sockets_far_recv(b), "");
    for (int i = 0; i < 2; i++) {
        sockets_connect(b, "");
        zmtp_socket_process(xpub);
        assert_string_equal(sockets_far_recv(b), text);
        zmtp_pipe_link_down(b);
        zmtp_socket_process(xpub);
    }
    sockets_assert_conserved(xpub, 3);
    zmtp_socket_close(xpub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// The peer's wish is over, and what it said after that was not looked at yet.
static void test_without_memory_for_a_welcome_nothing_is_received_that_is_not_due(void **state)
{
    (void)state;
    for (int i = 1; i < MODES; i++) {
        struct zmtp_budget budget;
        zmtp_budget_init(&budget, NULL);
        struct zmtp_socket_config config = sockets_config(ZMTP_XPUB, 9);
        config.allocator = &budget.allocator;
        config.xpub_mode = modes[i];
        config.xpub_welcome = zmtp_bytes_text("welcome");
        struct zmtp_socket *xpub = sockets_open_with(&config);
        struct zmtp_pipe_end *a = sockets_dial(xpub);
        sockets_connect(a, "");
        sockets_far_send(a, "<SUBSCRIBE>1");
        zmtp_socket_process(xpub);
        while (a->in->count > 0)
            (void)sockets_far_recv(a);
        zmtp_pipe_link_down(a);
        zmtp_socket_process(xpub);
        sockets_connect(a, "");
        sockets_far_send(a, "<SUBSCRIBE>2");
        budget.fail_at = budget.calls + 1;
        budget.fail_on = true;
        zmtp_socket_process(xpub);
        assert_string_equal(sockets_recv(xpub), NOTHING);
        budget.fail_on = false;
        budget.fail_at = 0;
        zmtp_socket_process(xpub);
        assert_string_equal(sockets_recv(xpub), "\\x012");
        assert_string_equal(sockets_recv(xpub), NOTHING);
        zmtp_socket_close(xpub);
        zmtp_pipe_close(a);
    }
}

// What a dialled peer said may be acted upon after it has gone; for an immediate socket nobody is there.
static void test_with_nodrop_who_is_not_connected_holds_up_nobody(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_XPUB, 1);
    config.nodrop = config.immediate = true;
    config.xpub_mode = ZMTP_XPUB_VERBOSER;
    struct zmtp_socket *xpub = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_dial(xpub);
    sockets_connect(a, "");
    sockets_far_send(a, "<SUBSCRIBE>1");
    sockets_far_send(a, "<SUBSCRIBE>2");
    zmtp_socket_process(xpub);
    zmtp_pipe_link_down(a);
    (void)sockets_recv(xpub);
    (void)sockets_recv(xpub);
    assert_string_equal(sockets_send(xpub, "2"), "ZMTP_OK");
    // One that was full when it went holds up nobody either.
    sockets_connect(a, "");
    sockets_far_send(a, "<SUBSCRIBE>");
    while (strcmp(sockets_recv(xpub), NOTHING) != 0) {}
    assert_string_equal(sockets_send(xpub, "3"), "ZMTP_OK");
    assert_string_equal(sockets_send(xpub, "4"), NOTHING);
    assert_false(zmtp_socket_events(xpub) & ZMTP_WRITABLE);
    zmtp_pipe_link_down(a);
    assert_true(zmtp_socket_events(xpub) & ZMTP_WRITABLE);
    assert_string_equal(sockets_send(xpub, "4"), "ZMTP_OK");
    zmtp_socket_close(xpub);
    zmtp_pipe_close(a);
}

static void test_with_nodrop_everybody_gets_a_message_or_nobody(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_XPUB, 1);
    config.nodrop = true;
    struct zmtp_socket *xpub = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(xpub, ""), *b = sockets_accept(xpub, "");
    sockets_far_send(a, "<SUBSCRIBE>");
    sockets_far_send(b, "<SUBSCRIBE>t");
    assert_string_equal(sockets_send(xpub, "1"), "ZMTP_OK"); // a is full
    assert_string_equal(sockets_send(xpub, "t"), "ZMTP_ERR_AGAIN");
    assert_string_equal(sockets_far_recv(b), "");
    assert_int_equal(zmtp_socket_events(xpub), ZMTP_READABLE);
    assert_string_equal(sockets_far_recv(a), "1");
    assert_true(zmtp_socket_marked(xpub));
    assert_int_equal(zmtp_socket_events(xpub), ZMTP_READABLE | ZMTP_WRITABLE);
    assert_string_equal(sockets_send(xpub, "t"), "ZMTP_OK");
    assert_string_equal(sockets_send(xpub, "u"), "ZMTP_ERR_AGAIN");
    sockets_drop(a); // whom it waited for is gone
    assert_int_equal(zmtp_socket_events(xpub), ZMTP_READABLE | ZMTP_WRITABLE);
    assert_string_equal(sockets_far_recv(b), "t");
    assert_int_equal(dropped(xpub, ZMTP_DROP_PEER_FULL), 0);
    sockets_assert_conserved(xpub, 2);
    zmtp_socket_close(xpub);
    zmtp_pipe_close(b);
}

static void test_who_subscribes_beyond_the_limits_is_cut_off_and_its_topics_end(void **state)
{
    (void)state;
    for (int i = 0; i < MODES; i++) {
        struct zmtp_socket_config config = sockets_config(ZMTP_XPUB, 9);
        config.xpub_mode = modes[i];
        config.subscriptions_max = 2;
        struct zmtp_socket *xpub = sockets_open_with(&config);
        struct zmtp_pipe_end *a = sockets_accept(xpub, "");
        sockets_far_send(a, "<SUBSCRIBE>1");
        assert_string_equal(sockets_recv(xpub), "\\x011");
        sockets_far_send(a, "<SUBSCRIBE>2");
        assert_string_equal(sockets_recv(xpub), "\\x012");
        sockets_far_send(a, "<SUBSCRIBE>3");
        zmtp_socket_process(xpub);
        assert_true(zmtp__pipe_finished(a));
        assert_int_equal(sockets_pipes(xpub), 0);
        assert_string_equal(sockets_recv(xpub), "\\x001");
        assert_string_equal(sockets_recv(xpub), "\\x002");
        assert_string_equal(sockets_recv(xpub), NOTHING);
        zmtp_pipe_close(a);
        zmtp_socket_close(xpub);
    }
}

static enum zmtp_xpub_mode failing_mode;

static void publish_with_failing_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_XPUB, 2);
    config.allocator = allocator;
    config.nodrop = true;
    config.xpub_mode = failing_mode;
    config.xpub_welcome = zmtp_bytes_text("hello");
    struct zmtp_socket *xpub;
    struct zmtp_pipe_end *far[2] = {NULL, NULL};
    if (zmtp_socket_open(&xpub, &config) < 0) return;
    const bool for_good = ((const struct zmtp_budget *)allocator->context)->fail_on;
    size_t left = 0, asked = 0, told = 0;
    for (size_t i = 0; i < 2; i++) {
        if (zmtp_socket_attach(xpub, false, (struct zmtp_bytes){0}, &far[i]) < 0) continue;
        (void)zmtp_pipe_link_up(far[i], &(struct zmtp_origin){.type = ZMTP_SUB});
        // A topic that does not lie within a part.
        static const char wish[] =
            "<SUBSCRIBE>a topic that is longer than what a part has room for";
        if (sockets_far_try(far[i], wish) || sockets_far_try(far[i], wish)) asked++;
    }
    for (int tries = 0; tries < 8; tries++) {
        const char *news = sockets_recv(xpub);
        told += *news == '\\';
        if (*news == '\\' && failing_mode >= ZMTP_XPUB_MANUAL)
            (void)zmtp_socket_subscribe(xpub, zmtp_bytes_text("t"));
    }
    if (!for_good) assert_int_equal(told, failing_mode == ZMTP_XPUB_NORMAL ? asked > 0 : asked);
    for (int i = 0; i < 3; i++) {
        const uint64_t copies = zmtp_socket_counters(xpub).copies;
        const bool sent = sockets_send(xpub, "t|x|y|z")[5] == 'O';
        if (!sent) assert_int_equal(zmtp_socket_counters(xpub).copies, copies); // all or none
        for (size_t k = 0; k < 2; k++)
            while (far[k] && far[k]->in->count > 0)
                left += *sockets_far_recv(far[k]) != 0;
    }
    sockets_assert_conserved(xpub, left);
    zmtp_socket_close(xpub);
    zmtp_pipe_close(far[0]);
    zmtp_pipe_close(far[1]);
}

static void test_whichever_allocation_fails_nothing_is_lost_or_leaks(void **state)
{
    (void)state;
    for (int i = 0; i < MODES; i++) {
        failing_mode = modes[i];
        sockets_with_failing_memory(publish_with_failing_memory);
    }
}

// Its wishes may not have been looked at when another connection has followed.
static void test_what_an_earlier_connection_wished_ended_with_it(void **state)
{
    (void)state;
    struct zmtp_socket *pub = sockets_open(ZMTP_XPUB, 9);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_an_earlier_connection_wished_ended_with_it),
        cmocka_unit_test(test_the_user_hears_of_the_first_and_the_last_subscriber_of_a_topic),
        cmocka_unit_test(test_a_user_that_does_not_listen_delays_no_subscription),
        cmocka_unit_test(test_topics_of_a_peer_that_vanishes_are_told_to_have_ended),
        cmocka_unit_test(test_a_dialled_subscriber_that_comes_back_asks_anew),
        cmocka_unit_test(test_messages_of_subscribers_are_received_in_turn),
        cmocka_unit_test(test_a_peer_whose_message_is_not_received_is_held_up_alone),
        cmocka_unit_test(test_a_message_of_several_parts_may_hold_several_wishes),
        cmocka_unit_test(test_verbose_tells_of_every_subscription_and_verboser_of_every_end),
        cmocka_unit_test(test_verboser_tells_for_each_peer_that_vanishes),
        cmocka_unit_test(test_of_a_peer_that_vanishes_what_was_not_told_need_not_be),
        cmocka_unit_test(test_a_joined_subscriber_may_be_detached_before_its_wish_was_told),
        cmocka_unit_test(test_a_joined_subscriber_may_be_detached_before_its_end_was_told),
        cmocka_unit_test(test_told_one_by_one_a_peer_is_not_heard_further_before_its_turn),
        cmocka_unit_test(test_manual_the_user_decides_what_a_peer_is_subscribed_to),
        cmocka_unit_test(test_manual_an_end_told_of_a_vanished_peer_leaves_the_others_alone),
        cmocka_unit_test(test_manual_what_the_user_decides_counts_from_the_next_message_on),
        cmocka_unit_test(test_not_manual_the_user_subscribes_nobody),
        cmocka_unit_test(test_with_last_value_the_next_message_is_for_the_new_subscriber_alone),
        cmocka_unit_test(test_a_welcome_is_the_first_message_of_a_connection),
        cmocka_unit_test(test_without_memory_for_a_welcome_nothing_is_received_that_is_not_due),
        cmocka_unit_test(test_with_nodrop_who_is_not_connected_holds_up_nobody),
        cmocka_unit_test(test_with_nodrop_everybody_gets_a_message_or_nobody),
        cmocka_unit_test(test_who_subscribes_beyond_the_limits_is_cut_off_and_its_topics_end),
        cmocka_unit_test(test_whichever_allocation_fails_nothing_is_lost_or_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
