// What has to be done for a socket while its program is busy elsewhere, and what must not be: the thread that
// keeps watch. Nothing here goes by a time but the sleeps in which it has to happen.
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"

enum { PATIENCE_MS = 20000, SOON_MS = 500, BURST = 20, STREAM = 20000, POLLS = 100, POLL_MS = 10 };

static void *open_socket(void *context, int type)
{
    const int patience = PATIENCE_MS;
    void *socket = zmq_socket(context, type);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience, sizeof patience);
    return socket;
}

static void set(void *socket, int option, int value)
{
    zmq_setsockopt(socket, option, &value, sizeof value);
}

static void join(void *bound, void *connected)
{
    char endpoint[64];
    size_t size = sizeof endpoint;
    zmq_bind(bound, "tcp://127.0.0.1:*");
    zmq_getsockopt(bound, ZMQ_LAST_ENDPOINT, endpoint, &size);
    zmq_connect(connected, endpoint);
}

static void sleep_ms(int milliseconds)
{
    (void)poll(NULL, 0, milliseconds);
}

// Who has what was sent, while the sender makes no call any more? A descriptor that is looked at without the
// library tells.
static int arrived(void *receiver, int count)
{
    char body[8];
    for (int i = 0; i < count; i++)
        if (zmq_recv(receiver, body, sizeof body, 0) < 0) return 0;
    return 1;
}

static void what_was_sent_leaves(void *context)
{
    void *a = open_socket(context, ZMQ_PUSH), *b = open_socket(context, ZMQ_PULL);
    join(b, a);
    EXPECT("the first arrives", zmq_send(a, "x", 1, 0) == 1 && arrived(b, 1));
    EXPECT("one alone leaves", zmq_send(a, "x", 1, 0) == 1 && arrived(b, 1));
    int sent = 0;
    for (int i = 0; i < BURST; i++)
        sent += zmq_send(a, "x", 1, 0);
    EXPECT("and a burst, all of it", sent == BURST && arrived(b, BURST));
    for (int i = 0; i < STREAM; i++)
        sent += zmq_send(a, "0123456", 7, ZMQ_DONTWAIT) == 7;
    EXPECT("and a stream, as far as there was room", arrived(b, sent - BURST));
    zmq_close(a);
    zmq_close(b);
}

// Two sockets that hold each other to a heartbeat of 100 ms, of which one's program sleeps.
static int stays_up(void *context, void *asleep, void *other)
{
    void *listener = open_socket(context, ZMQ_PAIR);
    set(asleep, ZMQ_HEARTBEAT_IVL, 100);
    set(other, ZMQ_HEARTBEAT_IVL, 100);
    set(other, ZMQ_HEARTBEAT_TIMEOUT, 400);
    zmq_socket_monitor(other, "inproc://heartbeats", ZMQ_EVENT_DISCONNECTED);
    zmq_connect(listener, "inproc://heartbeats");
    join(asleep, other);
    zmq_send(other, "x", 1, 0);
    const int heard = arrived(asleep, 1);
    sleep_ms(3 * SOON_MS);
    set(listener, ZMQ_RCVTIMEO, 0);
    const int up = zmq_recv(listener, NULL, 0, 0) < 0;
    zmq_socket_monitor(other, NULL, 0);
    zmq_close(listener);
    return heard && up;
}

static void heartbeats_are_answered(void *context)
{
    void *a = open_socket(context, ZMQ_PULL), *b = open_socket(context, ZMQ_PUSH);
    EXPECT("a program that sleeps keeps its peer", stays_up(context, a, b));
    zmq_close(a);
    zmq_close(b);
}

// Its queue was full, so nothing was read; there is room now, and no call comes that would read on.
static void room_is_found(void *context)
{
    void *a = open_socket(context, ZMQ_PULL), *b = open_socket(context, ZMQ_PUSH);
    char body[4096] = {0};
    int sent = 0;
    set(a, ZMQ_RCVHWM, 4);
    set(b, ZMQ_SNDHWM, 4);
    set(a, ZMQ_RCVBUF, 4096);
    set(b, ZMQ_SNDBUF, 4096);
    join(a, b);
    for (int quiet = 0; quiet < SOON_MS / 10;)
        if (zmq_send(b, body, sizeof body, ZMQ_DONTWAIT) < 0) {
            quiet++;
            sleep_ms(10);
        } else {
            quiet = 0;
            sent++;
        }
    for (int i = 0; i < sent - 1; i++)
        zmq_recv(a, body, sizeof body, 0);
    int more = 0;
    for (int i = 0; i < SOON_MS && more < 4; i++) { // the receiver's program does nothing now
        more += zmq_send(b, body, sizeof body, ZMQ_DONTWAIT) > 0;
        sleep_ms(1);
    }
    EXPECT("a full queue that is empty again is filled", sent > 8 && more == 4);
    EXPECT("and nothing of it is lost", arrived(a, 1 + more));
    zmq_close(a);
    zmq_close(b);
}

struct stream {
    void *socket;
    atomic_bool over;
};

static void *publish(void *argument)
{
    struct stream *stream = argument;
    while (!stream->over)
        zmq_send(stream->socket, "topic", 5, ZMQ_DONTWAIT);
    return NULL;
}

