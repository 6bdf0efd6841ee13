// Who may connect: filters by address over tcp, and by process over ipc.
#include <stdint.h>
#include <unistd.h>

#include "say.h"

enum { PATIENCE_MS = 20000 };

static void *open_socket(void *context, int type)
{
    const int patience = PATIENCE_MS, none = 0;
    void *socket = zmq_socket(context, type);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience, sizeof patience);
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    return socket;
}

static int filter(void *socket, const char *text)
{
    return zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, text, strlen(text));
}

// What is a filter, and what is none: without IPv6 and with it.
static void texts(void *context)
{
    static const char *const known[] = {"127.0.0.1",
                                        "10.0.0.0/8",
                                        "10.0.0.0/0",
                                        "10.0.0.0/32",
                                        "10.0.0.0/",
                                        "::1",
                                        "::1/128",
                                        "::1/129",
                                        "fd00::/8",
                                        "[::1]",
                                        "*",
                                        "lo",
                                        "localhost",
                                        "10.0.0.1:5",
                                        "10.0.0.1 10.0.0.2",
                                        "10.0.0.1/33",
                                        "::ffff:10.0.0.1/100",
                                        " 10.0.0.1",
                                        "10.0.0.1 ",
                                        "/8"};
    char room[300];
    for (int six = 0; six <= 1; six++) {
        const char *const name = six ? "filters with IPv6" : "filters without IPv6";
        void *socket = open_socket(context, ZMQ_ROUTER);
        zmq_setsockopt(socket, ZMQ_IPV6, &six, sizeof six);
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            // With IPv6 libzmq counts the bits of an IPv4 address as if it were one of that.
            if (six && strcmp(known[i], "10.0.0.1/33") == 0) continue;
            say(name, "%s", known[i]);
            say_result(name, filter(socket, known[i]));
        }
        say_result(name, zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, "127.0.0.1", 10));
        say_result(name, zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, "", 0));
        say_result(name, zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, "", 1));
        say_result(name, zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, NULL, 1));
        say_result(name, zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, NULL, 0));
        memset(room, '1', sizeof room);
        say_result(name, zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, room, 256));
        size_t size = sizeof room;
        say_result(name, zmq_getsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, room, &size));
        zmq_close(socket);
    }
}

// Waits until |listener| is told of |event|, which is the only one that it hears of. 0: it was not.
static int hears(void *listener, int event)
{
    uint8_t head[6], endpoint[256];
    uint16_t number = 0;
    if (zmq_recv(listener, head, sizeof head, 0) != sizeof head) return 0;
    zmq_recv(listener, endpoint, sizeof endpoint, 0);
    memcpy(&number, head, sizeof number);
    return number == event;
}

// Binds |puller| once more, dials that, and tells whether a message comes, or twice nobody is let in.
static void knock(const char *name, void *context, void *puller, const char *endpoint,
                  const char *host)
{
    char where[256], monitor[64], octets[8];
    static int count;
    size_t size = sizeof where;
    void *listener = open_socket(context, ZMQ_PAIR), *pusher = open_socket(context, ZMQ_PUSH);
    const int six = 1;
    zmq_setsockopt(pusher, ZMQ_IPV6, &six, sizeof six);
    say_result(name, zmq_bind(puller, endpoint));
    zmq_getsockopt(puller, ZMQ_LAST_ENDPOINT, where, &size);
    snprintf(monitor, sizeof monitor, "inproc://door %d", ++count);
    say_result(name, zmq_socket_monitor(puller, monitor, ZMQ_EVENT_ACCEPT_FAILED));
    zmq_connect(listener, monitor);
    char dial[300];
    if (host)
        snprintf(dial, sizeof dial, "tcp://%s%s", host, strrchr(where, ':'));
    else
        snprintf(dial, sizeof dial, "%s", where);
    say_result(name, zmq_connect(pusher, dial));
    say_result(name, zmq_send(pusher, "hello", 5, 0));
    zmq_pollitem_t items[] = {{puller, 0, ZMQ_POLLIN, 0}, {listener, 0, ZMQ_POLLIN, 0}};
    zmq_poll(items, 2, PATIENCE_MS);
    if (items[1].revents) {
        const int first = hears(listener, ZMQ_EVENT_ACCEPT_FAILED);
        say(name, "turned away, %d %d", first, hears(listener, ZMQ_EVENT_ACCEPT_FAILED));
        say_result(name, zmq_recv(puller, octets, sizeof octets, ZMQ_DONTWAIT));
    } else {
        say_result(name, zmq_recv(puller, octets, sizeof octets, 0));
    }
    zmq_socket_monitor(puller, NULL, 0);
    zmq_close(pusher);
    zmq_close(listener);
}

