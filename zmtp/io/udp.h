// Endpoints of udp: a descriptor of datagrams and an end of a pipe, with nothing between them.
// Nobody shakes hands, nobody is known to be there, and what finds no room cannot be pushed back:
// it is dropped and counted.
//
// RADIO dials, DISH is bound; a datagram is the group's size, the group and the body (wire.h).
// DGRAM does either, and its datagrams are bodies. A name that is dialled is looked up until it is
// found, and then no more.
#ifndef ZMTP_IO_UDP_H
#define ZMTP_IO_UDP_H

#include "address.h"
#include "uv_socket.h"
#include "watch.h"

struct zmtp__udp {
    struct zmtp_uv_socket *socket;
    struct zmtp_uv *uv;
    struct zmtp__udp *next, *before; // of the socket
    struct zmtp_pipe_end *end;       // null: it is over, and only the memory is left
    struct zmtp__watch *watch;       // null: the name is not known yet, or it is over
    uv_timer_t alarm;
    struct zmtp__lookup *lookup; // null: no name server is asked
    struct zmtp_backoff backoff;
    struct zmtp_endpoint where; // views of |given|
    struct zmtp__address to;    // dialled
    struct zmtp_peer_counters counters;
    uint64_t number;
    uint64_t patience_ms; // when the name servers must have answered; UINT64_MAX: in their time
    uint64_t leave_ms;    // leaving: what is not sent by then is dropped
    int family;           // of the descriptor
    bool bound;           // else dialled
    bool announced;       // the user was told that it is there
    bool blocked;         // the kernel's buffer is full
    bool leaving;         // goes when what was sent has left
    char given[ZMTP_ENDPOINT_MAX];
    char endpoint[ZMTP_ENDPOINT_MAX]; // with the real port
    char remote[ZMTP__ADDRESS_TEXT_MAX];
};

// For a socket whose type may; on failure it has the reason in words, or is left to say the
// error's.
int zmtp__udp_bind(struct zmtp_uv_socket *socket, const char *text,
                   const struct zmtp_endpoint *endpoint);
int zmtp__udp_connect(struct zmtp_uv_socket *socket, const char *text);
// What came in is still received, what waits to leave has the time it takes. ZMTP_ERR_NOT_FOUND.
int zmtp__udp_unbind(struct zmtp_uv_socket *socket, const char *text);
int zmtp__udp_disconnect(struct zmtp_uv_socket *socket, const char *text);
// The core lets go of all of them; what it sent stays readable for them.
void zmtp__udp_part(const struct zmtp_uv_socket *socket);
// All of a socket that closes.
void zmtp__udp_leave(struct zmtp_uv_socket *socket, uint64_t leave_ms);
// Its pipe was marked. Calls nobody: what is to be told is left to the loop.
void zmtp__udp_flush(struct zmtp__udp *udp);
// Tries those again whose kernel buffer was full.
void zmtp__udp_push(struct zmtp_uv_socket *socket);
size_t zmtp__udp_ready(const struct zmtp_uv_socket *socket); // how many can send or receive
void zmtp__udp_each_peer(struct zmtp_uv_socket *socket,
                         void (*each)(void *context, const struct zmtp_uv_peer *peer),
                         void *context);

// udp_dial.c: opens the descriptor for |udp->to|. On failure errno tells, and |*option| what of the
// config was refused, or null.
int zmtp__udp_dial(struct zmtp__udp *udp, const char **option);
// udp_move.c: gives the kernel what is queued, until it takes no more; takes from it what came in.
// False: the loop is to come back soon.
bool zmtp__udp_write(struct zmtp__udp *udp);
void zmtp__udp_read(struct zmtp__udp *udp);

#endif
