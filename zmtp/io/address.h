// Addresses of the system: from endpoints, and into words.
#ifndef ZMTP_IO_ADDRESS_H
#define ZMTP_IO_ADDRESS_H

#include <sys/socket.h>

#include "../uv.h"

struct addrinfo;

struct zmtp__address {
    struct sockaddr_storage at;
    socklen_t size;
};

// Of an address as an endpoint, and of its host alone: an IPv6 address and the name of an interface.
enum { ZMTP__ADDRESS_TEXT_MAX = 80, ZMTP__ADDRESS_HOST_MAX = 64 };

// Of an ipc path or name, or of vsock.
void zmtp__address_of(const struct zmtp_endpoint *endpoint, struct zmtp__address *out);
// Every address of |family|, AF_INET or AF_INET6.
void zmtp__address_any(int family, uint16_t port, struct zmtp__address *out);
// What an interface of this machine has: an IPv4 address, else an IPv6 one, a link-local one last; of
// |family| only, unless that is AF_UNSPEC.
enum zmtp__interface {
    ZMTP__INTERFACE_NONE, // there is no interface of that name
    ZMTP__INTERFACE_BARE, // it has no such address
    ZMTP__INTERFACE_FOUND,
};
enum zmtp__interface zmtp__address_interface(struct zmtp_bytes name, int family, uint16_t port,
                                             struct zmtp__address *out);
// Where a dial is to come from, when its endpoint says so. False: there is no such address of |family|.
bool zmtp__address_source(const struct zmtp_endpoint *endpoint, int family,
                          struct zmtp__address *out);
void zmtp__address_copy(const struct addrinfo *info, struct zmtp__address *out);
// As getaddrinfo calls them: AF_UNSPEC is both.
int zmtp__address_family(enum zmtp_families families);
// Looks up a tcp endpoint's host and port; the result goes to freeaddrinfo. With |numeric| only
// addresses are understood, and no name server is asked. ZMTP_OK or the number getaddrinfo gave.
int zmtp__address_lookup(const struct zmtp_endpoint *endpoint, enum zmtp_families families,
                         bool numeric, struct addrinfo **out);
// The host and port as C strings, for a lookup by the loop.
void zmtp__address_names(const struct zmtp_endpoint *endpoint, char host[ZMTP_ENDPOINT_MAX],
                         char port[8]);
// Those of an IPv6 address, or of an IPv4 one mapped into it, whether the system tells it as such or not.
// False: it is none of IP.
bool zmtp__address_octets(const struct zmtp__address *address, uint8_t out[16]);
bool zmtp__address_loopback(const struct zmtp__address *address);
bool zmtp__address_equal(const struct zmtp__address *a, const struct zmtp__address *b);
// "tcp://127.0.0.1:5555", "tcp://[::1]:5555", "vsock://2:1024"; empty for others.
void zmtp__address_text(const struct zmtp__address *address, char *out, size_t size);
// What RFC 27, Message Format, calls an address: "127.0.0.1", "::1"; empty for others.
void zmtp__address_host(const struct zmtp__address *address, char *out, size_t size);
// "127.0.0.1:5555", "[::1]:5555", "[fe80::1%2]:5555"; empty for others than IP.
void zmtp__address_plain(const struct zmtp__address *address, char *out, size_t size);
// The address at the other side of |fd|. False: it is not connected, or not any more.
bool zmtp__address_peer(int fd, struct zmtp__address *out);

// A socket that does not block, for |address|; negative: errno tells.
int zmtp__address_socket(const struct zmtp__address *address);
int zmtp__address_datagrams(const struct zmtp__address *address); // the same of udp
// The error for an errno, whether it came from a bind, a dial or an accept.
int zmtp__address_error(int error_number);

#endif
