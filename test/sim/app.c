#include "app.h"

#include <string.h>

enum { APP_RETRY_MS = 10, APP_PATIENCE_MS = 30000 };

void app_init(struct app *app, struct node *node, struct ledger *ledger)
{
    *app = (struct app){.node = node, .ledger = ledger, .due_ms = node->world->now_ms};
    zmtp_msg_init(&app->reply, NULL);
}

void app_fini(struct app *app)
{
    zmtp_msg_fini(&app->reply);
}

static uint32_t app_sent(const struct app *app)
{
    return app->ledger->sent[app->node->index];
}

static void app_ring(struct app *app, uint64_t after_ms)
{
    const uint64_t at_ms = app->node->world->now_ms + after_ms;
    if (at_ms < app->due_ms) app->due_ms = at_ms;
}

// The first part of what a ROUTER receives is an id, of what a DISH does a group, of what a DGRAM does an
// address; the message follows.
static size_t app_first_part(const struct app *app)
{
    const enum zmtp_socket_type type = app->node->config.type;
    return type == ZMTP_ROUTER || type == ZMTP_DISH || type == ZMTP_DGRAM ? 1 : 0;
}

// A client's messages leave in order through its one pipe, so their numbers tell which connection
// took them. Between two connections of an accepting socket there is no order.
static size_t app_run_of(const struct app *app, struct ledger_mark mark)
{
    if (app->node->server)
        return (app->node->threaded && app->node->break_count > 0) ||
                       (app->node->post && app->node->world->faults)
                   ? LEDGER_RUNS
                   : 0;
    const struct node *sender = app->node + mark.sender; // nodes lie in order, the server first
    if (app->node->post && app->node->world->faults) return LEDGER_RUNS; // datagrams overtake
    // On two crossings, one after the other, there is no order between them.
    if (sender->threaded && sender->break_count + app->node->break_count > 0) return LEDGER_RUNS;
    // Those of a publisher leave or not, as they are asked for, and so do those that others may replace;
    // probes leave as well, and a request may leave again.
    const bool uneven =
        app->ledger->copied || sender->config.conflate || sender->config.probe_router;
    if (uneven && sender->break_count > 0) return LEDGER_RUNS;
    if (sender->config.req_retries > 0) return LEDGER_RUNS;
    size_t run = 0;
    while (run < sender->break_count && sender->breaks[run] <= mark.number)
        run++;
    return run;
}

static void app_received(struct app *app, struct zmtp_msg *msg)
{
    struct world *world = app->node->world;
    const struct ledger_mark mark = ledger_read(app->ledger, msg, app_first_part(app));
    if (!mark.ok) return;
    ledger_take(app->ledger, app->node->index, mark, app_run_of(app, mark));
    // What comes is what was asked for; an XSUB leaves that to the publisher, who may not know yet.
    if (app_subscribes(app) && app->node->config.type != ZMTP_XSUB) {
        const char topic = ledger_topic(app->ledger, mark.sender, mark.number);
        if (app->topics[topic - 'a'] == app->node->config.invert_matching)
            world_fail(world, "node %zu got topic %c, which it did not ask for", app->node->index,
                       topic);
    }
}

// Whoever sent it may be answered; a REP has to.
static void app_note_sender(struct app *app, struct zmtp_msg *msg)
{
    const enum zmtp_socket_type type = app->node->config.type;
    app->waiting = type == ZMTP_REP || world_chance(app->node->world, 2);
    if (!app->waiting) return;
    app->reply.routing_id = msg->routing_id;
    if (type != ZMTP_ROUTER && type != ZMTP_DGRAM) return;
    zmtp_part_share(&app->reply.few[0], zmtp_msg_part(msg, 0));
    app->reply.count = 1;
}

// A ROUTER hears of somebody who has nothing to say yet.
static bool app_is_probed(const struct app *app, struct zmtp_msg *msg)
{
    return app->node->config.type == ZMTP_ROUTER && msg->count == 2 &&
           zmtp_msg_bytes(msg, 1).size == 0;
}

