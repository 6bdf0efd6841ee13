// Client and daemon talk over the five lanes, on a real loop.
#include <math.h>

#include "pair.h"
#include "test/support/hoard.h"

static const enum zmtp_transport transports[] = {ZMTP_TCP, ZMTP_IPC, ZMTP_INPROC};
enum { TRANSPORTS = sizeof transports / sizeof *transports };

static struct garden_uuid id_of(uint8_t number)
{
    return (struct garden_uuid){{1, [15] = number}};
}

// A client beside the pair's, without callbacks.
static struct garden_client *another_client(struct pair *pair)
{
    struct garden_client *client;
    struct garden_client_config config;
    garden_client_config_init(&config);
    config.endpoints = pair->endpoints;
    assert_int_equal(garden_client_open(&client, pair->world.uv, &pair->world.loop, &config, NULL),
                     GARDEN_OK);
    return client;
}

static void test_daemon_and_client_find_each_other_in_either_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS * 2; i++) {
        struct pair pair;
        pair_open(&pair, transports[i / 2]);
        if (i % 2 == 0) pair_server_start(&pair);
        pair_client_start(&pair);
        assert_int_equal(garden_client_state(pair.client), GARDEN_CLIENT_DIALLING);
        assert_int_equal(garden_client_round_trip_ms(pair.client), UINT32_MAX);
        if (i % 2) {
            uv_run(&pair.world.loop, UV_RUN_NOWAIT); // it dials in vain
            pair_server_start(&pair);
        }
        WORLD_UNTIL(&pair.world, pair_met(&pair));
        assert_int_equal(pair.lanes_up, GARDEN_LANES);
        assert_int_equal(pair.states[GARDEN_CLIENT_ALIVE], 1);
        assert_true(garden_client_round_trip_ms(pair.client) < PAIR_PING_MS);
        pair_converse(&pair);
        pair_close(&pair);
    }
}

static void test_requests_asked_before_anybody_listens_are_answered_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct pair pair;
        struct asked shell = {0}, query[2] = {{0}};
        pair_open(&pair, transports[i]);
        pair_client_start(&pair);
        assert_int_equal(ask_seek(&pair, pair.client, 3, NULL, 0, &shell), GARDEN_OK);
        assert_int_equal(ask_query(&pair, "a", 0, &query[0]), GARDEN_OK);
        assert_int_equal(ask_query(&pair, "b", 0, &query[1]), GARDEN_OK);
        uv_run(&pair.world.loop, UV_RUN_NOWAIT);
        pair_server_start(&pair);
        WORLD_UNTIL(&pair.world, shell.answers && query[0].answers && query[1].answers);
        assert_true(shell.beat == 3);
        assert_string_equal(query[0].text, "a");
        assert_string_equal(query[1].text, "b");
        assert_int_equal(pair.requested, 3);
        assert_int_equal(garden_client_counters(pair.client).resent, 0);
        pair_close(&pair);
    }
}

static void test_the_first_ping_needs_no_interval(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, ZMTP_IPC);
    pair.client_config.ping_interval_ms = 60 * 60 * 1000;
    pair_server_start(&pair);
    pair_client_start(&pair);
    WORLD_UNTIL(&pair.world, pair_met(&pair));
    pair_close(&pair);
}

static void test_every_form_is_answered_in_kind(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct pair pair;
        pair_open(&pair, ZMTP_INPROC);
        pair.client_config.form = (struct garden_form){i & 1 ? GARDEN_JSON : GARDEN_MSGPACK,
                                                       i & 2 ? GARDEN_TAGGED : GARDEN_EXTERNAL};
        pair_server_start(&pair);
        pair_client_start(&pair);
        WORLD_UNTIL(&pair.world, pair_met(&pair));
        pair_converse(&pair);
        struct asked asked = {0};
        assert_int_equal(ask_seek(&pair, pair.client, 1, NULL, 0, &asked), GARDEN_OK);
        WORLD_UNTIL(&pair.world, asked.answers);
        assert_int_equal(pair.form.encoding, pair.client_config.form.encoding);
        assert_int_equal(pair.form.dialect, pair.client_config.form.dialect);
        pair_close(&pair);
    }
}

