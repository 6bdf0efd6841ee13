// Streams that this server captures into its store. They outlive the calls and the sessions that began them.
#ifndef GARDEN_MCP_STREAMS_H
#define GARDEN_MCP_STREAMS_H

#include "mcp.h"

struct streams;
// |store| is the store's path, made when it is needed; it must outlive the streams.
int streams_open(struct streams **out, struct mcp *mcp, const char *store,
                 struct garden_error *error);
// What is captured is left for gardenctl capture --resume; frees it once the loop has run.
void streams_close(struct streams *streams);
const char *streams_store(const struct streams *streams);
// Stops all, each of which then ends by itself.
void streams_stop(struct streams *streams);
// How many are being captured still.
size_t streams_active(const struct streams *streams);

// Tools, whose arguments were checked: begin; begin, and answer at the end; end.
void streams_create(struct mcp_call *call, json_t *arguments);
void streams_capture(struct mcp_call *call, json_t *arguments);
void streams_end(struct mcp_call *call, json_t *arguments);

// What the daemon does.
void streams_on_event(struct streams *streams, const struct garden_message *event);
void streams_on_alive(struct streams *streams, bool alive);
void streams_on_lane(struct streams *streams, enum garden_lane lane, bool up);

// For tools and resources. The stream of that uri, and the one behind |after|, or the first where that is null. Null:
// there is none.
struct stream;
struct stream *streams_find(const struct streams *streams, const char *uri);
struct stream *streams_next(const struct streams *streams, const struct stream *after);
const char *stream_uri(const struct stream *stream);
json_t *stream_json(const struct stream *stream); // null: no memory

#endif
