// The client's side of the five lanes, on the caller's loop. A client may be opened before its daemon
// runs, outlives restarts of it, and dials again by itself. One loop can hold clients of many daemons.
// All calls belong to the loop's thread, and callbacks come from the loop.
//
// Without a client, as where opening one has failed, each call does nothing and says GARDEN_ERR_ARGUMENT, as it does
// without a request or an answer; what returns no error tells of a client that has not heard of its daemon yet.
#ifndef GARDEN_CLIENT_H
#define GARDEN_CLIENT_H

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

struct zmtp_uv;   // <zmtp/uv.h>
struct uv_loop_s; // uv_loop_t of <uv.h>
struct garden_client;

enum garden_client_state {
    GARDEN_CLIENT_DIALLING, // never heard of the daemon yet
    GARDEN_CLIENT_ALIVE,    // the last ping was answered
    GARDEN_CLIENT_DEAD,     // so many pings in a row were not
};

struct garden_client_config {
    struct garden_endpoints endpoints;
    struct garden_form form;     // of requests; the default is MessagePack, external
    uint32_t ping_interval_ms;   // 1000; a ping not answered within it is a missed one
    uint32_t pings_missed_max;   // 3: then the daemon is dead
    uint32_t request_timeout_ms; // 30000: for requests that name none
    uint32_t reconnect_max_ms;   // 5000: the cap of the back-off
    // CURVE: the daemon's public key, as its connection file tells; null: no encryption. |keys| are ours,
    // for a daemon that lets in only those it knows; null: made at random. Both are copied.
    const struct zmtp_key *server_key;
    const struct zmtp_key_pair *keys;
    // An event of the daemon. |has_seq|: it carries a number; numbers of one session follow each
    // other, so a jump tells of missed events. |event| lives during the call.
    void (*on_event)(struct garden_client *client, const struct garden_message *event, bool has_seq,
                     uint64_t seq, void *user);
    // Every event in order, once: where the numbers jump, or a welcome tells that some were missed, the
    // daemon is asked for them before on_event goes on. Those that it no longer has are told of by
    // on_lost: |count| from |first| on; |count| 0 when the daemon was started anew, which may have told
    // more at the end of its former life, and now begins at 0. Default: off, events as they come.
    bool catch_up;
    void (*on_lost)(struct garden_client *client, uint64_t first, uint64_t count, void *user);
    void (*on_state)(struct garden_client *client, enum garden_client_state state, void *user);
    // The connection of a lane came (true) or went.
    void (*on_lane)(struct garden_client *client, enum garden_lane lane, bool up, void *user);
    void *user;
};
void garden_client_config_init(struct garden_client_config *config);

// Copies |config|. |uv| must outlive the client.
int garden_client_open(struct garden_client **out, struct zmtp_uv *uv, struct uv_loop_s *loop,
                       const struct garden_client_config *config, struct garden_error *error);
// Requests under way are answered with GARDEN_ERR_DEAD, from inside this call; then nothing but
// |closed| (which may be null) is called.
void garden_client_close(struct garden_client *client, void (*closed)(void *user), void *user);

// How a request ends: GARDEN_OK with the reply (of whatever kind, an Error too), which lives during
// the call; else without one: GARDEN_ERR_TIMEOUT, GARDEN_ERR_DEAD, or what was wrong with a reply
// that cannot be read (GARDEN_ERR_VERSION, GARDEN_ERR_TYPE, GARDEN_ERR_FORMAT and so on): the daemon
// took the request, and speaks otherwise. Called exactly once for each request that was taken.
struct garden_answer {
    void (*call)(struct garden_client *client, int result, const struct garden_message *reply,
                 void *user);
    void *user;
    uint32_t timeout_ms; // 0: the config's
    // Null: a new one. Else the request is a repetition, which the daemon executes once at most.
    const struct garden_uuid *msg_id;
};

// Each returns GARDEN_OK and answers later, or fails without an answer. A request waits for its lane
// to connect; it is sent again, under its msg_id, when the lane had to connect anew before the reply.
int garden_client_shell(struct garden_client *client, const struct garden_shell_request *request,
                        const struct garden_answer *answer);
int garden_client_control(struct garden_client *client,
                          const struct garden_control_request *request,
                          const struct garden_answer *answer);
int garden_client_query(struct garden_client *client, const struct garden_query_request *request,
                        const struct garden_answer *answer);

// Ends the query that was asked under |msg_id| (garden_answer.msg_id), on the control lane: it is answered with
// an Error soon, and neither another query nor the transport notices. The reply is Interrupted, with "query" or
// "nothing"; a query that comes to the daemon behind its Interrupt is ended, too.
int garden_client_interrupt(struct garden_client *client, struct garden_uuid msg_id,
                            const struct garden_answer *answer);

enum garden_client_state garden_client_state(const struct garden_client *client);
bool garden_client_lane_up(const struct garden_client *client, enum garden_lane lane);
// Why the last handshake of |lane| failed, as "denied by authoriser: 400", until one succeeds; null: none did. Printable,
// and whole until the next turn of the loop. |refused| (which may be null): whether the daemon said no; it is dialled
// again all the same, as it may be started anew with other keys.
const char *garden_client_lane_fault(const struct garden_client *client, enum garden_lane lane,
                                     bool *refused);
// How many handshakes of |lane| failed one after the other for a reason that is known, such as another key or another
// mechanism: after a few, more tries are of little use. 0 once one succeeds, and once nobody listens there.
uint32_t garden_client_lane_failures(const struct garden_client *client, enum garden_lane lane);
// Of the last ping; UINT32_MAX before the first.
uint32_t garden_client_round_trip_ms(const struct garden_client *client);
// Sends a ping now rather than at the next interval; its answer shows in on_state or the round trip.
void garden_client_ping(struct garden_client *client);

// Waiting without standing still: |call| is called once, with GARDEN_OK, GARDEN_ERR_TIMEOUT, or (from
// inside garden_client_close) GARDEN_ERR_DEAD. Many may be under way.
struct garden_wait {
    // Null: the next answer to a ping, which is sent at once. Else the next event for which this is true;
    // it is asked about each event that comes, after on_event.
    bool (*wanted)(const struct garden_message *event, void *user);
    // |event| lives during the call; null for a ping, or when none came.
    void (*call)(struct garden_client *client, int result, const struct garden_message *event,
                 void *user);
    void *user;
    uint32_t timeout_ms; // 0: the config's request_timeout_ms
};
int garden_client_wait_for(struct garden_client *client, const struct garden_wait *wait);

struct garden_client_counters {
    uint64_t requests, replies, timeouts, resent;
    uint64_t late;                  // replies to nothing that is still asked
    uint64_t malformed;             // messages that could not be read
    uint64_t events, events_missed; // with catch_up, those that were lost for good
    uint64_t events_recovered;      // and those that were asked for
};
struct garden_client_counters garden_client_counters(const struct garden_client *client);

#if defined __cplusplus && defined __GNUC__
#pragma GCC diagnostic pop
#endif
#ifdef __cplusplus
}
#endif
#endif
