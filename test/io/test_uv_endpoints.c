// A socket's endpoints: many of them, in any order, and what they leave behind: nothing.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/hoard.h"
#include "test/support/random.h"
#include "test/support/stranger.h"

enum { PLACES = 6, DIALS_MAX = 4 };

// What |a| is bound to and |b| dials, as it ought to be.
struct model {
    struct world world;
    struct node a, b;
    char places[PLACES][ZMTP_ENDPOINT_MAX];
    bool bound[PLACES];
    size_t dials[PLACES];       // in the order in which they were made
    bool up[PLACES][DIALS_MAX]; // a connection stays when its listener goes
};

static void count_up(void *context, const struct zmtp_uv_peer *peer)
{
    size_t *count = context;
    if (peer->connected && peer->state == ZMTP_PEER_TRAFFIC) (*count)++;
}

static size_t model_up(const struct model *model)
{
    size_t count = 0;
    for (size_t i = 0; i < PLACES; i++)
        for (size_t j = 0; j < model->dials[i]; j++)
            count += model->up[i][j];
    return count;
}

// Waits until both sockets have the connections that they ought to have.
static void model_settle(struct model *model)
{
    const size_t wanted = model_up(model);
    for (;;) {
        size_t a = 0, b = 0;
        zmtp_uv_each_peer(model->a.socket, count_up, &a);
        zmtp_uv_each_peer(model->b.socket, count_up, &b);
        if (a == wanted && b == wanted) return;
        world_turn(&model->world);
    }
}

static void model_bind(struct model *model, size_t i)
{
    const int result = zmtp_uv_bind(model->a.socket, model->places[i]);
    assert_int_equal(result, model->bound[i] ? ZMTP_ERR_IN_USE : ZMTP_OK);
    model->bound[i] = true;
    for (size_t j = 0; j < model->dials[i]; j++)
        model->up[i][j] = true;
}

static void model_unbind(struct model *model, size_t i)
{
    const int result = zmtp_uv_unbind(model->a.socket, model->places[i]);
    assert_int_equal(result, model->bound[i] ? ZMTP_OK : ZMTP_ERR_NOT_FOUND);
    model->bound[i] = false;
}

static void model_connect(struct model *model, size_t i)
{
    if (model->dials[i] == DIALS_MAX) return;
    node_connect(&model->b, model->places[i]);
    model->up[i][model->dials[i]++] = model->bound[i];
}

static void model_disconnect(struct model *model, size_t i)
{
    const int result = zmtp_uv_disconnect(model->b.socket, model->places[i]);
    assert_int_equal(result, model->dials[i] > 0 ? ZMTP_OK : ZMTP_ERR_NOT_FOUND);
    if (model->dials[i] > 0) model->dials[i]--; // the one made last
}

static void test_endpoints_come_and_go_in_any_order(void **state)
{
    (void)state;
    static void (*const steps[])(struct model * model, size_t i) = {
        model_bind, model_unbind, model_connect, model_connect, model_disconnect};
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct model model = {.bound = {false}};
        struct random random = random_of(seed);
        world_open(&model.world);
        node_start(&model.a, &model.world, ZMTP_DEALER);
        node_init(&model.b, &model.world, ZMTP_DEALER);
        model.b.config.reconnect_min_ms = model.b.config.reconnect_max_ms = 2;
        node_open(&model.b);
        for (size_t i = 0; i < PLACES; i++)
            world_endpoint(&model.world, i % 2 ? ZMTP_IPC : ZMTP_TCP, model.places[i]);
        snprintf(model.places[0], ZMTP_ENDPOINT_MAX, "ipc://@%.60s", model.world.folder + 1);
        for (int step = 0; step < 80; step++) {
            steps[random_below(&random, 5)](&model, random_below(&random, PLACES));
            model_settle(&model);
        }
        world_close(&model.world);
    }
}

