#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../garden/core/requests.h"
#include "../support/random.h"

static struct zmtp_budget budget;
static const struct garden_answer no_answer = {0};

static struct garden_uuid id_of(uint32_t number)
{
    struct garden_uuid id = {{0}};
    memcpy(id.octets + 4, &number, sizeof number); // all in one bucket: the chains are long
    return id;
}

static struct garden__requests fresh(void)
{
    struct garden__requests requests;
    zmtp_budget_init(&budget, NULL);
    garden__requests_init(&requests, &budget.allocator);
    return requests;
}

static int add(struct garden__requests *requests, enum garden_lane lane, uint32_t number,
               uint64_t deadline_ms)
{
    return garden__requests_add(requests, lane, id_of(number), zmtp_bytes_text("octets"),
                                &no_answer, deadline_ms);
}

// Frees |asked|, which must be number |number|; 0: there must be none.
static void freed(struct garden__requests *requests, struct garden__asked *asked, uint32_t number)
{
    if (number == 0) {
        assert_null(asked);
        return;
    }
    assert_non_null(asked);
    assert_true(garden_uuid_equal(asked->msg_id, id_of(number)));
    garden__requests_free(requests, asked);
}

static uint32_t send_next(struct garden__requests *requests, enum garden_lane lane, bool one)
{
    struct garden__asked *asked = garden__requests_unsent(requests, lane, one);
    if (!asked) return 0;
    asked->sent = true;
    uint32_t number;
    memcpy(&number, asked->msg_id.octets + 4, sizeof number);
    return number;
}

static void release(struct garden__requests *requests)
{
    struct garden__asked *asked;
    while ((asked = garden__requests_any(requests)))
        garden__requests_free(requests, asked);
    assert_null(requests->first);
    assert_null(requests->last);
    for (size_t i = 0; i < GARDEN__ASKED_BUCKETS; i++)
        assert_null(requests->buckets[i]);
    assert_int_equal(budget.blocks, 0);
    assert_int_equal(budget.bytes, 0);
}

static void test_a_request_is_taken_once_by_its_msg_id(void **state)
{
    (void)state;
    struct garden__requests requests = fresh();
    for (uint32_t i = 1; i <= 5; i++)
        assert_int_equal(add(&requests, GARDEN_LANE_SHELL, i, 100), GARDEN_OK);
    static const uint32_t order[] = {3, 1, 5, 2, 4};
    for (size_t i = 0; i < 5; i++) {
        freed(&requests, garden__requests_take(&requests, GARDEN_LANE_SHELL, id_of(order[i])),
              order[i]);
        freed(&requests, garden__requests_take(&requests, GARDEN_LANE_SHELL, id_of(order[i])), 0);
    }
    release(&requests);
}

static void test_a_reply_on_another_lane_takes_nothing(void **state)
{
    (void)state;
    struct garden__requests requests = fresh();
    assert_int_equal(add(&requests, GARDEN_LANE_SHELL, 1, 100), GARDEN_OK);
    freed(&requests, garden__requests_take(&requests, GARDEN_LANE_QUERY, id_of(1)), 0);
    freed(&requests, garden__requests_take(&requests, GARDEN_LANE_SHELL, id_of(1)), 1);
    release(&requests);
}

static void test_a_msg_id_is_under_way_once(void **state)
{
    (void)state;
    struct garden__requests requests = fresh();
    assert_int_equal(add(&requests, GARDEN_LANE_SHELL, 1, 100), GARDEN_OK);
    assert_int_equal(add(&requests, GARDEN_LANE_SHELL, 1, 200), GARDEN_ERR_EXISTS);
    assert_int_equal(add(&requests, GARDEN_LANE_QUERY, 1, 200), GARDEN_ERR_EXISTS);
    assert_int_equal(garden__requests_deadline(&requests), 100);
    freed(&requests, garden__requests_take(&requests, GARDEN_LANE_SHELL, id_of(1)), 1);
    assert_int_equal(add(&requests, GARDEN_LANE_SHELL, 1, 200), GARDEN_OK); // now it may come again
    release(&requests);
}

static void test_requests_are_sent_in_the_order_of_asking(void **state)
{
    (void)state;
    struct garden__requests requests = fresh();
    (void)add(&requests, GARDEN_LANE_SHELL, 1, 100);
    (void)add(&requests, GARDEN_LANE_CONTROL, 2, 100);
    (void)add(&requests, GARDEN_LANE_SHELL, 3, 100);
    assert_int_equal(send_next(&requests, GARDEN_LANE_SHELL, false), 1);
    assert_int_equal(send_next(&requests, GARDEN_LANE_SHELL, false), 3);
    assert_int_equal(send_next(&requests, GARDEN_LANE_SHELL, false), 0);
    assert_int_equal(send_next(&requests, GARDEN_LANE_CONTROL, false), 2);
    release(&requests);
}

