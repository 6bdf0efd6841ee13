// Whom a message came from, on a real loop: over each transport, with each mechanism, after the
// connection has gone, and on another thread.
#include "test/support/octets.h"
#include "test/support/world.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Keeps each message as it comes.
struct shelf {
    struct zmtp_msg msgs[4];
    size_t count;
};

static void shelf_put(struct node *node, struct zmtp_msg *msg)
{
    struct shelf *shelf = node->other;
    assert_true(shelf->count < 4);
    shelf->msgs[shelf->count++] = *msg;
    zmtp_msg_init(msg, NULL);
}

static void shelf_clear(struct shelf *shelf)
{
    while (shelf->count > 0)
        zmtp_msg_fini(&shelf->msgs[--shelf->count]);
}

static void assert_property(const struct zmtp_msg *msg, const char *name, const char *value)
{
    const struct zmtp_bytes got = zmtp_msg_property(msg, name);
    assert_int_equal(got.data != NULL, value != NULL);
    octets_assert_equal(got, zmtp_bytes_text(value ? value : ""));
}

static void open_shelf(struct node *node, struct world *world, struct shelf *shelf)
{
    *shelf = (struct shelf){.count = 0};
    node_init(node, world, ZMTP_ROUTER);
    node->act = shelf_put;
    node->other = shelf;
}

static void open_caller(struct node *node, struct world *world, const char *id)
{
    node_init(node, world, ZMTP_DEALER);
    node->config.socket.routing_id = zmtp_bytes_text(id);
    node->config.socket.metadata = LITERAL("\5X-App\0\0\0\4demo");
}

// ZMTP37-META-06: the application's own, too.
static void test_a_message_names_its_sender_over_each_transport(void **state)
{
    (void)state;
    const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC};
    for (size_t i = 0; i < 3; i++) {
        struct world world;
        struct node router, dealer;
        struct shelf shelf;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        open_shelf(&router, &world, &shelf);
        node_open(&router);
        open_caller(&dealer, &world, "alice");
        node_open(&dealer);
        world_endpoint(&world, transports[i], endpoint);
        node_bind(&router, endpoint);
        node_connect(&dealer, endpoint);
        WORLD_UNTIL(&world, dealer.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
        node_send(&dealer, "hello");
        WORLD_UNTIL(&world, shelf.count == 1);
        node_close(&dealer);
        node_close(&router); // all are gone but the message
        const struct zmtp_msg *const msg = &shelf.msgs[0];
        assert_non_null(msg->origin);
        assert_true(msg->origin->type_known);
        assert_int_equal(msg->origin->type, ZMTP_DEALER);
        assert_int_equal(msg->origin->mechanism, ZMTP_NULL);
        assert_property(msg, "Socket-Type", "DEALER");
        assert_property(msg, "Routing-Id", "alice");
        assert_property(msg, "X-App", "demo");
        assert_property(msg, "User-Id", NULL);
        char process[64];
        snprintf(process, sizeof process, "localhost:%u:%u:%ld", getuid(), getgid(),
                 (long)getpid());
        const char *const addresses[] = {"127.0.0.1", process, NULL};
        assert_property(msg, "Peer-Address", addresses[i]);
        const struct zmtp_bytes remote = msg->origin->remote;
        const bool tcp = remote.size > 16 && memcmp(remote.data, "tcp://127.0.0.1:", 16) == 0;
        assert_int_equal(tcp, transports[i] == ZMTP_TCP);
        shelf_clear(&shelf);
        world_close(&world);
    }
}

static void let_in(struct zmtp_uv_socket *socket, const struct zmtp_uv_guest *guest, void *user)
{
    (void)user;
    assert_int_equal(zmtp_uv_authorise(socket, guest->ticket, ZMTP_VERDICT_ALLOW,
                                       zmtp_bytes_text("joe"), LITERAL("\4Role\0\0\0\3dba")),
                     ZMTP_OK);
}

static void test_a_message_names_the_user_and_the_key(void **state)
{
    (void)state;
    struct zmtp_key_pair server_keys, client_keys;
    zmtp_key_generate(&server_keys, zmtp_sodium());
    zmtp_key_generate(&client_keys, zmtp_sodium());
    for (int curve = 0; curve <= 1; curve++) {
        struct world world;
        struct node router, dealer;
        struct shelf shelf;
        char endpoint[ZMTP_ENDPOINT_MAX];
        world_open(&world);
        open_shelf(&router, &world, &shelf);
        open_caller(&dealer, &world, "");
        if (curve) {
            zmtp_uv_config_curve_server(&router.config, &server_keys, (struct zmtp_allow){0});
            zmtp_uv_config_curve_client(&dealer.config, &client_keys, &server_keys.public_key);
        } else {
            zmtp_uv_config_plain_server(&router.config);
            zmtp_uv_config_plain_client(&dealer.config, "joe", "secret");
        }
        router.config.on_authorise = let_in;
        node_open(&router);
        node_open(&dealer);
        world_endpoint(&world, ZMTP_TCP, endpoint);
        node_bind(&router, endpoint);
        node_connect(&dealer, endpoint);
        node_send(&dealer, "hello");
        WORLD_UNTIL(&world, shelf.count == 1);
        const struct zmtp_msg *const msg = &shelf.msgs[0];
        assert_int_equal(msg->origin->mechanism, curve ? ZMTP_CURVE : ZMTP_PLAIN);
        assert_property(msg, "User-Id", "joe");
        assert_property(msg, "Role", "dba");
        assert_property(msg, "X-App", "demo");
        assert_property(msg, "Identity", "");
        octets_assert_equal(msg->origin->public_key,
                            curve ? zmtp_bytes_of(client_keys.public_key.octets, ZMTP_KEY_SIZE)
                                  : (struct zmtp_bytes){0});
        shelf_clear(&shelf);
        world_close(&world);
    }
}

