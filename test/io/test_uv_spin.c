// A loop that looks for news a while before it sleeps (zmtp_uv_spin): what it must not hold up, and when it must not.
// The rule itself is proven with a clock of its own, in test/unit/test_spin.c.
#include <poll.h>

#include "test/support/world.h"
#include "zmtp/io/harbour.h"

enum { LONG_US = 1000000, PATIENCE_MS = 20000 };

static void meet_unasked(struct world *world, enum zmtp_transport transport, struct node *a,
                         struct node *b)
{
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(world);
    node_start(a, world, ZMTP_DEALER);
    node_start(b, world, ZMTP_DEALER);
    world_endpoint(world, transport, endpoint);
    node_bind(b, endpoint);
    node_connect(a, endpoint);
    WORLD_UNTIL(world,
                a->events[ZMTP_EVENT_HANDSHAKE_DONE] && b->events[ZMTP_EVENT_HANDSHAKE_DONE]);
}

// What the engine has learned by itself does not count.
static void meet(struct world *world, enum zmtp_transport transport, struct node *a, struct node *b)
{
    meet_unasked(world, transport, a, b);
    assert_int_equal(zmtp_uv_spin(world->uv, 0), ZMTP_OK);
}

// A loop that spins does not sleep: its turns come to an end although nothing happens.
static void test_a_loop_spins_after_a_message_and_only_when_told_to(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    meet(&world, ZMTP_TCP, &a, &b);
    node_send(&a, "one");
    WORLD_UNTIL(&world, b.received == 1);
    assert_false(world.uv->spinning);
    assert_int_equal(zmtp_uv_spin(world.uv, LONG_US), ZMTP_OK);
    node_send(&a, "two");
    WORLD_UNTIL(&world, b.received == 2);
    WORLD_UNTIL(&world, world.uv->spinning || world.uv->spin.doubts > 0);
    assert_int_equal(zmtp_uv_spin(world.uv, 0), ZMTP_OK);
    node_send(&a, "three");
    WORLD_UNTIL(&world, b.received == 3);
    assert_false(world.uv->spinning);
    world_close(&world);
}

static void test_a_spin_is_a_second_long_at_most(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    assert_int_equal(zmtp_uv_spin(world.uv, LONG_US + 1), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_spin(world.uv, LONG_US), ZMTP_OK);
    world_close(&world);
}

static void have_slept_briefly(struct zmtp_uv *uv)
{
    zmtp__spin_init(&uv->spin, ZMTP__SPIN_UNASKED);
    for (unsigned i = 0; i < 8; i++)
        (void)zmtp__spin_slept(&uv->spin, uv_hrtime(), 60000);
}

static void test_a_loop_that_nobody_has_asked_spins_after_brief_sleeps(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    meet_unasked(&world, ZMTP_TCP, &a, &b);
    assert_true(zmtp__spin_learns(&world.uv->spin));
    have_slept_briefly(world.uv);
    node_send(&a, "one");
    WORLD_UNTIL(&world, b.received == 1);
    WORLD_UNTIL(&world, world.uv->spin.begun_ns > 0);
    world_close(&world);
}

static void idle_ring(uv_timer_t *timer)
{
    unsigned *const rung = timer->data;
    ++*rung;
}

// Nothing comes but a timer of the program's, for which the loop sleeps. True: that this was no brief sleep is known.
static bool learns_of_a_sleep(struct world *world, uv_timer_t *timer)
{
    unsigned rung = 0;
    have_slept_briefly(world->uv);
    uv_timer_init(&world->loop, timer);
    timer->data = &rung;
    uv_timer_start(timer, idle_ring, 20, 0);
    WORLD_UNTIL(world, rung > 0);
    uv_close((uv_handle_t *)timer, NULL);
    return world->uv->spin.briefs == 0;
}

static void test_a_loop_learns_how_long_it_sleeps_unless_it_is_another_loops_part(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    uv_timer_t timers[2];
    meet_unasked(&world, ZMTP_TCP, &a, &b);
    assert_true(learns_of_a_sleep(&world, &timers[0]));
    assert_true(zmtp_uv_fd(world.uv) >= 0);
    assert_false(learns_of_a_sleep(&world, &timers[1]));
    world_close(&world);
}

