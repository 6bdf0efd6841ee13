// One session over standard input and output: a message is a line.
#ifndef GARDEN_MCP_STDIO_SESSION_H
#define GARDEN_MCP_STDIO_SESSION_H

#include "mcp.h"

struct stdio;
struct stdio_config {
    struct mcp *mcp;
    // The input has ended: what takes long should come to its end.
    void (*ending)(void *user);
    // All that came was answered, or nobody reads the answers.
    void (*over)(void *user);
    void *user;
};
int stdio_open(struct stdio **out, const struct stdio_config *config, struct garden_error *error);
// Ends the session. What is still to be written is written; frees it once the loop has run.
void stdio_close(struct stdio *stdio);

#endif
