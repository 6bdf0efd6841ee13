// Clients and daemons that come, go, come back and are closed at the worst of moments.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pair.h"

static const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC};
enum { TRANSPORTS = sizeof transports / sizeof *transports };

static void open_quick(struct pair *pair, enum zmtp_transport transport)
{
    pair_open(pair, transport);
    pair->client_config.ping_interval_ms = 40;
}

static void test_three_missed_pings_are_told_as_death_and_an_answer_as_life(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct pair pair;
        open_quick(&pair, transports[i]);
        pair_server_start(&pair);
        pair_client_start(&pair);
        WORLD_UNTIL(&pair.world, pair_met(&pair));
        for (unsigned round = 1; round <= 2; round++) {
            pair_server_stop(&pair);
            WORLD_UNTIL(&pair.world, garden_client_state(pair.client) == GARDEN_CLIENT_DEAD);
            assert_true(pair.states[GARDEN_CLIENT_DEAD] >= round); // a busy machine may add some
            assert_int_equal(pair.lanes_down, round * GARDEN_LANES);
            pair_server_start(&pair);
            WORLD_UNTIL(&pair.world, pair_met(&pair));
            assert_true(pair.states[GARDEN_CLIENT_ALIVE] >= round + 1);
        }
        pair_converse(&pair);
        pair_close(&pair);
    }
}

static void ignore(struct node *node, struct zmtp_msg *msg)
{
    (void)node;
    (void)msg;
}

static void test_a_daemon_that_is_connected_but_silent_dies_too(void **state)
{
    (void)state;
    struct pair pair;
    struct node deaf;
    open_quick(&pair, ZMTP_IPC);
    pair_server_start(&pair);
    pair_client_start(&pair);
    WORLD_UNTIL(&pair.world, pair_met(&pair));
    pair_server_stop(&pair);
    node_start(&deaf, &pair.world, ZMTP_ROUTER);
    deaf.act = ignore;
    node_bind(&deaf, pair.endpoints.of[GARDEN_LANE_HEARTBEAT]);
    WORLD_UNTIL(&pair.world, garden_client_lane_up(pair.client, GARDEN_LANE_HEARTBEAT) &&
                                 garden_client_state(pair.client) == GARDEN_CLIENT_DEAD);
    node_close(&deaf);
    pair_close(&pair);
}

static void test_a_request_under_way_is_asked_again_of_the_next_daemon(void **state)
{
    (void)state;
    // At once: the new daemon listens before the loop has turned, and the old one still closes.
    for (size_t i = 0; i < TRANSPORTS * 2; i++) {
        const bool at_once = i % 2;
        struct pair pair;
        struct asked shell = {0}, control = {0}, query = {0};
        const struct garden_uuid id = {{4, 2}};
        open_quick(&pair, transports[i / 2]);
        pair.hold = true;
        pair_server_start(&pair);
        pair_client_start(&pair);
        assert_int_equal(ask_seek(&pair, pair.client, 5, &id, 0, &shell), GARDEN_OK);
        assert_int_equal(ask_control(&pair, GARDEN_CONTROL_PAUSE, &control), GARDEN_OK);
        assert_int_equal(ask_query(&pair, "q", 0, &query), GARDEN_OK);
        WORLD_UNTIL(&pair.world, pair.held_count == 3);
        if (at_once)
            pair_server_leave(&pair);
        else
            pair_server_stop(&pair);
        pair_server_start(&pair);
        WORLD_UNTIL(&pair.world, pair.held_count == 3);
        for (size_t k = 0; k < 3; k++) {
            const struct garden_request *request = pair.held[k];
            if (request->lane == GARDEN_LANE_SHELL)
                assert_true(garden_uuid_equal(request->message.header.msg_id, id));
            pair_answer(&pair, pair.held[k]);
        }
        WORLD_UNTIL(&pair.world, shell.answers && control.answers && query.answers);
        assert_true(shell.result == GARDEN_OK && shell.beat == 5);
        assert_int_equal(control.result, GARDEN_OK);
        assert_string_equal(query.text, "q");
        assert_int_equal(garden_client_counters(pair.client).resent, 3);
        pair.hold = false;
        WORLD_UNTIL(&pair.world, pair_met(&pair));
        pair_converse(&pair);
        pair_close(&pair);
    }
}

