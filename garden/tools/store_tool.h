// What the commands that look after a store share.
#ifndef GARDEN_TOOLS_STORE_TOOL_H
#define GARDEN_TOOLS_STORE_TOOL_H

#include "../store.h"
#include "tool.h"

// Opens a store that must be there: |alone| to change it with nobody else in it, else to read it. TOOL_OK,
// or TOOL_FAILED after saying why.
int store_tool_open(const struct tool *tool, const char *root, bool alone,
                    struct garden_store **out);

#endif
