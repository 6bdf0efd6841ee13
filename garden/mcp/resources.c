#include "resources.h"

#include <stdlib.h>
#include <string.h>

#include "../query.h"
#include "tools.h"

// ---- Those that there always are

struct resource {
    const char *uri, *name, *about, *mime_type;
    void (*read)(struct mcp_call *call);
};

static const char *resources_uri(const struct mcp_call *call)
{
    return json_string_value(json_object_get(call->params, "uri"));
}

static void resource_contents(struct mcp_call *call, json_t *contents)
{
    call_result(call, contents ? json_pack("{s:[o]}", "contents", contents) : NULL);
}

void resource_text(struct mcp_call *call, const char *uri, const char *mime_type, const char *text,
                   size_t size)
{
    resource_contents(
        call, json_pack("{s:s, s:s, s:s%}", "uri", uri, "mimeType", mime_type, "text", text, size));
}

void resource_json(struct mcp_call *call, const char *uri, json_t *json)
{
    size_t size;
    char *text = rpc_print(json, &size);
    json_decref(json);
    if (text)
        resource_text(call, uri, "application/json", text, size);
    else
        call_result(call, NULL);
    free(text);
}

static void resources_read_content(struct mcp_call *call, const char *variant, json_t *content,
                                   const json_t *metadata)
{
    (void)variant;
    (void)metadata;
    resource_json(call, resources_uri(call), json_incref(content));
}

static void resources_read_state(struct mcp_call *call)
{
    requests_send(call, GARDEN_CONTROL_REQUEST, "DebugDump", NULL, resources_read_content);
}

static void resources_read_transport(struct mcp_call *call)
{
    requests_send(call, GARDEN_SHELL_REQUEST, "GetTransportState", NULL, resources_read_content);
}

static void resources_read_regions(struct mcp_call *call)
{
    requests_send(call, GARDEN_SHELL_REQUEST, "GetRegions", json_pack("{s:n}", "range"),
                  resources_read_content);
}

static void resources_read_approvals(struct mcp_call *call)
{
    requests_send(call, GARDEN_SHELL_REQUEST, "GetPendingApprovals", NULL, resources_read_content);
}

static void resources_read_events(struct mcp_call *call)
{
    requests_send(call, GARDEN_SHELL_REQUEST, "GetEvents", json_pack("{s:i}", "from_seq", 0),
                  resources_read_content);
}

static void resources_read_schema(struct mcp_call *call)
{
    struct garden_buffer text;
    garden_buffer_init(&text, NULL, 0);
    if (garden_query_schema_print(garden_query_own_schema(), &text) == GARDEN_OK)
        resource_text(call, resources_uri(call), "application/graphql", (const char *)text.data,
                      text.size);
    else
        call_result(call, NULL);
    garden_buffer_fini(&text);
}

static const char resources_is_json[] = "application/json";
static const struct resource resources_fixed[] = {
    {"garden://state", "state", "All that the daemon tells of itself", resources_is_json,
     resources_read_state},
    {"garden://transport", "transport", "The playhead and the tempo", resources_is_json,
     resources_read_transport},
    {"garden://regions", "regions", "The timeline", resources_is_json, resources_read_regions},
    {"garden://approvals", "approvals", "Latent content that waits for a decision",
     resources_is_json, resources_read_approvals},
    {"garden://events", "events",
     "The oldest events that the daemon keeps; subscribe to hear of new ones", resources_is_json,
     resources_read_events},
    {"garden://schema", "schema", "What graph_query can ask", "application/graphql",
     resources_read_schema},
};
enum { RESOURCES_FIXED = sizeof resources_fixed / sizeof *resources_fixed };

static const struct resource *resources_find(const char *uri)
{
    for (size_t i = 0; i < RESOURCES_FIXED; i++)
        if (strcmp(resources_fixed[i].uri, uri) == 0) return &resources_fixed[i];
    return NULL;
}

// ---- Methods

static bool resources_wants_page(struct mcp_call *call)
{
    if (!json_object_get(call->params, "cursor")) return false;
    call_refuse(call, RPC_INVALID_PARAMS,
                "Invalid params: cursor: expected none, there is one page");
    return true;
}

void resources_list(struct mcp_call *call)
{
    if (resources_wants_page(call)) return;
    json_t *list = json_array();
    for (size_t i = 0; i < RESOURCES_FIXED; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s}", "uri", resources_fixed[i].uri, "name",
                            resources_fixed[i].name, "description", resources_fixed[i].about,
                            "mimeType", resources_fixed[i].mime_type));
    call_result(call, json_pack("{s:o}", "resources", list));
}

void resources_templates(struct mcp_call *call)
{
    if (resources_wants_page(call)) return;
    call_result(call, json_pack("{s:[]}", "resourceTemplates"));
}

// The uri, or null after refusing a call that has none or one of nothing.
static const struct resource *resources_named(struct mcp_call *call)
{
    const char *uri = resources_uri(call);
    const struct resource *resource = uri ? resources_find(uri) : NULL;
    if (!uri)
        call_refuse(call, RPC_INVALID_PARAMS, "Invalid params: uri: expected a text");
    else if (!resource)
        call_refuse(call, RPC_NO_RESOURCE, "Resource not found: %.200s", uri);
    return resource;
}

void resources_read(struct mcp_call *call)
{
    const struct resource *resource = resources_named(call);
    if (resource) resource->read(call);
}

void resources_subscribe(struct mcp_call *call)
{
    struct mcp_session *session = call->session;
    if (!resources_named(call)) return;
    if (json_object_size(session->subscriptions) >= session->mcp->limits.subscriptions_max)
        call_refuse(call, RPC_INVALID_PARAMS, "There are too many subscriptions already");
    else if (json_object_set_new(session->subscriptions, resources_uri(call), json_true()) < 0)
        call_result(call, NULL);
    else
        call_result(call, json_object());
}

void resources_unsubscribe(struct mcp_call *call)
{
    const char *uri = resources_uri(call);
    if (!uri) {
        call_refuse(call, RPC_INVALID_PARAMS, "Invalid params: uri: expected a text");
        return;
    }
    (void)json_object_del(call->session->subscriptions,
                          uri); // one that is not there is gone already
    call_result(call, json_object());
}
