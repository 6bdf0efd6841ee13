#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include <unistd.h>

// It needs the struct sockaddr of the header above.
#include <linux/vm_sockets.h>

#include "../base/ip.h"
#include "text.h"

// An address in digits, a % and the name of an interface.
enum { ADDRESS_HOST_MAX = INET6_ADDRSTRLEN + IF_NAMESIZE };

static void address_ipc(const struct zmtp_endpoint *endpoint, struct zmtp__address *out)
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

static void address_vsock(const struct zmtp_endpoint *endpoint, struct zmtp__address *out)
{
    const struct sockaddr_vm vsock = {
        .svm_family = AF_VSOCK,
        .svm_cid = endpoint->cid_any ? VMADDR_CID_ANY : endpoint->cid,
        .svm_port = endpoint->port_any ? VMADDR_PORT_ANY : endpoint->port,
    };
    *out = (struct zmtp__address){.size = sizeof vsock};
    memcpy(&out->at, &vsock, sizeof vsock);
}

void zmtp__address_of(const struct zmtp_endpoint *endpoint, struct zmtp__address *out)
{
    if (endpoint->transport == ZMTP_VSOCK)
        address_vsock(endpoint, out);
    else
        address_ipc(endpoint, out);
}

void zmtp__address_any(int family, uint16_t port, struct zmtp__address *out)
{
    const struct sockaddr_in6 six = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_any};
    const struct sockaddr_in four = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_ANY)}};
    *out = (struct zmtp__address){.size = family == AF_INET6 ? sizeof six : sizeof four};
    memcpy(&out->at, family == AF_INET6 ? (const void *)&six : (const void *)&four, out->size);
}

static void address_set_port(struct zmtp__address *address, uint16_t port)
{
    const uint16_t number = htons(port);
    const bool six = address->at.ss_family == AF_INET6;
    const size_t at =
        six ? offsetof(struct sockaddr_in6, sin6_port) : offsetof(struct sockaddr_in, sin_port);
    memcpy((uint8_t *)&address->at + at, &number, sizeof number);
}

// How well an interface's address suits: 0: it does not. A link-local one is good on its link only.
static unsigned address_rank(const struct sockaddr *at, int family)
{
    if (at->sa_family != AF_INET && at->sa_family != AF_INET6) return 0;
    if (family != AF_UNSPEC && at->sa_family != family) return 0;
    if (at->sa_family == AF_INET) return 3;
    struct sockaddr_in6 six;
    memcpy(&six, at, sizeof six);
    return IN6_IS_ADDR_LINKLOCAL(&six.sin6_addr) ? 1 : 2;
}

enum zmtp__interface zmtp__address_interface(struct zmtp_bytes name, int family, uint16_t port,
                                             struct zmtp__address *out)
{
    enum zmtp__interface found = ZMTP__INTERFACE_NONE;
    unsigned best = 0;
    struct ifaddrs *list;
    if (getifaddrs(&list) < 0) return found;
    for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
        if (!zmtp_bytes_equal(name, zmtp_bytes_text(entry->ifa_name))) continue;
        if (found == ZMTP__INTERFACE_NONE) found = ZMTP__INTERFACE_BARE;
        const unsigned rank = entry->ifa_addr ? address_rank(entry->ifa_addr, family) : 0;
        if (rank <= best) continue;
        best = rank;
        found = ZMTP__INTERFACE_FOUND;
        const bool six = entry->ifa_addr->sa_family == AF_INET6;
        *out = (struct zmtp__address){.size = six ? sizeof(struct sockaddr_in6)
                                                  : sizeof(struct sockaddr_in)};
        memcpy(&out->at, entry->ifa_addr, out->size);
        address_set_port(out, port);
    }
    freeifaddrs(list);
    return found;
}