static void test_an_endpoint_dialled_twice_is_two_connections_and_each_disconnect_ends_one(
    void **state)
{
    (void)state;
    static const char *const wishes[] = {"tcp://127.0.0.1:*", "ipc://*"};
    for (size_t i = 0; i < 2; i++) {
        struct model model = {.bound = {true}};
        world_open(&model.world);
        node_start(&model.a, &model.world, ZMTP_PULL);
        node_start(&model.b, &model.world, ZMTP_PUSH);
        node_bind(&model.a, wishes[i]);
        snprintf(model.places[0], ZMTP_ENDPOINT_MAX, "%s", zmtp_uv_endpoint(model.a.socket));
        for (size_t j = 0; j < 2; j++) {
            model_connect(&model, 0);
            model_settle(&model);
        }
        for (int j = 0; j < 10; j++)
            node_send(&model.b, "by turns");
        WORLD_UNTIL(&model.world, model.a.received == 10);
        for (size_t j = 0; j < 3; j++) {
            model_disconnect(&model, 0);
            model_settle(&model);
        }
        // The wildcard goes by its real name.
        assert_int_equal(zmtp_uv_unbind(model.a.socket, model.places[0]), ZMTP_OK);
        assert_int_equal(zmtp_uv_unbind(model.a.socket, wishes[i]), ZMTP_ERR_NOT_FOUND);
        world_close(&model.world);
    }
}

static void test_no_descriptor_is_left_to_a_program_that_is_started(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    bool before[256];
    for (int fd = 0; fd < 256; fd++)
        before[fd] = fcntl(fd, F_GETFD) >= 0;
    world_open(&world);
    assert_true(zmtp_uv_fd(world.uv) >= 0);
    node_start(&a, &world, ZMTP_DEALER);
    node_start(&b, &world, ZMTP_DEALER);
    static const char *const wishes[] = {"tcp://127.0.0.1:*", "tcp://127.0.0.2:*", "ipc://*",
                                         "ipc://@zmtp-test-endpoints-cloexec"};
    for (size_t i = 0; i < 4; i++) {
        node_bind(&a, wishes[i]);
        node_connect(&b, zmtp_uv_endpoint(a.socket));
    }
    (void)zmtp_uv_bind(a.socket, "vsock://*:*"); // where there is one
    node_connect(&b, "tcp://no-such-host.invalid:1");
    WORLD_UNTIL(&world, a.events[ZMTP_EVENT_HANDSHAKE_DONE] == 4);
    size_t count = 0;
    for (int fd = 0; fd < 256; fd++) {
        const int flags = fcntl(fd, F_GETFD);
        if (flags < 0 || before[fd]) continue;
        count++;
        if (!(flags & FD_CLOEXEC)) fail_msg("descriptor %d stays open", fd);
    }
    assert_true(count >= 3 * 4);
    world_close(&world);
}

static void test_a_bind_that_runs_out_of_descriptors_leaves_nothing_behind(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    char path[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    assert_int_equal(setenv("TMPDIR", world.folder, 1), 0);
    node_init(&a, &world, ZMTP_DEALER);
    a.config.transport.ipc_mode = 0600;
    node_open(&a);
    world_endpoint(&world, ZMTP_IPC, path);
    const char *const wishes[] = {"tcp://127.0.0.1:*", "ipc://*", path};
    for (size_t i = 0; i < 3; i++) {
        size_t left = 0;
        for (int result = -1; result < 0; left++) {
            struct hoard hoard;
            hoard_all(&hoard);
            for (size_t j = 0; j < left; j++)
                close(hoard.fds[--hoard.count]);
            result = zmtp_uv_bind(a.socket, wishes[i]);
            const bool told = strstr(zmtp_uv_error_text(a.socket), "descriptors") != NULL;
            hoard_release(&hoard);
            if (result == ZMTP_OK) break;
            assert_int_equal(result, ZMTP_ERR_DESCRIPTORS);
            assert_true(told);
            assert_int_equal(folder_entries(world.folder), 0);
        }
        assert_true(left > 0);
        assert_int_equal(zmtp_uv_unbind(a.socket, zmtp_uv_endpoint(a.socket)), ZMTP_OK);
        assert_int_equal(folder_entries(world.folder), 0);
    }
    unsetenv("TMPDIR");
    world_close(&world);
}

static void close_when_refused(struct node *node, const struct zmtp_event *event)
{
    if (event->kind == ZMTP_EVENT_REFUSED) zmtp_uv_socket_close(node->socket, NULL, NULL);
}

static void test_a_socket_may_be_closed_when_it_hears_of_a_refusal(void **state)
{
    (void)state;
    const int64_t nobody = 1 << 30;
    struct world world;
    struct node a, b[3];
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&a, &world, ZMTP_DEALER);
    a.config.ipc_allow.pids = &nobody;
    a.config.ipc_allow.pid_count = 1;
    a.note = close_when_refused;
    node_open(&a);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_bind(&a, endpoint);
    for (size_t i = 0; i < 3; i++) {
        node_start(&b[i], &world, ZMTP_DEALER);
        node_connect(&b[i], endpoint);
    }
    for (size_t i = 0; i < 3; i++)
        WORLD_UNTIL(&world, b[i].errors[ZMTP_EVENT_DIAL_FAILED] == ZMTP_ERR_NOT_FOUND);
    assert_int_equal(a.events[ZMTP_EVENT_REFUSED], 1);
    world_close(&world);
}

