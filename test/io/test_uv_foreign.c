// A program with a loop of its own: the engine's one descriptor shows whatever is to be done, and
// nothing else.
#include <dirent.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "test/support/world.h"

static const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC};
enum { TRANSPORTS = sizeof transports / sizeof transports[0], PATIENCE_MS = 10000 };

static bool shows(const struct world *world, int timeout_ms)
{
    const int fd = zmtp_uv_fd(world->uv);
    assert_true(fd >= 0);
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    const int count = poll(&wanted, 1, timeout_ms);
    assert_true(count >= 0);
    if (count > 0) assert_int_equal(wanted.revents, POLLIN);
    return count > 0;
}

// Nothing but the descriptor tells when to turn; a wake-up that is lost fails the test.
#define SHOWN_UNTIL(world, condition)                                                              \
    while (!(condition)) {                                                                         \
        assert_true(shows(world, PATIENCE_MS));                                                    \
        assert_int_equal(zmtp_uv_turn((world)->uv), ZMTP_OK);                                      \
    }

// Turns until there is nothing to do for a while.
static void be_quiet(struct world *world)
{
    for (int turns = 0; shows(world, 30); turns++) {
        assert_true(turns < 100);
        assert_int_equal(zmtp_uv_turn(world->uv), ZMTP_OK);
    }
}

static void meet(struct world *world, enum zmtp_transport transport, struct node *a, struct node *b)
{
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_endpoint(world, transport, endpoint);
    node_bind(b, endpoint);
    node_connect(a, endpoint);
    SHOWN_UNTIL(world, a->events[ZMTP_EVENT_HANDSHAKE_DONE] && b->events[ZMTP_EVENT_HANDSHAKE_DONE])
}

static void test_whatever_a_call_from_outside_leaves_to_be_done_shows_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node a, b;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_start(&b, &world, ZMTP_DEALER);
        world_endpoint(&world, transports[i], endpoint);
        be_quiet(&world);
        node_bind(&b, endpoint);
        assert_true(shows(&world, 0));
        be_quiet(&world);
        assert_int_equal(b.events[ZMTP_EVENT_LISTENING], 1);
        node_connect(&a, endpoint);
        assert_true(shows(&world, 0));
        be_quiet(&world);
        assert_int_equal(a.events[ZMTP_EVENT_HANDSHAKE_DONE], 1);
        for (size_t k = 1; k <= 3; k++) {
            node_send(&a, "from outside");
            assert_true(shows(&world, 0));
            be_quiet(&world);
            assert_int_equal(b.received, k);
        }
        assert_int_equal(zmtp_uv_disconnect(a.socket, endpoint), ZMTP_OK);
        assert_true(shows(&world, 0));
        be_quiet(&world);
        assert_int_equal(zmtp_uv_unbind(b.socket, endpoint), ZMTP_OK);
        assert_true(transports[i] == ZMTP_INPROC || shows(&world, 0)); // a name is gone at once
        world_close(&world);
    }
}

static void test_timers_show_when_they_are_due(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_connect(&a, endpoint);
    // Nobody is there: between two dials there is nothing but a timer.
    int turns = 0;
    while (a.events[ZMTP_EVENT_RETRY] < 10) {
        assert_true(shows(&world, PATIENCE_MS));
        assert_int_equal(zmtp_uv_turn(world.uv), ZMTP_OK);
        turns++;
    }
    assert_true(turns < 200);
    const int timeout = zmtp_uv_timeout_ms(world.uv);
    assert_in_range(timeout, 0, 50);
    world_close(&world);
}

static void pull(struct node *node)
{
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp_uv_recv(node->socket, &msg), ZMTP_OK);
    node->received++;
    zmtp_msg_fini(&msg);
}

static void test_a_message_shows_as_long_as_it_lies_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node a, b;
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_init(&b, &world, ZMTP_DEALER);
        node_open_pull(&b);
        meet(&world, transports[i], &a, &b);
        be_quiet(&world);
        node_send(&a, "one");
        node_send(&a, "two");
        SHOWN_UNTIL(&world, b.readable == 1)
        for (int k = 0; k < 5; k++) {
            assert_true(shows(&world, 0));
            assert_int_equal(zmtp_uv_turn(world.uv), ZMTP_OK);
        }
        pull(&b);
        for (int k = 0; k < 5; k++) {
            assert_true(shows(&world, 0));
            assert_int_equal(zmtp_uv_turn(world.uv), ZMTP_OK);
        }
        assert_int_equal(b.readable, 1);
        pull(&b);
        be_quiet(&world);
        world_close(&world);
    }
}

// A program that tries, in each turn, to receive, to send and to look must not be woken by that.
static void test_calls_that_find_nothing_to_do_show_nothing(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    struct zmtp_msg msg = {0};
    const struct zmtp_bytes part = zmtp_bytes_text("to nobody");
    world_open(&world);
    node_init(&a, &world, ZMTP_DEALER);
    node_open_pull(&a);
    node_init(&b, &world, ZMTP_REQ);
    node_open_pull(&b);
    be_quiet(&world);
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp_uv_recv(a.socket, &msg), ZMTP_ERR_AGAIN);
    assert_false(shows(&world, 0));
    assert_true(zmtp_uv_recv(b.socket, &msg) < 0); // nothing was asked
    assert_false(shows(&world, 0));
    assert_int_equal(zmtp_uv_send(a.socket, &part, 1), ZMTP_ERR_AGAIN);
    assert_false(shows(&world, 0));
    assert_int_equal(zmtp_uv_events(a.socket), 0);
    assert_false(shows(&world, 0));
    world_close(&world);
}

