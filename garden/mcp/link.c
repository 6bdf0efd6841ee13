#include "link.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include <zmtp/base.h>

#include "../capture.h"
#include "../core/error.h"

enum { LINK_LOOK_MS = 1000, LINK_WHY_SIZE = 768, LINK_PATH_SIZE = 512 };

struct link {
    struct link_config config;
    struct garden_client *client; // null: it is not known where the daemon is
    struct where where;           // of |client|
    struct garden_error missing;  // why there is no client
    uv_timer_t timer;             // looks for the daemon while it does not answer
    // In their order, for a daemon that does not answer yet: one wait is under way for all of them.
    struct link_asked *waiting, **waiting_end;
    bool awaits; // that wait, also when all of them were cancelled
    bool alive, closing;
};

// One question.
struct link_asked {
    struct link *link;
    struct garden_message request;
    struct link_answer answer;
    struct link_asked *next; // that waits behind it
    struct garden_uuid msg_id;
    struct garden_client *sent; // by this one; null: it waits
};

// ---- Looking for the daemon

static void link_on_event(struct garden_client *client, const struct garden_message *event,
                          bool has_seq, uint64_t seq, void *user)
{
    (void)client;
    const struct link *link = user;
    link->config.on_event(link->config.user, event, has_seq, seq);
}

static void link_on_lost(struct garden_client *client, uint64_t first, uint64_t count, void *user)
{
    (void)client;
    const struct link *link = user;
    link->config.on_lost(link->config.user, first, count);
}

static void link_on_lane(struct garden_client *client, enum garden_lane lane, bool up, void *user)
{
    (void)client;
    const struct link *link = user;
    if (!link->closing) link->config.on_lane(link->config.user, lane, up);
}

static void link_on_state(struct garden_client *client, enum garden_client_state state, void *user)
{
    struct link *link = user;
    const bool alive = state == GARDEN_CLIENT_ALIVE;
    if (client != link->client || alive == link->alive) return;
    link->alive = alive;
    if (!link->closing) link->config.on_alive(link->config.user, alive);
}

static void link_drop_client(struct link *link)
{
    struct garden_client *client = link->client;
    link->client = NULL;
    link->alive = false;
    // Whoever keeps the client has to let go of it.
    if (client && !link->closing) link->config.on_alive(link->config.user, false);
    if (client) garden_client_close(client, NULL, NULL);
}

static bool link_same_place(const struct where *a, const struct where *b)
{
    return memcmp(&a->endpoints, &b->endpoints, sizeof a->endpoints) == 0 &&
           a->has_server_key == b->has_server_key &&
           memcmp(&a->server_key, &b->server_key, sizeof a->server_key) == 0;
}

// Opens a client where the daemon says that it is, unless there is one already.
static int link_look(struct link *link)
{
    struct where where;
    struct garden_client_config config;
    const int result = where_find(&link->config.where, &where, &link->missing);
    if (result < 0) return result;
    if (link->client && link_same_place(&link->where, &where)) return GARDEN_OK;
    link_drop_client(link);
    link->where = where;
    garden_client_config_init(&config);
    config.endpoints = where.endpoints;
    config.server_key = where.has_server_key ? &link->where.server_key : NULL;
    config.keys = where.has_keys ? &link->where.keys : NULL;
    config.request_timeout_ms = link->config.timeout_ms;
    config.reconnect_max_ms = LINK_LOOK_MS;
    config.catch_up = true;
    config.on_event = link_on_event;
    config.on_lost = link_on_lost;
    config.on_state = link_on_state;
    config.on_lane = link_on_lane;
    config.user = link;
    return garden_client_open(&link->client, link->config.uv, link->config.loop, &config,
                              &link->missing);
}

static void link_tick(uv_timer_t *timer)
{
    struct link *link = timer->data;
    if (!link->alive) (void)link_look(link); // what is missing is told to who asks
}

// ---- Asking

