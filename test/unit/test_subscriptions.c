// A publisher's set of topics and subscribers.
#include "zmtp/socket/subscriptions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test/support/octets.h"
#include "test/support/random.h"

static size_t matched(struct zmtp__subscriptions *set, const char *text)
{
    struct zmtp__matches matches = zmtp__subscriptions_match(set, zmtp_bytes_text(text));
    size_t count = 0;
    while (zmtp__matches_next(&matches))
        count++;
    return count;
}

// ZMTP37-SUB-04; PS29-PUB-07
static void test_a_subscriber_of_nested_topics_is_matched_once(void **state)
{
    (void)state;
    struct zmtp__subscriptions set;
    struct zmtp__subscriber a = {.owner = NULL}, b = {.owner = NULL};
    zmtp__subscriptions_init(&set, zmtp_heap(), 0, 0, 7);
    assert_int_equal(zmtp__subscriptions_add(&set, &a, LITERAL("")), ZMTP_OK);
    assert_int_equal(zmtp__subscriptions_add(&set, &a, LITERAL("ab")), ZMTP_OK);
    assert_int_equal(zmtp__subscriptions_add(&set, &a, LITERAL("abc")), ZMTP_OK);
    assert_int_equal(zmtp__subscriptions_add(&set, &b, LITERAL("ab")), ZMTP_OK);
    assert_int_equal(matched(&set, "abc"), 2);
    assert_int_equal(matched(&set, "a"), 1);
    assert_int_equal(set.subscribers, 2);
    zmtp__subscriptions_clear(&set, &a);
    assert_int_equal(matched(&set, "abc"), 1);
    assert_int_equal(set.subscribers, 1);
    zmtp__subscriptions_clear(&set, &b);
    zmtp__subscriptions_fini(&set);
}

static void test_who_subscribed_to_the_text_itself_is_found_apart(void **state)
{
    (void)state;
    struct zmtp__subscriptions set;
    struct zmtp__subscriber a = {.owner = NULL}, b = {.owner = NULL};
    zmtp__subscriptions_init(&set, zmtp_heap(), 0, 0, 7);
    assert_int_equal(zmtp__subscriptions_add(&set, &a, LITERAL("a")), ZMTP_OK);
    assert_int_equal(zmtp__subscriptions_add(&set, &a, LITERAL("ab")), ZMTP_OK);
    assert_int_equal(zmtp__subscriptions_add(&set, &b, LITERAL("ab")), ZMTP_OK);
    struct zmtp__matches matches = zmtp__subscriptions_equal(&set, LITERAL("a"));
    assert_ptr_equal(zmtp__matches_next(&matches), &a);
    assert_null(zmtp__matches_next(&matches));
    matches = zmtp__subscriptions_equal(&set, LITERAL("ab"));
    assert_ptr_equal(zmtp__matches_next(&matches), &a);
    assert_ptr_equal(zmtp__matches_next(&matches), &b);
    assert_null(zmtp__matches_next(&matches));
    matches = zmtp__subscriptions_equal(&set, LITERAL("abc"));
    assert_null(zmtp__matches_next(&matches));
    zmtp__subscriptions_clear(&set, &a);
    zmtp__subscriptions_clear(&set, &b);
    zmtp__subscriptions_fini(&set);
}

// LZ-41: subscribers count, publishers do not.
static void test_two_subscribes_and_one_cancel_leave_nothing(void **state)
{
    (void)state;
    struct zmtp__subscriptions set;
    struct zmtp__subscriber a = {.owner = NULL};
    zmtp__subscriptions_init(&set, zmtp_heap(), 0, 0, 7);
    assert_int_equal(zmtp__subscriptions_add(&set, &a, LITERAL("t")), ZMTP_OK);
    assert_int_equal(zmtp__subscriptions_add(&set, &a, LITERAL("t")), ZMTP_OK);
    assert_int_equal(a.count, 1);
    zmtp__subscriptions_remove(&set, &a, LITERAL("t"));
    assert_int_equal(matched(&set, "t"), 0);
    assert_int_equal(set.subscribers, 0);
    zmtp__subscriptions_remove(&set, &a, LITERAL("t")); // harmless
    zmtp__subscriptions_remove(&set, &a, LITERAL("u"));
    zmtp__subscriptions_fini(&set);
}

