// Sockets and monitors as their handles hold them.
#ifndef ZMTP_FFI_SOCKET_H
#define ZMTP_FFI_SOCKET_H

#include <pthread.h>

#include "net.h"
#include "table.h"

struct zmtp__ffi_socket {
    struct zmtp__ffi_slot *context; // pinned, so that it ends after its sockets
    struct zmtp__ffi_net_socket *net;
    int32_t type;
    // Of who is inside of |net|.
    struct zmtp_msg sending, receiving; // half given, half taken
    uint32_t taken;                     // parts of |receiving|
    bool more;                          // the last that was taken has others behind it
};

struct zmtp__ffi_monitor {
    struct zmtp__ffi_slot *context;
    struct zmtp__ffi_net_monitor *net;
    pthread_mutex_t mutex;
    struct zmtp__ffi_net_news last;
};

// The network's context of a pinned slot of one.
struct zmtp__ffi_net_context *zmtp__ffi_context_net(const struct zmtp__ffi_slot *slot);
// ZMTP_FFI_IN and ZMTP_FFI_OUT, or a code.
int32_t zmtp__ffi_socket_events(struct zmtp__ffi_socket *socket);
// What the engine says of a call, as a code.
int32_t zmtp__ffi_code(int error);

#endif
