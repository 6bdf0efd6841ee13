// A tray: what a socket receives, for other threads to take. The loop fills it as long as there is room, and
// is rung by whoever makes room in one that was full; takers sleep on a condition. It is the counterpart
// of a mailbox, and like that has a lock, which is held for moments.
#ifndef ZMTP_IO_TRAY_H
#define ZMTP_IO_TRAY_H

#include "uv_socket.h"

// Moves what the socket has received into its tray, as far as there is room and a turn allows.
void zmtp__tray_deliver(struct zmtp_uv_socket *socket);
// |socket| closes: what lies in the tray can still be taken.
void zmtp__tray_leave(struct zmtp_uv_socket *socket);

#endif
