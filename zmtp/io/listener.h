// A listener: a descriptor that accepts. It stays in memory while connections that it accepted do,
// because they tell its endpoint.
#ifndef ZMTP_IO_LISTENER_H
#define ZMTP_IO_LISTENER_H

#include "bind.h"
#include "conn.h"

struct zmtp__listener {
    struct zmtp_uv_socket *socket; // null: has closed, as has the listener
    struct zmtp_uv *uv;
    struct zmtp__listener *next; // of the socket
    struct zmtp__watch *watch;   // null: closed
    uv_timer_t alarm;            // tells that it listens; ends a pause
    struct zmtp__conn *pending_first, *pending_last;
    size_t pending;    // connections whose handshake is not done
    size_t references; // its own, and one of each connection
    uint64_t paid_us;  // up to when the rate of HELLOs is used up; see listener_pace
    int descriptor;    // of |watch|, also when it is closed
    bool inherits;     // see zmtp__bound
    bool announced;
    bool crowded; // accepts no more until a handshake ends or the alarm rings
    bool starved; // told that it pauses; nothing was accepted since
    enum zmtp_transport scheme;
    struct zmtp__bound_path path;     // of ipc
    struct zmtp_endpoint where;       // views of |endpoint|
    char given[ZMTP_ENDPOINT_MAX];    // to bind
    char endpoint[ZMTP_ENDPOINT_MAX]; // with the real port
};

// On failure the socket has the reason in words.
int zmtp__listener_open(struct zmtp_uv_socket *socket, const char *text,
                        const struct zmtp_endpoint *endpoint);
// Stops listening; its connections stay. That it stopped is told from the loop.
void zmtp__listener_close(struct zmtp__listener *listener);
// The socket closes, after its listeners: nothing is told to it any more.
void zmtp__listener_leave(struct zmtp_uv_socket *socket);
// A new connection refers to it and has its handshake before it.
void zmtp__listener_add(struct zmtp__listener *listener, struct zmtp__conn *conn);
void zmtp__listener_remove_pending(struct zmtp__listener *listener, struct zmtp__conn *conn);
// Nobody was accepted, or who was says no HELLO or has done its handshake: the share of hello_rate_max is for others.
void zmtp__listener_unpay(struct zmtp__listener *listener);
void zmtp__listener_unref(struct zmtp__listener *listener);

#endif
