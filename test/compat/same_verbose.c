// What an XPUB hears of a subscription that is made again, by the same peer or another, in each of its modes.
#include "patient.h"
#include "say.h"

enum { PATIENCE_MS = 20000 };

// Says what the XPUB hears up to the subscription to |until|.
static void hear(const char *name, void *xpub, char until)
{
    char octets[8];
    int got;
    do {
        got = zmq_recv(xpub, octets, sizeof octets, 0);
        if (got < 0) say_result(name, got);
        if (got > 0) say(name, "%s \"%.*s\"", octets[0] ? "begins" : "ends", got - 1, octets + 1);
    } while (got > 0 && octets[1] != until);
}

static void subscribe(void *sub, int type, const char *topic, int begins)
{
    const char wish[] = {(char)begins, topic[0]};
    if (type == ZMQ_SUB)
        (void)zmq_setsockopt(sub, begins ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, topic, 1);
    else
        (void)zmq_send(sub, wish, sizeof wish, 0);
}

static void tell(int mode, int type, const char *where, const char *name)
{
    const int yes = 1;
    char endpoint[256];
    void *const context = zmq_ctx_new(), *const xpub = open_patient(context, ZMQ_XPUB, PATIENCE_MS);
    void *const one = open_patient(context, type, PATIENCE_MS);
    void *const other = open_patient(context, type, PATIENCE_MS);
    if (mode != 0) say_result(name, zmq_setsockopt(xpub, mode, &yes, sizeof yes));
    bind_somewhere(xpub, where, endpoint);
    say_result(name, zmq_connect(one, endpoint));
    subscribe(one, type, "1", 1);
    hear(name, xpub, '1'); // a connection that is new is told each topic once
    for (int i = 0; i < 3; i++)
        subscribe(one, type, "a", 1);
    subscribe(one, type, "b", 1);
    hear(name, xpub, 'b');
    say_result(name, zmq_connect(other, endpoint));
    subscribe(other, type, "2", 1);
    hear(name, xpub, '2');
    for (int i = 0; i < 2; i++)
        subscribe(other, type, "a", 1);
    subscribe(other, type, "c", 1);
    hear(name, xpub, 'c');
    for (int i = 0; i < 4; i++)
        subscribe(one, type, "a", 0);
    subscribe(one, type, "d", 1);
    hear(name, xpub, 'd');
    say_result(name, zmq_send(xpub, "a message", 9, 0));
    say_result(name, zmq_recv(other, endpoint, sizeof endpoint, 0));
    zmq_close(one);
    zmq_close(other);
    zmq_close(xpub);
    say_result(name, zmq_ctx_term(context));
}

int main(void)
{
    static const struct {
        const char *name;
        int mode;
    } modes[] = {{"", 0}, {", verbose", ZMQ_XPUB_VERBOSE}, {", verboser", ZMQ_XPUB_VERBOSER}};
    static const char *const places[] = {"inproc://verbose", "tcp://127.0.0.1:*", "ipc://*"};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        for (size_t k = 0; k < sizeof places / sizeof *places; k++)
            for (int type = ZMQ_SUB; type <= ZMQ_XSUB; type += ZMQ_XSUB - ZMQ_SUB) {
                char name[64];
                snprintf(name, sizeof name, "%s, %.3s%s", type == ZMQ_SUB ? "SUB" : "XSUB",
                         places[k], modes[i].name);
                tell(modes[i].mode, type, places[k], name);
            }
    return 0;
}
