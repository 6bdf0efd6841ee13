// IOPub between a server and its subscribers: the welcome, the history, and a client that catches up by
// itself with what was lost between them.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pair.h"

enum { PUBLISHED = 400 };

// What the following client has seen: each number is the one after that before.
static struct {
    uint64_t next, lost, welcomes, restarts;
} seen;

static void on_touch(struct pair *pair)
{
    if (pair->seq == UINT64_MAX) { // a welcome, or a state
        return;
    }
    assert_int_equal(pair->seq, seen.next);
    seen.next++;
    pair->seq = UINT64_MAX;
}

static void on_lost(struct garden_client *client, uint64_t first, uint64_t count, void *user)
{
    (void)client;
    (void)user;
    if (count == 0) {
        seen.restarts++;
        seen.next = 0;
        return;
    }
    assert_int_equal(first, seen.next);
    seen.next += count;
    seen.lost += count;
}

static void follow(struct pair *pair)
{
    memset(&seen, 0, sizeof seen);
    pair->seq = UINT64_MAX;
    pair->touch = on_touch;
    pair->client_config.catch_up = true;
    pair->client_config.on_lost = on_lost;
}

static void publish(struct pair *pair)
{
    const struct garden_event event = {
        .kind = GARDEN_EVENT_PLAYBACK_POSITION,
        .playback_position = {.beat = (double)garden_server_counters(pair->server).events,
                              .second = 1}};
    assert_int_equal(garden_server_publish(pair->server, &event, NULL, 0), GARDEN_OK);
}

static int welcome_state(struct garden_server *server, struct garden_arena *arena,
                         struct garden_value *state, void *user)
{
    (void)server;
    (void)arena;
    (void)user;
    *state = garden_value_text(garden_text_of("all is well"));
    return GARDEN_OK;
}

// ---- The welcome

static void each_subscriber_is_welcomed_alone_with_the_state_and_the_next_number(void **state)
{
    (void)state;
    struct pair pair;
    struct node first, second;
    pair_open(&pair, ZMTP_IPC);
    pair.server_config.form.encoding = GARDEN_JSON;
    pair.server_config.on_welcome = welcome_state;
    pair_server_start(&pair);
    for (int i = 0; i < 3; i++)
        publish(&pair);
    node_start(&first, &pair.world, ZMTP_SUB);
    assert_int_equal(zmtp_uv_subscribe(first.socket, zmtp_bytes_text("")), ZMTP_OK);
    node_connect(&first, pair.endpoints.of[GARDEN_LANE_IOPUB]);
    WORLD_UNTIL(&pair.world, first.received == 1);
    assert_non_null(strstr(first.last, "\"Welcome\":{\"session\":"));
    assert_non_null(strstr(
        first.last,
        "\"next_seq\":3,\"oldest_seq\":0,\"state\":\"all is well\"")); // the next, the oldest kept
    node_start(&second, &pair.world, ZMTP_SUB);
    assert_int_equal(zmtp_uv_subscribe(second.socket, zmtp_bytes_text("")), ZMTP_OK);
    node_connect(&second, pair.endpoints.of[GARDEN_LANE_IOPUB]);
    WORLD_UNTIL(&pair.world, second.received == 1);
    publish(&pair);
    WORLD_UNTIL(&pair.world, first.received == 2 && second.received == 2); // and none between
    assert_int_equal(garden_server_counters(pair.server).welcomes, 2);
    assert_non_null(strstr(first.last, "PlaybackPosition"));
    node_close(&first);
    node_close(&second);
    pair_close(&pair);
}

static void without_welcomes_the_next_event_is_for_everybody(void **state)
{
    (void)state;
    struct pair pair;
    struct node subs[2];
    pair_open(&pair, ZMTP_IPC);
    pair.server_config.welcome = false;
    pair_server_start(&pair);
    for (size_t i = 0; i < 2; i++) {
        node_start(&subs[i], &pair.world, ZMTP_SUB);
        assert_int_equal(zmtp_uv_subscribe(subs[i].socket, zmtp_bytes_text("")), ZMTP_OK);
        node_connect(&subs[i], pair.endpoints.of[GARDEN_LANE_IOPUB]);
    }
    while (subs[0].received == 0 || subs[1].received == 0) {
        publish(&pair);
        world_turn(&pair.world);
    }
    for (size_t i = 0; i < 2; i++)
        node_close(&subs[i]);
    pair_close(&pair);
}

// ---- The history

