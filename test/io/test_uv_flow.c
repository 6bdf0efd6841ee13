// Messages keep flowing, or wait, and none is lost: full queues, wake-ups from everywhere.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/world.h"

static const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC};
enum { TRANSPORTS = sizeof transports / sizeof transports[0] };

// |a| dials |b|; both are open and connected afterwards.
static void connect_nodes(struct world *world, enum zmtp_transport transport, struct node *a,
                          struct node *b)
{
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_endpoint(world, transport, endpoint);
    node_bind(b, endpoint);
    node_connect(a, endpoint);
    WORLD_UNTIL(world,
                a->events[ZMTP_EVENT_HANDSHAKE_DONE] && b->events[ZMTP_EVENT_HANDSHAKE_DONE]);
}

static int send_number(struct node *node, size_t number)
{
    uint8_t octets[100] = {0};
    memcpy(octets, &number, sizeof number);
    const struct zmtp_bytes part = {octets, sizeof octets};
    return zmtp_uv_send(node->socket, &part, 1);
}

static size_t number_of(const struct zmtp_msg *msg)
{
    size_t number;
    assert_int_equal(zmtp_msg_bytes(msg, 0).size, 100);
    memcpy(&number, zmtp_msg_bytes(msg, 0).data, sizeof number);
    return number;
}

static void send_until_refused(struct node *node)
{
    while (send_number(node, node->count) == ZMTP_OK)
        node->count++;
}

// Takes all there is and checks that it goes on where it stopped. Returns how many.
static size_t pull(struct node *node)
{
    size_t taken = 0;
    for (;;) {
        struct zmtp_msg msg = {0};
        zmtp_msg_init(&msg, NULL);
        const int result = zmtp_uv_recv(node->socket, &msg);
        if (result < 0) {
            assert_int_equal(result, ZMTP_ERR_AGAIN);
            return taken;
        }
        assert_int_equal(number_of(&msg), node->received);
        node->received++;
        taken++;
        zmtp_msg_fini(&msg);
    }
}

static void test_a_receiver_that_stops_holds_the_sender_and_nothing_is_lost(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node a, b;
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_init(&b, &world, ZMTP_DEALER);
        node_open_pull(&b);
        connect_nodes(&world, transports[i], &a, &b);
        a.room = send_until_refused;
        send_until_refused(&a);
        // Nobody takes anything: after a while there is no room anywhere.
        world_rest(&world, 50);
        const size_t held = a.count;
        world_rest(&world, 50);
        assert_int_equal(a.count, held);
        assert_int_equal(b.readable, 1);
        for (int round = 0; round < 20; round++) {
            const size_t told = b.readable;
            pull(&b);
            WORLD_UNTIL(&world, b.readable > told);
        }
        assert_true(a.count > held);
        a.room = NULL;
        while (b.received < a.count) {
            pull(&b);
            if (b.received < a.count) world_turn(&world);
        }
        assert_int_equal(zmtp_uv_counters(b.socket).received, zmtp_uv_counters(a.socket).sent);
        world_close(&world);
    }
}

static void test_a_refused_sender_is_told_once_of_room(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    node_init(&b, &world, ZMTP_DEALER);
    node_open_pull(&b);
    assert_int_equal(send_number(&a, 0), ZMTP_ERR_AGAIN); // no peer at all
    assert_int_equal(zmtp_uv_events(a.socket), 0);
    connect_nodes(&world, ZMTP_TCP, &a, &b);
    WORLD_UNTIL(&world, a.writable == 1);
    assert_int_equal(zmtp_uv_events(a.socket), ZMTP_WRITABLE);
    send_until_refused(&a);
    size_t left = 0;
    while (a.writable == 1) {
        left += pull(&b);
        world_turn(&world);
    }
    assert_true(left > 0);
    while (b.received < a.count) {
        pull(&b);
        if (b.received < a.count) world_turn(&world);
    }
    world_rest(&world, 20);
    assert_int_equal(a.writable, 2);
    world_close(&world);
}

static void test_a_tight_loop_of_sends_reaches_the_kernel_without_the_loop(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    world_open(&world);
    node_init(&a, &world, ZMTP_DEALER);
    a.config.socket.send_count_max = 10;
    node_open(&a);
    node_init(&b, &world, ZMTP_DEALER);
    node_open_pull(&b);
    connect_nodes(&world, ZMTP_TCP, &a, &b);
    // The loop does not turn, yet hundreds of times more than the queue's ten get through.
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(send_number(&a, i), ZMTP_OK);
    while (b.received < 1000) {
        world_turn(&world);
        pull(&b);
    }
    world_close(&world);
}

