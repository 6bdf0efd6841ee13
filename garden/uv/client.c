#include "../client.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>
#include <zmtp/uv.h>

#include "../core/error.h"
#include "../core/follow.h"
#include "../core/liveness.h"
#include "../core/requests.h"
#include "random.h"

enum {
    CLIENT_PING_INTERVAL_MS = 1000,
    CLIENT_PINGS_MISSED_MAX = 3,
    CLIENT_REQUEST_TIMEOUT_MS = 30000,
    CLIENT_RECONNECT_MAX_MS = 5000,
    CLIENT_LINGER_MS = 1000,
    // Events held back while older ones are asked for; beyond, they are asked for as well.
    CLIENT_HELD_COUNT_MAX = 4096,
    CLIENT_HELD_BYTES_MAX = 4 * 1024 * 1024,
    CLIENT_PING_SIZE = 8, // a ping is its number
    CLIENT_FAULT_SIZE = 200,
};

struct client_lane {
    struct garden_client *client;
    enum garden_lane lane;
    struct zmtp_uv_socket *socket; // null: not open
    bool up, was_up;
    bool gave_up;                  // the engine dials no more
    bool refused;                  // it once did, and the lane was not up since
    uint32_t failures;             // handshakes in a row that failed for a reason that is known
    char fault[CLIENT_FAULT_SIZE]; // why the last handshake failed
};

struct client_wait {
    struct client_wait *next;
    struct garden_wait wait;
    uint64_t deadline_ms;
    uint64_t ping; // the last one that was sent before the wait began: its answer tells of the past
};

struct garden_client {
    struct garden_client_config config;
    struct client_lane lanes[GARDEN_LANES];
    uv_timer_t timer;
    struct garden__requests requests;
    struct client_wait *waits;
    struct garden__liveness liveness;
    struct garden_uuid session;
    struct garden_client_counters counters;
    bool seq_known;
    uint64_t seq_next;
    struct garden__follow follow; // with catch_up
    size_t closing;               // handles and sockets that are not closed yet
    void (*closed)(void *user);
    void *closed_user;
};

void garden_client_config_init(struct garden_client_config *config)
{
    *config = (struct garden_client_config){
        .form = {GARDEN_MSGPACK, GARDEN_EXTERNAL},
        .ping_interval_ms = CLIENT_PING_INTERVAL_MS,
        .pings_missed_max = CLIENT_PINGS_MISSED_MAX,
        .request_timeout_ms = CLIENT_REQUEST_TIMEOUT_MS,
        .reconnect_max_ms = CLIENT_RECONNECT_MAX_MS,
    };
}

// A loop that did not run for a while has an old time, by which a new request would be late already.
static uint64_t client_now(const struct garden_client *client)
{
    uv_update_time(client->timer.loop);
    return uv_now(client->timer.loop);
}

static void client_answer(struct garden_client *client, struct garden__asked *asked, int result,
                          const struct garden_message *reply)
{
    if (asked->answer.call) asked->answer.call(client, result, reply, asked->answer.user);
    garden__requests_free(&client->requests, asked);
}

// ---- Time

static void client_tick(uv_timer_t *timer);

static void client_arm(struct garden_client *client)
{
    const uint64_t deadline_ms = garden__requests_deadline(&client->requests);
    uint64_t next_ms = client->liveness.next_ms;
    if (deadline_ms < next_ms) next_ms = deadline_ms;
    for (const struct client_wait *wait = client->waits; wait; wait = wait->next)
        if (wait->deadline_ms < next_ms) next_ms = wait->deadline_ms;
    const uint64_t now_ms = client_now(client);
    // A running timer can always be started anew: the only failure is a closing one.
    (void)uv_timer_start(&client->timer, client_tick, next_ms > now_ms ? next_ms - now_ms : 0, 0);
}

// ---- Those who wait

// Ends the wait at |*link|.
static void client_end_wait(struct garden_client *client, struct client_wait **link, int result,
                            const struct garden_message *event)
{
    struct client_wait *wait = *link;
    const struct garden_wait taken = wait->wait;
    *link = wait->next;
    zmtp_free(zmtp_heap(), wait, sizeof *wait);
    taken.call(client, result, event, taken.user);
}

static bool client_wait_fits(const struct garden_client *client, const struct client_wait *wait,
                             const struct garden_message *event)
{
    if (!event) return !wait->wait.wanted && client->liveness.ping > wait->ping;
    return wait->wait.wanted && wait->wait.wanted(event, wait->wait.user);
}

