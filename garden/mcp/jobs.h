// Work on files that takes long: a step at each turn of the loop, so that all else goes on, with progress, and an end
// when the call is cancelled.
#ifndef GARDEN_MCP_JOBS_H
#define GARDEN_MCP_JOBS_H

#include "mcp.h"

struct job {
    uv_idle_t idle;
    struct mcp_call *call; // its |user| is the job
    // Does a little: 1, there is more; 0: it is done. An error is told to the call with |error|'s words.
    int (*step)(struct job *job, struct garden_error *error);
    // Ends the call with what it gives, when it is |done|; frees all but the job in any case.
    void (*end)(struct job *job, bool done);
};
// |job| is from calloc() and goes to free().
void job_start(struct job *job, struct mcp_call *call);

// The tools that are such work.
void jobs_slice(struct mcp_call *call, json_t *arguments);
void jobs_verify(struct mcp_call *call, json_t *arguments);

#endif
