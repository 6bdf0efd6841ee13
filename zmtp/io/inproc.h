// Sockets joined by name: no descriptor, no octets, one pipe between two of an engine, a crossing
// (crossing.h) between those of two engines that share their names. A dial may come before its bind; it
// waits, and sends say ZMTP_ERR_AGAIN meanwhile. When the other side closes, it waits again. When a socket cuts the
// other off (a subscriber broke a limit, a routing id was handed over), the dial waits until the name is bound anew: it
// would only be cut off again.
#ifndef ZMTP_IO_INPROC_H
#define ZMTP_IO_INPROC_H

#include "uv_socket.h"

// A name that is bound, or dialled.
struct zmtp__inproc_place {
    struct zmtp__key *key;          // of the engine's; its value is this
    struct zmtp__inproc_name *name; // null: it is not bound
    struct zmtp__hook *links;       // that dial it
};

struct zmtp__inproc_name {
    struct zmtp__hook of_socket, of_news;
    struct zmtp__inproc_place *place;
    struct zmtp_uv_socket *socket;
    bool announced;
    bool stopped; // unbound, which is to be told; nobody finds it any more
    char endpoint[ZMTP_ENDPOINT_MAX];
};

struct zmtp__inproc_link {
    struct zmtp__inproc_link *next, *before; // of the engine
    struct zmtp__hook of_place, of_dialler, of_binder, of_news;
    struct zmtp__inproc_place *place;
    struct zmtp_uv_socket *dialler, *binder; // |binder| null: waits for its name, or
    struct zmtp__crossing *crossing;         // the binder is another engine's
    uint64_t serial;                         // of the bind that was dialled last, there
    struct zmtp_pipe_end *ends[2];   // the sockets' own, dialler's and binder's; null once closed
    struct zmtp__farewell *farewell; // to the binder; null without one
    uint64_t numbers[2];             // of the rows of the two
    int error;                       // why this binder does not suit
    bool nobody;    // looked for, and not bound; a bind, or news of other engines, end it
    bool announced; // all there is to tell is told, but for:
    bool up, lost;  // the dialler was told of a binder; it is to be told that this one went
    char endpoint[ZMTP_ENDPOINT_MAX];
};

int zmtp__inproc_bind(struct zmtp_uv_socket *socket, const char *endpoint);
int zmtp__inproc_connect(struct zmtp_uv_socket *socket, const char *endpoint);
int zmtp__inproc_unbind(struct zmtp_uv_socket *socket, const char *endpoint);
int zmtp__inproc_disconnect(struct zmtp_uv_socket *socket, const char *endpoint);
// |socket| closes: all that bears its name goes, and who was joined to it waits again.
void zmtp__inproc_leave(struct zmtp_uv_socket *socket);
// Touches sockets that others have sent to, and tells events. From dispatch.
void zmtp__inproc_look(struct zmtp_uv *uv);
// The link's crossing has worked; and, for a reason if there is one, it has ended.
void zmtp__inproc_crossed(struct zmtp__inproc_link *link);
void zmtp__inproc_uncross(struct zmtp__inproc_link *link, int error);
// How many others it is joined to.
size_t zmtp__inproc_joined(const struct zmtp_uv_socket *socket);
void zmtp__inproc_each_peer(struct zmtp_uv_socket *socket,
                            void (*each)(void *context, const struct zmtp_uv_peer *peer),
                            void *context);

#endif
