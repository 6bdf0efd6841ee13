// Drafts that libzmq 4.3.4 does not have yet, or answers otherwise: zmq_disconnect_peer, options 113 to 116, and a
// monitor that publishes.
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include "expect.h"
#include "patient.h"

enum { PATIENCE_MS = 20000, STEP_MS = 20 };

static void *open_socket(void *context, int type)
{
    return open_patient(context, type, PATIENCE_MS);
}

static int number_of(void *socket, int option)
{
    int number = -1;
    size_t size = sizeof number;
    return zmq_getsockopt(socket, option, &number, &size) == 0 ? number : -1;
}

static void moment(void)
{
    const struct timespec wait = {.tv_nsec = STEP_MS * 1000000};
    nanosleep(&wait, NULL);
}

static int text_is(void *socket, const char *text)
{
    char got[64];
    const int size = zmq_recv(socket, got, sizeof got, 0);
    return size == (int)strlen(text) && memcmp(got, text, strlen(text)) == 0;
}

static uint32_t who_said(void *socket, const char *text)
{
    zmq_msg_t msg;
    uint32_t id = 0;
    zmq_msg_init(&msg);
    if (zmq_msg_recv(&msg, socket, 0) == (int)strlen(text) &&
        memcmp(zmq_msg_data(&msg), text, strlen(text)) == 0)
        id = zmq_msg_routing_id(&msg);
    zmq_msg_close(&msg);
    return id;
}

static int say_to(void *socket, const char *text, uint32_t id)
{
    zmq_msg_t msg;
    zmq_msg_init_buffer(&msg, text, strlen(text));
    zmq_msg_set_routing_id(&msg, id);
    const int result = zmq_msg_send(&msg, socket, ZMQ_DONTWAIT);
    const int error = errno;
    if (result < 0) zmq_msg_close(&msg);
    errno = error;
    return result;
}

static void parted_peers(void *context, const char *where)
{
    static const char name[] = "a peer that is let go of";
    void *server = open_socket(context, ZMQ_SERVER), *client = open_socket(context, ZMQ_CLIENT);
    char endpoint[256];
    bind_somewhere(server, where, endpoint);
    zmq_connect(client, endpoint);
    EXPECT(name, zmq_send(client, "one", 3, 0) == 3);
    const uint32_t id = who_said(server, "one");
    EXPECT(name, id != 0 && say_to(server, "last", id) == 4);
    EXPECT(name, zmq_disconnect_peer(server, id) == 0);
    FAILS(name, zmq_disconnect_peer(server, id), EHOSTUNREACH);
    FAILS(name, say_to(server, "lost", id), EHOSTUNREACH);
    EXPECT(name, text_is(client, "last")); // what was sent before still comes
    FAILS(name, zmq_disconnect_peer(client, 1), ENOTSUP);
    FAILS(name, zmq_disconnect_peer(NULL, 1), ENOTSOCK);
    FAILS(name, zmq_disconnect_peer(context, 1), ENOTSOCK);
    zmq_close(client);
    zmq_close(server);
}

// A client that connects again hears of what lay between.
static void hiccup(void *context)
{
    static const char name[] = "a connection that was lost";
    void *server = open_socket(context, ZMQ_SERVER), *client = open_socket(context, ZMQ_CLIENT);
    char endpoint[256];
    EXPECT(name, zmq_setsockopt(client, ZMQ_HICCUP_MSG, "lost", 4) == 0);
    bind_somewhere(server, "tcp://127.0.0.1:*", endpoint);
    zmq_connect(client, endpoint);
    EXPECT(name, zmq_send(client, "one", 3, 0) == 3);
    EXPECT(name, zmq_disconnect_peer(server, who_said(server, "one")) == 0);
    EXPECT(name, text_is(client, "lost"));
    EXPECT(name, zmq_send(client, "two", 3, 0) == 3 && who_said(server, "two") != 0);
    zmq_close(client);
    zmq_close(server);
}

static void topics(void *context)
{
    static const char name[] = "how many topics there are";
    void *pub = open_socket(context, ZMQ_PUB), *sub = open_socket(context, ZMQ_SUB);
    void *push = open_socket(context, ZMQ_PUSH);
    int value = 0;
    size_t size = sizeof value;
    EXPECT(name, number_of(pub, ZMQ_TOPICS_COUNT) == 0 && number_of(sub, ZMQ_TOPICS_COUNT) == 0);
    zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "a", 1);
    zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "a", 1);
    zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "b", 1);
    EXPECT(name, number_of(sub, ZMQ_TOPICS_COUNT) == 2);
    zmq_bind(pub, "inproc://topics");
    zmq_connect(sub, "inproc://topics");
    for (int i = 0; i < PATIENCE_MS / STEP_MS && number_of(pub, ZMQ_TOPICS_COUNT) < 2; i++)
        moment();
    EXPECT(name, number_of(pub, ZMQ_TOPICS_COUNT) == 2);
    zmq_setsockopt(sub, ZMQ_UNSUBSCRIBE, "b", 1);
    for (int i = 0; i < PATIENCE_MS / STEP_MS && number_of(pub, ZMQ_TOPICS_COUNT) > 1; i++)
        moment();
    EXPECT(name, number_of(pub, ZMQ_TOPICS_COUNT) == 1);
    FAILS(name, zmq_getsockopt(push, ZMQ_TOPICS_COUNT, &value, &size), EINVAL);
    FAILS(name, zmq_setsockopt(pub, ZMQ_TOPICS_COUNT, &value, sizeof value), EINVAL);
    zmq_close(sub);
    zmq_close(pub);
    zmq_close(push);
}

