// High-water marks: over inproc they add up, and as many messages find room as both sides' say; to a place where
// nobody is, the sender's counts. Room comes back by halves. Nothing but what goes over tcp depends on time: one thread does
// everything, and looks at ZMQ_EVENTS where libzmq would only look again after a millisecond.
#include <stddef.h>

#include "say.h"

static int fill(void *socket)
{
    int count = 0;
    while (count < 5000 && zmq_send(socket, "x", 1, ZMQ_DONTWAIT) == 1)
        count++;
    return count;
}

static int drain(void *socket)
{
    char body[8];
    int count = 0;
    while (zmq_recv(socket, body, sizeof body, ZMQ_DONTWAIT) >= 0)
        count++;
    return count;
}

static void limit(void *socket, int option, int count)
{
    if (count >= 0) say_result("limit", zmq_setsockopt(socket, option, &count, sizeof count));
}

// |later|: the name is bound after the connect.
static void meet(const char *name, const int types[2], int send_max, int recv_max, int later)
{
    void *const context = zmq_ctx_new();
    void *const sender = zmq_socket(context, types[0]);
    void *const receiver = zmq_socket(context, types[1]);
    limit(sender, ZMQ_SNDHWM, send_max);
    limit(receiver, ZMQ_RCVHWM, recv_max);
    if (!later) say_result(name, zmq_bind(receiver, "inproc://mark"));
    say_result(name, zmq_connect(sender, "inproc://mark"));
    if (later) say_result(name, zmq_bind(receiver, "inproc://mark"));
    const int sent = fill(sender);
    say(name, "%d sent, %d received", sent, drain(receiver));
    zmq_close(sender);
    zmq_close(receiver);
    zmq_ctx_term(context);
}

static int fill_again(void *socket)
{
    int events = 0;
    size_t size = sizeof events;
    zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size);
    return fill(socket);
}

// Of |taken| messages received one by one.
static void come_back(int send_max, int recv_max, int taken)
{
    char name[80], body[8];
    snprintf(name, sizeof name, "marks of %d and %d, %d received", send_max, recv_max, taken);
    void *const context = zmq_ctx_new();
    void *const sender = zmq_socket(context, ZMQ_PUSH);
    void *const receiver = zmq_socket(context, ZMQ_PULL);
    limit(sender, ZMQ_SNDHWM, send_max);
    limit(receiver, ZMQ_RCVHWM, recv_max);
    say_result(name, zmq_bind(receiver, "inproc://mark"));
    say_result(name, zmq_connect(sender, "inproc://mark"));
    say(name, "%d sent", fill(sender));
    for (int i = 0; i < taken; i++)
        say_result(name, zmq_recv(receiver, body, sizeof body, ZMQ_DONTWAIT));
    say(name, "%d sent", fill_again(sender));
    say(name, "%d received", drain(receiver));
    say(name, "%d sent", fill_again(sender));
    zmq_close(sender);
    zmq_close(receiver);
    zmq_ctx_term(context);
}

// Nobody listens there; the mark is raised before it is reached. (One that was reached libzmq raises in vain.)
static void alone(const char *name, int type, const char *endpoint, int send_max, int more)
{
    const int linger = 0;
    void *const context = zmq_ctx_new();
    void *const sender = zmq_socket(context, type);
    zmq_setsockopt(sender, ZMQ_LINGER, &linger, sizeof linger);
    limit(sender, ZMQ_SNDHWM, send_max);
    say_result(name, zmq_connect(sender, endpoint));
    say_result(name, zmq_send(sender, "x", 1, ZMQ_DONTWAIT));
    if (more) limit(sender, ZMQ_SNDHWM, send_max + more);
    say(name, "%d sent", fill(sender));
    zmq_close(sender);
    zmq_ctx_term(context);
}

