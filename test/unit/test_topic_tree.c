// The tree of a publisher's long topics; test_topics.c has it against arrays.
#include "zmtp/socket/topic_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/octets.h"

static void test_prefixes_of_a_text_come_shortest_first_and_once(void **state)
{
    (void)state;
    enum { TOPICS = 7 };
    static const char *const topics[TOPICS] = {"weather.de", "",           "we", "weather",
                                               "x",          "weather.fr", "wea"};
    static const char *const expected[] = {"", "we", "wea", "weather", "weather.de"};
    struct zmtp_budget budget;
    struct zmtp__slots slots;
    struct zmtp__slot_owner owner = {.full = 0};
    struct zmtp__topic_tree tree;
    uint32_t slot[TOPICS], leaf;
    zmtp_budget_init(&budget, NULL);
    zmtp__slots_init(&slots, &budget.allocator);
    zmtp__topic_tree_init(&tree, &budget.allocator, &slots);
    for (size_t i = 0; i < TOPICS; i++) {
        const struct zmtp_bytes topic = zmtp_bytes_text(topics[i]);
        assert_int_equal(zmtp__slots_keep(&slots, &owner, topic, &slot[i]), ZMTP_OK);
        assert_int_equal(zmtp__topic_tree_add(&tree, topic, slot[i]), ZMTP_OK);
    }
    struct zmtp__topic_tree_walk walk =
        zmtp__topic_tree_prefixes(&tree, LITERAL("weather.de.berlin"));
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_true(zmtp__topic_tree_next(&walk, &leaf));
        octets_assert_equal(zmtp__slots_topic(&slots, leaf), zmtp_bytes_text(expected[i]));
    }
    assert_false(zmtp__topic_tree_next(&walk, &leaf));
    assert_false(zmtp__topic_tree_next(&walk, &leaf));
    for (size_t i = 0; i < TOPICS; i++) {
        zmtp__topic_tree_remove(&tree, zmtp_bytes_text(topics[i]));
        zmtp__slots_drop(&slots, slot[i]);
    }
    assert_int_equal(budget.bytes, 0);
    zmtp__topic_tree_fini(&tree);
    zmtp__slots_fini(&slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefixes_of_a_text_come_shortest_first_and_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
