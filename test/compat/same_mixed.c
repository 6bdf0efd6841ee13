// What a program of libzmq's may do and a stricter library would refuse: any two types joined within the process, a second
// connect of a PAIR, a port with something behind it.
#include <stdint.h>
#include <unistd.h>

#include "patient.h"
#include "say.h"

enum { PATIENCE_MS = 20000, TITLE_MAX = 64 };

static const char *const names[] = {"PAIR",   "PUB",  "SUB",  "REQ",  "REP", "DEALER",
                                    "ROUTER", "PULL", "PUSH", "XPUB", "XSUB"};
enum { TYPES = sizeof names / sizeof *names };

static void *open_socket(void *context, int type)
{
    void *const socket = open_patient(context, type, PATIENCE_MS);
    if (type == ZMQ_SUB) zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    return socket;
}

// A name that nobody has had: libzmq gives one back in its own time.
static void somewhere(char where[TITLE_MAX])
{
    static unsigned count;
    snprintf(where, TITLE_MAX, "inproc://%u", count++);
}

static void any_two_are_joined(void *context)
{
    for (int bound = 0; bound < TYPES; bound++) {
        for (int dialled = 0; dialled < TYPES; dialled++) {
            void *const a = open_socket(context, bound), *const b = open_socket(context, dialled);
            char name[TITLE_MAX], where[TITLE_MAX];
            somewhere(where);
            snprintf(name, sizeof name, "%s and %s are joined", names[bound], names[dialled]);
            say_result(name, zmq_bind(a, where));
            say_result(name, zmq_connect(b, where));
            zmq_close(b);
            zmq_close(a);
        }
    }
}

// What comes, part by part. The id that a ROUTER gives is anything.
static void hear(const char *name, void *socket, int type)
{
    for (int i = 0, more = 1; more; i++) {
        char body[64];
        size_t size = sizeof more;
        const int got = zmq_recv(socket, body, sizeof body, 0);
        if (got < 0) {
            say_result(name, got);
            return;
        }
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
        if (type == ZMQ_ROUTER && i == 0)
            say(name, "an id of %d octets, more %d", got, more);
        else
            say(name, "\"%.*s\", more %d", got, body, more);
    }
}

// From |from| to |to|, whichever of them is bound; and where the bound one comes second.
static void passes(void *context, int from, int to)
{
    for (int i = 0; i < 4; i++) {
        void *const sender = open_socket(context, from), *const receiver = open_socket(context, to);
        void *const binder = i % 2 ? sender : receiver, *const dialler = i % 2 ? receiver : sender;
        char name[TITLE_MAX], where[TITLE_MAX];
        somewhere(where);
        snprintf(name, sizeof name, "%s to %s, the %s bound %s", names[from], names[to],
                 i % 2 ? "sender" : "receiver", i < 2 ? "first" : "last");
        if (i >= 2) say_result(name, zmq_connect(dialler, where));
        say_result(name, zmq_bind(binder, where));
        if (i < 2) say_result(name, zmq_connect(dialler, where));
        say_result(name, zmq_send(sender, "one", 3, ZMQ_SNDMORE));
        say_result(name, zmq_send(sender, "two", 3, 0));
        hear(name, receiver, to);
        zmq_close(sender);
        zmq_close(receiver);
    }
}