// A listener's first guest is told ERROR, by which an engine gives up dialling.
static void refuse_one(struct world *world, int listener)
{
    static const char refusal[] = "\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                  "\4\11\5ERROR\2no";
    char heard[256];
    int guest;
    while ((guest = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) < 0)
        world_turn(world);
    assert_int_equal(write(guest, refusal, sizeof refusal - 1), sizeof refusal - 1);
    while (recv(guest, heard, sizeof heard, MSG_DONTWAIT) != 0) // until the other side closes
        world_turn(world);
    close(guest);
}

static void test_a_lane_that_refused_us_is_dialled_again(void **state)
{
    (void)state;
    struct pair pair;
    struct asked asked = {0};
    open_quick(&pair, ZMTP_TCP);
    const int listener = world_listen(pair.endpoints.of[GARDEN_LANE_SHELL]);
    assert_int_equal(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
    pair_client_start(&pair);
    assert_int_equal(ask_seek(&pair, pair.client, 5, NULL, 0, &asked), GARDEN_OK);
    refuse_one(&pair.world, listener);
    refuse_one(&pair.world, listener); // it came again
    close(listener);
    assert_int_equal(asked.answers, 0);
    pair_server_start(&pair);
    WORLD_UNTIL(&pair.world, asked.answers);
    assert_true(asked.result == GARDEN_OK && asked.beat == 5);
    pair_close(&pair);
}

// ---- What the close of a daemon still says

static void answer_publish_and_leave(struct pair *pair, struct garden_request *request)
{
    const struct garden_event status = {
        .kind = GARDEN_EVENT_STATUS, .status = {.execution_state = GARDEN_EXECUTION_SHUTTING_DOWN}};
    struct garden_message reply = {.family = GARDEN_CONTROL_REPLY};
    reply.control_reply.kind = GARDEN_CONTROL_REPLY_SHUTTING_DOWN;
    assert_int_equal(garden_server_publish(pair->server, &status, NULL, 0), GARDEN_OK);
    garden_server_reply(pair->server, request, &reply);
    pair_server_leave(pair);
}

static void test_a_daemon_that_closes_sends_its_replies_and_events_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct pair pair;
        struct asked asked = {0};
        const struct garden_event started = {.kind = GARDEN_EVENT_PLAYBACK_STARTED};
        pair_start(&pair, transports[i]);
        while (pair.events == 0) {
            assert_int_equal(garden_server_publish(pair.server, &started, NULL, 0), GARDEN_OK);
            world_turn(&pair.world);
        }
        pair.on_request = answer_publish_and_leave;
        assert_int_equal(ask_control(&pair, GARDEN_CONTROL_SHUTDOWN, &asked), GARDEN_OK);
        WORLD_UNTIL(&pair.world, asked.answers && strcmp(pair.event, "Status") == 0);
        assert_int_equal(asked.kind, GARDEN_CONTROL_REPLY_SHUTTING_DOWN);
        WORLD_UNTIL(&pair.world, pair.server_closed);
        pair_close(&pair);
    }
}

static void test_a_daemon_that_closes_drops_what_it_has_not_answered(void **state)
{
    (void)state;
    struct pair pair;
    struct asked asked[3] = {{0}};
    pair_start(&pair, ZMTP_INPROC);
    pair.hold = true;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ask_seek(&pair, pair.client, 1, NULL, 0, &asked[i]), GARDEN_OK);
    WORLD_UNTIL(&pair.world, pair.held_count == 3);
    pair_server_stop(&pair);
    pair_client_stop(&pair);
    for (size_t i = 0; i < 3; i++)
        assert_true(asked[i].answers == 1 && asked[i].result == GARDEN_ERR_DEAD);
    pair_close(&pair);
}