bool zmtp__address_source(const struct zmtp_endpoint *endpoint, int family,
                          struct zmtp__address *out)
{
    const uint16_t port = endpoint->source_port;
    if (zmtp_bytes_equal(endpoint->source, zmtp_bytes_text("*"))) {
        zmtp__address_any(family, port, out);
        return true;
    }
    char host[ZMTP_ENDPOINT_MAX];
    memcpy(host, endpoint->source.data, endpoint->source.size);
    host[endpoint->source.size] = '\0';
    const struct addrinfo hints = {
        .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *list;
    if (getaddrinfo(host, NULL, &hints, &list) == 0) {
        zmtp__address_copy(list, out);
        address_set_port(out, port);
        freeaddrinfo(list);
        return true;
    }
    return zmtp__address_interface(endpoint->source, family, port, out) == ZMTP__INTERFACE_FOUND;
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

bool zmtp__address_octets(const struct zmtp__address *address, uint8_t out[16])
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    if (address->at.ss_family == AF_INET) {
        uint8_t octets[4];
        memcpy(&four, &address->at, sizeof four);
        memcpy(octets, &four.sin_addr, sizeof octets);
        zmtp__ip_map(octets, out);
        return true;
    }
    if (address->at.ss_family != AF_INET6) return false;
    memcpy(&six, &address->at, sizeof six);
    memcpy(out, six.sin6_addr.s6_addr, sizeof six.sin6_addr.s6_addr);
    return true;
}

bool zmtp__address_loopback(const struct zmtp__address *address)
{
    static const uint8_t six[16] = {[15] = 1};
    uint8_t octets[16];
    if (zmtp__address_octets(address, octets))
        return zmtp__ip_mapped(octets) ? octets[12] == 127 : memcmp(octets, six, sizeof six) == 0;
    // Neither leaves the machine and its host.
    return address->at.ss_family == AF_UNIX || address->at.ss_family == AF_VSOCK;
}

bool zmtp__address_equal(const struct zmtp__address *a, const struct zmtp__address *b)
{
    return a->size == b->size && memcmp(&a->at, &b->at, a->size) == 0;
}

// This machine's context id, by which others dial it; VMADDR_CID_ANY when it cannot be told.
static unsigned address_own_cid(void)
{
    unsigned cid = VMADDR_CID_ANY;
    const int fd = open("/dev/vsock", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return cid;
    if (ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid) < 0) cid = VMADDR_CID_ANY;
    close(fd);
    return cid;
}

static void address_vsock_text(const struct zmtp__address *address, char *out, size_t size)
{
    struct sockaddr_vm vsock;
    memcpy(&vsock, &address->at, sizeof vsock);
    if (vsock.svm_cid == VMADDR_CID_ANY) vsock.svm_cid = address_own_cid();
    if (vsock.svm_cid == VMADDR_CID_ANY)
        snprintf(out, size, "vsock://*:%u", vsock.svm_port);
    else
        snprintf(out, size, "vsock://%u:%u", vsock.svm_cid, vsock.svm_port);
}

// Where each connection comes from is put into words. With printf those were a fifth of the instructions of a handshake.
// Ends it; a text that did not fit is none.
static void address_end(struct zmtp__text *text)
{
    (void)zmtp__text_end(text);
    if (text->filled >= text->size) text->out[0] = '\0';
}

static void address_four(const uint8_t octets[4], char host[INET6_ADDRSTRLEN])
{
    struct zmtp__text text = {.out = host, .size = INET6_ADDRSTRLEN};
    for (size_t i = 0; i < 4; i++) {
        if (i > 0) zmtp__text_add(&text, ".");
        zmtp__text_number(&text, octets[i]);
    }
    address_end(&text);
}

// The host in digits. False: it is none of IP.
static bool address_digits(const struct zmtp__address *address, char host[INET6_ADDRSTRLEN],
                           uint16_t *port, uint32_t *scope)
{
    *scope = 0;
    if (address->at.ss_family == AF_INET) {
        struct sockaddr_in four;
        uint8_t octets[4];
        memcpy(&four, &address->at, sizeof four);
        memcpy(octets, &four.sin_addr, sizeof octets);
        *port = ntohs(four.sin_port);
        address_four(octets, host);
        return true;
    }
    if (address->at.ss_family != AF_INET6) return false;
    struct sockaddr_in6 six;
    memcpy(&six, &address->at, sizeof six);
    *port = ntohs(six.sin6_port);
    *scope = six.sin6_scope_id;
    // An IPv4 address that came in through a socket of both families is shown as what it is.
    if (!IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
        return inet_ntop(AF_INET6, &six.sin6_addr, host, INET6_ADDRSTRLEN) != NULL;
    address_four(six.sin6_addr.s6_addr + 12, host);
    return true;
}

// The same with the link's name behind it, where the address is good on one link only.
static bool address_on_link(const struct zmtp__address *address, char host[ADDRESS_HOST_MAX],
                            uint16_t *port)
{
    char link[IF_NAMESIZE];
    uint32_t scope;
    if (!address_digits(address, host, port, &scope)) return false;
    if (scope == 0 || !if_indextoname(scope, link)) return true;
    const size_t size = strlen(host);
    snprintf(host + size, ADDRESS_HOST_MAX - size, "%%%s", link);
    return true;
}

void zmtp__address_host(const struct zmtp__address *address, char *out, size_t size)
{
    char host[ADDRESS_HOST_MAX];
    uint16_t port;
    struct zmtp__text text = {.out = out, .size = size};
    if (address_on_link(address, host, &port)) zmtp__text_add(&text, host);
    address_end(&text);
}

void zmtp__address_plain(const struct zmtp__address *address, char *out, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    uint16_t port;
    uint32_t scope;
    out[0] = '\0';
    if (!address_digits(address, host, &port, &scope)) return;
    if (scope > 0)
        snprintf(out, size, "[%s%%%u]:%u", host, scope, port);
    else
        snprintf(out, size, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
}

void zmtp__address_text(const struct zmtp__address *address, char *out, size_t size)
{
    char host[ADDRESS_HOST_MAX];
    uint16_t port;
    out[0] = '\0';
    if (address->at.ss_family == AF_VSOCK) address_vsock_text(address, out, size);
    if (!address_on_link(address, host, &port)) return;
    const bool six = strchr(host, ':');
    struct zmtp__text text = {.out = out, .size = size};
    zmtp__text_add(&text, six ? "tcp://[" : "tcp://");
    zmtp__text_add(&text, host);
    zmtp__text_add(&text, six ? "]:" : ":");
    zmtp__text_number(&text, port);
    address_end(&text);
}

bool zmtp__address_peer(int fd, struct zmtp__address *out)
{
    *out = (struct zmtp__address){.size = sizeof out->at};
    return getpeername(fd, (struct sockaddr *)&out->at, &out->size) == 0;
}

int zmtp__address_socket(const struct zmtp__address *address)
{
    return socket(address->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int zmtp__address_datagrams(const struct zmtp__address *address)
{
    return socket(address->at.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
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
    case EAFNOSUPPORT:
        return ZMTP_ERR_TRANSPORT;
    default:
        return ZMTP_ERR_SYSTEM;
    }
}
