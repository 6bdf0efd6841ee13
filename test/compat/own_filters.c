// Filters that libzmq takes for something else than they say: what is right stands here.
#include <stdint.h>

#include "expect.h"

static int filter(void *socket, const char *text)
{
    return zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, text, strlen(text));
}

static void texts_that_mislead(void *context)
{
    static const char *const texts[] = {"10/8",        "127.1",       "010.0.0.1",   "10.0.0.0/8x",
                                        "10.0.0.0/08", "10.0.0.0/ 8", "10.0.0.1/33", "10.0.0.1/120",
                                        "fe80::1%lo",  "10.0.0.0/8/8"};
    const int six = 1;
    void *socket = zmq_socket(context, ZMQ_ROUTER);
    zmq_setsockopt(socket, ZMQ_IPV6, &six, sizeof six);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        FAILS(texts[i], filter(socket, texts[i]), EINVAL);
    zmq_close(socket);
}

static void null_filters(void *context)
{
    void *socket = zmq_socket(context, ZMQ_ROUTER);
    FAILS("a user of null", zmq_setsockopt(socket, ZMQ_IPC_FILTER_UID, NULL, 4), EINVAL);
    FAILS("a group of null", zmq_setsockopt(socket, ZMQ_IPC_FILTER_GID, NULL, 4), EINVAL);
    FAILS("a process of null", zmq_setsockopt(socket, ZMQ_IPC_FILTER_PID, NULL, 4), EINVAL);
    zmq_close(socket);
}

static void as_many_as_there_may_be(void *context)
{
    const char *const name = "4096 filters";
    void *socket = zmq_socket(context, ZMQ_ROUTER);
    int taken = 0;
    for (int i = 0; i < 4096; i++)
        taken += filter(socket, "10.0.0.0/8") == 0;
    EXPECT(name, taken == 4096);
    FAILS(name, filter(socket, "10.0.0.0/8"), EINVAL);
    EXPECT(name, zmq_bind(socket, "tcp://127.0.0.1:*") == 0);
    EXPECT(name, zmq_setsockopt(socket, ZMQ_TCP_ACCEPT_FILTER, NULL, 0) == 0);
    EXPECT(name, filter(socket, "10.0.0.0/8") == 0);
    zmq_close(socket);
}

// Dials |puller| at 127.0.0.1, and tells whether it was let in.
static int let_in(void *context, void *puller)
{
    char where[256], dial[300], octets[8];
    size_t size = sizeof where;
    const int none = 0;
    void *listener = zmq_socket(context, ZMQ_PAIR), *pusher = zmq_socket(context, ZMQ_PUSH);
    zmq_setsockopt(pusher, ZMQ_LINGER, &none, sizeof none);
    zmq_socket_monitor(puller, "inproc://door", ZMQ_EVENT_ACCEPT_FAILED);
    zmq_connect(listener, "inproc://door");
    zmq_bind(puller, "tcp://*:*");
    zmq_getsockopt(puller, ZMQ_LAST_ENDPOINT, where, &size);
    snprintf(dial, sizeof dial, "tcp://127.0.0.1%s", strrchr(where, ':'));
    zmq_connect(pusher, dial);
    zmq_send(pusher, "hello", 5, 0);
    zmq_pollitem_t items[] = {{puller, 0, ZMQ_POLLIN, 0}, {listener, 0, ZMQ_POLLIN, 0}};
    zmq_poll(items, 2, 20000);
    const int came = items[0].revents && zmq_recv(puller, octets, sizeof octets, 0) == 5;
    const int refused = items[1].revents != 0;
    zmq_socket_monitor(puller, NULL, 0);
    zmq_close(pusher);
    zmq_close(listener);
    return came == refused ? -1 : came;
}

static void families(void *context)
{
    const int six = 1;
    void *puller = zmq_socket(context, ZMQ_PULL);
    EXPECT("IPv4 before IPv6 is set", filter(puller, "127.0.0.0/8") == 0);
    zmq_setsockopt(puller, ZMQ_IPV6, &six, sizeof six);
    EXPECT("IPv4 before IPv6 is set", let_in(context, puller) == 1);
    zmq_setsockopt(puller, ZMQ_TCP_ACCEPT_FILTER, NULL, 0);
    EXPECT("a network of IPv4 and IPv6", filter(puller, "10.0.0.0/8") == 0);
    EXPECT("a network of IPv4 and IPv6", let_in(context, puller) == 0);
    EXPECT("all of IPv6", filter(puller, "::/0") == 0);
    EXPECT("all of IPv6", let_in(context, puller) == 0);
    EXPECT("a network of IPv4 and IPv6", filter(puller, "127.0.0.0/8") == 0);
    EXPECT("a network of IPv4 and IPv6", let_in(context, puller) == 1);
    zmq_close(puller);
}

int main(void)
{
    void *context = zmq_ctx_new();
    texts_that_mislead(context);
    null_filters(context);
    as_many_as_there_may_be(context);
    families(context);
    EXPECT("term", zmq_ctx_term(context) == 0);
    return expect_status;
}
