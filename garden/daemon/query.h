// What the query lane answers: the state as the vertices that snapshot.h shows, in the words of the garden's
// query schema (garden/query/schema.c), asked by the library's query language.
#ifndef GARDEN_DAEMON_QUERY_H
#define GARDEN_DAEMON_QUERY_H

#include "../query.h"
#include "offload.h"

// The adapter's |user| is a const struct snapshot.
const struct garden_query_adapter *query_adapter(void);

// On a thread: an offload_job's |make|. |job->query| is what its answer lives in.
int query_make(struct offload_job *job, struct garden_message *reply, struct garden_error *error);

#endif