// Handles of every phase of the loop, each sending one message, started before and after the engine.
struct phases {
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle;
    uv_timer_t timer, alarm;
};

static void phase_prepare(uv_prepare_t *handle)
{
    node_send(handle->data, "prepare");
    uv_close((uv_handle_t *)handle, NULL);
}

static void phase_check(uv_check_t *handle)
{
    node_send(handle->data, "check");
    uv_close((uv_handle_t *)handle, NULL);
}

static void phase_idle(uv_idle_t *handle)
{
    node_send(handle->data, "idle");
    uv_close((uv_handle_t *)handle, NULL);
}

static void phase_timer(uv_timer_t *handle)
{
    node_send(handle->data, "timer");
    uv_close((uv_handle_t *)handle, NULL);
}

static void phase_nothing(uv_timer_t *handle)
{
    uv_close((uv_handle_t *)handle, NULL);
}

static void phases_start(struct phases *phases, struct world *world, struct node *node, int which)
{
    switch (which) {
    case 0:
        phases->prepare.data = node;
        uv_prepare_init(&world->loop, &phases->prepare);
        uv_prepare_start(&phases->prepare, phase_prepare);
        break;
    case 1:
        phases->check.data = node;
        uv_check_init(&world->loop, &phases->check);
        uv_check_start(&phases->check, phase_check);
        // Check handles run after a sleep, so something must end it.
        uv_timer_init(&world->loop, &phases->alarm);
        uv_timer_start(&phases->alarm, phase_nothing, 1, 0);
        break;
    case 2:
        phases->idle.data = node;
        uv_idle_init(&world->loop, &phases->idle);
        uv_idle_start(&phases->idle, phase_idle);
        break;
    default:
        phases->timer.data = node;
        uv_timer_init(&world->loop, &phases->timer);
        uv_timer_start(&phases->timer, phase_timer, 1, 0);
        break;
    }
}

static void test_a_message_sent_in_any_phase_of_the_loop_leaves(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node a, b;
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_start(&b, &world, ZMTP_DEALER);
        connect_nodes(&world, transports[i], &a, &b);
        struct phases phases;
        for (int which = 0; which < 4; which++) {
            const size_t received = b.received;
            phases_start(&phases, &world, &a, which);
            WORLD_UNTIL(&world, b.received > received);
        }
        world_close(&world);
    }
}

static void test_a_turn_of_the_loop_that_calls_back_does_not_sleep(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    node_start(&b, &world, ZMTP_DEALER);
    // Nothing here ever wakes the loop: a turn that sleeps after the callback sleeps for good.
    node_bind(&b, "inproc://b");
    node_connect(&a, "inproc://b");
    node_send(&a, "hello");
    WORLD_UNTIL(&world, b.received == 1);
    node_close(&a);
    node_close(&b);
    world_close(&world);
}

// Sends once when it is asked to.
static void prepare_when_asked(uv_prepare_t *handle)
{
    struct node *node = handle->data;
    if (node->count == 0) return;
    node->count = 0;
    node_send(node, "just before the sleep");
}

static void test_what_is_sent_after_the_engine_looked_last_leaves_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node a, b;
        uv_prepare_t prepare;
        world_open(&world);
        // Prepare handles run youngest first: this one after the engine's.
        zmtp_uv_close(world.uv, NULL, NULL);
        uv_run(&world.loop, UV_RUN_DEFAULT);
        uv_prepare_init(&world.loop, &prepare);
        prepare.data = &a;
        uv_prepare_start(&prepare, prepare_when_asked);
        uv_unref((uv_handle_t *)&prepare);
        assert_int_equal(zmtp_uv_open(&world.uv, &world.loop, &world.budget.allocator), ZMTP_OK);
        node_start(&a, &world, ZMTP_DEALER);
        node_start(&b, &world, ZMTP_DEALER);
        connect_nodes(&world, transports[i], &a, &b);
        world_rest(&world, 5);
        a.count = 1;
        WORLD_UNTIL(&world, b.received == 1);
        uv_close((uv_handle_t *)&prepare, NULL);
        world_close(&world);
    }
}