// A PUB whose program never stops sending hears of a subscription all the same.
static void a_busy_sender_hears(void *context)
{
    struct stream stream = {.socket = open_socket(context, ZMQ_PUB)};
    void *sub = open_socket(context, ZMQ_SUB);
    char endpoint[64];
    size_t size = sizeof endpoint;
    pthread_t thread;
    zmq_bind(stream.socket, "tcp://127.0.0.1:*");
    zmq_getsockopt(stream.socket, ZMQ_LAST_ENDPOINT, endpoint, &size);
    pthread_create(&thread, NULL, publish, &stream);
    zmq_connect(sub, endpoint);
    zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "topic", 5);
    EXPECT("a subscription reaches a sender that never waits", arrived(sub, 100));
    stream.over = true;
    pthread_join(thread, NULL);
    zmq_close(sub);
    zmq_close(stream.socket);
}

static void *send_late(void *argument)
{
    sleep_ms(SOON_MS);
    zmq_send(argument, "late", 4, 0);
    return NULL;
}

static uint64_t processor_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

// A call that waits for long is left alone by the watch, and what comes then is found at once.
static void a_long_wait_costs_nothing(void *context)
{
    void *a = open_socket(context, ZMQ_PULL), *b = open_socket(context, ZMQ_PUSH);
    zmq_pollitem_t items[] = {{a, 0, ZMQ_POLLIN, 0}};
    pthread_t thread;
    join(a, b);
    zmq_send(b, "x", 1, 0);
    EXPECT("before", arrived(a, 1));
    const uint64_t before = processor_us();
    pthread_create(&thread, NULL, send_late, b);
    EXPECT("what comes late is received", arrived(a, 1));
    pthread_join(thread, NULL);
    EXPECT("and the wait took no processor", processor_us() - before < 200000);
    pthread_create(&thread, NULL, send_late, b);
    EXPECT("and polled for", zmq_poll(items, 1, PATIENCE_MS) == 1 && arrived(a, 1));
    pthread_join(thread, NULL);
    set(a, ZMQ_RCVTIMEO, SOON_MS);
    for (int i = 0; i < 3; i++) {
        FAILS("nothing more", zmq_recv(a, NULL, 0, 0), EAGAIN);
        zmq_send(b, "x", 1, 0);
        EXPECT("one more", arrived(a, 1));
    }
    zmq_close(a);
    zmq_close(b);
}

static long switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

// A program that polls again and again for a moment and finds nothing wakes the watch no more than itself.
static void short_polls_wake_nobody(void *context)
{
    void *a = open_socket(context, ZMQ_PULL), *b = open_socket(context, ZMQ_PUSH);
    zmq_pollitem_t items[] = {{a, 0, ZMQ_POLLIN, 0}};
    join(a, b);
    int heard = 0;
    for (int i = 0; i < BURST; i++)
        heard += zmq_send(b, "x", 1, 0) == 1 && arrived(a, 1);
    EXPECT("some traffic", heard == BURST);
    const long before = switches();
    int found = 0;
    for (int i = 0; i < POLLS; i++)
        found += zmq_poll(items, 1, POLL_MS);
    const long woken = switches() - before;
    EXPECT("polls that find nothing cost little", found == 0 && woken < POLLS * POLL_MS / 2);
    EXPECT("and what comes then is found",
           zmq_send(b, "x", 1, 0) == 1 && zmq_poll(items, 1, PATIENCE_MS) == 1 && arrived(a, 1));
    zmq_close(a);
    zmq_close(b);
}

// The descriptor of a socket has news although no call is made, and again for each that comes later.
static void the_descriptor_tells(void *context)
{
    void *a = open_socket(context, ZMQ_PULL), *b = open_socket(context, ZMQ_PUSH);
    struct pollfd item = {.events = POLLIN};
    size_t size = sizeof item.fd;
    join(a, b);
    EXPECT("a descriptor", zmq_getsockopt(a, ZMQ_FD, &item.fd, &size) == 0);
    int told = 0;
    for (int i = 0; i < BURST; i++) {
        int events = 0;
        size = sizeof events;
        zmq_send(b, "x", 1, 0);
        while (!(events & ZMQ_POLLIN)) {
            if (poll(&item, 1, PATIENCE_MS) != 1) break;
            zmq_getsockopt(a, ZMQ_EVENTS, &events, &size);
        }
        told += arrived(a, 1);
    }
    EXPECT("each message is told", told == BURST);
    zmq_close(a);
    zmq_close(b);
}

// What was sent leaves after the close, to a peer that reads late.
static void what_lingers_leaves(void *context)
{
    void *a = open_socket(context, ZMQ_PULL), *b = open_socket(context, ZMQ_PUSH);
    static char body[65536];
    int sent = 0;
    join(a, b);
    zmq_send(b, "x", 1, 0);
    EXPECT("joined", arrived(a, 1));
    while (sent < 200 && zmq_send(b, body, sizeof body, ZMQ_DONTWAIT) > 0)
        sent++;
    zmq_close(b);
    sleep_ms(SOON_MS / 5);
    EXPECT("all of what was sent before a close comes", sent > 0 && arrived(a, sent));
    set(a, ZMQ_RCVTIMEO, 0);
    FAILS("and no more", zmq_recv(a, NULL, 0, 0), EAGAIN);
    zmq_close(a);
}

int main(void)
{
    void *context = zmq_ctx_new();
    what_was_sent_leaves(context);
    heartbeats_are_answered(context);
    room_is_found(context);
    a_busy_sender_hears(context);
    a_long_wait_costs_nothing(context);
    short_polls_wake_nobody(context);
    the_descriptor_tells(context);
    what_lingers_leaves(context);
    EXPECT("term", zmq_ctx_term(context) == 0);
    return expect_status;
}
