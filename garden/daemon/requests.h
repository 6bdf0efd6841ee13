// What the daemon answers to requests of every lane.
#ifndef GARDEN_DAEMON_REQUESTS_H
#define GARDEN_DAEMON_REQUESTS_H

#include "keeper.h"
#include "offload.h"
#include "state.h"
#include "streams.h"

struct requests {
    struct garden_server *server;
    struct streams *streams; // open as long as requests are taken
    struct state *state;
    struct changes changes;
    struct offload offload;
    struct offload queries; // apart, as they may be slow
    struct offload_query_limits query_limits;
    struct keeper keeper;
    uint64_t started_ns;
    // A Shutdown came: the request is the owner's, to be answered in the end.
    void (*on_shutdown)(struct garden_request *request, void *user);
    void *user;
};

// Takes |request|.
void requests_take(struct requests *requests, struct garden_request *request);
// What a new subscriber is told of the state.
int requests_welcome(struct requests *requests, struct garden_arena *arena,
                     struct garden_value *out);
// Events of what was found at the start; and that something cannot be kept.
void requests_tell_start(struct requests *requests);
void requests_tell_trouble(struct requests *requests, const char *text);
// Time passes while the transport plays.
void requests_tick(struct requests *requests);

#endif