static void test_a_sub_that_stops_does_not_hold_up_the_others(void **state)
{
    (void)state;
    struct world world;
    struct node pub, slow, quick;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_start(&pub, &world, ZMTP_PUB);
    node_init(&slow, &world, ZMTP_SUB);
    slow.config.socket.recv_count_max = 10;
    node_open_pull(&slow);
    node_start(&quick, &world, ZMTP_SUB);
    node_bind(&pub, endpoint);
    node_connect(&slow, endpoint);
    node_connect(&quick, endpoint);
    zmtp_uv_subscribe(slow.socket, (struct zmtp_bytes){0});
    zmtp_uv_subscribe(quick.socket, (struct zmtp_bytes){0});
    WORLD_UNTIL(&world, zmtp_uv_subscribers(pub.socket) == 2);
    uint8_t *body = calloc(1, 10000);
    for (size_t i = 0; i < 2000; i++) {
        const struct zmtp_bytes part = {body, 10000};
        assert_int_equal(zmtp_uv_send(pub.socket, &part, 1), ZMTP_OK);
        WORLD_UNTIL(&world, quick.received > i);
    }
    free(body);
    const struct zmtp_socket_counters counters = zmtp_uv_counters(pub.socket);
    assert_true(counters.dropped[ZMTP_DROP_PEER_FULL] > 0);
    assert_int_equal(counters.copies + counters.dropped[ZMTP_DROP_PEER_FULL], 4000);
    world_close(&world);
}

// A PUB that may drop, with one subscriber to everything, of another loop: what one of them does in a callback, or
// between two turns, the other does not hinder.
struct burst {
    struct world here, there;
    struct node pub, sub;
};

static void burst_open(struct burst *b, enum zmtp_transport transport, size_t limit, size_t octets)
{
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&b->here);
    world_open(&b->there);
    world_endpoint(&b->here, transport, endpoint);
    node_init(&b->pub, &b->here, ZMTP_PUB);
    b->pub.config.socket.send_count_max = limit;
    b->pub.config.socket.send_bytes_max = octets;
    node_open(&b->pub);
    node_bind(&b->pub, endpoint);
    node_start(&b->sub, &b->there, ZMTP_SUB);
    node_connect(&b->sub, endpoint);
    zmtp_uv_subscribe(b->sub.socket, (struct zmtp_bytes){0});
    while (zmtp_uv_subscribers(b->pub.socket) == 0) {
        (void)uv_run(&b->here.loop, UV_RUN_NOWAIT);
        (void)uv_run(&b->there.loop, UV_RUN_NOWAIT);
    }
}

static void burst_close(struct burst *b)
{
    world_close(&b->here);
    world_close(&b->there);
}

static void burst_send(struct burst *b, size_t count, size_t size)
{
    static const uint8_t body[1024];
    const struct zmtp_bytes part = {body, size};
    for (size_t i = 0; i < count; i++)
        assert_int_equal(zmtp_uv_send(b->pub.socket, &part, 1), ZMTP_OK);
}

// The subscriber takes all that has left.
static void burst_take(struct burst *b)
{
    for (size_t before = SIZE_MAX; before != b->sub.received;) {
        before = b->sub.received;
        for (int i = 0; i < 4; i++)
            (void)uv_run(&b->there.loop, UV_RUN_NOWAIT);
    }
}

static uint64_t burst_dropped(const struct burst *b)
{
    return zmtp_uv_counters(b->pub.socket).dropped[ZMTP_DROP_PEER_FULL];
}

static void test_a_burst_to_one_who_reads_is_not_dropped(void **state)
{
    enum { BURST = 100000, STEP = 500 };
    static const size_t limits[] = {1, 100, 1000};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof limits / sizeof *limits; i++) {
        struct burst b;
        const size_t limit = limits[i / 2], burst = limit == 1 ? BURST / 20 : BURST;
        burst_open(&b, transports[i % 2], limit, 0);
        for (size_t sent = 0; sent < burst; sent += STEP) {
            burst_send(&b, STEP, 16);
            burst_take(&b);
            assert_true(b.sub.received + limit > sent + STEP); // the others have left
        }
        assert_int_equal(burst_dropped(&b), 0);
        while (b.sub.received < burst) {
            world_turn(&b.here);
            (void)uv_run(&b.there.loop, UV_RUN_NOWAIT);
        }
        burst_close(&b);
    }
}

// The same where it is a limit of octets that is reached, whatever the other one is.
static void test_a_burst_within_few_octets_is_not_dropped_either(void **state)
{
    enum { BURST = 20000, STEP = 200, SIZE = 200, OCTETS = 16 * 1024 };
    static const size_t limits[] = {0, 1000, 100000};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof limits / sizeof *limits; i++) {
        struct burst b;
        burst_open(&b, transports[i % 2], limits[i / 2], OCTETS);
        for (size_t sent = 0; sent < BURST; sent += STEP) {
            burst_send(&b, STEP, SIZE);
            burst_take(&b);
        }
        assert_int_equal(burst_dropped(&b), 0);
        burst_close(&b);
    }
}

