// XPUB: what it keeps of what its user is told, is still to be told, and of those who have gone.
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

#define NOTHING "ZMTP_ERR_AGAIN"

// A subscriber that comes, asks and goes again and again, and a user that never receives.
static void test_news_that_nobody_fetches_do_not_pile_up(void **state)
{
    (void)state;
    for (int i = 0; i < MODES; i++) {
        struct zmtp_budget budget;
        zmtp_budget_init(&budget, NULL);
        struct zmtp_socket_config config = sockets_config(ZMTP_XPUB, 9);
        config.xpub_mode = modes[i];
        config.allocator = &budget.allocator;
        struct zmtp_socket *xpub = sockets_open_with(&config);
        const size_t before = budget.bytes;
        for (unsigned n = 0; n < 100; n++) {
            struct zmtp_pipe_end *a = sockets_accept(xpub, "");
            char wish[] = "<SUBSCRIBE>...";
            wish[11] = (char)('0' + n / 10);
            wish[12] = (char)('0' + n % 10);
            sockets_far_send(a, wish);
            zmtp_socket_process(xpub);
            sockets_drop(a);
            zmtp_socket_process(xpub);
        }
        assert_int_equal(budget.bytes, before);
        zmtp_socket_close(xpub);
        assert_int_equal(budget.blocks, 0);
    }
}

// Two that ask for the same and go, so that each time the last one has to be told of, if anybody had been told.
static void test_topics_that_several_had_and_nobody_was_told_of_do_not_pile_up(void **state)
{
    (void)state;
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct zmtp_socket_config config = sockets_config(ZMTP_XPUB, 9);
    config.allocator = &budget.allocator;
    struct zmtp_socket *xpub = sockets_open_with(&config);
    const size_t before = budget.bytes;
    for (unsigned n = 0; n < 20; n++) {
        char wish[] = "<SUBSCRIBE>.";
        wish[11] = (char)('a' + n);
        struct zmtp_pipe_end *a = sockets_accept(xpub, ""), *b = sockets_accept(xpub, "");
        sockets_far_send(a, wish);
        sockets_far_send(b, wish);
        zmtp_socket_process(xpub);
        sockets_drop(n % 2 ? a : b);
        zmtp_socket_process(xpub);
        sockets_drop(n % 2 ? b : a);
        zmtp_socket_process(xpub);
        assert_int_equal(budget.bytes, before);
    }
    zmtp_socket_close(xpub);
}

static void test_a_topic_that_comes_back_before_its_end_was_told_has_not_ended(void **state)
{
    (void)state;
    for (int i = 0; i < MODES; i++) {
        struct zmtp_socket_config config = sockets_config(ZMTP_XPUB, 9);
        config.xpub_mode = modes[i];
        struct zmtp_socket *xpub = sockets_open_with(&config);
        const bool each = modes[i] >= ZMTP_XPUB_VERBOSER;
        struct zmtp_pipe_end *a = sockets_accept(xpub, ""), *b = sockets_accept(xpub, "");
        sockets_far_send(a, "<SUBSCRIBE>t");
        sockets_far_send(a, "<SUBSCRIBE>u");
        assert_string_equal(sockets_recv(xpub), "\\x01t");
        assert_string_equal(sockets_recv(xpub), "\\x01u");
        sockets_drop(a);
        zmtp_socket_process(xpub);
        assert_int_equal(zmtp_socket_subscribers(xpub), 0);
        sockets_far_send(b, "<SUBSCRIBE>t");
        zmtp_socket_process(xpub);
        for (int left = each ? 2 : 1, t = each; left > 0; left--) { // in some order
            const char *news = sockets_recv(xpub);
            if (t && strcmp(news, "\\x00t") == 0)
                t = 0;
            else
                assert_string_equal(news, "\\x00u");
        }
        if (modes[i] != ZMTP_XPUB_NORMAL) assert_string_equal(sockets_recv(xpub), "\\x01t");
        assert_int_equal(zmtp_socket_events(xpub) & ZMTP_READABLE, 0);
        assert_string_equal(sockets_recv(xpub), NOTHING);
        // And then its end is told once.
        sockets_drop(b);
        assert_string_equal(sockets_recv(xpub), "\\x00t");
        assert_string_equal(sockets_recv(xpub), NOTHING);
        zmtp_socket_close(xpub);
    }
}

