// The ceiling: no library at all, as little as can be done for messages over a stream. Frames are encoded
// into a buffer that is written when it is full or an answer is waited for; the reader parses them where
// they lie. Calls block. A publisher writes the same buffer to each of its peers in turn, and they are not asked what
// they want.
#include "adapter.h"
#include "bench.h"
#include "plain.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RAW_PEERS_MAX = 1000 };

struct adapter {
    int listener, fd; // -1: none; of a publisher the peer that is written to
    bool publishes;
    int peers[RAW_PEERS_MAX]; // of a publisher
    size_t peer_count;
    struct plain_input in;
    struct plain_input aside; // what came while the other side took nothing
    size_t out_used;
    unsigned char out[PLAIN_BUFFER];
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

struct adapter *adapter_open(struct adapter_home *home, const struct adapter_wish *wish)
{
    (void)home;
    if (wish->security != ADAPTER_NULL) bench_die("security", "there is none without a library");
    struct adapter *const a = calloc(1, sizeof *a);
    if (!a) bench_die("adapter", "no memory");
    a->listener = a->fd = -1;
    a->publishes = wish->pattern == ADAPTER_PUB;
    plain_input_open(&a->in);
    return a;
}

static void raw_tune(int fd, const union plain_address *address)
{
    const int one = 1;
    if (address->any.sa_family == AF_INET &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0)
        raw_die("TCP_NODELAY");
}

const char *adapter_bind(struct adapter *a, const char *endpoint)
{
    union plain_address address;
    socklen_t size = plain_parse(endpoint, &address);
    a->listener = socket(address.any.sa_family, SOCK_STREAM, 0);
    if (a->listener < 0) raw_die("socket");
    if (bind(a->listener, &address.any, size) < 0 ||
        listen(a->listener, a->publishes ? RAW_PEERS_MAX : 1) < 0)
        raw_die(endpoint);
    if (getsockname(a->listener, &address.any, &size) < 0) raw_die("getsockname");
    plain_text(&address, a->endpoint, sizeof a->endpoint);
    return a->endpoint;
}

void adapter_connect(struct adapter *a, const char *endpoint)
{
    union plain_address address;
    const socklen_t size = plain_parse(endpoint, &address);
    a->fd = socket(address.any.sa_family, SOCK_STREAM, 0);
    if (a->fd < 0 || connect(a->fd, &address.any, size) < 0) raw_die(endpoint);
    raw_tune(a->fd, &address);
}

// Who binds has its peer when it first needs one.
static void raw_accept(struct adapter *a)
{
    union plain_address address;
    socklen_t size = sizeof address;
    if (a->fd >= 0) return;
    a->fd = accept(a->listener, &address.any, &size);
    if (a->fd < 0) raw_die("accept");
    raw_tune(a->fd, &address);
}

// A publisher takes those who have come, and waits for nobody.
static void raw_accept_all(struct adapter *a)
{
    union plain_address address;
    for (;;) {
        struct pollfd waiting = {.fd = a->listener, .events = POLLIN};
        socklen_t size = sizeof address;
        if (poll(&waiting, 1, 0) < 0) raw_die("poll");
        if (!waiting.revents || a->peer_count == RAW_PEERS_MAX) return;
        const int fd = accept(a->listener, &address.any, &size);
        if (fd < 0) raw_die("accept");
        raw_tune(fd, &address);
        a->peers[a->peer_count++] = fd;
    }
}

// The other side takes no more: it may itself be writing, so what it has written is read meanwhile.
static void raw_wait(struct adapter *a)
{
    struct pollfd both = {.fd = a->fd, .events = POLLIN | POLLOUT};
    if (poll(&both, 1, -1) < 0) raw_die("poll");
    if (both.revents & POLLOUT) return;
    struct plain_input *const aside =
        &a->aside; // a message that came is being sent back, and must not move
    if (aside->at > aside->filled - aside->at) { // half of it is used up
        aside->filled -= aside->at;
        memcpy(aside->data, aside->data + aside->at, aside->filled);
        aside->at = 0;
    }
    if (aside->capacity - aside->filled < PLAIN_BUFFER) {
        aside->capacity += PLAIN_BUFFER;
        aside->data = realloc(aside->data, aside->capacity);
        if (!aside->data) bench_die("adapter", "no memory");
    }
    const ssize_t came = recv(a->fd, aside->data + aside->filled, PLAIN_BUFFER, 0);
    if (came <= 0) raw_die("recv");
    aside->filled += (size_t)came;
}

static void raw_write_to(struct adapter *a, const unsigned char *data, size_t size)
{
    while (size > 0) {
        const ssize_t sent = send(a->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) {
            raw_wait(a);
            continue;
        }
        if (sent < 0) raw_die("send");
        data += sent;
        size -= (size_t)sent;
    }
}

static void raw_write(struct adapter *a, const unsigned char *data, size_t size)
{
    if (!a->publishes) {
        raw_accept(a);
        raw_write_to(a, data, size);
        return;
    }
    for (size_t i = 0; i < a->peer_count; i++) {
        a->fd = a->peers[i];
        raw_write_to(a, data, size);
    }
    a->fd = -1;
}

static void raw_flush(struct adapter *a)
{
    if (a->out_used > 0) raw_write(a, a->out, a->out_used);
    a->out_used = 0;
}

void adapter_subscribe(struct adapter *adapter, const void *topic, size_t size)
{
    (void)adapter;
    (void)topic;
    if (size > 0) bench_die("subscribe", "without a library all is for everybody");
}

void adapter_send(struct adapter *a, const void *data, size_t size)
{
    if (PLAIN_BUFFER - a->out_used < PLAIN_HEADER + size) raw_flush(a);
    a->out_used += plain_header_encode(a->out + a->out_used, size);
    if (size <= PLAIN_BUFFER - PLAIN_HEADER) {
        memcpy(a->out + a->out_used, data, size);
        a->out_used += size;
    } else {
        raw_flush(a);
        raw_write(a, data, size);
    }
}

static size_t raw_read_aside(struct plain_input *aside, unsigned char *space, size_t size)
{
    const size_t here = aside->filled - aside->at, taken = here < size ? here : size;
    if (taken > 0) memcpy(space, aside->data + aside->at, taken);
    aside->at += taken;
    if (aside->at == aside->filled) aside->at = aside->filled = 0;
    return taken;
}

static void raw_read(struct adapter *a)
{
    size_t size;
    unsigned char *const space = plain_input_space(&a->in, &size);
    const size_t known = raw_read_aside(&a->aside, space, size);
    const ssize_t came = known > 0 ? (ssize_t)known : recv(a->fd, space, size, 0);
    if (came <= 0) raw_die("recv");
    a->in.filled += (size_t)came;
}

void adapter_receive(struct adapter *a,
                     bool (*on_message)(void *context, const unsigned char *data, size_t size),
                     void *context)
{
    const unsigned char *body;
    size_t size;
    raw_accept(a);
    for (;;) {
        if (!plain_input_take(&a->in, &body, &size)) {
            raw_flush(a);
            raw_read(a);
        } else if (!on_message(context, body, size)) {
            return;
        }
    }
}

void adapter_idle(struct adapter *a, unsigned milliseconds)
{
    if (!a->publishes) return; // nothing waits for anything
    raw_flush(a);
    (void)poll(NULL, 0, (int)milliseconds);
    raw_accept_all(a);
}

void adapter_close(struct adapter *a)
{
    raw_flush(a);
    for (size_t i = 0; i < a->peer_count; i++)
        (void)close(a->peers[i]);
    if (a->fd >= 0) (void)close(a->fd);
    if (a->listener >= 0) (void)close(a->listener);
    if (strncmp(a->endpoint, "ipc://", 6) == 0) (void)unlink(a->endpoint + 6);
    plain_input_close(&a->in);
    free(a->aside.data);
    free(a);
}
