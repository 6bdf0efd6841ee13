#include "app.h"

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

// The first part of what a ROUTER receives is an id; the message follows.
static size_t app_first_part(const struct app *app)
{
    return app->node->config.type == ZMTP_ROUTER ? 1 : 0;
}

// A client's messages leave in order through its one pipe, so their numbers tell which connection
// took them. Between two connections of an accepting socket there is no order.
static size_t app_run_of(const struct app *app, struct ledger_mark mark)
{
    if (app->node->server) return 0;
    const struct node *sender = app->node + mark.sender; // nodes lie in order, the server first
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
    if (app->node->config.type == ZMTP_SUB) {
        const char topic = ledger_topic(app->ledger, mark.sender, mark.number);
        if (!app->topics[topic - 'a'])
            world_fail(world, "node %zu got topic %c, which it did not ask for", app->node->index,
                       topic);
    }
}

// Reads one message. ZMTP_OK, or why there is none.
static int app_read(struct app *app)
{
    struct world *world = app->node->world;
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, &world->budget.allocator);
    const int result = zmtp_socket_recv(app->node->socket, &msg);
    if (result == ZMTP_OK) {
        app_received(app, &msg);
        if (app->node->config.type == ZMTP_ROUTER) {
            zmtp_part_share(&app->reply.few[0], zmtp_msg_part(&msg, 0));
            app->reply.count = 1;
            app->waiting = world_chance(world, 2);
            if (!app->waiting) zmtp_msg_fini(&app->reply);
        }
        if (app->node->config.type == ZMTP_REP) app->waiting = true;
        if (world_chance(world, 20)) app->lazy_ms = world->now_ms + world_below(world, 600);
    } else if (result == ZMTP_ERR_MEMORY) {
        app_ring(app, APP_RETRY_MS);
    }
    zmtp_msg_fini(&msg);
    return result;
}

// Sends the next message, behind the parts that |envelope| has (null: none).
static int app_send(struct app *app, struct zmtp_msg *envelope)
{
    struct world *world = app->node->world;
    struct zmtp_msg msg;
    zmtp_msg_init(&msg, &world->budget.allocator);
    int result = ZMTP_OK;
    if (envelope && envelope->count > 0) {
        struct zmtp_part id;
        zmtp_part_share(&id, zmtp_msg_part(envelope, 0));
        result = zmtp_msg_append_part(&msg, &id);
        if (result < 0) zmtp_part_fini(&id);
    }
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

// DEALER: sends what it may and reads what there is.
static bool app_deal(struct app *app)
{
    bool busy = app_read_all(app);
    while (app_sent(app) < app->to_send && app_send(app, NULL) == ZMTP_OK)
        busy = true;
    return busy;
}

// ROUTER and REP: one message, one answer, and so on; a ROUTER does not always answer.
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
            const bool lost = result == ZMTP_ERR_STATE || world->now_ms >= app->patience_ms;
            if (result < 0 && !lost) break;
            if (result < 0 && !world->faults)
                world_fail(world, "node %zu was not answered", app->node->index);
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

bool app_publish(struct app *app)
{
    return app_send(app, NULL) == ZMTP_OK;
}

static bool app_publish_slowly(struct app *app)
{
    if (app_sent(app) == app->to_send) return false;
    const bool busy = app_publish(app);
    app_ring(app, world_below(app->node->world, 40));
    return busy;
}

// SUB: reads, and changes its mind now and then.
static bool app_subscribe(struct app *app)
{
    struct world *world = app->node->world;
    const bool busy = app_read_all(app);
    if (app->toggles == 0) return busy;
    const size_t topic = app->toggles % APP_TOPICS;
    const uint8_t letter = (uint8_t)('a' + topic);
    const struct zmtp_bytes view = zmtp_bytes_of(&letter, 1);
    const int result = app->topics[topic] ? zmtp_socket_cancel(app->node->socket, view)
                                          : zmtp_socket_subscribe(app->node->socket, view);
    if (result == ZMTP_OK) {
        app->topics[topic] = !app->topics[topic];
        world_trace(world, "node %zu %s topic %c", app->node->index,
                    app->topics[topic] ? "wants" : "no longer wants", letter);
        app->toggles--;
    } else if (result != ZMTP_ERR_MEMORY) {
        world_fail(world, "node %zu cannot change its mind: %s", app->node->index,
                   zmtp_err_name(result));
    }
    app_ring(app, world_below(world, 300));
    return true;
}

static bool app_act(struct app *app)
{
    const enum zmtp_socket_type type = app->node->config.type;
    if (type == ZMTP_REQ) return app_ask(app);
    if (type == ZMTP_REP || type == ZMTP_ROUTER) return app_answer(app);
    if (type == ZMTP_PUB) return app_publish_slowly(app);
    if (type == ZMTP_SUB) return app_subscribe(app);
    return app_deal(app);
}

bool app_work(struct app *app)
{
    struct node *node = app->node;
    if (!node->socket) return false;
    const bool rings = node->world->now_ms >= app->due_ms;
    if (!rings && !node->app_due) return false;
    if (rings) app->due_ms = UINT64_MAX;
    node->app_due = false;
    // A publisher's pace is its timer's alone.
    const bool busy = rings || node->config.type != ZMTP_PUB ? app_act(app) : false;
    if (app->hasty && app_is_done(app)) {
        node->world->closing = true;
        node_close(node);
    }
    return busy;
}

bool app_is_done(const struct app *app)
{
    const enum zmtp_socket_type type = app->node->config.type;
    if (type == ZMTP_REQ) return app->answered == app->to_send;
    if (type == ZMTP_REP || type == ZMTP_ROUTER) return !app->waiting;
    if (type == ZMTP_SUB) return app->toggles == 0;
    return app_sent(app) == app->to_send;
}