// ---- Closing a client from its own callbacks

static void client_leaves(struct pair *pair)
{
    if (pair->client) pair_client_leave(pair);
}

static void test_a_client_may_close_itself_in_the_first_callback_and_any_later_one(void **state)
{
    (void)state;
    for (size_t skip = 0; skip <= GARDEN_LANES + 1; skip++) {
        struct pair pair;
        struct asked asked[2] = {{0}};
        pair_open(&pair, ZMTP_IPC);
        pair.hold = true;
        pair_server_start(&pair);
        pair_client_start(&pair);
        assert_int_equal(ask_seek(&pair, pair.client, 1, NULL, 0, &asked[0]), GARDEN_OK);
        assert_int_equal(ask_query(&pair, "q", 0, &asked[1]), GARDEN_OK);
        WORLD_UNTIL(&pair.world, pair.lanes_up + pair.states[GARDEN_CLIENT_ALIVE] >= skip);
        pair.touch = client_leaves; // the last rounds meet an event
        const struct garden_event event = {.kind = GARDEN_EVENT_PLAYBACK_STARTED};
        while (!pair.client_closed) {
            assert_int_equal(garden_server_publish(pair.server, &event, NULL, 0), GARDEN_OK);
            world_turn(&pair.world);
        }
        for (size_t i = 0; i < 2; i++)
            assert_true(asked[i].answers == 1 && asked[i].result == GARDEN_ERR_DEAD);
        pair_close(&pair);
    }
}

static void answer_closes(struct asked *asked)
{
    struct pair *pair = asked->pair;
    struct garden_client *const client = pair->client;
    if (!client) return;
    pair_client_leave(pair);
    garden_client_close(client, NULL, NULL); // once more, in vain
    garden_client_ping(client);
    assert_int_equal(ask_seek(pair, client, 1, NULL, 0, asked), GARDEN_ERR_STATE);
}

static void test_a_client_may_close_itself_in_an_answer_or_a_timeout(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct pair pair;
        struct asked asked[4] = {{0}};
        pair_start(&pair, ZMTP_IPC);
        pair.hold = late;
        for (size_t i = 0; i < 4; i++) {
            asked[i].then = answer_closes;
            assert_int_equal(ask_seek(&pair, pair.client, 1, NULL, late ? 5 : 0, &asked[i]),
                             GARDEN_OK);
        }
        WORLD_UNTIL(&pair.world, pair.client_closed);
        assert_int_equal(asked[0].result, late ? GARDEN_ERR_TIMEOUT : GARDEN_OK);
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(asked[i].answers, 1);
            if (i > 0) assert_int_equal(asked[i].result, GARDEN_ERR_DEAD);
        }
        pair_close(&pair);
    }
}

static void dead_asks_again(struct asked *asked)
{
    if (asked->result == GARDEN_ERR_DEAD)
        assert_int_equal(ask_seek(asked->pair, asked->pair->client, 1, NULL, 0, asked),
                         GARDEN_ERR_STATE);
}

static void test_a_closing_client_takes_no_request(void **state)
{
    (void)state;
    struct pair pair;
    struct asked asked = {.then = dead_asks_again};
    pair_open(&pair, ZMTP_IPC);
    pair_client_start(&pair);
    assert_int_equal(ask_seek(&pair, pair.client, 1, NULL, 0, &asked), GARDEN_OK);
    pair_client_stop(&pair);
    assert_int_equal(asked.answers, 1);
    pair_close(&pair);
}

static void answer_asks_again(struct asked *asked)
{
    if (asked->answers < 50)
        assert_int_equal(ask_seek(asked->pair, asked->pair->client, asked->answers, NULL, 0, asked),
                         GARDEN_OK);
}

static void test_an_answer_may_ask_again(void **state)
{
    (void)state;
    struct pair pair;
    struct asked asked = {.then = answer_asks_again};
    pair_start(&pair, ZMTP_INPROC);
    assert_int_equal(ask_seek(&pair, pair.client, 0, NULL, 0, &asked), GARDEN_OK);
    WORLD_UNTIL(&pair.world, asked.answers == 50);
    assert_true(asked.beat == 49);
    pair_close(&pair);
}