struct alarm {
    uv_timer_t timer;
    const struct zmtp_uv *uv;
    unsigned rung, amid_spins;
};

static void alarm_ring(uv_timer_t *timer)
{
    struct alarm *const alarm = timer->data;
    alarm->rung++;
    alarm->amid_spins += alarm->uv->spinning;
}

// Timers of the program's, each well before a spin of a second is over. On a machine that holds the process up they
// may ring after one, so what is asked for is that one in a few does not.
static void test_a_spin_does_not_delay_timers(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    meet(&world, ZMTP_TCP, &a, &b);
    struct alarm alarm = {.uv = world.uv};
    uv_timer_init(&world.loop, &alarm.timer);
    alarm.timer.data = &alarm;
    for (unsigned i = 1; alarm.amid_spins == 0 && i < 10; i++) {
        assert_int_equal(zmtp_uv_spin(world.uv, LONG_US), ZMTP_OK); // forgets what it has learned
        node_send(&a, "now");
        uv_timer_start(&alarm.timer, alarm_ring, 5, 0);
        WORLD_UNTIL(&world, b.received == i && alarm.rung == i);
    }
    assert_true(alarm.amid_spins > 0);
    uv_close((uv_handle_t *)&alarm.timer, NULL);
    world_close(&world);
}

static void test_a_programs_own_descriptor_is_seen_amid_a_spin(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    meet(&world, ZMTP_TCP, &a, &b);
    assert_int_equal(zmtp_uv_spin(world.uv, LONG_US), ZMTP_OK);
    const int fd = zmtp_uv_fd(world.uv);
    node_send(&a, "now");
    // A program with a loop of its own goes on turning, for the descriptor says that there is something to do.
    while (b.received == 0 || world.uv->spinning) {
        struct pollfd wanted = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&wanted, 1, PATIENCE_MS), 1);
        assert_int_equal(zmtp_uv_turn(world.uv), ZMTP_OK);
    }
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&wanted, 1, 0), 0); // and then no more
    world_close(&world);
}

// The program's own timer wakes the loop; nothing comes. What that costs is counted, as time depends on what else runs:
// each ring is a turn of the loop, where a spin would be as many as its time allows.
static void test_an_idle_socket_takes_hardly_any_processor_time(void **state)
{
    (void)state;
    // The next spin would begin 64 limits after one in vain, long before as many rings a millisecond apart.
    enum { RINGS = 300, LIMIT_US = 1000 };
    struct world world;
    struct node a, b;
    uv_timer_t timer;
    unsigned rung = 0, turns = 0;
    meet(&world, ZMTP_TCP, &a, &b);
    assert_int_equal(zmtp_uv_spin(world.uv, LIMIT_US), ZMTP_OK);
    uv_timer_init(&world.loop, &timer);
    timer.data = &rung;
    node_send(&a, "the last for a while");
    WORLD_UNTIL(&world, b.received == 1);
    WORLD_UNTIL(&world, !world.uv->spinning && world.uv->spin.doubts > 0);
    const unsigned doubts = world.uv->spin.doubts;
    uv_timer_start(&timer, idle_ring, 1, 1);
    for (; rung < RINGS; turns++)
        world_turn(&world);
    assert_int_equal(world.uv->spin.doubts, doubts); // it has not spun in vain
    assert_in_range(turns, 1, RINGS + RINGS / 4);    // the engine has timers of its own
    uv_close((uv_handle_t *)&timer, NULL);
    world_close(&world);
}

static void pass_on(struct node *node, struct zmtp_msg *msg)
{
    (void)msg;
    node_send(node, "again");
}

// Within one loop nothing is waited for, so these are as fast as without; what counts is that all go on.
static void test_messages_pass_as_without(void **state)
{
    (void)state;
    static const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC};
    for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++) {
        struct world world;
        struct node a, b;
        meet(&world, transports[i], &a, &b);
        assert_int_equal(zmtp_uv_spin(world.uv, 50), ZMTP_OK);
        a.act = b.act = pass_on;
        node_send(&a, "go");
        WORLD_UNTIL(&world, a.received >= 1000);
        a.act = b.act = NULL;
        world_close(&world);
    }
}

