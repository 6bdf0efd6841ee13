#include "bind.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address.h"
#include "transport.h"

enum { BIND_LOCK_TRIES = 8 };

// What one bind works on.
struct bind_job {
    struct zmtp_uv_socket *socket; // for its config, and the words of a failure
    const char *text;              // as the user gave it
    struct zmtp__bound *out;
};

static const char *bind_advice(bool ipc, int error_number)
{
    switch (error_number) {
    case EADDRINUSE:
        return ipc ? "is in use by another process: choose another path or stop it"
                   : "is in use by another process: choose another port or stop it";
    case EADDRNOTAVAIL:
        return "is no address of this machine: choose one of its own, or *";
    case EACCES:
    case EPERM:
    case EROFS:
        return ipc ? "cannot be made: this user may not write to its folder"
                   : "is denied by the system: ports below 1024 need a privilege";
    case ENOENT:
    case ENOTDIR:
        return "cannot be made: its folder does not exist";
    case EMFILE:
    case ENFILE:
        return "cannot be bound: no file descriptors are left; close some or raise the limit";
    default:
        return NULL;
    }
}

// Puts errno into words.
static int bind_fail(const struct bind_job *job, bool ipc)
{
    const int error_number = errno;
    const int error = zmtp__address_error(error_number);
    const char *advice = bind_advice(ipc, error_number);
    char words[128];
    uv_strerror_r(-error_number, words, sizeof words);
    if (job->out->option)
        return zmtp__uv_socket_fail(job->socket, error, "%s cannot be bound: %s cannot be set: %s",
                                    job->text, job->out->option, words);
    if (advice) return zmtp__uv_socket_fail(job->socket, error, "%s %s", job->text, advice);
    return zmtp__uv_socket_fail(job->socket, error, "%s cannot be bound: %s", job->text, words);
}

static void bind_close(int fd)
{
    const int error_number = errno;
    close(fd);
    errno = error_number;
}

static bool bind_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

static bool bind_and_listen(const struct bind_job *job, int fd, const struct zmtp__address *address)
{
    const int family = address->at.ss_family;
    const struct zmtp_uv_config *config = &job->socket->config;
    if (!zmtp__transport_prepare(&config->transport, fd, family, &job->out->option)) return false;
    // Without it a server that restarts could not bind while old connections are in TIME_WAIT.
    if (family != AF_UNIX && !bind_option(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return false;
    // Of [::] alone it decides whether IPv4 is taken as well.
    const bool only_six = config->transport.families == ZMTP_FAMILIES_IPV6;
    if (family == AF_INET6 && !bind_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, only_six)) return false;
    if (bind(fd, (const struct sockaddr *)&address->at, address->size) < 0) return false;
    return listen(fd, (int)config->backlog) == 0;
}

// A listening descriptor, or -1 and errno.
static int bind_open(const struct bind_job *job, const struct zmtp__address *address)
{
    const int fd = zmtp__address_socket(address);
    if (fd < 0) return -1;
    if (bind_and_listen(job, fd, address)) return fd;
    bind_close(fd);
    return -1;
}

// May everybody on the network listen in to what goes over this socket?
static bool bind_keeps_local(const struct bind_job *job)
{
    const struct zmtp_uv_config *config = &job->socket->config;
    return config->security.mechanism != ZMTP_CURVE && !config->allow_public_null;
}

static int bind_public(const struct bind_job *job)
{
    return zmtp__uv_socket_fail(
        job->socket, ZMTP_ERR_ACCESS,
        "%s would be open to the network without encryption: bind to 127.0.0.1, use CURVE, or set "
        "allow_public_null if that is meant",
        job->text);
}

// Takes the listening |fd|, and tells its real port. |any_four|: it takes every IPv4 address.
static int bind_tcp_done(const struct bind_job *job, int fd, bool any_four)
{
    struct zmtp__address bound = {.size = sizeof bound.at};
    if (getsockname(fd, (struct sockaddr *)&bound.at, &bound.size) < 0) {
        bind_close(fd);
        return bind_fail(job, false);
    }
    job->out->fd = fd;
    zmtp__address_text(&bound, job->out->endpoint, sizeof job->out->endpoint);
    if (any_four) {
        // 0.0.0.0 can be dialled on this machine by everybody, [::] not by peers without IPv6.
        const char *port = strrchr(job->out->endpoint, ':');
        char endpoint[ZMTP__ADDRESS_TEXT_MAX];
        snprintf(endpoint, sizeof endpoint, "tcp://0.0.0.0%s", port ? port : "");
        strcpy(job->out->endpoint, endpoint);
    }
    return ZMTP_OK;
}

// Every address of this machine, IPv4 and IPv6; only IPv4 where there is no other.
static int bind_wildcard(const struct bind_job *job, uint16_t port)
{
    const enum zmtp_families families = job->socket->config.transport.families;
    if (bind_keeps_local(job)) return bind_public(job);
    const struct sockaddr_in6 six = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_any};
    const struct sockaddr_in four = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_ANY)}};
    struct zmtp__address address = {.size = sizeof six};
    memcpy(&address.at, &six, sizeof six);
    errno = EAFNOSUPPORT;
    int fd = families == ZMTP_FAMILIES_IPV4 ? -1 : bind_open(job, &address);
    if (fd < 0 && families != ZMTP_FAMILIES_IPV6 &&
        (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        address = (struct zmtp__address){.size = sizeof four};
        memcpy(&address.at, &four, sizeof four);
        fd = bind_open(job, &address);
    }
    return fd < 0 ? bind_fail(job, false) : bind_tcp_done(job, fd, families != ZMTP_FAMILIES_IPV6);
}