static void test_limits_are_for_each_subscriber_and_a_cancel_makes_room(void **state)
{
    (void)state;
    struct zmtp__subscriptions set;
    struct zmtp__subscriber a = {.owner = NULL}, b = {.owner = NULL};
    zmtp__subscriptions_init(&set, zmtp_heap(), 2, 5, 7);
    assert_int_equal(zmtp__subscriptions_add(&set, &a, LITERAL("123456")), ZMTP_ERR_LIMIT);
    assert_int_equal(zmtp__subscriptions_add(&set, &a, LITERAL("12345")), ZMTP_OK);
    assert_int_equal(zmtp__subscriptions_add(&set, &a, LITERAL("1")), ZMTP_ERR_LIMIT);
    assert_int_equal(zmtp__subscriptions_add(&set, &a, LITERAL("")), ZMTP_OK);
    zmtp__subscriptions_remove(&set, &a, LITERAL("12345"));
    assert_int_equal(zmtp__subscriptions_add(&set, &a, LITERAL("1")), ZMTP_OK);
    assert_int_equal(zmtp__subscriptions_add(&set, &a, LITERAL("2")), ZMTP_ERR_LIMIT);
    assert_int_equal(zmtp__subscriptions_add(&set, &a, LITERAL("1")), ZMTP_OK); // nothing new
    assert_int_equal(zmtp__subscriptions_add(&set, &b, LITERAL("54321")), ZMTP_OK);
    zmtp__subscriptions_clear(&set, &a);
    zmtp__subscriptions_clear(&set, &b);
    zmtp__subscriptions_fini(&set);
}

static void test_whoever_comes_and_goes_the_set_agrees_with_a_table(void **state)
{
    (void)state;
    enum { SUBSCRIBERS = 5, TOPICS = 6 };
    static const char *const topics[TOPICS] = {"", "a", "ab", "abc", "b", "ba"};
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct random random = random_of(3);
    struct zmtp__subscriptions set;
    struct zmtp__subscriber subscribers[SUBSCRIBERS] = {{.owner = NULL}};
    bool table[SUBSCRIBERS][TOPICS] = {{false}};
    zmtp__subscriptions_init(&set, &budget.allocator, 0, 0, 7);
    for (int step = 0; step < 20000; step++) {
        const size_t who = random_below(&random, SUBSCRIBERS);
        const size_t what = random_below(&random, TOPICS);
        const size_t act = random_below(&random, 20);
        if (act == 0) {
            zmtp__subscriptions_clear(&set, &subscribers[who]);
            for (size_t i = 0; i < TOPICS; i++)
                table[who][i] = false;
        } else if (act < 10) {
            zmtp__subscriptions_remove(&set, &subscribers[who], zmtp_bytes_text(topics[what]));
            table[who][what] = false;
        } else {
            budget.fail_at = act < 13 ? budget.calls + 1 : 0;
            const int result =
                zmtp__subscriptions_add(&set, &subscribers[who], zmtp_bytes_text(topics[what]));
            if (result == ZMTP_OK)
                table[who][what] = true;
            else
                assert_int_equal(result, ZMTP_ERR_MEMORY);
        }
        size_t expected = 0, some = 0;
        for (size_t i = 0; i < SUBSCRIBERS; i++) {
            expected += table[i][0] || table[i][1] || table[i][2]; // all prefixes of "ab"
            bool any = false;
            for (size_t k = 0; k < TOPICS; k++)
                any = any || table[i][k];
            some += any;
        }
        assert_int_equal(matched(&set, "ab"), expected);
        assert_int_equal(set.subscribers, some);
    }
    for (size_t i = 0; i < SUBSCRIBERS; i++)
        zmtp__subscriptions_clear(&set, &subscribers[i]);
    zmtp__subscriptions_fini(&set);
    assert_int_equal(budget.blocks, 0);
}