// Ends those that waited for |event| (null: an answer to a ping). A call may add others, which begin to
// wait now, and end none.
static void client_end_waits(struct garden_client *client, const struct garden_message *event)
{
    struct client_wait *found = NULL, **last = &found;
    for (struct client_wait **link = &client->waits; *link;) {
        struct client_wait *wait = *link;
        if (!client_wait_fits(client, wait, event)) {
            link = &wait->next;
            continue;
        }
        *link = wait->next;
        wait->next = NULL;
        *last = wait;
        last = &wait->next;
    }
    while (found)
        client_end_wait(client, &found, client->closing ? GARDEN_ERR_DEAD : GARDEN_OK,
                        client->closing ? NULL : event);
}

static void client_expire_waits(struct garden_client *client, uint64_t now_ms)
{
    for (struct client_wait **link = &client->waits; *link && !client->closing;) {
        if ((*link)->deadline_ms > now_ms) {
            link = &(*link)->next;
            continue;
        }
        client_end_wait(client, link, GARDEN_ERR_TIMEOUT, NULL);
        link = &client->waits; // the call may have changed the list
    }
}

int garden_client_wait_for(struct garden_client *client, const struct garden_wait *wait)
{
    if (!client || !wait || !wait->call) return GARDEN_ERR_ARGUMENT;
    if (client->closing) return GARDEN_ERR_STATE;
    struct client_wait *added = zmtp_alloc(zmtp_heap(), sizeof *added);
    if (!added) return GARDEN_ERR_MEMORY;
    const uint32_t timeout_ms =
        wait->timeout_ms ? wait->timeout_ms : client->config.request_timeout_ms;
    *added = (struct client_wait){.next = client->waits,
                                  .wait = *wait,
                                  .deadline_ms = client_now(client) + timeout_ms,
                                  .ping = client->liveness.ping};
    client->waits = added;
    if (!wait->wanted) garden__liveness_hurry(&client->liveness, client_now(client));
    client_arm(client);
    return GARDEN_OK;
}

static void client_tell_life(struct garden_client *client, enum garden_client_state before)
{
    const enum garden_client_state state = garden_client_state(client);
    if (state != before && client->config.on_state)
        client->config.on_state(client, state, client->config.user);
}

static void client_send_ping(struct garden_client *client)
{
    const struct client_lane *lane = &client->lanes[GARDEN_LANE_HEARTBEAT];
    if (!lane->up) return; // then it is missed
    uint8_t octets[CLIENT_PING_SIZE];
    memcpy(octets, &client->liveness.ping, sizeof octets);
    const struct zmtp_bytes part = zmtp_bytes_of(octets, sizeof octets);
    (void)zmtp_uv_send(lane->socket, &part, 1); // one that does not leave is missed, too
}

static void client_flush(struct garden_client *client, enum garden_lane lane)
{
    struct client_lane *to = &client->lanes[lane];
    if (!to->up) return;
    struct garden__asked *asked;
    // A REQ has one request under way at a time; the others wait their turn here.
    while ((asked = garden__requests_unsent(&client->requests, lane, lane == GARDEN_LANE_QUERY))) {
        const struct zmtp_bytes part = zmtp_bytes_of(asked->octets, asked->size);
        if (zmtp_uv_send(to->socket, &part, 1) < 0) return; // on_writable or a tick comes back here
        asked->sent = true;
    }
}

// What the lanes need from time to time: a request that was given up makes room for the next query,
// one that found no memory is tried again, and so is a daemon that once refused us.
static void client_tend_lanes(struct garden_client *client)
{
    for (size_t i = 0; i < GARDEN_LANES; i++) {
        struct client_lane *lane = &client->lanes[i];
        client_flush(client, lane->lane);
        if (lane->gave_up &&
            zmtp_uv_connect(lane->socket, client->config.endpoints.of[i]) == ZMTP_OK)
            lane->gave_up = false;
    }
}

