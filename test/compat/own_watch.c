// What has to be done for a socket while its program is busy elsewhere, and what must not be: the thread that
// keeps watch. Nothing here goes by a time but the sleeps in which it has to happen.
#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"

enum {
    PATIENCE_MS = 20000,
    SOON_MS = 500,
    BURST = 20,
    STREAM = 20000,
    POLLS = 100,
    POLL_MS = 10,
    RARE = 20,
    ROUNDS = 5
};

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

static void *send_late(void *argument)
{
    sleep_ms(SOON_MS);
    zmq_send(argument, "late", 4, 0);
    return NULL;
}

// Two sockets that hold each other to a heartbeat of 100 ms, of which one's program sleeps after it was called; |late|: for
// which it had waited for long.
static int stays_up(void *context, void *asleep, void *other, bool late)
{
    pthread_t thread;
    void *listener = open_socket(context, ZMQ_PAIR);
    if (!late) set(asleep, ZMQ_HEARTBEAT_IVL, 100); // its own would wake the watch
    set(other, ZMQ_HEARTBEAT_IVL, 100);
    set(other, ZMQ_HEARTBEAT_TIMEOUT, 400);
    zmq_socket_monitor(other, "inproc://heartbeats", ZMQ_EVENT_DISCONNECTED);
    zmq_connect(listener, "inproc://heartbeats");
    join(asleep, other);
    zmq_send(other, "x", 1, 0);
    int heard = arrived(asleep, 1);
    if (late) {
        pthread_create(&thread, NULL, send_late, other);
        heard &= arrived(asleep, 1);
        pthread_join(thread, NULL);
    }
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
    EXPECT("a program that sleeps keeps its peer", stays_up(context, a, b, false));
    zmq_close(a);
    zmq_close(b);
    a = open_socket(context, ZMQ_PULL), b = open_socket(context, ZMQ_PUSH);
    EXPECT("and one that was called late, and does not come back", stays_up(context, a, b, true));
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

// How often the threads of this process with that name have slept.
static long slept(const char *name)
{
    DIR *const tasks = opendir("/proc/self/task");
    const struct dirent *task;
    long all = 0;
    while (tasks && (task = readdir(tasks))) {
        char path[300], line[128];
        bool same = false;
        long count = 0;
        (void)snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *const file = fopen(path, "r");
        while (file && fgets(line, sizeof line, file)) {
            char word[32];
            if (sscanf(line, "Name: %31s", word) == 1) same = strcmp(word, name) == 0;
            if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1 && same) all += count;
        }
        if (file) fclose(file);
    }
    if (tasks) closedir(tasks);
    return all;
}

static void *serve(void *argument)
{
    char body[8];
    while (zmq_recv(argument, body, sizeof body, 0) == 4 && zmq_send(argument, body, 4, 0) == 4 &&
           memcmp(body, "ping", 4) == 0)
        continue;
    return NULL;
}

static int pinged(void *socket, const char *word)
{
    char body[8];
    return zmq_send(socket, word, 4, 0) == 4 && zmq_recv(socket, body, sizeof body, 0) == 4;
}

// A server that is called now and then does all of it by its own call, and while nothing happens no thread wakes. The watch
// has a context of its own, and so a name.
static void rare_calls_wake_nobody(void *clients)
{
    void *context = zmq_ctx_new(), *client = open_socket(clients, ZMQ_REQ);
    zmq_ctx_set(context, ZMQ_THREAD_NAME_PREFIX, 7);
    void *server = open_socket(context, ZMQ_REP);
    pthread_t thread;
    join(server, client);
    static const char name[] = "7/ZMQbg/IO/0";
    pthread_create(&thread, NULL, serve, server);
    int answered = pinged(client, "ping");
    EXPECT("answered", answered == 1 && slept(name) > 0);
    long woken = 1;
    for (int i = 0; i < RARE && woken > 0; i++) {
        const long before = slept(name);
        sleep_ms(SOON_MS / 5);
        woken = slept(name) - before;
    }
    EXPECT("no thread wakes while nothing happens", woken == 0);
    // Where the server's own thread is kept from its work for a millisecond, the watch rightly wakes.
    woken = RARE;
    for (int round = 0; round < ROUNDS && woken >= RARE / 2; round++) {
        const long before = slept(name);
        for (int i = 0; i < RARE; i++) {
            answered += pinged(client, "ping");
            sleep_ms(SOON_MS / 10);
        }
        woken = slept(name) - before;
    }
    EXPECT("nor does it for messages that come now and then", answered > RARE && woken < RARE / 2);
    EXPECT("the last", pinged(client, "last"));
    pthread_join(thread, NULL);
    zmq_close(client);
    zmq_close(server);
    EXPECT("and its end", zmq_ctx_term(context) == 0);
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
    rare_calls_wake_nobody(context);
    the_descriptor_tells(context);
    what_lingers_leaves(context);
    EXPECT("term", zmq_ctx_term(context) == 0);
    return expect_status;
}
