// What goes on while the program makes no call for long: this side's heartbeats and answers to a peer's, and what lingers.
// The peer is played here, octet by octet, so that no library helps; it goes by what comes, not by times.
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"

enum {
    PATIENCE_S = 20,
    INTERVAL_MS = 20,
    PINGS = 100,
    LINGERING = 300,
    LINGERING_SIZE = 8192,
    PAUSES = 40,
    STALLS = 100,
    STREAM = 40,
};

static bool write_all(int descriptor, const void *data, size_t size)
{
    return send(descriptor, data, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static bool read_all(int descriptor, void *data, size_t size)
{
    return recv(descriptor, data, size, MSG_WAITALL) == (ssize_t)size;
}

struct frame {
    uint8_t flags;
    size_t size;
    uint8_t body[LINGERING_SIZE];
};

static bool read_frame(int descriptor, struct frame *frame)
{
    uint8_t size[8] = {0};
    if (!read_all(descriptor, &frame->flags, 1)) return false;
    if (!read_all(descriptor, size, frame->flags & 2 ? 8 : 1)) return false;
    frame->size = frame->flags & 2 ? (size_t)size[6] << 8 | size[7] : size[0];
    return frame->size <= sizeof frame->body && read_all(descriptor, frame->body, frame->size);
}

// RFC 37, Greeting: version 3.1, NULL; and a READY that tells the type, of four letters, alone.
static bool shake_hands(int descriptor, const char *type)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    uint8_t greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    struct frame frame;
    uint8_t ready[28] = {4,   26,  5,   'R', 'E', 'A', 'D', 'Y', 11, 'S', 'o', 'c',
                         'k', 'e', 't', '-', 'T', 'y', 'p', 'e', 0,  0,   0,   4};
    memcpy(ready + 24, type, 4);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return write_all(descriptor, greeting, sizeof greeting) &&
           write_all(descriptor, ready, sizeof ready) &&
           read_all(descriptor, greeting, sizeof greeting) && read_frame(descriptor, &frame) &&
           frame.flags == 4 && memcmp(frame.body, "\5READY", 6) == 0;
}

static bool is_command(const struct frame *frame, const char *name)
{
    return frame->flags & 4 && frame->size >= 5 && frame->body[0] == 4 &&
           memcmp(frame->body + 1, name, 4) == 0;
}

// RFC 37: a PONG has the context of the PING, which is behind its time to live.
static bool answer(int descriptor, const struct frame *ping)
{
    uint8_t pong[7 + 16] = {4, 0, 4, 'P', 'O', 'N', 'G'};
    const size_t context = ping->size - 7;
    if (ping->size < 7 || context > 16) return false;
    memcpy(pong + 7, ping->body + 7, context);
    pong[1] = (uint8_t)(5 + context);
    return write_all(descriptor, pong, 7 + context);
}

static bool ping(int descriptor, int number, int *pings)
{
    uint8_t out[] = {4, 9, 4, 'P', 'I', 'N', 'G', 0, 0, 'n', (uint8_t)number};
    struct frame frame;
    if (!write_all(descriptor, out, sizeof out)) return false;
    for (;;) {
        if (!read_frame(descriptor, &frame)) return false;
        if (is_command(&frame, "PONG"))
            return frame.size == 7 && frame.body[5] == 'n' && frame.body[6] == (uint8_t)number;
        if (!is_command(&frame, "PING") || !answer(descriptor, &frame)) return false;
        ++*pings;
    }
}

static int stream_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static struct sockaddr_in address_of(const char *endpoint)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    unsigned port = 0;
    (void)sscanf(endpoint, "tcp://127.0.0.1:%u", &port);
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void heartbeats(void *context)
{
    const int interval = INTERVAL_MS, patience = PATIENCE_S * 1000;
    char endpoint[64], body[8];
    size_t size = sizeof endpoint;
    void *const socket = zmq_socket(context, ZMQ_PULL);
    zmq_setsockopt(socket, ZMQ_HEARTBEAT_IVL, &interval, sizeof interval);
    zmq_setsockopt(socket, ZMQ_HEARTBEAT_TIMEOUT, &patience, sizeof patience);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_bind(socket, "tcp://127.0.0.1:*");
    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size);
    const struct sockaddr_in address = address_of(endpoint);
    const int peer = stream_socket();
    EXPECT("a peer is let in",
           connect(peer, (const struct sockaddr *)&address, sizeof address) == 0 &&
               shake_hands(peer, "PUSH"));
    int answered = 0, pings = 0;
    while (answered < PINGS && ping(peer, answered, &pings))
        answered++;
    EXPECT("all its PINGs are answered while nobody calls", answered == PINGS);
    struct frame frame;
    while (pings < PINGS && read_frame(peer, &frame) && is_command(&frame, "PING") &&
           answer(peer, &frame))
        pings++;
    EXPECT("it is sent PINGs all the while", pings >= PINGS);
    EXPECT("what it sends then arrives",
           write_all(peer, "\0\1x", 3) && zmq_recv(socket, body, sizeof body, 0) == 1);
    close(peer);
    zmq_close(socket);
}

