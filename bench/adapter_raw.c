// The ceiling: no library at all, as little as can be done for messages over a stream. Frames are encoded
// into a buffer that is written when it is full or an answer is waited for; the reader parses them where
// they lie. Calls block. Both sides speak ZMTP's framing, and nothing else of it.
#include "adapter.h"
#include "bench.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { RAW_BUFFER = 64 * 1024, RAW_HEADER = 9 };

union raw_address {
    struct sockaddr any;
    struct sockaddr_in tcp;
    struct sockaddr_un ipc;
};

struct adapter {
    int listener, fd; // -1: none
    size_t out_used, in_at, in_filled, in_capacity;
    unsigned char *in;
    unsigned char out[RAW_BUFFER];
    char endpoint[256];
};

static _Noreturn void raw_die(const char *what)
{
    bench_die(what, strerror(errno));
}

const char *adapter_library(void)
{
    return "no library";
}

struct adapter_home *adapter_home_open(void)
{
    return NULL;
}

void adapter_home_close(struct adapter_home *home)
{
    (void)home;
}

struct adapter *adapter_open(struct adapter_home *home, enum adapter_pattern pattern,
                             unsigned count_max)
{
    (void)home;
    (void)pattern;
    (void)count_max;
    struct adapter *const a = calloc(1, sizeof *a);
    if (!a) bench_die("adapter", "no memory");
    a->listener = a->fd = -1;
    a->in_capacity = RAW_BUFFER;
    a->in = malloc(a->in_capacity);
    if (!a->in) bench_die("adapter", "no memory");
    return a;
}

static socklen_t raw_parse(const char *endpoint, union raw_address *out)
{
    *out = (union raw_address){.any = {0}};
    if (strncmp(endpoint, "tcp://127.0.0.1:", 16) == 0) {
        out->tcp.sin_family = AF_INET;
        out->tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        out->tcp.sin_port = htons((uint16_t)strtoul(endpoint + 16, NULL, 10)); // "*" is 0
        return sizeof out->tcp;
    }
    if (strncmp(endpoint, "ipc://", 6) != 0 || strlen(endpoint + 6) >= sizeof out->ipc.sun_path)
        bench_die(endpoint, "neither tcp://127.0.0.1:PORT nor ipc://PATH");
    out->ipc.sun_family = AF_UNIX;
    memcpy(out->ipc.sun_path, endpoint + 6, strlen(endpoint + 6) + 1);
    return sizeof out->ipc;
}

