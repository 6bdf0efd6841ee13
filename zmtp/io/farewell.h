// That a peer over inproc has gone, for the socket that it dialled. Whoever dialled has its link to keep
// that; the binder has nothing that outlives the link, so what is to be told is made when the two are
// joined, when a want of memory can still be waited for.
#ifndef ZMTP_IO_FAREWELL_H
#define ZMTP_IO_FAREWELL_H

#include "../socket/far.h"
#include "uv_socket.h"

struct zmtp__farewell {
    struct zmtp__farewell *next, *before; // of the engine, once it is to be told
    struct zmtp__hook of_socket;          // the same
    struct zmtp_uv_socket *socket;
    uint64_t number; // of the row; to be set
    bool due;        // the socket was told that the peer came
    int error;
    struct zmtp__far_facts peer;
    char endpoint[ZMTP_ENDPOINT_MAX];
};

// For |socket|, which has bound |endpoint|. ZMTP_ERR_MEMORY.
int zmtp__farewell_open(struct zmtp__farewell **out, struct zmtp_uv_socket *socket,
                        const char *endpoint, const struct zmtp__far_facts *peer);
// Takes it: the peer has gone. That is told in a moment, if it was told that it came.
void zmtp__farewell_say(struct zmtp__farewell *farewell, int error);
void zmtp__farewell_close(struct zmtp__farewell *farewell); // takes null
// Tells the next one that is to be told. False: there is none.
bool zmtp__farewell_tell(struct zmtp_uv *uv);
// |socket| closes, and is told nothing more.
void zmtp__farewell_leave(struct zmtp_uv_socket *socket);

#endif
