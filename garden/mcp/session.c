#include "mcp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../core/error.h"

enum { SESSION_TEXT_SIZE = 1024, SESSION_LEVEL_FIRST = 1 }; // "info", until one is set

static const char *const session_versions[] = {
    [MCP_2024_11_05] = "2024-11-05",
    [MCP_2025_03_26] = "2025-03-26",
    [MCP_2025_06_18] = "2025-06-18",
    [MCP_2025_11_25] = "2025-11-25",
};

const char *session_version_name(enum mcp_version version)
{
    return session_versions[version];
}

enum mcp_version session_version_find(const char *name)
{
    for (int i = MCP_2024_11_05; i <= MCP_2025_11_25; i++)
        if (strcmp(session_versions[i], name) == 0) return (enum mcp_version)i;
    return MCP_NONE;
}

void mcp_init(struct mcp *mcp, uv_loop_t *loop)
{
    *mcp = (struct mcp){.loop = loop};
    mcp->limits = (struct mcp_limits){
        .message_max =
            1024 * 1024, // some 40 times as much while it is read: so many lists may be in it
        .batch_max = 64,
        .calls_max = 64,
        .subscriptions_max = 256,
        .blob_max = 16 * 1024 * 1024,
    };
}

// ---- Sessions

int session_open(struct mcp *mcp, struct mcp_session *session)
{
    session->mcp = mcp;
    session->level = SESSION_LEVEL_FIRST;
    session->subscriptions = json_object();
    if (!session->subscriptions) return GARDEN_ERR_MEMORY;
    session->next = mcp->sessions;
    session->at = &mcp->sessions;
    if (session->next) session->next->at = &session->next;
    mcp->sessions = session;
    return GARDEN_OK;
}

void session_notify(struct mcp_session *session, struct mcp_exchange *exchange,
                    json_t *notification)
{
    // A client that was not told the version yet can make nothing of it.
    if (notification && session->ready) session->notify(session, exchange, notification);
    json_decref(notification);
}

// ---- Exchanges

// Without |answer| there is nothing to say, as to a call that was cancelled.
static void exchange_add(struct mcp_exchange *exchange, json_t *answer)
{
    if (!answer) return;
    if (exchange->batch && exchange->answers)
        (void)json_array_append(exchange->answers, answer); // without memory it is missed
    else if (!exchange->batch)
        exchange->answers = json_incref(answer);
    json_decref(answer);
}

static void exchange_end(struct mcp_exchange *exchange)
{
    const bool none = exchange->batch && json_array_size(exchange->answers) == 0;
    if (exchange->ended) exchange->ended(exchange->user, none ? NULL : exchange->answers);
    json_decref(exchange->answers);
    zmtp_free(NULL, exchange, sizeof *exchange);
}

// One of the requests was answered, or is not to be.
static void exchange_settle(struct mcp_exchange *exchange, json_t *answer)
{
    exchange_add(exchange, answer);
    if (--exchange->pending == 0) exchange_end(exchange);
}

void mcp_exchange_forget(struct mcp_exchange *exchange)
{
    if (exchange) exchange->ended = NULL;
}

// ---- Calls

static void call_unlink(struct mcp_call *call)
{
    if (!call->at) return;
    *call->at = call->next;
    if (call->next) call->next->at = call->at;
    call->at = NULL;
    call->session->call_count--;
}

static void call_free(struct mcp_call *call)
{
    json_decref(call->id);
    json_decref(call->params);
    json_decref(call->progress);
    zmtp_free(NULL, call, sizeof *call);
}

static void call_end(struct mcp_call *call, json_t *answer)
{
    struct mcp_exchange *exchange = call->exchange;
    call_unlink(call);
    if (exchange)
        exchange_settle(exchange, answer);
    else
        json_decref(answer);
    call_free(call);
}

void call_result(struct mcp_call *call, json_t *result)
{
    json_t *answer = rpc_result(call->id, result);
    if (!answer) answer = rpc_error(call->id, RPC_INTERNAL, "There is no memory for the answer.");
    call_end(call, answer);
}

