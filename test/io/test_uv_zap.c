// Servers that have a ZAP handler of the same engine judge their clients: each mechanism, handlers of
// either type, verdicts of each kind, and handlers that are absent, silent or talk nonsense.
#include "test/support/octets.h"
#include "test/support/world.h"

#include <stdio.h>
#include <string.h>

static struct zmtp_key_pair server_keys, client_keys;

static int make_keys(void **state)
{
    (void)state;
    zmtp_key_generate(&server_keys, zmtp_sodium());
    zmtp_key_generate(&client_keys, zmtp_sodium());
    return 0;
}

// A handler, and what it was asked last. It answers with |reply|, or else not at all.
struct handler {
    struct node node;
    bool answers, enveloped;
    struct zmtp_zap_reply reply;
    unsigned asked;
    char ids[64][17]; // in hexadecimal digits
    char domain[64], address[64], routing_id[64], mechanism[16], username[64];
    struct zmtp_key public_key;
};

static void copy_text(char *out, size_t size, struct zmtp_bytes octets)
{
    snprintf(out, size, "%.*s", (int)octets.size, octets.data ? (const char *)octets.data : "");
}

static void handle(struct node *node, struct zmtp_msg *msg)
{
    struct handler *const handler = node->other;
    struct zmtp_zap_request request;
    assert_int_equal(zmtp_zap_request_decode(msg, handler->enveloped, &request), ZMTP_OK);
    assert_true(handler->asked < 64);
    char *const id = handler->ids[handler->asked++];
    assert_true(request.id.size > 0 && request.id.size < 8 + 1);
    for (size_t i = 0; i < request.id.size; i++)
        snprintf(id + 2 * i, 3, "%02x", request.id.data[i]);
    copy_text(handler->domain, sizeof handler->domain, request.domain);
    copy_text(handler->address, sizeof handler->address, request.address);
    copy_text(handler->routing_id, sizeof handler->routing_id, request.routing_id);
    copy_text(handler->mechanism, sizeof handler->mechanism, request.mechanism);
    copy_text(handler->username, sizeof handler->username, request.credentials.username);
    handler->public_key = request.credentials.public_key;
    if (!handler->answers) return;
    struct zmtp_msg answer;
    zmtp_msg_init(&answer, NULL);
    assert_int_equal(zmtp_zap_reply_encode(&answer, msg, &request, &handler->reply), ZMTP_OK);
    assert_int_equal(zmtp_uv_send_msg(node->socket, &answer), ZMTP_OK);
}

static void open_handler(struct handler *handler, struct world *world, enum zmtp_socket_type type)
{
    *handler = (struct handler){.answers = true,
                                .enveloped = type == ZMTP_ROUTER,
                                .reply = {.verdict = ZMTP_VERDICT_ALLOW,
                                          .text = zmtp_bytes_text("OK"),
                                          .user_id = zmtp_bytes_text("joe"),
                                          .metadata = LITERAL("\4Role\0\0\0\3dba")}};
    node_init(&handler->node, world, type);
    handler->node.act = handle;
    handler->node.other = handler;
    node_open(&handler->node);
    node_bind(&handler->node, ZMTP_ZAP_ENDPOINT);
}

// The last message's user, as node->last has the message.
static void note_user(struct node *node, struct zmtp_msg *msg)
{
    char *const user = node->other;
    snprintf(user, WORLD_TEXT, "%.*s %.*s", (int)zmtp_msg_property(msg, "User-Id").size,
             (const char *)zmtp_msg_property(msg, "User-Id").data,
             (int)zmtp_msg_property(msg, "Role").size,
             (const char *)zmtp_msg_property(msg, "Role").data);
}

static void init_server(struct node *server, struct world *world, enum zmtp_mechanism mechanism)
{
    node_init(server, world, ZMTP_ROUTER);
    if (mechanism == ZMTP_CURVE)
        zmtp_uv_config_curve_server(&server->config, &server_keys, (struct zmtp_allow){0});
    if (mechanism == ZMTP_PLAIN) zmtp_uv_config_plain_server(&server->config);
    zmtp_uv_config_zap(&server->config, "test");
}

