// XSUB (RFC 29).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "test/support/sockets.h"
#include "zmtp/socket/alter.h"

// PS29-XSUB-01, XSUB-03
static void test_a_message_of_one_or_zero_and_a_topic_is_a_subscription(void **state)
{
    (void)state;
    struct zmtp_socket *xsub = sockets_open(ZMTP_XSUB, 9);
    struct zmtp_pipe_end *a = sockets_accept(xsub, "");
    assert_string_equal(sockets_send(xsub, "\\x01t"), "ZMTP_OK");
    assert_string_equal(sockets_send(xsub, "\\x01"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "<SUBSCRIBE>t");
    assert_string_equal(sockets_far_recv(a), "<SUBSCRIBE>");
    struct zmtp_pipe_end *b = sockets_accept(xsub, "");
    zmtp_socket_process(xsub);
    sockets_far_assert_both(b, "<SUBSCRIBE>", "<SUBSCRIBE>t"); // who comes later is told, too
    assert_string_equal(sockets_send(xsub, "\\x00t"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "<CANCEL>t");
    assert_string_equal(sockets_far_recv(b), "<CANCEL>t");
    assert_int_equal(zmtp_socket_subscribe(xsub, zmtp_bytes_text("u")), ZMTP_OK); // the same
    assert_string_equal(sockets_far_recv(a), "<SUBSCRIBE>u");
    assert_int_equal(zmtp_socket_cancel(xsub, zmtp_bytes_text("t")), ZMTP_ERR_NOT_FOUND);
    assert_int_equal(zmtp_socket_counters(xsub).sent, 3);
    assert_int_equal(zmtp_socket_counters(xsub).copies, 0); // commands are no messages
    zmtp_socket_close(xsub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// LZ-41
static void test_every_subscribe_is_told_and_the_last_cancel_or_each(void **state)
{
    (void)state;
    for (int verbose = 0; verbose < 2; verbose++) {
        struct zmtp_socket_config config = sockets_config(ZMTP_XSUB, 9);
        config.xsub_verbose_unsubscribe = verbose;
        struct zmtp_socket *xsub = sockets_open_with(&config);
        struct zmtp_pipe_end *a = sockets_accept(xsub, "");
        for (int i = 0; i < 2; i++) {
            assert_string_equal(sockets_send(xsub, "\\x01t"), "ZMTP_OK");
            assert_string_equal(sockets_far_recv(a), "<SUBSCRIBE>t");
        }
        assert_string_equal(sockets_send(xsub, "\\x00t"), "ZMTP_OK");
        assert_string_equal(sockets_far_recv(a), verbose ? "<CANCEL>t" : "");
        assert_string_equal(sockets_send(xsub, "\\x00t"), "ZMTP_OK");
        assert_string_equal(sockets_far_recv(a), "<CANCEL>t");
        assert_string_equal(sockets_send(xsub, "\\x00t"), "ZMTP_OK"); // of nothing
        assert_string_equal(sockets_far_recv(a), verbose ? "<CANCEL>t" : "");
        zmtp_socket_close(xsub);
        zmtp_pipe_close(a);
    }
}

// PS29-XSUB-01, XSUB-02
static void test_other_messages_go_to_every_publisher_that_has_room(void **state)
{
    (void)state;
    struct zmtp_socket *xsub = sockets_open(ZMTP_XSUB, 1);
    assert_string_equal(sockets_send(xsub, "nobody"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_counters(xsub).dropped[ZMTP_DROP_NO_ROUTE], 1);
    struct zmtp_pipe_end *a = sockets_accept(xsub, ""), *b = sockets_dial(xsub);
    assert_string_equal(sockets_send(xsub, "\\x01t|of two parts"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_events(xsub), ZMTP_WRITABLE); // never blocks
    assert_string_equal(sockets_far_recv(a), "\\x01t|of two parts");
    assert_string_equal(sockets_send(xsub, "\\x02"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "\\x02");
    assert_string_equal(sockets_far_recv(b), "\\x01t|of two parts"); // it was full
    assert_string_equal(sockets_far_recv(b), "");
    assert_int_equal(zmtp_socket_counters(xsub).dropped[ZMTP_DROP_PEER_FULL], 1);
    sockets_assert_conserved(xsub, 3);
    zmtp_socket_close(xsub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

static void test_only_messages_that_went_with_a_publisher_are_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct zmtp_socket *xsub = sockets_open(ZMTP_XSUB, 9);
        struct zmtp_pipe_end *a = sockets_accept(xsub, "");
        assert_string_equal(sockets_send(xsub, "\\x01t"), "ZMTP_OK");
        assert_string_equal(sockets_send(xsub, "1"), "ZMTP_OK");
        assert_string_equal(sockets_send(xsub, "\\x00t"), "ZMTP_OK");
        assert_string_equal(sockets_send(xsub, "2|3"), "ZMTP_OK");
        if (i == 0)
            zmtp_pipe_close(a);
        else
            zmtp_pipe_link_down(a);
        zmtp_socket_process(xsub);
        assert_int_equal(zmtp_socket_counters(xsub).dropped[ZMTP_DROP_PEER_GONE], 2);
        sockets_assert_conserved(xsub, 0);
        assert_string_equal(sockets_send(xsub, "\\x01late"), "ZMTP_OK");
        assert_int_equal(sockets_queued(xsub), 0); // one that is gone is told no more
        zmtp_socket_close(xsub);
        if (i == 1) zmtp_pipe_close(a);
    }
}

static void test_messages_wait_for_a_dialled_publisher_and_topics_are_told_anew(void **state)
{
    (void)state;
    struct zmtp_socket *xsub = sockets_open(ZMTP_XSUB, 9);
    struct zmtp_pipe_end *a = sockets_dial(xsub);
    assert_string_equal(sockets_send(xsub, "\\x01t"), "ZMTP_OK");
    assert_string_equal(sockets_send(xsub, "waits"), "ZMTP_OK");
    for (int i = 0; i < 2; i++) {
        sockets_connect(a, "");
        zmtp_socket_process(xsub);
        assert_string_equal(sockets_far_recv(a), "waits");
        assert_string_equal(sockets_far_recv(a), "<SUBSCRIBE>t");
        assert_string_equal(sockets_send(xsub, "waits"), "ZMTP_OK");
        zmtp_pipe_link_down(a);
        zmtp_socket_process(xsub);
    }
    sockets_assert_conserved(xsub, 2);
    zmtp_socket_close(xsub);
    zmtp_pipe_close(a);
}

static void test_immediate_publishers_get_messages_while_connected_only(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_XSUB, 9);
    config.immediate = true;
    struct zmtp_socket *xsub = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_dial(xsub);
    assert_string_equal(sockets_send(xsub, "early"), "ZMTP_OK");
    sockets_connect(a, "");
    assert_string_equal(sockets_send(xsub, "in time"), "ZMTP_OK");
    zmtp_pipe_link_down(a);
    assert_string_equal(sockets_send(xsub, "late"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "in time");
    assert_string_equal(sockets_far_recv(a), "");
    assert_int_equal(zmtp_socket_counters(xsub).dropped[ZMTP_DROP_NO_ROUTE], 2);
    zmtp_socket_close(xsub);
    zmtp_pipe_close(a);
}

// PS29-XSUB-01; LZ-29
static void test_what_comes_is_received_whether_subscribed_or_not(void **state)
{
    (void)state;
    struct zmtp_socket *xsub = sockets_open(ZMTP_XSUB, 2);
    struct zmtp_pipe_end *a = sockets_accept(xsub, ""), *b = sockets_accept(xsub, "");
    zmtp_socket_process(xsub);
    sockets_far_send(a, "1|x");
    sockets_far_send(a, "3");
    sockets_far_send(b, "2");
    assert_false(zmtp__pipe_writable(a)); // a full queue discards nothing
    assert_int_equal(zmtp_socket_events(xsub), ZMTP_READABLE | ZMTP_WRITABLE);
    assert_string_equal(sockets_recv(xsub), "1|x");
    assert_string_equal(sockets_recv(xsub), "2");
    assert_string_equal(sockets_recv(xsub), "3");
    assert_string_equal(sockets_recv(xsub), "ZMTP_ERR_AGAIN");
    zmtp_socket_close(xsub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// What a forwarder does: subscriptions go up, messages go down, and the other way round.
static void test_an_xpub_and_an_xsub_make_a_forwarder(void **state)
{
    (void)state;
    struct zmtp_socket *pub = sockets_open(ZMTP_PUB, 9), *sub = sockets_open(ZMTP_SUB, 9);
    struct zmtp_socket *xpub = sockets_open(ZMTP_XPUB, 9), *xsub = sockets_open(ZMTP_XSUB, 9);
    struct zmtp_pipe_end *ends[2];
    assert_int_equal(zmtp_socket_join(xsub, pub, ends), ZMTP_OK);
    assert_int_equal(zmtp_socket_join(sub, xpub, ends), ZMTP_OK);
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp_socket_subscribe(sub, zmtp_bytes_text("t")), ZMTP_OK);
    zmtp_socket_process(sub);
    assert_int_equal(zmtp_socket_recv(xpub, &msg), ZMTP_OK);
    assert_int_equal(zmtp_socket_send(xsub, &msg), ZMTP_OK);
    assert_string_equal(sockets_send(pub, "t|news"), "ZMTP_OK");
    assert_int_equal(zmtp_socket_recv(xsub, &msg), ZMTP_OK);
    assert_int_equal(zmtp_socket_send(xpub, &msg), ZMTP_OK);
    assert_string_equal(sockets_recv(sub), "t|news");
    zmtp_socket_close(sub);
    assert_int_equal(zmtp_socket_recv(xpub, &msg), ZMTP_OK);
    assert_int_equal(zmtp_socket_send(xsub, &msg), ZMTP_OK);
    zmtp_socket_process(pub);
    assert_int_equal(zmtp_socket_subscribers(pub), 0);
    zmtp_msg_fini(&msg);
    zmtp_socket_close(pub);
    zmtp_socket_close(xpub);
    zmtp_socket_close(xsub);
}

static void subscribe_with_failing_memory(const struct zmtp_allocator *allocator)
{
    struct zmtp_socket_config config = sockets_config(ZMTP_XSUB, 2);
    config.allocator = allocator;
    struct zmtp_socket *xsub;
    if (zmtp_socket_open(&xsub, &config) < 0) return;
    struct zmtp_pipe_end *far;
    if (zmtp_socket_attach(xsub, true, (struct zmtp_bytes){0}, &far) == ZMTP_OK) {
        const bool for_good = ((const struct zmtp_budget *)allocator->context)->fail_on;
        (void)zmtp_pipe_link_up(far, &(struct zmtp_origin){.type = ZMTP_XPUB});
        const bool up = zmtp_pipe_link(far->other)->up;
        bool subscribed = sockets_send(xsub, "\\x01t")[5] == 'O';
        subscribed = sockets_send(xsub, "\\x01t")[5] == 'O' || subscribed;
        size_t left = 0;
        bool told = false;
        for (int i = 0; i < 3; i++) {
            (void)sockets_send(xsub, "m|n");
            zmtp_socket_process(xsub);
            for (const char *text; far->in->count > 0 && *(text = sockets_far_recv(far));) {
                told = told || *text == '<';
                left += *text == 'm';
            }
        }
        if (!for_good && up) assert_int_equal(told, subscribed); // later, but not never
        sockets_assert_conserved(xsub, left);
        zmtp_pipe_close(far);
    }
    zmtp_socket_close(xsub);
}

static void test_whichever_allocation_fails_nothing_is_lost_or_leaks(void **state)
{
    (void)state;
    sockets_with_failing_memory(subscribe_with_failing_memory);
}

// It accepts, and hangs up before it has read anything, for ever.
static void test_a_publisher_that_comes_and_goes_does_not_make_subscriptions_pile_up(void **state)
{
    (void)state;
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct zmtp_socket_config config = sockets_config(ZMTP_XSUB, 9);
    config.allocator = &budget.allocator;
    struct zmtp_socket *xsub = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_dial(xsub);
    for (uint8_t topic = 0; topic < 100; topic++)
        assert_int_equal(zmtp_socket_subscribe(xsub, zmtp_bytes_of(&topic, 1)), ZMTP_OK);
    assert_string_equal(sockets_send(xsub, "message"), "ZMTP_OK");
    size_t held = 0;
    for (int i = 0; i < 50; i++) {
        sockets_connect(a, "");
        zmtp_socket_process(xsub);
        assert_int_equal(a->in->count, 101);
        zmtp_pipe_link_down(a);
        zmtp_socket_process(xsub);
        if (i == 10) held = budget.bytes;
    }
    assert_int_equal(a->in->count, 1);
    assert_true(budget.bytes <= held);
    sockets_connect(a, "");
    assert_string_equal(sockets_far_recv(a), "message");
    zmtp_socket_close(xsub);
    zmtp_pipe_close(a);
    assert_int_equal(budget.blocks, 0);
}

static void test_with_nodrop_a_message_is_admitted_when_every_publisher_has_room(void **state)
{
    (void)state;
    struct zmtp_socket_config config = sockets_config(ZMTP_XSUB, 1);
    config.nodrop = true;
    struct zmtp_socket *xsub = sockets_open_with(&config);
    struct zmtp_pipe_end *a = sockets_accept(xsub, ""), *b = sockets_accept(xsub, "");
    const struct zmtp_bytes first = zmtp_bytes_text("x");
    assert_int_equal(zmtp__socket_admits(xsub, first), ZMTP_OK);
    assert_string_equal(sockets_send(xsub, "x"), "ZMTP_OK");
    assert_string_equal(sockets_far_recv(a), "x"); // b is full
    assert_int_equal(zmtp__socket_admits(xsub, first), ZMTP_ERR_AGAIN);
    assert_false(zmtp_socket_events(xsub) & ZMTP_WRITABLE);
    assert_string_equal(sockets_far_recv(b), "x");
    assert_int_equal(zmtp__socket_admits(xsub, first), ZMTP_OK);
    assert_true(zmtp_socket_events(xsub) & ZMTP_WRITABLE);
    zmtp_socket_close(xsub);
    zmtp_pipe_close(a);
    zmtp_pipe_close(b);
}

// What is freed is overwritten, so that whoever still reads it finds something else.
static void *spoil(void *context, void *memory, size_t old_size, size_t new_size)
{
    (void)context;
    if (memory && new_size == 0) memset(memory, 0xEE, old_size);
    return zmtp_heap()->resize(zmtp_heap()->context, memory, old_size, new_size);
}

static struct zmtp_socket *open_spoiling(enum zmtp_socket_type type, enum zmtp_xpub_mode mode)
{
    static const struct zmtp_allocator spoiling = {.resize = spoil};
    struct zmtp_socket_config config = sockets_config(type, 900);
    config.xpub_mode = mode;
    config.allocator = &spoiling;
    return sockets_open_with(&config);
}

// A joined XPUB reads the XSUB's own queue, and has a wish that is due there until its user receives it.
static void test_what_a_joined_publisher_has_in_hand_stays_where_it_is(void **state)
{
    (void)state;
    static const uint8_t octets[9000] = {'m'}; // more than messages share a slab for
    static const struct zmtp_bytes large = {octets, sizeof octets};
    for (int i = 0; i < 4 * 2; i++) {
        const enum zmtp_xpub_mode mode = (enum zmtp_xpub_mode)(ZMTP_XPUB_VERBOSE + i / 2);
        struct zmtp_socket *xsub = open_spoiling(ZMTP_XSUB, ZMTP_XPUB_NORMAL);
        struct zmtp_socket *xpubs[2];
        struct zmtp_pipe_end *ends[2];
        for (int k = 0; k < 2; k++) {
            xpubs[k] = open_spoiling(ZMTP_XPUB, mode);
            assert_int_equal(zmtp_socket_join(xsub, xpubs[k], ends), ZMTP_OK);
        }
        zmtp_socket_process(xsub);
        // Of several parts it is a message, which goes to both as it is.
        assert_string_equal(sockets_send(xsub, "\\x01first|\\x01second"), "ZMTP_OK");
        for (int k = 0; k < 2; k++)
            zmtp_socket_process(xpubs[k]);
        if (i % 2)
            zmtp_socket_close(xsub);
        else
            assert_int_equal(zmtp_socket_send_bytes(xsub, &large, 1), ZMTP_OK);
        for (int k = 0; k < 2; k++) {
            zmtp_socket_process(xpubs[k]);
            if (i % 2 == 0) assert_string_equal(sockets_recv(xpubs[k]), "\\x01first");
            if (i % 2 == 0) assert_string_equal(sockets_recv(xpubs[k]), "\\x01second");
            if (i % 2) assert_string_equal(sockets_recv(xpubs[k]), "ZMTP_ERR_AGAIN");
            zmtp_socket_close(xpubs[k]);
        }
        if (i % 2 == 0) zmtp_socket_close(xsub);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_publisher_that_comes_and_goes_does_not_make_subscriptions_pile_up),
        cmocka_unit_test(test_a_message_of_one_or_zero_and_a_topic_is_a_subscription),
        cmocka_unit_test(test_every_subscribe_is_told_and_the_last_cancel_or_each),
        cmocka_unit_test(test_other_messages_go_to_every_publisher_that_has_room),
        cmocka_unit_test(test_only_messages_that_went_with_a_publisher_are_counted),
        cmocka_unit_test(test_messages_wait_for_a_dialled_publisher_and_topics_are_told_anew),
        cmocka_unit_test(test_immediate_publishers_get_messages_while_connected_only),
        cmocka_unit_test(test_what_comes_is_received_whether_subscribed_or_not),
        cmocka_unit_test(test_an_xpub_and_an_xsub_make_a_forwarder),
        cmocka_unit_test(test_what_a_joined_publisher_has_in_hand_stays_where_it_is),
        cmocka_unit_test(test_whichever_allocation_fails_nothing_is_lost_or_leaks),
        cmocka_unit_test(test_with_nodrop_a_message_is_admitted_when_every_publisher_has_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
