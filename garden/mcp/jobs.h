// Work on files that takes long: step by step on a thread of the loop's pool, so that nothing else of the server waits
// for a disk or a hash, with progress, and an end when the call is cancelled.
#ifndef GARDEN_MCP_JOBS_H
#define GARDEN_MCP_JOBS_H

#include "mcp.h"

struct job {
    uv_work_t work;
    // Its |user| is the job; null: it was cancelled. The loop's: no step looks at it.
    struct mcp_call *call;
    // Does a little, on another thread, and touches only what is the job's: 1, there is more; 0: it is done. An error
    // is told to the call with |error|'s words. Others' jobs have their turns between two steps.
    int (*step)(struct job *job, struct garden_error *error);
    // Ends the call with what it gives, when it is |done|; frees all but the job in any case. On the loop's thread.
    void (*end)(struct job *job, bool done);
    int result; // of the last step
    struct garden_error error;
    // What a step has to tell of how far it is; no |text|: nothing.
    struct {
        double done, total;
        const char *text; // a constant
    } progress;
};
// |job| is from calloc() and goes to free().
void job_start(struct job *job, struct mcp_call *call);
// For a step: how far it is, as with call_progress().
void job_progress(struct job *job, double done, double total, const char *text);

// The tools that are such work.
void jobs_slice(struct mcp_call *call, json_t *arguments);
void jobs_verify(struct mcp_call *call, json_t *arguments);

#endif
