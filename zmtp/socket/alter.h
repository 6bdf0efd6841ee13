// A socket whose options change while it is open, whose messages are given part by part, and whose peers
// are asked about by what the user calls them: for interfaces that promise that (zmq.h).
#ifndef ZMTP_SOCKET_ALTER_H
#define ZMTP_SOCKET_ALTER_H

#include "../socket.h"

enum { ZMTP__ID_MADE_SIZE = 5 }; // an octet 0 and the number

// From now on the socket goes by |config|, whose type, allocator and pool it passes over. Pipes that there
// are keep their limits, and connections what was announced to them. On failure nothing has changed.
int zmtp__socket_alter(struct zmtp_socket *socket, const struct zmtp_socket_config *config);

// Would a message that begins with |first| be sent now? ZMTP_OK, or what a send would say; but whether its
// parts are as many as they must be is not asked.
int zmtp__socket_admits(struct zmtp_socket *socket, struct zmtp_bytes first);

// Has a DISH joined the group? dish.c.
bool zmtp__dish_joined(struct zmtp_socket *socket, struct zmtp_bytes group);

// Is the peer of this routing id there, and has it room? ZMTP_OK; ZMTP_ERR_AGAIN: it is full;
// ZMTP_ERR_UNREACHABLE; ZMTP_ERR_UNSUPPORTED: not of a ROUTER.
int zmtp__socket_reaches(struct zmtp_socket *socket, struct zmtp_bytes routing_id);

// The routing id that a STREAM made last, for a connection that was accepted or one that is dialled without a name.
// Returns its size; 0: there is none, or the type is another.
size_t zmtp__socket_made(const struct zmtp_socket *socket, uint8_t id[ZMTP__ID_MADE_SIZE]);

// SERVER and PEER let go of the peer with this number: what was sent to it still leaves, what came from it and was
// not received is dropped. ZMTP_ERR_UNREACHABLE: there is none. ZMTP_ERR_UNSUPPORTED: other types.
int zmtp__socket_part_peer(struct zmtp_socket *socket, uint32_t number);

#endif