// ---- Daemons that do not keep to the protocol

static const struct garden_message *sly_reply; // but for its parent

static void answer_slyly(struct node *node, struct zmtp_msg *msg)
{
    struct garden_message request, reply;
    struct garden_form form = {GARDEN_MSGPACK, GARDEN_EXTERNAL};
    struct garden_buffer octets;
    const struct zmtp_bytes body = zmtp_msg_bytes(msg, msg->count - 1);
    assert_int_equal(garden_message_decode(&request, body, NULL, &form, NULL), GARDEN_OK);
    garden_message_reply(&reply, &request, sly_reply->family, request.header.msg_id,
                         request.header.timestamp);
    const struct garden_header header = reply.header, parent = reply.parent;
    reply = *sly_reply;
    reply.header = header;
    reply.parent = parent;
    reply.has_parent = true;
    garden_buffer_init(&octets, NULL, 0);
    assert_int_equal(garden_message_encode(&reply, form, &octets, NULL), GARDEN_OK);
    const struct zmtp_bytes parts[] = {zmtp_msg_bytes(msg, 0), garden_buffer_bytes(&octets)};
    assert_int_equal(zmtp_uv_send(node->socket, parts, 2), ZMTP_OK);
    garden_buffer_fini(&octets);
    garden_message_fini(&request);
}

// G24: it ends the request that it answers, and says why; nobody reads it as what it is not.
static void test_a_reply_of_another_family_reaches_nobody(void **state)
{
    (void)state;
    struct garden_message sly[4] = {{.family = GARDEN_CONTROL_REPLY},
                                    {.family = GARDEN_QUERY_REPLY},
                                    {.family = GARDEN_SHELL_REQUEST},
                                    {.family = GARDEN_EVENT}};
    sly[2].shell_request.kind = GARDEN_SHELL_PLAY;
    sly[3].event.kind = GARDEN_EVENT_PLAYBACK_STARTED;
    struct pair pair;
    struct node daemon;
    pair_open(&pair, ZMTP_IPC);
    node_start(&daemon, &pair.world, ZMTP_ROUTER);
    daemon.act = answer_slyly;
    node_bind(&daemon, pair.endpoints.of[GARDEN_LANE_SHELL]);
    pair_client_start(&pair);
    for (size_t i = 0; i < sizeof sly / sizeof *sly; i++) {
        struct asked asked = {0};
        sly_reply = &sly[i];
        assert_int_equal(ask_seek(&pair, pair.client, 1, NULL, 0, &asked), GARDEN_OK);
        WORLD_UNTIL(&pair.world, asked.answers);
        assert_int_equal(asked.result, GARDEN_ERR_TYPE);
        assert_int_equal(garden_client_counters(pair.client).malformed, i + 1);
    }
    assert_int_equal(pair.events, 0);
    node_close(&daemon);
    pair_close(&pair);
}

static void publish_number(struct node *daemon, uint64_t seq)
{
    struct garden_message event;
    struct garden_buffer octets;
    struct garden_entry entry = garden_entry_of("seq", garden_value_uint(seq));
    const struct garden_uuid nobody = {{0}};
    const struct garden_time now = {.seconds = 1};
    const struct garden_form form = {GARDEN_JSON, GARDEN_EXTERNAL};
    garden_message_init(&event, GARDEN_EVENT, nobody, nobody, now);
    event.event.kind = GARDEN_EVENT_PLAYBACK_STARTED;
    event.metadata = (struct garden_map){&entry, 1};
    garden_buffer_init(&octets, NULL, 0);
    assert_int_equal(garden_message_encode(&event, form, &octets, NULL), GARDEN_OK);
    const struct zmtp_bytes part = garden_buffer_bytes(&octets);
    assert_int_equal(zmtp_uv_send(daemon->socket, &part, 1), ZMTP_OK);
    garden_buffer_fini(&octets);
}