// One whom the kernel had no more room for is asked again, though the loop has not had its turn.
static void test_who_reads_again_within_a_burst_gets_the_rest_of_it(void **state)
{
    enum { LIMIT = 100, SIZE = 1024, STEP = 70, REST = 90 }; // a step has 64 KiB and more
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct burst b;
        burst_open(&b, transports[i], LIMIT, 0);
        while (burst_dropped(&b) < 2 * LIMIT) // the kernel's buffers may grow meanwhile
            burst_send(&b, STEP, SIZE);
        burst_take(&b);
        burst_send(&b, STEP, SIZE);
        const uint64_t dropped = burst_dropped(&b);
        burst_send(&b, REST, SIZE);
        assert_int_equal(burst_dropped(&b), dropped);
        // And where nobody reads, the limit is what it was.
        while (burst_dropped(&b) < dropped + 2 * LIMIT)
            burst_send(&b, STEP, SIZE);
        assert_int_equal(zmtp_uv_counters(b.pub.socket).queued, LIMIT);
        burst_close(&b);
    }
}

// Takes its time, and notes how much came before what another socket waits for.
static void take_slowly(struct node *node, struct zmtp_msg *msg)
{
    (void)msg;
    const struct node *urgent = node->other;
    const uint64_t begun = uv_hrtime();
    while (uv_hrtime() - begun < 200000)
        continue;
    if (urgent->received == 0) node->count++;
}

static void test_a_slow_callback_holds_up_another_socket_for_moments_only(void **state)
{
    (void)state;
    enum { FLOOD = 800 };
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node flood, slow, dealer, urgent;
        world_open(&world);
        node_start(&flood, &world, ZMTP_DEALER);
        node_init(&slow, &world, ZMTP_DEALER);
        slow.act = take_slowly;
        slow.other = &urgent;
        node_open(&slow);
        node_start(&dealer, &world, ZMTP_DEALER);
        node_start(&urgent, &world, ZMTP_DEALER);
        connect_nodes(&world, transports[i], &flood, &slow);
        connect_nodes(&world, transports[i], &dealer, &urgent);
        for (size_t n = 0; n < FLOOD; n++)
            assert_int_equal(send_number(&flood, n), ZMTP_OK);
        WORLD_UNTIL(&world, slow.received > 0);
        assert_true(slow.received < FLOOD / 4);
        slow.count = 0;
        node_send(&dealer, "now");
        WORLD_UNTIL(&world, urgent.received == 1);
        assert_true(slow.count < FLOOD / 4);
        WORLD_UNTIL(&world, slow.received == FLOOD);
        world_close(&world);
    }
}

static void reply_later(struct node *node, struct zmtp_msg *msg)
{
    // Keeps the message; the test answers from outside the callback.
    zmtp_msg_fini(node->other);
    *(struct zmtp_msg *)node->other = *msg;
    zmtp_msg_init(msg, NULL);
}

static void test_a_message_may_be_kept_and_answered_outside_the_callback(void **state)
{
    (void)state;
    struct world world;
    struct node req, rep;
    struct zmtp_msg kept = {0};
    zmtp_msg_init(&kept, NULL);
    world_open(&world);
    node_start(&req, &world, ZMTP_REQ);
    node_start(&rep, &world, ZMTP_REP);
    rep.act = reply_later;
    rep.other = &kept;
    connect_nodes(&world, ZMTP_TCP, &req, &rep);
    for (size_t i = 1; i <= 3; i++) {
        node_send(&req, "question|x");
        WORLD_UNTIL(&world, rep.received == i);
        assert_int_equal(zmtp_uv_send_msg(rep.socket, &kept), ZMTP_OK);
        assert_int_equal(kept.count, 0);
        WORLD_UNTIL(&world, req.received == i);
        assert_string_equal(req.last, "question|x");
    }
    zmtp_msg_fini(&kept);
    world_close(&world);
}

static void count_peer(void *context, const struct zmtp_uv_peer *peer)
{
    struct node *node = context;
    if (peer->connected && peer->state == ZMTP_PEER_TRAFFIC) node->count++;
    assert_string_not_equal(peer->endpoint, "");
}

static void test_peers_are_visible(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct world world;
        struct node a, b;
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_start(&b, &world, ZMTP_DEALER);
        connect_nodes(&world, transports[i], &a, &b);
        zmtp_uv_each_peer(a.socket, count_peer, &a);
        zmtp_uv_each_peer(b.socket, count_peer, &b);
        assert_int_equal(a.count, 1);
        assert_int_equal(b.count, 1);
        world_close(&world);
    }
}

