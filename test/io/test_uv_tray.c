// Other threads take what a socket receives from its tray: each message once, bounded, and safe when it
// closes. With mailboxes beside trays, sockets of every type are used by several threads at once.
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test/support/world.h"

enum { TAKERS = 4, MESSAGES = 3000, LARGE = 5000 };

// A sender and a receiver with a tray. The engine's memory is a budget that no other thread may touch, so
// that messages are copied into the tray, or the heap, so that they are lent.
struct office {
    uv_loop_t loop;
    struct zmtp_uv *uv;
    struct zmtp_budget budget;
    struct zmtp_uv_socket *from, *to;
    struct zmtp_uv_tray *tray;
    char endpoint[108];
};

static struct zmtp_uv_socket *office_socket(struct office *office, enum zmtp_socket_type type,
                                            size_t count_max)
{
    struct zmtp_uv_config config;
    struct zmtp_uv_socket *socket;
    zmtp_uv_config_init(&config, type);
    config.socket.recv_count_max = config.socket.send_count_max = count_max;
    assert_int_equal(zmtp_uv_socket_open(&socket, office->uv, &config), ZMTP_OK);
    return socket;
}

static void office_open(struct office *office, bool heap, enum zmtp_socket_type from,
                        enum zmtp_socket_type to, size_t count_max)
{
    *office = (struct office){.tray = NULL};
    zmtp_budget_init(&office->budget, NULL);
    assert_int_equal(uv_loop_init(&office->loop), 0);
    assert_int_equal(
        zmtp_uv_open(&office->uv, &office->loop, heap ? NULL : &office->budget.allocator), ZMTP_OK);
    office->from = office_socket(office, from, count_max);
    office->to = office_socket(office, to, count_max);
    snprintf(office->endpoint, sizeof office->endpoint, "ipc://@tray-%ld-%p", (long)getpid(),
             (void *)office);
    assert_int_equal(zmtp_uv_bind(office->to, office->endpoint), ZMTP_OK);
    assert_int_equal(zmtp_uv_connect(office->from, office->endpoint), ZMTP_OK);
    assert_int_equal(zmtp_uv_tray_open(&office->tray, office->to), ZMTP_OK);
}

static void office_close(struct office *office)
{
    zmtp_uv_tray_close(office->tray);
    zmtp_uv_close(office->uv, NULL, NULL);
    uv_run(&office->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&office->loop), 0);
    assert_int_equal(office->budget.bytes, 0);
}

// A message is its number, and octets that follow from it: small and large in turn.
static int office_send(struct office *office, uint32_t number)
{
    static uint8_t body[LARGE];
    memset(body, (int)(number & 0xff), sizeof body);
    const struct zmtp_bytes parts[] = {zmtp_bytes_of(&number, sizeof number),
                                       zmtp_bytes_of(body, number % 7 == 0 ? LARGE : number % 60)};
    return zmtp_uv_send(office->from, parts, 2);
}

static void office_turn(struct office *office)
{
    uv_run(&office->loop, UV_RUN_NOWAIT);
    sched_yield();
}

// ---- Takers

struct crew {
    struct zmtp_uv_tray *tray;
    atomic_uint seen[MESSAGES]; // how often each was taken
    atomic_uint taken, wrong;
    uv_thread_t threads[TAKERS];
    atomic_uint ended; // threads that heard that the socket has closed
};

static bool message_good(const struct zmtp_msg *msg, uint32_t *number)
{
    if (msg->count != 2 || zmtp_msg_bytes(msg, 0).size != sizeof *number) return false;
    memcpy(number, zmtp_msg_bytes(msg, 0).data, sizeof *number);
    const struct zmtp_bytes body = zmtp_msg_bytes(msg, 1);
    if (*number >= MESSAGES || body.size != (*number % 7 == 0 ? LARGE : *number % 60)) return false;
    for (size_t i = 0; i < body.size; i++)
        if (body.data[i] != (uint8_t)*number) return false;
    return true;
}

