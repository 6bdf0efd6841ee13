// A dialler brings its connection to life, and again whenever it ends: it looks the name up anew,
// tries every address, and waits longer from failure to failure. Its pipe stays through all of this,
// so what the socket sends meanwhile waits in it.
//
// It gives up when the other side answers with an ERROR command, as that asks for other credentials
// (RFC 37, Error Handling). A peer of the wrong kind (mechanism, key, socket type) is tried again at the
// slowest pace: it may be replaced.
#ifndef ZMTP_IO_DIALLER_H
#define ZMTP_IO_DIALLER_H

#include "conn.h"

struct zmtp__lookup;

struct zmtp__dialler {
    struct zmtp__conn conn;
    struct zmtp_backoff backoff;
    struct zmtp_endpoint where;           // views of |endpoint|
    struct zmtp__lookup *lookup;          // a question for name servers, not answered yet
    struct addrinfo *addresses, *address; // of a name; the next one to try
    uint64_t up_ms;                       // when the handshake was done; 0: it was not
    int error;                            // why the last address failed
    int error_number;                     // the system's word for it; 0: none
    const char *option;                   // of the config, that the system refused; null: none
    bool stray;                           // the source address was to blame
    bool tried_path;                      // ipc and vsock have one address, and it was tried
    char endpoint[];                      // as it was given
};

// |endpoint| is well formed, and of another transport than inproc. |routing_id| is what the socket
// calls the other side, or empty. Dials from the loop, not from here.
int zmtp__dialler_open(struct zmtp_uv_socket *socket, const char *endpoint,
                       struct zmtp_bytes routing_id);
// The descriptor that was connecting has news.
void zmtp__dialler_ready(struct zmtp__dialler *dialler);
// The alarm of a connection that is not open.
void zmtp__dialler_ring(struct zmtp__dialler *dialler);
// The handshake is done.
void zmtp__dialler_up(struct zmtp__dialler *dialler);
// The open connection ended for |error|.
void zmtp__dialler_lost(struct zmtp__dialler *dialler, int error);
// No connection could be made; |reason| says why in words.
void zmtp__dialler_failed(struct zmtp__dialler *dialler, int error, const char *reason);
// Its connection is dropped, for good.
void zmtp__dialler_dropped(struct zmtp__dialler *dialler);
void zmtp__dialler_free(struct zmtp__dialler *dialler, struct zmtp_uv *uv);

#endif
