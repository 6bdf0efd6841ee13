// Descriptors that send datagrams to one place.
#include <errno.h>
#include <netdb.h>
#include <unistd.h>

#include "multicast.h"
#include "transport.h"
#include "udp.h"

// Where it is to come from: an address of ours, or for a group an interface.
static bool udp_dial_source(const struct zmtp__udp *udp, int fd, const char **option)
{
    const struct zmtp_uv_transport *transport = &udp->socket->config.transport;
    const int family = udp->to.at.ss_family;
    struct zmtp__address source;
    if (zmtp__multicast_is(&udp->to))
        return zmtp__multicast_send(fd, family, &udp->where, transport, option);
    if (udp->where.source.size == 0) return true;
    errno = EADDRNOTAVAIL;
    return zmtp__address_source(&udp->where, family, &source) &&
           bind(fd, (const struct sockaddr *)&source.at, source.size) == 0;
}

// A DGRAM hears those alone to whom it speaks; a RADIO hears nobody.
static bool udp_dial_connect(const struct zmtp__udp *udp, int fd)
{
    if (udp->socket->config.socket.type != ZMTP_DGRAM) return true;
    return connect(fd, (const struct sockaddr *)&udp->to.at, udp->to.size) == 0;
}

int zmtp__udp_dial(struct zmtp__udp *udp, const char **option)
{
    const struct zmtp_uv_transport *transport = &udp->socket->config.transport;
    const int family = udp->to.at.ss_family;
    *option = NULL;
    const int fd = zmtp__address_datagrams(&udp->to);
    if (fd < 0) return -1;
    if (zmtp__transport_prepare_datagrams(transport, fd, family, option) &&
        udp_dial_source(udp, fd, option) && udp_dial_connect(udp, fd))
        return fd;
    const int error_number = errno;
    close(fd);
    errno = error_number;
    return -1;
}