static void client_tick(uv_timer_t *timer)
{
    struct garden_client *client = timer->data;
    const uint64_t now_ms = client_now(client);
    const enum garden_client_state before = garden_client_state(client);
    if (garden__liveness_tick(&client->liveness, now_ms)) client_send_ping(client);
    client_tell_life(client, before);
    struct garden__asked *asked;
    while (!client->closing && (asked = garden__requests_expired(&client->requests, now_ms))) {
        client->counters.timeouts++;
        client_answer(client, asked, GARDEN_ERR_TIMEOUT, NULL);
    }
    client_expire_waits(client, now_ms);
    if (client->closing) return;
    client_tend_lanes(client);
    client_arm(client);
}

// ---- Lanes

static void client_pong(struct garden_client *client, struct zmtp_bytes body)
{
    uint64_t number;
    if (body.size != sizeof number) return;
    memcpy(&number, body.data, sizeof number);
    const enum garden_client_state before = garden_client_state(client);
    if (!garden__liveness_pong(&client->liveness, number, client_now(client))) return;
    client_tell_life(client, before);
    client_end_waits(client, NULL);
    // Those that began to wait with this one under way want another, now.
    const struct client_wait *wait = client->waits;
    while (wait && wait->wait.wanted)
        wait = wait->next;
    if (!wait || client->closing) return;
    garden__liveness_hurry(&client->liveness, client_now(client));
    client_arm(client);
}

static void client_deliver(struct garden_client *client, const struct garden_message *event,
                           bool has_seq, uint64_t seq)
{
    client->counters.events++;
    if (client->config.on_event)
        client->config.on_event(client, event, has_seq, seq, client->config.user);
    client_end_waits(client, event);
}

// ---- Catching up

static void client_lose(struct garden_client *client, uint64_t first, uint64_t count)
{
    client->counters.events_missed += count;
    if (client->config.on_lost) client->config.on_lost(client, first, count, client->config.user);
}

static void client_catch_up(struct garden_client *client);

// Delivers what was held back and has its turn now.
static void client_release_held(struct garden_client *client)
{
    struct garden__held *held;
    while (!client->closing && (held = garden__follow_take(&client->follow))) {
        struct garden_message event;
        struct garden_form form = client->config.form;
        const struct zmtp_bytes octets = zmtp_bytes_of(held->octets, held->size);
        if (garden_message_decode(&event, octets, NULL, &form, NULL) == GARDEN_OK)
            client_deliver(client, &event, true, held->seq);
        else // it could be read when it came
            client_lose(client, held->seq, 1);
        garden_message_fini(&event);
        garden__follow_free(&client->follow, held);
    }
}

static void client_give_up(struct garden_client *client)
{
    uint64_t lost, count;
    if (garden__follow_give_up(&client->follow, &lost, &count)) client_lose(client, lost, count);
}

static void client_take_session(struct garden_client *client, struct garden_uuid session,
                                uint64_t next)
{
    if (garden__follow_session(&client->follow, session, next)) client_lose(client, 0, 0);
}

static void client_recover(struct garden_client *client,
                           const struct garden_shell_reply_events *events)
{
    const struct garden_past_event_list *list = &events->events;
    uint64_t lost, count;
    client_take_session(client, events->session, events->next_seq);
    if (garden__follow_stale(&client->follow)) return;
    const uint64_t before = client->follow.next;
    if (garden__follow_answered(&client->follow,
                                list->count > 0 ? list->items[0].seq : events->next_seq, &lost,
                                &count))
        client_lose(client, lost, count);
    for (size_t i = 0; i < list->count && !client->closing; i++) {
        const struct garden_past_event *past = &list->items[i];
        struct garden_message event;
        const struct garden_uuid nobody = {{0}};
        if (!garden__follow_event(&client->follow, past->seq, (struct zmtp_bytes){0})) continue;
        garden_message_init(&event, GARDEN_EVENT, garden__uuid_new(), nobody, past->timestamp);
        event.metadata = past->metadata;
        event.event = past->event;
        client->counters.events_recovered++;
        client_deliver(client, &event, true, past->seq);
    }
    if (client->follow.next == before) client_give_up(client); // or it would be asked for ever
}

static void client_on_events(struct garden_client *client, int result,
                             const struct garden_message *reply, void *user)
{
    (void)user;
    if (client->closing) return;
    if (result == GARDEN_OK && reply->shell_reply.kind == GARDEN_REPLY_EVENTS)
        client_recover(client, &reply->shell_reply.events);
    else if (!garden__follow_stale(&client->follow)) // it is away for long, or keeps no events
        client_give_up(client);
    client_catch_up(client);
}

