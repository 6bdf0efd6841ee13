#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/torture/calls.h"

#include <uv.h>

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size)
{
    return size > 0 && calls_allocation_fails() ? NULL : __real_realloc(memory, size);
}

// A call of the engine's that can fail with |error|. The Makefile tells the linker of each.
#define CALLS_WRAP(type, name, parameters, arguments, error)                                       \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        if (!calls_fail(#name)) return __real_##name arguments;                                    \
        errno = error;                                                                             \
        return -1;                                                                                 \
    }
// One that returns its error.
#define CALLS_WRAP_CODE(name, parameters, arguments, error)                                        \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        return calls_fail(#name) ? error : __real_##name arguments;                                \
    }
CALLS_WRAP(int, socket, (int domain, int type, int protocol), (domain, type, protocol), EMFILE)
CALLS_WRAP(int, bind, (int fd, const struct sockaddr *at, socklen_t size), (fd, at, size), ENOBUFS)
CALLS_WRAP(int, listen, (int fd, int backlog), (fd, backlog), ENOBUFS)
CALLS_WRAP(int, accept4, (int fd, struct sockaddr *at, socklen_t *size, int flags),
           (fd, at, size, flags), EMFILE)
CALLS_WRAP(int, connect, (int fd, const struct sockaddr *at, socklen_t size), (fd, at, size),
           ENOBUFS)
CALLS_WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags),
           (fd, message, flags), ECONNRESET)
CALLS_WRAP(ssize_t, recv, (int fd, void *to, size_t size, int flags), (fd, to, size, flags),
           ECONNRESET)
CALLS_WRAP(int, setsockopt, (int fd, int level, int name, const void *at, socklen_t size),
           (fd, level, name, at, size), ENOBUFS)
CALLS_WRAP(int, getsockopt, (int fd, int level, int name, void *at, socklen_t *size),
           (fd, level, name, at, size), ENOBUFS)
CALLS_WRAP(int, getsockname, (int fd, struct sockaddr *at, socklen_t *size), (fd, at, size),
           ENOBUFS)
CALLS_WRAP(int, getpeername, (int fd, struct sockaddr *at, socklen_t *size), (fd, at, size),
           ENOBUFS)
CALLS_WRAP(int, shutdown, (int fd, int how), (fd, how), ENOTCONN)
CALLS_WRAP(int, unlink, (const char *path), (path), EACCES)
CALLS_WRAP(int, lstat, (const char *path, struct stat *out), (path, out), EACCES)
CALLS_WRAP(int, fstat, (int fd, struct stat *out), (fd, out), EIO)
CALLS_WRAP(int, open, (const char *path, int flags, mode_t mode), (path, flags, mode), EMFILE)
CALLS_WRAP(int, eventfd, (unsigned count, int flags), (count, flags), EMFILE)
CALLS_WRAP(int, epoll_create1, (int flags), (flags), EMFILE)
CALLS_WRAP(int, epoll_ctl, (int fd, int how, int of, struct epoll_event *event),
           (fd, how, of, event), ENOMEM)
CALLS_WRAP(ssize_t, send, (int fd, const void *at, size_t size, int flags), (fd, at, size, flags),
           EPIPE)
CALLS_WRAP(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags),
           ENOMEM)
CALLS_WRAP(int, ioctl, (int fd, unsigned long request, void *at), (fd, request, at), EIO)
CALLS_WRAP(int, getifaddrs, (struct ifaddrs * *out), (out), EMFILE)
CALLS_WRAP_CODE(getaddrinfo,
                (const char *host, const char *service, const struct addrinfo *hints,
                 struct addrinfo **out),
                (host, service, hints, out), EAI_MEMORY)
CALLS_WRAP_CODE(pthread_create,
                (pthread_t * out, const pthread_attr_t *how, void *(*run)(void *), void *argument),
                (out, how, run, argument), EAGAIN)
CALLS_WRAP_CODE(uv_mutex_init, (uv_mutex_t * mutex), (mutex), UV_ENOMEM)
CALLS_WRAP_CODE(uv_poll_init, (uv_loop_t * on, uv_poll_t *poll, int fd), (on, poll, fd), UV_ENOMEM)
CALLS_WRAP_CODE(uv_poll_start, (uv_poll_t * poll, int events, uv_poll_cb call),
                (poll, events, call), UV_ENOMEM)
CALLS_WRAP_CODE(uv_async_init, (uv_loop_t * on, uv_async_t *async, uv_async_cb call),
                (on, async, call), UV_EMFILE)