static size_t fill(struct node *node)
{
    static const uint8_t body[10000];
    const struct zmtp_bytes part = {body, sizeof body};
    size_t count = 0;
    while (zmtp_uv_send(node->socket, &part, 1) == ZMTP_OK)
        count++;
    return count;
}

static void test_what_had_no_room_in_the_kernel_leaves_and_the_sender_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node a, b;
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_start(&b, &world, ZMTP_DEALER);
        meet(&world, transports[i], &a, &b);
        be_quiet(&world);
        const size_t sent = fill(&a); // without a turn: the kernel's buffers fill, then the queue
        assert_true(shows(&world, 0));
        SHOWN_UNTIL(&world, b.received == sent && a.writable == 1)
        be_quiet(&world);
        world_close(&world);
    }
}

static void test_what_comes_from_other_processes_shows(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_start(&a, &world, ZMTP_REP);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_bind(&a, endpoint);
    be_quiet(&world);
    const int fd = world_dial(endpoint);
    assert_true(shows(&world, 0));
    be_quiet(&world);
    assert_int_equal(a.events[ZMTP_EVENT_ACCEPTED], 1);
    assert_int_equal(write(fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
    SHOWN_UNTIL(&world, a.events[ZMTP_EVENT_HANDSHAKE_FAILED] == 1)
    close(fd);
    world_close(&world);
}

static void turn_inside(struct node *node, struct zmtp_msg *msg)
{
    (void)msg;
    assert_int_equal(zmtp_uv_turn(node->world->uv), ZMTP_ERR_STATE);
    node->count++;
}

static void note_inside(struct node *node, const struct zmtp_event *event)
{
    (void)event;
    assert_int_equal(zmtp_uv_turn(node->world->uv), ZMTP_ERR_STATE);
    node->count++;
}

static void test_a_callback_cannot_turn_the_loop_that_calls_it(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    node_start(&b, &world, ZMTP_DEALER);
    b.act = turn_inside;
    b.note = note_inside;
    node_bind(&b, "inproc://b");
    node_connect(&a, "inproc://b");
    node_send(&a, "hello");
    WORLD_UNTIL(&world, b.received == 1 && b.count > 1); // also when uv_run calls back
    const size_t before = b.count;
    node_send(&a, "hello");
    SHOWN_UNTIL(&world, b.received == 2)
    assert_int_equal(b.count, before + 1);
    assert_int_equal(zmtp_uv_turn(NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_fd(NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_timeout_ms(NULL), ZMTP_ERR_ARGUMENT);
    world_close(&world);
}

static void ring(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
    uv_close((uv_handle_t *)timer, NULL);
}

static void test_a_timer_of_the_programs_own_shows_once_its_timeout_was_asked_for(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    uv_timer_t timer;
    bool rang = false;
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    be_quiet(&world);
    uv_timer_init(&world.loop, &timer);
    timer.data = &rang;
    uv_update_time(&world.loop);
    uv_timer_start(&timer, ring, 500, 0);
    assert_in_range(zmtp_uv_timeout_ms(world.uv), 1, 500);
    assert_false(shows(&world, 0));
    SHOWN_UNTIL(&world, rang)
    world_close(&world);
}

static size_t descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void engine_closed(void *user)
{
    *(bool *)user = true;
}

static void test_an_engine_closes_by_turns_alone_and_its_descriptors_go_with_it(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    world_open(&world);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    const size_t before = descriptors();
    node_start(&a, &world, ZMTP_DEALER);
    node_start(&b, &world, ZMTP_DEALER);
    meet(&world, ZMTP_TCP, &a, &b);
    bool closed = false;
    zmtp_uv_close(world.uv, engine_closed, &closed);
    SHOWN_UNTIL(&world, closed)
    assert_int_equal(descriptors(), before);
    assert_int_equal(world.budget.bytes, 0);
    assert_int_equal(zmtp_uv_open(&world.uv, &world.loop, &world.budget.allocator), ZMTP_OK);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whatever_a_call_from_outside_leaves_to_be_done_shows_at_once),
        cmocka_unit_test(test_timers_show_when_they_are_due),
        cmocka_unit_test(test_a_message_shows_as_long_as_it_lies_there),
        cmocka_unit_test(test_calls_that_find_nothing_to_do_show_nothing),
        cmocka_unit_test(test_what_had_no_room_in_the_kernel_leaves_and_the_sender_is_told),
        cmocka_unit_test(test_what_comes_from_other_processes_shows),
        cmocka_unit_test(test_a_callback_cannot_turn_the_loop_that_calls_it),
        cmocka_unit_test(test_a_timer_of_the_programs_own_shows_once_its_timeout_was_asked_for),
        cmocka_unit_test(test_an_engine_closes_by_turns_alone_and_its_descriptors_go_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
