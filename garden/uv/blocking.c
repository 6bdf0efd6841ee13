#include "../blocking.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>
#include <zmtp/uv.h>

#include "../core/error.h"
#include "random.h"

enum { BLOCKING_TIMEOUT_MS = 30000, BLOCKING_WHY_SIZE = 256 };

// An event as it waits: its octets as JSON, of which both forms are made.
struct blocking_event {
    struct blocking_event *next;
    size_t size;
    char text[];
};

struct garden_blocking {
    uv_loop_t loop;
    struct zmtp_uv *uv;
    struct garden_client *client;
    struct blocking_event *first, **last;
    size_t count, bytes;
    bool arrived; // an event, since somebody began to wait for one
    uint64_t dropped;
    struct garden_buffer octets; // the message being read or written
    struct garden_buffer event;  // one that arrives: it may come beside a reply, in |octets|
    struct garden_buffer reply;  // the last one that was asked for as text
    char why[BLOCKING_WHY_SIZE];
};

static const struct garden_form blocking_form = {GARDEN_JSON, GARDEN_EXTERNAL};

// ---- Events

static void blocking_drop(struct garden_blocking *garden)
{
    struct blocking_event *event = garden->first;
    garden->first = event->next;
    if (!garden->first) garden->last = &garden->first;
    garden->count--;
    garden->bytes -= event->size;
    zmtp_free(NULL, event, sizeof *event + event->size + 1);
}

static void blocking_on_event(struct garden_client *client, const struct garden_message *message,
                              bool has_seq, uint64_t seq, void *user)
{
    (void)client;
    (void)has_seq;
    (void)seq;
    struct garden_blocking *garden = user;
    garden_buffer_clear(&garden->event);
    const int result = garden_message_encode(message, blocking_form, &garden->event, NULL);
    const size_t size = garden->event.size;
    struct blocking_event *event = NULL;
    if (result == GARDEN_OK) event = zmtp_alloc(NULL, sizeof *event + size + 1);
    if (!event) { // no memory for it
        garden->dropped++;
        return;
    }
    event->next = NULL;
    event->size = size;
    memcpy(event->text, garden->event.data, size);
    event->text[size] = '\0';
    *garden->last = event;
    garden->last = &event->next;
    garden->count++;
    garden->bytes += size;
    garden->arrived = true;
    while (garden->count > GARDEN_BLOCKING_EVENTS_MAX ||
           (garden->bytes > GARDEN_BLOCKING_EVENT_BYTES_MAX && garden->count > 1)) {
        blocking_drop(garden);
        garden->dropped++;
    }
}

uint64_t garden_blocking_missed(const struct garden_blocking *garden)
{
    return garden->dropped + garden_client_counters(garden->client).events_missed;
}

// ---- Time

struct blocking_turn {
    const bool *done;
    bool expired;
};

static void blocking_expire(uv_timer_t *timer)
{
    ((struct blocking_turn *)timer->data)->expired = true;
}

// Timers come before the loop sleeps: what they ended must not wait for the next of them.
static void blocking_before_sleep(uv_prepare_t *prepare)
{
    const struct blocking_turn *turn = prepare->data;
    if (turn->expired || *turn->done) uv_stop(prepare->loop);
}

