// inproc between engines that threads of their own run: streams of many small messages from several
// threads at once, round trips, one for many, and threads that come and go in any order. A call that is
// lost hangs; a message that is lost, torn or out of order is counted. For the thread sanitizer as well.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/support/random.h"
#include "zmtp/zmtp.h"

enum { PARTIES_MAX = 4, PATIENCE_MS = 90000 };

// One thread with a loop and an engine.
struct party {
    struct zmtp_uv_shared *shared;
    size_t index, count, total; // which of how many; messages each
    void (*begin)(struct party *party);
    pthread_t thread;
    uv_loop_t loop;
    struct zmtp_uv *uv;
    uv_timer_t watchdog;
    struct zmtp_uv_socket *socket;
    struct zmtp_socket_counters counters; // at the end
    size_t sent, received;
    uint64_t next[PARTIES_MAX]; // of each sender
    bool done, closed;
    const char *failure; // asserted by the main thread, for others may not
};

static void party_fail(struct party *party, const char *why)
{
    if (!party->failure) party->failure = why;
    party->done = true;
}

static void party_expired(uv_timer_t *timer)
{
    party_fail(timer->data, "it took too long");
}

static void party_closed(void *user)
{
    ((struct party *)user)->closed = true;
}

static void *party_run(void *context)
{
    struct party *party = context;
    if (zmtp_uv_open(&party->uv, &party->loop, NULL) < 0) abort();
    if (zmtp_uv_join(party->uv, party->shared) < 0) abort();
    uv_timer_init(&party->loop, &party->watchdog);
    party->watchdog.data = party;
    uv_timer_start(&party->watchdog, party_expired, PATIENCE_MS, 0);
    party->begin(party);
    while (!party->done)
        uv_run(&party->loop, UV_RUN_ONCE);
    if (party->socket) party->counters = zmtp_uv_counters(party->socket);
    uv_close((uv_handle_t *)&party->watchdog, NULL);
    zmtp_uv_close(party->uv, party_closed, party);
    uv_run(&party->loop, UV_RUN_DEFAULT);
    if (!party->closed) party_fail(party, "the engine did not close");
    return NULL;
}

// Loops are opened and closed by the main thread: libuv closes descriptors by calls that the thread
// sanitizer does not see, and it would take the next of that number for the same.
static void party_start(struct party *party)
{
    assert_int_equal(uv_loop_init(&party->loop), 0);
    assert_int_equal(pthread_create(&party->thread, NULL, party_run, party), 0);
}

static void party_join(struct party *party)
{
    assert_int_equal(pthread_join(party->thread, NULL), 0);
}

static void party_end(struct party *party)
{
    assert_int_equal(uv_loop_close(&party->loop), 0); // no handle was left
    if (party->failure) fail_msg("party %zu: %s", party->index, party->failure);
}

static void party_open(struct party *party, struct zmtp_uv_config *config, const char *bind,
                       const char *connect)
{
    config->user = party;
    if (zmtp_uv_socket_open(&party->socket, party->uv, config) < 0) abort();
    if (bind && zmtp_uv_bind(party->socket, bind) < 0) party_fail(party, "bind");
    if (connect && zmtp_uv_connect(party->socket, connect) < 0) party_fail(party, "connect");
}

// Runs |count| parties, the first of which begins with |first| and the others with |others|.
static void run_parties(struct party *parties, size_t count, size_t total,
                        void (*first)(struct party *party), void (*others)(struct party *party))
{
    struct zmtp_uv_shared *shared;
    memset(parties, 0, count * sizeof *parties);
    assert_int_equal(zmtp_uv_shared_open(&shared), ZMTP_OK);
    for (size_t i = 0; i < count; i++) {
        struct party *party = &parties[i];
        party->shared = shared;
        party->index = i;
        party->count = count;
        party->total = total;
        party->begin = i == 0 ? first : others;
        party_start(party);
    }
    for (size_t i = 0; i < count; i++)
        party_join(&parties[i]);
    zmtp_uv_shared_close(shared);
    for (size_t i = 0; i < count; i++)
        party_end(&parties[i]);
}

// A message says who sent it and its number; some are long.
struct note {
    uint64_t sender, number;
};
enum { LONG_EVERY = 1000, LONG_SIZE = 9000 };

static int note_send(struct party *party, uint64_t number)
{
    static const uint8_t filler[LONG_SIZE];
    const struct note note = {party->index, number};
    const struct zmtp_bytes parts[] = {
        {(const uint8_t *)&note, sizeof note},
        {filler, number % LONG_EVERY ? number % 60 : LONG_SIZE},
    };
    return zmtp_uv_send(party->socket, parts, 2);
}

