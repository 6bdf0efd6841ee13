// A connection: a descriptor, the peer that makes sense of its octets, and an end of a pipe to the
// socket. One that was accepted lives until it breaks. One that was dialled is part of a dialler
// (dialler.h), which keeps the pipe and brings the next descriptor.
//
// Functions here leave the memory in place: it goes with the alarm's handle, later, from the loop.
#ifndef ZMTP_IO_CONN_H
#define ZMTP_IO_CONN_H

#include "address.h"
#include "suspects.h"
#include "uv_socket.h"
#include "watch.h"

struct zmtp__dialler;
struct zmtp__web;

enum zmtp__conn_state {
    ZMTP__CONN_IDLE,       // a dialler between two tries
    ZMTP__CONN_RESOLVING,  // a dialler waits for a name server
    ZMTP__CONN_CONNECTING, // a dialler waits for the other side's system
    ZMTP__CONN_OPEN,       // octets flow, the peer has the details
    ZMTP__CONN_DRAINING,   // all was sent and said; waits until the other side has it
    ZMTP__CONN_GONE,       // only the memory is left
};

struct zmtp__conn {
    struct zmtp_uv_socket *socket;
    struct zmtp__conn *next, *before;                 // of the socket
    struct zmtp__listener *listener;                  // accepted by; null: dialled
    struct zmtp__conn *pending_next, *pending_before; // of the listener, oldest first
    struct zmtp__dialler *dialler;                    // null: accepted
    struct zmtp_peer *peer;                           // while open
    struct zmtp__web *web; // between the octets and the peer; null: not ws
    struct zmtp_pipe_end *end;
    struct zmtp__watch *watch;
    uv_timer_t alarm;
    uint64_t number;
    uint64_t alarm_ms; // when it rings; UINT64_MAX: not set
    uint64_t due_ms;   // what the state waits for: next try, end of patience, next look
    uint64_t leave_ms; // leaving: what is not sent by then is dropped
    uint64_t accepted_ms;
    uint64_t ticket; // of the guest that is to be judged; 0: none has been
    uint64_t zap_id; // of the request to the ZAP handler that is not answered; 0: none
    struct zmtp__conn *zap_next, *zap_before; // of those that wait so
    const char *hint;                         // what we guess about a peer that failed; constant
    struct zmtp_uv_process process;           // at the other side
    enum zmtp__conn_state state;
    int descriptor; // of |watch|, or of the last one; -1: there was none since the last dial
    struct zmtp__source source; // where it comes from
    bool pending;               // counted by the listener: its handshake is not done
    bool up;                    // its handshake is done
    bool leaving;               // goes when what was sent has left
    bool tx_blocked;            // the kernel's buffer is full
    bool tx_broken; // writing failed; what the kernel received before is still to be read
    char remote[ZMTP__ADDRESS_TEXT_MAX];
    char address[ZMTP__ADDRESS_HOST_MAX]; // of that, without scheme and port
};

// Fills in what a dialled and an accepted connection share, and adds it to its socket.
void zmtp__conn_init(struct zmtp__conn *conn, struct zmtp_uv_socket *socket);
// Takes |fd|, which came |from| there, on ZMTP_OK; else it is still the caller's.
int zmtp__conn_accept(struct zmtp__listener *listener, int fd, const struct zmtp__address *from);
// The dialler's |watch| is connected: the handshake begins.
void zmtp__conn_begin(struct zmtp__conn *conn);
// Its pipe was marked; from the loop.
void zmtp__conn_resume(struct zmtp__conn *conn);
// Gives the kernel what is to be sent. Calls nobody: a failure is left to the loop.
void zmtp__conn_flush(struct zmtp__conn *conn);
// Goes once everything is sent, at |leave_ms| at the latest. Acts later, from the loop.
void zmtp__conn_leave(struct zmtp__conn *conn, uint64_t leave_ms);
// The connection is over for |error|: tells, and drops it or lets its dialler go on.
void zmtp__conn_end(struct zmtp__conn *conn, int error);
// Lets go of everything, dialler included.
void zmtp__conn_drop(struct zmtp__conn *conn);
// Is anything left to be sent through its pipe?
bool zmtp__conn_empty(const struct zmtp__conn *conn);
// Rings at |at_ms| or before.
void zmtp__conn_alarm(struct zmtp__conn *conn, uint64_t at_ms);
void zmtp__conn_enter(struct zmtp__conn *conn, enum zmtp__conn_state next);
void zmtp__conn_tell(struct zmtp__conn *conn, enum zmtp_event_kind kind, int error,
                     struct zmtp_bytes reason, uint32_t retry_ms);
// The endpoint as the user knows it.
const char *zmtp__conn_endpoint(const struct zmtp__conn *conn);
void zmtp__conn_ready(void *conn, int events);
// What the handshake told, and for a STREAM the routing id that the socket has given it.
struct zmtp_peer_facts zmtp__conn_facts(const struct zmtp__conn *conn);

#endif
