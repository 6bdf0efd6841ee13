// Tools that ask queries: any, and those that are asked most.
#include <stdlib.h>

#include "../query.h"
#include "tools.h"

static void queries_read(struct mcp_call *call, const char *variant, json_t *content,
                         const json_t *metadata)
{
    (void)variant;
    const bool truncated = json_is_true(json_object_get(metadata, "truncated"));
    json_t *rows = json_object_get(content, "rows");
    tool_done(call, json_pack("{s:O, s:i, s:b}", "rows", rows, "count", (int)json_array_size(rows),
                              "truncated", truncated));
}

static void queries_ask(struct mcp_call *call, const char *query, json_t *variables)
{
    json_t *given = variables ? json_incref(variables) : json_object();
    requests_send(call, GARDEN_QUERY_REQUEST, "",
                  json_pack("{s:s, s:o}", "query", query, "variables", given), queries_read);
}

static void queries_run(struct mcp_call *call, json_t *arguments)
{
    queries_ask(call, json_string_value(json_object_get(arguments, "query")),
                json_object_get(arguments, "variables"));
}

static void queries_nodes(struct mcp_call *call, json_t *arguments)
{
    (void)arguments;
    queries_ask(call,
                "{ Node { node_id: id @output name @output type: type_id @output "
                "inputs @fold { inputs: name @output } outputs @fold { outputs: name @output } "
                "next @fold { feeds: id @output } } }",
                NULL);
}

static void queries_participants(struct mcp_call *call, json_t *arguments)
{
    (void)arguments;
    queries_ask(
        call,
        "{ Participant { participant_id: id @output name @output online @output capabilities "
        "@output } }",
        NULL);
}

static void queries_schema(struct mcp_call *call, json_t *arguments)
{
    (void)arguments;
    struct garden_buffer text;
    garden_buffer_init(&text, NULL, 0);
    if (garden_query_schema_print(garden_query_own_schema(), &text) < 0)
        tool_failed(call, "There is no memory for the schema.");
    else
        tool_done(call, json_pack("{s:s%}", "schema", (const char *)text.data, text.size));
    garden_buffer_fini(&text);
}

static const struct mcp_field queries_fields[] = {
    {.name = "query", .type = MCP_TEXT, .about = "such as { Node { name @output } }"},
    {.name = "variables",
     .type = MCP_MAP,
     .optional = true,
     .about = "the values of $names in filters"},
    {0},
};
static const struct mcp_field queries_none[] = {{0}};
static const struct mcp_field queries_rows[] = {
    {.name = "rows", .type = MCP_MAPS, .about = "an object of the outputs each"},
    {.name = "count", .type = MCP_INTEGER},
    {.name = "truncated", .type = MCP_FLAG, .about = "there are more rows than these: filter"},
    {0},
};
static const struct mcp_field queries_text[] = {
    {.name = "schema", .type = MCP_TEXT, .about = "in GraphQL's schema language"}, {0}};

const struct mcp_tool tools_queries[] = {
    {.name = "graph_query",
     .title = "Query the state",
     .about =
         "Asks the daemon's state as it is at one moment, in the language of Trustfall: GraphQL's "
         "shape with @output, @filter(op: \"=\", value: [\"$x\"]), @tag, @optional, @recurse, "
         "@fold "
         "and @transform. Begin at Region, Node, Edge, Participant, Stream, Transport, Job, "
         "Approval "
         "and others; graph_schema tells all types. Example: { Region { region: id @output "
         "position "
         "@output @filter(op: \">=\", value: [\"$from\"]) } } with variables {\"from\": 8}. Errors "
         "name the line and the nearest name.",
     .input = queries_fields,
     .output = queries_rows,
     .hints = MCP_READS,
     .run = queries_run},
    {.name = "graph_schema",
     .title = "Schema of queries",
     .about = "Gives the types, properties and edges that graph_query can ask. Read it before "
              "writing a query that is not among the examples. Works without a daemon.",
     .input = queries_none,
     .output = queries_text,
     .hints = MCP_READS,
     .run = queries_schema},
    {.name = "node_list",
     .title = "List nodes",
     .about = "Lists the nodes of the audio graph with their ports and what each feeds.",
     .input = queries_none,
     .output = queries_rows,
     .hints = MCP_READS,
     .run = queries_nodes},
    {.name = "participant_list",
     .title = "List participants",
     .about = "Lists those who take part, whether they are online, and what they can do.",
     .input = queries_none,
     .output = queries_rows,
     .hints = MCP_READS,
     .run = queries_participants},
    {0},
};