static void messages_pass(void *context)
{
    static const int ways[][2] = {
        {ZMQ_PAIR, ZMQ_DEALER}, {ZMQ_DEALER, ZMQ_PAIR}, {ZMQ_PAIR, ZMQ_PULL},
        {ZMQ_PAIR, ZMQ_ROUTER}, {ZMQ_PAIR, ZMQ_SUB},    {ZMQ_PAIR, ZMQ_XPUB},
        {ZMQ_PAIR, ZMQ_XSUB},   {ZMQ_PUSH, ZMQ_PAIR},   {ZMQ_PUSH, ZMQ_DEALER},
        {ZMQ_PUSH, ZMQ_ROUTER}, {ZMQ_PUSH, ZMQ_SUB},    {ZMQ_DEALER, ZMQ_PULL},
        {ZMQ_DEALER, ZMQ_SUB},  {ZMQ_DEALER, ZMQ_XSUB}, {ZMQ_REQ, ZMQ_DEALER},
        {ZMQ_REQ, ZMQ_PAIR},    {ZMQ_REQ, ZMQ_PULL},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        passes(context, ways[i][0], ways[i][1]);
}

// A PAIR that has a peer connects to another: that is taken, and nothing comes of it.
static void a_second_connect(void *context, const char *name, const char *where)
{
    char first[256], second[256];
    void *const pair = open_socket(context, ZMQ_PAIR);
    void *const one = open_socket(context, ZMQ_PAIR), *const two = open_socket(context, ZMQ_PAIR);
    bind_somewhere(one, where, first);
    bind_somewhere(two, strcmp(where, "inproc://one") == 0 ? "inproc://two" : where, second);
    say_result(name, zmq_connect(pair, first));
    say_result(name, zmq_send(pair, "before", 6, 0));
    hear(name, one, ZMQ_PAIR);
    say_result(name, zmq_connect(pair, second));
    char last[256];
    size_t size = sizeof last;
    zmq_getsockopt(pair, ZMQ_LAST_ENDPOINT, last, &size);
    say(name, "the last endpoint is %s", strcmp(last, second) == 0 ? "the second" : last);
    say_result(name, zmq_send(pair, "after", 5, 0));
    hear(name, one, ZMQ_PAIR);
    say_result(name, zmq_send(one, "back", 4, 0));
    hear(name, pair, ZMQ_PAIR);
    if (strncmp(where, "inproc:", 7) != 0) say_result(name, zmq_disconnect(pair, second));
    say_result(name, zmq_disconnect(pair, first));
    zmq_close(pair);
    zmq_close(one);
    zmq_close(two);
}

// Ports that are as good as taken from the system, so that no two runs want the same.
static void ports(void *context)
{
    static const char *const behind[] = {"/", "/path", "\n", " ", "x", "\t#"};
    static const char name[] = "a port with something behind it is bound";
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
        char endpoint[256], text[300], last[256];
        size_t size = sizeof last;
        void *const first = open_socket(context, ZMQ_REP), *second = open_socket(context, ZMQ_REP);
        void *const req = open_socket(context, ZMQ_REQ);
        bind_somewhere(first, "tcp://127.0.0.1:*", endpoint);
        zmq_unbind(first, endpoint);
        zmq_close(first);
        snprintf(text, sizeof text, "%s%s", endpoint, behind[i]);
        int result = zmq_bind(second, text);
        // libzmq closes in its own time.
        for (int tries = 0; result < 0 && zmq_errno() == EADDRINUSE && tries < 2000; tries++) {
            (void)usleep(10000);
            result = zmq_bind(second, text);
        }
        say_result(name, result);
        zmq_getsockopt(second, ZMQ_LAST_ENDPOINT, last, &size);
        say(name, "as %s", strcmp(last, endpoint) == 0 ? "without" : last);
        say_result(name, zmq_connect(req, endpoint));
        say_result(name, zmq_send(req, "hello", 5, 0));
        hear(name, second, ZMQ_REP);
        if (i == 0) say_result("but not connected to", zmq_connect(req, text));
        say_result(name, zmq_unbind(second, text));
        say_result(name, zmq_unbind(second, text));
        zmq_close(req);
        zmq_close(second);
    }
    void *const socket = open_socket(context, ZMQ_PUSH);
    static const char *const wrong[] = {"tcp://127.0.0.1:",   "tcp://127.0.0.1:abc",
                                        "tcp://127.0.0.1:0/", "tcp://127.0.0.1:*a",
                                        "tcp://127.0.0.1:/",  "tcp://127.0.0.1:0x10"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        say_result("what is no port is not", zmq_bind(socket, wrong[i]));
    say_result("zeros before a port mean nothing", zmq_connect(socket, "tcp://127.0.0.1:05555"));
    say_result("zeros before a port mean nothing", zmq_disconnect(socket, "tcp://127.0.0.1:05555"));
    zmq_close(socket);
}

int main(void)
{
    void *const context = zmq_ctx_new();
    any_two_are_joined(context);
    messages_pass(context);
    a_second_connect(context, "a second connect of a PAIR over inproc", "inproc://one");
    a_second_connect(context, "a second connect of a PAIR over tcp", "tcp://127.0.0.1:*");
    a_second_connect(context, "a second connect of a PAIR over ipc", "ipc://*");
    ports(context);
    return zmq_ctx_term(context);
}