static void take(void *argument)
{
    struct crew *crew = argument;
    for (;;) {
        struct zmtp_msg msg = {0};
        uint32_t number;
        zmtp_msg_init(&msg, NULL);
        const int result = zmtp_uv_take(crew->tray, &msg, UINT32_MAX);
        if (result == ZMTP_ERR_STATE) break;
        if (result == ZMTP_OK && message_good(&msg, &number))
            crew->seen[number]++;
        else
            crew->wrong++;
        zmtp_msg_fini(&msg);
        crew->taken++;
    }
    crew->ended++;
}

static void crew_start(struct crew *crew, struct zmtp_uv_tray *tray)
{
    memset(crew, 0, sizeof *crew);
    crew->tray = tray;
    for (size_t i = 0; i < TAKERS; i++)
        assert_int_equal(uv_thread_create(&crew->threads[i], take, crew), 0);
}

static void crew_join(struct crew *crew)
{
    for (size_t i = 0; i < TAKERS; i++)
        assert_int_equal(uv_thread_join(&crew->threads[i]), 0);
    assert_int_equal(crew->wrong, 0);
}

// ZMTP37-TS-01, CS41-CLIENT-05, RD48-DISH-02, SG49-GATHER-02, CH52-CHAN-03: several threads receive.
static void test_each_message_goes_to_one_of_several_threads(void **state)
{
    (void)state;
    for (int heap = 0; heap < 2; heap++) {
        static struct crew crew;
        struct office office;
        office_open(&office, heap, ZMTP_PUSH, ZMTP_PULL, 100);
        crew_start(&crew, office.tray);
        for (uint32_t number = 0; number < MESSAGES;) {
            if (office_send(&office, number) == ZMTP_OK) number++;
            office_turn(&office);
        }
        while (crew.taken < MESSAGES)
            office_turn(&office);
        for (size_t i = 0; i < MESSAGES; i++)
            assert_int_equal(crew.seen[i], 1);
        assert_int_equal(zmtp_uv_counters(office.to).received, MESSAGES);
        zmtp_uv_socket_close(office.to, NULL, NULL); // those who wait are told
        crew_join(&crew);
        assert_int_equal(crew.ended, TAKERS);
        office_close(&office);
    }
}

static void test_a_full_tray_holds_the_sender_up_and_room_lets_it_go_on(void **state)
{
    (void)state;
    struct office office;
    office_open(&office, true, ZMTP_PUSH, ZMTP_PULL, 3);
    uint32_t sent = 0;
    for (int quiet = 0; quiet < 200; quiet++) {
        if (office_send(&office, sent + 1) == ZMTP_OK) {
            sent++;
            quiet = 0;
        }
        office_turn(&office);
        assert_true(sent < MESSAGES); // it must come to an end
    }
    const uint32_t last = sent + 20;
    for (uint32_t number = 1; number <= last; number++) {
        struct zmtp_msg msg = {0};
        uint32_t got;
        zmtp_msg_init(&msg, NULL);
        while (zmtp_uv_take(office.tray, &msg, 0) == ZMTP_ERR_AGAIN) {
            if (sent < number && office_send(&office, sent + 1) == ZMTP_OK) sent++;
            office_turn(&office);
        }
        assert_true(message_good(&msg, &got));
        assert_int_equal(got, number);
        zmtp_msg_fini(&msg);
    }
    office_close(&office);
}

static void test_what_lies_in_a_tray_outlives_socket_and_engine(void **state)
{
    (void)state;
    for (int heap = 0; heap < 2; heap++) {
        struct office office;
        struct zmtp_msg kept = {0}, more = {0};
        uint32_t number;
        office_open(&office, heap, ZMTP_PUSH, ZMTP_PULL, 100);
        zmtp_msg_init(&kept, NULL);
        zmtp_msg_init(&more, NULL);
        assert_int_equal(office_send(&office, 7), ZMTP_OK); // a large one
        assert_int_equal(office_send(&office, 8), ZMTP_OK);
        while (zmtp_uv_counters(office.to).received < 2)
            office_turn(&office);
        struct zmtp_uv_tray *tray = office.tray;
        office.tray = NULL;
        office_close(&office);
        assert_int_equal(zmtp_uv_take(tray, &kept, UINT32_MAX), ZMTP_OK);
        assert_true(message_good(&kept, &number) && number == 7);
        assert_int_equal(zmtp_uv_take(tray, &more, 1000), ZMTP_OK);
        zmtp_msg_fini(&more);
        assert_int_equal(zmtp_uv_take(tray, &more, UINT32_MAX), ZMTP_ERR_STATE);
        zmtp_uv_tray_close(tray);
        zmtp_msg_fini(&kept);
    }
}

