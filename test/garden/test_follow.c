// A subscriber that follows the numbers: whatever is lost on the way, every event is delivered in order
// and once, or told to be lost for good.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "garden/core/follow.h"
#include "garden/core/history.h"

enum { HELD = 4, KEPT = 16 };

static const struct garden_uuid one = {{1}}, other = {{2}};

struct fixture {
    struct zmtp_budget budget;
    struct garden__follow follow;
    struct garden__history history;
    uint64_t published;       // the next number
    uint64_t delivered, lost; // how many, of which the next is their sum
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.published = 0};
    zmtp_budget_init(&f.budget, NULL);
    garden__follow_init(&f.follow, &f.budget.allocator, HELD, 1024);
    garden__history_init(&f.history, &f.budget.allocator, KEPT, 1024);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    garden__follow_fini(&f->follow);
    garden__history_fini(&f->history);
    return f->budget.bytes == 0 ? 0 : -1;
}

static void deliver(struct fixture *f, uint64_t seq)
{
    assert_int_equal(seq, f->delivered + f->lost);
    f->delivered++;
}

static void lose(struct fixture *f, uint64_t first, uint64_t count)
{
    assert_int_equal(first, f->delivered + f->lost);
    f->lost += count;
}

// The next event is published, and reaches the subscriber or not.
static void publish(struct fixture *f, bool arrives)
{
    const uint64_t seq = f->published++;
    const struct zmtp_bytes octets = zmtp_bytes_of((const uint8_t *)&seq, sizeof seq);
    garden__history_add(&f->history, seq, octets);
    if (arrives && garden__follow_event(&f->follow, seq, octets)) deliver(f, seq);
}

static void release(struct fixture *f)
{
    struct garden__held *held;
    while ((held = garden__follow_take(&f->follow))) {
        uint64_t seq;
        memcpy(&seq, held->octets, sizeof seq);
        assert_int_equal(seq, held->seq);
        deliver(f, seq);
        garden__follow_free(&f->follow, held);
    }
}

// Answers one question, with at most |most| events.
static void answer(struct fixture *f, uint64_t from, size_t most)
{
    const struct garden__past *past = garden__history_from(&f->history, from);
    uint64_t lost, count;
    const uint64_t before = f->follow.next;
    if (garden__follow_answered(&f->follow, past ? past->seq : f->published, &lost, &count))
        lose(f, lost, count);
    for (; past && most > 0; past = past->next, most--)
        if (garden__follow_event(&f->follow, past->seq, (struct zmtp_bytes){0}))
            deliver(f, past->seq);
    if (f->follow.next == before && garden__follow_give_up(&f->follow, &lost, &count))
        lose(f, lost, count);
    release(f);
}

static void what_comes_in_order_is_delivered_at_once(void **state)
{
    struct fixture *f = *state;
    uint64_t from;
    assert_false(garden__follow_session(&f->follow, one, 0));
    for (int i = 0; i < 5; i++)
        publish(f, true);
    assert_int_equal(f->delivered, 5);
    assert_false(garden__follow_ask(&f->follow, &from));
}

static void a_gap_is_asked_for_and_what_came_meanwhile_waits(void **state)
{
    struct fixture *f = *state;
    uint64_t from;
    (void)garden__follow_session(&f->follow, one, 0);
    publish(f, true);
    publish(f, false);
    publish(f, true);
    publish(f, true);
    assert_int_equal(f->delivered, 1);
    assert_true(garden__follow_ask(&f->follow, &from));
    assert_int_equal(from, 1);
    assert_false(garden__follow_ask(&f->follow, &from)); // once
    answer(f, 1, 1);                                     // that alone: the others were held
    assert_int_equal(f->delivered, 4);
    assert_int_equal(f->lost, 0);
    assert_false(garden__follow_ask(&f->follow, &from));
}

static void an_event_that_comes_live_and_in_an_answer_is_delivered_once(void **state)
{
    struct fixture *f = *state;
    uint64_t from;
    (void)garden__follow_session(&f->follow, one, 0);
    publish(f, false);
    publish(f, true);
    assert_true(garden__follow_ask(&f->follow, &from));
    publish(f, false); // on its way
    answer(f, from, KEPT);
    assert_int_equal(f->delivered, 3);
    assert_false(garden__follow_event(&f->follow, 2, (struct zmtp_bytes){0}));
}

