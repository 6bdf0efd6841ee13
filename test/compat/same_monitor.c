// What monitors tell, in which order and with which values. A descriptor is told as one, an endpoint's number as #.
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "say.h"

enum { PATIENCE_MS = 20000 };

static const struct {
    int event;
    const char *name;
} events[] = {{ZMQ_EVENT_CONNECTED, "CONNECTED"},
              {ZMQ_EVENT_CONNECT_DELAYED, "CONNECT_DELAYED"},
              {ZMQ_EVENT_CONNECT_RETRIED, "CONNECT_RETRIED"},
              {ZMQ_EVENT_LISTENING, "LISTENING"},
              {ZMQ_EVENT_BIND_FAILED, "BIND_FAILED"},
              {ZMQ_EVENT_ACCEPTED, "ACCEPTED"},
              {ZMQ_EVENT_ACCEPT_FAILED, "ACCEPT_FAILED"},
              {ZMQ_EVENT_CLOSED, "CLOSED"},
              {ZMQ_EVENT_CLOSE_FAILED, "CLOSE_FAILED"},
              {ZMQ_EVENT_DISCONNECTED, "DISCONNECTED"},
              {ZMQ_EVENT_MONITOR_STOPPED, "MONITOR_STOPPED"},
              {ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, "HANDSHAKE_FAILED_NO_DETAIL"},
              {ZMQ_EVENT_HANDSHAKE_SUCCEEDED, "HANDSHAKE_SUCCEEDED"},
              {ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, "HANDSHAKE_FAILED_PROTOCOL"},
              {ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, "HANDSHAKE_FAILED_AUTH"}};

static const char *event_name(int event)
{
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (events[i].event == event) return events[i].name;
    return "something else";
}

static void say_event(const char *name, int event, uint32_t value, char *endpoint)
{
    char *const colon = strrchr(endpoint, ':');
    if (strncmp(endpoint, "tcp", 3) == 0 && colon && colon[1]) strcpy(colon + 1, "#");
    const size_t size = strlen(endpoint);
    if (size > 7 && strcmp(endpoint + size - 7, "/socket") == 0) strcpy(endpoint, "ipc://#");
    const int descriptors = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED |
                            ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED;
    if (event & descriptors)
        say(name, "%s %s %s", event_name(event), value > 2 ? "descriptor" : "none", endpoint);
    else if (event & (ZMQ_EVENT_CONNECT_DELAYED | ZMQ_EVENT_BIND_FAILED))
        say(name, "%s %s %s", event_name(event), strerror((int)value), endpoint);
    else if (event == ZMQ_EVENT_CONNECT_RETRIED) // up to twice the interval
        say(name, "CONNECT_RETRIED %s %s", value >= 100 && value <= 200 ? "in time" : "odd",
            endpoint);
    else
        say(name, "%s %u %s", event_name(event), (unsigned)value, endpoint);
}

// Tells events until |last| has come |times|.
static void watch(void *monitor, const char *name, int last, int times)
{
    while (times > 0) {
        unsigned char head[16];
        char endpoint[256] = "";
        const int size = zmq_recv(monitor, head, sizeof head, 0);
        uint16_t event;
        uint32_t value;
        if (size != sizeof event + sizeof value) {
            say(name, "%d instead of %s", size, event_name(last));
            return;
        }
        memcpy(&event, head, sizeof event);
        memcpy(&value, head + sizeof event, sizeof value);
        (void)zmq_recv(monitor, endpoint, sizeof endpoint - 1, 0);
        say_event(name, event, value, endpoint);
        if (event == last) times--;
    }
}

