// When what is sent to another engine leaves, by the processors that the two loops ran on. One thread runs both.
#include "test/support/ends.h"

#include <sched.h>

struct both {
    struct world worlds[2];
};

static void both_turn_until(struct both *both, const struct node *pull, size_t received)
{
    while (pull->received < received) {
        for (size_t i = 0; i < 2; i++) {
            if (both->worlds[i].expired) fail_msg("the loops did not get there");
            uv_run(&both->worlds[i].loop, UV_RUN_NOWAIT);
        }
    }
}

// |pull| in the first engine, |push| in the second, joined.
static void both_begin(struct both *both, struct node *pull, struct node *push)
{
    struct zmtp_uv_shared *shared;
    assert_int_equal(zmtp_uv_shared_open(&shared), ZMTP_OK);
    for (size_t i = 0; i < 2; i++) {
        world_open(&both->worlds[i]);
        assert_int_equal(zmtp_uv_join(both->worlds[i].uv, shared), ZMTP_OK);
    }
    zmtp_uv_shared_close(shared); // it goes with the engines
    node_start(pull, &both->worlds[0], ZMTP_PULL);
    node_start(push, &both->worlds[1], ZMTP_PUSH);
    node_bind(pull, "inproc://name");
    node_connect(push, "inproc://name");
    node_send(push, "the first");
    both_turn_until(both, pull, 1);
}

static void both_end(struct both *both)
{
    world_close(&both->worlds[0]);
    world_close(&both->worlds[1]);
}

// This thread runs on the |index|-th of the processors that it may run on, and the engine |world| turns there. False: there
// is none.
static bool both_turn_on(struct both *both, size_t world, const cpu_set_t *all, int index)
{
    size_t cpu = 0;
    for (; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, all) && index-- == 0) break;
    if (cpu == CPU_SETSIZE) return false;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    uv_run(&both->worlds[world].loop, UV_RUN_NOWAIT);
    return true;
}

// Of 400 messages that are sent without a turn of the loop, how many come where the loops ran on these processors.
static size_t come_of_400(struct both *both, struct node *pull, struct node *push,
                          const cpu_set_t *all, int theirs)
{
    for (int i = 0; i < 10; i++) {
        if (i == 5) node_send(push, "what has the one look where the other is");
        (void)both_turn_on(both, 1, all, 0);
        (void)both_turn_on(both, 0, all, theirs);
    }
    const size_t before = pull->received;
    for (int i = 0; i < 400; i++)
        node_send(push, "message");
    for (int i = 0; i < 10; i++)
        (void)both_turn_on(both, 0, all, theirs);
    const size_t came = pull->received - before;
    both_turn_until(both, pull, before + 400);
    return came;
}

static void test_batches_leave_early_where_another_processor_takes_them(void **state)
{
    (void)state;
    struct both both;
    struct node pull, push;
    cpu_set_t all;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    both_begin(&both, &pull, &push);
    assert_int_equal(come_of_400(&both, &pull, &push, &all, 0), 0);
    if (both_turn_on(&both, 0, &all, 1))
        assert_int_equal(come_of_400(&both, &pull, &push, &all, 1), 256);
    assert_int_equal(come_of_400(&both, &pull, &push, &all, 0), 0);
    both_end(&both);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_leave_early_where_another_processor_takes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