static void every_end(void *context)
{
    static const char name[] = "every end of a subscription is told";
    void *xpub = open_socket(context, ZMQ_XPUB), *xsub = open_socket(context, ZMQ_XSUB);
    const int yes = 1;
    EXPECT(name, zmq_setsockopt(xsub, ZMQ_XSUB_VERBOSE_UNSUBSCRIBE, &yes, sizeof yes) == 0);
    FAILS(name, zmq_setsockopt(xpub, ZMQ_XSUB_VERBOSE_UNSUBSCRIBE, &yes, sizeof yes), EINVAL);
    zmq_setsockopt(xpub, ZMQ_XPUB_VERBOSER, &yes, sizeof yes);
    zmq_bind(xpub, "inproc://ends");
    zmq_connect(xsub, "inproc://ends");
    zmq_send(xsub, "\1a", 2, 0);
    zmq_send(xsub, "\0a", 2, 0);
    zmq_send(xsub, "\0a", 2, 0);
    char got[8];
    EXPECT(name, zmq_recv(xpub, got, sizeof got, 0) == 2 && got[0] == 1);
    EXPECT(name, zmq_recv(xpub, got, sizeof got, 0) == 2 && got[0] == 0);
    EXPECT(name, zmq_recv(xpub, got, sizeof got, 0) == 2 && got[0] == 0);
    zmq_close(xsub);
    zmq_close(xpub);
}

// Those of the kernel's: the connection is made with them.
static void of_the_kernel(void *context)
{
    static const char name[] = "options of the kernel";
    void *a = open_socket(context, ZMQ_PAIR), *b = open_socket(context, ZMQ_PAIR);
    const int priority = 5, large = 65536, none = 0;
    char endpoint[256];
    EXPECT(name, zmq_setsockopt(a, ZMQ_PRIORITY, &priority, sizeof priority) == 0);
    EXPECT(name, number_of(a, ZMQ_PRIORITY) == priority);
    EXPECT(name, zmq_setsockopt(a, ZMQ_BUSY_POLL, &none, sizeof none) == 0);
    EXPECT(name, zmq_setsockopt(a, ZMQ_IN_BATCH_SIZE, &large, sizeof large) == 0);
    EXPECT(name, zmq_setsockopt(a, ZMQ_OUT_BATCH_SIZE, &large, sizeof large) == 0);
    EXPECT(name, number_of(a, ZMQ_IN_BATCH_SIZE) == large);
    bind_somewhere(a, "tcp://127.0.0.1:*", endpoint);
    EXPECT(name, zmq_connect(b, endpoint) == 0 && zmq_send(b, "x", 1, 0) == 1 && text_is(a, "x"));
    int found = 0;
    for (int fd = 3; fd < 256; fd++) {
        int value = 0;
        socklen_t size = sizeof value;
        if (getsockopt(fd, SOL_SOCKET, SO_PRIORITY, &value, &size) == 0) found += value == priority;
    }
    EXPECT(name, found >= 1);
    zmq_close(a);
    zmq_close(b);
}