static void test_what_somebody_leaves_behind_matches_nothing_and_is_taken_one_by_one(void **state)
{
    (void)state;
    enum { TOPICS = 40 };
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct zmtp__subscriptions set;
    struct zmtp__subscriber a = {.owner = NULL}, b = {.owner = NULL};
    struct zmtp_bytes topic;
    bool taken[TOPICS] = {false};
    zmtp__subscriptions_init(&set, &budget.allocator, 0, 0, 7);
    assert_false(zmtp__subscriptions_departed(&set, &topic));
    for (uint8_t i = 0; i < TOPICS; i++)
        assert_int_equal(zmtp__subscriptions_add(&set, &a, OCTETS('t', i)), ZMTP_OK);
    assert_int_equal(zmtp__subscriptions_add(&set, &b, OCTETS('t', 3)), ZMTP_OK);
    budget.fail_at = budget.calls + 1;
    zmtp__subscriptions_depart(&set, &a);
    budget.fail_at = 0;
    assert_int_equal(a.count, 0);
    assert_int_equal(set.subscribers, 1);
    assert_int_equal(zmtp__subscriptions_sharers(&set, OCTETS('t', 3)), 2);
    struct zmtp__matches matches = zmtp__subscriptions_match(&set, OCTETS('t', 3, 0));
    assert_ptr_equal(zmtp__matches_next(&matches), &b);
    assert_null(zmtp__matches_next(&matches));
    assert_int_equal(matched(&set, "t"), 0);
    // It may come back meanwhile, and go again.
    assert_int_equal(zmtp__subscriptions_add(&set, &a, OCTETS('t', 3)), ZMTP_OK);
    zmtp__subscriptions_depart(&set, &a);
    for (int left = TOPICS; left > 0; left--) {
        assert_true(zmtp__subscriptions_departed(&set, &topic));
        assert_false(taken[topic.data[1]]);
        taken[topic.data[1]] = true;
        zmtp__subscriptions_take(&set);
    }
    assert_true(zmtp__subscriptions_departed(&set, &topic));
    zmtp__subscriptions_clear(&set, &b);
    zmtp__subscriptions_fini(&set); // what is still there goes with the set
    assert_int_equal(budget.blocks, 0);
}

static void test_all_topics_of_a_subscriber_are_found_while_they_are_removed(void **state)
{
    (void)state;
    enum { TOPICS = 200 };
    struct zmtp__subscriptions set;
    struct zmtp__subscriber a = {.owner = NULL}, b = {.owner = NULL};
    zmtp__subscriptions_init(&set, zmtp_heap(), 0, 0, 7);
    for (uint8_t i = 0; i < TOPICS; i++) {
        const uint8_t room[80] = {i};
        const struct zmtp_bytes topic = {room, 1 + i % 80u};
        assert_int_equal(zmtp__subscriptions_add(&set, &a, topic), ZMTP_OK);
        if (i % 3 == 0) assert_int_equal(zmtp__subscriptions_add(&set, &b, topic), ZMTP_OK);
    }
    bool seen[TOPICS] = {false};
    struct zmtp__slot_cursor cursor = {0};
    struct zmtp_bytes topic;
    while (zmtp__subscriptions_next(&set, &a, &cursor, &topic)) {
        seen[topic.data[0]] = true;
        if (topic.data[0] % 2) zmtp__subscriptions_remove(&set, &a, topic);
    }
    for (size_t i = 0; i < TOPICS; i++)
        assert_true(seen[i]);
    assert_int_equal(a.count, TOPICS / 2);
    zmtp__subscriptions_clear(&set, &a);
    zmtp__subscriptions_clear(&set, &b);
    zmtp__subscriptions_fini(&set);
}