// The ends of all that a peer had, while there is no memory from when it goes until the user asks.
static void test_who_goes_while_there_is_no_memory_is_told_of_when_there_is(void **state)
{
    (void)state;
    for (int i = 0; i < MODES; i++) {
        struct zmtp_budget budget;
        zmtp_budget_init(&budget, NULL);
        struct zmtp_socket_config config = sockets_config(ZMTP_XPUB, 99);
        config.xpub_mode = modes[i];
        config.allocator = &budget.allocator;
        struct zmtp_socket *xpub = sockets_open_with(&config);
        struct zmtp_pipe_end *a = sockets_accept(xpub, "");
        zmtp_socket_process(xpub);
        for (char topic = 'a'; topic <= 'z'; topic++) {
            char wish[] = "<SUBSCRIBE>.";
            wish[11] = topic;
            sockets_far_send(a, wish);
            assert_int_equal(sockets_recv(xpub)[4], topic);
        }
        budget.fail_at = budget.calls + 1;
        budget.fail_on = true;
        sockets_drop(a);
        zmtp_socket_process(xpub);
        assert_true(zmtp_socket_events(xpub) & ZMTP_READABLE);
        budget.fail_on = false;
        budget.fail_at = 0;
        unsigned ended = 0;
        for (int left = 'z' - 'a' + 1; left > 0; left--) {
            const char *news = sockets_recv(xpub);
            assert_memory_equal(news, "\\x00", 4);
            ended |= 1u << (news[4] - 'a');
        }
        assert_int_equal(ended, (1u << 26) - 1);
        assert_string_equal(sockets_recv(xpub), NOTHING);
        zmtp_socket_close(xpub);
        assert_int_equal(budget.blocks, 0);
    }
}

// PERFORMANCE.md: what its user has heard of costs an XPUB no more than it does a PUB.
static void test_topics_that_were_told_cost_at_most_twice_their_octets(void **state)
{
    (void)state;
    enum { TOPICS = 4000, SIZE = 32 };
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    for (int i = 0; i < MODES; i++) {
        struct zmtp_socket_config config = sockets_config(ZMTP_XPUB, 9);
        config.xpub_mode = modes[i];
        config.allocator = &budget.allocator;
        struct zmtp_socket *xpub = sockets_open_with(&config);
        struct zmtp_pipe_end *a = sockets_accept(xpub, "");
        zmtp_socket_process(xpub);
        const size_t before = budget.bytes;
        for (unsigned n = 0; n < TOPICS; n++) {
            char wish[] = "<SUBSCRIBE>a topic of thirty-two octet 0000";
            for (unsigned k = 0, rest = n; k < 4; k++, rest /= 10)
                wish[sizeof wish - 2 - k] = (char)('0' + rest % 10);
            assert_int_equal(sizeof wish - sizeof "<SUBSCRIBE>", SIZE);
            sockets_far_send(a, wish);
            assert_int_equal(*sockets_recv(xpub), '\\');
        }
        assert_true(budget.bytes - before <= 2 * TOPICS * SIZE);
        zmtp_pipe_close(a);
        zmtp_socket_close(xpub);
    }
}

// The user knows of the topic by one that is over, or by nobody; either way it hears in the end what is so.
static void test_an_end_is_told_though_the_last_subscriber_never_was(void **state)
{
    (void)state;
    for (int i = 0; i < 3 * 2; i++) {
        struct zmtp_socket_config config = sockets_config(ZMTP_XPUB, 9);
        config.xpub_mode = modes[i / 2];
        struct zmtp_socket *xpub = sockets_open_with(&config);
        struct zmtp_pipe_end *a = sockets_accept(xpub, ""), *b = sockets_accept(xpub, "");
        sockets_far_send(a, "<SUBSCRIBE>t");
        assert_string_equal(sockets_recv(xpub), "\\x01t");
        sockets_far_send(b, "<SUBSCRIBE>t");
        zmtp_socket_process(xpub);
        if (i % 2)
            sockets_far_send(a, "<CANCEL>t");
        else
            sockets_drop(a);
        zmtp_socket_process(xpub);
        sockets_drop(b);
        assert_string_equal(sockets_recv(xpub), "\\x00t");
        assert_string_equal(sockets_recv(xpub), NOTHING);
        if (i % 2) sockets_drop(a);
        // Of two that both were not told, and of what follows.
        for (int first = 0; first < 2; first++) {
            struct zmtp_pipe_end *both[] = {sockets_accept(xpub, ""), sockets_accept(xpub, "")};
            sockets_far_send(both[0], "<SUBSCRIBE>t");
            sockets_far_send(both[1], "<SUBSCRIBE>t");
            zmtp_socket_process(xpub);
            sockets_drop(both[first]);
            zmtp_socket_process(xpub);
            sockets_drop(both[1 - first]);
            assert_string_equal(sockets_recv(xpub), NOTHING);
        }
        a = sockets_accept(xpub, "");
        sockets_far_send(a, "<SUBSCRIBE>t");
        assert_string_equal(sockets_recv(xpub), "\\x01t");
        sockets_drop(a);
        assert_string_equal(sockets_recv(xpub), "\\x00t");
        assert_string_equal(sockets_recv(xpub), NOTHING);
        zmtp_socket_close(xpub);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_news_that_nobody_fetches_do_not_pile_up),
        cmocka_unit_test(test_topics_that_several_had_and_nobody_was_told_of_do_not_pile_up),
        cmocka_unit_test(test_a_topic_that_comes_back_before_its_end_was_told_has_not_ended),
        cmocka_unit_test(test_an_end_is_told_though_the_last_subscriber_never_was),
        cmocka_unit_test(test_who_goes_while_there_is_no_memory_is_told_of_when_there_is),
        cmocka_unit_test(test_topics_that_were_told_cost_at_most_twice_their_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
