// Answers that take time, made from a snapshot on a thread of libuv's pool and sent from the loop: so
// neither a list of a hundred thousand regions nor a query delays a pause.
#ifndef GARDEN_DAEMON_OFFLOAD_H
#define GARDEN_DAEMON_OFFLOAD_H

#include <stdatomic.h>
#include <uv.h>

#include "../query.h"
#include "../server.h"
#include "state.h"
#include "streams.h"

// At once; the others wait their turn, so that the replies being made are bounded, too. One of control's
// goes before all that wait, and on a thread that the others leave free.
enum { OFFLOAD_RUNNING_MAX = 2, OFFLOAD_THREADS_MAX = OFFLOAD_RUNNING_MAX + 1 };
enum { OFFLOAD_EARLY_MAX = 64 }; // as many as a client has under way

struct offload;

// What a query may take, and how many rows it tells.
struct offload_query_limits {
    uint32_t time_ms, rows_max;
};

// One answer that is being made.
struct offload_job {
    struct offload_job *next;
    struct offload *offload;
    uv_work_t work;
    struct garden_request *request; // read by the thread, and answered by the loop
    struct snapshot snapshot;
    struct garden_arena arena; // of what the reply is made of
    // On the thread: fills in the family and the content of |reply|, which may borrow from all the
    // above. A negative garden_err becomes an Error with |error|'s text.
    int (*make)(struct offload_job *job, struct garden_message *reply, struct garden_error *error);
    struct garden_value dump; // what a DebugDump begins with
    // Of a query.
    struct garden_query *query;
    struct offload_query_limits query_limits;
    uint64_t deadline_ns;
    atomic_bool interrupted; // by the loop, read by the thread
    struct garden_buffer octets;
    int result;
};

struct offload {
    uv_loop_t *loop;
    struct garden_server *server;
    struct state *state;
    struct streams *streams;           // null: none
    struct offload_job *first, *last;  // that wait, control's before the others
    struct offload_job *running_first; // those that are being made
    size_t waiting, waiting_max;       // more are refused, as each keeps a snapshot; 0: no limit
    size_t running;
    // Queries that were interrupted before they came, as control goes first: the last few.
    struct garden_uuid early[OFFLOAD_EARLY_MAX];
    size_t early_next;
    bool stopping;
    void (*on_idle)(void *user); // when the last has been answered
    void *user;
};

// Takes |request|, to be answered by what |make| makes of the state as it is now. The job, with a
// snapshot and an arena, may be filled in by |prepare|, which may be null, before this returns; when it
// fails, or without memory, the request is answered with an Error.
void offload_answer(struct offload *offload, struct garden_request *request,
                    int (*prepare)(struct offload_job *job, void *context), void *context,
                    int (*make)(struct offload_job *job, struct garden_message *reply,
                                struct garden_error *error));
// Answers all that wait, and all that come from now on, with an Error: what is being made is finished.
void offload_stop(struct offload *offload);
// Ends what is a query and is being made or waits: each is answered with an Error soon. How many there are.
size_t offload_interrupt(struct offload *offload);
// Ends the query that was asked under |msg_id|, by whomever, and no other. False: there is none; should it come
// yet, it is ended then.
bool offload_interrupt_one(struct offload *offload, struct garden_uuid msg_id);
bool offload_idle(const struct offload *offload);

#endif
