// A ZAP handler that does not answer: whoever asks to come in waits no longer than it may, and when nobody waits for an
// answer any more, nothing is kept for it.
#include <dirent.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/random.h>
#include <unistd.h>
#include <uv.h>

#include "expect.h"
#include "patient.h"
#include "stranger.h"

// What is kept goes long before the engine's own limit for an answer, 5 s, would have it go.
enum { PATIENCE_MS = 20000, SOON_MS = 4000, HANDSHAKE_MS = 300, LONG_MS = 5500 };

struct house {
    void *context, *handler, *server, *monitor;
    char endpoint[256];
};

static int descriptors(void)
{
    int count = 0;
    DIR *const list = opendir("/proc/self/fd");
    while (list && readdir(list))
        count++;
    if (list) closedir(list);
    return count;
}

// Are there |count| at most, soon?
static int falls_to(int count)
{
    for (int i = 0; i < SOON_MS && descriptors() > count; i++)
        usleep(1000);
    return descriptors() <= count;
}

static void open_house(struct house *house, const char *monitor, int handshake_ms)
{
    const int on = 1;
    house->context = zmq_ctx_new();
    house->handler = open_patient(house->context, ZMQ_ROUTER, PATIENCE_MS);
    house->server = open_patient(house->context, ZMQ_PULL, PATIENCE_MS);
    house->monitor = open_patient(house->context, ZMQ_PAIR, PATIENCE_MS);
    zmq_bind(house->handler, "inproc://zeromq.zap.01");
    zmq_setsockopt(house->server, ZMQ_PLAIN_SERVER, &on, sizeof on);
    zmq_setsockopt(house->server, ZMQ_ZAP_DOMAIN, "house", 5);
    zmq_setsockopt(house->server, ZMQ_HANDSHAKE_IVL, &handshake_ms, sizeof handshake_ms);
    bind_somewhere(house->server, "tcp://127.0.0.1:*", house->endpoint);
    zmq_socket_monitor(house->server, monitor,
                       ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                           ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL);
    zmq_connect(house->monitor, monitor);
    // Each has its bell from now on, so that only what comes and goes is counted.
    int fd;
    size_t size = sizeof fd;
    zmq_getsockopt(house->handler, ZMQ_FD, &fd, &size);
    zmq_getsockopt(house->server, ZMQ_FD, &fd, &size);
    zmq_getsockopt(house->monitor, ZMQ_FD, &fd, &size);
}

// It dials once, and its context is its own.
static void *visit(const struct house *house, void **context)
{
    const int never = -1;
    *context = zmq_ctx_new();
    void *const guest = open_patient(*context, ZMQ_PUSH, PATIENCE_MS);
    zmq_setsockopt(guest, ZMQ_RECONNECT_IVL, &never, sizeof never);
    zmq_setsockopt(guest, ZMQ_PLAIN_USERNAME, "guest", 5);
    zmq_setsockopt(guest, ZMQ_PLAIN_PASSWORD, "word", 4);
    zmq_connect(guest, house->endpoint);
    return guest;
}

struct question {
    char from[256], id[256];
    int from_size, id_size;
};

// Takes a question whole. Is it one of |house|'s domain?
static int hear(void *handler, struct question *question)
{
    char part[256];
    int more = 1, parts = 0, domain = 0, size;
    size_t more_size = sizeof more;
    while (more) {
        if ((size = zmq_recv(handler, part, sizeof part, 0)) < 0) return 0;
        if (parts == 0) memcpy(question->from, part, (size_t)(question->from_size = size));
        if (parts == 3) memcpy(question->id, part, (size_t)(question->id_size = size));
        if (parts == 4) domain = size == 5 && memcmp(part, "house", 5) == 0;
        zmq_getsockopt(handler, ZMQ_RCVMORE, &more, &more_size);
        parts++;
    }
    return domain;
}