static void change(void)
{
    void *const context = zmq_ctx_new();
    void *const sender = zmq_socket(context, ZMQ_PUSH);
    void *const receiver = zmq_socket(context, ZMQ_PULL);
    limit(sender, ZMQ_SNDHWM, 2);
    limit(receiver, ZMQ_RCVHWM, 3);
    say_result("a mark that is changed", zmq_bind(receiver, "inproc://mark"));
    say_result("a mark that is changed", zmq_connect(sender, "inproc://mark"));
    say_result("a mark that is changed", zmq_send(sender, "x", 1, ZMQ_DONTWAIT));
    limit(sender, ZMQ_SNDHWM, 10);
    say("a mark that is changed", "%d sent", fill_again(sender));
    say("a mark that is changed", "%d received", drain(receiver));
    zmq_close(sender);
    zmq_close(receiver);
    zmq_ctx_term(context);
}

// Sends bodies that hardly fit between the two sockets, until |most| are gone or for a while there is no more room.
static int fill_large(void *socket, int most, int patience_ms)
{
    static const char body[256 * 1024];
    int count = 0;
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience_ms, sizeof patience_ms);
    while (count < most && zmq_send(socket, body, sizeof body, 0) >= 0)
        count++;
    return count;
}

// The marks of a connection that is there already, over tcp: |before| of both sides, and the receiver's is changed.
static void change_live(const char *name, int before, int after)
{
    const int most = 40, buffer = 32 * 1024, linger = 0;
    char endpoint[80], body[8];
    size_t size = sizeof endpoint;
    void *const context = zmq_ctx_new();
    void *const sender = zmq_socket(context, ZMQ_PUSH);
    void *const receiver = zmq_socket(context, ZMQ_PULL);
    zmq_setsockopt(sender, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(sender, ZMQ_SNDBUF, &buffer, sizeof buffer);
    zmq_setsockopt(receiver, ZMQ_RCVBUF, &buffer, sizeof buffer);
    limit(sender, ZMQ_SNDHWM, 2);
    limit(receiver, ZMQ_RCVHWM, before);
    say_result(name, zmq_bind(receiver, "tcp://127.0.0.1:*"));
    say_result(name, zmq_getsockopt(receiver, ZMQ_LAST_ENDPOINT, endpoint, &size));
    say_result(name, zmq_connect(sender, endpoint));
    say_result(name, zmq_send(sender, "x", 1, 0));
    say_result(name, zmq_recv(receiver, body, sizeof body, 0));
    limit(receiver, ZMQ_RCVHWM, after);
    // Where room is expected, patience costs nothing.
    const int sent = fill_large(sender, most, after > before ? 20000 : 500);
    say(name, "all are %s", sent == most ? "sent" : "not sent");
    zmq_close(sender);
    zmq_close(receiver);
    zmq_ctx_term(context);
}

int main(void)
{
    const int push[2] = {ZMQ_PUSH, ZMQ_PULL}, pair[2] = {ZMQ_PAIR, ZMQ_PAIR},
              dealer[2] = {ZMQ_DEALER, ZMQ_DEALER};
    meet("both marks of push and pull add up", push, 2, 3, 0);
    meet("a name that is bound later has the marks of both", push, 2, 3, 1);
    meet("the marks that nobody set", push, -1, -1, 0);
    meet("a sender without a mark sends on", push, 0, 5, 0);
    meet("a receiver without a mark takes on", push, 5, 0, 0);
    meet("pair", pair, 10, 10, 1);
    meet("dealer", dealer, 100, 7, 0);
    for (int both = 2; both <= 9; both++)
        for (int taken = 0; taken <= both; taken++)
            come_back(both / 2, both - both / 2, taken);
    alone("tcp, of 1", ZMQ_PUSH, "tcp://127.0.0.1:9", 1, 0);
    alone("tcp, of 2 and 3 more", ZMQ_PUSH, "tcp://127.0.0.1:9", 2, 3);
    alone("tcp, of 100", ZMQ_PUSH, "tcp://127.0.0.1:9", 100, 0);
    alone("tcp, of 100 and 11 more, dealer", ZMQ_DEALER, "tcp://127.0.0.1:9", 100, 11);
    alone("ipc, of 10", ZMQ_PAIR, "ipc:///tmp/nobody-is-here", 10, 0);
    change();
    change_live("a mark that is raised while connected", 2, 60);
    change_live("a mark that is lowered while connected", 60, 2);
    return 0;
}
