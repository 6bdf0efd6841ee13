// A forked child has no part in its parent's engine, and a program that is executed inherits nothing.
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/world.h"

// In a child: a failed assertion of cmocka's would go on with the parent's tests there.
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (condition) break;                                                                      \
        fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                            \
        _exit(1);                                                                                  \
    } while (0)

static void assert_child_ended_well(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void never(void *user)
{
    (void)user;
    fprintf(stderr, "called in the child\n");
    _exit(1);
}

static void never_each(void *context, const struct zmtp_uv_peer *peer)
{
    (void)peer;
    never(context);
}

static void use_engine(struct zmtp_uv *uv, const struct zmtp_uv_config *config)
{
    struct zmtp_uv_socket *socket;
    EXPECT(zmtp_uv_socket_open(&socket, uv, config) == ZMTP_ERR_STATE);
    EXPECT(!socket);
    EXPECT(zmtp_uv_fd(uv) == ZMTP_ERR_STATE);
    EXPECT(zmtp_uv_timeout_ms(uv) == ZMTP_ERR_STATE);
    EXPECT(zmtp_uv_turn(uv) == ZMTP_ERR_STATE);
    EXPECT(zmtp_uv_spin(uv, 50) == ZMTP_ERR_STATE);
    EXPECT(zmtp_uv_stats_prometheus(uv, NULL, 0) == ZMTP_ERR_STATE);
    zmtp_uv_close(uv, never, NULL);
}

static void use_socket(struct zmtp_uv_socket *socket)
{
    const struct zmtp_bytes part = zmtp_bytes_text("from the child");
    struct zmtp_msg msg = {0};
    uint32_t routing_id;
    zmtp_msg_init(&msg, NULL);
    EXPECT(zmtp_uv_bind(socket, "inproc://child") == ZMTP_ERR_STATE);
    EXPECT(zmtp_uv_connect(socket, "inproc://child") == ZMTP_ERR_STATE);
    EXPECT(zmtp_uv_connect_peer(socket, "inproc://child", &routing_id) == ZMTP_ERR_STATE);
    EXPECT(zmtp_uv_unbind(socket, zmtp_uv_endpoint(socket)) == ZMTP_ERR_STATE);
    EXPECT(zmtp_uv_disconnect(socket, "inproc://child") == ZMTP_ERR_STATE);
    EXPECT(strstr(zmtp_uv_error_text(socket), "fork"));
    EXPECT(zmtp_uv_send(socket, &part, 1) == ZMTP_ERR_STATE);
    EXPECT(zmtp_msg_append(&msg, part) == ZMTP_OK);
    EXPECT(zmtp_uv_send_msg(socket, &msg) == ZMTP_ERR_STATE);
    EXPECT(msg.count == 1);
    zmtp_msg_fini(&msg);
    EXPECT(zmtp_uv_recv(socket, &msg) == ZMTP_ERR_STATE);
    EXPECT(zmtp_uv_subscribe(socket, part) == ZMTP_ERR_STATE);
    EXPECT(zmtp_uv_cancel(socket, part) == ZMTP_ERR_STATE);
    EXPECT(zmtp_uv_authorise(socket, 1, ZMTP_VERDICT_ALLOW, part, part) == ZMTP_ERR_STATE);
    EXPECT(zmtp_uv_wait_connected(socket, 0, 0) == ZMTP_ERR_STATE);
    EXPECT(zmtp_uv_wait_subscribed(socket, 0, 0) == ZMTP_ERR_STATE);
    struct zmtp_uv_mailbox *mailbox;
    EXPECT(zmtp_uv_mailbox_open(&mailbox, socket) == ZMTP_ERR_STATE);
    EXPECT(!mailbox);
    EXPECT(zmtp_uv_stats_json(socket, NULL, 0) == ZMTP_ERR_STATE);
    EXPECT(zmtp_uv_events(socket) == 0);
    EXPECT(zmtp_uv_subscribers(socket) == 0);
    EXPECT(zmtp_uv_counters(socket).sent == 0);
    zmtp_uv_each_peer(socket, never_each, NULL);
    zmtp_uv_socket_close(socket, never, NULL);
}

static void use_mailbox(struct zmtp_uv_mailbox *mailbox)
{
    const struct zmtp_bytes part = zmtp_bytes_text("from the child");
    EXPECT(zmtp_uv_post(mailbox, &part, 1) == ZMTP_ERR_STATE);
    EXPECT(zmtp_uv_mailbox_counters(mailbox).posted == 0);
    zmtp_uv_mailbox_close(mailbox);
}

// An engine of the child's own, which sends |text| to the parent.
static void open_anew(const char *endpoint, const char *text)
{
    uv_loop_t loop;
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *socket;
    struct zmtp_uv_config config;
    const struct zmtp_bytes part = zmtp_bytes_text(text);
    zmtp_uv_config_init(&config, ZMTP_DEALER);
    EXPECT(uv_loop_init(&loop) == 0);
    EXPECT(zmtp_uv_open(&uv, &loop, NULL) == ZMTP_OK);
    EXPECT(zmtp_uv_socket_open(&socket, uv, &config) == ZMTP_OK);
    EXPECT(zmtp_uv_connect(socket, endpoint) == ZMTP_OK);
    EXPECT(zmtp_uv_send(socket, &part, 1) == ZMTP_OK);
    zmtp_uv_socket_close(socket, NULL, NULL); // once it has left
    EXPECT(uv_run(&loop, UV_RUN_DEFAULT) == 0);
    zmtp_uv_close(uv, NULL, NULL);
    EXPECT(uv_run(&loop, UV_RUN_DEFAULT) == 0);
    EXPECT(uv_loop_close(&loop) == 0);
}

static void test_a_child_cannot_use_its_parents_engine_and_opens_its_own(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&a, &world, ZMTP_SERVER);
    node_open(&a);
    node_start(&b, &world, ZMTP_DEALER);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_bind(&b, endpoint);
    struct zmtp_uv_mailbox *mailbox;
    assert_int_equal(zmtp_uv_mailbox_open(&mailbox, a.socket), ZMTP_OK);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        use_engine(world.uv, &a.config);
        use_socket(a.socket);
        use_socket(b.socket);
        use_mailbox(mailbox);
        open_anew(endpoint, "from the child");
        _exit(0);
    }
    WORLD_UNTIL(&world, b.received == 1);
    assert_string_equal(b.last, "from the child");
    assert_child_ended_well(child);
    zmtp_uv_mailbox_close(mailbox);
    world_close(&world);
}