// As libzmq's that was built without it.
static void not_here(void *context)
{
    static const char name[] = "what is not here";
    static const int options[] = {
        ZMQ_GSSAPI_SERVER,
        ZMQ_GSSAPI_PRINCIPAL,
        ZMQ_GSSAPI_SERVICE_PRINCIPAL,
        ZMQ_GSSAPI_PLAINTEXT,
        ZMQ_GSSAPI_PRINCIPAL_NAMETYPE,
        ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE,
        ZMQ_VMCI_BUFFER_SIZE,
        ZMQ_VMCI_BUFFER_MIN_SIZE,
        ZMQ_VMCI_BUFFER_MAX_SIZE,
        ZMQ_VMCI_CONNECT_TIMEOUT,
        ZMQ_WSS_KEY_PEM,
        ZMQ_WSS_CERT_PEM,
        ZMQ_WSS_TRUST_PEM,
        ZMQ_WSS_HOSTNAME,
        ZMQ_WSS_TRUST_SYSTEM,
        ZMQ_NORM_MODE,
        ZMQ_NORM_UNICAST_NACK,
        ZMQ_NORM_BUFFER_SIZE,
        ZMQ_NORM_SEGMENT_SIZE,
        ZMQ_NORM_BLOCK_SIZE,
        ZMQ_NORM_NUM_PARITY,
        ZMQ_NORM_NUM_AUTOPARITY,
        ZMQ_NORM_PUSH,
    };
    void *socket = open_socket(context, ZMQ_PUB);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        int value = 1;
        size_t size = sizeof value;
        FAILS(name, zmq_setsockopt(socket, options[i], &value, sizeof value), EINVAL);
        FAILS(name, zmq_getsockopt(socket, options[i], &value, &size), EINVAL);
    }
    if (zmq_has("WS"))
        EXPECT(name, zmq_bind(socket, "ws://127.0.0.1:*") == 0);
    else
        FAILS(name, zmq_bind(socket, "ws://127.0.0.1:*"), EPROTONOSUPPORT);
    zmq_close(socket);
}

static void published_events(void *context)
{
    static const char name[] = "a monitor that publishes";
    void *rep = open_socket(context, ZMQ_REP), *sub = open_socket(context, ZMQ_SUB);
    uint64_t event = 0;
    EXPECT(name,
           zmq_socket_monitor_versioned(rep, "inproc://pub", ZMQ_EVENT_ALL_V2, 2, ZMQ_PUB) == 0);
    zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0);
    EXPECT(name, zmq_connect(sub, "inproc://pub") == 0);
    // Until the subscription is known events are for nobody.
    zmq_pollitem_t item = {.socket = sub, .events = ZMQ_POLLIN};
    for (int i = 0; i < PATIENCE_MS / STEP_MS && item.revents == 0; i++) {
        zmq_bind(rep, "tcp://127.0.0.1:*");
        zmq_poll(&item, 1, STEP_MS);
    }
    EXPECT(name, zmq_recv(sub, &event, sizeof event, 0) == sizeof event);
    EXPECT(name, event == ZMQ_EVENT_LISTENING);
    FAILS(name, zmq_socket_monitor_versioned(rep, "inproc://pub", 1, 3, ZMQ_PUB), EINVAL);
    zmq_close(rep);
    zmq_close(sub);
}

// A part of an event of version 2, as text.
static const char *told(void *monitor, char text[256])
{
    const int size = zmq_recv(monitor, text, 255, 0);
    text[size > 0 ? size : 0] = '\0';
    return text;
}

// Who dials hears from which address.
static void both_addresses(void *context)
{
    static const char name[] = "both addresses of a connection";
    void *rep = open_socket(context, ZMQ_REP), *req = open_socket(context, ZMQ_REQ);
    void *hears[2] = {open_socket(context, ZMQ_PAIR), open_socket(context, ZMQ_PAIR)};
    char endpoint[256], addresses[2][2][256], text[256];
    const uint64_t events[2] = {ZMQ_EVENT_ACCEPTED, ZMQ_EVENT_CONNECTED};
    EXPECT(name, zmq_socket_monitor_versioned(rep, "inproc://rep", events[0], 2, ZMQ_PAIR) == 0);
    EXPECT(name, zmq_socket_monitor_versioned(req, "inproc://req", events[1], 2, ZMQ_PAIR) == 0);
    EXPECT(name, zmq_connect(hears[0], "inproc://rep") == 0);
    EXPECT(name, zmq_connect(hears[1], "inproc://req") == 0);
    bind_somewhere(rep, "tcp://127.0.0.1:*", endpoint);
    EXPECT(name, zmq_connect(req, endpoint) == 0);
    for (size_t i = 0; i < 2; i++) {
        uint64_t event = 0;
        EXPECT(name, zmq_recv(hears[i], &event, sizeof event, 0) == 8 && event == events[i]);
        told(hears[i], text); // how many values
        told(hears[i], text); // the descriptor
        told(hears[i], addresses[i][0]);
        told(hears[i], addresses[i][1]);
    }
    EXPECT(name, strcmp(addresses[0][0], endpoint) == 0 && strcmp(addresses[1][1], endpoint) == 0);
    EXPECT(name, strncmp(addresses[1][0], "tcp://127.0.0.1:", 16) == 0 &&
                     strcmp(addresses[1][0], addresses[0][1]) == 0);
    zmq_close(hears[0]);
    zmq_close(hears[1]);
    zmq_close(req);
    zmq_close(rep);
}

struct depths {
    uint64_t out, in;
    char local[256], remote[256];
};

