// The blocking client of a daemon that the test turns between its calls: what waits in it, how long its calls wait, and
// whom it calls.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <garden/blocking.h>

#include "pair.h"

enum { SOON_MS = 300, LARGE = 1024 * 1024 };

static void on_lost_of_a_user_that_is_none(struct garden_client *client, uint64_t first,
                                           uint64_t count, void *user)
{
    (void)client;
    (void)first;
    (void)count;
    fail_msg("a callback was called, with %s", (const char *)user);
}

static void open_beside(struct pair *pair, struct garden_blocking **garden, bool catch_up)
{
    struct garden_error error = {0};
    pair_open(pair, ZMTP_IPC);
    pair_server_start(pair);
    pair->client_config.endpoints = pair->endpoints;
    pair->client_config.catch_up = catch_up;
    pair->client_config.on_lost = on_lost_of_a_user_that_is_none;
    pair->client_config.user = (void *)(uintptr_t) "the user of the config";
    if (garden_blocking_open(garden, &pair->client_config, &error) < 0) fail_msg("%s", error.text);
}

// A turn of both. The client waits for a ping, so that it receives and nothing is taken.
static void turn(struct pair *pair, struct garden_blocking *garden)
{
    (void)uv_run(&pair->world.loop, UV_RUN_NOWAIT);
    (void)garden_blocking_ping(garden, 1);
    if (pair->world.expired) fail_msg("it takes too long");
}

// Both are turned until the client has an event, which is |kind|'s.
static uint64_t take(struct pair *pair, struct garden_blocking *garden, enum garden_event_kind kind)
{
    struct garden_message event;
    uint64_t seq = UINT64_MAX;
    int result;
    while ((result = garden_blocking_event(garden, 0, &event)) == GARDEN_ERR_TIMEOUT)
        turn(pair, garden);
    assert_int_equal(result, GARDEN_OK);
    assert_int_equal(event.event.kind, kind);
    const struct garden_value *number = garden_map_find(&event.metadata, "seq");
    if (number) assert_true(garden_value_to_u64(number, &seq));
    garden_message_fini(&event);
    return seq;
}

static void publish(struct pair *pair, size_t size)
{
    static char text[LARGE];
    memset(text, 'x', sizeof text);
    const struct garden_event event = {.kind = GARDEN_EVENT_WARNING, .warning = {{text, size}}};
    assert_int_equal(garden_server_publish(pair->server, &event, NULL, 0), GARDEN_OK);
}

// 16 MiB of them; what they have is a little more than their text.
static void events_that_nobody_takes_make_room_for_those_that_come_and_are_counted(void **state)
{
    (void)state;
    enum { PUBLISHED = 20, KEPT = GARDEN_BLOCKING_EVENT_BYTES_MAX / LARGE - 1 };
    struct pair pair;
    struct garden_blocking *garden;
    open_beside(&pair, &garden, false);
    (void)take(&pair, garden, GARDEN_EVENT_WELCOME);
    for (int i = 1; i <= PUBLISHED; i++) {
        publish(&pair, LARGE);
        for (int turns = 0; turns < 4; turns++)
            turn(&pair, garden);
    }
    while (garden_blocking_missed(garden) < PUBLISHED - KEPT)
        turn(&pair, garden);
    for (uint64_t seq = PUBLISHED - KEPT; seq < PUBLISHED; seq++)
        assert_int_equal(take(&pair, garden, GARDEN_EVENT_WARNING), seq);
    assert_int_equal(garden_blocking_missed(garden), PUBLISHED - KEPT);
    garden_blocking_close(garden);
    pair_close(&pair);
}

// Pings go out once a second, and a call that looks whether there is an event must not sleep until the next.
static void a_call_that_does_not_wait_comes_back_at_once(void **state)
{
    (void)state;
    struct pair pair;
    struct garden_blocking *garden;
    struct garden_message event;
    open_beside(&pair, &garden, false);
    (void)take(&pair, garden, GARDEN_EVENT_WELCOME);
    const uint64_t begun_ns = uv_hrtime();
    for (int i = 0; i < 60; i++)
        assert_int_equal(garden_blocking_event(garden, 0, &event), GARDEN_ERR_TIMEOUT);
    assert_true(uv_hrtime() - begun_ns < UINT64_C(20000000000));
    garden_blocking_close(garden);
    pair_close(&pair);
}

// Between calls the loop stands still, and its clock with it.
static void a_call_after_a_rest_waits_as_long_as_it_is_told(void **state)
{
    (void)state;
    struct pair pair;
    struct garden_blocking *garden;
    struct garden_message event;
    open_beside(&pair, &garden, false);
    (void)take(&pair, garden, GARDEN_EVENT_WELCOME);
    nanosleep(&(struct timespec){.tv_nsec = 2 * SOON_MS * 1000000L}, NULL);
    const uint64_t begun_ns = uv_hrtime();
    assert_int_equal(garden_blocking_event(garden, SOON_MS, &event), GARDEN_ERR_TIMEOUT);
    assert_true(uv_hrtime() - begun_ns > SOON_MS * UINT64_C(1000000) / 2);
    garden_blocking_close(garden);
    pair_close(&pair);
}

static void the_configs_callbacks_are_not_called(void **state)
{
    (void)state;
    struct pair pair;
    struct garden_blocking *garden;
    open_beside(&pair, &garden, true);
    (void)take(&pair, garden, GARDEN_EVENT_WELCOME);
    publish(&pair, 1);
    assert_int_equal(take(&pair, garden, GARDEN_EVENT_WARNING), 0);
    pair_server_leave(&pair);
    while (!pair.server_closed)
        turn(&pair, garden);
    pair_server_start(&pair); // another session: whoever catches up is told of what may be lost
    publish(&pair, 1);
    (void)take(&pair, garden, GARDEN_EVENT_WELCOME);
    assert_int_equal(take(&pair, garden, GARDEN_EVENT_WARNING), 0);
    garden_blocking_close(garden);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_that_nobody_takes_make_room_for_those_that_come_and_are_counted),
        cmocka_unit_test(a_call_that_does_not_wait_comes_back_at_once),
        cmocka_unit_test(a_call_after_a_rest_waits_as_long_as_it_is_told),
        cmocka_unit_test(the_configs_callbacks_are_not_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