static void addresses(void *context)
{
    static const char any[] = "tcp://127.0.0.1:*";
    void *puller = open_socket(context, ZMQ_PULL);
    knock("no filter", context, puller, any, NULL);
    filter(puller, "10.0.0.0/8");
    knock("a filter for others", context, puller, any, NULL);
    filter(puller, "127.0.0.2");
    knock("one more for others", context, puller, any, NULL);
    filter(puller, "127.0.0.0/8");
    knock("a filter that fits, behind those", context, puller, any, NULL);
    zmq_setsockopt(puller, ZMQ_TCP_ACCEPT_FILTER, NULL, 0);
    knock("no filters any more", context, puller, any, NULL);
    filter(puller, "10.0.0.0/8");
    knock("a filter for others, over ipc", context, puller, "ipc://*", NULL);
    zmq_close(puller);
}

static void both_families(void *context)
{
    static const char any[] = "tcp://*:*";
    const int six = 1;
    void *puller = open_socket(context, ZMQ_PULL);
    zmq_setsockopt(puller, ZMQ_IPV6, &six, sizeof six);
    filter(puller, "::1");
    knock("a filter of IPv6, from there", context, puller, any, "[::1]");
    knock("a filter of IPv6, from IPv4", context, puller, any, "127.0.0.1");
    filter(puller, "127.0.0.1");
    knock("a filter of both", context, puller, any, "127.0.0.1");
    zmq_setsockopt(puller, ZMQ_TCP_ACCEPT_FILTER, NULL, 0);
    filter(puller, "::ffff:127.0.0.0/104");
    knock("a filter of IPv4 as IPv6 has it", context, puller, any, "127.0.0.1");
    knock("a filter of IPv4 as IPv6 has it, from IPv6", context, puller, any, "[::1]");
    zmq_close(puller);
}

static void processes(void *context)
{
    static const char any[] = "ipc://*";
    const uint32_t nobody = 4000000000u, self = geteuid();
    void *puller = open_socket(context, ZMQ_PULL);
    say_result("a user", zmq_setsockopt(puller, ZMQ_IPC_FILTER_UID, &nobody, 4));
    knock("a filter for another user", context, puller, any, NULL);
    say_result("a user", zmq_setsockopt(puller, ZMQ_IPC_FILTER_UID, &self, 4));
    knock("a filter for this user", context, puller, any, NULL);
    say_result("a user", zmq_setsockopt(puller, ZMQ_IPC_FILTER_UID, NULL, 0));
    say_result("a user", zmq_setsockopt(puller, ZMQ_IPC_FILTER_GID, &nobody, 4));
    say_result("a user", zmq_setsockopt(puller, ZMQ_IPC_FILTER_PID, &nobody, 4));
    knock("filters for another group and process", context, puller, any, NULL);
    say_result("a user", zmq_setsockopt(puller, ZMQ_IPC_FILTER_GID, NULL, 0));
    say_result("a user", zmq_setsockopt(puller, ZMQ_IPC_FILTER_PID, NULL, 0));
    knock("no filters for processes any more", context, puller, any, NULL);
    say_result("a user", zmq_setsockopt(puller, ZMQ_IPC_FILTER_UID, "", 0));
    say_result("a user", zmq_setsockopt(puller, ZMQ_IPC_FILTER_UID, &self, 3));
    zmq_close(puller);
}

int main(void)
{
    void *context = zmq_ctx_new();
    texts(context);
    addresses(context);
    both_families(context);
    processes(context);
    say_result("term", zmq_ctx_term(context));
    return 0;
}
