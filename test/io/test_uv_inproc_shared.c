// Engines that share their inproc names: who is joined to whom, what is told, and what a close leaves.
// Both engines are run by one thread, by turns; test_uv_inproc_threads.c has them run by their own.
#include "test/support/ends.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct both {
    struct zmtp_uv_shared *shared;
    struct world worlds[2];
    bool open[2];
};

static void both_begin(struct both *both)
{
    *both = (struct both){.shared = NULL};
    assert_int_equal(zmtp_uv_shared_open(&both->shared), ZMTP_OK);
    for (size_t i = 0; i < 2; i++) {
        world_open(&both->worlds[i]);
        both->open[i] = true;
        assert_int_equal(zmtp_uv_join(both->worlds[i].uv, both->shared), ZMTP_OK);
    }
    zmtp_uv_shared_close(both->shared); // it goes with the engines
}

static void both_close(struct both *both, size_t index)
{
    if (both->open[index]) world_close(&both->worlds[index]);
    both->open[index] = false;
}

static void both_end(struct both *both)
{
    both_close(both, 0);
    both_close(both, 1);
}

static void both_turn(struct both *both)
{
    for (size_t i = 0; i < 2; i++) {
        if (both->worlds[i].expired) fail_msg("the loops did not get there");
        if (both->open[i]) uv_run(&both->worlds[i].loop, UV_RUN_NOWAIT);
    }
}
#define BOTH_UNTIL(both, condition)                                                                \
    while (!(condition))                                                                           \
    both_turn(both)

// Turns for what must not happen.
static void both_rest(struct both *both)
{
    for (int i = 0; i < 50; i++) {
        both_turn(both);
        usleep(500);
    }
}

#define NAME "inproc://name"

