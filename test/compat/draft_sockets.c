// The types of sockets that libzmq calls drafts, as they answer: beside it lies what libzmq 4.3.4 printed that was
// built with drafts.
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "patient.h"
#include "say.h"

enum { PATIENCE_MS = 20000, TYPES = ZMQ_CHANNEL + 1 };

static const char *const names[TYPES] = {
    [ZMQ_SERVER] = "SERVER", [ZMQ_CLIENT] = "CLIENT", [ZMQ_RADIO] = "RADIO",
    [ZMQ_DISH] = "DISH",     [ZMQ_GATHER] = "GATHER", [ZMQ_SCATTER] = "SCATTER",
    [ZMQ_DGRAM] = "DGRAM",   [ZMQ_PEER] = "PEER",     [ZMQ_CHANNEL] = "CHANNEL",
};

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

static void say_peer(const char *name, uint32_t id)
{
    const int error = zmq_errno();
    say(name, "%s", id ? "somebody" : error_word(error));
}

// What each does alone.
static void alone(void *context, int type)
{
    char name[32];
    snprintf(name, sizeof name, "%s alone", names[type]);
    void *socket = open_socket(context, type);
    int fd = -1;
    size_t size = sizeof fd;
    say(name, "type %d", number_of(socket, ZMQ_TYPE));
    say(name, "safe %d", number_of(socket, ZMQ_THREAD_SAFE));
    const int result = zmq_getsockopt(socket, ZMQ_FD, &fd, &size);
    if (result < 0)
        say_result(name, result);
    else
        say(name, "has a descriptor");
    say(name, "events %d", number_of(socket, ZMQ_EVENTS));
    if (type != ZMQ_DGRAM) {
        say_result(name, zmq_send(socket, "x", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE));
        say_result(name, zmq_send(socket, "x", 1, ZMQ_DONTWAIT));
    }
    char octet;
    say_result(name, zmq_recv(socket, &octet, 1, ZMQ_DONTWAIT));
    say_result(name, zmq_join(socket, "a"));
    say_result(name, zmq_leave(socket, "a"));
    say_result(name, zmq_socket_get_peer_state(socket, "a", 1));
    say_result(name, zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0));
    if (type != ZMQ_PEER) say_peer(name, zmq_connect_peer(socket, "inproc://a"));
    if (type != ZMQ_DGRAM) {
        say_result(name, zmq_bind(socket, "udp://127.0.0.1:15679") < 0 ? -1 : 0);
        say_result(name, zmq_connect(socket, "udp://127.0.0.1:15678") < 0 ? -1 : 0);
    } else {
        say_result(name, zmq_connect(socket, "udp://127.0.0.1:15678"));
        say_result(name, zmq_bind(socket, "udp://127.0.0.1:*") < 0 ? -1 : 0);
    }
    say_result(name, zmq_close(socket));
}

static void join(const char *name, void *a, void *b, const char *transport)
{
    char endpoint[256];
    size_t size = sizeof endpoint;
    if (strcmp(transport, "inproc") == 0)
        snprintf(endpoint, sizeof endpoint, "inproc://%s", name);
    else if (strcmp(transport, "ipc") == 0)
        snprintf(endpoint, sizeof endpoint, "ipc://*");
    else
        snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:*");
    say_result(name, zmq_bind(a, endpoint));
    zmq_getsockopt(a, ZMQ_LAST_ENDPOINT, endpoint, &size);
    say_result(name, zmq_connect(b, endpoint));
}

// Takes one, tells it, and gives who it came from.
static uint32_t take(const char *name, void *socket)
{
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    const int result = zmq_msg_recv(&msg, socket, 0);
    if (result < 0) {
        say_result(name, result);
        return 0;
    }
    const uint32_t id = zmq_msg_routing_id(&msg);
    say(name, "\"%.*s\" %s group \"%s\" more %d", (int)zmq_msg_size(&msg),
        (const char *)zmq_msg_data(&msg), id ? "from somebody" : "from nobody", zmq_msg_group(&msg),
        zmq_msg_more(&msg));
    zmq_msg_close(&msg);
    return id;
}

static int give_to(void *socket, const char *text, uint32_t id, const char *group, int flags)
{
    zmq_msg_t msg;
    zmq_msg_init_buffer(&msg, text, strlen(text));
    if (id) zmq_msg_set_routing_id(&msg, id);
    if (group) zmq_msg_set_group(&msg, group);
    const int result = zmq_msg_send(&msg, socket, flags);
    const int error = errno;
    if (result < 0) zmq_msg_close(&msg);
    errno = error;
    return result;
}

