// What the server is made of. Octets come in by a transport (stdio_session.c, http.c), which opens a session and hands
// over what came together as an exchange; each request in it becomes a call, which a method or a tool answers,
// now or later; when all are answered the exchange ends with what is to be sent back.
//
//   transport -> mcp_receive -> exchange -> call -> method, tool -> call_result, call_refuse
//       ^                          |                    |
//       +-- ended(answer) <--------+   session_notify <-+-- events of the daemon
//
// Everything belongs to the loop's thread. JSON that goes in where "taken" is said may be null, which is no
// memory: the call is then answered with an internal error.
#ifndef GARDEN_MCP_MCP_H
#define GARDEN_MCP_MCP_H

#include <uv.h>

#include "../errors.h"
#include "link.h"
#include "rpc.h"

enum mcp_version { MCP_NONE, MCP_2024_11_05, MCP_2025_03_26, MCP_2025_06_18, MCP_2025_11_25 };
enum { MCP_LEVELS = 8 }; // of log messages: debug, ..., emergency

struct mcp_session;
struct mcp_exchange;
struct mcp_call;
struct streams;

struct mcp_limits {
    uint32_t message_max;       // octets of one message
    uint32_t batch_max;         // messages in a batch
    uint32_t calls_max;         // requests of a session under way
    uint32_t subscriptions_max; // of a session
    uint32_t blob_max;          // octets of a resource's contents
};
struct mcp {
    uv_loop_t *loop;
    struct link *link; // null: there is none, and every tool says so (for tests)
    struct streams *streams;
    struct mcp_limits limits;
    struct mcp_session *sessions;
};
void mcp_init(struct mcp *mcp, uv_loop_t *loop);
// What the daemon published: told to every session that wants to hear of it.
void mcp_on_event(struct mcp *mcp, const struct garden_message *event, bool has_seq, uint64_t seq);
// Something that the server itself has to say.
void mcp_log(struct mcp *mcp, const char *level, const char *text);
// The resource |uri| changed; those who subscribed to it are told.
void mcp_updated(struct mcp *mcp, const char *uri);
// There are more resources, or fewer.
void mcp_list_changed(struct mcp *mcp);
// The place of a level of log messages among them, "debug" being 0; -1: there is none of that name.
int mcp_level_find(const char *name);

// ---- A session: what one client said when it came

struct mcp_session {
    struct mcp *mcp;
    struct mcp_session *next, **at; // in the server's list
    enum mcp_version version;       // MCP_NONE until it was negotiated
    bool ready;                     // it may be told things
    unsigned level;                 // of log messages, and above
    json_t *subscriptions;          // an object, by uri
    struct mcp_call *calls;
    uint32_t call_count;
    // What is told without having been asked. |exchange|: the one that it is about, or null. The message is
    // borrowed.
    void (*notify)(struct mcp_session *session, struct mcp_exchange *exchange,
                   const json_t *message);
    void *user; // the transport's
};
int session_open(struct mcp *mcp, struct mcp_session *session);
// Its calls are cancelled, and nobody hears of them any more.
void session_close(struct mcp_session *session);
void session_notify(struct mcp_session *session, struct mcp_exchange *exchange,
                    json_t *notification); // taken
const char *session_version_name(enum mcp_version version);
enum mcp_version session_version_find(const char *name); // MCP_NONE: unknown

// ---- An exchange: what came together, and what is sent back together

struct mcp_exchange {
    struct mcp_session *session;
    uint32_t pending; // requests not answered yet
    bool batch;
    json_t *answers; // an array, as long as it is a batch; else the answer
    // Called once: |answer| (borrowed) is what to send back, or null: nothing. It may be called from inside
    // mcp_receive.
    void (*ended)(void *user, const json_t *answer);
    void *user; // null |ended|: nobody wants the answer any more
};
// Acts on a message, or on a batch of them. Returns the exchange while requests of it are under way, so that the
// transport can let go of it; null when |ended| was called.
struct mcp_exchange *mcp_receive(struct mcp_session *session, struct zmtp_bytes octets,
                                 void (*ended)(void *user, const json_t *answer), void *user);
// Nobody waits for it any more; its calls go on.
void mcp_exchange_forget(struct mcp_exchange *exchange);

// ---- A call: one request under way

struct mcp_call {
    struct mcp_session *session;   // null: it has gone
    struct mcp_exchange *exchange; // null: cancelled, or the session has gone
    struct mcp_call *next, **at;   // in the session's list
    struct mcp *mcp;
    json_t *id, *params;  // |params| may be null
    json_t *progress;     // the token, or null
    double progress_told; // the last
    const struct mcp_tool *tool;
    // Set by what takes long: stop, and then end the call all the same. Null: what comes is dropped.
    void (*cancel)(struct mcp_call *call);
    void *user;
};
// Each ends the call. |result| is taken.
void call_result(struct mcp_call *call, json_t *result);
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void call_refuse(struct mcp_call *call, enum rpc_code code, const char *format, ...);
// Tells how far it is, if that was wished. |total| 0: unknown.
void call_progress(struct mcp_call *call, double progress, double total, const char *text);
// The call with |id| of the session is not wanted any more.
void call_cancel(struct mcp_session *session, const json_t *id);

// ---- Methods

// Answers the call, now or later.
void method_call(struct mcp_call *call, const char *method);
void method_notified(struct mcp_session *session, const struct rpc_message *message);

#endif