// Runs the loop until |*done|, or for |timeout_ms|. 0: only what is there already.
static bool blocking_run(struct garden_blocking *garden, const bool *done, uint32_t timeout_ms)
{
    uv_timer_t timer;
    uv_prepare_t prepare;
    struct blocking_turn turn = {.done = done};
    uv_update_time(&garden->loop);              // it may have stood still for long
    (void)uv_timer_init(&garden->loop, &timer); // these do not fail
    (void)uv_prepare_init(&garden->loop, &prepare);
    timer.data = prepare.data = &turn;
    (void)uv_timer_start(&timer, blocking_expire, timeout_ms, 0);
    (void)uv_prepare_start(&prepare, blocking_before_sleep);
    while (!*done && !turn.expired)
        (void)uv_run(&garden->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_close((uv_handle_t *)&prepare, NULL);
    (void)uv_run(&garden->loop, UV_RUN_NOWAIT); // their closing must not outlive this frame
    return *done;
}

static bool blocking_await_event(struct garden_blocking *garden, uint32_t timeout_ms)
{
    garden->arrived = garden->first != NULL;
    return garden->arrived || blocking_run(garden, &garden->arrived, timeout_ms);
}

static int blocking_result(struct garden_blocking *garden, int result)
{
    (void)snprintf(garden->why, sizeof garden->why, "%s",
                   result < 0 ? garden_err_text(result) : ""); // it fits
    return result;
}

// Makes a message of its own from |text|.
static int blocking_read(struct garden_blocking *garden, const char *text, size_t size,
                         struct garden_message *out)
{
    struct garden_form form = blocking_form;
    return blocking_result(
        garden, garden_message_decode(out, zmtp_bytes_of(text, size), NULL, &form, NULL));
}

int garden_blocking_event(struct garden_blocking *garden, uint32_t timeout_ms,
                          struct garden_message *event)
{
    if (!garden || !event) return GARDEN_ERR_ARGUMENT;
    if (!blocking_await_event(garden, timeout_ms))
        return blocking_result(garden, GARDEN_ERR_TIMEOUT);
    const int result = blocking_read(garden, garden->first->text, garden->first->size, event);
    if (result == GARDEN_OK) blocking_drop(garden);
    return result;
}

int garden_blocking_wait_for(struct garden_blocking *garden,
                             bool (*wanted)(const struct garden_message *event, void *user),
                             void *user, uint32_t timeout_ms, struct garden_message *event)
{
    if (!garden || !wanted || !event) return GARDEN_ERR_ARGUMENT;
    const uint64_t end = uv_hrtime() + (uint64_t)timeout_ms * 1000000;
    for (;;) {
        const uint64_t now = uv_hrtime();
        const uint32_t left_ms = now < end ? (uint32_t)((end - now) / 1000000) : 0;
        const int result = garden_blocking_event(garden, left_ms, event);
        if (result < 0 || wanted(event, user)) return result;
        garden_message_fini(event);
    }
}

// ---- Requests

struct blocking_asked {
    struct garden_blocking *garden;
    bool done;
    int result;
};

static void blocking_answered(struct garden_client *client, int result,
                              const struct garden_message *reply, void *user)
{
    (void)client;
    struct blocking_asked *asked = user;
    asked->done = true;
    asked->result = result;
    garden_buffer_clear(&asked->garden->octets);
    if (reply)
        asked->result = garden_message_encode(reply, blocking_form, &asked->garden->octets, NULL);
}

// Sends |request|; its reply is in |garden->octets| then.
static int blocking_exchange(struct garden_blocking *garden, const struct garden_message *request,
                             uint32_t timeout_ms)
{
    struct blocking_asked asked = {.garden = garden};
    if (timeout_ms == 0) timeout_ms = BLOCKING_TIMEOUT_MS;
    const struct garden_answer answer = {blocking_answered, &asked, timeout_ms, NULL};
    int result = GARDEN_ERR_ARGUMENT;
    if (request->family == GARDEN_SHELL_REQUEST)
        result = garden_client_shell(garden->client, &request->shell_request, &answer);
    else if (request->family == GARDEN_CONTROL_REQUEST)
        result = garden_client_control(garden->client, &request->control_request, &answer);
    else if (request->family == GARDEN_QUERY_REQUEST)
        result = garden_client_query(garden->client, &request->query_request, &answer);
    if (result < 0) return blocking_result(garden, result);
    // The client answers in time by itself.
    while (!asked.done)
        (void)blocking_run(garden, &asked.done, BLOCKING_TIMEOUT_MS);
    return blocking_result(garden, asked.result);
}

static int blocking_exchange_message(struct garden_blocking *garden,
                                     const struct garden_message *request, uint32_t timeout_ms,
                                     struct garden_message *reply)
{
    const int result = blocking_exchange(garden, request, timeout_ms);
    if (result < 0) return result;
    const struct zmtp_bytes octets = garden_buffer_bytes(&garden->octets);
    return blocking_read(garden, (const char *)octets.data, octets.size, reply);
}

int garden_blocking_shell(struct garden_blocking *garden,
                          const struct garden_shell_request *request, uint32_t timeout_ms,
                          struct garden_message *reply)
{
    if (!garden || !request || !reply) return GARDEN_ERR_ARGUMENT;
    const struct garden_message message = {.family = GARDEN_SHELL_REQUEST,
                                           .shell_request = *request};
    return blocking_exchange_message(garden, &message, timeout_ms, reply);
}

int garden_blocking_control(struct garden_blocking *garden,
                            const struct garden_control_request *request, uint32_t timeout_ms,
                            struct garden_message *reply)
{
    if (!garden || !request || !reply) return GARDEN_ERR_ARGUMENT;
    const struct garden_message message = {.family = GARDEN_CONTROL_REQUEST,
                                           .control_request = *request};
    return blocking_exchange_message(garden, &message, timeout_ms, reply);
}

int garden_blocking_query(struct garden_blocking *garden,
                          const struct garden_query_request *request, uint32_t timeout_ms,
                          struct garden_message *reply)
{
    if (!garden || !request || !reply) return GARDEN_ERR_ARGUMENT;
    const struct garden_message message = {.family = GARDEN_QUERY_REQUEST,
                                           .query_request = *request};
    return blocking_exchange_message(garden, &message, timeout_ms, reply);
}

static void blocking_ponged(struct garden_client *client, int result,
                            const struct garden_message *event, void *user)
{
    (void)client;
    (void)event;
    struct blocking_asked *asked = user;
    asked->done = true;
    asked->result = result;
}

int garden_blocking_ping(struct garden_blocking *garden, uint32_t timeout_ms)
{
    if (!garden) return GARDEN_ERR_ARGUMENT;
    struct blocking_asked asked = {.garden = garden};
    const struct garden_wait wait = {
        .call = blocking_ponged, .user = &asked, .timeout_ms = timeout_ms};
    const int result = garden_client_wait_for(garden->client, &wait);
    if (result < 0) return blocking_result(garden, result);
    while (!asked.done)
        (void)blocking_run(garden, &asked.done, BLOCKING_TIMEOUT_MS);
    return blocking_result(garden, asked.result);
}

// ---- As text

static int64_t blocking_write(const void *text, size_t size, char *out, size_t room)
{
    if (room > 0) {
        const size_t kept = size < room ? size : room - 1;
        memcpy(out, text, kept);
        out[kept] = '\0';
    }
    return (int64_t)size;
}

static int blocking_read_content(struct garden_blocking *garden, enum garden_family family,
                                 const char *content, struct garden_message *out)
{
    struct garden_fault fault = {.text = ""};
    const int result = garden_content_decode(out, family, zmtp_bytes_text(content), NULL, &fault);
    (void)blocking_result(garden, result);
    if (result < 0 && fault.text[0])
        (void)snprintf(garden->why, sizeof garden->why, "%s", fault.text); // cut to fit
    return result;
}

int64_t garden_blocking_ask(struct garden_blocking *garden, const char *lane, const char *content,
                            uint32_t timeout_ms, char *out, size_t size)
{
    static const struct {
        const char *lane;
        enum garden_family family;
    } lanes[] = {{"shell", GARDEN_SHELL_REQUEST},
                 {"control", GARDEN_CONTROL_REQUEST},
                 {"query", GARDEN_QUERY_REQUEST}};
    if (!garden || !lane || !content || (!out && size > 0)) return GARDEN_ERR_ARGUMENT;
    size_t which = 0;
    while (which < 3 && strcmp(lane, lanes[which].lane) != 0)
        which++;
    if (which == 3) {
        (void)snprintf(garden->why, sizeof garden->why,
                       "the lane is shell, control or query, not '%.100s'", lane);
        return GARDEN_ERR_ARGUMENT;
    }
    struct garden_message request;
    int result = blocking_read_content(garden, lanes[which].family, content, &request);
    if (result == GARDEN_OK) result = blocking_exchange(garden, &request, timeout_ms);
    garden_message_fini(&request);
    if (result < 0) return result;
    const struct zmtp_bytes octets = garden_buffer_bytes(&garden->octets);
    garden_buffer_clear(&garden->reply);
    result = garden_buffer_append(&garden->reply, octets.data, octets.size);
    if (result < 0) return blocking_result(garden, result);
    return blocking_write(octets.data, octets.size, out, size);
}

int64_t garden_blocking_reply(const struct garden_blocking *garden, char *out, size_t size)
{
    if (!garden || (!out && size > 0)) return GARDEN_ERR_ARGUMENT;
    const struct zmtp_bytes octets = garden_buffer_bytes(&garden->reply);
    return blocking_write(octets.data, octets.size, out, size);
}

int64_t garden_blocking_next(struct garden_blocking *garden, uint32_t timeout_ms, char *out,
                             size_t size)
{
    if (!garden || (!out && size > 0)) return GARDEN_ERR_ARGUMENT;
    if (!blocking_await_event(garden, timeout_ms))
        return blocking_result(garden, GARDEN_ERR_TIMEOUT);
    const int64_t whole = blocking_write(garden->first->text, garden->first->size, out, size);
    if ((uint64_t)whole < size) blocking_drop(garden);
    return whole;
}

const char *garden_blocking_why(const struct garden_blocking *garden)
{
    return garden ? garden->why : "there is no client";
}

// ---- Life

int garden_blocking_open(struct garden_blocking **out, const struct garden_client_config *config,
                         struct garden_error *error)
{
    if (!out || !config) return GARDEN_ERR_ARGUMENT;
    *out = NULL;
    struct garden_blocking *garden = zmtp_alloc(NULL, sizeof *garden);
    if (!garden) return garden__fail(error, GARDEN_ERR_MEMORY, "no memory for a client");
    *garden = (struct garden_blocking){.dropped = 0};
    garden->last = &garden->first;
    garden_buffer_init(&garden->octets, NULL, 0);
    garden_buffer_init(&garden->event, NULL, 0);
    garden_buffer_init(&garden->reply, NULL, 0);
    if (uv_loop_init(&garden->loop) < 0) {
        zmtp_free(NULL, garden, sizeof *garden);
        return garden__fail(error, GARDEN_ERR_SYSTEM,
                            "no event loop could be opened; raise the limit of open files");
    }
    struct garden_client_config own = *config;
    own.on_event = blocking_on_event;
    own.on_lost = NULL;
    own.on_state = NULL;
    own.on_lane = NULL;
    own.user = garden;
    int result = zmtp_uv_open(&garden->uv, &garden->loop, NULL);
    if (result < 0)
        result = garden__fail(error, GARDEN_ERR_SYSTEM, "no sockets: %s", zmtp_err_text(result));
    else
        result = garden_client_open(&garden->client, garden->uv, &garden->loop, &own, error);
    if (result < 0) {
        garden_blocking_close(garden);
        return result;
    }
    *out = garden;
    return GARDEN_OK;
}

// Those without a client have no place of their own for words.
static _Thread_local struct garden_error blocking_error;

static int blocking_open_file(struct garden_blocking **out, const char *path,
                              struct garden_error *error)
{
    static const char name[] = "/connection.json";
    char usual[1024];
    struct garden_connection connection;
    struct garden_client_config config;
    if (!out) return garden__fail(error, GARDEN_ERR_ARGUMENT, "there is no place for the client");
    *out = NULL;
    if (!path) {
        if (garden_run_folder(usual, sizeof usual - sizeof name) < 0)
            return garden__fail(error, GARDEN_ERR_RANGE,
                                "the run directory's path is too long: name the connection file");
        path = strcat(usual, name);
    }
    const int result = garden_connection_read(path, &connection, error);
    if (result < 0) return result;
    garden_client_config_init(&config);
    config.endpoints = connection.endpoints;
    config.server_key = connection.has_server_key ? &connection.server_key : NULL;
    return garden_blocking_open(out, &config, error);
}

int garden_blocking_open_file(struct garden_blocking **out, const char *path, const char **why)
{
    blocking_error.text[0] = 0;
    const int result = blocking_open_file(out, path, &blocking_error);
    if (why) *why = result < 0 ? blocking_error.text : "";
    return result;
}

void garden_blocking_close(struct garden_blocking *garden)
{
    if (!garden) return;
    if (garden->client) garden_client_close(garden->client, NULL, NULL);
    (void)uv_run(&garden->loop, UV_RUN_DEFAULT); // until every handle is closed
    if (garden->uv) zmtp_uv_close(garden->uv, NULL, NULL);
    (void)uv_run(&garden->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&garden->loop);
    while (garden->first)
        blocking_drop(garden);
    garden_buffer_fini(&garden->octets);
    garden_buffer_fini(&garden->event);
    garden_buffer_fini(&garden->reply);
    zmtp_free(NULL, garden, sizeof *garden);
}
