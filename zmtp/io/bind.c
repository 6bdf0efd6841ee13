#include "bind.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "multicast.h"
#include "transport.h"

static const char *bind_advice(enum zmtp_transport transport, int error_number)
{
    const bool ipc = transport == ZMTP_IPC, vsock = transport == ZMTP_VSOCK;
    switch (error_number) {
    case EADDRINUSE:
        return ipc ? "is in use already: choose another path, or stop who listens there"
                   : "is in use already: choose another port, or stop who listens there";
    case EADDRNOTAVAIL:
        return vsock ? "is no context id of this machine: choose its own, or *; 1 needs the module "
                       "vsock_loopback"
                     : "is no address of this machine: choose one of its own, or *";
    case EAFNOSUPPORT:
        return vsock ? "needs vsock, which this system has not: load its module"
                     : "needs an IP version that this system has not";
    case EACCES:
    case EPERM:
    case EROFS:
        return ipc ? "cannot be made: this user may not write to its folder"
                   : "is denied by the system: ports below 1024 need a privilege";
    case ENOENT:
    case ENOTDIR:
        return "cannot be made: its folder does not exist";
    case ENODEV:
        return "cannot be bound: there is no such interface, or the system knows none that leads "
               "to the group; name one before a ;";
    case EMFILE:
    case ENFILE:
        return "cannot be bound: no file descriptors are left; close some or raise the limit";
    default:
        return NULL;
    }
}

int zmtp__bind_fail(const struct zmtp__bind_job *job)
{
    const int error_number = errno;
    const int error = zmtp__address_error(error_number);
    const char *advice = bind_advice(job->endpoint->transport, error_number);
    char words[128];
    uv_strerror_r(-error_number, words, sizeof words);
    if (job->out->option && error != ZMTP_ERR_DESCRIPTORS)
        return zmtp__uv_socket_fail(job->socket, error, "%s cannot be bound: %s cannot be set: %s",
                                    job->text, job->out->option, words);
    if (advice) return zmtp__uv_socket_fail(job->socket, error, "%s %s", job->text, advice);
    return zmtp__uv_socket_fail(job->socket, error, "%s cannot be bound: %s", job->text, words);
}

void zmtp__bind_close(int fd)
{
    const int error_number = errno;
    close(fd);
    errno = error_number;
}

int zmtp__bind_socket(const struct zmtp__bind_job *job, const struct zmtp__address *address)
{
    const struct zmtp_uv_transport *transport = &job->socket->config.transport;
    const int family = address->at.ss_family;
    const bool udp = job->endpoint->transport == ZMTP_UDP;
    const int fd = udp ? zmtp__address_datagrams(address) : zmtp__address_socket(address);
    if (fd < 0) return -1;
    if (udp ? zmtp__transport_prepare_datagrams(transport, fd, family, &job->out->option)
            : zmtp__transport_prepare(transport, fd, family, &job->out->option))
        return fd;
    zmtp__bind_close(fd);
    return -1;
}

bool zmtp__bind_listen(const struct zmtp__bind_job *job, int fd)
{
    job->out->inherits = zmtp__transport_tune_listener(fd); // before anybody can come
    return listen(fd, (int)job->socket->config.backlog) == 0;
}

static bool bind_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

// What is sent from a bound descriptor of datagrams may go to groups too.
static bool bind_groups(const struct zmtp__bind_job *job, int fd,
                        const struct zmtp__address *address)
{
    const struct zmtp_uv_config *config = &job->socket->config;
    const int family = address->at.ss_family;
    if (config->socket.type == ZMTP_DGRAM &&
        !zmtp__multicast_send(fd, family, job->endpoint, &config->transport, &job->out->option))
        return false;
    return !zmtp__multicast_is(address) || zmtp__multicast_join(fd, address, job->endpoint);
}

