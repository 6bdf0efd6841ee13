// Every option of a socket and of a context: its default, what it takes, what it refuses, of every type.
#include <limits.h>
#include <stdint.h>
#include <stdio.h>

#include "say.h"

enum { OPTION_NUMBERS = 125, TEXT_MAX = 300 };

// GSSAPI, which is not to be had here, says so in EINVAL; 38 is told apart below.
static int is_left_out(int option)
{
    return (option >= ZMQ_GSSAPI_SERVER && option <= ZMQ_GSSAPI_PLAINTEXT) ||
           option == ZMQ_GSSAPI_PRINCIPAL_NAMETYPE ||
           option == ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE || option == ZMQ_TCP_ACCEPT_FILTER ||
           option == ZMQ_FD; // any number
}

static void say_option(void *socket, int type, int option)
{
    static const int values[] = {-2, -1, 0, 1, 2, 7, 255, 256, 100000, INT_MAX};
    char name[64], octets[300] = {0};
    snprintf(name, sizeof name, "type %d, option %d", type, option);
    for (size_t room = 0; room < 300; room = room < 9 ? room + 1 : room * 2) {
        size_t size = room;
        const int got = zmq_getsockopt(socket, option, octets, &size);
        say_result(name, got);
        if (got == 0) say_octets(name, octets, size);
    }
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int value = 0;
        size_t size = sizeof value;
        say_result(name, zmq_setsockopt(socket, option, &values[i], sizeof values[i]));
        if (zmq_getsockopt(socket, option, &value, &size) == 0) say(name, "%d", value);
    }
    const int64_t wide = 5;
    say_result(name, zmq_setsockopt(socket, option, &wide, sizeof wide));
    say_result(name, zmq_setsockopt(socket, option, &wide, 3));
    say_result(name, zmq_setsockopt(socket, option, NULL, 0));
    say_result(name, zmq_setsockopt(socket, option, "", 0));
}

static void say_text(void *socket, const char *name, int option)
{
    char room[TEXT_MAX + 2] = {0};
    size_t size = sizeof room;
    const int got = zmq_getsockopt(socket, option, room, &size);
    say_result(name, got);
    if (got == 0) say(name, "%zu octets, the last %d", size, size ? room[size - 1] : -1);
    if (got == 0) say_octets(name, room, size);
}

// Texts of all sizes, with zeros in them and without.
static void texts(void *context, int type, int option)
{
    static const size_t sizes[] = {1, 2, 15, 16, 17, 32, 40, 41, 254, 255, 256, TEXT_MAX};
    char text[TEXT_MAX + 1], name[64];
    void *socket = zmq_socket(context, type);
    snprintf(name, sizeof name, "type %d, texts of option %d", type, option);
    memset(text, 'x', sizeof text);
    // These libzmq takes of any size, of which nothing comes; here they end there.
    const int ends = option == ZMQ_CONNECT_ROUTING_ID || option == ZMQ_SOCKS_PROXY;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (ends && sizes[i] > 255) break;
        for (int zeros = 0; zeros < 3; zeros++) {
            text[0] = zeros == 1 ? 0 : 'x';
            text[sizes[i] - 1] = zeros == 2 ? 0 : text[sizes[i] - 1];
            say_result(name, zmq_setsockopt(socket, option, text, sizes[i]));
            say_text(socket, name, option);
            text[sizes[i] - 1] = 'x';
        }
    }
    say_result(name, zmq_setsockopt(socket, option, "X-Name:value", 12));
    say_result(name, zmq_setsockopt(socket, option, "X-Name:", 7));
    say_result(name, zmq_setsockopt(socket, option, ":value", 6));
    say_text(socket, name, option);
    say_result(name, zmq_setsockopt(socket, option, NULL, 0));
    say_text(socket, name, option);
    say_result(name, zmq_setsockopt(socket, option, "", 0));
    say_text(socket, name, option);
    zmq_close(socket);
}

// A routing id may begin with anything, as one of random octets may.
static void ids(void *context)
{
    static const char id[] = {0, 0, 'i', 'd'};
    void *router = zmq_socket(context, ZMQ_ROUTER), *dealer = zmq_socket(context, ZMQ_DEALER);
    char endpoint[64], octets[16];
    size_t size = sizeof endpoint;
    say_result("ids", zmq_bind(router, "tcp://127.0.0.1:*"));
    say_result("ids", zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, endpoint, &size));
    say_result("ids", zmq_setsockopt(dealer, ZMQ_ROUTING_ID, id, sizeof id));
    say_result("ids", zmq_connect(dealer, endpoint));
    say_result("ids", zmq_send(dealer, "hello", 5, 0));
    int got = zmq_recv(router, octets, sizeof octets, 0);
    say_octets("ids", octets, got > 0 ? (size_t)got : 0);
    say_result("ids", zmq_recv(router, octets, sizeof octets, 0));
    say_result("ids", zmq_send(router, id, sizeof id, ZMQ_SNDMORE));
    say_result("ids", zmq_send(router, "you", 3, 0));
    say_result("ids", zmq_recv(dealer, octets, sizeof octets, 0));
    zmq_close(router);
    zmq_close(dealer);
}

static void contexts(void)
{
    void *context = zmq_ctx_new();
    static const int values[] = {-1, 0, 1, 2, 100, INT_MAX};
    for (int option = 0; option < 80; option++) {
        char name[64];
        snprintf(name, sizeof name, "context option %d", option);
        say_result(name, zmq_ctx_get(context, option));
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            say_result(name, zmq_ctx_set(context, option, values[i]));
            say_result(name, zmq_ctx_get(context, option));
        }
    }
    zmq_ctx_term(context);
}

// With a context of each type's own: libzmq closes sockets in a thread of its own, which on a busy machine may be so
// late that there were more than a context may have if all were one's.
static void every_option(int type)
{
    void *context = zmq_ctx_new();
    for (int option = 0; option < OPTION_NUMBERS; option++) {
        if (is_left_out(option)) continue;
        void *socket = zmq_socket(context, type);
        say_option(socket, type, option);
        zmq_close(socket);
        texts(context, type, option);
    }
    zmq_ctx_term(context);
}

int main(void)
{
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++)
        every_option(type);
    void *context = zmq_ctx_new();
    ids(context);
    contexts();
    say_result("term", zmq_ctx_term(context));
    return 0;
}