static void test_replies_in_reverse_order_reach_those_who_asked(void **state)
{
    (void)state;
    enum { COUNT = PAIR_HELD_MAX };
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct pair pair;
        struct asked asked[COUNT] = {{0}};
        pair_start(&pair, transports[i]);
        pair.hold = true;
        for (size_t k = 0; k < COUNT; k++)
            assert_int_equal(ask_seek(&pair, pair.client, (double)k, NULL, 0, &asked[k]),
                             GARDEN_OK);
        WORLD_UNTIL(&pair.world, pair.held_count == COUNT);
        while (pair.held_count > 0)
            pair_answer(&pair, pair.held[--pair.held_count]);
        WORLD_UNTIL(&pair.world, garden_client_counters(pair.client).replies == COUNT);
        for (size_t k = 0; k < COUNT; k++) {
            assert_int_equal(asked[k].answers, 1);
            assert_true(asked[k].beat == (double)k);
        }
        pair_close(&pair);
    }
}

static void test_a_held_query_delays_neither_control_nor_shell_nor_another_client(void **state)
{
    (void)state;
    struct pair pair, *const p = &pair;
    struct asked first = {0}, second = {0}, shell = {0}, control = {0};
    pair_start(p, ZMTP_IPC);
    struct garden_client *const other = another_client(p);
    p->hold = true;
    assert_int_equal(ask_query(p, "slow", 0, &first), GARDEN_OK);
    WORLD_UNTIL(&p->world, p->held_count == 1);
    const struct garden_query_request request = {.query = garden_text_of("quick")};
    const struct garden_answer answer = asked_by(p, &second, 0, NULL);
    assert_int_equal(garden_client_query(other, &request, &answer), GARDEN_OK);
    WORLD_UNTIL(&p->world, p->held_count == 2);
    pair_answer(p, p->held[1]);
    p->hold = false;
    assert_int_equal(ask_seek(p, p->client, 2, NULL, 0, &shell), GARDEN_OK);
    assert_int_equal(ask_control(p, GARDEN_CONTROL_PAUSE, &control), GARDEN_OK);
    WORLD_UNTIL(&p->world, second.answers && shell.answers && control.answers);
    assert_string_equal(second.text, "quick");
    assert_int_equal(first.answers, 0);
    pair_answer(p, p->held[0]);
    WORLD_UNTIL(&p->world, first.answers);
    assert_string_equal(first.text, "slow");
    garden_client_close(other, NULL, NULL);
    pair_close(p);
}

static void test_a_late_reply_is_counted_and_given_to_nobody(void **state)
{
    (void)state;
    struct pair pair;
    struct asked late = {0}, next = {0};
    pair_start(&pair, ZMTP_INPROC);
    pair.hold = true;
    assert_int_equal(ask_seek(&pair, pair.client, 1, NULL, 1, &late), GARDEN_OK);
    WORLD_UNTIL(&pair.world, late.answers);
    assert_int_equal(late.result, GARDEN_ERR_TIMEOUT);
    assert_int_equal(garden_client_counters(pair.client).timeouts, 1);
    WORLD_UNTIL(&pair.world, pair.held_count == 1);
    pair_answer(&pair, pair.held[0]);
    pair.hold = false;
    assert_int_equal(ask_seek(&pair, pair.client, 2, NULL, 0, &next), GARDEN_OK);
    WORLD_UNTIL(&pair.world, next.answers);
    assert_true(next.beat == 2);
    assert_int_equal(late.answers, 1);
    assert_int_equal(garden_client_counters(pair.client).late, 1);
    pair_close(&pair);
}

