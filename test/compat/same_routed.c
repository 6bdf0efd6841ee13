// What a ROUTER and its peers say to each other over tcp: short messages behind a routing id, long ones, and messages
// of more parts, by all calls that pass them. One thread does everything; what is waited for comes.
#include <stdlib.h>

#include "say.h"

struct street {
    void *context, *router, *peers[2];
};

static void set(void *socket, int option, int value)
{
    (void)zmq_setsockopt(socket, option, &value, sizeof value);
}

static int get(void *socket, int option)
{
    int value = -1;
    size_t size = sizeof value;
    (void)zmq_getsockopt(socket, option, &value, &size);
    return value;
}

static void say_text(const char *name, const void *data, int size, int more)
{
    say(name, "%d '%.*s'%s", size, size < 0 ? 0 : size, (const char *)data,
        more ? " and more" : "");
}

// Receives a message, part by part.
static void receive(const char *name, void *socket)
{
    char body[64];
    int more = 1;
    while (more) {
        const int size = zmq_recv(socket, body, sizeof body, 0);
        more = get(socket, ZMQ_RCVMORE) == 1;
        say_text(name, body, size, more);
        if (size < 0) break;
    }
}

static struct street open_street(void)
{
    struct street s = {.context = zmq_ctx_new()};
    char endpoint[80];
    size_t size = sizeof endpoint;
    s.router = zmq_socket(s.context, ZMQ_ROUTER);
    set(s.router, ZMQ_LINGER, 0);
    (void)zmq_bind(s.router, "tcp://127.0.0.1:*");
    (void)zmq_getsockopt(s.router, ZMQ_LAST_ENDPOINT, endpoint, &size);
    for (int i = 0; i < 2; i++) {
        s.peers[i] = zmq_socket(s.context, ZMQ_DEALER);
        set(s.peers[i], ZMQ_LINGER, 0);
        (void)zmq_setsockopt(s.peers[i], ZMQ_ROUTING_ID, i ? "bob" : "ann", 3);
        (void)zmq_connect(s.peers[i], endpoint);
        (void)zmq_send(s.peers[i], "here", 4, 0);
        receive("who comes", s.router);
    }
    return s;
}

static void close_street(struct street *s)
{
    zmq_close(s->router);
    zmq_close(s->peers[0]);
    zmq_close(s->peers[1]);
    zmq_ctx_term(s->context);
}

static void sends(const char *name, void *router, const char *id, const char *body)
{
    say_result(name, zmq_send(router, id, strlen(id), ZMQ_SNDMORE));
    say_result(name, zmq_send(router, body, strlen(body), 0));
}

static void short_ones(void)
{
    struct street s = open_street();
    zmq_msg_t id, body;
    for (int i = 0; i < 200;
         i++) { // more than a call looks through, and all are there before one is answered
        char number[8];
        (void)snprintf(number, sizeof number, "%d", i);
        (void)zmq_send(s.peers[i % 2], number, strlen(number), 0);
    }
    zmq_msg_init(&id);
    zmq_msg_init(&body);
    int next[2] = {0, 1};
    for (int i = 0; i < 200; i++) {
        (void)zmq_msg_recv(&id, s.router, 0);
        const int more = zmq_msg_more(&id) && get(s.router, ZMQ_RCVMORE) == 1;
        (void)zmq_msg_recv(&body, s.router, 0);
        const int whole = !zmq_msg_more(&body) && get(s.router, ZMQ_RCVMORE) == 0;
        const int who = memcmp(zmq_msg_data(&id), "bob", 3) == 0;
        char text[8] = "";
        memcpy(text, zmq_msg_data(&body), zmq_msg_size(&body));
        if (!more || !whole || atoi(text) != next[who])
            say("short ones", "%d is not %d", i, next[who]);
        next[who] += 2;
        (void)zmq_msg_send(&id, s.router, ZMQ_SNDMORE);
        (void)zmq_msg_send(&body, s.router, 0);
        if (zmq_msg_size(&id) != 0 || zmq_msg_size(&body) != 0) say("short ones", "not taken");
    }
    int right = 0;
    for (int i = 0; i < 200; i++) {
        char text[8] = "";
        const int size = zmq_recv(s.peers[i % 2], text, sizeof text - 1, 0);
        right += size > 0 && atoi(text) == i;
    }
    say("short ones", "%d of 200 came back", right);
    zmq_msg_close(&id);
    zmq_msg_close(&body);
    close_street(&s);
}

