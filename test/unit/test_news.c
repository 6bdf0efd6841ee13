// What the user of an XPUB is still to be told.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "zmtp/socket/news.h"

struct fixture {
    struct zmtp_budget budget; // of the news alone
    struct zmtp__subscriptions set;
    struct zmtp__subscriber peers[2];
    struct zmtp__news news;
};

static int set_up(void **state)
{
    static struct fixture f;
    f = (struct fixture){.peers = {{.owner = NULL}}};
    zmtp_budget_init(&f.budget, NULL);
    zmtp__subscriptions_init(&f.set, NULL, 0, 0, 1);
    zmtp__news_init(&f.news, &f.budget.allocator, &f.set);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    zmtp__news_fini(&f->news);
    assert_int_equal(f->budget.blocks, 0);
    for (size_t i = 0; i < 2; i++)
        zmtp__subscriptions_clear(&f->set, &f->peers[i]);
    assert_int_equal(f->set.news, 0);
    zmtp__subscriptions_fini(&f->set);
    return 0;
}

static void begin(struct fixture *f, const char *topic, bool told)
{
    const struct zmtp_bytes octets = zmtp_bytes_text(topic);
    assert_int_equal(zmtp__news_expect(&f->news, octets, false), ZMTP_OK);
    assert_int_equal(zmtp__subscriptions_add(&f->set, &f->peers[0], octets), ZMTP_OK);
    zmtp__news_set(&f->news, octets, true, told);
}

// The other peer subscribes as well.
static void begin_too(struct fixture *f, const char *topic)
{
    const struct zmtp_bytes octets = zmtp_bytes_text(topic);
    assert_int_equal(zmtp__news_expect(&f->news, octets, false), ZMTP_OK);
    assert_int_equal(zmtp__subscriptions_add(&f->set, &f->peers[1], octets), ZMTP_OK);
    zmtp__news_set(&f->news, octets, true, false);
}

static void end(struct fixture *f, const char *topic, bool told)
{
    const struct zmtp_bytes octets = zmtp_bytes_text(topic);
    const bool untold = zmtp__subscriptions_is_new(&f->set, octets);
    if (!untold) assert_int_equal(zmtp__news_expect(&f->news, octets, true), ZMTP_OK);
    zmtp__subscriptions_remove(&f->set, &f->peers[0], octets);
    if (!untold) zmtp__news_set(&f->news, octets, false, told);
}

// The next thing must be this: "+topic" or "-topic"; "" when there is none.
static void assert_next(struct fixture *f, const char *expected)
{
    bool subscribed;
    struct zmtp_bytes topic;
    if (!zmtp__news_first(&f->news, &subscribed, &topic)) {
        assert_string_equal("", expected);
        return;
    }
    assert_int_equal(subscribed ? '+' : '-', *expected);
    assert_true(zmtp_bytes_equal(topic, zmtp_bytes_text(expected + 1)));
    zmtp__news_told(&f->news);
}

static void test_changes_are_told_in_their_order(void **state)
{
    struct fixture *f = *state;
    assert_next(f, "");
    begin(f, "b", false);
    begin(f, "a", false);
    begin(f, "", false);
    assert_next(f, "+b");
    assert_next(f, "+a");
    end(f, "b", false);
    assert_next(f, "+");
    assert_next(f, "-b");
    assert_next(f, "");
    assert_int_equal(f->budget.blocks, 0); // of what was told nothing is kept
}

static void test_what_undoes_what_was_not_told_is_not_told(void **state)
{
    struct fixture *f = *state;
    begin(f, "a", false);
    end(f, "a", false);
    assert_next(f, "");
    assert_int_equal(f->budget.blocks, 0);
    begin(f, "a", false);
    assert_next(f, "+a");
    end(f, "a", false);
    begin(f, "a", false);
    assert_next(f, "");
}

static void test_what_the_user_hears_by_other_means_is_not_told(void **state)
{
    struct fixture *f = *state;
    begin(f, "a", true);
    assert_false(zmtp__news_is_new(&f->news, zmtp_bytes_text("a")));
    assert_next(f, "");
    assert_int_equal(f->budget.blocks, 0);
    end(f, "a", false); // but this is
    assert_true(zmtp__news_knows(&f->news, zmtp_bytes_text("a")));
    assert_next(f, "-a");
    assert_false(zmtp__news_knows(&f->news, zmtp_bytes_text("a")));
    begin(f, "a", true);
    end(f, "a", true);
    assert_next(f, "");
    assert_int_equal(f->budget.blocks, 0);
    begin(f, "a", false);
    assert_true(zmtp__news_is_new(&f->news, zmtp_bytes_text("a")));
}

// Notes an end that another is to tell.
static void await_end(struct fixture *f, const char *topic)
{
    assert_int_equal(zmtp__news_expect(&f->news, zmtp_bytes_text(topic), true), ZMTP_OK);
    zmtp__news_await(&f->news, zmtp_bytes_text(topic));
}

