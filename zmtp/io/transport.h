// What a socket's options have the system do with a descriptor.
#ifndef ZMTP_IO_TRANSPORT_H
#define ZMTP_IO_TRANSPORT_H

#include "../uv.h"

// Before |fd|, of |family|, is bound or connects. The tcp connections that a listener accepts have it
// from there. False: |*option| names what the system refused, and errno tells why.
bool zmtp__transport_prepare(const struct zmtp_uv_transport *transport, int fd, int family,
                             const char **option);
// The same for a descriptor of datagrams.
bool zmtp__transport_prepare_datagrams(const struct zmtp_uv_transport *transport, int fd,
                                       int family, const char **option);
// Makes the octets of a connecting socket move without waits. Where the system refuses, it is only slower.
void zmtp__transport_tune(const struct zmtp_uv_transport *transport, int fd);
// The same for those that a listener accepts. True: they will have it from there, as of tcp.
bool zmtp__transport_tune_listener(int fd);
// One of them; |inherits|: what the listener's tuning said.
void zmtp__transport_tune_accepted(const struct zmtp_uv_transport *transport, int fd,
                                   bool inherits);

#endif
