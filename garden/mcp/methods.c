// The methods of the Model Context Protocol.
#include <string.h>

#include <zmtp/zmtp.h>

#include "resources.h"
#include "tools.h"

static const char methods_instructions[] =
    "A garden is a timeline of regions, an audio graph and a recorder, driven by a real-time "
    "daemon "
    "(gardend). Times on the timeline are beats; positions in recordings are frames (one sample of "
    "each channel). To record: daemon_status tells the sources, stream_create begins (or "
    "stream_capture does it all), stream_status tells how far it is, stream_stop seals it and "
    "gives "
    "the manifest's hash, stream_slice cuts a part, stream_verify checks it. Anything about the "
    "state: graph_query. When a tool says that the daemon is not reachable, have it started and "
    "call "
    "the tool again.";

// ---- The beginning

static const char *method_missing(const json_t *params)
{
    const json_t *client = json_object_get(params, "clientInfo");
    if (!json_is_string(json_object_get(params, "protocolVersion")))
        return "protocolVersion: expected a text such as 2025-06-18";
    if (!json_is_object(json_object_get(params, "capabilities")))
        return "capabilities: expected an object";
    if (!json_is_object(client)) return "clientInfo: expected an object";
    if (!json_is_string(json_object_get(client, "name"))) return "clientInfo.name: expected a text";
    if (!json_is_string(json_object_get(client, "version")))
        return "clientInfo.version: expected a text";
    return NULL;
}

static void method_initialize(struct mcp_call *call)
{
    struct mcp_session *session = call->session;
    const char *why = method_missing(call->params);
    if (session->version != MCP_NONE) {
        call_refuse(call, RPC_INVALID_REQUEST, "Invalid request: initialize: it was done already");
        return;
    }
    if (why) {
        call_refuse(call, RPC_INVALID_PARAMS, "Invalid params: %s", why);
        return;
    }
    // Who speaks another version is offered the newest, and goes if that is none of its own.
    const char *wanted = json_string_value(json_object_get(call->params, "protocolVersion"));
    session->version = session_version_find(wanted);
    if (session->version == MCP_NONE) session->version = MCP_2025_11_25;
    json_t *server = json_pack("{s:s, s:s}", "name", "garden-mcp", "version", ZMTP_VERSION);
    if (server && session->version >= MCP_2025_06_18)
        (void)json_object_set_new(server, "title", json_string("Garden"));
    call_result(call, json_pack("{s:s, s:{s:{}, s:{s:b}, s:{s:b, s:b}}, s:o, s:s}",
                                "protocolVersion", session_version_name(session->version),
                                "capabilities", "logging", "tools", "listChanged", false,
                                "resources", "subscribe", true, "listChanged", true, "serverInfo",
                                server, "instructions", methods_instructions));
}

static void method_ping(struct mcp_call *call)
{
    call_result(call, json_object());
}

static void method_tools_list(struct mcp_call *call)
{
    if (json_object_get(call->params, "cursor"))
        call_refuse(call, RPC_INVALID_PARAMS,
                    "Invalid params: cursor: expected none, there is one page");
    else
        call_result(call, tools_list(call->session->version));
}

static void method_set_level(struct mcp_call *call)
{
    const char *level = json_string_value(json_object_get(call->params, "level"));
    const int found = level ? mcp_level_find(level) : -1;
    if (found < 0) {
        call_refuse(call, RPC_INVALID_PARAMS,
                    "Invalid params: level: expected one of debug, info, notice, warning, error, "
                    "critical, alert, emergency");
        return;
    }
    call->session->level = (unsigned)found;
    call_result(call, json_object());
}

// ---- All of them

static const struct method {
    const char *name;
    void (*run)(struct mcp_call *call);
    bool early; // before initialize, too
} methods[] = {
    {"initialize", method_initialize, true},
    {"ping", method_ping, true},
    {"tools/list", method_tools_list, false},
    {"tools/call", tools_call, false},
    {"resources/list", resources_list, false},
    {"resources/templates/list", resources_templates, false},
    {"resources/read", resources_read, false},
    {"resources/subscribe", resources_subscribe, false},
    {"resources/unsubscribe", resources_unsubscribe, false},
    {"logging/setLevel", method_set_level, false},
};

void method_call(struct mcp_call *call, const char *name)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(methods[i].name, name) != 0) continue;
        if (!methods[i].early && call->session->version == MCP_NONE)
            call_refuse(call, RPC_INVALID_REQUEST, "Invalid request: initialize comes first");
        else
            methods[i].run(call);
        return;
    }
    call_refuse(call, RPC_NO_METHOD, "Method not found: %.100s", name);
}

void method_notified(struct mcp_session *session, const struct rpc_message *message)
{
    if (strcmp(message->method, "notifications/initialized") == 0) {
        session->ready = session->version != MCP_NONE;
    } else if (strcmp(message->method, "notifications/cancelled") == 0) {
        const json_t *id = json_object_get(message->params, "requestId");
        if (id) call_cancel(session, id);
    } // others are none of ours, and a notification is never answered
}
