// What the daemon says to peers that are not its client: raw sockets that send whatever they like.
#include "pair.h"

static const enum garden_lane lanes[] = {GARDEN_LANE_CONTROL, GARDEN_LANE_SHELL, GARDEN_LANE_QUERY};
static const enum garden_family requests[] = {GARDEN_CONTROL_REQUEST, GARDEN_SHELL_REQUEST,
                                              GARDEN_QUERY_REQUEST};
static const enum garden_family replies[] = {GARDEN_CONTROL_REPLY, GARDEN_SHELL_REPLY,
                                             GARDEN_QUERY_REPLY};
enum { LANES = sizeof lanes / sizeof *lanes };

static const struct garden_uuid msg_id = {{7, 7, 7}}, session = {{9}};

struct stranger {
    struct node node;
    struct garden_message reply; // the last one
    struct garden_form form;
};

static void stranger_hears(struct node *node, struct zmtp_msg *msg)
{
    struct stranger *stranger = node->other;
    garden_message_fini(&stranger->reply);
    const struct zmtp_bytes body = zmtp_msg_bytes(msg, msg->count - 1);
    assert_int_equal(garden_message_decode(&stranger->reply, body, NULL, &stranger->form, NULL),
                     GARDEN_OK);
}

static void stranger_open(struct stranger *stranger, struct pair *pair, enum zmtp_socket_type type,
                          enum garden_lane lane)
{
    *stranger = (struct stranger){.reply = {.family = GARDEN_FAMILY_NONE}};
    node_start(&stranger->node, &pair->world, type);
    stranger->node.act = stranger_hears;
    stranger->node.other = stranger;
    node_connect(&stranger->node, pair->endpoints.of[lane]);
    WORLD_UNTIL(&pair->world, stranger->node.events[ZMTP_EVENT_HANDSHAKE_DONE]);
}

static void stranger_close(struct stranger *stranger)
{
    garden_message_fini(&stranger->reply);
    node_close(&stranger->node);
}

static void stranger_says(struct stranger *stranger, struct zmtp_bytes octets)
{
    const size_t before = stranger->node.received;
    assert_int_equal(zmtp_uv_send(stranger->node.socket, &octets, 1), ZMTP_OK);
    WORLD_UNTIL(stranger->node.world, stranger->node.received == before + 1);
}

// The text of the Error that the last reply must be.
static struct garden_text stranger_error(const struct stranger *stranger, enum garden_family family)
{
    const struct garden_message *reply = &stranger->reply;
    assert_int_equal(reply->family, family);
    if (family == GARDEN_CONTROL_REPLY) {
        assert_int_equal(reply->control_reply.kind, GARDEN_CONTROL_REPLY_ERROR);
        return reply->control_reply.error.error;
    }
    if (family == GARDEN_QUERY_REPLY) {
        assert_int_equal(reply->query_reply.kind, GARDEN_QUERY_REPLY_ERROR);
        return reply->query_reply.error.error;
    }
    assert_int_equal(reply->shell_reply.kind, GARDEN_REPLY_ERROR);
    return reply->shell_reply.error.error;
}

static bool text_has(struct garden_text text, const char *part)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%.*s", (int)text.size, text.data ? text.data : "");
    return strstr(whole, part) != NULL;
}

static void message_of(enum garden_family family, struct garden_message *message)
{
    const struct garden_time now = {.seconds = 1700000000};
    garden_message_init(message, family, msg_id, session, now);
    if (family == GARDEN_QUERY_REQUEST) message->query_request.query = garden_text_of("q");
    if (family == GARDEN_SHELL_REQUEST) message->shell_request.kind = GARDEN_SHELL_PLAY;
}

static void say_message(struct stranger *stranger, const struct garden_message *message,
                        enum garden_encoding encoding)
{
    struct garden_buffer octets;
    garden_buffer_init(&octets, NULL, 0);
    const struct garden_form form = {encoding, GARDEN_EXTERNAL};
    assert_int_equal(garden_message_encode(message, form, &octets, NULL), GARDEN_OK);
    stranger_says(stranger, garden_buffer_bytes(&octets));
    garden_buffer_fini(&octets);
}

static void assert_parent(const struct stranger *stranger)
{
    assert_true(stranger->reply.has_parent);
    assert_true(garden_uuid_equal(stranger->reply.parent.msg_id, msg_id));
    assert_true(garden_uuid_equal(stranger->reply.header.session, session));
}

