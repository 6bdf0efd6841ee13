// The streams being captured, as the loop sees them: their requests wait here until the I/O thread
// tells what came of them, and what it tells of is published. Replies and events are as stream.h has
// them.
#ifndef GARDEN_DAEMON_STREAMS_H
#define GARDEN_DAEMON_STREAMS_H

#include <uv.h>

#include "../server.h"
#include "flow.h"
#include "snapshot_stream.h"

struct streams;

struct streams_config {
    uv_loop_t *loop;
    struct garden_server *server;
    const struct garden_staging *staging;
    struct flow *const *flows;
    size_t flow_count;
    uint32_t ring_ms; // how much audio a ring holds
    bool levels;      // tell with each head how loud the stream is
    void (*on_drained)(void *user);
    void *user;
};
// Copies |config|; what it points to must outlive the streams.
int streams_open(struct streams **out, const struct streams_config *config,
                 struct garden_error *error);
// Closes every chunk at its exact length. Run the loop once more for the rest.
void streams_close(struct streams *streams);

// How much audio the rings of streams that start from now on hold.
void streams_set_ring(struct streams *streams, uint32_t ring_ms);

// Takes |request|, one of the three of streams, and answers it now or later.
void streams_request(struct streams *streams, struct garden_request *request);

// Stops every stream; on_drained is called when the last chunk is closed: from inside this call when
// there is none.
void streams_drain(struct streams *streams);

// Calls |each| with the name and the totals of every stream.
void streams_each(const struct streams *streams,
                  void (*each)(void *context, const char *uri,
                               const struct garden_capture_totals *totals),
                  void *context);

// The values of "sources" and "streams" in a DebugDump.
int streams_dump(const struct streams *streams, struct garden_arena *arena,
                 struct garden_value *sources, struct garden_value *list);

// All streams as they are now, living in |arena|, for a snapshot; to be released on the loop's thread.
int streams_snapshot(struct streams *streams, struct garden_arena *arena,
                     const struct snapshot_stream **out, size_t *count);
void streams_release(const struct snapshot_stream *list, size_t count);

#endif
