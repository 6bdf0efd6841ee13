// ZAP handlers that break the rules: one that never answers, one that does not even read, one that
// floods. Those who wait for them go in time, what waits is bounded, and the traffic of all others goes on.
#include <string.h>

#include "test/support/stranger.h"

enum { STRANGERS = 40 };

static void keep_silent(struct node *node, struct zmtp_msg *msg)
{
    (void)node;
    (void)msg;
}

// Replies that nobody awaits, as many as there is room for.
static void flood(struct node *node)
{
    const struct zmtp_bytes none = {0};
    const struct zmtp_bytes *const id = node->other; // of the one that asks
    const struct zmtp_bytes parts[] = {
        *id, none, LITERAL("1.0"), LITERAL("nobody"), LITERAL("200"), none, none, none};
    int result = ZMTP_OK;
    while (result == ZMTP_OK) {
        result = zmtp_uv_send(node->socket, parts, 8);
        node->count += result == ZMTP_OK;
    }
}

static void begin_to_flood(struct node *node, struct zmtp_msg *msg)
{
    static struct zmtp_bytes id;
    static uint8_t octets[16];
    id = zmtp_msg_bytes(msg, 0);
    assert_true(id.size <= sizeof octets);
    memcpy(octets, id.data, id.size);
    id.data = octets;
    node->other = &id;
    node->room = flood;
    flood(node);
}

static void open_handler(struct node *handler, struct world *world)
{
    node_init(handler, world, ZMTP_ROUTER);
    handler->act = keep_silent;
    node_open(handler);
    node_bind(handler, ZMTP_ZAP_ENDPOINT);
}

static void open_guarded(struct node *server, struct world *world, char endpoint[ZMTP_ENDPOINT_MAX])
{
    node_init(server, world, ZMTP_ROUTER);
    zmtp_uv_config_zap(&server->config, "test");
    server->config.limits.authorise_ms = 300;
    node_open(server);
    world_endpoint(world, ZMTP_TCP, endpoint);
    node_bind(server, endpoint);
}

static void open_echo(struct node *echo, struct world *world, struct witness *witness)
{
    char endpoint[ZMTP_ENDPOINT_MAX];
    node_init(echo, world, ZMTP_ROUTER);
    echo_open(echo);
    world_endpoint(world, ZMTP_TCP, endpoint);
    node_bind(echo, endpoint);
    witness_open(witness, world, endpoint);
}

static void test_a_handler_that_never_answers_holds_up_nobody_else(void **state)
{
    (void)state;
    struct world world;
    struct node handler, server, echo;
    struct witness witness;
    struct stranger strangers[STRANGERS];
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    open_handler(&handler, &world);
    open_echo(&echo, &world, &witness);
    open_guarded(&server, &world, endpoint);
    for (size_t i = 0; i < STRANGERS; i++) {
        stranger_open(&strangers[i], &world, endpoint);
        assert_true(stranger_say(&strangers[i], LITERAL(RIG_GREETING RIG_READY_DEALER)));
    }
    WORLD_UNTIL(&world, handler.received == STRANGERS);
    assert_int_equal(server.events[ZMTP_EVENT_HANDSHAKE_FAILED], 0);
    for (int i = 0; i < 50; i++)
        witness_check(&witness);
    WORLD_UNTIL(&world, server.events[ZMTP_EVENT_HANDSHAKE_FAILED] == STRANGERS);
    assert_string_equal(server.reasons[ZMTP_EVENT_HANDSHAKE_FAILED],
                        "the ZAP handler did not answer in time");
    for (size_t i = 0; i < STRANGERS; i++) {
        stranger_until_refused(&strangers[i]);
        stranger_close(&strangers[i]);
    }
    witness_check(&witness);
    world_close(&world);
}

static void count_refused(struct node *node, const struct zmtp_event *event)
{
    const struct zmtp_bytes words =
        zmtp_bytes_text("the ZAP handler has too many requests to answer");
    node->count += zmtp_bytes_equal(event->reason, words);
}

// It is not run at all: requests lie in its queue until that is full, and then nobody is asked.
static void test_a_handler_that_does_not_read_is_not_asked_without_end(void **state)
{
    (void)state;
    enum { HANDLER_HWM = 8, OUR_HWM = ZMTP_DEFAULT_HWM };
    struct world world;
    struct node handler, server;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    node_init(&handler, &world, ZMTP_ROUTER);
    handler.config.socket.recv_count_max = HANDLER_HWM;
    node_open_pull(&handler);
    node_bind(&handler, ZMTP_ZAP_ENDPOINT);
    open_guarded(&server, &world, endpoint);
    server.note = count_refused;
    size_t peak = 0;
    for (int i = 0; i < OUR_HWM + HANDLER_HWM + 50; i++) {
        struct stranger stranger;
        const unsigned before = server.events[ZMTP_EVENT_ACCEPTED];
        stranger_open(&stranger, &world, endpoint);
        (void)stranger_say(&stranger, LITERAL(RIG_GREETING));
        WORLD_UNTIL(&world, server.events[ZMTP_EVENT_ACCEPTED] > before);
        stranger_close(&stranger);
        if (world.budget.bytes > peak) peak = world.budget.bytes;
    }
    WORLD_UNTIL(&world,
                server.events[ZMTP_EVENT_HANDSHAKE_FAILED] == server.events[ZMTP_EVENT_ACCEPTED]);
    struct zmtp_msg msg;
    size_t lay = 0;
    zmtp_msg_init(&msg, NULL);
    while (zmtp_uv_recv(handler.socket, &msg) == ZMTP_OK) {
        zmtp_msg_fini(&msg);
        lay++;
    }
    assert_int_equal(lay, OUR_HWM + HANDLER_HWM);
    assert_int_equal(server.count, 50);
    assert_true(peak < 2 * 1024 * 1024);
    world_close(&world);
}

static void test_a_handler_that_floods_lets_nobody_in_and_stops_nobody(void **state)
{
    (void)state;
    struct world world;
    struct node handler, server, echo;
    struct witness witness;
    struct stranger stranger;
    char endpoint[ZMTP_ENDPOINT_MAX];
    world_open(&world);
    open_handler(&handler, &world);
    handler.act = begin_to_flood;
    open_echo(&echo, &world, &witness);
    open_guarded(&server, &world, endpoint);
    stranger_open(&stranger, &world, endpoint);
    assert_true(stranger_say(&stranger, LITERAL(RIG_GREETING RIG_READY_DEALER)));
    WORLD_UNTIL(&world, handler.count > 10000);
    const size_t before = world.budget.bytes;
    for (int i = 0; i < 50; i++)
        witness_check(&witness);
    WORLD_UNTIL(&world, server.events[ZMTP_EVENT_HANDSHAKE_FAILED] == 1);
    assert_string_equal(server.reasons[ZMTP_EVENT_HANDSHAKE_FAILED],
                        "the ZAP handler answered with request ids that are not ours");
    assert_int_equal(server.events[ZMTP_EVENT_HANDSHAKE_DONE], 0);
    WORLD_UNTIL(&world, handler.count > 100000);
    assert_true(world.budget.bytes < before + 1024 * 1024);
    witness_check(&witness);
    stranger_close(&stranger);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_handler_that_never_answers_holds_up_nobody_else),
        cmocka_unit_test(test_a_handler_that_does_not_read_is_not_asked_without_end),
        cmocka_unit_test(test_a_handler_that_floods_lets_nobody_in_and_stops_nobody),
    };
    return cmocka_run_group_tests_name("zap_handler", tests, NULL, NULL);
}