// Reads one message. ZMTP_OK, or why there is none.
static int app_read(struct app *app)
{
    struct world *world = app->node->world;
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, &world->budget.allocator);
    const int result = zmtp_socket_recv(app->node->socket, &msg);
    if (result == ZMTP_OK && app->node->config.type == ZMTP_STREAM) {
        if (!talk_hear(&app->talker, &msg))
            world_fail(world, "node %zu hears what nobody said", app->node->index);
        app->ledger->taken[app->node->index]++;
    } else if (result == ZMTP_OK && app_is_probed(app, &msg)) {
        app->probes++;
    } else if (result == ZMTP_OK) {
        app_received(app, &msg);
        if (app_answers(app)) app_note_sender(app, &msg);
        if (world_chance(world, 20)) app->lazy_ms = world->now_ms + world_below(world, 600);
    } else if (result == ZMTP_ERR_MEMORY) {
        app_ring(app, APP_RETRY_MS);
    }
    zmtp_msg_fini(&msg);
    return result;
}

// Puts before the message what its type demands: whom it is for, or its group.
static int app_address(const struct app *app, struct zmtp_msg *envelope, struct zmtp_msg *msg)
{
    const enum zmtp_socket_type type = app->node->config.type;
    if (type == ZMTP_PEER && app->node->server) msg->routing_id = node_peer_id(app->node);
    if (type == ZMTP_DGRAM && app->node->server) {
        char address[POST_ADDRESS_MAX];
        const bool named = world_chance(app->node->world, 2); // it has only one
        return zmtp_msg_append(msg, named ? post_address(app->node->server, address)
                                          : (struct zmtp_bytes){0});
    }
    if (type == ZMTP_RADIO) {
        const char group = ledger_topic(app->ledger, app->node->index, app_sent(app));
        return zmtp_msg_append(msg, zmtp_bytes_of(&group, 1));
    }
    if (!envelope) return ZMTP_OK;
    msg->routing_id = envelope->routing_id;
    if (envelope->count == 0) return ZMTP_OK;
    struct zmtp_part id;
    zmtp_part_share(&id, zmtp_msg_part(envelope, 0));
    const int result = zmtp_msg_append_part(msg, &id);
    if (result < 0) zmtp_part_fini(&id);
    return result;
}

// Sends the next message, to where |envelope| came from (null: the pattern knows).
static int app_send(struct app *app, struct zmtp_msg *envelope)
{
    struct world *world = app->node->world;
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, &world->budget.allocator);
    int result = app_address(app, envelope, &msg);
    if (result == ZMTP_OK) result = ledger_write(app->ledger, app->node->index, &msg);
    const uint32_t parts = msg.count;
    if (result == ZMTP_OK) {
        result = zmtp_socket_send(app->node->socket, &msg);
        if (msg.count != (result == ZMTP_OK ? 0 : parts))
            world_fail(world, "node %zu: a send that said %s left %u parts of %u", app->node->index,
                       zmtp_err_name(result), (unsigned)msg.count, (unsigned)parts);
    }
    if (result == ZMTP_OK) {
        world_trace(world, "node %zu sends message %u", app->node->index, (unsigned)app_sent(app));
        // A fault may have taken the one whom it was for.
        if (!world->faults) app->ledger->only[app->node->index][app_sent(app)] = app->alone;
        app->alone = LEDGER_ALL;
        ledger_sent(app->ledger, app->node->index);
    }
    if (result == ZMTP_ERR_MEMORY) app_ring(app, APP_RETRY_MS);
    zmtp_msg_fini(&msg);
    return result;
}

static bool app_read_all(struct app *app)
{
    struct world *world = app->node->world;
    bool busy = false;
    while (world->now_ms >= app->lazy_ms && app_read(app) == ZMTP_OK)
        busy = true;
    if (world->now_ms < app->lazy_ms) app_ring(app, app->lazy_ms - world->now_ms);
    return busy;
}

// DEALER and the like: sends what it may and reads what there is.
static bool app_deal(struct app *app)
{
    bool busy = app_read_all(app);
    while (app_sent(app) < app->to_send && app_send(app, NULL) == ZMTP_OK)
        busy = true;
    return busy;
}

// REP and the like: one message, one answer, and so on; all but a REP do not always answer.
static bool app_answer(struct app *app)
{
    struct world *world = app->node->world;
    bool busy = false;
    for (;;) {
        if (app->waiting) {
            const int result = app_send(app, &app->reply);
            if (result == ZMTP_ERR_AGAIN || result == ZMTP_ERR_MEMORY) return busy;
            if (result < 0 && result != ZMTP_ERR_UNREACHABLE)
                world_fail(world, "node %zu cannot answer: %s", app->node->index,
                           zmtp_err_name(result));
            app->waiting = false;
            zmtp_msg_fini(&app->reply);
        }
        if (world->now_ms < app->lazy_ms) {
            app_ring(app, app->lazy_ms - world->now_ms);
            return busy;
        }
        if (app_read(app) < 0) return busy;
        busy = true;
    }
}

