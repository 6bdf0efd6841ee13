// A source that plays into the rings of streams, as a sound card would: a reader thread decodes ahead
// into blocks, and a clock thread, at each tick, runs the callback that carries one block into every
// ring. The callback is what an audio driver would call: no lock, allocation, system call or log.
//
// It plays from the first frame when the first stream taps it, and falls idle when the last one goes.
#ifndef GARDEN_DAEMON_FLOW_H
#define GARDEN_DAEMON_FLOW_H

#include "source.h"
#include "spread.h"

enum flow_pace {
    FLOW_REAL, // by the clock, whether or not the rings have room
    FLOW_FAST, // as fast as the fullest ring takes it, so that nothing is ever lost
    FLOW_LIVE, // as it comes, whether or not the rings have room: of live sources, whatever was asked for
};

enum { FLOW_BLOCK_FRAMES = 256, FLOW_TAPS_MAX = 16 };

struct flow;
// Takes |source| on success. |threads| false: nothing plays but by flow_fill() and flow_callback().
int flow_open(struct flow **out, struct source *source, enum flow_pace pace, bool threads,
              struct garden_error *error);
// Runs the clock's thread at this real-time priority, if it has one and the system permits that: else 0 is
// returned, and it runs as the others do. At pace fast it would starve them, so there it never does.
int flow_set_priority(struct flow *flow, int priority);
// Ends the threads. No stream may tap it any more.
void flow_close(struct flow *flow);
const struct source_info *flow_info(const struct flow *flow);

// A stream's end of a flow.
struct flow_tap;
// From the return of this call on, |ring|, of |capacity| frames of |format| (or of octets, when the source
// has MIDI), gets what is played.
int flow_tap_open(struct flow *flow, struct garden_ring *ring, size_t capacity,
                  enum garden_sample_format format, struct flow_tap **out,
                  struct garden_error *error);
// When it returns, nothing touches the ring any more. Null is no tap.
void flow_tap_close(struct flow *flow, struct flow_tap *tap);

// Readable from any thread: all that the source has was offered to the rings; and whether it ended
// because reading failed.
bool flow_ended(const struct flow *flow);
bool flow_failed(const struct flow *flow);
// How long the callback took, each time that it played a block since the start; from any thread.
struct spread_figures flow_times(const struct flow *flow);
// How much of a processor it had meanwhile: what is longer in flow_times() is of others, or of waiting for one.
struct spread_figures flow_own_times(const struct flow *flow);

// ---- What the two threads do

// Reads one block ahead. False: there is no free block, or nothing to read.
bool flow_fill(struct flow *flow);

enum flow_result {
    FLOW_EMPTY, // no block is ready, or nothing plays
    FLOW_FULL,  // pace fast: a ring has no room yet
    FLOW_PLAYED
};
enum flow_result flow_callback(struct flow *flow);

#endif
