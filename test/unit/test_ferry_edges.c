// The rims of a ferry: limits that only one of its three places has, a shore without a pipe, and shores that want memory.
#include "test/support/ferries.h"
#include "test/support/octets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint8_t body[60];

static void say(struct ferries *f)
{
    ferries_send(f, 0, zmtp_bytes_of(body, sizeof body), 0);
}

static void assert_heard(struct ferries *f)
{
    struct zmtp_msg msg;
    bool command;
    zmtp_msg_init(&msg, &f->budget.allocator);
    assert_true(ferries_recv(f, 1, &msg, &command));
    octets_assert_equal(zmtp_msg_bytes(&msg, 0), zmtp_bytes_of(body, sizeof body));
    zmtp_msg_fini(&msg);
}

static void test_what_the_ring_has_no_octets_for_waits_before_it(void **state)
{
    (void)state;
    struct ferries f;
    const struct ferries_limits limits = {.ring_bytes = 130}; // two messages are 124 octets
    ferries_open(&f, &limits, false);
    ferries_settle(&f);
    for (size_t i = 0; i < 3; i++) {
        say(&f);
        ferries_turn(&f, 0, 0);
        assert_int_equal(f.ends[0]->out->count, i == 2);
    }
    ferries_settle(&f);
    for (size_t i = 0; i < 3; i++)
        assert_heard(&f);
    ferries_close(&f);
}

static void test_what_the_receiver_has_no_room_for_waits_in_the_ring(void **state)
{
    (void)state;
    struct ferries f;
    const struct ferries_limits limits = {0};
    ferries_open(&f, &limits, false);
    ferries_settle(&f);
    zmtp__queue_limit(f.ends[1]->in, 1, 0);
    for (size_t i = 0; i < 3; i++) {
        say(&f);
        ferries_settle(&f);
        assert_int_equal(f.ends[0]->out->count, 0);
        assert_int_equal(f.ends[1]->in->count, 1);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_heard(&f);
        ferries_settle(&f);
    }
    ferries_close(&f);
}

static void test_a_shore_without_a_pipe_has_nothing_to_do(void **state)
{
    (void)state;
    struct ferries f;
    const struct ferries_limits limits = {0};
    ferries_open(&f, &limits, false);
    say(&f);
    ferries_turn(&f, 0, 0);
    assert_false(zmtp__shore_attached(f.shores[1]));
    assert_int_equal(zmtp__shore_work(f.shores[1]), 0);
    ferries_settle(&f);
    assert_heard(&f);
    ferries_close(&f);
}

static void end(struct zmtp__shore *shore)
{
    assert_true(zmtp__shore_refuse(shore) & ZMTP__FERRY_OVER);
    zmtp__shore_close(shore);
}

// Whichever of them it is.
static void test_a_shore_that_is_closed_is_hungry_no_more(void **state)
{
    (void)state;
    enum { SHORES = 3 };
    for (size_t gone = 0; gone < SHORES; gone++) {
        struct zmtp_budget budget;
        struct zmtp__dock near, far;
        struct zmtp__shore *shores[SHORES][2], *fed;
        size_t count = 0;
        zmtp_budget_init(&budget, NULL);
        zmtp__dock_init(&near);
        zmtp__dock_init(&far);
        const struct zmtp__ferry_config config = {.allocator = &budget.allocator,
                                                  .docks = {&near, &far}};
        for (size_t i = 0; i < SHORES; i++) {
            assert_int_equal(zmtp__ferry_open(&config, shores[i]), ZMTP_OK);
            zmtp__shore_put_off(shores[i][0]);
        }
        end(shores[gone][0]);
        zmtp__dock_feed(&near);
        while ((fed = zmtp__dock_next(&near))) {
            assert_ptr_not_equal(fed, shores[gone][0]);
            count++;
        }
        assert_int_equal(count, SHORES - 1);
        for (size_t i = 0; i < SHORES; i++) {
            if (i != gone) end(shores[i][0]);
            end(shores[i][1]);
        }
        zmtp__dock_fini(&near);
        zmtp__dock_fini(&far);
        assert_int_equal(budget.blocks, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_ring_has_no_octets_for_waits_before_it),
        cmocka_unit_test(test_what_the_receiver_has_no_room_for_waits_in_the_ring),
        cmocka_unit_test(test_a_shore_without_a_pipe_has_nothing_to_do),
        cmocka_unit_test(test_a_shore_that_is_closed_is_hungry_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
