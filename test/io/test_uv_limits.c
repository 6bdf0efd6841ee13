// Strangers, crowds and shortages: one connection's trouble is no other's, and none is for ever.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/hoard.h"
#include "test/support/rig.h"
#include "test/support/world.h"
#include "zmtp/ws/ws.h"

static const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC, ZMTP_WS};

// Those that this build has.
static size_t transports_count(void)
{
    return sizeof transports / sizeof transports[0] - !zmtp__ws_built();
}

static void send_back(struct node *node, struct zmtp_msg *msg)
{
    assert_int_equal(zmtp_uv_send_msg(node->socket, msg), ZMTP_OK);
}

static void bind_fresh(struct node *node, enum zmtp_transport transport,
                       char endpoint[ZMTP_ENDPOINT_MAX])
{
    world_endpoint(node->world, transport, endpoint);
    node_bind(node, endpoint);
}

static void test_a_thousand_dealers_are_served_by_one_router(void **state)
{
    (void)state;
    enum { CROWD = 1000, END_MAX = 4096 }; // of an idle connection: see test/README.md
    if (!hoard_allowed(2 * CROWD + 100)) skip();
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct node router, *dealers = calloc(CROWD, sizeof *dealers);
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        node_init(&router, &world, ZMTP_ROUTER);
        router.config.pending_max = CROWD;
        node_open(&router);
        router.act = send_back;
        bind_fresh(&router, transports[i], endpoint);
        for (int j = 0; j < CROWD; j++)
            node_start(&dealers[j], &world, ZMTP_DEALER);
        const size_t sockets = world.budget.bytes;
        for (int j = 0; j < CROWD; j++) {
            node_connect(&dealers[j], endpoint);
            node_send(&dealers[j], "hello");
        }
        for (int j = 0; j < CROWD; j++)
            WORLD_UNTIL(&world, dealers[j].received == 1);
        assert_int_equal(router.events[ZMTP_EVENT_HANDSHAKE_DONE], CROWD);
        // Both ends, and what dials. What a socket takes that has no connection is a bound of its own.
        const size_t each = (world.budget.bytes - sockets) / CROWD;
        if (each > 2 * END_MAX) fail_msg("%zu octets each", each);
        if (sockets / CROWD > END_MAX) fail_msg("%zu octets a socket", sockets / CROWD);
        world_close(&world);
        free(dealers);
    }
}

// Two dealers of one loop: each large message leaves two slabs with its pool.
static void test_memory_of_large_messages_goes_back_when_they_stop(void **state)
{
    (void)state;
    enum { SIZE = 4 * 1024 * 1024 };
    uint8_t *octets = calloc(1, SIZE);
    assert_non_null(octets);
    const struct zmtp_bytes part = {octets, SIZE};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct node a, b;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_start(&b, &world, ZMTP_DEALER);
        bind_fresh(&b, transports[i], endpoint);
        node_connect(&a, endpoint);
        node_send(&a, "hello");
        WORLD_UNTIL(&world, b.received == 1);
        const size_t before = world.budget.bytes;
        for (size_t count = 2; count <= 5; count++) {
            assert_int_equal(zmtp_uv_send(a.socket, &part, 1), ZMTP_OK);
            WORLD_UNTIL(&world, b.received == count);
        }
        assert_true(world.budget.bytes > before + SIZE);
        assert_true(world.budget.bytes < before + 4 * SIZE);
        WORLD_UNTIL(&world, world.budget.bytes < before + 8 * (size_t)ZMTP_SLAB_SIZE);
        world_close(&world);
    }
    free(octets);
}

static void test_strangers_do_not_disturb_a_conversation(void **state)
{
    (void)state;
    static const struct zmtp_bytes greetings[] = {
        {(const uint8_t *)"GET / HTTP/1.1\r\n\r\n", 18},
        {(const uint8_t *)"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11},
        {(const uint8_t *)"SSH-2.0-OpenSSH_9.2\r\n", 21},
        {(const uint8_t *)"\xFF\0\0\0\0\0\0\0\1\x7F\1", 11},
        {(const uint8_t *)"", 0},
    };
    enum { STRANGERS = sizeof greetings / sizeof greetings[0] };
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct node req, rep;
        char endpoint[ZMTP_ENDPOINT_MAX];
        int fds[STRANGERS];
        world_open(&world);
        node_start(&req, &world, ZMTP_REQ);
        node_start(&rep, &world, ZMTP_REP);
        rep.act = send_back;
        bind_fresh(&rep, transports[i], endpoint);
        node_connect(&req, endpoint);
        for (size_t j = 0; j < STRANGERS; j++) {
            fds[j] = world_dial(endpoint);
            (void)send(fds[j], greetings[j].data, greetings[j].size, MSG_NOSIGNAL);
            node_send(&req, "still|there");
            WORLD_UNTIL(&world, req.received == j + 1);
        }
        WORLD_UNTIL(&world, rep.events[ZMTP_EVENT_HANDSHAKE_FAILED] == STRANGERS - 1);
        close(fds[STRANGERS - 1]);
        WORLD_UNTIL(&world, rep.events[ZMTP_EVENT_HANDSHAKE_FAILED] == STRANGERS);
        // It never read our greeting, which some systems count as a reset.
        const int error = rep.errors[ZMTP_EVENT_HANDSHAKE_FAILED];
        assert_true(error == ZMTP_ERR_EOF || error == ZMTP_ERR_RESET);
        for (size_t j = 0; j + 1 < STRANGERS; j++)
            close(fds[j]);
        assert_int_equal(req.events[ZMTP_EVENT_CLOSED], 0);
        world_close(&world);
    }
}