static void turn_both(struct world worlds[2])
{
    for (size_t i = 0; i < 2; i++) {
        assert_false(worlds[i].expired);
        uv_run(&worlds[i].loop, UV_RUN_NOWAIT);
    }
}

// Is a reader that has just received something, and would sleep or spins now, rung for the next message?
static bool rung_for_the_next(struct world worlds[2], struct node nodes[2], uint32_t spin_us)
{
    const struct zmtp_uv *const uv = worlds[0].uv;
    const size_t received = nodes[0].received;
    assert_int_equal(zmtp_uv_spin(worlds[0].uv, spin_us), ZMTP_OK);
    node_send(&nodes[1], "one");
    while (nodes[0].received == received)
        turn_both(worlds);
    do
        uv_run(&worlds[0].loop, UV_RUN_NOWAIT);
    while (!uv->spinning && uv_is_active((const uv_handle_t *)&uv->idle));
    node_send(&nodes[1], "another");
    uv_run(&worlds[1].loop, UV_RUN_NOWAIT);
    struct pollfd bell = {.fd = uv->harbour->bell, .events = POLLIN};
    const bool rung = poll(&bell, 1, 0) > 0;
    while (nodes[0].received == received + 1)
        turn_both(worlds);
    return rung;
}

// Two engines that share names, run by turns.
static void test_a_loop_that_spins_is_not_rung(void **state)
{
    (void)state;
    struct world worlds[2];
    struct zmtp_uv_shared *shared;
    struct node nodes[2];
    assert_int_equal(zmtp_uv_shared_open(&shared), ZMTP_OK);
    for (size_t i = 0; i < 2; i++) {
        world_open(&worlds[i]);
        assert_int_equal(zmtp_uv_join(worlds[i].uv, shared), ZMTP_OK);
        node_start(&nodes[i], &worlds[i], ZMTP_DEALER);
    }
    zmtp_uv_shared_close(shared);
    node_bind(&nodes[0], "inproc://name");
    node_connect(&nodes[1], "inproc://name");
    while (!nodes[0].events[ZMTP_EVENT_HANDSHAKE_DONE] ||
           !nodes[1].events[ZMTP_EVENT_HANDSHAKE_DONE])
        turn_both(worlds);
    assert_true(rung_for_the_next(worlds, nodes, 0));
    // A spin may be over before the message comes, on a machine that holds the process up.
    bool rung = true;
    for (int i = 0; rung && i < 10; i++)
        rung = rung_for_the_next(worlds, nodes, LONG_US);
    assert_false(rung);
    world_close(&worlds[1]);
    world_close(&worlds[0]);
}

static void test_an_engine_closes_amid_a_spin(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    meet(&world, ZMTP_TCP, &a, &b);
    assert_int_equal(zmtp_uv_spin(world.uv, LONG_US), ZMTP_OK);
    node_send(&a, "now");
    WORLD_UNTIL(&world, b.received == 1);
    world_close(&world); // checks that it ends, and leaves nothing
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_loop_spins_after_a_message_and_only_when_told_to),
        cmocka_unit_test(test_a_spin_is_a_second_long_at_most),
        cmocka_unit_test(test_a_loop_that_nobody_has_asked_spins_after_brief_sleeps),
        cmocka_unit_test(test_a_loop_learns_how_long_it_sleeps_unless_it_is_another_loops_part),
        cmocka_unit_test(test_a_spin_does_not_delay_timers),
        cmocka_unit_test(test_a_programs_own_descriptor_is_seen_amid_a_spin),
        cmocka_unit_test(test_an_idle_socket_takes_hardly_any_processor_time),
        cmocka_unit_test(test_messages_pass_as_without),
        cmocka_unit_test(test_a_loop_that_spins_is_not_rung),
        cmocka_unit_test(test_an_engine_closes_amid_a_spin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
