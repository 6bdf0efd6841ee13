// Receiving in turn: one whole message from each lane that has any, then the next lane. Nobody can
// keep the others from being heard, and a message costs the same with one peer as with thousands.
#ifndef ZMTP_SOCKET_FAIR_QUEUE_H
#define ZMTP_SOCKET_FAIR_QUEUE_H

#include "pattern.h"

// Puts a lane that has messages last in the turn, unless it is waiting for its turn already.
void zmtp__fair_queue_join(struct zmtp_socket *socket, struct zmtp__lane *lane);
// The lane whose turn it is; it has a message. Null: there is none. Commands, and messages of several
// parts where the pattern has only one, are dropped here, and lanes of peers that went are released
// once nothing is left of them.
struct zmtp__lane *zmtp__fair_queue_first(struct zmtp_socket *socket);
// Appends the first message of |lane|, which zmtp__fair_queue_first returned, to |msg|, and passes the
// turn on. ZMTP_ERR_MEMORY changes nothing.
int zmtp__fair_queue_take(struct zmtp_socket *socket, struct zmtp__lane *lane,
                          struct zmtp_msg *msg);
// The two in one: a pattern's recv, where messages are given to the user as they come.
int zmtp__fair_queue_recv(struct zmtp_socket *socket, struct zmtp_msg *msg);
// As take, for a message that is not wanted.
void zmtp__fair_queue_drop(struct zmtp_socket *socket, struct zmtp__lane *lane,
                           enum zmtp_drop reason);

#endif
