// The short way to a peer of a ROUTER (express.h).
#ifndef ZMTP_SOCKET_ROUTER_H
#define ZMTP_SOCKET_ROUTER_H

#include "pattern.h"

// Sends |body| to the peer of a ROUTER that |id| names, if it is there and has room, and the body is short.
// False: nothing was done, and the pattern's send knows why.
bool zmtp__router_send_short(struct zmtp_socket *socket, struct zmtp_bytes id,
                             struct zmtp_bytes body);
// The other end of the pipe of the ROUTER's peer |id|, which is there and has no room. Null: it has, or is not there; or the
// socket is none.
const struct zmtp_pipe_end *zmtp__router_full_end(struct zmtp_socket *socket, struct zmtp_bytes id);

#endif
