// Where a socket may listen, and what it says when it may not.
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "test/support/world.h"

static void assert_refused(struct node *node, const char *endpoint, int error, const char *words)
{
    assert_int_equal(zmtp_uv_bind(node->socket, endpoint), error);
    const char *text = zmtp_uv_error_text(node->socket);
    if (!strstr(text, words)) fail_msg("\"%s\" does not say \"%s\"", text, words);
}

// Two sockets talk over |endpoint|, which |a| is bound to already.
static void assert_reachable(struct world *world, struct node *a, const char *endpoint)
{
    struct node b;
    const size_t received = a->received;
    node_start(&b, world, ZMTP_DEALER);
    node_connect(&b, endpoint);
    node_send(&b, "hello");
    WORLD_UNTIL(world, a->received > received);
    node_close(&b);
}

static void test_a_free_port_is_chosen_and_told(void **state)
{
    (void)state;
    static const char *const wishes[] = {"tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "tcp://[::1]:*",
                                         "tcp://localhost:*"};
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
        struct world world;
        struct node a;
        if (strchr(wishes[i], '[') && !world_has_ipv6()) continue;
        world_open(&world);
        node_start(&a, &world, ZMTP_DEALER);
        assert_string_equal(zmtp_uv_endpoint(a.socket), "");
        node_bind(&a, wishes[i]);
        const char *endpoint = zmtp_uv_endpoint(a.socket);
        assert_null(strstr(endpoint, ":0"));
        assert_null(strchr(endpoint, '*'));
        assert_reachable(&world, &a, endpoint);
        // Both its names end it.
        assert_int_equal(zmtp_uv_unbind(a.socket, wishes[i]), ZMTP_OK);
        world_close(&world);
    }
}

// ZMTP37-NULL-01
static void test_every_address_is_bound_only_when_asked_for(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    assert_refused(&a, "tcp://*:*", ZMTP_ERR_ACCESS, "allow_public_null");
    assert_refused(&a, "tcp://0.0.0.0:*", ZMTP_ERR_ACCESS, "allow_public_null");
    assert_refused(&a, "tcp://[::]:*", ZMTP_ERR_ACCESS, "allow_public_null");
    node_init(&b, &world, ZMTP_DEALER);
    b.config.allow_public_null = true;
    node_open(&b);
    node_bind(&b, "tcp://*:*");
    const char *port = strrchr(zmtp_uv_endpoint(b.socket), ':');
    static const char *const hosts[] = {"127.0.0.1", "0.0.0.0", "[::1]", "localhost"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        char endpoint[ZMTP_ENDPOINT_MAX];
        if (hosts[i][0] == '[' && !world_has_ipv6()) continue;
        snprintf(endpoint, sizeof endpoint, "tcp://%s%s", hosts[i], port);
        assert_reachable(&world, &b, endpoint);
    }
    world_close(&world);
}

static void test_a_port_in_use_is_refused_in_words(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    node_start(&b, &world, ZMTP_DEALER);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_bind(&a, endpoint);
    assert_string_equal(zmtp_uv_error_text(a.socket), "");
    assert_refused(&b, endpoint, ZMTP_ERR_IN_USE, "choose another port");
    assert_refused(&b, endpoint, ZMTP_ERR_IN_USE, endpoint);
    assert_refused(&a, endpoint, ZMTP_ERR_IN_USE, "in use");
    assert_int_equal(zmtp_uv_unbind(a.socket, endpoint), ZMTP_OK);
    node_bind(&b, endpoint);
    assert_string_equal(zmtp_uv_error_text(b.socket), "");
    assert_reachable(&world, &b, endpoint);
    world_close(&world);
}

static void test_an_endpoint_that_cannot_be_read_is_refused_in_words(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    assert_refused(&a, "tcp://127.0.0.1", ZMTP_ERR_ENDPOINT, "port is missing");
    assert_refused(&a, "pgm://127.0.0.1:1", ZMTP_ERR_TRANSPORT, "none of tcp, ipc, inproc");
    assert_refused(&a, "", ZMTP_ERR_ENDPOINT, "missing");
    assert_refused(&a, "127.0.0.1:1", ZMTP_ERR_ENDPOINT, "transport");
    assert_refused(&a, NULL, ZMTP_ERR_ENDPOINT, "missing");
    assert_refused(&a, "tcp://no-such-host.invalid:1", ZMTP_ERR_NOT_FOUND, "no address");
    assert_refused(&a, "tcp://192.0.2.1:1", ZMTP_ERR_ACCESS, "allow_public_null");
    assert_int_equal(zmtp_uv_connect(a.socket, "tcp://*:1"), ZMTP_ERR_ENDPOINT);
    assert_non_null(strstr(zmtp_uv_error_text(a.socket), "a dial needs a host"));
    assert_int_equal(zmtp_uv_connect(a.socket, "tcp://localhost:*"), ZMTP_ERR_ENDPOINT);
    assert_non_null(strstr(zmtp_uv_error_text(a.socket), "port"));
    assert_int_equal(zmtp_uv_unbind(a.socket, "tcp://127.0.0.1:1"), ZMTP_ERR_NOT_FOUND);
    assert_int_equal(zmtp_uv_bind(NULL, "tcp://127.0.0.1:1"), ZMTP_ERR_ARGUMENT);
    char path[ZMTP_ENDPOINT_MAX + 1];
    memset(path, 'x', sizeof path);
    memcpy(path, "ipc:///", 7);
    path[7 + ZMTP_IPC_PATH_MAX] = '\0';
    assert_refused(&a, path, ZMTP_ERR_ENDPOINT, "107");
    world_close(&world);
}

