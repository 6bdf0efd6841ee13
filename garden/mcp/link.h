// The way to the daemon: a client that is opened when the daemon has told where it is, follows it when it
// comes back elsewhere, and answers every question, if only by saying why there is no answer.
#ifndef GARDEN_MCP_LINK_H
#define GARDEN_MCP_LINK_H

#include <uv.h>
#include <zmtp/uv.h>

#include "../client.h"
#include "../tools/where.h"

struct link;
struct link_config {
    uv_loop_t *loop;
    struct zmtp_uv *uv;
    struct tool_where where;
    uint32_t timeout_ms;  // of one request
    uint32_t patience_ms; // how long a request waits for a daemon that does not answer pings
    // Every event in order; |lost| events were missed for good.
    void (*on_event)(void *user, const struct garden_message *event, bool has_seq, uint64_t seq);
    void (*on_lost)(void *user, uint64_t first, uint64_t count);
    // The daemon came (true) or went. The client may be another one than before.
    void (*on_alive)(void *user, bool alive);
    // A lane of it connected anew: behind it may be a daemon that was started anew.
    void (*on_lane)(void *user, enum garden_lane lane, bool up);
    void *user;
};
// GARDEN_OK though no daemon may run; an error only when the words of the call are wrong.
int link_open(struct link **out, const struct link_config *config, struct garden_error *error);
// Requests under way are answered from inside. Frees it once the loop has run.
void link_close(struct link *link);

// Null while there is nobody to talk to; good until the next turn of the loop.
struct garden_client *link_client(const struct link *link);

// How a question ends: with the daemon's reply, of whatever kind, which lives during the call; or with none
// and a sentence that says why and what to do.
struct link_answer {
    void (*call)(void *user, const struct garden_message *reply, const char *why);
    void *user;
};
// Asks |request|, a message of the shell, control or query family, and takes it, in every case. |answer| is
// called exactly once, perhaps from inside this call. |*asked|, written before that, names the question until then;
// it may be null.
struct link_asked;
void link_ask(struct link *link, struct garden_message *request, const struct link_answer *answer,
              struct link_asked **asked);
// It is not wanted any more. One that waits for the daemon is answered from inside and never sent; a query that was
// sent is interrupted in the daemon, and answered soon; any other that was sent happens.
void link_cancel(struct link_asked *asked);

#endif