// Runs |with| for DEALER and REQ on each lane, and then sees that the daemon still serves its client.
static void on_each_lane(void (*with)(struct stranger *stranger, struct pair *pair, size_t lane))
{
    static const enum zmtp_socket_type types[] = {ZMTP_DEALER, ZMTP_REQ};
    struct pair pair;
    pair_start(&pair, ZMTP_IPC);
    for (size_t i = 0; i < 2 * LANES; i++) {
        struct stranger stranger;
        stranger_open(&stranger, &pair, types[i % 2], lanes[i / 2]);
        with(&stranger, &pair, i / 2);
        stranger_close(&stranger);
        pair_converse(&pair);
    }
    pair_close(&pair);
}

static void say_garbage(struct stranger *stranger, struct pair *pair, size_t lane)
{
    static const char *const garbage[] = {
        "",      " ",
        "hello", "{",
        "[]",    "{}",
        "null",  "\xc1",
        "\x94",  "\xdf\xff\xff\xff\xff",
        "\x81",  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    };
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        stranger_says(stranger, zmtp_bytes_text(garbage[i]));
        assert_true(stranger_error(stranger, replies[lane]).size > 0);
        assert_false(stranger->reply.has_parent);
        assert_true(
            garden_uuid_equal(stranger->reply.header.session, garden_server_session(pair->server)));
    }
}

static void test_what_cannot_be_read_is_answered_with_an_error_of_the_lane(void **state)
{
    (void)state;
    on_each_lane(say_garbage);
}

static void say_foreign_version(struct stranger *stranger, struct pair *pair, size_t lane)
{
    (void)pair;
    for (int i = 0; i < 2; i++) {
        struct garden_message message;
        message_of(requests[lane], &message);
        message.header.version = garden_text_of("0.2.0");
        say_message(stranger, &message, i ? GARDEN_JSON : GARDEN_MSGPACK);
        assert_true(text_has(stranger_error(stranger, replies[lane]), "version"));
        assert_parent(stranger);
        assert_true(garden_text_is(stranger->reply.parent.version, "0.2.0"));
        assert_int_equal(stranger->form.encoding, i ? GARDEN_JSON : GARDEN_MSGPACK);
    }
}

static void test_another_version_is_answered_with_an_error_and_its_own_header(void **state)
{
    (void)state;
    on_each_lane(say_foreign_version);
}

static void say_unknown_type(struct stranger *stranger, struct pair *pair, size_t lane)
{
    (void)pair;
    struct garden_message message;
    message_of(requests[lane], &message);
    message.header.msg_type = garden_text_of("shell_wish");
    say_message(stranger, &message, GARDEN_JSON);
    assert_true(text_has(stranger_error(stranger, replies[lane]), "msg_type"));
    assert_parent(stranger);
    assert_true(garden_text_is(stranger->reply.parent.msg_type, "shell_wish"));
}

static void test_an_unknown_type_is_answered_with_an_error_and_its_own_header(void **state)
{
    (void)state;
    on_each_lane(say_unknown_type);
}

static void say_what_belongs_elsewhere(struct stranger *stranger, struct pair *pair, size_t lane)
{
    for (unsigned family = 0; family < GARDEN_FAMILY_NONE; family++) {
        if (family == requests[lane]) continue;
        struct garden_message message;
        message_of((enum garden_family)family, &message);
        say_message(stranger, &message, GARDEN_MSGPACK);
        assert_true(text_has(stranger_error(stranger, replies[lane]), "lane"));
        assert_parent(stranger);
    }
    assert_int_equal(pair->requested % 3, 0); // only what the client asked between strangers
}

static void test_requests_of_another_lane_replies_and_events_are_refused(void **state)
{
    (void)state;
    on_each_lane(say_what_belongs_elsewhere);
}

#define JSON_REQUEST(type, content)                                                                \
    "{\"header\":{\"msg_id\":\"07070700-0000-0000-0000-000000000000\",\"session\":"                \
    "\"09000000-0000-0000-0000-000000000000\",\"msg_type\":\"" type                                \
    "\",\"version\":\"0.1.0\",\"timestamp\":\"2026-01-01T00:00:00Z\"},\"parent_header\":null,"     \
    "\"metadata\":{},\"content\":" content "}"