// The last part's result.
static int answer(void *handler, const struct question *question, const char *status)
{
    zmq_send(handler, question->from, (size_t)question->from_size, ZMQ_SNDMORE);
    zmq_send(handler, "", 0, ZMQ_SNDMORE);
    zmq_send(handler, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(handler, question->id, (size_t)question->id_size, ZMQ_SNDMORE);
    zmq_send(handler, status, 3, ZMQ_SNDMORE);
    zmq_send(handler, "", 0, ZMQ_SNDMORE);
    zmq_send(handler, "", 0, ZMQ_SNDMORE);
    return zmq_send(handler, "", 0, 0);
}

static int event_of(void *monitor)
{
    uint8_t head[6];
    uint16_t event = 0;
    char rest[256];
    if (zmq_recv(monitor, head, sizeof head, 0) != sizeof head) return 0;
    zmq_recv(monitor, rest, sizeof rest, 0);
    memcpy(&event, head, sizeof event);
    return event;
}

static void close_house(const char *name, struct house *house)
{
    zmq_close(house->monitor);
    if (house->server) zmq_close(house->server);
    zmq_close(house->handler);
    EXPECT(name, zmq_ctx_term(house->context) == 0);
}

// RFC 27: the handler's answer is awaited; how long is the server's to say.
static void nobody_answers(void)
{
    static const char name[] = "whom nobody answers for is turned away, and forgotten";
    struct house house;
    struct question late, question;
    void *context;
    char body[8];
    open_house(&house, "inproc://late", HANDSHAKE_MS);
    const int before = descriptors();
    void *guest = visit(&house, &context);
    EXPECT(name, hear(house.handler, &late));
    const int event = event_of(house.monitor);
    EXPECT(name, event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    zmq_close(guest);
    zmq_ctx_term(context);
    EXPECT(name, falls_to(before));
    // It may be deaf to those who answer late, but it is not to the next.
    EXPECT("an answer that comes late does no harm", answer(house.handler, &late, "200") == 0);
    zmq_close(house.server);
    house.server = open_patient(house.context, ZMQ_PULL, PATIENCE_MS);
    const int on = 1;
    zmq_setsockopt(house.server, ZMQ_PLAIN_SERVER, &on, sizeof on);
    zmq_setsockopt(house.server, ZMQ_ZAP_DOMAIN, "house", 5);
    bind_somewhere(house.server, "tcp://127.0.0.1:*", house.endpoint);
    guest = visit(&house, &context);
    EXPECT("the next comes", hear(house.handler, &question));
    usleep(LONG_MS *
           1000); // longer than the native engine waits; here only the handshake has a limit
    EXPECT("the next is let in", answer(house.handler, &question, "200") == 0 &&
                                     zmq_send(guest, "x", 1, 0) == 1 &&
                                     zmq_recv(house.server, body, sizeof body, 0) == 1);
    zmq_close(guest);
    zmq_ctx_term(context);
    close_house("its context ends", &house);
}

// A guest that is one descriptor, and says what a client of PLAIN does.
static int knock(const struct house *house)
{
    static const char says[] = "\xFF\0\0\0\0\0\0\0\x01\x7F\x03\0PLAIN\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                               "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                               "\x04\x11\x05HELLO\x05guest\x04word";
    const int fd = dial_plain(house->endpoint);
    return write(fd, says, sizeof says - 1) == (ssize_t)(sizeof says - 1) ? fd : -1;
}

// While somebody waits before the door.
static void the_house_goes(const char *name, const char *monitor, int close_it)
{
    struct house house;
    struct question question;
    open_house(&house, monitor, PATIENCE_MS);
    const int before = descriptors();
    const int guest = knock(&house);
    EXPECT(name, guest >= 0 && hear(house.handler, &question));
    if (close_it) {
        EXPECT(name, zmq_close(house.server) == 0);
        house.server = NULL;
    } else {
        EXPECT(name, zmq_unbind(house.server, house.endpoint) == 0);
    }
    close(guest);
    // The guest is gone, and the bell of the DEALER that asked for it, and the listener; with the socket its own bell
    // and the two descriptors of its loop go, too.
    EXPECT(name, falls_to(before - (close_it ? 4 : 1)));
    EXPECT(name, answer(house.handler, &question, "200") == 0);
    close_house(name, &house);
}

// Leaves while the question to it is on its way.
static void *_Atomic leaving;

// libuv's, which the library asks when it opens the socket that is to put the question: it has just found the handler.
int uv_random(uv_loop_t *loop, uv_random_t *request, void *room, size_t size, unsigned flags,
              uv_random_cb done)
{
    (void)loop, (void)request, (void)flags, (void)done; // it answers at once
    void *const handler = atomic_load(&leaving);
    if (handler && zmq_unbind(handler, "inproc://zeromq.zap.01") == 0) atomic_store(&leaving, NULL);
    return getrandom(room, size, 0) == (ssize_t)size ? 0 : UV_EIO;
}

static void the_handler_leaves(void)
{
    static const char name[] = "the next handler is not asked for whom has gone";
    const int soon_ms = 200;
    struct house house;
    char part[256];
    open_house(&house, "inproc://leaves", PATIENCE_MS);
    const int before = descriptors();
    atomic_store(&leaving, house.handler);
    const int guest = knock(&house);
    for (int i = 0; i < SOON_MS && atomic_load(&leaving); i++)
        usleep(1000);
    EXPECT(name, guest >= 0 && !atomic_load(&leaving));
    close(guest);
    EXPECT(name, falls_to(before));
    EXPECT(name, zmq_bind(house.handler, "inproc://zeromq.zap.01") == 0);
    zmq_setsockopt(house.handler, ZMQ_RCVTIMEO, &soon_ms, sizeof soon_ms);
    FAILS(name, zmq_recv(house.handler, part, sizeof part, 0), EAGAIN);
    close_house(name, &house);
}

int main(void)
{
    nobody_answers();
    the_handler_leaves();
    the_house_goes("who unbinds asks for nobody any more", "inproc://unbinds", 0);
    the_house_goes("who closes asks for nobody any more", "inproc://closes", 1);
    return expect_status;
}
