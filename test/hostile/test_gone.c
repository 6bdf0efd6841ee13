// Strangers who say a word and go, while nobody receives: what they leave has a bound, beyond which nobody is
// accepted; those who are there are served on, and of what was said nothing is lost.
#include <string.h>

#include "test/support/stranger.h"

#define WORD RIG_GREETING RIG_READY_PUSH "\0\1w"

enum { ROOM = 256 * 1024, CROWD_MAX = 2000, REST_MS = 500 };

static size_t receive_all(struct node *node)
{
    struct zmtp_msg msg;
    size_t count = 0;
    zmtp_msg_init(&msg, NULL);
    for (; zmtp_uv_recv(node->socket, &msg) == ZMTP_OK; count++) {
        zmtp_msg_fini(&msg);
        zmtp_msg_init(&msg, NULL);
    }
    return count;
}

// One who says a word and goes at once.
static void pass_by(struct world *world, const char *endpoint)
{
    struct stranger stranger;
    stranger_open(&stranger, world, endpoint);
    assert_true(stranger_say(&stranger, LITERAL(WORD)));
    stranger_close(&stranger);
}

static void test_what_those_who_went_left_is_bounded_and_none_of_it_lost(void **state)
{
    (void)state;
    struct world world;
    struct node pull;
    struct stranger honest;
    char endpoint[ZMTP_ENDPOINT_MAX];
    size_t said = 0;
    world_open(&world);
    node_init(&pull, &world, ZMTP_PULL);
    pull.config.socket.recv_bytes_gone_max = ROOM;
    node_open_pull(&pull);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_bind(&pull, endpoint);
    stranger_open(&honest, &world, endpoint);
    stranger_join(&honest, &pull, LITERAL(RIG_READY_PUSH));
    const size_t before = world.budget.bytes;
    for (; !pull.events[ZMTP_EVENT_ACCEPT_PAUSED] && said < CROWD_MAX; said++) {
        pass_by(&world, endpoint);
        world_spin(&world, 3);
    }
    assert_int_equal(pull.events[ZMTP_EVENT_ACCEPT_PAUSED], 1);
    assert_int_equal(pull.errors[ZMTP_EVENT_ACCEPT_PAUSED], ZMTP_ERR_LIMIT);
    assert_non_null(strstr(pull.reasons[ZMTP_EVENT_ACCEPT_PAUSED], "recv_bytes_gone_max"));
    for (int i = 0; i < 100; i++, said++)
        pass_by(&world, endpoint); // the kernel has them
    const uint64_t start = cpu_us();
    world_rest(&world, REST_MS);
    assert_true(cpu_us() - start <= REST_MS * 1000 / 10);
    // What is counted is near to what is held.
    assert_in_range(world.budget.bytes - before, ROOM / 2, 2 * ROOM);
    assert_int_equal(pull.events[ZMTP_EVENT_ACCEPT_PAUSED], 1); // told once, though it tried again
    // Whoever is there is read on.
    assert_true(stranger_say(&honest, LITERAL("\0\1h")));
    said++;
    size_t received = 0;
    while (received < said) {
        world_turn(&world);
        received += receive_all(&pull);
    }
    world_spin(&world, 5);
    assert_int_equal(received + receive_all(&pull), said);
    assert_int_equal(zmtp_uv_counters(pull.socket).discarded, 0);
    assert_true(world.budget.bytes - before < ROOM / 2);
    stranger_close(&honest);
    world_close(&world);
}

static void test_without_that_bound_all_are_accepted(void **state)
{
    (void)state;
    enum { CROWD = 300 };
    struct world world;
    struct node pull;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&pull, &world, ZMTP_PULL);
    pull.config.socket.recv_bytes_gone_max = 0;
    node_open_pull(&pull);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_bind(&pull, endpoint);
    for (int i = 0; i < CROWD; i++) {
        pass_by(&world, endpoint);
        world_spin(&world, 3);
    }
    WORLD_UNTIL(&world, zmtp_uv_counters(pull.socket).waiting == CROWD);
    assert_int_equal(pull.events[ZMTP_EVENT_ACCEPT_PAUSED], 0);
    assert_int_equal(receive_all(&pull), CROWD);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_those_who_went_left_is_bounded_and_none_of_it_lost),
        cmocka_unit_test(test_without_that_bound_all_are_accepted),
    };
    return cmocka_run_group_tests_name("gone", tests, NULL, NULL);
}
