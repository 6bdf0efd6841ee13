// What is read of the store: manifests as JSON, chunks and slices as WAV files, objects as they are.
#ifndef GARDEN_MCP_CONTENTS_H
#define GARDEN_MCP_CONTENTS_H

#include "mcp.h"

// Answers |call| with what |uri| names, later, as it is read and verified by a job; false: it is none of these.
bool contents_read(struct mcp_call *call, const char *uri);

#endif