static bool bind_and_listen(const struct zmtp__bind_job *job, int fd,
                            const struct zmtp__address *address)
{
    const int family = address->at.ss_family;
    const bool udp = job->endpoint->transport == ZMTP_UDP;
    // Without it a server that restarts could not bind while old connections are in TIME_WAIT. Of a
    // group there may be several, who all hear; but of two sockets at one address of udp only one
    // does.
    const bool shared = udp ? zmtp__multicast_is(address) : family != AF_VSOCK;
    if (shared && !bind_option(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return false;
    // Of [::] alone it decides whether IPv4 is taken as well.
    const bool only_six = job->socket->config.transport.families == ZMTP_FAMILIES_IPV6;
    if (family == AF_INET6 && !bind_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, only_six)) return false;
    if (bind(fd, (const struct sockaddr *)&address->at, address->size) < 0) return false;
    return udp ? bind_groups(job, fd, address) : zmtp__bind_listen(job, fd);
}

// A listening descriptor, or one of datagrams; or -1 and errno.
static int bind_open(const struct zmtp__bind_job *job, const struct zmtp__address *address)
{
    struct zmtp__address at = *address;
    if (job->endpoint->transport == ZMTP_UDP) zmtp__multicast_scope(job->endpoint, &at);
    const int fd = zmtp__bind_socket(job, &at);
    if (fd < 0) return -1;
    if (bind_and_listen(job, fd, &at)) return fd;
    zmtp__bind_close(fd);
    return -1;
}

// May everybody on the network listen in to what goes over this socket?
static bool bind_keeps_local(const struct zmtp__bind_job *job)
{
    const struct zmtp_uv_config *config = &job->socket->config;
    const bool secret =
        config->security.mechanism == ZMTP_CURVE && job->endpoint->transport != ZMTP_UDP;
    return !secret && !config->allow_public_null;
}

static int bind_public(const struct zmtp__bind_job *job)
{
    if (job->endpoint->transport == ZMTP_UDP)
        return zmtp__uv_socket_fail(
            job->socket, ZMTP_ERR_ACCESS,
            "%s would take what anybody on the network sends, and nothing protects it: bind to "
            "127.0.0.1, or a group through lo, as udp://lo;239.0.0.1:5555, or set "
            "allow_public_null if that is meant",
            job->text);
    return zmtp__uv_socket_fail(
        job->socket, ZMTP_ERR_ACCESS,
        "%s would be open to the network without encryption: bind to 127.0.0.1, use CURVE, or set "
        "allow_public_null if that is meant",
        job->text);
}

// Takes the listening |fd|, and tells its real port. |any_four|: it takes every IPv4 address.
static int bind_done(const struct zmtp__bind_job *job, int fd, bool any_four)
{
    struct zmtp__address bound = {.size = sizeof bound.at};
    if (getsockname(fd, (struct sockaddr *)&bound.at, &bound.size) < 0) {
        zmtp__bind_close(fd);
        return zmtp__bind_fail(job);
    }
    job->out->fd = fd;
    char *const out = job->out->endpoint, address[ZMTP__ADDRESS_TEXT_MAX];
    const size_t size = sizeof job->out->endpoint;
    zmtp__address_text(&bound, address, sizeof address);
    if (any_four) {
        // 0.0.0.0 can be dialled on this machine by everybody, [::] not by peers without IPv6.
        const char *port = strrchr(address, ':');
        snprintf(out, size, "tcp://0.0.0.0%s", port ? port : "");
        snprintf(address, sizeof address, "%.79s", out);
    }
    const struct zmtp_bytes path = job->endpoint->path;
    if (job->endpoint->transport == ZMTP_WS)
        snprintf(out, size, "ws%s%.*s", address + strlen("tcp"), (int)path.size,
                 (const char *)path.data);
    else
        strcpy(out, address);
    const struct zmtp_bytes source = job->endpoint->source;
    if (job->endpoint->transport == ZMTP_UDP && source.size > 0)
        snprintf(out, size, "udp://%.*s;%s", (int)source.size, (const char *)source.data,
                 address + strlen("tcp://"));
    else if (job->endpoint->transport == ZMTP_UDP)
        memcpy(out, "udp", strlen("udp"));
    return ZMTP_OK;
}

// Every address of this machine, IPv4 and IPv6; only IPv4 where there is no other.
static int bind_wildcard(const struct zmtp__bind_job *job)
{
    const enum zmtp_families families = job->socket->config.transport.families;
    const uint16_t port = (uint16_t)job->endpoint->port;
    struct zmtp__address address;
    if (bind_keeps_local(job)) return bind_public(job);
    errno = EAFNOSUPPORT;
    zmtp__address_any(AF_INET6, port, &address);
    int fd = families == ZMTP_FAMILIES_IPV4 ? -1 : bind_open(job, &address);
    if (fd < 0 && families != ZMTP_FAMILIES_IPV6 &&
        (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        zmtp__address_any(AF_INET, port, &address);
        fd = bind_open(job, &address);
    }
    return fd < 0 ? zmtp__bind_fail(job) : bind_done(job, fd, families != ZMTP_FAMILIES_IPV6);
}

static bool bind_is_denied(const struct zmtp__bind_job *job, const struct zmtp__address *address)
{
    if (zmtp__multicast_is(address) && zmtp__multicast_local(job->endpoint)) return false;
    return !zmtp__address_loopback(address) && bind_keeps_local(job);
}

// The first of |list| that can be bound; of |family| only.
static int bind_first(const struct zmtp__bind_job *job, const struct addrinfo *list, int family,
                      bool *public_only)
{
    for (const struct addrinfo *info = list; info; info = info->ai_next) {
        struct zmtp__address address;
        if (info->ai_family != family) continue;
        zmtp__address_copy(info, &address);
        if (bind_is_denied(job, &address)) continue;
        *public_only = false;
        const int fd = bind_open(job, &address);
        if (fd >= 0) return fd;
    }
    return -1;
}

// Frees |list|.
static int bind_list(const struct zmtp__bind_job *job, struct addrinfo *list)
{
    // IPv4 first: a peer that knows nothing else then reaches a name such as localhost.
    bool public_only = true;
    int fd = bind_first(job, list, AF_INET, &public_only);
    if (fd < 0) fd = bind_first(job, list, AF_INET6, &public_only);
    const int error_number = errno;
    freeaddrinfo(list);
    errno = error_number;
    if (fd >= 0) return bind_done(job, fd, false);
    return public_only ? bind_public(job) : zmtp__bind_fail(job);
}

static int bind_name(const struct zmtp__bind_job *job)
{
    const enum zmtp_families families = job->socket->config.transport.families;
    struct addrinfo *list;
    const int status = zmtp__address_lookup(job->endpoint, families, false, &list);
    if (status == 0) return bind_list(job, list);
    return zmtp__uv_socket_fail(job->socket, ZMTP_ERR_NOT_FOUND,
                                "%s cannot be bound: no address of this name is known: %s",
                                job->text, gai_strerror(status));
}

static int bind_tcp(const struct zmtp__bind_job *job)
{
    const struct zmtp_endpoint *endpoint = job->endpoint;
    const enum zmtp_families families = job->socket->config.transport.families;
    struct zmtp__address address;
    struct addrinfo *list;
    int fd;
    if (zmtp_bytes_equal(endpoint->host, zmtp_bytes_text("*"))) return bind_wildcard(job);
    if (zmtp__address_lookup(endpoint, families, true, &list) == 0) return bind_list(job, list);
    switch (zmtp__address_interface(endpoint->host, zmtp__address_family(families),
                                    (uint16_t)endpoint->port, &address)) {
    case ZMTP__INTERFACE_NONE:
        return bind_name(job);
    case ZMTP__INTERFACE_BARE:
        return zmtp__uv_socket_fail(job->socket, ZMTP_ERR_NOT_FOUND,
                                    "%s cannot be bound: this interface has no address of an IP "
                                    "version that transport.families allows",
                                    job->text);
    case ZMTP__INTERFACE_FOUND:
        break;
    }
    if (bind_is_denied(job, &address)) return bind_public(job);
    fd = bind_open(job, &address);
    return fd < 0 ? zmtp__bind_fail(job) : bind_done(job, fd, false);
}

static int bind_vsock(const struct zmtp__bind_job *job)
{
    struct zmtp__address address;
    zmtp__address_of(job->endpoint, &address);
    const int fd = bind_open(job, &address);
    return fd < 0 ? zmtp__bind_fail(job) : bind_done(job, fd, false);
}

// Its family; -1: it does not listen, or at no address of the endpoint's kind.
static int bind_listens(const struct zmtp__bind_job *job, int fd)
{
    struct zmtp__address at = {.size = sizeof at.at};
    int listens = 0;
    socklen_t size = sizeof listens;
    if (getsockname(fd, (struct sockaddr *)&at.at, &at.size) < 0) return -1;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 || !listens) return -1;
    const int family = at.at.ss_family;
    const bool fits = job->endpoint->transport == ZMTP_IPC
                          ? family == AF_UNIX
                          : family == AF_INET || family == AF_INET6;
    return fits ? family : -1;
}

// Takes over what the program listens with. Its address is the descriptor's; a path stays when it is closed.
static int bind_given(const struct zmtp__bind_job *job, int fd)
{
    const int family = bind_listens(job, fd), flags = fcntl(fd, F_GETFL);
    if (family < 0)
        return zmtp__uv_socket_fail(job->socket, ZMTP_ERR_ARGUMENT,
                                    "%s cannot be bound: the descriptor that was given for it does "
                                    "not listen, or not at such an address",
                                    job->text);
    // What is accepted has its options from its listener.
    if (!zmtp__transport_prepare(&job->socket->config.transport, fd, family, &job->out->option) ||
        fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return zmtp__bind_fail(job);
    job->out->given = true;
    if (job->endpoint->transport != ZMTP_IPC) return bind_done(job, fd, false);
    job->out->fd = fd;
    strcpy(job->out->endpoint, job->text); // the parser checked the size
    return ZMTP_OK;
}

int zmtp__bind(struct zmtp_uv_socket *socket, const char *text,
               const struct zmtp_endpoint *endpoint, struct zmtp__bound *out)
{
    const struct zmtp__bind_job job = {
        .socket = socket, .text = text, .endpoint = endpoint, .out = out};
    *out = (struct zmtp__bound){.fd = -1};
    const bool accepts = endpoint->transport == ZMTP_TCP || endpoint->transport == ZMTP_WS ||
                         endpoint->transport == ZMTP_IPC;
    if (socket->given > 0 && accepts) return bind_given(&job, socket->given - 1);
    switch (endpoint->transport) {
    case ZMTP_TCP:
    case ZMTP_WS:
    case ZMTP_UDP:
        return bind_tcp(&job);
    case ZMTP_IPC:
        return zmtp__bind_ipc(&job);
    case ZMTP_VSOCK:
        return bind_vsock(&job);
    case ZMTP_INPROC:
        break;
    }
    return ZMTP_ERR_TRANSPORT;
}