static void test_missed_events_are_counted_by_the_gaps_of_their_numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t seq, missed; // in all
    } steps[] = {{7, 0}, {8, 0}, {11, 2}, {12, 2}, {0, 2}, {1, 2}, {5, 5}};
    struct pair pair;
    struct node daemon;
    pair_open(&pair, ZMTP_IPC);
    node_start(&daemon, &pair.world, ZMTP_PUB);
    node_bind(&daemon, pair.endpoints.of[GARDEN_LANE_IOPUB]);
    pair_client_start(&pair);
    WORLD_UNTIL(&pair.world, zmtp_uv_subscribers(daemon.socket) == 1);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        publish_number(&daemon, steps[i].seq);
        WORLD_UNTIL(&pair.world, pair.events == i + 1);
        assert_int_equal(pair.seq, steps[i].seq);
        assert_int_equal(garden_client_counters(pair.client).events_missed, steps[i].missed);
    }
    node_send(&daemon, "no message");
    WORLD_UNTIL(&pair.world, garden_client_counters(pair.client).malformed == 1);
    assert_int_equal(pair.events, sizeof steps / sizeof *steps);
    node_close(&daemon);
    pair_close(&pair);
}

// ---- Opening

static void test_a_second_daemon_on_the_same_folder_is_told_so_and_harms_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct pair pair;
        struct garden_server *second;
        struct garden_error error = {0};
        pair_start(&pair, transports[i]);
        assert_int_equal(garden_server_open(&second, pair.world.uv, &pair.server_config, &error),
                         GARDEN_ERR_EXISTS);
        assert_null(second);
        assert_int_equal(error.code, GARDEN_ERR_EXISTS);
        assert_non_null(strstr(error.text, "control"));
        assert_non_null(strstr(error.text, i == 2 ? "bound already" : "in use"));
        world_rest(&pair.world, 20);
        assert_int_equal(pair.lanes_down, 0);
        pair_converse(&pair);
        pair_close(&pair);
    }
}

static void test_a_daemon_binds_all_of_its_lanes_or_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < GARDEN_LANES; i++) {
        struct pair pair;
        struct garden_server *server;
        struct garden_error error = {0};
        struct node squatter;
        pair_open(&pair, ZMTP_IPC);
        node_start(&squatter, &pair.world, ZMTP_ROUTER);
        node_bind(&squatter, pair.endpoints.of[i]);
        pair.server_config.endpoints = pair.endpoints;
        pair.server_config.on_request = pair_on_request;
        assert_int_equal(garden_server_open(&server, pair.world.uv, &pair.server_config, &error),
                         GARDEN_ERR_EXISTS);
        assert_non_null(strstr(error.text, garden_lane_name((enum garden_lane)i)));
        node_close(&squatter);
        pair_server_start(&pair); // nothing of the first try is in its way
        pair_close(&pair);
    }
}

static void test_a_daemon_tells_the_ports_it_was_given(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, ZMTP_TCP);
    assert_int_equal(garden_endpoints_tcp(&pair.endpoints, "127.0.0.1", 0), GARDEN_OK);
    pair_server_start(&pair);
    pair.endpoints = *garden_server_endpoints(pair.server);
    for (size_t i = 0; i < GARDEN_LANES; i++)
        assert_null(strstr(pair.endpoints.of[i], ":0"));
    pair_client_start(&pair);
    pair_converse(&pair);
    pair_close(&pair);
}