// Reads all that lingers, with pauses in which this process does nothing at all. How many whole messages came in order.
static int read_slowly(int peer)
{
    static struct frame frame;
    int count = 0;
    while (count < LINGERING && read_frame(peer, &frame)) {
        if (frame.flags & 4) {
            if (!is_command(&frame, "PING") || !answer(peer, &frame)) break;
            continue;
        }
        if (frame.size != LINGERING_SIZE || frame.body[0] != (uint8_t)count) break;
        if (count++ < PAUSES) (void)poll(NULL, 0, INTERVAL_MS / 2);
    }
    return count;
}

// The peer only lets it in when the socket has been closed for long, and then reads as it likes.
static void lingering(void)
{
    const int interval = INTERVAL_MS, patience = PATIENCE_S * 1000, none = 0, forever = -1;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    static uint8_t body[LINGERING_SIZE];
    char endpoint[64];
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int listener = stream_socket();
    EXPECT("a listener", bind(listener, (struct sockaddr *)&address, length) == 0 &&
                             listen(listener, 1) == 0 &&
                             getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
    void *const context = zmq_ctx_new();
    void *const socket = zmq_socket(context, ZMQ_PUSH);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_LINGER, &forever, sizeof forever);
    zmq_setsockopt(socket, ZMQ_HEARTBEAT_IVL, &interval, sizeof interval);
    zmq_setsockopt(socket, ZMQ_HEARTBEAT_TIMEOUT, &patience, sizeof patience);
    zmq_setsockopt(socket, ZMQ_HANDSHAKE_IVL, &none, sizeof none);
    int sent = 0;
    zmq_connect(socket, endpoint);
    for (; sent < LINGERING; sent++) {
        body[0] = (uint8_t)sent;
        if (zmq_send(socket, body, sizeof body, 0) != sizeof body) break;
    }
    zmq_close(socket);
    (void)poll(NULL, 0, PAUSES * INTERVAL_MS / 2);
    const int peer = accept(listener, NULL, NULL);
    EXPECT("it is there after the close", sent == LINGERING && shake_hands(peer, "PULL"));
    EXPECT("all that was sent leaves while nobody calls", read_slowly(peer) == LINGERING);
    EXPECT("and then the context ends", zmq_ctx_term(context) == 0);
    close(peer);
    close(listener);
}

// The page that a message is sent from cannot be read at first: so the call stands still, with all it holds, for about
// as long as the watch waits between two looks.
static struct {
    uint8_t *page;
    size_t size;
    unsigned us;
} stall;

static void stand_still(int number)
{
    struct timespec rest = {.tv_nsec = (long)stall.us * 1000};
    (void)number;
    (void)nanosleep(&rest, NULL);
    (void)mprotect(stall.page, stall.size, PROT_READ | PROT_WRITE);
}

// What such a call leaves to the watch is written, whenever it was that the watch looked.
static void a_call_stands_still(void *context)
{
    struct sigaction action = {.sa_handler = stand_still}, before;
    const int patience = PATIENCE_S * 1000;
    char endpoint[64], body[64];
    size_t size = sizeof endpoint;
    void *const from = zmq_socket(context, ZMQ_PUSH), *const to = zmq_socket(context, ZMQ_PULL);
    zmq_setsockopt(to, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_bind(to, "tcp://127.0.0.1:*");
    zmq_getsockopt(to, ZMQ_LAST_ENDPOINT, endpoint, &size);
    zmq_connect(from, endpoint);
    stall.size = (size_t)sysconf(_SC_PAGESIZE);
    stall.page = mmap(NULL, stall.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaction(SIGSEGV, &action, &before);
    int rounds = 0;
    bool arrived = true;
    for (; rounds < STALLS && arrived; rounds++) {
        stall.us = 600 + 8 * (unsigned)rounds;
        for (int i = 0; i < STREAM; i++)
            zmq_send(from, "x", 1, 0);
        (void)mprotect(stall.page, stall.size, PROT_NONE);
        zmq_send(from, stall.page, 32, 0);
        for (int i = 0; i < STREAM + 1 && arrived; i++) // the sender makes no call any more
            arrived = zmq_recv(to, body, sizeof body, 0) >= 0;
    }
    sigaction(SIGSEGV, &before, NULL);
    EXPECT("what a call that stands still has sent arrives", rounds == STALLS && arrived);
    munmap(stall.page, stall.size);
    zmq_close(from);
    zmq_close(to);
}

int main(void)
{
    void *const context = zmq_ctx_new();
    heartbeats(context);
    lingering();
    a_call_stands_still(context);
    EXPECT("term", zmq_ctx_term(context) == 0);
    return expect_status;
}
