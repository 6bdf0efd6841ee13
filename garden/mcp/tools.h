// The tools: what a model may do to a garden. Each is a row of a table; those that are one request of the
// protocol say which, and need no code of their own.
#ifndef GARDEN_MCP_TOOLS_H
#define GARDEN_MCP_TOOLS_H

#include "mcp.h"
#include "schema.h"

enum mcp_hint {
    MCP_READS = 1,    // it changes nothing
    MCP_DESTROYS = 2, // something may be gone afterwards
    MCP_REPEATS = 4,  // a second time with the same arguments changes nothing more
};

struct mcp_tool {
    const char *name, *title;
    const char *about; // for who chooses: what it does, when to use it, what comes back
    const struct mcp_field *input, *output;
    unsigned hints;
    // Answers the call, now or later. |arguments| are checked, live as long as the call, and may be null.
    void (*run)(struct mcp_call *call, json_t *arguments);
    // Of those that are one request: see requests.c.
    const struct mcp_request *request;
};

// The tables, up to a null name.
extern const struct mcp_tool tools_requests[], tools_queries[], tools_streams[];

// Result of tools/list. Null: no memory.
json_t *tools_list(enum mcp_version version);
// tools/call.
void tools_call(struct mcp_call *call);

// How a tool ends its call: with what its output table says (taken), or with words for the model.
void tool_done(struct mcp_call *call, json_t *structured);
// The same, and a reference to a resource beside it; |uri| may be null.
void tool_done_with(struct mcp_call *call, json_t *structured, const char *uri, const char *name,
                    const char *mime_type);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void tool_failed(struct mcp_call *call, const char *format, ...);

// ---- What requests.c knows of the protocol, for other tools

// Sends {"|wire|": |fields|} on the lane of |family| for |call|; |fields| (taken) may be null: a unit. The reply
// comes to |read| as the variant's name and what is in it (an object, or null); without one the call has failed.
struct mcp_request {
    enum garden_family family;
    const char *wire;
    // Makes the protocol's fields of the arguments; null: they are the same.
    json_t *(*shape)(json_t *arguments);
    const char *touches; // the resource that it changes; null: none
};
void requests_send(struct mcp_call *call, enum garden_family family, const char *wire,
                   json_t *fields,
                   void (*read)(struct mcp_call *call, const char *variant, json_t *content,
                                const json_t *metadata));

#endif