static void open_client(struct node *client, struct world *world, enum zmtp_mechanism mechanism,
                        const char *endpoint)
{
    node_init(client, world, ZMTP_DEALER);
    if (mechanism == ZMTP_CURVE)
        zmtp_uv_config_curve_client(&client->config, &client_keys, &server_keys.public_key);
    if (mechanism == ZMTP_PLAIN) zmtp_uv_config_plain_client(&client->config, "admin", "secret");
    client->config.socket.routing_id = zmtp_bytes_text("alice");
    client->config.reconnect_min_ms = 10;
    client->config.reconnect_max_ms = 50;
    node_open(client);
    node_connect(client, endpoint);
}

// ZAP27-ARCH-01, FLD-01, FLD-05, FLD-06, SOCK-01, NULL-01, PLAIN-01, CURVE-01; LZ-21
static void test_a_handler_lets_in_and_says_who_it_is(void **state)
{
    (void)state;
    static const char *const names[] = {"NULL", "PLAIN", "CURVE"};
    for (int i = 0; i < 6; i++) {
        const enum zmtp_mechanism mechanism = (enum zmtp_mechanism)(i % 3);
        struct world world;
        struct handler handler;
        struct node server, client;
        char endpoint[ZMTP_ENDPOINT_MAX], user[WORLD_TEXT] = "";
        world_open(&world);
        open_handler(&handler, &world, i < 3 ? ZMTP_REP : ZMTP_ROUTER);
        world_endpoint(&world, ZMTP_TCP, endpoint);
        init_server(&server, &world, mechanism);
        server.act = note_user;
        server.other = user;
        node_open(&server);
        node_bind(&server, endpoint);
        open_client(&client, &world, mechanism, endpoint);
        node_send(&client, "hello");
        WORLD_UNTIL(&world, server.received == 1);
        assert_string_equal(user, "joe dba");
        assert_int_equal(handler.asked, 1);
        assert_string_equal(handler.domain, "test");
        assert_string_equal(handler.address, "127.0.0.1");
        assert_string_equal(handler.mechanism, names[mechanism]);
        // PLAIN and NULL ask before the peer has said who it is.
        assert_string_equal(handler.routing_id, mechanism == ZMTP_CURVE ? "alice" : "");
        assert_string_equal(handler.username, mechanism == ZMTP_PLAIN ? "admin" : "");
        if (mechanism == ZMTP_CURVE)
            assert_true(zmtp_key_equal(&handler.public_key, &client_keys.public_key));
        world_close(&world);
    }
}

enum { CROWD = 24 };

// Answers all at once, the last first: the user is called as the peer calls itself.
static void handle_backwards(struct node *node, struct zmtp_msg *msg)
{
    struct handler *const handler = node->other;
    static struct zmtp_msg questions[CROWD];
    struct zmtp_zap_request request;
    questions[handler->asked++] = *msg;
    zmtp_msg_init(msg, NULL);
    while (handler->asked >= CROWD && handler->asked < 2 * CROWD) {
        struct zmtp_msg *const question = &questions[2 * CROWD - 1 - handler->asked++];
        struct zmtp_zap_reply reply = {.verdict = ZMTP_VERDICT_ALLOW};
        struct zmtp_msg answer;
        assert_int_equal(zmtp_zap_request_decode(question, true, &request), ZMTP_OK);
        reply.user_id = request.routing_id;
        zmtp_msg_init(&answer, NULL);
        assert_int_equal(zmtp_zap_reply_encode(&answer, question, &request, &reply), ZMTP_OK);
        assert_int_equal(zmtp_uv_send_msg(node->socket, &answer), ZMTP_OK);
        zmtp_msg_fini(question);
    }
}

static void check_user(struct node *node, struct zmtp_msg *msg)
{
    (void)node;
    octets_assert_equal(zmtp_msg_property(msg, "User-Id"), zmtp_msg_property(msg, "Routing-Id"));
    assert_int_equal(zmtp_msg_property(msg, "User-Id").size, 2);
}

