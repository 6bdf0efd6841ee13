// The loop as a part of somebody else's: one descriptor that is readable exactly when a turn of the
// loop has something to do, or a socket that is not told of messages has one to receive.
//
// It is an epoll instance over three: libuv's own, for input and output; a clock, for the next timer;
// and a bell, for whatever else a call from outside the loop leaves to be done.
#ifndef ZMTP_IO_FOREIGN_H
#define ZMTP_IO_FOREIGN_H

#include "engine.h"

struct zmtp__foreign {
    int fd, clock, bell;
    bool rung;
};

// A call from outside the loop has left it something to do; nothing happens unless there is a foreign
// loop.
void zmtp__foreign_ring(struct zmtp_uv *uv);
// The loop has turned: sets bell and clock to what is left to be done.
void zmtp__foreign_settle(struct zmtp_uv *uv);
void zmtp__foreign_close(struct zmtp_uv *uv);

#endif