// A life with what the transports have of their own; calls may fail.
static bool live(struct world *world)
{
    static const uint32_t groups[] = {4000000000u, 4000000001u};
    struct node a, b;
    node_init(&a, world, ZMTP_DEALER);
    a.config.ipc_allow.same_user = true;
    a.config.ipc_allow.gids = groups;
    a.config.ipc_allow.gid_count = 2;
    a.config.transport.ipc_mode = 0600;
    node_init(&b, world, ZMTP_DEALER);
    b.config.reconnect_min_ms = b.config.reconnect_max_ms = 1;
    a.config.user = &a;
    b.config.user = &b;
    if (zmtp_uv_socket_open(&a.socket, world->uv, &a.config) < 0) return false;
    if (zmtp_uv_socket_open(&b.socket, world->uv, &b.config) < 0) return false;
    if (zmtp_uv_bind(a.socket, "ipc://*") < 0) return false;
    if (zmtp_uv_connect(b.socket, zmtp_uv_endpoint(a.socket)) < 0) return false;
    if (zmtp_uv_bind(a.socket, "tcp://lo:*") < 0) return false;
    char endpoint[ZMTP_ENDPOINT_MAX];
    snprintf(endpoint, sizeof endpoint, "tcp://lo;localhost%s",
             strrchr(zmtp_uv_endpoint(a.socket), ':'));
    if (zmtp_uv_connect(b.socket, endpoint) < 0) return false;
    size_t up = 0;
    while (up < 2) {
        world_turn(world);
        up = 0;
        zmtp_uv_each_peer(b.socket, count_up, &up);
    }
    return true;
}

static void test_any_allocation_of_the_transports_may_fail_once(void **state)
{
    (void)state;
    for (uint64_t n = 1;; n++) {
        struct world world;
        world_open(&world);
        assert_int_equal(setenv("TMPDIR", world.folder, 1), 0);
        world.budget.fail_at = world.budget.calls + n;
        const bool whole = live(&world);
        const bool failed = world.budget.calls >= world.budget.fail_at;
        world_close(&world);
        unsetenv("TMPDIR");
        if (failed) continue;
        assert_true(whole && n > 10);
        break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoints_come_and_go_in_any_order),
        cmocka_unit_test(
            test_an_endpoint_dialled_twice_is_two_connections_and_each_disconnect_ends_one),
        cmocka_unit_test(test_no_descriptor_is_left_to_a_program_that_is_started),
        cmocka_unit_test(test_a_bind_that_runs_out_of_descriptors_leaves_nothing_behind),
        cmocka_unit_test(test_a_socket_may_be_closed_when_it_hears_of_a_refusal),
        cmocka_unit_test(test_any_allocation_of_the_transports_may_fail_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