// Goes on as far as it can: delivers, and asks for what comes next.
static void client_catch_up(struct garden_client *client)
{
    const struct garden_answer answer = {.call = client_on_events};
    struct garden_shell_request request = {.kind = GARDEN_SHELL_GET_EVENTS};
    client_release_held(client);
    while (!client->closing && garden__follow_ask(&client->follow, &request.get_events.from_seq)) {
        if (garden_client_shell(client, &request, &answer) == GARDEN_OK) return;
        client_give_up(client); // no memory
        client_release_held(client);
    }
}

// True: |event| is to be delivered now.
static bool client_follow(struct garden_client *client, const struct garden_message *event,
                          bool has_seq, uint64_t seq, struct zmtp_bytes octets)
{
    if (event->event.kind == GARDEN_EVENT_WELCOME)
        client_take_session(client, event->event.welcome.session, event->event.welcome.next_seq);
    return !has_seq || garden__follow_event(&client->follow, seq, octets);
}

static void client_event(struct garden_client *client, const struct garden_message *event,
                         struct zmtp_bytes octets)
{
    uint64_t seq = 0;
    const bool has_seq = garden_value_to_u64(garden_map_find(&event->metadata, "seq"), &seq);
    if (client->config.catch_up) {
        if (client_follow(client, event, has_seq, seq, octets))
            client_deliver(client, event, has_seq, seq);
        if (!client->closing) client_catch_up(client);
        return;
    }
    if (has_seq) {
        // A number below the expected one is a daemon that started anew.
        if (client->seq_known && seq > client->seq_next)
            client->counters.events_missed += seq - client->seq_next;
        client->seq_known = true;
        client->seq_next = seq + 1;
    }
    client_deliver(client, event, has_seq, seq);
}

static void client_reply(struct garden_client *client, enum garden_lane lane,
                         const struct garden_message *reply)
{
    struct garden__asked *asked =
        reply->has_parent ? garden__requests_take(&client->requests, lane, reply->parent.msg_id)
                          : NULL;
    if (!asked) {
        client->counters.late++;
        return;
    }
    client->counters.replies++;
    client_answer(client, asked, GARDEN_OK, reply);
    if (!client->closing) client_flush(client, lane);
}

// What a lane brings. Nothing else is passed on: who waits for a shell reply reads it as one.
static enum garden_family client_family(enum garden_lane lane)
{
    switch (lane) {
    case GARDEN_LANE_CONTROL:
        return GARDEN_CONTROL_REPLY;
    case GARDEN_LANE_SHELL:
        return GARDEN_SHELL_REPLY;
    case GARDEN_LANE_IOPUB:
        return GARDEN_EVENT;
    case GARDEN_LANE_QUERY:
        return GARDEN_QUERY_REPLY;
    case GARDEN_LANE_HEARTBEAT:
    case GARDEN_LANES:
        break;
    }
    return GARDEN_FAMILY_NONE;
}

// |body| is no message that |lane| can bring. If it answers a request, no better answer will come.
static void client_refuse(struct garden_client *client, enum garden_lane lane,
                          struct zmtp_bytes body, int error)
{
    client->counters.malformed++;
    if (error == GARDEN_ERR_MEMORY) return; // nothing is known to be wrong: the deadline decides
    struct garden_message reply;
    struct garden_form form = client->config.form;
    if (garden_envelope_peek(&reply, body, NULL, &form) < 0) return;
    struct garden__asked *asked =
        reply.has_parent ? garden__requests_take(&client->requests, lane, reply.parent.msg_id)
                         : NULL;
    garden_message_fini(&reply);
    if (!asked) return;
    client_answer(client, asked, error, NULL);
    if (!client->closing) client_flush(client, lane);
}

static void client_on_message(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    (void)socket;
    struct client_lane *lane = user;
    struct garden_client *client = lane->client;
    // The last part is the message, whatever topic or envelope stands before it.
    const struct zmtp_bytes body = zmtp_msg_bytes(msg, msg->count - 1);
    if (lane->lane == GARDEN_LANE_HEARTBEAT) {
        client_pong(client, body);
        return;
    }
    struct garden_message message;
    struct garden_form form = client->config.form;
    const int result = garden_message_decode(&message, body, NULL, &form, NULL);
    if (result < 0) {
        client_refuse(client, lane->lane, body, result);
        return;
    }
    if (message.family != client_family(lane->lane))
        client_refuse(client, lane->lane, body, GARDEN_ERR_TYPE);
    else if (message.family == GARDEN_EVENT)
        client_event(client, &message, body);
    else
        client_reply(client, lane->lane, &message);
    garden_message_fini(&message);
}

