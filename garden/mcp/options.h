// The command line of garden-mcp.
#ifndef GARDEN_MCP_OPTIONS_H
#define GARDEN_MCP_OPTIONS_H

#include "mcp.h"

struct options {
    struct tool_where where;
    uint32_t timeout_ms, patience_ms;
    struct mcp_limits limits;
};
// Fills |out|. Returns -1 to go on, or the exit status after having said all: help, version, or what was wrong.
int options_read(int argc, char **argv, struct options *out);

#endif
