// One stream of streams.h. Its request handlers are in streams.c, what becomes of it in stream.c.
#ifndef GARDEN_DAEMON_STREAM_H
#define GARDEN_DAEMON_STREAM_H

#include "recorder.h"
#include "stream_log.h"
#include "streams.h"

enum stream_state {
    STREAM_STARTING, // its first chunk is being opened
    STREAM_RUNNING,
    STREAM_STOPPING,
    STREAM_ENDED // remembered, for a stop that is asked again
};

// A request that will be answered by an event of the recorder.
struct stream_waiter {
    struct stream_waiter *next;
    struct garden_request *request;
    enum garden_shell_request_kind kind;
    char path[GARDEN_PATH_MAX]; // a switch's
};

struct stream {
    struct stream *next;
    struct streams *streams;
    enum stream_state state;
    char uri[GARDEN_URI_MAX], first_path[GARDEN_PATH_MAX];
    struct garden_stream_format format;
    uint64_t chunk_size;
    struct flow *flow;
    struct flow_tap *tap; // null: nothing is played into it
    size_t ring_frames;
    struct take take;
    struct stream_waiter *waiters;
    struct stream_log log;
    uint64_t started_ns;                 // by the monotonic clock
    bool told_end;                       // that the source has nothing more
    struct garden_capture_totals totals; // as last told
    struct recorder_event *ended;        // of an ended one: what its stop is answered with
};

struct streams {
    struct streams_config config;
    struct recorder *recorder;
    struct stream *first; // the newest
    size_t live_count;    // not ended
    size_t waiting_count; // starts and stops under way
    bool draining;
};

// Makes a stream whose first chunk is being opened, with |path|, which has been checked.
int stream_open(struct streams *streams, const struct stream *like, struct stream **out,
                struct garden_error *error);
// Forgets it. The I/O thread must have let go of it.
void stream_free(struct stream *stream);
// Takes |request|. False: no memory, and it is still the caller's.
bool stream_wait(struct stream *stream, struct garden_request *request, const char *path);
// Gives |request| back to the caller.
void stream_unwait(struct stream *stream, const struct garden_request *request);
void stream_stop(struct stream *stream);
// The answer to the stop of an ended stream.
void stream_answer_stop(struct stream *stream, struct garden_request *request);
void stream_on_event(const struct recorder_event *event, void *user);

// Refuses a shell request, of whatever kind.
void stream_reply_error(struct streams *streams, struct garden_request *request, int code,
                        const char *text);
void stream_reply_ok(struct streams *streams, struct garden_request *request,
                     struct garden_entry *entries, size_t count);

#endif
