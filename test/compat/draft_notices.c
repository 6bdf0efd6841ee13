// What sockets say by themselves when peers come and go: ZMQ_HELLO_MSG, ZMQ_DISCONNECT_MSG, ZMQ_ROUTER_NOTIFY.
#include <stdbool.h>
#include <stdint.h>

#include "patient.h"
#include "say.h"

// Where libzmq says nothing that is waited for a second, and for what it says as long as need be.
enum { PATIENCE_MS = 20000, SILENCE_MS = 1000, SHORT_MS = 300 };

static void *open_socket(void *context, int type)
{
    return open_patient(context, type, PATIENCE_MS);
}

// A whole message; ids that were made are told as such.
static void hear(const char *name, void *socket)
{
    char text[256] = "", line[512] = "";
    int more = 1;
    while (more) {
        size_t size = sizeof more;
        const int got = zmq_recv(socket, text, sizeof text - 1, 0);
        if (got < 0) {
            say(name, "silence");
            return;
        }
        text[got] = '\0';
        snprintf(line + strlen(line), sizeof line - strlen(line), " \"%s\"",
                 got == 5 && text[0] == '\0' ? "(made)" : text);
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
        if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) < 0) more = 0;
    }
    say(name, "%s", line + 1);
}

static void hear_silence(const char *name, void *socket)
{
    const int silence = SILENCE_MS, patience = PATIENCE_MS;
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &silence, sizeof silence);
    hear(name, socket);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
}

static void hear_nothing(const char *name, void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    say(name, "%s", zmq_poll(&item, 1, SHORT_MS) == 0 ? "nothing more" : "there is more");
}

static void hellos(void *context, int binds, int connects, bool heard, const char *name)
{
    void *a = open_socket(context, binds), *b = open_socket(context, connects);
    char endpoint[256];
    say_result(name, zmq_setsockopt(a, ZMQ_HELLO_MSG, "hello", 5));
    say_result(name, zmq_setsockopt(b, ZMQ_HELLO_MSG, "hi", 2));
    bind_somewhere(a, "tcp://127.0.0.1:*", endpoint);
    zmq_connect(b, endpoint);
    void (*const listen)(const char *, void *) = heard ? hear : hear_silence;
    listen(name, b);
    listen(name, a);
    hear_nothing(name, a);
    hear_nothing(name, b);
    zmq_close(b);
    zmq_close(a);
}

static void farewells(void *context, int binds, int connects, bool heard, const char *name)
{
    void *a = open_socket(context, binds), *b = open_socket(context, connects);
    char endpoint[256];
    say_result(name, zmq_setsockopt(a, ZMQ_DISCONNECT_MSG, "gone", 4));
    if (connects == ZMQ_DEALER) zmq_setsockopt(b, ZMQ_ROUTING_ID, "me", 2);
    bind_somewhere(a, "tcp://127.0.0.1:*", endpoint);
    zmq_connect(b, endpoint);
    zmq_send(b, "one", 3, 0);
    hear(name, a);
    zmq_close(b);
    (heard ? hear : hear_silence)(name, a);
    hear_nothing(name, a);
    zmq_close(a);
}

static void router_is_told(void *context, int notify, const char *name)
{
    void *router = open_socket(context, ZMQ_ROUTER), *dealer = open_socket(context, ZMQ_DEALER);
    char endpoint[256];
    zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "me", 2);
    say_result(name, zmq_setsockopt(router, ZMQ_ROUTER_NOTIFY, &notify, sizeof notify));
    bind_somewhere(router, "tcp://127.0.0.1:*", endpoint);
    zmq_connect(dealer, endpoint);
    zmq_send(dealer, "one", 3, 0);
    hear(name, router);
    if (notify & ZMQ_NOTIFY_CONNECT) hear(name, router);
    zmq_close(dealer);
    if (notify & ZMQ_NOTIFY_DISCONNECT) hear(name, router);
    hear_nothing(name, router);
    zmq_close(router);
}

int main(void)
{
    void *context = zmq_ctx_new();
    hellos(context, ZMQ_SERVER, ZMQ_CLIENT, true, "hello of SERVER and CLIENT");
    hellos(context, ZMQ_ROUTER, ZMQ_DEALER, true, "hello of ROUTER and DEALER");
    hellos(context, ZMQ_PEER, ZMQ_PEER, true, "hello of PEER");
    hellos(context, ZMQ_PAIR, ZMQ_PAIR, false, "hello of PAIR");
    hellos(context, ZMQ_PULL, ZMQ_PUSH, false, "hello of PULL and PUSH");
    farewells(context, ZMQ_SERVER, ZMQ_CLIENT, true, "farewell at a SERVER");
    farewells(context, ZMQ_ROUTER, ZMQ_DEALER, true, "farewell at a ROUTER");
    farewells(context, ZMQ_PEER, ZMQ_PEER, false, "farewell at a PEER");
    farewells(context, ZMQ_DEALER, ZMQ_DEALER, false, "farewell at a DEALER");
    router_is_told(context, ZMQ_NOTIFY_CONNECT, "a ROUTER is told who comes");
    router_is_told(context, ZMQ_NOTIFY_DISCONNECT, "a ROUTER is told who goes");
    router_is_told(context, ZMQ_NOTIFY_CONNECT | ZMQ_NOTIFY_DISCONNECT, "a ROUTER is told both");
    say_result("term", zmq_ctx_term(context));
    return 0;
}