// The path of an ipc endpoint.
static const char *path_of(const char *endpoint)
{
    return endpoint + strlen("ipc://");
}

static void test_an_ipc_path_goes_with_its_listener(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    struct stat at;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_bind(&a, endpoint);
    assert_int_equal(lstat(path_of(endpoint), &at), 0);
    assert_reachable(&world, &a, endpoint);
    node_close(&a);
    assert_int_equal(lstat(path_of(endpoint), &at), -1);
    world_close(&world);
}

static void test_a_live_listener_keeps_its_ipc_path(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    node_start(&b, &world, ZMTP_DEALER);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_bind(&a, endpoint);
    assert_refused(&b, endpoint, ZMTP_ERR_IN_USE, "choose another path");
    assert_reachable(&world, &a, endpoint);
    world_close(&world);
}

// Leaves a path behind as a killed process does.
static void leave_path(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    close(fd);
}

static void test_an_ipc_path_of_the_dead_is_replaced(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    leave_path(path_of(endpoint));
    node_bind(&a, endpoint);
    assert_reachable(&world, &a, endpoint);
    world_close(&world);
}

static void test_an_ipc_path_that_is_not_ours_any_more_stays(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    struct stat at;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    node_start(&b, &world, ZMTP_DEALER);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    node_bind(&a, endpoint);
    assert_int_equal(unlink(path_of(endpoint)), 0); // somebody tidied up
    node_bind(&b, endpoint);
    node_close(&a);
    assert_int_equal(lstat(path_of(endpoint), &at), 0);
    assert_reachable(&world, &b, endpoint);
    world_close(&world);
}

static void test_a_file_is_never_taken_for_an_old_path(void **state)
{
    (void)state;
    struct world world;
    struct node a;
    struct stat at;
    char endpoint[ZMTP_ENDPOINT_MAX], folder[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    FILE *file = fopen(path_of(endpoint), "w");
    assert_non_null(file);
    fclose(file);
    assert_refused(&a, endpoint, ZMTP_ERR_IN_USE, "is not a socket");
    assert_int_equal(lstat(path_of(endpoint), &at), 0);
    assert_int_equal(unlink(path_of(endpoint)), 0);
    snprintf(folder, sizeof folder, "ipc://%s/none/x", world.folder);
    assert_refused(&a, folder, ZMTP_ERR_NOT_FOUND, "folder does not exist");
    world_close(&world);
}

static void test_an_abstract_name_needs_no_file(void **state)
{
    (void)state;
    struct world world;
    struct node a, b;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_start(&a, &world, ZMTP_DEALER);
    node_start(&b, &world, ZMTP_DEALER);
    snprintf(endpoint, sizeof endpoint, "ipc://@%s", world.folder + 1);
    node_bind(&a, endpoint);
    assert_refused(&b, endpoint, ZMTP_ERR_IN_USE, "in use");
    assert_reachable(&world, &a, endpoint);
    world_close(&world);
}

static void test_an_inproc_name_belongs_to_one(void **state)
{
    (void)state;
    struct world world;
    struct node a, b, c;
    world_open(&world);
    node_start(&a, &world, ZMTP_REP);
    node_start(&b, &world, ZMTP_REP);
    node_start(&c, &world, ZMTP_SUB);
    node_bind(&a, "inproc://name");
    assert_refused(&b, "inproc://name", ZMTP_ERR_IN_USE, "bound already");
    // The types must match; another binder may suit.
    node_connect(&c, "inproc://name");
    WORLD_UNTIL(&world, c.events[ZMTP_EVENT_HANDSHAKE_FAILED] == 1);
    assert_int_equal(c.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_SOCKET_TYPE);
    node_close(&a);
    struct node pub;
    node_start(&pub, &world, ZMTP_PUB);
    node_bind(&pub, "inproc://name");
    WORLD_UNTIL(&world, c.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_free_port_is_chosen_and_told),
        cmocka_unit_test(test_every_address_is_bound_only_when_asked_for),
        cmocka_unit_test(test_a_port_in_use_is_refused_in_words),
        cmocka_unit_test(test_an_endpoint_that_cannot_be_read_is_refused_in_words),
        cmocka_unit_test(test_an_ipc_path_goes_with_its_listener),
        cmocka_unit_test(test_a_live_listener_keeps_its_ipc_path),
        cmocka_unit_test(test_an_ipc_path_of_the_dead_is_replaced),
        cmocka_unit_test(test_an_ipc_path_that_is_not_ours_any_more_stays),
        cmocka_unit_test(test_a_file_is_never_taken_for_an_old_path),
        cmocka_unit_test(test_an_abstract_name_needs_no_file),
        cmocka_unit_test(test_an_inproc_name_belongs_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
