// Where in the lists of those who share topics somebody is.
#include "zmtp/socket/sharers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/support/random.h"

enum { OWNERS = 200, TOPICS = 3 };

// A list for each topic, in which every owner has a link; all but the first are noted.
struct lists {
    struct zmtp_budget budget;
    struct zmtp__slots slots;
    struct zmtp__sharers sharers;
    struct zmtp__slot_owner owners[OWNERS];
    uint32_t links[TOPICS][OWNERS];
};

static void lists_open(struct lists *lists)
{
    *lists = (struct lists){.links = {{0}}};
    zmtp_budget_init(&lists->budget, NULL);
    zmtp__slots_init(&lists->slots, &lists->budget.allocator);
    zmtp__sharers_init(&lists->sharers, &lists->slots);
    for (uint32_t topic = 0; topic < TOPICS; topic++)
        for (size_t i = 0; i < OWNERS; i++) {
            uint32_t *const link = &lists->links[topic][i];
            assert_int_equal(zmtp__slots_link(&lists->slots, &lists->owners[i], link), ZMTP_OK);
            *zmtp__slots_link_at(&lists->slots, *link) = (struct zmtp__link){.topic = topic};
            if (i == 0) continue;
            const uint32_t before = lists->links[topic][i - 1];
            zmtp__slots_link_at(&lists->slots, before)->next = *link + 1;
            assert_int_equal(zmtp__sharers_reserve(&lists->sharers), ZMTP_OK);
            zmtp__sharers_note(&lists->sharers, before);
        }
}

static void lists_close(struct lists *lists)
{
    zmtp__sharers_fini(&lists->sharers);
    for (uint32_t topic = 0; topic < TOPICS; topic++)
        for (size_t i = 0; i < OWNERS; i++)
            zmtp__slots_drop(&lists->slots, lists->links[topic][i]);
    zmtp__slots_fini(&lists->slots);
    assert_int_equal(lists->budget.blocks, 0);
}

static bool lists_finds(const struct lists *lists, uint32_t topic, size_t owner)
{
    uint32_t link;
    if (!zmtp__sharers_find(&lists->sharers, &lists->owners[owner], topic, &link)) return false;
    assert_int_equal(link, lists->links[topic][owner - 1]);
    return true;
}

static void test_whatever_was_forgotten_the_rest_is_found(void **state)
{
    (void)state;
    static struct lists lists;
    static bool forgotten[TOPICS][OWNERS];
    struct random random = random_of(5);
    lists_open(&lists);
    for (size_t left = TOPICS * (OWNERS - 1); left > 0; left--) {
        uint32_t topic;
        size_t owner;
        do {
            topic = (uint32_t)random_below(&random, TOPICS);
            owner = 1 + random_below(&random, OWNERS - 1);
        } while (forgotten[topic][owner]);
        lists.budget.fail_at = lists.budget.calls + 1; // it never needs memory
        zmtp__sharers_forget(&lists.sharers, lists.links[topic][owner - 1]);
        forgotten[topic][owner] = true;
        for (uint32_t t = 0; t < TOPICS; t++)
            for (size_t i = 0; i < OWNERS; i++)
                assert_int_equal(lists_finds(&lists, t, i), i > 0 && !forgotten[t][i]);
    }
    lists.budget.fail_at = 0;
    assert_int_equal(lists.sharers.capacity, 0);
    lists_close(&lists);
}

static void test_another_link_stands_before_the_one_that_is_found(void **state)
{
    (void)state;
    static struct lists lists;
    lists_open(&lists);
    uint32_t link;
    // The second owner's link is taken out: the first's stands before the third's.
    zmtp__sharers_forget(&lists.sharers, lists.links[1][0]);
    zmtp__sharers_replace(&lists.sharers, lists.links[1][1], lists.links[1][0]);
    zmtp__slots_link_at(&lists.slots, lists.links[1][0])->next = lists.links[1][2] + 1;
    assert_true(zmtp__sharers_find(&lists.sharers, &lists.owners[2], 1, &link));
    assert_int_equal(link, lists.links[1][0]);
    assert_false(lists_finds(&lists, 1, 1));
    zmtp__sharers_forget(&lists.sharers, lists.links[1][0]);
    for (uint32_t topic = 0; topic < TOPICS; topic++)
        for (size_t i = topic == 1 ? 3 : 1; i < OWNERS; i++)
            zmtp__sharers_forget(&lists.sharers, lists.links[topic][i - 1]);
    lists_close(&lists);
}

static void test_without_memory_nothing_is_lost(void **state)
{
    (void)state;
    static struct lists lists;
    lists_open(&lists);
    const uint32_t count = lists.sharers.count;
    lists.budget.fail_at = lists.budget.calls + 1;
    lists.budget.fail_on = true;
    while (lists.sharers.count + 1 <= lists.sharers.capacity - (lists.sharers.capacity + 4) / 5)
        lists.sharers.count++; // as if so many were there
    assert_int_equal(zmtp__sharers_reserve(&lists.sharers), ZMTP_ERR_MEMORY);
    lists.sharers.count = count;
    lists.budget.fail_on = false;
    for (uint32_t topic = 0; topic < TOPICS; topic++)
        for (size_t i = 1; i < OWNERS; i++) {
            assert_true(lists_finds(&lists, topic, i));
            zmtp__sharers_forget(&lists.sharers, lists.links[topic][i - 1]);
        }
    lists_close(&lists);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whatever_was_forgotten_the_rest_is_found),
        cmocka_unit_test(test_another_link_stands_before_the_one_that_is_found),
        cmocka_unit_test(test_without_memory_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