// The one pipe of a dialler has messages of two servers in it, one after the other.
static void test_what_a_dialler_has_not_received_names_the_server_that_sent_it(void **state)
{
    (void)state;
    struct world world;
    struct node dealer, server;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_init(&dealer, &world, ZMTP_DEALER);
    dealer.config.reconnect_max_ms = 50;
    node_open_pull(&dealer);
    node_connect(&dealer, endpoint);
    for (unsigned i = 0; i < 2; i++) {
        open_caller(&server, &world, i == 0 ? "first" : "second");
        node_open(&server);
        node_bind(&server, endpoint);
        WORLD_UNTIL(&world, dealer.events[ZMTP_EVENT_HANDSHAKE_DONE] == i + 1);
        WORLD_UNTIL(&world, server.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
        node_send(&server, "hello");
        node_close(&server);
        WORLD_UNTIL(&world, dealer.events[ZMTP_EVENT_CLOSED] == i + 1);
    }
    for (unsigned i = 0; i < 2; i++) {
        struct zmtp_msg msg;
        zmtp_msg_init(&msg, NULL);
        assert_int_equal(zmtp_uv_recv(dealer.socket, &msg), ZMTP_OK);
        assert_property(&msg, "Routing-Id", i == 0 ? "first" : "second");
        zmtp_msg_fini(&msg);
    }
    world_close(&world);
}

// The engine's memory is the heap here, which any thread may use.
struct exchange {
    uv_loop_t loop;
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *pull, *push;
    uv_thread_t reader;
    struct zmtp_msg msg;
    bool read;
};

static void exchange_read(void *argument)
{
    struct exchange *x = argument;
    assert_property(&x->msg, "X-App", "demo");
    const struct zmtp_origin *mine = zmtp_origin_ref(x->msg.origin);
    zmtp_msg_fini(&x->msg);
    octets_assert_equal(mine->metadata, zmtp_bytes_of(mine->metadata.data, mine->metadata.size));
    zmtp_origin_unref(mine);
}

static void exchange_take(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct exchange *x = user;
    (void)socket;
    if (x->read) return;
    x->read = true;
    x->msg = *msg;
    zmtp_msg_init(msg, NULL);
    assert_int_equal(uv_thread_create(&x->reader, exchange_read, x), 0);
}

static void test_another_thread_may_read_and_release_a_message(void **state)
{
    (void)state;
    struct exchange x = {.read = false};
    struct zmtp_uv_config config;
    assert_int_equal(uv_loop_init(&x.loop), 0);
    assert_int_equal(zmtp_uv_open(&x.uv, &x.loop, NULL), ZMTP_OK);
    zmtp_uv_config_init(&config, ZMTP_PULL);
    config.on_message = exchange_take;
    config.user = &x;
    assert_int_equal(zmtp_uv_socket_open(&x.pull, x.uv, &config), ZMTP_OK);
    assert_int_equal(zmtp_uv_bind(x.pull, "tcp://127.0.0.1:*"), ZMTP_OK);
    zmtp_uv_config_init(&config, ZMTP_PUSH);
    config.socket.metadata = LITERAL("\5X-App\0\0\0\4demo");
    assert_int_equal(zmtp_uv_socket_open(&x.push, x.uv, &config), ZMTP_OK);
    assert_int_equal(zmtp_uv_connect(x.push, zmtp_uv_endpoint(x.pull)), ZMTP_OK);
    const struct zmtp_bytes part = LITERAL("hello");
    for (int i = 0; i < 500; i++)
        assert_int_equal(zmtp_uv_send(x.push, &part, 1), ZMTP_OK);
    while (zmtp_uv_counters(x.pull).received < 500)
        (void)uv_run(&x.loop, UV_RUN_ONCE);
    zmtp_uv_close(x.uv, NULL, NULL);
    assert_int_equal(uv_run(&x.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_thread_join(&x.reader), 0);
    assert_int_equal(uv_loop_close(&x.loop), 0);
}

static void test_properties_that_are_not_the_applications_are_refused(void **state)
{
    (void)state;
    struct world world;
    struct zmtp_uv_config config;
    struct zmtp_uv_socket *socket;
    world_open(&world);
    zmtp_uv_config_init(&config, ZMTP_PULL);
    config.socket.metadata = LITERAL("\7User-Id\0\0\0\4root");
    assert_int_equal(zmtp_uv_socket_open(&socket, world.uv, &config), ZMTP_ERR_ARGUMENT);
    config.socket.metadata = LITERAL("\3X-a\0\0\0");
    assert_int_equal(zmtp_uv_socket_open(&socket, world.uv, &config), ZMTP_ERR_ARGUMENT);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_message_names_its_sender_over_each_transport),
        cmocka_unit_test(test_a_message_names_the_user_and_the_key),
        cmocka_unit_test(test_what_a_dialler_has_not_received_names_the_server_that_sent_it),
        cmocka_unit_test(test_another_thread_may_read_and_release_a_message),
        cmocka_unit_test(test_properties_that_are_not_the_applications_are_refused),
    };
    return cmocka_run_group_tests_name("uv_origin", tests, NULL, NULL);
}
