// What a socket says by itself when peers come and go: a word of its own to each new one, and words to its user as
// if they came from the peer. Those wait in the peer's queue, behind what it sent.
#ifndef ZMTP_SOCKET_NOTICES_H
#define ZMTP_SOCKET_NOTICES_H

#include "pattern.h"

// The lane is new. It will be looked at before anything is sent through it, so the word is the first to be heard.
void zmtp__notices_open(const struct zmtp_socket *socket, struct zmtp__lane *lane);
// The link is not as the lane saw it last; called before the lane takes note of that.
void zmtp__notices_linked(const struct zmtp_socket *socket, struct zmtp__lane *lane);
// The peer has gone for good.
void zmtp__notices_gone(const struct zmtp_socket *socket, struct zmtp__lane *lane);
// Says what is due. ZMTP_ERR_MEMORY: what is left of it stays due.
int zmtp__notices_tell(struct zmtp_socket *socket, struct zmtp__lane *lane);

// That a peer has come is told before what came with it and waits already: when the lane's turn is to be received from,
// and this is due, it is taken instead of a message. ZMTP_ERR_MEMORY: it stays.
bool zmtp__notices_first(const struct zmtp__lane *lane);
int zmtp__notices_take(struct zmtp_socket *socket, struct zmtp__lane *lane, struct zmtp_msg *msg);

#endif