static void pieces(void)
{
    struct street s = open_street();
    char cut[2];
    sends("an empty body", s.router, "ann", "");
    receive("an empty body", s.peers[0]);
    (void)zmq_send(s.peers[1], "", 0, ZMQ_SNDMORE);
    (void)zmq_send(s.peers[1], "question", 8, 0);
    receive("an envelope", s.router);
    say_result("an envelope", zmq_send(s.router, "bob", 3, ZMQ_SNDMORE));
    say_result("an envelope", zmq_send(s.router, "", 0, ZMQ_SNDMORE));
    say_result("an envelope", zmq_send(s.router, "answer", 6, 0));
    receive("an envelope", s.peers[1]);
    (void)zmq_send(s.peers[0], "longer than asked for", 21, 0);
    say_result("an id that is cut off", zmq_recv(s.router, cut, sizeof cut, 0));
    say("an id that is cut off", "%.2s, more %d", cut, get(s.router, ZMQ_RCVMORE));
    say_result("a body that is cut off", zmq_recv(s.router, cut, sizeof cut, 0));
    say("a body that is cut off", "%.2s, more %d", cut, get(s.router, ZMQ_RCVMORE));
    (void)zmq_send(s.peers[0], "half", 4, 0);
    say_result("between id and body", zmq_recv(s.router, cut, 0, 0));
    say("between id and body", "in %d", get(s.router, ZMQ_EVENTS) & ZMQ_POLLIN);
    sends("between id and body", s.router, "bob", "meanwhile");
    receive("between id and body", s.router);
    receive("between id and body", s.peers[1]);
    close_street(&s);
}

static void nobody(void)
{
    struct street s = open_street();
    sends("to nobody", s.router, "eve", "lost");
    sends("to somebody", s.router, "ann", "found");
    receive("to somebody", s.peers[0]);
    set(s.router, ZMQ_ROUTER_MANDATORY, 1);
    say_result("to nobody who must be there", zmq_send(s.router, "eve", 3, ZMQ_SNDMORE));
    sends("to somebody who must", s.router, "bob", "found");
    receive("to somebody who must", s.peers[1]);
    say_result("an id alone", zmq_send(s.router, "ann", 3, 0));
    sends("after an id alone", s.router, "ann", "on");
    receive("after an id alone", s.peers[0]);
    close_street(&s);
}

// The memory is the program's again as soon as the call returns, however much of it still waits.
static void large_ones(size_t size, int count)
{
    struct street s = open_street();
    char name[40];
    (void)snprintf(name, sizeof name, "%d of %zu octets", count, size);
    unsigned char *const octets = malloc(size);
    int right = 0;
    for (int i = 0; i < count; i++) {
        memset(octets, 'a' + i, size);
        if (zmq_send(s.router, i % 2 ? "bob" : "ann", 3, ZMQ_SNDMORE) != 3) say(name, "no id");
        if (zmq_send(s.router, octets, size, 0) != (int)size) say(name, "not sent");
        memset(octets, '!', size);
        if (zmq_send(s.peers[i % 2], octets, size, 0) != (int)size) say(name, "not sent back");
        memset(octets, '?', size);
    }
    for (int i = 0; i < count; i++) {
        zmq_msg_t msg;
        zmq_msg_init(&msg);
        (void)zmq_msg_recv(&msg, s.peers[i % 2], 0);
        const unsigned char *const data = zmq_msg_data(&msg);
        memset(octets, 'a' + i, size);
        right += zmq_msg_size(&msg) == size && memcmp(data, octets, size) == 0;
        (void)zmq_msg_recv(&msg, s.router, 0);
        (void)zmq_msg_recv(&msg, s.router, 0);
        memset(octets, '!', size);
        right += zmq_msg_size(&msg) == size && memcmp(zmq_msg_data(&msg), octets, size) == 0;
        zmq_msg_close(&msg);
    }
    say(name, "%d are right", right);
    free(octets);
    close_street(&s);
}

int main(void)
{
    short_ones();
    pieces();
    nobody();
    large_ones(65535, 20);
    large_ones(65536, 20);
    large_ones(1000000, 60);
    return 0;
}
