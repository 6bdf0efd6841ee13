// Shell, control and query are ROUTERs, so that several requests may be under way on each and a slow
// query holds up neither another client's nor a REQ that gave up waiting; on the wire a REQ cannot
// tell it from a REP. The return address is everything before the message, whatever that is. The
// heartbeat is a ROUTER too: an echo that finds no memory is lost, where a REP would wait for it to
// be sent and hear nobody any more.
//
// Messages are taken in turns, one in each turn of the loop, after everything that has come was read:
// first what control and the heartbeat have, then a slice of what shell and query have. So whatever these
// two are flooded with, what is urgent waits for one slice at most; the rest stays in the connections'
// queues, and once these are full in the senders'.
#include "../server.h"

#include <string.h>
#include <zmtp/uv.h>

#include "../core/error.h"
#include "inside.h"
#include "random.h"

enum {
    SERVER_RECORD_COUNT_MAX = 1024,
    SERVER_RECORD_BYTES_MAX = 1024 * 1024,
    // Three minutes of a playhead and a stream; an event has some hundred octets.
    SERVER_HISTORY_COUNT_MAX = 4096,
    SERVER_HISTORY_BYTES_MAX = 4 * 1024 * 1024,
    // What one GetEvents brings at most, so that it delays nobody; the client asks again.
    SERVER_EVENTS_COUNT_MAX = 128,
    SERVER_EVENTS_BYTES_MAX = 256 * 1024,
    SERVER_REQUESTS_MAX = 4096,
    // A slice: messages of shell and query, and nanoseconds after which no further one begins. Some twenty
    // microseconds is what most take.
    SERVER_SLICE_COUNT = 32,
    SERVER_SLICE_NS = 500 * 1000,
    // Of one urgent lane in one turn; a flood of these shall not stop the loop's other work.
    SERVER_URGENT_COUNT = 64,
    SERVER_EXTRA_MAX = 15, // entries of an event's metadata beside "seq"
};

// A request, and where its answer goes.
struct server_request {
    struct garden_request public; // first, so that the one is the other
    struct server_request *next, *before;
    const struct server_lane *door; // by which it came
    struct zmtp_msg route;
};

void garden_server_config_init(struct garden_server_config *config)
{
    *config = (struct garden_server_config){
        .form = {GARDEN_MSGPACK, GARDEN_EXTERNAL},
        .record_count_max = SERVER_RECORD_COUNT_MAX,
        .record_bytes_max = SERVER_RECORD_BYTES_MAX,
        .history_count_max = SERVER_HISTORY_COUNT_MAX,
        .history_bytes_max = SERVER_HISTORY_BYTES_MAX,
        .welcome = true,
        .requests_max = SERVER_REQUESTS_MAX,
    };
}

// ---- Replies

// Sends |part| along |route|; both are empty afterwards.
static void server_send_part(struct garden_server *server, const struct server_lane *door,
                             struct zmtp_msg *route, struct zmtp_part *part)
{
    int result = zmtp_msg_append_part(route, part);
    if (result == ZMTP_OK) result = zmtp_uv_send_msg(door->socket, route);
    if (result == ZMTP_OK)
        server->counters.replies++;
    else
        server->counters.undeliverable++; // the client went, or does not read its replies
    zmtp_part_fini(part);
    zmtp_msg_fini(route);
}

// Sends a copy of |octets| along |route|, which is empty afterwards.
static void server_send(struct garden_server *server, const struct server_lane *door,
                        struct zmtp_msg *route, struct zmtp_bytes octets)
{
    struct zmtp_part part = {0};
    if (zmtp_part_copy(&part, octets, NULL) == ZMTP_OK) {
        server_send_part(server, door, route, &part);
        return;
    }
    server->counters.undeliverable++;
    zmtp_msg_fini(route);
}