// REQ: asks, and asks again when a fault swallowed the question or the answer.
static bool app_ask(struct app *app)
{
    struct world *world = app->node->world;
    bool busy = false;
    while (app->answered < app->to_send) {
        if (app->waiting) {
            const int result = app_read(app);
            if (result == ZMTP_ERR_MEMORY) break;
            const bool lost = result == ZMTP_ERR_STATE || result == ZMTP_ERR_NO_REPLY ||
                              world->now_ms >= app->patience_ms;
            if (result < 0 && !lost) break;
            if (result < 0 && !world->faults)
                world_fail(world, "node %zu was not answered", app->node->index);
            // One that is strict does not let the next take its place; a failed one has none any more.
            struct zmtp_socket *const socket = app->node->socket;
            if (result < 0)
                (void)zmtp_socket_cancel_request(socket, zmtp_socket_last_request(socket));
            app->waiting = false;
            app->answered += result == ZMTP_OK;
            busy = true;
        }
        if (app->answered == app->to_send || app_send(app, NULL) < 0) break;
        app->waiting = busy = true;
        app->patience_ms = world->now_ms + APP_PATIENCE_MS;
        app_ring(app, APP_PATIENCE_MS);
    }
    if (app->waiting) app_ring(app, app->patience_ms - world->now_ms);
    return busy;
}

// The request of this number is over. Each is once, and none that was not sent.
static void app_ended(struct app *app, uint32_t number)
{
    size_t at = 0;
    while (at < app->asked_count && app->asked[at] != number)
        at++;
    if (at == app->asked_count) {
        world_fail(app->node->world, "node %zu hears of request %u, which does not wait",
                   app->node->index, (unsigned)number);
        return;
    }
    app->asked[at] = app->asked[--app->asked_count];
}

// Hears how one request has ended. False: of none.
static bool app_hear_reply(struct app *app)
{
    struct world *world = app->node->world;
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, &world->budget.allocator);
    const int result = zmtp_socket_recv(app->node->socket, &msg);
    const bool failed = result == ZMTP_ERR_TIMEOUT || result == ZMTP_ERR_NO_REPLY;
    if (result == ZMTP_ERR_MEMORY) app_ring(app, APP_RETRY_MS);
    if (result == ZMTP_OK || failed) app_ended(app, msg.request);
    if (result == ZMTP_OK) app_received(app, &msg);
    app->answered += result == ZMTP_OK;
    app->failed += failed;
    if (failed && !world->faults)
        world_fail(world, "node %zu was not answered: %s", app->node->index, zmtp_err_name(result));
    if (result < 0 && !failed && result != ZMTP_ERR_AGAIN && result != ZMTP_ERR_MEMORY)
        world_fail(world, "node %zu with requests in flight hears %s", app->node->index,
                   zmtp_err_name(result));
    zmtp_msg_fini(&msg);
    return result == ZMTP_OK || failed;
}

// Loses interest in a request now and then, in times of faults.
static void app_cancel(struct app *app)
{
    struct world *world = app->node->world;
    if (!world->chaos || app->asked_count == 0 || !world_chance(world, 30)) return;
    const uint32_t number = app->asked[world_below(world, app->asked_count)];
    if (zmtp_socket_cancel_request(app->node->socket, number) < 0)
        world_fail(world, "node %zu cannot cancel request %u, which waits", app->node->index,
                   (unsigned)number);
    app_ended(app, number);
    app->cancelled++;
    if (zmtp_socket_cancel_request(app->node->socket, number) != ZMTP_ERR_NOT_FOUND)
        world_fail(world, "node %zu cancels request %u twice", app->node->index, (unsigned)number);
}

// REQ with several in flight: asks as much as it may until enough was answered.
static bool app_ask_many(struct app *app)
{
    const uint32_t most = app->node->config.req_in_flight_max;
    bool busy = false;
    while (app_hear_reply(app))
        busy = true;
    app_cancel(app);
    while (app->asked_count < most && app->answered + app->asked_count < app->to_send) {
        if (app_send(app, NULL) < 0) break;
        app->asked[app->asked_count++] = zmtp_socket_last_request(app->node->socket);
        busy = true;
    }
    return busy;
}

