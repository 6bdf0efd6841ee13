// The inproc names that engines of several threads share. Its lock is held when a name is bound, unbound
// or dialled, and never when a message passes.
#ifndef ZMTP_IO_SHARED_H
#define ZMTP_IO_SHARED_H

#include "../socket/far.h"
#include "harbour.h"
#include "uv_socket.h"

// A bound name, as other engines see it.
struct zmtp__shared_name {
    struct zmtp__key *key;         // of the shared names; its value is this
    struct zmtp__harbour *harbour; // of the binder's engine, which unbinds before it closes
    uint64_t socket;               // the binder's number there
    uint64_t serial; // no other bind has it; a new one when those refused may try again
    struct zmtp__far_facts facts;
    char endpoint[ZMTP_ENDPOINT_MAX];
};

// A harbour leaves; its names are gone already.
void zmtp__shared_leave(struct zmtp_uv_shared *shared, struct zmtp__harbour *harbour);

// ZMTP_ERR_IN_USE: another engine has it. Whoever waits for a name looks again.
int zmtp__shared_bind(struct zmtp_uv_socket *socket, const char *endpoint);
void zmtp__shared_unbind(struct zmtp_uv_socket *socket, const char *endpoint);
// Those whom the socket has refused may try again.
void zmtp__shared_invite(struct zmtp_uv_socket *socket);

// Between the two a name stays bound, and its harbour open.
void zmtp__shared_lock(struct zmtp_uv_shared *shared);
void zmtp__shared_unlock(struct zmtp_uv_shared *shared);
const struct zmtp__shared_name *zmtp__shared_find(const struct zmtp_uv_shared *shared,
                                                  const char *endpoint); // under the lock

#endif
