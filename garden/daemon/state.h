// Everything that the daemon knows beside its streams, and the shell requests on it, as a machine:
// no I/O, and time and fresh ids are arguments. What changes comes out as events, so that whoever
// publishes them can also write them down.
#ifndef GARDEN_DAEMON_STATE_H
#define GARDEN_DAEMON_STATE_H

#include "graph.h"
#include "participants.h"
#include "regions.h"
#include "snapshot.h"
#include "transport.h"

// What all clients together can make the state hold, with what snapshots keep of it.
enum { STATE_MEMORY_MAX = 256 * 1024 * 1024 };

struct state {
    struct zmtp_budget budget; // so it may not move
    struct transport transport;
    struct regions regions;
    struct graph graph;
    struct participants participants;
    size_t snapshot_count; // taken and not released
};
void state_init(struct state *state);
void state_fini(struct state *state);

// When a request is executed, and the id for what it makes.
struct state_moment {
    int64_t mono_ns; // of a clock that never jumps
    struct garden_time wall;
    struct garden_uuid fresh;
    const double *second; // the playhead's, of a Seek that keeps it; null: by the tempo
};

// A reply and the memory that it refers to.
struct state_answer {
    struct garden_shell_reply reply;
    struct garden_arena arena;
    struct garden_entry entries[2];
    char uuid[GARDEN_UUID_TEXT_SIZE + 1];
};
void state_answer_init(struct state_answer *answer);
void state_answer_fini(struct state_answer *answer);

// Executes any shell request but those of streams. On an error |answer| and |changes| are as before.
int state_shell(struct state *state, const struct garden_shell_request *request,
                const struct state_moment *moment, struct state_answer *answer,
                struct changes *changes, struct garden_error *error);
// Pauses, and tells whether it was playing.
int state_pause(struct state *state, int64_t now_ns, struct changes *changes, bool *was_playing);
// Time passes: PlaybackPosition and MixedIn while playing.
int state_tick(struct state *state, int64_t now_ns, struct changes *changes);

// The state as it is now, to be read by any thread until it is released. Costs a few counters, whatever
// the size of the state. Streams are not the state's: the caller may add them.
void state_snapshot(struct state *state, const struct state_moment *moment,
                    struct snapshot *snapshot);
void state_release(struct state *state, struct snapshot *snapshot);

// The answer to a request that only reads regions: GetRegions and GetPendingApprovals, of which a state
// may have so many that they are not read on the loop.
bool state_reads_regions(enum garden_shell_request_kind kind);
int state_read_regions(const struct table_root *regions, const struct garden_shell_request *request,
                       struct garden_arena *arena, struct garden_shell_reply *reply,
                       struct garden_error *error);

#endif