static void raw_tune(int fd, const union raw_address *address)
{
    const int one = 1;
    if (address->any.sa_family == AF_INET &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
        raw_die("TCP_NODELAY");
}

const char *adapter_bind(struct adapter *a, const char *endpoint)
{
    union raw_address address;
    socklen_t size = raw_parse(endpoint, &address);
    a->listener = socket(address.any.sa_family, SOCK_STREAM, 0);
    if (a->listener < 0) raw_die("socket");
    if (bind(a->listener, &address.any, size) < 0 || listen(a->listener, 1) < 0) raw_die(endpoint);
    if (address.any.sa_family == AF_UNIX) {
        (void)snprintf(a->endpoint, sizeof a->endpoint, "%s", endpoint);
        return a->endpoint;
    }
    if (getsockname(a->listener, &address.any, &size) < 0) raw_die("getsockname");
    (void)snprintf(a->endpoint, sizeof a->endpoint, "tcp://127.0.0.1:%u",
                   (unsigned)ntohs(address.tcp.sin_port));
    return a->endpoint;
}

void adapter_connect(struct adapter *a, const char *endpoint)
{
    union raw_address address;
    const socklen_t size = raw_parse(endpoint, &address);
    a->fd = socket(address.any.sa_family, SOCK_STREAM, 0);
    if (a->fd < 0 || connect(a->fd, &address.any, size) < 0) raw_die(endpoint);
    raw_tune(a->fd, &address);
}

// Who binds has its peer when it first needs one.
static void raw_accept(struct adapter *a)
{
    union raw_address address;
    socklen_t size = sizeof address;
    if (a->fd >= 0) return;
    a->fd = accept(a->listener, &address.any, &size);
    if (a->fd < 0) raw_die("accept");
    raw_tune(a->fd, &address);
}

static void raw_write(struct adapter *a, const unsigned char *data, size_t size)
{
    raw_accept(a);
    while (size > 0) {
        const ssize_t sent = send(a->fd, data, size, MSG_NOSIGNAL);
        if (sent < 0) raw_die("send");
        data += sent;
        size -= (size_t)sent;
    }
}

static void raw_flush(struct adapter *a)
{
    if (a->out_used > 0) raw_write(a, a->out, a->out_used);
    a->out_used = 0;
}

static size_t raw_header(unsigned char *out, size_t size)
{
    if (size <= UINT8_MAX) {
        out[0] = 0;
        out[1] = (unsigned char)size;
        return 2;
    }
    out[0] = 2;
    for (unsigned i = 0; i < 8; i++)
        out[1 + i] = (unsigned char)((uint64_t)size >> (56 - 8 * i));
    return RAW_HEADER;
}

void adapter_send(struct adapter *a, const void *data, size_t size)
{
    if (RAW_BUFFER - a->out_used < RAW_HEADER + size) raw_flush(a);
    a->out_used += raw_header(a->out + a->out_used, size);
    if (size <= RAW_BUFFER - RAW_HEADER) {
        memcpy(a->out + a->out_used, data, size);
        a->out_used += size;
    } else {
        raw_flush(a);
        raw_write(a, data, size);
    }
}

// The whole frame's size, header included; 0: not known yet.
static size_t raw_frame(const struct adapter *a, size_t *header)
{
    const unsigned char *const at = a->in + a->in_at;
    const size_t here = a->in_filled - a->in_at;
    *header = here > 0 && at[0] & 2 ? RAW_HEADER : 2;
    if (here < *header) return 0;
    if (*header == 2) return 2 + (size_t)at[1];
    uint64_t size = 0;
    for (unsigned i = 0; i < 8; i++)
        size = size << 8 | at[1 + i];
    return RAW_HEADER + (size_t)size;
}

// Reads on behind a frame of |size| octets (0: not known) that is not whole.
static void raw_read(struct adapter *a, size_t size)
{
    const size_t here = a->in_filled - a->in_at;
    if (here > 0) memmove(a->in, a->in + a->in_at, here);
    a->in_at = 0;
    a->in_filled = here;
    if (size > a->in_capacity) {
        a->in_capacity = size;
        a->in = realloc(a->in, size);
        if (!a->in) bench_die("body", "no memory");
    }
    // Of a large frame no more than it has, so that nothing behind it is to be moved.
    const size_t end = size > RAW_BUFFER ? size : a->in_capacity;
    const ssize_t came = recv(a->fd, a->in + here, end - here, 0);
    if (came <= 0) raw_die("recv");
    a->in_filled += (size_t)came;
}

void adapter_receive(struct adapter *a,
                     bool (*on_message)(void *context, const unsigned char *data, size_t size),
                     void *context)
{
    raw_accept(a);
    for (;;) {
        size_t header;
        const size_t size = raw_frame(a, &header);
        if (size > 0 && size <= a->in_filled - a->in_at) {
            const unsigned char *const body = a->in + a->in_at + header;
            a->in_at += size;
            if (!on_message(context, body, size - header)) return;
        } else {
            raw_flush(a);
            raw_read(a, size);
        }
    }
}

void adapter_idle(struct adapter *a, unsigned milliseconds)
{
    (void)a;
    (void)milliseconds; // nothing waits for anything
}

void adapter_close(struct adapter *a)
{
    raw_flush(a);
    if (a->fd >= 0) (void)close(a->fd);
    if (a->listener >= 0) (void)close(a->listener);
    if (strncmp(a->endpoint, "ipc://", 6) == 0) (void)unlink(a->endpoint + 6);
    free(a->in);
    free(a);
}
