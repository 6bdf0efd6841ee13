// A daemon that answers and clients that ask, on one real loop: what the tests of the five lanes share.
//
// The daemon answers a Seek with Ok and its beat, any other shell request with Ok, a control request
// with Ok and a query with a row that repeats it; or it holds requests until the test lets them go.
#ifndef TEST_GARDEN_PAIR_H
#define TEST_GARDEN_PAIR_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/world.h"

#include <garden/client.h>
#include <garden/server.h>

enum { PAIR_HELD_MAX = 64, PAIR_PING_MS = 1000 };

struct pair {
    struct world world;
    struct garden_endpoints endpoints;
    size_t descriptors; // open at the start
    // The daemon.
    struct garden_server_config server_config;
    struct garden_server *server;
    bool server_closed, hold;
    size_t requested;
    struct garden_form form; // of the last request
    struct garden_request *held[PAIR_HELD_MAX];
    size_t held_count;
    void (*on_request)(struct pair *pair, struct garden_request *request); // instead of all that
    // The client.
    struct garden_client_config client_config;
    struct garden_client *client;
    bool client_closed;
    size_t lanes_up, lanes_down;
    unsigned states[GARDEN_CLIENT_DEAD + 1];
    size_t events;
    uint64_t seq;
    char event[64]; // the last one's name
    void (*touch)(struct pair *pair);
};

// One request and what became of it.
struct asked {
    struct pair *pair;
    unsigned answers;
    int result;
    enum garden_family family;
    unsigned kind;
    double beat;
    char text[256]; // of an Error, or of a query's row
    void (*then)(struct asked *asked);
};

static inline size_t pair_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    size_t count = 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

// ---- The daemon

static inline void pair_answer(struct pair *pair, struct garden_request *request)
{
    struct garden_message reply = {.family = GARDEN_CONTROL_REPLY};
    struct garden_value row;
    if (request->lane == GARDEN_LANE_SHELL) {
        const struct garden_shell_request *shell = &request->message.shell_request;
        reply.family = GARDEN_SHELL_REPLY;
        reply.shell_reply.kind = GARDEN_REPLY_OK;
        if (shell->kind == GARDEN_SHELL_SEEK)
            reply.shell_reply.ok.result = garden_value_real(shell->seek.beat);
    } else if (request->lane == GARDEN_LANE_QUERY) {
        reply.family = GARDEN_QUERY_REPLY;
        reply.query_reply.kind = GARDEN_QUERY_REPLY_RESULTS;
        row = garden_value_text(request->message.query_request.query);
        reply.query_reply.results.rows = (struct garden_value_list){&row, 1};
    } else {
        reply.control_reply.kind = GARDEN_CONTROL_REPLY_OK;
    }
    garden_server_reply(pair->server, request, &reply);
}

static inline void pair_on_request(struct garden_server *server, struct garden_request *request,
                                   void *user)
{
    struct pair *pair = user;
    assert_ptr_equal(pair->server, server);
    pair->requested++;
    pair->form = request->form;
    if (pair->on_request) {
        pair->on_request(pair, request);
    } else if (pair->hold) {
        assert_true(pair->held_count < PAIR_HELD_MAX);
        pair->held[pair->held_count++] = request;
    } else {
        pair_answer(pair, request);
    }
}

static inline void pair_server_start(struct pair *pair)
{
    struct garden_error error = {0};
    pair->server_config.endpoints = pair->endpoints;
    pair->server_config.on_request = pair_on_request;
    pair->server_config.user = pair;
    pair->server_closed = false;
    pair->held_count = 0;
    if (garden_server_open(&pair->server, pair->world.uv, &pair->server_config, &error) < 0)
        fail_msg("%s", error.text);
}

static inline void pair_server_closed(void *user)
{
    struct pair *pair = user;
    pair->server_closed = true;
}

// Begins to close; the requests held are gone.
static inline void pair_server_leave(struct pair *pair)
{
    garden_server_close(pair->server, pair_server_closed, pair);
    pair->server = NULL;
    pair->held_count = 0;
}