static void server_free(struct garden_server *server, struct server_request *request)
{
    if (request->before)
        request->before->next = request->next;
    else
        server->first = request->next;
    if (request->next) request->next->before = request->before;
    server->request_count--;
    zmtp_msg_fini(&request->route);
    garden_message_fini(&request->public.message);
    zmtp_free(zmtp_heap(), request, sizeof *request);
}

static enum garden_family server_reply_family(enum garden_lane lane)
{
    if (lane == GARDEN_LANE_CONTROL) return GARDEN_CONTROL_REPLY;
    return lane == GARDEN_LANE_QUERY ? GARDEN_QUERY_REPLY : GARDEN_SHELL_REPLY;
}

void garden_reply_error(struct garden_message *reply, enum garden_lane lane, const char *text)
{
    reply->family = server_reply_family(lane);
    const struct garden_text error = garden_text_of(text);
    if (lane == GARDEN_LANE_CONTROL)
        reply->control_reply = (struct garden_control_reply){.kind = GARDEN_CONTROL_REPLY_ERROR,
                                                             .error = {.error = error}};
    else if (lane == GARDEN_LANE_QUERY)
        reply->query_reply = (struct garden_query_reply){.kind = GARDEN_QUERY_REPLY_ERROR,
                                                         .error = {.error = error}};
    else
        reply->shell_reply =
            (struct garden_shell_reply){.kind = GARDEN_REPLY_ERROR, .error = {.error = error}};
}

// |content| as the answer to |request|. One that cannot be encoded becomes an Error that says so.
static int server_encode(const struct garden_message *request, enum garden_lane lane,
                         struct garden_form form, const struct garden_message *content,
                         struct garden_buffer *octets)
{
    struct garden_message reply;
    struct garden_fault fault = {0};
    garden_message_reply(&reply, request, content->family, garden__uuid_new(), garden__time_now());
    const struct garden_message envelope = reply;
    reply = *content;
    reply.header = envelope.header;
    reply.has_parent = envelope.has_parent;
    reply.parent = envelope.parent;
    garden_buffer_clear(octets);
    const int result = garden_message_encode(&reply, form, octets, &fault);
    if (result == GARDEN_OK) return result;
    garden_buffer_clear(octets);
    const char *why = fault.text[0] ? fault.text : garden_err_text(result);
    if (result == GARDEN_ERR_LIMIT)
        why = "the answer is larger or deeper than a message may be: ask for less";
    garden_reply_error(&reply, lane, why);
    return garden_message_encode(&reply, form, octets, NULL);
}

int garden_reply_encode(const struct garden_request *request, const struct garden_message *reply,
                        struct garden_buffer *octets)
{
    return server_encode(&request->message, request->lane, request->form, reply, octets);
}

static void server_record(struct garden_server *server, const struct garden_request *request,
                          struct zmtp_bytes octets)
{
    if (request->lane != GARDEN_LANE_QUERY) // asking again does no harm there
        garden__record_add(&server->record, request->lane, request->message.header.msg_id, octets);
}

void garden_server_reply(struct garden_server *server, struct garden_request *request,
                         struct garden_message *reply)
{
    struct server_request *owned = (struct server_request *)request;
    if (garden_reply_encode(request, reply, &server->octets) == GARDEN_OK) {
        const struct zmtp_bytes octets = garden_buffer_bytes(&server->octets);
        server_record(server, request, octets);
        server_send(server, owned->door, &owned->route, octets);
    } else {
        server->counters.undeliverable++;
    }
    server_free(server, owned);
}

static void server_release_octets(void *data, void *capacity)
{
    zmtp_free(zmtp_heap(), data, (size_t)(uintptr_t)capacity);
}

void garden_server_reply_octets(struct garden_server *server, struct garden_request *request,
                                struct garden_buffer *octets)
{
    struct server_request *owned = (struct server_request *)request;
    struct zmtp_part part = {0};
    server_record(server, request, garden_buffer_bytes(octets));
    if (zmtp_part_wrap(&part, octets->data, octets->size, server_release_octets,
                       (void *)(uintptr_t)octets->capacity, NULL) == ZMTP_OK) {
        garden_buffer_init(octets, NULL, octets->size_max); // its memory is the part's now
        server_send_part(server, owned->door, &owned->route, &part);
    } else {
        server->counters.undeliverable++;
    }
    server_free(server, owned);
}

