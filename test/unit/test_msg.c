// Messages: parts in order, a few of them inside the struct, more of them behind it.
#include "test/support/octets.h"
#include "zmtp/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static uint8_t octets[256];

static int set_up(void **state)
{
    static struct zmtp_budget budget;
    zmtp_budget_init(&budget, NULL);
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)i;
    *state = &budget;
    return 0;
}

static int tear_down(void **state)
{
    struct zmtp_budget *budget = *state;
    assert_int_equal(budget->bytes, 0);
    assert_int_equal(budget->blocks, 0);
    return 0;
}

// The body that part |index| has in these tests: every third one lies in a slab.
static struct zmtp_bytes body_of(size_t index)
{
    const struct zmtp_bytes body = {octets + index % 100,
                                    index % 3 == 2 ? 60 + index % 50 : index % 48};
    return body;
}

static void fill(struct zmtp_msg *msg, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(zmtp_msg_append(msg, body_of(i)), ZMTP_OK);
}

static void assert_holds(const struct zmtp_msg *msg, size_t first, size_t count)
{
    size_t size = 0;
    assert_int_equal(msg->count, count);
    for (size_t i = 0; i < count; i++) {
        octets_assert_equal(zmtp_msg_bytes(msg, i), body_of(first + i));
        size += body_of(first + i).size;
    }
    assert_int_equal(zmtp_msg_size(msg), size);
}

static void test_parts_keep_their_order_and_octets_while_the_message_grows(void **state)
{
    struct zmtp_budget *budget = *state;
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, &budget->allocator);
    for (size_t count = 0; count < 50; count++) {
        assert_holds(&msg, 0, count);
        assert_int_equal(zmtp_msg_append(&msg, body_of(count)), ZMTP_OK);
    }
    zmtp_msg_fini(&msg);
}

static void test_three_small_parts_need_no_memory(void **state)
{
    struct zmtp_budget *budget = *state;
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, &budget->allocator);
    for (int i = 0; i < 3; i++)
        assert_int_equal(zmtp_msg_append(&msg, LITERAL("small")), ZMTP_OK);
    assert_int_equal(budget->blocks, 0);
    assert_int_equal(zmtp_msg_append(&msg, LITERAL("small")), ZMTP_OK);
    assert_int_equal(budget->blocks, 1);
    zmtp_msg_fini(&msg);
}

static void test_a_part_that_is_not_there_is_empty(void **state)
{
    struct zmtp_budget *budget = *state;
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, &budget->allocator);
    assert_int_equal(zmtp_msg_bytes(&msg, 0).size, 0);
    assert_int_equal(zmtp_msg_size(&msg), 0);
    fill(&msg, 5);
    assert_int_equal(zmtp_msg_bytes(&msg, 5).size, 0);
    assert_int_equal(zmtp_msg_bytes(&msg, SIZE_MAX).size, 0);
    zmtp_msg_fini(&msg);
}

static void test_appending_a_part_takes_it(void **state)
{
    struct zmtp_budget *budget = *state;
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, &budget->allocator);
    struct zmtp_part part = {0};
    assert_int_equal(zmtp_part_copy(&part, body_of(2), &budget->allocator), ZMTP_OK);
    const uint8_t *data = zmtp_part_bytes(&part).data;
    assert_int_equal(zmtp_msg_append_part(&msg, &part), ZMTP_OK);
    assert_null(part.slab);
    assert_int_equal(part.size, 0);
    assert_ptr_equal(zmtp_msg_bytes(&msg, 0).data, data);
    zmtp_msg_fini(&msg);
}

static void test_a_refused_part_is_still_the_callers(void **state)
{
    struct zmtp_budget *budget = *state;
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, &budget->allocator);
    fill(&msg, 3);
    struct zmtp_part part = {0};
    assert_int_equal(zmtp_part_copy(&part, body_of(2), &budget->allocator), ZMTP_OK);
    budget->fail_at = budget->calls + 1;
    assert_int_equal(zmtp_msg_append_part(&msg, &part), ZMTP_ERR_MEMORY);
    assert_holds(&msg, 0, 3);
    octets_assert_equal(zmtp_part_bytes(&part), body_of(2));
    zmtp_part_fini(&part);
    zmtp_msg_fini(&msg);
}