static void test_a_query_that_is_given_up_lets_the_next_go(void **state)
{
    (void)state;
    struct pair pair;
    struct asked first = {0}, second = {0};
    pair_start(&pair, ZMTP_IPC);
    pair.hold = true;
    assert_int_equal(ask_query(&pair, "never", 20, &first), GARDEN_OK);
    assert_int_equal(ask_query(&pair, "now", 0, &second), GARDEN_OK);
    WORLD_UNTIL(&pair.world, pair.held_count == 1);
    pair.hold = false;
    WORLD_UNTIL(&pair.world, second.answers);
    assert_int_equal(first.result, GARDEN_ERR_TIMEOUT);
    assert_string_equal(second.text, "now");
    pair_answer(&pair, pair.held[0]); // nobody waits for it any more
    pair_converse(&pair);
    pair_close(&pair);
}

static void test_a_deadline_counts_from_the_call_even_if_the_loop_stood_still(void **state)
{
    (void)state;
    struct pair pair;
    struct asked asked = {0};
    pair_start(&pair, ZMTP_INPROC);
    const uint64_t until = uv_hrtime() + UINT64_C(1100) * 1000000;
    while (uv_hrtime() < until) {} // busy elsewhere, longer than the timeout
    assert_int_equal(ask_seek(&pair, pair.client, 1, NULL, 1000, &asked), GARDEN_OK);
    WORLD_UNTIL(&pair.world, asked.answers);
    assert_int_equal(asked.result, GARDEN_OK);
    pair_close(&pair);
}

// Answers with a value that no message may have: too deep, or with a number that is none.
static void answer_too_deep(struct pair *pair, struct garden_request *request)
{
    struct garden_value nested[2 * GARDEN_DEPTH_MAX];
    struct garden_message reply = {.family = GARDEN_SHELL_REPLY};
    nested[0] = garden_value_uint(1);
    for (size_t i = 1; i < sizeof nested / sizeof *nested; i++)
        nested[i] = garden_value_list(&nested[i - 1], 1);
    reply.shell_reply.kind = GARDEN_REPLY_OK;
    reply.shell_reply.ok.result = nested[2 * GARDEN_DEPTH_MAX - 1];
    garden_server_reply(pair->server, request, &reply);
}

static void answer_infinite(struct pair *pair, struct garden_request *request)
{
    struct garden_message reply = {.family = GARDEN_SHELL_REPLY};
    reply.shell_reply.kind = GARDEN_REPLY_OK;
    reply.shell_reply.ok.result = garden_value_real(INFINITY);
    garden_server_reply(pair->server, request, &reply);
}

static void test_an_answer_that_cannot_be_written_becomes_an_error_that_says_so(void **state)
{
    (void)state;
    struct pair pair;
    pair_start(&pair, ZMTP_IPC);
    void (*const answers[])(struct pair *, struct garden_request *) = {answer_too_deep,
                                                                       answer_infinite};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct asked asked = {0};
        pair.on_request = answers[i];
        assert_int_equal(ask_seek(&pair, pair.client, 1, NULL, 0, &asked), GARDEN_OK);
        WORLD_UNTIL(&pair.world, asked.answers == 1);
        assert_int_equal(asked.result, GARDEN_OK);
        assert_int_equal(asked.kind, GARDEN_REPLY_ERROR);
        assert_true(asked.text[0] != '\0');
        if (i == 0) assert_non_null(strstr(asked.text, "ask for less"));
    }
    pair.on_request = NULL;
    pair_converse(&pair); // and nothing else minds
    pair_close(&pair);
}