static void server_client(void *context, const char *transport)
{
    char name[32];
    snprintf(name, sizeof name, "SERVER and CLIENT %s", transport);
    void *server = open_socket(context, ZMQ_SERVER), *client = open_socket(context, ZMQ_CLIENT);
    join(name, server, client, transport);
    say_result(name, zmq_send(client, "hello", 5, 0));
    const uint32_t id = take(name, server);
    say_result(name, give_to(server, "you", id, NULL, 0));
    take(name, client);
    say_result(name, give_to(server, "more", id, NULL, ZMQ_SNDMORE));
    say_result(name, zmq_send(client, "more", 4, ZMQ_SNDMORE));
    say_result(name, zmq_send(server, "whom", 4, 0));
    say_result(name, give_to(server, "whom", id + 1 ? id + 1 : 1, NULL, 0));
    zmq_pollitem_t items[] = {{.socket = server, .events = ZMQ_POLLIN | ZMQ_POLLOUT},
                              {.socket = client, .events = ZMQ_POLLIN}};
    say(name, "poll %d %d %d", zmq_poll(items, 2, 0), items[0].revents, items[1].revents);
    items[0].events = ZMQ_POLLIN;
    say(name, "poll %d %d %d", zmq_poll(items, 2, 50), items[0].revents, items[1].revents);
    say_result(name, zmq_send(client, "", 0, 0));
    say(name, "poll %d %d", zmq_poll(items, 1, PATIENCE_MS), items[0].revents);
    say(name, "events %d", number_of(server, ZMQ_EVENTS));
    take(name, server);
    zmq_close(client);
    zmq_close(server);
}

static void peers(void *context, const char *transport)
{
    char name[32], endpoint[256];
    size_t size = sizeof endpoint;
    snprintf(name, sizeof name, "PEER %s", transport);
    void *a = open_socket(context, ZMQ_PEER), *b = open_socket(context, ZMQ_PEER);
    const int inproc = strcmp(transport, "inproc") == 0, yes = 1;
    say_result(name, zmq_bind(a, inproc ? "inproc://peers" : "tcp://127.0.0.1:*"));
    zmq_getsockopt(a, ZMQ_LAST_ENDPOINT, endpoint, &size);
    const uint32_t there = zmq_connect_peer(b, endpoint);
    say_peer(name, there);
    say_result(name, give_to(b, "first", there, NULL, 0));
    const uint32_t here = take(name, a);
    say_result(name, give_to(a, "back", here, NULL, 0));
    say(name, "%s", take(name, b) == there ? "the same" : "another");
    say_peer(name, zmq_connect_peer(b, "tcp://nowhere"));
    zmq_setsockopt(b, ZMQ_IMMEDIATE, &yes, sizeof yes);
    say_peer(name, zmq_connect_peer(b, endpoint));
    zmq_close(a);
    zmq_close(b);
}

static void scatter_gather(void *context, const char *transport)
{
    char name[32];
    snprintf(name, sizeof name, "SCATTER and GATHER %s", transport);
    void *gather = open_socket(context, ZMQ_GATHER), *scatter = open_socket(context, ZMQ_SCATTER);
    join(name, gather, scatter, transport);
    say_result(name, zmq_send(scatter, "one", 3, 0));
    say_result(name, zmq_send(scatter, "two", 3, ZMQ_SNDMORE));
    say_result(name, zmq_send(gather, "two", 3, 0));
    take(name, gather);
    zmq_close(scatter);
    zmq_close(gather);
}

static void channel(void *context, const char *transport)
{
    char name[32];
    snprintf(name, sizeof name, "CHANNEL %s", transport);
    void *a = open_socket(context, ZMQ_CHANNEL), *b = open_socket(context, ZMQ_CHANNEL);
    join(name, a, b, transport);
    say_result(name, zmq_send(b, "one", 3, 0));
    take(name, a);
    say_result(name, zmq_send(a, "two", 3, 0));
    take(name, b);
    say_result(name, zmq_send(a, "two", 3, ZMQ_SNDMORE));
    zmq_close(a);
    zmq_close(b);
}

// Until the DISH's wish is known, what is sent goes nowhere.
static void radio_dish(void *context, const char *transport)
{
    char name[32];
    snprintf(name, sizeof name, "RADIO and DISH %s", transport);
    void *radio = open_socket(context, ZMQ_RADIO), *dish = open_socket(context, ZMQ_DISH);
    say_result(name, zmq_join(dish, "news"));
    say_result(name, zmq_join(dish, "news"));
    say_result(name, zmq_leave(dish, "other"));
    join(name, radio, dish, transport);
    zmq_pollitem_t item = {.socket = dish, .events = ZMQ_POLLIN};
    for (int i = 0; i < PATIENCE_MS / 20 && item.revents == 0; i++) {
        give_to(radio, "hello", 0, "news", 0);
        zmq_poll(&item, 1, 20);
    }
    take(name, dish);
    say_result(name, give_to(radio, "unasked", 0, "weather", 0));
    say_result(name, zmq_send(radio, "of no group", 11, 0));
    say_result(name, give_to(radio, "more", 0, "news", ZMQ_SNDMORE));
    say_result(name, zmq_leave(dish, "news"));
    say_result(name, zmq_leave(dish, "news"));
    zmq_close(dish);
    zmq_close(radio);
}

