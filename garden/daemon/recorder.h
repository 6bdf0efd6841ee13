// The I/O thread: runs the capture machines of all streams and does their files, so that a slow disk
// holds up neither audio nor the loop. Commands go to it and events come from it through two bounded
// queues; when that of the events is full, the machines keep theirs.
#ifndef GARDEN_DAEMON_RECORDER_H
#define GARDEN_DAEMON_RECORDER_H

#include <stdatomic.h>
#include <uv.h>

#include "flow.h"
#include "levels.h"

// A stream as the I/O thread has it. The owner fills it in, and must leave it alone from
// recorder_add() until the event that is its |last|.
struct take {
    struct garden_capture *capture;
    struct garden_ring *ring;
    const struct flow *flow;
    void *owner;
    bool tells_levels;       // with each of its heads
    atomic_bool stop_wanted; // by recorder_stop(), until the I/O thread has seen it
    // The I/O thread's.
    struct garden_writer writer;
    struct levels levels;
    struct take *next;
};

enum { RECORDER_UNTOLD_MAX = 3 };

// A garden_capture_event with everything in it. A switch that the machine answers at once comes as
// GARDEN_CAPTURE_SWITCHED, too.
struct recorder_event {
    enum garden_capture_kind kind;
    struct take *take;
    bool last; // the I/O thread has let go of |take|
    int result;
    bool recoverable, standby, ended;
    bool has_chunk; // of CHUNK_FULL; of SWITCHED, the full one that it answers; of ENDED, the last
    struct garden_chunk_report chunk;
    size_t untold_count; // of ENDED
    struct garden_chunk_report untold[RECORDER_UNTOLD_MAX];
    struct garden_gap gap;
    struct garden_capture_totals totals;
    struct levels_report levels; // of a head, where |take| tells them
    char path[GARDEN_PATH_MAX];  // "": none
    char text[256];
};

struct recorder;
// |on_event| is called on |loop|.
int recorder_open(struct recorder **out, uv_loop_t *loop, const struct garden_staging *staging,
                  void (*on_event)(const struct recorder_event *event, void *user), void *user,
                  struct garden_error *error);
// Ends the thread, which closes every chunk at its exact length. Calls |on_event| no more. Run the
// loop until |closed|, which may be null.
void recorder_close(struct recorder *recorder, void (*closed)(void *user), void *user);

// Each returns false when too many commands are under way. A switch of a stream that has had its last
// event is not answered.
bool recorder_add(struct recorder *recorder, struct take *take);
bool recorder_switch(struct recorder *recorder, struct take *take, const char *path);
// The producer must have stopped.
void recorder_stop(struct take *take);

#endif