// |binder| in the first engine, |dialler| in the second, joined.
static void both_join(struct both *both, struct node *binder, enum zmtp_socket_type binder_type,
                      struct node *dialler, enum zmtp_socket_type dialler_type)
{
    node_start(binder, &both->worlds[0], binder_type);
    node_start(dialler, &both->worlds[1], dialler_type);
    node_bind(binder, NAME);
    node_connect(dialler, NAME);
    BOTH_UNTIL(both, binder->events[ZMTP_EVENT_HANDSHAKE_DONE] == 1 &&
                         dialler->events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
}

static void node_end(struct both *both, struct node *node)
{
    zmtp_uv_socket_close(node->socket, NULL, NULL);
    node->socket = NULL;
    both_turn(both);
}

struct row {
    size_t count, connected;
    struct zmtp_uv_peer last;
    struct node *ended; // by the look
};

static void note_row(void *context, const struct zmtp_uv_peer *peer)
{
    struct row *row = context;
    row->count++;
    row->connected += peer->connected;
    row->last = *peer;
}

static struct row rows_of(const struct node *node)
{
    struct row row = {0};
    zmtp_uv_each_peer(node->socket, note_row, &row);
    return row;
}

static void test_messages_pass_both_ways(void **state)
{
    (void)state;
    struct both both;
    struct node router, dealer;
    both_begin(&both);
    node_init(&dealer, &both.worlds[1], ZMTP_DEALER);
    dealer.config.socket.routing_id = zmtp_bytes_text("me");
    node_open(&dealer);
    node_start(&router, &both.worlds[0], ZMTP_ROUTER);
    node_bind(&router, NAME);
    node_connect(&dealer, NAME);
    node_send(&dealer, "before|the other knows"); // the pipe is there at once
    BOTH_UNTIL(&both, router.received == 1);
    assert_string_equal(router.last, "me|before|the other knows");
    node_send(&router, "me|answer");
    BOTH_UNTIL(&both, dealer.received == 1);
    assert_string_equal(dealer.last, "answer");
    const struct row ours = rows_of(&router), theirs = rows_of(&dealer);
    assert_int_equal(ours.count, 1);
    assert_int_equal(ours.connected, 1);
    assert_false(ours.last.dialled);
    assert_true(ours.last.facts.type == ZMTP_DEALER);
    assert_int_equal(ours.last.flow.taken, 1);
    assert_int_equal(theirs.connected, 1);
    assert_true(theirs.last.dialled);
    assert_true(theirs.last.facts.type == ZMTP_ROUTER);
    assert_int_equal(theirs.last.flow.left, 1);
    assert_int_equal(zmtp_uv_wait_connected(router.socket, 1, 0), ZMTP_OK);
    both_end(&both);
}

static void test_a_dial_may_come_before_its_bind(void **state)
{
    (void)state;
    struct both both;
    struct node push, pull;
    both_begin(&both);
    node_start(&push, &both.worlds[1], ZMTP_PUSH);
    node_connect(&push, NAME);
    assert_int_equal(node_try(&push, "nobody is there"), ZMTP_ERR_AGAIN);
    both_rest(&both);
    assert_int_equal(rows_of(&push).count, 1);
    assert_int_equal(rows_of(&push).connected, 0);
    node_start(&pull, &both.worlds[0], ZMTP_PULL);
    node_bind(&pull, NAME);
    BOTH_UNTIL(&both, push.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
    assert_int_equal(push.writable, 1);
    node_send(&push, "somebody");
    BOTH_UNTIL(&both, pull.received == 1);
    both_end(&both);
}

struct types {
    enum zmtp_socket_type binder, dialler;
};

// Sends |text| until it is received; what is sent before a subscription has arrived is not.
static void pass(struct both *both, struct node *from, struct node *to, const char *text)
{
    const size_t before = to->received;
    while (to->received == before) {
        (void)node_try(from, text);
        for (int i = 0; i < 5; i++)
            both_turn(both);
    }
}

static void test_every_type_of_socket_reaches_its_counterpart(void **state)
{
    (void)state;
    static const struct types pairs[] = {
        {ZMTP_PULL, ZMTP_PUSH},      {ZMTP_PUSH, ZMTP_PULL},       {ZMTP_SUB, ZMTP_PUB},
        {ZMTP_PUB, ZMTP_SUB},        {ZMTP_XPUB, ZMTP_SUB},        {ZMTP_PUB, ZMTP_XSUB},
        {ZMTP_REP, ZMTP_REQ},        {ZMTP_ROUTER, ZMTP_DEALER},   {ZMTP_DEALER, ZMTP_DEALER},
        {ZMTP_PAIR, ZMTP_PAIR},      {ZMTP_SERVER, ZMTP_CLIENT},   {ZMTP_RADIO, ZMTP_DISH},
        {ZMTP_GATHER, ZMTP_SCATTER}, {ZMTP_CHANNEL, ZMTP_CHANNEL}, {ZMTP_PEER, ZMTP_PEER},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct both both;
        struct node binder, dialler;
        both_begin(&both);
        both_join(&both, &binder, pairs[i].binder, &dialler, pairs[i].dialler);
        struct node *from = &dialler, *to = &binder;
        const enum zmtp_socket_type type = pairs[i].binder;
        if (type == ZMTP_PUSH || type == ZMTP_PUB || type == ZMTP_XPUB || type == ZMTP_RADIO) {
            from = &binder;
            to = &dialler;
        }
        const enum zmtp_socket_type receives = to->config.socket.type;
        if (receives == ZMTP_SUB || receives == ZMTP_DISH)
            assert_int_equal(zmtp_uv_subscribe(to->socket, zmtp_bytes_text("a")), ZMTP_OK);
        if (receives == ZMTP_XSUB) node_send(to, "\1a");
        if (type != ZMTP_PEER) pass(&both, from, to, type == ZMTP_RADIO ? "a|b" : "a");
        both_end(&both);
    }
}

static void test_a_peer_that_is_dialled_can_be_written_to_at_once(void **state)
{
    (void)state;
    struct both both;
    struct node server, peer;
    uint32_t id = 0;
    both_begin(&both);
    node_start(&peer, &both.worlds[1], ZMTP_PEER);
    assert_int_equal(zmtp_uv_connect_peer(peer.socket, NAME, &id), ZMTP_ERR_NOT_FOUND);
    node_start(&server, &both.worlds[0], ZMTP_PEER);
    node_bind(&server, NAME);
    assert_int_equal(zmtp_uv_connect_peer(peer.socket, NAME, &id), ZMTP_OK);
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, NULL);
    assert_int_equal(zmtp_msg_append(&msg, zmtp_bytes_text("x")), ZMTP_OK);
    msg.routing_id = id;
    assert_int_equal(zmtp_uv_send_msg(peer.socket, &msg), ZMTP_OK);
    BOTH_UNTIL(&both, server.received == 1);
    both_end(&both);
}

static void test_a_name_is_bound_once_in_all_engines(void **state)
{
    (void)state;
    struct both both;
    struct node one, two;
    both_begin(&both);
    node_start(&one, &both.worlds[0], ZMTP_PULL);
    node_start(&two, &both.worlds[1], ZMTP_PULL);
    node_bind(&one, NAME);
    assert_int_equal(zmtp_uv_bind(two.socket, NAME), ZMTP_ERR_IN_USE);
    assert_non_null(strstr(zmtp_uv_error_text(two.socket), "another engine"));
    assert_int_equal(zmtp_uv_unbind(one.socket, NAME), ZMTP_OK);
    node_bind(&two, NAME);
    both_close(&both, 1);
    node_bind(&one, NAME);
    both_end(&both);
}

static void test_within_an_engine_the_pipe_is_direct(void **state)
{
    (void)state;
    struct both both;
    struct node push, pull;
    both_begin(&both);
    node_start(&push, &both.worlds[0], ZMTP_PUSH);
    node_start(&pull, &both.worlds[0], ZMTP_PULL);
    node_bind(&pull, NAME);
    node_connect(&push, NAME);
    node_send(&push, "x");
    assert_int_equal(zmtp_uv_counters(push.socket).queued, 1);
    BOTH_UNTIL(&both, pull.received == 1);
    both_end(&both);
}

static void test_sockets_that_do_not_match_are_told_so(void **state)
{
    (void)state;
    struct both both;
    struct node push, sub;
    both_begin(&both);
    node_start(&push, &both.worlds[0], ZMTP_PUSH);
    node_start(&sub, &both.worlds[1], ZMTP_SUB);
    node_bind(&push, NAME);
    node_connect(&sub, NAME);
    BOTH_UNTIL(&both, sub.events[ZMTP_EVENT_HANDSHAKE_FAILED] == 1);
    assert_int_equal(sub.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_SOCKET_TYPE);
    both_rest(&both);
    assert_int_equal(sub.events[ZMTP_EVENT_HANDSHAKE_FAILED], 1);
    // Another binder may suit.
    node_end(&both, &push);
    node_start(&push, &both.worlds[0], ZMTP_PUB);
    node_bind(&push, NAME);
    BOTH_UNTIL(&both, sub.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
    both_end(&both);
}

static void test_a_pair_takes_the_next_when_its_peer_has_gone(void **state)
{
    (void)state;
    struct both both;
    struct node binder, first, second;
    both_begin(&both);
    both_join(&both, &binder, ZMTP_PAIR, &first, ZMTP_PAIR);
    node_start(&second, &both.worlds[1], ZMTP_PAIR);
    node_connect(&second, NAME);
    BOTH_UNTIL(&both, second.events[ZMTP_EVENT_HANDSHAKE_FAILED] == 1);
    assert_int_equal(second.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_IN_USE);
    both_rest(&both);
    assert_int_equal(second.events[ZMTP_EVENT_HANDSHAKE_FAILED], 1);
    node_end(&both, &first);
    BOTH_UNTIL(&both, second.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
    node_send(&second, "hello");
    BOTH_UNTIL(&both, binder.received == 1);
    both_end(&both);
}

static void test_a_routing_id_in_use_is_refused_by_the_binder(void **state)
{
    (void)state;
    struct both both;
    struct node router, one, two;
    both_begin(&both);
    node_start(&router, &both.worlds[0], ZMTP_ROUTER);
    node_bind(&router, NAME);
    struct node *const dealers[] = {&one, &two};
    for (size_t i = 0; i < 2; i++) {
        node_init(dealers[i], &both.worlds[1], ZMTP_DEALER);
        dealers[i]->config.socket.routing_id = zmtp_bytes_text("same");
        node_open(dealers[i]);
        node_connect(dealers[i], NAME);
        both_rest(&both);
    }
    assert_int_equal(one.events[ZMTP_EVENT_HANDSHAKE_DONE], 1);
    assert_int_equal(two.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_ROUTING_ID);
    both_end(&both);
}

static void test_what_was_sent_before_a_close_is_received(void **state)
{
    (void)state;
    for (int whole_engine = 0; whole_engine < 2; whole_engine++)
        for (int looked = 0; looked < 2; looked++) { // has the binder seen the dialler before?
            struct both both;
            struct node push, pull;
            both_begin(&both);
            node_start(&pull, &both.worlds[0], ZMTP_PULL);
            node_start(&push, &both.worlds[1], ZMTP_PUSH);
            node_bind(&pull, NAME);
            node_connect(&push, NAME);
            if (looked) both_rest(&both);
            for (int i = 0; i < 100; i++)
                node_send(&push, "x");
            if (whole_engine)
                both_close(&both, 1);
            else
                node_end(&both, &push);
            BOTH_UNTIL(&both, pull.received == 100);
            both_rest(&both);
            assert_int_equal(rows_of(&pull).count, 0);
            both_end(&both);
        }
}

static void test_a_dialler_waits_again_when_its_binder_closes(void **state)
{
    (void)state;
    for (int whole_engine = 0; whole_engine < 2; whole_engine++) {
        struct both both;
        struct node pull, push, next;
        both_begin(&both);
        both_join(&both, &pull, ZMTP_PULL, &push, ZMTP_PUSH);
        if (whole_engine)
            both_close(&both, 0);
        else
            node_end(&both, &pull);
        BOTH_UNTIL(&both, push.events[ZMTP_EVENT_CLOSED] == 1);
        assert_int_equal(node_try(&push, "x"), ZMTP_ERR_AGAIN);
        node_start(&next, &both.worlds[1], ZMTP_PULL); // in an engine of its own this time
        node_bind(&next, NAME);
        BOTH_UNTIL(&both, push.events[ZMTP_EVENT_HANDSHAKE_DONE] == 2);
        node_send(&push, "x");
        BOTH_UNTIL(&both, next.received == 1);
        both_end(&both);
    }
}

static void test_a_binder_is_told_which_peer_of_another_engine_has_gone(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct both both;
        struct node router, dealer, near;
        struct ends ends = {0};
        both_begin(&both);
        ends_open(&ends, &router, &both.worlds[0], ZMTP_ROUTER);
        node_bind(&router, NAME);
        node_init(&dealer, &both.worlds[1], ZMTP_DEALER);
        dealer.config.socket.routing_id = zmtp_bytes_text("far");
        node_open(&dealer);
        node_connect(&dealer, NAME);
        BOTH_UNTIL(&both, ends.come == 1);
        node_start(&near, &both.worlds[0], ZMTP_DEALER);
        node_connect(&near, NAME);
        BOTH_UNTIL(&both, ends.come == 2);
        if (how == 0) assert_int_equal(zmtp_uv_disconnect(dealer.socket, NAME), ZMTP_OK);
        if (how == 1) node_end(&both, &dealer);
        if (how == 2) both_close(&both, 1);
        BOTH_UNTIL(&both, ends.gone == 1);
        ends_assert(&ends, 0, ZMTP_ERR_EOF, ZMTP_DEALER, "far", NAME);
        both_rest(&both);
        assert_int_equal(ends.gone, 1);
        assert_int_equal(rows_of(&router).connected, 1);
        both_end(&both);
    }
}

static void test_a_binder_that_cuts_off_or_closes_is_told_its_own_doing_or_nothing(void **state)
{
    (void)state;
    for (int closes = 0; closes < 2; closes++) {
        struct both both;
        struct node pub, sub;
        struct ends ends = {0};
        both_begin(&both);
        node_init(&pub, &both.worlds[0], ZMTP_PUB);
        pub.config.socket.subscriptions_max = 1;
        ends_watch(&ends, &pub);
        node_open(&pub);
        node_start(&sub, &both.worlds[1], ZMTP_SUB);
        node_bind(&pub, NAME);
        node_connect(&sub, NAME);
        BOTH_UNTIL(&both, ends.come == 1);
        if (closes) {
            zmtp_uv_socket_close(sub.socket, NULL, NULL);
            node_end(&both, &pub);
            both_rest(&both);
            assert_int_equal(ends.gone, 0);
        } else {
            assert_int_equal(zmtp_uv_subscribe(sub.socket, zmtp_bytes_text("a")), ZMTP_OK);
            assert_int_equal(zmtp_uv_subscribe(sub.socket, zmtp_bytes_text("b")), ZMTP_OK);
            BOTH_UNTIL(&both, ends.gone == 1);
            ends_assert(&ends, 0, ZMTP_ERR_CANCELLED, ZMTP_SUB, "", NAME);
        }
        both_end(&both);
    }
}

// What is posted to it leaves while it closes, and may meet with the end of a peer.
static void test_a_binder_that_finds_an_end_while_it_closes_is_not_told_later(void **state)
{
    (void)state;
    enum { LETTERS = 40, SIZE = 64 * 1024 };
    static const uint8_t body[SIZE];
    const struct zmtp_bytes letter = {body, SIZE};
    struct both both;
    struct node push, pulls[2];
    struct ends ends = {0};
    struct zmtp_uv_mailbox *mailbox;
    both_begin(&both);
    ends_open(&ends, &push, &both.worlds[0], ZMTP_PUSH);
    node_bind(&push, NAME);
    for (size_t i = 0; i < 2; i++) {
        node_start(&pulls[i], &both.worlds[1], ZMTP_PULL);
        node_connect(&pulls[i], NAME);
        BOTH_UNTIL(&both, ends.come == i + 1);
    }
    assert_int_equal(zmtp_uv_mailbox_open(&mailbox, push.socket), ZMTP_OK);
    for (size_t i = 0; i < LETTERS; i++)
        assert_int_equal(zmtp_uv_post(mailbox, &letter, 1), ZMTP_OK);
    zmtp_uv_socket_close(pulls[0].socket, NULL, NULL);
    uv_run(&both.worlds[1].loop, UV_RUN_NOWAIT); // only there
    zmtp_uv_socket_close(push.socket, NULL, NULL);
    both_rest(&both);
    assert_int_equal(ends.gone, 0);
    zmtp_uv_mailbox_close(mailbox);
    both_end(&both);
}

static void test_disconnect_ends_it_and_unbind_keeps_it(void **state)
{
    (void)state;
    struct both both;
    struct node pull, push;
    both_begin(&both);
    both_join(&both, &pull, ZMTP_PULL, &push, ZMTP_PUSH);
    assert_int_equal(zmtp_uv_unbind(pull.socket, NAME), ZMTP_OK);
    node_send(&push, "after the unbind");
    BOTH_UNTIL(&both, pull.received == 1);
    node_send(&push, "before the disconnect");
    assert_int_equal(zmtp_uv_disconnect(push.socket, NAME), ZMTP_OK);
    assert_int_equal(zmtp_uv_disconnect(push.socket, NAME), ZMTP_ERR_NOT_FOUND);
    BOTH_UNTIL(&both, pull.received == 2);
    assert_int_equal(node_try(&push, "x"), ZMTP_ERR_AGAIN);
    both_rest(&both);
    assert_int_equal(rows_of(&push).count, 0);
    both_end(&both);
}

static void test_who_is_cut_off_waits_for_the_name_to_be_bound_anew(void **state)
{
    (void)state;
    struct both both;
    struct node pub, sub;
    both_begin(&both);
    node_init(&pub, &both.worlds[0], ZMTP_PUB);
    pub.config.socket.subscriptions_max = 1;
    node_open(&pub);
    node_start(&sub, &both.worlds[1], ZMTP_SUB);
    node_bind(&pub, NAME);
    node_connect(&sub, NAME);
    assert_int_equal(zmtp_uv_subscribe(sub.socket, zmtp_bytes_text("a")), ZMTP_OK);
    assert_int_equal(zmtp_uv_subscribe(sub.socket, zmtp_bytes_text("b")), ZMTP_OK);
    BOTH_UNTIL(&both, sub.events[ZMTP_EVENT_CLOSED] == 1);
    both_rest(&both);
    assert_int_equal(sub.events[ZMTP_EVENT_HANDSHAKE_DONE], 1);
    node_end(&both, &pub);
    node_start(&pub, &both.worlds[0], ZMTP_PUB);
    node_bind(&pub, NAME);
    BOTH_UNTIL(&both, zmtp_uv_subscribers(pub.socket) == 1);
    pass(&both, &pub, &sub, "b");
    both_end(&both);
}

static void test_limits_hold_across_engines_and_room_is_told(void **state)
{
    (void)state;
    static const size_t limits[] = {1, 2, 3, 10, 1000};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct both both;
        struct node push, pull;
        both_begin(&both);
        node_init(&push, &both.worlds[1], ZMTP_PUSH);
        push.config.socket.send_count_max = limits[i];
        node_open(&push);
        node_init(&pull, &both.worlds[0], ZMTP_PULL);
        pull.config.socket.recv_count_max = limits[i];
        node_open_pull(&pull);
        node_bind(&pull, NAME);
        node_connect(&push, NAME);
        size_t sent = 0, received = 0;
        for (int idle = 0; idle < 20; idle++) {
            for (; node_try(&push, "x") == ZMTP_OK; sent++)
                idle = 0;
            both_turn(&both);
        }
        assert_int_equal(sent, 2 * limits[i]);
        assert_int_equal(zmtp_uv_counters(push.socket).copies, sent);
        const size_t writable = push.writable;
        struct zmtp_msg msg;
        zmtp_msg_init(&msg, NULL);
        while (received < sent) {
            if (zmtp_uv_recv(pull.socket, &msg) == ZMTP_OK) received++;
            zmtp_msg_fini(&msg);
            both_turn(&both);
        }
        assert_true(push.writable > writable);
        both_end(&both);
    }
}

static void test_messages_are_accounted_for_on_both_sides(void **state)
{
    (void)state;
    struct both both;
    struct node push, pull;
    both_begin(&both);
    node_start(&push, &both.worlds[1], ZMTP_PUSH);
    node_init(&pull, &both.worlds[0], ZMTP_PULL);
    pull.config.socket.recv_count_max = push.config.socket.send_count_max = 100;
    node_open_pull(&pull);
    node_bind(&pull, NAME);
    node_connect(&push, NAME);
    both_rest(&both);
    size_t sent = 0;
    for (; node_try(&push, "x") == ZMTP_OK; sent++)
        if (sent % 10 == 0) both_turn(&both);
    both_rest(&both);
    const struct zmtp_socket_counters there = zmtp_uv_counters(pull.socket);
    struct zmtp_socket_counters here = zmtp_uv_counters(push.socket);
    assert_true(here.copies == here.left + here.queued + here.lost);
    assert_true(here.left == there.arrived);
    assert_true(there.arrived == there.waiting);
    node_end(&both, &pull);
    BOTH_UNTIL(&both, push.events[ZMTP_EVENT_CLOSED] == 1);
    here = zmtp_uv_counters(push.socket);
    assert_int_equal(here.queued, 0);
    assert_true(here.left == there.arrived);
    assert_true(here.copies == here.left + here.lost);
    assert_true(here.lost == here.dropped[ZMTP_DROP_PEER_GONE]);
    both_end(&both);
}

static void test_a_sender_that_conflates_delivers_its_last_message(void **state)
{
    (void)state;
    struct both both;
    struct node push, pull;
    both_begin(&both);
    node_init(&push, &both.worlds[1], ZMTP_PUSH);
    push.config.socket.conflate = true;
    node_open(&push);
    node_start(&pull, &both.worlds[0], ZMTP_PULL);
    node_bind(&pull, NAME);
    node_connect(&push, NAME);
    char text[8] = "0000";
    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "%04d", i);
        node_send(&push, text);
    }
    BOTH_UNTIL(&both, strcmp(pull.last, "0499") == 0);
    assert_true(pull.received <= 20);
    both_end(&both);
}

