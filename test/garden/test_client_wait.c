// Waiting for an event, or for an answer to a ping, without standing still.
#include "pair.h"

struct waited {
    unsigned calls;
    int result;
    uint64_t seq;      // of the event that ended it
    uint64_t seq_from; // wanted
    unsigned seen;     // events that it was asked about
    bool again;        // wait once more from inside the call
};

static bool wants(const struct garden_message *event, void *user)
{
    struct waited *waited = user;
    uint64_t seq = 0;
    waited->seen++;
    return garden_value_to_u64(garden_map_find(&event->metadata, "seq"), &seq) &&
           seq >= waited->seq_from;
}

static void over(struct garden_client *client, int result, const struct garden_message *event,
                 void *user)
{
    struct waited *waited = user;
    waited->calls++;
    waited->result = result;
    if (event) (void)garden_value_to_u64(garden_map_find(&event->metadata, "seq"), &waited->seq);
    if (!waited->again) return;
    waited->again = false;
    const struct garden_wait wait = {wants, over, waited, 30000};
    waited->seq_from = waited->seq + 1;
    assert_int_equal(garden_client_wait_for(client, &wait), GARDEN_OK);
}

static void wait_for(struct pair *pair, struct waited *waited, bool ping, uint32_t timeout_ms)
{
    const struct garden_wait wait = {ping ? NULL : wants, over, waited, timeout_ms};
    assert_int_equal(garden_client_wait_for(pair->client, &wait), GARDEN_OK);
}

static void publish(struct pair *pair)
{
    const struct garden_event event = {.kind = GARDEN_EVENT_PLAYBACK_STARTED};
    assert_int_equal(garden_server_publish(pair->server, &event, NULL, 0), GARDEN_OK);
}

// Until the subscription is there and the first event came.
static void start(struct pair *pair)
{
    pair_start(pair, ZMTP_IPC);
    while (pair->events == 0) {
        publish(pair);
        world_rest(&pair->world, 1);
    }
}

static void test_the_first_event_that_is_wanted_ends_the_wait(void **state)
{
    (void)state;
    struct pair pair;
    start(&pair);
    struct waited early = {.seq_from = pair.seq + 2}, late = {.seq_from = pair.seq + 5};
    wait_for(&pair, &early, false, 30000);
    wait_for(&pair, &late, false, 30000);
    for (int i = 0; i < 6; i++)
        publish(&pair);
    WORLD_UNTIL(&pair.world, late.calls > 0);
    assert_int_equal(early.result, GARDEN_OK);
    assert_int_equal(early.seq, early.seq_from);
    assert_int_equal(late.seq, late.seq_from);
    assert_true(early.seen < late.seen);
    assert_true(early.calls == 1 && late.calls == 1);
    pair_close(&pair);
}

static void test_a_wait_may_begin_another_and_sees_no_event_twice(void **state)
{
    (void)state;
    struct pair pair;
    start(&pair);
    struct waited waited = {.seq_from = pair.seq + 1, .again = true};
    wait_for(&pair, &waited, false, 30000);
    publish(&pair);
    publish(&pair);
    WORLD_UNTIL(&pair.world, waited.calls == 2);
    assert_int_equal(waited.seq, waited.seq_from);
    pair_close(&pair);
}

static void test_a_wait_for_what_does_not_come_ends_in_time(void **state)
{
    (void)state;
    struct pair pair;
    start(&pair);
    struct waited never = {.seq_from = UINT64_MAX}, longer = {.seq_from = UINT64_MAX};
    wait_for(&pair, &longer, false, 60000);
    wait_for(&pair, &never, false, 20);
    WORLD_UNTIL(&pair.world, never.calls > 0);
    assert_int_equal(never.result, GARDEN_ERR_TIMEOUT);
    assert_int_equal(longer.calls, 0);
    pair_close(&pair); // and the other one is told that nothing will come
    assert_int_equal(longer.calls, 1);
    assert_int_equal(longer.result, GARDEN_ERR_DEAD);
}

static void test_a_ping_is_answered_or_times_out(void **state)
{
    (void)state;
    struct pair pair;
    start(&pair);
    struct waited first = {0}, second = {0};
    wait_for(&pair, &first, true, 30000);
    WORLD_UNTIL(&pair.world, first.calls > 0);
    assert_int_equal(first.result, GARDEN_OK);
    pair_server_stop(&pair);
    wait_for(&pair, &second, true, 50);
    WORLD_UNTIL(&pair.world, second.calls > 0);
    assert_int_equal(second.result, GARDEN_ERR_TIMEOUT);
    pair_server_start(&pair);
    struct waited third = {0};
    wait_for(&pair, &third, true, 30000);
    WORLD_UNTIL(&pair.world, third.calls > 0);
    assert_int_equal(third.result, GARDEN_OK);
    pair_close(&pair);
}

static void test_wrong_waits_are_refused(void **state)
{
    (void)state;
    struct pair pair;
    start(&pair);
    const struct garden_wait nobody = {.wanted = wants};
    assert_int_equal(garden_client_wait_for(pair.client, &nobody), GARDEN_ERR_ARGUMENT);
    assert_int_equal(garden_client_wait_for(pair.client, NULL), GARDEN_ERR_ARGUMENT);
    assert_int_equal(garden_client_wait_for(NULL, &nobody), GARDEN_ERR_ARGUMENT);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_event_that_is_wanted_ends_the_wait),
        cmocka_unit_test(test_a_wait_may_begin_another_and_sees_no_event_twice),
        cmocka_unit_test(test_a_wait_for_what_does_not_come_ends_in_time),
        cmocka_unit_test(test_a_ping_is_answered_or_times_out),
        cmocka_unit_test(test_wrong_waits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