static void note_check(struct party *party, const struct zmtp_msg *msg)
{
    const struct zmtp_bytes head = zmtp_msg_bytes(msg, 0);
    struct note note;
    if (msg->count != 2 || head.size != sizeof note) {
        party_fail(party, "a message is not whole");
        return;
    }
    memcpy(&note, head.data, sizeof note);
    if (note.sender >= PARTIES_MAX || note.number != party->next[note.sender]++)
        party_fail(party, "a message is out of order");
    const size_t size = note.number % LONG_EVERY ? note.number % 60 : LONG_SIZE;
    if (zmtp_msg_bytes(msg, 1).size != size) party_fail(party, "a message has another size");
    party->received++;
}

// A stream: several PUSH, one PULL.

static void stream_on_message(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct party *party = user;
    (void)socket;
    note_check(party, msg);
    if (party->received == party->total * (party->count - 1)) party->done = true;
}

static void stream_on_writable(struct zmtp_uv_socket *socket, void *user)
{
    struct party *party = user;
    (void)socket;
    int result = ZMTP_OK;
    while (party->sent < party->total && (result = note_send(party, party->sent)) == ZMTP_OK)
        party->sent++;
    if (result < 0 && result != ZMTP_ERR_AGAIN) party_fail(party, "send");
    // What it has sent need not have been received when it goes.
    if (party->sent == party->total) party->done = true;
}

static void stream_receive(struct party *party)
{
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, ZMTP_PULL);
    config.on_message = stream_on_message;
    party_open(party, &config, "inproc://stream", NULL);
}

static void stream_send(struct party *party)
{
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, ZMTP_PUSH);
    config.on_writable = stream_on_writable;
    if (party->index == 2) // one with tiny limits
        config.socket.send_count_max = 2;
    party_open(party, &config, NULL, "inproc://stream");
    stream_on_writable(party->socket, party);
}

static void test_millions_of_messages_pass_from_three_threads_to_one(void **state)
{
    (void)state;
    static struct party parties[4];
    run_parties(parties, 4, 400000, stream_receive, stream_send);
    uint64_t copies = 0;
    for (size_t i = 1; i < 4; i++) {
        const struct zmtp_socket_counters *c = &parties[i].counters;
        assert_true(c->copies == c->left + c->queued + c->lost);
        assert_true(c->lost == 0);
        copies += c->copies;
    }
    assert_true(parties[0].counters.arrived == copies);
    assert_true(parties[0].counters.received == copies);
}

// Round trips: a DEALER asks, a ROUTER answers.

static void trip_answer(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct party *party = user;
    if (zmtp_uv_send_msg(socket, msg) < 0) party_fail(party, "answer");
    if (++party->received == party->total * (party->count - 1)) party->done = true;
}

static void trip_ask(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct party *party = user;
    (void)socket;
    if (msg) note_check(party, msg);
    if (party->received == party->total)
        party->done = true;
    else if (note_send(party, party->received) < 0)
        party_fail(party, "ask");
}

static void trip_first(struct zmtp_uv_socket *socket, const struct zmtp_event *event, void *user)
{
    if (event->kind == ZMTP_EVENT_HANDSHAKE_DONE) trip_ask(socket, NULL, user);
}

static void trip_serve(struct party *party)
{
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, ZMTP_ROUTER);
    config.on_message = trip_answer;
    party_open(party, &config, "inproc://trip", NULL);
}

static void trip_begin(struct party *party)
{
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, ZMTP_DEALER);
    config.on_message = trip_ask;
    config.on_event = trip_first;
    party->next[party->index] = 0;
    party_open(party, &config, NULL, "inproc://trip");
}

static void test_round_trips_between_threads_never_miss_a_call(void **state)
{
    (void)state;
    static struct party parties[3];
    run_parties(parties, 2, 20000, trip_serve, trip_begin);
    run_parties(parties, 3, 10000, trip_serve, trip_begin);
}

// One for many: every subscriber gets everything.

static void publish_on_writable(struct zmtp_uv_socket *socket, void *user)
{
    struct party *party = user;
    if (zmtp_uv_subscribers(socket) < party->count - 1) return;
    while (party->sent < party->total && note_send(party, party->sent) == ZMTP_OK)
        party->sent++;
    if (party->sent == party->total) party->done = true;
}

static void publish_ticked(uv_handle_t *timer)
{
    free(timer);
}

static void publish_tick(uv_timer_t *timer)
{
    struct party *party = timer->data;
    if (party->done)
        uv_close((uv_handle_t *)timer, publish_ticked);
    else
        publish_on_writable(party->socket, party);
}

static void publish(struct party *party)
{
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, ZMTP_PUB);
    config.socket.nodrop = true;
    config.on_writable = publish_on_writable;
    party_open(party, &config, "inproc://news", NULL);
    uv_timer_t *timer = malloc(sizeof *timer);
    if (!timer) abort();
    uv_timer_init(&party->loop, timer);
    timer->data = party;
    uv_timer_start(timer, publish_tick, 1, 1);
}

static void subscribe_on_message(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct party *party = user;
    (void)socket;
    note_check(party, msg);
    if (party->received == party->total) party->done = true;
}