static void test_an_end_that_another_was_to_tell_is_told_when_it_cannot(void **state)
{
    struct fixture *f = *state;
    const struct zmtp_bytes a = zmtp_bytes_text("a");
    begin(f, "a", true);
    await_end(f, "a");
    end(f, "a", true);
    assert_next(f, "");
    zmtp__news_awaited(&f->news, a, true);
    assert_next(f, "-a");
    assert_next(f, "");
    assert_int_equal(f->budget.blocks, 0);
    begin(f, "a", true);
    await_end(f, "a");
    end(f, "a", true);
    zmtp__news_awaited(&f->news, a, false); // it could
    assert_next(f, "");
    assert_int_equal(f->budget.blocks, 0);
}

static void test_each_end_that_is_owed_is_told(void **state)
{
    struct fixture *f = *state;
    const struct zmtp_bytes a = zmtp_bytes_text("a");
    begin(f, "a", true);
    await_end(f, "a");
    await_end(f, "a");
    zmtp__news_awaited(&f->news, a, true);
    zmtp__news_awaited(&f->news, a, true);
    end(f, "a", true);
    assert_next(f, "-a");
    begin(f, "a", true); // another has come meanwhile
    assert_next(f, "-a");
    assert_next(f, "");
    end(f, "a", true);
    assert_int_equal(f->budget.blocks, 0);
    zmtp__news_await(&f->news, a); // nobody has heard of it
    zmtp__news_awaited(&f->news, a, true);
    assert_next(f, "");
}

static void test_what_was_expected_and_did_not_come_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(zmtp__news_expect(&f->news, zmtp_bytes_text("a"), false), ZMTP_OK);
    zmtp__news_set(&f->news, zmtp_bytes_text("a"), false, false);
    assert_next(f, "");
    assert_int_equal(f->budget.blocks, 0);
    // Nor does it when there was no memory.
    f->budget.fail_at = f->budget.calls + 1;
    assert_int_equal(zmtp__news_expect(&f->news, zmtp_bytes_text("a"), false), ZMTP_ERR_MEMORY);
    assert_int_equal(f->budget.blocks, 0);
    for (uint64_t n = 1; n <= 3; n++) {
        f->budget.fail_at = f->budget.calls + n;
        const int result = zmtp__news_expect(&f->news, zmtp_bytes_text("a"), true);
        assert_int_equal(result, n <= 2 ? ZMTP_ERR_MEMORY : ZMTP_OK);
        if (n <= 2) assert_int_equal(f->budget.blocks, 0);
    }
}

static void test_news_that_were_not_fetched_are_freed(void **state)
{
    struct fixture *f = *state;
    begin(f, "told", false);
    assert_next(f, "+told");
    begin(f, "untold", false);
    begin(f, "known", true);
    await_end(f, "known");
    end(f, "told", false); // the tear-down frees them all
}

static void test_what_gets_a_second_subscriber_is_told_once(void **state)
{
    struct fixture *f = *state;
    begin(f, "a", false);
    begin_too(f, "a");
    begin_too(f, "a"); // nothing new
    end(f, "a", false);
    begin(f, "b", false);
    assert_next(f, "+a");
    assert_next(f, "+b");
    assert_next(f, "");
    assert_int_equal(f->budget.blocks, 0);
}

// Nobody fetches what peers subscribe to and cancel again and again.
static void test_what_comes_and_goes_does_not_pile_up(void **state)
{
    struct fixture *f = *state;
    begin(f, "known", false);
    assert_next(f, "+known");
    begin(f, "first", false);
    end(f, "known", false);
    begin(f, "last", false);
    for (int i = 0; i < 10000; i++) {
        begin(f, i % 2 ? "odd" : "even", false);
        if (i % 3 == 0) begin_too(f, "last");
        end(f, i % 2 ? "odd" : "even", false);
    }
    assert_in_range(f->budget.bytes, 0, 1024);
    assert_next(f, "+first");
    assert_next(f, "-known");
    assert_next(f, "+last");
    assert_next(f, "");
    assert_int_equal(f->budget.blocks, 0);
}

static void test_many_wait_in_little_memory_and_in_their_order(void **state)
{
    struct fixture *f = *state;
    enum { TOPICS = 10000 };
    char topic[32];
    for (int i = 0; i < TOPICS; i++) {
        (void)snprintf(topic, sizeof topic, "topic %d", i);
        begin(f, topic, false);
    }
    assert_in_range(f->budget.bytes, 0, TOPICS * 6 + 64);
    for (int i = 0; i < TOPICS; i++) {
        (void)snprintf(topic, sizeof topic, "+topic %d", i);
        assert_next(f, topic);
        if (i % 2) end(f, topic + 1, false);
    }
    for (int i = 1; i < TOPICS; i += 2) {
        (void)snprintf(topic, sizeof topic, "-topic %d", i);
        assert_next(f, topic);
    }
    assert_next(f, "");
    assert_int_equal(f->budget.blocks, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_changes_are_told_in_their_order),
        TEST(test_what_undoes_what_was_not_told_is_not_told),
        TEST(test_what_the_user_hears_by_other_means_is_not_told),
        TEST(test_an_end_that_another_was_to_tell_is_told_when_it_cannot),
        TEST(test_each_end_that_is_owed_is_told),
        TEST(test_what_was_expected_and_did_not_come_leaves_nothing),
        TEST(test_news_that_were_not_fetched_are_freed),
        TEST(test_what_gets_a_second_subscriber_is_told_once),
        TEST(test_what_comes_and_goes_does_not_pile_up),
        TEST(test_many_wait_in_little_memory_and_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
