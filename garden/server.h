// The daemon's side of the five lanes, on the caller's loop: it binds them, reads requests, answers
// what cannot be read with an Error by itself, executes a retried request once, echoes heartbeats and
// publishes events, which it keeps for a while for those who missed them (GetEvents). What all other
// requests mean is the owner's.
#ifndef GARDEN_SERVER_H
#define GARDEN_SERVER_H

#include "lanes.h"
#include "wire.h"

#ifdef __cplusplus
extern "C" {
#endif
#if defined __cplusplus && defined __GNUC__
// Some functions are called as the structs that they return, which hides no constructor anybody wants.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

struct zmtp_uv; // <zmtp/uv.h>
struct garden_server;

// A request to be answered, once, with garden_server_reply, during the call that brought it or later.
// It and its |message| live until then.
struct garden_request {
    enum garden_lane lane;
    struct garden_message message;
    struct garden_form form;
};

struct garden_server_config {
    struct garden_endpoints endpoints;
    bool topics;             // publish [event name, message] instead of [message]
    struct garden_form form; // of events
    // Answers kept for requests that come again: how many, and their octets in all.
    size_t record_count_max, record_bytes_max;
    // Events kept for subscribers that missed some, who ask for them by GetEvents.
    size_t history_count_max, history_bytes_max;
    // Each new subscription is answered with a Welcome to that subscriber alone: the session, the number
    // that the next event will have, and what |on_welcome|, if not null, puts into |state|, which may
    // live in |arena|; negative: no state.
    bool welcome;
    int (*on_welcome)(struct garden_server *server, struct garden_arena *arena,
                      struct garden_value *state, void *user);
    size_t requests_max; // unanswered requests; beyond, a new one is refused with an Error
    // CURVE on every lane, which tcp beyond loopback needs. The daemon's keys, copied; null: none, no
    // encryption. |allow|: whom to let in, a file with a public key in each line, a certificate, or a
    // folder of certificates; null: everybody who knows the daemon's public key.
    const struct zmtp_key_pair *keys;
    const char *allow;
    void (*on_request)(struct garden_server *server, struct garden_request *request, void *user);
    // Somebody came no further than the handshake, at a lane's door or |web|'s: |who| is an address or a process,
    // |why| half a sentence. Who hangs up by itself is told of with |keys| only, as one without encryption does.
    // May be null.
    void (*on_refused)(struct garden_server *server, enum garden_lane lane, bool web,
                       const char *who, const char *why, void *user);
    void *user;
};
void garden_server_config_init(struct garden_server_config *config);

// Binds all five, or none: |error| says which endpoint failed and why.
int garden_server_open(struct garden_server **out, struct zmtp_uv *uv,
                       const struct garden_server_config *config, struct garden_error *error);
// Sends what was answered and published (for at most the linger time), then frees. Requests still
// unanswered are freed by this call, so forget them. |closed| may be null.
void garden_server_close(struct garden_server *server, void (*closed)(void *user), void *user);

// Binds each local lane anew whose socket somebody has removed from its folder; connections that are there go
// on. Returns how many lanes that were, or a negative garden_err with the reason.
int garden_server_listen_again(struct garden_server *server, struct garden_error *error);

// Further doors to the five lanes, for pages in a browser: WebSocket (ZWS 2.0), where events are JSON.
// Requests are read in any form by either door, and a request that comes again by the other is the same.
struct garden_web {
    const char *host; // an address of loopback: "127.0.0.1"
    // Ports base .. base + 4 in the lanes' order, or any where one is taken; 0: any.
    uint16_t base;
    // Which pages may come in, as zmtp_uv_config.ws_origins; programs tell none.
    const char *origins;
    // What the path ends in, for those alone who were told; null: nothing. Browsers can offer no
    // subprotocol of PLAIN's.
    const char *secret;
};
// Binds ws://HOST:PORT/lanes/NAME, or ws://HOST:PORT/lanes/NAME/SECRET, all five or none. Once; copies |web|.
// GARDEN_ERR_TYPE: libzmtp was built without WebSocket.
int garden_server_open_web(struct garden_server *server, struct zmtp_uv *uv,
                           const struct garden_web *web, struct garden_error *error);
// What that bound; each is "" when it did not.
const struct garden_endpoints *garden_server_web_endpoints(const struct garden_server *server);
// What a lane's socket and its peers count, as zmtp_uv_stats_json tells it; |web|: of the door for pages.
// GARDEN_ERR_NOT_FOUND when there is none.
int64_t garden_server_stats_json(struct garden_server *server, enum garden_lane lane, bool web,
                                 char *out, size_t size);

// What was bound, with real ports, for a connection file; the session is new with each open.
const struct garden_endpoints *garden_server_endpoints(const struct garden_server *server);
struct garden_uuid garden_server_session(const struct garden_server *server);

// Answers and frees |request|. Fill in only the family and the content of |reply|; the header is
// made from the request's, and the encoding and dialect are the request's too.
void garden_server_reply(struct garden_server *server, struct garden_request *request,
                         struct garden_message *reply);
// The same with the lane's Error and |text|.
void garden_server_reply_error(struct garden_server *server, struct garden_request *request,
                               const char *text);

// The two halves of garden_server_reply, for an answer that is made on another thread: the first encodes
// |reply| and may be called on any, while the request is unanswered and nobody else reads |reply|; what
// cannot be encoded becomes an Error that says so. The second, on the loop's thread again, sends it and
// frees the request; it takes what |octets|, of the C library's heap, holds, without a copy.
int garden_reply_encode(const struct garden_request *request, const struct garden_message *reply,
                        struct garden_buffer *octets);
void garden_server_reply_octets(struct garden_server *server, struct garden_request *request,
                                struct garden_buffer *octets);
// The lane's Error with |text|, which |reply| borrows, as the family and the content of |reply|.
void garden_reply_error(struct garden_message *reply, enum garden_lane lane, const char *text);

// Answers that outlive the server: each that is remembered is given when its request comes again, as if it
// had been given here; all that are, oldest first.
void garden_server_remember(struct garden_server *server, enum garden_lane lane,
                            struct garden_uuid msg_id, struct zmtp_bytes octets);
void garden_server_answers(const struct garden_server *server,
                           void (*each)(void *context, enum garden_lane lane,
                                        struct garden_uuid msg_id, struct zmtp_bytes octets),
                           void *context);

// Publishes an event to every subscriber; never blocks on one. |extra|, of |extra_count| entries,
// joins metadata beside "seq". Returns a negative garden_err only when the event cannot be encoded, and
// then no number is used up.
int garden_server_publish(struct garden_server *server, const struct garden_event *event,
                          const struct garden_entry *extra, size_t extra_count);

struct garden_server_counters {
    uint64_t requests, replies, errors; // |errors|: requests that could not be read
    uint64_t repeated;                  // requests answered from the record
    uint64_t undeliverable;             // replies whose client was gone
    uint64_t events;                    // the next event's seq
    uint64_t welcomes;                  // subscriptions that were welcomed
};
struct garden_server_counters garden_server_counters(const struct garden_server *server);

#if defined __cplusplus && defined __GNUC__
#pragma GCC diagnostic pop
#endif
#ifdef __cplusplus
}
#endif
#endif
