// A query of the lane, answered on a thread of the pool: its rows up to a limit, which the reply tells, in
// the time that it may take, unless an Interrupt ends it.
#include "query.h"

#include "../core/error.h"

enum { QUERY_ROWS_FIRST = 64 };

static int query_check(void *user)
{
    const struct offload_job *job = user;
    if (atomic_load_explicit(&job->interrupted, memory_order_relaxed)) return GARDEN_ERR_STATE;
    return uv_hrtime() > job->deadline_ns ? GARDEN_ERR_TIMEOUT : GARDEN_OK;
}

// |rows| with room for one more; false without memory.
static bool query_room(struct garden_arena *arena, struct garden_value_list *rows, size_t *space)
{
    if (rows->count < *space) return true;
    const size_t more = *space ? *space * 2 : QUERY_ROWS_FIRST;
    struct garden_value *items = garden_arena_alloc(arena, more, sizeof *items);
    if (!items) return false;
    for (size_t i = 0; i < rows->count; i++)
        items[i] = rows->items[i];
    rows->items = items;
    *space = more;
    return true;
}

// Rows, up to the limit; |*more|: there would be others.
static int query_rows(struct offload_job *job, struct garden_value_list *rows, bool *more,
                      struct garden_error *error)
{
    size_t space = 0;
    *rows = (struct garden_value_list){0};
    for (;;) {
        struct garden_value row;
        const int result = garden_query_next(job->query, &job->arena, &row, error);
        *more = result > 0 && rows->count == job->query_limits.rows_max;
        if (result <= 0 || *more) return result < 0 ? result : GARDEN_OK;
        if (!query_room(&job->arena, rows, &space))
            return garden__fail(error, job->arena.error,
                                "the rows need more memory than they may: ask for fewer");
        rows->items[rows->count++] = row;
    }
}

static int query_ended(const struct offload_job *job, int result, struct garden_error *error)
{
    if (result == GARDEN_ERR_TIMEOUT)
        return garden__fail(error, result,
                            "the query took longer than %u ms: ask for less, or raise the daemon's "
                            "--query-ms",
                            job->query_limits.time_ms);
    if (atomic_load(&job->interrupted))
        return garden__fail(error, result, "the query was interrupted");
    return result;
}

int query_make(struct offload_job *job, struct garden_message *reply, struct garden_error *error)
{
    const struct garden_query_request *request = &job->request->message.query_request;
    struct garden_query_config config;
    bool more;
    garden_query_config_init(&config);
    config.schema = garden_query_own_schema();
    config.adapter = query_adapter();
    config.user = &job->snapshot;
    config.check = query_check;
    config.check_user = job;
    job->deadline_ns = uv_hrtime() + (uint64_t)job->query_limits.time_ms * 1000000;
    reply->family = GARDEN_QUERY_REPLY;
    reply->query_reply.kind = GARDEN_QUERY_REPLY_RESULTS;
    int result = query_check(job);
    if (result == GARDEN_OK)
        result =
            garden_query_open(&job->query, &config, request->query, &request->variables, error);
    if (result == GARDEN_OK)
        result = query_rows(job, &reply->query_reply.results.rows, &more, error);
    if (result < 0) return query_ended(job, result, error);
    if (!more) return GARDEN_OK;
    struct garden_entry *entries = garden_arena_alloc(&job->arena, 2, sizeof *entries);
    if (!entries) return job->arena.error;
    entries[0] = garden_entry_of("truncated", garden_value_bool(true));
    entries[1] = garden_entry_of("rows_max", garden_value_uint(job->query_limits.rows_max));
    reply->metadata = (struct garden_map){.entries = entries, .count = 2};
    return GARDEN_OK;
}
