// ZMQ_STREAM, with a peer that knows nothing of ZMTP: who comes and goes, octets both ways, and whom there is not.
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "patient.h"
#include "say.h"
#include "stranger.h"

enum { PATIENCE_MS = 20000 };

struct id {
    unsigned char octets[256];
    int size;
};

// The next message's routing id and body, as far as that is the same everywhere: ids are made up.
static struct id receive(const char *name, void *stream)
{
    struct id id;
    char body[64];
    int more = 0;
    size_t size = sizeof more;
    id.size = zmq_recv(stream, id.octets, sizeof id.octets, 0);
    zmq_getsockopt(stream, ZMQ_RCVMORE, &more, &size);
    const int body_size = zmq_recv(stream, body, sizeof body, 0);
    say(name, "id of %d, more %d, \"%.*s\"", id.size, more, body_size > 0 ? body_size : 0, body);
    return id;
}

// Of a body the flag means nothing.
static void send_to(const char *name, void *stream, const struct id *id, const char *body)
{
    say_result(name, zmq_send(stream, id->octets, (size_t)id->size, ZMQ_SNDMORE));
    say_result(name, zmq_send(stream, body, strlen(body), ZMQ_SNDMORE));
}

static void hear(const char *name, int fd, size_t count)
{
    char octets[64];
    size_t heard = 0;
    while (heard < count) {
        const ssize_t size = read(fd, octets + heard, count - heard);
        if (size <= 0) break;
        heard += (size_t)size;
    }
    say(name, "\"%.*s\"", (int)heard, octets);
}

// libzmq's closes when the socket is used.
static void say_closed(const char *name, void *stream, int fd)
{
    char octet;
    zmq_pollitem_t item = {.socket = stream, .events = ZMQ_POLLIN};
    ssize_t size = -1;
    for (int i = 0; i < PATIENCE_MS / 10 && size < 0; i++) {
        zmq_poll(&item, 1, 10);
        size = recv(fd, &octet, 1, MSG_DONTWAIT);
    }
    say(name, "%d", (int)size);
}

static void talks(void)
{
    char endpoint[256];
    void *const context = zmq_ctx_new();
    void *const stream = open_patient(context, ZMQ_STREAM, PATIENCE_MS);
    bind_somewhere(stream, "tcp://127.0.0.1:*", endpoint);
    const int first = dial_plain(endpoint);
    const struct id one = receive("one comes", stream);
    const int second = dial_plain(endpoint);
    const struct id two = receive("another comes", stream);
    const struct id nobody = {.octets = "nobody", .size = 6};
    say("two ids", "%s", memcmp(one.octets, two.octets, (size_t)one.size) ? "differ" : "are one");
    say_result("octets", (int)write(first, "hello", 5));
    receive("octets", stream);
    send_to("back", stream, &one, "good day");
    hear("back", first, 8);
    say_result("to nobody", zmq_send(stream, nobody.octets, 6, ZMQ_SNDMORE));
    say_result("to nobody, at once",
               zmq_send(stream, nobody.octets, 6, ZMQ_SNDMORE | ZMQ_DONTWAIT));
    send_to("to the other", stream, &two, "and you");
    hear("to the other", second, 7);
    // An empty body closes it.
    say_result("a close", zmq_send(stream, two.octets, (size_t)two.size, ZMQ_SNDMORE));
    say_result("a close", zmq_send(stream, "", 0, 0));
    say_closed("the other side hears of it", stream, second);
    say_result("and is nobody", zmq_send(stream, two.octets, (size_t)two.size, ZMQ_SNDMORE));
    close(first);
    receive("one goes", stream);
    close(second);
    zmq_close(stream);
    say_result("term", zmq_ctx_term(context));
}

// One that dials has a peer of a name of its own choice.
static void dials(void)
{
    static const char name[] = "one that dials";
    char endpoint[256], body[8];
    void *const context = zmq_ctx_new();
    void *const server = open_patient(context, ZMQ_STREAM, PATIENCE_MS);
    void *const client = open_patient(context, ZMQ_STREAM, PATIENCE_MS);
    bind_somewhere(server, "tcp://127.0.0.1:*", endpoint);
    say_result(name, zmq_setsockopt(client, ZMQ_CONNECT_ROUTING_ID, "server", 6));
    say_result(name, zmq_connect(client, endpoint));
    const struct id there = receive(name, client);
    say_octets(name, there.octets, (size_t)there.size);
    receive(name, server);
    send_to(name, client, &there, "asked");
    const struct id here = receive(name, server);
    send_to(name, server, &here, "answered");
    receive(name, client);
    say_result(name, zmq_recv(client, body, sizeof body, ZMQ_DONTWAIT));
    zmq_close(client);
    receive(name, server);
    zmq_close(server);
    say_result(name, zmq_ctx_term(context));
}

// One that dials without such a name learns from its own routing id how to send, before anybody has answered.
static void dials_unnamed(void)
{
    static const char name[] = "one that dials without a name";
    char endpoint[256];
    struct id own;
    void *const context = zmq_ctx_new();
    void *const server = open_patient(context, ZMQ_STREAM, PATIENCE_MS);
    void *const client = open_patient(context, ZMQ_STREAM, PATIENCE_MS);
    bind_somewhere(server, "tcp://127.0.0.1:*", endpoint);
    for (int i = 0; i < 3; i++) {
        size_t size = sizeof own.octets;
        if (i > 0) say_result(name, zmq_connect(client, endpoint));
        say_result(name, zmq_getsockopt(client, ZMQ_ROUTING_ID, own.octets, &size));
        say(name, "an id of %zu", size);
        own.size = (int)size;
        size = 1;
        if (i == 1) say_result(name, zmq_getsockopt(client, ZMQ_ROUTING_ID, own.octets, &size));
        if (i == 0) continue;
        send_to(name, client, &own, "asked");
        const struct id there = receive(name, client);
        say(name, "%s",
            memcmp(there.octets, own.octets, (size_t)own.size) ? "another" : "it is his");
        receive(name, server);
        const struct id here = receive(name, server);
        send_to(name, server, &here, "answered");
        receive(name, client);
        size = sizeof own.octets;
        say_result(name, zmq_getsockopt(server, ZMQ_ROUTING_ID, own.octets, &size));
        say(name, "%s",
            memcmp(here.octets, own.octets, size) ? "another" : "it is his who came last");
    }
    zmq_close(client);
    zmq_close(server);
    say_result(name, zmq_ctx_term(context));
}

// ZMQ_STREAM_NOTIFY off: only octets are told.
static void quiet(void)
{
    static const char name[] = "without notices";
    const int off = 0;
    char endpoint[256];
    void *const context = zmq_ctx_new();
    void *const stream = open_patient(context, ZMQ_STREAM, PATIENCE_MS);
    say_result(name, zmq_setsockopt(stream, ZMQ_STREAM_NOTIFY, &off, sizeof off));
    bind_somewhere(stream, "tcp://127.0.0.1:*", endpoint);
    const int fd = dial_plain(endpoint);
    say_result(name, (int)write(fd, "first", 5));
    const struct id id = receive(name, stream);
    send_to(name, stream, &id, "back");
    hear(name, fd, 4);
    close(fd);
    const int other = dial_plain(endpoint);
    say_result(name, (int)write(other, "next", 4));
    receive(name, stream);
    close(other);
    zmq_close(stream);
    say_result(name, zmq_ctx_term(context));
}

int main(void)
{
    talks();
    dials();
    dials_unnamed();
    quiet();
    return 0;
}
