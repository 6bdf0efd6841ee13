// A client for those who have no event loop: scripts, tests, programs in other languages. Each call runs
// the client's own loop until it has what it was asked for; between calls nothing happens, but what the
// daemon publishes meanwhile is received by the next call.
//
//     struct garden_blocking *garden;
//     garden_blocking_open_file(&garden, NULL, NULL);
//     garden_blocking_ask(garden, "shell", "\"Play\"", 5000, reply, sizeof reply);
//
// One thread at a time; no call from inside a |wanted|. Nothing here needs a struct of the library's but
// for the calls that say so: the others take and give UTF-8 text, and numbers of fixed width, so that any
// foreign-function interface can bind them.
#ifndef GARDEN_BLOCKING_H
#define GARDEN_BLOCKING_H

#include "client.h"

#ifdef __cplusplus
extern "C" {
#endif

struct garden_blocking;

// Copies |config|, whose callbacks are not used. Does not wait for the daemon.
int garden_blocking_open(struct garden_blocking **out, const struct garden_client_config *config,
                         struct garden_error *error);
// Of the daemon that wrote the connection file at |path|; null: the one in the run directory. |why|, if
// not null, gets a line that names the file, what is wrong with it and what to do; it is valid until this
// thread's next call of this function. GARDEN_ERR_NOT_FOUND: there is no such file, GARDEN_ERR_FORMAT: it is
// no connection file, GARDEN_ERR_VERSION: of a daemon of another version.
int garden_blocking_open_file(struct garden_blocking **out, const char *path, const char **why);
// Null is no client.
void garden_blocking_close(struct garden_blocking *garden);

// Sends a request and waits for its reply, |timeout_ms| at most (0: 30 s). On GARDEN_OK |reply| is the
// caller's, for garden_message_fini. GARDEN_ERR_TIMEOUT: none came; it may have been executed.
int garden_blocking_shell(struct garden_blocking *garden,
                          const struct garden_shell_request *request, uint32_t timeout_ms,
                          struct garden_message *reply);
int garden_blocking_control(struct garden_blocking *garden,
                            const struct garden_control_request *request, uint32_t timeout_ms,
                            struct garden_message *reply);
int garden_blocking_query(struct garden_blocking *garden,
                          const struct garden_query_request *request, uint32_t timeout_ms,
                          struct garden_message *reply);
// Waits for an answer of the daemon's heartbeat. GARDEN_ERR_TIMEOUT: it does not live, or not here.
int garden_blocking_ping(struct garden_blocking *garden, uint32_t timeout_ms);

// Events wait in order until they are taken: GARDEN_BLOCKING_EVENTS_MAX of them, or
// GARDEN_BLOCKING_EVENT_BYTES_MAX octets. Beyond, the oldest go, and count as missed.
enum { GARDEN_BLOCKING_EVENTS_MAX = 65536, GARDEN_BLOCKING_EVENT_BYTES_MAX = 16 * 1024 * 1024 };
// The next event, the caller's for garden_message_fini. GARDEN_ERR_TIMEOUT: none came; |timeout_ms| 0
// does not wait for one.
int garden_blocking_event(struct garden_blocking *garden, uint32_t timeout_ms,
                          struct garden_message *event);
// The next event for which |wanted| is true; those before it are passed over. |wanted| sees each once.
int garden_blocking_wait_for(struct garden_blocking *garden,
                             bool (*wanted)(const struct garden_message *event, void *user),
                             void *user, uint32_t timeout_ms, struct garden_message *event);
// Events that were not received, by their numbers, or not taken in time.
uint64_t garden_blocking_missed(const struct garden_blocking *garden);

// ---- As text

// Sends |content|, a request as JSON in the external dialect ("\"Play\"", "{\"Seek\":[16.0]}"), on the
// lane "shell", "control" or "query", and writes the reply, a whole message as JSON, to |out|. Like
// snprintf: at most |size| octets with the zero at their end, and the size of the whole text without it
// is returned; or a negative garden_err. When it does not fit, garden_blocking_reply has it again.
int64_t garden_blocking_ask(struct garden_blocking *garden, const char *lane, const char *content,
                            uint32_t timeout_ms, char *out, size_t size);
// The last reply of garden_blocking_ask again.
int64_t garden_blocking_reply(const struct garden_blocking *garden, char *out, size_t size);
// The next event as JSON. When |size| is too small for it, it is not taken.
int64_t garden_blocking_next(struct garden_blocking *garden, uint32_t timeout_ms, char *out,
                             size_t size);
// What was wrong with the last call's |content|, or a name for its error; valid until the next call.
const char *garden_blocking_why(const struct garden_blocking *garden);

#ifdef __cplusplus
}
#endif
#endif