static void a_welcome_tells_of_what_was_missed_before_it(void **state)
{
    struct fixture *f = *state;
    uint64_t from;
    (void)garden__follow_session(&f->follow, one, 0);
    publish(f, true);
    publish(f, false);
    publish(f, false);
    assert_false(garden__follow_ask(&f->follow, &from));
    assert_false(garden__follow_session(&f->follow, one, f->published)); // connected anew
    assert_true(garden__follow_ask(&f->follow, &from));
    answer(f, from, KEPT);
    assert_int_equal(f->delivered, 3);
}

static void what_is_no_longer_kept_is_told_to_be_lost(void **state)
{
    struct fixture *f = *state;
    uint64_t from;
    (void)garden__follow_session(&f->follow, one, 0);
    for (int i = 0; i < 2 * KEPT; i++)
        publish(f, false);
    publish(f, true);
    assert_true(garden__follow_ask(&f->follow, &from));
    answer(f, from, KEPT);
    assert_int_equal(f->lost, KEPT + 1);
    assert_int_equal(f->delivered, KEPT);
}

static void another_session_is_followed_from_its_beginning(void **state)
{
    struct fixture *f = *state;
    uint64_t from;
    (void)garden__follow_session(&f->follow, one, 7);
    f->published = 7;
    f->lost = 7; // before it came
    publish(f, true);
    publish(f, false);
    publish(f, true);
    assert_true(garden__follow_ask(&f->follow, &from));
    assert_true(garden__follow_session(&f->follow, other, 2));
    assert_true(garden__follow_stale(&f->follow)); // the answer means the former session
    assert_true(garden__follow_ask(&f->follow, &from));
    assert_int_equal(from, 0);
    assert_null(f->follow.first); // and so did what was held
}

static void without_an_answer_it_goes_on_behind_the_gap(void **state)
{
    struct fixture *f = *state;
    uint64_t from, lost, count;
    (void)garden__follow_session(&f->follow, one, 0);
    publish(f, false);
    publish(f, true);
    assert_true(garden__follow_ask(&f->follow, &from));
    assert_true(garden__follow_give_up(&f->follow, &lost, &count));
    lose(f, lost, count);
    release(f);
    assert_int_equal(f->delivered, 1);
    assert_int_equal(f->lost, 1);
}

static void at_random_everything_is_delivered_or_told_lost_and_nothing_grows(void **state)
{
    struct fixture *f = *state;
    uint64_t seed = 1, from = 0;
    bool asked = false;
    (void)garden__follow_session(&f->follow, one, 0);
    for (int i = 0; i < 100000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const unsigned dice = (unsigned)(seed >> 40) % 100;
        if (dice < 70)
            publish(f, dice < 50);
        else if (dice < 72)
            f->budget.fail_at = f->budget.calls + 1; // the next is held, or kept, by nobody
        else if (asked)
            answer(f, from, dice % 5 + 1), asked = false;
        release(f);
        if (!asked) asked = garden__follow_ask(&f->follow, &from);
        assert_true(f->follow.count <= HELD && f->history.count <= KEPT);
    }
    f->budget.fail_at = 0;
    publish(f, true);
    while (asked || garden__follow_ask(&f->follow, &from)) {
        answer(f, from, 5);
        asked = false;
    }
    assert_int_equal(f->delivered + f->lost, f->published);
    assert_true(f->delivered > 10 * f->lost);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_comes_in_order_is_delivered_at_once),
        TEST(a_gap_is_asked_for_and_what_came_meanwhile_waits),
        TEST(an_event_that_comes_live_and_in_an_answer_is_delivered_once),
        TEST(a_welcome_tells_of_what_was_missed_before_it),
        TEST(what_is_no_longer_kept_is_told_to_be_lost),
        TEST(another_session_is_followed_from_its_beginning),
        TEST(without_an_answer_it_goes_on_behind_the_gap),
        TEST(at_random_everything_is_delivered_or_told_lost_and_nothing_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
