#include "tools.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOOLS_TEXT_SIZE = 1024 };

static const struct mcp_tool *const tools_tables[] = {tools_requests, tools_queries, tools_streams};
enum { TOOLS_TABLES = sizeof tools_tables / sizeof *tools_tables };

// ---- The list

// Null: there is no memory for all of it.
static json_t *tools_describe(const struct mcp_tool *tool, enum mcp_version version)
{
    json_t *out = json_pack("{s:s, s:s, s:o}", "name", tool->name, "description", tool->about,
                            "inputSchema", schema_print(tool->input, true));
    int result = out ? 0 : -1;
    if (out && version >= MCP_2025_03_26) {
        const bool reads = tool->hints & MCP_READS;
        const bool repeats = reads || tool->hints & MCP_REPEATS;
        result |= json_object_set_new(out, "annotations",
                                      json_pack("{s:s, s:b, s:b, s:b, s:b}", "title", tool->title,
                                                "readOnlyHint", reads, "destructiveHint",
                                                (tool->hints & MCP_DESTROYS) != 0, "idempotentHint",
                                                repeats, "openWorldHint", false));
    }
    if (out && version >= MCP_2025_06_18) {
        result |= json_object_set_new(out, "title", json_string(tool->title));
        result |= json_object_set_new(out, "outputSchema", schema_print(tool->output, false));
    }
    if (result == 0) return out;
    json_decref(out);
    return NULL;
}

static json_t *tools_describe_all(enum mcp_version version)
{
    json_t *list = json_array();
    int result = list ? 0 : -1;
    for (size_t i = 0; i < TOOLS_TABLES; i++)
        for (const struct mcp_tool *tool = tools_tables[i]; tool->name && result == 0; tool++)
            result = json_array_append_new(list, tools_describe(tool, version));
    if (result == 0) return json_pack("{s:o}", "tools", list);
    json_decref(list);
    return NULL;
}

// Made once for each version: it is 60 KB, and the same for every session.
json_t *tools_list(enum mcp_version version)
{
    static json_t *lists[MCP_2025_11_25 + 1];
    if (!lists[version]) lists[version] = tools_describe_all(version);
    return json_incref(lists[version]);
}

// ---- A call

static const struct mcp_tool *tools_find(const char *name)
{
    for (size_t i = 0; i < TOOLS_TABLES; i++)
        for (const struct mcp_tool *tool = tools_tables[i]; tool->name; tool++)
            if (strcmp(tool->name, name) == 0) return tool;
    return NULL;
}

void tools_call(struct mcp_call *call)
{
    char why[SCHEMA_WHY_SIZE];
    const char *name = json_string_value(json_object_get(call->params, "name"));
    json_t *arguments = json_object_get(call->params, "arguments");
    if (!name) {
        call_refuse(call, RPC_INVALID_PARAMS, "Invalid params: name: expected the name of a tool");
        return;
    }
    if (arguments && !json_is_object(arguments)) {
        call_refuse(call, RPC_INVALID_PARAMS, "Invalid params: arguments: expected an object");
        return;
    }
    call->tool = tools_find(name);
    if (!call->tool) {
        call_refuse(call, RPC_INVALID_PARAMS,
                    "Unknown tool: '%.100s'; tools/list has those there are", name);
    } else if (schema_check(call->tool->input, arguments, why)) {
        call->tool->run(call, arguments);
    } else if (call->session->version >= MCP_2025_11_25) {
        // So that the model sees it and can mend it, as this version has it.
        tool_failed(call, "Invalid arguments for %s: %s", call->tool->name, why);
    } else {
        call_refuse(call, RPC_INVALID_PARAMS, "Invalid params: %s: %s", call->tool->name, why);
    }
}

// ---- Its end

static json_t *tools_text(const char *text)
{
    return json_pack("{s:s, s:s}", "type", "text", "text", text);
}

void tool_done_with(struct mcp_call *call, json_t *structured, const char *uri, const char *name,
                    const char *mime_type)
{
    size_t size;
    const enum mcp_version version = call->session ? call->session->version : MCP_NONE;
    char *text = rpc_print(structured, &size);
    json_t *content = text ? json_pack("[o]", tools_text(text)) : NULL;
    free(text);
    if (content && uri && version >= MCP_2025_06_18)
        (void)json_array_append_new(content,
                                    json_pack("{s:s, s:s, s:s, s:s}", "type", "resource_link",
                                              "uri", uri, "name", name, "mimeType", mime_type));
    json_t *result = json_pack("{s:o, s:b}", "content", content, "isError", false);
    if (result && version >= MCP_2025_06_18)
        (void)json_object_set(result, "structuredContent", structured);
    json_decref(structured);
    call_result(call, result);
}

void tool_done(struct mcp_call *call, json_t *structured)
{
    tool_done_with(call, structured, NULL, NULL, NULL);
}

void tool_failed(struct mcp_call *call, const char *format, ...)
{
    char text[TOOLS_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    rpc_clean(text);
    if (call->tool)
        call_result(call, json_pack("{s:[o], s:b}", "content", tools_text(text), "isError", true));
    else // a resource
        call_refuse(call, RPC_INTERNAL, "%s", text);
}
