// A stream of events (text/event-stream) that HTTP carries away at its own pace; and what was told lately, for a
// client that lost its stream and asks to go on behind the event that it had last.
#ifndef GARDEN_MCP_OUTBOX_H
#define GARDEN_MCP_OUTBOX_H

#include <jansson.h>

#include "../value.h"

// Text that is appended and taken away.
struct outbox_stream {
    struct garden_buffer text;
    size_t taken;
};
enum { OUTBOX_STREAM_MAX = 32 * 1024 * 1024 };
void outbox_stream_init(struct outbox_stream *stream);
void outbox_stream_fini(struct outbox_stream *stream);
// A message as an event; |id| 0: without one. GARDEN_ERR_LIMIT, GARDEN_ERR_MEMORY: it is not there.
int outbox_stream_put(struct outbox_stream *stream, uint64_t id, const char *message);
// A line that says nothing, by which a peer that has gone is found.
void outbox_stream_beat(struct outbox_stream *stream);
size_t outbox_stream_take(struct outbox_stream *stream, char *out, size_t size);
size_t outbox_stream_waiting(const struct outbox_stream *stream);

// The latest messages with their numbers, which begin at 1: so many, and no more octets than that.
enum { OUTBOX_KEPT_MAX = 256, OUTBOX_BYTES_MAX = 1024 * 1024 };
struct outbox {
    char *kept[OUTBOX_KEPT_MAX]; // of number n at n % OUTBOX_KEPT_MAX; null: not there
    uint64_t oldest, next;       // numbers
    size_t bytes;
};
void outbox_init(struct outbox *outbox);
void outbox_fini(struct outbox *outbox);
// Its number; 0: no memory.
uint64_t outbox_put(struct outbox *outbox, const json_t *message);
// Null: it is not kept any more, or not there yet.
const char *outbox_get(const struct outbox *outbox, uint64_t number);

#endif