static void test_a_request_repeated_after_its_answer_is_answered_from_the_record(void **state)
{
    (void)state;
    struct pair pair;
    struct asked first = {0}, again = {0};
    const struct garden_uuid id = id_of(1);
    pair_start(&pair, ZMTP_IPC);
    assert_int_equal(ask_seek(&pair, pair.client, 1, &id, 0, &first), GARDEN_OK);
    assert_int_equal(ask_seek(&pair, pair.client, 1, &id, 0, &again), GARDEN_ERR_EXISTS);
    WORLD_UNTIL(&pair.world, first.answers);
    assert_int_equal(ask_seek(&pair, pair.client, 99, &id, 0, &again), GARDEN_OK);
    WORLD_UNTIL(&pair.world, again.answers);
    assert_true(again.beat == 1); // what was executed, not what is asked now
    assert_int_equal(pair.requested, 1);
    assert_int_equal(garden_server_counters(pair.server).repeated, 1);
    pair_close(&pair);
}

static void test_a_request_repeated_while_under_way_is_executed_once(void **state)
{
    (void)state;
    struct pair pair, *const p = &pair;
    struct asked first = {0}, again = {0}, other = {0};
    const struct garden_uuid id = id_of(2);
    pair_open(p, ZMTP_IPC);
    p->server_config.requests_max = 1;
    p->hold = true;
    pair_server_start(p);
    pair_client_start(p);
    assert_int_equal(ask_seek(p, p->client, 7, &id, 0, &first), GARDEN_OK);
    WORLD_UNTIL(&p->world, p->held_count == 1);
    pair_client_stop(p); // it is killed, and its next life asks the same again
    assert_int_equal(first.result, GARDEN_ERR_DEAD);
    pair_client_start(p);
    assert_int_equal(ask_seek(p, p->client, 7, &id, 0, &again), GARDEN_OK);
    WORLD_UNTIL(&p->world, garden_server_counters(p->server).repeated == 1);
    // The limit of unanswered requests holds for new ones only.
    assert_int_equal(ask_seek(p, p->client, 8, NULL, 0, &other), GARDEN_OK);
    WORLD_UNTIL(&p->world, other.answers);
    assert_int_equal(other.kind, GARDEN_REPLY_ERROR);
    assert_non_null(strstr(other.text, "too many"));
    assert_int_equal(again.answers, 0);
    pair_answer(p, p->held[0]);
    WORLD_UNTIL(&p->world, again.answers);
    assert_int_equal(again.result, GARDEN_OK);
    assert_true(again.beat == 7);
    assert_int_equal(p->requested, 1);
    pair_close(p);
}

static void test_one_msg_id_on_two_lanes_is_two_requests(void **state)
{
    (void)state;
    struct pair pair, *const p = &pair;
    struct asked shell = {0}, query = {0};
    const struct garden_uuid id = id_of(3);
    pair_start(p, ZMTP_INPROC);
    struct garden_client *const other = another_client(p);
    p->hold = true;
    assert_int_equal(ask_seek(p, p->client, 4, &id, 0, &shell), GARDEN_OK);
    const struct garden_query_request request = {.query = garden_text_of("q")};
    const struct garden_answer answer = asked_by(p, &query, 0, &id);
    assert_int_equal(garden_client_query(other, &request, &answer), GARDEN_OK);
    WORLD_UNTIL(&p->world, p->held_count == 2);
    pair_answer(p, p->held[0]);
    pair_answer(p, p->held[1]);
    WORLD_UNTIL(&p->world, shell.answers && query.answers);
    assert_true(shell.beat == 4);
    assert_string_equal(query.text, "q");
    garden_client_close(other, NULL, NULL);
    pair_close(p);
}

static void test_a_burst_of_thousands_of_requests_is_answered_in_full(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    struct asked *asked = calloc(COUNT, sizeof *asked);
    assert_non_null(asked);
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct pair pair;
        memset(asked, 0, COUNT * sizeof *asked);
        pair_start(&pair, transports[i]);
        for (size_t k = 0; k < COUNT; k++)
            assert_int_equal(ask_seek(&pair, pair.client, (double)k, NULL, 0, &asked[k]),
                             GARDEN_OK);
        WORLD_UNTIL(&pair.world, garden_client_counters(pair.client).replies == COUNT);
        for (size_t k = 0; k < COUNT; k++)
            assert_true(asked[k].answers == 1 && asked[k].beat == (double)k);
        assert_int_equal(garden_server_counters(pair.server).undeliverable, 0);
        pair_close(&pair);
    }
    free(asked);
}