static void test_a_tray_that_is_closed_first_leaves_the_socket_to_others(void **state)
{
    (void)state;
    struct office office;
    office_open(&office, true, ZMTP_PUSH, ZMTP_PULL, 100);
    assert_int_equal(office_send(&office, 1), ZMTP_OK);
    zmtp_uv_tray_close(office.tray);
    struct zmtp_msg msg = {0};
    zmtp_msg_init(&msg, NULL);
    do
        office_turn(&office);
    while (zmtp_uv_tray_open(&office.tray, office.to) == ZMTP_ERR_IN_USE);
    assert_non_null(office.tray);
    assert_int_equal(office_send(&office, 2), ZMTP_OK);
    while (zmtp_uv_take(office.tray, &msg, 0) == ZMTP_ERR_AGAIN)
        office_turn(&office);
    zmtp_msg_fini(&msg);
    office_close(&office);
}

static void test_waits_end_in_time(void **state)
{
    (void)state;
    struct office office;
    struct zmtp_msg msg = {0};
    office_open(&office, true, ZMTP_PUSH, ZMTP_PULL, 100);
    zmtp_msg_init(&msg, NULL);
    const uint64_t begun = uv_hrtime();
    assert_int_equal(zmtp_uv_take(office.tray, &msg, 0), ZMTP_ERR_AGAIN);
    assert_int_equal(zmtp_uv_take(office.tray, &msg, 30), ZMTP_ERR_AGAIN);
    assert_true(uv_hrtime() - begun >= UINT64_C(30000000));
    office_close(&office);
}

// ---- Several threads send and receive through one socket of each type that is meant for it

struct talker {
    uv_thread_t thread;
    struct zmtp_uv_mailbox *mailbox;
    struct zmtp_uv_tray *tray;
    size_t sent, received;
    bool over; // the socket has closed, and all was taken
};

enum { TALKS = 200 };

// Asks, and takes what comes, whoever asked for it, until the socket closes.
static void talk(void *argument)
{
    struct talker *talker = argument;
    const struct zmtp_bytes question = zmtp_bytes_text("?");
    while (!talker->over) {
        struct zmtp_msg msg = {0};
        zmtp_msg_init(&msg, NULL);
        if (talker->sent < TALKS && zmtp_uv_post(talker->mailbox, &question, 1) == ZMTP_OK)
            talker->sent++;
        const int result = zmtp_uv_take(talker->tray, &msg, talker->sent < TALKS ? 0 : UINT32_MAX);
        if (result == ZMTP_OK) talker->received++;
        talker->over = result == ZMTP_ERR_STATE;
        zmtp_msg_fini(&msg);
    }
}

static void answer(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    (void)user;
    assert_int_equal(zmtp_uv_send_msg(socket, msg), ZMTP_OK);
}