// The first of |list| that can be bound; of |family| only.
static int bind_first(const struct bind_job *job, const struct addrinfo *list, int family,
                      bool *public_only)
{
    for (const struct addrinfo *info = list; info; info = info->ai_next) {
        struct zmtp__address address;
        if (info->ai_family != family) continue;
        zmtp__address_copy(info, &address);
        if (!zmtp__address_loopback(&address) && bind_keeps_local(job)) continue;
        *public_only = false;
        const int fd = bind_open(job, &address);
        if (fd >= 0) return fd;
    }
    return -1;
}

static int bind_tcp(const struct bind_job *job, const struct zmtp_endpoint *endpoint)
{
    if (zmtp_bytes_equal(endpoint->host, zmtp_bytes_text("*")))
        return bind_wildcard(job, endpoint->port);
    struct addrinfo *list;
    const enum zmtp_families families = job->socket->config.transport.families;
    int status = zmtp__address_lookup(endpoint, families, true, &list);
    if (status != 0) status = zmtp__address_lookup(endpoint, families, false, &list);
    if (status != 0)
        return zmtp__uv_socket_fail(job->socket, ZMTP_ERR_NOT_FOUND,
                                    "%s cannot be bound: no address of this name is known: %s",
                                    job->text, gai_strerror(status));
    // IPv4 first: a peer that knows nothing else then reaches a name such as localhost.
    bool public_only = true;
    int fd = bind_first(job, list, AF_INET, &public_only);
    if (fd < 0) fd = bind_first(job, list, AF_INET6, &public_only);
    const int error_number = errno;
    freeaddrinfo(list);
    errno = error_number;
    if (fd >= 0) return bind_tcp_done(job, fd, false);
    return public_only ? bind_public(job) : bind_fail(job, false);
}

// Takes the lock file beside |path|, which keeps two binds of one path apart, from the look at an old
// path to the listen. Negative: somebody else has it, or it cannot be made; errno tells.
static int bind_lock(const char *lock)
{
    for (int i = 0; i < BIND_LOCK_TRIES; i++) {
        const int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) return -1;
        struct stat held, named;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &held) < 0) {
            bind_close(fd);
            if (errno == EWOULDBLOCK) errno = EADDRINUSE;
            return -1;
        }
        // Its last holder may have removed the name after we opened it; then it locks nothing.
        if (lstat(lock, &named) == 0 && named.st_dev == held.st_dev && named.st_ino == held.st_ino)
            return fd;
        close(fd);
    }
    errno = EADDRINUSE;
    return -1;
}