static void test_hundreds_of_clients_are_served_at_once(void **state)
{
    (void)state;
    enum { CLIENTS = 200, LANES = 5 };
    if (!hoard_allowed(2 * LANES * CLIENTS + 100)) skip();
    struct garden_client *clients[CLIENTS];
    struct asked asked[CLIENTS] = {{0}};
    struct pair pair, *const p = &pair;
    size_t answered = 0;
    pair_open(p, ZMTP_IPC);
    pair_server_start(p);
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = another_client(p);
        assert_int_equal(ask_seek(p, clients[i], (double)i, NULL, 0, &asked[i]), GARDEN_OK);
    }
    while (answered < CLIENTS) {
        world_turn(&p->world);
        answered = 0;
        for (size_t i = 0; i < CLIENTS; i++)
            answered += asked[i].answers;
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_true(asked[i].result == GARDEN_OK && asked[i].beat == (double)i);
        garden_client_close(clients[i], NULL, NULL);
    }
    assert_int_equal(p->requested, CLIENTS);
    pair_close(p);
}

// ---- Events

static void publish(struct pair *pair, enum garden_event_kind kind)
{
    const struct garden_event event = {.kind = kind};
    assert_int_equal(garden_server_publish(pair->server, &event, NULL, 0), GARDEN_OK);
}

// Waits until its subscription has been welcomed, and then until it hears.
static void until_heard(struct pair *pair)
{
    WORLD_UNTIL(&pair->world, pair->events > 0);
    assert_string_equal(pair->event, "Welcome");
    publish(pair, GARDEN_EVENT_PLAYBACK_STOPPED);
    const uint64_t sent = garden_server_counters(pair->server).events;
    WORLD_UNTIL(&pair->world, pair->seq == sent - 1);
}

static void test_events_carry_numbers_that_follow_each_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRANSPORTS * 2; i++) {
        struct pair pair;
        pair_open(&pair, transports[i / 2]);
        pair.server_config.topics = i % 2;
        pair.server_config.form.encoding = i % 2 ? GARDEN_JSON : GARDEN_MSGPACK;
        pair_server_start(&pair);
        pair_client_start(&pair);
        until_heard(&pair);
        const uint64_t first = pair.seq;
        for (unsigned k = 0; k < 100; k++)
            publish(&pair, GARDEN_EVENT_PLAYBACK_STARTED);
        WORLD_UNTIL(&pair.world, pair.seq == first + 100);
        assert_string_equal(pair.event, "PlaybackStarted");
        assert_int_equal(garden_client_counters(pair.client).events, pair.events);
        assert_int_equal(garden_client_counters(pair.client).events_missed, 0);
        pair_close(&pair);
    }
}

static void no_status(struct node *node, struct zmtp_msg *msg)
{
    (void)node;
    assert_int_equal(msg->count, 2);
    assert_false(zmtp_bytes_equal(zmtp_msg_bytes(msg, 0), zmtp_bytes_text("Status")));
}

