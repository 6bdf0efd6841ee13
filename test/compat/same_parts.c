// Messages of several parts that find no room, or nobody any more: which part is told so, and that no part ever comes
// with those of another message. One thread does everything over inproc, and nothing depends on time.
#include <stdlib.h>
#include <sys/uio.h>

#include "say.h"

static void set(void *socket, int option, int value)
{
    (void)zmq_setsockopt(socket, option, &value, sizeof value);
}

static int look(void *socket)
{
    int events = 0;
    size_t size = sizeof events;
    (void)zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size);
    return events;
}

// Sends messages of |parts| parts, each |text|, until there is no room. Returns which part was told so.
static int fill(void *socket, const char *text, int parts, int *whole)
{
    for (*whole = 0; *whole < 100; ++*whole)
        for (int i = 1; i <= parts; i++)
            if (zmq_send(socket, text, strlen(text), ZMQ_DONTWAIT | (i < parts ? ZMQ_SNDMORE : 0)) <
                0)
                return i;
    return 0;
}

// Says every message that is there: its parts, with a plus between them.
static void drain(const char *name, void *socket)
{
    char text[200] = "";
    for (;;) {
        size_t used = strlen(text), size = sizeof(int);
        const int got = zmq_recv(socket, text + used, 8, ZMQ_DONTWAIT);
        if (got < 0) break;
        int more = 0;
        (void)zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
        text[used + (size_t)got] = more ? '+' : ' ';
        text[used + (size_t)got + 1] = '\0';
        if (used > sizeof text - 20) break;
    }
    say(name, "received %s", text);
}

// What is sent at once is one message with ZMQ_SNDMORE, whose last part ends it, and messages without.
static void vectors(void)
{
    static const char *const names[] = {"a vector without ZMQ_SNDMORE", "a vector with it"};
    char octets[] = "abc";
    struct iovec parts[] = {{octets, 1}, {octets + 1, 1}, {octets + 2, 1}};
    for (int more = 0; more < 2; more++) {
        void *const context = zmq_ctx_new();
        void *const push = zmq_socket(context, ZMQ_PUSH), *const pull =
                                                              zmq_socket(context, ZMQ_PULL);
        (void)zmq_bind(pull, "inproc://vectors");
        (void)zmq_connect(push, "inproc://vectors");
        for (size_t count = 1; count <= 3; count++)
            say_result(names[more], zmq_sendiov(push, parts, count, more ? ZMQ_SNDMORE : 0));
        say_result(names[more], zmq_send(push, "d", 1, 0));
        drain(names[more], pull);
        (void)zmq_sendiov(push, parts, 3, more ? ZMQ_SNDMORE : 0);
        struct iovec got[8];
        size_t count = 8;
        say_result(names[more], zmq_recviov(pull, got, &count, 0));
        for (size_t i = 0; i < count; i++) {
            say_octets(names[more], got[i].iov_base, got[i].iov_len);
            free(got[i].iov_base);
        }
        zmq_close(push);
        zmq_close(pull);
        (void)zmq_ctx_term(context);
    }
}

// A publisher that waits rather than drops says so before it takes the first part, or not at all.
static void publish(const char *name, int type, int parts)
{
    char wish[8];
    int whole;
    void *const context = zmq_ctx_new();
    void *const publisher = zmq_socket(context, type), *const full = zmq_socket(context, ZMQ_SUB),
                *const other = zmq_socket(context, ZMQ_SUB);
    set(publisher, ZMQ_XPUB_NODROP, 1);
    set(publisher, ZMQ_SNDHWM, 2);
    set(full, ZMQ_RCVHWM, 3);
    set(other, ZMQ_RCVHWM, 100);
    (void)zmq_setsockopt(full, ZMQ_SUBSCRIBE, "a", 1);
    (void)zmq_setsockopt(other, ZMQ_SUBSCRIBE, "b", 1);
    say_result(name, zmq_bind(publisher, "inproc://parts"));
    say_result(name, zmq_connect(full, "inproc://parts"));
    say_result(name, zmq_connect(other, "inproc://parts"));
    (void)look(publisher);
    while (type == ZMQ_XPUB && zmq_recv(publisher, wish, sizeof wish, ZMQ_DONTWAIT) > 0) {
        // Both subscribe.
    }
    int part = fill(publisher, "a", parts, &whole);
    say(name, "%d messages, then part %d finds no room", whole, part);
    say_result(name, zmq_send(publisher, "b", 1,
                              ZMQ_DONTWAIT | ZMQ_SNDMORE)); // who is full does not want it
    say_result(name, zmq_send(publisher, "2", 1, ZMQ_DONTWAIT));
    drain(name, full);
    drain(name, other);
    (void)look(publisher);
    part = fill(publisher, "a", parts, &whole);
    say(name, "%d messages, then part %d finds no room", whole, part);
    drain(name, full);
    zmq_close(publisher);
    zmq_close(full);
    zmq_close(other);
    zmq_ctx_term(context);
}

// The only peer goes in the midst of a message. What was taken of it goes along, so that the next begins at its beginning.
static void go(const char *name, int type, int peer_type)
{
    void *const context = zmq_ctx_new();
    void *const sender = zmq_socket(context, type), *peer = zmq_socket(context, peer_type);
    say_result(name, zmq_bind(sender, "inproc://parts"));
    say_result(name, zmq_connect(peer, "inproc://parts"));
    (void)look(sender);
    say_result(name, zmq_send(sender, "1", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE));
    say_result(name, zmq_disconnect(peer, "inproc://parts"));
    (void)look(sender);
    (void)look(peer);
    say_result(name, zmq_send(sender, "2", 1, ZMQ_DONTWAIT));
    (void)look(sender);
    (void)look(peer);
    say_result(name, zmq_connect(peer, "inproc://parts"));
    (void)look(sender);
    say_result(name, zmq_send(sender, "3", 1, ZMQ_DONTWAIT | ZMQ_SNDMORE));
    say_result(name, zmq_send(sender, "4", 1, ZMQ_DONTWAIT));
    drain(name, peer);
    zmq_close(sender);
    zmq_close(peer);
    zmq_ctx_term(context);
}

int main(void)
{
    vectors();
    publish("xpub, of one part", ZMQ_XPUB, 1);
    publish("xpub, of two parts", ZMQ_XPUB, 2);
    publish("xpub, of five parts", ZMQ_XPUB, 5);
    publish("pub, of three parts", ZMQ_PUB, 3);
    go("push, whose peer goes", ZMQ_PUSH, ZMQ_PULL);
    go("dealer, whose peer goes", ZMQ_DEALER, ZMQ_DEALER);
    go("pair, whose peer goes", ZMQ_PAIR, ZMQ_PAIR);
    return 0;
}
