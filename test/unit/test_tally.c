// Topics that are counted, as a subscriber keeps its own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "zmtp/socket/tally.h"

struct fixture {
    struct zmtp_budget budget;
    struct zmtp__tally tally;
};

static int set_up(void **state)
{
    static struct fixture f;
    zmtp_budget_init(&f.budget, NULL);
    zmtp__tally_init(&f.tally, &f.budget.allocator, 1);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    zmtp__tally_fini(&f->tally);
    assert_int_equal(f->budget.blocks, 0);
    return 0;
}

static int add(struct fixture *f, const char *topic)
{
    return zmtp__tally_add(&f->tally, zmtp_bytes_text(topic));
}

static void cut(struct fixture *f, const char *topic)
{
    zmtp__tally_remove(&f->tally, zmtp_bytes_text(topic));
}

static uint32_t count(struct fixture *f, const char *topic)
{
    return zmtp__tally_count(&f->tally, zmtp_bytes_text(topic));
}

static bool begins(struct fixture *f, const char *text)
{
    return zmtp__tally_begins(&f->tally, zmtp_bytes_text(text));
}

static void test_a_topic_is_there_as_often_as_it_was_added(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 1; i <= 4; i++) {
        assert_int_equal(add(f, "a"), ZMTP_OK);
        assert_int_equal(count(f, "a"), i);
    }
    assert_int_equal(add(f, "b"), ZMTP_OK);
    assert_int_equal(zmtp__tally_topics(&f->tally), 2);
    for (uint32_t i = 3; i > 0; i--) {
        cut(f, "a");
        assert_int_equal(count(f, "a"), i);
    }
    const size_t once = f->budget.bytes;
    assert_int_equal(add(f, "a"), ZMTP_OK);
    cut(f, "a");
    assert_int_equal(f->budget.bytes, once); // of the count nothing is kept
    cut(f, "a");
    assert_int_equal(count(f, "a"), 0);
    assert_int_equal(count(f, "b"), 1);
}

static void test_a_text_begins_with_a_topic_or_with_none(void **state)
{
    struct fixture *f = *state;
    static char long_topic[201];
    memset(long_topic, 'x', sizeof long_topic - 1);
    assert_false(begins(f, "any"));
    assert_int_equal(add(f, "topic"), ZMTP_OK);
    assert_int_equal(add(f, long_topic), ZMTP_OK);
    assert_true(begins(f, "topic"));
    assert_true(begins(f, "topics"));
    assert_true(begins(f, long_topic));
    assert_false(begins(f, "topi"));
    assert_false(begins(f, ""));
    assert_int_equal(add(f, ""), ZMTP_OK);
    assert_true(begins(f, ""));
    assert_true(begins(f, "any"));
    cut(f, "");
    assert_false(begins(f, "any"));
}

static void test_each_topic_is_told_once(void **state)
{
    struct fixture *f = *state;
    enum { TOPICS = 1000 };
    static bool seen[TOPICS];
    char topic[16];
    memset(seen, 0, sizeof seen);
    for (int i = 0; i < TOPICS; i++) {
        (void)snprintf(topic, sizeof topic, "%d", i);
        for (int again = 0; again <= i % 3; again++)
            assert_int_equal(add(f, topic), ZMTP_OK);
    }
    struct zmtp__slot_cursor cursor = {0};
    struct zmtp_bytes told;
    size_t told_count = 0;
    while (zmtp__tally_next(&f->tally, &cursor, &told)) {
        int number = 0;
        for (size_t k = 0; k < told.size; k++)
            number = number * 10 + told.data[k] - '0';
        assert_false(seen[number]);
        seen[number] = true;
        told_count++;
    }
    assert_int_equal(told_count, TOPICS);
}

static void test_a_topic_of_32_octets_takes_less_than_twice_its_octets(void **state)
{
    struct fixture *f = *state;
    enum { TOPICS = 10000, SIZE = 32 };
    char topic[SIZE + 1];
    for (int i = 0; i < TOPICS; i++) {
        (void)snprintf(topic, sizeof topic, "site/line/sensor/%015d", i);
        assert_int_equal(add(f, topic), ZMTP_OK);
    }
    assert_in_range(f->budget.bytes, TOPICS * SIZE, TOPICS * SIZE * 2);
}

static void test_what_fails_for_want_of_memory_changes_nothing(void **state)
{
    struct fixture *f = *state;
    for (int known = 0; known < 2; known++) {
        for (size_t nth = 1;; nth++) {
            const size_t held = f->budget.bytes;
            f->budget.fail_at = f->budget.calls + nth;
            const int result = add(f, "topic");
            f->budget.fail_at = 0;
            if (result == ZMTP_OK) break;
            assert_int_equal(result, ZMTP_ERR_MEMORY);
            assert_int_equal(count(f, "topic"), known);
            assert_true(f->budget.bytes >= held); // room that was seen to may stay
        }
        assert_int_equal(count(f, "topic"), known + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_topic_is_there_as_often_as_it_was_added, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_text_begins_with_a_topic_or_with_none, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_each_topic_is_told_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_topic_of_32_octets_takes_less_than_twice_its_octets,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_fails_for_want_of_memory_changes_nothing, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
