#include "address.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

void zmtp__address_ipc(const struct zmtp_endpoint *endpoint, struct zmtp__address *out)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    // An abstract name begins with a zero octet and has no terminator; the parser checked the size.
    const size_t skip = endpoint->abstract ? 1 : 0;
    const size_t room = sizeof path.sun_path - skip;
    const size_t size = endpoint->path.size < room ? endpoint->path.size : room;
    memcpy(path.sun_path + skip, endpoint->path.data, size);
    *out = (struct zmtp__address){
        .size = endpoint->abstract
                    ? (socklen_t)(offsetof(struct sockaddr_un, sun_path) + skip + size)
                    : (socklen_t)sizeof path};
    memcpy(&out->at, &path, sizeof path);
}

void zmtp__address_copy(const struct addrinfo *info, struct zmtp__address *out)
{
    *out = (struct zmtp__address){.size = info->ai_addrlen};
    memcpy(&out->at, info->ai_addr, info->ai_addrlen);
}

void zmtp__address_names(const struct zmtp_endpoint *endpoint, char host[ZMTP_ENDPOINT_MAX],
                         char port[8])
{
    // The parser took at most ZMTP_ENDPOINT_MAX - 1 octets in all.
    memcpy(host, endpoint->host.data, endpoint->host.size);
    host[endpoint->host.size] = '\0';
    snprintf(port, 8, "%u", (unsigned)endpoint->port);
}

int zmtp__address_family(enum zmtp_families families)
{
    switch (families) {
    case ZMTP_FAMILIES_BOTH:
        return AF_UNSPEC;
    case ZMTP_FAMILIES_IPV4:
        return AF_INET;
    case ZMTP_FAMILIES_IPV6:
        return AF_INET6;
    }
    return AF_UNSPEC;
}

int zmtp__address_lookup(const struct zmtp_endpoint *endpoint, enum zmtp_families families,
                         bool numeric, struct addrinfo **out)
{
    char host[ZMTP_ENDPOINT_MAX], port[8];
    zmtp__address_names(endpoint, host, port);
    const struct addrinfo hints = {.ai_family = zmtp__address_family(families),
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICSERV | (numeric ? AI_NUMERICHOST : 0)};
    *out = NULL;
    return getaddrinfo(host, port, &hints, out);
}

static bool address_loopback_v4(const uint8_t octets[4])
{
    return octets[0] == 127;
}

bool zmtp__address_loopback(const struct zmtp__address *address)
{
    if (address->at.ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, &address->at, sizeof in);
        uint8_t octets[4];
        memcpy(octets, &in.sin_addr, sizeof octets);
        return address_loopback_v4(octets);
    }
    if (address->at.ss_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, &address->at, sizeof in);
        if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr))
            return address_loopback_v4(in.sin6_addr.s6_addr + 12);
        return IN6_IS_ADDR_LOOPBACK(&in.sin6_addr);
    }
    return address->at.ss_family == AF_UNIX;
}

bool zmtp__address_equal(const struct zmtp__address *a, const struct zmtp__address *b)
{
    return a->size == b->size && memcmp(&a->at, &b->at, a->size) == 0;
}

void zmtp__address_text(const struct zmtp__address *address, char *out, size_t size)
{
    out[0] = '\0';
    if (address->at.ss_family != AF_INET && address->at.ss_family != AF_INET6) return;
    char host[64], port[8];
    const int error = getnameinfo((const struct sockaddr *)&address->at, address->size, host,
                                  sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    if (error != 0) return;
    // An IPv4 address that came in through a socket of both families is shown as what it is.
    const char *shown = strncmp(host, "::ffff:", 7) == 0 && strchr(host, '.') ? host + 7 : host;
    snprintf(out, size, strchr(shown, ':') ? "tcp://[%s]:%s" : "tcp://%s:%s", shown, port);
}

void zmtp__address_remote(int fd, char *out, size_t size)
{
    struct zmtp__address address = {.size = sizeof address.at};
    out[0] = '\0';
    if (getpeername(fd, (struct sockaddr *)&address.at, &address.size) < 0) return;
    if (address.at.ss_family != AF_UNIX) {
        zmtp__address_text(&address, out, size);
        return;
    }
    struct ucred who;
    socklen_t who_size = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_size) < 0) return;
    snprintf(out, size, "ipc: process %ld of user %lu", (long)who.pid, (unsigned long)who.uid);
}

int zmtp__address_socket(const struct zmtp__address *address)
{
    return socket(address->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int zmtp__address_error(int error_number)
{
    switch (error_number) {
    case EADDRINUSE:
        return ZMTP_ERR_IN_USE;
    case EACCES:
    case EPERM:
    case EROFS:
        return ZMTP_ERR_ACCESS;
    case EADDRNOTAVAIL:
    case ENOENT:
    case ENOTDIR:
        return ZMTP_ERR_NOT_FOUND;
    case EMFILE:
    case ENFILE:
        return ZMTP_ERR_DESCRIPTORS;
    case ENOMEM:
    case ENOBUFS:
        return ZMTP_ERR_MEMORY;
    case ECONNREFUSED:
    case EAGAIN: // an ipc listener whose backlog is full
        return ZMTP_ERR_REFUSED;
    case ECONNRESET:
    case EPIPE:
        return ZMTP_ERR_RESET;
    default:
        return ZMTP_ERR_SYSTEM;
    }
}
