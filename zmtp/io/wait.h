// A script's way: the loop runs inside a call until a socket has the peers that it needs.
#ifndef ZMTP_IO_WAIT_H
#define ZMTP_IO_WAIT_H

#include "uv_socket.h"

struct zmtp__wait {
    struct zmtp_uv_socket *socket; // null: it was closed
    size_t (*peers)(const struct zmtp_uv_socket *socket);
    size_t count;
    bool expired;
};

// Nothing is left to wait for. The loop must not sleep then.
bool zmtp__wait_over(const struct zmtp__wait *wait);
// |socket| closes; who waits for it gives up.
void zmtp__wait_leave(const struct zmtp_uv_socket *socket);

#endif
