// The command line of garden-mcp.
#ifndef GARDEN_MCP_OPTIONS_H
#define GARDEN_MCP_OPTIONS_H

#include "http.h"
#include "mcp.h"

enum { OPTIONS_PATH_SIZE = 1024 };

struct options {
    struct tool_where where;
    char store[OPTIONS_PATH_SIZE];
    bool store_named;        // else it is the run directory
    struct http_config http; // its |address| null: over standard input and output instead
    const char *token_file;
    size_t origin_count;
    uint32_t timeout_ms, patience_ms;
    struct mcp_limits limits;
};
// Fills |out|. Returns -1 to go on, or the exit status after having said all: help, version, or what was wrong.
int options_read(int argc, char **argv, struct options *out);

#endif