void garden_server_reply_error(struct garden_server *server, struct garden_request *request,
                               const char *text)
{
    struct garden_message reply = {0};
    garden_reply_error(&reply, request->lane, text);
    garden_server_reply(server, request, &reply);
}

void garden_server_remember(struct garden_server *server, enum garden_lane lane,
                            struct garden_uuid msg_id, struct zmtp_bytes octets)
{
    garden__record_add(&server->record, lane, msg_id, octets);
}

void garden_server_answers(const struct garden_server *server,
                           void (*each)(void *context, enum garden_lane lane,
                                        struct garden_uuid msg_id, struct zmtp_bytes octets),
                           void *context)
{
    for (const struct garden__answered *at = server->record.oldest; at; at = at->next)
        each(context, at->lane, at->msg_id, zmtp_bytes_of(at->octets, at->size));
}

// ---- Requests

// Answers what cannot be read: as a reply to its header where that can be made out.
static void server_refuse(struct garden_server *server, const struct server_lane *lane,
                          struct zmtp_msg *route, struct zmtp_bytes body, const char *why)
{
    server->counters.errors++;
    struct garden_message request, reply = {0};
    struct garden_form form = server->config.form;
    garden_reply_error(&reply, lane->lane, why);
    int result;
    if (garden_envelope_peek(&request, body, NULL, &form) == GARDEN_OK) {
        result = server_encode(&request, lane->lane, form, &reply, &server->octets);
        garden_message_fini(&request);
    } else {
        struct garden_message alone;
        garden_message_init(&alone, reply.family, garden__uuid_new(), server->session,
                            garden__time_now());
        reply.header = alone.header;
        garden_buffer_clear(&server->octets);
        result = garden_message_encode(&reply, form, &server->octets, NULL);
    }
    if (result == GARDEN_OK) server_send(server, lane, route, garden_buffer_bytes(&server->octets));
    zmtp_msg_fini(route);
}

// A request that is here, or was answered, already. True: nothing is left to do.
static bool server_repeated(struct garden_server *server, const struct server_lane *lane,
                            struct zmtp_msg *route, struct garden_uuid msg_id)
{
    const struct zmtp_bytes octets = garden__record_find(&server->record, lane->lane, msg_id);
    if (octets.size > 0) {
        server->counters.repeated++;
        server_send(server, lane, route, octets);
        return true;
    }
    for (struct server_request *at = server->first; at; at = at->next) {
        if (at->public.lane != lane->lane) continue;
        if (!garden_uuid_equal(at->public.message.header.msg_id, msg_id)) continue;
        // The client may have connected anew: the answer goes where it asked last.
        server->counters.repeated++;
        zmtp_msg_fini(&at->route);
        at->route = *route;
        at->door = lane;
        zmtp_msg_init(route, NULL);
        return true;
    }
    return false;
}

// Reads the event |past| anew into |kept|, for the caller to fini, by |arena|'s allocator; |out| borrows from it. False:
// no memory.
static bool server_recall(const struct garden_server *server, const struct garden__past *past,
                          struct garden_arena *arena, struct garden_message *kept,
                          struct garden_past_event *out)
{
    struct garden_form form = server->config.form;
    if (garden_message_decode(kept, zmtp_bytes_of(past->octets, past->size), arena->allocator,
                              &form, NULL) < 0)
        return false;
    *out = (struct garden_past_event){.seq = past->seq,
                                      .timestamp = kept->header.timestamp,
                                      .metadata = kept->metadata,
                                      .event = kept->event};
    return true;
}

static uint64_t server_oldest_seq(const struct garden_server *server)
{
    return server->history.oldest ? server->history.oldest->seq : server->counters.events;
}