// More than the kernel's buffers hold, so that some of it waits here when the other side hangs up.
enum { BIG = 24 * 1024 * 1024 };

static void send_big(struct node *node)
{
    uint8_t *const octets = calloc(1, BIG);
    assert_non_null(octets);
    const struct zmtp_bytes part = {octets, BIG};
    assert_int_equal(zmtp_uv_send(node->socket, &part, 1), ZMTP_OK);
    free(octets);
}

// A receiver with a limit of 1 MiB for a message, and its sender, which dials it again soon.
static void start_limited(struct world *world, struct node *from, struct node *to, char *endpoint)
{
    node_init(to, world, ZMTP_PULL);
    to->config.limits.message_max = 1024 * 1024;
    node_open(to);
    world_endpoint(world, ZMTP_TCP, endpoint);
    node_bind(to, endpoint);
    node_init(from, world, ZMTP_PUSH);
    from->config.socket.send_bytes_max = 0;
    from->config.reconnect_min_ms = from->config.reconnect_max_ms = 1;
    node_open(from);
    node_connect(from, endpoint);
}

static void test_a_message_that_the_other_side_never_takes_holds_up_those_behind_it_no_longer(
    void **state)
{
    (void)state;
    struct world world;
    struct node from, to;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    start_limited(&world, &from, &to, endpoint);
    send_big(&from);
    node_send(&from, "behind it");
    WORLD_UNTIL(&world, to.received == 1);
    assert_string_equal(to.last, "behind it");
    assert_int_equal(to.errors[ZMTP_EVENT_CLOSED], ZMTP_ERR_LIMIT);
    assert_non_null(strstr(to.reasons[ZMTP_EVENT_CLOSED], "limits.message_max"));
    WORLD_UNTIL(&world, from.events[ZMTP_EVENT_DROPPED] == 1);
    const struct zmtp_socket_counters counters = zmtp_uv_counters(from.socket);
    assert_int_equal(counters.dropped[ZMTP_DROP_UNSENT], 1);
    assert_int_equal(counters.lost, 1);
    assert_int_equal(counters.copies, counters.left + counters.queued + counters.lost);
    world_close(&world);
}

static void close_at_the_second_end(struct node *node, const struct zmtp_event *event)
{
    if (event->kind != ZMTP_EVENT_CLOSED || ++node->count < 2) return;
    zmtp_uv_socket_close(node->socket, NULL, NULL);
    node->closed = true;
}

static void test_a_message_within_which_the_other_side_hung_up_twice_is_sent_once_more(void **state)
{
    (void)state;
    struct world world;
    struct node from, to, heir;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    start_limited(&world, &from, &to, endpoint);
    to.note = close_at_the_second_end;
    send_big(&from);
    WORLD_UNTIL(&world, to.closed);
    node_start(&heir, &world, ZMTP_PULL);
    node_bind(&heir, endpoint);
    WORLD_UNTIL(&world, heir.received == 1 || zmtp_uv_counters(from.socket).lost > 0);
    assert_int_equal(heir.received, 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_receiver_that_stops_holds_the_sender_and_nothing_is_lost),
        cmocka_unit_test(test_a_refused_sender_is_told_once_of_room),
        cmocka_unit_test(test_a_tight_loop_of_sends_reaches_the_kernel_without_the_loop),
        cmocka_unit_test(test_a_message_sent_in_any_phase_of_the_loop_leaves),
        cmocka_unit_test(test_a_turn_of_the_loop_that_calls_back_does_not_sleep),
        cmocka_unit_test(test_what_is_sent_after_the_engine_looked_last_leaves_too),
        cmocka_unit_test(test_a_sub_that_stops_does_not_hold_up_the_others),
        cmocka_unit_test(test_a_burst_to_one_who_reads_is_not_dropped),
        cmocka_unit_test(test_a_burst_within_few_octets_is_not_dropped_either),
        cmocka_unit_test(test_who_reads_again_within_a_burst_gets_the_rest_of_it),
        cmocka_unit_test(test_a_slow_callback_holds_up_another_socket_for_moments_only),
        cmocka_unit_test(test_a_message_may_be_kept_and_answered_outside_the_callback),
        cmocka_unit_test(test_peers_are_visible),
        cmocka_unit_test(
            test_a_message_that_the_other_side_never_takes_holds_up_those_behind_it_no_longer),
        cmocka_unit_test(
            test_a_message_within_which_the_other_side_hung_up_twice_is_sent_once_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