// Enough of them that most are behind the front of each list, and that the table grows and shrinks.
static void test_of_very_many_who_share_topics_each_comes_and_goes_alone(void **state)
{
    (void)state;
    enum { SUBSCRIBERS = 300, TOPICS = 3 };
    static const char *const topics[TOPICS] = {"", "a", "long enough for a slot of its own"};
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct random random = random_of(11);
    struct zmtp__subscriptions set;
    static struct zmtp__subscriber subscribers[SUBSCRIBERS];
    static bool table[SUBSCRIBERS][TOPICS];
    size_t sharers[TOPICS] = {0};
    zmtp__subscriptions_init(&set, &budget.allocator, 0, 0, 7);
    for (int step = 0; step < 60000; step++) {
        const size_t who = random_below(&random, SUBSCRIBERS);
        const size_t what = random_below(&random, TOPICS);
        // Waves, so that the lists become long and short again.
        const bool adds = random_below(&random, 10) < (step / 6000 % 2 ? 2u : 8u);
        bool *const has = &table[who][what];
        budget.fail_at = random_below(&random, 8) == 0 ? budget.calls + 1 : 0;
        if (adds) {
            const int result =
                zmtp__subscriptions_add(&set, &subscribers[who], zmtp_bytes_text(topics[what]));
            if (result == ZMTP_OK && !*has) {
                *has = true;
                sharers[what]++;
            }
        } else {
            zmtp__subscriptions_remove(&set, &subscribers[who], zmtp_bytes_text(topics[what]));
            if (*has) sharers[what]--;
            *has = false;
        }
        size_t count = 0;
        for (size_t i = 0; i < TOPICS; i++)
            count += table[who][i];
        assert_int_equal(subscribers[who].count, count);
        if (step % 50) continue;
        struct zmtp__matches matches =
            zmtp__subscriptions_equal(&set, zmtp_bytes_text(topics[what]));
        const struct zmtp__subscriber *found;
        count = 0;
        while ((found = zmtp__matches_next(&matches))) {
            assert_true(table[found - subscribers][what]);
            count++;
        }
        assert_int_equal(count, sharers[what]);
    }
    for (size_t i = 0; i < SUBSCRIBERS; i++)
        zmtp__subscriptions_clear(&set, &subscribers[i]);
    zmtp__subscriptions_fini(&set);
    assert_int_equal(budget.blocks, 0);
}

// Processor time of |steps| in which the last of |count| sharers subscribes again, ends that, and
// subscribes anew.
static double seconds_among(size_t count, size_t steps)
{
    struct zmtp__subscriptions set;
    struct zmtp__subscriber *const sharers = calloc(count, sizeof *sharers);
    assert_non_null(sharers);
    zmtp__subscriptions_init(&set, zmtp_heap(), 0, 0, 7);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(zmtp__subscriptions_add(&set, &sharers[i], LITERAL("all")), ZMTP_OK);
    struct zmtp__subscriber *const last = &sharers[count - 1];
    const clock_t begin = clock();
    for (size_t i = 0; i < steps; i++) {
        assert_int_equal(zmtp__subscriptions_add(&set, last, LITERAL("all")), ZMTP_OK);
        zmtp__subscriptions_remove(&set, last, LITERAL("all"));
        assert_int_equal(zmtp__subscriptions_add(&set, last, LITERAL("all")), ZMTP_OK);
    }
    const double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    for (size_t i = count; i-- > 0;)
        zmtp__subscriptions_clear(&set, &sharers[i]);
    zmtp__subscriptions_fini(&set);
    free(sharers);
    return seconds;
}

// What it costs is the same in each flavour; TEST_FEW=1: it was seen in another one.
static void skip_what_was_seen(void)
{
    const char *const few = getenv("TEST_FEW");
    if (few && strcmp(few, "1") == 0) skip();
}

// One stranger repeats itself, and each time there would be as many steps as there are others: without a
// table a thousand times the time of the few.
static void test_what_a_subscription_costs_does_not_depend_on_how_many_share_its_topic(void **state)
{
    (void)state;
    skip_what_was_seen();
    enum { STEPS = 20000 };
    const double few = seconds_among(10, STEPS), many = seconds_among(20000, STEPS);
    assert_true(many < 50 * few + 0.2);
}

// The |number|-th topic of |size| octets, no two of which are equal.
static struct zmtp_bytes topic_of(uint8_t *room, size_t size, uint32_t number)
{
    for (size_t i = 0; i < size; i++)
        room[i] = (uint8_t)(i < 4 ? number >> 8 * i : 't');
    return (struct zmtp_bytes){room, size};
}

