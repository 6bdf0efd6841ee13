// Monitors of version 2, options of contexts by address, and the drafts among the options.
#include <stdint.h>
#include <stdlib.h>

#include "patient.h"
#include "say.h"

enum { PATIENCE_MS = 20000 };

static void *open_socket(void *context, int type)
{
    return open_patient(context, type, PATIENCE_MS);
}

// One message of a monitor in version 2. The ports that the system gives are nobody's business.
static uint64_t hear(const char *name, void *monitor)
{
    uint64_t event = 0, count = 0, value = 0;
    char local[256], remote[256];
    if (zmq_recv(monitor, &event, sizeof event, 0) != sizeof event) {
        say(name, "silence");
        return 0;
    }
    zmq_recv(monitor, &count, sizeof count, 0);
    for (uint64_t i = 0; i < count; i++)
        zmq_recv(monitor, &value, sizeof value, 0);
    const int local_size = zmq_recv(monitor, local, sizeof local - 1, 0);
    const int remote_size = zmq_recv(monitor, remote, sizeof remote - 1, 0);
    int more;
    size_t size = sizeof more;
    zmq_getsockopt(monitor, ZMQ_RCVMORE, &more, &size);
    say(name, "event %llx, %llu values, local \"%.*s\" remote \"%.*s\" more %d",
        (unsigned long long)event, (unsigned long long)count, local_size < 16 ? local_size : 16,
        local, remote_size < 16 ? remote_size : 16, remote, more);
    return event;
}

static void events_of_a_listener(void *context, int type, int listens, const char *where)
{
    static const char name[] = "a listener's events";
    void *server = open_socket(context, ZMQ_ROUTER), *client = open_socket(context, ZMQ_DEALER);
    void *monitor = open_socket(context, listens);
    char endpoint[256];
    size_t size = sizeof endpoint;
    const uint64_t events = ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED |
                            ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_MONITOR_STOPPED |
                            ZMQ_EVENT_PIPES_STATS;
    say_result(name, zmq_socket_monitor_versioned(server, where, events, 2, type));
    say_result(name, zmq_connect(monitor, where));
    say_result(name, zmq_socket_monitor_pipes_stats(server));
    zmq_bind(server, "tcp://127.0.0.1:*");
    hear(name, monitor);
    zmq_getsockopt(server, ZMQ_LAST_ENDPOINT, endpoint, &size);
    zmq_connect(client, endpoint);
    hear(name, monitor);
    hear(name, monitor);
    zmq_send(client, "x", 1, 0);
    zmq_pollitem_t item = {.socket = server, .events = ZMQ_POLLIN};
    zmq_poll(&item, 1, PATIENCE_MS);
    say_result(name, zmq_socket_monitor_pipes_stats(server));
    // libzmq's tells later, when the socket is used.
    zmq_pollitem_t told = {.socket = monitor, .events = ZMQ_POLLIN};
    for (int i = 0; i < PATIENCE_MS / 10 && told.revents == 0; i++) {
        zmq_poll(&item, 1, 0);
        zmq_poll(&told, 1, 10);
    }
    hear(name, monitor);
    say_result(name, zmq_socket_monitor_versioned(server, NULL, 0, 2, ZMQ_PAIR));
    uint64_t event;
    do
        event = hear(name, monitor);
    while (event && event != ZMQ_EVENT_MONITOR_STOPPED);
    say_result(name, zmq_socket_monitor_pipes_stats(server));
    zmq_close(client);
    zmq_close(server);
    zmq_close(monitor);
}

static void wrong_monitors(void *context)
{
    static const char name[] = "monitors that cannot be";
    void *socket = open_socket(context, ZMQ_PAIR);
    const uint64_t all = ZMQ_EVENT_ALL;
    say_result(name, zmq_socket_monitor_versioned(NULL, "inproc://a", all, 2, ZMQ_PAIR));
    say_result(name, zmq_socket_monitor_versioned(socket, "tcp://127.0.0.1:*", all, 2, ZMQ_PAIR));
    say_result(name, zmq_socket_monitor_versioned(socket, "a", all, 2, ZMQ_PAIR));
    say_result(name, zmq_socket_monitor_versioned(socket, "inproc://a", all, 2, ZMQ_DEALER));
    say_result(name, zmq_socket_monitor_versioned(socket, "inproc://a", 0x10000, 1, ZMQ_PAIR));
    say_result(name, zmq_socket_monitor_pipes_stats(socket));
    say_result(name, zmq_socket_monitor_versioned(socket, NULL, 0, 1, ZMQ_PAIR));
    say_result(name, zmq_socket_monitor_pipes_stats(NULL));
    zmq_close(socket);
}

static void context_options(void)
{
    static const char name[] = "options of a context";
    void *context = zmq_ctx_new();
    const int two = 2;
    int number = -7;
    size_t size = sizeof number;
    char text[32] = "";
    say_result(name, zmq_ctx_set_ext(context, ZMQ_IO_THREADS, &two, sizeof two));
    say_result(name, zmq_ctx_get_ext(context, ZMQ_IO_THREADS, &number, &size));
    say(name, "%d", number);
    say_result(name, zmq_ctx_set_ext(context, ZMQ_IO_THREADS, &two, 1));
    say_result(name, zmq_ctx_set_ext(context, 4711, &two, sizeof two));
    say_result(name, zmq_ctx_set_ext(context, ZMQ_THREAD_NAME_PREFIX, "abc", 3));
    size = sizeof text;
    say_result(name, zmq_ctx_get_ext(context, ZMQ_THREAD_NAME_PREFIX, text, &size));
    say(name, "\"%s\"", text);
    say_result(name, zmq_ctx_set_ext(context, ZMQ_THREAD_NAME_PREFIX, "0123456789abcdef", 16));
    say_result(name, zmq_ctx_set_ext(context, ZMQ_THREAD_NAME_PREFIX, "0123456789abcdefg", 17));
    say_result(name, zmq_ctx_set_ext(context, ZMQ_THREAD_NAME_PREFIX, "", 0));
    size = 2;
    say_result(name, zmq_ctx_get_ext(context, ZMQ_THREAD_NAME_PREFIX, text, &size));
    size = sizeof number;
    say_result(name, zmq_ctx_get_ext(context, ZMQ_ZERO_COPY_RECV, &number, &size));
    say(name, "%d", number);
    say_result(name, zmq_ctx_get_ext(context, 4711, &number, &size));
    say_result(name, zmq_ctx_set_ext(NULL, ZMQ_IO_THREADS, &two, sizeof two));
    say_result(name, zmq_ctx_get_ext(NULL, ZMQ_IO_THREADS, &number, &size));
    say_result(name, zmq_ctx_term(context));
}

int main(void)
{
    void *context = zmq_ctx_new();
    events_of_a_listener(context, ZMQ_PAIR, ZMQ_PAIR, "inproc://first");
    events_of_a_listener(context, ZMQ_PUSH, ZMQ_PULL, "inproc://second");
    wrong_monitors(context);
    context_options();
    say_result("term", zmq_ctx_term(context));
    return 0;
}