// A child that has made the inherited loop its own, as libuv permits, and runs it.
static void run_inherited(uv_loop_t *loop)
{
    EXPECT(uv_loop_fork(loop) == 0);
    for (int i = 0; i < 20; i++) {
        uv_run(loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
}

static void test_a_child_that_runs_the_inherited_loop_takes_nothing_from_its_parent(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct node a, b;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        node_start(&b, &world, ZMTP_DEALER);
        world_endpoint(&world, i == 0 ? ZMTP_TCP : ZMTP_IPC, endpoint);
        node_bind(&b, endpoint);
        node_connect(&a, endpoint);
        WORLD_UNTIL(&world, b.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
        node_send(&a, "one"); // waits in the engine, for the next turn
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            run_inherited(&world.loop);
            EXPECT(b.received == 0);
            _exit(0);
        }
        assert_child_ended_well(child);
        node_send(&a, "two");
        WORLD_UNTIL(&world, b.received == 2);
        world_rest(&world, 10);
        assert_int_equal(b.received, 2);
        world_close(&world);
    }
}

// What a program that is executed now has open, as ls shows it.
static void list_descriptors(char *out, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execlp("ls", "ls", "/proc/self/fd", (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    size_t filled = 0;
    for (ssize_t got; (got = read(ends[0], out + filled, size - 1 - filled)) > 0;)
        filled += (size_t)got;
    out[filled] = '\0';
    close(ends[0]);
    assert_child_ended_well(child);
}

static void test_no_descriptor_survives_exec(void **state)
{
    (void)state;
    static const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC};
    char before[4096], during[4096];
    struct world world;
    struct node a, b;
    list_descriptors(before, sizeof before);
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    node_start(&b, &world, ZMTP_DEALER);
    for (unsigned i = 0; i < sizeof transports / sizeof transports[0]; i++) {
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_endpoint(&world, transports[i], endpoint);
        node_bind(&b, endpoint);
        node_connect(&a, endpoint);
        WORLD_UNTIL(&world, b.events[ZMTP_EVENT_HANDSHAKE_DONE] == i + 1);
    }
    struct zmtp_uv_mailbox *mailbox;
    assert_int_equal(zmtp_uv_mailbox_open(&mailbox, a.socket), ZMTP_OK);
    assert_true(zmtp_uv_fd(world.uv) > 0);
    list_descriptors(during, sizeof during);
    assert_string_equal(during, before);
    zmtp_uv_mailbox_close(mailbox);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_child_cannot_use_its_parents_engine_and_opens_its_own),
        cmocka_unit_test(test_a_child_that_runs_the_inherited_loop_takes_nothing_from_its_parent),
        cmocka_unit_test(test_no_descriptor_survives_exec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
