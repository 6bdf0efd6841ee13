// Sessions over streamable HTTP, on loopback: a POST brings a message and takes its answer, as JSON or, where its
// progress is told, as a stream of events; a GET is a stream of what is told unasked.
#ifndef GARDEN_MCP_HTTP_H
#define GARDEN_MCP_HTTP_H

#include "mcp.h"

enum { HTTP_ORIGINS_MAX = 16, HTTP_TOKEN_SIZE = 129 };

struct http;
struct http_config {
    struct mcp *mcp;
    const char *address; // "127.0.0.1:7500"; port 0: any
    const char *token;   // that each request must bring; lives as long as the server
    const char *origins[HTTP_ORIGINS_MAX]; // whose pages may ask, beside loopback's; up to a null
    uint32_t sessions_max;                 // beyond, the one that was quiet for longest goes
};
int http_open(struct http **out, const struct http_config *config, struct garden_error *error);
uint16_t http_port(const struct http *http);
// Ends all sessions; frees it once the loop has run.
void http_close(struct http *http);

// Reads the token in |path|, its first line of 16 to 128 octets, or makes a file with a new one that only its
// owner can read. Returns an error with its sentence: what |path| has is no token, or others may read it, or the
// system says no.
int http_token(const char *path, char out[HTTP_TOKEN_SIZE], struct garden_error *error);

#endif
