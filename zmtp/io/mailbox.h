// A mailbox: what other threads send through a socket. Letters lie in it, under a lock, until the loop takes
// them all at once; the loop is woken by the first letter that comes after it found the mailbox empty,
// and by no other.
#ifndef ZMTP_IO_MAILBOX_H
#define ZMTP_IO_MAILBOX_H

#include "uv_socket.h"

// Sends what lies in the socket's mailboxes, as far as there is room and a turn allows.
void zmtp__mailbox_deliver(struct zmtp_uv_socket *socket);
// |socket| is about to close: sends what there is room for, and takes no more.
void zmtp__mailbox_leave(struct zmtp_uv_socket *socket);

#endif