static void client_on_writable(struct zmtp_uv_socket *socket, void *user)
{
    (void)socket;
    const struct client_lane *lane = user;
    client_flush(lane->client, lane->lane);
}

static void client_renew_ping(struct garden_client *client)
{
    if (garden__liveness_renew(&client->liveness, client_now(client)))
        client_send_ping(client);
    else
        client_arm(client);
}

static void client_keep_fault(struct client_lane *lane, const struct zmtp_event *event)
{
    // Of one that merely hung up, as what stands before a daemon that is not there yet does, no reason is known.
    lane->failures = event->reason.size == 0 ? 0 : lane->failures + (lane->failures < UINT32_MAX);
    const int size =
        event->reason.size < CLIENT_FAULT_SIZE ? (int)event->reason.size : CLIENT_FAULT_SIZE;
    (void)snprintf(lane->fault, sizeof lane->fault, "%.*s", size,
                   size > 0 ? (const char *)event->reason.data : "");
    if (size == 0)
        (void)snprintf(lane->fault, sizeof lane->fault, "%s", zmtp_err_text(event->error));
}

static void client_on_zmtp(struct zmtp_uv_socket *socket, const struct zmtp_event *event,
                           void *user)
{
    (void)socket;
    struct client_lane *lane = user;
    struct garden_client *client = lane->client;
    const bool failed = event->kind == ZMTP_EVENT_HANDSHAKE_FAILED;
    const bool gave_up = event->kind == ZMTP_EVENT_GAVE_UP;
    if (failed || (gave_up && !lane->fault[0])) client_keep_fault(lane, event);
    if (gave_up) lane->gave_up = lane->refused = true; // until the next tick, and until it is up
    if (event->kind == ZMTP_EVENT_DIAL_FAILED) lane->failures = 0;
    if (event->kind != ZMTP_EVENT_HANDSHAKE_DONE && event->kind != ZMTP_EVENT_CLOSED) return;
    const bool up = event->kind == ZMTP_EVENT_HANDSHAKE_DONE;
    if (up == lane->up) return;
    lane->up = up;
    if (!up && lane->lane == GARDEN_LANE_IOPUB) garden__follow_cut(&client->follow);
    if (up) {
        lane->refused = false;
        lane->failures = 0;
        lane->fault[0] = 0;
        if (lane->was_up) garden__requests_renew(&client->requests, lane->lane);
        lane->was_up = true;
        client_flush(client, lane->lane);
        if (lane->lane == GARDEN_LANE_HEARTBEAT) client_renew_ping(client);
    }
    if (client->config.on_lane) client->config.on_lane(client, lane->lane, up, client->config.user);
}

// ---- Life

static const enum zmtp_socket_type client_types[GARDEN_LANES] = {
    [GARDEN_LANE_CONTROL] = ZMTP_DEALER, [GARDEN_LANE_SHELL] = ZMTP_DEALER,
    [GARDEN_LANE_IOPUB] = ZMTP_SUB,      [GARDEN_LANE_HEARTBEAT] = ZMTP_REQ,
    [GARDEN_LANE_QUERY] = ZMTP_REQ,
};

static int client_open_lane(struct garden_client *client, struct zmtp_uv *uv,
                            enum garden_lane which, struct garden_error *error)
{
    struct client_lane *lane = &client->lanes[which];
    struct zmtp_uv_config config;
    *lane = (struct client_lane){.client = client, .lane = which};
    zmtp_uv_config_init(&config, client_types[which]);
    config.reconnect_max_ms = client->config.reconnect_max_ms;
    if (config.reconnect_min_ms > config.reconnect_max_ms)
        config.reconnect_min_ms = config.reconnect_max_ms;
    config.linger_ms = CLIENT_LINGER_MS;
    config.on_message = client_on_message;
    config.on_writable = client_on_writable;
    config.on_event = client_on_zmtp;
    config.user = lane;
    if (client->config.server_key)
        zmtp_uv_config_curve_client(&config, client->config.keys, client->config.server_key);
    int result = zmtp_uv_socket_open(&lane->socket, uv, &config);
    zmtp_wipe(&config, sizeof config);
    if (result < 0)
        return garden__fail(error, GARDEN_ERR_MEMORY, "the %s lane cannot be opened: %s",
                            garden_lane_name(which), zmtp_err_text(result));
    if (which == GARDEN_LANE_IOPUB) result = zmtp_uv_subscribe(lane->socket, zmtp_bytes_text(""));
    if (result == ZMTP_OK)
        result = zmtp_uv_connect(lane->socket, client->config.endpoints.of[which]);
    if (result == ZMTP_OK) return GARDEN_OK;
    const char *why = zmtp_uv_error_text(lane->socket);
    return garden__fail(error, result == ZMTP_ERR_MEMORY ? GARDEN_ERR_MEMORY : GARDEN_ERR_ARGUMENT,
                        "the %s lane cannot connect: %s", garden_lane_name(which),
                        why[0] ? why : zmtp_err_text(result));
}