static void test_content_that_cannot_be_read_is_answered_with_its_own_header(void **state)
{
    (void)state;
    static const char *const broken[] = {
        JSON_REQUEST("shell_request", "\"Juggle\""),
        JSON_REQUEST("shell_request", "{\"Seek\":[\"x\"]}"),
        JSON_REQUEST("shell_request", "{\"Seek\":[1e999]}"),
        JSON_REQUEST("shell_request", "{\"Seek\":[]}"),
        JSON_REQUEST("shell_request", "null"),
        JSON_REQUEST("shell_request", "{\"Seek\":[1.0]}") "x",
    };
    struct pair pair;
    struct stranger stranger;
    pair_start(&pair, ZMTP_TCP);
    stranger_open(&stranger, &pair, ZMTP_REQ, GARDEN_LANE_SHELL);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        stranger_says(&stranger, zmtp_bytes_text(broken[i]));
        assert_true(stranger_error(&stranger, GARDEN_SHELL_REPLY).size > 0);
        assert_parent(&stranger);
    }
    assert_int_equal(pair.requested, 0);
    // White space after a document is no trailing octet.
    stranger_says(&stranger,
                  zmtp_bytes_text(JSON_REQUEST("shell_request", "{\"Seek\":[1.0]}") " "));
    assert_int_equal(stranger.reply.shell_reply.kind, GARDEN_REPLY_OK);
    assert_int_equal(garden_server_counters(pair.server).errors, 6);
    stranger_close(&stranger);
    pair_close(&pair);
}

static void ask_well(struct stranger *stranger, struct pair *pair, size_t lane)
{
    (void)pair;
    struct garden_message message;
    message_of(requests[lane], &message);
    message.header.msg_id.octets[15] = (uint8_t)(stranger->node.config.socket.type << 4 | lane);
    say_message(stranger, &message, GARDEN_JSON);
    assert_int_equal(stranger->reply.family, replies[lane]);
    assert_true(stranger->reply.has_parent);
    assert_int_equal(stranger->form.encoding,
                     GARDEN_JSON); // though the daemon's own is MessagePack
}

static void test_a_request_with_an_empty_delimiter_is_answered_through_it(void **state)
{
    (void)state;
    on_each_lane(ask_well); // a REQ takes nothing without its delimiter
}

static void test_an_envelope_of_many_parts_comes_back_whole(void **state)
{
    (void)state;
    struct pair pair;
    struct stranger stranger;
    pair_start(&pair, ZMTP_INPROC);
    stranger_open(&stranger, &pair, ZMTP_DEALER, GARDEN_LANE_SHELL);
    node_send(&stranger.node, "one|two||three|{broken");
    WORLD_UNTIL(&pair.world, stranger.node.received == 1);
    assert_memory_equal(stranger.node.last, "one|two||three|{\"header\":", 25);
    stranger_close(&stranger);
    pair_close(&pair);
}

static void test_a_requester_that_leaves_costs_only_its_own_reply(void **state)
{
    (void)state;
    struct pair pair;
    struct stranger stranger;
    struct garden_message message;
    struct garden_buffer octets;
    pair_start(&pair, ZMTP_TCP);
    pair.hold = true;
    stranger_open(&stranger, &pair, ZMTP_DEALER, GARDEN_LANE_SHELL);
    message_of(GARDEN_SHELL_REQUEST, &message);
    garden_buffer_init(&octets, NULL, 0);
    const struct garden_form form = {GARDEN_JSON, GARDEN_EXTERNAL};
    assert_int_equal(garden_message_encode(&message, form, &octets, NULL), GARDEN_OK);
    const struct zmtp_bytes part = garden_buffer_bytes(&octets);
    assert_int_equal(zmtp_uv_send(stranger.node.socket, &part, 1), ZMTP_OK);
    garden_buffer_fini(&octets);
    WORLD_UNTIL(&pair.world, pair.held_count == 1);
    stranger_close(&stranger);
    pair.hold = false;
    pair_converse(&pair); // by then the daemon knows that the stranger went
    world_rest(&pair.world, 20);
    pair_answer(&pair, pair.held[0]);
    assert_int_equal(garden_server_counters(pair.server).undeliverable, 1);
    pair_converse(&pair);
    pair_close(&pair);
}

// ---- Heartbeat