static void test_bad_configs_are_refused_with_a_line(void **state)
{
    (void)state;
    struct pair pair;
    struct garden_client *client;
    struct garden_server *server;
    struct garden_error error = {0};
    pair_open(&pair, ZMTP_IPC);
    struct garden_client_config bad[4];
    for (size_t i = 0; i < 4; i++)
        bad[i] = pair.client_config, bad[i].endpoints = pair.endpoints;
    bad[0].ping_interval_ms = 0;
    bad[1].pings_missed_max = 0;
    bad[2].request_timeout_ms = 0;
    strcpy(bad[3].endpoints.of[GARDEN_LANE_QUERY], "carrier-pigeon://loft");
    for (size_t i = 0; i < 4; i++) {
        error.text[0] = 0;
        assert_int_equal(
            garden_client_open(&client, pair.world.uv, &pair.world.loop, &bad[i], &error),
            GARDEN_ERR_ARGUMENT);
        assert_null(client);
        assert_true(error.text[0] != 0);
    }
    assert_int_equal(garden_server_open(&server, pair.world.uv, &pair.server_config, &error),
                     GARDEN_ERR_ARGUMENT); // without on_request
    pair.server_config.on_request = pair_on_request;
    pair.server_config.endpoints = bad[3].endpoints;
    assert_int_equal(garden_server_open(&server, pair.world.uv, &pair.server_config, &error),
                     GARDEN_ERR_ARGUMENT);
    assert_non_null(strstr(error.text, "query"));
    strcpy(pair.server_config.endpoints.of[GARDEN_LANE_QUERY], "ipc:///no/such/folder/query");
    assert_int_equal(garden_server_open(&server, pair.world.uv, &pair.server_config, &error),
                     GARDEN_ERR_NOT_FOUND);
    pair_close(&pair);
}

static void not_called(struct garden_client *client, int result, const struct garden_message *reply,
                       void *user)
{
    (void)client;
    (void)result;
    (void)reply;
    (void)user;
    fail();
}

static void test_calls_without_a_client_a_request_or_an_answer_are_refused(void **state)
{
    (void)state;
    struct pair pair;
    struct garden_error error;
    struct garden_client *client;
    const struct garden_answer answer = {.call = not_called};
    const struct garden_shell_request shell = {.kind = GARDEN_SHELL_PLAY};
    const struct garden_control_request control = {.kind = GARDEN_CONTROL_DEBUG_DUMP};
    const struct garden_query_request query = {0};
    const struct garden_uuid nobody = {{0}};
    pair_open(&pair, ZMTP_IPC);
    const struct garden_client_config *config = &pair.client_config;
    struct zmtp_uv *uv = pair.world.uv;
    uv_loop_t *loop = &pair.world.loop;
    assert_int_equal(garden_client_open(NULL, uv, loop, config, &error), GARDEN_ERR_ARGUMENT);
    assert_int_equal(garden_client_open(&client, NULL, loop, config, &error), GARDEN_ERR_ARGUMENT);
    assert_int_equal(garden_client_open(&client, uv, NULL, config, &error), GARDEN_ERR_ARGUMENT);
    assert_int_equal(garden_client_open(&client, uv, loop, NULL, NULL), GARDEN_ERR_ARGUMENT);
    assert_null(client);
    pair_client_start(&pair);
    for (int i = 0; i < 3; i++) { // without the one, without another, without any
        client = i == 1 ? pair.client : NULL;
        const struct garden_answer *to = i == 0 ? &answer : NULL;
        assert_int_equal(garden_client_shell(client, &shell, to), GARDEN_ERR_ARGUMENT);
        assert_int_equal(garden_client_control(client, &control, to), GARDEN_ERR_ARGUMENT);
        assert_int_equal(garden_client_query(client, &query, to), GARDEN_ERR_ARGUMENT);
        assert_int_equal(garden_client_interrupt(client, nobody, to), GARDEN_ERR_ARGUMENT);
    }
    assert_int_equal(garden_client_shell(pair.client, NULL, &answer), GARDEN_ERR_ARGUMENT);
    assert_int_equal(garden_client_control(pair.client, NULL, &answer), GARDEN_ERR_ARGUMENT);
    assert_int_equal(garden_client_query(pair.client, NULL, &answer), GARDEN_ERR_ARGUMENT);
    garden_client_ping(NULL);
    garden_client_close(NULL, NULL, NULL);
    assert_int_equal(garden_client_state(NULL), GARDEN_CLIENT_DIALLING);
    assert_false(garden_client_lane_up(NULL, GARDEN_LANE_SHELL));
    assert_true(garden_client_round_trip_ms(NULL) == UINT32_MAX);
    assert_true(garden_client_counters(NULL).requests == 0);
    assert_true(garden_client_counters(pair.client).requests == 0);
    pair_close(&pair);
}