// Is |path| free, or can it be freed because who listened there is gone? Else errno tells.
static bool bind_clear_path(const char *path, const struct zmtp__address *address)
{
    struct stat at;
    if (lstat(path, &at) < 0) return errno == ENOENT;
    if (!S_ISSOCK(at.st_mode)) {
        errno = EEXIST;
        return false;
    }
    const int probe = zmtp__address_socket(address);
    if (probe < 0) return false;
    const int result = connect(probe, (const struct sockaddr *)&address->at, address->size);
    const bool stale = result < 0 && errno == ECONNREFUSED;
    close(probe);
    if (!stale) {
        errno = EADDRINUSE;
        return false;
    }
    return unlink(path) == 0 || errno == ENOENT;
}

static int bind_path(const struct bind_job *job, const char *path,
                     const struct zmtp__address *address)
{
    struct stat at;
    if (!bind_clear_path(path, address)) return -1;
    const int fd = bind_open(job, address);
    if (fd < 0) return -1;
    if (lstat(path, &at) < 0) {
        bind_close(fd);
        return -1;
    }
    job->out->has_path = true;
    job->out->device = at.st_dev;
    job->out->inode = at.st_ino;
    return fd;
}

static int bind_ipc(const struct bind_job *job, const struct zmtp_endpoint *endpoint)
{
    struct zmtp__address address;
    zmtp__address_ipc(endpoint, &address);
    strcpy(job->out->endpoint, job->text); // the parser checked the size
    if (endpoint->abstract) {
        job->out->fd = bind_open(job, &address);
        return job->out->fd < 0 ? bind_fail(job, true) : ZMTP_OK;
    }
    char path[ZMTP_IPC_PATH_MAX + 1], lock[ZMTP_IPC_PATH_MAX + 8];
    memcpy(path, endpoint->path.data, endpoint->path.size);
    path[endpoint->path.size] = '\0';
    snprintf(lock, sizeof lock, "%s.lock", path);
    const int held = bind_lock(lock);
    if (held < 0) return bind_fail(job, true);
    job->out->fd = bind_path(job, path, &address);
    const int error_number = errno;
    (void)unlink(lock); // an empty file that is left behind does no harm
    close(held);
    errno = error_number;
    if (job->out->fd >= 0) return ZMTP_OK;
    if (errno == EEXIST)
        return zmtp__uv_socket_fail(
            job->socket, ZMTP_ERR_IN_USE,
            "%s exists and is not a socket: choose another path or remove it", job->text);
    return bind_fail(job, true);
}

int zmtp__bind(struct zmtp_uv_socket *socket, const char *text,
               const struct zmtp_endpoint *endpoint, struct zmtp__bound *out)
{
    const struct bind_job job = {.socket = socket, .text = text, .out = out};
    *out = (struct zmtp__bound){.fd = -1};
    return endpoint->transport == ZMTP_IPC ? bind_ipc(&job, endpoint) : bind_tcp(&job, endpoint);
}

void zmtp__bind_unlink(const char *endpoint, dev_t device, ino_t inode)
{
    struct zmtp_endpoint parsed;
    char path[ZMTP_IPC_PATH_MAX + 1];
    struct stat at;
    if (zmtp_endpoint_parse(endpoint, &parsed, NULL) < 0) return;
    memcpy(path, parsed.path.data, parsed.path.size);
    path[parsed.path.size] = '\0';
    if (lstat(path, &at) < 0 || at.st_dev != device || at.st_ino != inode) return;
    (void)unlink(path); // a path that stays is found stale by the next bind
}
