// The command line of garden-mcp.
#ifndef GARDEN_MCP_OPTIONS_H
#define GARDEN_MCP_OPTIONS_H

#include "mcp.h"

enum { OPTIONS_PATH_SIZE = 1024 };

struct options {
    struct tool_where where;
    char store[OPTIONS_PATH_SIZE];
    uint32_t timeout_ms, patience_ms;
    struct mcp_limits limits;
};
// Fills |out|. Returns -1 to go on, or the exit status after having said all: help, version, or what was wrong.
int options_read(int argc, char **argv, struct options *out);

#endif
