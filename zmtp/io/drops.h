// Tells users what their sockets have dropped: once in a turn of the loop for each reason, so that a
// flood of messages that nobody wants is no flood of callbacks.
#ifndef ZMTP_IO_DROPS_H
#define ZMTP_IO_DROPS_H

#include "uv_socket.h"

// The socket has worked: has it dropped anything that is to be told?
void zmtp__drops_note(struct zmtp_uv_socket *socket);
// Tells all that was noted. Once a turn, from the loop.
void zmtp__drops_tell(struct zmtp_uv *uv);
// The socket is about to be freed.
void zmtp__drops_forget(struct zmtp_uv_socket *socket);

#endif