bool app_publish(struct app *app)
{
    app->node->thread.awake = true;
    return app_send(app, NULL) == ZMTP_OK;
}

// Who is full for one of many holds all up, when none may miss anything, and is waited for.
static bool app_publish_slowly(struct app *app)
{
    if (app_sent(app) == app->to_send) return false;
    const int result = app_send(app, NULL);
    app->held = result == ZMTP_ERR_AGAIN;
    if (app->held && !app->node->config.nodrop)
        world_fail(app->node->world, "node %zu waits for room, and may drop", app->node->index);
    if (!app->held) app_ring(app, world_below(app->node->world, 40));
    return result == ZMTP_OK;
}

// XPUB: what is told of topic |letter|, 1 or 0, agrees with what was told before.
static void app_told(struct app *app, uint8_t first, uint8_t letter)
{
    struct world *world = app->node->world;
    const enum zmtp_xpub_mode mode = app->node->config.xpub_mode;
    if (letter < 'a' || letter >= 'a' + APP_TOPICS) {
        world_fail(world, "node %zu is told of a topic that nobody knows", app->node->index);
        return;
    }
    int *const told = &app->told[letter - 'a'];
    const bool counts = mode == ZMTP_XPUB_VERBOSER || app_is_manual(app);
    if (counts)
        *told += first ? 1 : -1;
    else if (mode == ZMTP_XPUB_NORMAL && *told == first)
        world_fail(world, "node %zu is told twice that topic %c is %s", app->node->index, letter,
                   first ? "wanted" : "not wanted");
    else
        *told = first;
    world_trace(world, "node %zu is told that topic %c is %s", app->node->index, letter,
                first ? "wanted" : "no longer wanted");
    if (*told < 0)
        world_fail(world, "node %zu is told of more ends of topic %c than there are",
                   app->node->index, letter);
}

// XPUB, manual: what the subscription asked for is done, once there is memory for it.
static bool app_grant(struct app *app)
{
    if (app->wish_size == 0) return true;
    struct zmtp_socket *const socket = app->node->socket;
    const struct zmtp_bytes topic = {app->wish + 1, app->wish_size - 1};
    const int result =
        app->wish[0] ? zmtp_socket_subscribe(socket, topic) : zmtp_socket_cancel(socket, topic);
    if (result == ZMTP_ERR_MEMORY) {
        app_ring(app, APP_RETRY_MS);
        return false;
    }
    // The subscriber may have gone, and with it what it had.
    if (result < 0 && result != ZMTP_ERR_STATE && result != ZMTP_ERR_NOT_FOUND)
        world_fail(app->node->world, "node %zu cannot grant a subscription: %s", app->node->index,
                   zmtp_err_name(result));
    if (result == ZMTP_OK && app->wish[0] && app->node->config.xpub_mode == ZMTP_XPUB_LAST_VALUE)
        app->alone = app->wisher;
    app->wish_size = 0;
    return true;
}

// XPUB, manual: keeps what the peer wants. Old versions do not tell who it is.
static void app_note_wish(struct app *app, struct zmtp_msg *msg)
{
    const struct zmtp_bytes news = zmtp_msg_bytes(msg, 0);
    const struct zmtp_bytes node = zmtp_msg_property(msg, APP_PROPERTY);
    memcpy(app->wish, news.data, news.size);
    app->wish_size = news.size;
    app->wisher = node.size == 1 ? (uint8_t)(node.data[0] - '0' + 1) : LEDGER_SOMEBODY;
    app->alone = LEDGER_ALL;
}

// XPUB: reads subscriptions.
static bool app_hear(struct app *app)
{
    struct world *world = app->node->world;
    bool busy = false;
    while (world->now_ms >= app->lazy_ms && app_grant(app)) {
        struct zmtp_msg msg;
        zmtp_msg_init(&msg, &world->budget.allocator);
        const int result = zmtp_socket_recv(app->node->socket, &msg);
        if (result == ZMTP_ERR_MEMORY) app_ring(app, APP_RETRY_MS);
        if (result < 0) break;
        busy = true;
        const struct zmtp_bytes news = zmtp_msg_bytes(&msg, 0);
        if (msg.count != 1 || news.size < 1 || news.size > 2 || news.data[0] > 1)
            world_fail(world, "node %zu is told something strange", app->node->index);
        else if (news.size == 2) // else it is a peer of 1.0, who wants everything
            app_told(app, news.data[0], news.data[1]);
        if (!world->failed && app_is_manual(app)) app_note_wish(app, &msg);
        zmtp_msg_fini(&msg);
        if (world_chance(world, 10)) app->lazy_ms = world->now_ms + world_below(world, 200);
    }
    if (world->now_ms < app->lazy_ms) app_ring(app, app->lazy_ms - world->now_ms);
    return busy;
}