static void test_a_lane_of_one_at_a_time_waits_for_the_one(void **state)
{
    (void)state;
    struct garden__requests requests = fresh();
    (void)add(&requests, GARDEN_LANE_SHELL, 1, 100);
    (void)add(&requests, GARDEN_LANE_QUERY, 2, 100);
    (void)add(&requests, GARDEN_LANE_QUERY, 3, 100);
    assert_int_equal(send_next(&requests, GARDEN_LANE_QUERY, true), 2);
    assert_int_equal(send_next(&requests, GARDEN_LANE_QUERY, true), 0);
    freed(&requests, garden__requests_take(&requests, GARDEN_LANE_QUERY, id_of(2)), 2);
    assert_int_equal(send_next(&requests, GARDEN_LANE_QUERY, true), 3);
    release(&requests);
}

static void test_a_new_connection_has_its_lane_sent_again_in_order(void **state)
{
    (void)state;
    struct garden__requests requests = fresh();
    for (uint32_t i = 1; i <= 3; i++)
        (void)add(&requests, GARDEN_LANE_SHELL, i, 100);
    (void)add(&requests, GARDEN_LANE_CONTROL, 4, 100);
    (void)send_next(&requests, GARDEN_LANE_SHELL, false);
    (void)send_next(&requests, GARDEN_LANE_SHELL, false);
    (void)send_next(&requests, GARDEN_LANE_CONTROL, false);
    garden__requests_renew(&requests, GARDEN_LANE_SHELL);
    assert_int_equal(requests.resent, 2); // the third was never sent
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(send_next(&requests, GARDEN_LANE_SHELL, false), i);
    assert_int_equal(send_next(&requests, GARDEN_LANE_CONTROL, false), 0);
    release(&requests);
}

static void test_requests_expire_at_their_own_deadlines(void **state)
{
    (void)state;
    struct garden__requests requests = fresh();
    assert_true(garden__requests_deadline(&requests) == UINT64_MAX);
    (void)add(&requests, GARDEN_LANE_SHELL, 1, 300);
    (void)add(&requests, GARDEN_LANE_CONTROL, 2, 100);
    (void)add(&requests, GARDEN_LANE_QUERY, 3, 200);
    assert_int_equal(garden__requests_deadline(&requests), 100);
    freed(&requests, garden__requests_expired(&requests, 99), 0);
    freed(&requests, garden__requests_expired(&requests, 100), 2);
    freed(&requests, garden__requests_expired(&requests, 100), 0);
    assert_int_equal(garden__requests_deadline(&requests), 200);
    freed(&requests, garden__requests_expired(&requests, 1000), 1);
    freed(&requests, garden__requests_expired(&requests, 1000), 3);
    freed(&requests, garden__requests_expired(&requests, 1000), 0);
    release(&requests);
}

static void test_without_memory_a_request_is_not_taken(void **state)
{
    (void)state;
    struct garden__requests requests = fresh();
    (void)add(&requests, GARDEN_LANE_SHELL, 1, 100);
    budget.fail_at = budget.calls + 1;
    assert_int_equal(add(&requests, GARDEN_LANE_SHELL, 2, 100), GARDEN_ERR_MEMORY);
    freed(&requests, garden__requests_take(&requests, GARDEN_LANE_SHELL, id_of(2)), 0);
    assert_int_equal(add(&requests, GARDEN_LANE_SHELL, 2, 100), GARDEN_OK);
    release(&requests);
}

// Against a model that is a plain array.
static void test_adding_and_taking_at_random_loses_and_invents_nothing(void **state)
{
    (void)state;
    struct garden__requests requests = fresh();
    enum { IDS = 300 };
    bool there[IDS + 1] = {false};
    struct random random = random_of(4711);
    for (unsigned i = 0; i < 20000; i++) {
        const uint32_t number = 1 + (uint32_t)random_below(&random, IDS);
        if (random_below(&random, 2)) {
            const int result = add(&requests, GARDEN_LANE_SHELL, number, number);
            assert_int_equal(result, there[number] ? GARDEN_ERR_EXISTS : GARDEN_OK);
            there[number] = true;
        } else {
            freed(&requests, garden__requests_take(&requests, GARDEN_LANE_SHELL, id_of(number)),
                  there[number] ? number : 0);
            there[number] = false;
        }
    }
    release(&requests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_taken_once_by_its_msg_id),
        cmocka_unit_test(test_a_reply_on_another_lane_takes_nothing),
        cmocka_unit_test(test_a_msg_id_is_under_way_once),
        cmocka_unit_test(test_requests_are_sent_in_the_order_of_asking),
        cmocka_unit_test(test_a_lane_of_one_at_a_time_waits_for_the_one),
        cmocka_unit_test(test_a_new_connection_has_its_lane_sent_again_in_order),
        cmocka_unit_test(test_requests_expire_at_their_own_deadlines),
        cmocka_unit_test(test_without_memory_a_request_is_not_taken),
        cmocka_unit_test(test_adding_and_taking_at_random_loses_and_invents_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