static void test_any_octets_are_echoed_on_the_heartbeat(void **state)
{
    (void)state;
    static const char *const pings[] = {"", "x", "ping", "many||parts|", "\x01\x02", "{\"a\":1}"};
    struct pair pair;
    struct node requester;
    pair_start(&pair, ZMTP_TCP);
    node_start(&requester, &pair.world, ZMTP_REQ);
    node_connect(&requester, pair.endpoints.of[GARDEN_LANE_HEARTBEAT]);
    WORLD_UNTIL(&pair.world, requester.events[ZMTP_EVENT_HANDSHAKE_DONE]);
    for (size_t i = 0; i < sizeof pings / sizeof *pings; i++) {
        node_send(&requester, pings[i]);
        WORLD_UNTIL(&pair.world, requester.received == i + 1);
        assert_string_equal(requester.last, pings[i]);
    }
    node_close(&requester);
    pair_close(&pair);
}

static void echo_is_large(struct node *node, struct zmtp_msg *msg)
{
    node->count = zmtp_msg_size(msg);
}

static void test_a_large_ping_and_one_that_nobody_waits_for_wedge_nothing(void **state)
{
    (void)state;
    enum { SIZE = 3 * 1024 * 1024 };
    struct pair pair;
    struct node quitter, requester;
    uint8_t *octets = calloc(1, SIZE);
    assert_non_null(octets);
    pair_start(&pair, ZMTP_TCP);
    for (int i = 0; i < 5; i++) {
        node_start(&quitter, &pair.world, ZMTP_REQ);
        node_connect(&quitter, pair.endpoints.of[GARDEN_LANE_HEARTBEAT]);
        WORLD_UNTIL(&pair.world, quitter.events[ZMTP_EVENT_HANDSHAKE_DONE]);
        node_send(&quitter, "who cares");
        node_close(&quitter);
    }
    node_start(&requester, &pair.world, ZMTP_REQ);
    requester.act = echo_is_large;
    node_connect(&requester, pair.endpoints.of[GARDEN_LANE_HEARTBEAT]);
    WORLD_UNTIL(&pair.world, requester.events[ZMTP_EVENT_HANDSHAKE_DONE]);
    const struct zmtp_bytes part = zmtp_bytes_of(octets, SIZE);
    assert_int_equal(zmtp_uv_send(requester.socket, &part, 1), ZMTP_OK);
    WORLD_UNTIL(&pair.world, requester.received == 1);
    assert_int_equal(requester.count, SIZE);
    free(octets);
    node_close(&requester);
    pair_close(&pair);
}

static void test_a_request_of_many_mebibytes_closes_its_connection(void **state)
{
    (void)state;
    enum { SIZE = 5 * 1024 * 1024 };
    struct pair pair;
    struct node stranger;
    uint8_t *octets = calloc(1, SIZE);
    assert_non_null(octets);
    pair_start(&pair, ZMTP_TCP);
    for (size_t lane = 0; lane < GARDEN_LANES; lane++) {
        if (lane == GARDEN_LANE_IOPUB) continue; // where nobody sends
        node_start(&stranger, &pair.world, ZMTP_DEALER);
        node_connect(&stranger, pair.endpoints.of[lane]);
        WORLD_UNTIL(&pair.world, stranger.events[ZMTP_EVENT_HANDSHAKE_DONE]);
        const struct zmtp_bytes part = zmtp_bytes_of(octets, SIZE);
        assert_int_equal(zmtp_uv_send(stranger.socket, &part, 1), ZMTP_OK);
        WORLD_UNTIL(&pair.world, stranger.events[ZMTP_EVENT_CLOSED]);
        assert_int_equal(stranger.received, 0);
        node_close(&stranger);
    }
    free(octets);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_cannot_be_read_is_answered_with_an_error_of_the_lane),
        cmocka_unit_test(test_another_version_is_answered_with_an_error_and_its_own_header),
        cmocka_unit_test(test_an_unknown_type_is_answered_with_an_error_and_its_own_header),
        cmocka_unit_test(test_requests_of_another_lane_replies_and_events_are_refused),
        cmocka_unit_test(test_content_that_cannot_be_read_is_answered_with_its_own_header),
        cmocka_unit_test(test_a_request_with_an_empty_delimiter_is_answered_through_it),
        cmocka_unit_test(test_an_envelope_of_many_parts_comes_back_whole),
        cmocka_unit_test(test_a_requester_that_leaves_costs_only_its_own_reply),
        cmocka_unit_test(test_any_octets_are_echoed_on_the_heartbeat),
        cmocka_unit_test(test_a_large_ping_and_one_that_nobody_waits_for_wedge_nothing),
        cmocka_unit_test(test_a_request_of_many_mebibytes_closes_its_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