// Says why there is no answer, and what to do.
static void link_explain(const struct link *link, const char *what, char out[LINK_WHY_SIZE])
{
    char file[LINK_PATH_SIZE];
    const bool named = where_file(&link->config.where, file, sizeof file) == GARDEN_OK && file[0];
    (void)snprintf(out, LINK_WHY_SIZE,
                   "The garden daemon is not reachable (%.300s). Start it with: gardend --staging "
                   "STORE/staging (it is ready once it has written its connection file%s%.200s); "
                   "then call this again, the connection is made by itself.",
                   what, named ? " " : "", named ? file : "");
}

static void link_answered(struct garden_client *client, int result,
                          const struct garden_message *reply, void *user)
{
    (void)client;
    struct link_asked *asked = user;
    const struct link *link = asked->link;
    char why[LINK_WHY_SIZE], what[300] = "garden-mcp is ending";
    if (result == GARDEN_OK) {
        asked->answer.call(asked->answer.user, reply, NULL);
    } else if (result == GARDEN_ERR_TIMEOUT || result == GARDEN_ERR_DEAD) {
        if (!link->closing)
            (void)snprintf(what, sizeof what, "nothing answers at %s",
                           link->where.endpoints.of[GARDEN_LANE_HEARTBEAT]);
        link_explain(link, what, why);
        asked->answer.call(asked->answer.user, NULL, why);
    } else {
        (void)snprintf(why, sizeof why, "The daemon's reply cannot be read: %s.",
                       garden_err_text(result));
        asked->answer.call(asked->answer.user, NULL, why);
    }
    garden_message_fini(&asked->request);
    zmtp_free(NULL, asked, sizeof *asked);
}

static void link_refuse(struct link_asked *asked, int code, const char *what)
{
    char why[LINK_WHY_SIZE];
    if (code == GARDEN_ERR_DEAD)
        link_explain(asked->link, what, why);
    else
        (void)snprintf(why, sizeof why, "%s.", what);
    asked->answer.call(asked->answer.user, NULL, why);
    garden_message_fini(&asked->request);
    zmtp_free(NULL, asked, sizeof *asked);
}

static void link_send(struct link_asked *asked)
{
    struct garden_client *client = asked->link->client;
    const struct garden_message *request = &asked->request;
    // A shutdown's answer comes when the streams are closed, and each waits for its last chunks.
    const bool stops = request->family == GARDEN_CONTROL_REQUEST &&
                       request->control_request.kind == GARDEN_CONTROL_SHUTDOWN;
    const struct garden_answer answer = {.call = link_answered,
                                         .user = asked,
                                         .timeout_ms = asked->link->config.timeout_ms +
                                                       (stops ? GARDEN_DRAIN_MS : 0),
                                         .msg_id = &asked->msg_id};
    asked->sent = client;
    int result = GARDEN_ERR_ARGUMENT;
    if (request->family == GARDEN_SHELL_REQUEST)
        result = garden_client_shell(client, &request->shell_request, &answer);
    if (request->family == GARDEN_CONTROL_REQUEST)
        result = garden_client_control(client, &request->control_request, &answer);
    if (request->family == GARDEN_QUERY_REQUEST)
        result = garden_client_query(client, &request->query_request, &answer);
    if (result < 0) link_refuse(asked, result, garden_err_text(result));
}

// The wait is over for all: their requests go out in the order in which they came.
static void link_waited(struct garden_client *client, int result,
                        const struct garden_message *event, void *user)
{
    struct link *link = user;
    struct link_asked *asked = link->waiting, *next;
    link->awaits = false;
    link->waiting = NULL;
    link->waiting_end = &link->waiting;
    for (; asked; asked = next) {
        next = asked->next;
        if (result == GARDEN_OK && client == link->client)
            link_send(asked);
        else
            link_answered(client, result < 0 ? result : GARDEN_ERR_DEAD, event, asked);
    }
}