// ---- Memory

// With the |n|-th allocation of the engine failing, a conversation succeeds, or says that it cannot; and
// afterwards, with memory again, it succeeds. False: the conversation needs fewer allocations.
static bool converse_without(enum zmtp_transport transport, uint64_t n)
{
    struct pair pair;
    struct asked asked = {0};
    open_quick(&pair, transport);
    pair.client_config.reconnect_max_ms = 5;
    struct zmtp_budget *const budget = &pair.world.budget;
    pair.server_config.endpoints = pair.client_config.endpoints = pair.endpoints;
    pair.server_config.on_request = pair_on_request;
    pair.server_config.user = &pair;
    budget->fail_at = budget->calls + n;
    const uint64_t fail_at = budget->fail_at;
    struct garden_error error = {0};
    int result = garden_server_open(&pair.server, pair.world.uv, &pair.server_config, &error);
    if (result < 0) {
        assert_int_equal(result, GARDEN_ERR_MEMORY);
        pair_server_start(&pair);
    }
    result = garden_client_open(&pair.client, pair.world.uv, &pair.world.loop, &pair.client_config,
                                &error);
    if (result < 0) {
        assert_int_equal(result, GARDEN_ERR_MEMORY);
        pair_client_start(&pair);
    }
    assert_int_equal(ask_seek(&pair, pair.client, 1, NULL, 60, &asked), GARDEN_OK);
    WORLD_UNTIL(&pair.world, asked.answers);
    assert_true(asked.result == GARDEN_OK || asked.result == GARDEN_ERR_TIMEOUT);
    const bool failed = budget->calls >= fail_at;
    budget->fail_at = 0;
    WORLD_UNTIL(&pair.world, pair_met(&pair));
    pair_converse(&pair);
    pair_close(&pair);
    return failed;
}

static void test_an_engine_without_memory_for_a_moment_recovers(void **state)
{
    (void)state;
    static const enum zmtp_transport with[] = {ZMTP_IPC, ZMTP_INPROC};
    for (size_t i = 0; i < 2; i++) {
        uint64_t n = 0;
        while (converse_without(with[i], n + 1))
            n++;
        assert_true(n > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_missed_pings_are_told_as_death_and_an_answer_as_life),
        cmocka_unit_test(test_a_daemon_that_is_connected_but_silent_dies_too),
        cmocka_unit_test(test_a_request_under_way_is_asked_again_of_the_next_daemon),
        cmocka_unit_test(test_a_lane_that_refused_us_is_dialled_again),
        cmocka_unit_test(test_a_daemon_that_closes_sends_its_replies_and_events_first),
        cmocka_unit_test(test_a_daemon_that_closes_drops_what_it_has_not_answered),
        cmocka_unit_test(test_a_client_may_close_itself_in_the_first_callback_and_any_later_one),
        cmocka_unit_test(test_a_client_may_close_itself_in_an_answer_or_a_timeout),
        cmocka_unit_test(test_a_closing_client_takes_no_request),
        cmocka_unit_test(test_an_answer_may_ask_again),
        cmocka_unit_test(test_a_reply_of_another_family_reaches_nobody),
        cmocka_unit_test(test_missed_events_are_counted_by_the_gaps_of_their_numbers),
        cmocka_unit_test(test_a_second_daemon_on_the_same_folder_is_told_so_and_harms_nothing),
        cmocka_unit_test(test_a_daemon_binds_all_of_its_lanes_or_none),
        cmocka_unit_test(test_a_daemon_tells_the_ports_it_was_given),
        cmocka_unit_test(test_bad_configs_are_refused_with_a_line),
        cmocka_unit_test(test_calls_without_a_client_a_request_or_an_answer_are_refused),
        cmocka_unit_test(test_an_engine_without_memory_for_a_moment_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