static void subscribe(struct party *party)
{
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, ZMTP_SUB);
    config.on_message = subscribe_on_message;
    party_open(party, &config, NULL, "inproc://news");
    if (zmtp_uv_subscribe(party->socket, (struct zmtp_bytes){0}) < 0)
        party_fail(party, "subscribe");
}

static void test_every_subscriber_thread_gets_everything(void **state)
{
    (void)state;
    static struct party parties[4];
    run_parties(parties, 4, 100000, publish, subscribe);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(parties[i].received, 100000);
}

// Threads that come and go: each opens a PAIR, binds or connects, talks a while, and closes, again and
// again, over two names.

enum { VISITS = 150 };

struct visitor {
    struct party party;
    struct random random;
    uv_idle_t idle;
    size_t visits, turns;
};

static void visit_on_message(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    (void)user;
    if (msg->count > 0) (void)zmtp_uv_send_msg(socket, msg); // or there is no room
}

static void visit_next(struct visitor *visitor)
{
    struct party *party = &visitor->party;
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, random_below(&visitor->random, 2) ? ZMTP_PAIR : ZMTP_DEALER);
    config.socket.send_count_max = config.socket.recv_count_max =
        1 + random_below(&visitor->random, 4);
    config.on_message = visit_on_message;
    config.user = visitor;
    if (zmtp_uv_socket_open(&party->socket, party->uv, &config) < 0) abort();
    const char *name = random_below(&visitor->random, 2) ? "inproc://one" : "inproc://two";
    if (random_below(&visitor->random, 2))
        (void)zmtp_uv_bind(party->socket, name); // another may have it
    else
        (void)zmtp_uv_connect(party->socket, name);
    visitor->turns = random_below(&visitor->random, 30);
}

static void visit_turn(uv_idle_t *idle)
{
    struct visitor *visitor = idle->data;
    struct party *party = &visitor->party;
    if (party->done) return;
    if (party->socket) (void)note_send(party, 1);
    if (visitor->turns-- > 0) return;
    if (party->socket) zmtp_uv_socket_close(party->socket, NULL, NULL);
    party->socket = NULL;
    if (++visitor->visits < VISITS) {
        visit_next(visitor);
        return;
    }
    party->done = true;
    uv_close((uv_handle_t *)idle, NULL);
}

static void visit(struct party *party)
{
    struct visitor *visitor = (struct visitor *)party; // its first member
    visitor->random = random_of(party->index + 1);
    visitor->idle.data = visitor;
    uv_idle_init(&party->loop, &visitor->idle);
    uv_idle_start(&visitor->idle, visit_turn);
    visit_next(visitor);
}

static void test_threads_come_and_go_in_any_order(void **state)
{
    (void)state;
    static struct visitor visitors[PARTIES_MAX];
    struct zmtp_uv_shared *shared;
    memset(visitors, 0, sizeof visitors);
    assert_int_equal(zmtp_uv_shared_open(&shared), ZMTP_OK);
    for (size_t i = 0; i < PARTIES_MAX; i++) {
        struct party *party = &visitors[i].party;
        party->shared = shared;
        party->index = i;
        party->begin = visit;
        party_start(party);
    }
    for (size_t i = 0; i < PARTIES_MAX; i++)
        party_join(&visitors[i].party);
    zmtp_uv_shared_close(shared);
    for (size_t i = 0; i < PARTIES_MAX; i++)
        party_end(&visitors[i].party);
}

// An engine that closes as soon as it has sent; and one whose messages are kept by their receiver.

static struct zmtp_msg kept[PARTIES_MAX];

static void keep_on_message(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct party *party = user;
    (void)socket;
    if (zmtp_msg_bytes(msg, 1).size == LONG_SIZE) {
        kept[party->received % PARTIES_MAX] = *msg;
        zmtp_msg_init(msg, NULL);
    }
    if (++party->received == party->total * (party->count - 1)) party->done = true;
}

static void keep_receive(struct party *party)
{
    struct zmtp_uv_config config;
    zmtp_uv_config_init(&config, ZMTP_PULL);
    config.on_message = keep_on_message;
    party_open(party, &config, "inproc://stream", NULL);
}

static void test_messages_outlive_the_threads_and_engines_they_came_by(void **state)
{
    (void)state;
    static struct party parties[3];
    run_parties(parties, 3, 1, keep_receive, stream_send); // number 0 is a long one
    for (size_t i = 0; i < 2; i++) {
        const struct zmtp_bytes body = zmtp_msg_bytes(&kept[i], 1);
        assert_int_equal(body.size, LONG_SIZE);
        assert_int_equal(body.data[LONG_SIZE - 1], 0);
        zmtp_msg_fini(&kept[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_millions_of_messages_pass_from_three_threads_to_one),
        cmocka_unit_test(test_round_trips_between_threads_never_miss_a_call),
        cmocka_unit_test(test_every_subscriber_thread_gets_everything),
        cmocka_unit_test(test_threads_come_and_go_in_any_order),
        cmocka_unit_test(test_messages_outlive_the_threads_and_engines_they_came_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