// Answers GetEvents, which changes nothing and so is not kept in the record.
static void server_answer_events(struct garden_server *server, const struct server_lane *door,
                                 struct zmtp_msg *route, const struct garden_message *request,
                                 struct garden_form form)
{
    struct garden_arena arena;
    struct garden_message reply = {.family = GARDEN_SHELL_REPLY};
    struct garden_shell_reply_events *events = &reply.shell_reply.events;
    garden_arena_init(&arena, NULL, 0);
    reply.shell_reply.kind = GARDEN_REPLY_EVENTS;
    *events = (struct garden_shell_reply_events){.session = server->session,
                                                 .oldest_seq = server_oldest_seq(server),
                                                 .next_seq = server->counters.events};
    struct garden_past_event *items =
        garden_arena_alloc(&arena, SERVER_EVENTS_COUNT_MAX, sizeof *items);
    struct garden_message *kept = garden_arena_alloc(&arena, SERVER_EVENTS_COUNT_MAX, sizeof *kept);
    const struct garden__past *past =
        garden__history_from(&server->history, request->shell_request.get_events.from_seq);
    size_t count = 0, bytes = 0;
    while (items && kept && past && count < SERVER_EVENTS_COUNT_MAX &&
           bytes < SERVER_EVENTS_BYTES_MAX &&
           server_recall(server, past, &arena, &kept[count], &items[count])) {
        count++;
        bytes += past->size;
        past = past->next;
    }
    events->events = (struct garden_past_event_list){.items = items, .count = count};
    if (!items || !kept) garden_reply_error(&reply, GARDEN_LANE_SHELL, "no memory for the events");
    server->counters.requests++;
    if (server_encode(request, GARDEN_LANE_SHELL, form, &reply, &server->octets) == GARDEN_OK)
        server_send(server, door, route, garden_buffer_bytes(&server->octets));
    for (size_t i = 0; i < count; i++)
        garden_message_fini(&kept[i]);
    garden_arena_fini(&arena);
}

static bool server_family_fits(enum garden_lane lane, enum garden_family family)
{
    if (lane == GARDEN_LANE_CONTROL) return family == GARDEN_CONTROL_REQUEST;
    if (lane == GARDEN_LANE_QUERY) return family == GARDEN_QUERY_REQUEST;
    return family == GARDEN_SHELL_REQUEST;
}

// Takes |request|'s message and |route|, and hands it to the owner.
static void server_accept(struct garden_server *server, const struct server_lane *lane,
                          struct zmtp_msg *route, struct garden_message *message,
                          struct garden_form form)
{
    struct server_request *request = zmtp_alloc(zmtp_heap(), sizeof *request);
    if (!request) { // the client asks again when it hears nothing
        garden_message_fini(message);
        return;
    }
    *request = (struct server_request){
        .public = {.lane = lane->lane, .message = *message, .form = form},
        .next = server->first,
        .door = lane,
        .route = *route,
    };
    zmtp_msg_init(route, NULL);
    if (server->first) server->first->before = request;
    server->first = request;
    server->request_count++;
    server->counters.requests++;
    server->config.on_request(server, &request->public, server->config.user);
}

static void server_read(struct garden_server *server, const struct server_lane *lane,
                        struct zmtp_msg *route, struct zmtp_bytes body)
{
    struct garden_message message;
    struct garden_form form = server->config.form;
    struct garden_fault fault;
    if (garden_message_decode(&message, body, NULL, &form, &fault) < 0) {
        server_refuse(server, lane, route, body, fault.text);
        return;
    }
    if (!server_family_fits(lane->lane, message.family)) {
        server_refuse(server, lane, route, body,
                      "this lane does not take messages of this msg_type");
    } else if (message.family == GARDEN_SHELL_REQUEST &&
               message.shell_request.kind == GARDEN_SHELL_GET_EVENTS) {
        server_answer_events(server, lane, route, &message, form);
    } else if (!server_repeated(server, lane, route, message.header.msg_id)) {
        if (server->request_count < server->config.requests_max) {
            server_accept(server, lane, route, &message, form);
            return;
        }
        server_refuse(server, lane, route, body,
                      "too many requests are unanswered: wait for some replies");
    }
    garden_message_fini(&message);
}