// A subscriber of ZMTP 3.0 sends three octets more than the topic; nobody sends fewer.
static void test_topics_of_any_size_cost_at_most_four_times_what_was_sent_for_them(void **state)
{
    (void)state;
    skip_what_was_seen();
    enum { COUNT = 16384, SHARERS = 12, SIZE_MAX_TESTED = 300 };
    static const size_t sizes[] = {2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 20, 64, SIZE_MAX_TESTED};
    uint8_t room[SIZE_MAX_TESTED];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct zmtp_budget budget;
        zmtp_budget_init(&budget, NULL);
        struct zmtp__subscriptions set;
        struct zmtp__subscriber sharers[SHARERS];
        zmtp__subscriptions_init(&set, &budget.allocator, 0, 0, 7);
        const size_t sent = COUNT * (3 + sizes[i]);
        for (size_t k = 0; k < SHARERS; k++) {
            sharers[k] = (struct zmtp__subscriber){.owner = NULL};
            for (uint32_t number = 0; number < COUNT; number++)
                assert_int_equal(
                    zmtp__subscriptions_add(&set, &sharers[k], topic_of(room, sizes[i], number)),
                    ZMTP_OK);
            assert_int_equal(sharers[k].topic_bytes, COUNT * sizes[i]);
            assert_true(budget.bytes <= 4 * (k + 1) * sent);
            if (sizes[i] >= 14) assert_true(budget.bytes <= 2 * (k + 1) * COUNT * sizes[i]);
        }
        for (size_t k = 0; k < SHARERS; k++)
            zmtp__subscriptions_clear(&set, &sharers[k]);
        assert_int_equal(budget.bytes, 0);
        zmtp__subscriptions_fini(&set);
    }
}

// PERFORMANCE.md: 10^6 prefixes, at most twice the octets of the topics.
static void test_a_million_topics_cost_at_most_twice_their_octets(void **state)
{
    (void)state;
    skip_what_was_seen();
    enum { COUNT = 1000000, SIZE = 32 };
    uint8_t room[SIZE];
    struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    struct zmtp__subscriptions set;
    struct zmtp__subscriber a = {.owner = NULL};
    zmtp__subscriptions_init(&set, &budget.allocator, 0, 0, 7);
    for (uint32_t number = 0; number < COUNT; number++)
        assert_int_equal(zmtp__subscriptions_add(&set, &a, topic_of(room, SIZE, number)), ZMTP_OK);
    assert_true(budget.bytes_peak <= (size_t)2 * COUNT * SIZE);
    struct zmtp__matches matches = zmtp__subscriptions_match(&set, topic_of(room, SIZE, 765432));
    assert_ptr_equal(zmtp__matches_next(&matches), &a);
    assert_null(zmtp__matches_next(&matches));
    zmtp__subscriptions_clear(&set, &a);
    assert_int_equal(budget.bytes, 0);
    zmtp__subscriptions_fini(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_subscriber_of_nested_topics_is_matched_once),
        cmocka_unit_test(test_who_subscribed_to_the_text_itself_is_found_apart),
        cmocka_unit_test(test_two_subscribes_and_one_cancel_leave_nothing),
        cmocka_unit_test(test_limits_are_for_each_subscriber_and_a_cancel_makes_room),
        cmocka_unit_test(test_whoever_comes_and_goes_the_set_agrees_with_a_table),
        cmocka_unit_test(test_what_somebody_leaves_behind_matches_nothing_and_is_taken_one_by_one),
        cmocka_unit_test(test_all_topics_of_a_subscriber_are_found_while_they_are_removed),
        cmocka_unit_test(test_of_very_many_who_share_topics_each_comes_and_goes_alone),
        cmocka_unit_test(
            test_what_a_subscription_costs_does_not_depend_on_how_many_share_its_topic),
        cmocka_unit_test(test_topics_of_any_size_cost_at_most_four_times_what_was_sent_for_them),
        cmocka_unit_test(test_a_million_topics_cost_at_most_twice_their_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
