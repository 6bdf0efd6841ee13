// What can be read: the daemon's state, streams, recordings and their parts, by uris that begin with garden://.
#ifndef GARDEN_MCP_RESOURCES_H
#define GARDEN_MCP_RESOURCES_H

#include "mcp.h"

// Each answers its call.
void resources_list(struct mcp_call *call);
void resources_templates(struct mcp_call *call);
void resources_read(struct mcp_call *call);
void resources_subscribe(struct mcp_call *call);
void resources_unsubscribe(struct mcp_call *call);

// The resource of the stream |uri|, whose octets may each take three.
void resource_stream_uri(const char *uri, char *out, size_t size);

#endif