static void radio_dish_udp(void *context)
{
    static const char name[] = "RADIO and DISH udp";
    void *radio = open_socket(context, ZMQ_RADIO), *dish = open_socket(context, ZMQ_DISH);
    char endpoint[64];
    const struct timespec wait = {.tv_nsec = 1000000};
    int bound = -1;
    for (int port = 20000 + (int)(time(NULL) % 20000); bound < 0 && port < 65000; port++) {
        snprintf(endpoint, sizeof endpoint, "udp://127.0.0.1:%d", port);
        bound = zmq_bind(dish, endpoint);
        nanosleep(&wait, NULL);
    }
    say_result(name, bound);
    say_result(name, zmq_connect(radio, endpoint));
    say_result(name, zmq_join(dish, "news"));
    zmq_pollitem_t item = {.socket = dish, .events = ZMQ_POLLIN};
    for (int i = 0; i < PATIENCE_MS / 20 && item.revents == 0; i++) {
        give_to(radio, "hello", 0, "news", 0);
        zmq_poll(&item, 1, 20);
    }
    take(name, dish);
    zmq_close(dish);
    zmq_close(radio);
}

static void wrong_together(void *context)
{
    static const char name[] = "groups";
    void *dish = open_socket(context, ZMQ_DISH);
    char group[300];
    memset(group, 'g', sizeof group);
    group[256] = '\0';
    say_result(name, zmq_join(dish, group));
    group[255] = '\0';
    say_result(name, zmq_join(dish, group));
    say_result(name, zmq_join(dish, ""));
    zmq_close(dish);
    say_result(name, zmq_join(NULL, "a"));
    say_result(name, zmq_leave(NULL, "a"));
    say_peer(name, zmq_connect_peer(NULL, "inproc://a"));
    say_result(name, zmq_socket_get_peer_state(NULL, "a", 1));
}

static void peer_state(void *context)
{
    static const char name[] = "the state of a peer";
    void *router = open_socket(context, ZMQ_ROUTER), *dealer = open_socket(context, ZMQ_DEALER);
    const int few = 1, yes = 1;
    zmq_setsockopt(router, ZMQ_SNDHWM, &few, sizeof few);
    zmq_setsockopt(dealer, ZMQ_RCVHWM, &few, sizeof few);
    zmq_setsockopt(router, ZMQ_ROUTER_MANDATORY, &yes, sizeof yes);
    zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "me", 2);
    say_result(name, zmq_socket_get_peer_state(router, "me", 2));
    zmq_bind(router, "inproc://state");
    zmq_connect(dealer, "inproc://state");
    zmq_send(dealer, "x", 1, 0);
    char text[8];
    say_result(name, zmq_recv(router, text, sizeof text, 0));
    say_result(name, zmq_recv(router, text, sizeof text, 0));
    say_result(name, zmq_socket_get_peer_state(router, "me", 2));
    say_result(name, zmq_socket_get_peer_state(router, "you", 3));
    int sent = 0;
    while (sent < 100 && zmq_send(router, "me", 2, ZMQ_SNDMORE | ZMQ_DONTWAIT) == 2 &&
           zmq_send(router, "y", 1, ZMQ_DONTWAIT) == 1)
        sent++;
    say(name, "%s", sent < 100 ? "it is full" : "it takes all");
    say_result(name, zmq_socket_get_peer_state(router, "me", 2));
    zmq_close(dealer);
    zmq_close(router);
}

int main(void)
{
    void *context = zmq_ctx_new();
    static const char *const transports[] = {"inproc", "ipc", "tcp"};
    for (int type = ZMQ_SERVER; type <= ZMQ_CHANNEL; type++)
        alone(context, type);
    say_pointer("no such type", zmq_socket(context, ZMQ_CHANNEL + 1));
    for (size_t i = 0; i < sizeof transports / sizeof *transports; i++) {
        server_client(context, transports[i]);
        scatter_gather(context, transports[i]);
        channel(context, transports[i]);
        radio_dish(context, transports[i]);
    }
    peers(context, "inproc");
    peers(context, "tcp");
    radio_dish_udp(context);
    wrong_together(context);
    peer_state(context);
    say_result("term", zmq_ctx_term(context));
    return 0;
}