// ZMTP37-STYPE-03
static void test_a_refused_peer_reads_why_although_it_sent_more_than_we_read(void **state)
{
    (void)state;
    enum { JUNK = 150000 };
    struct world world;
    struct node rep;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_start(&rep, &world, ZMTP_REP);
    bind_fresh(&rep, ZMTP_TCP, endpoint);
    const int fd = world_dial(endpoint);
    const struct zmtp_bytes hello = LITERAL(RIG_GREETING RIG_READY_PUB);
    char *junk = calloc(1, JUNK);
    assert_int_equal(send(fd, hello.data, hello.size, 0), hello.size);
    assert_int_equal(send(fd, junk, JUNK, 0), JUNK);
    free(junk);
    WORLD_UNTIL(&world, rep.events[ZMTP_EVENT_HANDSHAKE_FAILED]);
    assert_int_equal(rep.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_SOCKET_TYPE);
    char heard[512];
    size_t size = 0;
    ssize_t n;
    while ((n = recv(fd, heard + size, sizeof heard - size, 0)) > 0)
        size += (size_t)n;
    assert_int_equal(n, 0); // an end, not a reset
    assert_non_null(memmem(heard, size,
                           "\x05"
                           "ERROR",
                           6));
    close(fd);
    world_close(&world);
}

static void note_http(struct node *node, const struct zmtp_event *event)
{
    if (event->kind == ZMTP_EVENT_HANDSHAKE_FAILED &&
        strstr((const char *)event->reason.data, "HTTP"))
        node->count++;
}

// ZMTP37-SEC-02
static void test_an_http_client_is_recognised(void **state)
{
    (void)state;
    struct world world;
    struct node rep;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_start(&rep, &world, ZMTP_REP);
    rep.note = note_http;
    bind_fresh(&rep, ZMTP_TCP, endpoint);
    const int fd = world_dial(endpoint);
    assert_int_equal(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, 0), 18);
    WORLD_UNTIL(&world, rep.count == 1);
    close(fd);
    world_close(&world);
}

