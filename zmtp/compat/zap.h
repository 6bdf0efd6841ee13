// Asking a ZAP handler (RFC 27) of the same context whether somebody may come in. All of it is inside the socket;
// the handler is on any thread, and each question has a DEALER of its own, for as long as it lasts.
#ifndef ZMTP_COMPAT_ZAP_H
#define ZMTP_COMPAT_ZAP_H

#include "socket.h"

// Judges |guest| of |uv_socket| when the answer comes, or says no when it cannot be asked. One that does not
// come is the engine's to deal with, which has a time limit for it.
void zmq__zap_ask(struct zmq__socket *socket, struct zmtp_uv_socket *uv_socket,
                  const struct zmtp_uv_guest *guest, struct zmtp_bytes domain);
// Turns |guest| away, who hears nothing of it. |flaw| is what zmq__zap_forget then returns.
void zmq__zap_refuse(struct zmq__socket *socket, struct zmtp_uv_socket *uv_socket,
                     const struct zmtp_uv_guest *guest, int flaw);
// Whoever has gone, or was turned away, need not be judged: what would be kept for the answer goes, as strangers
// decide how many they are. The first: the guest of this row. The other: all of |uv_socket|, which is about to close.
// It returns why he was turned away: what was wrong with the answer, in the numbers of zmq.h, or an errno; 0: for what the
// answer said, or not at all.
int zmq__zap_forget(struct zmq__socket *socket, uint64_t guest);
void zmq__zap_leave(struct zmq__socket *socket, const struct zmtp_uv_socket *uv_socket);

#endif
