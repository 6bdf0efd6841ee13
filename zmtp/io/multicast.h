// Groups of IP: who may be in one, through which interface, and how far what is sent there goes.
#ifndef ZMTP_IO_MULTICAST_H
#define ZMTP_IO_MULTICAST_H

#include "address.h"

bool zmtp__multicast_is(const struct zmtp__address *address);
// Does the interface before the endpoint's ; lead nowhere but to this machine?
bool zmtp__multicast_local(const struct zmtp_endpoint *endpoint);
// A group of IPv6 that is good on one link only is bound on the endpoint's; where that names none, on the one that the
// system sends to groups through.
void zmtp__multicast_scope(const struct zmtp_endpoint *endpoint, struct zmtp__address *group);
// The descriptor hears |group| from now on, and no other that somebody else here has joined. False:
// errno tells; ENODEV when there is no such interface, or the system knows none for the group.
bool zmtp__multicast_join(int fd, const struct zmtp__address *group,
                          const struct zmtp_endpoint *endpoint);
// What the descriptor, of |family|, sends to groups goes through the endpoint's interface. False:
// errno tells, and |*option| names what was refused when that is of the config.
bool zmtp__multicast_send(int fd, int family, const struct zmtp_endpoint *endpoint,
                          const struct zmtp_uv_transport *transport, const char **option);

#endif