int garden_client_open(struct garden_client **out, struct zmtp_uv *uv, struct uv_loop_s *loop,
                       const struct garden_client_config *config, struct garden_error *error)
{
    if (!out)
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "a client needs a place to be told at");
    *out = NULL;
    if (!uv || !loop || !config)
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "a client needs an engine, a loop and a configuration");
    if (config->ping_interval_ms == 0 || config->pings_missed_max == 0 ||
        config->request_timeout_ms == 0)
        return garden__fail(error, GARDEN_ERR_ARGUMENT,
                            "a client's intervals and timeouts must be above zero");
    struct garden_client *client = zmtp_alloc(zmtp_heap(), sizeof *client);
    if (!client) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a client");
    *client = (struct garden_client){.config = *config, .session = garden__uuid_new()};
    garden__requests_init(&client->requests, NULL);
    garden__follow_init(&client->follow, NULL, CLIENT_HELD_COUNT_MAX, CLIENT_HELD_BYTES_MAX);
    (void)uv_timer_init(loop, &client->timer); // does not fail
    client->timer.data = client;
    garden__liveness_init(&client->liveness, config->ping_interval_ms, config->pings_missed_max,
                          client_now(client));
    for (size_t i = 0; i < GARDEN_LANES; i++) {
        const int result = client_open_lane(client, uv, (enum garden_lane)i, error);
        if (result < 0) {
            garden_client_close(client, NULL, NULL);
            return result;
        }
    }
    client_arm(client);
    *out = client;
    return GARDEN_OK;
}

static void client_part_closed(void *user)
{
    struct garden_client *client = user;
    if (--client->closing > 0) return;
    garden__follow_fini(&client->follow);
    if (client->closed) client->closed(client->closed_user);
    zmtp_free(zmtp_heap(), client, sizeof *client);
}

static void client_timer_closed(uv_handle_t *handle)
{
    client_part_closed(handle->data);
}

void garden_client_close(struct garden_client *client, void (*closed)(void *user), void *user)
{
    if (!client || client->closing) return;
    client->closed = closed;
    client->closed_user = user;
    client->closing = 1;
    struct garden__asked *asked;
    while ((asked = garden__requests_any(&client->requests)))
        client_answer(client, asked, GARDEN_ERR_DEAD, NULL);
    while (client->waits)
        client_end_wait(client, &client->waits, GARDEN_ERR_DEAD, NULL);
    for (size_t i = 0; i < GARDEN_LANES; i++) {
        if (!client->lanes[i].socket) continue;
        client->closing++;
        zmtp_uv_socket_close(client->lanes[i].socket, client_part_closed, client);
        client->lanes[i].socket = NULL;
    }
    uv_close((uv_handle_t *)&client->timer, client_timer_closed);
}

// ---- Requests

static int client_ask(struct garden_client *client, enum garden_lane lane,
                      struct garden_message *message, const struct garden_answer *answer)
{
    struct garden_buffer octets;
    garden_buffer_init(&octets, NULL, 0);
    int result = garden_message_encode(message, client->config.form, &octets, NULL);
    if (result == GARDEN_OK) {
        const uint32_t timeout_ms =
            answer->timeout_ms ? answer->timeout_ms : client->config.request_timeout_ms;
        result = garden__requests_add(&client->requests, lane, message->header.msg_id,
                                      garden_buffer_bytes(&octets), answer,
                                      client_now(client) + timeout_ms);
    }
    garden_buffer_fini(&octets);
    if (result < 0) return result;
    client->counters.requests++;
    client_flush(client, lane);
    client_arm(client);
    return GARDEN_OK;
}