static void test_each_failing_allocation_leaves_the_message_as_it_was(void **state)
{
    struct zmtp_budget *budget = *state;
    uint64_t failures = 0;
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, &budget->allocator);
    for (size_t i = 0; i < 30; i++) {
        // Fails the first allocation of this append, then the second, until none is left to fail.
        for (uint64_t nth = 1;; nth++) {
            budget->fail_at = budget->calls + nth;
            const int result = zmtp_msg_append(&msg, body_of(i));
            if (result == ZMTP_OK) break;
            assert_int_equal(result, ZMTP_ERR_MEMORY);
            assert_holds(&msg, 0, i);
            failures++;
        }
    }
    assert_true(failures == 10 + 4); // ten bodies in slabs; growths at 3, 6, 12 and 24 parts
    assert_holds(&msg, 0, 30);
    zmtp_msg_fini(&msg);
}

static void test_dropping_the_front_releases_it_and_moves_the_rest_up(void **state)
{
    struct zmtp_budget *budget = *state;
    for (size_t drop = 0; drop <= 12; drop++) {
        struct zmtp_msg msg = {0};
        zmtp_msg_init(&msg, &budget->allocator);
        fill(&msg, 10);
        zmtp_msg_drop_front(&msg, drop);
        const size_t dropped = drop < 10 ? drop : 10;
        assert_holds(&msg, dropped, 10 - dropped);
        assert_int_equal(zmtp_msg_append(&msg, LITERAL("next")), ZMTP_OK);
        octets_assert_equal(zmtp_msg_bytes(&msg, 10 - dropped), LITERAL("next"));
        zmtp_msg_fini(&msg);
    }
}

static void test_a_finished_message_is_empty_and_usable_again(void **state)
{
    struct zmtp_budget *budget = *state;
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, &budget->allocator);
    for (int i = 0; i < 3; i++) {
        fill(&msg, 7);
        zmtp_msg_fini(&msg);
        assert_int_equal(msg.count, 0);
        assert_int_equal(budget->blocks, 0);
    }
    zmtp_msg_fini(&msg);
}

static void test_a_message_moves_by_assignment(void **state)
{
    struct zmtp_budget *budget = *state;
    static const size_t counts[] = {0, 3, 4};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct zmtp_msg from = {0};
        zmtp_msg_init(&from, &budget->allocator);
        fill(&from, counts[i]);
        struct zmtp_msg to = from;
        zmtp_msg_init(&from, &budget->allocator);
        assert_holds(&to, 0, counts[i]);
        zmtp_msg_fini(&from);
        assert_holds(&to, 0, counts[i]);
        zmtp_msg_fini(&to);
    }
}

static void test_moving_a_message_takes_all_of_it_and_releases_what_was_there(void **state)
{
    struct zmtp_budget *budget = *state;
    const size_t counts[] = {0, 1, ZMTP_MSG_INLINE_PARTS, 40};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct zmtp_msg from = {0}, to = {0};
        zmtp_msg_init(&from, &budget->allocator);
        zmtp_msg_init(&to, &budget->allocator);
        fill(&from, counts[i]);
        fill(&to, 20);
        from.routing_id = 7;
        from.request = 8;
        zmtp_msg_move(&to, &from);
        assert_holds(&to, 0, counts[i]);
        assert_int_equal(to.routing_id, 7);
        assert_int_equal(to.request, 8);
        assert_int_equal(from.count, 0);
        assert_int_equal(from.routing_id, 0);
        assert_int_equal(from.request, 0);
        zmtp_msg_move(&to, &to); // stays what it is
        assert_holds(&to, 0, counts[i]);
        fill(&from, 5); // it is usable
        assert_holds(&from, 0, 5);
        zmtp_msg_fini(&from);
        zmtp_msg_fini(&to);
    }
}

#define MSG_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MSG_TEST(test_parts_keep_their_order_and_octets_while_the_message_grows),
        MSG_TEST(test_three_small_parts_need_no_memory),
        MSG_TEST(test_a_part_that_is_not_there_is_empty),
        MSG_TEST(test_appending_a_part_takes_it),
        MSG_TEST(test_a_refused_part_is_still_the_callers),
        MSG_TEST(test_each_failing_allocation_leaves_the_message_as_it_was),
        MSG_TEST(test_dropping_the_front_releases_it_and_moves_the_rest_up),
        MSG_TEST(test_a_finished_message_is_empty_and_usable_again),
        MSG_TEST(test_a_message_moves_by_assignment),
        MSG_TEST(test_moving_a_message_takes_all_of_it_and_releases_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