void app_catch_up(struct app *app)
{
    app->lazy_ms = 0;
    app->node->thread.awake = true;
    while (app_hear(app) || app->wish_size > 0)
        app->lazy_ms = 0;
}

// Tells the socket of a change of mind about |topic|.
static int app_toggle(struct app *app, size_t topic)
{
    struct zmtp_socket *const socket = app->node->socket;
    const uint8_t news[2] = {!app->topics[topic], (uint8_t)('a' + topic)};
    if (app->node->config.type == ZMTP_XSUB) {
        const struct zmtp_bytes part = {news, sizeof news};
        return zmtp_socket_send_bytes(socket, &part, 1);
    }
    const struct zmtp_bytes view = {news + 1, 1};
    return news[0] ? zmtp_socket_subscribe(socket, view) : zmtp_socket_cancel(socket, view);
}

// SUB and the like: reads, and changes its mind now and then.
static bool app_subscribe(struct app *app)
{
    struct world *world = app->node->world;
    const bool busy = app_read_all(app);
    if (app->toggles == 0) return busy;
    const size_t topic = app->toggles % APP_TOPICS;
    const int result = app_toggle(app, topic);
    if (result == ZMTP_OK) {
        app->topics[topic] = !app->topics[topic];
        world_trace(world, "node %zu %s topic %c", app->node->index,
                    app->topics[topic] ? "wants" : "no longer wants", (int)('a' + topic));
        app->toggles--;
    } else if (result != ZMTP_ERR_MEMORY) {
        world_fail(world, "node %zu cannot change its mind: %s", app->node->index,
                   zmtp_err_name(result));
    }
    app_ring(app, world_below(world, 300));
    return true;
}

// STREAM: reads what there is, and says or closes what it may.
static bool app_talk(struct app *app)
{
    struct world *world = app->node->world;
    bool busy = app_read_all(app);
    while (app_sent(app) < app->to_send) {
        const int result = talk_say(&app->talker);
        if (result == ZMTP_OK) {
            ledger_sent(app->ledger, app->node->index);
            busy = true;
            continue;
        }
        // One that has ended is told of next; for room, and for somebody, it waits.
        if (result == ZMTP_ERR_MEMORY || result == ZMTP_ERR_UNREACHABLE)
            app_ring(app, APP_RETRY_MS);
        else if (result != ZMTP_ERR_AGAIN && result != ZMTP_ERR_NOT_FOUND)
            world_fail(world, "node %zu cannot talk: %s", app->node->index, zmtp_err_name(result));
        break;
    }
    return busy;
}

// |rings|: its timer does, which alone sets a publisher's pace.
static bool app_act(struct app *app, bool rings)
{
    if (app->node->config.req_in_flight_max > 1) return app_ask_many(app);
    if (app->node->config.type == ZMTP_REQ) return app_ask(app);
    if (app_answers(app)) return app_answer(app);
    if (app_subscribes(app)) return app_subscribe(app);
    if (app->node->config.type == ZMTP_STREAM) return app_talk(app);
    if (!app_publishes(app)) return app_deal(app);
    const bool heard = app->node->config.type == ZMTP_XPUB && app_hear(app);
    return ((rings || app->held) && app_publish_slowly(app)) || heard;
}

bool app_work(struct app *app)
{
    struct node *node = app->node;
    if (!node->socket) return false;
    const bool rings = node->world->now_ms >= app->due_ms;
    if (!rings && !node->app_due) return false;
    if (rings) app->due_ms = UINT64_MAX;
    node->app_due = false;
    node->thread.awake = true; // of who has one: it does something
    const bool busy = app_act(app, rings);
    if (app->hasty && app_is_done(app)) {
        node->world->closing = true;
        node_close(node);
    }
    return busy;
}

bool app_is_done(const struct app *app)
{
    if (app->node->config.type == ZMTP_REQ) return app->answered == app->to_send;
    if (app_answers(app)) return !app->waiting;
    if (app_subscribes(app)) return app->toggles == 0;
    return app_sent(app) == app->to_send && app->wish_size == 0;
}