// ZMTP37-TS-01, CS41-CLIENT-05, RD48-RADIO-03, SG49-SCATTER-02, CH52-CHAN-03: several threads send.
static void test_several_threads_talk_through_one_client(void **state)
{
    (void)state;
    static const enum zmtp_socket_type types[][2] = {
        {ZMTP_CLIENT, ZMTP_SERVER}, {ZMTP_CHANNEL, ZMTP_CHANNEL}, {ZMTP_DEALER, ZMTP_DEALER}};
    for (size_t t = 0; t < 3; t++) {
        struct world world;
        struct node server;
        struct talker talkers[2] = {{.sent = 0}};
        struct zmtp_uv_mailbox *mailbox;
        struct zmtp_uv_tray *tray;
        struct zmtp_uv_socket *client;
        struct zmtp_uv_config config;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        node_init(&server, &world, types[t][1]);
        server.config.on_message = answer;
        node_open_pull(&server);
        world_endpoint(&world, ZMTP_IPC, endpoint);
        node_bind(&server, endpoint);
        zmtp_uv_config_init(&config, types[t][0]);
        assert_int_equal(zmtp_uv_socket_open(&client, world.uv, &config), ZMTP_OK);
        assert_int_equal(zmtp_uv_connect(client, endpoint), ZMTP_OK);
        assert_int_equal(zmtp_uv_mailbox_open(&mailbox, client), ZMTP_OK);
        assert_int_equal(zmtp_uv_tray_open(&tray, client), ZMTP_OK);
        for (size_t i = 0; i < 2; i++) {
            talkers[i].mailbox = mailbox;
            talkers[i].tray = tray;
        }
        assert_int_equal(uv_thread_create(&talkers[0].thread, talk, &talkers[0]), 0);
        assert_int_equal(uv_thread_create(&talkers[1].thread, talk, &talkers[1]), 0);
        WORLD_UNTIL(&world, zmtp_uv_counters(client).received == 2 * TALKS);
        zmtp_uv_socket_close(client, NULL, NULL);
        assert_int_equal(uv_thread_join(&talkers[0].thread), 0);
        assert_int_equal(uv_thread_join(&talkers[1].thread), 0);
        assert_int_equal(talkers[0].received + talkers[1].received, 2 * TALKS);
        zmtp_uv_mailbox_close(mailbox);
        zmtp_uv_tray_close(tray);
        world_close(&world);
    }
}

static void test_wrong_calls_are_refused_with_words(void **state)
{
    (void)state;
    struct office office;
    struct zmtp_uv_tray *another;
    struct zmtp_msg msg = {0};
    office_open(&office, true, ZMTP_PUSH, ZMTP_PULL, 100);
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp_uv_tray_open(&another, office.to), ZMTP_ERR_IN_USE);
    assert_null(another);
    assert_non_null(strstr(zmtp_uv_error_text(office.to), "tray"));
    assert_int_equal(zmtp_uv_tray_open(&another, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_tray_open(NULL, office.to), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_take(NULL, &msg, 0), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_take(office.tray, NULL, 0), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_msg_append(&msg, zmtp_bytes_text("full")), ZMTP_OK);
    assert_int_equal(zmtp_uv_take(office.tray, &msg, 0), ZMTP_ERR_ARGUMENT);
    zmtp_msg_fini(&msg);
    struct zmtp_uv_config config;
    struct zmtp_uv_socket *called;
    zmtp_uv_config_init(&config, ZMTP_PULL);
    config.on_message = answer;
    assert_int_equal(zmtp_uv_socket_open(&called, office.uv, &config), ZMTP_OK);
    assert_int_equal(zmtp_uv_tray_open(&another, called), ZMTP_ERR_STATE);
    assert_non_null(strstr(zmtp_uv_error_text(called), "on_message"));
    zmtp_uv_tray_close(NULL);
    office_close(&office);
}

// Of a REQ that waits for a reply which does not come.
struct failure {
    struct zmtp_uv_socket *req;
    bool closes;
    unsigned told;
    uint32_t request;
    int error;
};

static void note_failure(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user)
{
    struct failure *failure = user;
    if (event->kind != ZMTP_EVENT_REQUEST_FAILED) return;
    failure->told++;
    failure->request = event->request;
    failure->error = event->error;
    if (failure->closes) zmtp_uv_socket_close(socket, NULL, NULL);
}