// ZMTP37-SEC-03
static void test_the_oldest_of_too_many_unfinished_handshakes_makes_room(void **state)
{
    (void)state;
    struct world world;
    struct node req, rep;
    char endpoint[ZMTP_ENDPOINT_MAX];
    int fds[20];
    world_open(&world);
    node_init(&rep, &world, ZMTP_REP);
    rep.config.pending_max = 4;
    node_open(&rep);
    rep.act = send_back;
    bind_fresh(&rep, ZMTP_TCP, endpoint);
    for (unsigned i = 0; i < 20; i++) {
        fds[i] = world_dial(endpoint);
        WORLD_UNTIL(&world, rep.events[ZMTP_EVENT_ACCEPTED] == i + 1);
    }
    assert_int_equal(rep.events[ZMTP_EVENT_HANDSHAKE_FAILED], 16);
    assert_int_equal(rep.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_LIMIT);
    // The first is gone: after our greeting comes the end. The last is not.
    char greeting[65];
    ssize_t size = 0;
    for (ssize_t n; (n = recv(fds[0], greeting, sizeof greeting, 0)) > 0;)
        size += n;
    assert_int_equal(size, 64);
    assert_int_equal(recv(fds[19], greeting, sizeof greeting, 0), 64);
    assert_int_equal(recv(fds[19], greeting, sizeof greeting, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    node_start(&req, &world, ZMTP_REQ);
    node_connect(&req, endpoint);
    node_send(&req, "room for me");
    WORLD_UNTIL(&world, req.received == 1);
    for (unsigned i = 0; i < 20; i++)
        close(fds[i]);
    world_close(&world);
}

static void test_a_listener_without_descriptors_pauses_and_goes_on(void **state)
{
    (void)state;
    struct world world;
    struct node req, rep;
    char endpoint[ZMTP_ENDPOINT_MAX];
    struct hoard hoard;
    world_open(&world);
    node_start(&rep, &world, ZMTP_REP);
    rep.act = send_back;
    bind_fresh(&rep, ZMTP_TCP, endpoint);
    const int fd = world_dial(endpoint); // its end here is not accepted yet
    hoard_all(&hoard);
    WORLD_UNTIL(&world, rep.events[ZMTP_EVENT_ACCEPT_PAUSED]);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    world_rest(&world, 350);
    getrusage(RUSAGE_SELF, &after);
    hoard_release(&hoard);
    assert_int_equal(rep.events[ZMTP_EVENT_ACCEPT_PAUSED], 1); // told once, though it tried again
    assert_int_equal(rep.errors[ZMTP_EVENT_ACCEPT_PAUSED], ZMTP_ERR_DESCRIPTORS);
    assert_int_equal(rep.events[ZMTP_EVENT_ACCEPTED], 0);
    // It sleeps between its tries.
    const long cpu_us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1000000 +
                        after.ru_utime.tv_usec - before.ru_utime.tv_usec +
                        (after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000 +
                        after.ru_stime.tv_usec - before.ru_stime.tv_usec;
    assert_true(cpu_us < 100000);
    WORLD_UNTIL(&world, rep.events[ZMTP_EVENT_ACCEPTED] == 1);
    node_start(&req, &world, ZMTP_REQ);
    node_connect(&req, endpoint);
    node_send(&req, "again");
    WORLD_UNTIL(&world, req.received == 1);
    close(fd);
    world_close(&world);
}

static void test_a_dialler_without_descriptors_tries_again(void **state)
{
    (void)state;
    struct world world;
    struct node req, rep;
    char endpoint[ZMTP_ENDPOINT_MAX];
    struct hoard hoard;
    world_open(&world);
    node_start(&rep, &world, ZMTP_REP);
    rep.act = send_back;
    bind_fresh(&rep, ZMTP_TCP, endpoint);
    node_start(&req, &world, ZMTP_REQ);
    hoard_all(&hoard);
    node_connect(&req, endpoint);
    node_send(&req, "patience");
    WORLD_UNTIL(&world, req.events[ZMTP_EVENT_DIAL_FAILED]);
    assert_int_equal(req.errors[ZMTP_EVENT_DIAL_FAILED], ZMTP_ERR_DESCRIPTORS);
    struct node other;
    node_start(&other, &world, ZMTP_REP);
    assert_int_equal(zmtp_uv_bind(other.socket, "tcp://127.0.0.1:*"), ZMTP_ERR_DESCRIPTORS);
    assert_non_null(strstr(zmtp_uv_error_text(other.socket), "descriptors"));
    hoard_release(&hoard);
    WORLD_UNTIL(&world, req.received == 1);
    world_close(&world);
}

// A life with everything in it; calls may fail, and then it goes on without what they were for.
static bool live(struct world *world, enum zmtp_transport transport)
{
    struct node nodes[4] = {{0}};
    static const enum zmtp_socket_type types[4] = {ZMTP_REQ, ZMTP_REP, ZMTP_PUB, ZMTP_SUB};
    char endpoints[2][ZMTP_ENDPOINT_MAX];
    bool all = true;
    for (size_t i = 0; i < 4; i++) {
        node_init(&nodes[i], world, types[i]);
        nodes[i].config.reconnect_min_ms = nodes[i].config.reconnect_max_ms = 1;
        nodes[i].config.linger_ms = 0;
        nodes[i].config.on_message = NULL;
        nodes[i].config.user = &nodes[i];
        if (zmtp_uv_socket_open(&nodes[i].socket, world->uv, &nodes[i].config) < 0) return false;
    }
    for (size_t i = 0; i < 2; i++) {
        world_endpoint(world, transport, endpoints[i]);
        all = zmtp_uv_bind(nodes[2 * i + 1 - i].socket, endpoints[i]) == ZMTP_OK && all;
        all = zmtp_uv_connect(nodes[3 * i].socket, endpoints[i]) == ZMTP_OK && all;
    }
    all = zmtp_uv_subscribe(nodes[3].socket, zmtp_bytes_text("a")) == ZMTP_OK && all;
    bool answered = false, heard = false;
    const uint64_t end = uv_hrtime() + (all ? UINT64_C(30000000000) : 5000000);
    uint64_t ask_at = 0;
    while (uv_hrtime() < end && !(answered && heard)) {
        struct zmtp_msg msg = {0};
        zmtp_msg_init(&msg, &world->budget.allocator);
        // Asked anew when no answer comes, but not so often that none is ever in time.
        if (uv_hrtime() >= ask_at) {
            node_try(&nodes[0], "a question that does not fit into the struct of a part");
            ask_at = uv_hrtime() + 20000000;
        }
        node_try(&nodes[2], "a|1");
        uv_run(&world->loop, UV_RUN_NOWAIT);
        // A REP owes its answer until it is sent.
        if (zmtp_uv_recv(nodes[1].socket, &msg) == ZMTP_OK)
            while (zmtp_uv_send_msg(nodes[1].socket, &msg) == ZMTP_ERR_MEMORY) {}
        zmtp_msg_fini(&msg);
        answered = zmtp_uv_recv(nodes[0].socket, &msg) == ZMTP_OK || answered;
        zmtp_msg_fini(&msg);
        heard = zmtp_uv_recv(nodes[3].socket, &msg) == ZMTP_OK || heard;
        zmtp_msg_fini(&msg);
    }
    // Whatever failed once is made good, if the calls themselves did not fail.
    if (all) assert_true(answered && heard);
    return all;
}

static void test_any_allocation_may_fail_once_and_all_recovers(void **state)
{
    (void)state;
    for (size_t i = 0; i < transports_count(); i++) {
        for (uint64_t n = 1;; n++) {
            struct world world;
            world_open(&world);
            world.budget.fail_at = world.budget.calls + n;
            live(&world, transports[i]);
            const bool failed = world.budget.calls >= world.budget.fail_at;
            world_close(&world);
            if (!failed) {
                assert_true(n > 10);
                break;
            }
        }
    }
}

// And without anybody doing anything further that would make the socket look again.
static void test_a_subscription_that_finds_no_memory_takes_effect_later(void **state)
{
    (void)state;
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        struct world world;
        struct node pub;
        char endpoint[ZMTP_ENDPOINT_MAX];
        const struct zmtp_bytes subscribe = LITERAL("\x04\x0F\x09SUBSCRIBEtopic");
        world_open(&world);
        node_start(&pub, &world, ZMTP_PUB);
        bind_fresh(&pub, ZMTP_TCP, endpoint);
        const int fd = world_dial(endpoint);
        assert_int_equal(send(fd, LITERAL(RIG_GREETING RIG_READY_SUB).data, 64 + 27, 0), 64 + 27);
        WORLD_UNTIL(&world, pub.events[ZMTP_EVENT_HANDSHAKE_DONE]);
        world.budget.fail_at = world.budget.calls + n;
        assert_int_equal(send(fd, subscribe.data, subscribe.size, 0), subscribe.size);
        // Unless the connection itself had no memory.
        WORLD_UNTIL(&world, zmtp_uv_subscribers(pub.socket) == 1 || pub.events[ZMTP_EVENT_CLOSED]);
        failed = world.budget.calls >= world.budget.fail_at;
        close(fd);
        world_close(&world);
    }
}

static void test_memory_may_run_out_at_any_point_and_everything_closes(void **state)
{
    (void)state;
    for (size_t i = 0; i < transports_count(); i++) {
        for (uint64_t n = 1; n < 60; n++) {
            struct world world;
            struct node a, b;
            char endpoint[ZMTP_ENDPOINT_MAX];
            world_open(&world);
            node_start(&a, &world, ZMTP_DEALER);
            node_start(&b, &world, ZMTP_DEALER);
            world_endpoint(&world, transports[i], endpoint);
            node_bind(&b, endpoint);
            world.budget.fail_at = world.budget.calls + n;
            world.budget.fail_on = true;
            (void)zmtp_uv_connect(a.socket, endpoint);
            for (int turn = 0; turn < 20; turn++) {
                (void)node_try(&a, "into the void, and more than fits into the struct of a part");
                uv_run(&world.loop, UV_RUN_NOWAIT);
            }
            world_close(&world);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thousand_dealers_are_served_by_one_router),
        cmocka_unit_test(test_memory_of_large_messages_goes_back_when_they_stop),
        cmocka_unit_test(test_strangers_do_not_disturb_a_conversation),
        cmocka_unit_test(test_a_refused_peer_reads_why_although_it_sent_more_than_we_read),
        cmocka_unit_test(test_an_http_client_is_recognised),
        cmocka_unit_test(test_the_oldest_of_too_many_unfinished_handshakes_makes_room),
        cmocka_unit_test(test_a_listener_without_descriptors_pauses_and_goes_on),
        cmocka_unit_test(test_a_dialler_without_descriptors_tries_again),
        cmocka_unit_test(test_any_allocation_may_fail_once_and_all_recovers),
        cmocka_unit_test(test_a_subscription_that_finds_no_memory_takes_effect_later),
        cmocka_unit_test(test_memory_may_run_out_at_any_point_and_everything_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
