// Very many names over inproc, in all ways there are; with an argument, that many, for test/hostile/test_names.py.
#include <stdlib.h>

#include "expect.h"

static void *socket_of(void *context, int type)
{
    void *socket = zmq_socket(context, type);
    const int none = 0;
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    return socket;
}

// Sockets with a name each, that are bound before others connect, or after; every second name is given up by itself, and
// the others by closing. True: each of the calls did what it should.
static int each_its_own(void *context, int count, int bound_first)
{
    void **sockets = calloc((size_t)count * 2, sizeof *sockets);
    char name[32], room[8];
    int good = sockets != NULL;
    for (int i = 0; good && i < 2 * count; i++) {
        const int bind = (i < count) == bound_first;
        sockets[i] = socket_of(context, bind ? ZMQ_PULL : ZMQ_PUSH);
        snprintf(name, sizeof name, "inproc://name-%d", i % count);
        good = (bind ? zmq_bind(sockets[i], name) : zmq_connect(sockets[i], name)) == 0;
    }
    for (int i = 0; good && i < count; i++) {
        void *const push = sockets[bound_first ? count + i : i],
                    *const pull = sockets[bound_first ? i : count + i];
        snprintf(name, sizeof name, "%d", i);
        good = zmq_send(push, name, strlen(name) + 1, 0) > 0 &&
               zmq_recv(pull, room, sizeof room, 0) > 0 && strcmp(name, room) == 0;
        snprintf(name, sizeof name, "inproc://name-%d", i);
        if (i % 2 == 0) good = good && zmq_unbind(pull, name) == 0;
    }
    for (int i = 0; sockets && i < 2 * count; i++)
        if (sockets[i]) zmq_close(sockets[i]);
    free(sockets);
    return good;
}

// One socket that has all the names, and one that waits for as many that nobody has.
static int all_for_one(void *context, int count)
{
    void *const rep = socket_of(context, ZMQ_REP), *const req = socket_of(context, ZMQ_REQ);
    char name[32];
    int good = 1;
    for (int i = 0; good && i < count; i++) {
        snprintf(name, sizeof name, "inproc://name-%d", i);
        good = zmq_bind(rep, name) == 0;
        snprintf(name, sizeof name, "inproc://nobody-%d", i);
        good = good && zmq_connect(req, name) == 0;
    }
    zmq_close(rep);
    zmq_close(req);
    return good;
}

int main(int argc, char **argv)
{
    const int count = argc > 1 ? atoi(argv[1]) : 300;
    void *const context = zmq_ctx_new();
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 2 * count + 8);
    EXPECT("many names that are bound, and dialled then", each_its_own(context, count, 1));
    EXPECT("the same names again, dialled and bound then", each_its_own(context, count, 0));
    EXPECT("and again, all of one socket", all_for_one(context, count));
    EXPECT("term", zmq_ctx_term(context) == 0);
    return expect_status;
}
