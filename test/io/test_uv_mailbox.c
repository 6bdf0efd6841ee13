// Other threads send through a socket by its mailbox: in order, bounded, and safe when it closes.
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "test/support/world.h"

enum { PRODUCERS = 4, LETTERS = 2000 };

static const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC};
enum { TRANSPORTS = sizeof transports / sizeof transports[0] };

// A PUSH with a mailbox, and a PULL that it is connected to.
struct office {
    struct world world;
    struct node push, pull;
    struct zmtp_uv_mailbox *mailbox;
    char endpoint[ZMTP_ENDPOINT_MAX];
    size_t next[PRODUCERS];
};

static void office_open(struct office *office, size_t count_max)
{
    *office = (struct office){.mailbox = NULL};
    world_open(&office->world);
    node_init(&office->push, &office->world, ZMTP_PUSH);
    office->push.config.socket.send_count_max = count_max;
    node_open(&office->push);
    node_start(&office->pull, &office->world, ZMTP_PULL);
    assert_int_equal(zmtp_uv_mailbox_open(&office->mailbox, office->push.socket), ZMTP_OK);
}

static void office_meet(struct office *office, enum zmtp_transport transport)
{
    world_endpoint(&office->world, transport, office->endpoint);
    node_bind(&office->pull, office->endpoint);
    node_connect(&office->push, office->endpoint);
}

static void office_close(struct office *office)
{
    zmtp_uv_mailbox_close(office->mailbox);
    world_close(&office->world);
}

static int post(struct zmtp_uv_mailbox *mailbox, const char *text)
{
    const struct zmtp_bytes part = zmtp_bytes_text(text);
    return zmtp_uv_post(mailbox, &part, 1);
}

static void assert_balanced(const struct zmtp_uv_mailbox_counters *counters)
{
    assert_int_equal(counters->posted,
                     counters->sent + counters->refused + counters->dropped + counters->waiting);
}

struct producer {
    uv_thread_t thread;
    struct zmtp_uv_mailbox *mailbox;
    size_t number, count, posted;
    int result; // that ended it
};

// Posts numbered letters, small and large in turn, moved and copied in turn.
static int produce_one(const struct producer *producer, size_t number)
{
    static const uint8_t filling[3000];
    const struct zmtp_bytes parts[] = {
        zmtp_bytes_of(&producer->number, sizeof producer->number),
        zmtp_bytes_of(&number, sizeof number),
        zmtp_bytes_of(filling, number % 2 ? sizeof filling : 1),
    };
    if (number % 3) return zmtp_uv_post(producer->mailbox, parts, 3);
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, NULL);
    for (size_t i = 0; i < 3; i++)
        if (zmtp_msg_append(&msg, parts[i]) < 0) return ZMTP_ERR_MEMORY;
    const int result = zmtp_uv_post_msg(producer->mailbox, &msg);
    if (msg.count != (result == ZMTP_OK ? 0u : 3u)) return ZMTP_ERR_ARGUMENT;
    zmtp_msg_fini(&msg);
    return result;
}

static void produce(void *argument)
{
    struct producer *producer = argument;
    for (size_t number = 0; number < producer->count; number++) {
        while ((producer->result = produce_one(producer, number)) == ZMTP_ERR_AGAIN)
            sched_yield();
        if (producer->result < 0) return;
        producer->posted++;
    }
}

static void producers_start(struct producer *producers, struct zmtp_uv_mailbox *mailbox,
                            size_t count)
{
    for (size_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.mailbox = mailbox, .number = i, .count = count};
        assert_int_equal(uv_thread_create(&producers[i].thread, produce, &producers[i]), 0);
    }
}

static void check_order(struct node *node, struct zmtp_msg *msg)
{
    struct office *office = node->other;
    size_t producer, number;
    assert_int_equal(msg->count, 3);
    memcpy(&producer, zmtp_msg_bytes(msg, 0).data, sizeof producer);
    memcpy(&number, zmtp_msg_bytes(msg, 1).data, sizeof number);
    assert_true(producer < PRODUCERS);
    assert_int_equal(number, office->next[producer]);
    office->next[producer]++;
}

static void test_letters_of_many_threads_arrive_each_in_its_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct office office;
        struct producer producers[PRODUCERS];
        office_open(&office, 16);
        office.pull.act = check_order;
        office.pull.other = &office;
        office_meet(&office, transports[i]);
        producers_start(producers, office.mailbox, LETTERS);
        WORLD_UNTIL(&office.world, office.pull.received == PRODUCERS * LETTERS);
        for (size_t k = 0; k < PRODUCERS; k++) {
            uv_thread_join(&producers[k].thread);
            assert_int_equal(producers[k].result, ZMTP_OK);
        }
        const struct zmtp_uv_mailbox_counters counters = zmtp_uv_mailbox_counters(office.mailbox);
        assert_int_equal(counters.sent, PRODUCERS * LETTERS);
        assert_balanced(&counters);
        assert_int_equal(office.push.writable, 0); // nobody was refused by the socket itself
        office_close(&office);
    }
}

