// What the user holds: a pattern with endpoints. It owns its listeners, connections and diallers,
// and calls the user's callbacks.
#ifndef ZMTP_IO_UV_SOCKET_H
#define ZMTP_IO_UV_SOCKET_H

#include "engine.h"
#include "words.h"

struct zmtp__conn;
struct zmtp__door;
struct zmtp__gate;
struct zmtp__guard;
struct zmtp__listener;
struct zmtp__suspects;
struct zmtp__udp;

struct zmtp_uv_socket {
    struct zmtp_uv *uv;
    struct zmtp_uv_socket *next, *before; // of the engine
    struct zmtp_uv_socket *touched_next, *dropping_next, *ticking_next;
    uint64_t tick_ms; // when it is to be ticked, and on the engine's list; UINT64_MAX: never
    struct zmtp_socket *core;     // null from close on
    struct zmtp_uv_config config; // what it says of security and whom to let in, |guard| has copied
    struct zmtp__guard *guard;
    struct zmtp__door *door;
    struct zmtp__gate *gate;
    struct zmtp__suspects *suspects; // null: nobody is counted
    uint64_t turned_away;            // connections before their handshake
    char *origins;                   // a copy of the config's, which points at it
    uint64_t number;
    uint64_t tickets; // guests so far
    uint8_t routing_id[UINT8_MAX];
    struct zmtp_part metadata;                   // of the application
    struct zmtp__conn *conns;                    // connections and diallers, until freed
    struct zmtp__listener *listeners, *stopping; // |stopping|: their end is to be told
    struct zmtp__udp *udps;                      // endpoints of udp, until freed
    struct zmtp__hook *names, *dials,
        *guests;                  // inproc: what it has bound, dialled, and who has joined it
    struct zmtp__hook *farewells; // guests that have gone, which is to be told
    struct zmtp_uv_mailbox *mailboxes;
    struct zmtp_uv_tray *tray; // null: none
    bool lent;                 // |core| is its owner's, who calls it without this socket
    bool touched;              // on the engine's list
    bool dropping;             // on that of drops to be told
    bool starved;              // something could not be done for want of memory
    bool told_readable;        // and no receive has said AGAIN since
    bool refused;              // a send said AGAIN; |on_writable| is owed
    bool refused_far;          // it had no room for one that dialled from another engine
    bool closing;
    uint64_t told_dropped[ZMTP_DROPS];
    enum zmtp__call call; // the last one, for its words
    int error;            // of the last call
    int given; // one more than a descriptor that listens already, which the next bind takes over; 0: none
    char *text; // and in words, when there are better ones than the error's; null: none yet
    char endpoint[ZMTP_ENDPOINT_MAX];
    void (*closed)(void *user);
    void *user;
};

// May calls be made on it? ZMTP_ERR_ARGUMENT: it is null; ZMTP_ERR_STATE: it is closed, or a copy that
// a forked child has.
static inline int zmtp__uv_socket_check(const struct zmtp_uv_socket *socket)
{
    if (!socket) return ZMTP_ERR_ARGUMENT;
    return socket->core && zmtp__engine_enter(socket->uv) ? ZMTP_OK : ZMTP_ERR_STATE;
}

// A socket with |core|, which stays the caller's: it has endpoints, connections and events, and is closed.
// All else is done with the core, also zmtp_socket_process when the engine has run; what the core has
// sent is the engine's by zmtp__engine_flush. Several may share one core. When that closes first, it is
// taken from them (zmtp__uv_socket_bereave).
int zmtp__uv_socket_open_lent(struct zmtp_uv_socket **out, struct zmtp_uv *uv,
                              const struct zmtp_uv_config *config, struct zmtp_socket *core);
void zmtp__uv_socket_bereave(struct zmtp_uv_socket *socket);

// Look at it in the next dispatch. One with a lent core, only when it closes: nothing else is its doing.
void zmtp__uv_socket_enlist(struct zmtp_uv_socket *socket); // for the next function
static inline void zmtp__uv_socket_touch(struct zmtp_uv_socket *socket)
{
    if (!socket->touched && (!socket->lent || socket->closing)) zmtp__uv_socket_enlist(socket);
}
// The same, if other sockets or connections have marked its pipes: before what takes the marks off that dispatch goes by.
void zmtp__uv_socket_touch_marked(struct zmtp_uv_socket *socket);
// Memory may be there again for what waits for it.
void zmtp__uv_socket_feed(struct zmtp_uv_socket *socket);
// Processes, and calls back what is due. Called by dispatch; frees a closed socket that is empty.
void zmtp__uv_socket_deliver(struct zmtp_uv_socket *socket);
// Closes it without linger; if it lingers already, that is over.
void zmtp__uv_socket_abandon(struct zmtp_uv_socket *socket);
// Something waits for memory: it is tried again in a while, not at once and for ever.
void zmtp__uv_socket_starve(struct zmtp_uv_socket *socket);
// Sends as the user's call does, but owes nobody a word when there is no room.
int zmtp__uv_socket_send(struct zmtp_uv_socket *socket, struct zmtp_msg *msg);
// When a connection that leaves now has to be gone: linger in absolute time.
uint64_t zmtp__uv_socket_patience(const struct zmtp_uv_socket *socket, uint64_t now_ms);
// Calls |on_event|. Only from the loop.
void zmtp__uv_socket_tell(struct zmtp_uv_socket *socket, const struct zmtp_event *event);
// Tells that a request of a REQ has no reply. Only from the loop.
void zmtp__uv_socket_tell_failed(struct zmtp_uv_socket *socket, int error, uint32_t request);
// Forgets how the last call ended.
static inline void zmtp__uv_socket_hush(struct zmtp_uv_socket *socket)
{
    socket->error = ZMTP_OK;
    socket->call = ZMTP__CALL_OTHER;
    if (socket->text) socket->text[0] = '\0';
}
// Notes why a call fails, in words; returns |error|.
__attribute__((format(printf, 3, 4))) int zmtp__uv_socket_fail(struct zmtp_uv_socket *socket,
                                                               int error, const char *format, ...);

#endif