static inline void pair_server_stop(struct pair *pair)
{
    pair_server_leave(pair);
    WORLD_UNTIL(&pair->world, pair->server_closed);
}

// ---- The client

static inline void pair_on_event(struct garden_client *client, const struct garden_message *event,
                                 bool has_seq, uint64_t seq, void *user)
{
    struct pair *pair = user;
    assert_ptr_equal(pair->client, client);
    assert_int_equal(event->family, GARDEN_EVENT);
    pair->events++;
    pair->seq = has_seq ? seq : UINT64_MAX;
    snprintf(pair->event, sizeof pair->event, "%s", garden_message_name(event));
    if (pair->touch) pair->touch(pair);
}

static inline void pair_on_state(struct garden_client *client, enum garden_client_state state,
                                 void *user)
{
    struct pair *pair = user;
    assert_int_equal(garden_client_state(client), state);
    pair->states[state]++;
    if (pair->touch) pair->touch(pair);
}

static inline void pair_on_lane(struct garden_client *client, enum garden_lane lane, bool up,
                                void *user)
{
    struct pair *pair = user;
    assert_int_equal(garden_client_lane_up(client, lane), up);
    if (up)
        pair->lanes_up++;
    else
        pair->lanes_down++;
    if (pair->touch) pair->touch(pair);
}

static inline void pair_client_start(struct pair *pair)
{
    struct garden_error error = {0};
    pair->client_config.endpoints = pair->endpoints;
    pair->client_config.on_event = pair_on_event;
    pair->client_config.on_state = pair_on_state;
    pair->client_config.on_lane = pair_on_lane;
    pair->client_config.user = pair;
    pair->client_closed = false;
    if (garden_client_open(&pair->client, pair->world.uv, &pair->world.loop, &pair->client_config,
                           &error) < 0)
        fail_msg("%s", error.text);
}

static inline void pair_client_closed(void *user)
{
    struct pair *pair = user;
    pair->client_closed = true;
}

static inline void pair_client_leave(struct pair *pair)
{
    garden_client_close(pair->client, pair_client_closed, pair);
    pair->client = NULL;
}

static inline void pair_client_stop(struct pair *pair)
{
    pair_client_leave(pair);
    WORLD_UNTIL(&pair->world, pair->client_closed);
}

// ---- Both

static inline void pair_open(struct pair *pair, enum zmtp_transport transport)
{
    *pair = (struct pair){0};
    world_open(&pair->world);
    pair->descriptors = pair_descriptors();
    for (size_t i = 0; i < GARDEN_LANES; i++)
        world_endpoint(&pair->world, transport, pair->endpoints.of[i]);
    garden_server_config_init(&pair->server_config);
    garden_client_config_init(&pair->client_config);
    pair->client_config.ping_interval_ms = PAIR_PING_MS;
    pair->client_config.reconnect_max_ms = 50;
}

static inline bool pair_met(const struct pair *pair)
{
    for (size_t i = 0; i < GARDEN_LANES; i++)
        if (!garden_client_lane_up(pair->client, (enum garden_lane)i)) return false;
    return garden_client_state(pair->client) == GARDEN_CLIENT_ALIVE;
}

static inline void pair_start(struct pair *pair, enum zmtp_transport transport)
{
    pair_open(pair, transport);
    pair_server_start(pair);
    pair_client_start(pair);
    WORLD_UNTIL(&pair->world, pair_met(pair));
}

// Closes what is open and checks that nothing is left: memory, handles, files, descriptors.
static inline void pair_close(struct pair *pair)
{
    if (pair->client) pair_client_stop(pair);
    if (pair->server) pair_server_stop(pair);
    assert_int_equal(pair_descriptors(), pair->descriptors);
    world_close(&pair->world);
}

// ---- Requests

static inline void asked_copy(struct asked *asked, struct garden_text text)
{
    snprintf(asked->text, sizeof asked->text, "%.*s", (int)text.size, text.data ? text.data : "");
}