static void test_a_socket_may_close_while_threads_post(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * TRANSPORTS; i++) {
        struct office office;
        struct producer producers[PRODUCERS];
        office_open(&office, 16);
        office_meet(&office, transports[i / 2]);
        producers_start(producers, office.mailbox, SIZE_MAX);
        WORLD_UNTIL(&office.world, office.pull.received >= 50);
        if (i % 2) {
            node_close(&office.push);
        } else {
            zmtp_uv_socket_close(office.push.socket, NULL, NULL);
        }
        uint64_t posted = 0;
        for (size_t k = 0; k < PRODUCERS; k++) {
            uv_thread_join(&producers[k].thread);
            assert_int_equal(producers[k].result, ZMTP_ERR_STATE);
            posted += producers[k].posted;
        }
        const struct zmtp_uv_mailbox_counters counters = zmtp_uv_mailbox_counters(office.mailbox);
        assert_int_equal(counters.posted, posted);
        assert_int_equal(counters.waiting, 0);
        assert_balanced(&counters);
        // What the socket took before is delivered all the same.
        WORLD_UNTIL(&office.world, office.pull.received == counters.sent);
        assert_int_equal(post(office.mailbox, "too late"), ZMTP_ERR_STATE);
        office_close(&office);
    }
}

static void post_later(void *mailbox)
{
    usleep(20000);
    (void)post(mailbox, "wake up");
}

static void test_a_loop_that_sleeps_is_woken_by_a_letter(void **state)
{
    (void)state;
    for (int foreign = 0; foreign < 2; foreign++) {
        struct office office;
        uv_thread_t thread;
        office_open(&office, 16);
        office_meet(&office, ZMTP_INPROC);
        world_rest(&office.world, 5);
        struct pollfd fd = {.fd = zmtp_uv_fd(office.world.uv), .events = POLLIN};
        while (poll(&fd, 1, 0) > 0)
            assert_int_equal(zmtp_uv_turn(office.world.uv), ZMTP_OK);
        for (size_t k = 1; k <= 3; k++) {
            assert_int_equal(uv_thread_create(&thread, post_later, office.mailbox), 0);
            while (office.pull.received < k) {
                if (foreign) {
                    assert_int_equal(poll(&fd, 1, 10000), 1);
                    assert_int_equal(zmtp_uv_turn(office.world.uv), ZMTP_OK);
                } else {
                    world_turn(&office.world);
                }
            }
            uv_thread_join(&thread);
        }
        office_close(&office);
    }
}

static void test_a_full_mailbox_takes_no_more_until_the_loop_has_come(void **state)
{
    (void)state;
    struct office office;
    office_open(&office, 3);
    office_meet(&office, ZMTP_TCP);
    WORLD_UNTIL(&office.world, office.push.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(post(office.mailbox, "letter"), ZMTP_OK);
    assert_int_equal(post(office.mailbox, "one too many"), ZMTP_ERR_AGAIN);
    assert_int_equal(zmtp_uv_mailbox_counters(office.mailbox).waiting, 3);
    WORLD_UNTIL(&office.world, office.pull.received == 3);
    assert_int_equal(post(office.mailbox, "there is room"), ZMTP_OK);
    WORLD_UNTIL(&office.world, office.pull.received == 4);
    assert_string_equal(office.pull.last, "there is room");
    office_close(&office);
}

static void test_letters_wait_for_a_peer_and_for_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct office office;
        office_open(&office, 100);
        for (int k = 0; k < 3; k++)
            assert_int_equal(post(office.mailbox, k == 2 ? "third" : "letter"), ZMTP_OK);
        world_rest(&office.world, 5); // nobody is there
        assert_int_equal(zmtp_uv_mailbox_counters(office.mailbox).waiting, 3);
        office_meet(&office, transports[i]);
        WORLD_UNTIL(&office.world, office.pull.received == 3);
        assert_string_equal(office.pull.last, "third");
        assert_int_equal(zmtp_uv_mailbox_counters(office.mailbox).waiting, 0);
        office_close(&office);
    }
}

