// Sockets whose pattern has a sense of time (requests that are to be answered by then): one timer of the
// engine's rings for the first of them.
#ifndef ZMTP_IO_TICKS_H
#define ZMTP_IO_TICKS_H

#include "uv_socket.h"

// Ticks the socket if it is due, and sees to it that it is looked at again when it will be. From dispatch.
void zmtp__ticks_look(struct zmtp_uv_socket *socket);
// The socket closes.
void zmtp__ticks_forget(struct zmtp_uv_socket *socket);

#endif