// ZAP27-REQ-01, REP-01: the id of a reply tells whose it is
static void test_many_wait_at_once_and_each_gets_its_own_verdict(void **state)
{
    (void)state;
    static struct node clients[CROWD];
    static char names[CROWD][3];
    struct world world;
    struct handler handler;
    struct node server;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    open_handler(&handler, &world, ZMTP_ROUTER);
    handler.node.act = handle_backwards;
    world_endpoint(&world, ZMTP_IPC, endpoint);
    init_server(&server, &world, ZMTP_CURVE);
    server.act = check_user;
    node_open(&server);
    node_bind(&server, endpoint);
    for (size_t i = 0; i < CROWD; i++) {
        snprintf(names[i], sizeof names[i], "%02zu", i);
        node_init(&clients[i], &world, ZMTP_DEALER);
        zmtp_uv_config_curve_client(&clients[i].config, NULL, &server_keys.public_key);
        clients[i].config.socket.routing_id = zmtp_bytes_text(names[i]);
        node_open(&clients[i]);
        node_connect(&clients[i], endpoint);
        node_send(&clients[i], "hello");
    }
    WORLD_UNTIL(&world, server.received == CROWD);
    world_close(&world);
}

static void deny_with(enum zmtp_verdict verdict, bool for_good, const char *words)
{
    struct world world;
    struct handler handler;
    struct node server, client;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    open_handler(&handler, &world, ZMTP_REP);
    handler.reply = (struct zmtp_zap_reply){.verdict = verdict, .text = zmtp_bytes_text("Sorry")};
    world_endpoint(&world, ZMTP_TCP, endpoint);
    init_server(&server, &world, ZMTP_NULL);
    node_open(&server);
    node_bind(&server, endpoint);
    open_client(&client, &world, ZMTP_NULL, endpoint);
    WORLD_UNTIL(&world, server.events[ZMTP_EVENT_HANDSHAKE_FAILED] > 0);
    assert_int_equal(server.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_DENIED);
    assert_string_equal(server.reasons[ZMTP_EVENT_HANDSHAKE_FAILED], words);
    if (for_good) {
        WORLD_UNTIL(&world, client.events[ZMTP_EVENT_GAVE_UP] == 1);
        assert_int_equal(client.errors[ZMTP_EVENT_GAVE_UP], ZMTP_ERR_PEER);
    } else {
        handler.reply.verdict = ZMTP_VERDICT_ALLOW;
        WORLD_UNTIL(&world, client.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
    }
    world_close(&world);
}

// ZAP27-FLD-04
static void test_each_status_has_its_own_consequence(void **state)
{
    (void)state;
    deny_with(ZMTP_VERDICT_LATER, false, "denied by authoriser: 300 (Sorry)");
    deny_with(ZMTP_VERDICT_DENY, true, "denied by authoriser: 400 (Sorry)");
    deny_with(ZMTP_VERDICT_BROKEN, true, "denied by authoriser: 500 (Sorry)");
}

// ZAP27-ARCH-01
static void test_without_a_handler_nobody_comes_in_until_there_is_one(void **state)
{
    (void)state;
    struct world world;
    struct handler handler;
    struct node server, client;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    world_endpoint(&world, ZMTP_IPC, endpoint);
    init_server(&server, &world, ZMTP_CURVE);
    node_open(&server);
    node_bind(&server, endpoint);
    open_client(&client, &world, ZMTP_CURVE, endpoint);
    WORLD_UNTIL(&world, server.events[ZMTP_EVENT_HANDSHAKE_FAILED] >= 2);
    assert_string_equal(server.reasons[ZMTP_EVENT_HANDSHAKE_FAILED],
                        "no ZAP handler is bound at inproc://zeromq.zap.01");
    assert_int_equal(client.events[ZMTP_EVENT_GAVE_UP], 0);
    open_handler(&handler, &world, ZMTP_REP);
    WORLD_UNTIL(&world, client.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
    assert_int_equal(strncmp(handler.address, "localhost:", 10), 0); // ipc: LZ-21
    world_close(&world);
}

// Turns away until it may no more, and says why.
static void expect_silence(void (*act)(struct node *node, struct zmtp_msg *msg), const char *words)
{
    struct world world;
    struct handler handler;
    struct node server, client;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    open_handler(&handler, &world, ZMTP_ROUTER);
    handler.node.act = act;
    world_endpoint(&world, ZMTP_IPC, endpoint);
    init_server(&server, &world, ZMTP_PLAIN);
    server.config.limits.authorise_ms = 30;
    node_open(&server);
    node_bind(&server, endpoint);
    open_client(&client, &world, ZMTP_PLAIN, endpoint);
    WORLD_UNTIL(&world, server.events[ZMTP_EVENT_HANDSHAKE_FAILED] >= 2);
    assert_string_equal(server.reasons[ZMTP_EVENT_HANDSHAKE_FAILED], words);
    assert_int_equal(server.errors[ZMTP_EVENT_HANDSHAKE_FAILED], ZMTP_ERR_DENIED);
    assert_int_equal(server.events[ZMTP_EVENT_HANDSHAKE_DONE], 0);
    assert_int_equal(client.events[ZMTP_EVENT_GAVE_UP], 0);
    handler.node.act = handle;
    WORLD_UNTIL(&world, client.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
    world_close(&world);
}

static void say_nothing(struct node *node, struct zmtp_msg *msg)
{
    (void)node;
    (void)msg;
}

// Answers like |parts| behind routing id and delimiter; an id of "?" is the request's.
static void answer_parts(struct node *node, const struct zmtp_msg *msg, const char *const *parts)
{
    struct zmtp_bytes out[16] = {zmtp_msg_bytes(msg, 0), {NULL, 0}};
    size_t count = 2;
    for (; *parts; parts++)
        out[count++] = strcmp(*parts, "?") == 0 ? zmtp_msg_bytes(msg, 3) : zmtp_bytes_text(*parts);
    assert_int_equal(zmtp_uv_send(node->socket, out, count), ZMTP_OK);
}
#define ANSWER(name, ...)                                                                          \
    static void name(struct node *node, struct zmtp_msg *msg)                                      \
    {                                                                                              \
        answer_parts(node, msg, (const char *const[]){__VA_ARGS__, NULL});                         \
    }
ANSWER(answer_another, "1.0", "another", "200", "OK", "joe", "")
ANSWER(answer_version, "2.0", "?", "200", "OK", "joe", "")
ANSWER(answer_status, "1.0", "?", "299", "OK", "joe", "")
ANSWER(answer_short, "1.0", "?", "200", "OK", "joe")
ANSWER(answer_metadata, "1.0", "?", "200", "OK", "joe", "\x03X-a")

// ZAP27-REP-01, FLD-04, FLD-06
static void test_nonsense_is_no_and_says_what_it_was(void **state)
{
    (void)state;
    expect_silence(say_nothing, "the ZAP handler did not answer in time");
    expect_silence(answer_another, "the ZAP handler answered with request ids that are not ours");
    expect_silence(answer_version, "the ZAP reply is of another version than 1.0");
    expect_silence(answer_status, "the status of the ZAP reply is none of 200, 300, 400 and 500");
    expect_silence(answer_short,
                   "the ZAP reply has not just the seven parts of one that goes to a DEALER");
    expect_silence(answer_metadata,
                   "the metadata of the ZAP reply are malformed, or more than 64 properties");
}

static void test_a_handler_that_goes_leaves_nobody_waiting(void **state)
{
    (void)state;
    struct world world;
    struct handler handler;
    struct node server, client;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    open_handler(&handler, &world, ZMTP_REP);
    handler.answers = false;
    world_endpoint(&world, ZMTP_IPC, endpoint);
    init_server(&server, &world, ZMTP_NULL);
    server.config.limits.authorise_ms = 0; // else for ever
    server.config.limits.handshake_ms = 0;
    node_open(&server);
    node_bind(&server, endpoint);
    open_client(&client, &world, ZMTP_NULL, endpoint);
    WORLD_UNTIL(&world, handler.asked == 1);
    node_close(&handler.node);
    WORLD_UNTIL(&world, server.events[ZMTP_EVENT_HANDSHAKE_FAILED] > 0);
    // It may have dialled anew by now, and there is nobody to be asked.
    assert_non_null(strstr(server.reasons[ZMTP_EVENT_HANDSHAKE_FAILED], "ZAP handler"));
    open_handler(&handler, &world, ZMTP_REP);
    WORLD_UNTIL(&world, client.events[ZMTP_EVENT_HANDSHAKE_DONE] == 1);
    world_close(&world);
}

// Both wait for their verdicts before they say READY, and neither for the other's.
static void test_both_sides_of_null_may_have_the_other_judged(void **state)
{
    (void)state;
    struct world world;
    struct handler handler;
    struct node server, client;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    open_handler(&handler, &world, ZMTP_ROUTER);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    init_server(&server, &world, ZMTP_NULL);
    node_open(&server);
    node_bind(&server, endpoint);
    node_init(&client, &world, ZMTP_DEALER);
    zmtp_uv_config_zap(&client.config, "test");
    node_open(&client);
    node_connect(&client, endpoint);
    node_send(&client, "hello");
    WORLD_UNTIL(&world, server.received == 1);
    assert_int_equal(handler.asked, 2);
    world_close(&world);
}

static void count_connected(void *context, const struct zmtp_uv_peer *peer)
{
    size_t *const count = context;
    if (peer->connected) ++*count;
}

static size_t connected(const struct node *node)
{
    size_t count = 0;
    zmtp_uv_each_peer(node->socket, count_connected, &count);
    return count;
}

static void test_sockets_close_while_their_guests_wait(void **state)
{
    (void)state;
    struct world world;
    struct handler handler;
    struct node server, second, client;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    open_handler(&handler, &world, ZMTP_ROUTER);
    handler.answers = false;
    world_endpoint(&world, ZMTP_IPC, endpoint);
    init_server(&second, &world, ZMTP_NULL); // keeps the question open
    node_open(&second);
    for (unsigned i = 1; i <= 2; i++) {
        init_server(&server, &world, ZMTP_PLAIN);
        node_open(&server);
        node_bind(&server, endpoint);
        open_client(&client, &world, ZMTP_PLAIN, endpoint);
        WORLD_UNTIL(&world, handler.asked == i);
        assert_int_equal(connected(&handler.node), 1);
        if (i == 2) {
            assert_string_not_equal(handler.ids[0], handler.ids[1]);
            node_close(&second);
        }
        node_close(&server);
        node_close(&client);
    }
    // With the last socket that asks the one that does it has gone, and the handler has no peer.
    WORLD_UNTIL(&world, connected(&handler.node) == 0);
    world_close(&world);
}

// A handler in a thread with an engine of its own, which shares the names of ours.
struct remote {
    struct zmtp_uv_shared *shared;
    uv_loop_t loop;
    struct zmtp_uv *uv;
    uv_async_t stop;
    uv_sem_t ready;
    uv_thread_t thread;
    bool failed;
};

static void remote_judge(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    struct remote *remote = user;
    struct zmtp_zap_request request;
    const struct zmtp_zap_reply reply = {.verdict = ZMTP_VERDICT_ALLOW,
                                         .user_id = zmtp_bytes_text("joe"),
                                         .metadata = LITERAL("\4Role\0\0\0\3dba")};
    struct zmtp_msg answer;
    zmtp_msg_init(&answer, NULL);
    if (zmtp_zap_request_decode(msg, false, &request) < 0 ||
        zmtp_zap_reply_encode(&answer, msg, &request, &reply) < 0 ||
        zmtp_uv_send_msg(socket, &answer) < 0)
        remote->failed = true;
}

static void remote_stop(uv_async_t *stop)
{
    struct remote *remote = stop->data;
    uv_close((uv_handle_t *)stop, NULL);
    zmtp_uv_close(remote->uv, NULL, NULL);
}

static void remote_run(void *argument)
{
    struct remote *remote = argument;
    struct zmtp_uv_config config;
    struct zmtp_uv_socket *socket;
    zmtp_uv_config_init(&config, ZMTP_REP);
    config.on_message = remote_judge;
    config.user = remote;
    remote->failed = zmtp_uv_open(&remote->uv, &remote->loop, NULL) < 0 ||
                     zmtp_uv_join(remote->uv, remote->shared) < 0 ||
                     zmtp_uv_socket_open(&socket, remote->uv, &config) < 0 ||
                     zmtp_uv_bind(socket, ZMTP_ZAP_ENDPOINT) < 0;
    uv_sem_post(&remote->ready);
    (void)uv_run(&remote->loop, UV_RUN_DEFAULT);
}

static void test_a_handler_in_another_thread_is_asked_as_well(void **state)
{
    (void)state;
    struct remote remote = {.failed = false};
    struct world world;
    struct node server, client;
    char endpoint[ZMTP_ENDPOINT_MAX], user[WORLD_TEXT] = "";
    assert_int_equal(zmtp_uv_shared_open(&remote.shared), ZMTP_OK);
    assert_int_equal(uv_loop_init(&remote.loop), 0);
    assert_int_equal(uv_async_init(&remote.loop, &remote.stop, remote_stop), 0);
    remote.stop.data = &remote;
    assert_int_equal(uv_sem_init(&remote.ready, 0), 0);
    assert_int_equal(uv_thread_create(&remote.thread, remote_run, &remote), 0);
    uv_sem_wait(&remote.ready);
    assert_false(remote.failed);

    world_open(&world);
    assert_int_equal(zmtp_uv_join(world.uv, remote.shared), ZMTP_OK);
    zmtp_uv_shared_close(remote.shared);
    init_server(&server, &world, ZMTP_CURVE);
    server.act = note_user;
    server.other = user;
    node_open(&server);
    world_endpoint(&world, ZMTP_TCP, endpoint);
    node_bind(&server, endpoint);
    open_client(&client, &world, ZMTP_CURVE, endpoint);
    node_send(&client, "hello");
    WORLD_UNTIL(&world, server.received == 1);
    assert_string_equal(user, "joe dba");
    assert_int_equal(server.events[ZMTP_EVENT_HANDSHAKE_FAILED], 0); // at the first try
    world_close(&world);

    assert_int_equal(uv_async_send(&remote.stop), 0);
    assert_int_equal(uv_thread_join(&remote.thread), 0);
    assert_int_equal(uv_loop_close(&remote.loop), 0);
    uv_sem_destroy(&remote.ready);
    assert_false(remote.failed);
}

static void test_a_domain_that_zap_has_no_room_for_is_refused_in_words(void **state)
{
    (void)state;
    static char many[257];
    memset(many, 'x', 256);
    const struct {
        const char *domain, *words;
        bool plain_too;
    } cases[] = {
        {NULL, "missing", true},
        {"", "empty", false},
        {many, "255", true},
        {"a\nb", "ASCII", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct zmtp_uv_config config;
        const char *why = "";
        zmtp_uv_config_init(&config, ZMTP_PULL);
        zmtp_uv_config_zap(&config, cases[i].domain);
        assert_int_equal(zmtp_uv_config_check(&config, &why), ZMTP_ERR_ARGUMENT);
        assert_non_null(strstr(why, cases[i].words));
        zmtp_uv_config_plain_server(&config);
        zmtp_uv_config_zap(&config, cases[i].domain);
        assert_int_equal(zmtp_uv_config_check(&config, &why),
                         cases[i].plain_too ? ZMTP_ERR_ARGUMENT : ZMTP_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_handler_lets_in_and_says_who_it_is),
        cmocka_unit_test(test_many_wait_at_once_and_each_gets_its_own_verdict),
        cmocka_unit_test(test_each_status_has_its_own_consequence),
        cmocka_unit_test(test_without_a_handler_nobody_comes_in_until_there_is_one),
        cmocka_unit_test(test_nonsense_is_no_and_says_what_it_was),
        cmocka_unit_test(test_a_handler_that_goes_leaves_nobody_waiting),
        cmocka_unit_test(test_both_sides_of_null_may_have_the_other_judged),
        cmocka_unit_test(test_sockets_close_while_their_guests_wait),
        cmocka_unit_test(test_a_handler_in_another_thread_is_asked_as_well),
        cmocka_unit_test(test_a_domain_that_zap_has_no_room_for_is_refused_in_words),
    };
    return cmocka_run_group_tests_name("uv_zap", tests, make_keys, NULL);
}