static void past_events_come_again_as_they_were_in_the_form_of_the_request(void **state)
{
    (void)state;
    struct pair pair;
    struct node dealer;
    struct garden_entry extra = garden_entry_of("gap", garden_value_uint(7));
    const struct garden_event event = {.kind = GARDEN_EVENT_WARNING,
                                       .warning = {garden_text_of("so \"so\"")}};
    static const char request[] =
        "{\"header\":{\"msg_id\":\"00000000-0000-4000-8000-000000000001\",\"session\":"
        "\"00000000-0000-4000-8000-000000000002\",\"msg_type\":\"shell_request\",\"version\":"
        "\"0.1.0\",\"timestamp\":\"2025-12-11T19:19:43Z\"},\"parent_header\":null,\"metadata\":{},"
        "\"content\":[\"get_events\",1]}";
    pair_open(&pair, ZMTP_IPC);
    pair_server_start(&pair);
    publish(&pair);
    assert_int_equal(garden_server_publish(pair.server, &event, &extra, 1), GARDEN_OK);
    node_start(&dealer, &pair.world, ZMTP_DEALER);
    node_connect(&dealer, pair.endpoints.of[GARDEN_LANE_SHELL]);
    node_send(&dealer, request);
    WORLD_UNTIL(&pair.world, dealer.received == 1);
    assert_null(strstr(dealer.last, "playback_position")); // number 0
    assert_int_equal(pair.requested, 0);                   // the owner need not know
    node_send(&dealer, request); // once more: it changes nothing, so it is no repetition
    WORLD_UNTIL(&pair.world, dealer.received == 2);
    assert_int_equal(garden_server_counters(pair.server).repeated, 0);
    node_close(&dealer);
    pair_close(&pair);
}

// ---- A relay that loses what it likes stands between server and client

struct relay {
    struct node sub, pub;
    char endpoint[ZMTP_ENDPOINT_MAX];
    uint64_t seed;
    unsigned lose_percent;
};

static void relay_on_message(struct node *node, struct zmtp_msg *msg)
{
    struct relay *relay = node->other;
    relay->seed = relay->seed * 6364136223846793005u + 1442695040888963407u;
    if ((relay->seed >> 33) % 100 >= relay->lose_percent)
        assert_int_equal(zmtp_uv_send_msg(relay->pub.socket, msg), ZMTP_OK);
}

static void relay_open(struct relay *relay, struct pair *pair)
{
    *relay = (struct relay){.seed = 7};
    world_endpoint(&pair->world, ZMTP_IPC, relay->endpoint);
    node_start(&relay->pub, &pair->world, ZMTP_PUB);
    node_bind(&relay->pub, relay->endpoint);
    node_start(&relay->sub, &pair->world, ZMTP_SUB);
    relay->sub.act = relay_on_message;
    relay->sub.other = relay;
    assert_int_equal(zmtp_uv_subscribe(relay->sub.socket, zmtp_bytes_text("")), ZMTP_OK);
    node_connect(&relay->sub, pair->endpoints.of[GARDEN_LANE_IOPUB]);
}

// A pair whose client hears through the relay, and has heard of number 0. |answered|: it can ask for events, too.
static void relay_start_with(struct relay *relay, struct pair *pair, bool answered)
{
    pair_server_start(pair);
    relay_open(relay, pair);
    WORLD_UNTIL(&pair->world, relay->sub.received == 1); // its welcome
    follow(pair);
    struct garden_endpoints real = pair->endpoints;
    memcpy(pair->endpoints.of[GARDEN_LANE_IOPUB], relay->endpoint, sizeof relay->endpoint);
    if (!answered) world_endpoint(&pair->world, ZMTP_IPC, pair->endpoints.of[GARDEN_LANE_SHELL]);
    pair_client_start(pair);
    pair->endpoints = real;
    if (answered) WORLD_UNTIL(&pair->world, pair_met(pair));
    assert_int_equal(zmtp_uv_wait_subscribed(relay->pub.socket, 1, 20000), ZMTP_OK);
    publish(pair);
    WORLD_UNTIL(&pair->world, seen.next == 1);
}

static void relay_start(struct relay *relay, struct pair *pair)
{
    relay_start_with(relay, pair, true);
}

static void relay_close(struct relay *relay)
{
    node_close(&relay->sub);
    node_close(&relay->pub);
}