static void test_engines_join_before_their_first_socket_and_once(void **state)
{
    (void)state;
    struct world world;
    struct node node;
    struct zmtp_uv_shared *shared;
    world_open(&world);
    assert_int_equal(zmtp_uv_shared_open(NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_shared_open(&shared), ZMTP_OK);
    assert_int_equal(zmtp_uv_join(NULL, shared), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_join(world.uv, NULL), ZMTP_ERR_ARGUMENT);
    assert_int_equal(zmtp_uv_join(world.uv, shared), ZMTP_OK);
    assert_int_equal(zmtp_uv_join(world.uv, shared), ZMTP_ERR_STATE);
    world_close(&world);
    world_open(&world);
    node_start(&node, &world, ZMTP_PAIR);
    assert_int_equal(zmtp_uv_join(world.uv, shared), ZMTP_ERR_STATE);
    world_close(&world);
    zmtp_uv_shared_close(shared);
    zmtp_uv_shared_close(NULL);
}

static void test_a_received_message_outlives_both_engines(void **state)
{
    (void)state;
    struct both both;
    struct node push, pull;
    struct zmtp_msg msg;
    both_begin(&both);
    node_init(&pull, &both.worlds[0], ZMTP_PULL);
    node_open_pull(&pull);
    node_start(&push, &both.worlds[1], ZMTP_PUSH);
    node_bind(&pull, NAME);
    node_connect(&push, NAME);
    static const uint8_t body[70000] = {1, 2, 3};
    const struct zmtp_bytes part = zmtp_bytes_of(body, sizeof body);
    assert_int_equal(zmtp_uv_send(push.socket, &part, 1), ZMTP_OK);
    zmtp_msg_init(&msg, NULL);
    BOTH_UNTIL(&both, zmtp_uv_recv(pull.socket, &msg) == ZMTP_OK);
    both_end(&both);
    assert_true(zmtp_bytes_equal(zmtp_msg_bytes(&msg, 0), part));
    zmtp_msg_fini(&msg);
}

static void test_memory_that_fails_delays_and_loses_nothing(void **state)
{
    (void)state;
    for (size_t index = 0; index < 2; index++)
        for (uint64_t n = 1; n < 30; n++) {
            struct both both;
            struct node push, pull;
            both_begin(&both);
            node_start(&push, &both.worlds[1], ZMTP_PUSH);
            node_start(&pull, &both.worlds[0], ZMTP_PULL);
            struct zmtp_budget *budget = &both.worlds[index].budget;
            budget->fail_at = budget->calls + n;
            while (zmtp_uv_bind(pull.socket, NAME) == ZMTP_ERR_MEMORY) {}
            while (zmtp_uv_connect(push.socket, NAME) == ZMTP_ERR_MEMORY) {}
            size_t sent = 0;
            while (sent < 5) {
                if (node_try(&push, "some message that is no small one, and so does not lie in its "
                                    "part but in a slab") == ZMTP_OK)
                    sent++;
                both_turn(&both);
            }
            BOTH_UNTIL(&both, pull.received == 5);
            both_end(&both);
        }
}

// Closes the binder from inside of a look at its peers.
static void close_binder(void *context, const struct zmtp_uv_peer *peer)
{
    struct row *row = context;
    note_row(row, peer);
    zmtp_uv_socket_close(row->ended->socket, NULL, NULL);
}

static void test_a_binder_may_close_while_its_peers_are_looked_at(void **state)
{
    (void)state;
    struct both both;
    struct node binder, dialler, other;
    both_begin(&both);
    both_join(&both, &binder, ZMTP_PULL, &dialler, ZMTP_PUSH);
    node_start(&other, &both.worlds[1], ZMTP_PUSH);
    node_connect(&other, NAME);
    BOTH_UNTIL(&both, binder.events[ZMTP_EVENT_HANDSHAKE_DONE] == 2);
    struct row row = {.ended = &binder};
    zmtp_uv_each_peer(binder.socket, close_binder, &row);
    assert_int_equal(row.count, 1);
    both_end(&both);
}

static void test_a_pair_that_lets_go_of_another_engine_finds_who_waits_in_its_own(void **state)
{
    (void)state;
    struct both both;
    struct node binder, dialler, near;
    both_begin(&both);
    both_join(&both, &binder, ZMTP_PAIR, &dialler, ZMTP_PAIR);
    node_start(&near, &both.worlds[1], ZMTP_PAIR);
    node_bind(&near, "inproc://near");
    node_connect(&dialler, "inproc://near");
    BOTH_UNTIL(&both, dialler.events[ZMTP_EVENT_HANDSHAKE_FAILED] == 1);
    both_rest(&both);
    assert_int_equal(zmtp_uv_disconnect(dialler.socket, NAME), ZMTP_OK);
    BOTH_UNTIL(&both, near.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
    both_end(&both);
}

// The other way about: whom it turned away for the sake of one in its own engine.
static void test_a_pair_that_lets_go_of_its_own_engine_finds_who_waits_in_another(void **state)
{
    (void)state;
    struct both both;
    struct node binder, near, far;
    for (int closes = 0; closes < 2; closes++) {
        both_begin(&both);
        node_start(&binder, &both.worlds[0], ZMTP_PAIR);
        node_start(&near, &both.worlds[0], ZMTP_PAIR);
        node_start(&far, &both.worlds[1], ZMTP_PAIR);
        node_bind(&binder, NAME);
        node_connect(&near, NAME);
        BOTH_UNTIL(&both, binder.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
        node_connect(&far, NAME);
        BOTH_UNTIL(&both, far.events[ZMTP_EVENT_HANDSHAKE_FAILED] == 1);
        assert_int_equal(far.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_IN_USE);
        both_rest(&both);
        assert_int_equal(far.events[ZMTP_EVENT_HANDSHAKE_FAILED], 1); // it is not tried in vain
        if (closes)
            node_end(&both, &near);
        else
            assert_int_equal(zmtp_uv_disconnect(near.socket, NAME), ZMTP_OK);
        BOTH_UNTIL(&both, far.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
        node_send(&far, "hello");
        BOTH_UNTIL(&both, binder.received == 1);
        both_end(&both);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_pass_both_ways),
        cmocka_unit_test(test_a_dial_may_come_before_its_bind),
        cmocka_unit_test(test_every_type_of_socket_reaches_its_counterpart),
        cmocka_unit_test(test_a_peer_that_is_dialled_can_be_written_to_at_once),
        cmocka_unit_test(test_a_name_is_bound_once_in_all_engines),
        cmocka_unit_test(test_within_an_engine_the_pipe_is_direct),
        cmocka_unit_test(test_sockets_that_do_not_match_are_told_so),
        cmocka_unit_test(test_a_pair_takes_the_next_when_its_peer_has_gone),
        cmocka_unit_test(test_a_routing_id_in_use_is_refused_by_the_binder),
        cmocka_unit_test(test_what_was_sent_before_a_close_is_received),
        cmocka_unit_test(test_a_dialler_waits_again_when_its_binder_closes),
        cmocka_unit_test(test_a_binder_is_told_which_peer_of_another_engine_has_gone),
        cmocka_unit_test(test_a_binder_that_cuts_off_or_closes_is_told_its_own_doing_or_nothing),
        cmocka_unit_test(test_a_binder_that_finds_an_end_while_it_closes_is_not_told_later),
        cmocka_unit_test(test_disconnect_ends_it_and_unbind_keeps_it),
        cmocka_unit_test(test_who_is_cut_off_waits_for_the_name_to_be_bound_anew),
        cmocka_unit_test(test_limits_hold_across_engines_and_room_is_told),
        cmocka_unit_test(test_messages_are_accounted_for_on_both_sides),
        cmocka_unit_test(test_a_sender_that_conflates_delivers_its_last_message),
        cmocka_unit_test(test_engines_join_before_their_first_socket_and_once),
        cmocka_unit_test(test_a_received_message_outlives_both_engines),
        cmocka_unit_test(test_memory_that_fails_delays_and_loses_nothing),
        cmocka_unit_test(test_a_binder_may_close_while_its_peers_are_looked_at),
        cmocka_unit_test(test_a_pair_that_lets_go_of_another_engine_finds_who_waits_in_its_own),
        cmocka_unit_test(test_a_pair_that_lets_go_of_its_own_engine_finds_who_waits_in_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