void call_refuse(struct mcp_call *call, enum rpc_code code, const char *format, ...)
{
    char text[SESSION_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    rpc_clean(text);
    call_end(call, rpc_error(call->id, code, text));
}

void call_progress(struct mcp_call *call, double progress, double total, const char *text)
{
    if (!call->progress || !call->exchange || progress <= call->progress_told) return;
    call->progress_told = progress;
    json_t *params = json_pack("{s:O, s:f}", "progressToken", call->progress, "progress", progress);
    if (params && total > 0) (void)json_object_set_new(params, "total", json_real(total));
    if (params && text && call->session->version >= MCP_2025_03_26)
        (void)json_object_set_new(params, "message", json_string(text));
    session_notify(call->session, call->exchange,
                   rpc_notification("notifications/progress", params));
}

// Nobody hears of it any more. What takes long is stopped; what does not ends by itself.
static void call_abandon(struct mcp_call *call)
{
    struct mcp_exchange *exchange = call->exchange;
    call_unlink(call);
    call->exchange = NULL;
    call->session = NULL;
    if (exchange) exchange_settle(exchange, NULL);
    if (call->cancel) call->cancel(call);
}

void call_cancel(struct mcp_session *session, const json_t *id)
{
    struct mcp_call *call = session->calls;
    while (call && !json_equal(call->id, id))
        call = call->next;
    if (call) call_abandon(call); // one that is unknown has ended meanwhile
}

void session_close(struct mcp_session *session)
{
    session->ready = false;
    while (session->calls)
        call_abandon(session->calls);
    *session->at = session->next;
    if (session->next) session->next->at = session->at;
    json_decref(session->subscriptions);
    session->subscriptions = NULL;
}

// ---- Receiving

static bool session_has_call(const struct mcp_session *session, const json_t *id)
{
    for (const struct mcp_call *call = session->calls; call; call = call->next)
        if (json_equal(call->id, id)) return true;
    return false;
}

static void receive_request(struct mcp_exchange *exchange, const struct rpc_message *message)
{
    struct mcp_session *session = exchange->session;
    const char *why = NULL;
    if (session_has_call(session, message->id))
        why = "Invalid request: id: that of a request that is still under way";
    else if (session->call_count >= session->mcp->limits.calls_max)
        why = "Too many requests are under way; wait for their answers";
    struct mcp_call *call = why ? NULL : zmtp_alloc(NULL, sizeof *call);
    if (!call) {
        exchange_add(exchange, rpc_error(message->id, why ? RPC_INVALID_REQUEST : RPC_INTERNAL,
                                         why ? why : "There is no memory for a request."));
        return;
    }
    *call = (struct mcp_call){
        .session = session,
        .exchange = exchange,
        .mcp = session->mcp,
        .id = json_incref(message->id),
        .params = json_incref(message->params),
        .next = session->calls,
        .at = &session->calls,
    };
    json_t *token = json_object_get(json_object_get(message->params, "_meta"), "progressToken");
    if (json_is_string(token) || json_is_integer(token)) call->progress = json_incref(token);
    if (call->next) call->next->at = &call->next;
    session->calls = call;
    session->call_count++;
    exchange->pending++;
    method_call(call, message->method);
}

static void receive_one(struct mcp_exchange *exchange, json_t *json)
{
    struct rpc_message message;
    rpc_read(json, &message);
    switch (message.kind) {
    case RPC_REQUEST:
        if (exchange->batch && strcmp(message.method, "initialize") == 0)
            exchange_add(exchange, rpc_error(message.id, RPC_INVALID_REQUEST,
                                             "Invalid request: initialize: not in a batch"));
        else
            receive_request(exchange, &message);
        break;
    case RPC_NOTIFICATION:
        method_notified(exchange->session, &message);
        break;
    case RPC_RESPONSE: // nothing was asked
        break;
    case RPC_WRONG:
        exchange_add(exchange, rpc_error(message.id, message.code, message.why));
        break;
    }
}

// Why a batch is refused as a whole; null: it is not.
static const char *receive_judge_batch(const struct mcp_session *session, const json_t *json)
{
    if (session->version == MCP_NONE) return "Invalid request: initialize first, not in a batch";
    if (session->version >= MCP_2025_06_18)
        return "Invalid request: there are no batches in this version of the protocol";
    if (json_array_size(json) == 0) return "Invalid request: an empty batch";
    if (json_array_size(json) > session->mcp->limits.batch_max)
        return "Invalid request: too many messages in a batch";
    return NULL;
}

static void receive_batch(struct mcp_exchange *exchange, const json_t *json)
{
    const char *why = receive_judge_batch(exchange->session, json);
    if (why) {
        exchange_add(exchange, rpc_error(NULL, RPC_INVALID_REQUEST, why));
        return;
    }
    exchange->batch = true;
    exchange->answers = json_array();
    for (size_t i = 0; i < json_array_size(json); i++)
        receive_one(exchange, json_array_get(json, i));
}

struct mcp_exchange *mcp_receive(struct mcp_session *session, struct zmtp_bytes octets,
                                 void (*ended)(void *user, const json_t *answer), void *user)
{
    char why[SESSION_TEXT_SIZE];
    struct mcp_exchange *exchange = zmtp_alloc(NULL, sizeof *exchange);
    if (!exchange) {
        ended(user, NULL);
        return NULL;
    }
    // It counts as under way itself, so that it does not end before all of it was read.
    *exchange =
        (struct mcp_exchange){.session = session, .pending = 1, .ended = ended, .user = user};
    json_t *id;
    json_t *json = rpc_parse(octets, why, sizeof why, &id);
    if (!json)
        exchange_add(exchange, rpc_error(id, id ? RPC_INVALID_REQUEST : RPC_PARSE, why));
    else if (json_is_array(json))
        receive_batch(exchange, json);
    else
        receive_one(exchange, json);
    json_decref(json);
    json_decref(id);
    if (--exchange->pending > 0) return exchange;
    exchange_end(exchange);
    return NULL;
}