static void link_wait(struct link_asked *asked)
{
    struct link *link = asked->link;
    const bool first = !link->awaits;
    const struct garden_wait wait = {
        .call = link_waited, .user = link, .timeout_ms = link->config.patience_ms};
    *link->waiting_end = asked;
    link->waiting_end = &asked->next;
    const int result = first ? garden_client_wait_for(link->client, &wait) : GARDEN_OK;
    link->awaits = result == GARDEN_OK;
    if (link->awaits) return;
    link->waiting = NULL;
    link->waiting_end = &link->waiting;
    link_refuse(asked, result, garden_err_text(result));
}

static struct garden_uuid link_uuid(void)
{
    uint8_t octets[16];
    randombytes_buf(octets, sizeof octets);
    return garden_uuid_v4(octets);
}

void link_ask(struct link *link, struct garden_message *request, const struct link_answer *answer,
              struct link_asked **out)
{
    static const enum garden_lane lanes[] = {[GARDEN_SHELL_REQUEST] = GARDEN_LANE_SHELL,
                                             [GARDEN_CONTROL_REQUEST] = GARDEN_LANE_CONTROL,
                                             [GARDEN_QUERY_REQUEST] = GARDEN_LANE_QUERY};
    struct link_asked *asked = zmtp_alloc(NULL, sizeof *asked);
    if (!asked) {
        garden_message_fini(request);
        answer->call(answer->user, NULL, "There is no memory for a request.");
        return;
    }
    *asked = (struct link_asked){
        .link = link, .request = *request, .answer = *answer, .msg_id = link_uuid()};
    if (out) *out = asked;
    const int found = link->alive ? GARDEN_OK : link_look(link);
    if (!link->client)
        link_refuse(asked, found, link->missing.text);
    else if (!link->waiting && link->alive &&
             garden_client_lane_up(link->client, lanes[request->family]))
        link_send(asked);
    else
        link_wait(asked);
}

// Whether the daemon heard of it shows in the query's own answer.
static void link_interrupted(struct garden_client *client, int result,
                             const struct garden_message *reply, void *user)
{
    (void)client;
    (void)result;
    (void)reply;
    (void)user;
}

void link_cancel(struct link_asked *asked)
{
    struct link *link = asked->link;
    const struct garden_answer answer = {.call = link_interrupted,
                                         .timeout_ms = link->config.timeout_ms};
    if (asked->sent) {
        // A client that is being closed has ended it already; without memory it ends by itself.
        if (asked->request.family == GARDEN_QUERY_REQUEST && asked->sent == link->client)
            (void)garden_client_interrupt(asked->sent, asked->msg_id, &answer);
        return;
    }
    struct link_asked **at = &link->waiting;
    while (*at && *at != asked)
        at = &(*at)->next;
    if (!*at) return; // it is about to be sent
    *at = asked->next;
    if (!asked->next) link->waiting_end = at;
    link_refuse(asked, GARDEN_ERR_STATE, "It was cancelled");
}

// ---- Life

struct garden_client *link_client(const struct link *link)
{
    return link->client;
}

int link_open(struct link **out, const struct link_config *config, struct garden_error *error)
{
    *out = NULL;
    struct link *link = zmtp_alloc(NULL, sizeof *link);
    if (!link) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a client");
    *link = (struct link){.config = *config};
    link->waiting_end = &link->waiting;
    const int result = link_look(link);
    if (result < 0 && result != GARDEN_ERR_DEAD) {
        if (error) *error = link->missing;
        link_drop_client(link);
        zmtp_free(NULL, link, sizeof *link);
        return result;
    }
    (void)uv_timer_init(config->loop, &link->timer); // does not fail
    link->timer.data = link;
    (void)uv_timer_start(&link->timer, link_tick, LINK_LOOK_MS, LINK_LOOK_MS);
    *out = link;
    return GARDEN_OK;
}

static void link_closed(uv_handle_t *handle)
{
    zmtp_free(NULL, handle->data, sizeof(struct link));
}

void link_close(struct link *link)
{
    if (!link) return;
    link->closing = true;
    link_drop_client(link);
    uv_close((uv_handle_t *)&link->timer, link_closed);
}