static void *watched(void *context, int type, const char *where, void **monitor)
{
    void *const socket = zmq_socket(context, type);
    const int linger = 0, patience = PATIENCE_MS;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    say_result(where, zmq_socket_monitor(socket, where, ZMQ_EVENT_ALL));
    *monitor = zmq_socket(context, ZMQ_PAIR);
    zmq_setsockopt(*monitor, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(*monitor, ZMQ_RCVTIMEO, &patience, sizeof patience);
    say_result(where, zmq_connect(*monitor, where));
    return socket;
}

struct pair {
    void *context, *server, *client, *server_monitor, *client_monitor;
    char endpoint[256];
};

static void pair_open(struct pair *pair)
{
    pair->context = zmq_ctx_new();
    pair->server = watched(pair->context, ZMQ_REP, "inproc://server", &pair->server_monitor);
    pair->client = watched(pair->context, ZMQ_REQ, "inproc://client", &pair->client_monitor);
}

static void pair_bind(struct pair *pair, const char *name, const char *where)
{
    size_t size = sizeof pair->endpoint;
    say_result(name, zmq_bind(pair->server, where));
    say_result(name, zmq_getsockopt(pair->server, ZMQ_LAST_ENDPOINT, pair->endpoint, &size));
}

static void pair_close(struct pair *pair)
{
    if (pair->client) zmq_close(pair->client);
    if (pair->server) zmq_close(pair->server);
    zmq_close(pair->server_monitor);
    zmq_close(pair->client_monitor);
    zmq_ctx_term(pair->context);
}

static void come_and_go(const char *name, const char *where)
{
    struct pair pair;
    pair_open(&pair);
    pair_bind(&pair, name, where);
    say_result(name, zmq_connect(pair.client, pair.endpoint));
    watch(pair.client_monitor, name, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 1);
    watch(pair.server_monitor, name, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 1);
    zmq_close(pair.client);
    pair.client = NULL;
    watch(pair.client_monitor, name, ZMQ_EVENT_MONITOR_STOPPED, 1);
    watch(pair.server_monitor, name, ZMQ_EVENT_DISCONNECTED, 1);
    say_result(name, zmq_unbind(pair.server, pair.endpoint));
    watch(pair.server_monitor, name, ZMQ_EVENT_CLOSED, 1);
    say_result(name, zmq_socket_monitor(pair.server, NULL, 0));
    watch(pair.server_monitor, name, ZMQ_EVENT_MONITOR_STOPPED, 1);
    pair_close(&pair);
}

static void server_goes(const char *name, const char *where)
{
    struct pair pair;
    pair_open(&pair);
    pair_bind(&pair, name, where);
    say_result(name, zmq_connect(pair.client, pair.endpoint));
    watch(pair.client_monitor, name, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 1);
    watch(pair.server_monitor, name, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 1);
    zmq_close(pair.server);
    pair.server = NULL;
    watch(pair.server_monitor, name, ZMQ_EVENT_MONITOR_STOPPED, 1);
    watch(pair.client_monitor, name, ZMQ_EVENT_CONNECT_RETRIED, 2);
    pair_close(&pair);
}

static void nobody(const char *name, const char *where)
{
    struct pair pair;
    pair_open(&pair);
    say_result(name, zmq_connect(pair.client, where));
    watch(pair.client_monitor, name, ZMQ_EVENT_CLOSED, 3);
    pair_close(&pair);
}

static void let_go(const char *name, const char *where)
{
    struct pair pair;
    pair_open(&pair);
    pair_bind(&pair, name, where);
    say_result(name, zmq_connect(pair.client, pair.endpoint));
    watch(pair.server_monitor, name, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 1);
    watch(pair.client_monitor, name, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 1);
    say_result(name, zmq_disconnect(pair.client, pair.endpoint));
    zmq_close(pair.client);
    pair.client = NULL;
    watch(pair.client_monitor, name, ZMQ_EVENT_MONITOR_STOPPED, 1);
    pair_close(&pair);
}

// Who is connected can be asked about by the descriptor.
static void descriptor(const char *name)
{
    struct pair pair;
    unsigned char head[16];
    char endpoint[256];
    pair_open(&pair);
    pair_bind(&pair, name, "tcp://127.0.0.1:*");
    say_result(name, zmq_connect(pair.client, pair.endpoint));
    for (int told = 0; told < 2;) {
        void *const monitor = told == 0 ? pair.server_monitor : pair.client_monitor;
        if (zmq_recv(monitor, head, sizeof head, 0) < 0) break;
        (void)zmq_recv(monitor, endpoint, sizeof endpoint, 0);
        uint16_t event;
        uint32_t value;
        memcpy(&event, head, sizeof event);
        memcpy(&value, head + sizeof event, sizeof value);
        if (event != ZMQ_EVENT_ACCEPTED && event != ZMQ_EVENT_CONNECTED) continue;
        int kind = 0;
        socklen_t size = sizeof kind;
        say_result(name, getsockopt((int)value, SOL_SOCKET, SO_TYPE, &kind, &size));
        say(name, "%s", kind == SOCK_STREAM ? "a stream" : "something else");
        told++;
    }
    pair_close(&pair);
}

// What is bound to every address hears at which of them a connection came.
static void everywhere(const char *name)
{
    struct pair pair;
    char near[256];
    pair_open(&pair);
    pair_bind(&pair, name, "tcp://*:*");
    snprintf(near, sizeof near, "tcp://127.0.0.1%s", strrchr(pair.endpoint, ':'));
    say_result(name, zmq_connect(pair.client, near));
    watch(pair.server_monitor, name, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 1);
    zmq_close(pair.client);
    pair.client = NULL;
    watch(pair.server_monitor, name, ZMQ_EVENT_DISCONNECTED, 1);
    pair_close(&pair);
}

int main(void)
{
    static const char *const places[] = {"tcp://127.0.0.1:*", "ipc://*"};
    char name[80];
    for (size_t i = 0; i < 2; i++) {
        const char *const kind = i == 0 ? "tcp" : "ipc";
        snprintf(name, sizeof name, "%s, a client comes and goes", kind);
        come_and_go(name, places[i]);
        snprintf(name, sizeof name, "%s, the server goes", kind);
        server_goes(name, places[i]);
        snprintf(name, sizeof name, "%s, let go of", kind);
        let_go(name, places[i]);
    }
    nobody("tcp, nobody is there", "tcp://127.0.0.1:9");
    nobody("ipc, nobody is there", "ipc:///tmp/nobody-is-here");
    descriptor("descriptors");
    everywhere("bound to every address");
    return 0;
}