static void test_that_a_request_failed_is_told_by_an_event(void **state)
{
    (void)state;
    for (int closes = 0; closes < 2; closes++) {
        struct world world;
        struct failure failure = {.closes = closes};
        struct zmtp_uv_config config;
        struct zmtp_uv_tray *tray;
        struct node router;
        char endpoint[ZMTP_ENDPOINT_MAX];
        struct zmtp_msg msg = {0};
        const struct zmtp_bytes question = zmtp_bytes_text("question");
        world_open(&world);
        node_start(&router, &world, ZMTP_ROUTER); // which does not answer
        world_endpoint(&world, ZMTP_INPROC, endpoint);
        node_bind(&router, endpoint);
        zmtp_uv_config_init(&config, ZMTP_REQ);
        config.socket.req_timeout_ms = 20;
        config.on_event = note_failure;
        config.user = &failure;
        assert_int_equal(zmtp_uv_socket_open(&failure.req, world.uv, &config), ZMTP_OK);
        assert_int_equal(zmtp_uv_connect(failure.req, endpoint), ZMTP_OK);
        assert_int_equal(zmtp_uv_tray_open(&tray, failure.req), ZMTP_OK);
        assert_int_equal(zmtp_uv_send(failure.req, &question, 1), ZMTP_OK);
        const uint32_t request = zmtp_uv_last_request(failure.req);
        WORLD_UNTIL(&world, failure.told == 1);
        assert_int_equal(failure.request, request);
        assert_int_equal(failure.error, ZMTP_ERR_TIMEOUT);
        zmtp_msg_init(&msg, NULL);
        assert_int_equal(zmtp_uv_take(tray, &msg, 0), closes ? ZMTP_ERR_STATE : ZMTP_ERR_AGAIN);
        zmtp_uv_tray_close(tray);
        world_close(&world);
    }
}

static void test_memory_that_fails_while_a_message_is_moved_delays_it_and_leaks_nothing(
    void **state)
{
    (void)state;
    char body[200];
    memset(body, 'x', sizeof body);
    const struct zmtp_bytes part = zmtp_bytes_of(body, sizeof body);
    const struct zmtp_bytes parts[] = {part, part, part, part,
                                       part, part, part, part}; // grown twice
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        struct world world;
        struct node push;
        struct zmtp_uv_config config;
        struct zmtp_uv_socket *pull;
        struct zmtp_uv_tray *tray;
        struct zmtp_msg msg = {0};
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        zmtp_uv_config_init(&config, ZMTP_PULL);
        assert_int_equal(zmtp_uv_socket_open(&pull, world.uv, &config), ZMTP_OK);
        world_endpoint(&world, ZMTP_INPROC, endpoint);
        assert_int_equal(zmtp_uv_bind(pull, endpoint), ZMTP_OK);
        node_start(&push, &world, ZMTP_PUSH);
        node_connect(&push, endpoint);
        assert_int_equal(zmtp_uv_send(push.socket, parts, 8), ZMTP_OK);
        WORLD_UNTIL(&world, zmtp_uv_events(pull) & ZMTP_READABLE);
        assert_int_equal(zmtp_uv_tray_open(&tray, pull), ZMTP_OK);
        world.budget.fail_at = world.budget.calls + n;
        zmtp_msg_init(&msg, NULL);
        WORLD_UNTIL(&world, zmtp_uv_take(tray, &msg, 0) == ZMTP_OK);
        failed = world.budget.calls >= world.budget.fail_at;
        world.budget.fail_at = 0;
        assert_int_equal(msg.count, 8);
        zmtp_msg_fini(&msg);
        zmtp_uv_tray_close(tray);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_message_goes_to_one_of_several_threads),
        cmocka_unit_test(test_a_full_tray_holds_the_sender_up_and_room_lets_it_go_on),
        cmocka_unit_test(test_what_lies_in_a_tray_outlives_socket_and_engine),
        cmocka_unit_test(test_a_tray_that_is_closed_first_leaves_the_socket_to_others),
        cmocka_unit_test(test_waits_end_in_time),
        cmocka_unit_test(test_several_threads_talk_through_one_client),
        cmocka_unit_test(test_wrong_calls_are_refused_with_words),
        cmocka_unit_test(test_that_a_request_failed_is_told_by_an_event),
        cmocka_unit_test(
            test_memory_that_fails_while_a_message_is_moved_delays_it_and_leaks_nothing),
    };
    return cmocka_run_group_tests_name("uv tray", tests, NULL, NULL);
}