static void test_topics_let_a_subscriber_filter(void **state)
{
    (void)state;
    struct pair pair;
    struct node sub;
    pair_open(&pair, ZMTP_IPC);
    pair.server_config.topics = true;
    pair.server_config.form.encoding = GARDEN_JSON;
    pair_server_start(&pair);
    node_start(&sub, &pair.world, ZMTP_SUB);
    sub.act = no_status;
    assert_int_equal(zmtp_uv_subscribe(sub.socket, zmtp_bytes_text("PlaybackSt")), ZMTP_OK);
    node_connect(&sub, pair.endpoints.of[GARDEN_LANE_IOPUB]);
    // What it is welcomed with has the topic that it asked for.
    WORLD_UNTIL(&pair.world, sub.received > 0);
    assert_memory_equal(sub.last, "PlaybackSt|{\"header\":", strlen("PlaybackSt|{\"header\":"));
    publish(&pair, GARDEN_EVENT_PLAYBACK_STARTED);
    WORLD_UNTIL(&pair.world, sub.received == 2);
    assert_memory_equal(sub.last, "PlaybackStarted|{\"header\":", strlen("PlaybackStarted|{"));
    const struct garden_event status = {.kind = GARDEN_EVENT_STATUS};
    assert_int_equal(garden_server_publish(pair.server, &status, NULL, 0), GARDEN_OK);
    publish(&pair, GARDEN_EVENT_PLAYBACK_STOPPED);
    WORLD_UNTIL(&pair.world, strncmp(sub.last, "PlaybackStopped|", 16) == 0);
    node_close(&sub);
    pair_close(&pair);
}

static void test_metadata_of_the_owner_stands_beside_the_number(void **state)
{
    (void)state;
    struct pair pair;
    struct garden_entry extra[16];
    const struct garden_event event = {.kind = GARDEN_EVENT_PLAYBACK_STARTED};
    pair_start(&pair, ZMTP_INPROC);
    until_heard(&pair);
    for (unsigned i = 0; i < 16; i++) {
        static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g", "h",
                                           "i", "j", "k", "l", "m", "n", "o", "p"};
        extra[i] = garden_entry_of(keys[i], garden_value_uint(i));
    }
    const uint64_t next = garden_server_counters(pair.server).events;
    assert_int_equal(garden_server_publish(pair.server, &event, extra, 16), GARDEN_ERR_ARGUMENT);
    assert_int_equal(garden_server_publish(pair.server, &event, extra, 15), GARDEN_OK);
    WORLD_UNTIL(&pair.world, pair.seq == next);
    // Two numbers, or one that no encoding has, are the owner's mistake and use up no number.
    extra[3] = garden_entry_of("seq", garden_value_uint(7));
    assert_int_equal(garden_server_publish(pair.server, &event, extra, 4), GARDEN_ERR_ARGUMENT);
    const struct garden_event nan = {.kind = GARDEN_EVENT_PLAYBACK_POSITION,
                                     .playback_position = {.beat = (double)NAN}};
    assert_true(garden_server_publish(pair.server, &nan, NULL, 0) < 0);
    assert_int_equal(garden_server_counters(pair.server).events, next + 1);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_daemon_and_client_find_each_other_in_either_order),
        cmocka_unit_test(test_requests_asked_before_anybody_listens_are_answered_once),
        cmocka_unit_test(test_the_first_ping_needs_no_interval),
        cmocka_unit_test(test_every_form_is_answered_in_kind),
        cmocka_unit_test(test_replies_in_reverse_order_reach_those_who_asked),
        cmocka_unit_test(test_a_held_query_delays_neither_control_nor_shell_nor_another_client),
        cmocka_unit_test(test_a_late_reply_is_counted_and_given_to_nobody),
        cmocka_unit_test(test_a_query_that_is_given_up_lets_the_next_go),
        cmocka_unit_test(test_a_deadline_counts_from_the_call_even_if_the_loop_stood_still),
        cmocka_unit_test(test_an_answer_that_cannot_be_written_becomes_an_error_that_says_so),
        cmocka_unit_test(test_a_request_repeated_after_its_answer_is_answered_from_the_record),
        cmocka_unit_test(test_a_request_repeated_while_under_way_is_executed_once),
        cmocka_unit_test(test_one_msg_id_on_two_lanes_is_two_requests),
        cmocka_unit_test(test_a_burst_of_thousands_of_requests_is_answered_in_full),
        cmocka_unit_test(test_hundreds_of_clients_are_served_at_once),
        cmocka_unit_test(test_events_carry_numbers_that_follow_each_other),
        cmocka_unit_test(test_topics_let_a_subscriber_filter),
        cmocka_unit_test(test_metadata_of_the_owner_stands_beside_the_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