static void server_take(struct garden_server *server, const struct server_lane *lane,
                        struct zmtp_msg *msg)
{
    if (lane->lane == GARDEN_LANE_HEARTBEAT) {
        (void)zmtp_uv_send_msg(lane->socket, msg); // a requester that went needs no echo
        return;
    }
    // The last part is the message; the others are the way back.
    struct zmtp_part body = *zmtp_msg_part(msg, msg->count - 1);
    msg->count--;
    struct zmtp_msg route = *msg;
    zmtp_msg_init(msg, NULL);
    server_read(server, lane, &route, zmtp_part_bytes(&body));
    zmtp_msg_fini(&route);
    zmtp_part_fini(&body);
}

// ---- Turns

// Takes one message of a door. False: there was none, or the server closes.
static bool server_step_door(struct garden_server *server, struct server_lane *lane)
{
    struct zmtp_msg msg;
    if (!lane->waiting || server->closing) return false;
    zmtp_msg_init(&msg, NULL);
    const int result = zmtp_uv_recv(lane->socket, &msg);
    if (result == ZMTP_OK)
        server_take(server, lane, &msg);
    else if (result != ZMTP_ERR_MEMORY) // that is tried again
        lane->waiting = false;          // until it is told that there is something
    zmtp_msg_fini(&msg);
    return result == ZMTP_OK;
}

// The same of a lane: its own door, and when nobody waits there that for pages.
static bool server_step(struct garden_server *server, enum garden_lane which)
{
    return server_step_door(server, &server->lanes[which]) ||
           server_step_door(server, &server->lanes[GARDEN_LANES + which]);
}

static void server_hurry(struct garden_server *server)
{
    for (int i = 0; i < SERVER_URGENT_COUNT && server_step(server, GARDEN_LANE_CONTROL); i++)
        continue;
    for (int i = 0; i < SERVER_URGENT_COUNT && server_step(server, GARDEN_LANE_HEARTBEAT); i++)
        continue;
}

// The two in turns, so that neither is held up by the other.
static bool server_step_slow(struct garden_server *server)
{
    server->query_first = !server->query_first;
    const enum garden_lane first = server->query_first ? GARDEN_LANE_QUERY : GARDEN_LANE_SHELL;
    const enum garden_lane second = server->query_first ? GARDEN_LANE_SHELL : GARDEN_LANE_QUERY;
    return server_step(server, first) || server_step(server, second);
}

static void server_on_turn(uv_check_t *turn)
{
    struct garden_server *server = turn->data;
    const uint64_t begun = uv_hrtime();
    server_hurry(server);
    for (int i = 0; i < SERVER_SLICE_COUNT && server_step_slow(server); i++)
        if (uv_hrtime() - begun >= SERVER_SLICE_NS) break;
    if (server->closing) return; // both handles are closed
    for (size_t i = 0; i < SERVER_DOORS; i++)
        if (server->lanes[i].waiting) return;
    (void)uv_idle_stop(&server->wake); // neither of these fails
    (void)uv_check_stop(&server->turn);
}

static void server_on_wake(uv_idle_t *wake)
{
    (void)wake; // it is there, that is all
}

void garden__server_on_readable(struct zmtp_uv_socket *socket, void *user)
{
    (void)socket;
    struct server_lane *lane = user;
    struct garden_server *server = lane->server;
    if (server->closing) return;
    lane->waiting = true;
    (void)uv_idle_start(&server->wake, server_on_wake);
    (void)uv_check_start(&server->turn, server_on_turn);
}

// ---- Events

// As those behind |door| read events.
static int server_event_encode(struct garden_server *server, const struct server_lane *door,
                               const struct garden_message *message)
{
    static const struct garden_form web = {GARDEN_JSON, GARDEN_EXTERNAL};
    garden_buffer_clear(&server->octets);
    return garden_message_encode(message, door->web ? web : server->config.form, &server->octets,
                                 NULL);
}