static int client_begin(const struct garden_client *client, enum garden_family family,
                        const struct garden_answer *answer, struct garden_message *message)
{
    if (!client || !answer) return GARDEN_ERR_ARGUMENT;
    if (client->closing) return GARDEN_ERR_STATE;
    garden_message_init(message, family, answer->msg_id ? *answer->msg_id : garden__uuid_new(),
                        client->session, garden__time_now());
    return GARDEN_OK;
}

int garden_client_shell(struct garden_client *client, const struct garden_shell_request *request,
                        const struct garden_answer *answer)
{
    struct garden_message message;
    if (!request) return GARDEN_ERR_ARGUMENT;
    const int result = client_begin(client, GARDEN_SHELL_REQUEST, answer, &message);
    if (result < 0) return result;
    message.shell_request = *request;
    return client_ask(client, GARDEN_LANE_SHELL, &message, answer);
}

int garden_client_control(struct garden_client *client,
                          const struct garden_control_request *request,
                          const struct garden_answer *answer)
{
    struct garden_message message;
    if (!request) return GARDEN_ERR_ARGUMENT;
    const int result = client_begin(client, GARDEN_CONTROL_REQUEST, answer, &message);
    if (result < 0) return result;
    message.control_request = *request;
    return client_ask(client, GARDEN_LANE_CONTROL, &message, answer);
}

int garden_client_query(struct garden_client *client, const struct garden_query_request *request,
                        const struct garden_answer *answer)
{
    struct garden_message message;
    if (!request) return GARDEN_ERR_ARGUMENT;
    const int result = client_begin(client, GARDEN_QUERY_REQUEST, answer, &message);
    if (result < 0) return result;
    message.query_request = *request;
    return client_ask(client, GARDEN_LANE_QUERY, &message, answer);
}

int garden_client_interrupt(struct garden_client *client, struct garden_uuid msg_id,
                            const struct garden_answer *answer)
{
    struct garden_message message;
    char text[GARDEN_UUID_TEXT_SIZE + 1];
    const int result = client_begin(client, GARDEN_CONTROL_REQUEST, answer, &message);
    if (result < 0) return result;
    garden_uuid_format(msg_id, text);
    struct garden_entry only = garden_entry_of("msg_id", garden_value_text(garden_text_of(text)));
    message.metadata = (struct garden_map){.entries = &only, .count = 1};
    message.control_request.kind = GARDEN_CONTROL_INTERRUPT;
    return client_ask(client, GARDEN_LANE_CONTROL, &message, answer);
}

void garden_client_ping(struct garden_client *client)
{
    if (!client || client->closing) return;
    garden__liveness_hurry(&client->liveness, client_now(client));
    client_arm(client);
}

enum garden_client_state garden_client_state(const struct garden_client *client)
{
    if (!client) return GARDEN_CLIENT_DIALLING;
    switch (client->liveness.life) {
    case GARDEN__LIFE_UNKNOWN:
        break;
    case GARDEN__LIFE_ALIVE:
        return GARDEN_CLIENT_ALIVE;
    case GARDEN__LIFE_DEAD:
        return GARDEN_CLIENT_DEAD;
    }
    return GARDEN_CLIENT_DIALLING;
}

bool garden_client_lane_up(const struct garden_client *client, enum garden_lane lane)
{
    return client && (unsigned)lane < GARDEN_LANES && client->lanes[lane].up;
}

const char *garden_client_lane_fault(const struct garden_client *client, enum garden_lane lane,
                                     bool *refused)
{
    const struct client_lane *of =
        client && (unsigned)lane < GARDEN_LANES ? &client->lanes[lane] : NULL;
    if (refused) *refused = of && of->refused;
    return of && of->fault[0] ? of->fault : NULL;
}

uint32_t garden_client_lane_failures(const struct garden_client *client, enum garden_lane lane)
{
    return client && (unsigned)lane < GARDEN_LANES ? client->lanes[lane].failures : 0;
}

uint32_t garden_client_round_trip_ms(const struct garden_client *client)
{
    return client ? client->liveness.round_trip_ms : UINT32_MAX;
}

struct garden_client_counters garden_client_counters(const struct garden_client *client)
{
    if (!client) return (struct garden_client_counters){0};
    struct garden_client_counters counters = client->counters;
    counters.resent = client->requests.resent;
    return counters;
}