static inline void asked_read(struct asked *asked, const struct garden_message *reply)
{
    asked->family = reply->family;
    assert_true(reply->has_parent);
    if (reply->family == GARDEN_SHELL_REPLY) {
        asked->kind = reply->shell_reply.kind;
        if (asked->kind == GARDEN_REPLY_ERROR) asked_copy(asked, reply->shell_reply.error.error);
        if (asked->kind == GARDEN_REPLY_OK)
            (void)garden_value_to_real(&reply->shell_reply.ok.result, &asked->beat);
    } else if (reply->family == GARDEN_CONTROL_REPLY) {
        asked->kind = reply->control_reply.kind;
        if (asked->kind == GARDEN_CONTROL_REPLY_ERROR)
            asked_copy(asked, reply->control_reply.error.error);
    } else {
        assert_int_equal(reply->family, GARDEN_QUERY_REPLY);
        asked->kind = reply->query_reply.kind;
        if (asked->kind == GARDEN_QUERY_REPLY_ERROR)
            asked_copy(asked, reply->query_reply.error.error);
        else if (reply->query_reply.results.rows.count == 1)
            asked_copy(asked, reply->query_reply.results.rows.items[0].text);
    }
}

static inline void asked_answered(struct garden_client *client, int result,
                                  const struct garden_message *reply, void *user)
{
    struct asked *asked = user;
    assert_non_null(client);
    asked->answers++;
    asked->result = result;
    assert_true((result == GARDEN_OK) == (reply != NULL));
    if (reply) asked_read(asked, reply);
    if (asked->then) asked->then(asked);
}

static inline struct garden_answer asked_by(struct pair *pair, struct asked *asked,
                                            uint32_t timeout_ms, const struct garden_uuid *msg_id)
{
    asked->pair = pair;
    return (struct garden_answer){asked_answered, asked, timeout_ms, msg_id};
}

static inline int ask_seek(struct pair *pair, struct garden_client *client, double beat,
                           const struct garden_uuid *msg_id, uint32_t timeout_ms,
                           struct asked *asked)
{
    const struct garden_shell_request request = {.kind = GARDEN_SHELL_SEEK, .seek = {beat}};
    const struct garden_answer answer = asked_by(pair, asked, timeout_ms, msg_id);
    return garden_client_shell(client, &request, &answer);
}

static inline int ask_control(struct pair *pair, enum garden_control_request_kind kind,
                              struct asked *asked)
{
    const struct garden_control_request request = {.kind = kind};
    const struct garden_answer answer = asked_by(pair, asked, 0, NULL);
    return garden_client_control(pair->client, &request, &answer);
}

static inline int ask_query(struct pair *pair, const char *query, uint32_t timeout_ms,
                            struct asked *asked)
{
    const struct garden_query_request request = {.query = garden_text_of(query)};
    const struct garden_answer answer = asked_by(pair, asked, timeout_ms, NULL);
    return garden_client_query(pair->client, &request, &answer);
}

// Asks on every lane that takes requests and checks each answer.
static inline void pair_converse(struct pair *pair)
{
    struct asked shell = {0}, control = {0}, query = {0};
    assert_int_equal(ask_seek(pair, pair->client, 16.25, NULL, 0, &shell), GARDEN_OK);
    assert_int_equal(ask_control(pair, GARDEN_CONTROL_INTERRUPT, &control), GARDEN_OK);
    assert_int_equal(ask_query(pair, "{ nodes }", 0, &query), GARDEN_OK);
    WORLD_UNTIL(&pair->world, shell.answers && control.answers && query.answers);
    assert_int_equal(shell.result, GARDEN_OK);
    assert_int_equal(shell.family, GARDEN_SHELL_REPLY);
    assert_int_equal(shell.kind, GARDEN_REPLY_OK);
    assert_true(shell.beat == 16.25);
    assert_int_equal(control.result, GARDEN_OK);
    assert_int_equal(control.family, GARDEN_CONTROL_REPLY);
    assert_int_equal(control.kind, GARDEN_CONTROL_REPLY_OK);
    assert_int_equal(query.result, GARDEN_OK);
    assert_int_equal(query.kind, GARDEN_QUERY_REPLY_RESULTS);
    assert_string_equal(query.text, "{ nodes }");
}

#endif
