// Asking a ZAP handler (RFC 27) of the same context whether somebody may come in. All of it is on a loop's thread; the
// handler is on any other, and each question has a DEALER of its own, for as long as it lasts.
#ifndef ZMTP_COMPAT_ZAP_H
#define ZMTP_COMPAT_ZAP_H

#include "socket.h"

// Judges |guest| of |uv_socket| when the answer comes, or says no when it cannot be asked. One that does not
// come is the engine's to deal with, which has a time limit for it.
void zmq__zap_ask(struct zmq__socket *socket, struct zmtp_uv_socket *uv_socket,
                  const struct zmtp_uv_guest *guest, struct zmtp_bytes domain);

#endif