static void test_what_the_socket_refuses_is_counted_and_the_rest_goes_on(void **state)
{
    (void)state;
    struct world world;
    struct node router, dealer;
    struct zmtp_uv_mailbox *mailbox;
    world_open(&world);
    node_start(&router, &world, ZMTP_ROUTER);
    node_init(&dealer, &world, ZMTP_DEALER);
    dealer.config.socket.routing_id = zmtp_bytes_text("somebody");
    node_open(&dealer);
    node_bind(&router, "inproc://router");
    node_connect(&dealer, "inproc://router");
    assert_int_equal(zmtp_uv_mailbox_open(&mailbox, router.socket), ZMTP_OK);
    const struct zmtp_bytes to_nobody[] = {zmtp_bytes_text("nobody"), zmtp_bytes_text("x")};
    const struct zmtp_bytes to_somebody[] = {zmtp_bytes_text("somebody"), zmtp_bytes_text("x")};
    assert_int_equal(zmtp_uv_post(mailbox, to_nobody, 2), ZMTP_OK);
    assert_int_equal(zmtp_uv_post(mailbox, to_somebody, 2), ZMTP_OK);
    WORLD_UNTIL(&world, dealer.received == 1);
    const struct zmtp_uv_mailbox_counters counters = zmtp_uv_mailbox_counters(mailbox);
    assert_int_equal(counters.refused, 1);
    assert_int_equal(counters.sent, 1);
    assert_int_equal(counters.error, ZMTP_ERR_UNREACHABLE);
    assert_balanced(&counters);
    zmtp_uv_mailbox_close(mailbox);
    world_close(&world);
}

static void test_a_mailbox_that_is_closed_first_still_sends_what_lies_in_it(void **state)
{
    (void)state;
    struct office office;
    office_open(&office, 100);
    office_meet(&office, ZMTP_TCP);
    for (int i = 0; i < 10; i++)
        assert_int_equal(post(office.mailbox, "letter"), ZMTP_OK);
    zmtp_uv_mailbox_close(office.mailbox);
    WORLD_UNTIL(&office.world, office.pull.received == 10);
    // A second one of the same socket is its own.
    assert_int_equal(zmtp_uv_mailbox_open(&office.mailbox, office.push.socket), ZMTP_OK);
    assert_int_equal(post(office.mailbox, "another"), ZMTP_OK);
    WORLD_UNTIL(&office.world, office.pull.received == 11);
    office_close(&office);
}

static void test_what_finds_no_room_when_the_socket_closes_is_dropped_and_counted(void **state)
{
    (void)state;
    struct office office;
    office_open(&office, 100);
    for (int i = 0; i < 5; i++)
        assert_int_equal(post(office.mailbox, "to nobody"), ZMTP_OK);
    node_close(&office.push);
    const struct zmtp_uv_mailbox_counters counters = zmtp_uv_mailbox_counters(office.mailbox);
    assert_int_equal(counters.dropped, 5);
    assert_balanced(&counters);
    office_close(&office);
}

static void test_wrong_calls_are_refused(void **state)
{
    (void)state;
    struct office office;
    struct zmtp_msg empty = {0};
    const struct zmtp_bytes wrong = {NULL, 1};
    office_open(&office, 100);
    zmtp_msg_init(&empty, NULL);
    assert_int_equal(zmtp_uv_post(NULL, &wrong, 1), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_post(office.mailbox, NULL, 1), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_post(office.mailbox, &wrong, 1), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_post(office.mailbox, &wrong, 0), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_post_msg(office.mailbox, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_post_msg(office.mailbox, &empty), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_mailbox_open(NULL, office.push.socket), ZMTP_ERR_ARGUMENT);
    struct zmtp_uv_mailbox *mailbox;
    assert_int_equal(zmtp_uv_mailbox_open(&mailbox, NULL), ZMTP_ERR_ARGUMENT);
    assert_null(mailbox);
    assert_int_equal(zmtp_uv_mailbox_counters(NULL).posted, 0);
    zmtp_uv_mailbox_close(NULL);
    office_close(&office);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters_of_many_threads_arrive_each_in_its_order),
        cmocka_unit_test(test_a_socket_may_close_while_threads_post),
        cmocka_unit_test(test_a_loop_that_sleeps_is_woken_by_a_letter),
        cmocka_unit_test(test_a_full_mailbox_takes_no_more_until_the_loop_has_come),
        cmocka_unit_test(test_letters_wait_for_a_peer_and_for_room),
        cmocka_unit_test(test_what_the_socket_refuses_is_counted_and_the_rest_goes_on),
        cmocka_unit_test(test_a_mailbox_that_is_closed_first_still_sends_what_lies_in_it),
        cmocka_unit_test(test_what_finds_no_room_when_the_socket_closes_is_dropped_and_counted),
        cmocka_unit_test(test_wrong_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