// Asks |socket|, which has one line, and hears of it. False: that is not what was told.
static int depths_of(void *socket, void *monitor, struct depths *depths)
{
    if (zmq_socket_monitor_pipes_stats(socket) != 0) return 0;
    uint64_t event = 0, count = 0;
    *depths = (struct depths){0};
    zmq_recv(monitor, &event, sizeof event, 0);
    zmq_recv(monitor, &count, sizeof count, 0);
    zmq_recv(monitor, &depths->out, sizeof depths->out, 0);
    zmq_recv(monitor, &depths->in, sizeof depths->in, 0);
    zmq_recv(monitor, depths->local, sizeof depths->local - 1, 0);
    zmq_recv(monitor, depths->remote, sizeof depths->remote - 1, 0);
    return event == ZMQ_EVENT_PIPES_STATS && count == 2;
}

// How much waits within a process, for who bound and for who connected.
static void depths_of_lines(void *context)
{
    static const char name[] = "how much waits over inproc";
    void *a = open_socket(context, ZMQ_DEALER), *b = open_socket(context, ZMQ_DEALER);
    void *monitor = open_socket(context, ZMQ_PAIR);
    struct depths depths;
    char body[8];
    const int few = 4; // as with libzmq, it is told of room when half of it is there
    zmq_setsockopt(a, ZMQ_SNDHWM, &few, sizeof few);
    zmq_setsockopt(b, ZMQ_RCVHWM, &few, sizeof few);
    EXPECT(name, zmq_socket_monitor_versioned(a, "inproc://depths", ZMQ_EVENT_PIPES_STATS, 2,
                                              ZMQ_PAIR) == 0);
    zmq_connect(monitor, "inproc://depths");
    FAILS(name, zmq_socket_monitor_pipes_stats(a), EAGAIN);
    zmq_bind(a, "inproc://line");
    zmq_connect(b, "inproc://line");
    for (int i = 0; i < 3; i++)
        EXPECT(name, zmq_send(b, "in", 2, 0) == 2);
    EXPECT(name, zmq_recv(a, body, sizeof body, 0) == 2);
    EXPECT(name, depths_of(a, monitor, &depths) && depths.out == 0 && depths.in == 2);
    EXPECT(name, strcmp(depths.local, "inproc://line") == 0 && depths.remote[0] == '\0');
    for (int i = 0; i < 5; i++)
        EXPECT(name, zmq_send(a, "out", 3, 0) == 3);
    EXPECT(name, depths_of(a, monitor, &depths) && depths.out == 5 && depths.in == 2);
    for (int i = 0; i < 5; i++)
        EXPECT(name, zmq_recv(b, body, sizeof body, 0) == 3);
    for (int i = 0; i < PATIENCE_MS / STEP_MS && depths.out > 1; i++) {
        EXPECT(name, depths_of(a, monitor, &depths));
        moment();
    }
    EXPECT(name, depths.out <= 1 && depths.in == 2);
    zmq_close(a);
    zmq_close(b);
    zmq_close(monitor);
}

// A DGRAM that has no endpoint; libzmq aborts.
static void nowhere(void *context)
{
    static const char name[] = "a datagram to nowhere";
    void *dgram = open_socket(context, ZMQ_DGRAM), *other = open_socket(context, ZMQ_DGRAM);
    char endpoint[256], from[256];
    FAILS(name, zmq_send(dgram, "x", 1, 0), EINVAL);
    EXPECT(name, zmq_send(dgram, "127.0.0.1:1", 11, ZMQ_SNDMORE) == 11);
    FAILS(name, zmq_send(dgram, "x", 1, ZMQ_SNDMORE), EINVAL);
    EXPECT(name, zmq_send(dgram, "x", 1, 0) == 1);
    // With one it goes there.
    bind_somewhere(other, "udp://127.0.0.1:*", endpoint);
    bind_somewhere(dgram, "udp://127.0.0.1:*", from);
    EXPECT(name, zmq_send(dgram, endpoint + strlen("udp://"), strlen(endpoint) - strlen("udp://"),
                          ZMQ_SNDMORE) > 0);
    EXPECT(name, zmq_send(dgram, "body", 4, 0) == 4);
    EXPECT(name, zmq_recv(other, from, sizeof from, 0) > 0 && text_is(other, "body"));
    FAILS(name, zmq_bind(dgram, "tcp://127.0.0.1:*"), ENOCOMPATPROTO);
    FAILS(name, zmq_connect(dgram, "inproc://nowhere"), ENOCOMPATPROTO);
    zmq_close(dgram);
    zmq_close(other);
}

int main(void)
{
    void *context = zmq_ctx_new();
    parted_peers(context, "inproc://parted");
    parted_peers(context, "tcp://127.0.0.1:*");
    hiccup(context);
    topics(context);
    every_end(context);
    of_the_kernel(context);
    not_here(context);
    published_events(context);
    both_addresses(context);
    depths_of_lines(context);
    nowhere(context);
    EXPECT("term", zmq_ctx_term(context) == 0);
    return expect_status;
}
