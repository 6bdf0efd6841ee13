// Every option of a socket and of a context: its default, what it takes, what it refuses, of every type.
#include <limits.h>
#include <stdint.h>
#include <stdio.h>

#include "say.h"

enum { OPTION_NUMBERS = 93 }; // from there on drafts begin

static void say_option(void *socket, int type, int option)
{
    static const int values[] = {-2, -1, 0, 1, 2, 7, 255, 256, 100000, INT_MAX};
    char name[64], octets[300] = {0};
    snprintf(name, sizeof name, "type %d, option %d", type, option);
    if (option == ZMQ_FD) return; // a descriptor is any number
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

int main(void)
{
    void *context = zmq_ctx_new();
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        for (int option = 0; option < OPTION_NUMBERS; option++) {
            void *socket = zmq_socket(context, type);
            say_option(socket, type, option);
            zmq_close(socket);
        }
    }
    contexts();
    say_result("term", zmq_ctx_term(context));
    return 0;
}