static void server_publish_octets(struct garden_server *server, const struct server_lane *door,
                                  const struct garden_message *message)
{
    const struct zmtp_bytes parts[] = {zmtp_bytes_text(garden_message_name(message)),
                                       garden_buffer_bytes(&server->octets)};
    const size_t skip = server->config.topics ? 0 : 1;
    // A publisher is never refused for a full subscriber; its seq tells that one what it missed.
    (void)zmtp_uv_send(door->socket, parts + skip, 2 - skip);
}

int garden_server_publish(struct garden_server *server, const struct garden_event *event,
                          const struct garden_entry *extra, size_t extra_count)
{
    if (extra_count > SERVER_EXTRA_MAX) return GARDEN_ERR_ARGUMENT;
    for (size_t i = 0; i < extra_count; i++)
        if (garden_text_is(extra[i].key, "seq")) return GARDEN_ERR_ARGUMENT; // no decoder takes two
    struct garden_message message;
    struct garden_entry entries[1 + SERVER_EXTRA_MAX];
    const struct garden_uuid nobody = {{0}};
    garden_message_init(&message, GARDEN_EVENT, garden__uuid_new(), nobody, garden__time_now());
    entries[0] = garden_entry_of("seq", garden_value_uint(server->counters.events));
    if (extra_count > 0) memcpy(entries + 1, extra, extra_count * sizeof *extra);
    message.metadata = (struct garden_map){.entries = entries, .count = 1 + extra_count};
    message.event = *event;
    const int result = server_event_encode(server, &server->lanes[GARDEN_LANE_IOPUB], &message);
    if (result < 0) return result;
    garden__history_add(&server->history, server->counters.events++,
                        garden_buffer_bytes(&server->octets));
    server_publish_octets(server, &server->lanes[GARDEN_LANE_IOPUB], &message);
    // Pages read JSON, which is made only when one is there to read it. Without memory it is a gap.
    if (server->web_subscriptions == 0 ||
        server_event_encode(server, &server->lanes[SERVER_WEB_IOPUB], &message) < 0)
        return GARDEN_OK;
    server_publish_octets(server, &server->lanes[SERVER_WEB_IOPUB], &message);
    return GARDEN_OK;
}

// What a new subscriber is sent: [topic, message] where that matches what it subscribed to, which a
// message alone only does when that is everything.
static void server_welcome(struct garden_server *server, const struct server_lane *door,
                           struct zmtp_bytes topic)
{
    struct garden_message message;
    struct garden_arena arena;
    const struct garden_uuid nobody = {{0}};
    garden_arena_init(&arena, NULL, 0);
    garden_message_init(&message, GARDEN_EVENT, garden__uuid_new(), nobody, garden__time_now());
    message.event.kind = GARDEN_EVENT_WELCOME;
    struct garden_event_welcome *welcome = &message.event.welcome;
    *welcome = (struct garden_event_welcome){.session = server->session,
                                             .next_seq = server->counters.events,
                                             .oldest_seq = server_oldest_seq(server)};
    if (server->config.on_welcome &&
        server->config.on_welcome(server, &arena, &welcome->state, server->config.user) < 0)
        welcome->state = garden_value_null();
    // Something must be sent, as what is sent next is for this subscriber alone. Without memory it is
    // no octets, which nobody can read.
    (void)server_event_encode(server, door, &message);
    if (server->config.topics && topic.size == 0) topic = zmtp_bytes_text("Welcome");
    const struct zmtp_bytes parts[] = {topic, garden_buffer_bytes(&server->octets)};
    const size_t skip = topic.size > 0 ? 0 : 1;
    if (zmtp_uv_send(door->socket, parts + skip, 2 - skip) == ZMTP_OK) server->counters.welcomes++;
    garden_arena_fini(&arena);
}

