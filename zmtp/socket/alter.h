// A socket whose options change while it is open, and whose messages are given part by part: for interfaces
// that promise both (zmq.h).
#ifndef ZMTP_SOCKET_ALTER_H
#define ZMTP_SOCKET_ALTER_H

#include "../socket.h"

// From now on the socket goes by |config|, whose type, allocator and pool it passes over. Pipes that there
// are keep their limits, and connections what was announced to them. On failure nothing has changed.
int zmtp__socket_alter(struct zmtp_socket *socket, const struct zmtp_socket_config *config);

// Would a message that begins with |first| be sent now? ZMTP_OK, or what a send would say; but whether its
// parts are as many as they must be is not asked.
int zmtp__socket_admits(struct zmtp_socket *socket, struct zmtp_bytes first);

#endif