static void a_client_catches_up_with_what_was_lost_on_the_way(void **state)
{
    (void)state;
    struct pair pair;
    struct relay relay;
    pair_open(&pair, ZMTP_IPC);
    relay_start(&relay, &pair);
    relay.lose_percent = 30;
    for (int i = 1; i < PUBLISHED; i++) {
        publish(&pair);
        if (i % 3 == 0) world_turn(&pair.world);
    }
    relay.lose_percent = 0;
    publish(&pair);
    WORLD_UNTIL(&pair.world, seen.next == PUBLISHED + 1);
    const struct garden_client_counters counters = garden_client_counters(pair.client);
    assert_int_equal(seen.lost, 0);
    assert_int_equal(counters.events, PUBLISHED + 1);
    assert_int_equal(counters.events_missed, 0);
    assert_true(counters.events_recovered > PUBLISHED / 10);
    pair_client_stop(&pair);
    relay_close(&relay);
    pair_close(&pair);
}

static void what_the_history_no_longer_has_is_told_once(void **state)
{
    (void)state;
    struct pair pair;
    struct relay relay;
    pair_open(&pair, ZMTP_IPC);
    pair.server_config.history_count_max = 10;
    relay_start(&relay, &pair);
    relay.lose_percent = 100;
    for (int i = 1; i < 100; i++)
        publish(&pair);
    const size_t before = relay.sub.received;
    WORLD_UNTIL(&pair.world, relay.sub.received >= before + 99 || relay.sub.received >= 101);
    relay.lose_percent = 0;
    publish(&pair); // number 100; 91 to 100 are kept
    WORLD_UNTIL(&pair.world, seen.next == 101);
    assert_int_equal(seen.lost, 90);
    assert_int_equal(garden_client_counters(pair.client).events_missed, 90);
    pair_client_stop(&pair);
    relay_close(&relay);
    pair_close(&pair);
}

static void what_nobody_answers_for_is_told_as_lost_and_what_comes_then_is_not_held_up(void **state)
{
    (void)state;
    struct pair pair;
    struct relay relay;
    pair_open(&pair, ZMTP_IPC);
    pair.client_config.request_timeout_ms = 100;
    relay_start_with(&relay, &pair, false);
    for (uint64_t round = 1; round <= 2; round++) { // a second gap is no different
        relay.lose_percent = 100;
        const size_t before = relay.sub.received;
        for (int i = 0; i < 3; i++)
            publish(&pair);
        WORLD_UNTIL(&pair.world, relay.sub.received == before + 3);
        relay.lose_percent = 0;
        for (int i = 0; i < 2; i++)
            publish(&pair); // held back until nobody has answered
        WORLD_UNTIL(&pair.world, seen.next == 1 + 5 * round);
        assert_int_equal(seen.lost, 3 * round);
    }
    const struct garden_client_counters counters = garden_client_counters(pair.client);
    assert_int_equal(counters.events_recovered, 0);
    assert_int_equal(counters.events_missed, seen.lost);
    assert_true(counters.timeouts >= 1);
    pair_client_stop(&pair);
    relay_close(&relay);
    pair_close(&pair);
}

// ---- Restarts

static void a_server_that_is_started_anew_is_followed_from_its_first_event(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, ZMTP_IPC);
    follow(&pair);
    pair_server_start(&pair);
    pair_client_start(&pair);
    WORLD_UNTIL(&pair.world, pair_met(&pair) && pair.events == 1);
    for (int i = 0; i < 10; i++)
        publish(&pair);
    WORLD_UNTIL(&pair.world, seen.next == 10);
    pair_server_stop(&pair);
    pair_server_start(&pair);
    for (int i = 0; i < 20; i++) // before anybody could subscribe
        publish(&pair);
    WORLD_UNTIL(&pair.world, seen.restarts == 1 && seen.next == 20);
    assert_int_equal(seen.lost, 0);
    publish(&pair);
    WORLD_UNTIL(&pair.world, seen.next == 21);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_subscriber_is_welcomed_alone_with_the_state_and_the_next_number),
        cmocka_unit_test(without_welcomes_the_next_event_is_for_everybody),
        cmocka_unit_test(past_events_come_again_as_they_were_in_the_form_of_the_request),
        cmocka_unit_test(a_client_catches_up_with_what_was_lost_on_the_way),
        cmocka_unit_test(what_the_history_no_longer_has_is_told_once),
        cmocka_unit_test(
            what_nobody_answers_for_is_told_as_lost_and_what_comes_then_is_not_held_up),
        cmocka_unit_test(a_server_that_is_started_anew_is_followed_from_its_first_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