// A subscription, or the end of one: the first octet tells.
void garden__server_on_subscription(struct zmtp_uv_socket *socket, struct zmtp_msg *msg, void *user)
{
    const struct server_lane *door = user;
    struct garden_server *server = door->server;
    const struct zmtp_bytes wish = zmtp_msg_bytes(msg, 0);
    if (server->closing || msg->count != 1 || wish.size == 0 || wish.data[0] > 1) return;
    const struct zmtp_bytes topic = zmtp_bytes_of(wish.data + 1, wish.size - 1);
    if (door->web && wish.data[0] == 1) server->web_subscriptions++;
    if (door->web && wish.data[0] == 0 && server->web_subscriptions > 0)
        server->web_subscriptions--;
    if (wish.data[0] == 0)
        (void)zmtp_uv_cancel(socket, topic); // of a peer that is gone: nothing to do
    else if (zmtp_uv_subscribe(socket, topic) == ZMTP_OK && server->config.welcome)
        server_welcome(server, door, topic);
}

// ---- Life

int garden_server_open(struct garden_server **out, struct zmtp_uv *uv,
                       const struct garden_server_config *config, struct garden_error *error)
{
    *out = NULL;
    if (!config->on_request)
        return garden__fail(error, GARDEN_ERR_ARGUMENT, "a server needs on_request");
    struct garden_server *server = zmtp_alloc(zmtp_heap(), sizeof *server);
    if (!server) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a server");
    *server = (struct garden_server){.config = *config, .session = garden__uuid_new()};
    garden__record_init(&server->record, NULL, config->record_count_max, config->record_bytes_max);
    garden__history_init(&server->history, NULL, config->history_count_max,
                         config->history_bytes_max);
    garden_buffer_init(&server->octets, NULL, 0);
    (void)uv_check_init(zmtp_uv_loop(uv), &server->turn); // neither fails
    (void)uv_idle_init(zmtp_uv_loop(uv), &server->wake);
    server->turn.data = server->wake.data = server;
    for (size_t i = 0; i < GARDEN_LANES; i++) {
        const int result = garden__doors_open_lane(server, uv, (enum garden_lane)i, error);
        if (result < 0) {
            garden_server_close(server, NULL, NULL);
            return result;
        }
    }
    server->encrypted = config->keys != NULL;
    server->config.keys = NULL; // the sockets have their copies
    server->config.allow = NULL;
    *out = server;
    return GARDEN_OK;
}

static void server_part_closed(void *user)
{
    struct garden_server *server = user;
    if (--server->closing > 0) return;
    garden__record_fini(&server->record);
    garden__history_fini(&server->history);
    garden_buffer_fini(&server->octets);
    if (server->closed) server->closed(server->closed_user);
    zmtp_free(zmtp_heap(), server, sizeof *server);
}

static void server_handle_closed(uv_handle_t *handle)
{
    server_part_closed(handle->data);
}

void garden_server_close(struct garden_server *server, void (*closed)(void *user), void *user)
{
    if (!server || server->closing) return;
    server->closed = closed;
    server->closed_user = user;
    while (server->first)
        server_free(server, server->first);
    // Counted before the first close, so that the last one to complete is the last one.
    server->closing = 2; // the handles
    for (size_t i = 0; i < SERVER_DOORS; i++)
        if (server->lanes[i].socket) server->closing++;
    uv_close((uv_handle_t *)&server->turn, server_handle_closed);
    uv_close((uv_handle_t *)&server->wake, server_handle_closed);
    for (size_t i = 0; i < SERVER_DOORS; i++) {
        struct zmtp_uv_socket *socket = server->lanes[i].socket;
        server->lanes[i].socket = NULL;
        if (socket) zmtp_uv_socket_close(socket, server_part_closed, server);
    }
}

const struct garden_endpoints *garden_server_endpoints(const struct garden_server *server)
{
    return &server->endpoints;
}

struct garden_uuid garden_server_session(const struct garden_server *server)
{
    return server->session;
}

struct garden_server_counters garden_server_counters(const struct garden_server *server)
{
    return server->counters;
}
